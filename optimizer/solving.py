"""One call for any case: the best plan that the time allows, and the proof of how good it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from optimizer import regions
from optimizer.exact_size import is_small
from optimizer.margin import settled
from optimizer.problem import Problem
from optimizer.regions import Elsewhere
from optimizer.result import Result, Stop
from optimizer.solution import Solution

_FIRST_ITERATIONS = 20_000  # of search before a small case is solved exactly: a good start makes the proof short
_FIRST_SHARE = 0.2  # of the time, at the most, for these
_EXACT_SHARE = 0.7  # of what is left, where the bound must come from elsewhere
_PROOF_MS = 20_000  # of CP-SAT's deterministic time where seconds do not count
_PROOF_ROUNDS = 200  # of pricing, for a small case
_MOST_TO_PROVE = 500  # tickets; beyond, the bound of a few minutes says little
_PROOF_SHARE, _LONG_PROOF_SHARE = 0.2, 0.4  # of the time for the proof: for search, minutes bring little
_LONG_S = 120.0


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
    true: Problem | None = None,
) -> Result:
    """A plan by compiled search, never worse than `start`, with a proven bound where one can be had.

    A small case is solved exactly. A large one is searched by regions. In between, part of the time goes into the bound.

    Parameters
    ----------
    problem, start, on_progress, clock, workers, elsewhere
        As in `regions.solve`.
    stop
        Iterations are those of the search. A run that only they end has no bound unless the case is small: how long a proof takes,
        iterations of the search do not tell.
    seed
        The same seed, workers and number of iterations give the same plan.
    true
        The problem without margins where `problem` has them: the result is timed, priced and proven by this one.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other.
    """
    if not (stop.seconds or stop.iterations):
        return _true(regions.solve(problem, stop, seed, start=start, on_progress=on_progress, clock=clock, workers=workers), true)
    if is_small(problem):
        return _exactly(problem, stop, seed, start, on_progress, clock, workers, true)
    proof_s = _proof_seconds(problem, stop)
    searched = stop if stop.seconds is None else replace(stop, seconds=stop.seconds - proof_s)
    result = regions.solve(problem, searched, seed, start=start, on_progress=on_progress, clock=clock, workers=workers, elsewhere=elsewhere)
    result = _true(result, true)
    if result.interrupted or proof_s <= 0:
        return result
    from optimizer.proof import with_proof  # loads OR-Tools

    # A plan found by diving could not be repeated by its number of iterations.
    return with_proof(result, Stop(proof_s, None, stop.interrupted), clock=clock, diving=False)


def _true(result: Result, true: Problem | None) -> Result:
    return result if true is None or true is result.problem else settled(true, result)


def _proof_seconds(problem: Problem, stop: Stop) -> float:
    if stop.seconds is None or stop.iterations is not None or problem.n_tickets > _MOST_TO_PROVE or problem.n_duties == 0:
        return 0.0
    return stop.seconds * (_PROOF_SHARE if stop.seconds < _LONG_S else _LONG_PROOF_SHARE)


def _exactly(
    problem: Problem,
    stop: Stop,
    seed: int,
    start: Solution | None,
    on_progress: Callable[[float, float], None] | None,
    clock: Callable[[], float],
    workers: int,
    true: Problem | None,
) -> Result:
    """A short search, and the exact solver from there."""
    from optimizer import pricing_kernel  # these load numba and OR-Tools
    from optimizer.exact import solve_exactly
    from optimizer.proof import could_use_more_trips, with_bound_on_all_trips

    bounded_apart = could_use_more_trips(problem) or (true is not None and true is not problem)
    if bounded_apart:
        pricing_kernel.make_ready()
    began = clock()
    share = None if stop.seconds is None else _FIRST_SHARE * stop.seconds
    short = Stop(share, _FIRST_ITERATIONS if stop.iterations is None else stop.iterations, stop.interrupted)
    first = regions.solve(problem, short, seed, start=start, on_progress=on_progress, clock=clock, workers=workers)
    spent = clock() - began
    exact_share = _EXACT_SHARE if bounded_apart else 1.0
    # The proof is not counted: a run is repeated by the iterations of its search, from which the same proof leads to the same plan.
    rest = replace(stop, iterations=None)
    rest = (
        replace(rest, iterations=_PROOF_MS)
        if stop.seconds is None
        else replace(rest, seconds=max(0.01, exact_share * (stop.seconds - spent)))
    )
    found = solve_exactly(problem, rest, seed, start=first.schedule, on_progress=on_progress, clock=clock)
    status = first.status if found.schedule is first.schedule else found.status
    found = _true(found, true)
    if bounded_apart:
        left = None if stop.seconds is None else max(0.01, stop.seconds - (clock() - began))
        found = with_bound_on_all_trips(found, Stop(left, _PROOF_ROUNDS, stop.interrupted), clock=clock)
    # The trajectory of a search with margins is in money of the margins, of which `settled` leaves the end.
    later = tuple((at + spent, cost) for at, cost in found.trajectory[1:])
    before = first.trajectory if found.problem is problem else ((clock() - began, found.cost),)
    return replace(
        found,
        seconds=clock() - began,
        iterations=first.iterations,
        trajectory=before + later,
        status=status,
        rejected=first.rejected + found.rejected,
        interrupted=stop.is_asked_for,
    )
