"""A plan held against a later case at the moment of approval: what of it cannot be carried out any more, and what has moved."""

from __future__ import annotations

from dataclasses import dataclass

from data_models.case import Case
from data_models.errors import BadInput
from data_models.plan import Plan
from optimizer.edited_state import TRIPS
from optimizer.editing import Shifted
from optimizer.published import kept, problem_for, promises, starts_of


@dataclass(frozen=True)
class Recheck:
    """What a plan that was made for an earlier case comes to now.

    Attributes
    ----------
    gone
        Tickets that it serves and that wait no longer: closed, cancelled, or begun by others.
    lost
        Tickets that cannot be served any more as it says.
    later
        Visits that would begin later than it says, by more than the tolerance.
    became_late
        Tickets that it serves in time and that would be late now.
    """

    gone: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    later: tuple[Shifted, ...] = ()
    became_late: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything that the plan promises can still be done, later perhaps."""
        return not self.gone and not self.lost


def recheck(case: Case, plan: Plan, *, followed: Plan | None = None, tolerance_minutes: float = 15.0) -> Recheck:
    """A plan held against the case of now, which its people set out from; nothing but the times of the plan is changed.

    Parameters
    ----------
    followed
        The plan that people work by meanwhile: what the same people have begun by it is not gone, but under way.
    """
    told, meanwhile = promises(plan), promises(followed) if followed is not None else {}
    begun = {
        name for name, each in meanwhile.items() if each.start <= case.now and name in told and told[name].technicians == each.technicians
    }
    gone = tuple(sorted(told.keys() - case.ticket_by_id.keys() - begun))
    known = [ticket for ticket in case.tickets if ticket.id in told]
    try:
        problem, ahead = problem_for(case, plan, trips=TRIPS)
        now = kept(problem, ahead.solution)
    except BadInput:
        now = None
    if now is None:
        return Recheck(gone, tuple(ticket.id for ticket in known))
    names = problem.ticket_ids
    starts = {names[t]: problem.moment(second) for t, second in starts_of(now).items()}
    by = {each.id: (starts[each.id] - told[each.id].start).total_seconds() / 60 for each in known if each.id in starts}
    return Recheck(
        gone,
        tuple(each.id for each in known if each.id not in starts),
        tuple(Shifted(name, minutes) for name, minutes in by.items() if minutes > tolerance_minutes),
        tuple(each.id for each in known if each.id in starts and told[each.id].start <= each.due < starts[each.id]),
    )
