"""The type of columns that hold contact data: sealed on the way in, opened on the way out, with the keys that the engine was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, Text, cast, event, func, inspect, literal, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeDecorator, TypeEngine

from data_models.sealing import Keyring, place_of

_KEYS = "contact_keys"


def give_keys(dialect: Dialect, keys: Keyring) -> None:
    """Let an engine, by its dialect, seal and open with these keys."""
    setattr(dialect, _KEYS, keys)


def keys_of(dialect: Dialect) -> Keyring:
    """The keys that an engine was given."""
    keys = getattr(dialect, _KEYS, None)
    return keys if isinstance(keys, Keyring) else Keyring()


class Placed(str):
    """A text that knows where it belongs: only such a one can be sealed."""

    __slots__ = ("place",)
    place: str

    def __new__(cls, text: str, place: str) -> Placed:
        """The text with its place, as `place_of` gives it."""
        made = super().__new__(cls, text)
        made.place = place
        return made


class Sealed(TypeDecorator[str]):
    """Text of a table's column that is sealed at rest; `length` is that of the column before there were keys.

    What is read comes with the `identity` of its row, by an expression, since a type alone never learns which row it serves. What is
    written must be a `Placed` text, which rows of a `KeepsSealed` class and `placed` see to: anything else is refused, so that no way in
    was forgotten.
    """

    impl = String
    cache_ok = True

    def __init__(self, table: str, column: str, length: int | None = None, identity: str = "id") -> None:
        super().__init__(length)
        self.table, self.column, self.length, self.identity = table, column, length, identity

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite ignores lengths; PostgreSQL does not, and sealed texts are longer than what was typed."""
        return String(self.length) if self.length and dialect.name != "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal."""
        if not value:
            return value
        if not isinstance(value, Placed):
            raise TypeError(f"{self.table}.{self.column}: a text to be sealed must know its row; write it by the ORM or by `placed`")
        return keys_of(dialect).seal(str(value), value.place)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The identity of the row before the text, with its length, so that neither can be taken for part of the other."""
        identity = column.table.c[self.identity]
        placed = cast(func.length(identity), Text) + literal(":", Text) + type_coerce(identity, Text) + type_coerce(column, Text)
        return type_coerce(placed, self)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open."""
        if value is None:
            return None
        length, _, rest = value.partition(":")
        return keys_of(dialect).open(rest[int(length) :], place_of(self.table, self.column, rest[: int(length)]))


class KeepsSealed:
    """Of rows with `Sealed` columns: what is written into them learns its row."""


@event.listens_for(KeepsSealed, "before_insert", propagate=True)
@event.listens_for(KeepsSealed, "before_update", propagate=True)
def _place(mapper: Mapper[Any], _connection: object, row: Any) -> None:
    for name, column in _sealed(mapper.class_).items():
        value = row.__dict__.get(name)
        if isinstance(value, str) and not isinstance(value, Placed):
            setattr(row, name, Placed(value, place_of(column.table, column.column, getattr(row, column.identity))))


def placed(model: type[Any], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for a bulk insert or update, with the texts of their sealed columns placed; each must hold its identity."""
    sealed = _sealed(model)

    def texts(row: Mapping[str, Any]) -> dict[str, str]:
        given = {name: column for name, column in sealed.items() if isinstance(row.get(name), str)}
        return {name: Placed(row[name], place_of(kind.table, kind.column, row[kind.identity])) for name, kind in given.items()}

    return [dict(row) | texts(row) for row in rows]


def _sealed(model: type[Any]) -> dict[str, Sealed]:
    """The sealed attributes of a class."""
    return {each.key: each.columns[0].type for each in inspect(model).column_attrs if isinstance(each.columns[0].type, Sealed)}
