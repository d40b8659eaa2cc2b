"""Approving over a real store: a part of a draft, another look at what happened since, and what was overruled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from config.settings import Settings
from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.events import read_event
from data_models.plan import Plan
from data_models.store import Store, add_events
from flows import dispatch
from flows.choosing import Part, approve_checked, approve_draft, approve_part, choose_part, what_happened_since
from flows.editing import change_draft, finish_draft, open_draft
from flows.overrides import overrides_between
from optimizer.edited_case import still_said
from optimizer.editing import Forbid, LeaveOut, Overtime
from optimizer.published import promises
from tests.flows.conftest import NOW, filled


@pytest.fixture
def draft(store: Store, ours: Settings, planned_morning) -> int:
    """Number of a draft in `store`; the people of ST-1 are in the east, those of ST-2 in the west."""
    written, snapshot, judged = planned_morning
    filled(store, ours, written)
    with store.session() as session:
        for station, region in (("ST-1", "east"), ("ST-2", "west")):
            session.execute(update(tables.Station).where(tables.Station.id == station).values(region=region))
    return dispatch.keep_draft(store, ours, snapshot, judged, seed=7, at=NOW)


def served_by(store: Store, plan: int, station: str) -> set[str]:
    kept = dispatch.read_plan(store, plan).judged
    homes = {who.id: who.station for who in kept.case.technicians}
    return {stop.ticket for route in kept.plan.routes if homes[route.technician] == station for stop in route.stops}


def is_mixed(store: Store, plan: int) -> bool:
    return bool(served_by(store, plan, "ST-1") & served_by(store, plan, "ST-2"))


def test_one_region_goes_out_and_the_other_follows(store: Store, ours: Settings, draft: int) -> None:
    assert not is_mixed(store, draft)
    look = choose_part(store, ours, draft, Part("regions", ("east",)))
    first = approve_part(store, ours, draft, Part("regions", ("east",)), by="王敏", at=NOW + timedelta(minutes=1), reason="ready")
    assert first.plan is not None
    assert first.chosen == look
    assert served_by(store, first.plan, "ST-1") == served_by(store, draft, "ST-1") != set()
    assert served_by(store, first.plan, "ST-2") == set()
    kept = dispatch.read_plan(store, first.plan)
    assert [(each["decision"], each["reason"]) for each in kept.decisions] == [
        ("approved", f"ready (regions of plan {draft}: east)"),
        ("published", ""),
    ]
    assert dispatch.read_plan(store, draft).state == "draft"
    assert first.papers
    second = approve_part(store, ours, draft, Part("regions", ("west",)), by="李强", at=NOW + timedelta(minutes=2))
    assert second.plan is not None
    assert promises(dispatch.read_plan(store, second.plan).judged.plan) == promises(dispatch.read_plan(store, draft).judged.plan)
    assert dispatch.read_plan(store, first.plan).state == "superseded"


def test_routes_and_emergencies_can_be_chosen(store: Store, ours: Settings, draft: int) -> None:
    urgent = choose_part(store, ours, draft, Part("emergencies"))
    assert urgent.plan is not None
    assert set(urgent.taken) == {"TK-3", "TK-5"}
    people = promises(dispatch.read_plan(store, draft).judged.plan)["TK-3"].technicians
    route = choose_part(store, ours, draft, Part("routes", people))
    assert route.plan is None or "TK-3" in route.taken
    for part, words in (
        (Part("routes", ("T-9",)), "no technician T-9"), (Part("routes"), "none is named"), (Part("regions", ("north",)), "nobody"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            choose_part(store, ours, draft, part)


def test_a_part_of_a_draft_that_another_plan_has_overtaken_is_refused(store: Store, ours: Settings, draft: int, planned_morning) -> None:
    _, snapshot, judged = planned_morning
    other = dispatch.keep_draft(store, ours, snapshot, judged, seed=7, at=NOW)
    dispatch.approve_and_publish(store, ours, other, by="w", at=NOW + timedelta(minutes=1))
    with pytest.raises(Conflict, match=f"made before plan {other} was published"):
        approve_part(store, ours, draft, Part("regions", ("east",)), by="w", at=NOW + timedelta(minutes=2))


def test_a_part_needs_a_draft_as_it_was_seen_without_open_edits(store: Store, ours: Settings, draft: int) -> None:
    east = Part("regions", ("east",))
    with pytest.raises(Conflict, match="changed after you looked at it"):
        approve_part(store, ours, draft, east, by="w", at=NOW, seen=99)
    change_draft(store, ours, draft, LeaveOut("TK-2"), reason="customer_asked", by="王敏", at=NOW, seen=0)
    with pytest.raises(Conflict, match=r"王敏 .* made change 1"):
        approve_part(store, ours, draft, east, by="w", at=NOW)
    dispatch.reject_plan(store, draft, by="李强", at=NOW, reason="no")
    with pytest.raises(Conflict, match=r"is rejected .* 李强"):
        approve_part(store, ours, draft, east, by="w", at=NOW)


def told(store: Store, at: datetime, *events: dict) -> None:
    facts = [read_event({"key": f"{e['kind']}-{i}-{at:%H%M}", "by": "test", "at": at.isoformat(), **e}) for i, e in enumerate(events)]
    with store.session() as session:
        assert all(answer.verdict not in ("refused",) for answer in add_events(session, facts, at))


def test_nothing_happened_is_told_as_nothing(store: Store, ours: Settings, draft: int) -> None:
    since = what_happened_since(store, ours, draft, NOW + timedelta(minutes=2))
    assert (since.happened, since.stands_against) == ((), ())
    assert approve_checked(store, ours, draft, by="w", at=NOW + timedelta(minutes=2))


def test_what_happened_since_is_told_and_a_plan_that_no_longer_fits_is_held_back(store: Store, ours: Settings, draft: int) -> None:
    at = NOW + timedelta(minutes=3)
    told(store, at, {"kind": "ticket_cancelled", "ticket": "TK-1", "reason": "mended"})
    since = what_happened_since(store, ours, draft, at)
    assert since.happened == ("ticket TK-1 is gone before work on it began",)
    assert since.stands_against == ("ticket TK-1 does not wait for this visit any more",)
    with pytest.raises(Conflict, match="TK-1 does not wait for this visit any more; plan again"):
        approve_checked(store, ours, draft, by="w", at=at)
    assert dispatch.read_plan(store, draft).state == "draft"
    assert approve_checked(store, ours, draft, by="w", at=at, anyway=True)


def test_a_draft_is_held_against_what_happened_with_its_edits(store: Store, ours: Settings, draft: int) -> None:
    at = NOW + timedelta(minutes=3)
    told(store, at, {"kind": "ticket_cancelled", "ticket": "TK-1", "reason": "mended"})
    with pytest.raises(Conflict, match="TK-1 does not wait"):
        approve_draft(store, ours, draft, by="w", at=at)
    change_draft(store, ours, draft, LeaveOut("TK-1"), reason="customer_asked", by="w", at=at, seen=0)
    kept = approve_draft(store, ours, draft, by="w", at=at, edits=1)
    assert [dispatch.read_plan(store, number).state for number in (kept.id, draft)] == ["published", "rejected"]
    assert "TK-1" not in promises(kept.judged.plan)


def test_an_edited_draft_is_approved_whole_or_stays_as_it_is(store: Store, ours: Settings, draft: int) -> None:
    change_draft(store, ours, draft, LeaveOut("TK-1"), reason="customer_asked", by="w", at=NOW, seen=0)
    for wrong in ({"edits": 1, "version": 99}, {"edits": 2}, {"edits": 0}):
        with pytest.raises(Conflict):
            approve_draft(store, ours, draft, by="w", at=NOW + timedelta(minutes=2), **wrong)
        with pytest.raises(NotFound):
            dispatch.read_plan(store, draft + 1)
    assert dispatch.read_plan(store, draft).state == "draft"


def test_overtime_of_an_edit_counts_in_the_second_look_as_long_as_its_shift_is_there(store: Store, ours: Settings, draft: int) -> None:
    base = open_draft(store, ours, draft).state.base
    who = base.technicians[0]
    longer = Overtime(who.id, 0, 30)
    later = replace(base, technicians=(replace(who, shifts=()), *base.technicians[1:]))
    gone = replace(base, technicians=base.technicians[1:])
    assert [list(still_said(base, now, [longer])) for now in (base, later, gone)] == [[longer], [], []]


def test_what_coordinators_changed_is_no_news(store: Store, ours: Settings, draft: int) -> None:
    route = open_draft(store, ours, draft).state.plan.routes[0]
    ban = Forbid(route.stops[0].ticket, route.technician)
    change_draft(store, ours, draft, ban, reason="training", by="w", at=NOW, seen=0)
    number = finish_draft(store, ours, draft, by="w", at=NOW, seen=1)
    assert what_happened_since(store, ours, number, NOW + timedelta(minutes=2)).happened == ()


def test_what_was_overruled_and_how_it_went(store: Store, ours: Settings, draft: int) -> None:
    plan: Plan = open_draft(store, ours, draft).state.plan
    advice = promises(plan)
    ban = Forbid("TK-2", advice["TK-2"].technicians[0])
    made = change_draft(store, ours, draft, ban, reason="local_knowledge", note="knows the gate", by="王敏", at=NOW, seen=0)
    change_draft(store, ours, draft, LeaveOut("TK-4"), reason="customer_asked", by="王敏", at=NOW, seen=1)
    day = (NOW - timedelta(hours=1), NOW + timedelta(hours=23))
    assert overrides_between(store, *day).overrides == ()  # nothing went out yet
    number = finish_draft(store, ours, draft, by="王敏", at=NOW + timedelta(minutes=1), seen=2)
    dispatch.approve_and_publish(store, ours, number, by="王敏", at=NOW + timedelta(minutes=2))
    (who,) = promises(made.outcome.state.plan)["TK-2"].technicians
    arrives, done = NOW + timedelta(hours=2), NOW + timedelta(hours=3)
    visit = {"ticket": "TK-2", "technician": who}
    told(store, arrives, {"kind": "technician_arrived", **visit})
    told(store, done, {"kind": "technician_finished", **visit})

    report = overrides_between(store, *day)
    gate, left = report.overrides
    assert (gate.ticket, gate.reason, gate.note, gate.kind, gate.by) == ("TK-2", "local_knowledge", "knows the gate", "forbid", "王敏")
    assert gate.advised is not None
    assert gate.decided is not None
    assert gate.advised.technicians == advice["TK-2"].technicians
    assert gate.decided.technicians == (who,)
    assert gate.verdict == "kept"  # on site within the promise, as the advice had it too
    planned = (gate.advised.finish - gate.advised.start).total_seconds() / 60
    assert gate.work_minutes_beyond == pytest.approx(60 - planned)
    assert (left.ticket, left.decided, left.verdict) == ("TK-4", None, "unknown")
    assert {(row.name, row.count) for row in report.by_reason} == {("local_knowledge", 1), ("customer_asked", 1)}
    assert (report.plans, report.untouched.of) == (1, 0)
    costs = [edit.cost_after - edit.cost_before for edit in open_draft(store, ours, draft).edits.counting]
    assert report.cost_change == pytest.approx(sum(costs), abs=0.01)
    from data_models.overrides import overrides_dict

    assert json.loads(json.dumps(overrides_dict(report)))["overrides"][0]["verdict"] == "kept"
    assert overrides_between(store, day[1], day[1] + timedelta(days=1)).overrides == ()


def test_a_verdict_needs_what_was_told() -> None:
    from data_models.overrides import Advised, Happened, Override

    due = NOW + timedelta(hours=2)
    base = Override(1, 1, "move", "traffic", "", "w", NOW, "A", advised=Advised(("T",), due, due + timedelta(hours=1)))
    late = replace(base, advised=Advised(("T",), due + timedelta(seconds=1), due + timedelta(hours=1)))
    for on_site, as_advised, against_late in (
        (None, "unknown", "unknown"),
        (due, "kept", "gained"),
        (due + timedelta(seconds=1), "lost", "no_better"),
    ):
        went = Happened(due, on_site)
        assert (replace(base, happened=went).verdict, replace(late, happened=went).verdict) == (as_advised, against_late)
    assert replace(base, advised=None, happened=Happened(due, due)).verdict == "gained"
