"""How far a command is: lines in a file, a bar on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from allocation.cli.progress import progress

TOLD = """
from allocation.cli.progress import progress
with progress({"inputs": 1, "division": 3}) as tell:
    tell("inputs")
    tell("division")
    tell("2/7 Regio [zuid]")
print("done")
"""


def test_a_file_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress({"inputs": 1.0, "division": 3.0}) as tell:
        tell("inputs")
        tell("1/2 Zeeland")
    assert capsys.readouterr().err.splitlines() == ["inputs", "1/2 Zeeland"]


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end() -> None:
    """A quarter of the time is behind it when the division begins."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-c", TOLD]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(line, stderr=theirs, stdout=subprocess.PIPE, env=environment, timeout=60, check=True)
    os.close(theirs)
    shown = ""
    try:
        while part := os.read(ours, 65536):
            shown += part.decode()
    except OSError:  # the other end is closed: all was read
        pass
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert done.stdout == b"done\n"
    assert "division" in text
    assert "2/7 Regio [zuid]" in text
    assert "left" in text
    assert shown.rstrip().endswith("\x1b[2K"), "the bar is still there"


HOSTILE = """
from allocation.cli import main, publishing
from allocation.cli.progress import progress
from allocation.contract.errors import Refused
def hostile(asked):
    print("team \\x1b[2J \\u202e weg")
    with progress({}) as tell:
        tell("1/1 regio \\x1b]0;titel\\x07")
    raise Refused("geweigerd \\x9b31m rood")
publishing._versions = hostile
raise SystemExit(main(["versions", "--store", "sqlite:///none.sqlite"]))
"""


def test_a_terminal_is_sent_no_command_that_stands_in_a_name() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    line = [sys.executable, "-c", HOSTILE]
    done = subprocess.run(line, stdout=theirs, stderr=theirs, env=environment, timeout=60, check=False)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other end is closed: all was read
        pass
    assert done.returncode == 1
    for sent in (b"\x1b[2J", b"\x1b]0;", "\x9b".encode(), "\u202e".encode()):
        assert sent not in shown
    for told in (rb"team \x1b[2J \u202e weg", rb"regio \x1b]0;titel\x07", rb"refused: geweigerd \x9b31m rood"):
        assert told in shown
