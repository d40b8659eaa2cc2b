"""A geopy geocoder that needs no network: it finds Chinese cities and counties named in an address, in Chinese or English.

It knows places, not streets: an address in a known city is put at the city's centre. Where an address could mean several
places, all are returned; where it names only a province, the province's largest cities, marked as doubt.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from geopy.geocoders.base import DEFAULT_SENTINEL, Geocoder
from geopy.location import Location

from data_models.case import great_circle_km

_LONGEST_NAME = 14
_SAME_PLACE_KM = 30.0
"""The gazetteer lists some cities twice, by seat and by district; the larger entry stands for both."""
_AROUND_KM = 250.0
"""A county lies within this distance of its prefecture's centre."""
_TOWN = 200_000
"""A name without 市 or 县 behind it is taken as a city only from this size: many small towns are named like streets."""
_MUNICIPALITIES = frozenset({"22", "23", "28", "33"})
_WIDE_MUNICIPALITY = "33"
"""Chongqing, the size of a province: its districts are not near its centre."""
_SUFFIXES = "市县区旗州盟"
_STREET = re.compile(r"[东南西北中]?(大?道|路|大?街|巷|弄)")
_PREFECTURE = re.compile(r"[^市县区旗省]{2,14}?(自治州|地区|盟)")
_AUTONOMOUS = re.compile(r"[\u4e00-\u9fff]{0,12}?自治州|州|地区|盟")
_COUNTY = re.compile(r"([^路街道巷号0-9]{1,14}?)(县|旗|市|区)")
_ENGLISH_TAIL = re.compile(
    r"\s+(city|municipality|prefecture|province|county|district|new area|(\w+ )?autonomous region|shi|sheng|xian|qu)$"
)
_RENAMED = {"襄樊市": "襄阳市"}
"""Names given since the gazetteer's alternate names were collected."""
_ENGLISH_PROVINCES = {"xizang": "14", "nei mongol": "20", "neimenggu": "20", "guangxi zhuang": "16"}


@dataclass(frozen=True)
class City:
    """A populated place: English name, Chinese names, WGS-84 degrees, inhabitants, code of its province."""

    name: str
    names_zh: tuple[str, ...]
    lat: float
    lon: float
    population: int
    province: str


@dataclass(frozen=True)
class _Found:
    cities: Sequence[City]
    doubt: str = ""


class GazetteerGeocoder(Geocoder):  # type: ignore[misc]  # geopy has no types
    """Finds Chinese cities and counties in addresses, offline."""

    def __init__(self) -> None:
        super().__init__(scheme="https")
        self._cities = read_cities()
        self._provinces = _read("provinces.csv")
        self._chinese = _index((name, city) for city in self._cities for name in _chinese_names(city))
        self._english = _index((_plain(city.name), city) for city in self._cities)
        self._english_provinces = {_plain(row["name"]): row["admin1"] for row in self._provinces} | _ENGLISH_PROVINCES

    def geocode(self, query: str, *, exactly_one: bool = True, timeout: Any = DEFAULT_SENTINEL) -> Location | list[Location] | None:
        """The places that an address names, best first.

        Returns
        -------
        None when nothing is recognised; else the first place, or all of them with `exactly_one=False`. In `raw`, `doubt` is
        empty when the place is the only one that can be meant.
        """
        found = self._in_chinese(query) if re.search(r"[\u4e00-\u9fff]", query) else self._in_english(query)
        locations = [self._location(city, found.doubt) for city in found.cities]
        return (locations[0] if exactly_one else locations) if locations else None

    def _location(self, city: City, doubt: str) -> Location:
        province = next((row["full_zh"] for row in self._provinces if row["admin1"] == city.province), "")
        label = f"{province}{min(city.names_zh, key=_unusual, default='')} ({city.name})"
        return Location(label, (city.lat, city.lon), {"doubt": doubt, "population": city.population, "admin1": city.province})

    def _in_chinese(self, query: str) -> _Found:
        text = re.sub(r"[\s,，、;；]+", "", query).removeprefix("中国").removeprefix("中华人民共和国")
        province, rest = self._province_at_start(text)
        if not province and not self._prefix(text, "", named=False):
            # A company's name in front of the address: begin at the first province or city that is written out.
            starts = [text.find(row["full_zh"]) for row in self._provinces if row["full_zh"] in text]
            starts = starts or [at for at in range(len(text)) if self._prefix(text[at:], "", named=True)]
            if not starts:
                return _Found(())
            text = text[min(starts) :]
            province, rest = self._province_at_start(text)
        return self._within(province, rest)

    def _within(self, province: str, rest: str) -> _Found:
        """The place in an address whose province, if any, was read off."""
        cities = self._seat(province) if province in _MUNICIPALITIES else ()
        if not cities:
            hit = self._prefix(
                rest, province, named=bool(province) and province not in _MUNICIPALITIES and _STREET.search(rest[:4]) is not None
            )
            if not hit and (skipped := _PREFECTURE.match(rest)):
                hit = self._prefix(rest[skipped.end() :], province, named=True)
            if not hit:
                return self._province_only(province)
            length, cities = hit
            rest = rest[length:]
        if len(cities) > 1:
            return _Found(cities, "several places have this name")
        wide = _AUTONOMOUS.match(rest)
        rest = rest[wide.end() :] if wide else rest
        if wide and not self._prefix(rest, cities[0].province, named=True):
            return _Found(cities, f"only the prefecture around {cities[0].name} is recognised, which is wide")
        return self._refined(cities[0], rest)

    def _refined(self, city: City, rest: str) -> _Found:
        """The county inside a city where it is known; a doubt where it is not and could be far from the centre."""
        hit = self._prefix(rest, city.province, named=True)
        near = [place for place in (hit[1] if hit else ()) if _km(city, place) <= _AROUND_KM]
        if len(near) == 1:
            return _Found(near)
        county = _COUNTY.match(rest)
        if county and (county.group(2) != "区" or city.province == _WIDE_MUNICIPALITY):
            return _Found([city, *near], f"{county.group()} is not in the gazetteer and may lie far from the centre of {city.name}")
        return _Found([city])

    def _province_at_start(self, text: str) -> tuple[str, str]:
        for row in self._provinces:
            if text.startswith(row["full_zh"]):
                return row["admin1"], text[len(row["full_zh"]) :]
        for row in self._provinces:
            rest = text.removeprefix(row["short_zh"])
            # 吉林市 and 海南州 are places of their own, not the provinces of that name.
            if rest != text and not rest.startswith(tuple(_SUFFIXES)) and not _STREET.match(rest):
                return row["admin1"], rest.removeprefix("省").removeprefix("自治区")
        return "", text

    def _prefix(self, text: str, province: str, *, named: bool) -> tuple[int, Sequence[City]] | None:
        """The longest place name that a text begins with: its length in the text, and the places so called.

        With `named`, only names written with 市, 县 and the like.
        """
        for length in range(min(_LONGEST_NAME, len(text)), 1, -1):
            cities = [city for city in self._chinese.get(text[:length], ()) if province in ("", city.province)]
            rest = text[length:]
            suffixed = text[length - 1] in _SUFFIXES or rest[:1] in tuple(_SUFFIXES)
            if not suffixed:
                cities = [] if named or _STREET.match(rest) else [city for city in cities if city.population >= _TOWN]
            if cities:
                taken = length + (1 if text[length - 1] not in _SUFFIXES and rest[:1] in tuple(_SUFFIXES) else 0)
                return taken, _distinct(cities)
        return None

    def _province_only(self, province: str) -> _Found:
        inside = [city for city in self._cities if city.province == province][:3] if province else []
        return _Found(inside, "only the province is recognised")

    def _seat(self, province: str) -> Sequence[City]:
        name = next(row["name"] for row in self._provinces if row["admin1"] == province)
        return [city for city in self._cities if city.province == province and city.name == name][:1]

    def _in_english(self, query: str) -> _Found:
        parts = [_ENGLISH_TAIL.sub("", _plain(part)) for part in re.split(r"[,;\n]", query)]
        found = self._english_parts(parts)
        if found.cities or len(parts) > 2:
            return found
        words = _plain(query.replace(",", " ")).split()
        return self._english_parts([" ".join(words[at : at + size]) for size in (3, 2, 1) for at in range(len(words) - size + 1)])

    def _english_parts(self, parts: Sequence[str]) -> _Found:
        provinces = {self._english_provinces[part] for part in parts if part in self._english_provinces}
        if len(provinces) > 1:
            provinces &= _MUNICIPALITIES
        groups = []
        for part in parts:
            cities = [city for city in self._english.get(part, ()) if not provinces or city.province in provinces]
            if cities:
                groups.append(_distinct(cities))
        if not groups:
            return self._province_only(min(provinces, default=""))
        best = groups[0]
        for others in groups[1:]:
            # The parts name each other's surroundings: Jiangyin, Wuxi is the Jiangyin near Wuxi.
            best = [city for city in best if any(_km(city, other) <= _AROUND_KM for other in others)]
        if len(best) == 1:
            return _Found(best)
        return _Found(best or [city for group in groups for city in group], "several places have this name")


def read_cities() -> tuple[City, ...]:
    """All cities of the gazetteer, most inhabitants first."""
    cities = (
        City(
            name=row["name"],
            names_zh=tuple(name for name in row["name_zh"].split("|") if name),
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            population=int(row["population"]),
            province=row["admin1"],
        )
        for row in _read("cn_cities.csv")
    )
    return tuple(sorted(cities, key=lambda city: -city.population))


def _read(name: str) -> list[dict[str, str]]:
    with (files("data_models.gazetteer") / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _index(pairs: Iterable[tuple[str, City]]) -> Mapping[str, Sequence[City]]:
    index: dict[str, list[City]] = defaultdict(list)
    for name, city in pairs:
        if city not in index[name]:
            index[name].append(city)
    return index


def _chinese_names(city: City) -> set[str]:
    """The Chinese names of a place, also without 市, 县, 区 at the end; single characters (沪) are too short to be told from words."""
    names = {*city.names_zh, *(_RENAMED[name] for name in city.names_zh if name in _RENAMED)}
    bare = {name[:-1] for name in names if name[-1] in "市县区" and len(name) > 2}
    return {name for name in names | bare if len(name) > 1}


def _unusual(name: str) -> tuple[bool, bool]:
    """Sorts the name in use today first: simplified characters, written with 市, 县 or 区."""
    simplified = name == name.encode("gb2312", "ignore").decode("gb2312")
    return not simplified, name[-1] not in "市县区"


def _distinct(cities: Sequence[City]) -> Sequence[City]:
    """Places without those that stand for the same town as a larger one."""
    kept: list[City] = []
    for city in cities:
        if all(_km(city, larger) > _SAME_PLACE_KM or city.province != larger.province for larger in kept):
            kept.append(city)
    return kept


def _km(one: City, other: City) -> float:
    return great_circle_km(one.lat, one.lon, other.lat, other.lon)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return " ".join(re.sub(r"[^a-z ]+", " ", folded.replace("'", "")).split())
