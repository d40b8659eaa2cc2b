"""Small cases solved to proven optimality: sets of tickets bounded from below, then CP-SAT over those that can matter.

The bound of `exact_sets` says by how much each set of tickets raises it. CP-SAT is given the sets that raise it by a
little, with every rule; when the plan that it proves best among them costs no more than bound plus that little, no other
set can be in a better plan, and it is the optimum. Otherwise the little grows.

The optimum is one over all plans that the `Problem` can express: with one duty for each shift, those with one trip a shift. Where
a shift has several duties, chained by `duty_before`, they are its trips, and the optimum holds over plans of that many trips.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from ortools.sat.python import cp_model

from data_models.plan import PROVEN
from optimizer.exact_model import Model, build_model, possible, read_solution
from optimizer.exact_objective import Choice, add_choices, add_objective
from optimizer.exact_prices import Prices, prices_of
from optimizer.exact_sets import bound_of, choices_within, sets_of
from optimizer.exact_size import servable_tickets
from optimizer.insertion import construct
from optimizer.problem import Problem
from optimizer.recreate import recreate
from optimizer.result import Result, Status, Stop
from optimizer.schedule import schedule, schedule_of
from optimizer.solution import Schedule, Solution
from optimizer.watched import solve_watched

_ITERATION = 1e-3  # deterministic seconds of CP-SAT that count as one iteration
_MARGIN_S = 0.05  # of the limit, left for timing the last plan
_IDLE_ROUNDS = 25  # of ruin and recreate without a better plan, before the proof
_FIRST_CHOICES = 400  # sets that CP-SAT is given first, counted by kind of duty
_FIRST_ROUTES = 4_000
_WIDER = 4  # times as many when these do not suffice


def solve_exactly(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    start: Solution | Schedule | None = None,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 1,
) -> Result:
    """The cheapest plan of a small problem, and the proof: `result.bound` is a bound on the cost of every plan.

    Parameters
    ----------
    problem
        Any problem of about a dozen tickets (`is_small`); time and memory double with each ticket.
    stop
        Iterations are milliseconds of CP-SAT's deterministic time, so that their number repeats a run; without both, it runs to the end.
        Zero iterations return the start.
    seed
        Seeds CP-SAT.
    start
        A plan to start from, ignored when it breaks a rule; the better it is, the sooner the proof is found.
    on_progress
        Called with (seconds, cost) at the start and at each improvement.
    clock
        Monotonic seconds.
    workers
        Threads of CP-SAT. More than one are faster and not repeatable.

    Raises
    ------
    LocksCannotHold
        No way was found to keep all locked tickets with their technicians.
    """
    began = clock()
    first = (start if isinstance(start, Schedule) else schedule_of(problem, start)) or construct(problem)
    work = _Work(problem, stop, seed, clock, began, workers, on_progress, first)
    if stop.iterations != 0:
        _prove(work)
    status: Status = "improved" if work.best is not first else ("start" if any(first.timed) else "empty")
    cost, iterations = work.best.cost, math.ceil(work.spent / _ITERATION)
    return Result(
        problem, work.best, cost, clock() - began, iterations, seed, tuple(work.trajectory), status, work.rejected,
        bound=work.bound,
    )  # fmt: skip


@dataclass
class _Work:
    """The best plan and the best bound so far, and what is left to spend."""

    problem: Problem
    stop: Stop
    seed: int
    clock: Callable[[], float]
    began: float
    workers: int
    on_progress: Callable[[float, float], None] | None
    best: Schedule
    bound: float | None = None
    spent: float = 0.0  # deterministic seconds
    rejected: int = 0
    trajectory: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tell()

    def seconds_left(self) -> float:
        """Seconds until the stop, none when somebody asks to stop."""
        if self.stop.is_asked_for:
            return 0.0
        return math.inf if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - (self.clock() - self.began)

    def deterministic_left(self) -> float:
        """Deterministic seconds until the stop."""
        return math.inf if self.stop.iterations is None else self.stop.iterations * _ITERATION - self.spent

    def over(self) -> bool:
        """Whether the stop has come."""
        return self.seconds_left() <= 0 or self.deterministic_left() <= 0

    def offer(self, solution: Solution, departures: tuple[int, ...]) -> None:
        """Time an answer by every rule and keep it when it is cheaper than the best.

        A break may be avoided by a later departure that does not pay for this route alone: then the answer's own departures decide.
        """
        found = [schedule(self.problem, solution), schedule(self.problem, replace(solution, wait_until=departures))]
        timed = [s for s in found if isinstance(s, Schedule)]
        if not timed:
            self.rejected += 1
            return
        self.keep(min(timed, key=lambda s: s.cost))

    def keep(self, found: Schedule) -> None:
        """Make a schedule the best if it is cheaper."""
        if found.cost < self.best.cost - 1e-9:
            self.best = found
            self._tell()

    def proven(self) -> bool:
        """Whether the best plan is as cheap as any can be, beyond rounding."""
        return self.bound is not None and self.best.cost - self.bound <= PROVEN * max(abs(self.best.cost), 1e-9)

    def raise_bound(self, bound: float) -> None:
        """Keep the better bound."""
        self.bound = bound if self.bound is None else max(self.bound, bound)

    def _tell(self) -> None:
        self.trajectory.append((self.clock() - self.began, self.best.cost))
        if self.on_progress is not None:
            self.on_progress(*self.trajectory[-1])


def _improve(work: _Work) -> None:
    """Ruin and recreate until so many rounds find nothing: the proof ends much sooner when the plan to beat is good."""
    rng, idle = random.Random(work.seed), 0
    while idle < _IDLE_ROUNDS and not work.proven() and not work.over():
        before = work.best
        found = recreate(work.problem, work.best, rng)
        if found is not None:
            work.keep(found)
        idle = idle + 1 if work.best is before else 0


def _prove(work: _Work) -> None:
    """Solves with more and more sets, until the best plan is proven, all sets are in, or the stop has come."""
    problem = work.problem
    tickets = [t for t in servable_tickets(problem) if any(possible(problem, t, d) for d in range(problem.n_duties))]
    prices = prices_of(problem, work.best.cost)
    sets = sets_of(problem, prices, tickets)
    bound = bound_of(problem, prices, sets)
    work.raise_bound(bound.value / prices.scale)
    _improve(work)
    order = np.sort(bound.reduced[np.isfinite(bound.reduced)])
    count, most = _FIRST_CHOICES, _FIRST_ROUTES
    while not work.proven() and not work.over():
        # A plan with a route beyond `reach` costs more than the best one.
        reach = work.best.cost * prices.scale - bound.value + 2
        slack = reach if count >= len(order) else min(reach, float(order[count]))
        choices = choices_within(problem, prices, sets, bound, slack, most)
        while choices is None and not work.over():
            slack, most = slack * 0.7, most * 11 // 10
            choices = choices_within(problem, prices, sets, bound, slack, most)
        if choices is None:
            return
        least = _solve(work, prices, tickets, choices)
        work.raise_bound(min(least, math.inf if slack >= reach else (bound.value + slack) / prices.scale))
        if slack >= reach:
            return
        count, most = count * _WIDER, most * _WIDER


def _solve(work: _Work, prices: Prices, tickets: Sequence[int], choices: Mapping[int, Sequence[Choice]]) -> float:
    """Improves the best plan by the cheapest of those that use these sets only; a bound on the cost of all of these."""
    problem = work.problem
    may = {duty: sorted({t for c in row for t in c.route}) for duty, row in choices.items()}
    model = build_model(problem, prices, may, tickets=tickets)
    add_objective(model)
    add_choices(model, choices)
    most = math.ceil(work.best.cost * prices.scale + 1)
    model.cp.add(model.cost <= most)
    _hint(model, work.best)
    solver = _solver(work)
    status, _ = solve_watched(solver, model.cp, lambda: work.seconds_left() <= 0, _Listener(model, work))
    work.spent += solver.deterministic_time
    if status == cp_model.INFEASIBLE:
        return work.best.cost
    return float(solver.best_objective_bound - 2) / prices.scale if status != cp_model.UNKNOWN else -math.inf


def _solver(work: _Work) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = work.seed % 2**31
    solver.parameters.num_workers = work.workers
    solver.parameters.catch_sigint_signal = False
    if math.isfinite(work.deterministic_left()):
        solver.parameters.max_deterministic_time = work.deterministic_left()
    return solver


class _Listener(cp_model.CpSolverSolutionCallback):
    """Offers every answer of CP-SAT as it is found."""

    def __init__(self, model: Model, work: _Work) -> None:
        super().__init__()
        self.model, self.work = model, work

    def on_solution_callback(self) -> None:
        """Called by CP-SAT."""
        self.work.offer(*read_solution(self.model, lambda x: int(self.value(x))))


def _hint(model: Model, best: Schedule) -> None:
    """Tells CP-SAT the best plan."""
    cp, planned = model.cp, dict[int, int]()
    for duty in model.may:
        route, timed = best.solution.routes[duty], best.timed[duty]
        cp.add_hint(model.used[duty], bool(route))
        stops = (-1, *route, -1)
        ways = set(pairwise(stops)) if route else set()
        for way, arc in model.arcs[duty].items():
            cp.add_hint(arc, way in ways)
        for ticket in model.may[duty]:
            cp.add_hint(model.visit[duty, ticket], ticket in route)
        if timed is not None:
            cp.add_hint(model.depart[duty], timed.depart)
            cp.add_hint(model.back[duty], timed.returns)
            planned |= dict(zip(route, timed.starts, strict=True))
        for takes, choice in model.takes[duty]:
            cp.add_hint(takes, choice.route == route)
    for ticket in model.tickets:
        if not model.problem.tables.locked[ticket]:
            cp.add_hint(model.planned[ticket], ticket in planned)
        if ticket in planned:
            cp.add_hint(model.start[ticket], planned[ticket])
    for (duty, kit), carry in model.carry.items():
        cp.add_hint(carry, kit in best.solution.kits[duty])
