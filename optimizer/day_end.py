"""What of a replayed day stands when the next one begins: the visits that somebody has set out for, and who is not home yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from data_models.case import Case
from data_models.plan import Plan
from optimizer.trips import Duty, Trip, Visit, drive, duties


@dataclass(frozen=True)
class Effort:
    """What people did: driving, work and overtime."""

    drive_hours: float = 0.0
    drive_km: float = 0.0
    work_hours: float = 0.0
    overtime_hours: float = 0.0

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            self.drive_hours + other.drive_hours,
            self.drive_km + other.drive_km,
            self.work_hours + other.work_hours,
            self.overtime_hours + other.overtime_hours,
        )


@dataclass(frozen=True)
class Out:
    """Somebody who is not home at the end of a day.

    `ticket` is the last they served, None when they are where they were when the day began. `homeward` is what the drive home
    costs them if nobody sends them on.
    """

    ticket: str | None
    free_at: datetime
    kits: tuple[str, ...]
    homeward: Effort


@dataclass(frozen=True)
class DayEnd:
    """Starts of the tickets whose visits stand, their crews, what people did, and who is still out, by technician."""

    started: dict[str, datetime]
    crews: dict[str, tuple[str, ...]]
    effort: dict[str, Effort]
    out: dict[str, Out]


def day_end(case: Case, plan: Plan, end: datetime) -> DayEnd:
    """The day `case`, replayed as `plan`, cut off at `end`.

    A visit stands when one of its crew sets out for it before `end`, or when somebody must make it before one that stands. Whoever is
    on the way home at `end` is out until they arrive; whoever waits where the last visit was, too.
    """
    work = duties(case, plan)
    trips = [(duty, trip) for duty in work for trip in duty.trips]
    standing = _standing([trip for _, trip in trips], end.timestamp())
    found = DayEnd({}, {}, {}, {})
    moved = set()
    for duty, trip in sorted(trips, key=lambda pair: pair[1].depart):
        visits = [visit for visit in trip.visits if visit.ticket.id in standing]
        if visits:
            moved.add(duty.technician.id)
            _account(found, case, duty, trip, visits, end.timestamp())
    for who in case.technicians:
        if who.start is not None and who.id not in moved:
            home = drive(case.travel, who.start, case.station_by_id[who.station])
            effort = Effort(home.seconds / 3600, home.km)
            if who.start.at.timestamp() + home.seconds > end.timestamp():
                found.out[who.id] = Out(None, who.start.at, who.start.kits, effort)
            else:
                _add(found, who.id, effort)
    return found


def _standing(trips: list[Trip], end: float) -> set[str]:
    standing: set[str] = set()
    found = {visit.ticket.id for trip in trips for visit in trip.visits if visit.arrive - visit.leg.seconds < end}
    while found - standing:
        standing |= found
        found = {name for trip in trips for name in _before_the_last(trip, standing)}
    return standing


def _before_the_last(trip: Trip, standing: set[str]) -> Iterator[str]:
    """The visits of a trip up to the last one that stands."""
    names = [visit.ticket.id for visit in trip.visits]
    last = max((n for n, name in enumerate(names) if name in standing), default=-1)
    yield from names[: last + 1]


def _account(found: DayEnd, case: Case, duty: Duty, trip: Trip, visits: list[Visit], end: float) -> None:
    who, last = duty.technician.id, visits[-1]
    for visit in visits:
        begun = datetime.fromtimestamp(visit.start, UTC)
        name = visit.ticket.id
        found.started[name] = max(begun, found.started.get(name, begun))
        found.crews[name] = (*found.crews.get(name, ()), who)
    driven = sum(visit.leg.seconds for visit in visits), sum(visit.leg.km for visit in visits)
    _add(found, who, Effort(driven[0] / 3600, driven[1], sum(visit.finish - visit.start for visit in visits) / 3600))
    home = drive(case.travel, last.ticket, case.station_by_id[duty.technician.station])
    overtime = max(0.0, last.finish + home.seconds - max(duty.end, trip.depart)) / 3600
    homeward = Effort(home.seconds / 3600, home.km, overtime_hours=overtime)
    found.out.pop(who, None)  # another trip came after it
    if len(visits) == len(trip.visits) and trip.returns <= end:
        _add(found, who, homeward)
    else:
        kits = tuple(sorted(trip.kits))
        found.out[who] = Out(last.ticket.id, datetime.fromtimestamp(last.finish, UTC), kits, homeward)


def _add(found: DayEnd, who: str, effort: Effort) -> None:
    found.effort[who] = found.effort.get(who, Effort()) + effort
