"""Reading CSV and XLSX files as rows of cells, whatever their encoding, with limits against files made to do harm."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data_models.errors import BadInput
from data_models.intake.values import Cell, SheetError
from data_models.intake.zip_guard import check_workbook_zip

MAX_FILE_BYTES = 100_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 256
ENCODINGS = ("utf-8", "gb18030", "gbk", "gb2312", "big5", "utf-16")

_LAST_ROW = 1_048_576
_SHEET_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"})
_PADDED = re.compile("0{2,15}")


@dataclass(frozen=True)
class RawRow:
    """A row as it stands in the file; `number` is the row number that a spreadsheet shows."""

    number: int
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Sheet:
    """A file's rows: the header (first row that is neither blank nor a note beginning with #), then the data."""

    file: str
    encoding: str
    header: RawRow
    rows: Sequence[RawRow]


def read_sheet(path: Path, encoding: str | None = None, sheet_name: str | None = None, *, header_only: bool = False) -> Sheet:
    """The rows of a CSV or XLSX file; which of the two is seen from its content.

    Parameters
    ----------
    encoding
        Of a CSV file, one of `ENCODINGS`; None: found from the file (a byte order mark, else UTF-8 if it is, else GB18030).
    sheet_name
        Of a workbook; None: its first sheet.
    header_only
        Stop after the header; `rows` stays empty.

    Raises
    ------
    BadInput
        When the file cannot be read as a whole: too large, not text, a quote that never closes, a damaged or harmful workbook, no header.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BadInput(f"{path.name}: {size:,} bytes, {MAX_FILE_BYTES:,} are allowed; split the file")
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror or error}); name an existing file") from error
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise BadInput(f"{path.name}: an encrypted workbook or one of the old .xls format; save it as .xlsx without a password")
    if content[:2] == b"PK":
        encoding, rows = "XLSX", _workbook_rows(path.name, content, sheet_name)
    elif path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        raise BadInput(f"{path.name}: not a workbook, its content is something else; save it again as .xlsx, or as .csv if it is text")
    else:
        text, encoding = decode(path.name, content, encoding)
        rows = _csv_rows(path.name, text)
    return _split(path.name, encoding, rows, header_only)


def decode(file: str, content: bytes, encoding: str | None) -> tuple[str, str]:
    """The text of a file and the encoding it was read with. Raises `BadInput`."""
    if encoding is not None:
        name = encoding.lower().replace("_", "-").replace("utf8", "utf-8")
        if name not in ENCODINGS:
            raise BadInput(f"encoding {encoding!r}: not known; allowed are {', '.join(ENCODINGS)}")
        attempts = [name]
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        attempts = ["utf-16"]
    else:
        attempts = ["utf-8", "gb18030"]
    for attempt in attempts:
        try:
            text = content.decode("utf-8-sig" if attempt == "utf-8" else attempt)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
        else:
            return text.removeprefix("\ufeff"), attempt
    raise BadInput(f"{file}: line {line} is not {' or '.join(attempts)}; save the file as UTF-8, or name its encoding")


def _csv_rows(file: str, text: str) -> Iterator[RawRow]:
    """Rows of a CSV text. A quote that never closes is an error of the file, since no row after it can be trusted."""
    csv.field_size_limit(MAX_FILE_BYTES)  # a cell as large as the file is reported as a bad row, not as a broken file
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield RawRow(number, cells)
    except csv.Error as error:
        raise BadInput(f"{file} row {number + 1}: {error}; check the quotes around its cells (a quote inside is written twice)") from error


def _delimiter(text: str) -> str:
    """The one of `,` `;` and tab that splits the header into most cells; headers hold none of these inside quotes by custom."""
    for found in re.finditer(r"[^\r\n]+", text):
        line = found.group()
        if line.strip() and not line.lstrip('" ').startswith("#"):
            return max(",;\t", key=re.sub('"[^"]*"', "", line).count)
    return ","


def _workbook_rows(file: str, content: bytes, sheet_name: str | None) -> Iterator[RawRow]:
    check_workbook_zip(file, content)
    try:
        with warnings.catch_warnings(action="ignore"):  # of charts, print areas and other things that hold no data
            yield from _cells_of_workbook(file, content, sheet_name)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(
            f"{file}: a damaged workbook ({type(error).__name__}: {str(error)[:100]}); open it and save it again as .xlsx"
        ) from error


def _cells_of_workbook(file: str, content: bytes, sheet_name: str | None) -> Iterator[RawRow]:
    import openpyxl
    from openpyxl.cell.read_only import EMPTY_CELL

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        names = [sheet.title for sheet in book.worksheets]
        if not names or (sheet_name is not None and sheet_name not in names):
            raise BadInput(f"{file}: no sheet {sheet_name or ''!r}; it has {', '.join(names) or 'none'}")
        sheet = book[sheet_name] if sheet_name else book.worksheets[0]
        sheet.reset_dimensions()  # what a file declares of its own size is not to be trusted
        before: object = None
        for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), start=1):
            if number > _LAST_ROW:
                raise BadInput(f"{file}: more rows than a sheet has; save the workbook again")
            # Rows that the file leaves out come as one and the same tuple, up to a million times.
            if cells is not before:
                yield RawRow(number, [None if cell is EMPTY_CELL else _cell_value(cell) for cell in cells])
            before = cells
    finally:
        book.close()


def _cell_value(cell: Any) -> Cell:
    value = cell.value
    if isinstance(value, str):
        return SheetError(value) if value in _SHEET_ERRORS else value
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 and value >= 0:
        # An id shown as 00123 is stored as 123 with a format of zeros; what people see is what they mean.
        shown = cell.number_format
        return str(int(value)).zfill(len(shown)) if _PADDED.fullmatch(shown or "") else value
    return value


def _split(file: str, encoding: str, rows: Iterator[RawRow], header_only: bool) -> Sheet:
    header: RawRow | None = None
    data: list[RawRow] = []
    for row in map(_trimmed, rows):
        if not any(_is_filled(cell) for cell in row.cells):
            continue
        if header is not None:
            data.append(row)
        elif not str(row.cells[0] or "").lstrip().startswith("#"):
            header = row
            if header_only:
                break
        if len(data) > MAX_ROWS:
            raise BadInput(f"{file}: more than {MAX_ROWS:,} rows; split the file")
    if header is None:
        raise BadInput(f"{file}: no header found; the first row names the columns (see `twohour import --template`)")
    if len(header.cells) > MAX_COLUMNS:
        raise BadInput(
            f"{file} row {header.number}: {len(header.cells)} columns, {MAX_COLUMNS} are allowed; remove those that are not needed"
        )
    return Sheet(file, encoding, header, data)


def _trimmed(row: RawRow) -> RawRow:
    """A row without the empty cells at its end, of which workbooks have many."""
    width = len(row.cells)
    while width > 16 and row.cells[width // 2 : width].count(None) == width - width // 2:
        width //= 2  # most rows of a workbook are short, and a loop over 256 cells each would take as long as reading them
    while width and row.cells[width - 1] in (None, ""):
        width -= 1
    return row if width == len(row.cells) else RawRow(row.number, row.cells[:width])


def _is_filled(cell: Cell) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def shown(cell: Cell, longest: int = 60) -> str:
    """A cell as it appears in a message: in quotes, one line, control characters escaped, shortened."""
    if cell is None:
        return "empty"
    text = cell if isinstance(cell, str) else cell.isoformat() if isinstance(cell, date) else str(cell)
    escaped = repr(text[: longest + 1])
    return escaped if len(text) <= longest else f"{escaped[:longest]}…' ({len(text):,} characters)"
