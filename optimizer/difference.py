"""What a new plan changes of a published one, visit by visit, and why: what a coordinator reads before letting it out.

Reasons are derived, not remembered: who is gone, who took the place, what comes first now, and what the plan would cost with this one
change undone. They say what is so, not what the search was thinking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from data_models.case import Case
from data_models.plan import Plan
from optimizer.difference_reasons import Kind, Reasons, Why
from optimizer.explanation import Said, Value
from optimizer.published import Promise, promises
from optimizer.wording import told

KINDS: tuple[Kind, ...] = ("new", "dropped", "moved", "later", "earlier")

_TRIES = 60


@dataclass(frozen=True)
class VisitChange:
    """One ticket whose visit is not what people were told.

    Attributes
    ----------
    from_technicians, to_technicians, from_start, to_start
        Who and when, before and after; empty and None where it is not planned.
    code, values, why
        The reason: a code of `wording.SENTENCES`, what it names, and the sentence in English.
    saves
        By how much the plan would be dearer with this change undone (and with it what took the place); None where that was not tried or
        cannot be.
    """

    ticket: str
    kind: Kind
    from_technicians: tuple[str, ...]
    to_technicians: tuple[str, ...]
    from_start: datetime | None
    to_start: datetime | None
    code: str
    values: Mapping[str, Value]
    saves: float | None
    why: str

    @property
    def said(self) -> tuple[Said, ...]:
        """The reason and what the change saves, for `wording.told`."""
        return _said(self.code, self.values, self.saves)

    @property
    def minutes(self) -> float | None:
        """By how much work begins later (earlier: below 0); None where it is not planned before or after."""
        if self.from_start is None or self.to_start is None:
            return None
        return (self.to_start - self.from_start).total_seconds() / 60


@dataclass(frozen=True)
class Difference:
    """Every ticket of a case or of the published plan, in one of these.

    Attributes
    ----------
    changes
        In the order of `KINDS`, and of the case within a kind.
    unchanged
        Same people, start within the tolerance.
    waiting
        Planned neither before nor after.
    gone
        Of the published plan, but not of the case: begun, closed, or another case's.
    """

    case: str
    tolerance_minutes: float
    changes: tuple[VisitChange, ...]
    unchanged: tuple[str, ...]
    waiting: tuple[str, ...]
    gone: tuple[str, ...]

    def of(self, kind: Kind) -> tuple[VisitChange, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)


def difference(
    case: Case,
    before: Plan,
    after: Plan,
    *,
    tolerance_minutes: float = 15.0,
    tries: int = _TRIES,
) -> Difference:
    """What `after` changes of `before`, visit by visit, with reasons.

    Parameters
    ----------
    case
        The snapshot that `after` was made for.
    before, after
        Any plans: what they name need not be in the case.
    tolerance_minutes
        A start that moves by no more is unchanged.
    tries
        How many plans with one change undone are timed, to say what the change saves; 0: none.
    """
    was, now = promises(before), promises(after)
    tolerance = timedelta(minutes=tolerance_minutes)
    kinds = {ticket.id: _kind(was.get(ticket.id), now.get(ticket.id), tolerance) for ticket in case.tickets}
    changed = [(kind, ticket) for kind in KINDS for ticket in case.tickets if kinds[ticket.id] == kind]
    reasons, names = Reasons(case, before, after, tries), _names(case)
    return Difference(
        case.name,
        tolerance_minutes,
        tuple(
            _change(case, ticket.id, kind, was.get(ticket.id), now.get(ticket.id), reasons.why(ticket, kind), names)
            for kind, ticket in changed
        ),
        tuple(ticket.id for ticket in case.tickets if kinds[ticket.id] == "unchanged"),
        tuple(ticket.id for ticket in case.tickets if kinds[ticket.id] == "waiting"),
        tuple(ticket for ticket in was if ticket not in case.ticket_by_id),
    )


def change_of(
    case: Case, before: Plan, after: Plan, ticket: str, *, tolerance_minutes: float = 15.0, tries: int = _TRIES
) -> VisitChange | None:
    """What `after` changes of one ticket's visit, with the reason; None when nothing does. Parameters as of `difference`."""
    was, now = promises(before).get(ticket), promises(after).get(ticket)
    kind = _kind(was, now, timedelta(minutes=tolerance_minutes))
    if kind == "unchanged" or kind == "waiting":
        return None
    why = Reasons(case, before, after, tries).why(case.ticket_by_id[ticket], kind)
    return _change(case, ticket, kind, was, now, why, _names(case))


def _kind(told: Promise | None, now: Promise | None, tolerance: timedelta) -> Kind | Literal["unchanged", "waiting"]:
    if told is None:
        return "waiting" if now is None else "new"
    if now is None:
        return "dropped"
    if told.technicians != now.technicians:
        return "moved"
    if abs(now.start - told.start) <= tolerance:
        return "unchanged"
    return "later" if now.start > told.start else "earlier"


def _change(
    case: Case, ticket: str, kind: Kind, before: Promise | None, now: Promise | None, why: Why, names: Mapping[str, str]
) -> VisitChange:
    code = f"differs_{why.code}"
    return VisitChange(
        ticket,
        kind,
        before.technicians if before else (),
        now.technicians if now else (),
        before.start if before else None,
        now.start if now else None,
        code,
        why.values,
        why.saves,
        told(_said(code, why.values, why.saves), names, case.now),
    )


def _said(code: str, values: Mapping[str, Value], saves: float | None) -> tuple[Said, ...]:
    reason = Said(code, values)
    return (reason,) if saves is None or saves < 0.5 else (reason, Said("differs_saves", {"saved_cost": saves}))


def _names(case: Case) -> dict[str, str]:
    """What technicians are called: by name and id."""
    return {who.id: f"{who.name} ({who.id})" for who in case.technicians if who.name not in ("", who.id)}
