"""The customer's page: where their ticket stands and when somebody is expected, by a signed link; and how satisfied they are, at the end.

Nobody logs in here: the link is all there is, so the page says no more than its holder may know, and counts how often it is tried.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from console.web.bodies import TooLarge, read_body
from console.web.texts import LANGUAGES, Texts, marked
from console.web.web import Web
from data_models.errors import BadInput, Conflict, NotFound
from flows.customers import LONGEST_COMMENT, LinkRefused, rate, seen_by_customer, ticket_of_token

PER_ADDRESS = 60
"""Looks a minute from one address: an office of the customer's may sit behind one."""

PER_LINK = 30
"""Looks a minute by one link."""

WRONG_PER_ADDRESS = 10
"""Links that are none of ours, a minute from one address."""

_MOST_BYTES = 20_000

_STEPS = {
    "received": "We have received your ticket",
    "planned": "A visit is planned",
    "on_the_way": "Our technician is on the way",
    "under_way": "Our technician is at work",
    "done": "The work is done",
    "cancelled": "The ticket was cancelled",
}
_ORDER = ("received", "planned", "on_the_way", "under_way", "done")
_FORGED = (marked("This link does not work"), marked("Open it from our message once more, or call us: we will send you a new one."))
_OVER = (marked("This link is over"), marked("It was good for a while only. Call us if there is something left to do."))
_SAID = (marked("This was said already"), marked("We have your answer, or the ticket is open again. Open the link once more to see."))
_TOO_OFTEN = (marked("Too many requests"), marked("Wait a minute, then open the link again."))
_WRONG = (marked("This does not work"), marked("Choose one of the five scores and keep your words short."))
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class Tries:
    """Counts looks by address and by link, for one server process."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._lock = threading.Lock()

    def allows(self, most: int, *names: str) -> bool:
        """Whether one more a minute is allowed under these names; each one asked about counts."""
        with self._lock:
            return bool(self._limiter.hit(RateLimitItemPerMinute(most), *names))

    def exhausted(self, most: int, *names: str) -> bool:
        """Whether so many have been counted under these names; asking does not count."""
        return not self._limiter.test(RateLimitItemPerMinute(most), *names)


def customer_router(web: Web) -> APIRouter:
    """`/t/{token}`."""
    router = APIRouter()
    tries = Tries()

    def ticket_of(request: Request, token: str) -> str | Response:
        """The ticket of a token, or the page that refuses it."""
        address = request.client.host if request.client is not None else ""
        if tries.exhausted(WRONG_PER_ADDRESS, "wrong", address) or not tries.allows(PER_ADDRESS, "any", address):
            return _refused(web, request, 429, _TOO_OFTEN)
        try:
            ticket = ticket_of_token(web.settings, token, web.now())
        except LinkRefused as error:
            tries.allows(WRONG_PER_ADDRESS, "wrong", address)
            return _refused(web, request, 410 if error.is_over else 403, _OVER if error.is_over else _FORGED)
        if not tries.allows(PER_LINK, "link", ticket):
            return _refused(web, request, 429, _TOO_OFTEN)
        return ticket

    @router.get("/t/{token}")
    def show_ticket(request: Request, token: str) -> Response:
        ticket = ticket_of(request, token)
        if isinstance(ticket, Response):
            return ticket
        try:
            view = seen_by_customer(web.store, ticket, web.now())
        except NotFound:
            return _refused(web, request, 410, _OVER)
        texts = web.texts(request)
        steps = {name: texts.gettext(message) for name, message in _STEPS.items()}
        reached = _ORDER.index(view.state) if view.state in _ORDER else 0
        answer = web.page(
            request, "customer.jinja", view=view, token=token, steps=steps, reached=reached, longest_comment=LONGEST_COMMENT
        )  # fmt: skip
        answer.headers.update(_PRIVATE)
        return answer

    @router.post("/t/{token}")
    async def say_satisfaction(request: Request, token: str) -> Response:
        try:
            # Read by hand up to a limit: whoever sends it is not known.
            body = await read_body(request, _MOST_BYTES)
        except TooLarge:
            return _refused(web, request, 413, _WRONG)
        return await run_in_threadpool(keep_answer, request, token, body)

    def keep_answer(request: Request, token: str, body: bytes) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, "open the link itself")
        ticket = ticket_of(request, token)
        if isinstance(ticket, Response):
            return ticket
        try:
            said = dict(parse_qsl(body.decode(), max_num_fields=10))
            rate(web.store, ticket, _number(said, "reopenings"), _number(said, "score"), said.get("comment", ""), web.now())
        except (BadInput, ValueError):
            return _refused(web, request, 422, _WRONG)
        except (Conflict, NotFound):
            return _refused(web, request, 410, _SAID)
        return RedirectResponse(f"/t/{token}", 303, _PRIVATE)

    return router


def _number(said: Mapping[str, str], name: str) -> int:
    text = said.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1


def _refused(web: Web, request: Request, status: int, words: tuple[str, str]) -> Response:
    """A plain page in every language: whoever holds a wrong link may read any."""
    refusals = []
    for language in LANGUAGES:
        texts = Texts(language, web.zone)
        lang = "zh-CN" if language == "zh" else language
        refusals.append({"lang": lang, "title": texts.gettext(words[0]), "detail": texts.gettext(words[1])})
    answer = web.page(request, "customer.jinja", status=status, view=None, refusals=refusals)
    answer.headers.update(_PRIVATE)
    return answer
