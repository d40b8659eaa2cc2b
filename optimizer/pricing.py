"""Pricing of all days with the compiled labelling, and the columns that it gives.

What the kernel hands back are nodes and times; here they become columns of the master, with trips, kits and money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from optimizer.bound_facts import BITS_PER_WORD, Day, with_memory
from optimizer.master import Column, Rows, Trip, prices_of
from optimizer.problem import Floats, Ints
from optimizer.schedule import lateness_cost
from optimizer.solution import Schedule

_MOST_LABELS = 200_000
_ROUTES = 600  # that a round of pricing hands back at most, shared by the days
_MEMORY = (10**6, 5, 2, 0)  # tickets that a label remembers at each ticket, tried in turn when it is too much work
_WORK = (3 * 10**6, 2 * 10**8)  # comparisons that a pricing may take: with full memory, else
_MANY = 25  # tickets of a day from which on the first look is a quick one
_HEAVY = 10**5  # comparisons from which on a quick look comes first
_LEAST_ROUTES, _MOST_ROUTES = 8, 60  # of one day
_LONGEST = 64  # steps of a route that can be handed back
_AWAY = 1 << 9  # of `pricing_kernel`: on the trip of someone already out


@dataclass(eq=False)
class _Room:
    """Scratch memory of the pricing."""

    whole: Ints
    real: Floats
    memory: dict[int, Ints]
    here: Ints
    soon: Ints
    best: Ints
    out: Ints
    out_cost: Floats

    @classmethod
    def of(cls, n: int, longest: int, routes: int) -> _Room:
        return cls(
            np.zeros((_MOST_LABELS, 12), np.int64), np.zeros((_MOST_LABELS, 2)), {}, np.zeros(n + 2, np.int64),
            np.zeros(512, np.int64), np.zeros(n + 2, np.int64), np.zeros((routes, longest, 6), np.int64), np.zeros(routes),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Priced:
    """The least reduced cost of one day and some routes that have little; `proven` when the least is exact."""

    least: float
    proven: bool
    columns: tuple[Column, ...]


class Pricing:
    """Pricing of all days, with what it has learnt: how much work a day takes, and which tickets its labels must remember where.

    A day begins with labels that remember every visit. Where that is too much work, they remember the nearest tickets only, and
    then those too that the master's solution visits twice (Roberti and Mingozzi 2014, doi 10.1007/s12532-014-0065-z).
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.days: list[Day] = list(rows.views.days)
        self.level = [0] * len(self.days)
        self.work = [_HEAVY + 1 if len(day.tickets) > _MANY else 0 for day in self.days]
        routes = min(_MOST_ROUTES, max(_LEAST_ROUTES, _ROUTES // max(1, len(self.days))))
        self.compared = 0
        self.room = _Room.of(max((len(day.tickets) for day in self.days), default=0), _LONGEST, routes)

    def price(self, number: int, p: Floats, exact: bool, most: int = 10**15) -> Priced:
        """Routes of one day with the least reduced cost under multipliers `p`, within `most` comparisons of labels."""
        from optimizer import pricing_kernel as kernel

        rows, room = self.rows, self.room
        problem, prices = rows.problem, prices_of(rows, number, p)
        while True:
            day = self.days[number]
            memory = room.memory.setdefault(day.near.shape[1], np.zeros((_MOST_LABELS, day.near.shape[1]), np.int64))
            own = _WORK[min(self.level[number], len(_WORK) - 1)]
            status, least, written, work = kernel.price(
                problem.travel_s, problem.drive_cost, day.place, prices.facts, prices.money, rows.views.windows, day.piece_ptr,
                day.piece_at, day.piece_value, day.piece_slope, day.near, day.same, day.closed_ptr, day.closed_at, day.closed, day.duty,
                day.capacity, problem.overtime_per_hour / 3600, day.rests, prices.events, prices.prefix, prices.bonus, int(exact),
                min(own, most),
                room.whole, room.real, memory, room.here, room.soon, room.out, room.out_cost, room.best,
            )  # fmt: skip
            self.compared += work
            if exact:
                self.work[number] = work
            if status == kernel.FULL:
                found = tuple(self._column(number, room.out[k], prices.kits) for k in range(written))
                return Priced(min(0.0, least), exact, found)
            if not exact or most < own or self.level[number] + 1 >= len(_MEMORY):
                return Priced(-np.inf, False, ())
            self.level[number] += 1
            self.days[number] = with_memory(rows.views.days[number], problem.travel_s, _MEMORY[self.level[number]])

    def heavy(self, number: int) -> bool:
        """Whether a day is worth a quick look before the exact one."""
        return self.work[number] > _HEAVY

    def forbid(self, columns: Sequence[Column], weights: Floats) -> set[int]:
        """Makes labels remember the tickets that used columns visit twice; the days that learnt something."""
        changed: set[int] = set()
        for index in np.flatnonzero(weights > 1e-6).tolist():
            column = columns[index]
            if self.level[column.day] == 0:
                continue
            day = self.days[column.day]
            path = [t for trip in column.trips for t in trip.tickets]
            last: dict[int, int] = {}
            for at, ticket in enumerate(path):
                if ticket in last:
                    if column.day not in changed:
                        day = self.days[column.day] = replace(day, near=day.near.copy())
                        changed.add(column.day)
                    bits = day.same[np.flatnonzero(day.tickets == ticket)[0]]
                    for between in path[last[ticket] + 1 : at]:
                        day.near[day.tickets == between] |= bits
                last[ticket] = at
        return changed

    def allows(self, column: Column) -> bool:
        """Whether labels could still make a column: none of its visits is one that they remember."""
        day = self.days[column.day]
        node = {t: j for j, t in enumerate(day.tickets.tolist())}
        kept: set[int] = set()
        for j in (node[t] for trip in column.trips for t in trip.tickets):
            if j in kept:
                return False
            kept = {i for i in kept if day.near[j, i // BITS_PER_WORD] >> (i % BITS_PER_WORD) & 1} | {j}
        return True

    def _column(self, number: int, steps: Ints, kits: Sequence[int]) -> Column:
        """A column from the steps of a route as the kernel writes them."""
        day = self.rows.views.days[number]
        n = len(day.tickets)
        trips: list[Trip] = []
        visits: list[tuple[int, int]] = []
        depart, bits, mask = 0, 0, 0
        clock = int(day.duty[0])
        path = [int(day.place[n])]

        def close(returns: int) -> None:
            if visits:
                local = [j for j, _ in visits]
                held = bool(bits & _AWAY)
                taken = {k for j in local for k in np.flatnonzero(day.needs[j]).tolist()} | {k for i, k in enumerate(kits) if mask >> i & 1}
                carried = frozenset(np.flatnonzero(day.holds).tolist()) if held else frozenset(taken)
                tickets = tuple(int(day.tickets[j]) for j in local)
                trips.append(Trip(tickets, tuple(s for _, s in visits), carried, depart, returns, held))

        for node, start, departs, step_kits, step_bits, clock_after in steps.tolist():
            if node < 0:
                break
            if node == n + 1:
                close(start)
                visits, mask, bits = [], 0, 0
            else:
                visits.append((node, start))
                depart, mask, bits = departs, step_kits, step_bits
            path.append(int(day.place[node]))
            clock = clock_after
        home = int(day.place[n + 1])
        returns = self._returns(day, clock, path[-1], bits)
        path.append(home)
        close(returns)
        return column_of(self.rows, number, tuple(trips), path, returns)

    def _returns(self, day: Day, clock: int, origin: int, bits: int) -> int:
        """When the last trip is home: with the breaks that must still be taken on the way."""
        drive = int(self.rows.problem.travel_s[origin, day.duty[5]])
        rests = day.rests.tolist()
        options = []
        for chosen in range(1 << len(rests)):
            if chosen & bits:
                continue
            length, rested, possible = 0, 0, True
            for b, (opens, closes, minutes, _) in enumerate(rests):
                if chosen >> b & 1:
                    begin = max(clock, opens, rested)
                    possible = possible and begin <= closes
                    rested, length = begin + minutes, length + minutes
            returns = max(clock + drive + length, rested)
            broken = any(not (bits | chosen) >> b & 1 and returns > rest[3] for b, rest in enumerate(rests))
            if possible and not broken:
                options.append(returns)
        return min(options, default=clock + drive)


def column_of(rows: Rows, number: int, trips: tuple[Trip, ...], path: Sequence[int], returns: int) -> Column:
    """A column with its cost: drives along the path, overtime, changes, and lateness, of crews without what their slot costs."""
    problem, day = rows.problem, rows.views.days[number]
    tables = problem.tables
    extra = dict(zip(day.tickets.tolist(), day.extra.tolist(), strict=True))
    cost = sum(tables.drive_cost[a][b] for a, b in pairwise(path))
    cost += max(0, returns - int(day.duty[1])) * problem.overtime_per_hour / 3600
    for trip in trips:
        for ticket, start in zip(trip.tickets, trip.starts, strict=True):
            slot = rows.slot_at(ticket, start)
            cost += extra.get(ticket, 0.0) + lateness_cost(tables, ticket, start)
            cost -= rows.views.slots[slot].cost / tables.crew[ticket] if slot >= 0 else 0.0
    return Column(number, trips, cost)


def columns_of_plan(rows: Rows, plan: Schedule) -> list[Column]:
    """The days of a plan as columns."""
    problem, tables = rows.problem, rows.problem.tables
    days: dict[tuple[int, int], list[int]] = {}
    for duty, key in enumerate(zip(tables.technician, problem.duty_shift.tolist(), strict=True)):
        if plan.timed[duty] is not None:
            days.setdefault(key, []).append(duty)
    found = []
    by_key = {(tables.technician[d], int(problem.duty_shift[d])): number for d, number in rows.day_of.items()}
    for key, duties in days.items():
        trips, path, returns = [], [], 0
        for duty in duties:
            timed, route = plan.timed[duty], plan.solution.routes[duty]
            if timed is None:
                continue
            held = tables.held[duty]
            kits = plan.solution.kits[duty] if held is None else held
            trips.append(Trip(route, timed.starts, kits, timed.depart, timed.returns, held is not None))
            path += [tables.origin[duty], *(tables.location[t] for t in route), tables.home[duty]]
            returns = timed.returns
        found.append(column_of(rows, by_key[key], tuple(trips), path, returns))
    return found
