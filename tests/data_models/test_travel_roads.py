"""Road times from a real OSRM: over HTTP, embedded, and cached in the store.

Two road networks: Liechtenstein, as OpenStreetMap has it, and a drawn one of two islands whose drives are known by hand:

    a ---1004.4 m--- b ---1004.4 m--- c      47.0 N        and        d ---1004.4 m--- e      47.2 N

60 km/h is signed everywhere and OSRM's car drives at 0.8 of it: 48 km/h, 1004.4 m in 75.33 s, 2008.8 m in 150.66 s.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import sessionmaker

from data_models.datum import Point
from data_models.errors import Unavailable
from data_models.tables import TravelTime
from data_models.travel.cache import CachedTravel
from data_models.travel.choose import choose_provider
from data_models.travel.great_circle import GreatCircleTravel
from data_models.travel.osrm_http import OsrmServer
from data_models.travel.provider import TravelTimes, WithFallback, matrix

ROOT = Path(__file__).resolve().parents[2]
OSRM = ROOT / ".tools" / "osrm" / "osrm"
NEWER_PYTHON = ROOT / ".tools" / "roads" / "bin" / "python"
EXTRACTS = ROOT.parent / "shared" / "data" / "osm"
MACHINES = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

ISLANDS = """<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6">
 <node id="1" lat="47.0" lon="9.0000" version="1"/>
 <node id="2" lat="47.0" lon="9.0132" version="1"/>
 <node id="3" lat="47.0" lon="9.0264" version="1"/>
 <node id="4" lat="47.2" lon="9.0000" version="1"/>
 <node id="5" lat="47.2" lon="9.0132" version="1"/>
 <way id="10" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/><tag k="maxspeed" v="60"/></way>
 <way id="11" version="1"><nd ref="4"/><nd ref="5"/><tag k="highway" v="primary"/><tag k="maxspeed" v="60"/></way>
</osm>
"""
A, B, C = Point(47.0, 9.0), Point(47.0, 9.0132), Point(47.0, 9.0264)
D = Point(47.2, 9.0)
OFFSHORE = Point(47.1, 9.0)

VADUZ, SCHAAN, BALZERS = Point(47.1393, 9.5228), Point(47.1650, 9.5087), Point(47.0667, 9.5025)
ZURICH = Point(47.3769, 8.5417)


class Server:
    """A running `osrm-routed`; `stop` may be called at any time."""

    def __init__(self, data: Path, max_table_size: int) -> None:
        command = [OSRM / "bin" / "osrm-routed", "-a", "mld", "-i", "127.0.0.1", "-p", "0", "-t", "1"]
        command += ["--max-table-size", str(max_table_size), data]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.requests: list[str] = []
        self.url = self._until_ready()
        # Read on for ever, or the server would block when the pipe is full.
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def _until_ready(self) -> str:
        log = []
        for line in self.process.stdout or ():
            log.append(line)
            if "Listening on: " in line:
                url = "http://" + line.split("Listening on: ")[1].strip()
            if "running and waiting for requests" in line:
                return url
        raise RuntimeError(f"osrm-routed did not start:\n{''.join(log)}")

    def _read_on(self) -> None:
        self.requests.extend(line for line in self.process.stdout or () if "/table/" in line)

    def stop(self) -> None:
        """End it and have all its log read."""
        self.process.terminate()
        self.process.wait()
        self._reader.join()


def prepare(source: Path) -> Path:
    """Run OSRM's three steps; the `.osrm` base path of what they wrote beside `source`."""
    data = source.with_name(source.name.split(".")[0] + ".osrm")
    steps = [["osrm-extract", "-p", OSRM / "share" / "profiles" / "car.lua", source], ["osrm-partition", data], ["osrm-customize", data]]
    for program, *arguments in steps:
        done = subprocess.run([OSRM / "bin" / program, "-t", "1", *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return data


@pytest.fixture(autouse=True)
def _no_proxy_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def osrm() -> None:
    if (platform.system(), platform.machine()) not in MACHINES:
        pytest.skip(f"osrm-bindings has no wheel for {platform.system()} {platform.machine()}")
    assert (OSRM / "bin" / "osrm-routed").is_file(), "OSRM is not in .tools/osrm: run python tests/tools/install_osrm.py"


@pytest.fixture(scope="module")
def islands(osrm: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("islands") / "islands.osm"
    source.write_text(ISLANDS)
    return prepare(source)


@pytest.fixture(scope="module")
def liechtenstein(osrm: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_extract("liechtenstein-latest.osm.pbf", tmp_path_factory.mktemp("liechtenstein"))


@pytest.fixture(scope="module")
def andorra(osrm: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_extract("andorra.osm.pbf", tmp_path_factory.mktemp("andorra"))


def prepare_extract(name: str, folder: Path) -> Path:
    if not (EXTRACTS / name).is_file():
        pytest.skip(f"the OpenStreetMap extract is not there: {EXTRACTS / name}")
    return prepare(shutil.copy(EXTRACTS / name, folder / name))


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start_server(data: Path, max_table_size: int = 100) -> Server:
        started.append(Server(data, max_table_size))
        return started[-1]

    yield start_server
    for server in started:
        server.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    TravelTime.__table__.create(engine)
    yield engine
    engine.dispose()


def cached(server: Server, store: Engine, clock: Callable[[], datetime] = lambda: NOON, max_age: timedelta | None = None) -> CachedTravel:
    return CachedTravel(OsrmServer(server.url, attempts=1), sessionmaker(store).begin, clock, max_age)


def spread(n: int) -> list[Point]:
    """Places along Liechtenstein's valley, most of them near roads."""
    return [Point(47.070 + 0.13 * index / n, 9.505 + 0.0003 * (index * 7 % 50)) for index in range(n)]


def same(one: TravelTimes, other: TravelTimes) -> None:
    np.testing.assert_array_equal(one.seconds, other.seconds)
    np.testing.assert_array_equal(one.metres, other.metres)


def test_drives_on_the_drawn_roads_are_as_worked_out_by_hand(islands: Path, start: Callable[..., Server]) -> None:
    times = matrix([A, B, C], OsrmServer(start(islands).url))
    # 75.33 s and 150.66 s, rounded up to whole seconds.
    assert times.seconds.tolist() == [[0, 76, 151], [76, 0, 76], [151, 76, 0]]
    assert times.metres.tolist() == [[0, 1004.4, 2008.8], [1004.4, 0, 1004.4], [2008.8, 1004.4, 0]]
    assert times.notes == ()


def test_islands_are_infinitely_far_apart_and_noted(islands: Path, start: Callable[..., Server]) -> None:
    times = matrix([A, B, D], OsrmServer(start(islands).url))
    assert times.seconds.tolist() == [[0, 76, np.inf], [76, 0, np.inf], [np.inf, np.inf, 0]]
    assert np.isinf(times.metres[0, 2])
    assert len(times.notes) == 1
    assert "47.20000, 9.00000" in times.notes[0]


def test_a_place_off_the_roads_is_unreachable_and_noted_with_its_distance(islands: Path, start: Callable[..., Server]) -> None:
    server = OsrmServer(start(islands).url)
    times = matrix([A, OFFSHORE, B], server)
    # 0.1 degrees of latitude are 11.1 km.
    assert times.seconds.tolist() == [[0, np.inf, 76], [np.inf, 0, np.inf], [76, np.inf, 0]]
    assert times.notes == ("Unreachable, more than 1,000 m from any road in the road data: 47.10000, 9.00000 (11.1 km off)",)


def test_the_snapping_limit_decides_who_is_off_the_roads(islands: Path, start: Callable[..., Server]) -> None:
    server = start(islands)
    beside = Point(47.01, 9.0132)  # 1,112 m north of b
    assert matrix([A, beside], OsrmServer(server.url, snap_limit_m=1111)).seconds.tolist() == [[0, np.inf], [np.inf, 0]]
    assert matrix([A, beside], OsrmServer(server.url, snap_limit_m=1113)).seconds.tolist() == [[0, 76], [76, 0]]


def test_known_legs_in_liechtenstein(liechtenstein: Path, start: Callable[..., Server]) -> None:
    times = matrix([VADUZ, SCHAAN, BALZERS, ZURICH], OsrmServer(start(liechtenstein).url))
    km, minutes = times.metres / 1000, times.seconds / 60
    # Signposts: Vaduz to Schaan 3 km, Vaduz to Balzers 9 km; both through villages.
    assert 2.5 < km[0, 1] < 4
    assert 8 < km[0, 2] < 11
    assert 3 < minutes[0, 1] < 8
    assert 8 < minutes[0, 2] < 16
    # One-way streets: there and back differ.
    assert times.metres[0, 2] != times.metres[2, 0]
    assert np.isinf(times.seconds[3, :3]).all()
    assert np.isinf(times.seconds[:3, 3]).all()


def test_blocks_put_together_are_the_same_matrix(liechtenstein: Path, start: Callable[..., Server]) -> None:
    places = spread(25)
    server = start(liechtenstein)
    whole = matrix(places, OsrmServer(server.url))
    in_blocks = matrix(places, OsrmServer(server.url, max_table_size=7, parallel=3))
    same(in_blocks, whole)
    server.stop()
    assert len(server.requests) == 1 + 4 * 4
    assert np.isfinite(whole.seconds).mean() > 0.5
    assert len(np.unique(whole.seconds)) > 200


def test_a_table_larger_than_the_server_allows_says_what_to_change(islands: Path, start: Callable[..., Server]) -> None:
    server = start(islands, max_table_size=3)
    with pytest.raises(Unavailable, match=r"TooBig.*set max_table_size lower"):
        matrix([A, B, D, C], OsrmServer(server.url, attempts=1))
    assert matrix([A, B, D, C], OsrmServer(server.url, attempts=1, max_table_size=3)).seconds[0, 3] == 151


def test_a_server_killed_between_two_tables_is_unavailable(islands: Path, start: Callable[..., Server]) -> None:
    server = start(islands)
    provider = OsrmServer(server.url, attempts=2, backoff_s=0)
    matrix([A, B], provider)
    server.stop()
    with pytest.raises(Unavailable, match=rf"Road server {server.url} failed 2 times, last with ConnectError"):
        matrix([A, B], provider)


def test_a_dead_server_falls_back_only_if_configured_and_says_so(islands: Path, start: Callable[..., Server], store: Engine) -> None:
    server = start(islands)
    server.stop()
    begin = sessionmaker(store).begin
    with pytest.raises(Unavailable):
        matrix([A, B], choose_provider("osrm", osrm_url=server.url, attempts=1, begin=begin, clock=lambda: NOON))
    provider = choose_provider("osrm", osrm_url=server.url, attempts=1, fallback=True, begin=begin, clock=lambda: NOON)
    times = matrix([A, B, D], provider)
    same(times, matrix([A, B, D], GreatCircleTravel()))
    assert times.source == "great circle × 1.3 at 70 km/h"
    assert "estimates (great circle × 1.3 at 70 km/h)" in times.notes[0]
    assert server.url in times.notes[0]
    # Estimates must not be taken for road times later.
    with store.connect() as connection:
        assert connection.execute(TravelTime.__table__.select()).all() == []


def test_a_live_server_needs_no_fallback(islands: Path, start: Callable[..., Server]) -> None:
    times = matrix([A, B], WithFallback(OsrmServer(start(islands).url), GreatCircleTravel()))
    assert times.seconds[0, 1] == 76
    assert times.notes == ()


def test_known_pairs_come_from_the_store_with_the_server_dead(islands: Path, start: Callable[..., Server], store: Engine) -> None:
    server = start(islands)
    provider = cached(server, store)
    fresh = matrix([A, B, D, OFFSHORE], provider)
    server.stop()
    assert len(server.requests) == 1
    again = matrix([A, B, D, OFFSHORE], provider)
    same(again, fresh)
    assert any("47.10000, 9.00000" in note for note in again.notes)
    same(matrix([OFFSHORE, B], provider), TravelTimes(fresh.seconds[np.ix_([3, 1], [3, 1])], fresh.metres[np.ix_([3, 1], [3, 1])], ""))


def test_only_pairs_with_a_new_place_are_asked_for(liechtenstein: Path, start: Callable[..., Server], store: Engine) -> None:
    server = start(liechtenstein)
    places = spread(12)
    provider = cached(server, store)
    matrix(places[:10], provider)
    grown = matrix(places, provider)
    same(grown, matrix(places, OsrmServer(server.url)))
    server.stop()
    # 10 × 10; then the 2 new to all 12 and the 10 known to the 2 new; then the comparison.
    sizes = [
        (line.split("sources=")[1].split("&")[0].count(";") + 1, line.split("destinations=")[1].split()[0].count(";") + 1)
        for line in server.requests
    ]
    assert sizes == [(10, 10), (2, 12), (10, 2), (12, 12)]


def test_another_snapping_limit_does_not_share_cached_pairs(islands: Path, start: Callable[..., Server], store: Engine) -> None:
    server = start(islands)
    begin = sessionmaker(store).begin
    assert np.isinf(matrix([A, OFFSHORE], CachedTravel(OsrmServer(server.url), begin, lambda: NOON)).seconds[0, 1])
    generous = OsrmServer(server.url, snap_limit_m=20_000)
    assert np.isfinite(matrix([A, OFFSHORE], CachedTravel(generous, begin, lambda: NOON)).seconds[0, 1])


@pytest.mark.parametrize(("age_s", "requests"), [(3600, 1), (3601, 2)])
def test_pairs_are_asked_for_again_past_their_age(
    islands: Path, start: Callable[..., Server], store: Engine, age_s: int, requests: int
) -> None:
    server = start(islands)
    now = [NOON]
    provider = cached(server, store, lambda: now[0], timedelta(hours=1))
    matrix([A, B], provider)
    now[0] += timedelta(seconds=age_s)
    matrix([A, B], provider)
    matrix([A, B], provider)
    server.stop()
    assert len(server.requests) == requests


def test_the_embedded_engine_gives_what_the_server_gives(andorra: Path, start: Callable[..., Server]) -> None:
    if not NEWER_PYTHON.is_file():
        pytest.skip("the embedded engine needs Python 3.12 or newer, and tests/tools/install_osrm.py found none on this machine")
    places = [Point(42.44 + 0.013 * index, 1.45 + 0.017 * (index * 3 % 8)) for index in range(12)]
    script = (
        "import json, sys; from pathlib import Path; from data_models.datum import Point;"
        "from data_models.travel.osrm_embedded import OsrmEngine; from data_models.travel.provider import matrix;"
        "times = matrix([Point(*place) for place in json.load(sys.stdin)], OsrmEngine(Path(sys.argv[1])));"
        "print(json.dumps([times.seconds.tolist(), times.metres.tolist(), times.notes]))"
    )
    done = subprocess.run(
        [NEWER_PYTHON, "-c", script, andorra],
        input=json.dumps([[place.lat, place.lon] for place in places]),
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seconds, metres, notes = json.loads(done.stdout.splitlines()[0])
    over_http = matrix(places, OsrmServer(start(andorra).url))
    assert over_http.notes
    assert np.isfinite(over_http.seconds).sum() > 30
    assert seconds == over_http.seconds.tolist()
    # The server rounds to a tenth of a metre.
    np.testing.assert_allclose(metres, over_http.metres, atol=0.051)
    assert notes == list(over_http.notes)
