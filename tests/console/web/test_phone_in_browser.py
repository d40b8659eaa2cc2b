"""A technician's day in a real Chromium, through a tunnel without network; then the customer's page. Axe finds nothing serious on both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from data_models import tables
from data_models.events import Cancelled
from data_models.store import add_events
from data_models.store.pages import events_page
from flows.customers import link_token
from tests.console.web.conftest import PASSWORD, Site
from tests.console.web.field import HOSTILE, picture, visits_of, with_technicians
from tests.console.web.test_desk_in_browser import SCREENS, _serious
from tests.console.web.test_languages_in_browser import _browser_page, _served

LONG_MS = 30_000
"""How long a loaded machine may take to send what was kept."""

PHONE = {"width": 390, "height": 844}


@contextmanager
def _phone(locale: str, site: Site) -> Iterator[tuple[Page, BrowserContext]]:
    with _browser_page(locale) as page:
        page.set_viewport_size(PHONE)
        page.set_default_timeout(LONG_MS)
        expect.set_options(timeout=LONG_MS)
        # The phone's clock goes as ours does.
        page.clock.install(time=site.now)
        yield page, page.context
        expect.set_options(timeout=5000)


def _log_in(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/login?next=/my")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.locator("form[action='/login'] button").click()
    page.wait_for_url(f"{address}/my")
    expect(page.locator("#my[data-is-kept='yes']")).to_be_visible()


def _later(site: Site, page: Page, minutes: int) -> None:
    site.now += timedelta(minutes=minutes)
    page.clock.fast_forward(minutes * 60 * 1000)


def _told(site: Site, ticket: str) -> list[tuple[str, str]]:
    with site.store.reading() as session:
        found = [row for row, _ in reversed(events_page(session, 50, ticket=ticket)) if row.by != "twohour"]
        return [(row.kind, row.technician_id) for row in found]


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_what_is_tapped_in_a_tunnel_reaches_the_log_once_and_in_order(site: Site, tmp_path: Path, locale: str) -> None:
    site = with_technicians(site)
    who, tickets = next((who, tickets) for who, tickets in sorted(visits_of(site).items()) if "TK-3" in tickets or len(tickets) > 1)
    ticket = tickets[0]
    with site.store.session() as session:
        session.get_one(tables.Ticket, ticket).title = HOSTILE
        session.get_one(tables.Customer, "C-1").name = HOSTILE
    photo = tmp_path / "gauge.jpg"
    photo.write_bytes(picture(size=(3000, 1500)))
    complaints: list[str] = []
    SCREENS.mkdir(parents=True, exist_ok=True)
    with _served(site) as address, _phone(locale, site) as (page, context):
        page.on("pageerror", lambda error: complaints.append(str(error)))
        _log_in(page, address, who.lower())
        card = page.locator(".visit.next")
        expect(card).to_have_attribute("data-ticket", ticket)
        expect(card.locator("h2")).to_have_text(HOSTILE)
        assert "owned" not in page.title()
        assert _serious(page) == []
        page.screenshot(path=SCREENS / f"my-{locale}.png", full_page=True)

        context.set_offline(True)
        card.locator("[data-tell='technician_driving']").click()
        expect(page.locator("#net-words")).to_contain_text("1")
        _later(site, page, 30)
        # The page itself comes from what was kept, with what was tapped.
        page.reload()
        expect(card).to_have_attribute("data-state", "driving")
        card.locator("[data-tell='technician_arrived']").click()
        expect(card).to_have_attribute("data-state", "arrived")
        _later(site, page, 40)
        card.locator("[data-tell='technician_finished']").click()
        dialog = page.locator("#technician_finished-dialog")
        dialog.locator("textarea").fill("Seal renewed")
        dialog.locator("input[type='file']").set_input_files(photo)
        page.screenshot(path=SCREENS / f"my-done-{locale}.png")
        assert _serious(page) == []
        dialog.locator("button.primary").click()
        expect(page.locator("#net-words")).to_contain_text("3")
        expect(page.locator(f".visit[data-ticket='{ticket}']")).to_have_attribute("data-state", "done")
        page.screenshot(path=SCREENS / f"my-offline-{locale}.png")
        assert _told(site, ticket) == []

        context.set_offline(False)
        expect(page.locator("#net")).to_be_hidden()
        expect(page.locator(f".visit[data-ticket='{ticket}'] .photos img")).to_have_count(1)
        page.reload()
        expect(page.locator("#net")).to_be_hidden()
        kinds = ["technician_driving", "technician_arrived", "technician_finished"]
        assert _told(site, ticket) == [(kind, who) for kind in kinds]
        with site.store.reading() as session:
            rows = {row.kind: row for row, _ in events_page(session, 50, ticket=ticket)}
            kept = session.scalars(select(tables.Attachment).where(tables.Attachment.ticket_id == ticket)).one()
            crew = session.get_one(tables.Ticket, ticket).crew or 1
        told_at = [rows[kind].at for kind in kinds]
        minutes = [round((later - told_at[0]).total_seconds() / 60) for later in told_at]
        assert minutes == [0, 30, 70], "each at its own time, not when it was sent"
        assert rows["technician_finished"].details["note"] == "Seal renewed"
        assert (max(kept.width, kept.height), kept.event_key) == (2048, rows["technician_finished"].key)
        page.set_viewport_size({"width": 1366, "height": 768})
        page.screenshot(path=SCREENS / f"my-wide-{locale}.png", full_page=True)

        assert crew == 1, "the customer's page shows done when the whole crew is"
        page.set_viewport_size(PHONE)
        page.goto(f"{address}/t/{link_token(site.settings, ticket, site.now)}")
        expect(page.locator("[aria-current='step']")).to_have_text("已完成" if locale == "zh-CN" else "The work is done")
        assert _serious(page) == []
        page.screenshot(path=SCREENS / f"customer-{locale}.png", full_page=True)
        page.keyboard.press("Tab")
        page.locator("label:has(input[value='2'])").click()
        page.locator("#comment").fill(HOSTILE)
        page.locator("button.primary").click()
        expect(page.locator(".sent")).to_contain_text("2")
        assert page.locator("form").count() == 0
        page.screenshot(path=SCREENS / f"customer-rated-{locale}.png", full_page=True)
    assert _told(site, ticket)[-1] == ("ticket_closed", "")
    assert complaints == []


def test_a_session_that_is_over_costs_nothing_that_was_tapped_and_news_show_by_themselves(site: Site) -> None:
    site = with_technicians(site)
    who, tickets = next((who, tickets) for who, tickets in sorted(visits_of(site).items()) if len(tickets) > 1)
    with _served(site) as address, _phone("en-GB", site) as (page, context):
        _log_in(page, address, who.lower())
        with site.store.session() as session:
            told = Cancelled(kind="ticket_cancelled", at=site.now, key="cancelled", by="li", ticket=tickets[1])
            add_events(session, [told], site.now)
        expect(page.locator(f".visit[data-ticket='{tickets[1]}']")).to_have_attribute("data-state", "cancelled")

        context.clear_cookies(name="twohour_session")
        page.locator(f".visit[data-ticket='{tickets[0]}'] [data-tell='technician_declined']").click()
        page.locator("#technician_declined-dialog label", has_text="A skill or a kit is missing").click()
        page.locator("#technician_declined-dialog button.primary").click()
        expect(page.locator("#net-words")).to_contain_text("Your session is over")
        expect(page.locator("#net-words")).to_contain_text("1 kept, not yet sent")
        assert _told(site, tickets[0]) == []
        page.locator("#net-login").click()
        page.fill("#login", who.lower())
        page.fill("#password", PASSWORD)
        page.locator("form[action='/login'] button").click()
        page.wait_for_url(f"{address}/my")
        expect(page.locator("#net")).to_be_hidden()
        expect(page.locator(f".visit[data-ticket='{tickets[0]}']")).to_have_attribute("data-told", "declined")
        assert _told(site, tickets[0]) == [("technician_declined", who)]


def test_what_the_server_will_never_take_is_shown_until_it_was_read_and_holds_nothing_up(site: Site, tmp_path: Path) -> None:
    site = with_technicians(site)
    who, tickets = next((who, tickets) for who, tickets in sorted(visits_of(site).items()) if len(tickets) > 1)
    broken = tmp_path / "photo.jpg"
    broken.write_bytes(b"no picture at all")
    with _served(site) as address, _phone("en-GB", site) as (page, context):
        _log_in(page, address, who.lower())
        card = page.locator(f".visit[data-ticket='{tickets[0]}']")
        for kind in ("technician_driving", "technician_arrived"):
            card.locator(f"[data-tell='{kind}']").click()
        expect(card).to_have_attribute("data-told", "arrived")
        context.set_offline(True)
        card.locator("[data-tell='technician_finished']").click()
        page.locator("#photos").set_input_files(broken)
        page.locator("#technician_finished-dialog button.primary").click()
        expect(card).to_have_attribute("data-state", "done")
        page.locator(f".visit[data-ticket='{tickets[1]}'] [data-tell='technician_accepted']").click()
        expect(page.locator("#net-words")).to_contain_text("2 kept")
        context.set_offline(False)
        expect(page.locator("#refused li")).to_contain_text("this is no photo")
        expect(page.locator("#net")).to_be_hidden()
        assert _told(site, tickets[0])[-1] == ("technician_finished", who)
        assert _told(site, tickets[1]) == [("technician_accepted", who)]
        page.locator("#refused button").click()
        expect(page.locator("#refused")).to_be_hidden()
