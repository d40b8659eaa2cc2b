"""Regions on a real Dask cluster, through a real Prefect server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from data_models.case import Case, GreatCircle, Rates, Shift, Station, Technician, Ticket
from data_models.errors import Unavailable
from flows import planning
from flows.stack import PrefectServer
from optimizer.problem import build_problem
from optimizer.regions import by_regions
from optimizer.result import Stop

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def towns() -> Case:
    """Four towns 100 km apart with a technician each, and 24 tickets around them, some for two people."""
    stations = tuple(Station(f"S{i}", f"S{i}", 31.0, 120.0 + i, {}) for i in range(4))
    shift = Shift(EIGHT, EIGHT + timedelta(hours=8), 60)
    people = tuple(Technician(f"T{i}", f"T{i}", f"S{i % 4}", {}, (shift,)) for i in range(8))
    tickets = tuple(
        Ticket(
            f"t{i}", 31.0 + (i % 5) / 10, 120.0 + i / 7, "general", "C", EIGHT, EIGHT + timedelta(hours=1 + i % 6), 40, 100.0, 60.0, 900.0,
            crew=2 if i % 8 == 0 else 1,
        )
        for i in range(24)
    )  # fmt: skip
    return Case("towns", EIGHT, GreatCircle("great_circle", 1.3, 70), stations, people, tickets, Rates(60.0, 1.0, 90.0))


@pytest.fixture
def scheduler() -> Iterator[str]:
    """The address of a Dask cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed", reason="the optional extra `dask` is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.mark.long
def test_a_cluster_finds_the_plan_that_one_process_finds(scheduler: str, running_server: PrefectServer) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    problem = build_problem(towns())
    here = by_regions(problem, Stop(iterations=20_001), 3, most=8)
    with temporary_settings({PREFECT_API_URL: running_server.api_url}):
        there = planning.on_cluster()(problem, Stop(iterations=20_001), 3, scheduler=scheduler, by=partial(by_regions, most=8))
        timed = planning.on_cluster()(problem, Stop(seconds=3.0), 3, scheduler=scheduler, by=partial(by_regions, most=8))
    assert there.schedule == here.schedule
    assert there.iterations == here.iterations == 20_001
    assert by_regions(problem, Stop(iterations=timed.iterations), 3, most=8).schedule == timed.schedule


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in ("flows.regions", "prefect_dask.task_runners"):
        monkeypatch.delitem(sys.modules, loaded, raising=False)
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(Unavailable, match=r"pip install twohour\[dask\]"):
        planning.on_cluster()
