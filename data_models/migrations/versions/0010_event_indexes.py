"""Events about kits and roads are found without looking through all others."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OF_A_STATION = sa.text("station_id != ''")
_OF_A_ROAD = sa.text("kind = 'road_factor'")


def upgrade() -> None:
    """Go forward."""
    op.create_index("ix_event_station_id", "event", ["station_id"], sqlite_where=_OF_A_STATION, postgresql_where=_OF_A_STATION)
    op.create_index("ix_event_road", "event", ["at"], sqlite_where=_OF_A_ROAD, postgresql_where=_OF_A_ROAD)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_event_road", "event")
    op.drop_index("ix_event_station_id", "event")
