"""Where the rows of a file are: coordinates brought to WGS-84, addresses without them geocoded, doubts left to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data_models.datum import Datum, Point, to_wgs84
from data_models.geocoding import Answer
from data_models.intake.columns import TableSpec
from data_models.intake.rows import Draft, Problem, problem_of
from data_models.intake.stored import StoredRow

_CANDIDATES = 3


@dataclass(frozen=True)
class Doubtful:
    """An address that a person must decide: why, and the candidates as text with their coordinates."""

    row: int
    key: str
    address: str
    why: str
    candidates: Sequence[str]


@dataclass(frozen=True)
class Placed:
    """An address that was geocoded, and the place it was put at."""

    row: int
    key: str
    address: str
    label: str
    lat: float
    lon: float


@dataclass(frozen=True)
class Placing:
    """The drafts that have a place, and what became of the others."""

    drafts: Sequence[Draft]
    problems: Sequence[Problem]
    doubtful: Sequence[Doubtful]
    placed: Sequence[Placed]


def addresses_to_geocode(spec: TableSpec, drafts: Sequence[Draft], stored: Mapping[tuple[Any, ...], StoredRow]) -> list[str]:
    """The addresses of the drafts that name no coordinates and whose stored ones do not hold any more."""
    return [draft.values["address"] for draft in drafts if _needs_geocoding(spec, draft, stored)]


def place_drafts(
    file: str,
    spec: TableSpec,
    drafts: Sequence[Draft],
    stored: Mapping[tuple[Any, ...], StoredRow],
    datum: Datum,
    answers: Mapping[str, Answer],
) -> Placing:
    """Gives each draft of a located table WGS-84 coordinates.

    Coordinates of the file are converted from `datum`. Without any, a known address keeps the place it has; another one
    gets that of `answers`. Rows that cannot be placed become problems.
    """
    placing = Placing([], [], [], [])
    if not spec.located and not any(column.name == "lat" for column in spec.columns):
        return replace(placing, drafts=drafts)
    kept: list[Draft] = []
    problems: list[Problem] = []
    doubtful: list[Doubtful] = []
    placed: list[Placed] = []
    for draft in drafts:
        lat, lon = draft.values.get("lat"), draft.values.get("lon")
        if lat is not None and lon is not None:
            point = to_wgs84(Point(lat, lon), datum)
            kept.append(_at(draft, point.lat, point.lon))
        elif lat is not None or lon is not None:
            empty = "lat" if lat is None else "lon"
            problems.append(problem_of(file, spec, draft, empty, "fill in both lat and lon, or neither and an address"))
        elif not _needs_geocoding(spec, draft, stored):
            if draft.key(spec) in stored:
                kept.append(draft)
            else:
                problems.append(
                    problem_of(file, spec, draft, "lat", "lat, lon and address are all empty; fill in lat and lon, or an address")
                )
        else:
            address = draft.values["address"]
            answer = answers.get(address, Answer(address, None, "no geocoder was asked", ()))
            key = " ".join(draft.key(spec))
            if answer.place is not None:
                kept.append(_at(draft, answer.place.lat, answer.place.lon))
                placed.append(Placed(draft.row.number, key, address, answer.place.label, answer.place.lat, answer.place.lon))
            else:
                candidates = [f"{match.label} {match.lat:.5f},{match.lon:.5f}" for match in answer.matches[:_CANDIDATES]]
                doubtful.append(Doubtful(draft.row.number, key, address, answer.why, candidates))
                hint = f"; it could be {' or '.join(candidates)}" if candidates else ""
                message = f"{answer.why}{hint}; fill in lat and lon, or write the address in full"
                problems.append(problem_of(file, spec, draft, "address", message))
    return Placing(kept, problems, doubtful, placed)


def _needs_geocoding(spec: TableSpec, draft: Draft, stored: Mapping[tuple[Any, ...], StoredRow]) -> bool:
    values = draft.values
    if values.get("lat") is not None or values.get("lon") is not None or not values.get("address"):
        return False
    known = stored.get(draft.key(spec))
    return known is None or known["address"] != values["address"]


def _at(draft: Draft, lat: float, lon: float) -> Draft:
    return replace(draft, values=draft.values | {"lat": lat, "lon": lon})
