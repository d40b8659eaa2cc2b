"""Which sites to open so that people drive least: the p-median, by a Lagrangian bound and an integer program on what it leaves open.

Sets: sites j, demand points i with weighted drives c_ji = w_i d_ji. The p-median (Hakimi 1964, doi 10.1287/opre.12.3.450) is
min sum over i of min over open j of c_ji, with at most p open, within the budget.

1. A good choice: exchanges of one open for one closed site (Teitz & Bart 1968, doi 10.1287/opre.16.5.955).
2. Lagrangian bound (Cornuejols, Fisher & Nemhauser 1977, doi 10.1287/mnsc.23.8.789; Beasley 1985, doi 10.1016/0377-2217(85)90019-8): with
   a price l_i for serving point i, L(l) = sum_i l_i + min over choices of sum_j r_j x_j, r_j = sum_i min(0, c_ji - l_i).
3. A site that would lift the bound above the best choice if it were opened (closed) is closed (open) for good.
4. What is left: the radius formulation (Cornuejols, Nemhauser & Wolsey 1980, doi 10.1137/0601030; Garcia, Labbe & Marin 2011,
   doi 10.1287/ijoc.1100.0418): D_i1 < D_i2 < ... the different drives to point i, z_ik = 1 when no site within D_ik is open:
   min sum_ik (D_i,k+1 - D_ik) z_ik, z_ik + sum over j with c_ji <= D_ik of x_j >= 1, with levels from the nearest site that is surely
   open upwards left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_models.errors import Unavailable
from optimizer.siting_cover import optimum
from optimizer.siting_found import EXACT, OUT_OF_TIME, Found, Time, tightened
from optimizer.siting_mip import Program
from optimizer.siting_problem import Bools, Floats, Ints, Sites, grain

STEPS = 2_000
"""Steps of the subgradient method at the most; it ends when its steps are too small to matter."""
KICKS = 12
"""Times that a few sites of the best choice are exchanged at random before it is improved anew."""


def least_drive(sites: Sites, cost: Floats, time: Time, seed: int = 1) -> Found | None:
    """The choice with the least sum of weighted drives; None when no choice serves everybody.

    Parameters
    ----------
    cost
        `(n_sites, n_demand) float64`: weight × drive, infinite where there is no way.
    """
    columns, counts = np.unique(cost, axis=1, return_counts=True) if cost.shape[1] > cost.shape[0] else (cost, np.ones(cost.shape[1]))
    cost = columns * counts
    finite = np.isfinite(cost)
    if not finite.any(axis=0).all():
        return None
    fine = grain(cost[finite])
    # No choice that serves everybody costs so much: an unreachable pair then never pays.
    big = float(np.where(finite, cost, 0.0).max(axis=0).sum()) * 2 + 1
    bounded = np.where(finite, cost, big)
    state = _bounded(sites, bounded, time, fine, seed)
    if not state.is_closed(fine):
        state = _finished(sites, bounded, state, time, fine)
    if state.objective >= big:
        if state.bound >= big * (1 - EXACT):
            return None
        raise Unavailable(OUT_OF_TIME)
    return Found(state.opened, state.objective, tightened(state.bound, state.objective, fine))


@dataclass(frozen=True, eq=False)
class _State:
    """The best choice, the best bound, and of the sites those that are surely open or surely closed."""

    opened: Ints
    objective: float
    bound: float
    surely_open: Bools
    surely_closed: Bools

    def is_closed(self, fine: float) -> bool:
        return self.objective - self.bound <= max(fine * (1 - EXACT), 1e-9 * abs(self.objective))


def _bounded(sites: Sites, cost: Floats, time: Time, fine: float, seed: int) -> _State:
    """The subgradient method, with choices that it passes by improved by exchanges."""
    chance = np.random.default_rng(seed)
    opened = _kicked(sites, cost, _exchanged(sites, cost, _greedy(sites, cost)), chance, time)
    best = _State(opened, _objective(cost, opened), -math.inf, sites.must.copy(), np.zeros(len(sites), bool))
    price = np.partition(cost, 1, axis=0)[1] if len(sites) > 1 else cost[0].copy()
    best_price, step_size, stalled = price, 1.5, 0
    direction = np.zeros(cost.shape[1])
    tried: set[bytes] = set()
    for step in range(STEPS):
        below = cost - price
        reduced = np.minimum(below, 0).sum(axis=1)
        chosen, worth = _cheapest(sites, reduced)
        bound = float(price.sum()) + worth
        if bound > best.bound:
            best, best_price, stalled = replace(best, bound=bound), price, 0
        else:
            stalled += 1
            if stalled >= 25:
                step_size, stalled, price = step_size * 0.6, 0, best_price
                direction = np.zeros(cost.shape[1])
                best = _with_choice(sites, cost, best, chosen, tried)
                continue
        if best.is_closed(fine) or step_size < 1e-4 or (step % 20 == 0 and not time.left):
            break
        direction = 1.0 - (below[chosen > 0] < 0).sum(axis=0) + 0.3 * direction
        norm = float(direction @ direction)
        if norm == 0:
            break
        price = price + step_size * (best.objective * 1.0005 - bound) / norm * direction
    return _fixed(sites, cost, best, best_price, fine)


def _with_choice(sites: Sites, cost: Floats, best: _State, chosen: Ints, tried: set[bytes]) -> _State:
    """The state with a choice of the bound, improved by exchanges, where that is a better one."""
    if chosen.tobytes() in tried or not chosen.any() or _over_budget(sites, chosen):
        return best
    tried.add(chosen.tobytes())
    opened = _exchanged(sites, cost, chosen)
    objective = _objective(cost, opened)
    return replace(best, opened=opened, objective=objective) if objective < best.objective else best


def _over_budget(sites: Sites, opened: Ints) -> bool:
    return sites.budget is not None and float(sites.cost @ opened) > sites.budget * (1 + 1e-12)


def _cheapest(sites: Sites, reduced: Floats) -> tuple[Ints, float]:
    """The choice with the least sum of reduced costs, and a lower bound for that sum.

    With a budget it is relaxed twice, to the count alone and to the money alone, and the greater sum is the bound.
    """
    worth = np.where(sites.must, -np.inf, reduced)
    chosen = sites.must.astype(np.int64)
    room = len(sites) if sites.p is None else sites.p
    order = np.argsort(worth, kind="stable")[:room]
    by_count = chosen.copy()
    by_count[order[(reduced[order] < 0) | sites.must[order]]] = 1
    least = float(reduced @ by_count)
    if sites.budget is None:
        return by_count, least
    money = sites.budget - float(sites.cost @ chosen)
    value = float(reduced @ chosen)
    for site in np.argsort(np.where(sites.must, np.inf, reduced / np.maximum(sites.cost, 1e-9)), kind="stable"):
        if reduced[site] >= 0 or sites.must[site]:
            break
        share = min(1.0, money / sites.cost[site]) if sites.cost[site] > 0 else 1.0
        value += share * float(reduced[site])
        money -= share * float(sites.cost[site])
        if share < 1:
            break
        if chosen.sum() < room:
            chosen[site] = 1
    return chosen, max(least, value)


def _fixed(sites: Sites, cost: Floats, state: _State, price: Floats, fine: float) -> _State:
    """Sites settled by the bound: were one decided the other way, the bound would pass the best choice."""
    limit = state.objective - fine * (1 - EXACT) + 1e-9 * abs(state.objective)
    reduced = np.minimum(cost - price, 0).sum(axis=1)
    base = float(price.sum())
    surely_open, surely_closed = state.surely_open.copy(), state.surely_closed.copy()
    if sites.budget is None and sites.p is not None:
        free = ~sites.must
        room = sites.p - int(sites.must.sum())
        ordered = np.sort(reduced[free])
        least = base + float(reduced[sites.must].sum()) + float(np.minimum(ordered[:room], 0).sum())
        last = min(0.0, ordered[room - 1]) if 0 < room <= len(ordered) else 0.0
        following = min(0.0, ordered[room]) if room < len(ordered) else 0.0
        surely_closed |= free & (least - last + reduced > limit) & (reduced > last)
        surely_open |= free & (least - reduced + following > limit) & (reduced <= last)
        if room == 0:
            surely_closed |= free
    return replace(state, surely_open=surely_open & ~surely_closed, surely_closed=surely_closed)


def _finished(sites: Sites, cost: Floats, state: _State, time: Time, fine: float) -> _State:
    """The integer program over the sites that are not settled."""
    kept = np.flatnonzero(~state.surely_closed)
    program = Program()
    x = program.variables(np.zeros(len(kept)), state.surely_open[kept] | sites.must[kept], 1, whole=True)
    if sites.p is not None:
        program.row(-math.inf, sites.p, x, 1.0)
    if sites.budget is not None:
        program.row(-math.inf, sites.budget, x, sites.cost[kept])
    sure = state.surely_open[kept]
    ceiling = cost[kept][sure].min(axis=0) if sure.any() else np.full(cost.shape[1], np.inf)
    base = _add_levels(program, x, cost[kept], ceiling)
    answer = optimum(program, time, fine, None)
    opened = state.opened
    if answer.x is not None:
        candidate = np.zeros(len(sites), np.int64)
        candidate[kept] = np.round(answer.x[x]).astype(np.int64)
        if _objective(cost, candidate) < state.objective:
            opened = candidate
    objective = _objective(cost, opened)
    # An infeasible rest says that nothing beats the choice by which the sites were settled.
    bound = objective if answer.infeasible else max(state.bound, min(objective, answer.bound + base))
    return replace(state, opened=opened, objective=objective, bound=bound)


def _add_levels(program: Program, x: Ints, cost: Floats, ceiling: Floats) -> float:
    """The radius formulation, point by point; gives the sum of the least drives, which the program leaves out."""
    base = 0.0
    steps: list[float] = []
    entry_row: list[NDArray[np.int64]] = []
    entry_site: list[NDArray[np.int64]] = []
    for column, most in zip(cost.T, ceiling, strict=True):
        order = np.argsort(column, kind="stable")
        within = order[column[order] < most]
        values = column[within]
        first = np.flatnonzero(np.diff(values, prepend=-1.0) > 0)
        levels = np.append(values[first], most) if math.isfinite(most) else values[first]
        base += float(levels[0])
        ends = np.append(first[1:], len(values))
        for level in range(len(levels) - 1):
            near = within[: ends[level]]
            entry_row.append(np.full(len(near), len(steps)))
            entry_site.append(near)
            steps.append(float(levels[level + 1] - levels[level]))
    if steps:
        z = program.variables(np.array(steps), 0, 1, whole=False)
        rows, near = np.concatenate(entry_row), np.concatenate(entry_site)
        program.rows(len(steps), 1, math.inf, (rows, x[near], 1.0), (np.arange(len(steps)), z, 1.0))
    program.row(1, math.inf, x, 1.0)  # the farthest level of each point: somebody must be open
    return base


def _objective(cost: Floats, opened: Ints) -> float:
    return float(cost[opened > 0].min(axis=0).sum()) if opened.any() else math.inf


def _greedy(sites: Sites, cost: Floats) -> Ints:
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


def _exchanged(sites: Sites, cost: Floats, opened: Ints) -> Ints:
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


def _kicked(sites: Sites, cost: Floats, opened: Ints, chance: np.random.Generator, time: Time) -> Ints:
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
        if _over_budget(sites, other):
            continue
        other = _exchanged(sites, cost, other)
        if _objective(cost, other) < _objective(cost, opened):
            opened = other
    return opened
