"""A run of an invented country of six postcodes, small enough to count by hand, as it stands before publication.

Two regions side by side, neighbours joined by a dash or a bar::

    region 1 (line `alle`)      region 2 (two lines)
    1000 - 1001            -    1003 - 1004       ZW and WIA: A1 and A2 in region 1; V1 (vangnet), W1 (werkgever) in 2
      |      |                    |               PW: P in both regions
    1002 --- +                  1005              militair: M, klm: K, politie: Q

1000 is pinned to A1. 1001 is split, half to A1 and half to A2. Of 1002 the range 1002AA-1002MZ (338 of 676 letter
pairs, so half) goes to A1, the rest to A2. V1 is barred from nothing; W1 is barred from 1005 until a day that is past.

Every postcode has, a year, of each product and line it knows, 10 clients that come in and 2 in stock of which half is
planned: 11 planned clients. 1000 also has militair clients. CENTRAAL is nobody's load.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.input_tables import COMPLETED
from allocation.intake.offices import DOUBT_COLUMNS
from expectations.facts import InputFacts, LayerFacts, OutcomeFacts

PC4S = ["1000", "1001", "1002", "1003", "1004", "1005"]
REGION = {"1000": 1, "1001": 1, "1002": 1, "1003": 2, "1004": 2, "1005": 2}
EDGES = {1: [("1000", "1001"), ("1000", "1002"), ("1001", "1002")], 2: [("1003", "1004"), ("1003", "1005")]}
BETWEEN = [("1001", "1003")]
GROUPS = ["regulier", "militair", "klm", "politie"]
LINES = ["vangnet", "werkgever"]
PRODUCTS = {  # product: law, lines, hours of a verzekeringsarts, hours of others
    "WIA_EWT": ("WIA", LINES, 4.0, 6.0),
    "ZW_EZWB": ("ZW", ["vangnet"], 2.0, 3.0),
    "PW_ABA": ("PW", ["vangnet"], 3.0, 1.0),
    "CENTRAAL": ("WIA", LINES, 1.0, 1.0),
}
PLANNED = 11.0
CAPACITY = {"A1": 200.0, "A2": 200.0, "V1": 300.0, "W1": 150.0, "P": 180.0, "M": 100.0, "K": 100.0, "Q": 100.0}
TEAMS = {  # kind, regions, client_groups, client_lines, laws, office
    "A1": ("regulier", [1], None, "vangnet|werkgever", "ZW|WIA", "Almere"),
    "A2": ("regulier", [1], None, "vangnet|werkgever", "ZW|WIA", "Almere"),
    "V1": ("regulier", [2], None, "vangnet", "ZW|WIA", "Venlo"),
    "W1": ("regulier", [2], None, "werkgever", "WIA", "Venlo"),
    "P": ("participatiewet", [1, 2], None, "vangnet|werkgever", "PW", "Goes"),
    "M": ("bijzonder", [], "militair", "vangnet|werkgever", "ZW|WIA", "Utrecht"),
    "K": ("bijzonder", [], "klm", "vangnet|werkgever", "ZW|WIA", "Haarlem"),
    "Q": ("bijzonder", [], "politie", "vangnet|werkgever", "ZW|WIA", "Zwolle"),
}
LAYERS = {  # key: cluster, law domain, line, regions, teams
    "01_zw_wia_alle": ("Regio 1", "zw_wia", "alle", [1], ["A1", "A2"]),
    "02_zw_wia_vangnet": ("Regio 2", "zw_wia", "vangnet", [2], ["V1"]),
    "02_zw_wia_werkgever": ("Regio 2", "zw_wia", "werkgever", [2], ["W1"]),
    "01-02_pw_alle": ("Regio 1 + Regio 2", "pw", "alle", [1, 2], ["P"]),
}
KEY = ["pc4", "product", "client_line", "client_group", "pw_client"]
DAY = date(2026, 7, 1)
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


@dataclass
class SmallRun:
    """The tables of the run. A test changes one of them before the gate sees it. ``absent``: tables that are not there.

    ``in_force``: of the first gate's facts, those on the version in force.
    """

    areas: pd.DataFrame
    inputs: dict[str, pd.DataFrame]
    work: pd.DataFrame
    division_in_force: pd.DataFrame
    published_division: pd.DataFrame
    outcome: dict[str, pd.DataFrame]
    config: dict[str, Any] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    in_force: dict[str, Any] = field(default_factory=dict)
    demand_factor: dict[str, float] = field(default_factory=dict)

    def input_facts(self) -> InputFacts:
        """What the first gate is handed."""
        work = None if "work" in self.absent else as_kept(self.work)
        return InputFacts(self._present(self.inputs), work, as_kept(self.areas), self.config, DAY, **self.in_force)

    def outcome_facts(self) -> OutcomeFacts:
        """What the second gate is handed."""
        return OutcomeFacts(
            tables=self._present(self.outcome),
            given=self._present(self.inputs),
            work=as_kept(self.work),
            areas=as_kept(self.areas),
            division_in_force=as_kept(self.division_in_force),
            published_division=as_kept(self.published_division),
            layers=self._layers(),
            config=self.config,
            day=DAY,
        )

    def _present(self, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        return {name: as_kept(table) for name, table in tables.items() if name not in self.absent}

    def _layers(self) -> list[LayerFacts]:
        hours = _hours(pickle.dumps(self.work))
        return [self._layer(key, hours) for key in LAYERS]

    def _layer(self, key: str, hours: dict[Any, float]) -> LayerFacts:
        _, domain, line, regions, teams = LAYERS[key]
        units = [pc4 for pc4 in PC4S if REGION[pc4] in regions]
        pairs = [pair for region in regions for pair in EDGES[region]] + (BETWEEN if len(regions) == 2 else [])
        edges = np.array([[units.index(a), units.index(b)] for a, b in pairs])
        demand = np.array([hours[domain, line, pc4] for pc4 in units]) * self.demand_factor.get(key, 1.0)
        result = {"violations": [], "proof": None} | self.results.get(key, {})
        return LayerFacts(
            key, domain, line, tuple(regions), tuple(teams), np.array(units, dtype=object), edges, demand, result
        )


def as_kept(table: pd.DataFrame) -> pd.DataFrame:
    """The table as a run keeps it: Parquet gives every column one type."""
    return _kept(pickle.dumps(table)).copy()


@cache
def _kept(table: bytes) -> pd.DataFrame:
    """Most tables are the same in every test, and Parquet takes longer than the gate."""
    file = BytesIO()
    pickle.loads(table).to_parquet(file, index=False)
    return pd.read_parquet(file)


def small_run() -> SmallRun:
    """The run with nothing wrong with it. Made once; each test gets a copy of its own, which it may change."""
    made: SmallRun = pickle.loads(_pickled())
    return made


@cache
def _pickled() -> bytes:
    return pickle.dumps(_small_run())


def _small_run() -> SmallRun:
    work = _work()
    division = _division()
    config = {
        "tolerance": 0.05, "special_groups": GROUPS[1:], "special_first": False, "continuity": "stay",
        "balance": "load", "replaced_postcodes": {},
        "valid_from": None, "work": {"productive_hours_per_fte": 100.0, "growth": {}, "hours_factor": {}},
        "advice": {"lending_share": 0.1},
    }  # fmt: skip
    stock = _stock(work)
    expected = _expected(work)
    routing, transition = _routing(division), _transition(stock)
    ledger = _team_ledger(work, routing, transition)
    load = _team_load(division, expected, work, ledger)
    outcome = {
        "allocation": division,
        "routing": routing,
        "allocation_reason": _reasons(division),
        "team_load": load,
        "allocation_changes": _changes(),
        "transition": transition,
        "files": _files(transition),
        "team_ledger": ledger,
        "verzuimbeheer_routing": _verzuimbeheer_routing(routing),
        "team_network": _team_network(expected, division),
        "region_summary": _region_summary(expected, load),
        "expected": expected,
        "line_outcomes": _line_outcomes(load),
        "norm_estimates": _norm_estimates(),
        "capacity_advice": _capacity_advice(load),
        "handover_advice": _handover_advice(),
        "teams": _teams().drop(columns=["regions", "row"]),
    }
    areas = pd.DataFrame({
        "pc4": PC4S, "arbeidsmarktregio_nr": [REGION[p] for p in PC4S],
        "arbeidsmarktregio": [f"Regio {REGION[p]}" for p in PC4S], "inhabitants": 1000,
        "area_km2": 1.0, "is_valid": True,
    })  # fmt: skip
    inputs = {
        "inflow": _inflow(work), "stock": stock, "products": _products(), "teams": _teams(),
        "clusters": pd.DataFrame({"cluster": ["samen"], "arbeidsmarktregio": ["1"], "row": [2], "region": [1]}),
        "locks": _locks(), "care_regions": pd.DataFrame({"pc4": PC4S, "care_region": "GGD"}),
        "current": _in_force().drop(columns="law_domain").assign(row=2), "completed": _completed(),
        "verzuimbeheer": _verzuimbeheer(), "coverage": _coverage(),
        "travel": pd.DataFrame({"pc4": ["1000"], "office_pc4": ["1000"], "minutes": [4.0], "km": [1.5]}),
        "staff": pd.DataFrame({"pc4": ["1000"], "team_id": ["A2"], "staff": [1]}),
        "office_doubts": pd.DataFrame(columns=list(DOUBT_COLUMNS), dtype=object),
    }  # fmt: skip
    return SmallRun(areas, inputs, work, _in_force(), _in_force(), outcome, config)


def _completed() -> pd.DataFrame:
    """A1 finished three WIA_EWT in June in 13.5 hours; of V1 the hours are not known."""
    rows = [("2026-06", "A1", "WIA_EWT", "alle", 3, 13.5, 90.0), ("2026-06", "V1", "ZW_EZWB", "vangnet", 5, None, None)]
    return pd.DataFrame(rows, columns=list(COMPLETED.column_names))


def _row(**values: Any) -> dict[str, Any]:
    return values


def _lines(pc4: str, product: str) -> list[str]:
    return ["alle"] if REGION[pc4] == 1 and PRODUCTS[product][1] == LINES else PRODUCTS[product][1]


def _work() -> pd.DataFrame:
    rows = [(pc4, product, line, "regulier") for pc4 in PC4S for product in PRODUCTS for line in _lines(pc4, product)]
    rows.append(("1000", "WIA_EWT", "alle", "militair"))
    work = pd.DataFrame(rows, columns=KEY[:-1])
    work["pw_client"] = work["product"] == "PW_ABA"
    hours = work["product"].map({name: facts[2] for name, facts in PRODUCTS.items()})
    other = work["product"].map({name: facts[3] for name, facts in PRODUCTS.items()})
    return work.assign(
        law=work["product"].map({name: facts[0] for name, facts in PRODUCTS.items()}),
        is_central=work["product"] == "CENTRAAL", inflow_clients=10.0, stock_clients=2, known_stock=2.5,
        planned_clients=PLANNED, hours_verzekeringsarts=PLANNED * hours, hours_other=PLANNED * other,
        stock_hours_verzekeringsarts=2 * hours, hours_sd=1.0, rate_region=work["pc4"].map(REGION).astype(str),
    )  # fmt: skip


def _inflow(work: pd.DataFrame) -> pd.DataFrame:
    counts = work[KEY].merge(pd.DataFrame({"month": MONTHS}), how="cross")
    return counts.assign(clients=1)[["month", *KEY, "clients"]]


def _stock(work: pd.DataFrame) -> pd.DataFrame:
    """The holder of the files is who had the postcode: A2 had 1000, and A0, which has ended, had 1001."""
    held = {"1000": "A2", "1001": "A0", "1002": "A2"}
    teams = [
        "M" if group == "militair" else "P" if product == "PW_ABA"
        else held.get(pc4) or ("W1" if line == "werkgever" else "V1")
        for pc4, product, line, group, _ in work[KEY].itertuples(index=False)
    ]  # fmt: skip
    stock = work[KEY].assign(reference_date=pd.Timestamp("2026-06-30"), clients=2, team_id=teams)
    return stock[["reference_date", *KEY, "clients", "team_id"]]


def _products() -> pd.DataFrame:
    rows = [
        (name, law, "|".join(lines), hours, other, 0.5, 1, "central" if name == "CENTRAAL" else "team", row)
        for row, (name, (law, lines, hours, other)) in enumerate(PRODUCTS.items(), start=2)
    ]
    return pd.DataFrame(rows, columns=[
        "product", "law", "client_lines", "hours_verzekeringsarts", "hours_other", "planned_stock_share", "priority",
        "handled_by", "row",
    ])  # fmt: skip


def _teams() -> pd.DataFrame:
    rows = [
        _row(
            team_id=team, name=f"SMC {team}", office=office, office_pc4="1000",
            arbeidsmarktregio="|".join(map(str, regions)) or "-", kind=kind, client_groups=groups, client_lines=lines,
            laws=laws, fte_verzekeringsarts=CAPACITY[team] / 100, fte_other=5.0, productivity=1.0,
            valid_from=pd.Timestamp("2024-01-01"), valid_to=pd.NaT, verzuimbeheer_code=None, row=row, regions=regions,
        )
        for row, (team, (kind, regions, groups, lines, laws, office)) in enumerate(TEAMS.items(), start=2)
    ]  # fmt: skip
    ended = rows[0] | {"team_id": "A0", "valid_to": pd.Timestamp("2026-06-30"), "row": len(rows) + 2}
    return pd.DataFrame([*rows, ended])


def _locks() -> pd.DataFrame:
    """pc4, team, kind, share, line, reason, last day, row, area, first PC6, last PC6."""
    return pd.DataFrame(
        [
            ("1000", "A1", "pin", None, None, "pand", None, 2, "1000", None, None),
            ("1001", "A1", "split", 0.5, None, "privacy", None, 3, "1001", None, None),
            ("1001", "A2", "split", 0.5, None, "privacy", None, 4, "1001", None, None),
            ("1002AA-1002MZ", "A1", "split", 1.0, None, "privacy", None, 5, "1002", "1002AA", "1002MZ"),
            ("1005", "W1", "bar", None, None, "staf", "2026-01-01", 6, "1005", None, None),
            ("1003", "W1", "bar", None, "vangnet", "staf", None, 7, "1003", None, None),
        ],
        columns=["pc4", "team_id", "kind", "share", "client_line", "reason", "valid_until", "row", "area", "pc6_from",
                 "pc6_to"],
    ).assign(valid_until=lambda t: pd.to_datetime(t["valid_until"]))  # fmt: skip


def _division() -> pd.DataFrame:
    rows = [(pc4, "alle", "pw", "P", 1.0) for pc4 in PC4S]
    rows += [("1000", "alle", "zw_wia", "A1", 1.0)]
    rows += [(pc4, "alle", "zw_wia", team, 0.5) for pc4 in ("1001", "1002") for team in ("A1", "A2")]
    rows += [
        (pc4, line, "zw_wia", team, 1.0) for pc4 in PC4S[3:] for line, team in (("vangnet", "V1"), ("werkgever", "W1"))
    ]
    return pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_id", "share"])


def _in_force() -> pd.DataFrame:
    """As ``_division``, but 1000 still with A2 and 1001 wholly with A0, which has ended since."""
    rest = _division()[lambda t: ~(t["pc4"].isin(["1000", "1001"]) & (t["law_domain"] == "zw_wia"))]
    rows = [("1000", "alle", "zw_wia", "A2", 1.0), ("1001", "alle", "zw_wia", "A0", 1.0)]
    return pd.concat([rest, pd.DataFrame(rows, columns=rest.columns)], ignore_index=True)


def _changes() -> pd.DataFrame:
    rows = [("1000", "A2", "A1", 1.0), ("1001", "A0", "A1", 0.5), ("1001", "A0", "A2", 0.5)]
    return pd.DataFrame(rows, columns=["pc4", "team_from", "team_to", "share"]).assign(
        client_line="alle", law_domain="zw_wia", clients=5.0, hours=10.0, from_version=None
    )


def _routing(division: pd.DataFrame) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for pc4, line, domain, team, share in division.itertuples(index=False):
        pc6 = ("1002AA", "1002MZ") if (pc4, team) == ("1002", "A1") else (None, None)
        if domain == "pw":
            segments = [("ZW", True), ("WIA", True), ("PW", True), ("PW", False)]
            rows += [(pc4, *pc6, g, pw, law, one, team, share) for g in GROUPS for law, pw in segments for one in LINES]
            continue
        for law in ("ZW", "WIA"):
            asked = LINES if line == "alle" or (law == "ZW" and line == "vangnet") else [line]
            asked = [] if law == "ZW" and line == "werkgever" else asked
            rows += [(pc4, *pc6, "regulier", False, law, one, team, share) for one in asked]
    for group, team in (("militair", "M"), ("klm", "K"), ("politie", "Q")):
        rows += [
            (pc4, None, None, group, False, law, one, team, 1.0)
            for pc4 in PC4S for law in ("ZW", "WIA") for one in LINES
        ]  # fmt: skip
    columns = ["pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line", "team_id", "share"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(office=table["team_id"].map({team: facts[5] for team, facts in TEAMS.items()}))


def _team_ledger(work: pd.DataFrame, routing: pd.DataFrame, transition: pd.DataFrame) -> pd.DataFrame:
    """Line by line: who gets which part of each row of work, and who holds which files."""
    amounts: dict[tuple[str, str, str], list[float]] = {}
    for row in work[~work["is_central"]].itertuples():
        lines = PRODUCTS[row.product][1] if row.client_line == "alle" else [row.client_line]
        for line in lines:
            of_line = routing[
                (routing["pc4"] == row.pc4) & (routing["client_group"] == row.client_group)
                & (routing["pw_client"] == row.pw_client) & (routing["law"] == row.law)
                & (routing["client_line"] == line)
            ]  # fmt: skip
            for team, share in zip(of_line["team_id"], of_line["share"], strict=True):
                amounts.setdefault((team, row.product, line), [0.0, 0.0])[0] += row.inflow_clients * share / len(lines)
    for row in transition[transition["product"] != "CENTRAAL"].itertuples():
        lines = PRODUCTS[row.product][1] if row.client_line == "alle" else [row.client_line]
        of_line = amounts.setdefault((row.team_to, row.product, lines[0]), [0.0, 0.0])
        of_line[1] += row.clients
    rows = []
    for (team, product, line), (inflow, files) in sorted(amounts.items()):
        planned = inflow + 0.5 * files
        _, _, hours, other = PRODUCTS[product]
        rows.append((team, product, line, int(files), inflow, planned, planned * hours, planned * other))
    columns = ["team_id", "product", "client_line", "files_held", "inflow_clients", "planned_clients",
               "hours_verzekeringsarts", "hours_other"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _files(transition: pd.DataFrame) -> pd.DataFrame:
    """What the transition says, for any consumer: a row per holder, segment and postcode."""
    rows = set()
    for row in transition[transition["product"] != "CENTRAAL"].itertuples():
        law = PRODUCTS[row.product][0]
        team_to = row.team_to if row.movement == "blijft" else "*"
        for line in LINES if row.client_line == "alle" else [row.client_line]:
            rows.add((row.team_from, law, line, row.client_group, row.pw_client, row.pc4, team_to, row.movement))
    columns = ["team_from", "law", "client_line", "client_group", "pw_client", "pc4", "team_to", "movement"]
    return pd.DataFrame(sorted(rows), columns=columns).assign(reason="reden")


def _verzuimbeheer() -> pd.DataFrame:
    """Region 1 has 33 + 33 hours of ZW work with A1 and A2, region 2 has 66 with V1, over two groups of 2 and 1 fte."""
    rows = [("GA", "A1|A2", 2.0, 2), ("GV", "V1", 2.0, 3), ("GW", "V1", 1.0, 4), ("GP", "P|M|K|Q", 1.0, 5)]
    table = pd.DataFrame(rows, columns=["group_code", "team_id", "fte", "row"])
    return table.assign(valid_from=pd.Timestamp("2024-01-01"), valid_to=pd.NaT).astype({"valid_to": "datetime64[ns]"})


def _verzuimbeheer_routing(routing: pd.DataFrame) -> pd.DataFrame:
    """Of V1's three postcodes, each with 22 hours of ZW work, 1005 has the small group: exactly its third."""
    group = {"A1": "GA", "A2": "GA", "V1": "GV", "P": "GP", "M": "GP", "K": "GP", "Q": "GP"}
    rows = routing[(routing["law"] == "ZW") & (routing["client_line"] == "vangnet")]
    rows = rows.drop(columns=["client_line", "office"]).assign(group_code=rows["team_id"].map(group))
    rows.loc[(rows["team_id"] == "V1") & (rows["pc4"] == "1005"), "group_code"] = "GW"
    return rows.reset_index(drop=True)


def _coverage() -> pd.DataFrame:
    """GGZ Noord has all of 1003 and 0.4 of 1004; nobody the rest."""
    rows = [("1003", "ggz", "GGZ Noord", 1.0), ("1004", "ggz", "GGZ Noord", 0.4)]
    return pd.DataFrame(rows, columns=["pc4", "kind", "provider", "share"]).assign(form=None, contact=None)


def _team_network(expected: pd.DataFrame, division: pd.DataFrame) -> pd.DataFrame:
    """Everybody lies in the care region GGD; V1, W1 and P work with GGZ Noord."""
    rows = division.merge(expected, on=["pc4", "client_line", "law_domain"])
    rows = rows.assign(clients=rows["clients"] * rows["share"], hours=rows["hours"] * rows["share"])
    whole = rows.groupby("team_id")["hours"].sum()
    part = {"GGD": dict.fromkeys(PC4S, 1.0), "GGZ Noord": {"1003": 1.0, "1004": 0.4}}
    frames = []
    for provider, kind in (("GGD", "care_region"), ("GGZ Noord", "ggz")):
        here = rows["pc4"].map(part[provider]).fillna(0.0)
        sums = rows.assign(clients=rows["clients"] * here, hours=rows["hours"] * here)
        sums = sums.groupby("team_id")[["clients", "hours"]].sum().query("clients > 0").reset_index()
        frames.append(sums.assign(kind=kind, provider=provider, teams_at_provider=len(sums),
                                  provider_share=sums["clients"] / sums["clients"].sum()))  # fmt: skip
    table = pd.concat(frames, ignore_index=True)
    return table.assign(
        clients_per_year=table["clients"], team_share=table["hours"] / table["team_id"].map(whole), form=None,
        contact=None,
    ).drop(columns=["clients", "hours"])  # fmt: skip


def _reasons(division: pd.DataFrame) -> pd.DataFrame:
    table = division[["pc4", "client_line", "law_domain"]].drop_duplicates(ignore_index=True)
    return table.assign(rule="verdeling", reason="verdeling naar werk")


def _expected(work: pd.DataFrame) -> pd.DataFrame:
    """Work of line `alle` is halved over the lines."""
    mine = work[((work["client_group"] == "regulier") | work["pw_client"]) & ~work["is_central"]]
    rows = []
    for pc4 in PC4S:
        for domain in ("zw_wia", "pw"):
            here = mine[(mine["pc4"] == pc4) & (mine["pw_client"] == (domain == "pw"))]
            for line in ("alle", *LINES):
                part = here["client_line"].map({line: 1.0, "alle": 0.5}).fillna(0.0) if line != "alle" else 1.0
                clients, hours = (float((here[c] * part).sum()) for c in ("planned_clients", "hours_verzekeringsarts"))
                rows.append((pc4, line, domain, clients, hours))
    made = pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "clients", "hours"])
    return made.assign(clients_seen=made["clients"], hours_seen=made["hours"])


@cache
def _hours(work: bytes) -> dict[Any, float]:
    """Expected hours by law domain, line and postcode."""
    hours = _expected(pickle.loads(work)).set_index(["law_domain", "client_line", "pc4"])["hours"]
    return hours.to_dict()


def _team_load(
    division: pd.DataFrame, expected: pd.DataFrame, work: pd.DataFrame, ledger: pd.DataFrame
) -> pd.DataFrame:
    rows = division.merge(expected, on=["pc4", "client_line", "law_domain"])
    rows = rows.assign(clients=rows["clients"] * rows["share"], hours=rows["hours"] * rows["share"])
    table = rows.groupby(["team_id", "law_domain", "client_line"], as_index=False).agg(
        areas=("pc4", "nunique"), clients_per_year=("clients", "sum"), hours_verzekeringsarts=("hours", "sum")
    )
    special = pd.DataFrame({
        "team_id": ["M", "K", "Q"], "law_domain": "zw_wia", "client_line": "alle", "areas": [1, 0, 0],
        "clients_per_year": [PLANNED, 0.0, 0.0], "hours_verzekeringsarts": [44.0, 0.0, 0.0],
    })  # fmt: skip
    table = pd.concat([table, special], ignore_index=True)
    cluster = {team: told[0] for told in LAYERS.values() for team in told[4]}
    table["cluster"] = table["team_id"].map(cluster).fillna("landelijk")
    table["capacity_hours_verzekeringsarts"] = table["team_id"].map(CAPACITY)
    by = table["cluster"] + table["law_domain"] + table["client_line"]
    hours, capacity = (
        table.groupby(by)[c].transform("sum") for c in ("hours_verzekeringsarts", "capacity_hours_verzekeringsarts")
    )
    target = hours * table["capacity_hours_verzekeringsarts"] / capacity
    table["target_hours"] = target.where(table["cluster"] != "landelijk", table["hours_verzekeringsarts"])
    off = table["hours_verzekeringsarts"] - table["target_hours"]
    table["deviation"] = (off / table["target_hours"].where(table["target_hours"] > 0)).fillna(0.0)
    table["tolerance"] = 0.4
    held = ledger.groupby("team_id")[["files_held", "hours_verzekeringsarts", "hours_other"]].sum()
    held = held.reindex(table["team_id"], fill_value=0).reset_index(drop=True)
    table = table.assign(
        files_held=held["files_held"].astype("int64"), files_held_hours_verzekeringsarts=10.0,
        first_year_hours_verzekeringsarts=held["hours_verzekeringsarts"], first_year_hours_other=held["hours_other"],
        projected_waiting_months=1.0,
    )  # fmt: skip
    return table.assign(
        name="SMC " + table["team_id"], office=table["team_id"].map({t: f[5] for t, f in TEAMS.items()}),
        kind=table["team_id"].map({t: f[0] for t, f in TEAMS.items()}), inhabitants=1000.0 * table["areas"],
        hours_other=10.0, hours_low=table["hours_verzekeringsarts"] * 0.9,
        hours_high=table["hours_verzekeringsarts"] * 1.1,
        capacity_hours_other=500.0, is_within_tolerance=table["deviation"].abs() <= 0.4, pieces=1,
        travel_km=None, travel_kind=None, travel_minutes=None, far_share=0.0,
        stock_clients=4, stock_hours_verzekeringsarts=10.0, waiting_months=1.0,
        chance_within_tolerance=lambda rows: rows["kind"].map({"regulier": 0.8, "participatiewet": 0.9}),
    )  # fmt: skip


def _region_summary(expected: pd.DataFrame, load: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for cluster, domain, line, regions, teams in LAYERS.values():
        for nr in regions:
            mine = expected[expected["pc4"].map(REGION).eq(nr) & expected["law_domain"].eq(domain)]
            hours = float(mine.loc[mine["client_line"] == line, "hours"].sum())
            rows.append(_row(
                arbeidsmarktregio_nr=nr, arbeidsmarktregio=f"Regio {nr}", cluster=cluster, law_domain=domain,
                client_line=line, teams=len(teams), areas=3, inhabitants=3000, hours_verzekeringsarts=hours,
                mean_deviation=0.0, max_deviation=0.0, travel_km=None, travel_kind=None,
                municipality_splits=0, care_region_splits=0,
                areas_moved=0, clients_moved=0, waiting_months=1.0, objective=1.0, lower_bound=None, gap=None,
            ))  # fmt: skip
    return pd.DataFrame(rows)


def _line_outcomes(load: pd.DataFrame) -> pd.DataFrame:
    """Of P half is in each region. June, the only month of finished work: 3 clients of A1 and 5 of V1."""
    finished = {"01_zw_wia_alle": 3.0, "02_zw_wia_vangnet": 5.0}
    rows = []
    for key, (_, domain, line, regions, teams) in LAYERS.items():
        mine = load[load["team_id"].isin(teams)]
        for at, nr in enumerate(regions):
            part = 1 / len(regions)
            files = int(mine["files_held"].sum())
            rows.append(_row(
                arbeidsmarktregio_nr=nr, arbeidsmarktregio=f"Regio {nr}", district=None, law_domain=domain,
                client_line=line, asked_hours_verzekeringsarts=mine["first_year_hours_verzekeringsarts"].sum() * part,
                available_hours_verzekeringsarts=mine["capacity_hours_verzekeringsarts"].sum() * part,
                planned_clients=100.0, files_held=files // len(regions) + (at < files % len(regions)),
                waiting_months=1.0, projected_waiting_months=1.0, months=1, finished_clients=finished.get(key),
                finished_planned_clients=None, lead_time_days=None,
            ))  # fmt: skip
    return pd.DataFrame(rows).astype({"district": object, "finished_planned_clients": "float64"})


def _handover_advice() -> pd.DataFrame:
    """A2 would give A1 both files of 1000 that it holds of a product."""
    row = _row(
        law_domain="zw_wia", client_line="alle", arbeidsmarktregio_nr=1, team_from="A2", team_to="A1", pc4="1000",
        product="ZW_EZWB", clients=2, rest_clients=0, hours=4.0,
    )  # fmt: skip
    return pd.DataFrame([row])


def _capacity_advice(load: pd.DataFrame) -> pd.DataFrame:
    """Region 2 lends ten hours of verzekeringsartsen to region 1. Of P half is in each region."""
    rows = []
    for profession, asked, available in (
        ("verzekeringsarts", "first_year_hours_verzekeringsarts", "capacity_hours_verzekeringsarts"),
        ("other", "first_year_hours_other", "capacity_hours_other"),
    ):
        for nr, teams, domain, part in (
            (1, ["A1", "A2"], "zw_wia", 1.0), (2, ["V1", "W1"], "zw_wia", 1.0),
            (1, ["P"], "pw", 0.5), (2, ["P"], "pw", 0.5),
        ):  # fmt: skip
            mine = load[load["team_id"].isin(teams)]
            loan = 10.0 if (domain, profession) == ("zw_wia", "verzekeringsarts") else 0.0
            rows.append(_row(
                arbeidsmarktregio_nr=nr, arbeidsmarktregio=f"Regio {nr}", district=None, law_domain=domain,
                profession=profession, asked_hours=float(mine[asked].sum()) * part,
                available_hours=float(mine[available].sum()) * part, waiting_months=1.0, projected_waiting_months=0.5,
                reached="[]", first_priority_short=None, fte_hours=100.0, fte_value_months=0.1, fte_placed=0,
                lent_hours=loan if nr == 2 else 0.0, borrowed_hours=loan if nr == 1 else 0.0, loans="[]",
                lending_months=0.5, is_lending_proven=True, waiting_after_lending_months=0.5,
            ))  # fmt: skip
    return pd.DataFrame(rows).astype({"district": object, "first_priority_short": "Int64"})


def _norm_estimates() -> pd.DataFrame:
    rows = [("hours", None, "WIA_EWT", 4.0, 4.1, 3.9, 4.3), ("productivity", "A1", None, 1.0, 1.02, 0.9, 1.1)]
    columns = ["kind", "team_id", "product", "in_use", "estimate", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(clients=3, worked_share=0.9, disagrees=False)


def _transition(stock: pd.DataFrame) -> pd.DataFrame:
    """Who has an active team stays there; the two clients of A0, which has ended, go one to A1 and one to A2."""
    table = stock[[*KEY, "team_id", "clients"]].rename(columns={"team_id": "team_from"})
    central = table["product"] == "CENTRAAL"
    table.loc[central, "team_from"] = "CENTRAAL"
    ended = table["team_from"] == "A0"
    stay = table[~ended].assign(team_to=lambda t: t["team_from"])
    move = [table[ended].assign(team_to=team, clients=1) for team in ("A1", "A2")]
    # ZW clients in 1001 have line vangnet; the split counts for both lines there
    rows = pd.concat([stay, *move], ignore_index=True)
    return rows.assign(movement=np.where(rows["team_from"] == rows["team_to"], "blijft", "verhuist"), reason="reden")


Change = Callable[[SmallRun], None]
