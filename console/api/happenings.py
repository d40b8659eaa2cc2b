"""`/events`: what happens during the day, told and looked up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from console.api.access import Caller, caller_of
from console.api.bodies import json_body
from console.api.kinds import Short
from console.api.other_models import EventAnswer, EventPage, EventsTold, EventTold
from console.api.paging import Cursor, Limit, cursor_of, page_of, place_of
from console.api.replies import IdempotencyKey, Reply, once
from data_models import tables
from data_models.events import KINDS, Event, Opened, events_in, subjects
from data_models.store import Answer, add_events
from data_models.store.pages import events_page, regions_of
from flows.events import BATCH, tell
from flows.reacting import emergencies_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from console.api.service import Api

_EVENT = {
    "type": "object",
    "required": ["kind", "at", "key"],
    "properties": {
        "kind": {"type": "string", "description": f"One of {', '.join(KINDS)}."},
        "at": {"type": "string", "format": "date-time"},
        "key": {"type": "string", "description": "Chosen by whoever tells it: the same event told again is merged."},
        "by": {"type": "string", "description": "Who tells it; the caller unless said."},
    },
    "additionalProperties": True,
    "example": {"kind": "ticket_contacted", "at": "2026-03-02T08:20:00+08:00", "key": "call-4711", "ticket": "E-0001"},
}
_OTHER = {"description": "What is no event is answered as `unreadable`, so that the others count."}
_BODY = {
    "required": True,
    "description": "One event or an array of them; docs/events.md says what each kind has.",
    "content": {"application/json": {"schema": {"anyOf": [_EVENT, {"type": "array", "items": {"anyOf": [_EVENT, _OTHER]}}, _OTHER]}}},
}


def events_router(api: Api) -> APIRouter:
    """The router of `/events`."""
    router = api.router("/events", "events")

    @router.post(
        "", operation_id="tellEvents", summary="Tell what happened", response_model=EventsTold, openapi_extra={"requestBody": _BODY}
    )  # fmt: skip
    async def tell_events(request: Request, key: IdempotencyKey = None) -> Response:
        """Tell what happened: one event or an array of them. What is answered is kept; each event has a key and counts once."""
        from fastapi.concurrency import run_in_threadpool

        document = await json_body(request)
        return await run_in_threadpool(_told, api, request, key, document if isinstance(document, list) else [document])

    @router.get("", operation_id="listEvents", summary="What was told last", response_model=EventPage)
    def list_events(
        request: Request,
        ticket: Annotated[Short, Query(description="About this ticket.")] = "",
        technician: Annotated[Short, Query(description="About this technician.")] = "",
        limit: Limit = 50,
        cursor: Cursor = "",
        own: Annotated[bool, Query(alias="all", description="What the store notes for itself, too.")] = False,
    ) -> EventPage:
        """Events, the last to happen first, each with a note where it does not simply count."""
        after, caller = place_of(cursor, datetime, int), caller_of(request)
        with api.store.reading() as session:
            rows = events_page(session, limit + 1, after, regions=caller.regions, ticket=ticket, technician=technician, own=own)
        page, more = page_of(rows, limit)
        return EventPage(items=[_event(*row) for row in page], next=cursor_of(page[-1][0].at, page[-1][0].id) if more else None)

    return router


def _told(api: Api, request: Request, key: str | None, documents: Sequence[Any]) -> Response:
    caller, now = caller_of(request), api.now()
    events, unreadable = events_in(documents, default_by=caller.name)

    def work(session: Session, _ready: None) -> Reply:
        theirs = _theirs(session, caller, events)
        answers = iter(add_events(session, [event for event, own in zip(events, theirs, strict=True) if own], now))
        return reply([next(answers) if own else _refused(event) for event, own in zip(events, theirs, strict=True)])

    def reply(answers: Sequence[Answer]) -> Reply:
        counts = Counter[str](answer.verdict for answer in answers)
        told = EventsTold(
            counts=dict(counts) | ({"unreadable": len(unreadable)} if unreadable else {}),
            answers=[EventAnswer(key=a.key, number=a.number, verdict=a.verdict, note=a.note) for a in answers],
            unreadable=unreadable,
        )
        urgent = emergencies_in(events, answers)
        return Reply(200, told, {}, (lambda: api.follow(urgent, now)) if urgent else api.deliver)

    if key is None and len(events) > BATCH and not caller.regions:
        # So many that others would wait: a batch a transaction, and each event has a key of its own.
        found = reply(tell(api.store, events, now).answers)
        return once(api, request, None, lambda _session, _ready: found, lambda: None)
    return once(api, request, key, work, lambda: None)


def _theirs(session: Session, caller: Caller, events: Sequence[Event]) -> list[bool]:
    """Which events are about something in a caller's regions: the ticket, or where it is opened, before people and stations."""
    if not caller.regions:
        return [True] * len(events)
    about = [subjects(event) for event in events]
    regions = regions_of(
        session,
        tickets=sorted({one["ticket"] for one in about}),
        technicians=sorted({one["technician"] for one in about}),
        sites=sorted({event.site for event in events if isinstance(event, Opened)}),
    )
    found = []
    for event, one in zip(events, about, strict=True):
        places = [regions.get(f"{kind} {name}") for kind, name in one.items() if name]
        if isinstance(event, Opened):
            # A ticket that is new is where its site is; one that is known must be theirs too.
            places = [regions.get(f"site {event.site}"), *filter(None, [regions.get(f"ticket {event.ticket}")])]
        found.append(bool(places) and all(place is not None and caller.may_in(place) for place in places))
    return found


def _refused(event: Event) -> Answer:
    return Answer(event.key, None, "refused", "what it is about does not exist, or belongs to another region")


def _event(row: tables.Event, note: str) -> EventTold:
    return EventTold(
        number=row.id, key=row.key, kind=row.kind, at=row.at, arrived_at=row.arrived_at, by=row.by, ticket=row.ticket_id,
        technician=row.technician_id, station=row.station_id, facts=row.details, note=note,
    )  # fmt: skip
