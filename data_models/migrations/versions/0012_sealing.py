"""Contact data is sealed where a key is set; passwords that somebody else gave are to be changed; logins by OpenID Connect."""

import sqlalchemy as sa
from alembic import op

from data_models.sealing import place_of
from data_models.tables.sealed import keys_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("contact", "name", "id", 200),
    ("contact", "phone", "id", 64),
    ("contact", "email", "id", 200),
    ("technician", "phone", "id", 64),
    ("snapshot", "context_json", "digest", None),
)
_MANY = 500


def upgrade() -> None:
    """Go forward."""
    op.add_column("account", sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "openid_attempt",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("next", sa.String(length=500), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_openid_attempt")),
    )
    op.create_index(op.f("ix_openid_attempt_began_at"), "openid_attempt", ["began_at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":  # SQLite ignores lengths
        for table, column, _, length in _COLUMNS:
            if length is not None:
                op.alter_column(table, column, type_=sa.Text(), existing_type=sa.String(length), existing_nullable=False)
    # Without a key, too: what looks like a sealed text is marked as plain.
    _rewrite(lambda keys, kept, place: keys.seal(kept, place))


def downgrade() -> None:
    """Go back."""
    op.drop_table("openid_attempt")
    op.drop_column("account", "must_change")
    _rewrite(lambda keys, kept, place: keys.open(kept, place))
    if op.get_bind().dialect.name == "postgresql":
        for table, column, _, length in _COLUMNS:
            if length is not None:
                op.alter_column(table, column, type_=sa.String(length), existing_type=sa.Text(), existing_nullable=False)


def _rewrite(change) -> None:  # type: ignore[no-untyped-def]
    connection = op.get_bind()
    keys = keys_of(connection.dialect)
    for name, column, identity, _ in _COLUMNS:
        table = sa.table(name, sa.column(identity, sa.String()), sa.column(column, sa.String()))
        last = ""
        while rows := connection.execute(
            sa.select(table.c[identity], table.c[column]).where(table.c[identity] > last).order_by(table.c[identity]).limit(_MANY)
        ).all():
            for row_id, kept in rows:
                changed = change(keys, kept, place_of(name, column, row_id))
                if changed != kept:
                    connection.execute(sa.update(table).where(table.c[identity] == row_id).values({column: changed}))
            last = rows[-1][0]
