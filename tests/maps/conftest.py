"""A real Chromium shared by the tests of this room, and a day small enough to know by heart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from data_models.case import Break, Case, GreatCircle, Shift, Station, Technician, Ticket, TimeWindow
from data_models.plan import BreakTaken, Plan, Route, SolverFacts, Stop, Unassigned

CHINA = timezone(timedelta(hours=8))

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-quic",
)  # fmt: skip


@dataclass
class OpenedPage:
    """A page in the browser with everything it asked for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A moment on 2 March 2026 (or another day of that month) in China."""
    return datetime(2026, 3, day, hour, minute, tzinfo=CHINA)


@pytest.fixture(scope="module")
def map_page() -> Iterator[Page]:
    """One page for all tests of a file: opening a new one costs more than most tests.

    No longer than a file: while Playwright runs, so does its event loop, in which tests of other files could not start theirs.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("TWOHOUR_CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("No Chromium found: run `make test`, which installs it, or name one in TWOHOUR_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(15_000)
        yield page
        browser.close()


@pytest.fixture
def open_map(map_page: Page, tmp_path: Path) -> Iterator[Callable[..., OpenedPage]]:
    """Opens HTML from a file, as a user would, and keeps the book on requests, errors and dialogs."""
    result = OpenedPage(map_page)
    listeners: dict[str, Callable[..., None]] = {
        "request": lambda request: result.requests.append(request.url),
        "console": lambda message: result.complaints.append(message.text),
        "pageerror": lambda error: result.complaints.append(str(error)),
        "dialog": lambda dialog: (result.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()),
    }

    def opened(html: str, width: int = 1366, height: int = 768) -> OpenedPage:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        map_page.emulate_media(media="screen")
        map_page.set_viewport_size({"width": width, "height": height})
        for event, listener in listeners.items():
            map_page.on(event, listener)  # type: ignore[call-overload]
        map_page.goto(path.as_uri())
        return result

    yield opened
    for event, listener in listeners.items():
        map_page.remove_listener(event, listener)


def small_ticket(id: str, lat: float, lon: float, **facts: object) -> Ticket:
    """A general ticket, one hour of work, due at 18:00, changed by `facts`."""
    usual: dict[str, object] = {
        "severity": "general", "tier": "B", "opened_at": at(7), "due": at(18), "service_minutes": 60, "miss_cost": 100,
        "late_cost_per_hour": 10, "skip_cost": 1000,
    }  # fmt: skip
    return Ticket(id=id, lat=lat, lon=lon, **(usual | facts))  # type: ignore[arg-type]


@pytest.fixture
def small_case() -> Case:
    """Two stations a degree apart, three people, four tickets; 111.195 km × 1 at 111.195 km/h is 1 h per degree of latitude."""
    shift = (Shift(at(8), at(17), 60),)
    return Case(
        name="small day",
        now=at(8),
        travel=GreatCircle("great_circle", 1.0, 111.195),
        stations=(Station("S1", "无锡", 31.0, 120.0, {"leak": 1}), Station("S2", "扬州", 32.0, 120.0, {"purity": 2})),
        technicians=(
            Technician("T1", "李工", "S1", {"safety": 2}, (Shift(at(8), at(17), 60, (Break(at(11), at(13), 30),)),)),
            Technician("T2", "王工", "S2", {"safety": 1, "process": 3}, shift),
            Technician("T3", "赵工", "S2", {"process": 1}, (Shift(at(20), at(4, day=3)),)),
        ),
        tickets=(
            small_ticket("W1", 31.5, 120.0, severity="emergency", due=at(10), kits=("leak",)),
            small_ticket("W2", 32.5, 120.0, severity="important", due=at(10, 15), crew=2, skills={"safety": 1}),
            small_ticket("W3", 32.5, 120.0, windows=(TimeWindow(at(14), at(15)),)),
            small_ticket("W4", 34.0, 121.0, severity="emergency", due=at(9, 30)),
        ),
    )


@pytest.fixture
def small_plan() -> Plan:
    """T1: W1 08:30-09:30, W2 with T2 10:45-11:45 (half an hour late), a break on the way home. T2: W2, then W3 after waiting."""
    return Plan(
        case="small day",
        routes=(
            Route("T2", 0, at(9), (Stop("W2", at(9, 30), at(10, 45), at(11, 45)), Stop("W3", at(11, 45), at(14), at(15))), at(15, 30)),
            Route(
                "T1", 0, at(8), (Stop("W1", at(8, 30), at(8, 30), at(9, 30)), Stop("W2", at(10, 45), at(10, 45), at(11, 45))), at(13, 45),
                kits=("leak",), breaks=(BreakTaken(at(12, 15), at(12, 45)),),
            ),
        ),
        unassigned=(Unassigned("W4", ("too far for any shift",)),),
        solver=SolverFacts(cost=1234.5),
    )  # fmt: skip
