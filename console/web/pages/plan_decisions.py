"""Deciding about a draft: approved and published in one step, or rejected with a reason; whoever comes second learns who was first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask

from console.web.shown_plan import ShownPlans, shown_to
from console.web.visitors import must, person_of
from console.web.web import Web
from data_models.errors import BadInput, Conflict
from data_models.people import Person
from flows.choosing import Part, approve_part, must_fit, what_happened_since
from flows.dispatch import approve_and_tell, papers_of, read_plan, reject_plan
from flows.editing import finish_draft
from optimizer.wording import told


def plan_decisions_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], plans: ShownPlans) -> APIRouter:
    """`/plans/{id}/approve` and `/reject`."""
    router = APIRouter(prefix="/plans/{plan_id}", dependencies=[Depends(must(visitor, "decide"))])

    @router.get("/news")
    def show_news(request: Request, plan_id: int) -> Response:
        """What happened since the snapshot that the draft was made from, and what stands against it now."""
        shown = shown_to(plans, request, "decide", plan_id)
        texts = web.texts(request, person_of(request))
        since = what_happened_since(web.store, web.settings, plan_id, web.now())
        names, now = shown.names, web.now().astimezone(web.zone)
        news = [told([one], names, now, texts.language) for one in since.news]
        return web.page(request, "plan_news.jinja", news=news, gone=since.recheck.gone, lost=since.recheck.lost)

    @router.post("/approve")
    def approve(
        request: Request,
        plan_id: int,
        version: Annotated[int, Form()],
        seen: Annotated[int, Form()],
        reason: Annotated[str, Form(max_length=500)] = "",
        part: Annotated[Literal["whole", "regions", "routes", "emergencies"], Form()] = "whole",
        names: Annotated[list[str], Form()] = [],  # noqa: B006  FastAPI copies it
        anyway: Annotated[bool, Form()] = False,
    ) -> Response:
        """Approve and publish the draft or a part of it, held against what is known at this moment."""
        person, number = person_of(request), plan_id
        shown_to(plans, request, "decide", plan_id)
        if part == "whole" and not anyway:
            # Looked at before the edits are made a plan of their own: a refusal then leaves the draft as it is.
            must_fit(web.store, web.settings, plan_id, web.now())
        looked_at: int | None = version
        if seen:
            # The edits seen stand for the version of the draft; the plan that they are made has been looked at by nobody else.
            number, looked_at = finish_draft(web.store, web.settings, plan_id, by=person.name, at=web.now(), seen=seen), None
        if part != "whole":
            what = Part(part, tuple(names))
            chosen = approve_part(web.store, web.settings, number, what, by=person.name, at=web.now(), reason=reason, seen=looked_at)
            if chosen.plan is None:
                texts, now = web.texts(request, person), web.now().astimezone(web.zone)
                reasons = [told(one.said, {}, now, texts.language, otherwise=one.what) for one in chosen.chosen.violations]
                raise Conflict("; ".join(reasons[:5]))
            return _to(request, f"/plans/{number}")
        approve_and_tell(web.store, web.settings, number, by=person.name, at=web.now(), reason=reason, seen=looked_at)
        papers = BackgroundTask(lambda: papers_of(web.store, web.settings, read_plan(web.store, number)))
        return _to(request, f"/plans/{number}", papers)

    @router.post("/reject")
    def reject(
        request: Request, plan_id: int, version: Annotated[int, Form()], reason: Annotated[str, Form(max_length=500)] = ""
    ) -> Response:
        shown_to(plans, request, "decide", plan_id)
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
