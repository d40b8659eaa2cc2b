"""Siting with capacities: each demand point is served whole by one open site within reach, no site beyond its capacity.

What a model counts is what is served. Decisions: x_j open, y_j crews, a_ji = 1 when j serves i (single sourcing, as a choice names one
site for each point). Rows: sum_j a_ji <= 1, or = 1 where everybody must be served; a_ji <= x_j; sum_i w_i a_ji <= capacity_j x_j;
sum_j x_j <= p; sum_j cost_j x_j <= budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from data_models.errors import Unavailable
from optimizer.siting_cover import optimum
from optimizer.siting_found import EXACT, OUT_OF_TIME, Found, Time, tightened
from optimizer.siting_mip import Program
from optimizer.siting_problem import Bools, Floats, Ints, Sites, grain


@dataclass
class _Serving:
    """The program with its common rows, and where its variables are."""

    program: Program
    x: Ints
    a: Ints
    site: Ints
    point: Ints

    def served(self) -> tuple[Ints, Ints, float]:
        """The entries of sum_j a_ji by point."""
        return self.point, self.a, 1.0


def serve_all(sites: Sites, reach: Bools, weight: Floats, time: Time, *, price: Floats, drive: Floats | None = None) -> Found | None:
    """Everybody served at the least sum of prices of sites and, when given, of weighted drives; None when no choice does.

    `lscp` with capacities has prices of 1, the p-median no prices but drives `(n_sites, n_demand)`.
    """
    if not reach.any(axis=0).all():
        return None
    cost = np.zeros(0) if drive is None else drive[reach]
    serving = _program(sites, reach, weight, price, cost, everybody=True)
    fine = grain(np.concatenate([price, cost]))
    answer = optimum(serving.program, time, fine, None)
    if answer.infeasible:
        return None
    if answer.x is None:
        raise Unavailable(OUT_OF_TIME)
    crews, serves = _read(serving, answer.x, reach.shape)
    objective = float(price @ crews) + (0.0 if drive is None else float(drive[serves, np.arange(len(serves))].sum()))
    return Found(crews, objective, tightened(answer.bound, objective, fine), serves)


def serve_most(sites: Sites, reach: Bools, weight: Floats, time: Time, *, price: Floats | None = None, least: float = 0.0) -> Found:
    """The most weight served; or, with prices, the cheapest choice that serves at least so much."""
    priced = np.zeros(len(sites)) if price is None else price
    worth = -weight[np.nonzero(reach)[1]]
    serving = _program(sites, reach, weight, priced, worth if price is None else np.zeros(len(worth)), everybody=False)
    if price is not None:
        serving.program.row(least - EXACT * max(1.0, least), math.inf, serving.a, -worth)
    fine = grain(weight if price is None else priced)
    answer = optimum(serving.program, time, fine, None)
    if answer.x is None:
        raise Unavailable(OUT_OF_TIME)
    crews, serves = _read(serving, answer.x, reach.shape)
    served = float(weight[serves >= 0].sum())
    if price is None:
        return Found(crews, served, -tightened(answer.bound, -served, fine), serves)
    cost = float(priced @ crews)
    return Found(crews, cost, tightened(answer.bound, cost, fine), serves)


def serve_twice(sites: Sites, reach: Bools, weight: Floats, time: Time) -> Found:
    """The most weight of points that are served and have a second open site within reach; that one keeps no capacity free for them."""
    pairs = np.nonzero(reach)[1]
    serving = _program(sites, reach, weight, np.zeros(len(sites)), np.zeros(len(pairs)), everybody=False)
    point = np.arange(len(weight))
    b = serving.program.variables(-weight, 0, 1, whole=True)
    serving.program.rows(len(weight), 0, math.inf, serving.served(), (point, b, -1.0))
    serving.program.rows(len(weight), 0, math.inf, (serving.point, serving.x[serving.site], 1.0), (point, b, -2.0))
    fine = grain(weight)
    answer = optimum(serving.program, time, fine, None)
    if answer.x is None:
        raise Unavailable(OUT_OF_TIME)
    crews, serves = _read(serving, answer.x, reach.shape)
    twice = float(weight[(serves >= 0) & (reach[crews > 0].sum(axis=0) >= 2)].sum())
    return Found(crews, twice, -tightened(answer.bound, -twice, fine), serves)


def serve_expected(sites: Sites, reach: Bools, weight: Floats, busy: float, time: Time) -> Found:
    """The most expected coverage of points that are served, by `p` crews of which several may share a site."""
    p = sites.p or 0
    pairs = np.nonzero(reach)[1]
    serving = _program(sites, reach, weight, np.zeros(len(sites)), np.zeros(len(pairs)), everybody=False)
    program, n, point = serving.program, np.arange(len(sites)), np.arange(len(weight))
    y = program.variables(np.zeros(len(sites)), 0, p, whole=True)
    program.row(p, p, y, 1.0)
    program.rows(len(sites), 0, math.inf, (n, y, 1.0), (n, serving.x, -1.0))
    program.rows(len(sites), -math.inf, 0, (n, y, 1.0), (n, serving.x, -float(p)))
    parts = []
    for k in range(p):
        if (1 - busy) * busy**k <= 1e-12:
            break
        v = program.variables(-weight * (1 - busy) * busy**k, 0, 1, whole=False)
        program.rows(len(weight), 0, math.inf, serving.served(), (point, v, -1.0))
        parts.append((point, v, -1.0))
    program.rows(len(weight), 0, math.inf, (serving.point, y[serving.site], 1.0), *parts)
    answer = optimum(program, time, 0.0, None)
    if answer.x is None:
        raise Unavailable(OUT_OF_TIME)
    _, serves = _read(serving, answer.x, reach.shape)
    crews = np.round(answer.x[y]).astype(np.int64)
    chance = 1 - busy ** (crews @ reach)
    expected = float((weight * chance)[serves >= 0].sum())
    return Found(crews, expected, max(expected, -answer.bound), serves)


def _program(sites: Sites, reach: Bools, weight: Floats, price: Floats, cost: Floats, *, everybody: bool) -> _Serving:
    site, point = np.nonzero(reach)
    program = Program()
    x = program.variables(price, sites.must, 1, whole=True)
    a = program.variables(cost if len(cost) else np.zeros(len(site)), 0, 1, whole=True)
    program.rows(reach.shape[1], 1 if everybody else 0, 1, (point, a, 1.0))
    pair = np.arange(len(site))
    program.rows(len(site), -math.inf, 0, (pair, a, 1.0), (pair, x[site], -1.0))
    limited = np.flatnonzero(np.isfinite(sites.capacity))
    line = np.full(len(sites), -1, np.int64)
    line[limited] = np.arange(len(limited))
    held = line[site] >= 0
    load = line[site[held]], a[held], weight[point[held]]
    room = np.arange(len(limited)), x[limited], -sites.capacity[limited]
    program.rows(len(limited), -math.inf, 0, load, room)
    if sites.p is not None:
        program.row(-math.inf, sites.p, x, 1.0)
    if sites.budget is not None:
        program.row(-math.inf, sites.budget, x, sites.cost)
    return _Serving(program, x, a, site, point)


def _read(serving: _Serving, values: Floats, shape: tuple[int, ...]) -> tuple[Ints, Ints]:
    """What is open, and the site that serves each point, -1 for none."""
    crews = np.round(values[serving.x]).astype(np.int64)
    serves = np.full(shape[1], -1, np.int64)
    on = np.flatnonzero(np.round(values[serving.a]) > 0)
    serves[serving.point[on]] = serving.site[on]
    return crews, serves
