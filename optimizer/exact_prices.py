"""Money in whole units for CP-SAT, rounded so that a bound on the rounded cost of a plan is one on its true cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Problem

Ints = NDArray[np.int64]

_LARGEST_TOTAL = 2.0**50  # of all costs in whole units, so that the library's products stay within 64 bits
_ROUNDED_AWAY = 2e-7  # of the cost, at most, by rounding down


@dataclass(frozen=True, eq=False)
class Prices:
    """Money in whole units, `scale` to one. Every amount is rounded down, so that no plan seems dearer than it is: bounds stay bounds.

    `drive` reads `[origin, destination]`; lists read `[ticket]`; `late_per_s` and `overtime_per_s` are for each second.
    """

    scale: int
    drive: Ints
    miss: list[int]
    late_per_s: list[int]
    skip: list[int]
    change: list[int]
    overtime_per_s: int


def prices_of(problem: Problem, cost: float) -> Prices:
    """The amounts of a problem in units fine enough for plans that cost about `cost`.

    A scale that 3600 divides keeps whole hourly rates whole by the second.
    """
    tables = problem.tables
    longest = float(max([*tables.latest, 1]))
    finite = problem.drive_cost[np.isfinite(problem.drive_cost)]
    visits = sum(tables.crew) + problem.n_duties
    rates = [3600 * rate for rate in tables.late_per_s] + [problem.overtime_per_hour] * problem.n_duties
    total = longest / 3600 * sum(rates) + visits * float(finite.max(initial=0.0)) + sum(tables.miss) + sum(tables.skip) + sum(tables.change)
    scale = 3600
    for _ in range(3):
        lost = 4 * visits + sum(longest * math.modf(rate * (scale // 3600) + 1e-9)[0] for rate in rates if rate)
        if lost <= _ROUNDED_AWAY * cost * scale:
            break
        scale *= 10
    while scale > 1 and total * scale > _LARGEST_TOTAL:
        scale //= 10

    def whole(amount: float) -> int:
        return math.floor(amount * scale + 1e-6)  # what floats themselves lose would else take a unit away

    def each_second(per_hour: float) -> int:
        return math.floor(per_hour * scale / 3600 + 1e-9)

    drive = np.floor(np.where(np.isfinite(problem.drive_cost), problem.drive_cost, 0.0) * scale + 1e-6).astype(np.int64)
    return Prices(
        scale,
        drive,
        [whole(x) for x in tables.miss],
        [each_second(3600 * x) for x in tables.late_per_s],
        [whole(x) for x in tables.skip],
        [whole(x) for x in tables.change],
        each_second(problem.overtime_per_hour),
    )
