"""Who is reached: what a company promises by radius beside what its roads allow, area by area."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data_models.case import great_circle_km
from data_models.expected import Area
from data_models.policy import ServicePolicy
from optimizer.scenarios import Situation
from optimizer.study_days import Days

PROMISED_KM = 300.0
PROMISED_MINUTES = 120.0
"""What holds where a policy has no service area: the ethanol study's "2 hours within 300 km"."""


@dataclass(frozen=True)
class AreaReach:
    """The nearest open station by road and by air; minutes are infinite where no road leads."""

    area: Area
    tickets: int
    station: str
    minutes: float
    km: float


@dataclass(frozen=True)
class Reach:
    """The reach of a situation's stations, area by area."""

    areas: tuple[AreaReach, ...]
    promised_km: float
    minutes: float

    def share(self, *, by_road: bool) -> float:
        """Share of the tickets in areas within the promised radius, or within its minutes by road; one without tickets."""
        total = sum(area.tickets for area in self.areas)
        return sum(area.tickets for area in self.areas if self.covers(area, by_road=by_road)) / total if total else 1.0

    def covers(self, area: AreaReach, *, by_road: bool) -> bool:
        """Whether an area is within the radius, or within the minutes by road."""
        return area.minutes <= self.minutes if by_road else area.km <= self.promised_km

    @cached_property
    def promised_only(self) -> tuple[AreaReach, ...]:
        """Areas that the promise covers and the road does not, most tickets first."""
        found = [area for area in self.areas if area.km <= self.promised_km and area.minutes > self.minutes]
        return tuple(sorted(found, key=lambda area: (-area.tickets, area.area.id)))


def reach_of(situation: Situation) -> Reach:
    """The reach of the open stations; without any, every area is infinitely far."""
    stations, areas = situation.study.stations, situation.areas
    minutes = drive_minutes(situation)
    tickets = Counter(ticket.site for ticket in situation.study.history.tickets)
    found = []
    for number, area in enumerate(areas):
        nearest = int(minutes[:, number].argmin()) if stations else -1
        km = min((great_circle_km(s.lat, s.lon, area.lat, area.lon) for s in stations), default=math.inf)
        drive = float(minutes[nearest, number]) if stations else math.inf
        found.append(AreaReach(area, tickets[area.id], stations[nearest].id if math.isfinite(drive) else "", drive, km))
    service = situation.policy.service_area
    return Reach(tuple(found), PROMISED_KM if service is None else service.km, promised_minutes(situation.policy))


def promised_minutes(policy: ServicePolicy) -> float:
    """The drive that a policy's service area allows; two hours where it has none."""
    return PROMISED_MINUTES if policy.service_area is None else policy.service_area.minutes


def drive_minutes(situation: Situation) -> npt.NDArray[np.float64]:
    """Minutes from each open station to each area, infinite where no road leads: (n_stations, n_areas)."""
    return Days(situation).station_seconds / 60
