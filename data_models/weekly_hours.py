"""From the shifts of some days to hours that repeat every week, and from people to crews who keep the same ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from data_models.domain import ShiftFacts, TechnicianFacts
from data_models.study import CrewFacts, DailyShift

_Hours = tuple[str, float, float]  # begins, hours, minutes of overtime


def crews_of(people: Iterable[TechnicianFacts], zone: ZoneInfo, yearly_cost_each: float = 0.0) -> tuple[CrewFacts, ...]:
    """The people of one station as crews: those with equal skills, hours and capacity together, named by their number.

    The last seven days on which anybody here has a shift stand for every week. Where fewer are known, a day of the week that is
    not among them is taken to be like the next one before it that is. On-call shifts count as any other.
    """
    people = list(people)
    known = _last_week({_day(shift, zone) for person in people for shift in person.shifts})
    groups: dict[tuple[object, ...], list[TechnicianFacts]] = defaultdict(list)
    shifts: dict[tuple[object, ...], tuple[DailyShift, ...]] = {}
    for person in people:
        hours = _weekly(person.shifts, known, zone)
        key = (tuple(sorted((held.skill, held.level) for held in person.skills)), hours, person.capacity)
        groups[key].append(person)
        shifts[key] = hours
    ordered = sorted(groups.items(), key=lambda item: item[1][0].id)
    return tuple(
        CrewFacts(
            str(number),
            len(members),
            {held.skill: held.level for held in sorted(members[0].skills, key=lambda held: held.skill)},
            shifts[key],
            yearly_cost_each,
            members[0].capacity,
        )
        for number, (key, members) in enumerate(ordered, 1)
    )


def _last_week(days: set[date]) -> Sequence[date]:
    return [day for day in sorted(days) if day > max(days) - timedelta(days=7)]


def _weekly(shifts: Iterable[ShiftFacts], known: Sequence[date], zone: ZoneInfo) -> tuple[DailyShift, ...]:
    by_day: Mapping[date, list[_Hours]] = defaultdict(list)
    for shift in shifts:
        by_day[_day(shift, zone)].append(_hours(shift, zone))
    days: dict[_Hours, list[int]] = defaultdict(list)
    for weekday in range(1, 8):
        for hours in sorted(by_day[_like(weekday, known)]) if known else ():
            days[hours].append(weekday)
    return tuple(DailyShift(begins, hours, tuple(when), overtime) for (begins, hours, overtime), when in sorted(days.items()))


def _like(weekday: int, known: Sequence[date]) -> date:
    """Of the known days the one that is this day of the week, or the last before it."""
    return min(known, key=lambda day: (weekday - day.isoweekday()) % 7)


def _day(shift: ShiftFacts, zone: ZoneInfo) -> date:
    return shift.starts_at.astimezone(zone).date()


def _hours(shift: ShiftFacts, zone: ZoneInfo) -> _Hours:
    length = (shift.ends_at - shift.starts_at) / timedelta(hours=1)
    return f"{shift.starts_at.astimezone(zone):%H:%M}", length, shift.overtime_minutes
