"""What tests of flows share: one Prefect server for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.stack import PrefectServer, prefect_server


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A real Prefect server; it takes 5-9 s to start, so that tests share it."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def search_is_ready(compiled_search: None) -> None:
    """Tests here plan in processes of their own, too, which then find the search compiled."""
