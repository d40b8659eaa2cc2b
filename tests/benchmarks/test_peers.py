"""Peers answer with plans that our check accepts, and the report goes between its markers.

What needs `pyvrp`, `pyvroom` and `matplotlib` is marked long: `make test-long` installs the extra `bench` and runs it.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peer_ortools, plans
from benchmarks.made_cases import SHAPES, make_case, without_crews
from benchmarks.peers import Answer, Found, best_plan, deal, plan_of, unfit
from benchmarks.report import BEGIN, END, write_report
from benchmarks.tables import best_runs, tables
from optimizer.check import check
from optimizer.problem import Problem, build_problem, to_plan
from optimizer.score import score

SECONDS = 4.0  # a first plan takes 0.2 s at most


@pytest.fixture(params=["usual", "three-days", "many-kits", "loads", "windows"])
def problem(request: pytest.FixtureRequest) -> Problem:
    """A small case of each shape that a peer has to encode in another way."""
    return build_problem(without_crews(make_case(replace(SHAPES[request.param], tickets=25), 1)))


def assert_good(problem: Problem, answer: Answer) -> None:
    """The judges accept the plan, agree on its cost, and it is better than staying at home."""
    best, trajectory = best_plan(problem, answer, deal(problem))
    assert best is not None
    plan = to_plan(problem, best)
    assert check(problem.case, plan) == ()
    assert score(problem.case, plan).cost.total == pytest.approx(best.cost, abs=0.01)
    assert best.cost < 0.8 * problem.ticket_skip_cost.sum()
    assert trajectory[-1][1] == best.cost == min(cost for _, cost in trajectory)


def test_kits_are_dealt_within_stock_and_to_somebody_who_can_use_them(problem: Problem):
    dealt = deal(problem)
    for station, kit in zip(*np.nonzero(problem.stock), strict=True):
        holders = [d for d in range(problem.n_duties) if problem.duty_station[d] == station and kit in dealt.kits[d]]
        for moment in problem.duty_earliest[holders]:
            out = [d for d in holders if problem.duty_earliest[d] <= moment < dealt.latest[d]]
            assert len(out) <= problem.stock[station, kit]
    tables = problem.tables
    for ticket, duty in zip(*np.nonzero(dealt.fit), strict=True):
        assert problem.reachable[ticket, duty]
        assert tables.kits[ticket] <= dealt.kits[duty]


def test_ortools_answers_with_a_valid_plan(problem: Problem):
    assert_good(problem, peer_ortools.solve(problem, deal(problem), SECONDS, 1, plans.ORTOOLS[0]))


@pytest.mark.long
@pytest.mark.parametrize("setting", [*plans.ORTOOLS[1:], *plans.ORTOOLS_VRPTW])
def test_every_setting_of_ortools_answers_with_a_valid_plan(problem: Problem, setting: str):
    assert_good(problem, peer_ortools.solve(problem, deal(problem), SECONDS, 1, setting))


@pytest.mark.long
@pytest.mark.parametrize(("peer", "setting"), [*(("pyvrp", s) for s in plans.PYVRP), *(("vroom", s) for s in plans.VROOM)])
def test_other_peers_answer_with_a_valid_plan(problem: Problem, peer: str, setting: str):
    solver = importlib.import_module(f"benchmarks.peer_{peer}")
    assert_good(problem, solver.solve(problem, deal(problem), SECONDS, 1, setting))


def test_the_cheapest_by_true_cost_counts_and_what_does_not_fit_is_left_out(problem: Problem):
    dealt = deal(problem)
    busiest = int(dealt.fit.sum(axis=0).argmax())
    nothing: list[tuple[int, ...]] = [()] * problem.n_duties
    everything = [tuple(np.flatnonzero(dealt.fit[:, duty]).tolist()) if duty == busiest else () for duty in range(problem.n_duties)]
    kept = plan_of(problem, everything, dealt.kits)
    assert check(problem.case, to_plan(problem, kept)) == ()
    assert 0 < len(kept.solution.routes[busiest]) < len(everything[busiest])
    best, trajectory = best_plan(problem, Answer([Found(0.1, everything), Found(0.2, nothing)]), dealt)
    assert best == kept
    assert trajectory == [(0.1, kept.cost)]


def test_what_peers_cannot_express_is_said():
    case = make_case(replace(SHAPES["usual"], tickets=60), 1)
    assert unfit(build_problem(case)) == "needs crews"
    assert unfit(build_problem(without_crews(case))) == ""


def record(solver: str, setting: str, seed: int, cost: float, table: str = "peers") -> dict[str, object]:
    """What the runner writes of one run."""
    told = {"skipped": 50.0, "broken": 0, "on_time": 1, "emergencies": 2, "planned": 3, "tickets": 4}
    run = {"case": "day", "solver": solver, "setting": setting, "seed": seed, "seconds": 30.0, "table": table, "commit": "abc"}
    return {**run, **told, "cost": cost, "spent": 30.0, "iterations": 1000, "megabytes": 99, "trajectory": [[0.1, 2 * cost], [5.0, cost]]}


def test_tables_compare_with_the_best_setting_of_the_peer():
    rows = [record("ours", "", s, c) for s, c in ((1, 100.0), (2, 110.0), (3, 90.0))]
    rows += [record("ortools", "slow", 1, 400.0), record("ortools", "good", 1, 200.0), record("ortools", "good", 2, 300.0)]
    assert {r["setting"] for r in best_runs(rows)["ortools"]} == {"good"}
    text = tables(rows, [])
    assert "| day, 30 s | twohour | 100 | 90 to 110 | 0.400 | 50 | 1/2 | 3/4 | 0 | 1,000 | 99 MB |" in text  # 100 of the median 250
    assert "| OR-Tools slow | 400 |" in text


@pytest.mark.long
def test_the_report_replaces_what_is_between_its_markers(tmp_path: Path):
    results, picture = tmp_path / "RESULTS.md", tmp_path / "cost.png"
    results.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    rows = [record("ours", "", 1, 100_000.0), record("ortools", "good", 1, 200_000.0)]
    write_report(rows, [{"what": "start-up", "measured": "2 s", "note": "once"}], "make bench", results, picture)
    write_report(rows, [], "make bench", results, picture)
    text = results.read_text(encoding="utf-8")
    assert text.startswith("# Before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "abc" in text
    assert "start-up" not in text
    assert 0 < picture.stat().st_size < 200_000
    results.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="markers"):
        write_report(rows, [], "make bench", results, picture)


def test_a_profile_says_how_long_it_takes():
    quick = plans.works("quick", 30, 600, (1,))
    full = plans.works("full", 30, 600, (1, 2, 3, 4, 5))
    assert sum(work.length_s() for work in quick) < 4 * 60
    assert sum(work.length_s() for work in full) / 2 < 90 * 60  # on two cores
    names = [run.name for work in full for run in work.first()]
    assert len(names) == len(set(names))
    assert json.dumps(names)
