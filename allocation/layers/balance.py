"""What is divided in proportion to capacity: the load of a year, that of the first year, or the waiting time (R2, R20).

For a product with an inflow of I clients a year, A files in the area, F files that a team holds, planned share s and h
hours a client, the balanced hours are

    load          (I + s A) h
    first_year    (I + s F) h
    waiting_time  (I m/12 + F) h     hours that wait after m months if nobody is helped meanwhile: in proportion to
                                     capacity they mean the same projected waiting time; recurring work (monitoring)
                                     counts s F m/12 h, for it is no queue

Belongs here: these three formulas, for the problems that are solved and for the figures of their outcome. Does not
belong here: who gets a client or holds a file.
"""

from __future__ import annotations

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR
from allocation.layers.holding import stays
from allocation.layers.work import layer_work


def balanced_hours(ledger: pd.DataFrame, recurring: frozenset[str], config: Config) -> pd.Series:
    """The balanced verzekeringsarts hours of each row of the ledger (``outcome.ledger.ledger``)."""
    if config.balance == "load":
        return ledger["structural_hours_verzekeringsarts"]
    if config.balance == "first_year":
        return ledger["hours_verzekeringsarts"]
    years = config.horizon_months / MONTHS_A_YEAR
    planned_of_files = ledger["hours_verzekeringsarts"] - ledger["inflow_hours"]
    queue = ledger["held_hours"].where(~ledger["product"].isin(recurring), planned_of_files * years)
    return (ledger["inflow_hours"] * years + queue).where(ledger["priority"] <= config.waiting_priority, 0.0)


def hours_per_area(
    work: pd.DataFrame, files: pd.DataFrame, norms: pd.DataFrame, recurring: frozenset[str], domain: str, line: str,
    config: Config,
) -> pd.Series:  # fmt: skip
    """The balanced verzekeringsarts hours that go with each postcode of a layer, indexed by pc4.

    Parameters
    ----------
    work : as ``demand.expected.expected_work`` gives it. files : as ``layers.holding.held_files`` gives it.
    norms : as ``layers.work.product_norms`` gives it. domain, line : the layer; line ``alle`` has both lines.
    """
    if config.balance == "load":
        rows = layer_work(work, domain, line, config, ("pc4", "hours_verzekeringsarts"))
        return rows.groupby("pc4")["hours_verzekeringsarts"].sum()
    rows = layer_work(work, domain, line, config)
    factor = _file_hours(norms, recurring, config)
    years = 1.0 if config.balance == "first_year" else config.horizon_months / MONTHS_A_YEAR
    inflow = rows["inflow_clients"] * rows["product"].map(norms["hours_verzekeringsarts"]).astype("float64") * years
    if config.balance == "waiting_time":
        inflow = inflow.where(rows["priority"] <= config.waiting_priority, 0.0)
    moving = of_layer(files, domain, line)
    moving = moving[~stays(moving, config) & ~moving["is_central"].to_numpy()]
    hours = moving["clients"] * moving["product"].map(factor).astype("float64")
    return inflow.groupby(rows["pc4"]).sum().add(hours.groupby(moving["pc4"]).sum(), fill_value=0.0)


def base_hours(
    files: pd.DataFrame, norms: pd.DataFrame, recurring: frozenset[str], domain: str, line: str, config: Config
) -> pd.Series | None:
    """The balanced hours in files that stay with each team of a layer, indexed by team_id; None where none count."""
    if config.balance == "load":
        return None
    mine = of_layer(files, domain, line)
    mine = mine[stays(mine, config)]
    hours = mine["clients"] * mine["product"].map(_file_hours(norms, recurring, config)).astype("float64")
    return hours.groupby(mine["team_id"]).sum()


def of_layer(files: pd.DataFrame, domain: str, line: str) -> pd.DataFrame:
    """The rows of ``files`` that are served in a law domain and line; ``alle``: both lines."""
    mine = files["serves"] == domain
    return files[mine & ((files["line"] == line) | (line == ALL_LINES))]


def _file_hours(norms: pd.DataFrame, recurring: frozenset[str], config: Config) -> pd.Series:
    """The balanced hours of one file in stock, indexed by product."""
    hours, share = norms["hours_verzekeringsarts"], norms["planned_stock_share"]
    if config.balance == "first_year":
        return hours * share
    years = config.horizon_months / MONTHS_A_YEAR
    each = hours.where(~norms.index.isin(recurring), hours * share * years)
    return each.where(norms["priority"] <= config.waiting_priority, 0.0)
