"""What is expected of the outcome before it may be published.

Everything is counted again from the published tables, the inputs, the boundaries and the layers' neighbours, with
nothing of the code that made the outcome.

Belongs here: rules on the published tables. Does not belong here: how a rule is run (``engine``), and what follows from
a declaration (``declared``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract import published_tables, vocabulary
from expectations import facts, network, recount
from expectations.rules import Declared, Rule, Suites

ADDED_BY_PUBLICATION = frozenset({"version", "valid_from", "valid_to"})
MOVED_SHARE = 0.25
"""Part of the clients who have a team that moves, in the country or a region, from which a person should look."""
OVERLOADED = 1.2
"""Work of the other professions against their capacity from which a person should look (R23)."""
ROUNDING = 1e-6
BROKEN_AREAS = frozenset({"pieces", "empty"})
"""Kinds of violation, as the solver names them, of a team whose area does not hang together or is absent."""

FILES = {
    "allocation": published_tables.ALLOCATION,
    "routing": published_tables.ROUTING,
    "allocation_reason": published_tables.ALLOCATION_REASON,
    "team_load": published_tables.TEAM_LOAD,
    "allocation_changes": published_tables.ALLOCATION_CHANGES,
    "transition": published_tables.TRANSITION,
    "region_summary": published_tables.REGION_SUMMARY,
    "expected": published_tables.EXPECTED,
    "teams": published_tables.TEAM,
    "files": published_tables.FILES,
    "team_ledger": published_tables.TEAM_LEDGER,
    "line_outcomes": published_tables.LINE_OUTCOMES,
    "capacity_advice": published_tables.CAPACITY_ADVICE,
    "handover_advice": published_tables.HANDOVER_ADVICE,
    "verzuimbeheer_routing": published_tables.VERZUIMBEHEER_ROUTING,
    "team_network": published_tables.TEAM_NETWORK,
}
"""The tables of the folder ``outcome`` and what declares them. ``runs`` is written with the version itself."""
BESIDE = ("norm_estimates",)
"""Further tables of that folder that rules look at; an older run does not have them."""
NO_ESTIMATES = pd.DataFrame(
    columns=["kind", "team_id", "product", "in_use", "estimate", "low", "high", "clients", "disagrees"], dtype=object
)


def suites(run: facts.OutcomeFacts) -> Suites:
    """The suites of the second gate."""
    found = {name: run.tables[name] for name in FILES if name in run.tables}
    missing = [name for name in FILES if name not in found]
    declared = [Declared(FILES[name], frame, ADDED_BY_PUBLICATION, name) for name, frame in found.items()]
    frames = {} if missing else _frames(run, found)
    return Suites("outcome", declared, RULES if frames else (), frames, missing)


def _frames(run_facts: facts.OutcomeFacts, found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables that the rules read: those of the outcome, and what they must agree with."""
    config, given, work = run_facts.config, run_facts.given, run_facts.work
    day, area = pd.Timestamp(run_facts.day), facts.areas(run_facts.areas)
    team = facts.teams(given["teams"], day)
    run = {name: config[name] for name in ("continuity", "balance")} | {"special_first": int(config["special_first"])}
    run |= {
        "lending_share": config.get("advice", {}).get("lending_share", 1.0),
        "stock_of": str(given["stock"]["reference_date"].max())[:10],
        "in_force_since": run_facts.in_force_since and str(run_facts.in_force_since),
    }
    key = ["pc4", "product", "client_line", "client_group", "pw_client"]
    stock: pd.DataFrame = given["stock"].groupby(key)["clients"].sum().reset_index()
    return {
        **found,
        **facts.closed_sets(config, given["teams"]),
        **layer_tables(run_facts.layers, area, found["allocation"]),
        "run": pd.DataFrame([run]),
        "area": area,
        "team": team,
        "team_region": facts.team_regions(given["teams"], given["clusters"]),
        "locks": locks(given["locks"], team, day),
        "stock": stock,
        "completed": given["completed"],
        "norm_estimate": run_facts.tables.get("norm_estimates", NO_ESTIMATES),
        "products": facts.products(given["products"], config),
        "work": work_per_area(work, config),
        "segment_work": recount.segment_work(work, given["products"]),
        "work_of_groups": work_of_groups(work, config),
        "covered": network.covered(run_facts.areas, given["care_regions"], given["coverage"]),
        "group_team": network.group_teams(given["verzuimbeheer"], given["teams"], day),
        "division_in_force": run_facts.division_in_force,
        "published_division": run_facts.published_division,
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def locks(table: pd.DataFrame, team: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The locks in force on ``day``, each with the law domain of its team."""
    active = table[table["valid_until"].isna() | (table["valid_until"] >= day)]
    kind = active["team_id"].map(team.set_index("team_id")["kind"])
    domain = np.where(kind.eq("participatiewet"), "pw", "zw_wia")
    return active.assign(law_domain=pd.Series(domain, index=active.index, dtype=object))


def work_per_area(work: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """(pc4, law_domain, hours, clients): the work of a postcode that is divided by postcode (R4, R5, R11)."""
    mine = work[recount.divided(work, config) & ~work["is_central"]]
    domain = recount.law_domain(mine).rename("law_domain")
    sums = mine.groupby(["pc4", domain])[["hours_verzekeringsarts", "planned_clients"]].sum().reset_index()
    return sums.rename(columns={"hours_verzekeringsarts": "hours", "planned_clients": "clients"})


def work_of_groups(work: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """One row: the hours of the special groups, which their own teams serve (R4)."""
    mine = work[~recount.divided(work, config) & ~work["is_central"]]
    return pd.DataFrame({"hours": [float(mine["hours_verzekeringsarts"].sum())]})


def layer_tables(
    layers: Sequence[facts.LayerFacts], area: pd.DataFrame, allocation: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """``layer_area`` (layer, law_domain, client_line, pc4) and ``layer_team`` (the same with team_id, pieces,
    is_declared): ``pieces`` counts the connected parts of the team's area in ``allocation``, 0 for no area;
    ``is_declared`` tells that the solver's result owns up to it, or proves that no plan can meet the hard rules."""
    areas, teams, demands = [], [], []
    of: dict[Any, pd.DataFrame] = dict(iter(allocation.groupby(["law_domain", "client_line"])))
    for layer in layers:
        names = {"layer": layer.key, "law_domain": layer.law_domain, "client_line": layer.client_line}
        mine = area.loc[area["arbeidsmarktregio_nr"].isin(layer.regions), "pc4"]
        areas.append(pd.DataFrame({**names, "pc4": mine}))
        held = of.get((layer.law_domain, layer.client_line), allocation[:0])
        held = held[held["pc4"].isin(mine)]
        pairs = layer.unit_pc4[layer.edges]
        demand = pd.DataFrame({"layer": layer.key, "pc4": layer.unit_pc4, "demand": layer.demand})
        demands.append(demand.groupby(["layer", "pc4"])["demand"].sum().reset_index())
        pieces = [count_pieces(held.loc[held["team_id"] == team, "pc4"], pairs) for team in layer.team_ids]
        declared = [_is_declared(layer.result, team) for team in layer.team_ids]
        teams.append(pd.DataFrame({**names, "team_id": layer.team_ids, "pieces": pieces, "is_declared": declared}))
    return {
        "layer_area": pd.concat(areas, ignore_index=True),
        "layer_team": pd.concat(teams, ignore_index=True),
        "problem_demand": pd.concat(demands, ignore_index=True),
    }


def count_pieces(members: pd.Series[Any], pairs: Any) -> int:
    """Connected parts of the postcodes ``members`` over ``pairs`` (m, 2) of neighbouring postcodes."""
    root = {pc4: pc4 for pc4 in members}

    def find(pc4: str) -> str:
        while root[pc4] != pc4:
            root[pc4] = root[root[pc4]]
            pc4 = root[pc4]
        return pc4

    inside = pairs[np.isin(pairs, list(root)).all(axis=1)] if len(pairs) and root else ()
    for a, b in inside:
        root[find(a)] = find(b)
    return sum(find(pc4) == pc4 for pc4 in root)


def _is_declared(result: Mapping[str, Any], team: str) -> bool:
    """Whether the solver's result says of this team that its area is broken or empty, or proves it cannot be helped."""
    if result["proof"]:
        return True
    facts = [one for one in result["violations"] if isinstance(one, dict)]  # a result of before 2.0 has sentences
    return any(one["kind"] in BROKEN_AREAS and one["where"] == team for one in facts)


_OF_PW = "(r.pw_client or r.law = 'PW')"
"""Who has a file under the Participatiewet is a PW client, with all of his files (R17)."""
_LAW_DOMAIN = f"case when {_OF_PW} then 'pw' else 'zw_wia' end"
_SERVING_LINE = f"case when r.law = 'ZW' and not {_OF_PW} then 'vangnet' else r.client_line end"
_BY_POSTCODE = f"(not g.is_special or ({_OF_PW} and not (select special_first from run)))"
"""Routed by postcode: regular clients, and PW clients of any group unless the special teams come first (R4, R5)."""

_ROUTING = (
    Rule(
        "routing_total", "routing", "share", "critical",
        "the shares of a postcode, client group, PW client, law and line do not sum to 1",
        "de aandelen van een postcode, cliëntgroep, PW-cliënt, wet en lijn tellen niet op tot 1",
        f"""select a.pc4, g.client_group, k.pw_client, l.law, n.client_line, round(coalesce(s.shares, 0), 6) as shares
            from area as a cross join client_group as g cross join law as l cross join line as n
            cross join (select 0 as pw_client union all select 1) as k
            left join (select pc4, client_group, pw_client, law, client_line, sum(share) as shares from routing
                       group by pc4, client_group, pw_client, law, client_line) as s
              on s.pc4 = a.pc4 and s.client_group = g.client_group and s.pw_client = k.pw_client and s.law = l.law
             and s.client_line = n.client_line
            where s.shares is null or abs(s.shares - 1) > {ROUNDING}""",
    ),
    Rule(
        "routing_known", "routing", "pc4", "critical",
        "the postcode or the client group does not exist", "de postcode of de cliëntgroep bestaat niet",
        """select distinct r.pc4, r.client_group from routing as r
           where r.pc4 not in (select pc4 from area)
              or r.client_group not in (select client_group from client_group)""",
    ),
    Rule(
        "routing_pc6", "routing", "pc6_from", "critical",
        "the PC6 range does not lie within the postcode, or ends before it begins",
        "het PC6-bereik ligt niet in de postcode, of eindigt voor het begin",
        """select distinct pc4, pc6_from, pc6_to, team_id from routing
           where (pc6_from is null) <> (pc6_to is null) or pc6_to < pc6_from
              or (pc6_from is not null and (substr(pc6_from, 1, 4) <> pc4 or substr(pc6_to, 1, 4) <> pc4
                                            or length(pc6_from) <> 6 or length(pc6_to) <> 6))""",
    ),
    Rule(
        "routing_unambiguous", "routing", "pc6_from", "critical",
        "two different PC6 ranges overlap", "twee verschillende PC6-bereiken overlappen",
        """with ranges as (select distinct pc4, client_group, pw_client, law, client_line, pc6_from, pc6_to from routing
                           where pc6_from is not null)
           select x.pc4, x.client_group, x.pw_client, x.law, x.client_line, x.pc6_from, x.pc6_to,
                  y.pc6_from as other_from, y.pc6_to as other_to
           from ranges as x join ranges as y using (pc4, client_group, pw_client, law, client_line)
           where (x.pc6_from, x.pc6_to) < (y.pc6_from, y.pc6_to)
             and x.pc6_from <= y.pc6_to and y.pc6_from <= x.pc6_to""",
    ),
    Rule(
        "routing_team_active", "routing", "team_id", "critical",
        "the team does not exist or is not active on the first day",
        "het team bestaat niet of is niet actief op de eerste dag",
        """select r.team_id, count(*) as on_rows, min(r.pc4) as pc4
           from routing as r left join team as t using (team_id)
           where t.team_id is null or not t.is_active group by r.team_id""",
    ),
    Rule(
        "routing_office", "routing", "office", "critical",
        "the office is not that of the team", "het kantoor is niet dat van het team",
        """select r.team_id, r.office, t.office as office_of_team, count(*) as on_rows, min(r.pc4) as pc4
           from routing as r join team as t using (team_id) where r.office is not t.office group by 1, 2, 3""",
    ),
    Rule(
        "routing_kind", "routing", "team_id", "critical",
        "the client group or the law is routed to a team of the wrong kind",
        "de cliëntgroep of de wet gaat naar een team van de verkeerde soort",
        f"""select r.client_group, r.pw_client, r.law, r.team_id, t.kind, count(*) as on_rows, min(r.pc4) as pc4
            from routing as r join team as t using (team_id) join client_group as g using (client_group)
            where not case when not {_BY_POSTCODE}
                        then t.kind = 'bijzonder' and instr(t.client_groups, '|' || r.client_group || '|') > 0
                      when {_OF_PW} then t.kind = 'participatiewet' else t.kind = 'regulier' end
            group by 1, 2, 3, 4, 5""",
    ),
    Rule(
        "routing_no_zw_only", "routing", "team_id", "critical",
        "the team gets only ZW clients", "het team krijgt alleen ZW-cliënten",
        """select r.team_id, count(*) as on_rows, min(r.pc4) as pc4 from routing as r
           group by r.team_id having min(r.law) = 'ZW' and max(r.law) = 'ZW'""",
    ),
    Rule(
        "routing_served", "routing", "team_id", "critical",
        "the team does not serve this law or this client line",
        "het team bedient deze wet of deze cliëntlijn niet",
        """select r.team_id, r.law, r.client_line, t.laws, t.client_lines, count(*) as on_rows, min(r.pc4) as pc4
           from routing as r join team as t using (team_id)
           where t.kind = 'regulier' and (instr(t.laws, '|' || r.law || '|') = 0 or instr(t.client_lines, '|' ||
                   case r.law when 'ZW' then 'vangnet' else r.client_line end || '|') = 0)
           group by 1, 2, 3, 4, 5""",
    ),
    Rule(
        "routing_follows_allocation", "routing", "share", "critical",
        "the share is not that of the allocation", "het aandeel is niet dat van de verdeling",
        f"""with routed as (
              select r.pc4, r.client_group, r.pw_client, r.law, r.client_line, r.team_id, sum(r.share) as share
              from routing as r join client_group as g using (client_group) where {_BY_POSTCODE}
              group by 1, 2, 3, 4, 5, 6)
            select r.pc4, r.client_group, r.pw_client, r.law, r.client_line, r.team_id, r.share, a.share as allocated
            from routed as r left join allocation as a
              on a.pc4 = r.pc4 and a.team_id = r.team_id and a.law_domain = {_LAW_DOMAIN}
             and a.client_line in ('{vocabulary.ALL_LINES}', {_SERVING_LINE})
            where a.share is null or abs(a.share - r.share) > {ROUNDING}""",
    ),
)  # fmt: skip

_LINE_MATCHES = f"(k.client_line is null or k.client_line = a.client_line or a.client_line = '{vocabulary.ALL_LINES}')"
_SPLIT_HERE = f"""exists (select 1 from locks as k where k.kind = 'split' and k.area = a.pc4 and {_LINE_MATCHES}
                          and k.law_domain = a.law_domain and k.team_id = a.team_id)"""

_ALLOCATION = (
    Rule(
        "allocation_total", "allocation", "share", "critical",
        "the shares of a postcode, law domain and line do not sum to 1",
        "de aandelen van een postcode, wetsdomein en lijn tellen niet op tot 1",
        f"""select p.pc4, d.law_domain, n.client_line,
                   round(coalesce(sum(a.share), 0), 6) as shares
            from area as p cross join (select 'zw_wia' as law_domain union all select 'pw') as d cross join line as n
            left join allocation as a on a.pc4 = p.pc4 and a.law_domain = d.law_domain
                                     and a.client_line in (n.client_line, '{vocabulary.ALL_LINES}')
            group by 1, 2, 3 having abs(coalesce(sum(a.share), 0) - 1) > {ROUNDING}""",
    ),
    Rule(
        "allocation_known", "allocation", "pc4", "critical",
        "the postcode does not exist", "de postcode bestaat niet",
        "select distinct pc4 from allocation where pc4 not in (select pc4 from area)",
    ),
    Rule(
        "one_region_per_postcode", "area", "arbeidsmarktregio_nr", "critical",
        "the postcode is not in exactly one arbeidsmarktregio",
        "de postcode ligt niet in precies één arbeidsmarktregio",
        """select pc4, count(*) as on_rows, count(distinct arbeidsmarktregio_nr) as regions from area
           group by pc4 having on_rows <> 1 or count(arbeidsmarktregio_nr) <> 1""",
    ),
    Rule(
        "one_team_unless_split", "allocation", "team_id", "critical",
        "the postcode has several teams without a split that says so",
        "de postcode heeft meer teams zonder splitsing die dat zegt",
        f"""select a.pc4, a.law_domain, a.client_line, count(*) as teams, group_concat(a.team_id, ' ') as team_ids
            from allocation as a group by 1, 2, 3
            having teams > 1 and sum(not {_SPLIT_HERE}) > 1""",
    ),
    Rule(
        "allocation_team_active", "allocation", "team_id", "critical",
        "the team does not exist, is not active on the first day, or is of the wrong kind",
        "het team bestaat niet, is niet actief op de eerste dag, of is van de verkeerde soort",
        """select a.team_id, a.law_domain, t.kind, t.is_active, count(*) as on_rows, min(a.pc4) as pc4
           from allocation as a left join team as t using (team_id)
           where t.team_id is null or not t.is_active
              or t.kind <> case a.law_domain when 'pw' then 'participatiewet' else 'regulier' end
           group by 1, 2, 3, 4""",
    ),
    Rule(
        "region_of_team", "allocation", "team_id", "critical",
        "the region of the postcode is not one of the team's, nor in a cluster with one",
        "de regio van de postcode is geen regio van het team, en zit er ook niet mee in een cluster",
        """select a.pc4, p.arbeidsmarktregio, a.team_id, a.law_domain from allocation as a join area as p using (pc4)
           where not exists (select 1 from team_region as r
                             where r.team_id = a.team_id and r.region = p.arbeidsmarktregio_nr)""",
    ),
    Rule(
        "contiguous", "layer_team", "pieces", "critical",
        "the team's area is empty or not contiguous, and the solver does not say so",
        "het gebied van het team is leeg of niet aaneengesloten, en de oplosser meldt dat niet",
        """select team_id, law_domain, client_line, pieces from layer_team where pieces <> 1 and not is_declared""",
    ),
    Rule(
        "contiguous_as_declared", "layer_team", "pieces", "warning",
        "the team's area is empty or not contiguous; the solver found no plan in which it is",
        "het gebied van het team is leeg of niet aaneengesloten; de oplosser vond geen verdeling waarin dat anders is",
        "select team_id, law_domain, client_line, pieces from layer_team where pieces <> 1 and is_declared",
    ),
    Rule(
        "reason_for_each", "allocation_reason", "rule", "critical",
        "an allocated postcode and line has no reason, or a reason stands for none",
        "een verdeelde postcode en lijn heeft geen reden, of een reden hoort nergens bij",
        """select pc4, client_line, law_domain, sum(of_allocation) as allocated, sum(of_reason) as reasons from (
             select distinct pc4, client_line, law_domain, 1 as of_allocation, 0 as of_reason from allocation
             union all select pc4, client_line, law_domain, 0, 1 from allocation_reason)
           group by 1, 2, 3 having allocated <> 1 or reasons <> 1""",
    ),
)  # fmt: skip

_LOCKS = (
    Rule(
        "pins_honoured", "allocation", "team_id", "critical",
        "the postcode is pinned to a team and does not go there",
        "de postcode is vastgezet op een team en gaat daar niet heen",
        f"""select k.pc4, k.team_id as pinned_to, k.client_line as line_of_pin, a.client_line, a.team_id
            from locks as k left join allocation as a
              on a.pc4 = k.area and a.law_domain = k.law_domain and {_LINE_MATCHES} and not
                 exists (select 1 from locks as s where s.kind = 'split' and s.area = a.pc4 and s.team_id = a.team_id
                           and s.law_domain = a.law_domain)
            where k.kind = 'pin' and a.team_id is not k.team_id
              and not exists (select 1 from locks as s where s.kind = 'split' and s.area = k.area
                                and s.law_domain = k.law_domain and (s.pc6_from is null or s.team_id = k.team_id))""",
    ),
    Rule(
        "bars_honoured", "allocation", "team_id", "critical",
        "the postcode goes to a team that is barred from it",
        "de postcode gaat naar een team dat daar niet mag werken",
        f"""select a.pc4, a.team_id, a.client_line, a.law_domain from locks as k join allocation as a
              on a.pc4 = k.area and a.team_id = k.team_id and a.law_domain = k.law_domain and {_LINE_MATCHES}
            where k.kind = 'bar'""",
    ),
    Rule(
        "splits_honoured", "routing", "share", "critical",
        "the split of a postcode does not show in the shares",
        "de splitsing van een postcode is niet terug te zien in de aandelen",
        f"""with lines as (select k.rowid as lock, k.*, n.client_line as line from locks as k join line as n
                           on k.client_line is null or k.client_line = n.client_line where k.kind = 'split'),
            ranges as (select pc4, pc6_from, law, client_line, sum(share) as whole from routing
                       where client_group = '{vocabulary.REGULAR_GROUP}' and pw_client = (law = 'PW')
                       group by 1, 2, 3, 4)
            select k.pc4, k.team_id, k.line, l.law, k.share as asked, round(r.share / w.whole, 6) as got
            from lines as k join law as l on k.law_domain = case l.law when 'PW' then 'pw' else 'zw_wia' end
                                         and (l.law <> 'ZW' or k.line = 'vangnet')
            left join routing as r on r.pc4 = k.area and r.pc6_from is k.pc6_from and r.law = l.law
                 and r.client_line = k.line and r.client_group = '{vocabulary.REGULAR_GROUP}' and r.team_id = k.team_id
                 and r.pw_client = (r.law = 'PW')
            left join ranges as w on w.pc4 = k.area and w.pc6_from is k.pc6_from and w.law = l.law
                 and w.client_line = k.line
            where r.share is null or abs(r.share / w.whole - k.share) > {ROUNDING}""",
    ),
)  # fmt: skip

_LOAD = (
    Rule(
        "work_not_lost", "expected", "hours", "critical",
        "the expected hours of a postcode differ from its work",
        "de verwachte uren van een postcode wijken af van het werk",
        f"""select e.pc4, e.law_domain, e.hours, coalesce(w.hours, 0) as work, e.clients,
                   coalesce(w.clients, 0) as clients_in_work
            from area as p join expected as e using (pc4) left join work as w using (pc4, law_domain)
            where e.client_line = '{vocabulary.ALL_LINES}'
              and (abs(e.hours - coalesce(w.hours, 0)) > {ROUNDING} * (1 + e.hours)
                   or abs(e.clients - coalesce(w.clients, 0)) > {ROUNDING} * (1 + e.clients))""",
    ),
    Rule(
        "lines_sum", "expected", "hours", "critical",
        "the two lines of a postcode do not sum to all of it",
        "de twee lijnen van een postcode zijn samen niet het geheel",
        f"""select pc4, law_domain,
                   sum(case client_line when '{vocabulary.ALL_LINES}' then hours else 0 end) as whole,
                   sum(case client_line when '{vocabulary.ALL_LINES}' then 0 else hours end) as lines,
                   count(*) as on_rows
            from expected group by 1, 2 having on_rows <> 3 or abs(whole - lines) > {ROUNDING} * (1 + whole)""",
    ),
    Rule(
        "expected_everywhere", "expected", "pc4", "critical",
        "the postcode has no expected work, or does not exist", "de postcode heeft geen verwacht werk, of bestaat niet",
        """select pc4, sum(n) as is_area, sum(m) as law_domains from (
             select pc4, 1 as n, 0 as m from area
             union all select distinct pc4, 0, law_domain = 'pw' or law_domain = 'zw_wia' from expected
             union all select pc4, 0, count(distinct law_domain) - 1 from expected group by pc4)
           group by pc4 having is_area <> 1 or law_domains <> 2""",
    ),
    Rule(
        "load_sums_to_work", "team_load", "hours_verzekeringsarts", "critical",
        "the hours of the teams do not sum to the work of the layer",
        "de uren van de teams zijn samen niet het werk van de laag",
        f"""with asked as (select l.layer, l.law_domain, l.client_line, sum(e.hours) as work, sum(e.clients) as clients
                           from layer_area as l join expected as e using (pc4, law_domain, client_line) group by 1),
            got as (select m.layer, sum(t.hours_verzekeringsarts) as hours, sum(t.clients_per_year) as clients_per_year
                    from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1)
            select a.layer, round(a.work, 3) as work, round(g.hours, 3) as hours, round(a.clients, 3) as clients,
                   round(g.clients_per_year, 3) as clients_per_year
            from asked as a left join got as g using (layer)
            where g.hours is null or abs(g.hours - a.work) > {ROUNDING} * (1 + a.work)
               or abs(g.clients_per_year - a.clients) > {ROUNDING} * (1 + a.clients)""",
    ),
    Rule(
        "load_of_team", "team_load", "hours_verzekeringsarts", "critical",
        "the hours of the team are not those of its share of its postcodes",
        "de uren van het team zijn niet die van zijn aandeel in zijn postcodes",
        f"""select t.team_id, t.law_domain, t.client_line, t.hours_verzekeringsarts, sum(a.share * e.hours) as counted
            from team_load as t left join allocation as a using (team_id, law_domain, client_line)
            left join expected as e using (pc4, law_domain, client_line) where t.kind <> 'bijzonder' group by 1, 2, 3
            having abs(t.hours_verzekeringsarts - coalesce(counted, 0))
                   > {ROUNDING} * (1 + t.hours_verzekeringsarts)""",
    ),
    Rule(
        "special_load", "team_load", "hours_verzekeringsarts", "critical",
        "the hours of the special teams do not sum to the work of the special groups",
        "de uren van de bijzondere teams zijn samen niet het werk van de bijzondere groepen",
        f"""select w.hours as work, t.hours from work_of_groups as w cross join
              (select coalesce(sum(hours_verzekeringsarts), 0) as hours from team_load where kind = 'bijzonder') as t
            where abs(w.hours - t.hours) > {ROUNDING} * (1 + w.hours)""",
    ),
    Rule(
        "load_for_each_team", "team_load", "team_id", "critical",
        "a team with an area has no load, or another number of areas",
        "een team met een gebied heeft geen belasting, of een ander aantal gebieden",
        """select a.team_id, a.law_domain, a.client_line, count(*) as areas_allocated, t.areas
           from allocation as a left join team_load as t using (team_id, law_domain, client_line)
           group by 1, 2, 3 having t.areas is not areas_allocated""",
    ),
    Rule(
        "pieces", "team_load", "pieces", "critical",
        "the number of pieces is not that of the area as it is allocated",
        "het aantal stukken is niet dat van het gebied zoals het verdeeld is",
        """select m.team_id, m.law_domain, m.client_line, t.pieces, m.pieces as counted
           from layer_team as m left join team_load as t using (team_id, law_domain, client_line)
           where t.pieces is not m.pieces""",
    ),
    Rule(
        "target", "team_load", "target_hours", "critical",
        "the targets of a layer do not sum to its work, or are not divided by capacity",
        "de doelen van een laag zijn samen niet het werk, of niet naar capaciteit verdeeld",
        f"""with layer as (select m.layer, sum(t.hours_verzekeringsarts) as hours, sum(t.target_hours) as targets,
                                  sum(t.capacity_hours_verzekeringsarts) as capacity
                           from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1)
            select t.team_id, t.law_domain, t.client_line, t.target_hours,
                   case r.balance when 'load' then l.hours else l.targets end
                     * t.capacity_hours_verzekeringsarts / l.capacity as counted
            from layer_team as m join team_load as t using (team_id, law_domain, client_line)
            join layer as l using (layer) cross join run as r
            where l.capacity > 0 and abs(t.target_hours - counted) > {ROUNDING} * (1 + counted)""",
    ),
    Rule(
        "deviation", "team_load", "deviation", "critical",
        "the deviation, or whether it is within the tolerance, does not follow from hours and target",
        "de afwijking, of dat die binnen de tolerantie valt, volgt niet uit uren en doel",
        f"""select team_id, law_domain, client_line, hours_verzekeringsarts, target_hours, deviation, tolerance,
                   is_within_tolerance
            from team_load cross join run
            where is_within_tolerance <> (abs(deviation) <= tolerance * (1 + 1e-9))
               or (target_hours > 0 and balance = 'load'
                   and abs(deviation - (hours_verzekeringsarts / target_hours - 1)) > {ROUNDING})""",
    ),
    Rule(
        "deviations_cancel", "team_load", "deviation", "critical",
        "what the teams of a layer have above their targets is not what the others have below them",
        "wat de teams van een laag boven hun doel hebben, is niet wat de andere eronder hebben",
        f"""select m.layer, round(sum(t.deviation * t.target_hours), 3) as hours_above,
                   round(sum(t.target_hours)) as target
            from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1
            having abs(sum(t.deviation * t.target_hours)) > {ROUNDING} * (1 + sum(t.target_hours))""",
    ),
    Rule(
        "interval", "team_load", "hours_low", "critical",
        "the expected hours do not lie in their interval", "de verwachte uren liggen niet in hun interval",
        """select team_id, law_domain, client_line, hours_low, hours_verzekeringsarts, hours_high from team_load
           where not (hours_low <= hours_verzekeringsarts * (1 + 1e-9)
                      and hours_verzekeringsarts <= hours_high * (1 + 1e-9))""",
    ),
    Rule(
        "chance", "team_load", "chance_within_tolerance", "critical",
        "the chance to stay within the tolerance is no chance, or is not there for the teams that are balanced alone",
        "de kans om binnen de tolerantie te blijven is geen kans, of staat niet juist bij de teams die worden verdeeld",
        """select team_id, law_domain, client_line, kind, chance_within_tolerance from team_load
           where (kind = 'bijzonder') <> (chance_within_tolerance is null)
              or chance_within_tolerance < 0 or chance_within_tolerance > 1""",
    ),
    Rule(
        "beyond_tolerance", "team_load", "deviation", "warning",
        "the load of the team lies beyond the tolerance", "de belasting van het team ligt buiten de tolerantie",
        """select name, team_id, law_domain, client_line, round(100 * deviation, 1) || '%' as deviation,
                  round(100 * tolerance, 1) || '%' as tolerance
           from team_load where kind <> 'bijzonder' and not is_within_tolerance
           order by abs(team_load.deviation) desc""",
    ),
    Rule(
        "other_professions", "team_load", "first_year_hours_other", "warning",
        "the work of the other professions exceeds 120% of their capacity",
        "het werk van de andere beroepen is meer dan 120% van hun capaciteit",
        f"""select name, team_id, round(sum(first_year_hours_other)) as hours,
                  round(sum(capacity_hours_other)) as capacity,
                  round(100 * sum(first_year_hours_other) / max(sum(capacity_hours_other), 1)) || '%' as share
           from team_load group by name, team_id
           having sum(first_year_hours_other) > {OVERLOADED} * sum(capacity_hours_other)
           order by sum(first_year_hours_other) / max(sum(capacity_hours_other), 1) desc""",
    ),
    Rule(
        "special_capacity", "team_load", "hours_verzekeringsarts", "warning",
        "the work of the special team exceeds its capacity",
        "het werk van het bijzondere team overtreft zijn capaciteit",
        """select name, team_id, round(hours_verzekeringsarts) as hours,
                  round(capacity_hours_verzekeringsarts) as capacity
           from team_load where kind = 'bijzonder' and hours_verzekeringsarts > capacity_hours_verzekeringsarts""",
    ),
    Rule(
        "region_sums_to_load", "region_summary", "hours_verzekeringsarts", "critical",
        "the hours of the regions do not sum to those of the teams of the layer",
        "de uren van de regio's zijn samen niet die van de teams van de laag",
        f"""with regions as (select distinct l.layer, l.law_domain, l.client_line, p.arbeidsmarktregio_nr
                             from layer_area as l join area as p using (pc4)),
            summed as (select r.layer, count(s.hours_verzekeringsarts) = count(*) as is_complete,
                              sum(s.hours_verzekeringsarts) as of_regions
                       from regions as r left join region_summary as s
                         using (arbeidsmarktregio_nr, law_domain, client_line) group by 1),
            loads as (select m.layer, sum(t.hours_verzekeringsarts) as of_teams
                      from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1)
            select s.layer, round(s.of_regions, 3) as of_regions, round(l.of_teams, 3) as of_teams, s.is_complete
            from summed as s join loads as l using (layer)
            where not s.is_complete or abs(s.of_regions - l.of_teams) > {ROUNDING} * (1 + l.of_teams)""",
    ),
)  # fmt: skip

_FINISHED = (
    Rule(
        "line_outcomes_sum_to_load", "line_outcomes", "asked_hours_verzekeringsarts", "critical",
        "the regions of a layer do not sum to its teams: asked or available hours, or files held",
        "de regio's van een laag zijn samen niet haar teams: gevraagde of beschikbare uren, of dossiers",
        f"""with regions as (select law_domain, client_line, sum(asked_hours_verzekeringsarts) as asked,
                                sum(available_hours_verzekeringsarts) as available, sum(files_held) as files
                         from line_outcomes group by 1, 2),
            teams as (select law_domain, client_line, sum(first_year_hours_verzekeringsarts) as asked,
                             sum(capacity_hours_verzekeringsarts) as available, sum(files_held) as files
                      from team_load where kind <> 'bijzonder' group by 1, 2)
            select t.law_domain, t.client_line, round(r.asked, 3) as asked, round(t.asked, 3) as asked_of_teams,
                   round(r.available, 3) as available, round(t.available, 3) as available_of_teams, r.files,
                   t.files as files_of_teams
            from teams as t left join regions as r using (law_domain, client_line)
            where r.asked is null or abs(r.asked - t.asked) > {ROUNDING} * (1 + t.asked) or r.files <> t.files
               or abs(r.available - t.available) > {ROUNDING} * (1 + t.available)""",
    ),
    Rule(
        "finished_is_counted", "line_outcomes", "finished_clients", "critical",
        "the finished clients of the regions are not those of the input in these months",
        "de afgehandelde cliënten van de regio's zijn niet die van de invoer in deze maanden",
        f"""with last as (select max(month) || '-01' as month,
                                (select max(months) from line_outcomes) as months from completed as c
                         join products as p using (product) where not p.is_central),
            counted as (select coalesce(sum(c.clients), 0) as clients from completed as c cross join last as l
                        join products as p using (product) join team as t using (team_id)
                        where not p.is_central and t.kind <> 'bijzonder'
                          and c.month || '-01' > date(l.month, '-' || l.months || ' months')),
            shown as (select coalesce(sum(finished_clients), 0) as clients from line_outcomes)
            select c.clients as of_input, round(s.clients, 6) as of_regions from counted as c cross join shown as s
            where abs(c.clients - s.clients) > {ROUNDING} * (1 + c.clients)""",
    ),
    Rule(
        "productivity_in_use", "norm_estimate", "estimate", "warning",
        "what a team finished says another productivity than the one in use",
        "wat een team afrondde, wijst op een andere productiviteit dan die in gebruik is",
        """select team_id, round(in_use, 2) as in_use, round(estimate, 2) as estimate, round(low, 2) as low,
                  round(high, 2) as high from norm_estimate
           where kind = 'productivity' and disagrees order by abs(estimate / in_use - 1) desc""",
    ),
    Rule(
        "hours_in_use", "norm_estimate", "estimate", "warning",
        "finished work says that a product takes other hours than those in use",
        "afgeronde zaken wijzen op andere uren per product dan die in gebruik zijn",
        """select product, round(in_use, 2) as in_use, round(estimate, 2) as estimate, round(low, 2) as low,
                  round(high, 2) as high from norm_estimate
           where kind = 'hours' and disagrees order by abs(estimate / in_use - 1) desc""",
    ),
)  # fmt: skip

_ADVICE = (
    Rule(
        "advice_sums_to_load", "capacity_advice", "available_hours", "critical",
        "asked or available hours of the regions are not those of the teams",
        "gevraagde of beschikbare uren van de regio's zijn niet die van de teams",
        f"""with regions as (select law_domain, profession, sum(asked_hours) as asked, sum(available_hours) as available
                             from capacity_advice group by 1, 2),
            teams as (select law_domain, 'verzekeringsarts' as profession,
                             sum(first_year_hours_verzekeringsarts) as asked,
                             sum(capacity_hours_verzekeringsarts) as available
                      from team_load where kind <> 'bijzonder' group by 1
                      union all select law_domain, 'other', sum(first_year_hours_other), sum(capacity_hours_other)
                      from team_load where kind <> 'bijzonder' group by 1)
            select t.law_domain, t.profession, round(r.asked, 3) as asked, round(t.asked, 3) as asked_of_teams,
                   round(r.available, 3) as available, round(t.available, 3) as available_of_teams
            from teams as t left join regions as r using (law_domain, profession)
            where r.asked is null or abs(r.asked - t.asked) > {ROUNDING} * (1 + t.asked)
               or abs(r.available - t.available) > {ROUNDING} * (1 + t.available)""",
    ),
    Rule(
        "loans_balance", "capacity_advice", "lent_hours", "critical",
        "what regions lend is not what regions borrow, or a region lends more than it may",
        "wat regio's uitlenen is niet wat regio's lenen, of een regio leent meer uit dan mag",
        f"""select law_domain, profession, round(sum(lent_hours), 3) as lent, round(sum(borrowed_hours), 3) as borrowed,
                   max(lent_hours / max(available_hours, 1e-9)) as part
            from capacity_advice group by 1, 2
            having abs(sum(lent_hours) - sum(borrowed_hours)) > {ROUNDING} * (1 + sum(lent_hours))
                or max(lent_hours - (select lending_share from run) * available_hours) > 0.001""",
    ),
    Rule(
        "handover_leaves_no_small_rest", "handover_advice", "rest_clients", "critical",
        "handing over leaves a team a few files of a postcode and product, or is of more files than it has",
        "overdragen laat een team enkele dossiers van een postcode en product, of meer gaan over dan het heeft",
        f"""with moved as (select team_from, pc4, product, sum(clients) as clients, min(rest_clients) as rest
                           from handover_advice group by 1, 2, 3),
            held as (select team_to as team_from, pc4, product, sum(clients) as clients
                     from transition group by 1, 2, 3)
            select m.team_from, m.pc4, m.product, m.clients, m.rest, coalesce(h.clients, 0) as held
            from moved as m left join held as h using (team_from, pc4, product)
            where m.clients + m.rest > coalesce(h.clients, 0)
               or m.rest between 1 and {vocabulary.SMALLEST_SHOWN_COUNT - 1}""",
    ),
    Rule(
        "handover_to_a_serving_team", "handover_advice", "team_to", "critical",
        "files would be handed over to a team that is not active, has no hours or is barred from the postcode",
        "dossiers zouden gaan naar een team dat niet actief is, geen uren heeft of van de postcode is uitgesloten",
        """select a.team_to, a.pc4, count(*) as on_rows from handover_advice as a
           left join team as t on t.team_id = a.team_to
           where not coalesce(t.is_active, 0) or not coalesce(t.has_hours, 0)
              or exists (select 1 from locks as k where k.kind = 'bar' and k.area = a.pc4 and k.team_id = a.team_to
                           and (k.client_line is null or k.client_line = a.client_line))
           group by 1, 2""",
    ),
)  # fmt: skip

_TRANSITION = (
    Rule(
        "stock_followed", "transition", "clients", "critical",
        "the clients of a postcode, product, line, group and PW client do not sum to the stock",
        "de cliënten van een postcode, product, lijn, groep en PW-cliënt zijn samen niet de voorraad",
        """select pc4, product, client_line, client_group, pw_client, sum(in_stock) as in_stock,
                  sum(in_transition) as in_transition
           from (select pc4, product, client_line, client_group, pw_client, clients as in_stock, 0 as in_transition
                 from stock
                 union all select pc4, product, client_line, client_group, pw_client, 0, clients from transition)
           group by 1, 2, 3, 4, 5 having sum(in_stock) <> sum(in_transition)""",
    ),
    Rule(
        "movement", "transition", "movement", "critical",
        "the movement does not follow from the two teams", "de beweging volgt niet uit de twee teams",
        """select pc4, product, client_group, team_from, team_to, movement from transition
           where movement <> case when team_from is null then 'onbekend' when team_from = team_to then 'blijft'
                                  else 'verhuist' end""",
    ),
    Rule(
        "transition_team_active", "transition", "team_to", "critical",
        "the files go to a team that does not exist or is not active, or central work goes to a team",
        "de dossiers gaan naar een team dat niet bestaat of niet actief is, of centraal werk gaat naar een team",
        """select x.team_to, p.is_central, count(*) as on_rows, min(x.pc4) as pc4
           from transition as x left join products as p using (product) left join team as t on t.team_id = x.team_to
           where coalesce(p.is_central, 0) = coalesce(t.is_active, 0) group by 1, 2""",
    ),
    Rule(
        "continuity", "transition", "team_from", "critical",
        "clients move although their team may keep them and existing clients stay",
        "cliënten verhuizen terwijl hun team hen mag houden en bestaande cliënten blijven",
        """select x.pc4, x.product, x.client_line, x.client_group, x.pw_client, x.team_from, x.team_to, x.clients
            from transition as x join products as p using (product) join team as t on t.team_id = x.team_from
            join client_group as g using (client_group) join area as a using (pc4)
            where x.movement = 'verhuist' and t.is_active and t.has_hours and (select continuity from run) = 'stay'
              and case when g.is_special and (not x.pw_client or (select special_first from run))
                         then t.kind = 'bijzonder' and instr(t.client_groups, '|' || x.client_group || '|') > 0
                       else t.kind = case when x.pw_client then 'participatiewet' else 'regulier' end
                            and exists (select 1 from team_region as r
                                        where r.team_id = t.team_id and r.region = a.arbeidsmarktregio_nr) end
              and (t.kind = 'participatiewet' or instr(t.laws, '|' || p.law || '|') > 0)
              and (t.kind = 'participatiewet' or t.client_lines in ('|vangnet|werkgever|', '|werkgever|vangnet|')
                   or instr(t.client_lines,
                            '|' || case p.law when 'ZW' then 'vangnet' else x.client_line end || '|') > 0)
              and not exists (select 1 from locks as k where k.kind = 'bar' and k.area = x.pc4
                                and k.team_id = x.team_from)""",
    ),
    Rule(
        "moved_by_routing", "transition", "team_to", "critical",
        "clients move to a team that does not serve their postcode, group, law and line",
        "cliënten verhuizen naar een team dat hun postcode, groep, wet en lijn niet bedient",
        f"""select x.pc4, x.product, x.client_line, x.client_group, x.team_to, x.clients
            from transition as x join products as p using (product)
            where x.movement <> 'blijft' and not exists (
              select 1 from routing as r where r.pc4 = x.pc4 and r.client_group = x.client_group and r.law = p.law
                and r.pw_client = x.pw_client and r.team_id = x.team_to
                and x.client_line in (r.client_line, '{vocabulary.ALL_LINES}'))""",
    ),
    Rule(
        "many_moved", "transition", "movement", "warning",
        f"more than {MOVED_SHARE:.0%} of the clients who have a team move",
        f"meer dan {MOVED_SHARE:.0%} van de cliënten die een team hebben, verhuist",
        f"""select place, moved, clients, round(100.0 * moved / clients, 1) || '%' as part from (
              select 'Nederland' as place, sum(clients * (movement = 'verhuist')) as moved, sum(clients) as clients
              from transition where team_from is not null
              union all select p.arbeidsmarktregio, sum(x.clients * (x.movement = 'verhuist')), sum(x.clients)
              from transition as x join area as p using (pc4) where x.team_from is not null
              group by p.arbeidsmarktregio)
            where moved > {MOVED_SHARE} * clients""",
    ),
    Rule(
        "changes_balance", "allocation_changes", "share", "critical",
        "the changes do not lead from the division in force to the new one",
        "de wijzigingen leiden niet van de geldende verdeling naar de nieuwe",
        f"""with flow as (
              select pc4, law_domain, client_line, team_id as team, share from allocation
              union all select pc4, law_domain, client_line, team_id, -share from division_in_force
              union all select pc4, law_domain, client_line, team_to, -share from allocation_changes
              union all select pc4, law_domain, client_line, team_from, share from allocation_changes)
            select f.pc4, f.law_domain, n.client_line, f.team, round(sum(f.share), 6) as unexplained
            from flow as f join line as n on f.client_line in (n.client_line, '{vocabulary.ALL_LINES}')
            where f.team is not null group by 1, 2, 3, 4 having abs(sum(f.share)) > {ROUNDING}""",
    ),
    Rule(
        "current_is_in_force", "division_in_force", "team_id", "warning",
        "the file `current` is not the version in force, and all that changes or moves is counted from that file; "
        "without the file it is counted from the version in force",
        "het bestand current is niet de geldende versie, en alles wat wijzigt of verhuist is geteld vanaf dat bestand; "
        "zonder dat bestand wordt geteld vanaf de geldende versie",
        f"""with both as (
              select pc4, law_domain, client_line, team_id, share from division_in_force
              union all select pc4, law_domain, client_line, team_id, -share from published_division)
            select b.pc4, b.law_domain, n.client_line from both as b
              join line as n on b.client_line in (n.client_line, '{vocabulary.ALL_LINES}')
            where exists (select 1 from published_division)
            group by b.pc4, b.law_domain, n.client_line, b.team_id having abs(sum(b.share)) > {ROUNDING}""",
    ),
    Rule(
        "stock_is_of_this_version", "transition", "clients", "warning",
        "the stock was counted before the version in force came into force: clients that move because of that version "
        "are counted again; with a newer stock only those who move because of this one are",
        "de voorraad is geteld voordat de geldende versie inging: wie door die versie verhuist, telt hier opnieuw mee; "
        "met een nieuwere voorraad tellen alleen wie door deze versie verhuizen",
        """select r.stock_of, r.in_force_since, sum(t.clients) as clients
            from transition as t cross join run as r
            where t.movement = 'verhuist' and r.stock_of < r.in_force_since group by 1, 2""",
    ),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *_ROUTING,
    *_ALLOCATION,
    *_LOCKS,
    *_LOAD,
    *_FINISHED,
    *_ADVICE,
    *_TRANSITION,
    *recount.RECOUNT,
    *network.RULES,
)
