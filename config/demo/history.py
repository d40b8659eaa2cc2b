"""Writes what happened at the demo company as events: a year of tickets before a moment, and what was told of those that are open at it.

Everything follows from the seed, the moment and the company's tables. How much happens where, when and in which season is made up, and
so is how well it went; the one day that the demo plans is far busier than any of the year.
"""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.demo import words
from config.policies import load_policies
from data_models.case import great_circle_km
from data_models.plan import Plan
from data_models.policy import ServicePolicy, needs_for

DAYS = 365
TICKETS_PER_DAY = 10.0

SEASONS: Mapping[str, tuple[float, ...]] = {
    "leak": (0.7, 0.7, 0.8, 0.9, 1.1, 1.5, 1.9, 1.8, 1.2, 0.9, 0.8, 0.7),
    "fire-risk": (1.7, 1.5, 1.1, 0.9, 0.8, 0.6, 0.6, 0.7, 0.8, 1.0, 1.2, 1.6),
    "purity": (0.7, 0.7, 0.9, 1.1, 1.3, 1.7, 1.6, 1.2, 0.9, 0.7, 0.6, 0.6),
}
"""How much more often than on average a type is reported, by month: heat opens flanges, dry air charges tanks, rain gets into ethanol."""

TYPES = (("leak", 5), ("fire-risk", 3), ("equipment-failure", 4), ("purity", 12), ("equipment-fault", 12), ("question", 64))
"""Ticket types and how many of a hundred are of it over the year."""

NIGHT, DAY, LOADING = 0.3, 1.2, 2.0
HOURS = (*(NIGHT,) * 6, DAY, DAY, LOADING, LOADING, LOADING, DAY, DAY, DAY, LOADING, LOADING, DAY, DAY, *(NIGHT * 2,) * 6)
"""How often emergencies happen, by hour of the day: most while tankers are unloaded."""

CONTACT_MINUTES = {"emergency": 4.5, "important": 22.0, "general": 300.0}
DIAGNOSIS_MINUTES = {"emergency": 11.0, "important": 40.0}
"""Medians; of diagnosis after contact."""

VISITED = {"emergency": 0.97, "important": 0.6, "general": 0.3}
"""Share that needs somebody on site; the rest is solved from afar."""

Row = Mapping[str, str]
Event = dict[str, Any]


@dataclass
class _Year:
    """The company as its tables say, and who is free when while the year is told; `random` is the only source of chance."""

    at: datetime
    random: random.Random
    policy: ServicePolicy
    tables: Mapping[str, Sequence[Row]]
    free_at: dict[str, datetime] = field(default_factory=dict)
    near: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    def about(self, median: float, spread: float = 0.5) -> timedelta:
        """A length of time around a median in minutes, to the second, and more often far longer than far shorter (log-normal)."""
        return timedelta(seconds=round(60 * self.random.lognormvariate(math.log(median), spread)))

    def stations_by_drive(self, site: Row) -> list[tuple[float, str]]:
        """Minutes of driving from the two nearest stations, and their ids."""
        if site["id"] not in self.near:
            km = sorted((_km(site, station), station["id"]) for station in self.tables["stations"])
            self.near[site["id"]] = [(each * 1.3 / 70 * 60 + 3, station) for each, station in km[:2]]
        return self.near[site["id"]]

    def people(self, station: str, skills: Mapping[str, int]) -> list[str]:
        """Who of a station may do the work, except the one whose day began on the road: their position is told by a table."""
        able = {
            (row["technician"], skill)
            for skill, level in skills.items()
            for row in self.tables["skills"]
            if row["skill"] == skill and int(row["level"]) >= level
        }
        own = [row["id"] for row in self.tables["technicians"] if row["station"] == station and row["id"] != words.ON_THE_ROAD]
        return [who for who in own if all((who, skill) in able for skill in skills)] or own


def write_history(folder: Path, at: datetime, seed: int = 1) -> Path:
    """Write the events before `at` of the company whose tables `config.demo.company.write_company` wrote into `folder`.

    Parameters
    ----------
    at
        Aware: the moment that the company was written for. The year ends with the midnight before it.

    Returns
    -------
    Path
        `history.jsonl` in the same folder: one event a line, as docs/events.md describes them, in the order in which they happened.
    """
    tables = {name: _rows(folder / f"{name}.csv") for name in ("stations", "technicians", "skills", "sites", "tickets")}
    year = _Year(at, random.Random(f"history {seed}"), load_policies()["ethanol"], tables)
    told = [event for number, (opened, kind, site) in enumerate(_reported(year), 1) for event in _course(year, number, opened, kind, site)]
    told += [event for ticket in tables["tickets"] for event in _so_far(year, ticket)]
    told += _at_home(told)
    return _write(folder / "history.jsonl", told)


def _write(path: Path, told: Sequence[Event]) -> Path:
    in_order = sorted(told, key=lambda event: (event["at"], event["key"]))
    lines = (json.dumps({**event, "at": event["at"].isoformat()}, ensure_ascii=False) for event in in_order)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _km(one: Row, other: Row) -> float:
    return great_circle_km(float(one["lat"]), float(one["lon"]), float(other["lat"]), float(other["lon"]))


# --- what is reported ---


def _reported(year: _Year) -> list[tuple[datetime, str, Row]]:
    """Moments, types and sites of a year of tickets in their order: some sites report far more often than others."""
    end = year.at.replace(hour=0, minute=0, second=0, microsecond=0)
    sites = [site for site in year.tables["sites"] if year.stations_by_drive(site)[0][0] < 5 * 60]
    often = [year.random.gammavariate(0.7, 1.0) for _ in sites]
    found = []
    for ago in range(DAYS, 0, -1):
        day = end - timedelta(days=ago)
        weights = [share * SEASONS.get(kind, (1.0,) * 12)[day.month - 1] for kind, share in TYPES]
        at_weekends = 0.5 if day.weekday() >= 5 else 1.2
        count = _poisson(year.random, TICKETS_PER_DAY * at_weekends * sum(weights) / 100)
        for (kind, _), site in zip(year.random.choices(TYPES, weights, k=count), year.random.choices(sites, often, k=count), strict=True):
            found.append((day + timedelta(seconds=_second_of_day(year, kind)), kind, site))
    return sorted(found, key=lambda item: (item[0], item[2]["id"]))


def _poisson(chance: random.Random, mean: float) -> int:
    """A Poisson number, by Knuth's product of uniform numbers."""
    count, product = 0, chance.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * chance.random()
    return count


def _second_of_day(year: _Year, kind: str) -> int:
    if needs_for(year.policy, kind, "ethanol").severity == "emergency":
        hour = year.random.choices(range(24), HOURS)[0]
        return hour * 3600 + year.random.randrange(3600)
    return round(3600 * year.random.triangular(7, 20, 10))


# --- what happens to one ticket ---


@dataclass
class _Ticket:
    """One ticket while it is told."""

    id: str
    kind: str
    site: Row
    severity: str
    events: list[Event] = field(default_factory=list)

    def tell(self, what: str, at: datetime, **facts: object) -> None:
        """Add an event."""
        key = f"demo {self.id} {len(self.events)}"
        self.events.append({"kind": what, "at": at, "key": key, "by": "demo", "ticket": self.id, **facts})


def _course(year: _Year, number: int, opened: datetime, kind: str, site: Row) -> list[Event]:
    """All events of a ticket; none when it would not be over by now, so that what is open is what the tables say."""
    needs = needs_for(year.policy, kind, "ethanol")
    ticket = _Ticket(f"H-{number:05}", kind, site, str(needs.severity))
    source = year.random.choice(("phone", "phone", "web", "sensor"))
    title = year.random.choice(words.TITLES[kind])
    ticket.tell(
        "ticket_opened", opened, site=site["id"], severity=ticket.severity, type=kind, product="ethanol", source=source, title=title
    )
    if ticket.severity != "emergency" and year.random.random() < 0.03:
        ticket.tell("ticket_cancelled", opened + year.about(90), reason="customer solved it")
    else:
        due = _first_answer(year, ticket, opened)
        solved, trouble = _solve(year, ticket, due, opened)
        if ticket.severity == "important" and year.random.random() < 0.93:
            ticket.tell("clock_kept", solved + (opened + timedelta(hours=22) - solved) * year.random.random(), clock="follow_up")
        _close(year, ticket, solved, trouble)
    return ticket.events if max(event["at"] for event in ticket.events) < year.at - timedelta(hours=1) else []


def _first_answer(year: _Year, ticket: _Ticket, opened: datetime) -> datetime:
    """Contact and diagnosis; gives the moment from which somebody may be sent."""
    contacted = opened + year.about(CONTACT_MINUTES[ticket.severity], 0.6)
    ticket.tell("ticket_contacted", contacted)
    if ticket.severity not in DIAGNOSIS_MINUTES:
        return contacted
    diagnosed = contacted + year.about(DIAGNOSIS_MINUTES[ticket.severity])
    ticket.tell("ticket_diagnosed", diagnosed)
    # To an emergency somebody sets out once it is known, whatever it turns out to be.
    return contacted if ticket.severity == "emergency" else diagnosed


def _solve(year: _Year, ticket: _Ticket, ready: datetime, opened: datetime) -> tuple[datetime, float]:
    """From afar or by visits; gives when it was solved, and how much went wrong on the way, from 0 to 2."""
    if year.random.random() >= VISITED[ticket.severity]:
        solved = ready + year.about(50 if ticket.severity == "important" else 240)
        ticket.tell("ticket_solved", solved)
        return solved, 0.0
    arrived, finished = _visit(year, ticket, ready, "unresolved" if year.random.random() < 0.07 else "resolved")
    late = arrived - opened > timedelta(hours={"emergency": 2, "important": 4, "general": 72}[ticket.severity])
    if ticket.events[-1]["result"] == "resolved":
        return finished, 1.0 * late
    _, finished = _visit(year, ticket, finished + timedelta(hours=3), "resolved")
    return finished, 1.0 + late


def _visit(year: _Year, ticket: _Ticket, ready: datetime, result: str) -> tuple[datetime, datetime]:
    """Somebody goes there as soon as one who can is free; gives when they arrived and when they finished."""
    needs = needs_for(year.policy, ticket.kind, "ethanol")
    urgent = ticket.severity == "emergency"
    wanted = ready + year.about(6 if urgent else 30)
    if not urgent:
        wanted = _in_working_hours(wanted)
    elif not 7 <= wanted.hour < 20:
        wanted += year.about(25)  # somebody has to be called from home
    choices = []
    for minutes, station in year.stations_by_drive(ticket.site):
        for who in year.people(station, needs.skills):
            leaves = max(wanted, year.free_at.get(who, wanted))
            choices.append((leaves + timedelta(minutes=minutes), leaves, minutes, who))
    _, leaves, minutes, who = min(choices)
    arrives = leaves + year.about(minutes, 0.12)
    finishes = arrives + year.about(needs.service_minutes, 0.25)
    year.free_at[who] = finishes + timedelta(minutes=minutes)
    ticket.tell("technician_driving", leaves, technician=who)
    ticket.tell("technician_arrived", arrives, technician=who, service_minutes=needs.service_minutes)
    ticket.tell("technician_finished", finishes, technician=who, result=result)
    return arrives, finishes


def _in_working_hours(moment: datetime) -> datetime:
    if moment.hour < 15:
        return max(moment, moment.replace(hour=8, minute=0, second=0))
    return (moment + timedelta(days=1)).replace(hour=8, minute=10, second=0)


def _close(year: _Year, ticket: _Ticket, solved: datetime, trouble: float) -> None:
    """The customer agrees, and most say how satisfied they are; below 3 the policy opens the ticket again, and it is put right."""
    closed = solved + year.about({"emergency": 300, "important": 240, "general": 600}[ticket.severity], 1.0)
    if year.random.random() >= 0.65:
        ticket.tell("ticket_closed", closed)
        return
    score = min(5, max(1, round(year.random.gauss(4.5 - 1.1 * trouble, 0.7))))
    ticket.tell("ticket_closed", closed, satisfaction=score)
    if score < 3:
        again = closed + timedelta(minutes=1)
        ticket.tell("ticket_reopened", again, reason=f"satisfaction {score} is below 3")
        _, finished = _visit(year, ticket, again + year.about(40), "resolved")
        ticket.tell("ticket_closed", finished + year.about(200), satisfaction=4)


# --- the day that is planned ---


def write_day(folder: Path, plan: Plan, at: datetime, now: datetime, seed: int = 1) -> Path:
    """Write what happens from `at` until `now` when all goes by a plan, so that who looks at it later finds a day under way.

    Told again later, or by a plan that was changed since, what was told before keeps its key.

    Returns
    -------
    Path
        `day.jsonl` in the same folder.
    """
    year = _Year(at, random.Random(f"day {seed}"), load_policies()["ethanol"], {"tickets": _rows(folder / "tickets.csv")})
    told = [event for ticket in year.tables["tickets"] for event in _so_far(year, ticket, patience=timedelta(hours=3))]
    for route in plan.routes:
        leaves = route.depart
        for stop in route.stops:
            visit = {"by": "demo", "ticket": stop.ticket, "technician": route.technician}
            name = f"demo day {stop.ticket} {route.technician}"
            told.append({"kind": "technician_driving", "at": leaves, "key": f"{name} drives", **visit})
            told.append({"kind": "technician_arrived", "at": stop.arrive, "key": f"{name} arrives", **visit})
            told.append({"kind": "technician_finished", "at": stop.finish, "key": f"{name} finishes", "result": "resolved", **visit})
            leaves = stop.finish
        if route.stops:
            home = {"by": "demo", "technician": route.technician, "key": f"demo day {route.technician} home {route.depart:%H%M}"}
            told.append({"kind": "technician_home", "at": route.returns, **home})
    return _write(folder / "day.jsonl", [event for event in told if at <= event["at"] <= now])


def _so_far(year: _Year, row: Row, patience: timedelta = timedelta()) -> Iterator[Event]:
    """What is told of an open ticket until so long after the plan's moment: contact and diagnosis, a little slower than usual.

    It is drawn for each ticket anew, so that a day goes on as its morning began.
    """
    year = replace(year, random=random.Random(f"{row['id']} {row['opened_at']}"), at=year.at + patience)
    ticket = _Ticket(row["id"], row["type"], {}, row["severity"])
    opened = datetime.fromisoformat(row["opened_at"])
    contacted = opened + year.about(CONTACT_MINUTES[ticket.severity] * 1.15, 0.5)
    if contacted < year.at:
        ticket.tell("ticket_contacted", contacted)
        if ticket.severity in DIAGNOSIS_MINUTES:
            diagnosed = contacted + year.about(DIAGNOSIS_MINUTES[ticket.severity])
            if diagnosed < year.at:
                ticket.tell("ticket_diagnosed", diagnosed)
    yield from ticket.events


def _at_home(told: Sequence[Event]) -> list[Event]:
    """Everybody came home after their last visit: nobody is where they were last week."""
    last: dict[str, datetime] = {}
    for event in told:
        if event["kind"] == "technician_finished":
            last[event["technician"]] = max(event["at"], last.get(event["technician"], event["at"]))
    return [
        {"kind": "technician_home", "at": at + timedelta(minutes=50), "key": f"demo home {who}", "by": "demo", "technician": who}
        for who, at in sorted(last.items())
    ]
