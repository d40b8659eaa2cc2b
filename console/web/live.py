"""News for open pages: when anything was written, by whichever process, pages are told within a second and ask for what they show.

What is pushed is only that something changed and what kind of thing; who may see it is decided when a page asks.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func, select
from sse_starlette import EventSourceResponse

from console.web.web import Web
from data_models import tables
from data_models.errors import TwohourError
from data_models.people import Person
from data_models.store.changes import ChangeMark

EVERY_S = 1.0
"""How often the store is asked whether anything was written, which costs a fraction of a millisecond."""

_log = logging.getLogger(__name__)
Counts = dict[str, int | str]


class News:
    """Tells open pages what changed. One for each server process; `watch` runs as long as the application does."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._readers: set[asyncio.Queue[str]] = set()
        self._last: Counts = {}

    async def watch(self) -> None:
        """Looks at the store until it is cancelled; a database that is away is looked at again."""
        with ChangeMark(self._web.store) as mark:
            seen = ""
            while True:
                try:
                    now = await run_in_threadpool(mark.now)
                    if now != seen:
                        self._tell(await run_in_threadpool(self._count))
                        seen = now
                except TwohourError as error:
                    _log.warning("news: %s", error)
                await asyncio.sleep(EVERY_S)

    async def read(self) -> AsyncIterator[str]:
        """What changes from now on: JSON with the latest number of each kind of thing."""
        mine: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        self._readers.add(mine)
        try:
            yield json.dumps(self._last)
            while True:
                yield await mine.get()
        finally:
            self._readers.discard(mine)

    def _tell(self, counts: Counts) -> None:
        if counts == self._last:
            return
        self._last = counts
        for reader in self._readers:
            # A page that does not read for so long learns the latest when it does.
            with suppress(asyncio.QueueFull):
                reader.put_nowait(json.dumps(counts))

    def _count(self) -> Counts:
        with self._web.store.reading() as session:
            return {
                "events": session.scalar(select(func.max(tables.Event.id))) or 0,
                "plans": session.scalar(select(func.sum(tables.Plan.row_version))) or 0,
                "edits": session.scalar(select(func.count()).select_from(tables.PlanEdit)) or 0,
                "marks": str(session.scalar(select(func.max(tables.PlanEdit.marked_at))) or ""),
                "decisions": session.scalar(select(func.max(tables.Approval.id))) or 0,
            }


def live_router(news: News, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/live`: server-sent events."""
    router = APIRouter()

    @router.get("/live", dependencies=[Depends(visitor)])
    async def live(_request: Request) -> Response:
        return EventSourceResponse(({"data": text} async for text in news.read()), ping=20)

    return router


def watching(news: News, close: Callable[[], None]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The lifespan of an application that tells news; `close` gives back at its end what else it holds."""

    @asynccontextmanager
    async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(news.watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await run_in_threadpool(close)

    return lifespan
