"""The audit trail: bound entry to entry, refused to be changed, and telling where it was changed all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from data_models.errors import Conflict, TwohourError
from data_models.store import Store
from data_models.store.audit import list_audit, verify_audit, write_audit

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def trail(store: Store) -> Store:
    for number in range(1, 5):
        with store.session() as session:
            write_audit(session, "李娜", "plan approved", f"plan {number}", NOW + timedelta(minutes=number), {"reason": "合适 <b>"})
    return store


def test_entries_follow_each_other(trail: Store) -> None:
    with trail.reading() as session:
        verdict = verify_audit(session)
        entries = list_audit(session, 2)
    assert (verdict.entries, verdict.wrong) == (4, None)
    assert [entry.subject for entry in entries] == ["plan 4", "plan 3"]
    assert entries[0].at == datetime(2026, 3, 2, 0, 4, tzinfo=UTC)
    assert entries[0].previous == entries[1].hash
    assert verdict.last_hash == entries[0].hash


def test_an_entry_is_gone_with_the_transaction_that_it_tells_of(trail: Store) -> None:
    def fail_after_writing() -> None:
        with trail.session() as session:
            write_audit(session, "li", "plan approved", "plan 9", NOW)
            raise Conflict("somebody was first")

    with pytest.raises(Conflict):
        fail_after_writing()
    with trail.reading() as session:
        assert verify_audit(session).entries == 4


@pytest.mark.parametrize("change", ["UPDATE audit_entry SET by = 'x'", "DELETE FROM audit_entry"])
def test_the_database_refuses_to_change_entries(trail: Store, change: str) -> None:
    with pytest.raises(TwohourError), trail.session() as session:
        session.execute(text(change))
    with trail.reading() as session:
        assert verify_audit(session).wrong is None


def _past_the_guards(store: Store, change: str) -> None:
    sqlite = store.engine.dialect.name == "sqlite"
    drop = ["audit_entry_no_update", "audit_entry_no_delete"] if sqlite else ["audit_entry_kept ON audit_entry"]
    with store.session() as session:
        for trigger in drop:
            session.execute(text(f"DROP TRIGGER {trigger}"))
        session.execute(text(change))


@pytest.mark.parametrize(
    ("change", "sound", "told"),
    [
        ("UPDATE audit_entry SET details = '{}' WHERE number = 2", 1, "entry 2 (plan approved by 李娜) is not what was written"),
        ("UPDATE audit_entry SET previous = hash WHERE number = 3", 2, "entry 3 does not follow from entry 2"),
        ("DELETE FROM audit_entry WHERE number = 2", 1, "entry 2 is missing before entry 3"),
        ("DELETE FROM audit_entry WHERE number = 1", 0, "entry 1 is missing before entry 2"),
    ],
)
def test_a_change_past_the_guards_is_found(trail: Store, change: str, sound: int, told: str) -> None:
    _past_the_guards(trail, change)
    with trail.reading() as session:
        verdict = verify_audit(session)
    assert (verdict.entries, verdict.wrong) == (sound, told)


def test_a_tail_cut_off_is_found_by_the_hash_that_was_noted(trail: Store) -> None:
    with trail.reading() as session:
        noted = verify_audit(session).last_hash
    _past_the_guards(trail, "DELETE FROM audit_entry WHERE number = 4")
    with trail.reading() as session:
        assert verify_audit(session).wrong is None
        assert "cut off" in str(verify_audit(session, noted).wrong)
