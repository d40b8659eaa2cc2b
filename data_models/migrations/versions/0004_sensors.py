"""Sensor readings, what is remembered of sensors, and the tickets that they opened."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "reading",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("sensor", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flaw", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_reading_site_id_site"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
    )
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.create_index("ix_reading_series", ["site_id", "sensor", "quantity", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_reading_at"), ["at"], unique=False)

    op.create_table(
        "ticket_reading",
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("reading_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_reading_ticket_id_ticket"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name=op.f("fk_ticket_reading_reading_id_reading"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("ticket_id", "reading_id", name=op.f("pk_ticket_reading")),
    )
    with op.batch_alter_table("ticket_reading", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_reading_reading_id"), ["reading_id"], unique=False)

    op.create_table(
        "sensor_state",
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("sensor", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trouble", sa.String(length=8), nullable=False),
        sa.Column("trouble_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_from", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("trouble IN ('', 'stuck', 'silent')", name=op.f("ck_sensor_state_trouble")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_sensor_state_site_id_site"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("site_id", "sensor", "quantity", name=op.f("pk_sensor_state")),
    )
    with op.batch_alter_table("sensor_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sensor_state_silent_from"), ["silent_from"], unique=False)

    op.create_table(
        "sensor_gate",
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("backers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_sensor_gate_site_id_site"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sensor_gate_ticket_id_ticket"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("site_id", "rule", name=op.f("pk_sensor_gate")),
    )
    with op.batch_alter_table("sensor_gate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sensor_gate_ticket_id"), ["ticket_id"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("sensor_gate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sensor_gate_ticket_id"))

    op.drop_table("sensor_gate")
    with op.batch_alter_table("sensor_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sensor_state_silent_from"))

    op.drop_table("sensor_state")
    with op.batch_alter_table("ticket_reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_reading_reading_id"))

    op.drop_table("ticket_reading")
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reading_at"))
        batch_op.drop_index("ix_reading_series")

    op.drop_table("reading")
