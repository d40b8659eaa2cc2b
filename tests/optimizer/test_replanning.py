"""Planning again: what changes pay for, what stays whatever it costs, and days worked out by hand."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.moments import case_at, without_ticket
from data_models.case_files import read_case
from optimizer.check import check
from optimizer.problem import build_problem
from optimizer.published import kept, problem_for, promises
from optimizer.regions import solve
from optimizer.replanning import NO_PRICE, ReplanRules, replan
from optimizer.result import Stop
from optimizer.score import score
from tests.optimizer.days import random_day
from tests.optimizer.test_difference import plan_of, urgent

pytestmark = pytest.mark.usefixtures("compiled_search")
SHARED = Path(__file__).parents[2].parent / "shared"
STEPS = Stop(iterations=400)
UNFROZEN = ReplanRules(moved_price=300.0, freeze_minutes=0)
HUGE = ReplanRules(1e6, 1e6, 15.0, 480.0, 1e6)


def who(plan) -> dict[str, tuple[str, ...]]:
    return {ticket: promise.technicians for ticket, promise in promises(plan).items()}


@pytest.fixture
def giving_way(two_people):
    """Li is promised to W12; W99, which only Li can do, falls due at 08:30. What missing W99 costs is the argument."""

    def make(miss_cost: float):
        two_people.ticket("W12", 20)
        before = plan_of(two_people.case(), Li="W12")
        two_people.ticket("W99", 20, due=30, only=("Li",), miss_cost=miss_cost, skip_cost=50000.0)
        two_people.commit("W12", "Li")
        return two_people.case(), before

    return make


def test_another_technician_comes_when_that_costs_less_than_it_gains(giving_way):
    case, before = giving_way(100.0)
    # W12 first: 40 of driving, W99 20 minutes late: 160. W99 first: 40, and W12 moved by 30 minutes: 340. W12 by Wang: 80 + 50 = 130.
    found = replan(case, before, STEPS, 1, UNFROZEN)
    assert who(found.plan) == {"W12": ("Wang",), "W99": ("Li",)}
    assert found.result.cost == pytest.approx(130) == score(case, found.plan).cost.total
    assert (found.disturbance.other_people, found.disturbance.price) == (("W12",), 0)
    # With 31 more for other people it would cost 161.
    dearer = replan(case, before, STEPS, 1, replace(UNFROZEN, technician_price=31.0))
    assert who(dearer.plan) == {"W12": ("Li",), "W99": ("Li",)}
    assert dearer.result.cost == pytest.approx(160)


def test_the_time_that_was_told_moves_when_that_costs_less_than_it_gains(giving_way):
    case, before = giving_way(1000.0)
    # W12 first now costs 1060. W99 first: 40 + the price of moving W12 by 30 minutes; W12 by Wang: 130 and the price of other people.
    found = replan(case, before, STEPS, 1, ReplanRules(500.0, 80.0, 15.0, 0.0))
    assert [change.kind for change in found.difference.changes] == ["new", "later"]
    assert (found.result.cost, found.disturbance.moved, found.disturbance.price) == (pytest.approx(40), ("W12",), 80)
    assert who(replan(case, before, STEPS, 1, ReplanRules(500.0, 700.0, 15.0, 0.0)).plan)["W12"] == ("Wang",)


def test_only_an_emergency_breaks_the_freeze_and_only_when_it_is_worth_it(giving_way):
    case, before = giving_way(5000.0)
    frozen = replan(case, before, STEPS, 1, ReplanRules())
    # W12 begins at 08:20, within the hour: it keeps Li and its place, though W99 then costs 5020.
    assert (frozen.result.cost, frozen.disturbance.frozen) == (pytest.approx(40 + 5020), ())
    broken = replan(urgent(case, "W99"), before, STEPS, 1, ReplanRules())
    assert (broken.result.cost, broken.disturbance.frozen) == (pytest.approx(130), ("W12",))
    # 5060 in place of 130: worth up to 4930.
    assert replan(urgent(case, "W99"), before, STEPS, 1, ReplanRules(frozen_price=4931.0)).disturbance.frozen == ()
    assert replan(urgent(case, "W99"), before, STEPS, 1, ReplanRules(frozen_price=4929.0)).disturbance.frozen == ("W12",)
    # A minute less of freezing, and it is not frozen.
    assert replan(case, before, STEPS, 1, ReplanRules(freeze_minutes=19.0)).result.cost == pytest.approx(130)
    assert replan(case, before, STEPS, 1, ReplanRules(freeze_minutes=20.0)).result.cost == pytest.approx(5060)


def test_after_a_cancellation_nobody_comes_sooner_than_was_told(two_people):
    two_people.ticket("a", 20)
    two_people.ticket("b", 30)
    before = plan_of(two_people.case(), Li="a b")
    two_people.tickets.pop(0)
    two_people.commit("b", "Li")
    case = two_people.case()
    # b was told 09:00; Li could be there at 08:30, and now comes at 08:45, which counts as unchanged.
    found = replan(case, before, STEPS, 1, UNFROZEN)
    assert found.difference.changes == ()
    assert found.plan.routes[0].stops[0].start == two_people.at(45)
    assert check(case, found.plan) == ()
    # An emergency is never too early.
    (sooner,) = replan(urgent(case, "b"), before, STEPS, 1, UNFROZEN).difference.changes
    assert (sooner.kind, sooner.minutes) == ("earlier", -30)


def test_what_cannot_be_kept_as_told_is_not_frozen(two_people):
    two_people.ticket("a", 20, due=30)
    before = plan_of(two_people.case(), Li="a")
    two_people.commit("a", "Li")
    case = two_people.case()
    case = replace(case, technicians=(replace(case.technicians[0], shifts=()), case.technicians[1]))
    found = replan(case, before, STEPS, 1, HUGE)
    assert who(found.plan) == {"a": ("Wang",)}
    assert found.difference.changes[0].why == "Li is not on duty any more"


def day_with_news(day, number: int):
    """A random day planned, and the same with one ticket fewer and two more."""
    dice = random.Random(number)
    random_day(day, dice, "abcdef")
    case = day.case()
    before = solve(build_problem(case, trips=2), Stop(iterations=500), 1).plan()
    planned = sorted(promises(before))
    for name in "xy":
        day.ticket(name, dice.randint(0, 100), due=dice.randint(20, 200), service=20)
    later = day.case()
    later = urgent(replace(later, committed=()), "x")
    return (without_ticket(later, dice.choice(planned)) if planned else later), before


@pytest.mark.parametrize("number", range(12))
def test_without_a_price_it_is_the_plain_search_from_the_published_plan(line_day, number):
    case, before = day_with_news(line_day, number)
    problem, told = problem_for(case, before, trips=2)
    start = kept(problem, told.solution)
    plain = solve(problem, STEPS, 3, start=start.solution if start else None)
    found = replan(case, before, STEPS, 3, NO_PRICE)
    assert found.result.cost == pytest.approx(plain.cost)
    assert found.plan.routes == plain.plan().routes


@pytest.mark.parametrize("number", range(12))
def test_at_a_huge_price_nothing_changes_but_what_must(line_day, number):
    case, before = day_with_news(line_day, number)
    problem, told = problem_for(case, before, trips=2)
    must = kept(problem, told.solution)
    found = replan(case, before, STEPS, 1, HUGE)
    assert must is not None
    assert check(case, found.plan) == ()
    assert {change.kind for change in found.difference.changes} <= {"new", "earlier"}  # earlier: an emergency's or what was late
    assert found.disturbance.price == 0


@pytest.mark.parametrize("number", range(12))
def test_every_rule_is_kept_and_the_same_steps_give_the_same_plan(line_day, number):
    case, before = day_with_news(line_day, number)
    for rules in (ReplanRules(), UNFROZEN):
        found, again = (replan(case, before, STEPS, 2, rules) for _ in range(2))
        assert (found.plan.routes, found.difference) == (again.plan.routes, again.difference)
        assert check(case, found.plan) == ()
        assert found.result.cost == pytest.approx(score(case, found.plan).cost.total)
        assert found.result.rejected == 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the cases of ../shared are not here")
def test_a_day_under_way_with_people_out_crews_and_kits():
    day = read_case(SHARED / "cases" / "day-60.json")
    before = solve(build_problem(day, trips=2), Stop(iterations=4000), 1).plan()
    moment = case_at(day, before, day.now + timedelta(hours=2))
    cancelled = next(item.ticket for item in moment.committed if not item.locked)
    case = without_ticket(moment, cancelled)
    found = replan(case, before, Stop(iterations=2000), 1)
    assert check(case, found.plan) == ()
    locked = {item.ticket: item.technicians for item in case.committed if item.locked}
    assert locked
    assert {name: who(found.plan)[name] for name in locked} == locked
    told = promises(before)
    soon = {t for t in who(found.plan) if t in told and told[t].start <= case.now + timedelta(minutes=60)}
    assert soon - locked.keys()
    assert {t: who(found.plan)[t] for t in soon} == {t: told[t].technicians for t in soon}
    assert found.disturbance.frozen == ()


def test_an_empty_case_and_a_plan_of_another_day(line_day):
    line_day.station("S")
    line_day.technician("Li")
    line_day.ticket("a", 20)
    before = plan_of(line_day.case(), Li="a")
    line_day.tickets.clear()
    found = replan(line_day.case(), before, STEPS, 1)
    assert (found.plan.routes, found.difference.gone) == ((), ("a",))
    line_day.technicians.clear()
    assert replan(line_day.case(), before, STEPS, 1).plan.routes == ()
