"""What tests of the console share: the command line as a user calls it, and a store with a small company."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console import cli

Company = Callable[[Path, datetime], list[tuple[str, Path]]]
NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


class Answer:
    """What a run of the command line gave: exit status, standard output and standard error."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def twohour(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line in this process, through the very `main` that the console script calls."""
    monkeypatch.delenv("COLUMNS", raising=False)  # workers of a parallel run have that of whoever started it

    def run(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["twohour", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        shown = capsys.readouterr()
        return Answer(int(stop.value.code or 0), shown.out, shown.err)

    return run


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installation with an empty store: the current folder, and named by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWOHOUR_DATABASE_URL", f"sqlite:///{tmp_path / 'store.sqlite'}")
    monkeypatch.setenv("TWOHOUR_OUTPUT_DIR", str(tmp_path / "papers"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def filled_store(small_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store with the small company of 2026-03-02 08:00 in Shanghai, to be copied."""
    from config.settings import Settings
    from data_models.store import open_store
    from flows.intake import import_table

    folder = tmp_path_factory.mktemp("company")
    with open_store(f"sqlite:///{folder / 'store.sqlite'}") as store:
        for table, path in small_company(folder / "tables", NOW):
            import_table(store, Settings(), table, path, now=NOW)
    return folder / "store.sqlite"


@pytest.fixture(scope="session", autouse=True)
def search_is_ready(compiled_search: None) -> None:
    """Tests here plan in processes of their own, too, which then find the search compiled."""


@pytest.fixture
def first_ticket(filled_store: Path) -> str:
    """A ticket of the small company."""
    import sqlite3

    with sqlite3.connect(filled_store) as database:
        return str(database.execute("select id from ticket order by id limit 1").fetchone()[0])
