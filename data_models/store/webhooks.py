"""Subscriptions of other systems, and the outbox of what they are told: put in the transaction of what it tells, taken as notices are.

A message has the same id at each attempt and for each subscription, so that a receiver that got it twice can tell.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast, get_args

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data_models import tables
from data_models.errors import NotFound
from data_models.store.notices import LEASE, LONGEST_ERROR, Backoff
from data_models.store.parts import parts

WebhookKind = Literal["plan.published", "ticket.changed", "ticket.at_risk", "ticket.missed"]
WEBHOOK_KINDS: tuple[WebhookKind, ...] = get_args(WebhookKind)
"""What can be subscribed to: a plan that goes out; a ticket whose facts or state change; a clock that will probably be, or is, missed."""

PING = "ping"
"""The kind of a message that somebody asked for to try a subscription."""

SECRET_PREFIX = "whsec_"  # noqa: S105  the mark of the Standard Webhooks specification, no secret
_SECRET_BYTES = 32
_TICKET = tables.Ticket


@dataclass(frozen=True)
class TakenDelivery:
    """A message that belongs to its taker until the lease ends; `attempt` counts from 1, this one included."""

    id: int
    webhook: int
    url: str
    secret: str
    message: str
    kind: str
    payload: str
    attempt: int


DeliveryOutcome = Literal["waiting", "failed", "disabled"]


def add_webhook(session: Session, url: str, kinds: Sequence[WebhookKind], regions: Sequence[str], by: str, at: datetime) -> tables.Webhook:
    """Subscribe an address, which the caller has checked; its secret is made here and shown once."""
    row = tables.Webhook(
        url=url,
        kinds=[kind for kind in WEBHOOK_KINDS if kind in kinds],
        regions=sorted(set(regions)),
        secret=SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(),
        created_at=at,
        created_by=by,
        disabled_for="",
    )
    session.add(row)
    session.flush()
    return row


def webhook_by_id(session: Session, number: int) -> tables.Webhook:
    """A subscription. Raises `NotFound`."""
    row = session.get(tables.Webhook, number)
    if row is None:
        raise NotFound(f"webhook {number} does not exist; `twohour webhooks list` shows those that do")
    return row


def list_webhooks(session: Session, after: int = 0, limit: int = 1000) -> list[tables.Webhook]:
    """Subscriptions by number, those after one."""
    return list(session.scalars(select(tables.Webhook).where(tables.Webhook.id > after).order_by(tables.Webhook.id).limit(limit)))


def remove_webhook(session: Session, number: int) -> None:
    """End a subscription, with what was still to be delivered to it. Raises `NotFound`."""
    row = webhook_by_id(session, number)
    session.execute(delete(tables.WebhookDelivery).where(tables.WebhookDelivery.webhook_id == number))
    session.delete(row)
    session.flush()


def enable_webhook(session: Session, number: int, at: datetime) -> tables.Webhook:
    """Deliver to a subscription again that was disabled: what still waits is due at once. Raises `NotFound`."""
    row = webhook_by_id(session, number)
    waiting = (tables.WebhookDelivery.webhook_id == number, tables.WebhookDelivery.state == "waiting")
    # Deliveries before their subscription, as a sender locks them: the other way round each could wait for the other.
    session.execute(update(tables.WebhookDelivery).where(*waiting).values(next_try_at=at, attempts=0))
    row.disabled_at, row.disabled_for, row.failing_since = None, "", None
    session.flush()
    return row


def disable_webhook(session: Session, number: int, at: datetime, reason: str) -> tables.Webhook:
    """Deliver no more to a subscription until it is enabled. Raises `NotFound`."""
    row = webhook_by_id(session, number)
    row.disabled_at, row.disabled_for = row.disabled_at or at, row.disabled_for or reason[:LONGEST_ERROR]
    session.flush()
    return row


def waiting_for(session: Session, numbers: Collection[int]) -> dict[int, int]:
    """How many messages wait for each of these subscriptions."""
    delivery = tables.WebhookDelivery
    found: dict[int, int] = dict.fromkeys(numbers, 0)
    for number in session.scalars(select(delivery.webhook_id).where(delivery.state == "waiting", delivery.webhook_id.in_(numbers))):
        found[number] += 1
    return found


def message_id(kind: str, *told: object) -> str:
    """The id of a message, from what tells it apart: the same for the same thing told again."""
    return "msg_" + hashlib.sha256("\n".join([kind, *map(str, told)]).encode()).hexdigest()[:32]


def has_subscribers(session: Session, *kinds: WebhookKind) -> bool:
    """Whether anybody wants to be told of these kinds of things."""
    rows = session.scalars(select(tables.Webhook.kinds).where(tables.Webhook.disabled_at.is_(None)))
    return any(set(kinds) & set(wanted) for wanted in rows)


def put_message(
    session: Session, kind: str, message: str, region: str, data: Mapping[str, Any], at: datetime, only: int | None = None
) -> int:
    """Put a message into the outbox in the caller's transaction, for each subscription that wants its kind and region.

    Parameters
    ----------
    message
        Of `message_id`: put once for each subscription, however often it is told.
    region
        Where it happened; "" is the whole company, which only subscriptions without regions are told.
    only
        The number of one subscription that is told, whatever it wants.

    Returns
    -------
    int
        To how many it goes that did not have it.
    """
    rows = session.execute(
        select(tables.Webhook.id, tables.Webhook.kinds, tables.Webhook.regions).where(tables.Webhook.disabled_at.is_(None))
    )
    wanted = [
        row.id for row in rows if row.id == only or (only is None and kind in row.kinds and (not row.regions or region in row.regions))
    ]
    if not wanted:
        return 0
    payload = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": dict(data)}, ensure_ascii=False, separators=(",", ":"))
    values = [
        {
            "webhook_id": number,
            "key": message,
            "kind": kind,
            "payload": payload,
            "created_at": at,
            "attempts": 0,
            "next_try_at": at,
            "state": "waiting",
            "last_error": "",
        }
        for number in wanted
    ]
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    query = insert(tables.WebhookDelivery).values(values).on_conflict_do_nothing(index_elements=["webhook_id", "key"])
    return len(session.scalars(query.returning(tables.WebhookDelivery.id)).all())


def messages_put(session: Session, messages: Sequence[str]) -> set[str]:
    """Those of the ids that are in the outbox, in whatever state."""
    found: set[str] = set()
    for part in parts(messages):
        found |= set(session.scalars(select(tables.WebhookDelivery.key).where(tables.WebhookDelivery.key.in_(part))))
    return found


def tickets_before(session: Session, tickets: Iterable[str]) -> dict[str, dict[str, Any]] | None:
    """Tickets as they are before something changes them, for `tell_changed`; None when nobody wants to be told."""
    return _tickets(session, tickets) if has_subscribers(session, "ticket.changed") else None


def tell_changed(
    session: Session, before: Mapping[str, Mapping[str, Any]] | None, tickets: Iterable[str], cause: str, at: datetime
) -> None:
    """Put a `ticket.changed` for each ticket that is not what it was; `cause` tells this change from others of the ticket."""
    if before is None:
        return
    for ticket, now in _tickets(session, tickets).items():
        was = before.get(ticket, {})
        changed = sorted(name for name, value in now.items() if name != "region" and was.get(name) != value)
        if not changed:
            continue
        data = {
            "ticket": ticket,
            "site": now["site_id"],
            "severity": now["severity"],
            "state": now["state"],
            "before": was.get("state"),
            "changed": [name.removesuffix("_id") for name in changed],
        }
        put_message(session, "ticket.changed", message_id("ticket.changed", ticket, cause), now["region"], data, at)


def _tickets(session: Session, tickets: Iterable[str]) -> dict[str, dict[str, Any]]:
    columns = [column for column in _TICKET.__table__.columns if column.name != "id"]
    found: dict[str, dict[str, Any]] = {}
    for part in parts(sorted(set(tickets))):
        query = select(_TICKET.id, *columns, tables.Site.region).join(tables.Site, tables.Site.id == _TICKET.site_id)
        for row in session.execute(query.where(_TICKET.id.in_(part))).mappings():
            found[row["id"]] = {name: value for name, value in row.items() if name != "id"}
    return found


def is_any_due(session: Session, now: datetime) -> bool:
    """Whether a message waits to be sent at `now`: asked often, so that nobody has to write for nothing."""
    delivery = tables.WebhookDelivery
    query = (
        select(delivery.id)
        .join(tables.Webhook, tables.Webhook.id == delivery.webhook_id)
        .where(delivery.state == "waiting", delivery.next_try_at <= now, tables.Webhook.disabled_at.is_(None))
    )
    return session.scalar(query.limit(1)) is not None


def take_delivery(session: Session, now: datetime, *, except_webhooks: Collection[int] = ()) -> TakenDelivery | None:
    """Take the message that is due longest: it belongs to the caller for `LEASE` once this is committed. None when none is due."""
    delivery = tables.WebhookDelivery
    query = (
        select(delivery, tables.Webhook)
        .join(tables.Webhook, tables.Webhook.id == delivery.webhook_id)
        .where(delivery.state == "waiting", delivery.next_try_at <= now, tables.Webhook.disabled_at.is_(None))
        .where(delivery.webhook_id.not_in(except_webhooks))
        .order_by(delivery.next_try_at, delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=delivery)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    row, webhook = found
    row.attempts += 1
    row.next_try_at = now + LEASE
    session.flush()
    return TakenDelivery(row.id, webhook.id, webhook.url, webhook.secret, row.key, row.kind, row.payload, row.attempts)


def mark_delivered(session: Session, taken: TakenDelivery, at: datetime) -> None:
    """The receiver has it, and the subscription works. Holds also when the lease has ended meanwhile."""
    delivery = tables.WebhookDelivery
    _change(session, delivery, delivery.id == taken.id, delivery.state != "sent", state="sent", sent_at=at, last_error="")
    _change(session, tables.Webhook, tables.Webhook.id == taken.webhook, failing_since=None, last_sent_at=at)


def mark_undelivered(
    session: Session, taken: TakenDelivery, at: datetime, reason: str, backoff: Backoff, disable_after: timedelta, *, gone: bool = False
) -> DeliveryOutcome:
    """It did not get there: it waits, or has failed for good; the subscription is disabled when nothing got there for so long.

    Parameters
    ----------
    reason
        Must hold no secret of the address.
    gone
        The receiver said that it wants no more of this: disabled at once.
    """
    delivery = tables.WebhookDelivery
    state = "failed" if taken.attempt >= backoff.attempts else "waiting"
    still = (delivery.id == taken.id, delivery.state == "waiting", delivery.attempts == taken.attempt)
    values = {"state": state, "next_try_at": at + backoff.wait(taken.attempt), "last_error": reason[:LONGEST_ERROR]}
    if not _change(session, delivery, *still, **values):
        return "waiting"
    webhook = session.scalar(select(tables.Webhook).where(tables.Webhook.id == taken.webhook).with_for_update())
    if webhook is None or webhook.disabled_at is not None:
        return "waiting"
    webhook.failing_since = webhook.failing_since or at
    if gone or at - webhook.failing_since >= disable_after:
        disable_webhook(session, webhook.id, at, reason)
        return "disabled"
    session.flush()
    return cast(DeliveryOutcome, state)


def forget_deliveries(session: Session, before: datetime) -> int:
    """Delete what was delivered or given up before a moment; gives how many."""
    delivery = tables.WebhookDelivery
    done = session.execute(delete(delivery).where(delivery.state != "waiting", delivery.created_at < before))
    return cast("CursorResult[Any]", done).rowcount


def _change(session: Session, model: Any, *where: Any, **values: Any) -> bool:
    done = session.execute(update(model).where(*where).values(**values).execution_options(synchronize_session=False))
    return bool(cast("CursorResult[Any]", done).rowcount)
