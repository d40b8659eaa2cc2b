"""The proven bound where it is easily wrong by little: fractions of a second, ways that are shorter by a detour, kits that come home."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from data_models.case import Break, Case, Rates, Shift, Station, Technician, Ticket, TimeWindow, TravelMatrix
from data_models.plan import Plan, Route
from optimizer.bound import prove
from optimizer.bound_facts import rounded_down, views_of
from optimizer.master import kits_left
from optimizer.problem import Problem, build_problem
from optimizer.result import Stop
from tests.optimizer.conftest import EIGHT
from tests.optimizer.days import cheapest

pytestmark = pytest.mark.usefixtures("compiled_search")
ENOUGH = Stop(iterations=500)
SKIP = 1000.0


def seconds(count: float) -> timedelta:
    return timedelta(microseconds=round(count * 1e6))


def short_day(dice: random.Random) -> tuple[Case, float]:
    """One ticket for one technician within seconds, and what serving it costs in fractions of them: 1 for each second late, 3 overtime.

    Every limit is kept exactly or missed by up to a second.
    """

    def tenths(low: float, high: float) -> float:
        return round(dice.uniform(low, high), 1)

    now, begin, opened = tenths(0, 2), tenths(0, 5), tenths(4, 8)
    there, back, work = (dice.choice([0.0, 2.0, tenths(0, 4)]) for _ in range(3))
    ready = max(max(now, begin) + there, opened)
    closes = round(ready + dice.choice([0, 0, 0.3, tenths(0, 3)]), 1)
    opens = round(closes - tenths(0, 4), 1)
    start = max(ready, opens)
    home = start + work + back
    due, end = round(start - tenths(-1, 2), 1), round(home - tenths(-1, 2), 1)
    overtime = round(max(0.0, home - end) + dice.choice([0, tenths(0, 1)]), 1)
    travel = TravelMatrix("matrix", ((0.0, there), (back, 0.0)), ((0.0, 0.0), (0.0, 0.0)))
    who = Technician("A", "A", "S", {}, (Shift(EIGHT + seconds(begin), EIGHT + seconds(end), overtime / 60),))
    window = TimeWindow(EIGHT + seconds(opens), EIGHT + seconds(closes))
    ticket = Ticket(
        "a", 0.0, 0.0, "general", "C", EIGHT + seconds(opened), EIGHT + seconds(due), work / 60, windows=(window,), place=1,
        miss_cost=10.0, late_cost_per_hour=3600.0, skip_cost=SKIP,
    )  # fmt: skip
    case = Case(
        "seconds", EIGHT + seconds(now), travel, (Station("S", "S", 0.0, 0.0, {}, 0),), (who,), (ticket,), Rates(0.0, 0.0, 3 * 3600.0, 0.0)
    )
    late = start - due
    return case, (10 + late if late > 1e-9 else 0.0) + 3 * max(0.0, home - end)


@pytest.mark.parametrize("number", range(120))
def test_no_plan_in_fractions_of_a_second_costs_less_than_the_bound(number):
    case, cost = short_day(random.Random(number))
    assert prove(build_problem(case), ENOUGH).bound <= cost + 1e-6


@pytest.mark.parametrize("number", range(40))
def test_rounding_down_makes_every_fact_easier_and_by_little(number):
    case, _ = short_day(random.Random(number))
    problem = build_problem(case)
    down = rounded_down(problem)
    (shift,), (ticket,) = case.technicians[0].shifts, case.tickets
    # What comes sooner by the fraction with which the case begins must not be late for that.
    ahead = (problem.epoch - case.now).total_seconds()
    assert down.ticket_service_s.item() <= 60 * ticket.service_minutes
    assert down.duty_earliest.item() <= max(0.0, (shift.start - case.now).total_seconds())
    assert down.ticket_due.item() >= int((ticket.due - problem.epoch).total_seconds() + ahead)
    assert down.duty_end.item() >= (shift.end - problem.epoch).total_seconds() + ahead
    assert down.duty_latest.item() >= (shift.end - problem.epoch).total_seconds() + 60 * shift.overtime_minutes + ahead
    for name in ("ticket_service_s", "ticket_due", "duty_earliest", "duty_end", "duty_latest"):
        assert np.abs(getattr(down, name) - getattr(problem, name)).max() <= 2, name


def test_the_end_of_a_shift_counts_by_the_fraction(line_day):
    line_day.station("S")
    line_day.technician("A", overtime=1)
    line_day.ticket("a", 20, service=0)
    case = line_day.case()
    (who,) = case.technicians
    # Back at 40 minutes, a tenth of a second after the end of the shift: 40 of driving, and 2 a minute.
    shift = replace(who.shifts[0], end=line_day.at(40) - timedelta(milliseconds=100))
    case = replace(case, technicians=(replace(who, shifts=(shift,)),))
    assert prove(build_problem(case), ENOUGH).bound <= 40 + 0.1 / 60 * 2 + 1e-9


def test_breaks_and_kits_are_rounded_down_as_well(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", breaks=((60, 90, 20),))
    line_day.technician("B", out=(5, 0, ("k",)))
    line_day.technician("C", shifts=((-90, -60),), out=(5, 10, ("k",)))
    line_day.ticket("a", 20, kits=("k",))
    case = line_day.case()
    part = timedelta(milliseconds=700)
    first, *others = case.technicians
    rest = Break(line_day.at(60) + part, line_day.at(90) + part, 20.01)
    first = replace(first, shifts=(replace(first.shifts[0], breaks=(rest,)),))
    others = [replace(who, start=replace(who.start, at=who.start.at + part)) for who in others]
    problem = build_problem(replace(case, technicians=(first, *others)))
    down = rounded_down(problem)
    # In exact seconds the break opens at 3600.7, closes at 5400.7, lasts 1200.6, and work until 6601.3 does not span it.
    assert down.break_earliest.item() <= 3600.7
    assert down.break_latest.item() >= 5400.7
    assert down.break_length.item() <= 1200.6
    assert down.break_span_end.item() >= 6601.3
    # B is home 300 seconds after 0.7, C 300 after 600.7.
    assert down.duty_idle_until.tolist()[1] <= 300.7
    assert down.lent_until.item() <= 900.7
    for name in ("break_earliest", "break_latest", "break_length", "break_span_end", "duty_idle_until", "lent_until"):
        assert np.abs(getattr(down, name) - getattr(problem, name)).max() <= 3, name


def test_a_case_in_whole_seconds_is_not_rounded(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20)
    problem = build_problem(line_day.case())
    assert rounded_down(problem) is problem


def test_a_shift_of_more_breaks_than_can_be_planned_around_is_not_cut_for_the_bound(line_day):
    line_day.station("S")
    line_day.technician("A", breaks=tuple((10 * k, 10 * k + 5, 1) for k in range(1, 8)))
    line_day.ticket("a", 20, windows=((200, 210),))
    # Who departs at 180 spans no break: 40 of driving, though the search ends the shift at the seventh.
    problem = build_problem(line_day.case())
    assert problem.duty_latest.tolist() == [76 * 60]
    assert prove(problem, ENOUGH).bound == pytest.approx(40, abs=1e-3)


def day_of_odd_ways(day, dice: random.Random) -> Problem:
    """Three tickets, and a matrix at random, in which ways over the station are often shorter, for two people of up to two trips."""
    day.station("S")
    for name in "AB":
        day.technician(name, shifts=((0, dice.choice([150, 300])),), overtime=30)
    for name in "abc":
        day.ticket(name, 0, due=dice.randint(20, 200), service=dice.randint(5, 30), skip_cost=300.0)
    case = day.case()
    size = len(day.positions)
    far = tuple(tuple(0.0 if a == b else 60.0 * dice.choice([2, 5, 20, 60]) for b in range(size)) for a in range(size))
    trips = tuple(Route(name, 0, EIGHT, (), EIGHT) for name in "AABB")
    return build_problem(replace(case, travel=TravelMatrix("matrix", far, far)), plan=Plan("line day", trips))


@pytest.mark.parametrize("number", range(20))
def test_no_plan_costs_less_where_ways_over_the_station_are_shorter(line_day, number):
    problem = day_of_odd_ways(line_day, random.Random(number))
    assert prove(problem, ENOUGH).bound <= cheapest(problem) + 1e-6


def test_a_cheaper_way_over_the_station_is_part_of_the_bound(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 10)
    line_day.ticket("b", 10)
    case = line_day.case()
    # From a to b it takes an hour, and home and out again 20 minutes: 40 of driving in all.
    far = ((0.0, 600.0, 600.0), (600.0, 0.0, 3600.0), (600.0, 3600.0, 0.0))
    problem = build_problem(replace(case, travel=TravelMatrix("matrix", far, far)))
    assert prove(problem, ENOUGH).bound == pytest.approx(40, abs=1e-3)


@pytest.mark.parametrize(("moment", "left"), [(0, 1), (5 * 60 - 1, 1), (5 * 60, 2), (50 * 60 - 1, 2), (50 * 60, 3)])
def test_a_kit_is_left_for_plans_once_it_is_surely_home(line_day, moment, left):
    line_day.station("S", k=3)
    line_day.station("T", 20, k=1)
    line_day.technician("A", out=(5, 0, ("k",)))  # home at 5
    line_day.technician("B", shifts=((-90, -60),), out=(10, 40, ("k",)))  # off duty, home at 50
    line_day.technician("C", "T", out=(20, 100, ("k",)))
    line_day.technician("D", out=(5, 200, ()))
    line_day.ticket("a", 20, kits=("k",))
    problem = build_problem(line_day.case())
    assert kits_left(problem, views_of(problem), 0, 0, moment) == left


def test_a_station_that_has_lent_more_than_it_owns_has_none_left(line_day):
    line_day.station("S", k=1)
    for name in "AB":
        line_day.technician(name, out=(5, 0, ("k",)))
    line_day.ticket("a", 20, kits=("k",))
    problem = build_problem(line_day.case())
    assert kits_left(problem, views_of(problem), 0, 0, 0) == 0
    assert kits_left(problem, views_of(problem), 0, 0, 300) == 1
