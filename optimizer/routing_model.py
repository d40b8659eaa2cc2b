"""The reference model: every rule and every cost term of a dispatch case in OR-Tools routing, one function a rule.

Sets: vehicles are duties; a ticket t for a crew of c has c nodes, its copies. Objective: the cost of the plan in integers,
`scale` to one unit of money. Variables are those of the routing library (next, vehicle and active per node, cumulated time per node,
start and end) and `carry[v, k]`: vehicle v takes kit k from its station.

The library has no fixed cost for being late. The dimension `extra` stands in: it gains on the way out of a node what the visit costs beyond
driving and hours late, and its value at a route's end is paid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp

from optimizer.problem import UNREACHABLE, Problem

FINEST_SCALE = 3_600_000
"""Integer units of one unit of money: an hourly rate in thousandths is then a whole number a second, so nothing is rounded."""

_LARGEST_TOTAL = 2.0**58  # of all costs in integers, so that sums stay within 64 bits with room to spare


@dataclass
class Model:
    """The routing model in the making, and what is needed to read its answers."""

    problem: Problem
    scale: int
    vehicles: list[int]  # duty by vehicle
    tickets: list[int]  # tickets that somebody could serve
    manager: Any
    routing: Any
    copies: dict[int, list[int]]  # ticket -> routing indices
    ticket_of: dict[int, int]  # routing index -> ticket
    carry: dict[tuple[int, int], Any] = field(default_factory=dict)  # (vehicle, kit) -> bool variable

    @property
    def time(self) -> Any:
        """The dimension of time: start of work at a node, departure and return at a route's ends."""
        return self.routing.GetDimensionOrDie("time")

    @property
    def solver(self) -> Any:
        """The constraint solver underneath."""
        return self.routing.solver()

    @property
    def horizon(self) -> int:
        """No time in the model is later."""
        return int(max(self.problem.tables.latest[d] for d in self.vehicles))


def build_model(problem: Problem) -> Model | None:
    """The model of a problem, not closed yet; None when no ticket can be served by anybody, so that there is nothing to decide."""
    fit = problem.reachable
    tables = problem.tables
    tickets = [t for t in range(problem.n_tickets) if _enough_people(problem, fit, t)]
    vehicles = [d for d in range(problem.n_duties) if fit[tickets, d].any() and tables.earliest[d] <= tables.latest[d]] if tickets else []
    if not vehicles:
        return None
    n, nodes = len(vehicles), [t for t in tickets for _ in range(tables.crew[t])]
    # Nodes: one start and one end for each vehicle, then the copies of the tickets.
    manager = pywrapcp.RoutingIndexManager(2 * n + len(nodes), n, list(range(n)), list(range(n, 2 * n)))
    routing = pywrapcp.RoutingModel(manager)
    copies: dict[int, list[int]] = {}
    for number, ticket in enumerate(nodes):
        copies.setdefault(ticket, []).append(manager.NodeToIndex(2 * n + number))
    ticket_of = {index: ticket for ticket, indices in copies.items() for index in indices}
    model = Model(problem, _scale(problem), vehicles, tickets, manager, routing, copies, ticket_of)
    rules: tuple[Callable[[Model], None], ...] = (
        add_driving, add_time, add_windows, add_shifts, add_successive_shifts, add_breaks, add_skipping, add_technicians(fit),
        add_crews, add_locked_first, add_loads, add_lateness_and_changes, add_kits, add_stock,
    )  # fmt: skip
    for add_rule in rules:
        add_rule(model)
    return model


def _enough_people(problem: Problem, fit: np.ndarray[Any, Any], ticket: int) -> bool:
    people = set(problem.duty_technician[fit[ticket]].tolist())
    level = problem.skill_level
    able = all(any(level[w, skill] >= least for w in people) for skill, least in problem.tables.needs[ticket])
    return len(people) >= problem.tables.crew[ticket] and able


def _scale(problem: Problem) -> int:
    """`FINEST_SCALE`, or as much coarser as keeps every sum of costs within 64 bits."""
    tables = problem.tables
    longest = max(max(tables.latest, default=0), 1) + UNREACHABLE / 1e6
    late = sum(longest * rate for rate in tables.late_per_s) + len(tables.latest) * longest * tables.overtime_per_s
    finite = problem.drive_cost[np.isfinite(problem.drive_cost)]
    drive = (problem.n_tickets + problem.n_duties) * float(finite.max(initial=0.0))
    total = late + drive + sum(tables.miss) + sum(tables.skip) + sum(tables.change)
    scale = FINEST_SCALE
    while scale > 1 and total * scale > _LARGEST_TOTAL:
        scale //= 10
    return scale


def money(model: Model, amount: float) -> int:
    """An amount in the model's integers, to the nearest."""
    return round(min(amount * model.scale, _LARGEST_TOTAL))


def _locations(model: Model) -> np.ndarray[Any, Any]:
    """Location by node."""
    tables = model.problem.tables
    copies = [tables.location[t] for t, indices in model.copies.items() for _ in indices]
    return np.array([*(tables.origin[d] for d in model.vehicles), *(tables.home[d] for d in model.vehicles), *copies], np.int64)


def _between_ends(model: Model, matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Zero from any start straight to any end: that is an unused vehicle, which takes no time and costs nothing."""
    n = len(model.vehicles)
    matrix[:n, n : 2 * n] = 0
    return matrix


def add_driving(model: Model) -> None:
    """Cost: driving at `drive_per_hour` and `drive_per_km`, the way home included."""
    place = _locations(model)
    cost = model.problem.drive_cost[np.ix_(place, place)] * model.scale
    whole = _between_ends(model, np.rint(np.minimum(np.nan_to_num(cost, posinf=2.0**50), 2.0**50)).astype(np.int64))
    model.routing.SetArcCostEvaluatorOfAllVehicles(model.routing.RegisterTransitMatrix(whole.tolist()))


def add_time(model: Model) -> None:
    """Rule 3: start of a visit >= start of the one before + its service + the drive. Waiting is free."""
    place, tables = _locations(model), model.problem.tables
    service = np.array([0] * 2 * len(model.vehicles) + [tables.service[t] for t, i in model.copies.items() for _ in i], np.int64)
    beyond = model.horizon + 1  # whatever takes longer cannot be done at all, and smaller numbers cannot overflow
    transit = np.minimum(np.minimum(service, beyond)[:, None] + model.problem.travel_s[np.ix_(place, place)], beyond)
    callback = model.routing.RegisterTransitMatrix(_between_ends(model, transit).tolist())
    model.routing.AddDimension(callback, model.horizon, model.horizon, False, "time")


def add_windows(model: Model) -> None:
    """Rule 3: work starts inside one of the ticket's windows, and not before it was opened."""
    for index, ticket in model.ticket_of.items():
        start, windows = model.time.CumulVar(index), model.problem.tables.windows[ticket]
        start.SetRange(windows[0][0], min(windows[-1][1], model.horizon))
        for (_, closes), (opens, _) in pairwise(windows):
            start.RemoveInterval(closes + 1, opens - 1)


def add_shifts(model: Model) -> None:
    """Rule 2: departure and last return within shift and overtime. Cost: the return after the shift's end."""
    tables = model.problem.tables
    for vehicle, duty in enumerate(model.vehicles):
        start, end = model.routing.Start(vehicle), model.routing.End(vehicle)
        model.time.CumulVar(start).SetRange(tables.earliest[duty], tables.latest[duty])
        model.time.CumulVar(end).SetRange(tables.earliest[duty], tables.latest[duty])
        if tables.latest[duty] > tables.end[duty] and tables.overtime_per_s:
            # A shift that ended before now costs from its end on; the library wants bounds of zero and more.
            model.time.SetCumulVarSoftUpperBound(end, max(0, tables.end[duty]), money(model, tables.overtime_per_s))
            if tables.end[duty] < 0:
                model.routing.SetFixedCostOfVehicle(money(model, -tables.end[duty] * tables.overtime_per_s), vehicle)
    # Returns first: kits are back soonest, and then departures are as late as that leaves them.
    for vehicle in range(len(model.vehicles)):
        model.routing.AddVariableMinimizedByFinalizer(model.time.CumulVar(model.routing.End(vehicle)))
    for vehicle in range(len(model.vehicles)):
        model.routing.AddVariableMaximizedByFinalizer(model.time.CumulVar(model.routing.Start(vehicle)))


def add_successive_shifts(model: Model) -> None:
    """Rule 2: a technician departs in a shift no sooner than home from the one before; matters only where the two can overlap."""
    tables, vehicle_of = model.problem.tables, {d: v for v, d in enumerate(model.vehicles)}
    for vehicle, duty in enumerate(model.vehicles):
        before = tables.before[duty]
        if before < 0:
            continue
        used, start = model.routing.ActiveVehicleVar(vehicle), model.time.CumulVar(model.routing.Start(vehicle))
        free: Any = tables.idle_until[before]
        if before in vehicle_of:
            busy = model.routing.ActiveVehicleVar(vehicle_of[before])
            back = model.time.CumulVar(model.routing.End(vehicle_of[before]))
            free = back * busy + (1 - busy) * min(tables.idle_until[before], model.horizon)
        model.solver.Add(start >= free * used)


def add_breaks(model: Model) -> None:
    """Rule 2: a break that the work spans is taken; it may interrupt driving or waiting, never service."""
    tables, n = model.problem.tables, len(model.vehicles)
    if not any(tables.breaks[d] for d in model.vehicles):
        return
    service = [0] * (model.routing.Size() + n)
    for index, ticket in model.ticket_of.items():
        service[index] = min(tables.service[ticket], model.horizon + 1)
    for vehicle, duty in enumerate(model.vehicles):
        start = model.time.CumulVar(model.routing.Start(vehicle))
        end = model.time.CumulVar(model.routing.End(vehicle))
        rests = []
        for number, (opens, closes, length, span_end) in enumerate(tables.breaks[duty]):
            if closes < 0 or opens > model.horizon:
                continue  # nothing departs before now, nor returns later than the horizon: never spanned
            rest = model.solver.FixedDurationIntervalVar(max(0, opens), closes, length, True, f"break {duty} {number}")
            spanned = model.solver.IsLessCstVar(start, opens) + model.solver.IsGreaterCstVar(end, span_end)
            model.solver.Add(rest.PerformedExpr() >= spanned - 1)
            rests.append(rest)
        if rests:
            model.time.SetBreakIntervalsOfVehicle(rests, vehicle, service)


def add_skipping(model: Model) -> None:
    """Cost: `skip_cost` of what is not planned, and the promise that this breaks. A locked ticket is always planned."""
    tables = model.problem.tables
    for ticket, indices in model.copies.items():
        if tables.locked[ticket]:
            continue
        skip = tables.skip[ticket] + (tables.change[ticket] if tables.promised[ticket] else 0.0)
        for number, index in enumerate(indices):
            model.routing.AddDisjunction([index], money(model, skip) if number == 0 else 0)


def add_technicians(fit: np.ndarray[Any, Any]) -> Callable[[Model], None]:
    """Rules 4 and 6: `only`, `banned`, locks, capacity, kits and (for a crew of one) skills say who may go at all."""

    def add(model: Model) -> None:
        for index, ticket in model.ticket_of.items():
            allowed = [v for v, duty in enumerate(model.vehicles) if fit[ticket, duty]]
            # SetAllowedVehiclesForIndex fails from Python in OR-Tools 9.15; -1 is "not planned".
            model.routing.VehicleVar(index).SetValues([*([] if model.problem.tables.locked[ticket] else [-1]), *allowed])

    return add


def add_crews(model: Model) -> None:
    """Rules 1 and 4: a crew is planned as a whole, of different people, who start together and have each skill between them."""
    tables, solver = model.problem.tables, model.solver
    for ticket, indices in model.copies.items():
        if len(indices) == 1:
            continue
        lead, active = indices[0], model.routing.ActiveVar(indices[0])
        for index in indices[1:]:
            solver.Add(model.routing.ActiveVar(index) == active)
            solver.Add(model.time.CumulVar(index) == model.time.CumulVar(lead))
        whose = [-1, *(tables.technician[d] for d in model.vehicles)]
        people = [solver.Element(whose, model.routing.VehicleVar(i) + 1).Var() for i in indices]
        for number, one in enumerate(people):
            for other in people[:number]:
                solver.Add(solver.IsEqualVar(one, other) + active <= 1)
        for skill, level in tables.needs[ticket]:
            able = [0, *(int(model.problem.skill_level[tables.technician[d], skill] >= level) for d in model.vehicles)]
            solver.Add(solver.Sum([solver.Element(able, model.routing.VehicleVar(i) + 1) for i in indices]) >= active)


def add_locked_first(model: Model) -> None:
    """Rule 6: nothing that is not locked is followed by something locked."""
    locked = [i for i, t in model.ticket_of.items() if model.problem.tables.locked[t]]
    for index, ticket in model.ticket_of.items():
        if not model.problem.tables.locked[ticket]:
            for follower in locked:
                model.routing.NextVar(index).RemoveValue(follower)


def add_loads(model: Model) -> None:
    """Rule 6: the loads of a trip within the technician's capacity, in millionths of a unit."""
    tables, parts, most = model.problem.tables, 10**6, 10**15
    if not any(tables.load[t] for t in model.tickets):
        return

    def whole(units: float) -> int:
        return min(most, round(min(units * parts, float(most))))

    load = [0] * 2 * len(model.vehicles) + [whole(tables.load[t]) for t, indices in model.copies.items() for _ in indices]
    callback = model.routing.RegisterUnaryTransitVector(load)
    limits = [whole(tables.capacity[d]) if math.isfinite(tables.capacity[d]) else 2 * most for d in model.vehicles]
    model.routing.AddDimensionWithVehicleCapacity(callback, 0, limits, True, "load")


def add_lateness_and_changes(model: Model) -> None:
    """Cost: `late_cost_per_hour` after `due`, `miss_cost` once when late at all, `change_technician` for a promise not kept."""
    tables, solver = model.problem.tables, model.solver
    most = int(min(_LARGEST_TOTAL, 2.0**60))
    model.routing.AddConstantDimensionWithSlack(0, most, most, True, "extra")
    extra = model.routing.GetDimensionOrDie("extra")
    for vehicle in range(len(model.vehicles)):
        extra.SetCumulVarSoftUpperBound(model.routing.End(vehicle), 0, 1)
        extra.SlackVar(model.routing.Start(vehicle)).SetValue(0)
    for ticket, indices in model.copies.items():
        lead, due = indices[0], tables.due[ticket]
        if tables.late_per_s[ticket]:
            model.time.SetCumulVarSoftUpperBound(lead, max(0, due), money(model, tables.late_per_s[ticket]))
        terms: list[Any] = []
        # What is overdue already has cost its hours up to now, whoever goes; the library wants bounds of zero and more.
        fixed = money(model, tables.miss[ticket] + max(0, -due) * tables.late_per_s[ticket])
        if fixed and due < model.horizon:
            late = model.time.CumulVar(lead) > due if due >= 0 else model.routing.ActiveVar(lead)
            terms.append(late * fixed)
        if tables.change[ticket]:
            theirs = [v for v, d in enumerate(model.vehicles) if tables.technician[d] in tables.promised[ticket]]
            stays = len(tables.promised[ticket]) == len(indices)
            kept = solver.Sum([solver.IsMemberVar(model.routing.VehicleVar(i), theirs) for i in indices]) if stays else 0
            moved = solver.IsLessCstVar(kept, len(indices)) if stays else model.routing.ActiveVar(lead)
            terms.append(moved * model.routing.ActiveVar(lead) * money(model, tables.change[ticket]))
        for index in indices[1:] if terms else indices:
            extra.SlackVar(index).SetValue(0)
        if terms:
            solver.Add(extra.SlackVar(lead) == solver.Sum(terms) * model.routing.ActiveVar(lead))


def add_kits(model: Model) -> None:
    """Rule 5: a ticket's kits are among those that its crew carries."""
    tables, solver = model.problem.tables, model.solver
    for ticket, indices in model.copies.items():
        for kit in sorted(tables.kits[ticket]):
            carry = [_carry(model, v, kit) for v in range(len(model.vehicles))]
            brought = [solver.Element([model.solver.IntConst(0), *carry], model.routing.VehicleVar(i) + 1) for i in indices]
            solver.Add(solver.Sum(brought) >= model.routing.ActiveVar(indices[0]))


def _carry(model: Model, vehicle: int, kit: int) -> Any:
    """Whether a vehicle carries a kit: a variable, or what is known beforehand."""
    tables, duty = model.problem.tables, model.vehicles[vehicle]
    held = tables.held[duty]
    if held is not None:
        return model.solver.IntConst(int(kit in held))
    if model.problem.stock[tables.station[duty], kit] == 0:
        return model.solver.IntConst(0)
    if (vehicle, kit) not in model.carry:
        variable = model.solver.BoolVar(f"carry {vehicle} {kit}")
        model.carry[vehicle, kit] = variable
        model.routing.AddVariableMinimizedByFinalizer(variable)
    return model.carry[vehicle, kit]


def add_stock(model: Model) -> None:
    """Rule 5: whenever a vehicle departs with a kit, those that are out then are no more than the station owns."""
    problem, tables, solver = model.problem, model.problem.tables, model.solver
    lent = list(zip(problem.lent_station.tolist(), problem.lent_kit.tolist(), problem.lent_until.tolist(), strict=True))
    vehicle_of = {d: v for v, d in enumerate(model.vehicles)}
    holders = [d for d in range(problem.n_duties) if tables.held[d]]
    for (vehicle, kit), carry in model.carry.items():
        station = tables.station[model.vehicles[vehicle]]
        owned = int(problem.stock[station, kit])
        departs = model.time.CumulVar(model.routing.Start(vehicle))
        out: list[Any] = []
        for (other, its_kit), also in model.carry.items():
            if its_kit == kit and other != vehicle and tables.station[model.vehicles[other]] == station:
                away = _away(model, other, vehicle)
                out += [also * away] if away is not None else []
        for home, its_kit, until in lent:
            out += [departs < until] if (home, its_kit) == (station, kit) else []
        for duty in holders:
            if tables.station[duty] == station and kit in (tables.held[duty] or ()):
                out.append(departs < _held_until(model, duty, vehicle_of.get(duty)))
        if len(out) >= owned:
            solver.Add(solver.Sum(out) <= owned - 1 + len(out) * (1 - carry))


def _away(model: Model, other: int, vehicle: int) -> Any:
    """Whether `other` is out when `vehicle` departs; None when their shifts rule it out."""
    tables = model.problem.tables
    one, two = model.vehicles[other], model.vehicles[vehicle]
    if tables.latest[one] <= tables.earliest[two] or tables.earliest[one] > tables.latest[two]:
        return None
    departs, time = model.time.CumulVar(model.routing.Start(vehicle)), model.time
    return (time.CumulVar(model.routing.Start(other)) <= departs) * (time.CumulVar(model.routing.End(other)) > departs)


def _held_until(model: Model, duty: int, vehicle: int | None) -> Any:
    """When someone already out brings the kits home: the return of the route, or of the drive home without one."""
    idle = min(model.problem.tables.idle_until[duty], model.horizon + 1)
    if vehicle is None:
        return idle
    used = model.routing.ActiveVehicleVar(vehicle)
    return used * model.time.CumulVar(model.routing.End(vehicle)) + (1 - used) * idle


def read_routes(model: Model, next_of: Callable[[int], int]) -> list[tuple[int, ...]]:
    """Tickets of each duty in the order of `next_of`, which gives the routing index after another."""
    routes: list[tuple[int, ...]] = [()] * model.problem.n_duties
    for vehicle, duty in enumerate(model.vehicles):
        index, visits = model.routing.Start(vehicle), []
        while not model.routing.IsEnd(index):
            index = next_of(index)
            if index in model.ticket_of:
                visits.append(model.ticket_of[index])
        routes[duty] = tuple(visits)
    return routes


def as_node_routes(model: Model, routes: Sequence[Sequence[int]]) -> list[list[int]]:
    """Routes of tickets by duty as routes of routing indices by vehicle; copies go to a crew in the order of the vehicles."""
    left = {ticket: list(indices) for ticket, indices in model.copies.items()}
    return [[left[t].pop(0) for t in routes[duty]] for duty in model.vehicles]
