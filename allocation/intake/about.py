"""What the folder of the input says of itself: the text of its ``README.txt``, which the report shows.

Belongs here: reading it as carefully as the inputs beside it. Does not belong here: the inputs (``reading``).
"""

from __future__ import annotations

from pathlib import Path

from allocation import storage
from allocation.intake.reading import is_borrowed

ABOUT = "README.txt"
MOST_BYTES = 100_000


def about(folder: Path) -> str:
    """The text; empty where there is none, or none that can be shown.

    It goes into the report of readers too. Who may only write into the folder could have a file of somebody else shown
    there by a link: such a link is passed over, as are a pipe, and a file that is no text or too large for one.
    """
    path = storage.fetch(folder / ABOUT)
    try:
        if not path.is_file() or is_borrowed(path) or path.stat().st_size > MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
