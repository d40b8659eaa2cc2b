"""The log of events, and what is derived from it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REFUSED = "events are never changed"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("technician_id", sa.String(length=64), nullable=False),
        sa.Column("station_id", sa.String(length=64), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("key", name=op.f("uq_event_key")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_at"), ["at"], unique=False)
        batch_op.create_index("ix_event_ticket_id", ["ticket_id"], unique=False)
        batch_op.create_index("ix_event_technician_id", ["technician_id"], unique=False)
    op.create_table(
        "event_note",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.CheckConstraint("verdict IN ('flagged', 'waits')", name=op.f("ck_event_note_verdict")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_event_note_event_id_event"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("event_id", "about", name=op.f("pk_event_note")),
    )
    op.create_table(
        "absence",
        sa.Column("technician_id", sa.String(length=64), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_absence_technician_id_technician"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("technician_id", "begins_at", name=op.f("pk_absence")),
    )
    for statement in _keep_events(op.get_bind().dialect.name):
        op.execute(statement)


def _keep_events(dialect: str) -> list[str]:
    """What makes the database refuse to change or delete an event."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER event_no_{what} BEFORE {what.upper()} ON event BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            for what in ("update", "delete")
        ]
    return [
        "CREATE FUNCTION event_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'check_violation'; END $$",
        "CREATE TRIGGER event_kept BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_is_kept()",
    ]


def downgrade() -> None:
    """Go back."""
    op.drop_table("absence")
    op.drop_table("event_note")
    op.drop_table("event")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION event_is_kept()")
