"""`plan-day` on a real Prefect server: its tasks and artifacts are there, secrets and live HTML are not, and its schedule fires."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, load_settings
from data_models.errors import Conflict
from data_models.store import list_plans, open_store
from data_models.store.notices import list_notices
from flows import dispatch, plan_day
from flows.intake import import_table
from flows.stack import PrefectServer, server_environment
from tests.flows.conftest import send_logs

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
PASSWORD = "s3cret-of-the-database"  # noqa: S105
LIVE_ID = "TK-6<img src=x>"
LIVE_NAME = "<img src=x onerror=alert(1)> [x](javascript:alert(2))"
UP = "import sys; sys.argv = ['twohour', 'up']; from console.cli import main; main()"
SCHEDULE_LIMIT_S = 180
Company = Callable[[Path, datetime], list[tuple[str, Path]]]


@dataclass(frozen=True)
class Run:
    """A finished run of the flow: the draft's number, and what the server keeps of the run."""

    number: int
    server: Path
    store_url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.server / 'prefect.db'}?mode=ro", uri=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def company_url(postgresql_url: str, small_company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small company on PostgreSQL behind a password, named by the environment as an installation does."""
    # The server trusts us: any password will do, and one that must not be seen anywhere does best.
    url = postgresql_url.replace("postgres@", f"postgres:{PASSWORD}@")
    monkeypatch.setenv("TWOHOUR_DATABASE_URL", url)
    monkeypatch.setenv("TWOHOUR_OUTPUT_DIR", str(tmp_path / "out"))
    monkeypatch.chdir(tmp_path)
    with open_store(url) as store:
        for table, path in small_company(tmp_path / "tables", NOW):
            path.write_text(path.read_text(encoding="utf-8").replace("TK-6", LIVE_ID), encoding="utf-8")
            import_table(store, load_settings(), table, path, now=NOW)
    return url


@pytest.fixture
def run(prefect_api: Path, company_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    make = dispatch.make_snapshot

    def with_live_name(*args: Any) -> Any:
        snapshot = make(*args)
        return replace(snapshot, case=replace(snapshot.case, name=LIVE_NAME))

    monkeypatch.setattr(dispatch, "make_snapshot", with_live_name)
    number = plan_day.plan_day(at=NOW, iterations=30, seed=7)
    assert isinstance(number, int)
    send_logs()
    return Run(number, prefect_api, company_url)


def test_a_run_is_a_draft_with_papers_and_everything_of_it_on_the_server(run: Run, tmp_path: Path) -> None:
    with open_store(run.store_url) as store:
        kept = dispatch.read_plan(store, run.number)
    assert (kept.state, kept.seed, kept.iterations) == ("draft", 7, 30)
    assert (tmp_path / "out" / f"plan-{run.number}" / "plan-map.html").is_file()

    names = {name.rpartition("-")[0] for (name,) in run.rows("select name from task_run")}
    assert {"snapshot", "travel", "solve", "check and score", "explain", "draft", "papers of the draft"} <= names

    artifacts = dict(run.rows("select key, data from artifact where key is not null"))
    assert {"plan-summary", "unplanned-tickets", "plan-map", "coverage-map", "itineraries"} <= set(artifacts)
    summary = json.loads(artifacts["plan-summary"])
    assert f"Plan {run.number}" in summary
    assert "| emergency | 3 | 2 |" in summary
    unplanned = json.loads(json.loads(artifacts["unplanned-tickets"]))
    assert [row["ticket"] for row in unplanned] == ["TK-6&lt;img src=x&gt;"]
    assert "48 h" in unplanned[0]["reasons"] or "shift" in unplanned[0]["reasons"]

    # The server's page renders Markdown and HTML: a name must be text there.
    assert "<img" not in summary
    assert "](javascript" not in summary
    assert "&lt;img" in summary
    assert "<img" not in "".join(artifacts.values())


def test_the_server_never_learns_a_password(run: Run) -> None:
    assert run.rows("select count(*) from log")[0][0] > 0
    parameters = run.rows("select parameters from flow_run order by created desc limit 1")[0][0]
    assert set(json.loads(parameters)) == {"at", "seconds", "iterations", "seed"}
    for file in run.server.iterdir():
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes(), file.name


def test_a_plan_that_breaks_a_rule_fails_the_run_and_leaves_no_draft(
    prefect_api: Path, company_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = plan_day.search

    def forgetful(*args: Any, **how: Any) -> Any:
        return replace(search(*args, **how), unassigned=())

    monkeypatch.setattr(plan_day, "search", forgetful)
    with pytest.raises(Conflict, match="TK-6"):
        plan_day.plan_day(at=NOW, iterations=5)
    with open_store(company_url) as store, store.reading() as session:
        assert list_plans(session) == []


def test_only_tasks_that_do_io_are_retried() -> None:
    retried = {plan_day.read_facts, plan_day.make_snapshot, plan_day.keep_draft, plan_day.write_draft_papers}
    computing = {plan_day.solve, plan_day.check_and_score, plan_day.explain}
    assert {task.retries for task in retried} == {len(plan_day.RETRY_DELAYS_S)}
    assert {task.retries for task in computing} == {0}
    assert plan_day.plan_day.retries in (0, None)


def test_up_fires_scheduled_runs_that_leave_a_draft_and_tell_of_clocks_in_danger(
    running_server: PrefectServer, small_company: Company, tmp_path: Path
) -> None:
    url, log = f"sqlite:///{tmp_path / 'company.sqlite'}", tmp_path / "runner.log"
    with open_store(url) as store:
        # Tickets of three hours ago: their promises are missed by now.
        for table, path in small_company(tmp_path / "tables", datetime.now(UTC) - timedelta(hours=3)):
            import_table(store, Settings(), table, path, now=datetime.now(UTC))
    environment = {
        **os.environ,
        **server_environment(running_server.log.parent, running_server.api_url),
        "TWOHOUR_DATABASE_URL": url,
        "TWOHOUR_OUTPUT_DIR": str(tmp_path / "out"),
        "TWOHOUR_SOLVER_ITERATIONS": "30",
        "TWOHOUR_MORNING_CRON": "* * * * *",
        "TWOHOUR_NOTICES__CHANNELS__COORDINATOR": '["env:NOT_SET"]',
    }
    with log.open("wb") as sink:
        runner = subprocess.Popen([sys.executable, "-c", UP], env=environment, stdout=sink, stderr=sink, cwd=tmp_path)
        try:
            finished = asyncio.run(completed_runs(running_server.api_url, runner, {"plan-day", "watch-clocks"}))
        finally:
            runner.send_signal(signal.SIGINT)
            status = runner.wait(60)
    assert finished, log.read_text(encoding="utf-8")[-3000:]
    assert status in (0, 130), log.read_text(encoding="utf-8")[-3000:]
    with open_store(url) as store, store.reading() as session:
        plan = list_plans(session)[-1]
        assert (plan.state, plan.violations) == ("draft", 0)
        told = [(notice.template, notice.state) for notice in list_notices(session)]
    # The minute's run looked at the clocks and tried to send: its channel has no address.
    assert told
    assert {state for _, state in told} == {"waiting"}
    assert (tmp_path / "out" / f"plan-{plan.id}" / "plan-map.html").is_file()


async def completed_runs(api_url: str, runner: subprocess.Popen[bytes], wanted: set[str]) -> bool:
    """Wait until each flow has completed a run that the scheduler made, nobody else; False when the runner ends or time is up."""
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import StateType

    async with PrefectClient(api_url) as client:
        names = {}
        deadline = asyncio.get_running_loop().time() + SCHEDULE_LIMIT_S
        while asyncio.get_running_loop().time() < deadline and runner.poll() is None:
            done = set()
            for run in await client.read_flow_runs():
                if run.auto_scheduled and run.state is not None:
                    assert run.state.type not in (StateType.FAILED, StateType.CRASHED), run.state.message
                    if run.state.type == StateType.COMPLETED:
                        names[run.flow_id] = names.get(run.flow_id) or (await client.read_flow(run.flow_id)).name
                        done.add(names[run.flow_id])
            if wanted <= done:
                return True
            await asyncio.sleep(0.5)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="cancels as Prefect does on Unix")
def test_a_run_that_is_cancelled_while_it_searches_leaves_no_draft_and_no_papers(
    running_server: PrefectServer, company_url: str, tmp_path: Path
) -> None:
    # Prefect ends the process of a run that is cancelled with SIGTERM.
    code = f"from datetime import datetime; from flows.plan_day import plan_day; plan_day(at=datetime.fromisoformat('{NOW}'), seconds=1000)"
    environment = {
        **os.environ,
        **server_environment(running_server.log.parent, running_server.api_url),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as running:
        assert running.stderr is not None
        planned = any(": cost " in line for line in running.stderr)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=120)
    assert planned
    assert running.returncode != 0
    with open_store(company_url) as store, store.reading() as session:
        assert list_plans(session) == []
    assert not (tmp_path / "out").exists()
