"""The proven bound: below every plan of small days by enumeration, exact where nothing is relaxed, safe with any multipliers; and
plans out of its columns. In one file, so that one worker compiles."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from data_models.case import TravelMatrix
from data_models.case_files import read_case
from optimizer.bound import Bound, cheap_multipliers, prove
from optimizer.bound_facts import views_of
from optimizer.check import check
from optimizer.dive import dive
from optimizer.insertion import schedule_of_nothing
from optimizer.master import Rows, bound_of
from optimizer.pricing import Pricing
from optimizer.problem import build_problem, to_plan
from optimizer.proof import with_proof
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.search import solve
from optimizer.solution import Schedule, Solution
from tests.optimizer.conftest import LineDay
from tests.optimizer.days import cheapest, random_day

SHARED = Path(__file__).parents[2].parent / "shared"
ENOUGH = Stop(iterations=500)


def numbered_day(day, number: int) -> None:
    """A small day with a crew, scarce kits, windows, breaks, someone out, two shifts, promises; not all every time."""
    rng = random.Random(number)
    random_day(day, rng, "abcd"[: 3 + number % 2])
    if number % 3 == 0:
        day.commit("a", *rng.sample("ABC", rng.choice([1, 2])))


def assert_proven(bound: Bound, cost: float) -> None:
    """The bound is the cost: below it, by rounding at most."""
    assert bound.bound <= cost + 1e-9
    assert bound.bound == pytest.approx(cost, abs=1e-3)


@pytest.mark.parametrize("number", range(40))
def test_no_plan_of_a_small_day_costs_less(line_day, number):
    numbered_day(line_day, number)
    problem = build_problem(line_day.case())
    bound = prove(problem, ENOUGH)
    assert bound.bound <= cheapest(problem) + 1e-6
    assert bound.ended == "converged"
    rises = [value for _, value in bound.trajectory]
    assert rises == sorted(rises)


def test_most_small_days_are_proven_to_within_a_tenth():
    near = 0
    for number in range(40):
        day = LineDay()
        numbered_day(day, number)
        problem = build_problem(day.case())
        near += prove(problem, ENOUGH).bound > 0.9 * cheapest(problem)
    assert near >= 34


def test_driving_lateness_and_overtime_are_exact(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100),), overtime=60)
    line_day.ticket("a", 20, due=10)
    line_day.ticket("b", 40, due=60)
    # a first: there at 20, 10 late (100 + 10); b at 20 + 30 + 20 = 70, 10 late (110); home at 140: 80 of driving, 40 of overtime at 2.
    # b first: b at 40, in time; a at 90, 80 late (180); home at 140: 340, which is cheaper than 380.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 180 + 80 + 80)


def test_leaving_out_what_costs_more_is_exact(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100),))
    line_day.ticket("a", 20)
    line_day.ticket("b", 45, skip_cost=70)
    # Both: 30 + 30 of service and 90 of driving are too long for 100 minutes, so b is left out.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 40 + 70)


def test_windows_are_waited_for(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, windows=((100, 110), (200, 210)), due=90)
    line_day.ticket("b", 30, windows=((105, 120),), due=105)
    # a at 100 (100 + 10), b at 140 is past its window; b at 105 first, in time, then a at 200: 100 + 110. Either leaves or takes.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 60 + 210)


def test_a_break_delays_the_visit_after_it(line_day):
    line_day.station("S")
    line_day.technician("A", breaks=((60, 60, 30),))
    line_day.ticket("a", 20, service=40, windows=((20, 20),))
    line_day.ticket("b", 50, due=80, windows=((0, 400),))
    # a from 20 to 60, rest until 90, 30 of driving: b at 120, 40 late (140); 100 of driving. Without the break 110.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 100 + 140)


def test_a_promise_that_changes_hands_is_paid(line_day):
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A")
    line_day.technician("B", "T")
    line_day.ticket("a", 30)
    line_day.commit("a", "B")
    # A drives 60 and breaks a promise for 50; B drives 140.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 110)


def test_a_kit_is_out_until_it_is_back(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", shifts=((0, 100),))
    line_day.technician("B", shifts=((0, 200),))
    line_day.ticket("a", 20, kits=("k",), only=("A",), due=20)
    line_day.ticket("b", 20, kits=("k",), only=("B",), due=20)
    # A is back with the kit at 70, so B is there at 90, 70 late: 80 + 170. B first: the same for A, back at 140, too late.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 80 + 170)


def test_a_second_trip_is_allowed_for_though_plans_of_one_trip_cost_more(line_day):
    line_day.station("S")
    line_day.technician("A", capacity=1)
    line_day.ticket("a", 20, load=1)
    line_day.ticket("b", 30, load=1)
    problem = build_problem(line_day.case())
    # One after the other with the station between: 40 + 60 of driving. One trip holds one of them only.
    assert_proven(prove(problem, ENOUGH), 100)
    assert cheapest(problem) > 1000


def test_someone_out_can_fetch_a_kit_after_coming_home(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(30, 0, ()))
    line_day.ticket("a", 20)
    line_day.ticket("b", 40, kits=("k",))
    # From 30 to a (10), home (20), then to b and back (80).
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 110)


def test_a_crew_is_as_late_as_the_last_of_it(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B", out=(0, 60, ()))
    line_day.ticket("a", 20, crew=2, due=30)
    # B is free at 60 and there at 80: 50 late (150); A waits for B.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 80 + 150)


def test_a_crew_without_the_skill_is_no_crew(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.technician("C", skills={"leak": 1}, shifts=((0, 30),))
    line_day.ticket("a", 20, crew=2, skills={"leak": 1})
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 1000)


def test_locked_work_stays_and_comes_first(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 40, skip_cost=1)
    line_day.ticket("b", 20, due=20, only=("A",))
    line_day.commit("a", "A", locked=True)
    # A serves a first, b then at 40 + 30 + 20 = 90, 70 late (170); 80 of driving.
    assert_proven(prove(build_problem(line_day.case()), ENOUGH), 80 + 170)


@pytest.mark.parametrize("what", ["no tickets", "no technicians", "nobody can", "no way"])
def test_days_with_nothing_to_decide_cost_what_is_skipped(line_day, what):
    line_day.station("S")
    if what != "no technicians":
        line_day.technician("A")
    if what != "no tickets":
        line_day.ticket("a", float("inf") if what == "no way" else 20, skills={"rare": 3} if what == "nobody can" else {})
    problem = build_problem(line_day.case())
    assert_proven(prove(problem, ENOUGH), schedule_of_nothing(problem).cost)


@pytest.mark.parametrize("number", range(12))
def test_any_multipliers_prove_a_bound(line_day, number):
    numbered_day(line_day, number)
    problem = build_problem(line_day.case())
    rows = Rows(problem, views_of(problem))
    for station in range(len(problem.station_ids)) if problem.kit_names else ():
        rows.add_moment(station, 0, 70 * 60)
    pricing, rng, best = Pricing(rows), np.random.default_rng(number), cheapest(problem)
    for size in (1.0, 100.0, 1e4):
        p = rng.uniform(0, size, len(rows.rhs)) * rng.integers(0, 2, len(rows.rhs))
        least = np.array([pricing.price(day, p, True).least for day in range(len(rows.views.days))])
        assert bound_of(rows, p, least) <= best + 1e-6


@pytest.mark.parametrize("number", range(12))
def test_the_reduced_cost_of_pricing_is_that_of_its_columns(line_day, number):
    numbered_day(line_day, number)
    problem = build_problem(line_day.case())
    rows = Rows(problem, views_of(problem))
    for moment in (40, 90):
        for station in range(len(problem.station_ids)) if problem.kit_names else ():
            rows.add_moment(station, 0, moment * 60)
    p = np.random.default_rng(number).uniform(0, 300, len(rows.rhs))
    p[list(rows.moments.values())] /= 10
    pricing, seen = Pricing(rows), 0
    for day in range(len(rows.views.days)):
        priced = pricing.price(day, p, True)
        reduced = [c.cost - sum(p[row] * a for row, a in rows.column_rows(c).items()) for c in priced.columns]
        seen += len(reduced)
        assert min(reduced, default=0.0) == pytest.approx(priced.least, abs=1e-6)
    assert seen > 0


@pytest.mark.parametrize("size", [0, 1])
def test_forgetful_labels_prove_less_but_nothing_wrong(line_day, size):
    from optimizer.bound_facts import with_memory

    numbered_day(line_day, 5)
    problem = build_problem(line_day.case())
    rows = Rows(problem, views_of(problem))
    p = np.full(len(rows.rhs), 200.0)
    whole, forgetful = Pricing(rows), Pricing(rows)
    forgetful.days = [with_memory(day, problem.travel_s, size) for day in forgetful.days]
    for day in range(len(rows.views.days)):
        assert forgetful.price(day, p, True).least <= whole.price(day, p, True).least


def test_multipliers_without_pricing_leave_no_column_worth_taking(line_day):
    for number in range(20):
        day = type(line_day)()
        numbered_day(day, number)
        problem = build_problem(day.case())
        rows = Rows(problem, views_of(problem))
        p, pricing = cheap_multipliers(rows), Pricing(rows)
        assert all(pricing.price(d, p, True).least > -1e-6 for d in range(len(rows.views.days)))


def test_the_same_rounds_prove_the_same(line_day):
    numbered_day(line_day, 7)
    problem = build_problem(line_day.case())
    once, again = prove(problem, Stop(iterations=6)), prove(problem, Stop(iterations=6))
    assert once.bound == again.bound
    assert once.columns == again.columns


def test_time_that_is_over_leaves_a_bound_all_the_same(line_day):
    numbered_day(line_day, 7)
    problem = build_problem(line_day.case())
    ticks = count()
    bound = prove(problem, Stop(seconds=5.0), clock=lambda: float(next(ticks)))
    assert bound.ended == "time"
    assert 0 <= bound.bound <= cheapest(problem)


def test_a_plan_that_is_the_best_is_proven_so(line_day):
    numbered_day(line_day, 1)
    line_day.tickets = [replace(ticket, crew=1, kits=()) for ticket in line_day.tickets]
    problem = build_problem(line_day.case())
    found = solve(problem, Stop(iterations=2000), 1)
    assert_proven(prove(problem, ENOUGH, known=found.schedule), cheapest(problem))


def test_a_bound_holds_for_plans_in_fractions_of_a_second(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, due=0, miss_cost=0.0)
    case = line_day.case()
    matrix = TravelMatrix("matrix", ((0.0, 0.4), (0.4, 0.0)), ((0.0, 0.0), (0.0, 0.0)))
    case = replace(case, travel=matrix, technicians=case.technicians)
    # There after 0.4 seconds: 0.4 / 60 of lateness and 0.8 / 60 of driving. In whole seconds it would be a second late.
    assert prove(build_problem(case), ENOUGH).bound <= 1.2 / 60 + 1e-9


def test_a_bad_plan_is_bettered_from_the_columns(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    for number, name in enumerate("abcd"):
        line_day.ticket(name, 20 + 10 * number, due=60)
    problem = build_problem(line_day.case())
    bad = schedule(problem, Solution(((3, 2, 1, 0), ()), (frozenset(),) * 2, (0, 0)))
    assert isinstance(bad, Schedule)
    bound = prove(problem, ENOUGH, known=bad)
    better = dive(problem, bound, 1.0, 1, known=bad)
    assert better is not None
    assert better.cost < bad.cost
    assert better.cost >= bound.bound
    assert check(problem.case, to_plan(problem, better)) == ()


@pytest.mark.parametrize("number", range(8))
def test_a_result_with_proof_tells_bound_and_gap(line_day, number):
    numbered_day(line_day, number)
    problem = build_problem(line_day.case())
    found = solve(problem, Stop(iterations=50), 1)
    proven = with_proof(found, Stop(1.5))
    assert proven.cost <= found.cost
    assert proven.facts.bound <= proven.cost
    assert proven.facts.gap == pytest.approx((proven.cost - proven.facts.bound) / proven.cost)
    assert score(problem.case, proven.plan()).cost.total == pytest.approx(proven.cost)
    assert check(problem.case, proven.plan()) == ()


def test_a_day_of_sixty_tickets_is_proven_to_a_hundredth():
    path = SHARED / "cases" / "day-60.json"
    if not path.exists():
        pytest.skip(f"{path} is absent: it is proven in this test")
    problem = build_problem(read_case(path))
    found = solve(problem, Stop(iterations=20_000), 1)
    bound = prove(problem, Stop(iterations=60), known=found.schedule)
    assert found.cost * 0.99 <= bound.bound <= found.cost
