"""A margin moves deadlines by a hand-worked amount, makes sure plans the cheaper ones, and never breaks a rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.chance import chances
from optimizer.chance_draws import Spread
from optimizer.check import check
from optimizer.exact import solve_exactly
from optimizer.insertion import construct
from optimizer.margin import settled, with_margin
from optimizer.problem import build_problem, to_plan
from optimizer.result import Result, Stop
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.solution import Schedule, Solution
from tests.optimizer.test_chance import random_day


def due_minutes(day, aim: float, spread: Spread) -> list[float]:
    """The due moments with a margin, in minutes."""
    return [due / 60 for due in with_margin(build_problem(day.case()), spread, aim).ticket_due.tolist()]


def one_ticket(day, **facts) -> None:
    day.station("S")
    day.technician("A")
    day.technician("B")
    day.ticket("a", 20, due=25, **facts)


def test_a_margin_is_the_quantile_of_the_delay_until_the_deadline(line_day):
    one_ticket(line_day)
    # 25 minutes are 20 of driving and 5 of work: fully correlated, variance (20 x 0.2)^2 + (5 x 0.3)^2 = 18.25, spread 4.272 / 25 = 0.1709.
    # Its quantile for four in five is 0.8416 x 0.1709 = 0.1438: 25 e^-0.1438 = 21.65 minutes of the plan are likely over in 25 of the day.
    assert due_minutes(line_day, 0.8, Spread(0.2, 0.3, 1)) == [pytest.approx(21.65, abs=0.02)]


def test_each_of_a_crew_must_be_surer_than_the_crew(line_day):
    one_ticket(line_day, crew=2)
    # Both in time with the chance 0.5: each with 0.7071, whose quantile is 0.5450; 25 e^(-0.5450 x 0.1709) = 22.78.
    assert due_minutes(line_day, 0.5 + 1e-9, Spread(0.2, 0.3, 1)) == [pytest.approx(22.78, abs=0.02)]


def test_no_promise_moves_to_before_anyone_can_be_there(line_day):
    one_ticket(line_day)
    line_day.ticket("b", 60, due=60)
    line_day.ticket("c", 60, due=59)
    line_day.ticket("d", 20, due=25, only=("B",), skills={"x": 1})
    found = due_minutes(line_day, 0.99, Spread(0.2, 0.3, 0.5))
    assert found == [20, 60, 59, 25]  # a as far as it goes; b can just be kept; c and d cannot be kept anyway


def test_a_deadline_at_night_stays(line_day):
    one_ticket(line_day)
    line_day.ticket("b", 20, due=481)  # everybody is home by 480
    assert due_minutes(line_day, 0.9, Spread())[1] == 481


@pytest.mark.parametrize(("aim", "spread"), [(0.5, Spread()), (0.0, Spread()), (0.9, Spread(0, 0, 0.5))])
def test_nothing_moves_without_uncertainty_or_an_aim_above_one_half(line_day, aim, spread):
    one_ticket(line_day, windows=((20, 24),))
    problem = build_problem(line_day.case())
    found = with_margin(problem, spread, aim)
    assert found.ticket_due.tolist() == problem.ticket_due.tolist()
    assert found.window_end.tolist() == problem.window_end.tolist()


def test_windows_close_sooner_but_not_before_their_middle_nor_for_locked_tickets(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, windows=((0, 30), (100, 400)))
    line_day.ticket("b", 20, windows=((100, 104),))
    line_day.ticket("c", 20, windows=((100, 400),))
    line_day.commit("c", "A", locked=True)
    found = with_margin(build_problem(line_day.case()), Spread(), 0.9)
    ends = [end / 60 for end in found.window_end.tolist()]
    assert 20 < ends[0] < 30
    assert 250 < ends[1] < 400
    assert ends[2:] == [102, 400]
    assert [start / 60 for start in found.window_start.tolist()] == [0, 100, 100, 100]


def test_with_a_margin_the_surer_order_is_the_cheaper_one(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, due=90, miss_cost=10, late_cost_per_hour=0)
    line_day.ticket("b", 50, due=80)
    problem, spread = build_problem(line_day.case()), Spread()
    orders = [Solution((route,), (frozenset(),), (0,)) for route in ((0, 1), (1, 0))]
    near = with_margin(problem, spread, 0.8)
    # a, b: a at 20, b at 80, just in time; 100 of driving. b, a: b at 50, a at 110, late for 10. One chance in two of paying 100 is dearer.
    plain = [schedule(problem, order) for order in orders]
    sure = [schedule(near, order) for order in orders]
    assert [found.cost for found in plain] == [100, 110]
    assert sure[0].cost > sure[1].cost
    likely = [chances(problem, found, spread) for found in plain]
    assert likely[0].tickets["b"].in_time < 0.6
    assert likely[1].tickets["b"].in_time > 0.98
    assert likely[0].expected_cost > likely[1].expected_cost + 30


def result_of(found: Schedule, problem) -> Result:
    return Result(problem, found, found.cost, 1.0, 10, 1, ((0.5, found.cost + 1), (1.0, found.cost)), "improved")


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.51, 0.99))
def test_what_is_planned_with_a_margin_keeps_every_rule_and_is_priced_by_the_true_case(seed, aim):
    case = random_day(seed).case()
    problem = build_problem(case)
    near = with_margin(problem, Spread(), aim)
    found = settled(problem, result_of(construct(near), near))
    plan = found.plan()
    assert check(case, plan) == ()
    assert found.cost == pytest.approx(score(case, plan).cost.total)
    assert found.trajectory == ((1.0, found.cost),)
    assert found.cost <= found.schedule.cost + 1e-9


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_a_higher_aim_moves_no_deadline_back(seed, one, other):
    problem = build_problem(random_day(seed).case())
    low, high = (with_margin(problem, Spread(), aim) for aim in sorted((one, other)))
    for name in ("ticket_due", "window_end"):
        assert np.all(getattr(high, name) <= getattr(low, name))
        assert np.all(getattr(low, name) <= getattr(problem, name))
    assert np.all(high.window_end >= high.window_start)


def test_a_bound_on_plans_with_a_margin_is_none_on_true_ones(line_day):
    one_ticket(line_day)
    problem = build_problem(line_day.case())
    searched = replace(problem, ticket_due=np.array([19 * 60]))
    # Nobody is there before 20: every plan is late for the margin, 40 + 100 + 1, and in time in truth.
    found = solve_exactly(searched, Stop(), 1)
    assert found.bound == pytest.approx(141)
    true = settled(problem, found)
    assert true.cost == pytest.approx(40)
    assert true.bound is None


def test_a_day_of_nothing_stays_as_it_is(line_day):
    line_day.station("S")
    problem = build_problem(line_day.case())
    assert with_margin(problem, Spread(), 0.9) is problem
    line_day.ticket("a", 20)
    problem = build_problem(line_day.case())
    assert with_margin(problem, Spread(), 0.9) is problem
    assert to_plan(problem, construct(problem)).routes == ()
