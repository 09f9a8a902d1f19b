"""What was looked at is what is read, whatever is done with the names meanwhile; and which links are followed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from geodata.given_file import Borrowed, found, open_given

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
ANOTHER_USER = 4321


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The input folder, beside a secret that only this program may read."""
    (tmp_path / "secret").write_text("geheim")
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "a.csv").write_text("eigen")
    return tmp_path / "input"


def made_by_another(link: Path, target: Path | str) -> Path:
    link.symlink_to(target)
    os.lchown(link, ANOTHER_USER, -1)
    return link


@only_root
def test_a_name_that_becomes_a_link_after_the_look_leads_nowhere_else(folder: Path) -> None:
    with found(folder, "a.csv") as one:
        made_by_another(folder / "link", folder.parent / "secret").replace(folder / "a.csv")
        assert one.opened().read() == b"eigen"


@only_root
def test_a_link_that_becomes_another_one_after_the_look_is_not_followed(folder: Path) -> None:
    """That of an administrator was looked at; the one that takes its place leads to a secret."""
    (folder / "link").symlink_to(folder / "a.csv")
    with found(folder, "link") as one:
        made_by_another(folder / "other", folder.parent / "secret").replace(folder / "link")
        assert one.opened().read() == b"eigen"


@only_root
def test_every_link_on_the_way_is_judged(folder: Path) -> None:
    """An administrator's link into a folder where others may write leads no further than they may lead."""
    made_by_another(folder / "second", "../secret")
    (folder / "first").symlink_to("second")
    made_by_another(folder / "up", "..")
    made_by_another(folder / "root", "/")
    for name in ("first", "up/secret", f"root{folder.parent}/secret"):
        with pytest.raises(Borrowed, match="is a link to a file of another user"):
            open_given(folder, name)
        os.chown(folder.parent / "secret", ANOTHER_USER, -1)
        assert open_given(folder, name).read() == b"geheim"
        os.chown(folder.parent / "secret", 0, -1)


@only_root
def test_what_this_process_itself_shows_is_not_read_through_a_link_of_another(folder: Path) -> None:
    with open(folder.parent / "secret") as held:  # noqa: PTH123 - its number is what counts
        for target in ("/proc/self/environ", f"/proc/self/fd/{held.fileno()}", "/proc/self/cwd/pyproject.toml"):
            link = made_by_another(folder / "link", target)
            with pytest.raises((Borrowed, FileNotFoundError)):
                open_given(folder, "link")
            link.unlink()


def test_only_files_are_read_and_nothing_is_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "round").symlink_to("round")
    (folder / "nowhere").symlink_to("nothing")
    for name, number in (
        ("pipe", errno.ENOENT), ("zero", errno.ENOENT), ("nowhere", errno.ENOENT), ("none", errno.ENOENT),
        ("round", errno.ELOOP), (".", errno.EISDIR), ("a.csv/b", errno.ENOTDIR),
    ):  # fmt: skip
        with pytest.raises(OSError, match=str(folder / name) if name != "." else str(folder)) as failed:
            open_given(folder, name)
        assert failed.value.errno == number


def test_nothing_stays_open(folder: Path) -> None:
    (folder / "round").symlink_to("round")
    (folder / "deep").symlink_to(f"{folder}/../input/./a.csv")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only how many
    for _ in range(3):
        with open_given(folder, "deep") as file:
            assert file.read() == b"eigen"
        for name in ("round", "none", "."):
            with pytest.raises(OSError, match="input"):
                open_given(folder, name)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
