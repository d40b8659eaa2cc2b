"""The API as a ticket system calls it: a real server, a real store, and callers who should not be let in."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from config.settings import Settings
from console.api import MOST_BYTES, make_api
from data_models.store import open_store

TOKEN = "0123456789abcdef"  # noqa: S105
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
CONTACTED = {"kind": "ticket_contacted", "at": "2026-03-02T08:00:00+08:00", "key": "a"}


@pytest.fixture
def api(tmp_path: Path, filled_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a server over a copy of the small company."""
    (tmp_path / "store.sqlite").write_bytes(filled_store.read_bytes())
    monkeypatch.setenv("TWOHOUR_API_TOKEN", TOKEN)
    with socket.socket() as listening, open_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(make_api(store, Settings()), log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", headers=SHOWN) as client:
            yield client
        server.should_exit = True
        thread.join()


def test_events_are_told_and_looked_up(api: httpx.Client, first_ticket: str) -> None:
    told = api.post("/events", json=[CONTACTED | {"ticket": first_ticket}, {"kind": "nonsense"}]).json()
    assert told["counts"] == {"counts": 1, "unreadable": 1}
    assert (told["answers"][0]["key"], told["answers"][0]["verdict"]) == ("a", "counts")
    again = api.post("/events", json=CONTACTED | {"ticket": first_ticket}).json()
    assert again["counts"] == {"merged": 1}
    [shown, *_] = api.get("/events", params={"ticket": first_ticket}).json()["items"]
    assert (shown["kind"], shown["by"], shown["at"]) == ("ticket_contacted", "api", "2026-03-02T00:00:00Z")


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN + "0"}])
def test_nobody_comes_in_without_the_token(api: httpx.Client, headers: dict[str, str]) -> None:
    for answer in (api.get("/events", headers=headers), api.post("/events", headers=headers, json=[])):
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert api.get("/openapi.json", headers=headers).status_code in (401, 404)


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"", 400), (b"\xff\xfe", 400), (b'{"kind": NaN}', 200), (b"[" * 5000, 400)])
def test_bad_bodies_are_answered_as_problems(api: httpx.Client, body: bytes, status: int) -> None:
    answer = api.post("/events", content=body, headers=JSON)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_a_request_that_is_too_large_is_refused(api: httpx.Client) -> None:
    assert api.post("/events", content=b" " * (MOST_BYTES + 1), headers=JSON).status_code == 413


def test_an_event_told_again_with_its_key_and_no_time_is_merged(
    tmp_path: Path, filled_store: Path, first_ticket: str, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store.sqlite").write_bytes(filled_store.read_bytes())
    monkeypatch.setenv("TWOHOUR_DATABASE_URL", f"sqlite:///{tmp_path / 'store.sqlite'}")
    words = ("tell", "ticket_contacted", "--ticket", first_ticket, "--key", "k", "--by", "王敏", "--json")
    assert json.loads(twohour(*words).out)["counts"] == {"counts": 1}
    again = twohour(*words)
    assert (again.status, json.loads(again.out)["counts"]) == (0, {"merged": 1})


def test_events_at_the_command_line(installation: Path, filled_store: Path, twohour: Any, first_ticket: str) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    told = twohour("tell", "ticket_contacted", "--ticket", first_ticket, "--at", "2026-03-02T08:00:00+08:00", "--key", "k", "--by", "王敏")
    assert (told.status, told.out.strip()) == (0, "1 kept")
    lines = [json.dumps(CONTACTED | {"ticket": first_ticket, "key": key}) for key in ("x", "k", "x")]
    lines[1] = lines[1].replace("T08", "T07")
    (installation / "events.jsonl").write_text("\n".join([*lines, "{oops"]), encoding="utf-8")
    told = twohour("tell", "--file", "events.jsonl", "--json")
    assert told.status == 1
    assert json.loads(told.out)["counts"] == {"counts": 1, "refused": 1, "merged": 1, "unreadable": 1}
    shown = twohour("events", "--ticket", first_ticket).out
    assert "王敏" in shown
    assert "ticket contacted" in shown
    assert twohour("events", "--rebuild").out.strip() == "everything was as the log says"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give the kind"),
        (("ticket_melted",), "give one of"),
        (("technician_delayed", "--technician", "T-1", "--fact", "until"), "NAME=VALUE"),
        (("technician_delayed", "--technician", "T-1", "--fact", "until=soon"), "until"),
        (("--file", "absent.jsonl"), "cannot be read"),
        (("ticket_contacted",), "ticket"),
    ],
)
def test_what_cannot_be_told_is_said(installation: Path, filled_store: Path, twohour: Any, words: tuple[str, ...], message: str) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    told = twohour("tell", *words)
    assert told.status == 2
    assert message in told.err


def test_serving_needs_a_token(installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_API_TOKEN", "short")
    told = twohour("serve")
    assert told.status == 2
    assert "TWOHOUR_API_TOKEN" in told.err
    assert "short" not in told.err.split("characters")[1]
