"""Searching the regions of a large case on a Dask cluster, as tasks of Prefect. Needs the optional extra `dask`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect_dask.task_runners import DaskTaskRunner

from optimizer.problem import Problem
from optimizer.regions import Elsewhere, Outcome, Task, search_part
from optimizer.result import Result, Stop
from optimizer.solving import solve as solve_here


@task(name="search region", cache_policy=NO_CACHE, retries=2, persist_result=False)
def search_region(part: Task) -> Outcome:
    """One part's search in one round. Repeats exactly, so that a worker that dies costs time and nothing else."""
    return search_part(part)


def solve_on_cluster(
    problem: Problem,
    stop: Stop,
    seed: int,
    *,
    scheduler: str,
    on_progress: Callable[[float, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 1,
    by: Callable[..., Result] = solve_here,
) -> Result:
    """As `optimizer.regions.solve`, with the parts of each round searched by the cluster's workers.

    The plan is that of one machine with the same seed and iterations. A problem that is small enough to be searched as a whole stays
    in this process.

    Parameters
    ----------
    scheduler
        Address of the Dask scheduler, such as `tcp://10.0.0.5:8786`. Its workers need twohour in the same version.
    by
        What divides and joins.

    Raises
    ------
    OSError
        The scheduler does not answer.
    """

    runner: Any = DaskTaskRunner(address=scheduler)

    # The problem comes in by the closure: parameters of a flow are kept and shown by the server.
    @flow(name="search-regions", task_runner=runner, persist_result=False)
    def search_regions() -> list[Result]:
        return [by(problem, stop, seed, on_progress=on_progress, clock=clock, workers=workers, elsewhere=_submitting())]

    return search_regions()[0]


def _submitting() -> Elsewhere:
    def elsewhere(parts: Sequence[Task]) -> list[Outcome]:
        return [run.result() for run in [search_region.submit(part) for part in parts]]

    return elsewhere
