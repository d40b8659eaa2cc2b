"""The customer's link: what it shows and what it does not, links that lead nowhere, and satisfaction said once."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from itsdangerous import URLSafeSerializer
from sqlalchemy import select

from config.settings import Settings
from console.web.pages.customer import PER_ADDRESS, WRONG_PER_ADDRESS
from data_models import tables
from data_models.store import add_events, ticket_states
from data_models.store.notices import list_notices
from data_models.store.pages import events_page
from flows.customers import customer_link, link_token
from flows.watching import watch
from tests.console.web.conftest import Site
from tests.console.web.field import HOSTILE, Phone, visits_of, with_technicians


@pytest.fixture
def field(site: Site) -> Site:
    """The site with technicians who can log in, and a secret of links."""
    return with_technicians(site)


@pytest.fixture
def alone(field: Site) -> tuple[str, str]:
    """A technician and their first ticket, which nobody else is needed for."""
    with field.store.reading() as session:
        single = {row.id for row in session.scalars(select(tables.Ticket)) if (row.crew or 1) == 1}
    return next((who, ticket) for who, tickets in sorted(visits_of(field).items()) for ticket in tickets if ticket in single)


def path(site: Site, ticket: str) -> str:
    """The way to a ticket's page."""
    return f"/t/{link_token(site.settings, ticket, site.now)}"


def finish(site: Site, who: str, ticket: str, tag: str = "a") -> None:
    """The technician tells that they arrived and are done."""
    phone = Phone(site, who)
    for number, kind in enumerate(("technician_driving", "technician_arrived", "technician_finished")):
        site.now += timedelta(minutes=5)
        facts = {"result": "resolved"} if kind == "technician_finished" else {}
        assert phone.tell(kind, ticket, f"key-{tag}-{number:08d}", **facts).status_code == 200


def step(page: str) -> str:
    """The step that is marked as reached."""
    return re.search(r'aria-current="step">([^<]+)<', page).group(1)  # type: ignore[union-attr]


def test_a_link_follows_the_ticket_and_tells_nothing_else(field: Site, alone: tuple[str, str]) -> None:
    who, ticket = alone
    browser, phone = field.browser(), Phone(field, who)
    page = browser.get(path(field, ticket))
    assert (page.status_code, step(page.text)) == (200, "A visit is planned")
    assert "We expect to be with you" in page.text
    for secret in ("太湖制药", "厂区", f"王{who}", who, "赵敏", "5566", "csrf-token", "cost"):
        assert secret not in page.text, secret
    phone.tell("technician_driving", ticket, "key-driving0")
    assert step(browser.get(path(field, ticket)).text) == "Our technician is on the way"
    phone.tell("technician_arrived", ticket, "key-arrived0")
    assert step(browser.get(path(field, ticket)).text) == "Our technician is at work"
    assert "We expect" not in browser.get(path(field, ticket)).text


def test_a_delay_moves_the_expected_arrival_and_lateness_is_not_hidden(field: Site, alone: tuple[str, str]) -> None:
    who, ticket = alone
    before = re.search(r"with you ([^<]+)\.", field.browser().get(path(field, ticket)).text)
    Phone(field, who).tell("technician_delayed", until=(field.now + timedelta(hours=3)).isoformat())
    after = re.search(r"with you ([^<]+)\.", field.browser().get(path(field, ticket)).text)
    assert before is not None
    assert after is not None
    assert before.group(1) < after.group(1)
    field.now += timedelta(hours=9)
    assert "later than planned" in field.browser().get(path(field, ticket)).text


def test_pages_of_links_are_kept_by_nobody(field: Site, alone: tuple[str, str]) -> None:
    for address in (path(field, alone[1]), "/t/forged"):
        headers = field.browser().get(address).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "noindex" in headers["x-robots-tag"]


def test_links_that_are_forged_or_over_say_so_in_both_languages(field: Site, alone: tuple[str, str]) -> None:
    good = link_token(field.settings, alone[1], field.now)
    other = URLSafeSerializer("another secret that is long enough too", salt="twohour customer link 1").dumps([alone[1], 9_999_999_999])
    salted = URLSafeSerializer(field.settings.link_secret.get_secret_value(), salt="else").dumps([alone[1], 9_999_999_999])
    for wrong in (good[:-1], good[1:], other, str(salted), "x", "%00", "a" * 2000):
        answer = field.browser().get(f"/t/{wrong}")
        assert answer.status_code == 403, wrong
        assert "This link does not work" in answer.text
        assert "链接无效" in answer.text
    field.now += timedelta(days=field.settings.link_days) - timedelta(seconds=1)
    assert field.browser().get(f"/t/{good}").status_code == 200
    field.now += timedelta(seconds=1)
    answer = field.browser().get(f"/t/{good}")
    assert answer.status_code == 410
    assert "This link is over" in answer.text


def test_a_token_has_nothing_of_its_own_that_could_be_changed(field: Site) -> None:
    token = link_token(field.settings, "TK-1", field.now)
    body, _, signature = token.rpartition(".")
    another = link_token(field.settings, "TK-2", field.now).rpartition(".")[0]
    assert field.browser().get(f"/t/{another}.{signature}").status_code == 403
    assert body
    assert link_token(Settings(), "TK-1", field.now) == customer_link(Settings(), "TK-1", field.now, "https://x") == ""


def test_satisfaction_is_said_once_and_opens_the_ticket_again_when_it_is_low(field: Site, alone: tuple[str, str]) -> None:
    who, ticket = alone
    address, browser = path(field, ticket), field.browser()
    assert browser.post(address, data={"score": 5, "reopenings": 0}).status_code == 410, "not before it is done"
    finish(field, who, ticket)
    assert step(browser.get(address).text) == "The work is done"
    for data in ({"score": 0}, {"score": 6}, {"score": 3, "comment": "x" * 501}):
        assert browser.post(address, data={"reopenings": 0, **data}).status_code == 422
    assert browser.post(address, data={"score": 1}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.post(address, content=b"score=1&comment=" + b"x" * 20_000).status_code == 413
    for odd in (b"score=\xff", b"score=1&" * 20, "score=²".encode(), b"score=-1", b"score=1e3", b""):
        assert browser.post(address, content=odd).status_code == 422, odd
    assert browser.post(address, data={"score": 2, "reopenings": 0, "comment": f" {HOSTILE}\r\n\0late "}).headers["location"] == address
    with field.store.reading() as session:
        last = events_page(session, 50, ticket=ticket)[0][0]
    assert (last.kind, last.by, last.details) == ("ticket_closed", "customer", {"satisfaction": 2, "comment": f"{HOSTILE} late"})
    assert "you gave us 2 of 5" in browser.get(address).text
    assert browser.post(address, data={"score": 5, "reopenings": 0}).status_code == 410, "the same again is no second answer"
    assert watch(field.store, field.settings, field.now).reopened == (ticket,)
    assert "<form" not in browser.get(address).text
    assert browser.post(address, data={"score": 5, "reopenings": 0}).status_code == 410, "nor is it one for the next settling"
    finish(field, who, ticket, "b")
    assert browser.post(address, data={"score": 5, "reopenings": 0}).status_code == 410
    assert browser.post(address, data={"score": 5, "reopenings": 1}).status_code == 303
    assert watch(field.store, field.settings, field.now).reopened == ()


def test_an_answer_after_the_closing_counts(field: Site, alone: tuple[str, str]) -> None:
    from data_models.events import Closed

    who, ticket = alone
    finish(field, who, ticket)
    with field.store.session() as session:
        add_events(session, [Closed(kind="ticket_closed", at=field.now, key="closed", by="li", ticket=ticket)], field.now)
    field.now += timedelta(hours=1)
    assert field.browser().post(path(field, ticket), data={"score": 4, "reopenings": 0}).status_code == 303
    with field.store.reading() as session:
        assert ticket_states(session, [ticket])[ticket].satisfaction == 4
        assert events_page(session, 50, ticket=ticket)[0][1] == "", "nothing is odd about it"


def test_guessing_and_hammering_are_stopped(field: Site, alone: tuple[str, str]) -> None:
    browser = field.browser()
    codes = [browser.get(f"/t/guess{number}").status_code for number in range(WRONG_PER_ADDRESS * 2 + 2)]
    assert codes[0] == 403
    assert codes[-1] == 429
    assert browser.get(path(field, alone[1])).status_code == 429, "whoever guesses has to wait with good links, too"
    browser = field.browser()
    assert 429 in {browser.get(path(field, alone[1])).status_code for _ in range(2 * PER_ADDRESS + 1)}


def test_the_link_goes_into_what_customers_are_told(field: Site, alone: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from data_models.events import Closed

    who, ticket = alone
    finish(field, who, ticket)
    channels = {"channels": {"customer": ["env:MAIL"]}}
    settings = field.settings.model_copy(update={"notices": type(field.settings.notices).model_validate(channels)})
    with field.store.session() as session:
        add_events(session, [Closed(kind="ticket_closed", at=field.now, key="closed", by="li", ticket=ticket)], field.now)
    watch(field.store, settings, field.now)
    with field.store.reading() as session:
        asked = [notice for notice in list_notices(session, ("waiting",)) if notice.template == "satisfaction_asked"]
        payload = session.scalar(select(tables.Notice.payload).where(tables.Notice.template == "satisfaction_asked"))
    assert len(asked) == 1
    address = dict(payload if isinstance(payload, dict) else json.loads(payload))["link"][0]["address"]
    assert address.startswith("https://service.example/t/")
    assert field.browser().get(address.removeprefix("https://service.example")).status_code == 200


def test_coordinators_can_copy_the_link_and_lookers_cannot(field: Site) -> None:
    page = field.browser("li").get("/tickets/TK-1/extras").text
    assert f'data-copy="https://service.example{path(field, "TK-1")}"' in page
    assert "data-copy" not in field.browser("zhou").get("/tickets/TK-1/extras").text
    assert field.browser("li").get("/tickets/nothing/extras").status_code == 404
    assert 'hx-get="/tickets/TK-6/extras"' in field.browser("li").get("/inbox/TK-6", headers={"hx-request": "true"}).text
