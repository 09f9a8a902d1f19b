"""The embedded example input: real geography, invented caseload, one fixed seed.

Real: postcode areas, inhabitants, gemeenten, arbeidsmarktregio's and the towns with an UWV office.
Invented: every count of clients, the products' hours, the teams and their FTE, the division in force. The invented
counts are scaled to national figures that UWV and the ministry published (``NATIONAL`` and ``PRODUCTS`` below say
which); where no figure is public the number is a guess and says so.

Belongs here: making that folder. Does not belong here: anything a real input folder also needs.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, PW_LAW, REGULAR_GROUP, SEPARATOR
from allocation.intake.example_places import CLUSTERS, DISTRICTS, OFFICES, PW_AREAS, TWO_LINE_REGIONS

SEED = 20260701
MONTHS = 24
REFERENCE_DATE = date(2026, 6, 30)
DIVISION_DATE = date(2025, 7, 1)
"""First day of the division in force: the teams that stop on ``REFERENCE_DATE`` still have a whole year before them."""
TEAM_INHABITANTS = 93_000
"""Inhabitants per regular team: gives about 180 teams, three verzekeringsartsen each (525 FTE at the end of 2022)."""
PW_TEAM_INHABITANTS = 700_000

HEADER = """\
Example input of the caseload allocation.
REAL: postcode areas and inhabitants (CBS 2014), the division of gemeenten into arbeidsmarktregio's (Besluit
werkgebieden UWV 2015) and the towns in which UWV has an office (same decision).
INVENTED: every count of clients, hours per product, teams, FTE, productivity, the division in force, and what teams
finished (in it some products take other hours, and teams have another productivity, than products and teams say, so
that the estimates have something to find). The counts are
scaled to published national totals; their spread over postcodes is drawn from a random generator with a fixed seed.
INVENTED too: the partners in coverage (a GGZ around each office, a hospital in each larger gemeente; their names say
"verzonnen"), the groups of Uitkeren in verzuimbeheer, and the counts in staff of where members of teams live. Only the
territory of a WSP in coverage is real: every arbeidsmarktregio has one (Wet SUWI, artikel 10).
To see what a cut partner costs in the division, give its kind a price: [weights.coverage] ggz = 0.5 in the settings.
No row describes a person, a real team or a real caseload.
"""


@dataclass(frozen=True)
class ExampleProduct:
    """One product: hours per client (guesses), yearly national inflow and national stock in clients."""

    law: str
    client_lines: str
    hours_verzekeringsarts: float
    hours_other: float
    planned_stock_share: float
    priority: int
    inflow_per_year: int
    stock: int
    vangnet_share: float
    """Share of the clients in line vangnet where the product has both lines."""
    handled_by: str = "team"
    yearly_trend: float = 0.0
    pw_share: float = 0.0
    """Share of the clients in line vangnet who have or had a PW file: samenloop and naloop (guesses)."""


PRODUCTS: dict[str, ExampleProduct] = {
    # 37,461 WIA assessments in eight months of 2017; 17,300 overdue at the end of 2022
    "WIA_EWT": ExampleProduct(
        "WIA", "vangnet|werkgever", 4.5, 7.0, 0.5, 1, 56_000, 17_300, 0.45, yearly_trend=0.05, pw_share=0.04
    ),
    # on average 40,000 first-year ZW assessments a year, of which 81% carried out: 7,600 left over
    "ZW_EZWB": ExampleProduct("ZW", "vangnet", 2.5, 4.0, 0.6, 2, 40_000, 7_600, 1.0, pw_share=0.03),
    # about 120,000 ZW consulting hours a year, one hour each
    "ZW_SPREEKUUR": ExampleProduct("ZW", "vangnet", 1.0, 1.5, 1.0, 3, 120_000, 9_000, 1.0, pw_share=0.03),
    # 25,994 reassessments in eight months of 2017; stock almost 37,000 in 2020; one central process since 2026
    "WIA_HERBEOORDELING": ExampleProduct(
        "WIA", "vangnet|werkgever", 3.5, 4.0, 0.1, 5, 39_000, 37_000, 0.5, "central", pw_share=0.05
    ),
    # monitored on average once a year; the number of monitored clients is a guess
    "WGA_MONITORING": ExampleProduct("WIA", "vangnet|werkgever", 0.3, 0.7, 1.0, 4, 0, 150_000, 0.5, pw_share=0.05),
    # guesses
    "DESKUNDIGENOORDEEL": ExampleProduct("WIA", "werkgever", 1.5, 3.0, 0.8, 3, 15_000, 1_500, 0.0),
    "RIV": ExampleProduct("WIA", "werkgever", 1.2, 2.5, 0.8, 3, 10_000, 900, 0.0),
    # 6,013 Wajong assessments in eight months of 2017; the number of ABA is a guess
    "PW_ABA": ExampleProduct("PW", "vangnet", 3.5, 4.5, 0.5, 1, 18_000, 6_000, 1.0, yearly_trend=0.04),
    # 12,600 indications banenafspraak in eight months of 2017
    "PW_BANENAFSPRAAK": ExampleProduct("PW", "vangnet", 1.0, 2.0, 0.8, 2, 19_000, 2_500, 1.0),
}


@dataclass(frozen=True)
class ExampleGroup:
    """One special client group: the office of its SMC (R4) and its share of the ZW and WIA clients, a guess."""

    office: str
    share: float
    is_near_schiphol: bool = False
    """Its clients live there; those of other groups all over the country."""


GROUPS: dict[str, ExampleGroup] = {
    "militair": ExampleGroup("Utrecht", 0.006),
    "klm": ExampleGroup("Haarlem", 0.004, is_near_schiphol=True),
    "politie": ExampleGroup("Zwolle", 0.009),
}
"""The only place where the example names its groups. Another one leaves the clients of the others as they are."""
REGULAR_SHARE = 0.981
"""Share of the ZW and WIA clients in no special group."""
PW_GROUP_FACTOR = 0.2
"""Clients of the PW are this much less often in a special group: a guess."""
SCHIPHOL_M = (112_000.0, 480_000.0)
NEW_TEAM_EVERY, ENDED_TEAM_EVERY = 19, 23
"""Every 19th regular team started after the division in force was made; at every 23rd an older team has ended."""


def write_example(folder: Path, areas: pd.DataFrame, seed: int = SEED) -> Path:
    """Write the example input folder; the same areas and seed give the same files.

    Areas of some regions only give a smaller example: offices elsewhere are left out, and teams that would sit there
    sit at the first office there is.

    ``areas`` needs pc4, gemeente_code, arbeidsmarktregio_nr, arbeidsmarktregio, care_region, inhabitants, x_m, y_m.
    The division in force (``current``) is not written here: see ``write_current``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    areas = areas.sort_values("pc4").reset_index(drop=True)
    teams = make_teams(areas, seed)
    inflow, stock = make_counts(areas, seed)
    inflow.to_parquet(folder / "inflow.parquet", index=False)
    stock.to_parquet(folder / "stock.parquet", index=False)
    teams.to_csv(folder / "teams.csv", index=False)
    _products_table().to_csv(folder / "products.csv", index=False)
    here = set(areas["arbeidsmarktregio_nr"])
    pd.DataFrame(
        [(name, nr) for name, members in CLUSTERS.items() for nr in members if nr in here],
        columns=["cluster", "arbeidsmarktregio"],
    ).to_csv(folder / "clusters.csv", index=False)
    areas.loc[areas["care_region"].notna(), ["pc4", "care_region"]].to_csv(folder / "care_regions.csv", index=False)
    (folder / "README.txt").write_text(HEADER, encoding="utf-8")
    return folder


def stream(seed: int, *names: str) -> np.random.Generator:
    """Random numbers of one thing alone, so that adding another changes none of them."""
    return np.random.default_rng([seed, zlib.crc32("/".join(names).encode())])


def _products_table() -> pd.DataFrame:
    columns = [
        "law",
        "client_lines",
        "hours_verzekeringsarts",
        "hours_other",
        "planned_stock_share",
        "priority",
        "handled_by",
    ]
    rows = {code: [getattr(product, column) for column in columns] for code, product in PRODUCTS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("product").reset_index()


def office_pc4(areas: pd.DataFrame) -> dict[str, str]:
    """The postcode that stands for each office: the inhabited one nearest to the middle of the town's inhabitants."""
    found = {}
    for office, gemeente in OFFICES.items():
        town = areas[(areas["gemeente_code"] == gemeente) & (areas["inhabitants"].fillna(0) > 0)]
        if town.empty:  # an example of part of the country
            continue
        people = town["inhabitants"].to_numpy(float)
        x, y = (np.average(town[axis], weights=people) for axis in ("x_m", "y_m"))
        nearest = np.hypot(town["x_m"] - x, town["y_m"] - y).idxmin()
        found[office] = str(town.loc[nearest, "pc4"])
    return found


def make_teams(areas: pd.DataFrame, seed: int) -> pd.DataFrame:
    """About 180 regular teams in proportion to inhabitants, PW teams, the three special ones, and ended ones."""
    pc4_of = office_pc4(areas)
    region_of_pc4 = areas.set_index("pc4")["arbeidsmarktregio_nr"]
    offices_in: dict[int, list[str]] = {}
    for office, pc4 in pc4_of.items():
        offices_in.setdefault(int(region_of_pc4[pc4]), []).append(office)
    people = areas.groupby("arbeidsmarktregio_nr")["inhabitants"].sum().astype(float)
    shared = {nr: members[0] for members in CLUSTERS.values() for nr in members}
    rows: list[dict[str, object]] = []
    number: dict[str, int] = {}
    for nr in sorted(offices_in):
        together = float(people[[r for r in people.index if shared.get(int(r), int(r)) == nr]].sum())
        count = max(1, round(together / TEAM_INHABITANTS))
        for i in range(count):
            lines = CLIENT_LINES if nr not in TWO_LINE_REGIONS else (CLIENT_LINES[i % 5 in (1, 3)],)
            office = offices_in[nr][i % len(offices_in[nr])]
            rows.append(_team(office, pc4_of, number, str(nr), "regulier", lines, seed))
    first = next(iter(pc4_of))
    for town, members in PW_AREAS.items():
        regions = [nr for nr in members if nr in people.index]
        office = town if town in pc4_of else first
        count = max(1, round(float(people[regions].sum()) / PW_TEAM_INHABITANTS)) if regions else 0
        rows += [
            _team(office, pc4_of, number, "|".join(map(str, regions)), "participatiewet", CLIENT_LINES, seed)
            for _ in range(count)
        ]
    for group, special in GROUPS.items():
        office = special.office if special.office in pc4_of else first
        rows.append(
            _team(office, pc4_of, number, str(region_of_pc4[pc4_of[office]]), "bijzonder", CLIENT_LINES, seed, group)
        )
    teams = pd.DataFrame(rows)
    return pd.concat([teams, _changes_since(teams)], ignore_index=True)


def _team(
    office: str,
    pc4_of: dict[str, str],
    number: dict[str, int],
    regions: str,
    kind: str,
    lines: tuple[str, ...],
    seed: int,
    group: str = "",
) -> dict[str, object]:
    letters = "".join(c for c in office.upper() if c.isalpha())
    code = {
        "ALKMAAR": "ALK",
        "ALMERE": "ALM",
        "AMERSFOORT": "AMF",
        "AMSTERDAM": "AMS",
        "SHERTOGENBOSCH": "DBO",
        "DENHAAG": "DHG",
        "HEERLEN": "HRL",
        "HELMOND": "HEM",
    }.get(letters, letters[:3])
    prefix = {"regulier": code, "participatiewet": f"{code}-PW", "bijzonder": f"{code}-{group.upper()[:3]}"}[kind]
    number[prefix] = number.get(prefix, 0) + 1
    team_id = f"SMC-{prefix}-{number[prefix]:02d}"
    draw = stream(seed, "team", team_id)
    label = {"regulier": "", "participatiewet": " Participatiewet", "bijzonder": f" {group}"}[kind]
    return {
        "team_id": team_id,
        "name": f"SMC {office}{label} {number[prefix]}",
        "office": office,
        "office_pc4": pc4_of[office],
        "arbeidsmarktregio": regions,
        "kind": kind,
        "client_groups": group,
        "client_lines": "|".join(lines),
        "laws": {
            "regulier": "ZW|WIA" if "vangnet" in lines else "WIA",
            "participatiewet": "PW|ZW|WIA",
            "bijzonder": "ZW|WIA|PW",
        }[kind],
        "fte_verzekeringsarts": round(float(np.clip(draw.normal(4.2 if group else 3.0, 0.6), 1.8, 6.0)), 1),
        "fte_other": round(float(np.clip(draw.normal(5.4, 0.9), 3.0, 8.0)), 1),
        "productivity": round(float(np.clip(draw.normal(0.97, 0.06), 0.8, 1.15)), 2),
        "valid_from": "2024-01-01",
        "valid_to": "",
        "district": next(name for name, members in DISTRICTS.items() if int(regions.split(SEPARATOR)[0]) in members),
    }


def _changes_since(teams: pd.DataFrame) -> pd.DataFrame:
    """Mark some regular teams as new, and add teams that have ended: the division in force is out of date."""
    regular = teams.index[teams["kind"] == "regulier"]
    teams.loc[regular[::NEW_TEAM_EVERY], "valid_from"] = "2026-07-01"
    ended = teams.loc[regular[7::ENDED_TEAM_EVERY]].copy()
    ended["team_id"] = (
        ended["team_id"].str.replace(r"-\d+$", "", regex=True) + "-" + (90 + np.arange(len(ended))).astype(str)
    )
    ended["name"] = ended["name"].str.replace(r" \d+$", "", regex=True) + " (beëindigd)"
    ended["valid_from"], ended["valid_to"] = "2024-01-01", "2026-06-30"
    return ended


def make_counts(areas: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Monthly inflow and the stock, as small whole numbers per postcode; rows with zero clients are left out.

    Of the clients of line vangnet that a product has, ``pw_share`` are PW clients.
    """
    people = areas["inhabitants"].fillna(0).to_numpy(float)
    weight = people * _relative_need(areas, stream(seed, "need"))
    two_lines = areas["arbeidsmarktregio_nr"].isin(TWO_LINE_REGIONS).to_numpy()
    months = pd.period_range(end=pd.Period(REFERENCE_DATE, freq="M"), periods=MONTHS, freq="M")
    moments = [
        *(("month", str(month), _season(month.month), step - MONTHS / 2) for step, month in enumerate(months)),
        ("reference_date", REFERENCE_DATE.isoformat(), 1.0, 0.0),
    ]
    rows: dict[str, list[pd.DataFrame]] = {"month": [], "reference_date": []}
    for code, product in PRODUCTS.items():
        need = weight * stream(seed, code).gamma(20.0, 1 / 20.0, len(areas)) / weight.sum()
        registered = product.client_lines == "|".join(CLIENT_LINES)
        for line, share in _lines_of(product):
            lines = np.where(two_lines | (not registered), line, ALL_LINES)
            for group, rate in _group_rates(areas, product, weight).items():
                draw, draw_pw = (stream(seed, code, line, group, part) for part in ("clients", "of the PW"))
                for when, value, season, since in moments:
                    yearly = product.stock if when == "reference_date" else product.inflow_per_year / 12
                    level = season * (1 + product.yearly_trend) ** (since / 12)
                    clients = draw.poisson(need * rate * share * yearly * level)
                    of_pw = draw_pw.binomial(clients, product.pw_share if line == "vangnet" else 0.0)
                    for counts, is_pw in ((clients - of_pw, product.law == PW_LAW), (of_pw, True)):
                        some = counts > 0
                        rows[when].append(
                            pd.DataFrame(
                                {
                                    when: value,
                                    "pc4": areas["pc4"].to_numpy()[some],
                                    "product": code,
                                    "client_line": lines[some],
                                    "client_group": group,
                                    "pw_client": is_pw,
                                    "clients": counts[some].astype("int64"),
                                }
                            )
                        )
    keys = ["pc4", "product", "client_line", "client_group", "pw_client"]
    inflow, stock = (
        pd.concat(frames).groupby([when, *keys])["clients"].sum().reset_index() for when, frames in rows.items()
    )
    return inflow, stock


def _relative_need(areas: pd.DataFrame, draw: np.random.Generator) -> NDArray[np.float64]:
    """Need per inhabitant relative to the country: a region, a gemeente and a postcode factor, each drawn once."""
    factor = np.ones(len(areas))
    for column, shape in (("arbeidsmarktregio_nr", 80.0), ("gemeente_code", 40.0), ("pc4", 12.0)):
        codes, values = pd.factorize(areas[column], sort=True)
        factor *= draw.gamma(shape, 1 / shape, len(values))[codes]
    return factor


def _lines_of(product: ExampleProduct) -> list[tuple[str, float]]:
    shares = {"vangnet": product.vangnet_share, "werkgever": 1 - product.vangnet_share}
    return [(line, shares[line]) for line in product.client_lines.split(SEPARATOR)]


def _group_rates(
    areas: pd.DataFrame, product: ExampleProduct, weight: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Share of each client group per postcode: KLM staff live near Schiphol, the others all over the country."""
    east, north = areas["x_m"].to_numpy(float) - SCHIPHOL_M[0], areas["y_m"].to_numpy(float) - SCHIPHOL_M[1]
    distance_km = np.hypot(east, north) / 1000
    near = np.asarray(np.exp(-distance_km / 20), dtype=np.float64)
    near *= weight.sum() / (weight * near).sum()
    part = PW_GROUP_FACTOR if product.law == PW_LAW else 1.0
    rates = {REGULAR_GROUP: np.full(len(areas), 1 - part * (1 - REGULAR_SHARE))}
    for name, group in GROUPS.items():
        local = np.minimum(part * group.share * near, 0.2)
        rates[name] = local if group.is_near_schiphol else np.full(len(areas), part * group.share)
    return rates


def _season(month: int) -> float:
    """Fewer applications in summer and December; the factors average to 1."""
    return {7: 0.9, 8: 0.88, 12: 0.92}.get(month, (12 - 0.9 - 0.88 - 0.92) / 9)
