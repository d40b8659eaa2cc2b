"""Sensor readings at the command line."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from console.company import AsJson
from console.text import printable

if TYPE_CHECKING:
    from data_models.store.readings import TakenReadings
    from flows.readings import FileTaken

_MOST_SHOWN = 10


def readings(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header, or JSON Lines.")],
    as_json: AsJson = False,
) -> None:
    """Take sensor readings; those that a rule of the policy asks for open tickets. The same file again changes nothing."""
    from config.settings import load_settings
    from data_models.store import open_store
    from flows.readings import forget_old, take_file

    settings, now = load_settings(), datetime.now(UTC)
    with open_store(settings.database_url.get_secret_value()) as store:
        total = take_file(store, settings, file, now)
        forgotten = forget_old(store, settings, now)
    if as_json:
        from console.printing import print_json

        counts = {"lines": total.lines, "flagged": total.flagged, "refused": total.refused, "forgotten": forgotten}
        print_json(told(total.taken) | {"counts": counts})
    else:
        _print(total, forgotten, ZoneInfo(settings.timezone))
    if total.refused:
        raise typer.Exit(1)


def told(taken: TakenReadings) -> dict[str, Any]:
    """What came of readings as plain JSON values."""
    return {
        "kept": taken.kept,
        "doubles": taken.doubles,
        "tickets": [
            {"ticket": it.ticket, "site": it.site, "rule": it.rule, "sensor": it.sensor, "at": it.at, "since": it.since}
            for it in taken.openings
        ],
        "flags": [{"flaw": flag.flaw, "says": flag.says} for flag in taken.flags],
        "refused": [{"position": refusal.position, "says": refusal.says} for refusal in taken.refused],
        "doubts": [{"ticket": doubt.ticket, "site": doubt.site, "rule": doubt.rule} for doubt in taken.doubts],
        "troubles": [
            {"site": it.site, "sensor": it.sensor, "quantity": it.quantity, "kind": it.kind, "since": it.since} for it in taken.troubles
        ],
    }


def _print(total: FileTaken, forgotten: int, zone: ZoneInfo) -> None:
    taken = total.taken
    typer.echo(f"{total.lines:,} lines: {taken.kept:,} kept, {taken.doubles:,} known already, {total.refused:,} refused")
    for opening in taken.openings:
        _say(f"ticket {opening.ticket} opened: rule {opening.rule} at {opening.site}, sensor {opening.sensor}")
    for doubt in taken.doubts:
        _say(f"ticket {doubt.ticket} is doubtful: a reading that came late shows that rule {doubt.rule} was not met")
    for trouble in taken.troubles:
        since = f"{trouble.since.astimezone(zone):%Y-%m-%d %H:%M}"
        _say(f"sensor {trouble.sensor} at {trouble.site} is {trouble.kind} ({trouble.quantity}) since {since}")
    if total.flagged:
        kinds = Counter(flag.flaw for flag in taken.flags)
        typer.echo(f"{total.flagged:,} kept but not believed: {', '.join(f'{count:,} {flaw}' for flaw, count in kinds.items())}")
    for flag in taken.flags[:_MOST_SHOWN]:
        _say(f"  {flag.flaw}: {flag.says}")
    for refusal in taken.refused[:_MOST_SHOWN]:
        _say(f"  line {refusal.position} refused: {refusal.says}")
    more = max(0, total.refused - _MOST_SHOWN)
    if more:
        typer.echo(f"  and {more:,} more; --json has the first thousand")
    if forgotten:
        typer.echo(f"{forgotten:,} readings older than the setting reading_days are deleted")


def _say(line: str) -> None:
    typer.echo(printable(line))
