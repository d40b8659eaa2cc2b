"""A day and a night of events and re-plans, every tenth step killed: what was told is kept, once, as if nobody had been killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from config.settings import Settings
from data_models import tables
from data_models.case_files import parse_plan
from data_models.event_state import Told, ticket_state
from data_models.store import Store, open_store
from data_models.store.events import derived, rebuild
from data_models.store.log import event_in
from flows import dispatch
from flows.intake import import_table
from flows.planning import SearchLimit, judge, solve

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
EVENTS, A_STEP = 2000, 10
AFTER_THE_DEAD = timedelta(minutes=3)
"""When a re-plan is tried again: the lease of the run that died has ended by then."""

Company = Callable[[Path, datetime], list[tuple[str, Path]]]
Step = dict[str, Any]

SERVICE = """
import json, os, signal, sys
from datetime import datetime
from sqlalchemy import event
from sqlalchemy.engine import Engine
from config.settings import Settings
from data_models.events import read_event
from data_models.store import open_store
from flows.events import tell
from flows.planning import SearchLimit
from flows.reoptimizing import reoptimize, stand_in
settings = Settings(automatic={"goes_out": "small", "most_changes": 100}, output_dir=sys.argv[2], solver_workers=1)
asked, dies_at = 0, 0

def count(*_):
    global asked
    asked += 1
    if asked == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
event.listen(Engine, "commit", count)
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    for line in sys.stdin:
        step = json.loads(line)
        asked, dies_at = 0, step["dies_at"]
        told = tell(store, [read_event(event) for event in step["events"]], datetime.fromisoformat(step["now"]))
        action = ""
        if step["replans_at"]:
            at = datetime.fromisoformat(step["replans_at"])
            stand_in(store, settings, at)
            action = reoptimize(store, settings, at, limit=SearchLimit(iterations=100)).action
        print(json.dumps({"asked": asked, "action": action, "counts": told.counts}), flush=True)
"""


class Service:
    """A process that does one step after the other, and is started again after it was killed."""

    def __init__(self, url: str, papers: Path) -> None:
        self._command = [sys.executable, "-c", SERVICE, url, str(papers)]
        self._child: subprocess.Popen[str] | None = None

    def do(self, step: Step, *, dies_at: int = 0, killed_after_s: float | None = None) -> dict[str, Any] | None:
        """What the service says of a step; None when it did not live to say it.

        `dies_at` kills it before that question to the database, or before that commit; `killed_after_s` wherever it is then.
        """
        child = self._running()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(step | {"dies_at": dies_at}) + "\n")
        child.stdin.flush()
        if killed_after_s is not None:
            time.sleep(killed_after_s)  # anywhere in the step is right
            child.send_signal(signal.SIGKILL)
        said = child.stdout.readline()
        if not said.endswith("\n") or killed_after_s is not None:
            self.end()
        return json.loads(said) if said.endswith("\n") else None

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None:
            self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
            assert self._child.stdout is not None
            assert self._child.stdout.readline() == "ready\n"
        return self._child

    def end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def steps(seed: int) -> list[Step]:
    """Two hundred steps of ten events, over 24 hours; every tenth of them also plans again."""
    chance = random.Random(seed)
    made: list[Step] = []
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
                # Kits and length are told, so that nothing is completed by what a plan says.
                told = {"driving": {"kits": []}, "arrived": {"kits": [], "service_minutes": 45.0}}.get(what, {})
                visit = {"ticket": chance.choice(tickets), "technician": chance.choice(["T-1", "T-2", "T-3"])}
                event |= {"kind": f"technician_{what}", **visit, **told}
            events.append(event)
        made.append({"now": now.isoformat(), "events": events, "replans_at": now.isoformat() if number % 10 == 5 else ""})
    return made


def planned_company(store: Store, small_company: Company, folder: Path) -> None:
    """A small company at work round the clock, with a published plan."""
    for table, path in small_company(folder / "tables", NOW):
        assert not import_table(store, Settings(), table, path, now=NOW).rejected
    with store.session() as session:
        for who in session.scalars(select(tables.Technician.id)).all():
            for begin, end in ((12, 18), (19, 26)):
                times = {"starts_at": NOW + begin * timedelta(hours=1), "ends_at": NOW + end * timedelta(hours=1)}
                session.add(tables.Shift(technician_id=who, **times, overtime_minutes=0))
    snapshot = dispatch.make_snapshot(store, Settings(), dispatch.read_facts(store, Settings(), NOW))
    judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=200), 1))
    first = dispatch.keep_draft(store, Settings(), snapshot, judged, seed=1, at=NOW)
    dispatch.approve_and_publish(store, Settings(output_dir=folder / "papers"), first, by="王敏", at=NOW)


@contextmanager
def service(url: str, papers: Path) -> Iterator[Service]:
    one = Service(url, papers)
    try:
        yield one
    finally:
        one.end()


def after_death(step: Step) -> Step:
    """The step as it is tried again: the same events, and the re-plan once the dead run's lease is over."""
    at = step["replans_at"]
    return step | {"replans_at": (datetime.fromisoformat(at) + AFTER_THE_DEAD).isoformat() if at else ""}


def nothing_is_half_done(store: Store) -> None:
    """One plan is published, at most one draft waits, and the rows of each plan are all that its text says."""
    with store.reading() as session:
        plans = session.execute(select(tables.Plan.id, tables.Plan.state, tables.Plan.plan_json)).all()
        states = [plan.state for plan in plans]
        assert (states.count("published"), states.count("draft") <= 1) == (1, True), states
        query = select(tables.Route.plan_id, func.count()).join(tables.Visit, tables.Visit.route_id == tables.Route.id)
        visits = dict(session.execute(query.group_by(tables.Route.plan_id)).all())  # type: ignore[arg-type]
        for plan in plans:
            assert visits.get(plan.id, 0) == sum(len(route.stops) for route in parse_plan(plan.plan_json).routes)


def what_was_said(store: Store) -> dict[str, object]:
    """All that follows from what was told, and from nothing that a plan says: plans may differ, since a dead run is made up for later."""
    with store.session() as session:
        rows = session.scalars(select(tables.Event).where(tables.Event.by == "fire").order_by(tables.Event.id)).all()
        assert len(rows) == EVENTS == len({row.key for row in rows})
        known = session.scalars(select(tables.Event).where(tables.Event.kind == "ticket_known")).all()
        before = derived(session)
        rebuild(session)
        assert derived(session) == before
    found: dict[str, object] = {f"event {row.key}": event_in(row) for row in rows}
    told: dict[str, list[Told]] = {}
    for row in (*known, *rows):
        told.setdefault(row.ticket_id, []).append(Told(row.id, event_in(row)))
    found |= {f"state {ticket}": ticket_state(items)[0] for ticket, items in told.items() if ticket}
    return found | {name: row for name, row in before.items() if name.startswith(("position", "absence", "station_kit"))}


@pytest.mark.long
def test_every_tenth_step_killed_changes_nothing_in_the_end(
    small_company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, told = random.Random(7), steps(3)
    said: list[dict[str, object]] = []
    asked: dict[int, int] = {}
    seconds: dict[int, float] = {}
    died = 0
    for killing in (False, True):
        folder = tmp_path / str(killing)
        url = f"sqlite:///{folder / 'company.sqlite'}"
        with open_store(url) as store, service(url, folder / "papers") as serving:
            planned_company(store, small_company, folder)
            for number, step in enumerate(told):
                began, retried = time.perf_counter(), step
                if killing and number % 10 == 0:
                    died += serving.do(step, dies_at=chance.randrange(asked[number]) + 1) is None
                elif killing and number % 10 == 5:
                    died += serving.do(step, killed_after_s=chance.random() * seconds[number]) is None
                    retried = after_death(step)
                done = serving.do(retried)
                assert done is not None, step
                assert done["action"] not in ("busy", "no_plan"), step
                assert sum(done["counts"].values()) == A_STEP
                if not killing:
                    asked[number], seconds[number] = done["asked"], time.perf_counter() - began
                nothing_is_half_done(store)
                if number % 20 == 19:
                    with capsys.disabled():
                        print(
                            f"\n{'killed' if killing else 'unharmed'}: {number + 1} of {len(told)} steps, {died} deaths", end="", flush=True
                        )
            said.append(what_was_said(store))
    assert died >= 30  # of 40: some were killed after they had answered
    assert said[0] == said[1]
