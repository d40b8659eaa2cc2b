"""Ways to a place in the navigation of a phone: the documented address of each map service, in the datum that it takes.

On the Chinese mainland Amap, Tencent, Apple and Google take GCJ-02 and Baidu BD-09; elsewhere all take WGS-84. Each is an ordinary web
address, which opens the service's app where it is installed and its web page where it is not, and needs no key:

- Amap: `uri.amap.com/navigation`, lbs.amap.com/api/uri-api/guide/travel/route
- Baidu: `api.map.baidu.com/marker`, lbsyun.baidu.com, URI API for the web. Its `direction` asks for where one sets out, which this page
  does not know: the marker's own button leads there
- Tencent: `apis.map.qq.com/uri/v1/routeplan`, lbs.qq.com/webApi/uriV1/uriGuide/uriWebRoute
- Apple: `maps.apple.com`, Apple URL Scheme Reference, Map Links
- Google: `www.google.com/maps/dir/`, developers.google.com/maps/documentation/urls
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from console.web.texts import marked
from data_models.datum import Datum, Point, from_wgs84
from maps.outline import is_on_mainland

_LONGEST_NAME = 60
_WHO = "twohour"

SERVICES: Mapping[str, str] = {
    "amap": marked("Amap"),
    "baidu": marked("Baidu Maps"),
    "tencent": marked("Tencent Maps"),
    "apple": marked("Apple Maps"),
    "google": marked("Google Maps"),
}
_DATUMS: Mapping[str, Datum] = {"amap": "GCJ-02", "baidu": "BD-09", "tencent": "GCJ-02", "apple": "GCJ-02", "google": "GCJ-02"}


@dataclass(frozen=True)
class Way:
    """A way to a place in one service: its name in English, as in the catalog, and the address."""

    service: str
    address: str


def ways_to(lat: float, lon: float, name: str) -> tuple[Way, ...]:
    """The addresses that navigate to a WGS-84 place of a name, one for each service."""
    place, shifted = Point(lat, lon), is_on_mainland(lat, lon)
    found = []
    for service, title in SERVICES.items():
        point = from_wgs84(place, _DATUMS[service]) if shifted else place
        found.append(Way(title, _address(service, f"{point.lat:.6f}", f"{point.lon:.6f}", _plain(name), shifted=shifted)))
    return tuple(found)


def _address(service: str, lat: str, lon: str, name: str, *, shifted: bool) -> str:
    match service:
        case "amap":
            said = {"to": f"{lon},{lat},{name}", "mode": "car", "src": _WHO, "callnative": "1"}
            # Without it Amap takes its own datum.
            said |= {"coordinate": "gaode" if shifted else "wgs84"}
            return f"https://uri.amap.com/navigation?{_query(said)}"
        case "baidu":
            said = {"location": f"{lat},{lon}", "title": name, "content": name, "coord_type": "bd09ll" if shifted else "wgs84"}
            return f"https://api.map.baidu.com/marker?{_query(said | {'output': 'html', 'src': f'webapp.{_WHO}.console'})}"
        case "tencent":
            said = {"type": "drive", "to": name, "tocoord": f"{lat},{lon}", "coord_type": "2" if shifted else "1", "referer": _WHO}
            return f"https://apis.map.qq.com/uri/v1/routeplan?{_query(said)}"
        case "apple":
            return f"https://maps.apple.com/?{_query({'daddr': f'{lat},{lon}', 'dirflg': 'd'})}"
        case _:
            said = {"api": "1", "destination": f"{lat},{lon}", "travelmode": "driving", "dir_action": "navigate"}
            return f"https://www.google.com/maps/dir/?{_query(said)}"


def _query(said: Mapping[str, str]) -> str:
    return urlencode(said, quote_via=quote)


def _plain(name: str) -> str:
    """A name without what parts the fields of these addresses."""
    return " ".join("".join(" " if char in ",|;:" or not char.isprintable() else char for char in name).split())[:_LONGEST_NAME] or "-"
