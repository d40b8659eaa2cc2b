"""Drafts changed by hand over a real store: what is kept, undone, overtaken and finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from config.settings import Settings
from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.snapshot import Snapshot
from data_models.store import Store, open_store
from flows import dispatch
from flows.editing import Workbench, change_draft, finish_draft, improve, open_draft, redo, undo
from flows.manual_changes import change_facts, read_change
from flows.planning import JudgedPlan, SearchLimit
from optimizer.editing import Forbid, LeaveOut, ManualChange, Move, Pin, PutIn, State
from optimizer.explanation import Change
from optimizer.manual import Away, Improve, Overtime, Release, Swap, TakeRemedy
from tests.flows.conftest import NOW, filled


@pytest.fixture
def draft(store: Store, ours: Settings, planned_morning) -> int:
    """Number of a draft in `store`."""
    written, snapshot, judged = planned_morning
    filled(store, ours, written)
    return dispatch.keep_draft(store, ours, snapshot, judged, seed=7, at=NOW)


def left_out(store: Store, ours: Settings, plan: int, ticket: str, seen: int, by: str = "王敏", **more):
    return change_draft(
        store, ours, plan, LeaveOut(ticket), **{"reason": "customer_asked", "by": by, "at": NOW + timedelta(minutes=5), "seen": seen} | more
    )


def test_a_change_is_kept_with_its_reason_and_undone_and_made_again(store: Store, ours: Settings, draft: int) -> None:
    bench = Workbench()
    before = open_draft(store, ours, draft, bench)
    made = left_out(store, ours, draft, "TK-1", 0, note="nobody there", bench=bench)
    assert (made.seen, made.outcome.left_out) == (1, ("TK-1",))
    after = open_draft(store, ours, draft)
    assert after.state.plan == made.outcome.state.plan
    assert after.state.changes == (LeaveOut("TK-1"),)
    (edit,) = after.edits.edits
    assert (edit.kind, edit.details, edit.reason, edit.note, edit.by) == (
        "leave_out",
        {"ticket": "TK-1"},
        "customer_asked",
        "nobody there",
        "王敏",
    )
    assert edit.cost_after - edit.cost_before == pytest.approx(made.outcome.cost_change["total"], abs=0.01)

    back = undo(store, ours, draft, by="李强", at=NOW + timedelta(minutes=6), seen=1)
    assert (back.state, back.seen, back.can_undo, back.can_redo) == (before.state, 0, False, True)
    again = redo(store, ours, draft, by="李强", at=NOW + timedelta(minutes=7), seen=0)
    assert (again.state, again.seen, again.can_redo) == (after.state, 1, False)


def test_another_change_after_undoing_ends_redoing_and_nothing_is_lost(store: Store, ours: Settings, draft: int) -> None:
    left_out(store, ours, draft, "TK-1", 0)
    left_out(store, ours, draft, "TK-2", 1)
    undo(store, ours, draft, by="w", at=NOW, seen=2)
    assert left_out(store, ours, draft, "TK-4", 1).seen == 3
    now = open_draft(store, ours, draft)
    assert [(edit.number, edit.undone) for edit in now.edits.edits] == [(1, False), (2, True), (3, False)]
    assert now.state.changes == (LeaveOut("TK-1"), LeaveOut("TK-4"))
    with pytest.raises(Conflict, match="no change to make again"):
        redo(store, ours, draft, by="w", at=NOW, seen=3)
    for seen in (3, 1):
        now = undo(store, ours, draft, by="w", at=NOW, seen=seen)
    with pytest.raises(Conflict, match="no change left to undo"):
        undo(store, ours, draft, by="w", at=NOW, seen=0)
    # Both that were undone last come back in their order; the one that was overtaken does not.
    assert redo(store, ours, draft, by="w", at=NOW, seen=0).seen == 1
    assert redo(store, ours, draft, by="w", at=NOW, seen=1).state.changes == (LeaveOut("TK-1"), LeaveOut("TK-4"))


def test_the_second_of_two_coordinators_sees_who_was_first(store: Store, ours: Settings, draft: int) -> None:
    left_out(store, ours, draft, "TK-1", 0, by="王敏")
    with pytest.raises(
        Conflict, match=r"changed after you looked at it: 王敏 \(2026-03-02 00:05 UTC\) made change 1, leave out TK-1; look again"
    ):
        left_out(store, ours, draft, "TK-2", 0, by="李强")
    undo(store, ours, draft, by="王敏", at=NOW + timedelta(minutes=9), seen=1)
    with pytest.raises(Conflict, match=r"王敏 \(2026-03-02 00:09 UTC\) undid change 1"):
        left_out(store, ours, draft, "TK-2", 1, by="李强")
    assert len(open_draft(store, ours, draft).edits.edits) == 1


def test_two_at_the_same_moment_do_not_both_win(store: Store, ours: Settings, draft: int) -> None:
    import threading

    ready, results = threading.Barrier(2), []

    def work(ticket: str) -> None:
        ready.wait(30)
        try:
            results.append(left_out(store, ours, draft, ticket, 0, by=ticket).seen)
        except Conflict as error:
            results.append(str(error))

    threads = [threading.Thread(target=work, args=(ticket,)) for ticket in ("TK-1", "TK-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(type, results), key=str) == [int, str]
    assert len(open_draft(store, ours, draft).edits.edits) == 1


def test_a_change_that_breaks_a_rule_leaves_the_draft_as_it_was(store: Store, ours: Settings, draft: int) -> None:
    before = open_draft(store, ours, draft)
    # Lhasa is out of everybody's reach.
    found = change_draft(store, ours, draft, PutIn("TK-6", ("T-1",)), reason="customer_asked", by="w", at=NOW, seen=0)
    assert not found.outcome.accepted
    assert found.outcome.violations
    assert (found.seen, open_draft(store, ours, draft)) == (0, before)


@pytest.mark.parametrize(
    ("reason", "note", "words"),
    [("", "", "not in the list"), ("because", "", "not in the list"), ("other", " ", "needs a note"), ("other", "x" * 501, "at most 500")],
)
def test_a_reason_is_asked_for(store: Store, ours: Settings, draft: int, reason: str, note: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        left_out(store, ours, draft, "TK-1", 0, reason=reason, note=note)


def test_a_finished_draft_is_a_plan_of_its_own_and_can_be_published(store: Store, ours: Settings, draft: int) -> None:
    with pytest.raises(Conflict, match="no changes to finish"):
        finish_draft(store, ours, draft, by="w", at=NOW, seen=0)
    told = open_draft(store, ours, draft).state.plan.routes[0]
    forbidden = Forbid(told.stops[0].ticket, told.technician)
    change_draft(store, ours, draft, forbidden, reason="training", by="王敏", at=NOW, seen=0)
    with pytest.raises(Conflict, match="1 changes that are not finished, the last by 王敏"):
        dispatch.approve_plan(store, draft, by="w", at=NOW)
    with pytest.raises(Conflict, match="made change 1, forbid"):
        finish_draft(store, ours, draft, by="w", at=NOW, seen=0)
    number = finish_draft(store, ours, draft, by="王敏", at=NOW + timedelta(minutes=9), seen=1)

    kept = dispatch.read_plan(store, number)
    assert kept.judged.violations == ()
    assert kept.snapshot.case.ticket_by_id[forbidden.ticket].banned == (forbidden.technician,)
    assert kept.created_at == NOW
    was = dispatch.read_plan(store, draft)
    assert (was.state, was.decisions[-1]["reason"]) == ("rejected", f"edited into plan {number}")
    with store.reading() as session:
        assert session.get_one(tables.Plan, number).parent_id == draft
    with pytest.raises(Conflict, match=rf"is rejected and cannot be changed any more: 王敏 .* \(edited into plan {number}\)"):
        left_out(store, ours, draft, "TK-1", 1)
    dispatch.approve_and_publish(store, ours, number, by="w", at=NOW + timedelta(minutes=10))
    assert dispatch.read_plan(store, number).state == "published"


def test_the_rest_is_improved_around_what_was_fixed(store: Store, ours: Settings, draft: int) -> None:
    limit = SearchLimit(iterations=200)
    served = {stop.ticket: route.technician for route in open_draft(store, ours, draft).state.plan.routes for stop in route.stops}
    other = next(who for who in ("T-1", "T-2") if who != served["TK-2"])
    moved = change_draft(store, ours, draft, Move("TK-2", other), reason="local_knowledge", by="w", at=NOW, seen=0)
    out = left_out(store, ours, draft, "TK-4", moved.seen)
    found = improve(store, ours, draft, by="w", at=NOW, seen=out.seen, limit=limit)
    state = open_draft(store, ours, draft).state
    assert state == found.outcome.state
    assert state.score.cost.total <= out.outcome.state.score.cost.total
    now = {stop.ticket: route.technician for route in state.plan.routes for stop in route.stops}
    assert now["TK-2"] == other
    assert "TK-4" not in now
    assert {each.ticket for each in state.plan.unassigned} == {"TK-4", "TK-6"}
    # Nothing better: nothing is kept.
    assert improve(store, ours, draft, by="w", at=NOW, seen=found.seen, limit=limit).seen == found.seen


def test_edits_cannot_be_deleted_or_rewritten(store: Store, ours: Settings, draft: int) -> None:
    left_out(store, ours, draft, "TK-1", 0)
    for statement in ("DELETE FROM plan_edit", "UPDATE plan_edit SET note = 'x'", "UPDATE plan_edit SET plan_json = ''"):
        with pytest.raises(Conflict, match="only undone and redone"), store.session() as session:
            session.execute(text(statement))
    with store.session() as session:
        session.execute(text("UPDATE plan_edit SET marked_by = 'x'"))


def test_a_plan_of_another_region_does_not_exist_here(store: Store, ours: Settings, draft: int) -> None:
    with pytest.raises(NotFound, match=f"Plan {draft} does not exist"):
        open_draft(store, ours.model_copy(update={"region": "north"}), draft)
    with pytest.raises(NotFound):
        undo(store, ours.model_copy(update={"region": "north"}), draft, by="w", at=NOW, seen=0)
    with pytest.raises(NotFound):
        open_draft(store, ours, 999)


def test_killed_in_mid_edit_loses_nothing_confirmed(tmp_path: Path, ours: Settings, planned_morning) -> None:
    written, snapshot, judged = planned_morning
    url = f"sqlite:///{tmp_path / 'killed.sqlite'}"
    with open_store(url) as store:
        filled(store, ours, written)
        draft = dispatch.keep_draft(store, ours, snapshot, judged, seed=7, at=NOW)
    script = textwrap.dedent(f"""
        import os, signal
        from datetime import UTC, datetime
        from config.settings import Settings
        from data_models.store import open_store
        from data_models.store.edits import lock_draft
        from flows.editing import change_draft
        from optimizer.editing import LeaveOut

        at = datetime(2026, 3, 2, tzinfo=UTC)
        store = open_store({url!r})
        change_draft(store, Settings(), {draft}, LeaveOut("TK-1"), reason="safety", by="w", at=at, seen=0)
        print("confirmed", flush=True)
        import flows.editing as editing
        kept = editing.add_edit
        def killed(*given, **named):
            kept(*given, **named)
            os.kill(os.getpid(), signal.SIGKILL)
        editing.add_edit = killed
        change_draft(store, Settings(), {draft}, LeaveOut("TK-2"), reason="safety", by="w", at=at, seen=1)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "."}, check=False
    )
    assert (done.stdout, done.returncode) == ("confirmed\n", -signal.SIGKILL), done.stderr
    with open_store(url) as store:
        assert open_draft(store, ours, draft).state.changes == (LeaveOut("TK-1"),)
        assert left_out(store, ours, draft, "TK-2", 1).seen == 2


@pytest.mark.parametrize(
    "change",
    [
        Move("A", "T", "U", NOW, 2, 0), Pin("A", ("T", "U"), NOW, None), Release("A"), Forbid("A", "T"), Swap("A", "B"), LeaveOut("A"),
        PutIn("A", ("T",), None, 1), Away("T", NOW, NOW), Overtime("T", 0, 30), Improve(3),
        TakeRemedy("A", Change("overtime", technician="T", shift=0, minutes=30)),
    ],
)  # fmt: skip
def test_changes_are_read_as_they_were_written(change) -> None:
    import json

    assert read_change(json.loads(json.dumps(change_facts(change)))) == change


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"kind": "explode"},
        {"kind": "move"},
        {"kind": "move", "ticket": "A", "position": "first"},
        {"kind": "away", "technician": "T", "start": "x"},
    ],
)
def test_facts_that_are_no_change_are_refused(facts) -> None:
    with pytest.raises(BadInput, match=r"^change"):
        read_change(facts)


def test_every_edit_row_has_the_plan_after_it(store: Store, ours: Settings, draft: int) -> None:
    states = [left_out(store, ours, draft, ticket, seen).outcome.state for seen, ticket in enumerate(("TK-1", "TK-2"))]
    with store.reading() as session:
        rows = list(session.scalars(select(tables.PlanEdit).order_by(tables.PlanEdit.number)))
    from data_models.case_files import parse_plan

    assert [parse_plan(row.plan_json) for row in rows] == [state.plan for state in states]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["change", "change", "undo", "redo"]), st.integers(0, 50), st.integers(0, 50)), max_size=8))
def test_undoing_all_gives_the_draft_as_it_was_and_redoing_all_as_it_became(quick: tuple[Store, Snapshot, JudgedPlan], steps) -> None:
    store, snapshot, judged = quick
    ours, bench = Settings(timezone="Asia/Shanghai"), Workbench()
    plan = dispatch.keep_draft(store, ours, snapshot, judged, seed=7, at=NOW)
    more = {"by": "w", "at": NOW, "bench": bench}
    draft = open_draft(store, ours, plan)
    original = draft.state
    states, place = [draft.state], 0  # what undoing and redoing go back and forth between
    for what, one, other in steps:
        if what == "change":
            change = _drawn(draft.state, one, other)
            found = change_draft(store, ours, plan, change, reason="training", seen=draft.seen, **more)
            if found.outcome.accepted:
                states, place = [*states[: place + 1], found.outcome.state], place + 1
        elif what == "undo" and place:
            undo(store, ours, plan, seen=draft.seen, **more)
            place -= 1
        elif what == "redo" and place < len(states) - 1:
            redo(store, ours, plan, seen=draft.seen, **more)
            place += 1
        draft = open_draft(store, ours, plan)
        assert draft.state == states[place]
        assert (draft.can_undo, draft.can_redo) == (place > 0, place < len(states) - 1)
    while draft.can_undo:
        draft = undo(store, ours, plan, seen=draft.seen, **more)
    assert draft.state == original
    while draft.can_redo:
        draft = redo(store, ours, plan, seen=draft.seen, **more)
    assert draft.state == states[-1]


@pytest.fixture(scope="module")
def quick(planned_morning, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Snapshot, JudgedPlan]]:
    """An SQLite store for many drafts."""
    written, snapshot, judged = planned_morning
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('quick') / 'quick.sqlite'}") as opened:
        filled(opened, Settings(), written)
        yield opened, snapshot, judged


def _drawn(state: State, one: int, other: int) -> ManualChange:
    """Some change that suits the state: it may break a rule."""
    planned = sorted({stop.ticket for route in state.plan.routes for stop in route.stops})
    people = [who.id for who in state.case.technicians]
    who, at = people[one % len(people)], NOW + timedelta(minutes=5 * other)
    if not planned:
        return PutIn(state.plan.unassigned[one % len(state.plan.unassigned)].ticket)
    ticket = planned[other % len(planned)]
    away = Away(who, at, at + timedelta(hours=1))
    return [LeaveOut(ticket), Move(ticket, not_before=at), Forbid(ticket, who), Pin(ticket, (), None, at), away][one % 5]
