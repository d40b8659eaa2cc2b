"""Each pair of places asked once: travel times kept in the store by place pair and provider.

The table `travel_time` has a row per provider and origin; the row packs the legs to all destinations seen so far. Places are
told apart to a millionth of a degree (0.1 m), which is what OSRM itself keeps.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data_models.datum import Point
from data_models.tables import TravelTime
from data_models.travel.provider import TravelProvider, TravelTimes

_LEGS = np.dtype([("to", "<i8"), ("seconds", "<f8"), ("metres", "<f8"), ("fetched", "<i8")])
"""A packed leg: the destination's code, the travel (infinite: unreachable) and when it was fetched, in seconds since 1970."""

_NO_LEGS = np.empty(0, dtype=_LEGS)

_ORIGINS_A_STATEMENT = 500

Legs = NDArray[np.void]


@dataclass(frozen=True)
class CachedTravel:
    """Answers from the store what it knows, and asks `provider` for the rest only.

    Parameters
    ----------
    provider
        Whose answers are kept, under its `key`.
    begin
        Opens a transaction, such as `sessionmaker.begin`. None is open while the provider is asked: that may take minutes.
    clock
        The present time, aware.
    max_age
        Legs fetched longer ago than this are asked for again; None keeps them for ever.
    """

    provider: TravelProvider
    begin: Callable[[], AbstractContextManager[Session]]
    clock: Callable[[], datetime]
    max_age: timedelta | None = None

    @property
    def key(self) -> str:
        """The provider's key."""
        return self.provider.key

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        """As `TravelProvider.table`. Raises `Unavailable` only when something has to be asked for and cannot be."""
        oldest = self.clock() - self.max_age if self.max_age is not None else None
        with self.begin() as session:
            known = read_legs(session, self.key, origins, destinations, oldest)
        notes: tuple[str, ...] = ()
        for rows, columns in _rectangles(np.isnan(known.seconds)):
            some_origins, some_destinations = [origins[row] for row in rows], [destinations[column] for column in columns]
            fetched = self.provider.table(some_origins, some_destinations)
            with self.begin() as session:
                write_legs(session, self.key, some_origins, some_destinations, fetched, self.clock())
            known.seconds[np.ix_(rows, columns)] = fetched.seconds
            known.metres[np.ix_(rows, columns)] = fetched.metres
            notes += tuple(note for note in fetched.notes if note not in notes)
        return TravelTimes(known.seconds, known.metres, self.key, notes)


def read_legs(session: Session, key: str, origins: Sequence[Point], destinations: Sequence[Point], oldest: datetime | None) -> TravelTimes:
    """What the store knows of a provider's travel, not a number where it knows nothing or nothing since `oldest`."""
    seconds = np.full((len(origins), len(destinations)), np.nan)
    metres = np.full_like(seconds, np.nan)
    wanted = _codes(destinations)
    after = int(oldest.timestamp()) if oldest is not None else 0
    stored = dict(_stored(session, key, origins))
    for row, code in enumerate(_codes(origins).tolist()):
        legs = stored.get(code, _NO_LEGS)
        legs = legs[legs["fetched"] >= after]
        if not len(legs):
            continue
        at = np.minimum(np.searchsorted(legs["to"], wanted), len(legs) - 1)
        found = legs["to"][at] == wanted
        seconds[row, found] = legs["seconds"][at[found]]
        metres[row, found] = legs["metres"][at[found]]
    return TravelTimes(seconds, metres, key)


def write_legs(
    session: Session, key: str, origins: Sequence[Point], destinations: Sequence[Point], times: TravelTimes, fetched_at: datetime
) -> None:
    """Keep a provider's travel from each origin to each destination, beside what is kept already and in place of older legs.

    Of two writers at the same moment one may overwrite what the other added; it is then asked for again.
    """
    stored = dict(_stored(session, key, origins))
    rows: dict[int, dict[str, object]] = {}
    for index, code in enumerate(_codes(origins).tolist()):
        fresh = np.empty(len(destinations), dtype=_LEGS)
        fresh["to"] = _codes(destinations)
        fresh["seconds"], fresh["metres"] = times.seconds[index], times.metres[index]
        fresh["fetched"] = int(fetched_at.timestamp())
        both = np.concatenate([fresh, stored.get(code, _NO_LEGS)])
        # `unique` keeps the first of each destination, which is the fresh one, and sorts by destination, which reading relies on.
        kept = both[np.unique(both["to"], return_index=True)[1]]
        lat_e6, lon_e6 = _e6(origins[index])
        rows[code] = {"provider": key, "from_lat_e6": lat_e6, "from_lon_e6": lon_e6, "legs": zlib.compress(kept.tobytes(), level=1)}
    # In the order of the key: two writers that overlap then wait for one another instead of blocking each other.
    _upsert(session, [rows[code] for code in sorted(rows)])


def _upsert(session: Session, rows: list[dict[str, object]]) -> None:
    key = [column.name for column in TravelTime.__table__.primary_key]
    if session.get_bind().dialect.name == "postgresql":
        into = postgresql.insert(TravelTime)
        session.execute(into.on_conflict_do_update(index_elements=key, set_={"legs": into.excluded.legs}), rows)
    else:
        onto = sqlite.insert(TravelTime)
        session.execute(onto.on_conflict_do_update(index_elements=key, set_={"legs": onto.excluded.legs}), rows)


def _stored(session: Session, key: str, origins: Sequence[Point]) -> Iterator[tuple[int, Legs]]:
    """The origins that the store has a row for: code and legs, sorted by destination."""
    wanted = sorted({_e6(origin) for origin in origins})
    here = tuple_(TravelTime.from_lat_e6, TravelTime.from_lon_e6)
    for first in range(0, len(wanted), _ORIGINS_A_STATEMENT):
        some = wanted[first : first + _ORIGINS_A_STATEMENT]
        query = select(TravelTime.from_lat_e6, TravelTime.from_lon_e6, TravelTime.legs)
        for lat_e6, lon_e6, packed in session.execute(query.where(TravelTime.provider == key, here.in_(some))):
            yield _code(lat_e6, lon_e6), np.frombuffer(zlib.decompress(packed), dtype=_LEGS)


def _rectangles(missing: NDArray[np.bool_]) -> Iterator[tuple[list[int], list[int]]]:
    """Rows and columns of at most two tables that together hold every missing pair and few known ones.

    New places among known ones leave whole rows missing, and in the other rows the same few columns.
    """
    new = missing.all(axis=1)
    if new.any():
        yield np.flatnonzero(new).tolist(), list(range(missing.shape[1]))
    partly = missing.any(axis=1) & ~new
    if partly.any():
        yield np.flatnonzero(partly).tolist(), np.flatnonzero(missing[partly].any(axis=0)).tolist()


def _e6(place: Point) -> tuple[int, int]:
    return round(place.lat * 1e6), round(place.lon * 1e6)


def _code(lat_e6: int, lon_e6: int) -> int:
    """One integer for a place; longitudes fit in 29 bits, so no two places share one."""
    return lat_e6 * 2**32 + lon_e6


def _codes(places: Sequence[Point]) -> NDArray[np.int64]:
    return np.array([_code(*_e6(place)) for place in places], dtype=np.int64)
