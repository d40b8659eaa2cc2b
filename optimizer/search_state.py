"""A problem in the shape that the compiled search reads, and the search's memory around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import UNREACHABLE, Problem
from optimizer.solution import Solution

if TYPE_CHECKING:
    from optimizer.search_kernel import Facts, State

Ints = NDArray[np.int64]

LOCK_PENALTY = 1e9
"""What a locked ticket seems to cost while it is not planned: more than anything else could save."""

MOST_NEIGHBOURS = 400


class Shape(NamedTuple):
    """Sizes of the arrays."""

    tickets: int
    duties: int
    kits: int
    longest: int
    crews: int
    crew_width: int


def facts_of(problem: Problem, *, searching: bool = True) -> Facts:
    """The problem as flat arrays; without neighbours, which take longest, when it is not to be searched."""
    from optimizer.search_kernel import Facts

    fit = problem.reachable.copy()
    for ticket in np.flatnonzero(problem.ticket_crew > 1):
        people = np.unique(problem.duty_technician[fit[ticket]])
        if len(people) < problem.ticket_crew[ticket]:
            fit[ticket] = False
    candidate_ptr = np.concatenate([[0], np.cumsum(fit.sum(axis=1))]).astype(np.int64)
    by_station = np.argsort(problem.duty_station, kind="stable").astype(np.int64)
    per_station = np.bincount(problem.duty_station, minlength=len(problem.station_ids))
    held = np.zeros((problem.n_duties, len(problem.kit_names)), np.int64)
    for duty in range(problem.n_duties):
        held[duty, problem.held_kit[problem.held_kit_ptr[duty] : problem.held_kit_ptr[duty + 1]]] = 1
    return Facts(
        travel=problem.travel_s,
        fare=problem.drive_cost,
        ticket=_ticket_columns(problem, candidate_ptr),
        money=_money_columns(problem),
        windows=_columns(problem.window_start, problem.window_end),
        kits_needed=problem.need_kit,
        needs=_columns(problem.need_skill, problem.need_level),
        told=problem.promised,
        candidate=np.nonzero(fit)[1].astype(np.int64),
        skill=problem.skill_level,
        duty=_duty_columns(problem),
        capacity=problem.duty_capacity,
        rests=_columns(problem.break_earliest, problem.break_latest, problem.break_length, problem.break_span_end),
        stock=problem.stock,
        holding=held,
        lent=_columns(problem.lent_station, problem.lent_kit, problem.lent_until),
        station_ptr=np.concatenate([[0], np.cumsum(per_station)]).astype(np.int64),
        station_duty=by_station,
        near=_neighbours(problem) if searching else np.zeros((problem.n_tickets, 0), np.int64),
    )


def _columns(*columns: Ints) -> Ints:
    return np.ascontiguousarray(np.stack(columns, axis=1), np.int64)


def _ticket_columns(problem: Problem, candidate_ptr: Ints) -> Ints:
    several = problem.ticket_crew > 1
    crew_row = np.where(several, np.cumsum(several) - 1, -1)
    told = [sole[0] if len(sole) == 1 else -1 - len(sole) for sole in map(sorted, problem.tables.promised)]
    return _columns(
        problem.ticket_location,
        problem.ticket_service_s,
        problem.ticket_due,
        problem.ticket_crew,
        problem.ticket_locked.astype(np.int64),
        problem.window_ptr[:-1],
        problem.window_ptr[1:],
        problem.need_kit_ptr[:-1],
        problem.need_kit_ptr[1:],
        np.array(told, np.int64),
        crew_row,
        problem.need_ptr[:-1],
        problem.need_ptr[1:],
        problem.promised_ptr[:-1],
        problem.promised_ptr[1:],
        candidate_ptr[:-1],
        candidate_ptr[1:],
    )


def _money_columns(problem: Problem) -> NDArray[np.float64]:
    change = np.where(problem.ticket_committed & ~problem.ticket_locked, problem.change_technician, 0.0)
    promised = np.diff(problem.promised_ptr) > 0
    absent = problem.ticket_skip_cost + np.where(promised, change, 0.0) + np.where(problem.ticket_locked, LOCK_PENALTY, 0.0)
    columns = (problem.ticket_miss_cost, problem.ticket_late_cost_per_hour / 3600, absent, problem.ticket_load, change)
    return np.ascontiguousarray(np.stack(columns, axis=1))


def _duty_columns(problem: Problem) -> Ints:
    after = np.full(problem.n_duties, -1, np.int64)
    linked = np.flatnonzero(problem.duty_before >= 0)
    after[problem.duty_before[linked]] = linked
    first = np.arange(problem.n_duties) - problem.duty_trip
    away = np.where(problem.duty_out[first] & (problem.duty_trip > 0), problem.duty_origin[first], -1)
    return _columns(
        problem.duty_technician,
        problem.duty_station,
        problem.duty_origin,
        problem.duty_home,
        problem.duty_earliest,
        problem.duty_end,
        problem.duty_latest,
        problem.duty_before,
        after,
        problem.duty_idle_until,
        problem.duty_out.astype(np.int64),
        problem.break_ptr[:-1],
        problem.break_ptr[1:],
        problem.duty_trip,
        away,
        _kinds(problem),
    )


def _kinds(problem: Problem) -> Ints:
    """Numbers of duties, the same for those that nothing tells apart while they are empty: (n_duties,) int64."""
    number: dict[object, int] = {}
    kinds = []
    tables = problem.tables
    for d in range(problem.n_duties):
        key: object = d
        if tables.held[d] is None and tables.before[d] < 0 and tables.after[d] < 0:
            who = tables.technician[d]
            key = (
                tables.station[d], tables.earliest[d], tables.end[d], tables.latest[d], tables.capacity[d], tuple(tables.breaks[d]),
                problem.skill_level[who].tobytes(), problem.allowed[:, who].tobytes(),
            )  # fmt: skip
        kinds.append(number.setdefault(key, len(number)))
    return np.array(kinds, np.int64)


def _neighbours(problem: Problem) -> NDArray[np.int64]:
    """Other tickets by drive time there and back, nearest first: (n_tickets, .)."""
    here = problem.ticket_location
    count = min(problem.n_tickets - 1, MOST_NEIGHBOURS)
    if count < 1:
        return np.zeros((problem.n_tickets, 0), np.int64)
    near = np.empty((problem.n_tickets, count), np.int64)
    for ticket in range(problem.n_tickets):
        away = problem.travel_s[here[ticket], here] + problem.travel_s[here, here[ticket]]
        away[ticket] = 4 * UNREACHABLE
        first = np.argpartition(away, count - 1)[:count] if count < len(away) - 1 else np.arange(len(away))
        near[ticket] = first[np.argsort(away[first], kind="stable")][:count]
    return near


def _longest_row(problem: Problem) -> int:
    """How many visits fit into one duty at most, by the shortest services and the shortest ways there."""
    if problem.n_duties == 0 or problem.n_tickets == 0:
        return 1
    here = problem.ticket_location
    ways = problem.travel_s[:, here].copy()
    ways[here, np.arange(problem.n_tickets)] = UNREACHABLE
    least = np.cumsum(np.sort(problem.ticket_service_s + ways.min(axis=0)))
    span = int((problem.duty_latest - problem.duty_earliest).max())
    return max(1, int(np.searchsorted(least, span, side="right")))


def shape_of(problem: Problem) -> Shape:
    """How large the arrays have to be."""
    several = problem.ticket_crew > 1
    kits = np.diff(problem.need_kit_ptr)
    people = int(problem.ticket_crew[several].max(initial=0))
    width = 2 + min(people, len(problem.technician_ids)) + people + int(kits[several].max(initial=0))
    return Shape(problem.n_tickets, problem.n_duties, len(problem.kit_names), _longest_row(problem), int(several.sum()), width)


def state_of(problem: Problem, facts: Facts, seed: int) -> State:
    """The memory of a search that has planned nothing yet."""
    from optimizer import search_kernel as kernel

    n, m, kits, longest, crews, width = shape_of(problem)
    stations = len(problem.station_ids)
    route = np.zeros((3, m, 11), np.int64)
    route[:, :, kernel.DEPART] = kernel.NEVER
    route[:, :, kernel.RETURN] = problem.duty_idle_until
    route[:, :, kernel.BEGAN] = kernel.NEVER
    route[:, :, kernel.N_KITS] = facts.holding.sum(axis=1)
    holders = np.zeros((stations, kits), np.int64)
    np.add.at(holders, problem.duty_station, facts.holding)
    np.add.at(holders, (problem.lent_station, problem.lent_kit), 1)
    counter = np.zeros(18, np.int64)
    counter[kernel.WAITER] = -1
    level = np.zeros(11)
    level[kernel.OVERTIME] = problem.overtime_per_hour / 3600
    level[kernel.TOTAL] = facts.money[:, kernel.ABSENT].sum()
    # splitmix64, so that neighbouring seeds begin far apart.
    mixed = (seed * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    return kernel.State(
        rows=np.zeros((3, m, longest), np.int64),
        timing=np.zeros((3, m, longest + 1, 4), np.int64),
        routes=route,
        costs=np.zeros((3, m, 2)),
        carried=np.zeros((3, m, kits), np.int64),
        crews=np.zeros((3, crews, width), np.int64),
        duty_of=np.full(n, -1, np.int64),
        holders=holders,
        kit_version=np.zeros((3, stations), np.int64),
        saved=np.zeros((3, m + 1), np.int64),
        saved_crews=np.zeros((3, crews + 1), np.int64),
        stamp=np.zeros((3, m + crews + 1), np.int64),
        saved_total=np.zeros(3),
        prices=np.full((n, m), np.inf),
        price_at=np.zeros((n, m), np.int64),
        price_version=np.full((n, m), -1, np.int64),
        queue=np.zeros(m + 1, np.int64),
        queued=np.zeros((2, m), np.int64),
        labels=np.zeros((longest + 2, kernel.MOST_LABELS, 6), np.int64),
        label_cost=np.zeros((longest + 2, kernel.MOST_LABELS)),
        draft=np.zeros(longest + 1, np.int64),
        starts=np.zeros(longest + 1, np.int64),
        arrives=np.zeros(longest + 1, np.int64),
        missing=np.zeros(n, np.int64),
        troubled=np.zeros(2 * n, np.int64),
        keys=np.zeros(n),
        todo=np.zeros(3 * n + 16, np.int64),
        best_row=np.zeros((m, longest), np.int64),
        best_route=np.zeros((m, 2), np.int64),
        best_carry=np.zeros((m, kits), np.int64),
        kind_seen=np.full(m, -1, np.int64),
        counter=counter,
        level=level,
        random=np.array([(mixed ^ (mixed >> 31)) or 1], np.uint64),
    )


def write_best(state: State, solution: Solution) -> None:
    """Puts a solution where the search looks for the best one."""
    state.best_route[:] = 0
    state.best_carry[:] = 0
    for duty, route in enumerate(solution.routes):
        state.best_row[duty, : len(route)] = route
        state.best_route[duty] = len(route), solution.wait_until[duty]
        state.best_carry[duty, sorted(solution.kits[duty])] = 1


def read_best(state: State) -> Solution:
    """The best solution that the search has seen."""
    lengths = state.best_route[:, 0].tolist()
    carried = state.best_carry > 0
    return Solution(
        routes=tuple(tuple(state.best_row[duty, :n].tolist()) for duty, n in enumerate(lengths)),
        kits=tuple(frozenset(np.flatnonzero(carried[duty]).tolist()) for duty in range(len(lengths))),
        wait_until=tuple(state.best_route[:, 1].tolist()),
    )


def table_of(facts: Facts, state: State) -> Ints:
    """Where each array lies and how long its axes are, as the compiled functions read it: five numbers per array.

    Passing fifty arrays to each function costs minutes of compiling and half of the speed. Whoever uses the table must keep
    `facts` and `state` alive.
    """
    arrays = (*facts, *state)
    table = np.zeros(5 * len(arrays), np.int64)
    for i, array in enumerate(arrays):
        if not array.flags.c_contiguous or array.dtype not in (np.int64, np.float64, np.uint64):
            raise TypeError(f"array {i} of the search is {array.dtype}, or not contiguous")
        table[5 * i] = array.ctypes.data
        table[5 * i + 1 : 5 * i + 1 + array.ndim] = array.shape
    return table
