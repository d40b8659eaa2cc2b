"""Road travel times from OSRM inside this process: the extra `roads` (`osrm-bindings`, Python 3.12 or newer)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_models.datum import Point
from data_models.errors import BadInput, Unavailable
from data_models.travel.osrm_answer import read_table, strand
from data_models.travel.provider import TravelTimes


class OsrmEngine:
    """OSRM over prepared road data, loaded once and kept in memory.

    Parameters
    ----------
    data
        The `.osrm` base path that `osrm-extract`, `osrm-partition` and `osrm-customize` wrote to.
    snap_limit_m
        A place farther than this from any road is unreachable.

    Raises
    ------
    Unavailable
        `osrm-bindings` is not installed.
    BadInput
        There is no prepared road data at `data`.
    """

    def __init__(self, data: Path, snap_limit_m: float = 1000.0) -> None:
        self._osrm = _import_osrm()
        metrics = data.with_name(data.name + ".cell_metrics")
        if not metrics.is_file():
            raise BadInput(f"Road data {data}: {metrics.name} is not there; run osrm-extract, osrm-partition and osrm-customize first")
        try:
            self._engine = self._osrm.OSRM(
                algorithm="MLD", storage_config=str(data), use_shared_memory=False, max_locations_distance_table=-1
            )
        except RuntimeError as error:
            raise BadInput(f"Road data {data}: OSRM cannot load it ({error}); prepare it again with the same version") from error
        self._snap_limit_m = snap_limit_m
        self._name = data.name
        # Data prepared again may hold other roads: what was cached from the old is then not asked for.
        self._prepared_ns = metrics.stat().st_mtime_ns

    @property
    def key(self) -> str:
        """Names the road data, when it was prepared, and the snapping limit."""
        return f"osrm embedded {self._name[-50:]} {self._prepared_ns} snap {self._snap_limit_m:g} m"

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        """Road travel from each origin to each destination. Raises `Unavailable` when the engine fails."""
        places = [*origins, *destinations]
        parameters = self._osrm.TableParameters(
            coordinates=[(round(place.lon, 6), round(place.lat, 6)) for place in places],
            sources=list(range(len(origins))),
            destinations=list(range(len(origins), len(places))),
            annotations=["duration", "distance"],
            generate_hints=False,
        )
        try:
            answer = self._engine.Table(parameters)
            table = read_table(_plain(answer), len(origins), len(destinations))
        except (RuntimeError, ValueError) as error:
            raise Unavailable(f"OSRM embedded over {self._name} failed: {error}") from error
        notes = strand(table, origins, destinations, self._snap_limit_m)
        return TravelTimes(table.seconds, table.metres, f"roads (OSRM embedded, {self._name})", notes)


def _import_osrm() -> Any:
    try:
        osrm = importlib.import_module("osrm")
    except ImportError as error:
        remedy = "install the extra `roads` on Python 3.12 or newer, or point to an OSRM server instead"
        raise Unavailable(f"The embedded road engine is not installed ({error}): {remedy}") from error
    if not hasattr(osrm, "TableParameters"):
        raise Unavailable("The module `osrm` that is installed is another package: remove it and install the extra `roads`")
    return osrm


def _plain(answer: Any) -> dict[str, Any]:
    """OSRM's own containers as lists and dicts."""
    grids = {name: [list(row) for row in answer[name]] for name in ("durations", "distances")}
    return grids | {name: [{"distance": waypoint["distance"]} for waypoint in answer[name]] for name in ("sources", "destinations")}
