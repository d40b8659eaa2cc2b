"""From the company's facts and its service policies to one planning problem: a pure function of what it is given.

The order of everything is by id, so that the same facts give the same case, byte by byte, and with it the same digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from data_models.case import (
    Break,
    Case,
    Commitment,
    GreatCircle,
    OutAt,
    Rates,
    Shift,
    Station,
    Technician,
    Ticket,
    TravelMatrix,
)
from data_models.case_files import case_json
from data_models.context import BeingServed, BrokenKits, Context, ExpiredCertificate, TechnicianContext, context_json
from data_models.datum import Point
from data_models.domain import (
    CompanyFacts,
    OutBefore,
    PromisedVisit,
    StationFacts,
    TechnicianFacts,
    TicketFacts,
)
from data_models.snapshot_tickets import Policies, ticket_of

__all__ = ["DEFAULT_TRAVEL", "Policies", "Snapshot", "case_places", "take_snapshot", "with_matrix"]

DEFAULT_TRAVEL = GreatCircle("great_circle", detour=1.3, speed_kmh=70.0)
"""The estimate that published road times support; see DECISIONS."""


@dataclass(frozen=True)
class Snapshot:
    """A case, and what belongs to it for people."""

    case: Case
    context: Context

    @cached_property
    def case_json(self) -> str:
        """The case as a `dispatch-case/1` file."""
        return case_json(self.case)

    @cached_property
    def context_json(self) -> str:
        """The context as JSON text."""
        return context_json(self.context)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of both texts: equal for equal snapshots on every machine."""
        return hashlib.sha256(f"{self.case_json}\n{self.context_json}".encode()).hexdigest()


@dataclass(frozen=True)
class _Day:
    """What every part of a snapshot is made from: `promised` and `being_served` by ticket, `routes` and `out_before` by technician."""

    facts: CompanyFacts
    policies: Policies
    zone: ZoneInfo
    promised: Mapping[str, tuple[PromisedVisit, ...]]
    routes: Mapping[str, tuple[PromisedVisit, ...]]
    being_served: Mapping[str, BeingServed]
    out_before: Mapping[str, OutBefore]

    @property
    def now(self) -> datetime:
        return self.facts.now

    @cached_property
    def waiting(self) -> frozenset[str]:
        """The tickets that are not closed."""
        return frozenset(ticket.id for ticket in self.facts.tickets)


def take_snapshot(
    facts: CompanyFacts,
    policies: Policies,
    *,
    rates: Rates = Rates(),  # noqa: B008 - frozen
    travel: GreatCircle = DEFAULT_TRAVEL,
    name: str = "",
) -> Snapshot:
    """The planning problem of `facts` at `facts.now`, with great-circle travel; `with_matrix` puts road times in.

    A skill counts when its certificate holds until the end of the technician's last shift of the horizon, overtime included, in the
    time zone of the default policy: on the day `expires_on` it is absent already. Kits out of order are not counted, and nobody
    is taken to have one. A ticket that is reported under way, or whose work has begun by the published plan, is not planned
    again: its crew becomes free where it is, and `context.being_served` lists it. Other visits of the published plan are
    committed, and locked when the drive to them has begun, or when their technician has to be at such a visit of a crew
    afterwards. Whoever drives to a visit becomes free at its site when they arrive, so that it begins as promised.

    Raises
    ------
    BadInput
        A contract names a policy that does not exist.
    """
    day = _day(facts, policies)
    stations = {station.id for station in facts.stations}
    people = tuple(person for person in facts.technicians if person.station in stations)
    starts = _with_kits_in_order(facts.stations, people, {person.id: _start(person, day) for person in people})
    tickets = tuple(ticket for ticket in facts.tickets if ticket.id not in day.being_served)
    made = [ticket_of(ticket, facts, policies, day.zone, {person.id for person in people}) for ticket in tickets]
    case = Case(
        name=name or f"{facts.region or 'all'} {facts.now.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        now=facts.now,
        travel=travel,
        stations=tuple(Station(s.id, s.name, s.lat, s.lon, _kits(s, people, starts)) for s in facts.stations),
        technicians=tuple(_technician(person, starts[person.id], day) for person in people),
        tickets=tuple(ticket for ticket, _ in made),
        rates=rates,
        committed=tuple(_commitments(day, {ticket.id for ticket in tickets}, starts)),
    )
    context = Context(
        tickets={ticket.id: context for ticket, context in made},
        technicians={p.id: TechnicianContext(p.name, p.phone, tuple(shift.kind for shift in p.shifts)) for p in people},
        station_addresses={station.id: station.address for station in facts.stations if station.address},
        expired=tuple(lost for person in people for lost in _expired(person, day)),
        broken_kits=tuple(BrokenKits(s.id, stock.kit, stock.broken) for s in facts.stations for stock in s.kits if stock.broken),
        being_served=tuple(day.being_served.values()),
        region=facts.region,
        follows_plan=facts.published_plan,
        travel_source=f"great circle × {travel.detour:g} at {travel.speed_kmh:g} km/h",
    )
    return Snapshot(case, context)


def _kits(station: StationFacts, people: Sequence[TechnicianFacts], starts: Mapping[str, OutAt | None]) -> dict[str, int]:
    """Kits in order, by type, and at least those that the station's people are out with: what somebody has is there, whatever was counted.

    People hold what they are out with until they are home, so that with a smaller number no plan could keep the rule on kits.
    """
    kits = {stock.kit: stock.owned - stock.broken for stock in station.kits}
    held = _held(station, people, starts)
    return kits | {kit: max(len(people_out), kits.get(kit, 0)) for kit, people_out in held.items()}


def _with_kits_in_order(
    stations: Sequence[StationFacts], people: Sequence[TechnicianFacts], starts: Mapping[str, OutAt | None]
) -> Mapping[str, OutAt | None]:
    """Where people become free, without the kits that are out of order.

    The log says how many of a station's kits are broken, not which. What more people are out with than are in order is taken from those
    who become free last, so that nobody is sent to work with a broken kit while another one that is in order is out, too.
    """
    found = dict(starts)
    for station in stations:
        held = _held(station, people, starts)
        for stock in station.kits:
            those = held.get(stock.kit, []) if stock.broken else []
            for _, name in sorted(those)[max(0, stock.owned - stock.broken) :]:
                start = found[name]
                if start is not None:
                    found[name] = replace(start, kits=tuple(kit for kit in start.kits if kit != stock.kit))
    return found


def _held(
    station: StationFacts, people: Sequence[TechnicianFacts], starts: Mapping[str, OutAt | None]
) -> dict[str, list[tuple[datetime, str]]]:
    """The people of a station who are out with kits of each type, with when they become free."""
    held: dict[str, list[tuple[datetime, str]]] = {}
    for person in people:
        start = starts[person.id]
        if person.station == station.id and start is not None:
            for kit in start.kits:
                held.setdefault(kit, []).append((start.at, person.id))
    return held


def case_places(case: Case) -> tuple[Point, ...]:
    """The different places of a case, in the order in which `with_matrix` expects them: stations, people out, tickets."""
    located: list[Station | OutAt | Ticket] = [*case.stations]
    located += [person.start for person in case.technicians if person.start]
    located += case.tickets
    return tuple(dict.fromkeys(Point(thing.lat, thing.lon) for thing in located))


def with_matrix(snapshot: Snapshot, matrix: TravelMatrix, source: str, notes: tuple[str, ...] = ()) -> Snapshot:
    """The snapshot with travel times between `case_places(snapshot.case)`, and where they come from."""
    case = snapshot.case
    index = {place: number for number, place in enumerate(case_places(case))}
    if len(matrix.seconds) != len(index):
        raise ValueError(f"matrix of {len(matrix.seconds)} places for {len(index)}")
    placed = replace(
        case,
        travel=matrix,
        stations=tuple(replace(item, place=index[Point(item.lat, item.lon)]) for item in case.stations),
        technicians=tuple(
            replace(item, start=replace(item.start, place=index[Point(item.start.lat, item.start.lon)])) if item.start else item
            for item in case.technicians
        ),
        tickets=tuple(replace(item, place=index[Point(item.lat, item.lon)]) for item in case.tickets),
    )
    return Snapshot(placed, replace(snapshot.context, travel_source=source, travel_notes=notes))


def _day(facts: CompanyFacts, policies: Policies) -> _Day:
    promised: dict[str, tuple[PromisedVisit, ...]] = {}
    routes: dict[str, tuple[PromisedVisit, ...]] = {}
    for visit in facts.promised:
        promised[visit.ticket] = (*promised.get(visit.ticket, ()), visit)
        routes[visit.technician] = (*routes.get(visit.technician, ()), visit)
    before = {item.ticket: item for item in facts.served_before}
    served = {
        ticket.id: found
        for ticket in facts.tickets
        if (found := _served(ticket, promised.get(ticket.id, ()), before.get(ticket.id), facts.now))
    }
    zone = ZoneInfo(policies.of(None).calendar.timezone)
    return _Day(facts, policies, zone, promised, routes, served, {out.technician: out for out in facts.out_before})


def _served(ticket: TicketFacts, visits: tuple[PromisedVisit, ...], before: BeingServed | None, now: datetime) -> BeingServed | None:
    begun = bool(visits) and min(visit.starts_at for visit in visits) <= now
    if ticket.state != "under_way" and not begun:
        return None
    if not visits and before is not None:
        return before
    return BeingServed(
        ticket.id,
        "reported" if ticket.state == "under_way" else "by_plan",
        tuple(sorted({visit.technician for visit in visits})),
        max((visit.finishes_at for visit in visits), default=None),
    )


# --- technicians ---


def _technician(person: TechnicianFacts, start: OutAt | None, day: _Day) -> Technician:
    last = _last_day(person, day)
    return Technician(
        id=person.id,
        name=person.name,
        station=person.station,
        skills={held.skill: held.level for held in person.skills if held.expires_on is None or held.expires_on > last},
        shifts=tuple(
            Shift(
                shift.starts_at,
                shift.ends_at,
                shift.overtime_minutes,
                (Break(shift.break_earliest, shift.break_latest, shift.break_minutes),)
                if shift.break_earliest and shift.break_latest and shift.break_minutes
                else (),
            )
            for shift in person.shifts
        ),
        capacity=person.capacity,
        start=start,
    )


def _last_day(person: TechnicianFacts, day: _Day) -> date:
    """The last local day on which the person may work within the horizon; today without shifts."""
    ends = [shift.ends_at + timedelta(minutes=shift.overtime_minutes) for shift in person.shifts]
    # A shift that ends at midnight does not reach into the next day.
    last = max(ends) - timedelta(microseconds=1) if ends else day.now
    return last.astimezone(day.zone).date()


def _expired(person: TechnicianFacts, day: _Day) -> list[ExpiredCertificate]:
    last = _last_day(person, day)
    lost = [(held, held.expires_on) for held in person.skills if held.expires_on is not None and held.expires_on <= last]
    return [ExpiredCertificate(person.id, held.skill, held.level, expires_on) for held, expires_on in lost]


def _start(person: TechnicianFacts, day: _Day) -> OutAt | None:
    """Where someone on the road becomes free: what is known last of them; None for someone at the station."""
    current = next((shift for shift in person.shifts if shift.ends_at > day.now), None)
    if current is None:
        return None
    legs = [visit for visit in day.routes.get(person.id, ()) if visit.leaves_at <= day.now and _is_driven(visit, day)]
    told = person.position
    if told is not None and told.free_at >= current.starts_at and all(leg.leaves_at < told.free_at for leg in legs):
        return OutAt(told.lat, told.lon, max(told.free_at, day.now), told.kits)
    if legs:
        return _on_the_road(max(legs, key=lambda leg: (leg.leaves_at, leg.starts_at)), day)
    return _still_out(day.out_before.get(person.id), next(s for s in day.facts.stations if s.id == person.station), day.now)


def _is_driven(visit: PromisedVisit, day: _Day) -> bool:
    """Whether the drive to the visit takes place: not when its ticket was closed before the visit."""
    return visit.starts_at <= day.now or visit.ticket in day.waiting


def _on_the_road(leg: PromisedVisit, day: _Day) -> OutAt | None:
    """Where someone is by the published plan whose last drive to a visit is `leg`."""
    if leg.returns_at <= day.now:
        return None
    if leg.starts_at > day.now:
        at = max(leg.arrives_at, day.now)
    elif leg.ticket in day.being_served:
        at = leg.finishes_at
    else:
        # A ticket that was closed before its planned finish holds nobody any longer.
        at = min(leg.finishes_at, day.now)
    # On the way home this moment is past, and stays: they and their kits are home no later for being planned again.
    return OutAt(leg.lat, leg.lon, at, leg.kits)


def _still_out(out: OutBefore | None, home: StationFacts, now: datetime) -> OutAt | None:
    """Where someone is who was out when the published plan was made and has not set out on a visit of it."""
    if out is None or (out.home_at is not None and out.home_at <= now):
        return None
    if out.leaves_at is not None and out.home_at is not None:
        if out.leaves_at <= now:
            return OutAt(home.lat, home.lon, out.home_at, out.kits)
        return OutAt(out.lat, out.lon, max(out.free_at, now), out.kits)
    return OutAt(out.lat, out.lon, max(out.free_at, now) if out.home_at is None else out.free_at, out.kits)


def _commitments(day: _Day, tickets: set[str], starts: Mapping[str, OutAt | None]) -> list[Commitment]:
    crews = {ticket: tuple(sorted({visit.technician for visit in day.promised[ticket]})) for ticket in tickets & day.promised.keys()}
    # Someone of the crew left the company or the region: the promise cannot be kept as it was.
    kept = {ticket: crew for ticket, crew in crews.items() if starts.keys() >= set(crew)}
    bound = {who for who, start in starts.items() if start is not None and _lacks_kits(start, who, kept.keys(), day)}
    bound |= {person.id for person in day.facts.technicians if any(a.begins_at <= day.now for a in person.absences)}
    locked = _locked(day, {ticket for ticket, crew in kept.items() if not bound & set(crew)})
    return [Commitment(ticket, crew, ticket in locked) for ticket, crew in sorted(kept.items())]


def _lacks_kits(out: OutAt, technician: str, tickets: Collection[str], day: _Day) -> bool:
    """Whether someone out must fetch other kits at the station before the next visit.

    To fetch them is no trip of its own in a case, so that what they are promised for cannot be locked: no plan could keep it.
    """
    ahead = [visit for visit in day.routes.get(technician, ()) if visit.ticket in tickets]
    following = min(ahead, key=lambda visit: visit.starts_at, default=None)
    return following is not None and not set(following.kits) <= set(out.kits)


def _locked(day: _Day, tickets: Collection[str]) -> set[str]:
    """Those of `tickets` that someone has set out for, and those that one of their crew is to serve before."""
    locked: set[str] = set()
    found = {ticket for ticket in tickets if any(visit.leaves_at <= day.now for visit in day.promised[ticket])}
    while found:
        locked |= found
        visits = [visit for ticket in found for visit in day.promised[ticket]]
        # Locked comes before unlocked: left unlocked, they would have to wait until after the meeting.
        sooner = {other.ticket for visit in visits for other in day.routes[visit.technician] if other.starts_at < visit.starts_at}
        found = (sooner & set(tickets)) - locked
    return locked
