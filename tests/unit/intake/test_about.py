"""What the folder of the input says of itself is shown to readers: nothing but its own text may come along."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from allocation.intake.about import ABOUT, MOST_BYTES, about
from tests.support.swapping import swapped_with_a_link


def test_the_text_is_read_and_a_folder_may_have_none(tmp_path: Path) -> None:
    assert about(tmp_path) == ""
    (tmp_path / ABOUT).write_bytes("\ufeffVerzonnen cijfers.".encode())
    assert about(tmp_path) == "Verzonnen cijfers."


def test_what_is_no_text_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / ABOUT
    file.write_bytes(b"caf\xe9")
    assert about(tmp_path) == ""
    file.write_text("a" * (MOST_BYTES + 1))
    assert about(tmp_path) == ""
    file.unlink()
    os.mkfifo(file)  # who reads it waits for ever
    assert about(tmp_path) == ""
    file.unlink()
    file.mkdir()
    assert about(tmp_path) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_a_link_to_a_file_of_another_user_is_not_shown(tmp_path: Path) -> None:
    """Whoever may write into the folder would have anything shown that this program may read."""
    (tmp_path / "secret").write_text("geheim")
    (tmp_path / ABOUT).symlink_to(tmp_path / "secret")
    assert about(tmp_path) == "geheim"
    os.lchown(tmp_path / ABOUT, 4321, -1)
    assert about(tmp_path) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_a_link_that_takes_the_place_of_the_text_meanwhile_is_not_shown(tmp_path: Path) -> None:
    """What is looked at is what is read: who may write into the folder changes one for the other all the time."""
    (tmp_path / "secret").write_text("geheim")
    (tmp_path / ABOUT).write_text("Voorbeeld")
    with swapped_with_a_link(tmp_path / ABOUT, tmp_path / "secret"):
        shown = {about(tmp_path) for _ in range(3000)}
    assert shown <= {"", "Voorbeeld"}
