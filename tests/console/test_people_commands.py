"""`people`, `tokens`, `audit`, `keys` and `serve` as a user runs them."""

from __future__ import annotations

import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from console import cli, demonstration
from console.serving import DEMO_PEOPLE
from data_models.sealing import SEALED

PASSWORD = "correct horse battery"  # noqa: S105
ROOT = Path(cli.__file__).parents[1]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a line on standard input."""

    def put(line: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{line}\n"))

    return put


@pytest.fixture
def company(installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without keys, with a customer and a contact."""
    monkeypatch.delenv("TWOHOUR_CONTACT_KEYS", raising=False)
    tables = {
        "customers": "id,name,tier\nC-1,太湖制药,A",
        "contacts": "id,customer,name,phone,email\nP-1,C-1,王敏,13900000001,w@example.com",
    }
    for table, rows in tables.items():
        file = installation / f"{table}.csv"
        file.write_text(rows + "\n", encoding="utf-8")
        assert twohour("import", file, "--table", table).status == 0
    return installation


def _kept(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "store.sqlite") as database:
        return [value for row in database.execute("select name, phone, email from contact") for value in row]


# --- people ---


def test_people_are_added_listed_given_a_password_and_shut_out(installation: Path, twohour: Any, typed: Any) -> None:
    assert "nobody yet" in twohour("people", "list").out
    typed(PASSWORD)
    added = twohour("people", "add", "Li", "--role", "coordinator", "--region", "east", "--name", "李娜")
    assert (added.status, added.out) == (0, "li may log in as coordinator\n")
    typed(PASSWORD + " again")
    assert twohour("people", "password", "li").status == 0
    assert twohour("people", "disable", "li").out == "li is shut out\n"
    shown = twohour("people", "list").out
    for word in ("li", "李娜", "coordinator", "east", "shut out"):
        assert word in shown
    assert twohour("audit", "list").out.count("li") >= 3


@pytest.mark.parametrize(
    ("words", "password", "status", "says"),
    [
        (("li", "--role", "king"), PASSWORD, 2, "--role king"),
        (("li", "--role", "viewer"), "short", 2, "has 5 characters; give 12 to 200"),
        (("li", "--role", "viewer"), "li li li li li li", 2, "contains the login"),
        (("li", "--role", "technician"), PASSWORD, 2, "--technician"),
        (("li", "--role", "technician", "--technician", "T-9"), PASSWORD, 2, "T-9 does not exist"),
        (("l i", "--role", "viewer"), PASSWORD, 2, "without spaces"),
        (("li", "--role", "administrator", "--region", "east"), PASSWORD, 2, "holds everywhere"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(
    installation: Path, twohour: Any, typed: Any, words: tuple[str, ...], password: str, status: int, says: str
) -> None:
    typed(password)
    answer = twohour("people", "add", *words)
    assert (answer.status, says in answer.err) == (status, True), answer.err
    assert password not in answer.err
    assert "nobody yet" in twohour("people", "list").out


def test_nobody_is_added_twice_and_the_last_administrator_stays(installation: Path, twohour: Any, typed: Any) -> None:
    for expected in (0, 1):
        typed(PASSWORD)
        assert twohour("people", "add", "root", "--role", "administrator").status == expected
    answer = twohour("people", "disable", "root")
    assert (answer.status, "last administrator" in answer.err) == (1, True)
    assert twohour("people", "disable", "nobody").status == 2


def test_a_password_is_read_from_standard_input_by_a_process_of_its_own(installation: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", "people", "add", "li", "--role", "viewer"],
        input=f"{PASSWORD}\n", capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=installation,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "li may log in as viewer\n"), done.stderr


# --- tokens and the trail ---


def test_a_token_is_printed_once_listed_and_revoked(installation: Path, twohour: Any) -> None:
    made = twohour("tokens", "make", "erp", "--scope", "plans:read", "--days", "30")
    token = made.out.strip()
    assert token.startswith("twohour_")
    shown = twohour("tokens", "list").out
    assert "erp" in shown
    assert token not in shown
    assert twohour("tokens", "revoke", 1).status == 0
    assert "revoked" in twohour("tokens", "list").out
    assert twohour("tokens", "revoke", 9).status == 2
    assert twohour("tokens", "make", "erp", "--scope", "everything").status == 2
    assert token.encode() not in (installation / "store.sqlite").read_bytes()


def test_the_trail_verifies_until_somebody_gets_at_it(installation: Path, twohour: Any) -> None:
    twohour("tokens", "make", "one", "--scope", "plans:read")
    twohour("tokens", "make", "two", "--scope", "plans:read")
    sound = twohour("audit", "verify")
    last = re.search(r"last hash is ([0-9a-f]{64})", sound.out)
    assert sound.status == 0
    assert last is not None
    twohour("tokens", "revoke", 1)
    assert twohour("audit", "verify", "--expect", last[1]).status == 0
    with sqlite3.connect(installation / "store.sqlite") as database:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            database.execute("delete from audit_entry where number = 3")
        database.execute("drop trigger audit_entry_no_delete")
        database.execute("delete from audit_entry where number >= 2")
    cut = twohour("audit", "verify", "--expect", last[1])
    assert (cut.status, "cut off" in cut.out) == (1, True)


# --- keys ---


def test_keys_are_made_used_rotated_and_retired(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "13900000001" in _kept(company)
    assert "NOT sealed" in twohour("keys", "status").err
    first, second = (twohour("keys", "new").out.strip() for _ in range(2))
    assert first != second
    monkeypatch.setenv("TWOHOUR_CONTACT_KEYS", first)
    waiting = twohour("keys", "status")
    assert (waiting.status, "keys rotate" in waiting.err) == (1, True), "a key is set and nothing sealed"
    assert "3 texts are sealed anew" in twohour("keys", "rotate").out
    assert twohour("keys", "status").status == 0
    assert all(value.startswith(f"{SEALED}{first.split(':')[0]}:") for value in _kept(company))
    monkeypatch.setenv("TWOHOUR_CONTACT_KEYS", f"{second},{first}")
    rotated = twohour("keys", "rotate").out
    assert f"nothing needs {first.split(':')[0]} any more" in rotated
    monkeypatch.setenv("TWOHOUR_CONTACT_KEYS", second)
    assert twohour("keys", "status").status == 0
    assert "contact data sealed anew" in twohour("audit", "list").out


@pytest.mark.parametrize("command", [("keys", "status"), ("serve", "--port", "1")])
def test_a_wrong_a_missing_and_an_unreadable_key_are_named_before_anything_is_served(
    company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    key = twohour("keys", "new").out.strip()
    name = key.split(":")[0]
    monkeypatch.setenv("TWOHOUR_CONTACT_KEYS", key)
    assert twohour("keys", "rotate").status == 0
    other = twohour("keys", "new").out.strip().split(":")[1]
    for keys, says in (("", f"add {name}:"), (f"{name}:{other}", f"put the right key under {name}"), ("x", "not shown")):
        monkeypatch.setenv("TWOHOUR_CONTACT_KEYS", keys)
        answer = twohour(*command)
        assert answer.status != 0
        assert says in answer.err
        assert "13900000001" not in answer.err + answer.out
        assert not other or other not in answer.err


def test_exports_and_tables_hold_no_contact_data(company: Path, twohour: Any) -> None:
    assert "13900000001" not in twohour("audit", "list").out + twohour("doctor").out


# --- serve and the demo's people ---


@contextmanager
def _serving(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`twohour serve` in a process of its own at a free port, and the line in which it says where it is."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from console.cli import main; main()", "serve", "--port", str(_free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(sys.platform == "win32", reason="signals as Unix has them")
def test_serve_warns_answers_and_stops_upon_sigterm(company: Path) -> None:
    with _serving(company) as (process, line):
        address = re.search(r"http://\S+?(?=;)", line)
        assert address is not None, line
        assert "nobody may log in yet" in line
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), headers={"accept": "text/html"}) as client:
            answer = client.get(f"{address[0]}/login")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            assert client.get(f"{address[0]}/plans").status_code == 303
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 143)
    assert "WARNING: contact data is NOT sealed" in errors
    assert "Traceback" not in errors


def test_the_demo_has_a_key_of_its_own_that_only_its_owner_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    home = tmp_path / "demo"
    demonstration._fresh_folder(home)
    assert not demonstration._use_demo_settings(tmp_path, home)
    key = os.environ["TWOHOUR_CONTACT_KEYS"]
    assert (home / "contact.key").read_text(encoding="ascii").strip() == key
    assert (home / "contact.key").stat().st_mode & 0o077 == 0
    demonstration._use_demo_settings(tmp_path, home)
    assert os.environ["TWOHOUR_CONTACT_KEYS"] == key, "kept, or its data would be lost"
    commands = [step for step, _ in demonstration._next_steps(1, home, tmp_path, datetime.now().astimezone() - timedelta(days=1))]
    assert f'export TWOHOUR_CONTACT_KEYS="$(cat {home / "contact.key"})"' in commands


def test_the_demos_people_get_new_passwords_at_each_start(filled_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from console.serving import _tell_demo_people
    from data_models.store import open_store
    from data_models.store.people import authenticate

    path = tmp_path / "store.sqlite"
    path.write_bytes(filled_store.read_bytes())
    with open_store(f"sqlite:///{path}") as store:
        told = []
        for _ in range(2):
            _tell_demo_people(store)
            told.append(dict(re.findall(r"^  (\w+) +(\S+) ", capsys.readouterr().out, re.MULTILINE)))
        with store.session() as session:
            for login, password in told[1].items():
                assert authenticate(session, login, password) is not None
                assert authenticate(session, login, told[0].get(login, "")) is None
    assert set(told[1]) <= {login for login, _, _ in DEMO_PEOPLE}
    assert {"li", "admin"} <= set(told[1])
