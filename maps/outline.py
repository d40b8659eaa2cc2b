"""Whether a place lies on the Chinese mainland, by the outlines of the provinces that the base map draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

Ring = Sequence[tuple[float, float]]
"""Corners of an outline as lat, lon in degrees."""

_FILE = Path(__file__).parent / "assets" / "provinces.json"
_OTHER_DATUM = frozenset({"台湾", "香港", "澳门"})
"""Where maps are not shifted."""

_NEAR_DEGREES = 0.05
"""Outlines are rounded to a kilometre and coasts grow: a plant on new land is not at sea."""


def is_on_mainland(lat: float, lon: float) -> bool:
    """Whether a place is on the Chinese mainland, where maps have their shifted datum, or within 5 km of it and in no other part."""
    here = _part_at(lat, lon)
    if here:
        return here not in _OTHER_DATUM
    steps = (-_NEAR_DEGREES, 0.0, _NEAR_DEGREES)
    near = {_part_at(lat + north, lon + east) for north in steps for east in steps} - {""}
    return bool(near) and not near & _OTHER_DATUM


def _part_at(lat: float, lon: float) -> str:
    """The name of the province at a place; empty for none."""
    for name, box, rings in _parts():
        if box[0] <= lat <= box[1] and box[2] <= lon <= box[3] and sum(_is_in(ring, lat, lon) for ring in rings) % 2:
            return name
    return ""


def _is_in(ring: Ring, lat: float, lon: float) -> bool:
    """Whether a place is in an outline: a ray to the east crosses it an odd number of times."""
    inside = False
    for (lat_a, lon_a), (lat_b, lon_b) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a):
            inside = not inside
    return inside


@cache
def _parts() -> tuple[tuple[str, tuple[float, float, float, float], tuple[Ring, ...]], ...]:
    found = []
    for name, rings in json.loads(_FILE.read_text(encoding="utf-8")):
        places = tuple(_corners(ring) for ring in rings)
        lats, lons = [lat for ring in places for lat, _ in ring], [lon for ring in places for _, lon in ring]
        found.append((name, (min(lats), max(lats), min(lons), max(lons)), places))
    return tuple(found)


def _corners(steps: Sequence[int]) -> Ring:
    """A ring from hundredths of a degree, the first corner absolute and each further one relative to the one before."""
    lat = lon = 0
    corners = []
    for north, east in zip(steps[::2], steps[1::2], strict=True):
        lat, lon = lat + north, lon + east
        corners.append((lat / 100, lon / 100))
    return tuple(corners)
