"""What a report about scenarios shows, as plain facts: `flows.study_report` fills them in from a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["open", "opened", "closed", "candidate"]


@dataclass(frozen=True)
class AreaMark:
    """An area on a map.

    Attributes
    ----------
    weight
        Its tickets.
    before, after
        Whether a station reaches it in the promised time by road, today and under the scenario.
    asked, in_time
        Emergencies replayed under the scenario, and those of them in time.
    """

    name: str
    lat: float
    lon: float
    weight: float
    before: bool
    after: bool
    asked: int = 0
    in_time: int = 0


@dataclass(frozen=True)
class StationMark:
    """A station on a map; `load` is the share of their hours on duty that its people are out, None where nobody works."""

    name: str
    lat: float
    lon: float
    standing: Standing
    load: float | None = None


@dataclass(frozen=True)
class Interval:
    """A figure with half the width of its 95 % interval, None where it has none."""

    value: float
    half_width: float | None = None


@dataclass(frozen=True)
class ScenarioFacts:
    """One scenario in the report.

    Attributes
    ----------
    sentence
        What it brings beside the first one, in words; empty for the first.
    in_time, difference, formula, error_points
        Share of emergencies in time by replay, beside the first one, by formula, and points by which the formula is above the
        replay; None where no emergency was replayed.
    gained, lost
        Customers within the promise by road beside the first one.
    stations_cost, running_cost, failing_cost
        A year: stations with people, driving and overtime, late and unserved tickets.
    curve
        Share of the emergencies at which work had begun within each of `StudyReport.minutes`.
    week
        Emergencies, and those in time, by weekday from Monday and hour.
    """

    name: str
    note: str
    sentence: str
    in_time: Interval | None
    difference: Interval | None
    formula: float
    error_points: float | None
    gained: int
    lost: int
    median_minutes: float | None
    nine_in_ten_minutes: float | None
    stations_cost: float
    running_cost: float
    failing_cost: float
    areas: Sequence[AreaMark]
    stations: Sequence[StationMark]
    curve: Sequence[float]
    week: Sequence[Sequence[tuple[int, int]]]

    @property
    def total_cost(self) -> float:
        """All of it."""
        return self.stations_cost + self.running_cost + self.failing_cost


@dataclass(frozen=True)
class FrontierPoint:
    """A choice of sites that no other one beats at its cost: `covered` is the weight of what it covers."""

    yearly_cost: float
    covered: float
    open: Sequence[str]


@dataclass(frozen=True)
class StudyReport:
    """All that the report shows; the first scenario is what the others are compared with.

    Attributes
    ----------
    minutes
        Where response curves are read.
    promised_minutes
        The promised time by road.
    formula_sentence
        How far the formula is from the replay.
    """

    study: str
    period: str
    tickets: int
    areas: int
    policy: str
    dispatcher: str
    replays: int
    futures: bool
    promised_km: float
    promised_minutes: float
    minutes: Sequence[float]
    formula_sentence: str
    scenarios: Sequence[ScenarioFacts]
    frontier: Sequence[FrontierPoint] = ()
