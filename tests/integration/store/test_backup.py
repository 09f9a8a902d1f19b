"""A backup of the store, by the commands of the runbook, opens elsewhere and gives the same answers."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.publication import reads, store, versions
from allocation.publication.lookup import lookup
from tests.support.postgres import new_database, server_programs

READ = ("routing", "allocation", "transition", "team_load", "runs")


def _copy_sqlite(address: str, folder: Path) -> str:
    copy = folder / "copy.sqlite"
    with (
        closing(sqlite3.connect(str(sa.make_url(address).database))) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return f"sqlite:///{copy}"


def _dump_and_restore(address: str, other: str, folder: Path) -> None:
    program = {name: shutil.which(name, path=str(server_programs())) for name in ("pg_dump", "pg_restore")}
    if None in program.values():
        pytest.skip("this server brings no pg_dump")
    dump = str(folder / "caseload.dump")
    for name, words, url in (
        ("pg_dump", ["-Fc", "-f", dump], address),
        ("pg_restore", ["--exit-on-error", dump], other),
    ):
        known = sa.make_url(url)
        where = ["-h", str(known.host), "-p", str(known.port), "-U", str(known.username), "-d", str(known.database)]
        subprocess.run([str(program[name]), *where, *words], check=True, capture_output=True)


@pytest.mark.heavy
def test_a_restored_store_gives_the_same_answers_and_goes_on(
    store_url: str,
    files_dir: Path,
    propose: Callable[..., int],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    first = propose(note="eerste")
    versions.publish(first, store_url, files_dir)
    waiting = propose(note="tweede", moves={"1000": "A2"})

    def compare(restored: str) -> None:
        for name in READ:
            pd.testing.assert_frame_equal(reads.read_table(name, restored), reads.read_table(name, store_url))
        pd.testing.assert_frame_equal(reads.versions(restored), reads.versions(store_url))
        assert lookup("1000", restored) == lookup("1000", store_url)
        with store.reading(restored) as here, store.reading(store_url) as there:
            assert store.store_id(here) == store.store_id(there)  # it is the same store: its files stay its own
        shutil.copytree(files_dir, tmp_path / "restored")
        versions.publish(waiting, restored, tmp_path / "restored")
        assert reads.current_version(restored) == waiting
        assert reads.current_version(store_url) == first

    if store_url.startswith("sqlite"):
        compare(_copy_sqlite(store_url, tmp_path))
        return
    with new_database(request.getfixturevalue("postgres_server")) as other:
        _dump_and_restore(store_url, other, tmp_path)
        compare(other)
