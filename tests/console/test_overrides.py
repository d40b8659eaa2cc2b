"""`twohour overrides` at the command line."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.settings import Settings
from data_models.store import open_store
from flows import dispatch
from flows.editing import change_draft, finish_draft
from flows.planning import SearchLimit, judge, solve
from optimizer.editing import LeaveOut

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


def test_nothing_overruled(installation: Path, filled_store: Path, twohour: Any) -> None:
    shutil.copy(filled_store, installation / "store.sqlite")
    answer = twohour("overrides", "--from", "2026-03-02")
    assert (answer.status, answer.out.strip()) == (0, "Nobody changed a plan by hand that went out in these days.")
    assert twohour("overrides", "--from", "2026-03-02", "--to", "2026-03-01").status == 2
    assert twohour("overrides", "--from", "yesterday").status == 2


def test_reasons_are_counted_and_hostile_notes_are_only_text(installation: Path, filled_store: Path, twohour: Any) -> None:
    shutil.copy(filled_store, installation / "store.sqlite")
    settings = Settings(output_dir=installation / "papers")
    with open_store(f"sqlite:///{installation / 'store.sqlite'}") as store:
        snapshot = dispatch.make_snapshot(store, settings, dispatch.read_facts(store, settings, NOW))
        judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=20), 1))
        plan = dispatch.keep_draft(store, settings, snapshot, judged, seed=1, at=NOW)
        at = NOW + timedelta(minutes=1)
        change_draft(store, settings, plan, LeaveOut("TK-2"), reason="other", note="[red]\x1b[31m=1+1", by="王敏", at=at, seen=0)
        number = finish_draft(store, settings, plan, by="王敏", at=at, seen=1)
        dispatch.approve_and_publish(store, settings, number, by="王敏", at=at)
    answer = twohour("overrides", "--from", "2026-03-02")
    assert answer.status == 0
    assert "1 changes to 1 plans" in answer.out
    assert "leave out" in answer.out
    assert "\x1b[31m" not in answer.out
    found = json.loads(twohour("overrides", "--from", "2026-03-02", "--json").out)
    assert [(each["reason"], each["ticket"], each["verdict"]) for each in found["overrides"]] == [("other", "TK-2", "unknown")]
    assert found["by_reason"][0]["count"] == 1
