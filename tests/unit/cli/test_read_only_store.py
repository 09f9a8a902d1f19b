"""A store that this user may read and not write: one sentence from every command that writes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from allocation.cli import main
from allocation.publication import reads
from allocation.runs.run import Run
from tests.support.browser import copied

NOBODY = 65534


@contextmanager
def anybody() -> Iterator[None]:
    """For an administrator, who may write everywhere: as a user who may not."""
    own = os.geteuid()
    try:
        if own == 0:
            os.seteuid(NOBODY)
        yield
    finally:
        os.seteuid(own)


@pytest.fixture
def place(proposed: Run) -> Iterator[Path]:
    """The data folder of a proposal, where anybody may read it."""
    folder = Path(tempfile.mkdtemp(prefix="read-only-"))
    copied(proposed.var, folder)
    reads.versions(f"sqlite:///{folder / 'store.sqlite'}")
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("also_folder", [False, True], ids=["the file", "its folder too"])
def test_a_store_that_is_read_only_is_one_sentence(
    place: Path, also_folder: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    store = place / "store.sqlite"
    for path in (place, *place.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    store.chmod(0o444)
    if also_folder:
        place.chmod(0o555)
    where = ["--store", f"sqlite:///{store}", "--var", str(place)]
    before = store.read_bytes()
    for words in (["publish", "1"], ["publish", "1", "--valid-from", "2099-01-01"]):
        with anybody():
            assert main([*words, *where]) == 1
        (told,) = capsys.readouterr().err.splitlines()
        cannot = "opened" if also_folder else "written"
        assert told == (
            f"refused: The store sqlite:///{store} cannot be {cannot}: its file, or the folder that it lies in, is "
            "read-only for this user."
        )
    assert store.read_bytes() == before


def test_a_read_only_store_of_an_earlier_release_is_one_sentence(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be brought along first, whatever was asked."""
    store = place / "store.sqlite"
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript("UPDATE store_identity SET declarations = 0; PRAGMA journal_mode = DELETE")
    for path in (place, *place.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    store.chmod(0o444)
    for words in (["publish", "1"], ["versions"]):
        with anybody():
            assert main([*words, "--store", f"sqlite:///{store}", "--var", str(place)]) == 1
        (told,) = capsys.readouterr().err.splitlines()
        assert told.endswith("cannot be written: its file, or the folder that it lies in, is read-only for this user.")
