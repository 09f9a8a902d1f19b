"""Which work loads the teams of a layer, in hours, and what hours the teams have.

Belongs here: who serves a client by group, law and line alone. Does not belong here: which team has the postcode
(``outcome.routing``), or who holds a file (``holding``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CENTRAL, MONTHS_A_YEAR, PW, REGULAR_GROUP, ZW_WIA
from allocation.demand.lines import VANGNET

SPECIAL = "bijzonder"
"""Who serves: the special team of a group; beside it the law domains ``zw_wia`` and ``pw`` that are divided by
postcode."""


def served_by(rows: pd.DataFrame, config: Config) -> pd.Series:
    """Who serves each row's clients: ``bijzonder``, ``pw`` or ``zw_wia`` (R4, R5).

    A PW client has all files with the PW team, whatever their law; in a special group the setting ``special_first``
    decides.

    Parameters
    ----------
    rows : client_group (text), pw_client (boolean).
    """
    regular, pw = rows["client_group"].eq(REGULAR_GROUP), rows["pw_client"].astype(bool)
    special = ~regular & (~pw | config.special_first)
    kinds = np.array([ZW_WIA, PW, SPECIAL], dtype=object)  # picked by number: making texts of each row takes long
    return pd.Series(kinds[np.where(special, 2, np.where(pw, 1, 0))], index=rows.index, dtype=object)


def layer_work(
    work: pd.DataFrame, domain: str, line: str, config: Config, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """The rows of ``work`` that load the teams of a layer, with amounts for the part that is served on its line.

    Special groups (R4) and central products (R11) are left out. Line ``alle`` has both lines.

    Parameters
    ----------
    work : as ``demand.expected.expected_work`` gives it. columns : what is asked of it; None: every column.
    """
    mine = (served_by(work, config) == domain) & ~work["is_central"]
    asked = work.columns if columns is None else list(columns)
    if line == ALL_LINES:
        return work.loc[mine, asked]
    part = work["vangnet_part"] if line == VANGNET else 1.0 - work["vangnet_part"]
    mine &= part > 0
    rows, part = work.loc[mine, asked], part[mine]
    amounts = rows.select_dtypes("number").columns.difference(["priority", "vangnet_part"])
    return rows.assign(**{name: rows[name] * part for name in amounts})


def rate_hours(teams: pd.DataFrame, config: Config) -> pd.DataFrame:
    """``verzekeringsarts`` and ``other`` hours of each row of ``teams`` in a whole year as it is (R12).

    FTE x productive hours x productivity.

    Parameters
    ----------
    teams : fte_verzekeringsarts, fte_other, productivity.
    """
    hours = config.work.productive_hours_per_fte * teams["productivity"]
    return pd.DataFrame(
        {"verzekeringsarts": teams["fte_verzekeringsarts"] * hours, "other": teams["fte_other"] * hours}
    )


def capacity_hours(teams: pd.DataFrame, day: date, config: Config) -> pd.DataFrame:
    """Hours that each team has in the year from ``day``, of ``rate_hours``.

    A team with several periods in that year, or one that ends within it, has the hours of the months that it works.

    Parameters
    ----------
    teams : every period of every team: team_id, fte_verzekeringsarts, fte_other, productivity, valid_from, valid_to.

    Returns
    -------
    Indexed by team_id: ``verzekeringsarts`` and ``other``, hours a year.
    """
    first = pd.Timestamp(day)
    part = _part_at_work(teams, first, first + pd.DateOffset(years=1))
    both = rate_hours(teams, config).mul(part, axis=0).assign(team_id=teams["team_id"])
    return both.groupby("team_id")[["verzekeringsarts", "other"]].sum()


def monthly_capacity(teams: pd.DataFrame, day: date, config: Config, months: int) -> pd.DataFrame:
    """Verzekeringsarts hours of each team in each of the ``months`` from ``day``: indexed by team_id, columns 1, 2, ...

    A twelfth of ``rate_hours`` for each month, of the days of it on which the team works.
    """
    starts = [pd.Timestamp(day) + pd.DateOffset(months=number) for number in range(months + 1)]
    rate = rate_hours(teams, config)["verzekeringsarts"] / MONTHS_A_YEAR
    table = {
        number: rate * _part_at_work(teams, *ends) for number, ends in enumerate(pairwise(starts), start=1)
    }  # fmt: skip
    return pd.DataFrame(table).groupby(teams["team_id"]).sum()


def _part_at_work(teams: pd.DataFrame, first: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    """The part of the days from ``first`` to ``end`` (not included) that lie in each period of ``teams``."""
    begins = teams["valid_from"].where(teams["valid_from"] > first, first)
    after = teams["valid_to"] + pd.Timedelta(days=1)
    ends = after.where(after < end, end)
    return ((ends - begins).dt.days / (end - first).days).clip(lower=0.0)


def product_norms(products: pd.DataFrame, config: Config) -> pd.DataFrame:
    """What one client of each product takes, as the settings have it.

    Returns
    -------
    Indexed by product: law, ``hours_verzekeringsarts`` and ``hours_other`` (a client), ``planned_stock_share``
    (0 to 1), priority, is_central.
    """
    factor = products["product"].map(config.work.hours_factor).fillna(config.work.hours_factor.get("*", 1.0))
    factor = factor.astype("float64")
    norms = products[["product", "law", "planned_stock_share", "priority"]].assign(
        hours_verzekeringsarts=products["hours_verzekeringsarts"] * factor,
        hours_other=products["hours_other"] * factor,
        is_central=products["handled_by"].eq(CENTRAL).fillna(False).astype(bool),
    )
    return norms.set_index("product")


def recurring_products(inflow: pd.DataFrame, stock: pd.DataFrame) -> frozenset[str]:
    """Products with files in stock of which nobody ever came in: work that comes back every year, such as monitoring.

    Its files are no queue and are never closed. A product of which clients did come in, and no more are expected, is
    none.

    Parameters
    ----------
    inflow, stock : the tables of the input: product and clients.
    """
    came = inflow.loc[inflow["clients"] > 0, "product"].unique()
    return frozenset(stock.loc[stock["clients"] > 0, "product"].unique()) - frozenset(came)
