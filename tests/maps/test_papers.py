"""Dispatch sheet, calendars and itineraries, read back by programs that did not write them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pytest
from icalendar import Calendar
from openpyxl import load_workbook

from data_models.case import Case
from data_models.plan import Plan
from maps.calendars import calendars
from maps.dispatch_sheet import CELL_LIMIT, dispatch_sheet, safe_text
from maps.itineraries import itineraries
from maps.visits import TicketLabel

Open = Callable[..., Any]

FORMULA = '=HYPERLINK("http://example.com","x")'


def rows(workbook: bytes, sheet: str) -> list[dict[str, Any]]:
    heading, *body = load_workbook(BytesIO(workbook))[sheet].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in body]


def test_the_sheet_lists_visits_in_order_with_real_times(small_case: Case, small_plan: Plan) -> None:
    visits = rows(dispatch_sheet(small_case, small_plan), "Visits")
    assert [(row["Technician"], row["Stop"], row["Ticket"]) for row in visits] == [
        ("T1", 1, "W1"),
        ("T1", 2, "W2"),
        ("T2", 1, "W2"),
        ("T2", 2, "W3"),
    ]
    assert visits[0]["Start (UTC+08:00)"] == datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001  cells know no zone
    assert visits[1]["Late"] == timedelta(minutes=30)
    assert visits[1]["With"] == "王工 (T2)"


def test_the_sheet_tells_chances_and_marks_the_doubtful_ones(small_case: Case, small_plan: Plan) -> None:
    by = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
    labels = {"W1": TicketLabel(chance=0.62, arrive_by=by, doubtful=True), "W2": TicketLabel(chance=0.0), "W3": TicketLabel(chance=1.0)}
    workbook = dispatch_sheet(small_case, small_plan, labels=labels)
    visits = rows(workbook, "Visits")
    assert [row["Chance"] for row in visits] == [0.62, 0, 0, 1]
    assert visits[0]["9 days of 10 by (UTC+08:00)"] == datetime(2026, 3, 2, 18, 20)  # noqa: DTZ001  cells know no zone
    sheet = load_workbook(BytesIO(workbook))["Visits"]
    column = [cell.value for cell in sheet[1]].index("Chance") + 1
    marked, plain = sheet.cell(2, column), sheet.cell(5, column)
    assert marked.fill.fgColor.rgb != plain.fill.fgColor.rgb
    figures = {row["What"]: row["Expected in time"] for row in rows(workbook, "Figures")}
    assert figures["Emergency"] == pytest.approx(0.62)
    assert figures["All tickets"] == pytest.approx(1.62)
    assert {row["Expected in time"] for row in rows(dispatch_sheet(small_case, small_plan), "Figures")} == {None}


def test_an_itinerary_says_which_visits_are_tight(small_case: Case, small_plan: Plan) -> None:
    labels = {"W1": TicketLabel(chance=0.62, doubtful=True), "W2": TicketLabel(chance=0.2), "W3": TicketLabel(chance=0.97)}
    page = itineraries(small_case, small_plan, labels=labels)
    assert page.count("tight: 62 % sure to be in time") == 1
    assert page.count("with a chance of 97 %") == 1
    assert "20 %" not in page  # W2 is planned late, and says so


def test_a_colleague_without_a_name_is_told_by_the_id_alone(small_case: Case, small_plan: Plan) -> None:
    case = replace(small_case, technicians=tuple(replace(technician, name="") for technician in small_case.technicians))
    assert [row["With"] for row in rows(dispatch_sheet(case, small_plan), "Visits")] == [None, "T2", "T1", None]


def test_times_are_written_in_the_zone_asked_for(small_case: Case, small_plan: Plan) -> None:
    visits = rows(dispatch_sheet(small_case, small_plan, zone=timezone(timedelta(hours=-3, minutes=-30))), "Visits")
    assert visits[0]["Start (UTC-03:30)"] == datetime(2026, 3, 1, 21, 0)  # noqa: DTZ001


def test_unplanned_tickets_come_with_reasons_and_figures_add_up(small_case: Case, small_plan: Plan) -> None:
    labels = {"W4": TicketLabel(customer="华南电池", blame="distance", remedies=("a station at 连云港",))}
    workbook = dispatch_sheet(small_case, small_plan, labels=labels)
    [row] = rows(workbook, "Unplanned")
    assert (row["Ticket"], row["Customer"], row["Reasons"], row["To blame"], row["What would help"]) == (
        "W4", "华南电池", "too far for any shift", "distance", "a station at 连云港",
    )  # fmt: skip
    total = next(row for row in rows(workbook, "Figures") if row["What"] == "All tickets")
    assert (total["Total"], total["In time"], total["Late"], total["Unplanned"]) == (4, 2, 1, 1)
    assert next(row for row in rows(workbook, "Figures") if row["What"] == "Cost")["Total"] == 1234.5


def test_sheets_have_headings_that_stay_and_a_filter(small_case: Case, small_plan: Plan) -> None:
    book = load_workbook(BytesIO(dispatch_sheet(small_case, small_plan)))
    assert book.sheetnames == ["Visits", "Unplanned", "Figures"]
    assert book["Visits"].freeze_panes == "E2"
    assert book["Visits"].auto_filter.ref == "A1:AB5"


@pytest.mark.parametrize(
    "text", [FORMULA, "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", "http://example.com", "{=1}", "\x00\x0bx", "x" * 40_000]
)
def test_no_cell_becomes_a_formula_or_a_link_whatever_the_text(small_case: Case, small_plan: Plan, text: str) -> None:
    case = replace(
        small_case,
        name=text,
        technicians=tuple(replace(technician, name=text, skills={text: 1}) for technician in small_case.technicians),
        tickets=tuple(replace(ticket, kits=(text,), skills={text: 1}) for ticket in small_case.tickets),
    )
    plan = replace(small_plan, unassigned=(replace(small_plan.unassigned[0], reasons=(text,)),))
    labels = {
        t.id: TicketLabel(text, text, text, text, text, text, text, text, {text: t.due}, (text,), text, (text,)) for t in case.tickets
    }
    workbook = dispatch_sheet(case, plan, labels=labels)
    for sheet in load_workbook(BytesIO(workbook)):
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type != "f"
            assert cell.hyperlink is None
            assert not re.match(r"\s*[=+\-@＝＋－＠]", str(cell.value or "")) or not isinstance(cell.value, str)
    with zipfile.ZipFile(BytesIO(workbook)) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)


def test_an_apostrophe_keeps_text_from_being_a_formula_and_long_text_is_cut_to_a_cell() -> None:
    assert safe_text("=1+1") == "'=1+1"
    assert safe_text("a=1") == "a=1"
    assert safe_text("") == ""
    assert len(safe_text("=" + "x" * 50_000)) == CELL_LIMIT


def events(text: bytes) -> list[Any]:
    return list(Calendar.from_ical(text).walk("VEVENT"))


def test_each_technician_gets_a_calendar_with_every_visit_in_utc(small_case: Case, small_plan: Plan) -> None:
    files = calendars(small_case, small_plan, version=3)
    assert list(files) == ["T1", "T2"]
    first, second = events(files["T1"])
    assert first["dtstart"].dt == datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert first["dtend"].dt == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert b"DTSTART:20260302T003000Z" in files["T1"]
    assert first["sequence"] == 3
    assert "Together with: 王工 (T2)" in second["description"]


def test_an_event_keeps_its_uid_when_its_time_changes_and_no_two_share_one(small_case: Case, small_plan: Plan) -> None:
    uids = [event["uid"] for text in calendars(small_case, small_plan).values() for event in events(text)]
    assert len(set(uids)) == 4
    moved = replace(small_plan, routes=tuple(replace(route, stops=route.stops[::-1]) for route in small_plan.routes))
    assert {event["uid"] for text in calendars(small_case, moved).values() for event in events(text)} == set(uids)


def test_text_cannot_add_lines_of_its_own_to_a_calendar(small_case: Case, small_plan: Plan) -> None:
    nasty = "x\r\nEND:VEVENT\nBEGIN:VALARM\r\x85\u2028ATTACH:http://example.com\x0b;,\\ 一二三四五六七八九十" * 5
    labels = {ticket.id: TicketLabel(nasty, nasty, nasty, nasty, nasty, nasty, nasty, nasty) for ticket in small_case.tickets}
    people = tuple(replace(technician, name=nasty) for technician in small_case.technicians)
    text = calendars(replace(small_case, technicians=people), small_plan, labels=labels)["T1"]
    assert len(events(text)) == 2
    lines = text.split(b"\r\n")
    assert not [line for line in lines if line.startswith((b"BEGIN:VALARM", b"ATTACH"))]
    assert all(len(line) <= 75 for line in lines)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
    assert b"\n" not in text.replace(b"\r\n", b"")


def test_itineraries_print_one_technician_a_page(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    labels = {"W1": TicketLabel("罐体泄漏", "江南化工", "二号罐区", "江苏省无锡市", "陈工", "+86 510 0000", note="三号门")}
    opened = open_map(itineraries(small_case, small_plan, labels=labels))
    text = opened.page.locator(".sheet").first.inner_text()
    parts = (
        "李工|T1 · 无锡 · small day|Leave 无锡|Mon 02 Mar, 08:00|Take along: leak|12:15 to 12:45|08:30|江南化工|陈工 +86 510 0000|"
        "30 min, 56 km|三号门|late by 30 min|王工 (T2)|there 13:45"
    )
    for part in parts.split("|"):
        assert part in text, part
    assert opened.page.locator("a[href='geo:31.50000,120.00000']").count() == 1
    opened.page.emulate_media(media="print")
    assert [opened.page.evaluate("i => getComputedStyle(document.querySelectorAll('.sheet')[i]).breakBefore", i) for i in (0, 1)] == [
        "auto",
        "page",
    ]
    assert len(re.findall(rb"/Type /Page\b", opened.page.pdf(format="A4"))) == 2
    assert opened.complaints == []
    assert len(opened.requests) == 1


def test_itineraries_can_be_limited_to_some_and_be_empty(small_case: Case, small_plan: Plan) -> None:
    assert "李工" in itineraries(small_case, small_plan, technicians=["T1"])
    assert 'class="sheet"><header><h1>王工' not in itineraries(small_case, small_plan, technicians=["T1"]).replace("\n  ", "")
    assert "Nobody has a visit" in itineraries(small_case, small_plan, technicians=[])


def test_itineraries_show_hostile_text_as_text(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    nasty = "</dd><script>window.hacked=1</script><img src=x onerror=window.hacked=1>{{7*7}}"
    labels = {ticket.id: TicketLabel(nasty, nasty, nasty, nasty, nasty, nasty, nasty, nasty) for ticket in small_case.tickets}
    opened = open_map(itineraries(small_case, small_plan, labels=labels, title=nasty))
    assert opened.page.evaluate("window.hacked") is None
    assert opened.page.evaluate("document.querySelectorAll('img, script').length") == 0
    assert nasty in opened.page.inner_text("h3 >> nth=0")
