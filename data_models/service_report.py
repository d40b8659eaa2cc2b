"""The figures of a service report: what was promised and kept, how fast, by whom, at what price; pure arithmetic on facts.

Everything counts on the day on which it happened, and a clock on the day on which it fell due, kept or not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from statistics import fmean, median
from typing import Any

from data_models.case import SEVERITIES, TIERS
from data_models.clocks import ClockState, clock_states
from data_models.compensation import Compensation, ticket_compensation
from data_models.policy import CLOCKS
from data_models.report_figures import (
    DIMENSIONS,
    Bucket,
    Dimension,
    Group,
    Kits,
    Missed,
    Owed,
    People,
    Period,
    Satisfaction,
    ServiceReport,
    Share,
    Times,
    Trouble,
)
from data_models.report_use import everybody, kits_use, people_use
from data_models.service_facts import ReportTicket, ServiceFacts

WORST = 3
_HOUR = timedelta(hours=1)


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
    people = tuple(people_use(facts, period))
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
        everybody=everybody(people),
        kits=tuple(kits_use(facts, period)),
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
