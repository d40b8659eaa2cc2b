"""What a plan means ticket by ticket and mile by mile: the facts that every picture and paper shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from data_models.case import SEVERITIES, Case, GreatCircle, Severity, Ticket, TravelMatrix, current_shift, great_circle_km
from data_models.errors import BadInput
from data_models.plan import BreakTaken, Plan, Route

Outcome = Literal["in_time", "late", "unplanned"]
Activity = Literal["drive", "wait", "work", "break"]


@dataclass(frozen=True)
class TicketLabel:
    """What people call a ticket: everything a picture or paper may show that a `Case` does not know.

    `clocks` maps a promise ("contact", "solution") to when it falls due. `reasons`, `blame` ("distance", "capacity") and
    `remedies` explain a ticket that is late or unplanned. `chance` is that of a planned ticket to be in time (0 to 1), `arrive_by`
    when its crew is there on nine days of ten, `doubtful` whether it is planned in time but not sure enough. All text is for
    reading; it is never run.
    """

    title: str = ""
    customer: str = ""
    site: str = ""
    address: str = ""
    contact: str = ""
    phone: str = ""
    product: str = ""
    note: str = ""
    clocks: Mapping[str, datetime] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    blame: str = ""
    remedies: tuple[str, ...] = ()
    chance: float | None = None
    arrive_by: datetime | None = None
    doubtful: bool = False


@dataclass(frozen=True)
class Place:
    """A point on the map; `place` is its index in a travel matrix."""

    lat: float
    lon: float
    place: int | None = None


@dataclass(frozen=True)
class Visit:
    """One technician's part in one ticket. `number` counts the technician's visits through the plan, from 1."""

    ticket: Ticket
    technician: str
    number: int
    drive_s: float
    drive_km: float
    arrive: datetime
    start: datetime
    finish: datetime


@dataclass(frozen=True)
class Spell:
    """What a technician does from `start` to `finish`, and between which two places."""

    activity: Activity
    start: datetime
    finish: datetime
    origin: Place
    destination: Place


@dataclass(frozen=True)
class Trip:
    """One route with its legs worked out; `spells` follow each other without a gap from departure to return."""

    route: Route
    origin: Place
    from_station: bool
    visits: tuple[Visit, ...]
    return_s: float
    return_km: float
    spells: tuple[Spell, ...]


@dataclass(frozen=True)
class TicketOutcome:
    """What the plan means for one ticket: `visits` holds one entry per crew member, `late_s` is 0 when in time or unplanned."""

    ticket: Ticket
    outcome: Outcome
    visits: tuple[Visit, ...]
    late_s: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SeverityFigures:
    """How the tickets of one severity fare; the three parts add up to `total`."""

    severity: Severity
    total: int
    in_time: int
    late: int
    unplanned: int


def drive(travel: GreatCircle | TravelMatrix, origin: Place, destination: Place) -> tuple[float, float]:
    """Seconds and kilometres of a drive, by the case's travel model; infinite where a matrix says unreachable."""
    if isinstance(travel, GreatCircle):
        km = great_circle_km(origin.lat, origin.lon, destination.lat, destination.lon) * travel.detour
        return float(math.ceil(km / travel.speed_kmh * 3600)), km  # up to the whole second, as the file format fixes it
    if origin.place is None or destination.place is None:
        raise BadInput("A travel matrix is given, but a location has no `place`: give every located thing its index")
    return travel.seconds[origin.place][destination.place], travel.metres[origin.place][destination.place] / 1000


def trips(case: Case, plan: Plan) -> tuple[Trip, ...]:
    """Every route of the plan with its legs, ordered by technician (as in the case), then by departure.

    Raises
    ------
    BadInput
        The plan names a technician or ticket that the case does not have.
    """
    _check_names(case, plan)
    rank = {technician.id: index for index, technician in enumerate(case.technicians)}
    routes = sorted(plan.routes, key=lambda route: (rank[route.technician], route.depart))
    seen: dict[str, int] = {}
    result = []
    for index, route in enumerate(routes):
        first = index == 0 or routes[index - 1].technician != route.technician
        result.append(_trip(case, route, first, seen.get(route.technician, 0)))
        seen[route.technician] = seen.get(route.technician, 0) + len(route.stops)
    return tuple(result)


def ticket_outcomes(case: Case, plan: Plan, journeys: tuple[Trip, ...]) -> tuple[TicketOutcome, ...]:
    """One outcome per ticket, in the order of the case. A ticket that the plan does not mention counts as unplanned."""
    visits: dict[str, list[Visit]] = {}
    for journey in journeys:
        for visit in journey.visits:
            visits.setdefault(visit.ticket.id, []).append(visit)
    reasons = {entry.ticket: entry.reasons for entry in plan.unassigned}
    return tuple(_outcome(ticket, tuple(visits.get(ticket.id, ())), reasons.get(ticket.id, ())) for ticket in case.tickets)


def chance_words(chance: float) -> str:
    """A chance as people say it; only what is certain is 0 % or 100 %."""
    percent = round(100 * chance)
    if percent == 100 and chance < 1:
        return "over 99 %"
    return "under 1 %" if percent == 0 and chance > 0 else f"{percent} %"


def expected_in_time(outcomes: tuple[TicketOutcome, ...], labels: Mapping[str, TicketLabel]) -> dict[Severity, float]:
    """How many tickets of each severity are in time on average; empty when no label has a chance."""
    known = [(item.ticket.severity, labels[item.ticket.id].chance) for item in outcomes if item.ticket.id in labels]
    if all(chance is None for _, chance in known):
        return {}
    return {severity: sum(chance or 0.0 for kind, chance in known if kind == severity) for severity in SEVERITIES}


def severity_figures(outcomes: tuple[TicketOutcome, ...]) -> tuple[SeverityFigures, ...]:
    """In time, late and unplanned per severity, most severe first; severities without tickets are left out."""
    figures = []
    for severity in SEVERITIES:
        kinds = [item.outcome for item in outcomes if item.ticket.severity == severity]
        if kinds:
            figures.append(SeverityFigures(severity, len(kinds), kinds.count("in_time"), kinds.count("late"), kinds.count("unplanned")))
    return tuple(figures)


def _outcome(ticket: Ticket, visits: tuple[Visit, ...], reasons: tuple[str, ...]) -> TicketOutcome:
    if not visits:
        return TicketOutcome(ticket, "unplanned", (), 0.0, reasons or ("not mentioned in the plan",))
    late_s = max(0.0, (max(visit.start for visit in visits) - ticket.due).total_seconds())
    return TicketOutcome(ticket, "late" if late_s else "in_time", visits, late_s, reasons)


def _check_names(case: Case, plan: Plan) -> None:
    problems = []
    for route in plan.routes:
        if route.technician not in case.technician_by_id:
            problems.append(f"Plan for {plan.case}: technician {route.technician} is not in the case; use the plan made from this case")
        problems += [
            f"Plan for {plan.case}: ticket {stop.ticket} is not in the case; use the plan made from this case"
            for stop in route.stops
            if stop.ticket not in case.ticket_by_id
        ]
    if problems:
        raise BadInput(*problems)


def _trip(case: Case, route: Route, first: bool, visited: int) -> Trip:
    technician = case.technician_by_id[route.technician]
    station = case.station_by_id[technician.station]
    home = Place(station.lat, station.lon, station.place)
    out = technician.start
    # Only the first trip of the shift that is running now begins where the technician already is.
    is_out = out is not None and first and route.shift == current_shift(technician, case.now)
    origin = Place(out.lat, out.lon, out.place) if out is not None and is_out else home
    here, free = origin, route.depart
    visits: list[Visit] = []
    spells: list[Spell] = []
    for offset, stop in enumerate(route.stops):
        ticket = case.ticket_by_id[stop.ticket]
        there = Place(ticket.lat, ticket.lon, ticket.place)
        drive_s, drive_km = drive(case.travel, here, there)
        visits.append(Visit(ticket, technician.id, visited + offset + 1, drive_s, drive_km, stop.arrive, stop.start, stop.finish))
        spells += _leg(here, there, free, stop.arrive, drive_s, route.breaks)
        spells += _pause(there, stop.arrive, stop.start, route.breaks)
        spells.append(Spell("work", stop.start, stop.finish, there, there))
        here, free = there, stop.finish
    return_s, return_km = drive(case.travel, here, home)
    spells += _leg(here, home, free, route.returns, return_s, route.breaks)
    return Trip(route, origin, not is_out, tuple(visits), return_s, return_km, tuple(spells))


def _leg(here: Place, there: Place, free: datetime, arrive: datetime, drive_s: float, breaks: tuple[BreakTaken, ...]) -> Iterator[Spell]:
    """Waiting, driving and resting between two places; the drive is as late as it may be, interrupted by breaks."""
    pauses = [pause for pause in breaks if free <= pause.start and pause.finish <= arrive]
    resting_s = 0.0
    leave = arrive - timedelta(seconds=min(drive_s, (arrive - free).total_seconds()))
    for pause in reversed(pauses):
        if pause.finish > leave:  # a break on the way makes the departure earlier by as much
            resting_s += (pause.finish - pause.start).total_seconds()
            leave = max(free, arrive - timedelta(seconds=drive_s + resting_s)) if math.isfinite(drive_s) else free
    yield from _pause(here, free, leave, tuple(pauses))
    moving_s = max(1.0, (arrive - leave).total_seconds() - resting_s)
    clock, done_s, at = leave, 0.0, here
    for pause in pauses:
        if pause.finish <= leave:
            continue
        done_s += (pause.start - clock).total_seconds()
        share = min(1.0, done_s / moving_s)
        reached = Place(here.lat + share * (there.lat - here.lat), here.lon + share * (there.lon - here.lon))
        if pause.start > clock:
            yield Spell("drive", clock, pause.start, at, reached)
        yield Spell("break", pause.start, pause.finish, reached, reached)
        clock, at = pause.finish, reached
    if arrive > clock:
        yield Spell("drive", clock, arrive, at, there)


def _pause(place: Place, start: datetime, finish: datetime, breaks: tuple[BreakTaken, ...]) -> Iterator[Spell]:
    """Waiting at a place, with the breaks that fall into it."""
    clock = start
    for pause in breaks:
        if start <= pause.start and pause.finish <= finish:
            if pause.start > clock:
                yield Spell("wait", clock, pause.start, place, place)
            yield Spell("break", pause.start, pause.finish, place, place)
            clock = pause.finish
    if finish > clock:
        yield Spell("wait", clock, finish, place, place)
