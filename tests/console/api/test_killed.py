"""A real server that is killed in the middle of an approval: after it starts again there is nothing of it, or all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from data_models import tables
from data_models.store import Store
from data_models.store.audit import verify_audit
from data_models.store.webhooks import add_webhook

SERVER = """
import os, signal, sys
from datetime import datetime
import uvicorn
from sqlalchemy import event
from config.settings import load_settings
from console.web.application import make_console
from data_models.store import open_store

settings = load_settings()
store = open_store(settings.database_url.get_secret_value())
now, killed_at = datetime.fromisoformat(sys.argv[2]), sys.argv[3]
writes, asked = 0, False

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def before(_connection, _cursor, statement, *_rest):
    global writes
    writes += asked and statement.split()[0] in ("INSERT", "UPDATE", "DELETE")
    if killed_at == str(writes):
        die()

def commit(_connection):
    if killed_at == "commit" and writes:
        die()

def given_back(_dbapi, _record):
    if killed_at == "committed" and writes:
        die()

event.listen(store.engine, "before_cursor_execute", before)
event.listen(store.engine, "commit", commit)
event.listen(store.engine, "checkin", given_back)
console = make_console(store, settings, now=lambda: now)

async def counting(scope, receive, send):
    # What is written while the server starts is not the approval's.
    global asked
    asked = asked or scope["type"] == "http"
    await console(scope, receive, send)

uvicorn.run(counting, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


@contextmanager
def server(company: Any, killed_at: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """The console in a process of its own, which kills itself at a moment: before its n-th write, before or after its first commit."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "TWOHOUR_DATABASE_URL": company.store.engine.url.render_as_string(hide_password=False),
        "TWOHOUR_OUTPUT_DIR": str(company.settings.output_dir),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    words = [sys.executable, "-c", SERVER, str(port), company.now.isoformat(), killed_at]
    process = subprocess.Popen(words, env=environment)
    try:
        _wait(port, process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=120) as client:
            yield client, process
    finally:
        process.kill()
        process.wait(60)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the server ended with {process.returncode}")


def traces(store: Store, draft: int) -> dict[str, Any]:
    """All that an approval leaves behind."""
    with store.reading() as session:
        assert verify_audit(session).wrong is None
        counted = {
            model.__tablename__: session.scalar(select(func.count()).select_from(model))
            for model in (tables.Approval, tables.AuditEntry, tables.KeptAnswer, tables.WebhookDelivery, tables.Notice)
        }
        states = dict(session.execute(select(tables.Plan.id, tables.Plan.state)).tuples().all())
        return counted | {
            "plans": states,
            "planned": sorted(session.scalars(select(tables.Ticket.id).where(tables.Ticket.state == "planned"))),
        }


def test_nothing_or_all_of_an_approval_is_there_after_a_kill(company: Any) -> None:
    token = company.client("plans:decide").headers["authorization"]
    with company.store.session() as session:
        # It leads nowhere: what is put into its outbox stays there to be counted.
        add_webhook(session, "https://erp.example.invalid/", ["plan.published", "ticket.changed"], [], "tests", company.now)
    before = traces(company.store, company.draft)
    headers = {"Authorization": token, "Idempotency-Key": "approve-2"}
    for killed_at in ("1", "4", "commit", "committed"):
        with server(company, killed_at) as (client, process):
            try:
                answer = client.post(f"/plans/{company.draft}/approve", json={"reason": "looks right"}, headers=headers)
            except httpx.TransportError:
                answer = None
            # Nobody was told that it is done.
            assert answer is None, (killed_at, answer)
            assert process.wait(60) == -signal.SIGKILL
        after = traces(company.store, company.draft)
        assert (after == before) == (killed_at != "committed"), (killed_at, after)
    assert after["plans"] == {company.published: "superseded", company.draft: "published"}
    with server(company, "never") as (client, _):
        again = client.post(f"/plans/{company.draft}/approve", json={"reason": "looks right"}, headers=headers)
        assert (again.status_code, again.json()["published"]) == (200, company.draft)
        assert again.headers["idempotency-replayed"] == "true"
    assert traces(company.store, company.draft) == after
