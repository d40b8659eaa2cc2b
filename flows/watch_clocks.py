"""`watch-clocks` in Prefect: every minute a look at the clocks of tickets, then the notices that are due are sent."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from config.settings import load_settings
from data_models.store import open_store
from flows.watching import watch_and_send
from flows.webhooks import deliver_due, forget_delivered

EVERY_MINUTE = "* * * * *"
"""When clocks are looked at: promises are made in minutes. At full minutes, so that a restart does not put it off."""


@flow(name="watch-clocks", log_prints=False)
def watch_clocks() -> None:
    """Watch the clocks once and send what is due. Settings come from the environment, never from parameters.

    Whatever a run that died left undone, the next one does: everything that it writes has a key.
    """
    settings = load_settings()
    logger = get_run_logger()
    with open_store(settings.database_url.get_secret_value()) as store:
        seen, sent = watch_and_send(store, settings, datetime.now(UTC))
        delivered = deliver_due(store, settings, datetime.now(UTC))
        forget_delivered(store, settings, datetime.now(UTC))
    for problem in seen.problems:
        logger.error("%s", problem)
    logger.info(
        "%d tickets watched, %d clocks at risk, %d missed, %d new notices, %d reopened; %d notices sent, %d failed for good; "
        "%d messages delivered, %d webhooks disabled",
        seen.tickets, seen.at_risk, seen.missed, seen.notices, len(seen.reopened), sent.sent, sent.failed,
        delivered.sent, delivered.disabled,
    )  # fmt: skip
