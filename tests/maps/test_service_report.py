"""The page and the workbook of a service report: the same figures as its JSON, safe, without the network, on any width."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from data_models.clocks import Milestones
from data_models.report_figures import Period, ServiceReport
from data_models.service_facts import OwnedKits, ReportTicket, ServiceFacts
from data_models.service_report import report_dict, service_report
from maps.report_sheet import report_sheet
from maps.service_report import report_page
from tests.data_models.clock_tickets import at, ticket

HOSTILE = "=1+1<script>alert(1)</script><img src=x onerror=alert(2)>"
START = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
PERIOD = Period(START, START + timedelta(days=2), at("09 00:00"))


def hostile_report() -> ServiceReport:
    # Two of three are on site within two hours.
    tickets = tuple(
        ReportTicket(
            ticket(opened_at=at("02 10:00"), milestones=Milestones(on_site_at=at(f"02 {hour}:30"))),
            station="ST-1",
            region=HOSTILE,
            product=HOSTILE,
        )
        for hour in (10, 11, 13)
    )
    return service_report(ServiceFacts(tickets, kits=(OwnedKits("ST-1", HOSTILE, 1, 0),), stations=(("ST-1", HOSTILE),)), PERIOD, HOSTILE)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_runs_nothing_asks_for_nothing_and_fits(open_map: Callable[..., object], language: str, width: int) -> None:
    opened = open_map(report_page(hostile_report(), language), width=width)  # type: ignore[arg-type]
    assert [url for url in opened.requests if not url.startswith("file:")] == []  # type: ignore[attr-defined]
    assert opened.complaints == []  # type: ignore[attr-defined]
    page = opened.page  # type: ignore[attr-defined]
    assert page.locator("script, img").count() == 0
    assert HOSTILE in page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_workbook_and_json_tell_the_same() -> None:
    report = hostile_report()
    facts = report_dict(report)["clocks"]["on_site"]
    assert facts == {"n": 2, "of": 3, "share": 2 / 3}
    page = report_page(report, "en")
    assert "67 %" in page
    assert "2 of 3" in page
    rows = list(load_workbook(BytesIO(report_sheet(report, "en"))).worksheets[0].iter_rows(values_only=True))
    assert next(row[1:4] for row in rows if row[0] == "In time: On site") == (2, 3, pytest.approx(2 / 3))


def test_no_text_becomes_a_formula() -> None:
    book = load_workbook(BytesIO(report_sheet(hostile_report())))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(HOSTILE in str(cell.value) for cell in cells)
    assert not [cell for cell in cells if cell.data_type == "f" or str(cell.value).startswith("=")]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_of_nothing_is_still_a_page(language: str) -> None:
    page = report_page(service_report(ServiceFacts(), PERIOD), language)  # type: ignore[arg-type]
    assert "nan" not in page.lower().replace("finance", "")
    assert ("No promise fell due" if language == "en" else "没有到期") in page
