"""OpenID Connect (Core 1.0) from our side: authorization code with PKCE (RFC 7636), state and nonce; a token is believed when it is signed
by the provider, for us, for this attempt, and not over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.openid_settings import OpenIdSettings
from data_models.errors import BadInput, Unavailable
from data_models.people import ROLES, Role
from data_models.store.openid import Attempt, Known

ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA")
"""Those with a public key only: a token that is signed with a shared secret, or with nothing, is none."""

_LEEWAY_S = 60
_TIMEOUT_S = 10.0
_LONGEST_SUBJECT = 300


def address_of_provider(settings: OpenIdSettings, attempt: Attempt, return_url: str) -> str:
    """Where the browser is sent to. Raises `Unavailable` when the provider does not answer as it should."""
    with _client() as client:
        provider = _provider(client, settings)
    address: str = prepare_grant_uri(
        provider["authorization_endpoint"],
        client_id=settings.client_id,
        response_type="code",
        redirect_uri=return_url,
        scope=settings.scopes,
        state=attempt.state,
        nonce=attempt.nonce,
        code_challenge=create_s256_code_challenge(attempt.verifier),
        code_challenge_method="S256",
    )
    return address


def known_by(settings: OpenIdSettings, attempt: Attempt, code: str, return_url: str, now: datetime) -> Known:
    """Who came back with a code.

    Raises
    ------
    BadInput
        The provider refuses the code, or its token is not to be believed, or names nobody or no role of ours; the message holds no token.
    Unavailable
        The provider does not answer as it should.
    """
    with _client() as client:
        provider = _provider(client, settings)
        tokens = _exchanged(client, settings, provider, attempt, code, return_url)
        keys = _fetched(client, settings, _endpoint(settings, provider, "jwks_uri"), "keys")
    claims = _believed(settings, tokens, keys, attempt.nonce, now)
    return _known(settings, claims)


def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, headers={"Accept": "application/json"})


def _provider(client: httpx.Client, settings: OpenIdSettings) -> Mapping[str, Any]:
    found = _fetched(client, settings, f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration", "configuration")
    if found.get("issuer") != settings.issuer:
        raise Unavailable(
            f"the OpenID provider calls itself {found.get('issuer')}, not {settings.issuer}; set TWOHOUR_OPENID__ISSUER to it"
        )
    return found | {"authorization_endpoint": _endpoint(settings, found, "authorization_endpoint")}


def _endpoint(settings: OpenIdSettings, provider: Mapping[str, Any], name: str) -> str:
    """An address that the provider names; never less safe than the issuer's own."""
    address = provider.get(name)
    safe = ("https",) if urlsplit(settings.issuer).scheme == "https" else ("https", "http")
    if not isinstance(address, str) or urlsplit(address).scheme not in safe:
        raise Unavailable(f"the OpenID provider {settings.issuer} names no {name} that may be used")
    return address


def _fetched(client: httpx.Client, settings: OpenIdSettings, address: str, what: str) -> dict[str, Any]:
    return _json(_answer_of(settings, lambda: client.get(address)), what)


def _answer_of(settings: OpenIdSettings, ask: Callable[[], httpx.Response]) -> httpx.Response:
    try:
        return ask()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"the OpenID provider {settings.issuer} does not answer: {type(error).__name__}") from error


def _json(answer: httpx.Response, what: str) -> dict[str, Any]:
    try:
        found = answer.json() if answer.status_code == httpx.codes.OK else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable(f"the OpenID provider answers {answer.status_code} where its {what} should be")
    return found


def _exchanged(
    client: httpx.Client, settings: OpenIdSettings, provider: Mapping[str, Any], attempt: Attempt, code: str, return_url: str
) -> Mapping[str, Any]:
    """The tokens for a code; the verifier shows that it was us who asked for it."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": return_url, "code_verifier": attempt.verifier}
    secret, auth = settings.client_secret.get_secret_value(), None
    if secret and "client_secret_basic" in provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
        # RFC 6749, 2.3.1: both are encoded as in a form first.
        auth = httpx.BasicAuth(quote(settings.client_id, safe=""), quote(secret, safe=""))
    else:
        form |= {"client_id": settings.client_id} | ({"client_secret": secret} if secret else {})
    address = _endpoint(settings, provider, "token_endpoint")
    answer = _answer_of(settings, lambda: client.post(address, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT))
    if answer.status_code in (400, 401):
        raise BadInput("the provider refuses the code: it was used before, is too old, or is not ours")
    return _json(answer, "tokens")


def _believed(settings: OpenIdSettings, tokens: Mapping[str, Any], keys: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
    """The claims of the ID token, when it is the provider's, for us, for this attempt and of now."""
    # An audience beside us is refused by `azp`, which the token must name then, and which must be us.
    options: Any = {
        "iss": {"essential": True, "value": settings.issuer},
        "aud": {"essential": True, "value": settings.client_id},
        "nonce": {"essential": True, "value": nonce},
    }
    facts = {"nonce": nonce, "client_id": settings.client_id, "access_token": tokens.get("access_token")}
    try:
        token = jwt.decode(str(tokens.get("id_token", "")), KeySet.import_key_set(_only_public(keys)), algorithms=list(ALGORITHMS))
        claims = CodeIDToken(token.claims, token.header, options, facts)
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"the provider's token is not to be believed: {_reason(error)}") from error
    return dict(claims)


def _only_public(keys: Mapping[str, Any]) -> Any:
    """The keys that check signatures; a shared secret among them could sign as well."""
    known = keys.get("keys", [])
    fitting = [key for key in known if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"]
    return {"keys": fitting}


def _reason(error: Exception) -> str:
    """What is wrong with a token, in a word that holds nothing of it."""
    claim = getattr(error, "claim", "")
    return f"{type(error).__name__}{f' ({claim})' if claim else ''}"


def _known(settings: OpenIdSettings, claims: Mapping[str, Any]) -> Known:
    subject = f"{settings.issuer}#{claims['sub']}"
    if len(subject) > _LONGEST_SUBJECT:
        raise BadInput("the provider's name for this person is too long to be kept")
    login = _text(_claim(claims, settings.login_claim))
    if settings.login_claim == "email" and claims.get("email_verified") is not True:
        # Whoever can type in any address at the provider must not become who has it here.
        login = ""
    regions = None
    if settings.regions_claim:
        values = _texts(_claim(claims, settings.regions_claim))
        regions = tuple(settings.regions.get(value, "" if settings.regions else value) for value in values)
        regions = tuple(region for region in regions if region)
        if not regions:
            raise BadInput(f"the provider names no region of ours in {settings.regions_claim} for {login or 'this account'}")
    role = _role(settings, claims, login)
    if role == "administrator":
        regions = ()
    technician = _text(_claim(claims, settings.technician_claim)) if settings.technician_claim else ""
    return Known(subject, login, _text(_claim(claims, settings.name_claim)) or login, role, regions, technician or None)


def _role(settings: OpenIdSettings, claims: Mapping[str, Any], login: str) -> Role | None:
    """The role of somebody; of several the first in the order in which `roles` names them."""
    if not settings.role_claim:
        return None
    values = set(_texts(_claim(claims, settings.role_claim)))
    found = next((role for value, role in settings.roles.items() if value in values), None)
    if found is None:
        raise BadInput(f"the provider names no role of ours in {settings.role_claim} for {login or 'this account'}")
    return next(role for role in ROLES if role == found)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name; dots lead into it, as in `realm_access.roles`, where no claim has the whole name."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _text(value: Any) -> str:
    return value.strip()[:200] if isinstance(value, str) and value.isprintable() else ""


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
