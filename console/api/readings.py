"""`/readings`: what sensors measured."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from console.api.access import caller_of
from console.api.bodies import json_body
from console.api.kinds import MOMENT
from console.api.other_models import Taken
from console.api.problems import BAD_INPUT, CONFLICT, TOO_LARGE, Problem
from console.api.replies import IdempotencyKey, Reply, once
from console.readings import told
from data_models.errors import BadInput
from data_models.reading_files import reading_from
from data_models.readings import Reading, Refusal
from data_models.store.pages import regions_of
from data_models.store.readings import take_readings
from flows.readings import forget_old, policies_of

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy.orm import Session

    from console.api.service import Api

MAX_READINGS = 10_000
_FORGET_EVERY = timedelta(hours=1)


def _text(longest: int) -> dict[str, Any]:
    """What is promised of a text; others that can be printed are taken too."""
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[ -~\u4e00-\u9fa5]+$"}


_READING = {
    "type": "object",
    "required": ["site", "sensor", "quantity", "value", "at"],
    "properties": {
        **{name: _text(64) for name in ("site", "sensor", "quantity", "product")},
        "unit": _text(16),
        "key": _text(200) | {"description": "By which a double is known; else by time and value."},
        "value": {"type": ["number", "null"], "minimum": -1e300, "maximum": 1e300, "description": "null: what a broken sensor sends."},
        "at": MOMENT,
    },
    "additionalProperties": False,
    "example": {
        "site": "S-001", "sensor": "K-1", "quantity": "moisture", "value": 0.6, "unit": "%", "at": "2026-03-02T08:15:00+08:00",
    },
}  # fmt: skip
_BODY = {
    "required": True,
    "description": f"A list of at most {MAX_READINGS:,} readings; docs/sensors.md says what each has. `refused` tells those not taken.",
    "content": {"application/json": {"schema": {"type": "array", "items": _READING}}},
}


class Forgetting:
    """Old readings are forgotten once an hour, upon a request: only one of those that come in at once does it."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def is_due(self, now: datetime) -> bool:
        """Whether it is the caller's turn."""
        with self._lock:
            due = now - self._last > _FORGET_EVERY
            self._last = now if due else self._last
        return due


def readings_router(api: Api) -> APIRouter:
    """The router of `/readings`. Raises `BadInput` when a policy file has an error."""
    router = api.router("/readings", "readings")
    policies, forgetting = policies_of(api.settings), Forgetting()

    @router.post(
        "", operation_id="takeReadings", summary="Take sensor readings", response_model=Taken, openapi_extra={"requestBody": _BODY}
    )  # fmt: skip
    async def take(request: Request, key: IdempotencyKey = None) -> Response:
        """Take readings. Answered once they are kept, so that a sender without an answer sends the same again: doubles change nothing."""
        return await run_in_threadpool(_take, request, key, _items(await json_body(request)))

    def _take(request: Request, key: str | None, items: list[Any]) -> Response:
        caller, now = caller_of(request), api.now()
        good, wrong = _read(items)

        def work(session: Session, _ready: None) -> Reply:
            refused = list(wrong)
            own = good
            if caller.regions:
                regions = regions_of(session, sites=sorted({reading.site for _, reading in good}))
                own = [one for one in good if (place := regions.get(f"site {one[1].site}")) is not None and caller.may_in(place)]
                theirs = {position for position, _ in own}
                says = "the site does not exist, or belongs to another region"
                refused += [Refusal(position, says) for position, _ in good if position not in theirs]
            taken = take_readings(session, [reading for _, reading in own], policies, now)
            refused += [Refusal(own[refusal.position][0], refusal.says) for refusal in taken.refused]
            shown = [{"position": it.position, "says": it.says} for it in sorted(refused, key=lambda it: it.position)]
            if items and len(shown) == len(items):
                # Readings that are none are wrong by themselves; others by what the store knows.
                raise Problem(CONFLICT if good else BAD_INPUT, f"all {len(items):,} readings are refused; refused says why", refused=shown)
            return Reply(200, Taken(**{**told(taken), "refused": shown}), {}, then)

        def then() -> None:
            api.deliver()
            if forgetting.is_due(now):
                forget_old(api.store, api.settings, now)

        return once(api, request, key, work, lambda: None)

    return router


def _read(items: list[Any]) -> tuple[list[tuple[int, Reading]], list[Refusal]]:
    good: list[tuple[int, Reading]] = []
    wrong: list[Refusal] = []
    for position, item in enumerate(items):
        try:
            good.append((position, reading_from(item)))
        except BadInput as error:
            wrong.append(Refusal(position, "; ".join(error.problems)))
    return good, wrong


def _items(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise Problem(BAD_INPUT, "the body is not a list; send a list of readings, be it of one")
    if len(items) > MAX_READINGS:
        raise Problem(TOO_LARGE, f"{len(items):,} readings at once; send at most {MAX_READINGS:,}")
    return items
