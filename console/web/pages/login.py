"""Logging in and out, and choosing a language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from console.web.logins import LoginLimit
from console.web.texts import LANGUAGES
from console.web.visitors import SESSION_COOKIE, is_own_path
from console.web.web import LANGUAGE_COOKIE, Web
from data_models.people import Person
from data_models.store.audit import write_audit
from data_models.store.people import authenticate, begin_session, end_session

_YEAR_S = 365 * 24 * 3600


def log_in_as(session: Session, request: Request, person: Person, at: datetime) -> str:
    """Begin somebody's session, write it into the audit trail, and give its token; the one that their browser had ends.

    A token is never taken from the request: whoever planted one there has nothing from it.
    """
    end_session(session, request.cookies.get(SESSION_COOKIE, ""))
    write_audit(session, person.login, "logged in", person.login, at)
    return begin_session(session, person.id, at)


def with_session(web: Web, answer: Response, token: str) -> Response:
    """An answer that gives the browser its session."""
    answer.set_cookie(SESSION_COOKIE, token, httponly=True, secure=web.is_safe, samesite="lax", path="/")
    return answer


def remember_language(web: Web, answer: Response, language: str) -> Response:
    """An answer after which the browser keeps to a language; with "" to the one that it asks for."""
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, secure=web.is_safe, samesite="lax", path="/")
    elif not language:
        answer.delete_cookie(LANGUAGE_COOKIE, path="/")
    return answer


def login_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/login`, `/logout` and `/language`."""
    router = APIRouter()
    limit = LoginLimit()
    openid = web.settings.openid.name if web.settings.openid.issuer else ""

    @router.get("/login")
    def show_login(request: Request, next: str = "/") -> Response:
        return web.page(request, "login.jinja", next=next if is_own_path(next) else "/", login="", failure="", openid=openid)

    @router.post("/login")
    def log_in(
        request: Request,
        login: Annotated[str, Form(max_length=100)] = "",
        password: Annotated[str, Form(max_length=200)] = "",
        next: Annotated[str, Form(max_length=500)] = "/",
    ) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, "log in from our own page")
        next = next if is_own_path(next) else "/"
        if not limit.allows(login, request.client.host if request.client is not None else ""):
            failure = web.texts(request).gettext("Too many attempts: wait a minute, then try again.")
            return web.page(request, "login.jinja", status=429, next=next, login=login, failure=failure, openid=openid)
        now = web.now()
        with web.store.session() as session:
            person = authenticate(session, login, password)
            token = log_in_as(session, request, person, now) if person is not None else ""
        if person is None:
            failure = web.texts(request).gettext("Name and password do not belong together.")
            return web.page(request, "login.jinja", status=401, next=next, login=login, failure=failure, openid=openid)
        return with_session(web, RedirectResponse(next, 303), token)

    @router.get("/logged-in", dependencies=[Depends(visitor)])
    def logged_in(request: Request) -> Response:
        """After logging in beside a page whose session was over: back to that page."""
        return web.page(request, "logged_in.jinja")

    @router.post("/logout", dependencies=[Depends(visitor)])
    def log_out(request: Request) -> Response:
        with web.store.session() as session:
            end_session(session, request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(SESSION_COOKIE, path="/")
        return answer

    @router.post("/language")
    def choose_language(language: Annotated[str, Form()], next: Annotated[str, Form(max_length=500)] = "/") -> Response:
        return remember_language(web, RedirectResponse(next if is_own_path(next) else "/", 303), language)

    return router
