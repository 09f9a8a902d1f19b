"""Totals of counts that readers see cell by cell: no total may tell what its cells hide (R14).

`small_counts` hides each count by itself. A reader knows more of a cell of `transition` that he sees empty: it is
there, so it counts at least 1, and at most 4. One total is rounded from its own sum, the files of a team and product in
`team_ledger`. Where it is as small as its cells allow, each of them is 1; where it is as large, each is 4. Then it is
taken one client further before it is rounded: what a reader sees holds for that total and for the next, and tells
neither. Two totals over the same cells would tell together what neither tells alone. So every other total is made of
what `transition` and `team_ledger` show (``clients_seen``), and tells nothing beside them.

Belongs here: these two rules, as SQL for the views and for tables in memory. Does not belong here: how one count is
shown (`small_counts`), what else is made of the cells (`outcome.seen`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.published_tables import TEAM_LEDGER, TRANSITION
from allocation.contract.schema import Table
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, SMALLEST_SHOWN_COUNT
from allocation.publication import small_counts

FILES = "files_held"
"""The column of `team_ledger` that sums cells of `transition`."""
OF_HIDDEN = 2.0
"""Clients that a hidden cell counts as where the ledger tells no more of it; it holds 1 to 4, more often few."""
_STEP, _HALF = SMALLEST_SHOWN_COUNT, SMALLEST_SHOWN_COUNT // 2

# --- SQL -------------------------------------------------------------------------------------------------------------

_ROUNDED = f"(c.clients + {_HALF}) / {_STEP} * {_STEP}"
_EXTREMES = f"""sum(CASE WHEN c.clients < {_STEP} THEN 1 WHEN c.clients < {_STEP + _HALF} THEN {_STEP}
           ELSE {_ROUNDED} - {_HALF} END) AS least,
       sum(CASE WHEN c.clients < {_STEP} THEN {_STEP - 1} ELSE {_ROUNDED} + {_HALF} END) AS most"""
_HIDES = f"HAVING min(c.clients) < {_STEP}"
_CELLS = f"""LEFT JOIN (
    SELECT c.version, c.team_to, c.product, l.line,
           sum(CASE c.client_line WHEN l.line THEN c.least ELSE 0 END) AS least, sum(c.most) AS most
    FROM (SELECT c.version, c.team_to, c.product, c.client_line, {_EXTREMES}, min(c.clients) AS fewest
          FROM transition_rows c WHERE {{published}}
          GROUP BY c.version, c.team_to, c.product, c.client_line) c
    JOIN (SELECT '{CLIENT_LINES[0]}' AS line UNION ALL SELECT '{CLIENT_LINES[1]}') l
      ON c.client_line IN (l.line, '{ALL_LINES}')
    GROUP BY c.version, c.team_to, c.product, l.line HAVING min(c.fewest) < {_STEP}
) k ON k.version = r.version AND k.team_to = r.team_id AND k.product = r.product AND k.line = r.client_line
LEFT JOIN (
    SELECT c.version, c.team_to, c.product, {_EXTREMES}
    FROM transition_rows c WHERE {{published}}
    GROUP BY c.version, c.team_to, c.product {_HIDES}
) b ON b.version = r.version AND b.team_to = r.team_id AND b.product = r.product
LEFT JOIN (
    SELECT c.version, c.team_id, c.product, c.client_line, sum(c.files_held) OVER own AS files_held,
           row_number() OVER (own ORDER BY c.files_held DESC, c.client_line) AS place
    FROM team_ledger_rows c WHERE {{published}}
    WINDOW own AS (PARTITION BY c.version, c.team_id, c.product)
) h ON h.version = r.version AND h.team_id = r.team_id AND h.product = r.product AND h.client_line = r.client_line"""
"""Which rows are joined follows from what readers see: EXPLAIN ANALYZE tells how many there were."""


def joined(published: str) -> str:
    """What the view of `team_ledger` joins as ``k``, ``b`` and ``h``: the extremes of its total. ``published``: keeps
    rows ``c`` of proposals out."""
    return _CELLS.format(published=published)


def as_sql(table: Table, name: str) -> str:
    """The SQL expression of a column of the rows ``r`` before it is rounded for readers."""
    if table is not TEAM_LEDGER or name != FILES:
        return f"r.{name}"
    least = f"r.{FILES} = k.least OR (h.place = 1 AND h.{FILES} = b.least)"
    most = f"r.{FILES} = k.most OR (h.place = 1 AND h.{FILES} = b.most)"
    return f"CASE WHEN {least} THEN r.{FILES} + 1 WHEN {most} THEN r.{FILES} - 1 ELSE r.{FILES} END"


# --- tables in memory ------------------------------------------------------------------------------------------------


def of_teams(ledger: pd.DataFrame, transition: pd.DataFrame) -> pd.DataFrame:
    """`team_ledger` with its files before they are rounded for readers.

    Files that were counted without a line lie in a cell of line `alle`, and count in a row of either line: in which,
    nobody is told. So a row is at least its own cells and at most those and these, and the rows of a product together
    are all its cells. Where that sum tells, the largest row is taken further.
    """
    name, of_product, key = FILES, ["team_id", "product"], ["team_id", "product", "client_line"]
    cells = _bounds(transition["clients"], transition.rename(columns={"team_to": "team_id"})[key])
    either = cells[cells["client_line"] == ALL_LINES].drop(columns="client_line")
    either = either.merge(pd.DataFrame({"client_line": CLIENT_LINES}), how="cross").assign(least=0)
    rows = _sums(pd.concat([cells, either]), key, ledger)
    whole = _sums(cells, of_product, ledger)
    sums = ledger.groupby(of_product)[name].transform("sum").to_numpy(dtype=np.int64)
    order = ledger.sort_values([name, "client_line"], ascending=[False, True], kind="stable")
    is_largest = (~order.duplicated(of_product)).reindex(ledger.index).to_numpy()
    files = ledger[name].to_numpy(dtype=np.int64)
    least = (files == rows["least"].to_numpy()) | (is_largest & (sums == whole["least"].to_numpy()))
    most = (files == rows["most"].to_numpy()) | (is_largest & (sums == whole["most"].to_numpy()))
    return ledger.assign(**{name: files + np.where(least, 1, np.where(most, -1, 0))})


def clients_seen(transition: pd.DataFrame, ledger: pd.DataFrame) -> NDArray[np.float64]:
    """The clients of each row of table `transition` as far as its readers know: what a row shows, and of a hidden one
    the mean of the hidden ones of its team and product.

    That mean is what `team_ledger` shows, less the rows that are shown, over the number of the others. It is at least
    1 and at most 4. ``ledger``: table `team_ledger`.
    """
    files = small_counts.shown(TEAM_LEDGER, of_teams(ledger, transition))[["team_id", "product", FILES]]
    key = ["team_id", "product"]
    cells = transition[["team_to", "product"]].set_axis(key, axis=1)
    cells = cells.assign(seen=small_counts.shown(TRANSITION, transition)["clients"].astype("float64"))
    cells["is_hidden"] = cells["seen"].isna()
    means = cells.groupby(key).agg(seen=("seen", "sum"), hidden=("is_hidden", "sum"))
    whole = files.astype({FILES: "float64"}).groupby(key)[FILES].sum(min_count=1).reindex(means.index)
    means["mean"] = (whole - means["seen"]) / means["hidden"].where(means["hidden"] > 0)
    means["mean"] = means["mean"].clip(1, SMALLEST_SHOWN_COUNT - 1).fillna(OF_HIDDEN)
    mean = cells[key].merge(means["mean"].reset_index(), on=key, how="left")["mean"].set_axis(cells.index)
    return cells["seen"].fillna(mean.fillna(OF_HIDDEN)).to_numpy(dtype=np.float64)


def _bounds(counts: pd.Series, key: pd.DataFrame) -> pd.DataFrame:
    """``key`` of every cell, the least and the most clients that it has to a reader, and whether it is hidden."""
    clients = counts.to_numpy(dtype=np.int64)
    is_hidden, rounded = clients < _STEP, (clients + _HALF) // _STEP * _STEP
    return key.assign(
        least=np.where(is_hidden, 1, np.maximum(rounded - _HALF, _STEP)),
        most=np.where(is_hidden, _STEP - 1, rounded + _HALF),
        hides=is_hidden,
    )


def _sums(bounds: pd.DataFrame, key: list[str], totals: pd.DataFrame) -> pd.DataFrame:
    """Beside each row of ``totals`` the sums of its ``bounds``; missing where none of its cells is hidden."""
    sums = bounds.groupby(key, as_index=False).agg(least=("least", "sum"), most=("most", "sum"), hides=("hides", "any"))
    return totals[key].merge(sums[sums["hides"]], on=key, how="left")
