"""The embedded stack: a real Prefect server on SQLite as a child process, for one machine without any other service."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from data_models.errors import BadInput, Unavailable

START_LIMIT_S = 180
"""How long a server may take to answer; 5-9 s is usual, a minute was seen on a machine with four times the work it can do."""


@dataclass(frozen=True)
class PrefectServer:
    """A running server: its API address and process id, and where its log is."""

    api_url: str
    pid: int
    log: Path


def server_environment(home: Path, api_url: str | None = None) -> dict[str, str]:
    """Environment variables for a Prefect process that keeps everything below `home` and reports to nobody."""
    settings = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }
    if api_url is not None:
        settings["PREFECT_API_URL"] = api_url
    return settings


@contextmanager
def prefect_server(home: Path, *, port: int | None = None, on_wait: Callable[[float], None] = lambda _: None) -> Iterator[PrefectServer]:
    """Run a Prefect server as a child for the length of the block, and stop it by its process group at the end.

    Parameters
    ----------
    home
        Folder for the server's database and log; made if absent.
    port
        Port on the loopback address; a free one when None.
    on_wait
        Called with the seconds waited so far, about five times a second, until the server answers.

    Raises
    ------
    BadInput
        `home` cannot be made.
    Unavailable
        The port is taken, or the server ended or did not answer within `START_LIMIT_S`; the message then names its log.
    """
    chosen = _free_port(port or 0)
    home = home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{home} cannot hold the server's data: {error.strerror}; name another folder") from error
    log = home / "server.log"
    api_url = f"http://127.0.0.1:{chosen}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(chosen), "--no-ui"]
    with log.open("ab") as sink:
        child = subprocess.Popen(  # noqa: S603  (our own interpreter, fixed words)
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **server_environment(home)},
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    try:
        _await_health(child, api_url, log, on_wait)
        yield PrefectServer(api_url, child.pid, log)
    finally:
        stop_process_group(child)


def stop_process_group(child: subprocess.Popen[bytes], grace_s: float = 10) -> None:
    """End a child and its own children: ask first, insist after `grace_s` seconds."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            break
        try:
            child.wait(grace_s)
            break
        except subprocess.TimeoutExpired:
            continue
    child.poll()


def _await_health(child: subprocess.Popen[bytes], api_url: str, log: Path, on_wait: Callable[[float], None]) -> None:
    began = time.monotonic()
    with httpx.Client(timeout=2, trust_env=False) as client:
        while (waited := time.monotonic() - began) < START_LIMIT_S:
            on_wait(waited)
            if child.poll() is not None:
                raise Unavailable(f"the Prefect server ended with status {child.returncode} while starting; its log is {log}")
            try:
                if client.get(f"{api_url}/health").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise Unavailable(f"the Prefect server did not answer at {api_url} within {START_LIMIT_S} s; its log is {log}")


def _free_port(wanted: int) -> int:
    """The port `wanted` on the loopback address, any one for 0. Raises `Unavailable` when it is taken."""
    with socket.socket() as probe:
        # As servers do: a port that a server of a minute ago had is free again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise Unavailable(f"port {wanted} of this machine is taken ({error.strerror}); name another, or stop what uses it") from error
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    # PR_SET_PDEATHSIG: a killed parent must not leave a server behind.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
