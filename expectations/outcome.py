"""What is expected of the outcome before it may be published.

Everything is counted again from the published tables, the inputs, the boundaries and the layers' neighbours, with
nothing of the code that made the outcome.

Belongs here: the tables that the rules read, and which rules there are. Does not belong here: the rules themselves
(``division``, ``load``, ``moving``, ``recount``, ``network``), how a rule is run (``engine``), and what follows from
a declaration (``declared``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract import published_tables
from expectations import division, facts, load, moving, network, recount
from expectations.rules import Declared, Rule, Suites

ADDED_BY_PUBLICATION = frozenset({"version", "valid_from", "valid_to"})
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

    for a, b in pairs.tolist():
        if a in root and b in root:
            root[find(a)] = find(b)
    return sum(find(pc4) == pc4 for pc4 in root)


def _is_declared(result: Mapping[str, Any], team: str) -> bool:
    """Whether the solver's result says of this team that its area is broken or empty, or proves it cannot be helped."""
    if result["proof"]:
        return True
    facts = [one for one in result["violations"] if isinstance(one, dict)]  # a result of before 2.0 has sentences
    return any(one["kind"] in BROKEN_AREAS and one["where"] == team for one in facts)


RULES: tuple[Rule, ...] = (
    *division.ROUTING,
    *division.ALLOCATION,
    *division.LOCKS,
    *load.LOAD,
    *load.FINISHED,
    *load.ADVICE,
    *moving.TRANSITION,
    *recount.RECOUNT,
    *network.RULES,
)
