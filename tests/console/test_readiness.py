"""`twohour readiness` as a user calls it: of files, of the store, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from data_models.case import Case, GreatCircle
from data_models.case_files import read_case
from data_models.context import Context
from data_models.errors import BadInput
from data_models.expected import expected_emergencies, history_of_case
from data_models.plan import Plan
from data_models.snapshot import Snapshot, case_places, with_matrix
from data_models.travel.choose import choose_provider
from data_models.travel.provider import as_case_travel, matrix
from flows.readiness import with_area_travel
from optimizer.readiness import readiness

FIXTURES = Path(__file__).parents[1] / "fixtures"
CASE, PLAN = FIXTURES / "four-ticket-day.json", FIXTURES / "four-ticket-day-plan.json"


def history_of(case: Case, path: Path) -> Path:
    areas = [{"id": f"area {t.id}", "name": f"[red]{t.id}", "lat": t.lat, "lon": t.lon, "place": t.place} for t in case.tickets]
    tickets = [{"site": areas[0]["id"], "opened_at": "2026-01-05T09:00:00+08:00"}] * 3
    facts = {"begins_at": "2026-01-01T00:00:00+08:00", "ends_at": "2026-02-01T00:00:00+08:00", "areas": areas, "tickets": tickets}
    path.write_text(json.dumps({"format": "ticket-history/1", **facts}))
    return path


def test_of_files_a_table_and_json_say_the_same(tmp_path: Path, twohour: Any) -> None:
    history = history_of(read_case(CASE), tmp_path / "history.json")
    words = ("readiness", "--case", CASE, PLAN, "--history", history, "--hours", 6)
    told = json.loads(twohour(*words, "--json").out)
    assert len(told["hours"]) == 6
    assert told["history"]["emergencies"] == 3
    assert len(told["areas"]) == len(read_case(CASE).tickets)
    assert 0 <= told["answered"] <= told["emergencies"]
    shown = twohour(*words)
    assert shown.status == 0
    assert "3 emergencies in 31 days" in shown.out
    assert f"{told['hours'][0]['within']:.0%}" in shown.out
    assert "[red]" in shown.out  # a name is text, whatever is in it


def test_without_a_history_the_case_stands_for_one_day(twohour: Any) -> None:
    shown = twohour("readiness", "--case", CASE, PLAN, "--json")
    assert shown.status == 0, shown.err
    emergencies = [ticket.id for ticket in read_case(CASE).tickets if ticket.severity == "emergency"]
    assert [(area["id"], area["seen"]) for area in json.loads(shown.out)["areas"]] == [(name, 1) for name in emergencies]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--case", CASE), "give PLAN.json too"),
        (("x.json",), "not the number of a plan"),
        (("1", "--history", CASE), "--history goes with --case"),
        (("--case", CASE, PLAN, "--history", CASE), "give a"),
    ],
)
def test_what_does_not_go_together_is_refused(installation: Path, twohour: Any, words: tuple[Any, ...], said: str) -> None:
    answer = twohour("readiness", *words)
    assert answer.status == 2
    assert said in answer.err


def test_of_the_store_the_last_plan_with_its_own_history(installation: Path, filled_store: Path, twohour: Any) -> None:
    assert twohour("readiness").status == 2
    shutil.copy(filled_store, installation / "store.sqlite")
    assert "there is no plan yet" in twohour("readiness").err
    assert twohour("plan", "--at", "2026-03-02T08:00:00+08:00", "--iterations", 20, "--json").status in (0, 1)
    told = json.loads(twohour("readiness", "--json", "--busy", 0.2).out)
    assert (told["plan"], told["busy"], len(told["hours"])) == (1, 0.2, 24)
    assert told["areas"]
    assert twohour("readiness", 1, "--promise", 90).status == 0


def test_a_matrix_is_widened_by_the_areas_and_gives_the_same_answer() -> None:
    case = replace(read_case(CASE), travel=GreatCircle("great_circle", 1.3, 70.0))
    expected = expected_emergencies(history_of_case(case), case.now, UTC)
    provider = choose_provider("great_circle", detour=1.3, speed_kmh=70.0)
    roads = with_matrix(Snapshot(case, Context()), as_case_travel(matrix(case_places(case), provider)), "test").case
    wide, placed = with_area_travel(roads, expected, provider)
    nothing = Plan(case.name, ())
    assert readiness(wide, nothing, placed).covered.tolist() == readiness(case, nothing, expected).covered.tolist()
    with pytest.raises(BadInput, match="not one of its own places"):
        with_area_travel(case, expected, provider)


def test_a_table_fits_80_columns_and_names_the_area_that_the_plan_leaves_not_one_that_nobody_reaches(
    tmp_path: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(CASE.read_text(encoding="utf-8"))
    document["travel"] = {"kind": "great_circle", "detour": 1.3, "speed_kmh": 70}
    located = [*document["stations"], *document["tickets"], *(one["start"] for one in document["technicians"] if "start" in one)]
    for thing in located:
        del thing["place"]
    (tmp_path / "case.json").write_text(json.dumps(document), encoding="utf-8")
    history = json.loads(history_of(read_case(tmp_path / "case.json"), tmp_path / "history.json").read_text(encoding="utf-8"))
    history["areas"].append({"id": "far", "name": "far away", "lat": 0.0, "lon": 0.0})
    (tmp_path / "history.json").write_text(json.dumps(history), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "80")
    shown = twohour("readiness", "--case", tmp_path / "case.json", PLAN, "--history", tmp_path / "history.json", "--hours", 6)
    assert shown.status == 0, shown.err
    table = [line for line in shown.out.splitlines() if ":00 " in line]
    assert len(table) == 6
    assert all("far away" not in line and len(line.rstrip()) <= 80 for line in table)
    assert "out of reach even with everyone at home: far away" in " ".join(shown.out.split())
