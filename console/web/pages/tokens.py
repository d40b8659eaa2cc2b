"""Tokens of machines: administrators make them here, see what each is good for, and revoke them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from console.web.visitors import must, person_of
from console.web.web import Web
from data_models.errors import BadInput
from data_models.people import SCOPES, Person
from data_models.store.audit import write_audit
from data_models.store.people import known_regions, list_tokens, make_token, revoke_token

_USUAL_DAYS = 365


def tokens_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/tokens`."""
    router = APIRouter(dependencies=[Depends(must(visitor, "administer"))])

    @router.get("/tokens")
    def show_tokens(request: Request) -> Response:
        return _page(web, request)

    @router.post("/tokens")
    def make(
        request: Request,
        name: Annotated[str, Form(max_length=100)] = "",
        scopes: Annotated[list[str] | None, Form()] = None,
        regions: Annotated[list[str] | None, Form()] = None,
        days: Annotated[int, Form(ge=1, le=3650)] = _USUAL_DAYS,
    ) -> Response:
        now, by = web.now(), person_of(request)
        unknown = sorted(set(scopes or ()) - set(SCOPES))
        wanted = [scope for scope in SCOPES if scope in (scopes or ())]
        until = now + timedelta(days=days)
        try:
            if unknown:
                raise BadInput(f"scopes {', '.join(unknown)}: choose from {', '.join(SCOPES)}")
            with web.store.session() as session:
                token = make_token(session, name, wanted, now, by=by.login, expires_at=until, regions=regions or ())
                told = {"scopes": wanted, "regions": regions or [], "until": until.isoformat()}
                write_audit(session, by.login, "token made", name.strip(), now, told)
        except BadInput as error:
            return _page(web, request, failure=str(error), status=422)
        return _page(web, request, made=token)

    @router.post("/tokens/{number}/revoke")
    def revoke(request: Request, number: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Response:
        with web.store.session() as session:
            revoke_token(session, number, web.now())
            write_audit(session, person_of(request).login, "token revoked", str(number), web.now())
        return RedirectResponse("/tokens", 303)

    return router


def _page(web: Web, request: Request, *, made: str = "", failure: str = "", status: int = 200) -> Response:
    with web.store.reading() as session:
        tokens, regions = list_tokens(session), known_regions(session)
    facts = {"tokens": tokens, "regions": regions, "scopes": SCOPES, "days": _USUAL_DAYS}
    return web.page(request, "tokens.jinja", status=status, made=made, failure=failure, **facts)
