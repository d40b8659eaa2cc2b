"""Planning again through a day in which nothing new happens: what people were told and have set out for stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from data_models.plan import Plan
from data_models.snapshot import Snapshot
from data_models.store import Store, approve, publish
from flows import dispatch
from flows.intake import import_table
from flows.planning import SearchLimit, judge, solve

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Company = Callable[[Path, datetime], list[tuple[str, Path]]]


@pytest.fixture
def company(store: Store, small_company: Company, tmp_path: Path) -> Store:
    """The small company, once on SQLite and once on PostgreSQL."""
    for table, path in small_company(tmp_path / "tables", NOW):
        assert not import_table(store, Settings(), table, path, now=NOW).rejected
    return store


def planned(store: Store, at: datetime, *, publishing: bool) -> tuple[Snapshot, Plan]:
    settings = Settings(timezone="Asia/Shanghai")
    snapshot = dispatch.make_snapshot(store, settings, dispatch.read_facts(store, settings, at))
    judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=5), 1))
    assert judged.violations == ()
    if publishing:
        number = dispatch.keep_draft(store, settings, snapshot, judged, seed=1, at=at)
        with store.session() as session:
            approve(session, number, "王敏", at)
            publish(session, number, "王敏", at)
    return snapshot, judged.plan


def visits(plan: Plan) -> dict[str, tuple[datetime, datetime, set[str]]]:
    """Start, finish and crew of each planned ticket."""
    found: dict[str, tuple[datetime, datetime, set[str]]] = {}
    for route in plan.routes:
        for stop in route.stops:
            crew = found[stop.ticket][2] if stop.ticket in found else set()
            found[stop.ticket] = (stop.start, stop.finish, crew | {route.technician})
    return found


@pytest.mark.parametrize("publish_every", [1, 3])
def test_planning_again_keeps_what_has_begun_and_what_is_on_the_way(company: Store, publish_every: int) -> None:
    """Every 20 minutes a plan is made, and each or every third one is published."""
    snapshot, plan = planned(company, NOW, publishing=True)
    told = visits(plan)
    due = {ticket.id: ticket.due for ticket in snapshot.case.tickets}
    locked_seen = 0
    for step in range(1, 16):
        now = NOW + step * 20 * MINUTE
        publishing = step % publish_every == 0
        snapshot, plan = planned(company, now, publishing=publishing)
        again = visits(plan)
        begun = {ticket: visit for ticket, visit in told.items() if visit[0] <= now}

        assert not begun.keys() & again.keys()
        assert begun.keys() == {item.ticket for item in snapshot.context.being_served}
        for ticket, (start, finish, crew) in told.items():
            if ticket in begun:
                for person in crew:
                    out = snapshot.case.technician_by_id[person].start
                    assert finish <= now or (out is not None and out.at >= finish)
            else:
                assert again[ticket][0] <= max(due[ticket], start)
        for commitment in snapshot.case.committed:
            if commitment.locked:
                locked_seen += 1
                assert again[commitment.ticket] == told[commitment.ticket]
        if publishing:
            told |= again
    assert locked_seen > 0
    assert begun.keys() == {"TK-1", "TK-2", "TK-3", "TK-4", "TK-5"}
