"""Who may do what: every route of the console stands in one table and is walked by somebody of each kind; a new one fails until it does."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from config.openid_settings import OpenIdSettings
from console.web.visitors import SESSION_COOKIE
from data_models.people import Role
from data_models.store.people import add_person, begin_session, person_by_login, session_of_token
from data_models.store.scenarios import keep_scenario, keep_study
from data_models.study import Scenario
from tests.console.web.conftest import Site
from tests.console.web.test_visitors import _routes
from tests.optimizer.studies import line_study

HERE, ELSEWHERE = "east", "west"

WALKERS: dict[str, tuple[Role, tuple[str, ...]] | None] = {
    "nobody": None,
    "viewer": ("viewer", ()),
    "viewer elsewhere": ("viewer", (ELSEWHERE,)),
    "coordinator": ("coordinator", (HERE,)),
    "coordinator elsewhere": ("coordinator", (ELSEWHERE,)),
    "planner": ("planner", ()),
    "technician": ("technician", ()),
    "administrator": ("administrator", ()),
}
ANYBODY = frozenset(WALKERS)
KNOWN = ANYBODY - {"nobody"}
LOOK = KNOWN - {"technician"}
"""At pages that show each what is theirs."""
SEE = frozenset({"viewer", "coordinator", "planner", "administrator"})
"""What belongs to the region HERE."""
DESK = frozenset({"coordinator"})
OFFICE = frozenset({"administrator"})
ON_THE_ROAD = frozenset({"technician"})
STUDIO = frozenset({"planner", "administrator"})
NONE: frozenset[str] = frozenset()
"""What is asked for does not exist here: it must look like that to everybody."""

CHANGE = {"json": {"change": {"kind": "leave_out", "ticket": "TK-1"}}}
Row = tuple[frozenset[str], dict[str, Any]]

WHO: dict[str, Row] = {
    "GET /login": (ANYBODY, {}),
    "POST /login": (ANYBODY, {"data": {"login": "x", "password": "y"}}),
    "GET /login/openid": (ANYBODY, {}),
    "GET /login/openid/back": (ANYBODY, {}),
    "POST /language": (ANYBODY, {"data": {"language": "zh"}}),
    "GET /logged-in": (KNOWN, {}),
    "POST /logout": (KNOWN, {}),
    "GET /": (KNOWN, {}),
    "GET /live": (KNOWN, {}),
    "GET /plans": (LOOK, {}),
    "GET /map/base": (LOOK, {}),
    "GET /plans/{plan_id}": (SEE, {}),
    "GET /plans/{plan_id}/data": (SEE, {}),
    "GET /plans/{plan_id}/tickets/{ticket_id}": (SEE, {}),
    "GET /plans/{plan_id}/tickets/{ticket_id}/why": (SEE, {}),
    "GET /plans/{plan_id}/tickets/{ticket_id}/others": (SEE, {}),
    "GET /plans/{plan_id}/technicians/{technician_id}": (SEE, {}),
    "POST /plans/{plan_id}/changes/try": (DESK, CHANGE),
    "POST /plans/{plan_id}/changes": (DESK, {"json": CHANGE["json"] | {"seen": 0, "reason": "safety"}}),
    "POST /plans/{plan_id}/undo": (DESK, {"json": {"seen": 1}}),
    "POST /plans/{plan_id}/redo": (DESK, {"json": {"seen": 1}}),
    "POST /plans/{plan_id}/improve": (DESK, {"json": {"seen": 9, "seconds": 0.1}}),
    "GET /plans/{plan_id}/news": (DESK, {}),
    "POST /plans/{plan_id}/approve": (DESK, {"data": {"version": 99, "seen": 0}}),
    "POST /plans/{plan_id}/reject": (DESK, {"data": {"version": 99, "reason": "x"}}),
    "GET /inbox": (LOOK, {}),
    "GET /inbox/list": (LOOK, {}),
    "GET /inbox/count": (LOOK, {}),
    "GET /inbox/{ticket_id}": (SEE, {}),
    "POST /inbox/{ticket_id}/send": (DESK, {"data": {"technicians": "T-9"}}),
    "GET /my": (ON_THE_ROAD, {}),
    "GET /my/list": (ON_THE_ROAD, {}),
    "GET /my/visits/{ticket_id:path}": (ON_THE_ROAD, {}),
    "POST /my/events": (ON_THE_ROAD, {"json": {"kind": "technician_accepted"}}),
    "POST /my/photos": (ON_THE_ROAD, {"params": {"key": "k"}}),
    "GET /my/worker.js": (ANYBODY, {}),
    "GET /t/{token}": (NONE, {}),
    "POST /t/{token}": (NONE, {"data": {"score": "5"}}),
    "GET /tickets/{ticket_id:path}/extras": (SEE, {}),
    "GET /attachments/{number}": (NONE, {}),
    "GET /studies": (STUDIO, {}),
    "POST /studies/upload": (STUDIO, {}),
    "POST /studies/company": (STUDIO, {"data": {"days": "0"}}),
    "GET /studies/{number}": (STUDIO, {}),
    "GET /studies/{number}/file": (STUDIO, {}),
    "GET /studies/{number}/scenarios/{scenario}": (STUDIO, {}),
    "GET /studies/{number}/scenarios/{scenario}/file": (STUDIO, {}),
    "POST /studies/{number}/reach": (STUDIO, {"json": {"changes": []}}),
    "POST /studies/{number}/formula": (STUDIO, {"json": {"changes": []}}),
    "POST /studies/{number}/scenarios": (STUDIO, {"data": {"name": ""}}),
    "POST /studies/{number}/scenarios/upload": (STUDIO, {}),
    "POST /studies/{number}/scenarios/{scenario}": (STUDIO, {"json": {}}),
    "POST /studies/{number}/scenarios/{scenario}/copy": (STUDIO, {"data": {"name": ""}}),
    "POST /studies/{number}/scenarios/{scenario}/rename": (STUDIO, {"data": {"name": ""}}),
    "POST /studies/{number}/scenarios/{scenario}/remove": (STUDIO, {"data": {"version": "99"}}),
    "POST /studies/{number}/remove": (STUDIO, {}),
    "GET /me": (KNOWN, {}),
    "POST /me/password": (KNOWN, {"data": {"old": "x", "new": "y", "again": "z"}}),
    "POST /me/language": (KNOWN, {"data": {"language": "zh"}}),
    "POST /me/sessions/end": (KNOWN, {"data": {"digest": "x"}}),
    "GET /people": (OFFICE, {}),
    "POST /people": (OFFICE, {"data": {"login": "new", "role": "viewer"}}),
    "GET /people/{person_id}": (OFFICE, {}),
    "POST /people/{person_id}": (OFFICE, {"data": {"name": "x", "role": "viewer"}}),
    "POST /people/{person_id}/password": (OFFICE, {}),
    "POST /people/{person_id}/disable": (OFFICE, {}),
    "POST /people/{person_id}/enable": (OFFICE, {}),
    "POST /people/{person_id}/log-out": (OFFICE, {}),
    "GET /tokens": (OFFICE, {}),
    "POST /tokens": (OFFICE, {"data": {"name": "erp", "scopes": "plans:read"}}),
    "POST /tokens/{number}/revoke": (OFFICE, {}),
    "GET /audit": (OFFICE, {}),
    "GET /audit/verdict": (OFFICE, {}),
}
"""For each route, who may, and what must be sent along for the question to come up."""

ENDLESS = {"GET /live"}
"""Asked only by those who may not."""


@pytest.fixture
def walked(site: Site) -> Site:
    """A console whose draft, sites and stations are in the region HERE, with somebody of each kind."""
    openid = OpenIdSettings(issuer="http://127.0.0.1:9", client_id="x", client_secret=SecretStr("x"))
    site.settings = site.settings.model_copy(update={"openid": openid})
    with site.store.engine.begin() as connection:
        for table in ("site", "station"):
            connection.execute(text(f"UPDATE {table} SET region = '{HERE}'"))  # noqa: S608
        connection.execute(text(f"UPDATE plan SET region = '{HERE}'"))  # noqa: S608
    with site.store.session() as session:
        study = line_study({"S": 0}, {"a": 30}, [("a", 9)])
        keep_study(session, study, "tests", site.now)
        keep_scenario(session, study.name, Scenario("another"), "tests", site.now)
        for name, kind in WALKERS.items():
            if kind is not None:
                add_person(
                    session, name.replace(" ", "-"), name, kind[0], site.now, regions=kind[1],
                    technician="T-1" if kind[0] == "technician" else None,
                )  # fmt: skip
    return site


def _walker(site: Site, client: TestClient, name: str) -> dict[str, str]:
    """Makes a browser that of somebody, and gives the headers of their own requests."""
    client.cookies.clear()
    if WALKERS[name] is None:
        return {}
    with site.store.session() as session:
        token = begin_session(session, person_by_login(session, name.replace(" ", "-")).id, site.now)
        kept = session_of_token(session, token, site.now)
    assert kept is not None
    client.cookies.set(SESSION_COOKIE, token)
    return {"x-csrf-token": kept.csrf}


def _lets_in(client: TestClient, name: str, route: str, path: str, headers: dict[str, str]) -> bool:
    """Whether a route lets somebody in: it then answers, or refuses for another reason than who they are."""
    answer = client.request(route.split(" ")[0], path, headers=headers, **WHO[route][1])
    assert answer.status_code < 500 or route == "GET /login/openid", (name, route, answer.text[:500])
    if answer.status_code == 303:
        way = answer.headers["location"]
        return not way.startswith("/login") or (route, way) == ("POST /logout", "/login")
    # Of the login's own pages, a refusal is an answer to what was typed; of one's own page likewise.
    return answer.status_code not in (401, 403, 404) or route in ("POST /login", "GET /login/openid/back", "POST /me/password")


def test_every_route_is_in_the_table(site: Site) -> None:
    routes = {f"{method} {route.path}" for route in _routes(site.browser().app) for method in route.methods}
    assert len(routes) > 30
    assert routes - set(WHO) == set(), "say in WHO who may"


@pytest.mark.parametrize("name", list(WALKERS))
def test_each_is_let_in_where_the_table_says_and_nowhere_else(walked: Site, name: str) -> None:
    client = walked.browser()
    there = {f"{method} {route.path}" for route in _routes(client.app) for method in route.methods}
    with walked.store.reading() as session:
        viewer = person_by_login(session, "viewer").id
    wrong = []
    for route, (who, _) in WHO.items():
        if route not in there or (route in ENDLESS and name in who):
            continue
        headers = _walker(walked, client, name)
        path = (
            route.split(" ")[1]
            .replace("{plan_id}", str(walked.draft))
            .replace("{ticket_id}", "TK-1")
            .replace("{token}", "x")
            .replace("{technician_id}", "T-1")
            .replace("{scenario}", "1")
        )
        path = path.replace("{person_id}", str(viewer)).replace("{number}", "1").replace("{ticket_id:path}", "TK-1")
        if _lets_in(client, name, route, path, headers) != (name in who):
            wrong.append(route)
    assert wrong == []


def test_nothing_of_another_region_is_on_the_pages_that_show_each_what_is_theirs(walked: Site) -> None:
    client = walked.browser()
    for path in ("/plans", "/inbox", "/inbox/list"):
        headers = _walker(walked, client, "coordinator")
        assert "TK-" in client.get(path, headers=headers).text or f"/plans/{walked.draft}" in client.get(path, headers=headers).text
        _walker(walked, client, "coordinator elsewhere")
        shown = client.get(path).text
        assert "TK-" not in shown
        assert f"/plans/{walked.draft}" not in shown


def test_what_is_not_there_and_what_is_anothers_look_the_same(walked: Site) -> None:
    client = walked.browser()
    _walker(walked, client, "coordinator elsewhere")
    answers = [
        client.get(path, headers={"accept": "application/json"})
        for path in (f"/plans/{walked.draft}", "/plans/999", "/inbox/TK-1", "/inbox/TK-999")
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_ids_that_no_database_holds_are_refused_as_unknown(walked: Site) -> None:
    client = walked.browser()
    headers = _walker(walked, client, "administrator")
    for path in ("/people/0", "/people/99999999999999999999", "/people/x", "/people/999999"):
        assert client.get(path).status_code in (404, 422), path
    assert client.post("/tokens/99999999999999999999/revoke", headers=headers).status_code in (404, 422)
    assert client.get("/audit", params={"below": "99999999999999999999"}).status_code == 422


def test_an_administrator_of_a_region_only_administers_nothing(walked: Site) -> None:
    """None can be made; one whose row was changed from outside has no more than that region."""
    client = walked.browser()
    with walked.store.engine.begin() as connection:
        connection.execute(text("UPDATE account SET regions = '[\"east\"]' WHERE login = 'administrator'"))
    _walker(walked, client, "administrator")
    for path in ("/people", "/tokens", "/audit"):
        assert client.get(path).status_code == 403
