"""Changes that a coordinator makes to a plan by hand, as facts, and what they fix when they are taken together.

`edited_case` says what each alters in the case, `edited_routes` who goes where then, and `editing` tries them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from optimizer.explanation import Change


@dataclass(frozen=True)
class Move:
    """A planned visit goes to somebody else, to another time, or to another place in the route.

    Attributes
    ----------
    technician
        Who comes; None: the people stay.
    instead_of
        Of a crew, whom `technician` replaces; not needed when one person comes.
    not_before
        Work begins no sooner. None: as early as the route allows, whatever an earlier move has said.
    position
        Among the visits of the technician's shift, from 0. None: where `not_before` would have it, and without that the cheapest place.
    shift
        Index of the shift; None: the one that `not_before` lies in, else whichever is cheapest.
    crew
        In place of `technician`: everybody who comes, when more than one of a crew changes.
    """

    ticket: str
    technician: str | None = None
    instead_of: str | None = None
    not_before: datetime | None = None
    position: int | None = None
    shift: int | None = None
    crew: tuple[str, ...] = ()
    kind: Literal["move"] = "move"


@dataclass(frozen=True)
class Pin:
    """A ticket is kept with these people (all of its crew; empty: whoever), and begins from `start` to `end` (None: no limit)."""

    ticket: str
    technicians: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    kind: Literal["pin"] = "pin"


@dataclass(frozen=True)
class Release:
    """What was fixed of a ticket by hand counts no more: its pin, its time, and that it was put where it is."""

    ticket: str
    kind: Literal["release"] = "release"


@dataclass(frozen=True)
class Forbid:
    """A technician may not go to a ticket; when they were to, the cheapest others go, or nobody where there is no room."""

    ticket: str
    technician: str
    kind: Literal["forbid"] = "forbid"


@dataclass(frozen=True)
class Swap:
    """Two planned tickets change places in all routes."""

    ticket: str
    other: str
    kind: Literal["swap"] = "swap"


@dataclass(frozen=True)
class LeaveOut:
    """A planned ticket is not served, and stays so until it is put in again."""

    ticket: str
    kind: Literal["leave_out"] = "leave_out"


@dataclass(frozen=True)
class PutIn:
    """An unplanned ticket is served by these people (empty: by whom it is cheapest); `not_before`, `position`, `shift` as of `Move`."""

    ticket: str
    technicians: tuple[str, ...] = ()
    not_before: datetime | None = None
    position: int | None = None
    shift: int | None = None
    kind: Literal["put_in"] = "put_in"


@dataclass(frozen=True)
class Away:
    """A technician cannot work from `start` to `end`: visits that do not fit any more are made before or after, or left out."""

    technician: str
    start: datetime
    end: datetime
    kind: Literal["away"] = "away"


@dataclass(frozen=True)
class Overtime:
    """A technician may stay so many minutes longer after a shift, beyond what was allowed."""

    technician: str
    shift: int
    minutes: int
    kind: Literal["overtime"] = "overtime"


@dataclass(frozen=True)
class TakeRemedy:
    """A remedy's change is made and its ticket served in time by it, in one step."""

    ticket: str
    change: Change
    kind: Literal["remedy"] = "remedy"


@dataclass(frozen=True)
class Improve:
    """The rest was planned again around what was fixed; the plan after it says how."""

    seed: int = 1
    kind: Literal["improve"] = "improve"


ManualChange = Move | Pin | Release | Forbid | Swap | LeaveOut | PutIn | Away | Overtime | TakeRemedy | Improve


@dataclass(frozen=True)
class Fixed:
    """What changes fix together, by ticket id: `placed` stays with the people it has, `left_out` stays unplanned."""

    placed: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()


def fixed_by(changes: Iterable[ManualChange]) -> Fixed:
    """What the changes, in their order, fix of tickets: later ones count before earlier ones."""
    placed: set[str] = set()
    left_out: set[str] = set()
    for change in changes:
        for ticket in tickets_of(change):
            placed.discard(ticket)
            left_out.discard(ticket)
            if isinstance(change, LeaveOut):
                left_out.add(ticket)
            elif not isinstance(change, Release | Forbid):
                placed.add(ticket)
    return Fixed(frozenset(placed), frozenset(left_out))


def tickets_of(change: ManualChange) -> tuple[str, ...]:
    """The tickets that a change is about."""
    match change:
        case Swap(ticket, other):
            return (ticket, other)
        case Away() | Overtime() | Improve():
            return ()
        case _:
            return (change.ticket,)


def technicians_of(change: ManualChange) -> tuple[str, ...]:
    """The technicians whom a change names."""
    match change:
        case Move(technician=who, instead_of=other, crew=crew):
            return (*(name for name in (who, other) if name is not None), *crew)
        case Pin(technicians=names) | PutIn(technicians=names):
            return names
        case Forbid() | Away() | Overtime():
            return (change.technician,)
        case TakeRemedy(change=asked):
            return () if asked.technician is None else (asked.technician,)
        case _:
            return ()
