"""Where one more ticket can go: exact costs, starts and delays, by the arithmetic of days on a line."""

from __future__ import annotations

import pytest

from optimizer.candidates import candidates, repair
from optimizer.problem import build_problem
from optimizer.schedule import schedule
from optimizer.solution import Solution


def test_each_person_is_priced_with_start_and_whom_it_delays(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B", out=(100, 10, ()))
    line_day.technician("C", shifts=((0, 30),))
    line_day.ticket("a", 30, due=30, windows=((0, 90),))
    line_day.ticket("b", 20, due=20)
    problem = build_problem(line_day.case())
    plan = schedule(problem, Solution(((0,), (), ()), (frozenset(),) * 3, (0, 0, 0)))
    first, second = candidates(problem, plan, 1)
    # A visits b after a: at 30 + 30 + 10 = 70, 50 late (100 + 50), no more driving. Before a, a would miss its due time by 30: 130.
    assert first.duties == (0,)
    assert first.start == 20 * 60
    assert first.cost_change == pytest.approx(130 - 1000)
    assert first.delays == ((0, 30 * 60),)
    # B drives 80 from where it is, is there at 90, 70 late, and drives 20 home.
    assert second.duties == (1,)
    assert second.start == 90 * 60
    assert second.cost_change == pytest.approx(80 + 20 + 100 + 70 - 1000)
    assert second.delays == ()


def test_a_crew_is_found_whole(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 30, crew=2)
    problem = build_problem(line_day.case())
    plan = schedule(problem, Solution(((), ()), (frozenset(),) * 2, (0, 0)))
    (only,) = candidates(problem, plan, 0)
    assert only.duties == (0, 1)
    assert only.cost_change == pytest.approx(120 - 1000)


def test_repair_plans_what_was_left(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 30)
    problem = build_problem(line_day.case())
    result = repair(problem, Solution(((),), (frozenset(),), (0,)), 500)
    assert result.cost == pytest.approx(60)
