"""The dispatch sheet: a plan as an XLSX workbook in which no text of a ticket can become a formula."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from io import BytesIO
from typing import Any

import xlsxwriter

from data_models.case import Case
from data_models.plan import Plan
from maps.days import PlanPapers, others_of_crew, plan_papers
from maps.visits import TicketLabel, Visit, expected_in_time, severity_figures

CELL_LIMIT = 32_767
"""Characters that a cell may hold; Excel calls a file with more damaged."""

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
"""What a spreadsheet may take for a formula when the sheet is saved as CSV and opened again; the full-width ones in East Asian locales."""


@dataclass(frozen=True)
class Marked:
    """A share that stands out."""

    share: float


Cell = str | int | float | datetime | timedelta | Marked | None


@dataclass(frozen=True)
class Column:
    """A heading, the width in characters, and how its cells look: `text`, `time`, `number` or `span`."""

    heading: str
    width: float
    look: str = "text"


VISIT_COLUMNS = (
    Column("Technician", 16), Column("Name", 16), Column("Stop", 6, "number"), Column("Ticket", 16), Column("Severity", 11),
    Column("Tier", 6), Column("Customer", 26), Column("Site", 22), Column("Address", 30), Column("Contact", 14), Column("Phone", 18),
    Column("Report", 30), Column("Product", 18), Column("Arrive", 17, "time"), Column("Start", 17, "time"), Column("Finish", 17, "time"),
    Column("Due", 17, "time"), Column("Late", 9, "span"), Column("Chance", 9, "share"), Column("9 days of 10 by", 17, "time"),
    Column("Drive", 9, "span"), Column("Drive km", 9, "number"),
    Column("Kits", 18), Column("Skills", 22), Column("With", 18), Column("Note", 30), Column("Latitude", 10, "degrees"),
    Column("Longitude", 10, "degrees"),
)  # fmt: skip

UNPLANNED_COLUMNS = (
    Column("Ticket", 16), Column("Severity", 11), Column("Tier", 6), Column("Customer", 26), Column("Site", 22), Column("Report", 30),
    Column("Reported", 17, "time"), Column("Due", 17, "time"), Column("Kits", 18), Column("Skills", 22), Column("Reasons", 60),
    Column("To blame", 14), Column("What would help", 50),
)  # fmt: skip

FIGURE_COLUMNS = (Column("What", 26), Column("Total", 10, "number"), Column("In time", 10, "number"), Column("Late", 10, "number"),
                  Column("Unplanned", 11, "number"), Column("In time, share", 14, "share"),
                  Column("Expected in time", 11, "decimal"))  # fmt: skip


def dispatch_sheet(
    case: Case, plan: Plan, *, labels: Mapping[str, TicketLabel] | None = None, zone: tzinfo | None = None, cost: float | None = None
) -> bytes:
    """The workbook with the sheets Visits (in order, per technician), Unplanned (with reasons) and Figures.

    Times are real date cells in `zone` (absent: that of the case's `now`), whose offset the headings name. Text is always written as
    text; one that a spreadsheet could take for a formula gets an apostrophe in front, so that it stays text in a CSV file too.

    Returns
    -------
    bytes
        An XLSX file; the same plan gives the same cells.

    Raises
    ------
    BadInput
        The plan names a technician or ticket that the case does not have.
    """
    papers = plan_papers(case, plan, labels, zone)
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": safe_text(f"Dispatch sheet {case.name}"), "created": case.now.replace(tzinfo=None)})
        looks = _looks(book)
        _table(book, looks, "Visits", VISIT_COLUMNS, _visit_rows(papers), _offset_words(case, papers))
        _table(book, looks, "Unplanned", UNPLANNED_COLUMNS, _unplanned_rows(case, papers), _offset_words(case, papers))
        _table(book, looks, "Figures", FIGURE_COLUMNS, _figure_rows(papers, plan.solver.cost if cost is None and plan.solver else cost), "")
    return file.getvalue()


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula, short enough for a cell."""
    if text.lstrip(" \u00a0\u3000")[:1] in tuple(FORMULA_STARTS):
        text = f"'{text}"
    return text if len(text) <= CELL_LIMIT else f"{text[: CELL_LIMIT - 1]}…"


def _looks(book: Any) -> dict[str, Any]:
    base = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}
    return {
        "head": book.add_format(
            base | {"bold": True, "bg_color": "#1D5C96", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"}
        ),
        "text": book.add_format(base | {"text_wrap": True, "num_format": "@"}),
        "number": book.add_format(base | {"num_format": "#,##0"}),
        "degrees": book.add_format(base | {"num_format": "0.00000"}),
        "decimal": book.add_format(base | {"num_format": "0.0"}),
        "marked": book.add_format(base | {"num_format": "0 %", "bg_color": "#FDF0D0", "font_color": "#8A5A00"}),
        "share": book.add_format(base | {"num_format": "0 %"}),
        "time": book.add_format(base | {"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
        "span": book.add_format(base | {"num_format": "[h]:mm;;"}),  # nothing where it is 0
        "late": book.add_format({"bg_color": "#FBE3D6", "font_color": "#9A3412"}),
    }


def _table(book: Any, looks: Mapping[str, Any], name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], zone: str) -> None:
    """One sheet with a heading that stays, a filter over it, and set up to print across one page."""
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, min(4, len(columns)) if name == "Visits" else 1)
    sheet.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_row(0, 32)
    for position, column in enumerate(columns):
        sheet.set_column(position, position, column.width)
        sheet.write_string(0, position, f"{column.heading} ({zone})" if column.look == "time" else column.heading, looks["head"])
    for row, cells in enumerate(rows, start=1):
        for position, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            if isinstance(cell, Marked):
                sheet.write_number(row, position, cell.share, looks["marked"])
            else:
                _write(sheet, row, position, cell, looks[column.look])
    late = next((position for position, column in enumerate(columns) if column.look == "span"), None)
    if late is not None and rows:
        rule = {"type": "cell", "criteria": ">", "value": 0, "format": looks["late"]}
        sheet.conditional_format(1, late, len(rows), late, rule)


def _write(sheet: Any, row: int, position: int, cell: str | int | float | datetime | timedelta | None, look: Any) -> None:
    if cell is None or cell == "":
        sheet.write_blank(row, position, None, look)
    elif isinstance(cell, str):
        sheet.write_string(row, position, safe_text(cell), look)
    elif isinstance(cell, datetime | timedelta):
        sheet.write_datetime(row, position, cell, look)
    else:
        sheet.write_number(row, position, cell, look)


def _visit_rows(papers: PlanPapers) -> list[list[Cell]]:
    return [_visit_row(papers, visit, day.technician.name) for day in papers.days for trip in day.trips for visit in trip.visits]


def _visit_row(papers: PlanPapers, visit: Visit, name: str) -> list[Cell]:
    ticket, label = visit.ticket, papers.label(visit.ticket.id)
    return [
        visit.technician, name, visit.number, ticket.id, ticket.severity, ticket.tier, label.customer, label.site, label.address,
        label.contact, label.phone, label.title, label.product, _local(visit.arrive, papers), _local(visit.start, papers),
        _local(visit.finish, papers), _local(ticket.due, papers), _span(papers.outcomes[ticket.id].late_s),
        Marked(label.chance) if label.doubtful and label.chance is not None else label.chance,
        _local(label.arrive_by, papers) if label.arrive_by else None,
        _span(visit.drive_s), round(visit.drive_km, 1) if math.isfinite(visit.drive_km) else None,
        ", ".join(ticket.kits), _skills(ticket.skills),
        ", ".join(others_of_crew(papers, ticket.id, visit.technician)), label.note, ticket.lat, ticket.lon,
    ]  # fmt: skip


def _unplanned_rows(case: Case, papers: PlanPapers) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for ticket in case.tickets:
        item, label = papers.outcomes[ticket.id], papers.label(ticket.id)
        if item.outcome == "unplanned":
            rows.append([
                ticket.id, ticket.severity, ticket.tier, label.customer, label.site, label.title, _local(ticket.opened_at, papers),
                _local(ticket.due, papers), ", ".join(ticket.kits), _skills(ticket.skills), "; ".join(label.reasons or item.reasons),
                label.blame, "; ".join(label.remedies),
            ])  # fmt: skip
    return rows


def _figure_rows(papers: PlanPapers, cost: float | None) -> list[list[Cell]]:
    outcomes = tuple(papers.outcomes.values())
    figures, expected = severity_figures(outcomes), expected_in_time(outcomes, papers.labels)
    rows: list[list[Cell]] = []
    for item in figures:
        share, likely = item.in_time / item.total, expected.get(item.severity)
        rows.append([item.severity.capitalize(), item.total, item.in_time, item.late, item.unplanned, share, likely])
    total = sum(item.total for item in figures)
    in_time, late, unplanned = (sum(getattr(item, part) for item in figures) for part in ("in_time", "late", "unplanned"))
    rows.append(["All tickets", total, in_time, late, unplanned, in_time / total if total else None, sum(expected.values()) or None])
    rows.append(["Technicians with visits", len(papers.days), None, None, None, None, None])
    if cost is not None:
        rows.append(["Cost", cost, None, None, None, None, None])
    return rows


def _span(seconds: float) -> timedelta | None:
    """A duration, None where there is no road."""
    return timedelta(seconds=seconds) if math.isfinite(seconds) else None


def _skills(skills: Mapping[str, int]) -> str:
    return ", ".join(f"{skill} {level}+" for skill, level in skills.items())


def _local(moment: datetime, papers: PlanPapers) -> datetime:
    """Sheets know no time zones: the moment as the clock on the wall shows it."""
    return moment.astimezone(papers.zone).replace(tzinfo=None)


def _offset_words(case: Case, papers: PlanPapers) -> str:
    offset = f"{case.now.astimezone(papers.zone):%z}"
    return f"UTC{offset[:3]}:{offset[3:]}"
