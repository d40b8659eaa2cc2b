"""`twohour clocks`: what is at risk and missed, what is owed, and a look done once by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

LATE = "2026-03-02T12:00:00+08:00"


@pytest.fixture
def company(installation: Path, filled_store: Path) -> Path:
    """An installation whose store holds the small company, its tickets opened at 07:55; emergencies are due at 09:55."""
    shutil.copy(filled_store, installation / "store.sqlite")
    return installation


@pytest.mark.parametrize("columns", [80, 120])
def test_clocks_are_listed_by_urgency_and_fit_the_terminal(
    company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr("console.printing._Terminal.width", columns)
    answer = twohour("clocks", "--at", LATE)
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert "missed" in lines[0]
    assert any("TK-3" in line and "on site" in line and "emergency" in line and "03-02 09:55" in line and "-2:05" in line for line in lines)
    marks = [line.split("  ")[0].split(" TK")[0] for line in lines[2:] if "TK-" in line]
    assert marks == sorted(marks, key=("at risk", "missed").index)


def test_one_ticket_is_shown_with_all_its_clocks(company: Path, twohour: Any) -> None:
    at = "2026-03-02T08:00:00+08:00"
    twohour("tell", "ticket_contacted", "--ticket", "TK-3", "--at", at)
    found = json.loads(twohour("clocks", "--ticket", "TK-3", "--at", LATE, "--json").out)["clocks"]
    states = {row["clock"]: row["state"] for row in found}
    assert states["contact"] == "met"
    assert states["on_site"] == "missed"
    assert {row["site_name"] for row in found} == {"厂区S-3"}
    unknown = twohour("clocks", "--ticket", "TK-99")
    assert unknown.status == 2
    assert "ticket TK-99 has no clock to watch" in unknown.err


def test_the_clocks_of_one_ticket_name_it_once_and_tell_when_they_were_met(
    company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    twohour("tell", "ticket_contacted", "--ticket", "TK-3", "--at", "2026-03-02T08:05:00+08:00")
    shown = twohour("clocks", "--ticket", "TK-3", "--at", LATE).out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "TK-3 (emergency, 厂区S-3)"
    assert shown.count("TK-3") == 1
    assert any(line.startswith("met contact 03-02") and line.endswith("– – 03-02 08:05") for line in lines)
    assert any(line.startswith("missed on site 03-02 09:55 -2:05") for line in lines)
    due = [line.split("03-0")[1][:7] for line in lines if "03-0" in line and not line.startswith("!")]
    assert due == sorted(due)


def test_what_is_owed_is_listed_with_what_is_not_known(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_POLICY", "lead-ingot")
    owed = json.loads(twohour("clocks", "--owed", "--at", LATE, "--json").out)
    assert owed["owed"]
    shown = twohour("clocks", "--owed", "--at", LATE)
    assert shown.status == 0
    assert "in all" in shown.out


def test_a_look_by_hand_tells_and_sends_once(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_NOTICES__CHANNELS__COORDINATOR", '["env:NOT_SET"]')
    first = json.loads(twohour("clocks", "--send", "--json").out)
    assert first["watched"]["notices"] > 0
    assert first["sent"]["waiting"] > 0
    assert json.loads(twohour("clocks", "--send", "--json").out)["watched"]["notices"] == 0
    refused = twohour("clocks", "--send", "--at", LATE)
    assert refused.status == 2
    assert "contradict" in refused.err


def test_a_contract_with_an_unknown_policy_is_named_with_status_1(company: Path, twohour: Any) -> None:
    import sqlite3

    with sqlite3.connect(company / "store.sqlite") as database:
        database.execute("insert into contract (id, customer_id, policy, starts_on) values ('V-9', 'C-1', 'gone', '2020-01-01')")
    answer = twohour("clocks", "--at", LATE)
    assert answer.status == 1
    assert "Ticket TK-1: Contract V-9: policy gone does not exist" in " ".join(answer.out.split())


def test_a_clock_that_was_met_shows_when_it_was_and_no_time_left(company: Path, twohour: Any) -> None:
    twohour("tell", "ticket_contacted", "--ticket", "TK-3", "--at", "2026-03-02T08:00:00+08:00")
    lines = twohour("clocks", "--ticket", "TK-3", "--at", LATE).out.splitlines()
    contact = next(line.split() for line in lines if line.startswith("met"))
    # Told at 08:00; due at 08:05 or later, so that what was left would stand as a time of its own before it.
    assert contact[-3:] == ["–", "03-02", "08:00"]


def test_where_nothing_was_told_for_long_the_clocks_say_so(company: Path, twohour: Any) -> None:
    assert "nothing was ever told" in " ".join(twohour("clocks", "--at", LATE).out.split())
    twohour("tell", "ticket_contacted", "--ticket", "TK-3", "--at", "2026-03-02T08:00:00+08:00")
    # 4 h before 12:00.
    assert "last that was told is of 03-02 08:00, 4 h 00 min before" in " ".join(twohour("clocks", "--at", LATE).out.split())
    twohour("tell", "ticket_contacted", "--ticket", "TK-4", "--at", "2026-03-02T11:30:00+08:00")
    assert "last that was told" not in " ".join(twohour("clocks", "--at", LATE).out.split())


def test_where_nothing_is_owed_the_reason_is_told(company: Path, twohour: Any) -> None:
    answer = " ".join(twohour("clocks", "--owed", "--at", LATE).out.split())
    assert "nothing is owed: " in answer
    assert "clocks were missed, and neither their policies nor their contracts name a compensation" in answer
    early = " ".join(twohour("clocks", "--owed", "--at", "2026-03-02T07:56:00+08:00").out.split())
    assert "nothing is owed: no clock was missed" in early
