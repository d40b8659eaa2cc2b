"""Bodies of requests: read no further than a limit, and only what says that it is JSON."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.problems import NOT_JSON, NOT_JSON_TYPE, TOO_LARGE, Problem

MOST_BYTES = 20_000_000
"""Of a request to `/events`: a hundred thousand events."""

MOST_OF_READINGS = 4_000_000
MOST_OF_OTHERS = 262_144
OF_PATHS = {"/events": MOST_BYTES, "/readings": MOST_OF_READINGS}
"""How many bytes a body may have where it is not `MOST_OF_OTHERS`."""


class Bounded:
    """Refuses bodies that are too large: before they are read where the header says so, else as soon as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI asks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        most, read = OF_PATHS.get(path, MOST_OF_OTHERS), 0
        length = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
        if length.isascii() and length.isdecimal() and (len(length) > 18 or int(length) > most):
            await _too_large(most).answer()(scope, receive, send)
            return

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise _too_large(most)
            return message

        await self._app(scope, bounded, send)


async def must_be_json(request: Request) -> None:
    """A dependency: a body that there is says that it is JSON, in UTF-8, and no browser's form passes for one."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return
    media, _, rest = request.headers.get("content-type", "").partition(";")
    charset = rest.strip().casefold().removeprefix("charset=").strip('"')
    if media.strip().casefold() != "application/json" or charset not in ("", "utf-8"):
        if not media and not await request.body():
            return
        raise Problem(NOT_JSON_TYPE, "send JSON, with the header Content-Type: application/json", {"Accept": "application/json"})


async def json_body(request: Request) -> Any:
    """The JSON of a request. Raises a problem."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Problem(NOT_JSON, f"the body is not JSON: {error}") from None


def _too_large(most: int) -> Problem:
    return Problem(TOO_LARGE, f"the body is larger than {most:,} bytes; send it in parts")
