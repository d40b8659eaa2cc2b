"""What follows at once from what was told: an emergency's first answer to the coordinators, within a second and without Prefect."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from data_models.errors import TwohourError
from data_models.events import Event, Opened
from data_models.store import Answer, Store
from flows.notices import announce
from flows.responding import respond
from flows.telling import FirstAnswer, emergency_opened

if TYPE_CHECKING:
    from config.settings import Settings

MOST_ANSWERS = 5
"""Offers that are told with an emergency."""

MOST_AT_ONCE = 20
"""Emergencies that are answered at once; a flood of them is for the next re-plan."""

_log = logging.getLogger(__name__)


def emergencies_in(events: Sequence[Event], answers: Sequence[Answer]) -> tuple[str, ...]:
    """Tickets of emergencies that events newly opened, in their order."""
    kept = {answer.key for answer in answers if answer.verdict == "counts"}
    opened = (event for event in events if isinstance(event, Opened) and event.key in kept)
    return tuple(dict.fromkeys(event.ticket for event in opened if event.severity == "emergency"))


def answer_emergencies(store: Store, settings: Settings, tickets: Iterable[str], now: datetime) -> int:
    """Tell coordinators of new emergencies, each with who could come; the number of notices put into the outbox."""
    told = 0
    for ticket in list(tickets)[:MOST_AT_ONCE]:
        try:
            answer = respond(store, settings, ticket, now)
        except TwohourError as error:
            _log.warning("no first answer for ticket %s: %s", ticket, type(error).__name__)
            continue
        offers = [
            FirstAnswer(person.name, person.arrives, float(not offer.late_minutes) if offer.chance is None else offer.chance)
            for offer in answer.offers[:MOST_ANSWERS]
            for person in offer.people
        ]
        with store.session() as session:
            told += announce(session, settings, [emergency_opened(ticket, answer.where, ticket, answer.due or now, offers)], now)
    return told
