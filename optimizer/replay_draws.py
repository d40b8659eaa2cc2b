"""A day as it could really go: every drive and every work of it takes what chance makes of it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_models.case import Case, TravelMatrix
from optimizer.chance_draws import Spread
from optimizer.legs import UNREACHABLE, legs_of
from optimizer.trips import Located


def drawn(case: Case, spread: Spread, seed: int) -> Case:
    """The same case with other travel and service minutes, lognormal around what was planned (median 1), for `replay(..., true=...)`.

    A leg between two places and the work on a ticket take the same whoever goes and whatever is decided: their factors are drawn from
    streams that their names and the seed choose. So policies are compared on the same days. `spread.correlation` between people is
    not used.
    """
    starts = [who for who in case.technicians if who.start is not None]
    things: list[Located] = [*case.stations, *(who.start for who in starts if who.start is not None), *case.tickets]
    names = [f"s{s.id}" for s in case.stations] + [f"p{who.id}" for who in starts] + [f"t{t.id}" for t in case.tickets]
    legs = legs_of(case.travel, case.rates, [(x.lat, x.lon, x.place) for x in things])
    planned = legs.between()[0].astype(float)
    metres = legs.metres()
    # Half of a leg's factor is its origin's and half its destination's: a ticket more changes no other leg.
    own = np.array([_normals(seed, "drive", name)[0] for name in names])
    mixed = (own[:, None] + own[None, :]) / math.sqrt(2)
    seconds = np.where(planned >= UNREACHABLE, math.inf, np.ceil(planned * np.exp(spread.drive * mixed)))
    index = {name: i for i, name in enumerate(names)}
    travel = TravelMatrix("matrix", tuple(map(tuple, seconds.tolist())), tuple(map(tuple, metres.tolist())))
    people = tuple(
        who if who.start is None else replace(who, start=replace(who.start, place=index[f"p{who.id}"])) for who in case.technicians
    )
    tickets = tuple(
        replace(
            t,
            place=index[f"t{t.id}"],
            service_minutes=t.service_minutes * float(np.exp(spread.service * _normals(seed, "work", t.id)[0])),
        )
        for t in case.tickets
    )
    stations = tuple(replace(s, place=index[f"s{s.id}"]) for s in case.stations)
    return replace(case, travel=travel, stations=stations, technicians=people, tickets=tickets)


def _normals(seed: int, *names: str) -> NDArray[np.float64]:
    text = "\0\0".join((str(seed), *names))
    key = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key)).standard_normal(1)
