"""The list of plans, and the way to the one that a coordinator wants first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from console.web.visitors import must, person_of
from console.web.web import Web
from data_models.people import Person, may
from data_models.store import list_plans

_SHOWN = 100


def plans_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/` and `/plans`."""
    router = APIRouter()

    @router.get("/", dependencies=[Depends(visitor)])
    def begin(request: Request) -> Response:
        """Technicians see their day, others the newest draft, else what is published, else the list."""
        person = person_of(request)
        if person.role == "technician":
            return RedirectResponse("/my", 303)
        with web.store.reading() as session:
            plans = [plan for plan in list_plans(session, _SHOWN) if may(person, "see", plan.region)]
        wanted = next((plan for state in ("draft", "published") for plan in plans if plan.state == state), None)
        return RedirectResponse(f"/plans/{wanted.id}" if wanted is not None else "/plans", 303)

    @router.get("/plans", dependencies=[Depends(must(visitor, "see"))])
    def show_plans(request: Request) -> Response:
        person = person_of(request)
        with web.store.reading() as session:
            plans = [plan for plan in list_plans(session, _SHOWN) if may(person, "see", plan.region)]
        return web.page(request, "plans.jinja", plans=plans)

    return router
