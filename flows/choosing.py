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
from flows.dispatch import KeptPlan, approve_and_publish, make_snapshot, papers_of, read_facts, read_plan
from flows.planning import JudgedPlan, judge, judged_summary, must_keep_every_rule
from flows.telling import publish_and_tell
from optimizer.choosing import NOTHING_TOLD, Chosen, chosen_emergencies, chosen_routes
from optimizer.explanation import Said
from optimizer.matters import Matters, matters
from optimizer.rechecking import Recheck, recheck

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from config.settings import Settings
    from flows.papers import Paper


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
    """What became of a part: the number of the published plan and its papers, or the reasons in `chosen` why there is none."""

    chosen: Chosen
    plan: int | None = None
    papers: tuple[Paper, ...] = ()


@dataclass(frozen=True)
class PartMade:
    """A part ready to be published: `told` is the number of the plan that it is put into; without `judged` it breaks a rule."""

    part: Part
    draft: KeptPlan
    chosen: Chosen
    told: int | None
    judged: JudgedPlan | None


def what_happened_since(store: Store, settings: Settings, plan_id: int, now: datetime) -> Since:
    """What happened since a plan's snapshot was taken that the plan could answer to, and the plan held against the facts of now.

    What coordinators changed in the draft is no news: the facts are compared with those that the first draft was made from.
    """
    kept = read_plan(store, plan_id)
    with store.reading() as session:
        before = _unedited(session, plan_id)
        row = published_plan(session, plan_by_id(session, plan_id).region)
    followed = None if row is None else read_plan(store, row.id).judged.plan
    case = make_snapshot(store, settings, read_facts(store, settings, now)).case
    tolerance = settings.replanning.moved_minutes
    seen_until = before.now + timedelta(hours=settings.horizon_hours)
    news = matters(before, case, followed, tolerance_minutes=tolerance, seen_until=seen_until)
    return Since(news.news, recheck(case, kept.judged.plan, followed=followed, tolerance_minutes=tolerance))


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


def must_fit(store: Store, settings: Settings, plan_id: int, now: datetime) -> None:
    """Raises `Conflict` when what the plan promises cannot be carried out any more, by the facts of `now`."""
    against = what_happened_since(store, settings, plan_id, now).stands_against
    if against:
        more = f"; and {len(against) - 5} more" if len(against) > 5 else ""
        raise Conflict(f"Plan {plan_id} does not fit what happened since it was made: {'; '.join(against[:5])}{more}; plan again")


def choose_part(store: Store, settings: Settings, plan_id: int, part: Part) -> Chosen:
    """What approving a part of a draft would publish: a look without a change. Raises as `approve_part`."""
    return _chosen(store, settings, read_plan(store, plan_id), part)[0]


def approve_part(
    store: Store, settings: Settings, plan_id: int, part: Part, *, by: str, at: datetime, reason: str = "", seen: int | None = None
) -> PartApproved:
    """Publish a part of a draft, put into what is published already; the draft stays, so that other parts can follow.

    In one transaction: the plan of both is kept, approved and published, or nothing is.

    Parameters
    ----------
    seen
        The `row_version` of the draft that the person looked at.

    Raises
    ------
    NotFound
        There is no such plan.
    BadInput
        The part names nobody of the plan.
    Conflict
        The draft was decided about, changed or overtaken meanwhile, has edits that are not finished, or was made before what is published.
    """
    ready = make_part(store, settings, plan_id, part)
    if ready.judged is None:
        return PartApproved(ready.chosen)
    with store.session() as session:
        number = publish_part(session, settings, ready, by=by, at=at, reason=reason, seen=seen)
    return PartApproved(ready.chosen, number, papers_of(store, settings, read_plan(store, number)))


def make_part(store: Store, settings: Settings, plan_id: int, part: Part) -> PartMade:
    """The part of a draft put into what is published and judged, for `publish_part`. Raises as `approve_part`."""
    draft = read_plan(store, plan_id)
    chosen, told = _chosen(store, settings, draft, part)
    if chosen.plan is None:
        return PartMade(part, draft, chosen, told, None)
    judged = judge(draft.snapshot.case, chosen.plan)
    must_keep_every_rule(judged)
    return PartMade(part, draft, chosen, told, judged)


def publish_part(
    session: Session, settings: Settings, made: PartMade, *, by: str, at: datetime, reason: str = "", seen: int | None = None
) -> int:
    """Keep, approve and publish a part in the caller's transaction; gives the number of the plan. Raises as `approve_part`."""
    plan_id, part, plan, judged = made.draft.id, made.part, made.chosen.plan, made.judged
    if plan is None or judged is None:
        why = "; ".join(one.what for one in made.chosen.violations[:5])
        raise Conflict(f"Plan {plan_id} cannot go out in part: {why}")
    lock_draft(session, plan_id, 0)
    base = plan_by_id(session, plan_id)
    now = published_plan(session, base.region)
    if seen is not None and seen != base.row_version:
        raise Conflict(f"Plan {plan_id} was changed after you looked at it; look again")
    if (None if now is None else now.id) != made.told:
        raise Conflict(f"Another plan was published while you looked at plan {plan_id}; look again")
    row = save_plan(
        session,
        base.snapshot_id,
        plan,
        created_at=at,
        seed=base.seed,
        iterations=base.iterations,
        violations=0,
        region=base.region,
        settings={**base.settings, "part": [part.kind, *part.names], "run": None},
        versions=base.versions,
        score=judged_summary(judged),
        parent_id=plan_id,
    )
    what = f"{part.kind} of plan {plan_id}: {', '.join(part.names)}" if part.names else f"{part.kind} of plan {plan_id}"
    approve(session, row.id, by, at, f"{reason} ({what})" if reason else what)
    kept: KeptPlan = replace(made.draft, id=row.id, version=row.version, judged=judged, created_at=at)
    publish_and_tell(session, settings, kept, by=by, at=at)
    return row.id


def _chosen(store: Store, settings: Settings, draft: KeptPlan, part: Part) -> tuple[Chosen, int | None]:
    """The part put into what is published, and the number of the plan that is."""
    with store.reading() as session:
        row = plan_by_id(session, draft.id)
        told = published_plan(session, row.region)
        _must_be_newer(session, row, told)
        technicians = _technicians(session, draft.judged.case, part)
    published = NOTHING_TOLD if told is None else read_plan(store, told.id).judged.plan
    case, plan = draft.judged.case, draft.judged.plan
    number = None if told is None else told.id
    if part.kind == "emergencies":
        return chosen_emergencies(case, published, plan), number
    return chosen_routes(case, published, plan, technicians), number


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
