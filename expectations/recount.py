"""The work of every team counted a second time, the slow and obvious way, from routing, files and stock.

The load of a team must be the work that is routed to it and the files that it holds, and nothing else. Four sums are
made again and must agree to the client and within 1e-6 hours:

    the demand of each problem = the work that is routed to the teams of its layer
    the load of each team      = the lines of its ledger, and these = routed inflow and files held
    the transition             = the stock, and what `files` says of each of its rows
    the routing                = whole for every client segment (rule `routing_total` of `outcome`)

Belongs here: these rules and the tables that they read. Nothing is computed with the code that made the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, REGULAR_GROUP
from expectations.rules import ROUNDING, Rule

VANGNET, WERKGEVER = CLIENT_LINES
SEGMENT = ["pc4", "client_group", "pw_client", "law", "line"]


def segment_work(work: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The expected work per client segment and product: SEGMENT, product, clients, hours, inflow (a year).

    Counts of ``alle`` follow the lines that the product has, in proportion to the counts of product and region whose
    line is known, of the stock as its readers know it (``known_stock``); else evenly. The Ziektewet is served on the
    vangnetlijn. Central products are left out.

    Parameters
    ----------
    work : the run's expected work. products : product and client_lines (any text that holds the lines).
    """
    mine = work[~work["is_central"]].reset_index(drop=True)
    counted = mine.assign(counted=mine["inflow_clients"] + mine["known_stock"])
    by_line = counted.groupby(["rate_region", "product", "client_line"])["counted"].sum().reset_index()
    known: dict[tuple[str, str], dict[str, float]] = {}
    for row in _rows(by_line):
        if row.client_line != ALL_LINES:
            of_lines = known.setdefault((row.rate_region, row.product), dict.fromkeys(CLIENT_LINES, 0.0))
            of_lines[row.client_line] = row.counted
    has = {row.product: [line for line in CLIENT_LINES if line in row.client_lines] for row in _rows(products)}
    decides = ["law", "client_line", "product", "rate_region"]
    part = {
        tuple(row): _vangnet_part(row.law, row.client_line, has[row.product], known.get((row.rate_region, row.product)))
        for row in _rows(mine[decides].drop_duplicates())
    }
    vangnet = pd.Series(mine.set_index(decides).index.map(part), index=mine.index, dtype="float64")
    frames = [mine.assign(line=VANGNET, part=vangnet), mine.assign(line=WERKGEVER, part=1.0 - vangnet)]
    both = pd.concat(frames, ignore_index=True)
    both = both[both["part"] > 0]
    both = both.assign(
        clients=both["planned_clients"] * both["part"],
        hours=both["hours_verzekeringsarts"] * both["part"],
        inflow=both["inflow_clients"] * both["part"],
    )
    key = [*SEGMENT, "product"]
    return both.groupby(key)[["clients", "hours", "inflow"]].sum().reset_index()


def _rows(frame: pd.DataFrame) -> Any:
    return frame.itertuples(index=False)


def _vangnet_part(law: str, line: str, lines: list[str], known: dict[str, float] | None) -> float:
    if law == "ZW" or line == VANGNET or (line == ALL_LINES and lines == [VANGNET]):
        return 1.0
    if line == WERKGEVER or lines == [WERKGEVER]:
        return 0.0
    total = sum(known.values()) if known else 0.0
    return known[VANGNET] / total if known and total > 0 else 0.5


def divided(rows: pd.DataFrame, config: Mapping[str, Any]) -> pd.Series:
    """Which rows (client_group, pw_client) are divided by postcode: all but special groups; of these the PW clients
    too, unless the special teams come first (R4, R5)."""
    regular = rows["client_group"] == REGULAR_GROUP
    return regular | (rows["pw_client"].astype(bool) & (not config["special_first"]))


def law_domain(rows: pd.DataFrame) -> pd.Series:
    """``pw`` for a PW client, whatever the law of the file, else ``zw_wia``."""
    return pd.Series(np.where(rows["pw_client"].astype(bool), "pw", "zw_wia"), index=rows.index, dtype=object)


ROUTED = """select w.*, r.team_id, r.share from segment_work as w join
  (select pc4, client_group, pw_client, law, client_line as line, team_id, sum(share) as share from routing
   group by 1, 2, 3, 4, 5, 6) as r using (pc4, client_group, pw_client, law, line)"""
"""Every piece of work with each team that routing gives it to, and that team's share."""

RECOUNT = (
    Rule(
        "demand_is_routed", "problem_demand", "demand", "critical",
        "the demand of a problem is not the work that is routed to the teams of its layer",
        "de vraag van een probleem is niet het werk dat naar de teams van die laag gaat",
        f"""with routed as ({ROUTED}),
            of_layer as (select m.layer, x.pc4, sum(x.hours * x.share) as hours
                         from routed as x join layer_team as m on m.team_id = x.team_id
                          and m.law_domain = case x.pw_client when 1 then 'pw' else 'zw_wia' end
                          and m.client_line in (x.line, '{ALL_LINES}')
                         group by 1, 2)
            select d.layer, d.pc4, d.demand, coalesce(o.hours, 0) as routed
            from problem_demand as d left join of_layer as o using (layer, pc4) cross join run as r
            where r.balance = 'load' and abs(d.demand - coalesce(o.hours, 0)) > {ROUNDING} * (1 + d.demand)""",
    ),
    Rule(
        "load_is_routed", "team_load", "hours_verzekeringsarts", "critical",
        "the structural hours of a team are not the work that is routed to it",
        "de structurele uren van een team zijn niet het werk dat naar dat team gaat",
        f"""with routed as ({ROUTED}),
            counted as (select team_id, sum(hours * share) as hours, sum(clients * share) as clients
                        from routed group by 1),
            load as (select team_id, sum(hours_verzekeringsarts) as hours, sum(clients_per_year) as clients
                     from team_load group by 1)
            select l.team_id, l.hours, coalesce(c.hours, 0) as routed, l.clients,
                   coalesce(c.clients, 0) as clients_routed
            from load as l left join counted as c using (team_id)
            where abs(l.hours - coalesce(c.hours, 0)) > {ROUNDING} * (1 + l.hours)
               or abs(l.clients - coalesce(c.clients, 0)) > {ROUNDING} * (1 + l.clients)""",
    ),
    Rule(
        "ledger_inflow", "team_ledger", "inflow_clients", "critical",
        "the inflow in a team's ledger is not what is routed to it",
        "de instroom in het overzicht van een team is niet wat naar dat team gaat",
        f"""with routed as ({ROUTED}),
            amounts as (select team_id, product, line as client_line, inflow * share as clients from routed
                     union all select team_id, product, client_line, -inflow_clients from team_ledger)
            select team_id, product, client_line, round(sum(clients), 6) as difference
            from amounts group by 1, 2, 3 having abs(sum(clients)) > {ROUNDING} * (1 + sum(abs(clients)))""",
    ),
    Rule(
        "ledger_files", "team_ledger", "files_held", "critical",
        "the files in a team's ledger are not those that it has after the transition",
        "de dossiers in het overzicht van een team zijn niet die van de overgang",
        """with amounts as (select x.team_to as team_id, x.product, x.clients
                         from transition as x join products as p using (product) where not p.is_central
                         union all select team_id, product, -files_held from team_ledger)
           select team_id, product, sum(clients) as difference from amounts group by 1, 2 having sum(clients) <> 0""",
    ),
    Rule(
        "ledger_plan", "team_ledger", "hours_verzekeringsarts", "critical",
        "the planned clients or hours in a team's ledger do not follow from inflow and files held",
        "de geplande cliënten of uren in het overzicht van een team volgen niet uit instroom en dossiers",
        f"""select l.team_id, l.product, l.client_line, l.planned_clients, l.hours_verzekeringsarts
            from team_ledger as l join products as p using (product)
            where abs(l.planned_clients - (l.inflow_clients + p.planned_stock_share * l.files_held))
                    > {ROUNDING} * (1 + l.planned_clients)
               or abs(l.hours_verzekeringsarts - l.planned_clients * p.hours_verzekeringsarts * p.hours_factor)
                    > {ROUNDING} * (1 + l.hours_verzekeringsarts)""",
    ),
    Rule(
        "load_is_ledger", "team_load", "files_held", "critical",
        "the files or the first-year hours of a team are not those of its ledger",
        "de dossiers of de uren van het eerste jaar van een team zijn niet die van zijn overzicht",
        f"""with load as (select team_id, sum(files_held) as files, sum(first_year_hours_verzekeringsarts) as hours,
                                 sum(first_year_hours_other) as other from team_load group by 1),
            ledger as (select team_id, sum(files_held) as files, sum(hours_verzekeringsarts) as hours,
                              sum(hours_other) as other from team_ledger group by 1)
            select l.team_id, l.files, coalesce(b.files, 0) as files_in_ledger, l.hours,
                   coalesce(b.hours, 0) as hours_in_ledger
            from load as l left join ledger as b using (team_id)
            where l.files <> coalesce(b.files, 0) or abs(l.hours - coalesce(b.hours, 0)) > {ROUNDING} * (1 + l.hours)
               or abs(l.other - coalesce(b.other, 0)) > {ROUNDING} * (1 + l.other)""",
    ),
    Rule(
        "every_holder_has_a_load", "team_ledger", "team_id", "critical",
        "a team with work or files has no load", "een team met werk of dossiers heeft geen belasting",
        """select distinct team_id from team_ledger
           where team_id not in (select team_id from team_load) and (files_held > 0 or inflow_clients > 0)""",
    ),
    Rule(
        "files_say_so", "transition", "team_to", "critical",
        "the table of files says otherwise of where a file goes",
        "de tabel van dossiers zegt iets anders over waar een dossier heen gaat",
        f"""with held as (select row_number() over () as asked, * from transition),
            asked as (select x.*, p.law, n.client_line as line
                           from held as x join products as p using (product)
                           join line as n on x.client_line in (n.client_line, '{ALL_LINES}')
                           where not p.is_central),
            exact as (select a.asked, a.line, f.team_to from asked as a join files as f
                        on f.team_from = a.team_from and f.pc4 = a.pc4 and f.law = a.law and f.client_line = a.line
                       and f.client_group = a.client_group and f.pw_client = a.pw_client),
            wide as (select a.asked, a.line, f.team_to from asked as a join files as f
                       on f.team_from = coalesce(a.team_from, '*') and f.pc4 = '*' and f.law = a.law
                      and f.client_line = a.line and f.client_group = a.client_group and f.pw_client = a.pw_client),
            said as (select a.asked, a.pc4, a.law, a.line, a.client_group, a.pw_client, a.team_to,
                            coalesce(e.team_to, w.team_to) as says
                     from asked as a left join exact as e using (asked, line) left join wide as w using (asked, line)),
            agrees as (select s.asked from said as s where s.says = s.team_to
                       union select s.asked from said as s join routing as r
                         on s.says = '*' and r.pc4 = s.pc4 and r.law = s.law and r.client_line = s.line
                        and r.client_group = s.client_group and r.pw_client = s.pw_client and r.team_id = s.team_to)
            select x.pc4, x.product, x.client_line, x.client_group, x.team_from, x.team_to
            from held as x join products as p using (product)
            where not p.is_central and x.asked not in (select asked from agrees)""",
    ),
)  # fmt: skip
