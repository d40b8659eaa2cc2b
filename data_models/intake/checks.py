"""What the values of one row, and the shifts of one technician, must obey together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
Finding = tuple[str, str]
"""The attribute concerned, and what is wrong with it and what to do."""

_LONGEST_SHIFT = timedelta(days=7)


def check_row(table: str, row: Row) -> list[Finding]:
    """What is wrong with a whole row, new values laid over stored ones; nothing when it is sound."""
    check = _CHECKS.get(table)
    return check(row) if check else []


def _place(row: Row) -> list[Finding]:
    if row["lat"] == 0 and row["lon"] == 0:
        return [("lat", "and lon are both 0, which is in the sea; leave both empty to have the address geocoded")]
    return []


def _contract(row: Row) -> list[Finding]:
    if row["ends_on"] is not None and row["ends_on"] < row["starts_on"]:
        return [("ends_on", f"is before starts_on {row['starts_on']}; correct one of them")]
    return []


def _kit(row: Row) -> list[Finding]:
    return [("broken", f"is more than the {row['owned']} owned; correct one of them")] if row["broken"] > row["owned"] else []


def _shift(row: Row) -> list[Finding]:
    starts, ends = row["starts_at"], row["ends_at"]
    if ends <= starts:
        return [("ends_at", f"is not after starts_at {_said(starts)}; a shift over midnight ends on the next day")]
    if ends - starts > _LONGEST_SHIFT:
        return [("ends_at", f"is more than {_LONGEST_SHIFT.days} days after starts_at {_said(starts)}; split the shift")]
    rest = {name: row[name] for name in ("break_earliest", "break_latest", "break_minutes")}
    if all(value is None for value in rest.values()):
        return []
    for name, value in rest.items():
        if value is None:
            return [(name, "is empty; fill in break_earliest, break_latest and break_minutes, or none of them")]
    if not starts <= rest["break_earliest"] <= rest["break_latest"]:
        return [("break_latest", "must not be before break_earliest, nor that before starts_at; correct them")]
    if rest["break_latest"] + timedelta(minutes=rest["break_minutes"]) > ends:
        return [("break_latest", f"leaves no {rest['break_minutes']:g} minutes before the shift ends {_said(ends)}; make it earlier")]
    return []


def _ticket(row: Row) -> list[Finding]:
    found: list[Finding] = []
    for name in ("closed_at", "due_at"):
        if row[name] is not None and row[name] < row["opened_at"]:
            found.append((name, f"is before opened_at {_said(row['opened_at'])}; correct one of them"))
    start, end = row["window_start"], row["window_end"]
    if (start is None) != (end is None):
        found.append(("window_end" if end is None else "window_start", "is empty; fill in both ends of the window or none"))
    elif start is not None and end < start:
        found.append(("window_end", f"is before window_start {_said(start)}; correct one of them"))
    elif end is not None and row["not_before"] is not None and end < row["not_before"]:
        found.append(("window_end", f"is before not_before {_said(row['not_before'])}; work could never begin"))
    both = sorted(set(row["only"] or ()) & set(row["banned"] or ()))
    if both:
        found.append(("banned", f"names {', '.join(both[:5])}, whom only names too; take them out of one"))
    return found


def overlaps(spells: Iterable[tuple[datetime, datetime, bool]]) -> list[tuple[int, datetime]]:
    """Which new shifts of one technician overlap another one.

    Parameters
    ----------
    spells
        Start, end, and whether the shift is new, for each shift of the technician.

    Returns
    -------
    Positions in `spells` of the new ones, each with the start of the shift it overlaps. Of two new ones the later is named.
    """
    ordered = sorted(enumerate(spells), key=lambda item: (item[1][0], item[1][2]))
    found: list[tuple[int, datetime]] = []
    longest: tuple[int, tuple[datetime, datetime, bool]] | None = None
    for position, (starts, ends, new) in ordered:
        if longest is not None and longest[1][1] > starts:
            if new:
                found.append((position, longest[1][0]))
            elif longest[1][2]:
                found.append((longest[0], starts))
        if longest is None or ends > longest[1][1]:
            longest = (position, (starts, ends, new))
    return found


def _said(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


_CHECKS: Mapping[str, Callable[[Row], list[Finding]]] = {
    "sites": _place,
    "stations": _place,
    "positions": _place,
    "contracts": _contract,
    "kits": _kit,
    "shifts": _shift,
    "tickets": _ticket,
}
