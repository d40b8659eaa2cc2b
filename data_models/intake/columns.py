"""What a column of an import file is: its name, aliases, type and limits, and what the notes of a template say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from data_models.tables import Base

Kind = Literal["id", "text", "long_text", "number", "integer", "date", "time", "flag", "choice", "list", "levels"]

KIND_WORDS: Mapping[Kind, str] = {
    "id": "id, up to 64 characters",
    "text": "text",
    "long_text": "text, several lines allowed",
    "number": "number",
    "integer": "whole number",
    "date": "date, like 2026-03-02",
    "time": "date and time, like 2026-03-02 08:00 or 2026-03-02T08:00+08:00",
    "flag": "yes or no",
    "choice": "one of the allowed words",
    "list": "list, parted by ;",
    "levels": "list of skill:level, parted by ;",
}


@dataclass(frozen=True)
class Column:
    """One column of an import file.

    Parameters
    ----------
    name, aliases
        The canonical header, and others that mean the same; case and spaces do not matter.
    kind
        How its cells are read.
    meaning, example
        What a template's notes say.
    attribute
        The attribute of the table it is kept in; empty: same as `name`.
    required
        The header must be there and no cell may be empty.
    least, most
        Limits of a number, both allowed.
    longest
        Limit of a text, in characters.
    choices
        Accepted word (lower case) to the word that is kept.
    refers_to
        Name of the import table whose ids its cells (or the items of its lists) must be.
    empty
        What an empty cell stands for in a new row.
    empty_keeps
        In an update, the value `empty` leaves what is stored as it is; otherwise it replaces it.
    """

    name: str
    kind: Kind
    meaning: str
    example: str
    aliases: tuple[str, ...] = ()
    attribute: str = ""
    required: bool = False
    least: float = -1e12
    most: float = 1e12
    longest: int = 200
    choices: Mapping[str, str] = field(default_factory=dict)
    refers_to: str = ""
    empty: Any = None
    empty_keeps: bool = False

    @property
    def stored_as(self) -> str:
        """The attribute of the table this column is kept in."""
        return self.attribute or self.name

    def allowed(self) -> str:
        """What a cell may hold, in words; empty when the type says it all."""
        if self.choices:
            return ", ".join(dict.fromkeys(self.choices.values()))
        if self.refers_to:
            return f"must exist among {self.refers_to}"
        if self.kind in ("number", "integer", "levels"):
            return f"{self.least:g} to {self.most:g}"
        if self.kind in ("text", "long_text"):
            return f"up to {self.longest} characters"
        return ""


@dataclass(frozen=True)
class TableSpec:
    """A table that can be imported.

    Parameters
    ----------
    name
        As the command line calls it, e.g. `sites`.
    titles
        Other words for it, used to guess a table from a file's name.
    model
        The class of `data_models.tables` that keeps its rows.
    key
        Stored attributes that tell rows apart.
    located
        Its rows have `lat` and `lon`, and an `address` that can be geocoded in their place.
    """

    name: str
    titles: tuple[str, ...]
    model: type[Base]
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]
    located: bool = False

    def column(self, stored_as: str) -> Column:
        """The column kept in the attribute `stored_as`."""
        return next(column for column in self.columns if column.stored_as == stored_as)
