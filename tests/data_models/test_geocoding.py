"""Geocoding: the offline gazetteer, and any geopy service within its rate limit, cached, never guessing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from geopy.location import Location
from sqlalchemy import func, select

from data_models.case import great_circle_km
from data_models.datum import Point, from_wgs84
from data_models.errors import BadInput
from data_models.gazetteer.geocoder import GazetteerGeocoder, read_cities
from data_models.geocoding import AddressGeocoder, Answer, Match, find_addresses, judged, offline_geocoder, service_geocoder
from data_models.store import Store, make_engine
from data_models.tables import Base, GeocodedAddress

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WUXI = (31.569, 120.289)


@pytest.fixture(scope="module")
def gazetteer() -> GazetteerGeocoder:
    return GazetteerGeocoder()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(make_engine(f"sqlite:///{tmp_path / 'twohour.sqlite'}")) as store:
        Base.metadata.create_all(store.engine)
        yield store


def kept(store: Store) -> int:
    """How many answers the store keeps."""
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(GeocodedAddress)) or 0


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("江苏省无锡市滨湖区蠡湖大道1号", "江苏省无锡市 (Wuxi)"),
        ("无锡滨湖区蠡湖大道", "江苏省无锡市 (Wuxi)"),
        ("無錫", "江苏省无锡市 (Wuxi)"),
        ("江苏省 无锡市 江阴市", "江苏省江阴市 (Jiangyin)"),
        ("太湖制药有限公司江苏省无锡市江阴市澄江路", "江苏省江阴市 (Jiangyin)"),
        ("太湖制药有限公司无锡市滨湖区", "江苏省无锡市 (Wuxi)"),
        ("吉林市昌邑区", "吉林省吉林市 (Jilin)"),
        ("海南省三亚市", "海南省三亚市 (Sanya)"),
        ("海南州共和县", "青海省共和县 (Qabqa)"),
        ("北京市朝阳区建国路88号", "北京市北京市 (Beijing)"),
        ("朝阳市双塔区", "辽宁省朝阳市 (Chaoyang)"),
        ("上海市南京东路100号", "上海市上海市 (Shanghai)"),
        ("江苏省南通市通州区", "江苏省通州市 (Jinsha)"),
        ("延边朝鲜族自治州延吉市", "吉林省延吉市 (Yanji)"),
        ("四川省凉山彝族自治州西昌市", "四川省西昌市 (Xichang)"),
        ("重庆市万州区", "重庆市万州区 (Wanzhou)"),
        ("中山市", "广东省中山市 (Zhongshan)"),
        ("湖北省襄阳市", "湖北省襄樊市 (Xiangyang)"),
        ("Wuxi, Jiangsu", "江苏省无锡市 (Wuxi)"),
        ("No. 1 Lihu Road, Binhu District, Wuxi City, Jiangsu Province, China", "江苏省无锡市 (Wuxi)"),
        ("Xi'an, Shaanxi", "陕西省西安市 (Xi’an)"),
        ("Jiangyin, Wuxi, Jiangsu", "江苏省江阴市 (Jiangyin)"),
        ("Wuxi Jiangsu 214000", "江苏省无锡市 (Wuxi)"),
        ("Suzhou, Anhui", "安徽省宿州市 (Suzhou)"),
        ("100 Nanjing Road, Shanghai", "上海市上海市 (Shanghai)"),
    ],
)
def test_the_gazetteer_finds_the_city_an_address_names(gazetteer: GazetteerGeocoder, address: str, label: str) -> None:
    found = gazetteer.geocode(address, exactly_one=False)
    assert [location.address for location in found] == [label]
    assert found[0].raw["doubt"] == ""


@pytest.mark.parametrize(
    ("address", "why", "candidates"),
    [
        ("通州区新华大街", "several places have this name", ["Tongzhou", "Jinsha"]),
        ("Wuxi, China", "several places have this name", ["无锡", "浯溪"]),
        ("长沙岳麓区", "several places have this name", ["湖南省长沙市"]),
        ("江苏省", "only the province is recognised", ["南京", "苏州", "无锡"]),
        ("Inner Mongolia", "only the province is recognised", ["Hohhot"]),
        ("江苏省无锡市无名县", "may lie far from the centre", ["Wuxi"]),
        ("重庆市无名区", "may lie far from the centre", ["Chongqing"]),
        ("四川省凉山彝族自治州", "only the province is recognised", ["成都"]),
        ("甘肃省临夏回族自治州", "which is wide", ["Linxia"]),
    ],
)
def test_the_gazetteer_leaves_what_could_be_elsewhere_in_doubt(
    gazetteer: GazetteerGeocoder, address: str, why: str, candidates: list[str]
) -> None:
    found = gazetteer.geocode(address, exactly_one=False)
    assert why in found[0].raw["doubt"]
    assert all(any(word in location.address for location in found) for word in candidates)


@pytest.mark.parametrize(
    "address", ["", "中国", "某某村3组", "南京东路100号", "新安路5号", "Berlin, Germany", "Springfield", "12345", "<script>"]
)
def test_the_gazetteer_does_not_find_what_it_does_not_know(gazetteer: GazetteerGeocoder, address: str) -> None:
    assert gazetteer.geocode(address) is None


def test_a_large_city_is_found_by_its_own_names(gazetteer: GazetteerGeocoder) -> None:
    missed = []
    for city in read_cities()[:200]:
        for name in city.names_zh:
            found = gazetteer.geocode(name, exactly_one=False) if name.endswith("市") else None
            if found and not found[0].raw["doubt"] and great_circle_km(found[0].latitude, found[0].longitude, city.lat, city.lon) > 60:
                missed.append((name, found[0].address))
    assert missed == []


def match(lat: float, lon: float, doubt: str = "") -> Match:
    return Match("somewhere", lat, lon, doubt)


@pytest.mark.parametrize(
    ("matches", "why"),
    [
        ([match(31.5, 120.3)], ""),
        ([match(31.5, 120.3), match(31.52, 120.32)], ""),
        ([match(31.5, 120.3), match(31.6, 120.3)], "several places fit"),
        ([match(31.5, 120.3, "wide")], "wide"),
        ([], "not found"),
    ],
)
def test_one_place_is_taken_and_anything_else_left_to_a_person(matches: list[Match], why: str) -> None:
    answer = judged("address", matches)
    assert (answer.why, answer.place is None) == (why, why != "")


class FakeNominatim:
    """A server that answers like Nominatim: by the first word of the query; it remembers what was asked and by whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query).get("q", [""])[0]
                outer.asked.append((query, self.headers["User-Agent"]))
                status, places = outer.answer(query)
                body = json.dumps(places).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Keeps the test's output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @staticmethod
    def answer(query: str) -> tuple[int, list[dict[str, Any]]]:
        def place(name: str, lat: float, lon: float, half: float) -> dict[str, Any]:
            box = [str(lat - half), str(lat + half), str(lon - half), str(lon + half)]
            return {"display_name": name, "lat": str(lat), "lon": str(lon), "boundingbox": box}

        one = place("蠡湖大道1号", *WUXI, 0.001)
        answers = {
            "one": (200, [one]),
            "two": (200, [one, place("elsewhere", 26.58, 111.86, 0.001)]),
            "province": (200, [place("江苏省", 33.0, 120.0, 2.0)]),
            "busy": (429, []),
            "down": (503, []),
        }
        return answers.get(query.split()[0], (200, []))

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def nominatim() -> Iterator[FakeNominatim]:
    fake = FakeNominatim()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def service(nominatim: FakeNominatim, waits: list[float]) -> AddressGeocoder:
    """geopy's own Nominatim client against the local server, on a clock that only sleeping moves."""

    def sleep(seconds: float) -> None:
        waits.append(seconds)

    return service_geocoder(
        "nominatim",
        {"domain": nominatim.domain, "scheme": "http"},
        user_agent="twohour-test",
        min_delay_s=1.0,
        sleep=sleep,
        clock=lambda: sum(waits),
    )


@pytest.fixture
def find(store: Store, service: AddressGeocoder) -> Callable[..., dict[str, Answer]]:
    return lambda *addresses, keep=True: find_addresses(store, service, addresses, now=NOW, keep=keep)


def test_a_geopy_service_is_asked_over_http_under_its_name(find: Callable[..., dict[str, Answer]], nominatim: FakeNominatim) -> None:
    answers = find("one", "two", "province", "nothing")
    place = answers["one"].place
    assert place is not None
    assert (place.label, place.lat, place.lon) == ("蠡湖大道1号", *WUXI)
    assert [answers[name].why for name in ("two", "nothing")] == ["several places fit", "not found"]
    assert "only an area of" in answers["province"].why
    assert {agent for _, agent in nominatim.asked} == {"twohour-test"}


def test_questions_keep_the_rate_limit(find: Callable[..., dict[str, Answer]], waits: list[float]) -> None:
    find("one 1", "one 2", "one 3")
    assert waits == [1.0, 1.0]


def test_an_answer_is_asked_for_once_and_kept(
    find: Callable[..., dict[str, Answer]], nominatim: FakeNominatim, store: Store, waits: list[float]
) -> None:
    first = find("one", "two", "nothing", "one")
    assert find("one", "two", "nothing") == first
    assert [query for query, _ in nominatim.asked] == ["one", "two", "nothing"]
    assert kept(store) == 3


def test_a_dry_run_keeps_no_answers(find: Callable[..., dict[str, Answer]], store: Store) -> None:
    assert find("one", keep=False)["one"].place is not None
    assert kept(store) == 0


def test_a_service_that_fails_is_retried_then_left_alone_and_nothing_is_kept(
    find: Callable[..., dict[str, Answer]], nominatim: FakeNominatim, store: Store
) -> None:
    answers = find(*(f"down {number}" for number in range(6)))
    assert all("import again later" in answer.why and answer.place is None for answer in answers.values())
    assert len(nominatim.asked) == 9, "three addresses, each asked three times; the rest is not asked"
    assert kept(store) == 0
    assert find("busy")["busy"].place is None


def test_coordinates_of_a_shifted_service_are_brought_to_wgs84(store: Store) -> None:
    shifted = from_wgs84(Point(*WUXI), "BD-09")
    geocoder = AddressGeocoder("baidu:", lambda address: [Location("无锡", (shifted.lat, shifted.lon), {"confidence": 80})], "BD-09")
    place = find_addresses(store, geocoder, ["无锡"], now=NOW, keep=False)["无锡"].place
    assert place is not None
    assert great_circle_km(place.lat, place.lon, *WUXI) < 0.001


def test_a_service_that_is_unsure_is_not_believed(store: Store) -> None:
    geocoder = AddressGeocoder("arcgis:", lambda address: [Location("无锡", WUXI, {"score": 69})])
    assert "only 69% sure" in find_addresses(store, geocoder, ["无锡"], now=NOW, keep=False)["无锡"].why


def test_baidu_is_known_to_be_shifted() -> None:
    assert service_geocoder("baiduv3", {"api_key": "k"}, user_agent="t").datum == "BD-09"


@pytest.mark.parametrize(
    ("service_name", "settings"), [("nomintaim", {}), ("nominatim", {"colour": "red"}), ("nominatim", {"user_agent": ""})]
)
def test_a_wrong_configuration_is_named(service_name: str, settings: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=service_name):
        service_geocoder(service_name, settings, user_agent="twohour-test")


def test_the_offline_geocoder_is_not_cached(store: Store) -> None:
    answers = find_addresses(store, offline_geocoder(), ["无锡市", "通州"], now=NOW, keep=True)
    assert answers["无锡市"].place is not None
    assert len(answers["通州"].matches) == 2
    assert kept(store) == 0
