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
    if role not in ROLES:
        raise BadInput(f"role {role}: is none; known are {', '.join(ROLES)}")
    if role == "technician" and technician is None:
        raise BadInput(f"{login}: a technician's account names the technician; add --technician ID")
    if technician is not None and session.get(tables.Technician, technician) is None:
        raise BadInput(f"technician {technician} does not exist; import technicians first, or name another")
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


def set_password(session: Session, login: str, password: str) -> None:
    """Give somebody another password; all their sessions end. Raises `NotFound`, `BadInput`."""
    row = _account(session, login)
    row.password_hash = hash_password(password, row.login)
    end_sessions(session, row.id)


def disable_person(session: Session, login: str, at: datetime) -> None:
    """Shut somebody out from now on; what they did stays under their name. Raises `NotFound`."""
    row = _account(session, login)
    row.disabled_at = row.disabled_at or at
    end_sessions(session, row.id)


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


def _account(session: Session, login: str) -> tables.Account:
    row = session.scalar(select(tables.Account).where(tables.Account.login == login.strip().casefold()))
    if row is None:
        raise NotFound(f"{login} is nobody; `twohour people list` shows who there is")
    return row


def _person(row: tables.Account) -> Person:
    role = next(role for role in ROLES if role == row.role)
    return Person(row.id, row.login, row.name, role, tuple(row.regions), row.technician_id, row.language)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
