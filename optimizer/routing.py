"""Solving with OR-Tools routing: the reference solver, started from a constructed day and never worse than it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from data_models.plan import Plan, SolverFacts
from optimizer.insertion import construct
from optimizer.problem import Problem, to_plan
from optimizer.routing_model import Model, as_node_routes, build_model, read_routes
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution

Status = Literal["start", "improved", "empty"]
_MARGIN_S = 0.1  # the library looks at its clock between moves, and the last solution is timed anew


@dataclass(frozen=True)
class Stop:
    """When to stop: after so many seconds, so many iterations, or whichever comes first.

    An iteration is a look of the library at its limits, about one per neighbour that it tries; the same number of them with the
    same seed gives the same plan. Zero iterations return the start.
    """

    seconds: float | None = None
    iterations: int | None = None


@dataclass(frozen=True)
class Result:
    """What a solver found.

    Attributes
    ----------
    schedule
        The best schedule, feasible by every rule.
    cost, seconds, iterations, seed
        Its cost; what it took; and what to repeat it with.
    trajectory
        (seconds, cost) of each improvement, the start first.
    status
        `"improved"` upon the start, `"start"` when nothing better was found, `"empty"` when nothing can be served at all.
    """

    problem: Problem
    schedule: Schedule
    cost: float
    seconds: float
    iterations: int
    seed: int
    trajectory: tuple[tuple[float, float], ...]
    status: Status

    @property
    def facts(self) -> SolverFacts:
        """What the plan tells about its solver; this one knows no bound."""
        return SolverFacts(self.cost, None, None, round(self.seconds, 3), self.iterations, self.seed)

    def plan(self) -> Plan:
        """The plan, without reasons for what is not planned."""
        return to_plan(self.problem, self.schedule, solver=self.facts)


def solve(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    start: Solution | None = None,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """A plan by guided local search on the full routing model, from a constructed day.

    Parameters
    ----------
    stop
        Without seconds and iterations the constructed day is returned.
    seed
        Seeds the library; kept in the result.
    start
        A solution to start from, such as an earlier plan; ignored when it breaks a rule.
    on_progress
        Called with (seconds, cost) at each improvement.
    clock
        Monotonic seconds.

    Raises
    ------
    LocksCannotHold
        No way was found to keep all locked tickets with their technicians.
    """
    search = _Search(problem, stop, clock, on_progress)
    given = schedule(problem, start) if start is not None else None
    search.offer(given if isinstance(given, Schedule) else construct(problem))
    first = search.best
    assert first is not None  # construct() answers or raises
    model = build_model(problem) if stop.iterations != 0 and (stop.seconds or stop.iterations) else None
    if model is not None and search.remaining() > 0:
        _improve(model, search, first, seed)
    best = search.best
    status: Status = "empty" if not any(first.timed) and best is first else ("start" if best is first else "improved")
    return Result(problem, best, best.cost, clock() - search.began, search.iterations, seed, tuple(search.trajectory), status)


class _Search:
    """The best schedule so far, the count of iterations and the clock."""

    def __init__(self, problem: Problem, stop: Stop, clock: Callable[[], float], on_progress: Callable[[float, float], None] | None):
        self.problem, self.stop, self.clock, self.on_progress = problem, stop, clock, on_progress
        self.began = clock()
        self.iterations = 0
        self.best: Schedule = None  # type: ignore[assignment]
        self.trajectory: list[tuple[float, float]] = []

    def offer(self, found: Schedule) -> None:
        """Keep a schedule when it is cheaper than the best, beyond rounding."""
        if self.best is not None and found.cost >= self.best.cost - 1e-6:
            return
        self.best = found
        self.trajectory.append((self.clock() - self.began, found.cost))
        if self.on_progress is not None:
            self.on_progress(*self.trajectory[-1])

    def remaining(self) -> float:
        """Seconds left; a day when seconds do not count."""
        return 86_400.0 if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - (self.clock() - self.began)

    def spent(self) -> bool:
        """Count one iteration, and say whether the search is over."""
        self.iterations += 1
        if self.stop.iterations is not None and self.iterations >= self.stop.iterations:
            return True
        return self.iterations % 64 == 0 and self.remaining() <= 0


def _improve(model: Model, search: _Search, first: Schedule, seed: int) -> None:
    """Guided local search from `first`; every solution is timed by `schedule` and offered."""
    routing = model.routing
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(max(1, int(1000 * search.remaining())))
    routing.AddSearchMonitor(routing.solver().CustomLimit(search.spent))
    routing.AddAtSolutionCallback(lambda: _offer_current(model, search, first))
    routing.CloseModelWithParameters(parameters)
    routing.solver().ReSeed(seed)
    warm = routing.ReadAssignmentFromRoutes(as_node_routes(model, first.solution.routes), True)
    if warm is not None:
        routing.SolveFromAssignmentWithParameters(warm, parameters)


def _offer_current(model: Model, search: _Search, first: Schedule) -> None:
    """Time the library's current solution and offer it."""
    routing = model.routing
    routes = tuple(read_routes(model, lambda index: int(routing.NextVar(index).Value())))
    if routes == search.best.solution.routes:
        return
    kits, wait = _kits_and_waits(model, routes)
    found = schedule(search.problem, Solution(routes, kits, wait))
    if isinstance(found, Schedule):
        search.offer(found)


def _kits_and_waits(model: Model, routes: tuple[tuple[int, ...], ...]) -> tuple[tuple[frozenset[int], ...], tuple[int, ...]]:
    """Kits that each duty takes, and its departure when it takes some."""
    kits: list[set[int]] = [set() for _ in routes]
    for (vehicle, kit), carry in model.carry.items():
        if carry.Value():
            kits[model.vehicles[vehicle]].add(kit)
    wait = [0] * len(routes)
    return tuple(frozenset(k) if routes[d] else frozenset() for d, k in enumerate(kits)), tuple(wait)


