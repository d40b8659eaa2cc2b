"""What the peers share: who may do what with kits dealt beforehand, and the way from their sequences to a plan.

No peer starts from anything of ours. What they are given beyond their own search is kind: kits are dealt by value rather than left
out, every sequence is timed by `schedule` (as early as possible, breaks placed at best, departures as late as it costs nothing), and of
all sequences that a peer improved upon on its way the one that truly costs least counts, not the one that it believed to be best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Problem
from optimizer.schedule import propagate, schedule
from optimizer.solution import Broken, Schedule, Solution

Routes = list[tuple[int, ...]]
"""Tickets by duty, in the order of the visits."""


@dataclass(frozen=True)
class Found:
    """Sequences that a peer found, after how many seconds, and the kits that duties take where the peer decides on them itself."""

    seconds: float
    routes: Routes
    kits: tuple[frozenset[int], ...] | None = None


@dataclass
class Answer:
    """What a peer found on its way, in the order of its improvements, and how many iterations it counted."""

    found: list[Found] = field(default_factory=list)
    iterations: int = 0


@dataclass(frozen=True)
class Dealt:
    """Kits given to duties beforehand.

    Attributes
    ----------
    kits
        By duty; nobody's kits overlap in time with anybody else's beyond what the station owns.
    able : (n_tickets, n_duties) bool
        Who may serve a ticket by skills, `only`, `banned`, capacity and the dealt kits.
    fit : (n_tickets, n_duties) bool
        The same, and could reach it within windows and shift by a lower bound.
    latest : (n_duties,) int64
        Latest return, cut where the same technician's next shift begins, since peers know no shifts that push each other.
    """

    kits: tuple[frozenset[int], ...]
    able: NDArray[np.bool_]
    fit: NDArray[np.bool_]
    latest: NDArray[np.int64]


def unfit(problem: Problem) -> str:
    """Why peers that know vehicles, windows and skills cannot express a problem; empty when they can."""
    if (problem.ticket_crew > 1).any():
        return "needs crews"
    return "has locked tickets" if problem.ticket_locked.any() else ""


def deal(problem: Problem) -> Dealt:
    """Kits dealt so that the tickets which ask for them find somebody: by what leaving them out costs, each further holder counting less.

    For every station and type one unit after the other goes to the duty whose hours are free of it and whose tickets, within reach, are
    worth most; what `n` others could serve as well counts for 1 / (1 + n)².
    """
    tables = problem.tables
    latest = problem.duty_latest.copy()
    for duty, before in enumerate(problem.duty_before.tolist()):
        if before >= 0:
            latest[before] = min(latest[before], problem.duty_earliest[duty])
    held = [set(kits or ()) for kits in tables.held]
    reachable = problem.reachable
    for station, kit in zip(*np.nonzero(problem.stock), strict=True):
        asking = np.array([t for t, kits in enumerate(tables.kits) if kit in kits], np.int64)
        worth = problem.ticket_skip_cost[asking] / np.maximum(1.0, problem.ticket_service_s[asking])
        home = [d for d in range(problem.n_duties) if tables.station[d] == station and tables.held[d] is None]
        for _ in range(int(problem.stock[station, kit])):
            _deal_unit(problem, int(kit), asking, worth, home, reachable, held, latest)
    have = np.zeros((problem.n_duties, len(problem.kit_names)), bool)
    for duty, kits in enumerate(held):
        have[duty, list(kits)] = True
    able = problem.member.copy()
    for ticket, kits in enumerate(tables.kits):
        able[ticket] &= have[:, sorted(kits)].all(axis=1)
    return Dealt(tuple(frozenset(kits) for kits in held), able, able & reachable, latest)


def _deal_unit(
    problem: Problem,
    kit: int,
    asking: NDArray[np.int64],
    worth: NDArray[np.float64],
    home: list[int],
    reachable: NDArray[np.bool_],
    held: list[set[int]],
    latest: NDArray[np.int64],
) -> None:
    """One unit of a type, to as many duties of its station as can have it one after the other."""
    spells: list[tuple[int, int]] = []
    for _ in home:
        holders = [d for d, kits in enumerate(held) if kit in kits]
        others = reachable[np.ix_(asking, holders)].sum(axis=1)
        best, chosen = 0.0, -1
        for duty in home:
            begin, end = int(problem.duty_earliest[duty]), int(latest[duty])
            if kit in held[duty] or any(begin < until and end > since for since, until in spells):
                continue
            drive = problem.travel_s[problem.duty_origin[duty], problem.ticket_location[asking]]
            value = float((reachable[asking, duty] * worth / (1 + others) ** 2 / (3600 + drive)).sum())
            if value > best:
                best, chosen = value, duty
        if chosen < 0:
            return
        held[chosen].add(kit)
        spells.append((int(problem.duty_earliest[chosen]), int(latest[chosen])))


def best_plan(problem: Problem, answer: Answer, dealt: Dealt) -> tuple[Schedule | None, list[tuple[float, float]]]:
    """The cheapest of what a peer found, with the trajectory (seconds, true cost) of its improvements; None when it found nothing."""
    best: Schedule | None = None
    trajectory: list[tuple[float, float]] = []
    for each in answer.found:
        timed = plan_of(problem, each.routes, dealt.kits if each.kits is None else each.kits)
        if best is None or timed.cost < best.cost - 1e-6:
            best = timed
            trajectory.append((each.seconds, timed.cost))
    return best, trajectory


def plan_of(problem: Problem, routes: Routes, kits: tuple[frozenset[int], ...]) -> Schedule:
    """A peer's sequences with their times; what a rule that the peer cannot express forbids is left out, cheapest first.

    Parameters
    ----------
    kits
        What each duty may take; it takes of these what its tickets need.
    """
    tables = problem.tables
    kept = [_that_fits(problem, duty, list(route)) for duty, route in enumerate(routes)]
    while True:
        taken = tuple(_needed(problem, duty, route, kits[duty]) for duty, route in enumerate(kept))
        found = schedule(problem, Solution(tuple(tuple(route) for route in kept), taken, (0,) * problem.n_duties))
        if isinstance(found, Schedule):
            return found
        kept = _without_the_cheapest(tables.skip, kept, found)


def _needed(problem: Problem, duty: int, route: Sequence[int], may_take: frozenset[int]) -> frozenset[int]:
    tables = problem.tables
    if tables.held[duty] is not None:
        return frozenset()
    return may_take & frozenset().union(*(tables.kits[t] for t in route))


def _that_fits(problem: Problem, duty: int, route: list[int]) -> list[int]:
    """The route, less the tickets that are cheapest to leave out until it fits its shift, windows and breaks."""
    tables = problem.tables
    while route and propagate(tables, duty, route, tables.earliest[duty], {}) is None:
        route.remove(min(route, key=lambda t: (tables.skip[t], t)))
    return route


def _without_the_cheapest(skip: Sequence[float], routes: list[list[int]], broken: Broken) -> list[list[int]]:
    where = [broken.duty] if broken.duty >= 0 and routes[broken.duty] else [d for d, route in enumerate(routes) if route]
    duty, ticket = min(((d, t) for d in where for t in routes[d]), key=lambda each: (skip[each[1]], each))
    if broken.ticket >= 0 and broken.ticket in routes[broken.duty]:
        duty, ticket = broken.duty, broken.ticket
    return [[t for t in route if (d, t) != (duty, ticket)] for d, route in enumerate(routes)]


def classes(rows: NDArray[np.bool_]) -> tuple[list[int], list[NDArray[np.bool_]]]:
    """Which rows are alike: the class of each row, and each class's row."""
    seen: dict[bytes, int] = {}
    number = [seen.setdefault(row.tobytes(), len(seen)) for row in rows]
    return number, [np.frombuffer(key, bool) for key in seen]


def improving() -> Callable[[float], bool]:
    """A question that is answered yes whenever a cost is lower than all before."""
    best = [float("inf")]

    def better(cost: float) -> bool:
        if cost < best[0]:
            best[0] = cost
            return True
        return False

    return better
