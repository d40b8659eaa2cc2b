"""The published plan kept true through the day: made again when something matters, let out by configuration, or left to a person.

Plain functions that know no Prefect. One run at a time for a region; whatever a run does is one transaction at its end: the
draft, the decision about it, the drafts that it overtakes and the notices. A run that dies leaves all of it or nothing, and the next one
goes on from there.
"""

from __future__ import annotations

import logging
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from data_models import tables
from data_models.errors import BadInput, Conflict
from data_models.events import OWN_KINDS
from data_models.store import Store, approve, plan_by_id, published_plan, reject
from data_models.store.accepting import FUTURE
from data_models.store.leases import give_back, has_lease, take_lease
from data_models.store.plans import plan_of_run
from flows.dispatch import KeptPlan, kept_plan, make_snapshot, must_be_writable, papers_of, put_draft, read_facts, read_plan
from flows.notices import announce
from flows.planning import SearchLimit, judge, must_keep_every_rule, with_unplanned_reasons
from flows.replanning import replan_until_signal
from flows.telling import approval_waiting, fallback_happened, publish_and_tell
from optimizer.matters import Matters, matters

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings
    from data_models.case import Case
    from optimizer.difference import Difference
    from optimizer.explanation import Said

Action = Literal["busy", "no_plan", "nothing_new", "unchanged", "waits", "published"]

BY = "twohour"
"""Who decides what goes out without a person."""

GRACE = timedelta(minutes=2)
"""A run that has not ended so long after its search should have is taken to be dead."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reoptimized:
    """What a run did.

    Attributes
    ----------
    action
        `busy`: another run is at work; `no_plan`: none is published; `nothing_new`: nothing happened that matters; `unchanged`: something
        did, and the published plan is still best; `waits`: a draft waits for a person; `published`: it went out.
    news
        What happened since the plan that was made last: sentences as data, for `optimizer.wording.told`.
    reasons
        The same in English.
    """

    action: Action
    plan: int | None = None
    news: tuple[Said, ...] = ()
    difference: Difference | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The news in English."""
        return Matters(self.news).reasons


def reoptimize(
    store: Store,
    settings: Settings,
    now: datetime,
    *,
    limit: SearchLimit | None = None,
    run: str | None = None,
    on_compile: Callable[[], None] = lambda: None,
) -> Reoptimized:
    """Make the published plan again if anything happened that matters, and let the new one out if the settings say so.

    Parameters
    ----------
    limit
        Of the search; by the settings when None.
    run
        Id of the flow run, which repeats nothing that it has done.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other; the published plan stands.
    BadInput
        `now` is before what is known to have happened: nothing is done.
    """
    limit = limit or SearchLimit(settings.automatic.search_seconds)
    holder, work = secrets.token_hex(8), f"reoptimize {settings.region}"
    length = timedelta(seconds=limit.seconds or settings.automatic.search_seconds) + GRACE
    with store.session() as session:
        if not take_lease(session, work, holder, now, now + length):
            return Reoptimized("busy")
    with _given_back(store, work, holder):
        return _run(store, settings, now, limit, run, on_compile, lambda session: _must_hold(session, work, holder))


def stand_in(store: Store, settings: Settings, now: datetime) -> tuple[int, ...]:
    """Decide about drafts that have waited for a person for too long, and say so; the numbers of those that were decided.

    The last approved plan stands and the draft is rejected, unless the settings let emergencies out and it serves new ones.
    """
    since = now - timedelta(minutes=settings.automatic.approval_minutes)
    decided = []
    for draft in _drafts(store, settings, made_again=True):
        kept = read_plan(store, draft)
        if kept.waiting_since <= since:
            _fall_back(store, settings, kept, now)
            decided.append(draft)
    return tuple(decided)


def _fall_back(store: Store, settings: Settings, kept: KeptPlan, now: datetime) -> None:
    """Decide about one draft and say so, in one transaction."""
    if settings.automatic.fallback == "emergencies" and _new_emergencies(store, kept):
        must_keep_every_rule(kept.judged)
        try:
            with store.session() as session:
                approve(session, kept.id, BY, now, "nobody decided in time; emergencies go out")
                publish_and_tell(session, settings, kept, by=BY, at=now)
                announce(session, settings, [fallback_happened(kept.id, now, "emergencies_sent")], now)
        except Conflict as error:
            _log.warning("plan %s could not go out by itself: %s", kept.id, error)
        else:
            _write_papers(store, settings, kept)
            return
    with store.session() as session:
        reject(session, kept.id, BY, now, "nobody decided in time; the last approved plan stands")
        announce(session, settings, [fallback_happened(kept.id, now, "last_plan_stands")], now)


def _run(
    store: Store,
    settings: Settings,
    now: datetime,
    limit: SearchLimit,
    run: str | None,
    on_compile: Callable[[], None],
    must_hold: Callable[[Session], None],
) -> Reoptimized:
    with store.reading() as session:
        row = published_plan(session, settings.region)
        earlier = None if run is None else plan_of_run(session, run)
    if earlier is not None:
        return _done_before(store, settings, earlier)
    if row is None:
        return Reoptimized("no_plan")
    _must_be_now(store, settings, row, now)
    published, waiting = read_plan(store, row.id), _drafts(store, settings)
    snapshot = make_snapshot(store, settings, read_facts(store, settings, now))
    last = read_plan(store, waiting[-1]) if waiting else published
    news = matters(
        last.snapshot.case,
        snapshot.case,
        published.judged.plan,
        tolerance_minutes=settings.replanning.moved_minutes,
        seen_until=last.snapshot.case.now + timedelta(hours=settings.horizon_hours),
    )
    if not news:
        return Reoptimized("nothing_new", last.id)
    found = replan_until_signal(
        snapshot.case,
        published.judged.plan,
        limit,
        settings.seed,
        settings.replanning,
        workers=settings.solver_workers,
        on_compile=on_compile,
    )
    if found.interrupted is not None:
        signal.raise_signal(found.interrupted)
    if not found.difference.changes:
        return Reoptimized("unchanged", row.id, news.news, found.difference)
    judged = judge(snapshot.case, found.plan)
    must_keep_every_rule(judged)
    judged = with_unplanned_reasons(judged) if judged.plan.unassigned else judged
    since = min((read_plan(store, draft).waiting_since for draft in waiting), default=now)
    with store.session() as session:
        must_hold(session)
        made = put_draft(session, settings, snapshot, judged, seed=settings.seed, at=now, run=run, parent=row.id, waiting_since=since)
        for draft in waiting:
            reject(session, draft, BY, now, f"overtaken by plan {made}")
        kept = _decide(session, settings, made, snapshot.case, found.difference, now, since)
    if kept is not None:
        _write_papers(store, settings, kept)
    return Reoptimized("waits" if kept is None else "published", made, news.news, found.difference)


def _must_be_now(store: Store, settings: Settings, published: tables.Plan, now: datetime) -> None:
    """Raises `BadInput` when `now` is past: the store knows what happened later, and a plan as of then could not be published."""
    with store.reading() as session:
        told = session.scalar(select(func.max(tables.Event.at)).where(tables.Event.kind.not_in(sorted(OWN_KINDS))))
    known = [(told, "things are told that happened")] if told is not None else []
    known += [(published.published_at, f"plan {published.id} was published")] if published.published_at is not None else []
    at, what = max(known, default=(now, ""))
    if at > now + FUTURE:
        zone = ZoneInfo(settings.timezone)
        raise BadInput(
            f"{now.astimezone(zone):%Y-%m-%d %H:%M} is past: {what} at {at.astimezone(zone):%Y-%m-%d %H:%M}, "
            "and the plan goes on from there; give a later moment, or none for now"
        )


def _decide(
    session: Session, settings: Settings, draft: int, case: Case, difference: Difference, now: datetime, since: datetime
) -> KeptPlan | None:
    """Let a draft out and give it, or ask for a person to and give None; in the caller's transaction."""
    if goes_out(settings, difference, case):
        kept = kept_plan(session, draft)
        approve(session, draft, BY, now, f"by itself: {settings.automatic.goes_out}")
        publish_and_tell(session, settings, kept, by=BY, at=now)
        return kept
    until = since + timedelta(minutes=settings.automatic.approval_minutes)
    urgent = sum(case.ticket_by_id[change.ticket].severity == "emergency" for change in difference.of("new"))
    announce(session, settings, [approval_waiting(draft, now, until, urgent)], now)
    return None


def _write_papers(store: Store, settings: Settings, kept: KeptPlan) -> None:
    """The papers of a plan that went out by itself: after its transaction, since people wait for the plan and not for its maps."""
    must_be_writable(settings.output_dir)
    papers_of(store, settings, kept)


def _done_before(store: Store, settings: Settings, plan: int) -> Reoptimized:
    """What a flow run that is run again did the first time: its papers may be missing."""
    with store.reading() as session:
        state = plan_by_id(session, plan).state
    if state == "published":
        _write_papers(store, settings, read_plan(store, plan))
        return Reoptimized("published", plan)
    return Reoptimized("waits" if state == "draft" else "nothing_new", plan)


def goes_out(settings: Settings, difference: Difference, case: Case) -> bool:
    """Whether a plan that changes so much may be published without a person.

    `additions`: it only serves tickets that nobody was promised for; `emergencies`: what it serves in addition are emergencies, one at
    least, and nothing is dropped for them; `small`: it changes few visits and drops no emergency.
    """
    kinds = {change.kind for change in difference.changes}
    severity = {change.ticket: case.ticket_by_id[change.ticket].severity for change in difference.changes}
    new = [change.ticket for change in difference.of("new")]
    match settings.automatic.goes_out:
        case "additions":
            return kinds == {"new"}
        case "emergencies":
            return bool(new) and all(severity[ticket] == "emergency" for ticket in new) and "dropped" not in kinds
        case "small":
            drops = any(severity[change.ticket] == "emergency" for change in difference.of("dropped"))
            return len(difference.changes) <= settings.automatic.most_changes and not drops
    return False


@contextmanager
def _given_back(store: Store, work: str, holder: str) -> Iterator[None]:
    try:
        yield
    finally:
        with store.session() as session:
            give_back(session, work, holder)


def _must_hold(session: Session, work: str, holder: str) -> None:
    """Raises `Conflict` when another run took over because this one was late: its plan is not kept.

    Nobody can take over from then on until the transaction ends.
    """
    if not has_lease(session, work, holder):
        raise Conflict(f"{work.strip()}: this run was late and another one has taken over; nothing is kept")


def _drafts(store: Store, settings: Settings, *, made_again: bool = False) -> list[int]:
    """Drafts made by planning the published plan again, oldest first; with `made_again`, any plan."""
    with store.reading() as session:
        row = published_plan(session, settings.region)
        of_published = tables.Plan.parent_id == (row.id if row is not None else None)
        which = tables.Plan.parent_id.is_not(None) if made_again else of_published
        query = select(tables.Plan.id).where(tables.Plan.region == settings.region, tables.Plan.state == "draft", which)
        return list(session.scalars(query.order_by(tables.Plan.id)))


def _new_emergencies(store: Store, kept: KeptPlan) -> bool:
    """Whether a plan serves an emergency that the published one does not."""
    with store.reading() as session:
        row = published_plan(session, kept.snapshot.context.region)
    told = {visit.ticket_id for route in row.routes for visit in route.visits} if row is not None else set()
    urgent = {ticket.id for ticket in kept.judged.case.tickets if ticket.severity == "emergency"}
    return bool({stop.ticket for route in kept.judged.plan.routes for stop in route.stops} & urgent - told)
