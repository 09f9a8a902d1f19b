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

    [[demand]]                  # other counts of a product, region or district; what is not named counts for all
    product = "WIA_HERBEOORDELING"
    stock = 4.05                # times the stock; `inflow` likewise
    region = "Midden-Utrecht"

    [[product]]                 # other values of a product
    product = "WIA_HERBEOORDELING"
    handled_by = "team"

    [[capacity]]                # physicians who leave or come, productivity that changes, from a date on
    district = "Midden"         # or team_id, office, region; none of them: every team
    from = 2027-03-01
    fte = -0.4                  # fte verzekeringsarts of each team; `fte_factor` and `productivity_factor` multiply

Belongs here: reading a scenario and making its input folder. Does not belong here: how the tables change
(`scenario_tables`), comparing outcomes (`scenario_compare`), running it (`run_scenario`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocation import storage
from allocation.contract import input_tables, toml_file
from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.intake.cells import as_text
from allocation.intake.reading import open_given, read_folder
from allocation.pipeline.scenario_tables import (
    Capacity,
    Demand,
    Places,
    Row,
    problems_of,
    with_capacity,
    with_demand,
)

TEAM_COLUMNS = frozenset(input_tables.TEAMS.column_names)


class Scenario(BaseModel):
    """A scenario file, checked. ``close``, ``change`` and ``add`` are rows of ``teams``, ``product`` rows of
    ``products``, in part. ``reference``: where the figures come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    config: dict[str, Any] = {}
    close: tuple[dict[str, Any], ...] = ()
    change: tuple[dict[str, Any], ...] = ()
    add: tuple[dict[str, Any], ...] = ()
    demand: tuple[Demand, ...] = ()
    product: tuple[dict[str, Any], ...] = ()
    capacity: tuple[Capacity, ...] = ()

    @property
    def names_places(self) -> bool:
        """Whether a region or district is named: then the areas have to be known."""
        rows: tuple[Row, ...] = (*self.demand, *self.capacity)
        return any(row.region or row.district for row in rows)

    @classmethod
    def from_file(cls, path: Path, opened: Callable[[], BinaryIO] | None = None) -> Scenario:
        """Read a scenario. Raises ``InputRefused`` with everything that is wrong with the file. ``opened``: as that of
        ``read_toml``."""
        try:
            return cls.model_validate(toml_file.read_toml(path, opened))
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


def named_scenario(folder: Path, name: str) -> Scenario:
    """The scenario ``name`` of an input folder, from its folder ``scenarios``.

    Raises InputRefused when it cannot be read, or when somebody made it a link to a file of another user: what is wrong
    with a file is told with what stands in it.
    """
    place = f"scenarios/{name}.toml"
    storage.fetch(folder / place, toml_file.MOST_BYTES)
    return Scenario.from_file(folder / place, lambda: open_given(folder, place))


def write_scenario_input(scenario: Scenario, source: Path, folder: Path, areas: pd.DataFrame | None = None) -> Path:
    """The input folder of a scenario: ``source`` with its teams, products and counts changed and without ``current``.

    Without ``current`` the outcome is compared with the division that is in force. Raises ``InputRefused`` for a team,
    product, region or district that does not exist (or a team that exists already, for ``add``), and for a column that
    a table does not have.

    ``areas``: pc4, arbeidsmarktregio_nr and arbeidsmarktregio; needed where the scenario names places.
    """
    changed = [input_tables.TEAMS]
    changed += [input_tables.INFLOW, input_tables.STOCK] if scenario.demand else []
    changed += [input_tables.PRODUCTS] if scenario.product or scenario.demand else []
    stems = {table.name for table in changed} | {input_tables.CURRENT.name}
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.stem.casefold() not in stems:
            _copy(source, path.name, folder)
    reading = read_folder(source, changed)
    if any(table.name not in reading.frames for table in changed):
        raise InputRefused(reading.problems)
    tables = {name: frame.drop(columns="row").astype(object) for name, frame in reading.frames.items()}
    tables["teams"]["team_id"] = as_text(tables["teams"]["team_id"])
    problems = _problems(scenario, set(tables["teams"]["team_id"].astype(str)))
    places = Places.of(tables["teams"], areas)
    problems += problems_of(scenario.demand, scenario.product, scenario.capacity, tables, places, scenario.name)
    if problems:
        raise InputRefused(problems)
    tables["teams"] = with_capacity(changed_teams(scenario, tables["teams"]), scenario.capacity, places)
    for name, frame in with_demand(tables, scenario.demand, scenario.product, places).items():
        texts = frame.astype(str).replace({"None": "", "nan": "", "NaT": "", "<NA>": ""})
        texts.to_csv(folder / f"{name}.csv", index=False)
    storage.send_folder(folder)
    return folder


def _copy(source: Path, name: str, folder: Path) -> None:
    """Copy a file of an input folder; what is no file stays behind. Raises ``InputRefused`` as ``open_given``."""
    try:
        file = open_given(source, name)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    with file, (folder / name).open("wb") as copy:
        shutil.copyfileobj(file, copy)


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
