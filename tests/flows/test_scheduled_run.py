"""A real Prefect server fires `plan-day` by its schedule, and the run leaves a draft in the store."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from config.demo.company import write_company
from config.settings import Settings
from data_models.store import list_plans, open_store
from flows.intake import import_table
from flows.stack import prefect_server, server_environment

RUNNER = """
import asyncio, sys
from datetime import timedelta
from config.settings import load_settings
from flows.deployments import morning_deployment, serve_schedules
asyncio.run(serve_schedules(morning_deployment(load_settings(), every=timedelta(seconds=5))))
"""
LIMIT_S = 150


def test_a_scheduled_run_fires_and_leaves_a_draft(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'company.sqlite'}"
    settings = Settings(database_url=url)
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    with open_store(url) as store:
        for table, path in write_company(tmp_path / "tables", now, seed=1):
            import_table(store, settings, table, path, now=now)
    with prefect_server(tmp_path / "prefect") as server:
        environment = {
            **os.environ,
            **server_environment(tmp_path / "prefect", server.api_url),
            "TWOHOUR_DATABASE_URL": url,
            "TWOHOUR_OUTPUT_DIR": str(tmp_path / "out"),
            "TWOHOUR_SOLVER_SECONDS": "1",
        }
        log = (tmp_path / "runner.log").open("wb")
        runner = subprocess.Popen([sys.executable, "-c", RUNNER], env=environment, stdout=log, stderr=log, cwd=tmp_path)
        try:
            finished = asyncio.run(_first_completed_run(server.api_url, runner))
        finally:
            runner.terminate()
            runner.wait(30)
            log.close()
    assert finished, (tmp_path / "runner.log").read_text()[-3000:]
    with open_store(url) as store, store.reading() as session:
        plan = list_plans(session)[-1]
        assert (plan.state, plan.violations) == ("draft", 0)
    assert (tmp_path / "out" / f"plan-{plan.id}" / "plan-map.html").is_file()


async def _first_completed_run(api_url: str, runner: subprocess.Popen[bytes]) -> bool:
    """Wait until a run that the scheduler made, nobody else, is completed; False when the runner ends or time is up."""
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import StateType

    async with PrefectClient(api_url) as client:
        deadline = asyncio.get_running_loop().time() + LIMIT_S
        while asyncio.get_running_loop().time() < deadline and runner.poll() is None:
            for run in await client.read_flow_runs():
                if run.auto_scheduled and run.state is not None and run.state.type == StateType.COMPLETED:
                    return True
                assert run.state is None or run.state.type not in (StateType.FAILED, StateType.CRASHED), run.state.message
            await asyncio.sleep(0.5)
    return False
