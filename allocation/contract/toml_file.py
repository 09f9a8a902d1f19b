"""A TOML file that a person wrote -> its values, or one sentence about why it cannot be read.

Belongs here: encoding and form, for settings and scenarios alike. Does not belong here: which keys there are.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from allocation.contract.errors import InputRefused, Problem

MOST_BYTES = 10_000_000


def read_toml(path: Path) -> dict[str, Any]:
    """The values of the file; a byte order mark, as Notepad writes it, does no harm. Raises ``InputRefused``."""

    def refused(what: str, allowed: str = "a TOML file in UTF-8") -> InputRefused:
        return InputRefused([Problem(str(path), None, None, what, allowed)])

    if path.is_dir():
        raise refused("it is a folder")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise refused(f"it has more than {MOST_BYTES:,} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise refused("it does not exist", "an existing TOML file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise refused(f"not readable ({reason})") from None
