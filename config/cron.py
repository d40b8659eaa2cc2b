"""Checking a cron line before it reaches the scheduler."""

from __future__ import annotations

import re

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = {name: str(number) for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_PART = re.compile(r"(\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", re.ASCII)


def parse_cron(line: str) -> str:
    """The line itself, when it is minute, hour, day, month and weekday. Raises `ValueError` naming the field that is not."""
    fields = line.split()
    if len(fields) != len(_FIELDS):
        raise ValueError('give five fields: minute hour day month weekday, such as "30 6 * * *" for 06:30 each day')
    for text, (name, least, most) in zip(fields, _FIELDS, strict=True):
        if not all(_fits(_numbered(part) if name == "weekday" else part, least, most) for part in text.split(",")):
            raise ValueError(f"give {name} from {least} to {most}, *, a range such as {least}-{most}, or steps such as */2, for {text!r}")
    return line


def _numbered(part: str) -> str:
    return re.sub("[a-z]{3}", lambda match: _NAMES.get(match[0], match[0]), part.lower())


def _fits(part: str, least: int, most: int) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    _, first, last, step = match.groups()
    numbers = [int(number) for number in (first, last) if number is not None]
    return all(least <= number <= most for number in numbers) and numbers == sorted(numbers) and step not in ("0", "00")
