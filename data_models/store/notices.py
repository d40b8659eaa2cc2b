"""The outbox: notices are put in the transaction of what they tell, and taken out, one sender at a time, to be sent.

States: waiting → sent; waiting → failed after too many attempts; waiting → dropped where nobody can be reached. A taken notice is not
locked while it is sent: taking moves its next attempt ahead by a lease, so that two senders do not send it at the same time, and one that
a sender died with comes up again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data_models import tables
from data_models.errors import Conflict, NotFound

Audience = Literal["technician", "coordinator", "customer"]
Language = Literal["zh", "en"]
NoticeState = Literal["waiting", "sent", "failed", "dropped"]

LEASE = timedelta(minutes=3)
"""How long a notice belongs to the sender that took it; longer than any attempt to send one takes."""

LONGEST_ERROR = 200


@dataclass(frozen=True)
class TakenNotice:
    """A notice that belongs to its taker until the lease ends; `attempt` counts from 1, this one included."""

    id: int
    key: str
    audience: Audience
    recipient: str
    channel: str
    template: str
    language: Language
    payload: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True)
class KeptNotice:
    """What may be shown of a notice: all but its payload."""

    key: str
    audience: Audience
    recipient: str
    channel: str
    template: str
    language: Language
    state: NoticeState
    created_at: datetime
    attempts: int
    next_try_at: datetime
    sent_at: datetime | None
    last_error: str


@dataclass(frozen=True)
class Backoff:
    """How often sending is tried, and how long is waited after the first failure: twice as long after each further one."""

    attempts: int = 10
    first_wait: timedelta = timedelta(seconds=30)
    longest_wait: timedelta = timedelta(hours=1)

    def wait(self, attempt: int) -> timedelta:
        """How long to wait after the attempt of this number, counted from 1, has failed."""
        # Past 30 doublings the longest wait holds in any case, and a timedelta would overflow.
        return min(self.longest_wait, self.first_wait * float(2 ** min(attempt - 1, 30)))


def put_notice(
    session: Session,
    key: str,
    *,
    audience: Audience,
    recipient: str,
    channel: str,
    template: str,
    language: Language,
    payload: Mapping[str, Any],
    now: datetime,
    not_before: datetime | None = None,
) -> bool:
    """Put a notice into the outbox, in the caller's transaction; gives False when one of this key is there already, which then stays.

    Parameters
    ----------
    key
        The same for the same thing told to the same person by the same channel; goes to the receiver and into logs.
    recipient
        The id of a technician or of a customer's contact; empty for coordinators.
    channel
        The variable of the environment that holds the address.
    payload
        What the template shows, as plain JSON values.
    not_before
        When quiet hours end; None sends at once.
    """
    first = now if not_before is None else max(now, not_before)
    row = {
        "key": key,
        "audience": audience,
        "recipient_id": recipient,
        "channel": channel,
        "template": template,
        "language": language,
        "payload": dict(payload),
        "created_at": now,
        "not_before": first,
        "attempts": 0,
        "next_try_at": first,
        "state": "waiting",
        "last_error": "",
    }
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    query = insert(tables.Notice).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(tables.Notice.id)
    return session.scalar(query) is not None


def keys_in_outbox(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of the keys that a notice has, in whatever state."""
    found: set[str] = set()
    for first in range(0, len(keys), 10_000):
        found |= set(session.scalars(select(tables.Notice.key).where(tables.Notice.key.in_(keys[first : first + 10_000]))))
    return found


def take_due(session: Session, now: datetime, limit: int, *, except_channels: Collection[str] = ()) -> tuple[TakenNotice, ...]:
    """Take the notices whose time has come, oldest first: they belong to the caller for `LEASE`, once this transaction is committed.

    Take no more than can be sent within the lease. Of several senders each gets others: on PostgreSQL rows that another one is taking are
    passed over, on SQLite takers queue (`BEGIN IMMEDIATE`).
    """
    query = (
        select(tables.Notice)
        .where(tables.Notice.state == "waiting", tables.Notice.next_try_at <= now, tables.Notice.channel.not_in(except_channels))
        .order_by(tables.Notice.next_try_at, tables.Notice.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(query))
    for row in rows:
        row.attempts += 1
        row.next_try_at = now + LEASE
    session.flush()
    return tuple(_taken(row) for row in rows)


def mark_sent(session: Session, notice: TakenNotice, now: datetime) -> None:
    """The receiver has it. Holds also when the lease has ended meanwhile."""
    _change(session, tables.Notice.id == notice.id, tables.Notice.state != "sent", state="sent", sent_at=now, last_error="")


def mark_failed(session: Session, notice: TakenNotice, now: datetime, reason: str, backoff: Backoff) -> NoticeState:
    """Sending failed: it waits for another attempt, or has failed for good after the last one; gives its state.

    `reason` must hold neither customer data nor a channel's address. Where another sender has taken the notice since, nothing changes.
    """
    state: NoticeState = "failed" if notice.attempt >= backoff.attempts else "waiting"
    changed = _change(
        session, *_still_taken(notice), state=state, next_try_at=now + backoff.wait(notice.attempt), last_error=reason[:LONGEST_ERROR]
    )
    return state if changed else "waiting"


def mark_dropped(session: Session, notice: TakenNotice, reason: str) -> None:
    """It cannot reach anybody, however often it is tried; `retry_notice` brings it back."""
    _change(session, *_still_taken(notice), state="dropped", last_error=reason[:LONGEST_ERROR])


def retry_notice(session: Session, key: str, now: datetime) -> None:
    """Let a notice that failed, was dropped or waits be sent from now on, with all its attempts; quiet hours still hold.

    Raises
    ------
    NotFound
        There is none of this key.
    Conflict
        It was sent already.
    """
    row = session.scalar(select(tables.Notice).where(tables.Notice.key == key).with_for_update())
    if row is None:
        raise NotFound(f"notice {key} does not exist; `twohour notices` lists those that wait or failed")
    if row.sent_at is not None:
        raise Conflict(f"notice {key} was sent at {row.sent_at:%Y-%m-%d %H:%M} UTC and is not sent again")
    row.state, row.attempts, row.next_try_at = "waiting", 0, max(now, row.not_before)
    session.flush()


def list_notices(session: Session, states: Sequence[NoticeState] = ("waiting", "failed", "dropped"), limit: int = 200) -> list[KeptNotice]:
    """The notices in these states, newest first, without their payloads."""
    query = select(tables.Notice).where(tables.Notice.state.in_(states)).order_by(tables.Notice.id.desc()).limit(limit)
    return [_kept(row) for row in session.scalars(query)]


def reach_of(session: Session, audience: Audience, recipient: str) -> dict[str, str] | None:
    """What the company knows to reach someone by, those that it has of `email` and `phone`; None when there is no such person any more."""
    if audience == "coordinator":
        return {}
    person: tables.Technician | tables.Contact | None
    person = session.get(tables.Technician, recipient) if audience == "technician" else session.get(tables.Contact, recipient)
    if person is None or person.retired_at is not None:
        return None
    known = {"phone": person.phone, "email": person.email if isinstance(person, tables.Contact) else ""}
    return {name: value for name, value in known.items() if value}


def contacts_to_tell(session: Session, site: str) -> tuple[str, ...]:
    """The ids of the contacts whom the customer named for a site; of those for everything where it named none."""
    query = (
        select(tables.Contact.id, tables.Contact.site_id)
        .join(tables.Site, tables.Site.customer_id == tables.Contact.customer_id)
        .where(tables.Site.id == site, tables.Contact.retired_at.is_(None))
        .where((tables.Contact.site_id == site) | tables.Contact.site_id.is_(None))
        .order_by(tables.Contact.id)
    )
    rows = session.execute(query).all()
    return tuple(row.id for row in rows if row.site_id == site) or tuple(row.id for row in rows)


def _still_taken(notice: TakenNotice) -> tuple[Any, ...]:
    # Each taking counts an attempt: another number means that the lease ended and somebody else has it.
    return tables.Notice.id == notice.id, tables.Notice.state == "waiting", tables.Notice.attempts == notice.attempt


def _change(session: Session, *where: Any, **values: Any) -> bool:
    done = session.execute(update(tables.Notice).where(*where).values(**values).execution_options(synchronize_session=False))
    return bool(cast("CursorResult[Any]", done).rowcount)


def _taken(row: tables.Notice) -> TakenNotice:
    return TakenNotice(
        id=row.id,
        key=row.key,
        audience=cast(Audience, row.audience),
        recipient=row.recipient_id,
        channel=row.channel,
        template=row.template,
        language=cast(Language, row.language),
        payload=row.payload,
        attempt=row.attempts,
    )


def _kept(row: tables.Notice) -> KeptNotice:
    return KeptNotice(
        key=row.key,
        audience=cast(Audience, row.audience),
        recipient=row.recipient_id,
        channel=row.channel,
        template=row.template,
        language=cast(Language, row.language),
        state=cast(NoticeState, row.state),
        created_at=row.created_at,
        attempts=row.attempts,
        next_try_at=row.next_try_at,
        sent_at=row.sent_at,
        last_error=row.last_error,
    )
