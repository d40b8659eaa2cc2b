"""The great circle, the matrix built from any provider, the cache, and the choice from settings; no server needed."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from data_models.case import great_circle_km
from data_models.datum import Point
from data_models.errors import BadInput, Unavailable
from data_models.tables import TravelTime
from data_models.travel.cache import CachedTravel, read_legs, write_legs
from data_models.travel.choose import choose_provider
from data_models.travel.great_circle import GreatCircleTravel
from data_models.travel.osrm_embedded import OsrmEngine
from data_models.travel.osrm_http import OsrmServer
from data_models.travel.provider import TravelTimes, WithFallback, as_case_travel, matrix

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHANGHAI, SUZHOU, BEIJING = Point(31.2222, 121.4581), Point(31.3041, 120.5954), Point(39.9075, 116.3972)

places_on_earth = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


class Recorder:
    """Great-circle travel that remembers what it was asked for."""

    key = "recorder"

    def __init__(self) -> None:
        self.asked: list[tuple[list[Point], list[Point]]] = []

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        self.asked.append((list(origins), list(destinations)))
        return GreatCircleTravel().table(origins, destinations)


class Gone:
    """A provider that never answers."""

    key = "gone"

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        raise Unavailable("Road server http://roads.example failed 3 times")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    TravelTime.__table__.create(engine)
    yield engine
    engine.dispose()


def test_a_degree_on_the_equator_as_worked_out_by_hand() -> None:
    times = matrix([Point(0, 0), Point(0, 1)], GreatCircleTravel(detour=1.3, speed_kmh=70))
    # 6371.0088 km × π / 180 = 111.19508 km; × 1.3 = 144.5536 km; / 70 × 3600 = 7434.2 s
    assert times.seconds.tolist() == [[0, 7435], [7435, 0]]
    assert times.metres[0, 1] == pytest.approx(144_553.6, abs=0.1)
    assert times.source == "great circle × 1.3 at 70 km/h"
    assert times.notes == ()


@given(st.lists(places_on_earth, min_size=1, max_size=6), st.floats(1, 3), st.floats(1, 200))
def test_the_table_is_the_formula_to_the_second(places: list[Point], detour: float, speed_kmh: float) -> None:
    times = GreatCircleTravel(detour, speed_kmh).table(places, places)
    for row, a in enumerate(places):
        for column, b in enumerate(places):
            km = great_circle_km(a.lat, a.lon, b.lat, b.lon) * detour
            # Where the exact value is a whole second but for rounding, either neighbour is right.
            exact = km / speed_kmh * 3600
            assert times.seconds[row, column] in {math.ceil(exact), math.ceil(exact * (1 - 1e-9)), math.ceil(exact * (1 + 1e-9))}
            assert times.metres[row, column] == pytest.approx(1000 * km, abs=1e-3)


def test_a_table_between_different_places_reads_origin_then_destination() -> None:
    times = GreatCircleTravel().table([SHANGHAI], [SUZHOU, BEIJING])
    assert times.seconds.shape == (1, 2)
    assert 5000 < times.seconds[0, 0] < 6000  # 82 km as the crow flies
    assert times.seconds[0, 1] > 70_000


def test_two_hours_at_legal_speed_reach_185_km() -> None:
    # domain.md: 240 km of road in 2 h at 120 km/h are 185 km as the crow flies.
    north = Point(31.2222 + 184.6 / 111.195, 121.4581)
    assert matrix([SHANGHAI, north], GreatCircleTravel(1.3, 120)).seconds[0, 1] == pytest.approx(7200, abs=10)


@pytest.mark.parametrize(("detour", "speed_kmh"), [(0.9, 70), (math.inf, 70), (math.nan, 70), (1.3, 0), (1.3, -1), (1.3, math.nan)])
def test_an_impossible_estimator_is_refused(detour: float, speed_kmh: float) -> None:
    with pytest.raises(BadInput, match="is not a"):
        GreatCircleTravel(detour, speed_kmh)


def test_a_place_that_occurs_twice_is_asked_for_once() -> None:
    recorder = Recorder()
    times = matrix([SHANGHAI, SUZHOU, SHANGHAI], recorder)
    assert recorder.asked == [([SHANGHAI, SUZHOU], [SHANGHAI, SUZHOU])]
    assert times.seconds.shape == (3, 3)
    assert times.seconds[0, 2] == 0
    assert times.seconds[0, 1] == times.seconds[2, 1] > 0


def test_no_places_make_an_empty_matrix() -> None:
    assert matrix([], Gone()).seconds.shape == (0, 0)
    assert as_case_travel(matrix([], Gone())).seconds == ()


@pytest.mark.parametrize("wrong", [Point(1e308, 0), Point(0, -180.001), Point(math.nan, 0), Point(0, math.inf)])
def test_a_place_off_the_earth_is_named(wrong: Point) -> None:
    with pytest.raises(BadInput, match=rf"Place 1: {wrong.lat}, {wrong.lon} is not on earth".replace("+", r"\+")):
        matrix([SHANGHAI, wrong], GreatCircleTravel())


def test_the_case_gets_every_pair_as_it_was() -> None:
    seconds, metres = np.array([[0, np.inf], [7.0, 0]]), np.array([[0, np.inf], [90.5, 0]])
    travel = as_case_travel(TravelTimes(seconds, metres, "roads"))
    assert travel.kind == "matrix"
    assert travel.seconds == ((0.0, math.inf), (7.0, 0.0))
    assert travel.metres == ((0.0, math.inf), (90.5, 0.0))


def test_the_fallback_answers_for_a_dead_provider_and_says_why() -> None:
    times = matrix([SHANGHAI, SUZHOU], WithFallback(Gone(), GreatCircleTravel()))
    assert times.seconds[0, 1] > 0
    assert times.notes == (
        "Travel times are estimates (great circle × 1.3 at 70 km/h), because the road times were not to be had: "
        "Road server http://roads.example failed 3 times",
    )


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), min_size=1, max_size=5))
def test_the_cache_gives_what_the_provider_gives_and_asks_no_pair_twice(days: list[list[int]]) -> None:
    places = [Point(30 + 0.1 * index, 120 - 0.07 * index) for index in range(10)]
    engine = create_engine("sqlite://")
    TravelTime.__table__.create(engine)
    recorder = Recorder()
    cached = CachedTravel(recorder, sessionmaker(engine).begin, lambda: NOON)
    for day in days:
        today = [places[index] for index in day]
        times, direct = matrix(today, cached), matrix(today, GreatCircleTravel())
        np.testing.assert_array_equal(times.seconds, direct.seconds)
        np.testing.assert_array_equal(times.metres, direct.metres)
        before = len(recorder.asked)
        matrix(today, cached)
        assert len(recorder.asked) == before


def test_an_unreachable_pair_is_remembered_as_unreachable(store: Engine) -> None:
    infinite = TravelTimes(np.array([[0, np.inf]]), np.array([[0, np.inf]]), "roads")
    with Session(store) as session:
        write_legs(session, "roads", [SHANGHAI], [SHANGHAI, SUZHOU], infinite, NOON)
        known = read_legs(session, "roads", [SHANGHAI], [SUZHOU, BEIJING, SHANGHAI], None)
    np.testing.assert_array_equal(known.seconds, [[np.inf, np.nan, 0]])
    np.testing.assert_array_equal(known.metres, [[np.inf, np.nan, 0]])


def test_a_leg_fetched_again_replaces_the_older_one(store: Engine) -> None:
    with Session(store) as session:
        for age, seconds in ((2, 100.0), (1, 200.0)):
            times = TravelTimes(np.array([[seconds]]), np.array([[seconds]]), "roads")
            write_legs(session, "roads", [SHANGHAI], [SUZHOU], times, NOON - timedelta(days=age))
        assert read_legs(session, "roads", [SHANGHAI], [SUZHOU], None).seconds[0, 0] == 200
        assert read_legs(session, "roads", [SHANGHAI], [SUZHOU], NOON - timedelta(days=1)).seconds[0, 0] == 200
        assert np.isnan(read_legs(session, "roads", [SHANGHAI], [SUZHOU], NOON).seconds[0, 0])


def test_providers_do_not_share_what_they_know(store: Engine) -> None:
    with Session(store) as session:
        write_legs(session, "roads", [SHANGHAI], [SUZHOU], TravelTimes(np.array([[1.0]]), np.array([[1.0]]), ""), NOON)
        assert np.isnan(read_legs(session, "other roads", [SHANGHAI], [SUZHOU], None).seconds[0, 0])


def test_there_and_back_are_kept_apart(store: Engine) -> None:
    with Session(store) as session:
        write_legs(session, "roads", [SHANGHAI], [SUZHOU], TravelTimes(np.array([[1.0]]), np.array([[1.0]]), ""), NOON)
        assert np.isnan(read_legs(session, "roads", [SUZHOU], [SHANGHAI], None).seconds[0, 0])


def test_places_closer_than_a_tenth_of_a_metre_share_their_legs(store: Engine) -> None:
    recorder = Recorder()
    cached = CachedTravel(recorder, sessionmaker(store).begin, lambda: NOON)
    twin = Point(SHANGHAI.lat + 1e-7, SHANGHAI.lon)
    matrix([SHANGHAI, SUZHOU], cached)
    times = matrix([twin, SHANGHAI, SUZHOU], cached)
    assert len(recorder.asked) == 1
    assert times.seconds[0, 2] == times.seconds[1, 2] > 0


def test_settings_choose_the_provider(store: Engine) -> None:
    begin = sessionmaker(store).begin
    assert choose_provider("great_circle", detour=1.4, speed_kmh=60) == GreatCircleTravel(1.4, 60)
    assert choose_provider("great_circle", begin=begin, clock=lambda: NOON) == GreatCircleTravel()
    roads = OsrmServer("http://roads", snap_limit_m=500)
    assert choose_provider("osrm", osrm_url="http://roads", snap_limit_m=500) == roads
    assert choose_provider("osrm", osrm_url="http://roads", snap_limit_m=500, fallback=True) == WithFallback(roads, GreatCircleTravel())
    cached = choose_provider("osrm", osrm_url="http://roads", begin=begin, clock=lambda: NOON)
    assert isinstance(cached, CachedTravel)


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(BadInput, match="needs osrm_url"):
        choose_provider("osrm")
    with pytest.raises(BadInput, match="needs osrm_data"):
        choose_provider("osrm_embedded")
    with pytest.raises(BadInput, match="'teleport' is not known"):
        choose_provider("teleport")  # type: ignore[arg-type]


def test_the_embedded_engine_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "osrm", None)
    with pytest.raises(Unavailable, match=r"install the extra `roads` on Python 3\.12"):
        choose_provider("osrm_embedded", osrm_data=Path("china.osrm"))
    # PyPI's own `osrm` is a client of somebody's web service.
    monkeypatch.setitem(sys.modules, "osrm", ModuleType("osrm"))
    with pytest.raises(Unavailable, match="another package"):
        OsrmEngine(Path("china.osrm"))


def test_road_data_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed = ModuleType("osrm")
    installed.TableParameters = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "osrm", installed)
    with pytest.raises(BadInput, match=r"china\.osrm: china\.osrm\.cell_metrics is not there; run osrm-extract"):
        OsrmEngine(tmp_path / "china.osrm")
