"""What the rules of both gates are asked of, beside the tables themselves: areas, teams, products, the run's choices.

Belongs here: reading a run's folder into plain tables for the queries. Nothing is computed here with the code that made
the outcome: the gate counts for itself. Does not belong here: any rule.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, LAWS, REGULAR_GROUP

AREA_COLUMNS = (
    "pc4",
    "gemeente_code",
    "arbeidsmarktregio_nr",
    "arbeidsmarktregio",
    "inhabitants",
    "area_km2",
    "is_valid",
)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_tables(folder: Path, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Those of the named Parquet tables that are in ``folder``."""
    return {
        name: pd.read_parquet(folder / f"{name}.parquet") for name in names if (folder / f"{name}.parquet").exists()
    }


def areas(run_folder: Path) -> pd.DataFrame:
    """The postcode areas without their polygons; an absent column of the example's edition stays absent."""
    path = run_folder / "boundaries" / "areas.parquet"
    present = set(pq.read_schema(path).names)
    return pd.read_parquet(path, columns=[name for name in AREA_COLUMNS if name in present])


def settings(run_folder: Path) -> dict[str, Any]:
    """The configuration of the run, as it was started with."""
    config: dict[str, Any] = read_json(run_folder / "run.json")["config"]
    return config


def closed_sets(config: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Tables ``client_group``, ``law`` and ``line``: their product with the areas is what routing must cover."""
    groups = [REGULAR_GROUP, *config["special_groups"]]
    return {
        "client_group": pd.DataFrame({"client_group": groups, "is_special": [g != REGULAR_GROUP for g in groups]}),
        "law": pd.DataFrame({"law": LAWS}),
        "line": pd.DataFrame({"client_line": CLIENT_LINES}),
    }


def joined(texts: pd.Series[Any]) -> pd.Series[Any]:
    """``ZW|WIA`` as ``|ZW|WIA|``, so that a query can look for ``|WIA|``; an empty cell becomes ``|``."""
    filled: pd.Series[Any] = "|" + texts.astype(object).where(texts.notna(), "").astype(str) + "|"
    return filled.str.replace("||", "|")


def products(table: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
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


__all__ = [
    "ALL_LINES", "areas", "closed_sets", "joined", "products", "read_json", "read_tables", "settings", "team_regions",
    "teams",
]  # fmt: skip
