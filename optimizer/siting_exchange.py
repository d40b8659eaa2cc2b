"""Good choices for the p-median: greedy, exchanges of sites (Teitz & Bart 1968, doi 10.1287/opre.16.5.955), and random kicks between them.

`cost` is weight × drive, `(n_sites, n_demand) float64`, finite; `opened` is `(n_sites,) int64` of 0 and 1.
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.siting_found import Time
from optimizer.siting_problem import Floats, Ints, Sites

KICKS = 12
"""Times that a few sites of the best choice are exchanged at random before it is improved anew."""


def objective_of(cost: Floats, opened: Ints) -> float:
    return float(cost[opened > 0].min(axis=0).sum()) if opened.any() else math.inf


def greedy(sites: Sites, cost: Floats) -> Ints:
    opened = sites.must.astype(np.int64)
    served = cost[sites.must].min(axis=0) if sites.must.any() else np.full(cost.shape[1], 2 * cost.max() + 1)
    while sites.p is None or opened.sum() < sites.p:
        affordable = (opened == 0) & (True if sites.budget is None else sites.cost <= sites.budget - float(sites.cost @ opened))
        if not affordable.any():
            break
        gain = np.maximum(served - cost, 0).sum(axis=1)
        if sites.budget is not None:
            gain = gain / np.maximum(sites.cost, 1e-9)
        best = int(np.argmax(np.where(affordable, gain, -1.0)))
        opened[best] = 1
        served = np.minimum(served, cost[best])
    return opened


def exchanged(sites: Sites, cost: Floats, opened: Ints) -> Ints:
    """The choice after exchanges of one open for one closed site, each the best there is, until none saves anything."""
    opened = opened.copy()
    while True:
        out = np.flatnonzero(opened)
        by_open = cost[out]
        nearest = np.argmin(by_open, axis=0)
        point = np.arange(cost.shape[1])
        first = by_open[nearest, point]
        second = np.partition(by_open, 1, axis=0)[1] if len(out) > 1 else np.full(cost.shape[1], 4 * cost.max() + 1)
        saved = np.maximum(first - cost, 0).sum(axis=1)
        # What closing a site costs beside opening another: its points go to the new site or to their second nearest.
        without = np.minimum(cost, second) - np.minimum(cost, first)
        closing = np.zeros((len(cost), len(out)))
        order = np.argsort(nearest, kind="stable")
        present, start = np.unique(nearest[order], return_index=True)
        closing[:, present] = np.add.reduceat(without[:, order], start, axis=1)
        change = closing - saved[:, None]
        change[out, :] = np.inf
        change[:, sites.must[out]] = np.inf
        if sites.budget is not None:
            room = sites.budget - float(sites.cost @ opened)
            change[sites.cost[:, None] - sites.cost[None, out] > room] = np.inf
        site, row = np.unravel_index(int(np.argmin(change)), change.shape)
        if not change[site, row] < -1e-9 * max(1.0, float(first.sum())):
            return opened
        opened[out[row]], opened[site] = 0, 1


def kicked(sites: Sites, cost: Floats, opened: Ints, chance: np.random.Generator, time: Time) -> Ints:
    """The best of several choices, each improved from the best after a few random exchanges."""
    for _ in range(KICKS):
        free_out = np.flatnonzero((opened > 0) & ~sites.must)
        free_in = np.flatnonzero(opened == 0)
        count = min(len(free_out), len(free_in), max(1, len(free_out) // 5))
        if not count or not time.left:
            break
        other = opened.copy()
        other[chance.choice(free_out, count, replace=False)] = 0
        other[chance.choice(free_in, count, replace=False)] = 1
        if over_budget(sites, other):
            continue
        other = exchanged(sites, cost, other)
        if objective_of(cost, other) < objective_of(cost, opened):
            opened = other
    return opened


def over_budget(sites: Sites, opened: Ints) -> bool:
    """Whether a choice costs more than there is."""
    return sites.budget is not None and float(sites.cost @ opened) > sites.budget * (1 + 1e-12)
