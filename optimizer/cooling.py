"""How a search cools: over how many iterations, and from how hot.

A search that cools over all of its time ends up to 2 % cheaper than one that is cut off warm, and how many iterations fit is
known only to the clock. A run must be repeated by its seed and its number of iterations alone. So the number itself tells: a round
one (a multiple of 100) cools over all of its iterations; any other over those that its last two digits stand for.
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.problem import Problem
from optimizer.solution import Schedule

_LEAST, _RATIO = 20.0, 1.2  # the last two digits count steps of a scale from 24 to 1.4e9 iterations
_DIGITS = 100

_HEAT, _LEAST_HEAT, _MOST_HEAT = 0.15, 0.3, 4.0  # visits
_COLD = 0.3  # ways
HELD_HEAT = 0.1
"""The temperature before it is known over how many iterations to cool, in visits."""

HELD = 64
"""The first of so many parts of a cooling is searched cold: long enough to see how fast the machine is."""


def length_of(iterations: int) -> int:
    """Over how many iterations a run of so many cools."""
    digits = iterations % _DIGITS
    return _length(digits) if digits else iterations


def digits_for(iterations: float, done: int) -> int:
    """The last two digits of a run that can do about so many iterations and has done some at the held temperature."""
    fitting = math.floor(math.log(max(iterations, 1.0) / _LEAST, _RATIO)) if iterations > _LEAST else 1
    digits = min(max(fitting, 1), _DIGITS - 1)
    while digits < _DIGITS - 1 and _length(digits) < HELD * done:
        digits += 1
    return digits


def next_with(digits: int, done: int) -> int:
    """The next number of iterations that ends in these digits."""
    return done + (digits - done) % _DIGITS


def temperatures(problem: Problem, first: Schedule, iterations: int) -> tuple[float, float]:
    """The highest and the lowest temperature of a cooling over so many iterations, in money.

    The highest is measured by what a visit costs, lateness and overtime included, and grows with the iterations for each ticket: a
    long run may wander far, a short one has to settle soon. The lowest is measured by the way from a ticket to its nearest
    neighbour, the smallest thing worth deciding.
    """
    heat = min(max(_HEAT * math.sqrt(iterations / max(1, problem.n_tickets)), _LEAST_HEAT), _MOST_HEAT)
    hot = heat * cost_of_a_visit(first)
    return hot, min(hot, _COLD * way_to_the_nearest(problem))


def cost_of_a_visit(plan: Schedule) -> float:
    """What a visit of the plan costs on average."""
    visits = sum(len(route) for route in plan.solution.routes)
    return max(sum(trip.cost for trip in plan.timed if trip is not None) / max(1, visits), 1e-3)


def way_to_the_nearest(problem: Problem) -> float:
    """What the drive from a ticket to its nearest neighbour typically costs."""
    here = problem.ticket_location
    fares = problem.drive_cost[np.ix_(here, here)]
    nearest = np.where(fares > 0, fares, np.inf).min(axis=1)
    reached = nearest[np.isfinite(nearest)]
    return max(float(np.median(reached if len(reached) else problem.ticket_skip_cost / 10)), 1e-4)


def _length(digits: int) -> int:
    return round(_LEAST * _RATIO**digits)
