"""How fast the first answer to a new emergency comes, through a real SQLite store whose published plan is under way.

    python -m benchmarks.first_answer [--tickets 600] [--tickets 2500] [--seconds 60] [--store FOLDER] --out first_answer.json

A company is made of a case of `made_cases`, planned for `--seconds`, published, and asked 90 minutes later about emergencies that came
in just then at sites of its own: by `respond`, which reads the store each time, and by a `Responder`, which keeps what it read while the
store stays as it is; by one whose store changes before each question; last about emergencies that nobody has the skill for. All in a warm
process. Wall time, and the time of the processor beside it: where they differ, the machine had other things to do. With `--store` the
company's file is kept and used again.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from benchmarks.made_cases import NOW, SHAPES, make_case
from config.settings import Settings
from data_models import tables
from data_models.case import Case
from data_models.store import Store, approve, open_store, publish
from flows import dispatch
from flows.first_answer import FirstAnswer
from flows.planning import SearchLimit, judge, solve
from flows.responding import Responder, respond
from optimizer.compiling import make_ready

AT = NOW + timedelta(minutes=90)
FRESH, ROUNDS = 20, 3


@dataclass(frozen=True)
class Row:
    """Milliseconds of one way to ask at one size: median, tenth and ninetieth percentile, slowest; and of the processor."""

    tickets: int
    way: str
    median_ms: float
    tenth_ms: float
    ninetieth_ms: float
    slowest_ms: float
    processor_ms: float
    processor_ninetieth_ms: float
    processor_slowest_ms: float
    parts_ms: dict[str, float]
    answers: dict[str, int]


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, action="append")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    make_ready()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        for tickets in options.tickets or (600, 2500):
            file = (options.store or Path(temporary)) / f"company-{tickets}.sqlite"
            for row in _measured(file, tickets, options.seconds):
                rows.append(row)
                print(
                    f"{row.tickets} tickets, {row.way}: median {row.median_ms:.0f} ms, 10-90 % {row.tenth_ms:.0f}-{row.ninetieth_ms:.0f}, "
                    f"slowest {row.slowest_ms:.0f}; processor {row.processor_ms:.0f} ms, 90 % {row.processor_ninetieth_ms:.0f}, "
                    f"slowest {row.processor_slowest_ms:.0f}; {row.parts_ms}; {row.answers}",
                    flush=True,
                )
                options.out.write_text(json.dumps([asdict(each) for each in rows]), encoding="utf-8")


def _measured(file: Path, tickets: int, seconds: float) -> list[Row]:
    settings = Settings()
    if not file.exists():
        with open_store(f"sqlite:///{file}") as store:
            fill(store, settings, make_case(replace(SHAPES["usual"], tickets=tickets), 1), seconds)
    with open_store(f"sqlite:///{file}") as store:
        fresh = _fresh(store)
        ways: list[tuple[str, Callable[[str], FirstAnswer]]] = [("respond", lambda name: respond(store, settings, name, AT))]
        hopeless = _hopeless(store, fresh)
        with Responder(store, settings) as responder:
            ways.append(("Responder, nothing changed", lambda name: responder.answer(name, AT)))
            ways.append(("Responder, store changed", lambda name: responder.answer(_touch(store, name), AT)))
            rows = [_row(tickets, way, ask, fresh) for way, ask in ways]
            return [*rows, _row(tickets, "respond, nobody can", ways[0][1], hopeless)]


def _row(tickets: int, way: str, ask: Callable[[str], FirstAnswer], fresh: Sequence[str]) -> Row:
    for name in fresh:
        ask(name)
    wall, processor, answers = [], [], []
    for name in [*fresh] * ROUNDS:
        began, used = time.perf_counter(), time.process_time()
        answers.append(ask(name))
        wall.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - used))
    tenths = statistics.quantiles(wall, n=10)
    parts = {part for answer in answers for part in answer.spent_ms}
    return Row(
        tickets=tickets,
        way=way,
        median_ms=round(statistics.median(wall), 1),
        tenth_ms=round(tenths[0], 1),
        ninetieth_ms=round(tenths[-1], 1),
        slowest_ms=round(max(wall), 1),
        processor_ms=round(statistics.median(processor), 1),
        processor_ninetieth_ms=round(statistics.quantiles(processor, n=10)[-1], 1),
        processor_slowest_ms=round(max(processor), 1),
        parts_ms={
            part: round(statistics.median(each.spent_ms[part] for each in answers if part in each.spent_ms), 1) for part in sorted(parts)
        },
        answers={
            "asked": len(fresh),
            "with offers": sum(bool(each.offers) for each in answers[: len(fresh)]),
            "in time": sum(each.in_time for each in answers[: len(fresh)]),
            "repaired": sum(each.repair is not None for each in answers[: len(fresh)]),
            "with reasons": sum(bool(each.reasons) for each in answers[: len(fresh)]),
        },
    )


def _touch(store: Store, name: str) -> str:
    """Changes something in the store that no answer depends on."""
    with store.session() as session:
        ticket = session.get(tables.Ticket, name)
        if ticket is not None:
            ticket.description += "."
    return name


def _fresh(store: Store) -> list[str]:
    """New emergencies, each with the needs of one that the company had, put into the store."""
    with store.session() as session:
        known = sorted(session.query(tables.Ticket).filter(tables.Ticket.severity == "emergency"), key=lambda row: row.id)
        names = [row.id for row in known if row.id.startswith("NEW-")]
        if names:
            return names
        for number, row in enumerate(random.Random(1).sample(known, FRESH)):
            copied = {name: getattr(row, name) for name in ("site_id", "severity", "type", "service_minutes", "crew", "skills", "kits")}
            moment = AT - timedelta(minutes=1)
            session.add(tables.Ticket(id=f"NEW-{number:02}", opened_at=moment, due_at=moment + timedelta(hours=2), **copied))
            names.append(f"NEW-{number:02}")
    return names


def _hopeless(store: Store, fresh: Sequence[str]) -> list[str]:
    """Emergencies like the new ones that ask for a skill that nobody has: reasons are all that can be said."""
    with store.session() as session:
        for name in fresh:
            row = session.get_one(tables.Ticket, name)
            told = {
                fact: getattr(row, fact)
                for fact in ("site_id", "severity", "type", "service_minutes", "crew", "kits", "opened_at", "due_at")
            }
            if session.get(tables.Ticket, f"HOPELESS-{name}") is None:
                session.add(tables.Ticket(id=f"HOPELESS-{name}", skills={"alchemy": 3}, **told))
    return [f"HOPELESS-{name}" for name in fresh]


def fill(store: Store, settings: Settings, case: Case, seconds: float) -> None:
    """Put a made case into an empty store as a company's tables, plan it and publish the plan."""
    with store.session() as session:
        session.add_all(tables.Customer(id=f"C-{tier}", name=f"Customer {tier}", tier=tier, segment="fuel") for tier in "ABC")
        for station in case.stations:
            kits = [tables.StationKit(kit=kit, owned=count) for kit, count in station.kits.items()]
            session.add(tables.Station(id=station.id, name=station.name, lat=station.lat, lon=station.lon, kits=kits))
        session.flush()
        for who in case.technicians:
            skills = [tables.TechnicianSkill(skill=skill, level=level) for skill, level in who.skills.items()]
            shifts = [tables.Shift(starts_at=each.start, ends_at=each.end, overtime_minutes=each.overtime_minutes) for each in who.shifts]
            facts = {"id": who.id, "name": who.name, "station_id": who.station, "capacity": who.capacity}
            session.add(tables.Technician(**facts, skills=skills, shifts=shifts))
        for ticket in case.tickets:
            session.add(
                tables.Site(
                    id=f"site-{ticket.id}", customer_id=f"C-{ticket.tier}", name=f"Site {ticket.id}", lat=ticket.lat, lon=ticket.lon
                )
            )
        session.flush()
        for ticket in case.tickets:
            window = ticket.windows[0] if ticket.windows else None
            session.add(
                tables.Ticket(
                    id=ticket.id,
                    site_id=f"site-{ticket.id}",
                    severity=ticket.severity,
                    type="other",
                    opened_at=ticket.opened_at,
                    due_at=ticket.due,
                    service_minutes=ticket.service_minutes,
                    crew=ticket.crew,
                    load=ticket.load,
                    skills=dict(ticket.skills),
                    kits=list(ticket.kits),
                    window_start=window and window.start,
                    window_end=window and window.end,
                )
            )
    snapshot = dispatch.make_snapshot(store, settings, dispatch.read_facts(store, settings, NOW))
    plan = solve(snapshot.case, SearchLimit(seconds), 1, workers=1)
    number = dispatch.keep_draft(store, settings, snapshot, judge(snapshot.case, plan), seed=1, at=NOW)
    with store.session() as session:
        approve(session, number, "benchmark", NOW)
        publish(session, number, "benchmark", NOW)


if __name__ == "__main__":
    main()
