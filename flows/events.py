"""What happens during the day, taken in: from the command line, a file or the API, each through here. Knows no Prefect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from data_models.events import Event, events_in, read_events
from data_models.store import Answer, Store, add_events
from data_models.store.events import derived, rebuild

BATCH = 20_000
"""Events that are added in one transaction: a flood neither holds up others for long nor is slowed by a transaction for each."""


@dataclass(frozen=True)
class Told:
    """What became of many events: an answer for each of `events`, and sentences about lines that tell no event."""

    answers: tuple[Answer, ...]
    unreadable: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many answers there are of each verdict, and how many lines could not be read."""
        found = Counter[str](answer.verdict for answer in self.answers)
        return dict(found) | ({"unreadable": len(self.unreadable)} if self.unreadable else {})


def tell(store: Store, events: Sequence[Event], now: datetime) -> Told:
    """Keep events and what they mean, a batch a transaction: what is answered is kept, whatever happens after."""
    answers: list[Answer] = []
    for first in range(0, len(events), BATCH):
        with store.session() as session:
            answers += add_events(session, events[first : first + BATCH], now)
    return Told(tuple(answers), events=tuple(events))


def tell_text(store: Store, text: str | bytes, by: str, now: datetime) -> Told:
    """Keep the events of a file: JSON lines or an array. Told again after a crash, what was kept already is merged."""
    events, unreadable = read_events(text, default_by=by)
    return replace(tell(store, events, now), unreadable=tuple(unreadable))


def tell_documents(store: Store, documents: Sequence[Any], by: str, now: datetime) -> Told:
    """Keep the events that loaded JSON objects tell."""
    events, unreadable = events_in(documents, default_by=by)
    return replace(tell(store, events, now), unreadable=tuple(unreadable))


def derive_anew(store: Store) -> list[str]:
    """Derive what the tables say of tickets, people and kits from the log anew; what was not as the log says, one sentence each."""
    with store.session() as session:
        before = derived(session)
        rebuild(session)
        after = derived(session)
    return [
        f"{name}: {before.get(name, 'absent')}, by the log {after.get(name, 'absent')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
