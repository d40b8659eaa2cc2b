"""A plan with a proof of how good it is: what the front door calls after a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from optimizer.bound import prove
from optimizer.dive import dive
from optimizer.result import Result, Stop

_SHARE = 0.7  # of the time for the bound; what it leaves goes to building better plans from its columns
_ENOUGH = 1e-6  # a gap that counts as none


def with_proof(result: Result, stop: Stop, *, clock: Callable[[], float] = time.monotonic, diving: bool = True) -> Result:
    """The result with a proven bound, and with a better plan where the proof led to one.

    Parameters
    ----------
    result
        What a search found; its own bound, if it has one, is kept where it is the better one.
    stop
        Seconds for the proof and for diving; compiling the pricing, once on a machine, comes before.
    clock
        Monotonic seconds.
    diving
        Whether to build plans from the columns of the bound; else all of the time goes into the bound.
    """
    from optimizer import pricing_kernel

    pricing_kernel.make_ready()
    began = clock()
    seconds = np.inf if stop.seconds is None else stop.seconds
    share = _SHARE if diving else 1.0
    limited = None if stop.seconds is None else share * stop.seconds
    bound = prove(result.problem, replace(stop, seconds=limited), known=result.schedule, clock=clock)
    proven = bound.bound if result.bound is None else max(bound.bound, result.bound)
    result = replace(result, bound=min(proven, result.cost))
    left = seconds - (clock() - began)
    if diving and 0.5 < left < np.inf and result.gap is not None and result.gap > _ENOUGH:
        better = dive(result.problem, bound, left - 0.2, result.seed, known=result.schedule, clock=clock)
        if better is not None:
            at = result.seconds + clock() - began
            trajectory = (*result.trajectory, (at, better.cost))
            result = replace(result, schedule=better, cost=better.cost, status="improved", trajectory=trajectory)
    return replace(result, seconds=result.seconds + clock() - began)
