"""`twohour respond` as a coordinator types it, and what `twohour candidates` says of a planned ticket."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.text import duration

AT = "2026-03-02T08:00:00+08:00"
FOUR_TICKETS = Path(__file__).parents[1] / "fixtures" / "four-ticket-day.json"
pytestmark = pytest.mark.usefixtures("compiled_search")


@pytest.fixture
def company(installation: Path, filled_store: Path) -> Path:
    """An installation whose store holds the small company."""
    shutil.copy(filled_store, installation / "store.sqlite")
    return installation


def test_the_answer_names_people_stations_arrivals_chances_costs_and_the_expert(company: Path, twohour: Any) -> None:
    answer = twohour("respond", "TK-3", "--at", AT)
    assert answer.status == 0, answer.err
    for said in ("TK-3", "emergency", "太湖制药", "王T-3 (T-3)", "苏州服务中心", "neighbour", "%", "expert from afar", "no published plan"):
        assert said in answer.out, answer.out
    told = json.loads(twohour("respond", "TK-3", "--at", AT, "--json").out)
    best = told["offers"][0]
    assert (told["kind"], told["plan"], told["in_time"]) == ("open", None, True)
    assert best["people"][0]["station_name"] == "苏州服务中心"
    assert best["added_cost"] == min(offer["added_cost"] for offer in told["offers"])
    assert {"chance", "start", "delays", "late_minutes"} <= best.keys()
    assert told["experts"][0]["technician"] not in {who["technician"] for who in best["people"]}


def test_where_nobody_can_come_the_reason_is_told_with_status_1(company: Path, twohour: Any) -> None:
    answer = twohour("respond", "TK-6", "--at", AT)
    assert answer.status == 1
    assert "nobody can take it as the plan stands" in answer.out
    assert "nearest station" in answer.out
    assert json.loads(twohour("respond", "TK-6", "--at", AT, "--json").out)["reasons"]


def test_a_planned_ticket_names_who_has_it(company: Path, twohour: Any) -> None:
    number = json.loads(twohour("plan", "--at", AT, "--iterations", 30, "--seed", 7, "--json").out)["plan"]
    assert twohour("approve", number).status == 0
    answer = twohour("respond", "TK-4", "--at", AT)
    assert answer.status == 0, answer.err
    assert "it is planned: 王T-" in answer.out
    assert f"by plan {number}" in answer.out


def test_bad_words_are_refused(company: Path, twohour: Any) -> None:
    unknown = twohour("respond", "TK-?", "--at", AT)
    assert (unknown.status, "TK-? is not in the store" in unknown.err) == (2, True)
    early = twohour("respond", "TK-3", "--at", "2026-03-01T08:00:00+08:00")
    assert (early.status, "TK-3 opens at" in early.err) == (2, True)
    assert twohour("respond", "TK-3", "--at", "tomorrow").status == 2


def test_candidates_tell_who_has_the_ticket_and_when_a_plan_is_of_another_case(tmp_path: Path, twohour: Any) -> None:
    plan = tmp_path / "plan.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 500, "--out", plan).status == 0
    shown = twohour("candidates", FOUR_TICKETS, plan, "--ticket", "W2")
    assert "W2 is planned:" in shown.out
    assert "(as planned)" in shown.out
    assert json.loads(twohour("candidates", FOUR_TICKETS, plan, "--ticket", "W2", "--json").out)["planned"]["technicians"]
    other = tmp_path / "other.json"
    other.write_text(plan.read_text(encoding="utf-8").replace('"W3"', '"W-elsewhere"'), encoding="utf-8")
    refused = twohour("candidates", FOUR_TICKETS, other, "--ticket", "W2")
    assert refused.status == 2
    assert "does not belong to case" in refused.err
    assert "ticket W-elsewhere" in refused.err


def test_long_times_are_told_in_hours() -> None:
    assert [duration(minutes) for minutes in (0, 59.6, 120, 121, 605.2)] == ["0 min", "60 min", "120 min", "2 h 01 min", "10 h 05 min"]


def rows_of(out: str) -> list[str]:
    """The lines of the table of offers."""
    lines = out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("who "))
    last = next(number for number, line in enumerate(lines[first:], first) if line.startswith(("expert", "knows", "and ", "by plan")))
    return lines[first + 1 : last]


def test_a_planned_ticket_shows_its_own_people_first_then_a_few_in_time_each_once_a_line_each(
    company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    number = json.loads(twohour("plan", "--at", AT, "--iterations", 30, "--seed", 7, "--json").out)["plan"]
    assert twohour("approve", number).status == 0
    told = json.loads(twohour("respond", "TK-4", "--at", AT, "--json").out)
    out = twohour("respond", "TK-4", "--at", AT).out
    rows = rows_of(out)
    assert told["assigned"]["technicians"][0] in rows[0]
    assert "has it now" in rows[0]
    names = [row.split(")")[0] for row in rows]
    assert len(set(names)) == len(names) <= 6
    assert all(len(line.rstrip()) <= 80 for line in rows)
    assert sum(line.startswith(("expert", "knows")) for line in out.splitlines()) <= 1


def test_no_figure_is_cut_where_the_terminal_is_narrow(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "48")
    best = json.loads(twohour("respond", "TK-3", "--at", AT, "--json").out)["offers"][0]
    out = twohour("respond", "TK-3", "--at", AT).out
    row = next(line for line in rows_of(out) if best["people"][0]["technician"] in line)
    assert "…" not in out
    arrives = datetime.fromisoformat(best["people"][0]["arrives"]).astimezone(ZoneInfo("Asia/Shanghai"))
    for figure in (
        f"{best['people'][0]['distance_km']:,.0f}",
        f"{arrives:%H:%M}",
        f"yes, {best['chance']:.0%}",
        f"{best['added_cost']:,.0f}",
    ):
        assert figure in row


def test_what_has_begun_by_plan_alone_is_not_said_as_if_somebody_had_told_it(company: Path, twohour: Any) -> None:
    number = json.loads(twohour("plan", "--at", AT, "--iterations", 30, "--seed", 7, "--json").out)["plan"]
    assert twohour("approve", number).status == 0
    assert twohour("publish", number).status == 0
    planned = json.loads(twohour("respond", "TK-4", "--at", AT, "--json").out)["assigned"]
    by_plan = twohour("respond", "TK-4", "--at", planned["start"])
    assert "by the plan work on it has begun" in by_plan.out
    assert "nobody has told so" in by_plan.out
    who = planned["technicians"][0]
    assert (
        twohour("tell", "technician_arrived", "--ticket", "TK-4", "--technician", who, "--at", planned["start"][:19] + "+0800").status == 0
    )
    told = twohour("respond", "TK-4", "--at", planned["start"])
    assert "it was told that work on it has begun" in told.out
