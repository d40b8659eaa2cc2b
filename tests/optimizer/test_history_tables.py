"""Replays as tables: worked by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from optimizer.history_replay import HistoryReplayed, Outcome
from optimizer.history_tables import area_table, response_curve, week_table
from tests.optimizer.studies import MONDAY


def outcome(hour: float, took: float | None, area: str = "a", severity: str = "emergency") -> Outcome:
    opened = MONDAY + timedelta(hours=hour)
    started: datetime | None = None if took is None else opened + timedelta(minutes=took)
    return Outcome(area, severity, "C", opened, opened + timedelta(hours=2), started, "S", 0.0)  # type: ignore[arg-type]


REPLAY = HistoryReplayed(
    "x", "nearest", 1, MONDAY, MONDAY + timedelta(days=7),
    (outcome(1, 60.0), outcome(1.5, 120.0), outcome(25, 121.0, "b"), outcome(26, None, "b"), outcome(30, 1.0, severity="general")), {},
)  # fmt: skip


def test_a_curve_counts_those_within_and_never_those_to_whom_nobody_came() -> None:
    assert response_curve([REPLAY], "emergency", [0, 59.9, 60, 119, 120, 121, 9999]).tolist() == [0, 0, 0.25, 0.25, 0.5, 0.75, 0.75]
    assert response_curve([REPLAY], "important", [0, 60]).tolist() == [1.0, 1.0]


def test_hours_are_those_of_the_zone() -> None:
    asked, in_time = week_table([REPLAY, REPLAY], "emergency", ZoneInfo("Asia/Shanghai"))
    # 01:00 and 01:30 UTC on Monday are 09:00 hours; 25 h and 26 h later are Tuesday 09:00 and 10:00 hours. Two replays.
    assert (asked[0, 9], in_time[0, 9]) == (4, 4)
    assert (asked[1, 9], in_time[1, 9]) == (2, 0)
    assert (asked[1, 10], asked.sum()) == (2, 8)


def test_areas_keep_their_order() -> None:
    asked, in_time = area_table([REPLAY], "emergency", ["b", "never", "a"])
    assert (asked.tolist(), in_time.tolist()) == ([2, 0, 2], [0, 0, 2])
