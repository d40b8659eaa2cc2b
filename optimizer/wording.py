"""English sentences for the codes of reasons and changes: the one place to translate.

A sentence is a template over the values of its code. The end of a value's name says how it is shown: `_at` a clock
time (with the day when it is not today), `_minutes` a duration, `_cost` money, `_level` and `_count` numbers; a tuple is a list
of names; anything else an id, shown by its name when the context knows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from optimizer.explanation import Value

SENTENCES: Mapping[str, str] = {
    # Why it cannot be.
    "promise_passed": "It was promised for {due_at}, before this plan begins at {now_at}.",
    "opened_after_due": "It was opened at {opened_at}, after the promised {due_at}.",
    "windows_over": "Its last access window closed at {end_at}, before this plan begins at {now_at}.",
    "access_never": "No access window is open once it may begin.",
    "access_after_due": "The customer lets work begin no sooner than {first_at}, after the promised {due_at}.",
    "access_too_soon": "From the nearest station, {station}, work could begin at {arrive_at}, but no access window is open from then "
    "to the promised {due_at}.",
    "no_stations": "There is no station.",
    "no_technicians": "There is no technician.",
    "no_road": "No road leads from any station to the customer and back.",
    "too_far": "The nearest station, {station}, is {drive_minutes} away: nobody could begin before {arrive_at}, "
    "and it is promised for {due_at}.",
    "beyond_any_shift": "From the nearest station, {station}, going there, working and coming back takes {needed_minutes}; "
    "the longest shift with overtime is {longest_minutes}.",
    "nobody_allowed": "Only {only} may go there.",
    "everybody_banned": "{banned} may not go there, and nobody else is left.",
    "only_unfit": "Only {only} may go there, and they cannot do it.",
    "banned_fit": "{banned} could do it, but may not go there.",
    "skill_missing": "Nobody has {skill}.",
    "skill_level_missing": "Nobody has {skill} at level {least_level}; the best is level {best_level} ({technicians}).",
    "certificate_expired": "The certificate of {technician} for {skill} (level {had_level}) expired on {expired_on}.",
    "skills_apart": "Nobody has {skills} together.",
    "skills_apart_crew": "No {crew_count} people have {skills} between them.",
    "crew_too_few": "It needs {crew_count} people, and only {technicians} may go there.",
    "kit_unowned": "No station owns the kit {kit}.",
    "kit_elsewhere": "The kit {kit} is owned at {stations}; the people who could do the work are at {homes}.",
    "kits_apart": "No station of the people who could do the work owns {kits} together.",
    "load_too_heavy": "Its load of {load} exceeds every vehicle of the people who could do the work (largest: {largest}).",
    "too_far_own": "The nearest people who fit, {technicians} of {stations}, could begin no sooner than {arrive_at}, "
    "and it is promised for {due_at}.",
    "too_far_own_window": "The nearest people who fit, {technicians} of {stations}, could be there at {arrive_at}, "
    "and the last access window closes at {end_at}.",
    "no_road_own": "No road leads from the people who fit, {technicians} of {stations}, to the customer and back.",
    "too_far_own_shift": "The nearest people who fit, {technicians} of {stations}, would need {needed_minutes} to go there, work "
    "and come back; the longest shift with overtime is {longest_minutes}.",
    "off_duty": "The people who could do it in time are off duty then; the first on duty, {technicians}, could begin at {arrive_at}.",
    "off_duty_all": "Nobody who could do it is on duty long enough to go there, work and come back.",
    "shift_too_short": "{technician} ends at {end_at} with all overtime and would be back at {back_at}.",
    "busy": "{technician}, if idle, could begin at {arrive_at}, but is busy with {tickets} until {free_at}, "
    "and from there could arrive no sooner than {next_at}.",
    "busy_then": "{technician} would have to leave at {leave_at} to begin at {arrive_at}, but is busy with {tickets} until {free_at}.",
    "busy_more": "Besides, {others_count} more could come if they were free.",
    "kit_out": "{technician} is free, but every kit {kit} of {station} is out with {technicians} until {back_at}.",
    "kit_short": "The kit {kit} of {station} is in use when it would be needed.",
    "crew_apart": "It needs {crew_count} people at once, and those who could be there in time are not free together.",
    "locked_first": "{technician} must first do the locked work {tickets}.",
    "no_room": "{technician} has a gap, but not long enough unless another ticket suffers.",
    "costs_more": "Work could begin at {start_at} ({technicians}), but that makes the plan {more_cost} dearer.",
    "only_late": "Without harm to others work could begin at {start_at} at the soonest ({technicians}), {late_minutes} late, "
    "which makes the plan {more_cost} dearer.",
    "late_can_improve": "Work could begin at {start_at} ({technicians}), {late_minutes} late, "
    "and the plan would be {less_cost} cheaper: solve longer.",
    "plan_can_improve": "Work could begin at {start_at} ({technicians}), and the plan would be {less_cost} cheaper: solve longer.",
    # What would help.
    "change_replan": "Plan again: there is room.",
    "change_overtime": "{extra_minutes} more overtime for {technician}.",
    "change_earlier_shift": "{technician} begins at {start_at}.",
    "change_on_call": "{technician} on call from {start_at} to {end_at}.",
    "change_certificate": "Renew the certificate of {technician} for {skill} (level {new_level}).",
    "change_allow": "Let {technician} go there.",
    "change_window": "Let work begin from {start_at} to {end_at}.",
    "change_due": "Promise {end_at} instead.",
    "change_kit": "{more_count} more {kit} at {station}.",
    "change_skill": "Train {technician} in {skill} to level {new_level}.",
    "change_technician": "One more person at {station} with {skills}, on duty from {start_at} to {end_at}.",
    "served": "Work then begins at {start_at} ({technicians}).",
}


def sentence(code: str, values: Mapping[str, Value], names: Mapping[str, str], now: datetime) -> str:
    """The English sentence of a code.

    Parameters
    ----------
    code
        A key of `SENTENCES`.
    values
        What fills its template; moments are ISO 8601 texts.
    names
        Words to show in place of ids; an id without one is shown as it is.
    now
        The day that needs no date, and the offset that clocks are shown in.
    """
    return SENTENCES[code].format_map({key: _shown(key, value, names, now) for key, value in values.items()})


def clock(moment: datetime, now: datetime) -> str:
    """A time of day, rounded up to the minute (nobody is promised sooner), with the date when it is not the day of `now`."""
    local = moment.astimezone(now.tzinfo)
    if local.second or local.microsecond:
        local = local.replace(second=0, microsecond=0)
        local = datetime.fromtimestamp(local.timestamp() + 60, local.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"


def duration(minutes: float) -> str:
    """Minutes as hours and minutes, rounded to the nearest minute; what rounds to none is less than a minute."""
    if 0 < minutes <= 0.5:
        return "less than a minute"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def _shown(key: str, value: Value, names: Mapping[str, str], now: datetime) -> str:
    if isinstance(value, tuple):
        return _listed([names.get(item, item) for item in value])
    if isinstance(value, str):
        return clock(datetime.fromisoformat(value), now) if key.endswith("_at") else names.get(value, value)
    if key.endswith("_minutes"):
        return duration(value)
    if key.endswith("_cost"):
        return f"{value:,.0f}"
    return f"{value:g}"


def _listed(items: list[str]) -> str:
    if len(items) > 4:
        items = [*items[:3], f"{len(items) - 3} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "nobody"
