"""Exact solving: the optimum that enumeration finds, a bound that holds, and plans that both judges accept."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from data_models.case_files import case_json, plan_json, read_case
from optimizer.check import check
from optimizer.exact import solve_exactly
from optimizer.exact_prices import prices_of
from optimizer.exact_sets import NEVER, bound_of, choices_within, sets_of
from optimizer.exact_size import is_small
from optimizer.insertion import construct
from optimizer.problem import build_problem
from optimizer.result import Result, Stop
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.solution import Schedule, Solution, empty_solution
from tests.optimizer.days import cheapest, random_day

SHARED = Path(__file__).parents[2].parent / "shared"
TO_THE_END = Stop()


def assert_proven(result: Result, cost: float) -> None:
    """This cost, proven, by our own judges too."""
    assert result.cost == pytest.approx(cost, abs=1e-6)
    assert result.bound is not None
    assert result.bound <= cost + 1e-6
    assert result.gap is not None
    assert result.gap <= 1e-6
    assert result.rejected == 0
    assert check(result.problem.case, result.plan()) == ()
    assert score(result.problem.case, result.plan()).cost.total == pytest.approx(cost, abs=1e-6)


def visits(result: Result) -> dict[str, str]:
    """Who visits what, as strings."""
    problem = result.problem
    routes = enumerate(result.schedule.solution.routes)
    return {problem.technician_ids[problem.duty_technician[d]]: "".join(problem.ticket_ids[t] for t in row) for d, row in routes if row}


def test_a_kit_goes_round_in_time(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", shifts=((0, 100),))
    line_day.technician("B", shifts=((0, 140),))
    line_day.ticket("a", 20, kits=("k",), only=("A",))
    line_day.ticket("b", 20, kits=("k",), only=("B",))
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    # A is back at 20 + 30 + 20 = 70, when B departs, to be back at 140, which is the end of B's shift.
    assert visits(result) == {"A": "a", "B": "b"}
    assert_proven(result, 80)


def test_a_kit_held_by_someone_out_is_home_before_it_goes_out_again(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(30, 50, ("k",)))  # free at 50, home with the kit at 80 without a route
    line_day.technician("B")
    line_day.ticket("b", 20, due=60, kits=("k",), only=("B",))
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    # B departs at 80 and is there at 100, 40 late: 100 + 40, and 40 to drive.
    assert_proven(result, 180)


def test_more_kits_out_than_owned_break_nothing_until_one_is_taken(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(30, 50, ("k",)))
    line_day.technician("C", out=(30, 90, ("k",)))
    line_day.technician("B")
    line_day.ticket("b", 20, due=60, kits=("k",), only=("B",))
    problem = build_problem(line_day.case())
    result = solve_exactly(problem, TO_THE_END, 1)
    # Both must be home, C at 120: B is there at 140, 80 late.
    assert result.cost == pytest.approx(220)
    assert result.gap is not None
    assert result.gap <= 1e-6


def test_whole_crews_come_with_kits_and_skills_between_them(line_day):
    line_day.station("S", k=1)
    line_day.station("T", 60)
    line_day.technician("A")
    line_day.technician("B", "T", skills={"leak": 1})
    line_day.technician("C")
    line_day.ticket("a", 20, crew=2, kits=("k",), skills={"leak": 1})
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    # B brings the skill (40 there and 40 back), A or C the kit (20 and 20).
    assert_proven(result, 120)


@pytest.mark.parametrize(("length", "cost"), [(20, 60), (21, 161)])
def test_a_break_is_taken_between_visits_at_the_cost_of_what_it_delays(line_day, length, cost):
    line_day.station("S")
    line_day.technician("A", breaks=((40, 60, length),))
    line_day.ticket("a", 10, service=30, due=10)
    line_day.ticket("b", 30, service=60, due=80)
    # a until 40, 20 to drive and a break of 20: b starts at 80, just in time. One minute more: missed (100), a minute late (1), and
    # the way is the same. Rather than that, b and then a, or leaving later, cost more.
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    assert_proven(result, cost)


@pytest.mark.parametrize(("skip", "served"), [(99, False), (101, True)])
def test_overtime_is_weighed_against_skipping(line_day, skip, served):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 40),), overtime=60)
    line_day.ticket("a", 20, skip_cost=skip)  # 40 to drive, back at 70: 30 minutes of overtime at 2, 100 in all
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    assert bool(visits(result)) == served
    assert_proven(result, min(skip, 100))


@pytest.mark.parametrize(("change", "who"), [(39, "B"), (41, "A")])
def test_another_technician_than_promised_comes_when_that_pays(line_day, change, who):
    line_day.station("S")
    line_day.station("T", 40)
    line_day.technician("A")
    line_day.technician("B", "T")
    line_day.ticket("a", 30)  # 60 from S, 20 from T
    line_day.commit("a", "A")
    case = line_day.case()
    result = solve_exactly(build_problem(replace(case, rates=replace(case.rates, change_technician=float(change)))), TO_THE_END, 1)
    assert visits(result) == {who: "a"}
    assert_proven(result, min(60, 20 + change))


def test_locked_work_comes_first_though_another_order_is_cheaper(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 40)
    line_day.ticket("b", 20, due=20)
    line_day.commit("a", "A", locked=True)
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    # a until 70, then b at 90: 70 late.
    assert visits(result) == {"A": "ab"}
    assert_proven(result, 80 + 100 + 70)


@pytest.mark.parametrize(("closes", "cost"), [(170, 260), (169, 420)])
def test_the_next_shift_begins_when_the_one_before_is_over(line_day, closes, cost):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100), (110, 300)), overtime=60)
    line_day.ticket("a", 60, windows=((60, 60),))
    line_day.ticket("b", 20, windows=((130, closes),), skip_cost=200)
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    # a: 120 to drive, back at 150, 50 minutes of overtime at 2. Then b at 170 for 40, or 200 for leaving it out.
    assert_proven(result, cost)


def test_duties_of_one_shift_are_its_trips(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 200), (0, 200)), capacity=1)
    line_day.ticket("a", 20, load=1.0)
    line_day.ticket("b", 20, load=1.0)
    problem = build_problem(line_day.case())
    trips = replace(problem, duty_shift=np.zeros_like(problem.duty_shift))
    assert trips.tables.before == [-1, 0]
    result = solve_exactly(trips, TO_THE_END, 1)
    # Two trips of 40 and half an hour of work each: 0 to 70, 70 to 140.
    assert sorted(result.schedule.solution.routes) == [(0,), (1,)]
    assert result.cost == pytest.approx(80)
    first, second = result.schedule.timed
    assert first.returns <= second.depart
    one = solve_exactly(replace(trips, duty_latest=np.full(2, 139 * 60)), TO_THE_END, 1)
    assert one.cost == pytest.approx(40 + 1000)
    assert one.schedule.solution.routes[1] == ()


def test_somebody_out_may_go_home_for_a_kit_before_the_first_visit(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(30, 0, ()))
    line_day.ticket("a", 10, kits=("k",))
    line_day.ticket("b", 45, skip_cost=5)  # 30 more to drive
    result = solve_exactly(build_problem(line_day.case(), trips=2), TO_THE_END, 1)
    # Home from 30, there and back for `a`, and 5 for leaving out `b`.
    assert_proven(result, 30 + 20 + 5)


def test_the_way_home_for_a_kit_is_paid_for(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(30, 0, ()))
    line_day.ticket("a", 10, kits=("k",), skip_cost=49)
    # 50 for serving it, 49 for leaving it out.
    assert_proven(solve_exactly(build_problem(line_day.case(), trips=2), TO_THE_END, 1), 49)


@pytest.mark.parametrize("number", [78, 89, 215, 335, *range(12)])
def test_days_of_two_trips_cost_what_enumeration_finds(line_day, number):
    random_day(line_day, random.Random(number), "abc")
    problem = build_problem(line_day.case(), trips=2)
    cost = cheapest(problem)
    assert_proven(solve_exactly(problem, TO_THE_END, 1), cost)
    # From a bad start, too: what the proof takes for the best plan must not be its own start.
    assert_proven(solve_exactly(problem, TO_THE_END, 1, start=empty_solution(problem.n_duties)), cost)


@pytest.mark.parametrize("number", range(40))
def test_days_at_random_cost_what_enumeration_finds(line_day, number):
    random_day(line_day, random.Random(1000 + number), "abcd")
    problem = build_problem(line_day.case())
    assert_proven(solve_exactly(problem, TO_THE_END, 1), cheapest(problem))


@pytest.mark.parametrize("number", range(3))
def test_days_of_five_tickets_cost_what_enumeration_finds(line_day, number):
    random_day(line_day, random.Random(2000 + number), "abcde")
    problem = build_problem(line_day.case())
    assert_proven(solve_exactly(problem, TO_THE_END, 1), cheapest(problem))


def test_every_route_costs_at_least_what_its_set_is_said_to(line_day):
    checked = 0
    for number in range(10):
        day = type(line_day)()
        random_day(day, random.Random(3000 + number), "abcd")
        checked += assert_least_costs(build_problem(day.case()))
    assert checked >= 100


def assert_least_costs(problem) -> int:
    """No route of one or two tickets is cheaper than its set; how many there are."""
    tables, checked = problem.tables, 0
    prices = prices_of(problem, 1000.0)
    sets = sets_of(problem, prices, range(problem.n_tickets))
    alone = [t for t in range(problem.n_tickets) if tables.crew[t] == 1]
    for duty, one, two in product(range(problem.n_duties), alone, alone):
        route = (one,) if one == two else (one, two)
        kits = frozenset() if tables.held[duty] is not None else frozenset(k for t in route for k in tables.kits[t])
        rows = [route if d == duty else () for d in range(problem.n_duties)]
        bags = [kits if d == duty else frozenset() for d in range(problem.n_duties)]
        found = schedule(problem, Solution(tuple(rows), tuple(bags), (0,) * problem.n_duties))
        if isinstance(found, Schedule):
            kind = next(k for k, members in enumerate(sets.duties) if duty in members)
            least = int(sets.cost[kind, sum(1 << t for t in route)])
            changes = sum(prices.change[t] for t in route if tables.promised[t] != {tables.technician[duty]})
            assert least < NEVER
            assert (least - changes) / prices.scale <= found.timed[duty].cost + 1e-6
            checked += 1
    return checked


@pytest.mark.parametrize("number", range(12))
def test_the_bound_without_branching_is_one(line_day, number):
    random_day(line_day, random.Random(number), "abcd")
    problem = build_problem(line_day.case())
    prices = prices_of(problem, 1000.0)
    tickets = list(range(problem.n_tickets))
    bound = bound_of(problem, prices, sets_of(problem, prices, tickets))
    assert bound.value / prices.scale <= cheapest(problem) + 1e-6


def test_routes_within_the_slack_are_all_there(line_day):
    line_day.station("S")
    line_day.technician("A")
    for name, position in (("a", 10), ("b", 20), ("c", 30)):
        line_day.ticket(name, position)
    problem = build_problem(line_day.case())
    prices = prices_of(problem, 100.0)
    sets = sets_of(problem, prices, [0, 1, 2])
    choices = choices_within(problem, prices, sets, bound_of(problem, prices, sets), math.inf, 1000)
    assert len(choices[0]) == 3 + 6 + 6
    assert choices_within(problem, prices, sets, bound_of(problem, prices, sets), math.inf, 14) is None
    best = min(choices[0], key=lambda c: (-len(c.route), c.cost))
    # Forth and back along the line: 60 minutes, and three times half an hour of work.
    assert (best.cost / prices.scale, best.length, best.back) == (pytest.approx(60), 9000, 9000)


@pytest.mark.parametrize("number", range(8))
def test_one_more_technician_never_raises_a_proven_optimum(line_day, number):
    random_day(line_day, random.Random(4000 + number), "abcde")
    before = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    line_day.technician("Z", "T", skills={"leak": 2})
    after = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    assert after.cost <= before.cost + 1e-6
    assert after.gap is not None
    assert after.gap <= 1e-6


def eight(line_day, number: int):
    """A day of eight tickets."""
    random_day(line_day, random.Random(5000 + number), "abcdefgh")
    return build_problem(line_day.case())


@pytest.mark.parametrize("number", range(4))
def test_plans_are_what_the_stand_alone_judge_accepts(judge, line_day, number):
    result = solve_exactly(eight(line_day, number), TO_THE_END, 1)
    told = judge(json.loads(case_json(result.problem.case)), json.loads(plan_json(result.plan())))
    assert told["violations"] == []
    assert told["cost"]["total"] == pytest.approx(result.cost, abs=0.01)


def test_the_same_seed_and_iterations_repeat_a_run(line_day):
    problem = eight(line_day, 1)
    one, two = (solve_exactly(problem, Stop(iterations=20), 3) for _ in range(2))
    assert one.schedule == two.schedule
    assert (one.bound, one.iterations) == (two.bound, two.iterations)


def test_a_run_that_is_cut_short_gives_a_plan_and_a_bound_that_hold(line_day):
    problem = eight(line_day, 2)
    optimum = solve_exactly(problem, TO_THE_END, 1).cost
    ticks = iter(range(10**9))
    result = solve_exactly(problem, Stop(seconds=1.0), 1, clock=lambda: next(ticks) * 0.05)
    assert result.bound is not None
    assert result.bound <= optimum + 1e-6 <= result.cost + 2e-6


def test_zero_iterations_return_the_start(line_day):
    problem = eight(line_day, 0)
    start = construct(problem)
    assert solve_exactly(problem, Stop(iterations=0), 1, start=start).schedule is start


def test_what_is_small_depends_on_tickets_that_can_be_served(line_day):
    line_day.station("S")
    line_day.technician("A")
    for number in range(12):
        line_day.ticket(f"t{number}", number)
    line_day.ticket("rare", 1, skills={"rare": 1})
    assert is_small(build_problem(line_day.case()))
    line_day.ticket("one more", 1)
    assert not is_small(build_problem(line_day.case()))


@pytest.mark.parametrize("what", ["no tickets", "no technicians", "nobody can"])
def test_days_with_nothing_to_decide_are_proven_at_once(line_day, what):
    line_day.station("S")
    if what != "no technicians":
        line_day.technician("A")
    if what != "no tickets":
        line_day.ticket("a", 20, skills={"rare": 3})
    result = solve_exactly(build_problem(line_day.case()), TO_THE_END, 1)
    assert result.status == "empty"
    assert result.cost == pytest.approx(0 if what == "no tickets" else 1000)
    assert result.bound == pytest.approx(result.cost, abs=1e-3)
    assert result.gap == pytest.approx(0, abs=1e-6)


def test_twelve_tickets_of_a_real_day_are_proven(judge):
    case = read_case(SHARED / "cases" / "day-200.json")
    chosen = tuple(random.Random(1).sample(case.tickets, 12))
    names = {t.id for t in chosen}
    problem = build_problem(replace(case, tickets=chosen, committed=tuple(c for c in case.committed if c.ticket in names)))
    assert is_small(problem)
    result = solve_exactly(problem, TO_THE_END, 1)
    assert result.gap is not None
    assert result.gap <= 1e-6
    told = judge(json.loads(case_json(problem.case)), json.loads(plan_json(result.plan())))
    assert told["violations"] == []
