"""Routes that a search has seen, put together anew: the cheapest plan among all their combinations that keep every rule.

Sets: columns r, each a route with its times as it once stood in a plan; c[r] its cost. Variables x[r], u[t] (t is skipped) and, for the
tickets of crews, y[t, m] (their work starts at moment m).

    min sum c[r] x[r] + skip[t] u[t] + change[t] (1 - kept[t])
    sum over r with t of x[r] + u[t] >= 1                              single technicians: covering, what is visited twice is dropped later
    sum over r with (t, m) of x[r] = crew[t] y[t, m], sum over m of y[t, m] + u[t] = 1   crews: members whose routes agree on the moment
    one route a duty at most, and after the same technician's one before; kits out at any moment within the stock (cumulative)

After Rochat and Taillard's adaptive memory (1995, doi 10.1007/BF02430370). Covering in place of partitioning, as in Muter, Birbil and
Sahin (2010, doi 10.1287/ijoc.1090.0345): equality rows lead the linear programme astray. It prices the columns first; those that
cannot be in a better plan, and all but the most promising of the others, stay out of CP-SAT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from optimizer.problem import Problem
from optimizer.schedule import carried, propagate, schedule
from optimizer.solution import Schedule, Solution
from optimizer.watched import solve_watched

if TYPE_CHECKING:
    from optimizer.search_kernel import State

MOST_ROUTES = 20_000
"""Of a pool; beyond, those that were seen longest ago are forgotten."""

_MOST_COLUMNS = 3_000  # that CP-SAT chooses from
_UNITS = 1_000  # of one unit of money, in CP-SAT


@dataclass(frozen=True, slots=True)
class Column:
    """A route with its times: `moments` are the starts of its tickets for crews, `kits` what it takes from its station."""

    duty: int
    route: tuple[int, ...]
    moments: tuple[tuple[int, int], ...]
    kits: frozenset[int]
    depart: int
    returns: int
    cost: float


class RoutePool:
    """Routes that were seen, by duty, tickets and the moments of crews; of each the cheapest, and no more than `most`."""

    def __init__(self, problem: Problem, most: int = MOST_ROUTES) -> None:
        self.problem, self.most = problem, most
        self.columns: dict[tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]], Column] = {}

    def add(self, column: Column) -> None:
        """Remember a route, as the one seen last."""
        key = (column.duty, column.route, column.moments)
        known = self.columns.pop(key, None)
        self.columns[key] = column if known is None or column.cost < known.cost else known
        if len(self.columns) > self.most:
            del self.columns[next(iter(self.columns))]

    def add_schedule(self, plan: Schedule) -> None:
        """Remember all routes of a plan."""
        for column in columns_of(self.problem, plan):
            self.add(column)

    def add_present(self, state: State) -> None:
        """Remember all routes of the plan that the compiled search holds at present."""
        from optimizer import search_kernel as kernel

        crew = self.problem.tables.crew
        routes, cost = state.routes[kernel.NOW], state.costs[kernel.NOW, :, 0].tolist()
        for duty in np.flatnonzero(routes[:, kernel.N]).tolist():
            n, depart, returns = int(routes[duty, kernel.N]), int(routes[duty, kernel.DEPART]), int(routes[duty, kernel.RETURN])
            route = tuple(state.rows[kernel.NOW, duty, :n].tolist())
            starts = state.timing[kernel.NOW, duty, :n, kernel.START].tolist()
            moments = tuple((t, s) for t, s in zip(route, starts, strict=True) if crew[t] > 1)
            kits = frozenset(np.flatnonzero(state.carried[kernel.NOW, duty]).tolist())
            self.add(Column(duty, route, moments, kits, depart, returns, cost[duty]))


def columns_of(problem: Problem, plan: Schedule) -> list[Column]:
    """The routes of a plan."""
    crew, columns = problem.tables.crew, []
    for duty, timed in enumerate(plan.timed):
        if timed is not None:
            route = plan.solution.routes[duty]
            moments = tuple((t, s) for t, s in zip(route, timed.starts, strict=True) if crew[t] > 1)
            columns.append(Column(duty, route, moments, plan.solution.kits[duty], timed.depart, timed.returns, timed.cost))
    return columns


def recombine(
    problem: Problem,
    pool: RoutePool,
    best: Schedule,
    effort: float,
    seed: int,
    *,
    over: Callable[[], bool] = lambda: False,
) -> Schedule | None:
    """A cheaper plan than `best` made of routes of the pool and of `best`; None when none was found.

    Parameters
    ----------
    effort
        Deterministic seconds of CP-SAT at most: they, the pool and the seed alone decide the answer.
    over
        Whether to give up at once: then the answer is None.
    """
    mine = columns_of(problem, best)
    known = {(c.duty, c.route, c.moments) for c in mine}
    columns = mine + [c for key, c in pool.columns.items() if key not in known]
    chosen = _promising(problem, columns, len(mine), best.cost)
    if chosen is None or over():
        return None
    picked = _choose(problem, chosen, len(mine), best, effort, seed, over)
    if picked is None:
        return None
    found = schedule(problem, _without_doubles(problem, picked))
    return found if isinstance(found, Schedule) and found.cost < best.cost - 1e-6 else None


def _absent(problem: Problem, ticket: int) -> float:
    """What it costs not to plan a ticket."""
    tables = problem.tables
    return tables.skip[ticket] + (tables.change[ticket] if tables.promised[ticket] else 0.0)


def _price(problem: Problem, column: Column) -> float:
    """Cost of a route with what it surely adds to the price of other technicians than promised."""
    tables = problem.tables
    others = sum(tables.change[t] for t in column.route if tables.crew[t] == 1 and tables.promised[t] != {tables.technician[column.duty]})
    return column.cost + others


def _promising(problem: Problem, columns: Sequence[Column], mine: int, cost: float) -> list[Column] | None:
    """The first `mine` columns and those that the linear programme without kits prices best; None when nothing cheaper can come out."""
    tables = problem.tables
    solver = pywraplp.Solver.CreateSolver("GLOP")
    infinity, objective = solver.infinity(), solver.Objective()
    cover = [solver.Constraint(1.0, infinity) for _ in range(problem.n_tickets)]
    once = {d: solver.Constraint(-infinity, 1.0) for d in sorted({c.duty for c in columns})}
    meet: dict[tuple[int, int], Any] = {}
    for ticket, row in enumerate(cover):
        if not tables.locked[ticket]:
            skip = solver.NumVar(0.0, 1.0, "")
            row.SetCoefficient(skip, 1.0)
            objective.SetCoefficient(skip, _absent(problem, ticket))
    taken: list[Any] = []
    for column in columns:
        x = solver.NumVar(0.0, infinity, "")
        taken.append(x)
        objective.SetCoefficient(x, _price(problem, column))
        once[column.duty].SetCoefficient(x, 1.0)
        for ticket in column.route:
            if tables.crew[ticket] == 1:
                cover[ticket].SetCoefficient(x, 1.0)
        for ticket, moment in column.moments:
            if (ticket, moment) not in meet:
                meet[ticket, moment] = solver.Constraint(0.0, infinity)
                met = solver.NumVar(0.0, 1.0, "")
                meet[ticket, moment].SetCoefficient(met, -float(tables.crew[ticket]))
                cover[ticket].SetCoefficient(met, 1.0)
            meet[ticket, moment].SetCoefficient(x, 1.0)
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return [*columns[:mine], *columns[mine:][-_MOST_COLUMNS:]]  # GLOP may give up: then those that were seen last
    slack = cost - objective.Value()
    if slack <= 1e-6 * max(1.0, abs(cost)):
        return None
    reduced = np.array([x.reduced_cost() for x in taken])
    order = [i for i in np.argsort(reduced[mine:], kind="stable").tolist() if reduced[mine + i] <= slack]
    return [*columns[:mine], *(columns[mine + i] for i in order[:_MOST_COLUMNS])]


def _choose(
    problem: Problem, columns: Sequence[Column], mine: int, best: Schedule, effort: float, seed: int, over: Callable[[], bool]
) -> list[Column] | None:
    """The cheapest combination of columns that CP-SAT finds; None when it finds none that seems cheaper than the best plan."""
    tables, cp = problem.tables, cp_model.CpModel()
    takes = [cp.new_bool_var("") for _ in columns]
    for number, x in enumerate(takes):
        cp.add_hint(x, number < mine)
    visits: dict[int, list[int]] = {}
    of_duty: dict[int, list[int]] = {}
    for number, column in enumerate(columns):
        of_duty.setdefault(column.duty, []).append(number)
        for ticket in column.route:
            visits.setdefault(ticket, []).append(number)
    for numbers in of_duty.values():
        cp.add_at_most_one(takes[i] for i in numbers)
    costs: list[Any] = [round(_price(problem, c) * _UNITS) * x for c, x in zip(columns, takes, strict=True)]
    for ticket in range(problem.n_tickets):
        theirs = visits.get(ticket, [])
        if not theirs:
            costs.append(round(_absent(problem, ticket) * _UNITS))
            continue
        planned = cp.new_bool_var("") if not tables.locked[ticket] else cp.new_constant(1)
        costs.append(round(_absent(problem, ticket) * _UNITS) * (1 - planned))
        if tables.crew[ticket] == 1:
            cp.add(sum(takes[i] for i in theirs) >= planned)
        else:
            costs.append(_add_crew(problem, cp, ticket, planned, [(columns[i], takes[i]) for i in theirs]))
    _add_order(problem, cp, columns, takes, of_duty)
    _add_stock(problem, cp, columns, takes, of_duty)
    total = cp_model.LinearExpr.sum(costs)
    cp.add(total <= int(best.cost * _UNITS) - 1)
    cp.minimize(total)
    answer = _solved(cp, effort, seed, over)
    return None if answer is None else [c for c, x in zip(columns, takes, strict=True) if answer.value(x)]


def _add_crew(problem: Problem, cp: cp_model.CpModel, ticket: int, planned: Any, theirs: Sequence[tuple[Column, Any]]) -> Any:
    """Rules of a crew, and what it costs when it is another one than promised."""
    tables, level = problem.tables, problem.skill_level
    by_moment: dict[int, list[Any]] = {}
    for column, x in theirs:
        by_moment.setdefault(dict(column.moments)[ticket], []).append(x)
    meets = []
    for members in by_moment.values():
        meets.append(cp.new_bool_var(""))
        cp.add(sum(members) == tables.crew[ticket] * meets[-1])
    cp.add(sum(meets) == planned)
    for skill, least in tables.needs[ticket]:
        cp.add(sum(x for c, x in theirs if level[tables.technician[c.duty], skill] >= least) >= planned)
    for kit in tables.kits[ticket]:
        cp.add(sum(x for c, x in theirs if kit in carried(tables, c.duty, c.kits)) >= planned)
    people: dict[int, list[Any]] = {}
    for column, x in theirs:
        people.setdefault(tables.technician[column.duty], []).append(x)
    for once in people.values():
        cp.add_at_most_one(once)
    if not tables.change[ticket] or not tables.promised[ticket]:
        return round(tables.change[ticket] * _UNITS) * planned
    kept = cp.new_bool_var("")
    for who in tables.promised[ticket]:
        cp.add(sum(people.get(who, [])) >= kept)
    cp.add_implication(kept, planned)
    if len(tables.promised[ticket]) != tables.crew[ticket]:
        cp.add(kept == 0)
    return round(tables.change[ticket] * _UNITS) * (planned - kept)


def _add_order(
    problem: Problem, cp: cp_model.CpModel, columns: Sequence[Column], takes: Sequence[Any], of_duty: Mapping[int, Sequence[int]]
) -> None:
    """A technician departs no sooner than home from the duty before."""
    tables = problem.tables
    for duty, numbers in of_duty.items():
        before = tables.before[duty]
        if before < 0:
            continue
        for i in numbers:
            depart = columns[i].depart
            late = [takes[j] for j in of_duty.get(before, ()) if columns[j].returns > depart]
            if late:
                cp.add_bool_and(~x for x in late).only_enforce_if(takes[i])
            if tables.idle_until[before] > depart:
                cp.add_bool_or(takes[j] for j in of_duty.get(before, ())).only_enforce_if(takes[i])


def _add_stock(
    problem: Problem, cp: cp_model.CpModel, columns: Sequence[Column], takes: Sequence[Any], of_duty: Mapping[int, Sequence[int]]
) -> None:
    """Kits that are out at any moment are no more than the station owns."""
    tables = problem.tables
    spells: dict[tuple[int, int], list[tuple[int, int, Any]]] = {}
    for column, x in zip(columns, takes, strict=True):
        for kit in column.kits if tables.held[column.duty] is None else ():
            spells.setdefault((tables.station[column.duty], kit), []).append((column.depart, column.returns, x))
    for (station, kit), out in spells.items():
        owned = int(problem.stock[station, kit])
        fixed, held = _holders(problem, columns, takes, of_duty, station, kit)
        # A station that has lent more than it owns breaks no rule until somebody departs.
        for depart, _, x in out:
            if sum(depart < until for until in fixed) >= owned:
                cp.add(x == 0)
        if len(out) + len(fixed) + len(held) > owned:
            known = [(0, until, 1) for until in sorted(fixed)[-owned:]] if owned else []
            intervals = [cp.new_optional_interval_var(a, b - a, b, x, "") for a, b, x in (*out, *held) if b > a]
            intervals += [cp.new_interval_var(a, b - a, b, "") for a, b, _ in known if b > a]
            # Rather too strict where people out prolong the excess: no plan is lost, one may be missed.
            cp.add_cumulative(intervals, [1] * len(intervals), owned)


def _holders(
    problem: Problem, columns: Sequence[Column], takes: Sequence[Any], of_duty: Mapping[int, Sequence[int]], station: int, kit: int
) -> tuple[list[int], list[tuple[int, int, Any]]]:
    """Until when kits of the station are out from the beginning: whatever is chosen, and with the columns of people already out."""
    tables = problem.tables
    lent = zip(problem.lent_station.tolist(), problem.lent_kit.tolist(), problem.lent_until.tolist(), strict=True)
    fixed = [until for home, its_kit, until in lent if (home, its_kit) == (station, kit)]
    held: list[tuple[int, int, Any]] = []
    for duty, bag in enumerate(tables.held):
        if tables.station[duty] == station and kit in (bag or ()):
            # Home no sooner than the way home allows, with a route or without.
            fixed.append(min([tables.idle_until[duty], *(columns[i].returns for i in of_duty.get(duty, ()))]))
            held += [(fixed[-1], columns[i].returns, takes[i]) for i in of_duty.get(duty, ())]
    return fixed, held


def _solved(cp: cp_model.CpModel, effort: float, seed: int, over: Callable[[], bool]) -> cp_model.CpSolver | None:
    """CP-SAT's answer, or None when it has none or time is over."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.max_deterministic_time = effort
    solver.parameters.catch_sigint_signal = False
    status, ended = solve_watched(solver, cp, over)
    return solver if not ended and status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def _without_doubles(problem: Problem, picked: Iterable[Column]) -> Solution:
    """The chosen routes, each ticket of a single technician left only where dropping it would save least."""
    tables = problem.tables
    routes: list[tuple[int, ...]] = [()] * problem.n_duties
    kits: list[frozenset[int]] = [frozenset()] * problem.n_duties
    wait = [0] * problem.n_duties
    moments: dict[int, int] = {}
    for column in picked:
        routes[column.duty], kits[column.duty] = column.route, column.kits
        wait[column.duty] = column.depart if column.kits else 0
        moments |= dict(column.moments)

    def cost(duty: int, route: tuple[int, ...]) -> float:
        timed = propagate(tables, duty, route, max(tables.earliest[duty], wait[duty]), moments) if route else None
        return timed.cost if timed is not None else (0.0 if not route else np.inf)

    for ticket in range(problem.n_tickets):
        theirs = [d for d, route in enumerate(routes) if ticket in route]
        while tables.crew[ticket] == 1 and len(theirs) > 1:
            left = {d: tuple(t for t in routes[d] if t != ticket) for d in theirs}
            saves = {d: cost(d, routes[d]) - cost(d, left[d]) + _change_of(problem, ticket, d) for d in theirs}
            loser = max(theirs, key=lambda d: (saves[d], d))
            routes[loser] = left[loser]
            theirs.remove(loser)
    needed = [{k for t in route for k in tables.kits[t]} for route in routes]
    return Solution(tuple(routes), tuple(k & n for k, n in zip(kits, needed, strict=True)), tuple(wait))


def _change_of(problem: Problem, ticket: int, duty: int) -> float:
    tables = problem.tables
    return tables.change[ticket] if tables.promised[ticket] != {tables.technician[duty]} else 0.0
