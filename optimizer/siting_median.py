"""Which sites to open so that people drive least: the p-median, by a Lagrangian bound, branching upon it, or an integer program.

Sets: sites j, demand points i with weighted drives c_ji = w_i d_ji. The p-median (Hakimi 1964, doi 10.1287/opre.12.3.450) is
min sum over i of min over open j of c_ji, with at most p open, within the budget.

1. A good choice by exchanges (`siting_exchange`), then the Lagrangian bound, which settles most sites, and branching (`siting_lagrange`).
2. With a budget, or when branching takes too long: the radius formulation (Cornuejols, Nemhauser & Wolsey 1980, doi
   10.1137/0601030; Garcia, Labbe & Marin 2011, doi 10.1287/ijoc.1100.0418). D_i1 < D_i2 < ... are the different drives to point i, z_ik
   = 1 when no site within D_ik is open: min sum_ik (D_i,k+1 - D_ik) z_ik, z_ik + sum over j with c_ji <= D_ik of x_j >= 1;
   levels beyond the nearest site that is surely open are left out.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_models.errors import Unavailable
from optimizer.siting_cover import optimum
from optimizer.siting_exchange import exchanged, greedy, kicked, objective_of
from optimizer.siting_found import EXACT, OUT_OF_TIME, Found, Time, tightened
from optimizer.siting_lagrange import State, bounded, branched
from optimizer.siting_mip import Program
from optimizer.siting_problem import Floats, Ints, Sites, grain

BRANCHING_SHARE = 0.6
"""Of the time goes to branching; what is left by then is for the integer program."""


WORTH_SORTING = 5_000_000
"""Drives: of more, equal columns are not looked for."""


def least_drive(sites: Sites, cost: Floats, time: Time, seed: int = 1) -> Found | None:
    """The choice with the least sum of weighted drives; None when no choice serves everybody.

    Parameters
    ----------
    cost
        `(n_sites, n_demand) float64`: weight × drive, infinite where there is no way.
    """
    if cost.shape[0] < cost.shape[1] and cost.size <= WORTH_SORTING:  # points with the same drives are one
        columns, counts = np.unique(cost, axis=1, return_counts=True)
        cost = columns * counts
    finite = np.isfinite(cost)
    if not finite.any(axis=0).all():
        return None
    fine = grain(cost[finite])
    # No choice that serves everybody costs so much: an unreachable pair then never pays.
    big = float(np.where(finite, cost, 0.0).max(axis=0).sum()) * 2 + 1
    usable = np.where(finite, cost, big)
    start = kicked(sites, usable, exchanged(sites, usable, greedy(sites, usable)), np.random.default_rng(seed), time)
    state = bounded(sites, usable, start, time, fine)
    if not state.is_closed(fine) and sites.budget is None:
        state = branched(sites, usable, state, time.part(BRANCHING_SHARE), fine)
    if not state.is_closed(fine) and time.left:
        state = _finished(sites, usable, state, time, fine)
    if state.objective >= big:
        if state.bound >= big * (1 - EXACT):
            return None
        raise Unavailable(OUT_OF_TIME)
    return Found(state.opened, state.objective, tightened(state.bound, state.objective, fine))


def _finished(sites: Sites, cost: Floats, state: State, time: Time, fine: float) -> State:
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
        if objective_of(cost, candidate) < state.objective:
            opened = candidate
    objective = objective_of(cost, opened)
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
