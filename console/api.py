"""The API: what a ticket system, a telephone app or a machine tells and asks over HTTP. Closed without a token."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from config.settings import Settings
from console.readings_api import readings_router
from data_models.errors import BadInput, Unavailable
from data_models.store import Store, list_events
from flows.events import tell_text

MOST_BYTES = 20_000_000
"""Of a request: a hundred thousand events."""


def make_api(store: Store, settings: Settings) -> FastAPI:
    """The application over an open store.

    `POST /events` takes one event or an array of them and answers with what became of each; `GET /events` gives the last ones.
    `POST /readings` takes readings of sensors, by a token of its own.
    Errors are problem details (RFC 9457).
    """

    def must_be_known(authorization: Annotated[str, Header()] = "") -> None:
        given = authorization.removeprefix("Bearer ").encode()
        if not secrets.compare_digest(given, settings.api_token.get_secret_value().encode()):
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
        told = await run_in_threadpool(tell_text, store, _as_lines(body), "api", datetime.now(UTC))
        answers = [{"key": a.key, "number": a.number, "verdict": a.verdict, "note": a.note} for a in told.answers]
        return JSONResponse({"counts": told.counts, "answers": answers, "unreadable": list(told.unreadable)})

    @events.get("/events", summary="What was told last")
    def last_events(
        ticket: Annotated[str, Query(max_length=64)] = "",
        technician: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> JSONResponse:
        with store.reading() as session:
            found = list_events(session, ticket=ticket, technician=technician, limit=limit)
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
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise HTTPException(413, f"the request is larger than {MOST_BYTES:,} bytes; send it in parts")
        parts.append(part)
    return b"".join(parts)


def _as_lines(body: bytes) -> bytes:
    """One object is an array of one; what is none goes on as it is, to be told so."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the request is not JSON: {error}; send an event or an array of them") from None
    return body if isinstance(document, list) else b"[" + body + b"]"
