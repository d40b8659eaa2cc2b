"""How people and kits were used in a period: the part of a service report that rests on shifts and on the published plans."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from data_models.report_figures import Kits, People, Period
from data_models.service_facts import PlannedSpell, ReportShift, ServiceFacts


def people_use(facts: ServiceFacts, period: Period) -> Iterator[People]:
    """The use of each station's people in a period, by the spells that began in it."""
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


def everybody(people: Sequence[People]) -> People:
    """The sum over all stations."""
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


def kits_use(facts: ServiceFacts, period: Period) -> Iterator[Kits]:
    """The use of each type of kit in a period, by the time that it was out."""
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
