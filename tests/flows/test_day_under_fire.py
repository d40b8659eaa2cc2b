"""A day and a night of events and re-plans, every tenth step killed: what was told is kept, once, as if nobody had been killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config.settings import Settings
from data_models import tables
from data_models.store import open_store
from data_models.store.events import derived, rebuild
from flows import dispatch
from flows.intake import import_table
from flows.planning import SearchLimit, judge, solve

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
EVENTS, A_STEP = 2000, 10
Company = Callable[[Path, datetime], list[tuple[str, Path]]]

STEP = """
import json, sys
from datetime import datetime
from config.settings import Settings
from data_models.events import read_event
from data_models.store import open_store
from flows.events import tell
from flows.planning import SearchLimit
from flows.reoptimizing import reoptimize, stand_in
settings = Settings(automatic={"goes_out": "small", "most_changes": 100}, output_dir=sys.argv[2])
print("ready", flush=True)
step = json.loads(sys.stdin.read())
now = datetime.fromisoformat(step["now"])
with open_store(sys.argv[1]) as store:
    tell(store, [read_event(event) for event in step["events"]], now)
    if step["replan"]:
        stand_in(store, settings, now)
        reoptimize(store, settings, now, limit=SearchLimit(iterations=100))
print("done", flush=True)
"""


def steps(seed: int) -> list[dict[str, object]]:
    """Two hundred steps of ten events, over 24 hours; every tenth of them also plans again."""
    chance = random.Random(seed)
    made: list[dict[str, object]] = []
    tickets = [f"TK-{n}" for n in range(1, 6)]
    for number in range(EVENTS // A_STEP):
        now = NOW + number * timedelta(minutes=7)
        events = []
        for _ in range(A_STEP):
            at = now - timedelta(minutes=chance.randrange(30))
            what = chance.choice(["opened", "arrived", "finished", "driving", "contacted", "sick", "back", "cancelled", "reopened"])
            event = {"at": max(at, NOW).isoformat(), "key": f"{number} {len(events)}", "by": "fire"}
            if what == "opened":
                ticket = f"N-{number}-{len(events)}"
                tickets.append(ticket)
                severity = chance.choice(["emergency", "general"])
                event |= {"kind": "ticket_opened", "ticket": ticket, "site": "S-2", "severity": severity, "type": "equipment-fault"}
            elif what in ("sick", "back"):
                event |= {"kind": f"technician_{what}", "technician": chance.choice(["T-1", "T-2"])}
            elif what in ("contacted", "cancelled", "reopened"):
                event |= {"kind": f"ticket_{what}", "ticket": chance.choice(tickets)}
            else:
                event |= {
                    "kind": f"technician_{what}",
                    "ticket": chance.choice(tickets),
                    "technician": chance.choice(["T-1", "T-2", "T-3"]),
                }
            events.append(event)
        made.append({"now": now.isoformat(), "events": events, "replan": number % 10 == 5})
    return made


def run(step: dict[str, object], url: str, papers: Path, kill_after: float | None) -> bool:
    """Whether the step was done; it is killed some time after it began when `kill_after` says so."""
    child = subprocess.Popen(
        [sys.executable, "-c", STEP, url, str(papers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.stdin.write(json.dumps(step))
    child.stdin.close()
    if kill_after is not None:
        time.sleep(kill_after)  # anywhere in the step is right
        child.send_signal(signal.SIGKILL)
    said = child.stdout.read()
    child.wait()
    return said == "done\n"


@pytest.mark.long
def test_every_tenth_step_killed_changes_nothing_in_the_end(small_company: Company, tmp_path: Path) -> None:
    chance, told = random.Random(7), steps(3)
    states = []
    for killing in (False, True):
        folder = tmp_path / str(killing)
        url = f"sqlite:///{folder / 'company.sqlite'}"
        with open_store(url) as store:
            for table, path in small_company(folder / "tables", NOW):
                assert not import_table(store, Settings(), table, path, now=NOW).rejected
            snapshot = dispatch.make_snapshot(store, Settings(), dispatch.read_facts(store, Settings(), NOW))
            judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=200), 1))
            first = dispatch.keep_draft(store, Settings(), snapshot, judged, seed=1, at=NOW)
            dispatch.approve_and_publish(store, Settings(output_dir=folder / "papers"), first, by="王敏", at=NOW)
        for number, step in enumerate(told):
            if killing and number % 10 in (0, 5):
                run(step, url, folder / "papers", chance.random() * (3.0 if step["replan"] else 0.3))
            assert run(step, url, folder / "papers", None), step
        with open_store(url) as store, store.session() as session:
            keys = session.scalars(select(tables.Event.key).where(tables.Event.by == "fire")).all()
            assert len(keys) == EVENTS == len(set(keys))
            published = session.scalar(select(func.count()).select_from(tables.Plan).where(tables.Plan.state == "published")) or 0
            assert published == 1
            assert session.scalar(select(func.max(tables.Plan.id))) >= 2  # type: ignore[operator]
            before = derived(session)
            rebuild(session)
            assert derived(session) == before
            # Clocks are kept with plans, and a run that was killed may have had no second chance to make one.
            states.append({name for name in before if name.startswith("ticket ")} | set(keys))
            states[-1] |= {row for name, row in before.items() if name.startswith(("position", "absence", "station_kit"))}
    assert states[0] == states[1]
