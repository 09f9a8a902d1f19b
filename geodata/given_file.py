"""Opens a file of a folder in which others may write: one look, and what was looked at is what is read.

A name can stand for something else a moment later: who asks about a name, and opens the name after that, may open what
he never asked about. So the way to a file is gone by step by step, with every step and the file itself held on to.

Belongs here: which files of such a folder are opened. Does not belong here: what is in them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

_MOST_LINKS = 40
"""As many as Linux follows."""
_HOLD = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
"""Hold on to what stands under a name, be it a link: nothing is opened yet, so that no pipe and no device notices."""


class Borrowed(OSError):
    """A link that one user made to a file of another; the text is a part of a sentence."""


@dataclass(frozen=True)
class Found:
    """What was found: the descriptor that holds it, what it is, and who made the links that led to it."""

    path: Path
    held: int
    facts: os.stat_result
    makers: frozenset[int]

    @property
    def is_borrowed(self) -> bool:
        """Whether links led to a file that belongs to somebody else than who made them.

        Who may only write into the input folder could have this program, which may read more, read that for him. A link
        of the one who runs this, of an administrator, or to a file of one's own is as good as the file.
        """
        return not self.makers <= {self.facts.st_uid, os.getuid(), 0}

    def opened(self) -> BufferedReader:
        """The very file that was found, whatever stands under its name by now.

        Raises IsADirectoryError for a folder, FileNotFoundError for what is no file either, such as a pipe, and
        Borrowed.
        """
        if S_ISDIR(self.facts.st_mode):
            raise _error(errno.EISDIR, self.path)
        if not S_ISREG(self.facts.st_mode):
            raise _error(errno.ENOENT, self.path)
        if self.is_borrowed:
            raise Borrowed(f"{self.path} is a link to a file of another user")
        try:
            return open(f"/proc/self/fd/{self.held}", "rb")  # noqa: PTH123 - a descriptor, and no name
        except OSError as error:
            raise _error(error.errno or errno.EIO, self.path) from None


def open_given(folder: Path, name: str) -> BufferedReader:
    """The file ``name`` of ``folder``, for reading; ``name`` may lie deeper. Raises as ``found`` and ``Found.opened``.

    Nobody is thought to have tampered with the way to ``folder`` itself.
    """
    with found(folder, name) as one:
        return one.opened()


@contextmanager
def found(folder: Path, name: str) -> Iterator[Found]:
    """What ``name`` leads to from ``folder``, held on to. Raises OSError where it leads to nothing."""
    path = folder / name
    try:
        held, makers = _reached(folder, name)
    except OSError as error:
        raise _error(error.errno or errno.EIO, path) from None
    try:
        yield Found(path, held, os.fstat(held), makers)
    finally:
        os.close(held)


def _reached(folder: Path, name: str) -> tuple[int, frozenset[int]]:
    """The descriptor of what ``name`` leads to, and who made the links on the way: each is looked at, then followed."""
    makers: list[int] = []
    ahead = _steps(name)
    here = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        while ahead:
            step = os.open(ahead.pop(), _HOLD, dir_fd=here)
            facts = os.fstat(step)
            if not S_ISLNK(facts.st_mode):
                here, step = step, here
                os.close(step)
                continue
            makers.append(facts.st_uid)
            target = _target(step)
            if len(makers) > _MOST_LINKS:
                raise _error(errno.ELOOP, folder / name)
            if target.startswith("/"):
                root = os.open("/", os.O_PATH | os.O_CLOEXEC)
                here, root = root, here
                os.close(root)
            ahead += _steps(target)
    except BaseException:
        os.close(here)
        raise
    return here, frozenset(makers)


def _target(link: int) -> str:
    """Where a link that is held leads to; it is let go."""
    try:
        return os.readlink("", dir_fd=link)
    finally:
        os.close(link)


def _steps(way: str) -> list[str]:
    """The parts of a path, the first one last."""
    return [part for part in reversed(way.split("/")) if part]


def _error(number: int, path: Path) -> OSError:
    """An error of the system with the path that a person knows; Python gives it the kind that belongs to the number."""
    return OSError(number, os.strerror(number), str(path))
