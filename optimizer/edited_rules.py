"""Which manual changes suit a plan at all, and what they break that a plan's judge cannot know: pins, which no file format has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from data_models.case import Case
from data_models.errors import BadInput, NotFound
from data_models.plan import Plan
from optimizer.check import Rule, Violation
from optimizer.edited_case import edited_case, pinned_windows
from optimizer.explanation import ChangeKind, Value
from optimizer.manual import (
    Away,
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
    technicians_of,
    tickets_of,
)
from optimizer.published import Promise, promises
from optimizer.wording import sentence

CLICKABLE: frozenset[ChangeKind] = frozenset({"replan", "overtime", "earlier_shift", "on_call", "allow", "window", "kit"})
"""Remedies that can be applied to a draft at once; the others have to be arranged first: certificates, training, people, promises."""

MOST_OVERTIME_MINUTES = 720


def by_hand(now: datetime, rule: Rule, code: str, values: Mapping[str, Value], size: float = 1.0) -> Violation:
    """A rule that a change by hand would break, in words; `now` is the case's."""
    return Violation(rule, code, values, size, sentence(code, values, {}, now))


def pins_dropped(now: datetime, changes: Iterable[ManualChange], change: ManualChange, plan: Plan) -> Iterator[Violation]:
    """Pinned tickets that a change about something else would leave unplanned."""
    pins: dict[str, Pin] = {}
    for each in changes:
        if isinstance(each, Pin):
            pins[each.ticket] = each
        elif isinstance(each, Release | LeaveOut):
            pins.pop(each.ticket, None)
    planned = {stop.ticket for route in plan.routes for stop in route.stops}
    for ticket, pin in pins.items():
        if ticket not in planned and not (isinstance(change, LeaveOut) and change.ticket == ticket):
            to: dict[str, Value] = {"technicians": pin.technicians} if pin.technicians else {}
            yield by_hand(now, "technician", "hand_pinned_to" if to else "hand_pinned", {"ticket": ticket, **to})


def refused_at_once(base: Case, changes: Iterable[ManualChange], change: ManualChange) -> tuple[Violation, ...]:
    """What the case with the change in it could not say: a pin against the ticket's own limits."""
    if not isinstance(change, Pin):
        return ()
    ticket = edited_case(base, [each for each in changes if not isinstance(each, Pin)]).ticket_by_id[change.ticket]
    found = [
        by_hand(base.now, "technician", "rule_not_allowed", {"technician": name, "ticket": ticket.id, "only": ticket.only})
        for name in change.technicians
        if ticket.only and name not in ticket.only
    ]
    if ticket.windows and not pinned_windows(ticket, change):
        access = tuple(f"{window.start.isoformat()}/{window.end.isoformat()}" for window in ticket.windows)
        found.append(by_hand(base.now, "window", "hand_pin_outside", {"ticket": ticket.id, "access_spans": access}))
    return tuple(found)


def must_suit(case: Case, plan: Plan, change: ManualChange) -> None:
    """Raises `NotFound` or `BadInput` for a change that names what is not there, or contradicts itself."""
    planned = promises(plan)
    for kind, names, known in (
        ("ticket", tickets_of(change), case.ticket_by_id),
        ("technician", technicians_of(change), case.technician_by_id),
    ):
        for name in names:
            if name not in known and not (isinstance(change, TakeRemedy) and change.change.kind == "technician"):
                raise NotFound(f"the plan's case has no {kind} {name}; reload the page and choose one that it shows")
    problem = next(_unsuitable(case, planned, change), None)
    if problem is not None:
        raise BadInput(problem)


def _unsuitable(case: Case, planned: Mapping[str, Promise], change: ManualChange) -> Iterator[str]:
    for moment in (getattr(change, name, None) for name in ("not_before", "start", "end")):
        if moment is not None and moment.tzinfo is None:
            yield f"time without an offset: {moment.isoformat()}; write it as 2026-03-02T09:00:00+08:00"
    match change:
        case Move():
            yield from _odd_move(planned, change)
            yield from _odd_number(case, change.ticket, change.crew)
        case Swap() if change.ticket == change.other:
            yield f"{change.ticket} cannot be swapped with itself; choose two tickets"
        case Swap() if not {change.ticket, change.other} <= planned.keys():
            yield f"{change.ticket} and {change.other} cannot be swapped: both must be planned; put the unplanned one in first"
        case LeaveOut() if change.ticket not in planned:
            yield f"{change.ticket} is not planned and cannot be left out"
        case PutIn() if change.ticket in planned:
            yield f"{change.ticket} is planned already; move it instead"
        case PutIn() | Pin():
            yield from _odd_crew(case, change)
        case Away() if change.end <= change.start:
            yield f"{change.technician} cannot be away until {change.end:%H:%M}, before {change.start:%H:%M}; swap or correct them"
        case Overtime():
            who = case.technician_by_id[change.technician]
            if not 0 <= change.shift < len(who.shifts):
                yield f"technician {who.id} has no shift {change.shift}; give 0 to {len(who.shifts) - 1}"
            if not 0 < change.minutes <= MOST_OVERTIME_MINUTES:
                yield f"overtime of {change.minutes} minutes for {who.id}; give 1 to {MOST_OVERTIME_MINUTES}"
        case TakeRemedy() if change.change.kind not in CLICKABLE:
            yield f"{change.ticket}: this remedy ({change.change.kind}) cannot be applied to a plan; it has to be arranged first"
        case Improve():
            yield "a plan is improved by the search, not at the desk"
        case _:
            pass
    if getattr(change, "position", None) is not None and getattr(change, "position", 0) < 0:
        yield f"position {getattr(change, 'position', 0)} is below 0; give 0 for the first visit of the shift"


def _odd_move(planned: Mapping[str, Promise], change: Move) -> Iterator[str]:
    if change.ticket not in planned:
        yield f"{change.ticket} is not planned and cannot be moved; put it in instead"
        return
    crew = planned[change.ticket].technicians
    if change.technician is not None and change.technician not in crew and len(crew) > 1 and change.instead_of is None:
        yield f"{change.ticket} is served by {', '.join(crew)}; say whom of them {change.technician} replaces"
    if change.crew and (change.technician is not None or change.instead_of is not None):
        yield f"{change.ticket}: name the whole crew, or one who comes and whom they replace, not both"
    if change.instead_of is not None and change.instead_of not in crew:
        yield f"{change.instead_of} does not go to {change.ticket}; it is served by {', '.join(crew)}"


def _odd_crew(case: Case, change: PutIn | Pin) -> Iterator[str]:
    yield from _odd_number(case, change.ticket, change.technicians)
    if isinstance(change, Pin):
        if not change.technicians and change.start is None and change.end is None:
            yield f"nothing is said about {change.ticket}; give technicians, a time, or both"
        if change.start is not None and change.end is not None and change.end < change.start:
            yield f"{change.ticket} is pinned until {change.end:%H:%M}, before {change.start:%H:%M}; swap or correct them"


def _odd_number(case: Case, ticket: str, people: tuple[str, ...]) -> Iterator[str]:
    needed = case.ticket_by_id[ticket].crew
    if people and (len(set(people)) != len(people) or len(people) != needed):
        yield f"{ticket} needs {needed} different people, not {', '.join(people)}"
