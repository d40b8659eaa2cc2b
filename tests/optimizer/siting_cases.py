"""Siting cases for tests: by hand, at random, and what enumerating every choice says about them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from data_models.case import TravelMatrix
from data_models.siting import CandidateSite, DemandPoint, SitingCase


def by_matrix(drives: Sequence[Sequence[float]], weights: Sequence[float], costs: Sequence[float], **given: Any) -> SitingCase:
    """Sites A, B, … and demand points 1, 2, … with `drives[site][point]` in minutes; no drive leads anywhere else."""
    n, size = len(drives), len(drives) + len(weights)
    seconds = [[math.inf] * size for _ in range(size)]
    for i in range(size):
        seconds[i][i] = 0.0
    for i, row in enumerate(drives):
        for j, value in enumerate(row):
            seconds[i][n + j] = value * 60
    table = tuple(map(tuple, seconds))
    opening = given.pop("opening", {})
    capacity = given.pop("capacity", {})
    names = [chr(ord("A") + i) for i in range(n)]
    sites = tuple(
        CandidateSite(name, f"Site {name}", 0, 0, opening.get(name, "may"), costs[i], capacity.get(name), i) for i, name in enumerate(names)
    )
    demand = tuple(DemandPoint(str(j + 1), 0, 0, weight, None, n + j) for j, weight in enumerate(weights))
    standards = given.pop("standards", {})
    demand = tuple(replace(point, minutes=standards.get(point.id)) for point in demand)
    return SitingCase("by hand", TravelMatrix("matrix", table, table), sites, demand, given.pop("minutes", 60.0), **given)


def at_random(chance: random.Random, model: str, *, capacities: bool = False) -> SitingCase:
    """A small case with ties, unreachable pairs, sites that must and never open, standards of their own, and sometimes a budget."""
    n, m = chance.randint(2, 6), chance.randint(1, 5 if capacities else 8)
    minutes = [[chance.choice([10, 20, 30, 40, 60, 61, 90, math.inf]) for _ in range(m)] for _ in range(n)]
    weights = [chance.choice([1, 2, 3, 5, 2.5, 0.37]) for _ in range(m)]
    costs = [chance.choice([0, 1, 2, 3, 3.5, 10]) for _ in range(n)]
    names = [chr(ord("A") + i) for i in range(n)]
    return by_matrix(
        minutes, weights, costs, model=model,
        opening={name: chance.choice(["may", "may", "may", "must", "never"]) for name in names},
        standards={str(j + 1): chance.choice([20.0, 40.0]) for j in range(m) if chance.random() < 0.3},
        p=chance.randint(1, n), busy=chance.choice([0.0, 0.3, 0.5, 0.9]),
        capacity={name: chance.choice([2.0, 4.0, 7.5]) for name in names if chance.random() < 0.6} if capacities else {},
        budget=chance.choice([None, None, 3.0, 6.0, 12.0]),
    )  # fmt: skip


def choices(case: SitingCase) -> Iterator[tuple[int, ...]]:
    """Every choice that the case allows: how many crews at each site."""
    n = len(case.sites)
    crews = case.model == "mexclp"
    for opened in itertools.product(range((case.p or 0) + 1) if crews else (0, 1), repeat=n):
        if any((site.open == "never" and k) or (site.open == "must" and not k) for site, k in zip(case.sites, opened, strict=True)):
            continue
        if case.budget is not None and sum(s.yearly_cost for s, k in zip(case.sites, opened, strict=True) if k) > case.budget + 1e-9:
            continue
        if crews and sum(opened) != case.p:
            continue
        if case.model not in ("lscp", "frontier", "mexclp") and case.p is not None and sum(opened) > case.p:
            continue
        yield opened


def objective(case: SitingCase, opened: Sequence[int]) -> float | None:
    """The best that a choice can give, by trying every way to serve; None when it does not serve whom it must."""
    near = [[_drive(case, i, j) <= case.standard_of(case.demand[j]) for j in range(len(case.demand))] for i in range(len(case.sites))]
    everybody = case.model in ("lscp", "pmedian", "pcenter")
    limited = any(site.capacity is not None for site in case.sites)
    options = []
    for j in range(len(case.demand)):
        able = [i for i, k in enumerate(opened) if k and (near[i][j] if case.model not in ("pmedian", "pcenter") else True)]
        able = [i for i in able if math.isfinite(_drive(case, i, j))]
        if everybody and not able:
            return None
        if not limited:
            able = [min(able, key=lambda i: _drive(case, i, j))] if able else []
        options.append([*able, *([] if everybody or (able and not limited) else [None])])
    values = [
        _value(case, opened, near, serving)
        for serving in itertools.product(*options)
        if all(
            site.capacity is None or sum(case.demand[j].weight for j, at in enumerate(serving) if at == i) <= site.capacity + 1e-9
            for i, site in enumerate(case.sites)
        )
    ]
    if not values:
        return None
    return min(values) if everybody else max(values)


def _value(case: SitingCase, opened: Sequence[int], near: list[list[bool]], serving: tuple[int | None, ...]) -> float:
    drives = [(case.demand[j].weight, _drive(case, i, j)) for j, i in enumerate(serving) if i is not None]
    served = [j for j, i in enumerate(serving) if i is not None]
    crews = {j: sum(k for i, k in enumerate(opened) if near[i][j]) for j in served}
    match case.model:
        case "lscp":
            return float(sum(opened))
        case "pmedian":
            return sum(w * d for w, d in drives)
        case "pcenter":
            return max((d for _, d in drives), default=0.0)
        case "backup":
            return sum(case.demand[j].weight for j in served if crews[j] >= 2)
        case "mexclp":
            return sum(case.demand[j].weight * (1 - (case.busy or 0.0) ** crews[j]) for j in served)
        case _:
            return sum(case.demand[j].weight for j in served)


def _drive(case: SitingCase, i: int, j: int) -> float:
    assert isinstance(case.travel, TravelMatrix)
    return case.travel.seconds[case.sites[i].place or 0][case.demand[j].place or 0] / 60
