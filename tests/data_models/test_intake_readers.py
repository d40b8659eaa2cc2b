"""Reading files: encodings, delimiters, workbooks, and files made to do harm."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from data_models.errors import BadInput
from data_models.intake.header import bind_header, guess_table
from data_models.intake.readers import MAX_COLUMNS, Sheet, read_sheet
from data_models.intake.rows import parse_rows
from data_models.intake.specs import TABLES, spec_of
from data_models.intake.templates import write_template
from data_models.intake.values import Clock
from data_models.intake.zip_guard import check_workbook_zip

SHANGHAI = ZoneInfo("Asia/Shanghai")
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save(content: bytes | str, name: str = "in.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return save


def workbook(*rows: list[object], formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, shown in (formats or {}).items():
        book.active[cell].number_format = shown
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rezipped(content: bytes, **parts: bytes) -> bytes:
    """A workbook with parts replaced or added; names have __ for / and lack their suffix .xml."""
    named = {name.replace("__", "/") + ("" if name.endswith("bin") else ".xml"): data for name, data in parts.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename not in named:
                new.writestr(entry.filename, old.read(entry))
        for name, data in named.items():
            new.writestr(name, data)
    return buffer.getvalue()


def values(sheet: Sheet, table: str) -> list[dict[str, object]]:
    drafts, problems = parse_rows(sheet, bind_header(spec_of(table), sheet, {}, {}), Clock(SHANGHAI))
    assert not problems, [str(problem) for problem in problems]
    return [draft.values for draft in drafts]


@pytest.mark.parametrize(("written", "found"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("utf-16", "utf-16")])
def test_the_encoding_is_found_and_named(save: Save, written: str, found: str) -> None:
    sheet = read_sheet(save("客户编号,客户名称,等级\nC-1,太湖制药,A\n", encoding=written))
    assert sheet.encoding == found
    assert values(sheet, "customers") == [{"id": "C-1", "name": "太湖制药", "tier": "A"}]


def test_a_named_encoding_is_used_and_a_wrong_one_is_an_error_with_its_line(save: Save) -> None:
    path = save("id,name,tier\nC-1,太湖,A\n", encoding="gbk")
    assert values(read_sheet(path, "GBK"), "customers")[0]["name"] == "太湖"
    with pytest.raises(BadInput, match=r"in.csv: line 2 is not utf-8"):
        read_sheet(path, "utf-8")
    with pytest.raises(BadInput, match="'rot13': not known; allowed are utf-8"):
        read_sheet(path, "rot13")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found(save: Save, delimiter: str, line_end: str) -> None:
    cells = ["id", "name", "tier"], ["C-1", f'"a{delimiter}b, c; d"', "A"]
    sheet = read_sheet(save(line_end.join(delimiter.join(row) for row in cells)))
    assert values(sheet, "customers")[0]["name"] == f"a{delimiter}b, c; d" if delimiter != "\t" else True


def test_a_row_number_is_the_one_a_spreadsheet_shows(save: Save) -> None:
    header = "id,site,severity,type,opened_at,description"
    text = f'# note\n\n{header}\nE-1,S,general,leak,2026-03-02,"two\nlines"\n,,,,,\nE-2,S,general,x,2026-03-02,\n'
    sheet = read_sheet(save(text))
    assert (sheet.header.number, [row.number for row in sheet.rows]) == (3, [4, 6])
    assert values(sheet, "tickets")[0]["description"] == "two\nlines"


def test_an_id_that_begins_like_a_note_is_a_row(save: Save) -> None:
    assert values(read_sheet(save("# note\nid,name,tier\n#1,Lake,A\n")), "customers")[0]["id"] == "#1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no header found"),
        (b"# only notes\n", "no header found"),
        (b'id,name,tier\nC-1,"open,A\n', "check the quotes"),
        (b'id,name,tier\nC-1,"a"b,A\n', "row 2: .*check the quotes"),
        (b"\x80\xff\x00\xff", "is not utf-8 or gb18030"),
        (b"\xd0\xcf\x11\xe0rest", "without a password"),
        (b"PK\x03\x04broken", "damaged workbook"),
        (b"," * MAX_COLUMNS + b"a\n", "columns, 256 are allowed"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_why(save: Save, content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_sheet(save(content))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.csv", tmp_path):
        with pytest.raises(BadInput, match=f"{path.name}: cannot be read"):
            read_sheet(path)


def test_text_named_as_a_workbook_is_refused(save: Save) -> None:
    with pytest.raises(BadInput, match="not a workbook"):
        read_sheet(save("id,name\n", "in.xlsx"))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id,name,teir", "column 'teir': not a column of customers; did you mean tier?"),
        ("id,name,colour,tier", "column 'colour': not a column of customers; Its columns are"),
        ("id,name", "column tier .* is missing; add it"),
        ("id,name,tier,等级", "column tier comes twice"),
    ],
)
def test_a_header_that_does_not_fit_says_what_to_do(save: Save, header: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        bind_header(spec_of("customers"), read_sheet(save(header + "\n")), {}, {})


def test_headers_match_whatever_their_case_spaces_and_underscores(save: Save) -> None:
    assert values(read_sheet(save("ID, Customer_Name ,TIER,Yearly Tonnes\nC-1,Lake,a,5\n")), "customers")[0]["yearly_tonnes"] == 5


def test_cells_under_no_header_are_not_lost_in_silence(save: Save) -> None:
    with pytest.raises(BadInput, match="column 3 has no header"):
        bind_header(spec_of("customers"), read_sheet(save("id,name,,tier\nC-1,Lake,lost,A\n")), {}, {})


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_the_table_of_a_template_is_guessed(tmp_path: Path, spec: object) -> None:
    path = tmp_path / "in.csv"
    write_template(spec.name, path)
    assert guess_table(path) == spec.name


def test_a_header_that_fits_several_tables_is_decided_by_the_files_name(save: Save) -> None:
    header = "id,name,lat,lon\n"
    assert guess_table(save(header, "stations-2026.csv")) == "stations"
    assert guess_table(save("技术员编号,技能,等级\n", "技能.csv")) == "skills"
    with pytest.raises(BadInput, match="name one with --table"):
        guess_table(save("a,b\n", "x.csv"))


def test_cells_of_a_workbook_keep_what_was_meant(save: Save) -> None:
    content = workbook(
        ["id", "name", "tier", "customer_since", "yearly_tonnes"],
        [123, 456.0, "A", datetime(2019, 5, 1), 1200],  # noqa: DTZ001
        [123, True, "b", 43586, "1e3"],
        ["C-3", 1.5, "C", "2019年5月1日", None],
        formats={"A3": "00000"},
    )
    rows = values(read_sheet(save(content, "in.xlsx")), "customers")
    assert [row["id"] for row in rows] == ["123", "00123", "C-3"]
    assert [row["name"] for row in rows] == ["456", "TRUE", "1.5"]
    assert {str(row["customer_since"]) for row in rows} == {"2019-05-01"}
    assert [row["yearly_tonnes"] for row in rows] == [1200.0, 1000.0, None]


def test_times_of_a_workbook_are_read_to_the_second(save: Save) -> None:
    content = workbook(
        ["technician", "starts_at", "ends_at"],
        ["T-1", datetime(2026, 3, 2, 8, 0, 0, 3), 46083 + 17 / 24],  # noqa: DTZ001
    )
    row = values(read_sheet(save(content, "in.xlsx")), "shifts")[0]
    assert (row["starts_at"], row["ends_at"]) == (datetime(2026, 3, 2, 0, 0, tzinfo=UTC), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


def test_error_values_and_too_long_numbers_of_a_workbook_are_bad_rows(save: Save) -> None:
    sheet = read_sheet(save(workbook(["id", "name", "tier"], ["C-1", "#REF!", "A"], [12345678901234567890, "x", "A"]), "in.xlsx"))
    _, problems = parse_rows(sheet, bind_header(spec_of("customers"), sheet, {}, {}), Clock(SHANGHAI))
    assert [(problem.row, problem.column) for problem in problems] == [(2, "name"), (3, "id")]


def test_a_sheet_is_chosen_by_name(save: Save) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("second").append(["id", "name", "tier"])
    buffer = io.BytesIO()
    book.save(buffer)
    path = save(buffer.getvalue(), "in.xlsx")
    assert read_sheet(path, sheet_name="second").header.cells == ["id", "name", "tier"]
    with pytest.raises(BadInput, match="no sheet 'third'; it has Sheet, second"):
        read_sheet(path, sheet_name="third")


SMALL = workbook(["id", "name", "tier"], ["C-1", "Lake", "A"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rezipped(SMALL, xl__vbaProject_bin=b"x").replace(b"vbaProject_bin", b"vbaProject.bin"), "holds macros"),
        (rezipped(SMALL, xl__worksheets__big=b"0" * 30_000_000), "grows 200 times"),
        (rezipped(SMALL, xl__sharedStrings=b"0" * 60_000_001), "beside its sheets"),
        (SMALL[:-30], "damaged workbook"),
        (SMALL[:200] + b"\0" * 50 + SMALL[250:], "damaged workbook|zip archive"),
    ],
    ids=["macros", "ratio", "strings", "cut", "overwritten"],
)
def test_a_harmful_workbook_is_not_opened(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_workbook_zip("in.xlsx", content)


def test_a_zip_bomb_that_lies_about_its_size_is_not_opened() -> None:
    content = bytearray(rezipped(SMALL, xl__worksheets__big=b"0" * 30_000_000))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0:
            content[at + offset : at + offset + 4] = struct.pack("<I", 1000)
    with pytest.raises(BadInput, match=r"damaged workbook|grows"):
        check_workbook_zip("in.xlsx", bytes(content))


def test_a_zip_of_very_many_parts_or_without_a_workbook_is_not_opened() -> None:
    with pytest.raises(BadInput, match="parts inside"):
        check_workbook_zip("in.xlsx", rezipped(SMALL, **{f"xl__p{number}": b"" for number in range(2001)}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(BadInput, match="not a workbook"):
        check_workbook_zip("in.xlsx", buffer.getvalue())


def test_entities_of_a_workbook_are_not_expanded(save: Save) -> None:
    sheet = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row></sheetData></worksheet>'
    )
    with pytest.raises(BadInput, match="damaged workbook"):
        read_sheet(save(rezipped(SMALL, xl__worksheets__sheet1=sheet), "in.xlsx"))


def test_a_sheet_that_claims_to_be_endless_is_refused(save: Save) -> None:
    rows = b'<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row><row r="99999999"><c r="A99999999"><v>1</v></c></row>'
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>' + rows + b"</sheetData></worksheet>"
    with pytest.raises(BadInput, match="more rows than a sheet has"):
        read_sheet(save(rezipped(SMALL, xl__worksheets__sheet1=sheet), "in.xlsx"))


@pytest.mark.parametrize(
    ("zone", "text", "kept"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", False),
        ("Europe/Berlin", "2026-10-25 02:30", False),
        ("Europe/Berlin", "2026-10-25 03:00", True),
        ("Europe/Berlin", "2026-10-25 02:30+01:00", True),
        ("Asia/Shanghai", "2026/3/2T8:00:00Z", True),
    ],
)
def test_a_time_that_the_clock_change_makes_unclear_is_not_guessed(save: Save, zone: str, text: str, kept: bool) -> None:
    sheet = read_sheet(save(f"technician,lat,lon,free_at\nT-1,1,1,{text}\n"))
    drafts, problems = parse_rows(sheet, bind_header(spec_of("positions"), sheet, {}, {}), Clock(ZoneInfo(zone)))
    assert len(drafts) == kept
    assert kept or "write the offset" in problems[0].message
