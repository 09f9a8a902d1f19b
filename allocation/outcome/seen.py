"""What readers see of the files of each team, made of what they see of its products and postcodes (R14).

A sum over counts of which some are hidden tells of them: two hidden cells beside a total of at least 8 are 4 each, and
the mean hours of five files of two products tell how many are of which. So nothing that readers see of a team's files
is rounded from the sum itself. It is made anew, by the functions that made the exact one, from counts that readers see
anyway: the files of each postcode in `transition`. What follows from that tells nothing beside it. The price: products
of which a team has fewer than 5 files do not count, and a hidden cell counts as the estimate of
``small_counts.clients_seen``.

Belongs here: those counts. Does not belong here: how one count is shown (`publication.small_counts`), or what is made
of them (`team_load`, `waiting`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.published_tables import (
    ALLOCATION_CHANGES,
    EXPECTED,
    LINE_OUTCOMES,
    REGION_SUMMARY,
    TEAM_LEDGER,
    TEAM_LOAD,
    TEAM_LOAD_SEEN,
)
from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR, MOVES
from allocation.layers.holding import STOCK_KEY
from allocation.outcome.ledger import LAYER, planned
from allocation.publication import small_counts

_KEY = ["team_id", "product", "line"]


def ledger_shown(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Files and inflow of table ``team_ledger`` as readers see them: team_id, product, line, files_held,
    inflow_clients; missing where they are hidden.

    Files count in the row of their line. Those of line `alle`, and of a line that has no row, are divided over the rows
    of the team and product by the inflow that these show; in equal parts where they show none.

    ``cells``: table ``transition`` with ``seen``, of ``small_counts.clients_seen``.
    """
    rows = small_counts.shown(TEAM_LEDGER, table).rename(columns={"client_line": "line"})[[*_KEY, "inflow_clients"]]
    files = cells.rename(columns={"team_to": "team_id", "client_line": "line"}).groupby(_KEY)["seen"].sum()
    own = rows[_KEY].merge(files.reset_index(), on=_KEY, how="left")["seen"].fillna(0.0).to_numpy()
    without = files[~files.index.isin(pd.MultiIndex.from_frame(rows[_KEY]))].groupby(level=[0, 1]).sum().reset_index()
    shared = rows[_KEY].merge(without, on=_KEY[:2], how="left")["seen"].fillna(0.0).to_numpy()
    part = _part_of(rows.fillna({"inflow_clients": 0.0}), "inflow_clients", _KEY[:2])
    return rows.assign(files_held=small_counts.shown_counts(own + shared * part))


def with_stock_seen(routed: pd.DataFrame, cells: pd.DataFrame, norms: pd.DataFrame) -> pd.DataFrame:
    """``routed`` with the stock of each postcode as readers know it, and the work that this makes beside the inflow.

    Parameters
    ----------
    routed : as ``ledger.routed_work`` gives it. norms : as ``layers.work.product_norms`` gives it.
    cells : table ``transition`` with ``seen``, of ``small_counts.clients_seen``.
    """
    stock = cells.groupby(STOCK_KEY)["seen"].sum().reset_index()
    found = routed[STOCK_KEY].merge(stock, on=STOCK_KEY, how="left", validate="many_to_one")["seen"]
    norm = norms.loc[routed["product"]].set_axis(routed.index)
    clients = found.fillna(0.0).set_axis(routed.index)
    work = planned(routed["inflow_clients"], clients, norm)
    return routed.assign(
        stock_clients=clients, planned_clients=work, hours_verzekeringsarts=work * norm["hours_verzekeringsarts"]
    )


def allocation_changes_seen(changes: pd.DataFrame) -> pd.DataFrame:
    """Table ``allocation_changes_seen``: the work that moves, of ``changes`` with ``clients_seen`` and ``hours_seen``
    as table ``expected`` has them of a whole postcode."""
    shown = small_counts.shown(EXPECTED, changes)
    amounts = shown[["clients_seen", "hours_seen"]].set_axis(["clients", "hours"], axis=1)
    return changes[list(ALLOCATION_CHANGES.key)].join(amounts)


def team_ledger_seen(shown: pd.DataFrame, norms: pd.DataFrame) -> pd.DataFrame:
    """Table ``team_ledger_seen``: the files as ``shown``, the planned clients of these and the inflow, and their hours.

    ``shown``: as ``ledger_shown`` gives it. A hidden count adds nothing; planned clients under 5 are hidden.
    """
    norm = norms.loc[shown["product"].tolist()].set_axis(shown.index)
    work = planned(shown["inflow_clients"].fillna(0.0), shown["files_held"].fillna(0.0), norm)
    clients = pd.Series(small_counts.shown_counts(work.to_numpy(dtype=np.float64)), index=shown.index)
    return (
        shown[_KEY]
        .rename(columns={"line": "client_line"})
        .assign(
            files_held=shown["files_held"].astype("Int64"),
            planned_clients=clients,
            hours_verzekeringsarts=clients * norm["hours_verzekeringsarts"],
            hours_other=clients * norm["hours_other"],
        )
    )


def region_summary_seen(
    regions: pd.DataFrame,
    cells: pd.DataFrame,
    load: pd.DataFrame,
    load_seen: pd.DataFrame,
    places: pd.DataFrame,
    areas: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``region_summary_seen``: the clients that move, of what ``transition`` shows; the waiting time, of the
    files of each team that ``team_load_seen`` shows; and the deviations that this shows.

    Where no team shows any files, nobody is told how long one waits.

    Parameters
    ----------
    regions, load, load_seen : tables ``region_summary``, ``team_load`` and ``team_load_seen``.
    cells : as for ``with_stock_seen``. places : as ``solved.regions_of_teams`` gives it.
    areas : one row per postcode, with its region.
    """
    key = [name for name in REGION_SUMMARY.key if name in regions.columns]
    place = ["arbeidsmarktregio_nr", "law_domain"]
    moved = cells.loc[cells["movement"] == MOVES, ["pc4", "client_line", "team_to", "seen"]]
    moved = moved.merge(areas[["pc4", place[0]]], on="pc4").rename(
        columns={"client_line": "line", "team_to": "team_id"}
    )
    moved = moved.merge(load[["team_id", "law_domain"]].drop_duplicates(), on="team_id")
    moved = moved.merge(regions[key], on=place)
    moved = moved[(moved["client_line"] == ALL_LINES) | (moved["client_line"] == moved["line"])]
    seen = regions[key].merge(moved.groupby(key)["seen"].sum().reset_index(), on=key, how="left")["seen"]
    clients = small_counts.shown_counts(seen.fillna(0.0).to_numpy(dtype=np.float64))
    off = _deviations_seen(regions[key], load_seen, places)
    return regions[key].assign(
        clients_moved=pd.array(clients).astype("Int64"),
        waiting_months=_waiting_seen(regions[key], load, load_seen, places),
        mean_deviation=off["mean"],
        max_deviation=off["max"],
    )


def _deviations_seen(regions: pd.DataFrame, load_seen: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """``mean`` and ``max`` of the deviations, without sign, that the teams of each row of ``regions`` show."""
    layer = ["team_id", "law_domain", "client_line"]
    teams = places.merge(load_seen[[*layer, "deviation"]], on=layer)
    teams["deviation"] = teams["deviation"].abs()
    found = teams.groupby(list(regions.columns))["deviation"].agg(["mean", "max"]).reset_index()
    return regions.merge(found, on=list(regions.columns), how="left").set_axis(regions.index)


def _waiting_seen(
    regions: pd.DataFrame, load: pd.DataFrame, load_seen: pd.DataFrame, places: pd.DataFrame
) -> pd.Series:
    """Months beside each row of ``regions``: hours in files that are shown, over the capacity of its teams."""
    layer = ["team_id", "law_domain", "client_line"]
    hours = load_seen[[*layer, "files_held_hours_verzekeringsarts"]]
    teams = places.merge(load[[*layer, "capacity_hours_verzekeringsarts"]], on=layer).merge(hours, on=layer)
    columns = ["files_held_hours_verzekeringsarts", "capacity_hours_verzekeringsarts"]
    sums = teams.groupby(list(regions.columns))[columns].sum(min_count=1).reset_index()
    found = regions.merge(sums, on=list(regions.columns), how="left").set_axis(regions.index)
    capacity = found[columns[1]].where(found[columns[1]] > 0)
    return found[columns[0]] / (capacity / MONTHS_A_YEAR)


def team_network_seen(network: pd.DataFrame) -> pd.DataFrame:
    """Table ``team_network_seen``: clients of each partner, and shares of what is shown of the team and of the partner.

    The exact shares would tell the clients to the last digit. ``network``: as ``network.team_network`` makes it of work
    ``with_stock_seen``.
    """
    seen = network[["team_id", "kind", "provider"]].copy()
    seen["clients_per_year"] = small_counts.shown_counts(network["clients_per_year"].to_numpy(dtype=np.float64))
    for name, whole in (("team_share", ["team_id", "kind"]), ("provider_share", ["kind", "provider"])):
        seen[name] = seen["clients_per_year"] / seen.groupby(whole)["clients_per_year"].transform("sum")
    return seen


def ledger_seen(rows: pd.DataFrame, shown: pd.DataFrame, norms: pd.DataFrame) -> pd.DataFrame:
    """The ledger with files and inflow as readers see them, and hours made anew from these.

    Every count is the one that table ``team_ledger`` shows of the team, and 0 where it is hidden. Another rounding of
    the same files would tell, beside the first, what neither tells alone. So a team that has a product in two layers
    counts in neither: the table shows both together.

    Parameters
    ----------
    rows : as ``ledger.ledger`` gives it, of work ``with_stock_seen``. shown : as ``ledger_shown`` gives it.
    norms : as ``layers.work.product_norms`` gives it.
    """
    found = rows[_KEY].merge(shown, on=_KEY, how="left", validate="many_to_one").fillna(0.0)
    is_alone = ~rows.duplicated(_KEY, keep=False).to_numpy()
    counts = {name: np.where(is_alone, found[name], 0.0) for name in ("files_held", "inflow_clients")}
    table = _with_work(rows.assign(**counts), norms)
    norm = norms.loc[table["product"]].set_axis(table.index)
    structural = planned(table["inflow_clients"], table["stock_clients"], norm)
    return table.assign(structural_clients=structural, **_hours_of(structural, norm, "structural_"))


def _with_work(rows: pd.DataFrame, norms: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with planned clients and hours made anew of its inflow and files."""
    norm = norms.loc[rows["product"]].set_axis(rows.index)
    work = planned(rows["inflow_clients"], rows["files_held"], norm)
    return rows.assign(
        planned_clients=work,
        **_hours_of(work, norm),
        inflow_hours=rows["inflow_clients"] * norm["hours_verzekeringsarts"],
        held_hours=rows["files_held"] * norm["hours_verzekeringsarts"],
    )


def _hours_of(clients: pd.Series, norm: pd.DataFrame, prefix: str = "") -> dict[str, pd.Series]:
    """The hours of ``clients`` of each profession, by the name of their column."""
    return {f"{prefix}{name}": clients * norm[name] for name in ("hours_verzekeringsarts", "hours_other")}


def region_ledger_seen(
    rows: pd.DataFrame, ledger: pd.DataFrame, cells: pd.DataFrame, regions: pd.Series, norms: pd.DataFrame
) -> pd.DataFrame:
    """The ledger of each region as readers see it. What a team of several regions has is divided over them: its files
    as `transition` shows them in each, its inflow as it comes in there, in tenths.

    Parameters
    ----------
    rows : as ``region_capacity.region_ledger`` gives it. ledger : as ``ledger_seen`` gives it.
    cells, norms : as for ``with_stock_seen``. regions : region number, indexed by pc4.
    """
    key = [*LAYER, "product", "line"]
    place = ["team_id", "product", "region"]
    there = cells.assign(region=cells["pc4"].map(regions)).rename(columns={"team_to": "team_id"})
    weights = rows.merge(there.groupby(place)["seen"].sum().reset_index(), on=place, how="left").fillna({"seen": 0.0})
    tenths = weights.assign(inflow_clients=(10 * _part_of(weights, "inflow_clients", key)).round())
    found = rows[key].merge(ledger[[*key, "files_held", "inflow_clients"]], on=key, how="left")
    return _with_work(
        rows.assign(
            files_held=found["files_held"].to_numpy() * _part_of(weights, "seen", key),
            inflow_clients=found["inflow_clients"].to_numpy() * _part_of(tenths, "inflow_clients", key),
        ),
        norms,
    )


def _part_of(weights: pd.DataFrame, amount: str, key: list[str]) -> NDArray[np.float64]:
    """The part that each row has of its ``key``'s ``amount``; equal parts where there is none."""
    of = weights.groupby(key)[amount]
    total = of.transform("sum").to_numpy(dtype=np.float64)
    parts: NDArray[np.float64] = np.divide(
        weights[amount].to_numpy(dtype=np.float64), total, out=1.0 / of.transform("size").to_numpy(), where=total > 0
    )
    return parts


def line_outcomes_seen(table: pd.DataFrame) -> pd.DataFrame:
    """Table ``line_outcomes_seen``. ``table``: as ``finished.line_outcomes`` makes it of ``region_ledger_seen``
    and ``finished.with_plan_seen``."""
    clients, files, plan, done = (
        pd.Series(small_counts.shown_counts(table[name].to_numpy(dtype=np.float64)), index=table.index)
        for name in ("planned_clients", "files_held", "finished_planned_clients", "finished_clients")
    )
    asked = "asked_hours_verzekeringsarts"
    waits = {name: table[name].where(files.notna()) for name in ("waiting_months", "projected_waiting_months")}
    kept = table[[name for name in LINE_OUTCOMES.key if name in table.columns]]
    return kept.assign(
        planned_clients=clients,
        files_held=files.astype("Int64"),
        finished_planned_clients=plan,
        finished_clients=done,
        available_hours_verzekeringsarts=table["available_hours_verzekeringsarts"],
        lead_time_days=table["lead_time_days"].round(),
        **{asked: table[asked].where(clients.notna())},
        **waits,
    )


BALANCE = ("target_hours", "deviation")
OF_STOCK = ("stock_clients", "stock_hours_verzekeringsarts")
OF_WORK = ("clients_per_year", "hours_verzekeringsarts", "hours_other", "hours_low", "hours_high")
"""Columns of `team_load` by what readers must see some of to be told them: else by the files held."""


def load_seen(load: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Table ``team_load_seen``.

    Parameters
    ----------
    load : as ``team_load.team_load`` makes it of ``ledger_seen``, its interval too.
    exact : table ``team_load``, for the deviation from the target.
    """
    table = load[[c.name for c in TEAM_LOAD_SEEN.columns if c.name in load.columns]].copy()
    clients, stock, files = (
        pd.Series(small_counts.shown_counts(table[name].to_numpy(dtype=np.float64)), index=table.index)
        for name in (OF_WORK[0], OF_STOCK[0], "files_held")
    )
    target, deviation = table["target_hours"].to_numpy(np.float64), exact["deviation"].to_numpy(np.float64)
    table["target_hours"], table["deviation"] = small_counts.balance_shown(target, deviation)
    for column in TEAM_LOAD.columns:
        if column.is_seen_apart and column.name not in BALANCE:
            of = clients if column.name in OF_WORK else stock if column.name in OF_STOCK else files
            table[column.name] = table[column.name].where(of.notna())
    return table.assign(clients_per_year=clients, stock_clients=stock, files_held=files.astype("Int64"))
