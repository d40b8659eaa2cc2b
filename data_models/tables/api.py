"""What the API keeps: answers to requests that carry a key, subscriptions of other systems, and what is to be delivered to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, Id, reference


class KeptAnswer(Base):
    """What a request with an idempotency key was answered, kept in the transaction of what it did.

    `caller` is who sent it, `request` a digest of method, address and body: the same key with another request is a mistake.
    """

    __tablename__ = "kept_answer"

    caller: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[str] = mapped_column(Text)


class Webhook(Base):
    """A subscription: which kinds of things are told to which address, and since when that fails."""

    __tablename__ = "webhook"
    __table_args__ = (CheckConstraint("(disabled_at IS NULL) = (disabled_for = '')", name="disabled"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[list[str]]
    regions: Mapped[list[str]]
    secret: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    failing_since: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_for: Mapped[str] = mapped_column(String(200), default="")


class WebhookDelivery(Base):
    """A message for a subscription. States and taking are those of notices: `next_try_at` moves ahead while somebody sends it."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "key"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_webhook_delivery_state_next_try_at", "state", "next_try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(reference("webhook.id"))
    key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(Id)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(200), default="")
