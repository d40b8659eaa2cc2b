"""Why a ticket is not served in time: the binding reasons, and what is to blame.

Nothing is solved here. The questions are put to `reach` (how soon could idle people begin, if ...?) and to the plan
(who is busy, where are the kits?); what room the plan still has is found by `remedies` and handed in.
Times are seconds since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from data_models.case import Case, Technician, Ticket
from optimizer.day import Day, is_locked
from optimizer.explanation import Reason, Remedy, Value, Verdict
from optimizer.reach import (
    Assume,
    Offer,
    crew_of,
    demands,
    is_allowed,
    longest_shift_s,
    nearest_station,
    offers,
    soonest,
)
from optimizer.trips import drive
from optimizer.verdict import ALWAYS, Diagnosis, Fit, Inquiry, exists_crew, unfit_of, unhindered_start
from optimizer.wording import sentence

MOST_PEOPLE = 3
"""How many busy people a reason names one by one; the others are counted."""


def reasons_of(inquiry: Inquiry, day: Day, found: Diagnosis, in_time: Fit | None, free: Fit | None) -> tuple[Reason, ...]:
    """The binding reasons, the hardest first: promise and access, distance, people, kits, hours, the plan, money."""
    reasons = [*_promise(inquiry), *_distance(inquiry, found)]
    if inquiry.case.technicians:
        reasons += [*_people(inquiry), *_equipment(inquiry), *_expired(inquiry, found)]
    if inquiry.permitted and found.nearest is not None:
        if found.nearest <= inquiry.due:
            reasons += list(_stationed(inquiry, found))
        if found.nearest <= inquiry.due or (inquiry.status == "unplanned" and found.on_duty is None):
            reasons += list(_hours(inquiry, found))
    if found.on_duty is not None and in_time is None:
        limit = inquiry.due if found.on_duty.start <= inquiry.due else math.inf
        if limit == inquiry.due or (inquiry.status == "unplanned" and free is None):
            reasons += list(_plan(inquiry, day, limit))
    reasons += list(_money(inquiry, in_time, free))
    return tuple(reasons)


def kits_short(inquiry: Inquiry, verdict: Verdict, remedies: Iterable[Remedy]) -> tuple[Reason, ...]:
    """Kits that a confirmed remedy showed to be the bottleneck of a plan whose people could otherwise come in time."""
    changes = [remedy.change for remedy in remedies if remedy.change.kind == "kit" and verdict.blame == "capacity"]
    return tuple(_reason(inquiry, "kit_short", kit=each.kit or "", station=each.station or "") for each in changes)


def _promise(inquiry: Inquiry) -> Iterator[Reason]:
    case, ticket = inquiry.case, inquiry.ticket
    if ticket.due < case.now:
        yield _reason(inquiry, "promise_passed", due_at=_iso(inquiry, inquiry.due), now_at=case.now.isoformat())
    elif ticket.due < ticket.opened_at:
        opened = _iso(inquiry, ticket.opened_at.timestamp())
        yield _reason(inquiry, "opened_after_due", opened_at=opened, due_at=_iso(inquiry, inquiry.due))
    if not inquiry.permitted:
        last = max(window.end.timestamp() for window in ticket.windows)
        if last < case.now.timestamp():
            yield _reason(inquiry, "windows_over", end_at=_iso(inquiry, last), now_at=case.now.isoformat())
        else:
            yield _reason(inquiry, "access_never")
    elif inquiry.permitted[0][0] > max(inquiry.due, ticket.opened_at.timestamp(), case.now.timestamp()):
        yield _reason(inquiry, "access_after_due", first_at=_iso(inquiry, inquiry.permitted[0][0]), due_at=_iso(inquiry, inquiry.due))


def _distance(inquiry: Inquiry, found: Diagnosis) -> Iterator[Reason]:
    case, legs = inquiry.case, inquiry.legs
    if not case.stations:
        yield _reason(inquiry, "no_stations")
    if not case.technicians:
        yield _reason(inquiry, "no_technicians")
    station = nearest_station(case, legs)
    if station is None:
        if case.stations:
            yield _reason(inquiry, "no_road")
        return
    minutes, arrive = legs.there[station.id] / 60, unhindered_start(inquiry)
    first = inquiry.permitted[0][0] if inquiry.permitted else math.inf
    if arrive is not None and first <= inquiry.due:
        times = {"arrive_at": _iso(inquiry, arrive), "due_at": _iso(inquiry, inquiry.due)}
        if arrive > inquiry.due:
            yield _reason(inquiry, "too_far", station=station.id, drive_minutes=minutes, **times)
        elif found.nearest is None or found.nearest > inquiry.due:
            yield _reason(inquiry, "access_too_soon", station=station.id, **times)
    needed, longest = minutes + inquiry.ticket.service_minutes + legs.back[station.id] / 60, longest_shift_s(case) / 60
    if inquiry.status == "unplanned" and needed > longest:
        yield _reason(inquiry, "beyond_any_shift", station=station.id, needed_minutes=needed, longest_minutes=longest)


def _people(inquiry: Inquiry) -> Iterator[Reason]:
    """Rules and skills that leave no crew in the whole company, whoever is on duty."""
    case, ticket = inquiry.case, inquiry.ticket
    allowed = [who for who in case.technicians if is_allowed(ticket, who.id)]
    if not allowed:
        yield _reason(inquiry, "nobody_allowed" if ticket.only else "everybody_banned", only=ticket.only, banned=ticket.banned)
    elif len(allowed) < ticket.crew:
        yield _reason(inquiry, "crew_too_few", crew_count=ticket.crew, technicians=_ids(allowed))
    lacking = False
    for skill, level in ticket.skills.items():
        best = max(who.skills.get(skill, 0) for who in case.technicians)
        lacking = lacking or best < level
        if best == 0 and level > 0:
            yield _reason(inquiry, "skill_missing", skill=skill)
        elif best < level:
            holders = _ids(who for who in case.technicians if who.skills.get(skill, 0) == best)
            yield _reason(inquiry, "skill_level_missing", skill=skill, least_level=level, best_level=best, technicians=holders)
    if lacking or len(allowed) < ticket.crew or exists_crew(inquiry, Assume(any_kit=True, any_load=True)):
        return
    if exists_crew(inquiry, Assume(any_kit=True, any_load=True, anyone_allowed=True)):
        if ticket.only:
            yield _reason(inquiry, "only_unfit", only=ticket.only)
        else:
            yield _reason(inquiry, "banned_fit", banned=ticket.banned)
    elif ticket.crew == 1:
        yield _reason(inquiry, "skills_apart", skills=_skills(ticket))
    else:
        yield _reason(inquiry, "skills_apart_crew", crew_count=ticket.crew, skills=_skills(ticket))


def _equipment(inquiry: Inquiry) -> Iterator[Reason]:
    """Kits and load that leave no crew among the people who could do the work."""
    case, ticket = inquiry.case, inquiry.ticket
    unowned = [kit for kit in ticket.kits if not _owners(case, kit)]
    for kit in unowned:
        yield _reason(inquiry, "kit_unowned", kit=kit)
    if not exists_crew(inquiry, Assume(any_kit=True, any_load=True)):
        return
    if not unowned and not exists_crew(inquiry, Assume(any_load=True)):
        yield from _kits_elsewhere(inquiry, _fitting_stations(inquiry, math.inf))
    if not exists_crew(inquiry, Assume(any_kit=True)):
        vehicles = [who.capacity for who in case.technicians if who.capacity is not None and _skilled(inquiry, who)]
        yield _reason(inquiry, "load_too_heavy", load=ticket.load, largest=max(vehicles, default=0.0))


def _expired(inquiry: Inquiry, found: Diagnosis) -> Iterator[Reason]:
    """Certificates without whose expiry their holder, idle, could have been of use in time (or at all, when nobody is)."""
    case, ticket = inquiry.case, inquiry.ticket
    limit = inquiry.due if found.own_people is not None and found.own_people.start <= inquiry.due else math.inf
    for lost in inquiry.context.expired:
        who = case.technician_by_id.get(lost.technician)
        level = ticket.skills.get(lost.skill, math.inf)
        if who is None or not who.skills.get(lost.skill, 0) < level <= lost.level:
            continue
        again = replace(case, technicians=(replace(who, skills={**who.skills, lost.skill: lost.level}),))
        for offer in offers(again, ticket, inquiry.legs, Assume()):
            start = soonest(inquiry.permitted, offer.earliest)
            able = {name for kind, name in offer.covers if kind == "skill"}
            if start is not None and start <= min(limit, offer.latest) and (ticket.crew > 1 or able >= ticket.skills.keys()):
                expired_on = lost.expired_on.isoformat()
                names = {"technician": lost.technician, "skill": lost.skill, "expired_on": expired_on}
                yield _reason(inquiry, "certificate_expired", **names, had_level=lost.level)
                break


def _stationed(inquiry: Inquiry, found: Diagnosis) -> Iterator[Reason]:
    """A crew exists, but its people live too far away: for the promise, or for any shift."""
    own = found.own_people
    if own is not None and own.start <= inquiry.due:
        return
    anywhere = replace(ALWAYS, any_span=True)
    someone = sorted(offers(inquiry.case, inquiry.ticket, inquiry.legs, anywhere), key=lambda offer: offer.earliest)
    crew = own.offers if own is not None else _first_crew(inquiry, someone, anywhere)
    if not crew:
        return
    homes = tuple(dict.fromkeys(inquiry.case.technician_by_id[offer.technician].station for offer in crew))
    values: dict[str, Value] = {"technicians": tuple(offer.technician for offer in crew), "stations": homes}
    arrive = max(offer.earliest for offer in crew)
    longest = longest_shift_s(inquiry.case) / 60
    needed = max(inquiry.legs.there[home] + inquiry.legs.back[home] for home in homes) / 60 + inquiry.ticket.service_minutes
    if own is not None:
        yield _reason(inquiry, "too_far_own", **values, arrive_at=_iso(inquiry, own.start), due_at=_iso(inquiry, inquiry.due))
    elif math.isinf(needed):
        yield _reason(inquiry, "no_road_own", **values)
    elif soonest(inquiry.permitted, arrive) is None:
        ends = _iso(inquiry, max(end for _, end in inquiry.permitted))
        yield _reason(inquiry, "too_far_own_window", **values, arrive_at=_iso(inquiry, arrive), end_at=ends)
    else:
        yield _reason(inquiry, "too_far_own_shift", **values, needed_minutes=needed, longest_minutes=longest)
    if unfit_of(inquiry) == "kits":
        yield from _kits_elsewhere(inquiry, _fitting_stations(inquiry, inquiry.due))


def _first_crew(inquiry: Inquiry, soonest_first: list[Offer], assume: Assume) -> tuple[Offer, ...]:
    """The crew among the fewest of the first offers; empty when there is none. Bisection: more offers never hurt."""
    if crew_of(inquiry.ticket, soonest_first, assume) is None:
        return ()
    low, high = 0, len(soonest_first)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if crew_of(inquiry.ticket, soonest_first[:middle], assume) is None else (low, middle)
    return crew_of(inquiry.ticket, soonest_first[:high], assume) or ()


def _hours(inquiry: Inquiry, found: Diagnosis) -> Iterator[Reason]:
    """A crew lives near enough, but is not on duty then, or not long enough."""
    own, on_duty, case, ticket = found.own_people, found.on_duty, inquiry.case, inquiry.ticket
    limit = inquiry.due if inquiry.status == "late" or (own and own.start <= inquiry.due) else math.inf
    if own is None or own.start > limit or (on_duty is not None and on_duty.start <= limit):
        return
    if on_duty is None:
        yield _reason(inquiry, "off_duty_all")
    else:
        yield _reason(inquiry, "off_duty", technicians=on_duty.technicians, arrive_at=_iso(inquiry, on_duty.start))
    needed = demands(ticket, Assume())
    told: set[str] = set()
    longer = tuple(replace(who, shifts=tuple(replace(s, overtime_minutes=1440.0) for s in who.shifts)) for who in case.technicians)
    for offer in sorted(offers(replace(case, technicians=longer), ticket, inquiry.legs, Assume()), key=lambda each: each.earliest):
        start = soonest(inquiry.permitted, offer.earliest)
        if start is None or offer.shift is None or start > limit or (ticket.crew == 1 and not needed <= offer.covers):
            continue
        who = case.technician_by_id[offer.technician]
        shift = who.shifts[offer.shift]
        ends = shift.end.timestamp() + 60 * shift.overtime_minutes
        back = start + 60 * ticket.service_minutes + inquiry.legs.back[who.station]
        if back > ends and shift.end > case.now and who.id not in told and len(told) < MOST_PEOPLE:
            told.add(who.id)
            yield _reason(inquiry, "shift_too_short", technician=who.id, end_at=_iso(inquiry, ends), back_at=_iso(inquiry, back))


def _plan(inquiry: Inquiry, day: Day, limit: float) -> Iterator[Reason]:
    """People who idle could begin by `limit`: what the plan has them, or the kits, doing."""
    case, ticket = inquiry.case, inquiry.ticket
    needed = demands(ticket, Assume())
    mine: dict[str, tuple[float, Offer]] = {}
    for offer in offers(case, ticket, inquiry.legs, Assume()):
        start = soonest(inquiry.permitted, offer.earliest)
        useful = needed <= offer.covers if ticket.crew == 1 else offer.covers or not needed or ticket.crew > len(needed)
        if start is not None and start <= min(limit, offer.latest) and useful:
            mine[offer.technician] = min(mine.get(offer.technician, (math.inf, offer)), (start, offer), key=lambda pair: pair[0])
    nearest_first = sorted(mine.values(), key=lambda pair: (pair[0], pair[1].technician))
    for start, offer in nearest_first[:MOST_PEOPLE]:
        yield from _occupied(inquiry, day, start, offer, limit)
    if len(nearest_first) > MOST_PEOPLE:
        yield _reason(inquiry, "busy_more", others_count=len(nearest_first) - MOST_PEOPLE)
    if ticket.crew > 1:
        yield _reason(inquiry, "crew_apart", crew_count=ticket.crew)


def _occupied(inquiry: Inquiry, day: Day, start: float, offer: Offer, limit: float) -> Iterator[Reason]:
    case, ticket, who = inquiry.case, inquiry.ticket, inquiry.case.technician_by_id[offer.technician]
    until = min(max(limit, start), offer.latest) + 60 * ticket.service_minutes
    set_out = start - (offer.earliest - offer.leave)  # later than `leave` when a window makes them wait
    taken = [w for w in day.work.get(who.id, ()) if w.ticket != ticket.id and w.leave < until and w.finish > set_out]
    locked = tuple(w.ticket for w in taken if is_locked(case, w.ticket))
    if locked:
        yield _reason(inquiry, "locked_first", technician=who.id, tickets=locked)
    elif taken:
        last = max(taken, key=lambda each: each.finish)
        names = tuple(dict.fromkeys(w.ticket for w in taken))
        times = {"arrive_at": _iso(inquiry, start), "free_at": _iso(inquiry, last.finish)}
        arrive = last.finish + drive(case.travel, case.ticket_by_id[last.ticket], ticket).seconds
        after = soonest(inquiry.permitted, arrive)
        if math.isfinite(arrive) and (after is None or after > min(limit, offer.latest)):
            yield _reason(inquiry, "busy", technician=who.id, tickets=names, **times, next_at=_iso(inquiry, arrive))
        else:  # they would still come in time from there: what keeps them lies between, or is a kit at home
            yield _reason(inquiry, "busy_then", technician=who.id, tickets=names, **times, leave_at=_iso(inquiry, set_out))
    else:
        kits_out = list(_kits_out(inquiry, day, who, offer, limit))
        yield from kits_out or [_reason(inquiry, "no_room", technician=who.id)]


def _kits_out(inquiry: Inquiry, day: Day, who: Technician, offer: Offer, limit: float) -> Iterator[Reason]:
    """Kits of the ticket of which the station has none left, whenever this person would set out in time."""
    there, back = inquiry.legs.there[who.station], inquiry.legs.back[who.station]
    away_s = there + 60 * inquiry.ticket.service_minutes + back
    for kit in inquiry.ticket.kits:
        owned = inquiry.case.station_by_id[who.station].kits.get(kit, 0)
        lent = [spell for spell in day.lent.get((who.station, kit), ()) if spell[2] != who.id]
        moments = [offer.leave, *(end for _, end, _ in lent if end > offer.leave)]
        if not any(moment + there <= limit and _most_out(lent, moment, moment + away_s) < owned for moment in moments):
            holders = [spell for spell in lent if spell[1] > offer.leave]
            if holders:
                names = tuple(dict.fromkeys(name for _, _, name in holders))
                back_at = _iso(inquiry, min(end for _, end, _ in holders))
                yield _reason(inquiry, "kit_out", technician=who.id, kit=kit, station=who.station, technicians=names, back_at=back_at)


def _money(inquiry: Inquiry, in_time: Fit | None, free: Fit | None) -> Iterator[Reason]:
    """What the room that the plan has would cost."""
    fit = in_time or (free if inquiry.status == "unplanned" else None)
    if fit is None:
        return
    start_at, price = _iso(inquiry, fit.start), round(abs(fit.cost_change), 2)
    late = max(0.0, fit.start - inquiry.due) / 60
    if fit.cost_change < 0:
        code = "plan_can_improve" if in_time is not None else "late_can_improve"
        yield _reason(inquiry, code, technicians=fit.technicians, start_at=start_at, late_minutes=late, less_cost=price)
    else:
        code = "costs_more" if in_time is not None else "only_late"
        yield _reason(inquiry, code, technicians=fit.technicians, start_at=start_at, late_minutes=late, more_cost=price)


def _kits_elsewhere(inquiry: Inquiry, homes: tuple[str, ...]) -> Iterator[Reason]:
    case, kits = inquiry.case, inquiry.ticket.kits
    absent = [kit for kit in kits if not any(case.station_by_id[home].kits.get(kit, 0) > 0 for home in homes)]
    for kit in absent:
        yield _reason(inquiry, "kit_elsewhere", kit=kit, stations=_owners(case, kit), homes=homes)
    if not absent and homes:
        yield _reason(inquiry, "kits_apart", kits=kits)


def _fitting_stations(inquiry: Inquiry, limit: float) -> tuple[str, ...]:
    """Homes of the people who could do the work (or a part of it, in a crew) and could begin by `limit`, were kits no matter."""
    assume = replace(ALWAYS, any_kit=True, any_span=math.isinf(limit))
    needed = demands(inquiry.ticket, assume)
    homes: dict[str, None] = {}
    for offer in offers(inquiry.case, inquiry.ticket, inquiry.legs, assume):
        start = soonest(inquiry.permitted, offer.earliest)
        if (math.isinf(limit) or (start is not None and start <= limit)) and (inquiry.ticket.crew > 1 or needed <= offer.covers):
            homes[inquiry.case.technician_by_id[offer.technician].station] = None
    return tuple(homes)


def _skilled(inquiry: Inquiry, who: Technician) -> bool:
    return inquiry.ticket.crew > 1 or all(who.skills.get(skill, 0) >= level for skill, level in inquiry.ticket.skills.items())


def _owners(case: Case, kit: str) -> tuple[str, ...]:
    """Stations that own the kit; the home of someone out who carries one counts."""
    owners = {station.id: None for station in case.stations if station.kits.get(kit, 0) > 0}
    owners.update({who.station: None for who in case.technicians if who.start is not None and kit in who.start.kits})
    return tuple(owners)


def _most_out(lent: list[tuple[float, float, str]], begin: float, end: float) -> int:
    """The most kits out at one moment of a spell; a kit given back at the moment that another leaves serves both."""
    moments = [begin, *(start for start, _, _ in lent if begin < start < end)]
    return max(sum(start <= moment < stop for start, stop, _ in lent) for moment in moments)


def _reason(inquiry: Inquiry, code: str, **values: Value) -> Reason:
    return Reason(code, values, sentence(code, values, inquiry.context.names, inquiry.case.now))


def _iso(inquiry: Inquiry, seconds: float) -> str:
    return datetime.fromtimestamp(seconds, inquiry.case.now.tzinfo).isoformat()


def _skills(ticket: Ticket) -> tuple[str, ...]:
    return tuple(f"{skill} {level}" for skill, level in ticket.skills.items())


def _ids(people: Iterable[Technician]) -> tuple[str, ...]:
    return tuple(who.id for who in people)
