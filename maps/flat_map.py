"""A map as SVG, drawn flat for paper: Mercator's projection, outlines of provinces where they are in sight, a net of degrees."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from maps.page import asset

WIDTH = 720.0
_TALLEST, _LOWEST = 620.0, 300.0
_MARGIN = 34.0
_LEFT_OUT = 0.01
_NET = (0.5, 1, 2, 5, 10, 20, 30)


@dataclass(frozen=True)
class Frame:
    """Where places lie on the paper: x and y grow to the right and down, in units of the drawing."""

    left: float
    top: float
    scale: float
    height: float

    def at(self, lat: float, lon: float) -> tuple[float, float]:
        """The place of a point."""
        return (math.radians(lon) - self.left) * self.scale, (self.top - _up(lat)) * self.scale

    def shows(self, lat: float, lon: float) -> bool:
        """Whether a point is in sight."""
        x, y = self.at(lat, lon)
        return 0 <= x <= WIDTH and 0 <= y <= self.height

    @property
    def box(self) -> tuple[float, float, float, float]:
        """South, west, north and east of what is in sight, in degrees."""
        down = self.top - self.height / self.scale
        return (
            math.degrees(2 * math.atan(math.exp(down)) - math.pi / 2),
            math.degrees(self.left),
            math.degrees(2 * math.atan(math.exp(self.top)) - math.pi / 2),
            math.degrees(self.left + WIDTH / self.scale),
        )


def frame_of(places: Sequence[tuple[float, float, float]], always: Iterable[tuple[float, float]] = ()) -> Frame:
    """The frame in which nearly all places are in sight.

    Parameters
    ----------
    places
        As (lat, lon, weight). One in a hundred by weight may be left out on each side where that makes the others much larger:
        one slip of a sign in a table would else put all others into a corner.
    always
        As (lat, lon), in sight whatever happens.

    Raises
    ------
    ValueError
        There is no place.
    """
    kept = [(_up(lat), math.radians(lon)) for lat, lon in always]
    ups = [*_bulk([(_up(lat), weight) for lat, _, weight in places]), *(up for up, _ in kept)]
    rights = [*_bulk([(math.radians(lon), weight) for _, lon, weight in places]), *(right for _, right in kept)]
    wide = max(max(rights) - min(rights), math.radians(0.4))
    high = max(max(ups) - min(ups), math.radians(0.4))
    scale = min((WIDTH - 2 * _MARGIN) / wide, (_TALLEST - 2 * _MARGIN) / high)
    height = max(_LOWEST, scale * high + 2 * _MARGIN)
    left = (max(rights) + min(rights)) / 2 - WIDTH / scale / 2
    return Frame(left, (max(ups) + min(ups)) / 2 + height / scale / 2, scale, height)


def _bulk(values: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Least and largest of values with weights, all of them unless few stretch the whole by a third or more."""
    if not values:
        return ()
    ordered = sorted(values)
    total, seen, low, high = sum(weight for _, weight in ordered), 0.0, ordered[0][0], ordered[-1][0]
    inner = []
    for value, weight in ordered:
        seen += weight
        if _LEFT_OUT * total <= seen and seen - weight <= (1 - _LEFT_OUT) * total:
            inner.append(value)
    return (inner[0], inner[-1]) if high - low > 1.34 * (inner[-1] - inner[0]) else (low, high)


def ground(frame: Frame) -> Iterator[str]:
    """The net of degrees and the outlines of provinces, as SVG elements of the classes `net` and `land`."""
    path = "".join(_ring(frame, ring) for ring in _rings() if _in_sight(frame, ring))
    if path:
        yield f'<path class="land" d="{path}"/>'
    south, west, north, east = frame.box
    step = next((each for each in _NET if max(east - west, north - south) / each <= 8), _NET[-1])
    for number in range(math.ceil(west / step), math.floor(east / step) + 1):
        x, _ = frame.at(0.0, number * step)
        yield f'<line class="net" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{frame.height:.1f}"/>'
        yield f'<text class="degree" x="{x + 3:.1f}" y="{frame.height - 4:.1f}">{_degrees(number * step, "EW")}</text>'
    for number in range(math.ceil(south / step), math.floor(north / step) + 1):
        _, y = frame.at(number * step, 0.0)
        yield f'<line class="net" x1="0" x2="{WIDTH:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        if y < frame.height - 24:
            yield f'<text class="degree" x="3" y="{y - 3:.1f}">{_degrees(number * step, "NS")}</text>'


def _degrees(value: float, sides: str) -> str:
    return f"{abs(value):g}° {sides[value < 0]}"


def _up(lat: float) -> float:
    """Mercator's height; close to the poles, where it has no end, that of 85 degrees."""
    return math.asinh(math.tan(math.radians(max(-85.0, min(85.0, lat)))))


@cache
def _rings() -> list[list[tuple[float, float]]]:
    """The outlines of provinces as (lat, lon), see assets/SOURCE.txt."""
    found = []
    for _, rings in json.loads(asset("provinces.json")):
        for numbers in rings:
            lat = lon = 0
            ring = []
            for d_lat, d_lon in zip(numbers[::2], numbers[1::2], strict=True):
                lat, lon = lat + d_lat, lon + d_lon
                ring.append((lat / 100, lon / 100))
            found.append(ring)
    return found


def _in_sight(frame: Frame, ring: list[tuple[float, float]]) -> bool:
    south, west, north, east = frame.box
    lats, lons = zip(*ring, strict=True)
    return bool(min(lats) <= north and max(lats) >= south and min(lons) <= east and max(lons) >= west)


def _ring(frame: Frame, ring: list[tuple[float, float]]) -> str:
    """A closed path without the points that would fall on the one before."""
    found: list[str] = []
    for place in ring:
        x, y = frame.at(*place)
        text = f"{x:.0f} {y:.0f}"
        if not found or found[-1] != text:
            found.append(text)
    return f"M{'L'.join(found)}Z" if len(found) > 2 else ""
