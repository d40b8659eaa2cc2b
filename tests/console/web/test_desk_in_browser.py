"""A coordinator's morning in a real Chromium: open the draft, change it by hand, approve it; and what keeps people from using the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from data_models.store import published_plan
from tests.console.web.conftest import PASSWORD, Site
from tests.console.web.test_languages_in_browser import _browser_page, _served

AXE = Path(__file__).parent / "axe" / "axe.min.js"
SCREENS = Path("out/screens")


def _log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#login", "li")
    page.fill("#password", PASSWORD)
    page.locator("form[action='/login'] button").click()
    page.wait_for_url(f"{address}/plans/*")


def _serious(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then((found) => found.violations)")
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_draft_is_changed_taken_back_changed_again_and_approved(site: Site, locale: str) -> None:
    complaints: list[str] = []
    with _served(site) as address, _browser_page(locale) as page:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        _log_in(page, address)
        page.locator("#tickets [data-ticket='0']").click()
        page.locator("[data-change='leave_out']").click()
        page.locator("#change-dialog input[value='safety']").check()
        page.locator("#change-dialog button.primary").click()
        expect(page.locator("#tickets [data-ticket='0'] em.unplanned")).to_be_visible()
        page.locator("[data-do='undo']").click()
        expect(page.locator("[data-do='redo']")).to_be_enabled()
        expect(page.locator("#tickets [data-ticket='0'] em.unplanned")).to_have_count(0)
        page.locator("[data-do='redo']").click()
        expect(page.locator("#tickets [data-ticket='0'] em.unplanned")).to_be_visible()
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / f"draft-{locale}.png")
        page.locator("[data-open='approve-dialog']").click()
        page.locator("#approve-dialog button.primary").click()
        page.wait_for_url(f"{address}/plans/3")
    with site.store.reading() as session:
        published = published_plan(session)
    assert published is not None
    assert published.id == 3
    assert complaints == []


def test_nothing_serious_keeps_people_from_using_the_pages(site: Site) -> None:
    with _served(site) as address, _browser_page("en-GB") as page:
        page.goto(f"{address}/login")
        found = {"login": _serious(page)}
        _log_in(page, address)
        page.locator("#tickets [data-ticket='0']").click()
        expect(page.locator("#detail h3")).to_be_visible()
        found["plan"] = _serious(page)
        for name in ("plans", "inbox"):
            page.goto(f"{address}/{name}")
            found[name] = _serious(page)
    assert {name: each for name, each in found.items() if each} == {}
