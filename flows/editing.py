"""Drafts changed by hand, over the store: opened, changed, undone, improved, and made a plan of their own. Plain functions.

Whatever is computed is computed before the transaction that keeps it; that one looks whether the draft is still as it was seen.
"""

from __future__ import annotations

import json
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import defer

from data_models import tables
from data_models.case import Case
from data_models.case_files import parse_case, parse_plan, plan_json
from data_models.context import Context, read_context
from data_models.errors import Conflict, NotFound
from data_models.manual_edits import EditsOfDraft
from data_models.plan import Plan
from data_models.snapshot import Snapshot
from data_models.store import Store, published_plan, reject, save_plan, save_snapshot
from data_models.store.edits import add_edit, edits_of, lock_draft, must_be_seen, must_have_reason, redo_edit, undo_edit
from flows.manual_changes import change_facts, read_change
from flows.planning import JudgedPlan, SearchLimit, judge, judged_summary, must_keep_every_rule, with_unplanned_reasons
from optimizer.editing import Desk, Improve, ManualChange, Outcome, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings

IMPROVE_SECONDS = 5.0
"""How long the rest of a draft is improved when nobody says otherwise."""

MOST_DESKS, MOST_STATES, MOST_TRIED = 4, 8, 16
"""Snapshots, drafts, and changes that were tried, which a `Workbench` keeps at hand."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
_DraftKey = tuple[int, tuple[int, ...]]
"""Number of a plan, and of its edits that count: neither its text nor an edit is ever changed."""


@dataclass(frozen=True)
class Draft:
    """A draft as its edits leave it.

    Attributes
    ----------
    state
        Case and plan with the edits.
    edits
        All of them; `edits.seen` is what whoever changes the draft next has to name.
    context
        Names, addresses and clocks of the snapshot.
    """

    plan: int
    region: str
    plan_state: str
    state: State
    edits: EditsOfDraft
    context: Context

    @property
    def seen(self) -> int:
        """The number of the last edit that counts, 0 for none."""
        return self.edits.seen

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self.seen > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to make again."""
        return self.edits.to_redo is not None


@dataclass(frozen=True)
class Changed:
    """What a change did, or why it was refused; `seen` names the draft as it is now."""

    outcome: Outcome
    seen: int


class Workbench:
    """What a process works on, kept at hand: snapshots read once, drafts as their edits left them, and what was tried of them last.

    Without one, each call reads and computes anew, to the same result. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._desks: OrderedDict[str, tuple[Desk, Context]] = OrderedDict()
        self._states: OrderedDict[_DraftKey, State] = OrderedDict()
        self._tried: OrderedDict[tuple[_DraftKey, str], Outcome] = OrderedDict()

    def desk(self, session: Session, snapshot_id: int, digest: str) -> tuple[Desk, Context]:
        """The desk for the case of a snapshot, and its context."""

        def read() -> tuple[Desk, Context]:
            kept = session.get_one(tables.Snapshot, snapshot_id)
            return Desk(parse_case(kept.case_json)), read_context(kept.context_json)

        return self._kept(self._desks, digest, read, MOST_DESKS)

    def state(self, key: _DraftKey, begin: Callable[[], State]) -> State:
        """A draft as its edits leave it."""
        return self._kept(self._states, key, begin, MOST_STATES)

    def outcome(self, key: _DraftKey, change: ManualChange, apply: Callable[[], Outcome]) -> Outcome:
        """What a change does to a draft: who keeps what they have just tried need not wait for it again."""
        facts = json.dumps(change_facts(change), sort_keys=True)
        return self._kept(self._tried, (key, facts), apply, MOST_TRIED)

    def _kept(self, known: OrderedDict[_Key, _Value], key: _Key, make: Callable[[], _Value], most: int) -> _Value:
        with self._lock:
            found = known.get(key)
        if found is None:
            found = make()  # of two threads at once each makes it, to the same result
        with self._lock:
            known[key] = found
            known.move_to_end(key)
            while len(known) > most:
                known.popitem(last=False)
        return found


def open_draft(store: Store, settings: Settings, plan_id: int, bench: Workbench | None = None) -> Draft:
    """A plan with its edits, at one unchanging moment of the store. Raises `NotFound`: no such plan, or one of another region."""
    return _opened(store, settings, plan_id, bench or Workbench())[0]


def change_draft(
    store: Store,
    settings: Settings,
    plan_id: int,
    change: ManualChange,
    *,
    reason: str,
    note: str = "",
    by: str,
    at: datetime,
    seen: int,
    bench: Workbench | None = None,
) -> Changed:
    """Try a change of a draft, and keep it with its reason when it breaks no rule; one that does leaves the draft as it was.

    Raises
    ------
    NotFound
        There is no such plan, or the change names what its case has not got.
    BadInput
        The change contradicts itself, or its reason is not in the list.
    Conflict
        The plan is no draft, or somebody changed it after the edit `seen`; the message names who, and what they did.
    """
    must_have_reason(reason, note)
    bench = bench or Workbench()
    draft, desk = _opened(store, settings, plan_id, bench, seen)
    outcome = bench.outcome(_key(draft), change, lambda: desk.apply(draft.state, change))
    if not outcome.accepted:
        return Changed(outcome, draft.seen)
    return Changed(outcome, _keep(store, draft, change, outcome, reason=reason, note=note, by=by, at=at))


def try_change(store: Store, settings: Settings, plan_id: int, change: ManualChange, bench: Workbench | None = None) -> Outcome:
    """What a change of a draft would do; nothing is kept. Raises `NotFound` and `BadInput` as `change_draft`."""
    bench = bench or Workbench()
    draft, desk = _opened(store, settings, plan_id, bench)
    return bench.outcome(_key(draft), change, lambda: desk.apply(draft.state, change))


def warm_up(store: Store, settings: Settings, plan_id: int, bench: Workbench) -> None:
    """Work out beforehand what the first change of a draft would wait for: the drives between its places. Raises `NotFound`."""
    draft, desk = _opened(store, settings, plan_id, bench)
    desk.numbers.held(draft.state.case, draft.state.plan)


def undo(store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime, seen: int, bench: Workbench | None = None) -> Draft:
    """Take back the last edit; gives the draft without it. Raises as `change_draft`, and `Conflict` when there is none."""
    with store.session() as session:
        _must_be_ours(session, settings, plan_id)
        undo_edit(session, plan_id, seen, by, at)
    return open_draft(store, settings, plan_id, bench)


def redo(store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime, seen: int, bench: Workbench | None = None) -> Draft:
    """Make the edit again that was taken back last; gives the draft with it. Raises as `undo`."""
    with store.session() as session:
        _must_be_ours(session, settings, plan_id)
        redo_edit(session, plan_id, seen, by, at)
    return open_draft(store, settings, plan_id, bench)


def improve(
    store: Store,
    settings: Settings,
    plan_id: int,
    *,
    by: str,
    at: datetime,
    seen: int,
    limit: SearchLimit | None = None,
    bench: Workbench | None = None,
) -> Changed:
    """Plan the rest of a draft again around what was fixed by hand, and keep the plan when it is cheaper.

    While a plan is published, what the draft says is changed only at the price of the settings; before, freely. Raises as `change_draft`.
    """
    from optimizer.improving import fixed_case, improved, without_left_out

    draft, _ = _opened(store, settings, plan_id, bench or Workbench(), seen)
    found = _replanned(store, settings, draft, fixed_case(draft.state), without_left_out(draft.state), limit)
    outcome = improved(draft.state, found, Improve(settings.seed))
    if not outcome.accepted or outcome.state is draft.state:
        return Changed(outcome, draft.seen)
    return Changed(outcome, _keep(store, draft, Improve(settings.seed), outcome, reason="", note="", by=by, at=at))


@dataclass(frozen=True)
class Finished:
    """A draft with its edits, judged and ready to be kept as a plan of its own; `open` is the draft that it was made of."""

    open: Draft
    judged: JudgedPlan


def finish_draft(store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime, seen: int) -> int:
    """Make a draft with its edits a plan of its own, whose snapshot is the edited case; the draft is rejected as edited into it.

    The new plan counts as made when the draft was, so that what was promised meanwhile still stands against it. Gives its number.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        Nothing was changed, the plan is no draft, somebody changed it meanwhile, or it breaks a rule.
    """
    made = finished(store, settings, plan_id, seen)
    with store.session() as session:
        return keep_finished(session, made, by=by, at=at)


def finished(store: Store, settings: Settings, plan_id: int, seen: int) -> Finished:
    """What `keep_finished` keeps: computed before its transaction. Raises as `finish_draft`."""
    draft, _ = _opened(store, settings, plan_id, Workbench(), seen)
    if not draft.seen:
        raise Conflict(f"Plan {plan_id} has no changes to finish; approve it as it is, or change something first")
    judged = judge(draft.state.case, draft.state.plan)
    must_keep_every_rule(judged)
    return Finished(draft, with_unplanned_reasons(judged) if judged.plan.unassigned else judged)


def keep_finished(session: Session, made: Finished, *, by: str, at: datetime) -> int:
    """Keep an edited draft as a plan of its own in the caller's transaction, and give its number. Raises `Conflict` as `finish_draft`."""
    draft, judged = made.open, made.judged
    lock_draft(session, draft.plan, draft.seen)
    base = session.get_one(tables.Plan, draft.plan)
    snapshot = save_snapshot(session, Snapshot(draft.state.case, _context_of(draft)))
    row = save_plan(
        session,
        snapshot.id,
        judged.plan,
        created_at=base.created_at,
        seed=base.seed,
        iterations=base.iterations,
        violations=0,
        region=base.region,
        settings={**base.settings, "edits": draft.seen, "run": None},
        versions=base.versions,
        score=judged_summary(judged),
        parent_id=draft.plan,
    )
    reject(session, draft.plan, by, at, f"edited into plan {row.id}")
    return row.id


def _opened(store: Store, settings: Settings, plan_id: int, bench: Workbench, seen: int | None = None) -> tuple[Draft, Desk]:
    plan = tables.Plan
    with store.reading() as session:
        _must_be_ours(session, settings, plan_id)
        edits = edits_of(session, plan_id)
        if seen is not None:
            must_be_seen(session.get(plan, plan_id, options=(defer(plan.plan_json), defer(plan.explanation_json))), plan_id, edits, seen)
        row = session.execute(
            select(plan.region, plan.state, plan.snapshot_id, tables.Snapshot.digest)
            .join(tables.Snapshot, tables.Snapshot.id == plan.snapshot_id)
            .where(plan.id == plan_id)
        ).one()
        desk, context = bench.desk(session, row.snapshot_id, row.digest)

        def begin() -> State:
            text = edits.plan_json or session.scalars(select(plan.plan_json).where(plan.id == plan_id)).one()
            return desk.begin(parse_plan(text), tuple(read_change({"kind": edit.kind, **edit.details}) for edit in edits.counting))

        state = bench.state((plan_id, tuple(edit.number for edit in edits.counting)), begin)
        return Draft(plan_id, row.region, row.state, state, replace(edits, plan_json=""), context), desk


def _key(draft: Draft) -> _DraftKey:
    return draft.plan, tuple(edit.number for edit in draft.edits.counting)


def _must_be_ours(session: Session, settings: Settings, plan_id: int) -> None:
    """Raises `NotFound` for a plan that is not there, or is of another region than the settings are for."""
    region = session.scalar(select(tables.Plan.region).where(tables.Plan.id == plan_id))
    if region is None or (settings.region and region != settings.region):
        raise NotFound(f"Plan {plan_id} does not exist; `twohour show` lists those that do")


def _replanned(store: Store, settings: Settings, draft: Draft, case: Case, plan: Plan, limit: SearchLimit | None) -> Plan:
    from flows.replanning import replan_until_signal

    with store.reading() as session:
        is_told = published_plan(session, draft.region) is not None
    free = {"technician_price": 0.0, "moved_price": 0.0, "freeze_minutes": 0.0, "frozen_price": 0.0}
    prices = settings.replanning if is_told else settings.replanning.model_copy(update=free)
    found = replan_until_signal(case, plan, limit or SearchLimit(IMPROVE_SECONDS), settings.seed, prices, workers=settings.solver_workers)
    if found.interrupted is not None:
        signal.raise_signal(found.interrupted)
    return found.plan


def _context_of(draft: Draft) -> Context:
    """The context of the edited case: who is away has other shifts, each of the kind that it is a piece of."""
    people = dict(draft.context.technicians)
    for was in draft.state.base.technicians:
        now = draft.state.case.technician_by_id[was.id]
        facts = people.get(was.id)
        if facts is None or len(now.shifts) == len(was.shifts):
            continue
        pieces = [next((k for k, s in enumerate(was.shifts) if s.start <= piece.start < s.end), -1) for piece in now.shifts]
        kinds = (facts.shift_kinds[k] if 0 <= k < len(facts.shift_kinds) else "on_call" for k in pieces)
        people[was.id] = replace(facts, shift_kinds=tuple(kinds))
    return replace(draft.context, technicians=people)


def _keep(store: Store, draft: Draft, change: ManualChange, outcome: Outcome, *, reason: str, note: str, by: str, at: datetime) -> int:
    facts = change_facts(change)
    text = plan_json(outcome.state.plan)
    with store.session() as session:
        return add_edit(
            session,
            draft.plan,
            draft.seen,
            kind=facts.pop("kind"),
            details=facts,
            reason=reason,
            note=note,
            by=by,
            at=at,
            plan_json=text,
            cost_before=draft.state.score.cost.total,
            cost_after=outcome.state.score.cost.total,
        )
