"""Travel between the locations of a problem, worked out where it is asked for: a large case has no room for all pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from data_models.case import EARTH_KM, GreatCircle, Rates, TravelMatrix, great_circle_km

UNREACHABLE = 10**12
"""Drive seconds of a pair without a way. More than any two moments that a calendar can hold lie apart (3.2e11 s), and
small enough that a million of them still add up within 64 bits."""

MOST_DENSE = 4000
"""Locations of which all pairs are kept at once: 16 million pairs, 128 MB a matrix."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Legs:
    """Where the locations of a problem are, and what a drive between two of them takes.

    Attributes
    ----------
    lat, lon : (n_locations,) float64
        Degrees; not looked at where `detour` is None.
    place : (n_locations,) int64
        Index into `given_s` and `given_m`; not looked at where `detour` is a number.
    detour, speed_kmh
        Of the great circle; None: travel is given.
    given_s, given_m : (n_places, n_places) float64
        Given travel `[origin, destination]`, empty without.
    per_s, per_m
        Money for a second and for a metre of driving.
    """

    lat: Floats
    lon: Floats
    place: Ints
    detour: float | None
    speed_kmh: float
    given_s: Floats
    given_m: Floats
    per_s: float
    per_m: float

    def only(self, locations: Ints) -> Legs:
        """The same travel between some of the locations, numbered in the order given."""
        return replace(self, lat=self.lat[locations], lon=self.lon[locations], place=self.place[locations])

    def between(self, origins: Ints | slice = slice(None), destinations: Ints | slice = slice(None)) -> tuple[Ints, Floats]:
        """Drive seconds, rounded up, and money of each drive: two arrays `[origin, destination]`; as `Problem` describes them."""
        exact_s, metres = self._exact(origins, destinations)
        travel_s: Ints = np.ceil(exact_s).astype(np.int64)  # up: nobody arrives early
        paid = exact_s * self.per_s + metres * self.per_m
        paid[travel_s >= UNREACHABLE] = np.inf
        return travel_s, paid

    def metres(self) -> Floats:
        """Road distance between all locations, 0 where there is no way: (n_locations, n_locations) float64."""
        return self._exact(slice(None), slice(None))[1]

    def seconds_of(self, origin: int, destination: int) -> int:
        """Drive seconds of one leg, rounded up: exactly those of `between`."""
        if self.detour is None:
            here = np.array([origin]), np.array([destination])
            return int(self.between(*here)[0][0, 0])
        km = great_circle_km(self.lat[origin], self.lon[origin], self.lat[destination], self.lon[destination]) * self.detour
        return min(math.ceil(km / self.speed_kmh * 3600), UNREACHABLE)

    def money_of(self, origin: int, destination: int) -> float:
        """Money for one leg: that of `between`, but for rounding in the last digits."""
        if self.detour is None:
            here = np.array([origin]), np.array([destination])
            return float(self.between(*here)[1][0, 0])
        km = great_circle_km(self.lat[origin], self.lon[origin], self.lat[destination], self.lon[destination]) * self.detour
        seconds = math.ceil(km / self.speed_kmh * 3600)
        return seconds * self.per_s + km * 1000 * self.per_m if seconds < UNREACHABLE else math.inf

    def _exact(self, origins: Ints | slice, destinations: Ints | slice) -> tuple[Floats, Floats]:
        """Seconds, at most `UNREACHABLE`, and metres of each drive `[origin, destination]`."""
        if self.detour is None:
            pairs = np.ix_(self.place[origins], self.place[destinations])
            seconds, metres = self.given_s[pairs], self.given_m[pairs]
            blocked = ~(np.isfinite(seconds) & np.isfinite(metres))
            return np.where(blocked, UNREACHABLE, seconds), np.where(blocked, 0.0, metres)
        from_lat, from_lon, to_lat, to_lon = self.lat[origins], self.lon[origins], self.lat[destinations], self.lon[destinations]
        km = _great_circles(from_lat, from_lon, to_lat, to_lon) * self.detour
        exact: Floats = km / self.speed_kmh * 3600
        rounded: Floats = np.ceil(exact)  # up, as formats.md says
        # numpy's and math's sines may differ in the last bit; where that could move the rounding, math decides, as it does in the judges.
        for a, b in np.argwhere(np.abs(exact - np.round(exact)) < 1e-6 + 1e-12 * exact):
            if km[a, b] > 0:
                true_km = great_circle_km(from_lat[a], from_lon[a], to_lat[b], to_lon[b]) * self.detour
                rounded[a, b] = math.ceil(true_km / self.speed_kmh * 3600)
        return rounded, km * 1000


def legs_of(travel: GreatCircle | TravelMatrix, rates: Rates, places: Sequence[tuple[float, float, int | None]]) -> Legs:
    """The travel between places: latitude, longitude, and index into a given matrix."""
    given = travel if isinstance(travel, TravelMatrix) and places else None
    none = np.zeros((0, 0))
    return Legs(
        lat=np.array([p[0] for p in places], float),
        lon=np.array([p[1] for p in places], float),
        place=np.array([p[2] or 0 for p in places], np.int64),
        detour=None if isinstance(travel, TravelMatrix) else travel.detour,
        speed_kmh=1.0 if isinstance(travel, TravelMatrix) else travel.speed_kmh,
        given_s=none if given is None else np.array(given.seconds, float),
        given_m=none if given is None else np.array(given.metres, float),
        per_s=rates.drive_per_hour / 3600,
        per_m=rates.drive_per_km / 1000,
    )


def _great_circles(from_lat: Floats, from_lon: Floats, to_lat: Floats, to_lon: Floats) -> Floats:
    """Haversine distances in km `[origin, destination]`; arguments in degrees."""
    phi_a, lam_a, phi_b, lam_b = np.radians(from_lat), np.radians(from_lon), np.radians(to_lat), np.radians(to_lon)
    chord = np.sin((phi_b[None, :] - phi_a[:, None]) / 2) ** 2
    chord += np.cos(phi_a)[:, None] * np.cos(phi_b)[None, :] * np.sin((lam_b[None, :] - lam_a[:, None]) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(1.0, np.sqrt(chord))))


T = TypeVar("T")


class Rows(dict[int, T]):
    """Values by index, each made when it is first read."""

    def __init__(self, make: Callable[[int], T]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, index: int) -> T:
        made = self[index] = self.make(index)
        return made
