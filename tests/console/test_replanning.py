"""`twohour replan` and `twohour difference` as a user or a program calls them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.moments import case_at, without_ticket
from data_models.case_files import case_json, plan_json, read_case, read_plan, write_file
from optimizer.check import check

CASE = Path(__file__).parents[3] / "shared" / "cases" / "day-60.json"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, compiled_search: None) -> tuple[Path, Path]:
    """A day of sixty tickets two hours later, with one ticket cancelled, and the plan of the morning."""
    if not CASE.exists():
        pytest.skip(f"{CASE} is not here")
    from optimizer.problem import build_problem
    from optimizer.regions import solve
    from optimizer.result import Stop

    folder = tmp_path_factory.mktemp("day")
    day = read_case(CASE)
    plan = solve(build_problem(day, trips=2), Stop(iterations=1000), 1).plan()
    moment = case_at(day, plan, day.now + timedelta(hours=2))
    case = without_ticket(moment, next(item.ticket for item in moment.committed if not item.locked))
    write_file(folder / "case.json", case_json(case))
    write_file(folder / "before.json", plan_json(plan))
    return folder / "case.json", folder / "before.json"


def test_replan_writes_a_valid_plan_and_says_what_changes(files: tuple[Path, Path], tmp_path: Path, twohour: Any) -> None:
    case_file, before = files
    out = tmp_path / "after.json"
    told = twohour("replan", case_file, before, "--iterations", 500, "--out", out)
    assert told.status == 0, told.err
    assert "unchanged" in told.out
    assert "every rule is kept" in told.out
    assert check(read_case(case_file), read_plan(out)) == ()
    again = twohour("replan", case_file, before, "--iterations", 500, "--out", tmp_path / "again.json", "--json")
    assert read_plan(tmp_path / "again.json").routes == read_plan(out).routes
    answer = json.loads(again.out)
    shown = json.loads(twohour("difference", case_file, before, out, "--json").out)
    assert {**answer["difference"], "disturbance": None} == shown
    assert sum(shown["counts"].values()) + len(shown["waiting"]) == len(read_case(case_file).tickets)


def test_a_difference_is_a_table_with_reasons(files: tuple[Path, Path], tmp_path: Path, twohour: Any) -> None:
    case_file, before = files
    case, plan = read_case(case_file), read_plan(before)
    waiting = next(item.ticket for item in case.committed if not item.locked)
    fewer = tuple(
        type(r)(r.technician, r.shift, r.depart, tuple(s for s in r.stops if s.ticket != waiting), r.returns) for r in plan.routes
    )
    write_file(tmp_path / "after.json", plan_json(type(plan)(case.name, fewer)))
    told = twohour("difference", case_file, before, tmp_path / "after.json")
    assert told.status == 0
    row = next(line for line in told.out.splitlines() if line.startswith(waiting))
    assert "dropped" in row
    assert "1 dropped" in told.out
    same = twohour("difference", case_file, before, before)
    assert "nothing changes" in same.out


def test_what_is_read_is_not_replaced(files: tuple[Path, Path], twohour: Any) -> None:
    case_file, before = files
    for out in files:
        text = out.read_bytes()
        told = twohour("replan", case_file, before, "--iterations", 5, "--out", out)
        assert (told.status, out.read_bytes()) == (2, text)
        assert "name another file" in told.err


def test_bad_options_are_named(files: tuple[Path, Path], tmp_path: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = twohour("replan", *files, "--seconds", -1, "--out", tmp_path / "after.json")
    assert told.status == 2
    assert "--seconds is -1" in told.err
    monkeypatch.setenv("TWOHOUR_REPLANNING__FREEZE_MINUTES", "-5")
    told = twohour("replan", *files, "--out", tmp_path / "after.json")
    assert told.status == 2
    assert "TWOHOUR_REPLANNING__FREEZE_MINUTES is '-5'" in told.err
    assert not (tmp_path / "after.json").exists()
