"""Dispatch cases like those of ../shared/cases, of any size and shape, on cities of the repository's own gazetteer.

    python -m benchmarks.made_cases --tickets 1000 [--shape usual] [--seed 1] --out CASE.json

The shares below were counted on the shared cases: severities and tiers, clocks, prices, durations, skills, kits, shifts. Stations
are real cities at least `spacing_km` apart, large ones first; sites lie around them with the shared cases' distances (median 48 km,
a tenth beyond 84 km). The same shape and seed give the same case.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from data_models.case import (
    Break,
    Case,
    GreatCircle,
    Rates,
    Severity,
    Shift,
    Station,
    Technician,
    Ticket,
    Tier,
    TimeWindow,
    great_circle_km,
)
from data_models.case_files import case_json, write_file

CITIES = Path(__file__).parents[1] / "data_models" / "gazetteer" / "cn_cities.csv"
NOW = datetime(2026, 3, 2, 8, tzinfo=timezone(timedelta(hours=8)))
KM_PER_DEGREE = 111.195

SKILLS = ("process", "safety", "equipment", "electrical", "cryogenic")
KITS = ("leak", "purity", "moisture", "static")
CLOCKS: dict[Severity, dict[int, float]] = {  # hours from opening to due, and how often
    "emergency": {2: 0.65, 4: 0.35},
    "important": {8: 0.31, 24: 0.34, 48: 0.35},
    "general": {24: 0.27, 48: 0.35, 72: 0.38},
}
PRICES: dict[tuple[Severity, Tier], tuple[float, float, float]] = {  # miss_cost, late_cost_per_hour, skip_cost
    ("emergency", "A"): (5000, 3000, 200_000),
    ("emergency", "B"): (3000, 1500, 100_000),
    ("emergency", "C"): (1500, 600, 50_000),
    ("important", "A"): (1500, 300, 20_000),
    ("important", "B"): (800, 150, 10_000),
    ("important", "C"): (400, 80, 5000),
    ("general", "A"): (400, 60, 4000),
    ("general", "B"): (200, 30, 2000),
    ("general", "C"): (100, 15, 1000),
}
SERVICE_MINUTES = {30: 0.17, 45: 0.15, 60: 0.27, 90: 0.14, 120: 0.13, 180: 0.14}
SHIFT_STARTS = {8: 0.53, 9: 0.1, 10: 0.12, 13: 0.11, 16: 0.14}
SHIFT_HOURS = {8: 0.5, 9: 0.24, 10: 0.26}
OVERTIME_MINUTES = {60: 0.27, 120: 0.37, 180: 0.36}
KITS_OWNED = {0: 0.16, 1: 0.36, 2: 0.32, 3: 0.16}
TECHNICIAN_SKILLS = {2: 0.24, 3: 0.52, 4: 0.24}
TECHNICIAN_LEVELS = {1: 0.25, 2: 0.5, 3: 0.25}
WINDOW_STARTS, WINDOW_HOURS = (1, 2, 5, 6), (2, 3, 4)  # hours after 08:00 of a day

_T = TypeVar("_T")


@dataclass(frozen=True)
class Shape:
    """What a case is like. Shares are of all tickets, except `crew_share`, which is of the emergencies.

    Attributes
    ----------
    people
        Technicians per ticket and day of the case.
    stations
        How many; None follows the shared cases (10 for 60 tickets, 20 for 200, 36 for 600: n to the 0.556).
    spacing_km, spread_km
        Least distance between stations (shrunk when China has not enough cities), and the standard deviation, in each direction,
        of sites around them.
    remote_share
        Sites up to 250 km from their station.
    west_of
        Only cities west of this longitude.
    kit_types, kits_scarce
        How many types; scarce: a station owns one of a type or none.
    """

    tickets: int = 200
    days: int = 1
    people: float = 0.4167
    stations: int | None = None
    spacing_km: float = 111.0
    spread_km: float = 41.0
    remote_share: float = 0.02
    west_of: float = 180.0
    emergency_share: float = 0.3
    crew_share: float = 0.25
    kit_share: float = 0.31
    kit_types: int = 4
    kits_scarce: bool = False
    window_share: float = 0.14
    load_share: float = 0.0
    breaks: bool = False


SHAPES: dict[str, Shape] = {
    "usual": Shape(),
    "ample": Shape(people=0.9),
    "scarce": Shape(people=0.15),
    "three-days": Shape(days=3, people=0.46, breaks=True),
    "dense-city": Shape(stations=2, spacing_km=5, spread_km=9, remote_share=0.0),
    "empty-provinces": Shape(spacing_km=250, spread_km=110, remote_share=0.1, west_of=106),
    "many-kits": Shape(kit_share=0.7, kit_types=40, kits_scarce=True),
    "loads": Shape(load_share=0.8),
    "windows": Shape(window_share=0.7),
}
"""One for each way in which cases differ; take another size with `dataclasses.replace(shape, tickets=...)`."""


def make_case(shape: Shape, seed: int, name: str = "") -> Case:
    """A case of a shape.

    Parameters
    ----------
    name
        Its name; by default the number of tickets and the seed.
    """
    rng = random.Random(f"{seed}")
    kits = [*KITS[: shape.kit_types], *(f"kit{number:02}" for number in range(len(KITS), shape.kit_types))]
    stations = _stations(shape, kits, rng)
    technicians = _technicians(shape, stations, rng)
    tickets = _tickets(shape, stations, kits, rng)
    rates = Rates(drive_per_hour=60, drive_per_km=1.2, overtime_per_hour=90, change_technician=300)
    return Case(name or f"made-{shape.tickets}-{seed}", NOW, GreatCircle("great_circle", 1.3, 70), stations, technicians, tickets, rates)


def without_crews(case: Case) -> Case:
    """The case with one person doing what needs a crew, for peers that know no crews."""
    return replace(case, tickets=tuple(replace(ticket, crew=1) for ticket in case.tickets))


def _pick(rng: random.Random, shares: dict[_T, float]) -> _T:
    return rng.choices(list(shares), list(shares.values()))[0]


def _stations(shape: Shape, kits: list[str], rng: random.Random) -> tuple[Station, ...]:
    with CITIES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["lon"]) < shape.west_of]
    count = shape.stations or max(1, round(10 * (shape.tickets / 60) ** 0.556))
    # Heavier cities come first more often: industry sits where people live.
    rows.sort(key=lambda row: -(rng.random() ** (1e6 / (float(row["population"] or 0) + 1e5))))
    spacing, chosen = shape.spacing_km, list[dict[str, str]]()
    while len(chosen) < min(count, len(rows)):
        chosen = _spaced(rows, count, spacing, rng)
        spacing *= 0.9
    owned = {0: 0.4, 1: 0.6} if shape.kits_scarce else KITS_OWNED
    return tuple(
        Station(
            f"S{number:03}",
            row["name_zh"].split("|")[0] or row["name"],
            round(float(row["lat"]), 5),
            round(float(row["lon"]), 5),
            {kit: count for kit in kits if (count := _pick(rng, owned))},
        )
        for number, row in enumerate(chosen)
    )


def _spaced(rows: list[dict[str, str]], count: int, spacing_km: float, rng: random.Random) -> list[dict[str, str]]:
    """Up to `count` rows, each at least so far from those before it, and mostly within one and a half of it from one of them."""
    chosen, nearest = list[dict[str, str]](), [math.inf] * len(rows)
    while len(chosen) < count:
        free = [i for i, km in enumerate(nearest) if km >= spacing_km]
        close = [i for i in free if nearest[i] <= 1.5 * spacing_km]
        if not free:
            break
        chosen.append(rows[close[0] if close and rng.random() < 0.95 else free[0]])
        lat, lon = float(chosen[-1]["lat"]), float(chosen[-1]["lon"])
        nearest = [min(km, great_circle_km(lat, lon, float(r["lat"]), float(r["lon"]))) for km, r in zip(nearest, rows, strict=True)]
    return chosen


def _technicians(shape: Shape, stations: tuple[Station, ...], rng: random.Random) -> tuple[Technician, ...]:
    count = max(1, round(shape.tickets * shape.people / shape.days))
    people = []
    for number in range(count):
        # Two at each station before any gets more by chance, as in the shared cases.
        station = stations[number % len(stations)] if number < 2 * len(stations) else rng.choice(stations)
        skills = {skill: _pick(rng, TECHNICIAN_LEVELS) for skill in rng.sample(SKILLS, _pick(rng, TECHNICIAN_SKILLS))}
        begins = _pick(rng, SHIFT_STARTS)
        shifts = tuple(_shift(shape, day, begins, rng) for day in range(shape.days))
        capacity = float(rng.choice((20, 30, 40))) if shape.load_share else None
        people.append(Technician(f"T{number:04}", f"技师{number:04}", station.id, skills, shifts, capacity))
    return tuple(people)


def _shift(shape: Shape, day: int, begins: int, rng: random.Random) -> Shift:
    start = NOW + timedelta(days=day, hours=begins - NOW.hour)
    end = start + timedelta(hours=_pick(rng, SHIFT_HOURS))
    rest = (Break(start + timedelta(hours=3), start + timedelta(hours=5), 40.0),) if shape.breaks else ()
    return Shift(start, end, float(_pick(rng, OVERTIME_MINUTES)), rest)


def _tickets(shape: Shape, stations: tuple[Station, ...], kits: list[str], rng: random.Random) -> tuple[Ticket, ...]:
    sites = [_site(shape, rng.choice(stations), rng) for _ in range(max(1, round(0.9 * shape.tickets)))]
    return tuple(_ticket(shape, number, rng.choice(sites), kits, rng) for number in range(shape.tickets))


def _site(shape: Shape, station: Station, rng: random.Random) -> tuple[float, float]:
    if rng.random() < shape.remote_share:
        angle, radius = rng.uniform(0, 2 * math.pi), rng.uniform(90, 250)
        east, north = radius * math.cos(angle), radius * math.sin(angle)
    else:
        east, north = rng.gauss(0, shape.spread_km), rng.gauss(0, shape.spread_km)
    lat = station.lat + north / KM_PER_DEGREE
    lon = station.lon + east / (KM_PER_DEGREE * math.cos(math.radians(station.lat)))
    return round(lat, 4), round(lon, 4)


def _ticket(shape: Shape, number: int, site: tuple[float, float], kits: list[str], rng: random.Random) -> Ticket:
    rest = (1 - shape.emergency_share) / 2
    severities: dict[Severity, float] = {"emergency": shape.emergency_share, "important": rest, "general": rest}
    tiers: dict[Tier, float] = {"A": 0.28, "B": 0.35, "C": 0.37}
    severity, tier = _pick(rng, severities), _pick(rng, tiers)
    emergency = severity == "emergency"
    opened = NOW - timedelta(minutes=round(rng.uniform(0, 35 if emergency else 1200)))
    miss, late, skip = PRICES[severity, tier]
    windows: tuple[TimeWindow, ...] = ()
    if not emergency and rng.random() < shape.window_share / (1 - shape.emergency_share):
        begins = NOW + timedelta(days=rng.randrange(shape.days), hours=rng.choice(WINDOW_STARTS))
        windows = (TimeWindow(begins, begins + timedelta(hours=rng.choice(WINDOW_HOURS))),)
    return Ticket(
        id=f"W{number:05}",
        lat=site[0],
        lon=site[1],
        severity=severity,
        tier=tier,
        opened_at=opened,
        due=opened + timedelta(hours=_pick(rng, CLOCKS[severity])),
        service_minutes=float(_pick(rng, SERVICE_MINUTES)),
        miss_cost=miss,
        late_cost_per_hour=late,
        skip_cost=skip,
        skills={skill: rng.choices((1, 2), (0.69, 0.31))[0] for skill in rng.sample(SKILLS, rng.choices((1, 2), (0.73, 0.27))[0])},
        kits=(rng.choice(kits),) if kits and rng.random() < shape.kit_share else (),
        load=float(rng.randint(1, 12)) if rng.random() < shape.load_share else 0.0,
        crew=2 if emergency and rng.random() < shape.crew_share else 1,
        windows=windows,
    )


def main() -> None:
    """Writes one case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=1000)
    parser.add_argument("--shape", choices=SHAPES, default="usual")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-crews", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    case = make_case(replace(SHAPES[options.shape], tickets=options.tickets), options.seed)
    write_file(options.out, case_json(without_crews(case) if options.without_crews else case))


if __name__ == "__main__":
    main()
