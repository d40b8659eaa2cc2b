"""A problem as the proven bound sees it: one `Day` for each shift, with the tickets that could be served in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_models.case import Case, TravelMatrix
from optimizer.problem import MOST_BREAKS, UNREACHABLE, Bools, Floats, Ints, Problem, latest_return, merged, rounded_windows
from optimizer.schedule import lateness_cost

MOST_CLOSED = 96  # tickets of a day up to which labels learn what is out of reach
MOST_PLACES = 1500  # places up to which detours that save time are looked for
MOST_SLOTS = 16  # of a crew's start, and the time in time
SHORTEST_SLOT_S = 600
BITS_PER_WORD = 60  # of `pricing_kernel`, which is not loaded here


@dataclass(frozen=True)
class Slot:
    """A stretch of time in which a crew may start a ticket; `cost` is its lateness at `opens`, the least that it can be there."""

    ticket: int
    opens: int
    closes: int
    cost: float


@dataclass(frozen=True, eq=False)
class Day:
    """One shift of a technician, and of any others who are exactly alike, with all its trips.

    Attributes
    ----------
    duties
        The duties whose first trip this is, one for each technician who is alike.
    tickets, slots : (n,) int64
        The tickets that could be served in it, those for crews once for each slot; the slot is -1 for one person. `place` (n + 2,) has
        their locations, that of the origin and that of the station.
    facts : (n, 10) int64
        See the columns of `pricing_kernel`; the kit columns are filled in anew for each call.
    needs : (n, n_kits) bool
        Kits that a ticket for one person needs; `lends` the same for crews, where the station owns the kit.
    holds : (n_kits,) bool
        What someone already out has with them.
    extra : (n,) float64
        Money for a visit because other people were promised.
    piece_ptr, piece_at, piece_value, piece_slope
        Lateness that this person's column pays, see `pricing_kernel.price`.
    near, same, closed_ptr, closed_at, closed
        What labels remember, which nodes are one ticket, and what is out of reach when; see there, too.
    """

    duties: tuple[int, ...]
    station: int
    tickets: Ints
    slots: Ints
    place: Ints
    facts: Ints
    load: Floats
    needs: Bools
    lends: Bools
    holds: Bools
    extra: Floats
    piece_ptr: Ints
    piece_at: Ints
    piece_value: Floats
    piece_slope: Floats
    near: Ints
    same: Ints
    closed_ptr: Ints
    closed_at: Ints
    closed: Ints
    duty: Ints
    capacity: float
    rests: Ints


@dataclass(frozen=True, eq=False)
class Views:
    """All days, and what holds for them together.

    Attributes
    ----------
    windows : (., 2) int64
        When tickets may start: those of the problem, then those of the slots.
    soonest, last : (n_tickets,) int64
        Between these moments somebody could start a ticket, a whole crew where it needs one; `last` is -1 where nobody can.
    slots, slots_of
        The slots of tickets for crews, and which of them are a ticket's.
    surely_out : (n_duties,) int64
        Until when someone who is out already has the kits, whatever is planned.
    """

    days: tuple[Day, ...]
    windows: Ints
    soonest: Ints
    last: Ints
    slots: tuple[Slot, ...]
    slots_of: dict[int, list[int]]
    surely_out: Ints


def views_of(problem: Problem) -> Views:
    """The days of a problem. Chained duties of one shift are trips of one day; pricing finds the trips itself."""
    shortest, detours = _shortest(problem)
    first: dict[tuple[int, int], int] = {}
    for duty, key in enumerate(zip(problem.duty_technician.tolist(), problem.duty_shift.tolist(), strict=True)):
        first.setdefault(key, duty)
    bases = np.array(sorted(first.values()), np.int64)
    arrival, last = _reach(problem, shortest, bases)
    release = _release(problem, arrival, last, bases)
    start = np.maximum(arrival, release[:, None])
    fits = start <= last
    most = np.where(fits, last, -1).max(axis=1, initial=-1)
    soonest = np.where(fits, start, UNREACHABLE).min(axis=1, initial=UNREACHABLE)
    slots, slots_of = _slots(problem, soonest, most)
    windows, window_ptr = _windows(problem, slots)
    groups: dict[tuple[object, ...], list[int]] = {}
    for column, duty in enumerate(bases.tolist()):
        groups.setdefault(_likeness(problem, duty, fits[:, column]), []).append(column)
    facts = _Facts(problem, shortest, detours, slots, slots_of, window_ptr)
    days = [_day(facts, bases[group].tolist(), fits[:, group[0]], last[:, group[0]]) for group in groups.values()]
    there_and_home = problem.duty_origin, problem.duty_home
    surely_out = problem.duty_idle_until - problem.travel_s[there_and_home] + shortest[there_and_home]
    return Views(tuple(days), windows, soonest, most, slots, slots_of, surely_out)


def _slots(problem: Problem, soonest: Ints, last: Ints) -> tuple[tuple[Slot, ...], dict[int, list[int]]]:
    """The slots of all tickets for crews: what is in time, then equal stretches, together every moment that a crew could start."""
    tables = problem.tables
    slots: list[Slot] = []
    of: dict[int, list[int]] = {}
    for ticket in np.flatnonzero((problem.ticket_crew > 1) & (last >= soonest)).tolist():
        begin, end, due = int(soonest[ticket]), int(last[ticket]), tables.due[ticket]
        step = max(SHORTEST_SLOT_S, -(-(end + 1 - begin) // MOST_SLOTS))
        marks = sorted({*range(begin, end + 1, step), *([due + 1] if begin <= due < end else [])})
        for opens, after in zip(marks, [*marks[1:], end + 1], strict=True):
            of.setdefault(ticket, []).append(len(slots))
            slots.append(Slot(ticket, opens, after - 1, tables.crew[ticket] * lateness_cost(tables, ticket, opens)))
    return tuple(slots), of


def _windows(problem: Problem, slots: tuple[Slot, ...]) -> tuple[Ints, Ints]:
    """Windows of tickets, then of slots: all (., 2), and pointers (n_tickets + n_slots + 1,)."""
    rows = list(zip(problem.window_start.tolist(), problem.window_end.tolist(), strict=True))
    ptr = problem.window_ptr.tolist()
    for slot in slots:
        own = rows[problem.window_ptr[slot.ticket] : problem.window_ptr[slot.ticket + 1]]
        clipped = [(max(opens, slot.opens), min(closes, slot.closes)) for opens, closes in own]
        rows += [w for w in clipped if w[0] <= w[1]]
        ptr.append(len(rows))
    return np.array(rows, np.int64).reshape(-1, 2), np.array(ptr, np.int64)


def with_whole_shifts(problem: Problem) -> Problem:
    """The problem with shifts to their ends where `build_problem` cuts them, for more breaks than can be planned around."""
    latest = problem.duty_latest.copy()
    for duty, (who, number) in enumerate(zip(problem.duty_technician.tolist(), problem.duty_shift.tolist(), strict=True)):
        shift = problem.case.technician_by_id[problem.technician_ids[who]].shifts[number]
        if len(shift.breaks) > MOST_BREAKS:
            latest[duty] = latest_return(shift, problem.epoch)
    return replace(problem, duty_latest=latest) if (latest != problem.duty_latest).any() else problem


def rounded_down(problem: Problem) -> Problem:
    """The problem with every rounding turned round, so that a bound also holds for plans in fractions of a second.

    `build_problem` rounds to the safe side for plans: drives up, windows inwards. Where the case has no fractions nothing changes.
    """
    if _is_whole(problem.case):
        return problem
    # A case that begins within a second begins at the next one in its problem: then everything may end a second later, too.
    later = 1 if problem.case.now.microsecond == 0 else 2
    windows, window_ptr = _widened(problem, later)
    return replace(
        problem,
        legs=replace(problem.legs, given_s=np.floor(problem.legs.given_s)),
        ticket_service_s=np.maximum(0, problem.ticket_service_s - 1),
        ticket_due=problem.ticket_due + later,
        window_ptr=window_ptr,
        window_start=windows[:, 0],
        window_end=windows[:, 1],
        duty_earliest=np.maximum(0, problem.duty_earliest - 1),
        duty_end=problem.duty_end + later,
        duty_latest=problem.duty_latest + later,
        duty_idle_until=np.maximum(0, problem.duty_idle_until - 2),
        break_earliest=np.maximum(0, problem.break_earliest - 1),
        break_latest=problem.break_latest + later,
        break_length=np.maximum(0, problem.break_length - 1),
        break_span_end=problem.break_span_end + later + 1,
        lent_until=np.maximum(0, problem.lent_until - 2),
    )


def _widened(problem: Problem, later: int) -> tuple[Ints, Ints]:
    """Windows (., 2) that open a second sooner and close `later`, with those in which no whole second lies; and pointers."""
    rows: list[tuple[int, int]] = []
    ptr = [0]
    for number, name in enumerate(problem.ticket_ids):
        own = slice(*problem.window_ptr[number : number + 2].tolist())
        spells = list(zip(problem.window_start[own].tolist(), problem.window_end[own].tolist(), strict=True))
        rounded = rounded_windows(problem.case.ticket_by_id[name], problem.epoch)
        spells += [(opens, closes) for opens, closes in rounded if closes == opens - 1]
        rows += merged((max(0, opens - 1), closes + later) for opens, closes in spells)
        ptr.append(len(rows))
    return np.array(rows, np.int64).reshape(-1, 2), np.array(ptr, np.int64)


def _is_whole(case: Case) -> bool:
    """Whether every time and duration of the case is in whole seconds."""
    moments: list[datetime | None] = [case.now]
    lengths: list[float] = []
    for who in case.technicians:
        moments += [who.start.at] if who.start else []
        for shift in who.shifts:
            moments += [shift.start, shift.end, *(m for b in shift.breaks for m in (b.earliest, b.latest))]
            lengths += [60 * shift.overtime_minutes, *(60 * b.minutes for b in shift.breaks)]
    for ticket in case.tickets:
        moments += [ticket.opened_at, ticket.due, ticket.not_before, *(m for w in ticket.windows for m in (w.start, w.end))]
        lengths.append(60 * ticket.service_minutes)
    if isinstance(case.travel, TravelMatrix):
        lengths += [s for row in case.travel.seconds for s in row]
    return all(m is None or m.microsecond == 0 for m in moments) and all(not math.isfinite(s) or s == int(s) for s in lengths)


def _shortest(problem: Problem) -> tuple[Ints, Bools]:
    """Seconds of the quickest way, over any places: (n_locations, n_locations); and stations over which a detour saves time or money."""
    travel, fare = problem.travel_s, problem.drive_cost
    detours = np.zeros(len(problem.station_ids), bool)
    if not isinstance(problem.case.travel, TravelMatrix):
        return travel, detours  # a metric, and rounding up keeps it one
    for station in range(len(detours)):
        with np.errstate(invalid="ignore"):
            quicker: Bools = travel[:, [station]] + travel[[station], :] < travel
            cheaper = fare[:, [station]] + fare[[station], :] < fare - 1e-9
        detours[station] = bool(quicker.any() or cheaper.any())
    if len(travel) > MOST_PLACES:
        return np.zeros_like(travel), detours
    shortest = travel.copy()
    for via in range(len(travel)):
        np.minimum(shortest, shortest[:, [via]] + shortest[[via], :], out=shortest)
    return np.minimum(shortest, UNREACHABLE), detours


def _reach(problem: Problem, shortest: Ints, bases: Ints) -> tuple[Ints, Ints]:
    """Earliest and latest start of each ticket on each day: (n_tickets, n_bases) each; the latest is -1 where it is impossible."""
    place, n = problem.ticket_location, problem.n_tickets
    origin, home = problem.duty_origin[bases], problem.duty_home[bases]
    first, last = np.zeros(n, np.int64), np.full(n, -1, np.int64)
    some = np.diff(problem.window_ptr) > 0
    first[some] = problem.window_start[problem.window_ptr[:-1][some]]
    last[some] = problem.window_end[problem.window_ptr[1:][some] - 1]
    arrival = np.maximum(problem.duty_earliest[bases][None, :] + shortest[origin][:, place].T, first[:, None])
    latest = problem.duty_latest[bases][None, :] - problem.ticket_service_s[:, None] - shortest[place][:, home]
    fits = problem.member[:, bases] & _kits_can_come(problem, bases)
    return arrival, np.where(fits, np.minimum(latest, last[:, None]), -1)


def _kits_can_come(problem: Problem, bases: Ints) -> Bools:
    """Whether a day could bring all kits of a ticket for one person, held or from the station: (n_tickets, n_bases)."""
    fits = np.ones((problem.n_tickets, len(bases)), bool)
    tables = problem.tables
    for ticket, kits in enumerate(tables.kits):
        if kits and tables.crew[ticket] == 1:
            owned = np.asarray((problem.stock[:, sorted(kits)] > 0).all(axis=1))[problem.duty_station[bases]]
            held = [h is not None and kits <= h for h in (tables.held[d] for d in bases.tolist())]
            fits[ticket] = owned | np.array(held, bool)
    return fits


def _release(problem: Problem, arrival: Ints, last: Ints, bases: Ints) -> Ints:
    """When a ticket for a crew can start at the soonest: so many people must be there, one of them with each skill and each kit.

    Whoever could not stay until then does not count, which may move the moment on; `UNREACHABLE` when too few are left.
    """
    tables = problem.tables
    release = np.zeros(problem.n_tickets, np.int64)
    people = problem.duty_technician[bases]
    for ticket in np.flatnonzero(problem.ticket_crew > 1).tolist():
        moment, crew = -1, tables.crew[ticket]
        while moment < release[ticket] < UNREACHABLE or moment < 0:
            moment = int(release[ticket])
            there = np.flatnonzero((np.maximum(arrival[ticket], moment) <= last[ticket]) & problem.member[ticket, bases]).tolist()
            ready = _soonest(people, arrival[ticket], there, crew)
            for skill, level in tables.needs[ticket]:
                ready = max(
                    ready, _soonest(people, arrival[ticket], [c for c in there if problem.skill_level[people[c], skill] >= level], 1)
                )
            for kit in tables.kits[ticket]:
                ready = max(ready, _soonest(people, arrival[ticket], [c for c in there if _can_bring(problem, int(bases[c]), kit)], 1))
            release[ticket] = max(moment, ready)
    return release


def _soonest(people: Ints, arrival: Ints, columns: list[int], crew: int) -> int:
    """When as many different people as the crew has can be there; `UNREACHABLE` when there are too few."""
    first: dict[int, int] = {}
    for column in columns:
        who = int(people[column])
        first[who] = min(first.get(who, UNREACHABLE), int(arrival[column]))
    return sorted(first.values())[crew - 1] if len(first) >= crew else UNREACHABLE


def _can_bring(problem: Problem, duty: int, kit: int) -> bool:
    """Whether a kit can come with a duty: held, or from the station."""
    held = problem.tables.held[duty]
    return bool(problem.stock[problem.tables.station[duty], kit] > 0) or (held is not None and kit in held)


def _likeness(problem: Problem, duty: int, fits: Bools) -> tuple[object, ...]:
    """What two days must share to be one and the same to the bound."""
    tables = problem.tables
    who = tables.technician[duty]
    numbers = (tables.station[duty], tables.origin[duty], tables.earliest[duty], tables.end[duty], tables.latest[duty])
    told = tuple(t for t, crew in enumerate(tables.promised) if who in crew)
    return (
        *numbers, tables.idle_until[duty], tables.capacity[duty], tables.held[duty], tuple(tables.breaks[duty]), told,
        fits.tobytes(), problem.skill_level[who].tobytes(),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Facts:
    """What the days are made from."""

    problem: Problem
    shortest: Ints
    detours: Bools
    slots: tuple[Slot, ...]
    slots_of: dict[int, list[int]]
    window_ptr: Ints


def _day(f: _Facts, duties: list[int], fits: Bools, last: Ints) -> Day:
    """The day of duties that are alike."""
    problem, tables, duty = f.problem, f.problem.tables, duties[0]
    nodes = [(t, slot) for t in np.flatnonzero(fits).tolist() for slot in (f.slots_of[t] if tables.crew[t] > 1 else [-1])]
    nodes = [(t, slot) for t, slot in nodes if slot < 0 or f.slots[slot].opens <= last[t]]
    tickets, slots = np.array([t for t, _ in nodes], np.int64), np.array([slot for _, slot in nodes], np.int64)
    n, n_kits = len(tickets), len(problem.kit_names)
    station, held, who = tables.station[duty], tables.held[duty], tables.technician[duty]
    origin, home = tables.origin[duty], tables.home[duty]
    place = np.array([*problem.ticket_location[tickets].tolist(), origin, home], np.int64)
    needs, lends = np.zeros((n, n_kits), bool), np.zeros((n, n_kits), bool)
    holds = np.zeros(n_kits, bool)
    holds[sorted(held or ())] = True
    owned = problem.stock[station] > 0
    for row, ticket in enumerate(tickets.tolist()):
        (needs if tables.crew[ticket] == 1 else lends)[row, sorted(tables.kits[ticket])] = True
    window = np.where(slots < 0, tickets, problem.n_tickets + slots)
    closes = np.array([last[t] if slot < 0 else min(int(last[t]), f.slots[slot].closes) for t, slot in nodes], np.int64)
    facts = np.zeros((n, 10), np.int64)
    facts[:, 0] = problem.ticket_service_s[tickets]
    facts[:, 1], facts[:, 2] = f.window_ptr[window], f.window_ptr[window + 1]
    facts[:, 3] = ~(needs & ~holds).any(axis=1)
    facts[:, 4] = ~(needs & ~owned).any(axis=1)
    facts[:, 7] = problem.ticket_locked[tickets]
    facts[:, 8] = closes
    facts[:, 9] = f.shortest[place[:n], home]
    changed = [
        tables.change[t] / tables.crew[t] if who not in tables.promised[t] or len(tables.promised[t]) != tables.crew[t] else 0.0
        for t in tickets.tolist()
    ]
    again = 2 if f.detours[station] else 1
    numbers = (tables.earliest[duty], tables.end[duty], tables.latest[duty], int(held is not None), origin, home, again)
    return Day(
        duties=tuple(duties), station=station, tickets=tickets, slots=slots, place=place, facts=facts, load=problem.ticket_load[tickets],
        needs=needs, lends=lends & owned, holds=holds, extra=np.array(changed, float), **_pieces(f, nodes),
        near=np.full((n, max(1, -(-n // BITS_PER_WORD))), (1 << BITS_PER_WORD) - 1, np.int64), same=_same(tickets),
        **_closed(f.shortest, place[:n], closes),
        duty=np.array(numbers, np.int64), capacity=tables.capacity[duty],
        rests=np.array(tables.breaks[duty][:2], np.int64).reshape(-1, 4),
    )  # fmt: skip


def _pieces(f: _Facts, nodes: list[tuple[int, int]]) -> dict[str, NDArray[Any]]:
    """Lateness in pieces: all of it for one person, a crew's share of what comes after the opening of the slot."""
    tables, ptr, at, value, slope = f.problem.tables, [0], [], [], []
    for ticket, slot in nodes:
        since = tables.due[ticket] if slot < 0 else max(tables.due[ticket], f.slots[slot].opens)
        at.append(since)
        value.append(tables.miss[ticket] if slot < 0 or f.slots[slot].opens <= tables.due[ticket] else 0.0)
        slope.append(tables.late_per_s[ticket] / tables.crew[ticket])
        value[-1] /= tables.crew[ticket]
        ptr.append(len(at))
    return {
        "piece_ptr": np.array(ptr, np.int64),
        "piece_at": np.array(at, np.int64),
        "piece_value": np.array(value, float),
        "piece_slope": np.array(slope, float),
    }


def _same(tickets: Ints) -> Ints:
    """Bits of the nodes that are the same ticket as each node."""
    n = len(tickets)
    same = np.zeros((n, max(1, -(-n // BITS_PER_WORD))), np.int64)
    for node in range(n):
        same[tickets == tickets[node], node // BITS_PER_WORD] |= np.int64(1) << np.int64(node % BITS_PER_WORD)
    return same


def _closed(shortest: Ints, place: Ints, last: Ints) -> dict[str, NDArray[Any]]:
    """For each ticket: moments, and the bits of the tickets that cannot be reached any more by who leaves it after each."""
    n = len(place)
    words = max(1, -(-n // BITS_PER_WORD))
    if n > MOST_CLOSED or n == 0:
        return {"closed_ptr": np.zeros(n + 1, np.int64), "closed_at": np.zeros(0, np.int64), "closed": np.zeros((0, words), np.int64)}
    moments = last[None, :] - shortest[np.ix_(place, place)]
    order = np.argsort(moments, axis=1, kind="stable")
    bits = np.zeros((n, n, words), np.int64)
    rows = np.arange(n)
    bits[rows[:, None], rows[None, :], order // BITS_PER_WORD] = np.int64(1) << (order % BITS_PER_WORD)
    return {
        "closed_ptr": np.arange(0, n * n + 1, n, dtype=np.int64),
        "closed_at": np.ascontiguousarray(np.take_along_axis(moments, order, axis=1).ravel()),
        "closed": np.ascontiguousarray(np.bitwise_or.accumulate(bits, axis=1).reshape(n * n, words)),
    }


def with_memory(day: Day, travel: NDArray[np.int64], size: int) -> Day:
    """The day with labels that remember, at each ticket, only its `size` nearest; all of them where there are no more than that."""
    tickets, first = np.unique(day.tickets, return_index=True)
    if size >= len(tickets):
        return day
    place = day.place[first]
    away = travel[np.ix_(place, place)] + travel[np.ix_(place, place)].T
    nearest = np.argsort(away, axis=1, kind="stable")[:, :size]
    near = np.zeros_like(day.near)
    for row, ticket in enumerate(tickets.tolist()):
        bits = np.bitwise_or.reduce(day.same[first[[row, *nearest[row].tolist()]]], axis=0)
        near[day.tickets == ticket] = bits
    return replace(day, near=near)
