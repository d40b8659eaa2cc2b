"""The figures of a service report: what was promised and kept, how fast, by whom, at what price; pure arithmetic on facts.

Everything counts on the day on which it happened, and a clock on the day on which it fell due, kept or not.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from statistics import fmean, median
from typing import Any, Literal

from data_models.case import SEVERITIES, TIERS
from data_models.clocks import ClockState, clock_states
from data_models.compensation import Compensation, ticket_compensation
from data_models.policy import CLOCKS
from data_models.service_facts import PlannedSpell, ReportShift, ReportTicket, ServiceFacts

Dimension = Literal["severity", "tier", "region", "station", "product"]
DIMENSIONS: tuple[Dimension, ...] = ("severity", "tier", "region", "station", "product")
WORST = 3
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Period:
    """From `start` to before `end`, looked at from `at`; all aware, in the zone of the company."""

    start: datetime
    end: datetime
    at: datetime

    def holds(self, moment: datetime | None) -> bool:
        """Whether something at this moment belongs to the period and has happened."""
        return moment is not None and self.start <= moment < self.end and moment <= self.at

    @property
    def until(self) -> datetime:
        """The end of what can be known of it."""
        return min(self.end, max(self.at, self.start))


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    n: int
    of: int

    @property
    def share(self) -> float | None:
        """The quotient; None of nothing."""
        return self.n / self.of if self.of else None


@dataclass(frozen=True)
class Times:
    """How long something took: over `count` tickets, in seconds; None without any.

    `p90_s` is the shortest that at least nine of ten did not exceed.
    """

    count: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True)
class Group:
    """Tickets that are alike in one thing: what was kept by clock, and how fast they were served."""

    dimension: Dimension
    id: str
    name: str
    opened: int
    clocks: Mapping[str, Share]
    response: Times
    solution: Times


@dataclass(frozen=True)
class Missed:
    """One promise that was not kept; `is_open` while it still is not."""

    ticket: str
    clock: str
    reopening: int
    due_at: datetime
    late_s: float
    is_open: bool
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Trouble:
    """A group whose clock was missed most beyond what the company's own share of misses would give: `excess` misses.

    `late_s` is the median lateness of the missed ones, `still_open` how many of them are not kept yet.
    """

    dimension: Dimension
    id: str
    name: str
    clock: str
    missed: Share
    excess: float
    late_s: float
    still_open: int


@dataclass(frozen=True)
class Bucket:
    """An hour of a day, or a day of a longer period: tickets opened, promises that fell due, and how many were kept."""

    start: datetime
    opened: int
    clocks: Mapping[str, Share]


@dataclass(frozen=True)
class People:
    """The people of a station (`station` "" is everybody): seconds on shift, driving, at work and of overtime, by the published plans."""

    station: str
    name: str
    on_shift: int
    sent_out: int
    shift_s: float
    work_s: float
    drive_s: float
    overtime_s: float

    @property
    def busy(self) -> float | None:
        """Of the time on shift, the share at work or driving; overtime may bring it above one. None without a shift."""
        return (self.work_s + self.drive_s) / self.shift_s if self.shift_s else None


@dataclass(frozen=True)
class Kits:
    """The kits of a type: how often and how long they were out, of the time that all of them could have been."""

    kit: str
    owned: int
    broken: int
    uses: int
    out_s: float
    available_s: float

    @property
    def used(self) -> float | None:
        """Out of the station, as a share; None without a kit or before the period begins."""
        return self.out_s / self.available_s if self.available_s else None


@dataclass(frozen=True)
class Owed:
    """What missed clocks pay: `total` by currency over known amounts, `unknown` counts those without one, `growing` those not final."""

    count: int
    total: Mapping[str, float]
    unknown: int
    growing: int
    items: tuple[Compensation, ...]


@dataclass(frozen=True)
class Satisfaction:
    """What customers said: how many, the mean (None of nobody), and how often each score of the scale was given."""

    count: int
    mean: float | None
    scores: Mapping[int, int]


@dataclass(frozen=True)
class ServiceReport:
    """All figures of a period.

    `open_at_end` are tickets that wait at the end of it (or at `period.at`), `stopped` clocks that came to nothing in time, such as
    those of cancelled tickets: they are in no share.
    """

    period: Period
    region: str
    opened: int
    done: int
    cancelled: int
    open_at_end: int
    clocks: Mapping[str, Share]
    stopped: int
    groups: tuple[Group, ...]
    response: Times
    on_site: Times
    solution: Times
    first_visit: Share
    reopenings: int
    reopened: Share
    satisfaction: Satisfaction
    people: tuple[People, ...]
    everybody: People
    kits: tuple[Kits, ...]
    owed: Owed
    worst: tuple[Trouble, ...]
    course: tuple[Bucket, ...]
    missed: tuple[Missed, ...]


@dataclass(frozen=True)
class _Seen:
    """A ticket with its clocks that fell due in the period and are decided, and what it took."""

    ticket: ReportTicket
    groups: Mapping[Dimension, str]
    states: tuple[ClockState, ...]
    opened: bool
    response_s: float | None
    on_site_s: float | None
    solution_s: float | None


def service_report(facts: ServiceFacts, period: Period, region: str = "") -> ServiceReport:
    """The figures of a period.

    Parameters
    ----------
    facts
        Tickets opened before `period.end`, with every clock that may fall due in it; spells, kits and shifts may reach beyond it.
    region
        Named in the report; the facts are those of the region already.
    """
    names = dict((*facts.elsewhere, *facts.stations))
    # Comparing moments of one zone costs a tenth of comparing those of two.
    shown, period = period, Period(*(moment.astimezone(UTC) for moment in (period.start, period.end, period.at)))
    seen, owed, stopped = [], [], 0
    for ticket in facts.tickets:
        states = clock_states(ticket.watched, period.at)
        due = tuple(state for state in states if period.start <= state.due_at < period.end)
        decided = tuple(state for state in due if state.state == "missed" or (state.state == "met" and state.due_at <= period.at))
        stopped += sum(state.state == "stopped" for state in due)
        seen.append(_seen(ticket, decided, period))
        if any(state.state == "missed" for state in decided):
            owed += [one for one in ticket_compensation(ticket.watched, period.at, states) if period.start <= one.due_at < period.end]
    overall = _by_clock(seen)
    missed = tuple(_missed(seen))
    opened_at = [one.watched.opened_at for one in facts.tickets]
    done = [(one, last) for one in facts.tickets if (last := max(filter(period.holds, one.done_at), default=None)) is not None]
    firsts = [one for one in facts.tickets if period.holds(one.first_visit_at)]
    back = [moment for one in facts.tickets for moment in one.reopened_at if period.holds(moment)]
    people = tuple(_people(facts, period))
    return ServiceReport(
        period=shown,
        region=region,
        opened=sum(period.holds(moment) for moment in opened_at),
        done=len(done),
        cancelled=sum(any(map(period.holds, one.cancelled_at)) for one in facts.tickets),
        open_at_end=sum(_is_open(one, period.until) for one in facts.tickets),
        clocks=overall,
        stopped=stopped,
        groups=tuple(_groups(seen, names)),
        response=_times(one.response_s for one in seen),
        on_site=_times(one.on_site_s for one in seen),
        solution=_times(one.solution_s for one in seen),
        first_visit=Share(sum(one.first_visit_resolved is True for one in firsts), len(firsts)),
        reopenings=len(back),
        reopened=Share(sum(any(last <= moment <= period.at for moment in one.reopened_at) for one, last in done), len(done)),
        satisfaction=_satisfaction(facts.tickets, period),
        people=people,
        everybody=_everybody(people),
        kits=tuple(_kits(facts, period)),
        owed=_owed(owed),
        worst=_worst(missed, seen, overall, names),
        course=tuple(_course(seen, shown)),
        missed=missed,
    )


def report_dict(report: ServiceReport) -> dict[str, Any]:
    """The report as plain values for JSON: every share with its numbers and quotient, moments with the offset of the company."""
    zone = report.period.start.tzinfo
    facts: dict[str, Any] = _plain(report, zone)
    facts["format"] = "service-report/1"
    return facts


def _plain(value: Any, zone: tzinfo | None) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Share):
        return {**asdict(value), "share": value.share}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, zone) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, zone) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        told = {name: _plain(getattr(value, name), zone) for name in value.__dataclass_fields__}
        extra = {People: "busy", Kits: "used"}.get(type(value))
        return told | ({extra: getattr(value, extra)} if extra else {})
    return value


# --- tickets ---


def _seen(ticket: ReportTicket, decided: tuple[ClockState, ...], period: Period) -> _Seen:
    watched, reached = ticket.watched, ticket.watched.milestones
    solved = _first(reached.solved_at, reached.closed_at)
    on_site = reached.on_site_at
    groups: dict[Dimension, str] = {
        "severity": watched.severity, "tier": watched.tier, "region": ticket.region, "station": ticket.station, "product": ticket.product,
    }  # fmt: skip
    return _Seen(
        ticket,
        groups,
        decided,
        period.holds(watched.opened_at),
        *(_took(watched.opened_at, end, period) for end in (_first(reached.contacted_at, on_site, solved), on_site, solved)),
    )


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _took(begun: datetime, ended: datetime | None, period: Period) -> float | None:
    """Seconds from one to the other, where the end lies in the period; people's clocks differ, so none is below zero."""
    return max((ended - begun).total_seconds(), 0.0) if ended is not None and period.holds(ended) else None


def _is_open(ticket: ReportTicket, moment: datetime) -> bool:
    ended = sum(one < moment for one in (*ticket.done_at, *ticket.cancelled_at))
    return ticket.watched.opened_at < moment and ended <= sum(one < moment for one in ticket.reopened_at)


def _times(seconds: Iterable[float | None]) -> Times:
    known = sorted(second for second in seconds if second is not None)
    if not known:
        return Times(0, None, None)
    return Times(len(known), median(known), known[math.ceil(0.9 * len(known)) - 1])


def _by_clock(seen: Iterable[_Seen]) -> dict[str, Share]:
    """In-time share by clock: the five first, others as they are called."""
    kept: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for one in seen:
        for state in one.states:
            total[state.clock] += 1
            kept[state.clock] += state.state == "met"
    order = [clock for clock in CLOCKS if clock in total] + sorted(set(total) - set(CLOCKS))
    return {clock: Share(kept[clock], total[clock]) for clock in order}


def _groups(seen: Sequence[_Seen], names: Mapping[str, str]) -> Iterator[Group]:
    for dimension in DIMENSIONS:
        members: dict[str, list[_Seen]] = defaultdict(list)
        for one in seen:
            if one.opened or one.states or one.response_s is not None or one.solution_s is not None:
                members[one.groups[dimension]].append(one)
        fixed: Sequence[str] = {"severity": SEVERITIES, "tier": TIERS}.get(dimension, ())
        for id_ in [*fixed, *sorted(members.keys() - set(fixed))]:
            own = members[id_]
            yield Group(
                dimension,
                id_,
                names.get(id_, id_) if dimension == "station" else id_,
                sum(one.opened for one in own),
                _by_clock(own),
                _times(one.response_s for one in own),
                _times(one.solution_s for one in own),
            )


def _missed(seen: Iterable[_Seen]) -> Iterator[Missed]:
    for one in seen:
        for state in one.states:
            if state.state == "missed":
                late_s = state.late.total_seconds()
                yield Missed(
                    state.ticket,
                    state.clock,
                    state.reopening,
                    state.due_at,
                    late_s,
                    state.is_open,
                    {str(key): group for key, group in one.groups.items()},
                )


def _worst(missed: Sequence[Missed], seen: Sequence[_Seen], overall: Mapping[str, Share], names: Mapping[str, str]) -> tuple[Trouble, ...]:
    """The groups that lost most, each beside the company's share of misses; none tells the misses of another over again."""
    total: Counter[tuple[Dimension, str, str]] = Counter()
    for one in seen:
        for state in one.states:
            total.update((dimension, group, state.clock) for dimension, group in one.groups.items())
    lost: dict[tuple[Dimension, str, str], list[Missed]] = defaultdict(list)
    for one_missed in missed:
        for dimension in DIMENSIONS:
            lost[dimension, one_missed.groups[dimension], one_missed.clock].append(one_missed)

    def excess(key: tuple[Dimension, str, str]) -> float:
        kept, of = overall[key[2]].n, overall[key[2]].of
        return len(lost[key]) - total[key] * (of - kept) / of

    chosen: list[tuple[Dimension, str, str]] = []
    for key in sorted(lost, key=lambda key: (-round(excess(key), 9), -len(lost[key]), DIMENSIONS.index(key[0]), key[1:])):
        told = {id(item) for other in chosen for item in lost[other]}
        if len(chosen) < WORST and sum(id(item) in told for item in lost[key]) * 2 <= len(lost[key]):
            chosen.append(key)
    return tuple(
        Trouble(
            key[0],
            key[1],
            names.get(key[1], key[1]) if key[0] == "station" else key[1],
            key[2],
            Share(len(lost[key]), total[key]),
            excess(key),
            median(item.late_s for item in lost[key]),
            sum(item.is_open for item in lost[key]),
        )
        for key in chosen
    )


def _satisfaction(tickets: Iterable[ReportTicket], period: Period) -> Satisfaction:
    scores = [score for one in tickets for moment, score in one.scores if period.holds(moment)]
    scale = max((one.watched.policy.after_closing.scale for one in tickets), default=5)
    counts = Counter(scores)
    return Satisfaction(len(scores), fmean(scores) if scores else None, {score: counts[score] for score in range(1, scale + 1)})


def _owed(items: Sequence[Compensation]) -> Owed:
    total: dict[str, float] = {}
    for one in items:
        if one.amount is not None:
            total[one.currency] = round(total.get(one.currency, 0.0) + one.amount, 2)
    growing = sum(not one.is_final and not one.capped for one in items)
    return Owed(len(items), total, sum(one.amount is None for one in items), growing, tuple(items))


def _course(seen: Sequence[_Seen], period: Period) -> Iterator[Bucket]:
    hourly = (period.end - period.start) <= 25 * _HOUR  # a day is longer where clocks are put back

    def cut(moment: datetime) -> datetime:
        hour = moment.astimezone(period.start.tzinfo).replace(minute=0, second=0, microsecond=0)
        return hour if hourly else hour.replace(hour=0)

    opened = Counter(cut(one.ticket.watched.opened_at) for one in seen if one.opened)
    due: dict[datetime, list[_Seen]] = defaultdict(list)
    for one in seen:
        for state in one.states:
            due[cut(state.due_at)].append(_Seen(one.ticket, one.groups, (state,), False, None, None, None))
    moment = period.start
    while moment < period.end:
        yield Bucket(moment, opened[moment], _by_clock(due[moment]))
        # On the wall clock, so that each day begins at midnight.
        moment += _HOUR if hourly else timedelta(days=1)


# --- people and kits ---


def _people(facts: ServiceFacts, period: Period) -> Iterator[People]:
    spells = [spell for spell in facts.spells if period.start <= spell.begins_at < period.until]
    shifts: dict[str, list[ReportShift]] = defaultdict(list)
    for shift in sorted(facts.shifts, key=lambda shift: shift.begins_at):
        shifts[shift.technician].append(shift)
    shift_s = {
        who: sum(_here_s(shift, period) for shift in own if period.start <= shift.begins_at < period.until) for who, own in shifts.items()
    }
    overtime_s: dict[str, float] = defaultdict(float)
    for (who, ends_at), last in _last_spells(spells, shifts).items():
        overtime_s[who] += max((min(last, period.at) - ends_at).total_seconds(), 0.0)
    sent_out = {spell.technician for spell in spells}
    spent: dict[tuple[str, str], float] = defaultdict(float)
    for spell in spells:
        spent[spell.technician, spell.kind] += max((min(spell.ends_at, period.at) - spell.begins_at).total_seconds() - spell.rest_s, 0.0)
    for station, name in facts.stations:
        own = [who for who, home in facts.technicians if home == station]
        yield People(
            station,
            name,
            sum(shift_s.get(who, 0.0) > 0 for who in own),
            len(sent_out.intersection(own)),
            sum(shift_s.get(who, 0.0) for who in own),
            sum(spent[who, "work"] for who in own),
            sum(spent[who, "drive"] for who in own),
            sum(overtime_s[who] for who in own),
        )


def _here_s(shift: ReportShift, period: Period) -> float:
    """Seconds on shift so far, without the break and absences."""
    end = min(shift.ends_at, period.at)
    gone = sum(max((min(until, end) - max(begun, shift.begins_at)).total_seconds(), 0.0) for begun, until in shift.away)
    return max((end - shift.begins_at).total_seconds() - gone - 60 * shift.break_minutes, 0.0)


def _last_spells(spells: Iterable[PlannedSpell], shifts: Mapping[str, Sequence[ReportShift]]) -> dict[tuple[str, datetime], datetime]:
    """When the last spell of each shift in which there is any is over, by technician and end of the shift."""
    last: dict[tuple[str, datetime], datetime] = {}
    for spell in spells:
        own = shifts.get(spell.technician, ())
        number = bisect_right(own, spell.begins_at, key=lambda shift: shift.begins_at)
        if number:
            key = spell.technician, own[number - 1].ends_at
            last[key] = max(last.get(key, spell.ends_at), spell.ends_at)
    return last


def _everybody(people: Sequence[People]) -> People:
    return People(
        "",
        "",
        sum(one.on_shift for one in people),
        sum(one.sent_out for one in people),
        sum(one.shift_s for one in people),
        sum(one.work_s for one in people),
        sum(one.drive_s for one in people),
        sum(one.overtime_s for one in people),
    )


def _kits(facts: ServiceFacts, period: Period) -> Iterator[Kits]:
    length = (period.until - period.start).total_seconds()
    out: dict[str, list[float]] = defaultdict(list)
    for one in facts.kits_out:
        begun, ended = max(one.begins_at, period.start), min(one.ends_at, period.until)
        if ended > begun:
            out[one.kit].append((ended - begun).total_seconds())
    for kit in sorted({one.kit for one in facts.kits} | out.keys()):
        owned = sum(one.owned for one in facts.kits if one.kit == kit)
        broken = sum(one.broken for one in facts.kits if one.kit == kit)
        yield Kits(kit, owned, broken, len(out[kit]), sum(out[kit]), owned * length)
