"""Who is let in: tokens with scopes and regions, expired, revoked, from the environment, and pages by their session and CSRF token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import update
from starlette.testclient import TestClient

from config.api_settings import ApiSettings
from console.api.access import NEEDS
from console.api.service import make_api
from console.web.application import make_console
from data_models import tables
from data_models.people import SCOPES
from data_models.store.people import begin_session, person_by_login, revoke_token, session_of_token

ADDRESSES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/tickets", "tickets:read"),
    ("GET", "/tickets/x", "tickets:read"),
    ("GET", "/tickets/x/answer", "tickets:read"),
    ("PUT", "/tickets/x", "tickets:write"),
    ("PATCH", "/tickets/x", "tickets:write"),
    ("POST", "/tickets/x/cancel", "tickets:write"),
    ("POST", "/tickets/x/reopen", "tickets:write"),
    ("GET", "/plans", "plans:read"),
    ("GET", "/plans/published", "plans:read"),
    ("GET", "/plans/1", "plans:read"),
    ("GET", "/plans/1/file", "plans:read"),
    ("GET", "/plans/1/routes", "plans:read"),
    ("GET", "/plans/1/difference", "plans:read"),
    ("POST", "/plans/2/approve", "plans:decide"),
    ("POST", "/plans/2/reject", "plans:decide"),
    ("GET", "/stations", "company:read"),
    ("GET", "/stations/x", "company:read"),
    ("GET", "/technicians", "company:read"),
    ("GET", "/technicians/x", "company:read"),
    ("GET", "/events", "events:read"),
    ("POST", "/events", "events:write"),
    ("POST", "/readings", "readings:write"),
    ("GET", "/audit", "audit:read"),
    ("GET", "/webhooks", "webhooks:manage"),
    ("POST", "/webhooks", "webhooks:manage"),
    ("GET", "/webhooks/1", "webhooks:manage"),
    ("PATCH", "/webhooks/1", "webhooks:manage"),
    ("DELETE", "/webhooks/1", "webhooks:manage"),
    ("POST", "/webhooks/1/ping", "webhooks:manage"),
)


def test_every_operation_asks_for_its_scope_and_no_other_will_do(company: Any) -> None:
    assert len(ADDRESSES) == sum(scope is not None for scope in NEEDS.values())
    for scope in SCOPES:
        # All the others together are not enough.
        caller = company.client(*(other for other in SCOPES if other != scope))
        for method, address, needed in ADDRESSES:
            status = caller.request(method, address, json=None if method in ("GET", "DELETE") else {}).status_code
            assert (status == 403) == (needed == scope), (method, address, scope, status)


def test_nobody_comes_in_without_a_token_and_nothing_of_the_body_is_looked_at(company: Any) -> None:
    for method, address, _ in ADDRESSES:
        answer = company.stranger().request(method, address, content=b"{", headers={"Content-Type": "text/plain"})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), address
        assert answer.json()["type"] == "urn:twohour:problem:not-admitted"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer twohour_x", "Basic dTpw", "Bearer \u00e4"])
def test_a_header_that_is_no_token_is_refused(company: Any, header: str) -> None:
    answer = company.stranger().get("/tickets", headers={"Authorization": header.encode("utf-8")})  # type: ignore[dict-item]
    assert answer.status_code == 401


def test_a_token_ends_at_its_moment_and_when_it_is_revoked(company: Any) -> None:
    caller = company.client("plans:read", days=1)
    company.now += timedelta(days=1, seconds=-1)
    assert caller.get("/plans").status_code == 200
    company.now += timedelta(seconds=1)
    assert caller.get("/plans").status_code == 401
    another = company.client("plans:read")
    with company.store.session() as session:
        revoke_token(session, company.ids(tables.ApiToken.id)[-1], company.now)
    assert another.get("/plans").status_code == 401


def test_what_a_token_has_not_made_a_region_of_does_not_exist(company: Any) -> None:
    company.split()
    east = company.client(regions=("east",))
    stations = company.ids(tables.Station.id, tables.Station.region == "west")
    people = company.ids(tables.Technician.id, tables.Technician.station_id.in_(stations))
    assert east.get(f"/stations/{stations[0]}").status_code == 404
    assert east.get(f"/technicians/{people[0]}").status_code == 404
    assert {one["region"] for one in east.get("/stations").json()["items"]} == {"east"}
    assert {one["region"] for one in east.get("/technicians").json()["items"]} == {"east"}
    # A plan of the whole company is only for those who are for the whole company.
    assert east.get("/plans").json()["items"] == []
    for address in ("/plans/1", "/plans/1/file", "/plans/1/routes", "/plans/2/difference", "/plans/published"):
        assert east.get(address).status_code == 404
    assert east.post("/plans/2/approve", json={}).status_code == 404
    for address in ("/audit", "/webhooks"):
        assert east.get(address).status_code == 403


def test_events_and_readings_of_another_region_are_refused_one_by_one(company: Any) -> None:
    company.split()
    east = company.client(regions=("east",))
    site = {region: company.ids(tables.Site.id, tables.Site.region == region)[0] for region in ("east", "west")}
    at = company.now.isoformat()
    opened = [
        {"kind": "ticket_opened", "at": at, "key": name, "ticket": f"SR-{name}", "site": name, "severity": "general", "type": "quality"}
        for name in site.values()
    ]
    jam = {"kind": "road_factor", "at": at, "key": "jam", "lat": 30, "lon": 120, "km": 5, "factor": 2, "until": "2026-03-02T12:00:00Z"}
    told = east.post("/events", json=[*opened, jam]).json()
    verdicts = {answer["key"]: answer["verdict"] for answer in told["answers"]}
    assert verdicts == {site["east"]: "counts", site["west"]: "refused", "jam": "refused"}
    company.client().post("/events", json=opened)
    assert {event["ticket"] for event in east.get("/events").json()["items"] if event["ticket"].startswith("SR-")} == {f"SR-{site['east']}"}
    reading = {"sensor": "K-1", "quantity": "moisture", "value": 0.1, "unit": "%", "at": at}
    taken = east.post("/readings", json=[reading | {"site": name} for name in site.values()]).json()
    assert [refused["position"] for refused in taken["refused"] if "region" in refused["says"]] == [1]


def test_tokens_of_the_environment_are_for_one_thing_each(company: Any) -> None:
    company = company.with_settings(api_token=SecretStr("a" * 16), readings_token=SecretStr("b" * 16))
    caller = company.stranger()
    for token, allowed in (("a" * 16, {"events:read", "events:write"}), ("b" * 16, {"readings:write"})):
        for method, address, needed in ADDRESSES:
            body = None if method in ("GET", "DELETE") else []
            status = caller.request(method, address, json=body, headers={"Authorization": f"Bearer {token}"}).status_code
            assert (status == 403) == (needed not in allowed), (address, status)
    short = company.with_settings(api_token=SecretStr("a" * 15))
    assert short.stranger().get("/events", headers={"Authorization": f"Bearer {'a' * 15}"}).status_code == 401


def test_a_page_may_read_by_its_session_and_change_only_with_its_csrf_token(company: Any) -> None:
    with company.store.session() as session:
        token = begin_session(session, person_by_login(session, "li").id, company.now)
        kept = session_of_token(session, token, company.now)
    assert kept is not None
    console = make_console(company.store, company.settings, now=lambda: company.now)
    page = TestClient(console, cookies={"twohour_session": token}, raise_server_exceptions=False)
    assert page.get("/api/plans").status_code == 200
    for headers in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": ""}):
        refused = page.post("/api/plans/2/reject", json={"reason": "no"}, headers=headers)
        assert (refused.status_code, "CSRF" in refused.json()["detail"]) == (403, True)
    # A coordinator does not administer.
    assert page.get("/api/audit").status_code == 403
    done = page.post("/api/plans/2/reject", json={"reason": "no"}, headers={"X-CSRF-Token": kept.csrf})
    assert (done.status_code, done.json()["state"]) == (200, "rejected")
    assert company.client("plans:read").get("/plans/2").json()["decisions"][-1]["by"] == "li"


def test_whoever_has_a_password_that_somebody_else_gave_must_change_it_first(company: Any) -> None:
    with company.store.session() as session:
        token = begin_session(session, person_by_login(session, "li").id, company.now)
        session.execute(update(tables.Account).where(tables.Account.login == "li").values(must_change=True))
    console = make_console(company.store, company.settings, now=lambda: company.now)
    refused = TestClient(console, cookies={"twohour_session": token}).get("/api/plans")
    assert (refused.status_code, "password" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    ("method", "address", "headers", "content", "status", "slug"),
    [
        ("GET", "/nowhere", {}, b"", 404, "not-found"),
        ("GET", "/plans/999", {}, b"", 404, "not-found"),
        ("DELETE", "/plans", {}, b"", 405, "method-not-allowed"),
        ("PUT", "/tickets/x", {"Content-Type": "text/plain"}, b"{}", 415, "unsupported-media-type"),
        ("POST", "/events", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415, "unsupported-media-type"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b"{", 400, "not-json"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b"[" * 100_000, 400, "not-json"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b'"\\ud800"', 422, "bad-input"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b'{"title": "\\ud800"}', 422, "bad-input"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b'{"\\ud800": 1}', 422, "bad-input"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b'{"load": NaN}', 422, "bad-input"),
        ("PUT", "/tickets/x", {"Content-Type": "application/json"}, b" " * 262_145, 413, "too-large"),
        ("PUT", "/tickets/" + "x" * 65, {"Content-Type": "application/json"}, b"{}", 422, "bad-input"),
        ("GET", "/tickets/%00", {}, b"", 422, "bad-input"),
        ("GET", "/plans/99999999999999999999", {}, b"", 422, "bad-input"),
    ],
)
def test_every_error_is_a_problem_of_a_stable_type(
    company: Any, method: str, address: str, headers: dict[str, str], content: bytes, status: int, slug: str
) -> None:
    answer = company.client().request(method, address, headers=headers, content=content or None)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"urn:twohour:problem:{slug}"
    assert "Traceback" not in answer.text


def test_a_body_that_does_not_tell_its_length_is_bounded_too(company: Any) -> None:
    answer = company.client().put("/tickets/x", content=iter([b" " * 200_000] * 2), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_a_fault_of_ours_is_told_without_its_inside(company: Any) -> None:
    caller = company.client()
    with company.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_entry RENAME TO elsewhere")
    answer = caller.get("/audit")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:twohour:problem:unavailable")
    assert "SELECT" not in answer.text


def test_whoever_asks_too_often_waits(company: Any) -> None:
    company = company.with_settings(api=ApiSettings(requests_per_minute=3, strangers_per_minute=2))
    application = make_api(company.store, company.settings, now=lambda: company.now)
    token = company.client("plans:read").headers["authorization"]
    known, stranger = TestClient(application, headers={"Authorization": token}), TestClient(application)
    assert [known.get("/plans").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert [stranger.get("/plans").status_code for _ in range(3)] == [401, 401, 429]
    refused = known.get("/plans")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["type"] == "urn:twohour:problem:too-many-requests"
