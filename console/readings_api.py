"""Sensor readings by HTTP: `POST /readings`, to be included in a web application."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from console.bodies import TooLarge, read_body
from console.readings import told
from data_models.errors import BadInput, Conflict, Unavailable
from data_models.reading_files import reading_from
from data_models.readings import Reading, Refusal
from flows.readings import forget_old, policies_of, take_batch

if TYPE_CHECKING:
    from config.settings import Settings
    from data_models.store import Store

MAX_BODY = 4_000_000
"""Bytes of a request; a longer one is refused before it is read to its end."""
MAX_READINGS = 10_000

_SHORTEST_TOKEN = 16
_FORGET_EVERY = timedelta(hours=1)


class Problem(Exception):
    """An answer of RFC 9457 in the making."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers = status, title, detail, headers

    def answer(self, **more: Any) -> Response:
        """The answer: `application/problem+json`."""
        content = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail} | more
        return _json(content, self.status, "application/problem+json", self.headers)


def _now() -> datetime:
    return datetime.now(UTC)


def readings_router(store: Store, settings: Settings, clock: Callable[[], datetime] = _now) -> APIRouter:
    """The router of `POST /readings`.

    Takes a JSON list of readings with the header `Authorization: Bearer TOKEN`, the token being the setting `readings_token`. Answers
    200 with what became of them once it is committed, so that a sender without an answer sends the same again; some may be
    refused. Answers 422 when all are refused; every error is an `application/problem+json` of RFC 9457.

    Raises
    ------
    BadInput
        A policy file has an error.
    """
    router = APIRouter()
    policies = policies_of(settings)
    forgotten_at = datetime.min.replace(tzinfo=UTC)

    def take(items: list[Any]) -> Response:
        nonlocal forgotten_at
        now = clock()
        good: list[tuple[int, Reading]] = []
        wrong: list[Refusal] = []
        for position, item in enumerate(items):
            try:
                good.append((position, reading_from(item)))
            except BadInput as error:
                wrong.append(Refusal(position, "; ".join(error.problems)))
        taken = take_batch(store, policies, [reading for _, reading in good], now)
        wrong += [Refusal(good[refusal.position][0], refusal.says) for refusal in taken.refused]
        refused = [{"position": it.position, "says": it.says} for it in sorted(wrong, key=lambda it: it.position)]
        if now - forgotten_at > _FORGET_EVERY:
            forgotten_at = now
            forget_old(store, settings, now)
        if items and len(refused) == len(items):
            return Problem(422, "No reading is taken", f"all {len(items):,} readings are refused; refused says why").answer(refused=refused)
        return _json(told(taken) | {"refused": refused})

    @router.post("/readings", summary="Take sensor readings", openapi_extra={"requestBody": _BODY})
    async def post_readings(request: Request) -> Response:
        try:
            _admit(request, settings.readings_token.get_secret_value())
            return await run_in_threadpool(take, _items(await _body(request)))
        except Problem as problem:
            return problem.answer()
        except Conflict as error:
            return Problem(409, "Somebody was first", str(error)).answer()
        except Unavailable as error:
            return Problem(503, "The store does not answer", str(error), {"Retry-After": "5"}).answer()

    return router


_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "maxItems": MAX_READINGS,
                "items": {
                    "type": "object",
                    "required": ["site", "sensor", "quantity", "value", "at"],
                    "additionalProperties": False,
                    "properties": {name: {"type": "string"} for name in ("site", "sensor", "quantity", "unit", "key", "product")}
                    | {"value": {"type": ["number", "null", "string"]}, "at": {"type": "string", "format": "date-time"}},
                },
            }
        }
    },
}


def _admit(request: Request, token: str) -> None:
    if len(token) < _SHORTEST_TOKEN:
        says = f"no token of at least {_SHORTEST_TOKEN} characters is set; set TWOHOUR_READINGS_TOKEN where twohour runs"
        raise Problem(503, "Readings are not taken", says)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        says = "the token is missing or wrong; send the header Authorization: Bearer TOKEN"
        raise Problem(401, "Not admitted", says, {"WWW-Authenticate": "Bearer"})


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, MAX_BODY)
    except TooLarge:
        raise Problem(413, "Too much at once", f"the body is larger than {MAX_BODY:,} bytes; send fewer readings at once") from None


def _items(body: bytes) -> list[Any]:
    try:
        items = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "Not JSON", f"the body is not JSON: {error}; send a list of readings") from None
    if not isinstance(items, list):
        raise Problem(422, "Not a list", "the body is not a list; send a list of readings, be it of one")
    if len(items) > MAX_READINGS:
        raise Problem(413, "Too much at once", f"{len(items):,} readings at once; send at most {MAX_READINGS:,}")
    return items


def _json(
    content: Mapping[str, Any], status: int = 200, media_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    text = json.dumps(content, ensure_ascii=False, default=lambda value: value.isoformat())
    return Response(text.encode(), status, dict(headers or {}), media_type)
