"""Tables about whom the teams work with: their partners, and the groups of medewerkers verzuimbeheer at Uitkeren."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from allocation.contract.published_tables import TEAM_NETWORK
from allocation.publication.small_counts import shown
from allocation.report import dutch
from allocation.report.for_readers import seen_apart
from allocation.report.sheet import Cell, Column, Sheet, amount, amount_of, records, share, share_of, text_of
from allocation.runs import run_files

GROUPS = run_files.OUTCOME.table("verzuimbeheer_groups")


def _deviation(row: Any) -> Cell:
    return replace(share(row.deviation, signed=True), bar=row.deviation)


def _teams(row: Any) -> Cell:
    return Cell(row.teams.replace("|", ", "), team="" if "|" in row.teams else row.teams)


OF_EACH = (
    text_of("Groep", "group_code"),
    Column("Werkt met", _teams),
    amount_of("Fte", "fte", 1),
    amount_of("Postcodes", "areas"),
    Column("Postcodes die nieuw zijn voor de groep", lambda row: amount(row.areas_changed)),
    Column("Laatste dag", lambda row: Cell(dutch.day(row.last_day))),
)
OF_WORK = (
    amount_of("ZW-werk (uur verzekeringsarts per jaar)", "hours"),
    amount_of("Aandeel naar fte (uur)", "target_hours"),
    Column("Afwijking", _deviation),
    amount_of("ZW-cliënten per jaar", "clients"),
)
"""Not for readers outside Operations: a group may have few clients (R14)."""


def verzuimbeheer_sheet(folder: Path, *, for_readers: bool = False) -> Sheet | None:
    """Every group that shares its teams with other groups or works with several; None where no group is known."""
    table = _groups(folder)
    if table.empty:
        return None
    columns = OF_EACH if for_readers else (*OF_EACH, *OF_WORK)
    return Sheet.of("verzuimbeheer", "Groepen medewerkers verzuimbeheer bij Uitkeren", columns, records(table))


def verzuimbeheer_sentences(folder: Path) -> list[str]:
    """What stands out: groups over several teams, and teams with ZW clients and no group."""
    table = _groups(folder)
    found = [
        f"Groep {row.group_code} werkt met {row.teams.count('|') + 1} teams: {row.teams.replace('|', ', ')}."
        for row in records(table[table["teams"].str.contains("|", regex=False)])
    ]
    if len(table):
        routed = run_files.OUTCOME.table("verzuimbeheer_routing").read(folder)
        without = sorted(routed.loc[routed["group_code"].isna(), "team_id"].unique())
        found += [f"Team {team} krijgt ZW-cliënten en heeft geen groep medewerkers verzuimbeheer." for team in without]
    ends = table[table["last_day"].notna()]
    found += [f"Groep {row.group_code} stopt na {dutch.day(row.last_day)}." for row in records(ends)]
    return found


def _groups(folder: Path) -> pd.DataFrame:
    """Empty for a run of before the groups were divided."""
    return GROUPS.read(folder) if GROUPS.exists(folder) else pd.DataFrame(columns=["group_code", "teams", "last_day"])


# --- partners --------------------------------------------------------------------------------------------------------

NETWORK = run_files.OUTCOME.table(TEAM_NETWORK.name)
KIND_NAMES = {
    "gemeente": "gemeente", "care_region": "GGD of zorgregio", "ggz": "GGZ", "ggd": "GGD", "wsp": "WSP",
    "ziekenhuis": "ziekenhuis", "huisartsen": "huisartsen",
}  # fmt: skip
WITHOUT_FORM = ("gemeente", "care_region")
"""Kinds of which the input does not say how a team works with them."""
NO_FORM = ("geen", "none")
"""What a planner writes in ``form`` where there is no cooperation."""
LARGE = 0.25
"""From this part of a team's work on a partner is large for it."""
LEAST = 0.01
"""Below this part of a team's work a partner is left out of its card; table ``team_network`` has every one."""
TIE_COLUMNS = (
    share_of("Deel van het werk van het team", "team_share"),
    share_of("Deel van de cliënten van de partner", "provider_share"),
    amount_of("Cliënten per jaar", "clients_per_year"),
    amount_of("Teams bij deze partner", "teams_at_provider"),
    Column("Vorm", lambda row: _joined(row.form)),
    Column("Contact", lambda row: _joined(row.contact)),
)


def _joined(value: Any) -> Cell:
    return Cell(dutch.NONE if dutch.is_missing(value) else value.replace("|", ", "))


def _kind(row: Any) -> Cell:
    return Cell(KIND_NAMES.get(row.kind, row.kind))


@dataclass(frozen=True)
class Card:
    """With whom one team works. ``told``: with whom intensively, and which large partners it does not reach."""

    team_id: str
    heading: str
    told: tuple[str, ...]
    partners: Sheet


def team_cards(folder: Path, teams: pd.DataFrame, *, for_readers: bool = False) -> list[Card]:
    """A card per team with an area, by team; none for a run of before partners were counted.

    Parameters
    ----------
    teams : team_id, name and office of the teams in force.
    """
    table = _network(folder, for_readers=for_readers)
    known = teams.drop_duplicates("team_id").set_index("team_id")[["name", "office"]]
    columns = (text_of("Partner", "provider"), Column("Soort", _kind), *TIE_COLUMNS)
    has_forms = bool(table["form"].notna().any())
    cards = []
    ordered = table.sort_values(["team_id", "kind", "team_share", "provider"], ascending=[True, True, False, True])
    for team, rows in groupby(records(ordered), key=attrgetter("team_id")):
        name, office = known.loc[team] if team in known.index else (team, dutch.NONE)
        every = list(rows)
        large = [row for row in every if not row.team_share < LEAST]
        told = _told(large) if has_forms else ()
        if count := len(every) - len(large):
            told = (*told, f"En {count} {'partner' if count == 1 else 'partners'} met minder dan 1% van het werk.")
        sheet = Sheet.of(f"partners-{team}", f"Partners van {team}", columns, large)
        cards.append(Card(str(team), f"{team}: {name}, kantoor {office}", told, sheet))
    return cards


def _told(rows: Sequence[Any]) -> tuple[str, ...]:
    mine = [(row, _has_form(row)) for row in rows if row.kind not in WITHOUT_FORM]
    close = [f"{row.provider} ({row.form.replace('|', ', ')})" for row, has_form in mine if has_form]
    far = [
        f"{row.provider} ({dutch.percent(row.team_share, 0)} van het werk)"
        for row, has_form in mine
        if not has_form and row.team_share >= LARGE
    ]
    found = [f"Werkt samen met {', '.join(close)}."] if close else []
    return (*found, f"Grote partners zonder vorm van samenwerking: {', '.join(far)}.") if far else tuple(found)


def _has_form(row: Any) -> bool:
    return not dutch.is_missing(row.form) and row.form.casefold() not in NO_FORM


def provider_sheet(folder: Path, *, for_readers: bool = False) -> Sheet:
    """Every partner with its teams, the one that serves most of its clients first."""
    table = _network(folder, for_readers=for_readers).sort_values(
        ["kind", "provider", "provider_share"], ascending=[True, True, False]
    )
    rows = [list(ties) for _, ties in groupby(records(table), key=attrgetter("kind", "provider"))]
    columns = (
        Column("Partner", lambda ties: Cell(ties[0].provider)),
        Column("Soort", lambda ties: _kind(ties[0])),
        Column("Aantal teams", lambda ties: amount(len(ties))),
        Column("Teams (deel van de cliënten van de partner)", _teams_of),
        Column("Vorm", lambda ties: _joined(ties[0].form)),
        Column("Contact", lambda ties: _joined(ties[0].contact)),
    )
    return Sheet.of("partners", "Partners en hun teams", columns, rows)


def _teams_of(ties: Sequence[Any]) -> Cell:
    return Cell(", ".join(f"{row.team_id} ({dutch.percent(row.provider_share, 0)})" for row in ties))


def _network(folder: Path, *, for_readers: bool) -> pd.DataFrame:
    if not NETWORK.exists(folder):
        return pd.DataFrame(columns=list(TEAM_NETWORK.column_names))
    table = NETWORK.read(folder)
    return shown(TEAM_NETWORK, table, seen_apart(folder, TEAM_NETWORK)) if for_readers else table


# --- staff -----------------------------------------------------------------------------------------------------------

STAFF = run_files.OUTCOME.table("staff")
STAFF_COLUMNS = (
    Column("Team", lambda row: Cell(row.team_id, team=row.team_id)),
    Column("Laag", lambda row: Cell(dutch.layer(row.law_domain, row.client_line))),
    amount_of("Postcodes waar eigen medewerkers wonen", "areas"),
    amount_of("Cliënten daar per jaar", "clients_per_year"),
    share_of("Deel van de cliënten van het team", "client_share"),
    amount_of("Bij uitsluiten: verder naar kantoor (km per cliënt)", "extra_km", 1),
    Column("Afwijking nu", lambda row: share(row.deviation, signed=True)),
    Column("Afwijking bij uitsluiten", lambda row: share(row.deviation_barred, signed=True)),
    Column("Grootste afwijking van wie overneemt", lambda row: share(row.taker_deviation, signed=True)),
    Column("Neemt over", lambda row: Cell(row.takers.replace("|", ", ") or dutch.NONE)),
    amount_of("Postcodes die niemand mag overnemen", "areas_without_taker"),
)


def staff_sheet(folder: Path) -> Sheet | None:
    """Per team the clients where its own staff live, and what barring would cost; None where the input has no staff."""
    table = STAFF.read(folder) if STAFF.exists(folder) else pd.DataFrame()
    if table.empty:
        return None
    rows = records(table.sort_values("clients_per_year", ascending=False))
    return Sheet.of("privacy", "Cliënten waar eigen medewerkers wonen", STAFF_COLUMNS, rows)
