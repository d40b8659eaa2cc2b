"""Studies of planners and their scenarios."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, reference


class StoredStudy(Base):
    """A study, as its file: it is what planners begin with and is not changed."""

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    study_json: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class StoredScenario(Base):
    """A scenario of a study, as its file; `version` counts its changes, so that nobody overwrites what they have not seen."""

    __tablename__ = "scenario"
    __table_args__ = (UniqueConstraint("study_id", "name"), CheckConstraint("version >= 1", name="version"))

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(reference("study.id"))
    name: Mapped[str] = mapped_column(String(200))
    scenario_json: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(index=True)
