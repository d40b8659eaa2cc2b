"""The plan page: map, timeline and tickets of a plan, linked, beside what is published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import select
from starlette.background import BackgroundTask

from console.web.shown_plan import ShownPlan, ShownPlans, shown_to
from console.web.texts import Texts
from console.web.visitors import must, person_of
from console.web.web import Web, script_texts
from data_models import tables
from data_models.case import SEVERITIES
from data_models.manual_edits import EDIT_REASONS
from data_models.people import Person, may
from flows.editing import warm_up
from maps.plan_map import base_map_data, plan_data

_TEXTS = {
    "due": "due",
    "unplanned": "unplanned",
    "nothing": "Nothing matches.",
    "drive": "drive",
    "break": "break",
    "why": "Why this change?",
    "note": "Note",
    "keep": "Keep the change",
    "cancel": "Cancel",
    "close": "Close",
    "refused": "This breaks a rule and was not made",
    "cost": "cost",
    "becomesLate": "becomes late",
    "becomesInTime": "is in time again",
    "leftOut": "is not planned any more",
    "takenIn": "is planned now",
    "shifted": "Other visits that begin at another time",
    "over": "over",
    "under": "under",
    "noEffect": "Nothing else changes.",
    "improving": "Improving the rest…",
    "noBetter": "Nothing better was found around what is fixed.",
    "better": "Improved: cost",
    "tryIt": "Try",
    "move": "Move",
    "to": "To",
    "stay": "(the same people)",
    "insteadOf": "In place of",
    "notBefore": "Not before",
    "swap": "Swap",
    "swapWith": "With",
    "pinTime": "Pin in time",
    "from": "From",
    "until": "Until",
    "away": "Away",
    "overtime": "Overtime",
    "shift": "Shift",
    "minutes": "Minutes more than allowed so far",
}
_SEVERITY_FIGURES = {"emergency": "Emergencies in time", "important": "Important in time", "general": "General in time"}


@dataclass(frozen=True)
class Figure:
    """A number at the top: its name, value and unit, and by how much it differs from the published plan."""

    name: str
    value: str
    unit: str = ""
    delta: str = ""
    is_better: bool = False


def plan_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], plans: ShownPlans) -> APIRouter:
    """`/plans/{id}` and its parts."""
    router = APIRouter(dependencies=[Depends(must(visitor, "see"))])

    @router.get("/plans/{plan_id}")
    def show_plan(request: Request, plan_id: int, published: int | None = None) -> Response:
        """The page; `published` is the plan that a part of this one has just gone into."""
        shown = shown_to(plans, request, "see", plan_id)
        texts = web.texts(request, person_of(request))
        facts = page_facts(web, shown, texts) | {
            "baseMap": "/map/base",
            "texts": script_texts(texts, _TEXTS) | {severity: texts.word("severity", severity).capitalize() for severity in SEVERITIES},
            "reasons": {reason: texts.word("edit_reason", reason).capitalize() for reason in EDIT_REASONS}
            | {"other": texts.gettext("Something else (say what)")},
            "editable": shown.kept.state == "draft" and may(person_of(request), "edit", shown.draft.region),
        }
        page = web.page(request, "plan.jinja", facts=facts, part_of=published, **figures_of(web, shown, texts))
        if facts["editable"]:
            page.background = BackgroundTask(warm_up, web.store, web.settings, plan_id, plans.bench)
        return page

    @router.get("/plans/{plan_id}/data")
    def show_data(request: Request, plan_id: int, mark: str = "") -> Response:
        """What the page's script draws, and the figures; nothing when it is still as of `mark`."""
        shown = shown_to(plans, request, "see", plan_id)
        if shown.mark == mark:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        texts = web.texts(request, person_of(request))
        figures = web.page(request, "plan_figures.jinja", **figures_of(web, shown, texts)).body
        return JSONResponse(page_facts(web, shown, texts) | {"figures": bytes(figures).decode()}, headers={"Cache-Control": "no-store"})

    @router.get("/map/base")
    def base_map() -> Response:
        return JSONResponse(base_map_data(), headers={"Cache-Control": "private, max-age=86400"})

    return router


def page_facts(web: Web, shown: ShownPlan, texts: Texts) -> dict[str, Any]:
    """What the page's script draws from: the plan with its edits, and for what changes how it was before."""
    case = replace(shown.judged.case, now=shown.judged.case.now.astimezone(web.zone))
    facts = plan_data(case, shown.judged.plan, shown.labels(texts.language))
    technician = {person["id"]: index for index, person in enumerate(facts["technicians"])}
    changes = {}
    for change in shown.changes.changes if shown.changes is not None else ():
        before = None if change.from_start is None else round(change.from_start.timestamp()) - facts["epoch"]
        gone = [technician[who] for who in change.from_technicians if who in technician]
        changes[change.ticket] = {"kind": change.kind, "from": gone, "start": before}
    return {
        **facts,
        "plan": shown.kept.id,
        "mark": shown.mark,
        "state": shown.kept.state,
        "changes": changes,
        "pinned": sorted(shown.draft.state.fixed.placed),
        "seen": shown.draft.seen,
        "canUndo": shown.draft.can_undo,
        "canRedo": shown.draft.can_redo,
    }


def figures_of(web: Web, shown: ShownPlan, texts: Texts) -> dict[str, Any]:
    """What `plan_figures.jinja` shows."""
    automatic = web.settings.automatic
    until = shown.kept.waiting_since + timedelta(minutes=automatic.approval_minutes)
    waits = shown.kept.state == "draft" and shown.published is not None
    return {
        "plan": shown.kept,
        "shown": shown,
        "figures": list(_every_figure(shown, texts)),
        "costs": _costs(shown, texts),
        "decides_until": until if waits else None,
        "fallback": automatic.fallback,
        "regions": [] if shown.draft.region else _regions(web),
    }


def _regions(web: Web) -> list[str]:
    """The regions that stations are in; none where there is only one."""
    with web.store.reading() as session:
        found = sorted(set(session.scalars(select(tables.Station.region).where(tables.Station.region != ""))))
    return found if len(found) > 1 else []


def _costs(shown: ShownPlan, texts: Texts) -> list[tuple[str, float]]:
    return [(texts.word("cost", term), value) for term, value in asdict(shown.judged.score.cost).items() if value]


def _every_figure(shown: ShownPlan, texts: Texts) -> Iterator[Figure]:
    now, before = shown.judged.score, shown.published_score
    for severity in SEVERITIES:
        row = now.service[severity]
        if row.tickets:
            of = texts.gettext("of %(total)s", total=row.tickets)
            was = None if before is None else row.on_time - before.service[severity].on_time
            yield Figure(texts.gettext(_SEVERITY_FIGURES[severity]), str(row.on_time), of, *_delta(texts, was, more_is_better=True))
    unplanned = len(shown.judged.plan.unassigned)
    was_planned = None if before is None else sum(row.planned for row in before.service.values())
    was_unplanned = None if was_planned is None else unplanned - (len(shown.judged.case.tickets) - was_planned)
    yield Figure(texts.gettext("Unplanned"), str(unplanned), "", *_delta(texts, was_unplanned))
    yield Figure(
        texts.gettext("Driving"),
        texts.number(now.drive_hours),
        texts.gettext("h"),
        *_delta(texts, None if before is None else now.drive_hours - before.drive_hours),
    )
    yield Figure(
        texts.gettext("Overtime"),
        texts.number(now.overtime_hours, 1),
        texts.gettext("h"),
        *_delta(texts, None if before is None else now.overtime_hours - before.overtime_hours, 1),
    )
    yield Figure(
        texts.gettext("Cost"),
        texts.number(now.cost.total),
        shown.kept.snapshot.context.currency,
        *_delta(texts, None if before is None else now.cost.total - before.cost.total),
    )
    solver = shown.judged.plan.solver
    if solver is not None and solver.bound is not None and now.cost.total > 0:
        gap = max(0.0, 1 - solver.bound / now.cost.total)
        yield Figure(texts.gettext("Proven gap"), f"{100 * gap:.1f}", "%")


def _delta(texts: Texts, difference: float | None, digits: int = 0, *, more_is_better: bool = False) -> tuple[str, bool]:
    """A difference to the published plan as text, and whether it is for the better; empty when there is none to speak of."""
    if difference is None or not round(difference, digits):
        return "", False
    return f"{'+' if difference > 0 else '−'}{texts.number(abs(difference), digits)}", (difference > 0) == more_is_better
