"""How many emergencies to expect, by area and hour of the day, from those of the past. A pure function of what it is given.

Model: area a has r_a emergencies a day, of which the share s_h falls into hour h, so that a hour of the day sees r_a s_h of them. The
shares are the company's; the rates r_a are drawn from one Gamma distribution, whose mean and variance are estimated from all areas
by moments (empirical Bayes; Robbins 1956, and for Poisson counts Clayton and Kaldor 1987, doi 10.2307/2532003).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal

from data_models.case import Case, Severity, Tier
from data_models.errors import BadInput
from data_models.json_files import load_json, read_bytes
from data_models.reading import Problems, read_fact, shown

HOURS = 24
SMOOTHING = 24.0
"""Emergencies, spread evenly over the day, that stand beside the seen ones when the shares of the hours are estimated."""


@dataclass(frozen=True)
class Area:
    """A demand point: a site, or several taken as one; `skills` and `kits` are what an emergency there asks for.

    `tier` is that of its customers, `customers` how many these are.
    """

    id: str
    name: str
    lat: float
    lon: float
    region: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    kits: tuple[str, ...] = ()
    place: int | None = None
    tier: Tier = "C"
    customers: int = 1


@dataclass(frozen=True)
class PastTicket:
    """A ticket of the past; `site` is the id of an area. None and empty mean what the policy says of its type and product."""

    site: str
    opened_at: datetime
    severity: Severity = "emergency"
    type: str = ""
    product: str = ""
    service_minutes: float | None = None


@dataclass(frozen=True)
class History:
    """What happened from `begins_at` until `ends_at`, and where it could have happened."""

    begins_at: datetime
    ends_at: datetime
    areas: tuple[Area, ...]
    tickets: tuple[PastTicket, ...]
    format: Literal["ticket-history/1"] = "ticket-history/1"

    @property
    def days(self) -> float:
        """How long the history is."""
        return (self.ends_at - self.begins_at) / timedelta(days=1)


@dataclass(frozen=True)
class ExpectedArea:
    """Expected emergencies of an area: 24 rates per hour, by hour of the day, and their standard deviations; `seen` in the history."""

    area: Area
    per_hour: tuple[float, ...]
    spread_per_hour: tuple[float, ...]
    seen: int = 0


@dataclass(frozen=True)
class ExpectedEmergencies:
    """What to expect where; `zone` is that of the hours of the day, `days` the length of the history that it comes from."""

    areas: tuple[ExpectedArea, ...]
    zone: tzinfo
    days: float = 0.0
    seen: int = 0

    @property
    def per_day(self) -> float:
        """Expected emergencies of a day, everywhere."""
        return math.fsum(rate for area in self.areas for rate in area.per_hour)

    @property
    def spread_per_day(self) -> float:
        """Standard deviation of `per_day` as an estimate, by the number of emergencies seen alone; infinite without a history."""
        return math.sqrt(self.seen + 0.5) / self.days if self.days > 0 else math.inf


def expected_emergencies(history: History, now: datetime, zone: tzinfo, region: str = "") -> ExpectedEmergencies:
    """Rates by area and hour of the day, smoothed where the history is thin.

    With n_a emergencies seen in a in D days: mean rate m = (N + 1/2) / (A D), where the half keeps a company in which nothing
    was seen from being taken for safe; variance between areas v = max(0, (var n - mean n) / D²); posterior mean of r_a
    (α + n_a) / (β + D) with α = m²/v, β = m/v, and m itself where v = 0. Its variance is that of the posterior plus what is
    not known of m.

    Parameters
    ----------
    history
        Tickets that are no emergencies, opened at `now` or later, outside of the history, or of no area are not counted.
    now
        Where a history that goes on later is cut.
    zone
        Of the hours of the day.
    region
        Only areas of this region; empty for all.

    Raises
    ------
    BadInput
        The history ends before it begins, or begins at `now` or later.
    """
    end = min(history.ends_at, now)
    days = (end - history.begins_at) / timedelta(days=1)
    if days <= 0:
        raise BadInput(f"History from {history.begins_at.isoformat()} until {end.isoformat()} holds no time; begin it earlier")
    areas = [area for area in history.areas if region in ("", area.region)]
    known = {area.id for area in areas}
    counted = [
        ticket
        for ticket in history.tickets
        if ticket.severity == "emergency" and ticket.site in known and history.begins_at <= ticket.opened_at < end
    ]
    by_area = Counter(ticket.site for ticket in counted)
    by_hour = Counter(ticket.opened_at.astimezone(zone).hour for ticket in counted)
    shares = [(by_hour[hour] + SMOOTHING / HOURS) / (len(counted) + SMOOTHING) for hour in range(HOURS)]
    rates = smoothed_rates([by_area[area.id] for area in areas], days)
    return ExpectedEmergencies(
        tuple(
            ExpectedArea(area, tuple(mean * s for s in shares), tuple(spread * s for s in shares), by_area[area.id])
            for area, (mean, spread) in zip(areas, rates, strict=True)
        ),
        zone,
        days,
        len(counted),
    )


def smoothed_rates(seen: Sequence[int], days: float) -> list[tuple[float, float]]:
    """Posterior mean and standard deviation of each area's emergencies a day."""
    if not seen:
        return []
    total, n = sum(seen), len(seen)
    mean = (total + 0.5) / (n * days)
    of_mean = (total + 0.5) / (n * days) ** 2
    average = total / n
    over = sum((each - average) ** 2 for each in seen) / max(n - 1, 1) - average
    variance = over / days**2
    if variance <= 0:
        return [(mean, math.sqrt(of_mean))] * n
    alpha, beta = mean**2 / variance, mean / variance
    pull = beta / (beta + days)
    return [((alpha + each) / (beta + days), math.sqrt((alpha + each) / (beta + days) ** 2 + pull**2 * of_mean)) for each in seen]


def history_of_case(case: Case) -> History:
    """The emergencies of a case taken for the history of one day, each at a place of its own: for want of a better one."""
    day = timedelta(days=1)
    emergencies = [ticket for ticket in case.tickets if ticket.severity == "emergency"]
    return History(
        case.now - timedelta(days=1),
        case.now,
        tuple(Area(t.id, t.id, t.lat, t.lon, "", t.skills, t.kits, t.place) for t in emergencies),
        # At the same time of the day, on the day before.
        tuple(PastTicket(t.id, case.now - ((case.now - t.opened_at) % day or day)) for t in emergencies),
    )


def read_history(path: Path) -> History:
    """The history in a `ticket-history/1` file, as docs/readiness.md describes it. Raises `BadInput`."""
    problems = Problems()
    document = load_json(read_bytes(path), problems)
    if not isinstance(document, dict) or document.get("format") != "ticket-history/1":
        found = shown(document.get("format") if isinstance(document, dict) else document)
        raise BadInput(f'{path}: format is {found}; give a "ticket-history/1" file')
    try:
        history = read_fact(History, document, problems)
        for sentence in history_problems(history):
            problems.add(sentence)
        problems.raise_any()
    except BadInput as error:
        raise BadInput(*(f"{path}: {sentence}" for sentence in error.problems)) from error
    return history


def history_problems(history: History) -> list[str]:
    """What contradicts itself in a history, a sentence each with its remedy."""
    problems = []
    if history.ends_at <= history.begins_at:
        problems.append(f"ends_at is {history.ends_at.isoformat()}, not after begins_at; give a later one")
    for name, times in Counter(area.id for area in history.areas).items():
        if times > 1:
            problems.append(f"area {shown(name)} stands in it {times} times; keep one")
    for area in history.areas:
        if not (abs(area.lat) <= 90 and abs(area.lon) <= 180):
            problems.append(f"area {shown(area.id)} lies at {area.lat}, {area.lon}; give degrees of latitude and longitude")
        if area.customers < 1:
            problems.append(f"area {shown(area.id)} has {area.customers} customers; give at least 1")
    known = {area.id for area in history.areas}
    for index, ticket in enumerate(history.tickets):
        if ticket.site not in known:
            problems.append(f"tickets[{index}]: site is {shown(ticket.site)}, which is no area; list it among areas")
        if ticket.service_minutes is not None and ticket.service_minutes < 0:
            problems.append(f"tickets[{index}]: service_minutes is {ticket.service_minutes:g}; give 0 or more")
    return problems
