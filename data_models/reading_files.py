"""Sensor readings as they are sent: objects of JSON, lines of a JSON Lines file, or rows of a CSV file."""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from data_models.errors import BadInput
from data_models.reading import shown
from data_models.readings import Reading

FIELDS = ("site", "sensor", "quantity", "value", "unit", "at", "key", "product")
_REQUIRED = ("site", "sensor", "quantity", "value", "at")
_LENGTHS = {"site": 64, "sensor": 64, "quantity": 64, "unit": 16, "key": 200, "product": 64}

MAX_LINE = 100_000
"""A longer line is no reading: nobody has to hold a file without line ends in memory."""


@dataclass(frozen=True)
class Line:
    """A line of a file, counted from 1: a reading, or what is wrong with it."""

    number: int
    reading: Reading | None
    wrong: str = ""


def reading_from(item: object) -> Reading:
    """The reading that a JSON object or a CSV row holds.

    The value is a number; null, "NaN" and "inf" are taken as what a broken sensor sends. `unit`, `key` and `product` may be absent.

    Raises
    ------
    BadInput
        A field is unknown, missing or not what it should be.
    """
    if not isinstance(item, Mapping):
        raise BadInput(f"a reading is {shown(item)}; give an object with {', '.join(FIELDS)}")
    problems = [f"{shown(key)} is not a field of a reading; known are {', '.join(FIELDS)}" for key in item if key not in FIELDS]
    problems += [f"{name} is missing; give it" for name in _REQUIRED if name not in item]
    texts = {name: item.get(name, "") for name in _LENGTHS}
    for name, text in texts.items():
        if text is None and name not in _REQUIRED:
            texts[name] = ""
            continue
        wrong = _wrong_text(name, text) if name in item else ""
        if wrong:
            problems.append(f"{name} is {shown(text)}; {wrong}")
    if problems:
        raise BadInput(*problems)
    return Reading(value=_value(item["value"]), at=_time(item["at"]), **texts)


def _wrong_text(name: str, text: object) -> str:
    if not isinstance(text, str):
        return "give a text in quotes"
    if not text and name in _REQUIRED:
        return "give it"
    if len(text) > _LENGTHS[name]:
        return f"give at most {_LENGTHS[name]} characters"
    return "" if text.isprintable() else "remove what cannot be printed"


def _value(value: object) -> float:
    if value is None:
        return math.nan
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise BadInput(f"value is {shown(value)}; give a number")


def _time(value: object) -> datetime:
    remedy = "give an ISO 8601 time with an offset, such as 2026-03-02T08:00:00+08:00"
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None:
        raise BadInput(f"at is {shown(value)}; {remedy}")
    if time.tzinfo is None:
        raise BadInput(f"at is {shown(value)}, which has no offset; {remedy}")
    if not 1970 < time.year < 2199:
        raise BadInput(f"at is {shown(value)}; give a year from 1971 to 2198")
    return time


def read_lines(path: Path) -> Iterator[Line]:
    """The readings of a file, one by one: CSV with a header when its name ends in `.csv`, else JSON Lines; UTF-8.

    A line that is no reading is given with what is wrong. Raises `BadInput` when the file cannot be read or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _csv_lines(path, file) if path.suffix.lower() == ".csv" else _json_lines(file)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{path} cannot be read: {reason}; give the path of a file that can") from None


def _json_lines(file: TextIO) -> Iterator[Line]:
    for number in itertools.count(1):
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        if len(line) > MAX_LINE:
            yield Line(number, None, f"longer than {MAX_LINE:,} characters; put each reading on a line of its own")
            while line and not line.endswith("\n"):
                line = file.readline(MAX_LINE)
        elif line.strip():
            yield _line(number, line)


def _line(number: int, line: str) -> Line:
    try:
        return Line(number, reading_from(json.loads(line)))
    except BadInput as error:
        return Line(number, None, "; ".join(error.problems))
    except (ValueError, RecursionError) as error:
        return Line(number, None, f"is not JSON: {error}; put one object on each line")


def _csv_lines(path: Path, file: TextIO) -> Iterator[Line]:
    rows = csv.reader(_bounded(path, file), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        unknown = [name for name in header if name not in FIELDS]
        missing = [name for name in _REQUIRED if name not in header]
        if unknown or missing or len(set(header)) < len(header):
            what = f"lacks {', '.join(missing)}" if missing else f"has {shown(unknown[0])}" if unknown else "names a column twice"
            raise BadInput(f"{path}: the header {what}; its columns are {', '.join(FIELDS)}, the last ones optional")
        for row in rows:
            if any(row):
                yield _row(rows.line_num, header, row)
    except csv.Error as error:
        raise BadInput(f"{path}, line {rows.line_num}: {error}; save it as CSV with commas and double quotes") from None


def _row(number: int, header: list[str], row: list[str]) -> Line:
    if len(row) != len(header):
        return Line(number, None, f"has {len(row)} cells, the header {len(header)}; give as many")
    item: dict[str, Any] = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    item["value"] = item["value"] or None
    try:
        return Line(number, reading_from(item))
    except BadInput as error:
        return Line(number, None, "; ".join(error.problems))


def _bounded(path: Path, file: TextIO) -> Iterable[str]:
    for number in itertools.count(1):
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        if len(line) > MAX_LINE:
            raise BadInput(f"{path}, line {number} is longer than {MAX_LINE:,} characters; is it CSV?")
        yield line
