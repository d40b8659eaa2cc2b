"""One ticket of a plan, or one person, in the pane beside the map: what is planned, why, who else could go, and what would help.

Reasons and next best people take longer than the rest: they are asked for once the pane is there, and kept with the plan as it is shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from console.web.shown_plan import ShownPlan, ShownPlans, shown_to
from console.web.visitors import must, person_of
from console.web.web import Web
from data_models.case import Ticket
from data_models.errors import NotFound
from data_models.manual_edits import EditMade
from data_models.people import Person, may
from flows.manual_changes import change_facts
from flows.planning import JudgedPlan
from maps.visits import TicketLabel
from optimizer.alternatives import Alternative, fix_of
from optimizer.day import is_locked


def plan_ticket_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], plans: ShownPlans) -> APIRouter:
    """`/plans/{id}/tickets/{ticket}` with `/why` and `/others`, and `/plans/{id}/technicians/{technician}`."""
    router = APIRouter(prefix="/plans/{plan_id}", dependencies=[Depends(must(visitor, "see"))])

    @router.get("/tickets/{ticket_id}")
    def show_ticket(request: Request, plan_id: int, ticket_id: str) -> Response:
        shown, ticket = _ticket(plans, request, plan_id, ticket_id)
        texts = web.texts(request, person_of(request))
        return web.page(
            request,
            "plan_ticket.jinja",
            **_shared(request, shown, texts.listed),
            ticket=ticket,
            label=shown.labels(texts.language).get(ticket_id, TicketLabel()),
            visits=_visits(shown.judged, ticket_id, shown.names),
            change=shown.change(ticket_id),
            by_hand=_left_out_by(shown, ticket_id),
        )

    @router.get("/tickets/{ticket_id}/why")
    def show_why(request: Request, plan_id: int, ticket_id: str) -> Response:
        """Why a ticket is late or not planned, and what would help; empty for one in time."""
        shown, ticket = _ticket(plans, request, plan_id, ticket_id)
        why = shown.why(ticket_id)
        fixes = [fix_of(ticket_id, remedy) for remedy in why.remedies] if why is not None else []
        remedies = [(fix, None if fix.change is None else change_facts(fix.change)) for fix in fixes]
        shared = _shared(request, shown, web.texts(request, person_of(request)).listed)
        by_hand = _left_out_by(shown, ticket_id)
        return web.page(request, "plan_why.jinja", **shared, ticket=ticket, why=why, remedies=remedies, by_hand=by_hand)

    @router.get("/tickets/{ticket_id}/others")
    def show_others(request: Request, plan_id: int, ticket_id: str) -> Response:
        """The three next best people for a ticket, with what each would cost."""
        shown, ticket = _ticket(plans, request, plan_id, ticket_id)
        others = [(each, change_facts(each.change)) for each in shown.others(ticket_id)]
        texts = web.texts(request, person_of(request))
        return web.page(
            request,
            "plan_others.jinja",
            **_shared(request, shown, texts.listed),
            ticket=ticket,
            visits=_visits(shown.judged, ticket_id, shown.names),
            others=others,
            cheaper=_cheaper([each for each, _ in others]),
            locked=is_locked(shown.judged.case, ticket_id),
            currency=shown.kept.snapshot.context.currency,
        )

    @router.get("/technicians/{technician_id}")
    def show_technician(request: Request, plan_id: int, technician_id: str) -> Response:
        shown = shown_to(plans, request, "see", plan_id)
        who = shown.judged.case.technician_by_id.get(technician_id)
        if who is None:
            raise NotFound(f"Technician {technician_id} is not in plan {plan_id}")
        texts = web.texts(request, person_of(request))
        index = {ticket.id: number for number, ticket in enumerate(shown.judged.case.tickets)}
        stops = [
            (index[stop.ticket], stop) for route in shown.judged.plan.routes if route.technician == technician_id for stop in route.stops
        ]
        labels = shown.labels(texts.language)
        return web.page(
            request,
            "plan_technician.jinja",
            **_shared(request, shown, texts.listed),
            who=who,
            home=next((station.name or station.id for station in shown.judged.case.stations if station.id == who.station), ""),
            stops=sorted(stops, key=lambda each: each[1].start),
            called={number: labels[stop.ticket].customer or stop.ticket for number, stop in stops},
        )

    return router


def _ticket(plans: ShownPlans, request: Request, plan_id: int, ticket_id: str) -> tuple[ShownPlan, Ticket]:
    shown = shown_to(plans, request, "see", plan_id)
    ticket = shown.judged.case.ticket_by_id.get(ticket_id)
    if ticket is None:
        raise NotFound(f"Ticket {ticket_id} is not in plan {plan_id}")
    return shown, ticket


def _shared(request: Request, shown: ShownPlan, listed: Callable[[Any], str]) -> dict[str, Any]:
    """What every part of the pane shows from."""
    names = shown.names
    return {
        "plan": shown.kept,
        "names": names,
        "case_now": shown.judged.case.now,
        "people": lambda ids: listed(names.get(who, who) for who in ids),
        "editable": shown.kept.state == "draft" and may(person_of(request), "edit", shown.draft.region),
    }


def _left_out_by(shown: ShownPlan, ticket: str) -> EditMade | None:
    """The edit by which a ticket is left out; None where nobody did that."""
    if ticket not in shown.draft.state.fixed.left_out:
        return None
    return next(edit for edit in reversed(shown.draft.edits.counting) if edit.kind == "leave_out" and edit.details.get("ticket") == ticket)


def _cheaper(others: list[Alternative]) -> bool:
    """Whether somebody else would cost less, to the unit of money that is shown."""
    return any(round(each.cost_change) < 0 for each in others)


def _visits(judged: JudgedPlan, ticket: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"technician": route.technician, "name": names[route.technician], "arrive": stop.arrive, "start": stop.start, "finish": stop.finish}
        for route in judged.plan.routes
        for stop in route.stops
        if stop.ticket == ticket
    ]
