"""Telling other systems: messages of the outbox are signed and sent, each at least once, until a receiver takes them.

Signed by the Standard Webhooks specification (https://www.standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, HMAC-SHA256 over id, timestamp and body. Logs name subscriptions and kinds, never addresses, bodies or secrets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from data_models.errors import BadInput
from data_models.store.audit import write_audit
from data_models.store.notices import Backoff
from data_models.store.webhooks import (
    PING,
    SECRET_PREFIX,
    TakenDelivery,
    forget_deliveries,
    is_any_due,
    mark_delivered,
    mark_undelivered,
    message_id,
    put_message,
    take_delivery,
    webhook_by_id,
)
from flows.notices import PATIENCE, NewNotice, announce, notice_key, running_from

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.api_settings import WebhookSettings
    from config.settings import Settings
    from data_models.store import Store

MOST_IN_A_RUN = 1000
LONGEST_URL = 500
OWN = "twohour"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_log = logging.getLogger("twohour.webhooks")


@dataclass(frozen=True)
class DeliveryReport:
    """What a run did: messages delivered, to be tried again, failed for good; subscriptions disabled."""

    sent: int = 0
    waiting: int = 0
    failed: int = 0
    disabled: int = 0


class _NotTaken(Exception):
    """A message did not get to its receiver; the text holds no secret. `is_gone`: the receiver wants no more of them."""

    def __init__(self, reason: str, *, is_gone: bool = False) -> None:
        super().__init__(reason)
        self.is_gone = is_gone


def check_url(url: str, settings: WebhookSettings) -> None:
    """Raises `BadInput` when messages may never go to an address; where its name leads to is looked at each time one is sent."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise BadInput(f"the address cannot be read; {_ASK}") from None
    host = parsed.host.casefold()
    if not host or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or parsed.fragment:
        raise BadInput(f"the address is none; {_ASK}")
    if parsed.userinfo:
        raise BadInput("the address holds a name or password, which would be shown; messages are signed instead: leave them out")
    if host in _own_hosts(settings):
        if parsed.scheme not in ("http", "https"):
            raise BadInput(f"the address begins with {parsed.scheme}; {_ASK}")
        return
    if parsed.scheme != "https":
        raise BadInput(f"{host} would be told by {parsed.scheme or 'nothing'}; give an https address, or name the host in webhooks.hosts")
    try:
        literal = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return
    if not _is_public(literal):
        raise BadInput(f"{host} is not a public address; name the host in webhooks.hosts if it shall be told")


_ASK = f"give one such as https://erp.example.com/hooks, at most {LONGEST_URL} characters"


def signature(secret: str, message: str, timestamp: int, body: str) -> str:
    """What `webhook-signature` says: `v1,` and HMAC-SHA256 of id, timestamp and body, in base 64.

    Raises `ValueError` for a secret that is none.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    signed = hmac.new(key, f"{message}.{timestamp}.{body}".encode(), hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def ping(session: Session, number: int, at: datetime) -> str:
    """Put a message into the outbox that only tries a subscription; gives its id. Raises `NotFound`, `BadInput` when it is disabled."""
    if webhook_by_id(session, number).disabled_at is not None:
        raise BadInput(f"webhook {number} is disabled; enable it first")
    message = message_id(PING, number, at.isoformat())
    put_message(session, PING, message, "", {"webhook": number}, at, only=number)
    return message


def deliver_due(store: Store, settings: Settings, now: datetime, *, most: int = MOST_IN_A_RUN) -> DeliveryReport:
    """Send what is due, oldest first, each message in its own transactions. Several senders may run at once.

    Parameters
    ----------
    now
        The time at the start of the run, which then goes on with it.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    with store.reading() as session:
        if not is_any_due(session, now):
            return DeliveryReport()
    clock = running_from(now)
    counts: Counter[str] = Counter()
    failures: Counter[int] = Counter()
    for _ in range(most):
        resting = [number for number, count in failures.items() if count >= PATIENCE]
        with store.session() as session:
            taken = take_delivery(session, clock(), except_webhooks=resting)
        if taken is None:
            break
        outcome = _deliver(store, settings, taken, clock)
        counts[outcome] += 1
        failures[taken.webhook] = 0 if outcome == "sent" else failures[taken.webhook] + 1
    return DeliveryReport(counts["sent"], counts["waiting"], counts["failed"], counts["disabled"])


def forget_delivered(store: Store, settings: Settings, now: datetime) -> int:
    """Forget messages that were delivered or given up longer ago than the settings keep them; gives how many."""
    with store.session() as session:
        return forget_deliveries(session, now - timedelta(days=settings.webhooks.keep_days))


def _deliver(store: Store, settings: Settings, taken: TakenDelivery, clock: Callable[[], datetime]) -> str:
    said = settings.webhooks
    try:
        _post(taken, said, clock())
    except _NotTaken as error:
        return _undelivered(store, settings, taken, str(error), clock(), is_gone=error.is_gone)
    except Exception as error:  # noqa: BLE001 - one message must not hold up the others, and its text may hold what nobody shall read
        return _undelivered(store, settings, taken, f"{type(error).__name__} while it was sent", clock(), is_gone=False)
    with store.session() as session:
        mark_delivered(session, taken, clock())
    _log.info("webhook %d, %s %s: delivered", taken.webhook, taken.kind, taken.message)
    return "sent"


def _undelivered(store: Store, settings: Settings, taken: TakenDelivery, reason: str, at: datetime, *, is_gone: bool) -> str:
    said = settings.webhooks
    backoff = Backoff(said.attempts, timedelta(seconds=said.first_wait_seconds), timedelta(hours=said.longest_wait_hours))
    with store.session() as session:
        outcome = mark_undelivered(session, taken, at, reason, backoff, timedelta(hours=said.disable_hours), gone=is_gone)
        if outcome == "disabled":
            row = webhook_by_id(session, taken.webhook)
            write_audit(session, OWN, "webhook disabled", f"webhook {taken.webhook}", at, {"reason": reason})
            announce(session, settings, [_disabled(taken, row.failing_since or at, reason)], at)
    _log.warning("webhook %d, %s %s: attempt %d failed (%s), %s", taken.webhook, taken.kind, taken.message, taken.attempt, reason, outcome)
    return outcome


def _disabled(taken: TakenDelivery, since: datetime, reason: str) -> NewNotice:
    payload = {"webhook": taken.webhook, "host": httpx.URL(taken.url).host, "since": since.isoformat(), "reason": reason}
    return NewNotice(notice_key("webhook-disabled", taken.webhook, taken.id), "coordinator", "", "webhook_disabled", payload)


# --- one message ---


def _post(taken: TakenDelivery, said: WebhookSettings, at: datetime) -> None:
    """Send a message to the address that was looked at, not to whatever its name leads to a moment later."""
    try:
        check_url(taken.url, said)
    except BadInput as error:
        raise _NotTaken(str(error)) from None
    url = httpx.URL(taken.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    address = _address(url.host, port, anywhere=url.host.casefold() in _own_hosts(said))
    timestamp = int(at.timestamp())
    headers = {
        "host": url.netloc.decode("ascii"),
        "content-type": "application/json",
        "user-agent": OWN,
        "webhook-id": taken.message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(taken.secret, taken.message, timestamp, taken.payload),
    }
    # The certificate is checked against the name, though the connection goes to the address.
    extensions: dict[str, Any] = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), said.answer_seconds)}
    if url.scheme == "https":
        extensions["sni_hostname"] = url.host
    request = httpx.Request("POST", url.copy_with(host=address), headers=headers, content=taken.payload.encode(), extensions=extensions)
    try:
        # A transport of its own: it follows no redirects and no proxies, and logs no address.
        with httpx.HTTPTransport(trust_env=False) as transport:
            answer = transport.handle_request(request)
            status = answer.status_code
            answer.close()
    except httpx.HTTPError as error:
        raise _NotTaken(f"no answer ({type(error).__name__})") from None
    if not 200 <= status < 300:
        raise _NotTaken(f"answered {status}", is_gone=status == 410)


def _address(host: str, port: int, *, anywhere: bool) -> str:
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise _NotTaken("the name of the host leads nowhere") from None
    if not anywhere and not all(_is_public(ipaddress.ip_address(address)) for address in found):
        raise _NotTaken("the name of the host leads to a private address; name the host in webhooks.hosts if it shall be told")
    return found[0]


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = (
            address.ipv4_mapped or address.sixtofour or (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
        )
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast


def _own_hosts(said: WebhookSettings) -> frozenset[str]:
    return frozenset(host.casefold() for host in said.hosts)
