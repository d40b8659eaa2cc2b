"""Plans of several trips in a shift, whoever made them: everything that reads a plan can follow them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from config.settings import UncertaintySettings
from data_models.case import Case
from data_models.case_files import case_json, parse_case, parse_plan, plan_json
from data_models.errors import BadInput
from data_models.plan import Plan, Route, Unassigned
from data_models.plan import Stop as PlannedStop
from flows.options import options_for
from flows.planning import explained, judge, with_chances, with_unplanned_reasons
from optimizer.chance import chances
from optimizer.chance_draws import Spread
from optimizer.exact import solve_exactly
from optimizer.insertion import construct, insert_best
from optimizer.problem import build_problem, from_plan, to_plan
from optimizer.proof import could_use_more_trips, with_proof
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.search import solve as search
from optimizer.solution import Schedule, Solution, empty_solution
from optimizer.solving import solve

pytestmark = pytest.mark.usefixtures("compiled_search")


def trip(day, who: str, depart: float, stops: list[tuple[str, float]], returns: float, kits: tuple[str, ...] = ()) -> Route:
    """A route in minutes: each stop with its start; nobody waits at a site, and work takes half an hour."""
    visits = tuple(PlannedStop(name, day.at(start), day.at(start), day.at(start + 30)) for name, start in stops)
    return Route(who, 0, day.at(depart), visits, day.at(returns), kits)


@pytest.fixture(params=["nothing makes a second trip pay", "a kit goes round", "out, home first"])
def two_trips(request, line_day) -> tuple[Case, Plan]:
    """A goes home between two trips; `new` is not planned. B is there, too, but may not go anywhere near."""
    day = line_day
    kit = {"kits": ("k",)} if request.param == "a kit goes round" else {}
    day.station("S", k=1)
    day.technician("A", out=(5, 0, ()) if request.param == "out, home first" else None)
    day.technician("B")
    day.ticket("near", 10, banned=("B",), **kit)
    day.ticket("far", 20, banned=("B",), **kit)
    day.ticket("new", 25, banned=("B",))
    carried = ("k",) if kit else ()
    if request.param == "out, home first":
        # Home at 5; 15 to 45 at `near`, 55 to 85 at `far`, back at 105.
        trips = (trip(day, "A", 0, [], 5), trip(day, "A", 5, [("near", 15), ("far", 55)], 105, carried))
    else:
        # 0 to 10, work to 40, home at 50; from there at 70, work to 100, home at 120.
        trips = (trip(day, "A", 0, [("near", 10)], 50, carried), trip(day, "A", 50, [("far", 70)], 120, carried))
    return day.case(), Plan("line day", trips, (Unassigned("new"),))


def test_a_plan_is_read_and_written_with_all_its_trips(two_trips):
    case, plan = two_trips
    assert judge(case, plan).violations == ()
    problem = build_problem(case, plan=plan)
    followed = schedule(problem, from_plan(problem, plan))
    assert isinstance(followed, Schedule)
    assert followed.cost == pytest.approx(score(case, plan).cost.total)
    again = to_plan(problem, followed)
    assert [each.depart for each in again.routes] == [each.depart for each in plan.routes]
    assert [[stop.ticket for stop in each.stops] for each in again.routes] == [[stop.ticket for stop in each.stops] for each in plan.routes]


def test_who_could_take_a_new_ticket_is_told_beside_two_trips(two_trips):
    case, plan = two_trips
    found = options_for(case, plan, "new")
    assert found
    assert {each.technicians for each in found} == {("A",)}
    # Behind `far`, 5 minutes further there and back: nothing is late.
    assert found[0].added_cost == pytest.approx(10)


def test_a_person_is_one_candidate_however_many_trips_they_make(two_trips):
    case, plan = two_trips
    assert len(options_for(case, plan, "new")) == 1
    assert len(options_for(case, plan, "near")) == 1


def test_reasons_remedies_and_chances_are_found_beside_two_trips(two_trips):
    case, plan = two_trips
    judged = with_unplanned_reasons(judge(case, plan))
    assert judged.plan.unassigned[0].reasons
    assert explained(judged).explanation is not None
    sure = with_chances(judged, UncertaintySettings()).chances
    assert sure is not None
    assert sure.tickets.keys() == {"near", "far"}


def test_a_plan_of_two_trips_survives_its_files(two_trips):
    case, plan = two_trips
    case, plan = parse_case(case_json(case)), parse_plan(plan_json(plan))
    assert judge(case, plan).violations == ()
    assert options_for(case, plan, "new")


def test_more_trips_than_a_problem_has_duties_for_are_refused(two_trips):
    case, plan = two_trips
    with pytest.raises(BadInput, match="technician A"):
        from_plan(build_problem(case), plan)


def test_loads_get_as_many_trips_as_they_take(line_day):
    line_day.station("S")
    line_day.technician("A", capacity=1)
    for name in "abc":
        line_day.ticket(name, 20, load=1.0)
    result = solve(build_problem(line_day.case(), trips=2), Stop(iterations=500), 1)
    # One load at a time: three times 40.
    assert result.cost == pytest.approx(120)
    assert result.gap == pytest.approx(0, abs=1e-6)


def test_a_small_plan_is_not_proven_when_more_trips_could_pay(line_day):
    line_day.station("S")
    line_day.technician("A", capacity=1)
    line_day.technician("B", capacity=100)
    for name in "ab":
        line_day.ticket(name, 20, load=1.0, only=("A",))
    problem = build_problem(line_day.case(), trips=2)
    assert problem.n_duties == 2  # there is room enough for all loads, though not with A
    result = solve(problem, Stop(iterations=500), 1)
    # Two trips of A would cost 80.
    assert result.bound is not None
    assert result.bound <= 80


@pytest.mark.parametrize(("kits", "people", "wanted", "more"), [(1, 1, 3, False), (1, 2, 0, False), (1, 2, 1, False), (1, 2, 2, True)])
def test_more_trips_are_of_use_where_kits_are_fewer_than_people(line_day, kits, people, wanted, more):
    line_day.station("S", k=kits)
    for name in "AB"[:people]:
        line_day.technician(name)
    for number, name in enumerate("abc"):
        line_day.ticket(name, 20, kits=("k",) if number < wanted else ())
    # Two trips are planned. Each after the first fetches the kit for a ticket that needs it, the first may have none.
    assert could_use_more_trips(build_problem(line_day.case(), trips=2)) == more


@pytest.mark.parametrize(("end", "more"), [(209, False), (210, True)])
def test_no_more_trips_are_of_use_than_the_shift_has_time_for(line_day, end, more):
    line_day.station("S")
    line_day.technician("A", shifts=((0, end),), capacity=1)
    line_day.technician("B", capacity=6)
    for name in "abc":
        line_day.ticket(name, 20, load=1.0, only=("A",))
    # 70 minutes a trip, three of them in 210; as B has room for all, A has one trip, and two are of use within 140.
    problem = build_problem(line_day.case(), plan=Plan("line day", (trip(line_day, "A", 0, [], 0),) * 2))
    assert could_use_more_trips(problem) == more


def test_a_quicker_way_over_the_station_is_of_use(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 10)
    line_day.ticket("b", -10)
    case = line_day.case()
    assert not could_use_more_trips(build_problem(case))
    seconds = [list(row) for row in case.travel.seconds]
    here, there = (each.place for each in case.tickets)
    seconds[here][there] += 1
    slower = replace(case, travel=replace(case.travel, seconds=tuple(map(tuple, seconds))))
    assert could_use_more_trips(build_problem(slower))


def test_overtime_of_a_shift_is_paid_once_whatever_its_trips(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 60),), overtime=120, capacity=1)
    line_day.ticket("a", 20, load=1.0)
    line_day.ticket("b", 20, load=1.0)
    problem = build_problem(line_day.case(), trips=2)
    found = schedule(problem, Solution(((0,), (1,)), (frozenset(),) * 2, (0, 0)))
    assert isinstance(found, Schedule)
    # Back at 70 and at 140, 80 after the end of the shift at 2 a minute; 80 of driving.
    assert found.cost == pytest.approx(80 + 160)
    assert score(problem.case, to_plan(problem, found)).cost.total == pytest.approx(240)
    assert solve(problem, Stop(iterations=200), 1).cost == pytest.approx(240)


def test_locked_work_comes_first_in_the_shift_however_many_trips(line_day):
    line_day.station("S")
    line_day.technician("A", capacity=1)
    line_day.ticket("a", 20, load=1.0)
    line_day.ticket("b", 20, load=1.0, due=20)
    line_day.commit("a", "A", locked=True)
    problem = build_problem(line_day.case(), trips=2)
    found = solve_exactly(problem, Stop(), 1, start=construct(problem))
    # 80 of driving; b, due at 20, begins at 90 for the sake of the lock.
    assert (found.cost, found.bound) == (pytest.approx(80 + 100 + 70), pytest.approx(250, abs=1e-3))


def test_the_second_trip_of_somebody_out_begins_at_the_station(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(30, 0, ()))
    line_day.ticket("a", 10, kits=("k",))
    case = line_day.case()
    trips = (trip(line_day, "A", 0, [], 30), trip(line_day, "A", 30, [("a", 40)], 80, ("k",)))
    found = chances(build_problem(case), Plan("line day", trips), Spread(0, 0, 0), samples=2)
    assert found.tickets["a"].arrive_by == line_day.at(40)
    assert found.expected_cost == pytest.approx(50)


def test_a_plan_that_could_be_better_is_not_called_proven(line_day):
    line_day.station("S")
    line_day.technician("A")
    for number in range(13):  # more than are solved exactly
        line_day.ticket(f"t{number}", 20, service=120)
    problem = build_problem(line_day.case())
    idle = search(problem, Stop(iterations=0), 1, start=empty_solution(problem.n_duties))
    assert idle.cost == 13_000
    proven = with_proof(idle, Stop(iterations=50), diving=False)
    # All at one place: three of them fit into the shift, for 40 of driving.
    assert proven.bound == pytest.approx(40 + 10_000, abs=0.01)


def test_the_proof_has_its_share_of_the_time_and_no_more(line_day):
    line_day.station("S")
    line_day.technician("A")
    for number in range(13):
        line_day.ticket(f"t{number}", number, service=5)
    ticks = itertools.count()
    result = solve(build_problem(line_day.case()), Stop(seconds=5), 1, clock=lambda: next(ticks) * 0.003)
    assert result.bound is not None
    assert result.seconds <= 5


@pytest.mark.parametrize(("routes", "found"), [(((0, 1), ()), None), (((0, 1), (2,)), ((0, 1), (3, 2))), (((0,), ()), ((3, 0), ()))])
def test_insertion_fills_trips_that_there_are_and_begins_no_second_one(line_day, routes, found):
    line_day.station("S")
    line_day.technician("A", capacity=2)
    for name in "abcd":
        line_day.ticket(name, 20, load=1.0)
    problem = build_problem(line_day.case(), plan=Plan("line day", (trip(line_day, "A", 0, [], 0),) * 2))
    plan = schedule(problem, Solution(routes, (frozenset(),) * 2, (0, 0)))
    assert isinstance(plan, Schedule)
    inserted = insert_best(problem, plan, 3)
    assert (None if inserted is None else inserted.schedule.solution.routes) == found
