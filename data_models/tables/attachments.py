"""Photos that belong to tickets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, reference


class Attachment(Base):
    """A photo of a ticket, as it was encoded anew when it came; `key` is by what a second sending is known.

    `event_key` names the event that it was told with, which may come later; `content` is read only where it is asked for.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("width > 0 AND height > 0 AND size > 0", name="measures"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    ticket_id: Mapped[str] = mapped_column(reference("ticket.id"), index=True)
    technician_id: Mapped[str | None] = mapped_column(reference("technician.id"))
    event_key: Mapped[str] = mapped_column(String(200), default="")
    by: Mapped[str] = mapped_column(String(100))
    arrived_at: Mapped[datetime]
    media_type: Mapped[str] = mapped_column(String(32))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
