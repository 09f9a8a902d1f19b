"""The store: schema, addresses, types that survive the way in and out."""

from __future__ import annotations

import os
import sqlite3
import traceback
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from allocation.contract.errors import Passing, Refused
from allocation.publication import lookup, reads, store, tables, upgrade, versions


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'folder' / 'caseload.sqlite'}"
    store.migrate(address)
    return address


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "allocation.publication:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [upgrade.HEAD]


DECLARED = {
    1: (
        "c592f1fcaa64d1eeb13fcb10c6920599ab989bfb920cfd02b237551bdaa45eb6",
        "10c039546c8d1badd1fdd0b8bca1930fe48b4d8063201b6ae7ceeed64fd4953a",
    ),
    2: (
        "74511bb717fe195a9f00c75ac295fec632e0484158cdfd1ee2911754f1f31471",
        "bc74e596e76ccb887cfc157cffd4ee97afebd3a1c15df812dcbad9791ed6098b",
    ),
    3: (
        "dd74cb9accf90c34a67c62c03291d042f058adffb3a28c054293cfe652997bf9",
        "00c52b14e228482f0c55e4dd9563f973ad1759a247b3673e9b9611f3bd2688ac",
    ),
    4: (
        "35ddc75328bea188866a9e9ca1b2df7b02acf78caa5d43ba9e6512da969a8594",
        "454f8c652dc5f5748afd86908fda3f49773eaafd1ca7d69bf3ad93ec967625d3",
    ),
    5: (
        "705d020ca02b7d537e662d89a044476a8e1be28dc58d8044cc6bbd6b3af91a24",
        "170689225789a6e60c33f0e2144ea2b285fbc8dc7a9ad50ea20d928e179ca01c",
    ),
    6: (
        "07ba6cadc2fa48c828471e3b2443b8306e572876504a4bf49373c0239e3db043",
        "7ac5789cb36ba24114449925c930cee2bb72124bd587d6d7b538a381be42a81c",
    ),
}
"""Of each number of the declarations their hashes, for SQLite and PostgreSQL; nothing here changes once it was used."""


def test_who_changes_tables_views_or_rights_raises_their_number() -> None:
    """Else an older program would take the views of a newer one back."""
    now = tuple(upgrade._declarations(dialect) for dialect in ("sqlite", "postgresql"))
    wanted = tuple(f"{upgrade.DECLARED} {known}" for known in DECLARED.get(upgrade.DECLARED, ()))
    assert max(DECLARED) == upgrade.DECLARED
    assert now == wanted, "tables of rows, views or rights changed: raise upgrade.DECLARED, and add its hashes here"


def test_migrating_again_changes_nothing(store_url: str) -> None:
    with store.connected(store_url) as connection:
        before = store.store_id(connection)
    store.migrate(store_url)
    with store.connected(store_url) as connection:
        assert store.store_id(connection) == before


def test_a_store_of_a_newer_program_is_refused(store_url: str) -> None:
    with store.writing(store_url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match=r"made by a newer version of this program \(schema 9999\)"):
        store.migrate(store_url)


@pytest.mark.parametrize("address", ["", "nonsense", "mysql://host/db", "oracle://host"])
def test_an_address_that_is_no_store_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="allowed: sqlite:///FILE or postgresql://HOST/DB"):
        reads.versions(address)


def test_a_server_that_is_not_there_is_told_in_one_sentence_without_the_password() -> None:
    with pytest.raises(Refused) as refusal:
        reads.versions("postgresql://anna:secret@127.0.0.1:1/db")
    assert "cannot be opened" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_server_that_is_away_may_pass_and_a_wrong_file_does_not(tmp_path: Path) -> None:
    """What may pass by itself is tried again by the scheduler; the command line ends with a sentence either way."""
    with pytest.raises(Passing, match="cannot be opened"):
        reads.versions("postgresql://anna@127.0.0.1:1/db")
    with pytest.raises(Refused) as refusal:
        reads.versions(f"sqlite:///{tmp_path}")
    assert not isinstance(refusal.value, Passing)


def test_a_file_that_is_no_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("dit is geen database " * 100)
    with pytest.raises(Refused, match=r"store\.sqlite cannot be opened: .*file is not a.* database") as refusal:
        reads.versions(f"sqlite:///{tmp_path / 'store.sqlite'}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("has_migrations", [False, True])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_file_of_another_program_is_refused_and_stays_as_it_is(
    tmp_path: Path, journal: str, *, has_migrations: bool
) -> None:
    """Also of one that keeps its migrations as we do. Our tables were put into it."""
    file, url = tmp_path / "other.sqlite", f"sqlite:///{tmp_path / 'other.sqlite'}"
    with closing(sqlite3.connect(file)) as other:
        other.execute(f"PRAGMA journal_mode = {journal}")
        other.execute("CREATE TABLE alembic_version (version_num TEXT)" if has_migrations else "CREATE TABLE t (x)")
        other.commit()
    before = file.read_bytes()
    for ask in (
        store.migrate,
        reads.versions,
        lambda url: lookup.lookup("1000", url),
        lambda url: versions.rollback(1, url, tmp_path / "published", reason="proef", by="anna"),
    ):
        with pytest.raises(Refused, match=r"other\.sqlite is a SQLite file of something else, and no store\.$"):
            ask(url)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "caseload.sqlite").touch()
    assert reads.versions(f"sqlite:///{tmp_path / 'caseload.sqlite'}").empty


def test_a_failed_write_leaves_nothing(store_url: str) -> None:
    with pytest.raises(RuntimeError, match="halfway"), store.writing(store_url) as connection:  # noqa: PT012
        row = {"version": 1, "pc4": "1000", "client_line": "alle", "law_domain": "pw", "team_id": "P", "share": 1.0}
        connection.execute(tables.ROWS["allocation"].insert().values(**row))
        raise RuntimeError("halfway")
    with store.reading(store_url) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM allocation_rows")) == 0


def test_a_value_outside_its_set_is_refused_by_the_database(store_url: str) -> None:
    row = {"version": 1, "pc4": "1000", "client_line": "beide", "law_domain": "pw", "team_id": "P", "share": 1.0}
    with pytest.raises(sa.exc.IntegrityError), store.writing(store_url) as connection:
        connection.execute(tables.ROWS["allocation"].insert().values(**row))


def test_empty_parts_of_a_key_count_as_a_value(store_url: str) -> None:
    columns = [
        "version",
        "pc4",
        "pc6_from",
        "pc6_to",
        "client_group",
        "law",
        "client_line",
        "team_id",
        "share",
        "office",
    ]
    row = (1, "1000", None, None, "regulier", "WIA", "vangnet", "A1", 1.0, "Almere")
    rows = pa.table({name: [value, value] for name, value in zip(columns, row, strict=True)})
    with pytest.raises(sa.exc.IntegrityError), store.writing(store_url) as connection:
        store.load(connection, tables.ROWS["routing"], rows)


@pytest.mark.parametrize("count", [1, 81, 82, 83, 200])
def test_every_row_arrives_whatever_their_number(store_url: str, count: int) -> None:
    """SQLite takes many rows in one statement: 81 of these eleven columns, and what is left in another."""
    names = ("version", "pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line", "team_id",
             "share", "office")  # fmt: skip
    given = [
        (1, str(1000 + at), None, None, "regulier", at % 2 == 0, "WIA", "vangnet", f"A{at}", 1 / (at + 1), "Almere")
        for at in range(count)
    ]
    rows = pa.table({name: pa.array(column) for name, column in zip(names, zip(*given, strict=True), strict=True)})
    with store.writing(store_url) as connection:
        store.load(connection, tables.ROWS["routing"], rows)
    with store.reading(store_url) as connection:
        query = sa.text(f"SELECT {', '.join(names)} FROM routing_rows ORDER BY pc4")
        found = [tuple(row) for row in connection.execute(query)]
    assert found == [(*row[:2], "", "", row[4], int(row[5]), *row[6:]) for row in given]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-21T22:59:59", date(2026, 11, 21)),  # winter: UTC + 1
        ("2026-11-21T23:00:00", date(2026, 11, 22)),
        ("2026-07-01T21:59:59", date(2026, 7, 1)),  # summer: UTC + 2
        ("2026-07-01T22:00:00", date(2026, 7, 2)),
        ("2026-03-28T23:30:00", date(2026, 3, 29)),  # the night of the change: 00:30, still winter time
        ("2026-03-29T22:00:00", date(2026, 3, 30)),
        ("2026-10-24T22:00:00", date(2026, 10, 25)),
        ("2026-10-25T22:30:00", date(2026, 10, 25)),  # 23:30 in winter time again
    ],
)
def test_the_day_in_the_views_of_sqlite_is_the_day_in_the_netherlands(store_url: str, moment: str, day: date) -> None:
    """SQLite has no time zones: the view works out summer time itself; here at moments around its changes."""
    with store.reading(store_url) as connection:
        sql = str(connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'routing_current'")))
        expression = sql[sql.index("date('now'") : sql.index("AND coalesce(valid_to")].strip()
        told = connection.exec_driver_sql(
            f"SELECT {expression.replace(chr(39) + 'now' + chr(39), repr(moment))}"
        ).scalar()
    assert told == day.isoformat()


def test_moments_come_back_in_utc(store_url: str) -> None:
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    values = {"version": 1, "status": "proposed", "fingerprint": "x", "boundary_set": "x", "created_at": moment}
    with store.writing(store_url) as connection:
        connection.execute(tables.VERSIONS.insert().values(**values, based_on_act=0))
        assert connection.scalar(sa.select(tables.VERSIONS.c.created_at)) == moment


def test_moments_become_text_without_the_zone_files_of_the_operating_system() -> None:
    """Arrow would look the zone up, and a minimal machine has no zone files; no machine has those of this zone."""
    moment = datetime(2026, 11, 25, 9, 0, 0, 1, tzinfo=UTC)
    texts = [
        store.csv_bytes(
            pa.table({"at": pa.array([moment, None], pa.timestamp("us", zone)), "n": [1, 2]}), delimiter=";"
        )
        for zone in ("UTC", "Nowhere/Nobody")
    ]
    assert texts == [b'"at";"n"\n"2026-11-25 09:00:00.000001Z";1\n;2\n'] * 2


def test_a_new_store_is_closed_to_other_users_whoever_makes_it(tmp_path: Path) -> None:
    """The page of a scheduler, or a script, may run with a mask that lets everybody read."""
    mask = os.umask(0o022)
    try:
        with store.reading(f"sqlite:///{tmp_path / 'store.sqlite'}"):
            pass
    finally:
        os.umask(mask)
    assert (tmp_path / "store.sqlite").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "address",
    [
        "postgresql:/anna:secret@host/db",
        "postgresql//anna:secret@host/db",
        "anna:secret@host/db",
        "postgresql://anna:secret@host:port/db",
        "postgresql://anna:se@secret@host/db",
        "postgresql://anna:se@secret/db@host/db",
        "postgresql://anna:secret@[::1/db",
        "postgresql://anna:secret\udcff@host/db",
    ],
)
def test_an_address_that_is_written_wrong_is_not_told_again(address: str) -> None:
    """The part after a second @ would be taken for the host, and told as such: it may be the end of a password."""
    with pytest.raises(Refused, match="address of the store") as refusal:
        reads.versions(address)
    assert "secret" not in str(refusal.value)
    assert "secret" not in "".join(traceback.format_exception(refusal.value))


def test_an_argument_in_an_address_that_no_driver_understands_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be opened"):
        reads.versions(f"sqlite:///{tmp_path / 'caseload.sqlite'}?timeout=soon")
