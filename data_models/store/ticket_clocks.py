"""What clocks of tickets depend on, read from the store for whoever watches them and for whoever reports on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.case import Severity, Tier
from data_models.clocks import Milestones, Prediction, WatchedTicket
from data_models.domain import ContractFacts
from data_models.event_state import rank
from data_models.milestones import Happening, milestones_of
from data_models.policy import ServicePolicy, needs_for
from data_models.snapshot_tickets import Policies, contract_on
from data_models.store.parts import parts

_ENDS = {"done": "ticket_closed", "cancelled": "ticket_cancelled"}


class Heard(NamedTuple):
    """Something that happened to a ticket, with its number in the log; 0 for what only the ticket's row says."""

    number: int
    happening: Happening


@dataclass(frozen=True)
class Promises:
    """What was promised to whom: the policies, and the contracts of each customer."""

    policies: Policies
    contracts: Mapping[str, Sequence[ContractFacts]]

    def of(self, row: Any) -> tuple[ServicePolicy, ContractFacts | None]:
        """Policy and contract of a ticket by its `customer_id` and `opened_at`. Raises `BadInput` for a policy that does not exist."""
        zone = ZoneInfo(self.policies.of(None).calendar.timezone)
        contract = contract_on(self.contracts.get(row.customer_id, ()), row.opened_at.astimezone(zone).date())
        return self.policies.of(contract), contract


def promises_in(session: Session, policies: Policies, *, retired: bool = False) -> Promises:
    """All promises; `retired` takes in contracts that were since removed, under which past tickets may have been opened."""
    found: dict[str, list[ContractFacts]] = defaultdict(list)
    row = tables.Contract
    query = select(row.id, row.customer_id, row.policy, row.starts_on, row.ends_on, row.on_site_minutes, row.late_compensation_per_hour)
    for one in session.execute(query if retired else query.where(row.retired_at.is_(None))):
        found[one.customer_id].append(ContractFacts(*one))
    return Promises(policies, found)


def heard_of(session: Session, tickets: Sequence[str], until: datetime) -> dict[str, list[Heard]]:
    """What happened to tickets until a moment, in its order, by ticket; the opening before all else, since people's clocks differ."""
    event = tables.Event
    columns = (event.id, event.ticket_id, event.kind, event.at, event.key, event.technician_id, event.details)
    keyed: dict[str, list[tuple[Any, Heard]]] = defaultdict(list)
    for part in parts(tickets):
        query = select(*columns).where(event.ticket_id.in_(part), event.at <= until)
        for number, ticket, kind, moment, key, who, facts in session.execute(query):
            keyed[ticket].append((rank(kind, moment, key), Heard(number, _happening(kind, moment, who, facts))))
    return {ticket: [one for _, one in sorted(items, key=lambda item: item[0])] for ticket, items in keyed.items()}


def _happening(kind: str, at: datetime, who: str, facts: Mapping[str, Any]) -> Happening:
    if kind == "ticket_known" and facts.get("closed_at") and facts.get("state") in _ENDS:
        return Happening(_ENDS[facts["state"]], datetime.fromisoformat(facts["closed_at"]))
    return Happening(
        kind, at, who, facts.get("reason", ""), facts.get("result", ""), facts.get("clock", ""), satisfaction=facts.get("satisfaction")
    )


def with_end_of_row(heard: Sequence[Heard], row: Any, until: datetime) -> list[Heard]:
    """What was heard, and after it what a ticket's row alone knows: that it was closed or cancelled, by an import for example."""
    if row.state not in _ENDS or row.closed_at is None or row.closed_at > until:
        return list(heard)
    ended = False
    for _, one in heard:
        if one.kind == "ticket_reopened":
            ended = False
        elif one.kind in _ENDS.values() or (one.kind == "technician_finished" and one.result != "unresolved"):
            ended = True
    return [*heard] if ended else [*heard, Heard(0, Happening(_ENDS[row.state], row.closed_at))]


def milestones_in(heard: Sequence[Heard], row: Any, policy: ServicePolicy) -> Milestones:
    """What a ticket has reached after what was heard of it."""
    return milestones_of((one for _, one in heard), row.crew or needs_for(policy, row.type, row.product).crew)


def ticket_with_clocks(
    row: Any, policy: ServicePolicy, contract: ContractFacts | None, reached: Milestones, predicted: Prediction | None = None
) -> WatchedTicket:
    """A ticket as its clocks need it, from its row with the customer's `tier`."""
    return WatchedTicket(
        id=row.id,
        policy=policy,
        severity=cast(Severity, row.severity),
        tier=cast(Tier, row.tier),
        opened_at=row.opened_at,
        type=row.type,
        source=row.source,
        on_site_minutes=None if contract is None else contract.on_site_minutes,
        due_at=row.due_at,
        milestones=reached,
        predicted=predicted or Prediction(),
        late_compensation_per_hour=None if contract is None else contract.late_compensation_per_hour,
    )
