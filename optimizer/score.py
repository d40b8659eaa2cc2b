"""What a plan costs and how well it serves: the objective of every solver, computed by none of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_models.case import SEVERITIES, Case, Severity
from data_models.plan import Plan
from optimizer.trips import Duty, Leg, duties


@dataclass(frozen=True)
class Cost:
    """The terms of the objective, in the case's currency. Infinite when a priced drive has no road."""

    skipped: float
    missed: float
    late: float
    drive: float
    overtime: float
    changed: float

    @property
    def total(self) -> float:
        """What solvers minimise."""
        return self.skipped + self.missed + self.late + self.drive + self.overtime + self.changed


@dataclass(frozen=True)
class Service:
    """How many tickets of a severity there are, how many are planned, and how many of those start by their due time."""

    tickets: int
    planned: int
    on_time: int


@dataclass(frozen=True)
class Score:
    """The verdict on a plan's quality; `service` has every severity, also those without a ticket."""

    cost: Cost
    service: Mapping[Severity, Service]
    drive_hours: float
    drive_km: float
    overtime_hours: float


def score(case: Case, plan: Plan) -> Score:
    """The cost of a plan by term, and its service figures.

    Rules are not looked at (`check` does that): a ticket counts as planned when any known technician visits it, and as
    late by the last of its crew to start. Never raises on a validated case and a parsed plan.
    """
    work = duties(case, plan)
    lateness_s, teams = _lateness(work), _teams(work)
    late = {name: seconds for name, seconds in lateness_s.items() if seconds > 0}
    legs = [leg for duty in work for leg in _legs(duty)]
    drive_s, drive_km = sum(leg.seconds for leg in legs), sum(leg.km for leg in legs)
    overtime_s = sum(max(0.0, duty.returns - duty.end) for duty in work)
    tickets, rates = case.ticket_by_id, case.rates
    cost = Cost(
        skipped=math.fsum(ticket.skip_cost for ticket in case.tickets if ticket.id not in lateness_s),
        missed=math.fsum(tickets[name].miss_cost for name in late),
        late=math.fsum(tickets[name].late_cost_per_hour * seconds / 3600 for name, seconds in late.items()),
        drive=_priced(rates.drive_per_hour, drive_s / 3600) + _priced(rates.drive_per_km, drive_km),
        overtime=rates.overtime_per_hour * overtime_s / 3600,
        changed=rates.change_technician * _changes(case, teams),
    )
    return Score(cost, _service(case, lateness_s), drive_s / 3600, drive_km, overtime_s / 3600)


def _lateness(work: Iterable[Duty]) -> dict[str, float]:
    """Seconds that each planned ticket starts after its due time, 0 when in time."""
    late: dict[str, float] = {}
    for duty in work:
        for visit in duty.visits:
            seconds = visit.start - visit.ticket.due.timestamp()
            late[visit.ticket.id] = max(late.get(visit.ticket.id, 0.0), seconds)
    return late


def _teams(work: Iterable[Duty]) -> dict[str, set[str]]:
    teams: dict[str, set[str]] = defaultdict(set)
    for duty in work:
        for visit in duty.visits:
            teams[visit.ticket.id].add(duty.technician.id)
    return teams


def _legs(duty: Duty) -> list[Leg]:
    return [leg for trip in duty.trips for leg in (*(visit.leg for visit in trip.visits), trip.home)]


def _priced(rate: float, amount: float) -> float:
    """`rate` × `amount`, where what is free stays free even over a leg without a road (0 × ∞ would not be a number)."""
    return rate * amount if rate else 0.0


def _changes(case: Case, teams: Mapping[str, set[str]]) -> int:
    """How many promises that are not locked go to other people than before; not being planned is a change, too."""
    return sum(not promise.locked and set(promise.technicians) != teams.get(promise.ticket, set()) for promise in case.committed)


def _service(case: Case, lateness_s: Mapping[str, float]) -> dict[Severity, Service]:
    def row(severity: Severity) -> Service:
        names = [ticket.id for ticket in case.tickets if ticket.severity == severity]
        planned = [name for name in names if name in lateness_s]
        return Service(len(names), len(planned), sum(lateness_s[name] <= 0 for name in planned))

    return {severity: row(severity) for severity in SEVERITIES}
