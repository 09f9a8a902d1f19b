"""Which day it is: days of validity begin at midnight in the Netherlands.

Belongs here: the calendar of the product. Does not belong here: which version or team is in force on a day.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Days outside are mistakes: of teams, locks and counts, and of the first day of a division."""


def today() -> date:
    """The date in the Netherlands."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date()


def eve_of(first: date | None, on: date) -> date:
    """The last day before a division can take over that begins on ``first`` (None = ``on``, the day of asking): ``on``
    at the earliest. Who has a client then is who keeps or loses it."""
    return on if first is None else max(on, first - timedelta(days=1))


def day_of(text: str) -> date:
    """The day that ``text`` names, as 2026-12-31; ValueError for any other way to write one, and for no day."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise ValueError("a day is written as 2026-12-31")
    return date.fromisoformat(text)


def _written(day: object) -> object:
    """The day; ValueError when it is not written as one: a count of seconds is read as a date otherwise."""
    return day if isinstance(day, date) else day_of(str(day))


IsoDay = Annotated[date, BeforeValidator(_written)]
"""A day in a request."""
