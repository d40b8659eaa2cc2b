"""Promises: a length of time, what it is counted in, and the moment that it makes due."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import PlainValidator

from data_models.calendars import WorkCalendar, add_working_time, end_of_working_day
from data_models.errors import BadInput

PROMISE_FORMS = '"10 s", "30 min", "2 h", "3 d" (elapsed), "4 working h" (working time), "3 working days", or "none"'
"""What a promise in a policy file may look like, for messages."""

_FORM = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(working )?(s|min|h|d|days?)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "day": 86400, "days": 86400}
_LONGEST = timedelta(days=3650)


@dataclass(frozen=True)
class Promise:
    """A promised length of time.

    `counts` says in what: `elapsed` time round the clock, `working_time` of the calendar, `working_days` of the calendar (then
    `length` is in whole days). `nothing` is the promise withdrawn: it overrules an inherited one.
    """

    length: timedelta
    counts: Literal["elapsed", "working_time", "working_days", "nothing"] = "elapsed"

    @property
    def minutes(self) -> float:
        """The length in minutes of what it counts; a working day is 1440."""
        return self.length / timedelta(minutes=1)


NOTHING = Promise(timedelta(), "nothing")


def parse_promise(text: object) -> Promise:
    """The promise that a text like "2 h" or "3 working days" states. Raises `ValueError` naming what is allowed."""
    if not isinstance(text, str):
        raise ValueError(f"a promise is a text: {PROMISE_FORMS}")
    if text == "none":
        return NOTHING
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"a promise is one of: {PROMISE_FORMS}")
    number, working, unit = match.groups()
    length = timedelta(seconds=float(number) * _SECONDS[unit])
    if length > _LONGEST:
        raise ValueError(f"a promise is at most {_LONGEST.days} d")
    if not working:
        return Promise(length)
    if unit in ("s", "min", "h"):
        return Promise(length, "working_time")
    if length % timedelta(days=1):
        raise ValueError('working days are whole: "3 working days"')
    return Promise(length, "working_days")


def promise_text(promise: Promise) -> str:
    """The promise as it is written in a policy file; `parse_promise` gives it back."""
    if promise.counts == "nothing":
        return "none"
    seconds = promise.length.total_seconds()
    if promise.counts == "working_days":
        return f"{promise.length.days} working days"
    unit = next(unit for unit in ("h", "min", "s") if seconds % _SECONDS[unit] == 0 or unit == "s")
    return f"{seconds / _SECONDS[unit]:.12g} {'working ' if promise.counts == 'working_time' else ''}{unit}"


def due(promise: Promise, from_moment: datetime, calendar: WorkCalendar) -> datetime:
    """The moment, in UTC, by which a promise counted from an aware moment must be kept.

    Elapsed time ignores the calendar. Working time starts at the next opening when the moment lies outside working hours.
    Working days end with the last closing moment of the n-th working day after the local date of the moment.
    Raises `BadInput` when the result lies past the year 9999 and `ValueError` for a naive moment or a promise of nothing.
    """
    if promise.counts == "nothing":
        raise ValueError("a withdrawn promise is never due")
    if from_moment.tzinfo is None:
        raise ValueError(f"time without an offset: {from_moment.isoformat()}; give it a time zone")
    try:
        if promise.counts == "elapsed":
            return from_moment.astimezone(UTC) + promise.length
        if promise.counts == "working_time":
            return add_working_time(calendar, from_moment, promise.length)
        return end_of_working_day(calendar, from_moment, promise.length.days)
    except OverflowError:
        late = f"time {from_moment.isoformat()}: {promise_text(promise)} later lies past the year 9999; give an earlier one"
        raise BadInput(late) from None


PromiseText = Annotated[Promise, PlainValidator(parse_promise)]
"""A `Promise` that a policy file writes as text."""
