"""Where stations could be opened: a table of the planner's, or all cities above a size; with the people and kits that one would get."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_models.case import great_circle_km
from data_models.errors import BadInput
from data_models.expected import Area
from data_models.gazetteer.geocoder import City, read_cities
from data_models.json_files import read_bytes
from data_models.policy import Needs, ServicePolicy
from data_models.reading import Problems, shown
from data_models.study import CrewFacts, DailyShift, StudyStation

NEAR_KM = 300.0
"""Cities further than this from every area are no candidates: the promised radius."""


def usual_crews(policy: ServicePolicy, people: int, cost_each: float) -> tuple[CrewFacts, ...]:
    """Half of the people by day and half by night, twelve hours each, with every skill that the policy's tickets ask for."""
    skills: dict[str, int] = {}
    for needs in _needs(policy):
        for skill, level in (needs.skills or {}).items():
            skills[skill] = max(level, skills.get(skill, 1))
    by_day = people - people // 2
    crews = (
        CrewFacts("day", by_day, skills, (DailyShift("08:00", 12.0, overtime_minutes=120.0),), cost_each),
        CrewFacts("night", people // 2, skills, (DailyShift("20:00", 12.0, overtime_minutes=120.0),), cost_each),
    )
    return tuple(crew for crew in crews if crew.people)


def usual_kits(policy: ServicePolicy) -> dict[str, int]:
    """One kit of each type that the policy's tickets ask for."""
    return {kit: 1 for needs in _needs(policy) for kit in sorted(needs.kits or ())}


def _needs(policy: ServicePolicy) -> Iterator[Needs]:
    """What any ticket of the policy may need: by default, by type, by product."""
    yield policy.defaults
    for of_type in policy.ticket_types.values():
        yield of_type
        yield from of_type.products.values()


def read_sites(path: Path, like: StudyStation) -> tuple[StudyStation, ...]:
    """Stations of a CSV file with the columns id, lat, lon, and name, yearly_cost, region where it has them.

    Parameters
    ----------
    like
        What each gets of people, kits and, without a column for it, yearly cost.

    Raises
    ------
    BadInput
        A column is missing, an id stands twice or a row has no such place; one sentence a row.
    """
    try:
        table = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""))
        missing = [name for name in ("id", "lat", "lon") if name not in (table.fieldnames or ())]
        if missing:
            raise BadInput(f"{path} lacks the columns {', '.join(missing)}; its first line must name id, lat and lon")
        problems = Problems()
        made = [_site(row, like, f"{path}, line {number}", problems) for number, row in enumerate(table, 2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} is no CSV file in UTF-8: {error}; save it as one") from error
    names = [site.id for site in made if site is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"{path}: id {shown(name)} stands {names.count(name)} times; keep one")
    problems.raise_any()
    return tuple(site for site in made if site is not None)


def cities_above(
    population: int, areas: Sequence[Area], like: StudyStation, taken: Iterable[StudyStation] = (), apart_km: float = 20.0
) -> tuple[StudyStation, ...]:
    """Chinese cities with at least so many inhabitants (GeoNames) near some area, largest first.

    A city within `apart_km` of a station in `taken` or of a larger city that was taken is left out.
    """
    found: list[StudyStation] = []
    for city in read_cities():
        if city.population < population:
            break
        others = (*taken, *found)
        if all(_km(city, area) > NEAR_KM for area in areas) or any(_km(city, other) <= apart_km for other in others):
            continue
        name = city.names_zh[0] if city.names_zh else city.name
        found.append(replace(like, id=f"C-{len(found) + 1:03d}", name=name, lat=city.lat, lon=city.lon, region="", place=None))
    return tuple(found)


def _site(row: dict[str, str | None], like: StudyStation, where: str, problems: Problems) -> StudyStation | None:
    name = (row.get("id") or "").strip()
    try:
        lat, lon = float(row.get("lat") or ""), float(row.get("lon") or "")
        cost = float(row.get("yearly_cost") or like.yearly_cost)
        if not (name and abs(lat) <= 90 and abs(lon) <= 180 and 0 <= cost < 1e12):
            raise ValueError
    except ValueError:
        told = ", ".join(f"{key} {shown((row.get(key) or '').strip())}" for key in ("id", "lat", "lon", "yearly_cost"))
        problems.add(f"{where}: {told}; give an id, degrees of latitude and longitude, and a cost of 0 or more, or none")
        return None
    title = (row.get("name") or name).strip()
    return replace(like, id=name, name=title, lat=lat, lon=lon, yearly_cost=cost, region=(row.get("region") or "").strip(), place=None)


def _km(city: City, other: Area | StudyStation | City) -> float:
    return great_circle_km(city.lat, city.lon, other.lat, other.lon)
