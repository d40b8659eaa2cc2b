"""Travel estimated from the distance as the crow flies: the default, which needs no road data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_models.case import EARTH_KM
from data_models.datum import Point
from data_models.errors import BadInput
from data_models.travel.provider import FloatMatrix, TravelTimes


@dataclass(frozen=True)
class GreatCircleTravel:
    """Haversine on the sphere of `EARTH_KM`, times `detour`, at `speed_kmh`; as `formats.md` fixes it.

    Why 1.3 and 70 km/h: see "Travel speeds" in DECISIONS.
    """

    detour: float = 1.3
    speed_kmh: float = 70.0

    def __post_init__(self) -> None:
        if not 1 <= self.detour < np.inf:
            raise BadInput(f"detour: {self.detour} is not a road detour, give a number of at least 1, such as 1.3")
        if not 0 < self.speed_kmh < np.inf:
            raise BadInput(f"speed_kmh: {self.speed_kmh} is not a speed, give a number above 0, such as 70")

    @property
    def key(self) -> str:
        """Names the estimator and its parameters."""
        return f"great circle × {self.detour:g} at {self.speed_kmh:g} km/h"

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        """Travel from each origin to each destination; every pair is reachable."""
        km = _haversine_km(_radians(origins), _radians(destinations), _lon_degrees(origins), _lon_degrees(destinations))
        km *= self.detour
        seconds = km / self.speed_kmh
        seconds *= 3600
        # Up, so that no drive is planned shorter than it is estimated.
        np.ceil(seconds, out=seconds)
        km *= 1000
        return TravelTimes(seconds, km, self.key)


def _haversine_km(lat_from: FloatMatrix, lat_to: FloatMatrix, lon_from: FloatMatrix, lon_to: FloatMatrix) -> FloatMatrix:
    """`(n_from, n_to)` km; latitudes in radians, longitudes in degrees. The order of operations is that of `great_circle_km`,
    so that rounding up gives the same second; in place, because a matrix of 5,000 places already takes 200 MB."""
    chord = np.radians(lon_to[None, :] - lon_from[:, None])
    chord /= 2
    np.sin(chord, out=chord)
    chord *= chord
    chord *= np.cos(lat_from)[:, None] * np.cos(lat_to)[None, :]
    across = lat_to[None, :] - lat_from[:, None]
    across /= 2
    np.sin(across, out=across)
    across *= across
    chord += across
    np.sqrt(chord, out=chord)
    np.minimum(chord, 1.0, out=chord)
    np.arcsin(chord, out=chord)
    chord *= 2 * EARTH_KM
    return chord


def _radians(places: Sequence[Point]) -> FloatMatrix:
    return np.radians(np.array([place.lat for place in places], dtype=np.float64))


def _lon_degrees(places: Sequence[Point]) -> FloatMatrix:
    return np.array([place.lon for place in places], dtype=np.float64)
