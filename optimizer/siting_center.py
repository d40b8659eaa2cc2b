"""Which sites to open so that the longest drive is shortest: the p-center, by set covering.

The worst drive (Hakimi 1964, doi 10.1287/opre.12.3.450) is one of the drives of the matrix. A drive d is enough when the sites within d
can cover everything with `p` sites (Minieka 1970, doi 10.1137/1012016); the least that is enough is found by halving.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data_models.errors import Unavailable
from optimizer.siting_found import OUT_OF_TIME, Found, Ints, Time
from optimizer.siting_problem import Bools, Floats

Cover = Callable[[Bools, Time], tuple[Ints, Ints | None] | bool]
"""A choice, and who serves whom where capacities decide it, that covers everything by the pairs within reach `(n_sites, n_demand) bool`;
False when there surely is none, True when time was over."""


def least_worst_drive(seconds: Floats, cover: Cover, time: Time) -> Found | None:
    """The choice with the least longest drive in seconds; None when no choice reaches everybody.

    Parameters
    ----------
    seconds
        `(n_sites, n_demand) float64`, infinite where there is no way.
    """
    # Somebody's nearest site is this far at best: no shorter drive needs to be tried.
    least = float(seconds.min(axis=0).max()) if seconds.size else 0.0
    drives = np.unique(seconds[np.isfinite(seconds) & (seconds >= least)])
    low, high = 0, len(drives) - 1
    best: tuple[Ints, Ints | None] | None = None
    unsure = False
    first_try = True
    while low <= high and not (unsure and not time.left):
        middle = high if first_try else (low + high) // 2
        answer = cover(seconds <= drives[middle], time.part(0.5))
        first_try = False
        if isinstance(answer, bool):
            if not answer and middle == len(drives) - 1:
                return None
            if answer:
                unsure = True
                break
            low = middle + 1
        else:
            best, high = answer, min(middle, _position(drives, seconds, answer)) - 1
    if best is None:
        if not unsure and not len(drives):
            return None
        raise Unavailable(OUT_OF_TIME)
    bound = float(drives[low]) if low < len(drives) else float(drives[-1])
    objective = float(drives[high + 1])
    return Found(best[0], objective, min(bound, objective), best[1])


def _position(drives: Floats, seconds: Floats, answer: tuple[Ints, Ints | None]) -> int:
    """Where the longest drive of a choice stands among the drives: often shorter than what was asked for."""
    crews, serves = answer
    worst = seconds[crews > 0].min(axis=0).max() if serves is None else seconds[serves, np.arange(len(serves))].max()
    return int(np.searchsorted(drives, worst))
