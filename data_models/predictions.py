"""When work is expected to begin and end, from the published plan and from where people are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from data_models.clocks import Prediction
from data_models.domain import PositionFacts, PromisedVisit

_NO_TIME = timedelta()
Visit = tuple[str, str]
"""Technician and ticket."""


def predictions(
    visits: Iterable[PromisedVisit],
    positions: Mapping[str, PositionFacts],
    absent: Mapping[str, datetime | None],
    there: Collection[Visit],
    over: Collection[Visit],
) -> dict[str, Prediction]:
    """What the plan lets expect of each ticket, at the earliest; tickets that nobody comes to any more are left out.

    Parameters
    ----------
    visits
        Of the published plans.
    positions
        Where people become free, and when, as was told last.
    absent
        Who cannot work now, and until when; None while nobody knows.
    there, over
        Visits under way, and those that are done with or whose ticket is closed.

    Notes
    -----
    Whoever is free later than the plan says arrives later by as much, and so at every visit after it, less what they would have waited.
    A crew begins with the last of its people. Nobody is expected earlier than planned. Drives take as long as planned, also from elsewhere.
    """
    crews: dict[str, list[PromisedVisit]] = {}
    for visit in visits:
        if (visit.technician, visit.ticket) not in over:
            crews.setdefault(visit.ticket, []).append(visit)
    found: dict[str, Prediction] = {}
    free: dict[str, datetime] = {}
    # Someone's visits come in the order of their starts, and a crew starts together: one pass sees each visit after those before it.
    for ticket, crew in sorted(crews.items(), key=lambda item: (min(visit.starts_at for visit in item[1]), item[0])):
        if any(absent.get(visit.technician, visit.starts_at) is None for visit in crew):
            continue
        coming = [visit for visit in crew if (visit.technician, ticket) not in there]
        arrivals = [_arrival(visit, free.get(visit.technician), positions.get(visit.technician), absent) for visit in coming]
        start = max([visit.starts_at for visit in crew] + arrivals)
        finish = start + max(visit.finishes_at - visit.starts_at for visit in crew)
        if not coming:
            told = [positions[visit.technician].free_at for visit in crew if visit.technician in positions]
            finish = max(told, default=finish)
        free |= dict.fromkeys((visit.technician for visit in crew), finish)
        found[ticket] = Prediction(start, finish)
    return found


def _arrival(visit: PromisedVisit, free: datetime | None, known: PositionFacts | None, absent: Mapping[str, datetime | None]) -> datetime:
    """When someone arrives: `free` is when the visit before is expected to end, `known` where they are when there is none."""
    late = _NO_TIME
    if free is not None:
        late = free - visit.leaves_at
    elif known is not None:
        # At the place of the visit itself: on the way there, and free means arrived.
        is_bound_there = (known.lat, known.lon) == (visit.lat, visit.lon)
        late = known.free_at - (visit.arrives_at if is_bound_there else visit.leaves_at)
    until = absent.get(visit.technician)
    if until is not None:
        late = max(late, until - visit.leaves_at)
    return visit.arrives_at + max(late, _NO_TIME)
