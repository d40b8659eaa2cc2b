"""Coverage against yearly cost: every choice than which none covers as much for less, exactly.

The frontier is a staircase over cost. It is found from the left to the right, window of cost by window: the linear program of maximal
covering within the window's budget gives prices, with which `siting_frontier_kernel` searches the window. When that takes too many
nodes, the site on which the linear program is least decided is opened and closed, and each half searched with prices of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType

import numpy as np

from optimizer.compiling import FRONTIER, make_ready
from optimizer.siting_found import EXACT, Found, Time
from optimizer.siting_local import improved
from optimizer.siting_mip import Program, relaxed
from optimizer.siting_problem import Bools, Floats, Ints, Rows, Sites, grain
from optimizer.siting_served import serve_most

WINDOWS = 128
"""Parts of the range of costs to begin with."""
NODES = 300_000
"""Looked at with the same prices: some hundredths of a second, as long as a few linear programs take."""
STARTS = 48
"""Budgets for which a good choice is found before the search."""
ROOM = 4_096
"""Points that the staircase has room for to begin with."""


def frontier(sites: Sites, rows: Rows, time: Time) -> Found:
    """Every efficient point up to the budget; when time is over, good points, of which those up to some cost are all there are."""
    make_ready(kernels=FRONTIER)
    from optimizer import siting_frontier_kernel as kernel

    stairs = _Stairs(sites, rows)
    bottom, top = stairs.bottom, float(sites.cost.sum()) if sites.budget is None else sites.budget
    for budget in np.linspace(bottom, top, STARTS):
        stairs.add(improved(replace(sites, budget=float(budget), p=None), rows))
    edges = np.linspace(bottom, top, WINDOWS + 1).tolist()
    nobody = np.zeros(len(sites), bool)
    parts = [_Part(low, high, sites.must, nobody) for low, high in pairwise(edges)][::-1]
    while parts and time.left and stairs.covered_at(parts[-1].low) < stairs.most:
        part = parts.pop()
        undecided = stairs.search(kernel, part)
        if undecided is not None:
            site = np.arange(len(sites)) == undecided
            parts += [replace(part, shut=part.shut | site), replace(part, open=part.open | site)]
    complete = not parts or stairs.covered_at(parts[-1].low) >= stairs.most
    return _found(stairs.points(), float(rows.weight.sum()), complete=complete)


@dataclass(frozen=True, eq=False)
class _Part:
    """Choices with a cost in a window, some of their sites decided."""

    low: float
    high: float
    open: Bools
    shut: Bools


class _Stairs:
    """The staircase of what is known: points by rising cost, each covering more than the one before."""

    def __init__(self, sites: Sites, rows: Rows) -> None:
        self.sites, self.rows = sites, rows
        fine = grain(rows.weight)
        total = float(rows.weight.sum())
        # A point is another one when it covers a grain more; without a grain, more than sums of floats can err.
        self.least = fine * (1 - EXACT) if fine else 1e-9 * max(1.0, total)
        self.most = total - self.least / 2
        self.tiny = 1e-9 * max(1.0, float(sites.cost.sum()))
        must = sites.must.astype(np.int64)
        self.bottom = float(sites.cost @ must)
        self.cost, self.covered = np.full(ROOM, np.inf), np.full(ROOM, np.inf)
        self.opened = np.zeros((ROOM, len(sites)), np.int64)
        self.cost[0], self.covered[0], self.opened[0] = self.bottom, self._covers(must), must
        self.state = np.array([1, 0, 0], np.int64)
        order = np.argsort(rows.sites, kind="stable")
        self.site_start = np.searchsorted(rows.sites[order], np.arange(len(sites) + 1)).astype(np.int64)
        self.site_rows = np.ascontiguousarray(rows.row_of_pair[order], np.int64)

    def _covers(self, opened: Ints) -> float:
        return float(self.rows.weight[self.rows.counts(opened) > 0].sum())

    def covered_at(self, cost: float) -> float:
        """The most that is known to be covered at a cost."""
        size = int(self.state[0])
        return float(self.covered[max(0, int(np.searchsorted(self.cost[:size], cost + self.tiny, side="right")) - 1)])

    def add(self, opened: Ints) -> None:
        """Takes a choice in, where it is not beaten."""
        cost, covered = float(self.sites.cost @ opened), self._covers(opened)
        if covered < self.covered_at(cost) + self.least:
            return
        size = int(self.state[0])
        kept = (self.cost[:size] < cost - self.tiny) | (self.covered[:size] > covered)
        for array, value in ((self.cost, cost), (self.covered, covered), (self.opened, opened)):
            held = [*array[:size][kept], value]
            array[: len(held)] = held
        size = int(kept.sum()) + 1
        order = np.argsort(self.cost[:size], kind="stable")
        for array in (self.cost, self.covered, self.opened):
            array[:size] = array[:size][order]
        self.state[0] = size

    def search(self, kernel: ModuleType, part: _Part) -> int | None:
        """Completes the staircase by the choices of a part; when that takes too many nodes, the site to split the part by instead."""
        price, money, share = self._prices(part)
        free = ~(part.open | part.shut)
        worth = self.rows.sums(price, len(self.sites))
        base = float((self.rows.weight - price).sum())
        cost = np.where(part.shut, np.inf, self.sites.cost)
        while True:
            self.state[1:] = 0, NODES if free.any() else 2**62
            status = kernel.search(
                cost, self.rows.weight, price, worth, self.rows.start, self.rows.sites, self.site_start, self.site_rows,
                part.open.astype(np.int64), base, money, part.low, part.high, self.least, self.tiny,
                self.cost, self.covered, self.opened, self.state,
            )  # fmt: skip
            if status == 2:
                self._grow()
                continue
            return None if status == 0 else int(np.argmin(np.where(free, np.abs(share - 0.5), np.inf)))

    def _prices(self, part: _Part) -> tuple[Floats, float, Floats]:
        """For covering each row, between 0 and its weight, and for money, from the linear program of maximal covering; and how far it opens
        each site."""
        rows, sites = self.rows, self.sites
        program = Program()
        x = program.variables(np.zeros(len(sites)), part.open, ~part.shut, whole=False)
        u = program.variables(rows.weight, 0, 1, whole=False)
        program.rows(len(rows), 1, math.inf, (rows.row_of_pair, x[rows.sites], 1.0), (np.arange(len(rows)), u, 1.0))
        program.row(-math.inf, part.high, x, sites.cost)
        values, duals = relaxed(program)
        return np.clip(duals[:-1], 0.0, rows.weight), max(0.0, -float(duals[-1])), values[x]

    def _grow(self) -> None:
        room = len(self.cost)
        self.cost = np.concatenate([self.cost, np.full(room, np.inf)])
        self.covered = np.concatenate([self.covered, np.full(room, np.inf)])
        self.opened = np.concatenate([self.opened, np.zeros_like(self.opened)])

    def points(self) -> list[tuple[float, float, Ints]]:
        """The points, with figures summed anew: the search adds and takes away."""
        size = int(self.state[0])
        return [(float(self.sites.cost @ opened), self._covers(opened), opened.copy()) for opened in self.opened[:size]]


def frontier_with_capacities(sites: Sites, reach: Bools, weight: Floats, time: Time) -> Found:
    """Every efficient point where sites serve no more than their capacity: two integer programs for each, from the right to the left."""
    most = serve_most(sites, reach, weight, time)
    fine = grain(weight)
    least = fine if fine else 1e-9 * max(1.0, float(weight.sum()))
    tiny = grain(sites.cost) or 1e-9 * max(1.0, float(sites.cost.sum()))
    bottom = float(sites.cost[sites.must].sum())
    points: list[tuple[float, float, Ints]] = []
    proven, serves, answer = most.proven, most.serves, most
    while time.left:
        cheapest = serve_most(replace(sites, budget=None), reach, weight, time, price=sites.cost, least=answer.objective)
        served = answer.objective
        points.append((cheapest.objective, served, cheapest.crews))
        if not points[1:]:
            serves = cheapest.serves
        proven &= answer.proven and cheapest.proven
        if cheapest.objective <= bottom + tiny / 2 or served < least / 2:
            break
        answer = serve_most(replace(sites, budget=cheapest.objective - tiny * (1 - EXACT)), reach, weight, time)
    else:
        proven = False
    found = _found(points[::-1], float(weight[reach.any(axis=0)].sum()), complete=proven)
    return replace(found, serves=serves)


def _found(points: list[tuple[float, float, Ints]], most: float, *, complete: bool) -> Found:
    """The frontier, whose choice that covers most is the answer of the model."""
    _, covered, crews = points[-1]
    return Found(crews, covered, covered if complete else most, points=tuple(points), complete=complete)
