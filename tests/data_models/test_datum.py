"""Datum conversion against published pairs, and against itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_models.case import great_circle_km
from data_models.datum import Datum, Point, from_wgs84, is_shifted, to_wgs84

# WGS-84 lat, lon, GCJ-02 lat, lon: the pairs that eviltransform's own tests publish.
PUBLISHED_GCJ02 = [
    (31.1774276, 121.5272106, 31.17530398364597, 121.531541859215),  # Shanghai
    (22.543847, 113.912316, 22.540796131694766, 113.9171764808363),  # Shenzhen
    (39.911954, 116.377817, 39.91334545536069, 116.38404722455657),  # Beijing
]
# GCJ-02 lat, lon, BD-09 lat, lon: from the tests of github.com/wandergis/coordtransform.
PUBLISHED_BD09 = (39.915, 116.404, 39.92133699351021, 116.41036949371029)

# A shift of up to a kilometre must not cross the rectangle's edge.
inside_china = st.builds(Point, st.floats(0.9, 55.7), st.floats(72.1, 137.7))


def metres_apart(a: Point, b: Point) -> float:
    return 1000 * great_circle_km(a.lat, a.lon, b.lat, b.lon)


@pytest.mark.parametrize(("lat", "lon", "gcj_lat", "gcj_lon"), PUBLISHED_GCJ02)
def test_gcj02_agrees_with_published_pairs_both_ways(lat: float, lon: float, gcj_lat: float, gcj_lon: float) -> None:
    assert metres_apart(from_wgs84(Point(lat, lon), "GCJ-02"), Point(gcj_lat, gcj_lon)) < 0.1
    assert metres_apart(to_wgs84(Point(gcj_lat, gcj_lon), "GCJ-02"), Point(lat, lon)) < 0.1


def test_bd09_agrees_with_the_published_pair_both_ways() -> None:
    gcj_lat, gcj_lon, bd_lat, bd_lon = PUBLISHED_BD09
    place = to_wgs84(Point(gcj_lat, gcj_lon), "GCJ-02")
    assert metres_apart(from_wgs84(place, "BD-09"), Point(bd_lat, bd_lon)) < 0.1
    assert metres_apart(to_wgs84(Point(bd_lat, bd_lon), "BD-09"), place) < 0.1


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
@given(point=inside_china)
def test_there_and_back_is_the_same_place_within_half_a_metre(datum: Datum, point: Point) -> None:
    assert metres_apart(to_wgs84(from_wgs84(point, datum), datum), point) < 0.001


@given(point=inside_china)
def test_the_shift_is_hundreds_of_metres_and_never_kilometres(point: Point) -> None:
    assert metres_apart(from_wgs84(point, "GCJ-02"), point) < 1500


def test_beijing_is_shifted_by_half_a_kilometre() -> None:
    beijing = Point(39.911954, 116.377817)
    assert 500 < metres_apart(from_wgs84(beijing, "GCJ-02"), beijing) < 600
    assert 1000 < metres_apart(from_wgs84(beijing, "BD-09"), beijing) < 1600


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
@pytest.mark.parametrize("place", [Point(39.7392, -104.9903), Point(-27.4698, 153.0251), Point(48.2, 16.4)])
def test_outside_china_nothing_is_shifted(datum: Datum, place: Point) -> None:
    assert from_wgs84(place, datum) == place
    assert to_wgs84(place, datum) == place
    assert not is_shifted(place)


def test_wgs84_is_returned_as_it_is() -> None:
    place = Point(31.2, 121.5)
    assert to_wgs84(place, "WGS-84") == place == from_wgs84(place, "WGS-84")
