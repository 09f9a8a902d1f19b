"""Which day it is: days of validity begin at midnight in the Netherlands.

Belongs here: the calendar of the product. Does not belong here: which version or team is in force on a day.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Days outside are mistakes: of teams, locks and counts, and of the first day of a division."""


def today() -> date:
    """The date in the Netherlands."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date()
