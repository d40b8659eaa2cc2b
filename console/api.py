"""The API: what a ticket system, a telephone app or a machine tells and asks over HTTP. Closed without a token."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

from config.settings import Settings
from console.bodies import TooLarge, read_body
from console.readings_api import readings_router
from data_models.errors import BadInput, TwohourError, Unavailable
from data_models.store import Store, list_events
from flows.events import tell_documents
from flows.planning import SearchLimit
from flows.reacting import answer_emergencies, emergencies_in
from flows.reoptimizing import reoptimize

UPON_EMERGENCY_S = 2.0
"""Of search when an emergency comes in; the scheduled run after it has longer."""

_log = logging.getLogger(__name__)

MOST_BYTES = 20_000_000
"""Of a request: a hundred thousand events."""


def make_api(store: Store, settings: Settings) -> FastAPI:
    """The application over an open store.

    `POST /events` takes one event or an array of them and answers with what became of each; `GET /events` gives the last ones.
    `POST /readings` takes readings of sensors, by a token of its own.
    Errors are problem details (RFC 9457).
    """

    def must_be_known(authorization: Annotated[str, Header()] = "") -> None:
        given, known = authorization.removeprefix("Bearer ").encode(), settings.api_token.get_secret_value().encode()
        if not known or not secrets.compare_digest(given, known):
            raise HTTPException(401, "show the token: Authorization: Bearer ...", {"WWW-Authenticate": "Bearer"})

    api = FastAPI(title="twohour", docs_url=None, redoc_url=None, openapi_url=None)
    events = APIRouter(dependencies=[Depends(must_be_known)])

    def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        return JSONResponse(body, status, headers, media_type="application/problem+json")

    @api.exception_handler(HTTPException)
    def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "Not allowed" if error.status_code == 401 else "Refused", str(error.detail), error.headers)

    @api.exception_handler(BadInput)
    def bad_input(_request: Request, error: BadInput) -> JSONResponse:
        return problem(422, "Bad input", str(error))

    @api.exception_handler(Unavailable)
    def unavailable(_request: Request, error: Unavailable) -> JSONResponse:
        return problem(503, "Unavailable", str(error), {"Retry-After": "5"})

    @events.post("/events", summary="Tell what happened")
    async def tell_events(request: Request) -> JSONResponse:
        body = await _body(request)
        now = datetime.now(UTC)
        told = await run_in_threadpool(tell_documents, store, _documents(body), "api", now)
        urgent = emergencies_in(told.events, told.answers)
        follow = BackgroundTask(_follow, store, settings, urgent, now) if urgent else None
        answers = [{"key": a.key, "number": a.number, "verdict": a.verdict, "note": a.note} for a in told.answers]
        return JSONResponse({"counts": told.counts, "answers": answers, "unreadable": list(told.unreadable)}, background=follow)

    @events.get("/events", summary="What was told last")
    def last_events(
        ticket: Annotated[str, Query(max_length=64)] = "",
        technician: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        own: Annotated[bool, Query(alias="all", description="What the store notes for itself, too.")] = False,
    ) -> JSONResponse:
        with store.reading() as session:
            found = list_events(session, ticket=ticket, technician=technician, limit=limit, own=own)
        shown = [
            {
                "number": row.id, "key": row.key, "kind": row.kind, "at": row.at.isoformat(), "arrived_at": row.arrived_at.isoformat(),
                "by": row.by, "ticket": row.ticket_id, "technician": row.technician_id,
                "station": row.station_id, **row.details, "note": note,
            }
            for row, note in found
        ]  # fmt: skip
        return JSONResponse({"events": shown})

    api.include_router(events)
    api.include_router(readings_router(store, settings))
    return api


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, MOST_BYTES)
    except TooLarge:
        raise HTTPException(413, f"the request is larger than {MOST_BYTES:,} bytes; send it in parts") from None


def _documents(body: bytes) -> list[Any]:
    """What a request tells: one object is an array of one, and what is none goes on as it is, to be told so."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the request is not JSON: {error}; send an event or an array of them") from None
    return document if isinstance(document, list) else [document]


def _follow(store: Store, settings: Settings, tickets: Sequence[str], now: datetime) -> None:
    """What follows from new emergencies, after the caller has the answer: coordinators are told, and the plan is made again."""
    try:
        answer_emergencies(store, settings, tickets, now)
        reoptimize(store, settings, now, limit=SearchLimit(UPON_EMERGENCY_S))
    except TwohourError as error:
        _log.warning("planning again upon an emergency: %s", error)
