"""Shifts without the time for which somebody is absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from data_models.domain import AbsenceFacts, ShiftFacts


def present(shifts: Iterable[ShiftFacts], absences: Iterable[AbsenceFacts]) -> tuple[ShiftFacts, ...]:
    """What is left of shifts. One that an absence cuts short has no overtime; a break stays where it lies whole in what is left."""
    left = list(shifts)
    for absence in absences:
        left = [piece for shift in left for piece in _without(shift, absence.begins_at, absence.ends_at)]
    return tuple(left)


def _without(shift: ShiftFacts, begin: datetime, end: datetime | None) -> list[ShiftFacts]:
    if begin >= shift.ends_at and shift.overtime_minutes > 0 and (end is None or end > shift.ends_at):
        return [shift]  # whether they would have stayed longer, nobody asks
    if begin >= shift.ends_at or (end is not None and end <= shift.starts_at):
        return [shift]
    pieces = []
    if begin > shift.starts_at:
        pieces.append(_cut(replace(shift, ends_at=begin, overtime_minutes=0.0)))
    if end is not None and end < shift.ends_at:
        pieces.append(_cut(replace(shift, starts_at=end)))
    return pieces


def _cut(shift: ShiftFacts) -> ShiftFacts:
    lies_in = shift.break_earliest is None or (
        shift.break_latest is not None and shift.starts_at <= shift.break_earliest and shift.break_latest <= shift.ends_at
    )
    return shift if lies_in else replace(shift, break_earliest=None, break_latest=None, break_minutes=None)
