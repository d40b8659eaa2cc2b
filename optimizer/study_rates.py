"""How many tickets to expect: by area, by kind, and by hour of the week, from a history and what a scenario makes of it.

A kind is a severity with a type and a product: what decides who can go and how long the work takes. The rate of a kind in an area in
an hour is taken to be the product of the area's rate, the kind's share and the hour's share. Rates of areas are drawn to their mean
where the history is thin (`data_models.expected.smoothed_rates`), hours of the week by a few tickets spread evenly.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from data_models.case import SEVERITIES, TIERS, Severity, Ticket
from data_models.expected import PastTicket, smoothed_rates
from optimizer.scenarios import Situation
from optimizer.study_days import Days
from optimizer.study_demand import DAYS_A_YEAR, growth_of

HOURS = 168
_SPREAD_EVENLY = 24.0  # tickets, over the hours of the week, that stand beside those seen
_NOON_OF_A_TUESDAY = timedelta(days=1, hours=12)
Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """Tickets that a dispatcher treats alike: `like` is one of them, at no place in particular."""

    severity: Severity
    type: str
    product: str
    like: Ticket
    minutes: float


@dataclass(frozen=True)
class Rates:
    """Tickets to expect.

    Attributes
    ----------
    per_year
        Of each kind in each area: (n_kinds, n_areas).
    spread_per_year
        Standard deviation of the rate of each severity in each area, as an estimate: (n_severities, n_areas).
    promised_minutes
        From opening to work on site: (n_kinds, n_areas). Of promises in working time, those of a ticket opened on a weekday's noon.
    hours
        Share of each hour of the week, from Monday 00:00 local, for each kind: (n_kinds, 168); rows sum to one.
    """

    kinds: tuple[Kind, ...]
    per_year: Table
    spread_per_year: Table
    promised_minutes: Table
    hours: Table

    def of(self, severity: Severity) -> Table:
        """Tickets a year of a severity by area."""
        rows = [kind.severity == severity for kind in self.kinds]
        return np.asarray(self.per_year[rows].sum(axis=0), float)


def rates_of(situation: Situation) -> Rates:
    """What to expect under a scenario: the history's rates, grown as it says, and those of new customers."""
    history, days = situation.study.history, Days(situation)
    known = Counter((ticket.severity, ticket.type, ticket.product) for ticket in history.tickets)
    shares = {key: count / sum(n for other, n in known.items() if other[0] == key[0]) for key, count in known.items()}
    missing = {severity for new in situation.new_customers for severity in new.per_year} - {key[0] for key in known}
    shares |= {(severity, "", ""): 1.0 for severity in SEVERITIES if severity in missing}
    by_severity = {severity: _by_area(situation, severity) for severity in SEVERITIES}
    week = {
        severity: _week([t for t in history.tickets if t.severity == severity], ZoneInfo(situation.study.zone)) for severity in SEVERITIES
    }
    kinds, per_year, promised = [], [], []
    for (severity, kind, product), share in sorted(shares.items()):
        example = PastTicket("", history.begins_at, severity, kind, product)
        kinds.append(_kind(days, situation, example))
        grown = [growth_of(example, area, situation.growth) for area in history.areas]
        new = [customer.per_year.get(severity, 0.0) for customer in situation.new_customers]
        per_year.append(share * np.concatenate([by_severity[severity][0] * grown, new]))
        promised.append(_promised(days, situation, example))
    shape = (len(kinds), len(situation.areas))
    return Rates(
        tuple(kinds),
        np.array(per_year, float).reshape(shape),
        np.array([np.concatenate([by_severity[s][1], np.zeros(len(situation.new_customers))]) for s in SEVERITIES]),
        np.array(promised, float).reshape(shape),
        np.array([week[kind.severity] for kind in kinds], float).reshape(len(kinds), HOURS),
    )


def _by_area(situation: Situation, severity: Severity) -> tuple[Table, Table]:
    """Smoothed tickets a year of a severity in the areas of the history, and the standard deviation of each."""
    history = situation.study.history
    seen = Counter(ticket.site for ticket in history.tickets if ticket.severity == severity)
    if not seen:
        return np.zeros(len(history.areas)), np.zeros(len(history.areas))
    rates = smoothed_rates([seen[area.id] for area in history.areas], history.days)
    return tuple(np.array(column, float) * DAYS_A_YEAR for column in zip(*rates, strict=True))  # type: ignore[return-value]


def _kind(days: Days, situation: Situation, example: PastTicket) -> Kind:
    """A kind with the mean of the work that its tickets took."""
    key = (example.severity, example.type, example.product)
    like = days.ticket(PastTicket(situation.areas[0].id, example.opened_at, *key), "")
    took = [t.service_minutes for t in situation.study.history.tickets if (t.severity, t.type, t.product) == key]
    minutes = [like.service_minutes if each is None else each for each in took]
    return Kind(*key, like, sum(minutes) / len(minutes) if minutes else like.service_minutes)


def _promised(days: Days, situation: Situation, example: PastTicket) -> Table:
    """Promised minutes of a kind in each area, which differ by the area's tier."""
    local = example.opened_at.astimezone(days.zone)
    noon = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.weekday()) + _NOON_OF_A_TUESDAY
    of_tier = {}
    for tier in TIERS:
        area = next((area for area in situation.areas if area.tier == tier), None)
        if area is not None:
            ticket = days.ticket(PastTicket(area.id, noon, example.severity, example.type, example.product), "")
            of_tier[tier] = (ticket.due - ticket.opened_at) / timedelta(minutes=1)
    return np.array([of_tier[area.tier] for area in situation.areas])


def _week(tickets: list[PastTicket], zone: ZoneInfo) -> Table:
    """Shares of the hours of the week."""
    seen = np.full(HOURS, _SPREAD_EVENLY / HOURS)
    for ticket in tickets:
        local = ticket.opened_at.astimezone(zone)
        seen[24 * local.weekday() + local.hour] += 1
    return np.asarray(seen / seen.sum(), float)
