"""Who knows most about a ticket and can help from afar, without driving: on duty or on call now, busy or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from data_models.case import Case, Ticket
from data_models.context import Context
from data_models.domain import PromisedVisit, ShiftKind
from data_models.plan import Plan
from data_models.store.nearby import Outline

MOST_EXPERTS = 3
EXPERT_LEVEL = 3
"""Who has a skill at the highest level is an expert in it."""


@dataclass(frozen=True)
class Busy:
    """What somebody is doing now."""

    ticket: str
    how: Literal["drives", "works"]
    until: datetime


@dataclass(frozen=True)
class Expert:
    """Somebody who can help remotely.

    Attributes
    ----------
    skills
        Those that the ticket asks for, or all when it asks for none, with their level.
    shift
        What kind of shift they are in.
    busy
        What they are doing now; None when nothing is planned for them at this moment.
    """

    technician: str
    name: str
    phone: str
    station: str
    skills: Mapping[str, int]
    shift: ShiftKind
    busy: Busy | None = None

    @property
    def is_expert(self) -> bool:
        """Whether they have one of these skills at the highest level."""
        return any(level >= EXPERT_LEVEL for level in self.skills.values())


def experts_for(ticket: Ticket, people: Iterable[Expert], coming: Collection[str] = ()) -> tuple[Expert, ...]:
    """The best of those who are there, the best first: by skills at the highest level, by levels, on call before others, idle before busy.

    Parameters
    ----------
    people
        Everybody in a shift now, with all their skills.
    coming
        Technicians who are to drive there themselves.
    """
    found = []
    for one in people:
        skills = {skill: level for skill, level in one.skills.items() if skill in ticket.skills or not ticket.skills}
        if skills and one.technician not in coming:
            found.append(Expert(one.technician, one.name, one.phone, one.station, skills, one.shift, one.busy))
    return tuple(sorted(found, key=_rank)[:MOST_EXPERTS])


def _rank(one: Expert) -> tuple[int, int, bool, bool, str]:
    best = sum(level >= EXPERT_LEVEL for level in one.skills.values())
    return -best, -sum(one.skills.values()), one.shift != "on_call", one.busy is not None, one.technician


def people_of_outline(outline: Outline) -> Iterator[Expert]:
    """Everybody of the company who is in a shift now, and what the published plans have them doing."""
    busy = {visit.technician: found for visit in outline.visits if (found := _busy(visit, outline.now)) is not None}
    seen: set[str] = set()
    for spell in outline.spells:
        one = outline.people.get(spell.technician)
        if one is not None and not one.is_absent and spell.starts_at <= outline.now < spell.ends_at and one.id not in seen:
            seen.add(one.id)
            station = outline.stations[one.station].name
            yield Expert(one.id, one.name, one.phone, station, one.skills, spell.kind, busy.get(one.id))


def people_of_case(case: Case, plan: Plan, context: Context) -> Iterator[Expert]:
    """Everybody of a case who is in a shift now, and what the plan has them doing."""
    doing: dict[str, Busy] = {}
    for route in plan.routes:
        for leaves, stop in zip([route.depart, *(stop.finish for stop in route.stops)], route.stops, strict=False):
            if leaves <= case.now < stop.finish:
                how: Literal["drives", "works"] = "works" if stop.start <= case.now else "drives"
                doing[route.technician] = Busy(stop.ticket, how, stop.finish if how == "works" else stop.arrive)
    for who in case.technicians:
        told = context.technicians.get(who.id)
        kinds = told.shift_kinds if told is not None else ()
        for number, shift in enumerate(who.shifts):
            if shift.start <= case.now < shift.end:
                kind: ShiftKind = kinds[number] if number < len(kinds) else "regular"  # type: ignore[assignment]
                yield Expert(
                    who.id, who.name, told.phone if told else "", case.station_by_id[who.station].name, who.skills, kind, doing.get(who.id)
                )
                break


def _busy(visit: PromisedVisit, now: datetime) -> Busy | None:
    if not visit.leaves_at <= now < visit.finishes_at:
        return None
    return Busy(visit.ticket, "works", visit.finishes_at) if visit.starts_at <= now else Busy(visit.ticket, "drives", visit.arrives_at)
