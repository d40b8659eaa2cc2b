"""What tests of flows share: one Prefect server for the whole session, and a morning that is planned once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import Settings
from data_models.snapshot import Snapshot
from data_models.store import Store, open_store
from flows import dispatch
from flows.intake import import_table
from flows.planning import JudgedPlan, SearchLimit, judge, solve
from flows.stack import PrefectServer, prefect_server

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
Company = Callable[[Path, datetime], list[tuple[str, Path]]]


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A real Prefect server; it takes 5-9 s to start, so that tests share it."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture(scope="module")
def prefect_api(running_server: PrefectServer) -> Iterator[Path]:
    """This process as a client of the server, whose folder is given."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_API_URL: running_server.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield running_server.log.parent
        send_logs()


def send_logs() -> None:
    """Wait until the server has all that was logged."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=30)


@pytest.fixture(scope="session", autouse=True)
def search_is_ready(compiled_search: None) -> None:
    """Tests here plan in processes of their own, too, which then find the search compiled."""


@pytest.fixture
def ours(tmp_path: Path) -> Settings:
    """Settings that write into the test's own folder."""
    return Settings(output_dir=tmp_path / "out", timezone="Asia/Shanghai")


@pytest.fixture(scope="session")
def planned_morning(
    small_company: Company, compiled_search: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[tuple[str, Path]], Snapshot, JudgedPlan]:
    """The small company's tables, and its day planned once."""
    folder = tmp_path_factory.mktemp("morning")
    written = small_company(folder / "tables", NOW)
    with open_store(f"sqlite:///{folder / 'company.sqlite'}") as store:
        filled(store, Settings(), written)
        snapshot = dispatch.make_snapshot(store, Settings(), dispatch.read_facts(store, Settings(), NOW))
    return written, snapshot, judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=30), 7))


def filled(store: Store, ours: Settings, written: list[tuple[str, Path]]) -> None:
    """Takes the tables into a store."""
    for table, path in written:
        assert not import_table(store, ours, table, path, now=NOW).rejected
