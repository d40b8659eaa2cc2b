"""What the stations reach in the promised time by road, against the circle that was promised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from data_models.case import GreatCircle, Station, Technician, Tier, TravelMatrix, great_circle_km
from data_models.errors import BadInput
from maps.page import render_page
from maps.plan_map import base_map_data
from maps.visits import Place, drive

UNREACHABLE = -1


@dataclass(frozen=True)
class DemandPoint:
    """A customer site that may need someone; `weight` is what it counts for, such as its yearly tickets."""

    id: str
    name: str
    lat: float
    lon: float
    tier: Tier | None = None
    weight: float = 1.0
    place: int | None = None


def coverage_map(
    stations: Sequence[Station],
    technicians: Sequence[Technician],
    demand: Sequence[DemandPoint],
    travel: GreatCircle | TravelMatrix,
    *,
    now: datetime,
    promise_km: float = 300.0,
    standard_minutes: float = 120.0,
    title: str = "Coverage",
    subtitle: str = "",
) -> str:
    """A self-contained HTML page: choose skill, kit and hour, and see who is reached in time and who only on paper.

    A station counts when somebody of it has the skill at its level and is on shift at the hour, and when it owns the kit. Everybody is
    taken to be at home and free: what is shown is the best that the network can do, not what a busy day leaves of it.

    Parameters
    ----------
    technicians
        Skills and shifts; whose station is not among `stations` is left out. `start` is not looked at.
    travel
        Of the drive from a station to a demand point; a matrix is read by `place`.
    now
        Its offset is the time zone of the page, its day the first that can be chosen.
    promise_km
        Radius of the promised circle, as the crow flies.
    standard_minutes
        Promised time on site; the reader may change it on the page.

    Raises
    ------
    BadInput
        There is no station or no demand point, or a matrix is given and a place is missing.
    """
    if not stations or not demand:
        raise BadInput("Coverage needs at least one station and one demand point; import them first")
    return render_page(
        "coverage_map.html.jinja",
        styles=("leaflet.css", "page.css", "coverage_map.css"),
        scripts=("leaflet.js", "base_map.js", "plan_layers.js", "coverage_map.js"),
        data=_page_data(stations, technicians, demand, travel, now, promise_km, standard_minutes),
        title=title,
        subtitle=subtitle,
        promise_km=f"{promise_km:g}",
        model=_travel_words(travel),
        stations=len(stations),
        customers=len(demand),
    )


def _travel_words(travel: GreatCircle | TravelMatrix) -> str:
    if isinstance(travel, GreatCircle):
        return f"great circle × {travel.detour:g} at {travel.speed_kmh:g} km/h"
    return "road times given by a matrix"


def _page_data(
    stations: Sequence[Station],
    technicians: Sequence[Technician],
    demand: Sequence[DemandPoint],
    travel: GreatCircle | TravelMatrix,
    now: datetime,
    promise_km: float,
    standard_minutes: float,
) -> dict[str, Any]:
    """What the page's script reads. `reach_s[station][point]` and `air_m[station][point]` are whole numbers, rounded up: a limit in
    whole seconds or metres is then kept by the rounded number exactly when the exact one keeps it."""
    epoch = int(now.timestamp()) // 3600 * 3600
    index = {station.id: position for position, station in enumerate(stations)}
    skills = sorted({skill for technician in technicians for skill in technician.skills})
    kits = sorted({kit for station in stations for kit, count in station.kits.items() if count > 0})
    offset = now.utcoffset() or timedelta(0)
    return {
        "base": base_map_data(),
        "epoch": epoch,
        "offset": int(offset.total_seconds()),
        "promise_m": round(promise_km * 1000),
        "standard_s": round(standard_minutes * 60),
        "reach_m_per_s": travel.speed_kmh / 3.6 / travel.detour if isinstance(travel, GreatCircle) else None,
        "skills": skills,
        "kits": kits,
        "stations": [{"id": s.id, "name": s.name, "at": [s.lat, s.lon], "kits": [s.kits.get(kit, 0) for kit in kits]} for s in stations],
        "technicians": [
            {
                "station": index[t.station],
                "skills": [t.skills.get(skill, 0) for skill in skills],
                "shifts": [[round(s.start.timestamp()) - epoch, round(s.end.timestamp()) - epoch] for s in t.shifts],
            }
            for t in technicians
            if t.station in index
        ],
        "demand": [[d.id, d.name, round(d.lat, 5), round(d.lon, 5), d.tier or "", d.weight] for d in demand],
        "reach_s": [[_whole(drive(travel, _place(s), _place(d))[0]) for d in demand] for s in stations],
        "air_m": [[_whole(great_circle_km(s.lat, s.lon, d.lat, d.lon) * 1000) for d in demand] for s in stations],
    }


def _place(located: Station | DemandPoint) -> Place:
    return Place(located.lat, located.lon, located.place)


def _whole(value: float) -> int:
    return math.ceil(value) if math.isfinite(value) else UNREACHABLE
