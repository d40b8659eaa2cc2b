"""Readings in the store, on both databases: kept once, judged by the site's contract, with the tickets that they open."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, update

from config.policies import load_policies
from data_models import tables
from data_models.readings import Reading
from data_models.snapshot import Policies
from data_models.store import Store, open_store
from data_models.store.readings import (
    MOST_ATTACHED,
    TakenReadings,
    forget_readings,
    readings_of,
    sensor_troubles,
    take_readings,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICIES = Policies(load_policies(), "ethanol")


@pytest.fixture
def plant(store: Store) -> Store:
    """Two sites: S-1 under the default policy, ethanol, S-2 of a customer with a contract for liquid oxygen."""
    with store.session() as session:
        fill(session)
    return store


def fill(session: object) -> None:
    add = session.add_all  # type: ignore[attr-defined]
    add([tables.Customer(id="C-1", name="太湖制药", tier="A"), tables.Customer(id="C-2", name="沪东钢铁", tier="B")])
    session.flush()  # type: ignore[attr-defined]
    add(tables.Site(id=f"S-{n}", customer_id=f"C-{n}", name="厂区", lat=31.2, lon=121.4) for n in (1, 2))
    add([tables.Contract(id="K-2", customer_id="C-2", policy="liquid-oxygen", starts_on=date(2026, 1, 1))])


def water(value: float, minutes: float = 0, **more: object) -> Reading:
    return replace(Reading("S-1", "K-1", "moisture", value, "%", NOW + minutes * MINUTE), **more)  # type: ignore[arg-type]


def put(store: Store, *readings: Reading, now: datetime = NOW + 30 * MINUTE) -> TakenReadings:
    with store.session() as session:
        return take_readings(session, readings, POLICIES, now)


def tickets(store: Store) -> Sequence[tables.Ticket]:
    with store.reading() as session:
        return session.scalars(select(tables.Ticket).order_by(tables.Ticket.id)).all()


def count(store: Store, model: type[object]) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_reading_over_the_limit_opens_a_ticket_that_carries_it(plant: Store) -> None:
    taken = put(plant, water(0.3), water(0.62, 1, product="anhydrous"))
    assert (taken.kept, taken.refused, len(taken.openings)) == (2, (), 1)
    (ticket,) = tickets(plant)
    assert (ticket.id, ticket.site_id, ticket.severity, ticket.type) == (taken.openings[0].ticket, "S-1", "important", "purity")
    assert (ticket.source, ticket.state, ticket.product, ticket.opened_at) == ("sensor", "open", "anhydrous", NOW + 30 * MINUTE)
    assert ticket.title == "Water in ethanol: moisture 0.62 %"
    assert "K-1: moisture 0.62 % at 2026-03-02T16:01:00+08:00" in ticket.description
    with plant.reading() as session:
        assert [(row.value, row.at) for row in readings_of(session, ticket.id)] == [(0.62, NOW + MINUTE)]


def test_a_ticket_carries_the_last_readings_of_its_spell_only(plant: Store) -> None:
    hot = [Reading("S-1", "K-2", "temperature", 41 + n % 3, "°C", NOW + n * MINUTE / 20) for n in range(201)]
    taken = put(plant, Reading("S-1", "K-2", "temperature", 30, "°C", NOW - MINUTE), *hot)
    assert [it.rule for it in taken.openings] == ["heat"]
    with plant.reading() as session:
        kept = readings_of(session, taken.openings[0].ticket)
    assert len(kept) == MOST_ATTACHED
    assert kept[-1].at == NOW + 10 * MINUTE


def test_the_contract_of_the_customer_decides_whose_rules_hold(plant: Store) -> None:
    pressure = Reading("S-2", "K-1", "pressure", 1.4, "MPa", NOW)
    taken = put(plant, pressure, replace(pressure, site="S-1"), water(0.9, site="S-2"))
    assert [(it.site, it.rule) for it in taken.openings] == [("S-2", "tank_pressure")]
    assert tickets(plant)[0].severity == "emergency"


def test_a_contract_for_a_policy_that_is_gone_refuses_its_site_only(plant: Store) -> None:
    with plant.session() as session:
        session.execute(update(tables.Contract).values(policy="gone"))
    taken = put(plant, Reading("S-2", "K-1", "pressure", 1.4, "MPa", NOW), water(0.6))
    assert [(it.position, "policy gone does not exist" in it.says) for it in taken.refused] == [(0, True)]
    assert len(taken.openings) == 1


def test_the_same_batch_again_changes_nothing(plant: Store) -> None:
    batch = (water(0.3), water(0.6, 1), water(math.nan, 2), water(0.6, -9), water(0.6, 1))
    first, again = put(plant, *batch), put(plant, *batch)
    assert (first.kept, first.doubles, len(first.openings)) == (4, 1, 1)
    assert (again.kept, again.doubles, again.openings, again.flags) == (0, 5, (), ())
    assert (count(plant, tables.Reading), len(tickets(plant))) == (4, 1)


def test_what_was_not_believed_is_kept_with_its_flaw(plant: Store) -> None:
    put(plant, water(0.3), water(math.nan, 1), water(math.inf, 2), water(250, 3), water(0.6, 99))
    put(plant, water(0.6, -6))
    with plant.reading() as session:
        rows = session.execute(select(tables.Reading.value, tables.Reading.flaw)).all()
    assert sorted((row.flaw, row.value) for row in rows) == [
        ("", 0.3),
        ("absurd", 250.0),
        ("future", 0.6),
        ("late", 0.6),
        ("not a number", None),
        ("not a number", None),
    ]
    assert tickets(plant) == []


def test_refused_readings_are_named_by_their_place_and_the_rest_is_taken(plant: Store) -> None:
    taken = put(plant, water(0.1, site="S-9"), water(0.2), water(0.2), water(0.3, unit="MPa"))
    assert [it.position for it in taken.refused] == [0, 3]
    assert (taken.kept, taken.doubles, count(plant, tables.Reading)) == (1, 1, 1)


def test_one_ticket_until_it_is_closed_and_the_quiet_time_is_over(plant: Store) -> None:
    put(plant, water(0.6))
    assert put(plant, water(0.3, 1), water(0.6, 2)).openings == ()
    with plant.session() as session:
        session.execute(update(tables.Ticket).values(state="done", opened_at=NOW, closed_at=NOW + 10 * MINUTE))
    # The preset is quiet for 30 minutes.
    assert put(plant, water(0.3, 11), water(0.6, 39)).openings == ()
    assert len(put(plant, water(0.6, 40), now=NOW + 40 * MINUTE).openings) == 1
    assert len(tickets(plant)) == 2


def test_a_ticket_that_is_opened_again_stands_for_its_alarm(plant: Store) -> None:
    put(plant, water(0.6))
    for state in ("cancelled", "open"):
        with plant.session() as session:
            session.execute(update(tables.Ticket).values(state=state))
        assert put(plant, water(0.3, 1 if state == "open" else 0.5)).openings == ()
    assert put(plant, water(0.6, 120), now=NOW + 120 * MINUTE).openings == ()


def test_a_ticket_that_a_late_reading_contradicts_says_so(plant: Store) -> None:
    taken = [Reading("S-1", "K-2", "temperature", value, "°C", NOW + n * MINUTE) for n, value in ((0, 41), (4, 42), (8, 43), (10, 44))]
    assert len(put(plant, *taken).openings) == 1
    contradicting = Reading("S-1", "K-2", "temperature", 20.0, "°C", NOW + 9 * MINUTE)
    assert [it.rule for it in put(plant, contradicting).doubts] == ["heat"]
    assert "came late" in tickets(plant)[0].description
    assert tickets(plant)[0].state == "open"


def test_sensors_in_trouble_are_told_once_and_listed(plant: Store) -> None:
    put(plant, water(0.3), water(0.3, 1, sensor="K-2"))
    first = put(plant, water(0.3, 200), now=NOW + 200 * MINUTE)
    assert [(it.sensor, it.kind, it.since) for it in first.troubles] == [("K-2", "silent", NOW + MINUTE)]
    assert put(plant, now=NOW + 201 * MINUTE).troubles == ()
    with plant.reading() as session:
        assert [(it.sensor, it.kind, it.since) for it in sensor_troubles(session)] == [("K-2", "silent", NOW + MINUTE)]
    put(plant, water(0.4, 202, sensor="K-2"), now=NOW + 202 * MINUTE)
    with plant.reading() as session:
        assert sensor_troubles(session) == ()


def test_batches_end_as_one_would(plant: Store) -> None:
    values = [0.3, 0.6, 0.6, 0.2, 0.7, 0.45, 0.6]
    readings = [water(value, n, sensor=f"K-{n % 2}") for n, value in enumerate(values)]
    for reading in readings:
        put(plant, reading)
    with plant.reading() as session:
        apart = sorted(session.scalars(select(tables.SensorSeries.state)))
        gate = session.scalars(select(tables.SensorGate)).one()
        assert gate.opened == int((NOW + MINUTE).timestamp()) * 1_000_000
    with Store(create_engine("sqlite://")) as another:
        tables.Base.metadata.create_all(another.engine)
        with another.session() as session:
            fill(session)
        put(another, *readings)
        with another.reading() as session:
            assert sorted(session.scalars(select(tables.SensorSeries.state))) == apart


def test_old_readings_are_forgotten_but_those_of_tickets(plant: Store) -> None:
    put(plant, water(0.3), water(0.6, 1), water(0.3, 2), water(0.3, 3))
    with plant.session() as session:
        assert forget_readings(session, NOW + 3 * MINUTE) == 2
    with plant.session() as session:
        assert forget_readings(session, NOW + 3 * MINUTE) == 0
    with plant.reading() as session:
        assert sorted(session.scalars(select(tables.Reading.value))) == [0.3, 0.6]


# --- a kill in the middle ---

TAKE_AND_DIE = r"""
import os, signal, sys
from datetime import UTC, datetime, timedelta
from sqlalchemy import event
from config.policies import load_policies
from data_models.readings import Reading
from data_models.snapshot import Policies
from data_models.store import open_store
from data_models.store.readings import take_readings

url, moment = sys.argv[1:]
now = datetime(2026, 3, 2, 8, tzinfo=UTC)
store = open_store(url)
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if moment != "after commit":
    event.listen(store.engine, "after_cursor_execute", lambda c, cursor, sql, *_: moment in sql and die())
readings = [Reading("S-1", "K-1", "moisture", value, "%", now + timedelta(minutes=n)) for n, value in enumerate((0.3, 0.6, 0.7))]
with store.session() as session:
    take_readings(session, readings, Policies(load_policies(), "ethanol"), now + timedelta(minutes=30))
die()
"""


@pytest.mark.parametrize("moment", ["INSERT INTO ticket_reading", "after commit"])
def test_a_kill_loses_nothing_confirmed_and_doubles_nothing(database_url: str, moment: str) -> None:
    with open_store(database_url) as store, store.session() as session:
        fill(session)
    child = subprocess.run(
        [sys.executable, "-c", TAKE_AND_DIE, database_url, moment], cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": "."}
    )
    assert child.returncode == -signal.SIGKILL
    with open_store(database_url) as store:
        assert count(store, tables.Reading) == (3 if moment == "after commit" else 0)
        again = put(store, water(0.3), water(0.6, 1), water(0.7, 2), water(0.8, 3))
        assert again.doubles == (3 if moment == "after commit" else 0)
        assert count(store, tables.Reading) == 4
        assert len(tickets(store)) == 1
        with store.reading() as session:
            assert len(readings_of(session, tickets(store)[0].id)) == 1
