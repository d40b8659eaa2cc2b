"""The master problem of the proven bound: which days to take, as a linear program over the days that pricing has found.

Sets: tickets t with crew c_t, days d (of n_d people who are alike), columns r (what one person does on one day), stations s, kits k,
moments m. Variables: x_r >= 0; y_t in [0, 1], the ticket is not planned; u_tm in [0, 1], the share of the m-th stretch of
time after a crew's due moment by which it is late.

    min  sum c_r x_r + sum skip_t y_t + sum late_tm u_tm
    each ticket          sum a_tr x_r + c_t y_t >= c_t
    each skill of a crew sum over days of people who have it  a_tr x_r + y_t >= 1
    each kit of a crew   sum over columns that bring it  x_r + y_t >= 1
    crew lateness        c_t u_tm >= sum late_tmr x_r, and u_tm >= the same sum over one person's columns (where violated)
    kits at a moment     sum over columns of station s with kit k out at m  x_r <= owned less what others hold
    each day             sum over its columns x_r <= n_d

Every plan gives a point of it that costs no more than the plan, so that any multipliers p >= 0 of the rows prove

    bound(p) = sum p b + sum over variables min(0, reduced cost) at their upper limits,

with the columns' part priced exactly (Lagrangian bound). The solver's own claims are never relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.bound_facts import Views
from optimizer.problem import Floats, Ints, Problem

STRETCHES = 12  # of a crew's lateness, at most
SHORTEST_STRETCH_S = 900


@dataclass(frozen=True)
class Trip:
    """One trip of a column: tickets, their starts, the kit types it has out, from when until when; `held` when they were held already."""

    tickets: tuple[int, ...]
    starts: tuple[int, ...]
    kits: frozenset[int]
    depart: int
    returns: int
    held: bool


@dataclass(frozen=True)
class Column:
    """What one person does on one day; `cost` has drives, overtime, changes and the lateness of tickets for one person."""

    day: int
    trips: tuple[Trip, ...]
    cost: float

    @property
    def key(self) -> tuple[object, ...]:
        """Columns with the same key are the same."""
        return (self.day, *((trip.tickets, trip.starts, trip.kits, trip.depart) for trip in self.trips))


@dataclass(frozen=True)
class Stretch:
    """Part of the time after a crew's due moment; `cost` is what being late by all of it costs. `until` = `since` for missing at all."""

    ticket: int
    since: int
    until: int
    cost: float

    def share(self, start: int) -> float:
        """How much of it a start is late by, 0 to 1."""
        if self.until == self.since:
            return float(start > self.since)
        return min(1.0, max(0.0, (start - self.since) / (self.until - self.since)))


@dataclass(eq=False)
class Rows:
    """The rows of the master, in the order in which they were added; all read `>=`.

    `rhs` has their right sides. `tickets` are rows 0 to n_tickets - 1; the other lists name what each further row is about.
    """

    problem: Problem
    views: Views
    rhs: list[float] = field(default_factory=list)
    skills: list[tuple[int, int, int, int]] = field(default_factory=list)  # row, ticket, skill, least level
    covers: list[tuple[int, int, int]] = field(default_factory=list)  # row, ticket, kit
    stretches: list[Stretch] = field(default_factory=list)
    late: list[int] = field(default_factory=list)  # row of each stretch
    own: dict[tuple[int, int], int] = field(default_factory=dict)  # (stretch, day): row
    moments: dict[tuple[int, int, int], int] = field(default_factory=dict)  # (station, kit, moment): row
    of_ticket: dict[int, list[int]] = field(default_factory=dict)  # stretches

    def __post_init__(self) -> None:
        tables = self.problem.tables
        self.rhs = [float(crew) for crew in tables.crew]
        for ticket, crew in enumerate(tables.crew):
            if crew > 1:
                self.skills += [(self._add(1.0), ticket, skill, level) for skill, level in tables.needs[ticket]]
                self.covers += [(self._add(1.0), ticket, kit) for kit in sorted(tables.kits[ticket])]
                self._stretch(ticket)
        self.day_of = {duty: index for index, day in enumerate(self.views.days) for duty in day.duties}
        self.cover_rows: dict[int, list[tuple[int, int]]] = {}
        for row, ticket, kit in self.covers:
            self.cover_rows.setdefault(ticket, []).append((row, kit))
        self.skill_rows: dict[int, list[tuple[int, int, int]]] = {}
        for row, ticket, skill, level in self.skills:
            self.skill_rows.setdefault(ticket, []).append((row, skill, level))

    def _add(self, right: float) -> int:
        self.rhs.append(right)
        return len(self.rhs) - 1

    def _stretch(self, ticket: int) -> None:
        tables, due = self.problem.tables, self.problem.tables.due[ticket]
        last, release = int(self.views.last[ticket]), int(self.views.release[ticket])
        if last <= due:
            return
        middle = max(due, release)
        step = max(SHORTEST_STRETCH_S, -(-(last - middle) // STRETCHES))
        marks = sorted({due, *range(middle, last, step), last})
        found = [Stretch(ticket, due, due, tables.miss[ticket])]
        found += [Stretch(ticket, a, b, tables.late_per_s[ticket] * (b - a)) for a, b in pairwise(marks)]
        for stretch in found:
            self.of_ticket.setdefault(ticket, []).append(len(self.stretches))
            self.stretches.append(stretch)
            self.late.append(self._add(0.0))

    def add_own(self, stretch: int, day: int) -> int:
        """A row that a crew is as late as one of its people."""
        self.own[stretch, day] = self._add(0.0)
        return self.own[stretch, day]

    def add_moment(self, station: int, kit: int, moment: int) -> int:
        """A row that no more kits are out at a moment than there are."""
        self.moments[station, kit, moment] = self._add(-float(kits_left(self.problem, self.views, station, kit, moment)))
        return self.moments[station, kit, moment]

    def skip_cost(self, ticket: int) -> float:
        """What leaving a ticket out costs; so much for a locked one that it never pays, which plans cannot do at all."""
        tables = self.problem.tables
        if tables.locked[ticket]:
            return 10 * (float(self.problem.ticket_skip_cost.max()) + float(self.problem.ticket_miss_cost.max()) + 1e4)
        return tables.skip[ticket] + (tables.change[ticket] if tables.promised[ticket] else 0.0)

    def skip_rows(self, ticket: int) -> list[tuple[int, float]]:
        """Rows and coefficients of y_t."""
        found = [(ticket, self.rhs[ticket])]
        found += [(row, 1.0) for row, _, _ in self.skill_rows.get(ticket, ())]
        return found + [(row, 1.0) for row, _ in self.cover_rows.get(ticket, ())]

    def column_rows(self, column: Column) -> dict[int, float]:
        """Rows and coefficients of x_r."""
        found: dict[int, float] = {}

        def add(row: int, amount: float) -> None:
            found[row] = found.get(row, 0.0) + amount

        day = self.views.days[column.day]
        who = self.problem.tables.technician[day.duties[0]]
        for trip in column.trips:
            for ticket, start in zip(trip.tickets, trip.starts, strict=True):
                add(ticket, 1.0)
                for row, skill, level in self.skill_rows.get(ticket, ()):
                    if self.problem.skill_level[who, skill] >= level:
                        add(row, 1.0)
                for row, kit in self.cover_rows.get(ticket, ()):
                    if kit in trip.kits:
                        add(row, 1.0)
                for stretch in self.of_ticket.get(ticket, ()):
                    share = self.stretches[stretch].share(start)
                    if share > 0:
                        add(self.late[stretch], -share)
                        if (stretch, column.day) in self.own:
                            add(self.own[stretch, column.day], -share)
            if not trip.held and trip.kits:
                for (station, kit, moment), row in self.moments.items():
                    if station == day.station and kit in trip.kits and trip.depart <= moment < trip.returns:
                        add(row, -1.0)
        return found


def kits_left(problem: Problem, views: Views, station: int, kit: int, moment: int) -> int:
    """How many of a kit a station can lend at a moment, whatever is planned: what is surely out with others is taken off."""
    tables = problem.tables
    lent = (problem.lent_station == station) & (problem.lent_kit == kit) & (problem.lent_until > moment)
    away = int(lent.sum())
    for duty, held in enumerate(tables.held):
        if held and kit in held and tables.station[duty] == station and views.surely_out[duty] > moment:
            away += 1
    return max(0, int(problem.stock[station, kit]) - away)


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers of the rows as one day's pricing reads them; see `pricing_kernel.price`."""

    money: Floats
    facts: Ints
    piece_ptr: Ints
    piece_at: Ints
    piece_value: Floats
    piece_slope: Floats
    events: Ints
    prefix: Floats
    bonus: Floats
    kits: tuple[int, ...]


def prices_of(rows: Rows, number: int, p: Floats) -> Prices:
    """The prices of one day.

    Parameters
    ----------
    p : (n_rows,) float64
        Multipliers, none negative.
    """
    problem, day = rows.problem, rows.views.days[number]
    tables, n = problem.tables, len(day.tickets)
    who = tables.technician[day.duties[0]]
    money = np.stack([p[day.tickets] - day.extra, day.load, np.zeros(n)], axis=1)
    active = {kit for (station, kit, _), row in rows.moments.items() if station == day.station and p[row] > 0.0}
    crews = [(j, t) for j, t in enumerate(day.tickets.tolist()) if tables.crew[t] > 1]
    for j, ticket in crews:
        money[j, 0] += sum(p[row] for row, skill, level in rows.skill_rows.get(ticket, ()) if problem.skill_level[who, skill] >= level)
        money[j, 2] = sum(p[row] for row, kit in rows.cover_rows.get(ticket, ()) if day.holds[kit])
        active |= {kit for row, kit in rows.cover_rows.get(ticket, ()) if day.lends[j, kit] and p[row] > 0.0}
    kits = tuple(sorted(active))[:BITS]
    priced = [(m, kits.index(k), p[row]) for (s, k, m), row in rows.moments.items() if s == day.station and k in kits and p[row] > 0.0]
    events = np.array(sorted({m for m, _, _ in priced}), np.int64)
    at_event = np.zeros((len(kits), len(events)))
    for moment, kit, price in priced:
        at_event[kit, np.searchsorted(events, moment)] += price
    prefix = np.concatenate([np.zeros((len(kits), 1)), np.cumsum(at_event, axis=1)], axis=1)
    bonus = np.zeros((n, len(kits)))
    facts = day.facts.copy()
    if kits:
        bits = np.int64(1) << np.arange(len(kits), dtype=np.int64)
        facts[:, 5] = day.needs[:, kits] @ bits
        facts[:, 6] = day.lends[:, kits] @ bits
        for j, ticket in crews:
            for row, kit in rows.cover_rows.get(ticket, ()):
                if kit in kits:
                    bonus[j, kits.index(kit)] = p[row]
    pieces = _pieces(rows, number, p)
    return Prices(np.ascontiguousarray(money), facts, *pieces, events, np.ascontiguousarray(prefix), bonus, kits)


BITS = 60  # kits that can have a price on one day


def _pieces(rows: Rows, number: int, p: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Lateness of each ticket of a day in pieces: pointers, moments, value and slope from there on."""
    tables, day = rows.problem.tables, rows.views.days[number]
    ptr, at, value, slope = [0], [], [], []
    for ticket in day.tickets.tolist():
        if tables.crew[ticket] == 1:
            at.append(tables.due[ticket])
            value.append(tables.miss[ticket])
            slope.append(tables.late_per_s[ticket])
        else:
            paid = 0.0
            for index in rows.of_ticket.get(ticket, ()):
                stretch = rows.stretches[index]
                weight = p[rows.late[index]] + (p[rows.own[index, number]] if (index, number) in rows.own else 0.0)
                if stretch.until == stretch.since:
                    paid = weight
                    continue
                at.append(stretch.since)
                value.append(paid)
                slope.append(weight / (stretch.until - stretch.since))
                paid += weight
            if rows.of_ticket.get(ticket):
                at.append(rows.stretches[rows.of_ticket[ticket][-1]].until)
                value.append(paid)
                slope.append(0.0)
        ptr.append(len(at))
    return np.array(ptr, np.int64), np.array(at, np.int64), np.array(value, float), np.array(slope, float)


def bound_of(rows: Rows, p: Floats, least: NDArray[np.float64]) -> float:
    """What multipliers prove, rounded down.

    Parameters
    ----------
    p : (n_rows,) float64
        Multipliers, none negative.
    least : (n_days,) float64
        The least reduced cost of a column of each day, not above 0, exactly priced with these multipliers.
    """
    rhs = np.array(rows.rhs)
    total, size = float(p @ rhs), float(p @ np.abs(rhs))
    for ticket in range(rows.problem.n_tickets):
        reduced = rows.skip_cost(ticket) - sum(p[row] * a for row, a in rows.skip_rows(ticket))
        total += min(0.0, reduced)
        size += abs(reduced)
    own: dict[int, float] = {}
    for (stretch, _), row in rows.own.items():
        own[stretch] = own.get(stretch, 0.0) + p[row]
    for index, late in enumerate(rows.stretches):
        total += min(0.0, late.cost - rows.rhs[late.ticket] * p[rows.late[index]] - own.get(index, 0.0))
    alike = np.array([len(day.duties) for day in rows.views.days], float)
    total += float(least @ alike)
    size += float(np.abs(least) @ alike)
    # Sums of doubles err by about 1e-16 of their size for each term; this leaves room for a thousand times that.
    return total - 1e-11 * size - 1e-7


@dataclass(eq=False)
class Master:
    """The linear program, grown column by column and row by row; rebuilt when the solver loses its way."""

    rows: Rows
    columns: list[Column] = field(default_factory=list)
    coefficients: list[dict[int, float]] = field(default_factory=list)
    seen: set[tuple[object, ...]] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    value: float = 0.0

    def __post_init__(self) -> None:
        self._build()

    def _build(self) -> None:
        from ortools.linear_solver import pywraplp

        self._optimal = pywraplp.Solver.OPTIMAL
        self._failed = (pywraplp.Solver.ABNORMAL, pywraplp.Solver.INFEASIBLE, pywraplp.Solver.UNBOUNDED, pywraplp.Solver.MODEL_INVALID)
        solver = pywraplp.Solver.CreateSolver("GLOP")
        if solver is None:
            raise RuntimeError("OR-Tools comes without GLOP")
        self._solver: Any = solver
        self._constraints: list[Any] = []
        self._late: list[Any] = []
        rows = self.rows
        for right in rows.rhs:
            self._constraints.append(solver.Constraint(right, solver.infinity()))
        self._days = [solver.Constraint(-float(len(day.duties)), solver.infinity()) for day in rows.views.days]
        objective = solver.Objective()
        objective.SetMinimization()
        for ticket in range(rows.problem.n_tickets):
            left_out = solver.NumVar(0.0, 1.0, "")
            objective.SetCoefficient(left_out, rows.skip_cost(ticket))
            for row, amount in rows.skip_rows(ticket):
                self._constraints[row].SetCoefficient(left_out, amount)
        for index, stretch in enumerate(rows.stretches):
            late = solver.NumVar(0.0, 1.0, "")
            objective.SetCoefficient(late, stretch.cost)
            self._constraints[rows.late[index]].SetCoefficient(late, rows.rhs[stretch.ticket])
            self._late.append(late)
        for (index, _), row in rows.own.items():
            self._constraints[row].SetCoefficient(self._late[index], 1.0)
        self._variables = [self._variable(column, found) for column, found in zip(self.columns, self.coefficients, strict=True)]
        for index in self.dropped:
            self._variables[index].SetUb(0.0)

    def _variable(self, column: Column, found: dict[int, float]) -> Any:
        variable = self._solver.NumVar(0.0, self._solver.infinity(), "")
        self._solver.Objective().SetCoefficient(variable, column.cost)
        for row, amount in found.items():
            self._constraints[row].SetCoefficient(variable, amount)
        self._days[column.day].SetCoefficient(variable, -1.0)
        return variable

    def add(self, column: Column) -> bool:
        """Adds a column; False when it is there already."""
        if column.key in self.seen:
            return False
        self.seen.add(column.key)
        found = self.rows.column_rows(column)
        self.columns.append(column)
        self.coefficients.append(found)
        self._variables.append(self._variable(column, found))
        return True

    def add_own(self, stretch: int, day: int) -> None:
        """Adds a row that a crew is as late as one of its people."""
        row = self.rows.add_own(stretch, day)
        late = self.rows.late[stretch]
        self._add_row(row, {i: found[late] for i, found in enumerate(self.coefficients) if self.columns[i].day == day and late in found})
        self._constraints[row].SetCoefficient(self._late[stretch], 1.0)

    def add_moment(self, station: int, kit: int, moment: int) -> None:
        """Adds a row that no more kits are out at a moment than there are."""
        row = self.rows.add_moment(station, kit, moment)
        found: dict[int, float] = {}
        for index, column in enumerate(self.columns):
            if self.rows.views.days[column.day].station == station:
                out = sum(not t.held and kit in t.kits and t.depart <= moment < t.returns for t in column.trips)
                if out:
                    found[index] = -float(out)
        self._add_row(row, found)

    def _add_row(self, row: int, amounts: dict[int, float]) -> None:
        self._constraints.append(self._solver.Constraint(self.rows.rhs[row], self._solver.infinity()))
        for index, amount in amounts.items():
            self.coefficients[index][row] = amount
            self._constraints[row].SetCoefficient(self._variables[index], amount)

    def drop(self, indices: Sequence[int]) -> int:
        """Takes columns out of the program; their places stay, with the value 0. How many were in it."""
        live = [index for index in indices if index not in self.dropped]
        self.dropped |= set(live)
        for index in live:
            self._variables[index].SetUb(0.0)
        return len(live)

    def solve(self, seconds: float) -> tuple[Floats, Floats, Floats] | None:
        """Multipliers of the rows and of the days, none negative, and the value of each column; None without an answer."""
        for attempt in (1, 2):
            self._solver.SetTimeLimit(max(1, int(1000 * seconds)))
            status = self._solver.Solve()
            if status == self._optimal:
                self.value = float(self._solver.Objective().Value())
                p = np.maximum(0.0, [row.dual_value() for row in self._constraints])
                days = np.maximum(0.0, [row.dual_value() for row in self._days])
                return p, days, np.array([variable.solution_value() for variable in self._variables], float)
            if attempt == 1 and status in self._failed:
                self._build()  # GLOP lost its way numerically: it begins anew without its basis
            else:
                break
        return None
