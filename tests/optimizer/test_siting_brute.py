"""Every siting model against every choice there is, on small random cases with ties, islands, budgets, capacities and forced sites."""

from __future__ import annotations

import random

import pytest

from data_models.errors import Infeasible
from data_models.siting import SITING_MODELS, SitingCase
from optimizer.siting import locate
from optimizer.siting_check import check_siting
from tests.optimizer.siting_cases import at_random, choices, objective

LOWER = ("lscp", "pmedian", "pcenter")
CASES = [(model, seed) for model in SITING_MODELS for seed in range(60)]


@pytest.mark.parametrize(("model", "seed"), CASES)
def test_no_choice_is_better(model: str, seed: int) -> None:
    agrees_with_all_choices(model, seed, capacities=False)


@pytest.mark.parametrize(("model", "seed"), [(model, seed) for model, seed in CASES if seed < 25])
def test_no_choice_is_better_with_capacities(model: str, seed: int) -> None:
    agrees_with_all_choices(model, seed, capacities=True)


def agrees_with_all_choices(model: str, seed: int, *, capacities: bool) -> None:
    case = at_random(random.Random(f"{model} {seed}"), model, capacities=capacities)
    values = [value for opened in choices(case) if (value := objective(case, opened)) is not None]
    may_open = sum(site.open != "never" for site in case.sites)
    if model in ("mclp", "backup", "pmedian", "pcenter") and (case.p or 0) > may_open:
        values = []  # `p` sites were asked for
    cheapest = min((site.yearly_cost for site in case.sites if site.open != "never"), default=0)
    if (case.budget is not None and cheapest > case.budget) or not may_open:
        values = []
    try:
        choice = locate(case, seconds=30)
    except Infeasible:
        assert not values
        return
    assert values
    assert check_siting(case, choice) == ()
    assert choice.proven
    assert choice.objective == pytest.approx(min(values) if model in LOWER else max(values))
    if model == "frontier":
        assert [figure for point in choice.points for figure in (point.yearly_cost, point.covered)] == pytest.approx(efficient(case))


def efficient(case: SitingCase) -> list[float]:
    """Cost and coverage, one after the other, of every choice that none beats."""
    known = []
    for opened in choices(case):
        cost = sum(site.yearly_cost for site, k in zip(case.sites, opened, strict=True) if k)
        known.append((cost, objective(case, opened) or 0.0))
    best = -1.0
    kept: list[float] = []
    for cost, covered in sorted(known, key=lambda point: (point[0], -point[1])):
        if covered > best + 1e-9:
            best = covered
            kept += [cost, covered]
    return kept
