"""From the rows of a sheet to drafts: values by attribute of the table, each problem named by row, column and value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from data_models.intake.columns import TableSpec
from data_models.intake.header import Binding
from data_models.intake.readers import RawRow, Sheet, shown
from data_models.intake.values import Cell, CellProblem, Clock, parse_cell


@dataclass(frozen=True)
class Problem:
    """Why a row was set aside; `value` is shortened and escaped, `message` says what is wrong and what to do."""

    file: str
    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}, {self.column} {self.value}: {self.message}"


@dataclass(frozen=True)
class Draft:
    """A row whose cells could all be read; `values` is keyed by the table's attributes, for the columns that the file has."""

    row: RawRow
    values: dict[str, Any]

    def key(self, spec: TableSpec) -> tuple[Any, ...]:
        """What tells this row from others of its table."""
        return tuple(self.values[name] for name in spec.key)


def parse_rows(sheet: Sheet, binding: Binding, clock: Clock) -> tuple[list[Draft], list[Problem]]:
    """The rows that can be read, and the problems of those that cannot."""
    drafts: list[Draft] = []
    problems: list[Problem] = []
    width = len(sheet.header.cells)
    for row in sheet.rows:
        values: dict[str, Any] = {}
        wrong: list[Problem] = []
        if len(row.cells) > width:
            extra = next((cell for cell in row.cells[width:] if cell not in (None, "")), None)
            if extra is not None:
                message = f"the row has {len(row.cells)} cells under {width} headers; put quotes around cells that hold the delimiter"
                wrong.append(Problem(sheet.file, row.number, "after the last column", shown(extra), message))
        for source in binding.sources:
            cell = binding.cell(source, row)
            if binding.problem_at is not None:
                cell = unescaped(cell)
            try:
                values[source.column.stored_as] = parse_cell(source.column, cell, clock)
            except CellProblem as problem:
                wrong.append(Problem(sheet.file, row.number, source.column.name, shown(cell), str(problem)))
        problems += wrong
        if not wrong:
            drafts.append(Draft(row, values))
    return drafts, problems


def without_duplicates(file: str, spec: TableSpec, drafts: Iterable[Draft]) -> tuple[list[Draft], list[Problem]]:
    """The drafts whose key is theirs alone; of exact copies the first, of rows that differ none, since nobody knows which is right."""
    groups: dict[tuple[Any, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        groups[draft.key(spec)].append(draft)
    kept: list[Draft] = []
    problems: list[Problem] = []
    for group in groups.values():
        same = all(draft.values == group[0].values for draft in group)
        if same:
            kept.append(group[0])
        for draft in group[1:] if same else group if len(group) > 1 else ():
            others = ", ".join(str(other.row.number) for other in group[:10] if other is not draft)
            message = (
                f"repeats row {group[0].row.number}; remove it" if same else f"also in row {others}, with other values; keep the right one"
            )
            problems.append(problem_of(file, spec, draft, spec.key[0], message))
    return kept, problems


def problem_of(file: str, spec: TableSpec, draft: Draft, stored_as: str, message: str) -> Problem:
    """A problem of a draft in the column kept as `stored_as`."""
    value = draft.values.get(stored_as)
    text = value if isinstance(value, str) or value is None else str(value)
    return Problem(file, draft.row.number, spec.column(stored_as).name, shown(text), message)


def unescaped(cell: Cell) -> Cell:
    """A cell of a rejects file as it was before `escaped`; others come back as they are."""
    return cell[1:] if isinstance(cell, str) and len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULA_STARTS else cell


def escaped(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe before what would start one, and before an apostrophe."""
    return f"'{text}" if text[:1] in FORMULA_STARTS and text else text


FORMULA_STARTS: Sequence[str] = tuple("=+-@\t\r\n'＝＋－＠")
