"""What each duty pays at least for each set of tickets, and a bound on the whole plan from that.

Held and Karp's recursion over sets (1962, doi 10.1137/0110015), with the soonest finish and the least cost kept apart: for each set S and
last ticket j, finish[S, j] is the soonest end of work on j and cost[S, j] the least driving and lateness, each over all orders of S. That
cost is no more than that of any schedule, so that the linear programme

    min sum c[d, S] x[d, S] + sum skip[t] u[t]
    sum over d and S with t of x[d, S] + crew[t] u[t] >= crew[t],   sum over S of x[d, S] <= 1

bounds every plan from below. It takes no notice of breaks, of kits that are out and of crews that wait for each other. Duties that are
alike in it are one *kind*. With any prices pi >= 0 of tickets and sigma <= 0 of kinds, a plan that uses (d, S) costs no less than the
bound that these prices give plus the reduced cost of (d, S).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp

from optimizer.exact_model import possible
from optimizer.exact_objective import Choice
from optimizer.exact_prices import Prices
from optimizer.problem import Problem

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 1 << 60
"""Time and cost of what cannot be done."""

_ROUNDS = 200  # of the linear programme
_NEW = 4  # sets per kind and round


@dataclass(frozen=True, eq=False)
class Sets:
    """Least costs by kind of duty and set of tickets; bit i of a set stands for `tickets[i]`.

    Attributes
    ----------
    duties
        Duties of each kind.
    cost : (n_kinds, 2 ** n) int64
        Whole units of money, `NEVER` for a set that no duty of the kind can serve.
    """

    tickets: list[int]
    duties: list[list[int]]
    cost: Ints

    def members(self, mask: int) -> frozenset[int]:
        """The tickets of a set."""
        return frozenset(t for i, t in enumerate(self.tickets) if mask >> i & 1)


@dataclass(frozen=True, eq=False)
class Bound:
    """A bound on the cost of every plan, in whole units, and by how much each set raises it: (n_kinds, 2 ** n) float64."""

    value: float
    reduced: Floats


def sets_of(problem: Problem, prices: Prices, tickets: Sequence[int]) -> Sets:
    """The least cost of every set of these tickets for every duty that can serve something."""
    tables = problem.tables
    kinds: dict[Any, list[int]] = {}
    for duty in range(problem.n_duties):
        fit = sum(1 << i for i, t in enumerate(tickets) if possible(problem, t, duty))
        if fit and tables.earliest[duty] <= tables.latest[duty]:
            times = (tables.earliest[duty], tables.end[duty], tables.latest[duty])
            where = (tables.origin[duty], tables.home[duty], *times, _is_sole(problem, duty))
            changes = tuple(_change_share(problem, prices, t, duty) for t in tickets)
            kinds.setdefault((where, fit, tables.capacity[duty], changes), []).append(duty)
    place = np.array([tables.location[t] for t in tickets], np.int64)
    masks = np.arange(1 << len(tickets))
    held = (masks[:, None] >> np.arange(len(tickets))) & 1
    loads = held @ np.array([tables.load[t] for t in tickets])
    known: dict[Any, Ints] = {}
    cost = np.full((len(kinds), len(masks)), NEVER, np.int64)
    for number, (where, fit, capacity, changes) in enumerate(kinds):
        if where not in known:
            known[where] = _least_costs(problem, prices, tickets, place, where)
        feasible = (known[where] < NEVER) & ((masks & ~fit) == 0) & (loads <= capacity * (1 + 1e-9) + 1e-6)
        cost[number] = np.where(feasible, known[where] + held @ np.array(changes, np.int64), NEVER)
    return Sets(list(tickets), list(kinds.values()), cost)


def _is_sole(problem: Problem, duty: int) -> bool:
    """Whether a shift has this trip only: with several, overtime is paid once, and cannot be told from one of them."""
    same = (problem.duty_technician == problem.duty_technician[duty]) & (problem.duty_shift == problem.duty_shift[duty])
    return int(same.sum()) == 1


def _change_share(problem: Problem, prices: Prices, ticket: int, duty: int) -> int:
    """What a duty's visit adds at least to the price of another technician than promised; a crew's add up to it at most."""
    tables = problem.tables
    told, crew = tables.promised[ticket], tables.crew[ticket]
    changed = len(told) != crew or tables.technician[duty] not in told
    return prices.change[ticket] // crew if changed else 0


def _least_costs(
    problem: Problem, prices: Prices, tickets: Sequence[int], place: Ints, where: tuple[int, int, int, int, int, bool]
) -> Ints:
    """Least cost of each set of tickets for a duty of these places and times: (2 ** n,) int64."""
    origin, home, earliest, end, latest, sole = where
    tables, n = problem.tables, len(tickets)
    masks = np.arange(1 << n)
    count = ((masks[:, None] >> np.arange(n)) & 1).sum(axis=1)
    finish = np.full((1 << n, n), NEVER, np.int64)
    cost = np.full((1 << n, n), NEVER, np.int64)
    total = np.full(1 << n, NEVER, np.int64)
    for size in range(1, n + 1):
        level = masks[count == size]
        if size > 1 and not (finish[masks[count == size - 1]] < NEVER).any():
            break
        for j, ticket in enumerate(tickets):
            here = level[(level >> j) & 1 == 1]
            if size == 1:
                arrive = np.array([earliest + problem.travel_s[origin, place[j]]])
                spent = np.array([prices.drive[origin, place[j]]])
            else:
                # What is not locked is never followed by what is.
                before = [i for i, t in enumerate(tickets) if i != j and (tables.locked[t] or not tables.locked[ticket])]
                if not before:
                    continue
                rest = here ^ (1 << j)
                arrive = (finish[np.ix_(rest, before)] + problem.travel_s[place[before], place[j]]).min(axis=1)
                spent = (cost[np.ix_(rest, before)] + prices.drive[place[before], place[j]]).min(axis=1)
            start = _starts(tables.windows[ticket], arrive)
            done = start + tables.service[ticket]
            late = np.maximum(0, np.minimum(start, latest) - tables.due[ticket])
            share = (prices.miss[ticket] * (late > 0) + prices.late_per_s[ticket] * late) // tables.crew[ticket]
            fits = done <= latest
            finish[here, j] = np.where(fits, done, NEVER)
            cost[here, j] = np.where(fits, spent + share, NEVER)
            back = np.where(fits, done + problem.travel_s[place[j], home], NEVER)
            over = np.maximum(0, np.minimum(back, latest) - end) * prices.overtime_per_s if sole else 0
            whole = np.where(back <= latest, cost[here, j] + prices.drive[place[j], home] + over, NEVER)
            total[here] = np.minimum(total[here], whole)
    return total


def _starts(windows: Sequence[tuple[int, int]], arrive: Ints) -> Ints:
    """The first moment at or after each arrival that lies in a window; `NEVER` when none is left."""
    start = np.full(arrive.shape, NEVER, np.int64)
    for opens, closes in reversed(windows):
        start = np.where(arrive <= closes, np.maximum(arrive, opens), start)
    return start


def bound_of(problem: Problem, prices: Prices, sets: Sets) -> Bound:
    """The bound that the linear programme gives, safe against what its solver rounds.

    Only its prices are taken from the solver; the bound is what they give when every set is priced anew. Without an answer they are zero.
    """
    tables = problem.tables
    crew = np.array([tables.crew[t] for t in sets.tickets], float)
    idle = np.array([_idle_cost(problem, prices, t) for t in sets.tickets], float)
    pi = _prices(sets, crew, idle)
    count = np.array([len(duties) for duties in sets.duties], float)
    ticket_bits = (np.arange(sets.cost.shape[1])[:, None] >> np.arange(len(sets.tickets))) & 1
    with np.errstate(invalid="ignore"):
        reduced = np.where(sets.cost < NEVER, sets.cost - ticket_bits @ pi, np.inf)
    sigma = np.minimum(0.0, reduced.min(axis=1, initial=0.0))
    value = float(pi @ crew + count @ sigma + np.minimum(0.0, idle - pi * crew).sum())
    value += sum(_idle_cost(problem, prices, t) for t in range(problem.n_tickets) if t not in sets.tickets and not tables.locked[t])
    return Bound(value - 1e-9 * abs(value) - 1.0, reduced - sigma[:, None])


def _idle_cost(problem: Problem, prices: Prices, ticket: int) -> float:
    """What it costs not to plan a ticket; infinite when it is locked."""
    if problem.tables.locked[ticket]:
        return np.inf
    return float(prices.skip[ticket] + (prices.change[ticket] if problem.tables.promised[ticket] else 0))


def _prices(sets: Sets, crew: Floats, idle: Floats) -> Floats:
    """Prices of the tickets, from the linear programme solved by generating its columns: (n,), not negative."""
    n, kinds = len(sets.tickets), len(sets.duties)
    solver = pywraplp.Solver.CreateSolver("GLOP")
    rows = [solver.Constraint(float(crew[i]), solver.infinity()) for i in range(n)]
    limits = [solver.Constraint(-solver.infinity(), float(len(sets.duties[k]))) for k in range(kinds)]
    objective = solver.Objective()
    most = float(sets.cost[sets.cost < NEVER].max(initial=0)) * (n + 1) + float(idle[np.isfinite(idle)].sum()) + 1.0
    for i in range(n):
        missing = solver.NumVar(0.0, solver.infinity(), "")
        rows[i].SetCoefficient(missing, float(crew[i]))
        objective.SetCoefficient(missing, float(min(idle[i], most)))
    bits = (np.arange(sets.cost.shape[1])[:, None] >> np.arange(n)) & 1
    best, best_value, inside = np.zeros(n), -np.inf, np.zeros(sets.cost.shape, bool)
    for _ in range(_ROUNDS):
        if solver.Solve() != pywraplp.Solver.OPTIMAL:
            break
        pi = np.maximum(0.0, np.array([row.dual_value() for row in rows]))
        reduced = np.where(sets.cost < NEVER, sets.cost - bits @ pi, np.inf)
        sigma = np.minimum(0.0, reduced.min(axis=1, initial=0.0))
        value = float(pi @ crew + np.array([len(d) for d in sets.duties]) @ sigma)
        if value > best_value:
            best, best_value = pi, value
        price = np.minimum(0.0, np.array([limit.dual_value() for limit in limits]))
        added = False
        for kind in range(kinds):
            cheapest = np.argsort(reduced[kind], kind="stable")[:_NEW]
            for mask in cheapest.tolist():
                if reduced[kind, mask] - price[kind] < -1e-6 * (1 + abs(best_value)) and not inside[kind, mask]:
                    inside[kind, mask] = added = True
                    column = solver.NumVar(0.0, solver.infinity(), "")
                    limits[kind].SetCoefficient(column, 1.0)
                    objective.SetCoefficient(column, float(sets.cost[kind, mask]))
                    for i in np.flatnonzero(bits[mask]).tolist():
                        rows[i].SetCoefficient(column, 1.0)
        if not added:
            break
    return best


def choices_within(problem: Problem, prices: Prices, sets: Sets, bound: Bound, slack: float, most: int) -> dict[int, list[Choice]] | None:
    """For each duty, the routes that a plan dearer than the bound by `slack` at most may use; None when there are more than `most`."""
    found: dict[int, list[Choice]] = {}
    left = most
    for kind, duties in enumerate(sets.duties):
        reduced = np.where(sets.cost[kind] < NEVER, bound.reduced[kind], 0.0)
        limit = np.where((sets.cost[kind] < NEVER) & (reduced <= slack), sets.cost[kind] + slack - reduced, -1.0)
        routes = _routes_of(problem, prices, sets.tickets, duties[0], limit, left // len(duties))
        if routes is None:
            return None
        left -= len(routes) * len(duties)
        for duty in duties if routes else ():
            found[duty] = routes
    return found


def _routes_of(problem: Problem, prices: Prices, tickets: Sequence[int], duty: int, limit: Floats, most: int) -> list[Choice] | None:
    """Every route of a duty whose least cost is within the limit of its set: (2 ** n,), negative for sets that are out of the question."""
    tables, n = problem.tables, len(tickets)
    beyond = limit.copy()  # the highest limit of all sets that contain a set
    for i in range(n):
        bit = 1 << i
        lower = np.flatnonzero((np.arange(1 << n) & bit) == 0)
        beyond[lower] = np.maximum(beyond[lower], beyond[lower | bit])
    ceiling, allowed = beyond.tolist(), limit.tolist()
    place = [tables.location[t] for t in tickets]
    home, end, latest = tables.home[duty], tables.end[duty], tables.latest[duty]
    share = [_change_share(problem, prices, t, duty) for t in tickets]
    sole = _is_sole(problem, duty)
    found: list[Choice] = []
    steps = 0
    todo: list[tuple[int, int, int, int, int, int, tuple[int, ...], tuple[int, ...]]] = [
        (0, tables.origin[duty], tables.earliest[duty], 0, 0, 0, (), ())
    ]
    while todo:
        mask, at, clock, cost, drive, length, route, starts = todo.pop()
        steps += 1
        if len(found) > most or steps > 40 * most + 10_000:
            return None
        if route and allowed[mask] >= 0:
            back = clock + tables.travel[at][home]
            over = max(0, back - end) * prices.overtime_per_s if sole else 0
            fare = int(prices.drive[at, home])
            if back <= latest and cost + fare + over <= allowed[mask]:
                whole = length + tables.travel[at][home]
                found.append(Choice(route, cost + fare + over, drive + fare, starts, back, whole))
        for j, ticket in enumerate(tickets):
            grown = mask | 1 << j
            if grown == mask or ceiling[grown] < 0 or (route and tables.locked[ticket] and not tables.locked[route[-1]]):
                continue
            start = _start(tables.windows[ticket], clock + tables.travel[at][place[j]])
            late = max(0, start - tables.due[ticket])
            fare = int(prices.drive[at, place[j]])
            visit = (prices.miss[ticket] * (late > 0) + prices.late_per_s[ticket] * late) // tables.crew[ticket] + share[j]
            if start + tables.service[ticket] <= latest and cost + fare + visit <= ceiling[grown]:
                spent = length + tables.travel[at][place[j]] + tables.service[ticket]
                done = start + tables.service[ticket]
                todo.append((grown, place[j], done, cost + fare + visit, drive + fare, spent, (*route, ticket), (*starts, start)))
    return found if len(found) <= most else None


def _start(windows: Sequence[tuple[int, int]], arrive: int) -> int:
    """The first moment at or after `arrive` that lies in a window; `NEVER` when none is left."""
    return next((max(arrive, opens) for opens, closes in windows if arrive <= closes), NEVER)
