"""Rows that somebody plants: what an approver saw is what readers get, whoever may add rows or change a proposal.

A planner's login may propose, so it may add rows. It must not get others published than the pipeline proposed, nor
change a proposal that waits without a word in the record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from allocation.contract.errors import NoRight, Refused
from allocation.publication import files, proposals, reads, record, store, versions
from allocation.publication.outcome_folder import Outcome, read_outcome
from tests.integration.store.conftest import Propose
from tests.support.outcomes import Country, write_outcome
from tests.support.postgres import INSUFFICIENT_PRIVILEGE, attempt

SMALL: dict[str, Any] = {"columns": 4, "rows": 2}
OTHER_AREAS: dict[str, Any] = {"columns": 5, "rows": 2}
Login = Callable[[str], str]


def country(folder: Path, **wanted: Any) -> Path:
    return write_outcome(folder, Country(**(SMALL | wanted)))


def changed(rows: pa.Table, **values: object) -> pa.Table:
    """``rows`` with another value in every row of a column."""
    for name, value in values.items():
        position = rows.column_names.index(name)
        kind = rows.schema.field(name).type
        rows = rows.set_column(position, name, pa.array([value] * rows.num_rows, kind))
    return rows


def poisoned(outcome: Outcome, table: str, **values: object) -> Outcome:
    return replace(outcome, tables=dict(outcome.tables) | {table: changed(outcome.tables[table], **values)})


def plant(address: str, outcome: Outcome, *, with_act: bool) -> int:
    """Add ``outcome`` as a version with SQL of one's own."""
    with store.connected(address) as connection, connection.begin():
        version = int(connection.scalar(sa.text("SELECT max(version) + 1 FROM versions")) or 1)
        record.insert_version(connection, version, outcome, None, None)
        if with_act:
            record.record_act(connection, "propose", version, None, by="minister")
    return version


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A files folder of its own: it names the store by the address of whoever made it."""
    return tmp_path / "of the writer" / "published"


# --- no version without its act --------------------------------------------------------------------------------------


def test_the_database_keeps_no_version_of_a_planner_without_its_act(login: Login, tmp_path: Path) -> None:
    planner, outcome = login("caseload_planner"), read_outcome(country(tmp_path / "o", note="nacht"))
    with pytest.raises(NoRight, match="has no right"):
        plant(planner, poisoned(outcome, "routing", office="Elders"), with_act=False)
    assert reads.versions(planner)["version"].max() == 2


def test_the_database_keeps_no_rows_of_a_version_that_is_not_there(login: Login) -> None:
    for role in ("caseload_planner", "caseload_writer"):
        for statement in (
            "INSERT INTO allocation_rows (version, pc4, client_line, law_domain, team_id, share) "
            "SELECT 3, pc4, client_line, law_domain, team_id, share FROM allocation_rows WHERE version = 2",
            "INSERT INTO boundary_areas (boundary_set, pc4, gemeente_name, shape) "
            "SELECT 'of an edition to come', pc4, 'VERVALST', shape FROM boundary_areas",
        ):
            assert attempt(login(role), statement) == INSUFFICIENT_PRIVILEGE, (role, statement)


@pytest.mark.parametrize(
    "change",
    [
        "planned_from = '2099-01-01'",
        "based_on_act = (SELECT max(act_id) FROM acts WHERE act = 'publish')",
        "scope = 'all'",
        "status = 'withdrawn'",
        "status = 'proposed'",
    ],
)
def test_a_planner_changes_no_proposal_that_waits_without_an_act(login: Login, change: str) -> None:
    planner, statement = login("caseload_planner"), f"UPDATE versions SET {change} WHERE version = 2"
    assert attempt(planner, statement) == INSUFFICIENT_PRIVILEGE
    earlier = "UPDATE versions SET scope = scope WHERE version = 2"  # the act that proposed it first does not count
    assert attempt(planner, earlier, statement) == INSUFFICIENT_PRIVILEGE
    act = "withdraw" if "withdrawn" in change else "propose"
    told = "'{\"replaced_by\": 9}'" if act == "withdraw" else "NULL"
    recorded = f"INSERT INTO acts (act, version, acted_at, approval) VALUES ('{act}', 2, now(), {told})"
    other = "INSERT INTO acts (act, version, acted_at) VALUES ('propose', 1, now())"
    assert attempt(planner, other, statement) == INSUFFICIENT_PRIVILEGE
    assert attempt(planner, recorded, statement) == "done"


@pytest.mark.parametrize(
    ("told", "comes"),
    [
        ({"run": "concept"}, "done"),
        ({"run": "concept", "by": "de minister"}, INSUFFICIENT_PRIVILEGE),
        (["run"], INSUFFICIENT_PRIVILEGE),
    ],
)
def test_a_planner_who_proposes_names_the_run_that_asks_and_nobody_who_approved(
    login: Login, told: object, comes: str
) -> None:
    act = f"INSERT INTO acts (act, version, acted_at, approval) VALUES ('propose', 2, now(), '{json.dumps(told)}')"
    assert attempt(login("caseload_planner"), act) == comes


@pytest.mark.parametrize(("version", "run", "comes"), [(2, "concept", "done"), (2, "other", INSUFFICIENT_PRIVILEGE),
                                                       (1, "concept", INSUFFICIENT_PRIVILEGE)])  # fmt: skip
def test_a_planner_changes_the_record_of_a_proposal_with_the_act_of_that_run_only(
    login: Login, version: int, run: str, comes: str
) -> None:
    """Version 2 waits, version 1 is published."""
    planner = login("caseload_planner")
    change = f"UPDATE runs_rows SET run_id = 'concept', reason = 'eigen' WHERE version = {version}"
    act = f"""INSERT INTO acts (act, version, acted_at, approval)
              VALUES ('propose', {version}, now(), '{{"run": "{run}"}}')"""
    assert attempt(planner, change) == INSUFFICIENT_PRIVILEGE
    assert attempt(planner, act, change) == comes
    assert attempt(login("caseload_reader"), change) == INSUFFICIENT_PRIVILEGE


def test_a_planner_revives_no_rejected_version_but_by_proposing_it(
    login: Login, on_postgres: str, tmp_path: Path
) -> None:
    planner = login("caseload_planner")
    versions.reject(2, on_postgres, {"by": "anna", "remark": "nee"})
    assert attempt(planner, "UPDATE versions SET status = 'proposed' WHERE version = 2") == INSUFFICIENT_PRIVILEGE
    assert reads.versions(planner)["status"].tolist() == ["rejected", "published"]
    again = country(tmp_path / "again", note="voorstel", moves={"1000": "A2"})
    assert versions.propose(again, planner, tmp_path / "planner") in (1, 2)


def test_whoever_writes_gives_a_version_its_act(login: Login) -> None:
    writer = login("caseload_writer")
    for status in ("published", "rejected"):
        statement = f"UPDATE versions SET status = '{status}' WHERE version = 2"
        assert attempt(writer, statement) == INSUFFICIENT_PRIVILEGE


ACT = "INSERT INTO acts (act, version, valid_from, acted_at, acted_by) VALUES ('{}', 1, '2099-01-01', now(), 'anna')"
PERIOD = "INSERT INTO validity (version, valid_from, act_id) SELECT 1, '2099-01-01', max(act_id) FROM acts"
CUT = "UPDATE validity SET valid_to = '2098-12-31' WHERE superseded_at IS NULL"


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE validity SET superseded_at = now()"],
        [CUT],
        [CUT, PERIOD],
        [ACT.format("propose"), CUT, PERIOD],
        [ACT.format("rollback"), CUT],
        [ACT.format("rollback"), "UPDATE validity SET superseded_at = now()"],
        [ACT.format("rollback"), "UPDATE validity SET superseded_at = now()", PERIOD],
        [ACT.format("rollback"), CUT, PERIOD.replace("2099-01-01", "2099-01-02")],
        [ACT.format("rollback"), CUT, PERIOD, "UPDATE validity SET superseded_at = now()"],
    ],
)
def test_whoever_writes_changes_what_is_in_force_with_its_act_only(login: Login, statements: list[str]) -> None:
    """`UPDATE validity SET superseded_at = now()` took away all that is in force, and the record said nothing."""
    writer = login("caseload_writer")
    assert attempt(writer, *statements) == INSUFFICIENT_PRIVILEGE
    assert reads.current_version(writer) == 1


def test_whoever_writes_publishes_and_puts_back(login: Login, on_postgres: str, files_dir: Path) -> None:
    writer, soon = login("caseload_writer"), store.today() + timedelta(days=9)
    versions.publish(2, writer, files_dir, valid_from=soon)
    versions.rollback(1, writer, files_dir, reason="proef", by="anna", valid_from=soon)
    versions.rollback(2, writer, files_dir, reason="proef", by="anna", valid_from=soon - timedelta(days=1))
    assert attempt(writer, ACT.format("rollback"), CUT.replace("WHERE", "WHERE valid_to IS NULL AND"), PERIOD) == "done"
    anew = "UPDATE validity SET superseded_at = now() WHERE superseded_at IS NOT NULL"
    assert attempt(writer, anew) == INSUFFICIENT_PRIVILEGE
    assert attempt(on_postgres, "UPDATE validity SET superseded_at = now()") == "done"  # the owner may mend


# --- the same content, with other rows -------------------------------------------------------------------------------


def test_the_same_content_of_a_planner_and_of_the_pipeline_is_one_version(
    login: Login, tmp_path: Path, place: Path
) -> None:
    """Also after the decision on it: rejected, and proposed anew."""
    planner, writer, outcome = (
        login("caseload_planner"),
        login("caseload_writer"),
        country(tmp_path / "o", note="nacht"),
    )
    version = versions.propose(outcome, planner, tmp_path / "of the page")
    assert versions.propose(outcome, writer, place) == version
    versions.reject(version, writer, {"by": "anna"})
    assert versions.propose(outcome, planner, tmp_path / "of the page") == version
    versions.publish(version, writer, place)
    assert reads.current_version(writer) == version


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("routing", {"office": "Elders"}),
        ("team_ledger", {"planned_clients": 0.0}),
        ("runs", {"configuration": json.dumps({"replaced_postcodes": {"1900": "1007"}})}),
    ],
)
def test_the_pipeline_does_not_take_a_planted_version_for_its_own(
    login: Login, tmp_path: Path, place: Path, table: str, values: dict[str, object]
) -> None:
    planner, writer = login("caseload_planner"), login("caseload_writer")
    folder = country(tmp_path / "o", note="nacht", moves={"1000": "A1"})
    planted = plant(planner, poisoned(read_outcome(folder), table, **values), with_act=True)
    acts = len(reads.history(writer))
    told = rf"other rows of version {planted} than this proposal has \({table}\); nothing was changed"
    with pytest.raises(Refused, match=told):
        versions.propose(folder, writer, place)
    assert len(reads.history(writer)) == acts


def test_the_pipeline_does_not_take_planted_areas_for_its_own(login: Login, tmp_path: Path, place: Path) -> None:
    planner, writer = login("caseload_planner"), login("caseload_writer")
    honest = read_outcome(country(tmp_path / "o", **OTHER_AREAS))
    other = replace(honest, fingerprint="other", area_rows=changed(honest.area_rows, gemeente_name="VERVALST"))
    plant(planner, other, with_act=True)
    with pytest.raises(Refused, match=r"other areas than this proposal has .* version 3\); nothing was changed"):
        versions.propose(tmp_path / "o", writer, place)


def test_what_the_administrator_put_aside_is_proposed_anew(login: Login, tmp_path: Path, place: Path) -> None:
    """By the statements of docs/store.md."""
    planner, writer, owner = login("caseload_planner"), login("caseload_writer"), login("caseload_owner")
    honest = read_outcome(country(tmp_path / "o", **OTHER_AREAS))
    areas = changed(honest.area_rows, gemeente_name="VERVALST")
    planted = plant(planner, replace(poisoned(honest, "routing", office="Elders"), area_rows=areas), with_act=True)
    document = (Path(__file__).parents[3] / "docs" / "store.md").read_text(encoding="utf-8")
    aside = document.split("## Rows of somebody else")[1].split("```sql\n")[1].split("```")[0]
    assert attempt(owner, *(one for one in aside.replace("VERSION", str(planted)).split(";") if one.strip())) == "done"
    version = versions.propose(tmp_path / "o", writer, place)
    assert version == planted + 1
    versions.publish(version, writer, place)
    with store.connected(login("caseload_reader")) as connection:
        names = connection.scalars(
            sa.text(f"SELECT DISTINCT gemeente_name FROM werkbedrijf_team WHERE version = {version}")
        )
        assert "VERVALST" not in names.all()


# --- at publication --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("routing", "UPDATE routing_rows SET team_id = 'A2' WHERE version = 1 AND pc4 = '1003' AND law = 'WIA'"),
        ("allocation", "DELETE FROM allocation_rows WHERE version = 1 AND pc4 = '1003'"),
        ("team_load", "UPDATE team_load_rows SET deviation = deviation - 0.5"),
        ("runs", 'UPDATE runs_rows SET configuration = \'{"replaced_postcodes": {"1900": "1007"}}\''),
        ("boundary_areas", "UPDATE boundary_areas SET gemeente_name = 'VERVALST'"),
    ],
)
def test_other_rows_than_those_of_the_files_are_not_published(
    store_url: str, files_dir: Path, propose: Propose, table: str, statement: str
) -> None:
    version = propose()
    with store.writing(store_url) as connection:
        assert connection.exec_driver_sql(statement).rowcount > 0
    with pytest.raises(Refused, match=rf"other rows of version 1 than this proposal has \({table}\)"):
        versions.publish(version, store_url, files_dir)
    assert reads.current_version(store_url) is None
    assert reads.history(store_url)["act"].tolist() == ["propose"]


def test_a_stale_proposal_is_not_published_whatever_it_says_of_itself(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    """Who may propose can say, with an act, that an older proposal holds against the division in force now."""
    versions.publish(propose(), store_url, files_dir)
    stale = propose(moves={"1000": "A2"}, from_version=1, note="een")
    versions.publish(propose(moves={"1001": "A2"}, from_version=1, note="twee"), store_url, files_dir)
    with store.writing(store_url) as connection:
        now = record.last_timeline_act(connection)
        connection.execute(
            sa.text("UPDATE versions SET based_on_act = :now WHERE version = :it"), {"now": now, "it": stale}
        )
        record.record_act(connection, "propose", stale, None, by="minister")
    with pytest.raises(Refused, match=r"was compared with version 1, and on .* it would take over from version 3"):
        versions.publish(stale, store_url, files_dir)


def test_figures_that_are_no_number_are_no_difference(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    """SQLite keeps them as empty; and JSON is kept in another order than it was written."""
    folder = country(tmp_path / "o")
    rows = pq.read_table(folder / "team_load.parquet")
    pq.write_table(changed(rows, waiting_months=math.nan), folder / "team_load.parquet")
    run = pd.read_parquet(folder / "runs.parquet")
    told = json.dumps({"z": 1e300, "a": [1.0, 2, None], "replaced_postcodes": {"1900": "1002"}})
    run.assign(configuration=told).to_parquet(folder / "runs.parquet")
    version = versions.propose(folder, store_url, files_dir)
    assert versions.propose(folder, store_url, files_dir) == version
    versions.publish(version, store_url, files_dir)
    assert reads.current_version(store_url) == version


# --- what makes another version --------------------------------------------------------------------------------------


def test_another_postcode_that_follows_makes_another_version(store_url: str, files_dir: Path, propose: Propose) -> None:
    """It routes clients, so it has to come into force. It was taken for the version that was there."""
    assert [propose(), propose(replaced={"1900": "1002"}), propose(replaced={"1900": "1003"}), propose()] == [
        1,
        2,
        3,
        1,
    ]


def test_another_name_of_a_municipality_makes_another_version(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    """The borders stay, and Werkbedrijf reads the name. It was taken for the set of areas that was there."""
    import geopandas as gpd

    folder = country(tmp_path / "o")
    first = versions.propose(folder, store_url, files_dir)
    versions.publish(first, store_url, files_dir)
    areas = gpd.read_parquet(folder / "areas.parquet")
    areas.assign(gemeente_name="Samengevoegd").to_parquet(folder / "areas.parquet")
    assert proposals.same_division(folder, None, store_url, files_dir) is None
    second = versions.propose(folder, store_url, files_dir)
    assert second != first
    versions.publish(second, store_url, files_dir, valid_from=store.today() + timedelta(days=1))
    with store.reading(store_url) as connection:
        told = connection.execute(sa.text("SELECT DISTINCT version, gemeente_name FROM werkbedrijf_team"))
        names = {(row.version, row.gemeente_name) for row in told if row.gemeente_name}
    assert (2, "Samengevoegd") in names
    assert (1, "Samengevoegd") not in names
    assert files.verify(files.proposal_folder(files_dir, second)) == []
