"""One ticket put into a plan without harm to any other: the re-solving that confirms a remedy.

Only the people of a few stations are looked at, so that a question costs the same in a plan of ten tickets and of a
thousand: the case is cut down to them (`restrict`), every other ticket is kept from starting later than it does now, or than
its due time (`protect`), and the ticket is tried at every position of the routes of those who may take it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, islice, product

from data_models.case import Case, Commitment, Station, Technician, Ticket, TimeWindow, TravelMatrix
from data_models.errors import BadInput
from data_models.plan import Plan, Route, Stop, Unassigned
from optimizer.problem import Problem, build_problem, from_plan, to_plan
from optimizer.schedule import carried, propagate, schedule
from optimizer.score import score
from optimizer.solution import Broken, Schedule, Solution

MOST_SCHEDULES = 600
"""Insertions of a crew that one question may time, the cheapest detours first, fewer for large crews; a single technician has far fewer."""

MOST_CREWS = 20_000
"""Crews that one question may look at, the cheapest people first."""


@dataclass(frozen=True)
class Repaired:
    """A whole plan that now serves the ticket: when, by whom, and what it costs more than the plan before."""

    plan: Plan
    start: datetime
    technicians: tuple[str, ...]
    cost_change: float


@dataclass(frozen=True)
class Question:
    """Can `ticket` be served by `among` between now and `latest` (None: whenever), without harm to others?

    `stations` are those whose people may be moved; `soonest` asks for the earliest start rather than the cheapest.
    """

    ticket: str
    among: frozenset[str]
    stations: frozenset[str]
    latest: datetime | None
    soonest: bool = False


def serve_too(before: Case, case: Case, plan: Plan, question: Question) -> Repaired | None:
    """The plan with the ticket in it as asked, or None when no single insertion does it.

    Parameters
    ----------
    before
        The case that `plan` was made for; its cost there is what `cost_change` counts from.
    case
        The same case, or one with a change made.
    plan
        A plan that keeps the rules of `before`, one trip a shift where people may be moved; others stay as they are.
    question
        What is asked.
    """
    inside = _movable(case, plan, question)
    if not all(name in inside for route in plan.routes for name in [route.technician] if _visits(route, question.ticket)):
        return None
    part = restrict(case, plan, inside, question.ticket)
    local = replace(plan, routes=tuple(route for route in plan.routes if route.technician in inside), unassigned=())
    guarded = protect(part, plan, question)
    problem = build_problem(guarded)
    try:
        found = _insert(problem, _solution_of(problem, local, question.ticket), question)
    except BadInput:  # a route in a shift that is over
        return None
    if found is None:
        return None
    routes = to_plan(problem, found).routes
    stops = [(route.technician, stop) for route in routes for stop in route.stops if stop.ticket == question.ticket]
    old = restrict(before, plan, inside & before.technician_by_id.keys(), question.ticket)
    new_local = replace(local, routes=routes)
    left = tuple(each for each in plan.unassigned if each.ticket != question.ticket)
    kept = tuple(route for route in plan.routes if route.technician not in inside)
    return Repaired(
        plan=replace(plan, routes=(*kept, *routes), unassigned=left, solver=None),
        start=max(stop.start for _, stop in stops),
        technicians=tuple(sorted(name for name, _ in stops)),
        cost_change=score(part, new_local).cost.total - score(old, _with_unassigned(old, local)).cost.total,
    )


def restrict(case: Case, plan: Plan, inside: frozenset[str] | set[str], ticket: str) -> Case:
    """The case of the people `inside` alone: their stations, what they visit in the plan, and `ticket`.

    A visit that they share with others is fixed at its time, with what the others bring taken off its demands. Kits that
    people left out have on their routes are taken off their station's stock for the whole day.
    """
    people = tuple(who for who in case.technicians if who.id in inside)
    crews: dict[str, list[tuple[Route, Stop]]] = {}
    for route in plan.routes:
        for stop in route.stops:
            crews.setdefault(stop.ticket, []).append((route, stop))
    tickets: list[Ticket] = []
    committed: list[Commitment] = []
    for each in case.tickets:
        visits = crews.get(each.id, [])
        mine = tuple(route.technician for route, _ in visits if route.technician in inside)
        if not mine and each.id != ticket:
            continue
        told = case.commitment_by_ticket.get(each.id)
        if each.id == ticket or len(mine) == len(visits):
            tickets.append(_among(each, inside))
            if told is not None and (each.id != ticket or set(told.technicians) <= inside):
                committed += [told] if set(told.technicians) <= inside else []
        else:
            tickets.append(_share(case, each, visits, mine))
            if told is not None and told.locked:
                committed.append(Commitment(each.id, mine, True))
    homes = {who.station for who in people}
    stations = tuple(_stock_left(case, plan, station, inside) for station in case.stations if station.id in homes)
    part = replace(case, stations=stations, technicians=people, tickets=tuple(tickets), committed=tuple(committed))
    return _small_matrix(part) if isinstance(case.travel, TravelMatrix) else part


def protect(case: Case, plan: Plan, question: Question) -> Case:
    """The case in which no planned ticket may start later than it does now, or than its due time, whichever is later."""
    starts = {stop.ticket: stop.start for route in plan.routes for stop in route.stops}
    limits = {name: max(start, case.ticket_by_id[name].due) for name, start in starts.items() if name in case.ticket_by_id}
    limits.pop(question.ticket, None)
    if question.latest is not None:
        limits[question.ticket] = question.latest
    return replace(case, tickets=tuple(_until(case, each, limits[each.id]) if each.id in limits else each for each in case.tickets))


def _movable(case: Case, plan: Plan, question: Question) -> frozenset[str]:
    """People of the stations asked about, and of those whose people visit the ticket now; nobody with several trips in a shift."""
    visitors = {route.technician for route in plan.routes if _visits(route, question.ticket)}
    stations = question.stations | {case.technician_by_id[name].station for name in visitors}
    trips = Counter((route.technician, route.shift) for route in plan.routes)
    frozen = {name for (name, _), count in trips.items() if count > 1}
    return frozenset(who.id for who in case.technicians if who.station in stations and who.id not in frozen)


def _visits(route: Route, ticket: str) -> bool:
    return any(stop.ticket == ticket for stop in route.stops)


def _with_unassigned(case: Case, plan: Plan) -> Plan:
    visited = {stop.ticket for route in plan.routes for stop in route.stops}
    return replace(plan, unassigned=tuple(Unassigned(each.id) for each in case.tickets if each.id not in visited))


def _among(ticket: Ticket, inside: Iterable[str]) -> Ticket:
    """The ticket with `only` and `banned` cut down to known people; nobody left in `only` bans everyone."""
    names = set(inside)
    only = tuple(name for name in ticket.only if name in names)
    banned = tuple(sorted(names)) if ticket.only and not only else tuple(name for name in ticket.banned if name in names)
    return replace(ticket, only=only, banned=banned)


def _share(case: Case, ticket: Ticket, visits: list[tuple[Route, Stop]], mine: tuple[str, ...]) -> Ticket:
    """A visit as the part of its crew that may be moved sees it: at its time, with their share of the demands."""
    others = [(case.technician_by_id[route.technician], route) for route, _ in visits if route.technician not in mine]
    skills = {name: level for name, level in ticket.skills.items() if all(who.skills.get(name, 0) < level for who, _ in others)}
    kits = tuple(kit for kit in ticket.kits if all(kit not in route.kits for _, route in others))
    start = visits[0][1].start
    return replace(
        ticket, crew=len(mine), skills=skills, kits=kits, only=mine, banned=(), not_before=None, windows=(TimeWindow(start, start),)
    )


def _stock_left(case: Case, plan: Plan, station: Station, inside: Iterable[str]) -> Station:
    names = set(inside)
    mine = {who.id: who for who in case.technicians if who.id not in names and who.station == station.id}
    # One person has one of a kind at a time, however many trips they make.
    held = {(route.technician, kit) for route in plan.routes if route.technician in mine for kit in route.kits}
    held |= {(who.id, kit) for who in mine.values() if who.start is not None for kit in who.start.kits}
    taken = Counter(kit for _, kit in held)
    return replace(station, kits={kit: max(0, owned - taken[kit]) for kit, owned in station.kits.items()}) if taken else station


def _small_matrix(case: Case) -> Case:
    """The same case with a matrix of its own places only: a large one takes longer to copy than the question to answer."""
    if not isinstance(case.travel, TravelMatrix):
        return case
    outs = [who.start for who in case.technicians if who.start is not None]
    places = sorted({thing.place for things in (case.stations, outs, case.tickets) for thing in things if thing.place is not None})
    new = {place: index for index, place in enumerate(places)}
    seconds, metres = ([tuple(table[a][b] for b in places) for a in places] for table in (case.travel.seconds, case.travel.metres))

    def moved(place: int | None) -> int | None:
        return None if place is None else new[place]

    def out_moved(who: Technician) -> Technician:
        return who if who.start is None else replace(who, start=replace(who.start, place=moved(who.start.place)))

    return replace(
        case,
        travel=TravelMatrix("matrix", tuple(seconds), tuple(metres)),
        stations=tuple(replace(each, place=moved(each.place)) for each in case.stations),
        technicians=tuple(out_moved(who) for who in case.technicians),
        tickets=tuple(replace(each, place=moved(each.place)) for each in case.tickets),
    )


def _until(case: Case, ticket: Ticket, limit: datetime) -> Ticket:
    """The ticket, allowed to start no later than `limit`, which is rounded up: a plan may hold fractions of a second."""
    if limit.microsecond:
        limit = limit.replace(microsecond=0) + timedelta(seconds=1)
    if ticket.windows:
        windows = tuple(TimeWindow(w.start, min(w.end, limit)) for w in ticket.windows if w.start <= limit)
    else:
        windows = (TimeWindow(min(case.now, limit), limit),)
    # A window that is over for good: no start is left.
    return replace(ticket, windows=windows or (TimeWindow(limit - timedelta(days=1), limit - timedelta(days=1)),))


def _solution_of(problem: Problem, plan: Plan, ticket: str) -> Solution:
    """The plan's routes without the ticket, and the kits that what remains of them needs. Raises `BadInput` as `from_plan` does."""
    given, gone = from_plan(problem, plan), problem.ticket_ids.index(ticket)
    routes = tuple(tuple(each for each in route if each != gone) for route in given.routes)
    wanted = (frozenset(kit for each in route for kit in problem.tables.kits[each]) for route in routes)
    kits = tuple(had & needed for had, needed in zip(given.kits, wanted, strict=True))
    free = Solution(routes, kits, (0,) * problem.n_duties)
    # Whoever waited in the plan for a kit goes on waiting, when the same kits could not be shared otherwise.
    return free if isinstance(schedule(problem, free), Schedule) else replace(free, wait_until=given.wait_until)


def _insert(problem: Problem, base: Solution, question: Question) -> Schedule | None:
    """The best schedule with the ticket inserted once for each of its crew; None when there is none."""
    ticket = problem.ticket_ids.index(question.ticket)
    crew_size = problem.tables.crew[ticket]
    best: tuple[tuple[float, float], Schedule] | None = None
    most = MOST_SCHEDULES if crew_size <= 4 else max(1, 4 * MOST_SCHEDULES // crew_size)
    for solution in islice(_insertions(problem, base, ticket, question.among), most):
        timed = schedule(problem, solution)
        if isinstance(timed, Broken):
            continue
        start = max(
            route.starts[solution.routes[duty].index(ticket)]
            for duty, route in enumerate(timed.timed)
            if route is not None and ticket in solution.routes[duty]
        )
        key = (float(start), timed.cost) if question.soonest else (timed.cost, float(start))
        if math.isfinite(timed.cost) and (best is None or key < best[0]):
            best = (key, timed)
    return None if best is None else best[1]


def _insertions(problem: Problem, base: Solution, ticket: int, among: frozenset[str]) -> Iterator[Solution]:
    """Solutions with the ticket in one position of each of a crew's routes, the least extra driving first."""
    tables = problem.tables
    spots: dict[int, list[tuple[float, int]]] = {}
    for duty in range(problem.n_duties):
        if problem.member[ticket, duty] and problem.technician_ids[tables.technician[duty]] in among:
            mine = list(_positions(problem, base, ticket, duty))
            if mine:
                spots[duty] = sorted(mine)
    choices: list[tuple[float, tuple[int, ...], tuple[int, ...]]] = []
    for duties in _crews(problem, ticket, spots):
        for picked in islice(product(*(spots[duty] for duty in duties)), MOST_SCHEDULES):
            choices.append((sum(extra for extra, _ in picked), duties, tuple(position for _, position in picked)))
    for _, duties, positions in sorted(choices):
        kits = _kits_shared(problem, base, ticket, duties)
        if kits is not None:
            routes = list(base.routes)
            for duty, position in zip(duties, positions, strict=True):
                routes[duty] = (*routes[duty][:position], ticket, *routes[duty][position:])
            wait = tuple(0 if duty in duties else moment for duty, moment in enumerate(base.wait_until))
            yield Solution(tuple(routes), kits, wait)


def _crews(problem: Problem, ticket: int, spots: Mapping[int, Sequence[tuple[float, int]]]) -> Iterator[tuple[int, ...]]:
    """Crews of different people who have every skill between them, each with its duties in order; of many, those of the cheapest people."""
    size, tables = problem.tables.crew[ticket], problem.tables
    ranked = sorted(spots, key=lambda duty: (spots[duty][0], duty))
    if math.comb(len(ranked), size) > MOST_CREWS:
        # Whoever has a skill at the lowest price comes first, so that the cut loses no skill.
        needs = tables.needs[ticket]
        able = [[d for d in ranked if problem.skill_level[tables.technician[d], skill] >= level] for skill, level in needs]
        ranked = list(dict.fromkeys([*(duties[0] for duties in able if duties), *ranked]))
    most = MOST_CREWS if size <= 4 else MOST_SCHEDULES // size
    crews = (duties for duties in islice(combinations(ranked, size), MOST_CREWS) if _is_crew(problem, ticket, duties))
    for duties in islice(crews, most):
        yield tuple(sorted(duties))


def _positions(problem: Problem, base: Solution, ticket: int, duty: int) -> Iterator[tuple[float, int]]:
    """Positions at which the duty's route alone has time for the ticket, each with the extra driving seconds."""
    tables = problem.tables
    route = base.routes[duty]
    stops = [tables.origin[duty], *(tables.location[each] for each in route), tables.home[duty]]
    here = tables.location[ticket]
    for position in range(len(route) + 1):
        longer = (*route[:position], ticket, *route[position:])
        if propagate(tables, duty, longer, tables.earliest[duty], {}) is not None:
            a, b = stops[position], stops[position + 1]
            gone = tables.travel[a][b] if route else 0
            yield float(tables.travel[a][here] + tables.travel[here][b] - gone), position


def _is_crew(problem: Problem, ticket: int, duties: tuple[int, ...]) -> bool:
    """Whether these are different people who have every skill between them."""
    people = [problem.tables.technician[duty] for duty in duties]
    if len(set(people)) < len(people):
        return False
    return all(max(problem.skill_level[who, skill] for who in people) >= level for skill, level in problem.tables.needs[ticket])


def _kits_shared(problem: Problem, base: Solution, ticket: int, duties: tuple[int, ...]) -> tuple[frozenset[int], ...] | None:
    """The kits of all duties when the crew also brings the ticket's: first who carries one anyway, then who can fetch it."""
    kits = list(base.kits)
    for kit in sorted(problem.tables.kits[ticket]):
        if any(kit in carried(problem.tables, duty, kits[duty]) for duty in duties):
            continue
        able = (d for d in duties if problem.tables.held[d] is None and problem.stock[problem.tables.station[d], kit] > 0)
        fetcher = next(able, None)
        if fetcher is None:
            return None
        kits[fetcher] |= {kit}
    return tuple(kits)
