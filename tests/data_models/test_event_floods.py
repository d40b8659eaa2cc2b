"""Many events at once: as many questions to the database as for few, one past at a time, and the same answers however it is cut."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import select

from data_models import tables
from data_models.events import Event
from data_models.store import Answer, Store, add_events, load_facts, rebuild
from data_models.store import folding as store_folding
from data_models.store import log as store_log
from data_models.store.events import derived
from flows import events as taking
from tests.data_models.test_events import event, everything, random_events, visit
from tests.data_models.test_store import HOUR, NOW, company

NIGHT = NOW + 8 * HOUR


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a small company and a kit."""
    with store.session() as session:
        company(session)
        session.add(tables.StationKit(station_id="ST-1", kit="leak-kit", owned=2))
    return store


def answers(store: Store, events: list[Event]) -> list[Answer]:
    with store.session() as session:
        return add_events(session, events, NIGHT)


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    listening.listen(store.engine, "before_cursor_execute", note)
    yield asked
    listening.remove(store.engine, "before_cursor_execute", note)


def on_the_road(number: int, first: int = 0) -> list[Event]:
    """Events of two tickets and two technicians, none of which is odd."""
    return [visit("accepted", n % 60, f"E-{1 + n % 2}", f"T-{1 + n % 2}") for n in range(first, first + number)]


def test_a_flood_asks_the_database_no_more_often_than_a_few_events_do(filled: Store) -> None:
    answers(filled, on_the_road(4))
    counts = []
    for number in (4, 1200):
        with statements(filled) as asked:
            assert {answer.verdict for answer in answers(filled, on_the_road(number))} == {"counts"}
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_events_that_were_just_told_are_not_read_again(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(filled, on_the_road(6))
    read: list[str] = []
    real = store_log.event_in

    def noting(row: Any) -> Event:
        read.append(row.key)
        return real(row)

    monkeypatch.setattr(store_log, "event_in", noting)
    answers(filled, on_the_road(500))
    # Of each of the six before, its ticket's fold and its technician's; of each ticket what was known of it at first.
    assert len(read) == 6 * 2 + 2


@pytest.mark.parametrize("seed", range(4))
def test_however_finely_the_log_is_read_the_answers_are_the_same(filled: Store, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    events = random_events(chance, 120)
    events += chance.sample(events, 5)
    told = []
    for at_once in (1_000, 1):
        with filled.session() as session:
            nested = session.begin_nested()
            monkeypatch.setattr(store_folding, "_SUBJECTS_AT_ONCE", at_once)
            monkeypatch.setattr(store_log, "_AT_ONCE", 2 * at_once)
            found = [add_events(session, events[first : first + 40], NIGHT) for first in range(0, len(events), 40)]
            told.append([(answer.key, answer.verdict, answer.note) for part in found for answer in part])
            nested.rollback()
    assert told[0] == told[1]
    assert {verdict for _, verdict, _ in told[0]} >= {"counts", "flagged", "merged"}


def test_a_rebuild_finds_every_subject_of_the_log_as_the_flood_left_it(filled: Store) -> None:
    answers(filled, random_events(random.Random(9), 400))
    with filled.session() as session:
        before = derived(session)
        assert session.scalars(select(tables.EventNote)).first() is not None
        for row in session.scalars(select(tables.EventNote)).all():
            session.delete(row)
        stock = session.get_one(tables.StationKit, ("ST-1", "leak-kit"))
        stock.broken = 2 - stock.broken
        session.get_one(tables.Ticket, "E-1").closed_at = NOW + 99 * HOUR
        rebuild(session)
        assert derived(session) == before


def test_numbers_in_the_log_follow_the_order_of_telling(filled: Store) -> None:
    told = answers(filled, [*on_the_road(50), event("ticket_contacted", 3, ticket="N-9"), *on_the_road(50)])
    numbers = [answer.number for answer in told]
    assert None not in numbers
    assert numbers == sorted(numbers, key=lambda number: number or 0)
    with filled.reading() as session:
        keys = dict(session.execute(select(tables.Event.id, tables.Event.key)).all())  # type: ignore[arg-type]
    assert [keys[answer.number] for answer in told if answer.number] == [answer.key for answer in told]


def test_what_is_answered_is_kept_when_a_later_batch_fails(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "BATCH", 10)
    events, real = on_the_road(30), add_events
    calls = []

    def failing(session: Any, part: list[Event], now: Any) -> list[Answer]:
        calls.append(len(part))
        done = real(session, part, now)
        if len(calls) == 3:
            raise ConnectionError("gone")
        return done

    monkeypatch.setattr(taking, "add_events", failing)
    with pytest.raises(ConnectionError):
        taking.tell(filled, events, NIGHT)
    assert calls == [10, 10, 10]
    monkeypatch.setattr(taking, "add_events", real)
    assert taking.tell(filled, events, NIGHT).counts == {"merged": 20, "counts": 10}


def test_in_batches_or_one_by_one_the_log_means_the_same(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_events(random.Random(5), 150)
    meant = []
    for batch in (1, 7, 200):
        monkeypatch.setattr(taking, "BATCH", batch)
        with filled.session() as session:
            nested = session.begin_nested()
            for first in range(0, len(events), batch):
                add_events(session, events[first : first + batch], NIGHT)
            session.expire_all()
            meant.append({name: row for name, row in derived(session).items() if not name.startswith("event_note")})
            nested.rollback()
    assert meant[0] == meant[1] == meant[2]
    assert everything(filled) != meant[0]


def test_no_event_is_told_twice_within_a_batch_however_late(filled: Store) -> None:
    first = visit("driving", 1)
    flood = [first, *on_the_road(100), first]
    told = answers(filled, flood)
    assert [answer.verdict for answer in told].count("merged") == 1
    assert told[-1].verdict == "merged"


@pytest.mark.parametrize("asks", ["roads", "kits"])
def test_a_long_log_is_not_looked_through_for_roads_and_kits(filled: Store, asks: str) -> None:
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("a plan of a small PostgreSQL table says nothing: it is read as a whole")
    with statements(filled) as asked:
        if asks == "kits":
            answers(filled, [event("kit_broken", 1, station="ST-1", kit="leak-kit")])
        else:
            with filled.reading() as session:
                load_facts(session, NOW, HOUR)
    wanted = {"roads": "kind = 'road_factor'", "kits": "station_id != ''"}[asks]
    (query,) = [each for each in asked if wanted in each]
    with filled.reading() as session:
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", tuple("x" * query.count("?")))
        assert {"roads": "ix_event_road", "kits": "ix_event_station_id"}[asks] in str(rows.all())
