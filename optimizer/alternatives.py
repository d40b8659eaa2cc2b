"""What else could be done about one ticket of a draft: the next best people, and the smallest fixes, each ready to be applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from optimizer.edited_rules import CLICKABLE
from optimizer.edited_state import Numbers
from optimizer.editing import Move, PutIn, Shifted, State, TakeRemedy
from optimizer.explain import explain
from optimizer.explanation import ChangeKind, PlanningContext, Remedy, TicketExplanation
from optimizer.manual import ManualChange
from optimizer.problem import Problem
from optimizer.published import promises
from optimizer.schedule import schedule
from optimizer.solution import Schedule

NOT_BY_A_CLICK: Mapping[ChangeKind, str] = {
    "due": "Agree another time with the customer first, and record it at the ticket.",
    "certificate": "Renew the certificate first, and record it at the technician.",
    "skill": "Training comes first, and takes longer than this plan.",
    "technician": "There is nobody of the kind: find somebody, and enter them as a technician.",
}
"""Why a remedy cannot be applied to a draft, and what to do instead; the kinds beside `CLICKABLE`."""


@dataclass(frozen=True)
class Alternative:
    """Other people for a ticket.

    Attributes
    ----------
    technicians, start
        Who would come, and when work would begin.
    cost_change
        What the plan would cost more than now, less when negative; exact.
    late_minutes
        After the promised moment; 0 when in time.
    delays
        Visits that would begin later than now.
    change
        What makes it so when it is applied to the draft.
    """

    technicians: tuple[str, ...]
    start: datetime
    cost_change: float
    late_minutes: float
    delays: tuple[Shifted, ...]
    change: ManualChange


@dataclass(frozen=True)
class Fix:
    """A confirmed remedy of a ticket; `change` applies it to the draft, None where that cannot be done by a click, which `why_not` says."""

    remedy: Remedy
    change: TakeRemedy | None
    why_not: str = ""


def next_best(state: State, ticket: str, most: int = 3) -> tuple[Alternative, ...]:
    """The best people for a ticket other than those who come now, the cheapest first; the order of all other visits is kept.

    Uses the compiled search (`compiling.make_ready`). Empty when nobody else can, or the ticket is not in the case.
    """
    from optimizer.candidates import ways

    # No second trip is begun for it: what is shown must be what a change then does.
    problem, solution = Numbers(trips=1).held(state.case, state.plan, (ticket,))
    plan = schedule(problem, solution)
    if ticket not in problem.ticket_ids or not isinstance(plan, Schedule):
        return ()
    index = problem.ticket_ids.index(ticket)
    found = ways(problem, plan, index)
    left = schedule(problem, found.without)
    if not isinstance(left, Schedule):
        return ()
    now = promises(state.plan).get(ticket)
    known = {now.technicians} if now is not None else set()
    alternatives: list[Alternative] = []
    for each in found.candidates:
        people = tuple(sorted(problem.technician_ids[problem.tables.technician[d]] for d in each.duties))
        if people in known:
            continue  # those who come now, or the same people in another shift
        known.add(people)
        alternatives.append(
            Alternative(
                technicians=people,
                start=problem.moment(each.start),
                cost_change=round(each.cost_change - (plan.cost - left.cost if now is not None else 0.0), 2),
                late_minutes=max(0.0, (problem.moment(each.start) - state.case.ticket_by_id[ticket].due).total_seconds() / 60),
                delays=_delays(problem, each.delays, index),
                change=PutIn(ticket, people) if now is None else Move(ticket, crew=people),
            )
        )
        if len(alternatives) == most:
            break
    return tuple(alternatives)


def fixes(state: State, ticket: str, context: PlanningContext | None = None, most: int = 3) -> tuple[Fix, ...]:
    """The smallest confirmed changes that would serve an unplanned or late ticket in time, the least effort first."""
    return tuple(fix_of(ticket, remedy) for each in explained_ticket(state, ticket, context, most) for remedy in each.remedies)


def explained_ticket(state: State, ticket: str, context: PlanningContext | None = None, most: int = 3) -> tuple[TicketExplanation, ...]:
    """Why a ticket of a draft is unplanned or late, and what would help; empty for one in time."""
    return explain(state.case, state.plan, context=context, max_remedies=most, tickets=(ticket,)).tickets


def fix_of(ticket: str, remedy: Remedy) -> Fix:
    """A remedy as a change of the draft, or why it is none."""
    kind = remedy.change.kind
    if kind in CLICKABLE:
        return Fix(remedy, TakeRemedy(ticket, remedy.change))
    return Fix(remedy, None, NOT_BY_A_CLICK[kind])


def _delays(problem: Problem, delays: tuple[tuple[int, int], ...], ticket: int) -> tuple[Shifted, ...]:
    return tuple(Shifted(problem.ticket_ids[t], seconds / 60) for t, seconds in delays if t != ticket)
