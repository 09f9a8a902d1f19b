"""The one recount that every solver's plan goes through. Written from the definition of the bare instance alone.

Nothing of ours or of a peer is used: the files are read here, and terms and hard rules counted here.
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

SLACK = 1e-9  # relative room on load limits, for sums of floats


@dataclass(frozen=True)
class Score:
    """What a plan is worth. ``fault`` is empty for a plan that keeps every hard rule, else the first one broken."""

    objective: float
    fault: str
    max_deviation: float


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def recount(instance: Path, plan_file: Path) -> Score:
    """Score the plan (unit, team) of ``plan_file`` on the instance in the folder ``instance``."""
    units, edges, teams = (_rows(instance / f"{name}.csv") for name in ("units", "edges", "teams"))
    settings = tomllib.loads((instance / "problem.toml").read_text(encoding="utf-8"))
    if not plan_file.exists():
        return Score(math.inf, "no plan", math.inf)
    team_of = {row["unit"]: row["team"] for row in _rows(plan_file)}
    known = {row["team"] for row in teams}
    if set(team_of) != {row["unit"] for row in units} or not set(team_of.values()) <= known:
        return Score(math.inf, "not every unit has a team", math.inf)
    fault = "" if set(team_of.values()) == known else "a team has no units"
    worst, out = _loads(units, teams, team_of, float(settings["tolerance"]))
    fault = fault or ("out of balance" if out else "")
    fault = fault or ("not contiguous" if _pieces(edges, team_of) > len(known) else "")
    km = _own_km(instance, units, teams, team_of)
    return Score(_objective(units, edges, km, team_of, settings.get("weights", {})), fault, worst)


def _own_km(
    instance: Path, units: list[dict[str, str]], teams: list[dict[str, str]], team_of: dict[str, str]
) -> dict[str, float]:
    """From each unit to its team: as distance.csv says, else in a straight line; empty where teams have no office."""
    if (instance / "distance.csv").exists():
        rows = _rows(instance / "distance.csv")
        return {row["unit"]: float(row["km"]) for row in rows if team_of[row["unit"]] == row["team"]}
    if "x" not in teams[0]:
        return {}
    office = {row["team"]: (float(row["x"]), float(row["y"])) for row in teams}
    return {r["unit"]: math.dist((float(r["x"]), float(r["y"])), office[team_of[r["unit"]]]) / 1000 for r in units}


def _loads(
    units: list[dict[str, str]], teams: list[dict[str, str]], team_of: dict[str, str], tolerance: float
) -> tuple[float, bool]:
    total = math.fsum(float(row["demand"]) for row in units)
    capacity = math.fsum(float(row["capacity"]) for row in teams)
    parts: dict[str, list[float]] = defaultdict(list)
    for row in units:
        parts[team_of[row["unit"]]].append(float(row["demand"]))
    worst, out = 0.0, False
    for row in teams:
        target = float(row["capacity"]) / capacity * total
        load = math.fsum(parts[row["team"]])
        worst = max(worst, abs(load / target - 1))
        low, high = target * (1 - tolerance) * (1 - SLACK), target * (1 + tolerance) * (1 + SLACK)
        out = out or not low <= load <= high
    return worst, out


def _pieces(edges: list[dict[str, str]], team_of: dict[str, str]) -> int:
    """Connected pieces of all teams together (union-find)."""
    parent = {unit: unit for unit in team_of}

    def find(unit: str) -> str:
        while parent[unit] != unit:
            parent[unit] = parent[parent[unit]]
            unit = parent[unit]
        return unit

    for row in edges:
        if team_of[row["a"]] == team_of[row["b"]]:
            parent[find(row["a"])] = find(row["b"])
    return sum(1 for unit in parent if parent[unit] == unit)


def _objective(
    units: list[dict[str, str]],
    edges: list[dict[str, str]],
    km: dict[str, float],
    team_of: dict[str, str],
    weights: dict[str, float],
) -> float:
    total = math.fsum(float(row["demand"]) for row in units)
    terms: Counter[str] = Counter()
    if km:
        terms["travel"] = math.fsum(float(row["demand"]) * km[row["unit"]] for row in units) / total
    cut = [row for row in edges if team_of[row["a"]] != team_of[row["b"]]]
    terms["cut_edges"] = len(cut)
    terms["border"] = math.fsum(float(row["border"]) for row in cut) / 1000
    for column, term in (("municipality", "municipality_splits"), ("care_region", "care_region_splits")):
        if column in units[0]:
            pairs = {(row[column], team_of[row["unit"]]) for row in units}
            terms[term] = len(pairs) - len({group for group, _ in pairs})
    if "current_team" in units[0]:
        moved = (float(r["demand"]) for r in units if r["current_team"] != team_of[r["unit"]])
        terms["moved"] = math.fsum(moved) / total
    return float(sum(weights.get(term, 0.0) * value for term, value in terms.items()))
