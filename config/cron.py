"""Checking a cron line before it reaches the scheduler, with the very library that Prefect reads it with."""

from __future__ import annotations

from datetime import datetime

from cronsim import CronSim, CronSimError

_FIELDS = 5


def parse_cron(line: str) -> str:
    """The line itself, when it is minute, hour, day, month and weekday. Raises `ValueError` saying what is wrong with it."""
    if len(line.split()) != _FIELDS:
        raise ValueError('give five fields: minute hour day month weekday, such as "30 6 * * *" for 06:30 each day')
    try:
        CronSim(line, datetime(2000, 1, 1))  # noqa: DTZ001  (only read, never run)
    except CronSimError as error:
        raise ValueError(f'give a line such as "30 6 * * *" for 06:30 each day; this one has a {str(error).lower()}') from None
    return line
