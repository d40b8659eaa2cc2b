"""The service report as an XLSX workbook, written row by row in constant memory; no text in it can become a formula."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from data_models.report_figures import ServiceReport, Share
from maps.dispatch_sheet import safe_text
from maps.report_words import WORDS, Language, named, word

Value = str | int | float | datetime | None
Row = tuple[Value, ...]

_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def report_sheet(report: ServiceReport, language: Language = "zh") -> bytes:
    """A workbook with the figures, the shares by group, use of people and kits, and every missed clock and amount owed."""

    def said(*keys: str) -> Row:
        return tuple(word(key, language) for key in keys)

    file = BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        book.set_properties({"title": word("title", language), "created": report.period.at.replace(tzinfo=None)})
        looks = {
            "head": book.add_format({"bold": True, "bg_color": "#1D5C96", "font_color": "#FFFFFF"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
            "part": book.add_format({"num_format": "0.0 %"}),
            "number": book.add_format({"num_format": "#,##0.##"}),
        }
        share = said("kept_words", "of", "in_time")
        _sheet(book, looks, word("title", language), said("what", "value", "of", "in_time"), _figures(report, language))
        _sheet(book, looks, word("groups", language), (*said("what", "value", "clock"), *share), _groups(report, language))
        heads = said("station", "on_shift", "sent_out", "shift_h", "work_h", "drive_h", "overtime_h", "busy")
        _sheet(book, looks, word("on_shift", language), heads, _people(report, language))
        _sheet(book, looks, word("kit", language), said("kit", "owned", "broken", "uses", "out_h", "used"), _kits(report))
        heads = said("ticket", "clock", "due", "late_h", "still_open", "severity", "tier", "region", "station", "product")
        _sheet(book, looks, word("missed_sheet", language), heads, _missed(report, language))
        _sheet(
            book,
            looks,
            word("owed", language),
            said("ticket", "clock", "due", "late_h", "amount", "currency", "why"),
            _owed(report, language),
        )
    return file.getvalue()


def _sheet(book: Any, looks: dict[str, Any], name: str, heads: Row, rows: Iterator[Row]) -> None:
    sheet = book.add_worksheet(name[:31])
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, len(heads), 17)
    for position, head in enumerate(heads):
        sheet.write_string(0, position, str(head), looks["head"])
    for number, row in enumerate(rows, 1):
        for position, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, position, safe_text(value))
            elif isinstance(value, datetime):
                sheet.write_datetime(number, position, value.replace(tzinfo=None), looks["time"])
            elif value is not None:
                is_part = heads[position] in _PARTS
                sheet.write_number(number, position, value, looks["part" if is_part else "number"])


_PARTS = frozenset(said for key in ("in_time", "busy", "used") for said in WORDS[key])


def _figures(report: ServiceReport, language: Language) -> Iterator[Row]:
    yield f"{word('title', language)} {report.period.start:%Y-%m-%d}", report.period.start
    yield word("as_known", language), report.period.at
    yield word("region", language), report.region or word("whole", language)
    for key in ("opened", "done", "cancelled", "open_at_end", "reopenings", "stopped"):
        yield word(key, language), getattr(report, key)
    for clock, share in report.clocks.items():
        yield f"{word('in_time', language)}: {word(clock, language)}", *_share(share)
    yield word("first_visit", language), *_share(report.first_visit)
    yield word("reopened", language), *_share(report.reopened)
    for key, times in (("response", report.response), ("arrival", report.on_site), ("solution_time", report.solution)):
        yield f"{word(key, language)} (h): {word('median', language)}", _hours(times.median_s), times.count
        yield f"{word(key, language)} (h): {word('p90', language)}", _hours(times.p90_s), times.count
    yield word("satisfaction", language), report.satisfaction.mean, report.satisfaction.count
    for score, count in report.satisfaction.scores.items():
        yield f"{word('score', language)} {score}", count, report.satisfaction.count
    for currency, amount in report.owed.total.items():
        yield f"{word('owed', language)} {currency}", amount
    yield word("unknown", language), report.owed.unknown
    for number, one in enumerate(report.worst, 1):
        where = f"{word(one.dimension, language)} {named(one.dimension, one.id, one.name, language)}"
        yield f"{word('worst', language)} {number}: {where}, {word(one.clock, language)}", one.missed.n, one.missed.of


def _share(share: Share) -> tuple[int, int, float | None]:
    return share.n, share.of, share.share


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _groups(report: ServiceReport, language: Language) -> Iterator[Row]:
    for group in report.groups:
        for clock, share in group.clocks.items():
            name = named(group.dimension, group.id, group.name, language)
            yield word(group.dimension, language), name, word(clock, language), *_share(share)


def _people(report: ServiceReport, language: Language) -> Iterator[Row]:
    for one in (*report.people, report.everybody):
        hours = (_hours(seconds) for seconds in (one.shift_s, one.work_s, one.drive_s, one.overtime_s))
        yield one.name or word("everybody", language), one.on_shift, one.sent_out, *hours, one.busy


def _kits(report: ServiceReport) -> Iterator[Row]:
    for one in report.kits:
        yield one.kit, one.owned, one.broken, one.uses, _hours(one.out_s), one.used


def _missed(report: ServiceReport, language: Language) -> Iterator[Row]:
    names = {group.id: group.name for group in report.groups if group.dimension == "station"}
    for one in report.missed:
        groups = (named(key, id_, names.get(id_, id_) if key == "station" else id_, language) for key, id_ in one.groups.items())
        due_at = one.due_at.astimezone(report.period.start.tzinfo)
        yield one.ticket, word(one.clock, language), due_at, _hours(one.late_s), word("yes", language) if one.is_open else "", *groups


def _owed(report: ServiceReport, language: Language) -> Iterator[Row]:
    for one in report.owed.items:
        due_at = one.due_at.astimezone(report.period.start.tzinfo)
        yield one.ticket, word(one.clock, language), due_at, one.late.total_seconds() / 3600, one.amount, one.currency, one.why
