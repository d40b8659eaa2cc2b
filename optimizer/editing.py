"""A plan changed by hand: each change is tried at once, judged by every rule, and taken whole or not at all.

`manual` has the changes as facts. What a change fixes goes into the case as far as the format of cases can say it (`edited_case`), the
routes follow (`edited_routes`), and everything is timed anew; what was put off on purpose stays so (`edited_times`). A change that breaks a
rule is timed all the same, so that the judge can say in words, with times, what stands against it; the state then stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

from data_models.case import Case
from data_models.plan import Plan
from optimizer.check import Violation, check
from optimizer.edited_rules import must_suit, pins_dropped, refused_at_once
from optimizer.edited_state import TRIPS, Numbers, State
from optimizer.edited_trial import Trial
from optimizer.manual import (
    Away,
    Forbid,
    Improve,
    LeaveOut,
    ManualChange,
    Move,
    Overtime,
    Pin,
    PutIn,
    Release,
    Swap,
    TakeRemedy,
    tickets_of,
)
from optimizer.published import Promise, promises
from optimizer.score import Cost

__all__ = [
    "Away",
    "Desk",
    "Forbid",
    "Improve",
    "LeaveOut",
    "ManualChange",
    "Move",
    "Outcome",
    "Overtime",
    "Pin",
    "PutIn",
    "Release",
    "Shifted",
    "State",
    "Swap",
    "TakeRemedy",
]


@dataclass(frozen=True)
class Shifted:
    """A visit that begins at another time than before: minutes later, or earlier when negative."""

    ticket: str
    minutes: float


@dataclass(frozen=True)
class Outcome:
    """What a change does, or why it is refused.

    Attributes
    ----------
    state
        With the change; as it was when the change is refused.
    violations
        The rules that the change would break; empty when it was taken.
    tried
        The plan with the change, also when it is refused: what a page may show as it would be; None where it has no times.
    cost_change
        By term and in total, from the state before to the plan that was tried; empty without times.
    became_late, became_in_time
        Tickets planned before and after that were in time and are late now, and the other way round.
    left_out, taken_in
        Tickets that are not planned any more, and those that are planned now.
    shifted
        Other visits, not named by the change, whose work begins at another time.
    """

    state: State
    violations: tuple[Violation, ...]
    tried: Plan | None
    cost_change: Mapping[str, float]
    became_late: tuple[str, ...] = ()
    became_in_time: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    taken_in: tuple[str, ...] = ()
    shifted: tuple[Shifted, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the change was taken."""
        return not self.violations


class Desk:
    """Where changes to plans of one case are tried."""

    def __init__(self, base: Case, *, trips: int = TRIPS) -> None:
        self.base = base
        self.numbers = Numbers(trips=trips)

    def begin(self, plan: Plan, changes: Iterable[ManualChange] = ()) -> State:
        """A plan of the case to be changed, `changes` made to the case before already."""
        return State(self.base, tuple(changes), plan)

    def apply(self, state: State, change: ManualChange) -> Outcome:
        """Try a change: the state with it, or the reasons why not.

        Raises
        ------
        NotFound
            The change names a ticket, technician or shift that the case has not got.
        BadInput
            The change contradicts itself, or does not suit how its ticket is planned.
        """
        must_suit(state.case, state.plan, change)
        refused = refused_at_once(state.base, state.changes, change)
        if refused:
            return Outcome(state, refused, None, {})
        after = State(state.base, (*state.changes, change), state.plan)
        found = Trial(self.numbers, state, after.case, change).found()
        if isinstance(found, Violation):
            return Outcome(state, (found,), None, {})
        plan, broken = found
        tried = replace(after, plan=plan)
        tried.__dict__["case"] = after.case
        return outcome_of(state, tried, change, broken)


def outcome_of(state: State, after: State, change: ManualChange, broken: tuple[Violation, ...] = ()) -> Outcome:
    """What a change does that leads from a state to another, which the judge looks at.

    Parameters
    ----------
    broken
        Rules that are named when the judge, who forgives a second, and the pins have nothing against it.
    """
    violations = (
        tuple(_distinct((*check(after.case, after.plan), *pins_dropped(after.case.now, state.changes, change, after.plan)))) or broken
    )
    before, now = promises(state.plan), promises(after.plan)
    both = [ticket.id for ticket in after.case.tickets if ticket.id in before and ticket.id in now]

    def late(of: State, told: Mapping[str, Promise], ticket: str) -> bool:
        return told[ticket].start > of.case.ticket_by_id[ticket].due

    was = {ticket: late(state, before, ticket) for ticket in both}
    is_late = {ticket: late(after, now, ticket) for ticket in both}
    minutes = {ticket: (now[ticket].start - before[ticket].start).total_seconds() / 60 for ticket in both}
    own = tickets_of(change)
    return Outcome(
        state=state if violations else after,
        violations=violations,
        tried=after.plan,
        cost_change=cost_change(state.score.cost, after.score.cost),
        became_late=tuple(ticket for ticket in both if is_late[ticket] and not was[ticket]),
        became_in_time=tuple(ticket for ticket in both if was[ticket] and not is_late[ticket]),
        left_out=tuple(ticket.id for ticket in after.case.tickets if ticket.id in before and ticket.id not in now),
        taken_in=tuple(ticket.id for ticket in after.case.tickets if ticket.id in now and ticket.id not in before),
        shifted=tuple(Shifted(ticket, by) for ticket, by in minutes.items() if by and ticket not in own),
    )


def cost_change(before: Cost, after: Cost) -> dict[str, float]:
    """By how much each term of the cost, and the `total`, is higher after than before; rounded to cents."""
    terms = [*(field.name for field in fields(Cost)), "total"]
    return {term: round(getattr(after, term) - getattr(before, term), 2) for term in terms}


def _distinct(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Each sentence once: what a whole crew does wrong is found at each of them."""
    yield from {violation.what: violation for violation in violations}.values()
