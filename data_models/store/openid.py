"""Logins by an OpenID provider: who was sent there and may come back once, and whose account they are."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.errors import BadInput
from data_models.people import Person, Role
from data_models.store.audit import write_audit
from data_models.store.people import add_person, change_person, person_by_login

LONGEST = timedelta(minutes=10)
"""How long somebody may take at the provider."""


@dataclass(frozen=True)
class Attempt:
    """A way to the provider that was begun: `state` goes along, `nonce` comes back in the token, `verifier` proves that it was us."""

    state: str
    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True)
class Known:
    """What the provider says of somebody. `role` None: it does not say, and the account keeps what it has, as with `regions` None."""

    subject: str
    login: str
    name: str
    role: Role | None
    regions: tuple[str, ...] | None
    technician: str | None


def begin_attempt(session: Session, browser: str, next: str, at: datetime) -> Attempt:
    """Note that the browser with this token goes to the provider; attempts that took too long are cleared away."""
    session.execute(delete(tables.OpenIdAttempt).where(tables.OpenIdAttempt.began_at <= at - LONGEST))
    attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64), next)
    session.add(
        tables.OpenIdAttempt(
            digest=_digest(attempt.state),
            browser=_digest(browser),
            nonce=attempt.nonce,
            verifier=attempt.verifier,
            next=next,
            began_at=at,
        )
    )
    session.flush()
    return attempt


def take_attempt(session: Session, state: str, browser: str, at: datetime) -> Attempt | None:
    """The attempt of a state, if it was this browser's and not too long ago. It is gone then, so that nobody comes back with it again."""
    row = session.scalar(select(tables.OpenIdAttempt).where(tables.OpenIdAttempt.digest == _digest(state)).with_for_update())
    if row is None:
        return None
    attempt = Attempt(state, row.nonce, row.verifier, row.next)
    is_theirs = secrets.compare_digest(row.browser, _digest(browser)) and at < row.began_at + LONGEST
    session.delete(row)
    session.flush()
    return attempt if is_theirs else None


def person_of_provider(session: Session, known: Known, at: datetime, *, make_with: Role | None) -> Person:
    """The account of somebody whom the provider knows: the one that was theirs before, else one of their login that is nobody's yet, else,
    with `make_with`, a new one in this role unless the provider names another.

    Raises
    ------
    BadInput
        There is none, it is shut out or somebody else's, or the role does not fit.
    Conflict
        The last administrator would be none any more.
    """
    account = tables.Account
    row = session.scalar(select(account).where(account.subject == known.subject))
    if row is None and known.login:
        row = session.scalar(select(account).where(account.login == known.login.strip().casefold()))
    if row is None:
        return _added(session, known, at, make_with)
    if row.disabled_at is not None:
        raise BadInput(f"{row.login} is shut out; an administrator may let them in again")
    if row.subject is None:
        if row.role == "administrator" and known.role != "administrator":
            # Where people choose the name themselves, anybody could become the administrator of that name.
            raise BadInput(f"{row.login} is an administrator here, and the provider does not say so; log in with the password")
        row.subject = known.subject
        write_audit(session, row.login, "person linked to OpenID", row.login, at)
    elif row.subject != known.subject:
        raise BadInput(f"{row.login} belongs to somebody else at the provider; an administrator may shut that account out")
    return _as_the_provider_says(session, row, known, at)


def _added(session: Session, known: Known, at: datetime, make_with: Role | None) -> Person:
    if make_with is None:
        raise BadInput(f"{known.login or 'this account'} is nobody here; an administrator may add them")
    role = known.role or make_with
    person = add_person(
        session, known.login, known.name, role, at, regions=known.regions or (), technician=known.technician, subject=known.subject
    )
    write_audit(session, person.login, "person added by OpenID", person.login, at, {"role": role, "regions": list(person.regions)})
    return person


def _as_the_provider_says(session: Session, row: tables.Account, known: Known, at: datetime) -> Person:
    """The person with the role and the regions that the provider names now."""
    before = person_by_login(session, row.login)
    role: Role = known.role or before.role
    regions: Sequence[str] = before.regions if known.regions is None else known.regions
    technician = known.technician or before.technician
    if (role, tuple(sorted(set(regions))), technician) == (before.role, before.regions, before.technician):
        return before
    after = change_person(session, row.login, name=before.name, role=role, regions=regions, technician=technician, language=before.language)
    told = {"role": [before.role, after.role], "regions": [list(before.regions), list(after.regions)]}
    write_audit(session, row.login, "person changed by OpenID", row.login, at, told)
    return after


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
