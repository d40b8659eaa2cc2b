"""The API keeps what its description promises: schemathesis asks it, operation by operation, all that the description allows and more.

The application is the real one over a real store. What a description cannot say (which ids there are, that a window ends after it
begins) is put right in what is asked, so that most of it reaches the store.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis import HookContext
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.hooks import unregister

from config.api_settings import ApiSettings
from config.settings import Settings
from console.api.access import NEEDS
from console.api.problems import KINDS, TYPE
from console.web.application import make_console
from data_models import tables
from data_models.people import SCOPES
from data_models.store import open_store
from data_models.store.people import make_token
from data_models.store.webhooks import add_webhook

EXAMPLES = 12
DOCS = Path(__file__).parents[3] / "docs"
CONFIG = {
    "seed": 20260302,
    "suppress-health-check": ["all"],
    "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": True, "codec": "utf-8"},
    "cache": {"enabled": False},
    "phases": {"stateful": {"enabled": False}},
}


@pytest.fixture(scope="module")
def described(decided_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What schemathesis reads of the real application, with a token for everything."""
    folder = tmp_path_factory.mktemp("described")
    path = folder / "store.sqlite"
    path.write_bytes(decided_store.read_bytes())
    from tests.console.api.conftest import NOW

    with open_store(f"sqlite:///{path}") as store:
        with store.session() as session:
            token = make_token(session, "schemathesis", SCOPES, NOW, by="tests")
            for _ in range(3):
                add_webhook(session, "https://erp.example.invalid/hooks", ["plan.published"], ["nowhere"], "tests", NOW)
            known = {
                "ticket_id": [row.id for row in session.query(tables.Ticket.id).order_by(tables.Ticket.id)],
                "site": [row.id for row in session.query(tables.Site.id).order_by(tables.Site.id)],
                "station_id": [row.id for row in session.query(tables.Station.id).order_by(tables.Station.id)],
                "technician_id": [row.id for row in session.query(tables.Technician.id).order_by(tables.Technician.id)],
                "plan_id": [1, 2],
                "webhook_id": [1, 2, 3],
            }
        said = Settings(output_dir=folder / "papers", api=ApiSettings(requests_per_minute=1_000_000, strangers_per_minute=1_000_000))
        console = make_console(store, said, now=lambda: NOW)
        config = schemathesis.Config.from_dict(CONFIG)
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", console, config=config, headers={"Authorization": f"Bearer {token}"})
        schema.config.headers = {"Authorization": f"Bearer {token}"}
        with _with_known_ids(known):
            yield schema


@contextmanager
def _with_known_ids(known: dict[str, list[Any]]) -> Iterator[None]:
    """Put ids that there are in place of most made-up ones, and right what the description cannot say.

    What shall be refused stays wrong.
    """
    numbers = itertools.count()

    def named(kind: str, value: Any) -> Any:
        choice = sum(map(ord, str(value)))
        return value if choice % 4 == 0 else known[kind][choice % len(known[kind])]

    @schemathesis.hook
    def before_call(_context: HookContext, case: Any, _kwargs: Any) -> None:
        for name, value in (case.path_parameters or {}).items():
            if name in known and _is_plain(value):
                case.path_parameters[name] = named(name, value)
        # Keys that many requests share are refused.
        if re.fullmatch(r"[\x21-\x7e]{1,255}", str((case.headers or {}).get("Idempotency-Key", ""))):
            case.headers["Idempotency-Key"] = f"key-{next(numbers)}"
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        # A version that nobody read and a place where no page ended are refused.
        if case.headers:
            case.headers.pop("If-Match", None)
        if case.query:
            case.query.pop("cursor", None)
        if isinstance(case.body, dict):
            case.body = _righted(case.operation.label, dict(case.body), named)

    try:
        yield
    finally:
        unregister(before_call)


def _righted(label: str, body: dict[str, Any], named: Any) -> dict[str, Any]:
    if isinstance(body.get("site"), str):
        body["site"] = named("site", body["site"])
    if label.startswith("PUT /tickets"):
        new = {"site": "S-1", "severity": "general", "type": "quality"}
        body |= {name: value for name, value in new.items() if body.get(name) is None}
    # An emergency is followed by a search of two seconds.
    if body.get("severity") == "emergency":
        body["severity"] = "important"
    # Beside now, the opening and each other these are right only by luck.
    for name in ("opened_at", "due_at", "not_before", "window_start", "window_end", "only"):
        body.pop(name, None)
    if label.endswith("/approve"):
        body["names"] = ["T-1"] if body.get("part") in ("regions", "routes") else []
    return body


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def test_every_operation_keeps_what_is_described(described: Any) -> None:
    wrong: dict[str, str] = {}
    asked: Counter[str] = Counter()
    for event in from_schema(described).execute():
        if isinstance(event, FatalError | NonFatalError):
            wrong[f"{event}"] = repr(event.exception if isinstance(event, FatalError) else event.value)
        if not isinstance(event, ScenarioFinished):
            continue
        asked[event.recorder.label] += len(event.recorder.cases)
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    wrong.setdefault(f"{event.recorder.label}: {check.name}", f"{failure}\n{check.failure_info.code_sample}")
    assert wrong == {}, "\n\n".join(f"{name}\n{says}" for name, says in wrong.items())
    assert len(asked) == len(list(described.get_all_operations()))
    assert min(asked.values()) >= EXAMPLES, asked


def test_every_operation_is_in_the_table_of_scopes_and_says_all_that_a_reader_needs(company: Any) -> None:
    described = company.client("plans:read").get("/openapi.json").json()
    found = {one["operationId"]: one for path in described["paths"].values() for one in path.values()}
    assert found.keys() == {name for name, scope in NEEDS.items() if scope is not None}
    for name, one in found.items():
        assert one["summary"], name
        assert len(one["description"]) > 30, name
        assert one["security"], name
        assert {"401", "403", "422", "429", "500", "503"} <= one["responses"].keys(), name


def test_every_problem_and_scope_is_told_in_the_docs() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    for told in (*(f"`{kind.slug}`" for kind in KINDS), *(f"`{scope}`" for scope in SCOPES), TYPE):
        assert told in page, told
