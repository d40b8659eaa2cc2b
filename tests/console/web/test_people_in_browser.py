"""People, tokens, the audit trail and one's own page in a real Chromium: by keyboard, in both languages, at a desk and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.console.web.conftest import PASSWORD, Site
from tests.console.web.test_desk_in_browser import SCREENS, _serious
from tests.console.web.test_languages_in_browser import _browser_page, _served

SIZES = {"desk": (1366, 768), "phone": (390, 844)}
NEW = "a new long passphrase"


def _log_in(page: Page, address: str, login: str, password: str = PASSWORD) -> None:
    page.goto(f"{address}/login")
    page.fill("#login", login)
    page.fill("#password", password)
    page.locator("form[action='/login'] button").click()
    page.wait_for_url(lambda url: "/login" not in url)


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize(("locale", "title"), [("zh-CN", "人员"), ("en-GB", "People")])
def test_an_administrators_pages_fit_and_nothing_serious_is_wrong_with_them(site: Site, locale: str, title: str) -> None:
    with site.store.engine.begin() as connection:
        connection.execute(text("UPDATE site SET region = '华东'"))
        connection.execute(text("UPDATE station SET region = '华东'"))
    SCREENS.mkdir(parents=True, exist_ok=True)
    found, wide, complaints = {}, [], []
    with _served(site) as address, _browser_page(locale) as page:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        _log_in(page, address, "root")
        for name, path in (("people", "/people"), ("person", "/people/1"), ("tokens", "/tokens"), ("audit", "/audit"), ("me", "/me")):
            page.goto(address + path)
            if name == "audit":
                expect(page.locator("#verdict .secret")).to_be_visible()
            if name == "people":
                expect(page.locator("h1")).to_have_text(title)
            for size, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=SCREENS / f"{name}-{size}-{locale}.png", full_page=True)
                wide += [] if _fits(page) else [(name, size)]
                found[name, size] = _serious(page)
    assert {name: each for name, each in found.items() if each} == {}
    assert wide == [], "a page that must be moved sideways"
    assert complaints == []


def test_somebody_is_added_by_keyboard_and_changes_their_first_password(site: Site) -> None:
    with _served(site) as address, _browser_page("en-GB") as page:
        _log_in(page, address, "root")
        page.goto(f"{address}/people")
        page.focus("#new-login")
        for typed in ("mei", "Tab", "Mei", "Tab", "coord", "Tab", "Tab", "Tab"):
            (page.keyboard.press if typed == "Tab" else page.keyboard.type)(typed)
        page.keyboard.press("Enter")
        expect(page.locator(".secret code")).to_be_visible()
        password = page.locator(".secret code").inner_text()
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / "person-added.png")
        page.locator("form[action='/logout'] button").click()
        page.wait_for_url(f"{address}/login")
        _log_in(page, address, "mei", password)
        assert page.url == f"{address}/me"
        for field, value in (("#old", password), ("#new", NEW), ("#again", NEW)):
            page.fill(field, value)
        page.keyboard.press("Enter")
        expect(page.locator(".secret")).to_be_visible()
        page.goto(f"{address}/plans")
        expect(page.locator("h1")).to_have_text("Plans")
        assert re.search("coordinator", page.goto(f"{address}/me").text())  # type: ignore[union-attr]


def test_a_token_is_made_copied_and_revoked(site: Site) -> None:
    with _served(site) as address, _browser_page("en-GB") as page:
        _log_in(page, address, "root")
        page.goto(f"{address}/tokens")
        page.fill("#name", "erp")
        page.locator("input[value='plans:read']").check()
        page.locator("form.facts button").click()
        expect(page.locator(".secret code")).to_contain_text("twohour_")
        page.goto(f"{address}/tokens")
        expect(page.locator(".secret")).to_have_count(0)
        page.locator("button.danger").click()
        expect(page.locator("tr.off")).to_contain_text("revoked")
