"""The outbox of notices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, Id


class Notice(Base):
    """A message that waits to be sent, or was: written in the transaction of what it tells, sent after it.

    `key` lets the receiver drop doubles and holds no customer data; `payload` holds only what the template shows. `channel` names the
    variable of the environment that holds the address, so that no secret is kept. `next_try_at` is moved ahead by whoever takes a notice to
    send it: if that one dies, it comes up again by itself.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("audience IN ('technician', 'coordinator', 'customer')", name="audience"),
        CheckConstraint("language IN ('zh', 'en')", name="language"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed', 'dropped')", name="state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_notice_state_next_try_at", "state", "next_try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(300))
    audience: Mapped[str] = mapped_column(String(16))
    recipient_id: Mapped[str] = mapped_column(Id, default="")
    channel: Mapped[str] = mapped_column(String(100))
    template: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(200), default="")
