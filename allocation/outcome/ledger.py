"""What each team gets and holds: the one sum over routing (new clients) and files (existing ones) (R20).

Every figure about a team follows from the rows made here. With, per product, I the inflow a year that is routed to the
team, s the planned share of the stock, F the files that the team holds after the transition, A the files in its area,
h the hours of a client:

    first year  = (I + s F) h        structural = (I + s A) h        held = F h

Belongs here: those sums. Does not belong here: who gets a client (`routing`), who holds a file (`layers.holding`,
`transition`), or what a figure means for waiting (`waiting`) and month by month (`runoff`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, ZW_WIA
from allocation.demand.lines import by_line
from allocation.layers.holding import SEGMENT, segment_shares
from allocation.layers.work import SPECIAL, served_by
from allocation.outcome.solved import Solved

LAYER = ["team_id", "law_domain", "layer_line"]
"""A row of ``team_load``: a team in a law domain and client line (``vangnet``, ``werkgever`` or ``alle``)."""


def routed_work(work: pd.DataFrame, routing: pd.DataFrame, config: Config) -> pd.DataFrame:
    """The expected work, routed: every row of ``work`` once per line and team, with the team's ``share`` of it.

    Central products are left out. Amounts are those of the whole row of ``work``; a team gets ``share`` times that.

    Parameters
    ----------
    work : as ``demand.expected.expected_work`` gives it. routing : table ``routing``.

    Returns
    -------
    The columns of ``work``, and team_id, line (that serves the client), serves (``layers.work.served_by``) and share.
    """
    rows = work[~work["is_central"]]
    rows = by_line(rows.assign(serves=served_by(rows, config)))
    routed = rows.merge(segment_shares(routing), on=SEGMENT, how="left", validate="many_to_many")
    if routed["team_id"].isna().any():
        raise ValueError(f"routing names no team for {routed.loc[routed['team_id'].isna(), SEGMENT].iloc[0].to_dict()}")
    return routed.assign(share=routed["part"] * routed["share"]).drop(columns="part")


def layers_of_teams(solved: Sequence[Solved]) -> dict[tuple[str, str], frozenset[str]]:
    """The client lines of the layers in which each team has a place: (team_id, law domain) -> lines, ``alle`` too."""
    lines: dict[tuple[str, str], set[str]] = {}
    for one in solved:
        for team in one.layer.problem.team_ids:
            lines.setdefault((team, one.layer.law_domain), set()).add(one.layer.client_line)
    return {key: frozenset(found) for key, found in lines.items()}


def with_layer(rows: pd.DataFrame, lines: dict[tuple[str, str], frozenset[str]]) -> pd.DataFrame:
    """``rows`` (team_id, serves, line) with the layer of the team that they count for: law_domain and layer_line.

    A special team has one layer, ``alle``. Files of a line on which a team no longer divides areas count in the layer
    that it still has.
    """
    cases = rows[["team_id", "serves", "line"]].drop_duplicates()
    domain = [ZW_WIA if serves == SPECIAL else serves for serves in cases["serves"]]
    layer = [
        _layer_line(lines.get((team, serves), frozenset()), line)
        for team, serves, line in cases.itertuples(index=False, name=None)
    ]
    cases = cases.assign(law_domain=domain, layer_line=layer)
    return rows.merge(cases, on=["team_id", "serves", "line"])


def _layer_line(lines: frozenset[str], line: str) -> str:
    if not lines or ALL_LINES in lines:
        return ALL_LINES
    return line if line in lines else min(lines)


def planned(inflow: pd.Series, files: pd.Series, norm: pd.DataFrame) -> pd.Series:
    """Clients a year that are planned for (R20): the inflow, and of the files the planned share of their product.

    ``norm``: of ``layers.work.product_norms``, a row for each row of the others.
    """
    return inflow + norm["planned_stock_share"] * files


def ledger(
    routed: pd.DataFrame,
    files: pd.DataFrame,
    norms: pd.DataFrame,
    solved: Sequence[Solved],
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """What every team gets and holds, per layer, product and line that serves the client.

    Parameters
    ----------
    routed : as ``routed_work`` gives it. files : as ``transition.placed_files`` gives it.
    norms : as ``layers.work.product_norms`` gives it.
    by : further columns of both to tell apart, such as the region of the postcode.

    Returns
    -------
    LAYER, product, line, ``by``, and

    - ``files_held``: files after the transition, clients; ``inflow_clients``: routed, clients a year;
    - ``planned_clients``: inflow + planned share x files held; ``structural_clients``: the same with files in the area;
    - ``stock_clients``: files in the area, clients;
    - ``hours_verzekeringsarts``, ``hours_other``: of the planned clients, hours a year (first year);
      ``structural_hours_verzekeringsarts``, ``structural_hours_other``: of the structural clients;
    - ``inflow_hours``: verzekeringsarts hours a year of the inflow; ``held_hours``, ``stock_hours``: verzekeringsarts
      hours in all files held, and in the area.
    """
    lines = layers_of_teams(solved)
    key = [*LAYER, "product", "line", *by]
    amounts = ["inflow_clients", "stock_clients"]
    weighted = routed[["team_id", "serves", "line", "product", *by]].assign(
        **{name: routed[name] * routed["share"] for name in amounts}
    )
    coming = with_layer(weighted, lines).groupby(key)[amounts].sum()
    held = files[~files["is_central"]].drop(columns="team_id").rename(columns={"team_to": "team_id"})
    files_held: pd.Series = with_layer(held, lines).groupby(key)["clients"].sum()
    table = coming.join(files_held.rename("files_held"), how="outer").fillna(0.0).reset_index()
    norm = norms.loc[table["product"]].reset_index(drop=True)
    hours, other = norm["hours_verzekeringsarts"], norm["hours_other"]
    table["planned_clients"] = planned(table["inflow_clients"], table["files_held"], norm)
    table["structural_clients"] = planned(table["inflow_clients"], table["stock_clients"], norm)
    table["priority"] = norm["priority"]
    return table.assign(
        hours_verzekeringsarts=table["planned_clients"] * hours,
        hours_other=table["planned_clients"] * other,
        structural_hours_verzekeringsarts=table["structural_clients"] * hours,
        structural_hours_other=table["structural_clients"] * other,
        inflow_hours=table["inflow_clients"] * hours,
        held_hours=table["files_held"] * hours,
        stock_hours=table["stock_clients"] * hours,
    ).sort_values(key, ignore_index=True)


def team_ledger(rows: pd.DataFrame) -> pd.DataFrame:
    """Table ``team_ledger``: one row per team, product and line that serves the client; ``rows``: of ``ledger``."""
    amounts = ["files_held", "inflow_clients", "planned_clients", "hours_verzekeringsarts", "hours_other"]
    table = rows.rename(columns={"line": "client_line"})
    table = table.groupby(["team_id", "product", "client_line"])[amounts].sum().reset_index()
    return table.astype({"files_held": "int64"})
