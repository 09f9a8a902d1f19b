"""A country small enough to check by hand, and its input folder.

Twelve postcodes of 1 km x 1 km, two regions of six, four gemeenten of three::

      x=0   1     2     3
    y=2 1009 1010 | 1011 1012
    y=1 1005 1006 | 1007 1008
    y=0 1001 1002 | 1003 1004
        West (1)    Oost (2)

Every postcode has 1,000 inhabitants and each month one WIA_EWT and one PW_ABA client; two are in stock. Teams: W1 and
W2 in West, O1 and O2 in Oost, P1 for the Participatiewet everywhere, M1, K1 and L1 for the special groups.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import box

from allocation.contract.config import Config, Work
from allocation.demand.expected import expected_work
from allocation.intake.inputs import Inputs, load_inputs
from allocation.layers.build import build_layers
from allocation.layers.layer import Layer
from allocation.layers.solving import beside, second_lines, solve_problem
from allocation.layers.ways import Ways, ways
from allocation.outcome.assemble import TABLES, Outcome
from allocation.outcome.finished import PlanInForce
from allocation.outcome.in_force import files_in_stock, no_files, no_routing
from allocation.outcome.routing import assigned_parts
from allocation.outcome.solved import Solved
from allocation.outcome.verzuimbeheer import NO_GROUPS_IN_FORCE

POSTCODES = [str(1001 + i) for i in range(12)]
T = TypeVar("T")
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


def areas() -> pd.DataFrame:
    """One row per postcode, as ``geodata`` gives them, without polygons."""
    column, row = [i % 4 for i in range(12)], [i // 4 for i in range(12)]
    region = [1 + (c >= 2) for c in column]
    return pd.DataFrame(
        {
            "pc4": POSTCODES,
            "place": "Dorp",
            "gemeente_code": [f"{1 + c:04d}" for c in column],
            "gemeente_name": [f"Gemeente {1 + c}" for c in column],
            "arbeidsmarktregio_nr": region,
            "arbeidsmarktregio": [("West", "Oost")[nr - 1] for nr in region],
            "care_region": "GGD Toy",
            "inhabitants": pd.array([1000] * 12, dtype="Int64"),
            "x_m": [100_500.0 + 1000 * c for c in column],
            "y_m": [400_500.0 + 1000 * r for r in row],
            "area_km2": 1.0,
            "is_valid": True,
        }
    )


def polygons() -> gpd.GeoDataFrame:
    """The same with its squares, in RD New."""
    frame = areas()
    squares = [box(x - 500, y - 500, x + 500, y + 500) for x, y in zip(frame["x_m"], frame["y_m"], strict=True)]
    return gpd.GeoDataFrame(frame, geometry=squares, crs=28992)


def edges() -> pd.DataFrame:
    """Neighbours that share a side, 1,000 m each."""
    pairs = [(i, i + 1) for i in range(12) if i % 4 < 3] + [(i, i + 4) for i in range(8)]
    rows = [(POSTCODES[a], POSTCODES[b], 1000.0, "border", "") for a, b in pairs]
    return pd.DataFrame(rows, columns=["a", "b", "border_m", "kind", "reason"])


def no_bridges(_groups: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(columns=["a", "b", "border_m", "kind", "reason"])


def straight_network(offices: Sequence[str]) -> pd.DataFrame:
    """Kilometres in a straight line in the form of those through the network: the toy country has no water."""
    places = areas().set_index("pc4")
    x, y = places["x_m"].to_numpy(), places["y_m"].to_numpy()
    km = {one: np.hypot(x - places.at[one, "x_m"], y - places.at[one, "y_m"]) / 1000 for one in offices}
    return pd.DataFrame(km, index=places.index)


def team(team_id: str, region: str, office_pc4: str, **changes: Any) -> dict[str, Any]:
    """A row of ``teams``; a regular team that serves both lines unless told otherwise."""
    row = {
        "team_id": team_id,
        "name": f"SMC {team_id}",
        "office": "Utrecht",
        "office_pc4": office_pc4,
        "arbeidsmarktregio": region,
        "kind": "regulier",
        "client_groups": "",
        "client_lines": "vangnet|werkgever",
        "laws": "ZW|WIA",
        "fte_verzekeringsarts": "1.0",
        "fte_other": "2.0",
        "productivity": "1.0",
        "valid_from": "2024-01-01",
        "valid_to": "",
    }
    return row | changes


def tables() -> dict[str, pd.DataFrame]:
    """Every input file as texts, to be changed by a test before it is written."""
    counts = [(pc4, product) for pc4 in POSTCODES for product in ("WIA_EWT", "PW_ABA")]
    inflow = [
        (month, pc4, product, "alle" if product == "WIA_EWT" else "vangnet", "regulier", "1")
        for month in MONTHS
        for pc4, product in counts
    ]
    stock = [
        ("2025-12-31", pc4, product, "alle" if product == "WIA_EWT" else "vangnet", "regulier", "2", "")
        for pc4, product in counts
    ]
    products = [
        ("WIA_EWT", "WIA", "vangnet|werkgever", "4", "6", "0.5", "1", "team"),
        ("ZW_EZWB", "ZW", "vangnet", "3", "4", "0.5", "2", "team"),
        ("PW_ABA", "PW", "vangnet", "2", "3", "0.5", "1", "team"),
        ("WIA_HERB", "WIA", "vangnet|werkgever", "3", "3", "0.1", "5", "central"),
    ]
    teams = [
        team("W1", "1", "1001"),
        team("W2", "West", "1009"),
        team("O1", "2", "1004"),
        team("O2", "Oost", "1012"),
        team("P1", "1|2", "1006", kind="participatiewet", laws="PW|ZW|WIA"),
        *(
            team(code, "1", "1006", kind="bijzonder", client_groups=group, laws="ZW|WIA|PW")
            for code, group in (("M1", "militair"), ("K1", "klm"), ("L1", "politie"))
        ),
    ]
    division = {
        "W1": ["1001", "1002", "1005"],
        "W2": ["1006", "1009", "1010"],
        "O1": ["1003", "1004", "1008"],
        "O2": ["1007", "1011", "1012"],
    }
    current = [(pc4, "alle", team_id, "1") for team_id, held in division.items() for pc4 in held]
    current += [(pc4, "alle", "P1", "1") for pc4 in POSTCODES]
    names = {
        "inflow": ["month", "pc4", "product", "client_line", "client_group", "clients"],
        "stock": ["reference_date", "pc4", "product", "client_line", "client_group", "clients", "team_id"],
        "products": ["product", "law", "client_lines", "hours_verzekeringsarts", "hours_other",
                     "planned_stock_share", "priority", "handled_by"],
        "current": ["pc4", "client_line", "team_id", "share"],
    }  # fmt: skip
    rows = {"inflow": inflow, "stock": stock, "products": products, "current": current}
    made = {name: pd.DataFrame(values, columns=names[name]) for name, values in rows.items()}
    return made | {
        "teams": pd.DataFrame(teams),
        "locks": locks(),
        "clusters": pd.DataFrame(columns=["cluster", "arbeidsmarktregio"]),
    }


def locks(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
    """Locks as (pc4, team_id, kind, share, client_line)."""
    frame = pd.DataFrame(list(rows), columns=["pc4", "team_id", "kind", "share", "client_line"])
    return frame.assign(reason="afspraak", valid_until="")[
        ["pc4", "team_id", "kind", "share", "client_line", "reason", "valid_until"]
    ]


def write(folder: Path, changed: dict[str, pd.DataFrame] | None = None) -> Path:
    """The input folder as CSV, with some tables changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (tables() | (changed or {})).items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


_MADE: dict[bytes, bytes] = {}


def _once(make: Callable[..., T], folder: Path, *given: Any) -> T:
    """What ``make`` makes of ``given``, made once for all tests that ask for the same; each gets a copy of its own."""
    asked = hashlib.sha256(pickle.dumps((make.__name__, *given))).digest()
    if asked not in _MADE:
        _MADE[asked] = pickle.dumps(make(folder, *given))
    made: T = pickle.loads(_MADE[asked])
    return made


class Tables(Mapping[str, pd.DataFrame]):
    """The tables of a division, each made when a test asks for it first; every test gets copies of its own."""

    def __init__(self, given: Outcome) -> None:
        self.given = given

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in TABLES:
            raise KeyError(name)
        made: pd.DataFrame = getattr(self.given, name)
        return made.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)

    def __reduce__(self) -> tuple[Callable[[int], Tables], tuple[int]]:
        """Copies of a division share what was made of it."""
        _TABLES[id(self)] = self
        return _kept, (id(self),)


_TABLES: dict[int, Tables] = {}


def _kept(number: int) -> Tables:
    return _TABLES[number]


@dataclass(frozen=True)
class Division:
    """What the steps between the input folder and the published tables make of it."""

    inputs: Inputs
    work: pd.DataFrame
    solved: list[Solved]
    outcome: Mapping[str, pd.DataFrame]

    @property
    def layers(self) -> list[Layer]:
        return [one.layer for one in self.solved]

    @property
    def plans(self) -> list[Any]:
        return [one.plan for one in self.solved]

    @property
    def parts(self) -> pd.DataFrame:
        return assigned_parts(self.layers, self.plans)

    @property
    def allocation(self) -> pd.DataFrame:
        return self.outcome["allocation"]

    @property
    def routing(self) -> pd.DataFrame:
        return self.outcome["routing"]

    @property
    def changes(self) -> pd.DataFrame:
        return self.outcome["allocation_changes"]

    @property
    def transition(self) -> pd.DataFrame:
        return self.outcome["transition"]

    @property
    def load(self) -> pd.DataFrame:
        return self.outcome["team_load"]

    @property
    def regions(self) -> pd.DataFrame:
        return self.outcome["region_summary"]

    def team_of(self, pc4: str, line: str = "alle", domain: str = "zw_wia") -> set[str]:
        """The teams of a postcode in a layer."""
        rows = self.allocation.query("pc4 == @pc4 and client_line == @line and law_domain == @domain")
        return set(rows["team_id"])

    def routed(
        self, pc4: str, group: str = "regulier", law: str = "WIA", line: str = "vangnet", *, pw_client: bool = False
    ) -> dict[str, float]:
        """Shares by team of one routing combination."""
        pw = pw_client or law == "PW"  # noqa: F841 (the query reads it)
        rows = self.routing.query(
            "pc4 == @pc4 and client_group == @group and pw_client == @pw and law == @law and client_line == @line"
        )
        return dict(zip(rows["team_id"], rows["share"], strict=True))


@dataclass(frozen=True)
class Built:
    """What there is before anything is solved. ``now``: the division in force, with its law domains."""

    inputs: Inputs
    places: pd.DataFrame
    now: pd.DataFrame
    work: pd.DataFrame
    held: pd.DataFrame
    layers: list[Layer]
    day: date
    config: Config
    ways: Ways


def build(
    folder: Path,
    changed: dict[str, pd.DataFrame] | None = None,
    config: Config | None = None,
    full_postcodes: pd.DataFrame | None = None,
) -> Built:
    """The chain on the toy country up to its problems. The planning day is 2026-01-01."""
    return _once(_build, folder, changed or {}, config or Config(), full_postcodes)


def _build(
    folder: Path, changed: dict[str, pd.DataFrame], config: Config, full_postcodes: pd.DataFrame | None
) -> Built:
    places = areas()
    inputs = load_inputs(write(folder, changed), places, config)
    if full_postcodes is not None:
        inputs = replace(inputs, full_postcodes=full_postcodes)
    kind = inputs.teams.drop_duplicates("team_id").set_index("team_id")["kind"]
    is_pw = inputs.current["team_id"].map(kind).eq("participatiewet")
    now = inputs.current.assign(law_domain=is_pw.map({True: "pw", False: "zw_wia"}))
    inputs = replace(inputs, current=now)
    day = config.valid_from or date(2026, 1, 1)
    work = _once(_work, folder, inputs.inflow, inputs.stock, inputs.products, config.work)
    held = files_in_stock(
        inputs,
        work,
        places,
        now=now,
        routing_in_force=no_routing(),
        files_in_force=no_files(),
        day=day,
        eve=day - timedelta(days=1),
        config=config,
    )
    known = ways(config.distance, inputs.travel, list(inputs.teams["office_pc4"]), straight_network)
    layers = build_layers(inputs, work, places, edges(), no_bridges, config, day, held, known)
    return Built(inputs, places, now, work, held, layers, day, config, known)


def _work(_: Path, inflow: pd.DataFrame, stock: pd.DataFrame, products: pd.DataFrame, settings: Work) -> pd.DataFrame:
    """The expected work, which depends on nothing else: ``same_work`` counts on that too."""
    inputs: Any = SimpleNamespace(inflow=inflow, stock=stock, products=products)
    return expected_work(inputs, areas(), Config(work=settings))


def divide(
    folder: Path,
    changed: dict[str, pd.DataFrame] | None = None,
    config: Config | None = None,
    full_postcodes: pd.DataFrame | None = None,
    plan_in_force: PlanInForce | None = None,
    groups_in_force: pd.DataFrame = NO_GROUPS_IN_FORCE,
) -> Division:
    """The whole chain on the toy country, without store, files or Airflow."""
    return _once(_divide, folder, changed or {}, config or Config(), full_postcodes, plan_in_force, groups_in_force)


def _divide(
    folder: Path,
    changed: dict[str, pd.DataFrame],
    config: Config,
    full_postcodes: pd.DataFrame | None,
    plan_in_force: PlanInForce | None,
    groups_in_force: pd.DataFrame,
) -> Division:
    built = build(folder, changed, config, full_postcodes)
    solved, waits = [], second_lines(built.layers)
    done: dict[str, Solved] = {}
    for alone in built.layers:
        first = done.get(waits.get(alone.key, ""))
        layer = beside(alone, first.layer, first.plan) if first else alone
        result = solve_problem(layer, built.config)
        done[layer.key] = Solved.of(layer, result["plan"], result)
        solved.append(done[layer.key])
    outcome = Outcome(
        solved, built.inputs, built.work, built.places, edges(), built.held,
        now=built.now, from_version=None, load_in_force=None, groups_in_force=groups_in_force, ways=built.ways,
        day=built.day, config=built.config, plan_in_force=plan_in_force,
    )  # fmt: skip
    return Division(built.inputs, built.work, solved, Tables(outcome))
