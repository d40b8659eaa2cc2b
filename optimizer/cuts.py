"""Rows that the master's solution breaks: kits that are out too often at once, and people of a crew who are later than the crew."""

from __future__ import annotations

import numpy as np

from optimizer.master import Master, Rows, kits_left
from optimizer.problem import Floats

_BROKEN = 1e-3  # by so much a row must be broken
_USED = 1e-6  # the value from which on a column is used


def cut_kits(rows: Rows, master: Master, weights: Floats) -> int:
    """At each station and for each kit: the moment at which most too many are out."""
    spells: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for index in np.flatnonzero(weights > _USED).tolist():
        column = master.columns[index]
        station = rows.views.days[column.day].station
        for trip in column.trips:
            for kit in () if trip.held else trip.kits:
                spells.setdefault((station, kit), []).append((trip.depart, trip.returns, float(weights[index])))
    added = 0
    for (station, kit), out in sorted(spells.items()):
        worst, at = _BROKEN, -1
        # Just before somebody returns: whoever waits for that is truly next, where an earlier moment would only be dodged by a second.
        for moment in sorted({returns - 1 for _, returns, _ in out}):
            if (station, kit, moment) in rows.moments:
                continue
            over = sum(w for depart, returns, w in out if depart <= moment < returns) - kits_left(
                rows.problem, rows.views, station, kit, moment
            )
            if over > worst:
                worst, at = over, moment
        if at >= 0:
            master.add_moment(station, kit, at)
            added += 1
    return added


def cut_crews(rows: Rows, master: Master, weights: Floats) -> int:
    """For each slot of a crew: the person who is there most more often than the crew starts in it; how many rows were added."""
    there: dict[tuple[int, int], float] = {}
    for index in np.flatnonzero(weights > _USED).tolist():
        column = master.columns[index]
        if len(rows.views.days[column.day].duties) > 1:
            continue
        for trip in column.trips:
            for ticket, start in zip(trip.tickets, trip.starts, strict=True):
                slot = rows.slot_at(ticket, start)
                if slot >= 0:
                    there[slot, column.day] = there.get((slot, column.day), 0.0) + float(weights[index])
    worst: dict[int, tuple[float, int]] = {}
    for (slot, day), amount in there.items():
        over = amount - master.slot_values[slot]
        if (slot, day) not in rows.own and over > worst.get(slot, (_BROKEN, -1))[0]:
            worst[slot] = over, day
    for slot, (_, day) in sorted(worst.items()):
        master.add_own(slot, day)
    return len(worst)
