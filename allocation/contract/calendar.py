"""Which day it is: days of validity begin at midnight in the Netherlands.

Belongs here: the calendar of the product. Does not belong here: which version or team is in force on a day.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Days outside are mistakes: of teams, locks and counts, and of the first day of a division."""


def today() -> date:
    """The date in the Netherlands."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date()


def _written(day: object) -> object:
    """The day; ValueError when it is not written as one: a count of seconds is read as a date otherwise."""
    if isinstance(day, date) or (isinstance(day, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day)):
        return day
    raise ValueError("a day is written as 2026-12-31")


IsoDay = Annotated[date, BeforeValidator(_written)]
"""A day in a request."""
