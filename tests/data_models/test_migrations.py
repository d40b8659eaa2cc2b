"""The tables in the code and the tables that the revisions make are the same, on both databases."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, text

from data_models.migrations.upgrade import HEAD, alembic_config, current_revision, upgrade
from data_models.store import Store, make_engine, open_store
from data_models.tables import Base


def test_revisions_make_the_tables_that_the_code_describes(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": Base.metadata})
        assert compare_metadata(context, Base.metadata) == []


def test_revisions_make_every_check_and_foreign_key_of_the_code(store: Store) -> None:
    # Alembic does not compare checks nor what a foreign key does on delete.
    inspector = inspect(store.engine)
    for name, table in Base.metadata.tables.items():
        made = {check["name"]: check["sqltext"] for check in inspector.get_check_constraints(name)}
        described = {rule.name: str(rule.sqltext) for rule in table.constraints if isinstance(rule, CheckConstraint)}
        assert made.keys() == described.keys(), name
        # PostgreSQL gives expressions back in words of its own, SQLite as they were written.
        assert store.engine.dialect.name != "sqlite" or made == described, name
        for key in inspector.get_foreign_keys(name):
            assert key["options"].get("ondelete") == "RESTRICT", (name, key)


def test_the_known_head_is_the_last_revision(store: Store) -> None:
    with store.engine.connect() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_current_head() == HEAD
        assert current_revision(connection) == HEAD


def test_a_second_upgrade_keeps_the_rows(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO customer (id, name, tier, segment) VALUES ('C-1', '华东制药', 'A', '')"))
    upgrade(store.engine)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM customer")).scalar_one() == "华东制药"


def test_going_back_leaves_nothing_behind(store: Store) -> None:
    from alembic import command

    with store.engine.begin() as connection:
        command.downgrade(alembic_config(connection), "base")
    assert set(inspect(store.engine).get_table_names()) <= {"alembic_version"}


def test_two_processes_may_upgrade_an_empty_database_at_once(database_url: str) -> None:
    failures: list[BaseException] = []
    begin = threading.Barrier(2)

    def start() -> None:
        try:
            begin.wait(10)
            open_store(database_url).close()
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_a_failing_revision_leaves_the_database_as_it_was(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    real = op.create_table

    def break_at_visits(name: str, *columns: object, **options: object) -> object:
        if name == "visit":
            raise RuntimeError("power gone")
        return real(name, *columns, **options)

    monkeypatch.setattr(op, "create_table", break_at_visits)
    engine = make_engine(database_url)
    with pytest.raises(RuntimeError, match="power gone"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == []
    monkeypatch.undo()
    upgrade(engine)
    assert "visit" in inspect(engine).get_table_names()
    engine.dispose()
