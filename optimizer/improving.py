"""The rest of a plan made better around what people have fixed: the case that the search gets, and what its answer means."""

from __future__ import annotations

from dataclasses import replace

from data_models.case import Case, Ticket
from data_models.plan import Plan, Unassigned
from optimizer.editing import Outcome, State, outcome_of
from optimizer.manual import Improve
from optimizer.published import promises

NEVER_LEFT_OUT = 1e9
"""What leaving out a visit that people have placed seems to cost: more than a plan does, and a sum of them still has its cents."""


def fixed_case(state: State) -> Case:
    """The case of a state as the search shall see it: what was placed by hand stays with its people, what was left out is not there.

    Times that were set by hand and pins are in the case already.
    """
    fixed, told = state.fixed, promises(state.plan)

    def seen(ticket: Ticket) -> Ticket:
        if ticket.id not in fixed.placed or ticket.id not in told:
            return ticket
        return replace(ticket, only=told[ticket.id].technicians, skip_cost=max(ticket.skip_cost, NEVER_LEFT_OUT))

    return replace(
        state.case,
        tickets=tuple(seen(ticket) for ticket in state.case.tickets if ticket.id not in fixed.left_out),
        committed=tuple(each for each in state.case.committed if each.ticket not in fixed.left_out),
    )


def without_left_out(state: State) -> Plan:
    """The plan of a state as `fixed_case` knows it."""
    return replace(state.plan, unassigned=tuple(each for each in state.plan.unassigned if each.ticket not in state.fixed.left_out))


def improved(state: State, found: Plan, change: Improve) -> Outcome:
    """What a search's plan for `fixed_case` means for the state; the state as it was when the plan is no cheaper than before.

    The plan is checked and priced by the true case.
    """
    reasons = {each.ticket: each.reasons for each in state.plan.unassigned}
    served = {stop.ticket for route in found.routes for stop in route.stops}
    left = tuple(Unassigned(t.id, reasons.get(t.id, ())) for t in state.case.tickets if t.id not in served)
    after = State(state.base, (*state.changes, change), Plan(state.plan.case, found.routes, left))
    if after.score.cost.total >= state.score.cost.total - 0.005:
        return outcome_of(state, state, change)
    return outcome_of(state, after, change)
