"""The company as facts, free of any database: what the store reads and a snapshot is made from.

Ids are the company's own. All times are aware, in UTC; coordinates are WGS-84 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from data_models.case import Severity, Tier
from data_models.context import BeingServed

ShiftKind = Literal["regular", "night", "on_call"]
OpenState = Literal["open", "planned", "under_way"]


@dataclass(frozen=True)
class CustomerFacts:
    """Who buys the product; without a `downtime_cost_per_hour` the policy's holds."""

    id: str
    name: str
    tier: Tier
    segment: str = ""
    downtime_cost_per_hour: float | None = None


@dataclass(frozen=True)
class SiteFacts:
    """A place of a customer where work is done."""

    id: str
    customer: str
    name: str
    lat: float
    lon: float
    address: str = ""
    region: str = ""


@dataclass(frozen=True)
class ContactFacts:
    """A person at a customer; `site` is None for someone who answers for all of them."""

    id: str
    customer: str
    name: str
    site: str | None = None
    role: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class ContractFacts:
    """Which policy holds for a customer from `starts_on` to `ends_on`, both included, and what it changes in it."""

    id: str
    customer: str
    policy: str
    starts_on: date
    ends_on: date | None = None
    on_site_minutes: float | None = None
    late_compensation_per_hour: float | None = None


@dataclass(frozen=True)
class KitStock:
    """How many kits of a type a station owns, and how many of these are out of order."""

    kit: str
    owned: int
    broken: int = 0


@dataclass(frozen=True)
class StationFacts:
    """A service station."""

    id: str
    name: str
    lat: float
    lon: float
    region: str = ""
    address: str = ""
    kits: tuple[KitStock, ...] = ()


@dataclass(frozen=True)
class SkillHeld:
    """A skill at a level 1-3; `expires_on` is the first day on which the certificate no longer holds."""

    skill: str
    level: int
    expires_on: date | None = None
    certificate: str = ""


@dataclass(frozen=True)
class ShiftFacts:
    """A spell of work; the three of the break are set together or not at all."""

    starts_at: datetime
    ends_at: datetime
    overtime_minutes: float = 0.0
    kind: ShiftKind = "regular"
    break_earliest: datetime | None = None
    break_latest: datetime | None = None
    break_minutes: float | None = None


@dataclass(frozen=True)
class PositionFacts:
    """Where someone on the road becomes free, when, and with which kits."""

    lat: float
    lon: float
    free_at: datetime
    kits: tuple[str, ...] = ()


@dataclass(frozen=True)
class AbsenceFacts:
    """Somebody cannot work: sick, or without a vehicle; `ends_at` is None while nobody knows."""

    begins_at: datetime
    ends_at: datetime | None
    kind: str


@dataclass(frozen=True)
class RoadFacts:
    """Drives that begin or end within `km` of a place take `factor` times as long, from `begins_at` until `ends_at`."""

    lat: float
    lon: float
    km: float
    factor: float
    begins_at: datetime
    ends_at: datetime
    reason: str = ""


@dataclass(frozen=True)
class TechnicianFacts:
    """A person who drives and works; `shifts` holds those within the horizon, by start, without the time of their `absences`."""

    id: str
    name: str
    station: str
    skills: tuple[SkillHeld, ...] = ()
    shifts: tuple[ShiftFacts, ...] = ()
    phone: str = ""
    capacity: float | None = None
    position: PositionFacts | None = None
    absences: tuple[AbsenceFacts, ...] = ()


@dataclass(frozen=True)
class TicketFacts:
    """What a customer reported; None and empty mean that the policy decides."""

    id: str
    site: str
    severity: Severity
    type: str
    opened_at: datetime
    state: OpenState = "open"
    product: str = ""
    source: str = "phone"
    title: str = ""
    description: str = ""
    due_at: datetime | None = None
    not_before: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    service_minutes: float | None = None
    crew: int | None = None
    load: float = 0.0
    skills: Mapping[str, int] | None = None
    kits: tuple[str, ...] | None = None
    only: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromisedVisit:
    """A visit of the published plan, at a site's coordinates.

    `leaves_at` is when the drive to it begins; `returns_at` and `kits` are those of its route.
    """

    ticket: str
    technician: str
    leaves_at: datetime
    arrives_at: datetime
    starts_at: datetime
    finishes_at: datetime
    returns_at: datetime
    lat: float
    lon: float
    kits: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutBefore:
    """Someone who was on the road already when the published plan was made: free at that place from `free_at`, carrying `kits`.

    `home_at` is when they are home again; None when a route of the published plan sets out from there, and they wait for it.
    `leaves_at` is when they drive home for another trip of the published plan; None when they do not.
    """

    technician: str
    lat: float
    lon: float
    free_at: datetime
    home_at: datetime | None
    kits: tuple[str, ...] = ()
    leaves_at: datetime | None = None


@dataclass(frozen=True)
class CompanyFacts:
    """Everything that a plan for `region` ("" is the whole company) from `now` until `until` rests on, each by id.

    `promised` is what the published plan plans; `out_before` and `served_before` are what it left to earlier plans: people who
    were on the road, and tickets that were being served, when it was made.
    """

    now: datetime
    until: datetime
    region: str = ""
    customers: tuple[CustomerFacts, ...] = ()
    sites: tuple[SiteFacts, ...] = ()
    contacts: tuple[ContactFacts, ...] = ()
    contracts: tuple[ContractFacts, ...] = ()
    stations: tuple[StationFacts, ...] = ()
    technicians: tuple[TechnicianFacts, ...] = ()
    tickets: tuple[TicketFacts, ...] = ()
    promised: tuple[PromisedVisit, ...] = field(default=())
    published_plan: int | None = None
    out_before: tuple[OutBefore, ...] = ()
    served_before: tuple[BeingServed, ...] = ()
    roads: tuple[RoadFacts, ...] = ()

    @cached_property
    def customer_by_id(self) -> dict[str, CustomerFacts]:
        """Customers by id."""
        return {customer.id: customer for customer in self.customers}

    @cached_property
    def site_by_id(self) -> dict[str, SiteFacts]:
        """Sites by id."""
        return {site.id: site for site in self.sites}

    @cached_property
    def contracts_by_customer(self) -> dict[str, tuple[ContractFacts, ...]]:
        """Contracts of each customer that has any."""
        found: dict[str, tuple[ContractFacts, ...]] = {}
        for contract in self.contracts:
            found[contract.customer] = (*found.get(contract.customer, ()), contract)
        return found

    @cached_property
    def contacts_by_customer(self) -> dict[str, tuple[ContactFacts, ...]]:
        """Contacts of each customer that has any."""
        found: dict[str, tuple[ContactFacts, ...]] = {}
        for contact in self.contacts:
            found[contact.customer] = (*found.get(contact.customer, ()), contact)
        return found
