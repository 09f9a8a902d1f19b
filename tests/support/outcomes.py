"""Outcomes of an invented country, small enough to draw, in the form in which a run hands them to `publish`.

A grid of one-kilometre squares, west half region 1, east half region 2 (here 6 x 5; numbers are postcodes)::

    1000 1001 1002 | 1003 1004 1005     Region 1, line `alle`: north rows A1, south rows A2.
    1006 1007 1008 | 1009 1010 1011     Region 2, two lines: vangnet V1 north, V2 south; werkgever W1 whole region.
     ...                                PW team P everywhere; militair M, klm K, politie Q everywhere.

The second postcode is split A1/A2 half and half; the third at PC6: 1002AA-1002AE to A2, the rest to A1.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from allocation.contract.published_tables import (
    ALLOCATION_CHANGES_SEEN,
    LINE_OUTCOMES_SEEN,
    REGION_SUMMARY_SEEN,
    TEAM_LEDGER_SEEN,
    TEAM_LOAD_SEEN,
    TEAM_NETWORK_SEEN,
)
from allocation.contract.schema import Table

SPECIAL_TEAMS = {"militair": "M", "klm": "K", "politie": "Q"}
TEAM_OFFICES = {
    "A1": "Almere", "A2": "Amersfoort", "V1": "Venlo", "V2": "Venlo", "W1": "Tiel", "P": "Goes", "M": "Utrecht",
    "K": "Haarlem", "Q": "Zwolle",
}  # fmt: skip
PC6_SHARE = 0.25


@dataclass(frozen=True)
class Country:
    """``moves`` gives postcodes of region 1 another team; ``note`` changes the content and nothing else."""

    columns: int = 6
    rows: int = 5
    moves: Mapping[str, str] = field(default_factory=dict)
    note: str = "eerste verdeling"
    from_version: int | None = None
    region_2_line: str | None = None
    """``alle`` gives region 2 one line, served by V1 and V2, as when a region has become fully meerwettig."""
    without: tuple[str, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Setting ``replaced_postcodes``: postcodes without an area and the one that they follow."""
    team_ends: Mapping[str, date] = field(default_factory=dict)
    """Last day of teams that stop."""

    @property
    def pc4s(self) -> list[str]:
        all_pc4s = [str(1000 + i) for i in range(self.columns * self.rows)]
        return [pc4 for pc4 in all_pc4s if pc4 not in self.without]

    def place(self, pc4: str) -> tuple[int, int]:
        row, column = divmod(int(pc4) - 1000, self.columns)
        return row, column

    def region(self, pc4: str) -> int:
        return 1 if self.place(pc4)[1] < self.columns // 2 else 2

    def is_north(self, pc4: str) -> bool:
        return self.place(pc4)[0] < (self.rows + 1) // 2


def allocation_of(country: Country) -> pd.DataFrame:
    rows: list[tuple[str, str, str, str, float]] = []
    for pc4 in country.pc4s:
        rows.append((pc4, "alle", "pw", "P", 1.0))
        if country.region(pc4) == 2:
            vangnet = "V1" if country.is_north(pc4) else "V2"
            if country.region_2_line == "alle":
                rows.append((pc4, "alle", "zw_wia", vangnet, 1.0))
            else:
                rows += [(pc4, "vangnet", "zw_wia", vangnet, 1.0), (pc4, "werkgever", "zw_wia", "W1", 1.0)]
        elif pc4 in country.moves:
            rows.append((pc4, "alle", "zw_wia", country.moves[pc4], 1.0))
        elif pc4 == "1001":
            rows += [(pc4, "alle", "zw_wia", "A1", 0.5), (pc4, "alle", "zw_wia", "A2", 0.5)]
        elif pc4 == "1002" and country.columns >= 6:
            rows += [(pc4, "alle", "zw_wia", "A1", 1 - PC6_SHARE), (pc4, "alle", "zw_wia", "A2", PC6_SHARE)]
        else:
            rows.append((pc4, "alle", "zw_wia", "A1" if country.is_north(pc4) else "A2", 1.0))
    return pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_id", "share"])


def routing_of(country: Country, allocation: pd.DataFrame) -> pd.DataFrame:
    """Every postcode, group, law and line; the PC6 split shows as a range beside the rest."""
    rows: list[tuple[object, ...]] = []
    for pc4, client_line, law_domain, team, share in allocation.itertuples(index=False):
        laws = ("ZW", "WIA") if law_domain == "zw_wia" else ("PW",)
        for law in laws:
            for line in ("vangnet", "werkgever") if client_line == "alle" else (client_line,):
                at_pc6 = pc4 == "1002" and team == "A2" and share == PC6_SHARE
                first, last = ("1002AA", "1002AE") if at_pc6 else (None, None)
                rows.append((pc4, first, last, "regulier", False, law, line, team, share))
    for pc4 in country.pc4s:
        for law in ("ZW", "WIA", "PW"):
            for line in ("vangnet", "werkgever"):
                rows.append((pc4, None, None, "regulier", True, law, line, "P", 1.0))
                for group, team in SPECIAL_TEAMS.items():
                    rows += [(pc4, None, None, group, pw, law, line, team, 1.0) for pw in (False, True)]
    columns = ["pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line", "team_id", "share"]
    built = pd.DataFrame(rows, columns=columns)
    return built.assign(office=built["team_id"].map(TEAM_OFFICES))


def _reasons(allocation: pd.DataFrame, country: Country) -> pd.DataFrame:
    keys = allocation[["pc4", "client_line", "law_domain"]]
    split = allocation[keys.duplicated(keep=False)].drop_duplicates(["pc4"])
    rows = [(r.pc4, r.client_line, r.law_domain, "split", "=privacy: staf woont hier") for r in split.itertuples()]
    rows += [(pc4, "alle", "zw_wia", "pin", country.note) for pc4 in country.moves]
    return pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "rule", "reason"]).astype("str")


def _team_load(allocation: pd.DataFrame) -> pd.DataFrame:
    layers = allocation.groupby(["team_id", "law_domain", "client_line"])["share"].agg(["size", "sum"]).reset_index()
    area_sum = layers["sum"].astype("float64")
    numbers = {
        "inhabitants": 1000 * area_sum, "clients_per_year": 20.5 * area_sum, "hours_verzekeringsarts": 80 * area_sum,
        "hours_other": 160 * area_sum, "hours_low": 75 * area_sum, "hours_high": 85 * area_sum,
        "capacity_hours_verzekeringsarts": 82 * area_sum, "capacity_hours_other": 170 * area_sum,
        "target_hours": 80 * area_sum, "deviation": 0.0 * area_sum, "tolerance": 0.05 + 0 * area_sum,
        "stock_clients": 3.0 * area_sum, "stock_hours_verzekeringsarts": 9.0 * area_sum,
        "files_held": (3 * area_sum).round(), "files_held_hours_verzekeringsarts": 9.0 * area_sum,
        "first_year_hours_verzekeringsarts": 82 * area_sum, "first_year_hours_other": 165 * area_sum,
        "waiting_months": 1.5 + 0 * area_sum, "projected_waiting_months": 1.8 + 0 * area_sum,
        "chance_within_tolerance": 0.87 + 0 * area_sum,
    }  # fmt: skip
    return layers.rename(columns={"size": "areas"}).assign(
        name="SMC " + layers["team_id"], office=layers["team_id"].map(TEAM_OFFICES),
        kind=layers["team_id"].map(lambda t: "participatiewet" if t == "P" else "regulier"), cluster="west",
        is_within_tolerance=True, pieces=1,
        travel_km=None, travel_kind=None, travel_minutes=None, far_share=0.12, **numbers,
    )  # fmt: skip


def _team_load_seen(load: pd.DataFrame) -> pd.DataFrame:
    """Counts in steps of 5, and what belongs to them."""
    seen = load[[c.name for c in TEAM_LOAD_SEEN.columns if c.name != "version"]].copy()
    for count, others in (
        ("clients_per_year", ["hours_verzekeringsarts", "hours_other", "hours_low", "hours_high"]),
        ("stock_clients", ["stock_hours_verzekeringsarts"]),
        ("files_held", ["files_held_hours_verzekeringsarts", "first_year_hours_verzekeringsarts",
                        "first_year_hours_other", "waiting_months", "projected_waiting_months"]),
    ):  # fmt: skip
        seen[count] = (seen[count] / 5).round() * 5
        seen[[count, *others]] = seen[[count, *others]].where(seen[count] >= 5)
    return seen


def _seen(table: Table, rows: pd.DataFrame, count: str, others: list[str]) -> pd.DataFrame:
    """The table beside ``table`` for its readers: a count in steps of 5, and what belongs to it."""
    counts = [c.name for c in table.columns if c.counts_persons]
    seen = rows[[c.name for c in table.columns if c.name != "version"]].astype(dict.fromkeys(counts, "float64"))
    seen[counts] = (seen[counts] / 5).round() * 5
    seen[[count, *others]] = seen[[count, *others]].where(seen[count] >= 5)
    seen[counts] = seen[counts].where(seen[counts] >= 5)
    return seen


def _transition(allocation: pd.DataFrame, country: Country) -> pd.DataFrame:
    """Two clients in stock per postcode and team, twelve in the first postcode: one count that readers may see."""
    rows = [
        (r.pc4, "WIA_EWT", r.client_line, "regulier", r.team_id, r.team_id, 12 if r.pc4 == "1000" else 2)
        for r in allocation.itertuples()
    ]
    columns = ["pc4", "product", "client_line", "client_group", "team_from", "team_to", "clients"]
    built = pd.DataFrame(rows, columns=columns)
    return built.assign(pw_client=built["team_to"] == "P", movement="blijft", reason=country.note)


def _files(country: Country) -> pd.DataFrame:
    """A2 no longer serves region 2 and keeps what it has elsewhere; PW clients go to P; nobody knows the rest."""
    rows: list[tuple[object, ...]] = []
    for law in ("ZW", "WIA", "PW"):
        for line in ("vangnet", "werkgever"):
            for group in ("regulier", *SPECIAL_TEAMS):
                segment = (law, line, group)
                for pw in (False, True):
                    is_pw = group == "regulier" and (pw or law == "PW")
                    rows.append(("*", *segment, pw, "*", "*", "onbekend", "team onbekend"))
                    if is_pw:
                        rows.append(("A2", *segment, pw, "*", "P", "verhuist", "het team bedient de wet niet"))
                    elif group == "regulier":
                        rows.append(("A2", *segment, pw, "*", "A2", "blijft", "bestaande cliënt houdt zijn team"))
                        gone = [pc4 for pc4 in country.pc4s if country.region(pc4) == 2]
                        why = ("*", "verhuist", "het team bedient de regio niet")
                        rows += [("A2", *segment, pw, pc4, *why) for pc4 in gone]
    columns = ["team_from", "law", "client_line", "client_group", "pw_client", "pc4", "team_to", "movement", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _team_ledger(allocation: pd.DataFrame) -> pd.DataFrame:
    """Per team 3 files and 20.5 clients a year for each area, on the line vangnet."""
    areas = allocation.groupby("team_id")["share"].sum().reset_index()
    return areas.drop(columns="share").assign(
        product="WIA_EWT", client_line="vangnet", files_held=(3 * areas["share"]).round().astype("int64"),
        inflow_clients=20.5 * areas["share"], planned_clients=23.5 * areas["share"],
        hours_verzekeringsarts=80.0 * areas["share"], hours_other=160.0 * areas["share"],
    )  # fmt: skip


def _verzuimbeheer_routing(routing: pd.DataFrame) -> pd.DataFrame:
    """Every team has the group of its code, but A1 has two: from the second row of postcodes on it is VZB-A1-B."""
    rows = routing[(routing["law"] == "ZW") & (routing["client_line"] == "vangnet")]
    second = (rows["team_id"] == "A1") & (rows["pc4"] >= "1006")
    group = ("VZB-" + rows["team_id"]).where(~second, "VZB-A1-B")
    return rows.drop(columns=["client_line", "office"]).assign(group_code=group)


def _team_network(allocation: pd.DataFrame) -> pd.DataFrame:
    """Of each area 20.5 clients a year: all lie with GGZ West, and 2.05 of those of A1 with a hospital."""
    sums = allocation.groupby("team_id")["share"].sum().reset_index()
    clients = 20.5 * sums["share"]
    ggz = sums.assign(kind="ggz", provider="GGZ West", clients_per_year=clients, team_share=1.0,
                      provider_share=clients / clients.sum(), teams_at_provider=len(sums),
                      form="multidisciplinair team",
                      contact="verwijzers@ggz.example")  # fmt: skip
    hospital = ggz[ggz["team_id"] == "A1"].assign(
        kind="ziekenhuis", provider="Ziekenhuis Oost", clients_per_year=2.05, team_share=0.1, provider_share=1.0,
        teams_at_provider=1, form=None, contact=None,
    )  # fmt: skip
    return pd.concat([ggz, hospital], ignore_index=True).drop(columns="share")


def _region_summary(country: Country) -> pd.DataFrame:
    rows = [
        {
            "arbeidsmarktregio_nr": nr, "arbeidsmarktregio": f"Regio {nr}", "cluster": "west", "law_domain": "zw_wia",
            "client_line": "alle", "teams": 2,
            "areas": sum(country.region(p) == nr for p in country.pc4s), "inhabitants": 15000,
            "hours_verzekeringsarts": 1200.0, "mean_deviation": 0.01, "max_deviation": 0.02, "travel_km": 3.5,
            "travel_kind": "network",
            "municipality_splits": 1, "care_region_splits": 0, "areas_moved": len(country.moves),
            "clients_moved": 3 * nr, "waiting_months": 1.5, "objective": 2.5, "lower_bound": 2.4, "gap": 0.04,
        }
        for nr in (1, 2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _line_outcomes() -> pd.DataFrame:
    """Region 1 has a plan for its two months, region 2 has none."""
    rows = [
        {
            "arbeidsmarktregio_nr": nr, "arbeidsmarktregio": f"Regio {nr}", "district": district,
            "law_domain": "zw_wia", "client_line": "alle", "asked_hours_verzekeringsarts": 1230.0,
            "available_hours_verzekeringsarts": 1100.0, "planned_clients": 352.5, "files_held": 45 * nr,
            "waiting_months": 1.5, "projected_waiting_months": 1.8, "months": 2, "finished_clients": 52.0 * nr,
            "finished_planned_clients": planned, "lead_time_days": 71.5,
        }
        for nr, district, planned in ((1, "West", 58.75), (2, None, None))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _changes(country: Country) -> pd.DataFrame:
    rows = [
        (country.from_version, pc4, "alle", "zw_wia", "A2" if team == "A1" else "A1", team, 1.0, 20.5, 80.0)
        for pc4, team in country.moves.items()
    ]
    columns = ["from_version", "pc4", "client_line", "law_domain", "team_from", "team_to", "share", "clients", "hours"]
    return pd.DataFrame(rows, columns=columns).astype({"from_version": "Int64", "share": "float64"})


def _run(country: Country, created_by: str) -> pd.DataFrame:
    agreed = {"replaced_postcodes": dict(country.replaced)} if country.replaced else {}
    configuration = {"tolerance": 0.05} | agreed
    return pd.DataFrame([{
        "run_id": f"run-{abs(hash(country.note)) % 10**6}", "created_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "created_by": created_by, "reason": country.note, "input_fingerprints": json.dumps({"inflow": "ab12"}),
        "configuration": json.dumps(configuration), "code_version": "0.1.0", "solver": json.dumps({}),
        "validation": json.dumps({"success": True}), "approval": None,
    }])  # fmt: skip


def _areas(country: Country) -> gpd.GeoDataFrame:
    shapes = []
    for pc4 in country.pc4s:
        row, column = country.place(pc4)
        x, y = 150_000 + 1000 * column, 450_000 - 1000 * row
        shapes.append(shapely.box(x, y, x + 1000, y + 1000))
    regions = [country.region(pc4) for pc4 in country.pc4s]
    return gpd.GeoDataFrame(
        {
            "pc4": country.pc4s, "gemeente_name": [f"Gemeente {r}" for r in regions], "arbeidsmarktregio_nr": regions,
            "arbeidsmarktregio": [f"Regio {r}" for r in regions], "inhabitants": 1000,
            "x_m": [s.centroid.x for s in shapes], "y_m": [s.centroid.y for s in shapes],
        },
        geometry=shapes, crs="EPSG:28992",
    )  # fmt: skip


def _teams(ends: Mapping[str, date]) -> pd.DataFrame:
    rows = [
        {
            "team_id": team, "name": f"SMC {team}", "office": office, "office_pc4": "1000", "arbeidsmarktregio": "1|2",
            "kind": "bijzonder" if team in SPECIAL_TEAMS.values() else "participatiewet" if team == "P" else "regulier",
            "client_groups": next((g for g, t in SPECIAL_TEAMS.items() if t == team), None),
            "client_lines": "vangnet|werkgever", "laws": "PW" if team == "P" else "ZW|WIA", "fte_verzekeringsarts": 3.0,
            "fte_other": 8.0, "productivity": 1.0, "valid_from": date(2024, 1, 1), "valid_to": ends.get(team),
            "verzuimbeheer_code": f"VZB-{team}",
        }
        for team, office in TEAM_OFFICES.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _expected(allocation: pd.DataFrame) -> pd.DataFrame:
    units = allocation[["pc4", "client_line", "law_domain"]].drop_duplicates()
    return units.assign(clients=20.5, hours=80.0, clients_seen=19.5, hours_seen=76.0)


def write_outcome(folder: Path, country: Country | None = None, *, created_by: str = "planner") -> Path:
    """The outcome of ``country`` in ``folder`` (made when absent); returns the folder."""
    country = country or Country()
    asked = repr((country, created_by))
    if asked not in _WRITTEN:
        kept = Path(tempfile.mkdtemp(dir=_KEPT.name))  # also where several processes of a test make one
        _write(kept, country, created_by)
        _WRITTEN[asked] = kept
    shutil.copytree(_WRITTEN[asked], folder, dirs_exist_ok=True)
    return folder


_KEPT = tempfile.TemporaryDirectory(prefix="outcomes-")
_WRITTEN: dict[str, Path] = {}
"""Outcomes that a test of this process asked for, by what makes them; who asks for the same gets a copy."""


def _write(folder: Path, country: Country, created_by: str) -> None:
    allocation = allocation_of(country)
    tables = {
        "allocation": allocation,
        "routing": routing_of(country, allocation),
        "allocation_reason": _reasons(allocation, country),
        "team_load": _team_load(allocation),
        "team_load_seen": _team_load_seen(_team_load(allocation)),
        "allocation_changes": _changes(country),
        "allocation_changes_seen": _seen(ALLOCATION_CHANGES_SEEN, _changes(country), "clients", ["hours"]),
        "transition": _transition(allocation, country),
        "region_summary": _region_summary(country),
        "runs": _run(country, created_by),
        "files": _files(country),
        "team_ledger": _team_ledger(allocation),
        "team_ledger_seen": _seen(
            TEAM_LEDGER_SEEN,
            _team_ledger(allocation),
            "planned_clients",
            ["files_held", "hours_verzekeringsarts", "hours_other"],
        ),
        "region_summary_seen": _seen(REGION_SUMMARY_SEEN, _region_summary(country), "clients_moved", []),
        "line_outcomes": _line_outcomes(),
        "line_outcomes_seen": _seen(
            LINE_OUTCOMES_SEEN,
            _line_outcomes(),
            "files_held",
            [
                "planned_clients",
                "finished_planned_clients",
                "asked_hours_verzekeringsarts",
                "waiting_months",
                "projected_waiting_months",
            ],
        ),
        "team_network": _team_network(allocation),
        "team_network_seen": _seen(
            TEAM_NETWORK_SEEN, _team_network(allocation), "clients_per_year", ["team_share", "provider_share"]
        ),
        "verzuimbeheer_routing": _verzuimbeheer_routing(routing_of(country, allocation)),
        "teams": _teams(country.team_ends),
        "expected": _expected(allocation),
    }
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / f"{name}.parquet")
    _areas(country).to_parquet(folder / "areas.parquet", index=False)
    (folder / "report.html").write_text(f"<p>{country.note}</p>")
    (folder / "report_readers.html").write_text(f"<p>{country.note}, zonder kleine aantallen</p>")


def write_national_outcome(folder: Path, areas: gpd.GeoDataFrame, *, teams: int = 180, seed: int = 1) -> Path:
    """An outcome of the size of the country: ``areas`` divided over teams by nearness, one PW team per region.

    ``areas``: pc4, arbeidsmarktregio_nr, x_m, y_m, geometry. The division is invented; its size and shape are real.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    parts = []
    for nr, region in areas.groupby("arbeidsmarktregio_nr"):
        places = region[["x_m", "y_m"]].to_numpy()
        count = max(1, round(teams * len(region) / len(areas)))
        offices = places[random.choice(len(places), count, replace=False)]
        nearest = ((places[:, None, :] - offices[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        team_ids = [f"SMC-{nr:02d}-{i:02d}" for i in nearest]
        common = {"pc4": region["pc4"].tolist(), "client_line": "alle", "share": 1.0}
        parts.append(pd.DataFrame({**common, "law_domain": "zw_wia", "team_id": team_ids}))
        parts.append(pd.DataFrame({**common, "law_domain": "pw", "team_id": f"PW-{nr:02d}"}))
    allocation = pd.concat(parts, ignore_index=True)
    write_outcome(folder, Country(2, 2))  # the tables that are small in any case
    routing = _national_routing(allocation)
    team_ids = sorted(set(routing["team_id"]))
    tables = {
        "allocation": allocation,
        "routing": routing,
        "transition": pd.concat(
            [_transition(allocation, Country()).assign(product=f"PRODUCT_{i}") for i in range(5)], ignore_index=True
        ),
        "teams": pd.concat([_teams({})[:1].assign(team_id=t, name=f"SMC {t}") for t in team_ids], ignore_index=True),
        "expected": _expected(allocation),
    }
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / f"{name}.parquet")
    areas.to_parquet(folder / "areas.parquet", index=False)
    return folder


def _national_routing(allocation: pd.DataFrame) -> pd.DataFrame:
    """Both lines and all laws of `allocation`, and the three special groups at their one team."""
    lines = pd.DataFrame({"client_line": ["vangnet", "werkgever"]})
    laws = pd.DataFrame({"law_domain": ["zw_wia", "zw_wia", "pw"], "law": ["ZW", "WIA", "PW"]})
    regular = allocation.drop(columns="client_line").merge(laws, on="law_domain").merge(lines, how="cross")
    special = pd.DataFrame({"client_group": list(SPECIAL_TEAMS), "team_id": list(SPECIAL_TEAMS.values())})
    units = regular[["pc4", "law", "client_line"]].drop_duplicates()
    routing = pd.concat(
        [regular.assign(client_group="regulier"), units.merge(special, how="cross").assign(share=1.0)],
        ignore_index=True,
    ).merge(pd.DataFrame({"pw_client": [False, True]}), how="cross")
    none = pd.Series([None] * len(routing), dtype="str")
    return routing.drop(columns="law_domain").assign(pc6_from=none, pc6_to=none, office="Utrecht")


def with_shared_range(folder: Path) -> Path:
    """The range 1002AA-1002AE is shared: A2 keeps 0.15 of the postcode and A1, alone in the rest, gets 0.10 of it."""
    write_outcome(folder)
    rows = pd.read_parquet(folder / "routing.parquet")
    in_range = rows[rows["pc6_from"].notna()]
    rows.loc[in_range.index, "share"] = 0.15
    shared = in_range.assign(team_id="A1", office="Almere", share=0.10)
    pd.concat([rows, shared], ignore_index=True).to_parquet(folder / "routing.parquet", index=False)
    return folder
