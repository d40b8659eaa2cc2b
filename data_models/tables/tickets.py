"""Tickets and their promised clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data_models.tables.base import Base, Id, reference
from data_models.tables.company import Site


class Ticket(Base):
    """What a customer reported. Clocks, costs, duration, crew, skills and kits follow from policy unless set here."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("severity IN ('emergency', 'important', 'general')", name="severity"),
        CheckConstraint("state IN ('open', 'planned', 'under_way', 'done', 'cancelled')", name="state"),
        CheckConstraint("source IN ('phone', 'chat', 'email', 'sensor', 'web', 'file')", name="source"),
        CheckConstraint("crew >= 1", name="crew"),
        CheckConstraint("service_minutes >= 0", name="service"),
        CheckConstraint("load >= 0", name="load"),
        CheckConstraint("window_end >= window_start", name="window"),
        CheckConstraint("closed_at >= opened_at", name="closed"),
        Index("ix_ticket_state_opened_at", "state", "opened_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    site_id: Mapped[str] = mapped_column(reference("site.id"), index=True)
    severity: Mapped[str] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(String(64), default="")
    source: Mapped[str] = mapped_column(String(16), default="phone")
    title: Mapped[str] = mapped_column(String(200), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default="open")
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    service_minutes: Mapped[float | None]
    crew: Mapped[int | None]
    load: Mapped[float] = mapped_column(default=0.0)
    skills: Mapped[dict[str, Any] | None]
    kits: Mapped[list[str] | None]
    only: Mapped[list[str] | None]
    banned: Mapped[list[str] | None]

    site: Mapped[Site] = relationship()
    clocks: Mapped[list[TicketClock]] = relationship(cascade="all, delete-orphan")


class TicketClock(Base):
    """A promised clock of a ticket: contact, diagnosis, on_site, solution or closing."""

    __tablename__ = "ticket_clock"
    __table_args__ = (CheckConstraint("clock IN ('contact', 'diagnosis', 'on_site', 'solution', 'closing')", name="clock"),)

    ticket_id: Mapped[str] = mapped_column(reference("ticket.id"), primary_key=True)
    clock: Mapped[str] = mapped_column(String(16), primary_key=True)
    due_at: Mapped[datetime]
    met_at: Mapped[datetime | None]
