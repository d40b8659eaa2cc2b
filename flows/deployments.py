"""When flows run by themselves: deployments with their schedules, and the process that carries the runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import aserve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from flows.plan_day import plan_day
from flows.watch_clocks import EVERY_MINUTE, watch_clocks

if TYPE_CHECKING:
    from config.settings import Settings


async def morning_deployment(settings: Settings) -> RunnerDeployment:
    """`plan-day` each morning, by the cron line and time zone of the settings.

    The entry point is the module, not a file, so that runs start wherever the package is installed.
    """
    return await plan_day.ato_deployment(
        name="every-morning",
        schedule=Cron(settings.morning_cron, timezone=settings.timezone),
        concurrency_limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
        description="Plans the day ahead and leaves a draft for a coordinator.",
    )


async def watching_deployment() -> RunnerDeployment:
    """`watch-clocks` every minute; a run that would meet another one is dropped, since the next comes soon."""
    return await watch_clocks.ato_deployment(
        name="every-minute",
        schedule=Cron(EVERY_MINUTE, timezone="UTC"),
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
        description="Watches the clocks of tickets, tells of those in danger, and sends the notices that are due.",
    )


async def serve_schedules(*deployments: RunnerDeployment) -> None:
    """Register the deployments with the Prefect server of `PREFECT_API_URL` and carry their runs out until cancelled."""
    await aserve(*deployments, print_starting_message=False)
