"""Chances of hand-worked days against closed forms, and what must hold of every plan."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_models.errors import BadInput
from data_models.plan import Plan, Route, Stop
from optimizer.chance import chances, sample
from optimizer.chance_draws import Draws, Spread
from optimizer.insertion import construct
from optimizer.problem import build_problem, to_plan
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.solution import Schedule, Solution
from tests.optimizer.conftest import LineDay

AS_PLANNED = Spread(0, 0, 0)
MANY = 8000
NEAR = 0.02  # more than three standard errors of a chance from so many days
phi = NormalDist().cdf


def planned(day: LineDay, routes: dict[str, str], kits: dict[str, str] | None = None, wait: dict[str, float] | None = None) -> Schedule:
    """Routes by technician, each a string of one-letter tickets, with what they take and when they leave at the soonest (minutes)."""
    problem = build_problem(day.case())
    people = [problem.technician_ids[t] for t in problem.duty_technician]
    rows = tuple(tuple(problem.ticket_ids.index(t) for t in routes.get(who, "")) for who in people)
    taken = tuple(frozenset(problem.kit_names.index(k) for k in (kits or {}).get(who, "")) for who in people)
    found = schedule(problem, Solution(rows, taken, tuple(round(60 * (wait or {}).get(who, 0)) for who in people)))
    assert isinstance(found, Schedule), found
    return found


def in_time(day: LineDay, plan: Schedule, spread: Spread, seed: int = 1) -> dict[str, float]:
    found = chances(build_problem(day.case()), plan, spread, samples=MANY, seed=seed)
    return {name: item.in_time for name, item in found.tickets.items()}


def one_visit(day: LineDay, **facts: object) -> Schedule:
    """A drives 20 minutes to a."""
    day.station("S")
    day.technician("A")
    day.ticket("a", 20, **facts)
    return planned(day, {"A": "a"})


@pytest.mark.parametrize(("due", "chance"), [(20, 1), (20 - 1 / 60, 0)])
def test_without_spread_a_visit_is_in_time_exactly_when_it_is_planned_to_be(line_day, due, chance):
    plan = one_visit(line_day, due=due)
    found = chances(build_problem(line_day.case()), plan, AS_PLANNED, samples=3)
    assert found.tickets["a"].in_time == chance
    assert found.tickets["a"].late_minutes == pytest.approx((1 - chance) / 60)
    assert found.tickets["a"].arrive_by == LineDay.at(20)
    assert found.expected_in_time == {"emergency": 0, "important": 0, "general": chance}
    assert found.expected_cost == pytest.approx(plan.cost)


@pytest.mark.parametrize("due", [16, 20, 25, 30])
def test_one_drive_follows_the_lognormal_law(line_day, due):
    # 20 e^(0.2 Z) <= due when Z <= ln(due / 20) / 0.2: one half at 20, 0.868 at 25.
    plan = one_visit(line_day, due=due)
    assert in_time(line_day, plan, Spread(0.2, 0.3, 0.5))["a"] == pytest.approx(phi(math.log(due / 20) / 0.2), abs=NEAR)


def test_lateness_and_arrival_follow_the_lognormal_law(line_day):
    plan = one_visit(line_day, due=20)
    found = chances(build_problem(line_day.case()), plan, Spread(0.2, 0, 0), samples=MANY).tickets["a"]
    # E max(0, 20 e^(sZ) - 20) = 20 (e^(s^2 / 2) Phi(s) - Phi(0)) with s = 0.2: 1.819 minutes; the 0.9 quantile is 20 e^(1.2816 s) = 25.84.
    assert found.late_minutes == pytest.approx(20 * (math.exp(0.02) * phi(0.2) - 0.5), abs=0.1)
    assert (found.arrive_by - LineDay.at(0)).total_seconds() / 60 == pytest.approx(20 * math.exp(0.2 * 1.2816), abs=0.3)


def test_work_that_takes_longer_delays_what_comes_after(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, service=30)
    line_day.ticket("b", 50, due=90)
    # 20 out, 30 of work, 30 on: planned 80, due 90: 30 e^(0.3 Z) <= 40.
    found = in_time(line_day, planned(line_day, {"A": "ab"}), Spread(0, 0.3, 0.5))
    assert found == {"a": 1, "b": pytest.approx(phi(math.log(4 / 3) / 0.3), abs=NEAR)}


def test_correlation_changes_what_happens_together_not_what_happens_to_one(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, due=20, service=0)
    line_day.ticket("b", 50, due=50)
    problem, plan = build_problem(line_day.case()), planned(line_day, {"A": "ab"})
    both = {}
    for share in (0.0, 1.0):
        start = sample(problem, plan, Spread(0.2, 0, share), samples=MANY).start_s
        assert np.mean(start[0] <= 20 * 60) == pytest.approx(0.5, abs=NEAR)
        both[share] = np.mean((start[0] <= 20 * 60) & (start[1] <= 50 * 60))
    # Fully correlated both are late or neither: one half. Apart, a second drive that is slow makes b late all the same.
    assert both[1.0] == pytest.approx(0.5, abs=NEAR)
    assert both[0.0] < 0.45


def test_a_crew_is_in_time_when_the_last_of_it_is(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, due=25, crew=2)
    plan = planned(line_day, {"A": "a", "B": "a"})
    drawn = sample(build_problem(line_day.case()), plan, Spread(0.2, 0.3, 0.5), samples=MANY)
    assert np.array_equal(drawn.arrive_s, drawn.start_s)  # both are there when it begins
    alone = phi(math.log(25 / 20) / 0.2)
    assert in_time(line_day, plan, Spread(0.2, 0.3, 0.5))["a"] == pytest.approx(alone**2, abs=NEAR)


def test_a_crew_passes_its_delay_on_to_both_routes(line_day):
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A")
    line_day.technician("B", "T")
    line_day.ticket("a", 20, crew=2, service=0)
    line_day.ticket("b", 20, due=90, service=0)
    plan = planned(line_day, {"A": "ab", "B": "a"})
    # B needs 80 minutes and A waits for B; b is at the same place, so that it starts with a: 80 e^(0.2 Z) <= 90 (A's own 20 hardly count).
    assert in_time(line_day, plan, Spread(0.2, 0, 0))["b"] == pytest.approx(phi(math.log(90 / 80) / 0.2), abs=NEAR)


def test_who_misses_a_window_waits_for_the_next(line_day):
    plan = one_visit(line_day, windows=((20, 25), (100, 110)), due=25)
    start = sample(build_problem(line_day.case()), plan, Spread(0.2, 0, 0), samples=MANY).start_s[0] / 60
    missed = 1 - phi(math.log(25 / 20) / 0.2)
    assert np.mean(start == 100) == pytest.approx(missed, abs=NEAR)
    assert np.all((start <= 25) | (start == 100))


def test_work_whose_last_window_is_missed_costs_what_skipping_it_costs(line_day):
    plan = one_visit(line_day, windows=((20, 25),), due=25)
    problem = build_problem(line_day.case())
    found = chances(problem, plan, Spread(0.2, 0, 0), samples=MANY)
    missed = 1 - phi(math.log(25 / 20) / 0.2)
    item = found.tickets["a"]
    assert item.closed == pytest.approx(missed, abs=NEAR)
    assert item.in_time == pytest.approx(1 - item.closed)
    assert item.late_minutes == 0  # of the days on which work starts
    # Two drives of 20 at 1 a minute, each e^(0.02) on average, and 1000 for not being served.
    assert found.expected_cost == pytest.approx(40 * math.exp(0.02) + 1000 * item.closed, abs=0.5)


def test_a_late_return_delays_the_same_persons_next_duty(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 80), (80, 300)), overtime=10)
    line_day.ticket("a", 20, service=40, windows=((20, 60),))
    line_day.ticket("b", 20, due=105, opened=100)
    problem = build_problem(line_day.case())
    a, b = 0, 1
    found = schedule(problem, Solution(((a,), (b,)), (frozenset(), frozenset()), (0, 0)))
    # Back at 80, when the second shift begins and the way to b, due 25 minutes later: late by overrunning work alone.
    start = sample(problem, found, Spread(0, 0.5, 0), samples=MANY).start_s / 60
    overrun = np.maximum(0, (start[b] - 100))
    assert np.mean(overrun > 0) == pytest.approx(0.5, abs=NEAR)
    assert np.mean(start[b] <= 105) == pytest.approx(phi(math.log(45 / 40) / 0.5), abs=NEAR)


@pytest.mark.parametrize("owned", [1, 2])
def test_a_departure_waits_for_the_kit_that_another_brings_back(line_day, owned):
    line_day.station("S", k=owned)
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, kits=("k",))
    line_day.ticket("b", 20, kits=("k",), due=90)
    plan = planned(line_day, {"A": "a", "B": "b"}, {"A": "k", "B": "k"}, {"B": 70})
    # A is back at 70. With two kits B leaves then for sure and is in time with one half; with one, only when A is back as well.
    found = in_time(line_day, plan, Spread(0.2, 0, 0))["b"]
    assert found == pytest.approx(0.5, abs=NEAR) if owned == 2 else found < 0.4


def test_nobody_departs_before_the_plan_says(line_day):
    plan = one_visit(line_day, opened=100)
    # Leaves at 80 to be there at 100, and not a second before.
    start = sample(build_problem(line_day.case()), plan, Spread(0.2, 0, 0), samples=MANY).start_s[0] / 60
    assert start.min() == 100
    assert np.mean(start > 100) == pytest.approx(0.5, abs=NEAR)


def test_a_break_is_taken_neither_too_soon_nor_left_out_when_late(line_day):
    line_day.station("S")
    line_day.technician("A", breaks=((30, 60, 30),))
    line_day.ticket("a", 20, due=20, service=30)
    line_day.ticket("b", 20)
    plan = planned(line_day, {"A": "ab"})
    assert plan.timed[0].breaks == ((50 * 60, 80 * 60),)
    # a from 20 to 50, break to 80, then b at the same place. After 70 minutes of work b begins at 120, after the break all the same.
    start = sample(build_problem(line_day.case()), plan, Spread(0, 0.8, 0), samples=MANY).start_s / 60
    work = start[1] - 20 - 30
    assert np.all(start[0] == 20)
    assert np.median(work) == pytest.approx(30, abs=1)
    assert np.mean(work > 40) == pytest.approx(1 - phi(math.log(4 / 3) / 0.8), abs=NEAR)
    assert start[1].min() == 60  # however short the work was, the break begins no sooner than at 30


def test_work_beyond_the_calendar_is_no_error(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 60 * 24 * 365 * 7900),))
    line_day.ticket("a", 20, service=60 * 24 * 365 * 7800)
    line_day.ticket("b", 50)
    found = chances(build_problem(line_day.case()), planned(line_day, {"A": "ab"}), Spread(0, 1, 0), samples=50)
    assert found.tickets["b"].arrive_by.year == 9999


def test_crews_that_meet_twice_without_work_between_do_not_wait_forever(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, crew=2, service=0)
    line_day.ticket("b", 20, crew=2, service=0)
    plan = planned(line_day, {"A": "ab", "B": "ba"})
    found = chances(build_problem(line_day.case()), plan, Spread(0.2, 0.3, 0.5), samples=50)
    assert all(0 < item.in_time <= 1 for item in found.tickets.values())
    assert chances(build_problem(line_day.case()), plan, AS_PLANNED, samples=2).expected_cost == pytest.approx(plan.cost)
    # B begins b alone and joins A at a, where A has waited.
    problem = build_problem(line_day.case())
    start = sample(problem, plan, Spread(0.2, 0, 0.5), samples=50).start_s
    first, second = (20 * 60 * Draws(problem, Spread(0.2, 0, 0.5), 50, 1).drive(who, 0, name) for who, name in ((0, "a"), (1, "b")))
    assert np.allclose(start, [np.maximum(first, second), second])


def test_a_second_trip_in_a_shift_waits_for_the_first(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 60),), overtime=200)
    line_day.ticket("a", 20)
    line_day.ticket("b", 20, due=90)
    at = LineDay.at
    trips = (
        Route("A", 0, at(0), (Stop("a", at(20), at(20), at(50)),), at(70)),
        Route("A", 0, at(70), (Stop("b", at(90), at(90), at(120)),), at(140)),
    )
    problem = build_problem(line_day.case())
    certain = chances(problem, Plan("line day", trips, ()), AS_PLANNED, samples=2)
    assert certain.tickets["b"].in_time == 1
    assert certain.expected_cost == pytest.approx(80 + 80 * 2)  # four drives, and overtime until the last return at 140 alone
    found = chances(problem, Plan("line day", trips, ()), Spread(0, 0.3, 0), samples=MANY)
    assert found.tickets["b"].in_time == pytest.approx(0.5, abs=NEAR)  # late as soon as the work on a is


def test_a_plan_that_names_what_the_case_has_not_got_is_refused(line_day):
    one_visit(line_day)
    at = LineDay.at
    for route in (
        Route("B", 0, at(0), (), at(0)),
        Route("A", 1, at(0), (), at(0)),
        Route("A", 0, at(0), (Stop("z", *[at(0)] * 3),), at(0)),
    ):
        with pytest.raises(BadInput, match="cannot be followed"):
            chances(build_problem(line_day.case()), Plan("line day", (route,), ()), AS_PLANNED)


def test_two_plans_are_compared_on_the_same_days(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20)
    line_day.ticket("b", 50)
    problem, spread = build_problem(line_day.case()), Spread()
    one = sample(problem, planned(line_day, {"A": "ab"}), spread, samples=100)
    two = sample(problem, planned(line_day, {"A": "a", "B": "b"}), spread, samples=100)
    assert np.array_equal(one.start_s[0], two.start_s[0])  # A drives to a in both
    again = sample(problem, planned(line_day, {"A": "ab"}), spread, samples=100)
    assert np.array_equal(one.start_s, again.start_s)
    assert np.array_equal(one.cost, again.cost)
    other = sample(problem, planned(line_day, {"A": "ab"}), spread, samples=100, seed=2)
    assert not np.array_equal(one.start_s, other.start_s)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_drives_of_one_technician_correlate_as_said_and_those_of_two_do_not(line_day, share):
    one_visit(line_day)
    line_day.technician("B")
    draws = Draws(build_problem(line_day.case()), Spread(0.2, 0.3, share), MANY, 1)
    first, second, others = (np.log(draws.drive(who, 0, name)) for who, name in ((0, "a"), (0, "b"), (1, "a")))
    assert [x.std() for x in (first, second)] == pytest.approx([0.2, 0.2], rel=0.03)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(share, abs=0.04)
    assert np.corrcoef(first, others)[0, 1] == pytest.approx(0, abs=0.04)
    assert np.log(draws.service(0, [0, 1])).std() == pytest.approx(0.3, rel=0.03)


def random_day(seed: int) -> LineDay:
    """Twelve tickets of all kinds for five people at two stations."""
    chance, day = random.Random(seed), LineDay()
    day.station("S", k=1, m=2)
    day.station("T", 60, k=1)
    for name in "ABCD":
        breaks = ((120, 200, 30),) if chance.random() < 0.5 else ()
        shifts = ((0, 300), (300, 600)) if chance.random() < 0.3 else ((0, 480),)
        day.technician(name, chance.choice("ST"), shifts=shifts, overtime=60, breaks=breaks if len(shifts) == 1 else ())
    day.technician("E", out=(30, 15, ("k",)), overtime=60)
    for name in "abcdefghijkl":
        opened = chance.choice((0, 0, 100))
        begin = chance.randrange(60, 300)
        facts = {"windows": ((begin, begin + 60),)} if chance.random() < 0.3 else {}
        day.ticket(
            name, chance.randrange(-40, 100), opened=opened, due=opened + chance.randrange(30, 240), service=chance.randrange(10, 60),
            crew=2 if chance.random() < 0.2 else 1, kits=chance.choice(((), (), ("k",), ("m",))), **facts,
        )  # fmt: skip
    for name in "abc":
        day.commit(name, chance.choice("ABCD"))
    return day


@settings(max_examples=40)
@example(9403)
@given(st.integers(0, 10_000))
def test_without_spread_every_plan_goes_and_costs_as_planned(seed):
    case = random_day(seed).case()
    problem = build_problem(case)
    found = construct(problem)
    told = score(case, to_plan(problem, found))
    drawn = sample(problem, found, AS_PLANNED, samples=2)
    exact = all(timed is None or not timed.breaks for timed in found.timed)
    for route, timed in zip(found.solution.routes, found.timed, strict=True):
        for ticket, start in zip(route, timed.starts if timed else (), strict=True):
            # A crew whose partner once rested elsewhere may be planned to start later than it could (see `synchronise`).
            assert drawn.start_s[ticket, 1] == start if exact else drawn.start_s[ticket, 1] <= start
    said = chances(problem, found, AS_PLANNED, samples=2)
    assert said.expected_cost == pytest.approx(told.cost.total) if exact else said.expected_cost <= told.cost.total + 1e-6
    for severity, row in told.service.items():
        assert said.expected_in_time[severity] == row.on_time if exact else said.expected_in_time[severity] >= row.on_time


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_chances_are_chances_and_later_promises_are_kept_no_less_often(seed, drive, service, share):
    problem = build_problem(random_day(seed).case())
    plan, spread = construct(problem), Spread(drive, service, share)
    said = chances(problem, plan, spread, samples=100)
    later = chances(replace(problem, ticket_due=problem.ticket_due + 600), plan, spread, samples=100)
    for name, item in said.tickets.items():
        assert 0 <= item.in_time <= round(item.in_time + item.closed, 9) <= 1
        assert item.late_minutes >= 0
        assert later.tickets[name].in_time >= item.in_time
        assert later.tickets[name].late_minutes <= item.late_minutes
    assert later.expected_cost <= said.expected_cost + 1e-6
