"""A plan as the plan page shows it: judged, with chances, beside the plan that is published; worked out once for each version."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import Settings
from data_models.store import Store, plan_by_id, published_plan
from flows.dispatch import KeptPlan, read_plan
from flows.papers import labels_of
from flows.planning import JudgedPlan, with_chances
from maps.visits import TicketLabel
from optimizer.difference import Difference, difference

_KEPT = 16
"""Plans kept at hand: as many as coordinators look at together."""


@dataclass(frozen=True)
class ShownPlan:
    """A plan, what the published one is, and what changes between them.

    Attributes
    ----------
    judged
        The plan with the chance of each visit.
    labels
        What people call its tickets, by id.
    published
        None when the plan is the published one, or none is.
    changes
        What it changes of the published plan; None without one.
    """

    kept: KeptPlan
    judged: JudgedPlan
    labels: Mapping[str, TicketLabel]
    published: KeptPlan | None
    changes: Difference | None


class ShownPlans:
    """Plans at hand. Thread-safe; a plan is worked out again when it or the published one has changed."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._kept: OrderedDict[tuple[Any, ...], ShownPlan] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, plan_id: int) -> ShownPlan:
        """A plan as it is now. Raises `NotFound`."""
        with self._store.reading() as session:
            row = plan_by_id(session, plan_id)
            current = published_plan(session, row.region)
            published = current.id if current is not None and current.id != plan_id else None
            key = (plan_id, row.row_version, published)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._make(plan_id, published)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _make(self, plan_id: int, published: int | None) -> ShownPlan:
        kept = read_plan(self._store, plan_id)
        judged = with_chances(kept.judged, self._settings.uncertainty)
        current = None if published is None else read_plan(self._store, published)
        tolerance = self._settings.replanning.moved_minutes
        changes = (
            None
            if current is None or kept.state not in ("draft", "approved")
            else difference(judged.case, current.judged.plan, judged.plan, tolerance_minutes=tolerance)
        )
        return ShownPlan(kept, judged, labels_of(kept.snapshot.context, judged), current, changes)
