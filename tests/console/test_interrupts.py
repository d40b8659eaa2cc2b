"""Ctrl-C and SIGTERM, as they come from a terminal and from whatever stops services: real signals to real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console import cli
from data_models.case_files import read_case, read_plan
from optimizer.check import check

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals as Unix has them")
if sys.platform != "win32":
    import pty

FOUR_TICKETS = Path(__file__).parents[1] / "fixtures" / "four-ticket-day.json"
MAIN = "from console.cli import main; main()"
LONG = ("--seconds", "1000")
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
AT = "2026-03-02T08:00:00+08:00"


@dataclass
class Running:
    """A command that runs in a process of its own, with a terminal as its standard error."""

    process: subprocess.Popen[str]
    terminal: int
    shown: str = ""

    def await_text(self, pattern: str) -> None:
        """Reads what the terminal shows until it matches."""
        while not re.search(pattern, self.shown):
            try:
                piece = os.read(self.terminal, 4096).decode(errors="replace")
            except OSError:  # the other end is closed
                piece = ""
            assert piece, f"ended without {pattern}: {self.shown}"
            self.shown += piece

    def end(self) -> tuple[int, str]:
        """The exit status and standard output."""
        with suppress(OSError):
            while piece := os.read(self.terminal, 4096):
                self.shown += piece.decode(errors="replace")
        return self.process.wait(60), self.process.stdout.read() if self.process.stdout else ""


@contextmanager
def running(*words: object, code: str = MAIN) -> Iterator[Running]:
    """`twohour WORDS` under way; killed if it still runs at the end."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1]), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env=environment,
        # A test run that a shell put into the background ignores SIGINT, and what it starts would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # type: ignore[arg-type,return-value]
    )
    os.close(theirs)
    try:
        yield Running(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("solver", ["search", "routing"])
def test_an_interrupted_search_writes_the_best_plan_so_far_and_says_so(solver: str, number: int, status: int, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    with running("solve", FOUR_TICKETS, *LONG, "--solver", solver, "--out", out) as command:
        command.await_text("cost [0-9]")
        command.process.send_signal(number)
        ended, said = command.end()
    assert ended == status, command.shown
    assert check(read_case(FOUR_TICKETS), read_plan(out)) == ()
    assert re.search(r"interrupted after \d+ s: this is the best plan so far", said)
    assert f"plan written to {out}" in said.replace("\n", "")


def test_a_program_reads_whether_the_search_was_interrupted(tmp_path: Path, twohour: Any) -> None:
    whole = twohour("solve", FOUR_TICKETS, "--iterations", 5, "--out", tmp_path / "whole.json", "--json")
    assert json.loads(whole.out)["interrupted"] is False
    # With --json there is no progress line: the search itself tells when it has begun.
    code = (
        "import sys\n"
        "from optimizer import search\n"
        "told = search._Run._tell\n"
        "search._Run._tell = lambda run: (told(run), print('has a plan', file=sys.stderr, flush=True))\n" + MAIN
    )
    with running("solve", FOUR_TICKETS, *LONG, "--out", tmp_path / "plan.json", "--json", code=code) as command:
        command.await_text("has a plan")
        command.process.send_signal(signal.SIGTERM)
        ended, said = command.end()
    assert ended == 143
    assert json.loads(said)["interrupted"] is True
    assert json.loads(said)["written"] == str(tmp_path / "plan.json")


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("stage", ["optimizer.compiling.make_ready", "optimizer.problem.build_problem"])
def test_before_there_is_a_plan_a_signal_ends_the_command_and_nothing_is_written(
    stage: str, number: int, status: int, tmp_path: Path
) -> None:
    # Compiling takes half a minute once, reading a large case some seconds: here both take as long as it takes to be interrupted.
    module, _, name = stage.rpartition(".")
    code = (
        "import sys, threading\n"
        f"import {module} as stage\n"
        "def lasting(*_, **__):\n"
        "    print('is at it', file=sys.stderr, flush=True)\n"
        "    while True: threading.Event().wait(0.01)\n"
        f"stage.{name} = lasting\n" + MAIN
    )
    with running("solve", FOUR_TICKETS, *LONG, "--out", tmp_path / "plan.json", code=code) as command:
        command.await_text("is at it")
        command.process.send_signal(number)
        ended, said = command.end()
    assert (ended, said) == (status, "")
    assert "interrupted; nothing unfinished was written" in command.shown
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_ends_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    # The search has a plan, and does not notice the first signal.
    code = (
        "import sys, threading\n"
        "from optimizer import search\n"
        "def deaf(memory, run, on_look):\n"
        "    print('has a plan', file=sys.stderr, flush=True)\n"
        "    while not run.stop.is_asked_for: threading.Event().wait(0.01)\n"
        "    print('heard one', file=sys.stderr, flush=True)\n"
        "    while True: threading.Event().wait(0.01)\n"
        "search._improve = deaf\n" + MAIN
    )
    with running("solve", FOUR_TICKETS, *LONG, "--out", tmp_path / "plan.json", code=code) as command:
        command.await_text("has a plan")
        command.process.send_signal(signal.SIGINT)
        command.await_text("heard one")
        command.process.send_signal(signal.SIGTERM)
        ended, said = command.end()
    assert (ended, said) == (143, "")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_a_library_loses_ends_the_command_all_the_same(tmp_path: Path) -> None:
    # Before there is a plan, and in a callback of C code, which prints what is raised and goes on.
    code = (
        "import ctypes, os, signal\n"
        "from optimizer import compiling\n"
        "ready = compiling.make_ready\n"
        "def losing(*how):\n"
        "    ctypes.CFUNCTYPE(None)(lambda: [os.kill(os.getpid(), signal.SIGINT), [0 for _ in range(10)]] and None)()\n"
        "    ready(*how)\n"
        "compiling.make_ready = losing\n" + MAIN
    )
    with running("solve", FOUR_TICKETS, *LONG, "--out", tmp_path / "plan.json", code=code) as command:
        ended, _ = command.end()
    assert ended == 130, command.shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_an_interrupted_plan_is_kept_as_a_draft(number: int, status: int, filled_store: Path, installation: Path, twohour: Any) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    with running("plan", "--at", AT, *LONG) as command:
        command.await_text("cost [0-9]")
        command.process.send_signal(number)
        ended, said = command.end()
    assert ended == status, command.shown
    assert "this is the best plan so far" in said
    assert "draft 1 is kept" in said
    (plan,) = json.loads(twohour("show", "--json").out)["plans"]
    assert plan["state"] == "draft"
