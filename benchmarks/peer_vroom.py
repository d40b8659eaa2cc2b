"""VROOM (pyvroom) as a peer. It knows hard windows, priorities, skills, breaks and loads; no soft deadlines, overtime cost, kits or crews.

It assigns as much priority as it can, then drives as cheaply as it can, and stops when its own search is done: it has neither seed nor
use for more time. So the time goes into rounds, the first with the lowest exploration, the others with the highest that four rounds of
it fit into the time, each solved from nothing:

- Round 1 of the setting `due` asks for everything in time: `due` ends the windows. What is not reached gives up the deadline for the
  next round, what was keeps it; and so on until all is reached or time is over. `hours` allows two hours of lateness instead of none,
  `lenient` any: which does best depends on how overloaded the day is.
- Priorities are the logarithm of the skip cost on 1 to 100, so that many cheap tickets do not outbid a dear one too easily.
- Who may serve what, kits dealt beforehand included (`peers.deal`), is one skill for each kind of ticket. Shifts reach to the end of
  overtime, which VROOM cannot price; it drives by our cost matrix.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

import numpy as np
import vroom

from benchmarks.peers import Answer, Dealt, Found, Routes, classes
from optimizer.problem import Problem

_EXPLORATION = 5
_GRACE_S = {"due": 0, "hours": 7200, "lenient": 10**8}
_SLOWEST_S = 10**8  # three years: what VROOM's 32 bits hold, and longer than any shift


def solve(problem: Problem, dealt: Dealt, seconds: float, seed: int, setting: str) -> Answer:
    """The sequences of each round within the time; `seed` is not used, since the library has none."""
    began = time.monotonic()
    answer = Answer()
    strict = np.ones(problem.n_tickets, bool)
    grace = _GRACE_S[setting]
    level, least = 0, 0.0
    while (left := seconds - (time.monotonic() - began)) > least or not answer.found:
        since = time.monotonic()
        routes = _round(problem, dealt, strict, grace, level, max(0.1, left))
        if level == 0:
            # The lowest level tells what the others take: its number of searches grows to eight times as many at the highest.
            least = time.monotonic() - since
            level = max(1, min(_EXPLORATION, int(math.log2(max(1.0, left / 4 / least)) / 3 * _EXPLORATION)))
        answer.found.append(Found(time.monotonic() - began, routes))
        answer.iterations += 1
        missed = strict & ~np.isin(np.arange(problem.n_tickets), [t for route in routes for t in route])
        if not missed.any():
            break
        strict &= ~missed
    return answer


def _round(problem: Problem, dealt: Dealt, strict: Any, grace_s: int, level: int, seconds: float) -> Routes:
    tables = problem.tables
    given = vroom.Input()
    seconds_matrix = np.minimum(problem.travel_s, _SLOWEST_S).astype(np.uint32)
    given.set_durations_matrix("car", seconds_matrix)
    cents = np.minimum(np.nan_to_num(problem.drive_cost, posinf=1e7) * 100, 1e9)
    given.set_costs_matrix("car", np.rint(cents).astype(np.uint32))
    kind, rows = classes(dealt.fit)
    weighed = any(tables.load)
    for duty in range(problem.n_duties):
        early, late = tables.earliest[duty], max(tables.earliest[duty] + 1, int(dealt.latest[duty]))
        given.add_vehicle(
            vroom.Vehicle(
                duty,
                start=tables.origin[duty],
                end=tables.home[duty],
                capacity=[min(10**9, round(1000 * min(tables.capacity[duty], 1e6)))] if weighed else (),
                skills={number for number, row in enumerate(rows) if row[duty]},
                time_window=vroom.TimeWindow(early, late),
                breaks=_breaks(problem, duty, early, late),
            )
        )
    dearest = max([*tables.skip, 1.0])
    jobs = []
    for ticket in range(problem.n_tickets):
        windows = _windows(problem, ticket, grace_s if strict[ticket] else None, int(dealt.latest.max()))
        if windows and dealt.fit[ticket].any():
            priority = max(1, round(100 * math.log1p(tables.skip[ticket]) / math.log1p(dearest)))
            jobs.append(
                vroom.Job(
                    ticket,
                    tables.location[ticket],
                    default_service=min(tables.service[ticket], _SLOWEST_S),
                    pickup=vroom.Amount([round(1000 * tables.load[ticket])] if weighed else []),
                    skills={kind[ticket]},
                    priority=priority,
                    time_windows=windows,
                )
            )
    routes: Routes = [()] * problem.n_duties
    if not jobs:
        return routes
    given.add_job(jobs)
    told = given.solve(exploration_level=level, nb_threads=1, timeout=timedelta(seconds=seconds)).to_dict()
    for route in told["routes"]:
        routes[route["vehicle"]] = tuple(step["id"] for step in route["steps"] if step["type"] == "job")
    return routes


def _windows(problem: Problem, ticket: int, grace_s: int | None, horizon: int) -> list[Any]:
    """Windows, cut at `due` and the grace where the deadline still holds; a deadline that nobody could keep does not."""
    tables = problem.tables
    windows = [(opens, min(closes, horizon)) for opens, closes in tables.windows[ticket] if opens <= horizon]
    if grace_s is not None:
        cut = [(opens, min(closes, tables.due[ticket] + grace_s)) for opens, closes in windows]
        windows = [(opens, closes) for opens, closes in cut if closes >= opens] or windows
    return [vroom.TimeWindow(opens, closes) for opens, closes in windows]


def _breaks(problem: Problem, duty: int, early: int, late: int) -> list[Any]:
    """Breaks that lie within the shift; VROOM has everybody take them."""
    return [
        vroom.Break(number, [vroom.TimeWindow(max(opens, early), closes)], service=length)
        for number, (opens, closes, length, _) in enumerate(problem.tables.breaks[duty])
        if closes >= early and closes + length <= late
    ]
