"""Does a plan keep every rule? An independent judge, which shares nothing with the solvers whose plans it judges.

One function a rule, in the order of the rules in the file formats. Times may be rounded to whole seconds by whoever wrote
the plan, so every rule about time forgives `SLACK_S`; rules about people, kits and loads forgive nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from data_models.case import Case, Ticket, current_shift
from data_models.plan import Plan
from optimizer.explanation import Said, Value
from optimizer.trips import Duty, Trip, Visit, drive, duties, strays
from optimizer.wording import sentence

Rule = Literal[
    "unknown", "forgotten", "crew", "depart", "shift", "break", "travel", "start", "window", "service",
    "skill", "technician", "kit", "capacity", "locked", "foresight",
]  # fmt: skip

SLACK_S = 1.0
"""Seconds that a rule about time forgives: one second over is still kept, two are not."""


@dataclass(frozen=True)
class Violation:
    """A broken rule.

    Attributes
    ----------
    code, values
        What tells a coordinator: a code of `wording.SENTENCES` and what fills its template.
    size
        By how much, in seconds, people, kits or units of load.
    what
        The sentence in English.
    """

    rule: Rule
    code: str
    values: Mapping[str, Value]
    size: float = 1.0
    what: str = ""

    @property
    def ticket(self) -> str | None:
        """Whom it is about; None where it is about none, or several."""
        return _id(self.values.get("ticket"))

    @property
    def technician(self) -> str | None:
        """Likewise."""
        return _id(self.values.get("technician"))

    @property
    def said(self) -> tuple[Said, ...]:
        """The sentence for `wording.told`."""
        return (Said(self.code, self.values),)


def _id(value: Value | None) -> str | None:
    return value if isinstance(value, str) else None


def check(case: Case, plan: Plan, *, replay: bool = False) -> tuple[Violation, ...]:
    """Every rule that a plan breaks; empty for a plan that may be published.

    Parameters
    ----------
    case, plan
        A validated case, and any plan that could be parsed: what it names need not exist.
    replay
        Also forbid setting out towards a ticket before it was opened (rule 7).
    """
    found = _violations(case, plan, replay=replay)
    return tuple(replace(each, what=sentence(each.code, each.values, {}, case.now)) for each in found)


def _violations(case: Case, plan: Plan, *, replay: bool) -> tuple[Violation, ...]:
    """Every broken rule, not in words yet."""
    work, say = duties(case, plan), _Moments(case.now)
    teams = _teams(work)
    return (
        *_unknown(case, plan, work),
        *_forgotten(case, plan, teams),
        *_crews(case, teams, say),
        *(violation for duty in work for violation in _duty_rules(case, duty, say, replay=replay)),
        *_stock(case, work),
        *_locked_teams(case, teams),
    )


def _duty_rules(case: Case, duty: Duty, say: _Moments, *, replay: bool) -> Iterator[Violation]:
    yield from _departures(case, duty, say)
    yield from _shift_end(duty, say)
    yield from _breaks(duty, say)
    yield from _locked_first(case, duty)
    for trip in duty.trips:
        yield from _fetched(duty, trip)
        yield from _capacity(duty, trip)
        yield from _way_home(duty, trip, say)
        for visit in trip.visits:
            yield from _visit_times(duty, visit, say)
            yield from _window(visit, say)
            yield from _allowed(duty, visit)
            if replay:
                yield from _foresight(duty, visit, say)


@dataclass(frozen=True)
class _Moments:
    """Gives moments as values of a violation: ISO 8601 in the case's own offset, "" for one that never comes, since no road leads there."""

    now: datetime

    def __call__(self, moment: float) -> str:
        if not math.isfinite(moment):
            return ""
        return datetime.fromtimestamp(moment, self.now.tzinfo).isoformat()


# Rule 1: every ticket once, with its crew together.


def _unknown(case: Case, plan: Plan, work: Iterable[Duty]) -> Iterator[Violation]:
    for route in strays(case, plan):
        who = case.technician_by_id.get(route.technician)
        values: dict[str, Value] = {"technician": route.technician}
        if who is None:
            yield Violation("unknown", "rule_unknown_technician", values)
        else:
            yield Violation("unknown", "rule_unknown_shift", {**values, "shift": route.shift, "shift_count": len(who.shifts)})
    for duty in work:
        for name in (name for trip in duty.trips for name in trip.unknown):
            yield Violation("unknown", "rule_unknown_visit", {"technician": duty.technician.id, "ticket": name})
    for name in sorted({entry.ticket for entry in plan.unassigned} - case.ticket_by_id.keys()):
        yield Violation("unknown", "rule_unknown_unassigned", {"ticket": name})


def _forgotten(case: Case, plan: Plan, planned: Container[str]) -> Iterator[Violation]:
    unassigned = {entry.ticket for entry in plan.unassigned}
    for name in case.ticket_by_id:
        if name in planned and name in unassigned:
            yield Violation("forgotten", "rule_planned_and_unassigned", {"ticket": name})
        elif name not in planned and name not in unassigned:
            yield Violation("forgotten", "rule_forgotten", {"ticket": name})


@dataclass
class _Team:
    """Who comes to one ticket, when each starts, and the kits that they bring together."""

    ticket: Ticket
    members: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    kits: set[str] = field(default_factory=set)


def _teams(work: Iterable[Duty]) -> dict[str, _Team]:
    teams: dict[str, _Team] = {}
    for duty in work:
        for trip in duty.trips:
            for visit in trip.visits:
                team = teams.setdefault(visit.ticket.id, _Team(visit.ticket))
                team.members.append(duty.technician.id)
                team.starts.append(visit.start)
                team.kits |= trip.kits
    return teams


def _crews(case: Case, teams: Mapping[str, _Team], say: _Moments) -> Iterator[Violation]:
    for team in teams.values():
        yield from _crew_size(team)
        yield from _crew_together(team, say)
        yield from _skills(case, team)
        yield from _kits_at_hand(team)


def _crew_size(team: _Team) -> Iterator[Violation]:
    people, needed = len(set(team.members)), team.ticket.crew
    if people != len(team.members) or people != needed:
        values: dict[str, Value] = {"ticket": team.ticket.id, "crew_count": needed, "technicians": tuple(team.members)}
        # A person who comes twice breaks the rule even where the head count is right: that counts as one.
        yield Violation("crew", "rule_crew_size", values, abs(people - needed) or 1)


def _crew_together(team: _Team, say: _Moments) -> Iterator[Violation]:
    first, last = min(team.starts), max(team.starts)
    if last - first > SLACK_S:
        yield Violation("crew", "rule_crew_apart", {"ticket": team.ticket.id, "first_time": say(first), "last_time": say(last)})


# Rule 2: a shift begins, pauses and ends in time.


def _departures(case: Case, duty: Duty, say: _Moments) -> Iterator[Violation]:
    free = max(case.now.timestamp(), duty.shift.start.timestamp())
    for trip in duty.trips:
        if trip.out is not None:
            free = max(free, trip.out.at.timestamp())
        if free - trip.depart > SLACK_S:
            values = {"technician": duty.technician.id, "depart_time": say(trip.depart), "free_time": say(free)}
            yield Violation("depart", "rule_depart", values, free - trip.depart)
        free = trip.returns


def _shift_end(duty: Duty, say: _Moments) -> Iterator[Violation]:
    latest = duty.end + 60 * duty.shift.overtime_minutes
    if duty.returns - latest > SLACK_S:
        values = {"technician": duty.technician.id, "back_time": say(duty.returns), "end_time": say(latest)}
        yield Violation("shift", "rule_shift", values, duty.returns - latest)


def _breaks(duty: Duty, say: _Moments) -> Iterator[Violation]:
    taken = sorted((rest.start.timestamp(), rest.finish.timestamp()) for trip in duty.trips for rest in trip.route.breaks)
    spells = _spells(duty)
    for due in duty.shift.breaks:
        earliest, latest, length = due.earliest.timestamp(), due.latest.timestamp(), 60 * due.minutes
        if duty.trips[0].depart >= earliest or duty.returns <= latest + length:
            continue  # The work does not span it.
        in_time = ((a, b) for a, b in taken if earliest - SLACK_S <= a <= latest + SLACK_S and b - a >= length - SLACK_S)
        rest = next(in_time, None)
        if rest is None:
            span = {"earliest_time": say(earliest), "latest_time": say(latest)}
            yield Violation("break", "rule_break", {"technician": duty.technician.id, "break_minutes": due.minutes, **span})
            continue
        taken.remove(rest)
        spell = next((spell for spell in spells if spell.has_room(*rest)), None)
        if spell is None:
            values = {"technician": duty.technician.id, "begin_time": say(rest[0]), "end_time": say(rest[1])}
            yield Violation("break", "rule_break_room", values, rest[1] - rest[0])
        else:
            spell.room -= rest[1] - rest[0]


@dataclass
class _Spell:
    """Time between two visits or two trips; `room` is what of it is needed neither for driving nor for breaks found so far."""

    begin: float
    end: float
    room: float

    def has_room(self, start: float, finish: float) -> bool:
        """Whether a break fits in beside the driving."""
        return self.begin - SLACK_S <= start and finish <= self.end + SLACK_S and self.room >= finish - start - SLACK_S


def _spells(duty: Duty) -> list[_Spell]:
    spells: list[_Spell] = []
    back: float | None = None
    for trip in duty.trips:
        if back is not None:
            spells.append(_Spell(back, trip.depart, trip.depart - back))
        spells += [_Spell(visit.free, visit.start, visit.start - visit.free - visit.leg.seconds) for visit in trip.visits]
        spells.append(_Spell(trip.last_finish, trip.returns, trip.returns - trip.last_finish - trip.home.seconds))
        back = trip.returns
    return spells


# Rule 3: drives take their time, work begins when it may and takes its time.


def _visit_times(duty: Duty, visit: Visit, say: _Moments) -> Iterator[Violation]:
    ticket, who = visit.ticket, {"technician": duty.technician.id, "ticket": visit.ticket.id}
    soonest = visit.free + visit.leg.seconds
    if soonest - visit.arrive > SLACK_S:
        times = {"arrive_time": say(visit.arrive), "soonest_time": say(soonest)}
        yield Violation("travel", "rule_travel", {**who, **times}, soonest - visit.arrive)
    if visit.arrive - visit.start > SLACK_S:
        times = {"start_time": say(visit.start), "arrive_time": say(visit.arrive)}
        yield Violation("start", "rule_start_before_arriving", {**who, **times}, visit.arrive - visit.start)
    opens = max(ticket.opened_at, ticket.not_before or ticket.opened_at).timestamp()
    if opens - visit.start > SLACK_S:
        times = {"start_time": say(visit.start), "opens_time": say(opens)}
        yield Violation("start", "rule_start_too_soon", {**who, **times}, opens - visit.start)
    done = visit.start + 60 * ticket.service_minutes
    if done - visit.finish > SLACK_S:
        times = {"finish_time": say(visit.finish), "done_time": say(done)}
        yield Violation("service", "rule_service", {**who, **times}, done - visit.finish)


def _way_home(duty: Duty, trip: Trip, say: _Moments) -> Iterator[Violation]:
    soonest = trip.last_finish + trip.home.seconds
    if soonest - trip.returns > SLACK_S:
        who = {"technician": duty.technician.id, "station": duty.technician.station}
        times = {"back_time": say(trip.returns), "soonest_time": say(soonest)}
        yield Violation("travel", "rule_travel_home", {**who, **times}, soonest - trip.returns)


def _window(visit: Visit, say: _Moments) -> Iterator[Violation]:
    windows = [(window.start.timestamp(), window.end.timestamp()) for window in visit.ticket.windows]
    if windows and not any(begin - SLACK_S <= visit.start <= end + SLACK_S for begin, end in windows):
        access = tuple(f"{say(begin)}/{say(end)}" for begin, end in windows)
        values: dict[str, Value] = {"ticket": visit.ticket.id, "start_time": say(visit.start), "access_spans": access}
        yield Violation("window", "rule_window", values)


# Rule 4: the right people.


def _skills(case: Case, team: _Team) -> Iterator[Violation]:
    for skill, level in team.ticket.skills.items():
        best = max(case.technician_by_id[who].skills.get(skill, 0) for who in team.members)
        if best < level:
            who: dict[str, Value] = {"ticket": team.ticket.id, "technicians": tuple(team.members)}
            needed: dict[str, Value] = {"skill": skill, "least_level": level}
            if best:
                yield Violation("skill", "rule_skill", {**who, **needed, "best_level": best})
            else:
                yield Violation("skill", "rule_skill_none", {**who, **needed})


def _allowed(duty: Duty, visit: Visit) -> Iterator[Violation]:
    who, ticket = duty.technician.id, visit.ticket
    values: dict[str, Value] = {"technician": who, "ticket": ticket.id}
    if ticket.only and who not in ticket.only:
        yield Violation("technician", "rule_not_allowed", {**values, "only": ticket.only})
    if who in ticket.banned:
        yield Violation("technician", "rule_banned", values)


# Rule 5: kits are there, and no more are out than the station owns.


def _kits_at_hand(team: _Team) -> Iterator[Violation]:
    missing = tuple(sorted(set(team.ticket.kits) - team.kits))
    if missing:
        values: dict[str, Value] = {"ticket": team.ticket.id, "kits": missing, "technicians": tuple(team.members)}
        yield Violation("kit", "rule_kit_not_carried", values, len(missing))


def _fetched(duty: Duty, trip: Trip) -> Iterator[Violation]:
    if trip.out is not None and (extra := tuple(sorted(set(trip.route.kits) - trip.kits))):
        yield Violation("kit", "rule_kit_not_fetched", {"technician": duty.technician.id, "kits": extra})


def _stock(case: Case, work: Iterable[Duty]) -> Iterator[Violation]:
    for (station, kit), spells in _lendings(case, work).items():
        owned = case.station_by_id[station].kits.get(kit, 0)
        most = _most_at_once(spells)
        if most > owned:
            values: dict[str, Value] = {"station": station, "kit": kit, "owned_count": owned, "lent_count": most}
            yield Violation("kit", "rule_kit_stock", values, most - owned)


def _lendings(case: Case, work: Iterable[Duty]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """By station and kit type: from when until when one of them is out."""
    now = case.now.timestamp()
    lent: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    busy = set()
    for duty in work:
        busy.add((duty.technician.id, duty.index))
        for trip in duty.trips:
            since = trip.depart if trip.out is None else now
            for kit in trip.kits:
                lent[duty.technician.station, kit].append((since, trip.returns))
    for technician in case.technicians:
        out = technician.start
        if out is not None and (technician.id, current_shift(technician, case.now)) not in busy:
            back = out.at.timestamp() + drive(case.travel, out, case.station_by_id[technician.station]).seconds
            for kit in set(out.kits):
                lent[technician.station, kit].append((now, back))
    return lent


def _most_at_once(spells: Iterable[tuple[float, float]]) -> int:
    """The largest number of spells that overlap; one that ends when another begins does not overlap it."""
    changes = sorted(change for begin, end in spells if end > begin for change in ((begin, 1), (end, -1)))
    out = most = 0
    for _, change in changes:
        out += change
        most = max(most, out)
    return most


# Rule 6: loads fit, and what is locked stays.


def _capacity(duty: Duty, trip: Trip) -> Iterator[Violation]:
    capacity, load = duty.technician.capacity, 0.0
    for visit in trip.visits:
        load += visit.ticket.load
    if capacity is not None and load > capacity:
        values: dict[str, Value] = {"technician": duty.technician.id, "load": load, "capacity": capacity}
        yield Violation("capacity", "rule_capacity", values, load - capacity)


def _locked_first(case: Case, duty: Duty) -> Iterator[Violation]:
    waiting: str | None = None
    for visit in duty.visits:
        if not _is_locked(case, visit.ticket.id):
            waiting = waiting or visit.ticket.id
        elif waiting is not None:
            values = {"ticket": visit.ticket.id, "technician": duty.technician.id, "other": waiting}
            yield Violation("locked", "rule_locked_first", values)


def _locked_teams(case: Case, teams: Mapping[str, _Team]) -> Iterator[Violation]:
    for promise in case.committed:
        sent = set(teams[promise.ticket].members) if promise.ticket in teams else set()
        if promise.locked and sent != set(promise.technicians):
            values: dict[str, Value] = {"ticket": promise.ticket, "technicians": promise.technicians, "sent": tuple(sorted(sent))}
            yield Violation("locked", "rule_locked_team", values)


def _is_locked(case: Case, ticket: str) -> bool:
    promise = case.commitment_by_ticket.get(ticket)
    return promise is not None and promise.locked


# Rule 7: nobody knows a ticket before it is opened.


def _foresight(duty: Duty, visit: Visit, say: _Moments) -> Iterator[Violation]:
    sets_out, opened = visit.arrive - visit.leg.seconds, visit.ticket.opened_at.timestamp()
    if opened - sets_out > SLACK_S:
        who, times = (
            {"technician": duty.technician.id, "ticket": visit.ticket.id},
            {"leave_time": say(sets_out), "opened_time": say(opened)},
        )
        yield Violation("foresight", "rule_foresight", {**who, **times}, opened - sets_out)
