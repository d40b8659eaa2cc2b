"""`twohour respond`: the first answer to a ticket, from the company's store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

PATIENCE_MS = 3000.0
"""A process that begins spends some two seconds on loading; the rest is for moving others where nobody can come in time."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def respond(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The id of a ticket of the store, planned or not.")],
    at: Annotated[str | None, typer.Option(help="Answer as of this ISO 8601 time with an offset; now when absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say at once who can take a ticket as the published plan stands: when, how surely, at what cost, and who could help from afar."""
    from config.settings import load_settings
    from console.answer_tables import print_answer
    from console.company import moment
    from console.printing import say_compiling
    from data_models.store import open_store
    from flows.responding import respond as answer
    from optimizer.compiling import make_ready

    settings = load_settings()
    now = moment("--at", at) if at else datetime.now(UTC)
    make_ready(say_compiling)
    with open_store(settings.database_url.get_secret_value()) as store:
        found = answer(store, settings, ticket, now, milliseconds=PATIENCE_MS)
    print_answer(found, settings, as_json=as_json)
    if found.kind == "open" and not found.offers and found.repair is None:
        raise typer.Exit(1)
