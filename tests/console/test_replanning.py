"""`twohour replan` and `twohour difference` as a user or a program calls them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from benchmarks.moments import case_at, without_ticket
from console.reoptimizing import news_in_lines
from data_models.case_files import case_json, plan_json, read_case, read_plan, write_file
from optimizer.check import check
from optimizer.explanation import Said

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


def test_a_difference_reads_in_hours_and_times_of_day_at_80_columns(
    files: tuple[Path, Path], tmp_path: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_file, before = files
    case, plan = read_case(case_file), read_plan(before)
    here = {ticket.id for ticket in case.tickets}
    route = next(route for route in plan.routes if any(stop.ticket in here and stop.start > case.now for stop in route.stops))
    moved = next(stop for stop in route.stops if stop.ticket in here and stop.start > case.now)
    late = timedelta(hours=24 + 3, minutes=7)
    stops = tuple(replace(stop, start=stop.start + late, finish=stop.finish + late) if stop is moved else stop for stop in route.stops)
    after = replace(plan, routes=tuple(replace(route, stops=stops) if each is route else each for each in plan.routes))
    write_file(tmp_path / "after.json", plan_json(after))
    monkeypatch.setenv("COLUMNS", "80")
    told = twohour("difference", case_file, before, tmp_path / "after.json").out
    assert max(map(cell_len, told.splitlines())) <= 80
    words = " ".join(told.split())
    then = (moved.start + late).astimezone(case.now.tzinfo)
    # The day and who comes are told where they are not the same: today, and the same people.
    assert f"{moved.ticket} later +27 h 07 min {route.technician} {moved.start:%H:%M} {then:%m-%d %H:%M}" in words


def test_news_of_a_kind_are_told_together_and_cut_short() -> None:
    news = [Said("news_technician_shifts", {"technician": f"T-{number}"}) for number in range(12)]
    news.insert(1, Said("news_ticket_new", {"ticket": "E-1"}))
    assert list(news_in_lines(news)) == [
        "technician T-0 works other hours",
        "technician T-1 works other hours",
        "technician T-2 works other hours",
        "and 9 more like these: T-3, T-4, T-5, T-6, T-7, T-8 and 3 more",
        "ticket E-1 is new",
    ]
    assert list(news_in_lines(news[:4])) == [
        "technician T-0 works other hours",
        "technician T-1 works other hours",
        "technician T-2 works other hours",
        "ticket E-1 is new",
    ]


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
