"""The web application: pages, static files, errors as pages or problem details, and headers that let nothing else in."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from config.settings import Settings
from console.api import delivering, make_api
from console.web.first_answers import FirstAnswers
from console.web.live import News, live_router, watching
from console.web.pages.audit import audit_router
from console.web.pages.customer import customer_router
from console.web.pages.inbox import inbox_router
from console.web.pages.login import login_router
from console.web.pages.me import me_router
from console.web.pages.my import my_router
from console.web.pages.openid import openid_router
from console.web.pages.people import people_router
from console.web.pages.plan import plan_router
from console.web.pages.plan_changes import plan_changes_router
from console.web.pages.plan_decisions import plan_decisions_router
from console.web.pages.plan_ticket import plan_ticket_router
from console.web.pages.plans import plans_router
from console.web.pages.studies import studies_router
from console.web.pages.study_scenarios import study_scenarios_router
from console.web.pages.tickets import tickets_router
from console.web.pages.tokens import tokens_router
from console.web.shown_plan import ShownPlans
from console.web.shown_study import ShownStudies
from console.web.texts import marked
from console.web.visitors import MustChangePassword, NotLoggedIn, visitor_of, way_to_login
from console.web.web import MAPS, STATIC, Web
from data_models.errors import BadInput, Conflict, Infeasible, NotFound, TwohourError, Unavailable
from data_models.store import Store

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""No script but our own files. Styles may stand in elements, since the timeline places its bars by them."""

_STATUS: tuple[tuple[type[TwohourError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Infeasible, 409),
    (BadInput, 422),
    (Unavailable, 503),
)
_TITLES = {
    400: marked("Refused"),
    401: marked("Not logged in"),
    403: marked("Not allowed"),
    404: marked("Not found"),
    409: marked("Conflict"),
    422: marked("Bad input"),
    500: marked("Failed"),
    503: marked("Unavailable"),
}
_log = logging.getLogger(__name__)


def make_console(
    store: Store, settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), is_safe: bool = False
) -> FastAPI:
    """The application over an open store.

    Parameters
    ----------
    now
        The clock.
    is_safe
        The console is reached by https only: cookies are then sent by no other way.
    """
    web = Web(store, settings, now, is_safe)
    visitor = visitor_of(web)
    news, answers = News(web), FirstAnswers(store, settings)
    api = make_api(store, settings, now=now)

    @asynccontextmanager
    async def lifespan(console: FastAPI) -> AsyncIterator[None]:
        async with watching(news, answers.close)(console), delivering(api):
            yield

    console = FastAPI(title="twohour", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    console.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    console.middleware("http")(_guarded)
    _tell_errors(console, web)
    console.mount("/static/maps", StaticFiles(directory=MAPS), name="maps")
    console.mount("/static", StaticFiles(directory=STATIC), name="static")
    console.mount("/api", api, name="api")
    plans = ShownPlans(store, settings)
    studies = ShownStudies(web)
    for router in (
        login_router(web, visitor),
        openid_router(web),
        plans_router(web, visitor),
        plan_router(web, visitor, plans),
        plan_ticket_router(web, visitor, plans),
        plan_changes_router(web, visitor, plans),
        plan_decisions_router(web, visitor, plans),
        inbox_router(web, visitor, answers),
        my_router(web, visitor),
        tickets_router(web, visitor),
        customer_router(web),
        me_router(web, visitor),
        people_router(web, visitor),
        tokens_router(web, visitor),
        audit_router(web, visitor),
        studies_router(web, visitor, studies),
        study_scenarios_router(web, visitor, studies),
        live_router(news, visitor),
    ):
        console.include_router(router)
    return console


async def _guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    answer = await call_next(request)
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers.setdefault("Referrer-Policy", "same-origin")
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.url.path.startswith("/static/") and answer.status_code == 200:
        # Scripts import each other without a version: they are asked for anew, so that no old one meets a new one.
        kept = "public, max-age=31536000, immutable" if request.url.query.startswith("v=") else "no-cache"
        answer.headers["Cache-Control"] = kept
    return answer


def _tell_errors(console: FastAPI, web: Web) -> None:
    def told(request: Request, status: int, detail: str) -> Response:
        texts = web.texts(request, getattr(request.state, "person", None))
        detail = texts.from_below(detail)
        if _wants_page(request):
            return web.page(request, "error.jinja", status=status, code=status, detail=detail)
        body = {"type": "about:blank", "title": texts.gettext(_title(status)), "status": status, "detail": detail}
        return JSONResponse(body, status, media_type="application/problem+json")

    @console.exception_handler(NotLoggedIn)
    async def not_logged_in(request: Request, _error: NotLoggedIn) -> Response:
        if not _wants_page(request):
            # The page keeps what was typed and offers to log in beside it.
            return told(request, 401, "log in again")
        return RedirectResponse(way_to_login(request), 303)

    @console.exception_handler(MustChangePassword)
    async def must_change(request: Request, _error: MustChangePassword) -> Response:
        return RedirectResponse("/me", 303) if _wants_page(request) else told(request, 403, "choose a password of your own first")

    @console.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return told(request, error.status_code, str(error.detail))

    @console.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        wrong = "; ".join(f"{'.'.join(str(step) for step in item['loc'][1:])}: {item['msg']}" for item in error.errors()[:5])
        return told(request, 422, wrong)

    @console.exception_handler(404)
    async def unknown(request: Request, _error: Exception) -> Response:
        return told(request, 404, "there is no such page")

    @console.exception_handler(TwohourError)
    async def failed(request: Request, error: TwohourError) -> Response:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        return told(request, status, str(error))

    @console.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return told(request, 500, "something went wrong on our side; nothing was changed")


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers


def _title(status: int) -> str:
    return _TITLES.get(status, _TITLES[400] if status < 500 else _TITLES[500])
