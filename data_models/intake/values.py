"""Turning the cell of a file into the value of a column, or into a sentence that says what is wrong and how to mend it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

from data_models.intake.columns import Column, Kind

Cell = Any
"""What a reader gives: text, or from a workbook also int, float, bool, date, datetime, time, timedelta, `SheetError`; None is empty."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?\s*(Z|z|[+-]\d{2}:?\d{2})?", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff]")
_LINE_ENDS = re.compile("[\t\n\r]")
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall-clock date of a workbook has no zone
_SERIAL_DAYS = (20_000, 90_000)  # 1954 to 2146: a smaller or larger number is hardly meant as a day
_YEARS = (1900, 2199)
_EXCEL_EXACT = 10**15  # a workbook keeps 15 digits of a number


class CellProblem(ValueError):
    """A cell cannot be the value of its column; the text says why and what to do."""


class SheetError(str):
    """An error value of a workbook's cell, such as #REF!."""

    __slots__ = ()


@dataclass
class Clock:
    """How times without an offset are read; `assumed` counts them, so that the report can say so."""

    zone: ZoneInfo
    assumed: int = 0


def parse_cell(column: Column, cell: Cell, clock: Clock) -> Any:
    """The value of a cell, `column.empty` when it is blank. Raises `CellProblem`."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        if column.required:
            raise CellProblem(f"is empty; fill in {column.meaning}, e.g. {column.example}")
        return list(column.empty) if isinstance(column.empty, tuple) else column.empty
    if isinstance(cell, SheetError):
        raise CellProblem("is an error value of the workbook; mend the formula or type the value")
    return _PARSERS[column.kind](column, cell, clock)


def text_of(cell: Cell) -> str:
    """A cell as text: whole numbers without a decimal point, times in ISO form. Raises `CellProblem` for what text cannot keep."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        if abs(cell) >= _EXCEL_EXACT:
            raise CellProblem("is a number longer than a workbook keeps exactly; format the column as text and type it again")
        return str(int(cell)) if cell == int(cell) else repr(cell)
    if isinstance(cell, datetime | date | clock_time):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
    return str(cell)


def _text(column: Column, cell: Cell, clock: Clock) -> str:
    text = text_of(cell)
    if len(text) > column.longest:
        raise CellProblem(f"has {len(text)} characters, {column.longest} are allowed; shorten it")
    found = _CONTROL.search(text)
    if found is None and column.kind != "long_text":
        found = _LINE_ENDS.search(text)
    if found is not None:
        raise CellProblem(f"holds the control character U+{ord(found.group()):04X}; remove it")
    return text


def _id(column: Column, cell: Cell, clock: Clock) -> str:
    text = text_of(cell).strip()
    return _text(column, text, clock)


def _number(column: Column, cell: Cell, clock: Clock) -> float:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise CellProblem(f"is not a number; write e.g. {column.example}")
    if isinstance(cell, str):
        cell = cell.strip()
        if not _NUMBER.fullmatch(cell):
            raise CellProblem(f"is not a number; write digits without thousands separators or units, e.g. {column.example}")
    value = float(cell)
    if not math.isfinite(value) or not column.least <= value <= column.most:
        swapped = "; are lat and lon swapped?" if column.name == "lat" and 90 < abs(value) <= 180 else ""
        raise CellProblem(f"is outside {column.least:g} to {column.most:g}{swapped or '; correct it'}")
    return value


def _integer(column: Column, cell: Cell, clock: Clock) -> int:
    value = _number(column, cell, clock)
    if value != int(value):
        raise CellProblem(f"is not a whole number; write e.g. {column.example}")
    return int(value)


def _choice(column: Column, cell: Cell, clock: Clock) -> str:
    kept = column.choices.get(text_of(cell).strip().casefold())
    if kept is None:
        raise CellProblem(f"is not allowed; write one of {column.allowed()}")
    return kept


def _flag(column: Column, cell: Cell, clock: Clock) -> bool:
    return _choice(column, cell, clock) == "yes"


def _date(column: Column, cell: Cell, clock: Clock) -> date:
    when, aware = _moment(column, cell)
    if aware or when.time() != clock_time():
        raise CellProblem(f"has a time of day; write the date alone, e.g. {column.example}")
    return when.date()


def _instant(column: Column, cell: Cell, clock: Clock) -> datetime:
    when, aware = _moment(column, cell)
    if aware:
        return when.astimezone(UTC)
    local = when.replace(tzinfo=clock.zone)
    offsets = {local.replace(fold=fold).utcoffset() for fold in (0, 1)}
    if len(offsets) > 1:
        raise CellProblem(f"happens twice or never in {clock.zone.key}, where clocks change; write the offset, e.g. +01:00")
    clock.assumed += 1
    return local.astimezone(UTC)


def _moment(column: Column, cell: Cell) -> tuple[datetime, bool]:
    """A cell as date and time, and whether it came with an offset."""
    if isinstance(cell, datetime):
        # A workbook keeps times as fractions of a day; what was typed is off by some microseconds.
        when, aware = (cell + timedelta(microseconds=500_000)).replace(microsecond=0), False
    elif isinstance(cell, date):
        when, aware = datetime(cell.year, cell.month, cell.day), False  # noqa: DTZ001 - the zone is added by the caller
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        when, aware = _from_serial(column, float(cell)), False
    elif isinstance(cell, str):
        when, aware = _from_text(column, cell.strip())
    else:
        raise CellProblem(f"is not a date; write e.g. {column.example}")
    if not _YEARS[0] <= when.year <= _YEARS[1]:
        raise CellProblem(f"is not between the years {_YEARS[0]} and {_YEARS[1]}; correct it")
    return when, aware


def _from_serial(column: Column, serial: float) -> datetime:
    if not _SERIAL_DAYS[0] <= serial < _SERIAL_DAYS[1]:
        raise CellProblem(f"is neither a date nor the day number of a spreadsheet; write e.g. {column.example}")
    return _EXCEL_DAY_ZERO + timedelta(seconds=round(serial * 86_400))


def _from_text(column: Column, text: str) -> tuple[datetime, bool]:
    if _NUMBER.fullmatch(text):
        return _from_serial(column, float(text)), False
    found = _DATE.match(text)
    if found is None:
        raise CellProblem(f"is not a date with the year first; write e.g. {column.example}")
    year, month, day = (int(part) for part in (found.group(1, 3, 4) if found.group(1) else found.group(5, 6, 7)))
    rest = text[found.end() :]
    clock = _TIME.fullmatch(rest[1:].lstrip() if rest[:1] in ("T", "t", " ") else rest) if rest.strip() else None
    if rest.strip() and clock is None:
        raise CellProblem(f"has a time of day that is not HH:MM or HH:MM:SS; write e.g. {column.example}")
    hour, minute, second, fraction, offset = clock.groups() if clock else ("0", "0", None, None, None)
    try:
        when = datetime(year, month, day, int(hour), int(minute), int(second or 0), round(float(fraction or 0) * 1e6))  # noqa: DTZ001
        if offset:
            when = when.replace(tzinfo=UTC if offset in "Zz" else datetime.strptime(offset, "%z").tzinfo)
    except ValueError as error:
        raise CellProblem(f"does not exist in the calendar ({error}); write e.g. {column.example}") from error
    return when, bool(offset)


def _items(column: Column, cell: Cell) -> list[str]:
    text = text_of(cell)
    if len(text) > 4000:
        raise CellProblem(f"has {len(text)} characters, 4000 are allowed; shorten it")
    parts = re.split("[;；]" if re.search("[;；]", text) else "[,，、]", text)
    return [part.strip() for part in parts if part.strip()]


def _list(column: Column, cell: Cell, clock: Clock) -> list[str]:
    items = [_text(_ITEM, item, clock) for item in _items(column, cell)]
    twice = next((item for item in items if items.count(item) > 1), None)
    if twice is not None:
        raise CellProblem(f"names {twice} twice; name it once")
    return items


def _levels(column: Column, cell: Cell, clock: Clock) -> dict[str, int]:
    levels: dict[str, int] = {}
    for item in _items(column, cell):
        skill, _, level = item.replace("：", ":").rpartition(":")
        skill = _text(_ITEM, skill.strip(), clock)
        if not skill or level.strip() not in ("1", "2", "3"):
            raise CellProblem(f"names {item[:64]!r}, which is not skill:level with a level of 1 to 3; write e.g. {column.example}")
        if skill in levels:
            raise CellProblem(f"names {skill} twice; name it once")
        levels[skill] = int(level)
    return levels


_ITEM = Column("item", "id", "", "", longest=64)
_PARSERS: dict[Kind, Callable[[Column, Cell, Clock], Any]] = {
    "id": _id,
    "text": _text,
    "long_text": _text,
    "number": _number,
    "integer": _integer,
    "date": _date,
    "time": _instant,
    "flag": _flag,
    "choice": _choice,
    "list": _list,
    "levels": _levels,
}
