"""Service policy as facts: what is promised to whom, what being late costs, what a kind of ticket needs.

The dataclasses mirror the sections of a policy file (`policy_files`) key by key; the functions are pure arithmetic on them.
Severity and tier decide the clocks; the ticket's type and its source may set single ones differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from data_models.calendars import WorkCalendar
from data_models.case import Severity, Tier
from data_models.clock_rules import CALL_BACK, HANDLED_AGAIN, CompensationRule, EscalationStep, PauseRule, WarningRule
from data_models.conditions import ConditionText, LengthText
from data_models.limits import Amount, Level, Minutes, Name, Share
from data_models.promises import Promise, PromiseText, due

ClockName = Literal["contact", "diagnosis", "on_site", "solution", "closing"]
CLOCKS: tuple[ClockName, ...] = ("contact", "diagnosis", "on_site", "solution", "closing")

Source = Literal["phone", "chat", "email", "sensor", "web", "file"]
Moment = Literal["opened", "assigned", "on_site", "closed"]
Step = Literal["opened", "contacted", "diagnosed", "on_site", "solved", "closed"]

Fact = bool | int | float | str | list[int] | list[float] | list[str] | dict[str, float] | dict[str, str]

_Cell = TypeVar("_Cell", "Clocks", "CostCell", "Needs")


@dataclass(frozen=True)
class Clocks:
    """What is promised about one ticket; None where nothing is. All count from the moment that the ticket is opened."""

    contact: PromiseText | None = None
    diagnosis: PromiseText | None = None
    on_site: PromiseText | None = None
    solution: PromiseText | None = None
    closing: PromiseText | None = None


@dataclass(frozen=True)
class SeverityClocks(Clocks):
    """The clocks of a severity for every tier, and where a tier's differ."""

    A: Clocks = Clocks()
    B: Clocks = Clocks()
    C: Clocks = Clocks()


@dataclass(frozen=True)
class ClockTable:
    """Clocks by severity and tier."""

    emergency: SeverityClocks
    important: SeverityClocks
    general: SeverityClocks


@dataclass(frozen=True)
class ExtraClock:
    """A promise beside the five clocks, for tickets that match every list that is not empty.

    `kept_by` names what shows that it was kept at the latest, where nobody recorded it; None waits for the record.
    """

    within: PromiseText
    counts_from: Moment = "opened"
    kept_by: Step | None = None
    title: str = ""
    severities: tuple[Severity, ...] = ()
    tiers: tuple[Tier, ...] = ()
    types: tuple[Name, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class SourceRule:
    """Clocks that hold for tickets that came in this way."""

    clocks: Clocks = Clocks()


@dataclass(frozen=True)
class TierRule:
    """Who belongs to a tier, by yearly volume: `tonnes_above` excludes the limit itself, `tonnes_from` includes it."""

    title: str = ""
    tonnes_above: Amount | None = None
    tonnes_from: Amount | None = None
    cover: Literal["round_the_clock", "working_hours"] = "working_hours"


@dataclass(frozen=True)
class Tiers:
    """The three tiers; C takes whoever reaches neither A nor B."""

    A: TierRule = TierRule()
    B: TierRule = TierRule()
    C: TierRule = TierRule()


@dataclass(frozen=True)
class CostCell:
    """Cost parameters of a severity, or of a tier within it; None where the wider rule holds.

    `miss` is paid once when late, `late_per_hour` for each hour late, `skip` when not planned, all in the policy's currency;
    `downtime_share` is the part of the customer's downtime that an hour of delay causes.
    """

    miss: Amount | None = None
    late_per_hour: Amount | None = None
    skip: Amount | None = None
    downtime_share: Share | None = None


@dataclass(frozen=True)
class SeverityCosts(CostCell):
    """The costs of a severity for every tier, and where a tier's differ."""

    A: CostCell = CostCell()
    B: CostCell = CostCell()
    C: CostCell = CostCell()


@dataclass(frozen=True)
class CostRules:
    """What failing costs. `costs_for` holds the formulas."""

    emergency: SeverityCosts
    important: SeverityCosts
    general: SeverityCosts
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    price_share_per_hour_late: Share = 0.0
    order_price: Amount = 0.0
    downtime_per_hour: Amount = 0.0
    skip_hours: Amount = 24.0


@dataclass(frozen=True)
class TicketCosts:
    """The three prices of a ticket in a dispatch case."""

    miss_cost: float
    late_cost_per_hour: float
    skip_cost: float


@dataclass(frozen=True)
class Needs:
    """What a ticket needs on site; None where the wider rule holds. `severity` is what such a report is taken for."""

    severity: Severity | None = None
    service_minutes: Minutes | None = None
    crew: Annotated[int, Field(ge=1, le=10)] | None = None
    skills: Mapping[Name, Level] | None = None
    kits: tuple[Name, ...] | None = None
    load: Amount | None = None


@dataclass(frozen=True)
class TicketType(Needs):
    """A type of ticket: its needs, its own clocks, and where a product's needs differ."""

    title: str = ""
    clocks: Clocks = Clocks()
    products: Mapping[Name, Needs] = field(default_factory=dict)


@dataclass(frozen=True)
class TicketNeeds:
    """What a ticket needs, complete."""

    severity: Severity
    service_minutes: float
    crew: int
    skills: Mapping[str, int]
    kits: tuple[str, ...]
    load: float


@dataclass(frozen=True)
class Targets:
    """What the company wants to reach over a month; None where it names no target."""

    in_time: Share | None = None
    resolved: Share | None = None
    satisfaction: Annotated[float, Field(ge=1, le=10)] | None = None
    satisfied: Share | None = None
    response: PromiseText | None = None


@dataclass(frozen=True)
class ServiceArea:
    """What is promised around a station: within `minutes`, out to `km` as the crow flies."""

    km: Amount
    minutes: Minutes


@dataclass(frozen=True)
class AfterClosing:
    """What happens when a ticket is closed: satisfaction (1 to `scale`) below `reopen_below` opens it again."""

    call_back: PromiseText | None = None
    scale: Annotated[int, Field(ge=2, le=10)] = 5
    reopen_below: Annotated[int, Field(ge=1, le=10)] | None = None
    handled_again: PromiseText | None = None


@dataclass(frozen=True)
class SensorRule:
    """Readings that open a ticket of `type` by themselves; `clears` says when the matter is over: unless set, when `when` is not met.

    No second ticket is opened within `quiet` after one was opened or closed, nor while readings have not cleared, unless they
    still are not `again_after` the closing. Empty `sites` and `products` limit nothing.
    """

    when: ConditionText
    type: Name
    clears: ConditionText | None = None
    severity: Severity | None = None
    title: str = ""
    quiet: LengthText = timedelta()
    again_after: LengthText = timedelta(days=1)
    sites: tuple[Name, ...] = ()
    products: tuple[Name, ...] = ()


@dataclass(frozen=True)
class SensorLimits:
    """What is believed of sensors: how late, how early, how far apart readings may be, and when one is held to be stuck or silent.

    A reading older than `horizon` before the newest of its sensor is late; ahead of the clock by more than `ahead`, it is from the
    future. Two readings more than `longest_gap` apart prove nothing about the time between them. A sensor is stuck that gives
    the same value more than `stuck_readings` times, or for longer than `stuck_after` while another of its site moves, and silent
    after `silent_after`. What is older than `ticket_within` on arrival is history and opens no ticket.
    """

    horizon: LengthText = timedelta(minutes=5)
    ahead: LengthText = timedelta(minutes=5)
    longest_gap: LengthText = timedelta(minutes=15)
    stuck_readings: Annotated[int, Field(ge=2, le=1_000_000)] = 1000
    stuck_after: LengthText = timedelta(hours=12)
    silent_after: LengthText = timedelta(hours=1)
    ticket_within: LengthText = timedelta(days=1)


@dataclass(frozen=True)
class PatrolRule:
    """Visits without a report: so many a year to customers of these tiers, or above this yearly volume."""

    per_year: Annotated[int, Field(ge=1, le=366)]
    tiers: tuple[Tier, ...] = ()
    tonnes_above: Amount | None = None


@dataclass(frozen=True)
class ServicePolicy:
    """Everything that a company promises and reckons with. `facts` is for people: nothing is computed from it."""

    name: Name
    clocks: ClockTable
    costs: CostRules
    title: str = ""
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    extra_clocks: Mapping[Name, ExtraClock] = field(default_factory=dict)
    sources: Mapping[Source, SourceRule] = field(default_factory=dict)
    tiers: Tiers = Tiers()
    defaults: Needs = Needs()
    ticket_types: Mapping[Name, TicketType] = field(default_factory=dict)
    targets: Targets = Targets()
    service_area: ServiceArea | None = None
    after_closing: AfterClosing = AfterClosing()
    sensor_rules: Mapping[Name, SensorRule] = field(default_factory=dict)
    sensors: SensorLimits = SensorLimits()
    patrols: Mapping[Name, PatrolRule] = field(default_factory=dict)
    remote_expert: tuple[Severity, ...] = ()
    pauses: Mapping[Name, PauseRule] = field(default_factory=dict)
    warning: WarningRule = field(default_factory=WarningRule)
    escalations: Mapping[Name, EscalationStep] = field(default_factory=dict)
    compensation: CompensationRule = field(default_factory=CompensationRule)
    facts: Mapping[Name, Fact] = field(default_factory=dict)


def clocks_for(policy: ServicePolicy, severity: Severity, tier: Tier, ticket_type: str = "", source: str = "") -> Clocks:
    """The clocks of a ticket; a clock that is not promised is None.

    What is said more closely wins: the severity, then its tier, then the ticket's type, then its source. Types and
    sources that the policy does not name change nothing.
    """
    of_severity: SeverityClocks = getattr(policy.clocks, severity)
    layers: list[Clocks] = [of_severity, getattr(of_severity, tier)]
    if ticket_type in policy.ticket_types:
        layers.append(policy.ticket_types[ticket_type].clocks)
    layers.extend(rule.clocks for name, rule in policy.sources.items() if name == source)
    said = _overlaid(Clocks(), *layers)
    return Clocks(**{name: None if promise is None or promise.counts == "nothing" else promise for name, promise in clock_items(said)})


def clock_items(clocks: Clocks) -> tuple[tuple[ClockName, Promise | None], ...]:
    """The five clocks with their names, in order."""
    return tuple((name, getattr(clocks, name)) for name in CLOCKS)


def due_times(policy: ServicePolicy, clocks: Clocks, opened_at: datetime) -> dict[ClockName, datetime]:
    """When each promised clock of a ticket is due, in UTC."""
    return {name: due(promise, opened_at, policy.calendar) for name, promise in clock_items(clocks) if promise is not None}


def visit_due(policy: ServicePolicy, clocks: Clocks, opened_at: datetime, service_minutes: float) -> datetime:
    """The moment, in UTC, by which work on site must have begun: the `due` of a dispatch case.

    The promised moment on site; without one, the last moment from which work can be finished by the solution that is promised, and
    without that by the closing. Never before the ticket is opened.
    Every cell of a policy that was read from a file promises one of the three; raises `ValueError` for clocks that do not.
    """
    times = due_times(policy, clocks, opened_at)
    if "on_site" in times:
        return times["on_site"]
    finished = times.get("solution", times.get("closing"))
    if finished is None:
        raise ValueError("clocks promise neither on_site nor solution nor closing")
    return max(finished - timedelta(minutes=service_minutes), opened_at.astimezone(UTC))


def extra_clocks_for(
    policy: ServicePolicy, severity: Severity, tier: Tier, ticket_type: str = "", source: str = ""
) -> dict[str, ExtraClock]:
    """The promises beside the five clocks that hold for a ticket, by name."""
    ticket = {"severities": severity, "tiers": tier, "types": ticket_type, "sources": source}

    def holds(clock: ExtraClock) -> bool:
        limits = ((getattr(clock, key), value) for key, value in ticket.items())
        return clock.within.counts != "nothing" and all(not allowed or value in allowed for allowed, value in limits)

    return {name: clock for name, clock in policy.extra_clocks.items() if holds(clock)}


def clock_names(policy: ServicePolicy) -> tuple[str, ...]:
    """Every clock that a rule of the policy may name: the five, those beside them, and those after closing."""
    return (*CLOCKS, *policy.extra_clocks, CALL_BACK, HANDLED_AGAIN)


def tier_for(policy: ServicePolicy, yearly_tonnes: float | None) -> Tier:
    """The tier of a customer by yearly volume; C when the volume is not known."""
    if yearly_tonnes is None:
        return "C"
    if _reaches(policy.tiers.A, yearly_tonnes):
        return "A"
    return "B" if _reaches(policy.tiers.B, yearly_tonnes) else "C"


def needs_for(policy: ServicePolicy, ticket_type: str, product: str = "") -> TicketNeeds:
    """What a ticket of a type on a product needs: the policy's defaults, then the type, then the product within it.

    A type that is not in `policy.ticket_types` gets the defaults, a product that the type does not name the type's needs.
    """
    layers = [policy.defaults]
    if ticket_type in policy.ticket_types:
        of_type = policy.ticket_types[ticket_type]
        layers.append(of_type)
        if product in of_type.products:
            layers.append(of_type.products[product])
    said = _overlaid(Needs(), *layers)
    return TicketNeeds(
        severity=said.severity or "general",
        service_minutes=60.0 if said.service_minutes is None else said.service_minutes,
        crew=said.crew or 1,
        skills=said.skills or {},
        kits=said.kits or (),
        load=said.load or 0.0,
    )


def costs_for(
    policy: ServicePolicy,
    severity: Severity,
    tier: Tier,
    downtime_cost_per_hour: float | None = None,
    late_compensation_per_hour: float | None = None,
) -> TicketCosts:
    """What failing a ticket costs.

    Parameters
    ----------
    downtime_cost_per_hour
        What an hour of standstill costs this customer; None takes the policy's `downtime_per_hour`.
    late_compensation_per_hour
        What the customer's contract pays per hour late; None takes the policy's own and its share of a usual order's price.

    Notes
    -----
    ``late = late_per_hour + compensation + downtime_share × downtime`` with ``compensation = compensation.per_hour +
    price_share_per_hour_late × order_price`` unless the contract says otherwise; ``skip = max(skip, miss + skip_hours × late)``,
    so that leaving a ticket out never pays before it would have been `skip_hours` late.
    """
    rules = policy.costs
    of_severity: SeverityCosts = getattr(rules, severity)
    cell = _overlaid(CostCell(), of_severity, getattr(of_severity, tier))
    downtime = rules.downtime_per_hour if downtime_cost_per_hour is None else downtime_cost_per_hour
    usual = policy.compensation.per_hour + rules.price_share_per_hour_late * rules.order_price
    compensation = usual if late_compensation_per_hour is None else late_compensation_per_hour
    miss = cell.miss or 0.0
    late = (cell.late_per_hour or 0.0) + compensation + (cell.downtime_share or 0.0) * downtime
    return TicketCosts(miss, late, max(cell.skip or 0.0, miss + rules.skip_hours * late))


def with_contract(clocks: Clocks, on_site_minutes: float | None) -> Clocks:
    """The clocks with a contract's own promise on site in place of the policy's; unchanged when it has none."""
    return clocks if on_site_minutes is None else replace(clocks, on_site=Promise(timedelta(minutes=on_site_minutes)))


def _reaches(rule: TierRule, yearly_tonnes: float) -> bool:
    if rule.tonnes_above is not None:
        return yearly_tonnes > rule.tonnes_above
    return rule.tonnes_from is not None and yearly_tonnes >= rule.tonnes_from


def _overlaid(start: _Cell, *layers: _Cell) -> _Cell:
    """`start` with each field that a layer sets, later layers over earlier ones; a layer may have more fields than `start`."""
    said = {item.name: value for layer in layers for item in fields(start) if (value := getattr(layer, item.name)) is not None}
    return replace(start, **said)
