"""Who is looking, what they may do, and that a request is their own doing: the gate that every page stands behind.

A session is a random token in a cookie that scripts cannot read; the store keeps only its digest. Whoever has none is sent to the login,
and comes back from there to where they wanted to go.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from console.web.web import Web
from data_models.people import Action, Person, may
from data_models.store.people import SEEN_STEP, session_of_token, touch_session

SESSION_COOKIE = "twohour_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BEFORE_CHANGE = frozenset({"/me", "/me/password", "/me/language", "/logout", "/logged-in"})


class NotLoggedIn(Exception):
    """Nobody is known; `application` turns it into a way to the login."""


class MustChangePassword(Exception):
    """Somebody else gave this person their password: until they chose another they go nowhere but to their own page."""


def visitor_of(web: Web) -> Callable[[Request], Awaitable[Person]]:
    """A dependency that gives who is looking, and refuses what another site made their browser send.

    Raises
    ------
    NotLoggedIn
        There is no session, or it is over.
    MustChangePassword
        They came with a password that somebody else gave them, and want anything but to change it.
    HTTPException
        403: the request changes something and does not carry the session's CSRF token.
    """

    async def visitor(request: Request) -> Person:
        token = request.cookies.get(SESSION_COOKIE, "")
        kept = await run_in_threadpool(_look_up, web, token) if token else None
        if kept is None:
            raise NotLoggedIn
        request.state.person, request.state.csrf = kept
        if request.method in _UNSAFE:
            await _must_be_their_own(request, kept[1])
        if kept[0].must_change and request.url.path not in _BEFORE_CHANGE:
            raise MustChangePassword
        return kept[0]

    return visitor


def must(visitor: Callable[[Request], Awaitable[Person]], action: Action) -> Callable[[Request], Awaitable[Person]]:
    """A dependency that lets in whom it knows if their role may do this somewhere; the region is asked where it is known.

    People, tokens and the audit trail are the whole company's: `administer` is for those whose role holds everywhere.
    """

    async def allowed(request: Request) -> Person:
        person = await visitor(request)
        if not may(person, action, "" if action == "administer" else None):
            raise HTTPException(403, f"{person.login} ({person.role}) may not do this")
        return person

    return allowed


def person_of(request: Request) -> Person:
    """Who is looking, behind a router that asked `visitor_of` or `must`."""
    person: Person = request.state.person
    return person


def must_in(person: Person, action: Action, region: str) -> None:
    """Raises `HTTPException` 404 when a person may not do this in a region: what is not theirs does not exist for them."""
    if not may(person, action, region):
        raise HTTPException(404, "this does not exist, or belongs to another region")


def way_to_login(request: Request) -> str:
    """The login's address, with where to come back to."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}"


def is_own_path(path: str) -> bool:
    """Whether an address stays on this site: `/plans/1`, never `//elsewhere` or `/\\elsewhere`."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path and path.isprintable()


def _look_up(web: Web, token: str) -> tuple[Person, str] | None:
    now = web.now()
    with web.store.reading() as session:
        kept = session_of_token(session, token, now)
    if kept is None:
        return None
    if now >= kept.seen_at + SEEN_STEP:
        with web.store.session() as session:
            touch_session(session, token, now)
    return kept.person, kept.csrf


async def _must_be_their_own(request: Request, csrf: str) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        given = str((await request.form()).get(CSRF_FIELD, ""))
    if not secrets.compare_digest(given.encode(), csrf.encode()):
        raise HTTPException(403, "this page is too old or was opened elsewhere: load it again and repeat what you did")
