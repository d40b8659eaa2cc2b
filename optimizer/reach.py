"""How soon idle people could begin at a ticket: the yardstick of every verdict.

"Idle" means that nothing of the plan is on anyone's hands and that every kit that a station owns lies there. Breaks are not
counted, so the answer is a bound: nobody begins sooner, and a remedy is never taken from here without being confirmed.
"On duty all the time" still means people, not machines: a trip lasts no longer than the longest shift of the case.
Times are seconds since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_models.case import Case, Station, Technician, Ticket, current_shift
from optimizer.trips import drive


@dataclass(frozen=True)
class Assume:
    """What is taken as given when asking how soon someone could be there; all False is the case as it stands.

    `any_span`, of use with `always_on_duty` only, lets a trip last longer than any shift, and keeps people whom no road joins.
    """

    always_on_duty: bool = False
    any_span: bool = False
    any_skill: bool = False
    any_kit: bool = False
    any_load: bool = False
    anyone_allowed: bool = False


@dataclass(frozen=True)
class Legs:
    """Drive seconds between each station (by id) and one ticket, there and back; infinite where no road leads."""

    there: Mapping[str, float]
    back: Mapping[str, float]


@dataclass(frozen=True)
class Offer:
    """One way for a technician to come: sets out at `leave`, may begin between `earliest` and `latest`, brings `covers`.

    `covers` holds what of the ticket's demands this person meets, as ("skill", name) and ("kit", name).
    """

    technician: str
    shift: int | None
    leave: float
    earliest: float
    latest: float
    covers: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Reach:
    """The soonest start, and who could make it, one offer a head."""

    start: float
    offers: tuple[Offer, ...]

    @property
    def technicians(self) -> tuple[str, ...]:
        """Ids of the crew."""
        return tuple(offer.technician for offer in self.offers)


def legs_of(case: Case, ticket: Ticket) -> Legs:
    """Drives between all stations and a ticket."""
    return Legs(
        {station.id: drive(case.travel, station, ticket).seconds for station in case.stations},
        {station.id: drive(case.travel, ticket, station).seconds for station in case.stations},
    )


def permitted_starts(case: Case, ticket: Ticket) -> tuple[tuple[float, float], ...]:
    """Spells in which work may begin, by `now`, `opened_at`, `not_before` and the windows; earliest first, empty when all are over."""
    first = max(case.now.timestamp(), ticket.opened_at.timestamp())
    if ticket.not_before is not None:
        first = max(first, ticket.not_before.timestamp())
    if not ticket.windows:
        return ((first, math.inf),)
    spells = sorted((window.start.timestamp(), window.end.timestamp()) for window in ticket.windows)
    return tuple((max(start, first), end) for start, end in spells if end >= first)


def soonest(spells: Iterable[tuple[float, float]], ready: float) -> float | None:
    """The first moment from `ready` on that lies in one of the spells; None when there is none."""
    if math.isinf(ready):
        return None
    return next((max(start, ready) for start, end in spells if end >= ready), None)


def nearest_station(case: Case, legs: Legs) -> Station | None:
    """The station with the shortest drive to the ticket, of those with a way there and back; the first of the case among equals.

    None when there is none.
    """
    joined = (station for station in case.stations if math.isfinite(legs.there[station.id] + legs.back[station.id]))
    return min(joined, key=lambda each: legs.there[each.id], default=None)


def longest_shift_s(case: Case) -> float:
    """The longest shift of anyone, overtime included; a whole day when there are no shifts to compare with."""
    spans = [(s.end - s.start).total_seconds() + 60 * s.overtime_minutes for who in case.technicians for s in who.shifts]
    return max(spans, default=86400.0)


def demands(ticket: Ticket, assume: Assume) -> frozenset[tuple[str, str]]:
    """What the crew of a ticket has to bring, as ("skill", name) and ("kit", name)."""
    skills = () if assume.any_skill else ticket.skills
    kits = () if assume.any_kit else ticket.kits
    return frozenset([("skill", name) for name in skills] + [("kit", name) for name in kits])


def is_allowed(ticket: Ticket, technician: str) -> bool:
    """Whether `only` and `banned` let this person go there."""
    return technician not in ticket.banned and (not ticket.only or technician in ticket.only)


def carries(technician: Technician, ticket: Ticket) -> bool:
    """Whether the ticket's load fits this person's empty vehicle."""
    return technician.capacity is None or ticket.load <= technician.capacity


def crew_of(ticket: Ticket, offers: Iterable[Offer], assume: Assume) -> tuple[Offer, ...] | None:
    """A crew of exactly `ticket.crew` different people that brings everything, from offers that are all good at one moment.

    Fewest people for the demands first (dynamic programming over what is covered), then the first others to make up
    the number. None when there is no such crew.
    """
    needed = demands(ticket, assume)
    best: dict[frozenset[tuple[str, str]], tuple[Offer, ...]] = {frozenset(): ()}
    by_person: dict[str, list[Offer]] = {}
    for offer in offers:
        by_person.setdefault(offer.technician, []).append(offer)
    for mine in by_person.values():
        for covered, crew in list(best.items()):
            for offer in mine:
                union = covered | (offer.covers & needed)
                if len(crew) < ticket.crew and (union not in best or len(best[union]) > len(crew) + 1):
                    best[union] = (*crew, offer)
    chosen = best.get(needed)
    if chosen is None:
        return None
    names = {offer.technician for offer in chosen}
    others = [mine[0] for name, mine in by_person.items() if name not in names]
    missing = ticket.crew - len(chosen)
    return None if len(others) < missing else (*chosen, *others[:missing])


def offers(case: Case, ticket: Ticket, legs: Legs, assume: Assume) -> list[Offer]:
    """Every way in which anyone who is of use could come to the ticket when idle, under the assumptions."""
    found: list[Offer] = []
    longest_s = math.inf if assume.any_span else longest_shift_s(case)
    for technician in case.technicians:
        if not (assume.anyone_allowed or is_allowed(ticket, technician.id)):
            continue
        if ticket.crew == 1 and not assume.any_skill and not _is_skilled(technician, ticket):
            continue
        if assume.any_load or carries(technician, ticket):
            found.extend(_offers_of(case, technician, ticket, legs, longest_s if assume.always_on_duty else None))
    return found


def earliest_start(case: Case, ticket: Ticket, legs: Legs, assume: Assume = Assume()) -> Reach | None:
    """The soonest start that an idle crew of the case could make, under the assumptions.

    Parameters
    ----------
    case, ticket, legs
        The ticket, and `legs_of` it.
    assume
        What to take as given.

    Returns
    -------
    Reach or None
        None when no crew could ever begin.
    """
    everyone = offers(case, ticket, legs, assume)
    needed = demands(ticket, assume)
    if ticket.crew == 1:
        everyone = [offer for offer in everyone if needed <= offer.covers]
    elif crew_of(ticket, everyone, assume) is None:
        return None
    spells = permitted_starts(case, ticket)
    moments = sorted({start for offer in everyone if (start := soonest(spells, offer.earliest)) is not None} | {a for a, _ in spells})
    for moment in moments:
        here = sorted((offer for offer in everyone if offer.earliest <= moment <= offer.latest), key=lambda offer: offer.earliest)
        crew = crew_of(ticket, here, assume) if here else None
        if crew is not None:
            return Reach(moment, crew)
    return None


def _is_skilled(technician: Technician, ticket: Ticket) -> bool:
    return all(technician.skills.get(name, 0) >= level for name, level in ticket.skills.items())


def _offers_of(case: Case, technician: Technician, ticket: Ticket, legs: Legs, longest_s: float | None) -> list[Offer]:
    """Offers in the technician's shifts or, given the longest trip, the one of someone who is on duty all the time."""
    able = [("skill", name) for name, level in ticket.skills.items() if technician.skills.get(name, 0) >= level]
    owned = case.station_by_id[technician.station].kits
    equipped = [("kit", kit) for kit in ticket.kits if owned.get(kit, 0) > 0]
    there, back = legs.there[technician.station], legs.back[technician.station]
    work_s = 60 * ticket.service_minutes
    now = case.now.timestamp()
    if longest_s is not None:
        fits = there + work_s + back <= longest_s
        return [Offer(technician.id, None, now, now + there, math.inf, frozenset(able + equipped))] if fits else []
    found: list[Offer] = []
    current = current_shift(technician, case.now)
    for index, shift in enumerate(technician.shifts):
        home_by = shift.end.timestamp() + 60 * shift.overtime_minutes
        leave, latest = max(now, shift.start.timestamp()), home_by - back - work_s
        out = technician.start
        if out is not None and index == current:
            leave = max(leave, out.at.timestamp())
            carried = [("kit", kit) for kit in ticket.kits if kit in out.kits]
            arrive = leave + drive(case.travel, out, ticket).seconds
            found.append(Offer(technician.id, index, leave, arrive, latest, frozenset(able + carried)))
            # Back home first, to fetch what is not in the van.
            leave += drive(case.travel, out, case.station_by_id[technician.station]).seconds
        found.append(Offer(technician.id, index, leave, leave + there, latest, frozenset(able + equipped)))
    return [offer for offer in found if offer.earliest <= offer.latest and math.isfinite(offer.earliest)]
