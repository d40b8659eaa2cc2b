"""Solving a large problem by regions: parts searched side by side, then again with other borders, so that no seam stays.

A round divides the problem anew, lets every part go on from the present plan, and puts the parts together; several rounds make one
cycle of temperatures, as if the whole were annealed with borders that move. All parts of a round advance by the same fraction of
it, so that seed and iterations, counted over all parts, repeat a run however many workers or machines shared it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from optimizer import search
from optimizer.compiling import make_ready
from optimizer.exchange import present_of
from optimizer.insertion import construct
from optimizer.parts import Part, divide, homes_of
from optimizer.problem import Ints, Problem
from optimizer.result import Result, Status, Stop
from optimizer.schedule import cost_of, crew_duties, schedule, schedule_of
from optimizer.solution import Schedule, Solution, TimedRoute, empty_solution

MOST_CELLS = 1_000_000
"""Tickets × duties that are searched as a whole: beyond, the caches of a single search outgrow the processor's, and more of the plan
lies out of reach of each iteration than a part would hold."""

PART_TICKETS = 600
"""Tickets of a part, about."""

_PER_TICKET = 60  # iterations of the first cycle
_LEAST_CYCLE = 2000
_ROUNDS = 3  # of the first cycle; each later one has one more
_CHUNK_S = 0.1
_LOOK_S = 0.5
_MARGIN_S = 0.05


@dataclass(frozen=True)
class Task:
    """One part's search in one round, complete: what a worker elsewhere needs.

    Attributes
    ----------
    start
        The present plan of the part; None: it begins with nothing.
    before, iterations, cycle
        Iterations of this cycle of temperatures done before the round, to be done in it, and in the whole cycle.
    """

    problem: Problem
    start: Solution | None
    seed: int
    before: int
    iterations: int
    cycle: int


@dataclass(frozen=True)
class Outcome:
    """What a part's search came to: the best that it saw, and where it stands, which a later round goes on from."""

    best: Solution
    present: Solution


Elsewhere = Callable[[Sequence[Task]], Sequence[Outcome]]
"""Searches tasks side by side, such as on a cluster; outcomes in the order of the tasks."""


def is_large(problem: Problem) -> bool:
    """Whether a problem is better searched by regions."""
    return problem.n_tickets * problem.n_duties > MOST_CELLS and len(np.unique(problem.duty_station)) > 1


def solve(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    start: Solution | None = None,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 1,
    elsewhere: Elsewhere | None = None,
) -> Result:
    """A plan by compiled search: of the whole, or by regions where that is too large; never worse than `start`.

    Parameters
    ----------
    problem, stop, seed, start, on_progress, clock
        As in `search.solve`. By regions, iterations are counted over all parts.
    workers
        Threads. Of the whole problem: searches that exchange, so that their number must be repeated with the seed. By regions: parts
        that are searched at the same time, whose number changes nothing but the speed.
    elsewhere
        Searches the parts of a round in place of threads; then a round ends as a whole, and the last one is cut to the time that is left.

    Raises
    ------
    LocksCannotHold
        No way was found to keep all locked tickets with their technicians.
    """
    if not is_large(problem) or not (stop.seconds or stop.iterations):
        return search.solve(problem, stop, seed, start=start, on_progress=on_progress, clock=clock, workers=workers)
    return by_regions(
        problem, stop, seed, start=start, on_progress=on_progress, clock=clock, workers=workers, elsewhere=elsewhere, most=PART_TICKETS
    )


def by_regions(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    most: int,
    start: Solution | None = None,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 1,
    elsewhere: Elsewhere | None = None,
) -> Result:
    """As `solve`, by regions of about `most` tickets whatever the size."""
    make_ready()
    began = clock()
    run = _Run(problem, stop, seed, clock, on_progress, began, homes_of(problem), most)
    run.keep(schedule_of(problem, start))
    first = run.best
    with ThreadPoolExecutor(max(1, workers), "part") as pool:
        while run.goes_on():
            if elsewhere is not None:
                _round_elsewhere(run, elsewhere)
            else:
                _round_in_threads(run, pool)
    best = run.best or _nothing(problem)
    changed: Status = "improved" if run.best is not first and any(best.timed) else "empty"
    status: Status = "start" if run.best is first and any(best.timed) else changed
    return Result(problem, best, best.cost, run.elapsed(), run.done, seed, tuple(run.trajectory), status, run.rejected, stop.is_asked_for)


def search_part(task: Task) -> Outcome:
    """What one part comes to after its iterations."""
    from optimizer import search_kernel as kernel

    memory = _begin(task)
    kernel.run(memory.table, task.iterations)
    return _outcome(memory)


def _begin(task: Task) -> search.Memory:
    """The search of a part, at its place in the cycle of temperatures."""
    memory = search.begin(task.problem, schedule_of(task.problem, task.start), task.seed)
    search.cool(memory, task.problem, -task.before, max(task.cycle, task.before + task.iterations))
    return memory


def _outcome(memory: search.Memory) -> Outcome:
    return Outcome(memory.best(), present_of(memory.state))


def _nothing(problem: Problem) -> Schedule:
    nothing = empty_solution(problem.n_duties)
    return Schedule(nothing, (None,) * problem.n_duties, cost_of(problem.tables, {}, ()))


@dataclass
class _Run:
    """The clock, the present plan, and how far the rounds have come."""

    problem: Problem
    stop: Stop
    seed: int
    clock: Callable[[], float]
    on_progress: Callable[[float, float], None] | None
    began: float
    homes: Ints
    most: int
    best: Schedule | None = None
    present: Schedule | None = None
    done: int = 0
    rounds: int = 0
    over: bool = False  # a round was cut off
    overhead_s: float = 0.0  # what a round takes beside its iterations
    per_iteration: float = 0.0
    rejected: int = 0
    trajectory: list[tuple[float, float]] = field(default_factory=list)

    def elapsed(self) -> float:
        """Seconds since the call."""
        return self.clock() - self.began

    def remaining(self) -> float:
        """Seconds left; endless when seconds do not count."""
        return np.inf if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - self.elapsed()

    def left(self) -> int | None:
        """Iterations left; None when they do not count."""
        return None if self.stop.iterations is None else self.stop.iterations - self.done

    def goes_on(self) -> bool:
        """Whether another round is worth its beginning. The first one always is: there is no plan before it."""
        left = self.left()
        if self.over or self.stop.is_asked_for or (left is not None and left <= 0):
            return False
        return self.rounds == 0 or self.remaining() > 1.5 * self.overhead_s

    def tell(self, cost: float) -> None:
        """Adds to the trajectory, if it is an improvement."""
        if not self.trajectory or cost < self.trajectory[-1][1] - 1e-6:
            self.trajectory.append((self.elapsed(), cost))
            if self.on_progress is not None:
                self.on_progress(*self.trajectory[-1])

    def keep(self, found: Schedule | None) -> None:
        """Takes a plan for the best one if it is cheaper."""
        if found is not None and (self.best is None or found.cost < self.best.cost - 1e-6):
            self.best = found
            self.tell(found.cost)


def _place_in_cycle(rounds: int) -> tuple[int, int, int]:
    """Which cycle of temperatures a round belongs to, which of its rounds it is, and how many there are."""
    cycle, first = 0, 0
    while rounds >= first + _ROUNDS + cycle:
        first += _ROUNDS + cycle
        cycle += 1
    return cycle, rounds - first, _ROUNDS + cycle


def _tasks(run: _Run) -> tuple[list[Part], list[Task]]:
    """The parts of the next round, with all of their iterations to do."""
    chance = random.Random(f"{run.seed}/{run.rounds}")
    number, place, count = _place_in_cycle(run.rounds)
    if place == 0:
        run.present = run.best
    parts = divide(run.problem, run.present, run.homes, run.most, chance)
    tasks = []
    for part in parts:
        cycle = max(_LEAST_CYCLE, _PER_TICKET * len(part.tickets)) << number
        start = None if run.present is None else part.inside(run.present.solution)
        before, after = cycle * place // count, cycle * (place + 1) // count
        tasks.append(Task(part.problem, start, chance.randrange(2**31), before, after - before, cycle))
    return parts, tasks


def _share_of(task: Task, iterations: int, total: int) -> int:
    """What a part has to have done when the round has done so many of all its iterations."""
    return task.iterations * iterations // total


def _round_in_threads(run: _Run, pool: ThreadPoolExecutor) -> None:
    """One round, cut off where the stop says so."""
    from optimizer import search_kernel as kernel

    began = run.elapsed()
    parts, tasks = _tasks(run)
    memories = list(pool.map(_begin, tasks))
    total = sum(task.iterations for task in tasks)
    left = run.left()
    goal = total if left is None else min(total, left)
    begun = run.elapsed() - began
    timing_s = _seconds_to_time(run, parts, memories)
    before = [m.first.cost if run.present is None else _cost_inside(p, run.present) for p, m in zip(parts, memories, strict=True)]
    present = sum(before) if run.present is None else run.present.cost
    done, chunk, looked = 0, max(1, total // 10_000), run.elapsed()
    while done < goal and run.remaining() > timing_s and not run.stop.is_asked_for:
        until = min(goal, done + chunk)
        at = run.clock()
        list(pool.map(lambda pair, n=until: kernel.run(pair[0].table, _share_of(pair[1], n, total)), zip(memories, tasks, strict=True)))
        per_iteration = max(run.clock() - at, 1e-6) / (until - done)
        chunk = max(1, min(int(min(_CHUNK_S, max(run.remaining() - timing_s, 0.001)) / per_iteration), 8 * chunk))
        done = until
        if run.elapsed() - looked > _LOOK_S:
            looked = run.elapsed()
            run.tell(present + sum(min(0.0, float(m.state.level[kernel.BEST]) - was) for m, was in zip(memories, before, strict=True)))
    run.done += done
    run.over = done < total
    _finish(run, parts, [_outcome(memory) for memory in memories])
    run.overhead_s = begun + 2 * timing_s


def _seconds_to_time(run: _Run, parts: Sequence[Part], memories: Sequence[search.Memory]) -> float:
    """How long timing all parts anew will take, by the largest of them."""
    largest = max(range(len(parts)), key=lambda i: len(parts[i].tickets))
    began = run.clock()
    schedule(parts[largest].problem, memories[largest].first.solution)
    return 2 * (run.clock() - began) * run.problem.n_tickets / max(1, len(parts[largest].tickets))


def _round_elsewhere(run: _Run, elsewhere: Elsewhere) -> None:
    """One round where somebody else searches, shortened before it begins to what fits into the time that is left."""
    began = run.elapsed()
    parts, tasks = _tasks(run)
    total = sum(task.iterations for task in tasks)
    left = run.left()
    goal = total if left is None else min(total, left)
    if run.stop.seconds is not None:
        run.per_iteration = run.per_iteration or _rehearse(run, elsewhere, tasks)
        goal = min(goal, max(1, int((run.remaining() - run.overhead_s) / run.per_iteration)))
    divided = run.elapsed()
    outcomes = elsewhere([replace(task, iterations=_share_of(task, goal, total)) for task in tasks])
    run.per_iteration = (run.elapsed() - divided) / goal
    run.done += goal
    run.over = goal < total
    searched = run.elapsed()
    _finish(run, parts, outcomes)
    run.overhead_s = (divided - began) + (run.elapsed() - searched)


def _rehearse(run: _Run, elsewhere: Elsewhere, tasks: Sequence[Task]) -> float:
    """Seconds of an iteration elsewhere, found by a twentieth of a round whose outcome is forgotten; before it, workers get ready."""
    elsewhere([replace(task, iterations=1) for task in tasks])
    began = run.elapsed()
    short = [replace(task, iterations=-(-task.iterations // 20)) for task in tasks]
    elsewhere(short)
    return (run.elapsed() - began) / sum(task.iterations for task in short)


def _finish(run: _Run, parts: Sequence[Part], outcomes: Sequence[Outcome]) -> None:
    """Takes what a round came to: the best of each part, where that makes the best plan of all, and where each part stands."""
    best, rejected = join(run.problem, run.present, parts, [outcome.best for outcome in outcomes], only_cheaper=True)
    run.rejected += rejected
    run.keep(best)
    run.rounds += 1
    if not run.over:
        run.present, rejected = join(run.problem, run.present, parts, [outcome.present for outcome in outcomes], only_cheaper=False)
        run.rejected += rejected


def join(
    problem: Problem, present: Schedule | None, parts: Sequence[Part], found: Sequence[Solution], *, only_cheaper: bool
) -> tuple[Schedule, int]:
    """The plan with what was found for its parts, each timed by every rule; and how many broke one, where all stays as it was.

    Parameters
    ----------
    present
        The plan that the problem was divided for; None: there is none.
    only_cheaper
        What is not cheaper than what is there stays out.
    """
    base, rejected = present or _nothing(problem), 0
    routes, kits, wait = list(base.solution.routes), list(base.solution.kits), list(base.solution.wait_until)
    timed: list[TimedRoute | None] = list(base.timed)
    for part, solution in zip(parts, found, strict=True):
        new = schedule(part.problem, solution)
        if not isinstance(new, Schedule):
            rejected += 1
            if present is not None:
                continue
            new = construct(part.problem)
        if only_cheaper and present is not None and new.cost > _cost_inside(part, present) - 1e-6:
            continue
        ticket, kit = part.tickets.tolist(), part.kits.tolist()
        for own, duty in enumerate(part.duties.tolist()):
            routes[duty] = tuple(ticket[t] for t in new.solution.routes[own])
            kits[duty] = frozenset(kit[k] for k in new.solution.kits[own])
            wait[duty], timed[duty] = new.solution.wait_until[own], new.timed[own]
    tables = problem.tables
    whole = Solution(tuple(routes), tuple(kits), tuple(wait))
    return Schedule(whole, tuple(timed), cost_of(tables, crew_duties(tables, routes), timed)), rejected


def _cost_inside(part: Part, whole: Schedule) -> float:
    """What a plan of the whole costs within a part, counted as the part does."""
    tables = part.problem.tables
    routes = part.inside(whole.solution).routes
    return cost_of(tables, crew_duties(tables, routes), [whole.timed[duty] for duty in part.duties.tolist()])
