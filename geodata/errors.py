"""The one error of this package whose text is meant for the person at the keyboard, and how values stand in it."""

from __future__ import annotations

from collections.abc import Iterable

MOST_SHOWN = 60
"""Characters of a value that are shown in a message."""
MOST_LISTED = 20
"""Identifiers that are listed in a message; the rest is counted."""


class GeodataError(Exception):
    """Boundaries cannot be had as asked. The text is one or more plain sentences; nothing was changed."""


def shown(value: object) -> str:
    """``value`` in quotes, in printable characters, cut off after MOST_SHOWN: safe to print on any terminal."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value)[:MOST_SHOWN])
    return f"'{text}{'...' if len(str(value)) > MOST_SHOWN else ''}'"


def capped(names: Iterable[object], most: int = MOST_LISTED) -> str:
    """``names`` after each other, at most ``most`` of them: 'a, b, c (+4 more)'."""
    listed = [str(name) for name in names]
    more = f" (+{len(listed) - most} more)" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def reason(error: BaseException) -> str:
    """The first line of what a library says went wrong, short enough for one sentence."""
    lines = str(error).strip().splitlines()
    return "".join(c for c in lines[0] if c.isprintable())[:200].rstrip(".") if lines else type(error).__name__
