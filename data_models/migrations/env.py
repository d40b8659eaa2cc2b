"""Alembic's way in: runs the revisions over the connection that `upgrade` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from data_models.tables import Base, UtcDateTime


def _plain_types(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Revisions name the database's types, so that a change of our own type leaves old revisions as they were."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    render_as_batch=True,
    render_item=_plain_types,
)
# The caller's transaction holds; Alembic must not commit halfway.
context.run_migrations()
