"""Events in words and tables: what was understood, what became of it, what was told of the day, and which kinds there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.table import Table

from console.printing import plain, terminal
from console.text import duration
from data_models.events import KINDS, Event, VisitEvent, details, is_moment, subjects

if TYPE_CHECKING:
    from data_models import tables
    from data_models.store import Answer
    from flows.events import Told

MOST_ROWS = 12
WORDS = {
    "counts": "kept",
    "flagged": "kept, but odd",
    "waits": "kept until its ticket is known",
    "merged": "told before",
    "refused": "refused",
    "unreadable": "unreadable",
}
_MARKS = {"counts": "[green]✓[/]", "merged": "[green]✓[/]", "refused": "[red]✗[/]"}
_ENVELOPE = frozenset(field.name for field in dataclasses.fields(Event))


def print_one(event: Event, answer: Answer, names: Mapping[str, str], zone: ZoneInfo) -> None:
    """Say how one event was understood, and what became of it.

    Parameters
    ----------
    names
        What things are called, by id; an id without a name is shown alone.
    zone
        The company's.
    """
    out = terminal()
    about = ", ".join(f"{kind} {_named(id_, names)}" for kind, id_ in subjects(event).items() if id_)
    told = "; ".join(filter(None, (about, facts_told(details(event), zone))))
    out.print(f"{_MARKS.get(answer.verdict, '[yellow]![/]')} {WORDS[answer.verdict]}: {_kind(event.kind)}, {_time(event.at, zone)}")
    out.print(f"  {plain(told)}")
    if answer.note and answer.verdict != "merged":
        out.print(f"  [yellow]{plain(answer.note)}[/]")
    if answer.verdict != "refused":
        told_by = f"told by {plain(event.by)}; told again with --key {plain(event.key)} it is the same event"
        out.print(f"  [dim]{told_by}[/]", soft_wrap=not out.is_terminal)


def print_many(told: Told) -> None:
    """Say what became of many events: counts, then what is odd, refused or unreadable."""
    out = terminal()
    out.print(", ".join(f"{count:,} {WORDS[verdict]}" for verdict, count in told.counts.items()) or "nothing was told")
    odd = [answer for answer in told.answers if answer.note and answer.verdict != "merged"]
    for answer in odd[:MOST_ROWS]:
        mark = _MARKS.get(answer.verdict, "[yellow]![/]")
        out.print(f"{mark} {plain(answer.key)}: {WORDS[answer.verdict]}, {plain(answer.note)}", soft_wrap=not out.is_terminal)
    for sentence in told.unreadable[:MOST_ROWS]:
        out.print(f"[red]✗[/] {plain(sentence)}", soft_wrap=not out.is_terminal)
    more = max(0, len(odd) - MOST_ROWS) + max(0, len(told.unreadable) - MOST_ROWS)
    if more:
        out.print(f"… and {more:,} more; --json has them all")


def print_log(found: Sequence[tuple[tables.Event, str]], zone: ZoneInfo) -> None:
    """Print what was told, newest first, each with what was odd about it."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("when", "what", "about", "told", "by"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "when")
    for row, note in found:
        about = " ".join(filter(None, (row.ticket_id, row.technician_id, row.station_id)))
        facts = [plain(facts_told(row.details, zone))] if row.details else []
        facts += [f"[yellow]! {plain(note)}[/]"] if note else []
        table.add_row(_time(row.at, zone), _kind(row.kind), plain(about), "\n".join(facts), plain(row.by))
    terminal().print(table)


def print_kinds() -> None:
    """Print every kind that may be told, whom it is about, and its facts: those that it needs first, the others in brackets."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("kind", "about", "facts"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "facts")
    for kind in sorted(KINDS, key=lambda kind: (_about(KINDS[kind]), kind)):
        table.add_row(kind, _about(KINDS[kind]), plain(", ".join(_facts_of(KINDS[kind]))))
    terminal().print(table)


def facts_told(told: Mapping[str, Any], zone: ZoneInfo) -> str:
    """The facts of an event as a person says them; times in the company's zone."""
    return ", ".join(_FACTS.get(name, _any)(name, value, zone) for name, value in told.items())


def _any(name: str, value: Any, zone: ZoneInfo) -> str:
    words = name.removesuffix("_at").replace("_", " ")
    if isinstance(value, str) and is_moment(name):
        return f"{words} {_time(datetime.fromisoformat(value), zone)}"
    if isinstance(value, Mapping):
        return f"{words} " + ", ".join(f"{key} {level}" for key, level in value.items())
    if isinstance(value, list):
        return f"{words} {', '.join(map(str, value)) or 'none'}"
    return f"{words} {value:g}" if isinstance(value, float) else f"{words} {value}"


def _kits(_name: str, value: Any, _zone: ZoneInfo) -> str:
    return f"with {', '.join(value)}" if value else "without kits"


_FACTS: Mapping[str, Callable[[str, Any, ZoneInfo], str]] = {
    "kits": _kits,
    "service_minutes": lambda _name, value, _zone: f"{duration(value)} of work",
    "count": lambda _name, value, _zone: f"{value} of them",
}
"""Facts that read better in words of their own."""


def _kind(kind: str) -> str:
    return plain(kind.replace("_", " "))


def _named(id_: str, names: Mapping[str, str]) -> str:
    name = names.get(id_, id_)
    return id_ if name == id_ else f"{id_} ({name})"


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M}"


def _about(kind: type[Event]) -> str:
    if issubclass(kind, VisitEvent):
        return "ticket, technician"
    names = {field.name for field in dataclasses.fields(kind)}
    return next((name for name in ("ticket", "technician", "station") if name in names), "roads")


def _facts_of(kind: type[Event]) -> list[str]:
    shown = [field for field in dataclasses.fields(kind) if field.name not in _ENVELOPE | {"ticket", "technician", "station"}]
    needed = [field.name for field in shown if field.default is dataclasses.MISSING]
    return needed + [f"[{field.name}]" for field in shown if field.default is not dataclasses.MISSING]
