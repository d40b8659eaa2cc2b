"""`twohour report` over a real store: from what was told to files, and what it refuses."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from data_models.plan import Plan, Route, Stop
from data_models.store import Store, open_store, save_plan, save_snapshot
from data_models.store import approve as approve_row
from data_models.store import publish as publish_row
from flows import dispatch


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


def publish(store: Store, taken: str, *stops: tuple[str, str]) -> None:
    """A plan made for a moment: T-1 leaves at 08:00, an hour of work at each ticket, an hour's drive to and from each."""
    settings = Settings()
    moment = datetime.fromisoformat(at(taken))
    snapshot = dispatch.make_snapshot(store, settings, dispatch.read_facts(store, settings, moment))
    times = [(ticket, datetime.fromisoformat(at(start))) for ticket, start in stops]
    visits = tuple(Stop(ticket, start, start, start + timedelta(hours=1)) for ticket, start in times)
    route = Route("T-1", 0, visits[0].arrive - timedelta(hours=1), visits, visits[-1].finish + timedelta(hours=1), ("leak-kit",))
    with store.session() as session:
        kept = save_snapshot(session, snapshot)
        plan = Plan(snapshot.case.name, (route,))
        row = save_plan(session, kept.id, plan, created_at=moment, seed=1, iterations=0, violations=0)
        approve_row(session, row.id, "test", moment)
        publish_row(session, row.id, "test", moment)


def test_each_drive_counts_by_the_plan_that_held_when_it_began(company: Path, twohour: Any) -> None:
    with open_store(f"sqlite:///{company / 'store.sqlite'}") as store:
        # First plan: drive 08-09, work 09-10, drive 10-13, work 13-14, drive 14-15. From 10:30 on another holds: drive 11-12, work, drive.
        publish(store, "08:00", ("TK-5", "09:00"), ("TK-4", "13:00"))
        publish(store, "10:30", ("TK-3", "12:00"))
    report = json.loads(twohour("report", "--from", "2026-03-02", "--json", "--at", at("23:00")).out)
    everybody = report["everybody"]
    # Begun by 10:30 of the first: drives of 1 h and 3 h, work of 1 h; of the second: drives of 1 h and 1 h, work of 1 h.
    assert (everybody["sent_out"], everybody["drive_s"], everybody["work_s"]) == (1, 6 * 3600, 2 * 3600)
    # Out 08:00 to 10:30 and 11:00 to 14:00.
    assert [(kit["uses"], kit["out_s"]) for kit in report["kits"] if kit["kit"] == "leak-kit"] == [(2, 5.5 * 3600)]


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


def test_both_languages_and_spans_keep_files_of_their_own(company: Path, twohour: Any) -> None:
    files = set()
    for language in ("zh", "en"):
        answer = twohour("report", "--day", "--at", at("18:00"), "--out", "r", "--language", language, "--json")
        files |= {name for name in json.loads(answer.out)["files"] if not name.endswith(".json")}
    assert len(files) == 4


def test_the_days_of_a_report_stand_above_its_figures(company: Path, twohour: Any) -> None:
    out = twohour("report", "--month", "--from", "2026-03-01", "--at", at("18:00"), "--out", "r").out
    assert "2026-03-01 to 2026-03-31, as known on 2026-03-02 18:00" in out.splitlines()[0]


def test_a_clock_of_the_policy_that_was_kept_counts_as_kept(company: Path, twohour: Any) -> None:
    contact = {"kind": "ticket_contacted", "at": at("08:00"), "ticket": "TK-4"}
    tell(twohour, company, contact, {"kind": "clock_kept", "at": at("09:00"), "ticket": "TK-4", "clock": "follow_up"})
    words = ("report", "--from", "2026-03-03", "--at", "2026-03-03T20:00:00+08:00", "--out", "r", "--json")
    follow_up = json.loads(twohour(*words).out)["clocks"]["follow_up"]
    # Due 24 h after the opening; of the important tickets one was kept.
    assert follow_up["n"] == 1
