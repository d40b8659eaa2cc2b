"""A dispatch case: everything that one planning problem consists of, as facts.

The dataclasses mirror `dispatch-case/1` field by field, so that the file format and the code cannot drift apart.
`case_files` reads and writes them; whoever holds a `Case` may trust that it was validated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

Severity = Literal["emergency", "important", "general"]
Tier = Literal["A", "B", "C"]

SEVERITIES: tuple[Severity, ...] = ("emergency", "important", "general")
TIERS: tuple[Tier, ...] = ("A", "B", "C")

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG), as `formats.md` fixes it."""


@dataclass(frozen=True)
class GreatCircle:
    """Travel estimated as haversine × `detour` at `speed_kmh`."""

    kind: Literal["great_circle"]
    detour: float
    speed_kmh: float


@dataclass(frozen=True)
class TravelMatrix:
    """Travel given between places, read `[origin][destination]`; an infinite entry is an unreachable pair."""

    kind: Literal["matrix"]
    seconds: tuple[tuple[float, ...], ...]
    metres: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Rates:
    """Prices of the cost terms, in the case's currency."""

    drive_per_hour: float = 0.0
    drive_per_km: float = 0.0
    overtime_per_hour: float = 0.0
    change_technician: float = 0.0


@dataclass(frozen=True)
class Station:
    """Where technicians live between trips; `kits` maps a kit type to how many the station owns."""

    id: str
    name: str
    lat: float
    lon: float
    kits: Mapping[str, int] = field(default_factory=dict)
    place: int | None = None


@dataclass(frozen=True)
class Break:
    """A pause of `minutes` that begins between `earliest` and `latest`."""

    earliest: datetime
    latest: datetime
    minutes: float


@dataclass(frozen=True)
class Shift:
    """A spell of work; the last return may be up to `overtime_minutes` after `end`."""

    start: datetime
    end: datetime
    overtime_minutes: float = 0.0
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True)
class OutAt:
    """Where someone already on the road becomes free, when, and with which kits."""

    lat: float
    lon: float
    at: datetime
    kits: tuple[str, ...] = ()
    place: int | None = None


@dataclass(frozen=True)
class Technician:
    """A person who drives and works; `capacity` is in units of load per trip, None without limit."""

    id: str
    name: str
    station: str
    skills: Mapping[str, int]
    shifts: tuple[Shift, ...]
    capacity: float | None = None
    start: OutAt | None = None


@dataclass(frozen=True)
class TimeWindow:
    """Limits the *start* of work, both ends included."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Ticket:
    """What a customer reported, as the planner sees it. `due` is the promised moment on site."""

    id: str
    lat: float
    lon: float
    severity: Severity
    tier: Tier
    opened_at: datetime
    due: datetime
    service_minutes: float
    miss_cost: float
    late_cost_per_hour: float
    skip_cost: float
    skills: Mapping[str, int] = field(default_factory=dict)
    kits: tuple[str, ...] = ()
    load: float = 0.0
    crew: int = 1
    not_before: datetime | None = None
    windows: tuple[TimeWindow, ...] = ()
    only: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    place: int | None = None


@dataclass(frozen=True)
class Commitment:
    """What people were told: these technicians go to this ticket; `locked` means that it must stay so."""

    ticket: str
    technicians: tuple[str, ...]
    locked: bool = False


@dataclass(frozen=True)
class Case:
    """One planning problem. No work or driving happens before `now`."""

    name: str
    now: datetime
    travel: GreatCircle | TravelMatrix
    stations: tuple[Station, ...]
    technicians: tuple[Technician, ...]
    tickets: tuple[Ticket, ...]
    rates: Rates = Rates()
    committed: tuple[Commitment, ...] = ()
    format: Literal["dispatch-case/1"] = "dispatch-case/1"

    @cached_property
    def station_by_id(self) -> dict[str, Station]:
        """Stations by id."""
        return {station.id: station for station in self.stations}

    @cached_property
    def technician_by_id(self) -> dict[str, Technician]:
        """Technicians by id."""
        return {technician.id: technician for technician in self.technicians}

    @cached_property
    def ticket_by_id(self) -> dict[str, Ticket]:
        """Tickets by id."""
        return {ticket.id: ticket for ticket in self.tickets}

    @cached_property
    def commitment_by_ticket(self) -> dict[str, Commitment]:
        """Commitments by the id of their ticket."""
        return {commitment.ticket: commitment for commitment in self.committed}


def current_shift(technician: Technician, now: datetime) -> int | None:
    """Index of the technician's first shift that is not over at `now`: the one that `start` belongs to; None when all are over."""
    return next((index for index, shift in enumerate(technician.shifts) if shift.end > now), None)


def great_circle_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Haversine distance in km on the sphere of `EARTH_KM`; arguments in degrees."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    chord = math.sin((phi_b - phi_a) / 2) ** 2
    chord += math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))
