"""A case with manual changes in it, as far as the format of cases can say them, and a plan in its shifts.

A pin becomes `only` and a window, a time `not_before`, a ban `banned`; somebody who is away has shorter shifts, or more of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from data_models.case import Case, Shift, Technician, Ticket, TimeWindow
from data_models.errors import NotFound
from data_models.plan import Plan, Route, Stop
from optimizer.changes import apply_change
from optimizer.explanation import Change
from optimizer.manual import (
    Away,
    Forbid,
    ManualChange,
    Move,
    Overtime,
    Pin,
    PutIn,
    Release,
    TakeRemedy,
    technicians_of,
    tickets_of,
)


@dataclass
class _Said:
    """What was said of one ticket."""

    pin: Pin | None = None
    not_before: datetime | None = None
    banned: list[str] = field(default_factory=list)


def edited_case(base: Case, changes: Iterable[ManualChange]) -> Case:
    """The case with the changes, in their order. Shifts are in order of time; their indices may differ from those of `base`.

    Raises
    ------
    NotFound
        A change names something that the case has not got.
    """
    case, said = base, dict[str, _Said]()
    for change in changes:
        match change:
            case Move() | PutIn():
                said.setdefault(change.ticket, _Said()).not_before = change.not_before
            case Pin():
                said.setdefault(change.ticket, _Said()).pin = change
            case Release():
                said[change.ticket] = _Said(banned=said[change.ticket].banned) if change.ticket in said else _Said()
            case Forbid():
                said.setdefault(change.ticket, _Said()).banned.append(change.technician)
            case Away():
                case = _with_person(case, change.technician, without_spell(_person(case, change.technician), change.start, change.end))
            case Overtime():
                case = with_change(case, Change("overtime", technician=change.technician, shift=change.shift, minutes=change.minutes))
            case TakeRemedy():
                case = with_change(case, change.change)
                if change.change.kind == "allow" and change.change.ticket in said:
                    mine = said[change.change.ticket]
                    mine.banned = [name for name in mine.banned if name != change.change.technician]
            case _:
                pass
    if not said:
        return case
    return replace(case, tickets=tuple(_edited(t, said[t.id]) if t.id in said else t for t in case.tickets))


def still_said(base: Case, now: Case, changes: Iterable[ManualChange]) -> Iterator[ManualChange]:
    """Those of the changes to `base` that a later case can have too: its ticket, person and shift are still there."""
    for change in changes:
        tickets = [name for name in tickets_of(change) if name in base.ticket_by_id]
        people = [name for name in technicians_of(change) if name in base.technician_by_id]
        if not (set(tickets) <= now.ticket_by_id.keys() and set(people) <= now.technician_by_id.keys()):
            continue
        asked = change.change if isinstance(change, TakeRemedy) else change
        who, shift = getattr(asked, "technician", None), getattr(asked, "shift", None)
        if isinstance(change, Overtime | TakeRemedy) and who is not None and shift is not None and not _same_shift(base, now, who, shift):
            continue
        yield change


def _same_shift(base: Case, now: Case, technician: str, shift: int) -> bool:
    """Whether a shift is the same in both cases; one that has ended meanwhile moves the numbers of the others."""
    was, later = base.technician_by_id[technician].shifts, now.technician_by_id[technician].shifts
    return shift < min(len(was), len(later)) and was[shift].end == later[shift].end


def with_change(case: Case, change: Change) -> Case:
    """The case with a remedy's change, shifts in order of time. Raises `NotFound` as `apply_change`."""
    changed = apply_change(case, change)
    if change.kind != "on_call" or change.technician is None:
        return changed
    who = changed.technician_by_id[change.technician]
    return _with_person(changed, who.id, replace(who, shifts=tuple(sorted(who.shifts, key=lambda shift: shift.start))))


def pinned_windows(ticket: Ticket, pin: Pin) -> tuple[TimeWindow, ...]:
    """The windows of a ticket within a pin's limits; empty when the pin leaves nothing, or says only from when on without windows."""
    if pin.start is None and pin.end is None:
        return ticket.windows
    if not ticket.windows:
        opens = pin.start or ticket.opened_at
        return (TimeWindow(opens, pin.end),) if pin.end is not None and opens <= pin.end else ()
    opens = pin.start or min(w.start for w in ticket.windows)
    closes = pin.end or max(w.end for w in ticket.windows)
    cut = ((max(w.start, opens), min(w.end, closes)) for w in ticket.windows)
    return tuple(TimeWindow(start, end) for start, end in cut if start <= end)


def without_spell(who: Technician, begin: datetime, end: datetime) -> Technician:
    """A technician without the time from `begin` to `end`: a shift that is cut short has no overtime, one cut in two is two shifts.

    A break stays where it lies whole in what is left.
    """
    pieces: list[Shift] = []
    for shift in who.shifts:
        latest = shift.end + timedelta(minutes=shift.overtime_minutes)
        if begin >= latest or end <= shift.start:
            pieces.append(shift)
            continue
        if begin >= shift.end:
            pieces.append(replace(shift, overtime_minutes=(begin - shift.end).total_seconds() / 60))
            continue
        if begin > shift.start:
            pieces.append(_cut(replace(shift, end=begin, overtime_minutes=0.0)))
        if end < shift.end:
            pieces.append(_cut(replace(shift, start=end)))
    return replace(who, shifts=tuple(pieces))


def in_shifts_of(plan: Plan, before: Case, after: Case) -> Plan:
    """A plan of `before` with its routes in the shifts of `after`: each visit in the last shift that begins by then.

    Times are left as they are; a route whose visits lie in several shifts is several. Routes of shifts that are gone lose their visits.
    """
    routes: list[Route] = []
    for route in plan.routes:
        was, now = before.technician_by_id[route.technician], after.technician_by_id[route.technician]
        same = len(was.shifts) == len(now.shifts) and (now.shifts[route.shift].start, now.shifts[route.shift].end) == (
            was.shifts[route.shift].start,
            was.shifts[route.shift].end,
        )
        routes += [route] if same or was.shifts == now.shifts else _split(route, was.shifts[route.shift], now)
    return plan if tuple(routes) == plan.routes else replace(plan, routes=tuple(routes))


def _split(route: Route, was: Shift, who: Technician) -> list[Route]:
    pieces = [k for k, shift in enumerate(who.shifts) if shift.start < was.end + timedelta(minutes=was.overtime_minutes + 1)]
    pieces = [k for k in pieces if who.shifts[k].end > was.start]
    stops: dict[int, list[Stop]] = {k: [] for k in pieces}
    for stop in route.stops:
        begun = [k for k in pieces if who.shifts[k].start <= stop.start]
        if pieces:
            stops[begun[-1] if begun else pieces[0]].append(stop)
    if not route.stops:
        return [replace(route, shift=pieces[0])] if pieces else []
    return [replace(route, shift=k, depart=max(route.depart, who.shifts[k].start), stops=tuple(mine)) for k, mine in stops.items() if mine]


def _edited(ticket: Ticket, said: _Said) -> Ticket:
    only, windows, moments = ticket.only, ticket.windows, [ticket.not_before, said.not_before]
    if said.pin is not None:
        moments.append(said.pin.start)
        only = said.pin.technicians or only
        windows = pinned_windows(ticket, said.pin) or windows
    not_before = max((m for m in moments if m is not None), default=None)
    banned = (*ticket.banned, *(name for name in said.banned if name not in ticket.banned))
    return replace(ticket, only=only, windows=windows, not_before=not_before, banned=banned)


def _cut(shift: Shift) -> Shift:
    return replace(shift, breaks=tuple(b for b in shift.breaks if shift.start <= b.earliest and b.latest <= shift.end))


def _person(case: Case, name: str) -> Technician:
    if name not in case.technician_by_id:
        raise NotFound(f"the case has no technician {name}; give the id of one of the {len(case.technicians)} technicians")
    return case.technician_by_id[name]


def _with_person(case: Case, name: str, who: Technician) -> Case:
    return replace(case, technicians=tuple(who if each.id == name else each for each in case.technicians))
