"""The numbers of a case: rounding to the safe side, who may go where, and the way back to a plan."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from data_models.case import Case, GreatCircle, Rates, Station, TravelMatrix, great_circle_km
from data_models.case_files import plan_json
from data_models.errors import BadInput
from optimizer.problem import UNREACHABLE, build_problem, from_plan, to_plan
from optimizer.routing import Stop, solve
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution

MICRO = timedelta(microseconds=1)


def test_drives_are_those_of_the_standard_library_rounded_up():
    rng = np.random.default_rng(7)
    lats, lons = rng.uniform(-85, 85, 60).round(4), rng.uniform(-180, 180, 60).round(4)
    stations = tuple(Station(f"S{i}", "", float(a), float(b)) for i, (a, b) in enumerate(zip(lats, lons, strict=True)))
    case = Case("x", datetime.fromisoformat("2026-03-02T08:00:00+08:00"), GreatCircle("great_circle", 1.3, 70), stations, (), ())
    seconds = build_problem(case).travel_s
    for i, a in enumerate(stations):
        for j, b in enumerate(stations):
            km = great_circle_km(a.lat, a.lon, b.lat, b.lon) * 1.3
            assert seconds[i, j] == (0 if i == j else math.ceil(km / 70 * 3600))


def test_a_matrix_keeps_its_direction_rounds_up_and_knows_no_way():
    stations = tuple(Station(f"S{i}", "", 0.0, 0.0, {}, i) for i in range(3))
    travel = TravelMatrix("matrix", ((0, 10.2, math.inf), (20, 0, 5), (7, 8, 0)), ((0, 100, math.inf), (200, 0, 50), (70, math.inf, 0)))
    problem = build_problem(Case("x", datetime.fromisoformat("2026-03-02T08:00:00+08:00"), travel, stations, (), ()))
    assert problem.travel_s.tolist() == [[0, 11, UNREACHABLE], [20, 0, 5], [7, UNREACHABLE, 0]]
    assert problem.distance_m[0, 2] == 0
    assert np.isinf(problem.drive_cost[0, 2])


def test_parts_of_a_second_are_driven_in_full_and_paid_as_they_are():
    stations = tuple(Station(f"S{i}", "", 0.0, 0.0, {}, i) for i in range(2))
    travel = TravelMatrix("matrix", ((0, 10.2), (20, 0)), ((0, 100), (200, 0)))
    now = datetime.fromisoformat("2026-03-02T08:00:00+08:00")
    problem = build_problem(Case("x", now, travel, stations, (), (), Rates(drive_per_hour=3600, drive_per_km=10)))
    assert problem.travel_s[0, 1] == 11
    assert problem.drive_cost[0, 1] == pytest.approx(10.2 + 1)


def test_a_window_that_opens_after_everybody_is_home_is_out_of_reach(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100),))
    line_day.ticket("a", 20, windows=((60, 300),))  # back at 60 + 30 + 20 = 110
    line_day.ticket("b", 20, windows=((50, 300),))
    problem = build_problem(line_day.case())
    assert problem.reachable.tolist() == [[False], [True]]
    assert [u.ticket for u in solve(problem, Stop(iterations=1100), 1).plan().unassigned] == ["a"]


def test_someone_free_before_now_is_on_the_way_home_since(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", shifts=((-300, 100),), out=(30, -20, ["k"]))
    line_day.technician("B", shifts=((-100, -50),), out=(30, -20, ["k"]))
    problem = build_problem(line_day.case())
    assert problem.duty_earliest.tolist() == [0]
    assert problem.duty_idle_until.tolist() == [10 * 60]
    assert problem.lent_until.tolist() == [10 * 60]


def test_times_between_seconds_are_rounded_to_the_safe_side(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((1, 100),), overtime=10, breaks=((30, 40, 10),))
    line_day.ticket("a", 20, windows=((5, 50),), service=1.001)
    case = line_day.case()
    man, ticket = case.technicians[0], case.tickets[0]
    shift = man.shifts[0]
    rest = shift.breaks[0]
    off = replace(
        shift,
        start=shift.start + MICRO,
        end=shift.end + MICRO,
        breaks=(replace(rest, earliest=rest.earliest + MICRO, latest=rest.latest + MICRO),),
    )
    window = ticket.windows[0]
    late = replace(ticket, due=ticket.due + MICRO, windows=(replace(window, start=window.start + MICRO, end=window.end + MICRO),))
    problem = build_problem(replace(case, technicians=(replace(man, shifts=(off,)),), tickets=(late,)))
    assert problem.duty_earliest.tolist() == [61]  # up
    assert problem.duty_end.tolist() == [6000]  # down
    assert problem.duty_latest.tolist() == [6600]  # down
    assert (problem.break_earliest.tolist(), problem.break_latest.tolist()) == ([1801], [2400])
    assert (problem.window_start.tolist(), problem.window_end.tolist()) == ([301], [3000])
    assert problem.ticket_due.tolist() == [480 * 60]  # a second later is late, the second itself is not
    assert problem.ticket_service_s.tolist() == [61]


def test_now_between_seconds_begins_at_the_next(line_day):
    line_day.station("S")
    case = line_day.case()
    assert build_problem(replace(case, now=case.now + MICRO)).epoch == case.now + timedelta(seconds=1)


def test_windows_are_clipped_sorted_merged_and_may_all_be_over(line_day):
    line_day.station("S")
    line_day.ticket("a", 1, windows=((50, 60), (0, 10), (5, 20)), opened=2)
    line_day.ticket("b", 1, windows=((-60, -30),))
    line_day.ticket("c", 1)
    assert build_problem(line_day.case()).tables.windows == [[(120, 1200), (3000, 3600)], [], [(0, UNREACHABLE)]]


def test_shifts_that_are_over_are_no_duties(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((-600, -60), (0, 60), (1440, 1500)), overtime=60)
    line_day.technician("B", shifts=((-600, -60), (-500, -59), (0, 60)), overtime=60, out=(10, 5, []))
    problem = build_problem(line_day.case())
    # A's first shift must end now, overtime included: over. B's second could last a minute, but B is out and belongs to the third.
    assert list(zip(problem.duty_technician.tolist(), problem.duty_shift.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert problem.duty_out.tolist() == [False, False, True]
    assert problem.duty_earliest.tolist() == [0, 1440 * 60, 300]
    assert problem.duty_idle_until.tolist() == [0, 0, 900]


def test_kits_of_people_without_a_shift_are_lent_until_they_are_home(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", shifts=((-100, -50),), out=(30, 10, ["k"]))
    line_day.technician("B")
    line_day.ticket("a", 10, kits=("k",))
    problem = build_problem(line_day.case())
    assert problem.lent_until.tolist() == [40 * 60]
    found = schedule(problem, Solution(((0,),), (frozenset({0}),), (0,)))
    assert isinstance(found, Schedule)
    assert found.timed[0].depart == 40 * 60


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        ({}, "AB"),
        ({"only": ("A",)}, "A"),
        ({"banned": ("A",)}, "B"),
        ({"load": 3.1}, "B"),
        ({"skills": {"leak": 2}}, "A"),
        ({"crew": 2, "skills": {"leak": 2}}, "AB"),
    ],
)
def test_who_may_be_in_a_crew(line_day, facts, who):
    line_day.station("S")
    line_day.technician("A", skills={"leak": 2}, capacity=3)
    line_day.technician("B", skills={"leak": 1})
    line_day.ticket("a", 10, **facts)
    assert "".join(n for n, fit in zip("AB", build_problem(line_day.case()).member[0], strict=True) if fit) == who


def test_a_plan_speaks_in_the_offset_of_the_case_and_comes_back_the_same(line_day):
    line_day.station("S", k=1)
    line_day.technician("A")
    line_day.ticket("a", 20, kits=("k",))
    line_day.ticket("b", 20, skills={"rare": 1})
    case = line_day.case()
    problem = build_problem(replace(case, now=case.now.astimezone(timezone(timedelta(hours=8)))))
    result = solve(problem, Stop(iterations=0), 1)
    plan = to_plan(problem, result.schedule, reasons={"b": ("Nobody has skill rare",)})
    route = json.loads(plan_json(plan))["routes"][0]
    assert route["depart"] == "2026-03-02T16:00:00+08:00"
    assert route["return"] == "2026-03-02T17:10:00+08:00"
    assert route["kits"] == ["k"]
    assert plan.unassigned[0].reasons == ("Nobody has skill rare",)
    assert schedule(problem, from_plan(problem, plan)).timed == result.schedule.timed


def test_a_plan_of_another_case_is_refused_by_name(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20)
    case = line_day.case()
    plan = solve(build_problem(case), Stop(iterations=0), 1).plan()
    other = replace(case, tickets=(replace(case.tickets[0], id="z"),))
    with pytest.raises(BadInput, match="'a'"):
        from_plan(build_problem(other), plan)


def test_extreme_days_are_answered_without_overflow(line_day):
    line_day.station("S", **{f"k{i}": 1 for i in range(3000)})
    line_day.technician("A", shifts=((0, 480), (60 * 24 * 365 * 50, 60 * 24 * 365 * 50 + 480)), overtime=1e9)
    line_day.technician("B")
    line_day.ticket("a", 20, service=1e300)
    line_day.ticket("b", 20, load=1e300, skip_cost=1e15)
    line_day.ticket("c", 20, opened=60 * 24 * 365 * 50, due=60 * 24 * 365 * 20, late_cost_per_hour=1e6, skip_cost=1e18)
    line_day.ticket("d", 20, kits=tuple(f"k{i}" for i in range(3000)))
    line_day.ticket("e", 1e12)
    result = solve(build_problem(line_day.case()), Stop(seconds=3, iterations=300), 1)
    assert {u.ticket for u in result.plan().unassigned} == {"a", "e"}
    assert result.rejected == 0


def test_a_company_without_stations_or_people_is_a_problem_too():
    case = Case("x", datetime.fromisoformat("2026-03-02T08:00:00+08:00"), GreatCircle("great_circle", 1.3, 70), (), (), ())
    problem = build_problem(case)
    assert (problem.n_tickets, problem.n_duties, problem.travel_s.shape) == (0, 0, (0, 0))
    assert solve(problem, Stop(seconds=1), 1).plan().routes == ()
