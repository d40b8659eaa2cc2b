"""Which column of a file is which column of a table, and which table a file is for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_models.errors import BadInput
from data_models.intake.columns import Column, TableSpec
from data_models.intake.readers import RawRow, Sheet, read_sheet, shown
from data_models.intake.specs import TABLES
from data_models.intake.values import Cell

PROBLEM_HEADERS = ("problem", "问题")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Source:
    """Where a column's cells come from: a position in the row, or else a constant text with {header} and {row} filled in."""

    column: Column
    position: int | None
    constant: str = ""


@dataclass(frozen=True)
class Binding:
    """How a file's rows become a table's rows; `problem_at` is set when the file is a rejects file, `skipped` names what is left out."""

    spec: TableSpec
    sources: tuple[Source, ...]
    names: tuple[str, ...]
    problem_at: int | None
    skipped: tuple[str, ...]

    def cell(self, source: Source, row: RawRow) -> Cell:
        """The cell of a row for a column; None where the row is shorter than the header."""
        if source.position is not None:
            return row.cells[source.position] if source.position < len(row.cells) else None
        return _PLACEHOLDER.sub(lambda found: self._filled(found.group(1), row), source.constant)

    def _filled(self, name: str, row: RawRow) -> str:
        if name == "row":
            return str(row.number)
        position = self.names.index(name)
        cell = row.cells[position] if position < len(row.cells) else None
        return "" if cell is None else str(cell)


def bind_header(spec: TableSpec, sheet: Sheet, mapping: Mapping[str, str], constants: Mapping[str, str]) -> Binding:
    """Finds each column of a table in a file's header.

    Parameters
    ----------
    mapping
        File header to column name, for files with headers of their own; other headers that are not known are then left out.
    constants
        Column name to a text for every row, where {row} is the row number and {header} the cell under that header.

    Raises
    ------
    BadInput
        Unknown, doubled or missing columns, each with the remedy.
    """
    names = tuple(str(cell).strip() if cell is not None else "" for cell in sheet.header.cells)
    by_name = {_plain(word): column for column in spec.columns for word in (*column.aliases, column.name)}
    problems = [
        f"{sheet.file}: no column {_quoted(name)} to map; its columns are {', '.join(names)}" for name in mapping if name not in names
    ]
    at: dict[str, int] = {}
    skipped: list[str] = []
    problem_at = None
    for position, name in enumerate(names):
        column = by_name.get(_plain(mapping.get(name, name)))
        if name and _plain(name) in PROBLEM_HEADERS and column is None:
            problem_at = position
        elif column is None:
            if name and (name in mapping or not mapping):
                problems.append(f"{_where(sheet, name)}: not a column of {spec.name}; {_nearest(mapping.get(name, name), spec)}")
            elif name:
                skipped.append(name)
            elif any(position < len(row.cells) and row.cells[position] not in (None, "") for row in sheet.rows):
                problems.append(f"{sheet.file} row {sheet.header.number}: column {position + 1} has no header; name it or empty it")
        elif column.name in at and (name in mapping) == (names[at[column.name]] in mapping):
            problems.append(f"{_where(sheet, name)}: column {column.name} comes twice; keep one of them")
        elif column.name not in at or name in mapping:
            at[column.name] = position
    problems += _constant_problems(spec, names, constants)
    sources = tuple(
        Source(column, None if column.name in constants else at[column.name], constants.get(column.name, ""))
        for column in spec.columns
        if column.name in at or column.name in constants
    )
    problems += _missing(spec, sheet, {source.column.name for source in sources})
    if problems:
        raise BadInput(*problems)
    return Binding(spec, sources, names, problem_at, tuple(skipped))


def guess_table(path: Path, encoding: str | None = None, sheet_name: str | None = None) -> str:
    """The table that a file is for: the only one its header fits, else the one among these that its name tells. Raises `BadInput`."""
    sheet = read_sheet(path, encoding, sheet_name, header_only=True)
    fitting = []
    for spec in TABLES:
        try:
            bind_header(spec, sheet, {}, {})
        except BadInput:
            continue
        fitting.append(spec)
    stem = path.stem.casefold()
    named = [spec for spec in fitting or TABLES if any(word in stem for word in (spec.name, *spec.titles))]
    for found in (fitting, named):
        if len(found) == 1:
            return found[0].name
    choice = ", ".join(spec.name for spec in fitting or TABLES)
    raise BadInput(f"{path.name}: its header does not tell which table it is for; name one with --table: {choice}")


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name.lstrip("'").removeprefix("*")).casefold()


def _quoted(name: str) -> str:
    return shown(name, 40)


def _where(sheet: Sheet, name: str) -> str:
    return f"{sheet.file} row {sheet.header.number}: column {_quoted(name)}"


def _nearest(name: str, spec: TableSpec) -> str:
    words = {word.casefold(): column.name for column in spec.columns for word in (*column.aliases, column.name)}
    near = difflib.get_close_matches(name[:64].strip().casefold(), words, n=1, cutoff=0.6)
    hint = f"did you mean {words[near[0]]}? " if near else ""
    return f"{hint}Its columns are {', '.join(column.name for column in spec.columns)}; rename or remove it, or map it with --map"


def _constant_problems(spec: TableSpec, names: Sequence[str], constants: Mapping[str, str]) -> list[str]:
    known = {column.name for column in spec.columns}
    problems = [
        f"--set {name}: not a column of {spec.name}; its columns are {', '.join(sorted(known))}" for name in constants if name not in known
    ]
    for name, text in constants.items():
        unknown = [word for word in _PLACEHOLDER.findall(text) if word != "row" and word not in names]
        problems += [f"--set {name}: the file has no column {_quoted(word)}; its columns are {', '.join(names)}" for word in unknown]
    return problems


def _missing(spec: TableSpec, sheet: Sheet, present: set[str]) -> list[str]:
    missing = [column for column in spec.columns if column.required and column.name not in present]
    problems = [f"{sheet.file}: column {column.name} ({column.meaning}) is missing; add it, e.g. {column.example}" for column in missing]
    if spec.located and len({"lat", "lon"} & present) != 2 and ("address" not in present or {"lat", "lon"} & present):
        problems.append(f"{sheet.file}: columns lat and lon are missing; add both, or an address to be geocoded")
    return problems
