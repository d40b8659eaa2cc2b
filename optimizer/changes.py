"""Changes that could serve a ticket in time: how each alters a case, and how much trouble it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from data_models.case import Case, Shift, Station, Technician, Ticket, TimeWindow
from data_models.errors import NotFound
from optimizer.explanation import Change, Remedy

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Effort:
    """How much trouble a change is, in minutes of someone's trouble: what "smallest" means.

    A change of hours counts its minutes, times a weight; what needs another's consent, money or months has a fixed
    amount on top. A company with other habits passes other numbers.
    """

    overtime_per_minute: float = 1.0
    earlier_per_minute: float = 1.5
    on_call: float = 120.0
    on_call_per_minute: float = 1.0
    allow: float = 240.0
    window: float = 120.0
    window_per_minute: float = 1.0
    due: float = 240.0
    due_per_minute: float = 1.0
    certificate: float = 480.0
    kit: float = 960.0
    skill_per_level: float = 1920.0
    technician: float = 4800.0


def apply_remedy(case: Case, remedy: Remedy) -> Case:
    """The case with a remedy's change made. Raises `NotFound` when the case does not know what it names."""
    return apply_change(case, remedy.change)


def apply_change(case: Case, change: Change) -> Case:
    """The case with one change made; nothing else differs, and the indices of shifts stay.

    Raises
    ------
    NotFound
        The case has no such technician, shift, station or ticket.
    """
    match change.kind:
        case "replan":
            return case
        case "kit":
            stations = tuple(_with_kit(s, change) if s.id == change.station else s for s in case.stations)
            _known(change.station, case.station_by_id, "station")
            return replace(case, stations=stations)
        case "window" | "due" | "allow":
            _known(change.ticket, case.ticket_by_id, "ticket")
            return replace(case, tickets=tuple(_ticket(t, change) if t.id == change.ticket else t for t in case.tickets))
        case "technician":
            _known(change.station, case.station_by_id, "station")
            return replace(case, technicians=(*case.technicians, _newcomer(change)))
        case _:
            who = _known(change.technician, case.technician_by_id, "technician")
            if change.shift is not None and not 0 <= change.shift < len(who.shifts):
                raise NotFound(f"technician {who.id} has no shift {change.shift}; the case was changed since the remedy was found")
            people = tuple(_person(each, change) if each.id == who.id else each for each in case.technicians)
            return replace(case, technicians=people)


def effort_of(case: Case, change: Change, effort: Effort) -> float:
    """The trouble of a change to `case`, as `Effort` weighs it."""
    match change.kind:
        case "overtime":
            return effort.overtime_per_minute * (change.minutes or 0)
        case "earlier_shift":
            return effort.earlier_per_minute * (change.minutes or 0)
        case "on_call":
            return effort.on_call + effort.on_call_per_minute * _span(change)
        case "allow":
            return effort.allow
        case "window":
            return effort.window + effort.window_per_minute * (change.minutes or 0)
        case "due":
            return effort.due + effort.due_per_minute * (change.minutes or 0)
        case "certificate":
            return effort.certificate
        case "kit":
            return effort.kit * (change.count or 1)
        case "skill":
            had = case.technician_by_id[change.technician or ""].skills.get(change.skill or "", 0)
            return effort.skill_per_level * ((change.level or 0) - had)
        case "technician":
            return effort.technician
        case "replan":
            return 0.0


def _span(change: Change) -> float:
    return (change.end - change.start).total_seconds() / 60 if change.start and change.end else 0.0


def _known(name: str | None, things: Mapping[str, Thing], what: str) -> Thing:
    if name is None or name not in things:
        raise NotFound(f"the case has no {what} {name}; it was changed since the remedy was found")
    return things[name]


def _with_kit(station: Station, change: Change) -> Station:
    kit = change.kit or ""
    return replace(station, kits={**station.kits, kit: station.kits.get(kit, 0) + (change.count or 1)})


def _ticket(ticket: Ticket, change: Change) -> Ticket:
    if change.kind == "due" and change.end is not None:
        return replace(ticket, due=change.end)
    if change.kind == "allow" and change.technician is not None:
        only = (*ticket.only, change.technician) if ticket.only and change.technician not in ticket.only else ticket.only
        return replace(ticket, only=only, banned=tuple(name for name in ticket.banned if name != change.technician))
    if change.start is None or change.end is None:
        return ticket
    windows = (*ticket.windows, TimeWindow(change.start, change.end)) if ticket.windows else ()
    not_before = None if ticket.not_before is None else min(ticket.not_before, change.start)
    return replace(ticket, windows=windows, not_before=not_before)


def _newcomer(change: Change) -> Technician:
    shifts = (Shift(change.start, change.end),) if change.start is not None and change.end is not None else ()
    name = change.technician or ""
    return Technician(name, name, change.station or "", dict(change.skills), shifts)


def _person(who: Technician, change: Change) -> Technician:
    if change.kind in ("certificate", "skill"):
        return replace(who, skills={**who.skills, change.skill or "": change.level or 0})
    if change.kind == "on_call" and change.start is not None and change.end is not None:
        return replace(who, shifts=(*who.shifts, Shift(change.start, change.end)))
    shifts = list(who.shifts)
    shift = shifts[change.shift or 0]
    if change.kind == "overtime":
        shifts[change.shift or 0] = replace(shift, overtime_minutes=shift.overtime_minutes + (change.minutes or 0))
    elif change.kind == "earlier_shift" and change.start is not None:
        shifts[change.shift or 0] = replace(shift, start=change.start)
    return replace(who, shifts=tuple(shifts))
