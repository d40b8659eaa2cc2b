"""`study-stations` in Prefect: scenarios × seeds as tasks in parallel processes, or on Dask where that is configured.

Each task reads and writes files only: a run that is started again finds what was replayed before, by content.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ProcessPoolTaskRunner

from config.policies import load_policy
from config.settings import load_settings
from data_models.study_files import read_scenario, read_study
from flows import studio


@task(name="replay scenario", cache_policy=NO_CACHE, retries=2, persist_result=False)
def replay_scenario(run: studio.Run, kept: Path) -> str:
    """Replay one scenario with one seed, unless that was done before; the name of the file."""
    studio.replay_run(run, kept)
    return f"{run.digest}.json"


@flow(name="study-stations", persist_result=False)
def study_stations(
    study: Path,
    scenarios: list[Path],
    out: Path,
    policy: studio.PolicyName = "optimize",
    seeds: int = 1,
    future: bool = False,
    iterations: int = studio.DEFAULT_ITERATIONS,
    language: studio.Language = "zh",
) -> Path:
    """Replay all scenarios of a study in parallel and write what they give to `out`; the path of the report.

    With `TWOHOUR_DASK_SCHEDULER` the tasks run on that cluster, whose workers must see the folder `out`.
    """
    logger = get_run_logger()
    facts, asked = read_study(study), studio.with_today([read_scenario(path) for path in scenarios])
    service = load_policy(facts.policy)
    studio.must_fit(facts, asked, service)
    numbers = tuple(range(1, seeds + 1))
    runs = [studio.Run(facts, each, service, policy, seed, iterations, future) for each in asked for seed in numbers]
    for name in _replayed(runs, out / "replays"):
        logger.info("replayed %s", name)
    made = studio.compare_scenarios(
        facts, asked, service, policy, seeds=numbers, future=future, iterations=iterations, kept=out / "replays"
    )
    report = studio.write_comparison(made, out, language)
    create_markdown_artifact(studio.comparison_markdown(made), key="study-stations")
    return report


def _replayed(runs: list[studio.Run], kept: Path) -> Iterator[str]:
    """The replays, made by as many processes as the settings allow, or by the cluster."""
    settings = load_settings()
    runner: Any = ProcessPoolTaskRunner(max_workers=settings.solver_workers)
    if settings.dask_scheduler:
        from prefect_dask.task_runners import DaskTaskRunner

        runner = DaskTaskRunner(address=settings.dask_scheduler)

    # The runs come in by the closure: parameters of a flow are kept and shown by the server.
    @flow(name="replay-scenarios", task_runner=runner, persist_result=False)
    def replay_scenarios() -> list[str]:
        return [made.result() for made in [replay_scenario.submit(run, kept) for run in runs]]

    yield from replay_scenarios()
