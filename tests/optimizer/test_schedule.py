"""Times and costs of hand-worked days: each rule allowed, at its limit, and one second over."""

from __future__ import annotations

import pytest

from optimizer.problem import build_problem
from optimizer.schedule import schedule
from optimizer.solution import Broken, Schedule, Solution

SECOND = 1 / 60  # in minutes, the unit of a line day


def timed(day, routes: dict[str, str], kits: dict[str, str] | None = None) -> Schedule | Broken:
    """Routes by technician, each a string of one-letter tickets."""
    problem = build_problem(day.case())
    people = [problem.technician_ids[t] for t in problem.duty_technician]
    rows = tuple(tuple(problem.ticket_ids.index(t) for t in routes.get(who, "")) for who in people)
    taken = tuple(frozenset(problem.kit_names.index(k) for k in (kits or {}).get(who, "")) for who in people)
    return schedule(problem, Solution(rows, taken, (0,) * problem.n_duties))


def minutes(found: Schedule | Broken, duty: int = 0) -> tuple[float, list[float], float]:
    """Departure, starts and return of a duty, in minutes."""
    assert isinstance(found, Schedule), found
    route = found.timed[duty]
    return route.depart / 60, [s / 60 for s in route.starts], route.returns / 60


def test_a_plain_day_costs_its_driving(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20)
    line_day.ticket("b", 50)
    found = timed(line_day, {"A": "ab"})
    # 20 out, 30 of work, 30 on, 30 of work, 50 home: back at 160; 100 minutes driven at 1 each.
    assert minutes(found) == (0, [20, 80], 160)
    assert found.cost == pytest.approx(100)


def test_departure_is_put_off_as_far_as_the_first_start_allows(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, opened=100)
    assert minutes(timed(line_day, {"A": "a"})) == (80, [100], 150)


def test_a_skipped_ticket_costs_what_skipping_it_costs(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20)
    assert timed(line_day, {}).cost == 1000


@pytest.mark.parametrize(("due", "cost"), [(20, 40), (20 - SECOND, 40 + 100 + 1 / 60), (-40, 40 + 100 + 60)])
def test_lateness_costs_a_fixed_sum_and_every_second(line_day, due, cost):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, due=due)
    assert timed(line_day, {"A": "a"}).cost == pytest.approx(cost)


@pytest.mark.parametrize(("overtime", "fits"), [(10, True), (10 - SECOND, False)])
def test_the_last_return_is_within_overtime_which_costs(line_day, overtime, fits):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 60),), overtime=overtime)
    line_day.ticket("a", 20)
    found = timed(line_day, {"A": "a"})
    assert isinstance(found, Schedule) == fits
    if fits:
        assert found.cost == pytest.approx(40 + 10 * 2)  # back at 70, ten minutes after the end


@pytest.mark.parametrize(
    ("windows", "start"), [(((20, 30),), 20), (((0, 20),), 20), (((0, 20 - SECOND),), None), (((0, 10), (70, 80)), 70), (((0, 10),), None)]
)
def test_work_starts_inside_a_window(line_day, windows, start):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, windows=windows)
    found = timed(line_day, {"A": "a"})
    assert (minutes(found)[1] if isinstance(found, Schedule) else None) == (None if start is None else [start])


def test_a_crew_starts_when_its_last_member_arrives(line_day):
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A")
    line_day.technician("B", "T")
    line_day.ticket("a", 20, crew=2)
    line_day.ticket("b", 40)
    found = timed(line_day, {"A": "ab", "B": "a"})
    assert minutes(found, 0) == (60, [80, 130], 200)  # A waits at home for B, who needs 80 minutes
    assert minutes(found, 1) == (0, [80], 190)


def test_crews_that_wait_for_each_other_are_broken(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, crew=2, service=0)
    line_day.ticket("b", 20, crew=2, service=0)
    assert isinstance(timed(line_day, {"A": "ab", "B": "ab"}), Schedule)
    line_day.ticket("c", 30)
    assert isinstance(timed(line_day, {"A": "acb", "B": "ba"}), Broken)


@pytest.mark.parametrize(
    ("routes", "ok"), [({"A": "a", "B": "a"}, True), ({"A": "a"}, False), ({"A": "aa"}, False), ({"B": "a", "C": "a"}, False)]
)
def test_a_crew_is_of_different_people_with_every_skill_between_them(line_day, routes, ok):
    line_day.station("S")
    line_day.technician("A", skills={"leak": 2})
    line_day.technician("B")
    line_day.technician("C", skills={"leak": 1})
    line_day.ticket("a", 20, crew=2, skills={"leak": 2})
    assert isinstance(timed(line_day, routes), Schedule) == ok


@pytest.mark.parametrize(("kits", "ok"), [({"A": "k"}, True), ({"B": "k"}, True), ({}, False), ({"A": "k", "B": "k"}, False)])
def test_a_crews_kits_are_carried_by_one_of_it_and_in_stock(line_day, kits, ok):
    line_day.station("S", k=1)
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, crew=2, kits=("k",))
    assert isinstance(timed(line_day, {"A": "a", "B": "a"}, kits), Schedule) == ok


@pytest.mark.parametrize(("end", "ok"), [(140, True), (140 - SECOND, False)])
def test_a_kit_goes_out_again_when_it_is_back(line_day, end, ok):
    line_day.station("S", k=1)
    line_day.technician("A", shifts=((0, 100),))
    line_day.technician("B", shifts=((0, end),))
    line_day.ticket("a", 20, kits=("k",))
    line_day.ticket("b", 20, kits=("k",))
    found = timed(line_day, {"A": "a", "B": "b"}, {"A": "k", "B": "k"})
    # Both want to leave at 0; B has more time and waits until A is back at 70.
    assert isinstance(found, Schedule) == ok
    if ok:
        assert minutes(found, 1) == (70, [90], 140)


def test_someone_out_starts_there_when_free_with_their_kits_only(line_day):
    line_day.station("S", k=1)
    line_day.technician("A", out=(50, 30, ["k"]))
    line_day.technician("B")
    line_day.ticket("a", 60, kits=("k",))
    line_day.ticket("b", 10, kits=("k",))
    assert minutes(timed(line_day, {"A": "a"})) == (30, [40], 130)
    assert isinstance(timed(line_day, {"A": "a"}, {"A": "k"}), Broken)
    # Without a route A is home with the kit at 30 + 50, and B can have it from then on.
    assert minutes(timed(line_day, {"B": "b"}, {"B": "k"}), 1) == (80, [90], 130)


@pytest.mark.parametrize(("capacity", "ok"), [(5, True), (4.999, False)])
def test_the_loads_of_a_trip_fit_the_vehicle(line_day, capacity, ok):
    line_day.station("S")
    line_day.technician("A", capacity=capacity)
    line_day.ticket("a", 20, load=2)
    line_day.ticket("b", 20, load=3)
    assert isinstance(timed(line_day, {"A": "ab"}), Schedule) == ok


def test_locked_work_comes_first_and_stays(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20)
    line_day.ticket("b", 20)
    line_day.commit("a", "A", locked=True)
    assert isinstance(timed(line_day, {"A": "ab"}), Schedule)
    assert isinstance(timed(line_day, {"A": "ba"}), Broken)
    assert isinstance(timed(line_day, {"B": "a"}), Broken)
    assert isinstance(timed(line_day, {"A": "b"}), Broken)


@pytest.mark.parametrize(("routes", "cost"), [({"A": "a"}, 40), ({"B": "a"}, 40 + 50), ({}, 1000 + 50)])
def test_another_technician_than_promised_costs(line_day, routes, cost):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20)
    line_day.commit("a", "A")
    assert timed(line_day, routes).cost == pytest.approx(cost)


def test_a_break_that_work_spans_is_taken_beside_driving(line_day):
    line_day.station("S")
    line_day.technician("A", breaks=((60, 90, 40),))
    line_day.ticket("a", 20)  # 20 to 50
    line_day.ticket("b", 60)  # 40 minutes on: on the road from 50 to 90, with the break 50 to 130
    found = timed(line_day, {"A": "ab"})
    assert minutes(found) == (0, [20, 130], 220)
    assert found.timed[0].breaks == ((60 * 60, 100 * 60),)


@pytest.mark.parametrize(("service", "rests"), [(70, 0), (70 + SECOND, 1)])
def test_no_break_is_due_for_who_is_home_by_its_latest_end(line_day, service, rests):
    line_day.station("S")
    line_day.technician("A", breaks=((60, 90, 20),))
    line_day.ticket("a", 20, service=service)  # home at 20 + 70 + 20 = 110 = latest + length
    found = timed(line_day, {"A": "a"})
    if rests:  # work ends at 90 and one second, too late to rest on the road home: departing at 60 the break is not spanned
        assert minutes(found)[0] == 60
    else:
        assert minutes(found) == (0, [20], 110)
        assert found.timed[0].breaks == ()


@pytest.mark.parametrize(("opened", "breaks"), [(80, 0), (80 - SECOND, 1)])
def test_no_break_is_due_for_who_departs_at_its_earliest(line_day, opened, breaks):
    line_day.station("S")
    line_day.technician("A", breaks=((60, 300, 10),))  # spanned by who is home after 310
    line_day.ticket("a", 20, opened=opened, service=215, due=opened)  # done at 295, home at 315; a second late costs 100
    assert len(timed(line_day, {"A": "a"}).timed[0].breaks) == breaks


def test_a_technician_departs_when_home_from_the_shift_before(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 60), (60, 300)), overtime=60)
    line_day.ticket("a", 30)
    line_day.ticket("b", 10)
    problem = build_problem(line_day.case())
    found = schedule(problem, Solution(((0,), (1,)), (frozenset(), frozenset()), (0, 0)))
    assert minutes(found, 0) == (0, [30], 90)
    assert minutes(found, 1) == (90, [100], 140)
