"""Somebody is sent to a ticket at once: the people of a first answer, in the published plan, everything else kept in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from data_models.errors import Conflict, Infeasible
from data_models.plan import Unassigned
from data_models.store import Store, approve, published_plan
from flows.dispatch import kept_plan, make_snapshot, put_draft, read_facts
from flows.planning import TRIPS, judge, must_keep_every_rule, with_unplanned_reasons
from flows.responding import plan_that_is_left
from flows.telling import publish_and_tell

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings
    from optimizer.problem import Problem


@dataclass(frozen=True)
class Sent:
    """The plan that was published for it, when work begins, and the tickets that had to be given up since they cannot be made any more."""

    plan: int
    start: datetime
    given_up: tuple[str, ...]


def send(
    store: Store, settings: Settings, ticket: str, technicians: Collection[str], *, by: str, at: datetime, seen_plan: int | None
) -> Sent:
    """Publish the published plan with a ticket given to these people, in one transaction.

    Parameters
    ----------
    seen_plan
        Number of the published plan that the first answer was built on; None when there was none.

    Raises
    ------
    Conflict
        Another plan was published since, so that the answer may not hold any more; nothing is changed.
    Infeasible
        These people cannot take it as things are now; the message says so, and to ask again.
    """
    from optimizer.candidates import ways
    from optimizer.problem import to_plan
    from optimizer.schedule import schedule
    from optimizer.solution import Schedule
    from optimizer.standing import standing

    with store.reading() as session:
        _must_still_hold(session, settings, seen_plan)
    facts = read_facts(store, settings, at)
    snapshot = make_snapshot(store, settings, facts)
    if ticket not in snapshot.case.ticket_by_id:
        raise Infeasible(f"Ticket {ticket} is not open any more; look again")
    stands = standing(snapshot.case, plan_that_is_left(snapshot.case, facts), ticket, trips=TRIPS)
    problem = stands.problem
    found = ways(problem, stands.schedule, problem.ticket_ids.index(ticket))
    wanted = sorted(set(technicians))
    chosen = next((way for way in found.candidates if _people(problem, way.duties) == wanted), None)
    timed = schedule(problem, found.taken(chosen)) if chosen is not None else None
    if chosen is None or not isinstance(timed, Schedule):
        raise Infeasible(f"Ticket {ticket}: {', '.join(wanted)} cannot take it as things are now; ask for a new answer")
    plan = to_plan(problem, timed)
    missing = tuple(Unassigned(each, ()) for each in stands.given_up if each != ticket)
    judged = judge(snapshot.case, replace(plan, unassigned=plan.unassigned + missing))
    must_keep_every_rule(judged)
    judged = with_unplanned_reasons(judged) if judged.plan.unassigned else judged
    with store.session() as session:
        _must_still_hold(session, settings, seen_plan)
        number = put_draft(session, settings, snapshot, judged, seed=settings.seed, at=at, parent=seen_plan)
        approve(session, number, by, at, f"sent to {ticket}: {', '.join(wanted)}")
        publish_and_tell(session, settings, kept_plan(session, number), by=by, at=at)
    return Sent(number, problem.moment(chosen.start), stands.given_up)


def _must_still_hold(session: Session, settings: Settings, seen_plan: int | None) -> None:
    current = published_plan(session, settings.region)
    if current is not None and current.id != seen_plan:
        raise Conflict(f"Plan {current.id} was published since this answer was given; ask for a new one")


def _people(problem: Problem, duties: Collection[int]) -> list[str]:
    return sorted(problem.technician_ids[problem.tables.technician[duty]] for duty in duties)
