"""The visits of one technician in the store: what published plans say, what was told about them, and whom to call there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.events import Event
from data_models.store.log import event_in
from data_models.store.notices import contacts_to_tell
from data_models.store.parts import parts

LOOKED_BACK = timedelta(days=7)
"""How long after a plan was published its visits may still be told about: a phone may have been away for a holiday."""


@dataclass(frozen=True)
class PlannedVisit:
    """A visit of a plan that is or was published, with the facts of its ticket and site.

    Attributes
    ----------
    plan, snapshot, made_at
        The plan's number, that of what it was made from, and when it was made.
    leaves_at
        When the drive there begins: from the visit before, or with the trip.
    carried
        The kits that the trip carries.
    crew
        Names of the others who come.
    """

    plan: int
    snapshot: int
    made_at: datetime
    ticket: str
    leaves_at: datetime
    arrives_at: datetime
    starts_at: datetime
    finishes_at: datetime
    carried: tuple[str, ...]
    crew: tuple[str, ...]
    customer: str
    site: str
    site_name: str
    address: str
    region: str
    lat: float
    lon: float
    severity: str
    type: str
    product: str
    title: str
    description: str
    state: str


def published_visits(session: Session, technician: str, begin: datetime, end: datetime) -> list[PlannedVisit]:
    """The visits of published plans that a technician is at between two moments, in their order."""
    query = _visits(technician).where(tables.Plan.state == "published", tables.Visit.starts_at < end, tables.Visit.finishes_at >= begin)
    return _read(session, technician, query)


def last_planned(session: Session, technician: str, tickets: Collection[str], now: datetime) -> dict[str, PlannedVisit]:
    """For each of these tickets the visit of the last plan published with this technician; without those that no plan had lately."""
    found: dict[str, PlannedVisit] = {}
    for part in parts(sorted(tickets)):
        query = _visits(technician).where(tables.Visit.ticket_id.in_(part), tables.Plan.published_at >= now - LOOKED_BACK)
        found |= {visit.ticket: visit for visit in sorted(_read(session, technician, query), key=lambda visit: visit.plan)}
    return found


def told_by(session: Session, technician: str, since: datetime) -> list[Event]:
    """What was told about a technician since a moment, in the order in which it happened."""
    event = tables.Event
    query = select(event).where(event.technician_id == technician, event.at >= since).order_by(event.at, event.id)
    return [event_in(row) for row in session.scalars(query)]


def event_of_key(session: Session, key: str) -> Event | None:
    """The event of a key; None when none was told."""
    row = session.scalar(select(tables.Event).where(tables.Event.key == key))
    return None if row is None else event_in(row)


def contacts_at(session: Session, site: str) -> tuple[tuple[str, str], ...]:
    """Names and telephone numbers of whom to call at a site."""
    ids = contacts_to_tell(session, site)
    rows = {row.id: row for row in session.scalars(select(tables.Contact).where(tables.Contact.id.in_(ids)))}
    return tuple((rows[id_].name, rows[id_].phone) for id_ in ids if id_ in rows)


def snapshot_case(session: Session, snapshot: int) -> str:
    """The case that a plan was made from, as JSON."""
    return session.get_one(tables.Snapshot, snapshot).case_json


def _visits(technician: str) -> Select[Any]:
    """A technician's routes with all their visits' rows: where a drive begins is told by the visit before."""
    plan, route, visit, ticket, site = tables.Plan, tables.Route, tables.Visit, tables.Ticket, tables.Site
    return (
        select(
            plan.id.label("plan"), plan.snapshot_id, plan.created_at, route.id.label("route"), route.departs_at, route.kits,
            visit.position, visit.ticket_id, visit.arrives_at, visit.starts_at, visit.finishes_at, tables.Customer.name.label("customer"),
            site.id.label("site"), site.name.label("site_name"), site.address, site.region, site.lat, site.lon, ticket.severity,
            ticket.type, ticket.product, ticket.title, ticket.description, ticket.state,
        )
        .join(route, route.plan_id == plan.id)
        .join(visit, visit.route_id == route.id)
        .join(ticket, ticket.id == visit.ticket_id)
        .join(site, site.id == ticket.site_id)
        .join(tables.Customer, tables.Customer.id == site.customer_id)
        .where(route.technician_id == technician, or_(plan.state == "published", plan.published_at.is_not(None)))
        .order_by(visit.starts_at, plan.id, route.id, visit.position)
    )  # fmt: skip


def _read(session: Session, technician: str, query: Select[Any]) -> list[PlannedVisit]:
    rows = session.execute(query).all()
    before = _finishes(session, [row.route for row in rows])
    crews = _crews(session, technician, {(row.plan, row.ticket_id) for row in rows})
    return [
        PlannedVisit(
            plan=row.plan, snapshot=row.snapshot_id, made_at=row.created_at, ticket=row.ticket_id,
            leaves_at=before.get((row.route, row.position - 1), row.departs_at), arrives_at=row.arrives_at, starts_at=row.starts_at,
            finishes_at=row.finishes_at, carried=tuple(row.kits), crew=crews.get((row.plan, row.ticket_id), ()), customer=row.customer,
            site=row.site, site_name=row.site_name, address=row.address, region=row.region, lat=row.lat, lon=row.lon,
            severity=row.severity, type=row.type, product=row.product, title=row.title, description=row.description, state=row.state,
        )
        for row in rows
    ]  # fmt: skip


def _finishes(session: Session, routes: Sequence[int]) -> dict[tuple[int, int], datetime]:
    found: dict[tuple[int, int], datetime] = {}
    visit = tables.Visit
    for part in parts(sorted(set(routes))):
        rows = session.execute(select(visit.route_id, visit.position, visit.finishes_at).where(visit.route_id.in_(part)))
        found |= {(route, position): finish for route, position, finish in rows}
    return found


def _crews(session: Session, technician: str, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], tuple[str, ...]]:
    """Names of the others, by plan and ticket."""
    route, visit, person = tables.Route, tables.Visit, tables.Technician
    found: dict[tuple[int, str], tuple[str, ...]] = {}
    for part in parts(sorted({ticket for _, ticket in wanted})):
        query = (
            select(route.plan_id, visit.ticket_id, person.name)
            .join(visit, visit.route_id == route.id)
            .join(person, person.id == route.technician_id)
            .where(route.plan_id.in_({plan for plan, _ in wanted}), visit.ticket_id.in_(part), route.technician_id != technician)
            .order_by(person.name)
        )
        for plan, ticket, name in session.execute(query):
            found[plan, ticket] = (*found.get((plan, ticket), ()), name)
    return found
