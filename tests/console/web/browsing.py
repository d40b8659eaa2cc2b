"""A console behind a real server, and coordinators in front of it in a real Chromium: what the walks through the pages share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Locator, Page, expect

from console.web.application import make_console
from tests.console.web.conftest import PASSWORD, Site

SCREENS = Path("out/screens")
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


class _Server(uvicorn.Server):
    """Says when it is ready, and at which port."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def served(site: Site) -> Iterator[str]:
    """The address of a console that runs in this process, by the clock of the site."""
    server = _Server(uvicorn.Config(make_console(site.store, site.settings, now=lambda: site.now), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.ready.wait(30)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.force_exit = server.should_exit = True
        thread.join(30)


@contextmanager
def running(site: Site, killed_at: str = "", port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The console in a process of its own, which kills itself where the transaction of an approval is about to end, or has just ended."""
    script = f"""
        import os, signal
        from datetime import datetime
        from pathlib import Path
        import uvicorn
        from sqlalchemy import event
        from sqlalchemy.orm import Session
        from config.settings import Settings
        from console.web.application import make_console
        from data_models import tables
        from data_models.store import open_store

        store = open_store({str(site.store.engine.url)!r})
        if {killed_at!r}:
            def note(session, _):
                if any(isinstance(row, tables.Approval) and row.decision == "published" for row in session.new):
                    session.info["publishes"] = True
            def end(session):
                if session.info.get("publishes"):
                    os.kill(os.getpid(), signal.SIGKILL)
            event.listen(Session, "after_flush", note)
            event.listen(Session, {killed_at!r}, end)
        now = datetime.fromisoformat({site.now.isoformat()!r})
        console = make_console(store, Settings(output_dir=Path({str(site.settings.output_dir)!r})), now=lambda: now)
        config = uvicorn.Config(console, port={port}, log_level="warning")
        config.load()
        listening = config.bind_socket()
        listening.listen(100)
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(config).run([listening])
    """
    words = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process
        finally:
            process.kill()


def chromium_path() -> str:
    """Where the browser is."""
    found = os.environ.get("TWOHOUR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("No Chromium found: run `make test`, which installs it, or name one in TWOHOUR_CHROMIUM")
    return found


class Coordinator:
    """A coordinator at a browser of their own, whose page is looked at step by step.

    Parameters
    ----------
    walk
        Begins the names of the pictures that `look` leaves under `out/screens`.
    """

    def __init__(
        self, browser: Browser, address: str, walk: str, *, login: str = "li", locale: str = "en-GB", size: dict | None = None
    ) -> None:
        self.context = browser.new_context(locale=locale, viewport=size or DESK)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.address, self.walk, self.login, self.steps = address, f"{walk}-{locale}", login, 0
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.dialog = self.page.locator("#change-dialog")

    def log_in(self, page: Page | None = None) -> None:
        """At the login page, which is opened when no page shows it yet."""
        page = page or self.page
        if "/login" not in page.url:
            page.goto(f"{self.address}/login")
        page.fill("#login", self.login)
        page.fill("#password", PASSWORD)
        page.locator("form[action='/login'] button").click()

    def open(self, plan: int) -> None:
        """The page of a plan, until it takes input."""
        self.page.goto(f"{self.address}/plans/{plan}")
        expect(self.page.locator("body[data-ready]")).to_be_attached()

    def look(self, step: str) -> None:
        """Leaves a picture of the page as it is."""
        self.steps += 1
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{self.walk}-{self.steps:02}-{step}.png")

    def row(self, ticket: int) -> Locator:
        """A ticket in the list."""
        return self.page.locator(f"#tickets [data-ticket='{ticket}']")

    def choose(self, ticket: int) -> Locator:
        """Choose a ticket in the list; gives the pane when all of it is there."""
        self.row(ticket).click()
        return self.pane(ticket)

    def pane(self, ticket: int) -> Locator:
        """The pane, with the reasons and the next best people of a ticket that was chosen."""
        pane = self.page.locator("#detail")
        expect(pane.locator(f"[data-of='TK-{ticket + 1}']")).to_be_attached(timeout=30_000)
        expect(pane.locator("[hx-trigger='load']")).to_have_count(0, timeout=30_000)
        return pane

    def bar(self, ticket: int) -> Locator:
        """The first bar of a ticket in the timeline."""
        return self.page.locator(f"#timeline .vis-item.of-{ticket}").first

    def drag(self, ticket: int, right: float, onto: int | None = None) -> None:
        """Drag a ticket's bar so many pixels to the right, onto another ticket's row if that is named."""
        box = self.bar(ticket).bounding_box()
        other = self.bar(onto).bounding_box() if onto is not None else box
        assert box is not None
        assert other is not None
        x, y = box["x"] + min(12, box["width"] / 2), box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + right / 2, y + (other["y"] - box["y"]) / 2, steps=5)
        self.page.mouse.move(x + right, other["y"] + other["height"] / 2, steps=5)
        self.page.mouse.up()
        expect(self.dialog).to_be_visible()

    def keep(self, reason: str = "customer_asked") -> None:
        """Keep the change that the dialog shows, until the page shows the draft with it."""
        self.dialog.locator(f"input[value='{reason}']").check()
        self.dialog.locator("button.primary").click()
        expect(self.dialog).to_be_hidden()

    def close(self) -> None:
        """No script of the page may have failed."""
        self.context.close()
        assert self.complaints == []
