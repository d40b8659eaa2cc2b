"""Kit types that nothing tells apart are one kit to a solver, and as many as they are in plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.check import check
from optimizer.problem import build_problem, from_plan, to_plan
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.search import solve
from optimizer.solution import Schedule, Solution

pytestmark = pytest.mark.usefixtures("compiled_search")


def bundles(day) -> set[tuple[str, ...]]:
    return set(build_problem(day.case()).kit_bundles)


def test_types_that_differ_in_anything_stay_apart(line_day):
    line_day.station("S", a=1, b=1, c=2, d=1, e=1, never=5)
    line_day.station("T", 20, a=1, b=1, c=1, d=1, e=1)
    line_day.technician("A")
    line_day.technician("B", out=(0, 0, ("e",)))
    line_day.ticket("x", 10, kits=("a", "b", "c", "d", "e"))
    line_day.ticket("y", 10, kits=("d",))
    # a and b are alike; S owns more of c; y needs d too; B holds e; nobody needs the last.
    assert bundles(line_day) == {("a", "b"), ("c",), ("d",), ("e",)}


def test_a_route_takes_every_type_of_its_bundle_and_reads_back(line_day):
    line_day.station("S", a=1, b=1)
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("x", 10, kits=("a", "b"))
    line_day.ticket("y", 50, kits=("b", "a"))
    problem = build_problem(line_day.case())
    result = solve(problem, Stop(iterations=500), 1)
    plan = result.plan()
    assert {route.kits for route in plan.routes} == {("a", "b")}
    assert check(problem.case, plan) == ()
    again = schedule(problem, from_plan(problem, plan))
    assert isinstance(again, Schedule)
    assert to_plan(problem, again).routes == plan.routes


def test_someone_out_keeps_every_type_that_they_hold(line_day):
    line_day.station("S", a=1, b=1)
    line_day.technician("A", out=(0, 0, ("a", "b")))
    line_day.ticket("x", 10, kits=("a",))
    line_day.ticket("y", 20, kits=("b",))
    problem = build_problem(line_day.case())
    plan = solve(problem, Stop(iterations=500), 1).plan()
    assert plan.unassigned == ()
    assert check(problem.case, plan) == ()


def test_a_crew_that_shares_a_bundle_out_is_read_as_one_that_does_not(line_day):
    line_day.station("S", a=1, b=1)
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("x", 10, kits=("a", "b"), crew=2)
    problem = build_problem(line_day.case())
    whole = schedule(problem, Solution(((0,), (0,)), (frozenset({0}), frozenset()), (0, 0)))
    assert isinstance(whole, Schedule)
    plan = to_plan(problem, whole)
    shared = replace(plan, routes=(replace(plan.routes[0], kits=("a",)), replace(plan.routes[1], kits=("b",))))
    assert check(problem.case, shared) == ()
    assert from_plan(problem, shared).kits == (frozenset({0}), frozenset())


def test_ten_thousand_types_are_as_many_kits_as_there_are_differences(line_day):
    types = [f"k{number}" for number in range(10_000)]
    line_day.station("S", **dict.fromkeys(types, 1))
    line_day.technician("A")
    line_day.technician("B")
    for number in range(10):
        line_day.ticket(f"t{number}", 10 + number, kits=tuple(types[1000 * number : 1000 * number + 1100]))
    problem = build_problem(line_day.case())
    # Each ticket's own 900 or 1,000 types, and the 100 that it shares with the next.
    assert len(problem.kit_bundles) == 10 + 9
    plan = solve(problem, Stop(iterations=500), 1).plan()
    assert check(problem.case, plan) == ()
    assert plan.unassigned == ()
