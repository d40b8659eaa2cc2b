"""Replays as tables to be drawn: response times, hours of the week, areas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from data_models.case import Severity
from optimizer.history_replay import HistoryReplayed, Outcome

Table = npt.NDArray[np.float64]


def response_curve(replays: Sequence[HistoryReplayed], severity: Severity, minutes: Sequence[float]) -> Table:
    """Share of the tickets of a severity at which work had begun within each of so many minutes of their opening: (n_minutes,).

    Tickets that nobody came to count in the whole, so that the curve ends below one; without tickets it is one.
    """
    asked = _of(replays, severity)
    took = np.sort([(o.started - o.opened_at) / timedelta(minutes=1) for o in asked if o.started is not None])
    if not asked:
        return np.ones(len(minutes))
    return np.asarray(np.searchsorted(took, np.asarray(minutes, float), side="right") / len(asked), float)


def week_table(replays: Sequence[HistoryReplayed], severity: Severity, zone: ZoneInfo) -> tuple[Table, Table]:
    """Tickets of a severity, and those in time, by weekday from Monday and hour in which they were opened: (7, 24) each."""
    asked, in_time = np.zeros((7, 24)), np.zeros((7, 24))
    for outcome in _of(replays, severity):
        local = outcome.opened_at.astimezone(zone)
        asked[local.weekday(), local.hour] += 1
        in_time[local.weekday(), local.hour] += outcome.in_time
    return asked, in_time


def area_table(replays: Sequence[HistoryReplayed], severity: Severity, areas: Sequence[str]) -> tuple[Table, Table]:
    """Tickets of a severity, and those in time, by area: (n_areas,) each."""
    number = {area: n for n, area in enumerate(areas)}
    asked, in_time = np.zeros(len(areas)), np.zeros(len(areas))
    for outcome in _of(replays, severity):
        asked[number[outcome.area]] += 1
        in_time[number[outcome.area]] += outcome.in_time
    return asked, in_time


def _of(replays: Sequence[HistoryReplayed], severity: Severity) -> list[Outcome]:
    return [outcome for replay in replays for outcome in replay.outcomes if outcome.severity == severity]
