"""The API over the small company: one plan published, a draft beside it, tokens for everything, and a clock that tests set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from config.settings import Settings
from console.api import make_api
from data_models import tables
from data_models.people import SCOPES, Scope
from data_models.store import Store, open_store
from data_models.store.people import add_person, make_token
from flows.dispatch import approve_and_publish, keep_draft, make_snapshot, read_facts
from flows.planning import SearchLimit, judge, solve, with_unplanned_reasons

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


@dataclass
class Company:
    """A store with its API. `published` and `draft` are plans; `now` is what the clock says."""

    store: Store
    settings: Settings
    now: datetime
    published: int
    draft: int

    def api(self) -> FastAPI:
        """The application."""
        return make_api(self.store, self.settings, now=lambda: self.now)

    def client(self, *scopes: Scope, regions: tuple[str, ...] = (), days: int = 1) -> TestClient:
        """A caller with a token of its own for these scopes; for all of them when none is named."""
        with self.store.session() as session:
            token = make_token(
                session, "erp", scopes or SCOPES, self.now, by="tests", regions=regions, expires_at=self.now + timedelta(days=days)
            )
        return TestClient(self.api(), headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)

    def stranger(self) -> TestClient:
        """A caller without a token."""
        return TestClient(self.api(), raise_server_exceptions=False)

    def ids(self, column: Any, *where: Any) -> list[Any]:
        """The values of a column, each once, in order."""
        with self.store.reading() as session:
            return sorted(set(session.scalars(select(column).where(*where))))

    def split(self) -> None:
        """Make two regions of it, east and west, with sites and stations in each."""
        with self.store.session() as session:
            for model in (tables.Site, tables.Station):
                for number, row in enumerate(session.scalars(select(model).order_by(model.id))):  # type: ignore[attr-defined]
                    row.region = ("east", "west")[number % 2]

    def with_settings(self, **parts: Any) -> Company:
        """The same with other settings."""
        return dataclasses.replace(self, settings=self.settings.model_copy(update=parts))


@pytest.fixture(scope="session")
def decided_store(filled_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with plan 1 published and plan 2 a draft of the same moment, to be copied."""
    folder = tmp_path_factory.mktemp("decided")
    path = folder / "store.sqlite"
    path.write_bytes(filled_store.read_bytes())
    settings = Settings(output_dir=folder / "papers")
    with open_store(f"sqlite:///{path}") as store:
        with store.session() as session:
            add_person(session, "li", "李娜", "coordinator", NOW, password="correct horse battery")  # noqa: S106
            add_person(session, "root", "Root", "administrator", NOW, password="correct horse battery")  # noqa: S106
        snapshot = make_snapshot(store, settings, read_facts(store, settings, NOW))
        for seed, iterations in ((1, 1), (2, 2000)):
            plan = solve(snapshot.case, SearchLimit(iterations=iterations), seed, workers=1)
            judged = with_unplanned_reasons(judge(snapshot.case, plan))
            made = NOW + timedelta(seconds=seed)
            number = keep_draft(store, settings, snapshot, judged, seed=seed, at=made, parent=None if seed == 1 else 1)
            if seed == 1:
                approve_and_publish(store, settings, number, by="li", at=made)
    return path


@pytest.fixture
def company(decided_store: Path, tmp_path: Path) -> Iterator[Company]:
    """A copy of the decided store with its API."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(decided_store.read_bytes())
    with open_store(f"sqlite:///{path}") as store:
        yield Company(store, Settings(output_dir=tmp_path / "papers"), NOW + timedelta(minutes=1), 1, 2)
