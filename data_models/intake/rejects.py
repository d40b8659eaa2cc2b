"""The rejects file: bad rows as they stood, with what to mend, ready to be opened in a spreadsheet and imported again."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_models.errors import BadInput
from data_models.intake.header import PROBLEM_HEADERS, Binding
from data_models.intake.readers import Sheet
from data_models.intake.rows import Problem, escaped, unescaped
from data_models.intake.values import Cell, CellProblem, text_of


def write_rejects(path: Path, sheet: Sheet, binding: Binding, problems: Mapping[int, Sequence[Problem]]) -> None:
    """Writes the rows that have problems, with their original columns and a column `problem`, as UTF-8 that Excel recognises.

    The file appears whole or not at all. Raises `BadInput` when it cannot be written.
    """
    keep = [position for position in range(len(sheet.header.cells)) if position != binding.problem_at]
    again = binding.problem_at is not None
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*(escaped(binding.names[position]) for position in keep), PROBLEM_HEADERS[0]])
            for row in sheet.rows:
                if row.number in problems:
                    cells = [_text(row.cells[position] if position < len(row.cells) else None, again) for position in keep]
                    writer.writerow([*cells, escaped(" | ".join(f"{p.column} {p.value}: {p.message}" for p in problems[row.number]))])
        os.replace(part, path)  # noqa: PTH105 - the one call that replaces atomically on every system
    except OSError as error:
        raise BadInput(f"{path.name}: the rejects file cannot be written ({error.strerror}); name another with --rejects") from error


def _text(cell: Cell, again: bool) -> str:
    if cell is None:
        return ""
    if again:
        cell = unescaped(cell)
    try:
        text = text_of(cell)
    except CellProblem:
        text = repr(cell)
    return escaped(text.encode("utf-8", "replace").decode())
