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


def test_what_comes_before_a_run_keeps_its_files_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a container the folder that a command starts in cannot be written: there stands a file named var."""
    (tmp_path / "var").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CASELOAD_VAR", str(tmp_path / "data"))
    toy.polygons().to_file(tmp_path / "areas.gpkg")
    monkeypatch.setenv("CASELOAD_BOUNDARIES", str(tmp_path / "areas.gpkg"))
    assert "Name it with --input, or in CASELOAD_INPUT" in refused(capsys, "validate")
    monkeypatch.setenv("CASELOAD_INPUT", str(toy.write(tmp_path / "input")))
    assert cli.main(["validate"]) == 0
    assert cli.main(["boundaries", "diff", "areas.gpkg", "areas.gpkg"]) == 0
    assert any((tmp_path / "data" / "cache").iterdir())
    capsys.readouterr()
    told = refused(capsys, "validate", "--var", str(tmp_path / "var" / "data"))
    assert str(tmp_path / "var" / "data") in told


@pytest.mark.heavy  # it makes the input of the whole country
def test_the_example_is_made_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CASELOAD_VAR", str(tmp_path / "data"))
    assert cli.main(["example", "--out", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / "teams.csv").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"var", "data", "mine"}
