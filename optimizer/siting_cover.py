"""Which sites to open so that demand is covered: set covering, maximal, backup and expected covering, without capacities.

Sets: sites j that may open, rows i of demand points with the same covering sites N(i). Decisions: x_j = 1 when j is open, or y_j the
number of its crews; u_i, v_ik between 0 and 1 say what is not covered. Every model minimises what is lost, so that a bound is
always a lower one, and holds: x_j = 1 where j must be open, sum x_j <= p, sum cost_j x_j <= budget.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from data_models.errors import Unavailable
from optimizer.siting_found import EXACT, OUT_OF_TIME, Found, Time, tightened
from optimizer.siting_local import greedily_covering, improved
from optimizer.siting_mip import Answer, Program, relaxed, solve
from optimizer.siting_problem import Bools, Floats, Ints, Rows, Sites, grain, rows_of_mask
from optimizer.siting_reduce import needed_rows, needed_sites

FIRST_SHARE = 0.15
"""Of the time goes to HiGHS, which is sooner done with what is easy; what is left by then is for SCIP."""


def least_open(sites: Sites, rows: Rows, time: Time, price: Floats | None = None) -> Found | None:
    """The fewest sites, or the cheapest at a price for each, that cover every row; None when no choice does.

    Location set covering (Toregas, Swain, ReVelle & Bergman 1971, doi 10.1287/opre.19.6.1363): min sum price_j x_j with
    sum over N(i) of x_j >= 1 for every row i.
    """
    prices = np.ones(len(sites)) if price is None else price
    kept_rows = needed_rows(rows, len(sites))
    plain = price is None and sites.budget is None
    kept_sites = np.flatnonzero(needed_sites(sites, kept_rows) if plain else np.ones(len(sites), bool))
    program, x = _with_sites(sites, prices, kept_sites)
    program.rows(len(kept_rows), 1, math.inf, _pairs(kept_rows, x))
    fine = grain(prices)
    answer = optimum(program, time, fine)
    if answer.infeasible:
        return None
    if answer.x is None:
        raise Unavailable(OUT_OF_TIME)
    crews = _opened(answer.x, x)
    cost = float(prices @ crews)
    return Found(crews, cost, tightened(max(0.0, answer.bound), cost, fine))


def covers_all(sites: Sites, rows: Rows, time: Time) -> tuple[Ints, None] | bool:
    """A choice within `p` and budget that covers every demand point; False when there is none, True when time was over before.

    The rows must hold every demand point: one without any site has an empty row.
    """
    if (np.diff(rows.start) == 0).any():
        return False
    greedy = greedily_covering(sites, rows)
    if greedy is not None:
        return greedy, None
    kept_rows = needed_rows(rows, len(sites))
    kept = needed_sites(sites, kept_rows) if sites.budget is None else np.ones(len(sites), bool)
    program, x = _with_sites(sites, np.ones(len(sites)), np.flatnonzero(kept))
    program.rows(len(kept_rows), 1, math.inf, _pairs(kept_rows, x))
    answer = optimum(program, time, float(len(sites)), None)  # any choice will do: gaps do not matter
    if answer.x is not None:
        return _opened(answer.x, x), None
    return not answer.infeasible


def most_covered(sites: Sites, rows: Rows, time: Time) -> Found:
    """The most weight covered by `p` sites or within the budget.

    Maximal covering (Church & ReVelle 1974, doi 10.1007/BF01942293), told by what is lost: min sum w_i u_i with
    u_i + sum over N(i) of x_j >= 1. u need not be whole: with x whole, the least that the row allows is 0 or 1.
    """
    total = float(rows.weight.sum())
    start = improved(sites, rows)
    lost = total - _covered(rows, start, 1)
    fine = grain(rows.weight)
    if lost <= EXACT * max(fine, total * 1e-6):
        return Found(start, total - lost, total)
    kept = needed_sites(sites, rows) if sites.budget is None else np.ones(len(sites), bool)
    must, left, floor, gone = sites.must, rows, 0.0, 0.0
    if sites.budget is None and sites.p is not None and rows.weight.sum() > 0:
        must, settled, floor = settled_sites(sites, rows, kept, lost - fine * (1 - EXACT))
        if tightened(floor, lost, fine) >= lost - EXACT * max(1.0, lost) * 0.1:
            return Found(start, total - lost, total - lost)
        kept &= ~settled
        left = _left_rows(rows, kept, must)
        # Points that only sites which are surely closed cover are lost in any case.
        gone = total - float(left.weight.sum()) - float(rows.weight[rows.counts(must.astype(np.int64)) > 0].sum())
    program, x = _with_sites(replace(sites, must=must), np.zeros(len(sites)), np.flatnonzero(kept))
    u = program.variables(left.weight, 0, 1, whole=False)
    program.rows(len(left), 1, math.inf, _pairs(left, x), (np.arange(len(left)), u, 1.0))
    answer = optimum(program, time, fine, _hint(program, left, x, u, start))
    if answer.infeasible:  # nothing better is left
        return Found(start, total - lost, total - lost)
    answer = Answer(answer.x, max(floor, answer.bound + gone), False)
    return _found(answer, x, start, total, fine, lambda crews: _covered(rows, crews, 1))


def settled_sites(sites: Sites, rows: Rows, kept: Bools, limit: float) -> tuple[Bools, Bools, float]:
    """Sites that are surely open and surely closed in any choice that loses at most the limit, and a lower bound of what is lost.

    With prices l_i of the linear program, at most w_i, and r_j the sum of l_i over what j covers, at least sum l_i less the `p` greatest
    r_j is lost; a site decided the other way adds what it lacks to them.
    """
    program, x = _with_sites(sites, np.zeros(len(sites)), np.flatnonzero(kept))
    u = program.variables(rows.weight, 0, 1, whole=False)
    first = program.n_rows
    program.rows(len(rows), 1, math.inf, _pairs(rows, x), (np.arange(len(rows)), u, 1.0))
    price = np.clip(relaxed(program)[1][first:], 0.0, rows.weight)
    worth = rows.sums(price, len(sites))
    free = kept & ~sites.must
    room = min((sites.p or 0) - int(sites.must.sum()), int(free.sum()))
    ordered = np.sort(worth[free])[::-1]
    floor = float(price.sum() - worth[sites.must].sum() - ordered[:room].sum())
    if room <= 0:
        return sites.must, free, floor
    last, following = ordered[room - 1], ordered[room] if room < len(ordered) else 0.0
    closed = free & (worth < last) & (floor + last - worth > limit)
    opened = free & (worth >= last) & (floor + worth - following > limit)
    return sites.must | opened, closed, floor


def _left_rows(rows: Rows, kept: Bools, opened: Bools) -> Rows:
    """The rows that are not covered yet and can still be, by the sites that are kept; put together anew."""
    open_rows = np.flatnonzero(rows.counts(opened.astype(np.int64)) == 0)
    some = rows.only(open_rows)
    mask = (some.dense(len(kept)) > 0) & kept[:, None]
    can = mask.any(axis=0)
    return rows_of_mask(mask[:, can], some.weight[can])


def _hint(program: Program, rows: Rows, x: Ints, u: Ints, start: Ints) -> Floats | None:
    """The start as a point of the program; None when it opens a site that the program leaves out."""
    if start[x < 0].any():
        return None
    hint = np.zeros(program.n_variables)
    hint[x[x >= 0]] = start[x >= 0]
    hint[u] = rows.counts(start) == 0
    return hint


def twice_covered(sites: Sites, rows: Rows, time: Time) -> Found:
    """The most weight covered by two different sites.

    Backup coverage (Hogan & ReVelle 1986, doi 10.1287/mnsc.32.11.1434), told by what is lost: min sum w_i u_i with
    2 u_i + sum over N(i) of x_j >= 2 and, which makes the relaxation tighter, u_i + sum over N(i) but k of x_j >= 1 for the few
    rows that have few sites.
    """
    twice = _with_at_least(rows, 2)
    total = float(twice.weight.sum())
    program, x = _with_sites(sites, np.zeros(len(sites)), np.arange(len(sites)))
    u = program.variables(twice.weight, 0, 1, whole=True)
    program.rows(len(twice), 2, math.inf, _pairs(twice, x), (np.arange(len(twice)), u, 2.0))
    _leave_one_out(program, twice, x, u)
    fine = grain(twice.weight)
    answer = optimum(program, time, fine)
    start = improved(sites, rows)
    return _found(answer, x, start, total, fine, lambda crews: _covered(twice, crews, 2))


def expected_covered(sites: Sites, rows: Rows, busy: float, time: Time) -> Found:
    """The most expected coverage by `p` crews, of which several may share a site, each busy with probability q.

    MEXCLP (Daskin 1983, doi 10.1287/trsc.17.1.48): a row that k crews cover counts w_i (1 - q^k). Told by what is lost: min
    sum over i, k of w_i (1 - q) q^(k-1) v_ik with sum over k of (1 - v_ik) <= sum over N(i) of y_j. The k-th crew adds less than the one
    before, so that v need not be whole. A site's cost is paid once, however many crews it has.
    """
    p = sites.p or 0
    total = float(rows.weight.sum())
    levels = [k for k in range(p) if (1 - busy) * busy**k > 1e-12]
    crews = Program()
    y = crews.variables(np.zeros(len(sites)), sites.must, p, whole=True)
    crews.row(p, p, y, 1.0)
    if sites.budget is not None:
        x = crews.variables(np.zeros(len(sites)), sites.must, 1, whole=True)
        n = np.arange(len(sites))
        crews.rows(len(sites), -math.inf, 0, (n, y, 1.0), (n, x, -float(p)))
        crews.row(-math.inf, sites.budget, x, sites.cost)
    parts = [_pairs(rows, y)]
    for k in levels:
        v = crews.variables(rows.weight * (1 - busy) * busy**k, 0, 1, whole=False)
        parts.append((np.arange(len(rows)), v, 1.0))
    crews.rows(len(rows), len(levels), math.inf, *parts)
    answer = optimum(crews, time, 0.0)
    most = total * (1 - busy ** len(levels))  # with every crew in reach of everything
    return _found(answer, y, _all_crews_somewhere(sites), most, 0.0, lambda crews: _expected(rows, crews, busy))


def _with_sites(sites: Sites, price: Floats, kept: Ints) -> tuple[Program, Ints]:
    """A program that opens some of the sites; the variable of each site, -1 for one that is left out."""
    program = Program()
    variables = program.variables(price[kept], sites.must[kept], 1, whole=True)
    x = np.full(len(sites), -1, np.int64)
    x[kept] = variables
    if sites.p is not None:
        program.row(-math.inf, sites.p, variables, 1.0)
    if sites.budget is not None:
        program.row(-math.inf, sites.budget, variables, sites.cost[kept])
    return program, x


def _pairs(rows: Rows, x: Ints) -> tuple[Ints, Ints, float]:
    """The entries of sum over N(i) of x_j; sites without a variable are left out."""
    has = x[rows.sites] >= 0
    return rows.row_of_pair[has], x[rows.sites[has]], 1.0


def _leave_one_out(program: Program, rows: Rows, x: Ints, u: Ints) -> None:
    """u_i + sum over N(i) but k of x_j >= 1, for rows of at most eight sites: more would make the program too large to pay."""
    for row in np.flatnonzero(np.diff(rows.start) <= 8):
        near = x[rows.of(int(row))]
        n = len(near)
        others = np.array([[variable for variable in near if variable != left_out] for left_out in near], np.int64)
        lines = np.arange(n)
        program.rows(n, 1, math.inf, (np.repeat(lines, n - 1), others.ravel(), 1.0), (lines, np.full(n, u[row]), 1.0))


def optimum(program: Program, time: Time, fine: float, hint: Floats | None = None) -> Answer:
    """HiGHS for a share of the time, then SCIP from the best that is known."""
    cost = np.concatenate(program.cost)
    first = solve(program, seconds=time.part(FIRST_SHARE).left, engine="highs", gap=fine * (1 - EXACT))
    if first.infeasible or _is_closed(first, cost, fine):
        return first
    known = [x for x in (first.x, hint) if x is not None]
    best = min(known, key=lambda x: float(cost @ x), default=None)
    second = solve(program, seconds=time.left, engine="scip", gap=fine * (1 - EXACT), hint=best)
    if second.infeasible:
        return second
    known = [x for x in (second.x, *known) if x is not None]
    return Answer(min(known, key=lambda x: float(cost @ x), default=None), max(first.bound, second.bound), False)


def _is_closed(answer: Answer, cost: Floats, fine: float) -> bool:
    """Whether nothing can be gained beyond the tolerance."""
    if answer.x is None:
        return False
    objective = float(cost @ answer.x)
    return objective - answer.bound <= max(fine * (1 - EXACT), 0.1 * EXACT * abs(objective))


def _found(answer: Answer, x: Ints, start: Ints, total: float, fine: float, worth: Callable[[Ints], float]) -> Found:
    """The better of the answer and the start, and the bound on what can be had of the total."""
    options = [start] if answer.x is None else [_opened(answer.x, x), start]
    crews = max(options, key=worth)
    lost = total - worth(crews)
    return Found(crews, total - lost, total - tightened(max(0.0, answer.bound), lost, fine))


def _opened(values: Floats, x: Ints) -> Ints:
    crews = np.zeros(len(x), np.int64)
    crews[x >= 0] = np.round(values[x[x >= 0]]).astype(np.int64)
    return crews


def _covered(rows: Rows, crews: Ints, times: int) -> float:
    """Weight of the rows that so many open sites cover."""
    return float(rows.weight[rows.counts(np.minimum(crews, 1)) >= times].sum())


def _expected(rows: Rows, crews: Ints, busy: float) -> float:
    return float((rows.weight * (1 - busy ** rows.counts(crews))).sum())


def _with_at_least(rows: Rows, n: int) -> Rows:
    """The rows that at least `n` sites can cover."""
    kept = np.flatnonzero(np.diff(rows.start) >= n)
    return rows.only(kept)


def _all_crews_somewhere(sites: Sites) -> Ints:
    """A choice for a start: a crew at each site that must have one, the others with the first or else at the cheapest site."""
    crews = sites.must.astype(np.int64)
    rest = (sites.p or 0) - int(crews.sum())
    crews[int(np.argmax(sites.must)) if sites.must.any() else int(np.argmin(sites.cost))] += rest
    return crews
