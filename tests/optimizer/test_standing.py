"""A plan in the middle of the day: what is given up, how sure single visits are, and changes without what does not belong to them."""

from __future__ import annotations

import random

import pytest

from data_models.plan import Plan, Route, Stop
from optimizer.candidates import ways
from optimizer.chance import chances
from optimizer.chance_draws import Spread
from optimizer.problem import Problem, build_problem, from_plan, to_plan
from optimizer.result import Stop as Limit
from optimizer.schedule import schedule
from optimizer.search import solve
from optimizer.solution import Schedule, Solution
from optimizer.standing import chances_in_time, only_for, standing

pytestmark = pytest.mark.usefixtures("compiled_search")


def random_day(day, dice: random.Random) -> Problem:
    """Six people at two stations with a kit each, crews, deadlines that bite."""
    for name, position in (("S", 0), ("R", 40)):
        day.station(name, position, k=1)
    for number in range(6):
        day.technician(f"p{number}", "SR"[number % 2], overtime=60)
    for number in range(12):
        more = {"kits": ("k",)} if dice.random() < 0.3 else {}
        day.ticket(f"t{number}", dice.randint(-40, 70), due=dice.randint(30, 400), crew=dice.choice((1, 1, 1, 2)), **more)
    return build_problem(day.case(), trips=2)


@pytest.mark.parametrize("number", range(6))
def test_chances_of_a_part_are_those_of_the_whole_plan(line_day, number):
    problem = random_day(line_day, random.Random(number))
    plan = solve(problem, Limit(iterations=1000), 1).schedule
    spread = Spread(0.2, 0.3, 0.5)
    whole = chances(problem, plan, spread).tickets
    for duty, route in enumerate(plan.solution.routes):
        part = chances_in_time(problem, plan.solution, {duty}, spread) if route else {}
        assert set(route) <= part.keys()
        for ticket, chance in part.items():
            assert chance == whole[problem.ticket_ids[ticket]].in_time


@pytest.mark.parametrize("number", range(6))
def test_a_candidate_that_is_taken_gives_the_plan_that_it_promised(line_day, number):
    problem = random_day(line_day, random.Random(number))
    plan = solve(problem, Limit(iterations=1000), 1).schedule
    found = ways(problem, plan, 0)
    without = schedule(problem, found.without)
    assert isinstance(without, Schedule)
    assert found.candidates
    for each in found.candidates:
        taken = schedule(problem, found.taken(each))
        assert isinstance(taken, Schedule)
        assert taken.cost - without.cost == pytest.approx(each.cost_change, abs=1e-6)
        for duty in each.duties:
            assert taken.timed[duty].starts[taken.solution.routes[duty].index(0)] == each.start


def route(day, who, *stops):
    """A route that leaves at 0 and serves (ticket, start) for 30 minutes each."""
    visits = tuple(Stop(name, day.at(start), day.at(start), day.at(start + 30)) for name, start in stops)
    return Route(who, 0, day.at(0), visits, day.at(480))


def test_what_no_longer_fits_is_given_up_from_the_end_and_the_rest_stays(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 200),))
    line_day.technician("B")
    for name, position in (("a", 20), ("b", 60), ("c", 20), ("x", 5)):
        line_day.ticket(name, position)
    plan = Plan("line day", (route(line_day, "A", ("a", 20), ("b", 90), ("c", 160)), route(line_day, "B")))
    # A: 20 + 30, 40 + 30, 40 + 30, 20 home: 210. Without c, 60 home: 180.
    found = standing(line_day.case(), plan, "x", trips=1)
    assert found.given_up == ("c",)
    assert found.problem.ticket_ids == ("a", "b", "x")
    assert found.schedule.solution.routes == ((0, 1), ())


def test_an_asked_ticket_that_no_longer_fits_stays_to_be_answered(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100),))
    line_day.ticket("x", 50)
    line_day.commit("x", "A", locked=True)
    found = standing(line_day.case(), Plan("line day", (route(line_day, "A", ("x", 50)),)), "x", trips=1)
    assert (found.given_up, found.problem.ticket_ids, found.problem.case.committed) == (("x",), ("x",), ())


def test_nobody_waits_at_the_station_for_longer_than_kits_make_them(line_day):
    line_day.station("S", k=1)
    line_day.technician("A")
    line_day.ticket("a", 20, kits=("k",), windows=((100, 110),))
    line_day.ticket("x", 30)
    late = Route("A", 0, line_day.at(80), (Stop("a", line_day.at(100), line_day.at(100), line_day.at(130)),), line_day.at(150), ("k",))
    found = standing(line_day.case(), Plan("line day", (late,)), "x", trips=1)
    assert from_plan(found.problem, Plan("line day", (late,))).wait_until == (80 * 60,)
    assert found.schedule.solution.wait_until == (0,)
    (best,) = ways(found.problem, found.schedule, 1).candidates
    assert best.start == 30 * 60  # before a, not after it


def test_a_repair_moves_only_what_makes_room(line_day):
    line_day.station("S")
    for name in "ABC":
        line_day.technician(name)
    line_day.ticket("x", 10, only=("A",), windows=((10, 15),))
    line_day.ticket("a", 10, windows=((10, 15),))
    line_day.ticket("c", 30)
    problem = build_problem(line_day.case())

    def timed(*routes):
        found = schedule(problem, Solution(routes, (frozenset(),) * 3, (0,) * 3))
        assert isinstance(found, Schedule)
        return found

    before, after = timed((1,), (), (2,)), timed((0,), (1, 2), ())
    assert only_for(problem, before, after, 0) == after  # c goes where a goes, so that it may be what makes it pay
    elsewhere = timed((0,), (1,), (2,))
    assert only_for(problem, before, elsewhere, 0).solution.routes == ((0,), (1,), (2,))
    assert to_plan(problem, before).unassigned[0].ticket == "x"


def test_changes_elsewhere_are_left_out_of_a_repair(line_day):
    line_day.station("S")
    for name in "ABCD":
        line_day.technician(name)
    line_day.ticket("x", 10, only=("A",))
    line_day.ticket("c", 30)
    problem = build_problem(line_day.case())

    def timed(*routes):
        found = schedule(problem, Solution(routes, (frozenset(),) * 4, (0,) * 4))
        assert isinstance(found, Schedule)
        return found

    before, after = timed((), (), (1,), ()), timed((0,), (), (), (1,))
    assert only_for(problem, before, after, 0).solution.routes == ((0,), (), (1,), ())
