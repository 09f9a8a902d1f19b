"""Where is this file: what a version does with the existing file of a client, read from the published `files`.

Belongs here: finding the row that decides for a file. Does not belong here: how `files` is computed (`outcome`), which
team gets new clients (`lookup`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.publication import store
from allocation.publication.lookup import LookupTable
from allocation.publication.postcodes import Unanswered, parse_postcode

ANY = "*"
"""In `files`: any other team or postcode; as ``team_to``: the team of `routing`."""

Segment = dict[str, str | bool]

_ROWS = sa.table("files", *(sa.column(name) for name in ("version", "team_from", "law", "client_line", "client_group",
                            "pw_client", "pc4", "team_to", "movement", "reason")))  # fmt: skip


@dataclass(frozen=True)
class FileAnswer:
    """What happens to a file from ``valid_from`` on, when ``version`` comes (or came) into force.

    ``team_from`` is the team that has the file: the one that was asked with, else each team that the division in force
    on the day before gave the postcode (None when there was none: nobody knows). ``team_to`` names more than one team
    where the postcode is shared and the file could go to each.
    """

    version: int
    pc4: str
    client_group: str
    pw_client: bool
    law: str
    client_line: str
    team_from: str | None
    team_to: tuple[str, ...]
    movement: str
    reason: str
    valid_from: date
    valid_to: date | None


def find_file(
    table: LookupTable,
    postcode: str,
    *,
    law: str,
    line: str,
    team: str | None = None,
    group: str = REGULAR_GROUP,
    pw_client: bool = False,
    on: date | None = None,
) -> list[FileAnswer]:
    """What the version in force on a day (default today) does with a file: one answer per team that may have it.

    ``team`` is the holder, where the one who asks knows it. Raises Refused as `lookup` does, for a team that is in
    no row of `files` too, and for a version of before files were published.
    """
    day = on or store.today()
    new = table.find(postcode, group=group, pw_client=pw_client, law=law, line=line, on=day)
    period = table.version_on(day)
    pc4, follows = parse_postcode(postcode).pc4, new[0].follows
    segment: Segment = {"law": law, "client_line": line, "client_group": group, "pw_client": pw_client}
    holders = [team] if team else _holders(table, postcode, segment, period.valid_from - timedelta(days=1))
    answers = []
    for holder in holders:
        row = _deciding_row(table, period.version, holder or ANY, follows or pc4, segment)
        routed = tuple(dict.fromkeys(answer.team_id for answer in new))
        team_to = routed if row.team_to == ANY else (str(row.team_to),)
        answers.append(
            FileAnswer(
                period.version, pc4, group, pw_client, law, line, holder, team_to, str(row.movement), str(row.reason),
                period.valid_from, period.valid_to,
            )
        )  # fmt: skip
    return answers


def _holders(table: LookupTable, postcode: str, segment: Segment, day: date) -> list[str | None]:
    """The teams that the division in force on ``day`` gave the postcode; None = nobody knows."""
    try:
        found = table.find(
            postcode,
            group=str(segment["client_group"]),
            pw_client=bool(segment["pw_client"]),
            law=str(segment["law"]),
            line=str(segment["client_line"]),
            on=day,
        )
    except Unanswered:
        return [None]
    return list(dict.fromkeys(answer.team_id for answer in found))


def _deciding_row(table: LookupTable, version: int, holder: str, pc4: str, segment: Segment) -> Any:
    """The row that names most: team and postcode, then the team alone, then the postcode alone, then neither."""
    rows = _ROWS.c
    query = (
        sa.select(rows.team_to, rows.movement, rows.reason, rows.team_from, rows.pc4)
        .where(rows.version == version, rows.team_from.in_([holder, ANY]), rows.pc4.in_([pc4, ANY]))
        .where(*(rows[name] == value for name, value in segment.items()))
    )
    with table.connected() as connection:
        found = list(connection.execute(query))
        if not found:
            there_are = sa.select(rows.version).where(rows.version == version).limit(1)
            told = (
                f"Version {version} does not say what happens to this file."
                if connection.execute(there_are).first()
                else f"Version {version} was published before files were: look at the team of the postcode."
            )
            raise Unanswered("no_files", told)
    return max(found, key=lambda row: (row.team_from != ANY, row.pc4 != ANY))
