"""The record for contract 2: drafts, a role for planners, which declarations the tables of rows and the views follow.

From here on tables of rows and views follow from `allocation.contract` when a store is opened (see
`allocation.publication.upgrade`); numbered migrations are for what cannot follow from a declaration.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Roles belong to the whole server: they may exist already, or be made by a migration of another database just now.
PLANNER = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'caseload_planner') THEN
        BEGIN
            CREATE ROLE caseload_planner NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF NOT pg_has_role('caseload_writer', 'caseload_planner', 'MEMBER') THEN
        GRANT caseload_planner TO caseload_writer;
    END IF;
END
$$
"""


def upgrade() -> None:
    bind = op.get_bind()
    op.add_column("store_identity", sa.Column("declarations", sa.Text))
    if not sa.inspect(bind).has_table("planner_drafts"):  # earlier releases made it when the first draft was saved
        op.create_table(
            "planner_drafts",
            sa.Column("draft_id", sa.Integer, primary_key=True),
            *(sa.Column(name, sa.Text, nullable=False) for name in ("run_id", "name", "content")),
            sa.Column("revision", sa.Integer, nullable=False),
            *(sa.Column(name, sa.Text, nullable=False) for name in ("saved_by", "saved_at")),
            sa.UniqueConstraint("run_id", "name", name="planner_drafts_run_id_key"),
        )
    if bind.dialect.name == "postgresql":
        op.execute(PLANNER)
