"""Solving by ruin and recreate, compiled: slack induction by string removals under simulated annealing.

Christiaens and Vanden Berghe (2020, doi 10.1287/trsc.2019.0914), with the true cost and every rule. A run that was stopped by the
clock after N iterations is repeated by `Stop(iterations=N)`: `cooling` reads from N over how many it cooled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.compiling import make_ready
from optimizer.cooling import HELD, HELD_HEAT, cost_of_a_visit, digits_for, length_of, next_with, temperatures
from optimizer.exchange import Team, team_of
from optimizer.insertion import construct
from optimizer.problem import Problem
from optimizer.result import Result, Status, Stop
from optimizer.schedule import schedule, schedule_of
from optimizer.search_state import facts_of, read_best, state_of, table_of, write_best
from optimizer.solution import Broken, Schedule, Solution

if TYPE_CHECKING:
    from optimizer.search_kernel import Facts, State
    from optimizer.search_state import Ints

LOOK_EVERY = 2048

_CHUNK_S = 0.025  # the clock is looked at this often, and whether somebody asks to stop
_MOST_AT_ONCE = 2000  # iterations
_MARGIN_S = 0.05  # to time the last solution anew
_LOOK_S = 0.5  # improvements are timed and told this often

_REMOVED = 10.0  # visits that an iteration removes on average
_BLINK = 0.01  # chance to overlook a duty
_REGRET = 0.6  # of 12.6 iterations recreate by regret, the others in some order
_FOCUS = 0.2  # chance to ruin around a ticket that is late or not planned
_SURE_SHARE = 0.93  # of the iterations that seem to fit: what is left over is searched in short cycles from the best


def solve(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    start: Solution | None = None,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 1,
    on_look: Callable[[State], None] | None = None,
) -> Result:
    """A plan by ruin and recreate, never worse than `start`.

    Parameters
    ----------
    problem
        Any problem; without a ticket, a technician or a feasible visit the plan is empty.
    stop
        Without seconds and iterations, or with zero iterations, the start is returned unchanged. Whether somebody asks to stop is
        looked at between spells of about 25 ms.
    seed
        The same seed, workers and number of iterations give the same plan, also when the number was found by the clock.
    start
        A solution to start from, such as an earlier plan; ignored when it breaks a rule.
    on_progress
        Called with (seconds, cost) as soon as there is a plan and at improvements, at most every half second.
    clock
        Monotonic seconds. Compiling does not count: it comes before the first look at the clock.
    workers
        Searches that run side by side and exchange what they find, best one for each core; iterations are those of each.
    on_look
        Called with the first search's state every `LOOK_EVERY` iterations or more, for whoever collects what it comes across.

    Raises
    ------
    LocksCannotHold
        No way was found to keep all locked tickets with their technicians.
    """
    nothing_to_do = not (stop.seconds or stop.iterations) or problem.n_tickets == 0 or problem.n_duties == 0
    if not nothing_to_do:
        make_ready()
    began = clock()
    warm = schedule_of(problem, start)
    if nothing_to_do:
        first = warm or construct(problem)
        run = _Run(problem, stop, clock, on_progress, began, first)
        return run.result(first, 0, seed)
    memory = begin(problem, warm, seed)
    first = memory.first
    run = _Run(problem, stop, clock, on_progress, began, first)
    with team_of(problem, memory, seed, workers) as team:
        return run.result(first, _improve(team, run, on_look), seed)


@dataclass(frozen=True)
class Memory:
    """A search about to begin: its arrays, the table of where they are, and the schedule that it starts from."""

    facts: Facts
    state: State
    table: Ints
    first: Schedule

    def best(self) -> Solution:
        """The best solution that the search has seen."""
        return read_best(self.state)


def begin(problem: Problem, warm: Schedule | None, seed: int) -> Memory:
    """The search at its start: the given schedule, or a constructed one."""
    make_ready()
    from optimizer import search_kernel as kernel

    facts = facts_of(problem)
    state, table = fresh(problem, facts, seed)
    first = warm
    if first is None:
        kernel.construct(table)
        found = schedule(problem, read_best(state))
        if isinstance(found, Schedule):
            first = found
        else:
            first = construct(problem)  # raises when locks cannot hold
            state, table = fresh(problem, facts, seed)
    resume(problem, state, table, first)
    return Memory(facts, state, table, first)


def recall(problem: Problem, plan: Schedule) -> Memory:
    """A schedule in the search's memory, to ask about it rather than to search on: without neighbours and temperatures.

    Nobody is overlooked by chance.

    Raises
    ------
    RuntimeError
        The search and `schedule` disagree about the plan, which is a fault of one of them.
    """
    make_ready()
    from optimizer import search_kernel as kernel

    facts = facts_of(problem, searching=False)
    state = state_of(problem, facts, 1)
    table = table_of(facts, state)
    write_best(state, plan.solution)
    kernel.prepare(table)
    if not kernel.load(table):
        raise RuntimeError("search and schedule disagree: the plan does not fit")
    return Memory(facts, state, table, plan)


def fresh(problem: Problem, facts: Facts, seed: int) -> tuple[State, Ints]:
    """The memory of a search that has planned nothing yet, and the table of it and the facts."""
    from optimizer import search_kernel as kernel

    state = state_of(problem, facts, seed)
    state.level[kernel.REMOVED], state.level[kernel.BLINK], state.level[kernel.FOCUS] = _REMOVED, _BLINK, _FOCUS
    state.level[kernel.REGRET] = _REGRET
    return state, table_of(facts, state)


def resume(problem: Problem, state: State, table: Ints, first: Schedule) -> None:
    """Puts a schedule into the search's memory, held cold until `cool` says over how many iterations it cools."""
    from optimizer import search_kernel as kernel

    write_best(state, first.solution)
    kernel.prepare(table)
    kernel.load(table)
    state.level[kernel.BEST] = state.level[kernel.TOTAL]
    state.level[kernel.HELD_HEAT] = HELD_HEAT * cost_of_a_visit(first)
    state.counter[kernel.CYCLE_END] = kernel.NEVER


def cool(memory: Memory, problem: Problem, begin: int, length: int) -> None:
    """Lets a search cool over `length` iterations from `begin` on, by what visits of this very case cost."""
    from optimizer import search_kernel as kernel

    state = memory.state
    hot, cold = temperatures(problem, memory.first, length)
    state.level[kernel.HOT], state.level[kernel.COLD] = hot, cold
    state.level[kernel.NEXT_HOT] = max(hot / 10, cold)
    state.counter[kernel.CYCLE_BEGIN], state.counter[kernel.CYCLE_END] = begin, begin + length
    state.counter[kernel.NEXT_CYCLE] = max(kernel.HELD, length // 8)


@dataclass
class _Run:
    """The clock, the best schedule so far, and whom to tell."""

    problem: Problem
    stop: Stop
    clock: Callable[[], float]
    on_progress: Callable[[float, float], None] | None
    began: float
    best: Schedule
    rejected: int = 0
    interrupted: bool = False
    trajectory: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tell()

    def elapsed(self) -> float:
        """Seconds since the call."""
        return self.clock() - self.began

    def remaining(self) -> float:
        """Seconds left for searching; endless when seconds do not count."""
        return np.inf if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - self.elapsed()

    def goes_on(self) -> bool:
        """Whether there is time left and nobody asks to stop."""
        self.interrupted = self.interrupted or self.stop.is_asked_for
        return not self.interrupted and self.remaining() > 0

    def offer(self, solution: Solution, *, last: bool = False) -> None:
        """Time a solution by every rule, and keep it when it is cheaper than the best, beyond rounding.

        The last offer also replaces an equal that was offered before: which of several workers' equals the clock had picked must
        not matter.
        """
        found = schedule(self.problem, solution)
        if isinstance(found, Broken):
            self.rejected += 1
        elif found.cost < self.best.cost - 1e-6:
            self.best = found
            self._tell()
        elif last and len(self.trajectory) > 1:
            self.best = found

    def _tell(self) -> None:
        self.trajectory.append((self.elapsed(), self.best.cost))
        if self.on_progress is not None:
            self.on_progress(*self.trajectory[-1])

    def result(self, first: Schedule, iterations: int, seed: int) -> Result:
        """What the search hands back."""
        status: Status = "improved" if self.best is not first else ("start" if any(first.timed) else "empty")
        trajectory = tuple(self.trajectory)
        return Result(
            self.problem, self.best, self.best.cost, self.elapsed(), iterations, seed, trajectory, status, self.rejected, self.interrupted
        )


def _improve(team: Team, run: _Run, on_look: Callable[[State], None] | None) -> int:
    """Searches until the stop says so; the number of iterations."""
    limit = run.stop.iterations
    digits = 0
    if limit is not None:
        team.cool(run.problem, length_of(limit))
    done, chunk, looked, seen = 0, 16, run.elapsed(), team.improved
    searching, shown = run.elapsed(), 0
    while (limit is None or done < limit) and run.goes_on():
        until = done + chunk if limit is None else min(limit, done + chunk)
        began = run.clock()
        team.advance(until)
        spent = max(run.clock() - began, 1e-6)
        per_iteration = spent / (until - done)
        chunk = max(1, min(int(min(_CHUNK_S, max(run.remaining(), 0.001)) / per_iteration), 8 * chunk, _MOST_AT_ONCE))
        done = until
        if on_look is not None and done >= shown + LOOK_EVERY:
            shown = done
            on_look(team.members[0].state)
        if limit is None and not digits:
            rate = done / max(run.elapsed() - searching, 1e-6)
            chunk = min(chunk, 1 + int(rate * run.remaining() / (2 * HELD)))
            if HELD * (run.elapsed() - searching) >= run.remaining():
                digits = digits_for(_SURE_SHARE * rate * run.remaining(), done)
                team.cool(run.problem, length_of(digits))
        if team.improved > seen and run.elapsed() - looked > _LOOK_S:
            looked, seen = run.elapsed(), team.improved
            run.offer(team.best())
    if limit is None and done > 0:
        done = next_with(digits or digits_for(0, done + 100), done)
        team.advance(done)
    if team.improved > 0:
        run.offer(team.best(), last=True)
    return done
