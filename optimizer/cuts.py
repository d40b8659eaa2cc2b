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
    """Where one person of a crew is later than the crew."""
    late: dict[tuple[int, int], float] = {}
    for index in np.flatnonzero(weights > _USED).tolist():
        column = master.columns[index]
        if len(rows.views.days[column.day].duties) > 1:
            continue
        for trip in column.trips:
            for ticket, start in zip(trip.tickets, trip.starts, strict=True):
                for stretch in rows.of_ticket.get(ticket, ()):
                    share = rows.stretches[stretch].share(start)
                    if share > 0:
                        late[stretch, column.day] = late.get((stretch, column.day), 0.0) + float(weights[index]) * share
    whole: dict[int, float] = {}
    for (stretch, _), amount in late.items():
        whole[stretch] = whole.get(stretch, 0.0) + amount / rows.rhs[rows.stretches[stretch].ticket]
    u = dict(whole)
    for stretch, day in rows.own:
        u[stretch] = max(u.get(stretch, 0.0), late.get((stretch, day), 0.0))
    worst: dict[int, tuple[float, int]] = {}
    for (stretch, day), amount in late.items():
        over = amount - u[stretch]
        if (stretch, day) not in rows.own and over > worst.get(stretch, (_BROKEN, -1))[0]:
            worst[stretch] = over, day
    for stretch, (_, day) in sorted(worst.items()):
        master.add_own(stretch, day)
    return len(worst)
