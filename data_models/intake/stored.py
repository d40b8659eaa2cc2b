"""What the store already holds for the rows of a file, and writing what is new or changed: in bulk, compared in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from sqlalchemy import Table, insert, inspect, select, update
from sqlalchemy.orm import Session

from data_models.intake.columns import TableSpec
from data_models.tables import Base
from data_models.tables.sealed import placed

_CHUNK = 1_000

StoredRow = dict[str, Any]


def stored_rows(session: Session, spec: TableSpec, keys: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], StoredRow]:
    """The rows of a table that share the first part of a key with one of `keys`, by key: their imported attributes and primary key."""
    model = spec.model
    names = list(dict.fromkeys([*primary_key(model), *(column.stored_as for column in spec.columns)]))
    first = getattr(model, spec.key[0])
    found: dict[tuple[Any, ...], StoredRow] = {}
    for chunk in _chunks(dict.fromkeys(key[0] for key in keys)):
        for row in session.execute(select(*(getattr(model, name) for name in names)).where(first.in_(chunk))):
            values = dict(zip(names, row, strict=True))
            found[tuple(values[name] for name in spec.key)] = values
    return found


def known_ids(session: Session, model: type[Base], ids: Iterable[str], also: str = "id") -> dict[str, Any]:
    """Which of the ids a table holds, each with its attribute `also`."""
    column: Any = getattr(model, "id")  # noqa: B009 - Base itself has no id
    found: dict[str, Any] = {}
    for chunk in _chunks(dict.fromkeys(ids)):
        found.update((row[0], row[1]) for row in session.execute(select(column, getattr(model, also)).where(column.in_(chunk))))
    return found


def write_rows(session: Session, spec: TableSpec, inserts: Sequence[StoredRow], updates: Sequence[StoredRow]) -> None:
    """Puts new rows in and changes others; an update holds the primary key and the attributes that change."""
    for chunk in _chunks(inserts):
        session.execute(insert(spec.model), placed(spec.model, chunk))
    groups: dict[tuple[str, ...], list[StoredRow]] = {}
    for row in updates:
        groups.setdefault(tuple(sorted(row)), []).append(row)
    for group in groups.values():
        for chunk in _chunks(group):
            session.execute(update(spec.model), placed(spec.model, chunk))


def primary_key(model: type[Base]) -> list[str]:
    """The attributes that make up a table's primary key."""
    table = cast(Table, model.__table__)
    mapper = inspect(model)
    return [mapper.get_property_by_column(column).key for column in table.primary_key.columns]


def defaults(spec: TableSpec, values: Mapping[str, Any]) -> StoredRow:
    """A new row in full: what an empty cell stands for wherever the file has no column."""
    row = {column.stored_as: list(column.empty) if isinstance(column.empty, tuple) else column.empty for column in spec.columns}
    return row | dict(values)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
