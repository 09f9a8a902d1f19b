"""``python -m geodata``: what it says and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from geodata.__main__ import main


def test_it_says_what_is_in_the_boundaries_and_ends_well(
    embedded_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["embedded", "--cache", str(embedded_cache), "--against", "2014"]) == 0
    said = capsys.readouterr().out
    assert "embedded 2014: 4044 areas" in said
    assert "regions: 35, gemeenten: 403" in said
    assert "nothing changed" in said


def test_a_mistake_is_one_sentence_and_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.gpkg", "--cache", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "There is no file nowhere.gpkg; boundaries are embedded, pdok, pdok:YEAR or a file.\n"
    )
    assert main(["pdok:next", "--cache", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "'pdok:next' names no year; write pdok or, for example, pdok:2024.\n"
