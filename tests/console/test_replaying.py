"""`twohour replay` as a user calls it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from data_models.case_files import case_json, read_case, read_plan, write_file
from flows.replaying import interval
from optimizer.check import check

FOUR_TICKETS = Path(__file__).parents[1] / "fixtures" / "four-ticket-day.json"


@pytest.fixture
def appearing(tmp_path: Path) -> Path:
    """The four-ticket day with its last ticket opening an hour later."""
    case = read_case(FOUR_TICKETS)
    last = case.tickets[-1]
    case = replace(case, tickets=(*case.tickets[:-1], replace(last, opened_at=case.now + timedelta(hours=1))))
    write_file(tmp_path / "case.json", case_json(case))
    return tmp_path / "case.json"


@pytest.mark.parametrize("policy", ["nearest", "triage", "insert", "optimize"])
def test_replay_writes_a_plan_that_check_accepts_as_a_replay(appearing: Path, tmp_path: Path, twohour: Any, policy: str) -> None:
    out = tmp_path / "plan.json"
    done = twohour("replay", appearing, "--policy", policy, "--iterations", 50, "--out", out, "--json")
    assert done.status == 0, done.err
    assert check(read_case(appearing), read_plan(out), replay=True) == ()
    assert json.loads(done.out)["violations"] == []


def test_a_drawn_day_is_judged_by_the_day_as_it_was(appearing: Path, tmp_path: Path, twohour: Any) -> None:
    out, true = tmp_path / "plan.json", tmp_path / "true.json"
    done = twohour("replay", appearing, "--policy", "insert", "--draws", "--seed", 3, "--out", out, "--true-case", true)
    assert done.status == 0, done.err
    assert check(read_case(true), read_plan(out), replay=True) == ()


def test_several_policies_are_compared(appearing: Path, tmp_path: Path, twohour: Any) -> None:
    picture = tmp_path / "comparison.svg"
    words = ("--policy", "insert,nearest", "--days", 3, "--draws", "--out", picture)
    done = twohour("replay", appearing, *words, "--json")
    assert done.status == 0, done.err
    shown = json.loads(done.out)
    assert [row["policy"] for row in shown["policies"]] == ["nearest", "insert"]
    assert shown["policies"][0]["cost_difference"] == {"mean": 0.0, "half_width": 0.0}
    assert len(shown["days"]) == 6
    assert picture.read_text().startswith("<svg")
    table = twohour("replay", appearing, *words).out
    assert "3 days, means with 95 % intervals" in table
    assert "!" not in table


def test_one_day_or_the_same_day_often_is_not_shown_as_more_than_it_is(appearing: Path, twohour: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    one = twohour("replay", appearing, "--policy", "insert,nearest").out
    assert "one day" in one.splitlines()[0]
    assert not [word for word in ("±", "interval", "1 days") if word in one]
    assert "do not judge by one day" in one
    assert max(map(len, one.splitlines())) <= 80
    assert "…" not in one  # every heading and figure is whole
    same = twohour("replay", appearing, "--policy", "insert,nearest", "--days", 2).out
    assert "without --draws every day is the same day" in same


def test_the_interval_is_students() -> None:
    # 1, 2, 3: mean 2, deviation 1, t = 4.30 with two degrees of freedom: 4.30 / sqrt(3) = 2.48.
    found = interval([1, 2, 3])
    assert found.mean == 2
    assert found.half_width == pytest.approx(2.4826, abs=1e-3)
    assert interval([5]).half_width is None


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--policy", "best", "--out", "plan.json"), "best"),
        (("--policy", "nearest,nearest", "--out", "plan.json"), "twice"),
        (("--policy", "nearest"), "--out"),
        (("--spread", "0.2", "--out", "plan.json"), "--draws"),
        (("--true-case", "true.json", "--out", "plan.json"), "--true-case"),
        (("--iterations", "-1", "--out", "plan.json"), "--iterations"),
    ],
)
def test_bad_requests_are_named_and_write_nothing(
    appearing: Path, tmp_path: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = twohour("replay", appearing, *words)
    assert done.status == 2
    assert named in done.err
    assert not (tmp_path / "plan.json").exists()
