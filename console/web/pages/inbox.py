"""The inbox: tickets that nobody has yet, each with its first answer and one click to send; and the clocks that are at risk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from console.web.first_answers import FirstAnswers
from console.web.visitors import must, person_of
from console.web.web import Web
from data_models import tables
from data_models.case import SEVERITIES
from data_models.clocks import ClockState
from data_models.errors import NotFound
from data_models.people import Action, Person, may
from data_models.store.watched import Watched
from flows.sending import send
from flows.watching import clocks_by_urgency, watched_tickets

_MOST_CLOCKS = 100


@dataclass(frozen=True)
class Waiting:
    """A ticket that no published plan serves, with the clock that matters most."""

    ticket: tables.Ticket
    clock: ClockState | None


def inbox_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], answers: FirstAnswers) -> APIRouter:
    """`/inbox` and its parts."""
    router = APIRouter(dependencies=[Depends(must(visitor, "see"))])

    @router.get("/inbox")
    def show_inbox(request: Request) -> Response:
        return web.page(request, "inbox.jinja", **_lists(web, person_of(request)))

    @router.get("/inbox/list")
    def show_lists(request: Request) -> Response:
        return web.page(request, "inbox_lists.jinja", **_lists(web, person_of(request)))

    @router.get("/inbox/count")
    def count(request: Request) -> Response:
        person = person_of(request)
        with web.store.reading() as session:
            waiting = [ticket for ticket in _open_tickets(session) if may(person, "see", ticket.site.region)]
        emergencies = sum(ticket.severity == "emergency" for ticket in waiting)
        return web.page(request, "inbox_count.jinja", emergencies=emergencies)

    @router.get("/inbox/{ticket_id}")
    def show_answer(request: Request, ticket_id: str) -> Response:
        _must_see(web, person_of(request), ticket_id, "see")
        answer = answers.answer(ticket_id, web.now())
        return web.page(request, "inbox_answer.jinja", answer=answer, ticket_id=ticket_id)

    @router.post("/inbox/{ticket_id}/send")
    def send_people(
        request: Request, ticket_id: str, technicians: Annotated[list[str], Form()], plan: Annotated[int | None, Form()] = None
    ) -> Response:
        person = person_of(request)
        _must_see(web, person, ticket_id, "decide")
        sent = send(web.store, web.settings, ticket_id, technicians, by=person.login, at=web.now(), seen_plan=plan)
        if "hx-request" not in request.headers:
            return RedirectResponse("/inbox", 303)
        return web.page(request, "inbox_sent.jinja", sent=sent, ticket_id=ticket_id)

    return router


def _must_see(web: Web, person: Person, ticket_id: str, action: Action) -> None:
    """Raises `NotFound` for a ticket that is not there or of another region, and 403 for who may look but not do this."""
    with web.store.reading() as session:
        ticket = session.scalar(select(tables.Ticket).where(tables.Ticket.id == ticket_id).options(joinedload(tables.Ticket.site)))
        if ticket is None or not may(person, "see", ticket.site.region):
            raise NotFound(f"Ticket {ticket_id} does not exist, or belongs to another region")
        if not may(person, action, ticket.site.region):
            raise HTTPException(403, f"{person.login} ({person.role}) may not send anybody")


def _open_tickets(session: Session) -> list[tables.Ticket]:
    query = select(tables.Ticket).where(tables.Ticket.state == "open")
    whole = joinedload(tables.Ticket.site).joinedload(tables.Site.customer)
    return list(session.scalars(query.options(whole).order_by(tables.Ticket.opened_at)))


def _lists(web: Web, person: Person) -> dict[str, Any]:
    now = web.now()
    with web.store.reading() as session:
        watched = watched_tickets(session, web.settings, now)
        found = [ticket for ticket in _open_tickets(session) if may(person, "see", ticket.site.region)]
        regions = {row.id: row.region for row in session.execute(select(tables.Site.id, tables.Site.region))}
    clocks = [item for item in clocks_by_urgency(watched) if may(person, "see", regions.get(item[0].site, ""))]
    on_site = {state.ticket: state for _, state in clocks if state.clock == "on_site"}
    waiting = [Waiting(ticket, on_site.get(ticket.id)) for ticket in found]
    waiting.sort(key=lambda item: (SEVERITIES.index(item.ticket.severity), item.clock.due_at if item.clock else item.ticket.opened_at))
    urgent: list[tuple[Watched, ClockState]] = [item for item in clocks if item[1].state in ("at_risk", "missed")]
    counts = {state: sum(item[1].state == state for item in clocks) for state in ("at_risk", "missed", "running", "paused")}
    return {"waiting": waiting, "urgent": urgent[:_MOST_CLOCKS], "counts": counts, "problems": watched.problems}
