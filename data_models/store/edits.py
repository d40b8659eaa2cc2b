"""The edits of drafts: one row for each, with the plan after it; undoing and redoing mark rows and lose nothing.

Which edits count is all that changes: the plan of a draft is the one after its last edit that counts. Whoever writes says what they have
seen; whoever comes second is told who was first, and with what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, joinedload

from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.manual_edits import EDIT_REASONS, IMPROVE, MOST_NOTE, EditMade, EditReason, EditsOfDraft
from data_models.store.audit import write_audit


def edits_of(session: Session, plan_id: int) -> EditsOfDraft:
    """The edits of a draft, and its plan as they leave it."""
    rows = _rows(session, plan_id)
    last = max((row.number for row in rows if not row.undone), default=0)
    text = session.scalar(select(tables.PlanEdit.plan_json).where(tables.PlanEdit.plan_id == plan_id, tables.PlanEdit.number == last))
    return EditsOfDraft(plan_id, tuple(_edit(row) for row in rows), text or "")


def add_edit(
    session: Session,
    plan_id: int,
    seen: int,
    *,
    kind: str,
    details: Mapping[str, Any],
    reason: str,
    note: str,
    by: str,
    at: datetime,
    plan_json: str,
    cost_before: float,
    cost_after: float,
) -> int:
    """Keep an edit of a draft after the edit `seen`; gives its number.

    Raises
    ------
    NotFound
        There is no such plan.
    BadInput
        The reason is not in the list, or `other` has no note.
    Conflict
        The plan is no draft any more, or somebody has changed it after the edit `seen`; the message names who, and what they did.
    """
    if kind != IMPROVE:
        must_have_reason(reason, note)
    lock_draft(session, plan_id, seen)
    number = (session.scalar(select(func.max(tables.PlanEdit.number)).where(tables.PlanEdit.plan_id == plan_id)) or 0) + 1
    session.add(
        tables.PlanEdit(
            plan_id=plan_id,
            number=number,
            follows=seen,
            kind=kind,
            details=dict(details),
            reason=reason,
            note=note,
            by=by,
            at=at,
            plan_json=plan_json,
            cost_before=cost_before,
            cost_after=cost_after,
        )
    )
    session.flush()
    told = {"number": number, "kind": kind, **details, "reason": reason, "note": note}
    write_audit(session, by, "plan edited", f"plan {plan_id}", at, told)
    return number


def undo_edit(session: Session, plan_id: int, seen: int, by: str, at: datetime) -> EditMade:
    """Take back the last edit that counts; gives it. Raises as `add_edit`, and `Conflict` when none is left."""
    row = _row(session, plan_id, lock_draft(session, plan_id, seen).seen)
    if row is None:
        raise Conflict(f"Plan {plan_id} has no change left to undo")
    return _mark(session, row, by, at, undone=True)


def redo_edit(session: Session, plan_id: int, seen: int, by: str, at: datetime) -> EditMade:
    """Make the edit again that was taken back last; gives it. Raises as `add_edit`, and `Conflict` when there is none."""
    edit = lock_draft(session, plan_id, seen).to_redo
    row = None if edit is None else _row(session, plan_id, edit.number)
    if row is None:
        raise Conflict(f"Plan {plan_id} has no change to make again")
    return _mark(session, row, by, at, undone=False)


def edited_plans(session: Session, start: datetime, end: datetime, region: str = "") -> list[tuple[tables.Plan, tables.Plan]]:
    """Drafts with an edit from `start` to before `end` whose finished plan went out, each with that plan, oldest first."""
    plan, finished, edit = tables.Plan, aliased(tables.Plan), tables.PlanEdit
    query = (
        select(plan, finished)
        .join(finished, finished.parent_id == plan.id)
        .where(finished.published_at.is_not(None), plan.state == "rejected")
        .where(plan.id.in_(select(edit.plan_id).where(edit.at >= start, edit.at < end, edit.undone.is_(False))))
        .options(joinedload(plan.snapshot))
        .order_by(plan.id)
    )
    rows = session.execute(query.where(plan.region == region) if region else query).all()
    return [(draft, row) for draft, row in rows if "edits" in row.settings]


def must_have_reason(reason: str, note: str) -> None:
    """Raises `BadInput` for a reason that is not in the list, `other` without a note, and a note that is too long."""
    if reason not in EDIT_REASONS:
        raise BadInput(f"reason {reason!r} is not in the list; give one of {', '.join(EDIT_REASONS)}")
    if reason == "other" and not note.strip():
        raise BadInput("reason other needs a note that says why")
    if len(note) > MOST_NOTE or "\x00" in note:
        raise BadInput(f"the note has {len(note)} characters; give at most {MOST_NOTE}, without control characters")


def must_be_seen(plan: tables.Plan | None, plan_id: int, edits: EditsOfDraft, seen: int) -> None:
    """Raises as `add_edit` unless the plan is a draft and `seen` the last edit that counts."""
    if plan is None:
        raise NotFound(f"Plan {plan_id} does not exist; `twohour show` lists those that do")
    if plan.state != "draft":
        raise Conflict(f"Plan {plan_id} is {plan.state} and cannot be changed any more{_decided(plan)}")
    if edits.seen != seen:
        raise Conflict(f"Plan {plan_id} was changed after you looked at it: {_first(edits)}; look again")


def _decided(plan: tables.Plan) -> str:
    """Who decided about a plan last, in words; empty when nobody has."""
    if not plan.approvals:
        return ""
    last = plan.approvals[-1]
    why = f" ({last.reason})" if last.reason else ""
    return f": {last.by} ({last.at:%Y-%m-%d %H:%M} UTC) {last.decision} it{why}"


def lock_draft(session: Session, plan_id: int, seen: int) -> EditsOfDraft:
    """The edits of a draft that nobody else can change until the end of the transaction. Raises `NotFound` and `Conflict` as `add_edit`."""
    # Locked on PostgreSQL, the whole database on SQLite: whoever comes second reads what the first one did.
    plan = session.scalar(select(tables.Plan).where(tables.Plan.id == plan_id).with_for_update().execution_options(populate_existing=True))
    edits = EditsOfDraft(plan_id, tuple(_edit(row) for row in _rows(session, plan_id)))
    must_be_seen(plan, plan_id, edits, seen)
    return edits


def _first(edits: EditsOfDraft) -> str:
    """Who was first, and with what, in words."""
    if not edits.edits:
        return "it has no changes"
    latest = max(edits.edits, key=lambda edit: (edit.marked_at or edit.at, edit.number))
    about = latest.details.get("ticket") or latest.details.get("technician") or ""
    did = "made" if latest.marked_at is None else "undid" if latest.undone else "redid"
    by, at = (latest.by, latest.at) if latest.marked_at is None else (latest.marked_by, latest.marked_at)
    return f"{by} ({at:%Y-%m-%d %H:%M} UTC) {did} change {latest.number}, {latest.kind.replace('_', ' ')} {about}".rstrip()


def _mark(session: Session, row: tables.PlanEdit, by: str, at: datetime, *, undone: bool) -> EditMade:
    row.undone = undone
    row.marked_by, row.marked_at = by, at
    session.flush()
    done = "edit undone" if undone else "edit redone"
    write_audit(session, by, done, f"plan {row.plan_id}", at, {"number": row.number, "kind": row.kind})
    return _edit(row)


def _rows(session: Session, plan_id: int) -> Sequence[Any]:
    columns = [column for column in tables.PlanEdit.__table__.columns if column.name != "plan_json"]
    return session.execute(select(*columns).where(tables.PlanEdit.plan_id == plan_id).order_by(tables.PlanEdit.number)).all()


def _row(session: Session, plan_id: int, number: int) -> tables.PlanEdit | None:
    return session.get(tables.PlanEdit, (plan_id, number), populate_existing=True)


def _edit(row: Any) -> EditMade:
    return EditMade(
        row.number,
        row.follows,
        row.kind,
        row.details,
        cast("EditReason", row.reason),
        row.note,
        row.by,
        row.at,
        row.cost_before,
        row.cost_after,
        row.undone,
        row.marked_by,
        row.marked_at,
    )
