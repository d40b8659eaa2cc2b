"""A published plan in the indices of a later problem: what of it still stands, and one visit of it put back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from data_models.case import Case, current_shift
from data_models.plan import Plan, Route, Stop
from optimizer.problem import Problem, build_problem, from_plan
from optimizer.schedule import crew_duties, schedule
from optimizer.solution import Broken, Schedule, Solution


@dataclass(frozen=True)
class Promise:
    """What a plan said of one ticket: who comes, and when work begins."""

    technicians: tuple[str, ...]
    start: datetime


def promises(plan: Plan) -> dict[str, Promise]:
    """What a plan says of each of its tickets; of a crew the latest start."""
    crews: dict[str, list[str]] = defaultdict(list)
    starts: dict[str, datetime] = {}
    for route in plan.routes:
        for stop in route.stops:
            crews[stop.ticket].append(route.technician)
            starts[stop.ticket] = max(stop.start, starts.get(stop.ticket, stop.start))
    return {ticket: Promise(tuple(sorted(crew)), starts[ticket]) for ticket, crew in crews.items()}


@dataclass(frozen=True)
class Told:
    """The part of a published plan that a later problem still knows.

    Attributes
    ----------
    solution
        Its routes without what is gone: tickets that are closed or begun, people and shifts that are not there any more.
    starts
        When work was to begin, in seconds since the problem's epoch, by ticket; below 0 when that moment is past.
    crews
        Technicians who were to come, by ticket; a crew of which somebody left the case is without them.
    """

    solution: Solution
    starts: Mapping[int, int]
    crews: Mapping[int, frozenset[int]]

    def whole(self, problem: Problem, ticket: int) -> bool:
        """Whether the crew that was told is as large as the ticket needs."""
        return len(self.crews.get(ticket, ())) == problem.tables.crew[ticket]


def problem_for(case: Case, before: Plan, *, trips: int, after: Plan | None = None) -> tuple[Problem, Told]:
    """The case in numbers, and a published plan in its indices; there are duties for all trips of that plan that are still to come.

    Parameters
    ----------
    after
        Another plan that the problem shall have duties for.
    """
    left = ahead(case, before)
    routes = list(left.routes)
    more = Counter((route.technician, route.shift) for route in routes)
    for route in after.routes if after is not None else ():
        more[route.technician, route.shift] -= 1
        if more[route.technician, route.shift] < 0:
            routes.append(route)
    problem = build_problem(case, trips=trips, plan=replace(left, routes=tuple(routes)))
    ticket = {name: i for i, name in enumerate(problem.ticket_ids)}
    technician = {name: i for i, name in enumerate(problem.technician_ids)}
    known = {ticket[name]: promise for name, promise in promises(before).items() if name in ticket}
    crews = {t: frozenset(technician[name] for name in promise.technicians if name in technician) for t, promise in known.items()}
    return problem, Told(from_plan(problem, left), {t: problem.second(promise.start) for t, promise in known.items()}, crews)


def ahead(case: Case, before: Plan) -> Plan:
    """The plan without what the case does not know any more.

    The first trip of somebody out is the one that they are on, or the first from where they were when the plan was made: it stays, even
    when no visit is left of it.
    """
    trips: dict[tuple[str, int], list[Route]] = defaultdict(list)
    for route in sorted(before.routes, key=lambda route: (route.depart, route.returns)):
        who = case.technician_by_id.get(route.technician)
        if who is None or not 0 <= route.shift < len(who.shifts) or who.shifts[route.shift].end <= case.now:
            continue
        stops: tuple[Stop, ...] = tuple(stop for stop in route.stops if stop.ticket in case.ticket_by_id)
        away = who.start is not None and current_shift(who, case.now) == route.shift and route.returns > case.now
        if stops or (away and not trips[who.id, route.shift]):
            trips[who.id, route.shift].append(replace(route, stops=stops))
    return replace(before, routes=tuple(route for routes in trips.values() for route in routes), unassigned=())


def kept(problem: Problem, solution: Solution, *, locked: Collection[int] = ()) -> Schedule | None:
    """A solution made feasible by leaving out as few visits as it takes, the last ones of whatever route does not hold; else None.

    Parameters
    ----------
    locked
        Tickets that are left out of a route only when nothing else is in it.
    """
    for _ in range(1 + sum(map(len, solution.routes))):
        found = schedule(problem, solution)
        if isinstance(found, Schedule):
            return found
        ticket = _at_fault(problem, solution, found, locked)
        if ticket is None:
            return None
        solution = without(problem, solution, ticket)
    return None


def _at_fault(problem: Problem, solution: Solution, broken: Broken, locked: Collection[int]) -> int | None:
    """The ticket to leave out of a plan that cannot be carried out."""
    if broken.ticket >= 0 and any(broken.ticket in route for route in solution.routes):
        return broken.ticket
    if broken.duty < 0:
        return None
    first = broken.duty - problem.tables.trip[broken.duty]
    trips = [solution.routes[d] for d in range(broken.duty, first - 1, -1) if solution.routes[d]]
    if not trips:
        return None
    last = list(reversed(trips[0]))
    return next((t for t in last if t not in locked and not problem.tables.locked[t]), last[0])


def without(problem: Problem, solution: Solution, ticket: int) -> Solution:
    """A solution that does not serve a ticket; kits that nothing else needs stay at the station."""
    routes, kits, wait = list(solution.routes), list(solution.kits), list(solution.wait_until)
    for duty, route in enumerate(solution.routes):
        if ticket in route:
            routes[duty] = tuple(t for t in route if t != ticket)
            kits[duty] = _still_needed(problem, routes[duty], kits[duty])
            if not kits[duty]:
                wait[duty] = 0
    return Solution(tuple(routes), tuple(kits), tuple(wait))


def _still_needed(problem: Problem, route: Sequence[int], carried: frozenset[int]) -> frozenset[int]:
    return carried & frozenset(kit for t in route for kit in problem.tables.kits[t])


def put_back(problem: Problem, solution: Solution, told: Told, ticket: int) -> Iterator[Solution]:
    """Ways to let the people whom a ticket was promised to serve it, where it came in their routes; none without such people."""
    tables = problem.tables
    homes = [duty for duty, route in enumerate(told.solution.routes) if ticket in route]
    if len(homes) != tables.crew[ticket]:
        return
    left = without(problem, solution, ticket)
    routes, kits = list(left.routes), list(left.kits)
    missing = set(tables.kits[ticket])
    for duty in homes:
        routes[duty] = _with_visit(problem, routes[duty], told.solution.routes[duty], ticket)
        missing -= tables.held[duty] or kits[duty]
    if not missing:
        yield Solution(tuple(routes), tuple(kits), left.wait_until)
    for bearer in homes if missing else ():
        if tables.held[bearer] is None:
            kits[bearer] |= missing
            yield Solution(tuple(routes), tuple(kits), left.wait_until)
            kits[bearer] = left.kits[bearer]


def _with_visit(problem: Problem, route: tuple[int, ...], as_told: tuple[int, ...], ticket: int) -> tuple[int, ...]:
    """The route with a ticket after the last of those that came before it, and after what is locked when it is not."""
    before = set(as_told[: as_told.index(ticket)])
    place = max((i + 1 for i, t in enumerate(route) if t in before), default=0)
    locked = sum(problem.tables.locked[t] for t in route)
    place = min(place, locked) if problem.tables.locked[ticket] else max(place, locked)
    return (*route[:place], ticket, *route[place:])


def starts_of(plan: Schedule) -> dict[int, int]:
    """When work on each planned ticket begins, in seconds since the epoch."""
    return {
        t: start
        for route, timed in zip(plan.solution.routes, plan.timed, strict=True)
        if timed is not None
        for t, start in zip(route, timed.starts, strict=True)
    }


def crews_of(problem: Problem, solution: Solution) -> dict[int, frozenset[int]]:
    """Technicians who serve each planned ticket."""
    return {
        t: frozenset(problem.tables.technician[d] for d in duties) for t, duties in crew_duties(problem.tables, solution.routes).items()
    }
