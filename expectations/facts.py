"""What the rules of both gates are asked of, beside the tables themselves: areas, teams, products, the run's choices.

Belongs here: what a gate is handed, and plain tables made of it for the queries. Nothing is computed here with the code
that made the outcome: the gate counts for itself. Does not belong here: any rule, or where the frames come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import CLIENT_LINES, LAWS, REGULAR_GROUP, special_groups

AREA_COLUMNS = (
    "pc4",
    "gemeente_code",
    "arbeidsmarktregio_nr",
    "arbeidsmarktregio",
    "inhabitants",
    "area_km2",
    "is_valid",
)
INPUT_BESIDE = ("replaced", "office_doubts", "remarks")
"""What reading the input leaves beside the tables of the contract."""


@dataclass(frozen=True)
class InputFacts:
    """What the first gate looks at. ``tables``: those of the input and ``INPUT_BESIDE`` that are there.

    ``config``: the settings of the run as JSON has them. ``version_in_force``: None when nothing is in force.
    ``follows``: postcodes of the boundaries without a surface of their own -> the area that each counts for.
    """

    tables: Mapping[str, pd.DataFrame]
    work: pd.DataFrame | None
    areas: pd.DataFrame
    config: Mapping[str, Any]
    today: date
    version_in_force: int | None = None
    in_force_since: date | None = None
    follows: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerFacts:
    """One districting problem and what the solver said of it.

    ``unit_pc4`` (n,): the postcode of each unit. ``edges`` (m, 2): neighbouring units by position. ``demand`` (n,):
    balanced hours of each unit.
    """

    key: str
    law_domain: str
    client_line: str
    regions: tuple[int, ...]
    team_ids: tuple[str, ...]
    unit_pc4: NDArray[Any]
    edges: NDArray[Any]
    demand: NDArray[Any]
    result: Mapping[str, Any]


@dataclass(frozen=True)
class OutcomeFacts:
    """What the second gate looks at. ``tables``: those of ``outcome.FILES`` that are there. ``given``: input tables.

    ``day``: first day of the new division.
    """

    tables: Mapping[str, pd.DataFrame]
    given: Mapping[str, pd.DataFrame]
    work: pd.DataFrame
    areas: pd.DataFrame
    division_in_force: pd.DataFrame
    published_division: pd.DataFrame
    layers: Sequence[LayerFacts]
    config: Mapping[str, Any]
    day: date


def areas(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of the areas that rules look at; an absent column of the example's edition stays absent."""
    return table[[name for name in AREA_COLUMNS if name in table]]


def closed_sets(config: Mapping[str, Any], teams: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables ``client_group``, ``law`` and ``line``: their product with the areas is what routing must cover."""
    of_teams = teams.loc[teams["kind"] == "bijzonder", "client_groups"]
    groups = [REGULAR_GROUP, *special_groups(config["special_groups"], of_teams)]
    return {
        "client_group": pd.DataFrame({"client_group": groups, "is_special": [g != REGULAR_GROUP for g in groups]}),
        "law": pd.DataFrame({"law": LAWS}),
        "line": pd.DataFrame({"client_line": CLIENT_LINES}),
    }


def joined(texts: pd.Series[Any]) -> pd.Series[Any]:
    """``ZW|WIA`` as ``|ZW|WIA|``, so that a query can look for ``|WIA|``; an empty cell becomes ``|``."""
    filled: pd.Series[Any] = "|" + texts.astype(object).where(texts.notna(), "").astype(str) + "|"
    return filled.str.replace("||", "|")


def products(table: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """One row per product, with what the configuration does to it: ``growth`` and ``hours_factor``."""
    work = config["work"]
    growth = table["product"].map(work["growth"]).fillna(work["growth"].get("*", 0.0))
    factor = table["product"].map(work["hours_factor"]).fillna(work["hours_factor"].get("*", 1.0))
    return table.drop(columns=["row"], errors="ignore").assign(
        is_central=table["handled_by"].eq("central").fillna(False).astype(bool),
        growth=growth.astype("float64"),
        hours_factor=factor.astype("float64"),
        client_lines=joined(table["client_lines"]),
    )


def teams(table: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """One row per team: the period of ``day``, else its last one, with ``is_active``."""
    active = (table["valid_from"] <= day) & (table["valid_to"].isna() | (table["valid_to"] >= day))
    rows = (
        table.assign(is_active=active).sort_values(["is_active", "valid_from"]).drop_duplicates("team_id", keep="last")
    )
    rows = rows[["team_id", "name", "office", "kind", "is_active"]].assign(
        has_hours=rows["fte_verzekeringsarts"] * rows["productivity"] > 0,
        client_groups=joined(rows["client_groups"]),
        client_lines=joined(rows["client_lines"]),
        laws=joined(rows["laws"]),
    )
    return rows.sort_values("team_id", ignore_index=True)


def team_regions(table: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """(team_id, region): the regions that each team may serve, its own and those in a cluster with them (R1)."""
    own = table[["team_id", "regions"]].explode("regions").dropna().rename(columns={"regions": "region"})
    own["region"] = own["region"].astype("int64")
    known = clusters[["cluster", "region"]].dropna()
    known = known.assign(region=known["region"].astype("int64"))
    beside = own.merge(known, on="region").drop(columns="region").merge(known, on="cluster")
    return pd.concat([own, beside[["team_id", "region"]]]).drop_duplicates(ignore_index=True)
