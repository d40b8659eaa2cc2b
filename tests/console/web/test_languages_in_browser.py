"""The plan page in a real Chromium, in Chinese and in English."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from console.web.application import make_console
from tests.console.web.conftest import PASSWORD, Site
from tests.maps.conftest import FLAGS


class _Server(uvicorn.Server):
    """Says when it is ready, and at which port."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"


@contextmanager
def _served(site: Site) -> Iterator[str]:
    server = _Server(uvicorn.Config(make_console(site.store, site.settings, now=lambda: site.now), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.ready.wait(30)
    try:
        yield server.address
    finally:  # or a test that fails would leave the whole run waiting for this thread
        server.force_exit = server.should_exit = True
        thread.join(30)


@contextmanager
def _browser_page(locale: str) -> Iterator[Page]:
    found = os.environ.get("TWOHOUR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "No Chromium found: run `make test`, which installs it, or name one in TWOHOUR_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser.new_context(locale=locale, viewport={"width": 1366, "height": 768}).new_page()
        browser.close()


@pytest.mark.parametrize(
    ("locale", "figure", "day", "people"),
    [("zh-CN", "紧急按时", "3月2日", "王T-1、王T-2"), ("en-GB", "Emergencies in time", "Mon 2 March", "王T-1, 王T-2")],
)
def test_a_small_plan_shows_its_timeline_map_and_list_in_the_language_of_the_browser(
    site: Site, locale: str, figure: str, day: str, people: str
) -> None:
    with _served(site) as address, _browser_page(locale) as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/login")
        page.fill("#login", "li")
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        expect(page.locator("#figures")).to_contain_text(figure)
        expect(page.locator("#tickets")).to_contain_text(people)
        expect(page.locator("#timeline .vis-item.visit").first).to_be_visible()
        expect(page.locator("#timeline .vis-time-axis.vis-foreground")).to_contain_text(day)
        assert complaints == []
