"""Master data: customers, sites and contracts; stations, technicians, their skills, shifts, positions and absences."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data_models.tables.base import Base, Id, reference
from data_models.tables.sealed import KeepsSealed, Sealed


class Customer(Base):
    """Who buys the product and reports tickets; without a `downtime_cost_per_hour` the policy's holds."""

    __tablename__ = "customer"
    __table_args__ = (CheckConstraint("tier IN ('A', 'B', 'C')", name="tier"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    tier: Mapped[str] = mapped_column(String(1))
    segment: Mapped[str] = mapped_column(String(64), default="")
    downtime_cost_per_hour: Mapped[float | None]
    yearly_tonnes: Mapped[float | None]
    customer_since: Mapped[date | None]
    retired_at: Mapped[datetime | None]

    sites: Mapped[list[Site]] = relationship(back_populates="customer")


class Site(Base):
    """A place of a customer where work is done; coordinates are WGS-84."""

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[str] = mapped_column(reference("customer.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(400), default="")
    region: Mapped[str] = mapped_column(String(64), default="")
    lat: Mapped[float]
    lon: Mapped[float]
    retired_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(back_populates="sites")


class Contact(KeepsSealed, Base):
    """A person at a customer who is called about a site or about everything; who they are is sealed at rest."""

    __tablename__ = "contact"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[str] = mapped_column(reference("customer.id"), index=True)
    site_id: Mapped[str | None] = mapped_column(reference("site.id"))
    name: Mapped[str] = mapped_column(Sealed("contact", "name", 200))
    role: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(Sealed("contact", "phone", 64), default="")
    email: Mapped[str] = mapped_column(Sealed("contact", "email", 200), default="")
    retired_at: Mapped[datetime | None]


class Contract(Base):
    """A service contract: which policy holds for a customer, from when to when (both days included), and what it changes in it."""

    __tablename__ = "contract"
    __table_args__ = (CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="order"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[str] = mapped_column(reference("customer.id"), index=True)
    policy: Mapped[str] = mapped_column(String(64))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    on_site_minutes: Mapped[float | None]
    late_compensation_per_hour: Mapped[float | None]
    retired_at: Mapped[datetime | None]


class Station(Base):
    """A service station; `capacity` is how many technicians it can house, None without limit."""

    __tablename__ = "station"
    __table_args__ = (
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    region: Mapped[str] = mapped_column(String(64), default="")
    address: Mapped[str] = mapped_column(String(400), default="")
    lat: Mapped[float]
    lon: Mapped[float]
    capacity: Mapped[int | None]
    retired_at: Mapped[datetime | None]

    kits: Mapped[list[StationKit]] = relationship(cascade="all, delete-orphan")


class StationKit(Base):
    """How many kits of a type a station owns, and how many of these are out of order."""

    __tablename__ = "station_kit"
    __table_args__ = (CheckConstraint("owned >= 0 AND broken >= 0 AND broken <= owned", name="counts"),)

    station_id: Mapped[str] = mapped_column(reference("station.id"), primary_key=True)
    kit: Mapped[str] = mapped_column(Id, primary_key=True)
    owned: Mapped[int]
    broken: Mapped[int] = mapped_column(default=0)


class Technician(KeepsSealed, Base):
    """A person who drives and works; `capacity` is in units of load per trip, None without limit."""

    __tablename__ = "technician"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    station_id: Mapped[str] = mapped_column(reference("station.id"), index=True)
    phone: Mapped[str] = mapped_column(Sealed("technician", "phone", 64), default="")
    capacity: Mapped[float | None]
    retired_at: Mapped[datetime | None]

    skills: Mapped[list[TechnicianSkill]] = relationship(cascade="all, delete-orphan")
    shifts: Mapped[list[Shift]] = relationship(order_by="Shift.starts_at", back_populates="technician")
    position: Mapped[Position | None] = relationship(cascade="all, delete-orphan")


class TechnicianSkill(Base):
    """A skill at a level 1-3. `expires_on` is the first day on which the certificate no longer holds: from then on the skill is absent."""

    __tablename__ = "technician_skill"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 3", name="level"),)

    technician_id: Mapped[str] = mapped_column(reference("technician.id"), primary_key=True)
    skill: Mapped[str] = mapped_column(Id, primary_key=True)
    level: Mapped[int]
    certificate: Mapped[str] = mapped_column(String(100), default="")
    expires_on: Mapped[date | None]


class Shift(Base):
    """A spell of work of a technician: `kind` is regular, night or on_call."""

    __tablename__ = "shift"
    __table_args__ = (
        UniqueConstraint("technician_id", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint("kind IN ('regular', 'night', 'on_call')", name="kind"),
        CheckConstraint("overtime_minutes >= 0", name="overtime"),
        CheckConstraint(
            "(break_earliest IS NULL) = (break_minutes IS NULL) AND (break_latest IS NULL) = (break_minutes IS NULL)", name="break"
        ),
        CheckConstraint("break_earliest >= starts_at AND break_latest >= break_earliest AND break_latest <= ends_at", name="break_order"),
        CheckConstraint("break_minutes > 0", name="break_minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[str] = mapped_column(reference("technician.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    overtime_minutes: Mapped[float] = mapped_column(default=0.0)
    kind: Mapped[str] = mapped_column(String(16), default="regular")
    break_earliest: Mapped[datetime | None]
    break_latest: Mapped[datetime | None]
    break_minutes: Mapped[float | None]

    technician: Mapped[Technician] = relationship(back_populates="shifts")


class Position(Base):
    """Someone already on the road: free at that place from `free_at`, carrying `kits`."""

    __tablename__ = "position"

    technician_id: Mapped[str] = mapped_column(reference("technician.id"), primary_key=True)
    lat: Mapped[float]
    lon: Mapped[float]
    free_at: Mapped[datetime]
    kits: Mapped[list[str]]


class Absence(Base):
    """A technician cannot work: derived from the log."""

    __tablename__ = "absence"

    technician_id: Mapped[str] = mapped_column(reference("technician.id"), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(String(32))
