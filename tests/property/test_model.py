"""The model of work on random small countries: what teams are said to have is what routing and files bring them.

The country is the toy one (``tests.support.toy``) with lines apart or together, teams that end or begin, bars, splits
and pins, products of every kind, PW clients and special groups, and random counts. Everything is recounted from the
input and the published tables in plain loops; only the estimate of the coming year is taken as it is.
``CASELOAD_FUZZ_EXAMPLES`` sets how many countries; 2 without it.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.layers.holding import STOCK_KEY
from allocation.outcome.in_force import files_in_stock
from tests.support import recount, toy

DAY = date(2026, 1, 1)

EXAMPLES = int(os.environ.get("CASELOAD_FUZZ_EXAMPLES", "2"))
WEST = [pc4 for at, pc4 in enumerate(toy.POSTCODES) if at % 4 < 2]
OOST = [pc4 for pc4 in toy.POSTCODES if pc4 not in WEST]
PRODUCTS = [
    ("WIA_EWT", "WIA", "vangnet|werkgever", "4", "6", "0.5", "1", "team"),
    ("WIA_MON", "WIA", "vangnet|werkgever", "2", "1", "0.75", "3", "team"),  # comes back: none comes in
    ("WIA_WG", "WIA", "werkgever", "5", "2", "0.25", "2", "team"),
    ("ZW_EZWB", "ZW", "vangnet", "3", "4", "0.4", "2", "team"),
    ("PW_ABA", "PW", "vangnet", "2", "3", "0.5", "1", "team"),
    ("WIA_HERB", "WIA", "vangnet|werkgever", "3", "3", "0.1", "5", "central"),
]
LINES_OF = {name: ["vangnet", "werkgever", "alle"] if "|" in lines else [lines] for name, _, lines, *_ in PRODUCTS}
LAW = {name: law for name, law, *_ in PRODUCTS}
HOURS = {name: (float(hours), float(other)) for name, _, _, hours, other, *_ in PRODUCTS}
SHARE = {row[0]: float(row[5]) for row in PRODUCTS}
CENTRAL = {"WIA_HERB"}
GROUPS = ("regulier", "militair", "klm", "politie")


@st.composite
def counts(draw: st.DrawFn, teams: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inflow of a year and stock: random rows, at least some of everything."""
    cell = st.tuples(
        st.sampled_from(toy.POSTCODES), st.sampled_from([row[0] for row in PRODUCTS]), st.integers(0, 2),
        st.sampled_from([*["regulier"] * 5, "klm", "politie"]), st.booleans(), st.integers(1, 9),
        st.sampled_from(["", "", *teams]),
    )  # fmt: skip
    rows = draw(st.lists(cell, min_size=10, max_size=40))
    flow, held = [], []
    for at, (pc4, product, line, group, pw, clients, team) in enumerate(rows):
        line_name = LINES_OF[product][line % len(LINES_OF[product])]
        is_pw = (pw and line % 2 == 0) or LAW[product] == "PW"
        row = (pc4, product, line_name, group, "true" if is_pw else "false", str(clients))
        held.append(("2025-12-31", *row, team))
        if product not in ("WIA_MON", "WIA_HERB"):
            flow.append((toy.MONTHS[at % 12], *row))
    flow += [(month, pc4, product, LINES_OF[product][-1], "regulier", "true" if product == "PW_ABA" else "false", "1")
             for month in toy.MONTHS for pc4 in toy.POSTCODES for product in ("WIA_EWT", "PW_ABA")]  # fmt: skip
    names = ["pc4", "product", "client_line", "client_group", "pw_client", "clients"]
    stock = pd.DataFrame(held, columns=["reference_date", *names, "team_id"])
    key = ["pc4", "product", "client_line", "client_group", "pw_client"]
    inflow = pd.DataFrame(flow, columns=["month", *names]).drop_duplicates(["month", *key])
    return inflow, stock.drop_duplicates([*key, "team_id"])


@st.composite
def countries(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """Tables of an input folder."""
    tables = toy.tables()
    apart = draw(st.booleans())
    fte = st.sampled_from(["0.5", "1.0", "2.5"])
    both = "vangnet|werkgever"
    rows = [
        toy.team("W1", "1", "1001", client_lines="vangnet" if apart else both, fte_verzekeringsarts=draw(fte)),
        toy.team("W2", "1", "1009", client_lines="werkgever" if apart else both, laws="WIA" if apart else "ZW|WIA",
                 fte_verzekeringsarts=draw(fte)),
        toy.team("O1", "2", "1004", fte_verzekeringsarts=draw(fte)),
        toy.team("O2", "2", "1012", fte_verzekeringsarts=draw(fte)),
        toy.team("P1", "1|2", "1006", kind="participatiewet", laws="PW|ZW|WIA"),
        *(toy.team(code, "1", "1006", kind="bijzonder", client_groups=group, laws="ZW|WIA|PW")
          for code, group in (("M1", "militair"), ("K1", "klm"), ("L1", "politie"))),
    ]  # fmt: skip
    if draw(st.booleans()):
        rows.append(toy.team("W3", "1", "1006", fte_verzekeringsarts=draw(fte)))
    if draw(st.booleans()):
        last_day = draw(st.sampled_from(["", "2025-12-31", "2026-06-30"]))
        rows.append(toy.team("K2", "1", "1001", kind="bijzonder", client_groups="klm", laws="ZW|WIA|PW",
                             fte_verzekeringsarts="3", valid_to=last_day))  # fmt: skip
    teams = pd.DataFrame(rows)
    gone = draw(st.sampled_from(["", "O2"]))
    teams.loc[teams["team_id"] == gone, "valid_to"] = "2025-12-31"
    late = toy.team("O3", "2", "1008", valid_from="2026-05-01")
    tables["teams"] = pd.concat([teams, pd.DataFrame([late])], ignore_index=True)
    if apart:  # W1 and W2 have each their line of the whole of West
        current = tables["current"][~tables["current"]["team_id"].isin(["W1", "W2"])]
        mine = [(pc4, line, team, "1") for pc4 in WEST for line, team in (("vangnet", "W1"), ("werkgever", "W2"))]
        tables["current"] = pd.concat([current, pd.DataFrame(mine, columns=current.columns)], ignore_index=True)
    elif draw(st.booleans()):
        shared = tables["current"]["pc4"].eq("1006") & tables["current"]["team_id"].eq("W2")
        two = pd.DataFrame(
            [("1006", "alle", "W2", "0.4"), ("1006", "alle", "W1", "0.6")], columns=tables["current"].columns
        )
        tables["current"] = pd.concat([tables["current"][~shared], two], ignore_index=True)
    tables["inflow"], tables["stock"] = draw(counts(sorted({"W1", "W2", "O1", "O2", "P1", "K1", "O3"})))
    tables["products"] = pd.DataFrame(PRODUCTS, columns=tables["products"].columns)
    locks = []
    if not gone and draw(st.booleans()):
        locks.append(("1003", "O2", "bar", "", ""))
    if not gone and draw(st.booleans()):
        locks += [("1007", "O1", "split", "0.3", ""), ("1007", "O2", "split", "0.7", "")]
    if not apart and draw(st.booleans()):
        locks.append(("1001AA-1001CZ", "W2", "split", "1", ""))
    if not apart and draw(st.booleans()):
        locks.append(("1002", "W2", "pin", "", ""))
    return tables | {"locks": toy.locks(*locks)}


SETTINGS = st.fixed_dictionaries(
    {
        "continuity": st.sampled_from(["stay", "stay", "move"]),
        "special_first": st.booleans(),
        "balance": st.sampled_from(["load", "first_year", "waiting_time"]),
        "horizon_months": st.sampled_from([1, 6, 12]),
        "work": st.fixed_dictionaries({"hours_factor": st.sampled_from([{}, {"WIA_EWT": 1.5}, {"*": 0.5}])}),
    }
)


def factor(config: Config, product: str) -> float:
    return config.work.hours_factor.get(product, config.work.hours_factor.get("*", 1.0))


def share_of_fte(teams: pd.DataFrame, group: str, day: str) -> dict[str, float]:
    """How the special teams of a group that are there on ``day`` share it."""
    there = [row for row in teams.itertuples() if row.kind == "bijzonder" and row.client_groups == group
             and row.valid_from <= day and (row.valid_to == "" or row.valid_to >= day)]  # fmt: skip
    total = sum(float(row.fte_verzekeringsarts) for row in there)
    return {row.team_id: float(row.fte_verzekeringsarts) / total for row in there}


def serves(group: str, pw: bool, config: Config) -> str:
    if group != "regulier" and (config.special_first or not pw):
        return "bijzonder"
    return "pw" if pw else "zw_wia"


def routing_before(tables: Mapping[str, pd.DataFrame], made: toy.Division, config: Config) -> Any:
    """Who had whom on 31 December 2025."""
    special = {group: share_of_fte(tables["teams"], group, "2025-12-31") for group in GROUPS[1:]}
    found = recount.routing_of_now(made.inputs.current, special, GROUPS)
    if config.special_first:
        for (pc4, group, pw, law, line), _ in list(found.items()):
            if group != "regulier" and pw:
                found[pc4, group, pw, law, line] = special[group]
    return found


def kept(moves: Mapping[tuple[Any, ...], int]) -> dict[tuple[str, str], int]:
    """(team, product) -> files that the team has after the transition."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for (_, product, _, _, _, _, team, _), clients in moves.items():
        if team != recount.CENTRE:
            found[team, product] += clients
    return found


def check_load(made: toy.Division, moves: Mapping[tuple[Any, ...], int], config: Config) -> None:
    """Routed work and files held, team by team, beside the two published tables."""
    shares = recount.routed(made.routing)
    inflow: dict[tuple[str, str], float] = defaultdict(float)
    structural: dict[str, float] = defaultdict(float)
    for row in made.work.itertuples():
        for line, part in recount.lines_of(row, row.vangnet_part).items():
            for team, share in shares[row.pc4, row.client_group, bool(row.pw_client), row.law, line].items():
                if row.product not in CENTRAL:
                    inflow[team, row.product] += row.inflow_clients * part * share
                    structural[team] += row.hours_verzekeringsarts * part * share
    held = kept(moves)
    first_year = {key: inflow.get(key, 0.0) + SHARE[key[1]] * held.get(key, 0) for key in {*inflow, *held}}
    ledger = made.outcome["team_ledger"].groupby(["team_id", "product"])[["files_held", "planned_clients"]].sum()
    for (team, product), planned in first_year.items():
        row = (
            ledger.loc[(team, product)]
            if (team, product) in ledger.index
            else {"files_held": 0, "planned_clients": 0.0}
        )
        assert row["files_held"] == held.get((team, product), 0), (team, product)
        assert row["planned_clients"] == pytest.approx(planned, abs=1e-6), (team, product)
    sums = made.load.groupby("team_id")[
        ["files_held", "hours_verzekeringsarts", "first_year_hours_verzekeringsarts", "first_year_hours_other"]
    ].sum()
    for team, row in sums.iterrows():
        hours = [planned * HOURS[product][0] * factor(config, product)
                 for (of, product), planned in first_year.items() if of == team]  # fmt: skip
        other = [planned * HOURS[product][1] * factor(config, product)
                 for (of, product), planned in first_year.items() if of == team]  # fmt: skip
        assert row["files_held"] == sum(clients for (of, _), clients in held.items() if of == team), team
        assert row["first_year_hours_verzekeringsarts"] == pytest.approx(sum(hours), abs=1e-6), team
        assert row["first_year_hours_other"] == pytest.approx(sum(other), abs=1e-6), team
        assert row["hours_verzekeringsarts"] == pytest.approx(structural.get(str(team), 0.0), abs=1e-6), team


def check_problems(made: toy.Division, config: Config) -> None:
    """What every problem divides beside what routing and files bring its teams: of the layer, and for the load of each
    team too. (Files that follow a split postcode go in whole clients, so that of one team differs from its share.)"""
    ledger = made.outcome["team_ledger"].to_dict("records")
    years = config.horizon_months / 12
    inflow_rows = made.inputs.inflow
    came = set(inflow_rows.loc[inflow_rows["clients"] > 0, "product"])
    for one in made.solved:
        layer, problem = one.layer, one.layer.problem
        mine = [row for row in ledger if row["team_id"] in problem.team_ids
                and layer.client_line in ("alle", row["client_line"])]  # fmt: skip
        base = 0.0 if problem.base_load is None else float(problem.base_load.sum())
        divided = float(problem.demand.sum()) + base
        load = made.load[
            (made.load["law_domain"] == layer.law_domain) & (made.load["client_line"] == layer.client_line)
        ]
        load = load.set_index("team_id")
        brought = 0.0
        for row in mine:
            hours, share = HOURS[row["product"]][0] * factor(config, row["product"]), SHARE[row["product"]]
            inflow, files = row["inflow_clients"], row["files_held"]
            if config.balance == "first_year":
                brought += (inflow + share * files) * hours
            elif row["product"] not in came:  # work that comes back
                brought += share * files * hours * years
            else:
                brought += (inflow * years + files) * hours
        if config.balance == "load":
            brought = sum(float(load.loc[team, "hours_verzekeringsarts"]) for team in problem.team_ids)
            for at, team in enumerate(problem.team_ids):
                of_team = float(problem.demand[one.plan == at].sum())
                assert of_team == pytest.approx(load.loc[team, "hours_verzekeringsarts"], abs=1e-6), (layer.key, team)
        assert divided == pytest.approx(brought, abs=1e-6), layer.key
        assert sum(load.loc[team, "target_hours"] for team in problem.team_ids) == pytest.approx(divided), layer.key


def check_once_in_force(made: toy.Division, moves: Mapping[tuple[Any, ...], int], config: Config) -> None:
    """With the division in force and the same stock every file for which the stock names a team is with the team that
    ``transition`` brought it to."""
    stock = made.inputs.stock
    nameless = set(stock.loc[stock["team_id"].isna(), STOCK_KEY].itertuples(index=False, name=None))
    held = files_in_stock(
        made.inputs, made.work, toy.areas(), now=made.allocation, routing_in_force=made.routing,
        files_in_force=made.outcome["files"], day=DAY, eve=DAY, config=config,
    )  # fmt: skip
    holders: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in held.itertuples():
        cell = (row.pc4, row.product, row.client_line, row.client_group, bool(row.pw_client))
        if cell not in nameless:
            holders[(*cell, recount.CENTRE if row.is_central else row.team_id)] += row.clients
    brought: dict[tuple[Any, ...], int] = defaultdict(int)
    for (*of, _, team, _), clients in moves.items():
        if tuple(of) not in nameless:
            brought[(*of, team)] += clients
    assert holders == brought


@given(countries(), SETTINGS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_the_model_of_work_adds_up(tables: dict[str, pd.DataFrame], values: dict[str, Any]) -> None:
    config = Config.from_values(values | {"tolerance": 0.9, "solver": {"iterations": 200, "seconds": 5.0}})
    with tempfile.TemporaryDirectory() as folder:
        made = toy.divide(Path(folder), tables, config)
    in_force = routing_before(tables, made, config)
    # Routing is total: each combination once, shares that sum to 1.
    shares = recount.routed(made.routing)
    assert len(shares) == 12 * len(GROUPS) * 2 * 3 * 2
    for segment, of in shares.items():
        assert sum(of.values()) == pytest.approx(1.0), segment
    # `files` applied to the stock is the transition, and that is the stock.
    moves = recount.transition(made, in_force)
    assert moves == recount.transition_of(made)
    stock: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in tables["stock"].itertuples():
        stock[row.pc4, row.product, row.client_line, row.client_group, row.pw_client == "true"] += int(row.clients)
    moved: dict[tuple[Any, ...], int] = defaultdict(int)
    for (*cell, _, _, _), clients in moves.items():
        moved[tuple(cell)] += clients
    assert moved == stock
    check_load(made, moves, config)
    check_problems(made, config)
    check_once_in_force(made, moves, config)
