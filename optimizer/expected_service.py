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
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data_models.case import SEVERITIES, Severity
from data_models.study import EVERY_DAY
from optimizer.hypercube import MOST_BUSY, all_out, larson
from optimizer.scenarios import Situation
from optimizer.service_choices import CHOICES, Choices, choices_of, groups_of, hours_of
from optimizer.study_days import Days
from optimizer.study_demand import DAYS_A_YEAR
from optimizer.study_rates import HOURS, Rates, rates_of

_ROUNDS = 30
_CLOSE = 1e-4
_NEVER = 1e-6  # a chance that nobody before was idle that is not worth asking further
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


@dataclass(frozen=True)
class Busy:
    """Busy fractions that agree with the work: of groups by hour, and of the kits that a kind needs by station."""

    people: Table
    kits: Table


@dataclass(frozen=True)
class Solved:
    """What the formula found for a situation, and what a situation much like it can begin with."""

    service: ExpectedService
    model: _Model
    busy: Busy


def expected_service(situation: Situation, rates: Rates | None = None) -> ExpectedService:
    """The expected service of a situation, by formula."""
    return solved(situation, rates).service


def solved(situation: Situation, rates: Rates | None = None, near: Solved | None = None) -> Solved:
    """The expected service, with what it rests on.

    Parameters
    ----------
    rates
        What to expect; as `rates_of` says when absent.
    near
        Found for a situation that differs in little: its busy fractions are where the search for these ones begins, and where only
        numbers of people differ its choices hold. It changes nothing but the time that this takes (results agree to 1e-4).
    """
    model = _Model(situation, rates_of(situation) if rates is None else rates, None if near is None else near.model)
    busy = model.busy(None if near is None else model.like(near))
    return Solved(model.service(busy), model, busy)


class _Model:
    def __init__(self, situation: Situation, rates: Rates, near: _Model | None = None) -> None:
        self.situation, self.rates = situation, rates
        self.groups = groups_of(situation.study.stations)
        self.people = np.array([group.crew.people for group in self.groups], float)
        self.station = np.array([group.station for group in self.groups], int)
        self.minutes = Days(situation).station_seconds[self.station] / 60
        # Where everybody keeps the same hours every day, one day stands for the week.
        daily = all(set(shift.days) == set(EVERY_DAY) for group in self.groups for shift in group.crew.shifts)
        self.period = 24 if daily else HOURS
        self.arrivals = rates.hours.reshape(len(rates.kinds), -1, self.period).sum(axis=1)
        self.hours = [hours_of(group.crew) for group in self.groups]
        self.on_duty = np.array([left[: self.period] > 0 for left, _, _ in self.hours]).reshape(len(self.groups), self.period)
        if near is not None and self._chooses_like(near):
            self.choices, self.profiles, self.flat = near.choices, near.profiles, near.flat

    @cached_property
    def choices(self) -> list[Choices]:
        """The choices of each kind."""
        return [
            choices_of(kind, promised, self.groups, self.hours, self.minutes, self.period)
            for kind, promised in zip(self.rates.kinds, self.rates.promised_minutes, strict=True)
        ]

    @cached_property
    def profiles(self) -> list[Table]:
        """Of each kind, the share of an hour that somebody is out, by hours since they set out: (n_groups, n_areas, hours)."""
        found = []
        for kind, choices in zip(self.rates.kinds, self.choices, strict=True):
            longest = float(choices.length.max(initial=0.0))
            length = np.minimum((2 * self.minutes + kind.minutes) / 60, longest)  # nobody sets out on what does not fit into a shift
            steps = math.ceil(longest) + 1
            found.append(np.stack([_in_hour(length, step) for step in range(steps)], axis=-1))
        return found

    @cached_property
    def flat(self) -> list[npt.NDArray[np.int64]]:
        """Of each kind, where a choice counts in a table (n_groups, hours, n_areas), by the hour in which the person sets out."""
        areas = self.minutes.shape[1]
        every = np.arange(self.period)[None, :, None]
        return [
            (np.maximum(each.group, 0).astype(np.int64) * self.period + (every + each.begins) % self.period) * areas + np.arange(areas)
            for each in self.choices
        ]

    def like(self, near: Solved) -> Busy | None:
        """Busy fractions of another situation for the groups of this one; those that it has not got are idle."""
        other = near.model
        if other.period != self.period or [k.like for k in other.rates.kinds] != [k.like for k in self.rates.kinds]:
            return None
        rows, columns = ({name: n for n, name in enumerate(names)} for names in (other._names(), other._stations()))
        people, kits = np.zeros((len(self.groups), self.period)), np.zeros((len(self.rates.kinds), len(self._stations())))
        for number, name in enumerate(self._names()):
            if name in rows:
                people[number] = near.busy.people[rows[name]]
        for number, station in enumerate(self._stations()):
            if station in columns:
                kits[:, number] = near.busy.kits[:, columns[station]]
        return Busy(people, kits)

    def busy(self, first: Busy | None = None) -> Busy:
        """Busy fractions that agree with the work, from `first` on."""
        shape = len(self.groups), self.period
        busy = Busy(np.zeros(shape), np.zeros((len(self.rates.kinds), len(self._stations())))) if first is None else first
        step, last = 1.0, math.inf
        for _ in range(_ROUNDS if self.groups else 0):
            work, of_kind = self._work(busy)
            people = np.minimum(np.where(self.on_duty, work / self.people[:, None], 0.0), MOST_BUSY)
            change = float(np.abs(people - busy.people).max())
            # Whole steps as long as they come nearer; where much is busy they would swing to and fro.
            step = step if change < last / 2 else 0.5
            last, kits = change, self._kits_out(of_kind)
            busy = Busy(busy.people + step * (people - busy.people), busy.kits + step * (kits - busy.kits))
            if change < _CLOSE:
                break
        return busy

    def service(self, busy: Busy) -> ExpectedService:
        """Expected shares with these busy fractions."""
        queue = self._together(busy.people)
        shares = [self._in_time(number, busy, queue) for number in range(len(self.rates.kinds))]
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
            self._busy_of_stations(busy.people),
        )

    def _chooses_like(self, other: _Model) -> bool:
        """Whether whom to send is the same: the same places, hours, skills and kinds of kits."""
        if self.rates is not other.rates or self.situation.policy is not other.situation.policy or len(self.groups) != len(other.groups):
            return False
        same = all(
            (a.station, a.crew.skills, a.crew.shifts, a.crew.capacity, _held(a.kits)) == (b.station, b.crew.skills, b.crew.shifts,
            b.crew.capacity, _held(b.kits)) for a, b in zip(self.groups, other.groups, strict=True)
        )  # fmt: skip
        return same and np.array_equal(self.minutes, other.minutes)

    def _names(self) -> list[tuple[str, str]]:
        return [(self.situation.study.stations[group.station].id, group.crew.id) for group in self.groups]

    def _stations(self) -> list[str]:
        return [station.id for station in self.situation.study.stations]

    def _sent(self, number: int, busy: Busy, queue: Table) -> Table:
        """Chance that each choice of a kind is idle and all before it are not: (choices, hours, n_areas)."""
        choices, kind = self.choices[number], self.rates.kinds[number]
        hour = np.arange(self.period)[:, None]
        sent = np.zeros(choices.group.shape)
        before, asked = np.ones(sent.shape[1:]), np.zeros(sent.shape[1:], int)
        for choice, group in enumerate(choices.group):
            none = group < 0
            people = self.people[group]
            full = busy.people[group, hour]
            # Of a group, all must be busy before the next one is asked.
            full = full**people if self.people.max() > 1 else full
            if kind.like.kits:
                full = 1 - (1 - full) * (1 - busy.kits[number][self.station[group]])
            factor = queue[np.minimum(asked, len(queue) - 1), hour]
            sent[choice] = np.where(none, 0.0, np.clip(factor * before * (1 - full), 0.0, None))
            before = np.where(none, 0.0, before * full)
            if before.max(initial=0.0) < _NEVER:
                break
            asked = asked + people.astype(int)
        total = sent.sum(axis=0)
        return np.asarray(np.where(total > 1.0, sent / np.maximum(total, 1e-12), sent), float)

    def _in_time(self, number: int, busy: Busy, queue: Table) -> Table:
        """Chance to be in time of a kind: (hours, n_areas)."""
        if not self.groups:
            return np.zeros((self.period, len(self.situation.areas)))
        choices, kind = self.choices[number], self.rates.kinds[number]
        if kind.like.crew > 1:
            return self._crew_in_time(number, busy.people)
        idle = np.where(choices.late, 0.0, self._sent(number, busy, queue)).sum(axis=0)
        # All who are near are busy: the first of them to be free may still do.
        none = choices.group < 0
        not_near = np.where(choices.late | none, 1.0, 1 - choices.soon)
        if self.people.max() > 1:
            not_near = not_near ** np.where(none, 0.0, self.people[choices.group])
        return np.asarray(np.clip(idle + (1 - idle) * (1 - not_near.prod(axis=0)), 0.0, 1.0), float)

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

    def _work(self, busy: Busy) -> tuple[Table, Table]:
        """Hours of work a week by group and hour, and by kind and station."""
        work, queue = np.zeros((len(self.groups), self.period)), self._together(busy.people)
        of_kind = np.zeros((len(self.rates.kinds), len(self._stations())))
        table = (len(self.groups), self.period, self.minutes.shape[1])
        for number, kind in enumerate(self.rates.kinds):
            a_week = self.period / 24 / DAYS_A_YEAR * kind.like.crew
            expected = self.arrivals[number][:, None] * self.rates.per_year[number][None, :] * a_week
            sent = self._sent(number, busy, queue)
            group = self.choices[number].group
            left = 1 - sent.sum(axis=0)
            sent[0] += np.where(group[0] >= 0, np.clip(left, 0.0, 1.0), 0.0)  # who waits is served by the first choice
            asked = int(np.flatnonzero(sent.any(axis=(1, 2)))[-1]) + 1 if sent.any() else 0
            amount = np.where(group[:asked] >= 0, sent[:asked] * expected[None], 0.0)
            flat = self.flat[number][:asked]
            begun = np.bincount(flat.ravel(), amount.ravel(), minlength=math.prod(table)).reshape(table)
            # Not by `@`: the threads of its library cost more than they save with tables so small.
            hours = np.einsum("gha,gas->ghs", begun, self.profiles[number])
            for step in range(hours.shape[2]):
                work += np.roll(hours[:, :, step], step, axis=1)
            np.add.at(of_kind[number], self.station, hours.sum(axis=(1, 2)))
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
                found[number] = np.maximum(found[number], np.where(owned > 0, all_out(owned, load), 0.0))
        return found

    def _together(self, busy: Table) -> Table:
        """Larson's correction for servers that are busy together, by those asked before and hour: (most, hours)."""
        servers = (self.on_duty * self.people[:, None]).sum(axis=0)
        mean = (busy * self.on_duty * self.people[:, None]).sum(axis=0) / np.maximum(servers, 1)
        most = int(min(CHOICES * self.people.max(initial=0.0), 40)) + 1
        return np.stack([larson(int(servers[hour]), float(mean[hour]), most) for hour in range(self.period)], axis=1)

    def _busy_of_stations(self, busy: Table) -> dict[str, float]:
        found = {}
        for number, station in enumerate(self.situation.study.stations):
            mine = np.array([group.station == number for group in self.groups], bool)
            duty = (self.on_duty[mine] * self.people[mine][:, None]) if mine.any() else np.zeros((0, self.period))
            found[station.id] = float((busy[mine] * duty).sum() / duty.sum()) if duty.sum() else 0.0
        return found


def _held(kits: Mapping[str, int]) -> set[str]:
    return {kit for kit, count in kits.items() if count > 0}


def _in_hour(length: Table, hour: int) -> Table:
    """Share of the hour-th hour from now that work of so many hours takes, when it begins at any moment of this one."""

    def below(x: Table) -> Table:
        return np.where(x > 1, x - 0.5, np.clip(x, 0.0, 1.0) ** 2 / 2)

    return np.asarray(below(length - hour + 1) - below(length - hour) - (0.5 if hour == 0 else 0.0), float)


def _divided(top: Table, bottom: Table) -> Table:
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), 1.0)
