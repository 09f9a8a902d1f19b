"""How Alembic runs our migrations: always on a connection that the store hands over, in the store's own transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlalchemy.schema import CreateSchema

from allocation.publication.tables import METADATA, SCHEMA


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """On PostgreSQL our schema only: the database may hold other things."""
    return kind != "schema" or name in (SCHEMA, None)


def run() -> None:
    connection: sa.Connection = context.config.attributes["connection"]
    if connection.dialect.name == "postgresql":
        if not sa.inspect(connection).has_schema(SCHEMA):  # whoever owns the schema need not be able to make another
            connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
        schema = SCHEMA
    else:
        schema = None
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        version_table_schema=schema,
        include_name=is_ours,
        transactional_ddl=True,  # SQLite can; a migration that is killed leaves nothing
    )
    context.run_migrations()


run()
