"""The parts that siting stands on: what is covered, how points are put together, what a problem can do without, bounds of p-medians."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.siting import optima, read_pmed, solve_pmed
from data_models.case import GreatCircle
from data_models.siting import CandidateSite, DemandPoint, SitingCase
from optimizer.siting_cover import most_covered, settled_sites
from optimizer.siting_found import Time, tightened
from optimizer.siting_frontier import frontier
from optimizer.siting_lagrange import bounded, settled
from optimizer.siting_mip import Program, solve
from optimizer.siting_problem import Sites, covering_rows, grain, rows_of_bits, rows_of_mask, sites_of
from optimizer.siting_reduce import needed_rows, needed_sites
from optimizer.siting_travel import covered_bits, drive_s, standards_s

PMED = Path(__file__).parents[3] / "shared" / "data" / "pmed"
needs_pmed = pytest.mark.skipif(not PMED.exists(), reason=f"the OR-Library's p-medians are not at {PMED}")


def scattered(n_sites: int, n_demand: int, seed: int = 1) -> SitingCase:
    """Places everywhere on earth, the poles and the date line among them; some points at a site, some exactly at a limit."""
    chance = random.Random(seed)
    sites = [CandidateSite(f"S{i}", "", chance.uniform(-90, 90), chance.uniform(-180, 180), "may", 1) for i in range(n_sites)]
    demand = [DemandPoint(f"D{i}", chance.uniform(-90, 90), chance.uniform(-180, 180), 1) for i in range(n_demand)]
    sites[0] = CandidateSite("S0", "", 0, 179.99, "may", 1)
    demand[:3] = [DemandPoint("D0", 0, -179.99, 1), DemandPoint("D1", sites[1].lat, sites[1].lon, 1, 0.0), DemandPoint("D2", 0, -0.01, 1)]
    case = SitingCase("scattered", GreatCircle("great_circle", 1.3, 70), tuple(sites), tuple(demand), 4000, "mclp", 1)
    drives = drive_s(case.travel, sites, demand)
    exact = [
        DemandPoint(p.id, p.lat, p.lon, 1, float(drives[i % n_sites, i]) / 60 - (i % 2) / 60) if i > 2 else p for i, p in enumerate(demand)
    ]
    return SitingCase("scattered", case.travel, case.sites, tuple(exact), 4000, "mclp", 1)


def test_what_is_covered_by_chord_is_what_is_covered_by_drive() -> None:
    case = scattered(20, 301)
    drives = drive_s(case.travel, case.sites, case.demand)
    expected = drives <= standards_s(case)
    assert 0.2 < expected.mean() < 0.8
    assert expected[4, 24]  # exactly at its limit
    assert not expected[3, 23]  # one second over
    assert (np.unpackbits(covered_bits(case, case.sites), axis=1, count=301).astype(bool) == expected).all()


def test_points_of_the_same_sites_are_one_row() -> None:
    covered = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 1, 0]], bool)
    weight = np.array([1.0, 2, 4, 8, 16])
    for rows in (rows_of_bits(np.packbits(covered, axis=1), weight), rows_of_mask(covered[:, :4], weight[:4])):
        assert sorted(rows.weight) == [5, 10]
        assert rows.counts(np.array([1, 0])).sum() == 1
        assert {int(rows.of(r)[0]): rows.weight[r] for r in range(2)} == {0: 5, 1: 10}


def test_rows_of_a_case_keep_all_that_can_be_covered() -> None:
    case = scattered(9, 50)
    rows = covering_rows(case, sites_of(case))
    covered = drive_s(case.travel, case.sites, case.demand) <= standards_s(case)
    assert rows.weight.sum() == covered.any(axis=0).sum()
    for opened in range(9):
        crews = np.zeros(9, np.int64)
        crews[opened] = 1
        assert rows.weight[rows.counts(crews) > 0].sum() == covered[opened].sum()


def test_a_row_that_follows_from_another_is_left_out() -> None:
    # Whoever covers point 0 (site 0) covers point 1 (sites 0 and 1); point 2 stands alone.
    rows = rows_of_mask(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], bool), np.ones(3))
    assert sorted(rows.point[[len(rows.of(r)) for r in range(3)] == np.array(1)]) == sorted(needed_rows(rows, 3).point)


def test_a_site_that_another_replaces_is_left_out() -> None:
    covered = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], bool)
    rows = rows_of_mask(covered, np.ones(3))
    assert needed_sites(_sites(4), rows).tolist() == [True, False, False, True]
    assert needed_sites(_sites(4, must=2), rows).tolist() == [False, False, True, True]


@pytest.mark.parametrize("seed", range(12))
def test_settling_and_reducing_change_no_optimum(seed: int) -> None:
    chance = np.random.default_rng(seed)
    places, sites_at = chance.random((150, 2)), chance.random((30, 2))
    covered = np.hypot(*(sites_at[:, None, :] - places[None, :, :]).transpose(2, 0, 1)) <= chance.choice([0.1, 0.2])
    weight = chance.integers(1, 20, 150).astype(float)
    rows = rows_of_mask(covered[:, covered.any(axis=0)], weight[covered.any(axis=0)])
    sites = replace(_sites(30, must=7 if seed % 3 == 0 else None), p=int(chance.integers(2, 9)))
    # Without any reduction: every point a row of its own.
    program = Program()
    x = program.variables(np.zeros(30), sites.must, 1, whole=True)
    u = program.variables(weight, 0, 1, whole=True)
    site, point = np.nonzero(covered)
    program.rows(150, 1, np.inf, (point, x[site], 1.0), (np.arange(150), u, 1.0))
    program.row(-np.inf, sites.p or 0, x, 1.0)
    plain = solve(program, seconds=60)
    assert plain.x is not None
    found = most_covered(sites, rows, Time(time.monotonic, time.monotonic() + 60))
    assert found.objective == pytest.approx(weight.sum() - weight @ plain.x[u])
    assert found.proven


def all_choices(n: int) -> np.ndarray:
    """`(2 ** n, n) bool`."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(bool)


def random_cover(seed: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `n` sites cover which of `m` points, each point at least one; and weights of 1 to 3, which make small steps."""
    chance = np.random.default_rng(seed)
    covered = np.hypot(*(chance.random((n, 1, 2)) - chance.random((1, m, 2))).transpose(2, 0, 1)) <= 0.3
    return covered[:, covered.any(axis=0)], chance.integers(1, 4, int(covered.any(axis=0).sum())).astype(float)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_settled_holds_for_every_choice_within_the_limit(seed: int) -> None:
    covered, weight = random_cover(seed, 12, 60)
    sites = replace(_sites(12), p=4)
    choices = all_choices(12)
    choices = choices[choices.sum(axis=1) == 4]
    lost = weight.sum() - (choices.astype(int) @ covered > 0) @ weight
    limit = np.sort(np.unique(lost))[1]  # the second best: the best must not be settled away either
    opened, closed, floor = settled_sites(sites, rows_of_mask(covered, weight), np.ones(12, bool), limit)
    within = choices[lost <= limit]
    assert within[:, opened].all()
    assert not within[:, closed].any()
    assert floor <= lost.min() + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_what_the_lagrangian_settles_holds_for_every_choice_within_the_limit(seed: int) -> None:
    chance = np.random.default_rng(seed)
    cost = np.round(np.hypot(*(chance.random((12, 1, 2)) - chance.random((1, 40, 2))).transpose(2, 0, 1)) * 100)
    sites = replace(_sites(12), p=3)
    choices = all_choices(12)
    choices = choices[choices.sum(axis=1) == 3]
    value = np.array([cost[choice].min(axis=0).sum() for choice in choices])
    limit = np.sort(value)[2]
    start = bounded(sites, cost, choices[int(np.argmin(value))].astype(np.int64), Time(time.monotonic, time.monotonic() + 60), 0.0)
    opened, closed = settled(sites, cost, start.price, limit)
    within = choices[value <= limit]
    assert start.bound <= value.min() + 1e-6
    assert within[:, opened].all()
    assert not within[:, closed].any()


@pytest.mark.parametrize("seed", range(6))
def test_the_frontier_misses_no_point_of_all_choices(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    covered, weight = random_cover(seed, 13, 80)
    cost = np.random.default_rng(seed).integers(5, 15, 13).astype(float)
    monkeypatch.setattr("optimizer.siting_frontier.NODES", 10 if seed % 2 else 300_000)  # split by sites, and not
    found = frontier(replace(_sites(13), p=None, cost=cost), rows_of_mask(covered, weight), Time(time.monotonic, time.monotonic() + 100))
    choices = all_choices(13).astype(int)
    known = sorted(zip(choices @ cost, -((choices @ covered > 0) @ weight), strict=True))
    best, points = -1.0, []
    for price, lost in known:
        if -lost > best:
            best = -lost
            points.append((price, best))
    assert found.complete
    assert [(price, got) for price, got, _ in found.points] == points


@pytest.mark.parametrize(
    ("amounts", "expected"), [([2, 4, 6], 2), ([0.5, 2], 0.5), ([0.1, 0.25], 0.05), ([1 / 3, 1], 0), ([], 0), ([0.0], 0)]
)
def test_the_grain_of_amounts(amounts: list[float], expected: float) -> None:
    assert grain(np.array(amounts)) == pytest.approx(expected)


def test_a_bound_is_rounded_to_what_can_be() -> None:
    assert tightened(7.2, 10, 1) == 8
    assert tightened(8.0000001, 10, 1) == 8  # an error of the solver, not nine
    assert tightened(7.2, 10, 0) == 7.2
    assert tightened(12, 10, 1) == 10


@needs_pmed
@pytest.mark.parametrize("number", range(1, 6))
def test_small_p_medians_of_the_library_are_proven(number: int) -> None:
    is_proven(number)


@pytest.mark.long
@needs_pmed
@pytest.mark.parametrize("number", range(6, 21))
def test_p_medians_of_the_library_are_proven(number: int) -> None:
    is_proven(number)


def is_proven(number: int) -> None:
    drive, p = read_pmed(PMED / f"pmed{number}.txt")
    assert solve_pmed(drive, p, 600) == (optima(PMED)[f"pmed{number}"],) * 2


def _sites(n: int, must: int | None = None) -> Sites:
    facts = tuple(CandidateSite(str(i), "", 0, 0, "may", 1) for i in range(n))
    return Sites(facts, np.arange(n), np.arange(n) == (-1 if must is None else must), np.ones(n), np.full(n, np.inf), 2, None)
