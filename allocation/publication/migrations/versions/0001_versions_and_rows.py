"""The first schema: versions, their validity, the record of what was done, and the rows of every table.

A migration is history: it spells out what it made and does not read today's declarations. A test compares the
outcome of all migrations with `allocation.contract`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": sa.Integer(),
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "timestamp": sa.DateTime(timezone=True),
    "json": sa.JSON().with_variant(JSONB(), "postgresql"),
    "binary": sa.LargeBinary(),
}
CHOICES = {
    "client_line": ("vangnet", "werkgever", "alle"),
    "law_domain": ("zw_wia", "pw"),
    "law": ("ZW", "WIA", "PW"),
    "kind": ("regulier", "participatiewet", "bijzonder"),
    "movement": ("blijft", "verhuist"),
    "rule": ("verdeling", "pin", "split", "enig_team"),
    "status": ("proposed", "published", "rejected"),
    "act": ("propose", "publish", "reject", "rollback"),
}
NO_OVERLAP_POSTGRESQL = (
    "ALTER TABLE validity ADD CONSTRAINT validity_no_overlap "
    "EXCLUDE USING gist (daterange(valid_from, valid_to, '[]') WITH &&) WHERE (superseded_at IS NULL)"
)
# SQLite has no exclusion constraint: the same rule as a trigger on both ways in.
NO_OVERLAP_SQLITE = """
CREATE TRIGGER validity_no_overlap_{event} AFTER {event} ON validity
WHEN NEW.superseded_at IS NULL AND EXISTS (
    SELECT 1 FROM validity AS other
    WHERE other.superseded_at IS NULL AND other.period_id <> NEW.period_id
      AND other.valid_from <= coalesce(NEW.valid_to, '9999-12-31')
      AND NEW.valid_from <= coalesce(other.valid_to, '9999-12-31'))
BEGIN SELECT raise(ABORT, 'two periods of validity overlap'); END
"""


def upgrade() -> None:
    _versions()
    _row_tables()
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(NO_OVERLAP_POSTGRESQL)
    else:
        for event in ("INSERT", "UPDATE"):
            op.execute(NO_OVERLAP_SQLITE.format(event=event))
    op.execute(f"INSERT INTO store_identity (store_id) VALUES ('{uuid.uuid4()}')")


def _columns(text: str) -> list[sa.Column[Any]]:
    """``name:type`` apart by spaces; a question mark = may be empty."""
    pairs = (word.split(":") for word in text.split())
    return [sa.Column(name, TYPES[kind.rstrip("?")], nullable=kind.endswith("?")) for name, kind in pairs]


def _choice(table: str, column: str, allowed: Sequence[str]) -> sa.CheckConstraint:
    values = ", ".join(f"'{value}'" for value in allowed)
    return sa.CheckConstraint(f"{column} IN ({values})", name=op.f(f"{table}_{column}_check"))


def _rows(table: str, columns: str, *, key: str, one_of: Sequence[str]) -> None:
    allowed = dict(CHOICES)
    if table == "routing_rows":
        allowed["client_line"] = ("vangnet", "werkgever")
    op.create_table(table, *_columns(columns), *(_choice(table, column, allowed[column]) for column in one_of))
    op.execute(f"CREATE UNIQUE INDEX {table}_key ON {table} ({key})")


def _versions() -> None:
    op.create_table("store_identity", sa.Column("store_id", sa.Text, primary_key=True))
    op.create_table(
        "versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        *_columns(
            "status:text fingerprint:text boundary_set:text created_at:timestamp planned_from:date? "
            "based_on_act:integer approval:json?"
        ),
        _choice("versions", "status", CHOICES["status"]),
        sa.UniqueConstraint("fingerprint", name="versions_fingerprint_key"),
    )
    op.create_table(
        "acts",
        sa.Column("act_id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, sa.ForeignKey("versions.version"), nullable=False),
        *_columns("valid_from:date? acted_at:timestamp acted_by:text? reason:text? approval:json?"),
        _choice("acts", "act", CHOICES["act"]),
    )
    op.create_table(
        "validity",
        sa.Column("period_id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("version", sa.Integer, sa.ForeignKey("versions.version"), nullable=False),
        *_columns("valid_from:date valid_to:date?"),
        sa.Column("act_id", sa.Integer, sa.ForeignKey("acts.act_id"), nullable=False),
        *_columns("superseded_at:timestamp?"),
        sa.CheckConstraint("valid_to >= valid_from", name="validity_order_check"),
    )
    op.create_table(
        "boundary_areas",
        sa.Column("boundary_set", sa.Text, primary_key=True),
        sa.Column("pc4", sa.Text, primary_key=True),
        *_columns(
            "gemeente_name:text? arbeidsmarktregio_nr:integer? arbeidsmarktregio:text? "
            "x_m:number? y_m:number? shape:binary"
        ),
    )


def _row_tables() -> None:
    _rows(
        "allocation_rows",
        "version:integer pc4:text client_line:text law_domain:text team_id:text share:number",
        key="version, pc4, client_line, law_domain, team_id",
        one_of=("law_domain", "client_line"),
    )
    _rows(
        "routing_rows",
        "version:integer pc4:text pc6_from:text? pc6_to:text? client_group:text law:text client_line:text "
        "team_id:text share:number office:text",
        key="version, pc4, client_group, law, client_line, team_id, coalesce(pc6_from, ''), coalesce(pc6_to, '')",
        one_of=("law", "client_line"),
    )
    _rows(
        "allocation_reason_rows",
        "version:integer pc4:text client_line:text law_domain:text rule:text reason:text",
        key="version, pc4, client_line, law_domain",
        one_of=("rule", "client_line", "law_domain"),
    )
    _rows(
        "team_load_rows",
        "version:integer team_id:text name:text office:text kind:text cluster:text law_domain:text "
        "client_line:text areas:integer inhabitants:number clients_per_year:number "
        "hours_verzekeringsarts:number hours_other:number hours_low:number hours_high:number "
        "capacity_hours_verzekeringsarts:number capacity_hours_other:number target_hours:number "
        "deviation:number tolerance:number is_within_tolerance:boolean pieces:integer travel_km:number? "
        "stock_clients:number stock_hours_verzekeringsarts:number waiting_months:number?",
        key="version, team_id, law_domain, client_line",
        one_of=("law_domain", "kind", "client_line"),
    )
    _rows(
        "allocation_changes_rows",
        "version:integer from_version:integer? pc4:text client_line:text law_domain:text team_from:text? "
        "team_to:text? share:number clients:number? hours:number?",
        key="version, pc4, client_line, law_domain, coalesce(team_from, ''), coalesce(team_to, '')",
        one_of=("law_domain", "client_line"),
    )
    _rows(
        "transition_rows",
        "version:integer pc4:text product:text client_line:text client_group:text team_from:text? "
        "team_to:text clients:integer movement:text reason:text",
        key="version, pc4, product, client_line, client_group, team_to, coalesce(team_from, '')",
        one_of=("client_line", "movement"),
    )
    _rows(
        "region_summary_rows",
        "version:integer arbeidsmarktregio_nr:integer arbeidsmarktregio:text cluster:text law_domain:text "
        "client_line:text teams:integer areas:integer inhabitants:integer hours_verzekeringsarts:number "
        "mean_deviation:number max_deviation:number travel_km:number? municipality_splits:integer "
        "care_region_splits:integer areas_moved:integer clients_moved:integer waiting_months:number? "
        "objective:number lower_bound:number? gap:number?",
        key="version, arbeidsmarktregio_nr, law_domain, client_line",
        one_of=("law_domain", "client_line"),
    )
    _rows(
        "runs_rows",
        "version:integer run_id:text created_at:timestamp created_by:text reason:text input_fingerprints:json "
        "configuration:json code_version:text solver:json validation:json approval:json?",
        key="version",
        one_of=(),
    )
    _rows(
        "team_rows",
        "version:integer team_id:text name:text office:text office_pc4:text arbeidsmarktregio:text kind:text "
        "client_groups:text? client_lines:text laws:text verzuimbeheer_code:text?",
        key="version, team_id",
        one_of=("kind",),
    )
    _rows(
        "expected_rows",
        "version:integer pc4:text client_line:text law_domain:text clients:number hours:number",
        key="version, pc4, client_line, law_domain",
        one_of=("client_line", "law_domain"),
    )
