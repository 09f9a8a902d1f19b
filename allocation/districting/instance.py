"""A bare instance as a folder of plain files, and a plan as one file.

``units.csv`` unit, x, y [m], demand; optional current_team, municipality, care_region, fixed_team, allowed_teams
(joined with ``|``, empty = all), and further text columns that ``[groupings]`` names. ``edges.csv`` a, b, border [m]
(0 = a bridge). ``teams.csv`` team, capacity; optional x, y [m] and base_load. ``distance.csv`` (optional) unit, team,
km: every pair, in place of straight lines. ``coverage.csv`` (optional) unit, kind, provider and perhaps share:
overlapping territories, each kind priced by ``[coverage]``. ``problem.toml`` tolerance, the table ``weights``, and
optionally the tables ``groupings`` (name of a column = price of a split) and ``coverage`` (kind = price of a split).

Every cell, header and key that is not understood is a fault with its place, all at once. What is understood and
unusual is a remark.
"""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from allocation.districting.coverage import groupings_of, named
from allocation.districting.problem import Bools, Floats, Ints, Problem, ProblemError
from allocation.districting.tables import Findings, Range, Table, meant, name_of, read_text, shown
from allocation.objective_terms import TERMS, Weights

FILES = ("units.csv", "edges.csv", "teams.csv", "distance.csv", "coverage.csv", "problem.toml")
PLACE = Range(-1e8, 1e8, " metres", 1e-9)
AMOUNT = Range(0.0, 1e12, "", 1e-9)
CAPACITY = Range(1e-9, 1e12, "")
BORDER = Range(0.0, 1e8, " metres", 1e-9)
DISTANCE = Range(0.0, 1e5, " kilometres", 1e-9)
SHARE = Range(1e-9, 1.0, "")
TOLERANCE = Range(0.0, 1000.0, " (0.05 = 5%)", 1e-12)
WEIGHT = Range(0.0, 1e9, "", 1e-12)
LOCKS = ("fixed_team", "allowed_teams")
GROUPS = ("municipality", "care_region")


class InstanceError(ProblemError):
    """A folder that does not hold an instance; each sentence names file, row and column (the header is row 1)."""


def read_instance(folder: Path | str, remarks: list[str] | None = None) -> Problem:
    """The problem in ``folder``; :class:`InstanceError` lists everything wrong with the files at once.

    ``remarks`` receives a sentence for each thing that is understood and unusual.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InstanceError((f"{folder}: is not a folder; one with {', '.join(FILES[:3])} and {FILES[-1]} is needed.",))
    findings = Findings()
    _refuse_look_alikes(folder, findings)
    units = Table(
        folder / "units.csv", ("unit", "x", "y", "demand"), findings, ("current_team", *GROUPS, *LOCKS), more=True
    )
    edges = Table(folder / "edges.csv", ("a", "b", "border"), findings)
    teams = Table(folder / "teams.csv", ("team", "capacity"), findings, ("x", "y", "base_load"))
    settings = _Settings(folder / "problem.toml", findings)
    unit_ids, team_ids = units.names("unit"), teams.names("team")
    unit_at = _Index(unit_ids, is_known=bool(units.cells))
    team_at = _Index(team_ids, is_known=bool(teams.cells))
    fields: dict[str, Any] = {
        "edges": _read_edges(edges, unit_at),
        "border_m": edges.numbers("border", BORDER),
        "xy_m": np.stack([units.numbers("x", PLACE), units.numbers("y", PLACE)], axis=1),
        "demand": units.numbers("demand", AMOUNT),
        "capacity": teams.numbers("capacity", CAPACITY),
    }
    fields |= _read_offices(teams)
    if (folder / "distance.csv").exists():
        distances = Table(folder / "distance.csv", ("unit", "team", "km"), findings)
        fields["distance_table_km"] = _read_distances(distances, unit_at, team_at)
    if units.has("current_team"):
        fields["current"] = _read_current(units, team_at)
    fields |= {column: _read_groups(units, column) for column in GROUPS if units.has(column)}
    fields["groupings"] = _read_groupings(units, settings)
    weights = settings.weights
    if (folder / "coverage.csv").exists():
        covering = Table(folder / "coverage.csv", ("unit", "kind", "provider"), findings, ("share",))
        priced = _read_coverage(covering, unit_at, settings)
        fields["groupings"] |= {name: codes for name, (codes, _) in priced.items()}
        weights = replace(weights, groupings={**weights.groupings, **{n: price for n, (_, price) in priced.items()}})
    elif settings.coverage:
        findings.faults.append(f"{settings.name}, coverage: needs the file coverage.csv.")
    fields |= _read_locks(units, team_at)
    for table in (units, teams):
        if table.cells and not table.rows:
            findings.faults.append(f"{table.name}: has no rows below its header.")
    if findings.faults:
        raise InstanceError(tuple(findings.faults))
    try:
        problem = Problem(unit_ids, team_ids, tolerance=settings.tolerance, weights=weights, **fields)
    except ProblemError as error:
        raise InstanceError(error.sentences) from None
    _remark_idle_weights(problem, findings)
    if remarks is not None:
        remarks += findings.remarks
    return problem


class _Index(dict[str, int]):
    """Position of each name. Of a file that could not be read no name is known, and none is called unknown: the cause
    is a fault, its consequences are not."""

    def __init__(self, names: tuple[str, ...], is_known: bool) -> None:
        super().__init__((name, i) for i, name in enumerate(names))
        self.names, self.is_known = names, is_known

    def __missing__(self, name: str) -> int:
        if self.is_known or not name:
            raise KeyError(name)
        return -1


def _refuse_look_alikes(folder: Path, findings: Findings) -> None:
    """A file whose name is nearly that of a file of the format would have no effect."""
    for entry in sorted(folder.iterdir()):
        hint = meant(entry.name, [name for name in FILES if not (folder / name).exists()])
        if entry.suffix.casefold() in (".csv", ".toml") and entry.name not in FILES and hint:
            findings.faults.append(f"{shown(entry.name)[1:-1]}: is not read{hint}")


def _read_edges(edges: Table, unit_at: _Index) -> Ints:
    """(m, 2) unit indices; a pair that occurs before, in either direction, and a loop are faults."""
    ends = [edges.each(c, unit_at.__getitem__, "a unit of units.csv is needed") for c in ("a", "b")]
    pairs = np.array([[-1 if v is None else v for v in end] for end in ends], dtype=np.int64).T.reshape(-1, 2)
    if len(pairs) == 0 or not unit_at.is_known:
        return pairs
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    key = np.where(low < 0, -1 - np.arange(len(pairs)), low * len(unit_at.names) + high)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(pairs)))
    loops = np.flatnonzero((low == high) & (low >= 0))
    if len(again) == len(loops) == 0:
        return pairs
    a, b = edges.text("a"), edges.text("b")
    before = first[inverse]
    twice = [(int(i), f"the pair {a[i]}, {b[i]} occurs in row {edges.row(int(before[i]))} too.") for i in again]
    edges.faults("b", twice)
    edges.faults("b", [(int(i), f"{shown(b[i])} is no neighbour of itself.") for i in loops])
    return pairs


def _read_offices(teams: Table) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    present = [c for c in ("x", "y") if teams.has(c)]
    if len(present) == 2:
        fields["office_xy_m"] = np.stack([teams.numbers(c, PLACE) for c in present], axis=1)
    elif present:
        absent = "y" if present == ["x"] else "x"
        teams.findings.faults.append(f"{teams.name}, column {absent}: is missing; an office needs both x and y.")
    if teams.has("base_load"):
        fields["base_load"] = teams.numbers("base_load", AMOUNT)
    return fields


def _read_distances(table: Table, unit_at: _Index, team_at: _Index) -> Floats:
    """(n, k) km; every pair of a unit and a team exactly once."""
    n, k = len(unit_at.names), len(team_at.names)
    units = table.each("unit", unit_at.__getitem__, "a unit of units.csv is needed")
    teams = table.each("team", team_at.__getitem__, "a team of teams.csv is needed")
    km = table.numbers("km", DISTANCE)
    out = np.full((n, k), -1.0)
    if not (table.cells and unit_at.is_known and team_at.is_known) or None in units or None in teams:
        return np.zeros((n, k))
    key = np.array(units, dtype=np.int64) * k + np.array(teams, dtype=np.int64)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(key)))
    table.faults("team", [(int(i), f"the pair occurs in row {table.row(int(first[inverse[i]]))} too.") for i in again])
    out.ravel()[key] = km
    pairs = [(unit_at.names[u], team_at.names[t]) for u, t in np.argwhere(out < 0)]
    missing = [f"{table.name}: unit {u} and team {t} have no row." for u, t in pairs if u in unit_at and t in team_at]
    table.findings.capped(missing, table.name)
    return out


def _read_current(units: Table, team_at: _Index) -> list[int]:
    """Team index per unit, -1 for none and for a team that is gone; a name that is nearly that of a team is a fault."""
    names = units.text("current_team")
    gone = sorted({name for name in names if name not in team_at})
    folded = {name.casefold() for name in team_at}
    near = {name for name in gone if name and name.casefold() in folded}
    units.faults(
        "current_team", [(i, f"{shown(n)} is not known{meant(n, team_at)}") for i, n in enumerate(names) if n in near]
    )
    if gone and not near and team_at.is_known:
        listed = ", ".join(name or "an empty cell" for name in gone[:5]) + (", ..." if len(gone) > 5 else "")
        count = sum(name not in team_at for name in names)
        units.findings.remarks.append(
            f"{units.name}, column current_team: {listed} in {count} rows is no team of teams.csv: counted as gone."
        )
    return [team_at.get(name, -1) for name in names]


def _read_groups(units: Table, column: str, *, empty_is_none: bool = False) -> list[int]:
    """Group codes of a column of names; of an empty cell -1 (in no group) where ``empty_is_none``."""
    names = [name[:-2] if name.endswith(".0") and name[:-2].isdecimal() else name for name in units.text(column)]
    distinct = sorted({name for name in names if name or not empty_is_none})
    code = {name: i for i, name in enumerate(distinct)} | ({"": -1} if empty_is_none else {})
    where = f"{units.name}, column {column}"
    if "" in names and len(code) > 1:
        count = "each is in no group" if empty_is_none else "together they count as one group"
        units.findings.remarks.append(f"{where}: {names.count('')} rows are empty: {count}.")
    folded: dict[str, str] = {}
    for name in distinct:
        if (other := folded.setdefault(name.casefold(), name)) != name:
            units.findings.remarks.append(f"{where}: {shown(other)} and {shown(name)} count as two groups.")
    return [code[name] for name in names]


def _read_groupings(units: Table, settings: _Settings) -> dict[str, list[int]]:
    """Codes of each grouping that has a price; a price without a column is a fault."""
    known = ("unit", "x", "y", "demand", "current_team", *GROUPS, *LOCKS)
    further = [column for column in units.cells if column not in known]
    for name in settings.weights.groupings:
        where = f"{settings.name}, groupings.{name}"
        if name in known:
            units.findings.faults.append(f"{where}: is a column with a meaning of its own; it cannot be a grouping.")
        elif units.cells and name not in further:
            hint = meant(name, further) or "."
            units.findings.faults.append(f"{where}: {units.name} has no column of that name{hint}")
    idle = [column for column in further if column not in settings.weights.groupings]
    units.findings.remarks += [f"{units.name}, column {c}: has no price in [groupings]: not used." for c in idle]
    priced = [column for column in further if column in settings.weights.groupings]
    return {column: _read_groups(units, column, empty_is_none=True) for column in priced}


def _read_coverage(table: Table, unit_at: _Index, settings: _Settings) -> dict[str, tuple[Ints, float]]:
    """The groupings of every kind that has a price, each with the price of a split in it."""
    units = table.each("unit", unit_at.__getitem__, "a unit of units.csv is needed")
    kinds, providers = table.text("kind"), table.text("provider")
    for column, names in (("kind", kinds), ("provider", providers)):
        table.faults(column, [(i, "is empty; a name is needed.") for i, name in enumerate(names) if not name])
    share = table.numbers("share", SHARE) if table.has("share") else np.ones(table.rows)
    known = sorted(set(kinds))
    for kind in settings.coverage:
        if table.cells and kind not in known:
            hint = meant(kind, known) or "."
            table.findings.faults.append(
                f"{settings.name}, coverage.{kind}: coverage.csv has no kind of that name{hint}"
            )
    idle = [kind for kind in known if kind and kind not in settings.coverage]
    table.findings.remarks += [f"{table.name}, kind {kind}: has no price in [coverage]: not used." for kind in idle]
    if not (table.cells and unit_at.is_known) or None in units:
        return {}
    at = np.array(units, dtype=np.int64)
    first: dict[tuple[int, str, str], int] = {}
    twice = []
    total: dict[tuple[int, str], float] = {}
    for i, key in enumerate(zip(at.tolist(), kinds, providers, strict=True)):
        if first.setdefault(key, i) != i:
            twice.append((i, f"the unit, kind and provider occur in row {table.row(first[key])} too."))
        total[key[:2]] = total.get(key[:2], 0.0) + float(share[i])
    table.faults("provider", twice)
    over = {key for key, whole in total.items() if whole > 1 + 1e-9}
    last = {(unit, kind): i for i, (unit, kind) in enumerate(zip(at.tolist(), kinds, strict=True))}
    table.faults(
        "share", [(last[k], f"the shares of unit and kind sum to {total[k]:g}; at most 1.") for k in sorted(over)]
    )
    found: dict[str, tuple[Ints, float]] = {}
    for kind, price in settings.coverage.items():
        mine = np.array([name == kind for name in kinds])
        code = np.unique(np.array(providers)[mine], return_inverse=True)[1]
        parts = groupings_of(len(unit_at.names), at[mine], code, share[mine])
        found |= {f"coverage: {name}": (codes, price * part) for name, (codes, part) in named(kind, parts).items()}
    return found


def _read_locks(units: Table, team_at: _Index) -> dict[str, Any]:
    locks: dict[str, Any] = {}
    if units.has("fixed_team"):
        rule = "a team of teams.csv or nothing is needed"
        fixed = units.each("fixed_team", lambda text: team_at[text] if text else -1, rule)
        locks["fixed"] = [-1 if v is None else v for v in fixed]
    if units.has("allowed_teams"):
        rule = "teams of teams.csv joined with | or nothing are needed"

        def several(text: str) -> list[int]:
            return [team_at[name_of(part)] for part in text.split("|")] if text else []

        parts = units.each("allowed_teams", several, rule)
        allowed: Bools = np.ones((units.rows, len(team_at)), dtype=np.bool_)
        for i, listed in enumerate(parts if team_at.is_known else ()):
            if listed:
                allowed[i] = False
                allowed[i, listed] = True
        locks["allowed"] = allowed
    if len(locks) == 2 and team_at.is_known:
        wrong = [i for i, team in enumerate(locks["fixed"]) if team >= 0 and not locks["allowed"][i, team]]
        names = units.text("fixed_team")
        units.faults(
            "fixed_team", [(i, f"{shown(names[i])} is not among the allowed_teams of the row.") for i in wrong]
        )
    return locks


class _Settings:
    """``problem.toml``: tolerance and prices; 0 where there is a fault."""

    def __init__(self, path: Path, findings: Findings) -> None:
        self.name, self.findings = path.name, findings
        self.tolerance, self.weights = 0.0, Weights()
        self.coverage: dict[str, float] = {}
        text = read_text(path, findings)
        if text is None:
            return
        try:
            settings = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            findings.faults.append(f"{self.name}: is not TOML ({str(error)[:200]}).")
            return
        known = ("tolerance", "weights", "groupings", "coverage")
        self._unknown("", settings, known)
        for key in ("tolerance", "weights"):
            if key not in settings:
                findings.faults.append(f"{self.name}, {key}: is missing.")
        self.tolerance = self._number("tolerance", settings.get("tolerance", 0.0), TOLERANCE)
        if self.tolerance > 1:
            findings.remarks.append(
                f"{self.name}, tolerance: {self.tolerance:g} is {self.tolerance:.0%} of the target."
            )
        prices = self._table(settings, "weights")
        names = [term.name for term in TERMS]
        self._unknown("weights.", prices, names)
        named = {name: self._number(f"weights.{name}", prices.get(name, 0.0), WEIGHT) for name in names}
        groupings = {name_of(n): v for n, v in self._table(settings, "groupings").items()}
        further = {name: self._number(f"groupings.{name}", value, WEIGHT) for name, value in groupings.items()}
        self.weights = Weights(**named, groupings=further)
        kinds = {name_of(n): v for n, v in self._table(settings, "coverage").items()}
        self.coverage = {name: self._number(f"coverage.{name}", value, WEIGHT) for name, value in kinds.items()}

    def _unknown(self, table: str, given: dict[str, Any], known: list[str] | tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                hint = meant(key, known) or f"; known are {', '.join(known)}."
                self.findings.faults.append(f"{self.name}, {table}{shown(key)[1:-1]}: is not known{hint}")

    def _table(self, settings: dict[str, Any], key: str) -> dict[str, Any]:
        given = settings.get(key, {})
        if isinstance(given, dict):
            return given
        self.findings.faults.append(f"{self.name}, {key}: a table is needed.")
        return {}

    def _number(self, key: str, value: object, allowed: Range) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and abs(value) < 1e300 and allowed.holds(np.array([float(value)])):  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
        self.findings.faults.append(f"{self.name}, {key}: {shown(repr(value))[1:-1]} is not allowed; {allowed.rule}.")
        return 0.0


def _remark_idle_weights(problem: Problem, findings: Findings) -> None:
    """A price of something that the files do not tell has no effect."""
    absent = {
        "travel": None if problem.has_distances else "offices (x, y in teams.csv) or distance.csv",
        "moved": None if problem.current is not None else "a column current_team in units.csv",
        "lines_apart": "a further division beside this one, which a folder has no place for",
        "municipality_splits": None if problem.municipality is not None else "a column municipality in units.csv",
        "care_region_splits": None if problem.care_region is not None else "a column care_region in units.csv",
    }
    for term, needs in absent.items():
        if needs and getattr(problem.weights, term) > 0:
            findings.remarks.append(f"problem.toml, weights.{term}: has no effect without {needs}.")
    w = problem.weights
    if not any([*(getattr(w, term.name) for term in TERMS), *w.groupings.values()]):
        findings.remarks.append("problem.toml, weights: all are 0, so every plan within the rules is as good.")


def write_instance(problem: Problem, folder: Path | str) -> None:
    """Write ``problem`` so that ``read_instance`` gives it back. Further measures have no place in the format."""
    if problem.further:
        raise ProblemError(("A folder has no place for further measures.",))
    if problem.kept is not None or problem.apart is not None:
        raise ProblemError(
            ("A folder has no place for what several teams have of a unit, or for another client line.",)
        )
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
    if problem.distance_table_km is not None:
        _write(folder / "distance.csv", {
            "unit": np.repeat(names, problem.k).tolist(),
            "team": list(problem.team_ids) * problem.n,
            "km": problem.distance_table_km.ravel().tolist(),
        })  # fmt: skip
    lines = [f"tolerance = {float(problem.tolerance)!r}", "", "[weights]"]
    lines += [f"{term.name} = {float(getattr(problem.weights, term.name))!r}" for term in TERMS]
    if problem.groupings:
        lines += ["", "[groupings]"]
        prices = {name: float(problem.weights.groupings.get(name, 0.0)) for name in problem.groupings}
        lines += [f"{json.dumps(name)} = {price!r}" for name, price in prices.items()]
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
    columns |= {
        name: ["" if code < 0 else code for code in codes.tolist()] for name, codes in problem.groupings.items()
    }
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
    findings = Findings()
    table = Table(Path(path), ("unit", "team"), findings)
    unit_at = {name: i for i, name in enumerate(problem.unit_ids)}
    team_at = {name: i for i, name in enumerate(problem.team_ids)}
    table.names("unit")
    units = table.each("unit", unit_at.__getitem__, "a unit of the problem is needed")
    teams = table.each("team", team_at.__getitem__, "a team of the problem is needed")
    missing = sorted(set(range(problem.n)) - set(units))
    if missing:
        more = f" +{len(missing) - 5} more" if len(missing) > 5 else ""
        named = ", ".join(problem.unit_ids[i] for i in missing[:5])
        findings.faults.append(f"{table.name}: units without a team: {named}{more}.")
    if findings.faults:
        raise InstanceError(tuple(findings.faults))
    plan = np.empty(problem.n, dtype=np.int64)
    plan[units] = teams
    return plan
