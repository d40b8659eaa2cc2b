"""Stations, technicians, events, the audit trail and webhooks as the API takes and gives them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from console.api.kinds import Asked, Flag, Short, Told
from data_models.store.webhooks import WebhookKind

_NEXT = Field(description="`cursor` of the next page; null on the last.")


class KitTold(Told):
    """Kits of one type at a station."""

    kit: str
    owned: int
    broken: int


class StationTold(Told):
    """A service station."""

    id: str
    name: str
    region: str
    address: str
    lat: Annotated[float, Field(description="WGS-84.")]
    lon: float
    capacity: int | None
    kits: list[KitTold]


class StationPage(Told):
    """A page of stations."""

    items: list[StationTold]
    next: Annotated[str | None, _NEXT]


class SkillTold(Told):
    """A skill that somebody has."""

    skill: str
    level: int
    expires_on: Annotated[date | None, Field(description="The first day on which it does not hold any more.")]


class ShiftTold(Told):
    """A spell of work."""

    starts_at: datetime
    ends_at: datetime
    kind: Literal["regular", "night", "on_call"]
    overtime_minutes: float


class PositionTold(Told):
    """Where somebody on the road becomes free."""

    lat: float
    lon: float
    free_at: datetime
    kits: list[str]


class TechnicianTold(Told):
    """A technician; telephone numbers are not given."""

    id: str
    name: str
    station: str
    region: str
    capacity: float | None
    skills: list[SkillTold]
    shifts: Annotated[list[ShiftTold], Field(description="Those of the next seven days.")]
    position: PositionTold | None


class TechnicianPage(Told):
    """A page of technicians."""

    items: list[TechnicianTold]
    next: Annotated[str | None, _NEXT]


class EventTold(Told):
    """Something that happened, as it was told."""

    number: int
    key: str
    kind: str
    at: datetime
    arrived_at: datetime
    by: str
    ticket: str
    technician: str
    station: str
    facts: Annotated[dict[str, Any], Field(description="What its kind tells beside these.")]
    note: Annotated[str, Field(description="Why it does not simply count; empty when it does.")]


class EventPage(Told):
    """A page of events."""

    items: list[EventTold]
    next: Annotated[str | None, _NEXT]


class EventAnswer(Told):
    """What became of an event."""

    key: str
    number: int | None
    verdict: Literal["counts", "flagged", "waits", "merged", "refused"]
    note: str


class EventsTold(Told):
    """What became of the events of a request."""

    counts: Annotated[dict[str, int], Field(description="How many answers there are of each verdict, and how many were `unreadable`.")]
    answers: list[EventAnswer]
    unreadable: Annotated[list[str], Field(description="A sentence for each that tells no event.")]


class AuditTold(Told):
    """Who did what; `hash` binds it to the entry before."""

    number: int
    at: datetime
    by: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: str
    hash: str


class AuditPage(Told):
    """A page of the trail."""

    items: list[AuditTold]
    next: Annotated[str | None, _NEXT]


Kinds = Annotated[list[WebhookKind], Field(min_length=1, max_length=10)]
Regions = Annotated[list[Annotated[Short, StringConstraints(min_length=1)]], Field(max_length=100)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^https?://[\x21-\x7e]+$")]


class WebhookAsked(Asked):
    """A subscription: what is told to which address."""

    model_config = ConfigDict(json_schema_extra={"example": {"url": "https://erp.example.com/hooks", "kinds": ["ticket.changed"]}})

    url: Annotated[Url, Field(description="https, on a public address; or a host that the settings name.")]
    kinds: Kinds
    regions: Annotated[Regions, Field(description="What happens there only; empty: everywhere.")] = Field(default_factory=list)


class WebhookChange(Asked):
    """What of a subscription is changed."""

    model_config = ConfigDict(json_schema_extra={"example": {"enabled": True}})

    enabled: Annotated[Flag, Field(description="True: what waits is sent from now on; false: nothing is.")]


class WebhookTold(Told):
    """A subscription and how it fares."""

    id: int
    url: str
    kinds: list[WebhookKind]
    regions: list[str]
    created_at: datetime
    created_by: str
    last_sent_at: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_for: Annotated[str, Field(description="Why it is disabled; empty when it is not.")]
    waiting: Annotated[int, Field(description="Messages that are still to be delivered.")]


class WebhookMade(WebhookTold):
    """A new subscription with its secret, which is shown this once."""

    secret: Annotated[str, Field(description="What messages are signed with; `whsec_` and base 64.")]


class WebhookPage(Told):
    """A page of subscriptions."""

    items: list[WebhookTold]
    next: Annotated[str | None, _NEXT]


class Pinged(Told):
    """A message that tries a subscription was put into the outbox."""

    message: Annotated[str, Field(description="Its `webhook-id`.")]


class Taken(Told):
    """What came of readings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kept: int
    doubles: Annotated[int, Field(description="Known already.")]
    tickets: Annotated[list[dict[str, Any]], Field(description="Tickets that they opened.")]
    flags: list[dict[str, Any]]
    refused: Annotated[list[dict[str, Any]], Field(description="Position in the list, and why.")]
    doubts: list[dict[str, Any]]
    troubles: list[dict[str, Any]]
