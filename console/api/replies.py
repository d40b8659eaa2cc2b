"""Requests that change something: done and answered in one transaction, and once, however often they are sent with the same key."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import Header, Request, Response
from pydantic import BaseModel
from starlette.background import BackgroundTask

from console.api.access import Caller, caller_of, digest
from console.api.problems import CHANGED, KEY_REUSED, Problem
from data_models.errors import TwohourError
from data_models.store.kept_answers import KeptAnswer, claim_key, keep_answer, read_answer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from console.api.service import Api

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller, another for each request: the same request sent again with it is answered as before and does "
        "nothing twice. Another request with a key that was used is refused.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The `ETag` that was read: refused with 412 when the thing is another one since.",
    ),
]

_Prepared = TypeVar("_Prepared")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What a request is answered: a status, what the body says (None: nothing), and headers. `then` is done after it was sent."""

    status: int
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], None] | None = None


async def body_digest(request: Request) -> None:
    """A dependency that notes what exactly is asked, for `once`."""
    asked = f"{request.method} {request.url.path}?{request.url.query}"
    told = request.headers.get("if-match", "")
    request.state.digest = digest(asked.encode(), told.encode(), await request.body())


def once(
    api: Api,
    request: Request,
    key: str | None,
    work: Callable[[Session, _Prepared], Reply],
    prepare: Callable[[], _Prepared],
) -> Response:
    """Do what is asked and answer it, in one transaction; or give the answer that its key has.

    Parameters
    ----------
    key
        The request's idempotency key; without one it is done each time.
    work
        Does it in the transaction. What it raises undoes all, and is kept under no key: the request may be sent again.
    prepare
        Reads and reckons what `work` needs before the transaction, which others wait for. Not called for a key that was answered.

    Raises
    ------
    Problem
        The key was used by another request.
    """
    caller, now = caller_of(request), api.now()
    asked: str = request.state.digest
    if (known := _known_answer(api, caller, key)) is not None:
        return _again(known, asked)
    try:
        ready = prepare()
    except (Problem, TwohourError):
        # The same request may have been done meanwhile: then what stands against it is what it did.
        if (known := _known_answer(api, caller, key)) is not None:
            return _again(known, asked)
        raise
    with api.store.session() as session:
        kept = None if key is None else claim_key(session, caller.key, key, asked, now)
        if kept is not None:
            return _again(kept, asked)
        reply = work(session, ready)
        text = "" if reply.body is None else reply.body.model_dump_json()
        if key is not None:
            keep_answer(session, caller.key, key, reply.status, reply.headers, text)
    return _answer(reply.status, reply.headers, text, reply.then)


def _known_answer(api: Api, caller: Caller, key: str | None) -> KeptAnswer | None:
    if key is None:
        return None
    with api.store.reading() as session:
        return read_answer(session, caller.key, key)


def must_match(if_match: str | None, etag: str) -> None:
    """Raises a problem when somebody looked at another version than the one there is."""
    if if_match is not None and if_match.strip() != "*" and etag not in [one.strip() for one in if_match.split(",")]:
        raise Problem(CHANGED, "it was changed after you read it; read it again and decide anew", {"ETag": etag})


def _again(kept: KeptAnswer, asked: str) -> Response:
    if kept.request != asked:
        raise Problem(KEY_REUSED, "this Idempotency-Key was used by another request; choose a new one for each")
    return _answer(kept.status, {**kept.headers, "Idempotency-Replayed": "true"}, kept.body, None)


def _answer(status: int, headers: Mapping[str, str], text: str, then: Callable[[], None] | None) -> Response:
    task = None if then is None else BackgroundTask(_after, then)
    return Response(text or None, status, dict(headers), "application/json" if text else None, background=task)


def _after(then: Callable[[], None]) -> None:
    """What follows from a request whose answer is out: nobody waits for it, so that what fails is logged."""
    try:
        then()
    except Exception:  # noqa: BLE001
        _log.exception("after a request")
