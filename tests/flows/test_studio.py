"""Scenarios compared by replay: paired, kept by content, in processes and in Prefect, with hostile names made harmless."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config.policies import load_policy
from data_models.errors import BadInput
from data_models.study import CloseStation, Growth, OpenStation, Scenario, SetPeople
from data_models.study_files import scenario_json, study_json
from flows.stack import PrefectServer, server_environment
from flows.studio import Run, compare_scenarios, comparison_markdown, comparison_summary, replay_run, with_today, write_comparison
from tests.optimizer.studies import line_study

TICKETS = [(area, 168 * week + hour) for week in range(6) for area, hour in (("a", 9), ("b", 33), ("a", 60))]
STUDY = line_study({"S": 0, "U": 160}, {"a": 30, "b": 150}, TICKETS, candidates=["U"], days=42)
OPEN = Scenario("open U", (OpenStation("U"),))
POLICY = load_policy("ethanol")
FLOW = """
from pathlib import Path
from flows.study_stations import study_stations

if __name__ == "__main__":
    study_stations(Path("study.json"), [Path("open.json")], Path("out"), policy="nearest", seeds=2)
"""


def test_scenarios_are_compared_with_today_on_the_same_tickets() -> None:
    # Each week two tickets at 30 min and one at 150 min from S: 2 of 3 in time; with U at 160 all of them.
    made = compare_scenarios(STUDY, with_today([OPEN]), POLICY, "insert")
    today, opened = made.scenarios
    assert today.figures.service["emergency"].in_time.value == pytest.approx(2 / 3)
    assert opened.figures.service["emergency"].in_time.value == 1.0
    assert opened.in_time["emergency"].value == pytest.approx(1 / 3)
    assert opened.figures.cost.stations == today.figures.cost.stations + 100
    assert opened.failing.value < 0
    assert today.in_time["emergency"].value == 0.0


def test_several_processes_give_what_one_gives() -> None:
    scenarios = with_today([OPEN, Scenario("two people", (SetPeople("S", "crew", 2),))])
    one = compare_scenarios(STUDY, scenarios, POLICY, "nearest", seeds=(1, 2))
    two = compare_scenarios(STUDY, scenarios, POLICY, "nearest", seeds=(1, 2), workers=2)
    assert comparison_summary(one) == comparison_summary(two)


def test_what_was_replayed_is_not_replayed_again(tmp_path: Path) -> None:
    run = Run(STUDY, OPEN, POLICY, "insert")
    first = replay_run(run, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.name == f"{run.digest}.json"
    # Something that no replay would give shows where the answer comes from.
    kept.write_text(kept.read_text(encoding="utf-8").replace('"scenario": "open U"', '"scenario": "kept"'), encoding="utf-8")
    assert replay_run(run, tmp_path).scenario == "kept"
    kept.write_text("half a fi", encoding="utf-8")
    assert replay_run(run, tmp_path) == first


@pytest.mark.parametrize(
    "other",
    [
        {"scenario": Scenario("open U", (OpenStation("U"), Growth(1.1)))},
        {"policy": "nearest"},
        {"seed": 2},
        {"iterations": 7},
        {"future": True},
        {"service": load_policy("terpinene")},
        {"study": replace(STUDY, zone="Asia/Shanghai")},
    ],
    ids=["scenario", "policy", "seed", "iterations", "future", "service", "study"],
)
def test_the_digest_tells_apart_what_may_give_something_else(other) -> None:
    run = Run(STUDY, OPEN, POLICY, "insert")
    assert replace(run, **other).digest != run.digest
    assert Run(STUDY, OPEN, POLICY, "insert").digest == run.digest


def test_all_problems_of_all_scenarios_are_told_before_anything_is_replayed(tmp_path: Path) -> None:
    wrong = [Scenario("one", (CloseStation("X"),)), Scenario("two", (OpenStation("Y"), OpenStation("Z")))]
    with pytest.raises(BadInput) as error:
        compare_scenarios(STUDY, with_today(wrong), POLICY, "insert", kept=tmp_path / "replays")
    assert len(error.value.problems) == 3
    assert not (tmp_path / "replays").exists()


def test_names_stand_once() -> None:
    with pytest.raises(BadInput, match="stands twice"):
        with_today([OPEN, OPEN])
    with pytest.raises(BadInput, match="the name of what is compared with"):
        with_today([Scenario("today", (OpenStation("U"),))])


def test_a_future_is_another_year_of_the_same_kind() -> None:
    past = replay_run(Run(STUDY, OPEN, POLICY, "insert"))
    one, two = (replay_run(Run(STUDY, OPEN, POLICY, "insert", seed, future=True)) for seed in (1, 2))
    assert len({tuple(o.opened_at for o in replay.outcomes) for replay in (past, one, two)}) == 3
    assert {o.area for o in one.outcomes} <= {"a", "b"}


def test_the_summary_is_plain_and_markdown_is_harmless(tmp_path: Path) -> None:
    hostile = Scenario("<script>alert(1)</script> | [x](javascript:alert(2))", (OpenStation("U"),))
    made = compare_scenarios(STUDY, with_today([hostile]), POLICY, "insert")
    written = json.loads(write_comparison(made, tmp_path / "out").read_text(encoding="utf-8"))
    assert written["scenarios"][1]["scenario"] == hostile.name
    assert "<script" not in comparison_markdown(made)
    assert comparison_markdown(made).count("\n") == 4


def test_the_flow_replays_in_parallel_and_goes_on_where_it_was(running_server: PrefectServer, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(study_json(STUDY), encoding="utf-8")
    (tmp_path / "open.json").write_text(scenario_json(OPEN), encoding="utf-8")
    # A process of its own, as a worker starts one: threads and processes of the runner know the server by the environment.
    environment = {
        **os.environ,
        **server_environment(running_server.log.parent, running_server.api_url),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def run() -> dict[Path, int]:
        subprocess.run([sys.executable, "-c", FLOW], env=environment, cwd=tmp_path, check=True, timeout=300, capture_output=True)
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "replays").iterdir()}

    kept = run()
    assert len(kept) == 4
    assert run() == kept
    expected = comparison_summary(compare_scenarios(STUDY, with_today([OPEN]), POLICY, "nearest", seeds=(1, 2)))
    assert json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8")) == json.loads(json.dumps(expected))
