"""The API put together: what its resources share, how requests are let in, and what becomes of errors."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from config.settings import Settings
from console.api.access import Limits, admission
from console.api.bodies import Bounded, must_be_json
from console.api.company import company_router
from console.api.description import describe
from console.api.happenings import events_router
from console.api.plans import plans_router
from console.api.problems import BAD_INPUT, FAULT, KINDS, METHOD_NOT_ALLOWED, UNAVAILABLE, Problem, kind_of, told, told_by_validation
from console.api.readings import readings_router
from console.api.replies import body_digest
from console.api.tickets import tickets_router
from console.api.trail import trail_router
from console.api.webhooks import webhooks_router
from data_models.errors import TwohourError
from data_models.store import Store
from data_models.store.kept_answers import forget_answers
from flows.planning import SearchLimit
from flows.reacting import answer_emergencies
from flows.reoptimizing import reoptimize
from flows.webhooks import deliver_due

UPON_EMERGENCY_S = 2.0
"""Of search when an emergency comes in; the scheduled run after it has longer."""

DELIVER_EVERY_S = 3.0
FORGET_EVERY = timedelta(hours=1)
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_log = logging.getLogger(__name__)


@dataclass
class Api:
    """What every resource has at hand: the store, the settings, the clock, and what follows from a request."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    limits: Limits
    _delivering: threading.Lock = field(default_factory=threading.Lock)
    _forgot_at: datetime | None = None

    def router(self, prefix: str, tag: str) -> APIRouter:
        """A router whose operations let in only whoever may use them, before anything of a request is read."""
        return APIRouter(prefix=prefix, tags=[tag], route_class=_guarded(self))

    def follow(self, tickets: Sequence[str], now: datetime) -> None:
        """What follows from new emergencies, after the caller has the answer: coordinators are told, and the plan is made again."""
        try:
            answer_emergencies(self.store, self.settings, tickets, now)
            reoptimize(self.store, self.settings, now, limit=SearchLimit(UPON_EMERGENCY_S))
        except TwohourError as error:
            _log.warning("planning again upon an emergency: %s", error)
        self.deliver()

    def deliver(self) -> None:
        """Send what other systems are to be told, unless this process is at it; the schedule sends what is left."""
        if not self._delivering.acquire(blocking=False):
            return
        try:
            deliver_due(self.store, self.settings, self.now())
            if self._forgot_at is None or self.now() - self._forgot_at > FORGET_EVERY:
                self._forgot_at = self.now()
                with self.store.session() as session:
                    forget_answers(session, self.now() - timedelta(hours=self.settings.api.key_hours))
        finally:
            self._delivering.release()


def make_api(store: Store, settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """The application over an open store; `docs/api.md` says what it offers, and `/openapi.json` so that programs can read it.

    Errors are problem details (RFC 9457). Raises `BadInput` when a policy file has an error.
    """
    api = Api(store, settings, now, Limits(settings.api))
    application = FastAPI(title="twohour", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    application.add_middleware(Bounded)
    _tell_errors(application)
    for make in (tickets_router, plans_router, company_router, events_router, readings_router, trail_router, webhooks_router):
        application.include_router(make(api))
    own = api.router("", "description")

    @own.get("/openapi.json", operation_id="readDescription", include_in_schema=False)
    def read_description() -> dict[str, Any]:
        """The description of the API, by the OpenAPI specification."""
        return application.openapi()

    application.include_router(own)
    describe(application)
    application.state.api = api
    return application


@asynccontextmanager
async def delivering(application: FastAPI) -> AsyncIterator[None]:
    """As long as a server runs: other systems are told within seconds of what anybody changed, in whichever process."""

    async def deliver() -> None:
        while True:
            try:
                await run_in_threadpool(application.state.api.deliver)
            except TwohourError as error:
                _log.warning("telling other systems: %s", error)
            await asyncio.sleep(DELIVER_EVERY_S)

    task = asyncio.create_task(deliver())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _guarded(api: Api) -> type[APIRoute]:
    admitted = admission(api)

    class GuardedRoute(APIRoute):
        """Lets in whoever may use it, then looks at what kind of body there is, and only then reads it."""

        def get_route_handler(self) -> Callable[[Request], Any]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                await admitted(request)
                if request.method in _CHANGING:
                    await must_be_json(request)
                    await body_digest(request)
                answer: Response = await handle(request)
                answer.headers.setdefault("Cache-Control", "no-store")
                return answer

            return guarded

    return GuardedRoute


def _tell_errors(application: FastAPI) -> None:
    @application.exception_handler(Problem)
    async def problem(_request: Request, error: Problem) -> Response:
        return error.answer()

    @application.exception_handler(TwohourError)
    async def ours(request: Request, error: TwohourError) -> Response:
        kind = kind_of(error)
        if kind is FAULT:
            _log.error("%s %s: %s", request.method, request.url.path, error)
        return told(kind, str(error), {"Retry-After": "5"} if kind is UNAVAILABLE else None)

    @application.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        kind = next((kind for kind in KINDS if kind.status == error.status_code), BAD_INPUT if error.status_code < 500 else FAULT)
        if kind is METHOD_NOT_ALLOWED:
            # Each route knows its own methods only, and the first one answers for the address.
            routes = [
                route for route in application.routes if isinstance(route, APIRoute) and route.matches(request.scope)[0] != Match.NONE
            ]
            allowed = sorted({method for route in routes for method in route.methods or ()})
            return told(kind, f"this address takes {', '.join(allowed)}", {"Allow": ", ".join(allowed)})
        return told(kind, str(error.detail), error.headers)

    @application.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> Response:
        return told_by_validation(error.errors())

    @application.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return told(FAULT, "something went wrong on our side; nothing was changed")
