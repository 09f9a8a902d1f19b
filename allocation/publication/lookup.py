"""Which team has this postcode, and why: the published routing, read for one client.

Belongs here: reading a postcode as people write it, and choosing the rows that hold for it. Does not belong here: how
the routing is made (`routing`) or published (`publish`). Reads published views only, so a reader's rights suffice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.errors import Refused
from allocation.contract.vocabulary import CLIENT_LINES, LAWS, REGULAR_GROUP
from allocation.publication import store, tables

_POSTCODE = re.compile(r"(?:NL)?([1-9][0-9]{3})([A-Z]{2})?")
_NOT_LETTERS_OR_DIGITS = re.compile(r"[^0-9A-Z]+")


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


@dataclass(frozen=True)
class Answer:
    """One row of the routing that holds for the question. ``share`` is the share of the clients of the whole pc4.

    ``rule``: bijzondere_groep, pin, split, enig_team or verdeling; ``reason`` is the planner's, where there is one.
    ``valid_from`` and ``valid_to`` are the period of the version; ``since`` is the first day of the unbroken stretch in
    which the same question gives this team, with whatever share. A postcode that got another number starts anew.
    ``follows``: the postcode whose team answers, where ``pc4`` has no area (PO box, new street); rule, reason and dates
    are those of that postcode.
    """

    version: int
    pc4: str
    pc6_from: str | None
    pc6_to: str | None
    client_group: str
    law: str
    client_line: str
    team_id: str
    team_name: str | None
    office: str
    share: float
    rule: str
    reason: str | None
    valid_from: date
    valid_to: date | None
    since: date
    follows: str | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or self.valid_to >= day)


_ANSWERS = sa.table(
    "bezwaar_routing",
    *(
        sa.column(name, kind)
        for name, kind in {
            "version": sa.Integer,
            **dict.fromkeys(("pc4", "pc6_from", "pc6_to", "client_group", "law", "client_line"), sa.Text),
            **dict.fromkeys(("team_id", "team_name", "office"), sa.Text),
            "share": sa.Double,
            **dict.fromkeys(("rule", "reason"), sa.Text),
            **dict.fromkeys(("valid_from", "valid_to"), sa.Date),
        }.items()
    ),
)


_ALLOCATION = sa.table(
    "allocation",
    sa.column("version", sa.Integer),
    sa.column("pc4", sa.Text),
    sa.column("valid_from", sa.Date),
    sa.column("valid_to", sa.Date),
)
_RUNS = sa.table("runs", sa.column("version", sa.Integer), sa.column("configuration", tables.JSON_TYPE))


@lru_cache(maxsize=4)
def _question(for_one_law: bool, for_one_line: bool) -> sa.Select[Any]:
    """The query, built once for each of its four forms: the period that holds the day and all before it, so that one
    read tells the team and since when."""
    columns = _ANSWERS.c
    query = sa.select(_ANSWERS, columns.valid_from.label("since")).where(
        columns.pc4 == sa.bindparam("asked_pc4", type_=sa.Text),
        columns.client_group == sa.bindparam("asked_group", type_=sa.Text),
        columns.valid_from <= sa.bindparam("day", type_=sa.Date),
    )
    if for_one_law:
        query = query.where(columns.law == sa.bindparam("asked_law", type_=sa.Text))
    if for_one_line:
        query = query.where(columns.client_line == sa.bindparam("asked_line", type_=sa.Text))
    return query


def parse_postcode(text: str) -> Postcode:
    """A postcode in any usual notation: ``1013``, ``1013AA``, ``1013 aa``, ``NL-1013 AA``. Refused when it is none."""
    match = _POSTCODE.fullmatch(_NOT_LETTERS_OR_DIGITS.sub("", text.upper()))
    if match is None:
        allowed = "four digits, or four digits and two letters (1013 AA)"
        raise Unanswered("not_a_postcode", f"'{text}' is not a postcode; allowed: {allowed}.")
    pc4, letters = match.groups()
    return Postcode(pc4, pc4 + letters if letters else None)


def lookup(
    postcode: str,
    store_url: str,
    *,
    group: str = REGULAR_GROUP,
    law: str | None = None,
    line: str | None = None,
    on: date | None = None,
) -> list[Answer]:
    """The team or teams of ``postcode`` on a day (default today), for one law and line or for all, with the rule.

    Sorted by law, line, and share (largest first). Raises Refused when the postcode is none or does not exist, when
    no version is in force, or when the group, law or line is unknown.
    """
    with open_lookup(store_url) as table:
        return table.find(postcode, group=group, law=law, line=line, on=on)


@contextmanager
def open_lookup(store_url: str) -> Iterator[LookupTable]:
    """For many look-ups: one connection, open as long as the block."""
    with store.connected(store_url) as connection:
        yield LookupTable(connection)


class LookupTable:
    """Look-ups over one connection; each reads the version that is in force at that moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")

    def find(
        self,
        postcode: str,
        *,
        group: str = REGULAR_GROUP,
        law: str | None = None,
        line: str | None = None,
        on: date | None = None,
    ) -> list[Answer]:
        """As ``lookup``."""
        asked = parse_postcode(postcode)
        for value, allowed, name in ((law, LAWS, "law"), (line, CLIENT_LINES, "line")):
            if value is not None and value not in allowed:
                raise Unanswered(f"unknown_{name}", f"'{value}' is not a {name}; allowed: {', '.join(allowed)}.")
        day = on or store.today()
        rows = self._rows(asked.pc4, group, law, line, day)
        if any(answer.holds_on(day) for answer in rows):
            return _answers(rows, asked.pc6, day)
        # A postcode with rows of before is gone: it had an area, and its number does not tell what lies there now.
        followed = None if rows else self._followed(asked.pc4, day)
        # Its number lies in none of the PC6 ranges of the other: who serves the rest of that one answers.
        found = _answers(self._rows(followed, group, law, line, day), asked.pc6 or asked.pc4, day) if followed else []
        if not found:
            raise self._why_nothing(asked.pc4, group, day)
        return [replace(answer, pc4=asked.pc4, follows=followed) for answer in found]

    def _rows(self, pc4: str, group: str, law: str | None, line: str | None, day: date) -> list[Answer]:
        asked: dict[str, Any] = {"asked_pc4": pc4, "asked_group": group, "day": day}
        if law is not None:
            asked["asked_law"] = law
        if line is not None:
            asked["asked_line"] = line
        rows = self._connection.execute(_question(law is not None, line is not None), asked)
        return sorted((Answer(*row) for row in rows), key=lambda a: (a.law, a.client_line, -a.share, a.team_id))

    def _followed(self, pc4: str, day: date) -> str | None:
        """The area that a postcode without one follows, as its counts do in the division in force on ``day``: as its
        configuration says, else the nearest number. None when there is none."""
        import geodata

        rows = _ALLOCATION.c
        is_in_force = sa.and_(rows.valid_from <= day, sa.or_(rows.valid_to.is_(None), rows.valid_to >= day))
        asked = sa.select(_RUNS.c.configuration).where(_RUNS.c.version == rows.version, is_in_force).limit(1)
        agreed = (self._connection.execute(asked).scalar() or {}).get("replaced_postcodes", {})
        if pc4 in agreed:
            return str(agreed[pc4])
        near = sa.select(rows.pc4).where(is_in_force, sa.func.substr(rows.pc4, 1, 2) == pc4[:2]).distinct()
        stand_in = geodata.stand_ins(self._connection.scalars(near).all(), [pc4])["stand_in"]
        return next(iter(stand_in.dropna()), None)

    def _why_nothing(self, pc4: str, group: str, day: date) -> Unanswered:
        in_force = sa.text(
            "SELECT client_group FROM routing WHERE valid_from <= :day AND coalesce(valid_to, '9999-12-31') >= :day"
            " GROUP BY client_group ORDER BY client_group"
        ).bindparams(sa.bindparam("day", day, sa.Date))
        groups = [row[0] for row in self._connection.execute(in_force)]
        if not groups:
            return Unanswered("nothing_in_force", f"No version is in force on {day}.")
        if group not in groups:
            return Unanswered("unknown_group", f"'{group}' is not a client group; allowed: {', '.join(groups)}.")
        return Unanswered("unknown_postcode", f"Postcode {pc4} does not exist in the division in force on {day}.")


def _answers(rows: list[Answer], pc6: str | None, day: date) -> list[Answer]:
    """The answers on ``day`` per law and line, of the rows of one pc4 up to it."""
    units = groupby(rows, key=lambda answer: (answer.law, answer.client_line))
    return [answer for _, unit in units for answer in _on_day(unit, pc6, day)]


def _on_day(unit: Iterable[Answer], pc6: str | None, day: date) -> list[Answer]:
    """Of the rows of one pc4, law and line up to ``day`` those that answer on it, each with ``since``."""
    newest_first = sorted(unit, key=lambda answer: answer.valid_from, reverse=True)  # stable: within a period as before
    periods = [_longest_match(period, pc6) for _, period in groupby(newest_first, key=lambda answer: answer.valid_from)]
    if not periods[0][0].holds_on(day):  # the postcode was there before, and is not any more
        return []
    return [replace(answer, since=_since(answer, periods)) for answer in periods[0]]


def _since(answer: Answer, periods: list[list[Answer]]) -> date:
    """The first day of the unbroken stretch of ``periods`` (newest first) in which the team of ``answer`` serves."""
    first = answer.valid_from
    for period in periods[1:]:
        if period[0].valid_to != first - timedelta(days=1) or all(p.team_id != answer.team_id for p in period):
            break
        first = period[0].valid_from
    return first


def _longest_match(unit: Iterable[Answer], pc6: str | None) -> list[Answer]:
    """Of the rows of one pc4, law and line those for ``pc6``: the narrowest range that holds it, else the rest.

    Without ``pc6`` all rows: together they say how the pc4 is divided.
    """
    rows = list(unit)
    if pc6 is None:
        return rows
    ranges = [a for a in rows if a.pc6_from is not None and a.pc6_to is not None and a.pc6_from <= pc6 <= a.pc6_to]
    if not ranges:
        return [a for a in rows if a.pc6_from is None] or rows
    narrowest = min(_width(a) for a in ranges)
    return [a for a in ranges if _width(a) == narrowest]


def _width(answer: Answer) -> int:
    """How many letter pairs a range spans: AA to AE is 4."""
    first, last = (str(bound)[4:] for bound in (answer.pc6_from, answer.pc6_to))
    return (ord(last[0]) - ord(first[0])) * 26 + ord(last[1]) - ord(first[1])
