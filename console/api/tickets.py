"""`/tickets`: what another system pushes, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from config.policies import load_policies
from console.api.access import Caller, caller_of, digest, must_be_theirs
from console.api.kinds import Short, TicketId
from console.api.paging import Cursor, Limit, cursor_of, page_of, place_of
from console.api.problems import CONFLICT, Problem
from console.api.replies import IdempotencyKey, IfMatch, Reply, must_match, once
from console.api.ticket_models import (
    AnswerTold,
    ClockTold,
    ComerTold,
    DelayTold,
    OfferTold,
    Severity,
    TicketChange,
    TicketFacts,
    TicketPage,
    TicketPush,
    TicketState,
    TicketTold,
    WithReason,
)
from data_models import tables
from data_models.errors import BadInput
from data_models.snapshot import Policies
from data_models.store.pages import regions_of, tickets_page
from data_models.store.watched import watched_in_store
from flows.reacting import emergencies_in
from flows.tickets import Pushed, cancel_ticket, change_ticket, push_ticket, reopen_ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from console.api.service import Api
    from flows.first_answer import FirstAnswer, Offer


def tickets_router(api: Api) -> APIRouter:
    """The router of `/tickets`."""
    router = api.router("/tickets", "tickets")

    @router.get("", operation_id="listTickets", summary="List tickets", response_model=TicketPage)
    def list_tickets(
        request: Request,
        state: Annotated[list[TicketState], Query(max_length=5, description="In one of these states.")] = [],  # noqa: B006  FastAPI copies it
        severity: Annotated[Severity | None, Query()] = None,
        site: Annotated[Short, Query(description="Id of the site.")] = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> TicketPage:
        """Tickets with their clocks, the last opened first."""
        caller, after = caller_of(request), place_of(cursor, datetime, str)
        with api.store.reading() as session:
            rows = tickets_page(
                session, limit + 1, after, regions=caller.regions, states=state, severity=severity or "", site=site
            )  # fmt: skip
            page, more = page_of(rows, limit)
            items = _shown(api, session, page)
        return TicketPage(items=items, next=cursor_of(page[-1].opened_at, page[-1].id) if more else None)

    @router.get("/{ticket_id}", operation_id="readTicket", summary="Read a ticket", response_model=TicketTold)
    def read_ticket(request: Request, response: Response, ticket_id: TicketId) -> TicketTold:
        """A ticket with its clocks and whom it is planned for; `ETag` names its version."""
        with api.store.reading() as session:
            row = _theirs(session, caller_of(request), ticket_id)
            response.headers["ETag"] = _etag(row)
            return _shown(api, session, [row])[0]

    @router.put(
        "/{ticket_id}", operation_id="pushTicket", summary="Push a ticket", response_model=TicketTold,
        responses={201: {"description": "The ticket is new.", "model": TicketTold}},
    )  # fmt: skip
    def push(request: Request, ticket_id: TicketId, body: TicketPush, key: IdempotencyKey = None, if_match: IfMatch = None) -> Response:
        """Open the ticket, or change what is known of it, so that it has these facts. Sent again it changes nothing."""
        return _done(api, request, ticket_id, key, if_match, body, push_ticket, may_be_new=True)

    @router.patch("/{ticket_id}", operation_id="changeTicket", summary="Change a ticket", response_model=TicketTold)
    def change(request: Request, ticket_id: TicketId, body: TicketChange, key: IdempotencyKey = None, if_match: IfMatch = None) -> Response:
        """Change what is known of a ticket."""
        return _done(api, request, ticket_id, key, if_match, body, change_ticket)

    @router.post("/{ticket_id}/cancel", operation_id="cancelTicket", summary="Cancel a ticket", response_model=TicketTold)
    def cancel(request: Request, ticket_id: TicketId, body: WithReason, key: IdempotencyKey = None, if_match: IfMatch = None) -> Response:
        """The customer needs nobody any longer; the next plan leaves it out. One that is cancelled stays so."""
        return _done(api, request, ticket_id, key, if_match, body, cancel_ticket)

    @router.post("/{ticket_id}/reopen", operation_id="reopenTicket", summary="Open a closed ticket again", response_model=TicketTold)
    def reopen(request: Request, ticket_id: TicketId, body: WithReason, key: IdempotencyKey = None, if_match: IfMatch = None) -> Response:
        """What was done or cancelled is not settled after all. One that is open stays so."""
        return _done(api, request, ticket_id, key, if_match, body, reopen_ticket)

    @router.get("/{ticket_id}/answer", operation_id="answerTicket", summary="Who can take a ticket", response_model=AnswerTold)
    def answer(request: Request, ticket_id: TicketId) -> AnswerTold:
        """The first answer: who could come as the published plan stands, when, how surely, at what cost; the best first."""
        from flows.responding import respond

        with api.store.reading() as session:
            _theirs(session, caller_of(request), ticket_id)
        try:
            return _answered(respond(api.store, api.settings, ticket_id, api.now()))
        except BadInput as error:
            # It opens later, or its contract names a policy that does not exist: the request is not what is wrong.
            raise Problem(CONFLICT, str(error)) from None

    return router


def _done(
    api: Api,
    request: Request,
    ticket: str,
    key: str | None,
    if_match: str | None,
    body: TicketFacts | WithReason,
    do: Callable[..., Pushed],
    *,
    may_be_new: bool = False,
) -> Response:
    """Do something about a ticket and answer with the ticket as it is then."""
    caller, now = caller_of(request), api.now()
    # Of the same moment events go by their keys: those of earlier requests come first.
    told = {"by": caller.name, "now": now, "key": f"api {now:%Y-%m-%dT%H:%M:%S.%f} {uuid.uuid4().hex}"}

    def work(session: Session, _ready: None) -> Reply:
        row = _row(session, ticket)
        if row is None and may_be_new and isinstance(body, TicketPush):
            _must_open_there(session, caller, body)
        else:
            row = _theirs(session, caller, ticket)
        if if_match is not None:
            must_match(if_match, _etag(row) if row is not None else "")
        if isinstance(body, WithReason):
            pushed = do(session, ticket, reason=body.reason, **told)
        else:
            pushed = do(session, ticket, body.model_dump(exclude_none=True), **told)
        session.expire_all()
        row = _theirs(session, caller, ticket)
        urgent = emergencies_in(pushed.events, pushed.answers)
        shown = _shown(api, session, [row])[0]
        headers = {"ETag": _etag(row)}
        if pushed.created:
            headers["Location"] = f"{request.scope.get('root_path', '')}/tickets/{quote(ticket, safe='')}"
        return Reply(201 if pushed.created else 200, shown, headers, (lambda: api.follow(urgent, now)) if urgent else api.deliver)

    return once(api, request, key, work, lambda: None)


def _must_open_there(session: Session, caller: Caller, body: TicketPush) -> None:
    if caller.regions and body.site is not None:
        must_be_theirs(caller, regions_of(session, sites=[body.site]).get(f"site {body.site}"), f"Site {body.site}")


def _row(session: Session, ticket: str) -> tables.Ticket | None:
    return session.scalar(select(tables.Ticket).where(tables.Ticket.id == ticket).options(joinedload(tables.Ticket.site)))


def _theirs(session: Session, caller: Caller, ticket: str) -> tables.Ticket:
    row = _row(session, ticket)
    must_be_theirs(caller, None if row is None else row.site.region, f"Ticket {ticket}")
    assert row is not None  # noqa: S101  must_be_theirs has raised
    return row


def _etag(row: tables.Ticket) -> str:
    told = [repr(getattr(row, column.name)) for column in tables.Ticket.__table__.columns]
    return f'"{digest(*(one.encode() for one in told))[:24]}"'


def _shown(api: Api, session: Session, rows: Sequence[tables.Ticket]) -> list[TicketTold]:
    policies = Policies(load_policies(api.settings.policy_dir), api.settings.policy)
    try:
        watched = watched_in_store(session, policies, api.now(), only=[row.id for row in rows])
    except BadInput as error:
        return [_told(row, [], [], str(error)) for row in rows]
    problems = dict(problem.removeprefix("Ticket ").split(": ", 1) for problem in watched.problems)
    known = {one.ticket.id: one for one in watched.tickets}
    shown = []
    for row in rows:
        one = known.get(row.id)
        clocks = [
            ClockTold(
                clock=state.clock, state=state.state, reopening=state.reopening, due_at=state.due_at, left_s=state.left.total_seconds(),
                met_at=state.met_at, expected_at=state.predicted_at,
            )
            for state in (one.states if one is not None else ())
        ]  # fmt: skip
        shown.append(_told(row, clocks, [] if one is None else list(one.technicians), problems.get(row.id, "")))
    return shown


def _told(row: tables.Ticket, clocks: list[ClockTold], technicians: list[str], problem: str) -> TicketTold:
    own = [name for name in TicketTold.model_fields if name in tables.Ticket.__table__.columns]
    facts: dict[str, Any] = {name: getattr(row, name) for name in own}
    return TicketTold(
        **facts, site=row.site_id, region=row.site.region, technicians=technicians, clocks=clocks, clocks_problem=problem
    )  # fmt: skip


def _answered(found: FirstAnswer) -> AnswerTold:
    return AnswerTold(
        ticket=found.ticket,
        kind=found.kind,
        at=found.at,
        severity=found.severity,
        where=found.where,
        due=found.due,
        in_time=found.in_time,
        assigned=[] if found.assigned is None else list(found.assigned.technicians),
        offers=[_offered(offer) for offer in found.offers],
        reasons=[reason.text for reason in found.reasons],
    )


def _offered(offer: Offer) -> OfferTold:
    people = [
        ComerTold(
            technician=one.technician,
            name=one.name,
            station=one.station,
            leaves=one.leaves,
            arrives=one.arrives,
            distance_km=one.distance_km,
        )
        for one in offer.people
    ]  # fmt: skip
    return OfferTold(
        people=people,
        start=offer.start,
        late_minutes=offer.late_minutes,
        chance=offer.chance,
        added_cost=offer.added_cost,
        cost_change=offer.cost_change,
        delays=[DelayTold(ticket=one.ticket, minutes=one.minutes) for one in offer.delays],
    )
