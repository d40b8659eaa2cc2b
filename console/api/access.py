"""Who calls, and what they may do here: closed by default, one table of which use case asks for which scope.

A caller shows a token (`Authorization: Bearer`). Pages of the console may call too, by the session of whoever is logged in; what changes
something then needs the session's CSRF token, as a page's own forms do.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from console.api.problems import NOT_ADMITTED, NOT_ALLOWED, NOT_FOUND, TOO_MANY, Problem
from console.web.visitors import CSRF_HEADER, SESSION_COOKIE
from data_models.people import MAY, Action, Scope
from data_models.store.people import session_of_token, token_of

if TYPE_CHECKING:
    from config.api_settings import ApiSettings
    from console.api.service import Api

NEEDS: Mapping[str, Scope | None] = {
    "listTickets": "tickets:read",
    "readTicket": "tickets:read",
    "answerTicket": "tickets:read",
    "pushTicket": "tickets:write",
    "changeTicket": "tickets:write",
    "cancelTicket": "tickets:write",
    "reopenTicket": "tickets:write",
    "listPlans": "plans:read",
    "readPublishedPlan": "plans:read",
    "readPlan": "plans:read",
    "readPlanFile": "plans:read",
    "readPlanRoutes": "plans:read",
    "readPlanDifference": "plans:read",
    "approvePlan": "plans:decide",
    "rejectPlan": "plans:decide",
    "listStations": "company:read",
    "readStation": "company:read",
    "listTechnicians": "company:read",
    "readTechnician": "company:read",
    "listEvents": "events:read",
    "tellEvents": "events:write",
    "takeReadings": "readings:write",
    "listAudit": "audit:read",
    "listWebhooks": "webhooks:manage",
    "addWebhook": "webhooks:manage",
    "readWebhook": "webhooks:manage",
    "changeWebhook": "webhooks:manage",
    "removeWebhook": "webhooks:manage",
    "pingWebhook": "webhooks:manage",
    "readDescription": None,
}
"""The scope that each operation asks for; None: whoever is known. An operation that is not here is refused."""

OF_ACTIONS: Mapping[Action, frozenset[Scope]] = {
    "see": frozenset({"tickets:read", "plans:read", "company:read", "events:read"}),
    "edit": frozenset(),
    "decide": frozenset({"plans:decide"}),
    "tell": frozenset({"tickets:write", "events:write"}),
    "study": frozenset(),
    "work": frozenset(),
    "administer": frozenset({"audit:read", "webhooks:manage"}),
}
"""What somebody who is logged in may do here, by what their role may do on pages."""

WHOLE: frozenset[Scope] = frozenset({"audit:read", "webhooks:manage"})
"""Scopes about the whole company, for callers without regions only."""

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ASK = "send the header Authorization: Bearer TOKEN; `twohour tokens make` makes one"


@dataclass(frozen=True)
class Caller:
    """Who calls: `name` goes into the log and the trail, `key` tells them from all others; `regions` empty: everywhere."""

    name: str
    key: str
    scopes: frozenset[Scope]
    regions: tuple[str, ...] = ()

    def may_in(self, region: str) -> bool:
        """Whether what is in a region is theirs; "" is the whole company."""
        return not self.regions or region in self.regions


def caller_of(request: Request) -> Caller:
    """Who calls, behind a router that asked `admission`."""
    caller: Caller = request.state.caller
    return caller


def must_be_theirs(caller: Caller, region: str | None, what: str) -> None:
    """Raises a problem for what is not there (None) or in another region: to a caller both are the same."""
    if region is None or not caller.may_in(region):
        raise Problem(NOT_FOUND, f"{what} does not exist, or belongs to another region")


class Limits:
    """Counts requests for one server process: of each caller, and of each address that shows no token that is known."""

    def __init__(self, settings: ApiSettings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._known = RateLimitItemPerMinute(settings.requests_per_minute)
        self._strangers = RateLimitItemPerMinute(settings.strangers_per_minute, namespace="strangers")
        self._lock = threading.Lock()

    def count(self, who: str, *, known: bool) -> None:
        """Count a request. Raises a problem when there are too many."""
        item = self._known if known else self._strangers
        with self._lock:
            allowed = self._limiter.hit(item, who)
            resets_at = self._limiter.get_window_stats(item, who).reset_time
        if not allowed:
            wait = max(1, round(resets_at - time.time()))
            raise Problem(TOO_MANY, f"more than {item.amount} requests in a minute; wait {wait} s", {"Retry-After": str(wait)})


def admission(api: Api) -> Any:
    """A dependency that lets in whoever may do what is asked, and notes them in `request.state.caller`."""

    async def admitted(request: Request) -> None:
        now = api.now()
        address = request.client.host if request.client is not None else ""
        caller = await run_in_threadpool(_known, api, request, now)
        if caller is None:
            api.limits.count(address, known=False)
            raise Problem(NOT_ADMITTED, f"the token is missing, unknown, expired or revoked; {_ASK}", {"WWW-Authenticate": "Bearer"})
        api.limits.count(caller.key, known=True)
        operation = str(request.scope["route"].operation_id)
        if operation not in NEEDS:
            raise Problem(NOT_ALLOWED, f"{operation} is open to nobody")
        needed = NEEDS[operation]
        if needed is not None and needed not in caller.scopes:
            raise Problem(NOT_ALLOWED, f"{operation} needs the scope {needed}, which {caller.name} does not have")
        if needed in WHOLE and caller.regions:
            raise Problem(NOT_ALLOWED, f"{operation} is about the whole company; {caller.name} is for some regions only")
        request.state.caller = caller

    return admitted


def _known(api: Api, request: Request, now: datetime) -> Caller | None:
    if "authorization" in request.headers:
        scheme, _, given = request.headers["authorization"].partition(" ")
        return _by_token(api, given.strip(), now) if scheme.lower() == "bearer" else None
    cookie = request.cookies.get(SESSION_COOKIE, "")
    return _by_session(api, request, cookie, now) if cookie else None


def _by_token(api: Api, given: str, now: datetime) -> Caller | None:
    # Two tokens may come from the environment; both are for one thing each.
    for name, known, scopes in (
        ("api", api.settings.api_token, ("events:read", "events:write")),
        ("readings", api.settings.readings_token, ("readings:write",)),
    ):
        secret = known.get_secret_value()
        if len(secret) >= SHORTEST_TOKEN and secrets.compare_digest(given.encode(), secret.encode()):
            return Caller(name, f"environment {name}", frozenset(scopes))  # type: ignore[arg-type]
    if not given:
        return None
    with api.store.reading() as session:
        kept = token_of(session, given, now)
    return None if kept is None else Caller(f"{kept.name[:90]} (API)", f"token {kept.id}", frozenset(kept.scopes), kept.regions)


SHORTEST_TOKEN = 16
"""Tokens of the environment that are shorter count as absent."""


def _by_session(api: Api, request: Request, cookie: str, now: datetime) -> Caller | None:
    with api.store.reading() as session:
        kept = session_of_token(session, cookie, now)
    if kept is None:
        return None
    if kept.person.must_change:
        raise Problem(NOT_ALLOWED, f"{kept.person.login} has a password that somebody else gave; choose another at /me first")
    if request.method in _UNSAFE and not secrets.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), kept.csrf.encode()):
        raise Problem(NOT_ALLOWED, f"a page that changes something sends its CSRF token as {CSRF_HEADER}; machines show a token instead")
    person = kept.person
    scopes = frozenset(scope for action in MAY[person.role] for scope in OF_ACTIONS[action])
    return Caller(person.login, f"person {person.id}", scopes, person.regions)


def digest(*told: bytes) -> str:
    """SHA-256 of byte strings, each by its length and itself."""
    found = hashlib.sha256()
    for one in told:
        found.update(len(one).to_bytes(8, "big"))
        found.update(one)
    return found.hexdigest()
