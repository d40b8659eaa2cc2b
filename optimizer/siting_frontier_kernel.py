# mypy: disable-error-code="no-untyped-def"
"""The loop of the frontier, compiled: every efficient point with a cost in a window, by depth-first branch and bound.

A choice A of sites covers C(A) at a cost c(A). With prices l_i in [0, w_i] for covering a row and m for money, every S that contains A
and besides only undecided sites has

    C(S) <= C(A) + sum over rows i that A leaves of (w_i - l_i) + sum over undecided j of max(0, r_j - m c_j) + m (c(S) - c(A)),

with r_j the sum of l_i over the rows that j covers and A leaves: a row counts w_i - l_i at once and l_i for each site that covers it.
S matters only where C(S) is above the staircase of what is known for c(S), so a branch ends when the right side is nowhere above it.
"""

from __future__ import annotations

import numpy as np

from optimizer.compiled import Functions

_functions = Functions()
_compiled, make_ready, is_ready = _functions.compiled, _functions.make_ready, _functions.is_ready

# Entries of `state`: how many points the staircase has, nodes looked at, and nodes that may be.
SIZE, NODES, MOST_NODES = range(3)


@_compiled("xif")
def _step_of(stair_cost, size, cost):
    """The last step of the staircase that costs no more."""
    low, high = 0, size - 1
    while low < high:
        middle = (low + high + 1) // 2
        if stair_cost[middle] <= cost:
            low = middle
        else:
            high = middle - 1
    return low


@_compiled("xxxaffi")
def _measure(stair_cost, stair_covered, above, state, price, top, first):
    """`above[k]`: the most that price × cost passes the staircase by, from step k up to the top of the window."""
    size = state[SIZE]
    last = _step_of(stair_cost, size, top)
    for step in range(last, first - 1, -1):
        end = top if step == last else stair_cost[step + 1]
        value = price * end - stair_covered[step]
        if step < last and above[step + 1] > value:
            value = above[step + 1]
        above[step] = value


@_compiled("xxtaaff")
def _insert(stair_cost, stair_covered, stair_sites, state, opened, cost, covered):
    """Puts a point on the staircase, and takes off what it makes inefficient."""
    size = state[SIZE]
    step = _step_of(stair_cost, size, cost)
    at = step if stair_cost[step] == cost else step + 1
    end = at
    while end < size and stair_covered[end] <= covered:
        end += 1
    shift = 1 - (end - at)
    if shift > 0:
        if size + 1 > stair_cost.shape[0]:
            return False
        for k in range(size, at, -1):
            stair_cost[k], stair_covered[k] = stair_cost[k - 1], stair_covered[k - 1]
            stair_sites[k] = stair_sites[k - 1]
    elif shift < 0:
        for k in range(end, size):
            stair_cost[k + shift], stair_covered[k + shift] = stair_cost[k], stair_covered[k]
            stair_sites[k + shift] = stair_sites[k]
    stair_cost[at], stair_covered[at] = cost, covered
    stair_sites[at] = opened
    state[SIZE] = size + shift
    return True


@_compiled("iaxxaxxxaaaa")
def _open(site, opened, left, depth_sums, counts, cost, weight, price, row_start, row_sites, site_start, site_rows):
    """Opens a site: `left` and `depth_sums` become those of the choice with it."""
    opened[site] = 1
    depth_sums[2] += cost[site]
    for a in range(site_start[site], site_start[site + 1]):
        row = site_rows[a]
        counts[row] += 1
        if counts[row] == 1:
            depth_sums[0] += weight[row]
            depth_sums[1] -= weight[row] - price[row]
            for b in range(row_start[row], row_start[row + 1]):
                left[row_sites[b]] -= price[row]


@_compiled("iaaaa")
def _shut(site, opened, counts, site_start, site_rows):
    """Takes back `_open`, but for what is copied at each depth."""
    opened[site] = 0
    for a in range(site_start[site], site_start[site + 1]):
        counts[site_rows[a]] -= 1


@_compiled("xxxxaaaaaffffffxxta")
def search(
    cost, weight, price, worth, row_start, row_sites, site_start, site_rows, must, base, money, bottom, top, least, tiny,
    stair_cost, stair_covered, stair_sites, state,
):  # fmt: skip
    """Adds to the staircase every efficient point that costs more than `bottom` and at most `top`, up to which it is exact already.

    `worth` is r_j with nothing open, `base` the sum of w_i - l_i, `price` l, `money` m. A point must pass the staircase by `least`;
    costs within `tiny` are equal. 0 when done, 1 when it took too many nodes, 2 when there are more points than room.
    """
    n = cost.shape[0]
    opened, decided, counts = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(weight.shape[0], np.int64)
    branch, tried, begun = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    left = np.zeros((n + 2, n))  # r_j at each depth: copied, so that nothing drifts
    sums = np.zeros((n + 2, 3))  # covered, what the rows left count at once, cost
    above = np.zeros(stair_cost.shape[0])
    left[0] = worth
    sums[0, 1] = base
    for site in range(n):
        if must[site]:
            decided[site] = 1
            _open(site, opened, left[0], sums[0], counts, cost, weight, price, row_start, row_sites, site_start, site_rows)
    first = _step_of(stair_cost, state[SIZE], bottom)
    _measure(stair_cost, stair_covered, above, state, money, top, first)
    depth = 0
    while depth >= 0:
        site = branch[depth]
        if tried[depth] == 0:
            state[NODES] += 1
            if state[NODES] > state[MOST_NODES]:
                return 1
            spent = sums[depth, 2]
            bound, site, most = sums[depth, 0] + sums[depth, 1], -1, -1.0
            for j in range(n):
                if decided[j] == 0 and spent + cost[j] <= top + tiny:
                    gain = left[depth, j] - money * cost[j]
                    if gain > 0:
                        bound += gain
                    if abs(gain) > most:
                        most, site = abs(gain), j
            step = _step_of(stair_cost, state[SIZE], max(spent, bottom))
            if site < 0 or bound - money * spent + above[step] < least:
                depth -= 1
                continue
            branch[depth], decided[site] = site, 1
            # What the bound thinks of a site is tried first.
            begun[depth] = 1 if left[depth, site] > money * cost[site] else 0
            value = begun[depth]
        else:
            value = 1 - begun[depth] if tried[depth] == 1 else -1
            if value != 1 and opened[site] == 1:
                _shut(site, opened, counts, site_start, site_rows)
            if value < 0:
                decided[site] = 0
                depth -= 1
                continue
        tried[depth] += 1
        left[depth + 1], sums[depth + 1] = left[depth], sums[depth]
        depth += 1
        tried[depth] = 0
        if value == 1:
            here = sums[depth]
            _open(site, opened, left[depth], here, counts, cost, weight, price, row_start, row_sites, site_start, site_rows)
            step = _step_of(stair_cost, state[SIZE], here[2] + tiny)
            if here[2] <= top + tiny and here[0] >= stair_covered[step] + least:
                if not _insert(stair_cost, stair_covered, stair_sites, state, opened, here[2], here[0]):
                    return 2
                first = _step_of(stair_cost, state[SIZE], bottom)
                _measure(stair_cost, stair_covered, above, state, money, top, first)
    return 0
