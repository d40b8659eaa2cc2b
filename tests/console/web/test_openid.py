"""Login by OpenID Connect against a provider that runs here: who gets in, as what, and every token that must not be believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from sqlalchemy import func, select
from starlette.testclient import TestClient

from config.openid_settings import OpenIdSettings
from config.settings import load_settings
from data_models import tables
from data_models.errors import BadInput
from data_models.store.audit import list_audit
from data_models.store.openid import LONGEST
from data_models.store.people import disable_person, person_by_login
from tests.console.web.conftest import Site
from tests.console.web.openid_provider import CLIENT, SECRET, Provider, running


@pytest.fixture
def provider(site: Site) -> Iterator[Provider]:
    """A provider, which the console of `site` is set to."""
    with running(lambda: site.now) as provider:
        _set(site, provider)
        yield provider


def _set(site: Site, provider: Provider, **more: Any) -> None:
    openid = OpenIdSettings(issuer=provider.address, client_id=CLIENT, client_secret=SecretStr(SECRET), name="Keycloak", **more)
    site.settings = site.settings.model_copy(update={"openid": openid})


def _sent_back(browser: TestClient, next: str = "/plans") -> str:
    """The way to the provider and through it: the address that the browser is sent back to."""
    answer = browser.get("/login/openid", params={"next": next})
    assert answer.status_code == 303, answer.text
    return httpx.get(answer.headers["location"]).headers["location"]


def _back(browser: TestClient, address: str) -> httpx.Response:
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}")


def _is_in(browser: TestClient) -> bool:
    return browser.get("/plans").status_code == 200


def test_whoever_the_provider_knows_is_let_in_and_comes_to_where_they_wanted(site: Site, provider: Provider) -> None:
    browser = site.browser()
    assert "Log in by Keycloak" in browser.get("/login").text
    answer = _back(browser, _sent_back(browser, f"/plans/{site.draft}"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/plans/{site.draft}")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert _is_in(browser)
    with site.store.reading() as session:
        row = session.scalar(select(tables.Account).where(tables.Account.login == "li"))
        assert row is not None
        assert row.subject == f"{provider.address}#42"
        assert [entry.action for entry in list_audit(session, 2)] == ["logged in", "person linked to OpenID"]


def test_the_request_holds_pkce_state_and_nonce_of_its_own(site: Site, provider: Provider) -> None:
    asked = [parse_qs(urlsplit(site.browser().get("/login/openid").headers["location"]).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) >= 43
        assert asked[0][name] != asked[1][name]
    assert asked[0]["redirect_uri"] == ["http://testserver/login/openid/back"]


def test_without_a_provider_there_is_no_such_page(site: Site) -> None:
    browser = site.browser()
    assert browser.get("/login/openid").status_code == 404
    assert browser.get("/login/openid/back?state=x&code=y").status_code == 404
    assert "/login/openid" not in browser.get("/login").text


OTHER_KEY = RSAKey.generate_key(2048)


def _with(**changes: Any) -> Any:
    return lambda claims: {name: value for name, value in (claims | changes).items() if value is not None}


def _by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes = b"") -> str:
    """A token that no library would make: unsigned, or signed with a secret that everybody knows."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    signed = hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest() if secret else b""
    return ".".join([*parts, base64.urlsafe_b64encode(signed).rstrip(b"=").decode()])


def _lies(provider: Provider) -> dict[str, tuple[str, Any]]:
    """By name: what of the provider is twisted, and how."""
    now = int(provider.now().timestamp())
    public, kid = provider.key.as_pem(private=False), provider.key.kid
    return {
        "signed by another key": ("sign", lambda claims: provider.signed(claims, OTHER_KEY)),
        "not signed": ("sign", lambda claims: _by_hand({"alg": "none", "kid": kid}, claims)),
        "signed with the public key as a secret": ("sign", lambda claims: _by_hand({"alg": "HS256", "kid": kid}, claims, public)),
        "changed after it was signed": ("sign", lambda claims: _changed(provider.signed(claims))),
        "no token at all": ("sign", lambda _claims: "x"),
        "over": ("claims", _with(exp=now - 61)),
        "never over": ("claims", _with(exp=None)),
        "of the future": ("claims", _with(iat=now + 3600, nbf=now + 3600)),
        "for another console": ("claims", _with(aud="another")),
        "for another console too": ("claims", _with(aud=[CLIENT, "another"])),
        "of another party": ("claims", _with(azp="another")),
        "for nobody": ("claims", _with(aud=None)),
        "of another issuer": ("claims", _with(iss="http://elsewhere.example")),
        "with the nonce of another attempt": ("claims", _with(nonce="n" * 43)),
        "without a nonce": ("claims", _with(nonce=None)),
        "of nobody": ("claims", _with(sub=None)),
        "with another's access token": ("claims", _with(at_hash="x" * 22)),
    }


LIES = (
    "signed by another key",
    "not signed",
    "signed with the public key as a secret",
    "changed after it was signed",
    "no token at all",
    "over",
    "never over",
    "of the future",
    "for another console",
    "for another console too",
    "of another party",
    "for nobody",
    "of another issuer",
    "with the nonce of another attempt",
    "without a nonce",
    "of nobody",
    "with another's access token",
)


def _changed(token: str) -> str:
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    body = base64.urlsafe_b64encode(json.dumps(claims | {"preferred_username": "root"}).encode()).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_to_be_believed_lets_nobody_in(site: Site, provider: Provider, lie: str) -> None:
    what, how = _lies(provider)[lie]
    setattr(provider, what, how)
    browser = site.browser()
    answer = _back(browser, _sent_back(browser))
    assert answer.status_code == 403, answer.text
    assert "not to be believed" in answer.text
    assert not _is_in(browser)


def test_a_token_that_is_over_by_less_than_clocks_differ_is_believed(site: Site, provider: Provider) -> None:
    provider.claims = _with(exp=int(site.now.timestamp()) - 59)
    browser = site.browser()
    assert _back(browser, _sent_back(browser)).status_code == 303


def test_coming_back_twice_or_with_another_state_or_from_another_browser_is_refused(site: Site, provider: Provider) -> None:
    browser = site.browser()
    way = _sent_back(browser)
    forged = way.replace("state=", "state=x")
    assert _back(browser, forged).status_code == 403
    thief = site.browser()
    thief.get("/login/openid")
    assert _back(thief, way).status_code == 403, "begun in another browser"
    assert _back(browser, way).status_code == 403, "and not to be used after that"
    assert provider.exchanged == 0, "the code was not even shown to the provider"
    way = _sent_back(browser)
    assert _back(browser, way).status_code == 303
    other = site.browser()
    other.cookies.update({name: value for name, value in browser.cookies.items() if name != "twohour_session"})
    assert _back(other, way).status_code == 403, "replayed"
    assert not _is_in(other)
    assert not _is_in(thief)


def test_an_attempt_is_over_after_a_while(site: Site, provider: Provider) -> None:
    browser = site.browser()
    way = _sent_back(browser)
    site.now += LONGEST
    assert _back(browser, way).status_code == 403


def test_a_refusal_of_the_provider_is_told(site: Site, provider: Provider) -> None:
    browser = site.browser()
    state = parse_qs(urlsplit(_sent_back(browser)).query)["state"][0]
    answer = browser.get("/login/openid/back", params={"state": state, "error": "<script>access_denied"})
    assert answer.status_code == 403
    assert "<script>access_denied" not in answer.text
    way = _sent_back(browser)
    assert browser.get(urlsplit(way).path + "?" + urlsplit(way).query.replace("code=", "code=x")).status_code == 403
    way = _sent_back(browser)
    assert _back(browser, way.split("&iss=")[0] + "&iss=http%3A%2F%2Felsewhere.example").status_code == 403


def test_nobody_gets_an_account_unless_that_is_set(site: Site, provider: Provider) -> None:
    provider.person = {"sub": "7", "preferred_username": "New.One", "name": "新人"}
    browser = site.browser()
    assert "new.one" in _back(browser, _sent_back(browser)).text.casefold()
    assert not _is_in(browser)
    _set(site, provider, make_accounts=True)
    browser = site.browser()
    assert _back(browser, _sent_back(browser)).status_code == 303
    assert _is_in(browser)
    with site.store.reading() as session:
        made = person_by_login(session, "new.one")
        assert (made.role, made.name) == ("viewer", "新人")
    assert browser.post("/login", data={"login": "new.one", "password": ""}).status_code == 401, "no password lets them in"


def test_roles_and_regions_are_those_of_the_claims_at_each_login(site: Site, provider: Provider) -> None:
    roles = {"twohour-admins": "administrator", "dispatch": "coordinator"}
    _set(site, provider, make_accounts=True, role_claim="realm.groups", roles=roles, regions_claim="areas", regions={"East China": "华东"})
    provider.person = {"sub": "8", "preferred_username": "mei", "realm": {"groups": ["x", "dispatch"]}, "areas": ["East China", "Moon"]}

    def log_in() -> httpx.Response:
        browser = site.browser()
        return _back(browser, _sent_back(browser))

    def person() -> tuple[str, tuple[str, ...]]:
        with site.store.reading() as session:
            found = person_by_login(session, "mei")
        return found.role, found.regions

    assert log_in().status_code == 303
    assert person() == ("coordinator", ("华东",))
    provider.person |= {"realm": {"groups": ["dispatch", "twohour-admins"]}}
    assert log_in().status_code == 303
    assert person() == ("administrator", ()), "the first that the settings name; an administrator's role holds everywhere"
    provider.person |= {"realm": {"groups": ["x"]}}
    assert "names no role of ours" in log_in().text
    provider.person |= {"realm": {"groups": ["dispatch"]}, "areas": "Moon"}
    assert "names no region of ours" in log_in().text


def test_an_account_that_is_shut_out_or_anothers_stays_closed(site: Site, provider: Provider) -> None:
    browser = site.browser()
    assert _back(browser, _sent_back(browser)).status_code == 303
    provider.person |= {"sub": "43"}
    other = site.browser()
    assert "belongs to somebody else" in _back(other, _sent_back(other)).text
    provider.person |= {"sub": "42"}
    with site.store.session() as session:
        disable_person(session, "li", site.now)
    assert "shut out" in _back(other, _sent_back(other)).text


def test_an_administrators_account_is_not_taken_by_its_name_alone(site: Site, provider: Provider) -> None:
    with site.store.session() as session:
        row = session.scalar(select(tables.Account).where(tables.Account.login == "li"))
        assert row is not None
        row.role, row.regions = "administrator", []
    browser = site.browser()
    assert "is an administrator here" in _back(browser, _sent_back(browser)).text
    assert not _is_in(browser)
    _set(site, provider, role_claim="groups", roles={"twohour-admins": "administrator"})
    provider.person |= {"groups": ["twohour-admins"]}
    sure = site.browser()
    assert _back(sure, _sent_back(sure)).status_code == 303
    assert _is_in(sure)


def test_a_mail_address_that_was_not_verified_is_nobodys(site: Site, provider: Provider) -> None:
    _set(site, provider, login_claim="email")
    with site.store.session() as session:
        row = session.scalar(select(tables.Account).where(tables.Account.login == "li"))
        assert row is not None
        row.login = "li@example.com"
    browser = site.browser()
    assert _back(browser, _sent_back(browser)).status_code == 403
    provider.person |= {"email_verified": True}
    assert _back(browser, _sent_back(browser)).status_code == 303


def test_a_provider_that_is_away_or_another_is_told_and_nobody_is_let_in(site: Site, provider: Provider) -> None:
    provider.discovery = lambda found: found | {"issuer": "http://elsewhere.example"}
    assert site.browser().get("/login/openid").status_code == 503
    provider.discovery = lambda found: found | {"authorization_endpoint": "javascript:alert(1)"}
    assert site.browser().get("/login/openid").status_code == 503
    openid = site.settings.openid.model_copy(update={"issuer": "http://127.0.0.1:9"})
    site.settings = site.settings.model_copy(update={"openid": openid})
    answer = site.browser().get("/login/openid")
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_a_flood_of_attempts_keeps_few_rows(site: Site, provider: Provider) -> None:
    browser = site.browser()
    codes = [browser.get("/login/openid").status_code for _ in range(80)]
    assert 429 in codes
    with site.store.reading() as session:
        assert (session.scalar(select(func.count()).select_from(tables.OpenIdAttempt)) or 0) <= 60, "a minute may turn over in between"
    site.now += LONGEST + timedelta(seconds=1)
    site.browser().get("/login/openid")
    with site.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(tables.OpenIdAttempt)) == 1


def test_settings_come_from_the_environment_and_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_OPENID__ISSUER", "https://sso.example.com/realms/main")
    with pytest.raises(BadInput, match=r"openid\.client_id"):
        load_settings()
    monkeypatch.setenv("TWOHOUR_OPENID__CLIENT_ID", "twohour")
    monkeypatch.setenv("TWOHOUR_OPENID__CLIENT_SECRET", SECRET)
    monkeypatch.setenv("TWOHOUR_OPENID__ROLE_CLAIM", "groups")
    monkeypatch.setenv("TWOHOUR_OPENID__ROLES", '{"dispatch": "coordinator"}')
    settings = load_settings()
    assert settings.openid.roles == {"dispatch": "coordinator"}
    assert SECRET not in json.dumps(settings.shown())
    monkeypatch.setenv("TWOHOUR_OPENID__ROLES", '{"dispatch": "king"}')
    with pytest.raises(BadInput, match="king"):
        load_settings()
