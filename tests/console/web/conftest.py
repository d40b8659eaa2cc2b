"""A console over the small company with one plan published and a draft beside it, asked as a browser would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from config.settings import Settings
from console.web.application import make_console
from data_models.store import Store, open_store
from data_models.store.people import add_person
from flows.dispatch import approve_and_publish, keep_draft, make_snapshot, read_facts
from flows.planning import SearchLimit, judge, solve, with_unplanned_reasons

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105
PEOPLE = {"li": "coordinator", "zhou": "viewer", "root": "administrator", "plan": "planner"}


@dataclass
class Site:
    """A console, its store, its clock, and browsers that are logged in."""

    store: Store
    settings: Settings
    now: datetime
    published: int
    draft: int

    def browser(self, login: str = "", language: str = "en") -> TestClient:
        """A browser; logged in when a login is given. Follows no redirects, so that tests see them."""
        client = TestClient(
            make_console(self.store, self.settings, now=lambda: self.now),
            follow_redirects=False,
            raise_server_exceptions=False,
            headers={"accept": "text/html", "accept-language": language},
        )
        if login:
            answer = client.post("/login", data={"login": login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return client


def csrf_of(page: str) -> str:
    """The token that a page carries."""
    return page.split('name="csrf-token" content="')[1].split('"')[0]


@pytest.fixture(scope="session")
def planned_store(filled_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with plan 1 published and plan 2 a draft of the same moment, to be copied."""
    folder = tmp_path_factory.mktemp("planned")
    path = folder / "store.sqlite"
    path.write_bytes(filled_store.read_bytes())
    settings = Settings(output_dir=folder / "papers")
    with open_store(f"sqlite:///{path}") as store:
        for login, role in PEOPLE.items():
            with store.session() as session:
                add_person(session, login, login, role, NOW, password=PASSWORD)  # type: ignore[arg-type]
        snapshot = make_snapshot(store, settings, read_facts(store, settings, NOW))
        for seed, iterations in ((1, 1), (2, 3000)):
            plan = solve(snapshot.case, SearchLimit(iterations=iterations), seed, workers=1)
            judged = with_unplanned_reasons(judge(snapshot.case, plan))
            made = NOW + timedelta(seconds=seed)
            number = keep_draft(store, settings, snapshot, judged, seed=seed, at=made, parent=None if seed == 1 else 1)
            if seed == 1:
                approve_and_publish(store, settings, number, by="li", at=made)
    return path


@pytest.fixture
def site(planned_store: Path, tmp_path: Path) -> Iterator[Site]:
    """A copy of the planned store behind a console."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(planned_store.read_bytes())
    with open_store(f"sqlite:///{path}") as store:
        yield Site(store, Settings(output_dir=tmp_path / "papers"), NOW + timedelta(minutes=1), 1, 2)
