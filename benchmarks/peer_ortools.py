"""OR-Tools routing as a peer, as somebody who knows the library would use it; of several settings (`plans.ORTOOLS`) the best counts.

A setting is `model/first solution/metaheuristic`, and `/plain-moves` where the library's large neighbourhoods by insertion, which it has on
by default and which can take most of the time, are off. Models:

- `full`: the reference model of `optimizer.routing_model`, with crews, locks, kits as variables and every cost; nothing dealt, and
  nothing of our own search around it.
- `copies`: kits dealt beforehand (`peers.deal`). A ticket is two nodes of which at most one is visited (a disjunction whose penalty is the
  skip cost): in time, with `due` as its window's end, and late, whose arcs cost `miss_cost` more and whose start has a soft upper bound
  at `due`. So the fixed cost of being late is an arc cost, which the library's local search prices natively.
- `slope`: as `copies` with one node a ticket and the fixed cost folded into the slope, spread over the first hour: fewer nodes, not exact.

All models pay driving by arcs, overtime by a soft upper bound at the route's end. The library gets the whole time, model building included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.util import optional_boolean_pb2

from benchmarks.peers import Answer, Dealt, Found, Routes, improving
from optimizer.problem import UNREACHABLE, Problem
from optimizer.routing_model import Model, build_model, read_routes

_INSERTION_LNS = (
    "use_global_cheapest_insertion_path_lns",
    "use_local_cheapest_insertion_path_lns",
    "use_relocate_path_global_cheapest_insertion_insert_unperformed",
    "use_global_cheapest_insertion_visit_types_lns",
    "use_local_cheapest_insertion_visit_types_lns",
)
_CENT = 100  # integers for one unit of money: the library adds 64-bit integers, and cents are what the judge prints


def solve(problem: Problem, dealt: Dealt, seconds: float, seed: int, setting: str) -> Answer:
    """The sequences of each improvement within the time."""
    began = time.monotonic()
    kind, *how = setting.split("/")
    if kind == "full":
        full = build_model(problem)
        if full is None:
            return Answer([Found(0.0, [()] * problem.n_duties)])
        return _search(full.routing, lambda: _found_by_full(full, time.monotonic() - began), began, seconds, seed, how)
    routing, ticket_of = _model(problem, dealt, two_copies=kind == "copies")

    def found() -> Found:
        routes: Routes = []
        for vehicle in range(problem.n_duties):
            index, visits = routing.Start(vehicle), []
            while not routing.IsEnd(index := routing.NextVar(index).Value()):
                visits.append(ticket_of[index])
            routes.append(tuple(visits))
        return Found(time.monotonic() - began, routes)

    return _search(routing, found, began, seconds, seed, how)


def _found_by_full(model: Model, seconds: float) -> Found:
    """What the full model says: sequences, and the kits that it lets vehicles carry."""
    kits: list[set[int]] = [set() for _ in range(model.problem.n_duties)]
    for (vehicle, kit), carry in model.carry.items():
        if carry.Value():
            kits[model.vehicles[vehicle]].add(kit)
    routes = read_routes(model, lambda index: int(model.routing.NextVar(index).Value()))
    return Found(seconds, routes, tuple(frozenset(each) for each in kits))


def _search(routing: Any, found: Callable[[], Found], began: float, seconds: float, seed: int, how: list[str]) -> Answer:
    start, metaheuristic, plain_moves = *how[:2], len(how) > 2
    answer, better = Answer(), improving()

    def keep() -> None:
        if better(routing.CostVar().Value()):
            answer.found.append(found())

    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, start)
    parameters.local_search_metaheuristic = getattr(routing_enums_pb2.LocalSearchMetaheuristic, metaheuristic)
    parameters.time_limit.FromMilliseconds(max(1, int(1000 * seconds)))  # known before the model is closed: the library warns otherwise
    routing.AddAtSolutionCallback(keep)
    if plain_moves:
        for operator in _INSERTION_LNS:
            setattr(parameters.local_search_operators, operator, optional_boolean_pb2.BOOL_FALSE)
    routing.CloseModelWithParameters(parameters)
    routing.solver().ReSeed(seed)
    parameters.time_limit.FromMilliseconds(max(1, int(1000 * (seconds - (time.monotonic() - began)))))
    routing.SolveWithParameters(parameters)
    answer.iterations = routing.solver().Branches()
    return answer


def _model(problem: Problem, dealt: Dealt, *, two_copies: bool) -> tuple[Any, dict[int, int]]:
    """The lean model, not closed yet, and the ticket of each routing index."""
    tables, horizon = problem.tables, int(max([*dealt.latest.tolist(), 1]))
    ends = sorted({*tables.origin, *tables.home})  # stations and places of people out: a node each, shared by vehicles
    node_of = {location: node for node, location in enumerate(ends)}
    nodes = [node for t in range(problem.n_tickets) for node in _copies(problem, t, horizon, two_copies) if dealt.fit[t].any()]
    manager = pywrapcp.RoutingIndexManager(
        len(ends) + len(nodes), problem.n_duties, [node_of[o] for o in tables.origin], [node_of[h] for h in tables.home]
    )
    routing = pywrapcp.RoutingModel(manager)
    place = np.array([*ends, *(tables.location[t] for t, _, _, _ in nodes)], np.int64)
    fixed = np.array([0.0] * len(ends) + [cost for _, _, _, cost in nodes])
    cost = np.minimum(np.nan_to_num(problem.drive_cost[np.ix_(place, place)], posinf=1e9), 1e9) + fixed[None, :]
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(np.rint(cost * _CENT).astype(np.int64).tolist()))
    service = np.array([0] * len(ends) + [tables.service[t] for t, _, _, _ in nodes], np.int64)
    transit = np.minimum(problem.travel_s[np.ix_(place, place)], UNREACHABLE) + np.minimum(service, UNREACHABLE)[:, None]
    routing.AddDimension(routing.RegisterTransitMatrix(np.minimum(transit, horizon + 1).tolist()), horizon, horizon, False, "time")
    moment = routing.GetDimensionOrDie("time")
    for duty in range(problem.n_duties):
        begin, end = routing.Start(duty), routing.End(duty)
        moment.CumulVar(begin).SetRange(tables.earliest[duty], max(tables.earliest[duty], int(dealt.latest[duty])))
        moment.CumulVar(end).SetRange(tables.earliest[duty], max(tables.earliest[duty], int(dealt.latest[duty])))
        moment.SetCumulVarSoftUpperBound(end, max(0, tables.end[duty]), _per_second(tables.overtime_per_s))
    _add_rests(problem, routing, moment, service, manager)
    _add_loads(problem, routing, [t for t, _, _, _ in nodes], len(ends))
    ticket_of: dict[int, int] = {}
    indices: dict[int, list[int]] = {}
    for number, (ticket, opens, closes, fixed_cost) in enumerate(nodes):
        index = manager.NodeToIndex(len(ends) + number)
        ticket_of[index] = ticket
        indices.setdefault(ticket, []).append(index)
        _add_window(problem, moment.CumulVar(index), ticket, opens, closes)
        # SetAllowedVehiclesForIndex fails from Python in OR-Tools 9.15; -1 is "not planned".
        routing.VehicleVar(index).SetValues([-1, *np.flatnonzero(dealt.fit[ticket]).tolist()])
        slope = tables.late_per_s[ticket] + (0.0 if two_copies or fixed_cost else tables.miss[ticket] / 3600)
        moment.SetCumulVarSoftUpperBound(index, max(0, tables.due[ticket]), _per_second(slope))
    for ticket, copies in indices.items():
        # What is overdue already has cost its hours up to now whoever goes, but saves them when left out.
        overdue = max(0, -tables.due[ticket]) * tables.late_per_s[ticket]
        routing.AddDisjunction(copies, max(0, round(_CENT * (tables.skip[ticket] + _change(problem, ticket) - overdue))))
    return routing, ticket_of


def _per_second(rate: float) -> int:
    """A rate in cents a second; anything that costs at all costs something."""
    return max(1 if rate > 0 else 0, round(_CENT * rate))


def _change(problem: Problem, ticket: int) -> float:
    return problem.tables.change[ticket] if problem.tables.promised[ticket] else 0.0


def _copies(problem: Problem, ticket: int, horizon: int, two: bool) -> list[tuple[int, int, int, float]]:
    """Nodes of a ticket: (ticket, opens, closes, what a visit costs beyond driving and hours late)."""
    tables = problem.tables
    windows, due, miss = tables.windows[ticket], tables.due[ticket], tables.miss[ticket]
    if not windows or windows[0][0] > horizon:
        return []
    opens, closes = windows[0][0], min(windows[-1][1], horizon)
    if due < opens:
        return [(ticket, opens, closes, miss)]
    if not two or due >= closes:
        return [(ticket, opens, closes, 0.0)]
    return [(ticket, opens, due, 0.0), (ticket, due + 1, closes, miss)]


def _add_window(problem: Problem, start: Any, ticket: int, opens: int, closes: int) -> None:
    start.SetRange(opens, closes)
    windows = problem.tables.windows[ticket]
    for (_, until), (since, _) in pairwise(windows):
        if opens <= until + 1 and since - 1 <= closes:
            start.RemoveInterval(until + 1, since - 1)


def _add_rests(problem: Problem, routing: Any, moment: Any, service: Any, manager: Any) -> None:
    """Breaks, taken by every vehicle that works across them."""
    per_index = [int(service[manager.IndexToNode(i)]) for i in range(routing.Size() + routing.vehicles())]
    for duty, breaks in enumerate(problem.tables.breaks):
        rests = []
        for number, (opens, closes, length, _) in enumerate(breaks):
            if closes >= 0:
                rests.append(routing.solver().FixedDurationIntervalVar(max(0, opens), closes, length, True, f"break {duty} {number}"))
                spanned = routing.solver().IsLessCstVar(moment.CumulVar(routing.Start(duty)), opens)
                spanned += routing.solver().IsGreaterCstVar(moment.CumulVar(routing.End(duty)), closes + length)
                routing.solver().Add(rests[-1].PerformedExpr() >= spanned - 1)
        if rests:
            moment.SetBreakIntervalsOfVehicle(rests, duty, per_index)


def _add_loads(problem: Problem, routing: Any, tickets: list[int], n_ends: int) -> None:
    tables = problem.tables
    if not any(tables.load[t] for t in tickets):
        return
    load = routing.RegisterUnaryTransitVector([0] * n_ends + [round(1000 * tables.load[t]) for t in tickets])
    limits = [int(min(1000 * tables.capacity[d], 10**12)) for d in range(problem.n_duties)]
    routing.AddDimensionWithVehicleCapacity(load, 0, limits, True, "load")
