"""`twohour demo` as a user runs it: a process of its own, in a folder, beside the company's real settings."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from console import cli, demonstration
from console.demonstration import MARK

PAPERS = ("plan-map.html", "coverage-map.html", "dispatch-sheet.xlsx", "itineraries.html", "plan.json", "case.json", "calendars")
LEFT_BY = "TWOHOUR_TEST_LEFT_BY"


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One run beside settings of a real company, which must neither be read nor changed; its children are marked by the environment."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TWOHOUR_", "PREFECT_"))},
        "PYTHONPATH": str(Path(cli.__file__).parents[1]),
        "TWOHOUR_DATABASE_URL": f"sqlite:///{folder / 'real' / 'company.sqlite'}",
        "TWOHOUR_OUTPUT_DIR": str(folder / "real"),
        "TWOHOUR_REGION": "nowhere",
        "TWOHOUR_SOLVER_ITERATIONS": "not a number",
        LEFT_BY: str(folder),
    }
    command = [sys.executable, "-c", "from console.cli import main; main()", "demo", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that a run in a folder left behind."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{LEFT_BY}={folder}".encode() in (entry / "environ").read_bytes():
                left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return left


def must_have_worked(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout
    assert "Error" not in done.stderr  # such as of logs that no server took
    for paper in PAPERS:
        path = folder / "tried" / "plan-1" / paper
        assert path.exists(), paper
        assert str(path) in done.stdout
    url = re.search(r"TWOHOUR_DATABASE_URL=sqlite:///(\S+)", done.stdout)
    assert url is not None
    with sqlite3.connect(url.group(1)) as database:
        assert database.execute("select state, violations from plan").fetchall() == [("published", 0)]
        assert database.execute("select count(*) from ticket where state in ('open', 'planned')").fetchone() == (150,)
        assert database.execute("select count(*) from ticket where state = 'done'").fetchone()[0] > 3000
    assert "TWOHOUR_DATABASE_URL is set: the demo neither reads nor changes that store" in " ".join(done.stdout.split())
    assert not (folder / "real").exists()
    assert left_running(folder) == []


def test_the_demo_plans_a_day_again_where_it_did_before_and_leaves_nothing_running(tmp_path: Path) -> None:
    before = tmp_path / "tried" / "demo"
    before.mkdir(parents=True)
    (before / MARK).write_text("Made by the demo of yesterday, which was killed.", encoding="utf-8")
    (before / "twohour.sqlite").write_bytes(b"half a database")
    must_have_worked(demo(tmp_path, "--seconds", "2", "--out", "tried"), tmp_path)


@pytest.mark.long
def test_the_demo_runs_twice_in_a_row(tmp_path: Path) -> None:
    for _ in range(2):
        must_have_worked(demo(tmp_path, "--seconds", "20", "--out", "tried"), tmp_path)


def test_the_demo_refuses_a_folder_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "mine" / "demo").mkdir(parents=True)
    (tmp_path / "mine" / "demo" / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = demo(tmp_path, "--out", "mine")
    assert done.returncode == 2
    assert "mine/demo" in done.stderr
    assert "--out" in done.stderr
    assert (tmp_path / "mine" / "demo" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


@pytest.mark.parametrize("words", [("--at", "tomorrow"), ("--seconds", "-1"), ("--seed", "-1"), ("--out", "file/below")])
def test_the_demo_refuses_bad_words_before_it_makes_anything(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = demo(tmp_path, *words)
    assert done.returncode == 2, done.stderr
    assert words[0] in done.stderr or words[1] in done.stderr
    assert "fault of twohour" not in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_demos_server_is_none_that_runs_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    # `up --demo` starts a server of its own where the environment names none: a stopped one must not be left there.
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    with demonstration._environment({"PREFECT_API_URL": "http://127.0.0.1:1/api", "DO_NOT_TRACK": "1"}):
        assert (os.environ["PREFECT_API_URL"], os.environ["DO_NOT_TRACK"]) == ("http://127.0.0.1:1/api", "1")
    assert "PREFECT_API_URL" not in os.environ
    assert os.environ["DO_NOT_TRACK"] == "0"
