"""Plans in the database: kept with what they were made from, then approved, rejected or published.

States: draft → approved → published → superseded; draft or approved → rejected. Only one plan of a region is published at
a time. A plan that breaks a rule stays a draft: these functions refuse it, and so does the database itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from data_models import tables
from data_models.case_files import parse_case, plan_json
from data_models.context import read_context
from data_models.errors import Conflict, NotFound
from data_models.plan import Plan
from data_models.snapshot import Snapshot
from data_models.store.audit import write_audit
from data_models.store.events import tell_begun
from data_models.store.folding import meet_clocks
from data_models.store.log import one_at_a_time
from data_models.store.parts import parts
from data_models.store.webhooks import message_id, put_message, tell_changed, tickets_before

_WHOLE = (
    selectinload(tables.Plan.routes).selectinload(tables.Route.visits),
    selectinload(tables.Plan.unassigned),
    selectinload(tables.Plan.approvals),
    selectinload(tables.Plan.snapshot),
)


def save_snapshot(session: Session, snapshot: Snapshot) -> tables.Snapshot:
    """Keep a snapshot, and the clocks of its tickets with it; the same snapshot again is kept once."""
    kept = session.scalar(select(tables.Snapshot).where(tables.Snapshot.digest == snapshot.digest))
    if kept is None:
        kept = tables.Snapshot(
            taken_at=snapshot.case.now, digest=snapshot.digest, case_json=snapshot.case_json, context_json=snapshot.context_json
        )
        session.add(kept)
        session.flush()
    _save_clocks(session, {ticket: facts.clocks for ticket, facts in snapshot.context.tickets.items()})
    return kept


def snapshot_of(plan: tables.Plan) -> Snapshot:
    """What a plan was made from."""
    return Snapshot(parse_case(plan.snapshot.case_json), read_context(plan.snapshot.context_json))


def save_plan(
    session: Session,
    snapshot_id: int,
    plan: Plan,
    *,
    created_at: datetime,
    seed: int,
    iterations: int,
    violations: int,
    region: str = "",
    settings: Mapping[str, Any] | None = None,
    versions: Mapping[str, Any] | None = None,
    score: Mapping[str, Any] | None = None,
    explanation_json: str = "",
    parent_id: int | None = None,
) -> tables.Plan:
    """Keep a plan as a draft: the next version of its name.

    Parameters
    ----------
    seed, iterations, settings, versions
        With these and the snapshot the same plan can be made again.
    violations
        How many rules the independent check found broken. More than none can never be approved or published.
    parent_id
        The plan that this one was made from by editing or re-planning.
    """
    latest = session.scalar(select(func.max(tables.Plan.version)).where(tables.Plan.name == plan.case)) or 0
    row = tables.Plan(
        snapshot_id=snapshot_id,
        parent_id=parent_id,
        region=region,
        name=plan.case,
        version=latest + 1,
        state="draft",
        created_at=created_at,
        seed=seed,
        iterations=iterations,
        settings=dict(settings or {}),
        versions=dict(versions or {}),
        score=dict(score or {}),
        violations=violations,
        plan_json=plan_json(plan),
        explanation_json=explanation_json,
        unassigned=[tables.Unassigned(ticket_id=item.ticket, reasons=list(item.reasons)) for item in plan.unassigned],
    )
    for route in plan.routes:
        visits = [
            tables.Visit(position=position, ticket_id=stop.ticket, arrives_at=stop.arrive, starts_at=stop.start, finishes_at=stop.finish)
            for position, stop in enumerate(route.stops)
        ]
        row.routes.append(
            tables.Route(
                technician_id=route.technician, departs_at=route.depart, returns_at=route.returns, kits=list(route.kits), visits=visits
            )
        )
    session.add(row)
    session.flush()
    return row


def plan_by_id(session: Session, plan_id: int) -> tables.Plan:
    """A plan with its routes, visits and approvals. Raises `NotFound`."""
    found = session.scalar(select(tables.Plan).where(tables.Plan.id == plan_id).options(*_WHOLE))
    if found is None:
        raise NotFound(f"Plan {plan_id} does not exist; `twohour show` lists those that do")
    return found


def latest_plan(session: Session, region: str = "") -> tables.Plan | None:
    """The plan made last for a region, whatever its state; None when there is none."""
    return session.scalar(select(tables.Plan).where(tables.Plan.region == region).order_by(tables.Plan.id.desc()).limit(1).options(*_WHOLE))


def published_plan(session: Session, region: str = "") -> tables.Plan | None:
    """The plan that a region works by; None when none is published."""
    return session.scalar(select(tables.Plan).where(tables.Plan.region == region, tables.Plan.state == "published").options(*_WHOLE))


def plan_of_run(session: Session, run: str) -> int | None:
    """The number of the plan that a flow run has kept already; None when it has kept none."""
    return session.scalar(select(tables.Plan.id).where(tables.Plan.settings["run"].as_string() == run).limit(1))


def list_plans(session: Session, limit: int = 50) -> list[tables.Plan]:
    """The plans made last, newest first, without their routes."""
    return list(session.scalars(select(tables.Plan).order_by(tables.Plan.id.desc()).limit(limit)))


def plan_versions(session: Session, name: str) -> list[tables.Plan]:
    """All versions of the plan of a name, oldest first."""
    return list(session.scalars(select(tables.Plan).where(tables.Plan.name == name).order_by(tables.Plan.version)))


def approve(session: Session, plan_id: int, by: str, at: datetime, reason: str = "", seen: int | None = None) -> tables.Plan:
    """Approve a draft. `seen` is the `row_version` that the person looked at; None takes it as it is.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It breaks a rule, is no draft, was changed after it was looked at, or has edits that are not finished; the message names
        who was first.
    """
    plan = _for_change(session, plan_id, ("draft",), "approved", seen)
    _must_be_sound(plan)
    _must_be_finished(session, plan_id)
    return _decide(session, plan, "approved", by, at, reason)


def reject(session: Session, plan_id: int, by: str, at: datetime, reason: str = "", seen: int | None = None) -> tables.Plan:
    """Reject a draft or an approved plan. Raises as `approve`."""
    plan = _for_change(session, plan_id, ("draft", "approved"), "rejected", seen)
    return _decide(session, plan, "rejected", by, at, reason)


def publish(session: Session, plan_id: int, by: str, at: datetime, reason: str = "", seen: int | None = None) -> tables.Plan:
    """Make an approved plan the one that its region works by.

    In the caller's transaction: the plan published before is superseded, the planned tickets become `planned`, tickets that were
    being served when this one was made become `under_way`, and other tickets that the plan before planned and this one does not
    become `open` again. Tickets under way, done or cancelled stay as they are.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It breaks a rule, is not approved, was changed after it was looked at, or was made before another plan was
        published, so that what was promised meanwhile is not in it.
    """
    _wait_for_other_publishers(session, plan_id)
    plan = _for_change(session, plan_id, ("approved",), "published", seen)
    _must_be_sound(plan)
    before = published_plan(session, plan.region)
    if before is not None:
        if before.published_at is not None and before.published_at > plan.created_at:
            raise Conflict(
                f"Plan {plan.id} was made at {plan.created_at:%Y-%m-%d %H:%M} UTC, before {_told_by(before, 'published')} "
                f"plan {before.id}; plan again, so that what was promised with it counts"
            )
        before.state = "superseded"
        # Before the new one is marked: no moment may know two published plans.
        session.flush()
    planned = {visit.ticket_id for route in plan.routes for visit in route.visits}
    promised = set() if before is None else {visit.ticket_id for route in before.routes for visit in route.visits}
    was = tickets_before(session, planned | promised)
    # No later plan tells of them: left as they are they would be planned once more, or once again.
    served = {item.ticket for item in read_context(plan.snapshot.context_json).being_served}
    waiting = session.execute(select(tables.Ticket.id, tables.Ticket.state).where(tables.Ticket.state.in_(("open", "planned"))))
    tell_begun(session, served & {row.id for row in waiting}, plan.id, at)
    _move_tickets(session, planned, "open", "planned")
    _move_tickets(session, promised - planned, "planned", "open")
    tell_changed(session, was, planned | promised, f"plan {plan.id}", at)
    plan.published_at = at
    _decide(session, plan, "published", by, at, reason)
    _tell_published(session, plan, None if before is None else before.id, len(planned), by, at)
    return plan


def _tell_published(session: Session, plan: tables.Plan, supersedes: int | None, planned: int, by: str, at: datetime) -> None:
    data = {
        "plan": plan.id,
        "name": plan.name,
        "version": plan.version,
        "region": plan.region,
        "by": by,
        "supersedes": supersedes,
        "planned": planned,
        "unplanned": len(plan.unassigned),
    }
    put_message(session, "plan.published", message_id("plan.published", plan.id), plan.region, data, at)


def _for_change(session: Session, plan_id: int, allowed: tuple[str, ...], wanted: str, seen: int | None) -> tables.Plan:
    # Locked on PostgreSQL, the whole database on SQLite: whoever comes second reads what the first one did.
    locked = session.scalar(select(tables.Plan.id).where(tables.Plan.id == plan_id).with_for_update())
    if locked is not None:
        session.expire_all()
    plan = plan_by_id(session, plan_id)
    if plan.state not in allowed:
        raise Conflict(f"Plan {plan_id} cannot be {wanted}: {_told_by(plan, plan.state)} it already{_next_step(plan.state, wanted)}")
    if seen is not None and seen != plan.row_version:
        raise Conflict(f"Plan {plan_id} was changed after you looked at it ({_told_by(plan, plan.state)} it); look again")
    return plan


def _wait_for_other_publishers(session: Session, plan_id: int) -> None:
    # In the order of their ids, so that two publishers cannot wait for each other for ever.
    region = select(tables.Plan.region).where(tables.Plan.id == plan_id).scalar_subquery()
    session.execute(select(tables.Plan.id).where(tables.Plan.region == region).order_by(tables.Plan.id).with_for_update())


def _told_by(plan: tables.Plan, state: str) -> str:
    """Who brought a plan into a state, and when: "王敏 (2026-03-02 08:15 UTC) approved"."""
    last = next((item for item in reversed(plan.approvals) if item.decision == state), plan.approvals[-1] if plan.approvals else None)
    if last is None:
        return f"the plan is a {plan.state}, nobody has approved"
    return f"{last.by} ({last.at:%Y-%m-%d %H:%M} UTC) {last.decision}"


def _next_step(state: str, wanted: str) -> str:
    return "; approve it first" if (state, wanted) == ("draft", "published") else f"; it is {state}"


def _must_be_sound(plan: tables.Plan) -> None:
    if plan.violations:
        raise Conflict(f"Plan {plan.id} breaks {plan.violations} rules and stays a draft; mend it or plan again")


def _must_be_finished(session: Session, plan_id: int) -> None:
    edit = tables.PlanEdit
    query = select(edit.by).where(edit.plan_id == plan_id, edit.undone.is_(False)).order_by(edit.number.desc())
    by = list(session.scalars(query))
    if by:
        raise Conflict(f"Plan {plan_id} has {len(by)} changes that are not finished, the last by {by[0]}; finish them, or undo them first")


def _decide(session: Session, plan: tables.Plan, decision: str, by: str, at: datetime, reason: str) -> tables.Plan:
    write_audit(session, by, f"plan {decision}", f"plan {plan.id}", at, {"reason": reason, "region": plan.region})
    plan.state = decision
    plan.approvals.append(tables.Approval(decision=decision, by=by, at=at, reason=reason))
    session.flush()
    return plan


def _move_tickets(session: Session, tickets: set[str], before: str, after: str) -> None:
    for part in parts(sorted(tickets)):
        session.execute(update(tables.Ticket).where(tables.Ticket.id.in_(part), tables.Ticket.state == before).values(state=after))


def _save_clocks(session: Session, clocks: Mapping[str, Mapping[str, datetime]]) -> None:
    """Write what is promised of each ticket; when a clock was met stays, and is looked up in the log for a clock that is new."""
    # Before anything is written: what is told meanwhile would not know of the new clocks, nor these of it.
    one_at_a_time(session)
    ids = sorted(clocks)
    kept: dict[tuple[str, str], tables.TicketClock] = {}
    for part in parts(ids):
        rows = session.scalars(select(tables.TicketClock).where(tables.TicketClock.ticket_id.in_(part)))
        kept |= {(row.ticket_id, row.clock): row for row in rows}
    new: list[tables.TicketClock] = []
    for ticket in ids:
        for clock, due_at in clocks[ticket].items():
            row = kept.pop((ticket, clock), None)
            if row is None:
                new.append(tables.TicketClock(ticket_id=ticket, clock=clock, due_at=due_at))
            else:
                row.due_at = due_at
    meet_clocks(session, new)
    session.add_all(new)
    for withdrawn in kept.values():
        if withdrawn.met_at is None:
            session.delete(withdrawn)
    session.flush()
