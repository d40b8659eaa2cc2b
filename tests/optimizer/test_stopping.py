"""When solvers stop: at their limits, or when somebody asks, with the best schedule so far; and where compiled loops are kept."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from optimizer import routing, search
from optimizer.problem import Problem, build_problem
from optimizer.result import Stop
from optimizer.schedule import schedule

pytestmark = pytest.mark.usefixtures("compiled_search")
ROOT = Path(__file__).parents[2]
SOLVERS = (search.solve, routing.solve)


@pytest.fixture
def busy_day(line_day) -> Problem:
    """Twenty tickets for four people: nothing that a search ends by itself."""
    line_day.station("S")
    dice = random.Random(4)
    for name in "ABCD":
        line_day.technician(name, shifts=((0, 300),), overtime=60)
    for number in range(20):
        line_day.ticket(f"t{number}", dice.randint(-60, 60), due=dice.randint(30, 300))
    return build_problem(line_day.case())


class AfterSoManyLooks:
    """Says yes from the given question on, and counts the questions."""

    def __init__(self, looks: int) -> None:
        self.looks, self.asked = looks, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.looks


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("limit", [Stop(seconds=10_000), Stop(iterations=10**9)])
def test_an_interrupted_solver_gives_its_best_schedule_so_far(solve, limit, busy_day):
    stop = Stop(limit.seconds, limit.iterations, AfterSoManyLooks(20))
    result = solve(busy_day, stop, 1)
    assert result.interrupted
    assert result.cost <= result.trajectory[0][1]
    assert result.schedule == schedule(busy_day, result.schedule.solution)
    assert result.cost == min(cost for _, cost in result.trajectory)


@pytest.mark.parametrize("solve", SOLVERS)
def test_a_solver_that_is_asked_to_stop_at_once_gives_its_start(solve, busy_day):
    given = solve(busy_day, Stop(iterations=50), 1).schedule
    result = solve(busy_day, Stop(seconds=10_000, interrupted=lambda: True), 1, start=given.solution)
    assert result.interrupted
    assert result.schedule.solution.routes == given.solution.routes


@pytest.mark.parametrize("solve", SOLVERS)
def test_a_solver_that_nobody_asks_to_stop_is_not_interrupted(solve, busy_day):
    assert not solve(busy_day, Stop(iterations=300, interrupted=lambda: False), 1).interrupted


@pytest.mark.parametrize("solve", SOLVERS)
def test_somebody_who_never_asks_changes_nothing(solve, busy_day):
    quiet = solve(busy_day, Stop(iterations=1500), 5)
    asked = solve(busy_day, Stop(iterations=1500, interrupted=lambda: False), 5)
    assert quiet.schedule == asked.schedule


def test_the_library_is_interrupted_in_its_own_search_too(busy_day):
    # The rounds of ruin and recreate come first, and ask once each; a few looks later the library itself is searching.
    stop = Stop(seconds=10_000, interrupted=AfterSoManyLooks(routing._ROUNDS + 50))
    result = routing.solve(busy_day, stop, 1)
    assert result.interrupted
    assert result.iterations > routing._ROUNDS


def test_the_search_asks_at_least_every_fifty_milliseconds(busy_day, monkeypatch):
    from optimizer import search_kernel as kernel

    now, run, asked = [0.0], kernel.run, [0.0]

    def run_slowly(table, until):
        now[0] += 0.001 * (until - begun[0])  # an iteration takes a millisecond of this clock
        begun[0] = until
        run(table, until)

    def ask() -> bool:
        asked.append(now[0])
        return len(asked) > 200

    begun = [0]
    monkeypatch.setattr(kernel, "run", run_slowly)
    search.solve(busy_day, Stop(seconds=10_000, interrupted=ask), 1, clock=lambda: now[0])
    assert 0.02 < max(later - earlier for earlier, later in pairwise(asked)) <= 0.05


def test_the_cache_moves_to_a_private_folder_where_no_other_can_be_written(tmp_path):
    code = (
        "from optimizer import compiling\n"
        "try:\n"
        "    compiling.make_ready(lambda: exit('compiles in ' + place()))\n"
        "except SystemExit as said:\n"
        "    print(said)\n"
    )
    code = "def place():\n    from optimizer.search_kernel import _functions\n    return _functions._all[0][0]._cache.cache_path\n" + code
    for room in ("optimizer", "data_models"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    # A file where folders would be made stands for a disk that nobody may write to, and stops the superuser too.
    (tmp_path / "optimizer" / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    (tmp_path / "tmp").mkdir()
    nowhere = str(tmp_path / "home")
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment = {**kept, "PYTHONPATH": str(tmp_path), "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "TMPDIR": str(tmp_path / "tmp")}

    def place() -> Path:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip().removeprefix("compiles in "))

    first = place()
    assert first.is_relative_to(tmp_path / "tmp")
    assert place() == first
    private = tmp_path / "tmp" / first.relative_to(tmp_path / "tmp").parts[0]
    assert private.stat().st_mode & 0o077 == 0
    # A folder that others may write to is not trusted: what lies in the cache is run.
    private.chmod(0o777)
    assert not place().is_relative_to(private)


def test_without_any_folder_to_write_to_the_remedy_is_named(tmp_path, monkeypatch):
    from data_models.errors import TwohourError
    from optimizer import compiling

    monkeypatch.setattr(compiling.tempfile, "gettempdir", lambda: str(tmp_path / "absent" / "folder"))
    with pytest.raises(TwohourError, match="NUMBA_CACHE_DIR"):
        compiling._private_folder()
