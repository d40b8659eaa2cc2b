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
from flows.choosing import Part, approve_draft, approve_part, what_happened_since
from flows.dispatch import papers_of, reject_plan
from optimizer.wording import told


def plan_decisions_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], plans: ShownPlans) -> APIRouter:
    """`/plans/{id}/approve` and `/reject`."""
    router = APIRouter(prefix="/plans/{plan_id}", dependencies=[Depends(must(visitor, "decide"))])

    @router.get("/news")
    def show_news(request: Request, plan_id: int) -> Response:
        """What happened since the snapshot that the draft was made from, and what stands against it now."""
        shown = shown_to(plans, request, "decide", plan_id)
        texts = web.texts(request, person_of(request))
        since = what_happened_since(web.store, web.settings, plan_id, web.now(), shown.draft.state if shown.draft.seen else None)
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
        person = person_of(request)
        shown_to(plans, request, "decide", plan_id)
        if part == "whole":
            kept = approve_draft(
                web.store,
                web.settings,
                plan_id,
                by=person.login,
                at=web.now(),
                reason=reason,
                version=version,
                edits=seen,
                anyway=anyway,
            )
            return _to(request, f"/plans/{kept.id}", BackgroundTask(lambda: papers_of(web.store, web.settings, kept)))
        what = Part(part, tuple(names))
        done = approve_part(web.store, web.settings, plan_id, what, by=person.login, at=web.now(), reason=reason, seen=version, edits=seen)
        if done.plan is None:
            texts, now = web.texts(request, person), web.now().astimezone(web.zone)
            reasons = [told(one.said, {}, now, texts.language, otherwise=one.what) for one in done.chosen.violations]
            raise Conflict("; ".join(reasons[:5]))
        return _to(request, f"/plans/{done.draft}?published={done.plan}")

    @router.post("/reject")
    def reject(
        request: Request, plan_id: int, version: Annotated[int, Form()], reason: Annotated[str, Form(max_length=500)] = ""
    ) -> Response:
        shown_to(plans, request, "decide", plan_id)
        if not reason.strip():
            raise BadInput("a rejection needs a reason: say what is wrong with the plan")
        reject_plan(web.store, plan_id, by=person_of(request).login, at=web.now(), reason=reason.strip(), seen=version)
        return _to(request, f"/plans/{plan_id}")

    return router


def _to(request: Request, address: str, then: BackgroundTask | None = None) -> Response:
    """To another page, by HTMX or by the browser itself."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": address}, background=then)
    return RedirectResponse(address, 303, background=then)
