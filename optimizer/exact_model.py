"""Every rule and every cost term of a dispatch case in CP-SAT, for cases that are small enough to be solved to the end.

Sets: D duties, T tickets, S_d the sets of tickets that duty d may serve (all sets when none are given). Variables, whole seconds and whole
units of money (`Prices.scale` to one):

- a[d, i, j]: duty d drives from i to j, one circuit for each duty through its station or place and the tickets that it serves;
- v[d, t]: d serves t; x[d, S]: d serves exactly S; p[t]: t is planned; s[t]: when work on t starts, one moment for the whole crew;
- dep[d], back[d]: departure and return; carry[d, k]: d takes kit k from its station; rest[b, i]: break b is taken after stop i.

Objective: sum of skip[t] (1 - p[t]) + lateness[t] + drive a + overtime + change (1 - kept[t]). Constraints, one function each:

- sum over d of v[d, t] = crew[t] p[t], of one technician at most 1, each skill and each kit brought by somebody of the crew;
- a[d, i, j] => s[j] >= s[i] + service[i] + travel[i, j] + breaks in between; dep[d] >= back of the same technician's duties before;
- kits that are out at any moment <= stock; loads <= capacity; no way from what is not locked to what is locked.

Kits follow the cumulative constraint of Schutt, Feydy, Stuckey and Wallace (2011, doi 10.1007/s10601-010-9103-2), circuits that of CP-SAT.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from optimizer.problem import Problem
from optimizer.solution import Solution

Ints = NDArray[np.int64]
Key = tuple[int, int]

_LARGEST_TOTAL = 2.0**50  # of all costs in whole units, so that the library's products stay within 64 bits
_ROUNDED_AWAY = 2e-7  # of the cost, at most, by rounding down


@dataclass(frozen=True, eq=False)
class Prices:
    """Money in whole units, `scale` to one. Every amount is rounded down, so that no plan seems dearer than it is: bounds stay bounds.

    `drive` reads `[origin, destination]`; lists read `[ticket]`; `late_per_s` and `overtime_per_s` are for each second.
    """

    scale: int
    drive: Ints
    miss: list[int]
    late_per_s: list[int]
    skip: list[int]
    change: list[int]
    overtime_per_s: int


def prices_of(problem: Problem, cost: float) -> Prices:
    """The amounts of a problem in units fine enough for plans that cost about `cost`.

    A scale that 3600 divides keeps whole hourly rates whole by the second.
    """
    tables = problem.tables
    longest = float(max([*tables.latest, 1]))
    finite = problem.drive_cost[np.isfinite(problem.drive_cost)]
    visits = sum(tables.crew) + problem.n_duties
    rates = [3600 * rate for rate in tables.late_per_s] + [problem.overtime_per_hour] * problem.n_duties
    total = longest / 3600 * sum(rates) + visits * float(finite.max(initial=0.0)) + sum(tables.miss) + sum(tables.skip) + sum(tables.change)
    scale = 3600
    for _ in range(3):
        lost = 4 * visits + sum(longest * math.modf(rate * (scale // 3600) + 1e-9)[0] for rate in rates if rate)
        if lost <= _ROUNDED_AWAY * cost * scale:
            break
        scale *= 10
    while scale > 1 and total * scale > _LARGEST_TOTAL:
        scale //= 10

    def whole(amount: float) -> int:
        return math.floor(amount * scale + 1e-6)  # what floats themselves lose would else take a unit away

    def each_second(per_hour: float) -> int:
        return math.floor(per_hour * scale / 3600 + 1e-9)

    drive = np.floor(np.where(np.isfinite(problem.drive_cost), problem.drive_cost, 0.0) * scale + 1e-6).astype(np.int64)
    return Prices(
        scale,
        drive,
        [whole(x) for x in tables.miss],
        [each_second(3600 * x) for x in tables.late_per_s],
        [whole(x) for x in tables.skip],
        [whole(x) for x in tables.change],
        each_second(problem.overtime_per_hour),
    )


@dataclass(frozen=True)
class Choice:
    """A route that one duty may take, and what it takes at least, alone on its day: breaks, kits and crews can only add to it.

    `cost` and `drive` are whole units of money; `starts` reads `[position in the route]`; `length` is of drives and services alone.
    """

    route: tuple[int, ...]
    cost: int
    drive: int
    starts: tuple[int, ...]
    back: int
    length: int


@dataclass
class Model:
    """The model in the making, and what is needed to read its answers. Keys are (duty, ticket), (duty, kit) or a ticket."""

    problem: Problem
    prices: Prices
    tickets: list[int]
    may: dict[int, list[int]]  # tickets by duty
    by_arcs: bool = True
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    planned: dict[int, Any] = field(default_factory=dict)
    start: dict[int, Any] = field(default_factory=dict)
    visit: dict[Key, Any] = field(default_factory=dict)
    used: dict[int, Any] = field(default_factory=dict)
    depart: dict[int, Any] = field(default_factory=dict)
    back: dict[int, Any] = field(default_factory=dict)
    carry: dict[Key, Any] = field(default_factory=dict)
    brings: dict[tuple[int, int, int], Any] = field(default_factory=dict)  # (duty, ticket, kit) of crews
    arcs: dict[int, dict[Key, Any]] = field(default_factory=dict)  # by duty; -1 is where it begins and ends
    taken: dict[int, dict[Key, Any]] = field(default_factory=dict)  # by duty: (break, stop that it follows)
    takes: dict[int, list[tuple[Any, Choice]]] = field(default_factory=dict)  # by duty
    late: dict[int, Any] = field(default_factory=dict)
    lateness: dict[int, Any] = field(default_factory=dict)  # seconds
    terms: list[Any] = field(default_factory=list)  # of the objective

    @property
    def cost(self) -> Any:
        """The objective: what the plan costs, in whole units."""
        return cp_model.LinearExpr.sum(self.terms)

    def duties(self, ticket: int) -> list[int]:
        """Who may serve a ticket."""
        return [d for d in self.may if (d, ticket) in self.visit]


def possible(problem: Problem, ticket: int, duty: int) -> bool:
    """Whether a duty may be one of a ticket's crew, whatever the times: skills, bans, locks, loads and, for a crew of one, kits."""
    tables = problem.tables
    if not problem.member[ticket, duty] or not tables.windows[ticket]:
        return False
    if tables.crew[ticket] > 1:
        return True
    held, stock = tables.held[duty], problem.stock[tables.station[duty]]
    return all(stock[k] > 0 for k in tables.kits[ticket]) if held is None else tables.kits[ticket] <= held


def build_model(problem: Problem, prices: Prices, may: Mapping[int, Sequence[int]], *, tickets: Sequence[int], by_arcs: bool = True) -> Model:
    """The model of some duties and tickets, without an objective yet.

    Parameters
    ----------
    may
        Tickets that each duty may serve; duties that are not in it stay unused.
    tickets
        Those to decide about; all others are skipped. A locked ticket is planned for sure.
    """
    model = Model(problem, prices, list(tickets), {d: list(row) for d, row in may.items() if row}, by_arcs)
    rules: tuple[Callable[[Model], None], ...] = (
        add_tickets, add_duties, add_crews, add_circuits, add_breaks, add_successive_duties, add_loads, add_kits, add_stock, add_locked_first,
    )  # fmt: skip
    for add_rule in rules:
        add_rule(model)
    return model


def add_tickets(model: Model) -> None:
    """Planned or not, and when work starts: inside a window, at the earliest and the latest that any duty allows."""
    tables, cp = model.problem.tables, model.cp
    latest = max((tables.latest[d] for d in model.may), default=0)
    for ticket in model.tickets:
        spells = [(a, min(b, latest)) for a, b in tables.windows[ticket] if a <= latest]
        model.planned[ticket] = cp.new_constant(1) if tables.locked[ticket] else cp.new_bool_var(f"planned {ticket}")
        if not spells:
            cp.add(model.planned[ticket] == 0)
        model.start[ticket] = cp.new_int_var_from_domain(cp_model.Domain.from_intervals(spells or [(0, 0)]), f"start {ticket}")


def add_duties(model: Model) -> None:
    """Rule 2: departure and return within shift and overtime."""
    tables, cp = model.problem.tables, model.cp
    for duty, row in model.may.items():
        model.used[duty] = cp.new_bool_var(f"used {duty}")
        model.depart[duty] = cp.new_int_var(tables.earliest[duty], max(tables.earliest[duty], tables.latest[duty]), f"depart {duty}")
        model.back[duty] = cp.new_int_var(tables.earliest[duty], max(tables.earliest[duty], tables.latest[duty]), f"back {duty}")
        for ticket in row:
            model.visit[duty, ticket] = cp.new_bool_var(f"visit {duty} {ticket}")


def add_crews(model: Model) -> None:
    """Rules 1, 4 and 6: as many different technicians as the crew has, with each skill between them; a lock keeps its people."""
    tables, cp, level = model.problem.tables, model.cp, model.problem.skill_level
    for ticket in model.tickets:
        planned, duties = model.planned[ticket], model.duties(ticket)
        cp.add(sum(model.visit[d, ticket] for d in duties) == tables.crew[ticket] * planned)
        if tables.locked[ticket] and len(tables.promised[ticket]) != tables.crew[ticket]:
            cp.add_bool_or([])  # promised to more or fewer people than it takes
        if tables.crew[ticket] == 1:
            continue
        people: dict[int, list[int]] = {}
        for duty in duties:
            people.setdefault(tables.technician[duty], []).append(duty)
        for theirs in people.values():
            if len(theirs) > 1:
                cp.add_at_most_one(model.visit[d, ticket] for d in theirs)
        for skill, least in tables.needs[ticket]:
            cp.add(sum(model.visit[d, ticket] for d in duties if level[tables.technician[d], skill] >= least) >= planned)


def add_circuits(model: Model) -> None:
    """Rule 3: one circuit for each duty; who follows whom starts no sooner than finish and drive allow."""
    together: dict[Key, list[Any]] = {}
    for duty, row in model.may.items():
        _add_circuit(model, duty, row)
        for (i, j), arc in model.arcs[duty].items():
            if i >= 0 and j >= 0:
                together.setdefault((i, j), []).append(arc)
    # Between two tickets the times are the same whoever drives: one constraint for all of them.
    for (i, j), arcs in together.items():
        anyone = arcs[0]
        if len(arcs) > 1:
            anyone = model.cp.new_bool_var(f"way {i} {j}")
            for arc in arcs:
                model.cp.add_implication(arc, anyone)
        tables = model.problem.tables
        least = tables.service[i] + tables.travel[tables.location[i]][tables.location[j]]
        model.cp.add(model.start[j] >= model.start[i] + least).only_enforce_if(anyone)


def _add_circuit(model: Model, duty: int, row: Sequence[int]) -> None:
    tables, cp, latest = model.problem.tables, model.cp, model.problem.tables.latest[duty]
    node = {-1: 0} | {t: number + 1 for number, t in enumerate(row)}
    arcs: dict[Key, Any] = {}
    home, origin, place = tables.home[duty], tables.origin[duty], tables.location
    for i in row:
        if tables.earliest[duty] + tables.travel[origin][place[i]] <= min(latest, tables.windows[i][-1][1]):
            arcs[-1, i] = cp.new_bool_var(f"{duty} begins with {i}")
            cp.add(model.start[i] >= model.depart[duty] + tables.travel[origin][place[i]]).only_enforce_if(arcs[-1, i])
        if tables.windows[i][0][0] + tables.service[i] + tables.travel[place[i]][home] <= latest:
            arcs[i, -1] = cp.new_bool_var(f"{duty} ends with {i}")
            least = tables.service[i] + tables.travel[place[i]][home]
            cp.add(model.back[duty] >= model.start[i] + least).only_enforce_if(arcs[i, -1])
        for j in row:
            if i != j and _may_follow(model, duty, i, j):
                arcs[i, j] = cp.new_bool_var(f"{duty} from {i} to {j}")
    model.arcs[duty] = arcs
    literals = [(node[i], node[j], arc) for (i, j), arc in arcs.items()]
    literals += [(node[t], node[t], ~model.visit[duty, t]) for t in row]
    literals.append((0, 0, ~model.used[duty]))
    if model.by_arcs:
        cp.add_circuit(literals)
    for ticket in row:
        cp.add_implication(model.visit[duty, ticket], model.used[duty])


def _may_follow(model: Model, duty: int, i: int, j: int) -> bool:
    """Whether j may come right after i: rule 6, and the windows."""
    tables = model.problem.tables
    if tables.locked[j] and not tables.locked[i]:
        return False
    first = max(tables.windows[i][0][0], tables.earliest[duty])
    soonest = first + tables.service[i] + tables.travel[tables.location[i]][tables.location[j]]
    return soonest <= min(tables.windows[j][-1][1], tables.latest[duty])


def trips_of(model: Model) -> list[list[int]]:
    """The duties of each shift of a technician, in the order in which they follow each other."""
    tables, groups = model.problem.tables, {}
    for duty in sorted(model.may):
        groups.setdefault((tables.technician[duty], int(model.problem.duty_shift[duty])), []).append(duty)
    return [sorted(group, key=lambda d: (len(_ancestors(model, d)), d)) for group in groups.values()]


def _ancestors(model: Model, duty: int) -> list[int]:
    """The same technician's duties that may still last when this one begins, the nearest first."""
    before, chain = model.problem.tables.before, []
    while before[duty] >= 0:
        duty = before[duty]
        chain.append(duty)
    return chain


def add_breaks(model: Model) -> None:
    """Rule 2: a break that the work of a shift spans is taken, in one spell between two stops beside the drive, or between two trips."""
    for group in trips_of(model):
        breaks = model.problem.tables.breaks[group[0]]
        rests = []
        for number, (opens, closes, length, span_end) in enumerate(breaks):
            if any(model.problem.tables.earliest[d] < opens and model.problem.tables.latest[d] > span_end for d in group):
                rests.append(_add_break(model, group, number, (max(opens, 0), closes, length, span_end)))
        if len(rests) > 1:
            model.cp.add_no_overlap(rests)
        for duty in group if rests else ():
            _add_room_for_breaks(model, duty)


def _add_break(model: Model, group: Sequence[int], number: int, rest: tuple[int, int, int, int]) -> Any:
    cp, (opens, closes, length, span_end) = model.cp, rest
    begin = cp.new_int_var(opens, max(opens, closes), f"break {group[0]} {number}")
    taken = cp.new_bool_var(f"takes break {group[0]} {number}")
    if closes < opens:
        cp.add(taken == 0)  # it cannot begin in any whole second: nobody works across it
    early, late = cp.new_bool_var(""), cp.new_bool_var("")
    for duty in group:
        cp.add(model.depart[duty] >= opens).only_enforce_if(~early, model.used[duty])
        cp.add(model.back[duty] <= span_end).only_enforce_if(~late, model.used[duty])
    cp.add_bool_or(~early, ~late, taken)
    spells = []
    for duty in group:
        for stop in (-1, *model.may[duty]):
            spell = cp.new_bool_var(f"break {number} of {duty} after {stop}")
            model.taken.setdefault(duty, {})[number, stop] = spell
            spells.append(spell)
            cp.add_implication(spell, model.used[duty] if stop < 0 else model.visit[duty, stop])
            free = model.depart[duty] if stop < 0 else model.start[stop] + model.problem.tables.service[stop]
            cp.add(begin >= free).only_enforce_if(spell)
            for (i, j), arc in model.arcs[duty].items():
                if i == stop:
                    until = model.start[j] if j >= 0 else model.back[duty]
                    cp.add(until >= begin + length).only_enforce_if(spell, arc)
    for one, other in pairwise(group):
        spell = cp.new_bool_var(f"break {number} between {one} and {other}")
        spells.append(spell)
        cp.add_implication(spell, model.used[one])
        cp.add_implication(spell, model.used[other])
        cp.add(begin >= model.back[one]).only_enforce_if(spell)
        cp.add(model.depart[other] >= begin + length).only_enforce_if(spell)
    cp.add(sum(spells) == taken)
    return cp.new_optional_fixed_size_interval_var(begin, length, taken, f"rest {group[0]} {number}")


def _add_room_for_breaks(model: Model, duty: int) -> None:
    """The spell in which a break is taken is as long as drive and breaks together."""
    tables = model.problem.tables
    after: dict[int, list[Any]] = {}
    for (number, stop), spell in model.taken.get(duty, {}).items():
        after.setdefault(stop, []).append(tables.breaks[duty][number][2] * spell)
    for (i, j), arc in model.arcs[duty].items():
        here = tables.origin[duty] if i < 0 else tables.location[i]
        there = tables.home[duty] if j < 0 else tables.location[j]
        free = model.depart[duty] if i < 0 else model.start[i] + tables.service[i]
        until = model.back[duty] if j < 0 else model.start[j]
        model.cp.add(until >= free + tables.travel[here][there] + sum(after.get(i, []))).only_enforce_if(arc)


def add_successive_duties(model: Model) -> None:
    """Rule 2: a technician departs no sooner than home from every duty before; a second trip of a shift needs a first."""
    tables, cp = model.problem.tables, model.cp
    for duty in model.may:
        for earlier in _ancestors(model, duty):
            if earlier not in model.may:
                cp.add(model.depart[duty] >= tables.idle_until[earlier]).only_enforce_if(model.used[duty])
                continue
            cp.add(model.depart[duty] >= model.back[earlier]).only_enforce_if(model.used[duty], model.used[earlier])
            if tables.idle_until[earlier] > 0:
                cp.add(model.depart[duty] >= tables.idle_until[earlier]).only_enforce_if(model.used[duty], ~model.used[earlier])
    for group in trips_of(model):
        for one, other in pairwise(group):
            cp.add_implication(model.used[other], model.used[one])


def add_loads(model: Model) -> None:
    """Rule 6: the loads of a trip within the technician's capacity, in millionths of a unit."""
    tables = model.problem.tables
    for duty, row in model.may.items():
        if math.isfinite(tables.capacity[duty]) and any(tables.load[t] for t in row):
            load = {t: round(min(tables.load[t], 1e9) * 1e6) for t in row}
            limit = round(min(tables.capacity[duty], 1e9) * 1e6)
            model.cp.add(sum(load[t] * model.visit[duty, t] for t in row) <= limit)


def add_kits(model: Model) -> None:
    """Rule 5: a ticket's kits are among those that its crew carries."""
    tables = model.problem.tables
    for ticket in model.tickets:
        for kit in sorted(tables.kits[ticket]):
            bearers = []
            for duty in model.duties(ticket):
                visit, held = model.visit[duty, ticket], tables.held[duty]
                if held is not None and kit in held:
                    bearers.append(visit)
                elif held is None and model.problem.stock[tables.station[duty], kit] > 0:
                    if (duty, kit) not in model.carry:
                        model.carry[duty, kit] = model.cp.new_bool_var(f"carry {duty} {kit}")
                        model.cp.add_implication(model.carry[duty, kit], model.used[duty])
                    brings = visit
                    if tables.crew[ticket] > 1:
                        brings = model.brings[duty, ticket, kit] = model.cp.new_bool_var("")
                        model.cp.add_implication(brings, visit)
                    model.cp.add_implication(brings, model.carry[duty, kit])
                    bearers.append(brings)
            model.cp.add(sum(bearers) >= model.planned[ticket])


def add_stock(model: Model) -> None:
    """Rule 5: whenever somebody departs with a kit, those that are out then are no more than the station owns."""
    tables = model.problem.tables
    takers: dict[Key, list[int]] = {}
    for duty, kit in model.carry:
        takers.setdefault((tables.station[duty], kit), []).append(duty)
    for (station, kit), duties in takers.items():
        holders = _holders(model, station, kit)
        owned = int(model.problem.stock[station, kit])
        if len(duties) + len(holders) > owned:
            _add_stock_of(model, kit, owned, duties, holders)


def _holders(model: Model, station: int, kit: int) -> list[Any]:
    """When each kit that is out from the beginning comes home: numbers, or variables where a route decides it."""
    problem, tables, cp = model.problem, model.problem.tables, model.cp
    rows = zip(problem.lent_station.tolist(), problem.lent_kit.tolist(), problem.lent_until.tolist(), strict=True)
    until: list[Any] = [back for home, its_kit, back in rows if (home, its_kit) == (station, kit)]
    for duty, held in enumerate(tables.held):
        if tables.station[duty] != station or kit not in (held or ()):
            continue
        idle = tables.idle_until[duty]
        if duty not in model.may:
            until.append(idle)
            continue
        home = cp.new_int_var(0, max(idle, tables.latest[duty], 0), f"kit {kit} back with {duty}")
        cp.add(home == model.back[duty]).only_enforce_if(model.used[duty])
        cp.add(home == idle).only_enforce_if(~model.used[duty])
        until.append(home)
    return until


def _add_stock_of(model: Model, kit: int, owned: int, takers: Sequence[int], holders: Sequence[Any]) -> None:
    cp, excess = model.cp, len(holders) - owned
    spells = []
    for duty in takers:
        size = cp.new_int_var(0, max(0, model.problem.tables.latest[duty] - model.problem.tables.earliest[duty]), "")
        spells.append(cp.new_optional_interval_var(model.depart[duty], size, model.back[duty], model.carry[duty, kit], ""))
    # A station that has lent more than it owns breaks no rule until somebody departs: the excess must be home by then.
    gone = [cp.new_bool_var("") for _ in holders] if excess > 0 else []
    if gone:
        cp.add(sum(gone) == excess)
    for number, until in enumerate(holders):
        if gone:
            spells.append(cp.new_optional_interval_var(0, until, until, ~gone[number], ""))
        else:
            spells.append(cp.new_interval_var(0, until, until, ""))
        for duty in takers if gone else ():
            cp.add(model.depart[duty] >= until).only_enforce_if(gone[number], model.carry[duty, kit])
    cp.add_cumulative(spells, [1] * len(spells), owned)


def add_locked_first(model: Model) -> None:
    """Rule 6, across the trips of a shift; within a trip the circuits see to it."""
    locked = model.problem.tables.locked
    for group in trips_of(model):
        for number, duty in enumerate(group):
            for earlier in group[:number]:
                for t in model.may[duty]:
                    for before in model.may[earlier] if locked[t] else ():
                        if not locked[before]:
                            model.cp.add_implication(model.visit[duty, t], ~model.visit[earlier, before])


def add_objective(model: Model) -> None:
    """The cost of the plan, tickets left out of the model included."""
    tables, prices, cp, terms = model.problem.tables, model.prices, model.cp, model.terms
    for ticket, skip in enumerate(prices.skip):
        terms.append(skip * (1 - model.planned[ticket]) if ticket in model.planned else skip)
        if prices.change[ticket]:
            terms.append(_change(model, ticket))
    for ticket in model.tickets:
        _add_lateness(model, ticket)
    for duty, arcs in model.arcs.items():
        for (i, j), arc in arcs.items():
            here = tables.origin[duty] if i < 0 else tables.location[i]
            there = tables.home[duty] if j < 0 else tables.location[j]
            terms.append(int(prices.drive[here, there]) * arc)
    for group in trips_of(model) if prices.overtime_per_s else ():
        end, latest = tables.end[group[0]], max(tables.latest[d] for d in group)
        if latest > end:
            over = cp.new_int_var(0, latest - end, f"overtime {group[0]}")
            for duty in group:
                cp.add(over >= model.back[duty] - end).only_enforce_if(model.used[duty])
            terms.append(prices.overtime_per_s * over)
    cp.minimize(model.cost)


def _change(model: Model, ticket: int) -> Any:
    """What it costs when the technicians of a ticket are others than those who were told."""
    tables, change = model.problem.tables, model.prices.change[ticket]
    told = tables.promised[ticket]
    if not told:
        return change * model.planned[ticket] if ticket in model.planned else 0
    if len(told) != tables.crew[ticket] or ticket not in model.planned:
        return change
    kept = model.cp.new_bool_var(f"kept {ticket}")
    for who in told:
        theirs = [model.visit[d, ticket] for d in model.duties(ticket) if tables.technician[d] == who]
        model.cp.add(sum(theirs) >= kept)
    return change * (1 - kept)


def _add_lateness(model: Model, ticket: int) -> None:
    """Lateness and its price; zero for a ticket that is not planned, whose start is then anything."""
    tables, prices, cp = model.problem.tables, model.prices, model.cp
    due, start, planned = tables.due[ticket], model.start[ticket], model.planned[ticket]
    latest = max((tables.latest[d] for d in model.duties(ticket)), default=0)
    if latest <= due or not (prices.miss[ticket] or prices.late_per_s[ticket]):
        return
    late = model.late[ticket] = cp.new_bool_var(f"late {ticket}")
    hours = model.lateness[ticket] = cp.new_int_var(0, latest - due, f"lateness {ticket}")
    cp.add(start <= due).only_enforce_if(~late, planned)
    cp.add(hours >= start - due).only_enforce_if(planned)
    model.terms += [prices.miss[ticket] * late, prices.late_per_s[ticket] * hours]


def add_choices(model: Model, choices: Mapping[int, Sequence[Choice]]) -> None:
    """Each duty takes exactly one of its routes or none, and nothing is sooner or cheaper than the routes are at least.

    The sum of those least costs is a bound that the circuits alone do not see: lateness and driving of a whole route at once.
    """
    cp, tables, floor = model.cp, model.problem.tables, []
    sooner: dict[int, list[Any]] = {t: [] for t in model.tickets}  # lateness of tickets for one technician
    for duty, options in choices.items():
        takes = [(cp.new_bool_var(f"{duty} takes {o.route}"), o) for o in options]
        model.takes[duty] = takes
        cp.add(sum(x for x, _ in takes) == model.used[duty])
        ways: dict[Key, list[Any]] = {}
        for x, option in takes:
            for way in pairwise((-1, *option.route, -1)):
                ways.setdefault(way, []).append(x)
        for way, arc in model.arcs[duty].items():
            cp.add(sum(ways.get(way, [])) == arc)
        for ticket in model.may[duty]:
            cp.add(sum(x for x, o in takes if ticket in o.route) == model.visit[duty, ticket])
            late = _lateness_terms(model, ticket, takes)
            if tables.crew[ticket] == 1:
                sooner[ticket] += late
            elif late:
                cp.add(model.lateness[ticket] >= sum(late))
        back = sum(o.back * x for x, o in takes)
        cp.add(model.back[duty] >= back)
        cp.add(model.back[duty] - model.depart[duty] >= sum(o.length * x for x, o in takes)).only_enforce_if(model.used[duty])
        floor += [o.cost * x for x, o in takes]
    for ticket, late in sooner.items():
        if late:
            cp.add(model.lateness[ticket] >= sum(late))
    for ticket, skip in enumerate(model.prices.skip):
        idle = skip + (model.prices.change[ticket] if tables.promised[ticket] else 0)
        floor.append(idle * (1 - model.planned[ticket]) if ticket in model.planned else idle)
    cp.add(model.cost >= cp_model.LinearExpr.sum(floor))


def _lateness_terms(model: Model, ticket: int, takes: Sequence[tuple[Any, Choice]]) -> list[Any]:
    """How late each of a duty's routes is at a ticket at least; whoever is late at all is late for sure."""
    terms, due = [], model.problem.tables.due[ticket]
    for x, option in takes:
        if ticket in option.route and (late := option.starts[option.route.index(ticket)] - due) > 0 and ticket in model.late:
            model.cp.add_implication(x, model.late[ticket])
            terms.append(late * x)
    return terms


def read_solution(model: Model, value: Callable[[Any], int]) -> tuple[Solution, tuple[int, ...]]:
    """Routes and kits of an answer, with departures no sooner than its own where kits are taken; and all its departures, by duty."""
    problem, tables = model.problem, model.problem.tables
    routes: list[tuple[int, ...]] = [()] * problem.n_duties
    kits: list[frozenset[int]] = [frozenset()] * problem.n_duties
    departs = [0] * problem.n_duties
    for duty, arcs in model.arcs.items():
        if not value(model.used[duty]):
            continue
        following = {i: j for (i, j), arc in arcs.items() if value(arc)}
        at, route = following[-1], []
        while at >= 0:
            route.append(at)
            at = following[at]
        routes[duty], departs[duty] = tuple(route), value(model.depart[duty])
        needed = {k for t in route if tables.crew[t] == 1 for k in tables.kits[t]} if tables.held[duty] is None else set()
        needed |= {k for (d, t, k), brings in model.brings.items() if d == duty and t in route and value(brings)}
        kits[duty] = frozenset(needed)
    wait = tuple(depart if taken else 0 for depart, taken in zip(departs, kits, strict=True))
    return Solution(tuple(routes), tuple(kits), wait), tuple(departs)

