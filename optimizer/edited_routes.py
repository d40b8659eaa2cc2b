"""Who goes where after a manual change, in the indices of a problem: several ways where the change leaves that open."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from optimizer.problem import Problem
from optimizer.published import without
from optimizer.schedule import carried, crew_duties, propagate, trips_of_shift
from optimizer.solution import Solution

MOST_WAYS = 6
"""Places of one visit that a change tries where more than one can be meant, the shortest detours first."""


def exchanged(problem: Problem, solution: Solution, one: int, other: int) -> Solution:
    """Two tickets in each other's places, with the kits that they need there."""
    places = {one: other, other: one}
    routes = tuple(tuple(places.get(t, t) for t in route) for route in solution.routes)
    return equipped(problem, replace(solution, routes=routes), (one, other))


def equipped(problem: Problem, solution: Solution, tickets: Collection[int]) -> Solution:
    """The solution in which the crews of these tickets take the kits that they need, and leave those that nothing on their way needs.

    What nobody of a crew has yet is taken by the first of them whose station owns it. Whoever takes other kits than before waits for none.
    """
    tables = problem.tables
    kits, wait = list(solution.kits), list(solution.wait_until)
    crews = crew_duties(tables, solution.routes)
    for duty in {d for t in tickets for d in crews.get(t, ())}:
        kits[duty] &= frozenset(k for t in solution.routes[duty] for k in tables.kits[t])
    for ticket in tickets:
        crew = crews.get(ticket, [])
        for kit in sorted(tables.kits[ticket]):
            if not any(kit in carried(tables, d, kits[d]) for d in crew):
                able = [d for d in crew if tables.held[d] is None]
                owners = [d for d in able if problem.stock[tables.station[d], kit] > 0]
                if able:
                    kits[(owners or able)[0]] |= {kit}
    for duty in range(problem.n_duties):
        wait[duty] = 0 if kits[duty] != solution.kits[duty] else wait[duty]
    return Solution(solution.routes, tuple(kits), tuple(wait))


def let_go(solution: Solution, duties: Collection[int]) -> Solution:
    """The solution in which these duties wait for nothing at the station; kits that are out still make them wait."""
    return replace(solution, wait_until=tuple(0 if d in duties else wait for d, wait in enumerate(solution.wait_until)))


def placed(
    problem: Problem,
    solution: Solution,
    ticket: int,
    people: Sequence[int],
    starts: Mapping[int, int],
    *,
    not_before: int | None = None,
    position: int | None = None,
    shift: int | None = None,
) -> Iterator[Solution]:
    """Ways to have a ticket, which the solution leaves out, served by these technicians.

    Parameters
    ----------
    starts
        When planned tickets begin now, by ticket.
    not_before
        With it and no `position`, the ticket stands behind what begins sooner.
    position
        Among the visits of a shift, all trips together.
    shift
        Index of the shift; None: the one that `not_before` lies in, else any.
    """
    choices = [_places(problem, solution, ticket, who, starts, not_before, position, shift) for who in people]
    for chosen in product(*choices):
        routes = list(solution.routes)
        for duty, at in chosen:
            routes[duty] = (*routes[duty][:at], ticket, *routes[duty][at:])
        yield let_go(equipped(problem, replace(solution, routes=tuple(routes)), (ticket,)), [duty for duty, _ in chosen])


def _places(
    problem: Problem,
    solution: Solution,
    ticket: int,
    who: int,
    starts: Mapping[int, int],
    not_before: int | None,
    position: int | None,
    shift: int | None,
) -> list[tuple[int, int]]:
    """Duties of a technician and positions in their routes, the shortest detour first."""
    tables = problem.tables
    firsts = [d for d, w in enumerate(tables.technician) if w == who and tables.trip[d] == 0]
    if shift is not None:
        firsts = [d for d in firsts if int(problem.duty_shift[d]) == shift]
    elif not_before is not None and firsts:
        firsts = [next((d for d in firsts if not_before < tables.latest[d]), firsts[-1])]
    found: list[tuple[int, int]] = []
    for first in firsts:
        trips = [d for d in trips_of_shift(tables, first) if solution.routes[d]] or [first]
        if position is not None:
            found += _by_number(solution, trips, position)
        elif not_before is not None:
            found += _by_time(solution, trips, starts, not_before)
        else:
            found += [(duty, at) for duty in trips for at in range(len(solution.routes[duty]) + 1)]
    return sorted(found, key=lambda place: _detour(problem, solution, ticket, *place))


def _by_number(solution: Solution, trips: Sequence[int], position: int) -> list[tuple[int, int]]:
    """The places of a number among all visits of a shift: between two trips there are two; behind the last visit when there are fewer."""
    passed, found = 0, []
    for duty in trips:
        if 0 <= position - passed <= len(solution.routes[duty]):
            found.append((duty, position - passed))
        passed += len(solution.routes[duty])
    return found or [(trips[-1], len(solution.routes[trips[-1]]))]


def _by_time(solution: Solution, trips: Sequence[int], starts: Mapping[int, int], not_before: int) -> list[tuple[int, int]]:
    """The place in the trips of a shift behind what begins before a moment: in the trip that is under way then."""
    begun = [d for d in trips if solution.routes[d] and starts.get(solution.routes[d][0], 0) < not_before]
    duty = begun[-1] if begun else trips[0]
    return [(duty, sum(starts.get(t, 0) < not_before for t in solution.routes[duty]))]


def _detour(problem: Problem, solution: Solution, ticket: int, duty: int, at: int) -> int:
    tables, route = problem.tables, solution.routes[duty]
    here = tables.location[ticket]
    before = tables.location[route[at - 1]] if at else tables.origin[duty]
    after = tables.location[route[at]] if at < len(route) else tables.home[duty]
    direct = tables.travel[before][after] if route else 0
    return tables.travel[before][here] + tables.travel[here][after] - direct


def fitting(problem: Problem, solution: Solution, duties: Collection[int]) -> Solution:
    """The solution without what no longer fits into the routes of these duties: a visit stays where the ones before it leave room.

    Crews are looked at one person at a time, and a visit that one of them cannot make is left out whole.
    """
    tables = problem.tables
    for duty in sorted(duties):
        kept: tuple[int, ...] = ()
        for ticket in solution.routes[duty]:
            if propagate(tables, duty, (*kept, ticket), tables.earliest[duty], {}) is not None:
                kept = (*kept, ticket)
        for ticket in set(solution.routes[duty]).difference(kept):
            solution = without(problem, solution, ticket)
    return solution
