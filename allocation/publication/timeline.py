"""The timeline: which version is in force on which days, and what may be put in force on a day.

Belongs here: periods and the rules over them; the database refuses overlap, this module gaps. Does not belong here: the
acts that change the timeline (`versions`).
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.calendar import today
from allocation.contract.errors import Refused
from allocation.publication.tables import VALIDITY

_DAY = timedelta(days=1)
_MOST_NAMED = 5
_LOG = logging.getLogger(__name__)


class Period(NamedTuple):
    """``version`` is in force from ``valid_from`` up to and including ``valid_to`` (None = until further notice)."""

    period_id: int
    version: int
    valid_from: date
    valid_to: date | None


def team_ends(team_periods: list[tuple[str, date, date | None]], version: int, first: date) -> dict[str, date]:
    """The last day of each team that stops after ``first``; Refused when one does not exist on ``first`` itself.

    ``team_periods`` in order per team; periods that follow each other without a gap count as one.
    """
    own: dict[str, list[tuple[date, date | None]]] = {}
    for team, begins, ends in team_periods:
        own.setdefault(team, []).append((begins, ends))
    absent, last_days = [], {}
    for team, spans in own.items():
        if not any(begins <= first and (ends is None or ends >= first) for begins, ends in spans):
            before = [ends for begins, ends in spans if begins <= first and ends]
            absent.append(f"team {team} " + (f"ended on {max(before)}" if before else f"starts on {spans[0][0]}"))
            continue
        reached: date | None = first
        for begins, ends in spans:
            if reached is not None and begins <= reached + _DAY:
                reached = None if ends is None else max(reached, ends)
        if reached is not None:
            last_days[team] = reached
    if absent:
        raise Refused(
            f"Version {version} cannot come into force on {first}: {listed(absent)}; make a new proposal for that day."
        )
    return last_days


def listed(parts: list[str]) -> str:
    more = f" (+{len(parts) - _MOST_NAMED} more)" if len(parts) > _MOST_NAMED else ""
    return ", ".join(parts[:_MOST_NAMED]) + more


def first_day(planned: date | None, periods: list[Period]) -> date:
    """The first day in force of a proposal that is approved today: its planned day, or today where that is past. Only
    the first division of all may begin in the past."""
    return planned if planned is not None and (planned >= today() or not periods) else today()


def check_day(periods: list[Period], first: date) -> None:
    """Refuse a first day in the past, but for the first division of all."""
    if periods and first < today():
        raise Refused(
            f"A version cannot come into force on {first}, before today ({today()}): clients were routed already."
        )


def covers(period: Period, day: date) -> bool:
    return period.valid_from <= day and (period.valid_to is None or period.valid_to >= day)


def version_on(periods: list[Period], day: date) -> int | None:
    return next((p.version for p in periods if covers(p, day)), None)


def last_day(periods: list[Period], first: date) -> date | None:
    """The last day of a period that starts on ``first``: the day before the next version that is planned."""
    later = [p.valid_from for p in periods if p.valid_from > first]
    return min(later) - _DAY if later else None


def read_periods(connection: Connection) -> list[Period]:
    query = (
        sa.select(VALIDITY.c.period_id, VALIDITY.c.version, VALIDITY.c.valid_from, VALIDITY.c.valid_to)
        .where(VALIDITY.c.superseded_at.is_(None))
        .order_by(VALIDITY.c.valid_from)
    )
    return [Period(*row) for row in connection.execute(query)]


def put_in_force(connection: Connection, periods: list[Period], version: int, first: date, act_id: int) -> None:
    """Cut the period that ``first`` falls in, or replace the one that starts then; later ones stay as planned."""
    for period in periods:
        if period.valid_from == first:
            change: dict[str, Any] = {"superseded_at": datetime.now(UTC)}
        elif covers(period, first):
            change = {"valid_to": first - _DAY}
        else:
            continue
        connection.execute(VALIDITY.update().where(VALIDITY.c.period_id == period.period_id).values(**change))
    connection.execute(
        VALIDITY.insert().values(version=version, valid_from=first, valid_to=last_day(periods, first), act_id=act_id)
    )
    check_gapless(read_periods(connection))


def check_gapless(periods: list[Period]) -> None:
    """Every day from the first on has exactly one version. The database forbids overlap; this also forbids gaps."""
    for before, after in pairwise(periods):
        if before.valid_to is None or after.valid_from != before.valid_to + _DAY:
            raise AssertionError(f"validity breaks between {before} and {after}")
    if periods and periods[-1].valid_to is not None:
        raise AssertionError(f"validity ends with {periods[-1]}")


def warn_of_planned(periods: list[Period], first: date, version: int) -> None:
    """Name the versions that stay planned though ``version`` takes over on ``first``: computed against another."""
    for period in planned_after(periods, first, version):
        _LOG.warning(
            "Version %s stays planned for %s, but its changes and transition were computed against another "
            "division than version %s, which comes before it; make a new proposal for that day.",
            period.version,
            period.valid_from,
            version,
        )


def planned_after(periods: list[Period], first: date, version: int) -> list[Period]:
    """The periods of other versions that stay planned when ``version`` takes over on ``first``."""
    return [period for period in periods if period.valid_from > first and period.version != version]
