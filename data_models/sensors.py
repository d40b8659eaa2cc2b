"""Sensor readings against the rules of a policy: which tickets they open, and what is wrong with them. Pure; times are given.

For each sensor and quantity a *series* is folded in the order of event time. Its last readings are kept, so that one which comes
out of order is put in its place and the fold repeated: the result is that of the right order. A rule's *alarm* on a series
stands from the reading that completes `when` until one that `clears`; a *gate* for each site and rule turns alarms into tickets.
"""

from __future__ import annotations

import hashlib
import math
from bisect import insort
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from data_models.readings import Doubt, Flag, Flaw, Opening, Reading, Refusal, Taken, Trouble
from data_models.sensor_rules import SensorRules, WatchedRule
from data_models.sensor_state import Fold, Gate, Kept, SensorState, Series, SeriesId, moment_of, time_of
from data_models.units import in_base, misfit, possible, unit_named

MOST_KEPT = 64
"""So many readings of a series are kept for those that come out of order; of a faster series fewer minutes than the horizon."""


def take(state: SensorState, readings: Iterable[Reading], rules_of: Mapping[str, SensorRules], now: datetime) -> Taken:
    """Take readings into the state, and say which tickets they open.

    Parameters
    ----------
    rules_of
        The rules that hold at each site; a reading from another site is refused.
    now
        Arrival time, aware: readings far ahead of it are from the future, readings long before it open no ticket.

    Notes
    -----
    Readings are taken in the order of their event time. Within the horizon of their series, any division into calls and any order
    of the calls ends in the same alarms. A ticket is opened as soon as what is known asks for it; when a reading which belongs
    before turns up later and shows that it should not have been, that is a `Doubt`.
    """
    taken = Taken()
    moment = moment_of(now)
    for position, reading in sorted(enumerate(readings), key=lambda item: (item[1].at, item[1].own_key)):
        rules = rules_of.get(reading.site)
        if rules is None:
            taken.refused.append(Refusal(position, f"{_named(reading)}: site {reading.site} is not known; import it, or correct the id"))
            continue
        refusal = _unfit(reading, rules)
        if refusal:
            taken.refused.append(Refusal(position, refusal))
            continue
        _take_one(state, reading, rules, moment, taken)
    return taken


def _unfit(reading: Reading, rules: SensorRules) -> str:
    """Why a reading's unit says nothing here; empty when it does."""
    wrong = misfit(reading.quantity, reading.unit)
    if wrong:
        return f"{_named(reading)}: {wrong}"
    own = [rule for rule in rules.rules if rule.quantity == reading.quantity]
    if own and unit_named(reading.unit).dimension not in {rule.dimension for rule in own}:
        return f'{_named(reading)}: "{reading.unit}" does not convert to the unit of rule {own[0].name}; send it in that unit'
    return ""


def _take_one(state: SensorState, reading: Reading, rules: SensorRules, now: int, taken: Taken) -> None:
    unit = unit_named(reading.unit)
    value = in_base(reading.value, unit)
    at = moment_of(reading.at)
    who = (reading.site, reading.sensor, reading.quantity)
    series = state.series.get(who)
    key = reading.own_key
    if series is not None and key in series.keys:
        taken.doubles += 1
        return
    taken.kept.append(reading)
    flaw, says = _flaw(series, value, at, now, rules, reading.quantity, unit.dimension)
    if flaw:
        taken.flags.append(Flag(reading, flaw, f"{_named(reading)}: {says}"))
        return
    if series is None:
        series = state.series[who] = Series()
    entry = (at, key, value, reading.product)
    series.keys.add(key)
    own = tuple(
        rule
        for rule in rules.rules
        if rule.quantity == reading.quantity and rule.dimension == unit.dimension and (not rule.sites or reading.site in rule.sites)
    )
    if series.trouble == "silent":
        series.trouble = ""
    if not series.recent or entry > series.recent[-1]:
        series.recent.append(entry)
        met, stuck = _step(series.end, entry, own, rules.stuck_readings)
        _through_gates(state, who, [(at, entry, rule, alarm, since) for rule, alarm, since in met], rules, now, taken)
    else:
        insort(series.recent, entry)
        stuck = _refold(state, who, entry, own, rules, now, taken)
    if series.end.run_since > state.moved.get(reading.site, -1):
        state.moved[reading.site] = series.end.run_since
    _trim(series, own, rules)
    if stuck:
        taken.flags.append(Flag(reading, "stuck", f"{_named(reading)}: {series.end.run_count:,} times the same value; look at the sensor"))
    _tell_stuck(state, who, rules, taken)


def _flaw(
    series: Series | None, value: float, at: int, now: int, rules: SensorRules, quantity: str, dimension: str
) -> tuple[Flaw, str] | tuple[None, str]:
    """What keeps a reading from being believed."""
    if not math.isfinite(value):
        return "not a number", "its value is no finite number; look at the sensor"
    span = possible(quantity, dimension)
    if span is not None and not span[0] <= value <= span[1]:
        return "absurd", f"{quantity} lies between {span[0]:g} and {span[1]:g} where it is physical; look at the sensor"
    if at > now + rules.ahead:
        return "future", "its time has not come yet; set the sensor's clock"
    if series is not None and (at < series.end.at - rules.horizon or at <= series.base.at):
        return "late", "much newer ones of this sensor are there already; kept, not judged"
    return None, ""


def _step(fold: Fold, entry: Kept, rules: Iterable[WatchedRule], stuck_readings: int) -> tuple[list[tuple[WatchedRule, int, int]], bool]:
    """Fold one reading more; gives the rules whose alarm stands and that it meets, with alarm and spell, and whether it is stuck."""
    at, _, value, product = entry
    fold.at = at
    if value == fold.value:
        fold.run_count += 1
    else:
        fold.value, fold.run_since, fold.run_count = value, at, 1
    if fold.run_count > stuck_readings:
        return [], True
    met = []
    for rule in rules:
        if rule.products and product not in rule.products:
            continue
        spell = fold.spells.get(rule.name)
        broken = spell is not None and spell[2] < 0 and at - spell[1] > rule.gap
        if rule.meets(value, rule.limit):
            if spell is None or broken:
                spell = fold.spells[rule.name] = [at, at, -1]
            spell[1] = at
            if spell[2] < 0 and at - spell[0] >= rule.lasting:
                spell[2] = at
            if spell[2] >= 0:
                met.append((rule, spell[2], spell[0]))
        elif spell is not None:
            if broken or rule.clears(value, rule.clear_limit):
                del fold.spells[rule.name]
            else:
                spell[1] = at
    return met, False


_Met = tuple[int, Kept, WatchedRule, int, int]
"""A reading that meets a rule whose alarm stands: time, reading, rule, begin of the alarm, begin of the spell."""


def _refold(
    state: SensorState, who: SeriesId, entry: Kept, own: tuple[WatchedRule, ...], rules: SensorRules, now: int, taken: Taken
) -> bool:
    """Fold the kept readings of a series anew, with one among them that came late; gives whether that one is stuck."""
    series = state.series[who]
    end, stuck, found = series.base.copy(), False, list[_Met]()
    for kept in series.recent:
        met, is_stuck = _step(end, kept, own, rules.stuck_readings)
        found.extend((kept[0], kept, rule, alarm, since) for rule, alarm, since in met)
        stuck = stuck or (is_stuck and kept is entry)
    series.end = end
    for rule in own:
        gate = state.gates.get((who[0], rule.name))
        if gate is None or gate.backers.get(who[1:], -1) <= series.base.at:
            continue
        first = next((at for at, _, of, _, _ in found if of is rule), None)
        if first is not None:
            gate.backers[who[1:]] = first
            continue
        del gate.backers[who[1:]]
        if not gate.backers and gate.closed is None:
            taken.doubts.append(Doubt(gate.ticket, who[0], rule.name))
    _through_gates(state, who, found, rules, now, taken)
    return stuck


def _through_gates(state: SensorState, who: SeriesId, found: Iterable[_Met], rules: SensorRules, now: int, taken: Taken) -> None:
    site, sensor, quantity = who
    for at, entry, rule, alarm, since in found:
        gate = state.gates.get((site, rule.name))
        if gate is not None and gate.closed is None:
            gate.backers.setdefault((sensor, quantity), at)
            continue
        if at < now - rules.ticket_within or _stuck_for_long(state, who, at, rules):
            continue
        if gate is not None and not _may_open_again(gate, rule, at, alarm):
            continue
        opening = Opening(
            ticket_id(site, rule.name, at), site, rule.name, sensor, quantity, entry[3], entry[2], time_of(at), time_of(since)
        )
        state.gates[site, rule.name] = Gate(opening.ticket, at, None, {(sensor, quantity): at})
        taken.openings.append(opening)


def _may_open_again(gate: Gate, rule: WatchedRule, at: int, alarm: int) -> bool:
    """Whether a reading may open a ticket after an earlier one is closed: a new alarm after the quiet time, an old one much later."""
    last = max(gate.opened, gate.closed or 0)
    return at > last and at >= last + rule.quiet and (alarm > last or at >= last + rule.again_after)


def ticket_id(site: str, rule: str, at: int) -> str:
    """The id of the ticket that a reading opens: the same whenever it is taken again, as after a crash."""
    digest = hashlib.blake2b(f"{site}\n{rule}\n{at}".encode(), digest_size=4).hexdigest()
    return f"SN-{time_of(at):%Y%m%d-%H%M%S}-{digest}"


def _trim(series: Series, own: tuple[WatchedRule, ...], rules: SensorRules) -> None:
    """Fold into the base what is too old to be overtaken."""
    recent, oldest = series.recent, series.end.at - rules.horizon
    while recent[0][0] < oldest or len(recent) > MOST_KEPT:
        entry = recent.pop(0)
        series.keys.discard(entry[1])
        _step(series.base, entry, own, rules.stuck_readings)


# --- sensors in trouble ---


def _stuck_for_long(state: SensorState, who: SeriesId, at: int, rules: SensorRules) -> bool:
    """Whether a series stands still for long while another of its site has moved."""
    run_since = state.series[who].end.run_since
    return at - run_since > rules.stuck_after and state.moved.get(who[0], -1) > run_since


def _tell_stuck(state: SensorState, who: SeriesId, rules: SensorRules, taken: Taken) -> None:
    series = state.series[who]
    end = series.end
    if end.run_count <= rules.stuck_readings and not _stuck_for_long(state, who, end.at, rules):
        if series.trouble == "stuck":
            series.trouble = ""
    elif series.trouble != "stuck":
        series.trouble = "stuck"
        taken.troubles.append(Trouble(*who, "stuck", time_of(end.run_since)))


def silent_sensors(state: SensorState, rules_of: Mapping[str, SensorRules], now: datetime) -> list[Trouble]:
    """The sensors that sent nothing to be believed for too long, each told once until it speaks again."""
    moment = moment_of(now)
    found = []
    for who, series in state.series.items():
        rules = rules_of.get(who[0])
        if rules is not None and series.trouble != "silent" and series.end.at + rules.silent_after < moment:
            series.trouble = "silent"
            found.append(Trouble(*who, "silent", time_of(series.end.at)))
    return found


def _named(reading: Reading) -> str:
    when = reading.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{reading.site}, sensor {reading.sensor}, {reading.quantity} {reading.value!r} {reading.unit} at {when}"
