"""Business calendars: when working time passes, with China's public holidays and make-up working days.

All arithmetic is done on instants in UTC, so that it stays right in time zones with daylight saving. A day's working
hours are closed intervals: the closing moment still belongs to the day, and a promise may fall exactly on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import PlainValidator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Weekday names in the order of `date.weekday()`."""

_DAY = timedelta(days=1)
_LONGEST_PAUSE_DAYS = 60
"""More days in a row without working hours than any real calendar has; beyond it the calendar is called empty."""


@dataclass(frozen=True)
class WorkingHours:
    """One spell of work a day, in minutes after local midnight; `closes` may be 1440, the end of the day."""

    opens: int
    closes: int


def parse_hours(text: object) -> WorkingHours:
    """The spell that a text like "08:30-17:30" states; "24:00" ends the day. Raises `ValueError` naming what is allowed."""
    match = re.fullmatch(r"(\d\d):(\d\d) ?[-–] ?(\d\d):(\d\d)", text, re.ASCII) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a spell of work such as "08:30-17:30"')
    hour, minute, last_hour, last_minute = (int(number) for number in match.groups())
    hours = WorkingHours(60 * hour + minute, 60 * last_hour + last_minute)
    if minute > 59 or last_minute > 59 or not hours.opens < hours.closes <= 24 * 60:
        raise ValueError('a spell of work that ends after it begins, at "24:00" the latest; split one that crosses midnight')
    return hours


@dataclass(frozen=True)
class WorkCalendar:
    """When a company works.

    Parameters
    ----------
    timezone
        IANA name; days and hours are local to it.
    holidays
        Whose public holidays and make-up working days count: China's ("CN") or nobody's ("none").
    weekdays
        Days worked in an ordinary week.
    hours
        Spells of work of a working day, ascending, with gaps between them.
    days_off, days_on
        The company's own exceptions; they win over weekdays and public holidays.
    """

    timezone: str = "Asia/Shanghai"
    holidays: Literal["CN", "none"] = "CN"
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    hours: tuple[Annotated[WorkingHours, PlainValidator(parse_hours)], ...] = (WorkingHours(8 * 60 + 30, 17 * 60 + 30),)
    days_off: tuple[date, ...] = ()
    days_on: tuple[date, ...] = ()


@dataclass(frozen=True)
class HolidayYear:
    """What is known of one year: `off` holidays, `on` working days of a weekend; `announced` is False where only the law is known."""

    off: frozenset[date]
    on: frozenset[date]
    announced: bool


@cache
def china_holidays(year: int) -> HolidayYear:
    """Public holidays of China in a year.

    The government moves days and announces which weekends are worked each November for the year to come. For a year that
    the library does not know yet (or no longer), `announced` is False: the holidays that the law fixes count, no weekend is worked.
    """
    # Some 0.1 s to load: paid by the first clock in working time only.
    from holidays.countries.china import China

    if not China.start_year <= year <= China.end_year:
        return HolidayYear(frozenset(), frozenset(), announced=False)
    known = China(years=year)  # type: ignore[no-untyped-call]
    on = frozenset(day for day in known.weekend_workdays if day.year == year)
    return HolidayYear(frozenset(day for day in known if day.year == year) - on, on, announced=bool(on))


def is_working_day(calendar: WorkCalendar, day: date) -> bool:
    """Whether the company works on a local date."""
    if day in calendar.days_off:
        return False
    if day in calendar.days_on:
        return True
    if calendar.holidays == "CN":
        known = china_holidays(day.year)
        if day in known.on:
            return True
        if day in known.off:
            return False
    return WEEKDAYS[day.weekday()] in calendar.weekdays


def guessed_years(calendar: WorkCalendar, first: datetime, last: datetime) -> tuple[int, ...]:
    """Years between two moments whose moved holidays are not announced yet: clocks in working time there may still change.

    A warning as a fact; empty when the calendar follows no public holidays.
    """
    if calendar.holidays == "none":
        return ()
    zone = ZoneInfo(calendar.timezone)
    years = range(first.astimezone(zone).year, last.astimezone(zone).year + 1)
    return tuple(year for year in years if not china_holidays(year).announced)


def is_working_moment(calendar: WorkCalendar, moment: datetime) -> bool:
    """Whether the moment lies in working hours, opening and closing moments included."""
    start, end = next(_spells_from(calendar, moment))
    return start <= moment <= end


def add_working_time(calendar: WorkCalendar, moment: datetime, length: timedelta) -> datetime:
    """The moment at which `length` of working time has passed, in UTC.

    Nothing added gives the moment itself within working hours, else the next opening. What ends with the closing moment
    is due then, not at the next opening. Raises `OverflowError` past the year 9999.
    """
    _must_be_aware(moment)
    left = length
    for start, end in _spells_from(calendar, moment):
        begin = max(start, moment)
        if left <= end - begin:
            return begin + left
        left -= end - begin
    raise AssertionError("unreachable: spells never end")


def working_time_between(calendar: WorkCalendar, first: datetime, last: datetime) -> timedelta:
    """Working time that passes from `first` to `last`; zero when `last` is not later."""
    _must_be_aware(first)
    _must_be_aware(last)
    total = timedelta()
    for start, end in _spells_from(calendar, first):
        if start >= last:
            break
        total += max(min(end, last) - max(start, first), timedelta())
    return total


def end_of_working_day(calendar: WorkCalendar, moment: datetime, days: int) -> datetime:
    """The last closing moment of the `days`-th working day after the local date of `moment`, in UTC.

    The day itself does not count, as in article 201 of China's Civil Code; with 0 days it is the moment's own day, or the next
    working day when that one is off or already closed. Raises `OverflowError` past the year 9999.
    """
    _must_be_aware(moment)
    day = moment.astimezone(ZoneInfo(calendar.timezone)).date()
    if days == 0:
        return _close_of_current_day(calendar, moment, day)
    last = next(islice(_working_days_after(calendar, day), days - 1, None))
    return _spell(calendar, last, calendar.hours[-1])[1]


def _close_of_current_day(calendar: WorkCalendar, moment: datetime, day: date) -> datetime:
    if is_working_day(calendar, day):
        close = _spell(calendar, day, calendar.hours[-1])[1]
        if moment <= close:
            return close
    return _spell(calendar, next(_working_days_after(calendar, day)), calendar.hours[-1])[1]


def _working_days_after(calendar: WorkCalendar, day: date) -> Iterator[date]:
    pause = 0
    while True:
        day += _DAY
        pause += 1
        if is_working_day(calendar, day):
            pause = 0
            yield day
        if pause > _LONGEST_PAUSE_DAYS:
            raise ValueError(f"calendar: no working day in the {pause} days before {day}: name weekdays or fewer days_off")


def _spells_from(calendar: WorkCalendar, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Spells of work that end at `moment` or later, in order, without end."""
    # A spell of the day before may end at 24:00, which is this day's 00:00.
    eve = moment.astimezone(ZoneInfo(calendar.timezone)).date() - _DAY
    for day in _working_days_after(calendar, eve - _DAY):
        for hours in calendar.hours:
            start, end = _spell(calendar, day, hours)
            if end >= moment:
                yield start, end


def _spell(calendar: WorkCalendar, day: date, hours: WorkingHours) -> tuple[datetime, datetime]:
    return _instant(calendar, day, hours.opens), _instant(calendar, day, hours.closes)


def _instant(calendar: WorkCalendar, day: date, minutes: int) -> datetime:
    if minutes == 24 * 60:
        day, minutes = day + _DAY, 0
    local = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=ZoneInfo(calendar.timezone))
    return local.astimezone(UTC)


def _must_be_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {moment.isoformat()}; give it a time zone")
