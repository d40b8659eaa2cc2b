# mypy: disable-error-code="no-untyped-def"
"""The compiled search: ruin and recreate on flat arrays.

All compiled functions live in this one file because numba's cache notices changes of the file of a function, not of the
files of the functions that it calls: spread over files, an edit of one would leave the others stale.

`Facts` never change during a search; `State` does. Arrays of `State` with a leading axis of 3 hold three layers: what is
now, what was before this iteration, and what was before this move; `_touch` copies a route into the older layers before
it is changed, `_rollback` brings a layer back.

Slack induction by string removals: Christiaens and Vanden Berghe 2020, doi 10.1287/trsc.2019.0914.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from optimizer.compiled import Functions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


_functions = Functions()
_compiled, make_ready, is_ready = _functions.compiled, _functions.make_ready, _functions.is_ready

NEVER = 4 * 10**18
INF = np.inf

# Columns of Facts.ticket.
LOCATION, SERVICE, DUE, CREW, LOCKED, WINDOW_A, WINDOW_B, KIT_A, KIT_B, TOLD, CREW_ROW, NEED_A, NEED_B, TOLD_A, TOLD_B, CAND_A, CAND_B = (
    range(17)
)
# Columns of Facts.money.
MISS, LATE, ABSENT, LOAD, CHANGE = range(5)
# Columns of Facts.duty.
# TRIP: which of its shift; AWAY: where somebody out is, in the further trips of that shift, else -1; KIND: the same for duties that
# nothing tells apart while they are empty.
TECHNICIAN, STATION, ORIGIN, HOME, EARLIEST, END, LATEST, BEFORE, AFTER, IDLE, OUT, REST_A, REST_B, TRIP, AWAY, KIND = range(16)
# Columns of State.route.
# BEGAN, BUSY and RESTED tell of the shift up to this trip: first departure (NEVER: none), last return (0: none), breaks taken.
N, VERSION, DEPART, RETURN, WAIT, N_LOCKED, N_KITS, N_CREWS, BEGAN, BUSY, RESTED = range(11)
# Columns of State.times: arrival, start; latest arrival that is feasible; latest that changes no cost and nobody else.
ARRIVE, START, LAST, SLACK = range(4)
# Columns of State.crews; the routes of the crew follow, then who of them brings each kit.
PIN, SIZE, MEMBERS = range(3)
# Entries of State.count.
(
    TICK,
    ITERATION,
    QUEUED,
    POSITION,
    SIM_DEPART,
    SIM_RETURN,
    CYCLE_BEGIN,
    CYCLE_END,
    N_ABSENT,
    N_BAD,
    HEAD,
    IMPROVED,
    LINKED,
    BEGUN,
    WAITER,
    RELEASE,
    SIM_RESTED,
    NEXT_CYCLE,
) = range(18)
# Entries of State.level.
TOTAL, BEST, HOT, COLD, REMOVED, BLINK, OVERTIME, FOCUS, HELD_HEAT, NEXT_HOT, REGRET = range(11)
# Where each array of `Facts` and `State` stands in the table of addresses.
(
    TRAVEL_AT,
    FARE_AT,
    TICKET_AT,
    MONEY_AT,
    WINDOWS_AT,
    KITS_NEEDED_AT,
    NEEDS_AT,
    TOLD_AT,
    CANDIDATE_AT,
    SKILL_AT,
    DUTY_AT,
    CAPACITY_AT,
    RESTS_AT,
    STOCK_AT,
    HOLDING_AT,
    LENT_AT,
    STATION_PTR_AT,
    STATION_DUTY_AT,
    NEAR_AT,
    ROWS_AT,
    TIMING_AT,
    ROUTES_AT,
    COSTS_AT,
    CARRIED_AT,
    CREWS_AT,
    DUTY_OF_AT,
    HOLDERS_AT,
    KIT_VERSION_AT,
    SAVED_AT,
    SAVED_CREWS_AT,
    STAMP_AT,
    SAVED_TOTAL_AT,
    PRICES_AT,
    PRICE_AT_AT,
    PRICE_VERSION_AT,
    QUEUE_AT,
    QUEUED_AT,
    LABELS_AT,
    LABEL_COST_AT,
    DRAFT_AT,
    STARTS_AT,
    ARRIVES_AT,
    MISSING_AT,
    TROUBLED_AT,
    KEYS_AT,
    TODO_AT,
    BEST_ROW_AT,
    BEST_ROUTE_AT,
    BEST_CARRY_AT,
    KIND_SEEN_AT,
    COUNTER_AT,
    LEVEL_AT,
    RANDOM_AT,
) = range(53)


NOW, ITERATION_LAYER, MOVE_LAYER = 0, 1, 2

MOST_LABELS = 48
HELD = 64  # `cooling.HELD`
MOST_ROUNDS = 30
MOST_WAITS = 4
CREW_POOL = 12
LEAST_GAIN = 2e-6  # more than the 1e-6 by which an offered schedule must be cheaper: which ones the clock picks does not matter then


class Facts(NamedTuple):
    """The problem; see `Problem` for units. Ragged facts are compressed, their pointers are columns of `ticket` and `duty`."""

    travel: Ints
    fare: Floats
    ticket: Ints  # (n_tickets, 17)
    money: Floats  # (n_tickets, 5)
    windows: Ints  # (., 2)
    kits_needed: Ints
    needs: Ints  # (., 2): skill, level
    told: Ints
    candidate: Ints
    skill: Ints  # (n_technicians, n_skills)
    duty: Ints  # (n_duties, 16)
    capacity: Floats
    rests: Ints  # (., 4)
    stock: Ints  # (n_stations, n_kits)
    holding: Ints  # (n_duties, n_kits)
    lent: Ints  # (., 3): station, kit, until
    station_ptr: Ints
    station_duty: Ints
    near: Ints  # (n_tickets, .)


class State(NamedTuple):
    """What the search knows; first axis 3: layers."""

    rows: Ints  # (3, n_duties, longest)
    timing: Ints  # (3, n_duties, longest + 1, 4)
    routes: Ints  # (3, n_duties, 11)
    costs: Floats  # (3, n_duties, 2): cost, load
    carried: Ints  # (3, n_duties, n_kits): tickets for which the duty takes a kit
    crews: Ints  # (3, n_crew_tickets, 2 + most members + most kits)
    duty_of: Ints  # (n_tickets,): one of the ticket's duties, -1 when it is not planned
    holders: Ints  # (n_stations, n_kits): duties and others who have a kit at any time
    kit_version: Ints  # (3, n_stations)
    saved: Ints  # (3, n_duties + 1): duties saved in a layer, their number last
    saved_crews: Ints  # (3, n_crew_tickets + 1)
    stamp: Ints  # (3, n_duties + n_crew_tickets + 1): which transaction saved it; the current one last
    saved_total: Floats  # (3,)
    prices: Floats  # (n_tickets, n_duties): cheapest insertion
    price_at: Ints
    price_version: Ints
    queue: Ints
    queued: Ints  # (2, n_duties): in the queue; rounds
    labels: Ints  # (longest + 2, MOST_LABELS, 6): clock, depart, taken, parent, start, avoided
    label_cost: Floats
    draft: Ints
    starts: Ints
    arrives: Ints
    missing: Ints
    troubled: Ints
    keys: Floats
    todo: Ints  # (2 * n_tickets,)
    best_row: Ints
    best_route: Ints  # (n_duties, 2): length, wait
    best_carry: Ints
    kind_seen: Ints  # (n_duties,): the last insertion that looked at an empty duty of this kind
    counter: Ints
    level: Floats
    random: NDArray[np.uint64]


def _as_pointer(_typing: Any, address: Any) -> Any:
    """The address as a pointer."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


_pointer: Any = intrinsic(_as_pointer)


@_compiled("ai")
def _ints1(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1],), np.int64)


@_compiled("ai")
def _ints2(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1], m[5 * i + 2]), np.int64)


@_compiled("ai")
def _ints3(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1], m[5 * i + 2], m[5 * i + 3]), np.int64)


@_compiled("ai")
def _ints4(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1], m[5 * i + 2], m[5 * i + 3], m[5 * i + 4]), np.int64)


@_compiled("ai")
def _floats1(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1],), np.float64)


@_compiled("ai")
def _floats2(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1], m[5 * i + 2]), np.float64)


@_compiled("ai")
def _floats3(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1], m[5 * i + 2], m[5 * i + 3]), np.float64)


@_compiled("ai")
def _bits1(m, i):
    return carray(_pointer(m[5 * i]), (m[5 * i + 1],), np.uint64)


@_compiled("u")
def _uniform(random):
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return float(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@_compiled("ui")
def _below(random, n):
    return min(n - 1, int(_uniform(random) * n))


@_compiled("tiii")
def _fit(window, a, b, x):
    """The first permitted start from `x` on; -1 when there is none."""
    for i in range(a, b):
        if x <= window[i, 1]:
            return max(x, window[i, 0])
    return -1


@_compiled("tiii")
def _fit_down(window, a, b, x):
    """The last permitted start up to `x`; -1 when there is none."""
    for i in range(b - 1, a - 1, -1):
        if window[i, 0] <= x:
            return min(x, window[i, 1])
    return -1


@_compiled("ai")
def _free_from(m, r):
    duty, routes = _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT)
    free = max(duty[r, EARLIEST], routes[NOW, r, WAIT])
    before = duty[r, BEFORE]
    if before >= 0:
        free = max(free, routes[NOW, before, RETURN])
    return free


@_compiled("ai")
def _began(m, r):
    """First departure of the earlier trips of the same shift; NEVER when there is none."""
    duty, routes = _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT)
    return routes[NOW, duty[r, BEFORE], BEGAN] if duty[r, TRIP] > 0 else NEVER


@_compiled("ai")
def _busy(m, r):
    """Last return of the earlier trips of the same shift; 0 when there is none. Overtime up to then is theirs."""
    duty, routes = _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT)
    return routes[NOW, duty[r, BEFORE], BUSY] if duty[r, TRIP] > 0 else 0


@_compiled("ai")
def _rested(m, r):
    """Breaks that the earlier trips of the same shift take, a bit each."""
    duty, routes = _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT)
    return routes[NOW, duty[r, BEFORE], RESTED] if duty[r, TRIP] > 0 else 0


@_compiled("ai")
def _way_home(m, r):
    """What it costs that somebody out drives home first, before this trip begins there."""
    duty, fare = _ints2(m, DUTY_AT), _floats2(m, FARE_AT)
    return fare[duty[r, AWAY], duty[r, HOME]] if duty[r, AWAY] >= 0 and _busy(m, r) == 0 else 0.0


@_compiled("ai")
def _next_used(m, r):
    """The same technician's next duty with visits that this one could delay; -1 when there is none."""
    duty, routes = _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT)
    after = duty[r, AFTER]
    while after >= 0 and routes[NOW, after, N] == 0:
        after = duty[after, AFTER]
    return after


@_compiled("aii")
def _keeps_order(m, t, r):
    """Whether all that is locked still comes first in the shift when a ticket joins this trip of it."""
    ticket, duty, routes = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT)
    if ticket[t, LOCKED]:
        while duty[r, TRIP] > 0:
            r = duty[r, BEFORE]
            if routes[NOW, r, N] > routes[NOW, r, N_LOCKED]:
                return False
        return True
    after = duty[r, AFTER]
    while after >= 0 and duty[after, TRIP] > 0:
        if routes[NOW, after, N_LOCKED] > 0:
            return False
        after = duty[after, AFTER]
    return True


@_compiled("aii")
def _lateness(m, t, start):
    ticket, money = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT)
    late = start - ticket[t, DUE]
    if late <= 0:
        return 0.0
    return (money[t, MISS] + money[t, LATE] * late) / ticket[t, CREW]


# Saving and bringing back.


@_compiled("ai")
def _begin(m, layer):
    stamp, saved, saved_crews, saved_total = (
        _ints2(m, STAMP_AT),
        _ints2(m, SAVED_AT),
        _ints2(m, SAVED_CREWS_AT),
        _floats1(m, SAVED_TOTAL_AT),
    )
    level, kit_version = _floats1(m, LEVEL_AT), _ints2(m, KIT_VERSION_AT)
    stamp[layer, -1] += 1
    saved[layer, -1] = 0
    saved_crews[layer, -1] = 0
    saved_total[layer] = level[TOTAL]
    for i in range(kit_version.shape[1]):
        kit_version[layer, i] = kit_version[NOW, i]


@_compiled("aii")
def _save(m, layer, r):
    stamp, saved, routes, costs = _ints2(m, STAMP_AT), _ints2(m, SAVED_AT), _ints3(m, ROUTES_AT), _floats3(m, COSTS_AT)
    rows, timing, carried = _ints3(m, ROWS_AT), _ints4(m, TIMING_AT), _ints3(m, CARRIED_AT)
    if stamp[layer, r] == stamp[layer, -1]:
        return
    stamp[layer, r] = stamp[layer, -1]
    saved[layer, saved[layer, -1]] = r
    saved[layer, -1] += 1
    n = routes[NOW, r, N]
    for c in range(routes.shape[2]):
        routes[layer, r, c] = routes[NOW, r, c]
    costs[layer, r, 0] = costs[NOW, r, 0]
    costs[layer, r, 1] = costs[NOW, r, 1]
    for k in range(n):
        rows[layer, r, k] = rows[NOW, r, k]
    for k in range(n + 1):
        for c in range(4):
            timing[layer, r, k, c] = timing[NOW, r, k, c]
    for k in range(carried.shape[2]):
        carried[layer, r, k] = carried[NOW, r, k]


@_compiled("ai")
def _touch(m, r):
    _save(m, ITERATION_LAYER, r)
    _save(m, MOVE_LAYER, r)


@_compiled("ai")
def _touch_crew(m, c):
    routes, stamp, saved_crews, crews = _ints3(m, ROUTES_AT), _ints2(m, STAMP_AT), _ints2(m, SAVED_CREWS_AT), _ints3(m, CREWS_AT)
    base = routes.shape[1]
    for layer in range(1, 3):
        if stamp[layer, base + c] != stamp[layer, -1]:
            stamp[layer, base + c] = stamp[layer, -1]
            saved_crews[layer, saved_crews[layer, -1]] = c
            saved_crews[layer, -1] += 1
            for i in range(crews.shape[2]):
                crews[layer, c, i] = crews[NOW, c, i]


@_compiled("ai")
def _rollback(m, layer):
    duty, saved, routes, duty_of = _ints2(m, DUTY_AT), _ints2(m, SAVED_AT), _ints3(m, ROUTES_AT), _ints1(m, DUTY_OF_AT)
    rows, costs, timing, carried = _ints3(m, ROWS_AT), _floats3(m, COSTS_AT), _ints4(m, TIMING_AT), _ints3(m, CARRIED_AT)
    holders, saved_crews, crews, kit_version = (
        _ints2(m, HOLDERS_AT),
        _ints2(m, SAVED_CREWS_AT),
        _ints3(m, CREWS_AT),
        _ints2(m, KIT_VERSION_AT),
    )
    level, saved_total = _floats1(m, LEVEL_AT), _floats1(m, SAVED_TOTAL_AT)
    for i in range(saved[layer, -1]):
        r = saved[layer, i]
        for k in range(routes[NOW, r, N]):
            duty_of[rows[NOW, r, k]] = -1
    for i in range(saved[layer, -1]):
        r = saved[layer, i]
        n = routes[layer, r, N]
        for c in range(routes.shape[2]):
            routes[NOW, r, c] = routes[layer, r, c]
        costs[NOW, r, 0] = costs[layer, r, 0]
        costs[NOW, r, 1] = costs[layer, r, 1]
        for k in range(n):
            rows[NOW, r, k] = rows[layer, r, k]
            duty_of[rows[NOW, r, k]] = r
        for k in range(n + 1):
            for c in range(4):
                timing[NOW, r, k, c] = timing[layer, r, k, c]
        station = duty[r, STATION]
        for k in range(carried.shape[2]):
            was, now = carried[layer, r, k], carried[NOW, r, k]
            if was != now:
                carried[NOW, r, k] = was
                holders[station, k] += (was > 0) - (now > 0)
    for i in range(saved_crews[layer, -1]):
        c = saved_crews[layer, i]
        for j in range(crews.shape[2]):
            crews[NOW, c, j] = crews[layer, c, j]
    for i in range(kit_version.shape[1]):
        kit_version[NOW, i] = kit_version[layer, i]
    level[TOTAL] = saved_total[layer]


@_compiled("aiiifiiiiii")
def _keep_label(m, stage, held, clock, cost, depart, taken, parent, begin, first, last):
    """Adds a label unless another beats it in clock and cost with the same breaks taken or avoided; the new number of labels."""
    rests, labels, label_cost = _ints2(m, RESTS_AT), _ints3(m, LABELS_AT), _floats2(m, LABEL_COST_AT)
    avoided = 0
    for b in range(first, last):
        if depart < rests[b, 0]:
            avoided |= 1 << (b - first)
    i = 0
    while i < held:
        if labels[stage, i, 2] == taken and labels[stage, i, 5] == avoided:
            if labels[stage, i, 0] <= clock and label_cost[stage, i] <= cost:
                return held
            if clock <= labels[stage, i, 0] and cost <= label_cost[stage, i]:
                held -= 1
                for c in range(6):
                    labels[stage, i, c] = labels[stage, held, c]
                label_cost[stage, i] = label_cost[stage, held]
                continue
        i += 1
    if held == MOST_LABELS:
        return held
    labels[stage, held, 0], labels[stage, held, 1], labels[stage, held, 2] = clock, depart, taken
    labels[stage, held, 3], labels[stage, held, 4], labels[stage, held, 5] = parent, begin, avoided
    label_cost[stage, held] = cost
    return held + 1


@_compiled("aaiiiii")
def _simulate_rests(m, row, n, r, extra, extra_pin, free):
    """`_simulate` for work that spans a break: every choice of spell for each break, or a departure after it."""
    duty, rests, ticket, travel = _ints2(m, DUTY_AT), _ints2(m, RESTS_AT), _ints2(m, TICKET_AT), _ints2(m, TRAVEL_AT)
    fare, windows, labels, label_cost = _floats2(m, FARE_AT), _ints2(m, WINDOWS_AT), _ints3(m, LABELS_AT), _floats2(m, LABEL_COST_AT)
    level, crews, starts, arrives = _floats1(m, LEVEL_AT), _ints3(m, CREWS_AT), _ints1(m, STARTS_AT), _ints1(m, ARRIVES_AT)
    counter = _ints1(m, COUNTER_AT)
    first, last = duty[r, REST_A], duty[r, REST_B]
    kinds = last - first
    began, busy, rested = _began(m, r), _busy(m, r), _rested(m, r)
    held = _keep_label(m, 0, 0, free, 0.0, free, rested, -1, 0, first, last)
    for b in range(first, last):
        d = max(free, rests[b, 0])
        held = _keep_label(m, 0, held, d, 0.0, d, rested, -1, 0, first, last)
    at, drive_cost = duty[r, ORIGIN], _way_home(m, r)
    best, best_return, best_depart, best_label, best_taken = INF, 0, 0, -1, 0
    for k in range(n + 1):
        home = k == n
        t = row[k] if not home else -1
        here = duty[r, HOME] if home else ticket[t, LOCATION]
        drive = travel[at, here]
        drive_cost += fare[at, here]
        kept = 0
        for i in range(held):
            clock, depart, taken = labels[k, i, 0], labels[k, i, 1], labels[k, i, 2]
            for subset in range(1 << kinds):
                if subset & taken:
                    continue
                length, rest_end, first_rest, possible = 0, 0, NEVER, True
                for b in range(kinds):
                    if subset & (1 << b):
                        begin = max(clock, rests[first + b, 0], rest_end)
                        if begin > rests[first + b, 1]:
                            possible = False
                            break
                        first_rest = min(first_rest, begin)
                        rest_end = begin + rests[first + b, 2]
                        length += rests[first + b, 2]
                if not possible:
                    continue
                ready = max(clock + drive + length, rest_end)
                if home:
                    if ready > duty[r, LATEST]:
                        continue
                    worked_through = False
                    for b in range(kinds):
                        if not ((taken | subset) & (1 << b)) and min(began, depart) < rests[first + b, 0] and ready > rests[first + b, 3]:
                            worked_through = True
                    if worked_through:
                        continue
                    cost = label_cost[k, i] + max(0, ready - max(duty[r, END], busy)) * level[OVERTIME]
                    if cost < best or (cost == best and (ready < best_return or (ready == best_return and depart > best_depart))):
                        best, best_return, best_depart, best_label, best_taken = cost, ready, depart, i, taken | subset
                    continue
                start = ready
                if ticket[t, CREW] > 1:
                    start = max(start, extra_pin if t == extra else crews[NOW, ticket[t, CREW_ROW], PIN])
                start = _fit(windows, ticket[t, WINDOW_A], ticket[t, WINDOW_B], start)
                if start < 0:
                    continue
                leave = depart
                if k == 0:
                    leave = max(clock, min(start - drive - length, first_rest))
                for b in range(kinds):  # work that lasts on after a break that it spans without taking it leads nowhere
                    untaken = not ((taken | subset) & (1 << b))
                    possible &= not (
                        untaken and min(began, leave) < rests[first + b, 0] and start + ticket[t, SERVICE] > rests[first + b, 3]
                    )
                if not possible:
                    continue
                kept = _keep_label(
                    m, k + 1, kept, start + ticket[t, SERVICE], label_cost[k, i] + _lateness(m, t, start), leave,
                    taken | subset, i, start, first, last,
                )  # fmt: skip
        held, at = kept, here
    if best_label < 0:
        return INF
    i = best_label
    for k in range(n, 0, -1):
        starts[k - 1] = labels[k, i, 4]
        arrives[k - 1] = labels[k, i, 4]
        i = labels[k, i, 3]
    counter[SIM_DEPART], counter[SIM_RETURN], counter[SIM_RESTED] = best_depart, best_return, best_taken
    return best + drive_cost


# Times.


@_compiled("aaiiii")
def _simulate(m, row, n, r, extra, extra_pin):
    """Cost of a duty with this row, infinite when it does not fit; times go to `starts`, `arrives` and `counter`.

    `extra` is a ticket for a crew whose start is not before `extra_pin`, whatever the state says.
    """
    duty, ticket, travel, windows = _ints2(m, DUTY_AT), _ints2(m, TICKET_AT), _ints2(m, TRAVEL_AT), _ints2(m, WINDOWS_AT)
    fare, rests, starts, arrives = _floats2(m, FARE_AT), _ints2(m, RESTS_AT), _ints1(m, STARTS_AT), _ints1(m, ARRIVES_AT)
    counter, crews, level = _ints1(m, COUNTER_AT), _ints3(m, CREWS_AT), _floats1(m, LEVEL_AT)
    free = _free_from(m, r)
    at, clock, cost = duty[r, ORIGIN], free, 0.0
    for k in range(n):
        t = row[k]
        here = ticket[t, LOCATION]
        arrive = clock + travel[at, here]
        begin = arrive
        if ticket[t, CREW] > 1:
            begin = max(begin, extra_pin if t == extra else crews[NOW, ticket[t, CREW_ROW], PIN])
        begin = _fit(windows, ticket[t, WINDOW_A], ticket[t, WINDOW_B], begin)
        if begin < 0:
            return INF
        arrives[k], starts[k] = arrive, begin
        cost += fare[at, here] + _lateness(m, t, begin)
        at, clock = here, begin + ticket[t, SERVICE]
    home = duty[r, HOME]
    back = clock + travel[at, home]
    if back > duty[r, LATEST]:
        return INF
    depart = starts[0] - travel[duty[r, ORIGIN], ticket[row[0], LOCATION]]
    rested = _rested(m, r)
    began = min(depart, _began(m, r))
    for b in range(duty[r, REST_A], duty[r, REST_B]):
        if began < rests[b, 0] and back > rests[b, 3] and not (rested & (1 << (b - duty[r, REST_A]))):
            return _simulate_rests(m, row, n, r, extra, extra_pin, free)
    counter[SIM_DEPART], counter[SIM_RETURN], counter[SIM_RESTED] = depart, back, rested
    return cost + _way_home(m, r) + fare[at, home] + max(0, back - max(duty[r, END], _busy(m, r))) * level[OVERTIME]


@_compiled("a")
def _tick(m):
    counter = _ints1(m, COUNTER_AT)
    counter[TICK] += 1
    return counter[TICK]


@_compiled("ai")
def _time_route(m, r):
    """Times a duty anew; False when it does not fit."""
    duty, ticket, travel, windows = _ints2(m, DUTY_AT), _ints2(m, TICKET_AT), _ints2(m, TRAVEL_AT), _ints2(m, WINDOWS_AT)
    routes, timing, rows, counter = _ints3(m, ROUTES_AT), _ints4(m, TIMING_AT), _ints3(m, ROWS_AT), _ints1(m, COUNTER_AT)
    starts, arrives, level, costs = _ints1(m, STARTS_AT), _ints1(m, ARRIVES_AT), _floats1(m, LEVEL_AT), _floats3(m, COSTS_AT)
    kit_version = _ints2(m, KIT_VERSION_AT)
    n = routes[NOW, r, N]
    times, route = timing[NOW, r], routes[NOW, r]
    cost, depart, back = 0.0, NEVER, duty[r, IDLE]
    began, busy, rested = _began(m, r), _busy(m, r), _rested(m, r)
    if n > 0:
        cost = _simulate(m, rows[NOW, r], n, r, -1, 0)
        if cost == INF:
            return False
        depart, back = counter[SIM_DEPART], counter[SIM_RETURN]
        began, busy, rested = min(began, depart), back, counter[SIM_RESTED]
    elif duty[r, BEFORE] >= 0:
        back = max(back, routes[NOW, duty[r, BEFORE], RETURN])
    if duty[r, OUT] and n == 0:
        began = duty[r, EARLIEST]
    route[BEGAN], route[BUSY], route[RESTED] = began, busy, rested
    changed = n == 0 or route[DEPART] != depart or route[RETURN] != back or costs[NOW, r, 0] != cost
    for k in range(n):
        changed = changed or times[k, START] != starts[k] or times[k, ARRIVE] != arrives[k]
        times[k, ARRIVE], times[k, START] = arrives[k], starts[k]
    level[TOTAL] += cost - costs[NOW, r, 0]
    costs[NOW, r, 0] = cost
    route[DEPART], route[RETURN] = depart, back
    if changed:
        route[VERSION] = _tick(m)
        if route[N_KITS] > 0:
            kit_version[NOW, duty[r, STATION]] = _tick(m)
    after = _next_used(m, r)
    slack = max(duty[r, END], back if n > 0 else 0)
    if after >= 0:
        slack = min(slack, max(back, duty[after, EARLIEST], routes[NOW, after, WAIT]))
    times[n, ARRIVE], times[n, LAST], times[n, SLACK] = (back if n > 0 else 0), duty[r, LATEST], slack
    here = duty[r, HOME]
    for k in range(n - 1, -1, -1):
        t = rows[NOW, r, k]
        a, b = ticket[t, WINDOW_A], ticket[t, WINDOW_B]
        leg = ticket[t, SERVICE] + travel[ticket[t, LOCATION], here]
        times[k, LAST] = _fit_down(windows, a, b, times[k + 1, LAST] - leg)
        if ticket[t, CREW] > 1:
            times[k, SLACK] = times[k, START]
        else:
            free = min(max(times[k, START], ticket[t, DUE]), times[k + 1, SLACK] - leg)
            times[k, SLACK] = max(_fit_down(windows, a, b, free), times[k, ARRIVE])
        here = ticket[t, LOCATION]
    return True


# Kits.


@_compiled("aiiii")
def _out_at(m, station, kit, moment, r):
    """How many of a kit are out at a moment, beside what duty `r` has."""
    station_ptr, station_duty, duty, holding = (
        _ints1(m, STATION_PTR_AT),
        _ints1(m, STATION_DUTY_AT),
        _ints2(m, DUTY_AT),
        _ints2(m, HOLDING_AT),
    )
    lent, routes, carried = _ints2(m, LENT_AT), _ints3(m, ROUTES_AT), _ints3(m, CARRIED_AT)
    out = 0
    for i in range(station_ptr[station], station_ptr[station + 1]):
        other = station_duty[i]
        if other == r:
            continue
        if duty[other, OUT]:
            out += holding[other, kit] and moment < routes[NOW, other, RETURN]
        elif carried[NOW, other, kit] > 0:
            out += routes[NOW, other, DEPART] <= moment < routes[NOW, other, RETURN]
    for i in range(lent.shape[0]):
        out += lent[i, 0] == station and lent[i, 1] == kit and moment < lent[i, 2]
    return out


@_compiled("aiiii")
def _kit_fits(m, kit, r, depart, back):
    """Whether the station has a kit for duty `r` from `depart` to `back`, beside the others at their present times."""
    duty, stock, station_ptr, station_duty = _ints2(m, DUTY_AT), _ints2(m, STOCK_AT), _ints1(m, STATION_PTR_AT), _ints1(m, STATION_DUTY_AT)
    carried, holders, routes = _ints3(m, CARRIED_AT), _ints2(m, HOLDERS_AT), _ints3(m, ROUTES_AT)
    station = duty[r, STATION]
    owned = stock[station, kit]
    mine = 1 if duty[r, OUT] or carried[NOW, r, kit] > 0 else 0
    if holders[station, kit] - mine + 1 <= owned:
        return True
    if duty[r, OUT]:
        depart = 0
    elif _out_at(m, station, kit, depart, r) + 1 > owned:
        return False
    for i in range(station_ptr[station], station_ptr[station + 1]):
        other = station_duty[i]
        if other != r and not duty[other, OUT] and carried[NOW, other, kit] > 0:
            begin = routes[NOW, other, DEPART]
            if depart <= begin < back and _out_at(m, station, kit, begin, r) + 1 > owned:
                return False
    return True


@_compiled("aiiii")
def _kits_fit(m, r, extra, depart, back):
    """Whether all kits that a duty has, and those of ticket `extra` (-1: none), can be out from `depart` to `back`."""
    stock, duty, holding, ticket = _ints2(m, STOCK_AT), _ints2(m, DUTY_AT), _ints2(m, HOLDING_AT), _ints2(m, TICKET_AT)
    kits_needed, routes, carried = _ints1(m, KITS_NEEDED_AT), _ints3(m, ROUTES_AT), _ints3(m, CARRIED_AT)
    left = routes[NOW, r, N_KITS]
    for kit in range(stock.shape[1]):
        if left == 0:
            break
        if (duty[r, OUT] and holding[r, kit]) or carried[NOW, r, kit] > 0:
            left -= 1
            if not _kit_fits(m, kit, r, depart, back):
                return False
    if extra >= 0 and not duty[r, OUT]:
        for i in range(ticket[extra, KIT_A], ticket[extra, KIT_B]):
            if carried[NOW, r, kits_needed[i]] == 0 and not _kit_fits(m, kits_needed[i], r, depart, back):
                return False
    return True


@_compiled("aiii")
def _carry(m, r, kit, step):
    """Counts one more (or fewer, `step` -1) ticket for which the duty takes a kit."""
    duty, carried, routes, holders = _ints2(m, DUTY_AT), _ints3(m, CARRIED_AT), _ints3(m, ROUTES_AT), _ints2(m, HOLDERS_AT)
    kit_version = _ints2(m, KIT_VERSION_AT)
    if duty[r, OUT]:
        return
    was = carried[NOW, r, kit]
    carried[NOW, r, kit] = was + step
    change = (was + step > 0) - (was > 0)
    routes[NOW, r, N_KITS] += change
    holders[duty[r, STATION], kit] += change
    kit_version[NOW, duty[r, STATION]] = _tick(m)


# Changing routes.


@_compiled("ai")
def _enqueue(m, r):
    queued, queue, counter = _ints2(m, QUEUED_AT), _ints1(m, QUEUE_AT), _ints1(m, COUNTER_AT)
    if queued[0, r] == 0:
        queued[0, r] = 1
        size = queue.shape[0]
        queue[(counter[HEAD] + counter[QUEUED]) % size] = r
        counter[QUEUED] += 1


@_compiled("a")
def _give_up(m):
    queue, counter, queued = _ints1(m, QUEUE_AT), _ints1(m, COUNTER_AT), _ints2(m, QUEUED_AT)
    size = queue.shape[0]
    for i in range(counter[QUEUED]):
        queued[0, queue[(counter[HEAD] + i) % size]] = 0
    counter[QUEUED] = 0
    return False


@_compiled("a")
def _reset_linked(m):
    """Adds to the queue whatever shares a crew or a person with it, and lets all those crews start from their earliest again."""
    ticket, duty, counter, queue = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT), _ints1(m, COUNTER_AT), _ints1(m, QUEUE_AT)
    routes, rows, crews = _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT), _ints3(m, CREWS_AT)
    i = 0
    while i < counter[QUEUED]:
        r = queue[(counter[HEAD] + i) % queue.shape[0]]
        i += 1
        _touch(m, r)
        if routes[NOW, r, N_CREWS] > 0:
            for k in range(routes[NOW, r, N]):
                c = ticket[rows[NOW, r, k], CREW_ROW]
                if c >= 0:
                    _touch_crew(m, c)
                    crews[NOW, c, PIN] = 0
                    for j in range(crews[NOW, c, SIZE]):
                        _enqueue(m, crews[NOW, c, MEMBERS + j])
        if duty[r, AFTER] >= 0:
            routes[NOW, r, RETURN] = duty[r, IDLE]
            _enqueue(m, duty[r, AFTER])


@_compiled("ai")
def _note_release(m, short):
    """Notes when the duty being changed could depart with kits that are now out, because duty `short` lacks one; -1 if never."""
    duty, stock, routes, carried = _ints2(m, DUTY_AT), _ints2(m, STOCK_AT), _ints3(m, ROUTES_AT), _ints3(m, CARRIED_AT)
    counter, station_ptr, station_duty, holding = (
        _ints1(m, COUNTER_AT),
        _ints1(m, STATION_PTR_AT),
        _ints1(m, STATION_DUTY_AT),
        _ints2(m, HOLDING_AT),
    )
    lent = _ints2(m, LENT_AT)
    r = counter[WAITER]
    counter[RELEASE] = -1
    if r < 0 or duty[r, OUT] or duty[r, STATION] != duty[short, STATION]:
        return
    station, soonest = duty[r, STATION], NEVER
    for kit in range(stock.shape[1]):
        if carried[NOW, r, kit] == 0:
            continue
        for i in range(station_ptr[station], station_ptr[station + 1]):
            other = station_duty[i]
            back = routes[NOW, other, RETURN]
            if other != r and (holding[other, kit] or carried[NOW, other, kit] > 0) and back > routes[NOW, r, DEPART]:
                soonest = min(soonest, back)
        for i in range(lent.shape[0]):
            if lent[i, 0] == station and lent[i, 1] == kit and lent[i, 2] > routes[NOW, r, DEPART]:
                soonest = min(soonest, lent[i, 2])
    if soonest < duty[r, LATEST]:
        counter[RELEASE] = soonest


@_compiled("a")
def _settle(m):
    """Times all queued duties and whatever they delay, and checks kits; False when something does not fit.

    Whoever of a crew arrives last sets its start, which may delay other routes, and so on: the least fixpoint, when it
    begins below. A cycle never settles and is given up.
    """
    ticket, duty, counter, queued = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT), _ints1(m, COUNTER_AT), _ints2(m, QUEUED_AT)
    queue, stamp, routes, rows = _ints1(m, QUEUE_AT), _ints2(m, STAMP_AT), _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT)
    timing, crews, saved = _ints4(m, TIMING_AT), _ints3(m, CREWS_AT), _ints2(m, SAVED_AT)
    for i in range(counter[QUEUED]):
        queued[1, queue[(counter[HEAD] + i) % queue.shape[0]]] = 0
    while counter[QUEUED] > 0:
        r = queue[counter[HEAD]]
        counter[HEAD] = (counter[HEAD] + 1) % queue.shape[0]
        counter[QUEUED] -= 1
        queued[0, r] = 0
        if stamp[MOVE_LAYER, r] != stamp[MOVE_LAYER, -1]:
            queued[1, r] = 0
        queued[1, r] += 1
        _touch(m, r)
        returned, began, rested, busy = routes[NOW, r, RETURN], routes[NOW, r, BEGAN], routes[NOW, r, RESTED], routes[NOW, r, BUSY]
        if queued[1, r] > MOST_ROUNDS or not _time_route(m, r):
            return _give_up(m)
        if routes[NOW, r, N_CREWS] > 0:
            for k in range(routes[NOW, r, N]):
                c = ticket[rows[NOW, r, k], CREW_ROW]
                if c >= 0 and timing[NOW, r, k, START] > crews[NOW, c, PIN]:
                    _touch_crew(m, c)
                    crews[NOW, c, PIN] = timing[NOW, r, k, START]
                    for j in range(crews[NOW, c, SIZE]):
                        if crews[NOW, c, MEMBERS + j] != r:
                            _enqueue(m, crews[NOW, c, MEMBERS + j])
        moved = routes[NOW, r, RETURN] != returned or routes[NOW, r, BUSY] != busy
        moved |= routes[NOW, r, BEGAN] != began or routes[NOW, r, RESTED] != rested
        if moved and duty[r, AFTER] >= 0:
            _enqueue(m, duty[r, AFTER])
    for i in range(saved[MOVE_LAYER, -1]):
        r = saved[MOVE_LAYER, i]
        involved = routes[NOW, r, N] > 0 or duty[r, OUT] == 1
        kits = involved and routes[NOW, r, N_KITS] > 0
        if kits and not _kits_fit(m, r, -1, routes[NOW, r, DEPART], routes[NOW, r, RETURN]):
            _note_release(m, r)
            return False
    return True


@_compiled("aiii")
def _put(m, t, r, position):
    """Puts a ticket into one duty's row, untimed."""
    ticket, money, routes, rows = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT), _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT)
    costs, duty_of = _floats3(m, COSTS_AT), _ints1(m, DUTY_OF_AT)
    _touch(m, r)
    n = routes[NOW, r, N]
    for k in range(n, position, -1):
        rows[NOW, r, k] = rows[NOW, r, k - 1]
    rows[NOW, r, position] = t
    routes[NOW, r, N] = n + 1
    routes[NOW, r, N_LOCKED] += ticket[t, LOCKED]
    routes[NOW, r, N_CREWS] += ticket[t, CREW] > 1
    routes[NOW, r, VERSION] = _tick(m)
    costs[NOW, r, 1] += money[t, LOAD]
    duty_of[t] = r
    _enqueue(m, r)


@_compiled("aii")
def _take(m, t, r):
    """Takes a ticket out of one duty's row, untimed."""
    money, ticket, routes, costs = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints3(m, ROUTES_AT), _floats3(m, COSTS_AT)
    rows = _ints3(m, ROWS_AT)
    _touch(m, r)
    n = routes[NOW, r, N]
    gone = 0
    costs[NOW, r, 1] = 0.0
    for k in range(n):
        other = rows[NOW, r, k]
        if other == t:
            gone = 1
        else:
            rows[NOW, r, k - gone] = other
            costs[NOW, r, 1] += money[other, LOAD]
    routes[NOW, r, N] = n - 1
    routes[NOW, r, N_LOCKED] -= ticket[t, LOCKED]
    routes[NOW, r, N_CREWS] -= ticket[t, CREW] > 1
    routes[NOW, r, VERSION] = _tick(m)
    _enqueue(m, r)


@_compiled("aii")
def _single_change(m, t, r):
    money, ticket, duty = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints2(m, DUTY_AT)
    return money[t, CHANGE] if ticket[t, TOLD] != duty[r, TECHNICIAN] else 0.0


@_compiled("aiai")
def _crew_change(m, t, members, size):
    """What it costs that the crew is another than the promised one; 0 when it is the same."""
    money, ticket, told, duty = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints1(m, TOLD_AT), _ints2(m, DUTY_AT)
    if money[t, CHANGE] == 0.0:
        return 0.0
    a, b = ticket[t, TOLD_A], ticket[t, TOLD_B]
    same = b - a == size
    for i in range(size):
        found = False
        for j in range(a, b):
            found = found or told[j] == duty[members[i], TECHNICIAN]
        same = same and found
    return 0.0 if same else money[t, CHANGE]


@_compiled("ai")
def _stop_waiting(m, r):
    """A duty that takes no kit has nothing to wait for."""
    routes = _ints3(m, ROUTES_AT)
    if routes[NOW, r, N_KITS] == 0:
        routes[NOW, r, WAIT] = 0


@_compiled("ai")
def _remove(m, t):
    """Takes a planned ticket out of all its duties, untimed."""
    ticket, money, kits_needed, duty_of = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT), _ints1(m, KITS_NEEDED_AT), _ints1(m, DUTY_OF_AT)
    level, crews = _floats1(m, LEVEL_AT), _ints3(m, CREWS_AT)
    c = ticket[t, CREW_ROW]
    if c < 0:
        r = duty_of[t]
        level[TOTAL] += money[t, ABSENT] - _single_change(m, t, r)
        _take(m, t, r)
        for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
            _carry(m, r, kits_needed[i], -1)
        _stop_waiting(m, r)
    else:
        _touch_crew(m, c)
        crew, size = crews[NOW, c], crews[NOW, c, SIZE]
        level[TOTAL] += money[t, ABSENT] - _crew_change(m, t, crew[MEMBERS:], size)
        for i in range(size):
            _take(m, t, crew[MEMBERS + i])
        bearers = MEMBERS + ticket[t, CREW]
        for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
            _carry(m, crew[bearers + i - ticket[t, KIT_A]], kits_needed[i], -1)
        for i in range(size):
            _stop_waiting(m, crew[MEMBERS + i])
        crew[SIZE] = 0
    duty_of[t] = -1


@_compiled("aiii")
def insert(m, t, r, position):
    """Puts a ticket for one person into a duty; on False nothing was changed. Call `_begin(m, MOVE_LAYER)` first.

    Where a kit is out, the departure waits until it is back.
    """
    ticket, money, kits_needed, level = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT), _ints1(m, KITS_NEEDED_AT), _floats1(m, LEVEL_AT)
    counter, routes = _ints1(m, COUNTER_AT), _ints3(m, ROUTES_AT)
    if not _keeps_order(m, t, r):
        return False
    wait = routes[NOW, r, WAIT]
    for _ in range(MOST_WAITS):
        _put(m, t, r, position)
        routes[NOW, r, WAIT] = wait
        for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
            _carry(m, r, kits_needed[i], 1)
        level[TOTAL] += _single_change(m, t, r) - money[t, ABSENT]
        counter[WAITER], counter[RELEASE] = r, -1
        settled = _settle(m)
        counter[WAITER] = -1  # nobody else's failure moves this duty
        if settled:
            return True
        _rollback(m, MOVE_LAYER)
        if counter[RELEASE] <= wait:
            return False
        wait = counter[RELEASE]
        _begin(m, MOVE_LAYER)
    return False


@_compiled("aiai")
def _bearer(m, kit, members, size):
    """Who of a crew brings a kit: who has it anyway, else whose station has most to spare; -1 when nobody can."""
    duty, holding, stock, carried = _ints2(m, DUTY_AT), _ints2(m, HOLDING_AT), _ints2(m, STOCK_AT), _ints3(m, CARRIED_AT)
    holders = _ints2(m, HOLDERS_AT)
    best, spare = -1, -NEVER
    for i in range(size):
        r = members[i]
        if duty[r, OUT]:
            if holding[r, kit]:
                return r
            continue
        if carried[NOW, r, kit] > 0:
            return r
        owned = stock[duty[r, STATION], kit]
        if owned > 0 and owned - holders[duty[r, STATION], kit] > spare:
            best, spare = r, owned - holders[duty[r, STATION], kit]
    return best


@_compiled("aiaa")
def _insert_crew(m, t, members, positions):
    """Puts a ticket into the duties of its crew; on False nothing was changed."""
    ticket, kits_needed, money, crews = _ints2(m, TICKET_AT), _ints1(m, KITS_NEEDED_AT), _floats2(m, MONEY_AT), _ints3(m, CREWS_AT)
    level = _floats1(m, LEVEL_AT)
    c, size = ticket[t, CREW_ROW], ticket[t, CREW]
    _begin(m, MOVE_LAYER)
    _touch_crew(m, c)
    crew = crews[NOW, c]
    crew[PIN], crew[SIZE] = 0, size
    for i in range(size):
        crew[MEMBERS + i] = members[i]
        _put(m, t, members[i], positions[i])
    dealt = True
    for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
        bearer = _bearer(m, kits_needed[i], members, size)
        dealt = dealt and bearer >= 0
        if dealt:
            crew[MEMBERS + size + i - ticket[t, KIT_A]] = bearer
            _carry(m, bearer, kits_needed[i], 1)
    level[TOTAL] += _crew_change(m, t, members, size) - money[t, ABSENT]
    if not dealt:
        _give_up(m)
        _rollback(m, MOVE_LAYER)
        return False
    if _settle(m):
        return True
    _rollback(m, MOVE_LAYER)
    return False


@_compiled("aiiii")
def _cost_among_rests(m, t, r, position, begin):
    routes, draft, rows, costs = _ints3(m, ROUTES_AT), _ints1(m, DRAFT_AT), _ints3(m, ROWS_AT), _floats3(m, COSTS_AT)
    n = routes[NOW, r, N]
    for k in range(position):
        draft[k] = rows[NOW, r, k]
    draft[position] = t
    for k in range(position, n):
        draft[k + 1] = rows[NOW, r, k]
    return _simulate(m, draft, n + 1, r, t, begin) - costs[NOW, r, 0]


@_compiled("aii")
def _links_moved(m, n, r):
    """Whether the row just simulated in `draft` would delay a crew or the person's next duty."""
    ticket, duty, draft, routes = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT), _ints1(m, DRAFT_AT), _ints3(m, ROUTES_AT)
    starts, crews, counter = _ints1(m, STARTS_AT), _ints3(m, CREWS_AT), _ints1(m, COUNTER_AT)
    if routes[NOW, r, N_CREWS] > 0:
        for k in range(n + 1):
            c = ticket[draft[k], CREW_ROW]
            if c >= 0 and starts[k] > crews[NOW, c, PIN]:
                return True
    after = _next_used(m, r)
    return after >= 0 and (duty[after, TRIP] > 0 or counter[SIM_RETURN] > routes[NOW, r, RETURN])


@_compiled("aiii")
def _tried(m, t, r, position):
    """The exact price of an insertion that delays others: it is carried out and taken back."""
    money, level = _floats2(m, MONEY_AT), _floats1(m, LEVEL_AT)
    _begin(m, MOVE_LAYER)
    before = level[TOTAL]
    cost = INF
    if insert(m, t, r, position):
        cost = level[TOTAL] - before + money[t, ABSENT]
        _rollback(m, MOVE_LAYER)
    return cost


@_compiled("aiiiibf")
def _best_among_rests(m, t, r, low, high, kits, base):
    """`_best_in_route` for a duty with breaks: each position is timed in full."""
    ticket, routes, counter = _ints2(m, TICKET_AT), _ints3(m, ROUTES_AT), _ints1(m, COUNTER_AT)
    n = routes[NOW, r, N]
    single = ticket[t, CREW] == 1
    best = INF
    for position in range(low, high + 1):
        cost = _cost_among_rests(m, t, r, position, 0)
        if not (base + cost < best):
            continue
        moved = _links_moved(m, n, r)
        lacking = (kits or routes[NOW, r, N_KITS] > 0) and not _kits_fit(m, r, t if kits else -1, counter[SIM_DEPART], counter[SIM_RETURN])
        if lacking and not single:
            continue
        if single and (moved or lacking):
            cost = _tried(m, t, r, position) - base
        if base + cost < best:
            best = base + cost
            counter[POSITION] = position
    return best


@_compiled("aiiiifb")
def _insertion_cost(m, t, r, position, begin, most, whole):
    """Added cost of ticket `t` at a position of a duty without breaks, its start not before `begin`.

    Infinite when it does not fit or costs at least `most`. `counter[LINKED]` says whether it would delay a crew or the person's
    next duty, and the caller must look closer. The start goes to `counter`, and with `whole` departure and return, too.
    """
    ticket, duty, windows, travel = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT), _ints2(m, WINDOWS_AT), _ints2(m, TRAVEL_AT)
    fare, counter, routes, timing = _floats2(m, FARE_AT), _ints1(m, COUNTER_AT), _ints3(m, ROUTES_AT), _ints4(m, TIMING_AT)
    rows, crews, level = _ints3(m, ROWS_AT), _ints3(m, CREWS_AT), _floats1(m, LEVEL_AT)
    n = routes[NOW, r, N]
    times = timing[NOW, r]
    here = ticket[t, LOCATION]
    if position == 0:
        at, clock = duty[r, ORIGIN], _free_from(m, r)
    else:
        other = rows[NOW, r, position - 1]
        at, clock = ticket[other, LOCATION], times[position - 1, START] + ticket[other, SERVICE]
    start = _fit(windows, ticket[t, WINDOW_A], ticket[t, WINDOW_B], max(clock + travel[at, here], begin))
    if start < 0:
        return INF
    next_at = duty[r, HOME] if position == n else ticket[rows[NOW, r, position], LOCATION]
    clock = start + ticket[t, SERVICE] + travel[here, next_at]
    if clock > times[position, LAST]:
        return INF
    cost = fare[at, here] + fare[here, next_at] + _lateness(m, t, start)
    if n > 0:
        cost -= fare[at, next_at]
    else:
        cost += _way_home(m, r)
    if cost >= most and clock >= times[position, ARRIVE]:
        return INF
    if not (cost < INF):
        return INF
    if position == 0:
        counter[SIM_DEPART] = start - travel[at, here]
    else:
        counter[SIM_DEPART] = routes[NOW, r, DEPART]
    counter[BEGUN] = start
    linked = 0
    k = position
    while k <= n:
        if times[k, ARRIVE] <= clock <= times[k, SLACK] and not whole:
            counter[LINKED] = linked
            return cost
        if k == n:
            break
        other = rows[NOW, r, k]
        arrive = clock
        if ticket[other, CREW] > 1:
            pin = crews[NOW, ticket[other, CREW_ROW], PIN]
            linked |= arrive > pin
            arrive = max(arrive, pin)
        start = _fit(windows, ticket[other, WINDOW_A], ticket[other, WINDOW_B], arrive)
        if start < 0:
            return INF
        cost += _lateness(m, other, start) - _lateness(m, other, times[k, START])
        here = ticket[other, LOCATION]
        next_at = duty[r, HOME] if k + 1 == n else ticket[rows[NOW, r, k + 1], LOCATION]
        clock = start + ticket[other, SERVICE] + travel[here, next_at]
        k += 1
    if clock > duty[r, LATEST]:
        return INF
    counter[SIM_RETURN] = clock
    end = max(duty[r, END], _busy(m, r))
    cost += max(0, clock - end) * level[OVERTIME]
    if n > 0:
        cost -= max(0, routes[NOW, r, RETURN] - end) * level[OVERTIME]
    after = _next_used(m, r)
    if after >= 0:
        linked |= clock > max(routes[NOW, r, RETURN], duty[after, EARLIEST], routes[NOW, after, WAIT])
    counter[LINKED] = linked
    return cost


@_compiled("aii")
def _best_in_route(m, t, r):
    """The cheapest insertion of a ticket into a duty; its position goes to `counter[POSITION]`.

    For a ticket that needs a crew: what this member would cost if the others were there in time, kits left aside.
    """
    ticket, money, capacity, duty = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT), _floats1(m, CAPACITY_AT), _ints2(m, DUTY_AT)
    holding, kits_needed, stock, counter = _ints2(m, HOLDING_AT), _ints1(m, KITS_NEEDED_AT), _ints2(m, STOCK_AT), _ints1(m, COUNTER_AT)
    routes, rows, costs = _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT), _floats3(m, COSTS_AT)
    n = routes[NOW, r, N]
    counter[POSITION] = -1
    single = ticket[t, CREW] == 1
    if n + 1 > rows.shape[2] or costs[NOW, r, 1] + money[t, LOAD] > capacity[r] or not _keeps_order(m, t, r):
        return INF
    kits = ticket[t, KIT_A] < ticket[t, KIT_B] and single
    if kits:
        for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
            if duty[r, OUT]:
                if not holding[r, kits_needed[i]]:
                    return INF
            elif stock[duty[r, STATION], kits_needed[i]] == 0:
                return INF
    base = _single_change(m, t, r) if single else 0.0
    low, high = routes[NOW, r, N_LOCKED], n
    if ticket[t, LOCKED]:
        low, high = 0, routes[NOW, r, N_LOCKED]
    if duty[r, REST_A] < duty[r, REST_B]:
        return _best_among_rests(m, t, r, low, high, kits, base)
    best = INF
    travel, fare, timing, windows = _ints2(m, TRAVEL_AT), _floats2(m, FARE_AT), _ints4(m, TIMING_AT), _ints2(m, WINDOWS_AT)
    if ticket[t, WINDOW_A] == ticket[t, WINDOW_B]:
        return INF
    latest = windows[ticket[t, WINDOW_B] - 1, 1]
    here, service = ticket[t, LOCATION], ticket[t, SERVICE]
    for position in range(low, high + 1):
        # Most positions are ruled out here, exactly as `_insertion_cost` would do it.
        if position == 0:
            at, clock = duty[r, ORIGIN], _free_from(m, r)
        else:
            other = rows[NOW, r, position - 1]
            at, clock = ticket[other, LOCATION], timing[NOW, r, position - 1, START] + ticket[other, SERVICE]
        if clock > latest:
            break
        next_at = duty[r, HOME] if position == n else ticket[rows[NOW, r, position], LOCATION]
        clock += travel[at, here] + service + travel[here, next_at]
        if clock > timing[NOW, r, position, LAST]:
            continue
        if n > 0 and clock >= timing[NOW, r, position, ARRIVE] and fare[at, here] + fare[here, next_at] - fare[at, next_at] >= best - base:
            continue
        cost = _insertion_cost(m, t, r, position, 0, best - base, kits or routes[NOW, r, N_KITS] > 0)
        if cost == INF:
            continue
        linked = counter[LINKED] == 1
        lacking = (kits or routes[NOW, r, N_KITS] > 0) and not _kits_fit(m, r, t if kits else -1, counter[SIM_DEPART], counter[SIM_RETURN])
        if lacking and not single:
            continue
        if single and (linked or lacking):
            cost = _tried(m, t, r, position) - base
        if cost + base < best:
            best = cost + base
            counter[POSITION] = position
    return best


# The price of an insertion.


@_compiled("aii")
def price(m, t, r):
    """What the cheapest insertion of a ticket into a duty costs, infinite when there is none; remembered by version."""
    ticket, duty, routes, kit_version = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT), _ints3(m, ROUTES_AT), _ints2(m, KIT_VERSION_AT)
    price_version, prices, price_at, counter = (
        _ints2(m, PRICE_VERSION_AT),
        _floats2(m, PRICES_AT),
        _ints2(m, PRICE_AT_AT),
        _ints1(m, COUNTER_AT),
    )
    money, capacity = _floats2(m, MONEY_AT), _floats1(m, CAPACITY_AT)
    if duty[r, TRIP] > 0 and routes[NOW, r, N] == 0:
        # Without a kit to fetch or a load to take in, the ticket could as well be the last of the trip before.
        fetches = ticket[t, KIT_A] < ticket[t, KIT_B] or (money[t, LOAD] > 0.0 and capacity[r] < INF)
        if not fetches or (duty[r, AWAY] < 0 and routes[NOW, duty[r, BEFORE], N] == 0):
            return INF
    version = routes[NOW, r, VERSION]
    if routes[NOW, r, N_KITS] > 0 or ticket[t, KIT_A] < ticket[t, KIT_B]:
        version = max(version, kit_version[NOW, duty[r, STATION]])
    if price_version[t, r] != version:
        prices[t, r] = _best_in_route(m, t, r)
        price_at[t, r] = counter[POSITION]
        price_version[t, r] = version
    return prices[t, r]


# Crews.


@_compiled("aiiii")
def _part_cost(m, t, r, position, begin):
    """What one member's part of a crew's ticket costs at a position, starting no sooner than `begin`; start in `counter[BEGUN]`."""
    duty, counter, starts = _ints2(m, DUTY_AT), _ints1(m, COUNTER_AT), _ints1(m, STARTS_AT)
    if duty[r, REST_A] < duty[r, REST_B]:
        cost = _cost_among_rests(m, t, r, position, begin)
        counter[BEGUN] = starts[position]
        return cost
    return _insertion_cost(m, t, r, position, begin, INF, False)


@_compiled("aii")
def _brings(m, r, kit):
    duty, holding, stock = _ints2(m, DUTY_AT), _ints2(m, HOLDING_AT), _ints2(m, STOCK_AT)
    if duty[r, OUT]:
        return holding[r, kit]
    return stock[duty[r, STATION], kit] > 0


@_compiled("aiai")
def _still_wanted(m, t, members, size):
    """How many of a ticket's skills and kits these members do not bring."""
    ticket, skill, duty, needs = _ints2(m, TICKET_AT), _ints2(m, SKILL_AT), _ints2(m, DUTY_AT), _ints2(m, NEEDS_AT)
    kits_needed = _ints1(m, KITS_NEEDED_AT)
    wanted = 0
    for i in range(ticket[t, NEED_A], ticket[t, NEED_B]):
        met = False
        for j in range(size):
            met = met or skill[duty[members[j], TECHNICIAN], needs[i, 0]] >= needs[i, 1]
        wanted += not met
    for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
        met = False
        for j in range(size):
            met = met or _brings(m, members[j], kits_needed[i])
        wanted += not met
    return wanted


@_compiled("aia")
def _pool_of(m, t, pool):
    """Fills `pool` with the duties that could join most cheaply, and for each skill and kit the cheapest that bring it."""
    ticket, candidate, money, skill = _ints2(m, TICKET_AT), _ints1(m, CANDIDATE_AT), _floats2(m, MONEY_AT), _ints2(m, SKILL_AT)
    duty, needs, kits_needed, random = _ints2(m, DUTY_AT), _ints2(m, NEEDS_AT), _ints1(m, KITS_NEEDED_AT), _bits1(m, RANDOM_AT)
    level = _floats1(m, LEVEL_AT)
    member_prices = np.empty(len(pool))
    size = 0
    kinds = 1 + ticket[t, NEED_B] - ticket[t, NEED_A] + ticket[t, KIT_B] - ticket[t, KIT_A]
    for kind in range(kinds):
        room = min(len(pool), size + (max(CREW_POOL, ticket[t, CREW] + 4) if kind == 0 else 4))
        first = size
        for i in range(ticket[t, CAND_A], ticket[t, CAND_B]):
            r = candidate[i]
            asked = price(m, t, r)
            if asked >= money[t, ABSENT] or (size == room and (first == room or asked >= member_prices[size - 1])):
                continue
            if kind > 0:
                need = ticket[t, NEED_A] + kind - 1
                if need < ticket[t, NEED_B]:
                    if skill[duty[r, TECHNICIAN], needs[need, 0]] < needs[need, 1]:
                        continue
                elif not _brings(m, r, kits_needed[ticket[t, KIT_A] + need - ticket[t, NEED_B]]):
                    continue
                known = False
                for j in range(first):
                    known = known or pool[j] == r
                if known:
                    continue
            if _uniform(random) < level[BLINK]:
                continue
            j = min(size, room - 1)
            while j > first and member_prices[j - 1] > asked:
                member_prices[j], pool[j] = member_prices[j - 1], pool[j - 1]
                j -= 1
            member_prices[j], pool[j] = asked, r
            size = min(size + 1, room)
    return size


@_compiled("aii")
def _room_for(m, t, r):
    """First and last position that a lock leaves for a ticket in a duty."""
    ticket, routes = _ints2(m, TICKET_AT), _ints3(m, ROUTES_AT)
    if not _keeps_order(m, t, r):
        return 0, -1
    locked = routes[NOW, r, N_LOCKED]
    return (0, locked) if ticket[t, LOCKED] else (locked, routes[NOW, r, N])


@_compiled("aii")
def _add_moment(moments, count, moment):
    """Adds a moment unless it is known, impossible or one too many; the new number of moments."""
    if moment < 0 or moment == NEVER or count == len(moments):
        return count
    for j in range(count):
        if moments[j] == moment:
            return count
    moments[count] = moment
    return count + 1


@_compiled("aiaia")
def _moments_of(m, t, pool, size, moments):
    """Common starts worth trying: for each duty its earliest, and the one of its cheapest position."""
    counter = _ints1(m, COUNTER_AT)
    count = 0
    for i in range(size):
        r = pool[i]
        low, high = _room_for(m, t, r)
        soonest, best, best_cost = NEVER, -1, INF
        for position in range(low, high + 1):
            cost = _part_cost(m, t, r, position, 0)
            if cost < INF:
                soonest = min(soonest, counter[BEGUN])
                if cost < best_cost:
                    best, best_cost = counter[BEGUN], cost
        count = _add_moment(moments, count, soonest)
        count = _add_moment(moments, count, best)
    return count


@_compiled("aiaxiaf")
def _form_crew(m, t, pool, part, size, group, best):
    """The cheapest crew of a pool whose members' parts cost `part`: their numbers in the pool to `group`; its cost, if below `best`."""
    ticket, duty = _ints2(m, TICKET_AT), _ints2(m, DUTY_AT)
    crew = ticket[t, CREW]
    members, chosen = np.empty(crew, np.int64), np.empty(crew, np.int64)
    for i in range(size):
        if not (part[i] < best):
            continue
        members[0], chosen[0] = pool[i], i
        cost, held = part[i], 1
        if crew == 2:
            for j in range(i + 1, size):
                if part[i] + part[j] >= best or duty[pool[i], TECHNICIAN] == duty[pool[j], TECHNICIAN]:
                    continue
                members[1] = pool[j]
                if _still_wanted(m, t, members, 2) == 0:
                    total = part[i] + part[j] + _crew_change(m, t, members, 2)
                    if total < best:
                        best, group[0], group[1] = total, i, j
            continue
        while held < crew and cost < best:
            wanted = _still_wanted(m, t, members, held)
            pick, pick_wanted = -1, NEVER
            for j in range(size):
                if not (part[j] < INF):
                    continue
                other = True
                for k in range(held):
                    other = other and duty[members[k], TECHNICIAN] != duty[pool[j], TECHNICIAN]
                if not other:
                    continue
                members[held] = pool[j]
                left = _still_wanted(m, t, members, held + 1) if wanted > 0 else 0
                if pick < 0 or left < pick_wanted or (left == pick_wanted and part[j] < part[pick]):
                    pick, pick_wanted = j, left
            if pick < 0:
                break
            members[held], chosen[held] = pool[pick], pick
            cost += part[pick]
            held += 1
        if held == crew and cost < best and _still_wanted(m, t, members, crew) == 0:
            total = cost + _crew_change(m, t, members, crew)
            if total < best:
                best = total
                for k in range(crew):
                    group[k] = chosen[k]
    return best


@_compiled("ai")
def plan_crew(m, t):
    """Plans a ticket for several people when that is cheaper than to skip it; whether it was planned."""
    ticket, money, counter, level = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT), _ints1(m, COUNTER_AT), _floats1(m, LEVEL_AT)
    duty = _ints2(m, DUTY_AT)
    crew = ticket[t, CREW]
    kinds = ticket[t, NEED_B] - ticket[t, NEED_A] + ticket[t, KIT_B] - ticket[t, KIT_A]
    pool = np.empty(max(CREW_POOL, crew + 4) + 4 * min(kinds, 6), np.int64)
    size = _pool_of(m, t, pool)
    if size < crew:
        return False
    moments = np.empty(3 * size, np.int64)
    count = _moments_of(m, t, pool, size, moments)
    most = len(moments)
    groups, positions, totals = np.empty((most, crew), np.int64), np.empty((most, crew), np.int64), np.full(most, INF)
    part, where, group = np.empty(size), np.empty(size, np.int64), np.empty(crew, np.int64)
    g = -1
    while g + 1 < count:
        g += 1
        for i in range(size):
            part[i], r = INF, pool[i]
            low, high = _room_for(m, t, r)
            for position in range(low, high + 1):
                cost = _part_cost(m, t, r, position, moments[g])
                if cost < part[i] and counter[BEGUN] == moments[g]:
                    part[i], where[i] = cost, position
                elif cost < INF and counter[BEGUN] > moments[g] and duty[r, REST_A] < duty[r, REST_B]:
                    count = _add_moment(moments, count, counter[BEGUN])  # a break holds them up until then
        totals[g] = _form_crew(m, t, pool, part, size, group, money[t, ABSENT])
        if totals[g] < money[t, ABSENT]:
            for k in range(crew):
                groups[g, k], positions[g, k] = pool[group[k]], where[group[k]]
    for _ in range(min(4, count)):
        g = int(np.argmin(totals))
        if totals[g] >= money[t, ABSENT]:
            return False
        before = level[TOTAL]
        if _insert_crew(m, t, groups[g], positions[g]):
            if level[TOTAL] < before:
                return True
            _rollback(m, MOVE_LAYER)
        totals[g] = INF
    return False


# Ruin and recreate.


@_compiled("ai")
def _plan_single(m, t):
    """Plans a ticket for one person where it is cheapest, when that is cheaper than to skip it; whether it was planned."""
    money, ticket, candidate, random = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints1(m, CANDIDATE_AT), _bits1(m, RANDOM_AT)
    level, price_at, prices = _floats1(m, LEVEL_AT), _ints2(m, PRICE_AT_AT), _floats2(m, PRICES_AT)
    routes, duty, kind_seen = _ints3(m, ROUTES_AT), _ints2(m, DUTY_AT), _ints1(m, KIND_SEEN_AT)
    for _ in range(4):
        best, where = money[t, ABSENT], -1
        look = _tick(m)
        for i in range(ticket[t, CAND_A], ticket[t, CAND_B]):
            r = candidate[i]
            if routes[NOW, r, N] == 0 and money[t, CHANGE] == 0.0:
                if kind_seen[duty[r, KIND]] == look:
                    continue
                kind_seen[duty[r, KIND]] = look
            asked = price(m, t, r)
            if asked < best and _uniform(random) >= level[BLINK]:
                best, where = asked, r
        if where < 0:
            return False
        _begin(m, MOVE_LAYER)
        before = level[TOTAL]
        if insert(m, t, where, price_at[t, where]):
            if level[TOTAL] < before:
                return True
            _rollback(m, MOVE_LAYER)
        prices[t, where] = INF
    return False


@_compiled("xai")
def _sort(key, items, n):
    for i in range(1, n):
        item = items[i]
        j = i - 1
        while j >= 0 and key[items[j]] > key[item]:
            items[j + 1] = items[j]
            j -= 1
        items[j + 1] = item


@_compiled("ai")
def _regret(m, t):
    """By how much the second cheapest choice for a ticket is dearer than the cheapest; to leave it out is one of the choices."""
    money, ticket, candidate = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints1(m, CANDIDATE_AT)
    best = second = money[t, ABSENT]
    for i in range(ticket[t, CAND_A], ticket[t, CAND_B]):
        asked = price(m, t, candidate[i])
        if asked < best:
            best, second = asked, best
        elif asked < second:
            second = asked
    return second - best


@_compiled("ai")
def _recreate_by_regret(m, n):
    """Plans the first `n` tickets of `todo`, always the one next that would lose most by waiting; crews first.

    Potvin and Rousseau 1993, doi 10.1016/0377-2217(93)90221-8.
    """
    ticket, todo, duty_of = _ints2(m, TICKET_AT), _ints1(m, TODO_AT), _ints1(m, DUTY_OF_AT)
    left = 0
    for i in range(n):
        t = todo[i]
        if duty_of[t] < 0 and ticket[t, CREW] > 1:
            plan_crew(m, t)
        elif duty_of[t] < 0:
            todo[left] = t
            left += 1
    while left > 0:
        most, pick, i = -1.0, -1, 0
        while i < left:
            if duty_of[todo[i]] >= 0:  # it stood twice in the list
                left -= 1
                todo[i] = todo[left]
                continue
            regret = _regret(m, todo[i])
            if regret > most:
                most, pick = regret, i
            i += 1
        if pick >= 0:
            _plan_single(m, todo[pick])
            left -= 1
            todo[pick] = todo[left]


@_compiled("ai")
def _recreate(m, n):
    """Plans the first `n` tickets of `todo` one by one, in an order drawn at random."""
    money, ticket, todo, random = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints1(m, TODO_AT), _bits1(m, RANDOM_AT)
    keys, duty_of, level = _floats1(m, KEYS_AT), _ints1(m, DUTY_OF_AT), _floats1(m, LEVEL_AT)
    draw = _uniform(random) * (12.0 + level[REGRET])
    if draw >= 12.0:
        _recreate_by_regret(m, n)
        return
    for i in range(n):
        t = todo[i]
        if draw < 4.0:
            keys[t] = _uniform(random)
        elif draw < 7.0:
            keys[t] = -money[t, ABSENT]
        elif draw < 9.0:
            keys[t] = ticket[t, DUE]
        elif draw < 11.0:
            keys[t] = -(money[t, MISS] + 3600 * money[t, LATE]) * (0.8 + 0.4 * _uniform(random))
        else:
            keys[t] = ticket[t, CAND_B] - ticket[t, CAND_A]
    _sort(keys, todo, n)
    for i in range(n):
        t = todo[i]
        if duty_of[t] >= 0:
            continue
        if ticket[t, CREW] > 1:
            plan_crew(m, t)
        else:
            _plan_single(m, t)


@_compiled("aiiii")
def _remove_string(m, t, r, length, n):
    """Removes a string of a duty's visits that holds `t`, perhaps with some kept in its middle; the new number of removed."""
    routes, rows, random, todo = _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT), _bits1(m, RANDOM_AT), _ints1(m, TODO_AT)
    size = routes[NOW, r, N]
    at = 0
    while rows[NOW, r, at] != t:
        at += 1
    kept = 0
    if length > 1 and length < size and _uniform(random) < 0.5:
        kept = 1
        while length + kept < size and _uniform(random) > 0.01:
            kept += 1
    span = length + kept
    first = max(0, at - span + 1)
    first += _below(random, min(at, size - span) - first + 1)
    gap = first + _below(random, length + 1) if kept > 0 else NEVER
    for k in range(span):
        position = first + k
        if gap <= position < gap + kept:
            continue
        todo[n] = rows[NOW, r, position]
        n += 1
    return n


@_compiled("a")
def _ruin(m):
    """Removes strings of adjacent visits around a random ticket; how many tickets went to `todo`, -1 when it cannot be timed."""
    near, ticket, todo, duty_of = _ints2(m, NEAR_AT), _ints2(m, TICKET_AT), _ints1(m, TODO_AT), _ints1(m, DUTY_OF_AT)
    routes, random, level, counter = _ints3(m, ROUTES_AT), _bits1(m, RANDOM_AT), _floats1(m, LEVEL_AT), _ints1(m, COUNTER_AT)
    troubled, crews, stamp = _ints1(m, TROUBLED_AT), _ints3(m, CREWS_AT), _ints2(m, STAMP_AT)
    n_tickets, n_duties = len(duty_of), routes.shape[1]
    visits, used = 0, 0
    for r in range(n_duties):
        visits += routes[NOW, r, N]
        used += routes[NOW, r, N] > 0
    if used == 0:
        return 0
    longest = min(10.0, visits / used)
    strings = int(_uniform(random) * (4.0 * level[REMOVED] / (1.0 + longest) - 1.0) + 1.0)
    focus = counter[N_BAD] > 0 and _uniform(random) < level[FOCUS]
    seed = troubled[_below(random, counter[N_BAD])] if focus else _below(random, n_tickets)
    _begin(m, MOVE_LAYER)
    removed = 0
    for i in range(-1, near.shape[1]):
        t = seed if i < 0 else near[seed, i]
        r = duty_of[t]
        if r < 0:
            continue
        c = ticket[t, CREW_ROW]
        if c >= 0:
            r = crews[NOW, c, MEMBERS + _below(random, crews[NOW, c, SIZE])]
        if stamp[MOVE_LAYER, r] == stamp[MOVE_LAYER, -1]:
            continue
        size = routes[NOW, r, N]
        length = 1 + _below(random, int(min(longest + 0.999, size)))
        first = removed
        removed = _remove_string(m, t, r, length, removed)
        for j in range(first, removed):
            _remove(m, todo[j])
        strings -= 1
        if strings <= 0:
            break
    _reset_linked(m)
    return removed if _settle(m) else -1


@_compiled("a")
def _take_stock(m):
    """Lists what is absent and what is absent or late."""
    ticket, duty_of, missing, troubled = _ints2(m, TICKET_AT), _ints1(m, DUTY_OF_AT), _ints1(m, MISSING_AT), _ints1(m, TROUBLED_AT)
    routes, rows, timing, counter = _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT), _ints4(m, TIMING_AT), _ints1(m, COUNTER_AT)
    absent = bad = 0
    for t in range(len(duty_of)):
        if duty_of[t] < 0 and ticket[t, CAND_A] < ticket[t, CAND_B]:
            missing[absent] = t
            troubled[bad] = t
            absent += 1
            bad += 1
    for r in range(routes.shape[1]):
        for k in range(routes[NOW, r, N]):
            t = rows[NOW, r, k]
            if timing[NOW, r, k, START] > ticket[t, DUE] and bad < len(troubled):
                troubled[bad] = t
                bad += 1
    counter[N_ABSENT], counter[N_BAD] = absent, bad


@_compiled("a")
def keep_present(m):
    """Takes the present solution for the best."""
    level, counter, routes, best_route = _floats1(m, LEVEL_AT), _ints1(m, COUNTER_AT), _ints3(m, ROUTES_AT), _ints2(m, BEST_ROUTE_AT)
    best_row, rows, carried, best_carry = _ints2(m, BEST_ROW_AT), _ints3(m, ROWS_AT), _ints3(m, CARRIED_AT), _ints2(m, BEST_CARRY_AT)
    level[BEST] = level[TOTAL]
    counter[IMPROVED] += 1
    for r in range(routes.shape[1]):
        n = routes[NOW, r, N]
        best_route[r, 0], best_route[r, 1] = n, routes[NOW, r, WAIT]
        for k in range(n):
            best_row[r, k] = rows[NOW, r, k]
        for k in range(carried.shape[2]):
            best_carry[r, k] = carried[NOW, r, k]


@_compiled("a")
def load(m):
    """Makes the solution in `best_row`, `best_route` and `best_carry` the present one; False, and nothing changed, if it does not fit."""
    ticket, kits_needed, money, duty = _ints2(m, TICKET_AT), _ints1(m, KITS_NEEDED_AT), _floats2(m, MONEY_AT), _ints2(m, DUTY_AT)
    holding, routes, rows, best_route = _ints2(m, HOLDING_AT), _ints3(m, ROUTES_AT), _ints3(m, ROWS_AT), _ints2(m, BEST_ROUTE_AT)
    best_row, level, crews, duty_of = _ints2(m, BEST_ROW_AT), _floats1(m, LEVEL_AT), _ints3(m, CREWS_AT), _ints1(m, DUTY_OF_AT)
    best_carry = _ints2(m, BEST_CARRY_AT)
    _begin(m, ITERATION_LAYER)
    _begin(m, MOVE_LAYER)
    n_duties = routes.shape[1]
    for r in range(n_duties):
        while routes[NOW, r, N] > 0:
            _remove(m, rows[NOW, r, 0])
    for r in range(n_duties):
        for k in range(best_route[r, 0]):
            t = best_row[r, k]
            _put(m, t, r, k)
            c = ticket[t, CREW_ROW]
            if c < 0:
                for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
                    _carry(m, r, kits_needed[i], 1)
                level[TOTAL] += _single_change(m, t, r) - money[t, ABSENT]
            else:
                _touch_crew(m, c)
                crews[NOW, c, MEMBERS + crews[NOW, c, SIZE]] = r
                crews[NOW, c, SIZE] += 1
        routes[NOW, r, WAIT] = best_route[r, 1]
        if best_route[r, 1] > 0:
            _touch(m, r)
            _enqueue(m, r)
    for t in range(len(duty_of)):
        c = ticket[t, CREW_ROW]
        if c >= 0 and crews[NOW, c, SIZE] > 0:
            crew, size = crews[NOW, c], crews[NOW, c, SIZE]
            level[TOTAL] += _crew_change(m, t, crew[MEMBERS:], size) - money[t, ABSENT]
            for i in range(ticket[t, KIT_A], ticket[t, KIT_B]):
                bearer = crew[MEMBERS]
                for j in range(size):
                    other = crew[MEMBERS + j]
                    if (duty[other, OUT] and holding[other, kits_needed[i]]) or (
                        not duty[other, OUT] and best_carry[other, kits_needed[i]] > 0
                    ):
                        bearer = other
                        break
                crew[MEMBERS + size + i - ticket[t, KIT_A]] = bearer
                _carry(m, bearer, kits_needed[i], 1)
    _reset_linked(m)
    if not _settle(m):
        _rollback(m, ITERATION_LAYER)
        return False
    _take_stock(m)
    return True


@_compiled("a")
def prepare(m):
    """Times the empty duties, so that the first insertions find their facts."""
    routes = _ints3(m, ROUTES_AT)
    _begin(m, ITERATION_LAYER)
    _begin(m, MOVE_LAYER)
    for r in range(routes.shape[1]):
        _enqueue(m, r)
    _settle(m)


@_compiled("a")
def construct(m):
    """Plans whatever is absent, dearest first, and takes the outcome as the best."""
    ticket, money, _routes, duty_of = _ints2(m, TICKET_AT), _floats2(m, MONEY_AT), _ints3(m, ROUTES_AT), _ints1(m, DUTY_OF_AT)
    todo, keys = _ints1(m, TODO_AT), _floats1(m, KEYS_AT)
    prepare(m)
    n = 0
    for t in range(len(duty_of)):
        if duty_of[t] < 0 and ticket[t, CAND_A] < ticket[t, CAND_B]:
            todo[n] = t
            keys[t] = -money[t, ABSENT] + 1e-9 * ticket[t, DUE]
            n += 1
    _sort(keys, todo, n)
    _begin(m, ITERATION_LAYER)
    for i in range(n):
        if ticket[todo[i], CREW] > 1:
            plan_crew(m, todo[i])
        else:
            _plan_single(m, todo[i])
    _take_stock(m)
    keep_present(m)


@_compiled("a")
def _add_up(m):
    """Adds the cost up anew, so that rounding does not pile up."""
    money, ticket, routes, costs = _floats2(m, MONEY_AT), _ints2(m, TICKET_AT), _ints3(m, ROUTES_AT), _floats3(m, COSTS_AT)
    duty_of, crews, level = _ints1(m, DUTY_OF_AT), _ints3(m, CREWS_AT), _floats1(m, LEVEL_AT)
    total = 0.0
    for r in range(routes.shape[1]):
        total += costs[NOW, r, 0]
    for t in range(len(duty_of)):
        if duty_of[t] < 0:
            total += money[t, ABSENT]
        elif ticket[t, CREW] == 1:
            total += _single_change(m, t, duty_of[t])
        else:
            crew = crews[NOW, ticket[t, CREW_ROW]]
            total += _crew_change(m, t, crew[MEMBERS:], crew[SIZE])
    level[TOTAL] = total


@_compiled("ai")
def run(m, until):
    """Ruins and recreates until `counter[ITERATION]` is `until`: simulated annealing in cycles.

    A cycle ends `counter[CYCLE_END]`; the next begin from the best, last `counter[NEXT_CYCLE]` each and begin at `level[NEXT_HOT]`.
    """
    counter, level, todo, missing = _ints1(m, COUNTER_AT), _floats1(m, LEVEL_AT), _ints1(m, TODO_AT), _ints1(m, MISSING_AT)
    random = _bits1(m, RANDOM_AT)
    while counter[ITERATION] < until:
        i = counter[ITERATION]
        if i >= counter[CYCLE_END]:
            counter[CYCLE_BEGIN], counter[CYCLE_END] = i, i + counter[NEXT_CYCLE]
            level[HOT] = level[NEXT_HOT]
            load(m)
        if i % 1024 == 0:
            _add_up(m)
        length = counter[CYCLE_END] - counter[CYCLE_BEGIN]
        held = length // HELD
        heat = level[HELD_HEAT]
        if i - counter[CYCLE_BEGIN] >= held:
            heat = level[HOT] * (level[COLD] / level[HOT]) ** ((i - counter[CYCLE_BEGIN] - held) / (length - held))
        counter[ITERATION] = i + 1
        _begin(m, ITERATION_LAYER)
        before = level[TOTAL]
        removed = _ruin(m)
        if removed < 0:
            _rollback(m, ITERATION_LAYER)
            continue
        most = max(10, removed)
        if counter[N_ABSENT] <= most:
            for j in range(counter[N_ABSENT]):
                todo[removed] = missing[j]
                removed += 1
        else:
            for _ in range(most):
                todo[removed] = missing[_below(random, counter[N_ABSENT])]
                removed += 1
        _recreate(m, removed)
        if level[TOTAL] >= before - heat * np.log(1.0 - _uniform(random)):
            _rollback(m, ITERATION_LAYER)
            continue
        _take_stock(m)
        if level[TOTAL] < level[BEST] - LEAST_GAIN:
            keep_present(m)


@_compiled("a")
def begin_move(m):
    """Begins a change that `undo_move` takes back."""
    _begin(m, MOVE_LAYER)


@_compiled("a")
def undo_move(m):
    """Takes back everything since `begin_move`."""
    _rollback(m, MOVE_LAYER)


@_compiled("ai")
def take_out(m, t):
    """Takes a planned ticket out and times what is left; False, and nothing changed, when that breaks a rule."""
    _begin(m, MOVE_LAYER)
    _remove(m, t)
    _reset_linked(m)
    if _settle(m):
        return True
    _rollback(m, MOVE_LAYER)
    return False
