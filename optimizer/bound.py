"""A proven lower bound on the cost of every plan, by column generation.

The master (`master`) chooses days of people among those found so far, pricing (`pricing_kernel`) finds days that would make it
cheaper, and each round of pricing that is complete proves a bound, whatever the master says. Multipliers are smoothed towards
the best ones so far (Wentges 1997, doi 10.1016/S0969-6016(97)00001-4; Pessoa, Sadykov, Uchoa and Vanderbeck 2018, doi
10.1287/ijoc.2017.0784).

What is relaxed, so that the bound may lie below the best plan: a crew's people need only start in the same slot of
time, breaks after the second of a shift, two shifts of one person may overlap, and kits are counted at the moments that
mattered in the master. Plans may cost more for these reasons, never less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from optimizer.bound_facts import Views, rounded_down, views_of, with_whole_shifts
from optimizer.cuts import cut_crews, cut_kits
from optimizer.master import Column, Master, Rows, bound_of
from optimizer.pricing import Pricing, columns_of_plan
from optimizer.problem import Floats, Problem
from optimizer.result import Stop
from optimizer.schedule import lateness_cost
from optimizer.solution import Schedule

_MARGIN_S = 0.2
_SMOOTHING = 0.6
_STALLED = 5e-4  # of the master's value: less in a round counts as none
_NEGLIGIBLE = 1e-4  # of the bound: what all multipliers that are left out may be worth together
_PACE = 2e6  # comparisons of labels in a second, at least
_NO_LIMIT = 10**15
_LEAST = 1e-6  # a reduced cost that counts


@dataclass(frozen=True)
class Bound:
    """What was proven.

    Attributes
    ----------
    bound
        No plan costs less.
    columns
        Days that the master has seen, for building plans from; `weights` are their values in its last solution.
    duties
        By `Column.day`: the duties of the people who could do it, the first trip's where they are chained.
    rounds, seconds
        Complete rounds of pricing, and the time that it took.
    trajectory
        (seconds, bound) of each rise.
    ended
        `"optimal"`: the known plan is proven; `"converged"`: the relaxation has nothing more to give; `"time"`: the limit came first;
        `"stuck"`: the linear solver gave no answer, or pricing gave up on a day that has too many ways.
    """

    bound: float
    columns: tuple[Column, ...]
    weights: tuple[float, ...]
    duties: tuple[tuple[int, ...], ...]
    rounds: int
    seconds: float
    trajectory: tuple[tuple[float, float], ...]
    ended: str


def prove(problem: Problem, stop: Stop, *, known: Schedule | None = None, clock: Callable[[], float] = time.monotonic) -> Bound:
    """A lower bound on the cost of every plan that the format allows, as good as time permits.

    Parameters
    ----------
    problem
        Any problem.
    stop
        Seconds, or rounds of pricing as iterations; the same rounds prove the same bound.
    known
        A plan: its days are the first columns, and its cost is where the proof may stop.
    clock
        Monotonic seconds. Compiling does not count: it comes before the first look at the clock.
    """
    from optimizer import pricing_kernel

    pricing_kernel.make_ready()
    began = clock()
    run = _Run(rounded_down(with_whole_shifts(problem)), stop, known, clock, began)
    return run.prove()


def cheap_multipliers(rows: Rows) -> Floats:
    """Multipliers under which no column has a negative reduced cost, without any pricing.

    A ticket is worth what it costs to skip it, or to serve it at the earliest moment that anybody could be there.
    """
    tables, views = rows.problem.tables, rows.views
    p = np.zeros(len(rows.rhs))
    for ticket in range(rows.problem.n_tickets):
        p[ticket] = rows.skip_cost(ticket)
        if views.last[ticket] >= 0:
            p[ticket] = min(p[ticket], tables.crew[ticket] * lateness_cost(tables, ticket, int(views.soonest[ticket])))
    return p


@dataclass(eq=False)
class _Run:
    """One proof on its way."""

    problem: Problem
    stop: Stop
    known: Schedule | None
    clock: Callable[[], float]
    began: float
    best: float = -np.inf
    rounds: int = 0
    trajectory: list[tuple[float, float]] = field(default_factory=list)

    def elapsed(self) -> float:
        return self.clock() - self.began

    def remaining(self) -> float:
        if self.stop.is_asked_for:
            return 0.0
        return np.inf if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - self.elapsed()

    def rise(self, bound: float, p: Floats) -> bool:
        """Keeps a bound if it is the best so far."""
        if bound <= self.best:
            return False
        self.best, self.center = bound, p
        self.trajectory.append((self.elapsed(), bound))
        return True

    def prove(self) -> Bound:
        problem = self.problem
        views = views_of(problem) if problem.n_duties else _nobody(problem)
        self.rows = rows = Rows(problem, views)
        p = cheap_multipliers(rows)
        self.rise(bound_of(rows, p, np.zeros(len(views.days))), p)
        ended = "converged"
        self.master = master = Master(rows)
        self.weights: Floats = np.zeros(0)
        if views.days and problem.n_tickets:
            self.pricing = Pricing(rows)
            for column in columns_of_plan(rows, self.known) if self.known is not None else ():
                master.add(column)
            ended = self._generate()
        weights = np.zeros(len(master.columns))
        weights[: len(self.weights)] = self.weights
        duties = tuple(day.duties for day in views.days)
        columns, values = tuple(master.columns), tuple(weights.tolist())
        return Bound(self.best, columns, values, duties, self.rounds, self.elapsed(), tuple(self.trajectory), ended)

    def _generate(self) -> str:
        """Rounds of master and pricing until nothing is gained or time is over; why it ended."""
        smoothing, quick, value = _SMOOTHING, True, np.inf
        while self.remaining() > 0 and (self.stop.iterations is None or self.rounds < self.stop.iterations):
            solved = self.master.solve(max(0.1, min(self.remaining(), 600.0)))
            if solved is None:
                return "time" if self.remaining() <= 0 else "stuck"
            p, on_days, self.weights = solved
            if self._cut() or self._forget():
                continue
            if self.known is not None and self.best > self.known.cost - 1e-6:
                return "optimal"
            if self.master.value - self.best < 1e-7 * abs(self.best) + 1e-5:
                return "converged"
            center = np.zeros(len(p))
            center[: len(self.center)] = self.center
            point = self._rid(smoothing * center + (1 - smoothing) * p)
            found, bound = self._round(point, quick)
            if found is None:
                return "time"
            self.rounds += 1
            self.rise(bound, point)
            added = self._take(found, p, on_days)
            if added:
                # Once quick looks hardly lower the master's value, proving helps more: it also shows where to look.
                stalled = quick and np.isneginf(bound) and value - self.master.value < _STALLED * abs(value)
                quick, smoothing, value = not stalled, smoothing or _SMOOTHING, self.master.value
            elif quick and np.isneginf(bound):
                quick = False
            elif smoothing:
                quick, smoothing = True, 0.0
            else:
                return "stuck" if np.isneginf(bound) else "converged"
        return "time"

    def _rid(self, p: Floats) -> Floats:
        """Multipliers without the smallest of kits at a moment, which cost pricing much time and prove next to nothing."""
        moments = list(self.rows.moments.values())
        if moments:
            p[moments] = np.where(p[moments] * len(moments) > _NEGLIGIBLE * max(self.best, 1.0), p[moments], 0.0)
        return p

    def _forget(self) -> bool:
        """Takes away columns that visit a ticket twice, as far as pricing can avoid that."""
        changed = self.pricing.forbid(self.master.columns, self.weights)
        if not changed:
            return False
        return self.master.drop([i for i, c in enumerate(self.master.columns) if c.day in changed and not self.pricing.allows(c)]) > 0

    def _take(self, found: Sequence[Column], p: Floats, on_days: Floats) -> int:
        """Puts columns that the master would use into it; how many."""
        added = 0
        for column in found:
            reduced = column.cost - sum(p[row] * a for row, a in self.rows.column_rows(column).items()) + on_days[column.day]
            if reduced < -_LEAST:
                added += self.master.add(column)
        return added

    def _round(self, p: Floats, quick: bool) -> tuple[list[Column] | None, float]:
        """Prices every day: the columns found and the bound proven, minus infinity when some day had a quick look only.

        None when time ran out.
        """
        least = np.zeros(len(self.rows.views.days))
        found: list[Column] = []
        for number in range(len(least)):
            if self.remaining() <= 0:
                return None, -np.inf
            priced = self.pricing.price(number, p, not (quick and self.pricing.heavy(number)), self._affordable())
            least[number] = priced.least if priced.proven else -np.inf
            found += priced.columns
        return found, bound_of(self.rows, p, least)

    def _affordable(self) -> int:
        """Comparisons of labels for which there is time, by what they took so far."""
        remaining = self.remaining()
        if np.isinf(remaining):
            return _NO_LIMIT
        done, spent = self.pricing.compared, max(self.elapsed(), 1e-3)
        return int(max(0.05, remaining) * max(_PACE, done / spent))

    def _cut(self) -> int:
        """Adds rows that the master's solution breaks; how many."""
        return cut_kits(self.rows, self.master, self.weights) + cut_crews(self.rows, self.master, self.weights)


def _nobody(problem: Problem) -> Views:
    """The views of a problem without people."""
    none = np.full(problem.n_tickets, -1, np.int64)
    return Views((), np.zeros((0, 2), np.int64), none, none, (), {}, np.zeros(0, np.int64))
