"""`twohour report` over a real store: from what was told to files, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest


def tell(twohour: Any, folder: Path, *events: dict[str, Any]) -> None:
    path = folder / "events.jsonl"
    told = ({"key": f"key {number}", "by": "test", **event} for number, event in enumerate(events))
    path.write_text("\n".join(map(json.dumps, told)), encoding="utf-8")
    assert twohour("tell", "--file", path).status == 0


def at(clock: str) -> str:
    return f"2026-03-02T{clock}:00+08:00"


@pytest.fixture
def company(installation: Path, filled_store: Path) -> Path:
    shutil.copy(filled_store, installation / "store.sqlite")
    return installation


def test_an_empty_store_gives_a_report(installation: Path, twohour: Any) -> None:
    answer = twohour("report", "--day", "--json", "--at", at("18:00"))
    assert answer.status == 0
    assert json.loads(answer.out)["opened"] == 0


def test_what_was_told_is_what_is_reported(company: Path, twohour: Any) -> None:
    visit = {"ticket": "TK-3", "technician": "T-3"}
    tell(
        twohour,
        company,
        {"kind": "technician_driving", "at": at("08:10"), **visit},
        {"kind": "technician_arrived", "at": at("09:00"), **visit},
        {"kind": "technician_finished", "at": at("10:00"), **visit},
        {"kind": "ticket_closed", "at": at("11:00"), "ticket": "TK-3", "satisfaction": 5},
    )
    answer = twohour("report", "--from", "2026-03-02", "--to", "2026-03-02", "--json", "--at", at("18:00"), "--out", "r")
    report = json.loads(answer.out)
    # Six tickets were opened at 07:55; one of them is done, on site after 65 minutes, settled by the first visit.
    assert (report["opened"], report["done"], report["open_at_end"]) == (6, 1, 5)
    assert report["on_site"] == {"count": 1, "median_s": 3900.0, "p90_s": 3900.0}
    assert report["first_visit"] == {"n": 1, "of": 1, "share": 1.0}
    assert report["satisfaction"]["mean"] == 5.0
    stations = {group["id"]: group["opened"] for group in report["groups"] if group["dimension"] == "station"}
    assert stations == {"": 5, "ST-2": 1}
    # Four people from 07:00, seen at 17:00 when their shifts of ten hours end.
    assert report["everybody"]["shift_s"] == 4 * 10 * 3600
    files = [Path(path) for path in report.pop("files")]
    assert [path.suffix for path in files] == [".html", ".xlsx", ".json"]
    assert json.loads(files[2].read_text(encoding="utf-8")) == report


def test_work_by_the_published_plan_counts(company: Path, twohour: Any) -> None:
    assert twohour("plan", "--at", at("08:00"), "--iterations", "20").status == 0
    assert twohour("approve", "1").status == 0
    plan = json.loads((company / "papers" / "plan-1" / "plan.json").read_text(encoding="utf-8"))
    report = json.loads(twohour("report", "--from", "2026-03-02", "--json").out)
    assert report["everybody"]["sent_out"] == len({route["technician"] for route in plan["routes"]})
    assert report["everybody"]["work_s"] > 0
    assert sum(kit["uses"] for kit in report["kits"]) == sum(len(route["kits"]) for route in plan["routes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2026-13-01"), "not a date"),
        (("--to", "2026-03-02"), "no --from"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "before it begins"),
        (("--day", "--week"), "contradict"),
        (("--from", "2026-03-03", "--at", at("18:00")), "after 2026-03-02 18:00"),
        (("--day", "--region", "nowhere", "--at", at("18:00")), "nowhere: no station"),
    ],
)
def test_what_cannot_be_reported_is_refused_with_the_remedy(installation: Path, twohour: Any, words: tuple[str, ...], said: str) -> None:
    answer = twohour("report", *words)
    assert (answer.status, said in answer.err) == (2, True), answer.err
