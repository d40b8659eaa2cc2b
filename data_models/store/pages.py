"""What other systems list, page by page: in an order that does not change under them, from where the last page ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from data_models import tables
from data_models.events import OWN_KINDS
from data_models.store.parts import parts


def tickets_page(
    session: Session,
    limit: int,
    after: tuple[datetime, str] | None = None,
    *,
    regions: Sequence[str] = (),
    states: Sequence[str] = (),
    severity: str = "",
    site: str = "",
) -> list[tables.Ticket]:
    """Tickets with their sites, the last opened first; `after` is when the last one of the page before was opened, and its id."""
    ticket = tables.Ticket
    query = select(ticket).options(joinedload(ticket.site)).order_by(ticket.opened_at.desc(), ticket.id.desc()).limit(limit)
    if after is not None:
        query = query.where(_before(ticket.opened_at, ticket.id, after))
    if regions:
        query = query.join(tables.Site, tables.Site.id == ticket.site_id).where(tables.Site.region.in_(regions))
    query = query.where(ticket.state.in_(states)) if states else query
    query = query.where(ticket.severity == severity) if severity else query
    return list(session.scalars(query.where(ticket.site_id == site) if site else query))


def plans_page(
    session: Session, limit: int, after: int | None = None, *, regions: Sequence[str] = (), state: str = ""
) -> list[tables.Plan]:
    """Plans without their routes, the newest first; those older than the one numbered `after`."""
    plan = tables.Plan
    query = select(plan).order_by(plan.id.desc()).limit(limit)
    query = query.where(plan.id < after) if after is not None else query
    query = query.where(plan.region.in_(regions)) if regions else query
    return list(session.scalars(query.where(plan.state == state) if state else query))


def plan_counts(session: Session, plans: Sequence[int]) -> dict[int, tuple[int, int]]:
    """How many tickets each plan serves and how many it leaves out, by number of the plan."""
    served = (
        select(tables.Route.plan_id, func.count(tables.Visit.ticket_id.distinct()))
        .join(tables.Visit, tables.Visit.route_id == tables.Route.id)
        .where(tables.Route.plan_id.in_(plans))
        .group_by(tables.Route.plan_id)
    )
    left = tables.Unassigned
    out = select(left.plan_id, func.count()).where(left.plan_id.in_(plans)).group_by(left.plan_id)
    planned = dict(session.execute(served).tuples().all())
    unplanned = dict(session.execute(out).tuples().all())
    return {number: (planned.get(number, 0), unplanned.get(number, 0)) for number in plans}


def stations_page(session: Session, limit: int, after: str = "", *, regions: Sequence[str] = ()) -> list[tables.Station]:
    """Stations in use with their kits, by id."""
    station = tables.Station
    query = select(station).where(station.retired_at.is_(None), station.id > after).options(selectinload(station.kits))
    query = query.where(station.region.in_(regions)) if regions else query
    return list(session.scalars(query.order_by(station.id).limit(limit)))


def technicians_page(
    session: Session, limit: int, after: str = "", *, regions: Sequence[str] = (), station: str = "", technician: str = ""
) -> list[tuple[tables.Technician, str]]:
    """Technicians in use with skills and positions, by id, each with the region of their station."""
    person = tables.Technician
    query = (
        select(person, tables.Station.region)
        .join(tables.Station, tables.Station.id == person.station_id)
        .where(person.retired_at.is_(None), person.id > after)
        .options(selectinload(person.skills), selectinload(person.position))
        .order_by(person.id)
        .limit(limit)
    )
    query = query.where(tables.Station.region.in_(regions)) if regions else query
    query = query.where(person.station_id == station) if station else query
    query = query.where(person.id == technician) if technician else query
    return [(row, region) for row, region in session.execute(query)]


def shifts_from(session: Session, technicians: Sequence[str], now: datetime, until: datetime) -> dict[str, list[tables.Shift]]:
    """The shifts of technicians that are not over at `now` and begin before `until`, by technician."""
    shift = tables.Shift
    query = select(shift).where(shift.technician_id.in_(technicians), shift.ends_at > now, shift.starts_at < until)
    found: dict[str, list[tables.Shift]] = {name: [] for name in technicians}
    for row in session.scalars(query.order_by(shift.starts_at)):
        found[row.technician_id].append(row)
    return found


def events_page(
    session: Session,
    limit: int,
    after: tuple[datetime, int] | None = None,
    *,
    regions: Sequence[str] = (),
    ticket: str = "",
    technician: str = "",
    own: bool = False,
) -> list[tuple[tables.Event, str]]:
    """Events with their notes, the last to happen first; with `regions`, those about tickets, people and stations there.

    With `own`, those that the store notes for itself too.
    """
    event = tables.Event
    query = select(event).order_by(event.at.desc(), event.id.desc()).limit(limit)
    query = query.where(_before(event.at, event.id, after)) if after is not None else query
    query = query.where(event.ticket_id == ticket) if ticket else query
    query = query.where(event.technician_id == technician) if technician else query
    query = query if own else query.where(event.kind.not_in(sorted(OWN_KINDS)))
    rows = list(session.scalars(query.where(_about(regions)) if regions else query))
    notes: dict[int, str] = {}
    for note in session.scalars(select(tables.EventNote).where(tables.EventNote.event_id.in_([row.id for row in rows]))):
        notes[note.event_id] = "; ".join(filter(None, (notes.get(note.event_id), note.note)))
    return [(row, notes.get(row.id, "")) for row in rows]


def audit_page(session: Session, limit: int, after: int | None = None, *, subject: str = "") -> list[tables.AuditEntry]:
    """Entries of the trail, the newest first; those before the one numbered `after`."""
    entry = tables.AuditEntry
    query = select(entry).order_by(entry.number.desc()).limit(limit)
    query = query.where(entry.number < after) if after is not None else query
    return list(session.scalars(query.where(entry.subject == subject) if subject else query))


def regions_of(
    session: Session, *, tickets: Sequence[str] = (), technicians: Sequence[str] = (), sites: Sequence[str] = ()
) -> dict[str, str]:
    """The region of each of these, keyed `ticket ID`, `technician ID`, `site ID` or `station ID`; those that are not known are left out.

    Stations are read whole, since there are few.
    """
    ticket, person, site, station = tables.Ticket, tables.Technician, tables.Site, tables.Station
    queries: list[tuple[str, Select[Any], Any, Sequence[str]]] = [
        ("ticket", select(ticket.id, site.region).join(site, site.id == ticket.site_id), ticket.id, tickets),
        ("technician", select(person.id, station.region).join(station, station.id == person.station_id), person.id, technicians),
        ("site", select(site.id, site.region), site.id, sites),
    ]
    found = {f"station {name}": region for name, region in session.execute(select(station.id, station.region))}
    for kind, query, column, ids in queries:
        for part in parts(ids):
            found |= {f"{kind} {name}": region for name, region in session.execute(query.where(column.in_(part)))}
    return found


def _before(moment: Any, number: Any, after: tuple[Any, Any]) -> Any:
    # Row values would be shorter; SQLAlchemy's types of both columns are kept this way.
    return or_(moment < after[0], and_(moment == after[0], number < after[1]))


def _about(regions: Sequence[str]) -> Any:
    event, ticket, site = tables.Event, tables.Ticket, tables.Site
    station, person = tables.Station, tables.Technician
    here = select(ticket.id).join(site, site.id == ticket.site_id).where(site.region.in_(regions))
    people = select(person.id).join(station, station.id == person.station_id).where(station.region.in_(regions))
    stations = select(station.id).where(station.region.in_(regions))
    # An event that names a ticket belongs to where the ticket is, whoever went there.
    return or_(
        event.ticket_id.in_(here),
        and_(event.ticket_id == "", event.technician_id.in_(people)),
        and_(event.ticket_id == "", event.technician_id == "", event.station_id.in_(stations)),
    )
