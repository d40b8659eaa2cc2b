"""From settings to a travel provider."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from data_models.errors import BadInput
from data_models.travel.cache import CachedTravel
from data_models.travel.great_circle import GreatCircleTravel
from data_models.travel.osrm_embedded import OsrmEngine
from data_models.travel.osrm_http import OsrmServer
from data_models.travel.provider import TravelProvider, WithFallback

TravelKind = Literal["great_circle", "osrm", "osrm_embedded"]


def choose_provider(
    kind: TravelKind,
    *,
    detour: float = 1.3,
    speed_kmh: float = 70.0,
    osrm_url: str | None = None,
    osrm_profile: str = "driving",
    osrm_data: Path | None = None,
    snap_limit_m: float = 1000.0,
    timeout_s: float = 30.0,
    attempts: int = 3,
    parallel: int = 4,
    max_table_size: int = 100,
    fallback: bool = False,
    begin: Callable[[], AbstractContextManager[Session]] | None = None,
    clock: Callable[[], datetime] | None = None,
    max_age: timedelta | None = timedelta(days=30),
) -> TravelProvider:
    """The provider that the settings ask for.

    Road times are cached when both `begin` (opens a transaction of the store) and `clock` are given; great-circle times are
    cheaper to compute than to read. With `fallback`, a road server that does not answer is replaced by the great circle,
    and the notes of the result say so.

    Raises
    ------
    BadInput
        A setting that `kind` needs is missing or out of range.
    Unavailable
        `osrm_embedded` without the extra `roads`.
    """
    great_circle = GreatCircleTravel(detour, speed_kmh)
    roads: TravelProvider
    match kind:
        case "great_circle":
            return great_circle
        case "osrm":
            if not osrm_url:
                raise BadInput("Travel by `osrm` needs osrm_url, such as http://localhost:5000")
            roads = OsrmServer(
                osrm_url,
                osrm_profile,
                snap_limit_m,
                timeout_s=timeout_s,
                attempts=attempts,
                parallel=parallel,
                max_table_size=max_table_size,
            )
        case "osrm_embedded":
            if osrm_data is None:
                raise BadInput("Travel by `osrm_embedded` needs osrm_data, the path of prepared road data ending in .osrm")
            roads = OsrmEngine(osrm_data, snap_limit_m)
        case _:
            raise BadInput(f"travel: {kind!r} is not known; it is one of great_circle, osrm, osrm_embedded")
    if begin is not None and clock is not None:
        roads = CachedTravel(roads, begin, clock, max_age)
    return WithFallback(roads, great_circle) if fallback else roads
