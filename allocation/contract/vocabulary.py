"""The words of the field that are a closed set, spelled once."""

from __future__ import annotations

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

CENTRAL = "central"
"""``products.handled_by`` of a product that one central process handles: no team's load (R11)."""
MONTHS_A_YEAR = 12
