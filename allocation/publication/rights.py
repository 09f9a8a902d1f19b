"""PostgreSQL: who may do what. SQLite has no roles: whoever has the file has everything.

Four roles without login; a login gets its rights by membership, for example ``GRANT caseload_reader TO uitkeren``.
caseload_owner owns the schema (new versions of the program), caseload_writer is the pipeline (proposes, publishes, puts
back), caseload_planner is the planners' page (sees complete counts, keeps drafts, proposes), caseload_reader is another
division. Each but the last has the rights of the next.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.published_tables import RUNS
from allocation.publication.tables import ACT_OF_STATUS, METADATA, ROWS, TIMELINE_ACTS

_WRITTEN_ONCE = ("boundary_areas", *(table.name for table in ROWS.values()))
"""What a proposal adds whole; nobody but the owner changes or deletes it, but for a run's record (`_OF_A_RECORD`)."""
_OF_OTHERS = {"versions": ("approval",), "acts": ("act_id",)}
"""What a proposal adds in part, and the columns that it may not fill: those are the pipeline's or the store's own."""

_STATEMENTS = """
REVOKE ALL ON ALL TABLES IN SCHEMA caseload FROM caseload_reader, caseload_planner, caseload_writer;
REVOKE ALL ON {every} FROM PUBLIC;
GRANT USAGE ON SCHEMA caseload TO caseload_writer, caseload_planner, caseload_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA caseload TO caseload_planner;
GRANT INSERT ON {written_once} TO caseload_planner;
GRANT UPDATE ON {record} TO caseload_planner;
{in_part};
GRANT UPDATE (status, planned_from, based_on_act, scope) ON versions TO caseload_planner;
GRANT INSERT, UPDATE, DELETE ON planner_drafts TO caseload_planner;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA caseload TO caseload_planner;
GRANT UPDATE (status, approval, planned_from, based_on_act, scope) ON versions TO caseload_writer;
GRANT INSERT ON validity TO caseload_writer;
GRANT UPDATE (valid_to, superseded_at) ON validity TO caseload_writer;
GRANT SELECT ON {for_readers} TO caseload_reader;
GRANT SELECT (declarations) ON store_identity TO caseload_reader;
REVOKE EXECUTE ON FUNCTION caseload.routing_asof(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caseload.routing_asof(date) TO caseload_planner, caseload_reader
"""
_HAND_OVER = """
DO $$
DECLARE thing record;
BEGIN
    IF NOT has_schema_privilege('caseload_owner', 'caseload', 'CREATE') THEN
        GRANT USAGE, CREATE ON SCHEMA caseload TO caseload_owner;
    END IF;
    FOR thing IN SELECT relname, relkind FROM pg_class
                 WHERE relnamespace = 'caseload'::regnamespace AND relkind IN ('r', 'v')
                   AND relowner <> 'caseload_owner'::regrole LOOP
        EXECUTE format('ALTER %s caseload.%I OWNER TO caseload_owner',
                       CASE thing.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, thing.relname);
    END LOOP;
    ALTER FUNCTION caseload.routing_asof(date) OWNER TO caseload_owner;
    ALTER SCHEMA caseload OWNER TO caseload_owner;
END
$$
"""
# PostgreSQL plans by what it has counted. It counts by itself some minutes after rows came; until then it would read a
# division's view of a new store by loops that take minutes. Only an owner may have it count, by this function.
_COUNTING = (
    """
CREATE OR REPLACE FUNCTION caseload.count_rows() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = caseload, pg_temp AS $$
BEGIN
    ANALYZE {every};
END
$$
""",
    "REVOKE EXECUTE ON FUNCTION caseload.count_rows() FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION caseload.count_rows() TO caseload_writer",
    "ALTER FUNCTION caseload.count_rows() OWNER TO caseload_owner",
)
# A planner proposes, and with that withdraws an older proposal; that a version is published or rejected is the
# pipeline's to say. A proposal holds against the timeline of the moment at which it is made, not against a later one;
# what was published does not change. Of proposing no approval is recorded, but for the run that asks.
_DECIDING = (
    """
CREATE OR REPLACE FUNCTION caseload.only_the_writer_decides() RETURNS trigger LANGUAGE plpgsql
SET search_path = caseload, pg_temp AS $$
BEGIN
    IF pg_has_role(current_user, 'caseload_writer', 'MEMBER') THEN
        RETURN NEW;
    END IF;
    IF NOT (TG_OP = 'INSERT' AND NEW.status = 'proposed'
            AND NEW.version = (SELECT coalesce(max(version), 0) + 1 FROM caseload.versions)
         OR TG_OP = 'UPDATE' AND NEW.status = 'proposed' AND OLD.status <> 'published'
         OR TG_OP = 'UPDATE' AND NEW.status = 'withdrawn' AND OLD.status = 'proposed') THEN
        RAISE EXCEPTION 'permission denied: only caseload_writer publishes or rejects a version'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (TG_OP = 'INSERT' OR NEW.based_on_act <> OLD.based_on_act) AND NEW.based_on_act <> (
        SELECT coalesce(max(act_id), 0) FROM caseload.acts WHERE act IN ({timeline})) THEN
        RAISE EXCEPTION 'permission denied: a proposal holds against the timeline of now'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$
""",
    """
CREATE OR REPLACE TRIGGER only_the_writer_decides BEFORE INSERT OR UPDATE ON versions
FOR EACH ROW EXECUTE FUNCTION caseload.only_the_writer_decides()
""",
    "ALTER FUNCTION caseload.only_the_writer_decides() OWNER TO caseload_owner",
    """
CREATE OR REPLACE FUNCTION caseload.only_the_writer_acts() RETURNS trigger LANGUAGE plpgsql
SET search_path = caseload, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'caseload_writer', 'MEMBER') AND NOT (
           NEW.act = 'propose' AND coalesce(NEW.approval ? 'run' AND NEW.approval - 'run' = '{}'::jsonb, true)
        OR NEW.act = 'withdraw' AND coalesce(NEW.approval ? 'replaced_by', false)
           AND EXISTS (SELECT 1 FROM caseload.versions WHERE version = NEW.version AND status = 'proposed')) THEN
        RAISE EXCEPTION 'permission denied: only caseload_writer keeps a record of a decision'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$
""",
    """
CREATE OR REPLACE TRIGGER only_the_writer_acts BEFORE INSERT ON acts
FOR EACH ROW EXECUTE FUNCTION caseload.only_the_writer_acts()
""",
    "ALTER FUNCTION caseload.only_the_writer_acts() OWNER TO caseload_owner",
)
# Nothing is another than it was without an act that says who made it so: looked at when the transaction ends, because
# in `propose` the act comes after the rows. (An act of this very transaction: `xmin`.) Only the owner is free of it.
_WITH_ITS_ACT = (
    """
CREATE OR REPLACE FUNCTION caseload.{name}() RETURNS trigger LANGUAGE plpgsql
SET search_path = caseload, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'caseload_owner', 'MEMBER') AND NOT EXISTS ({act}) THEN
        RAISE EXCEPTION 'permission denied: {why}' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$
""",
    "DROP TRIGGER IF EXISTS {name} ON {table}",
    """
CREATE CONSTRAINT TRIGGER {name} AFTER {changes} ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION caseload.{name}()
""",
    "ALTER FUNCTION caseload.{name}() OWNER TO caseload_owner",
)
_OF_A_VERSION = {
    "name": "no_change_without_its_act",
    "table": "versions",
    "changes": "INSERT OR UPDATE",
    "why": "a version changes with an act in its record only",
    "act": """
        SELECT 1 FROM caseload.acts c WHERE c.version = NEW.version AND c.xmin = pg_current_xact_id()::xid
        AND c.act = CASE NEW.status {acts_of} END""",
}
# An act of the timeline adds a period of its own, and cuts off the one that its first day falls in, or takes the place
# of the one that begins then.
_OF_A_PERIOD = {
    "name": "no_period_without_its_act",
    "table": "validity",
    "changes": "INSERT OR UPDATE",
    "why": "what is in force changes with an act in its record only",
    "act": """
        SELECT 1 FROM caseload.acts c JOIN caseload.validity own ON own.act_id = c.act_id
        WHERE c.xmin = pg_current_xact_id()::xid AND c.act IN ({timeline})
        AND own.version = c.version AND own.valid_from = c.valid_from AND own.superseded_at IS NULL
        AND CASE WHEN TG_OP = 'INSERT' THEN own.period_id = NEW.period_id
                 WHEN OLD.superseded_at IS NOT NULL THEN false
                 WHEN NEW.superseded_at IS NULL THEN NEW.valid_to = c.valid_from - 1
                 ELSE NEW.valid_from = c.valid_from AND NEW.valid_to IS NOT DISTINCT FROM OLD.valid_to END""",
}
# The same content proposed by another run is of that run: its record takes the place of the one before, with the act
# that names the run, as long as nothing was published of it.
_OF_A_RECORD = {
    "name": "no_record_without_its_act",
    "table": ROWS[RUNS.name].name,
    "changes": "UPDATE",
    "why": "the record of a run changes with the act that proposes it only",
    "act": """
        SELECT 1 FROM caseload.acts c JOIN caseload.versions v ON v.version = c.version
        WHERE NEW.version = OLD.version AND c.version = NEW.version AND c.xmin = pg_current_xact_id()::xid
        AND c.act = 'propose' AND c.approval ->> 'run' = NEW.run_id AND v.status = 'proposed'""",
}
# Whoever may propose may add rows: to a version that was added in the same transaction and has no act yet. To one that
# was proposed already, or that is not there, nobody but the owner adds any. In `propose` the version comes before the
# rows, and the act after them.
_WRITTEN = """
CREATE OR REPLACE FUNCTION caseload.{name}() RETURNS trigger LANGUAGE plpgsql
SET search_path = caseload, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'caseload_owner', 'MEMBER') AND EXISTS (
           SELECT 1 FROM (SELECT DISTINCT {key} FROM added) AS a
           LEFT JOIN caseload.versions v ON v.{key} = a.{key} LEFT JOIN caseload.acts c ON c.version = v.version
           WHERE v.version IS NULL OR c.version IS NOT NULL) THEN
        RAISE EXCEPTION 'permission denied: what a version says is written once, before its act'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
ALTER FUNCTION caseload.{name}() OWNER TO caseload_owner
"""
_WRITTEN_TRIGGER = """
CREATE OR REPLACE TRIGGER written_once AFTER INSERT ON {table}
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION caseload.{name}()
"""


def _written_once() -> list[str]:
    statements = []
    for name, key, tables in (
        ("rows_are_written_once", "version", [table.name for table in ROWS.values()]),
        ("areas_are_written_once", "boundary_set", ["boundary_areas"]),
    ):
        function, _, owner = _WRITTEN.format(name=name, key=key).rpartition(";")
        statements += [function, owner, *(_WRITTEN_TRIGGER.format(table=table, name=name) for table in tables)]
    return statements


def _in_part() -> list[str]:
    return [
        f"GRANT INSERT ({', '.join(c.name for c in METADATA.tables[table].columns if c.name not in others)}) "
        f"ON {table} TO caseload_planner"
        for table, others in _OF_OTHERS.items()
    ]


def grant(connection: Connection, for_readers: Iterable[str]) -> None:
    """Give every table and view of the schema to its roles. On PostgreSQL only."""
    every = ", ".join(table for table in METADATA.tables)
    filled = _STATEMENTS.format(
        every=every, written_once=", ".join(_WRITTEN_ONCE), for_readers=", ".join(sorted(for_readers)),
        in_part=";\n".join(_in_part()), record=ROWS[RUNS.name].name,
    )  # fmt: skip
    timeline = ", ".join(f"'{act}'" for act in TIMELINE_ACTS)
    deciding = [statement.replace("{timeline}", timeline) for statement in _DECIDING]
    acts_of = " ".join(f"WHEN '{status}' THEN '{act}'" for status, act in ACT_OF_STATUS.items())
    recorded = [
        statement.format(**guard).replace("{acts_of}", acts_of).replace("{timeline}", timeline)
        for guard in (_OF_A_VERSION, _OF_A_PERIOD, _OF_A_RECORD)
        for statement in _WITH_ITS_ACT
    ]
    counting = [statement.replace("{every}", every) for statement in _COUNTING]
    for statement in (*filled.split(";"), *deciding, *recorded, *_written_once(), *counting, _HAND_OVER):
        connection.execute(sa.text(statement))
