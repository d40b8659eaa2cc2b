"""Notices as use cases: put them into the outbox with what they tell, and send what is due. Plain functions that know no Prefect.

Each notice reaches its receiver at least once and always with the same key: a sender that dies between sending and noting it sends again.
Logs name key, template, kind of channel and state; never what a notice says nor where it goes.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from config.notice_settings import Audience, Language, NoticeSettings, channel_address, first_allowed
from config.notices import Texts, load_texts, payload_problems, render
from data_models.errors import BadInput, TwohourError
from data_models.store.notices import (
    Backoff,
    NoticeState,
    TakenNotice,
    mark_dropped,
    mark_failed,
    mark_sent,
    put_notice,
    reach_of,
    take_due,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings
    from data_models.store import Store

MOST_IN_A_RUN = 1000
PATIENCE = 3
"""After so many failures one after the other a channel is left alone for the rest of a run: a dead server must not hold up the others."""

_log = logging.getLogger("twohour.notices")
_LONGEST_KEY = 180
_KEY = re.compile(rf"[A-Za-z0-9._~%:-]{{1,{_LONGEST_KEY}}}")


@dataclass(frozen=True)
class NewNotice:
    """Something to be told to somebody: `payload` holds what the template shows, as plain JSON values.

    `recipient` is a technician's or a contact's id, and empty for coordinators. An emergency passes quiet hours where settings allow it.
    `language` None takes the recipient's or the audience's.
    """

    key: str
    audience: Audience
    recipient: str
    template: str
    payload: Mapping[str, Any]
    emergency: bool = False
    language: Language | None = None


@dataclass(frozen=True)
class SendReport:
    """What a run of sending did: how many notices were sent, wait for another attempt, have failed for good, reach nobody."""

    sent: int = 0
    waiting: int = 0
    failed: int = 0
    dropped: int = 0


def notice_key(*parts: object) -> str:
    """A key of plain characters from what tells a notice apart, such as its template, the plan and the technician.

    Ids only: a key goes into logs and headers. Parts that hold other characters are escaped, and a long key ends in a digest of itself.
    """
    key = ":".join(quote(str(part), safe="") for part in parts)
    return key if len(key) <= _LONGEST_KEY else f"{key[:100]}~{hashlib.sha256(key.encode()).hexdigest()}"


def announce(session: Session, settings: Settings, notices: Iterable[NewNotice], now: datetime) -> int:
    """Put notices into the outbox in the caller's transaction, one for each channel of their audience; gives how many were new.

    Raises `ValueError` when a template does not have the values that it shows: a mistake of the caller's.
    """
    return sum(_announce(session, settings.notices, notice, now) for notice in notices)


def send_due(store: Store, settings: Settings, now: datetime, *, most: int = MOST_IN_A_RUN) -> SendReport:
    """Send what is due, oldest first, each notice in its own transactions. Several senders may run at once.

    Parameters
    ----------
    now
        The time at the start of the run, which then goes on with it.

    Raises
    ------
    BadInput
        The texts of notices hold a mistake; nothing is sent.
    Unavailable
        The database does not answer.
    """
    texts = load_texts(settings.notices.template_dir)
    clock = running_from(now)
    counts: Counter[NoticeState] = Counter()
    failures: Counter[str] = Counter()
    for _ in range(most):
        resting = [channel for channel, count in failures.items() if count >= PATIENCE]
        # One at a time, so that a lease has to last for one attempt only, however many wait.
        with store.session() as session:
            taken = take_due(session, clock(), 1, except_channels=resting)
        if not taken:
            break
        state = _send(store, settings, texts, taken[0], clock)
        counts[state] += 1
        failures[taken[0].channel] = 0 if state in ("sent", "dropped") else failures[taken[0].channel] + 1
    return SendReport(counts["sent"], counts["waiting"], counts["failed"], counts["dropped"])


def _announce(session: Session, settings: NoticeSettings, notice: NewNotice, now: datetime) -> int:
    problems = payload_problems(notice.template, notice.payload)
    if not _KEY.fullmatch(notice.key):
        problems += ("the key of a notice has plain characters, 180 at the most; make it with notice_key",)
    if problems:
        raise ValueError("; ".join(problems))
    new = 0
    for channel in settings.channels_of(notice.audience):
        new += put_notice(
            session,
            f"{notice.key}@{channel}",
            audience=notice.audience,
            recipient=notice.recipient,
            channel=channel,
            template=notice.template,
            language=notice.language or settings.language_of(notice.audience, notice.recipient),
            payload=notice.payload,
            now=now,
            not_before=first_allowed(settings.quiet_hours_of(notice.audience), now, emergency=notice.emergency),
        )
    return new


def _send(
    store: Store, settings: Settings, texts: Mapping[Language, Texts], notice: TakenNotice, clock: Callable[[], datetime]
) -> NoticeState:
    from flows.channels import Message, NoReach, NotSent, scheme_of, send

    scheme = "unknown"
    try:
        address = channel_address(notice.channel).get_secret_value()
        scheme = scheme_of(address)
        title, body = render(texts[notice.language], notice.template, notice.payload, ZoneInfo(settings.timezone))
        with store.reading() as session:
            reach = reach_of(session, notice.audience, notice.recipient)
        if reach is None:
            raise NoReach("the recipient is not there any more")
        send(address, Message(notice.key, title, body), reach, settings.notices.timeout_seconds)
    except NoReach as error:
        with store.session() as session:
            mark_dropped(session, notice, str(error))
        _log.warning("notice %s (%s) by %s: dropped, %s", notice.key, notice.template, scheme, error)
        return "dropped"
    except (NotSent, BadInput) as error:
        return _failed(store, settings, notice, scheme, f"{scheme}: {error}", clock())
    except TwohourError:
        raise
    except Exception as error:  # noqa: BLE001 - one notice must not hold up the others
        # The message of the error may hold what the notice says; its kind does not.
        return _failed(store, settings, notice, scheme, f"{scheme}: {type(error).__name__} while it was sent", clock())
    with store.session() as session:
        mark_sent(session, notice, clock())
    _log.info("notice %s (%s) by %s: sent", notice.key, notice.template, scheme)
    return "sent"


def _failed(store: Store, settings: Settings, notice: TakenNotice, scheme: str, reason: str, now: datetime) -> NoticeState:
    said = settings.notices
    backoff = Backoff(said.attempts, timedelta(seconds=said.retry_seconds))
    with store.session() as session:
        state = mark_failed(session, notice, now, reason, backoff)
        # About its own failing, too, a channel would go on for ever.
        if state == "failed" and notice.template != "notice_failed":
            announce(session, settings, [_given_up(notice, reason)], now)
    if state == "failed":
        _log.error("notice %s (%s) by %s: failed for good after %d attempts", notice.key, notice.template, scheme, notice.attempt)
    else:
        _log.warning("notice %s (%s) by %s: attempt %d failed, it waits", notice.key, notice.template, scheme, notice.attempt)
    return state


def _given_up(notice: TakenNotice, reason: str) -> NewNotice:
    payload = {"notice": notice.key, "template": notice.template, "audience": notice.audience, "reason": reason}
    return NewNotice(f"notice-failed:{notice.id}", "coordinator", "", "notice_failed", payload, emergency=True)


def running_from(now: datetime) -> Callable[[], datetime]:
    """A clock that says `now` at this moment and goes on from there."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def check_channels(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the channels that the settings name and with the texts, one sentence each; nothing is sent."""
    from flows.channels import check_address

    problems: list[str] = []
    names = {name: None for audience in ("technician", "coordinator", "customer") for name in settings.notices.channels_of(audience)}
    for name in names:
        try:
            check_address(name, channel_address(name).get_secret_value())
        except BadInput as error:
            problems += error.problems
    try:
        load_texts(settings.notices.template_dir)
    except BadInput as error:
        problems += error.problems
    return tuple(problems)
