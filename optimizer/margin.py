"""Planning for a chance: a problem whose promises fall due earlier, so that what is planned just in time is likely in time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.chance_draws import Spread
from optimizer.problem import UNREACHABLE, Problem, to_plan
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.solution import Broken

if TYPE_CHECKING:
    from optimizer.result import Result

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_LOOKED_AT = 500
"""The typical way to the next ticket is taken from so many tickets, spread evenly, so that ten thousand cost no more."""


def with_margin(problem: Problem, spread: Spread, aim: float) -> Problem:
    """The problem with deadlines as much earlier as it takes to meet the true ones with the chance `aim`.

    Two kinds of deadline move: `ticket_due`, and the moment at which a window closes, though never past the window's middle. Who starts
    a shift at `0` and is due on site at `H` has planned hours `P <= H` of driving and work behind them, which take `P exp(s Z)` with `Z`
    normal and `s` the spread of their sum (`_spread_of_sum`): in time with the chance `aim` when `P = H exp(-s z)`, `z` the quantile of
    `aim`. So a deadline moves by `H (1 - exp(-s z))`: by more, the later in the shift it falls. A crew is in time when all of it is, so
    that each needs the chance `aim ** (1 / crew)`.

    No deadline moves to before anyone could be there who departs at once: a promise that is hard to keep gets less of a margin, or none.
    Deadlines at which no one who could serve the ticket is on duty stay, and so do the windows of locked tickets, which have no choice.

    Parameters
    ----------
    aim
        Chance to be in time, below 1. At one half or less nothing moves: planned times are medians.

    Returns
    -------
    Problem
        Whatever keeps its rules keeps those of `problem`; `settled` times and prices it by the latter.
    """
    if aim <= 0.5 or problem.n_tickets == 0 or problem.n_duties == 0:
        return problem
    pace = _pace_of(problem)
    owner = np.repeat(np.arange(problem.n_tickets), np.diff(problem.window_ptr))
    due = [_earlier(problem, ticket, deadline, spread, aim, pace) for ticket, deadline in enumerate(problem.ticket_due.tolist())]
    close = problem.window_end.copy()
    for row, (ticket, opens, closes) in enumerate(zip(owner.tolist(), problem.window_start.tolist(), close.tolist(), strict=True)):
        if closes < UNREACHABLE and not problem.ticket_locked[ticket]:
            close[row] = max(_earlier(problem, ticket, closes, spread, aim, pace), (opens + closes) // 2)
    return replace(problem, ticket_due=np.array(due, np.int64), window_end=close)


def settled(problem: Problem, result: Result) -> Result:
    """A result found on `with_margin(problem, ...)`, timed and priced by the true problem.

    Its trajectory is that one price: on the way the search counted in money of the margin. What was proven of the margin's problem is
    forgotten: a plan costs no more by the true one, so that its best plan may cost less than that bound. Settling twice changes nothing.
    """
    found = schedule(problem, result.schedule.solution)
    if isinstance(found, Broken):
        # Other breaks may pay under the true due moments, and keep a kit from somebody; the times that were found are valid as they are.
        found = replace(result.schedule, cost=score(problem.case, to_plan(problem, result.schedule)).cost.total)
    return replace(result, problem=problem, schedule=found, cost=found.cost, trajectory=((result.seconds, found.cost),), bound=None)


@dataclass(frozen=True)
class _Pace:
    """What a visit typically takes: seconds of driving from the one before, and of work."""

    leg: float
    work: float


def _pace_of(problem: Problem) -> _Pace:
    here = problem.ticket_location
    rows = np.unique(np.linspace(0, problem.n_tickets - 1, min(problem.n_tickets, MOST_LOOKED_AT)).astype(np.int64))
    nearest = []
    for row in rows.tolist():
        away = np.minimum(problem.travel_s[here[row], here], UNREACHABLE)
        away[row] = UNREACHABLE
        nearest.append(int(away.min()))
    legs = [leg for leg in nearest if leg < UNREACHABLE]
    return _Pace(float(np.median(legs)) if legs else 0.0, float(np.median(problem.ticket_service_s)))


def _earlier(problem: Problem, ticket: int, deadline: int, spread: Spread, aim: float, pace: _Pace) -> int:
    """A deadline with its margin, or with as much of it as can be kept."""
    direct = problem.travel_s[problem.duty_origin, problem.ticket_location[ticket]]
    windows = problem.tables.windows[ticket]
    arrive = np.maximum(problem.duty_earliest + direct, windows[0][0] if windows else 0)
    able = problem.member[ticket] & (arrive <= deadline)
    busy: Bools = able & (deadline <= problem.duty_latest)
    if not busy.any():
        return deadline
    budget = float(deadline - np.median(problem.duty_earliest[busy]))
    quantile = NormalDist().inv_cdf(aim ** (1 / int(problem.ticket_crew[ticket])))
    share = 1 - math.exp(-quantile * _spread_of_sum(budget, float(np.median(direct[busy])), pace, spread))
    moved = math.floor(deadline - share * budget)  # down: rather more sure than less
    return max(moved, int(arrive[able].min()))


def _spread_of_sum(budget: float, first: float, pace: _Pace, spread: Spread) -> float:
    """Standard deviation of a sum of drives and works of `budget` seconds, as a share of it.

    A first drive of `first` seconds, then works and legs by turns. For `n` equal parts that add up to `A`, with spread `s` and
    correlation `r`, the variance is about `(A s)^2 (r + (1 - r) / n)`.
    """
    if budget <= 0:
        return 0.0
    first = min(first, budget)
    more = (budget - first) / (pace.leg + pace.work) if pace.leg + pace.work > 0 else 0.0
    driving = first + more * pace.leg
    shared = spread.correlation
    variance = (driving * spread.drive) ** 2 * (shared + (1 - shared) / (1 + more))
    variance += ((budget - driving) * spread.service) ** 2 * (shared + (1 - shared) / max(1.0, more))
    return math.sqrt(variance) / budget
