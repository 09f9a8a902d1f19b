"""One place in object storage, and the folder of its copies on this machine.

Belongs here: speaking to the storage, tags and stamps of copies, errors of the storage in words. Does not belong here:
which folders it keeps (`allocation.storage`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from allocation.contract.errors import Passing, Refused

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SETTING = "CASELOAD_FILES"

_COPIES_KEPT = timedelta(days=2)
_AT_ONCE = 8
_RETRIES: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}


class TooLarge(Refused):
    """The storage has more than is read of such a file."""


@lru_cache(maxsize=4)
def open_bucket(where: str, root: Path, _process: int) -> Bucket:
    """The storage at ``where``; opened anew in every process, because connections do not survive a fork."""
    try:
        from obstore.store import from_url
    except ImportError as error:
        raise Refused(f"{SETTING} is {without_secret(where)}, but the package obstore is not installed.") from error
    with _in_words(where):
        store = from_url(where, retry_config=_RETRIES)
    _drop_old_copies(root)
    return Bucket(where, root, store)


def without_secret(where: str) -> str:
    """An address of storage as it may be kept and shown: without a name and key before the host, and without what
    comes after a question mark, such as the signature of a shared container."""
    return re.sub(r"//[^/]*@", "//***@", where.partition("?")[0])


@contextmanager
def _in_words(where: str) -> Iterator[None]:
    """Errors of the storage as the sentences that they are for a person; FileNotFoundError goes through."""
    from obstore import exceptions

    where = without_secret(where)
    try:
        yield
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise Refused(f"The storage {where} refuses: {_first_line(error)}") from _tellable(error)
    except exceptions.BaseError as error:
        sentence = _first_line(error)
        if "recognise URL" in sentence or isinstance(error, exceptions.UnknownConfigurationKeyError):
            told = f"{where} is not an address of object storage: s3://..., gs://... or az://..."
            raise Refused(told) from _tellable(error)
        raise Passing(f"The storage {where} cannot be reached: {sentence}") from _tellable(error)


def _tellable(error: Exception) -> Exception:
    """The same error, for a log: its text has the address that was asked, of which a part may be a secret."""
    return type(error)(re.sub(r"\w+://\S+", lambda found: without_secret(found[0]), str(error)))


def _first_line(error: Exception) -> str:
    return (str(_tellable(error)).splitlines() or [type(error).__name__])[0]


def _drop_old_copies(root: Path) -> None:
    """Remove copies of runs and versions that nothing was written to for long: they can be fetched again."""
    before = time.time() - _COPIES_KEPT.total_seconds()
    for folder in (*root.glob("runs/*"), *root.glob("published/*"), *root.glob("published/proposals/*")):
        if folder.is_dir() and folder.name != "proposals" and folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Bucket:
    """Object storage under one address, and the folder of its copies.

    ``tags``: of each copy, the tag of its object; ``stamps``: when it was written here, and how long it is.
    """

    address: str
    root: Path
    store: ObjectStore
    tags: dict[str, str | None] = field(default_factory=dict)
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)

    def key(self, path: Path) -> str:
        return path.absolute().relative_to(self.root).as_posix()

    def shown(self, path: Path) -> str:
        """The address of ``path``, for people."""
        return f"{without_secret(self.address).rstrip('/')}/{self.key(path)}"

    def fetch(self, path: Path, most: int | None = None) -> None:
        import obstore
        from obstore.exceptions import NotModifiedError

        key = self.key(path)
        tag = self.tags.get(key) if path.exists() else None
        try:
            with _in_words(self.address):
                try:
                    found = obstore.get(self.store, key, options={"if_none_match": tag} if tag else None)
                except NotModifiedError:
                    return
                if most is not None and found.meta["size"] > most:
                    raise TooLarge(f"{self.shown(path)} has {found.meta['size']:,} bytes; at most {most:,} are read.")
                self._make_room(path)
                aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
                try:
                    with aside.open("wb") as file:
                        for chunk in found:
                            file.write(chunk)
                    aside.replace(path)
                except IsADirectoryError:  # made since, for a file in it that is fetched beside this one
                    raise self._clash(path) from None
                finally:
                    aside.unlink(missing_ok=True)
                self.tags[key], self.stamps[key] = found.meta["e_tag"], _stamp(path)
        except FileNotFoundError:
            self.tags.pop(key, None)
            path.unlink(missing_ok=True)

    def _make_room(self, path: Path) -> None:
        """Make the folder of ``path``. Object storage may have both ``a`` and ``a/b``; a machine cannot."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_folder = path.is_dir()
        except (FileExistsError, NotADirectoryError):
            clash = next(above for above in path.parents if above.exists())
        else:
            if not is_folder:
                return
            clash = path
        raise self._clash(clash) from None

    def _clash(self, path: Path) -> Refused:
        return Refused(f"The storage has both a file and a folder of the name {self.shown(path)}; remove one of them.")

    def fetch_folder(self, folder: Path, choose: Callable[[dict[str, int]], Collection[str]] | None) -> None:
        listed = self.listed(folder)
        there = {str(found["path"]): found["e_tag"] for found in listed}
        chosen = (
            there.keys() if choose is None else {f"{self.key(folder)}/{n}" for n in choose(self.sizes(folder, listed))}
        )
        here = {self.key(path): path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path, folder)}
        for key in here.keys() - there.keys():
            here[key].unlink(missing_ok=True)
        wanted = [
            key
            for key, tag in there.items()
            if key in chosen and (key not in here or tag is None or self.tags.get(key) != tag)
        ]
        _side_by_side(lambda key: self.fetch(self.root / key), wanted)

    def send(self, path: Path) -> None:
        import obstore

        key = self.key(path)
        with _itself(path) as file, _in_words(self.address):
            self.tags[key], self.stamps[key] = obstore.put(self.store, key, file)["e_tag"], _stamp(path)

    def send_folder(self, folder: Path, last: str | None) -> None:
        paths = _files(folder)
        _side_by_side(self.send, [path for path in paths if path != folder / (last or "")])
        if last:
            self.send(folder / last)

    def fetch_new(self, folder: Path) -> None:
        """What is not here, or not as long, and every file directly in ``folder``; nothing here is removed."""
        wanted = []
        for found in self.listed(folder):
            path = self.root / str(found["path"])
            if path.parent == folder.absolute() or not path.exists() or path.stat().st_size != found["size"]:
                wanted.append(str(found["path"]))
            else:
                self.stamps[str(found["path"])] = _stamp(path)
        _side_by_side(lambda key: self.fetch(self.root / key), wanted)

    def send_new(self, folder: Path) -> None:
        new = [path for path in _files(folder) if self.stamps.get(self.key(path)) != _stamp(path)]
        _side_by_side(self.send, [path for path in new if path.parent != folder])
        _side_by_side(self.send, [path for path in new if path.parent == folder])

    def exists(self, path: Path) -> bool:
        import obstore

        try:
            with _in_words(self.address):
                obstore.head(self.store, self.key(path))
        except FileNotFoundError:
            return False
        return True

    def listed(self, folder: Path) -> list[Any]:
        """What the storage says of every object below ``folder``: path (its key), size, e_tag, last_modified."""
        import obstore

        with _in_words(self.address):
            return [found for page in obstore.list(self.store, self.key(folder) + "/") for found in page]

    def sizes(self, folder: Path, listed: list[Any] | None = None) -> dict[str, int]:
        """Of every object below ``folder`` its bytes, by its name from there."""
        start = len(self.key(folder)) + 1
        found = self.listed(folder) if listed is None else listed
        return {str(one["path"])[start:]: int(one["size"]) for one in found}

    def folders(self, folder: Path) -> list[Path]:
        # Not by prefixes: some servers still name those that have no object any more.
        keys = (Path(found["path"]).relative_to(self.key(folder)) for found in self.listed(folder))
        return [folder / name for name in {key.parts[0] for key in keys if len(key.parts) > 1}]

    def remove_folder(self, folder: Path) -> None:
        import obstore

        keys = sorted(str(found["path"]) for found in self.listed(folder))
        with _in_words(self.address):
            obstore.delete(self.store, keys)

    def move(self, path: Path, place: Path) -> None:
        import obstore

        key = self.key(path)
        keys = [key] if self.exists(path) else [str(found["path"]) for found in self.listed(path)]
        with _in_words(self.address):
            for one in keys:
                obstore.copy(self.store, one, self.key(place) + one.removeprefix(key))
            obstore.delete(self.store, keys)


def _files(folder: Path) -> list[Path]:
    """The files below ``folder`` that are sent. Raises Refused for a link, before anything is sent."""
    paths = [path for path in sorted(folder.rglob("*")) if not _is_hidden(path, folder)]
    for path in paths:
        if path.is_symlink():
            raise _refused_link(path)
    return [path for path in paths if path.is_file()]


@contextmanager
def _itself(path: Path) -> Iterator[BinaryIO]:
    """The file at ``path``, open; Raises Refused when another file stands behind the name.

    Who may only write into a folder could have this program, which may read more, send a file of somebody else.
    """
    try:
        held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused_link(path) from None
        raise
    with open(held, "rb") as file:  # noqa: PTH123 - a descriptor, and no name
        yield file


def _refused_link(path: Path) -> Refused:
    return Refused(f"{path} is a link, which is not sent to the storage; put the file itself there.")


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _is_hidden(path: Path, folder: Path) -> bool:
    """Locks, and what is being written or removed at this moment."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _side_by_side(act: Callable[[Any], None], items: list[Any]) -> None:
    """``act`` on each, some at a time: most of the time of a small object is waiting."""
    if len(items) < 2:
        for item in items:
            act(item)
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as pool:
        for done in [pool.submit(act, item) for item in items]:
            done.result()
