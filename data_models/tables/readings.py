"""Sensor readings, what is remembered of each series, and what they opened."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, Id, reference


class Reading(Base):
    """What a sensor measured, as it was sent; never changed. `flaw` says why it was not believed; without a number `value` is None.

    `id` is a digest of site, sensor, quantity and the sender's key, so that the same reading is never kept twice.
    """

    __tablename__ = "reading"
    __table_args__ = (Index("ix_reading_series", "site_id", "sensor", "quantity", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(reference("site.id"))
    sensor: Mapped[str] = mapped_column(Id)
    quantity: Mapped[str] = mapped_column(Id)
    value: Mapped[float | None]
    unit: Mapped[str] = mapped_column(String(16))
    product: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    arrived_at: Mapped[datetime]
    flaw: Mapped[str] = mapped_column(String(16))


class TicketReading(Base):
    """A reading that led to a ticket; kept as long as the ticket."""

    __tablename__ = "ticket_reading"

    ticket_id: Mapped[str] = mapped_column(reference("ticket.id"), primary_key=True)
    reading_id: Mapped[str] = mapped_column(reference("reading.id"), primary_key=True, index=True)


class SensorSeries(Base):
    """What is remembered of one quantity of one sensor (`data_models.sensor_state.Series` as JSON text), and its trouble if any."""

    __tablename__ = "sensor_state"
    __table_args__ = (CheckConstraint("trouble IN ('', 'stuck', 'silent')", name="trouble"),)

    site_id: Mapped[str] = mapped_column(reference("site.id"), primary_key=True)
    sensor: Mapped[str] = mapped_column(Id, primary_key=True)
    quantity: Mapped[str] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    trouble: Mapped[str] = mapped_column(String(8))
    trouble_since: Mapped[datetime | None]
    silent_from: Mapped[datetime] = mapped_column(index=True)


class SensorGate(Base):
    """The last ticket that a sensor rule opened at a site: the primary key is why there is one open at a time."""

    __tablename__ = "sensor_gate"

    site_id: Mapped[str] = mapped_column(reference("site.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(Id, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(reference("ticket.id"), index=True)
    opened: Mapped[int] = mapped_column(BigInteger)
    closed: Mapped[int | None] = mapped_column(BigInteger)
    backers: Mapped[str] = mapped_column(Text)
