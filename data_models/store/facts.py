"""Reading the company from the database, as the facts of `domain`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, or_, select, text
from sqlalchemy.orm import Session, selectinload

from data_models import tables
from data_models.absences import present
from data_models.case import Case, OutAt, Severity, Station, Tier, TravelMatrix, current_shift, great_circle_km
from data_models.case_files import parse_plan
from data_models.domain import (
    AbsenceFacts,
    CompanyFacts,
    ContactFacts,
    ContractFacts,
    CustomerFacts,
    KitStock,
    OpenState,
    OutBefore,
    PositionFacts,
    PromisedVisit,
    RoadFacts,
    ShiftFacts,
    SiteFacts,
    SkillHeld,
    StationFacts,
    TechnicianFacts,
    TicketFacts,
)
from data_models.store.plans import published_plan, snapshot_of
from data_models.tables.events import OF_A_ROAD

LONGEST_OVERTIME = timedelta(days=1)
"""Shifts that ended less long ago are read too, as their overtime may still run; intake allows no more."""


def load_facts(session: Session, now: datetime, horizon: timedelta, region: str = "") -> CompanyFacts:
    """The company as it stands at `now`, with the tickets that wait for a visit and the shifts of the planning horizon.

    Parameters
    ----------
    now
        Aware. Tickets opened later are left out.
    horizon
        How far ahead is planned: shifts that begin before `now + horizon` are read, whole.
    region
        Only this region's stations, technicians and sites; empty for the whole company.
    """
    until = now + horizon
    stations = list(session.scalars(_in_region(_in_use(tables.Station), tables.Station, region).options(selectinload(tables.Station.kits))))
    tickets = [row for row in session.scalars(_waiting(now)) if region in ("", row.site.region)]
    sites = {row.site_id: row.site for row in tickets}
    customers = {site.customer_id: site.customer for site in sites.values()}
    plan = published_plan(session, region)
    made_from = None if plan is None else snapshot_of(plan)
    return CompanyFacts(
        now=now,
        until=until,
        region=region,
        customers=tuple(_customer(row) for row in _by_id(customers.values())),
        sites=tuple(_site(row) for row in _by_id(sites.values())),
        contacts=tuple(_contact(row) for row in _by_id(session.scalars(_in_use(tables.Contact))) if row.customer_id in customers),
        contracts=tuple(_contract(row) for row in _by_id(session.scalars(_in_use(tables.Contract))) if row.customer_id in customers),
        stations=tuple(_station(row) for row in _by_id(stations)),
        technicians=tuple(_technicians(session, {row.id for row in stations}, now, until)),
        tickets=tuple(_ticket(row) for row in _by_id(tickets)),
        promised=() if plan is None else tuple(promised_visits(session, plan)),
        published_plan=None if plan is None else plan.id,
        out_before=() if plan is None or made_from is None else tuple(out_before(plan.plan_json, made_from.case)),
        served_before=() if made_from is None else made_from.context.being_served,
        roads=tuple(_roads(session, now)),
    )


def promised_visits(session: Session, plan: tables.Plan) -> Iterator[PromisedVisit]:
    """The visits of a plan, by route and position."""
    query = select(tables.Ticket.id, tables.Site).join(tables.Ticket.site).join(tables.Visit, tables.Visit.ticket_id == tables.Ticket.id)
    rows = session.execute(query.join(tables.Route, tables.Route.id == tables.Visit.route_id).where(tables.Route.plan_id == plan.id))
    site_of = {row[0]: row[1] for row in rows}
    for route in plan.routes:
        leaving = [route.departs_at, *(visit.finishes_at for visit in route.visits)]
        for leaves_at, visit in zip(leaving, route.visits, strict=False):
            yield PromisedVisit(
                ticket=visit.ticket_id,
                technician=route.technician_id,
                leaves_at=leaves_at,
                arrives_at=visit.arrives_at,
                starts_at=visit.starts_at,
                finishes_at=visit.finishes_at,
                returns_at=route.returns_at,
                lat=site_of[visit.ticket_id].lat,
                lon=site_of[visit.ticket_id].lon,
                kits=tuple(route.kits),
            )


def out_before(plan_json: str, case: Case) -> Iterator[OutBefore]:
    """Who was on the road already when a plan of a case was made."""
    routes = parse_plan(plan_json).routes
    goes_on = {(route.technician, route.shift) for route in routes if route.stops}
    ways_home = {route.technician: route for route in reversed(routes) if not route.stops}  # trips without visits
    for person in case.technicians:
        out = person.start
        if out is not None and person.id in ways_home:
            way = ways_home[person.id]
            yield OutBefore(person.id, out.lat, out.lon, out.at, way.returns, out.kits, way.depart)
        elif out is not None:
            waits = (person.id, current_shift(person, case.now)) in goes_on
            home_at = None if waits else out.at + _drive_home(case, out, case.station_by_id[person.station])
            yield OutBefore(person.id, out.lat, out.lon, out.at, home_at, out.kits)


def _drive_home(case: Case, out: OutAt, home: Station) -> timedelta:
    if not isinstance(case.travel, TravelMatrix):
        km = great_circle_km(out.lat, out.lon, home.lat, home.lon) * case.travel.detour
        return timedelta(seconds=math.ceil(km / case.travel.speed_kmh * 3600))  # up, as formats.md says
    if out.place is None or home.place is None:
        raise ValueError("a case with a matrix has a place for everything")
    seconds = case.travel.seconds[out.place][home.place]
    # No way home is known: held to be out for as long as any shift may last.
    return timedelta(seconds=math.ceil(seconds)) if math.isfinite(seconds) else LONGEST_OVERTIME


def _in_use(model: type[Any]) -> Select[Any]:
    return select(model).where(model.retired_at.is_(None))


def _in_region(query: Select[Any], model: type[Any], region: str) -> Select[Any]:
    return query.where(model.region == region) if region else query


def _by_id(rows: Iterable[Any]) -> list[Any]:
    # Sorted here: PostgreSQL's order of texts depends on how the database was made, and a digest must not.
    return sorted(rows, key=lambda row: cast(str, row.id))


def _waiting(now: datetime) -> Select[tuple[tables.Ticket]]:
    return (
        select(tables.Ticket)
        .where(tables.Ticket.state.in_(("open", "planned", "under_way")), tables.Ticket.opened_at <= now)
        .options(selectinload(tables.Ticket.site).selectinload(tables.Site.customer))
    )


def _technicians(session: Session, stations: set[str], now: datetime, until: datetime) -> Iterator[TechnicianFacts]:
    # Read as columns: hundreds of people with their skills and shifts take a third of the time that objects do.
    person, position = tables.Technician, tables.Position
    columns = (person.id, person.name, person.station_id, person.phone, person.capacity)
    where = (position.technician_id, position.lat, position.lon, position.free_at, position.kits)
    rows = session.execute(
        select(*columns, *where)
        .outerjoin(position, position.technician_id == person.id)
        .where(person.retired_at.is_(None), person.station_id.in_(stations))
    )
    skills, shifts, absences = _skills(session, stations), _shifts(session, stations, now, until), _absences(session, now)
    for row in _by_id(rows):
        missing = tuple(absences.get(row.id, ()))
        yield TechnicianFacts(
            id=row.id,
            name=row.name,
            station=row.station_id,
            skills=tuple(sorted(skills.get(row.id, ()), key=lambda held: held.skill)),
            shifts=tuple(
                shift
                for shift in present(shifts.get(row.id, ()), missing)
                if shift.ends_at + timedelta(minutes=shift.overtime_minutes) > now
            ),
            phone=row.phone,
            capacity=row.capacity,
            position=None if row.technician_id is None else PositionFacts(row.lat, row.lon, row.free_at, tuple(row.kits)),
            absences=missing,
        )


def _skills(session: Session, stations: set[str]) -> dict[str, list[SkillHeld]]:
    held, found = tables.TechnicianSkill, dict[str, list[SkillHeld]]()
    query = select(held.technician_id, held.skill, held.level, held.expires_on, held.certificate)
    query = query.join(tables.Technician, tables.Technician.id == held.technician_id).where(tables.Technician.station_id.in_(stations))
    for who, *facts in session.execute(query):
        found.setdefault(who, []).append(SkillHeld(*facts))
    return found


def _shifts(session: Session, stations: set[str], now: datetime, until: datetime) -> dict[str, list[ShiftFacts]]:
    """Those between now and `until`, by technician, the first first."""
    row, found = tables.Shift, dict[str, list[ShiftFacts]]()
    rest = (row.break_earliest, row.break_latest, row.break_minutes)
    query = (
        select(row.technician_id, row.starts_at, row.ends_at, row.overtime_minutes, row.kind, *rest)
        .join(row.technician)
        .where(tables.Technician.station_id.in_(stations))
        .where(row.ends_at > now - LONGEST_OVERTIME, row.starts_at < until)
        .where(or_(row.ends_at > now, row.overtime_minutes > 0))
        .order_by(row.starts_at)
    )
    for who, *facts in session.execute(query):
        shift = ShiftFacts(*facts)
        if shift.ends_at + timedelta(minutes=shift.overtime_minutes) > now:
            found.setdefault(who, []).append(shift)
    return found


def _absences(session: Session, now: datetime) -> dict[str, list[AbsenceFacts]]:
    """Those that are not over, by technician, the first first."""
    row, found = tables.Absence, dict[str, list[AbsenceFacts]]()
    query = select(row.technician_id, row.begins_at, row.ends_at, row.kind).where(or_(row.ends_at.is_(None), row.ends_at > now))
    for who, *facts in session.execute(query.order_by(row.begins_at)):
        found.setdefault(who, []).append(AbsenceFacts(*facts))
    return found


def _roads(session: Session, now: datetime) -> Iterator[RoadFacts]:
    """Hindrances on the roads that hold at `now`, in the order in which they began."""
    event = tables.Event
    query = select(event.at, event.details).where(text(OF_A_ROAD), event.at <= now).order_by(event.at, event.id)
    for row in session.execute(query):
        told = row.details
        until = datetime.fromisoformat(told["until"])
        if until > now:
            yield RoadFacts(told["lat"], told["lon"], told["km"], told["factor"], row.at, until, told.get("reason", ""))


def _customer(row: tables.Customer) -> CustomerFacts:
    return CustomerFacts(row.id, row.name, cast(Tier, row.tier), row.segment, row.downtime_cost_per_hour)


def _site(row: tables.Site) -> SiteFacts:
    return SiteFacts(row.id, row.customer_id, row.name, row.lat, row.lon, row.address, row.region)


def _contact(row: tables.Contact) -> ContactFacts:
    return ContactFacts(row.id, row.customer_id, row.name, row.site_id, row.role, row.phone, row.email)


def _contract(row: tables.Contract) -> ContractFacts:
    return ContractFacts(
        row.id, row.customer_id, row.policy, row.starts_on, row.ends_on, row.on_site_minutes, row.late_compensation_per_hour
    )


def _station(row: tables.Station) -> StationFacts:
    kits = tuple(KitStock(stock.kit, stock.owned, stock.broken) for stock in sorted(row.kits, key=lambda stock: stock.kit))
    return StationFacts(row.id, row.name, row.lat, row.lon, row.region, row.address, kits)


def _ticket(row: tables.Ticket) -> TicketFacts:
    return TicketFacts(
        id=row.id,
        site=row.site_id,
        severity=cast(Severity, row.severity),
        type=row.type,
        opened_at=row.opened_at,
        state=cast(OpenState, row.state),
        product=row.product,
        source=row.source,
        title=row.title,
        description=row.description,
        due_at=row.due_at,
        not_before=row.not_before,
        window_start=row.window_start,
        window_end=row.window_end,
        service_minutes=row.service_minutes,
        crew=row.crew,
        load=row.load,
        skills=row.skills,
        kits=None if row.kits is None else tuple(row.kits),
        only=tuple(row.only or ()),
        banned=tuple(row.banned or ()),
    )


def demand_sites(session: Session, region: str = "") -> tuple[SiteFacts, ...]:
    """The sites in use where a ticket may come from, by id."""
    return tuple(_site(row) for row in _by_id(session.scalars(_in_region(_in_use(tables.Site), tables.Site, region))))
