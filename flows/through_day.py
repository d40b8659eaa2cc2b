"""`reoptimize` in Prefect: every quarter of an hour round the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.context import FlowRunContext
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Interval
from prefect.types.entrypoint import EntrypointType

from config.settings import load_settings
from data_models.store import open_store
from flows.planning import SearchLimit
from flows.reoptimizing import reoptimize, stand_in


@flow(name="reoptimize", log_prints=False)
def reoptimize_flow(at: datetime | None = None, seconds: float | None = None) -> str:
    """Decide about drafts that waited too long, then plan again if anything matters; what was done."""
    settings, now, logger = load_settings(), at or datetime.now(UTC), get_run_logger()
    context = FlowRunContext.get()
    run = str(context.flow_run.id) if context is not None and context.flow_run is not None else None
    with open_store(settings.database_url.get_secret_value()) as store:
        for draft in stand_in(store, settings, now):
            logger.warning("nobody decided about plan %s in time; see the notices", draft)
        done = reoptimize(store, settings, now, limit=None if seconds is None else SearchLimit(seconds), run=run)
    logger.info("%s, plan %s: %s", done.action, done.plan, "; ".join(done.reasons[:10]))
    return done.action


async def reoptimize_deployment(every: timedelta) -> RunnerDeployment:
    """`reoptimize` round the clock, one run at a time."""
    return await reoptimize_flow.ato_deployment(
        name="through-the-day",
        schedule=Interval(every),
        concurrency_limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
        description="Makes the published plan again when something happened, and lets it out as the settings say.",
    )
