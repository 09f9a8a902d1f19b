"""Who reads the output may stop, as ``head`` does; any other pipe that breaks means that work was not done."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path

import pytest

from allocation.cli import main, publishing

TELLS = """
from allocation.cli import main, publishing
def tells(asked):
    print("\\n".join(["version"] * {lines}))
    return 0
publishing._versions = tells
raise SystemExit(main(["versions", "--store", "sqlite:///none.sqlite"]))
"""


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_stops_is_no_fault(lines: int) -> None:
    """Little output leaves when the command ends, much of it before."""
    read, write = os.pipe()
    os.close(read)
    line = [sys.executable, "-c", TELLS.format(lines=lines)]
    done = subprocess.run(line, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_process_that_is_gone_is_told_and_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ended with 0 and nothing done: the pipe to a process that was killed breaks like that to ``head``."""

    def asks_one_that_is_gone(_asked: argparse.Namespace) -> int:
        ours, theirs = Pipe()
        theirs.close()
        ours.send("work")
        return 0

    monkeypatch.setattr(publishing, "_versions", asks_one_that_is_gone)
    assert main(["versions", "--store", f"sqlite:///{tmp_path / 'none.sqlite'}"]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("refused: a process beside this one ended before its work was done (Broken pipe)")
