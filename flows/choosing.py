"""Approving over the store: a whole plan after another look at what happened since, or a part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from data_models import tables
from data_models.case import Case
from data_models.case_files import parse_case
from data_models.errors import BadInput, Conflict
from data_models.store import Store, approve, plan_by_id, published_plan, save_plan
from data_models.store.edits import lock_draft
from flows.dispatch import (
    KeptPlan,
    approve_and_publish,
    approve_and_tell,
    kept_plan,
    make_snapshot,
    papers_of,
    read_facts,
    read_plan,
)
from flows.editing import Finished, finished, keep_finished
from flows.planning import JudgedPlan, judge, judged_summary, must_keep_every_rule
from flows.telling import publish_and_tell
from optimizer.choosing import NOTHING_TOLD, Chosen, chosen_emergencies, chosen_routes
from optimizer.edited_case import edited_case, still_said
from optimizer.explanation import Said
from optimizer.matters import Matters, matters
from optimizer.rechecking import Recheck, recheck

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from config.settings import Settings
    from flows.papers import Paper
    from optimizer.edited_state import State


@dataclass(frozen=True)
class Part:
    """What of a draft is approved: the routes of the stations of some regions, of some technicians (`names`), or emergencies only."""

    kind: Literal["regions", "routes", "emergencies"]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Since:
    """What happened since a plan's snapshot, as data for `optimizer.wording.told`, and what the plan comes to now."""

    news: tuple[Said, ...]
    recheck: Recheck

    @property
    def happened(self) -> tuple[str, ...]:
        """The news in English."""
        return Matters(self.news).reasons

    @property
    def stands_against(self) -> tuple[str, ...]:
        """Why it should not be approved as it is: a sentence each; empty when it can."""
        found = [f"ticket {name} does not wait for this visit any more" for name in self.recheck.gone]
        return (*found, *(f"ticket {name} cannot be served as the plan says any more" for name in self.recheck.lost))


@dataclass(frozen=True)
class PartApproved:
    """What became of a part: the number of the published plan and its papers, or the reasons in `chosen` why there is none.

    `draft` is the number of the draft that the other parts are in: another than before when edits were made a plan of their own.
    """

    chosen: Chosen
    draft: int
    plan: int | None = None
    papers: tuple[Paper, ...] = ()


@dataclass(frozen=True)
class PartMade:
    """A part of a draft ready to be published.

    `finished` is the draft with its edits where it has any; `told` the number of the plan that the part is put into; without `judged` it
    breaks a rule.
    """

    part: Part
    plan: int
    edits: int
    finished: Finished | None
    chosen: Chosen
    told: int | None
    judged: JudgedPlan | None


def what_happened_since(store: Store, settings: Settings, plan_id: int, now: datetime, edited: State | None = None) -> Since:
    """What happened since a plan's snapshot was taken that the plan could answer to, and the plan held against the facts of now.

    What coordinators changed in the draft is no news: the facts are compared with those that the first draft was made from. `edited` is
    the draft as its edits leave it: that is what is held then, in the facts of now with what the edits said of them.
    """
    plan = edited.plan if edited is not None else read_plan(store, plan_id).judged.plan
    with store.reading() as session:
        before = _unedited(session, plan_id)
        row = published_plan(session, plan_by_id(session, plan_id).region)
    followed = None if row is None else read_plan(store, row.id).judged.plan
    case = make_snapshot(store, settings, read_facts(store, settings, now)).case
    tolerance = settings.replanning.moved_minutes
    seen_until = before.now + timedelta(hours=settings.horizon_hours)
    news = matters(before, case, followed, tolerance_minutes=tolerance, seen_until=seen_until)
    held = case if edited is None else _as_edited(case, edited)
    return Since(news.news, recheck(held, plan, followed=followed, tolerance_minutes=tolerance))


def approve_checked(
    store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime, reason: str = "", anyway: bool = False
) -> tuple[Paper, ...]:
    """Approve and publish a draft after holding it against what is known at this moment; gives the papers.

    Raises
    ------
    Conflict
        What the plan promises cannot be carried out any more and `anyway` is not said; otherwise as `dispatch.approve_and_publish`.
    """
    if not anyway:
        must_fit(store, settings, plan_id, at)
    return approve_and_publish(store, settings, plan_id, by=by, at=at, reason=reason)


def approve_draft(
    store: Store,
    settings: Settings,
    plan_id: int,
    *,
    by: str,
    at: datetime,
    reason: str = "",
    version: int | None = None,
    edits: int = 0,
    anyway: bool = False,
) -> KeptPlan:
    """Approve and publish a draft with its edits in one transaction, and leave its papers to the caller.

    With edits, the plan of its own that they are made, its approval and its publication are all there, or nothing is.

    Parameters
    ----------
    version
        The `row_version` that the person looked at; None takes the draft as it is.
    edits
        The edit that the person saw last; 0 for a draft without any.
    anyway
        Also when what the plan promises cannot be carried out any more by the facts of `at`.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It breaks a rule, does not fit what happened since, or somebody changed it or decided about it meanwhile.
    """
    made = finished(store, settings, plan_id, edits) if edits else None
    if not anyway:
        must_fit(store, settings, plan_id, at, None if made is None else made.open.state)
    if made is None:
        return approve_and_tell(store, settings, plan_id, by=by, at=at, reason=reason, seen=version)
    with store.session() as session:
        lock_draft(session, plan_id, edits)
        _must_be_seen(session, plan_id, version)
        number = keep_finished(session, made, by=by, at=at)
        approve(session, number, by, at, reason)
        kept = kept_plan(session, number)
        publish_and_tell(session, settings, kept, by=by, at=at)
    return kept


def must_fit(store: Store, settings: Settings, plan_id: int, now: datetime, edited: State | None = None) -> None:
    """Raises `Conflict` when what the plan promises cannot be carried out any more, by the facts of `now`; `edited` as above."""
    against = what_happened_since(store, settings, plan_id, now, edited).stands_against
    if against:
        more = f"; and {len(against) - 5} more" if len(against) > 5 else ""
        raise Conflict(f"Plan {plan_id} does not fit what happened since it was made: {'; '.join(against[:5])}{more}; plan again")


def choose_part(store: Store, settings: Settings, plan_id: int, part: Part) -> Chosen:
    """What approving a part of a draft would publish: a look without a change. Raises as `approve_part`."""
    draft = read_plan(store, plan_id)
    return _chosen(store, plan_id, draft.judged, part)[0]


def approve_part(
    store: Store,
    settings: Settings,
    plan_id: int,
    part: Part,
    *,
    by: str,
    at: datetime,
    reason: str = "",
    seen: int | None = None,
    edits: int = 0,
) -> PartApproved:
    """Publish a part of a draft, put into what is published already; the rest stays a draft, so that other parts can follow.

    In one transaction: the edits are made a plan of their own where there are any, the plan of both is kept, approved and published, or
    nothing is.

    Parameters
    ----------
    seen
        The `row_version` of the draft that the person looked at.
    edits
        The edit that the person saw last; 0 for a draft without any.

    Raises
    ------
    NotFound
        There is no such plan.
    BadInput
        The part names nobody of the plan.
    Conflict
        The draft was decided about, changed or overtaken meanwhile, has edits that `edits` does not name, or was made before what is
        published.
    """
    ready = make_part(store, settings, plan_id, part, edits)
    if ready.judged is None:
        return PartApproved(ready.chosen, plan_id)
    with store.session() as session:
        draft, number = publish_part(session, settings, ready, by=by, at=at, reason=reason, seen=seen)
    return PartApproved(ready.chosen, draft, number, papers_of(store, settings, read_plan(store, number)))


def make_part(store: Store, settings: Settings, plan_id: int, part: Part, edits: int = 0) -> PartMade:
    """The part of a draft put into what is published and judged, for `publish_part`. Raises as `approve_part`."""
    made = finished(store, settings, plan_id, edits) if edits else None
    whole = read_plan(store, plan_id).judged if made is None else made.judged
    chosen, told = _chosen(store, plan_id, whole, part)
    judged = None
    if chosen.plan is not None:
        judged = judge(whole.case, chosen.plan)
        must_keep_every_rule(judged)
    return PartMade(part, plan_id, edits, made, chosen, told, judged)


def publish_part(
    session: Session, settings: Settings, ready: PartMade, *, by: str, at: datetime, reason: str = "", seen: int | None = None
) -> tuple[int, int]:
    """Keep, approve and publish a part in the caller's transaction; gives the numbers of the draft with the rest, and of the plan.

    Raises as `approve_part`.
    """
    plan_id, part, judged = ready.plan, ready.part, ready.judged
    if ready.chosen.plan is None or judged is None:
        why = "; ".join(one.what for one in ready.chosen.violations[:5])
        raise Conflict(f"Plan {plan_id} cannot go out in part: {why}")
    lock_draft(session, plan_id, ready.edits)
    _must_be_seen(session, plan_id, seen)
    draft = plan_id if ready.finished is None else keep_finished(session, ready.finished, by=by, at=at)
    base = plan_by_id(session, draft)
    now = published_plan(session, base.region)
    if (None if now is None else now.id) != ready.told:
        raise Conflict(f"Another plan was published while you looked at plan {plan_id}; look again")
    row = save_plan(
        session,
        base.snapshot_id,
        ready.chosen.plan,
        created_at=at,
        seed=base.seed,
        iterations=base.iterations,
        violations=0,
        region=base.region,
        settings={**base.settings, "part": [part.kind, *part.names], "run": None},
        versions=base.versions,
        score=judged_summary(judged),
        parent_id=draft,
    )
    what = f"{part.kind} of plan {draft}: {', '.join(part.names)}" if part.names else f"{part.kind} of plan {draft}"
    approve(session, row.id, by, at, f"{reason} ({what})" if reason else what)
    publish_and_tell(session, settings, kept_plan(session, row.id), by=by, at=at)
    return draft, row.id


def _as_edited(case: Case, edited: State) -> Case:
    """The facts of now with what the edits said of them; who is on the way to a visit that was left out is called back."""
    left_out = edited.fixed.left_out
    now = edited_case(case, still_said(edited.base, case, edited.changes))
    return replace(now, committed=tuple(each for each in now.committed if each.ticket not in left_out))


def _must_be_seen(session: Session, plan_id: int, version: int | None) -> None:
    """Raises `Conflict` unless the draft is as the person looked at it."""
    if version is not None and version != plan_by_id(session, plan_id).row_version:
        raise Conflict(f"Plan {plan_id} was changed after you looked at it; look again")


def _chosen(store: Store, plan_id: int, draft: JudgedPlan, part: Part) -> tuple[Chosen, int | None]:
    """The part put into what is published, and the number of the plan that is."""
    with store.reading() as session:
        row = plan_by_id(session, plan_id)
        told = published_plan(session, row.region)
        _must_be_newer(session, row, told)
        technicians = _technicians(session, draft.case, part)
    published = NOTHING_TOLD if told is None else read_plan(store, told.id).judged.plan
    number = None if told is None else told.id
    if part.kind == "emergencies":
        return chosen_emergencies(draft.case, published, draft.plan), number
    return chosen_routes(draft.case, published, draft.plan, technicians), number


def _must_be_newer(session: Session, draft: tables.Plan, told: tables.Plan | None) -> None:
    """Raises `Conflict` when a plan was published after the draft was made that is no part of it: the draft does not know its tickets."""
    if told is None or told.published_at is None or told.published_at <= draft.created_at:
        return
    if "part" in told.settings and told.parent_id == draft.id:
        return
    raise Conflict(f"Plan {draft.id} was made before plan {told.id} was published; plan again, so that what was promised with it counts")


def _technicians(session: Session, case: Case, part: Part) -> Collection[str]:
    known = case.technician_by_id
    if part.kind == "emergencies":
        return ()
    if part.kind == "routes":
        unknown = [name for name in part.names if name not in known]
        if unknown or not part.names:
            raise BadInput(f"the plan has no technician {', '.join(unknown) or '(none is named)'}; choose from those that it shows")
        return part.names
    stations = set(session.scalars(select(tables.Station.id).where(tables.Station.region.in_(part.names))))
    found = [who.id for who in case.technicians if who.station in stations]
    if not found:
        raise BadInput(f"nobody of the plan is in region {', '.join(part.names) or '(none is named)'}; choose one of its regions")
    return found


def _unedited(session: Session, plan_id: int) -> Case:
    """The case that the first draft of a plan was made from, before coordinators changed it."""
    row = plan_by_id(session, plan_id)
    while "edits" in row.settings and row.parent_id is not None:
        row = plan_by_id(session, row.parent_id)
    return parse_case(row.snapshot.case_json)
