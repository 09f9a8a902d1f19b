"""Texts that are given on the command line: what no screen can show is refused, whichever command it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from allocation import cli

CALLS = (
    "publish 2 --remark", "rollback 1 --reason", "versions --store", "report 1 --var", "propose --reason",
    "propose --regions", "propose --boundaries", "propose --input", "propose --config", "scenario a.toml",
    "alternatives --reason", "choose a", "choose a b --reason", "plan-ahead --until 2027-01-01 --reason", "next-step",
    "import plan.csv --reason", "import", "lookup", "lookup 1000 --group", "lookup 1000 --file --team", "serve --var",
    "advise --out", "validate --input", "boundaries diff 2025", "boundaries diff", "example --out", "solve a --out",
)  # fmt: skip
"""Calls of commands up to the text that is looked at."""


@pytest.mark.parametrize("text", ["\udcff", "weg\x1b[2J", "team \u202e1-TRU"])
@pytest.mark.parametrize("call", CALLS)
def test_a_text_that_cannot_be_shown_is_one_sentence(
    call: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ["2026"] if call == "boundaries diff" else []
    assert cli.main([*call.split(), text, *more]) == 1
    told = capsys.readouterr().err
    assert re.fullmatch(r"refused: The argument \w+ holds a sign that cannot be shown; write it plainly\.\n", told), (
        told
    )
    assert list(tmp_path.iterdir()) == []


def test_lines_and_tabs_are_plain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    assert cli.main(["rollback", "1", "--store", store, "--reason", "de eerste was beter\n\tvond Anna"]) == 1
    assert "cannot be shown" not in capsys.readouterr().err
