"""Every rule of a dispatch case in CP-SAT, for cases that are small enough to be solved to the end.

Sets: D duties, T tickets, which each duty may serve. Variables, in whole seconds and, for the cost, whole units of money (`exact_prices`):

- a[d, i, j]: duty d drives from i to j, one circuit for each duty through its station or place and the tickets that it serves;
- v[d, t]: d serves t; p[t]: t is planned; s[t]: when work on t starts, one moment for the whole crew;
- dep[d], back[d]: departure and return; carry[d, k]: d takes kit k from its station; taken[d, b, i]: break b is taken after stop i.

Constraints, one function each here, in `exact_trips` and in `exact_kits`; the cost is in `exact_objective`:

- sum over d of v[d, t] = crew[t] p[t], of one technician at most 1, each skill and each kit brought by somebody of the crew;
- a[d, i, j] => s[j] >= s[i] + service[i] + travel[i, j] + breaks in between; dep[d] >= back of the same technician's duties before;
- kits that are out at any moment <= stock; loads <= capacity; no way from what is not locked to what is locked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ortools.sat.python import cp_model

from optimizer.exact_kits import add_kits, add_stock
from optimizer.exact_prices import Prices
from optimizer.exact_trips import add_breaks, add_locked_first, add_successive_duties
from optimizer.problem import Problem
from optimizer.solution import Solution

if TYPE_CHECKING:
    from optimizer.exact_objective import Choice

Key = tuple[int, int]


@dataclass
class Model:
    """The model in the making, and what is needed to read its answers. Keys are (duty, ticket), (duty, kit) or a ticket."""

    problem: Problem
    prices: Prices
    tickets: list[int]
    may: dict[int, list[int]]  # tickets by duty
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


def build_model(problem: Problem, prices: Prices, may: Mapping[int, Sequence[int]], *, tickets: Sequence[int]) -> Model:
    """The model of some duties and tickets, without an objective yet.

    Parameters
    ----------
    may
        Tickets that each duty may serve; duties that are not in it stay unused.
    tickets
        Those to decide about; all others are skipped. A locked ticket is planned for sure.
    """
    model = Model(problem, prices, list(tickets), {d: list(row) for d, row in may.items() if row})
    rules: tuple[Callable[[Model], None], ...] = (
        add_tickets, add_duties, add_crews, add_circuits, add_breaks, add_successive_duties, add_locked_first,
        add_loads, add_kits, add_stock,
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


def add_loads(model: Model) -> None:
    """Rule 6: the loads of a trip within the technician's capacity, in millionths of a unit."""
    tables = model.problem.tables
    for duty, row in model.may.items():
        if math.isfinite(tables.capacity[duty]) and any(tables.load[t] for t in row):
            load = {t: round(min(tables.load[t], 1e9) * 1e6) for t in row}
            limit = round(min(tables.capacity[duty], 1e9) * 1e6)
            model.cp.add(sum(load[t] * model.visit[duty, t] for t in row) <= limit)


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
