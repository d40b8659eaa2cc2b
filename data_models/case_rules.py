"""What a case that reads well may still get wrong: numbers out of range, names given twice or never, time that runs backwards.

Only what is malformed or contradicts itself is a problem here. A day that cannot be served, such as a ticket for which nobody
has the skill, is a result of planning and no error of the file.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from data_models.case import Break, Case, Commitment, GreatCircle, OutAt, Rates, Shift, Station, Technician, Ticket, TravelMatrix
from data_models.reading import Where, shown

MAX_MINUTES = 366 * 24 * 60
MAX_MONEY = 10**12
MAX_LOAD = 10**12
MAX_KITS = 1_000_000
MAX_CREW = 1_000
MAX_SECONDS = 10**9
MAX_METRES = 10**9

POSITION = {"lat": (-90, 90), "lon": (-180, 180)}
_RANGES: Mapping[type, Mapping[str, tuple[float, float]]] = {
    GreatCircle: {"detour": (1, 100), "speed_kmh": (0.1, 2000)},
    Rates: dict.fromkeys(("drive_per_hour", "drive_per_km", "overtime_per_hour", "change_technician"), (0, MAX_MONEY)),
    Station: POSITION,
    OutAt: POSITION,
    Technician: {"capacity": (0, MAX_LOAD)},
    Shift: {"overtime_minutes": (0, MAX_MINUTES)},
    Break: {"minutes": (0, MAX_MINUTES)},
    Ticket: {
        **POSITION,
        "service_minutes": (0, MAX_MINUTES),
        **dict.fromkeys(("miss_cost", "late_cost_per_hour", "skip_cost"), (0, MAX_MONEY)),
        "load": (0, MAX_LOAD),
        "crew": (1, MAX_CREW),
    },
}
"""Least and greatest value by field. The limits keep every sum finite and are far beyond any real case."""


def case_problems(case: Case) -> Iterator[str]:
    """What contradicts itself in a case, one sentence each, naming the item, the value and the remedy."""
    yield from travel_problems(case.travel)
    yield from _ranges(case.rates, Where(("rates",)))
    for name, items, look in _collections(case):
        yield from name_problems(name, items)
        for index, item in enumerate(items):
            where = at(name, index, item)
            yield from _ranges(item, where)
            yield from look(case, item, where)


def travel_problems(travel: GreatCircle | TravelMatrix) -> Iterator[str]:
    """What is wrong with the travel of a case of any kind."""
    yield from _ranges(travel, Where(("travel",)))
    if isinstance(travel, TravelMatrix):
        yield from _matrix(travel)


def _collections(case: Case) -> tuple[tuple[str, Sequence[Any], Callable[[Case, Any, Where], Iterator[str]]], ...]:
    return (
        ("stations", case.stations, _station),
        ("technicians", case.technicians, _technician),
        ("tickets", case.tickets, _ticket),
        ("committed", case.committed, _commitment),
    )


def name_problems(collection: str, items: Sequence[Any]) -> Iterator[str]:
    """Ids that cannot be told apart, or hardly seen."""
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        key = item.ticket if isinstance(item, Commitment) else item.id
        field = "ticket" if isinstance(item, Commitment) else "id"
        if not key.strip() or len(key) > 200 or any(sign < " " or sign == "\x7f" for sign in key):
            yield f"{collection}[{index}]: {field} is {shown(key)}; give 1 to 200 characters, not all blank, without control characters"
        if key in first:
            yield f"{collection}[{index}]: {field} {shown(key)} is that of {collection}[{first[key]}] too; give each its own"
        first.setdefault(key, index)


def _station(case: Case, station: Station, where: Where) -> Iterator[str]:
    yield from _place(case, station, where)
    for kit, owned in station.kits.items():
        yield from _named(kit, "a kit type", where)
        if not 0 <= owned <= MAX_KITS:
            yield where.says(f"kits has {shown(owned)} of {shown(kit)}; give 0 to {MAX_KITS:,}")


def _technician(case: Case, technician: Technician, where: Where) -> Iterator[str]:
    if technician.station not in case.station_by_id:
        yield where.says(f"station {shown(technician.station)} is unknown; give the id of one of the {len(case.stations)} stations")
    yield from _levels(technician.skills, where)
    for index, shift in enumerate(technician.shifts):
        yield from _shift(shift, Where((*where.steps, f"shifts[{index}]")))
    for index, (before, after) in enumerate(pairwise(technician.shifts), start=1):
        if after.start < before.end:
            what = f"shifts[{index}] starts {_time(after.start)}, before shifts[{index - 1}] ends {_time(before.end)}"
            yield where.says(f"{what}; give shifts in order of time, without overlap")
    if technician.start is not None:
        here = Where((*where.steps, "start"))
        yield from _ranges(technician.start, here)
        yield from _place(case, technician.start, here)
        yield from _kit_list(technician.start.kits, here)


def _shift(shift: Shift, where: Where) -> Iterator[str]:
    yield from _ranges(shift, where)
    if shift.end <= shift.start:
        yield where.says(f"end {_time(shift.end)} is not after start {_time(shift.start)}; swap or correct them")
    for index, pause in enumerate(shift.breaks):
        here = Where((*where.steps, f"breaks[{index}]"))
        yield from _ranges(pause, here)
        if pause.latest < pause.earliest:
            yield here.says(f"latest {_time(pause.latest)} is before earliest {_time(pause.earliest)}; swap or correct them")


def _ticket(case: Case, ticket: Ticket, where: Where) -> Iterator[str]:
    yield from _place(case, ticket, where)
    yield from _levels(ticket.skills, where)
    yield from _kit_list(ticket.kits, where)
    for index, window in enumerate(ticket.windows):
        if window.end < window.start:
            what = f"windows[{index}] ends {_time(window.end)}, before it starts {_time(window.start)}"
            yield where.says(f"{what}; swap or correct them")
    for field, names in (("only", ticket.only), ("banned", ticket.banned)):
        for name in names:
            if name not in case.technician_by_id:
                yield where.says(f"{field} names {shown(name)}, who is no technician of this case; give an id or leave it out")


def _commitment(case: Case, promise: Commitment, where: Where) -> Iterator[str]:
    if promise.ticket not in case.ticket_by_id:
        yield where.says(f"ticket {shown(promise.ticket)} is unknown; give the id of a ticket or leave the promise out")
    if not promise.technicians:
        yield where.says("technicians is empty; name whom people were told, or leave the promise out")
    for name, times in Counter(promise.technicians).items():
        if name not in case.technician_by_id:
            yield where.says(f"technicians names {shown(name)}, who is unknown; give the id of a technician")
        if times > 1:
            yield where.says(f"technicians names {shown(name)} {times} times; name each once")


def _ranges(item: Any, where: Where) -> Iterator[str]:
    return range_problems(item, _RANGES.get(type(item), {}), where)


def range_problems(item: Any, limits: Mapping[str, tuple[float, float]], where: Where) -> Iterator[str]:
    """Numbers of an item that are below the least or above the greatest value of their field."""
    for field, (least, most) in limits.items():
        value = getattr(item, field)
        if value is not None and not least <= value <= most:
            yield where.says(f"{field} is {shown(value)}; give {least:,} to {most:,}")


def _levels(skills: Mapping[str, int], where: Where) -> Iterator[str]:
    for skill, level in skills.items():
        yield from _named(skill, "a skill", where)
        if not 1 <= level <= 3:
            yield where.says(f"skill {shown(skill)} is at level {shown(level)}; give 1, 2 or 3")


def _kit_list(kits: Iterable[str], where: Where) -> Iterator[str]:
    for kit, times in Counter(kits).items():
        yield from _named(kit, "a kit type", where)
        if times > 1:
            yield where.says(f"kits names {shown(kit)} {times} times; name each type once")


def _named(name: str, what: str, where: Where) -> Iterator[str]:
    if not name.strip():
        yield where.says(f"{what} is {shown(name)}; give it a name")


def _place(case: Case, thing: Station | Ticket | OutAt, where: Where) -> Iterator[str]:
    return place_problems(case.travel, thing.place, where)


def place_problems(travel: GreatCircle | TravelMatrix, place: int | None, where: Where) -> Iterator[str]:
    """With a travel matrix, a place that is missing or is none of its rows."""
    if isinstance(travel, TravelMatrix):
        size = len(travel.seconds)
        if place is None:
            yield where.says("place is missing; with a travel matrix, give the index of its row")
        elif not 0 <= place < size:
            yield where.says(f"place is {shown(place)}; give the index of one of the matrix's {size} rows, from 0")


def _matrix(travel: TravelMatrix) -> Iterator[str]:
    size = len(travel.seconds)
    shapes_differ = False
    for name, rows, most in (("seconds", travel.seconds, MAX_SECONDS), ("metres", travel.metres, MAX_METRES)):
        if len(rows) != size:
            shapes_differ = True
            yield f"travel: {name} has {len(rows)} rows, but seconds has {size}; give both for the same places"
        for index, row in enumerate(rows):
            if len(row) != size:
                shapes_differ = True
                yield f"travel: {name}[{index}] has {len(row)} entries, but there are {size} places; give a square matrix"
            if any(not (0 <= entry <= most or entry == math.inf) for entry in row):
                yield f"travel: {name}[{index}] has an entry outside 0 to {most:,}; only an unreachable pair is more: Infinity"
    if not shapes_differ:
        yield from _half_open_roads(travel)


def _half_open_roads(travel: TravelMatrix) -> Iterator[str]:
    """Pairs that are unreachable by time but not by distance, or the other way round."""
    for origin, (seconds, metres) in enumerate(zip(travel.seconds, travel.metres, strict=True)):
        if not (seconds.count(math.inf) or metres.count(math.inf)):
            continue
        for destination, (second, metre) in enumerate(zip(seconds, metres, strict=True)):
            if (second == math.inf) != (metre == math.inf):
                pair = f"[{origin}][{destination}]"
                what = f"travel: seconds{pair} is {shown(second)} but metres{pair} is {shown(metre)}"
                yield f"{what}; give Infinity for both or neither"


def at(collection: str, index: int, item: Any) -> Where:
    """Where an item of a collection stands, for messages."""
    name = item.ticket if isinstance(item, Commitment) else item.id
    return Where((f"{collection}[{index}] ({shown(name)[1:-1]})",))


def _time(time: Any) -> str:
    return str(time.isoformat())
