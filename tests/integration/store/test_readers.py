"""What readers get: the views per division, dates, small counts, and on PostgreSQL nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from allocation.contract.errors import Refused
from allocation.contract.published_tables import DIVISION_VIEWS, KNS_POSTCODE, PUBLISHED, SEEN_APART, TEAM
from allocation.contract.schema import Table
from allocation.page import deciding
from allocation.publication import data_contract, drafts, lookup, network_lookup, reads, store, upgrade, versions
from allocation.publication.data_contract import TABLES
from tests.support.outcomes import Country, with_shared_range, write_outcome
from tests.support.postgres import INSUFFICIENT_PRIVILEGE, attempt, has_extension, new_database, started_server

COUNTED = {t.name: [c.name for c in t.columns if c.counts_persons or c.told_by] for t in (*PUBLISHED, TEAM)}


def select(store_url: str, query: str) -> list[sa.Row[tuple[object, ...]]]:
    with store.reading(store_url) as connection:
        return list(connection.execute(sa.text(query)).all())


@pytest.fixture
def published(store_url: str, files_dir: Path, propose: Callable[..., int]) -> str:
    versions.publish(propose(Country(moves={"1006": "A1"}, note="pand aan de grens")), store_url, files_dir)
    return store_url


def test_uitkeren_gets_the_code_of_its_group(published: str) -> None:
    rows = select(
        published,
        "SELECT team_name, verzuimbeheer_code, office FROM uitkeren_routing WHERE pc4 = '1003' AND law = 'ZW' "
        "AND client_group = 'regulier' AND pw_client = false AND client_line = 'vangnet'",
    )
    assert [tuple(r) for r in rows] == [("SMC V1", "VZB-V1", "Venlo")]


def test_of_two_groups_of_a_team_uitkeren_gets_the_one_of_the_postcode_for_the_zw(published: str) -> None:
    """A1 has VZB-A1 in the first row of postcodes and VZB-A1-B after it; for other laws the code of the team."""
    rows = select(
        published,
        "SELECT pc4, law, verzuimbeheer_code FROM uitkeren_routing WHERE pc4 IN ('1000', '1007') AND team_id = 'A1' "
        "AND client_line = 'vangnet' ORDER BY pc4, law",
    )
    assert [tuple(r) for r in rows] == [
        ("1000", "WIA", "VZB-A1"), ("1000", "ZW", "VZB-A1"), ("1007", "WIA", "VZB-A1"), ("1007", "ZW", "VZB-A1-B"),
    ]  # fmt: skip
    routed = select(published, "SELECT pc4, sum(share) FROM verzuimbeheer_routing WHERE pc4 = '1002' "
                    "AND client_group = 'regulier' AND pw_client = false GROUP BY pc4")  # fmt: skip
    assert [tuple(r) for r in routed] == [("1002", 1.0)]


def test_readers_see_no_fingerprint_of_the_input(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    """The SHA-256 of a small file tells what is in it to who guesses: `staff` is never published."""
    folder = write_outcome(tmp_path / "o")
    made_of = {
        "input": {"folder": "/srv/input", "sha256": {"staff.csv": "9f2c41"}},
        "boundaries": {"fingerprint": "ab"},
    }
    run = pd.read_parquet(folder / "runs.parquet").assign(input_fingerprints=json.dumps(made_of))
    run.to_parquet(folder / "runs.parquet", index=False)
    version = versions.propose(folder, store_url, files_dir)
    versions.publish(version, store_url, files_dir)
    if store_url.startswith("sqlite"):  # the login of these tests is a planner's on PostgreSQL
        [[shown]] = select(store_url, "SELECT input_fingerprints FROM runs")
        assert json.loads(str(shown)) == {"boundaries": {"fingerprint": "ab"}}
    published = [path for path in files_dir.rglob("*") if path.is_file() and "runs" in path.name]
    published = [path for path in published if "proposals" not in path.parts]  # these are of operations
    assert published
    assert not [path for path in published if b"9f2c41" in path.read_bytes()]


def test_kns_is_told_what_to_say(published: str) -> None:
    where = "client_group = 'regulier' AND pw_client = false AND law = 'WIA' AND client_line = 'vangnet'"
    whole = select(published, f"SELECT office, message FROM kns_postcode WHERE pc4 = '1000' AND {where}")
    assert [tuple(r) for r in whole] == [
        (
            "Almere",
            "Een nieuwe aanvraag gaat naar SMC A1, kantoor Almere. Loopt er al een dossier, dan staat het team in dat "
            "dossier.",
        )
    ]
    shared = select(published, f"SELECT message FROM kns_postcode WHERE pc4 = '1001' AND {where} ORDER BY office")
    told = (
        "Deze postcode is verdeeld over meer teams, waaronder SMC {}, kantoor {}. Kijk in het dossier welk team het is."
    )
    assert [r[0] for r in shared] == [told.format("A1", "Almere"), told.format("A2", "Amersfoort")]


def test_kns_is_told_for_certain_only_where_one_team_serves_alone(
    store_url: str, files_dir: Path, tmp_path: Path
) -> None:
    """A range that two teams share is not certain; what is left of the postcode has one team."""
    version = versions.propose(with_shared_range(tmp_path / "o"), store_url, files_dir)
    versions.publish(version, store_url, files_dir)
    rows = select(
        store_url,
        "SELECT pc6_from, office, message FROM kns_postcode WHERE pc4 = '1002' AND client_group = 'regulier' "
        "AND pw_client = false AND law = 'WIA' AND client_line = 'vangnet' ORDER BY pc6_from IS NULL, office",
    )
    assert [(r[0], r[1], r[2].split()[0]) for r in rows] == [  # type: ignore[attr-defined]
        ("1002AA", "Almere", "Deze"),
        ("1002AA", "Amersfoort", "Deze"),
        (None, "Almere", "Een"),
    ]


def test_kns_tells_two_teams_of_one_name_apart(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    """Of an office with two teams that have one name, the codes are told too: the key of the view holds."""
    outcome = write_outcome(tmp_path / "o")
    teams = pd.read_parquet(outcome / "teams.parquet")
    teams.loc[teams["team_id"].isin(["A1", "A2"]), ["name", "office"]] = ["SMC A", "Almere"]
    teams.to_parquet(outcome / "teams.parquet", index=False)
    routing = pd.read_parquet(outcome / "routing.parquet")
    routing.loc[routing["team_id"].isin(["A1", "A2"]), "office"] = "Almere"
    routing.to_parquet(outcome / "routing.parquet", index=False)
    folder = versions.publish(versions.propose(outcome, store_url, files_dir), store_url, files_dir)
    where = "pc4 = '1001' AND client_group = 'regulier' AND pw_client = false AND law = 'WIA'"
    query = f"SELECT team_name, share, message FROM kns_postcode WHERE {where} AND client_line = 'vangnet' ORDER BY 1"
    rows = select(store_url, query)
    assert [(r[0], r[1]) for r in rows] == [("SMC A (A1)", 0.5), ("SMC A (A2)", 0.5)]  # type: ignore[index]
    assert select(store_url, "SELECT DISTINCT team_name FROM kns_postcode WHERE team_name LIKE '%W1%'") == [("SMC W1",)]
    in_file = pd.read_parquet(folder / "kns_postcode.parquet")
    key = [name for name in KNS_POSTCODE.key if name in in_file.columns]
    assert not in_file.duplicated(key).any()


@pytest.mark.parametrize(
    ("postcode", "teams"), [("1002AC", [("A2", 0.15, 0.6), ("A1", 0.1, 0.4)]), ("1002ZZ", [("A1", 0.75, 1.0)])]
)
def test_the_query_of_the_document_names_every_team_of_a_full_postcode(
    store_url: str, files_dir: Path, tmp_path: Path, postcode: str, teams: list[tuple[str, float, float]]
) -> None:
    version = versions.propose(with_shared_range(tmp_path / "o"), store_url, files_dir)
    versions.publish(version, store_url, files_dir)
    document = (data_contract.DOCS / "data-contract.md").read_text(encoding="utf-8")
    (query,) = (text for text in re.findall(r"```sql\n(.*?)```", document, re.DOTALL) if "1002AC" in text)
    rows = select(store_url, query.replace("1002AC", postcode))
    assert [(r[0], pytest.approx(r[2]), pytest.approx(r[3])) for r in rows] == teams


def test_werkbedrijf_sees_which_teams_work_where(published: str) -> None:
    rows = select(
        published,
        "SELECT gemeente_name, team_id, areas FROM werkbedrijf_team WHERE law_domain = 'zw_wia' "
        "AND client_line = 'vangnet' ORDER BY team_id",
    )
    assert [tuple(r) for r in rows] == [("Gemeente 2", "V1", 9), ("Gemeente 2", "V2", 6)]
    special = select(
        published,
        "SELECT gemeente_name, office, areas FROM werkbedrijf_team WHERE team_id = 'M' AND law_domain = 'zw_wia'",
    )
    assert [tuple(r) for r in special] == [(None, "Utrecht", 30)]
    work = select(
        published,
        "SELECT DISTINCT team_clients_per_year, team_hours_verzekeringsarts FROM werkbedrijf_team WHERE team_id = 'P'",
    )
    # 30 areas of 20.5 clients and 80 hours, to readers (SQLite) and operations alike.
    assert tuple(work[0]) == (615.0, 2400.0)


def test_bezwaar_sees_rule_and_reason_of_any_day(published: str, files_dir: Path, propose: Callable[..., int]) -> None:
    tomorrow = store.today() + timedelta(days=1)
    versions.publish(propose(Country(note="zonder pin")), published, files_dir, valid_from=tomorrow)
    rows = select(
        published,
        "SELECT team_id, rule, reason, valid_from FROM bezwaar_routing WHERE pc4 = '1006' AND law = 'WIA' "
        "AND client_group = 'regulier' AND pw_client = false AND client_line = 'werkgever' ORDER BY valid_from",
    )
    assert [tuple(r)[:3] for r in rows] == [("A1", "pin", "pand aan de grens"), ("A1", "verdeling", None)]


def test_every_routing_row_appears_once_in_each_view_of_it(published: str) -> None:
    counts = [
        select(published, f"SELECT count(*) FROM {view}")[0][0]
        for view in ("routing", "routing_current", "uitkeren_routing", "kns_postcode", "bezwaar_routing")
    ]
    assert len(set(counts)) == 1


def test_routing_asof_reads_any_day(postgres_url: str, files_dir: Path, tmp_path: Path) -> None:
    later = store.today() + timedelta(days=30)
    for number, (note, day) in enumerate([("nu", None), ("straks", later)]):
        outcome = write_outcome(tmp_path / str(number), Country(note=note, moves={"1000": "A2"} if number else {}))
        versions.publish(versions.propose(outcome, postgres_url, files_dir), postgres_url, files_dir, valid_from=day)
    with store.reading(postgres_url) as connection:
        for day, version in ((later - timedelta(days=1), 1), (later, 2), (store.today() - timedelta(days=1), None)):
            asof = sa.text("SELECT DISTINCT version FROM routing_asof(:day)")
            assert connection.scalars(asof, {"day": day}).all() == ([version] if version else [])


# --- rights (PostgreSQL) ---------------------------------------------------------------------------------------------


def test_a_reader_reads_the_published_views_and_nothing_else(login: Callable[[str], str]) -> None:
    reader = login("caseload_reader")
    with store.connected(reader) as connection:
        assert connection.scalar(sa.text("SELECT current_user")) == "caseload_reader_login_0"
        there = sa.inspect(connection)
        relations = [*there.get_table_names(), *there.get_view_names()]
    published = {table.name for table in TABLES}
    assert published < set(relations)
    for name in relations:
        expected = "done" if name in published or name.endswith("_map") else INSUFFICIENT_PRIVILEGE
        assert attempt(reader, f"SELECT * FROM caseload.{name} LIMIT 1") == expected, name
        for statement in (
            f"DELETE FROM caseload.{name}",
            f"UPDATE caseload.{name} SET version = 1",
            f"INSERT INTO caseload.{name} DEFAULT VALUES",
            f"TRUNCATE caseload.{name}",
        ):
            assert attempt(reader, statement) != "done", statement
    assert attempt(reader, "SELECT * FROM caseload.routing_asof(current_date)") == "done"
    assert attempt(reader, "SELECT caseload.count_rows()") == INSUFFICIENT_PRIVILEGE
    assert attempt(login("caseload_planner"), "SELECT caseload.count_rows()") == INSUFFICIENT_PRIVILEGE
    assert attempt(reader, "CREATE TABLE caseload.own (x int)") == INSUFFICIENT_PRIVILEGE
    assert attempt(reader, "SET ROLE caseload_writer") == INSUFFICIENT_PRIVILEGE
    assert attempt(reader, "SET ROLE caseload_owner") == INSUFFICIENT_PRIVILEGE
    assert attempt(reader, "DROP VIEW caseload.routing") == INSUFFICIENT_PRIVILEGE


def test_a_reader_cannot_keep_writers_out(login: Callable[[str], str], on_postgres: str) -> None:
    """Whoever may connect can take any advisory lock and keep it: the one writer's lock may not be one."""
    reader = login("caseload_reader")
    held = "SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND granted"
    with store.writing(login("caseload_planner")) as connection:
        kinds = {tuple(row) for row in connection.execute(sa.text(held))}
        assert ("relation", "ShareRowExclusiveLock") in kinds
        assert "advisory" not in {kind for kind, _ in kinds}
        assert attempt(reader, "SELECT count(*) FROM caseload.routing") == "done"
    for mode in ("ACCESS SHARE", "ROW EXCLUSIVE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE"):
        assert attempt(reader, f"LOCK TABLE caseload.planner_drafts IN {mode} MODE") == INSUFFICIENT_PRIVILEGE


def test_a_reader_sees_no_proposal(login: Callable[[str], str]) -> None:
    reader = login("caseload_reader")
    with store.connected(reader) as connection:
        for table in TABLES:
            versions = connection.scalars(sa.text(f"SELECT DISTINCT version FROM {table.name}")).all()
            assert set(versions) <= {1}, table.name


def test_a_function_of_a_reader_meets_no_row_of_a_proposal(login: Callable[[str], str], on_postgres: str) -> None:
    """A cheap function in a filter could run before the view's own filter; ``security_barrier`` forbids that."""
    reader = login("caseload_reader")
    with store.connected(reader) as connection:
        connection.execute(sa.text("CREATE TEMP TABLE seen (version int)"))
        connection.execute(
            sa.text(
                "CREATE FUNCTION pg_temp.peek(v int) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
                "$$ BEGIN INSERT INTO pg_temp.seen VALUES (v); RETURN true; END $$"
            )
        )
        for view in ("routing", "team_load", "transition", "runs"):
            connection.execute(sa.text(f"SELECT count(*) FROM {view} WHERE pg_temp.peek(version)"))
        assert set(connection.scalars(sa.text("SELECT DISTINCT version FROM seen"))) == {1}


def rows_met(connection: sa.Connection, query: str) -> list[tuple[str, float]]:
    """How many rows of each table PostgreSQL says that fitted, in the order of its plan."""
    (plan,) = connection.execute(sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {query}")).scalar_one()
    nodes, found = [plan["Plan"]], []
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name", "").endswith("_rows"):
            found.append((node["Relation Name"], node["Actual Rows"] * node["Actual Loops"]))
    return found


def test_how_a_query_went_tells_a_reader_nothing_of_a_proposal(login: Callable[[str], str]) -> None:
    """PostgreSQL compares first what is asked for, and tells how many rows fitted, before a join leaves them out. Of a
    proposal (version 2) it tells the same as of a version that is not there."""
    with store.connected(login("caseload_reader")) as connection:
        for table in TABLES:
            query = f"SELECT * FROM {table.name} WHERE version = "
            assert rows_met(connection, f"{query} 2") == rows_met(connection, f"{query} 99"), table.name
        of_a_team = "SELECT * FROM uitkeren_routing WHERE version = {} AND team_name = 'SMC A1'"
        assert rows_met(connection, of_a_team.format(2)) == rows_met(connection, of_a_team.format(99))
        assert sum(rows for _, rows in rows_met(connection, of_a_team.format(1))) > 0
        changes = "SELECT * FROM allocation_changes WHERE from_version = {} AND version = {} AND pc4 = '1000'"
        assert rows_met(connection, changes.format(1, 2)) == rows_met(connection, changes.format(1, 99))
        assert rows_met(connection, changes.format(2, 1)) == rows_met(connection, changes.format(99, 1))


def test_how_a_query_went_tells_a_reader_nothing_of_a_hidden_count(
    login: Callable[[str], str], on_postgres: str, files_dir: Path, tmp_path: Path
) -> None:
    """A1 has one file on the line vangnet and four on the other: which is more, no step of the plan may tell."""
    outcome = write_outcome(tmp_path / "o")
    ledger = pd.read_parquet(outcome / "team_ledger.parquet")
    few = ledger[ledger["team_id"] == "A1"].assign(files_held=1)
    lines = pd.concat([few, few.assign(client_line="werkgever", files_held=4)])
    for name in ("team_ledger", "team_ledger_seen"):
        of_others = pd.read_parquet(outcome / f"{name}.parquet").query("team_id != 'A1'")
        pd.concat([of_others, lines[of_others.columns]]).to_parquet(outcome / f"{name}.parquet", index=False)
    version = versions.propose(outcome, on_postgres, files_dir)
    versions.publish(version, on_postgres, files_dir)
    with store.connected(login("caseload_reader")) as connection:
        asked = f"SELECT * FROM team_ledger WHERE version = {version} AND team_id = 'A1' AND client_line = "
        plans = [every_step(connection, f"{asked} '{line}'") for line in ("vangnet", "werkgever")]
    assert plans[0] == plans[1]
    assert len(plans[0]) > 1


def every_step(connection: sa.Connection, query: str) -> list[tuple[str, str, float]]:
    """Kind, name and rows of every step of the plan, as PostgreSQL tells them after the query, sorted."""
    (plan,) = connection.execute(sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {query}")).scalar_one()
    steps, found = [plan["Plan"]], []
    while steps:
        step = steps.pop()
        steps += step.get("Plans", [])
        found.append((step["Node Type"], step.get("Alias", ""), step["Actual Rows"] * step["Actual Loops"]))
    return sorted(found)


def test_who_asks_the_page_whom_a_team_works_with_sees_what_readers_see(
    login: Callable[[str], str], on_postgres: str, files_dir: Path, tmp_path: Path
) -> None:
    """Its login is a planner's, who sees 46.1 clients; who asks it may be anybody."""
    outcome = write_outcome(tmp_path / "o", Country(rows=2))
    versions.publish(versions.propose(outcome, on_postgres, files_dir), on_postgres, files_dir)
    tables_of = [lookup.LookupTable(login(f"caseload_{role}"), is_pooled=True) for role in ("planner", "reader")]
    ours, theirs = ([network_lookup.partners_of(table, "A1") for _ in range(2)] for table in tables_of)
    assert ours == theirs
    assert [tie.clients_per_year for tie in ours[0]] == [45.0, None]
    with tables_of[0].connected() as connection:  # who used the connection does not stay a reader
        exact = connection.scalar(sa.text("SELECT max(clients_per_year) FROM team_network WHERE team_id = 'A1'"))
    assert exact == pytest.approx(46.125)


def test_a_publication_has_rows_counted_so_that_the_first_reader_need_not_wait(on_postgres: str) -> None:
    with store.connected(on_postgres) as connection:
        counted = connection.scalars(sa.text("SELECT tablename FROM pg_stats WHERE attname = 'version'"))
        assert {"routing_rows", "team_rows", "allocation_rows"} <= set(counted)


def test_a_reader_sees_no_small_counts_and_operations_sees_them(login: Callable[[str], str], on_postgres: str) -> None:
    counted = {name: columns for name, columns in COUNTED.items() if columns}
    assert set(counted) == {
        "team_load", "team_ledger", "team_network", "transition", "region_summary", "line_outcomes",
    }  # fmt: skip
    with store.connected(login("caseload_reader")) as connection:
        shown = connection.scalars(sa.text("SELECT clients FROM transition ORDER BY pc4, clients")).all()
        assert [c for c in shown if c is not None] == [10, 10]  # the first postcode, for its two domains
        for name, columns in counted.items():
            for column in columns:
                counts = next(t for t in TABLES if t.name == name).column(column)
                if counts.counts_persons:
                    query = sa.text(f"SELECT count(*) FROM {name} WHERE {column} < 5")
                    assert connection.scalar(query) == 0, (name, column)
        told = "SELECT count(*) FROM team_load WHERE stock_clients IS NULL AND stock_hours_verzekeringsarts IS NOT NULL"
        assert connection.scalar(sa.text(told)) == 0
        assert connection.scalar(sa.text("SELECT count(*) FROM team_load WHERE stock_clients IS NULL")) > 0
    with store.connected(login("caseload_writer")) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM transition WHERE clients < 5")) > 0
        assert connection.scalar(sa.text("SELECT count(*) FROM transition WHERE clients IS NULL")) == 0


def test_parts_of_a_count_are_hidden_together_in_view_and_file(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    """Of 1001 A1 gets 6 and A2 3: readers see neither. Of 1002 they get 8 and 7, of 1003 A1 all of 9 and A2 none."""
    outcome = write_outcome(tmp_path / "o", Country(columns=4, rows=2))
    path = outcome / "transition.parquet"
    rows = pd.read_parquet(path)
    cell = rows[rows["team_to"] == "A1"].iloc[[0]]
    parts = [("1001", "A1", 6), ("1001", "A2", 3), ("1002", "A1", 8), ("1002", "A2", 7), ("1003", "A1", 9),
             ("1003", "A2", 0)]  # fmt: skip
    more = [cell.assign(pc4=pc4, team_to=team, product="RIV", clients=clients) for pc4, team, clients in parts]
    pd.concat([rows, *more]).to_parquet(path, index=False)
    folder = versions.publish(versions.propose(outcome, store_url, files_dir), store_url, files_dir)
    asked = "SELECT clients FROM transition WHERE product = 'RIV' ORDER BY pc4, team_to"
    with store.connected(store_url) as connection:
        if connection.dialect.name == "postgresql":
            assert list(connection.scalars(sa.text(asked))) == [6, 3, 8, 7, 9, 0]
            connection.exec_driver_sql("SET ROLE caseload_reader")
        seen = list(connection.scalars(sa.text(asked)))
    in_file = pd.read_parquet(folder / "transition.parquet").query("product == 'RIV'").sort_values(["pc4", "team_to"])
    assert seen == [None, None, 10, 5, None, None]
    assert [None if pd.isna(n) else n for n in in_file["clients"]] == seen


@pytest.mark.parametrize("table", [t for t in PUBLISHED if t.name in SEEN_APART], ids=lambda table: table.name)
def test_readers_see_of_a_table_what_was_kept_apart_for_them(
    store_url: str, files_dir: Path, tmp_path: Path, table: Table
) -> None:
    """And nothing where nothing was kept: of the last row here, as of every row of a version of before."""
    outcome, apart = write_outcome(tmp_path / "o", Country(moves={"1000": "A2", "1001": "A2"})), SEEN_APART[table.name]
    kept = pd.read_parquet(outcome / f"{apart.name}.parquet").sort_values(list(table.key))
    columns = [c.name for c in table.columns if c.is_seen_apart]
    kept = kept.assign(**{name: [10.0 * at + nr for nr in range(len(kept))] for at, name in enumerate(columns, 1)})
    kept.iloc[:-1].to_parquet(outcome / f"{apart.name}.parquet", index=False)
    folder = versions.publish(versions.propose(outcome, store_url, files_dir), store_url, files_dir)
    query = sa.text(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {', '.join(table.key)}")
    with store.connected(store_url) as connection:
        exact = connection.execute(query).all()
        if connection.dialect.name == "postgresql":
            assert tuple(exact[0]) != tuple(kept[columns].iloc[0])  # the owner
            connection.exec_driver_sql("SET ROLE caseload_reader")
        seen = connection.execute(query).all()
    in_file = pd.read_parquet(folder / f"{table.name}.parquet").sort_values(list(table.key))[columns]
    expected = [*kept[columns].iloc[:-1].itertuples(index=False, name=None), (None,) * len(columns)]
    assert [tuple(row) for row in seen] == expected
    assert in_file.astype("float64").fillna(-1).to_numpy().tolist() == [
        [-1.0 if v is None else v for v in row] for row in expected
    ]


@pytest.mark.parametrize("table", DIVISION_VIEWS, ids=lambda table: table.name)
def test_the_file_of_a_division_has_what_a_reader_of_its_view_sees(
    store_url: str, files_dir: Path, tmp_path: Path, table: Table
) -> None:
    """Whoever publishes sees more: here that teams have 3 clients a year and 12.25 hours."""
    outcome = write_outcome(tmp_path / "o")
    load = pd.read_parquet(outcome / "team_load.parquet").assign(clients_per_year=3.0, hours_verzekeringsarts=12.25)
    load.to_parquet(outcome / "team_load.parquet", index=False)
    folder = versions.publish(versions.propose(outcome, store_url, files_dir), store_url, files_dir)
    in_file = pq.read_table(folder / f"{table.name}.parquet")
    with store.connected(store_url) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET ROLE caseload_reader")
        seen = connection.execute(sa.text(f"SELECT {', '.join(in_file.column_names)} FROM {table.name}")).all()

    def told(rows: Iterable[Iterable[object]]) -> list[list[str]]:  # SQLite keeps truth as a number and days as texts
        return sorted([str(float(v)) if isinstance(v, bool | int | float) else str(v) for v in row] for row in rows)

    assert told(row.values() for row in in_file.to_pylist()) == told(seen)


def test_a_reader_can_use_the_lookup(login: Callable[[str], str]) -> None:
    answers = lookup.lookup("1003 AB", login("caseload_reader"), law="WIA", line="werkgever")
    assert [(a.team_id, a.rule) for a in answers] == [("W1", "verdeling")]
    post_box = lookup.lookup("1099", login("caseload_reader"), law="WIA", line="werkgever")
    assert [(a.team_id, a.follows) for a in post_box] == [("W1", "1007")]


def test_the_writer_publishes_but_cannot_change_what_was_published(
    login: Callable[[str], str], files_dir: Path, tmp_path: Path
) -> None:
    writer = login("caseload_writer")
    # The files folder names the store by its address; the pipeline has one login, so it has a folder of its own here.
    folder = tmp_path / "writer"
    outcome = write_outcome(tmp_path / "o9", Country(columns=4, rows=2, note="van de schrijver"))
    version = versions.propose(outcome, writer, folder)
    versions.publish(version, writer, folder)
    assert reads.current_version(writer) == version
    for statement in (
        "DELETE FROM caseload.routing_rows",
        "UPDATE caseload.routing_rows SET team_id = 'X'",
        "UPDATE caseload.versions SET fingerprint = 'x'",
        "DELETE FROM caseload.acts",
        "UPDATE caseload.validity SET version = 1",
        "DROP TABLE caseload.routing_rows",
        "CREATE TABLE caseload.own (x int)",
    ):
        assert attempt(writer, statement) == INSUFFICIENT_PRIVILEGE, statement


def test_a_planner_proposes_and_keeps_drafts_and_decides_nothing(
    login: Callable[[str], str], files_dir: Path, tmp_path: Path
) -> None:
    planner = login("caseload_planner")
    kept = drafts.save(planner, "run-1", "mijn idee", {"moves": []}, "anna", draft_id=None, revision=0)
    assert [d.name for d in drafts.drafts(planner, "run-1")] == ["mijn idee"]
    drafts.remove(planner, kept.draft_id, revision=kept.revision)
    with store.connected(planner) as connection:  # complete counts
        assert connection.scalar(sa.text("SELECT count(*) FROM transition WHERE clients < 5")) > 0
    folder = tmp_path / "planner" / "published"
    outcome = write_outcome(tmp_path / "o8", Country(columns=4, rows=2, note="van de planner"))
    version = versions.propose(outcome, planner, folder)
    assert reads.versions(planner)["status"].tolist()[0] == "proposed"
    with pytest.raises(Refused, match="has no right"):
        versions.publish(version, planner, folder)
    with pytest.raises(Refused, match="geen recht om te publiceren"):  # the page says so, without the store's address
        deciding.publish_in(folder.parent, planner, version, None, "anna", "akkoord")
    for statement in (
        f"UPDATE caseload.versions SET status = 'published' WHERE version = {version}",
        "UPDATE caseload.versions SET approval = NULL",
        "UPDATE caseload.validity SET valid_to = NULL",
        "DELETE FROM caseload.routing_rows",
        "UPDATE caseload.team_rows SET name = 'x'",
        "CREATE TABLE caseload.own (x int)",
        "SET ROLE caseload_writer",
        "UPDATE caseload.versions SET status = 'proposed' WHERE status = 'published'",
        "UPDATE caseload.versions SET status = 'withdrawn' WHERE status = 'published'",
        "INSERT INTO caseload.acts (act, version, acted_at, acted_by) VALUES ('publish', 1, now(), 'anna')",
        f"INSERT INTO caseload.allocation_rows (version, pc4, client_line, law_domain, team_id, share) "
        f"SELECT {version}, pc4, client_line, law_domain, 'X', 0.5 FROM caseload.allocation_rows LIMIT 1",
        "INSERT INTO caseload.allocation_rows (version, pc4, client_line, law_domain, team_id, share) "
        "SELECT version, pc4, client_line, law_domain, 'X', 0.5 FROM caseload.allocation_rows LIMIT 1",
        f"UPDATE caseload.versions SET based_on_act = based_on_act + 99 WHERE version = {version}",
        "UPDATE caseload.versions SET planned_from = '2099-01-01' WHERE status = 'published'",
        "UPDATE caseload.versions SET scope = 'x' WHERE status = 'published'",
        _versions("based_on_act", "max(version) + 1", "99"),
        _versions("based_on_act", "2000000000", "max(based_on_act)"),
        _versions("based_on_act, approval", "max(version) + 1", "max(based_on_act), '{}'::jsonb"),
        "INSERT INTO caseload.acts (act_id, act, version, acted_at) VALUES (2000000000, 'propose', 1, now())",
        "INSERT INTO caseload.acts (act, version, acted_at, approval) VALUES ('propose', 1, now(), '{}')",
        "INSERT INTO caseload.acts (act, version, acted_at, approval) "
        "SELECT 'withdraw', version, now(), '{\"replaced_by\": 2}' FROM caseload.versions WHERE status = 'published'",
        f"INSERT INTO caseload.acts (act, version, acted_at, approval) VALUES ('withdraw', {version}, now(), '[1]')",
        f"INSERT INTO caseload.acts (act, version, acted_at) VALUES ('withdraw', {version}, now())",
        "INSERT INTO caseload.boundary_areas (boundary_set, pc4, shape) "
        "SELECT boundary_set, '9999', shape FROM caseload.boundary_areas LIMIT 1",
    ):
        assert attempt(planner, statement) == INSUFFICIENT_PRIVILEGE, statement


def _versions(columns: str, version: str, values: str) -> str:
    """A statement that adds a version with these values."""
    return (
        f"INSERT INTO caseload.versions (version, status, fingerprint, boundary_set, created_at, {columns}) "
        f"SELECT {version}, 'proposed', 'x', max(boundary_set), now(), {values} FROM caseload.versions"
    )


def test_a_planner_s_newer_proposal_withdraws_the_older(
    login: Callable[[str], str], files_dir: Path, tmp_path: Path
) -> None:
    planner, folder, made = login("caseload_planner"), tmp_path / "planner", []
    for note in ("een", "twee"):
        outcome = write_outcome(tmp_path / note, Country(columns=4, rows=2, note=note))
        made.append(versions.propose(outcome, planner, folder, scope="all"))
    known = reads.versions(planner).drop_duplicates("version").set_index("version")["status"]
    assert [known[version] for version in made] == ["withdrawn", "proposed"]


def test_the_owner_brings_a_store_along_and_the_others_do_not(login: Callable[[str], str], on_postgres: str) -> None:
    with store.connected(on_postgres) as connection:
        connection.execute(sa.text("UPDATE caseload.store_identity SET declarations = 'of before'"))
        connection.commit()
    with pytest.raises(Refused, match="has no right"):
        store.migrate(login("caseload_reader"))
    for role in ("caseload_planner", "caseload_writer"):
        with pytest.raises(
            Refused, match="was made by an earlier version of this program and its owner has not opened"
        ):
            store.migrate(login(role))
    store.migrate(login("caseload_owner"))
    with store.connected(login("caseload_reader")) as connection:
        assert data_contract.differences(connection) == []


def test_no_login_is_told_that_a_newer_store_is_an_earlier_one(login: Callable[[str], str], on_postgres: str) -> None:
    def follow(declarations: str) -> None:
        with store.connected(on_postgres) as connection, connection.begin():
            connection.execute(sa.text("UPDATE store_identity SET declarations = :said"), {"said": declarations})

    follow("999 of later")
    for role in ("caseload_planner", "caseload_writer", "caseload_owner"):
        with pytest.raises(Refused, match="made by a newer version of this program"):
            store.migrate(login(role))
    with pytest.raises(Refused, match="made by a newer version of this program"):
        lookup.lookup("1003", login("caseload_reader"))
    with store.connected(login("caseload_reader")) as connection:
        assert connection.scalar(sa.text("SELECT declarations FROM store_identity")) == "999 of later"
    follow(f"{upgrade.DECLARED} of a colleague")
    with pytest.raises(Refused, match="was made by another version of this program"):
        store.migrate(login("caseload_planner"))
    with store.connected(on_postgres) as connection, connection.begin():  # as a program of before the numbers left it
        connection.execute(sa.text("REVOKE SELECT (declarations) ON store_identity FROM caseload_reader"))
    assert lookup.lookup("1003", login("caseload_reader"))


def test_a_reader_who_asks_too_much_is_told_in_plain_words(login: Callable[[str], str]) -> None:
    with pytest.raises(Refused, match="The login has no right to do this in the store"):
        reads.versions(login("caseload_reader"))


def test_everything_is_owned_by_the_owner(on_postgres: str) -> None:
    query = sa.text(
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'caseload'::regnamespace"
    )
    with store.connected(on_postgres) as connection:
        assert connection.scalars(query).all() == ["caseload_owner"]


# --- maps ------------------------------------------------------------------------------------------------------------


def test_maps_where_postgis_is(postgres_server: str, files_dir: Path, tmp_path: Path) -> None:
    """With PostGIS in the database the areas are there as geometry; without it the map views are not made."""
    with_postgis = has_extension(postgres_server, "postgis")
    with new_database(postgres_server, extensions=("postgis",) if with_postgis else ()) as address:
        outcome = write_outcome(tmp_path / "o")
        versions.publish(versions.propose(outcome, address, files_dir), address, files_dir)
        with store.reading(address) as connection:
            views = set(sa.inspect(connection).get_view_names())
            assert {"postcode_area_map", "team_area_map"} & views == (
                {"postcode_area_map", "team_area_map"} if with_postgis else set()
            )
            if with_postgis:
                sums = (
                    "SELECT sum(ST_Area(geometry)), min(ST_SRID(geometry)) FROM team_area_map WHERE law_domain = 'pw'"
                )
                area_m2, srid = connection.execute(sa.text(sums)).one()
                assert (area_m2, srid) == (pytest.approx(30e6), 28992)


def test_a_login_that_owns_the_database_and_may_create_roles_can_make_the_store(
    files_dir: Path, tmp_path: Path
) -> None:
    """No superuser is needed; in a server of its own, where the roles do not exist yet."""
    with started_server() as server:
        with store.connected(server) as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(sa.text("CREATE ROLE beheer LOGIN CREATEROLE"))
            connection.execute(sa.text("CREATE DATABASE caseload OWNER beheer"))
        address = sa.make_url(server).set(username="beheer", database="caseload").render_as_string()
        versions.publish(versions.propose(write_outcome(tmp_path / "o"), address, files_dir), address, files_dir)
        assert reads.current_version(address) == 1
        with store.connected(address) as connection:
            owners = sa.text(
                "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'caseload'::regnamespace"
            )
            assert connection.scalars(owners).all() == ["caseload_owner"]


def test_postgresql_keeps_nothing_of_what_texts_of_proposals_say(on_postgres: str, tmp_path: Path) -> None:
    """With EXPLAIN a reader could find the reason of two proposals letter by letter: the estimated number of rows of
    `reason >= '...'` changed with each right one. Also in a store of before, in which texts were counted."""
    for number, moves in enumerate(({"1000": "A2"}, {"1001": "A2"})):
        folder = tmp_path / str(number)
        write_outcome(folder, Country(moves=moves, note="sluiting SMC Goes per mei"))
        versions.propose(folder, on_postgres, tmp_path / "published")

    def kept() -> set[str]:
        with store.connected(on_postgres) as connection:
            connection.execute(sa.text("ANALYZE"))
            rows = "SELECT tablename || '.' || attname FROM pg_stats WHERE schemaname = 'caseload'"
            return set(connection.scalars(sa.text(rows)))

    texts = {"runs_rows.reason", "runs_rows.created_by", "runs_rows.configuration", "allocation_reason_rows.reason"}
    texts |= {"routing_rows.office", "team_rows.name", "acts.acted_by", "versions.approval", "planner_drafts.saved_by"}
    assert kept() & texts == set()
    assert {"routing_rows.pc4", "routing_rows.team_id", "versions.status", "transition_rows.reason"} <= kept()
    with store.connected(on_postgres) as connection, connection.begin():
        connection.execute(sa.text("ALTER TABLE caseload.runs_rows ALTER COLUMN reason SET STATISTICS -1"))
    assert "runs_rows.reason" in kept(), "as it was"
    with store.connected(on_postgres) as connection, connection.begin():
        upgrade._follow_declarations(connection)
    assert kept() & texts == set()
