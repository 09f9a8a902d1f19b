"""Places and numbers that a person names on the command line, and that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.cli import main


@pytest.mark.parametrize("words", [["versions", "--var"], ["advise", "--var"], ["tidy", "--var"]])
def test_a_data_folder_that_is_a_file_is_one_sentence(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CASELOAD_STORE", raising=False)
    file = tmp_path / "file"
    file.write_text("x")
    assert main([*words, str(file)]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert str(file) in told


def test_days_without_end_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tidy", "--var", str(tmp_path), "--days", "99999999999"]) == 1
    assert "99999999999 days is too many: give 15 to 36500" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["publish", "99999999999999999999"], "is not the number of a version"),
        (["report", "-3"], "is not the number of a version"),
        (["compare", "1", "٣"], "is not the number of a version"),
        (["serve", "--port", "99999"], "is not a port, 1 to 65535"),
        (["serve", "--port", "0"], "is not a port, 1 to 65535"),
    ],
)
def test_a_number_that_cannot_be_is_wrong_usage(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value"), [("KEEP_DAYS", "9" * 5000), ("RETRY_SECONDS", "nan"), ("KEEP_RUNS", "veel")]
)
def test_a_variable_that_cannot_be_is_one_sentence(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"CASELOAD_{variable}", value)
    assert main(["versions", "--var", str(tmp_path)]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"refused: CASELOAD_{variable}: ")
    assert len(told) < 300
