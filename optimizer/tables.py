"""A problem's facts as Python lists and sets: loops in Python read them several times faster than arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.legs import MOST_DENSE, Rows

if TYPE_CHECKING:
    from optimizer.problem import Problem

Ints = NDArray[np.int64]
T_co = TypeVar("T_co", covariant=True)


class Lookup(Protocol[T_co]):
    """Whatever is read by index."""

    def __getitem__(self, index: int, /) -> T_co:
        """The value at an index."""


@dataclass(frozen=True, eq=False)
class Tables:
    """A `Problem`'s facts for loops in Python; each field reads `[ticket]` or `[duty]` unless it says otherwise."""

    travel: Lookup[Lookup[int]]  # [origin][destination]
    drive_cost: Lookup[Lookup[float]]  # [origin][destination]
    location: list[int]
    service: list[int]
    due: list[int]
    miss: list[float]
    late_per_s: list[float]
    skip: list[float]
    load: list[float]
    crew: list[int]
    locked: list[bool]
    windows: list[list[tuple[int, int]]]
    needs: list[list[tuple[int, int]]]  # (skill, level)
    kits: list[frozenset[int]]
    promised: list[frozenset[int]]  # technicians
    change: list[float]  # what another crew than the promised one costs
    origin: list[int]
    home: list[int]
    station: list[int]
    technician: list[int]
    earliest: list[int]
    end: list[int]
    latest: list[int]
    idle_until: list[int]
    trip: list[int]
    before: list[int]
    after: list[int]  # the duty that has this one as `before`, else -1
    capacity: list[float]
    held: list[frozenset[int] | None]  # None: takes kits at the station
    breaks: list[list[tuple[int, int, int, int]]]  # (earliest, latest, length, span end), by earliest
    overtime_per_s: float


def _seconds(p: Problem) -> Lookup[Lookup[int]]:
    """Drive seconds: whole rows as lists, or where there are too many locations for that, leg by leg."""
    if len(p.legs.lat) <= MOST_DENSE:
        return Rows(lambda origin: list(p.travel_s[origin].tolist()))
    return Rows(lambda origin: Rows(lambda destination: p.legs.seconds_of(origin, destination)))


def _money(p: Problem) -> Lookup[Lookup[float]]:
    """Money for drives, in the same way."""
    if len(p.legs.lat) <= MOST_DENSE:
        return Rows(lambda origin: list(p.drive_cost[origin].tolist()))
    return Rows(lambda origin: Rows(lambda destination: p.legs.money_of(origin, destination)))


def tables_of(p: Problem) -> Tables:
    """The tables of a problem."""

    def rows(ptr: Ints, *columns: Ints) -> list[list[tuple[int, ...]]]:
        flat = list(zip(*(c.tolist() for c in columns), strict=True))
        return [flat[a:b] for a, b in zip(ptr[:-1].tolist(), ptr[1:].tolist(), strict=True)]

    def sets(ptr: Ints, column: Ints) -> list[frozenset[int]]:
        return [frozenset(item for (item,) in row) for row in rows(ptr, column)]

    after = [-1] * p.n_duties
    for duty, previous in enumerate(p.duty_before.tolist()):
        if previous >= 0:
            after[previous] = duty
    held = sets(p.held_kit_ptr, p.held_kit)
    return Tables(
        travel=_seconds(p),
        drive_cost=_money(p),
        location=p.ticket_location.tolist(),
        service=p.ticket_service_s.tolist(),
        due=p.ticket_due.tolist(),
        miss=p.ticket_miss_cost.tolist(),
        late_per_s=(p.ticket_late_cost_per_hour / 3600).tolist(),
        skip=p.ticket_skip_cost.tolist(),
        load=p.ticket_load.tolist(),
        crew=p.ticket_crew.tolist(),
        locked=p.ticket_locked.tolist(),
        windows=rows(p.window_ptr, p.window_start, p.window_end),  # type: ignore[arg-type]
        needs=rows(p.need_ptr, p.need_skill, p.need_level),  # type: ignore[arg-type]
        kits=sets(p.need_kit_ptr, p.need_kit),
        promised=sets(p.promised_ptr, p.promised),
        change=np.where(p.ticket_committed & ~p.ticket_locked, p.change_technician, 0.0).tolist(),
        origin=p.duty_origin.tolist(),
        home=p.duty_home.tolist(),
        station=p.duty_station.tolist(),
        technician=p.duty_technician.tolist(),
        earliest=p.duty_earliest.tolist(),
        end=p.duty_end.tolist(),
        latest=p.duty_latest.tolist(),
        idle_until=p.duty_idle_until.tolist(),
        trip=p.duty_trip.tolist(),
        before=p.duty_before.tolist(),
        after=after,
        capacity=p.duty_capacity.tolist(),
        held=[kits if out else None for kits, out in zip(held, p.duty_out.tolist(), strict=True)],
        breaks=rows(p.break_ptr, p.break_earliest, p.break_latest, p.break_length, p.break_span_end),  # type: ignore[arg-type]
        overtime_per_s=p.overtime_per_hour / 3600,
    )
