"""Where the folders of runs and versions are kept: on this machine, or in object storage.

Steps work on files of this machine, because what reads and writes them does: GDAL, SQLite, Great Expectations, Arrow.
Without the setting ``CASELOAD_FILES`` these files are all there is, and ``fetch`` and ``send`` do nothing. Where it is
an address in object storage (``s3://bucket/prefix``, ``gs://...``, ``az://...``), everything below the folders ``KEPT``
of ``CASELOAD_VAR`` is a copy of what lies there: it is fetched before it is read, and sent once it is written. Workers
then share no disk. An object is replaced as a whole: who reads it sees all of it, or what was there before.

Belongs here: copying files and folders, what is there, removing. Does not belong here: how object storage is spoken to
(`bucket`), and names of files and what is in them (`runs.run_files`, `publication.files`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from allocation.storage.bucket import SETTING, Bucket, TooLarge, open_bucket, without_secret

__all__ = [
    "GOING", "KEPT", "SETTING", "TooLarge", "address", "exists", "fetch", "fetch_folder", "folders", "is_remote",
    "move", "names", "remove_folder", "send", "send_folder", "shared", "size", "without_secret", "written",
]  # fmt: skip

KEPT = ("runs", "published", "source", "input", "cache")
"""The folders below ``CASELOAD_VAR`` that object storage has. The others are logs, and what one host needs."""


def fetch(path: Path, most: int | None = None) -> Path:
    """Make the file at ``path`` what the storage has (no file when it has none); returns ``path``.

    Raises TooLarge, before it is fetched, where that has more than ``most`` bytes.
    """
    if bucket := _bucket_of(path):
        bucket.fetch(path, most)
    return path


def fetch_folder(folder: Path, choose: Callable[[dict[str, int]], Collection[str]] | None = None) -> Path:
    """``fetch`` for every file below ``folder``, or for what ``choose`` returns of their names, given with their sizes.

    A folder into which others put what they like is fetched with ``choose``.
    """
    if bucket := _bucket_of(folder):
        bucket.fetch_folder(folder, choose)
    return folder


def names(folder: Path) -> list[str]:
    """The names of the files and folders directly in ``folder``, sorted; also of those that were not fetched."""
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if bucket := _bucket_of(folder):
        found |= {name.partition("/")[0] for name in bucket.sizes(folder)}
    return sorted(found)


def send(path: Path) -> None:
    """Keep the file at ``path``."""
    if bucket := _bucket_of(path):
        bucket.send(path)


def send_folder(folder: Path, last: str | None = None) -> None:
    """``send`` for every file below ``folder``; ``last``: the file that says that the folder is complete."""
    if bucket := _bucket_of(folder):
        bucket.send_folder(folder, last)


@contextmanager
def shared(folder: Path) -> Iterator[Path]:
    """A folder to which several machines add files: fetched before it is used, and what is new in it sent then.

    What lies deeper is sent first: files directly in ``folder`` may point to it.
    """
    bucket = _bucket_of(folder)
    if bucket:
        bucket.fetch_new(folder)
    yield folder
    if bucket:
        bucket.send_new(folder)


def exists(path: Path) -> bool:
    """Whether there is a file at ``path``."""
    bucket = _bucket_of(path)
    return bucket.exists(path) if bucket else path.exists()


def folders(folder: Path) -> list[Path]:
    """The folders directly in ``folder``, sorted; not those whose name begins with a dot."""
    bucket = _bucket_of(folder)
    found = bucket.folders(folder) if bucket else [path for path in folder.glob("[!.]*") if path.is_dir()]
    return sorted(found)


def size(folder: Path) -> int:
    """Bytes of the files below ``folder``."""
    if bucket := _bucket_of(folder):
        return sum(int(found["size"]) for found in bucket.listed(folder))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def written(folder: Path) -> datetime:
    """When something in ``folder`` was written last."""
    if bucket := _bucket_of(folder):
        return max((found["last_modified"] for found in bucket.listed(folder)), default=datetime.now(UTC))
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)


def remove_folder(folder: Path) -> None:
    """Remove ``folder``. On this machine it gets another name first, in one step, so that nobody reads half of it."""
    if bucket := _bucket_of(folder):
        bucket.remove_folder(folder)
    if folder.is_symlink():  # what lies behind it is not ours
        folder.unlink()
    elif folder.exists():
        going = folder if folder.name.startswith(GOING) else folder.with_name(f"{GOING}{folder.name}")
        if going != folder:
            folder.rename(going)
        shutil.rmtree(going)


GOING = ".going-"
"""Begins the name of a folder that is being removed."""


def move(path: Path, place: Path) -> None:
    """Give a file or folder another name. In object storage it is copied first and removed then."""
    if bucket := _bucket_of(path):
        bucket.move(path, place)
    if path.exists():
        path.rename(place)


def is_remote(path: Path) -> bool:
    """Whether ``path`` is a copy of what object storage has."""
    return _bucket_of(path) is not None


def address(path: Path) -> str:
    """Where ``path`` is kept, for people: the path, or the address in object storage."""
    bucket = _bucket_of(path)
    return bucket.shown(path) if bucket else str(path)


def _bucket_of(path: Path) -> Bucket | None:
    """The storage that keeps ``path``; None when this machine does."""
    where = os.environ.get(SETTING)
    if not where:
        return None
    root = Path(os.environ.get("CASELOAD_VAR") or "var").absolute()
    below = path.absolute()
    if not below.is_relative_to(root) or below.relative_to(root).parts[:1] not in {(name,) for name in KEPT}:
        return None
    return open_bucket(where, root, os.getpid())
