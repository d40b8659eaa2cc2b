"""A plan as the plan page shows it: with its edits, judged, with chances, beside the published one; worked out once for each version."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fastapi import Request
from sqlalchemy import select

from config.settings import Settings
from console.web.visitors import must_in, person_of
from data_models import tables
from data_models.errors import NotFound
from data_models.people import Action
from data_models.store import Store
from flows.dispatch import KeptPlan, read_plan
from flows.editing import Draft, Workbench, open_draft
from flows.papers import labels_of
from flows.planning import JudgedPlan, judge, with_chances
from maps.visits import TicketLabel
from optimizer.alternatives import Alternative, explained_ticket, next_best
from optimizer.compiling import make_ready
from optimizer.difference import Difference, VisitChange, change_of, difference
from optimizer.explanation import TicketExplanation
from optimizer.published import ahead
from optimizer.score import Score, score
from optimizer.wording import Language

_KEPT = 16
"""Plans kept at hand: as many as coordinators look at together."""


@dataclass(frozen=True)
class ShownPlan:
    """A plan, what the published one is, and what changes between them.

    Attributes
    ----------
    row_version
        What whoever decides has to name, so that nobody decides about what they have not seen.
    draft
        The plan with its edits.
    judged
        The same with the chance of each visit.
    published
        None when the plan is the published one, or none is.
    changes
        What it changes of the published plan; None without one.
    mark
        Another when it, its edits or the published plan have changed.
    """

    kept: KeptPlan
    row_version: int
    draft: Draft
    judged: JudgedPlan
    published: KeptPlan | None
    changes: Difference | None
    mark: str = ""
    _labels: dict[str, Mapping[str, TicketLabel]] = field(default_factory=dict, repr=False, compare=False)
    _change: dict[str, VisitChange | None] = field(default_factory=dict, repr=False, compare=False)
    _why: dict[str, TicketExplanation | None] = field(default_factory=dict, repr=False, compare=False)
    _others: dict[str, tuple[Alternative, ...]] = field(default_factory=dict, repr=False, compare=False)

    def change(self, ticket: str) -> VisitChange | None:
        """What changes of a ticket's visit against the published plan, and why; None for nothing."""
        if self.changes is None or self.published is None or all(each.ticket != ticket for each in self.changes.changes):
            return None
        if ticket not in self._change:
            before, tolerance = self.published.judged.plan, self.changes.tolerance_minutes
            self._change[ticket] = change_of(self.judged.case, before, self.judged.plan, ticket, tolerance_minutes=tolerance)
        return self._change[ticket]

    def why(self, ticket: str) -> TicketExplanation | None:
        """Why a ticket is late or not planned, as the draft is now: what was kept with the plan where nothing was edited, else found now.

        None for a ticket in time. Whoever asks again gets what was found.
        """
        if ticket not in self._why:
            kept = self.judged.explanation.tickets if self.judged.explanation is not None and not self.draft.seen else ()
            found = next((each for each in kept if each.ticket == ticket), None)
            if found is None:
                found = next(iter(explained_ticket(self.draft.state, ticket, self.draft.context.planning)), None)
            self._why[ticket] = found
        return self._why[ticket]

    def others(self, ticket: str) -> tuple[Alternative, ...]:
        """The next best people for a ticket, the cheapest first; whoever asks again gets what was found."""
        if ticket not in self._others:
            make_ready()
            self._others[ticket] = next_best(self.draft.state, ticket)
        return self._others[ticket]

    def labels(self, language: Language) -> Mapping[str, TicketLabel]:
        """What people call its tickets, by id, and why those that are late or not planned are so."""
        if language not in self._labels:
            self._labels[language] = labels_of(self.draft.context, self.judged, language)
        return self._labels[language]

    @cached_property
    def published_score(self) -> Score | None:
        """What is left of the published plan, scored by the case of this one: the same tickets are compared. None without one."""
        if self.published is None:
            return None
        return score(self.judged.case, ahead(self.judged.case, self.published.judged.plan))

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What technicians, stations and customers are called, by id."""
        return {**self.draft.context.planning.names, **{who.id: who.name or who.id for who in self.judged.case.technicians}}


def shown_to(plans: ShownPlans, request: Request, action: Action, plan_id: int) -> ShownPlan:
    """A plan for whoever asks, if they may do this in its region. Raises `NotFound`, and as `visitors.must_in`."""
    shown = plans.get(plan_id)
    must_in(person_of(request), action, shown.draft.region)
    return shown


@dataclass(frozen=True)
class _Key:
    """What a shown plan depends on: number and version of it and of the published plan, and of each edit whether it counts."""

    plan: tuple[int, int]
    published: tuple[int, int] | None
    edits: tuple[tuple[Any, ...], ...]


class ShownPlans:
    """Plans at hand. Thread-safe; a plan is worked out again when it, its edits or the published one have changed."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._kept: OrderedDict[_Key, ShownPlan] = OrderedDict()
        self._read_plans: OrderedDict[tuple[int, int], KeptPlan] = OrderedDict()
        self._lock = threading.Lock()
        self.bench = Workbench()

    def get(self, plan_id: int) -> ShownPlan:
        """A plan as it is now. Raises `NotFound`."""
        key = self._key(plan_id)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._make(key)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _key(self, plan_id: int) -> _Key:
        """What a shown plan depends on, by a few short rows: whoever asks for anything of a plan asks for this first."""
        plan, edit = tables.Plan, tables.PlanEdit
        with self._store.reading() as session:
            row = session.execute(select(plan.row_version, plan.region).where(plan.id == plan_id)).first()
            if row is None:
                raise NotFound(f"Plan {plan_id} does not exist; `twohour show` lists those that do")
            published = session.execute(
                select(plan.id, plan.row_version).where(plan.region == row.region, plan.state == "published", plan.id != plan_id)
            ).first()
            edits = session.execute(select(edit.number, edit.undone).where(edit.plan_id == plan_id).order_by(edit.number))
            return _Key(
                (plan_id, row.row_version), None if published is None else (published.id, published.row_version), tuple(map(tuple, edits))
            )

    def _read(self, plan: tuple[int, int]) -> KeptPlan:
        """A plan as the store keeps it, by its number and version; read once."""
        with self._lock:
            found = self._read_plans.get(plan)
        if found is None:
            found = read_plan(self._store, plan[0])
            with self._lock:
                self._read_plans[plan] = found
                while len(self._read_plans) > _KEPT:
                    self._read_plans.popitem(last=False)
        return found

    def _make(self, key: _Key) -> ShownPlan:
        plan_id, row_version = key.plan
        kept = self._read(key.plan)
        draft = open_draft(self._store, self._settings, plan_id, self.bench)
        judged = kept.judged
        if draft.seen:
            judged = replace(judge(draft.state.case, draft.state.plan), explanation=kept.judged.explanation)
        judged = with_chances(judged, self._settings.uncertainty)
        current = None if key.published is None else self._read(key.published)
        tolerance = self._settings.replanning.moved_minutes
        # Without a plan timed for each: why one changes is found out when somebody looks at it.
        changes = (
            None
            if current is None or kept.state not in ("draft", "approved")
            else difference(judged.case, current.judged.plan, judged.plan, tolerance_minutes=tolerance, tries=0)
        )
        return ShownPlan(kept, row_version, draft, judged, current, changes, hashlib.sha256(repr(key).encode()).hexdigest()[:16])
