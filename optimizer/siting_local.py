"""A good choice for maximal covering, soon: greedy, then sites exchanged while that covers more, with a memory of what was tried."""

from __future__ import annotations

import numpy as np

from optimizer.siting_problem import Floats, Ints, Rows, Sites

ROUNDS = 150
"""Exchanges that are tried after the greedy choice."""
REST = 7
"""Exchanges during which a site that was closed stays so: without, the search would go back and forth."""
MOST_PAIRS = 4_000_000
"""Of sites and rows: a larger problem gets the greedy choice alone."""


def improved(sites: Sites, rows: Rows) -> Ints:
    """A choice within `p` and budget, `(n_sites,) int64` of 0 and 1."""
    opened = _greedy(sites, rows)
    if len(sites) * len(rows) > MOST_PAIRS or not len(rows) or opened.all() or not opened.any():
        return opened
    return _exchanged(sites, rows, opened)


def _greedy(sites: Sites, rows: Rows) -> Ints:
    opened = sites.must.astype(np.int64)
    price = np.maximum(sites.cost, 1e-9) if sites.budget is not None else np.ones(len(sites))
    while sites.p is None or opened.sum() < sites.p:
        affordable = (opened == 0) if sites.budget is None else (opened == 0) & (sites.cost <= _left(sites, opened))
        if not affordable.any():
            break
        gain = rows.sums(np.where(rows.counts(opened) == 0, rows.weight, 0.0), len(sites)) / price
        best = int(np.argmax(np.where(affordable, gain, -1.0)))
        if gain[best] <= 0 and sites.budget is not None:
            break
        opened[best] = 1
    return opened


def greedily_covering(sites: Sites, rows: Rows) -> Ints | None:
    """A choice within `p` and budget that covers every row, if the greedy one does."""
    opened = _greedy(sites, rows)
    return opened if (rows.counts(opened) > 0).all() else None


def _left(sites: Sites, opened: Ints) -> float:
    """What is left of the budget."""
    return (sites.budget or 0.0) - float(sites.cost @ opened) + 1e-9 * (sites.budget or 0.0)


def _exchanged(sites: Sites, rows: Rows, opened: Ints) -> Ints:
    """Tabu search over exchanges of one open for one closed site (Glover 1989, doi 10.1287/ijoc.1.3.190)."""
    matrix = rows.dense(len(sites)).astype(np.float64)
    now, best, best_weight = opened.copy(), opened.copy(), -1.0
    closed_until = np.zeros(len(sites), np.int64)
    for step in range(ROUNDS):
        counts = rows.counts(now)
        weight = float(rows.weight[counts > 0].sum())
        if weight > best_weight:
            best, best_weight = now.copy(), weight
        change = _changes(matrix, rows.weight, counts, now)
        out = np.flatnonzero(now)
        change[sites.must[out], :] = -np.inf
        change[:, now > 0] = -np.inf
        if sites.budget is not None:
            dearer = sites.cost[None, :] - sites.cost[out, None]
            change[dearer > _left(sites, now)] = -np.inf
        resting = closed_until > step
        change[:, resting] = np.where(weight + change[:, resting] > best_weight + 1e-9, change[:, resting], -np.inf)
        row, site = np.unravel_index(int(np.argmax(change)), change.shape)
        if change[row, site] == -np.inf:
            break
        now[out[row]], now[site] = 0, 1
        closed_until[out[row]] = step + REST + out[row] % REST  # not the same for all, which would cycle
    return best


def _changes(matrix: Floats, weight: Floats, counts: Ints, now: Ints) -> Floats:
    """What each exchange adds to the weight covered: `(n_open, n_sites)`, the first closed and the second opened."""
    gain = matrix @ np.where(counts == 0, weight, 0.0)
    once = counts == 1
    alone = matrix[now > 0][:, once] * weight[once]
    change: Floats = gain[None, :] - alone.sum(axis=1)[:, None] + alone @ matrix[:, once].T
    return change
