"""Sensor readings of a company: taken into the store by file or in batches, and forgotten after a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from config.policies import load_policies
from data_models.reading_files import Line, read_lines
from data_models.readings import Reading, Refusal
from data_models.snapshot import Policies
from data_models.store.readings import TakenReadings, forget_readings, take_readings

if TYPE_CHECKING:
    from config.settings import Settings
    from data_models.store import Store

BATCH = 5_000
"""So many readings go into one transaction: the store is free for others in between."""

MOST_TOLD = 1_000
"""So many flags and refusals of a file are told one by one; the counts are of all."""


@dataclass(frozen=True)
class FileTaken:
    """What came of a file. In `taken`, `refused` gives line numbers; its lists end at `MOST_TOLD`, `flagged` and `refused` count all."""

    lines: int
    flagged: int
    refused: int
    taken: TakenReadings


def policies_of(settings: Settings) -> Policies:
    """The policies that readings are judged by. Raises `BadInput` for a policy file with an error."""
    return Policies(load_policies(settings.policy_dir), settings.policy)


def take_batch(store: Store, policies: Policies, readings: Sequence[Reading], now: datetime) -> TakenReadings:
    """Take readings in one transaction; `data_models.store.readings.take_readings` says what becomes of them."""
    with store.session() as session:
        return take_readings(session, readings, policies, now)


def take_file(store: Store, settings: Settings, path: Path, now: datetime) -> FileTaken:
    """Take a file of readings, batch by batch; taken again after it was interrupted, it goes on where it was.

    Raises
    ------
    BadInput
        The file cannot be read. What came before the place is taken.
    """
    policies = policies_of(settings)
    total = FileTaken(0, 0, 0, TakenReadings(0, 0, (), (), (), (), ()))
    for lines in _batches(read_lines(path)):
        good = [line for line in lines if line.reading is not None]
        taken = take_batch(store, policies, [line.reading for line in good if line.reading is not None], now)
        refused = [Refusal(line.number, line.wrong) for line in lines if line.reading is None]
        refused += [Refusal(good[refusal.position].number, refusal.says) for refusal in taken.refused]
        total = _added(total, len(lines), replace(taken, refused=tuple(sorted(refused, key=lambda refusal: refusal.position))))
    return total


def forget_old(store: Store, settings: Settings, now: datetime) -> int:
    """Delete the readings that are older than the settings keep them, except those attached to tickets; gives how many."""
    before, gone = now - timedelta(days=settings.reading_days), 0
    while True:
        with store.session() as session:
            part = forget_readings(session, before)
        gone += part
        if part == 0:
            return gone


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch


def _added(total: FileTaken, lines: int, more: TakenReadings) -> FileTaken:
    before = total.taken
    return FileTaken(
        total.lines + lines,
        total.flagged + len(more.flags),
        total.refused + len(more.refused),
        TakenReadings(
            before.kept + more.kept,
            before.doubles + more.doubles,
            (*before.flags, *more.flags)[:MOST_TOLD],
            (*before.refused, *more.refused)[:MOST_TOLD],
            (*before.openings, *more.openings),
            (*before.doubts, *more.doubts),
            (*before.troubles, *more.troubles),
        ),
    )
