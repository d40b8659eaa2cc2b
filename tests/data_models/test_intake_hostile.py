"""Files of arbitrary bytes never raise anything but `BadInput`, and text that goes in comes back as it was."""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from data_models.errors import BadInput
from data_models.geocoding import offline_geocoder
from data_models.intake.header import guess_table
from data_models.intake.load import import_file
from data_models.intake.rows import escaped, unescaped
from data_models.intake.specs import TABLES
from data_models.store import Store
from data_models.tables import Base, Customer

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TABLE_NAMES = [spec.name for spec in TABLES]
HEADERS = {spec.name: ",".join(column.name for column in spec.columns) for spec in TABLES}
GEOCODER = offline_geocoder()
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def a_store() -> Store:
    store = Store(create_engine("sqlite://"))
    Base.metadata.create_all(store.engine)
    return store


def check_outcome(path: Path, table: str) -> None:
    """Imports into a fresh store; anything but a report whose counts agree or `BadInput` is a failure."""
    with a_store() as store:
        try:
            report = import_file(store, table, path, now=NOW, geocoder=GEOCODER, rejects_path=path.with_name("rejects.csv"))
        except BadInput:
            return
    assert report.rows == report.inserted + report.updated + report.unchanged + report.rejected
    assert all(len(str(problem)) < 4000 for problem in report.problems)


@MANY
@given(content=st.binary(max_size=400), table=st.sampled_from(TABLE_NAMES), name=st.sampled_from(["a.csv", "a.xlsx", "a"]))
def test_arbitrary_bytes(tmp_path: Path, content: bytes, table: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    check_outcome(path, table)


@MANY
@given(table=st.sampled_from(TABLE_NAMES), rows=st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=5))
def test_arbitrary_cells_under_a_good_header(tmp_path: Path, table: str, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADERS[table]}\r\n{text.getvalue()}".encode("utf-8", "surrogatepass"))
    check_outcome(path, table)


@MANY
@given(
    table=st.sampled_from(TABLE_NAMES),
    words=st.lists(
        st.lists(
            st.sampled_from(
                ["1e308", "-1", "NaN", "2026-03-02", "A", "T-1", "=1+1", "<script>", "0", "99999999", "a:2;b:9", "00:00", "\ufeff", "'"]
            )
        ),
        max_size=4,
    ),
)
def test_plausible_cells_under_a_good_header(tmp_path: Path, table: str, words: list[list[str]]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADERS[table], *(",".join(row) for row in words)]), encoding="utf-8")
    check_outcome(path, table)


def a_workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["id", "name", "tier", "customer_since", "yearly_tonnes"])
    book.active.append(["C-1", "太湖", "A", NOW.replace(tzinfo=None), 12.5])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WORKBOOK = a_workbook()
with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as _archive:
    PARTS = {name: _archive.read(name) for name in _archive.namelist()}


@MANY
@given(cuts=st.lists(st.tuples(st.integers(0, len(WORKBOOK) - 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_a_workbook_with_bytes_overwritten(tmp_path: Path, cuts: list[tuple[int, bytes]]) -> None:
    content = bytearray(WORKBOOK)
    for at, new in cuts:
        content[at : at + len(new)] = new
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    check_outcome(path, "customers")


@MANY
@given(data=st.data(), name=st.sampled_from(sorted(PARTS)))
def test_a_workbook_whose_xml_is_damaged(tmp_path: Path, data: st.DataObject, name: str) -> None:
    part = PARTS[name]
    at = data.draw(st.integers(0, len(part)))
    length = data.draw(st.integers(0, 40))
    new = data.draw(
        st.sampled_from([b"", b"<", b'"', b"9999999999", b"-1", b"</row>", b"A1048577", b"ZZZZ1", b"&#0;", b'<c r="B2"/>', b"1e999"])
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for other, content in PARTS.items():
            archive.writestr(other, part[:at] + new + part[at + length :] if other == name else content)
    path = tmp_path / "a.xlsx"
    path.write_bytes(buffer.getvalue())
    check_outcome(path, "customers")
    with contextlib.suppress(BadInput):
        guess_table(path)


plain = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=50).filter(str.strip)
HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "'; DROP TABLE customer; --",
        "=HYPERLINK(1)",
        "{{7*7}}",
        "%s%n",
        "\u202eevil",
        "[bold]x[/]",
        "NULL",
        "_x0041_",
        "'",
    ]
)


@MANY
@given(names=st.lists(st.one_of(plain, HOSTILE), min_size=1, max_size=5))
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_text_that_goes_in_comes_back_identical(tmp_path: Path, suffix: str, names: list[str]) -> None:
    path = tmp_path / f"a.{suffix}"
    rows = [["id", "name", "tier"], *([f"C-{number}", name, "A"] for number, name in enumerate(names))]
    if suffix == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    else:
        book = xlsxwriter.Workbook(path)
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                sheet.write_string(row, column, text)
        book.close()
    with a_store() as store:
        report = import_file(store, "customers", path, now=NOW)
        assert report.rejected == 0, [str(problem) for problem in report.problems]
        with store.reading() as session:
            assert [session.get_one(Customer, f"C-{number}").name for number in range(len(names))] == names


@given(st.text())
def test_an_escaped_cell_starts_no_formula_and_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert escaped(text)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
