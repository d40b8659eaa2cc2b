"""Looking into a workbook's zip before anything else opens it, so that a small file cannot fill the memory."""

from __future__ import annotations

import io
import zipfile
import zlib

from data_models.errors import BadInput

MAX_ENTRIES = 2_000
MAX_INFLATED_BYTES = 400_000_000
MAX_SUPPORT_BYTES = 60_000_000
"""Limit for everything but the sheets: openpyxl holds shared strings and styles in memory, sheets it reads row by row."""
MAX_RATIO = 200
RATIO_FROM_BYTES = 20_000_000
_CHUNK = 1 << 20


def check_workbook_zip(file: str, content: bytes) -> None:
    """Raises `BadInput` unless the bytes are a zip of a workbook whose parts, really inflated, stay within the limits.

    Declared sizes are looked at first and then not believed: every part is inflated once, chunk by chunk, and thrown away.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check(file, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, IndexError, RuntimeError) as error:
        raise BadInput(f"{file}: a damaged workbook ({error}); open it in a spreadsheet program and save it again as .xlsx") from error


def _check(file: str, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if len(entries) > MAX_ENTRIES:
        raise BadInput(f"{file}: {len(entries):,} parts inside, a workbook has at most {MAX_ENTRIES:,}; it is not opened")
    if len(names) < len(entries):
        raise BadInput(f"{file}: two parts of the same name inside; it is not opened")
    if any(entry.flag_bits & 1 for entry in entries):
        raise BadInput(f"{file}: encrypted; save it without a password")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise BadInput(f"{file}: holds macros; save it as .xlsx without macros")
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise BadInput(f"{file}: a zip archive that is not a workbook; save it as .xlsx")
    _check_sizes(file, {entry.filename: entry.file_size for entry in entries})
    sizes: dict[str, int] = {}
    for entry in entries:
        sizes[entry.filename] = 0
        with archive.open(entry) as part:
            while chunk := part.read(_CHUNK):
                sizes[entry.filename] += len(chunk)
                _check_sizes(file, sizes)
        if sizes[entry.filename] > max(RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size):
            raise BadInput(f"{file}: part {entry.filename!r} grows {MAX_RATIO} times and more when opened; it is not opened")


def _check_sizes(file: str, sizes: dict[str, int]) -> None:
    total = sum(sizes.values())
    support = sum(size for name, size in sizes.items() if not name.startswith("xl/worksheets/"))
    for size, limit, what in ((total, MAX_INFLATED_BYTES, "in all"), (support, MAX_SUPPORT_BYTES, "beside its sheets")):
        if size > limit:
            raise BadInput(f"{file}: opens to {size:,} bytes {what}, {limit:,} are allowed; it is not opened, split the file")
