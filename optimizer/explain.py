"""Why tickets are not served in time, and the smallest changes that would serve them.

Explaining is pure and repeats exactly: no clock, no randomness, no time limit. What is bounded: `max_remedies` a ticket,
and the numbers at the top of `remedies` (candidates a kind, stations a test) and `confirm` (insertions a test).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from data_models.case import Case, Ticket
from data_models.plan import Plan, Unassigned
from optimizer.changes import Effort, apply_change, apply_remedy
from optimizer.check import check
from optimizer.day import Day, read_day
from optimizer.explanation import (
    Change,
    ExpiredCertificate,
    Explanation,
    PlanningContext,
    Reason,
    Remedy,
    TicketExplanation,
    Verdict,
)
from optimizer.reasons import kits_short, reasons_of
from optimizer.remedies import Search, plan_with_remedy, remedies_of, room
from optimizer.verdict import Fit, diagnose, inquire, verdict_of

__all__ = [
    "Change",
    "Effort",
    "ExpiredCertificate",
    "Explanation",
    "PlanningContext",
    "Reason",
    "Remedy",
    "TicketExplanation",
    "Verdict",
    "apply_change",
    "apply_remedy",
    "explain",
    "plan_with_remedy",
    "with_reasons",
]


def explain(
    case: Case,
    plan: Plan,
    *,
    context: PlanningContext | None = None,
    max_remedies: int = 3,
    effort: Effort | None = None,
    tickets: Collection[str] | None = None,
) -> Explanation:
    """Why each unplanned or late ticket is so, who or what is to blame, and what would serve it in time.

    Parameters
    ----------
    case, plan
        A validated case and a plan for it. When `check` finds anything in the plan, reasons and verdicts are given, but no
        remedies and no earliest start: they would be confirmed on sand.
    context
        Expired certificates, and names to show in place of ids.
    max_remedies
        Remedies a ticket at most, the smallest first; 0 does not look for any.
    effort
        What makes one change smaller than another; None for the defaults of `Effort`.
    tickets
        Ids of the tickets to explain; None for all that are late or unplanned.

    Returns
    -------
    Explanation
        One entry for each unplanned or late ticket, in the order of the case.
    """
    day = read_day(case, plan)
    is_sound = not check(case, plan)
    settings = effort or Effort()
    found = [
        _explain_ticket(case, plan, ticket, day, context or PlanningContext(), settings, max_remedies if is_sound else None)
        for ticket in case.tickets
        if (tickets is None or ticket.id in tickets) and (_late_s(day, ticket) is None or (_late_s(day, ticket) or 0.0) > 0)
    ]
    return Explanation(case.name, tuple(found))


def with_reasons(case: Case, plan: Plan, explanation: Explanation) -> Plan:
    """The plan with the sentences of the explanation at its unassigned tickets, those of `case` only; others are left as they are."""
    texts = {each.ticket: tuple(reason.text for reason in each.reasons) for each in explanation.tickets if each.ticket in case.ticket_by_id}
    return replace(plan, unassigned=tuple(Unassigned(each.ticket, texts.get(each.ticket, each.reasons)) for each in plan.unassigned))


def _late_s(day: Day, ticket: Ticket) -> float | None:
    """Seconds late, 0 when in time, None when not planned."""
    crew = day.crews.get(ticket.id)
    return None if not crew else max(0.0, max(work.start for work in crew) - ticket.due.timestamp())


def _explain_ticket(
    case: Case, plan: Plan, ticket: Ticket, day: Day, context: PlanningContext, effort: Effort, most: int | None
) -> TicketExplanation:
    """One ticket's explanation; `most` remedies, None when the plan must not be built upon."""
    late_s = _late_s(day, ticket)
    inquiry = inquire(case, ticket, "unplanned" if late_s is None else "late", context)
    found = diagnose(inquiry, day)
    search = Search(inquiry, plan, effort)
    in_time: Fit | None = None
    free: Fit | None = None
    if most is not None and found.on_duty is not None:
        in_time = room(search, in_time=True) if found.on_duty.start <= inquiry.due else None
        free = in_time or room(search, in_time=False)
        if late_s is not None and (free is None or free.start > inquiry.due + late_s):
            crew = day.crews[ticket.id]
            free = Fit(inquiry.due + late_s, tuple(sorted(work.technician for work in crew)), 0.0)
    verdict = verdict_of(inquiry, found, in_time, free)
    remedies = () if most is None else remedies_of(search, in_time, free, most)
    return TicketExplanation(
        ticket=ticket.id,
        status=inquiry.status,
        late_minutes=None if late_s is None else late_s / 60,
        verdict=verdict,
        reasons=(*reasons_of(inquiry, day, found, in_time, free), *kits_short(inquiry, verdict, remedies)),
        remedies=remedies,
        earliest_at=verdict.free_at,
    )
