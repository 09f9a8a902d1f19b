"""Totals of counts that readers see cell by cell: no total may tell what its cells hide (R14).

`small_counts` hides each count by itself. A reader knows more of a cell of `transition` that he sees empty: it is
there, so it counts at least 1, and at most 4. Where the total is as small as its cells allow, each of them is 1; where
it is as large, each is 4. Such a total is taken one client further before it is rounded: then what a reader sees holds
for that total and for the next, and tells neither. What readers see of all files of a team is not rounded from their
sum at all (`outcome.seen`).

Belongs here: which totals these are, and the two rules, as SQL for the views and for tables in memory. Does not belong
here: how one count is shown (`small_counts`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocation.contract.published_tables import REGION_SUMMARY, TEAM_LEDGER
from allocation.contract.schema import Table
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, SMALLEST_SHOWN_COUNT

TOTAL_OF = {TEAM_LEDGER.name: "files_held", REGION_SUMMARY.name: "clients_moved"}
"""The column of each published table that sums cells of `transition`."""
REGION = "arbeidsmarktregio_nr"
_MOVES = "verhuist"
_STEP, _HALF = SMALLEST_SHOWN_COUNT, SMALLEST_SHOWN_COUNT // 2

# --- SQL -------------------------------------------------------------------------------------------------------------

_ROUNDED = f"(c.clients + {_HALF}) / {_STEP} * {_STEP}"
_EXTREMES = f"""sum(CASE WHEN c.clients < {_STEP} THEN 1 WHEN c.clients < {_STEP + _HALF} THEN {_STEP}
           ELSE {_ROUNDED} - {_HALF} END) AS least,
       sum(CASE WHEN c.clients < {_STEP} THEN {_STEP - 1} ELSE {_ROUNDED} + {_HALF} END) AS most"""
_HIDES = f"HAVING min(c.clients) < {_STEP}"
_CELLS = {
    TEAM_LEDGER.name: f"""LEFT JOIN (
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
) h ON h.place = 1 AND h.version = r.version AND h.team_id = r.team_id AND h.product = r.product
   AND h.client_line = r.client_line""",
    REGION_SUMMARY.name: f"""LEFT JOIN (
    SELECT c.version, b.{REGION}, d.law_domain, s.client_line, sum(c.least) AS least, sum(c.most) AS most
    FROM (SELECT c.version, c.pc4, c.team_to, c.client_line, {_EXTREMES}, min(c.clients) AS fewest
          FROM transition_rows c WHERE {{published}} AND c.movement = '{_MOVES}'
          GROUP BY c.version, c.pc4, c.team_to, c.client_line) c
    JOIN versions w ON w.version = c.version
    JOIN boundary_areas b ON b.boundary_set = w.boundary_set AND b.pc4 = c.pc4
    JOIN (SELECT DISTINCT c.version, c.team_id, c.law_domain FROM team_load_rows c WHERE {{published}}) d
      ON d.version = c.version AND d.team_id = c.team_to
    JOIN (SELECT c.version, c.{REGION}, c.law_domain, c.client_line FROM region_summary_rows c WHERE {{published}}) s
      ON s.version = c.version AND s.{REGION} = b.{REGION} AND s.law_domain = d.law_domain
     AND s.client_line IN ('{ALL_LINES}', c.client_line)
    GROUP BY c.version, b.{REGION}, d.law_domain, s.client_line HAVING min(c.fewest) < {_STEP}
) k ON k.version = r.version AND k.{REGION} = r.{REGION} AND k.law_domain = r.law_domain
   AND k.client_line = r.client_line""",
}


def joined(table: Table, published: str) -> str:
    """What the view of ``table`` joins as ``k``: the extremes of its total. ``published``: keeps rows ``c`` of
    proposals out. Empty where no column is such a total."""
    return _CELLS.get(table.name, "").format(published=published)


def as_sql(table: Table, name: str) -> str:
    """The SQL expression of a column of the rows ``r`` before it is rounded for readers."""
    if TOTAL_OF.get(table.name) != name:
        return f"r.{name}"
    least, most = f"r.{name} = k.least", f"r.{name} = k.most"
    if table is TEAM_LEDGER:
        least, most = f"{least} OR h.{name} = b.least", f"{most} OR h.{name} = b.most"
    return f"CASE WHEN {least} THEN r.{name} + 1 WHEN {most} THEN r.{name} - 1 ELSE r.{name} END"


# --- tables in memory ------------------------------------------------------------------------------------------------


def of_teams(ledger: pd.DataFrame, transition: pd.DataFrame) -> pd.DataFrame:
    """`team_ledger` with its files before they are rounded for readers.

    Files that were counted without a line lie in a cell of line `alle`, and count in a row of either line: in which,
    nobody is told. So a row is at least its own cells and at most those and these, and the rows of a product together
    are all its cells. Where that sum tells, the largest row is taken further.
    """
    name, of_product, key = TOTAL_OF[TEAM_LEDGER.name], ["team_id", "product"], ["team_id", "product", "client_line"]
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


def of_regions(
    regions: pd.DataFrame, transition: pd.DataFrame, load: pd.DataFrame, region_of: Mapping[str, int]
) -> pd.DataFrame:
    """`region_summary` with the clients that move before they are rounded for readers. ``load``: `team_load`;
    ``region_of``: the region of each postcode."""
    moved = transition.loc[transition["movement"] == _MOVES, ["pc4", "client_line", "team_to", "clients"]]
    moved = moved.assign(**{REGION: moved["pc4"].map(region_of)}).rename(columns={"client_line": "line"})
    domains = load[["team_id", "law_domain"]].drop_duplicates().rename(columns={"team_id": "team_to"})
    place = [REGION, "law_domain"]
    cells = moved.merge(domains, on="team_to").merge(regions[[*place, "client_line"]], on=place)
    cells = cells[(cells["client_line"] == ALL_LINES) | (cells["client_line"] == cells["line"])]
    return _taken_further(regions, TOTAL_OF[REGION_SUMMARY.name], cells, [*place, "client_line"])


def total(clients: pd.Series) -> int:
    """The total of cells, by the ``clients`` of each, before it is rounded for readers: of all that move, of a reason,
    of a division of UWV."""
    cells = pd.DataFrame({"clients": clients.to_numpy(), "all": 0})
    sums = pd.DataFrame({"total": [int(clients.sum())], "all": 0})
    return int(_taken_further(sums, "total", cells, ["all"])["total"].iloc[0])


def _taken_further(totals: pd.DataFrame, name: str, cells: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """``totals`` with its column ``name`` before it is rounded for readers; ``cells``: ``key`` and the clients of every
    cell below."""
    found = _sums(_bounds(cells["clients"], cells[key]), key, totals)
    further = totals[name].to_numpy(dtype=np.int64).copy()
    further += np.where(further == found["least"].to_numpy(), 1, np.where(further == found["most"].to_numpy(), -1, 0))
    return totals.assign(**{name: further})


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
