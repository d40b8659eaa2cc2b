"""Text from files and stores, made fit for a terminal. Loads nothing: the command line needs it before anything else."""

from __future__ import annotations

from datetime import datetime


def printable(text: str) -> str:
    """The text without control characters, so that what a file contains cannot steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def duration(minutes: float) -> str:
    """A length of time as people say it: minutes up to two hours, then hours and minutes; rounded to a minute."""
    whole = round(minutes)
    return f"{whole} min" if whole <= 120 else f"{whole // 60} h {whole % 60:02} min"


def time_of_day(moment: datetime, now: datetime) -> str:
    """A moment in the offset of `now`, with its date where that is another day."""
    local = moment.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%m-%d %H:%M}"
