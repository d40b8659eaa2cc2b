"""Expected share in time of a situation by formula: who is near, on duty, able, and probably not busy.

People of a station with the same skills and hours are a group of servers. A ticket is served by the idle person who can be there
soonest; the chance that the first j choices are busy is Larson's approximation of the hypercube model (Larson 1975, doi
10.1287/opre.23.5.845), with busy fractions that come from the work itself: each ticket keeps its server for the drive there, the
work and the drive home, and the shares of the groups in the tickets follow from their busy fractions, until both agree. Daskin's MEXCLP
(1983, doi 10.1287/trsc.17.1.48) is the case of one busy fraction and no hours. Someone who is busy can still be in time when the rest of
their work, taken to be uniform over its length, leaves enough of the promise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data_models.case import SEVERITIES, Severity
from data_models.study import EVERY_DAY, CrewFacts
from optimizer.scenarios import Situation
from optimizer.study_days import Days
from optimizer.study_demand import DAYS_A_YEAR
from optimizer.study_rates import HOURS, Kind, Rates, rates_of

_ROUNDS = 30
_CLOSE = 1e-4
_MOST_BUSY = 0.98
_CHOICES = 12  # the first to be asked; further ones change nothing that counts
Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ExpectedService:
    """What the formula promises.

    Attributes
    ----------
    in_time
        Expected share in time, by severity; one where nothing is expected.
    by_area
        Expected share of an area's emergencies in time: (n_areas,).
    by_hour
        Expected share of emergencies in time by hour of the week in which they are opened: (168,).
    busy
        Share of the time on duty that the people of each open station are out.
    """

    in_time: Mapping[Severity, float]
    by_area: Table
    by_hour: Table
    busy: Mapping[str, float]


def expected_service(situation: Situation, rates: Rates | None = None) -> ExpectedService:
    """The expected service of a situation, by formula."""
    model = _Model(situation, rates_of(situation) if rates is None else rates)
    return model.service(model.busy())


@dataclass(frozen=True)
class _Group:
    """People of a station with the same skills and hours."""

    station: int
    crew: CrewFacts
    kits: Mapping[str, int]


@dataclass(frozen=True)
class _Choices:
    """Whom to send to a kind, by choice, hour of the week and area: (choices, hours, n_areas).

    `late` marks those who cannot be in time; `soon` is the chance that somebody busy is in time all the same; `length` the hours that the
    person is out, `begins` the hours until they set out; `group` is -1 where there is no further choice.
    """

    group: npt.NDArray[np.int32]
    late: npt.NDArray[np.bool_]
    soon: Table
    length: Table
    begins: npt.NDArray[np.int32]


class _Model:
    def __init__(self, situation: Situation, rates: Rates) -> None:
        self.situation, self.rates = situation, rates
        self.groups = [
            _Group(number, crew, station.kits)
            for number, station in enumerate(situation.study.stations)
            for crew in station.crews
            if crew.people and crew.shifts
        ]
        self.people = np.array([group.crew.people for group in self.groups], float)
        self.minutes = Days(situation).station_seconds[[group.station for group in self.groups]] / 60
        # Where everybody keeps the same hours every day, one day stands for the week.
        daily = all(set(shift.days) == set(EVERY_DAY) for group in self.groups for shift in group.crew.shifts)
        self.period = 24 if daily else HOURS
        self.arrivals = rates.hours.reshape(len(rates.kinds), -1, self.period).sum(axis=1)
        self.hours = [_hours(group.crew) for group in self.groups]
        self.on_duty = np.array([left[: self.period] > 0 for left, _, _ in self.hours]).reshape(len(self.groups), self.period)

    @cached_property
    def choices(self) -> list[_Choices]:
        """The choices of each kind."""
        return [self._choices(kind, promised) for kind, promised in zip(self.rates.kinds, self.rates.promised_minutes, strict=True)]

    def busy(self) -> tuple[Table, Table]:
        """Busy fractions of groups by hour of the week, and of the kits that a kind needs by station, that agree with each other."""
        busy = np.zeros((len(self.groups), self.period))
        kits = np.zeros((len(self.rates.kinds), len(self.situation.study.stations)))
        if not self.groups:
            return busy, kits
        for _ in range(_ROUNDS):
            work, of_kind = self._work(busy, kits)
            new = np.minimum(np.where(self.on_duty, work / self.people[:, None], 0.0), _MOST_BUSY)
            change = float(np.abs(new - busy).max())
            busy, kits = (busy + new) / 2, (kits + self._kits_out(of_kind)) / 2
            if change < _CLOSE:
                break
        return busy, kits

    def service(self, busy: tuple[Table, Table]) -> ExpectedService:
        """Expected shares with these busy fractions."""
        shares = [self._in_time(number, *busy) for number in range(len(self.rates.kinds))]
        areas = len(self.situation.areas)
        found, weight = dict.fromkeys(SEVERITIES, 0.0), dict.fromkeys(SEVERITIES, 0.0)
        by_area, area_weight, by_hour, hour_weight = np.zeros(areas), np.zeros(areas), np.zeros(self.period), np.zeros(self.period)
        for kind, share, rate, hours in zip(self.rates.kinds, shares, self.rates.per_year, self.arrivals, strict=True):
            expected = hours[:, None] * rate[None, :]
            found[kind.severity] += float((expected * share).sum())
            weight[kind.severity] += float(expected.sum())
            if kind.severity == "emergency":
                by_area, area_weight = by_area + (expected * share).sum(axis=0), area_weight + expected.sum(axis=0)
                by_hour, hour_weight = by_hour + (expected * share).sum(axis=1), hour_weight + expected.sum(axis=1)
        return ExpectedService(
            {severity: found[severity] / weight[severity] if weight[severity] else 1.0 for severity in SEVERITIES},
            _divided(by_area, area_weight),
            np.tile(_divided(by_hour, hour_weight), HOURS // self.period),
            self._busy_of_stations(busy[0]),
        )

    def _choices(self, kind: Kind, promised: Table) -> _Choices:
        able = [_able(kind, group) for group in self.groups]
        areas = self.minutes.shape[1]
        count = min(_CHOICES, len(self.groups))
        group = np.full((count, self.period, areas), -1, np.int32)
        late, soon = np.ones(group.shape, bool), np.zeros(group.shape)
        length, begins = np.zeros(group.shape), np.zeros(group.shape, np.int32)
        out = np.where(np.array(able)[:, None], 2 * self.minutes + kind.minutes, math.inf)
        for hour in range(self.period):
            left, wait, longest = (np.array([each[n][hour] for each in self.hours])[:, None] for n in range(3))
            delay = np.where(out <= left, 0.0, np.where(out <= longest, wait, math.inf))
            arrive = delay + self.minutes
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
        return _Choices(group, late, soon, length, begins)

    def _sent(self, number: int, busy: Table, kits: Table) -> Table:
        """Chance that each choice of a kind is idle and all before it are not: (choices, hours, n_areas)."""
        choices, kind = self.choices[number], self.rates.kinds[number]
        queue = self._together(busy)
        every = np.arange(self.period)[None, :, None]
        none = choices.group < 0
        single = np.where(none, 1.0, busy[choices.group, every])
        station = np.array([group.station for group in self.groups])[choices.group]
        kit_out = kits[number][station] if kind.like.kits else np.zeros(single.shape)
        people = np.where(none, 0.0, self.people[choices.group])
        sent, all_before, asked = np.zeros(single.shape), np.ones(single.shape[1:]), np.zeros(single.shape[1:], int)
        for choice in range(len(single)):
            # Of a group, all must be busy before the next one is asked.
            full = np.where(none[choice], 1.0, 1 - (1 - single[choice] ** people[choice]) * (1 - kit_out[choice]))
            factor = queue[np.minimum(asked, queue.shape[0] - 1), np.arange(self.period)[:, None]]
            sent[choice] = np.clip(factor * all_before * (1 - full), 0.0, None)
            all_before = all_before * full
            asked = asked + people[choice].astype(int)
        total = sent.sum(axis=0)
        return np.asarray(np.where(total > 1.0, sent / np.maximum(total, 1e-12), sent), float)

    def _in_time(self, number: int, busy: Table, kits: Table) -> Table:
        """Chance to be in time of a kind: (hours, n_areas)."""
        if not self.groups:
            return np.zeros((self.period, len(self.situation.areas)))
        choices, kind = self.choices[number], self.rates.kinds[number]
        sent = self._sent(number, busy, kits)
        if kind.like.crew > 1:
            return self._crew_in_time(number, busy)
        idle = np.where(choices.late, 0.0, sent).sum(axis=0)
        # All who are near are busy: the first of them to be free may still do.
        near = np.where(choices.late | (choices.group < 0), 0.0, choices.soon)
        people = np.where(choices.group < 0, 0.0, self.people[choices.group])
        soon = 1 - np.prod((1 - near) ** people, axis=0)
        return np.asarray(np.clip(idle + (1 - idle) * soon, 0.0, 1.0), float)

    def _crew_in_time(self, number: int, busy: Table) -> Table:
        """Chance that enough people of those who could be in time are idle, taken to be independent."""
        choices, crew = self.choices[number], self.rates.kinds[number].like.crew
        chance = np.zeros((crew + 1, self.period, len(self.situation.areas)))
        chance[0] = 1.0
        every = np.arange(self.period)[:, None]
        for choice in range(len(choices.group)):
            group = choices.group[choice]
            idle = np.where(choices.late[choice] | (group < 0), 0.0, 1 - busy[group, every])
            for _ in range(int(self.people.max())):
                this = np.where(_ < np.where(group < 0, 0, self.people[group]), idle, 0.0)
                chance[crew] = chance[crew] + chance[crew - 1] * this
                for size in range(crew - 1, 0, -1):
                    chance[size] = chance[size] * (1 - this) + chance[size - 1] * this
                chance[0] = chance[0] * (1 - this)
        return np.asarray(chance[crew])

    def _work(self, busy: Table, kits: Table) -> tuple[Table, Table]:
        """Hours of work a week by group and hour, and by kind and station."""
        work = np.zeros((len(self.groups), self.period))
        of_kind = np.zeros((len(self.rates.kinds), len(self.situation.study.stations)))
        station = np.array([group.station for group in self.groups])
        for number, kind in enumerate(self.rates.kinds):
            choices = self.choices[number]
            expected = (
                self.arrivals[number][:, None] * self.rates.per_year[number][None, :] * (self.period / 24 / DAYS_A_YEAR) * kind.like.crew
            )
            sent = self._sent(number, busy, kits)
            left = 1 - sent.sum(axis=0)
            sent[0] += np.where(choices.group[0] >= 0, np.clip(left, 0.0, 1.0), 0.0)  # who waits is served by the first choice
            amount = np.where(choices.group >= 0, sent * expected[None], 0.0)
            hour = (np.arange(self.period)[None, :, None] + choices.begins) % self.period
            hours = amount * choices.length
            for step in range(int(np.ceil(choices.length.max())) + 1 if hours.size else 0):
                np.add.at(work, (choices.group, (hour + step) % self.period), amount * _in_hour(choices.length, step))
            np.add.at(of_kind[number], station[choices.group], hours)
        return work, of_kind

    def _kits_out(self, of_kind: Table) -> Table:
        """Share of the time in which a station has no kit left of one that a kind needs: (n_kinds, n_stations)."""
        found = np.zeros(of_kind.shape)
        stations = self.situation.study.stations
        for number, kind in enumerate(self.rates.kinds):
            for kit in kind.like.kits:
                users = [n for n, other in enumerate(self.rates.kinds) if kit in other.like.kits]
                owned = np.array([station.kits.get(kit, 0) for station in stations], float)
                load = of_kind[users].sum(axis=0) / self.period
                found[number] = np.maximum(found[number], np.where(owned > 0, _all_out(owned, load), 0.0))
        return found

    def _together(self, busy: Table) -> Table:
        """Larson's correction for servers that are busy together, by those asked before and hour: (most, hours)."""
        servers = (self.on_duty * self.people[:, None]).sum(axis=0)
        mean = (busy * self.on_duty * self.people[:, None]).sum(axis=0) / np.maximum(servers, 1)
        most = int(min(_CHOICES * self.people.max(), 40)) + 1
        table = np.ones((most, self.period))
        for hour in range(self.period):
            table[:, hour] = _larson(int(servers[hour]), float(mean[hour]), most)
        return table

    def _busy_of_stations(self, busy: Table) -> dict[str, float]:
        found = {}
        for number, station in enumerate(self.situation.study.stations):
            mine = np.array([group.station == number for group in self.groups], bool)
            duty = (self.on_duty[mine] * self.people[mine][:, None]) if mine.any() else np.zeros((0, self.period))
            found[station.id] = float((busy[mine] * duty).sum() / duty.sum()) if duty.sum() else 0.0
        return found


def _in_hour(length: Table, hour: int) -> Table:
    """Share of the hour-th hour from now that work of so many hours takes, when it begins at any moment of this one."""

    def below(x: Table) -> Table:
        return np.where(x > 1, x - 0.5, np.clip(x, 0.0, 1.0) ** 2 / 2)

    return np.asarray(below(length - hour + 1) - below(length - hour) - (0.5 if hour == 0 else 0.0), float)


def _hours(crew: CrewFacts) -> tuple[Table, Table, Table]:
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


def _able(kind: Kind, group: _Group) -> bool:
    like = kind.like
    if like.crew == 1 and any(group.crew.skills.get(skill, 0) < level for skill, level in like.skills.items()):
        return False
    if group.crew.capacity is not None and group.crew.capacity < like.load:
        return False
    return like.crew > 1 or all(group.kits.get(kit, 0) > 0 for kit in like.kits)


def _larson(servers: int, busy: float, most: int) -> Table:
    """Q(N, rho, j) for j = 0 … most - 1: of j + 1 servers asked in turn, j busy and the next one idle, against independent ones."""
    table = np.ones(most)
    if servers <= 1 or busy <= 0:
        return table
    rho = min(busy, _MOST_BUSY)
    log_n = math.log(servers)
    terms = [i * (log_n + math.log(rho)) - math.lgamma(i + 1) for i in range(servers)]
    bottom = (1 - rho) * sum(map(math.exp, terms)) + math.exp(servers * (log_n + math.log(rho)) - math.lgamma(servers + 1))
    for j in range(min(most, servers)):
        top = sum(
            math.exp(
                math.lgamma(servers - j) - math.lgamma(k - j + 1) + math.log(servers - k) + k * log_n - math.lgamma(servers + 1)
                + (k - j) * math.log(rho)
            )
            for k in range(j, servers)
        )  # fmt: skip
        table[j] = top / bottom
    return table


def _all_out(owned: Table, load: Table) -> Table:
    """Erlang's loss formula for `owned` kits and so many in use on average, one after the other: the share of the time without any."""
    found = np.ones(len(owned))
    for count in range(1, int(owned.max()) + 1):
        next_one = load * found / (count + load * found)
        found = np.where(owned >= count, next_one, found)
    return found


def _divided(top: Table, bottom: Table) -> Table:
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), 1.0)
