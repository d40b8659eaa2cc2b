"""What an answer that is wanted at once needs from the database: the company in outline, then the facts around one ticket.

The outline is read as columns, which is several times faster than objects; the facts are those that `load_facts` gives, for some stations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from data_models import tables
from data_models.case_files import parse_case
from data_models.context import BeingServed, read_context
from data_models.domain import CompanyFacts, OutBefore, PromisedVisit, ShiftKind, TicketFacts
from data_models.errors import NotFound
from data_models.store import facts as reading
from data_models.store.parts import parts

_Fact = TypeVar("_Fact")


@dataclass(frozen=True)
class AskedTicket:
    """A ticket in whatever state, as the company's facts with this ticket alone; `state` is also `done` or `cancelled`."""

    ticket: TicketFacts
    state: str
    closed_at: datetime | None
    alone: CompanyFacts


@dataclass(frozen=True)
class StationAt:
    """Where a station is, and its name and region."""

    id: str
    name: str
    lat: float
    lon: float
    region: str


@dataclass(frozen=True)
class PersonAt:
    """Who belongs to which station, what they can do today, where they become free when that was told, and whether they are absent now."""

    id: str
    name: str
    phone: str
    station: str
    skills: Mapping[str, int]
    told_at: tuple[float, float] | None
    is_absent: bool = False


@dataclass(frozen=True)
class Spell:
    """A shift; `latest` is its end with overtime."""

    technician: str
    starts_at: datetime
    ends_at: datetime
    latest: datetime
    kind: ShiftKind


@dataclass(frozen=True)
class PublishedPlan:
    """A published plan: its number, the region that it is for ("" is the whole company), and since when it is published."""

    id: int
    region: str
    published_at: datetime | None


@dataclass(frozen=True)
class Outline:
    """The whole company at a moment, as much of it as decides who could come: `visits` are those of all published plans that hold.

    For the people of a region that plan holds which was published last, for it or for the whole company; `plan_of` names it.
    """

    now: datetime
    until: datetime
    stations: Mapping[str, StationAt]
    people: Mapping[str, PersonAt]
    spells: tuple[Spell, ...]
    plan_of: Mapping[str, int]
    visits: tuple[PromisedVisit, ...]
    out_before: tuple[OutBefore, ...]
    served_before: tuple[BeingServed, ...]


def read_asked(session: Session, ticket: str, now: datetime) -> AskedTicket:
    """One ticket with its customer. Raises `NotFound`."""
    row = session.scalar(
        select(tables.Ticket)
        .where(tables.Ticket.id == ticket)
        .options(selectinload(tables.Ticket.site).selectinload(tables.Site.customer))
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(f"ticket {ticket} is not in the store; check its id, or bring it in with `twohour import`")
    facts = reading._ticket(row)
    return AskedTicket(facts, row.state, row.closed_at, facts_of_ticket(session, facts, now))


def facts_of_ticket(session: Session, ticket: TicketFacts, now: datetime) -> CompanyFacts:
    """The company's facts with one ticket, which need not be stored, its site, customer, contacts and contracts, and nobody to serve it.

    Raises `NotFound` when its site is not in the store.
    """
    site = session.scalar(select(tables.Site).where(tables.Site.id == ticket.site).options(selectinload(tables.Site.customer)))
    if site is None:
        raise NotFound(f"Ticket {ticket.id}: site {ticket.site} is not in the store; bring it in with `twohour import --table sites`")
    person = tables.Contact
    contacts = session.execute(_columns(person).where(person.customer_id == site.customer_id, person.retired_at.is_(None)))
    return CompanyFacts(
        now=now,
        until=now,
        customers=(reading._customer(site.customer),),
        sites=(reading._site(site),),
        contacts=tuple(reading._contact(row) for row in _by_id(contacts)),
        contracts=tuple(_contracts(session, {site.customer_id})),
        tickets=(ticket,),
    )


def read_outline(session: Session, now: datetime, horizon: timedelta, today: date) -> Outline:
    """The company in outline; certificates that are over on `today` count as absent."""
    until = now + horizon
    stations = session.execute(
        select(tables.Station.id, tables.Station.name, tables.Station.lat, tables.Station.lon, tables.Station.region).where(
            tables.Station.retired_at.is_(None)
        )
    )
    at = {row.id: StationAt(*row) for row in stations}
    skills: dict[str, dict[str, int]] = {}
    held = tables.TechnicianSkill
    for who, skill, level in session.execute(
        select(held.technician_id, held.skill, held.level).where(or_(held.expires_on.is_(None), held.expires_on > today))
    ):
        skills.setdefault(who, {})[skill] = level
    person, position = tables.Technician, tables.Position
    rows = session.execute(
        select(person.id, person.name, person.phone, person.station_id, position.lat, position.lon)
        .outerjoin(position, position.technician_id == person.id)
        .where(person.retired_at.is_(None))
        .order_by(person.id)
    )
    away = tables.Absence
    absent = set(session.scalars(select(away.technician_id).where(away.begins_at <= now, or_(away.ends_at.is_(None), away.ends_at > now))))
    people = {
        who: PersonAt(who, name, phone, station, skills.get(who, {}), None if lat is None else (lat, lon), who in absent)
        for who, name, phone, station, lat, lon in rows
        if station in at
    }
    chosen = _plan_of_regions(_published_plans(session), {station.region for station in at.values()})
    region_of = {who: at[one.station].region for who, one in people.items()}
    plans = sorted(set(chosen.values()))
    visits = tuple(visit for plan, visit in _visits(session, plans) if chosen.get(region_of.get(visit.technician, "")) == plan)
    left = [_left_over(*texts) for texts in _texts(session, plans)]
    return Outline(
        now=now,
        until=until,
        stations=at,
        people=people,
        spells=tuple(_spells(session, now, until)),
        plan_of=chosen,
        visits=visits,
        out_before=tuple(out for outs, _ in left for out in outs),
        served_before=tuple(served for _, serveds in left for served in serveds),
    )


def facts_around(session: Session, outline: Outline, stations: Collection[str], region: str = "") -> CompanyFacts:
    """The facts of some stations: their people, and the tickets that these are promised for.

    Parameters
    ----------
    stations
        Ids; where a crew comes from several stations, all of them.
    region
        Whose plan is `published_plan`.
    """
    inside = {who for who, one in outline.people.items() if one.station in stations}
    visits = tuple(visit for visit in outline.visits if visit.technician in inside)
    waiting = ("open", "planned", "under_way")
    rows = _of(session, tables.Ticket, {visit.ticket for visit in visits})
    tickets = [reading._ticket(row) for row in rows if row.state in waiting and row.opened_at <= outline.now]
    sites = [reading._site(row) for row in _of(session, tables.Site, {ticket.site for ticket in tickets})]
    customers = [reading._customer(row) for row in _of(session, tables.Customer, {site.customer for site in sites})]
    at = session.scalars(select(tables.Station).where(tables.Station.id.in_(sorted(stations))).options(selectinload(tables.Station.kits)))
    return CompanyFacts(
        now=outline.now,
        until=outline.until,
        region=region,
        customers=tuple(_by_id(customers)),
        sites=tuple(_by_id(sites)),
        contracts=tuple(_contracts(session, {customer.id for customer in customers})),
        stations=tuple(reading._station(row) for row in _by_id(at)),
        technicians=tuple(reading._technicians(session, set(stations), outline.now, outline.until)),
        tickets=tuple(_by_id(tickets)),
        promised=visits,
        published_plan=outline.plan_of.get(region),
        out_before=tuple(out for out in outline.out_before if out.technician in inside),
        served_before=outline.served_before,
        roads=tuple(reading._roads(session, outline.now)),
    )


def with_asked(facts: CompanyFacts, asked: CompanyFacts) -> CompanyFacts:
    """The facts with those of one ticket added, or in place of what they say of it."""
    return replace(
        facts,
        customers=_joined(facts.customers, asked.customers),
        sites=_joined(facts.sites, asked.sites),
        contacts=_joined(facts.contacts, asked.contacts),
        contracts=_joined(facts.contracts, asked.contracts),
        tickets=_joined(facts.tickets, asked.tickets),
    )


def _joined(facts: Sequence[_Fact], more: Sequence[_Fact]) -> tuple[_Fact, ...]:
    return tuple(_by_id({**{fact.id: fact for fact in facts}, **{fact.id: fact for fact in more}}.values()))  # type: ignore[attr-defined]


def as_of(facts: CompanyFacts, outline: Outline, now: datetime, until: datetime) -> tuple[CompanyFacts, Outline]:
    """What was read a little earlier, and for a little longer, as it is at `now`: the shifts between then and `until`."""
    people = tuple(
        replace(
            person,
            shifts=tuple(
                shift
                for shift in person.shifts
                if shift.ends_at + timedelta(minutes=shift.overtime_minutes) > now and shift.starts_at < until
            ),
        )
        for person in facts.technicians
    )
    spells = tuple(spell for spell in outline.spells if spell.latest > now and spell.starts_at < until)
    roads = tuple(road for road in facts.roads if road.ends_at > now)
    return replace(facts, now=now, until=until, technicians=people, roads=roads), replace(outline, now=now, until=until, spells=spells)


def _published_plans(session: Session) -> tuple[PublishedPlan, ...]:
    """The published plans, the one that was published last first."""
    row = tables.Plan
    found = session.execute(select(row.id, row.region, row.published_at).where(row.state == "published"))
    return tuple(PublishedPlan(*plan) for plan in sorted(found, key=lambda plan: (plan.published_at, plan.id), reverse=True))


def _plan_of_regions(plans: Sequence[PublishedPlan], regions: set[str]) -> dict[str, int]:
    chosen = {region: next((plan.id for plan in plans if plan.region in (region, "")), None) for region in sorted({*regions, ""})}
    return {region: plan for region, plan in chosen.items() if plan is not None}


def _visits(session: Session, plans: list[int]) -> Iterator[tuple[int, PromisedVisit]]:
    route, visit, site = tables.Route, tables.Visit, tables.Site
    rows = session.execute(
        select(
            route.plan_id, route.id, route.technician_id, route.departs_at, route.returns_at, route.kits,
            visit.ticket_id, visit.arrives_at, visit.starts_at, visit.finishes_at, site.lat, site.lon,
        )
        .join(visit, visit.route_id == route.id)
        .join(tables.Ticket, tables.Ticket.id == visit.ticket_id)
        .join(site, site.id == tables.Ticket.site_id)
        .where(route.plan_id.in_(plans))
        .order_by(route.id, visit.position)
    )  # fmt: skip
    before: tuple[int, datetime] | None = None
    for plan, number, who, departs, returns, kits, ticket, arrives, starts, finishes, lat, lon in rows:
        leaves = before[1] if before is not None and before[0] == number else departs
        yield plan, PromisedVisit(ticket, who, leaves, arrives, starts, finishes, returns, lat, lon, tuple(kits))
        before = number, finishes


def _texts(session: Session, plans: list[int]) -> list[tuple[str, str, str]]:
    row, made = tables.Plan, tables.Snapshot
    query = select(row.plan_json, made.case_json, made.context_json).join(made, made.id == row.snapshot_id)
    return [(plan, case, context) for plan, case, context in session.execute(query.where(row.id.in_(plans)).order_by(row.id))]


@lru_cache(maxsize=8)
def _left_over(plan_json: str, case_json: str, context_json: str) -> tuple[tuple[OutBefore, ...], tuple[BeingServed, ...]]:
    """What a plan left to earlier ones. Its texts never change, and reading them takes longer than all the rest."""
    return tuple(reading.out_before(plan_json, parse_case(case_json))), read_context(context_json).being_served


def _spells(session: Session, now: datetime, until: datetime) -> Iterator[Spell]:
    row = tables.Shift
    query = select(row.technician_id, row.starts_at, row.ends_at, row.overtime_minutes, row.kind)
    for who, starts, ends, overtime, kind in session.execute(
        query.where(row.ends_at > now - reading.LONGEST_OVERTIME, row.starts_at < until).order_by(row.starts_at)
    ):
        latest = ends + timedelta(minutes=overtime)
        if latest > now:
            yield Spell(who, starts, ends, latest, cast(ShiftKind, kind))


def _contracts(session: Session, customers: set[str]) -> Iterator[Any]:
    row = tables.Contract
    found = session.execute(_columns(row).where(row.retired_at.is_(None)))
    return (reading._contract(contract) for contract in _by_id(found) if contract.customer_id in customers)


def _columns(model: type[Any]) -> Any:
    return select(*model.__table__.c)


def _of(session: Session, model: type[Any], ids: Collection[str]) -> Iterator[Any]:
    """The rows of a table with these ids, as columns, which read like its objects."""
    for part in parts(sorted(ids)):
        yield from session.execute(_columns(model).where(model.id.in_(part)))


def _by_id(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: cast(str, row.id))
