"""A history out of a table of incidents: a CSV file with a time, a latitude and a longitude in each row."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from data_models.case import SEVERITIES, Severity
from data_models.errors import BadInput
from data_models.expected import Area, History, PastTicket
from data_models.json_files import read_bytes
from data_models.reading import Problems, shown

_NAMES: Mapping[str, Sequence[str]] = {
    "time": ("opened_at", "time", "date", "datetime"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "long", "lng", "longitude"),
    "product": ("product", "commodity"),
    "severity": ("severity",),
    "region": ("region", "state", "province"),
}
_NEEDED = ("time", "lat", "lon")
_KM_A_DEGREE = 111.195


@dataclass(frozen=True)
class Incident:
    """One row of such a table."""

    at: datetime
    lat: float
    lon: float
    product: str
    severity: Severity
    region: str


def read_incidents(path: Path, zone: ZoneInfo) -> tuple[Incident, ...]:
    """The incidents of a file, by time.

    Columns are known by their names: opened_at, time, date; lat, latitude; lon, long, longitude; and, where there are any,
    product, commodity; severity; region, state, province. Others are left alone. A row without a severity is an emergency.

    Parameters
    ----------
    zone
        Of times that have no offset.

    Raises
    ------
    BadInput
        A column is missing, or a row has no such time or place; one sentence a row.
    """
    try:
        rows = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""))
        columns = _columns(path, rows.fieldnames or ())
        problems, found = Problems(), []
        for number, row in enumerate(rows, 2):
            made = _incident(row, columns, zone, f"{path}, line {number}", problems)
            if made is not None:
                found.append(made)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} is no CSV file in UTF-8: {error}; save it as one") from error
    problems.raise_any()
    if not found:
        raise BadInput(f"{path} holds no incident; give a row for each below the names of the columns")
    return tuple(sorted(found, key=lambda incident: incident.at))


def history_of(incidents: Sequence[Incident], cell_km: float) -> History:
    """Incidents gathered into areas, the squares of a grid with `cell_km` to a side, each at the mean of its incidents' places.

    The history lasts from midnight before the first to midnight after the last, by the offset of each.
    """
    cells: dict[tuple[int, int], list[Incident]] = defaultdict(list)
    for incident in incidents:
        cells[_cell(incident, cell_km)].append(incident)
    areas, tickets = [], []
    for number, (_, inside) in enumerate(sorted(cells.items()), 1):
        lat, lon = (math.fsum(getattr(incident, axis) for incident in inside) / len(inside) for axis in ("lat", "lon"))
        region = max(sorted({incident.region for incident in inside}), key=[incident.region for incident in inside].count)
        name = f"A{number:04d}"
        areas.append(Area(name, f"{region} {lat:.2f}, {lon:.2f}".strip(), round(lat, 5), round(lon, 5), region))
        tickets += [PastTicket(name, incident.at, incident.severity, product=incident.product) for incident in inside]
    begins = incidents[0].at.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = incidents[-1].at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return History(begins, ends, tuple(areas), tuple(sorted(tickets, key=lambda ticket: (ticket.opened_at, ticket.site))))


def _columns(path: Path, names: Sequence[str]) -> dict[str, str]:
    by_lower = {name.strip().lower(): name for name in names if name}
    found = {what: next((by_lower[name] for name in known if name in by_lower), "") for what, known in _NAMES.items()}
    missing = [what for what in _NEEDED if not found[what]]
    if missing:
        wanted = "; ".join(f"{what}: {', '.join(_NAMES[what])}" for what in missing)
        raise BadInput(f"{path} has columns {', '.join(shown(name) for name in names)}; it lacks {wanted}")
    return {what: name for what, name in found.items() if name}


def _incident(row: Mapping[str, str | None], columns: Mapping[str, str], zone: ZoneInfo, where: str, problems: Problems) -> Incident | None:
    def text(what: str) -> str:
        return (row.get(columns.get(what, "")) or "").strip()

    before = len(problems.sentences) + problems.more
    at = _time(text("time"), zone)
    if at is None:
        problems.add(f"{where}: time is {shown(text('time'))}; give one such as 2025-03-02 08:00")
    lat, lon = _degrees(text("lat"), 90), _degrees(text("lon"), 180)
    if lat is None or lon is None:
        problems.add(f"{where}: place is {shown(text('lat'))}, {shown(text('lon'))}; give degrees of latitude and longitude")
    severity = next(_severities(text("severity")), None)
    if severity is None:
        problems.add(f"{where}: severity is {shown(text('severity'))}; give {', '.join(SEVERITIES)}")
    if at is None or lat is None or lon is None or severity is None or len(problems.sentences) + problems.more > before:
        return None
    return Incident(at, lat, lon, text("product")[:100], severity, text("region")[:100])


def _severities(text: str) -> Iterator[Severity]:
    return (severity for severity in SEVERITIES if severity == (text.lower() or "emergency"))


def _time(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _degrees(text: str, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= most else None


def _cell(incident: Incident, cell_km: float) -> tuple[int, int]:
    row = math.floor(incident.lat * _KM_A_DEGREE / cell_km)
    # Columns become narrower in degrees towards the equator, so that squares are about square; one width for each row.
    width = max(0.05, math.cos(math.radians((row + 0.5) * cell_km / _KM_A_DEGREE)))
    return row, math.floor(incident.lon * _KM_A_DEGREE * width / cell_km)
