"""What if: a planner's changes on top of a proposal, and what they do.

A *change set* holds moves of postcodes, locks, and changes of teams. Moves only change plans; locks and teams change
the problems themselves, so the layers of the regions they touch are built anew, by the code that a run uses, and kept.

Belongs here: applying changes, their figures, which areas they cut in two, which neighbours have room. Does not belong
here: HTTP, drafts in the store, solving, proposing.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import Lock as Mutex
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import geodata
from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Refused
from allocation.contract.vocabulary import KIND_OF
from allocation.districting import ProblemError
from allocation.intake.inputs import LOCK_AREA, Inputs
from allocation.intake.roster import active_teams, join_regions
from allocation.layers.build import build_layers
from allocation.layers.layer import Layer
from allocation.report.board import Amounts, Board, Ints, LayerBoard, LayerSums, lay_out, layer_sums
from allocation.report.map import SHOWN, boards_shown, main_team

ShownKey = Literal["vangnet", "werkgever", "pw"]
LAWS = {"regulier": "ZW|WIA", "participatiewet": "PW|ZW|WIA"}


class Part(BaseModel):
    """Frozen, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Move(Part):
    """A postcode that goes to another team in one of the layers shown."""

    layer: ShownKey
    pc4: str
    team_id: str


class LockChange(Part):
    """A lock that the planner made: pin, bar, or one share of a split; for a split ``pc4`` may be a PC6 or a range of
    them (``1013AA-1013AE``), as in the input file."""

    pc4: str
    team_id: str
    kind: Literal["pin", "bar", "split"]
    share: float | None = Field(None, gt=0, le=1)
    client_line: Literal["vangnet", "werkgever"] | None = None
    reason: str = Field(min_length=1)
    valid_until: date | None = None
    made_by: str = ""
    made_on: date | None = None

    @property
    def area(self) -> str:
        """The postcode area that it lies in."""
        return self.pc4[:4]

    @property
    def pc6(self) -> tuple[str, str] | None:
        """First and last full postcode of a range; None for a whole postcode area, or when it is not well written."""
        found = LOCK_AREA.fullmatch(self.pc4)
        if found is None or found["first"] is None:
            return None
        return self.area + found["first"], self.area + (found["last"] or found["first"])


class TeamChange(Part):
    """Another FTE for a team, or its end."""

    team_id: str
    fte: float | None = Field(None, gt=0)
    is_closed: bool = False


class NewTeam(Part):
    """A team that starts. ``region``: number of the arbeidsmarktregio."""

    team_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    office: str = Field(min_length=1)
    office_pc4: str
    region: int
    kind: Literal["regulier", "participatiewet"] = "regulier"
    fte: float = Field(gt=0)


class ChangeSet(Part):
    """Everything that a planner changed on a proposal."""

    moves: tuple[Move, ...] = ()
    locks: tuple[LockChange, ...] = ()
    teams: tuple[TeamChange, ...] = ()
    new_teams: tuple[NewTeam, ...] = ()

    @property
    def structure(self) -> str:
        """A name for the part of the changes that changes the problems."""
        parts = self.model_dump(mode="json", include={"locks", "teams", "new_teams"})
        return json.dumps(parts, sort_keys=True)


_UNCHANGED = ChangeSet().structure
KEPT_STRUCTURES = 32


@dataclass(frozen=True)
class Variant:
    """A board with a change set applied: ``plans`` per layer, as positions of its teams."""

    base: tuple[LayerSums, ...]
    """The figures of the proposal itself."""
    board: Board
    plans: tuple[Ints, ...]

    @cached_property
    def sums(self) -> tuple[LayerSums, ...]:
        """Figures per layer; counted anew only where something changed."""
        known = {part.board.key: part for part in self.base}
        return tuple(
            known[b.key] if _is_same(known.get(b.key), b, p) else layer_sums(b, p)
            for b, p in zip(self.board.layers, self.plans, strict=True)
        )

    @cached_property
    def touched(self) -> tuple[LayerSums, ...]:
        """The layers that are not as proposed."""
        same = {id(part) for part in self.base}
        return tuple(part for part in self.sums if id(part) not in same)


def _is_same(known: LayerSums | None, board: LayerBoard, plan: Ints) -> bool:
    return known is not None and known.board is board and known.plan is plan


class Bench:
    """A proposal laid open: gives the variant of any change set. Safe for several planners at once."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        self.folder = folder
        self.run_id: str = told["run_id"]
        self.config = Config.from_values(told["config"])
        self.board = Board.read(folder)
        self.day = date.fromisoformat(json.loads((folder / "layers.json").read_text(encoding="utf-8"))["day"])
        self.sums = tuple(b.sums for b in self.board.layers)
        self.sums_now = tuple(b.sums_now for b in self.board.layers)
        self._known: OrderedDict[str, Board] = OrderedDict()
        self._mutex = Mutex()

    @cached_property
    def inputs(self) -> Inputs:
        """The checked input of the run, with the division that it compared with."""
        current = pd.read_parquet(self.folder / "division_in_force.parquet")
        return replace(Inputs.read(self.folder / "inputs"), current=current)

    @cached_property
    def original_current(self) -> pd.DataFrame:
        """The division in force as the input folder gave it."""
        return Inputs.read(self.folder / "inputs").current

    @cached_property
    def boundaries(self) -> geodata.Boundaries:
        return geodata.Boundaries.read(self.folder / "boundaries")

    @cached_property
    def amounts(self) -> Amounts:
        return Amounts(self.folder)

    def variant(self, changes: ChangeSet) -> Variant:
        """The board with ``changes``. Raises Refused, in Dutch, for a change that is not possible."""
        name = changes.structure
        board = self.board if name == _UNCHANGED else self._known.get(name)
        if board is None:  # built outside the mutex: others need not wait for it
            board = self._rebuilt(changes)
            with self._mutex:
                self._known[name] = board
                while len(self._known) > KEPT_STRUCTURES:
                    self._known.popitem(last=False)
        return Variant(self.sums, board, _moved(board, changes.moves))

    def changed_inputs(self, changes: ChangeSet) -> Inputs:
        """The input as it is with the planner's locks and teams."""
        _refuse_nonsense(self.board, changes)
        inputs = self.inputs
        teams, locks = inputs.teams.copy(), inputs.locks
        for change in changes.teams:
            mine = teams["team_id"] == change.team_id
            if change.fte is not None:
                teams.loc[mine, "fte_verzekeringsarts"] = change.fte
            if change.is_closed:
                teams.loc[mine, "valid_to"] = pd.Timestamp(self.day) - pd.Timedelta(days=1)
        added = [_team_row(one, self.day) for one in changes.new_teams]
        if added:
            teams = pd.concat([teams, pd.DataFrame(added, columns=teams.columns)], ignore_index=True)
            teams["row"] = teams["row"].astype("int64")
        if changes.locks:
            made = pd.DataFrame([_lock_row(i, one) for i, one in enumerate(changes.locks)], columns=locks.columns)
            made["valid_until"] = pd.to_datetime(made["valid_until"]).astype(locks["valid_until"].dtype)
            locks = made if locks.empty else pd.concat([locks, made], ignore_index=True)
        return replace(inputs, teams=teams, locks=locks)

    def _rebuilt(self, changes: ChangeSet) -> Board:
        """The board with the layers of the touched regions built anew."""
        inputs = self.changed_inputs(changes)
        touched = self._touched(changes)
        teams = active_teams(inputs.teams, self.day)
        here = teams["regions"].map(lambda numbers: bool(set(numbers) & touched))
        areas = pd.DataFrame(self.boundaries.areas.drop(columns="geometry"))
        areas = areas[areas["arbeidsmarktregio_nr"].isin(touched)]
        self._refuse_empty_regions(teams[here], touched)
        local = replace(
            inputs,
            teams=teams[here & (teams["kind"] != "bijzonder")],
            locks=inputs.locks[inputs.locks["area"].isin(areas["pc4"])],
            clusters=inputs.clusters[inputs.clusters["region"].isin(touched)],
        )
        try:
            layers = build_layers(
                local, self.amounts.work, areas, self.boundaries.edges, self._bridges, self.config, self.day
            )
        except ProblemError as error:
            raise Refused(f"Zo kan de regio niet verdeeld worden: {' '.join(error.sentences)}") from error
        except InputRefused as error:
            raise Refused(_impossible_locks(error, changes)) from error
        return self._joined(layers, touched, teams)

    def _refuse_empty_regions(self, teams: pd.DataFrame, touched: set[int]) -> None:
        """Raise Refused when a set of regions that is divided together keeps no team of a kind."""
        names = self.board.areas.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")
        wrong = []
        for board in self.board.layers:
            regions = set(board.layer.regions)
            own = teams[teams["kind"] == KIND_OF[board.layer.law_domain]]
            if regions <= touched and not own["regions"].map(lambda numbers, r=regions: bool(set(numbers) & r)).any():
                where = " + ".join(str(names.at[nr, "arbeidsmarktregio"]) for nr in board.layer.regions)
                wrong.append(f"Zo houdt {where} geen team over; voeg eerst een team toe.")
        if wrong:
            raise Refused("\n".join(dict.fromkeys(wrong)))

    def _bridges(self, groups: pd.Series) -> pd.DataFrame:
        return geodata.bridges_within(self.boundaries.areas, self.boundaries.edges, groups)

    def _touched(self, changes: ChangeSet) -> set[int]:
        """Numbers of the regions whose layers have to be built anew: those touched, and all that hang together."""
        region = self.board.areas.set_index("pc4")["arbeidsmarktregio_nr"]
        teams = self.inputs.teams.drop_duplicates("team_id", keep="last").set_index("team_id")["regions"]
        first = {int(region[lock.area]) for lock in changes.locks}
        first |= {int(nr) for one in changes.teams for nr in teams[one.team_id]}
        first |= {one.region for one in changes.new_teams}
        links = [set(board.layer.regions) for board in self.board.layers]
        groups = join_regions([int(nr) for nr in region.unique()], links)
        return {nr for group in groups if group & first for nr in group}

    def _joined(self, layers: list[Layer], touched: set[int], teams: pd.DataFrame) -> Board:
        kept = [b for b in self.board.layers if not set(b.layer.regions) & touched]
        position = pd.Series(self.board.areas.index, index=self.board.areas["pc4"])
        fresh = [lay_out(x.key, x, self._carried(x), self.amounts, position) for x in layers]
        base = self.board.teams
        added = teams[~teams["team_id"].isin(set(base["team_id"]))].drop(columns=["regions", "row"])
        fte = teams.set_index("team_id")["fte_verzekeringsarts"]
        base = base.assign(fte_verzekeringsarts=base["team_id"].map(fte).fillna(base["fte_verzekeringsarts"]))
        now = base if added.empty else pd.concat([base, added], ignore_index=True)
        return Board(self.board.areas, now, (*kept, *fresh))

    def _carried(self, layer: Layer) -> Ints:
        """The proposal's plan for a layer built anew: each unit keeps its team where that is still there."""
        line = "vangnet" if layer.client_line == "alle" and layer.law_domain == "zw_wia" else layer.client_line
        team = main_team(self.board, layer.law_domain, line, "proposal")
        ids = self.board.teams["team_id"].to_numpy()
        at = {pc4: i for i, pc4 in enumerate(self.board.areas["pc4"])}
        position = {name: i for i, name in enumerate(layer.problem.team_ids)}
        held = [ids[team[at[pc4]]] if team[at[pc4]] >= 0 else "" for pc4 in layer.parts["pc4"]]
        plan = np.array([position.get(name, -1) for name in held], dtype=np.int64)
        fixed = layer.problem.fixed
        return plan if fixed is None else np.where(fixed >= 0, fixed, plan)


def _team_row(one: NewTeam, day: date) -> dict[str, Any]:
    return {
        "team_id": one.team_id,
        "name": one.name,
        "office": one.office,
        "office_pc4": one.office_pc4,
        "arbeidsmarktregio": str(one.region),
        "kind": one.kind,
        "client_groups": None,
        "client_lines": "vangnet|werkgever",
        "laws": LAWS[one.kind],
        "fte_verzekeringsarts": one.fte,
        "fte_other": 2 * one.fte,
        "productivity": 1.0,
        "valid_from": pd.Timestamp(day),
        "valid_to": pd.NaT,
        "verzuimbeheer_code": None,
        "row": 0,
        "regions": [one.region],
    }


def _lock_row(position: int, one: LockChange) -> dict[str, Any]:
    first, last = one.pc6 or (None, None)
    return {
        "pc4": one.pc4,
        "team_id": one.team_id,
        "kind": one.kind,
        "share": np.nan if one.share is None else one.share,
        "client_line": one.client_line,
        "reason": one.reason,
        "valid_until": pd.NaT if one.valid_until is None else pd.Timestamp(one.valid_until),
        "row": -1 - position,
        "area": one.area,
        "pc6_from": first,
        "pc6_to": last,
    }


def _impossible_locks(error: InputRefused, changes: ChangeSet) -> str:
    """In sentences for the planner: which of the locks just made cannot be. Rows below zero are theirs."""
    named = [changes.locks[-1 - p.row] for p in error.problems if p.row is not None and p.row < 0]
    if len(named) < len(error.problems):
        return str(error)
    wrong = [
        f"Team {one.team_id} kan postcode {one.pc4} niet bedienen (andere regio, of uitgesloten)." for one in named
    ]
    return "\n".join(dict.fromkeys(wrong))


def _refuse_nonsense(board: Board, changes: ChangeSet) -> None:
    """Raise Refused with one sentence per change that refers to nothing or contradicts another."""
    areas, teams = set(board.areas["pc4"]), set(board.teams["team_id"])
    regions = set(board.areas["arbeidsmarktregio_nr"])
    new = {one.team_id for one in changes.new_teams}
    wrong = [f"Postcode {one.pc4} bestaat niet." for one in changes.locks if one.area not in areas]
    wrong += _wrong_ranges(changes.locks)
    wrong += [f"Team {one.team_id} bestaat niet." for one in changes.locks if one.team_id not in teams | new]
    wrong += [f"Team {one.team_id} bestaat niet." for one in changes.teams if one.team_id not in teams]
    wrong += [f"Er is al een team met de code {one.team_id}." for one in changes.new_teams if one.team_id in teams]
    wrong += [f"Postcode {one.office_pc4} bestaat niet." for one in changes.new_teams if one.office_pc4 not in areas]
    wrong += [f"Regio {one.region} bestaat niet." for one in changes.new_teams if one.region not in regions]
    pins = [(one.pc4, one.client_line) for one in changes.locks if one.kind == "pin"]
    wrong += [f"Postcode {pc4} is twee keer vastgezet." for pc4, line in set(pins) if pins.count((pc4, line)) > 1]
    shares: dict[tuple[str, str | None], float] = {}
    for one in changes.locks:
        if one.kind == "split":
            shares[one.pc4, one.client_line] = shares.get((one.pc4, one.client_line), 0.0) + (one.share or 0.0)
    wrong += [
        f"De aandelen van postcode {pc4} tellen op tot {total:.0%}, niet tot 100%."
        for (pc4, _), total in shares.items()
        if abs(total - 1) > 1e-6
    ]
    if wrong:
        raise Refused("\n".join(dict.fromkeys(wrong)))


def _wrong_ranges(locks: tuple[LockChange, ...]) -> list[str]:
    """What is wrong with the full postcodes of locks, in sentences."""
    at_pc6 = [one for one in locks if len(one.pc4) > 4]
    wrong = [
        f"'{one.pc4}' is geen reeks postcodes; schrijf bijvoorbeeld 1013AA-1013AE."
        for one in at_pc6
        if one.pc6 is None or one.pc6[0] > one.pc6[1]
    ]
    wrong += [f"{one.pc4}: op volledige postcode kan alleen splitsen." for one in at_pc6 if one.kind != "split"]
    ranges = sorted({one.pc6 for one in at_pc6 if one.pc6 is not None})
    for (_, before), (first, last) in pairwise(ranges):
        if first <= before:
            wrong.append(f"De reeks {first}-{last} overlapt met een andere.")
    return wrong


def _moved(board: Board, moves: tuple[Move, ...]) -> tuple[Ints, ...]:
    """Plans with the moves applied. Raises Refused naming every move that may not be made."""
    plans = [b.proposal for b in board.layers]
    if not moves:
        return tuple(plans)
    index = {b.key: i for i, b in enumerate(board.layers)}
    at = {pc4: i for i, pc4 in enumerate(board.areas["pc4"])}
    shown = {key: boards_shown(board, domain, line) for key, _, domain, line in SHOWN}
    wrong: list[str] = []
    for move in moves:
        if move.pc4 not in at:
            wrong.append(f"Postcode {move.pc4} bestaat niet.")
            continue
        part, units = next(
            (b, found) for b in shown[move.layer] if len(found := np.flatnonzero(b.area == at[move.pc4]))
        )
        problem_found = refuse_move(part, units, move)
        if problem_found:
            wrong.append(problem_found)
            continue
        own = index[part.key]
        if plans[own] is part.proposal:
            plans[own] = part.proposal.copy()
        plans[own][free_units(part, units)] = part.layer.problem.team_ids.index(move.team_id)
    if wrong:
        raise Refused("\n".join(dict.fromkeys(wrong)))
    return tuple(plans)


def free_units(part: LayerBoard, units: Ints) -> Ints:
    """The units among ``units`` that are not locked to a team."""
    fixed = part.layer.problem.fixed
    return units if fixed is None else units[fixed[units] < 0]


def refuse_move(part: LayerBoard, units: Ints, move: Move) -> str:
    """Why ``units`` of a postcode cannot go to a team, in a sentence; empty when they can."""
    problem = part.layer.problem
    if move.team_id not in problem.team_ids:
        return f"Team {move.team_id} werkt niet in {part.layer.cluster}; postcode {move.pc4} kan daar niet heen."
    team = problem.team_ids.index(move.team_id)
    free = free_units(part, units)
    if not len(free):
        held = {problem.team_ids[int(t)] for t in part.proposal[units]}
        return "" if held == {move.team_id} else f"Postcode {move.pc4} is vergrendeld op {', '.join(sorted(held))}."
    if problem.allowed is not None and not problem.allowed[free, team].all():
        return f"Team {move.team_id} mag niet werken in postcode {move.pc4} (uitgesloten, of een andere regio)."
    return ""


# --- what a change does ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cut:
    """A team whose area is not one piece: postcodes of its smaller pieces; ``is_new``: this edit did it."""

    team_id: str
    pieces: int
    loose: tuple[str, ...]
    is_new: bool


def cuts(variant: Variant, region: int | None = None) -> list[Cut]:
    """Teams whose area is in pieces, those that the changes cut first: in one region, and wherever they cut anew."""
    before = {
        (part.board.layer.law_domain, part.board.layer.client_line, team): int(count)
        for part in variant.base
        for team, count in zip(part.board.layer.problem.team_ids, part.teams.pieces, strict=True)
    }
    found = []
    for part in variant.sums:
        layer = part.board.layer
        for team in np.flatnonzero(part.teams.pieces > 1):
            name = layer.problem.team_ids[int(team)]
            known = before.get((layer.law_domain, layer.client_line, name), 1)
            count = int(part.teams.pieces[team])
            if region is not None and region not in layer.regions and count <= max(known, 1):
                continue
            found.append(Cut(name, count, _loose(part, int(team)), count > max(known, 1)))
    return sorted(found, key=lambda cut: (not cut.is_new, cut.team_id))


def _loose(part: LayerSums, team: int) -> tuple[str, ...]:
    """Postcodes of a team outside its piece with the most work."""
    problem = part.board.layer.problem
    mine = np.flatnonzero(part.plan == team)
    place = np.full(problem.n, -1)
    place[mine] = np.arange(len(mine))
    a, b = place[problem.edges[:, 0]], place[problem.edges[:, 1]]
    both = (a >= 0) & (b >= 0)
    graph = coo_array((np.ones(both.sum()), (a[both], b[both])), shape=(len(mine), len(mine)))
    _, label = connected_components(graph, directed=False)
    work = np.bincount(label, problem.demand[mine])
    return tuple(sorted(part.board.layer.parts["pc4"].to_numpy()[mine[label != work.argmax()]]))


@dataclass(frozen=True)
class Suggestion:
    """What happens when the chosen postcodes go to a team. Deviations as shares, room in hours a year."""

    team_id: str
    room_hours: float
    deviation_before: float
    deviation_after: float
    giver_after: float
    is_within: bool
    is_contiguous: bool
    distance_km: float


def suggestions(variant: Variant, shown: ShownKey, postcodes: list[str]) -> list[Suggestion]:
    """The teams that border on the chosen postcodes, best first: contiguous, then within tolerance, then most room.

    ``giver_after``: largest deviation among the teams that give up the postcodes. Raises Refused when the postcodes
    are unknown or lie in more than one cluster.
    """
    domain, line = next((domain, line) for key, _, domain, line in SHOWN if key == shown)
    at = {pc4: i for i, pc4 in enumerate(variant.board.areas["pc4"])}
    unknown = [pc4 for pc4 in postcodes if pc4 not in at]
    if unknown:
        raise Refused(f"Deze postcodes bestaan niet: {', '.join(unknown)}.")
    wanted = {at[pc4] for pc4 in postcodes}
    mine = {b.key for b in boards_shown(variant.board, domain, line) if wanted & set(b.area.tolist())}
    if len(mine) != 1:
        raise Refused("Kies postcodes uit één regio of cluster tegelijk.")
    part = next(s for s in variant.sums if s.board.key in mine)
    chosen = free_units(part.board, np.flatnonzero(np.isin(part.board.area, list(wanted))))
    if not len(chosen):
        raise Refused("Deze postcodes zijn vergrendeld.")
    found = [_suggestion(part, chosen, team) for team in _bordering(part, chosen)]
    return sorted(found, key=lambda one: (not one.is_contiguous, not one.is_within, -one.room_hours))


def _bordering(part: LayerSums, chosen: Ints) -> list[int]:
    """Teams beside the chosen units, or with an office in the layer but no area yet, that may have all of them."""
    problem = part.board.layer.problem
    inside = np.zeros(problem.n, dtype=np.bool_)
    inside[chosen] = True
    a, b = problem.edges.T
    beside = np.concatenate([part.plan[b[inside[a] & ~inside[b]]], part.plan[a[inside[b] & ~inside[a]]]])
    empty = np.flatnonzero(part.teams.areas == 0)
    teams = (set(beside.tolist()) | set(empty.tolist())) - {-1} - {int(t) for t in set(part.plan[chosen].tolist())}
    if len(set(part.plan[chosen].tolist())) > 1:
        teams |= set(part.plan[chosen].tolist()) - {-1}
    return [t for t in sorted(teams) if problem.allowed is None or problem.allowed[chosen, t].all()]


def _suggestion(part: LayerSums, chosen: Ints, team: int) -> Suggestion:
    problem = part.board.layer.problem
    plan = part.plan.copy()
    givers = sorted({int(t) for t in part.plan[chosen].tolist()} - {-1, team})
    plan[chosen] = team
    after = layer_sums(part.board, plan).teams
    touched = [team, *givers]
    work = problem.demand[chosen]
    km = part.board.distance_km[chosen, team]
    return Suggestion(
        team_id=problem.team_ids[team],
        room_hours=float(after.target[team] * (problem.tolerance - part.teams.deviation[team])),
        deviation_before=float(part.teams.deviation[team]),
        deviation_after=float(after.deviation[team]),
        giver_after=float(max((abs(after.deviation[g]) for g in givers), default=0.0)),
        is_within=bool(after.is_within[touched].all()),
        is_contiguous=bool((after.pieces[touched] <= np.maximum(part.teams.pieces[touched], 1)).all()),
        distance_km=float((work * km).sum() / work.sum()) if work.sum() > 0 else float(km.mean()),
    )
