"""The published names: views over the rows of versions that were published, with the dates on which they hold.

A proposal is invisible here. On PostgreSQL the numbers of clients under 5 are empty for everyone who is not a member
of caseload_writer, the views leak nothing to functions of a reader (``security_barrier``), everything is owned by
caseload_owner, and a reader may read these views and nothing else.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The date in the Netherlands. SQLite knows no time zones; summer time runs between the last Sundays of March and
# October, 01:00 UTC, and the last Sunday of a month of 31 days is the first on or after the 25th.
TODAY_POSTGRESQL = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
TODAY_SQLITE = """date('now', CASE
    WHEN datetime('now') >= datetime(strftime('%Y', 'now') || '-03-25', 'weekday 0', '+1 hour')
     AND datetime('now') < datetime(strftime('%Y', 'now') || '-10-25', 'weekday 0', '+1 hour')
    THEN '+2 hours' ELSE '+1 hour' END)"""

ALLOCATION = """
SELECT r.version, r.pc4, r.client_line, r.law_domain, r.team_id, r.share, p.valid_from, p.valid_to
FROM allocation_rows r JOIN validity p ON p.version = r.version AND p.superseded_at IS NULL
"""
ROUTING = """
SELECT r.version, r.pc4, r.pc6_from, r.pc6_to, r.client_group, r.law, r.client_line, r.team_id, r.share, r.office,
       p.valid_from, p.valid_to
FROM routing_rows r JOIN validity p ON p.version = r.version AND p.superseded_at IS NULL
"""
ROUTING_CURRENT = """
SELECT * FROM routing WHERE valid_from <= {today} AND coalesce(valid_to, '9999-12-31') >= {today}
"""
ALLOCATION_REASON = """
SELECT r.version, r.pc4, r.client_line, r.law_domain, r.rule, r.reason
FROM allocation_reason_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
"""
TEAM = """
SELECT r.version, r.team_id, r.name, r.office, r.office_pc4, r.arbeidsmarktregio, r.kind, r.client_groups,
       r.client_lines, r.laws, r.verzuimbeheer_code
FROM team_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
"""
TEAM_LOAD = """
SELECT r.version, r.team_id, r.name, r.office, r.kind, r.cluster, r.law_domain, r.client_line, r.areas,
       r.inhabitants, {shown:r.clients_per_year:r.clients_per_year} AS clients_per_year, r.hours_verzekeringsarts,
       r.hours_other, r.hours_low, r.hours_high, r.capacity_hours_verzekeringsarts, r.capacity_hours_other,
       r.target_hours, r.deviation, r.tolerance, r.is_within_tolerance, r.pieces, r.travel_km,
       {shown:r.stock_clients:r.stock_clients} AS stock_clients,
       {shown:r.stock_hours_verzekeringsarts:r.stock_clients} AS stock_hours_verzekeringsarts, r.waiting_months
FROM team_load_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
"""
TRANSITION = """
SELECT r.version, r.pc4, r.product, r.client_line, r.client_group, r.team_from, r.team_to,
       {shown:r.clients:r.clients} AS clients, r.movement, r.reason
FROM transition_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
"""
REGION_SUMMARY = """
SELECT r.version, r.arbeidsmarktregio_nr, r.arbeidsmarktregio, r.cluster, r.law_domain, r.client_line, r.teams,
       r.areas, r.inhabitants, r.hours_verzekeringsarts, r.mean_deviation, r.max_deviation, r.travel_km,
       r.municipality_splits, r.care_region_splits, r.areas_moved,
       {shown:r.clients_moved:r.clients_moved} AS clients_moved, r.waiting_months, r.objective, r.lower_bound, r.gap
FROM region_summary_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
"""
RUNS = """
SELECT r.version, r.run_id, r.created_at, r.created_by, r.reason, r.input_fingerprints, r.configuration,
       r.code_version, r.solver, r.validation, v.approval
FROM runs_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
"""

# What changes between any two versions, proposals too (internal). A line `alle` counts as both lines, unless neither
# version divides that postcode by line. Per postcode, line and domain the shares that teams lose are laid along a
# line from 0 in the order of team_id, the shares that teams win likewise; cutting both at every end gives pieces that
# each have one loser and one winner. A postcode that is new (or gone) loses to (or wins from) nobody: team_from (or
# team_to) is empty. Written with windows only, each by from_version and version: then a filter on two versions
# reaches the rows in both databases, and the view need not compute every pair.
VERSION_CHANGES = """
WITH differing AS NOT MATERIALIZED (
    SELECT f.version AS from_version, t.version, a.pc4, a.law_domain, a.client_line, a.team_id, -a.share AS delta
    FROM versions f CROSS JOIN versions t CROSS JOIN allocation_rows a
    WHERE f.version <> t.version AND a.version = f.version AND NOT EXISTS (
        SELECT 1 FROM allocation_rows o WHERE o.version = t.version AND o.pc4 = a.pc4 AND o.share = a.share
        AND o.client_line = a.client_line AND o.law_domain = a.law_domain AND o.team_id = a.team_id)
    UNION ALL
    SELECT f.version, t.version, a.pc4, a.law_domain, a.client_line, a.team_id, a.share
    FROM versions f CROSS JOIN versions t CROSS JOIN allocation_rows a
    WHERE f.version <> t.version AND a.version = t.version AND NOT EXISTS (
        SELECT 1 FROM allocation_rows o WHERE o.version = f.version AND o.pc4 = a.pc4 AND o.share = a.share
        AND o.client_line = a.client_line AND o.law_domain = a.law_domain AND o.team_id = a.team_id)
), flagged AS NOT MATERIALIZED (
    SELECT d.*, min(CASE client_line WHEN 'alle' THEN 1 ELSE 0 END)
        OVER (PARTITION BY from_version, version, pc4, law_domain) AS is_one_line
    FROM differing d
), net AS NOT MATERIALIZED (
    SELECT d.from_version, d.version, d.pc4, d.law_domain, l.line, d.team_id,
           sum(d.delta) OVER same AS delta, row_number() OVER same AS copy
    FROM flagged d JOIN (SELECT 'alle' AS line UNION ALL SELECT 'vangnet' UNION ALL SELECT 'werkgever') l
      ON CASE WHEN d.client_line = 'alle' AND d.is_one_line = 0 THEN l.line <> 'alle' ELSE l.line = d.client_line END
    WINDOW same AS (PARTITION BY d.from_version, d.version, d.pc4, d.law_domain, l.line, d.team_id)
), laid AS NOT MATERIALIZED (
    SELECT n.*, sum(abs(delta)) OVER (
        PARTITION BY from_version, version, pc4, law_domain, line, delta < 0 ORDER BY team_id) AS upto
    FROM net n WHERE copy = 1 AND abs(delta) > 1e-9
), cut AS NOT MATERIALIZED (
    SELECT p.*, upto - coalesce(lag(upto) OVER unit, 0) AS share,
           coalesce(sum(CASE WHEN delta < 0 THEN 1 ELSE 0 END) OVER before, 0) AS lost_before,
           coalesce(sum(CASE WHEN delta > 0 THEN 1 ELSE 0 END) OVER before, 0) AS won_before
    FROM laid p
    WINDOW unit AS (PARTITION BY from_version, version, pc4, law_domain, line ORDER BY upto),
           before AS (PARTITION BY from_version, version, pc4, law_domain, line ORDER BY upto
                      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP)
), lost AS NOT MATERIALIZED (
    SELECT cut.*, max(CASE WHEN delta < 0 THEN team_id END)
        OVER (PARTITION BY from_version, version, pc4, law_domain, line, lost_before) AS team_from
    FROM cut
), named AS NOT MATERIALIZED (
    SELECT lost.*, max(CASE WHEN delta > 0 THEN team_id END)
        OVER (PARTITION BY from_version, version, pc4, law_domain, line, won_before) AS team_to
    FROM lost
)
SELECT version, from_version, pc4, line AS client_line, law_domain, team_from, team_to, share
FROM named WHERE share > 1e-9
"""
WEIGHED_CHANGES = """
SELECT c.version, c.from_version, c.pc4, c.client_line, c.law_domain, c.team_from, c.team_to, c.share,
       c.share * e.clients AS clients, c.share * e.hours AS hours
FROM version_changes c LEFT JOIN expected_rows e
  ON e.version = CASE WHEN c.team_to IS NULL THEN c.from_version ELSE c.version END
 AND e.pc4 = c.pc4 AND e.client_line = c.client_line AND e.law_domain = c.law_domain
"""
ALLOCATION_CHANGES = """
SELECT c.version, c.from_version, c.pc4, c.client_line, c.law_domain, c.team_from, c.team_to, c.share,
       {shown:c.clients:c.clients} AS clients, {shown:c.hours:c.clients} AS hours
FROM weighed_changes c
JOIN versions f ON f.version = c.from_version AND f.status = 'published'
JOIN versions t ON t.version = c.version AND t.status = 'published'
UNION ALL
SELECT r.version, r.from_version, r.pc4, r.client_line, r.law_domain, r.team_from, r.team_to, r.share,
       {shown:r.clients:r.clients}, {shown:r.hours:r.clients}
FROM allocation_changes_rows r JOIN versions v ON v.version = r.version AND v.status = 'published'
WHERE r.from_version IS NULL
"""

# Per division. B&B: which team had a postcode on any day, by which rule; the look-up command reads it as well.
BEZWAAR_ROUTING = """
SELECT r.version, r.pc4, r.pc6_from, r.pc6_to, r.client_group, r.law, r.client_line, r.team_id, t.name AS team_name,
       r.office, r.share, CASE WHEN t.kind = 'bijzonder' THEN 'bijzondere_groep' ELSE coalesce(a.rule, 'verdeling') END
       AS rule, CASE WHEN t.kind = 'bijzonder' THEN 'groep ' || r.client_group || ' heeft één eigen team' ELSE a.reason
       END AS reason, r.valid_from, r.valid_to
FROM routing r
LEFT JOIN team_rows t ON t.version = r.version AND t.team_id = r.team_id
LEFT JOIN allocation_reason_rows a ON a.version = r.version AND a.pc4 = r.pc4
 AND a.client_line IN (r.client_line, 'alle') AND a.law_domain = CASE r.law WHEN 'PW' THEN 'pw' ELSE 'zw_wia' END
"""
UITKEREN_ROUTING = """
SELECT r.version, r.pc4, r.pc6_from, r.pc6_to, r.client_group, r.law, r.client_line, r.team_id, t.name AS team_name,
       t.verzuimbeheer_code, r.office, r.share, r.valid_from, r.valid_to
FROM routing r LEFT JOIN team_rows t ON t.version = r.version AND t.team_id = r.team_id
"""
KNS_POSTCODE = """
SELECT r.pc4, r.pc6_from, r.pc6_to, r.client_group, r.law, r.client_line, r.office, t.name AS team_name, r.share,
       CASE WHEN r.share > 0.999999 OR r.pc6_from IS NOT NULL
            THEN 'Een nieuwe aanvraag gaat naar ' || coalesce(t.name, r.team_id) || ', kantoor ' || r.office ||
                 '. Loopt er al een dossier, dan staat het team in dat dossier.'
            ELSE 'Deze postcode is verdeeld over meer teams, waaronder ' || coalesce(t.name, r.team_id) || ', kantoor '
                 || r.office || '. Kijk in het dossier welk team het is.' END AS message,
       r.version, r.valid_from, r.valid_to
FROM routing_current r LEFT JOIN team_rows t ON t.version = r.version AND t.team_id = r.team_id
"""
WERKBEDRIJF_TEAM = """
SELECT a.version, b.arbeidsmarktregio_nr, b.arbeidsmarktregio, b.gemeente_name, a.law_domain, a.client_line,
       a.team_id, t.name AS team_name, t.office, t.kind, CAST(count(*) AS integer) AS areas, a.valid_from, a.valid_to
FROM allocation a
JOIN versions v ON v.version = a.version
JOIN boundary_areas b ON b.boundary_set = v.boundary_set AND b.pc4 = a.pc4
LEFT JOIN team_rows t ON t.version = a.version AND t.team_id = a.team_id
GROUP BY a.version, b.arbeidsmarktregio_nr, b.arbeidsmarktregio, b.gemeente_name, a.law_domain, a.client_line,
         a.team_id, t.name, t.office, t.kind, a.valid_from, a.valid_to
"""
POSTCODE_AREA_MAP = """
SELECT a.version, a.pc4, a.law_domain, a.client_line, a.team_id, a.share, a.valid_from, a.valid_to,
       ST_Multi(ST_GeomFromWKB(b.shape, 28992))::geometry(MultiPolygon, 28992) AS geometry
FROM allocation a
JOIN versions v ON v.version = a.version
JOIN boundary_areas b ON b.boundary_set = v.boundary_set AND b.pc4 = a.pc4
"""
TEAM_AREA_MAP = """
SELECT version, law_domain, client_line, team_id, valid_from, valid_to, count(*) AS areas,
       ST_Multi(ST_Union(geometry))::geometry(MultiPolygon, 28992) AS geometry
FROM postcode_area_map GROUP BY version, law_domain, client_line, team_id, valid_from, valid_to
"""

INTERNAL = {"version_changes": VERSION_CHANGES, "weighed_changes": WEIGHED_CHANGES}
FOR_READERS = {
    "allocation": ALLOCATION,
    "routing": ROUTING,
    "routing_current": ROUTING_CURRENT,
    "allocation_reason": ALLOCATION_REASON,
    "team": TEAM,
    "team_load": TEAM_LOAD,
    "transition": TRANSITION,
    "region_summary": REGION_SUMMARY,
    "runs": RUNS,
    "allocation_changes": ALLOCATION_CHANGES,
    "bezwaar_routing": BEZWAAR_ROUTING,
    "uitkeren_routing": UITKEREN_ROUTING,
    "kns_postcode": KNS_POSTCODE,
    "werkbedrijf_team": WERKBEDRIJF_TEAM,
}
FOR_MAPS = {"postcode_area_map": POSTCODE_AREA_MAP, "team_area_map": TEAM_AREA_MAP}

# The body names the schema: a caller's search path may be anything.
ROUTING_ASOF = """
CREATE FUNCTION caseload.routing_asof(day date) RETURNS SETOF caseload.routing LANGUAGE sql STABLE AS $$
    SELECT * FROM caseload.routing WHERE valid_from <= day AND coalesce(valid_to, '9999-12-31') >= day
$$
"""
WRITER = """
GRANT USAGE ON SCHEMA caseload TO caseload_writer, caseload_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA caseload TO caseload_writer;
GRANT INSERT ON {tables} TO caseload_writer;
GRANT UPDATE (status, approval, planned_from, based_on_act) ON versions TO caseload_writer;
GRANT UPDATE (valid_to, superseded_at) ON validity TO caseload_writer;
REVOKE EXECUTE ON FUNCTION caseload.routing_asof(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caseload.routing_asof(date) TO caseload_writer, caseload_reader
"""
HAND_OVER = """
DO $$
DECLARE thing record;
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO caseload_owner', current_database());
    GRANT USAGE, CREATE ON SCHEMA caseload TO caseload_owner;
    FOR thing IN SELECT relname, relkind FROM pg_class
                 WHERE relnamespace = 'caseload'::regnamespace AND relkind IN ('r', 'v') LOOP
        EXECUTE format('ALTER %s caseload.%I OWNER TO caseload_owner',
                       CASE thing.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, thing.relname);
    END LOOP;
    ALTER FUNCTION caseload.routing_asof(date) OWNER TO caseload_owner;
    ALTER SCHEMA caseload OWNER TO caseload_owner;
END
$$
"""


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        for name, text in (INTERNAL | FOR_READERS).items():
            op.execute(f"CREATE VIEW {name} AS {_written_for(text, 'sqlite')}")
        return
    views = INTERNAL | FOR_READERS
    for_readers = list(FOR_READERS)
    if bind.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")):
        views = views | FOR_MAPS
        for_readers += list(FOR_MAPS)
    for name, text in views.items():
        op.execute(f"CREATE VIEW {name} WITH (security_barrier) AS {_written_for(text, 'postgresql')}")
    op.execute(ROUTING_ASOF)
    inspector = sa.inspect(bind)
    tables = ", ".join(t for t in inspector.get_table_names() if t not in ("alembic_version", "store_identity"))
    for statement in WRITER.format(tables=tables).split(";"):
        op.execute(statement)
    op.execute(f"GRANT SELECT ON {', '.join(for_readers)} TO caseload_reader")
    op.execute(HAND_OVER)


def _written_for(text: str, dialect: str) -> str:
    """The SQL of a view in one of the two dialects; ``{shown:column:count}`` hides a column where count is under 5."""
    postgresql = dialect == "postgresql"
    text = text.replace("{today}", TODAY_POSTGRESQL if postgresql else TODAY_SQLITE)
    while "{shown:" in text:
        before, _, rest = text.partition("{shown:")
        marked, _, after = rest.partition("}")
        column, count = marked.split(":")
        sees_all = "(SELECT pg_has_role(current_user, 'caseload_writer', 'MEMBER'))"
        shown = f"CASE WHEN {count} >= 5 OR {sees_all} THEN {column} END" if postgresql else column
        text = f"{before}{shown}{after}"
    return text
