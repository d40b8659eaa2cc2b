"""What a ticket has reached, read from what happened to it: the bridge from a log of events to clocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from data_models.clock_rules import CALL_BACK
from data_models.clocks import Milestones, Pause, Reopened


@dataclass(frozen=True)
class Happening:
    """Something that happened to a ticket.

    `kind` is that of the event; a `technician` stands beside what one of a crew did, `clock` beside `clock_kept`, which records that
    a clock beside the five was kept; `satisfaction` and `result` are those of closing and finishing, `reason` that of waiting.
    """

    kind: str
    at: datetime
    technician: str = ""
    reason: str = ""
    result: str = ""
    clock: str = ""
    satisfaction: int | None = None


def milestones_of(happenings: Iterable[Happening], crew: int = 1) -> Milestones:
    """What a ticket has reached after all that happened to it, in the order in which it happened.

    Kinds that move no clock are passed over, and so is what cannot be: going on without having waited. The crew is on site when
    `crew` people are. A reopening begins a clock of its own when the ticket was solved or closed before; a ticket that was only
    cancelled goes on with its first clocks. Who is assigned is seen from accepting, driving or arriving; whoever knows it from a
    plan replaces `assigned_at`.
    """
    reached = Milestones()
    arrived: set[str] = set()
    busy: set[str] = set()
    for one in happenings:
        match one.kind:
            case "technician_accepted" | "technician_driving":
                reached = replace(reached, assigned_at=reached.assigned_at or one.at)
            case "technician_arrived" | "ticket_arrived":
                arrived.add(one.technician)
                busy.add(one.technician)
                reached = replace(reached, assigned_at=reached.assigned_at or one.at)
                if len(arrived) >= crew or one.kind == "ticket_arrived":
                    reached = replace(reached, on_site_at=reached.on_site_at or one.at)
            case "technician_finished":
                busy.discard(one.technician)
                if one.result != "unresolved" and not busy:
                    reached = _solved(reached, one.at)
            case _:
                reached = _told(reached, one)
    return reached


def _told(reached: Milestones, one: Happening) -> Milestones:
    at = one.at
    match one.kind:
        case "ticket_contacted":
            return replace(reached, contacted_at=reached.contacted_at or at)
        case "ticket_diagnosed":
            return replace(reached, diagnosed_at=reached.diagnosed_at or at)
        case "ticket_solved":
            return _solved(reached, at)
        case "ticket_closed":
            closed = _closed(_solved(reached, at), at)
            # Whoever says how satisfied they are was spoken to.
            return closed if one.satisfaction is None else _recorded(closed, CALL_BACK, at)
        case "ticket_cancelled":
            return replace(reached, cancelled_at=reached.cancelled_at or at)
        case "ticket_reopened":
            return _reopened(reached, at)
        case "ticket_waiting":
            return replace(reached, pauses=(*_ended(reached.pauses, at), Pause(at, None, one.reason)))
        case "ticket_resumed":
            return replace(reached, pauses=_ended(reached.pauses, at))
        case "clock_kept":
            return _recorded(reached, one.clock, at)
    return reached


def _solved(reached: Milestones, at: datetime) -> Milestones:
    if not reached.reopened:
        return replace(reached, solved_at=reached.solved_at or at)
    *before, last = reached.reopened
    return replace(reached, reopened=(*before, replace(last, solved_at=last.solved_at or at)))


def _closed(reached: Milestones, at: datetime) -> Milestones:
    if reached.closed_at is None:
        reached = replace(reached, closed_at=at)
    if not reached.reopened:
        return reached
    *before, last = reached.reopened
    return replace(reached, reopened=(*before, replace(last, closed_at=last.closed_at or at)))


def _reopened(reached: Milestones, at: datetime) -> Milestones:
    going_on = replace(reached, cancelled_at=None, pauses=_ended(reached.pauses, at))
    if reached.solved_at is None:
        return going_on
    return replace(going_on, reopened=(*reached.reopened, Reopened(at)))


def _ended(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    """The pauses, with the last one over."""
    if not pauses or pauses[-1].ends_at is not None:
        return pauses
    return (*pauses[:-1], replace(pauses[-1], ends_at=at))


def _recorded(reached: Milestones, clock: str, at: datetime) -> Milestones:
    return replace(reached, recorded={clock: at} | dict(reached.recorded))
