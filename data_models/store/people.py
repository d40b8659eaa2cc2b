"""People who can log in, their sessions, and tokens of machines. Of sessions and tokens only digests are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.passwords import hash_password, is_outdated, is_password
from data_models.people import ROLES, SCOPES, Person, Role, Scope

IDLE = timedelta(hours=8)
"""A session that nobody used for so long is over: a shift."""

LONGEST = timedelta(hours=24)
"""And so is one that began so long ago."""

TOKEN_PREFIX = "twohour_"  # noqa: S105  a mark by which leaked tokens are found, no secret
SEEN_STEP = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""


@dataclass(frozen=True)
class KeptSession:
    """Who a session belongs to, and what its requests must carry to be their own doing."""

    person: Person
    csrf: str
    seen_at: datetime


@dataclass(frozen=True)
class KeptToken:
    """A token of a machine: what it is good for, and where."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    regions: tuple[str, ...]


def add_person(
    session: Session,
    login: str,
    name: str,
    role: Role,
    at: datetime,
    *,
    password: str = "",
    regions: Sequence[str] = (),
    technician: str | None = None,
    subject: str | None = None,
    must_change: bool = False,
) -> Person:
    """Add somebody. Without a password they come in by OpenID Connect only (`subject`).

    Raises
    ------
    BadInput
        Login, role, password or technician are not what is allowed.
    Conflict
        Somebody has this login.
    """
    login = _login(login)
    _must_fit(session, login, role, regions, technician)
    if session.scalar(select(tables.Account.id).where(tables.Account.login == login)) is not None:
        raise Conflict(f"{login} exists already; choose another login, or change that one")
    row = tables.Account(
        login=login,
        name=name.strip() or login,
        role=role,
        regions=sorted(set(regions)),
        technician_id=technician,
        language="",
        password_hash=hash_password(password, login) if password else "",
        must_change=must_change,
        subject=subject,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return _person(row)


def list_people(session: Session) -> list[tuple[Person, datetime | None]]:
    """Everybody, by login, with when they were shut out."""
    return [(_person(row), row.disabled_at) for row in session.scalars(select(tables.Account).order_by(tables.Account.login))]


def person_by_login(session: Session, login: str) -> Person:
    """Who has this login. Raises `NotFound`."""
    return _person(_account(session, login))


def change_person(
    session: Session, login: str, *, name: str, role: Role, regions: Sequence[str], technician: str | None, language: str
) -> Person:
    """Change what somebody is called and may do; it holds from their next request on.

    Raises
    ------
    NotFound
        Nobody has this login.
    BadInput
        Role, regions, technician or language are not what is allowed.
    Conflict
        Nobody would be left who may administer.
    """
    row = _account(session, login)
    _must_fit(session, login, role, regions, technician)
    if language not in ("", "zh", "en"):
        raise BadInput(f"language {language}: is none; known are zh and en, or nothing for what the browser asks for")
    if role != "administrator":
        _must_leave_an_administrator(session, row)
    row.name, row.role, row.regions, row.language = name.strip() or row.login, role, sorted(set(regions)), language
    row.technician_id = technician
    session.flush()
    return _person(row)


def person_by_id(session: Session, person: int) -> tuple[Person, datetime | None]:
    """Somebody by their number, with when they were shut out. Raises `NotFound`."""
    row = session.get(tables.Account, person)
    if row is None:
        raise NotFound(f"person {person} does not exist; `twohour people list` shows who there is")
    return _person(row), row.disabled_at


def known_regions(session: Session) -> list[str]:
    """The regions of stations and sites."""
    station, site = tables.Station.region, tables.Site.region
    return sorted({*session.scalars(select(station).distinct()), *session.scalars(select(site).distinct())} - {""})


def set_password(session: Session, login: str, password: str, *, must_change: bool = False) -> None:
    """Give somebody another password; all their sessions end. Raises `NotFound`, `BadInput`.

    `must_change`: it was somebody else who gave it, and they choose one of their own when they log in.
    """
    row = _account(session, login)
    row.password_hash, row.must_change = hash_password(password, row.login), must_change
    end_sessions(session, row.id)


def disable_person(session: Session, login: str, at: datetime) -> None:
    """Shut somebody out from now on; what they did stays under their name.

    Raises `NotFound`, and `Conflict` when nobody would be left who may administer.
    """
    row = _account(session, login)
    _must_leave_an_administrator(session, row)
    row.disabled_at = row.disabled_at or at
    end_sessions(session, row.id)


def enable_person(session: Session, login: str) -> None:
    """Let somebody in again. Raises `NotFound`."""
    _account(session, login).disabled_at = None


def has_password(session: Session, person: int) -> bool:
    """Whether somebody can log in by a password."""
    return bool(session.get_one(tables.Account, person).password_hash)


def set_language(session: Session, person: Person, language: str) -> None:
    """Remember the language that somebody chose."""
    row = session.get_one(tables.Account, person.id)
    row.language = language


def authenticate(session: Session, login: str, password: str) -> Person | None:
    """Who has this login and password; None when nobody has, which takes as long."""
    row = session.scalar(select(tables.Account).where(tables.Account.login == login.strip().casefold()))
    is_right = is_password(row.password_hash if row is not None else "", password)
    if row is None or not is_right or row.disabled_at is not None:
        return None
    if is_outdated(row.password_hash):
        row.password_hash = hash_password(password, row.login)
    return _person(row)


def begin_session(session: Session, person: int, at: datetime) -> str:
    """A new session; gives its token, which only the browser keeps. Sessions that are over are cleared away."""
    session.execute(delete(tables.LoginSession).where((tables.LoginSession.ends_at <= at) | (tables.LoginSession.seen_at <= at - IDLE)))
    token = secrets.token_urlsafe(32)
    csrf = secrets.token_urlsafe(32)
    session.add(tables.LoginSession(digest=_digest(token), account_id=person, csrf=csrf, began_at=at, seen_at=at, ends_at=at + LONGEST))
    session.flush()
    return token


def session_of_token(session: Session, token: str, at: datetime) -> KeptSession | None:
    """The session of a token as long as it runs and its person is let in."""
    query = (
        select(tables.LoginSession, tables.Account)
        .join(tables.Account, tables.Account.id == tables.LoginSession.account_id)
        .where(tables.LoginSession.digest == _digest(token))
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    kept, account = found
    if account.disabled_at is not None or at >= kept.ends_at or at >= kept.seen_at + IDLE:
        return None
    return KeptSession(_person(account), kept.csrf, kept.seen_at)


def touch_session(session: Session, token: str, at: datetime) -> None:
    """Note that a session is in use; once in `SEEN_STEP` is often enough."""
    kept = session.get(tables.LoginSession, _digest(token))
    if kept is not None:
        kept.seen_at = max(kept.seen_at, at)


def end_session(session: Session, token: str) -> None:
    """Log out."""
    session.execute(delete(tables.LoginSession).where(tables.LoginSession.digest == _digest(token)))


def end_sessions(session: Session, person: int) -> None:
    """Log somebody out everywhere."""
    session.execute(delete(tables.LoginSession).where(tables.LoginSession.account_id == person))


def sessions_of(session: Session, person: int, at: datetime) -> list[tables.LoginSession]:
    """Somebody's sessions that run, the latest used first."""
    query = select(tables.LoginSession).where(
        tables.LoginSession.account_id == person, tables.LoginSession.ends_at > at, tables.LoginSession.seen_at > at - IDLE
    )
    return list(session.scalars(query.order_by(tables.LoginSession.seen_at.desc(), tables.LoginSession.digest)))


def digest_of(token: str) -> str:
    """By what a session is known in the store; nobody gets from it to the token."""
    return _digest(token)


def end_session_of(session: Session, person: int, digest: str) -> None:
    """End one session of somebody's; of others', or one that is over, nothing happens."""
    session.execute(delete(tables.LoginSession).where(tables.LoginSession.account_id == person, tables.LoginSession.digest == digest))


def make_token(
    session: Session,
    name: str,
    scopes: Sequence[Scope],
    at: datetime,
    *,
    by: str,
    expires_at: datetime | None = None,
    regions: Sequence[str] = (),
) -> str:
    """A token for a machine; it is shown once and never again. Raises `BadInput`."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadInput(f"scopes {', '.join(unknown) or 'none'}: choose from {', '.join(SCOPES)}")
    if not name.strip():
        raise BadInput("a token needs a name that says which machine has it")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(
        tables.ApiToken(
            name=name.strip(),
            digest=_digest(token),
            scopes=sorted(set(scopes)),
            regions=sorted(set(regions)),
            created_at=at,
            created_by=by,
            expires_at=expires_at,
        )
    )
    session.flush()
    return token


def token_of(session: Session, token: str, at: datetime) -> KeptToken | None:
    """What a token is good for; None when it is unknown, revoked or over."""
    row = session.scalar(select(tables.ApiToken).where(tables.ApiToken.digest == _digest(token)))
    if row is None or row.revoked_at is not None or (row.expires_at is not None and at >= row.expires_at):
        return None
    return KeptToken(row.id, row.name, tuple(scope for scope in SCOPES if scope in row.scopes), tuple(row.regions))


def list_tokens(session: Session) -> list[tables.ApiToken]:
    """All tokens, the newest first."""
    return list(session.scalars(select(tables.ApiToken).order_by(tables.ApiToken.id.desc())))


def revoke_token(session: Session, number: int, at: datetime) -> None:
    """Make a token worthless. Raises `NotFound`."""
    row = session.get(tables.ApiToken, number)
    if row is None:
        raise NotFound(f"token {number} does not exist; `twohour tokens list` shows those that do")
    row.revoked_at = row.revoked_at or at


def _login(login: str) -> str:
    login = login.strip().casefold()
    if not 1 <= len(login) <= 64 or not login.isprintable() or any(character.isspace() for character in login):
        raise BadInput(f"login {login!r}: give 1 to 64 characters without spaces")
    return login


def _must_fit(session: Session, login: str, role: str, regions: Sequence[str], technician: str | None) -> None:
    if role not in ROLES:
        raise BadInput(f"role {role}: is none; known are {', '.join(ROLES)}")
    if role == "administrator" and regions:
        raise BadInput(f"{login}: an administrator's role holds everywhere; leave the regions out")
    if role == "technician" and technician is None:
        raise BadInput(f"{login}: a technician's account names the technician; add --technician ID")
    if technician is not None and session.get(tables.Technician, technician) is None:
        raise BadInput(f"technician {technician} does not exist; import technicians first, or name another")


def _must_leave_an_administrator(session: Session, row: tables.Account) -> None:
    account = tables.Account
    if row.role != "administrator" or row.disabled_at is not None:
        return
    # Locked, so that two administrators cannot shut each other out at once.
    query = select(account.id).where(account.role == "administrator", account.disabled_at.is_(None)).with_for_update()
    if set(session.scalars(query)) <= {row.id}:
        raise Conflict(f"{row.login} is the last administrator; make somebody else one first")


def _account(session: Session, login: str) -> tables.Account:
    row = session.scalar(select(tables.Account).where(tables.Account.login == login.strip().casefold()))
    if row is None:
        raise NotFound(f"{login} is nobody; `twohour people list` shows who there is")
    return row


def _person(row: tables.Account) -> Person:
    role = next(role for role in ROLES if role == row.role)
    return Person(row.id, row.login, row.name, role, tuple(row.regions), row.technician_id, row.language, row.must_change)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
