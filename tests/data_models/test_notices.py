"""The outbox: one row for a key, one taker at a time, and nothing lost when a sender dies. On SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from data_models.errors import Conflict, NotFound
from data_models.store import Store
from data_models.store.notices import (
    LEASE,
    Backoff,
    TakenNotice,
    contacts_to_tell,
    list_notices,
    mark_dropped,
    mark_failed,
    mark_sent,
    put_notice,
    reach_of,
    retry_notice,
    take_due,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def put(store: Store, key: str = "k", **changes: Any) -> bool:
    said: dict[str, Any] = {"audience": "coordinator", "recipient": "", "channel": "C", "template": "t", "language": "zh", "payload": {}}
    with store.session() as session:
        return put_notice(session, key, now=NOW, **{**said, **changes})


def take(store: Store, at: datetime = NOW, limit: int = 10, **options: Any) -> tuple[TakenNotice, ...]:
    with store.session() as session:
        return take_due(session, at, limit, **options)


def states(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {notice.key: notice.state for notice in list_notices(session, ("waiting", "sent", "failed", "dropped"))}


def test_the_same_key_again_changes_nothing(store: Store) -> None:
    assert put(store, payload={"a": 1})
    assert not put(store, payload={"a": 2})
    assert [notice.payload for notice in take(store)] == [{"a": 1}]


def test_a_notice_exists_only_if_what_it_tells_was_committed(store: Store) -> None:
    def undone() -> None:
        with store.session() as session:
            put_notice(session, "k", audience="customer", recipient="", channel="C", template="t", language="en", payload={}, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert states(store) == {}


def test_quiet_hours_hold_a_notice_to_the_second(store: Store) -> None:
    put(store, not_before=NOW + SECOND)
    assert take(store) == ()
    assert len(take(store, NOW + SECOND)) == 1


def test_a_taken_notice_belongs_to_its_taker_until_the_lease_ends(store: Store) -> None:
    put(store)
    assert take(store)[0].attempt == 1
    assert take(store, NOW + LEASE - SECOND) == ()
    assert take(store, NOW + LEASE)[0].attempt == 2


def test_due_notices_are_taken_oldest_first_and_channels_can_rest(store: Store) -> None:
    put(store, "late", not_before=NOW + SECOND)
    put(store, "b", channel="X")
    put(store, "a")
    at = NOW + SECOND
    assert [notice.key for notice in take(store, at, 1)] == ["b"]
    assert [notice.key for notice in take(store, at, except_channels=["X"])] == ["a", "late"]


def test_what_was_sent_stays_sent(store: Store) -> None:
    put(store)
    first = take(store)[0]
    second = take(store, NOW + LEASE)[0]
    with store.session() as session:
        mark_sent(session, first, NOW + LEASE)
        assert mark_failed(session, second, NOW + LEASE, "no answer", Backoff()) == "waiting"
        mark_sent(session, second, NOW + 2 * LEASE)
    assert states(store) == {"k": "sent"}
    with store.reading() as session:
        assert list_notices(session, ("sent",))[0].sent_at == NOW + LEASE
    with pytest.raises(Conflict, match="notice k was sent at 2026-03-02 01:03 UTC"), store.session() as session:
        retry_notice(session, "k", NOW)


def test_a_late_failure_does_not_take_the_notice_from_its_new_taker(store: Store) -> None:
    put(store)
    first = take(store)[0]
    take(store, NOW + LEASE)
    with store.session() as session:
        mark_failed(session, first, NOW + LEASE, "no answer", Backoff(first_wait=SECOND))
        mark_dropped(session, first, "nobody")
    assert states(store) == {"k": "waiting"}
    assert take(store, NOW + LEASE + 2 * SECOND) == ()


def test_waits_double_up_to_the_longest_and_the_last_attempt_fails_for_good(store: Store) -> None:
    put(store)
    backoff = Backoff(attempts=4, first_wait=timedelta(seconds=30), longest_wait=timedelta(seconds=100))
    at = NOW
    for wait in (30, 60, 100):
        with store.session() as session:
            assert mark_failed(session, take_due(session, at, 1)[0], at, "no answer", backoff) == "waiting"
        at += timedelta(seconds=wait)
        assert take(store, at - SECOND) == ()
    with store.session() as session:
        assert mark_failed(session, take_due(session, at, 1)[0], at, "x" * 999, backoff) == "failed"
    assert take(store, at + timedelta(days=9)) == ()
    with store.reading() as session:
        assert list_notices(session)[0].last_error == "x" * 200
    assert Backoff().wait(10_000) == timedelta(hours=1)


def test_a_failed_notice_is_tried_again_on_demand_with_all_attempts(store: Store) -> None:
    put(store)
    with store.session() as session:
        mark_failed(session, take_due(session, NOW, 1)[0], NOW, "no answer", Backoff(attempts=1))
        retry_notice(session, "k", NOW + SECOND)
    assert take(store, NOW) == ()
    assert take(store, NOW + SECOND)[0].attempt == 1
    with pytest.raises(NotFound, match="notice z does not exist"), store.session() as session:
        retry_notice(session, "z", NOW)


def test_two_senders_never_hold_the_same_notice(store: Store) -> None:
    for number in range(40):
        put(store, f"k{number}")
    begin = threading.Barrier(4)
    taken: list[str] = []

    def work() -> None:
        begin.wait(10)
        while got := take(store, limit=1):
            taken.append(got[0].key)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == len(set(taken))
    # A taker that found every row it saw locked has stopped early; what it left is due still.
    assert set(taken) | {notice.key for notice in take(store, limit=40)} == {f"k{number}" for number in range(40)}


def test_on_postgresql_a_row_that_another_one_is_taking_is_passed_over(store: Store) -> None:
    if store.engine.dialect.name != "postgresql":
        return
    put(store, "a")
    put(store, "b")
    with store.session() as session, store.session() as other:
        assert [notice.key for notice in take_due(session, NOW, 1)] == ["a"]
        assert [notice.key for notice in take_due(other, NOW, 5)] == ["b"]


def test_how_people_are_reached_is_read_when_it_is_needed(store: Store) -> None:
    with store.session() as session:
        for row in (
            "customer (id, name, tier, segment) VALUES ('C', 'c', 'A', '')",
            "site (id, customer_id, name, address, region, lat, lon) VALUES ('S', 'C', 's', '', '', 1, 1), ('S2', 'C', 's', '', '', 1, 1)",
            "contact (id, customer_id, site_id, name, role, phone, email) VALUES"
            " ('K-1', 'C', 'S', 'k', '', '1', 'k@x.y'), ('K-2', 'C', NULL, 'k', '', '', '')",
        ):
            session.execute(text(f"INSERT INTO {row}"))
        assert reach_of(session, "customer", "K-1") == {"phone": "1", "email": "k@x.y"}
        assert reach_of(session, "customer", "K-2") == {}
        assert reach_of(session, "customer", "K-3") is None
        assert reach_of(session, "technician", "T") is None
        assert reach_of(session, "coordinator", "") == {}
        assert contacts_to_tell(session, "S") == ("K-1",)
        assert contacts_to_tell(session, "S2") == ("K-2",)
