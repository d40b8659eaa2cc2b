"""`reoptimize`: the published plan made again now, as the schedule does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from console.front_door import AsJson, search_limit

WORDS = {
    "busy": "another run is at work on it; nothing was done",
    "no_plan": "no plan is published; `twohour plan` makes the first",
    "nothing_new": "nothing happened that matters",
    "unchanged": "the published plan is still the best",
    "waits": "a draft waits for you",
    "published": "the new plan is published",
}


def reoptimize(
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"], help="Now, when absent.")] = None,
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

    settings, now = load_settings(), at or datetime.now(UTC)
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
    for reason in done.reasons[:12]:
        out.print(f"  {plain(reason)}")
    if case is not None and done.difference is not None:
        print_difference(case, done.difference)
    following = f": twohour show {done.plan}, twohour approve {done.plan}" if done.action == "waits" else ""
    out.print(f"{WORDS[done.action]}{following}")
