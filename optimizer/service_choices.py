"""Whom to send to a kind of ticket, by choice, hour of the week and area: what does not depend on who is busy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from data_models.study import CrewFacts, StudyStation
from optimizer.study_rates import HOURS, Kind

CHOICES = 12
"""The first to be asked; further ones change nothing that counts."""

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """People of a station, by its index, with the same skills and hours."""

    station: int
    crew: CrewFacts
    kits: Mapping[str, int]


@dataclass(frozen=True)
class Choices:
    """Whom to send to a kind, by choice, hour of the week and area: (choices, hours, n_areas).

    `late` marks those who cannot be in time; `soon` is the chance that somebody busy is in time all the same; `length` the hours that the
    person is out, `begins` the hours until they set out; `group` is -1 where there is no further choice.
    """

    group: npt.NDArray[np.int32]
    late: npt.NDArray[np.bool_]
    soon: Table
    length: Table
    begins: npt.NDArray[np.int32]


def groups_of(stations: Sequence[StudyStation]) -> list[Group]:
    """Those with people and hours."""
    return [
        Group(number, crew, station.kits)
        for number, station in enumerate(stations)
        for crew in station.crews
        if crew.people and crew.shifts
    ]


def choices_of(
    kind: Kind, promised: Table, groups: Sequence[Group], hours: Sequence[tuple[Table, Table, Table]], minutes: Table, period: int
) -> Choices:
    """The choices of a kind.

    Parameters
    ----------
    promised
        Minutes from opening to work on site: (n_areas,).
    hours
        Of each group what `hours_of` gives.
    minutes
        Drive from the station of each group: (n_groups, n_areas).
    period
        Hours that stand for the week: 24 where all days are alike, else 168.
    """
    can = [able(kind, group) for group in groups]
    areas = minutes.shape[1]
    count = min(CHOICES, len(groups))
    group = np.full((count, period, areas), -1, np.int32)
    late, soon = np.ones(group.shape, bool), np.zeros(group.shape)
    length, begins = np.zeros(group.shape), np.zeros(group.shape, np.int32)
    out = np.where(np.array(can)[:, None], 2 * minutes + kind.minutes, math.inf)
    for hour in range(period):
        left, wait, longest = (np.array([each[n][hour] for each in hours])[:, None] for n in range(3))
        delay = np.where(out <= left, 0.0, np.where(out <= longest, wait, math.inf))
        arrive = delay + minutes
        order = np.argsort(arrive, axis=0, kind="stable")[:count]
        there = np.take_along_axis(arrive, order, 0)
        some = np.isfinite(there)
        group[:, hour] = np.where(some, order, -1)
        late[:, hour] = there > promised
        spare = np.where(some, promised - there, 0.0)
        length[:, hour] = np.where(some, np.take_along_axis(out, order, 0), 0.0) / 60
        soon[:, hour] = np.where(some, np.clip(spare / np.maximum(60 * length[:, hour], 1.0), 0.0, 1.0), 0.0)
        wait_h = np.take_along_axis(delay, order, 0)
        begins[:, hour] = np.where(some, np.where(some, wait_h, 0.0) // 60, 0)
    return Choices(group, late, soon, length, begins)


def hours_of(crew: CrewFacts) -> tuple[Table, Table, Table]:
    """In minutes, by hour of the week, seen from its middle: what is left of the shift, until the next one begins, its length."""
    spans = []
    for shift in crew.shifts:
        for day in shift.days:
            begin = 1440 * (day - 1) + shift.begins_at.hour * 60 + shift.begins_at.minute
            spans.append((begin, shift.length / timedelta(minutes=1), shift.overtime_minutes))
    week = 7 * 1440
    left, wait, longest = np.zeros(HOURS), np.full(HOURS, math.inf), np.zeros(HOURS)
    for hour in range(HOURS):
        now = 60 * hour + 30
        for begin, length, more in spans:
            since = (now - begin) % week
            if since < length:
                left[hour] = max(left[hour], length - since + more)
            until = (begin - now) % week
            if until < wait[hour]:
                wait[hour], longest[hour] = until, length + more
    return left, wait, longest


def able(kind: Kind, group: Group) -> bool:
    """Whether people of a group could do tickets of a kind, as far as skills, load and kits go; of a pair each need not have all."""
    like = kind.like
    if like.crew == 1 and any(group.crew.skills.get(skill, 0) < level for skill, level in like.skills.items()):
        return False
    if group.crew.capacity is not None and group.crew.capacity < like.load:
        return False
    return like.crew > 1 or all(group.kits.get(kit, 0) > 0 for kit in like.kits)
