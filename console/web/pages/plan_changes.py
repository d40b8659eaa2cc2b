"""What a coordinator does to a draft: changes tried, kept with their reason, taken back and made again, and the rest improved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import JSONResponse

from console.web.shown_plan import ShownPlan, ShownPlans, shown_to
from console.web.texts import Texts
from console.web.visitors import must, person_of
from console.web.web import Web
from data_models.people import Person
from flows import editing
from flows.manual_changes import read_change
from flows.planning import SearchLimit
from optimizer.editing import Outcome

_MOST_IMPROVE_S = 30.0


def plan_changes_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], plans: ShownPlans) -> APIRouter:
    """`/plans/{id}/changes`, `/undo`, `/redo` and `/improve`: JSON in and out."""
    router = APIRouter(prefix="/plans/{plan_id}", dependencies=[Depends(must(visitor, "edit"))])

    @router.post("/changes/try")
    def try_change(request: Request, plan_id: int, change: Annotated[dict[str, Any], Body(embed=True)]) -> Response:
        """What a change would do; nothing is kept."""
        shown = shown_to(plans, request, "edit", plan_id)
        outcome = editing.try_change(web.store, web.settings, plan_id, read_change(change), bench=plans.bench)
        return JSONResponse(_outcome(shown, outcome, web.texts(request, person_of(request))))

    @router.post("/changes")
    def keep_change(
        request: Request,
        plan_id: int,
        change: Annotated[dict[str, Any], Body()],
        seen: Annotated[int, Body()],
        reason: Annotated[str, Body()],
        note: Annotated[str, Body()] = "",
    ) -> Response:
        shown, person = shown_to(plans, request, "edit", plan_id), person_of(request)
        changed = editing.change_draft(
            web.store,
            web.settings,
            plan_id,
            read_change(change),
            reason=reason,
            note=note,
            by=person.login,
            at=web.now(),
            seen=seen,
            bench=plans.bench,
        )
        return JSONResponse(_outcome(shown, changed.outcome, web.texts(request, person)) | {"seen": changed.seen})

    @router.post("/undo")
    def undo(request: Request, plan_id: int, seen: Annotated[int, Body(embed=True)]) -> Response:
        shown_to(plans, request, "edit", plan_id)
        draft = editing.undo(web.store, web.settings, plan_id, by=person_of(request).login, at=web.now(), seen=seen, bench=plans.bench)
        return JSONResponse({"seen": draft.seen})

    @router.post("/redo")
    def redo(request: Request, plan_id: int, seen: Annotated[int, Body(embed=True)]) -> Response:
        shown_to(plans, request, "edit", plan_id)
        draft = editing.redo(web.store, web.settings, plan_id, by=person_of(request).login, at=web.now(), seen=seen, bench=plans.bench)
        return JSONResponse({"seen": draft.seen})

    @router.post("/improve")
    def improve(request: Request, plan_id: int, seen: Annotated[int, Body()], seconds: Annotated[float, Body(gt=0)] = 5.0) -> Response:
        shown = shown_to(plans, request, "edit", plan_id)
        changed = editing.improve(
            web.store,
            web.settings,
            plan_id,
            by=person_of(request).login,
            at=web.now(),
            seen=seen,
            limit=SearchLimit(min(seconds, _MOST_IMPROVE_S)),
            bench=plans.bench,
        )
        return JSONResponse(_outcome(shown, changed.outcome, web.texts(request, person_of(request))) | {"seen": changed.seen})

    return router


def _outcome(shown: ShownPlan, outcome: Outcome, texts: Texts) -> dict[str, Any]:
    """What a change does, in words and figures."""
    return {
        "accepted": outcome.accepted,
        "violations": [texts.told(violation, shown.names, shown.judged.case.now) for violation in outcome.violations],
        "cost": round(outcome.cost_change.get("total", 0.0)),
        "becameLate": list(outcome.became_late),
        "becameInTime": list(outcome.became_in_time),
        "leftOut": list(outcome.left_out),
        "takenIn": list(outcome.taken_in),
        "shifted": len(outcome.shifted),
    }
