"""A proven lower bound on the cost of every plan, by column generation.

The master (`master`) chooses days of people among those found so far, pricing (`pricing_kernel`) finds days that would make it
cheaper, and each round of pricing that is complete proves a bound, whatever the master says. Multipliers are smoothed towards
the best ones so far (Wentges 1997, doi 10.1016/S0969-6016(97)00001-4; Pessoa, Sadykov, Uchoa and Vanderbeck 2018, doi
10.1287/ijoc.2017.0784).

What is relaxed, so that the bound may lie below the best plan: a crew's people need not start together (though a crew is as late as
each of them), breaks after the second of a shift, two shifts of one person may overlap, and kits are counted at the moments that
mattered in the master. Plans may cost more for these reasons, never less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optimizer.bound_facts import BITS_PER_WORD, Day, Views, rounded_down, views_of, with_memory
from optimizer.master import Column, Master, Rows, Trip, bound_of, prices_of
from optimizer.problem import Floats, Ints, Problem
from optimizer.result import Stop
from optimizer.schedule import lateness_cost
from optimizer.solution import Schedule

_MOST_LABELS = 200_000
_ROUTES = 600  # that a round of pricing hands back at most, shared by the days
_MEMORY = (10**6, 5, 2, 0)  # tickets that a label remembers at each ticket, tried in turn when it is too much work
_WORK = (3 * 10**6, 2 * 10**8)  # comparisons that a pricing may take: with full memory, else
_MANY = 25  # tickets of a day from which on the first look is a quick one
_HEAVY = 10**5  # comparisons from which on a quick look comes first
_LEAST_ROUTES, _MOST_ROUTES = 8, 60  # of one day
_MARGIN_S = 0.2
_SMOOTHING = 0.6
_STALLED = 5e-4  # of the master's value: less in a round counts as none
_NEGLIGIBLE = 1e-4  # of the bound: what all multipliers that are left out may be worth together
_LEAST = 1e-6  # a reduced cost that counts


@dataclass(frozen=True)
class Bound:
    """What was proven.

    Attributes
    ----------
    bound
        No plan costs less.
    columns
        Days that the master has seen, for building plans from; `weights` are their values in its last solution.
    duties
        By `Column.day`: the duties of the people who could do it, the first trip's where they are chained.
    rounds, seconds
        Complete rounds of pricing, and the time that it took.
    trajectory
        (seconds, bound) of each rise.
    ended
        `"optimal"`: the known plan is proven; `"converged"`: the relaxation has nothing more to give; `"time"`: the limit came first;
        `"stuck"`: the linear solver gave no answer.
    """

    bound: float
    columns: tuple[Column, ...]
    weights: tuple[float, ...]
    duties: tuple[tuple[int, ...], ...]
    rounds: int
    seconds: float
    trajectory: tuple[tuple[float, float], ...]
    ended: str


def prove(problem: Problem, stop: Stop, *, known: Schedule | None = None, clock: Callable[[], float] = time.monotonic) -> Bound:
    """A lower bound on the cost of every plan that the format allows, as good as time permits.

    Parameters
    ----------
    problem
        Any problem.
    stop
        Seconds, or rounds of pricing as iterations; the same rounds prove the same bound.
    known
        A plan: its days are the first columns, and its cost is where the proof may stop.
    clock
        Monotonic seconds. Compiling does not count: it comes before the first look at the clock.
    """
    from optimizer import pricing_kernel

    pricing_kernel.make_ready()
    began = clock()
    run = _Run(rounded_down(problem), stop, known, clock, began)
    return run.prove()


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
        self.room = _Room.of(max((len(day.tickets) for day in self.days), default=0), 64, routes)

    def price(self, number: int, p: Floats, exact: bool) -> Priced:
        """Routes of one day with the least reduced cost under multipliers `p`."""
        from optimizer import pricing_kernel as kernel

        rows, room = self.rows, self.room
        problem, prices = rows.problem, prices_of(rows, number, p)
        while True:
            day = self.days[number]
            memory = room.memory.setdefault(day.near.shape[1], np.zeros((_MOST_LABELS, day.near.shape[1]), np.int64))
            most = _WORK[min(self.level[number], len(_WORK) - 1)]
            status, least, written, work = kernel.price(
                problem.travel_s, problem.drive_cost, day.place, prices.facts, prices.money, rows.views.windows, prices.piece_ptr,
                prices.piece_at, prices.piece_value, prices.piece_slope, day.near, day.closed_ptr, day.closed_at, day.closed, day.duty,
                day.capacity, problem.overtime_per_hour / 3600, day.rests, prices.events, prices.prefix, prices.bonus, int(exact), most,
                room.whole, room.real, memory, room.here, room.soon, room.out, room.out_cost, room.best,
            )  # fmt: skip
            if exact:
                self.work[number] = work
            if status == kernel.FULL:
                found = tuple(self._column(number, room.out[k], prices.kits) for k in range(written))
                return Priced(min(0.0, least), exact, found)
            if not exact:
                return Priced(0.0, False, ())
            if self.level[number] + 1 >= len(_MEMORY):
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
            local = {t: j for j, t in enumerate(day.tickets.tolist())}
            path = [local[t] for trip in column.trips for t in trip.tickets]
            last: dict[int, int] = {}
            for at, j in enumerate(path):
                if j in last:
                    if column.day not in changed:
                        day = self.days[column.day] = replace(day, near=day.near.copy())
                        changed.add(column.day)
                    for between in path[last[j] + 1 : at]:
                        day.near[between, j // BITS_PER_WORD] |= np.int64(1) << np.int64(j % BITS_PER_WORD)
                last[j] = at
        return changed

    def allows(self, column: Column) -> bool:
        """Whether labels could still make a column: none of its visits is one that they remember."""
        day = self.days[column.day]
        local = {t: j for j, t in enumerate(day.tickets.tolist())}
        kept: set[int] = set()
        for j in (local[t] for trip in column.trips for t in trip.tickets):
            if j in kept:
                return False
            kept = {i for i in kept if day.near[j, i // BITS_PER_WORD] >> (i % BITS_PER_WORD) & 1} | {j}
        return True

    def _column(self, number: int, steps: Ints, kits: Sequence[int]) -> Column:
        """A column from the steps of a route as the kernel writes them."""
        day = self.rows.views.days[number]
        n, away_bit = len(day.tickets), 1 << 9
        trips: list[Trip] = []
        visits: list[tuple[int, int]] = []
        depart, bits, mask = 0, 0, 0
        clock = int(day.duty[0])
        path = [int(day.place[n])]

        def close(returns: int) -> None:
            if visits:
                local = [j for j, _ in visits]
                held = bool(bits & away_bit)
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
    """A column with its cost: drives along the path, overtime, changes, and the lateness of tickets for one person."""
    problem, day = rows.problem, rows.views.days[number]
    tables = problem.tables
    extra = dict(zip(day.tickets.tolist(), day.extra.tolist(), strict=True))
    cost = sum(tables.drive_cost[a][b] for a, b in zip(path, path[1:], strict=False))
    cost += max(0, returns - int(day.duty[1])) * problem.overtime_per_hour / 3600
    for trip in trips:
        for ticket, start in zip(trip.tickets, trip.starts, strict=True):
            cost += extra.get(ticket, 0.0)
            cost += lateness_cost(tables, ticket, start) if tables.crew[ticket] == 1 else 0.0
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


def cheap_multipliers(rows: Rows) -> Floats:
    """Multipliers under which no column has a negative reduced cost, without any pricing.

    A ticket is worth what it costs to skip it, or to serve it at the earliest moment that anybody could be there.
    """
    problem, tables, views = rows.problem, rows.problem.tables, rows.views
    p = np.zeros(len(rows.rhs))
    soonest = np.full(problem.n_tickets, np.iinfo(np.int64).max // 4)
    for day in views.days:
        n = len(day.tickets)
        if n:
            arrive = day.duty[0] + problem.travel_s[day.duty[4], day.place[:n]]
            if day.duty[6] == 2:  # a detour may be quicker
                arrive = np.zeros_like(arrive)
            soonest[day.tickets] = np.minimum(soonest[day.tickets], arrive)
    for ticket in range(problem.n_tickets):
        skip = rows.skip_cost(ticket)
        windows = views.windows[views.window_ptr[ticket] : views.window_ptr[ticket + 1]]
        start = max(int(soonest[ticket]), int(views.release[ticket]), int(windows[0, 0]) if len(windows) else 0)
        if tables.crew[ticket] == 1:
            p[ticket] = min(skip, lateness_cost(tables, ticket, start))
            continue
        spent = 0.0
        for index in rows.of_ticket.get(ticket, ()):
            cost = min(rows.stretches[index].cost, max(0.0, skip - spent))
            share = cost * rows.stretches[index].share(start) / tables.crew[ticket]
            p[rows.late[index]] = cost / tables.crew[ticket]
            p[ticket] += share
            spent += cost
    return p


@dataclass(eq=False)
class _Run:
    """One proof on its way."""

    problem: Problem
    stop: Stop
    known: Schedule | None
    clock: Callable[[], float]
    began: float
    best: float = -np.inf
    rounds: int = 0
    trajectory: list[tuple[float, float]] = field(default_factory=list)

    def elapsed(self) -> float:
        return self.clock() - self.began

    def remaining(self) -> float:
        return np.inf if self.stop.seconds is None else self.stop.seconds - _MARGIN_S - self.elapsed()

    def rise(self, bound: float, p: Floats) -> bool:
        """Keeps a bound if it is the best so far."""
        if bound <= self.best:
            return False
        self.best, self.center = bound, p
        self.trajectory.append((self.elapsed(), bound))
        return True

    def prove(self) -> Bound:
        problem = self.problem
        views = views_of(problem) if problem.n_duties else Views((), np.zeros((0, 2), np.int64), problem.window_ptr, *_nothing(problem))
        self.rows = rows = Rows(problem, views)
        p = cheap_multipliers(rows)
        self.rise(bound_of(rows, p, np.zeros(len(views.days))), p)
        ended = "converged"
        self.master = master = Master(rows)
        self.weights: Floats = np.zeros(0)
        if views.days and problem.n_tickets:
            self.pricing = Pricing(rows)
            for column in columns_of_plan(rows, self.known) if self.known is not None else ():
                master.add(column)
            ended = self._generate()
        weights = np.zeros(len(master.columns))
        weights[: len(self.weights)] = self.weights
        duties = tuple(day.duties for day in views.days)
        columns, values = tuple(master.columns), tuple(weights.tolist())
        return Bound(self.best, columns, values, duties, self.rounds, self.elapsed(), tuple(self.trajectory), ended)

    def _generate(self) -> str:
        """Rounds of master and pricing until nothing is gained or time is over; why it ended."""
        smoothing, quick, value = _SMOOTHING, True, np.inf
        while self.remaining() > 0 and (self.stop.iterations is None or self.rounds < self.stop.iterations):
            solved = self.master.solve(max(0.1, min(self.remaining(), 600.0)))
            if solved is None:
                return "time" if self.remaining() <= 0 else "stuck"
            p, on_days, self.weights = solved
            self._tell(smoothing, quick)
            if self._cut() or self._forget():
                continue
            if self.known is not None and self.best > self.known.cost - 1e-6:
                return "optimal"
            if self.master.value - self.best < 1e-7 * abs(self.best) + 1e-5:
                return "converged"
            center = np.zeros(len(p))
            center[: len(self.center)] = self.center
            point = self._rid(smoothing * center + (1 - smoothing) * p)
            found, bound = self._round(point, quick)
            if found is None:
                return "time"
            self.rounds += 1
            self.rise(bound, point)
            added = self._take(found, p, on_days)
            if added:
                # Once quick looks hardly lower the master's value, proving helps more: it also shows where to look.
                stalled = quick and np.isneginf(bound) and value - self.master.value < _STALLED * abs(value)
                quick, smoothing, value = not stalled, smoothing or _SMOOTHING, self.master.value
            elif quick and np.isneginf(bound):
                quick = False
            elif smoothing:
                quick, smoothing = True, 0.0
            else:
                return "converged"
        return "time"

    def _rid(self, p: Floats) -> Floats:
        """Multipliers without the smallest of kits at a moment, which cost pricing much time and prove next to nothing."""
        moments = list(self.rows.moments.values())
        if moments:
            p[moments] = np.where(p[moments] * len(moments) > _NEGLIGIBLE * max(self.best, 1.0), p[moments], 0.0)
        return p

    def _tell(self, smoothing: float, quick: bool) -> None:
        import os
        if os.environ.get("DBG"):
            w = self.weights
            print(f"{self.elapsed():.2f} rows {len(self.rows.rhs)-self.problem.n_tickets} cols {len(self.master.columns)} lp {self.master.value:.1f} best {self.best:.1f} sm {smoothing} q{quick} frac {int(((w>1e-6)&(w<1-1e-6)).sum())} heavy {sum(self.pricing.heavy(i) for i in range(len(self.rows.views.days)))} lev {max(self.pricing.level)}", flush=True)

    def _forget(self) -> bool:
        """Takes away columns that visit a ticket twice, as far as pricing can avoid that."""
        changed = self.pricing.forbid(self.master.columns, self.weights)
        if not changed:
            return False
        return self.master.drop([i for i, c in enumerate(self.master.columns) if c.day in changed and not self.pricing.allows(c)]) > 0

    def _take(self, found: Sequence[Column], p: Floats, on_days: Floats) -> int:
        """Puts columns that the master would use into it; how many."""
        added = 0
        for column in found:
            reduced = column.cost - sum(p[row] * a for row, a in self.rows.column_rows(column).items()) + on_days[column.day]
            if reduced < -_LEAST:
                added += self.master.add(column)
        return added

    def _round(self, p: Floats, quick: bool) -> tuple[list[Column] | None, float]:
        """Prices every day: the columns found and the bound proven, minus infinity when some day had a quick look only.

        None when time ran out.
        """
        least = np.zeros(len(self.rows.views.days))
        found: list[Column] = []
        for number in range(len(least)):
            if self.remaining() <= 0:
                return None, -np.inf
            priced = self.pricing.price(number, p, not (quick and self.pricing.heavy(number)))
            least[number] = priced.least if priced.proven else -np.inf
            found += priced.columns
        return found, bound_of(self.rows, p, least)

    def _cut(self) -> int:
        """Adds rows that the master's solution breaks; how many."""
        return _cut_kits(self.rows, self.master, self.weights) + _cut_crews(self.rows, self.master, self.weights)


def _nothing(problem: Problem) -> tuple[Ints, Ints, Ints]:
    return np.zeros(problem.n_tickets, np.int64), np.full(problem.n_tickets, -1, np.int64), np.zeros(0, np.int64)


def _cut_kits(rows: Rows, master: Master, weights: Floats) -> int:
    """At each station and for each kit: the moment at which most too many are out."""
    from optimizer.master import kits_left

    spells: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for index in np.flatnonzero(weights > 1e-6).tolist():
        column = master.columns[index]
        station = rows.views.days[column.day].station
        for trip in column.trips:
            for kit in () if trip.held else trip.kits:
                spells.setdefault((station, kit), []).append((trip.depart, trip.returns, float(weights[index])))
    added = 0
    for (station, kit), out in sorted(spells.items()):
        worst, at = 1e-3, -1
        # Just before somebody returns: whoever waits for that is truly next, where an earlier moment would only be dodged by a second.
        for moment in sorted({returns - 1 for _, returns, _ in out}):
            if (station, kit, moment) in rows.moments:
                continue
            over = sum(w for depart, returns, w in out if depart <= moment < returns) - kits_left(rows.problem, rows.views, station, kit, moment)
            if over > worst:
                worst, at = over, moment
        if at >= 0:
            master.add_moment(station, kit, at)
            added += 1
    return added


def _cut_crews(rows: Rows, master: Master, weights: Floats) -> int:
    """Where one person of a crew is later than the crew."""
    late: dict[tuple[int, int], float] = {}
    for index in np.flatnonzero(weights > 1e-6).tolist():
        column = master.columns[index]
        if len(rows.views.days[column.day].duties) > 1:
            continue
        for trip in column.trips:
            for ticket, start in zip(trip.tickets, trip.starts, strict=True):
                for stretch in rows.of_ticket.get(ticket, ()):
                    share = rows.stretches[stretch].share(start)
                    if share > 0:
                        late[stretch, column.day] = late.get((stretch, column.day), 0.0) + float(weights[index]) * share
    whole: dict[int, float] = {}
    for (stretch, _), amount in late.items():
        whole[stretch] = whole.get(stretch, 0.0) + amount / rows.rhs[rows.stretches[stretch].ticket]
    u = dict(whole)
    for stretch, day in rows.own:
        u[stretch] = max(u.get(stretch, 0.0), late.get((stretch, day), 0.0))
    worst: dict[int, tuple[float, int]] = {}
    for (stretch, day), amount in late.items():
        over = amount - u[stretch]
        if (stretch, day) not in rows.own and over > worst.get(stretch, (1e-3, -1))[0]:
            worst[stretch] = over, day
    for stretch, (_, day) in sorted(worst.items()):
        master.add_own(stretch, day)
    return len(worst)
