"""Large problems by regions: parts cost what they cost in the whole, seams are searched, and a run repeats exactly."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from data_models.case import GreatCircle
from optimizer import regions, tables
from optimizer.check import check
from optimizer.insertion import LocksCannotHold
from optimizer.legs import MOST_DENSE
from optimizer.parts import divide, homes_of, restrict
from optimizer.problem import UNREACHABLE, build_problem, from_plan
from optimizer.regions import Task, _share_of, by_regions, is_large, join, search_part, solve
from optimizer.result import Result, Stop
from optimizer.schedule import cost_of, schedule
from optimizer.score import score
from optimizer.search import solve as search_whole
from optimizer.solution import Schedule, Solution


def towns(day, rng: random.Random, tickets: int = 24) -> None:
    """Four stations in a row 40 minutes apart, two technicians each, and tickets between them: crews, kits, a promise, someone out."""
    for number, name in enumerate("STUV"):
        day.station(name, 40 * number, k=rng.randint(0, 1))
        for i in (1, 2):
            out = (rng.randint(0, 120), rng.randint(0, 60), ()) if i == 1 and rng.random() < 0.3 else None
            shifts = [(0, rng.randint(240, 300))]
            if rng.random() < 0.3:
                shifts.append((shifts[0][1] - 10, 520))
            breaks = ((100, 160, 20),) if rng.random() < 0.3 else ()
            day.technician(f"{name}{i}", name, shifts=shifts, overtime=60, breaks=breaks, out=out, skills={"leak": rng.randint(1, 3)})
    for number in range(tickets):
        more: dict = {"crew": 2} if rng.random() < 0.25 else {}
        more |= {"kits": ("k",)} if rng.random() < 0.2 else {}
        more |= {"skills": {"leak": rng.randint(1, 3)}} if rng.random() < 0.4 else {}
        day.ticket(f"t{number}", rng.randint(-20, 140), due=rng.randint(30, 300), skip_cost=400.0, **more)
    day.commit("t0", rng.choice(["S1", "T2"]))


def assert_sound(result: Result) -> None:
    """The judges find no broken rule and the same cost."""
    plan = result.plan()
    assert check(result.problem.case, plan) == ()
    assert score(result.problem.case, plan).cost.total == pytest.approx(result.cost, abs=0.01)
    assert result.rejected == 0


@pytest.mark.parametrize("number", [0, 3, 4, 5])
def test_a_part_costs_what_it_costs_in_the_whole(line_day, number):
    towns(line_day, random.Random(number))
    problem = build_problem(line_day.case())
    whole = search_whole(problem, Stop(iterations=1500), 1).schedule
    divided = 0
    for chance in range(5):
        parts = divide(problem, whole, homes_of(problem), 8, random.Random(chance))
        for part in parts:
            timed = schedule(part.problem, part.inside(whole.solution))
            assert isinstance(timed, Schedule)
            for own, duty in enumerate(part.duties.tolist()):
                assert (timed.timed[own] is None) == (whole.timed[duty] is None)
                if whole.timed[duty] is not None:
                    assert timed.timed[own].cost == pytest.approx(whole.timed[duty].cost)
                    assert timed.timed[own].starts == whole.timed[duty].starts
            divided += int((part.problem.ticket_crew != problem.ticket_crew[part.tickets]).sum())
    assert divided > 0, "no crew was divided: the case shows nothing"


def test_a_part_knows_only_its_own_people_stations_kits_and_tickets(line_day):
    line_day.station("S", k=1)
    line_day.station("T", 60, l=2)
    line_day.technician("A", shifts=((0, 100), (90, 480)))
    line_day.technician("B", "T", out=(50, 10, ["l"]))
    line_day.ticket("a", 20, kits=("k",))
    line_day.ticket("b", 50, kits=("l",), skills={"leak": 1})
    line_day.commit("b", "A")
    problem = build_problem(line_day.case())
    part = restrict(problem, np.array([1]), np.array([2])).problem
    assert (part.ticket_ids, part.station_ids, part.kit_names) == (("b",), ("T",), ("l",))
    assert part.technician_ids == ("A", "B")  # A was promised, so that another costs, and has no duty here
    assert part.duty_technician.tolist() == [1]
    assert part.stock.tolist() == [[2]]
    # Locations are the station at 60, where B is out at 50, and the ticket at 50.
    assert part.travel_s.tolist() == [[0, 600, 600], [600, 0, 0], [600, 0, 0]]
    assert [t.id for t in part.case.tickets] == ["b"]
    other = restrict(problem, np.array([0]), np.array([0, 1])).problem
    assert other.duty_before.tolist() == [-1, 0]


def test_a_duty_without_the_one_before_it_is_no_part(line_day):
    line_day.station("S")
    line_day.technician("A", shifts=((0, 100), (90, 480)))
    line_day.ticket("a", 20)
    with pytest.raises(ValueError, match="before it"):
        restrict(build_problem(line_day.case()), np.array([0]), np.array([1]))


def test_a_ticket_at_the_seam_is_served_from_the_other_side(line_day):
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A", shifts=((0, 100),))
    line_day.technician("B", "T")
    line_day.ticket("a", 10)
    line_day.ticket("b", 45)
    line_day.ticket("c", 110)
    problem = build_problem(line_day.case())
    assert homes_of(problem)[:, 0].tolist() == [0, 0, 1]
    # b lies nearer to S, but A, there and back in 45 + 30 + 45 = 120, is too late by 20: in the first round, cut between S and T, it
    # is left.
    begun = by_regions(problem, Stop(iterations=3), 1, most=1)
    assert begun.cost == pytest.approx(20 + 20 + 1000)
    # B serves it on the way out and back: 55 + 65 + 10 in all.
    done = by_regions(problem, Stop(iterations=40_000), 1, most=1)
    assert done.cost == pytest.approx(20 + 130)
    assert_sound(done)


@pytest.mark.parametrize("number", range(8))
def test_joined_plans_pass_the_judges(line_day, number):
    towns(line_day, random.Random(number))
    problem = build_problem(line_day.case())
    result = by_regions(problem, Stop(iterations=30_000), number, most=8)
    assert_sound(result)
    assert [cost for _, cost in result.trajectory] == sorted((cost for _, cost in result.trajectory), reverse=True)
    assert result.trajectory[-1][1] == pytest.approx(result.cost)


def test_seams_cost_little_against_the_search_of_the_whole(line_day):
    ours = whole = 0.0
    for number in range(4):
        day = type(line_day)()
        towns(day, random.Random(number))
        problem = build_problem(day.case())
        ours += by_regions(problem, Stop(iterations=60_000), 1, most=8).cost
        whole += search_whole(problem, Stop(iterations=20_000), 1).cost
    assert ours <= 1.03 * whole


def test_locked_crews_of_two_regions_stay(line_day):
    towns(line_day, random.Random(3))
    line_day.ticket("locked", 60, crew=2)
    line_day.commit("locked", "S2", "V2", locked=True)
    problem = build_problem(line_day.case())
    result = by_regions(problem, Stop(iterations=20_000), 1, most=8)
    crew = {route.technician for route in result.plan().routes if any(stop.ticket == "locked" for stop in route.stops)}
    assert crew == {"S2", "V2"}
    assert_sound(result)


def test_locks_that_cannot_hold_are_named(line_day):
    line_day.station("S")
    line_day.station("T", 60)
    for name, station in (("A", "S"), ("B", "T")):
        line_day.technician(name, station)
    line_day.ticket("a", 20)
    line_day.ticket("b", 60, windows=((0, 10),))
    line_day.commit("b", "A", locked=True)
    with pytest.raises(LocksCannotHold, match="b"):
        by_regions(build_problem(line_day.case()), Stop(iterations=10), 1, most=1)


def test_workers_change_nothing_but_the_speed_and_the_clock_nothing_but_the_length(line_day):
    towns(line_day, random.Random(5))
    problem = build_problem(line_day.case())
    ticks = iter(range(10**9))
    by_clock = by_regions(problem, Stop(seconds=3.0), 7, most=8, clock=lambda: next(ticks) * 0.003)
    assert by_clock.iterations > 5000
    assert by_clock.seconds < 3.3
    for workers in (1, 3):
        by_count = by_regions(problem, Stop(iterations=by_clock.iterations), 7, most=8, workers=workers)
        assert by_count.iterations == by_clock.iterations
        assert by_count.schedule == by_clock.schedule


def test_searched_elsewhere_it_is_the_same_plan(line_day):
    towns(line_day, random.Random(6))
    problem = build_problem(line_day.case())

    def elsewhere(tasks):
        return [search_part(pickle.loads(pickle.dumps(task))) for task in tasks]  # noqa: S301  # ours

    here = by_regions(problem, Stop(iterations=17_001), 2, most=8)
    there = by_regions(problem, Stop(iterations=17_001), 2, most=8, elsewhere=elsewhere)
    assert there.schedule == here.schedule
    assert there.iterations == here.iterations
    ticks = iter(range(10**9))
    timed = by_regions(problem, Stop(seconds=1.0), 2, most=8, elsewhere=elsewhere, clock=lambda: next(ticks) * 0.02)
    assert by_regions(problem, Stop(iterations=timed.iterations), 2, most=8).schedule == timed.schedule


@pytest.mark.parametrize("number", range(4))
def test_it_is_never_worse_than_its_start(line_day, number):
    towns(line_day, random.Random(number))
    problem = build_problem(line_day.case())
    start = search_whole(problem, Stop(iterations=6000), 1).schedule
    for iterations in (1, 700, 9000):
        result = by_regions(problem, Stop(iterations=iterations), 1, start=start.solution, most=8)
        assert result.cost <= start.cost + 1e-6
        assert result.trajectory[0][1] == pytest.approx(start.cost)
        assert_sound(result)
    assert solve(problem, Stop(iterations=0), 1, start=start.solution).schedule == start


def test_a_plan_read_from_a_file_is_a_start(line_day):
    towns(line_day, random.Random(1))
    problem = build_problem(line_day.case())
    first = by_regions(problem, Stop(iterations=8000), 1, most=8)
    again = by_regions(problem, Stop(iterations=2000), 2, most=8, start=from_plan(problem, first.plan()))
    assert again.cost <= first.cost + 1e-6


def test_a_part_that_breaks_a_rule_stays_as_it_was(line_day):
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A")
    line_day.technician("B", "T")
    line_day.ticket("a", 10)
    line_day.ticket("b", 90)
    problem = build_problem(line_day.case())
    present = schedule(problem, Solution(((0,), (1,)), (frozenset(),) * 2, (0, 0)))
    parts = divide(problem, present, homes_of(problem), 1, random.Random(1))
    broken = [Solution(((0, 0),), (frozenset(),), (0,)) for _ in parts]
    assert join(problem, present, parts, broken, only_cheaper=False) == (present, 2)


def test_what_is_dearer_joins_the_present_plan_but_not_the_best(line_day):
    line_day.station("S")
    line_day.station("T", 100)
    line_day.technician("A")
    line_day.technician("B", "T")
    for name, position in (("a", 10), ("b", 20), ("c", 90)):
        line_day.ticket(name, position, due=30 if name == "a" else 480)
    problem = build_problem(line_day.case())
    present = schedule(problem, Solution(((0, 1), ()), (frozenset(),) * 2, (0, 0)))
    parts = [restrict(problem, np.array([0, 1]), np.array([0])), restrict(problem, np.array([2]), np.array([1]))]
    # In the other order a is late, with A; c is served at last, by B.
    found = [Solution(((1, 0),), (frozenset(),), (0,)), Solution(((0,),), (frozenset(),), (0,))]
    best, _ = join(problem, present, parts, found, only_cheaper=True)
    assert best.solution.routes == ((0, 1), (2,))
    assert best.cost == pytest.approx(40 + 20)
    moved, _ = join(problem, present, parts, found, only_cheaper=False)
    assert moved.solution.routes == ((1, 0), (2,))


def test_parts_advance_by_the_same_fraction_of_a_round(line_day):
    line_day.station("S")
    problem = build_problem(line_day.case())
    tasks = [Task(problem, None, 1, 0, iterations, 1000) for iterations in (100, 250, 650)]
    # A half, rounded down so that no part runs ahead of the count; at the end all of it.
    assert [_share_of(task, 501, 1000) for task in tasks] == [50, 125, 325]
    assert [_share_of(task, 1000, 1000) for task in tasks] == [100, 250, 650]
    assert [_share_of(task, 0, 1000) for task in tasks] == [0, 0, 0]


def test_stations_without_anybody_and_regions_without_tickets_do_no_harm(line_day):
    for number, name in enumerate("STUV"):
        line_day.station(name, 50 * number)
    line_day.technician("A")
    line_day.technician("B", "V")
    line_day.technician("C", "U")
    line_day.ticket("a", 10)
    line_day.ticket("b", 20, skills={"rare": 1})
    result = by_regions(build_problem(line_day.case()), Stop(iterations=3000), 1, most=1)
    assert result.cost == pytest.approx(20 + 1000)


def test_size_alone_decides_who_searches(line_day, monkeypatch):
    towns(line_day, random.Random(2))
    problem = build_problem(line_day.case())
    assert not is_large(problem)
    assert solve(problem, Stop(iterations=900), 1).schedule == search_whole(problem, Stop(iterations=900), 1).schedule
    monkeypatch.setattr(regions, "MOST_CELLS", 10)
    monkeypatch.setattr(regions, "PART_TICKETS", 8)
    assert solve(problem, Stop(iterations=900), 1).schedule == by_regions(problem, Stop(iterations=900), 1, most=8).schedule


def test_legs_one_by_one_are_those_of_the_matrix(line_day):
    towns(line_day, random.Random(2))
    case, rng = line_day.case(), random.Random(1)
    for travel in (case.travel, GreatCircle("great_circle", 1.3, 70)):
        tickets = tuple(replace(t, lat=rng.uniform(20, 45), lon=rng.uniform(80, 130)) for t in case.tickets)
        legs = build_problem(replace(case, travel=travel, tickets=tickets)).legs
        seconds, money = legs.between()
        n = len(legs.lat)
        assert n < MOST_DENSE
        assert seconds.tolist() == [[legs.seconds_of(a, b) for b in range(n)] for a in range(n)]
        assert money.tolist() == [pytest.approx([legs.money_of(a, b) for b in range(n)], rel=1e-12) for a in range(n)]
        some = np.array([3, 1])
        assert legs.only(some).between()[0].tolist() == seconds[np.ix_(some, some)].tolist()


def test_a_leg_without_a_way_costs_endlessly_either_way(line_day):
    line_day.station("S")
    line_day.ticket("a", float("inf"))
    legs = build_problem(line_day.case()).legs
    assert legs.between()[0].tolist()[0][1] == legs.seconds_of(0, 1) == UNREACHABLE
    assert legs.between()[1].tolist()[0][1] == legs.money_of(0, 1) == float("inf")


def test_without_room_for_all_pairs_times_and_cost_are_the_same(line_day, monkeypatch):
    towns(line_day, random.Random(4))
    case = line_day.case()
    problem = build_problem(case)
    found = search_whole(problem, Stop(iterations=1000), 1).schedule
    monkeypatch.setattr(tables, "MOST_DENSE", 3)
    far = build_problem(case)
    assert schedule(far, found.solution) == found
    assert "_drives" not in vars(far)


def test_only_facts_travel_to_other_processes(line_day):
    towns(line_day, random.Random(4))
    problem = build_problem(line_day.case())
    search_whole(problem, Stop(iterations=10), 1)
    sent = pickle.loads(pickle.dumps(problem))  # noqa: S301  # ours
    assert "tables" not in vars(sent)
    assert sent.epoch + timedelta(0) == problem.epoch
    assert sent.travel_s.tolist() == problem.travel_s.tolist()
    nothing = cost_of(sent.tables, {}, ())
    assert nothing == pytest.approx(cost_of(problem.tables, {}, ()))
