"""``caseload serve``: on a port that it can have the page is there when its address is told, else one sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from allocation.cli import main


def test_a_port_that_is_taken_is_one_sentence_and_no_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address was told first, of a page that was another program's."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        where = ["--store", f"sqlite:///{tmp_path / 'none.sqlite'}", "--var", str(tmp_path), "--port", str(port)]
        assert main(["serve", *where]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        f"refused: Port {port} of 127.0.0.1 cannot be used: Address already in use; give another one with --port."
    ]


def test_the_page_is_there_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "allocation", "serve", "--store", f"sqlite:///{tmp_path / 'none.sqlite'}"]
    line += ["--var", str(tmp_path), "--port", str(port)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, text=True) as page:
        assert page.stdout is not None
        assert page.stdout.readline() == f"De pagina staat op http://127.0.0.1:{port}/ (stoppen met Ctrl+C)\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            assert "Nog geen voorstel" in answer.read().decode()
        page.send_signal(signal.SIGINT)
        out, error = page.communicate(timeout=60)
    assert (page.returncode, out, error) == (0, "", "")
