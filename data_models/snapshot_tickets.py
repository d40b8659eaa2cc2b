"""Tickets of a snapshot: what is promised, needed and owed by the policy of their contract, when and by whom they may be served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from data_models.case import Ticket, TimeWindow
from data_models.context import TicketContext
from data_models.domain import CompanyFacts, ContactFacts, ContractFacts, TicketFacts
from data_models.errors import BadInput
from data_models.policy import Clocks, ServicePolicy, clocks_for, costs_for, due_times, needs_for, visit_due, with_contract


@dataclass(frozen=True)
class Policies:
    """The policies by name, and the one that holds where no contract names another."""

    by_name: Mapping[str, ServicePolicy]
    default: str

    def of(self, contract: ContractFacts | None) -> ServicePolicy:
        """The policy of a contract; the default without one. Raises `BadInput` for a name that is not known."""
        name = self.default if contract is None else contract.policy
        if name not in self.by_name:
            whose = "the default policy" if contract is None else f"Contract {contract.id}: policy"
            raise BadInput(f"{whose} {name} does not exist; known are {', '.join(sorted(self.by_name))}")
        return self.by_name[name]


def ticket_of(
    ticket: TicketFacts, facts: CompanyFacts, policies: Policies, zone: ZoneInfo, people: set[str]
) -> tuple[Ticket, TicketContext]:
    """A ticket as it is planned, by the policy of its contract, and what belongs to it for people.

    Parameters
    ----------
    zone
        In which days begin: a contract holds on the local day on which the ticket was opened.
    people
        Ids of the case's technicians.

    Raises
    ------
    BadInput
        The contract names a policy that does not exist.
    """
    site = facts.site_by_id[ticket.site]
    customer = facts.customer_by_id[site.customer]
    contract = _contract(ticket, customer.id, facts, zone)
    policy = policies.of(contract)
    needs = needs_for(policy, ticket.type, ticket.product)
    minutes = needs.service_minutes if ticket.service_minutes is None else ticket.service_minutes
    clocks = clocks_for(policy, ticket.severity, customer.tier, ticket.type, ticket.source)
    if contract is not None:
        clocks = with_contract(clocks, contract.on_site_minutes)
    costs = costs_for(
        policy,
        ticket.severity,
        customer.tier,
        customer.downtime_cost_per_hour,
        None if contract is None else contract.late_compensation_per_hour,
    )
    not_before, windows = _access(ticket)
    only, banned = _allowed(ticket, people)
    made = Ticket(
        id=ticket.id,
        lat=site.lat,
        lon=site.lon,
        severity=ticket.severity,
        tier=customer.tier,
        opened_at=ticket.opened_at,
        due=ticket.due_at or visit_due(policy, clocks, ticket.opened_at, minutes),
        service_minutes=minutes,
        miss_cost=costs.miss_cost,
        late_cost_per_hour=costs.late_cost_per_hour,
        skip_cost=costs.skip_cost,
        skills=dict(sorted((needs.skills if ticket.skills is None else ticket.skills).items())),
        kits=needs.kits if ticket.kits is None else ticket.kits,
        load=ticket.load or needs.load,
        crew=ticket.crew or needs.crew,
        not_before=not_before,
        windows=windows,
        only=only,
        banned=banned,
    )
    contact = _contact(ticket, customer.id, facts)
    return made, TicketContext(
        title=ticket.title,
        description=ticket.description,
        type=ticket.type,
        product=ticket.product,
        source=ticket.source,
        customer=customer.name,
        site=site.name,
        address=site.address,
        region=site.region,
        contact=contact.name if contact else "",
        phone=contact.phone if contact else "",
        policy=policy.name,
        currency=policy.costs.currency,
        clocks=_clock_times(policy, clocks, ticket),
    )


def _contract(ticket: TicketFacts, customer: str, facts: CompanyFacts, zone: ZoneInfo) -> ContractFacts | None:
    return contract_on(facts.contracts_by_customer.get(customer, ()), ticket.opened_at.astimezone(zone).date())


def contract_on(contracts: Iterable[ContractFacts], day: date) -> ContractFacts | None:
    """Which of a customer's contracts held on the day a ticket was opened; of several the one that began last."""
    held = [contract for contract in contracts if contract.starts_on <= day and (contract.ends_on is None or day <= contract.ends_on)]
    return max(held, key=lambda contract: (contract.starts_on, contract.id), default=None)


def _contact(ticket: TicketFacts, customer: str, facts: CompanyFacts) -> ContactFacts | None:
    """Whom to call: a contact of the site before one of the whole customer."""
    fitting = [contact for contact in facts.contacts_by_customer.get(customer, ()) if contact.site in (ticket.site, None)]
    return min(fitting, key=lambda contact: (contact.site is None, contact.id), default=None)


def _clock_times(policy: ServicePolicy, clocks: Clocks, ticket: TicketFacts) -> dict[str, datetime]:
    times: dict[str, datetime] = dict(due_times(policy, clocks, ticket.opened_at).items())
    return times if ticket.due_at is None else times | {"on_site": ticket.due_at}


def _access(ticket: TicketFacts) -> tuple[datetime | None, tuple[TimeWindow, ...]]:
    """`not_before` and the windows; a window open to one side is a limit on that side only."""
    opens, closes, not_before = ticket.window_start, ticket.window_end, ticket.not_before
    if closes is None:
        limits = [moment for moment in (not_before, opens) if moment is not None]
        return max(limits, default=None), ()
    return not_before, (TimeWindow(opens or min(ticket.opened_at, closes), closes),)


def _allowed(ticket: TicketFacts, people: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`only` and `banned`, reduced to the people of the case. When no one of `only` is left, everybody is banned: empty would allow all."""
    only = tuple(sorted(set(ticket.only) & people))
    if ticket.only and not only:
        return (), tuple(sorted(people))
    return only, tuple(sorted(set(ticket.banned) & people))
