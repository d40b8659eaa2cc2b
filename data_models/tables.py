"""The tables: what the store keeps, typed for SQLAlchemy 2.0, the same on SQLite and PostgreSQL.

Master data (customers to shifts) is written by intake, tickets by intake and events, plans by the flows. Rows that a
plan may refer to are never deleted: they get `retired_at`. Ids are the company's own, any Unicode; surrogate keys are
used only where the company has no name for the thing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC; naive ones are refused, so that no clock is ever guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time without an offset: {value.isoformat()}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite forgets the offset; what was bound was UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of all tables; the naming convention lets Alembic drop constraints by name on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }


Id = String(64)


def _reference(column: str) -> ForeignKey:
    """A reference that keeps what it points to from being deleted."""
    return ForeignKey(column, ondelete="RESTRICT")


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
    customer_id: Mapped[str] = mapped_column(_reference("customer.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(400), default="")
    region: Mapped[str] = mapped_column(String(64), default="")
    lat: Mapped[float]
    lon: Mapped[float]
    retired_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(back_populates="sites")


class Contact(Base):
    """A person at a customer who is called about a site or about everything."""

    __tablename__ = "contact"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[str] = mapped_column(_reference("customer.id"), index=True)
    site_id: Mapped[str | None] = mapped_column(_reference("site.id"))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(64), default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    retired_at: Mapped[datetime | None]


class Contract(Base):
    """A service contract: which policy holds for a customer, from when to when (both days included), and what it changes in it."""

    __tablename__ = "contract"
    __table_args__ = (CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="order"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[str] = mapped_column(_reference("customer.id"), index=True)
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

    station_id: Mapped[str] = mapped_column(_reference("station.id"), primary_key=True)
    kit: Mapped[str] = mapped_column(Id, primary_key=True)
    owned: Mapped[int]
    broken: Mapped[int] = mapped_column(default=0)


class Technician(Base):
    """A person who drives and works; `capacity` is in units of load per trip, None without limit."""

    __tablename__ = "technician"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    station_id: Mapped[str] = mapped_column(_reference("station.id"), index=True)
    phone: Mapped[str] = mapped_column(String(64), default="")
    capacity: Mapped[float | None]
    retired_at: Mapped[datetime | None]

    skills: Mapped[list[TechnicianSkill]] = relationship(cascade="all, delete-orphan")
    shifts: Mapped[list[Shift]] = relationship(order_by="Shift.starts_at", back_populates="technician")
    position: Mapped[Position | None] = relationship(cascade="all, delete-orphan")


class TechnicianSkill(Base):
    """A skill at a level 1-3. `expires_on` is the first day on which the certificate no longer holds: from then on the skill is absent."""

    __tablename__ = "technician_skill"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 3", name="level"),)

    technician_id: Mapped[str] = mapped_column(_reference("technician.id"), primary_key=True)
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
    technician_id: Mapped[str] = mapped_column(_reference("technician.id"))
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

    technician_id: Mapped[str] = mapped_column(_reference("technician.id"), primary_key=True)
    lat: Mapped[float]
    lon: Mapped[float]
    free_at: Mapped[datetime]
    kits: Mapped[list[str]]


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
    site_id: Mapped[str] = mapped_column(_reference("site.id"), index=True)
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

    ticket_id: Mapped[str] = mapped_column(_reference("ticket.id"), primary_key=True)
    clock: Mapped[str] = mapped_column(String(16), primary_key=True)
    due_at: Mapped[datetime]
    met_at: Mapped[datetime | None]


class Reading(Base):
    """What a sensor measured, as it was sent; never changed. `flaw` says why it was not believed; without a number `value` is None.

    `id` is a digest of site, sensor, quantity and the sender's key, so that the same reading is never kept twice.
    """

    __tablename__ = "reading"
    __table_args__ = (Index("ix_reading_series", "site_id", "sensor", "quantity", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(_reference("site.id"))
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

    ticket_id: Mapped[str] = mapped_column(_reference("ticket.id"), primary_key=True)
    reading_id: Mapped[str] = mapped_column(_reference("reading.id"), primary_key=True, index=True)


class SensorSeries(Base):
    """What is remembered of one quantity of one sensor (`data_models.sensor_state.Series` as JSON text), and its trouble if any."""

    __tablename__ = "sensor_state"
    __table_args__ = (CheckConstraint("trouble IN ('', 'stuck', 'silent')", name="trouble"),)

    site_id: Mapped[str] = mapped_column(_reference("site.id"), primary_key=True)
    sensor: Mapped[str] = mapped_column(Id, primary_key=True)
    quantity: Mapped[str] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    trouble: Mapped[str] = mapped_column(String(8))
    trouble_since: Mapped[datetime | None]
    silent_from: Mapped[datetime] = mapped_column(index=True)


class SensorGate(Base):
    """The last ticket that a sensor rule opened at a site: the primary key is why there is one open at a time."""

    __tablename__ = "sensor_gate"

    site_id: Mapped[str] = mapped_column(_reference("site.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(Id, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(_reference("ticket.id"), index=True)
    opened: Mapped[int] = mapped_column(BigInteger)
    closed: Mapped[int | None] = mapped_column(BigInteger)
    backers: Mapped[str] = mapped_column(Text)


class Snapshot(Base):
    """What a plan was made from: the case as a file, what explanations need beside it, and a digest of both."""

    __tablename__ = "snapshot"

    id: Mapped[int] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    case_json: Mapped[str] = mapped_column(Text)
    context_json: Mapped[str] = mapped_column(Text)


_PUBLISHED = text("state = 'published'")


class Plan(Base):
    """One version of a plan. Routes and visits are rows, so that they can be asked about; the file is kept as it was made.

    A plan that breaks a rule stays a draft or is rejected, and per region ("" is the whole company) at most one plan is
    published: the database itself refuses anything else.
    """

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'approved', 'published', 'rejected', 'superseded')", name="state"),
        CheckConstraint("violations = 0 OR state IN ('draft', 'rejected')", name="sound"),
        CheckConstraint("violations >= 0", name="violations"),
        UniqueConstraint("name", "version"),
        Index(
            "uq_plan_published",
            "region",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int] = mapped_column(_reference("snapshot.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(_reference("plan.id"))
    region: Mapped[str] = mapped_column(String(64), default="")
    name: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="draft", index=True)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    seed: Mapped[int] = mapped_column(BigInteger)
    iterations: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]
    score: Mapped[dict[str, Any]]
    violations: Mapped[int]
    plan_json: Mapped[str] = mapped_column(Text)
    explanation_json: Mapped[str] = mapped_column(Text)
    row_version: Mapped[int] = mapped_column()

    snapshot: Mapped[Snapshot] = relationship()
    routes: Mapped[list[Route]] = relationship(order_by="Route.id")
    unassigned: Mapped[list[Unassigned]] = relationship(order_by="Unassigned.ticket_id")
    approvals: Mapped[list[Approval]] = relationship(order_by="Approval.id")

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012


class Route(Base):
    """One trip of a technician within a plan."""

    __tablename__ = "route"

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(_reference("plan.id"), index=True)
    technician_id: Mapped[str] = mapped_column(_reference("technician.id"))
    departs_at: Mapped[datetime]
    returns_at: Mapped[datetime]
    kits: Mapped[list[str]]

    visits: Mapped[list[Visit]] = relationship(order_by="Visit.position")


class Visit(Base):
    """A ticket planned at a time by a technician; a crew of two gives two visits."""

    __tablename__ = "visit"

    route_id: Mapped[int] = mapped_column(_reference("route.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[str] = mapped_column(_reference("ticket.id"), index=True)
    arrives_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    finishes_at: Mapped[datetime]


class Unassigned(Base):
    """A ticket that a plan leaves out, with the reasons in words."""

    __tablename__ = "unassigned"

    plan_id: Mapped[int] = mapped_column(_reference("plan.id"), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(_reference("ticket.id"), primary_key=True, index=True)
    reasons: Mapped[list[str]]


class Approval(Base):
    """Who decided what about a plan, when and why."""

    __tablename__ = "approval"
    __table_args__ = (CheckConstraint("decision IN ('approved', 'rejected', 'published')", name="decision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(_reference("plan.id"), index=True)
    decision: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")


class PlanEdit(Base):
    """A change of a draft by hand, with the plan after it. Only whether it counts is ever changed: `undone`, by whom and when.

    The row of an edit holds the change alone: the case with it is the snapshot's with the changes of all edits up to it.
    """

    __tablename__ = "plan_edit"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('', 'customer_asked', 'local_knowledge', 'technician_asked', 'safety', 'training', 'traffic', 'equipment', "
            "'other')",
            name="reason",
        ),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("follows >= 0 AND follows < number", name="follows"),
        Index("ix_plan_edit_at", "at"),
    )

    plan_id: Mapped[int] = mapped_column(_reference("plan.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    follows: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    plan_json: Mapped[str] = mapped_column(Text)
    cost_before: Mapped[float]
    cost_after: Mapped[float]
    undone: Mapped[bool] = mapped_column(default=False)
    marked_by: Mapped[str] = mapped_column(String(100), default="")
    marked_at: Mapped[datetime | None]


class Event(Base):
    """Something that happened, as it was told: rows are added and never changed or deleted, which the database itself sees to.

    `at` is when it happened, `arrived_at` when it was told; `details` are the facts of its kind.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_ticket_id", "ticket_id"), Index("ix_event_technician_id", "technician_id"))

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

    event_id: Mapped[int] = mapped_column(_reference("event.id"), primary_key=True)
    about: Mapped[str] = mapped_column(String(16), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(300))


class Absence(Base):
    """A technician cannot work: derived from the log."""

    __tablename__ = "absence"

    technician_id: Mapped[str] = mapped_column(_reference("technician.id"), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(String(32))


class Lease(Base):
    """Who is at work that only one may do at a time, and until when at the latest: whoever died is followed by another then."""

    __tablename__ = "lease"

    work: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]


class TravelTime(Base):
    """What a provider answered for the pairs that begin at one place; `legs` packs the destinations (`travel.cache`)."""

    __tablename__ = "travel_time"

    provider: Mapped[str] = mapped_column(String(120), primary_key=True)
    from_lat_e6: Mapped[int] = mapped_column(primary_key=True)
    from_lon_e6: Mapped[int] = mapped_column(primary_key=True)
    # Measured for 500 places: a row per pair takes 3.9 s to write, 0.9 s to read and 52 MB; packed by origin see DECISIONS.
    legs: Mapped[bytes] = mapped_column(LargeBinary)


class GeocodedAddress(Base):
    """What a geocoder answered for an address; `matches` holds its candidates, best first, none when it knew nothing."""

    __tablename__ = "geocoded_address"

    provider: Mapped[str] = mapped_column(String(120), primary_key=True)
    query: Mapped[str] = mapped_column(String(400), primary_key=True)
    matches: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    fetched_at: Mapped[datetime]


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


class Account(Base):
    """Somebody who can log in: by password, or by the `subject` that an OpenID provider knows them by."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'coordinator', 'planner', 'technician', 'administrator')", name="role"),
        CheckConstraint("language IN ('', 'zh', 'en')", name="language"),
        CheckConstraint("role != 'technician' OR technician_id IS NOT NULL", name="technician"),
        UniqueConstraint("login"),
        UniqueConstraint("subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    regions: Mapped[list[str]]
    technician_id: Mapped[str | None] = mapped_column(_reference("technician.id"))
    language: Mapped[str] = mapped_column(String(8))
    password_hash: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class LoginSession(Base):
    """Somebody logged in with a browser; `digest` is of the token that only the browser has."""

    __tablename__ = "login_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(_reference("account.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class ApiToken(Base):
    """What a machine shows to the API; `digest` is of the token that only the machine has."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]
    regions: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what: rows are added and never changed or deleted, which the database sees to and the chain of hashes shows."""

    __tablename__ = "audit_entry"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
