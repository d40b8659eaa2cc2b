"""Contact data at rest: sealed in its own row, opened by its key alone, sealed anew while others work, and in no message or log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update

from config.settings import Settings
from data_models import tables
from data_models.errors import BadInput, Unavailable
from data_models.migrations.upgrade import alembic_config, upgrade
from data_models.sealing import KEY_BYTES, SEALED, Keyring, new_key, parse_keys, place_of
from data_models.store import Store, make_engine, open_store
from data_models.store.notices import reach_of
from data_models.store.sealing import key_use, must_open, seal_anew
from data_models.tables.sealed import Placed, placed
from flows.intake import import_table

OLD = Keyring({"old": b"o" * KEY_BYTES})
BOTH = Keyring({"new": b"n" * KEY_BYTES, **OLD.keys})
NEW = Keyring({"new": b"n" * KEY_BYTES})
PHONE = "+86 139 0000 0001"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def sealed(database_url: str) -> Iterator[Store]:
    """A store that seals with OLD, with a customer, a contact and a technician."""
    with open_store(database_url, OLD) as store:
        with store.session() as session:
            session.add(tables.Customer(id="C-1", name="太湖制药", tier="A"))
            session.add(tables.Station(id="ST-1", name="上海", lat=31.2, lon=121.5))
            session.flush()
            session.add(tables.Contact(phone=PHONE, name="王敏", id="P-1", customer_id="C-1", email="wang.min@example.com"))
            session.add(tables.Technician(id="T-1", name="李", station_id="ST-1", phone="138"))
        yield store


def _kept(store: Store, column: str, table: str = "contact") -> list[str]:
    with store.engine.connect() as connection:
        return list(connection.execute(text(f"SELECT {column} FROM {table} ORDER BY 1")).scalars())  # noqa: S608


def _with_keys(store: Store, keys: Keyring) -> Store:
    return Store(make_engine(store.engine.url.render_as_string(hide_password=False), keys))


def test_what_is_kept_holds_nothing_of_what_was_written_and_reads_as_it(sealed: Store) -> None:
    for column in ("name", "phone", "email"):
        assert _kept(sealed, column)[0].startswith(f"{SEALED}old:")
        assert PHONE not in _kept(sealed, column)[0]
    assert _kept(sealed, "phone", "technician")[0].startswith(SEALED)
    with sealed.reading() as session:
        row = session.get_one(tables.Contact, "P-1")
        assert (row.name, row.phone, row.email) == ("王敏", PHONE, "wang.min@example.com")
        assert session.execute(select(tables.Contact.phone)).scalar_one() == PHONE
        assert reach_of(session, "technician", "T-1") == {"phone": "138"}


def test_the_same_text_is_never_sealed_the_same_way_twice() -> None:
    assert OLD.seal(PHONE, "x") != OLD.seal(PHONE, "x")


@given(st.text(), st.text(min_size=1))
def test_every_text_comes_back_with_and_without_a_key(content: str, place: str) -> None:
    for keys in (OLD, Keyring()):
        assert keys.open(keys.seal(content, place), place) == content


def test_a_text_that_looks_sealed_is_not_taken_for_one(database_url: str) -> None:
    typed = f"{SEALED}old:AAAA"
    with open_store(database_url, Keyring()) as store:
        with store.session() as session:
            session.add(tables.Customer(id="C-1", name="x", tier="A"))
            session.flush()
            session.add(tables.Contact(id="P-1", customer_id="C-1", name=typed))
        with store.reading() as session:
            assert session.get_one(tables.Contact, "P-1").name == typed


def test_a_number_moved_to_another_row_or_column_does_not_open_there(sealed: Store) -> None:
    with sealed.engine.begin() as connection:
        connection.execute(text("INSERT INTO contact (id, customer_id, name, role, phone, email) VALUES ('P-2', 'C-1', '', '', '', '')"))
        connection.execute(text("UPDATE contact SET phone = (SELECT phone FROM contact WHERE id = 'P-1') WHERE id = 'P-2'"))
    with sealed.reading() as session, pytest.raises(Unavailable, match=r"contact\.phone of P-2 does not open with key old"):
        session.get_one(tables.Contact, "P-2")
    with sealed.engine.begin() as connection:
        connection.execute(text("UPDATE contact SET name = phone WHERE id = 'P-1'"))
    with sealed.reading() as session, pytest.raises(Unavailable, match=r"contact\.name of P-1"):
        session.execute(select(tables.Contact.name).where(tables.Contact.id == "P-1")).all()


@pytest.mark.parametrize("damage", ["cut", "flipped", "no Base64"])
def test_a_changed_text_is_an_error_and_never_garbage(damage: str) -> None:
    kept = OLD.seal(PHONE, "here")
    body = kept.removeprefix(f"{SEALED}old:")
    broken = {"cut": body[:8], "flipped": ("B" if body[0] == "A" else "A") + body[1:], "no Base64": "*" + body[1:]}[damage]
    with pytest.raises(Unavailable, match="does not open with key old"):
        OLD.open(f"{SEALED}old:{broken}", "here")


def test_a_wrong_or_missing_key_is_named_with_the_remedy_and_without_the_text(sealed: Store) -> None:
    wrong = Keyring({"old": b"w" * KEY_BYTES})
    for keys, says in ((wrong, "put the right key under old"), (NEW, "which TWOHOUR_CONTACT_KEYS does not hold: add old:")):
        other = _with_keys(sealed, keys)
        for look in (lambda session: session.get_one(tables.Contact, "P-1"), must_open):
            with other.reading() as session, pytest.raises(Unavailable) as told:
                look(session)
            assert says in str(told.value)
            assert PHONE not in str(told.value)
        other.close()


def test_what_was_not_given_its_row_is_refused_and_named_without_its_value(sealed: Store) -> None:
    with pytest.raises(Exception, match=r"contact\.phone: a text to be sealed must know its row") as told, sealed.session() as session:
        session.execute(update(tables.Contact).values(phone="13712345678"))
    assert "13712345678" not in str(told.value)


def test_bulk_writing_seals_too(sealed: Store) -> None:
    row = {"id": "P-2", "customer_id": "C-1", "name": "赵", "role": "", "phone": "1", "email": ""}
    with sealed.session() as session:
        session.execute(insert(tables.Contact), placed(tables.Contact, [row]))
    with sealed.session() as session:
        session.get_one(tables.Contact, "P-2").phone = "2"
    assert all(kept.startswith(SEALED) for kept in _kept(sealed, "phone"))
    with sealed.reading() as session:
        assert session.get_one(tables.Contact, "P-2").phone == "2"


def test_an_import_seals_and_finds_unchanged_rows_unchanged(sealed: Store, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(
        f"id,customer,site,name,role,phone,email\nP-1,C-1,,王敏,,{PHONE},wang.min@example.com\nP-9,C-1,,赵,,110,\n", encoding="utf-8"
    )
    before = _kept(sealed, "phone")
    report = import_table(sealed, Settings(), "contacts", file, now=NOW)
    assert (report.inserted, report.updated, report.unchanged) == (1, 0, 1)
    assert set(before) < set(_kept(sealed, "phone"))
    with sealed.reading() as session:
        found = session.scalars(select(tables.Contact.phone)).all()
    assert sorted(found) == [PHONE, "110"]


def test_after_sealing_anew_the_old_key_can_go(sealed: Store) -> None:
    both = _with_keys(sealed, BOTH)
    with both.reading() as session:
        assert session.get_one(tables.Contact, "P-1").phone == PHONE, "old ones still open"
    assert sum(seal_anew(both)) == 4  # name, phone and mail of the contact, phone of the technician
    assert sum(seal_anew(both)) == 0
    both.close()
    new = _with_keys(sealed, NEW)
    with new.reading() as session:
        assert session.get_one(tables.Contact, "P-1").phone == PHONE
        assert key_use(session).sealed == {"new": 4}
    new.close()


def test_sealing_anew_goes_on_where_it_was_interrupted(sealed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_models.store.sealing._BATCH", 1)
    both = _with_keys(sealed, BOTH)
    steps = seal_anew(both)
    assert next(steps) == 1
    steps.close()  # as Ctrl-C would
    with both.reading() as session:
        assert sorted(key_use(session).sealed.items()) == [("new", 1), ("old", 3)]
        must_open(session)
    assert sum(seal_anew(both)) == 3
    both.close()


def test_sealing_anew_changes_nothing_when_a_key_is_missing(sealed: Store) -> None:
    before = _kept(sealed, "phone")
    new = _with_keys(sealed, NEW)
    with pytest.raises(Unavailable, match="add old:"):
        list(seal_anew(new))
    new.close()
    assert _kept(sealed, "phone") == before
    with pytest.raises(BadInput, match="keys new"):
        list(seal_anew(_with_keys(sealed, Keyring())))


def test_the_migration_seals_what_is_there_when_there_is_a_key_and_opens_it_on_the_way_back(database_url: str) -> None:
    from alembic import command

    engine = make_engine(database_url, OLD)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0007")
        connection.execute(text("INSERT INTO customer (id, name, tier, segment) VALUES ('C-1', 'x', 'A', '')"))
        for number in range(3):
            connection.execute(
                text("INSERT INTO contact (id, customer_id, name, role, phone, email) VALUES (:id, 'C-1', '王', '', :phone, '')"),
                {"id": f"P-{number}", "phone": PHONE},
            )
    upgrade(engine)
    store = Store(engine)
    assert all(kept.startswith(SEALED) for kept in _kept(store, "phone"))
    assert _kept(store, "email") == ["", "", ""]
    with store.reading() as session:
        assert session.get_one(tables.Contact, "P-2").phone == PHONE
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0007")
    assert _kept(store, "phone") == [PHONE] * 3
    store.close()


def test_no_log_line_of_the_database_holds_contact_data(sealed: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="sqlalchemy.engine"), sealed.session() as session:
        session.get_one(tables.Contact, "P-1").phone = "13712345678"
        session.flush()
    assert "13712345678" not in caplog.text


@pytest.mark.parametrize("wrong", ["x", "a:b", f"k:{'A' * 10}", "bad id:" + "QUJD" * 10 + "QUE="])
def test_keys_that_cannot_be_read_are_refused_unshown(wrong: str) -> None:
    with pytest.raises(BadInput, match="TWOHOUR_CONTACT_KEYS: key 1 \\(not shown\\)") as told:
        parse_keys(wrong)
    assert wrong.partition(":")[2] not in str(told.value) or wrong.partition(":")[2] in ("", "b")


def test_keys_are_read_in_their_order() -> None:
    first, second = new_key(date(2026, 3, 2)), new_key(date(2026, 3, 1))
    keys = parse_keys(f" {first},\n{second} ")
    assert keys.first == first.partition(":")[0]
    assert len(keys.keys) == 2
    assert parse_keys("") == Keyring()
    assert "keys=" not in repr(keys), "no key in a traceback"
    with pytest.raises(BadInput, match="twice"):
        parse_keys(f"{first},{first}")


def test_a_placed_text_is_the_text() -> None:
    assert Placed("a", place_of("contact", "phone", "P-1")) == "a"
