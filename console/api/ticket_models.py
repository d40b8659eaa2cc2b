"""Tickets as the API takes and gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from console.api.kinds import Asked, Crew, Id, Levels, Line, Moment, Number, Reason, Short, Text, Told

Severity = Literal["emergency", "important", "general"]
TicketState = Literal["open", "planned", "under_way", "done", "cancelled"]
Source = Literal["phone", "chat", "email", "sensor", "web", "file"]

_EXAMPLE: JsonDict = {
    "site": "S-001", "severity": "emergency", "type": "leak", "product": "ethanol", "title": "Flange of tank 3 leaks",
    "opened_at": "2026-03-02T07:45:00+08:00", "kits": ["leak-kit"], "skills": {"leak-sealing": 2},
}  # fmt: skip


class TicketFacts(Asked):
    """Facts of a ticket; one that is not given, or null, stays as it is or as policy says."""

    severity: Severity | None = None
    type: Annotated[Id, Field(description="Type of ticket, as the policy names it.")] | None = None
    title: Line | None = None
    description: Text | None = None
    due_at: Annotated[Moment, Field(description="Promised moment on site, where it is not what policy says.")] | None = None
    not_before: Annotated[Moment, Field(description="No work before.")] | None = None
    window_start: Annotated[Moment, Field(description="Work may begin from.")] | None = None
    window_end: Annotated[Moment, Field(description="Work may begin until.")] | None = None
    service_minutes: Annotated[Number, Field(ge=1, le=10_080)] | None = None
    crew: Annotated[Crew, Field(description="People needed together.")] | None = None
    load: Annotated[Number, Field(ge=0, le=1e9, description="Units of material.")] | None = None
    skills: Levels | None = None
    kits: Annotated[list[Id], Field(max_length=50, description="Types of kit needed.")] | None = None
    only: Annotated[list[Id], Field(max_length=200, description="Only these technicians may come.")] | None = None
    banned: Annotated[list[Id], Field(max_length=200, description="These technicians may not come.")] | None = None


class TicketPush(TicketFacts):
    """A ticket as another system knows it. A new one needs site, severity and type."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    site: Annotated[Id, Field(description="Id of the site; cannot be changed later.")] | None = None
    product: Annotated[Short, Field(description="Product concerned; cannot be changed later.")] | None = None
    source: Annotated[Source, Field(description="How it came in; `web` unless said; cannot be changed later.")] | None = None
    opened_at: Annotated[Moment, Field(description="When clocks begin; now unless said; cannot be changed later.")] | None = None


class TicketChange(TicketFacts):
    """Facts of a ticket that are corrected."""

    model_config = ConfigDict(json_schema_extra={"example": {"severity": "important", "title": "Flange of tank 3 drips"}})


class WithReason(Asked):
    """Why something is done."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "the customer mended it"}})

    reason: Reason = ""


class ClockTold(Told):
    """A promised clock at this moment."""

    clock: Annotated[str, Field(description="contact, diagnosis, on_site, solution, closing, or one of the policy's own.")]
    state: Literal["running", "at_risk", "met", "missed", "paused", "stopped"]
    reopening: Annotated[int, Field(description="0, or which reopening of the ticket it counts from.")]
    due_at: datetime
    left_s: Annotated[float, Field(description="Seconds left until it is due, below 0 when late.")]
    met_at: datetime | None
    expected_at: Annotated[datetime | None, Field(description="When it is expected to be kept, by plan and position.")]


class TicketTold(Told):
    """A ticket with its clocks and whom it is planned for."""

    id: str
    site: str
    region: str
    severity: Severity
    type: str
    product: str
    source: Source
    title: str
    description: str
    state: TicketState
    opened_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    not_before: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    service_minutes: float | None
    crew: int | None
    load: float
    skills: dict[str, Any] | None
    kits: list[str] | None
    only: list[str] | None
    banned: list[str] | None
    technicians: Annotated[list[str], Field(description="Who is to come by the published plan, or is there.")]
    clocks: list[ClockTold]
    clocks_problem: Annotated[str, Field(description="Why clocks cannot be told; empty when they can.")]


class TicketPage(Told):
    """A page of tickets."""

    items: list[TicketTold]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null on the last.")]


class ComerTold(Told):
    """Who would come, and when."""

    technician: str
    name: str
    station: str
    leaves: datetime
    arrives: datetime
    distance_km: float


class DelayTold(Told):
    """A visit that would begin later."""

    ticket: str
    minutes: float


class OfferTold(Told):
    """One way to serve the ticket besides everything that is planned."""

    people: list[ComerTold]
    start: datetime
    late_minutes: float
    chance: Annotated[float | None, Field(description="Of beginning in time, 0 to 1; null where it was not drawn.")]
    added_cost: float
    cost_change: float
    delays: list[DelayTold]


class AnswerTold(Told):
    """The first answer to a ticket: who could take it as the published plan stands, the best first."""

    ticket: str
    kind: Annotated[Literal["open", "planned", "under_way", "closed"], Field(description="Only an open or planned ticket has offers.")]
    at: datetime
    severity: Severity
    where: str
    due: datetime | None
    in_time: Annotated[bool, Field(description="Whether somebody can begin in time.")]
    assigned: Annotated[list[str], Field(description="Who has it already.")]
    offers: list[OfferTold]
    reasons: Annotated[list[str], Field(description="Why nobody can come, or not in time.")]
