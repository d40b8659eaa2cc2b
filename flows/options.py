"""Where can this ticket go? What a coordinator asks when a ticket comes in and a plan is under way; without Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from data_models.case import Case
from data_models.errors import BadInput, Conflict, NotFound
from data_models.plan import Plan
from flows.planning import TRIPS


@dataclass(frozen=True)
class Option:
    """One way to serve a ticket besides everything that is planned, each route's order kept.

    Attributes
    ----------
    technicians, arrivals
        Who would go, and when each of them would be there.
    start, late_minutes
        When work would begin, and how long after `due`; 0 in time.
    added_cost
        What serving costs: driving, lateness of this ticket and of others, overtime.
    cost_change
        Cost of the plan with the ticket less its cost without: `added_cost` less what leaving the ticket out costs.
    delays
        (ticket, minutes) for each visit that would start later than it could now.
    """

    technicians: tuple[str, ...]
    arrivals: tuple[datetime, ...]
    start: datetime
    late_minutes: float
    added_cost: float
    cost_change: float
    delays: tuple[tuple[str, float], ...]


def options_for(case: Case, plan: Plan, ticket: str) -> tuple[Option, ...]:
    """Everybody who could serve a ticket, the cheapest first; empty when nobody can. One that is planned is taken out of the plan first.

    Raises
    ------
    NotFound
        The case has no such ticket.
    BadInput
        The plan is not of this case: it sends people, or visits tickets, that the case has not got.
    Conflict
        The plan breaks a rule, so that nothing can be built on it.
    """
    from optimizer.candidates import candidates
    from optimizer.problem import build_problem, from_plan
    from optimizer.schedule import schedule
    from optimizer.solution import Broken

    if ticket not in case.ticket_by_id:
        raise NotFound(f"ticket {ticket} is not in {case.name}; give the id of one of its {len(case.tickets)} tickets")
    must_belong(case, plan)
    problem = build_problem(case, trips=TRIPS, plan=plan)
    index, tables = problem.ticket_ids.index(ticket), problem.tables
    timed = schedule(problem, from_plan(problem, plan))
    if isinstance(timed, Broken):
        raise Conflict(f"the plan cannot be carried out: {timed.reason}; `twohour check` names every broken rule")
    left_out = tables.skip[index] + (tables.change[index] if tables.promised[index] else 0.0)
    return tuple(
        Option(
            technicians=tuple(problem.technician_ids[tables.technician[duty]] for duty in each.duties),
            arrivals=tuple(problem.moment(second) for second in each.arrivals),
            start=problem.moment(each.start),
            late_minutes=max(0, each.start - tables.due[index]) / 60,
            added_cost=each.cost_change + left_out,
            cost_change=each.cost_change,
            delays=tuple((problem.ticket_ids[other], seconds / 60) for other, seconds in each.delays),
        )
        for each in candidates(problem, timed, index)
    )


def must_belong(case: Case, plan: Plan) -> None:
    """Raise `BadInput` naming what a plan speaks of and the case has not got, so that nobody looks for the mistake in the ticket."""
    people, tickets = case.technician_by_id, case.ticket_by_id
    unknown = [f"technician {route.technician}" for route in plan.routes if route.technician not in people]
    unknown += [f"ticket {stop.ticket}" for route in plan.routes for stop in route.stops if stop.ticket not in tickets]
    unknown += [
        f"shift {route.shift} of technician {route.technician}"
        for route in plan.routes
        if route.technician in people and not 0 <= route.shift < len(people[route.technician].shifts)
    ]
    if unknown:
        shown = ", ".join(dict.fromkeys(unknown[:5])) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise BadInput(
            f"the plan is of case {plan.case} and does not belong to case {case.name}, which has no {shown}; "
            "give the case that the plan was made from"
        )
