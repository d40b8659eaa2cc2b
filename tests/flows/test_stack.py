"""The embedded Prefect server neither outlives its parent nor hides why it does not start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_models.errors import Unavailable
from flows.stack import prefect_server, server_environment, stop_process_group

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for a signal when the parent dies, as only Linux can")
LIMIT_S = 60

PARENT = """
import sys
from pathlib import Path
from flows.stack import prefect_server
with prefect_server(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""
STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); input()"])
input()
"""


def alive_in_session(leader: int) -> list[int]:
    """Processes of the session of a leader that have not ended."""
    alive = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, *_, session = (entry / "stat").read_text().rpartition(") ")[2].split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(session) == leader and state != "Z":
                alive.append(int(entry.name))
    return alive


def wait_until_gone(leader: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while alive_in_session(leader) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive_in_session(leader) == []


@LINUX
def test_a_killed_parent_leaves_no_server_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PARENT, str(tmp_path)]
    parent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert parent.stdout is not None
    leader = int(parent.stdout.readline())
    assert alive_in_session(leader)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    try:
        wait_until_gone(leader)
    finally:
        for left in alive_in_session(leader):
            os.kill(left, signal.SIGKILL)


@LINUX
def test_children_that_ignore_a_polite_end_are_killed_with_their_own_children() -> None:
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    assert len(alive_in_session(child.pid)) == 2
    stop_process_group(child, grace_s=0.2)
    wait_until_gone(child.pid)
    assert child.returncode == -signal.SIGKILL
    child.communicate()


def test_a_port_that_is_taken_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"port {port} .*taken"), prefect_server(tmp_path / "home", port=port):
            pytest.fail("a server on a port that is taken")
    assert not (tmp_path / "home" / "server.log").exists()


def test_a_server_that_ends_while_starting_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match=r"ended with status 1.*server\.log"), prefect_server(tmp_path):
        pytest.fail("a server that has ended")


def test_a_server_keeps_to_its_home_and_reports_to_nobody(tmp_path: Path) -> None:
    said = server_environment(tmp_path)
    assert said["PREFECT_HOME"] == str(tmp_path)
    assert str(tmp_path) in said["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert (said["DO_NOT_TRACK"], said["PREFECT_SERVER_ANALYTICS_ENABLED"]) == ("1", "false")
