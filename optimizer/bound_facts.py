"""A problem as the proven bound sees it: one `Day` for each shift, with the tickets that could be served in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from data_models.case import Case, TravelMatrix
from optimizer.problem import UNREACHABLE, Bools, Floats, Ints, Problem

MOST_CLOSED = 96  # tickets of a day up to which labels learn what is out of reach
MOST_PLACES = 1500  # places up to which detours that save time are looked for
BITS_PER_WORD = 60  # of `pricing_kernel`, which is not loaded here


@dataclass(frozen=True, eq=False)
class Day:
    """One shift of a technician, and of any others who are exactly alike, with all its trips.

    Attributes
    ----------
    duties
        The duties whose first trip this is, one for each technician who is alike.
    tickets : (n,) int64
        The tickets that could be served in it; `place` (n + 2,) has their locations, that of the origin and that of the station.
    facts : (n, 10) int64
        See the columns of `pricing_kernel`; the kit columns are filled in anew for each call.
    needs : (n, n_kits) bool
        Kits that a ticket for one person needs; `lends` the same for crews, where the station owns the kit.
    holds : (n_kits,) bool
        What someone already out has with them.
    extra : (n,) float64
        Money for a visit because other people were promised.
    """

    duties: tuple[int, ...]
    station: int
    tickets: Ints
    place: Ints
    facts: Ints
    load: Floats
    needs: Bools
    lends: Bools
    holds: Bools
    extra: Floats
    near: Ints
    closed_ptr: Ints
    closed_at: Ints
    closed: Ints
    duty: Ints
    capacity: float
    rests: Ints


@dataclass(frozen=True, eq=False)
class Views:
    """All days, and the start windows that hold for them: those of the problem, for crews not before a whole crew could be there.

    `release` (n_tickets,) is that moment, `last` (n_tickets,) the latest start that anyone could still come home from; -1 without any.
    `surely_out` (n_duties,): until when someone who is out already has the kits, whatever is planned.
    """

    days: tuple[Day, ...]
    windows: Ints
    window_ptr: Ints
    release: Ints
    last: Ints
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
    opens = np.maximum(problem.window_start, np.repeat(release, np.diff(problem.window_ptr)))
    windows = np.ascontiguousarray(np.stack([opens, problem.window_end], axis=1))
    groups: dict[tuple[object, ...], list[int]] = {}
    fits = (arrival <= last) & (release[:, None] <= last)
    for column, duty in enumerate(bases.tolist()):
        groups.setdefault(_likeness(problem, duty, fits[:, column]), []).append(column)
    days = [_day(problem, shortest, detours, bases[group].tolist(), fits[:, group[0]], last[:, group[0]]) for group in groups.values()]
    most = np.where(fits, last, -1).max(axis=1, initial=-1)
    there_and_home = problem.duty_origin, problem.duty_home
    surely_out = problem.duty_idle_until - problem.travel_s[there_and_home] + shortest[there_and_home]
    return Views(tuple(days), windows, problem.window_ptr, release, most, surely_out)


def rounded_down(problem: Problem) -> Problem:
    """The problem with every rounding turned round, so that a bound also holds for plans in fractions of a second.

    `build_problem` rounds to the safe side for plans: drives up, windows inwards. Where the case has no fractions nothing changes.
    """
    if _is_whole(problem.case):
        return problem
    travel = problem.travel_s
    if isinstance(problem.case.travel, TravelMatrix):
        travel = np.where((travel > 0) & (travel < UNREACHABLE), travel - 1, travel)
    return replace(
        problem,
        travel_s=travel,
        ticket_service_s=np.maximum(0, problem.ticket_service_s - 1),
        ticket_due=problem.ticket_due + 1,
        window_start=np.maximum(0, problem.window_start - 1),
        window_end=problem.window_end + 1,
        duty_earliest=np.maximum(0, problem.duty_earliest - 1),
        duty_end=problem.duty_end + 1,
        duty_latest=problem.duty_latest + 1,
        duty_idle_until=np.maximum(0, problem.duty_idle_until - 2),
        break_earliest=np.maximum(0, problem.break_earliest - 1),
        break_latest=problem.break_latest + 1,
        break_length=np.maximum(0, problem.break_length - 1),
        break_span_end=problem.break_span_end + 2,
        lent_until=np.maximum(0, problem.lent_until - 2),
    )


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


def _day(problem: Problem, shortest: Ints, detours: Bools, duties: list[int], fits: Bools, last: Ints) -> Day:
    """The day of duties that are alike."""
    tables, duty = problem.tables, duties[0]
    tickets = np.flatnonzero(fits).astype(np.int64)
    n, n_kits = len(tickets), len(problem.kit_names)
    station, held = tables.station[duty], tables.held[duty]
    origin, home = tables.origin[duty], tables.home[duty]
    place = np.array([*problem.ticket_location[tickets].tolist(), origin, home], np.int64)
    needs, lends = np.zeros((n, n_kits), bool), np.zeros((n, n_kits), bool)
    holds = np.zeros(n_kits, bool)
    holds[sorted(held or ())] = True
    owned = problem.stock[station] > 0
    for row, ticket in enumerate(tickets.tolist()):
        (needs if tables.crew[ticket] == 1 else lends)[row, sorted(tables.kits[ticket])] = True
    again = bool(detours[station]) * 2
    facts = np.zeros((n, 10), np.int64)
    facts[:, 0] = problem.ticket_service_s[tickets]
    facts[:, 1], facts[:, 2] = problem.window_ptr[tickets], problem.window_ptr[tickets + 1]
    facts[:, 3] = ~(needs & ~holds).any(axis=1)
    facts[:, 4] = ~(needs & ~owned).any(axis=1)
    facts[:, 7] = problem.ticket_locked[tickets]
    facts[:, 8] = last[tickets]
    facts[:, 9] = shortest[place[:n], home]
    who = tables.technician[duty]
    changed = [
        tables.change[t] / tables.crew[t] if who not in tables.promised[t] or len(tables.promised[t]) != tables.crew[t] else 0.0
        for t in tickets.tolist()
    ]
    near = np.full((n, max(1, -(-n // BITS_PER_WORD))), (1 << BITS_PER_WORD) - 1, np.int64)
    numbers = (tables.earliest[duty], tables.end[duty], tables.latest[duty], int(held is not None), origin, home, again or 1)
    return Day(
        duties=tuple(duties), station=station, tickets=tickets, place=place, facts=facts, load=problem.ticket_load[tickets],
        needs=needs, lends=lends & owned, holds=holds, extra=np.array(changed, float), near=near,
        **_closed(shortest, place[:n], last[tickets]),
        duty=np.array(numbers, np.int64), capacity=tables.capacity[duty],
        rests=np.array(tables.breaks[duty][:2], np.int64).reshape(-1, 4),
    )  # fmt: skip


def _closed(shortest: Ints, place: Ints, last: Ints) -> dict[str, Ints]:
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
    n = len(day.tickets)
    if size >= n:
        return day
    place = day.place[:n]
    away = travel[np.ix_(place, place)] + travel[np.ix_(place, place)].T
    nearest = np.argsort(away, axis=1, kind="stable")[:, :size]
    near = np.zeros_like(day.near)
    for row in range(n):
        for ticket in {row, *nearest[row].tolist()}:
            near[row, ticket // BITS_PER_WORD] |= np.int64(1) << np.int64(ticket % BITS_PER_WORD)
    return replace(day, near=near)
