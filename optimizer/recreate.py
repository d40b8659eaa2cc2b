"""Ruin and recreate: takes neighbouring visits out of a schedule and puts them back where they now cost least.

After Schrimpf et al. (2000, doi 10.1006/jcph.1999.6413), with the insertion of this package, so that crews and kits move together.
"""

from __future__ import annotations

import random

import numpy as np

from optimizer.insertion import Draft, best_move
from optimizer.problem import Problem
from optimizer.schedule import schedule
from optimizer.solution import Broken, Schedule, Solution

_MOST_REMOVED = 12  # visits taken out at once, and unplanned tickets tried again beside them


def recreate(problem: Problem, start: Schedule, rng: random.Random) -> Schedule | None:
    """Another schedule near `start`, better or worse; None when what is left of the routes breaks a rule.

    Locked visits stay where they are.
    """
    tables = problem.tables
    movable = [t for t in range(problem.n_tickets) if not tables.locked[t]]
    if not movable:
        return None
    planned = {t for route in start.solution.routes for t in route}
    near = _by_nearness(problem, movable, rng.choice(movable))
    count = rng.randint(1, _MOST_REMOVED)
    removed = [t for t in near if t in planned and rng.random() < 0.8][:count]
    left = without(problem, start.solution, frozenset(removed))
    base = schedule(problem, left)
    if isinstance(base, Broken):
        return None
    again = removed + [t for t in near if t not in planned][:_MOST_REMOVED]
    draft, fit = Draft(problem, base), problem.reachable
    for ticket in _ordered(problem, again, rng):
        move = best_move(draft, ticket, np.flatnonzero(fit[ticket]).tolist())
        if move is not None and move.delta < tables.skip[ticket] + (tables.change[ticket] if tables.promised[ticket] else 0.0):
            draft.apply(move)
    done = schedule(problem, draft.solution())
    return None if isinstance(done, Broken) else done


def without(problem: Problem, solution: Solution, removed: frozenset[int]) -> Solution:
    """The solution less some tickets, and less the kits that nobody on a route needs any more."""
    tables = problem.tables
    routes = tuple(tuple(t for t in route if t not in removed) for route in solution.routes)
    kits = tuple(
        frozenset(k for k in taken if any(k in tables.kits[t] for t in route)) for route, taken in zip(routes, solution.kits, strict=True)
    )
    return Solution(routes, kits, (0,) * len(routes))


def _by_nearness(problem: Problem, tickets: list[int], centre: int) -> list[int]:
    place = problem.ticket_location
    return sorted(tickets, key=lambda t: (int(problem.travel_s[place[centre], place[t]]), t))


def _ordered(problem: Problem, tickets: list[int], rng: random.Random) -> list[int]:
    """An order of insertion: by what skipping costs, by due, or any."""
    tables, kind = problem.tables, rng.randrange(3)
    if kind == 0:
        return sorted(tickets, key=lambda t: (-tables.skip[t], t))
    if kind == 1:
        return sorted(tickets, key=lambda t: (tables.due[t], t))
    return rng.sample(tickets, len(tickets))
