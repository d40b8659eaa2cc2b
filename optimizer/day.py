"""What a plan has people and kits doing, in seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from data_models.case import Case, OutAt, current_shift
from data_models.plan import Plan
from optimizer.trips import drive, duties


@dataclass(frozen=True)
class Work:
    """One visit in someone's day: set out, begun, finished."""

    technician: str
    ticket: str
    leave: float
    start: float
    finish: float


@dataclass(frozen=True)
class Day:
    """What the plan has people and kits doing. `lent` holds (from, to, technician) by (station, kit)."""

    work: Mapping[str, tuple[Work, ...]]
    crews: Mapping[str, tuple[Work, ...]]
    lent: Mapping[tuple[str, str], tuple[tuple[float, float, str], ...]]
    after_locked: Case


def read_day(case: Case, plan: Plan) -> Day:
    """The plan as `Day`; routes that name unknown people or tickets are left out."""
    work: dict[str, list[Work]] = {}
    crews: dict[str, list[Work]] = {}
    lent: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    out_without_route = {technician.id: technician for technician in case.technicians if technician.start is not None}
    for duty in duties(case, plan):
        who = duty.technician
        for trip in duty.trips:
            if trip.out is not None:
                out_without_route.pop(who.id, None)
            begins = case.now.timestamp() if trip.out is not None else trip.depart
            for kit in trip.kits:
                lent.setdefault((who.station, kit), []).append((begins, trip.returns, who.id))
            for visit in trip.visits:
                done = Work(who.id, visit.ticket.id, visit.free, visit.start, visit.finish)
                work.setdefault(who.id, []).append(done)
                crews.setdefault(visit.ticket.id, []).append(done)
    for who in out_without_route.values():
        if who.start is not None:
            back = who.start.at.timestamp() + drive(case.travel, who.start, case.station_by_id[who.station]).seconds
            for kit in who.start.kits:
                lent.setdefault((who.station, kit), []).append((case.now.timestamp(), back, who.id))
    return Day(
        {name: tuple(sorted(each, key=lambda one: one.leave)) for name, each in work.items()},
        {name: tuple(each) for name, each in crews.items()},
        {name: tuple(sorted(each)) for name, each in lent.items()},
        _after_locked(case, plan),
    )


def _after_locked(case: Case, plan: Plan) -> Case:
    """The case with people who have locked work in their current shift as if out on it: free where and when its last visit ends."""
    if not any(commitment.locked for commitment in case.committed):
        return case
    outs: dict[str, OutAt] = {}
    for duty in duties(case, plan):
        if duty.index != current_shift(duty.technician, case.now):
            continue
        for trip in duty.trips:
            for visit in trip.visits:
                if is_locked(case, visit.ticket.id):
                    place = visit.ticket
                    at = datetime.fromtimestamp(visit.finish, case.now.tzinfo)
                    outs[duty.technician.id] = OutAt(place.lat, place.lon, at, tuple(sorted(trip.kits)), place.place)
    return replace(case, technicians=tuple(replace(who, start=outs.get(who.id, who.start)) for who in case.technicians))


def is_locked(case: Case, ticket: str) -> bool:
    """Whether the ticket must stay with the people who were told."""
    commitment = case.commitment_by_ticket.get(ticket)
    return commitment is not None and commitment.locked
