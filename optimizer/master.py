"""The master problem of the proven bound: which days to take, as a linear program over the days that pricing has found.

Sets: tickets t with crew c_t, days d (of n_d people who are alike), columns r (what one person does on one day), slots m (a ticket for
a crew and a stretch of time for its start), stations s, kits k, moments. Variables: x_r >= 0; y_t in [0, 1], the ticket is not planned;
u_m in [0, 1], the crew starts in that slot. a_tr and a_mr count the visits of a column.

    min  sum c_r x_r + sum skip_t y_t + sum late_m u_m
    each ticket              sum a_tr x_r + y_t >= 1 for one person;  sum of u_m over its slots + y_t >= 1 for a crew
    each slot                sum a_mr x_r >= c_t u_m
    each skill and slot      the same sum over people who have it >= u_m
    each kit and slot        the same sum over columns that bring it >= u_m
    each slot and person     the same sum over one person's columns <= u_m (where violated)
    kits at a moment         sum over columns of station s with kit k out then  x_r <= owned less what others hold (where violated)
    each day                 sum over its columns x_r <= n_d

Every plan gives a point of it that costs no more than the plan, so that any multipliers p >= 0 of the rows prove

    bound(p) = sum p b + sum over variables min(0, reduced cost) at their upper limits,

with the columns' part priced exactly (Lagrangian bound). The solver's own claims are never relied on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.bound_facts import Views
from optimizer.problem import Floats, Ints, Problem

MOST_KITS = 60  # that can have a price on one day


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
    """What one person does on one day; `cost` has drives, overtime, changes and lateness.

    Of a crew's lateness it has this person's share of what comes after the opening of the slot, whose own cost is the master's.
    """

    day: int
    trips: tuple[Trip, ...]
    cost: float

    @property
    def key(self) -> tuple[object, ...]:
        """Columns with the same key are the same."""
        return (self.day, *((trip.tickets, trip.starts, trip.kits, trip.depart) for trip in self.trips))


@dataclass(eq=False)
class Rows:
    """The rows of the master, in the order in which they were added; all read `>=`.

    `rhs` has their right sides. `tickets` are rows 0 to n_tickets - 1, then come the slots; the dictionaries name the rest.
    """

    problem: Problem
    views: Views
    rhs: list[float] = field(default_factory=list)
    skills: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)  # slot: (row, skill, least level)
    covers: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # slot: (row, kit)
    own: dict[tuple[int, int], int] = field(default_factory=dict)  # (slot, day): row
    moments: dict[tuple[int, int, int], int] = field(default_factory=dict)  # (station, kit, moment): row

    def __post_init__(self) -> None:
        tables = self.problem.tables
        self.rhs = [1.0] * self.problem.n_tickets + [0.0] * len(self.views.slots)
        for number, slot in enumerate(self.views.slots):
            self.skills[number] = [(self._add(0.0), skill, level) for skill, level in tables.needs[slot.ticket]]
            self.covers[number] = [(self._add(0.0), kit) for kit in sorted(tables.kits[slot.ticket])]
        self.day_of = {duty: index for index, day in enumerate(self.views.days) for duty in day.duties}
        self.opens = {t: [self.views.slots[m].opens for m in slots] for t, slots in self.views.slots_of.items()}

    def _add(self, right: float) -> int:
        self.rhs.append(right)
        return len(self.rhs) - 1

    def add_own(self, slot: int, day: int) -> int:
        """A row that one person is there at most as often as the crew."""
        self.own[slot, day] = self._add(0.0)
        return self.own[slot, day]

    def add_moment(self, station: int, kit: int, moment: int) -> int:
        """A row that no more kits are out at a moment than there are."""
        self.moments[station, kit, moment] = self._add(-float(kits_left(self.problem, self.views, station, kit, moment)))
        return self.moments[station, kit, moment]

    def slot_at(self, ticket: int, start: int) -> int:
        """The slot of a ticket for a crew in which a start lies; -1 for one person."""
        if ticket not in self.opens:
            return -1
        return self.views.slots_of[ticket][max(0, bisect_right(self.opens[ticket], start) - 1)]

    def visit_row(self, ticket: int, slot: int) -> int:
        """The row that a visit counts in: the ticket's or the slot's."""
        return ticket if slot < 0 else self.problem.n_tickets + slot

    def skip_cost(self, ticket: int) -> float:
        """What leaving a ticket out costs; so much for a locked one that it never pays, which plans cannot do at all."""
        tables = self.problem.tables
        if tables.locked[ticket]:
            return 10 * (float(self.problem.ticket_skip_cost.max()) + float(self.problem.ticket_miss_cost.max()) + 1e4)
        return tables.skip[ticket] + (tables.change[ticket] if tables.promised[ticket] else 0.0)

    def slot_rows(self, number: int) -> list[tuple[int, float]]:
        """Rows and coefficients of u_m, without those for single people."""
        slot = self.views.slots[number]
        found = [(slot.ticket, 1.0), (self.visit_row(slot.ticket, number), -float(self.problem.tables.crew[slot.ticket]))]
        return found + [(row, -1.0) for row, _, _ in self.skills[number]] + [(row, -1.0) for row, _ in self.covers[number]]

    def column_rows(self, column: Column) -> dict[int, float]:
        """Rows and coefficients of x_r."""
        found: dict[int, float] = {}

        def add(row: int, amount: float) -> None:
            found[row] = found.get(row, 0.0) + amount

        day = self.views.days[column.day]
        who = self.problem.tables.technician[day.duties[0]]
        for trip in column.trips:
            for ticket, start in zip(trip.tickets, trip.starts, strict=True):
                slot = self.slot_at(ticket, start)
                add(self.visit_row(ticket, slot), 1.0)
                if slot < 0:
                    continue
                for row, skill, level in self.skills[slot]:
                    if self.problem.skill_level[who, skill] >= level:
                        add(row, 1.0)
                for row, kit in self.covers[slot]:
                    if kit in trip.kits:
                        add(row, 1.0)
                if (slot, column.day) in self.own:
                    add(self.own[slot, column.day], -1.0)
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
    n = len(day.tickets)
    who = problem.tables.technician[day.duties[0]]
    row_of = np.where(day.slots < 0, day.tickets, problem.n_tickets + day.slots)
    money = np.stack([p[row_of] - day.extra, day.load, np.zeros(n)], axis=1)
    active = {kit for (station, kit, _), row in rows.moments.items() if station == day.station and p[row] > 0.0}
    crews = [(int(j), int(day.slots[j])) for j in np.flatnonzero(day.slots >= 0)]
    for j, slot in crews:
        money[j, 0] += sum(p[row] for row, skill, level in rows.skills[slot] if problem.skill_level[who, skill] >= level)
        money[j, 0] -= p[rows.own[slot, number]] if (slot, number) in rows.own else 0.0
        money[j, 2] = sum(p[row] for row, kit in rows.covers[slot] if day.holds[kit])
        active |= {kit for row, kit in rows.covers[slot] if day.lends[j, kit] and p[row] > 0.0}
    kits = tuple(sorted(active))[:MOST_KITS]
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
        for j, slot in crews:
            for row, kit in rows.covers[slot]:
                if kit in kits:
                    bonus[j, kits.index(kit)] = p[row]
    return Prices(np.ascontiguousarray(money), facts, events, np.ascontiguousarray(prefix), bonus, kits)


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
        reduced = rows.skip_cost(ticket) - p[ticket]
        total += min(0.0, reduced)
        size += abs(reduced)
    own: dict[int, float] = {}
    for (slot, _), row in rows.own.items():
        own[slot] = own.get(slot, 0.0) + p[row]
    for number, stretch in enumerate(rows.views.slots):
        reduced = stretch.cost - own.get(number, 0.0) - sum(p[row] * a for row, a in rows.slot_rows(number))
        total += min(0.0, reduced)
        size += abs(reduced)
    alike = np.array([len(day.duties) for day in rows.views.days], float)
    total += float(least @ alike)
    size += float(np.abs(least) @ alike)
    # Sums of doubles err by about 1e-16 of their size for each term; this leaves room for a thousand times that.
    return float(total - 1e-11 * size - 1e-7)


@dataclass(eq=False)
class Master:
    """The linear program, grown column by column and row by row; rebuilt when the solver loses its way."""

    rows: Rows
    columns: list[Column] = field(default_factory=list)
    coefficients: list[dict[int, float]] = field(default_factory=list)
    seen: set[tuple[object, ...]] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    value: float = 0.0
    slot_values: list[float] = field(default_factory=list)

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
        self._slots: list[Any] = []
        rows = self.rows
        for right in rows.rhs:
            self._constraints.append(solver.Constraint(right, solver.infinity()))
        self._days = [solver.Constraint(-float(len(day.duties)), solver.infinity()) for day in rows.views.days]
        objective = solver.Objective()
        objective.SetMinimization()
        for ticket in range(rows.problem.n_tickets):
            left_out = solver.NumVar(0.0, 1.0, "")
            objective.SetCoefficient(left_out, rows.skip_cost(ticket))
            self._constraints[ticket].SetCoefficient(left_out, 1.0)
        for number, slot in enumerate(rows.views.slots):
            starts = solver.NumVar(0.0, 1.0, "")
            objective.SetCoefficient(starts, slot.cost)
            for row, amount in rows.slot_rows(number):
                self._constraints[row].SetCoefficient(starts, amount)
            self._slots.append(starts)
        for (number, _), row in rows.own.items():
            self._constraints[row].SetCoefficient(self._slots[number], 1.0)
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

    def add_own(self, slot: int, day: int) -> None:
        """Adds a row that one person is there at most as often as the crew."""
        row = self.rows.add_own(slot, day)
        visits = self.rows.problem.n_tickets + slot
        found = {i: -has[visits] for i, has in enumerate(self.coefficients) if self.columns[i].day == day and visits in has}
        self._add_row(row, found)
        self._constraints[row].SetCoefficient(self._slots[slot], 1.0)

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
                self.slot_values = [float(u.solution_value()) for u in self._slots]
                p = np.maximum(0.0, [row.dual_value() for row in self._constraints])
                days = np.maximum(0.0, [row.dual_value() for row in self._days])
                return p, days, np.array([variable.solution_value() for variable in self._variables], float)
            if attempt == 1 and status in self._failed:
                self._build()  # GLOP lost its way numerically: it begins anew without its basis
            else:
                break
        return None
