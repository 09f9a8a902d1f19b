"""On which client line a counted client is served (R15, R16).

Belongs here: spreading counts of line ``alle`` over the lines, and the line of the Ziektewet. Does not belong here:
which team serves a line (``outcome.routing``), or whether a region divides its clients by line (``layers``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import CLIENT_LINES, values_of

VANGNET, WERKGEVER = CLIENT_LINES
ZW = "ZW"
EVEN = 1 / len(CLIENT_LINES)


def line_parts(counts: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The part of each product's clients of line ``alle`` that is served on the vangnetlijn, per region.

    The part follows the clients of that product and region whose line is counted; where none is, both lines get half.
    A product with one line has all its clients there. The stock counts as its readers know it
    (``small_counts.known_counts``): the part shows in every figure of a line, and would tell a small count (R14).

    Parameters
    ----------
    counts : product, client_line, rate_region, inflow_clients (a year) and known_stock (clients); stock_clients in its
        place in a plan of before that was kept.
    products : product and client_lines (``vangnet|werkgever``).

    Returns
    -------
    rate_region, product, vangnet_part (0 to 1); one row for every combination that ``counts`` has.
    """
    key = ["rate_region", "product"]
    clients = counts["inflow_clients"] + counts["known_stock" if "known_stock" in counts else "stock_clients"]
    places = [counts[name] for name in key]
    known = {line: clients.where(counts["client_line"] == line, 0.0).groupby(places).sum() for line in CLIENT_LINES}
    total = known[VANGNET] + known[WERKGEVER]
    parts = (known[VANGNET] / total.where(total > 0)).fillna(EVEN).rename("vangnet_part").reset_index()
    lines = parts["product"].map(products.set_index("product")["client_lines"].to_dict()).map(values_of)
    has = {line: np.array([line in served for served in lines]) for line in CLIENT_LINES}
    parts.loc[~has[WERKGEVER], "vangnet_part"] = 1.0
    parts.loc[~has[VANGNET], "vangnet_part"] = 0.0
    return parts


def vangnet_part(rows: pd.DataFrame, parts: pd.DataFrame) -> pd.Series:
    """The part (0 to 1) of each row's clients that is served on the vangnetlijn; the rest on the werkgeverslijn.

    Parameters
    ----------
    rows : product, law, client_line, rate_region. parts : as ``line_parts`` gives it.
    """
    index = pd.MultiIndex.from_frame(rows[["rate_region", "product"]])
    of_all = parts.set_index(["rate_region", "product"])["vangnet_part"].reindex(index).fillna(EVEN).to_numpy()
    line = rows["client_line"].to_numpy()
    part = np.where(line == VANGNET, 1.0, np.where(line == WERKGEVER, 0.0, of_all))
    # A ZW client has no employer: the team of the vangnetlijn serves every one, however counted (R16).
    return pd.Series(np.where(rows["law"] == ZW, 1.0, part), index=rows.index)


def by_line(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` once for each line that serves a part of their clients: ``line`` and ``part`` (above 0, at most 1)."""
    part = rows["vangnet_part"]
    both = [rows.assign(line=VANGNET, part=part), rows.assign(line=WERKGEVER, part=1.0 - part)]
    spread = pd.concat(both)
    return spread[spread["part"] > 0]
