"""VRPTW instances as dispatch cases: exact on an instance made by hand, and on Solomon's where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.vrptw import Instance, case_of, cost_of, read_best_known, read_instance, routes_of
from optimizer.check import check
from optimizer.problem import Problem, build_problem, to_plan
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.search import solve
from optimizer.solution import Broken, Schedule, Solution

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "vrptw"

# A depot and four customers on a line and off it; distances 3, 4 and 5 (exact) and sqrt(2) = 1.41..., truncated to 1.4.
SOLOMON = """HAND

VEHICLE
NUMBER     CAPACITY
  2         10

CUSTOMER
CUST NO.   XCOORD.   YCOORD.    DEMAND   READY TIME   DUE DATE   SERVICE TIME

    0          0       0          0       0         40           0
    1          3       4          4       0          5           2
    2          3       0          6       0         11           2
    3          1       1          5       0         20           1
    4          0       4          5      10         20           1
"""

VRPLIB = """NAME : HAND
TYPE : VRPTW
DIMENSION : 3
VEHICLES : 2
CAPACITY : 10
SERVICE_TIME : 2
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 3 4
3 3 0
DEMAND_SECTION
1 0
2 4
3 6
TIME_WINDOW_SECTION
1 0 40
2 0 5
3 0 11
DEPOT_SECTION
1
-1
EOF
"""


@pytest.fixture
def hand(tmp_path: Path) -> Instance:
    path = tmp_path / "HAND.txt"
    path.write_text(SOLOMON, encoding="utf-8")
    return read_instance(path)


def timed(problem: Problem, *routes: list[int]) -> Schedule | Broken:
    """The schedule of routes of customer numbers, one a vehicle."""
    tickets = tuple(tuple(customer - 1 for customer in route) for route in routes)
    tickets += ((),) * (problem.n_duties - len(routes))
    return schedule(problem, Solution(tickets, (frozenset(),) * problem.n_duties, (0,) * problem.n_duties))


def test_both_formats_read_the_same(hand: Instance, tmp_path: Path):
    path = tmp_path / "HAND.vrp"
    path.write_text(VRPLIB, encoding="utf-8")
    short = read_instance(path)
    assert (short.vehicles, short.capacity) == (hand.vehicles, hand.capacity) == (2, 10)
    assert short.places == hand.places[:3]
    assert (short.demand, short.opens, short.closes, short.service) == ((0, 4, 6), (0, 0, 0), (40, 5, 11), (0, 2, 2))


def test_distances_are_truncated_to_a_tenth(hand: Instance):
    tenths = hand.tenths()
    assert tenths[0, 1] == 50
    assert tenths[0, 3] == 14  # 1.414...
    assert tenths[1, 3] == 36  # sqrt(4 + 9) = 3.605...


def test_costs_are_distances(hand: Instance):
    # 0-1-2-0: 5 + 4 + 3 = 12, at customer 2 at 5 + 2 + 4 = 11, exactly when it closes, with a load of exactly 10.
    # 0-3-4-0: 1.4 + sqrt(1 + 9) = 3.1 + 4 = 8.5.
    problem = build_problem(case_of(hand))
    plan = timed(problem, [1, 2], [3, 4])
    assert isinstance(plan, Schedule)
    assert plan.cost == pytest.approx(20.5, abs=1e-9)
    assert cost_of(hand, [[1, 2], [3, 4]]) == 20.5
    written = to_plan(problem, plan)
    assert check(problem.case, written) == ()
    assert score(problem.case, written).cost.total == pytest.approx(20.5, abs=1e-9)
    assert cost_of(hand, routes_of(written)) == 20.5


def test_beyond_the_limits_is_refused_by_both(hand: Instance):
    problem = build_problem(case_of(hand))
    late = [3, 1, 2], [4]  # at customer 1 at 1.4 + 1 + 3.6 = 6, which closes at 5
    heavy = [2, 3], [4, 1]  # 6 + 5 = 11 units of 10
    for routes in (late, heavy):
        assert isinstance(timed(problem, *routes), Broken)
        with pytest.raises(ValueError, match="HAND"):
            cost_of(hand, list(routes))
    with pytest.raises(ValueError, match="visited once"):
        cost_of(hand, [[1, 2], [3]])
    with pytest.raises(ValueError, match="3 routes"):
        cost_of(hand, [[1, 2], [3], [4]])


@pytest.mark.long  # compiles, which `make test` does in one worker only
def test_the_search_solves_it(hand: Instance):
    # Other splits: {1, 3} {2, 4} has load 9 and 11; {1, 4} {2, 3} 9 and 11. Only {1, 2} {3, 4} fits, in the cheaper order of each: 20.5.
    result = solve(build_problem(case_of(hand)), Stop(iterations=500), 1)
    assert cost_of(hand, routes_of(result.plan())) == 20.5


@pytest.mark.parametrize("name", ["R101.txt", "RC205.txt", "C1_10_3.vrp"])
def test_the_best_known_solution_comes_back_unchanged(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is absent: the conversion is tested on the instance made by hand only")
    instance = read_instance(path)
    routes, cost = read_best_known(path.with_suffix(".sol"))
    assert cost_of(instance, routes) == pytest.approx(cost, abs=1e-6)
    problem = build_problem(case_of(instance))
    start = timed(problem, *routes)
    assert isinstance(start, Schedule)
    result = solve(problem, Stop(iterations=0), 1, start=start.solution)
    assert result.cost == pytest.approx(cost, abs=1e-6)
    assert routes_of(result.plan()) == routes
