"""Which tickets a replayed history holds: those that happened, as a scenario makes them more or fewer, or a future drawn from them.

Every draw is made from the seed and the ticket's own name, so that two scenarios see the same tickets as far as they agree on them
(common random numbers): what differs in a comparison is what the scenarios differ in.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from data_models.case import SEVERITIES
from data_models.expected import Area, History, PastTicket
from data_models.study import Growth, NewCustomer
from optimizer.scenarios import Situation

_WEEK = timedelta(days=7)
_WEEKS_APART = 3  # a ticket that growth adds falls so many weeks from the one that it is like, at most
_JITTER_S = 5400
DAYS_A_YEAR = 365.25
_SEASON_DAYS = 21
"""A day of a sampled future is a day of the history no further than this from the same day of its year."""


def tickets_under(situation: Situation, seed: int) -> tuple[PastTicket, ...]:
    """The tickets of the history under a scenario, by time.

    Growth by f keeps each ticket f times: the whole copies always, the rest by chance. A copy falls on the same weekday at about the
    same hour, up to three weeks away. New customers get tickets at the hours at which the history has them, as many as their
    yearly rate says on average (Poisson).
    """
    history, areas = situation.study.history, situation.study.area_by_id
    found = [
        copy
        for number, ticket in enumerate(history.tickets)
        if history.begins_at <= ticket.opened_at < history.ends_at
        for copy in _grown(ticket, areas[ticket.site], number, situation.growth, history, seed)
    ]
    for new in situation.new_customers:
        found += _of_new(new, history, seed)
    return tuple(sorted(found, key=lambda ticket: (ticket.opened_at, ticket.site)))


def sampled_future(history: History, zone: ZoneInfo, seed: int) -> History:
    """As long a history as this one, drawn from it: each day is one that was seen at about the same time of the year.

    What happened together on a day stays together (a block bootstrap of days; Künsch 1989, doi 10.1214/aos/1176347265). A
    history of less than two seasons is drawn from as a whole.
    """
    by_day: dict[date, list[PastTicket]] = defaultdict(list)
    for ticket in history.tickets:
        by_day[ticket.opened_at.astimezone(zone).date()].append(ticket)
    first, last = history.begins_at.astimezone(zone).date(), (history.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    chance = random.Random(f"future {seed}")
    found: list[PastTicket] = []
    for day in days:
        like = [other for other in days if _apart(day, other) <= _SEASON_DAYS] if len(days) > 2 * _SEASON_DAYS else days
        source = chance.choice(like)
        shift = day - source
        found += [_moved(ticket, ticket.opened_at + shift) for ticket in by_day[source]]
    inside = [ticket for ticket in found if history.begins_at <= ticket.opened_at < history.ends_at]
    return History(history.begins_at, history.ends_at, history.areas, tuple(sorted(inside, key=lambda t: (t.opened_at, t.site))))


def growth_of(ticket: PastTicket, area: Area, growth: tuple[Growth, ...]) -> float:
    """How many tickets a scenario makes of this one, on average."""
    return math.prod(
        rule.factor
        for rule in growth
        if rule.region in ("", area.region) and rule.severity in (None, ticket.severity) and rule.product in ("", ticket.product)
    )


def _grown(ticket: PastTicket, area: Area, number: int, growth: tuple[Growth, ...], history: History, seed: int) -> Iterator[PastTicket]:
    factor = growth_of(ticket, area, growth)
    if factor == 1:
        yield ticket
        return
    # One draw a ticket, whatever the factor: more growth keeps what less growth had, and adds to it.
    chance = random.Random(f"growth {seed} {number} {ticket.site} {ticket.opened_at.isoformat()}")
    copies = math.floor(factor) + (chance.random() < factor % 1)
    for copy in range(copies):
        yield ticket if copy == 0 else _moved(ticket, _like(ticket, history, chance))


def _like(ticket: PastTicket, history: History, chance: random.Random) -> datetime:
    """A moment of the history on the same weekday, at about the same hour."""
    weeks = chance.choice([n for n in range(-_WEEKS_APART, _WEEKS_APART + 1) if n])
    at = ticket.opened_at + weeks * _WEEK + timedelta(seconds=chance.randint(-_JITTER_S, _JITTER_S))
    for step in (_WEEK, -_WEEK):
        while (at < history.begins_at) if step > timedelta() else (at >= history.ends_at):
            at += step
    return at if history.begins_at <= at < history.ends_at else ticket.opened_at


def _of_new(new: NewCustomer, history: History, seed: int) -> Iterator[PastTicket]:
    years = history.days / DAYS_A_YEAR
    for severity in SEVERITIES:
        rate = new.per_year.get(severity, 0.0) * years
        chance = random.Random(f"new {seed} {new.area.id} {severity}")
        like = [ticket for ticket in history.tickets if ticket.severity == severity] or list(history.tickets)
        for _ in range(_poisson(rate, chance)):
            at = history.begins_at + chance.random() * (history.ends_at - history.begins_at)
            if not like:
                yield PastTicket(new.area.id, at, severity)
                continue
            model = chance.choice(like)
            at = at.replace(hour=model.opened_at.hour, minute=model.opened_at.minute)
            if history.begins_at <= at < history.ends_at:
                yield replace(model, site=new.area.id, opened_at=at, severity=severity)


def _poisson(mean: float, chance: random.Random) -> int:
    """A Poisson number: arrivals of rate one until `mean`."""
    count, at = 0, chance.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + chance.expovariate(1.0)
    return count


def _moved(ticket: PastTicket, at: datetime) -> PastTicket:
    return replace(ticket, opened_at=at)


def _apart(day: date, other: date) -> int:
    """Days between two days of the year, whatever the year."""
    apart = abs(day.timetuple().tm_yday - other.timetuple().tm_yday)
    return min(apart, 365 - apart)
