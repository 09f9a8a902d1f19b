"""Which store the files in a folder belong to, so that two stores do not delete each other's.

Belongs here: the label ``store.json`` and what it allows. Does not belong here: the files themselves (`files`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allocation import storage
from allocation.contract.errors import Refused
from allocation.publication import files


@dataclass(frozen=True)
class Owner:
    """The store that files belong to: its name, the address at which it was reached, and its place (`store.place`)."""

    store_id: str
    address: str
    place: str | None = None


def claim(files_dir: Path, ours: Owner) -> None:
    """Make ``files_dir`` this store's. Files of a store that was at the same address before are kept, out of the way.

    Refused when the folder belongs to a store at another address, or to the one of which this is a copy: the two would
    delete each other's files. A copy of the files goes with whatever store it lies beside. In object storage, which
    installations can share by a copied setting, refused for any other store.
    """
    files_dir.mkdir(parents=True, exist_ok=True)
    label = storage.fetch(files_dir / "store.json")
    where = storage.address(files_dir) if storage.is_remote(files_dir) else str(files_dir.resolve())
    mine = {**asdict(ours), "files": where}
    known = _read(label) if label.exists() else mine
    if known["store_id"] != ours.store_id:
        _put_aside(files_dir, label, known, ours)
    elif _is_copy(known, mine):
        raise Refused(
            f"{known['files']} holds the files of the store at {known['address']}, of which this one "
            f"({ours.address}) is a copy; nothing was changed. Give the copy files of its own. If it took the place of "
            f"the other for good, remove {label.name} there."
        )
    if known != mine or not label.exists():
        files.replace_text(label, json.dumps(mine, indent=2))


def _read(label: Path) -> dict[str, Any]:
    """What the label says. Refused where it is damaged: nobody knows then whose files these are."""
    try:
        known = json.loads(label.read_text(encoding="utf-8"))
    except ValueError:
        known = None
    if not isinstance(known, dict) or not {"store_id", "address"} <= known.keys():
        raise Refused(
            f"{label} is damaged: it does not say which store the files beside it belong to; nothing was changed. Put "
            "it back from a backup, or remove it if no other store has its files there."
        )
    return known


def _is_copy(known: Mapping[str, str | None], mine: Mapping[str, str | None]) -> bool:
    """Whether a store that is still there owns these very files, and this is another one of its name. An embedded
    store that was moved is no copy."""
    if known.get("files") != mine["files"] or None in (known.get("place"), mine["place"]):
        return False
    if known["place"] == mine["place"]:
        return False
    return not str(known["place"]).startswith("/") or Path(str(known["place"])).exists()


def _put_aside(files_dir: Path, label: Path, owner: Mapping[str, str], ours: Owner) -> None:
    """Out of the way with the files of a store that is no longer at our address; refused where it may be."""
    if storage.is_remote(files_dir):
        raise Refused(
            f"The object storage at {files_dir.name} holds the files of another store ({owner['address']}, "
            f"{owner['store_id']}): give this installation a prefix of its own in CASELOAD_FILES. If that store is "
            f"gone for good, move {label.name} and {files.TIMELINE} in the bucket out of the way."
        )
    if owner["address"] != ours.address:
        raise Refused(
            f"The folder {files_dir} holds the files of another store ({owner['address']}); "
            "give this store a folder of its own."
        )
    kept = files_dir / f"replaced-{owner['store_id'][:8]}"
    kept.mkdir(exist_ok=True)
    timeline = storage.fetch(files_dir / files.TIMELINE)
    for path in (
        *([timeline] if timeline.exists() else []),
        *files.version_folders(files_dir),
        *files.proposal_folders(files_dir),
    ):
        place = kept / path.relative_to(files_dir)
        place.parent.mkdir(mode=0o750, exist_ok=True)
        storage.move(path, place)
