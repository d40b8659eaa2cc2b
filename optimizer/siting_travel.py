"""Drives from candidate sites to demand points and which of them keep the standard: exact, without the whole matrix for large cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_models.case import GreatCircle, Rates, TravelMatrix, great_circle_km
from data_models.siting import CandidateSite, DemandPoint, SitingCase
from optimizer.legs import legs_of

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]

_SLACK_S = 1e-6
"""Far below any meaning of a drive, far above the error of turning minutes into seconds."""
_CHORD_ERROR = 1e-12
"""No squared chord on the unit sphere is wrong by more: nearer to the limit than that, the exact formula decides."""
_BLOCK = 2_000_000  # pairs at a time: 16 MB


def standards_s(case: SitingCase) -> Floats:
    """The standard of each demand point, `(n_demand,) float64` seconds, both ends of the drive included."""
    return np.array([case.standard_of(point) for point in case.demand], float) * 60 + _SLACK_S


def drive_s(travel: GreatCircle | TravelMatrix, sites: Sequence[CandidateSite], demand: Sequence[DemandPoint]) -> Floats:
    """Drive seconds `(n_sites, n_demand) float64` from each site to each demand point; infinite where there is no way."""
    if isinstance(travel, TravelMatrix):
        if not sites or not demand:
            return np.zeros((len(sites), len(demand)))
        rows = [np.asarray(travel.seconds[site.place or 0], float) for site in sites]
        columns = np.array([point.place or 0 for point in demand], np.int64)
        return np.stack([row[columns] for row in rows])
    places = [*((site.lat, site.lon, None) for site in sites), *((point.lat, point.lon, None) for point in demand)]
    legs = legs_of(travel, Rates(), places)
    seconds, _ = legs.between(np.arange(len(sites)), np.arange(len(sites), len(places)))
    return seconds.astype(float)


def covered_bits(case: SitingCase, sites: Sequence[CandidateSite]) -> Bits:
    """Which demand points each site covers: `(n_sites, ceil(n_demand / 8)) uint8`, the first point in the highest bit of the first byte.

    Takes an eighth of a byte for each pair: 12.5 MB for 1,000 sites and 100,000 demand points.
    """
    limits = standards_s(case)
    bits = np.zeros((len(sites), (len(limits) + 7) // 8), np.uint8)
    step = max(1, _BLOCK // max(1, len(limits)))
    travel = case.travel
    near = _NearByCircle(travel, case.demand, limits) if isinstance(travel, GreatCircle) else None
    for first in range(0, len(sites), step):
        block = sites[first : first + step]
        covered = drive_s(travel, block, case.demand) <= limits if near is None else near.covered(block)
        bits[first : first + step] = np.packbits(covered, axis=1)
    return bits


class _NearByCircle:
    """Great circles compared by their chord, a product of unit vectors, in place of a dozen sines for each pair."""

    def __init__(self, travel: GreatCircle, demand: Sequence[DemandPoint], limits_s: Floats) -> None:
        self.travel = travel
        self.demand = demand
        # A drive is rounded up to whole seconds: it keeps a limit exactly when it keeps the whole seconds of it.
        self.whole_s = np.floor(limits_s)
        angle = self.whole_s / 3600 * travel.speed_kmh / travel.detour / great_circle_km(0, 0, 0, 180) * math.pi
        self.chord = np.where(angle < math.pi, 4 * np.sin(np.minimum(angle, math.pi) / 2) ** 2, np.inf)
        self.vectors = _unit_vectors(demand)

    def covered(self, sites: Sequence[CandidateSite]) -> NDArray[np.bool_]:
        chord = _unit_vectors(sites) @ self.vectors.T
        chord *= -2
        chord += 2
        covered: NDArray[np.bool_] = chord <= self.chord - _CHORD_ERROR
        doubtful = chord <= self.chord + _CHORD_ERROR
        doubtful &= ~covered
        for row, column in np.argwhere(doubtful):
            covered[row, column] = self._exactly(sites[row], self.demand[column], self.whole_s[column])
        return covered

    def _exactly(self, site: CandidateSite, point: DemandPoint, whole_s: float) -> bool:
        if (site.lat, site.lon) == (point.lat, point.lon):
            return True
        km = great_circle_km(site.lat, site.lon, point.lat, point.lon) * self.travel.detour
        return math.ceil(km / self.travel.speed_kmh * 3600) <= whole_s


def _unit_vectors(places: Sequence[CandidateSite] | Sequence[DemandPoint]) -> Floats:
    """`(n, 3)` points on the unit sphere."""
    lat = np.radians([place.lat for place in places])
    lon = np.radians([place.lon for place in places])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
