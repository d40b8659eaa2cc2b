"""Empty files to fill in, with notes on every column; read unchanged they import as no rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from data_models.errors import BadInput
from data_models.intake.columns import KIND_WORDS, Column, TableSpec
from data_models.intake.specs import spec_of

NOTE_HEADERS = ("column", "also called", "required", "type", "allowed", "example", "meaning")


def write_template(table: str, path: Path) -> None:
    """Writes an empty file for a table: CSV, with notes as lines that begin with #, or XLSX, with notes on a sheet of their own.

    Raises
    ------
    BadInput
        No such table, a suffix other than .csv or .xlsx, or a place that cannot be written.
    """
    spec = spec_of(table)
    makers = {".csv": _csv_template, ".xlsx": _xlsx_template}
    make = makers.get(path.suffix.lower())
    if make is None:
        raise BadInput(f"{path.name}: a template ends in .csv or .xlsx; name it so")
    try:
        path.write_bytes(make(spec))
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be written ({error.strerror}); name another place") from error


def note_rows(spec: TableSpec) -> list[Sequence[str]]:
    """What is to be known of each column, in the order of `NOTE_HEADERS`."""
    return [
        (
            column.name,
            ", ".join(column.aliases),
            _need(spec, column),
            KIND_WORDS[column.kind],
            column.allowed(),
            column.example,
            column.meaning,
        )
        for column in spec.columns
    ]


def _need(spec: TableSpec, column: Column) -> str:
    if column.required:
        return "yes"
    return "or address" if spec.located and column.name in ("lat", "lon") else "no"


def _csv_template(spec: TableSpec) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([f"# {spec.name}: {spec.meaning} Lines above the header that begin with # are notes; leave or delete them."])
    for name, aliases, need, kind, allowed, example, meaning in note_rows(spec):
        limits = f", {allowed}" if allowed else ""
        called = f" (also: {aliases})" if aliases else ""
        writer.writerow([f"# {name}{called}: {meaning}. {kind}{limits}. Required: {need}. Example: {example}"])
    writer.writerow([column.name for column in spec.columns])
    return text.getvalue().encode("utf-8-sig")


def _xlsx_template(spec: TableSpec) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold, as_text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    sheet, notes = book.add_worksheet(spec.name), book.add_worksheet("notes")
    for position, column in enumerate(spec.columns):
        # Ids and telephone numbers as text, or a spreadsheet drops their leading zeros.
        sheet.set_column(position, position, 18, as_text if column.kind in ("id", "text", "list", "levels") else None)
        sheet.write_string(0, position, column.name, bold)
        sheet.write_comment(0, position, f"{column.meaning}\n{KIND_WORDS[column.kind]} {column.allowed()}\ne.g. {column.example}")
    sheet.freeze_panes(1, 0)
    for row, cells in enumerate([NOTE_HEADERS, *note_rows(spec)]):
        for position, text in enumerate(cells):
            notes.write_string(row, position, text, bold if row == 0 else None)
    notes.set_column(0, len(NOTE_HEADERS) - 1, 24)
    book.close()
    return buffer.getvalue()
