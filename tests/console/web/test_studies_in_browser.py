"""A planner puts a station by a click in a real Chromium, and nothing keeps people from using the studio's pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from data_models.store.scenarios import kept_scenario
from data_models.study import OpenStation, Scenario
from tests.console.web.conftest import PASSWORD, Site
from tests.console.web.test_desk_in_browser import SCREENS, _serious
from tests.console.web.test_languages_in_browser import _browser_page, _served
from tests.console.web.test_studies import EVIL, STUDY, kept_in


def _log_in(page: Page, address: str, wanted: str) -> None:
    page.goto(f"{address}/login?next={wanted}")
    page.fill("#login", "plan")
    page.fill("#password", PASSWORD)
    page.locator("form[action='/login'] button").click()
    page.wait_for_url(f"{address}{wanted}")


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_click_on_the_map_puts_a_station_and_the_share_changes(site: Site, locale: str) -> None:
    complaints: list[str] = []
    number, (scenario,) = kept_in(site, STUDY, Scenario("one"))
    with _served(site) as address, _browser_page(locale) as page:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        _log_in(page, address, f"/studies/{number}/scenarios/{scenario}")
        expect(page.locator("#figures div:nth-child(2) dd")).to_have_text("25%")
        box = page.locator("#map").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        # The middle of the map lies between the areas: from there both a and b are near enough, or b alone besides S's a.
        expect(page.locator("#figures div:nth-child(2) dd")).to_have_text("75% +50")
        expect(page.locator("#changes li")).to_have_count(1)
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / f"scenario-{locale}.png")
        # By keyboard: take it back, and open the candidate instead.
        page.locator("#changes button").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#figures div:nth-child(2) dd")).to_have_text("25%")
        page.locator("#open-form button").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#figures div:nth-child(2) dd")).to_have_text("75% +50")
        page.locator("#expect").click()
        expect(page.locator("#expected dd")).to_have_count(3)
        page.locator("#save").click()
        expect(page.locator("#unsaved")).to_be_hidden()
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=SCREENS / f"scenario-narrow-{locale}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with site.store.reading() as session:
        assert kept_scenario(session, "north", "one").scenario.changes == (OpenStation("U"),)
    assert complaints == []


def test_nothing_serious_keeps_people_from_using_the_studio_and_names_do_not_run(site: Site) -> None:
    dialogs: list[str] = []
    number, (scenario,) = kept_in(site, STUDY, Scenario(EVIL, (OpenStation("U"),)))
    with _served(site) as address, _browser_page("en-GB") as page:
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        _log_in(page, address, "/studies")
        found = {}
        for path in ("/studies", f"/studies/{number}", f"/studies/{number}/scenarios/{scenario}"):
            page.goto(f"{address}{path}")
            if path != "/studies":
                expect(page.locator("#map .leaflet-marker-icon").first).to_be_visible()
            found[path] = _serious(page)
            page.screenshot(path=SCREENS / f"studio-{path.count('/')}.png")
    assert {path: each for path, each in found.items() if each} == {}
    assert dialogs == []
