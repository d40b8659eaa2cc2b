"""What a siting model found, in solver indices: the type that all of them share, and the time they have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

EXACT = 1e-6
"""Objectives that differ by less, relative to their size, count as equal: the tolerance of the solvers."""

OUT_OF_TIME = "no choice was found in the time given, nor that there is none; give more seconds"


@dataclass(frozen=True)
class Time:
    """How long a model may take, by a clock that is passed in."""

    clock: Callable[[], float]
    end: float

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.end - self.clock())

    def part(self, share: float) -> Time:
        """A share of what is left."""
        return Time(self.clock, self.clock() + share * self.left)


@dataclass(frozen=True, eq=False)
class Found:
    """What is open, and how good that is.

    Attributes
    ----------
    crews : (n_sites,) int64
        How often each site is open: 0 or 1, or the number of its crews.
    objective
        Of this choice.
    bound
        No choice has a better objective.
    serves : (n_demand,) int64 or None
        Where capacities decide it: the solver index of the site that serves each demand point, -1 for none.
    points
        For the frontier: yearly cost, weight covered and crews of each efficient point.
    """

    crews: Ints
    objective: float
    bound: float
    serves: Ints | None = None
    points: tuple[tuple[float, float, Ints], ...] = field(default=())
    complete: bool = True

    @property
    def proven(self) -> bool:
        """Whether no choice is better, up to `EXACT`."""
        return self.complete and abs(self.bound - self.objective) <= EXACT * max(1.0, abs(self.objective))


def tightened(bound: float, objective: float, grain: float) -> float:
    """A lower bound for an objective that is a whole multiple of `grain` (0: any number), rounded up to the next one it can be."""
    if grain > 0 and math.isfinite(bound):
        bound = math.ceil(bound / grain - EXACT) * grain
    return min(bound, objective)
