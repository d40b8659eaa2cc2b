"""What a siting case that reads well may still get wrong: numbers out of range, names given twice, what the model needs left out.

A question that no choice can answer, such as more stations than sites, is well-formed: that is for the optimizer to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_models.case_rules import (
    MAX_LOAD,
    MAX_MINUTES,
    MAX_MONEY,
    POSITION,
    at,
    name_problems,
    place_problems,
    range_problems,
    travel_problems,
)
from data_models.reading import Where, shown
from data_models.siting import CandidateSite, SitingCase, SitingModel

MAX_SITES = 1_000_000
MAX_CREWS = 1_000

_SITE = {**POSITION, "yearly_cost": (0, MAX_MONEY), "capacity": (0, MAX_LOAD)}
_POINT = {**POSITION, "minutes": (0, MAX_MINUTES)}
_CASE = {"minutes": (0, MAX_MINUTES), "p": (1, MAX_SITES), "busy": (0, 1), "budget": (0, MAX_MONEY)}

_NEEDS: Mapping[SitingModel, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("mclp", "pmedian", "pcenter", "backup"), (("p", "budget"),)),
    "mexclp": (("p",), ("busy",)),
}
"""Of each group a model needs one."""


def siting_problems(case: SitingCase) -> Iterator[str]:
    """What contradicts itself in a siting case, one sentence each, naming the item, the value and the remedy."""
    yield from travel_problems(case.travel)
    yield from range_problems(case, _CASE, Where())
    yield from _needs(case)
    for name, items, limits in (("sites", case.sites, _SITE), ("demand", case.demand, _POINT)):
        if not items:
            yield f"{name} is empty; give at least one"
        yield from name_problems(name, items)
        yield from _items(case, name, items, limits)
    yield from _openings(case.sites)


def _needs(case: SitingCase) -> Iterator[str]:
    for group in _NEEDS.get(case.model, ()):
        if all(getattr(case, field) is None for field in group):
            yield f"{group[0]} is missing; the model {shown(case.model)} needs it{'' if len(group) == 1 else f', or {group[1]}'}"
    if case.model == "mexclp" and case.p is not None and MAX_CREWS < case.p <= MAX_SITES:
        yield f"p is {case.p} crews; give at most {MAX_CREWS:,}"


def _items(case: SitingCase, name: str, items: Sequence[Any], limits: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    for index, item in enumerate(items):
        where = at(name, index, item)
        yield from range_problems(item, limits, where)
        yield from place_problems(case.travel, item.place, where)
        if name == "demand" and not 0 < item.weight <= MAX_LOAD:
            yield where.says(f"weight is {shown(item.weight)}; give more than 0, at most {MAX_LOAD:,}, or leave the point out")


def _openings(sites: Sequence[CandidateSite]) -> Iterator[str]:
    """A site that must be open and never may, because its id stands twice."""
    first: dict[str, int] = {}
    for index, site in enumerate(sites):
        before = first.setdefault(site.id, index)
        if {site.open, sites[before].open} == {"must", "never"}:
            what = f"open is {shown(site.open)}, but {shown(sites[before].open)} in sites[{before}] of the same id"
            yield at("sites", index, site).says(f"{what}; a site cannot be both, keep one")
