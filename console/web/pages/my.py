"""The technician's page: their own visits of today, for a phone, and what they tell of them; it goes on working without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from console.web.bodies import TooLarge, read_body
from console.web.navigation import ways_to
from console.web.texts import Texts
from console.web.visitors import must, person_of
from console.web.web import STATIC, Web, script_texts, static_address
from data_models.errors import BadInput, NotFound
from data_models.people import Person
from flows.photos import MOST_BYTES
from flows.visits import MyDay, NeedsOfSnapshots, keep_photo, my_day, tell_visit

MOST_PHOTOS_AT_ONCE = 6
_MOST_EVENT_BYTES = 20_000

_STATES = {
    "planned": "planned",
    "accepted": "accepted",
    "declined": "declined",
    "driving": "on my way",
    "arrived": "at work",
    "done": "done",
    "unresolved": "done, another visit is needed",
    "closed": "settled by others",
    "cancelled": "cancelled: nobody needs to go",
}
_TELLING = {
    "technician_accepted": "Accept",
    "technician_declined": "Decline",
    "technician_driving": "On my way",
    "technician_arrived": "Arrived",
    "technician_finished": "Done",
}
_WHEN = {
    "technician_accepted": "planned declined",
    "technician_declined": "planned accepted driving",
    "technician_driving": "planned accepted",
    "technician_arrived": "driving",
    "technician_finished": "arrived",
}
_KINDS = {**_TELLING, "technician_delayed": "Held up"}
_DECLINING = {
    "the visit before takes longer": "The visit before takes longer",
    "a skill or a kit is missing": "A skill or a kit is missing",
    "the vehicle does not allow it": "The vehicle does not allow it",
    "not well": "I am not well",
    "other": "Another reason",
}
_SCRIPT = {
    "notSent": "not sent yet",
    "kept": "{count} kept, not yet sent.",
    "sending": "Sending {count}…",
    "noNetwork": "No network: this is what was known last.",
    "sessionOver": "Your session is over: what you tap is kept until you log in again.",
    "noRoom": "The phone has no room left: this could not be kept. Call your dispatcher.",
    "photos": "Photos: {count}",
    "photoRefused": "A photo was not taken:",
    "understood": "OK",
    "logOutAnyway": "{count} kept and not yet sent: they stay on this phone until you log in here again. Log out?",
    "onlineOnly": "This browser cannot keep the page: it works only with a network.",
}
_ASSETS = ("console.css", "my.css", "vendor/htmx.min.js", "console.js", "my.js", "icon.svg")
"""What the page is made of. Modules that others import have no digest in their address, and are named as they are asked for."""
_IMPORTED = ("/static/asking.js", "/static/my_kept.js")


def my_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/my` and its parts. Everything is about the technician that the visitor is, whatever a request says."""
    router = APIRouter(prefix="/my")
    known = NeedsOfSnapshots()
    own = [Depends(must(visitor, "work"))]

    def day_of(request: Request) -> MyDay:
        return my_day(web.store, _technician(person_of(request)), web.now(), web.zone, known)

    @router.get("", dependencies=own)
    def show_day(request: Request) -> Response:
        return _page(web, request, "my.jinja", day_of(request))

    @router.get("/list", dependencies=own)
    def show_list(request: Request) -> Response:
        return _page(web, request, "my_visits.jinja", day_of(request))

    @router.get("/visits/{ticket_id:path}", dependencies=own)
    def show_visit(request: Request, ticket_id: str) -> Response:
        """The day with one visit foremost. Raises `NotFound` for a visit of somebody else."""
        day = day_of(request)
        mine = [visit for visit in day.visits if visit.ticket == ticket_id]
        if not mine:
            raise NotFound(f"Ticket {ticket_id} is no visit of yours, or does not exist")
        others = tuple(visit for visit in day.visits if visit.ticket != ticket_id)
        return _page(web, request, "my.jinja", MyDay((*mine, *others), day.delayed_until))

    @router.post("/events", dependencies=own)
    async def tell(request: Request) -> Response:
        """Keep one thing that was told; the same key again is merged."""
        person = person_of(request)
        try:
            told = json.loads(await read_body(request, _MOST_EVENT_BYTES))
        except TooLarge:
            raise HTTPException(413, f"this is larger than {_MOST_EVENT_BYTES:,} bytes; say less") from None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise BadInput("this is no event; load the page again")
        answer = await run_in_threadpool(tell_visit, web.store, _technician(person), person.login, told, web.now())
        if answer.verdict == "refused":
            raise BadInput(answer.note)
        return JSONResponse({"verdict": answer.verdict, "note": web.texts(request, person).from_below(answer.note)})

    @router.post("/photos", dependencies=own)
    async def add_photo(
        request: Request,
        ticket: Annotated[str, Query(max_length=64)],
        key: Annotated[str, Query(max_length=64)],
        event: Annotated[str, Query(max_length=64)] = "",
    ) -> Response:
        """Keep a photo, which is the whole body of the request: no part of it is believed but what decodes as a picture."""
        person = person_of(request)
        try:
            content = await read_body(request, MOST_BYTES)
        except TooLarge:
            raise HTTPException(413, f"the photo is larger than {MOST_BYTES:,} bytes; send a smaller one") from None
        number = await run_in_threadpool(
            keep_photo,
            web.store,
            _technician(person),
            person.login,
            ticket=ticket,
            key=key,
            event=event,
            content=content,
            now=web.now(),
        )
        return JSONResponse({"photo": number})

    @router.get("/worker.js")
    def worker() -> Response:
        """The script that keeps the page; it holds nothing of anybody, and a browser asks for it without a session, too."""
        return Response(_worker(), media_type="text/javascript", headers={"Service-Worker-Allowed": "/my", "Cache-Control": "no-cache"})

    return router


def _technician(person: Person) -> str:
    if person.technician is None:
        raise HTTPException(403, f"{person.login} ({person.role}) is no technician")
    return person.technician


def _page(web: Web, request: Request, template: str, day: MyDay) -> Response:
    texts = web.texts(request, person_of(request))
    telling = [(kind, _WHEN[kind], texts.gettext(label)) for kind, label in _TELLING.items()]
    states = script_texts(texts, _STATES)
    return web.page(
        request,
        template,
        day=day,
        states=states,
        telling=telling,
        ways={visit.ticket: ways_to(visit.planned.lat, visit.planned.lon, visit.planned.site_name) for visit in day.visits},
        declining=[(code, texts.gettext(reason)) for code, reason in _DECLINING.items()],
        most_photos=MOST_PHOTOS_AT_ONCE,
        script=_script(texts, states),
    )


def _script(texts: Texts, states: Mapping[str, str]) -> dict[str, Any]:
    return {**script_texts(texts, _SCRIPT), "states": states, "kinds": script_texts(texts, _KINDS)}


def _worker() -> str:
    text = (STATIC / "my_worker.js").read_text(encoding="utf-8")
    assets = [*(static_address(name) for name in _ASSETS), *_IMPORTED]
    imported = b"".join((STATIC / path.removeprefix("/static/")).read_bytes() for path in _IMPORTED)
    version = hashlib.sha256(json.dumps(assets).encode() + imported + text.encode()).hexdigest()[:12]
    return f'"use strict";\nconst PAGE_ASSETS = {json.dumps(assets)};\nconst PAGE_VERSION = "{version}";\n{text}'
