"""Files with settings: as Notepad saves them, and what is no TOML file at all."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.pipeline.scenario import Scenario


def written(folder: Path, content: bytes) -> Path:
    path = folder / "settings.toml"
    path.write_bytes(content)
    return path


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert Config.from_file(written(tmp_path, "\ufefftolerance = 0.04\r\n".encode())).tolerance == 0.04
    assert Scenario.from_file(written(tmp_path, '\ufeffname = "krimp"\n'.encode())).name == "krimp"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"tolerance = ", "not readable"),
        (b"tolerance = 0,04", "not readable"),
        ("tolerance = 0.04".encode("utf-16"), "not readable"),
        (b"[weigths]\nmoved = 1.0", "unknown setting"),
        (b"[weights]\nmovd = 1.0", "unknown setting"),
        (b"tolerance = 5", "5 is not possible"),
        (b"[work.growth]\nWIA_EWT = 25", "25 is not possible"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_file(content: bytes, what: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputRefused) as refused:
        Config.from_file(path)
    (problem,) = refused.value.problems
    assert problem.file == str(path)
    assert what in problem.what


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    for path, what in ((tmp_path, "it is a folder"), (tmp_path / "none.toml", "it does not exist")):
        for read in (Config.from_file, Scenario.from_file):
            with pytest.raises(InputRefused, match=what):
                read(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("tolerance = " + "9" * 5000, "not readable"),
        ("[solver]\nseed = 0x" + "f" * 6000, "a whole number of 24000 bits"),
        ("regions = [0x" + "f" * 6000 + "]", "a whole number of 24000 bits"),
        ('reason = "\\u001b[2Jweg"', "holds a sign that cannot be shown"),
        ('reason = "\\u0000"', "holds a sign that cannot be shown"),
        ('reason = "team \\u202e1-TRU"', "holds a sign that cannot be shown"),
        ('"\\u009b31m" = 1', "holds a sign that cannot be shown"),
    ],
)
def test_no_number_without_end_and_no_sign_that_a_terminal_obeys(content: str, what: str, tmp_path: Path) -> None:
    path = written(tmp_path, content.encode())
    for read in (Config.from_file, Scenario.from_file):
        with pytest.raises(InputRefused, match=what) as refused:
            read(path)
        assert str(refused.value).isprintable()


def test_lists_in_lists_without_end_cannot_be_read(tmp_path: Path) -> None:
    gc.collect()  # else Python may do it deep in the recursion, where a warning of another test cannot be told
    with pytest.raises(InputRefused, match="not readable"):
        Config.from_file(written(tmp_path, ("a = " + "[" * 5000 + "]" * 5000).encode()))


def test_a_text_of_more_lines_stays_one(tmp_path: Path) -> None:
    path = written(tmp_path, b'name = "krimp"\ndescription = """twee artsen\n\tgaan weg"""\n')
    assert Scenario.from_file(path).description == "twee artsen\n\tgaan weg"
