"""Which events are kept and what is completed about them, by what the store knows of the company; and what it knew before the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.events import Arrived, Driving, Event, KitEvent, KnownKit, KnownTicket, Opened, details, subjects
from data_models.store.log import OWN, known_keys, told_ids
from data_models.store.parts import parts

FUTURE = timedelta(minutes=5)
"""How far a clock may go ahead of ours; an event that happens later than that is refused."""

USUAL_SERVICE_MINUTES = 60.0
"""Of a visit that neither its ticket nor the published plan tells the length of."""


def told_before(before: Event, again: Event) -> str:
    """Why an event with a key that is taken is not the same event told again; empty when it is."""
    facts = (before.kind, before.at, subjects(before)) == (again.kind, again.at, subjects(again))
    kept, told = details(before), details(again)
    return (
        ""
        if facts and all(kept.get(name) == value for name, value in told.items())
        else "the key was used by another event; give each its own"
    )


class Company:
    """What events refer to, read once for all of them."""

    def __init__(self, session: Session, events: Sequence[Event]) -> None:
        named = [subjects(event) for event in events]
        self.technicians = _ids(session, tables.Technician, {one["technician"] for one in named})
        self.sites = _ids(session, tables.Site, {event.site for event in events if isinstance(event, Opened)})
        stations = sorted({one["station"] for one in named} - {""})
        self.kits: dict[tuple[str, str], int] = {}
        kit = tables.StationKit
        for part in parts(stations):
            query = select(kit.station_id, kit.kit, kit.owned).where(kit.station_id.in_(part))
            self.kits |= {(station, name): owned for station, name, owned in session.execute(query)}
        visits = [event for event in events if isinstance(event, Driving | Arrived)]
        self.planned = _planned(session, {(event.technician, event.ticket) for event in visits})
        self.minutes = _service_minutes(session, {event.ticket for event in visits})

    def refuses(self, event: Event, arrived_at: datetime) -> str:
        """Why an event is not kept; empty when it is."""
        about = subjects(event)
        if event.at > arrived_at + FUTURE:
            return f"it happens at {event.at.isoformat()}, after now; set the clock that told it"
        if about["technician"] and about["technician"] not in self.technicians:
            return f"there is no technician {about['technician']}"
        if isinstance(event, Opened) and event.site not in self.sites:
            return f"there is no site {event.site}; import it first"
        if isinstance(event, KitEvent):
            owned = self.kits.get((event.station, event.kit), 0)
            if not owned:
                return f"station {event.station} owns no kit {event.kit}"
            if event.count > owned:
                return f"station {event.station} owns {owned} of kit {event.kit}, not {event.count}; give a count of at most {owned}"
        return ""

    def completed(self, event: Event) -> Event:
        """The event with the kits and the length of the visit that the published plan told when it arrived, so that the log is whole."""
        if not isinstance(event, Driving | Arrived):
            return event
        kits, minutes = self.planned.get((event.technician, event.ticket), ((), None))
        told = replace(event, kits=event.kits if event.kits is not None else kits)
        if isinstance(told, Arrived) and told.service_minutes is None:
            minutes = self.minutes.get(event.ticket) if minutes is None else minutes
            return replace(told, service_minutes=USUAL_SERVICE_MINUTES if minutes is None else minutes)
        return told


def known_before(session: Session, events: Iterable[Event], arrived_at: datetime) -> list[Event]:
    """What the tables say of tickets and kits that nothing was told about before these events: the state that the first of them meets."""
    events = list(events)
    tickets = {subjects(event)["ticket"] for event in events} - {""}
    kits = sorted({(event.station, event.kit) for event in events if isinstance(event, KitEvent)})
    return [*_known_tickets(session, tickets), *_known_kits(session, kits, arrived_at)]


def _known_tickets(session: Session, tickets: set[str]) -> Iterable[Event]:
    untold = tickets - told_ids(session, tables.Event.ticket_id, tickets)
    row = tables.Ticket
    for part in parts(sorted(untold)):
        query = select(row.id, row.state, row.opened_at, row.closed_at).where(row.id.in_(part)).order_by(row.id)
        for ticket, state, opened_at, closed_at in session.execute(query):
            yield KnownTicket(
                kind="ticket_known", at=opened_at, key=f"known ticket {ticket}", by=OWN, ticket=ticket,
                state=state, opened_at=opened_at, closed_at=closed_at,
            )  # fmt: skip


def _known_kits(session: Session, kits: Sequence[tuple[str, str]], arrived_at: datetime) -> Iterable[Event]:
    keys = {kit: f"known kit {kit[0]} {kit[1]}"[:200] for kit in kits}
    told = known_keys(session, list(keys.values()))
    for (station, kit), key in keys.items():
        stock = session.get(tables.StationKit, (station, kit)) if key not in told else None
        if stock is not None:
            yield KnownKit(kind="kit_known", at=arrived_at, key=key, by=OWN, station=station, kit=kit, broken=stock.broken)


def _ids(session: Session, model: Any, wanted: set[str]) -> set[str]:
    found: set[str] = set()
    for part in parts(sorted(wanted - {""})):
        found |= set(session.scalars(select(model.id).where(model.id.in_(part))))
    return found


def _planned(session: Session, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], tuple[tuple[str, ...], float | None]]:
    """Kits and minutes of visits of the published plans, by technician and ticket."""
    query = (
        select(tables.Route.technician_id, tables.Visit.ticket_id, tables.Route.kits, tables.Visit.starts_at, tables.Visit.finishes_at)
        .join(tables.Visit, tables.Visit.route_id == tables.Route.id)
        .join(tables.Plan, tables.Plan.id == tables.Route.plan_id)
        .where(tables.Plan.state == "published")
    )
    found: dict[tuple[str, str], tuple[tuple[str, ...], float | None]] = {}
    for part in parts(sorted({ticket for _, ticket in pairs})):
        for who, ticket, kits, begin, end in session.execute(query.where(tables.Visit.ticket_id.in_(part))):
            if (who, ticket) in pairs:
                found[who, ticket] = tuple(kits), (end - begin).total_seconds() / 60
    return found


def _service_minutes(session: Session, tickets: set[str]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for part in parts(sorted(tickets)):
        rows = session.execute(select(tables.Ticket.id, tables.Ticket.service_minutes).where(tables.Ticket.id.in_(part)))
        found |= {row.id: row.service_minutes for row in rows}
    return found
