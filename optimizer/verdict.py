"""What is to blame for a ticket that is not served in time: distance, people, kits, hours, or what else they are busy with.

The definitions stand at `explanation.Blame`. Times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from data_models.case import Case, Ticket
from optimizer.day import Day
from optimizer.explanation import Blame, PlanningContext, Status, Verdict
from optimizer.reach import (
    Assume,
    Legs,
    Reach,
    crew_of,
    earliest_start,
    is_allowed,
    legs_of,
    longest_shift_s,
    nearest_station,
    offers,
    permitted_starts,
    soonest,
)

ALWAYS = Assume(always_on_duty=True)


@dataclass(frozen=True)
class Fit:
    """Room in the plan: who could begin when without harm to others, and what the plan then costs more."""

    start: float
    technicians: tuple[str, ...]
    cost_change: float


@dataclass(frozen=True)
class Inquiry:
    """One ticket under examination."""

    case: Case
    ticket: Ticket
    status: Status
    context: PlanningContext
    legs: Legs
    permitted: tuple[tuple[float, float], ...]

    @property
    def due(self) -> float:
        """The promised moment."""
        return self.ticket.due.timestamp()


@dataclass(frozen=True)
class Diagnosis:
    """The four soonest starts that the verdict rests on; None where impossible."""

    nearest: float | None
    own_people: Reach | None
    on_duty: Reach | None
    after_locked: Reach | None


def inquire(case: Case, ticket: Ticket, status: Status, context: PlanningContext) -> Inquiry:
    """Everything about a ticket that several questions need."""
    return Inquiry(case, ticket, status, context, legs_of(case, ticket), permitted_starts(case, ticket))


def diagnose(inquiry: Inquiry, day: Day) -> Diagnosis:
    """How soon the nearest, the own, the people on duty and those after their locked work could begin, all idle."""
    case, ticket, legs = inquiry.case, inquiry.ticket, inquiry.legs
    station = nearest_station(case, legs)
    nearest = None
    if station is not None and unhindered_start(inquiry) is not None:
        nearest = soonest(inquiry.permitted, case.now.timestamp() + legs.there[station.id])
    on_duty = earliest_start(case, ticket, legs)
    after = on_duty if day.after_locked is case else earliest_start(day.after_locked, ticket, legs)
    return Diagnosis(nearest, earliest_start(case, ticket, legs, ALWAYS), on_duty, after)


def unhindered_start(inquiry: Inquiry) -> float | None:
    """When the nearest could begin, were it not for windows and `not_before`; None when it is beyond any shift or no road leads there."""
    case, ticket, legs = inquiry.case, inquiry.ticket, inquiry.legs
    station = nearest_station(case, legs)
    if station is None or legs.there[station.id] + 60 * ticket.service_minutes + legs.back[station.id] > longest_shift_s(case):
        return None
    return max(case.now.timestamp() + legs.there[station.id], ticket.opened_at.timestamp())


def blame_of(inquiry: Inquiry, found: Diagnosis, in_time: Fit | None) -> Blame:
    """The first of `explanation.Blame` that holds; see there for what each means."""
    due, first = inquiry.due, inquiry.permitted[0][0] if inquiry.permitted else None
    if max(inquiry.case.now, inquiry.ticket.opened_at).timestamp() > due:
        return "promise"
    if first is None or first > due:
        return "access"
    unhindered = unhindered_start(inquiry)
    if unhindered is None or unhindered > due:
        return "distance"
    if found.nearest is None or found.nearest > due:
        return "access"
    if found.own_people is None or found.own_people.start > due:
        return unfit_of(inquiry)
    if found.on_duty is None or found.on_duty.start > due:
        return "hours"
    if in_time is not None:
        return "cost" if in_time.cost_change >= 0 else "plan"
    return "locked" if found.after_locked is None or found.after_locked.start > due else "capacity"


def verdict_of(inquiry: Inquiry, found: Diagnosis, in_time: Fit | None, free: Fit | None) -> Verdict:
    """The verdict as facts; `free` is the soonest room in the plan as it stands."""
    station = nearest_station(inquiry.case, inquiry.legs)
    return Verdict(
        blame=blame_of(inquiry, found, in_time),
        station=None if station is None else station.id,
        drive_minutes=None if station is None else inquiry.legs.there[station.id] / 60,
        nearest_at=_moment(inquiry, found.nearest),
        own_people_at=_moment(inquiry, found.own_people.start if found.own_people else None),
        on_duty_at=_moment(inquiry, found.on_duty.start if found.on_duty else None),
        free_at=_moment(inquiry, free.start if free else None),
    )


def unfit_of(inquiry: Inquiry) -> Blame:
    """Which single demand keeps everyone, on duty all the time, from beginning by `due`.

    When the company has no such crew at all, distance is left out of the question.
    """
    exists = exists_crew(inquiry, ALWAYS)
    relaxed: tuple[tuple[Blame, Assume], ...] = (
        ("kits", replace(ALWAYS, any_kit=True)),
        ("load", replace(ALWAYS, any_load=True)),
        ("rules", replace(ALWAYS, anyone_allowed=True)),
        ("skills", replace(ALWAYS, any_skill=True)),
    )
    for blame, assume in relaxed:
        reach = earliest_start(inquiry.case, inquiry.ticket, inquiry.legs, assume) if exists else None
        if (reach is not None and reach.start <= inquiry.due) or (not exists and exists_crew(inquiry, assume)):
            return blame
    if exists or not inquiry.case.technicians:
        return "coverage"
    # More than one demand is to blame: name the hardest to change.
    allowed = sum(is_allowed(inquiry.ticket, who.id) for who in inquiry.case.technicians)
    return "rules" if allowed < inquiry.ticket.crew else "skills"


def exists_crew(inquiry: Inquiry, assume: Assume) -> bool:
    """Whether the company has such a crew at all, wherever it is and whenever."""
    anywhere = replace(assume, always_on_duty=True, any_span=True)
    return crew_of(inquiry.ticket, offers(inquiry.case, inquiry.ticket, inquiry.legs, anywhere), anywhere) is not None


def _moment(inquiry: Inquiry, seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, inquiry.case.now.tzinfo)
