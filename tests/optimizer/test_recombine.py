"""Routes that were seen, put together anew: complementary halves become the good plan, within crews, kits and shifts."""

from __future__ import annotations

import random

import pytest

from optimizer.exact import solve_exactly
from optimizer.insertion import construct
from optimizer.problem import Problem, build_problem
from optimizer.recombine import Column, RoutePool, columns_of, recombine
from optimizer.recreate import recreate
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.solution import Broken, Schedule, Solution
from tests.optimizer.days import random_day

EFFORT = 2.0


def plan(problem: Problem, *routes: tuple[int, ...], kits=(), wait=()) -> Schedule:
    """A plan of these routes by duty."""
    bags = kits or (frozenset(),) * problem.n_duties
    found = schedule(problem, Solution(routes, tuple(bags), tuple(wait) or (0,) * problem.n_duties))
    assert isinstance(found, Schedule)
    return found


def pool_of(problem: Problem, *plans: Schedule) -> RoutePool:
    """A pool that has seen these plans."""
    pool = RoutePool(problem)
    for one in plans:
        pool.add_schedule(one)
    return pool


def four(line_day) -> Problem:
    """Two technicians 100 apart, two tickets beside each."""
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A")
    line_day.technician("B", "T")
    for name, position in (("a", 10), ("b", 20), ("c", 80), ("d", 90)):
        line_day.ticket(name, position)
    return build_problem(line_day.case())


def test_two_half_good_plans_give_the_good_one(line_day):
    problem = four(line_day)
    left = plan(problem, (0, 1), (2,))  # A does its half, B forgets d: 40 + 40 + 1000
    right = plan(problem, (0,), (3, 2))  # B does its half, A forgets b: 20 + 40 + 1000
    found = recombine(problem, pool_of(problem, left), right, EFFORT, 1)
    assert found is not None
    assert found.solution.routes == ((0, 1), (3, 2))
    assert found.cost == pytest.approx(80)


def test_what_is_visited_twice_is_dropped_where_that_saves_most(line_day):
    problem = four(line_day)
    left = plan(problem, (0, 1, 2), ())  # 160 to drive; d is left out
    right = plan(problem, (), (3, 2))
    found = recombine(problem, pool_of(problem, left), right, EFFORT, 1)
    # Both routes visit c: without it, A saves 120 of 160, B only 20 of 40.
    assert found is not None
    assert found.solution.routes == ((0, 1), (3, 2))
    assert found.cost == pytest.approx(80)


def test_nothing_cheaper_is_nothing(line_day):
    problem = four(line_day)
    best = plan(problem, (0, 1), (3, 2))
    assert recombine(problem, pool_of(problem, plan(problem, (0,), (3,)), best), best, EFFORT, 1) is None


def test_one_kit_does_not_go_out_twice_at_once(line_day):
    line_day.station("S", k=1)
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, kits=("k",), windows=((20, 30),))
    line_day.ticket("b", 20, kits=("k",), windows=((20, 30), (100, 110)))
    problem = build_problem(line_day.case())
    first = plan(problem, (0,), (), kits=(frozenset({0}), frozenset()))
    second = plan(problem, (), (1,), kits=(frozenset(), frozenset({0})))
    # Both routes are out from 0 to 70: no plan together, whatever each of them saves.
    assert recombine(problem, pool_of(problem, second), first, EFFORT, 1) is None
    later = plan(problem, (), (1,), kits=(frozenset(), frozenset({0})), wait=(0, 80 * 60))
    found = recombine(problem, pool_of(problem, later), first, EFFORT, 1)
    assert found is not None
    assert found.cost == pytest.approx(80)


def test_a_crew_comes_from_routes_that_agree_on_the_moment(line_day):
    line_day.station("S")
    for name in "AB":
        line_day.technician(name)
    line_day.ticket("a", 20, crew=2, skip_cost=2000.0)
    line_day.ticket("b", 40)
    problem = build_problem(line_day.case())
    alone = plan(problem, (1,), ())
    crew = plan(problem, (0,), (0,))
    pool = pool_of(problem, crew)
    # A's route to b and then a would make B wait; it is known with another moment than B's, so that they do not fit.
    pool.add(Column(0, (1, 0), ((0, 90 * 60),), frozenset(), 0, 140 * 60, 80.0))
    found = recombine(problem, pool, alone, EFFORT, 1)
    assert found is not None
    assert found.solution.routes == ((0,), (0,))
    pool.add(Column(1, (0,), ((0, 90 * 60),), frozenset(), 70 * 60, 140 * 60, 40.0))
    both = recombine(problem, pool, alone, EFFORT, 1)
    assert both is not None
    assert both.solution.routes == ((1, 0), (0,))
    assert both.cost == pytest.approx(80 + 40)


def test_a_technician_is_not_in_two_shifts_at_once(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100), (100, 300)), overtime=120)
    line_day.ticket("a", 60, windows=((60, 60),))  # back at 150
    line_day.ticket("b", 20, windows=((120, 130),))
    problem = build_problem(line_day.case())
    first, second = plan(problem, (0,), ()), plan(problem, (), (1,))
    # A is back at 150 and cannot depart before: b would start at 170. Together they would seem to cost 260.
    assert second.cost < first.cost
    assert recombine(problem, pool_of(problem, first), second, EFFORT, 1) is None


def test_a_full_pool_forgets_what_was_seen_longest_ago(line_day):
    problem = four(line_day)
    pool = RoutePool(problem, most=2)
    routes = [(0,), (1,), (0,), (2,)]
    for route in routes:
        pool.add(Column(0, route, (), frozenset(), 0, 0, 1.0))
    assert [c.route for c in pool.columns.values()] == [(0,), (2,)]


def seen_by_a_search(problem: Problem, seed: int) -> tuple[RoutePool, Schedule]:
    """The plans of a short walk, and the first of them."""
    first, rng, pool = construct(problem), random.Random(seed), RoutePool(problem)
    present = first
    for _ in range(30):
        present = recreate(problem, present, rng) or present
        pool.add_schedule(present)
    return pool, first


def random_problem(line_day, number: int) -> Problem:
    """Days with crews, kits, breaks, loads, promises and people already out."""
    random_day(line_day, random.Random(7000 + number), "abcdefg")
    return build_problem(line_day.case())


@pytest.mark.parametrize("number", range(12))
def test_days_at_random_get_no_plan_below_the_optimum_and_the_same_each_time(line_day, number):
    problem = random_problem(line_day, number)
    pool, first = seen_by_a_search(problem, number)
    found = recombine(problem, pool, first, EFFORT, 1)
    assert found == recombine(problem, pool, first, EFFORT, 1)
    if found is not None:
        assert solve_exactly(problem, Stop(), 1).cost - 1e-6 <= found.cost < first.cost
        assert not isinstance(schedule(problem, found.solution), Broken)


def test_the_present_plan_of_the_compiled_search_is_seen_as_it_is_timed(line_day):
    from optimizer import search_kernel as kernel
    from optimizer.search import begin

    problem = random_problem(line_day, 1)
    memory = begin(problem, None, 1)
    for until in (50, 100, 150):
        kernel.run(memory.table, until)
        pool = RoutePool(problem)
        pool.add_present(memory.state)
        kernel.keep_present(memory.table)
        timed = schedule(problem, memory.best())
        assert isinstance(timed, Schedule)
        seen = {c.duty: c for c in pool.columns.values()}
        assert seen.keys() == {c.duty for c in columns_of(problem, timed)}
        for column in columns_of(problem, timed):
            mine = seen[column.duty]
            assert (mine.route, mine.moments, mine.kits) == (column.route, column.moments, column.kits)
            assert (mine.depart, mine.returns) == (column.depart, column.returns)
            assert mine.cost == pytest.approx(column.cost)
