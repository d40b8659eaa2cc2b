"""What is remembered between readings, and how it is carried over a restart. Times are microseconds since 1970, UTC."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Fold:
    """What a series has come to at some reading; times in microseconds. `spells` by rule: since, last reading, alarm's begin or -1."""

    at: int = -1
    value: float = math.nan
    run_since: int = -1
    run_count: int = 0
    spells: dict[str, list[int]] = field(default_factory=dict)

    def copy(self) -> Fold:
        """A copy that can be folded further by itself."""
        return Fold(self.at, self.value, self.run_since, self.run_count, {name: list(spell) for name, spell in self.spells.items()})


Kept = tuple[int, str, float, str]
"""A reading as a series keeps it: time, key, value in the base unit, product. In this order they are folded."""


@dataclass(slots=True)
class Series:
    """One quantity of one sensor: `base` folds what is no longer kept, `end` the readings in `recent` too."""

    base: Fold = field(default_factory=Fold)
    recent: list[Kept] = field(default_factory=list)
    end: Fold = field(default_factory=Fold)
    keys: set[str] = field(default_factory=set)
    trouble: Literal["", "stuck", "silent"] = ""


SeriesId = tuple[str, str, str]
"""Site, sensor, quantity."""


@dataclass(slots=True)
class Gate:
    """The last ticket of a site and rule: the event time that opened it, when it was closed, and since when which series back it."""

    ticket: str
    opened: int
    closed: int | None = None
    backers: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class SensorState:
    """Everything that `take` remembers. `take` changes it in place; `state_json` and `state_from` carry it over a restart."""

    series: dict[SeriesId, Series] = field(default_factory=dict)
    gates: dict[tuple[str, str], Gate] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)


def note_closed(state: SensorState, site: str, rule: str, at: datetime) -> None:
    """The ticket of a site and rule was closed or cancelled: after the rule's quiet time another may be opened."""
    gate = state.gates.get((site, rule))
    if gate is not None and gate.closed is None:
        gate.closed = moment_of(at)
        gate.backers = {}


def note_reopened(state: SensorState, site: str, rule: str) -> None:
    """The last ticket of a site and rule is open again: no other is opened beside it."""
    gate = state.gates.get((site, rule))
    if gate is not None:
        gate.closed = None


# --- over a restart ---


def state_json(state: SensorState) -> dict[str, Any]:
    """The state as plain JSON values; `state_from` gives it back."""
    return {
        "series": [[*who, series_json(series)] for who, series in state.series.items()],
        "gates": [[site, rule, gate.ticket, gate.opened, gate.closed, backers_json(gate)] for (site, rule), gate in state.gates.items()],
    }


def state_from(held: Mapping[str, Any]) -> SensorState:
    """The state that `state_json` wrote."""
    state = SensorState()
    for site, sensor, quantity, series in held["series"]:
        put_series(state, (site, sensor, quantity), series_from(series))
    for site, rule, ticket, opened, closed, backers in held["gates"]:
        state.gates[site, rule] = Gate(ticket, opened, closed, backers_from(backers))
    return state


def put_series(state: SensorState, who: SeriesId, series: Series) -> None:
    """Put a restored series into a state."""
    state.series[who] = series
    state.moved[who[0]] = max(state.moved.get(who[0], -1), series.end.run_since)


def series_json(series: Series) -> dict[str, Any]:
    """A series as plain JSON values."""
    return {"base": _fold_json(series.base), "end": _fold_json(series.end), "recent": series.recent, "trouble": series.trouble}


def series_from(held: Mapping[str, Any]) -> Series:
    """The series that `series_json` wrote."""
    recent = [(at, key, value, product) for at, key, value, product in held["recent"]]
    return Series(_fold_from(held["base"]), recent, _fold_from(held["end"]), {entry[1] for entry in recent}, held["trouble"])


def backers_json(gate: Gate) -> list[list[Any]]:
    """What backs a gate's ticket, as plain JSON values."""
    return [[sensor, quantity, at] for (sensor, quantity), at in gate.backers.items()]


def backers_from(held: Iterable[Any]) -> dict[tuple[str, str], int]:
    """What `backers_json` wrote."""
    return {(sensor, quantity): at for sensor, quantity, at in held}


def _fold_json(fold: Fold) -> list[Any]:
    return [fold.at, None if math.isnan(fold.value) else fold.value, fold.run_since, fold.run_count, fold.spells]


def _fold_from(held: list[Any]) -> Fold:
    at, value, run_since, run_count, spells = held
    return Fold(at, math.nan if value is None else value, run_since, run_count, {name: list(spell) for name, spell in spells.items()})


# --- moments ---


def moment_of(at: datetime) -> int:
    """The microseconds of an aware time, exactly."""
    since = at - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def time_of(moment: int) -> datetime:
    """The time of a moment, in UTC."""
    return _EPOCH + timedelta(microseconds=moment)
