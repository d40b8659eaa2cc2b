"""Pages for people, tokens, the audit trail and one's own account: what administrators do there, and what nobody can."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from console.web.logins import PER_LOGIN
from console.web.visitors import SESSION_COOKIE
from data_models.store.audit import list_audit, verify_audit, write_audit
from data_models.store.people import IDLE, LONGEST, list_tokens, person_by_login, token_of
from tests.console.web.conftest import PASSWORD, Site, csrf_of

NEW = "a new long passphrase"


def _post(browser: TestClient, path: str, page: str = "/me", **form: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get(page).text)} | form)


def _secret(page: str) -> str:
    return re.findall(r"<code>([^<]+)</code>", page)[0]


def _number(site: Site, login: str) -> int:
    with site.store.reading() as session:
        return person_by_login(session, login).id


def _log_in(browser: TestClient, login: str, password: str) -> int:
    return int(browser.post("/login", data={"login": login, "password": password}).status_code)


def test_somebody_is_added_with_a_first_password_that_they_must_change(site: Site) -> None:
    root, mei = site.browser("root"), site.browser()
    page = _post(root, "/people", "/people", login="Mei", name="梅", role="coordinator", language="zh")
    assert page.status_code == 200
    password = _secret(page.text)
    assert len(password) == 16
    assert password not in root.get("/people").text, "shown once"
    assert _log_in(mei, "mei", password) == 303
    assert mei.get("/plans").headers["location"] == "/me"
    assert mei.get("/plans", headers={"accept": "application/json"}).status_code == 403
    assert "自己的密码" in mei.get("/me").text, "in the language that was chosen for them"
    answer = _post(mei, "/me/password", old=password, new=NEW, again=NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me?changed=1")
    assert mei.get("/plans").status_code == 200
    assert _log_in(site.browser(), "mei", password) == 401
    assert _log_in(site.browser(), "mei", NEW) == 303


def test_what_changes_is_in_the_audit_trail_with_both_values_and_no_password(site: Site) -> None:
    root, number = site.browser("root"), _number(site, "zhou")
    path = f"/people/{number}"
    assert _post(root, path, path, name="Zhou", role="planner", language="en").status_code == 303
    password = _secret(_post(root, f"{path}/password", path).text)
    _post(root, f"{path}/disable", path)
    with site.store.reading() as session:
        entries = list_audit(session, 4)
    assert [(entry.by, entry.action, entry.subject) for entry in entries] == [
        ("root", "person shut out", "zhou"),
        ("root", "password reset", "zhou"),
        ("root", "person changed", "zhou"),
        ("root", "logged in", "root"),
    ]
    assert '"role": ["viewer", "planner"]' in entries[2].details
    assert all(password not in entry.details for entry in entries)


def test_a_change_holds_from_the_next_request_and_shutting_out_at_once(site: Site) -> None:
    root, zhou, number = site.browser("root"), site.browser("zhou"), _number(site, "zhou")
    path = f"/people/{number}"
    assert zhou.get("/plans").status_code == 200
    _post(root, path, path, name="z", role="technician", technician="T-1")
    assert zhou.get("/plans").status_code == 403
    _post(root, f"{path}/disable", path)
    assert zhou.get("/me").status_code == 303
    assert _log_in(site.browser(), "zhou", PASSWORD) == 401
    _post(root, f"{path}/enable", path)
    assert _log_in(site.browser(), "zhou", PASSWORD) == 303


def test_the_last_administrator_can_neither_be_shut_out_nor_made_less(site: Site) -> None:
    root, number = site.browser("root"), _number(site, "root")
    path = f"/people/{number}"
    assert _post(root, f"{path}/disable", path).status_code == 409
    answer = _post(root, path, path, name="root", role="viewer")
    assert answer.status_code == 409
    assert "last administrator" in answer.text
    _post(root, "/people", "/people", login="second", role="administrator")
    assert _post(root, path, path, name="root", role="viewer").status_code == 303


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"login": "li", "role": "viewer"}, "li exists already"),
        ({"login": "two words", "role": "viewer"}, "without spaces"),
        ({"login": "x", "role": "king"}, "role king"),
        ({"login": "x", "role": "technician"}, "names the technician"),
        ({"login": "x", "role": "technician", "technician": "T-99"}, "T-99 does not exist"),
        ({"login": "x", "role": "coordinator", "regions": "moon"}, "region moon"),
        ({"login": "<script>x</script>", "name": "<b>", "role": "king"}, "role king"),
    ],
)
def test_what_is_wrong_in_the_form_is_named_and_what_was_typed_stays(site: Site, form: dict[str, str], says: str) -> None:
    root = site.browser("root")
    answer = _post(root, "/people", "/people", **form)
    assert answer.status_code in (409, 422)
    assert says in answer.text
    assert "<script>x" not in answer.text
    assert 'role="alert"' in answer.text


def test_an_administrators_role_holds_everywhere(site: Site) -> None:
    with site.store.engine.begin() as connection:
        connection.execute(text("UPDATE site SET region = 'east'"))
    answer = _post(site.browser("root"), "/people", "/people", login="x", role="administrator", regions="east")
    assert (answer.status_code, "holds everywhere" in answer.text) == (422, True)


def test_ones_own_password_needs_the_old_one_and_ends_all_other_sessions(site: Site) -> None:
    here, there = site.browser("li"), site.browser("li")
    before = here.cookies[SESSION_COOKIE]
    for old, new, again, status in (
        ("wrong", NEW, NEW, 403),
        (PASSWORD, NEW, "other", 422),
        (PASSWORD, "short", "short", 422),
        (PASSWORD, PASSWORD, PASSWORD, 422),
    ):
        assert _post(here, "/me/password", old=old, new=new, again=again).status_code == status
    assert there.get("/me").status_code == 200
    assert _post(here, "/me/password", old=PASSWORD, new=NEW, again=NEW).status_code == 303
    assert here.get("/me").status_code == 200
    assert here.cookies[SESSION_COOKIE] != before
    assert there.get("/me").status_code == 303


def test_passwords_cannot_be_tried_out_at_an_open_browser(site: Site) -> None:
    browser = site.browser("li")
    csrf = csrf_of(browser.get("/me").text)
    form = {"csrf": csrf, "old": "guess", "new": NEW, "again": NEW}
    codes = [browser.post("/me/password", data=form).status_code for _ in range(3 * PER_LOGIN)]
    assert set(codes) == {403, 429}
    assert codes.count(403) <= 2 * PER_LOGIN, "a minute may turn over in between"


def test_one_sees_and_ends_ones_sessions_and_nobody_elses(site: Site) -> None:
    here, there, other = site.browser("li"), site.browser("li"), site.browser("zhou")
    digests = re.findall(r'name="digest" value="([0-9a-f]{64})"', here.get("/me").text)
    assert len(digests) == 1, "this browser's own is told apart"
    _post(other, "/me/sessions/end", digest=digests[0])
    assert there.get("/me").status_code == 200
    _post(here, "/me/sessions/end", digest=digests[0])
    assert there.get("/me").status_code == 303
    third = site.browser("li")
    assert _post(here, "/me/sessions/end").status_code == 303
    assert here.get("/me").status_code == third.get("/me").status_code == 303
    assert other.get("/me").status_code == 200


def test_an_administrator_ends_anybodys_sessions(site: Site) -> None:
    root, li, path = site.browser("root"), site.browser("li"), f"/people/{_number(site, 'li')}"
    assert "1 session runs" in root.get(path).text
    _post(root, f"{path}/log-out", path)
    assert li.get("/me").status_code == 303


def test_a_session_that_was_planted_is_worth_nothing_after_the_login(site: Site) -> None:
    attacker = site.browser("zhou")
    planted = attacker.cookies[SESSION_COOKIE]
    victim = site.browser()
    victim.cookies.set(SESSION_COOKIE, planted)
    assert _log_in(victim, "li", PASSWORD) == 303
    tokens = [cookie.value for cookie in victim.cookies.jar if cookie.name == SESSION_COOKIE and cookie.value != planted]
    assert len(tokens) == 1, "the login made one of its own"
    assert attacker.get("/me").status_code == 303, "and the planted one ended"


def test_a_session_ends_when_it_is_too_old_however_much_it_is_used(site: Site) -> None:
    browser, began = site.browser("li"), site.now
    step = IDLE - timedelta(minutes=1)
    while site.now + step < began + LONGEST:
        site.now += step
        assert browser.get("/me").status_code == 200
    site.now = began + LONGEST
    assert browser.get("/me").status_code == 303


def test_a_csrf_token_serves_its_own_session_only(site: Site) -> None:
    li, zhou = site.browser("li"), site.browser("zhou")
    stolen = csrf_of(zhou.get("/me").text)
    assert li.post("/me/language", data={"csrf": stolen, "language": "zh"}).status_code == 403
    old = csrf_of(li.get("/me").text)
    _post(li, "/logout")
    assert _log_in(li, "li", PASSWORD) == 303
    assert li.post("/me/language", data={"csrf": old, "language": "zh"}).status_code == 403, "replayed from a session before"
    assert li.post("/me/language", data={"language": "zh"}).status_code == 403
    assert li.post("/me/language?csrf=" + csrf_of(li.get("/me").text), data={"language": "zh"}).status_code == 403, "not in the address"


def test_a_language_is_remembered_for_the_person_on_every_device(site: Site) -> None:
    _post(site.browser("li"), "/me/language", language="zh")
    other = site.browser("li", language="en")
    assert '<html lang="zh-CN">' in other.get("/me").text


def test_a_token_is_shown_once_and_revoked(site: Site) -> None:
    root = site.browser("root")
    page = _post(root, "/tokens", "/tokens", name="erp <b>", scopes=["plans:read", "tickets:read"], days="30")
    token = _secret(page.text)
    with site.store.reading() as session:
        kept = token_of(session, token, site.now)
        assert kept is not None
        assert set(kept.scopes) == {"plans:read", "tickets:read"}
        assert token_of(session, token, site.now + timedelta(days=30)) is None
        assert list_tokens(session)[0].created_by == "root"
    shown = root.get("/tokens").text
    assert token not in shown
    assert "erp &lt;b&gt;" in shown
    _post(root, f"/tokens/{kept.id}/revoke", "/tokens")
    with site.store.reading() as session:
        assert token_of(session, token, site.now) is None
    for wrong in (
        {"name": "x"},
        {"name": "x", "scopes": "everything"},
        {"name": " ", "scopes": "plans:read"},
        {"name": "x", "scopes": "plans:read", "days": "0"},
    ):
        assert _post(root, "/tokens", "/tokens", **wrong).status_code == 422


def test_the_audit_trail_is_filtered_and_paged(site: Site) -> None:
    with site.store.session() as session:
        for number in range(120):
            write_audit(
                session, "li" if number % 2 else "zhou", "counted", f"thing {number}", site.now + timedelta(minutes=number), {"n": number}
            )
    root = site.browser("root")
    seen: list[int] = []
    address: str | None = "/audit?action=counted&by=li"
    while address:
        page = root.get(address).text
        seen += [int(number) for number in re.findall(r"<td>thing (\d+)</td>", page)]
        more = re.search(r'href="(/audit[^"]+)" rel="next"', page)
        address = more[1].replace("&amp;", "&") if more else None
    assert seen == list(range(119, 0, -2))
    assert re.findall(r"<td>thing (\d+)</td>", root.get("/audit?subject=thing+7").text) == ["7"]
    # 2026-03-02 08:01 in Shanghai is the first; the day before has none of them.
    assert "Nothing was found" in root.get("/audit?action=counted&until=2026-03-01").text
    assert "Nothing was found" not in root.get("/audit?action=counted&until=2026-03-02").text
    assert root.get("/audit?since=nonsense").status_code == 200


def test_the_trail_says_how_far_it_is_sound(site: Site) -> None:
    root = site.browser("root")
    with site.store.reading() as session:
        entries = verify_audit(session).entries
    assert f"Verified up to entry {entries}:" in root.get("/audit/verdict").text
    with site.store.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_entry_no_update"))
        connection.execute(text("UPDATE audit_entry SET details = '{}', \"by\" = 'somebody' WHERE number = 2"))
    page = root.get("/audit/verdict").text
    assert "tampered with" in page
    assert "Verified up to entry 1." in page
