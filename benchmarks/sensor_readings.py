"""How many sensor readings a second are taken on one core: by the rules alone, and through the store on SQLite.

    python benchmarks/sensor_readings.py [--sites 1000] [--rounds 50] [--batch 5000] [--shuffled 0.05]

Every site has a moisture, a temperature and a concentration sensor under the ethanol preset; in each round each sends once, a
minute after the last. A share of the readings comes up to three rounds late, a share twice. Times are of the processor.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from config.policies import load_policies
from data_models import tables
from data_models.readings import Reading
from data_models.sensor_rules import sensor_rules
from data_models.sensor_state import SensorState
from data_models.sensors import take
from data_models.snapshot import Policies
from data_models.store import open_store
from data_models.store.readings import take_readings

START = datetime(2026, 3, 2, tzinfo=UTC)
SENSORS = (("K-1", "moisture", "%", 0.35, 0.05), ("K-2", "temperature", "°C", 31.0, 3.0), ("K-3", "concentration", "%", 96.0, 0.5))


def main() -> None:
    """Prints a line for the rules alone and one for the store."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--batch", type=int, default=5000)
    parser.add_argument("--shuffled", type=float, default=0.05)
    options = parser.parse_args()
    batches = list(_batches(_readings(options.sites, options.rounds, options.shuffled), options.batch))
    policies = Policies(load_policies(), "ethanol")
    _rules_alone(batches, policies, options.sites)
    _through_the_store(batches, policies, options.sites)


def _readings(sites: int, rounds: int, shuffled: float) -> Iterator[Reading]:
    chance = random.Random(1)
    waiting: dict[int, list[Reading]] = {}
    for number in range(rounds):
        now = [*waiting.pop(number, ())]
        for site in range(sites):
            for sensor, quantity, unit, mean, spread in SENSORS:
                at = START + timedelta(minutes=number, milliseconds=site)
                value = round(chance.gauss(mean, spread), 3)
                reading = Reading(f"S-{site}", sensor, quantity, value, unit, at, f"{sensor}-{number}", "ethanol")
                now.append(reading)
                if chance.random() < shuffled:
                    waiting.setdefault(number + chance.randint(1, 3), []).append(now.pop() if chance.random() < 0.5 else reading)
        yield from now


def _batches(readings: Iterator[Reading], size: int) -> Iterator[tuple[Reading, ...]]:
    while batch := tuple(islice(readings, size)):
        yield batch


def _rules_alone(batches: list[tuple[Reading, ...]], policies: Policies, sites: int) -> None:
    rules = sensor_rules(policies.of(None))
    rules_of = {f"S-{site}": rules for site in range(sites)}
    state, opened, flagged = SensorState(), 0, 0
    start = time.process_time()
    for batch in batches:
        taken = take(state, batch, rules_of, batch[-1].at)
        opened += len(taken.openings)
        flagged += len(taken.flags)
    _tell("rules alone", sum(map(len, batches)), time.process_time() - start, opened, flagged)


def _through_the_store(batches: list[tuple[Reading, ...]], policies: Policies, sites: int) -> None:
    opened = flagged = 0
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/readings.sqlite") as store:
        with store.session() as session:
            session.add(tables.Customer(id="C-1", name="Lake", tier="A"))
            session.flush()
            session.add_all(tables.Site(id=f"S-{n}", customer_id="C-1", name="Plant", lat=31.2, lon=121.4) for n in range(sites))
        start = time.process_time()
        for batch in batches:
            with store.session() as session:
                taken = take_readings(session, batch, policies, batch[-1].at)
            opened += len(taken.openings)
            flagged += len(taken.flags)
        _tell("through the store", sum(map(len, batches)), time.process_time() - start, opened, flagged)


def _tell(what: str, count: int, seconds: float, opened: int, flagged: int) -> None:
    print(f"{what:18} {count / seconds:9,.0f} readings/s   {count:,} readings, {opened:,} tickets, {flagged:,} flagged")


if __name__ == "__main__":
    main()
