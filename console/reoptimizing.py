"""`reoptimize`: the published plan made again now, as the schedule does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from console.company import moment
from console.front_door import AsJson, search_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.explanation import Said

MOST_ALIKE = 3
"""So many pieces of news of a kind are told in full, of the others only what they are about."""

WORDS = {
    "busy": "another run is at work on it; nothing was done",
    "no_plan": "no plan is published; `twohour plan` makes the first",
    "nothing_new": "nothing happened that matters",
    "unchanged": "the published plan is still the best",
    "waits": "a draft waits for you",
    "published": "the new plan is published",
}


def reoptimize(
    at: Annotated[
        str | None, typer.Option(help="As of this ISO 8601 time with an offset, not before what was told last; now when absent.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="How long to search; the setting automatic.search_seconds when absent.")] = None,
    iterations: Annotated[int | None, typer.Option(help="Search this many steps instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the published plan again if anything happened that matters; what may go out by itself does."""
    from config.settings import load_settings
    from console.printing import plain, print_json, say_compiling, terminal
    from console.replanning import print_difference
    from data_models.store import open_store
    from flows.dispatch import read_plan
    from flows.reoptimizing import reoptimize as run
    from flows.reoptimizing import stand_in
    from flows.replanning import difference_summary

    settings, now = load_settings(), moment("--at", at) if at else datetime.now(UTC)
    limit = search_limit(seconds, iterations)
    with open_store(settings.database_url.get_secret_value()) as store:
        decided = stand_in(store, settings, now)
        done = run(store, settings, now, limit=limit, on_compile=say_compiling)
        case = read_plan(store, done.plan).snapshot.case if done.plan is not None and done.difference is not None else None
    if as_json:
        difference = None if done.difference is None else difference_summary(done.difference)
        print_json({"action": done.action, "plan": done.plan, "reasons": done.reasons, "difference": difference, "decided": decided})
        return
    out = terminal()
    for draft in decided:
        out.print(f"[yellow]![/] nobody decided about plan {draft} in time: `twohour show {draft}` says what was done")
    for line in news_in_lines(done.news):
        out.print(f"  {plain(line)}")
    if case is not None and done.difference is not None:
        print_difference(case, done.difference)
    following = f": twohour show {done.plan}, twohour approve {done.plan}" if done.action == "waits" else ""
    out.print(f"{WORDS[done.action]}{following}")


def news_in_lines(news: Sequence[Said]) -> Iterator[str]:
    """What happened, in sentences: those of a kind together, a long row of them cut short."""
    from console.printing import few
    from optimizer.matters import Matters

    kinds: dict[str, list[Said]] = {}
    for each in news:
        kinds.setdefault(each.code, []).append(each)
    for alike in kinds.values():
        yield from Matters(tuple(alike[:MOST_ALIKE])).reasons
        if others := [_about(each) for each in alike[MOST_ALIKE:]]:
            yield f"and {len(others)} more like these: {few(others, 6)}"


def _about(each: Said) -> str:
    return next((str(each.values[name]) for name in ("ticket", "technician", "station") if name in each.values), "")
