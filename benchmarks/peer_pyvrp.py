"""PyVRP as a peer. It knows no soft deadlines, kits, crews or breaks; the encoding says as much as it can.

- A ticket is a group of clients of which at most one is visited, with prizes for visiting: `skip_cost` less what the lateness costs.
  The client *in time* has `due` as its window's end. With `steps`, late clients follow whose windows end one, two, four and more hours
  after `due`; each is priced by the lateness at the middle of its step, so that the staircase follows the slope. `two` has one late client,
  priced at two hours. Several access windows give several clients.
- A technician's shift is a vehicle type: departure pinned to the shift's beginning, so that its duration is the clock, `shift_duration` its
  hours and `max_overtime` at `unit_overtime_cost` the overtime: exact, since idle time costs nothing.
- Skills, `only`, `banned` and kits dealt beforehand (`peers.deal`) are load dimensions: a ticket adds to each that it needs, and
  vehicles without have no room (`loads`); or a routing profile for each kind of technician in which forbidden tickets are out of
  reach (`profiles`): cleaner for the search, but a matrix each, so only where there are few enough to begin within the time.
- The library's own parameters; larger limits on its penalties, as advised for scarce skills (PyVRP issue 842), made `day-200` dearer.

Plain VRPTW goes in as PyVRP's own reader makes it of the files (`solve_vrptw`), with its defaults.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from pyvrp import IteratedLocalSearchCallbacks, IteratedLocalSearchParams, Model, Solution, SolveParams
from pyvrp import solve as solve_data
from pyvrp.stop import MaxRuntime

from benchmarks.peers import Answer, Dealt, Found, Routes, classes
from benchmarks.vrptw import Instance
from optimizer.problem import Problem

_MOST_PROFILE_BYTES = 1e9  # on day-600, with 1.6e9, the first solution took 118 s
_WEIGHT = 100  # units of load that a need adds: with fewer the largest penalty is less than a prize, and vehicles stay overloaded
_HOUR = 3600


class _Watch(IteratedLocalSearchCallbacks):
    """Keeps each best solution that is feasible, and when it was found."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.best: list[tuple[float, Solution]] = []

    def on_start(self, ils: Any) -> None:
        self.on_best(ils.initial_solution)

    def on_best(self, best: Solution) -> None:
        if best.is_feasible():
            self.best.append((time.monotonic() - self.began, best))


def solve(problem: Problem, dealt: Dealt, seconds: float, seed: int, setting: str) -> Answer:
    """The sequences of each improvement within the time."""
    began = time.monotonic()
    skills, lateness = setting.split("/")
    data, ticket_of = _data(problem, dealt, profiles=skills == "profiles", steps=lateness == "steps")
    if data is None:
        return Answer([Found(0.0, [()] * problem.n_duties)])
    watch = _Watch(began)
    params = SolveParams(ils=IteratedLocalSearchParams(callbacks=watch))
    result = solve_data(data, MaxRuntime(max(0.0, seconds - (time.monotonic() - began))), seed, False, params=params)
    return Answer([Found(at, _routes(problem, each, ticket_of)) for at, each in _thinned(watch.best)], result.num_iterations)


def solve_vrptw(instance: Instance, seconds: float, seed: int) -> tuple[list[list[int]], int]:
    """Routes of customer numbers for a plain VRPTW instance, with the library's defaults, and its iterations."""
    began = time.monotonic()
    model = Model()
    locations = [model.add_location(float(x), float(y)) for x, y in instance.places]
    depot = model.add_depot(locations[0], tw_late=10 * instance.closes[0])
    for i in range(1, len(locations)):
        opens, closes = 10 * instance.opens[i], 10 * instance.closes[i]
        model.add_client(locations[i], instance.demand[i], [], 10 * instance.service[i], opens, closes)
    model.add_vehicle_type(instance.vehicles, instance.capacity, depot, depot, tw_late=10 * instance.closes[0])
    tenths = instance.tenths()
    data = model.data(missing_value=0).replace(distance_matrices=[tenths], duration_matrices=[tenths])
    result = solve_data(data, MaxRuntime(max(0.0, seconds - (time.monotonic() - began))), seed, False)
    return [[1 + client for client in _clients(route)] for route in result.best.routes()], result.num_iterations


def _thinned(best: list[tuple[float, Solution]]) -> list[tuple[float, Solution]]:
    """At most one a tenth of a second, the last ones of each: timing thousands anew takes longer than the search did."""
    return list({round(10 * at): (at, each) for at, each in best}.values())


def _clients(route: Any) -> list[int]:
    return [activity.idx for activity in route if activity.is_client()]


def _routes(problem: Problem, solution: Solution, ticket_of: list[int]) -> Routes:
    routes: Routes = [()] * problem.n_duties
    for route in solution.routes():
        routes[route.vehicle_type()] = tuple(ticket_of[client] for client in _clients(route))
    return routes


def _data(problem: Problem, dealt: Dealt, *, profiles: bool, steps: bool) -> tuple[Any, list[int]]:
    """The problem as PyVRP knows it, and the ticket of each client; no data when nobody can serve anything."""
    tickets = [t for t in range(problem.n_tickets) if dealt.fit[t].any()]
    if not tickets:
        return None, []
    tables, scale, model = problem.tables, _scale(problem), Model()
    ends = sorted({*tables.origin, *tables.home})
    places = [*ends, *(tables.location[t] for t in tickets)]
    locations = [model.add_location(float(i), 0.0) for i in range(len(places))]
    depot = {place: model.add_depot(location) for place, location in zip(ends, locations, strict=False)}
    horizon = int(dealt.latest.max())
    needs, holders = _needs(problem, dealt, tickets) if not profiles else ({}, [])
    ticket_of: list[int] = []
    for location, ticket in zip(locations[len(ends) :], tickets, strict=True):
        group = model.add_client_group(required=False)
        amounts = [_units(tables.load[ticket]), *(_WEIGHT * (d in needs.get(ticket, ())) for d in range(len(holders)))]
        for opens, closes, prize in _offers(problem, ticket, horizon, steps):
            model.add_client(
                location,
                amounts,
                [],
                tables.service[ticket],
                opens,
                closes,
                prize=max(1, round(scale * prize)),
                required=False,
                group=group,
            )
            ticket_of.append(ticket)
    kind, rows = classes(dealt.able.T)
    if profiles and len(rows) * len(places) ** 2 * 16 > _MOST_PROFILE_BYTES:
        raise ValueError(f"{len(rows)} kinds of technicians × {len(places)} places: too many profiles to begin within the time")
    made = [model.add_profile() for _ in rows] if profiles else []
    for duty in range(problem.n_duties):
        early = tables.earliest[duty]
        late = max(early, int(dealt.latest[duty]))
        regular = min(max(0, tables.end[duty] - early), late - early)
        model.add_vehicle_type(
            1,
            [_units(min(tables.capacity[duty], 1e9)), *(_WEIGHT * len(tickets) * room[duty] for room in holders)],
            depot[tables.origin[duty]],
            depot[tables.home[duty]],
            tw_early=early,
            tw_late=late,
            start_late=early,
            shift_duration=regular,
            max_overtime=late - early - regular,
            unit_overtime_cost=round(scale * tables.overtime_per_s),
            profile=made[kind[duty]] if profiles else None,
        )
    data = model.data(missing_value=0)
    return data.replace(
        distance_matrices=[_matrix(problem, places, scale, tickets, row) for row in (rows if profiles else [None])],
        duration_matrices=[np.minimum(problem.travel_s[np.ix_(places, places)], 10**9)] * (len(rows) if profiles else 1),
    ), ticket_of


def _matrix(problem: Problem, places: list[int], scale: int, tickets: list[int], row: Any) -> Any:
    """Drive costs in integers; whoever does not fit a ticket pays more than any prize for going there."""
    cost = np.minimum(np.nan_to_num(problem.drive_cost[np.ix_(places, places)], posinf=1e9), 1e9) * scale
    cost = np.rint(cost).astype(np.int64)
    if row is not None:
        shut = len(places) - len(tickets) + np.flatnonzero(~row[tickets])
        cost[:, shut] = 10**12
    np.fill_diagonal(cost, 0)
    return cost


def _scale(problem: Problem) -> int:
    """Integers for one unit of money, such that a second of overtime is nearly a whole number."""
    rate = problem.tables.overtime_per_s
    return next((s for s in range(10, 3601) if rate == 0 or abs(s * rate - round(s * rate)) < 0.01 * s * rate), 3600)


def _units(load: float) -> int:
    return round(1000 * load)


def _offers(problem: Problem, ticket: int, horizon: int, steps: bool) -> list[tuple[int, int, float]]:
    """Clients of a ticket: (opens, closes, prize)."""
    tables = problem.tables
    due, offers = tables.due[ticket], []
    for opens, closes in tables.windows[ticket]:
        until = min(closes, horizon)
        edges = [due] + [max(due, opens) + hours * _HOUR for hours in ((1, 2, 4) if steps else ())] + [until]
        since = min(due, opens)
        for edge in edges:
            edge = min(edge, until)
            if edge >= opens and edge >= since:
                begin = max(opens, since)
                # The slope at the middle of a step; the last one is open-ended and most visits in it come early.
                late = max(0, min((begin + edge) // 2, begin + 2 * _HOUR) - due) if edge > due else 0
                miss = tables.miss[ticket] if edge > due else 0.0
                offers.append((opens, edge, tables.skip[ticket] - miss - late * tables.late_per_s[ticket]))
            since = edge + 1
    return offers


def _needs(problem: Problem, dealt: Dealt, tickets: list[int]) -> tuple[dict[int, set[int]], list[list[bool]]]:
    """Load dimensions: one for each skill at a level, each kit, and each circle of people that tickets name.

    Returns
    -------
    needs, holders
        The dimensions that each ticket needs, and whether each duty has room in a dimension: `[dimension][duty]`.
    """
    tables, who = problem.tables, problem.duty_technician
    numbers: dict[Any, int] = {}
    holders: list[list[bool]] = []
    needs: dict[int, set[int]] = {}
    for ticket in tickets:
        rooms: dict[Any, list[bool]] = {}
        for skill, level in tables.needs[ticket]:
            rooms["skill", skill, level] = (problem.skill_level[who, skill] >= level).tolist()
        for kit in tables.kits[ticket]:
            rooms["kit", kit] = [kit in kits for kits in dealt.kits]
        given = problem.case.tickets[ticket]
        if given.only or given.banned:
            rooms["people", given.only, given.banned] = problem.allowed[ticket][who].tolist()
        for key, room in rooms.items():
            if numbers.setdefault(key, len(holders)) == len(holders):
                holders.append(room)
        needs[ticket] = {numbers[key] for key in rooms}
    return needs, holders
