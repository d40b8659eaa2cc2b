"""Logging in and out, and choosing a language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from console.web.logins import LoginLimit
from console.web.texts import LANGUAGES
from console.web.visitors import SESSION_COOKIE, is_own_path
from console.web.web import LANGUAGE_COOKIE, Web
from data_models.people import Person
from data_models.store.people import authenticate, begin_session, end_session

_YEAR_S = 365 * 24 * 3600


def login_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/login`, `/logout` and `/language`."""
    router = APIRouter()
    limit = LoginLimit()

    @router.get("/login")
    def show_login(request: Request, next: str = "/") -> Response:
        return web.page(request, "login.jinja", next=next if is_own_path(next) else "/", login="", failure="")

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
            return web.page(request, "login.jinja", status=429, next=next, login=login, failure=failure)
        now = web.now()
        with web.store.session() as session:
            person = authenticate(session, login, password)
            token = begin_session(session, person.id, now) if person is not None else ""
        if person is None:
            failure = web.texts(request).gettext("Name and password do not belong together.")
            return web.page(request, "login.jinja", status=401, next=next, login=login, failure=failure)
        answer = RedirectResponse(next, 303)
        answer.set_cookie(SESSION_COOKIE, token, httponly=True, secure=web.is_safe, samesite="lax", path="/")
        return answer

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
        answer = RedirectResponse(next if is_own_path(next) else "/", 303)
        if language in LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, secure=web.is_safe, samesite="lax", path="/")
        return answer

    return router
