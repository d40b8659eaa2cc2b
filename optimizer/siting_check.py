"""What a choice of sites really gives, and which rules it breaks: figured anew from the case, sharing nothing with the models."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from data_models.siting import FrontierPoint, SitingCase, SitingChoice
from optimizer.trips import drive

_ERROR = 1e-6
"""Relative: figures that differ by less are equal."""
_LATE_S = 1e-6
_LOWER_IS_BETTER = frozenset({"lscp", "pmedian", "pcenter"})
_EVERYBODY = frozenset({"lscp", "pmedian", "pcenter"})


@dataclass(frozen=True)
class SitingFigures:
    """What a choice gives.

    Attributes
    ----------
    sites, crews
        Open sites, and how often they are named: crews, for `mexclp`.
    yearly_cost
        Of the open sites, each once.
    weight, served, in_standard, twice
        All demand; what some site serves; what is served within its standard; what is served within it and has a second open site there.
    expected
        Expected coverage, for `mexclp`; else 0.
    weighted_minutes, worst_minutes
        Over what is served: weight × minutes from the site that serves, and the longest drive.
    load
        Weight that each open site serves.
    objective
        Of the model.
    """

    sites: int
    crews: int
    yearly_cost: float
    weight: float
    served: float
    in_standard: float
    twice: float
    expected: float
    weighted_minutes: float
    worst_minutes: float
    load: Mapping[str, float]
    objective: float


class _Drives:
    """Drive seconds from a site to every demand point, figured once for each site."""

    def __init__(self, case: SitingCase) -> None:
        self.case = case
        self.limit = [case.standard_of(point) * 60 + _LATE_S for point in case.demand]
        self._from: dict[str, list[float]] = {}

    def of(self, site: str) -> list[float]:
        """By the index of the demand point."""
        if site not in self._from:
            self._from[site] = [drive(self.case.travel, self.case.site_by_id[site], point).seconds for point in self.case.demand]
        return self._from[site]

    def covers(self, site: str, point: int) -> bool:
        """Whether the drive keeps the point's standard."""
        return self.of(site)[point] <= self.limit[point]


def siting_figures(case: SitingCase, choice: SitingChoice) -> SitingFigures:
    """The figures of a choice whose ids exist; a point that it does not mention is not served."""
    return _figures(case, choice, _Drives(case))


def _figures(case: SitingCase, choice: SitingChoice, drives: _Drives) -> SitingFigures:
    crews = Counter(name for name in choice.open if name in case.site_by_id)
    load = dict.fromkeys(crews, 0.0)
    served = in_standard = twice = expected = weighted = worst = 0.0
    for index, point in enumerate(case.demand):
        name = choice.serves.get(point.id)
        if name is None or name not in crews:
            continue
        seconds = drives.of(name)[index]
        load[name] += point.weight
        served += point.weight
        weighted += point.weight * seconds / 60
        worst = max(worst, seconds / 60)
        if not drives.covers(name, index):
            continue
        in_standard += point.weight
        if case.model in ("backup", "mexclp"):
            near = [other for other in crews if drives.covers(other, index)]
            twice += point.weight if len(near) > 1 else 0.0
            expected += point.weight * (1 - (case.busy or 0.0) ** sum(crews[other] for other in near)) if case.model == "mexclp" else 0.0
    weight = sum(point.weight for point in case.demand)
    cost = sum(case.site_by_id[name].yearly_cost for name in crews)
    objective = {
        "lscp": float(len(crews)), "mclp": in_standard, "pmedian": weighted, "pcenter": worst,
        "backup": twice, "mexclp": expected, "frontier": in_standard,
    }[case.model]  # fmt: skip
    return SitingFigures(
        len(crews), sum(crews.values()), cost, weight, served, in_standard, twice, expected, weighted, worst, load, objective
    )


def check_siting(case: SitingCase, choice: SitingChoice) -> tuple[str, ...]:
    """Every rule that a choice breaks, one sentence each; empty when there is none. That it is the best is for a bound to say."""
    drives = _Drives(case)
    broken = [*_opening(case, choice.open), *_serving(case, choice, drives)]
    if broken:
        return tuple(broken)
    figures = _figures(case, choice, drives)
    return (*_capacities(case, figures), *_claims(case, choice, figures.objective), *_points(case, choice.points, drives))


def _opening(case: SitingCase, named: Sequence[str]) -> Iterator[str]:
    crews = Counter(named)
    for name, times in crews.items():
        site = case.site_by_id.get(name)
        if site is None:
            yield f"open names {name!r}, which is no site of the case"
        elif site.open == "never":
            yield f"site {name}: is open, but never may be"
        if times > 1 and case.model != "mexclp":
            yield f"site {name}: is named {times} times; only crews may share a site"
    for site in case.sites:
        if site.open == "must" and site.id not in crews:
            yield f"site {site.id}: is closed, but must be open"
    cost = sum(case.site_by_id[name].yearly_cost for name in crews if name in case.site_by_id)
    if case.budget is not None and cost > case.budget * (1 + _ERROR):
        yield f"the open sites cost {cost:g} a year, more than the budget of {case.budget:g}"
    if case.p is not None and case.model not in ("lscp", "frontier"):
        what = "crews" if case.model == "mexclp" else "sites"
        if len(named) > case.p:
            yield f"{len(named)} {what} are open, but p is {case.p}"
        if len(named) < case.p and (case.budget is None or case.model == "mexclp"):
            yield f"only {len(named)} {what} are open, but p is {case.p} and no budget speaks against more"


def _serving(case: SitingCase, choice: SitingChoice, drives: _Drives) -> Iterator[str]:
    limited = any(site.capacity is not None for site in case.sites)
    measured = case.model in ("pmedian", "pcenter")
    opened = [name for name in dict.fromkeys(choice.open) if name in case.site_by_id]
    for name in choice.serves:
        if name not in case.demand_by_id:
            yield f"serves names {name!r}, which is no demand point of the case"
    for index, point in enumerate(case.demand):
        if point.id not in choice.serves:
            yield f"demand {point.id}: serves does not name it"
            continue
        server = choice.serves[point.id]
        limit = math.inf if measured else drives.limit[index]
        if server is None:
            if case.model in _EVERYBODY:
                yield f"demand {point.id}: nobody serves it, but {case.model} serves everybody"
            elif not limited and any(drives.of(site)[index] <= limit for site in opened):
                yield f"demand {point.id}: nobody serves it, though an open site covers it"
            continue
        if server not in opened:
            yield f"demand {point.id}: is served by {server!r}, which is not open"
            continue
        seconds = drives.of(server)[index]
        if not math.isfinite(seconds):
            yield f"demand {point.id}: {server} serves it, but cannot reach it"
        elif seconds > limit:
            yield f"demand {point.id}: {server} serves it in {seconds / 60:g} min, but its standard is {case.standard_of(point):g}"


def _capacities(case: SitingCase, figures: SitingFigures) -> Iterator[str]:
    for name, load in figures.load.items():
        capacity = case.site_by_id[name].capacity
        if capacity is not None and load > capacity * (1 + _ERROR):
            yield f"site {name}: serves a weight of {load:g}, more than its capacity of {capacity:g}"


def _claims(case: SitingCase, choice: SitingChoice, objective: float) -> Iterator[str]:
    """What the choice says of itself."""
    if not _equal(objective, choice.objective):
        yield f"objective is said to be {choice.objective:g}, but is {objective:g}"
    gap = choice.objective - choice.bound if case.model in _LOWER_IS_BETTER else choice.bound - choice.objective
    if gap < -_ERROR * max(1.0, abs(choice.objective)):
        yield f"bound is {choice.bound:g}, which the objective of {choice.objective:g} passes"
    if choice.proven and not _equal(choice.bound, choice.objective):
        yield f"proven is true, but between the objective of {choice.objective:g} and the bound of {choice.bound:g} is a gap"


def _points(case: SitingCase, points: Sequence[FrontierPoint], drives: _Drives) -> Iterator[str]:
    limited = any(site.capacity is not None for site in case.sites)
    before: FrontierPoint | None = None
    for index, point in enumerate(points):
        where = f"points[{index}]"
        for sentence in _opening(case, point.open):
            yield f"{where}: {sentence}"
        opened = [name for name in dict.fromkeys(point.open) if name in case.site_by_id]
        cost = sum(case.site_by_id[name].yearly_cost for name in opened)
        if not _equal(cost, point.yearly_cost):
            yield f"{where}: yearly_cost is said to be {point.yearly_cost:g}, but is {cost:g}"
        covered = sum(p.weight for i, p in enumerate(case.demand) if any(drives.covers(name, i) for name in opened))
        # With capacities, who serves whom is not told of each point: no more than what is near can be served.
        if (point.covered > covered * (1 + _ERROR)) if limited else not _equal(covered, point.covered):
            yield f"{where}: covered is said to be {point.covered:g}, but {'at most ' if limited else ''}{covered:g} is"
        if before is not None and not (before.yearly_cost < point.yearly_cost and before.covered < point.covered):
            yield f"{where}: does not cost more and cover more than the point before"
        before = point
    if case.model == "frontier" and not points:
        yield "points is empty; a frontier has at least the choice of what must be open"


def _equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_ERROR, abs_tol=_ERROR)
