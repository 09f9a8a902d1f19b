"""What the folder of the input says of itself: the text of its ``README.txt``, which the report shows.

Belongs here: reading it as carefully as the inputs beside it. Does not belong here: the inputs (``reading``).
"""

from __future__ import annotations

import io
from pathlib import Path

from allocation import storage
from allocation.contract.errors import InputRefused
from allocation.intake.reading import open_given

ABOUT = "README.txt"
MOST_BYTES = 100_000


def about(folder: Path) -> str:
    """The text; empty where there is none, or none that can be shown.

    It goes into the report of readers too. Who may only write into the folder could have a file of somebody else shown
    there by a link: such a link is passed over, as are a pipe, and a file that is no text or too large for one.
    """
    try:
        storage.fetch(folder / ABOUT, MOST_BYTES)
    except storage.TooLarge:
        return ""
    try:
        with open_given(folder, ABOUT) as file:
            content = file.read(MOST_BYTES + 1)
        return io.TextIOWrapper(io.BytesIO(content), "utf-8-sig").read() if len(content) <= MOST_BYTES else ""
    except (OSError, InputRefused, UnicodeDecodeError):
        return ""
