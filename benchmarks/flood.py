"""How long a flood of events takes to be swallowed: `twohour tell --file` without its start, on SQLite, in a file of its own.

    python -m benchmarks.flood [--events 100000] [--tickets 2000] [--technicians 200] [--rounds 3] [--out flood.json]

Half of the tickets are known before, half are opened by the flood. Each event is of one of them or of a technician or a kit; some come
hours late, some twice, some before their ticket is opened, some name what does not exist. Parts of the time: `read`, the text becomes
events; `tell`, they are kept and folded. Wall time, and the processor's beside it: where they differ, the machine had other things to
do. The digest is of every answer and of all that the log means: two programs that say the same of the same flood have the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data_models import tables
from data_models.events import read_events
from data_models.store import Store, open_store
from data_models.store.events import derived
from flows.events import tell

START = datetime(2026, 3, 2, tzinfo=UTC)
SPAN_MINUTES = 24 * 60
OF_TICKETS = ("contacted", "diagnosed", "solved", "cancelled", "reopened", "resumed", "changed", "waiting", "closed")
OF_VISITS = ("accepted", "declined", "driving", "arrived", "finished")
OF_PEOPLE = ("sick", "back", "home", "delayed")


def main() -> None:
    """Prints a line for each round and the medians, and writes them when asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--tickets", type=int, default=2_000)
    parser.add_argument("--technicians", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = "\n".join(json.dumps(each) for each in flood(options.events, options.tickets, options.technicians, 1))
    rounds = []
    for _ in range(options.rounds):
        rounds.append(_round(text, options.tickets, options.technicians))
        print(json.dumps(rounds[-1]), flush=True)
    timed = [name for name in rounds[0] if name.endswith("_s")]
    medians = {name: round(statistics.median(each[name] for each in rounds), 2) for name in timed}
    print("medians:", json.dumps(medians))
    if options.out:
        options.out.write_text(json.dumps({"events": options.events, "medians": medians, "rounds": rounds}), encoding="utf-8")


def flood(events: int, tickets: int, technicians: int, seed: int) -> Iterator[dict[str, Any]]:
    """Events in the order in which they are told."""
    chance = random.Random(seed)
    unopened = [f"N-{number}" for number in range(tickets // 2)]
    last: dict[str, Any] = {}
    for number in range(events):
        if last and chance.random() < 0.02:
            yield last
            continue
        at = START + timedelta(minutes=SPAN_MINUTES * number / events) - timedelta(minutes=chance.choice((0, 0, 0, 5, 240)))
        last = {"at": at.isoformat(), "key": f"flood {number}", "by": "benchmark"}
        if unopened and number % max(1, events // tickets) == 0:
            facts = {"site": f"S-{chance.randrange(tickets)}", "severity": chance.choice(("emergency", "general")), "type": "leak"}
            last |= {"kind": "ticket_opened", "ticket": unopened.pop(), **facts}
        else:
            last |= _event(chance, at, tickets, technicians)
        yield last


def _event(chance: random.Random, at: datetime, tickets: int, technicians: int) -> dict[str, Any]:
    ticket = f"{chance.choice('NT')}-{chance.randrange(tickets // 2)}"
    who = f"P-{chance.randrange(technicians)}" if chance.random() < 0.999 else "P-nobody"
    part = chance.random()
    if part < 0.55:
        told: dict[str, Any] = {"kind": f"technician_{chance.choice(OF_VISITS)}", "ticket": ticket, "technician": who}
        if told["kind"] == "technician_driving":
            told["expected_at"] = (at + timedelta(minutes=30)).isoformat()
        return told
    if part < 0.75:
        kind = chance.choice(OF_PEOPLE)
        later = {"until": (at + timedelta(minutes=45)).isoformat()} if kind == "delayed" else {}
        return {"kind": f"technician_{kind}", "technician": who, **later}
    if part < 0.76:
        return {"kind": chance.choice(("kit_broken", "kit_back")), "station": f"ST-{chance.randrange(10)}", "kit": "leak-kit"}
    kind = chance.choice(OF_TICKETS)
    facts = {"changed": {"crew": chance.randint(1, 2), "title": "valve"}, "waiting": {"reason": "customer"}, "closed": {"satisfaction": 4}}
    return {"kind": f"ticket_{kind}", "ticket": ticket, **facts.get(kind, {})}


def fill(store: Store, tickets: int, technicians: int) -> None:
    """A company in an empty store: ten stations with kits, technicians, and a site for each ticket, half of them known."""
    with store.session() as session:
        session.add(tables.Customer(id="C-1", name="Customer", tier="A"))
        for n in range(10):
            kits = [tables.StationKit(kit="leak-kit", owned=4)]
            session.add(tables.Station(id=f"ST-{n}", name=f"Station {n}", lat=31.0 + n / 10, lon=121.0, kits=kits))
        session.flush()
        session.add_all(tables.Technician(id=f"P-{n}", name=f"Technician {n}", station_id=f"ST-{n % 10}") for n in range(technicians))
        sites = (
            tables.Site(id=f"S-{n}", customer_id="C-1", name=f"Site {n}", lat=31 + n % 97 / 100, lon=121 + n % 89 / 100)
            for n in range(tickets)
        )
        session.add_all(sites)
        session.flush()
        for n in range(tickets // 2):
            moment = START - timedelta(hours=6)
            clocks = [tables.TicketClock(clock=clock, due_at=START) for clock in ("contact", "on_site", "closing")]
            session.add(
                tables.Ticket(id=f"T-{n}", site_id=f"S-{n}", severity="general", type="leak", opened_at=moment, due_at=START, clocks=clocks)
            )


def _round(text: str, tickets: int, technicians: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/flood.sqlite") as store:
        fill(store, tickets, technicians)
        began, used = time.perf_counter(), time.process_time()
        events, unreadable = read_events(text)
        read, read_used = time.perf_counter() - began, time.process_time() - used
        answers = tell(store, events, START + timedelta(minutes=SPAN_MINUTES)).answers
        whole, whole_used = time.perf_counter() - began, time.process_time() - used
        with store.reading() as session:
            meant = derived(session)
    said = [(answer.key, answer.number, answer.verdict, answer.note) for answer in answers]
    return {
        "wall_s": round(whole, 2),
        "processor_s": round(whole_used, 2),
        "read_wall_s": round(read, 2),
        "read_processor_s": round(read_used, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "verdicts": dict(sorted(Counter(answer.verdict for answer in answers).items())) | {"unreadable": len(unreadable)},
        "digest": hashlib.sha256(json.dumps([said, sorted(meant.items())]).encode()).hexdigest()[:16],
    }


if __name__ == "__main__":
    main()
