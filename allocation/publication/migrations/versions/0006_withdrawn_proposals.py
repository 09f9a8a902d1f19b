"""A proposal can be withdrawn, when a newer one of the same scope takes its place.

``versions.scope`` says what a proposal is about; proposals of before have none and stay as they are.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHOICES = {
    "versions": ("status", ("proposed", "published", "rejected", "withdrawn")),
    "acts": ("act", ("propose", "publish", "reject", "rollback", "withdraw")),
}


def upgrade() -> None:
    bind = op.get_bind()
    for table, (column, allowed) in CHOICES.items():
        values = ", ".join(f"'{value}'" for value in allowed)
        check = f"{column} IN ({values})"
        if bind.dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_check")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_check CHECK ({check})")
        else:
            _rebuild_in_sqlite(bind, table, column, check)
    op.add_column("versions", sa.Column("scope", sa.Text))


def _rebuild_in_sqlite(bind: sa.Connection, table: str, column: str, check: str) -> None:
    """SQLite cannot change a constraint: the table is made anew under its own name, so that what refers to it goes on
    doing so. Until the commit the references need not hold. The views are made again after the migrations."""
    for view in sa.inspect(bind).get_view_names():
        bind.exec_driver_sql(f"DROP VIEW {view}")
    made = bind.scalar(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table}
    )
    changed, found = re.subn(rf"CHECK \({column} IN \([^)]*\)\)", f"CHECK ({check})", str(made))
    if found != 1:
        raise AssertionError(f"{table} has {found} constraints on {column}: {made}")
    bind.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    bind.exec_driver_sql(f"CREATE TEMP TABLE {table}_before AS SELECT * FROM {table}")
    bind.exec_driver_sql(f"DROP TABLE {table}")
    bind.exec_driver_sql(changed)
    bind.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM temp.{table}_before")
    bind.exec_driver_sql(f"DROP TABLE temp.{table}_before")
