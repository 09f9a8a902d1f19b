"""The published names: views over the rows of versions that were published, with the dates on which they hold.

Belongs here: the SQL of every view, in both dialects. A view of one table follows from its declaration, small counts
included; a view that is made of several tables spells out how. Does not belong here: when views are made (`upgrade`),
who may read them (`rights`).

A proposal is invisible in them. On PostgreSQL members of caseload_planner see complete values, others see what
`small_counts` says; SQLite has no roles, so its views are those of readers and operations read the rows (`reads`).
"""

from __future__ import annotations

from allocation.contract.published_tables import (
    ALLOCATION_CHANGES,
    BEZWAAR_ROUTING,
    DIVISION_VIEWS,
    EXPECTED,
    KNS_POSTCODE,
    PUBLISHED,
    ROUTING,
    RUNS,
    TEAM,
    UITKEREN_ROUTING,
    VERSION_HISTORY,
    WERKBEDRIJF_TEAM,
)
from allocation.contract.schema import Column, Table
from allocation.publication import small_counts_sql
from allocation.publication.tables import VALIDITY_COLUMNS, may_be_empty, read_column

_ANY_PUBLISHED = "ANY (ARRAY(SELECT version FROM versions WHERE status = 'published'))"
_OF_PUBLISHED = {
    "postgresql": f"= {_ANY_PUBLISHED}",
    "sqlite": "IN (SELECT version FROM versions WHERE status = 'published')",
}
_EVERY = {f"only_{alias}": "" for alias in "aegost"}
"""Of every version: proposals too."""
_PUBLISHED_ONLY = {f"only_{alias}": f"{alias}.version = {_ANY_PUBLISHED} AND " for alias in "aegost"}
"""What stands before the other conditions on joined rows ``a``, ``e``, ...: keeps those of proposals out."""
INTERNAL = ("version_changes", "weighed_changes")
MAPS = ("postcode_area_map", "team_area_map")
SEES_ALL = "(SELECT pg_has_role(current_user, 'caseload_planner', 'MEMBER'))"

# The date in the Netherlands. SQLite knows no time zones; summer time runs between the last Sundays of March and
# October, 01:00 UTC, and the last Sunday of a month of 31 days is the first on or after the 25th.
TODAY_POSTGRESQL = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
TODAY_SQLITE = """date('now', CASE
    WHEN datetime('now') >= datetime(strftime('%Y', 'now') || '-03-25', 'weekday 0', '+1 hour')
     AND datetime('now') < datetime(strftime('%Y', 'now') || '-10-25', 'weekday 0', '+1 hour')
    THEN '+2 hours' ELSE '+1 hour' END)"""

_IN_FORCE = "JOIN validity p ON p.version = r.version AND p.superseded_at IS NULL"
_PUBLISHED = "JOIN versions v ON v.version = r.version AND v.status = 'published'"
_TEAM_OF = "LEFT JOIN team_rows t ON {only_t}t.version = r.version AND t.team_id = r.team_id"
_NAME_OF_SEVERAL = """LEFT JOIN (
    SELECT o.version, o.name, o.office FROM team_rows o WHERE {only_o}o.name IS NOT NULL
    GROUP BY o.version, o.name, o.office HAVING count(*) > 1
) n ON n.version = t.version AND n.name = t.name AND n.office = t.office"""
_OWN_NAME = {"team_name": "t.name || CASE WHEN n.name IS NULL THEN '' ELSE ' (' || t.team_id || ')' END"}
"""Who knows a team by its name and office alone is told its code too, where another team has the same."""

# What changes between any two versions, proposals too (internal). A line `alle` counts as both lines, unless neither
# version divides that postcode by line. Per postcode, line and domain the shares that teams lose are laid along a
# line from 0 in the order of team_id, the shares that teams win likewise; cutting both at every end gives pieces that
# each have one loser and one winner. A postcode that is new (or gone) loses to (or wins from) nobody: team_from (or
# team_to) is empty. Written with windows only, each by from_version and version: then a filter on two versions
# reaches the rows in both databases, and the view need not compute every pair.
_VERSION_CHANGES = """
WITH differing AS NOT MATERIALIZED (
    SELECT f.version AS from_version, t.version, a.pc4, a.law_domain, a.client_line, a.team_id, -a.share AS delta
    FROM versions f CROSS JOIN versions t CROSS JOIN allocation_rows a
    WHERE {only_a}f.version <> t.version AND a.version = f.version AND NOT EXISTS (
        SELECT 1 FROM allocation_rows o WHERE {only_o}o.version = t.version AND o.pc4 = a.pc4 AND o.share = a.share
        AND o.client_line = a.client_line AND o.law_domain = a.law_domain AND o.team_id = a.team_id)
    UNION ALL
    SELECT f.version, t.version, a.pc4, a.law_domain, a.client_line, a.team_id, a.share
    FROM versions f CROSS JOIN versions t CROSS JOIN allocation_rows a
    WHERE {only_a}f.version <> t.version AND a.version = t.version AND NOT EXISTS (
        SELECT 1 FROM allocation_rows o WHERE {only_o}o.version = f.version AND o.pc4 = a.pc4 AND o.share = a.share
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
_WEIGHED_CHANGES = """
SELECT c.version, c.from_version, c.pc4, c.client_line, c.law_domain, c.team_from, c.team_to, c.share,
       c.share * e.clients AS clients, c.share * e.hours AS hours,
       c.share * e.clients_seen AS clients_seen, c.share * e.hours_seen AS hours_seen
FROM version_changes c LEFT JOIN expected_rows e
  ON {only_e}e.version = CASE WHEN c.team_to IS NULL THEN c.from_version ELSE c.version END
 AND e.pc4 = c.pc4 AND e.client_line = c.client_line AND e.law_domain = c.law_domain
"""
_BOTH_PUBLISHED = """JOIN versions f ON f.version = r.from_version AND f.status = 'published'
JOIN versions v ON v.version = r.version AND v.status = 'published'"""

# Per division, each in its own words.
_RULE = {
    "rule": "CASE WHEN t.kind = 'bijzonder' THEN 'bijzondere_groep' ELSE coalesce(a.rule, 'verdeling') END",
    "reason": "CASE WHEN t.kind = 'bijzonder' THEN 'groep ' || r.client_group || ' heeft één eigen team' "
    "ELSE a.reason END",
}
_REASON_OF = """LEFT JOIN allocation_reason_rows a ON {only_a}a.version = r.version AND a.pc4 = r.pc4
 AND a.client_line IN (r.client_line, 'alle')
 AND a.law_domain = CASE WHEN r.law = 'PW' OR r.pw_client THEN 'pw' ELSE 'zw_wia' END"""
_PLACE = ", ".join(f"r.{name}" for name in ("version", *ROUTING.key) if name != "team_id")
_MESSAGE = f"""CASE WHEN count(*) OVER (PARTITION BY {_PLACE}) = 1
            THEN 'Een nieuwe aanvraag gaat naar ' || coalesce(t.name, r.team_id) || ', kantoor ' || r.office ||
                 '. Loopt er al een dossier, dan staat het team in dat dossier.'
            ELSE 'Deze postcode is verdeeld over meer teams, waaronder ' || coalesce(t.name, r.team_id) || ', kantoor '
                 || r.office || '. Kijk in het dossier welk team het is.' END"""
# When each period was in force, to the minute: from its first day, or from the act when that came later on that day;
# until the next one. A period that was replaced before it began was never in force.
_VERSION_HISTORY = """
WITH started AS (
    SELECT p.period_id, p.version, p.valid_from, p.valid_to, a.act, a.acted_at AS published_at,
           p.superseded_at AS replaced_at, {start} AS in_force_from
    FROM validity p JOIN acts a ON a.act_id = p.act_id
)
SELECT version, valid_from, valid_to, act, published_at, in_force_from,
       lead(in_force_from) OVER (ORDER BY in_force_from, period_id) AS in_force_until, replaced_at
FROM started WHERE replaced_at IS NULL OR replaced_at > in_force_from
"""
_START_POSTGRESQL = "greatest(a.acted_at, p.valid_from::timestamp AT TIME ZONE 'Europe/Amsterdam')"
_START_SQLITE = """max(a.acted_at, datetime(p.valid_from, CASE
    WHEN p.valid_from > date(strftime('%Y', p.valid_from) || '-03-25', 'weekday 0')
     AND p.valid_from <= date(strftime('%Y', p.valid_from) || '-10-25', 'weekday 0')
    THEN '-2 hours' ELSE '-1 hour' END) || '.000000')"""
_AT_ANY_MOMENT = "JOIN version_history p ON p.version = r.version"
_WERKBEDRIJF_TEAM = """
WITH working AS (
    SELECT a.version, b.arbeidsmarktregio_nr, b.arbeidsmarktregio, b.gemeente_name, a.law_domain, a.client_line,
           a.team_id, CAST(count(*) AS integer) AS areas, a.valid_from, a.valid_to
    FROM allocation a
    JOIN versions v ON v.version = a.version
    JOIN boundary_areas b ON b.boundary_set = v.boundary_set AND b.pc4 = a.pc4
    GROUP BY a.version, b.arbeidsmarktregio_nr, b.arbeidsmarktregio, b.gemeente_name, a.law_domain, a.client_line,
             a.team_id, a.valid_from, a.valid_to
    UNION ALL
    SELECT r.version, NULL, NULL, NULL, CASE r.law WHEN 'PW' THEN 'pw' ELSE 'zw_wia' END, 'alle', r.team_id,
           CAST(count(DISTINCT r.pc4) AS integer), r.valid_from, r.valid_to
    FROM routing r JOIN team_rows s ON {only_s}s.version = r.version AND s.team_id = r.team_id AND s.kind = 'bijzonder'
    GROUP BY r.version, CASE r.law WHEN 'PW' THEN 'pw' ELSE 'zw_wia' END, r.team_id, r.valid_from, r.valid_to
)
SELECT w.version, w.arbeidsmarktregio_nr, w.arbeidsmarktregio, w.gemeente_name, w.law_domain, w.client_line,
       w.team_id, t.name AS team_name, t.office, t.kind, w.areas, l.clients_per_year AS team_clients_per_year,
       l.hours_verzekeringsarts AS team_hours_verzekeringsarts, w.valid_from, w.valid_to
FROM working w
LEFT JOIN team_rows t ON {only_t}t.version = w.version AND t.team_id = w.team_id
LEFT JOIN team_load l ON l.version = w.version AND l.team_id = w.team_id AND l.law_domain = w.law_domain
                     AND l.client_line = w.client_line
"""
_POSTCODE_AREA_MAP = """
SELECT a.version, a.pc4, a.law_domain, a.client_line, a.team_id, a.share, a.valid_from, a.valid_to,
       ST_Multi(ST_GeomFromWKB(b.shape, 28992))::geometry(MultiPolygon, 28992) AS geometry
FROM allocation a
JOIN versions v ON v.version = a.version
JOIN boundary_areas b ON b.boundary_set = v.boundary_set AND b.pc4 = a.pc4
"""
_TEAM_AREA_MAP = """
SELECT version, law_domain, client_line, team_id, valid_from, valid_to, count(*) AS areas,
       ST_Multi(ST_Union(geometry))::geometry(MultiPolygon, 28992) AS geometry
FROM postcode_area_map GROUP BY version, law_domain, client_line, team_id, valid_from, valid_to
"""

# The body names the schema: a caller's search path may be anything.
ROUTING_ASOF = """
CREATE FUNCTION caseload.routing_asof(day date) RETURNS SETOF caseload.routing LANGUAGE sql STABLE AS $$
    SELECT * FROM caseload.routing WHERE valid_from <= day AND coalesce(valid_to, '9999-12-31') >= day
$$
"""


def published_views(dialect: str, *, with_maps: bool = False) -> dict[str, str]:
    """Name -> SELECT of every view, in the order in which they can be made. ``with_maps``: PostGIS is there."""
    own = {"allocation_changes", "routing_current"}
    only = _joined_only(dialect)
    team_of, reason_of, group_of, name_of = (
        text.format(**only) for text in (_TEAM_OF, _REASON_OF, _GROUP_OF, _NAME_OF_SEVERAL)
    )
    views = {"version_changes": _VERSION_CHANGES.format(**_EVERY), "weighed_changes": _WEIGHED_CHANGES.format(**_EVERY)}
    views |= {t.name: _of_rows(t, dialect) for t in (*PUBLISHED, TEAM) if t.name not in own}
    views |= {
        "routing_current": _routing_current(dialect),
        ALLOCATION_CHANGES.name: _allocation_changes(dialect),
        VERSION_HISTORY.name: _VERSION_HISTORY.format(
            start=_START_POSTGRESQL if dialect == "postgresql" else _START_SQLITE
        ),
        BEZWAAR_ROUTING.name: _select(
            BEZWAAR_ROUTING,
            "routing_rows r",
            _AT_ANY_MOMENT,
            team_of,
            reason_of,
            _only_published(dialect, "r.version"),
            others=_TEAM_NAME | _RULE | _PERIOD | _empty_parts(ROUTING, dialect),
        ),
        UITKEREN_ROUTING.name: _select(
            UITKEREN_ROUTING, "routing r", team_of, group_of, others=_TEAM_NAME | _GROUP_CODE
        ),
        KNS_POSTCODE.name: _select(
            KNS_POSTCODE, "routing_current r", team_of, name_of, others=_OWN_NAME | {"message": _MESSAGE}
        ),
        WERKBEDRIJF_TEAM.name: _WERKBEDRIJF_TEAM.format(**only),
    }
    return views | ({MAPS[0]: _POSTCODE_AREA_MAP, MAPS[1]: _TEAM_AREA_MAP} if with_maps else {})


_PERIOD = {name: f"p.{name}" for name in ("valid_from", "valid_to", "in_force_from", "in_force_until", "replaced_at")}
_TEAM_NAME = {"team_name": "t.name"}
_GROUP_CODE = {"verzuimbeheer_code": "CASE WHEN g.version IS NULL THEN t.verzuimbeheer_code ELSE g.group_code END"}
_GROUP_OF = """LEFT JOIN verzuimbeheer_routing_rows g ON {only_g}g.version = r.version AND g.pc4 = r.pc4
 AND g.client_group = r.client_group AND g.pw_client = r.pw_client AND g.law = r.law AND g.team_id = r.team_id
 AND coalesce(g.pc6_from, '') = coalesce(r.pc6_from, '') AND coalesce(g.pc6_to, '') = coalesce(r.pc6_to, '')"""
"""Of the ZW only; other laws, and versions of before, have the code of the team."""


def division_queries(dialect: str) -> dict[str, str]:
    """What each division reads of one period, for its file: parameters ``version`` and ``first`` (its first day).

    Without moments: those of a period stand in `version_history`, and a version's files are the same whenever written.
    As readers see it, whoever asks: who publishes is shown complete counts by the views, and they would stand in files.
    """
    views = published_views(dialect)
    as_readers = {name: view.replace(SEES_ALL, "FALSE") for name, view in views.items() if SEES_ALL in view}
    seen = ", ".join(f"{name} AS ({view})" for name, view in as_readers.items())
    views[KNS_POSTCODE.name] = views[KNS_POSTCODE.name].replace("FROM routing_current r", "FROM routing r")
    queries = {}
    for table in DIVISION_VIEWS:
        columns = ", ".join(c.name for c in table.columns if c.type != "timestamp")
        key = ", ".join(k for k in table.key if table.column(k).type != "timestamp")
        queries[table.name] = (
            f"{'WITH ' + seen if seen else ''} SELECT {columns} FROM ({views[table.name]}) AS whole "
            f"WHERE version = :version AND valid_from = :first ORDER BY {key}"
        )
    return queries


def _select(table: Table, source: str, *joins: str, others: dict[str, str]) -> str:
    """The declared columns of ``table`` from ``source`` (alias r), except for what ``others`` computes."""
    columns = ", ".join(f"{others.get(c.name, f'r.{c.name}')} AS {c.name}" for c in table.columns)
    return f"SELECT {columns}\nFROM {source}\n" + "\n".join(joins)


def _of_rows(table: Table, dialect: str) -> str:
    """A table as it was written: with the periods in which it holds, or of all published versions."""
    others = {"approval": "v.approval"} if table is RUNS else {}
    in_periods = any(c.name in VALIDITY_COLUMNS for c in table.columns)
    others |= {name: f"p.{name}" for name in VALIDITY_COLUMNS} if in_periods else {}
    others |= _protected(table, dialect) | _empty_parts(table, dialect)
    joined = [_IN_FORCE if in_periods else _PUBLISHED]
    if any(c.is_seen_apart for c in table.columns):
        joined.append(small_counts_sql.joined(table, f"s.version {_OF_PUBLISHED[dialect]}"))
    return _select(table, f"{table.name}_rows r", *joined, _only_published(dialect, "r.version"), others=others)


def _only_published(dialect: str, *columns: str) -> str:
    """Keeps the rows of proposals out where they are read, and not only where they are joined.

    PostgreSQL compares first what a reader asks for, and EXPLAIN ANALYZE counts what fits: of a join he would learn
    which rows a proposal has. SQLite has no readers beside those who have the file.
    """
    return "WHERE " + " AND ".join(f"{one} = {_ANY_PUBLISHED}" for one in columns) if dialect == "postgresql" else ""


def _joined_only(dialect: str) -> dict[str, str]:
    """The same for the rows that a view joins to its own: what fills in ``{only_t}`` and its like."""
    return _PUBLISHED_ONLY if dialect == "postgresql" else _EVERY


def _weighed_changes_of_published() -> str:
    """``weighed_changes`` that reads no row of a proposal."""
    weighed, changes = (text.format(**_PUBLISHED_ONLY) for text in (_WEIGHED_CHANGES, _VERSION_CHANGES))
    return weighed.replace("FROM version_changes c", f"FROM ({changes}) c")


def _empty_parts(table: Table, dialect: str) -> dict[str, str]:
    return {name: read_column(table, name, dialect, of="r") for name in may_be_empty(table)}


def _protected(table: Table, dialect: str) -> dict[str, str]:
    return {c.name: _shown(c, dialect) for c in table.columns if c.is_protected}


_SEEN = {"clients": EXPECTED.column("clients_seen"), "hours": EXPECTED.column("hours_seen")}
"""What readers see of the work that moves between two versions, made of the share and of what they know of the whole
postcode."""


def _shown(column: Column, dialect: str, seen: Column | None = None) -> str:
    """A column of the rows ``r``: as it is to who may see it all, else as readers see it, or see ``seen`` beside it."""
    shown = small_counts_sql.as_sql(seen or column, dialect)
    if dialect != "postgresql":
        return shown
    return f"CASE WHEN {SEES_ALL} THEN r.{column.name} ELSE {shown} END"


def _routing_current(dialect: str) -> str:
    today = TODAY_POSTGRESQL if dialect == "postgresql" else TODAY_SQLITE
    columns = ", ".join(ROUTING.column_names)
    return f"SELECT {columns} FROM routing\nWHERE valid_from <= {today} AND coalesce(valid_to, '9999-12-31') >= {today}"


def _allocation_changes(dialect: str) -> str:
    """Between any two published versions; and against a division that came as a file, which is no version."""
    made_anew = {name: _shown(ALLOCATION_CHANGES.column(name), dialect, seen) for name, seen in _SEEN.items()}
    only = _only_published(dialect, "r.from_version", "r.version")
    source = "weighed_changes r" if dialect != "postgresql" else f"({_weighed_changes_of_published()}) r"
    between = _select(ALLOCATION_CHANGES, source, _BOTH_PUBLISHED, only, others=made_anew)
    others = _protected(ALLOCATION_CHANGES, dialect) | _empty_parts(ALLOCATION_CHANGES, dialect)
    apart = small_counts_sql.joined(ALLOCATION_CHANGES, f"s.version {_OF_PUBLISHED[dialect]}")
    only = _only_published(dialect, "r.version") or "WHERE true"
    from_file = _select(ALLOCATION_CHANGES, "allocation_changes_rows r", _PUBLISHED, apart, only, others=others)
    return f"{between}\nUNION ALL\n{from_file} AND r.from_version IS NULL"
