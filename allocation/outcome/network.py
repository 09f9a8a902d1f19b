"""With whom each team works, and for which part: gemeenten, care regions and the partners of the input (R25).

A partner covers a share of each of its postcodes. A team works with it for the sum, over the partner's postcodes, of
that share times what routing gives the team there.

Belongs here: table ``team_network``. Does not belong here: what a split costs (``districting.coverage``), or who gets a
client (``routing``, ``ledger``).
"""

from __future__ import annotations

import pandas as pd

from allocation.intake.inputs import Inputs
from allocation.layers.work import SPECIAL

GEMEENTE, CARE_REGION = "gemeente", "care_region"
PARTNER = ["kind", "provider"]


def partners(inputs: Inputs, areas: pd.DataFrame) -> pd.DataFrame:
    """Who covers each postcode: pc4, kind, provider, share, form, contact.

    Parameters
    ----------
    areas : one row per postcode: pc4, gemeente_name, care_region (where the input has no ``care_regions``).
    """
    care = inputs.care_regions if len(inputs.care_regions) else areas
    known = [
        areas[["pc4", "gemeente_name"]].rename(columns={"gemeente_name": "provider"}).assign(kind=GEMEENTE),
        care[["pc4", "care_region"]].rename(columns={"care_region": "provider"}).assign(kind=CARE_REGION),
    ]
    plain = pd.concat(known).dropna(subset=["provider"]).assign(share=1.0, form=None, contact=None)
    plain = plain[plain["pc4"].isin(areas["pc4"])]
    columns = ["pc4", *PARTNER, "share", "form", "contact"]
    rows = [plain[columns], inputs.coverage[columns]] if len(inputs.coverage) else [plain[columns]]
    return pd.concat(rows, ignore_index=True).astype({"share": "float64", "form": object, "contact": object})


def team_network(routed: pd.DataFrame, covered: pd.DataFrame) -> pd.DataFrame:
    """Table ``team_network``.

    Parameters
    ----------
    routed : as ``ledger.routed_work`` gives it. covered : as ``partners`` gives it.
    """
    work = routed[routed["serves"] != SPECIAL]
    amounts = {"hours": "hours_verzekeringsarts", "clients": "planned_clients"}
    work = work[["team_id", "pc4"]].assign(**{new: work[old] * work["share"] for new, old in amounts.items()})
    work = work.groupby(["team_id", "pc4"])[list(amounts)].sum().reset_index()
    rows = work.merge(covered, on="pc4")
    rows = rows.assign(**{name: rows[name] * rows["share"] for name in amounts})
    table = rows.groupby(["team_id", *PARTNER]).agg(hours=("hours", "sum"), clients=("clients", "sum")).reset_index()
    table = table[(table["clients"] > 0) | (table["hours"] > 0)]
    of_team, of_partner = work.groupby("team_id")["hours"].sum(), table.groupby(PARTNER)["clients"]
    whole, here = table["team_id"].map(of_team).astype("float64"), of_partner.transform("sum")
    table = table.assign(
        clients_per_year=table["clients"],
        # Sums in another order end a last digit apart, so the whole of something comes out just above 1.
        team_share=(table["hours"] / whole.where(whole > 0)).fillna(0.0).clip(upper=1.0),
        provider_share=(table["clients"] / here.where(here > 0)).clip(upper=1.0),
        teams_at_provider=table.groupby(PARTNER)["team_id"].transform("nunique").astype("int64"),
    )
    for name in ("form", "contact"):
        told = covered.dropna(subset=[name]).groupby(PARTNER)[name].agg(lambda texts: "|".join(sorted(set(texts))))
        table = table.merge(told.rename(name).reset_index(), on=PARTNER, how="left")
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    names = ["team_id", *PARTNER, "clients_per_year", "team_share", "provider_share", "teams_at_provider", "form",
             "contact"]  # fmt: skip
    return table.sort_values(["team_id", *PARTNER], ignore_index=True)[names]
