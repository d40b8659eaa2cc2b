"""Plans out of the columns of a proven bound: round them to one day a person, mend what does not fit, and search on from there.

The master's columns are where the relaxation sees the best plan; the search then repairs what it relaxed (crews that start
together, kits at every moment). In the end the routes that these searches came across are put together anew.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from optimizer.bound import Bound
from optimizer.master import Column
from optimizer.problem import Problem
from optimizer.recombine import RoutePool, recombine
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.solution import Broken, Schedule, Solution

_TURNS = 3  # roundings tried
_TOGETHER = 0.2  # of the time, for putting together what was found


def dive(
    problem: Problem,
    bound: Bound,
    seconds: float,
    seed: int,
    *,
    known: Schedule,
    clock: Callable[[], float] = time.monotonic,
    interrupted: Callable[[], bool] | None = None,
) -> Schedule | None:
    """A plan cheaper than `known` from the columns of a bound, or None when none was found in time.

    Parameters
    ----------
    bound
        What `prove` gave for this problem.
    seconds
        Shared by the roundings, each followed by ruin and recreate, and by what puts their routes together.
    interrupted
        As in `Stop`.
    """
    from optimizer.search import solve

    ends, best, pool = clock() + seconds, known, RoutePool(problem)
    searching = ends - _TOGETHER * seconds
    choice = random.Random(seed)
    asked = Stop(interrupted=interrupted)
    for turn in range(_TURNS):
        left = searching - clock()
        if left <= 0.05 or asked.is_asked_for or not any(bound.weights):
            break
        start = rounded(problem, bound, choice, turn > 0)
        stop = replace(asked, seconds=left / (_TURNS - turn))
        result = solve(problem, stop, seed + turn, start=start.solution, clock=clock, on_look=pool.add_present)
        pool.add_schedule(result.schedule)
        if result.cost < best.cost - 1e-6:
            best = result.schedule
    best = recombine(problem, pool, best, ends - clock(), seed, over=lambda: asked.is_asked_for or clock() > ends) or best
    return best if best is not known else None


def rounded(problem: Problem, bound: Bound, choice: random.Random, shuffled: bool) -> Schedule:
    """A feasible plan of columns: those of most weight first, or drawn by weight, each person once, tickets as often as their crew."""
    order = [(weight * (choice.random() if shuffled else 1.0), index) for index, weight in enumerate(bound.weights) if weight > 1e-6]
    free = [list(duties) for duties in bound.duties]
    visits: Counter[int] = Counter()
    routes: list[tuple[int, ...]] = [()] * problem.n_duties
    kits: list[frozenset[int]] = [frozenset()] * problem.n_duties
    for _, index in sorted(order, key=lambda item: (-item[0], item[1])):
        column = bound.columns[index]
        if free[column.day]:
            _follow(problem, column, free[column.day].pop(0), routes, kits, visits)
    planned = {t for t, count in visits.items() if count == problem.tables.crew[t]}
    routes = [tuple(t for t in route if t in planned) for route in routes]
    return _mended(problem, routes, kits)


def _follow(
    problem: Problem, column: Column, duty: int, routes: list[tuple[int, ...]], kits: list[frozenset[int]], visits: Counter[int]
) -> None:
    """Writes a column's trips into the duties of its person, without the visits that are enough already."""
    tables = problem.tables
    for number, trip in enumerate(column.trips):
        if number > 0:
            after = tables.after[duty]
            if after < 0 or problem.duty_shift[after] != problem.duty_shift[duty]:
                return  # the problem has no place for another trip in this shift
            duty = after
        route = tuple(t for t in dict.fromkeys(trip.tickets) if visits[t] < tables.crew[t])
        visits.update(route)
        routes[duty] = route
        kits[duty] = trip.kits if tables.held[duty] is None else frozenset()


def _mended(problem: Problem, routes: list[tuple[int, ...]], kits: list[frozenset[int]]) -> Schedule:
    """The routes as a feasible plan: where a rule is broken, the last ticket that is not locked leaves the route where it shows."""
    while True:
        needed = [bag if route else frozenset() for bag, route in zip(kits, routes, strict=True)]
        found = schedule(problem, Solution(tuple(routes), tuple(needed), (0,) * problem.n_duties))
        if isinstance(found, Schedule):
            return found
        dropped = _to_drop(problem, routes, found)
        if dropped is None:
            from optimizer.insertion import construct

            return construct(problem)
        routes = [tuple(t for t in route if t != dropped) for route in routes]


def _to_drop(problem: Problem, routes: list[tuple[int, ...]], broken: Broken) -> int | None:
    """The ticket to leave out; None when there is none that may be."""
    locked = problem.tables.locked
    if broken.ticket >= 0:
        return broken.ticket if any(broken.ticket in route for route in routes) and not locked[broken.ticket] else None
    where = [routes[broken.duty]] if broken.duty >= 0 else []
    for route in [*where, *routes]:
        for ticket in reversed(route):
            if not locked[ticket]:
                return ticket
    return None
