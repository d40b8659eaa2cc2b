"""Where one more ticket can go: everybody who can, at exact costs, and with whom; and a plan repaired around an emergency."""

from __future__ import annotations

import random
from itertools import combinations, product
from pathlib import Path

import pytest

from data_models.case_files import read_case
from optimizer.candidates import candidates, could_be_served, repair
from optimizer.problem import Problem, build_problem
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.search import solve
from optimizer.solution import Schedule, Solution

pytestmark = pytest.mark.usefixtures("compiled_search")
SHARED = Path(__file__).parents[2].parent / "shared"


def random_day(day, dice: random.Random, tickets: int, *, kits: bool) -> Problem:
    """Five people at two stations, tickets for one to three of them, deadlines that bite, and maybe a kit that goes round."""
    day.station("S", k=1)
    day.station("R", 40, k=1)
    for number, name in enumerate("ABCDE"):
        skills = {"leak": 1} if dice.random() < 0.6 else {}
        day.technician(name, "SR"[number % 2], shifts=((dice.choice((0, 60)), 480),), overtime=30, skills=skills)
    for number in range(tickets):
        more = {"skills": {"leak": 1}} if dice.random() < 0.3 else {}
        more |= {"kits": ("k",)} if kits and dice.random() < 0.2 else {}
        crew = dice.choice((1, 1, 1, 2, 2, 3)) if number else dice.choice((1, 2, 2, 3))
        day.ticket(f"t{number}", dice.randint(-40, 70), due=dice.randint(30, 400), crew=crew, **more)
    return build_problem(day.case())


def without(plan: Schedule, ticket: int, problem: Problem) -> Schedule:
    """The plan with a ticket taken out of it, timed anew; kits that only it needed stay at the station."""
    routes = tuple(tuple(t for t in route if t != ticket) for route in plan.solution.routes)
    kits = tuple(kits if route else frozenset() for kits, route in zip(plan.solution.kits, routes, strict=True))
    found = schedule(problem, Solution(routes, kits, plan.solution.wait_until))
    assert isinstance(found, Schedule)
    return found


def every_way(problem: Problem, base: Schedule, ticket: int) -> dict[tuple[int, ...], float]:
    """The cheapest plan with the ticket for each crew, found by trying every position and every way to bring the kits."""
    best: dict[tuple[int, ...], float] = {}
    needed = sorted(problem.tables.kits[ticket])
    for crew in combinations(range(problem.n_duties), int(problem.ticket_crew[ticket])):
        for places in product(*(range(len(base.solution.routes[d]) + 1) for d in crew)):
            for bearers in product(crew, repeat=len(needed)):
                routes, kits = list(base.solution.routes), list(base.solution.kits)
                for duty, place in zip(crew, places, strict=True):
                    routes[duty] = (*routes[duty][:place], ticket, *routes[duty][place:])
                for kit, bearer in zip(needed, bearers, strict=True):
                    kits[bearer] |= {kit}
                found = schedule(problem, Solution(tuple(routes), tuple(kits), (0,) * problem.n_duties))
                if isinstance(found, Schedule) and found.cost < best.get(crew, float("inf")):
                    best[crew] = found.cost
    return best


@pytest.mark.parametrize("number", range(16))
def test_the_best_candidate_is_the_best_way_there_is_and_nobody_who_can_is_missing(line_day, number):
    problem = random_day(line_day, random.Random(number), 7, kits=False)
    plan = solve(problem, Stop(iterations=1500), 1).schedule
    base = without(plan, 0, problem)
    ways = {crew: cost - base.cost for crew, cost in every_way(problem, base, 0).items()}
    found = candidates(problem, plan, 0)
    assert [each.cost_change for each in found] == sorted(each.cost_change for each in found)
    for each in found:
        assert each.cost_change == pytest.approx(ways[each.duties], abs=1e-6)
    assert {duty for each in found for duty in each.duties} == {duty for crew in ways for duty in crew}
    if ways:
        assert found[0].cost_change == pytest.approx(min(ways.values()), abs=1e-6)


@pytest.mark.parametrize("number", range(16))
def test_where_kits_go_round_no_candidate_promises_too_much(line_day, number):
    problem = random_day(line_day, random.Random(number), 6, kits=True)
    plan = solve(problem, Stop(iterations=1500), 1).schedule
    base = without(plan, 0, problem)
    ways = {crew: cost - base.cost for crew, cost in every_way(problem, base, 0).items()}
    found = candidates(problem, plan, 0)
    # Who waits for a kit is chosen once for each place, so that a way may be missed, but never made up.
    for each in found:
        assert each.cost_change >= ways[each.duties] - 1e-6
    assert len({each.duties for each in found}) == len(found)
    assert bool(found) == bool(ways)


def test_crews_are_distinct_and_each_has_its_arrivals_and_delays(line_day):
    line_day.station("S")
    for name in "ABC":
        line_day.technician(name)
    line_day.ticket("a", 10, only=("A",), due=100)
    line_day.ticket("b", 30, crew=2, due=40, windows=((0, 45),))
    problem = build_problem(line_day.case())
    plan = schedule(problem, Solution(((0,), (), ()), (frozenset(),) * 3, (0, 0, 0)))
    assert isinstance(plan, Schedule)
    found = candidates(problem, plan, 1)
    # A does b first, as a's 30 minutes of work would make it too late: 40 more on the way than for a alone, and 60 for the other.
    assert [each.duties for each in found] == [(0, 1), (0, 2)]
    for each in found:
        assert each.arrivals == (30 * 60, 30 * 60)
        assert each.start == 30 * 60
        assert each.cost_change == pytest.approx(40 + 60 - 1000)
        assert each.delays == ((0, (80 - 10) * 60),)


def test_a_locked_ticket_is_priced_without_what_the_search_charges_for_it(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20)
    line_day.commit("a", "A", locked=True)
    problem = build_problem(line_day.case())
    plan = solve(problem, Stop(iterations=10), 1).schedule
    (only,) = candidates(problem, plan, 0)
    assert only.cost_change == pytest.approx(40 - 1000)


def test_nobody_is_named_for_what_nobody_can_do(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, crew=2)
    line_day.ticket("b", 20, skills={"rare": 1})
    problem = build_problem(line_day.case())
    plan = solve(problem, Stop(iterations=10), 1).schedule
    assert candidates(problem, plan, 0) == candidates(problem, plan, 1) == ()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the cases of ../shared are not here")
def test_an_emergency_is_put_back_into_a_day_of_six_hundred():
    case = read_case(SHARED / "cases" / "day-600.json")
    problem = build_problem(case)
    plan = solve(problem, Stop(iterations=20_000), 1).schedule
    planned = {ticket for route in plan.solution.routes for ticket in route}
    emergencies = [t for t in sorted(planned) if case.tickets[t].severity == "emergency"]
    for ticket in emergencies[:: max(1, len(emergencies) // 6)]:
        base = without(plan, ticket, problem)
        result = repair(problem, base.solution, 1500)
        assert any(ticket in route for route in result.schedule.solution.routes), case.tickets[ticket].id
        assert result.cost < base.cost
        assert result.schedule == schedule(problem, result.schedule.solution)
        found = candidates(problem, base, ticket)
        assert found[0].cost_change < 0


def test_large_crews_are_found_too(line_day):
    line_day.station("S")
    for number in range(20):
        line_day.technician(f"w{number:02}")
    line_day.ticket("a", 10, crew=16)
    problem = build_problem(line_day.case())
    found = candidates(problem, solve(problem, Stop(iterations=10), 1).schedule, 0)
    assert {len(each.duties) for each in found} == {16}
    assert found[0].cost_change == pytest.approx(16 * 20 - 1000)
    assert {duty for each in found for duty in each.duties} == set(range(20))


@pytest.mark.parametrize(
    ("ticket", "served"),
    [
        ({"crew": 2}, True),
        ({"crew": 3}, False),
        ({"crew": 2, "skills": {"leak": 2, "pump": 1}}, True),
        ({"crew": 2, "skills": {"leak": 3}}, False),
        ({"crew": 1, "skills": {"leak": 2, "pump": 1}}, False),
        ({"crew": 2, "kits": ("k",)}, True),
        ({"crew": 2, "kits": ("none-there",)}, False),
        ({"crew": 2, "due": 30, "windows": ((0, 20),)}, False),
    ],
)
def test_what_nobody_could_serve_even_if_they_did_nothing_else_is_known_before_any_search(line_day, ticket, served):
    # A and B are 40 minutes away: too far for a window that ends at 20. Between them they have leak 2 and pump 1.
    line_day.station("S", k=1)
    line_day.technician("A", "S", shifts=((0, 480),), skills={"leak": 2})
    line_day.technician("B", "S", shifts=((0, 480),), skills={"pump": 1})
    line_day.ticket("t", 40, **({"due": 300} | ticket))
    problem = build_problem(line_day.case())
    assert could_be_served(problem, 0) is served
