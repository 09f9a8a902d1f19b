"""PostgreSQL: who may do what. SQLite has no roles: whoever has the file has everything.

Three roles without login; a login gets its rights by membership, for example ``GRANT caseload_reader TO uitkeren``.
caseload_owner owns the schema, caseload_writer is the pipeline, caseload_reader is another division.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Roles belong to the whole server: they may exist already, or be made by a migration of another database just now.
ROLES = """
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['caseload_owner', 'caseload_writer', 'caseload_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
    IF NOT pg_has_role('caseload_owner', 'caseload_writer', 'MEMBER') THEN
        GRANT caseload_writer TO caseload_owner;
    END IF;
    -- Without superuser rights, things can only be handed to a role whose rights one has. (From PostgreSQL 16 on, who
    -- makes a role is a member of it, but without its rights.)
    IF NOT pg_has_role(current_user, 'caseload_owner', 'USAGE') THEN
        EXECUTE format('GRANT caseload_owner TO %I', current_user);
    END IF;
END
$$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(ROLES)
