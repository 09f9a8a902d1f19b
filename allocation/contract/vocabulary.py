"""The words of the field that are a closed set, spelled once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

OVERLOADED = 1.2
"""Work of the other professions against their capacity from which a person should look (R23)."""


SMALLEST_SHOWN_COUNT = 5
"""Smaller counts of clients are shown to nobody outside operations (R14)."""


CLIENT_LINES = ("vangnet", "werkgever")
"""The two client lines of routing; ``alle`` (fully meerwettig) occurs in inputs and in ``allocation`` only."""


ALL_LINES = "alle"


LAWS = ("ZW", "WIA", "PW")
PW_LAW = "PW"


LAW_DOMAINS = ("zw_wia", "pw")
ZW_WIA, PW = LAW_DOMAINS
KIND_OF = {ZW_WIA: "regulier", PW: "participatiewet"}
"""The kind of team that serves each law domain."""


REGULAR_GROUP = "regulier"


TEAM_KINDS = ("regulier", "participatiewet", "bijzonder")


LOCK_KINDS = ("pin", "bar", "split")


MOVEMENTS = ("blijft", "verhuist", "onbekend")
STAYS, MOVES, HOLDER_UNKNOWN = MOVEMENTS
"""What becomes of a file: of the last nobody knows who has it, which is no move."""


SEPARATOR = "|"
"""Joins several values in one cell: ``vangnet|werkgever``."""


PROFESSIONS = ("verzekeringsarts", "other")
"""Of which hours are counted: verzekeringsartsen, and the other members of a team together."""


CENTRAL = "central"
"""``products.handled_by`` of a product that one central process handles: no team's load (R11)."""
MONTHS_A_YEAR = 12
LARGEST_ID = 2**31 - 1
"""The largest whole number of a column of the store."""
FAR_MINUTES, FAR_KM = 45.0, 30.0
"""A client who travels longer than this to the office lives far from it: by minutes where they are known."""


def values_of(cell: object) -> frozenset[str]:
    """The values that a cell joins, for instance ``ZW|WIA``; none for an empty cell. A collection is taken as it is."""
    if isinstance(cell, str):
        return frozenset(cell.split(SEPARATOR)) - {""}
    is_collection = isinstance(cell, Collection) or hasattr(cell, "__array__")
    return frozenset(map(str, cell)) if is_collection else frozenset()  # type: ignore[call-overload]


def special_groups(named: Iterable[str], cells: Iterable[object]) -> tuple[str, ...]:
    """The special client groups: as the settings name them, else those of the teams.

    Parameters
    ----------
    named : the setting ``special_groups``; empty = not set.
    cells : ``teams.client_groups`` of the teams of kind ``bijzonder``.

    Returns
    -------
    The groups; those of the teams in alphabetical order, without the regular one.
    """
    of_teams = sorted(frozenset().union(*map(values_of, cells)) - {REGULAR_GROUP})
    return tuple(named) or tuple(of_teams)
