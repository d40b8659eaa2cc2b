"""What is owed for clocks that were missed, by contract or policy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from data_models.clocks import ClockState, WatchedTicket, clock_states

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Compensation:
    """What one missed clock of a ticket pays.

    Parameters
    ----------
    late
        How late it was, without the pauses that stop it.
    hours
        The hours that are paid for.
    amount
        In `currency`, rounded to the hundredth; None when not known, because the order's price is not.
    is_final
        Whether the clock has ended; else the amount still grows, unless it is `capped`.
    why
        How the amount came about, or what is missing, for people.
    """

    ticket: str
    clock: str
    reopening: int
    due_at: datetime
    late: timedelta
    hours: float
    amount: float | None
    currency: str
    is_final: bool
    capped: bool
    why: str


@dataclass(frozen=True)
class CompensationList:
    """What many tickets owe, by ticket and clock; `total` by currency is over the known amounts only, `unknown` counts the others."""

    owed: tuple[Compensation, ...]
    total: dict[str, float]
    unknown: int


def compensation_owed(tickets: Iterable[WatchedTicket], now: datetime) -> CompensationList:
    """What is owed at `now` for every missed clock of the tickets that pays, open ones as far as they have run."""
    found = (one for ticket in tickets for one in ticket_compensation(ticket, now))
    owed = sorted(found, key=lambda one: (one.ticket, one.reopening, one.clock))
    total: dict[str, float] = {}
    for one in owed:
        if one.amount is not None:
            total[one.currency] = round(total.get(one.currency, 0.0) + one.amount, 2)
    return CompensationList(tuple(owed), total, sum(one.amount is None for one in owed))


def ticket_compensation(ticket: WatchedTicket, now: datetime, states: Iterable[ClockState] | None = None) -> Iterator[Compensation]:
    """What a ticket owes by clock; nothing for clocks that are kept or that pay nothing.

    `states` are its clocks at `now` where the caller has them; None computes them.
    """
    if not _pays(ticket):
        return
    clocks = tuple(clock_states(ticket, now) if states is None else states)
    paying = ticket.policy.compensation.clocks or _due_clock(clocks)
    for state in clocks:
        if state.state == "missed" and state.clock in paying:
            yield _of_clock(ticket, state)


def _pays(ticket: WatchedTicket) -> bool:
    contract = ticket.late_compensation_per_hour
    if contract is not None:
        return contract > 0
    return ticket.policy.compensation.per_hour > 0 or ticket.policy.costs.price_share_per_hour_late > 0


def _due_clock(clocks: Iterable[ClockState]) -> tuple[str, ...]:
    """The clock that a visit is due by, as `policy.visit_due` has it."""
    known = {state.clock for state in clocks}
    return next(((name,) for name in ("on_site", "solution", "closing") if name in known), ())


def _of_clock(ticket: WatchedTicket, state: ClockState) -> Compensation:
    rule = ticket.policy.compensation
    currency = ticket.policy.costs.currency
    hours = state.late / _HOUR
    if rule.hours != "exact":
        hours = float(math.ceil(hours) if rule.hours == "begun" else math.floor(hours))
    rate, how = _rate(ticket)
    cap = _cap(ticket)
    amount = None if rate is None or cap is None else min(rate * hours, cap)
    capped = rate is not None and cap is not None and rate * hours >= cap
    why = f"{round(hours, 2):g} h × {how}" + (f", at most {cap:.2f} {currency}" if capped else "")
    if amount is None:
        why = f"{round(hours, 2):g} h × {how}; the order's price is not known: give it"
    # Half a hundredth goes either way by binary rounding: nobody pays in thousandths.
    paid = None if amount is None else round(amount, 2)
    return Compensation(
        ticket.id, state.clock, state.reopening, state.due_at, state.late, hours, paid, currency, not state.is_open, capped, why
    )


def _rate(ticket: WatchedTicket) -> tuple[float | None, str]:
    """What an hour costs, None when not known, and where it comes from."""
    policy, contract = ticket.policy, ticket.late_compensation_per_hour
    if contract is not None:
        return contract, f"{contract:.2f} by contract"
    share, flat = policy.costs.price_share_per_hour_late, policy.compensation.per_hour
    said = [f"{flat:.2f}"] if flat else []
    if not share:
        return flat, f"{flat:.2f} by policy"
    price = ticket.order_value
    said.append(f"{share:.12g} of the price" + ("" if price is None else f" {price:.2f}"))
    return None if price is None else flat + share * price, f"({' + '.join(said)}) by policy" if flat else f"{said[0]} by policy"


def _cap(ticket: WatchedTicket) -> float | None:
    """The most that one clock pays; infinite without a cap, None where the price that it depends on is not known.

    A share of a price that is not known does not limit what a contract pays: its amount stands by itself.
    """
    rule = ticket.policy.compensation
    cap = math.inf if rule.cap is None else rule.cap
    if rule.cap_share is None:
        return cap
    if ticket.order_value is None:
        return None if ticket.late_compensation_per_hour is None else cap
    return min(cap, rule.cap_share * ticket.order_value)
