"""Solving with OR-Tools routing: the reference solver, started from a constructed day and never worse than it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from optimizer.insertion import construct
from optimizer.problem import Problem
from optimizer.recreate import recreate
from optimizer.result import Result, Status, Stop
from optimizer.routing_model import Model, as_node_routes, build_model, read_routes
from optimizer.schedule import schedule, schedule_of
from optimizer.solution import Broken, Schedule, Solution

__all__ = ["Result", "Stop", "solve"]

_LIBRARY_S = 0.2  # the library's own limit lies behind ours, so that a count of iterations always says where it stopped
_ROUNDS = 1000  # of ruin and recreate, before the library's search
_MARGIN_S = 0.1  # the library looks at its clock between moves, and the last solution is timed anew


def solve(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    start: Solution | None = None,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """A plan by ruin and recreate from a constructed day, then by guided local search on the full routing model.

    Parameters
    ----------
    stop
        Without seconds and iterations the constructed day is returned.
    seed
        Seeds the library; kept in the result.
    start
        A solution to start from, such as an earlier plan; ignored when it breaks a rule.
    on_progress
        Called with (seconds, cost) as soon as there is a plan and at each improvement.
    clock
        Monotonic seconds.

    Raises
    ------
    LocksCannotHold
        No way was found to keep all locked tickets with their technicians.
    """
    began = clock()
    first = schedule_of(problem, start) or construct(problem)
    search = _Search(problem, stop, clock, on_progress, began, first)
    if any(first.timed) and (stop.seconds or stop.iterations):
        _recreate(search, random.Random(seed))
    model = build_model(problem) if (stop.seconds or stop.iterations) and search.goes_on() else None
    if model is not None and search.goes_on():
        _improve(model, search, search.best, seed)
    best = search.best
    status: Status = "empty" if not any(first.timed) and best is first else ("start" if best is first else "improved")
    trajectory = tuple(search.trajectory)
    spent = clock() - began
    return Result(problem, best, best.cost, spent, search.iterations, seed, trajectory, status, search.rejected, search.interrupted)


class _Search:
    """The best schedule so far, the count of iterations and the clock."""

    def __init__(
        self,
        problem: Problem,
        stop: Stop,
        clock: Callable[[], float],
        on_progress: Callable[[float, float], None] | None,
        began: float,
        first: Schedule,
    ) -> None:
        self.problem, self.stop, self.clock, self.on_progress, self.began = problem, stop, clock, on_progress, began
        self.iterations = self.rejected = 0
        self.interrupted = False
        self.trajectory: list[tuple[float, float]] = []
        self.keep(first)

    def keep(self, found: Schedule) -> None:
        """Make a schedule the best and tell so."""
        self.best = found
        self.trajectory.append((self.clock() - self.began, found.cost))
        if self.on_progress is not None:
            self.on_progress(*self.trajectory[-1])

    def offer(self, solution: Solution, departures: tuple[int, ...]) -> None:
        """Time a solution, and keep it when it is cheaper than the best, beyond rounding.

        Left to itself, `schedule` lets a kit go to the earlier departure; where that fails, the library's own departures decide.
        """
        found = schedule(self.problem, solution)
        if isinstance(found, Broken):
            found = schedule(self.problem, replace(solution, wait_until=departures))
        if isinstance(found, Broken):
            self.rejected += 1
        elif found.cost < self.best.cost - 1e-6:
            self.keep(found)

    def remaining(self) -> float:
        """Seconds left; a day when seconds do not count."""
        return 86_400.0 if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - (self.clock() - self.began)

    def spent(self) -> bool:
        """Count one iteration, and say whether the search is over."""
        self.iterations += 1
        return not self.goes_on()

    def goes_on(self) -> bool:
        """Whether iterations and time are left and nobody asks to stop."""
        if self.stop.iterations is not None and self.iterations >= self.stop.iterations:
            return False
        self.interrupted = self.interrupted or self.stop.is_asked_for
        return not self.interrupted and self.remaining() > 0


def _recreate(search: _Search, rng: random.Random) -> None:
    """A fixed number of rounds of ruin and recreate, so that the count of iterations alone says where the search was."""
    for _ in range(_ROUNDS):
        if search.spent():
            return
        found = recreate(search.problem, search.best, rng)
        if found is not None and found.cost < search.best.cost - 1e-6:
            search.keep(found)


def _improve(model: Model, search: _Search, first: Schedule, seed: int) -> None:
    """Guided local search from `first`; every solution is timed by `schedule` and offered."""
    routing = model.routing
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(max(1, int(1000 * (search.remaining() + _LIBRARY_S))))
    routing.AddSearchMonitor(routing.solver().CustomLimit(search.spent))
    routing.AddAtSolutionCallback(lambda: _offer_current(model, search))
    routing.CloseModelWithParameters(parameters)
    routing.solver().ReSeed(seed)
    warm = routing.ReadAssignmentFromRoutes(as_node_routes(model, first.solution.routes), True)
    if warm is not None:
        routing.SolveFromAssignmentWithParameters(warm, parameters)


def _offer_current(model: Model, search: _Search) -> None:
    """Time the library's current solution and offer it."""
    routing = model.routing
    routes = tuple(read_routes(model, lambda index: int(routing.NextVar(index).Value())))
    if routes == search.best.solution.routes:
        return
    kits: list[set[int]] = [set() for _ in routes]
    departures = [0] * len(routes)
    for (vehicle, kit), carry in model.carry.items():
        duty = model.vehicles[vehicle]
        if routes[duty] and carry.Value():
            kits[duty].add(kit)
            departures[duty] = int(model.time.CumulVar(routing.Start(vehicle)).Value())
    search.offer(Solution(routes, tuple(frozenset(k) for k in kits), (0,) * len(routes)), tuple(departures))
