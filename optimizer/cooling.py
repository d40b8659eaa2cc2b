"""How a search cools: over how many iterations, and from how hot.

A search that cools over all of its time ends up to 2 % cheaper than one that is cut off warm, and how many iterations fit is
known only to the clock. A run must be repeated by its seed and its number of iterations alone. So the number itself tells: a round
one (a multiple of 100) cools over all of its iterations; any other over those that its last two digits stand for.
"""

from __future__ import annotations

import math

from optimizer.problem import Problem

_LEAST, _RATIO = 20.0, 1.2  # the last two digits count steps of a scale from 24 to 1.4e9 iterations
_DIGITS = 100

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


def heat_of(problem: Problem, iterations: int) -> float:
    """The highest temperature of a cooling over so many iterations, in ways to the nearest ticket; the lowest is two fifths of a way.

    A long run may wander far, a short one has to settle soon: measured on days of 200 to 600 tickets, with 5 to 1,000 iterations a
    ticket.
    """
    return min(max(10.0 * math.sqrt(iterations / max(1, problem.n_tickets)), 10.0), 300.0)


def _length(digits: int) -> int:
    return round(_LEAST * _RATIO**digits)
