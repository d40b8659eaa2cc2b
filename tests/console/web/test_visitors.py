"""The gate: who is let in, that a request is their own doing, and that nothing is open that should be closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from console.web.logins import PER_LOGIN
from console.web.pages import login as login_page
from console.web.visitors import SESSION_COOKIE, is_own_path
from data_models.store.people import IDLE, disable_person
from tests.console.web.conftest import PASSWORD, Site, csrf_of

OPEN = {"/login", "/language", "/login/openid", "/login/openid/back", "/t/{token}", "/my/worker.js"}


def _routes(app: Any) -> Iterator[APIRoute]:
    """Every route of an application, those of its routers too."""
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner)
        elif isinstance(route, APIRoute):
            yield route


def test_every_page_is_closed_to_strangers(site: Site) -> None:
    browser = site.browser()
    routes = list(_routes(browser.app))
    assert len(routes) > 5
    for route in routes:
        if route.path in OPEN:
            continue
        path = route.path.replace("{plan_id}", str(site.draft)).replace("{ticket_id}", "TK-1")
        for method in route.methods:
            answer = browser.request(method, path)
            assert answer.status_code in (303, 401), (method, path)
            assert method != "GET" or answer.headers["location"].startswith("/login")


def test_after_the_login_one_is_where_one_wanted_to_be(site: Site) -> None:
    browser = site.browser()
    way = browser.get(f"/plans/{site.draft}").headers["location"]
    assert way == f"/login?next=/plans/{site.draft}"
    answer = browser.post("/login", data={"login": "li", "password": PASSWORD, "next": f"/plans/{site.draft}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/plans/{site.draft}")
    assert browser.get(f"/plans/{site.draft}").status_code == 200


def test_a_wrong_password_says_neither_which_part_is_wrong_nor_lets_in(site: Site) -> None:
    browser = site.browser()
    wrong = [browser.post("/login", data={"login": login, "password": "wrong"}) for login in ("li", "nobody")]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert wrong[0].text.replace("li", "") == wrong[1].text.replace("nobody", "").replace("li", "")
    assert browser.get("/plans").status_code == 303


def test_the_session_cookie_is_for_the_browser_alone(site: Site) -> None:
    cookie = site.browser().post("/login", data={"login": "li", "password": PASSWORD}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_request_without_the_token_of_the_page_changes_nothing(site: Site) -> None:
    browser = site.browser("li")
    for headers in ({}, {"x-csrf-token": "forged"}):
        assert browser.post("/logout", headers=headers).status_code == 403
    assert browser.get("/plans").status_code == 200
    token = csrf_of(browser.get("/plans").text)
    assert browser.post("/logout", headers={"x-csrf-token": token}).status_code == 303
    assert browser.get("/plans").status_code == 303


def test_another_sites_form_cannot_log_in(site: Site) -> None:
    answer = site.browser().post("/login", data={"login": "li", "password": PASSWORD}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_a_session_is_over_when_unused_and_when_its_person_is_shut_out(site: Site) -> None:
    browser = site.browser("li")
    site.now += IDLE - timedelta(seconds=1)
    assert browser.get("/plans").status_code == 200
    site.now += timedelta(hours=1)
    assert browser.get("/plans").status_code == 200, "using it keeps it"
    with site.store.session() as session:
        disable_person(session, "li", site.now)
    assert browser.get("/plans").status_code == 303


def test_a_flood_of_attempts_is_refused_before_any_password_is_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def look(_session: object, login: str, _password: str) -> None:
        looked_at.append(login)

    monkeypatch.setattr(login_page, "authenticate", look)
    browser = site.browser()
    codes = [browser.post("/login", data={"login": "LI" if n % 2 else "li", "password": "guess"}).status_code for n in range(500)]
    assert set(codes) == {401, 429}
    assert len(looked_at) <= 2 * PER_LOGIN, "a minute may turn over in between"
    others = [browser.post("/login", data={"login": f"x{n}", "password": "guess"}).status_code for n in range(40)]
    assert 429 in others, "whatever the login, an address may try only so often"


def test_a_forged_session_is_none(site: Site) -> None:
    browser = site.browser()
    for forged in ("x", "a" * 43, "' OR 1=1 --", "\u2603"):
        browser.cookies.set(SESSION_COOKIE, forged.encode("ascii", "ignore").decode() or "0")
        assert browser.get("/plans").status_code == 303


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/plans/1", True),
        ("/", True),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("https://evil.example", False),
        ("/a\nb", False),
    ],
)
def test_a_login_leads_to_our_own_pages_only(site: Site, path: str, own: bool) -> None:
    assert is_own_path(path) == own
    answer = site.browser().post("/login", data={"login": "li", "password": PASSWORD, "next": path})
    assert answer.headers["location"] == (path if own else "/")


def test_pages_let_in_no_code_but_our_own(site: Site) -> None:
    policy = site.browser("li").get("/plans").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy or "unsafe" not in policy.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'none'" in policy
