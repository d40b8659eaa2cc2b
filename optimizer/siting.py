"""Where the next station belongs: `locate` answers a siting case by the model that it names, with a proof or with a bound.

| model | what is sought | how |
| --- | --- | --- |
| `lscp`, `mclp`, `backup`, `mexclp` | covering | `siting_cover`, integer programs after `siting_reduce` |
| `pmedian` | least weighted drive | `siting_median`: Lagrangian bound and branching (`siting_lagrange`) |
| `pcenter` | least longest drive | `siting_center`: halving with set covering |
| `frontier` | coverage against yearly cost | `siting_frontier` |

With capacities, `siting_served` decides who serves whom. `siting_requests` says what cannot be, and the least that would do.
"""

from __future__ import annotations

import time as clocks
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from data_models.errors import Infeasible
from data_models.siting import FrontierPoint, SitingCase, SitingChoice
from optimizer.siting_center import least_worst_drive
from optimizer.siting_cover import covers_all, expected_covered, least_open, most_covered, twice_covered
from optimizer.siting_found import Found, Time
from optimizer.siting_frontier import frontier, frontier_with_capacities
from optimizer.siting_median import least_drive
from optimizer.siting_problem import (
    Bools,
    Floats,
    Ints,
    Sites,
    covering_rows,
    nearest,
    rows_of_mask,
    sites_of,
    weights_of,
)
from optimizer.siting_requests import require_possible, why_impossible
from optimizer.siting_served import serve_all, serve_expected, serve_most, serve_twice
from optimizer.siting_travel import drive_s, standards_s

DEFAULT_SECONDS = 60.0


def locate(
    case: SitingCase, *, seconds: float = DEFAULT_SECONDS, seed: int = 1, clock: Callable[[], float] = clocks.monotonic
) -> SitingChoice:
    """The best choice of sites, or the best one found in the seconds given, with its bound.

    Exactly `p` sites open where there is no budget; with one, as many as it and `p` allow.

    Raises
    ------
    Infeasible
        No choice does what is asked for: what stands against it, and the least that would do.
    Unavailable
        Time was over before any choice was found that serves everybody.
    """
    begun = clock()
    time = Time(clock, begun + seconds)
    sites = sites_of(case)
    require_possible(case, sites)
    found = (_with_capacities if sites.limited else _without_capacities)(case, sites, time, seed)
    if found is None:
        raise Infeasible(why_impossible(case, sites, time))
    return _choice(case, sites, _filled(case, sites, found), clock() - begun)


def _without_capacities(case: SitingCase, sites: Sites, time: Time, seed: int) -> Found | None:
    if case.model in ("pmedian", "pcenter"):
        seconds = drive_s(case.travel, sites.facts, case.demand)
        if case.model == "pmedian":
            return least_drive(sites, seconds * weights_of(case), time, seed)
        return least_worst_drive(seconds, lambda reach, part: covers_all(sites, rows_of_mask(reach, weights_of(case)), part), time)
    rows = covering_rows(case, sites)
    match case.model:
        case "lscp":
            return least_open(replace(sites, p=None), rows, time)
        case "mclp":
            return most_covered(sites, rows, time)
        case "backup":
            return twice_covered(sites, rows, time)
        case "mexclp":
            return expected_covered(sites, rows, case.busy or 0.0, time)
        case _:
            return frontier(replace(sites, p=None), rows, time)


def _with_capacities(case: SitingCase, sites: Sites, time: Time, seed: int) -> Found | None:
    seconds, weight = drive_s(case.travel, sites.facts, case.demand), weights_of(case)
    reach = seconds <= standards_s(case)
    free = np.zeros(len(sites))
    match case.model:
        case "lscp":
            return serve_all(replace(sites, p=None), reach, weight, time, price=np.ones(len(sites)))
        case "mclp":
            return serve_most(sites, reach, weight, time)
        case "backup":
            return serve_twice(sites, reach, weight, time)
        case "mexclp":
            return serve_expected(sites, reach, weight, case.busy or 0.0, time)
        case "pmedian":
            return serve_all(sites, np.isfinite(seconds), weight, time, price=free, drive=seconds * weight)
        case "pcenter":
            return least_worst_drive(seconds, lambda within, part: _serves_all(sites, within, weight, part), time)
        case _:
            return frontier_with_capacities(replace(sites, p=None), reach, weight, time)


def _serves_all(sites: Sites, reach: Bools, weight: Floats, time: Time) -> tuple[Ints, Ints | None] | bool:
    """As `siting_center.Cover` has it, with capacities."""
    found = serve_all(sites, reach, weight, time, price=np.zeros(len(sites)))
    return False if found is None else (found.crews, found.serves)


def _filled(case: SitingCase, sites: Sites, found: Found) -> Found:
    """Exactly `p` open where nothing speaks against it: a site more never makes a choice worse; the cheapest first."""
    if case.model not in ("mclp", "backup", "pmedian", "pcenter") or case.p is None or case.budget is not None:
        return found
    crews = found.crews.copy()
    closed = np.flatnonzero(crews == 0)
    more = closed[np.argsort(sites.cost[closed], kind="stable")][: case.p - int(crews.sum())]
    crews[more] = 1
    return replace(found, crews=crews)


def _choice(case: SitingCase, sites: Sites, found: Found, seconds: float) -> SitingChoice:
    # Drives are told in minutes, and computed in the whole seconds that they are given in.
    unit = 60.0 if case.model in ("pmedian", "pcenter") else 1.0
    return SitingChoice(
        case=case.name,
        open=_ids(sites, found.crews),
        serves=_serves(case, sites, found),
        objective=found.objective / unit,
        bound=found.bound / unit,
        proven=found.proven,
        seconds=round(seconds, 3),
        points=tuple(FrontierPoint(cost, covered, _ids(sites, crews)) for cost, covered, crews in found.points),
    )


def _ids(sites: Sites, crews: Ints) -> tuple[str, ...]:
    return tuple(site.id for site, times in zip(sites.facts, crews, strict=True) for _ in range(times))


def _serves(case: SitingCase, sites: Sites, found: Found) -> dict[str, str | None]:
    if found.serves is None:
        opened = sites.index[found.crews > 0].tolist()
        site, _ = nearest(case, opened, None if case.model in ("pmedian", "pcenter") else standards_s(case))
    else:
        site = np.where(found.serves >= 0, sites.index[found.serves], -1)
    return {point.id: None if at < 0 else case.sites[at].id for point, at in zip(case.demand, site.tolist(), strict=True)}
