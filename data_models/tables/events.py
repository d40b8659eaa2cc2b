"""The log of what happened, what became of its events, and leases on work that only one may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, Id, reference

OF_A_STATION = "station_id != ''"
OF_A_ROAD = "kind = 'road_factor'"
"""Conditions of partial indexes: only a query that says the same, word by word, may use them on SQLite."""


class Event(Base):
    """Something that happened, as it was told: rows are added and never changed or deleted, which the database itself sees to.

    `at` is when it happened, `arrived_at` when it was told; `details` are the facts of its kind.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_ticket_id", "ticket_id"),
        Index("ix_event_technician_id", "technician_id"),
        # Few events are about kits or roads, and whoever asks for these must not look through all others.
        Index("ix_event_station_id", "station_id", sqlite_where=text(OF_A_STATION), postgresql_where=text(OF_A_STATION)),
        Index("ix_event_road", "at", sqlite_where=text(OF_A_ROAD), postgresql_where=text(OF_A_ROAD)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(index=True)
    arrived_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    ticket_id: Mapped[str] = mapped_column(Id, default="")
    technician_id: Mapped[str] = mapped_column(Id, default="")
    station_id: Mapped[str] = mapped_column(Id, default="")
    details: Mapped[dict[str, Any]]


class EventNote(Base):
    """What became of an event that does not simply count: derived from the log, and made anew with it."""

    __tablename__ = "event_note"
    __table_args__ = (CheckConstraint("verdict IN ('flagged', 'waits')", name="verdict"),)

    event_id: Mapped[int] = mapped_column(reference("event.id"), primary_key=True)
    about: Mapped[str] = mapped_column(String(16), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(300))


class Lease(Base):
    """Who is at work that only one may do at a time, and until when at the latest: whoever died is followed by another then."""

    __tablename__ = "lease"

    work: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]
