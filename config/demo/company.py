"""Writes the demo company as import files: stations, people, customers and a morning's tickets, around a given moment.

Everything follows from the seed and the moment, so that "opened 40 minutes ago" and "expires today" are true whenever the demo runs.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from config.demo import words
from data_models.case import great_circle_km
from data_models.gazetteer.geocoder import City, read_cities

N_TECHNICIANS = 60
N_SITES = 400
N_TICKETS = 150
N_AWKWARD = 8
LEAST_INHABITANTS = 100_000
"""Smaller places of the gazetteer are often districts and streets."""

SKILLS = ("process", "safety", "equipment")
KITS = ("leak-kit", "purity-analyser", "moisture-meter", "static-tester")

KINDS = (
    ("emergency", ("leak", "fire-risk", "equipment-failure"), 10),
    ("important", ("purity", "equipment-fault"), 22),
    ("general", ("question",), 68),
)
"""Severity, its ticket types, and how many in a hundred are of it."""

RINGS_KM, RING_SHARES = ((0, 35), (35, 90), (90, 200)), (45, 43, 12)
"""How far customers are from their station as the crow flies, and how many in a hundred."""

MINUTES_AGO = {"emergency": (2, 25), "important": (5, 70), "general": (20, 900)}
"""How long before the plan a ticket was opened: what was urgent yesterday is done by now."""

Row = dict[str, object]


@dataclass
class _Draft:
    """The tables as they grow; `random` is the only source of chance."""

    at: datetime
    random: random.Random
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, **row: object) -> Row:
        self.tables.setdefault(table, []).append(row)
        return row

    def day(self, hours: float) -> datetime:
        """The moment so many hours after the midnight before `at`."""
        return self.at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=hours)


def write_company(folder: Path, at: datetime, seed: int = 1) -> list[tuple[str, Path]]:
    """Write one CSV a table into `folder`, in the order in which they must be imported.

    Parameters
    ----------
    at
        The moment for which the day is to be planned, aware: tickets were opened shortly before it.

    Returns
    -------
    list of (table, path)
    """
    draft = _Draft(at, random.Random(seed))
    towns = [city for city in read_cities() if city.population >= LEAST_INHABITANTS and _chinese(city)]
    gazetteer = {city.name: city for city in reversed(towns)}  # reversed: of towns with one name the largest stays
    stations = _stations(draft, gazetteer)
    people = _technicians(draft, stations)
    sites = _sites(draft, towns, stations)
    _tickets(draft, sites)
    _awkward(draft, stations, people, sites)
    folder.mkdir(parents=True, exist_ok=True)
    return [(table, _write(folder / f"{table}.csv", rows)) for table, rows in draft.tables.items()]


def _stations(draft: _Draft, gazetteer: Mapping[str, City]) -> list[City]:
    chosen = [gazetteer[name] for name in words.STATION_CITIES]
    region_of = {name: region for region, names in words.REGIONS.items() for name in names}
    for number, city in enumerate(chosen):
        row = draft.add("stations", id=f"ST-{number + 1:02}", name=f"{_chinese(city)}服务中心", region=region_of[city.name])
        row.update(address=f"{_chinese(city)}市", lat=city.lat, lon=city.lon, capacity=6)
    for number in range(len(chosen)):
        for kit in KITS:
            draft.add("kits", station=f"ST-{number + 1:02}", kit=kit, owned=draft.random.choice((1, 2, 2)), broken=0)
    return chosen


def _technicians(draft: _Draft, stations: Sequence[City]) -> list[Row]:
    people: list[Row] = []
    for number in range(N_TECHNICIANS):
        name = draft.random.choice(words.SURNAMES) + draft.random.choice(words.GIVEN_NAMES)
        person = draft.add("technicians", id=f"T-{number + 1:03}", name=name, station=f"ST-{number % len(stations) + 1:02}")
        person.update(phone=f"+86 138 0000 {number + 1:04}", capacity=6)
        people.append(person)
    for number, person in enumerate(people):
        # Every station gets each skill at a high level from somebody, as a service centre would see to.
        best = SKILLS[(number // len(stations)) % len(SKILLS)]
        for skill in SKILLS:
            level = 3 if skill == best else draft.random.choice((0, 1, 2, 2))
            if level:
                expires = draft.day(24 * draft.random.randint(60, 900)).date()
                draft.add(
                    "skills", technician=person["id"], skill=skill, level=level, certificate=f"CZ-{number + 1:04}", expires_on=expires
                )
    for number, person in enumerate(people):
        # The same hours every day: a company written for tomorrow then agrees with what today's said of tomorrow.
        begins = 7 if person["id"] == words.ON_THE_ROAD else draft.random.choice((7, 7.5, 8, 8))
        for day in range(2):
            start = 24 * day + begins
            if number % 15 == 7:
                _shift(draft, person, 24 * day + 16, 24 * day + 24, "night")
            elif number % 15 == 11:
                _shift(draft, person, 24 * day + 8, 24 * day + 20, "on_call")
            else:
                _shift(draft, person, start, start + 9, "regular", rest=24 * day + 11.5)
    return people


def _shift(draft: _Draft, person: Row, start: float, end: float, kind: str, rest: float | None = None) -> None:
    row = draft.add("shifts", technician=person["id"], starts_at=draft.day(start), ends_at=draft.day(end), overtime_minutes=120, kind=kind)
    row.update(break_earliest=None, break_latest=None, break_minutes=None)
    if rest is not None:
        row.update(break_earliest=draft.day(rest), break_latest=draft.day(rest + 2), break_minutes=30)


def _sites(draft: _Draft, towns: Sequence[City], stations: Sequence[City]) -> list[Row]:
    places = [city for base in range(len(stations)) for city in _around(draft, towns, stations, base)]
    places += [next(city for city in towns if city.name == name) for name in words.BEYOND_REACH]
    sites: list[Row] = []
    customer: Row = {}
    for number, city in enumerate(places):
        if number % 5 not in (1, 3):
            customer = _customer(draft, city)
        site = draft.add("sites", id=f"S-{number + 1:04}", customer=customer["id"], name=f"{customer['name']}{_chinese(city)}厂区")
        site.update(address=f"{_chinese(city)}工业园{draft.random.randint(1, 99)}号", region=_nearest_region(city, stations))
        site.update(lat=round(city.lat + draft.random.uniform(-0.06, 0.06), 5), lon=round(city.lon + draft.random.uniform(-0.06, 0.06), 5))
        sites.append(site)
        contact = draft.random.choice(words.SURNAMES) + draft.random.choice(words.GIVEN_NAMES)
        row = draft.add("contacts", id=f"P-{number + 1:04}", customer=customer["id"], site=site["id"], name=contact, role="设备主管")
        row.update(phone=f"+86 139 0000 {number + 1:04}", email=f"contact{number + 1}@example.com")
    return sites


def _around(draft: _Draft, towns: Sequence[City], stations: Sequence[City], base: int) -> list[City]:
    """Towns of a station's customers, most of them within two hours; the stations share the customers evenly."""
    share = range(base, N_SITES - len(words.BEYOND_REACH), len(stations))
    km = {city: [great_circle_km(city.lat, city.lon, s.lat, s.lon) for s in stations] for city in towns}
    own = [city for city in towns if min(km[city]) == km[city][base]]
    rings = [[city for city in own if least <= km[city][base] < most] for least, most in RINGS_KM]
    # Where a ring is empty (no town so near), the station's own city stands in.
    return [draft.random.choice(ring or [stations[base]]) for ring in draft.random.choices(rings, RING_SHARES, k=len(share))]


def _customer(draft: _Draft, city: City) -> Row:
    number = len(draft.tables.get("customers", [])) + 1
    segment, suffixes, downtime = draft.random.choice(words.SEGMENTS)
    name = f"{_chinese(city)}{draft.random.choice(words.COMPANY_WORDS)}{draft.random.choice(suffixes)}"
    tier = draft.random.choices("ABC", (20, 35, 45))[0]
    tonnes = {"A": 1500, "B": 700, "C": 200}[tier] + draft.random.randint(0, 250)
    row = draft.add("customers", id=f"C-{number:03}", name=name, tier=tier, segment=segment, downtime_cost_per_hour=downtime)
    row.update(yearly_tonnes=tonnes, customer_since=draft.day(-24 * draft.random.randint(200, 4000)).date())
    contract = draft.add("contracts", id=f"K-{number:03}", customer=row["id"], policy="ethanol", starts_on=row["customer_since"])
    contract.update(on_site_minutes=None, late_compensation_per_hour=1200 if tier == "A" else None)
    return row


def _chinese(city: City) -> str:
    """The shortest of the city's names in simplified characters, without 市; "" where it has none."""
    names = [name.removesuffix("市") for name in city.names_zh if _simplified(name)]
    return min((name for name in names if len(name) > 1), key=len, default="")


def _simplified(name: str) -> bool:
    try:
        name.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _nearest_region(city: City, stations: Sequence[City]) -> str:
    nearest = min(stations, key=lambda s: great_circle_km(city.lat, city.lon, s.lat, s.lon))
    return next(region for region, names in words.REGIONS.items() if nearest.name in names)


def _tickets(draft: _Draft, sites: Sequence[Row]) -> None:
    near = list(sites[: -len(words.BEYOND_REACH)])
    for number, site in enumerate(draft.random.sample(near, N_TICKETS - N_AWKWARD)):
        severity, types, _ = draft.random.choices(KINDS, [weight for *_, weight in KINDS])[0]
        minutes = draft.random.randint(*MINUTES_AGO[severity])
        kind, source = draft.random.choice(types), draft.random.choice(("phone", "phone", "web", "sensor"))
        _ticket(draft, f"E-{number + 1:04}", site, severity, kind, minutes, source=source)


def _ticket(draft: _Draft, name: str, site: Row, severity: str, kind: str, minutes_ago: float, **more: object) -> Row:
    row = draft.add("tickets", id=name, site=site["id"], severity=severity, type=kind, product="ethanol")
    row.update(source="phone", title=draft.random.choice(words.TITLES[kind]), opened_at=draft.at - timedelta(minutes=minutes_ago))
    row.update(window_start=None, window_end=None, crew=None, skills=None, kits=None, only=None, banned=None)
    row.update(more)
    return row


def _awkward(draft: _Draft, stations: Sequence[City], people: Sequence[Row], sites: Sequence[Row]) -> None:
    """One of each kind that makes a coordinator think."""
    rows = iter(range(N_TICKETS - N_AWKWARD + 1, N_TICKETS + 1))
    used = {row["site"] for row in draft.tables["tickets"]}
    free = [site for site in sites[: -len(words.BEYOND_REACH)] if site["id"] not in used]

    def near(station: int) -> Row:
        free.sort(
            key=lambda site: great_circle_km(float(str(site["lat"])), float(str(site["lon"])), stations[station].lat, stations[station].lon)
        )
        return free.pop(0)

    def add(site: Row, severity: str, kind: str, minutes_ago: float, **more: object) -> None:
        _ticket(draft, f"E-{next(rows):04}", site, severity, kind, minutes_ago, **more)

    add(near(0), "emergency", "leak", 20, crew=2, title="乙醇储罐泄漏，需两人处置")
    for kit in draft.tables["kits"]:
        if kit["station"] == "ST-15" and kit["kit"] == "leak-kit":
            kit.update(owned=1, broken=1)  # the only leak kit of Chengdu is out of order
    add(near(14), "emergency", "leak", 25, title="成都站唯一堵漏包送修时的泄漏")
    expiring = people[16]  # Xi'an's
    for skill in draft.tables["skills"]:
        if skill["technician"] == expiring["id"]:
            skill["expires_on"] = draft.day(0).date()
    add(near(16), "important", "purity", 90, only=expiring["id"], title="客户指定证书今日到期的技师")
    add(sites[-3], "emergency", "equipment-failure", 15, title="拉萨客户，道路无法按时到达")
    add(near(4), "important", "purity", 200, window_start=draft.day(14), window_end=draft.day(15), title="仅14至15时可入厂")
    add(near(7), "important", "purity", 60, window_start=draft.day(21), window_end=draft.day(23), title="夜间停产后方可取样")
    add(near(10), "general", "question", 300, title=words.HOSTILE_TITLE)
    add(near(12), "emergency", "fire-risk", 10, title="=1+1 罐区静电接地断开")
    out, base = next((person, stations[n]) for n, person in enumerate(people) if person["id"] == words.ON_THE_ROAD)
    row = draft.add("positions", technician=out["id"], lat=round(base.lat + 0.25, 5), lon=round(base.lon - 0.2, 5))
    row.update(free_at=draft.at + timedelta(minutes=25), kits="leak-kit")


def _write(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()} for row in rows)
    return path
