"""One call for any case: what becomes of an interruption, of answers that were rejected, and of a search with margins; and the proof."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from optimizer import dive as diving
from optimizer import exact, proof, regions, search
from optimizer.bound import prove
from optimizer.problem import Problem, build_problem
from optimizer.proof import with_proof
from optimizer.result import Result, Stop
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution
from optimizer.solving import solve

pytestmark = pytest.mark.usefixtures("compiled_search")


def ticking(step: float):
    """A clock that goes on by `step` seconds whenever somebody looks at it."""
    ticks = count()
    return lambda: next(ticks) * step


def many(line_day, tickets: int) -> Problem:
    """Tickets side by side for two people; from 13 on they are too many to be solved exactly."""
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    for number in range(tickets):
        line_day.ticket(f"t{number}", 20 + number, due=60 + 10 * number, service=10)
    return build_problem(line_day.case())


def strict(problem: Problem) -> Problem:
    """The same with promises that nobody can keep."""
    return replace(problem, ticket_due=np.zeros_like(problem.ticket_due))


def first_comes_last(problem: Problem) -> Schedule:
    """One person does everything, the nearest and most urgent at the end."""
    rest = [()] * (problem.n_duties - 1)
    nothing = (frozenset(),) * problem.n_duties
    found = schedule(problem, Solution((tuple(reversed(range(problem.n_tickets))), *rest), nothing, (0,) * problem.n_duties))
    assert isinstance(found, Schedule)
    return found


def of(problem: Problem, plan: Schedule) -> Result:
    return Result(problem, plan, plan.cost, 1.0, 0, 1, ((0.0, plan.cost),), "start")


def test_no_proof_begins_after_an_interruption(line_day):
    looks = count()
    stop = Stop(seconds=10, interrupted=lambda: next(looks) > 5)
    result = solve(many(line_day, 13), stop, 1, clock=ticking(0.001))
    assert result.interrupted
    assert result.bound is None


def test_without_an_interruption_there_is_a_proof(line_day):
    result = solve(many(line_day, 13), Stop(seconds=5, interrupted=lambda: False), 1, clock=ticking(0.02))
    assert not result.interrupted
    assert result.bound is not None


def test_an_interrupted_proof_is_told(line_day):
    problem = many(line_day, 13)
    plan = first_comes_last(problem)
    assert with_proof(of(problem, plan), Stop(seconds=5, interrupted=lambda: True), clock=ticking(0.001)).interrupted
    assert not with_proof(of(problem, plan), Stop(seconds=0.5, interrupted=lambda: False), clock=ticking(0.01)).interrupted


def test_rejected_answers_of_search_and_exact_solver_are_added(line_day, monkeypatch):
    solvers = regions.solve, exact.solve_exactly
    monkeypatch.setattr(regions, "solve", lambda *args, **how: replace(solvers[0](*args, **how), rejected=2))
    monkeypatch.setattr(exact, "solve_exactly", lambda *args, **how: replace(solvers[1](*args, **how), rejected=3))
    assert solve(many(line_day, 3), Stop(iterations=10), 1).rejected == 5


@pytest.mark.parametrize(
    ("tickets", "stop", "proven"),
    [
        (3, Stop(iterations=50), True),
        (3, Stop(seconds=5), True),
        (13, Stop(seconds=5), True),
        (13, Stop(iterations=50), False),
        (13, Stop(iterations=0), False),
    ],
)
def test_a_search_with_margins_is_timed_priced_and_proven_by_the_true_problem(line_day, tickets, stop, proven):
    true = many(line_day, tickets)
    result = solve(strict(true), stop, 1, true=true, clock=ticking(0.02))
    assert result.problem is true
    assert result.schedule == schedule(true, result.schedule.solution)
    assert result.cost == result.schedule.cost == result.trajectory[-1][1]
    assert (result.bound is not None) == proven
    if result.bound is not None:
        # With margins every visit is late, for 100 at the least; in truth some plan is hardly late at all.
        assert result.bound <= prove(true, Stop(iterations=200)).bound + 1e-3 < 100 * tickets


def test_the_proof_builds_a_better_plan_and_tells_its_cost(line_day):
    problem = many(line_day, 6)
    bad = first_comes_last(problem)
    result = with_proof(of(problem, bad), Stop(seconds=4), clock=ticking(0.01))
    assert result.cost == result.schedule.cost < bad.cost
    assert result.status == "improved"
    assert [cost for _, cost in result.trajectory] == [bad.cost, result.cost]
    assert 1.0 < result.trajectory[-1][0] <= result.seconds <= 1.0 + 4.1
    assert result.bound is not None
    assert result.bound <= result.cost


def test_no_plans_are_built_where_the_best_is_known_or_nobody_wants_them(line_day, monkeypatch):
    called: list[Problem] = []
    monkeypatch.setattr(proof, "dive", lambda problem, *_args, **_how: called.append(problem))
    problem = many(line_day, 6)
    best, bad = exact.solve_exactly(problem, Stop(), 1).schedule, first_comes_last(problem)
    with_proof(of(problem, best), Stop(seconds=4), clock=ticking(0.01))
    with_proof(of(problem, bad), Stop(seconds=4), clock=ticking(0.002), diving=False)
    with_proof(of(problem, bad), Stop(iterations=5))
    assert called == []
    with_proof(of(problem, bad), Stop(seconds=4), clock=ticking(0.005))
    assert called == [problem]


def test_a_bound_that_was_known_is_kept_where_it_is_better(line_day):
    problem = many(line_day, 3)
    best = exact.solve_exactly(problem, Stop(), 1)
    assert best.bound is not None
    assert with_proof(best, Stop(iterations=0)).bound == pytest.approx(best.bound)
    assert with_proof(replace(best, bound=0.0), Stop(iterations=50)).bound == pytest.approx(best.bound, abs=1e-3)


def test_routes_that_the_searches_came_across_are_put_together(line_day, monkeypatch):
    problem = many(line_day, 8)
    bad = first_comes_last(problem)
    bound = prove(problem, Stop(iterations=50), known=bad)
    seen: list[int] = []
    monkeypatch.setattr(diving, "recombine", lambda _problem, pool, best, *_args, **_how: seen.append(len(pool.columns)))
    found = diving.dive(problem, bound, 3.0, 1, known=bad, clock=ticking(0.003))
    assert found is not None
    # Three searches end with two routes each; those that they had on the way are many more.
    assert seen[0] > 3 * problem.n_duties
    together = replace(found, cost=found.cost - 1)
    monkeypatch.setattr(diving, "recombine", lambda *_args, **_how: together)
    assert diving.dive(problem, bound, 3.0, 1, known=bad, clock=ticking(0.02)) is together


def test_nothing_is_searched_or_put_together_once_somebody_asks_to_stop(line_day, monkeypatch):
    problem = many(line_day, 8)
    bad = first_comes_last(problem)
    bound = prove(problem, Stop(iterations=50), known=bad)
    searched: list[bool] = []
    solve_whole = search.solve

    def watched(*args, **how) -> Result:
        result = solve_whole(*args, **how)
        searched.append(result.interrupted)
        return result

    asked: list[bool] = []
    looks = count()
    monkeypatch.setattr(search, "solve", watched)
    monkeypatch.setattr(diving, "recombine", lambda *_args, over, **_how: asked.append(over()))
    diving.dive(problem, bound, 3.0, 1, known=bad, clock=ticking(0.005), interrupted=lambda: next(looks) > 5)
    assert searched == [True]
    assert asked == [True]


def test_whoever_asks_about_a_plan_overlooks_nobody(line_day, monkeypatch):
    from optimizer.candidates import candidates

    monkeypatch.setattr(search, "_BLINK", 1.0)
    line_day.station("S")
    line_day.station("T", 300)
    for number in range(8):
        line_day.technician(f"w{number}")
    line_day.technician("able", "T", skills={"leak": 1}, shifts=((0, 900),))
    line_day.ticket("a", 20, crew=2, skills={"leak": 1})
    problem = build_problem(line_day.case())
    nothing = schedule(problem, Solution(((),) * 9, (frozenset(),) * 9, (0,) * 9))
    assert isinstance(nothing, Schedule)
    found = candidates(problem, nothing, 0)
    assert sorted(each.duties for each in found) == [(number, 8) for number in range(8)]
