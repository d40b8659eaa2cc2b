"""Datums: coordinates as Chinese map services state them, to WGS-84 and back.

By law, maps sold in China shift coordinates: Amap and Tencent use GCJ-02, Baidu shifts once more (BD-09). Everything
inside twohour is WGS-84; inputs name their datum and are converted at the edge, a map over Chinese tiles converts back.

GCJ-02 was never published. The formula is the one that became known through the open implementation `eviltransform`
(googollee and others, github.com/googollee/eviltransform, 2015); it agrees with the services to about a metre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Datum = Literal["WGS-84", "GCJ-02", "BD-09"]

DATUMS: tuple[Datum, ...] = ("WGS-84", "GCJ-02", "BD-09")

_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
"""The Krasovsky 1940 ellipsoid, which GCJ-02 takes the earth for."""

_BAIDU_WAVE = math.pi * 3000.0 / 180.0


@dataclass(frozen=True)
class Point:
    """A place on earth in degrees, WGS-84 unless the function that takes it says otherwise."""

    lat: float
    lon: float


def to_wgs84(point: Point, datum: Datum) -> Point:
    """The place in WGS-84 that `point` names in `datum`, within 0.5 m of what `from_wgs84` maps to `point`.

    Outside the rectangle around China in which the services shift coordinates, the point is returned as it is.
    """
    if datum == "WGS-84" or not is_shifted(point):
        return point
    return _gcj02_to_wgs84(_bd09_to_gcj02(point) if datum == "BD-09" else point)


def from_wgs84(point: Point, datum: Datum) -> Point:
    """The WGS-84 place `point` as `datum` states it; unchanged outside the rectangle in which coordinates are shifted."""
    if datum == "WGS-84" or not is_shifted(point):
        return point
    gcj = _shifted(point)
    return _gcj02_to_bd09(gcj) if datum == "BD-09" else gcj


def is_shifted(point: Point) -> bool:
    """Whether the services shift coordinates here: their rectangle around China, which takes in parts of its neighbours too."""
    return 72.004 <= point.lon <= 137.8347 and 0.8293 <= point.lat <= 55.8271


def _gcj02_to_wgs84(gcj: Point) -> Point:
    # The shift changes by about a hundredth of a metre per metre, so this contracts: one step leaves metres, six leave micrometres.
    guess = gcj
    for _ in range(6):
        image = _shifted(guess)
        guess = Point(guess.lat + gcj.lat - image.lat, guess.lon + gcj.lon - image.lon)
    return guess


def _shifted(wgs: Point) -> Point:
    x, y = wgs.lon - 105.0, wgs.lat - 35.0
    common = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north_m += (common + _waves(y, (20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0))) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east_m += (common + _waves(x, (20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0))) * 2.0 / 3.0
    flattening = 1.0 - _ECCENTRICITY_SQUARED * math.sin(math.radians(wgs.lat)) ** 2
    meridian_radius_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / flattening**1.5
    parallel_radius_m = _SEMI_MAJOR_M / math.sqrt(flattening) * math.cos(math.radians(wgs.lat))
    return Point(wgs.lat + math.degrees(north_m / meridian_radius_m), wgs.lon + math.degrees(east_m / parallel_radius_m))


def _waves(degrees: float, *terms: tuple[float, float]) -> float:
    """Sum of sine waves, each given as (amplitude in metres, half a period in degrees)."""
    return sum(amplitude * math.sin(degrees * math.pi / half_period) for amplitude, half_period in terms)


def _gcj02_to_bd09(gcj: Point) -> Point:
    radius = math.hypot(gcj.lon, gcj.lat) + 0.00002 * math.sin(gcj.lat * _BAIDU_WAVE)
    angle = math.atan2(gcj.lat, gcj.lon) + 0.000003 * math.cos(gcj.lon * _BAIDU_WAVE)
    return Point(radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065)


def _bd09_to_gcj02(bd: Point) -> Point:
    # The usual one-step inverse takes the waves at the wrong end and is a metre off; iterating removes that.
    guess = Point(bd.lat - 0.006, bd.lon - 0.0065)
    for _ in range(6):
        image = _gcj02_to_bd09(guess)
        guess = Point(guess.lat + bd.lat - image.lat, guess.lon + bd.lon - image.lon)
    return guess
