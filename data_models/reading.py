"""Facts read out of loaded JSON: a reader for a dataclass is made from its type hints, so that a format stands in one place.

Every problem becomes one sentence with the item, the field, the value and the remedy. Only fields that the dataclass lists are
taken, and only values of exactly the right type: no number in quotes, no true for 1, no time without an offset.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from data_models.errors import BadInput

MAX_TEXT = 20_000
MAX_PROBLEMS = 20
ENOUGH_PROBLEMS = 10_000
FIRST_YEAR, LAST_YEAR = 1970, 2199
_MAX_INTEGER = 2**63 - 1

_Fact = TypeVar("_Fact")


@dataclass(frozen=True)
class Alias:
    """The name of a field in files, noted on its type hint where Python could not use that name (`return`)."""

    name: str


@dataclass
class Problems:
    """Sentences about what is wrong: the first `MAX_PROBLEMS` of them in words, the rest as a number."""

    sentences: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, sentence: str) -> None:
        """Note a problem. Raises `BadInput` when there are so many that looking for more is a waste."""
        if len(self.sentences) < MAX_PROBLEMS:
            self.sentences.append(sentence)
            return
        self.more += 1
        if self.more >= ENOUGH_PROBLEMS:
            self.raise_any()

    def raise_any(self) -> None:
        """Raise `BadInput` if there is a problem."""
        if self.sentences:
            tail = "or more" if self.more >= ENOUGH_PROBLEMS else "more"
            raise BadInput(*self.sentences, *([f"and {self.more:,} {tail} problems"] if self.more else []))


@dataclass(frozen=True, slots=True)
class Where:
    """The object that is being read: the steps that lead to it, such as `tickets[3] (W0003)`."""

    steps: tuple[str, ...] = ()

    def into(self, step: str, item: Mapping[str, Any]) -> Where:
        """The object `item`, reached from here by `step`; named by its id where it has one."""
        name = next((item[key] for key in ("id", "ticket", "technician") if isinstance(item.get(key), str)), None)
        return Where((*self.steps, step if name is None else f"{step} ({shown(name)[1:-1]})"))

    def says(self, sentence: str) -> str:
        """The sentence with its place in front."""
        return f"{', '.join(self.steps)}: {sentence}" if self.steps else sentence


def shown(value: object) -> str:
    """A value as a message shows it: as in JSON, on one line, shortened, with nothing that cannot be printed."""
    if isinstance(value, str):
        short = value if len(value) <= 60 else f"{value[:50]}…"
        printable = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in short)
        return f'"{printable}"' + (f" ({len(value):,} characters)" if len(value) > 60 else "")
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        return "a huge whole number"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value)


# A reader gets a value, the object that holds it, the field's name and the list of problems. What it returns after noting
# a problem is of no matter: `read_fact` raises before anyone sees it.

_Reader = Callable[[Any, Where, str, Problems], Any]


def read_fact(kind: type[_Fact], value: object, problems: Problems) -> _Fact:
    """The dataclass `kind` made from what a JSON file holds. Raises `BadInput` with its problems and those found before."""
    fact: _Fact = _object_reader(cast(Any, kind))(value, Where(), "the file", problems)
    problems.raise_any()
    return fact


@cache
def key_of(kind: type, attribute: str) -> str:
    """The name that a file gives to an attribute: its `Alias`, or else its own."""
    hint = get_type_hints(kind, include_extras=True)[attribute]
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((note.name for note in notes if isinstance(note, Alias)), attribute)


@cache
def _reader(hint: Any) -> _Reader:
    """The reader of a type hint; of those kinds that our formats use."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint == tuple[tuple[float, ...], ...]:
        return _read_matrix
    if dataclasses.is_dataclass(hint):
        return _object_reader(cast(type, hint))
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _list_reader(_reader(inner[0]))
    if origin is Literal:
        return _choice_reader(inner)
    if origin is Mapping:
        return _map_reader(_reader(inner[1]))
    if origin in (types.UnionType, Union):
        return _union_reader(inner)
    raise TypeError(f"no reader for {hint}")


@cache
def _object_reader(kind: Any) -> _Reader:
    hints = get_type_hints(kind)
    entries = {key_of(kind, entry.name): entry for entry in dataclasses.fields(kind)}
    readers = {key: _reader(hints[entry.name]) for key, entry in entries.items()}
    required = {
        key for key, entry in entries.items() if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
    }

    def read(value: Any, where: Where, name: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            return problems.add(where.says(f"{name} is {shown(value)}; give an object with {_listed(entries)}"))
        here = where.into(name, value) if where.steps or name != "the file" else where
        for key in (key for key in value if key not in entries):
            problems.add(here.says(_unknown_field(key, entries)))
        missing = [key for key in entries if key in required and key not in value]
        for key in missing:
            problems.add(here.says(f"{key} is missing; give it"))
        held = {entries[key].name: readers[key](value[key], here, key, problems) for key in entries if key in value}
        return None if missing else kind(**held)

    return read


def _list_reader(read_item: _Reader) -> _Reader:
    def read(value: Any, where: Where, name: str, problems: Problems) -> Any:
        if not isinstance(value, list):
            return problems.add(where.says(f"{name} is {shown(value)}; give a list"))
        return tuple([read_item(item, where, f"{name}[{index}]", problems) for index, item in enumerate(value)])

    return read


def _map_reader(read_item: _Reader) -> _Reader:
    def read(value: Any, where: Where, name: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            return problems.add(where.says(f"{name} is {shown(value)}; give an object"))
        for key in value:
            _read_text(key, where, f"a name in {name}", problems)
        return {key: read_item(item, where, f"{name}, {shown(key)}", problems) for key, item in value.items()}

    return read


def _union_reader(options: tuple[Any, ...]) -> _Reader:
    """Either something or null, or one of several objects that tell themselves apart by `kind`."""
    kinds = [option for option in options if option is not types.NoneType]
    if len(kinds) == 1:
        read_value = _reader(kinds[0])
        return lambda value, where, name, problems: None if value is None else read_value(value, where, name, problems)
    readers = {get_args(get_type_hints(option)["kind"])[0]: _reader(option) for option in kinds}
    read_kind = _choice_reader(tuple(readers))

    def read(value: Any, where: Where, name: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            return problems.add(where.says(f"{name} is {shown(value)}; give an object with kind and what belongs to it"))
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in readers:
            return read_kind(kind, where, f"{name}, kind", problems)
        return readers[kind](value, where, name, problems)

    return read


def _choice_reader(choices: tuple[str, ...]) -> _Reader:
    def read(value: Any, where: Where, name: str, problems: Problems) -> Any:
        if not isinstance(value, str) or value not in choices:
            problems.add(where.says(f"{name} is {shown(value)}; give one of {_listed(shown(choice) for choice in choices)}"))
        return value

    return read


def _read_text(value: Any, where: Where, name: str, problems: Problems) -> Any:
    if not isinstance(value, str):
        problems.add(where.says(f"{name} is {shown(value)}; give a text in quotes"))
    elif len(value) > MAX_TEXT:
        problems.add(where.says(f"{name} is {shown(value)}; give at most {MAX_TEXT:,} characters"))
    elif not value.isprintable() and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
        # Neither can be stored or written as UTF-8; other unprintable signs are some script's business.
        problems.add(where.says(f"{name} is {shown(value)}, which holds a NUL or half a character; remove it"))
    return value


def _read_float(value: Any, where: Where, name: str, problems: Problems) -> Any:
    if type(value) is int and abs(value) <= _MAX_INTEGER:
        return float(value)
    if type(value) is not float or not math.isfinite(value):
        return problems.add(where.says(f"{name} is {shown(value)}; give a finite number"))
    return value


def _read_int(value: Any, where: Where, name: str, problems: Problems) -> Any:
    if type(value) is not int or abs(value) > _MAX_INTEGER:
        problems.add(where.says(f"{name} is {shown(value)}; give a whole number"))
    return value


def _read_bool(value: Any, where: Where, name: str, problems: Problems) -> Any:
    if not isinstance(value, bool):
        problems.add(where.says(f"{name} is {shown(value)}; give true or false"))
    return value


def _read_time(value: Any, where: Where, name: str, problems: Problems) -> Any:
    remedy = 'give an ISO 8601 time with an offset, e.g. "2026-03-02T08:00:00+08:00"'
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None:
        return problems.add(where.says(f"{name} is {shown(value)}; {remedy}"))
    if time.tzinfo is None:
        return problems.add(where.says(f"{name} is {shown(value)}, which has no offset; {remedy}"))
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        return problems.add(where.says(f"{name} is {shown(value)}; give a time from {FIRST_YEAR} to {LAST_YEAR}"))
    return time


def _read_matrix(value: Any, where: Where, name: str, problems: Problems) -> Any:
    """Rows of numbers, where Infinity stands for an unreachable pair. Read in one sweep per row: there may be millions."""
    if not isinstance(value, list):
        return problems.add(where.says(f"{name} is {shown(value)}; give a list of rows"))
    rows: list[tuple[float, ...]] = []
    for index, row in enumerate(value):
        if not isinstance(row, list):
            problems.add(where.says(f"{name}[{index}] is {shown(row)}; give a list of numbers"))
            continue
        if all(type(entry) is float or (type(entry) is int and abs(entry) <= _MAX_INTEGER) for entry in row) and not any(
            map(math.isnan, row)
        ):
            rows.append(tuple(map(float, row)))
            continue
        for column, entry in enumerate(row):
            if entry != math.inf:
                _read_float(entry, where, f"{name}[{index}][{column}]", problems)
    return tuple(rows)


_SCALARS: dict[Any, _Reader] = {str: _read_text, float: _read_float, int: _read_int, bool: _read_bool, datetime: _read_time}


def _unknown_field(key: str, known: Mapping[str, object]) -> str:
    meant = difflib.get_close_matches(key[:60], known, n=1)
    remedy = f"did you mean {meant[0]}?" if meant else f"known are {_listed(known)}"
    return f"{shown(key)} is not a field here; {remedy}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
