"""A bare instance as a folder of plain files, and a plan as one file.

``units.csv`` unit, x, y [m], demand; optional current_team, municipality, care_region, fixed_team, allowed_teams
(joined with ``|``, empty = all). ``edges.csv`` a, b, border [m] (0 = a bridge). ``teams.csv`` team, capacity; optional
x, y [m] and base_load. ``problem.toml`` tolerance and the table ``weights``. Other columns are ignored.
"""

from __future__ import annotations

import csv
import dataclasses
import tomllib
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from allocation.districting.problem import Floats, Ints, Problem, ProblemError, Weights


class InstanceError(ProblemError):
    """A folder that does not hold an instance; each sentence names file, row and column (the header is row 1)."""


class _Table:
    """One csv file, with every fault collected in a shared list."""

    def __init__(self, path: Path, needed: tuple[str, ...], faults: list[str]) -> None:
        self.name, self.faults = path.name, faults
        self.rows = 0
        self.cells: dict[str, list[str]] = {}  # by column
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file)
                columns = next(reader, [])
                cells = _by_column(reader, len(columns))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a CSV file in UTF-8"
            faults.append(f"{self.name}: cannot be read ({reason}).")
            return
        missing = [c for c in needed if c not in columns]
        faults += [f"{self.name}, column {c}: is missing; needed are {', '.join(needed)}." for c in missing]
        self.cells = dict(zip(columns, [[] for _ in cells] if missing else cells, strict=True))
        self.rows = len(next(iter(self.cells.values()), ()))

    def has(self, *columns: str) -> bool:
        return all(c in self.cells for c in columns)

    def text(self, column: str) -> list[str]:
        """The cells of a column, without the blanks around them; none when the file could not be read."""
        return [cell.strip() for cell in self.cells.get(column, ())]

    def fault(self, row: int, column: str, text: str) -> None:
        self.faults.append(f"{self.name}, row {row + 2}, column {column}: {text}")

    def each(self, column: str, read: Callable[[str], Any], rule: str) -> list[Any]:
        """One value per row; what ``read`` refuses is a fault that states the rule, and is None."""
        cells = self.text(column)
        try:
            return [read(text) for text in cells]
        except (ValueError, KeyError):  # again, to name every fault
            out: list[Any] = []
        for i, text in enumerate(cells):
            try:
                out.append(read(text))
            except (ValueError, KeyError):
                self.fault(i, column, f"'{text}' is not allowed; {rule}.")
                out.append(None)
        return out

    def numbers(self, column: str, least: float = -np.inf) -> Floats:
        try:
            found = np.array([float(cell) for cell in self.cells.get(column, ())], dtype=np.float64)
            if (np.isfinite(found) & (found >= least)).all():
                return found
        except ValueError:
            pass  # the faults are named below
        rule = "a number is needed" if least == -np.inf else f"a number of at least {least:g} is needed"
        values = self.each(column, lambda text: _number(text, least), rule)
        return np.array([0.0 if v is None else v for v in values], dtype=np.float64)

    def names(self, column: str) -> tuple[str, ...]:
        values = self.each(column, _name, "a name is needed")
        seen: set[str] = set()
        for i, value in enumerate(values):
            if value is not None and value in seen:
                self.fault(i, column, f"'{value}' occurs more than once.")
            seen.add(value)
        return tuple("" if v is None else v for v in values)


def _by_column(lines: Iterable[list[str]], width: int) -> list[list[str]]:
    """The cells of each column; a line's missing cells are empty, further ones and empty lines are ignored.

    Some lines at a time: a list that is kept for each of a million lines makes the garbage collector take most of the
    time.
    """
    columns: list[list[str]] = [[] for _ in range(width)]
    filled = (line if len(line) == width else [*line, *[""] * width][:width] for line in lines if line)
    while some := list(islice(filled, 10_000)):
        for column, cells in zip(columns, zip(*some, strict=True), strict=True):
            column.extend(cells)
    return columns


def _number(text: str, least: float) -> float:
    value = float(text)
    if not (np.isfinite(value) and value >= least):
        raise ValueError(text)
    return value


def _name(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def read_instance(folder: Path | str) -> Problem:
    """The problem in ``folder``; :class:`InstanceError` lists everything wrong with the files at once."""
    folder = Path(folder)
    faults: list[str] = []
    units = _Table(folder / "units.csv", ("unit", "x", "y", "demand"), faults)
    edges = _Table(folder / "edges.csv", ("a", "b", "border"), faults)
    teams = _Table(folder / "teams.csv", ("team", "capacity"), faults)
    tolerance, weights = _read_settings(folder / "problem.toml", faults)
    unit_ids, team_ids = units.names("unit"), teams.names("team")
    unit_at = {name: i for i, name in enumerate(unit_ids)}
    team_at = {name: i for i, name in enumerate(team_ids)}
    ends = [edges.each(c, unit_at.__getitem__, "a unit of units.csv is needed") for c in ("a", "b")]
    fields: dict[str, Any] = {
        "xy_m": np.stack([units.numbers("x"), units.numbers("y")], axis=1),
        "demand": units.numbers("demand", 0),
        "border_m": edges.numbers("border", 0),
        "capacity": teams.numbers("capacity", 0),
    }
    if teams.has("x", "y"):
        fields["office_xy_m"] = np.stack([teams.numbers("x"), teams.numbers("y")], axis=1)
    if teams.has("base_load"):
        fields["base_load"] = teams.numbers("base_load", 0)
    if units.has("current_team"):
        fields["current"] = [team_at.get(name, -1) for name in units.text("current_team")]
    for column in ("municipality", "care_region"):
        if units.has(column):
            code = {name: i for i, name in enumerate(sorted(set(units.cells[column])))}
            fields[column] = [code[name] for name in units.cells[column]]
    fields |= _read_locks(units, team_at)
    if not faults:
        try:
            pairs = np.array(ends, dtype=np.int64).T.reshape(-1, 2)
            return Problem(unit_ids, team_ids, edges=pairs, tolerance=tolerance, weights=weights, **fields)
        except ProblemError as error:
            faults += error.sentences
    raise InstanceError(tuple(faults))


def _read_locks(units: _Table, team_at: dict[str, int]) -> dict[str, Any]:
    locks: dict[str, Any] = {}
    if units.has("fixed_team"):
        rule = "a team of teams.csv or nothing is needed"
        fixed = units.each("fixed_team", lambda text: team_at[text] if text else -1, rule)
        locks["fixed"] = [-1 if v is None else v for v in fixed]
    if units.has("allowed_teams"):
        rule = "teams of teams.csv joined with | or nothing are needed"
        parts = units.each("allowed_teams", lambda text: [team_at[t] for t in text.split("|")] if text else [], rule)
        allowed = np.ones((units.rows, len(team_at)), dtype=np.bool_)
        for i, listed in enumerate(parts):
            if listed:
                allowed[i] = False
                allowed[i, listed] = True
        locks["allowed"] = allowed
    return locks


def _read_settings(path: Path, faults: list[str]) -> tuple[float, Weights]:
    try:
        with path.open("rb") as file:
            settings = tomllib.load(file)
    except OSError as error:
        faults.append(f"{path.name}: cannot be read ({error.strerror}).")
        return 0.0, Weights()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{path.name}: is not TOML ({error}).")
        return 0.0, Weights()
    tolerance = settings.get("tolerance")
    if not _is_weight(tolerance):
        faults.append(f"{path.name}, tolerance: {tolerance!r} is not allowed; a number of at least 0 is needed.")
    given = settings.get("weights", {})
    known = [f.name for f in dataclasses.fields(Weights)]
    if not isinstance(given, dict):
        faults.append(f"{path.name}, weights: a table is needed.")
        given = {}
    for name, value in given.items():
        if name not in known:
            faults.append(f"{path.name}, weights: '{name}' is not known; known are {', '.join(known)}.")
        elif not _is_weight(value):
            faults.append(f"{path.name}, weights.{name}: {value!r} is not allowed; a number of at least 0 is needed.")
    prices = {name: float(given[name]) if _is_weight(given.get(name)) else 0.0 for name in known}
    return (0.0 if tolerance is None or not _is_weight(tolerance) else float(tolerance)), Weights(**prices)


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < np.inf


def write_instance(problem: Problem, folder: Path | str) -> None:
    """Write ``problem`` so that ``read_instance`` gives it back. Further measures have no place in the format."""
    if problem.further:
        raise ProblemError(("A folder has no place for further measures.",))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "units.csv", _unit_columns(problem))
    names = problem.unit_ids
    _write(folder / "edges.csv", {
        "a": [names[a] for a in problem.edges[:, 0]],
        "b": [names[b] for b in problem.edges[:, 1]],
        "border": problem.border_m.tolist(),
    })  # fmt: skip
    teams: dict[str, list[Any]] = {"team": list(problem.team_ids), "capacity": problem.capacity.tolist()}
    if problem.office_xy_m is not None:
        teams |= {"x": problem.office_xy_m[:, 0].tolist(), "y": problem.office_xy_m[:, 1].tolist()}
    if problem.base_load is not None:
        teams["base_load"] = problem.base_load.tolist()
    _write(folder / "teams.csv", teams)
    lines = [f"tolerance = {float(problem.tolerance)!r}", "", "[weights]"]
    lines += [f"{name} = {float(value)!r}" for name, value in dataclasses.asdict(problem.weights).items()]
    (folder / "problem.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _unit_columns(problem: Problem) -> dict[str, list[Any]]:
    def team(codes: Ints) -> list[str]:
        return [problem.team_ids[t] if t >= 0 else "" for t in codes]

    columns: dict[str, list[Any]] = {
        "unit": list(problem.unit_ids),
        "x": problem.xy_m[:, 0].tolist(),
        "y": problem.xy_m[:, 1].tolist(),
        "demand": problem.demand.tolist(),
    }
    if problem.current is not None:
        columns["current_team"] = team(problem.current)
    if problem.municipality is not None:
        columns["municipality"] = problem.municipality.tolist()
    if problem.care_region is not None:
        columns["care_region"] = problem.care_region.tolist()
    if problem.fixed is not None:
        columns["fixed_team"] = team(problem.fixed)
    if problem.allowed is not None:
        columns["allowed_teams"] = ["|".join(team(np.flatnonzero(row))) for row in problem.allowed]
    return columns


def _write(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_plan(problem: Problem, plan: Ints, path: Path | str) -> None:
    """Write ``plan`` ((n,) team indices) as unit, team in the order of the problem's units."""
    teams = [problem.team_ids[t] for t in plan]
    _write(Path(path), {"unit": list(problem.unit_ids), "team": teams})


def read_plan(problem: Problem, path: Path | str) -> Ints:
    """(n,) team indices from a file with unit, team; every unit must occur exactly once."""
    faults: list[str] = []
    table = _Table(Path(path), ("unit", "team"), faults)
    unit_at = {name: i for i, name in enumerate(problem.unit_ids)}
    team_at = {name: i for i, name in enumerate(problem.team_ids)}
    table.names("unit") if table.rows else ()
    units = table.each("unit", unit_at.__getitem__, "a unit of the problem is needed") if table.rows else []
    teams = table.each("team", team_at.__getitem__, "a team of the problem is needed") if table.rows else []
    missing = sorted(set(range(problem.n)) - set(units))
    if missing:
        more = f" +{len(missing) - 5} more" if len(missing) > 5 else ""
        named = ", ".join(problem.unit_ids[i] for i in missing[:5])
        faults.append(f"{table.name}: units without a team: {named}{more}.")
    if faults:
        raise InstanceError(tuple(faults))
    plan = np.empty(problem.n, dtype=np.int64)
    plan[units] = teams
    return plan
