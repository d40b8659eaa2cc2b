"""Sensor readings by file and by HTTP, as senders and people meet them."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from config.settings import Settings
from console.api import bodies, make_api
from data_models import tables
from data_models.errors import BadInput
from data_models.reading_files import reading_from
from data_models.store import Store, open_store

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOKEN = "a token of twenty one"  # noqa: S105
ADMITTED = {"Authorization": f"Bearer {TOKEN}"}


def item(value: object, minutes: float = 0, **more: object) -> dict[str, object]:
    at = (NOW + minutes * MINUTE).isoformat()
    return {"site": "S-1", "sensor": "K-1", "quantity": "moisture", "value": value, "unit": "%", "at": at} | more


# --- what is sent ---


def test_a_reading_is_read_with_its_offset_and_what_a_broken_sensor_sends() -> None:
    read = reading_from(item(0.6) | {"at": "2026-03-02T16:00:00+08:00", "key": None})
    assert (read.at, read.value, read.key) == (NOW, 0.6, "")
    assert [math.isfinite(reading_from(item(value)).value) for value in (None, "NaN", "-inf", "0.6", 3)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"value": "much"}, 'value is "much"; give a number'),
        ({"value": True}, "value is true; give a number"),
        ({"value": 10**400}, "value is a huge whole number"),
        ({"at": "2026-03-02T16:00"}, "has no offset"),
        ({"at": "yesterday"}, 'at is "yesterday"; give an ISO 8601 time'),
        ({"at": 5}, "at is 5"),
        ({"at": "0001-01-01T00:00:00Z"}, "give a year from 1971"),
        ({"site": ""}, "site is"),
        ({"site": 5}, "give a text in quotes"),
        ({"sensor": "x" * 65}, "at most 64 characters"),
        ({"sensor": "a\u0000"}, "cannot be printed"),
        ({"key": "\ud800"}, "cannot be printed"),
        ({"colour": "red"}, '"colour" is not a field of a reading'),
    ],
)
def test_what_is_no_reading_is_told_with_field_value_and_remedy(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput) as raised:
        reading_from(item(0.6) | wrong)
    assert says in str(raised.value)


# --- by file ---


@pytest.fixture
def company(installation: Path, filled_store: Path) -> Path:
    """An installation with the small company, whose sites are S-1 to S-5."""
    shutil.copy(filled_store, installation / "store.sqlite")
    return installation


def recent(value: object, minutes: float) -> dict[str, object]:
    return item(value) | {"at": (datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1) + minutes * MINUTE).isoformat()}


def test_a_file_of_lines_opens_tickets_and_again_changes_nothing(twohour: Any, company: Path) -> None:
    lines = [recent(0.3, 0), recent("NaN", 1), recent(0.6, 2), recent(0.6, 3) | {"site": "S-99"}]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (company / "readings.jsonl").write_text(f"{text}\n\nnot json\n", encoding="utf-8")
    first = twohour("readings", "readings.jsonl")
    assert first.status == 1
    for words in ("5 lines: 3 kept, 0 known already, 2 refused", "rule water at S-1", "1 not a number", "line 4 refused", "line 6 refused"):
        assert words in first.out
    again = twohour("readings", "readings.jsonl", "--json")
    answer = json.loads(again.out)
    assert (answer["kept"], answer["doubles"], answer["tickets"]) == (0, 3, [])
    assert [refusal["position"] for refusal in answer["refused"]] == [4, 6]


def test_a_csv_file_is_taken_and_a_wrong_header_is_told(twohour: Any, company: Path) -> None:
    at = (datetime.now(UTC) - timedelta(minutes=9)).isoformat()
    rows = f"S-1,T-1,temperature,{{}},°C,{at}\n"
    (company / "in.csv").write_text(
        "site,sensor,quantity,value,unit,at\n" + rows.format(20) + rows.format("") + "S-1,a\n", encoding="utf-8"
    )
    answer = twohour("readings", "in.csv")
    assert (answer.status, "3 lines: 2 kept" in answer.out, "line 4 refused: has 2 cells" in answer.out) == (1, True, True)
    (company / "in.csv").write_text("site,sensor,value\n", encoding="utf-8")
    answer = twohour("readings", "in.csv")
    assert (answer.status, "the header lacks quantity, at" in answer.err) == (2, True)
    assert twohour("readings", "nowhere.csv").status == 2


# --- by HTTP ---


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'plant.sqlite'}") as store:
        with store.session() as session:
            session.add(tables.Customer(id="C-1", name="太湖制药", tier="A"))
            session.flush()
            session.add(tables.Site(id="S-1", customer_id="C-1", name="厂区", lat=31.2, lon=121.4))
        yield store


@pytest.fixture
def client(plant: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("TWOHOUR_READINGS_TOKEN", TOKEN)
    with TestClient(make_api(plant, Settings(), now=lambda: NOW + 30 * MINUTE), headers={"Content-Type": "application/json"}) as client:
        yield client


def kept(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(tables.Reading)) or 0


def test_a_list_is_taken_and_answered_with_what_became_of_it(client: TestClient, plant: Store) -> None:
    sent = [item(0.3), item("NaN", 1), item(0.6, 2), item(0.7, 3, site="S-9"), {"site": "S-1"}]
    answer = client.post("/readings", json=sent, headers=ADMITTED)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["kept"], told["doubles"], [it["rule"] for it in told["tickets"]]) == (3, 0, ["water"])
    assert [it["position"] for it in told["refused"]] == [3, 4]
    assert [it["flaw"] for it in told["flags"]] == ["not a number"]
    again = client.post("/readings", json=sent[:3], headers=ADMITTED).json()
    assert (again["kept"], again["doubles"], again["tickets"], kept(plant)) == (0, 3, [], 3)
    assert client.post("/readings", json=[], headers=ADMITTED).json()["kept"] == 0


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "the body is not JSON"),
        (b"\xff\xfe\xfa", 400, "the body is not JSON"),
        (b"[" * 100_000, 400, "the body is not JSON"),
        (b"{}", 422, "send a list of readings"),
        (b"[1]", 422, "all 1 readings are refused"),
        (b"[" + b"1," * 10_000 + b"1]", 413, "send at most 10,000"),
    ],
)
def test_a_wrong_body_gets_a_problem_in_words(client: TestClient, body: bytes, status: int, says: str) -> None:
    answer = client.post("/readings", content=body, headers=ADMITTED)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], says in answer.json()["detail"]) == (status, True)


def test_a_body_is_bounded_whether_it_tells_its_length_or_not(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bodies.OF_PATHS, "/readings", 1000)
    assert client.post("/readings", content=b" " * 1001, headers=ADMITTED).status_code == 413
    assert client.post("/readings", content=iter([b" " * 600] * 2), headers=ADMITTED).status_code == 413
    assert client.post("/readings", content=b"[]" + b" " * 998, headers=ADMITTED).status_code == 200


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Bearer"}]
)
def test_nobody_is_admitted_without_the_token(client: TestClient, plant: Store, header: dict[str, str]) -> None:
    answer = client.post("/readings", json=[item(0.6)], headers=header)
    assert (answer.status_code, answer.headers["www-authenticate"], kept(plant)) == (401, "Bearer", 0)
    assert TOKEN not in answer.text


def test_without_a_token_of_its_own_nothing_is_taken(plant: Store) -> None:
    answer = TestClient(make_api(plant, Settings())).post("/readings", json=[item(0.6)], headers={"Authorization": "Bearer "})
    assert (answer.status_code, kept(plant)) == (401, 0)


SERVER = """
import sys
import uvicorn
from config.settings import load_settings
from console.api import make_api
from data_models.store import open_store

settings = load_settings()
app = make_api(open_store(settings.database_url.get_secret_value()), settings)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


def test_a_real_server_keeps_what_it_confirmed_when_it_is_killed(plant: Store, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"TWOHOUR_READINGS_TOKEN": TOKEN, "TWOHOUR_DATABASE_URL": plant.place, "PYTHONPATH": str(Path(__file__).parents[2])}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], env=os.environ | environment, cwd=tmp_path)
    try:
        at = datetime.now(UTC).isoformat()
        answer = _posted(f"http://127.0.0.1:{port}/readings", [item(0.6) | {"at": at}])
        assert (answer.status_code, [it["rule"] for it in answer.json()["tickets"]]) == (200, ["water"])
    finally:
        server.kill()
        server.wait()
    assert kept(plant) == 1


def _posted(url: str, sent: list[dict[str, object]]) -> httpx.Response:
    for _ in range(600):
        try:
            return httpx.post(url, json=sent, headers=ADMITTED, timeout=30, trust_env=False)
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
