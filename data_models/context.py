"""What people want to know beside a case: names, addresses, contacts, clocks, and what was left out of it and why.

Kept with the case in a snapshot. Everything here is text and facts for reading: maps, papers and explanations show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from data_models.errors import BadInput


@dataclass(frozen=True)
class ExpiredCertificate:
    """A skill that someone would have, had the certificate not expired; the case holds valid skills only."""

    technician: str
    skill: str
    level: int
    expired_on: date


@dataclass(frozen=True)
class PlanningContext:
    """What explanations need beside the case: `names` gives the words for any id (site of a ticket, technician, skill, kit)."""

    expired: tuple[ExpiredCertificate, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TicketContext:
    """What people call a ticket, whom to ask, and what is promised: `clocks` maps each promise to when it falls due."""

    title: str = ""
    description: str = ""
    type: str = ""
    product: str = ""
    source: str = ""
    customer: str = ""
    site: str = ""
    address: str = ""
    region: str = ""
    contact: str = ""
    phone: str = ""
    policy: str = ""
    currency: str = ""
    clocks: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class TechnicianContext:
    """How to reach a technician, and of what kind each shift of the case is."""

    name: str
    phone: str = ""
    shift_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class BrokenKits:
    """Kits that a station owns but that are out of order; the case does not count them."""

    station: str
    kit: str
    count: int


@dataclass(frozen=True)
class BeingServed:
    """A ticket that is not planned because work on it has begun: reported under way, or begun by the published plan.

    `expected_finish` is None where no plan tells.
    """

    ticket: str
    how: Literal["reported", "by_plan"]
    technicians: tuple[str, ...] = ()
    expected_finish: datetime | None = None


@dataclass(frozen=True)
class Context:
    """What belongs to a case and is not in it; the maps are by id. `travel_notes` says what to know about the travel times."""

    tickets: Mapping[str, TicketContext] = field(default_factory=dict)
    technicians: Mapping[str, TechnicianContext] = field(default_factory=dict)
    station_addresses: Mapping[str, str] = field(default_factory=dict)
    expired: tuple[ExpiredCertificate, ...] = ()
    broken_kits: tuple[BrokenKits, ...] = ()
    being_served: tuple[BeingServed, ...] = ()
    region: str = ""
    follows_plan: int | None = None
    travel_source: str = ""
    travel_notes: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        """The currency of the plan's cost; "" when there are none or several."""
        found = {facts.currency for facts in self.tickets.values()}
        return found.pop() if len(found) == 1 else ""

    @property
    def planning(self) -> PlanningContext:
        """The part that explanations need."""
        names = {id: facts.site or facts.customer for id, facts in self.tickets.items() if facts.site or facts.customer}
        return PlanningContext(self.expired, names | {id: facts.name for id, facts in self.technicians.items()})


_adapter: TypeAdapter[Context] = TypeAdapter(with_config(ConfigDict(extra="forbid"))(Context))


def context_json(context: Context) -> str:
    """The context as JSON text; `read_context` gives it back."""
    return _adapter.dump_json(context, exclude_defaults=True).decode()


def read_context(text: str | bytes) -> Context:
    """The context that a JSON text holds. Raises `BadInput` when it is none."""
    try:
        return _adapter.validate_json(text)
    except ValidationError as error:
        raise BadInput(*(f"context, {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())) from error
