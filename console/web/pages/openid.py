"""Logging in by an OpenID provider: the way there, and the way back."""

from __future__ import annotations

import logging
import secrets
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from console.web import openid
from console.web.logins import LoginLimit
from console.web.pages.login import log_in_as, with_session
from console.web.visitors import is_own_path
from console.web.web import Web
from data_models.errors import BadInput, TwohourError
from data_models.store.openid import LONGEST, begin_attempt, person_of_provider, take_attempt

BROWSER_COOKIE = "twohour_openid"
_HERE = "/login/openid"
_log = logging.getLogger(__name__)


def openid_router(web: Web) -> APIRouter:
    """`/login/openid` and where the provider sends people back to; both are not there as long as no provider is set."""
    router = APIRouter()
    limit = LoginLimit()
    settings = web.settings.openid

    def return_url(request: Request) -> str:
        if settings.return_url:
            return settings.return_url
        return str(request.url_for("come_back").replace(scheme="https" if web.is_safe else request.url.scheme))

    @router.get(_HERE)
    def go(request: Request, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
        _must_be_set(web)
        if not limit.allows_address(request.client.host if request.client is not None else ""):
            return _failed(web, request, "too many attempts: wait a minute, then try again", 429)
        browser = secrets.token_urlsafe(32)
        with web.store.session() as session:
            attempt = begin_attempt(session, browser, next if is_own_path(next) else "/", web.now())
        try:
            address = openid.address_of_provider(settings, attempt, return_url(request))
        except TwohourError as error:
            return _failed(web, request, str(error), 503)
        answer = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
        # Lax: it comes along when the provider sends the browser back, which is a plain link from elsewhere.
        answer.set_cookie(
            BROWSER_COOKIE, browser, max_age=int(LONGEST.total_seconds()), httponly=True, secure=web.is_safe, samesite="lax", path=_HERE
        )
        return answer

    @router.get(f"{_HERE}/back")
    def come_back(
        request: Request,
        state: Annotated[str, Query(max_length=200)] = "",
        code: Annotated[str, Query(max_length=4000)] = "",
        error: Annotated[str, Query(max_length=200)] = "",
        iss: Annotated[str, Query(max_length=300)] = "",
    ) -> Response:
        _must_be_set(web)
        now = web.now()
        try:
            with web.store.session() as session:
                attempt = take_attempt(session, state, request.cookies.get(BROWSER_COOKIE, ""), now)
            if attempt is None:
                raise BadInput("this way to log in was used before, took too long, or was begun in another browser; begin again")
            if iss and iss != settings.issuer:  # RFC 9207
                raise BadInput("another provider answered; begin again")
            if error or not code:
                raise BadInput("the provider did not let you in")
            known = openid.known_by(settings, attempt, code, return_url(request), now)
            with web.store.session() as session:
                person = person_of_provider(session, known, now, make_with=settings.new_role if settings.make_accounts else None)
                token = log_in_as(session, request, person, now)
        except TwohourError as problem:
            _log.warning("login by OpenID refused: %s", problem)
            return _failed(web, request, str(problem), 403 if isinstance(problem, BadInput) else 503)
        answer = with_session(web, RedirectResponse(attempt.next, 303), token)
        answer.delete_cookie(BROWSER_COOKIE, path=_HERE)
        return answer

    return router


def _must_be_set(web: Web) -> None:
    if not web.settings.openid.issuer:
        raise HTTPException(404, "there is no such page")


def _failed(web: Web, request: Request, why: str, status: int) -> Response:
    texts = web.texts(request)
    failure = texts.gettext("The login by %(name)s was not completed: %(why)s", name=web.settings.openid.name, why=texts.from_below(why))
    return web.page(request, "login.jinja", status=status, next="/", login="", failure=failure, openid=web.settings.openid.name)
