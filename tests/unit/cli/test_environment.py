"""What a command takes where nothing was named: what the environment says, as in the DAGs."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation import cli
from tests.support import toy


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 1
    return capsys.readouterr().err


def test_input_and_boundaries_are_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example that comes with the program would be published in production. What is named counts first."""
    where = ("--var", str(tmp_path / "var"))
    toy.polygons().to_file(tmp_path / "areas.gpkg")
    monkeypatch.setenv("CASELOAD_BOUNDARIES", str(tmp_path / "areas.gpkg"))
    monkeypatch.setenv("CASELOAD_INPUT", str(tmp_path / "theirs"))
    assert str(tmp_path / "theirs") in refused(capsys, "propose", *where)
    assert str(tmp_path / "named") in refused(capsys, "propose", *where, "--input", str(tmp_path / "named"))
    monkeypatch.setenv("CASELOAD_SOURCE_CONN", "source")
    assert str(tmp_path / "var" / "source") in refused(capsys, "propose", *where)
    monkeypatch.setenv("CASELOAD_BOUNDARIES", str(tmp_path / "other.gpkg"))
    (tmp_path / "var" / "source").mkdir()
    assert "other.gpkg" in refused(capsys, "propose", *where)
