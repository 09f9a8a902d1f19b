"""A TOML file that a person wrote -> its values, or one sentence about why it cannot be read.

Belongs here: encoding and form, for settings and scenarios alike. Does not belong here: which keys there are.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from allocation.contract.errors import InputRefused, Problem
from allocation.contract.plain_text import is_readable

MOST_BYTES = 10_000_000
LARGEST_NUMBER = 2**63
"""TOML promises no larger whole numbers; Python cannot even write very large ones."""


def read_toml(path: Path, opened: Callable[[], BinaryIO] | None = None) -> dict[str, Any]:
    """The values of the file; a byte order mark, as Notepad writes it, does no harm. Raises ``InputRefused``.

    ``opened``: what opens the file, where that is not left to the system.
    """

    def refused(what: str, allowed: str = "a TOML file in UTF-8") -> InputRefused:
        return InputRefused([Problem(str(path), None, None, what, allowed)])

    try:
        with opened() if opened else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise refused(f"it has more than {MOST_BYTES:,} bytes")
        values = tomllib.loads(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig").read())
    except FileNotFoundError:
        raise refused("it does not exist", "an existing TOML file") from None
    except IsADirectoryError:
        raise refused("it is a folder") from None
    except (OSError, ValueError, RecursionError) as error:  # UTF-8, TOML, and numbers too long to read are ValueErrors
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise refused(f"not readable ({reason})") from None
    for what, allowed in _unfit(values):
        raise refused(what, allowed)
    return values


def _unfit(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What no setting can be, and what is allowed: signs that cannot be shown, and numbers without an end."""
    waiting: list[Any] = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and not is_readable(value, also="\n\r\t"):
            yield f"{value!r} holds a sign that cannot be shown", "plain text"
        elif isinstance(value, int) and not -LARGEST_NUMBER <= value < LARGEST_NUMBER:
            yield f"a whole number of {value.bit_length()} bits", "whole numbers of at most 64 bits"
