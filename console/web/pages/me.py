"""One's own page: password, language and the sessions that run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from console.web.logins import LoginLimit
from console.web.pages.login import remember_language, with_session
from console.web.visitors import SESSION_COOKIE, person_of
from console.web.web import Web
from data_models.errors import BadInput
from data_models.people import Person
from data_models.store.audit import write_audit
from data_models.store.people import (
    authenticate,
    begin_session,
    digest_of,
    end_session_of,
    end_sessions,
    has_password,
    sessions_of,
    set_language,
    set_password,
)

_Password = Annotated[str, Form(max_length=1000)]


def me_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/me`, for whoever is logged in."""
    router = APIRouter(dependencies=[Depends(visitor)])
    limit = LoginLimit()

    @router.get("/me")
    def show_me(request: Request) -> Response:
        return _page(web, request)

    @router.post("/me/password")
    def change_password(request: Request, old: _Password = "", new: _Password = "", again: _Password = "") -> Response:
        person, texts, now = person_of(request), web.texts(request, person_of(request)), web.now()
        if not limit.allows(person.login, request.client.host if request.client is not None else ""):
            # Whoever found an open browser must not try out passwords here.
            return _page(web, request, texts.gettext("Too many attempts: wait a minute, then try again."), 429)
        if new != again:
            return _page(web, request, texts.gettext("The two new passwords differ."), 422)
        if new == old:
            return _page(web, request, texts.gettext("The new password is the old one; choose another."), 422)
        try:
            with web.store.session() as session:
                known = authenticate(session, person.login, old)
                if known is not None:
                    set_password(session, person.login, new)
                    write_audit(session, person.login, "password changed", person.login, now)
                    token = begin_session(session, known.id, now)
        except BadInput as error:
            return _page(web, request, texts.from_below(str(error)), 422)
        if known is None:
            return _page(web, request, texts.gettext("The old password is not right."), 403)
        return with_session(web, RedirectResponse("/me?changed=1", 303), token)

    @router.post("/me/language")
    def choose_language(request: Request, language: Annotated[str, Form(pattern="^(zh|en)?$")] = "") -> Response:
        with web.store.session() as session:
            set_language(session, person_of(request), language)
        return remember_language(web, RedirectResponse("/me", 303), language)

    @router.post("/me/sessions/end")
    def end(request: Request, digest: Annotated[str, Form(max_length=64)] = "") -> Response:
        """End one of one's own sessions; all of them when none is named."""
        person = person_of(request)
        with web.store.session() as session:
            if digest:
                end_session_of(session, person.id, digest)
            else:
                end_sessions(session, person.id)
                write_audit(session, person.login, "logged out everywhere", person.login, web.now())
        return RedirectResponse("/me", 303)

    return router


def _page(web: Web, request: Request, failure: str = "", status: int = 200) -> Response:
    person = person_of(request)
    with web.store.reading() as session:
        sessions = sessions_of(session, person.id, web.now())
        by_password = has_password(session, person.id)
    own = digest_of(request.cookies.get(SESSION_COOKIE, ""))
    facts = {"sessions": sessions, "own": own, "by_password": by_password, "changed": request.query_params.get("changed") == "1"}
    return web.page(request, "me.jinja", status=status, failure=failure, **facts)
