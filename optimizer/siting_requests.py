"""Requests that no choice can meet: what stands against them, and the least that would do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from data_models.errors import Infeasible
from data_models.siting import SitingCase
from optimizer.siting_cover import least_open
from optimizer.siting_found import Time
from optimizer.siting_problem import Bools, Floats, Sites, nearest, rows_of_mask, weights_of
from optimizer.siting_served import serve_all, serve_most
from optimizer.siting_travel import drive_s, standards_s

_NAMED = 5
"""Things that a message names; the others are counted."""

_OPENS_P = ("mclp", "pmedian", "pcenter", "backup")
_SERVES_ALL = ("lscp", "pmedian", "pcenter")


def require_possible(case: SitingCase, sites: Sites) -> None:
    """Raises `Infeasible` for what can be seen without solving: too many or too few sites, too little money, points out of reach."""
    sentences = [*_of_sites(case, sites), *_of_money(case, sites)]
    if not sentences and case.model in _SERVES_ALL:
        sentences = list(_out_of_reach(case, sites))
    if sentences:
        raise Infeasible("\n".join(sentences))


def _of_sites(case: SitingCase, sites: Sites) -> Iterator[str]:
    if not len(sites):
        yield f"none of the {len(case.sites)} sites may open; the least that would do is one site whose open is not “never”"
        return
    must = int(sites.must.sum())
    if case.p is None or case.model not in (*_OPENS_P, "mexclp"):
        return
    if case.p > len(sites) and case.model in _OPENS_P:
        never = len(case.sites) - len(sites)
        out = f", as {never} of the {len(case.sites)} never may" if never else ""
        yield f"p is {case.p}, but there are only {_count(len(sites), 'site')} to open{out}; give p at most {len(sites)}, or more sites"
    if case.p < must:
        names = _listed([site.id for site, is_must in zip(sites.facts, sites.must, strict=True) if is_must])
        yield f"p is {case.p}, but {_count(must, 'site')} must be open ({names}); the least p that would do is {must}"


def _of_money(case: SitingCase, sites: Sites) -> Iterator[str]:
    if case.budget is None or not len(sites):
        return
    must = float(sites.cost[sites.must].sum())
    cheapest = int(np.argmin(sites.cost))
    if must > case.budget:
        what = f"budget is {_money(case.budget)}, but the sites that must be open cost {_money(must)} a year"
        yield f"{what}; the least that would do is {_money(must)}"
    elif not sites.must.any() and sites.cost[cheapest] > case.budget:
        least = _money(sites.cost[cheapest])
        what = f"budget is {_money(case.budget)}, below the cheapest site, {sites.facts[cheapest].id}"
        yield f"{what}; the least that would do is {least} a year"


def _out_of_reach(case: SitingCase, sites: Sites) -> Iterator[str]:
    """Points that no site which may open serves."""
    limits = standards_s(case) if case.model == "lscp" else np.full(len(case.demand), np.inf)
    site, seconds = nearest(case, sites.index.tolist(), None)
    beyond = np.flatnonzero((seconds > limits) | np.isinf(seconds))
    if not len(beyond):
        return
    for point in beyond[:_NAMED]:
        what = f"demand[{point}] ({case.demand[point].id}): "
        if site[point] < 0:
            yield f"{what}no site that may open can reach it; give a site on its side of the road network, or leave the point out"
            continue
        standard = case.standard_of(case.demand[point])
        drive = seconds[point] / 60
        near = f"the nearest that may open, {case.sites[site[point]].id}, is {_minutes(drive)} min away"
        what += f"no site that may open covers it within {standard:g} min"
        yield f"{what}; {near}: the least standard that would do is {_minutes(drive)} min"
    if len(beyond) > _NAMED:
        yield f"and {len(beyond) - _NAMED:,} more demand points that no site covers"
    finite = seconds[beyond][np.isfinite(seconds[beyond])]
    if len(finite) == len(beyond) > 1:
        yield f"the least standard that would do for all is {_minutes(float(finite.max()) / 60)} min"


def why_impossible(case: SitingCase, sites: Sites, time: Time) -> str:
    """Why no choice serves everybody though each demand point is in reach of some site, and the least that would do."""
    seconds, weight = drive_s(case.travel, sites.facts, case.demand), weights_of(case)
    reach = seconds <= standards_s(case) if case.model == "lscp" else np.isfinite(seconds)
    free = replace(sites, p=None, budget=None)
    if _least(free, reach, weight, np.ones(len(sites)), time) is None:
        most = serve_most(free, reach, weight, time).objective
        total = float(weight.sum())
        capacity = float(sites.capacity.sum())
        what = "no choice serves every demand point within the capacities, each whole by one site"
        what += f": of a weight of {total:g}, at most {most:g} can be served"
        return f"{what}; together the sites have a capacity of {capacity:g}; give {total - most:g} more, or another site"
    sentences = []
    whom = "covers" if case.model == "lscp" else "reaches"
    if sites.p is not None and case.model != "lscp":
        least = _least(replace(sites, p=None), reach, weight, np.ones(len(sites)), time)
        if least is not None and least > sites.p:
            islands = _islands(reach)
            apart = f", as they lie on {islands} islands without a road between them" if islands > 1 else ""
            sentences.append(f"no {_count(sites.p, 'site')} can serve every demand point{apart}; the least p that would do is {least:g}")
    if sites.budget is not None:
        own = replace(sites, budget=None, p=None if case.model == "lscp" else sites.p)
        least = _least(own, reach, weight, sites.cost, time)
        if least is not None:
            what = f"no choice within the budget of {_money(sites.budget)} {whom} every demand point"
            sentences.append(f"{what}; the least that would do is {_money(least)} a year")
    return "\n".join(sentences) or "no choice keeps p and the budget and serves every demand point; give more of both"


def _least(sites: Sites, reach: Bools, weight: Floats, price: Floats, time: Time) -> float | None:
    """The least sum of prices of a choice that serves everybody."""
    if sites.limited:
        found = serve_all(sites, reach, weight, time, price=price)
    else:
        found = least_open(sites, rows_of_mask(reach, weight), time, price)
    return None if found is None else found.objective


def _islands(reach: Bools) -> int:
    """Parts of the demand that no site connects."""
    left = np.ones(reach.shape[1], bool)
    islands = 0
    while left.any():
        islands += 1
        grown = np.zeros(reach.shape[1], bool)
        grown[int(np.argmax(left))] = True
        while True:
            wider = grown | reach[reach[:, grown].any(axis=1)].any(axis=0)
            if (wider == grown).all():
                break
            grown = wider
        left &= ~grown
    return islands


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _money(amount: float) -> str:
    return f"{amount:,.2f}".removesuffix(".00")


def _minutes(minutes: float) -> str:
    """Minutes rounded up to hundredths: the least that would do must do."""
    return f"{np.ceil(round(minutes * 100, 6)) / 100:g}"
