"""`study` at the command line: from incidents to a comparison, and what a planner gets wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_models.study import OpenStation, Scenario
from data_models.study_files import read_study, scenario_json

INCIDENTS = "time,lat,lon,product\n" + "".join(
    f"2025-01-{day:02d} {hour:02d}:00,{lat},{lon},ethanol\n"
    for day in range(1, 29)
    for hour, lat, lon in ((9, 31.2, 121.4), (15, 34.3, 108.9))
)
SITES = "id,lat,lon,name\nSH,31.3,121.5,上海\n"
MORE = "id,lat,lon,name\nXA,34.2,108.8,西安<b>\n"


@pytest.fixture
def study(installation: Path, twohour: Any) -> Path:
    for name, text in (("incidents", INCIDENTS), ("sites", SITES), ("more", MORE)):
        (installation / f"{name}.csv").write_text(text, encoding="utf-8")
    out = installation / "study.json"
    answer = twohour("study", "incidents", "incidents.csv", "--stations", "sites.csv", "--candidates", "more.csv", "--out", out)
    assert answer.status == 0, answer.err
    assert "1 stations with 4 people, 1 candidates, 2 areas, 56 tickets in 28 days" in answer.out
    return out


def test_from_incidents_to_a_comparison(study: Path, twohour: Any) -> None:
    assert [station.name for station in read_study(study).candidates] == ["西安<b>"]
    shown = twohour("study", "show", study)
    assert "within 120 min by road: 50.0%" in shown.out
    scenario = study.with_name("xian.json")
    scenario.write_text(scenario_json(Scenario("西安 [red]开站[/red]", (OpenStation("XA"),))), encoding="utf-8")
    answer = twohour("study", "compare", study, scenario, "--out", study.parent / "out", "--policy", "nearest")
    assert answer.status == 0, answer.err
    assert "西安 [red]开站[/red]" in answer.out
    assert "+50.0" in answer.out
    assert json.loads((study.parent / "out" / "comparison.json").read_text(encoding="utf-8"))["policy"] == "nearest"
    as_json = twohour("study", "compare", study, scenario, "--out", study.parent / "out", "--policy", "nearest", "--json")
    assert json.loads(as_json.out)["scenarios"][1]["in_time_difference"]["emergency"]["value"] == pytest.approx(0.5)
    assert "reach" not in as_json.err


def test_the_scenario_shows_its_reach(study: Path, twohour: Any) -> None:
    scenario = study.with_name("xian.json")
    scenario.write_text(scenario_json(Scenario("x", (OpenStation("XA"),))), encoding="utf-8")
    assert "within 120 min by road: 100.0%" in twohour("study", "show", study, "--scenario", scenario).out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("compare", "study.json", "nothing.json", "--out", "out"), "nothing.json cannot be read"),
        (("compare", "study.json", "study.json", "--out", "out"), 'format is "study/1"; give "scenario/1"'),
        (("compare", "study.json", "x.json", "--out", "out", "--policy", "psychic"), "--policy psychic: is none; give nearest"),
        (("show", "incidents.csv"), "the file is not JSON"),
        (("incidents", "incidents.csv", "--out", "s.json", "--zone", "Moon"), "--zone Moon: is no time zone"),
        (("incidents", "sites.csv", "--out", "s.json"), "it lacks time"),
        (("incidents", "incidents.csv", "--out", "s.json"), "give at least one station"),
        (("company", "--out", "s.json", "--at", "2026-03-02T08:00:00+08:00"), "No ticket was opened"),
    ],
)
def test_what_is_wrong_is_told_with_status_2(study: Path, twohour: Any, words: tuple[str, ...], says: str) -> None:
    answer = twohour("study", *words)
    assert (answer.status, answer.out) == (2, "")
    assert says in answer.err
    assert not (study.parent / "s.json").exists()
