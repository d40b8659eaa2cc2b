"""Does anything that happened since call for planning again? A scheduled run asks this first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from data_models.case import Case, OutAt, Shift, Technician
from data_models.errors import BadInput
from data_models.plan import Plan
from optimizer.explanation import Said
from optimizer.published import Promise, kept, problem_for, promises, starts_of
from optimizer.wording import sentence

Thing = TypeVar("Thing")

_NO_DAY = datetime.min.replace(tzinfo=UTC)  # no piece of news tells a time of day
_LAST = datetime.max.replace(tzinfo=UTC)
_QUIET = {"place"}  # numbers of a matrix, which say nothing by themselves


@dataclass(frozen=True)
class Matters:
    """Whether planning again is called for, and why: `news` are sentences as data, `reasons` in English; both are empty when not."""

    news: tuple[Said, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The news in English."""
        return tuple(sentence(each.code, each.values, {}, _NO_DAY) for each in self.news)

    def __bool__(self) -> bool:
        return bool(self.news)


def matters(
    before: Case, after: Case, plan: Plan | None = None, *, tolerance_minutes: float = 15.0, seen_until: datetime | None = None
) -> Matters:
    """What happened between two snapshots that the plan could answer to.

    Time going by is nothing: visits begin, drives begin, shifts end, people are where the plan has them.

    Parameters
    ----------
    before, after
        The snapshot that was planned last, and the one of now.
    plan
        The plan that is followed. With it, a visit that began as planned is no news, and a delay matters only when it moves a visit by
        more than the tolerance, makes it late or leaves it out, and did not do so at `before`; without it, whoever becomes free
        elsewhere, or later than before, matters, and so does every ticket that is gone.
    seen_until
        How far ahead `before` looked: shifts that begin later come into view as time goes by, which is nothing. None: all that there is.
    """
    told = promises(plan) if plan is not None else {}
    begun = {ticket for ticket, promise in told.items() if promise.start <= after.now}
    return Matters(
        (
            *_tickets(before, after, begun),
            *_people(before, after, seen_until or _LAST),
            *_things(before, after),
            *_promised(before, after, told),
            *(_new_delays(before, after, plan, tolerance_minutes) if plan is not None else _positions(before, after)),
        )
    )


def _tickets(before: Case, after: Case, begun: set[str]) -> Iterator[Said]:
    known, there = before.ticket_by_id, after.ticket_by_id
    yield from (Said("news_ticket_new", {"ticket": name}) for name in there if name not in known)
    yield from (Said("news_ticket_gone", {"ticket": name}) for name in known if name not in there and name not in begun)
    for name in there:
        if name in known and (facts := _changed(known[name], there[name])):
            yield Said("news_ticket_changed", {"ticket": name, "facts": facts})


def _people(before: Case, after: Case, seen_until: datetime) -> Iterator[Said]:
    known, there = before.technician_by_id, after.technician_by_id
    for name in there:
        if name not in known and (_in_view(there[name], seen_until).shifts or not there[name].shifts):
            yield Said("news_technician_new", {"technician": name})
    gone = (name for name in known if name not in there and _open(known[name], after.now))
    yield from (Said("news_technician_gone", {"technician": name}) for name in gone)
    for name in there:
        if name not in known:
            continue
        was, now = _in_view(known[name], seen_until), _in_view(there[name], seen_until)
        if (left := _open(now, after.now)) != _open(was, after.now):
            yield Said("news_technician_shifts" if left else "news_technician_off", {"technician": name})
        if facts := _changed(replace(was, shifts=(), start=None), replace(now, shifts=(), start=None)):
            yield Said("news_technician_changed", {"technician": name, "facts": facts})


def _in_view(who: Technician, seen_until: datetime) -> Technician:
    return replace(who, shifts=tuple(shift for shift in who.shifts if shift.start < seen_until))


def _things(before: Case, after: Case) -> Iterator[Said]:
    known = {station.id: station for station in before.stations}
    there = {station.id: station for station in after.stations}
    yield from (Said("news_station_new", {"station": name}) for name in there if name not in known)
    yield from (Said("news_station_gone", {"station": name}) for name in known if name not in there)
    for name in there:
        if name in known and (facts := _changed(known[name], there[name])):
            yield Said("news_station_changed", {"station": name, "facts": facts})
    if before.travel.kind != after.travel.kind or (before.travel.kind == "great_circle" and before.travel != after.travel):
        yield Said("news_travel")
    if before.rates != after.rates:
        yield Said("news_rates")


def _promised(before: Case, after: Case, told: Mapping[str, Promise]) -> Iterator[Said]:
    """Promises that somebody else made meanwhile: what the plan promises itself, or has locked as time went by, is no news."""
    known, there = before.commitment_by_ticket, after.commitment_by_ticket
    for name in sorted(known.keys() & there.keys()):
        own = told[name].technicians if name in told else known[name].technicians
        if set(there[name].technicians) not in (set(own), set(known[name].technicians)):
            yield Said("news_promised", {"ticket": name, "technicians": there[name].technicians})


def _positions(before: Case, after: Case) -> Iterator[Said]:
    for name, now in after.technician_by_id.items():
        was = before.technician_by_id.get(name)
        if was is not None and now.start is not None and not _same_place(was.start, now.start, after.now):
            yield Said("news_technician_elsewhere", {"technician": name})


def _same_place(was: OutAt | None, now: OutAt, moment: datetime) -> bool:
    return was is not None and (was.lat, was.lon) == (now.lat, now.lon) and max(was.at, moment) == max(now.at, moment)


def _new_delays(before: Case, after: Case, plan: Plan, tolerance_minutes: float) -> Iterator[Said]:
    """Delays that were not known at the snapshot before: what was planned then has answered those, unless they grew by the tolerance."""
    found = list(_delays(after, plan, tolerance_minutes))
    if not found:
        return
    known = {(each.code, each.values.get("ticket")): each for each in _delays(before, plan, tolerance_minutes)}
    for each in found:
        was = known.get((each.code, each.values.get("ticket")))
        if was is None or _late(each) > _late(was) + tolerance_minutes:
            yield each


def _late(said: Said) -> float:
    minutes = said.values.get("late_minutes", 0.0)
    return minutes if isinstance(minutes, float) else 0.0


def _delays(after: Case, plan: Plan, tolerance_minutes: float) -> Iterator[Said]:
    """What the plan, followed from here on, does otherwise than it says."""
    try:
        problem, told = problem_for(after, plan, trips=2)
    except BadInput as error:
        yield Said("news_plan_broken", {"problem": str(error)})
        return
    now = kept(problem, told.solution)
    if now is None:
        yield Said("news_plan_over")
        return
    starts, tolerance_s = starts_of(now), round(60 * tolerance_minutes)
    for ticket, promised in told.starts.items():
        name, due, start = problem.ticket_ids[ticket], problem.tables.due[ticket], starts.get(ticket)
        if start is None:
            yield Said("news_unserved", {"ticket": name})
        elif start > promised + tolerance_s:
            yield Said("news_delayed", {"ticket": name, "late_minutes": (start - promised) / 60})
        elif promised <= due < start:
            yield Said("news_late", {"ticket": name, "late_minutes": (start - due) / 60})


def _open(who: Technician, now: datetime) -> tuple[Shift, ...]:
    """Shifts that are not over, as they are from `now` on."""
    left = (shift for shift in who.shifts if shift.end + timedelta(minutes=shift.overtime_minutes) > now)
    return tuple(replace(shift, start=max(shift.start, now)) for shift in left)


def _changed(was: Any, now: Any) -> tuple[str, ...]:
    """Which facts of a ticket, technician or station differ, by name; empty when none does."""
    names = [field.name for field in fields(was) if field.name not in _QUIET]
    return tuple(name for name in names if _plain(getattr(was, name)) != _plain(getattr(now, name)))


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
