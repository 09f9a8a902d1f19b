"""Files of proposals that were rejected, or withdrawn for a newer one: they may go after a time. The rows stay, with
who did it and why.

Belongs here: which proposals these are, and removing their folders. Does not belong here: rejecting (`versions`),
withdrawing (`proposals`), how long they are kept (`pipeline.tidy`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from allocation import storage
from allocation.publication import files, store
from allocation.publication.proposals import WITHDRAWN
from allocation.publication.tables import ACTS, VERSIONS

ENDED = ("rejected", WITHDRAWN)
"""What is said of a proposal that cannot be published, unless it is proposed again."""


def folders_of_rejected(store_url: str, files_dir: Path, before: datetime) -> list[Path]:
    """The folders of proposals that are rejected or withdrawn, since ``before`` or longer."""
    last = sa.select(ACTS.c.version, sa.func.max(ACTS.c.acted_at).label("at")).group_by(ACTS.c.version).subquery()
    query = (
        sa.select(VERSIONS.c.version)
        .join(last, last.c.version == VERSIONS.c.version)
        .where(VERSIONS.c.status.in_(ENDED), last.c.at < before)
        .order_by(VERSIONS.c.version)
    )
    with store.reading(store_url) as connection:
        known = list(connection.scalars(query))
    folders = [files.proposal_folder(files_dir, version) for version in known]
    return [folder for folder in folders if files.is_there(folder)]


def remove_rejected(store_url: str, files_dir: Path, before: datetime, chosen: Collection[Path]) -> None:
    """Remove those of these folders that are ``chosen``. Proposing the same content again writes its files anew; not
    meanwhile: it waits."""
    with store.writing(store_url):
        for folder in folders_of_rejected(store_url, files_dir, before):
            if folder in chosen:
                storage.remove_folder(folder)
