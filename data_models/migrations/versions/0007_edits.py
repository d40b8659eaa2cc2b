"""Changes of drafts by hand, and why they were made."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_REFUSED = "edits are never changed, only undone and redone"
_FIXED = ("plan_id", "number", "follows", "kind", "details", "reason", "note", "by", "at", "plan_json", "cost_before", "cost_after")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "plan_edit",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("follows", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.Column("cost_before", sa.Float(), nullable=False),
        sa.Column("cost_after", sa.Float(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("marked_by", sa.String(length=100), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('', 'customer_asked', 'local_knowledge', 'technician_asked', 'safety', 'training', 'traffic', 'equipment', "
            "'other')",
            name=op.f("ck_plan_edit_reason"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_plan_edit_number")),
        sa.CheckConstraint("follows >= 0 AND follows < number", name=op.f("ck_plan_edit_follows")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_edit_plan_id_plan"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("plan_id", "number", name=op.f("pk_plan_edit")),
    )
    with op.batch_alter_table("plan_edit", schema=None) as batch_op:
        batch_op.create_index("ix_plan_edit_at", ["at"], unique=False)
    for statement in _keep_edits(op.get_bind().dialect.name):
        op.execute(statement)


def _keep_edits(dialect: str) -> list[str]:
    """What makes the database refuse to delete an edit, or to change what it says."""
    if dialect == "sqlite":
        columns = ", ".join(f'"{name}"' for name in _FIXED)
        return [
            f"CREATE TRIGGER plan_edit_no_update BEFORE UPDATE OF {columns} ON plan_edit BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
            f"CREATE TRIGGER plan_edit_no_delete BEFORE DELETE ON plan_edit BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
        ]
    columns = ", ".join(f'"{name}"' for name in _FIXED)
    return [
        "CREATE FUNCTION plan_edit_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'check_violation'; END $$",
        f"CREATE TRIGGER plan_edit_no_update BEFORE UPDATE OF {columns} ON plan_edit FOR EACH ROW EXECUTE FUNCTION plan_edit_is_kept()",
        "CREATE TRIGGER plan_edit_no_delete BEFORE DELETE ON plan_edit FOR EACH ROW EXECUTE FUNCTION plan_edit_is_kept()",
    ]


def downgrade() -> None:
    """Go back."""
    op.drop_table("plan_edit")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION plan_edit_is_kept()")
