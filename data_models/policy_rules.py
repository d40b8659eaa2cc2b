"""What a policy must not say although each of its values alone is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from data_models.calendars import WorkCalendar
from data_models.case import SEVERITIES, TIERS, Severity
from data_models.clock_rules import CALL_BACK, HANDLED_AGAIN, EscalationStep
from data_models.conditions import condition_text, opposed
from data_models.policy import CLOCKS, Clocks, PatrolRule, ServicePolicy, clock_names, clocks_for
from data_models.promises import promise_text
from data_models.units import possible, unit_named


def contradictions(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    """Key and sentence for each contradiction, with what would resolve it; nothing for a sound policy."""
    yield from _of_calendar(policy.calendar)
    yield from _of_clocks(policy)
    yield from _of_tiers(policy)
    yield from _of_names(policy)
    yield from _of_running_clocks(policy)
    yield from _of_satisfaction(policy)
    yield from _of_sensors(policy)
    for name, patrol in policy.patrols.items():
        if patrol == PatrolRule(patrol.per_year):
            yield f"patrols.{name}", "has neither tiers nor tonnes_above; say whom it is for"


def _of_calendar(calendar: WorkCalendar) -> Iterator[tuple[str, str]]:
    try:
        ZoneInfo(calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield "calendar.timezone", f'"{calendar.timezone}" is not known; give an IANA name such as "Asia/Shanghai"'
    if not calendar.weekdays:
        yield "calendar.weekdays", 'is empty; name at least one, such as "mon"'
    if not calendar.hours:
        yield "calendar.hours", 'is empty; give at least one spell, such as "08:30-17:30"'
    for earlier, later in zip(calendar.hours, calendar.hours[1:], strict=False):
        if later.opens <= earlier.closes:
            yield "calendar.hours", "overlap, touch or are out of order; list them from morning to night with gaps between"
    both = sorted(set(calendar.days_off) & set(calendar.days_on))
    if both:
        yield "calendar.days_on", f"{both[0]} is in days_off too; keep it in one"
    if len(calendar.days_off) > 1000:
        yield "calendar.days_off", f"lists {len(calendar.days_off)} days; at most 1000 are allowed"


def _of_clocks(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    for severity in SEVERITIES:
        for tier in TIERS:
            missing = _missing(severity, clocks_for(policy, severity, tier))
            if missing:
                yield f"clocks.{severity}", f"promises tier {tier} {missing}"
                continue
            for kind in policy.ticket_types:  # A type may withdraw what the severity promises.
                missing = _missing(severity, clocks_for(policy, severity, tier, kind))
                if missing:
                    yield f"ticket_types.{kind}.clocks", f"promises tier {tier} in severity {severity} {missing}"
    for name, rule in policy.sources.items():
        for clock in ("on_site", "solution", "closing"):
            said = getattr(rule.clocks, clock)
            if said is not None and said.counts == "nothing":
                yield f"sources.{name}.clocks.{clock}", "is withdrawn for a source; a source may only change it"


def _missing(severity: Severity, clocks: Clocks) -> str:
    """What these clocks lack for a visit to have a due moment; empty when they lack nothing."""
    if severity == "emergency" and clocks.on_site is None:
        return 'no on_site; an emergency needs one, such as "2 h"'
    if clocks.on_site is None and clocks.solution is None and clocks.closing is None:
        return 'neither on_site nor solution nor closing; give one, such as closing = "3 working days"'
    return ""


def _of_tiers(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    limits: dict[str, float] = {}
    for tier in TIERS:
        rule = getattr(policy.tiers, tier)
        if rule.tonnes_above is not None and rule.tonnes_from is not None:
            yield f"tiers.{tier}", "has both tonnes_above and tonnes_from; keep one"
        limit = rule.tonnes_from if rule.tonnes_above is None else rule.tonnes_above
        if limit is not None:
            limits[tier] = limit
    if "C" in limits:
        yield "tiers.C", "has a limit, but takes whoever reaches neither A nor B; remove it"
    if limits.get("B", 0.0) > limits.get("A", float("inf")):
        yield "tiers.B", f"starts at {limits['B']:g} t, above A's {limits['A']:g} t; lower it"


def _of_sensors(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    limits = policy.sensors
    if limits.longest_gap <= timedelta():
        yield "sensors.longest_gap", 'is nothing, so that no spell could last; give one such as "15 min"'
    if limits.silent_after <= timedelta():
        yield "sensors.silent_after", 'is nothing, so that every sensor would be silent; give one such as "1 h"'
    first: dict[str, str] = {}
    for name, rule in policy.sensor_rules.items():
        other = policy.sensor_rules[first.setdefault(rule.when.quantity, name)].when
        if unit_named(other.unit).dimension != unit_named(rule.when.unit).dimension:
            yield (
                f"sensor_rules.{name}.when",
                f'is in "{rule.when.unit}", but another rule says {condition_text(other)}; use one unit',
            )
        wrong = opposed(rule.when, rule.clears) if rule.clears else ""
        if wrong:
            yield f"sensor_rules.{name}.clears", wrong
        span = possible(rule.when.quantity, unit_named(rule.when.unit).dimension)
        if span is not None and not span[0] <= rule.when.base_limit <= span[1]:
            yield f"sensor_rules.{name}.when", f"{condition_text(rule.when)} lies beyond what {rule.when.quantity} can be; correct it"


def _of_names(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    known = ", ".join(policy.ticket_types) or "none"
    for name, clock in policy.extra_clocks.items():
        for kind in clock.types:
            if kind not in policy.ticket_types:
                yield f"extra_clocks.{name}.types", f'"{kind}" is not a ticket type here; known are {known}'
    for name, rule in policy.sensor_rules.items():
        if rule.type not in policy.ticket_types:
            yield f"sensor_rules.{name}.type", f'"{rule.type}" is not a ticket type here; known are {known}'


def _of_running_clocks(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    reserved = (*CLOCKS, CALL_BACK, HANDLED_AGAIN)
    for name in policy.extra_clocks:
        if name in reserved:
            yield f"extra_clocks.{name}", "has the name of another clock; choose one of its own"
    named = {f"pauses.{name}.clocks": rule.clocks for name, rule in policy.pauses.items()}
    named |= {f"escalations.{name}.clocks": step.clocks for name, step in policy.escalations.items()}
    named["compensation.clocks"] = policy.compensation.clocks
    known = clock_names(policy)
    for key, clocks in named.items():
        for clock in clocks:
            if clock not in known:
                meant = difflib.get_close_matches(clock, known, n=1)
                hint = f"did you mean {meant[0]}? " if meant else ""
                yield key, f'"{clock}" is not a clock here; {hint}Known are {", ".join(known)}'
    time = policy.warning.time
    if time is not None and time.counts not in ("elapsed", "nothing"):
        yield "warning.time", f'"{promise_text(time)}" is not elapsed time; write it without "working"'
    for name, step in policy.escalations.items():
        yield from ((f"escalations.{name}.{key}" if key else f"escalations.{name}", says) for key, says in _of_step(step))


def _of_step(step: EscalationStep) -> Iterator[tuple[str, str]]:
    again = None if step.again is None or step.again.counts == "nothing" else step.again
    if not step.whom:
        yield "whom", 'is empty; name at least one, such as "coordinator"'
    if again is not None and (again.counts != "elapsed" or not again.length):
        yield "again", f'"{promise_text(again)}" is no interval; give an elapsed time such as "30 min"'
    elif step.when.kind == "at_risk" and (again is not None or step.times > 1):
        yield "", 'goes out at_risk, which is once; remove again and times, or give a moment such as "-15 min"'
    elif (again is None) != (step.times == 1):
        yield "", "needs both to repeat: again, the interval, and times above 1, how often in all; give both or neither"


def _of_satisfaction(policy: ServicePolicy) -> Iterator[tuple[str, str]]:
    scale = policy.after_closing.scale
    below, target = policy.after_closing.reopen_below, policy.targets.satisfaction
    if below is not None and below > scale:
        yield "after_closing.reopen_below", f"{below} is above the scale of {scale}; lower it"
    if target is not None and target > scale:
        yield "targets.satisfaction", f"{target:g} is above after_closing.scale = {scale}; lower it"
