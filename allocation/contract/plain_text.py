"""Texts that a screen can show: no control characters, no marks that turn or hide what stands beside them.

What people write into a file, a form or a setting comes back on a terminal, in a report and in a log. A terminal obeys
control characters (an escape sequence can clear the screen or change what was printed above), and marks of the
direction of writing make a name look like another one.

Belongs here: which signs those are. Does not belong here: length, escaping for HTML or for a spreadsheet.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

SOFT_HYPHEN = "\u00ad"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories: control, format, half of a surrogate pair, separators of lines and of paragraphs."""


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in _HIDDEN and sign != SOFT_HYPHEN


def is_readable(text: str, also: str = "") -> bool:
    """Whether every sign of ``text`` can be shown; those of ``also`` may be in it as well."""
    return (text.isascii() and text.isprintable()) or not any(_is_hidden(sign) and sign not in also for sign in text)


def readable(text: str) -> str:
    """The text. Raises ValueError when it holds what no screen can show; it may have lines and tabs."""
    if not is_readable(text, also="\n\t"):
        raise ValueError("holds a sign that cannot be shown")
    return text


Text = Annotated[str, AfterValidator(readable)]


def told(text: str, also: str = "\n") -> str:
    """``text`` for a terminal or a log: what it would obey stands as its number, ``\\x1b``; lines stay lines."""
    if is_readable(text, also):
        return text
    return "".join(_numbered(sign) if _is_hidden(sign) and sign not in also else sign for sign in text)


def _numbered(sign: str) -> str:
    number = ord(sign)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
