"""A plan with a proof of how good it is: what the front door calls after a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from data_models.case import TravelMatrix
from data_models.plan import PROVEN
from optimizer.bound import prove
from optimizer.dive import dive
from optimizer.problem import Problem
from optimizer.result import Result, Stop

_SHARE = 0.7  # of the time for the bound; what it leaves goes to building better plans from its columns


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
    dives = diving and stop.seconds is not None
    first = replace(stop, seconds=_SHARE * (stop.seconds or 0.0)) if dives else stop
    bound = prove(result.problem, first, known=result.schedule, clock=clock)
    proven = bound.bound if result.bound is None else max(bound.bound, result.bound)
    result = replace(result, bound=min(proven, result.cost))
    left = (stop.seconds or 0.0) - (clock() - began)
    if dives and left > 0.5 and result.gap is not None and result.gap > PROVEN:
        better = dive(result.problem, bound, left - 0.2, result.seed, known=result.schedule, clock=clock, interrupted=stop.interrupted)
        if better is not None:
            at = result.seconds + clock() - began
            trajectory = (*result.trajectory, (at, better.cost))
            result = replace(result, schedule=better, cost=better.cost, status="improved", trajectory=trajectory)
    return replace(result, seconds=result.seconds + clock() - began, interrupted=result.interrupted or stop.is_asked_for)


def with_bound_on_all_trips(result: Result, stop: Stop, *, clock: Callable[[], float] = time.monotonic) -> Result:
    """The result with a bound that holds for plans of any number of trips, in place of one for those that its problem can express.

    Parameters
    ----------
    result
        What the exact solver found.
    stop
        Seconds or rounds of pricing.
    clock
        Monotonic seconds.
    """
    bound = prove(result.problem, stop, known=result.schedule, clock=clock).bound
    return replace(result, bound=min(bound, result.cost))


def could_use_more_trips(problem: Problem) -> bool:
    """Whether some shift might do better with more trips than it has duties. False is sure, True is not.

    A further trip pays only by what it fetches: a load that the vehicle cannot hold beside the rest, a kit of which the station has fewer
    than people, or any kit for somebody out. Where the way over the station is quicker or cheaper than the direct one, passing it pays.
    """
    tables = problem.tables
    trips: dict[int, int] = {}
    for duty in range(problem.n_duties):
        first = duty - tables.trip[duty]
        trips[first] = trips.get(first, 0) + 1
    return any(_trips_of_use(problem, first) > count for first, count in trips.items())


def _trips_of_use(problem: Problem, duty: int) -> int:
    """How many trips the shift of a first trip could make use of, at the most."""
    tables, home = problem.tables, problem.tables.home[duty]
    theirs = [t for t in np.flatnonzero(problem.member[:, duty]).tolist() if tables.windows[t]]
    if not theirs:
        return 1
    station = problem.stock[tables.station[duty]]
    people = sum(who.station == problem.station_ids[tables.station[duty]] for who in problem.case.technicians)
    full = sum(tables.load[t] for t in theirs) > tables.capacity[duty]
    away = tables.held[duty] is not None
    fetched = {
        t for t in theirs if (full and tables.load[t] > 0) or any(station[k] > 0 and (away or station[k] < people) for k in tables.kits[t])
    }
    if _pays_to_pass(problem, home):
        fetched = set(theirs)
    place = problem.ticket_location[theirs]
    shortest = problem.travel_s[home, place].min() + problem.ticket_service_s[theirs].min() + problem.travel_s[place, home].min()
    span = max(0, tables.latest[duty] - tables.earliest[duty])
    fitting = span // int(shortest) if shortest > 0 else len(theirs)
    # The first trip may be one that fetches nothing: other tickets, or only the way home.
    return min(len(fetched) + (away or len(fetched) < len(theirs)), int(fitting) + away)


def _pays_to_pass(problem: Problem, home: int) -> bool:
    """Whether some way is quicker or cheaper over a station; never by great circles, which are a metric."""
    if not isinstance(problem.case.travel, TravelMatrix):
        return False
    travel, fare = problem.travel_s, problem.drive_cost
    quicker = (travel[:, [home]] + travel[[home], :] < travel).any()
    return bool(quicker or (fare[:, [home]] + fare[[home], :] < fare - 1e-9).any())
