"""Which team has this postcode, and why: the published routing, read for one client.

Belongs here: choosing the rows that hold for a postcode. Does not belong here: reading one (`postcodes`), how
the routing is made (`outcome.routing`) or published (`versions`). Reads published views only, so the rights of a reader
suffice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from threading import Lock
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.published_tables import BEZWAAR_ROUTING, UITKEREN_ROUTING, VERSION_HISTORY
from allocation.contract.vocabulary import CLIENT_LINES, LAWS, REGULAR_GROUP
from allocation.publication import store, tables, upgrade
from allocation.publication.postcodes import Unanswered, following, parse_postcode


@dataclass(frozen=True)
class Answer:
    """One row of the routing that holds for the question. ``share`` is the share of the clients of the whole pc4.

    ``rule``: bijzondere_groep, pin, split, enig_team or verdeling; ``reason`` is the planner's, where there is one.
    ``valid_from`` and ``valid_to`` are the period of the version; ``since`` is the first day of the unbroken stretch in
    which the same question gives this team, with whatever share. A postcode that got another number starts anew.
    ``follows``: the postcode whose team answers, where ``pc4`` has no area (PO box, new street); rule, reason and dates
    are those of that postcode.
    ``verzuimbeheer_code``: the group of medewerkers verzuimbeheer at Uitkeren; None where none works with the team.
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
    pw_client: bool = False
    verzuimbeheer_code: str | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or self.valid_to >= day)


_COLUMNS = [column for column in BEZWAAR_ROUTING.columns if column.name in {field.name for field in fields(Answer)}]
_ANSWERS = sa.table("bezwaar_routing", *(sa.column(c.name, tables.SQL_TYPES[c.type]) for c in BEZWAAR_ROUTING.columns))
_GROUPS = sa.table("uitkeren_routing", *(sa.column(c.name) for c in UITKEREN_ROUTING.columns))
_NAMES = tuple(column.name for column in _COLUMNS)
_AT = {name: at for at, name in enumerate((*_NAMES, "verzuimbeheer_code"))}
_Row = tuple[Any, ...]
"""The values of ``_NAMES`` and the code of the group: a plain tuple of these costs the garbage collector nothing, and a
server keeps some 200,000."""
_GROUP_KEY = ("version", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line", "team_id")
_PERIODS = sa.table("version_history", *(sa.column(c.name, tables.SQL_TYPES[c.type]) for c in VERSION_HISTORY.columns))
_RUNS = sa.table(
    "runs",
    sa.column("version", sa.Integer),
    sa.column("configuration", tables.JSON_TYPE),
    sa.column("input_fingerprints", tables.JSON_TYPE),
)
_READ_AT_ONCE = 500
_FRESH_S = 1.0
"""How long a list of periods is taken for that of now; a publication is seen by then."""


class InForce(NamedTuple):
    """``version`` is in force from ``valid_from`` up to and including ``valid_to`` (None = until further notice)."""

    version: int
    valid_from: date
    valid_to: date | None


class _Division(NamedTuple):
    """What a published version says beside its routing: the area that a postcode was agreed to follow, all areas, and
    the client groups."""

    agreed: dict[str, str]
    areas: list[str]
    groups: list[str]


def lookup(
    postcode: str,
    store_url: str,
    *,
    group: str = REGULAR_GROUP,
    pw_client: bool = False,
    law: str | None = None,
    line: str | None = None,
    on: date | None = None,
) -> list[Answer]:
    """The team or teams of ``postcode`` on a day (default today), for one law and line or for all, with the rule.

    Sorted by law, line, and share (largest first). Raises Refused when the postcode is none or does not exist, when
    no version is in force, or when the group, law or line is unknown.
    """
    return LookupTable(store_url).find(postcode, group=group, pw_client=pw_client, law=law, line=line, on=on)


class LookupTable:
    """Look-ups in one store, for one question or for many at once, from any thread.

    What was published for a postcode never changes, so it is read once and kept until another version is in force.
    """

    def __init__(self, store_url: str, *, is_pooled: bool = False) -> None:
        self.store_url = store_url
        self._is_pooled = is_pooled
        self._mutex, self._reading = Lock(), Lock()
        self._periods: tuple[InForce, ...] = ()
        self._read_at: float | None = None
        self._is_along = False
        self._rows: dict[str, list[_Row]] = {}
        self._divisions: dict[int, _Division] = {}
        self._nearest: dict[tuple[int, str], str | None] = {}

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with store.connected(self.store_url, is_pooled=self._is_pooled) as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def forget(self) -> None:
        """Ask the store for everything again."""
        with self._mutex:
            self._rows.clear()
            self._read_at = None

    def periods(self) -> tuple[InForce, ...]:
        """The periods in force, in order; at most a second old."""
        now = time.monotonic()
        if self.fresh_periods() is None:
            query = (
                sa.select(_PERIODS.c.version, _PERIODS.c.valid_from, _PERIODS.c.valid_to)
                .where(_PERIODS.c.replaced_at.is_(None))
                .order_by(_PERIODS.c.valid_from)
            )
            is_first = not self._is_along
            if is_first:
                upgrade.bring_along(self.store_url)
            with self.connected() as connection:
                if is_first:
                    upgrade.check_not_newer(connection)
                periods = tuple(InForce(*row) for row in connection.execute(query))
            with self._mutex:
                if periods != self._periods:
                    self._periods = periods
                    self._rows.clear()
                self._read_at, self._is_along = now, True
        return self._periods

    def fresh_periods(self) -> tuple[InForce, ...] | None:
        """The periods when they are fresh, without asking the store; else None."""
        is_fresh = self._read_at is not None and time.monotonic() - self._read_at <= _FRESH_S
        return self._periods if is_fresh else None

    def version_on(self, day: date) -> InForce:
        """The period of ``day``. Raises Unanswered when no version is in force."""
        for period in self.periods():
            if period.valid_from <= day and (period.valid_to is None or period.valid_to >= day):
                return period
        raise Unanswered("nothing_in_force", f"No version is in force on {day}.")

    def find(
        self,
        postcode: str,
        *,
        group: str = REGULAR_GROUP,
        pw_client: bool = False,
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
        self.version_on(day)
        segment = _Segment(group, pw_client, law, line, day)
        rows = segment.of(self._rows_of([asked.pc4])[asked.pc4])
        if any(answer.holds_on(day) for answer in rows):
            return _answers(rows, asked.pc6, day)
        # A postcode with rows of before is gone: it had an area, and its number does not tell what lies there now.
        followed = self._followed(asked.pc4, day, is_gone=bool(rows))
        found = []
        if followed:  # its number lies in none of the PC6 ranges of the other: who serves the rest of that one answers
            found = _answers(segment.of(self._rows_of([followed])[followed]), asked.pc6 or asked.pc4, day)
        if not found:
            raise self._why_nothing(asked.pc4, group, day)
        return [replace(answer, pc4=asked.pc4, follows=followed) for answer in found]

    def warm_up(self) -> None:
        """Read what is in force today ahead, so that the first questions do not wait for the store."""
        with suppress(Unanswered):
            areas = self._division(store.today()).areas
            for first in range(0, len(areas), _READ_AT_ONCE):
                self._rows_of(areas[first : first + _READ_AT_ONCE])

    def read_ahead(self, postcodes: Iterable[str]) -> None:
        """Read the rows of many postcodes in one query; what is no postcode is passed over."""
        self.periods()
        pc4s = []
        for text in postcodes:
            with suppress(Unanswered):
                pc4s.append(parse_postcode(text).pc4)
        self._rows_of(pc4s)

    def _rows_of(self, pc4s: list[str]) -> dict[str, list[_Row]]:
        """All that was ever published for postcodes, sorted by law, line, share (largest first) and team.

        A server that is asked for one reads the ten of its first three digits: they are asked for soon, and ten cost
        hardly more than one.
        """
        found = self._kept(pc4s)
        if len(found) == len(set(pc4s)):
            return found
        with self._reading:  # one at a time: who waited often finds what it wants
            found = self._kept(pc4s)
            missing = sorted(set(pc4s) - set(found))
            if self._is_pooled and len(missing) == 1:
                missing = [f"{missing[0][:3]}{last}" for last in range(10)]
            before = self._periods
            read = self._read(missing) if missing else {}
            with self._mutex:
                if self._periods is before:  # else another version came into force meanwhile: these may be of before it
                    self._rows |= read
        return found | {pc4: read[pc4] for pc4 in pc4s if pc4 in read}

    def _kept(self, pc4s: list[str]) -> dict[str, list[_Row]]:
        with self._mutex:
            return {pc4: self._rows[pc4] for pc4 in pc4s if pc4 in self._rows}

    def _read(self, pc4s: list[str]) -> dict[str, list[_Row]]:
        query = sa.select(*(_ANSWERS.c[name] for name in _NAMES)).where(
            _ANSWERS.c.pc4.in_(sa.bindparam("pc4s", pc4s, expanding=True)), _ANSWERS.c.replaced_at.is_(None)
        )
        read: dict[str, list[_Row]] = {pc4: [] for pc4 in pc4s}
        key = itemgetter(*(_AT[name] for name in ("pc4", *_GROUP_KEY)))
        with self.connected() as connection:
            groups = _group_codes(connection, pc4s)
            for row in map(tuple, connection.execute(query)):
                read[row[_AT["pc4"]]].append((*row, groups.get(key(row))))
        law, line, share, team = (_AT[name] for name in ("law", "client_line", "share", "team_id"))
        for rows in read.values():
            rows.sort(key=lambda row: (row[law], row[line], -row[share], row[team]))
        return read

    def _followed(self, pc4: str, day: date, *, is_gone: bool) -> str | None:
        """The area that a postcode without one follows, as its counts do in the division in force on ``day``: as its
        configuration says, else as its boundaries say of a postcode without a surface, else the nearest number, but
        not for a postcode that is gone. None when there is none."""
        import geodata

        division = self._division(day)
        if pc4 in division.agreed:
            return division.agreed[pc4]
        if is_gone:
            return None
        key = self.version_on(day).version, pc4
        if key not in self._nearest:  # looking for it takes a hundred times what an answer takes
            near = [area for area in division.areas if area[:2] == pc4[:2]]
            stand_in = geodata.stand_ins(near, [pc4])["stand_in"]
            self._nearest[key] = next(iter(stand_in.dropna()), None)
        return self._nearest[key]

    def groups_on(self, day: date) -> list[str]:
        """The client groups of the division in force on ``day``."""
        return self._division(day).groups

    def _division(self, day: date) -> _Division:
        version = self.version_on(day).version
        if version not in self._divisions:
            asked = sa.select(_RUNS.c.configuration, _RUNS.c.input_fingerprints).where(_RUNS.c.version == version)
            areas = sa.text("SELECT DISTINCT pc4 FROM allocation WHERE version = :version ORDER BY pc4")
            groups = sa.text("SELECT DISTINCT client_group FROM routing WHERE version = :version ORDER BY client_group")
            with self.connected() as connection:
                configuration, made_of = connection.execute(asked).one()
                self._divisions[version] = _Division(
                    following(configuration, made_of),
                    list(connection.scalars(areas, {"version": version})),
                    list(connection.scalars(groups, {"version": version})),
                )
        return self._divisions[version]

    def _why_nothing(self, pc4: str, group: str, day: date) -> Unanswered:
        groups = self.groups_on(day)
        if group not in groups:
            return Unanswered("unknown_group", f"'{group}' is not a client group; allowed: {', '.join(groups)}.")
        return Unanswered("unknown_postcode", f"Postcode {pc4} does not exist in the division in force on {day}.")


def _group_codes(connection: Connection, pc4s: list[str]) -> dict[tuple[object, ...], str]:
    """The group of medewerkers verzuimbeheer of each row of the routing of ``pc4s``: by pc4 and ``_GROUP_KEY``."""
    columns = [_GROUPS.c.pc4, *(_GROUPS.c[name] for name in _GROUP_KEY), _GROUPS.c.verzuimbeheer_code]
    query = sa.select(*columns).where(
        _GROUPS.c.pc4.in_(sa.bindparam("pc4s", pc4s, expanding=True)), _GROUPS.c.verzuimbeheer_code.is_not(None)
    )
    return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}


class _Segment(NamedTuple):
    """The client that is asked about, and the day."""

    group: str
    pw_client: bool
    law: str | None
    line: str | None
    day: date

    def of(self, rows: list[_Row]) -> list[Answer]:
        """The rows for this client, up to the day."""
        group, pw_client, first, law, line = (
            _AT[name] for name in ("client_group", "pw_client", "valid_from", "law", "client_line")
        )
        return [
            Answer(**dict(zip(_AT, row, strict=True)), since=row[first])
            for row in rows
            if row[group] == self.group
            and row[pw_client] == self.pw_client
            and row[first] <= self.day
            and self.law in (None, row[law])
            and self.line in (None, row[line])
        ]


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
