"""The plan page: what it shows, to whom, and that no text of a ticket becomes markup."""

from __future__ import annotations

import json

from tests.conftest import HOSTILE_TITLE
from tests.console.web.conftest import Site


def test_a_coordinator_begins_at_the_newest_draft(site: Site) -> None:
    assert site.browser("li").get("/").headers["location"] == f"/plans/{site.draft}"


def test_the_page_carries_every_ticket_technician_and_change(site: Site) -> None:
    page = site.browser("li").get(f"/plans/{site.draft}").text
    facts = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert [ticket["id"] for ticket in facts["tickets"]] == [f"TK-{number}" for number in range(1, 7)]
    assert len(facts["technicians"]) == 4
    assert facts["state"] == "draft"
    assert "Emergencies in time" in page


def test_texts_of_tickets_stay_text(site: Site) -> None:
    browser = site.browser("li")
    for address in (f"/plans/{site.draft}", f"/plans/{site.draft}/tickets/TK-2"):
        page = browser.get(address).text
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert HOSTILE_TITLE not in page


def test_what_is_not_there_is_not_found(site: Site) -> None:
    browser = site.browser("li")
    for address in ("/plans/99", f"/plans/{site.draft}/tickets/TK-99", "/nothing", "/plans/x"):
        answer = browser.get(address)
        assert answer.status_code in (404, 422), address
        assert "<h1>" in answer.text


def test_a_chinese_browser_reads_chinese(site: Site) -> None:
    assert '<html lang="zh-CN">' in site.browser("li", language="zh-CN,zh;q=0.9,en;q=0.8").get("/plans").text
    browser = site.browser("li", language="zh")
    browser.post("/language", data={"language": "en"})
    assert '<html lang="en">' in browser.get("/plans").text
