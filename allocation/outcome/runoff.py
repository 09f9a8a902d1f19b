"""Month by month: a team's old files run off while its new clients come in. So planners see when it is full.

Belongs here: that projection. Does not belong here: the yearly load (``figures``), who holds a file (``transition``).
"""

from __future__ import annotations

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.layers.work import layer_work
from allocation.outcome.transition import CENTRAL_TEAM

MONTHS = 24


def team_months(
    transition: pd.DataFrame,
    work: pd.DataFrame,
    parts: pd.DataFrame,
    products: pd.DataFrame,
    load: pd.DataFrame,
    config: Config,
    months: int = MONTHS,
) -> pd.DataFrame:
    """Verzekeringsarts hours a month of every regular and PW team, from its old files and from new clients.

    A file is closed in the month with probability 1/tau (``months_to_close``), and its hours are spent then. With
    N files at the start and an inflow of a clients a month, month m asks N h (1/tau) q^(m-1) hours for the old files
    and a h (1 - q^m) for the new ones, q = 1 - 1/tau: the outflow of a stock with a constant hazard. A new team so
    grows towards its full load, one that handed over postcodes shrinks towards its own.

    Returns
    -------
    team_id, month (1 = first of the new division), old_hours, new_hours, capacity_hours (all hours a month), is_full.
    """
    hours = products.set_index("product")["hours_verzekeringsarts"] * _per_product(
        products, config.work.hours_factor, 1.0
    )
    closing = 1 / _per_product(products, config.work.months_to_close, 6.0).clip(lower=1.0)
    old = transition[(transition["team_to"] != CENTRAL_TEAM) & (transition["client_group"] == REGULAR_GROUP)]
    held = old.groupby(["team_to", "product"])["clients"].sum().rename_axis(["team_id", "product"])
    coming = _monthly_inflow(work, parts, config)
    both = pd.concat([held.rename("files"), coming.rename("inflow")], axis=1).fillna(0.0).reset_index()
    both = both[both["team_id"].isin(load["team_id"])]
    h, rate = both["product"].map(hours).to_numpy(float), both["product"].map(closing).to_numpy(float)
    rows = []
    for month in range(1, months + 1):
        stays = (1 - rate) ** (month - 1)
        rows.append(
            pd.DataFrame(
                {
                    "team_id": both["team_id"],
                    "month": month,
                    "old_hours": both["files"].to_numpy(float) * h * rate * stays,
                    "new_hours": both["inflow"].to_numpy(float) * h * (1 - stays * (1 - rate)),
                }
            )
        )
    table = pd.concat(rows).groupby(["team_id", "month"])[["old_hours", "new_hours"]].sum().reset_index()
    capacity = load.groupby("team_id")["capacity_hours_verzekeringsarts"].sum() / 12
    table["capacity_hours"] = table["team_id"].map(capacity.to_dict())
    table["is_full"] = table["old_hours"] + table["new_hours"] >= table["capacity_hours"]
    return table


def _per_product(products: pd.DataFrame, setting: dict[str, float], default: float) -> pd.Series:
    """The setting of each product, else that of ``"*"``, else ``default``; indexed by product."""
    named = products["product"].map(setting).fillna(setting.get("*", default)).astype("float64")
    return named.set_axis(products["product"])


def _monthly_inflow(work: pd.DataFrame, parts: pd.DataFrame, config: Config) -> pd.Series:
    """Expected clients a month by (team_id, product), under the new division."""
    sums = []
    for (domain, line), held in parts.groupby(["law_domain", "client_line"]):
        rows = layer_work(work, str(domain), str(line), config)
        rows = held[["pc4", "team_id", "share"]].merge(rows[["pc4", "product", "inflow_clients"]], on="pc4")
        sums.append((rows["inflow_clients"] * rows["share"] / 12).groupby([rows["team_id"], rows["product"]]).sum())
    total: pd.Series = pd.concat(sums).groupby(level=[0, 1]).sum()
    return total
