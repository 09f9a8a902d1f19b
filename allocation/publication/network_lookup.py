"""Whom a team works with, and who are the teams of a partner: the published ``team_network``, read for one card.

Belongs here: the rows of one team or one partner on a day. Does not belong here: how they are counted
(``outcome.network``), or the group of medewerkers verzuimbeheer of a client (``lookup``).

Whoever asks sees what readers see: in the published view, and where that shows the login more, as it does the page's,
in what is kept apart for readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from allocation.contract.published_tables import TEAM_NETWORK, TEAM_NETWORK_SEEN
from allocation.publication import store, tables
from allocation.publication.lookup import LookupTable
from allocation.publication.postcodes import Unanswered
from allocation.publication.tables import ROWS
from allocation.publication.views import SEES_ALL

_ROWS = sa.table("team_network", *(sa.column(c.name, tables.SQL_TYPES[c.type]) for c in TEAM_NETWORK.columns))
_SEEN = ROWS[TEAM_NETWORK_SEEN.name]
_TEAMS = sa.table("team", *(sa.column(name) for name in ("version", "team_id", "name", "office")))


@dataclass(frozen=True)
class Tie:
    """A team and a partner. Shares lie between 0 and 1; they and the clients are empty where these are few."""

    version: int
    team_id: str
    team_name: str | None
    office: str | None
    kind: str
    provider: str
    clients_per_year: float | None
    team_share: float | None
    provider_share: float | None
    teams_at_provider: int
    form: str | None
    contact: str | None


def partners_of(table: LookupTable, team: str, on: date | None = None) -> list[Tie]:
    """The partners of a team on a day (default today), by kind, the largest part of the team's work first.

    Raises Unanswered when no version is in force, or when the version has no partners of such a team.
    """
    found = _ties(table, _ROWS.c.team_id == team, on)
    if not found:
        raise Unanswered("unknown_team", f"Team '{team}' has no partners in the division in force.")
    return sorted(found, key=lambda tie: (tie.kind, -(tie.team_share or 0.0), tie.provider))


def teams_of(table: LookupTable, kind: str, provider: str, on: date | None = None) -> list[Tie]:
    """The teams of a partner on a day (default today), the one that serves most of its clients first.

    Raises Unanswered when no version is in force, or when the version has no such partner.
    """
    found = _ties(table, sa.and_(_ROWS.c.kind == kind, _ROWS.c.provider == provider), on)
    if not found:
        raise Unanswered("unknown_provider", f"There is no '{provider}' of kind '{kind}' in the division in force.")
    return sorted(found, key=lambda tie: (-(tie.provider_share or 0.0), tie.team_id))


def providers_on(table: LookupTable, on: date | None = None) -> list[tuple[str, str]]:
    """Every partner of the division in force on a day, as kind and name."""
    version = table.version_on(on or store.today()).version
    query = sa.select(_ROWS.c.kind, _ROWS.c.provider).where(_ROWS.c.version == version).distinct()
    with table.connected() as connection:
        return sorted((row.kind, row.provider) for row in connection.execute(query))


def _ties(table: LookupTable, which: sa.ColumnElement[bool], on: date | None) -> list[Tie]:
    version = table.version_on(on or store.today()).version
    with table.connected() as connection:
        apart = _sees_all(connection)
        kept = [_SEEN.c[c.name] if apart and c.is_seen_apart else _ROWS.c[c.name] for c in TEAM_NETWORK.columns]
        source = _ROWS.outerjoin(
            _TEAMS, sa.and_(_TEAMS.c.version == _ROWS.c.version, _TEAMS.c.team_id == _ROWS.c.team_id)
        )
        if apart:
            key = ("version", *TEAM_NETWORK.key)
            source = source.outerjoin(_SEEN, sa.and_(*(_SEEN.c[name] == _ROWS.c[name] for name in key)))
        query = sa.select(*kept, _TEAMS.c.name.label("team_name"), _TEAMS.c.office).select_from(source)
        return [Tie(**row) for row in connection.execute(query.where(_ROWS.c.version == version, which)).mappings()]


def _sees_all(connection: sa.Connection) -> bool:
    """Whether the view shows this login what it hides from readers; what they see is kept apart."""
    return connection.dialect.name == "postgresql" and bool(connection.scalar(sa.text(f"SELECT {SEES_ALL}")))
