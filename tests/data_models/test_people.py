"""Accounts, sessions and tokens: who is let in, for how long, and that the store keeps nothing that lets anybody in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from data_models.errors import BadInput, Conflict, NotFound
from data_models.passwords import hash_password, is_password
from data_models.people import MAY, ROLES, Person, may
from data_models.store import Store
from data_models.store.people import (
    IDLE,
    LONGEST,
    add_person,
    authenticate,
    begin_session,
    disable_person,
    end_session,
    list_people,
    list_tokens,
    make_token,
    revoke_token,
    session_of_token,
    set_password,
    token_of,
    touch_session,
)

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105
SECOND = timedelta(seconds=1)


@pytest.fixture
def li(store: Store) -> Person:
    with store.session() as session:
        return add_person(session, "Li.Na", "李娜", "coordinator", NOW, password=PASSWORD, regions=["east"])


def test_a_role_may_what_its_table_says_and_only_in_its_regions(li: Person) -> None:
    assert may(li, "decide", "east")
    assert not may(li, "decide", "west")
    assert not may(li, "decide", "")
    assert may(li, "decide", None)
    assert not may(li, "administer", "east")
    everywhere = Person(1, "a", "a", "viewer")
    assert may(everywhere, "see", "")
    assert not may(everywhere, "edit", "")
    assert set(MAY) == set(ROLES)


def test_the_right_password_lets_in_whatever_the_case_of_the_login(store: Store, li: Person) -> None:
    with store.session() as session:
        assert authenticate(session, "LI.NA", PASSWORD) == li
        assert authenticate(session, "li.na", PASSWORD + "x") is None
        assert authenticate(session, "nobody", PASSWORD) is None


def test_nothing_that_lets_in_is_kept(store: Store, li: Person) -> None:
    with store.session() as session:
        token = begin_session(session, li.id, NOW)
        machine = make_token(session, "erp", ["plans:read"], NOW, by="li.na")
    with store.reading() as session:
        rows = [*session.execute(text("SELECT * FROM account")), *session.execute(text("SELECT * FROM login_session"))]
        rows += session.execute(text("SELECT * FROM api_token"))
    kept = repr(rows)
    assert not any(secret in kept for secret in (PASSWORD, token, machine))


@pytest.mark.parametrize("password", ["short", "li.na has a password", "a" * 12, "x" * 201])
def test_poor_passwords_are_refused(store: Store, password: str) -> None:
    with store.session() as session, pytest.raises(BadInput):
        add_person(session, "li.na", "", "viewer", NOW, password=password)


def test_no_password_means_none_is_right() -> None:
    assert not is_password("", "")
    assert not is_password("not a hash", "anything")
    assert is_password(hash_password(PASSWORD, "x1"), PASSWORD)


def test_a_session_ends_when_unused_and_after_a_day(store: Store, li: Person) -> None:
    with store.session() as session:
        token = begin_session(session, li.id, NOW)
        kept = session_of_token(session, token, NOW + IDLE - SECOND)
        assert kept is not None
        assert kept.person == li
        assert session_of_token(session, token, NOW + IDLE) is None
        for hours in (7, 14, 21):
            touch_session(session, token, NOW + timedelta(hours=hours))
        assert session_of_token(session, token, NOW + LONGEST - SECOND) is not None
        assert session_of_token(session, token, NOW + LONGEST) is None
        assert session_of_token(session, token + "x", NOW) is None


def test_logging_out_a_new_password_and_shutting_out_end_sessions(store: Store, li: Person) -> None:
    with store.session() as session:
        first, second = begin_session(session, li.id, NOW), begin_session(session, li.id, NOW)
        end_session(session, first)
        assert session_of_token(session, first, NOW) is None
        assert session_of_token(session, second, NOW) is not None
        set_password(session, "li.na", "another long password")
        assert session_of_token(session, second, NOW) is None
        assert authenticate(session, "li.na", PASSWORD) is None
        third = begin_session(session, li.id, NOW)
        disable_person(session, "li.na", NOW)
        assert session_of_token(session, third, NOW) is None
        assert authenticate(session, "li.na", "another long password") is None
        assert list_people(session) == [(li, NOW)]


def test_logins_are_unique_and_technicians_known(store: Store, li: Person) -> None:
    with store.session() as session:
        with pytest.raises(Conflict, match="exists already"):
            add_person(session, "LI.NA", "", "viewer", NOW)
        with pytest.raises(BadInput, match="T-9 does not exist"):
            add_person(session, "wang", "", "technician", NOW, technician="T-9")
        with pytest.raises(BadInput, match="names the technician"):
            add_person(session, "wang", "", "technician", NOW)
        with pytest.raises(NotFound):
            disable_person(session, "wang", NOW)


def test_a_token_is_good_until_it_ends_or_is_revoked(store: Store) -> None:
    with store.session() as session:
        token = make_token(session, "erp", ["tickets:write", "plans:read"], NOW, by="root", expires_at=NOW + SECOND, regions=["east"])
        kept = token_of(session, token, NOW)
        assert kept is not None
        assert (kept.name, kept.scopes, kept.regions) == ("erp", ("tickets:write", "plans:read"), ("east",))
        assert token_of(session, token, NOW + SECOND) is None
        lasting = make_token(session, "erp", ["plans:read"], NOW, by="root")
        revoke_token(session, list_tokens(session)[0].id, NOW)
        assert token_of(session, lasting, NOW) is None
        with pytest.raises(BadInput, match="plans:burn"):
            make_token(session, "erp", ["plans:burn"], NOW, by="root")  # type: ignore[list-item]
