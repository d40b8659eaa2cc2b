"""What a replayed history says: shares in time, response times, costs and use, with intervals; and the difference to another one, paired.

Weeks are the independent units: what happens within one hangs together, what happens in different ones hardly does. The interval of a
share, which is a ratio of two sums over weeks, is that of its linearisation (Cochran 1977, Sampling Techniques, ch. 6).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from data_models.case import SEVERITIES, Severity
from data_models.study import StudyStation
from optimizer.history_replay import HistoryReplayed, Outcome
from optimizer.scenarios import Situation

WEEK = timedelta(days=7)
_DAYS_A_YEAR = 365.25
_Z_95 = 1.96
_Sums = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and how far the true one may be from it with 95 % confidence; None with fewer than two weeks."""

    value: float
    half_width: float | None


@dataclass(frozen=True)
class Service:
    """How the tickets of one severity fared; times in minutes from opening to work, None when nobody was served."""

    tickets: int
    in_time: Estimate
    not_served: int
    median_minutes: float | None
    nine_in_ten_minutes: float | None


@dataclass(frozen=True)
class StationUse:
    """Hours a year of a station's people: on duty, driving and at work; `use` is the share of the first that the others take."""

    served: int
    duty_hours: float
    drive_hours: float
    work_hours: float

    @property
    def use(self) -> float:
        """Share of the hours on duty that people were out."""
        return (self.drive_hours + self.work_hours) / self.duty_hours if self.duty_hours else 0.0


@dataclass(frozen=True)
class YearlyCost:
    """What a year costs: stations with people, driving, overtime, and what late and unserved tickets cost."""

    stations: float
    driving: float
    overtime: float
    failing: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.stations + self.driving + self.overtime + self.failing


@dataclass(frozen=True)
class Figures:
    """What one scenario gave: by severity, by station, and per year."""

    scenario: str
    service: Mapping[Severity, Service]
    stations: Mapping[str, StationUse]
    cost: YearlyCost


def figures_of(situation: Situation, replays: Sequence[HistoryReplayed]) -> Figures:
    """The figures of one scenario over its replays, which differ in their seeds. Raises `ValueError` without a replay."""
    if not replays:
        raise ValueError("figures of no replay")
    years = sum((replay.ends_at - replay.begins_at) / timedelta(days=1) for replay in replays) / _DAYS_A_YEAR
    outcomes = [outcome for replay in replays for outcome in replay.outcomes]
    rates = situation.study.rates
    total = [replay.total for replay in replays]
    driving = sum(rates.drive_per_hour * each.drive_hours + rates.drive_per_km * each.drive_km for each in total)
    overtime = rates.overtime_per_hour * sum(each.overtime_hours for each in total)
    failing = sum(replay.failing_cost for replay in replays)
    return Figures(
        situation.scenario.name,
        {severity: _service([o for o in outcomes if o.severity == severity], replays, severity) for severity in SEVERITIES},
        {station.id: _use(station, replays, years) for station in situation.study.stations},
        YearlyCost(situation.study.yearly_cost, driving / years, overtime / years, failing / years),
    )


def in_time_difference(base: Sequence[HistoryReplayed], other: Sequence[HistoryReplayed], severity: Severity) -> Estimate:
    """Share in time under another scenario less that under `base`, week by week of the same seed. Both must have the same seeds."""
    if [replay.seed for replay in base] != [replay.seed for replay in other]:
        raise ValueError("replays of different seeds cannot be paired")
    before, after = _weeks(base, severity), _weeks(other, severity)
    return Estimate(_share(after) - _share(before), _half_width(_influence(after) - _influence(before)))


def cost_difference(base: Sequence[HistoryReplayed], other: Sequence[HistoryReplayed]) -> Estimate:
    """What late and unserved tickets cost a year under another scenario less what they cost under `base`, paired by week."""
    begins, ends = base[0].begins_at, base[0].ends_at
    weeks = max(1, math.ceil((ends - begins) / WEEK))
    per_year = _DAYS_A_YEAR / ((ends - begins) / timedelta(days=1)) / len(base)
    differences = np.concatenate([_costs(b, weeks) - _costs(a, weeks) for a, b in zip(base, other, strict=True)]) * per_year
    centred = differences - differences.mean()
    return Estimate(float(differences.sum()), _half_width(centred))


def _service(outcomes: Sequence[Outcome], replays: Sequence[HistoryReplayed], severity: Severity) -> Service:
    minutes = sorted((o.started - o.opened_at) / timedelta(minutes=1) for o in outcomes if o.started is not None)
    sums = _weeks(replays, severity)
    return Service(
        len(outcomes),
        Estimate(_share(sums), _half_width(_influence(sums))),
        sum(o.started is None for o in outcomes),
        float(np.quantile(minutes, 0.5)) if minutes else None,
        float(np.quantile(minutes, 0.9)) if minutes else None,
    )


def _weeks(replays: Sequence[HistoryReplayed], severity: Severity) -> _Sums:
    """Tickets, and those in time, of each week of each replay: (weeks, 2)."""
    found = []
    for replay in replays:
        sums = np.zeros((max(1, math.ceil((replay.ends_at - replay.begins_at) / WEEK)), 2))
        for outcome in replay.outcomes:
            if outcome.severity == severity:
                sums[(outcome.opened_at - replay.begins_at) // WEEK] += 1, outcome.in_time
        found.append(sums)
    return np.concatenate(found)


def _share(sums: _Sums) -> float:
    """Share in time; one where nothing was asked."""
    tickets, in_time = sums.sum(axis=0)
    return float(in_time / tickets) if tickets else 1.0


def _influence(sums: _Sums) -> _Sums:
    """How much each week moves the share."""
    tickets = sums[:, 0].sum()
    return (sums[:, 1] - _share(sums) * sums[:, 0]) / tickets if tickets else np.zeros(len(sums))


def _half_width(influence: _Sums) -> float | None:
    n = len(influence)
    return None if n < 2 else float(_Z_95 * math.sqrt(n / (n - 1) * float((influence**2).sum())))


def _costs(replay: HistoryReplayed, weeks: int) -> _Sums:
    sums = np.zeros(weeks)
    for outcome in replay.outcomes:
        sums[(outcome.opened_at - replay.begins_at) // WEEK] += outcome.cost
    return sums


def _use(station: StudyStation, replays: Sequence[HistoryReplayed], years: float) -> StationUse:
    served = sum(Counter(outcome.station for outcome in replay.outcomes)[station.id] for replay in replays)
    efforts = [replay.effort[station.id] for replay in replays if station.id in replay.effort]
    return StationUse(
        round(served / years),
        duty_hours(station) * _DAYS_A_YEAR / 7,
        sum(effort.drive_hours for effort in efforts) / years,
        sum(effort.work_hours for effort in efforts) / years,
    )


def duty_hours(station: StudyStation) -> float:
    """Hours on duty a week, of everybody together."""
    return sum(crew.people * shift.hours * len(shift.days) for crew in station.crews for shift in crew.shifts)
