# mypy: disable-error-code="no-untyped-def"
"""The compiled pricing: the day of one technician with the least reduced cost, by labelling over an ng-route relaxation.

A label is a way to have reached a place: when its technician is free there, what that has cost (less the prices of what was
served), which tickets it may not visit again, the kits it carries, and which breaks are behind it. Every cost grows with
time, so waiting helps nobody except before a departure, where it saves kits or a break; those departures are tried.

All compiled functions live in this one file because numba's cache notices changes of a function's own file only.

ng-routes: Baldacci, Mingozzi and Roberti 2011, doi 10.1287/opre.1110.0975. Dominance under time-dependent cost follows
Ioachim, Gelinas, Soumis and Desrosiers 1998, doi 10.1002/(SICI)1097-0037(199805)31:3<193::AID-NET6>3.0.CO;2-A, in the case that
no cost falls with time.
"""

from __future__ import annotations

import numpy as np

from optimizer.compiled import Functions

# Columns of `whole`, facts of a ticket as one technician sees it.
SERVICE, WINDOW_A, WINDOW_B, HELD_FITS, STATION_FITS, TAKES, MAY_TAKE, LOCKED, LAST, HOME_S = range(10)
# Columns of `money`.
PRIZE, LOAD, HELD_PRIZE = range(3)
# Entries of `duty`.
EARLIEST, END, LATEST, OUT, ORIGIN, HOME, AGAIN = range(7)
# Columns of a label's whole numbers.
NODE, TIME, PARENT, KITS, SINCE, UNTIL, BITS, START, DEPART, NEXT_HERE, NEXT_SOON, DEAD = range(12)
# Columns of a label's real numbers.
COST, LOADED = range(2)
# Bits of a label from here on: a ticket that is not locked was visited; still on the first trip of someone already out.
UNLOCKED, AWAY = 1 << 8, 1 << 9

_functions = Functions()
_compiled, make_ready, is_ready = _functions.compiled, _functions.make_ready, _functions.is_ready

BITS_PER_WORD = 60
BUCKETS = 512
WIDTH = 6  # numbers per step of a route that is handed back: node, start, depart, kits, bits, time
FULL, CUT_SHORT = 0, 1


@_compiled("tytiiiyit")
def _beats(whole, real, memory, a, b, exact, prefix, reach, wanting):
    """Whether every way on from label `b` is open to label `a` and no dearer there."""
    if whole[a, TIME] > whole[b, TIME] or real[a, COST] > real[b, COST]:
        return False
    bits_a, bits_b = whole[a, BITS], whole[b, BITS]
    if (bits_a & AWAY) != (bits_b & AWAY) or (bits_a & UNLOCKED) > (bits_b & UNLOCKED) or (bits_b & 255) & ~bits_a:
        return False
    if real[a, LOADED] > real[b, LOADED]:
        return False
    if not exact:
        return True
    for word in range(memory.shape[1]):
        if memory[a, word] & ~memory[b, word]:
            return False
    # What kits could cost `a` more than `b` from here on, whichever tickets follow.
    extra = 0.0
    for kit in range(prefix.shape[0]):
        has_a, has_b = (whole[a, KITS] >> kit) & 1, (whole[b, KITS] >> kit) & 1
        if has_a:
            upper = prefix[kit, whole[b, UNTIL]] if has_b else prefix[kit, reach]
            extra += upper - prefix[kit, whole[a, UNTIL]]
        elif has_b:
            extra += max(0.0, prefix[kit, whole[b, UNTIL]] - prefix[kit, whole[a, SINCE]])
        elif whole[b, SINCE] > whole[a, SINCE]:
            for word in range(memory.shape[1]):
                if wanting[kit, word] & ~memory[b, word]:  # some ticket could still ask for it
                    extra += prefix[kit, whole[b, SINCE]] - prefix[kit, whole[a, SINCE]]
                    break
    return real[a, COST] + extra <= real[b, COST]


@_compiled("tytaiiyit")
def _place(whole, real, memory, here, new, exact, prefix, reach, wanting):
    """Puts a new label among those of its node, which are sorted by cost: how many it was compared with, negative when one beats it."""
    node = whole[new, NODE]
    before, at, work = -1, here[node], 1
    while at >= 0 and real[at, COST] <= real[new, COST]:
        work += 1
        if _beats(whole, real, memory, at, new, exact, prefix, reach, wanting):
            return -work
        before, at = at, whole[at, NEXT_HERE]
    whole[new, NEXT_HERE] = at
    if before < 0:
        here[node] = new
    else:
        whole[before, NEXT_HERE] = new
    before = new
    while at >= 0:
        after = whole[at, NEXT_HERE]
        work += 1
        if _beats(whole, real, memory, new, at, exact, prefix, reach, wanting):
            whole[at, DEAD] = 1
            whole[before, NEXT_HERE] = after
        else:
            before = at
        at = after
    return work


@_compiled("iiaaxx")
def _late(start, ticket, piece_ptr, piece_at, piece_value, piece_slope):
    """What a start costs: the last piece that begins before it."""
    cost = 0.0
    for p in range(piece_ptr[ticket], piece_ptr[ticket + 1]):
        if start <= piece_at[p]:
            break
        cost = piece_value[p] + piece_slope[p] * (start - piece_at[p])
    return cost


@_compiled("tyatytaaxxttaatafftayyiitytaacxa")
def price(
    travel, fare, place, facts, money, windows, piece_ptr, piece_at, piece_value, piece_slope, near, same, closed_ptr, closed_at, closed,
    duty, capacity, overtime_per_s, rests, events, prefix, bonus, exact, most_work, whole, real, memory, here, soon, out, out_cost, best,
):  # fmt: skip
    """Routes of one technician with the least reduced cost.

    Nodes are the technician's tickets (one for a crew once for each slot of its start), then where the shift begins (`n`), then the
    station between two trips (`n + 1`).

    Parameters
    ----------
    travel, fare : (n_locations, n_locations)
        Seconds and money; `place` (n + 2,) gives each node's location.
    facts, money : (n, 10) int64, (n, 3) float64
        See the columns above.
    windows : (., 2) int64
    piece_ptr, piece_at, piece_value, piece_slope
        Lateness: for a start after `piece_at` it costs value + slope x seconds since then, until the next piece. Never falls.
    near, same : (n, words) int64
        As bits: nodes that a label remembers while it passes a node, and those that are the same ticket, itself included.
    closed_ptr : (n + 1,), closed_at, closed
        Sorted moments per ticket, and the bits of the tickets out of reach from there after each; empty where not worth it.
    rests : (n_breaks, 4) int64
        As in `Problem`; at most two.
    events, prefix : (n_events,) int64, (n_kits, n_events + 1) float64
        Moments at which a kit that is out has a price, and the sum of the prices before each.
    bonus : (n, n_kits) float64
        What it earns to bring a kit to a ticket that its crew may bring by anybody.
    exact
        0: labels may beat each other whatever they remember, which is quick and proves nothing.
    most_work
        Comparisons of labels after which it gives up.
    out, out_cost
        Room for the routes: (routes, steps, WIDTH) and their reduced costs; `best` (n + 2,) is scratch.

    Returns
    -------
    tuple[int, float, int, int]
        `FULL` or `CUT_SHORT` (labels or work ran out: nothing is proven), the least reduced cost (0 for staying home), routes
        written, comparisons made.
    """
    n = facts.shape[0]
    words = memory.shape[1]
    n_events, n_kits = len(events), prefix.shape[0]
    n_rests = rests.shape[0]
    reach = 0
    while reach < n_events and events[reach] < duty[LATEST]:
        reach += 1
    span = (duty[LATEST] - duty[EARLIEST]) // BUCKETS + 1
    here[: n + 2] = -1
    soon[:] = -1
    best[: n + 2] = -1
    priced = prefix[:, n_events].sum() > 0.0 if n_kits > 0 else False
    home, latest, end = place[n + 1], duty[LATEST], duty[END]
    count, work = 1, 0
    whole[0, :] = 0
    whole[0, NODE], whole[0, TIME], whole[0, PARENT] = n, duty[EARLIEST], -1
    whole[0, SINCE], whole[0, UNTIL], whole[0, NEXT_HERE] = n_events, n_events, -1
    whole[0, BITS] = AWAY if duty[OUT] else 0
    whole[0, NEXT_SOON] = -1
    real[0, COST], real[0, LOADED] = 0.0, 0.0
    memory[0, :] = 0
    soon[0] = 0
    ends = np.empty(n, np.float64)
    wanting = np.zeros((n_kits, words), np.int64)  # the tickets for which a kit may be taken, as bits
    for target in range(n):
        for kit in range(n_kits):
            if ((facts[target, TAKES] | facts[target, MAY_TAKE]) >> kit) & 1:
                wanting[kit, target // BITS_PER_WORD] |= 1 << (target % BITS_PER_WORD)
    for bucket in range(BUCKETS):
        while soon[bucket] >= 0:
            label = soon[bucket]
            soon[bucket] = whole[label, NEXT_SOON]
            if whole[label, DEAD]:
                continue
            node, clock, bits = whole[label, NODE], whole[label, TIME], whole[label, BITS]
            origin = place[node]
            away = (bits & AWAY) != 0
            at_base = node >= n and not (node == n and away)
            # A departure may wait for the end of a moment at which a kit costs, or for a break to be past.
            waits = 1 + (n_rests if node == n else 0) + (n_events if at_base and priced else 0)
            for wait in range(waits):
                free = clock
                if wait > 0:
                    leading = n_rests if node == n else 0
                    free = rests[wait - 1, 0] if wait <= leading else events[wait - 1 - leading] + 1
                    if free <= clock:
                        continue
                for target in range(n + 1):
                    back = target == n  # to the station, for another trip
                    if back:
                        if node == n + 1 or (node == n and not away) or not duty[AGAIN]:
                            continue
                        if not (away or real[label, LOADED] > 0.0 or priced or duty[AGAIN] == 2):
                            continue
                        there = home
                    else:
                        if (memory[label, target // BITS_PER_WORD] >> (target % BITS_PER_WORD)) & 1:
                            continue
                        if facts[target, HELD_FITS if away else STATION_FITS] == 0 or (facts[target, LOCKED] and bits & UNLOCKED):
                            continue
                        if real[label, LOADED] + money[target, LOAD] > capacity:
                            continue
                        there = place[target]
                    # Whoever waits at the station between two trips can rest meanwhile.
                    since_when = clock if node == n + 1 else free
                    drive = travel[origin, there]
                    if free + drive > latest:
                        continue
                    for rest in range(1 << n_rests):
                        if rest & bits:
                            continue
                        ready, length, rested, possible = free + drive, 0, 0, True
                        for b in range(n_rests):
                            if (rest >> b) & 1:
                                begin = max(since_when, rests[b, 0], rested)
                                if begin > rests[b, 1]:
                                    possible = False
                                    break
                                rested = begin + rests[b, 2]
                                length += rests[b, 2]
                        if not possible:
                            continue
                        ready = max(free + drive, since_when + drive + length, rested)
                        done = bits | rest
                        if back:
                            start, finish, depart = ready, ready, whole[label, DEPART]
                            if finish > latest:
                                continue
                            home_s = 0
                            if node == n:
                                for b in range(n_rests):
                                    if free >= rests[b, 0]:
                                        done |= 1 << b
                        else:
                            start = -1
                            for w in range(facts[target, WINDOW_A], facts[target, WINDOW_B]):
                                if ready <= windows[w, 1]:
                                    start = max(ready, windows[w, 0])
                                    break
                            if start < 0 or start > facts[target, LAST]:
                                continue
                            finish = start + facts[target, SERVICE]
                            home_s = facts[target, HOME_S]
                            depart = whole[label, DEPART]
                            if node >= n:
                                depart = max(free, start - drive)
                                if node == n:
                                    for b in range(n_rests):
                                        if depart >= rests[b, 0]:
                                            done |= 1 << b
                            if not facts[target, LOCKED]:
                                done |= UNLOCKED
                        possible = True
                        for b in range(n_rests):
                            if not (done >> b) & 1 and finish > rests[b, 1] and finish + home_s > rests[b, 3]:
                                possible = False
                        if not possible:
                            continue
                        until = whole[label, UNTIL]
                        if at_base:
                            until = 0
                            while until < n_events and events[until] < depart:
                                until += 1
                        since = until if at_base else whole[label, SINCE]
                        if away:
                            since, until = n_events, n_events
                        else:
                            while until < n_events and events[until] < finish:
                                until += 1
                        cost = real[label, COST] + fare[origin, there]
                        carried = 0 if at_base else whole[label, KITS]
                        if not at_base:
                            for kit in range(n_kits):
                                if (carried >> kit) & 1:
                                    cost += prefix[kit, until] - prefix[kit, whole[label, UNTIL]]
                        choices = 0
                        if back:
                            carried, since, until, done = 0, n_events, n_events, done & ~AWAY
                        else:
                            cost += _late(start, target, piece_ptr, piece_at, piece_value, piece_slope) - money[target, PRIZE]
                            if away:
                                cost -= money[target, HELD_PRIZE]
                            else:
                                takes = facts[target, TAKES] & ~carried
                                for kit in range(n_kits):
                                    if (takes >> kit) & 1:
                                        cost += prefix[kit, until] - prefix[kit, since]
                                carried |= takes
                                for kit in range(n_kits):
                                    if (facts[target, MAY_TAKE] >> kit) & 1 and bonus[target, kit] > 0.0:
                                        if (carried >> kit) & 1:
                                            cost -= bonus[target, kit]
                                        else:
                                            choices |= 1 << kit
                        chosen = choices
                        while True:
                            if count >= whole.shape[0] or work > most_work:
                                return CUT_SHORT, 0.0, 0, work
                            new = count
                            paid = cost
                            for kit in range(n_kits):
                                if (chosen >> kit) & 1:
                                    paid += prefix[kit, until] - prefix[kit, since] - bonus[target, kit]
                            whole[new, NODE] = n + 1 if back else target
                            whole[new, TIME], whole[new, PARENT] = finish, label
                            whole[new, KITS], whole[new, SINCE], whole[new, UNTIL] = carried | chosen, since, until
                            whole[new, BITS], whole[new, START], whole[new, DEPART] = done, start, depart
                            whole[new, DEAD] = 0
                            real[new, COST] = paid
                            if back:
                                real[new, LOADED] = 0.0
                                for word in range(words):
                                    memory[new, word] = memory[label, word]
                            else:
                                real[new, LOADED] = (0.0 if at_base else real[label, LOADED]) + money[target, LOAD]
                                for word in range(words):
                                    memory[new, word] = (memory[label, word] & near[target, word]) | same[target, word]
                                low, high = closed_ptr[target], closed_ptr[target + 1]
                                if high > low and closed_at[low] < finish:
                                    while high - low > 1:
                                        middle = (low + high) // 2
                                        if closed_at[middle] < finish:
                                            low = middle
                                        else:
                                            high = middle
                                    for word in range(words):
                                        memory[new, word] |= closed[low, word]
                            compared = _place(whole, real, memory, here, new, exact, prefix, reach, wanting)
                            work += abs(compared)
                            if compared > 0:
                                slot = min(BUCKETS - 1, max(bucket, (finish - duty[EARLIEST]) // span))
                                whole[new, NEXT_SOON] = soon[slot]
                                soon[slot] = new
                                count += 1
                            if chosen == 0:
                                break
                            chosen = (chosen - 1) & choices
    # The way home from every label that was not beaten.
    least = 0.0
    for node in range(n):
        ends[node] = np.inf
        label = here[node]
        while label >= 0:
            clock, bits = whole[label, TIME], whole[label, BITS]
            drive = travel[place[node], home]
            for rest in range(1 << n_rests):
                if rest & bits:
                    continue
                length, rested, possible = 0, 0, True
                for b in range(n_rests):
                    if (rest >> b) & 1:
                        begin = max(clock, rests[b, 0], rested)
                        if begin > rests[b, 1]:
                            possible = False
                        rested = begin + rests[b, 2]
                        length += rests[b, 2]
                returns = max(clock + drive + length, rested)
                for b in range(n_rests):
                    if not ((bits | rest) >> b) & 1 and returns > rests[b, 3]:
                        possible = False
                if not possible or returns > latest:
                    continue
                cost = real[label, COST] + fare[place[node], home] + max(0, returns - end) * overtime_per_s
                until = whole[label, UNTIL]
                while until < n_events and events[until] < returns:
                    until += 1
                for kit in range(n_kits):
                    if (whole[label, KITS] >> kit) & 1:
                        cost += prefix[kit, until] - prefix[kit, whole[label, UNTIL]]
                if cost < ends[node]:
                    ends[node] = cost
                    best[node] = label
            label = whole[label, NEXT_HERE]
        least = min(least, ends[node])
    written = 0
    order = np.argsort(ends)
    for k in range(min(n, out.shape[0])):
        node = order[k]
        if ends[node] > -1e-9 or not np.isfinite(ends[node]):
            break
        label, steps = best[node], 0
        while label > 0:
            steps += 1
            label = whole[label, PARENT]
        if steps >= out.shape[1]:
            continue
        label = best[node]
        out[written, steps, 0] = -1
        while label > 0:
            steps -= 1
            out[written, steps, 0] = whole[label, NODE]
            out[written, steps, 1] = whole[label, START]
            out[written, steps, 2] = whole[label, DEPART]
            out[written, steps, 3] = whole[label, KITS]
            out[written, steps, 4] = whole[label, BITS]
            out[written, steps, 5] = whole[label, TIME]
            label = whole[label, PARENT]
        out_cost[written] = ends[node]
        written += 1
    return FULL, least, written, work
