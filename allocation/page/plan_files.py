"""A division made elsewhere: read from a file and laid over a proposal as changes; and written in the same form.

A row is a postcode and its team. ``team_werkgever`` names the team of the werkgeverslijn where it has teams of its own,
``team_pw`` that of the Participatiewet; in ``team`` the kind of the team says which division is meant. A postcode that
the file does not name stays as proposed. GeoJSON holds the same as properties; without a postcode, a feature is the
area of a team and has every postcode whose middle lies in it.

Belongs here: files. Does not belong here: what a division means (`whatif`), the words for a fault (`plan_faults`).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely
import shapely.geometry

import geodata
from allocation.page.answers import draft_team
from allocation.page.changes import ChangeSet, Move
from allocation.page.plan_faults import Fault, PlanRefused, Wrong
from allocation.page.whatif import Bench, Variant, refuse_move
from allocation.publication.store import csv_bytes
from allocation.publication.table_files import spreadsheet_safe
from allocation.report.board import Board, LayerBoard
from allocation.report.map import SHOWN, boards_shown, main_team
from allocation.runs import run_files

PC4_NAMES = ("pc4", "postcode")
TEAM_NAMES = {"team": "team", "team_id": "team", "team_werkgever": "team_werkgever", "team_pw": "team_pw"}
COLUMNS = ("pc4", "team", "team_werkgever", "team_pw")
TOLERANCE_M = 100.0
_CRS = re.compile(r"(?:urn:ogc:def:crs:)?(EPSG|OGC):(?:[\d.]*:)?(\d{4,6}|CRS84)")
_SEPARATOR = re.compile(r"\s*sep=([^\r\n])\s*?(?:\r\n|\r|\n|$)", re.IGNORECASE)
MOST_AREAS_OVER_A_POSTCODE = 10
"""On average: one per division is what makes sense, with room for areas that overlap a little or are there twice."""


@dataclass(frozen=True)
class Placed:
    """A postcode with a team, and in which row and column of the file that stands."""

    row: int
    column: str
    pc4: str
    team_id: str


@dataclass(frozen=True)
class Imported:
    """A file as changes on a proposal. ``named``: postcodes in it; ``unnamed``: those that stay as proposed."""

    changes: ChangeSet
    named: int
    unnamed: int


# --- reading ---------------------------------------------------------------------------------------------------------


Read = tuple[list[Placed], list[Fault]]
"""What stands in a file, and what is wrong with its rows: everything is told at once, so the rest is looked at too."""


def read_plan(content: bytes, bench: Bench) -> list[Placed]:
    """The rows of a file, CSV or GeoJSON. Raises PlanRefused naming everything that cannot be read."""
    placed, faults = _read(content, bench)
    _refuse(faults)
    return placed


def _read(content: bytes, bench: Bench) -> Read:
    """Raises PlanRefused where the file as a whole is no division."""
    start = content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    return _of_geojson(content, bench) if start == b"{" else _of_csv(content)


def _refuse(faults: Iterable[Fault]) -> None:
    """Raise PlanRefused with all of ``faults``, as a person works through a file; not when there are none."""
    if in_order := sorted(faults, key=lambda one: one.row or 0):
        raise PlanRefused(in_order)


def _of_csv(content: bytes) -> Read:
    """Blank lines above the header do no harm, nor does a first line ``sep=;``: Excel does not count it as a row."""
    try:
        text = content.decode("utf-8-sig")
        for_excel = _SEPARATOR.match(text)
        text = text[for_excel.end() :] if for_excel else text
        first = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = for_excel[1] if for_excel else ";" if first.count(";") > first.count(",") else ","
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise PlanRefused([Fault(Wrong.UNREADABLE)]) from error
    filled = [(row, cells) for row, cells in enumerate(lines, start=1) if any(cell.strip() for cell in cells)]
    header = [name.strip().lower() for name in filled[0][1]] if filled else []
    while header and not header[-1]:
        header.pop()
    faults = [
        Fault(Wrong.MORE_CELLS, row, value=str(len(cells)), other=str(len(header)))
        for row, cells in filled[1:]
        if any(cell.strip() for cell in cells[len(header) :])
    ]
    return _placed(header, ((row, dict(zip(header, cells, strict=False))) for row, cells in filled[1:]), faults)


def _twice(names: Iterable[str]) -> list[Fault]:
    """Where two columns mean the same: one of them would be read, and nobody would know which."""
    known: dict[str, str] = {}
    faults = []
    for name in names:
        meant = "pc4" if name in PC4_NAMES else TEAM_NAMES.get(name)
        if meant in known:
            faults.append(Fault(Wrong.COLUMN_TWICE, value=name, other=known[meant]))
        elif meant:
            known[meant] = name
    return faults


def _placed(header: Sequence[str], rows: Iterable[tuple[int, Mapping[str, Any]]], known: Sequence[Fault] = ()) -> Read:
    """``known``: what is wrong with rows already; it is not told of them again that they are incomplete."""
    pc4_name = next((name for name in PC4_NAMES if name in header), None)
    columns = {name: TEAM_NAMES[name] for name in header if name in TEAM_NAMES}
    of_header = _twice(header)
    of_header += [Fault(Wrong.NO_COLUMN, value="pc4")] * (pc4_name is None)
    of_header += [Fault(Wrong.NO_COLUMN, value="team")] * ("team" not in columns.values())
    if of_header:
        raise PlanRefused([*of_header, *known])
    found, faults, told = [], list(known), {one.row for one in known}
    for number, row in rows:
        pc4 = str(row.get(pc4_name or "") or "").strip()
        teams = {column: _code(row.get(name)) for name, column in columns.items()}
        if not pc4 and not any(teams.values()):
            continue
        if not (len(pc4) == 4 and pc4.isascii() and pc4.isdigit()):
            faults.append(Fault(Wrong.NOT_A_POSTCODE, number, "pc4", pc4[:20]))
            continue
        if not any(teams.values()) and number not in told:
            faults.append(Fault(Wrong.NO_TEAM, number, "team"))
        found += [Placed(number, column, pc4, team) for column, team in teams.items() if team]
    if not found and not faults:
        raise PlanRefused([Fault(Wrong.EMPTY)])
    return found, faults


def _code(value: object) -> str:
    """A team's code; the apostrophe that keeps a spreadsheet from running it is not part of it."""
    return "" if value is None or value != value else str(value).strip().removeprefix("'")[:60]


def _of_geojson(content: bytes, bench: Bench) -> Read:
    """Read as JSON and as nothing else. GDAL takes a text for whatever it looks like: also for one that names other
    files of this machine, or addresses, to read."""
    try:
        whole = json.loads(content.decode("utf-8-sig"))
        features = whole["features"] if whole["type"] == "FeatureCollection" else [whole]
        rows = [_properties(one) for one in features]
        _refuse(fault for one in features for fault in _twice(_names(one)))
        if not any(name in row for row in rows for name in PC4_NAMES):
            areas = gpd.GeoSeries([shapely.geometry.shape(one["geometry"]) for one in features], crs=_crs(whole))
            return _placed_in(areas, rows, bench)
    except PlanRefused:
        raise
    except Exception as error:  # whatever JSON, GEOS and PROJ make of a broken file
        raise PlanRefused([Fault(Wrong.UNREADABLE)]) from error
    return _placed(list(dict.fromkeys(name for row in rows for name in row)), enumerate(rows, start=1))


def _names(feature: Mapping[str, Any]) -> list[str]:
    return [str(name).strip().lower() for name in feature["properties"] or {}]


def _properties(feature: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(_names(feature), (feature["properties"] or {}).values(), strict=True))


def _crs(whole: Mapping[str, Any]) -> pyproj.CRS:
    """The coordinate system of a file: WGS 84, or one that it names by its number, as older GeoJSON may."""
    if whole.get("crs") is None:
        return pyproj.CRS.from_epsg(4326)
    named = _CRS.fullmatch(whole["crs"]["properties"]["name"])
    if named is None:
        raise PlanRefused([Fault(Wrong.UNREADABLE)])
    return pyproj.CRS.from_authority(*named.groups())


def _placed_in(areas: gpd.GeoSeries, rows: Sequence[Mapping[str, Any]], bench: Bench) -> Read:
    """Areas of teams as one row per postcode whose middle lies in it."""
    if not areas.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        raise PlanRefused([Fault(Wrong.NO_COLUMN, value="pc4")])
    places = bench.board.areas
    pc4 = places["pc4"].to_numpy()
    header = list(dict.fromkeys(["pc4", *(name for row in rows for name in row)]))
    return _placed(header, ((at + 1, {**rows[at], "pc4": pc4[middle]}) for middle, at in _held(areas, places)))


def _held(areas: gpd.GeoSeries, places: pd.DataFrame) -> list[tuple[int, int]]:
    """Which postcode's middle lies in which area, as positions.

    Areas of a division hardly overlap. A small file in which all of them do would take all memory: it is refused.
    """
    middles = shapely.STRtree(np.asarray(shapely.points(places["x_m"], places["y_m"])))
    found: list[tuple[int, int]] = []
    for at, area in enumerate(areas.to_crs(28992)):
        found += [(int(middle), at) for middle in middles.query(area, predicate="contains")]
        if len(found) > MOST_AREAS_OVER_A_POSTCODE * len(places):
            raise PlanRefused([Fault(Wrong.OVERLAP)])
    return sorted(found)


# --- as changes ------------------------------------------------------------------------------------------------------


def import_plan(content: bytes, bench: Bench, board: Board | None = None) -> Imported:
    """A file as changes on the proposal of ``bench``. Raises PlanRefused with everything that is wrong.

    ``board``: with the teams and locks of a draft; default those of the proposal.
    """
    board = bench.board if board is None else board
    placed, of_rows = _read(content, bench)
    wanted, of_names = _wanted(placed, board)
    changes, of_moves = _moves(wanted, board)
    _refuse([*of_rows, *of_names, *of_moves])
    named = {one.pc4 for one in placed}
    return Imported(changes, len(named), len(board.areas) - len(named))


def as_changes(wanted: Mapping[tuple[str, str], Placed], board: Board) -> ChangeSet:
    """A team per layer of the page and postcode as moves on the proposal. Raises PlanRefused naming every one that may
    not be made."""
    changes, faults = _moves(wanted, board)
    _refuse(faults)
    return changes


def _moves(wanted: Mapping[tuple[str, str], Placed], board: Board) -> tuple[ChangeSet, list[Fault]]:
    moves, faults = [], []
    at = board.at
    ids = board.teams["team_id"].to_numpy()
    for key, _, domain, line in SHOWN:
        main = main_team(board, domain, line, "proposal")
        units: dict[int, tuple[LayerBoard, list[int]]] = {}
        for part in boards_shown(board, domain, line):
            for u, area in enumerate(part.area):
                units.setdefault(int(area), (part, []))[1].append(u)
        for (layer, pc4), one in wanted.items():
            if layer != key or (main[at[pc4]] >= 0 and ids[main[at[pc4]]] == one.team_id):
                continue
            part, own = units[at[pc4]]
            move = Move(layer=key, pc4=pc4, team_id=one.team_id)
            if refuse_move(part, np.array(own, dtype=np.int64), move):
                faults.append(Fault(Wrong.NOT_ALLOWED, one.row, one.column, pc4, one.team_id))
            else:
                moves.append(move)
    return ChangeSet(moves=tuple(moves)), faults


def _wanted(placed: Sequence[Placed], board: Board) -> tuple[dict[tuple[str, str], Placed], list[Fault]]:
    """Which team each layer and postcode gets; where the lines have the same teams, layer ``vangnet`` is both."""
    kinds = board.teams.drop_duplicates("team_id").set_index("team_id")["kind"].to_dict()
    codes = set(board.areas["pc4"])
    lines = _lines_of(board)
    has_own = {(one.row, one.pc4) for one in placed if one.column == "team_werkgever"}
    wanted: dict[tuple[str, str], Placed] = {}
    faults = []
    for one in placed:
        if one.pc4 not in codes:
            faults.append(Fault(Wrong.UNKNOWN_POSTCODE, one.row, "pc4", one.pc4))
            continue
        if one.team_id not in kinds:
            faults.append(Fault(Wrong.UNKNOWN_TEAM, one.row, one.column, one.team_id))
            continue
        layers = _layers(one, kinds[one.team_id], lines.get(one.pc4), is_one_line=(one.row, one.pc4) in has_own)
        if not layers:
            faults.append(Fault(Wrong.WRONG_KIND, one.row, one.column, one.team_id))
        for layer in layers:
            known = wanted.setdefault((layer, one.pc4), one)
            if known.team_id != one.team_id:
                faults.append(Fault(Wrong.TWICE, one.row, one.column, one.pc4))
    return wanted, faults


def _lines_of(board: Board) -> dict[str, dict[str, frozenset[str]]]:
    """Of postcodes where the client lines have teams of their own: the teams of each line."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for part in board.layers:
        line = part.layer.client_line
        if part.layer.law_domain == "zw_wia" and line != "alle":
            teams = frozenset(part.layer.problem.team_ids)
            for pc4 in part.layer.parts["pc4"]:
                found.setdefault(pc4, {})[line] = teams
    return found


def _layers(one: Placed, kind: str, lines: Mapping[str, frozenset[str]] | None, *, is_one_line: bool) -> list[str]:
    """The layers that a cell speaks of; none when the team cannot be meant there."""
    if kind == "participatiewet":
        return ["pw"] if one.column in ("team", "team_pw") else []
    if kind != "regulier" or one.column == "team_pw":
        return []
    if lines is None:
        return ["vangnet"]
    if one.column == "team_werkgever":
        return ["werkgever"]
    if is_one_line:
        return ["vangnet"]
    return [line for line in ("vangnet", "werkgever") if one.team_id in lines.get(line, ())]


# --- writing ---------------------------------------------------------------------------------------------------------


def plan_table(variant: Variant) -> pd.DataFrame:
    """The division as `COLUMNS`, one row per postcode that has a team; of a split postcode the team with the largest
    part. Where both lines have the same teams, ``team_werkgever`` is empty."""
    ids = np.append(variant.board.teams["team_id"].to_numpy(), "")
    team = {key: ids[draft_team(variant, domain, line)] for key, _, domain, line in SHOWN}
    apart = np.zeros(len(variant.board.areas), dtype=bool)
    for part in variant.board.layers:
        if part.layer.law_domain == "zw_wia" and part.layer.client_line != "alle":
            apart[part.area] = True
    values = (variant.board.areas["pc4"], team["vangnet"], np.where(apart, team["werkgever"], ""), team["pw"])
    table = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))
    has_team = (table[list(COLUMNS[1:])] != "").any(axis=1)  # a row without would be half a row when it is read back
    return table[has_team].reset_index(drop=True)


def csv_of(variant: Variant) -> str:
    """The division as CSV, safe in a spreadsheet."""
    return csv_bytes(spreadsheet_safe(pa.Table.from_pandas(plan_table(variant), preserve_index=False))).decode()


def geojson_of(variant: Variant, folder: Path) -> str:
    """The division as GeoJSON (WGS 84) with simplified borders: one feature per postcode."""
    frame = gpd.read_parquet(run_files.AREAS.fetched(folder), columns=["pc4", "geometry"])
    simple = frame.assign(geometry=geodata.simplify(frame, TOLERANCE_M)).to_crs(4326)
    whole = simple.merge(plan_table(variant), on="pc4")
    whole["geometry"] = shapely.set_precision(whole.geometry.to_numpy(), 1e-5, mode="pointwise")
    return json.dumps(json.loads(whole.to_json(drop_id=True)), separators=(",", ":"), ensure_ascii=False)
