"""Postcodes as people write them, and the questions about them that have no answer.

Belongs here: reading a postcode, and what a version says of those without an area. Does not belong here: who serves it
(`lookup`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from allocation.contract.errors import Refused

_POSTCODE = re.compile(r"(?:[Nn][Ll]-?)?([1-9][0-9]{3})(?:[-.]?([A-Za-z]{2}))?")
"""Without its blanks. Any other sign makes it something else: a number below zero, a word with an accent."""


class Postcode(NamedTuple):
    """``pc4`` is four digits; ``pc6`` the full postcode without a space, or None when only four digits were given."""

    pc4: str
    pc6: str | None


class Unanswered(Refused):
    """A question without an answer. ``reason``, for who says it in other words: not_a_postcode, unknown_postcode,
    unknown_group, unknown_law, unknown_line or nothing_in_force."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        super().__init__(text)

    def __reduce__(self) -> tuple[type[Unanswered], tuple[str, str]]:
        return type(self), (self.reason, str(self))


def parse_postcode(text: str) -> Postcode:
    """A postcode in any usual notation: ``1013``, ``1013AA``, ``1013 aa``, ``NL-1013 AA``. Refused when it is none."""
    match = _POSTCODE.fullmatch("".join(text.split()))
    if match is None:
        allowed = "four digits, or four digits and two letters (1013 AA)"
        raise Unanswered("not_a_postcode", f"'{text}' is not a postcode; allowed: {allowed}.")
    pc4, letters = match.groups()
    return Postcode(pc4, pc4 + letters.upper() if letters else None)


def following(configuration: object, fingerprints: object) -> dict[str, str]:
    """Postcodes without an area, and the one that each follows: as the configuration of a version says, else as its
    boundaries do."""
    of_boundaries = _part(_part(fingerprints, "boundaries"), "follows")
    return {**of_boundaries, **_part(configuration, "replaced_postcodes")}


def _part(value: object, name: str) -> dict[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}
