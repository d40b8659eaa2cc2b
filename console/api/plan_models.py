"""Plans as the API gives them, and decisions about them as it takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from console.api.kinds import Asked, Flag, Id, Reason, Told

PlanState = Literal["draft", "approved", "published", "rejected", "superseded"]


class PlanLine(Told):
    """A plan in a list."""

    id: int
    name: str
    version: int
    region: Annotated[str, Field(description="Empty: the whole company.")]
    state: PlanState
    created_at: datetime
    published_at: datetime | None
    parent: Annotated[int | None, Field(description="Number of the plan that this one was made from.")]
    violations: Annotated[int, Field(description="Rules that it breaks; with any it stays a draft.")]
    planned: Annotated[int, Field(description="Tickets that it serves.")]
    unplanned: Annotated[int, Field(description="Tickets that it leaves out.")]


class PlanPage(Told):
    """A page of plans."""

    items: list[PlanLine]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null on the last.")]


class DecisionTold(Told):
    """Who decided what about a plan."""

    decision: Literal["approved", "rejected", "published"]
    by: str
    at: datetime
    reason: str


class LeftOut(Told):
    """A ticket that a plan does not serve."""

    ticket: str
    reasons: list[str]


class PlanTold(PlanLine):
    """A plan with its figures and what was decided about it. `ETag` names its version for `If-Match`."""

    figures: Annotated[dict[str, Any], Field(description="Cost by term, tickets in time by severity, driving, overtime, as made.")]
    unassigned: list[LeftOut]
    decisions: list[DecisionTold]


class VisitTold(Told):
    """A ticket planned at a time."""

    ticket: str
    site: str
    site_name: str
    address: str
    lat: Annotated[float, Field(description="WGS-84.")]
    lon: float
    arrives_at: datetime
    starts_at: datetime
    finishes_at: datetime


class TripTold(Told):
    """One trip, from the station (or where somebody is) back to the station."""

    departs_at: datetime
    returns_at: datetime
    kits: list[str]
    visits: list[VisitTold]


class RoutesOfOne(Told):
    """The trips of a technician, in their order."""

    technician: str
    name: str
    trips: list[TripTold]


class RoutesTold(Told):
    """The routes of a plan, by technician."""

    plan: int
    state: PlanState
    technicians: list[RoutesOfOne]


class ChangeTold(Told):
    """One ticket whose visit differs between two plans."""

    ticket: str
    kind: Literal["new", "dropped", "moved", "later", "earlier"]
    from_technicians: list[str]
    to_technicians: list[str]
    from_start: datetime | None
    to_start: datetime | None
    minutes: float | None
    why: str


class DifferenceTold(Told):
    """What a plan changes of another one."""

    plan: int
    against: int
    tolerance_minutes: float
    changes: list[ChangeTold]
    unchanged: list[str]
    waiting: Annotated[list[str], Field(description="Planned in neither.")]
    gone: Annotated[list[str], Field(description="Of the other plan, but nothing to plan any more.")]


class Approval(Asked):
    """What of a draft is approved: `whole`, or the routes of some regions or technicians, or emergencies only."""

    model_config = ConfigDict(json_schema_extra={"example": {"part": "whole", "reason": "looks right"}})

    part: Literal["whole", "regions", "routes", "emergencies"] = "whole"
    names: Annotated[list[Id], Field(max_length=500, description="The regions, or the ids of the technicians.")] = Field(
        default_factory=list
    )
    reason: Reason = ""
    anyway: Annotated[Flag, Field(description="Approve the whole even though it does not fit what happened since it was made.")] = False

    @model_validator(mode="after")
    def _fits(self) -> Approval:
        if (self.part in ("regions", "routes")) != bool(self.names):
            raise ValueError("names belong to the parts regions and routes, which need them")
        return self


class Rejection(Asked):
    """Why a plan is rejected."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "station Wuxi is snowed in"}})

    reason: Annotated[Reason, Field(min_length=1, pattern=r"[^\s]")]


class Decided(Told):
    """What became of a decision: the plan decided about, and the plan that is published now because of it."""

    plan: int
    state: PlanState
    published: Annotated[int | None, Field(description="Of a part this is a plan of its own; the draft stays.")]
