"""What every source of travel times has in common, and what is built from any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_models.case import TravelMatrix
from data_models.datum import Point
from data_models.errors import BadInput, Unavailable

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TravelTimes:
    """Travel between places, read `[origin, destination]`.

    Parameters
    ----------
    seconds, metres
        `(n_origins, n_destinations) float64`; infinite in both where no road joins the pair.
    source
        Where the numbers come from, fit to be shown with a plan.
    notes
        What a coordinator should know about them, one sentence each: a fallback taken, places without a road.
    """

    seconds: FloatMatrix
    metres: FloatMatrix
    source: str
    notes: tuple[str, ...] = ()


class TravelProvider(Protocol):
    """A source of travel times."""

    @property
    def key(self) -> str:
        """Names the source and all that its answers depend on, in at most 120 characters and without secrets; the cache's key."""

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        """Travel from each origin to each destination, WGS-84, neither empty. Raises `Unavailable` when the source does not answer."""


def matrix(places: Sequence[Point], provider: TravelProvider) -> TravelTimes:
    """Travel between all pairs of `places`; zero from a place to itself, even one that no road reaches.

    A place that occurs several times is asked for once. Places that cannot be reached from any other are noted.

    Raises
    ------
    BadInput
        A place is not on earth.
    Unavailable
        The provider does not answer.
    """
    _require_on_earth(places)
    if not places:
        return TravelTimes(np.zeros((0, 0)), np.zeros((0, 0)), provider.key)
    index_of: dict[Point, int] = {}
    rows = [index_of.setdefault(place, len(index_of)) for place in places]
    distinct = list(index_of)
    times = provider.table(distinct, distinct)
    np.fill_diagonal(times.seconds, 0.0)
    np.fill_diagonal(times.metres, 0.0)
    notes = times.notes + _cut_off(distinct, times)
    spread = np.ix_(rows, rows)
    return TravelTimes(times.seconds[spread], times.metres[spread], times.source, notes)


def as_case_travel(times: TravelTimes) -> TravelMatrix:
    """The matrix as a case holds it: place `i` of the case is place `i` that was asked for."""
    return TravelMatrix("matrix", tuple(map(tuple, times.seconds.tolist())), tuple(map(tuple, times.metres.tolist())))


@dataclass(frozen=True)
class WithFallback:
    """Asks `provider`; when it is unavailable, asks `backup` for the whole table instead and says so in the notes.

    Never mixed within one table: a plan must not compare a road time with an estimate.
    """

    provider: TravelProvider
    backup: TravelProvider

    @property
    def key(self) -> str:
        """The provider's own key: what `backup` gives is not to be cached under it."""
        return self.provider.key

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        """As `TravelProvider.table`; raises `Unavailable` only when the backup is unavailable too."""
        try:
            return self.provider.table(origins, destinations)
        except Unavailable as error:
            times = self.backup.table(origins, destinations)
            note = f"Travel times are estimates ({times.source}), because the road times were not to be had: {error}"
            return TravelTimes(times.seconds, times.metres, times.source, (note, *times.notes))


def label(place: Point) -> str:
    """How notes name a place."""
    return f"{place.lat:.5f}, {place.lon:.5f}"


def listed(items: Sequence[str], most: int = 10) -> str:
    """The items in one line; those past `most` are only counted."""
    return "; ".join(items[:most]) + (f"; and {len(items) - most} more" if len(items) > most else "")


def _require_on_earth(places: Sequence[Point]) -> None:
    wrong = [
        f"Place {index}: {place.lat}, {place.lon} is not on earth: latitude is -90 to 90, longitude -180 to 180 degrees"
        for index, place in enumerate(places)
        if not (-90 <= place.lat <= 90 and -180 <= place.lon <= 180)
    ]
    if wrong:
        raise BadInput(*wrong)


def _cut_off(places: Sequence[Point], times: TravelTimes) -> tuple[str, ...]:
    """A note on the places that have no way to or no way from any other, and that no note names yet."""
    if len(places) < 2:
        return ()
    reachable = np.isfinite(times.seconds)
    # The diagonal is always finite: one finite entry means no other place.
    alone = (reachable.sum(axis=0) == 1) | (reachable.sum(axis=1) == 1)
    said = " ".join(times.notes)
    names = [label(places[index]) for index in np.flatnonzero(alone).tolist() if label(places[index]) not in said]
    if not names:
        return ()
    return (f"No road joins these places with the others, check their coordinates and what the road data covers: {listed(names)}",)
