"""Business calendars: working days of China, and arithmetic in working time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data_models.calendars import (
    WorkCalendar,
    WorkingHours,
    add_working_time,
    china_holidays,
    end_of_working_day,
    guessed_years,
    is_working_day,
    is_working_moment,
    parse_hours,
    working_time_between,
)

CHINA = WorkCalendar()
SHANGHAI = ZoneInfo("Asia/Shanghai")
WITH_LUNCH = WorkCalendar(hours=(WorkingHours(510, 720), WorkingHours(810, 1050)))
ROUND_THE_CLOCK = WorkCalendar(
    holidays="none", weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), hours=(WorkingHours(0, 24 * 60),)
)
NIGHT = WorkCalendar(holidays="none", hours=(WorkingHours(0, 120), WorkingHours(1200, 1440)))
BERLIN = WorkCalendar(timezone="Europe/Berlin", holidays="none", weekdays=("sat", "sun"), hours=(WorkingHours(0, 360),))


def at(text: str) -> datetime:
    """A local moment in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


OFFICIAL = [
    # State Council notices on holidays of 2024, 2025 and 2026: weekends that are worked ...
    *((day, True) for day in ("2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14", "2024-09-29")),
    *((day, True) for day in ("2024-10-12", "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11")),
    *((day, True) for day in ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10")),
    # ... weekdays that are off ...
    *((day, False) for day in ("2024-02-15", "2024-02-16", "2024-05-03", "2024-10-07", "2025-01-28", "2025-02-04", "2025-10-08")),
    *((day, False) for day in ("2026-01-02", "2026-02-16", "2026-02-23", "2026-05-05", "2026-09-25", "2026-10-07")),
    # ... and the first days on either side.
    *((day, True) for day in ("2024-02-09", "2025-01-27", "2025-02-05", "2025-10-09", "2026-02-24", "2026-10-08")),
    *((day, False) for day in ("2025-02-09", "2025-02-15", "2026-10-11")),
]


@pytest.mark.parametrize(("day", "works"), OFFICIAL)
def test_working_days_of_china_are_those_of_the_official_notices(day: str, works: bool) -> None:
    assert is_working_day(CHINA, date.fromisoformat(day)) is works


def test_without_holidays_a_worked_sunday_is_a_sunday_and_a_holiday_a_weekday() -> None:
    plain = replace(CHINA, holidays="none")
    assert not is_working_day(plain, date(2025, 1, 26))
    assert is_working_day(plain, date(2025, 10, 8))


def test_own_exceptions_win_over_weekdays_and_public_holidays() -> None:
    own = replace(CHINA, days_off=(date(2025, 1, 26), date(2025, 3, 3)), days_on=(date(2025, 10, 1), date(2025, 3, 8)))
    worked = [is_working_day(own, date.fromisoformat(day)) for day in ("2025-01-26", "2025-03-03", "2025-10-01", "2025-03-08")]
    assert worked == [False, False, True, True]


def test_a_year_without_a_notice_falls_back_to_the_holidays_of_the_law_and_says_so() -> None:
    far = china_holidays(2090)
    assert not far.announced
    assert far.on == frozenset()
    assert not is_working_day(CHINA, date(2090, 10, 2))
    assert is_working_day(CHINA, date(2090, 10, 9))
    assert guessed_years(CHINA, at("2025-12-30 10:00"), at("2090-01-02 10:00"))[-1] == 2090
    assert guessed_years(CHINA, at("2025-12-30 10:00"), at("2026-01-05 10:00")) == ()
    assert guessed_years(replace(CHINA, holidays="none"), at("2089-01-01 10:00"), at("2090-01-05 10:00")) == ()


@pytest.mark.parametrize("year", [1, 1900, 2101, 9998])
def test_a_year_that_the_library_refuses_follows_the_weekdays(year: int) -> None:
    monday = next(day for day in (date(year, 3, 1) + timedelta(n) for n in range(7)) if day.weekday() == 0)
    assert is_working_day(CHINA, monday)
    assert not is_working_day(CHINA, monday - timedelta(1))


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        # 2026-03-02 is a Monday. Working hours 08:30 to 17:30.
        ("2026-03-02 09:00", 0, "2026-03-02 09:00"),
        ("2026-03-02 09:00", 60, "2026-03-02 10:00"),
        ("2026-03-02 16:30", 60, "2026-03-02 17:30"),  # exactly at closing: the same day
        ("2026-03-02 16:30", 61, "2026-03-03 08:31"),
        ("2026-03-02 17:30", 0, "2026-03-02 17:30"),
        ("2026-03-02 17:31", 0, "2026-03-03 08:30"),
        ("2026-03-02 06:00", 30, "2026-03-02 09:00"),
        ("2026-03-06 17:00", 60, "2026-03-09 09:00"),  # over a weekend
        ("2025-09-30 17:00", 60, "2025-10-09 09:00"),  # over the National Day week
        ("2025-01-25 12:00", 60, "2025-01-26 09:30"),  # into a worked Sunday
    ],
)
def test_working_time_is_added_by_hand_known_days(start: str, minutes: int, end: str) -> None:
    assert add_working_time(CHINA, at(start), timedelta(minutes=minutes)) == at(end)


def test_working_time_pauses_over_lunch() -> None:
    assert add_working_time(WITH_LUNCH, at("2026-03-02 11:30"), timedelta(minutes=30)) == at("2026-03-02 12:00")
    assert add_working_time(WITH_LUNCH, at("2026-03-02 11:30"), timedelta(minutes=31)) == at("2026-03-02 13:31")
    assert add_working_time(WITH_LUNCH, at("2026-03-02 12:30"), timedelta()) == at("2026-03-02 13:30")


def test_a_day_that_ends_at_midnight_ends_with_that_moment_though_the_next_day_is_off() -> None:
    # Friday 20:00 to 24:00; Saturday is off, Monday begins at 00:00.
    assert add_working_time(NIGHT, at("2026-03-06 23:00"), timedelta(hours=1)) == at("2026-03-07 00:00")
    assert add_working_time(NIGHT, at("2026-03-07 00:00"), timedelta()) == at("2026-03-07 00:00")
    assert add_working_time(NIGHT, at("2026-03-07 00:00"), timedelta(minutes=1)) == at("2026-03-09 00:01")


def test_an_hour_that_the_clocks_skip_is_not_worked() -> None:
    # Berlin, 2026-03-29: 02:00 becomes 03:00, so from midnight to 06:00 only five hours pass.
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 3, 29, 0, 0, tzinfo=berlin)
    assert working_time_between(BERLIN, start, datetime(2026, 3, 30, tzinfo=berlin)) == timedelta(hours=5)
    assert add_working_time(BERLIN, start, timedelta(hours=5)) == datetime(2026, 3, 29, 6, 0, tzinfo=berlin)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-02 09:00", 3, "2026-03-05 17:30"),
        ("2026-03-06 09:00", 3, "2026-03-11 17:30"),  # Friday, over the weekend
        ("2026-03-07 09:00", 3, "2026-03-11 17:30"),  # Saturday counts no more than Friday does
        ("2026-03-02 23:00", 1, "2026-03-03 17:30"),
        ("2026-03-02 09:00", 0, "2026-03-02 17:30"),
        ("2026-03-02 18:00", 0, "2026-03-03 17:30"),
        ("2025-09-29 09:00", 3, "2025-10-10 17:30"),
    ],
)
def test_working_days_end_at_closing_and_do_not_count_their_first_day(start: str, days: int, end: str) -> None:
    assert end_of_working_day(CHINA, at(start), days) == at(end)


def test_the_local_date_counts_not_the_date_in_utc() -> None:
    # 23:30 UTC on Sunday is Monday 07:30 in Shanghai: Monday is the day that does not count.
    assert end_of_working_day(CHINA, datetime(2026, 3, 1, 23, 30, tzinfo=UTC), 1) == at("2026-03-03 17:30")


@pytest.mark.parametrize(
    "add", [lambda moment: add_working_time(CHINA, moment, timedelta(1)), lambda moment: end_of_working_day(CHINA, moment, 1)]
)
def test_a_time_without_an_offset_is_refused(add: object) -> None:
    with pytest.raises(ValueError, match="without an offset"):
        add(datetime(2026, 3, 2, 9))  # type: ignore[operator]  # noqa: DTZ001


def test_a_calendar_that_never_works_is_refused_rather_than_searched_forever() -> None:
    with pytest.raises(ValueError, match="no working day"):
        add_working_time(WorkCalendar(weekdays=(), holidays="none"), at("2026-03-02 09:00"), timedelta(minutes=1))


def test_hours_are_read_with_midnight_as_an_end() -> None:
    assert parse_hours("20:00-24:00") == WorkingHours(1200, 1440)


@pytest.mark.parametrize("text", ["8-17", "17:30-08:30", "08:30-08:30", "08:60-09:00", "20:00-24:01", "٠٨:٣٠-١٧:٣٠", 830, None])
def test_hours_that_are_no_spell_of_a_day_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="spell of work"):
        parse_hours(text)


calendars = st.sampled_from([CHINA, WITH_LUNCH, ROUND_THE_CLOCK, NIGHT, BERLIN])
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
lengths = st.timedeltas(timedelta(), timedelta(days=6))


@given(calendars, moments, lengths)
def test_the_end_lies_in_working_hours_and_so_much_working_time_later(calendar: WorkCalendar, moment: datetime, length: timedelta) -> None:
    end = add_working_time(calendar, moment, length)
    assert is_working_moment(calendar, end)
    assert end >= moment
    assert working_time_between(calendar, moment, end) == length


@given(calendars, moments, lengths, lengths)
def test_adding_twice_is_adding_the_sum(calendar: WorkCalendar, moment: datetime, first: timedelta, second: timedelta) -> None:
    assert add_working_time(calendar, add_working_time(calendar, moment, first), second) == add_working_time(
        calendar, moment, first + second
    )


@given(calendars, moments, moments, lengths, lengths)
def test_a_later_start_or_a_longer_promise_is_never_due_sooner(
    calendar: WorkCalendar, early: datetime, late: datetime, short: timedelta, long: timedelta
) -> None:
    assume(early <= late and short <= long)
    assert add_working_time(calendar, early, short) <= add_working_time(calendar, late, long)


@given(calendars, moments, st.integers(0, 15))
def test_another_working_day_is_a_later_closing_moment(calendar: WorkCalendar, moment: datetime, days: int) -> None:
    end = end_of_working_day(calendar, moment, days)
    assert end >= moment
    # At 24:00 the local date is that of the next day, a minute before it is not.
    assert is_working_day(calendar, (end - timedelta(minutes=1)).astimezone(ZoneInfo(calendar.timezone)).date())
    assert end_of_working_day(calendar, moment, days + 1) >= end


@given(moments, lengths)
def test_round_the_clock_working_time_is_time(moment: datetime, length: timedelta) -> None:
    assert add_working_time(ROUND_THE_CLOCK, moment, length) == moment + length
