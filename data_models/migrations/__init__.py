"""The history of the database's tables, as Alembic revisions.

- `upgrade.upgrade(engine)` brings a database of any age, empty ones included, to `upgrade.HEAD`
- `env.py` and `versions/` are Alembic's; a new revision: change `tables.py`, add a file to `versions/`, raise `HEAD`
"""
