"""Ways to a place in map services: the right datum on the mainland, WGS-84 elsewhere, and nothing of a name that breaks an address."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from console.web.navigation import ways_to
from console.web.web import dialled
from maps.outline import is_on_mainland

# WGS-84, then GCJ-02 as eviltransform's own tests publish it.
BEIJING, BEIJING_GCJ = (39.911954, 116.377817), (39.91334545536069, 116.38404722455657)


def said(lat: float, lon: float, name: str = "厂区") -> dict[str, dict[str, str]]:
    """What each service is asked, by its host."""
    parts = [urlsplit(way.address) for way in ways_to(lat, lon, name)]
    assert {part.scheme for part in parts} == {"https"}
    return {str(part.hostname): {key: values[0] for key, values in parse_qs(part.query).items()} for part in parts}


def test_on_the_mainland_each_service_gets_its_own_datum() -> None:
    asked = said(*BEIJING)
    gcj = f"{BEIJING_GCJ[0]:.4f},{BEIJING_GCJ[1]:.4f}"

    def rounded(text: str) -> str:
        return ",".join(f"{float(number):.4f}" for number in text.split(","))

    lon, lat, name = asked["uri.amap.com"]["to"].split(",")
    assert (rounded(f"{lat},{lon}"), name, asked["uri.amap.com"]["coordinate"]) == (gcj, "厂区", "gaode")
    assert rounded(asked["apis.map.qq.com"]["tocoord"]) == gcj
    assert rounded(asked["maps.apple.com"]["daddr"]) == gcj
    assert rounded(asked["www.google.com"]["destination"]) == gcj
    baidu = asked["api.map.baidu.com"]
    assert baidu["coord_type"] == "bd09ll"
    lat_bd, lon_bd = map(float, baidu["location"].split(","))
    # BD-09 lies about 0.006 degrees further north and 0.0065 east.
    assert lat_bd - BEIJING_GCJ[0] == pytest.approx(0.006, abs=0.001)
    assert lon_bd - BEIJING_GCJ[1] == pytest.approx(0.0065, abs=0.001)


@pytest.mark.parametrize("place", [(52.52, 13.405), (37.56, 126.98), (22.28, 114.16)])
def test_elsewhere_coordinates_stay_as_they_are(place: tuple[float, float]) -> None:
    asked = said(*place)
    plain = f"{place[0]:.6f},{place[1]:.6f}"
    assert asked["maps.apple.com"]["daddr"] == asked["www.google.com"]["destination"] == asked["apis.map.qq.com"]["tocoord"] == plain
    assert (asked["api.map.baidu.com"]["location"], asked["api.map.baidu.com"]["coord_type"]) == (plain, "wgs84")
    assert asked["apis.map.qq.com"]["coord_type"] == "1"
    assert asked["uri.amap.com"]["coordinate"] == "wgs84"


def test_a_name_cannot_say_more_than_a_name() -> None:
    asked = said(*BEIJING, name='A,1.0,2.0&mode=walk|name:x"><script>')
    assert asked["uri.amap.com"]["to"].count(",") == 2
    assert asked["uri.amap.com"]["mode"] == "car"
    assert asked["api.map.baidu.com"]["title"] == 'A 1.0 2.0&mode=walk name x"><script>'


@pytest.mark.parametrize(
    ("lat", "lon", "is_mainland"),
    [
        (31.23, 121.47, True),
        (29.65, 91.17, True),
        (22.54, 114.06, True),  # Shenzhen, within sight of Hong Kong
        (38.93, 118.50, True),  # Caofeidian, on land that the outline does not have
        (22.28, 114.16, False),
        (22.19, 113.55, False),
        (25.04, 121.56, False),
        (21.03, 105.85, False),  # Hanoi, within the rectangle of the datum's formula
        (52.52, 13.40, False),
    ],
)
def test_the_mainland_ends_where_its_provinces_do(lat: float, lon: float, is_mainland: bool) -> None:
    assert is_on_mainland(lat, lon) == is_mainland


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+86 (021) 5566-7788", "+862155667788"),
        ("+49 (0)30 123", "+4930123"),
        ("021-5566 7788", "02155667788"),
        ("400 820 8888 转 12", "4008208888,12"),
        ("+44 20 7946 0018 ext. 7", "+442079460018,7"),
        ("ask the porter", ""),
        ("", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_phone_dials_digits_alone(written: str, number: str) -> None:
    assert dialled(written) == number
