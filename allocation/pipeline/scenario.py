"""What-if: a scenario is a named set of changes in one TOML file (R13)::

    name = "Team Utrecht 3 stopt"
    description = "twee artsen gaan met pensioen"

    [config]                    # any setting of the configuration
    tolerance = 0.07
    work.growth = { "*" = 0.25 }

    [[close]]                   # teams that stop
    team_id = "SMC-UTR-03"

    [[change]]                  # other values for a team that stays
    team_id = "SMC-UTR-01"
    fte_verzekeringsarts = 4.5

    [[add]]                     # new teams, like an existing one but for what is named
    like = "SMC-UTR-01"
    team_id = "SMC-UTR-21"
    name = "SMC Utrecht 21"

Belongs here: reading a scenario, making its input folder, and comparing its outcome with the division in force.
Does not belong here: running it (`run_scenario`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocation import storage
from allocation.contract import input_tables
from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.toml_file import read_toml
from allocation.intake.cells import as_text
from allocation.intake.reading import read_folder

TEAM_COLUMNS = frozenset(input_tables.TEAMS.column_names)


class Scenario(BaseModel):
    """A scenario file, checked. ``close``, ``change`` and ``add`` are rows of ``teams``, in part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    description: str = ""
    config: dict[str, Any] = {}
    close: tuple[dict[str, Any], ...] = ()
    change: tuple[dict[str, Any], ...] = ()
    add: tuple[dict[str, Any], ...] = ()

    @classmethod
    def from_file(cls, path: Path) -> Scenario:
        """Read a scenario. Raises ``InputRefused`` with everything that is wrong with the file."""
        try:
            return cls.model_validate(read_toml(path))
        except ValidationError as error:
            raise InputRefused(
                [
                    Problem(str(path), None, ".".join(map(str, e["loc"])), f"{e['input']!r}", e["msg"])
                    for e in error.errors()
                ]
            ) from None


def scenario_config(scenario: Scenario, base: Config) -> Config:
    """The settings ``base`` with those of the scenario in their place. Raises ``InputRefused``."""
    merged = _merge(base.model_dump(), scenario.config)
    merged["reason"] = f"scenario: {scenario.name}"
    return Config.from_values(merged, f"scenario {scenario.name}")


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``changes`` laid over ``base``, group by group."""
    merged = dict(base)
    for name, value in changes.items():
        is_group = isinstance(value, dict) and isinstance(base.get(name), dict)
        merged[name] = _merge(base[name], value) if is_group else value
    return merged


def write_scenario_input(scenario: Scenario, source: Path, folder: Path) -> Path:
    """The input folder of a scenario: ``source`` with its teams changed and without ``current``.

    Without ``current`` the outcome is compared with the division that is in force. Raises ``InputRefused`` for a team
    that does not exist (or exists already, for ``add``) and for a column that ``teams`` does not have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.stem.casefold() not in ("teams", input_tables.CURRENT.name) and path.is_file():
            shutil.copyfile(path, folder / path.name)
    reading = read_folder(source, [input_tables.TEAMS])
    if "teams" not in reading.frames:
        raise InputRefused(reading.problems)
    teams = reading.frames["teams"].drop(columns="row")
    teams["team_id"] = as_text(teams["team_id"])
    problems = _problems(scenario, set(teams["team_id"].astype(str)))
    if problems:
        raise InputRefused(problems)
    changed_teams(scenario, teams.astype(object)).astype(str).replace({"None": "", "nan": "", "NaT": ""}).to_csv(
        folder / "teams.csv", index=False
    )
    storage.send_folder(folder)
    return folder


def _problems(scenario: Scenario, known: set[str]) -> list[Problem]:
    where = f"scenario {scenario.name}"
    problems = []
    for group, rows, key in (
        ("close", scenario.close, "team_id"),
        ("change", scenario.change, "team_id"),
        ("add", scenario.add, "like"),
    ):
        for at, row in enumerate(rows, start=1):
            if str(row.get(key)) not in known:
                problems.append(
                    Problem(
                        where, at, f"{group}.{key}", f"team {row.get(key)!r} does not exist", "a team of the file teams"
                    )
                )
            for column in set(row) - TEAM_COLUMNS - {"like"}:
                problems.append(
                    Problem(where, at, f"{group}.{column}", "no such column", ", ".join(sorted(TEAM_COLUMNS)))
                )
            if group == "add" and (not row.get("team_id") or str(row["team_id"]) in known):
                problems.append(
                    Problem(
                        where, at, "add.team_id", f"{row.get('team_id')!r} is not new", "a team_id that is not in use"
                    )
                )
    return problems


def changed_teams(scenario: Scenario, teams: pd.DataFrame) -> pd.DataFrame:
    """``teams`` (texts) with the teams of the scenario closed (taken out), changed and added."""
    closed = {str(row["team_id"]) for row in scenario.close}
    added = []
    for row in scenario.add:
        like = teams[teams["team_id"] == str(row["like"])].iloc[[-1]].copy()
        for column, value in row.items():
            if column != "like":
                like[column] = str(value)
        added.append(like)
    result = teams.copy()
    for row in scenario.change:
        mine = result["team_id"] == str(row["team_id"])
        for column, value in row.items():
            result.loc[mine, column] = str(value)
    return pd.concat([result[~result["team_id"].isin(closed)], *added], ignore_index=True)


def compare_with_base(
    base: Mapping[str, pd.DataFrame], found: Mapping[str, pd.DataFrame], areas_moved: int
) -> pd.DataFrame:
    """Figures of the scenario beside those of the division in force: measure, base, scenario.

    ``base`` and ``found``: tables ``team_load``, ``region_summary`` and ``transition`` of the two, by name. The clients
    that move under ``base`` are those that moved, or are still to move, when it came into force.
    """
    before, after = _figures(base), _figures(found)
    rows = [(name, before[name], after[name]) for name in before]
    rows += [("areas that change team", 0.0, float(areas_moved))]
    return pd.DataFrame(rows, columns=["measure", "base", "scenario"])


def _figures(tables_: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    teams, regions, moves = tables_["team_load"], tables_["region_summary"], tables_["transition"]
    divided = teams[teams["kind"] != "bijzonder"]
    hours, capacity = teams["hours_verzekeringsarts"].sum(), teams["capacity_hours_verzekeringsarts"].sum()
    waiting = regions["waiting_months"].dropna()
    return {
        "teams": float(teams["team_id"].nunique()),
        "verzekeringsarts hours asked a year": float(hours),
        "verzekeringsarts hours available a year": float(capacity),
        "asked / available": float(hours / capacity),
        "mean deviation from the target load": float(divided["deviation"].abs().mean()),
        "largest deviation from the target load": float(divided["deviation"].abs().max()),
        "mean distance to the office, km": float(
            (divided["travel_km"] * divided["hours_verzekeringsarts"]).sum() / divided["hours_verzekeringsarts"].sum()
        ),
        "further teams in a gemeente": float(regions["municipality_splits"].sum()),
        "further teams in a care region": float(regions["care_region_splits"].sum()),
        "mean waiting time, months": float(waiting.mean()),
        "difference in waiting time between regions, months": float(waiting.max() - waiting.min()),
        "clients that move": float(moves.loc[moves["movement"] == "verhuist", "clients"].sum()),
    }


def side_by_side(compared: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The outcomes of ``compare_with_base``, by name of the scenario, as one table: measure, base, one column each."""
    first = next(iter(compared.values()))
    return first[["measure", "base"]].assign(**{name: table["scenario"] for name, table in compared.items()})
