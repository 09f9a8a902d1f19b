"""What the map of a run needs, as one JSON value: borders, areas, teams and, per layer shown, who has what.

The same value serves the report (inside the file) and the planners' page (over HTTP).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.published_tables import EXPECTED
from allocation.contract.vocabulary import CLIENT_LINES
from allocation.publication.small_counts import shown
from allocation.report.board import Board, Ints, LayerBoard
from allocation.report.borders import borders
from allocation.report.colours import PALETTES, colour_teams
from allocation.report.topology import Topology

SHOWN = (
    ("vangnet", "ZW en WIA – vangnetlijn", "zw_wia", "vangnet"),
    ("werkgever", "ZW en WIA – werkgeverslijn", "zw_wia", "werkgever"),
    ("pw", "Participatiewet", "pw", "alle"),
)
"""The layers that a map can show: key, name, law domain, client line. Lines are the same map where teams serve both."""


def map_value(folder: Path, board: Board) -> dict[str, Any]:
    """The whole value, ready for JSON. Positions of areas and teams are those of ``board``."""
    areas, shape = board.areas, borders(folder)
    if len(shape.rings) != len(areas):
        raise ValueError("the areas of the board are not those of the boundaries")
    regions = areas.drop_duplicates("arbeidsmarktregio_nr").sort_values("arbeidsmarktregio")
    region_at = {int(nr): i for i, nr in enumerate(regions["arbeidsmarktregio_nr"])}
    gemeenten = sorted(areas["gemeente_name"].unique())
    return {
        "step": shape.step_m,
        "arcs": [_deltas(arc) for arc in shape.arcs],
        "sides": shape.sides.ravel().tolist(),
        "rings": [[list(ring) for ring in walk] for walk in shape.rings],
        "areas": {
            "pc4": areas["pc4"].tolist(),
            "place": areas["place"].fillna("").tolist(),
            "x": (areas["x_m"] / shape.step_m).round().astype(int).tolist(),
            "y": (areas["y_m"] / shape.step_m).round().astype(int).tolist(),
            "gemeente": areas["gemeente_name"].map({name: i for i, name in enumerate(gemeenten)}).tolist(),
            "region": areas["arbeidsmarktregio_nr"].map(region_at).tolist(),
            "apart": _is_apart(board).astype(int).tolist(),
        },
        "gemeenten": gemeenten,
        "regions": regions["arbeidsmarktregio"].tolist(),
        "region_nrs": regions["arbeidsmarktregio_nr"].astype(int).tolist(),
        "palette": {name: list(colours) for name, colours in PALETTES.items()},
        "teams": team_values(board, shape),
        "layers": [layer_value(board, *shown) for shown in SHOWN],
    }


def _deltas(arc: Ints) -> list[int]:
    """First point, then the step to each next one: small numbers make a small file."""
    return np.vstack([arc[:1], np.diff(arc, axis=0)]).ravel().tolist()


def team_values(board: Board, shape: Topology) -> list[dict[str, Any]]:
    """Id, name, kind, office and colour of every team, in the order of ``board.teams``."""
    position = pd.Series(board.areas.index, index=board.areas["pc4"])
    colours = team_colours(board, shape)
    return [
        {
            "id": team.team_id,
            "name": team.name,
            "kind": team.kind,
            "office": team.office,
            "at": int(position.get(team.office_pc4, -1)),
            "colour": colour,
        }
        for team, colour in zip(board.teams.itertuples(index=False), colours, strict=True)
    ]


def team_colours(board: Board, shape: Topology) -> list[int]:
    """Colours such that teams that border on each other, in force or proposed, in any layer, differ."""
    pairs: set[tuple[int, int]] = set()
    inner = shape.sides[(shape.sides >= 0).all(axis=1)]
    for _, _, domain, line in SHOWN:
        for plan in ("now", "proposal"):
            team = main_team(board, domain, line, plan)
            pairs |= bordering(team, inner)
    return colour_teams(board.teams["team_id"].tolist(), pairs)


def bordering(team: Ints, inner: Ints) -> set[tuple[int, int]]:
    """Pairs of teams on the two sides of the borders ``inner`` (m, 2), for ``team`` (areas,)."""
    a, b = team[inner].T
    differ = (a != b) & (a >= 0) & (b >= 0)
    size = int(team.max(initial=0)) + 1
    codes = np.unique(np.minimum(a, b)[differ] * size + np.maximum(a, b)[differ])
    return {divmod(int(code), size) for code in codes}


def boards_shown(board: Board, domain: str, line: str) -> list[LayerBoard]:
    """The layers that together cover the country for a law domain and client line."""
    wanted = {line, "alle"} if line in CLIENT_LINES else {"alle"}
    return [b for b in board.layers if b.layer.law_domain == domain and b.layer.client_line in wanted]


def main_team(board: Board, domain: str, line: str, plan: str) -> Ints:
    """(areas,) position in ``board.teams`` of the team with the largest part of each area; -1 for none."""
    team = np.full(len(board.areas), -1, dtype=np.int64)
    for part in boards_shown(board, domain, line):
        own = board.positions[part.key]
        order = np.argsort(part.layer.parts["portion"].to_numpy(), kind="stable")
        chosen = getattr(part, plan)[order]
        team[part.area[order]] = np.where(chosen >= 0, own[chosen], -1)
    return team


def _is_apart(board: Board) -> NDArray[np.bool_]:
    """(areas,) whether the two client lines have teams of their own there."""
    apart = np.zeros(len(board.areas), dtype=np.bool_)
    for part in board.layers:
        if part.layer.client_line in CLIENT_LINES:
            apart[part.area] = True
    return apart


def layer_value(board: Board, key: str, name: str, domain: str, line: str) -> dict[str, Any]:
    """Per area the team in force and proposed, hours and clients a year; and who shares a split postcode."""
    hours, clients = np.zeros(len(board.areas)), np.zeros(len(board.areas))
    splits: dict[str, list[list[float]]] = {}
    for part in boards_shown(board, domain, line):
        np.add.at(hours, part.area, part.hours)
        np.add.at(clients, part.area, part.clients)
        own, portion = board.positions[part.key], part.layer.parts["portion"].to_numpy()
        counts = np.bincount(part.area[portion > 0], minlength=len(board.areas))
        for unit in np.flatnonzero((counts[part.area] > 1) & (portion > 0)):
            shares = splits.setdefault(str(part.area[unit]), [])
            shares.append([int(own[part.proposal[unit]]), round(float(portion[unit]), 4)])
    return {
        "key": key,
        "name": name,
        "now": main_team(board, domain, line, "now").tolist(),
        "proposal": main_team(board, domain, line, "proposal").tolist(),
        "hours": np.round(hours, 1).tolist(),
        "clients": np.round(clients, 1).tolist(),
        "splits": splits,
    }


def without_small_areas(value: Mapping[str, Any], board: Board, expected: pd.DataFrame) -> dict[str, Any]:
    """The value for readers: hours and clients of an area as table ``expected`` has them for who sees the stock in
    ``transition``, each as readers see it (R14)."""
    known = expected.reindex(columns=[*EXPECTED.key, "clients_seen", "hours_seen"])  # not kept by earlier releases
    seen = shown(EXPECTED, known).set_index(list(EXPECTED.key))
    return {**value, "layers": [_as_seen(layer, board, seen) for layer in value["layers"]]}


def _as_seen(layer: Mapping[str, Any], board: Board, seen: pd.DataFrame) -> dict[str, Any]:
    domain, line = next((domain, line) for key, _, domain, line in SHOWN if key == layer["key"])
    lines = np.full(len(board.areas), "", dtype=object)
    for part in boards_shown(board, domain, line):
        lines[part.area] = part.layer.client_line
    places = pd.DataFrame({"pc4": board.areas["pc4"], "client_line": lines, "law_domain": domain})
    amounts = seen.reindex(pd.MultiIndex.from_frame(places))
    known = {
        name: [None if pd.isna(v) else round(float(v), 1) for v in amounts[f"{name}_seen"]]
        for name in ("clients", "hours")
    }
    return {**layer, **known}
