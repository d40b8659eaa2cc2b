"""Whom stations reach: the promised circle beside the road."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_models.case import GreatCircle
from data_models.expected import Area
from data_models.study import CloseStation, OpenStation, SlowRoads
from optimizer.area_reach import reach_of
from tests.optimizer.studies import line_study, today, with_changes

# One degree of latitude is 111.2 km: with detour 1.3 at 70 km/h 2 h 4 min. a is near, b within 300 km and out of reach, c is beyond both.
STUDY = replace(
    line_study({"S": 0, "U": 0}, {"a": 0, "b": 0, "c": 0}, [("a", 1), ("b", 2), ("b", 3), ("c", 4)], candidates=["U"]),
    travel=GreatCircle("great_circle", 1.3, 70.0),
)
AREAS = tuple(Area(name, name, lat, 0.0) for name, lat in (("a", 0.5), ("b", 2.0), ("c", 5.0)))
STUDY = replace(STUDY, history=replace(STUDY.history, areas=AREAS), candidates=(replace(STUDY.candidates[0], lat=2.2),))


def test_the_promise_and_the_road_stand_side_by_side() -> None:
    reach = reach_of(today(STUDY))
    assert (reach.promised_km, reach.minutes) == (300.0, 120.0)
    assert (reach.share(by_road=False), reach.share(by_road=True)) == (0.75, 0.25)
    assert [(area.area.id, area.tickets) for area in reach.promised_only] == [("b", 2)]
    # 0.5 degrees: 55.6 km x 1.3 / 70 km/h = 61.95 min.
    assert reach.areas[0].minutes == pytest.approx(61.96, abs=0.02)


def test_a_new_station_reaches_more() -> None:
    reach = reach_of(with_changes(STUDY, OpenStation("U")))
    assert (reach.share(by_road=False), reach.share(by_road=True)) == (0.75, 0.75)
    assert [area.station for area in reach.areas] == ["S", "U", "U"]


def test_where_no_road_leads_and_without_stations_nobody_is_reached() -> None:
    cut_off = reach_of(with_changes(STUDY, SlowRoads(0.5, 0.0, 5.0)))
    assert (cut_off.areas[0].station, cut_off.share(by_road=True), cut_off.share(by_road=False)) == ("", 0.0, 0.75)
    assert reach_of(with_changes(STUDY, CloseStation("S"))).share(by_road=True) == 0.0
