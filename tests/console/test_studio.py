"""`study` at the command line: from incidents to a comparison, and what a planner gets wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_models.study import Growth, OpenStation, Scenario
from data_models.study_files import read_study, scenario_json

INCIDENTS = "time,lat,lon,product\n" + "".join(
    f"2025-01-{day:02d} {hour:02d}:00,{lat},{lon},ethanol\n"
    for day in range(1, 29)
    for hour, lat, lon in ((9, 31.2, 121.4), (15, 34.3, 108.9))
)
SITES = "id,lat,lon,name\nSH,31.3,121.5,上海\n"
MORE = "id,lat,lon,name\nXA,34.2,108.8,西安<b>\n"
COMPARE = ("compare", "study.json", "good.json", "--out", "out")


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


def test_a_comparison_tells_the_formula_and_writes_a_report_in_the_language_asked_for(study: Path, twohour: Any) -> None:
    scenario = study.with_name("xian.json")
    scenario.write_text(scenario_json(Scenario("<b>西安</b>", (OpenStation("XA"),))), encoding="utf-8")
    frontier = study.with_name("choice.json")
    frontier.write_text(
        '{"format": "siting-choice/1", "points": [{"yearly_cost": 900000, "covered": 28, "open": ["XA"]}]}', encoding="utf-8"
    )
    out = study.parent / "out"
    asked = ("study", "compare", study, scenario, "--out", out, "--policy", "nearest", "--language", "en", "--frontier", frontier)
    answer = twohour(*asked)
    assert answer.status == 0, answer.err
    said = " ".join(answer.out.split())
    assert "西安<b> covers 1 customers more within 2 h" in said
    assert "; formula: " in said
    assert "points off the replay at most" in said
    report = (out / "report.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in report
    assert "Coverage against yearly cost" in report
    assert "<b>西安" not in report
    first, second = json.loads((out / "comparison.json").read_text(encoding="utf-8"))["scenarios"]
    for row in (first, second):
        error = 100 * (row["formula_in_time"]["emergency"] - row["service"]["emergency"]["in_time"]["value"])
        assert row["formula_error_points"] == {"emergency": pytest.approx(error), "important": None, "general": None}


def test_advice_ranks_sites_and_is_read_at_80_columns(study: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = twohour("study", "advise", study, "--futures", "2")
    assert answer.status == 0, answer.err
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "西安<b> covers 1 customers more within 2 h" in " ".join(answer.out.split())
    assert "in 3 futures" in answer.out
    found = json.loads(twohour("study", "advise", study, "--json", "--language", "zh").out)
    (site,) = found["sites"]
    assert (site["station"], site["gained"]["areas"]) == ("XA", 1)
    assert site["points"] == pytest.approx(50, abs=5)
    assert site["sentence"].startswith("西安<b>：2 小时内多覆盖 1 家客户，每年 ")
    assert found["robust"] is None


def test_advice_begins_with_the_scenario_and_counts_others_as_futures(study: Path, twohour: Any) -> None:
    opened, grown = study.with_name("xian.json"), study.with_name("grown.json")
    opened.write_text(scenario_json(Scenario("x", (OpenStation("XA"),))), encoding="utf-8")
    grown.write_text(scenario_json(Scenario("much more", (Growth(3.0),))), encoding="utf-8")
    answer = twohour("study", "advise", study, "--scenario", opened)
    assert "no candidate is left" in answer.out
    assert "what closing loses" in answer.out
    robust = json.loads(twohour("study", "advise", study, "--also", grown, "--json").out)["robust"]
    assert (robust["futures"], robust["options"]) == (["history", "much more"], ["as it is", "XA"])
    assert robust["best"] == "XA"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("compare", "study.json", "nothing.json", "--out", "out"), "nothing.json cannot be read"),
        (("compare", "study.json", "study.json", "--out", "out"), 'format is "study/1"; give "scenario/1"'),
        (("compare", "study.json", "x.json", "--out", "out", "--policy", "psychic"), "--policy psychic: is none; give nearest"),
        (("show", "incidents.csv"), "the file is not JSON"),
        (("advise", "study.json", "--also", "nothing.json"), "nothing.json cannot be read"),
        (
            ("compare", "study.json", "good.json", "--out", "out", "--frontier", "study.json"),
            'format is "study/1"; give a "siting-choice/1"',
        ),
        (
            ("compare", "study.json", "good.json", "--out", "out", "--frontier", "bare.json"),
            "has no points; give a choice of the model frontier",
        ),
        (("incidents", "incidents.csv", "--out", "s.json", "--zone", "Moon"), "--zone Moon: is no time zone"),
        (("incidents", "sites.csv", "--out", "s.json"), "it lacks time"),
        (("incidents", "incidents.csv", "--out", "s.json"), "give at least one station"),
        (("company", "--out", "s.json", "--at", "2026-03-02T08:00:00+08:00"), "No ticket was opened"),
    ],
)
def test_what_is_wrong_is_told_with_status_2(study: Path, twohour: Any, words: tuple[str, ...], says: str) -> None:
    study.with_name("good.json").write_text(scenario_json(Scenario("x", (OpenStation("XA"),))), encoding="utf-8")
    study.with_name("bare.json").write_text('{"format": "siting-choice/1"}', encoding="utf-8")
    answer = twohour("study", *words)
    assert (answer.status, answer.out) == (2, "")
    assert says in answer.err
    assert not (study.parent / "s.json").exists()
