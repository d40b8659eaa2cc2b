"""Deciding about a draft: approved and published in one step, or rejected with a reason; whoever comes second learns who was first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask

from console.web.shown_plan import ShownPlan, ShownPlans
from console.web.visitors import must, must_in, person_of
from console.web.web import Web
from data_models.errors import BadInput
from data_models.people import Person
from flows.dispatch import approve_and_tell, make_snapshot, papers_of, read_facts, read_plan, reject_plan
from flows.editing import finish_draft
from optimizer.matters import matters
from optimizer.wording import told


def plan_decisions_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], plans: ShownPlans) -> APIRouter:
    """`/plans/{id}/approve` and `/reject`."""
    router = APIRouter(prefix="/plans/{plan_id}", dependencies=[Depends(must(visitor, "decide"))])

    def shown_to(request: Request, plan_id: int) -> ShownPlan:
        shown = plans.get(plan_id)
        must_in(person_of(request), "decide", shown.draft.region)
        return shown

    @router.get("/news")
    def show_news(request: Request, plan_id: int) -> Response:
        """What happened since the snapshot that the draft was made from, by the facts of this moment."""
        shown = shown_to(request, plan_id)
        texts = web.texts(request, person_of(request))
        snapshot = make_snapshot(web.store, web.settings, read_facts(web.store, web.settings, web.now()))
        found = matters(shown.draft.state.case, snapshot.case, shown.judged.plan, tolerance_minutes=web.settings.replanning.moved_minutes)
        names, now = shown.names, snapshot.case.now.astimezone(web.zone)
        return web.page(request, "plan_news.jinja", news=[told([one], names, now, texts.language) for one in found.news])

    @router.post("/approve")
    def approve(
        request: Request,
        plan_id: int,
        version: Annotated[int, Form()],
        seen: Annotated[int, Form()],
        reason: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        person = person_of(request)
        shown_to(request, plan_id)
        number = plan_id
        if seen:
            number = finish_draft(web.store, web.settings, plan_id, by=person.name, at=web.now(), seen=seen)
            version = plans.get(number).row_version
        approve_and_tell(web.store, web.settings, number, by=person.name, at=web.now(), reason=reason, seen=version)
        papers = BackgroundTask(lambda: papers_of(web.store, web.settings, read_plan(web.store, number)))
        return _to(request, f"/plans/{number}", papers)

    @router.post("/reject")
    def reject(
        request: Request, plan_id: int, version: Annotated[int, Form()], reason: Annotated[str, Form(max_length=500)] = ""
    ) -> Response:
        shown_to(request, plan_id)
        if not reason.strip():
            raise BadInput("a rejection needs a reason: say what is wrong with the plan")
        reject_plan(web.store, plan_id, by=person_of(request).name, at=web.now(), reason=reason.strip(), seen=version)
        return _to(request, f"/plans/{plan_id}")

    return router


def _to(request: Request, address: str, then: BackgroundTask | None = None) -> Response:
    """To another page, by HTMX or by the browser itself."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": address}, background=then)
    return RedirectResponse(address, 303, background=then)
