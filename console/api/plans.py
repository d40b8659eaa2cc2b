"""`/plans`: what people are told to do, what is proposed, and decisions about that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from console.api.access import Caller, caller_of, must_be_theirs
from console.api.kinds import LARGEST, PlanNumber, Short
from console.api.paging import Cursor, Limit, cursor_of, page_of, place_of
from console.api.plan_models import (
    Approval,
    ChangeTold,
    Decided,
    DecisionTold,
    DifferenceTold,
    LeftOut,
    PlanLine,
    PlanPage,
    PlanState,
    PlanTold,
    Rejection,
    RoutesOfOne,
    RoutesTold,
    TripTold,
    VisitTold,
)
from console.api.problems import CONFLICT, NOT_FOUND, Problem
from console.api.replies import IdempotencyKey, IfMatch, Reply, must_match, once
from data_models import tables
from data_models.store import plan_by_id, published_plan, reject
from data_models.store.pages import plan_counts, plans_page
from flows.choosing import Part, PartMade, make_part, must_fit, publish_part
from flows.dispatch import KeptPlan, approve_in, papers_of, read_plan
from flows.planning import must_keep_every_rule

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from console.api.service import Api

_FILE = {"application/json": {"schema": {"type": "object", "required": ["format", "case", "routes"], "additionalProperties": True}}}


def plans_router(api: Api) -> APIRouter:
    """The router of `/plans`."""
    router = api.router("/plans", "plans")

    @router.get("", operation_id="listPlans", summary="List plans", response_model=PlanPage)
    def list_plans(
        request: Request,
        state: Annotated[PlanState | None, Query(description="In this state.")] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> PlanPage:
        """Plans, the newest first."""
        caller, after = caller_of(request), place_of(cursor, int)
        with api.store.reading() as session:
            rows = plans_page(session, limit + 1, after[0] if after else None, regions=caller.regions, state=state or "")
            page, more = page_of(rows, limit)
            lines = [PlanLine(**line) for line in _lines(session, page)]
        return PlanPage(items=lines, next=cursor_of(page[-1].id) if more else None)

    @router.get("/published", operation_id="readPublishedPlan", summary="Read the plan that people work by", response_model=PlanTold)
    def read_published(
        request: Request, response: Response, region: Annotated[Short, Query(description="Empty: the whole company.")] = ""
    ) -> PlanTold:
        """The published plan of a region."""
        caller = caller_of(request)
        with api.store.reading() as session:
            row = published_plan(session, region) if caller.may_in(region) else None
            if row is None:
                raise Problem(NOT_FOUND, f"no plan is published for {region or 'the whole company'}")
            return _whole(session, response, row)

    @router.get("/{plan_id}", operation_id="readPlan", summary="Read a plan", response_model=PlanTold)
    def read_one(request: Request, response: Response, plan_id: PlanNumber) -> PlanTold:
        """A plan with its figures and what was decided about it; `ETag` names its version."""
        with api.store.reading() as session:
            return _whole(session, response, _theirs(session, caller_of(request), plan_id))

    @router.get(
        "/{plan_id}/file", operation_id="readPlanFile", summary="Read a plan as a file", response_class=Response,
        responses={200: {"content": _FILE, "description": "The plan as a `dispatch-plan/1` file; docs/files.md says what it holds."}},
    )  # fmt: skip
    def read_file(request: Request, plan_id: PlanNumber) -> Response:
        """The plan as a `dispatch-plan/1` file, which other programs read."""
        with api.store.reading() as session:
            row = _theirs(session, caller_of(request), plan_id)
        return Response(row.plan_json, media_type="application/json", headers={"ETag": _etag(row)})

    @router.get("/{plan_id}/routes", operation_id="readPlanRoutes", summary="Read who goes where", response_model=RoutesTold)
    def read_routes(
        request: Request, plan_id: PlanNumber, technician: Annotated[Short, Query(description="Of this technician only.")] = ""
    ) -> RoutesTold:
        """The routes of a plan by technician, each visit with its site and times."""
        with api.store.reading() as session:
            row = _theirs(session, caller_of(request), plan_id)
            return _routes(session, row, technician)

    @router.get("/{plan_id}/difference", operation_id="readPlanDifference", summary="What a plan changes", response_model=DifferenceTold)
    def read_difference(
        request: Request,
        plan_id: PlanNumber,
        against: Annotated[int | None, Query(ge=1, le=LARGEST, description="Another plan's number; the published one unless said.")] = None,
    ) -> DifferenceTold:
        """What a plan changes of another one, ticket by ticket, and why."""
        caller = caller_of(request)
        with api.store.reading() as session:
            row = _theirs(session, caller, plan_id)
            other = published_plan(session, row.region) if against is None else _theirs(session, caller, against)
        if other is None:
            raise Problem(CONFLICT, "no plan is published to hold it against; name another plan by `against`")
        return _difference(api, plan_id, other.id)

    @router.post("/{plan_id}/approve", operation_id="approvePlan", summary="Approve a draft", response_model=Decided)
    def approve(request: Request, plan_id: PlanNumber, body: Approval, key: IdempotencyKey = None, if_match: IfMatch = None) -> Response:
        """Approve a draft or a part of it and publish it, in one transaction. Whoever comes second is told who was first."""
        return _approve(api, request, plan_id, body, key, if_match)

    @router.post("/{plan_id}/reject", operation_id="rejectPlan", summary="Reject a draft", response_model=Decided)
    def reject_one(
        request: Request, plan_id: PlanNumber, body: Rejection, key: IdempotencyKey = None, if_match: IfMatch = None
    ) -> Response:
        """Reject a draft or an approved plan, with the reason."""
        caller = caller_of(request)

        def work(session: Session, _ready: None) -> Reply:
            row = _still(session, caller, plan_id, if_match)
            done = reject(session, row.id, caller.name, api.now(), body.reason)
            return Reply(200, Decided(plan=plan_id, state=done.state, published=None), {"ETag": _etag(done)}, api.deliver)

        return once(api, request, key, work, lambda: None)

    return router


def _approve(api: Api, request: Request, plan_id: int, body: Approval, key: str | None, if_match: str | None) -> Response:
    caller, now = caller_of(request), api.now()

    def prepare() -> KeptPlan | PartMade:
        with api.store.reading() as session:
            row = _still(session, caller, plan_id, if_match)
            if row.state != "draft":
                raise Problem(CONFLICT, _decided(row))
        if body.part != "whole":
            return make_part(api.store, api.settings, plan_id, Part(body.part, tuple(body.names)))
        if not body.anyway:
            must_fit(api.store, api.settings, plan_id, now)
        kept = read_plan(api.store, plan_id)
        must_keep_every_rule(kept.judged)
        return kept

    def work(session: Session, ready: KeptPlan | PartMade) -> Reply:
        _still(session, caller, plan_id, if_match)
        if isinstance(ready, PartMade):
            _, number = publish_part(session, api.settings, ready, by=caller.name, at=now, reason=body.reason)
        else:
            number = ready.id
            approve_in(session, api.settings, ready, by=caller.name, at=now, reason=body.reason)
        row = plan_by_id(session, plan_id)
        told = Decided(plan=plan_id, state=row.state, published=number)
        return Reply(200, told, {"ETag": _etag(row)}, lambda: _after(api, number))

    return once(api, request, key, work, prepare)


def _after(api: Api, published: int) -> None:
    api.deliver()
    papers_of(api.store, api.settings, read_plan(api.store, published))


def _still(session: Session, caller: Caller, plan_id: int, if_match: str | None) -> tables.Plan:
    """The plan if it is the version that was looked at. Raises a problem: of one that is decided about who was first."""
    row = _theirs(session, caller, plan_id)
    if if_match is not None and row.state != "draft":
        raise Problem(CONFLICT, _decided(row), {"ETag": _etag(row)})
    must_match(if_match, _etag(row))
    return row


def _decided(row: tables.Plan) -> str:
    said = [f"{one.by} ({one.at:%Y-%m-%d %H:%M} UTC) {one.decision} it" for one in row.approvals]
    return f"Plan {row.id} is {row.state}: {'; '.join(said) or 'nobody decided about it'}"


def _theirs(session: Session, caller: Caller, plan_id: int) -> tables.Plan:
    region = session.scalar(select(tables.Plan.region).where(tables.Plan.id == plan_id))
    must_be_theirs(caller, region, f"Plan {plan_id}")
    return plan_by_id(session, plan_id)


def _etag(row: tables.Plan) -> str:
    return f'"{row.id}-{row.row_version}"'


def _lines(session: Session, rows: Sequence[tables.Plan]) -> list[dict[str, Any]]:
    counts = plan_counts(session, [row.id for row in rows])
    return [
        {
            "id": row.id, "name": row.name, "version": row.version, "region": row.region, "state": row.state, "created_at": row.created_at,
            "published_at": row.published_at, "parent": row.parent_id, "violations": row.violations, "planned": counts[row.id][0],
            "unplanned": counts[row.id][1],
        }
        for row in rows
    ]  # fmt: skip


def _whole(session: Session, response: Response, row: tables.Plan) -> PlanTold:
    response.headers["ETag"] = _etag(row)
    left_out = {"unassigned", "violations", "chances", "case"}
    return PlanTold(
        **_lines(session, [row])[0],
        figures={name: value for name, value in row.score.items() if name not in left_out},
        unassigned=[LeftOut(ticket=one.ticket_id, reasons=one.reasons) for one in row.unassigned],
        decisions=[DecisionTold(decision=one.decision, by=one.by, at=one.at, reason=one.reason) for one in row.approvals],
    )


def _routes(session: Session, row: tables.Plan, technician: str) -> RoutesTold:
    tickets = {visit.ticket_id for route in row.routes for visit in route.visits}
    query = select(tables.Ticket.id, tables.Site).join(tables.Site, tables.Site.id == tables.Ticket.site_id)
    sites: dict[str, tables.Site] = dict(session.execute(query.where(tables.Ticket.id.in_(tickets))).tuples().all())
    names = dict(session.execute(select(tables.Technician.id, tables.Technician.name)).tuples().all())
    trips: dict[str, list[TripTold]] = {}
    for route in sorted(row.routes, key=lambda route: (route.technician_id, route.departs_at)):
        visits = [_visit(visit, sites[visit.ticket_id]) for visit in route.visits]
        trip = TripTold(departs_at=route.departs_at, returns_at=route.returns_at, kits=route.kits, visits=visits)
        trips.setdefault(route.technician_id, []).append(trip)
    people = [RoutesOfOne(technician=who, name=names[who], trips=theirs) for who, theirs in trips.items() if technician in ("", who)]
    return RoutesTold(plan=row.id, state=row.state, technicians=people)


def _visit(visit: tables.Visit, site: tables.Site) -> VisitTold:
    return VisitTold(
        ticket=visit.ticket_id, site=site.id, site_name=site.name, address=site.address, lat=site.lat, lon=site.lon,
        arrives_at=visit.arrives_at, starts_at=visit.starts_at, finishes_at=visit.finishes_at,
    )  # fmt: skip


def _difference(api: Api, plan_id: int, against: int) -> DifferenceTold:
    from optimizer.difference import difference

    judged, other = read_plan(api.store, plan_id).judged, read_plan(api.store, against).judged
    found = difference(judged.case, other.plan, judged.plan, tolerance_minutes=api.settings.replanning.moved_minutes)
    changes = [
        ChangeTold(
            ticket=one.ticket, kind=one.kind, from_technicians=list(one.from_technicians), to_technicians=list(one.to_technicians),
            from_start=one.from_start, to_start=one.to_start, minutes=one.minutes, why=one.why,
        )
        for one in found.changes
    ]  # fmt: skip
    return DifferenceTold(
        plan=plan_id, against=against, tolerance_minutes=found.tolerance_minutes, changes=changes, unchanged=list(found.unchanged),
        waiting=list(found.waiting), gone=list(found.gone),
    )  # fmt: skip
