"""Whom to tell about clocks that are not kept yet: the steps of a policy that are due, each with a key that never changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from data_models.clock_rules import EscalationStep, Role
from data_models.clocks import ClockState, WatchedTicket, clock_states


@dataclass(frozen=True)
class Escalation:
    """A message that is due: `step` of the policy for the `repetition`-th time (from 0) about one clock of a ticket.

    `key` is the same whenever it is asked for. `due_at` is when the step fell due; for a step at risk, when it was noticed.
    """

    key: str
    ticket: str
    step: str
    repetition: int
    whom: tuple[Role, ...]
    due_at: datetime
    state: ClockState


def escalations_due(
    ticket: WatchedTicket, now: datetime, sent: Collection[str], states: Iterable[ClockState] | None = None
) -> tuple[Escalation, ...]:
    """The escalation steps of a ticket that are to go out at `now`, earliest first.

    Parameters
    ----------
    sent
        Keys of those that went out before, in any order; unknown ones do no harm.
    states
        The ticket's clocks at `now` where the caller has them; None computes them.

    Notes
    -----
    Each step goes out once for each repetition, also when a pause moves the due moment afterwards. Clocks that ended, stand still
    or have not started tell nobody, and a step that would come before its clock starts is left out. What was missed while nobody
    asked is caught up with the latest message to each role only: a message is overtaken by later ones that tell the same people.
    """
    asked = clock_states(ticket, now) if states is None else states
    due = (one for state in asked if state.is_open and state.state != "paused" for one in _not_overtaken(ticket, state, now))
    return tuple(sorted((one for one in due if one.key not in sent), key=lambda one: (one.due_at, one.key)))


def escalation_key(ticket: str, clock: str, reopening: int, step: str, repetition: int) -> str:
    """What tells one message from every other; ids may hold any character."""
    return f"{_escaped(ticket)}/{_escaped(clock)}/{reopening}/{_escaped(step)}/{repetition}"


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


def _not_overtaken(ticket: WatchedTicket, state: ClockState, now: datetime) -> Iterator[Escalation]:
    told: set[Role] = set()
    # Latest first. A step at risk has no moment of its own, and any other that is due says more than it.
    for one in sorted(_occurrences(ticket, state, now), key=lambda one: (one[0] is None, -(one[0] or now).timestamp(), one[1])):
        moment, name, repetition = one
        step = ticket.policy.escalations[name]
        if not told.issuperset(step.whom):
            key = escalation_key(ticket.id, state.clock, state.reopening, name, repetition)
            yield Escalation(key, ticket.id, name, repetition, step.whom, moment or now, state)
        told.update(step.whom)


def _occurrences(ticket: WatchedTicket, state: ClockState, now: datetime) -> Iterator[tuple[datetime | None, str, int]]:
    """Moment, step and latest repetition of each step that is due by `now`."""
    for name, step in ticket.policy.escalations.items():
        if not _is_for(step, ticket, state):
            continue
        if step.when.kind == "at_risk":
            if state.state == "at_risk":
                yield None, name, 0
        elif step.when.kind == "relative":
            first = state.due_at + step.when.after
            if state.starts_at <= first <= now:
                interval = step.again.length if step.again is not None else timedelta()
                repetition = min((now - first) // interval, step.times - 1) if interval else 0
                yield first + repetition * interval, name, repetition


def _is_for(step: EscalationStep, ticket: WatchedTicket, state: ClockState) -> bool:
    limits = ((step.clocks, state.clock), (step.severities, ticket.severity), (step.tiers, ticket.tier))
    return all(not allowed or value in allowed for allowed, value in limits)
