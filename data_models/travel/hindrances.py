"""Travel times where something holds up the traffic: snow, floods, a closed road."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data_models.case import TravelMatrix, great_circle_km
from data_models.datum import Point
from data_models.domain import RoadFacts


def with_hindrances(travel: TravelMatrix, places: Sequence[Point], roads: Sequence[RoadFacts]) -> tuple[TravelMatrix, tuple[str, ...]]:
    """Travel with every drive that begins or ends within a hindrance made longer by its factor, and a sentence for each.

    Of several hindrances the largest factor counts. The whole plan counts with them: when they end before a drive begins, the drive
    is planned too long, and the next re-plan, once they have ended, puts that right.
    """
    factor = [max((road.factor for road in roads if _lies_in(place, road)), default=1.0) for place in places]
    seconds = tuple(
        tuple(
            leg if origin == destination else math.ceil(leg * _both(factor[origin], factor[destination])) if math.isfinite(leg) else leg
            for destination, leg in enumerate(row)
        )
        for origin, row in enumerate(travel.seconds)
    )
    told = tuple(
        f"drives within {road.km:g} km of {road.lat:.3f}, {road.lon:.3f} take {road.factor:g} times as long "
        f"until {road.ends_at:%Y-%m-%d %H:%M} UTC" + (f" ({road.reason})" if road.reason else "")
        for road in roads
    )
    return TravelMatrix(travel.kind, seconds, travel.metres), told


def _lies_in(place: Point, road: RoadFacts) -> bool:
    return great_circle_km(place.lat, place.lon, road.lat, road.lon) <= road.km


def _both(origin: float, destination: float) -> float:
    """The factor of a drive between two places: the larger one, unless both make drives quicker."""
    return max(origin, destination) if max(origin, destination) > 1 else min(origin, destination)
