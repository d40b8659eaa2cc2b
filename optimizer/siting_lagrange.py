"""The Lagrangian bound of the p-median, the sites that it settles, and a branch and bound upon it.

With a price l_i for serving point i, L(l) = sum_i l_i + min over choices of sum_j r_j x_j with r_j = sum_i min(0, c_ji - l_i): no choice
costs less (Cornuejols, Fisher & Nemhauser 1977, doi 10.1287/mnsc.23.8.789; Beasley 1985, doi 10.1016/0377-2217(85)90019-8).
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace

import numpy as np

from optimizer.siting_exchange import exchanged, objective_of, over_budget
from optimizer.siting_found import EXACT, Time
from optimizer.siting_problem import Bools, Floats, Ints, Sites

STEPS = 2_000
"""Steps of the subgradient method at the root, at the most; it ends when its steps are too small to matter."""
STEPS_OF_NODE = 60
PATIENCE = 25
"""Steps without a better bound after which steps become smaller."""
PATIENCE_OF_NODE = 8


@dataclass(frozen=True, eq=False)
class State:
    """The best choice, the best bound with its prices, and of the sites those that are surely open or surely closed."""

    opened: Ints
    objective: float
    bound: float
    price: Floats
    surely_open: Bools
    surely_closed: Bools

    def is_closed(self, fine: float) -> bool:
        """Whether no choice can be better by a step of the objective."""
        return self.bound > beaten(self.objective, fine)


def beaten(objective: float, fine: float) -> float:
    """A bound above this leaves nothing better than the objective."""
    return objective - max(fine * (1 - EXACT), 1e-9 * abs(objective))


def bounded(sites: Sites, cost: Floats, opened: Ints, time: Time, fine: float) -> State:
    """The subgradient method, with choices that it passes by improved by exchanges, and the sites that are settled by it."""
    price = np.partition(cost, 1, axis=0)[1] if len(sites) > 1 else cost[0].copy()
    none = np.zeros(len(sites), bool)
    best = State(opened, objective_of(cost, opened), -math.inf, price, sites.must.copy(), none)
    step_size, stalled, direction = 1.5, 0, np.zeros(cost.shape[1])
    tried: set[bytes] = set()
    for step in range(STEPS):
        bound, chosen, gradient = _look(sites, cost, price)
        if bound > best.bound:
            best, stalled = replace(best, bound=bound, price=price), 0
        else:
            stalled += 1
        if best.is_closed(fine) or step_size < 1e-4 or (step % 20 == 0 and not time.left):
            break
        if stalled >= PATIENCE:
            step_size, stalled, price = step_size * 0.6, 0, best.price
            direction[:] = 0
            best = _with_choice(sites, cost, best, chosen, tried)
            continue
        direction = gradient + 0.3 * direction
        norm = float(direction @ direction)
        if norm == 0:
            break
        price = price + step_size * (best.objective * 1.0005 - bound) / norm * direction
    surely_open, surely_closed = settled(sites, cost, best.price, beaten(best.objective, fine))
    return replace(best, surely_open=surely_open, surely_closed=surely_closed)


def _look(sites: Sites, cost: Floats, price: Floats) -> tuple[float, Ints, Floats]:
    """The bound of a price, the choice that attains it, and the direction in which prices should move."""
    below = cost - price
    np.minimum(below, 0, out=below)
    chosen, worth = _cheapest(sites, below.sum(axis=1))
    gradient = 1.0 - (below[chosen > 0] < 0).sum(axis=0)
    return float(price.sum()) + worth, chosen, gradient


def _with_choice(sites: Sites, cost: Floats, best: State, chosen: Ints, tried: set[bytes]) -> State:
    """The state with a choice of the bound, improved by exchanges, where that is a better one."""
    if chosen.tobytes() in tried or not chosen.any() or over_budget(sites, chosen):
        return best
    tried.add(chosen.tobytes())
    opened = exchanged(sites, cost, chosen)
    objective = objective_of(cost, opened)
    return replace(best, opened=opened, objective=objective) if objective < best.objective else best


def _cheapest(sites: Sites, reduced: Floats) -> tuple[Ints, float]:
    """The choice with the least sum of reduced costs, and a lower bound for that sum.

    With a budget it is relaxed twice, to the count alone and to the money alone, and the greater sum is the bound.
    """
    worth = np.where(sites.must, -np.inf, reduced)
    room = len(sites) if sites.p is None else min(sites.p, len(sites))
    order = np.argpartition(worth, room - 1)[:room] if 0 < room < len(sites) else np.arange(len(sites))
    by_count = sites.must.astype(np.int64)
    by_count[order[(reduced[order] < 0) | sites.must[order]]] = 1
    least = float(reduced @ by_count)
    return (by_count, least) if sites.budget is None else _within_budget(sites, reduced, room, least)


def _within_budget(sites: Sites, reduced: Floats, room: int, least: float) -> tuple[Ints, float]:
    """As `_cheapest`, by the money alone: the fractional knapsack."""
    chosen = sites.must.astype(np.int64)
    money = max(0.0, (sites.budget or 0.0) - float(sites.cost @ chosen))
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


def settled(sites: Sites, cost: Floats, price: Floats, limit: float) -> tuple[Bools, Bools]:
    """Sites that are surely open and surely closed in any choice below the limit: decided otherwise, they lift the bound above it.

    With a budget only the sites that must be open are said to be so.
    """
    nobody = np.zeros(len(sites), bool)
    if sites.budget is not None or sites.p is None:
        return sites.must.copy(), nobody
    reduced = np.minimum(cost - price, 0).sum(axis=1)
    free = ~sites.must
    room = sites.p - int(sites.must.sum())
    if room <= 0:
        return sites.must.copy(), free
    ordered = np.sort(reduced[free])
    least = float(price.sum() + reduced[sites.must].sum() + ordered[:room].sum())
    last = ordered[room - 1] if room <= len(ordered) else 0.0
    following = ordered[room] if room < len(ordered) else 0.0
    closed = free & (least - last + reduced > limit) & (reduced > last)
    opened = free & (least - reduced + following > limit) & (reduced <= last)
    return sites.must | (opened & ~closed), closed


@dataclass(frozen=True, eq=False)
class _Node:
    """What is left to decide: sites that are not closed, of them those that are open, and prices to begin with."""

    bound: float
    kept: Ints
    open: Bools
    price: Floats


def branched(sites: Sites, cost: Floats, root: State, time: Time, fine: float) -> State:
    """Branch and bound, the lowest bound first; without a budget.

    Branches on the site of which the bound says most surely that it is open: closing it lifts the bound most.
    """
    best, number = root, 0
    start = np.flatnonzero(~root.surely_closed)
    heap = [(root.bound, 0, _Node(root.bound, start, root.surely_open[start], root.price))]
    while heap and heap[0][0] <= beaten(best.objective, fine) and time.left:
        _, _, node = heapq.heappop(heap)
        if not node.open.any() and not len(node.kept):
            continue
        for child in _children(sites, cost, node):
            node_state, candidate = _improved(sites, cost, child, best.objective, fine)
            if candidate is not None:
                objective = objective_of(cost, candidate)
                if objective < best.objective:
                    best = replace(best, opened=candidate, objective=objective)
            if node_state is not None and node_state.bound <= beaten(best.objective, fine):
                number += 1
                heapq.heappush(heap, (node_state.bound, -number, node_state))
    left = min((entry[0] for entry in heap), default=math.inf)
    return replace(best, bound=max(root.bound, min(left, best.objective)))


def _children(sites: Sites, cost: Floats, node: _Node) -> list[_Node]:
    """The node with one site more that is open, and with that site closed; none when there is nothing to decide."""
    free = np.flatnonzero(~node.open)
    if not len(free) or int(node.open.sum()) >= (sites.p or 0):
        return []
    reduced = np.minimum(cost[node.kept[free]] - node.price, 0).sum(axis=1)
    site = free[int(np.argmin(reduced))]
    opened = node.open.copy()
    opened[site] = True
    without = np.arange(len(node.kept)) != site
    return [replace(node, open=opened), replace(node, kept=node.kept[without], open=node.open[without])]


def _improved(sites: Sites, cost: Floats, node: _Node, objective: float, fine: float) -> tuple[_Node | None, Ints | None]:
    """The node with its bound and what it settles, None when it holds nothing better; and the best choice seen in it."""
    kept = node.kept
    facts, site_cost, capacity = sites.facts[: len(kept)], sites.cost[kept], sites.capacity[kept]
    local = replace(sites, facts=facts, index=kept, must=node.open, cost=site_cost, capacity=capacity)
    own = cost[node.kept]
    limit = beaten(objective, fine)
    best_price, best_bound, candidate, candidate_cost = node.price, -math.inf, None, math.inf
    price, step_size, stalled = node.price, 0.8, 0
    for _ in range(STEPS_OF_NODE):
        bound, chosen, gradient = _look(local, own, price)
        if bound > best_bound:
            best_bound, best_price, stalled = bound, price, 0
            value = objective_of(own, chosen)
            if value < candidate_cost:
                candidate, candidate_cost = chosen, value
        else:
            stalled += 1
        norm = float(gradient @ gradient)
        if bound > limit or norm == 0 or step_size < 1e-3:
            break
        if stalled >= PATIENCE_OF_NODE:
            step_size, stalled, price = step_size * 0.5, 0, best_price
            continue
        price = price + step_size * (objective * 1.0005 - bound) / norm * gradient
    spread = None
    if candidate is not None:
        spread = np.zeros(len(sites), np.int64)
        spread[node.kept[candidate > 0]] = 1
    if best_bound > limit:
        return None, spread
    opened, closed = settled(local, own, best_price, limit)
    return _Node(max(node.bound, best_bound), kept[~closed], opened[~closed], best_price), spread
