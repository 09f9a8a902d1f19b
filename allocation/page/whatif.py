"""What if: a planner's changes on top of a proposal, and what they do.

A *change set* holds moves of postcodes, locks, and changes of teams. Moves only change plans; locks and teams change
the problems themselves, so the layers of the regions they touch are built anew, by the code that a run uses, and kept.

Belongs here: applying changes, their figures, which areas they cut in two, which neighbours have room. Does not belong
here: HTTP, drafts in the store, solving, proposing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from threading import Lock as Mutex

import numpy as np
import pandas as pd
from cachetools import LRUCache

import geodata
from allocation.contract.errors import InputRefused, Refused
from allocation.contract.vocabulary import KIND_OF
from allocation.districting import ProblemError
from allocation.intake.inputs import Inputs
from allocation.intake.roster import active_teams, join_regions
from allocation.layers.build import build_layers
from allocation.layers.current import compared_with, line_hours
from allocation.layers.holding import Roster, with_refusals
from allocation.layers.layer import Layer
from allocation.layers.ways import Ways
from allocation.layers.work import capacity_hours
from allocation.outcome.in_force import files_in_stock
from allocation.outcome.network import partners
from allocation.outcome.routing import served_segments, special_shares
from allocation.outcome.transition import placed_files
from allocation.page.beside_input import refuse_impossible
from allocation.page.changes import UNCHANGED, ChangeSet, Move, apply_to_inputs, impossible_locks, refuse_nonsense
from allocation.page.moving import changes_under, files_that_move, moved_files_under
from allocation.pipeline.in_force import DIVISION_COLUMNS
from allocation.pipeline.problems import ways_of_run
from allocation.report.board import Amounts, Board, Ints, LayerBoard, LayerSums, lay_out, layer_sums
from allocation.report.for_readers import months_of
from allocation.report.map import SHOWN, boards_shown, main_team
from allocation.runs import run_files
from allocation.runs.run import Run

KEPT_STRUCTURES = 32


@dataclass
class Variant:
    """A board with a change set applied: ``plans`` per layer, as positions of its teams."""

    base: tuple[LayerSums, ...]
    """The figures of the proposal itself."""
    board: Board
    plans: tuple[Ints, ...]
    held: pd.DataFrame
    """Every file in stock with its holder, judged by the teams and locks of the draft."""
    changes: pd.DataFrame | None = None
    moved_files: pd.DataFrame | None = None
    """Table ``allocation_changes`` and the files that move under it, once they were asked for."""

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


def version_now(run: Run, *, is_in_force: bool) -> int:
    """The version that a run laid open is compared with: its own where that is in force; 0 when there was none."""
    return run.read(run_files.VERSION).version if is_in_force else run.in_force().version or 0


class Bench:
    """A proposal laid open: gives the variant of any change set. Safe for several planners at once.

    ``day``: first day of the division, on which changes of teams take effect; None = the one of the run. On another
    day than that every layer is built anew: teams begin and end, locks lapse.

    ``is_in_force``: the run's own division is what everything is compared with, for it is the version in force. Else it
    is the division that the run was compared with.
    """

    def __init__(self, folder: Path, day: date | None = None, *, is_in_force: bool = False) -> None:
        self.folder, self.is_in_force = folder, is_in_force
        self._run = Run.open(folder)
        planned = self._run.layers().day
        self.day = planned if day is None else day
        self.is_as_run = self.day == planned
        if not self.is_as_run:
            self._run = replace(self._run, config=self._run.config.model_copy(update={"valid_from": self.day}))
        self.run_id: str = self._run.run_id
        self.config = self._run.config
        self.board, self.held = Board.read(folder), self.held_files
        if is_in_force:
            self.board = self._compared_with_itself(self.board)
        if not self.is_as_run:
            self.board, self.held = self._rebuilt(ChangeSet())
        self.sums = tuple(b.sums for b in self.board.layers)
        self.sums_now = tuple(b.sums_now for b in self.board.layers)
        self._known: LRUCache[str, tuple[Board, pd.DataFrame]] = LRUCache(KEPT_STRUCTURES)
        self._mutex = Mutex()

    @cached_property
    def variant_unchanged(self) -> Variant:
        """The proposal itself."""
        return self.variant(ChangeSet())

    @cached_property
    def in_force(self) -> pd.DataFrame:
        """The division that everything is compared with."""
        if self.is_in_force:
            return self._run.outcome("allocation")[DIVISION_COLUMNS]
        return self._run.read(run_files.DIVISION_IN_FORCE)

    @cached_property
    def version_now(self) -> int:
        """The version that everything is compared with; 0 when none was in force."""
        return version_now(self._run, is_in_force=self.is_in_force)

    @cached_property
    def proposed_changes(self) -> pd.DataFrame:
        """Table ``allocation_changes`` of the run; without rows where it is in force."""
        changes = self._run.outcome("allocation_changes")
        return changes.head(0) if self.is_in_force else changes

    @cached_property
    def held_files(self) -> pd.DataFrame:
        """Every file in stock with its holder (``layers.holding.held_files``)."""
        if not self.is_in_force:
            return self._run.read(run_files.HELD_FILES)
        return files_in_stock(
            Inputs.read(self._run.inputs_folder), self._run.read(run_files.WORK), self._run.areas(),
            now=self.in_force, routing_in_force=self._run.outcome("routing"),
            files_in_force=self._run.outcome("files"), day=self.day, eve=self._run.eve, config=self.config,
        )  # fmt: skip

    @cached_property
    def moved_files(self) -> pd.DataFrame:
        """The files in stock that move with the proposal (``moving.files_that_move``)."""
        if self.is_in_force:
            files = placed_files(self.held_files, self._run.outcome("routing"), self.config)
            return files_that_move(files.rename(columns={"team_id": "team_from"}))
        return files_that_move(self._run.outcome("transition"))

    def _compared_with_itself(self, board: Board) -> Board:
        files = self.amounts.with_hours(self.held)
        position = pd.Series(board.areas.index, index=board.areas["pc4"])

        def own(part: LayerBoard) -> LayerBoard:
            hours = line_hours(self.expected, part.layer.law_domain)
            layer = compared_with(part.layer, self.in_force, hours)
            return lay_out(part.key, layer, part.proposal, self.amounts, position, files)

        return replace(board, layers=tuple(own(part) for part in board.layers))

    def team_months(self, for_readers: bool) -> pd.DataFrame:
        """Table ``team_months`` of the run, or what readers see of it."""
        return months_of(self.folder, for_readers=for_readers)

    @cached_property
    def expected(self) -> pd.DataFrame:
        """Table ``expected`` of the run: the work that a change of a postcode moves."""
        return self._run.read(run_files.OUTCOME.table("expected"))

    @cached_property
    def pw_products(self) -> frozenset[str]:
        """The products of the Participatiewet."""
        products = self.inputs.products
        return frozenset(products.loc[products["law"] == "PW", "product"])

    @cached_property
    def partners(self) -> pd.DataFrame:
        """Who covers each postcode (``outcome.network.partners``)."""
        return partners(self.inputs, self._run.areas())

    def codes_of(self, region: int) -> frozenset[str]:
        """The postcodes of a region."""
        areas = self.board.areas
        return frozenset(areas.loc[areas["arbeidsmarktregio_nr"] == region, "pc4"])

    def changes_of(self, variant: Variant) -> pd.DataFrame:
        """Table ``allocation_changes`` under a variant; kept with it, for figures and list read the same."""
        if variant.changes is None:
            variant.changes = changes_under(self, variant)
        return variant.changes

    def moved_files_of(self, variant: Variant) -> pd.DataFrame:
        """The files in stock that move under a variant; kept with it."""
        if variant.moved_files is None:
            variant.moved_files = moved_files_under(self, variant)
        return variant.moved_files

    @cached_property
    def special_shares(self) -> pd.DataFrame:
        """The special teams of each client group with their shares (``outcome.routing.special_shares``)."""
        teams = active_teams(self.inputs.teams, self.day)
        return special_shares(teams, capacity_hours(self.inputs.teams, self.day, self.config)["verzekeringsarts"])

    @cached_property
    def segments(self) -> pd.DataFrame:
        """Who serves each kind of client (``outcome.routing.served_segments``)."""
        return served_segments(self.inputs.client_groups(self.config), self.config)

    @cached_property
    def inputs(self) -> Inputs:
        """The checked input of the run, with the division that it compared with."""
        return replace(Inputs.read(self._run.inputs_folder), current=self.in_force)

    @cached_property
    def original_current(self) -> pd.DataFrame:
        """The division in force as the input folder gave it."""
        return Inputs.read(self._run.inputs_folder).current

    @cached_property
    def boundaries(self) -> geodata.Boundaries:
        return geodata.Boundaries.read(self._run.boundaries_folder)

    @cached_property
    def ways(self) -> Ways:
        """How far each postcode lies from each office, also one that a planner opens."""
        return ways_of_run(self.folder, self.boundaries)

    @cached_property
    def amounts(self) -> Amounts:
        return Amounts(self.folder)

    def variant(self, changes: ChangeSet) -> Variant:
        """The board with ``changes``. Raises Refused, in Dutch, for a change that is not possible."""
        name = changes.structure
        with self._mutex:
            known = (self.board, self.held) if name == UNCHANGED else self._known.get(name)
        if known is None:  # built outside the mutex: others need not wait for it
            known = self._rebuilt(changes)
            with self._mutex:
                self._known[name] = known
        board, held = known
        return Variant(self.sums, board, _moved(board, changes.moves), held)

    def changed_inputs(self, changes: ChangeSet, day: date | None = None) -> Inputs:
        """The input as it is with the planner's locks and teams from ``day`` on (None: the first day)."""
        first = self.day if day is None else day
        refuse_nonsense(self.board, changes, first)
        made = apply_to_inputs(self.inputs, changes, first)
        refuse_impossible(self.inputs, made, self.board.areas, first)
        return made

    def _rebuilt(self, changes: ChangeSet) -> tuple[Board, pd.DataFrame]:
        """The board with the layers of the touched regions built anew (without a change those of every region), and
        the files in stock judged by its teams and locks."""
        inputs = self.changed_inputs(changes)
        held = self.held_under(inputs)
        touched = self._touched(changes)
        teams = active_teams(inputs.teams, self.day)
        here = teams["regions"].map(lambda numbers: bool(set(numbers) & touched))
        places = pd.DataFrame(self.boundaries.areas.drop(columns="geometry"))
        areas = places[places["arbeidsmarktregio_nr"].isin(touched)]
        self._refuse_empty_regions(teams[here], touched)
        local = replace(
            inputs,
            teams=teams[here & (teams["kind"] != "bijzonder")],
            locks=inputs.locks[inputs.locks["area"].isin(areas["pc4"])],
            clusters=inputs.clusters[inputs.clusters["region"].isin(touched)],
        )
        try:
            layers = build_layers(
                local, self.amounts.work, areas, self.boundaries.edges, self._bridges, self.config, self.day,
                None if self.config.balance == "load" else held, self.ways, places,
            )  # fmt: skip
        except ProblemError as error:
            raise Refused(f"Zo kan de regio niet verdeeld worden: {' '.join(error.sentences)}") from error
        except InputRefused as error:
            raise Refused(impossible_locks(error, changes)) from error
        return self._joined(layers, touched, teams, self.amounts.with_hours(held)), held

    def held_under(self, inputs: Inputs) -> pd.DataFrame:
        """The files in stock with their holders, judged by the teams and locks of ``inputs``."""
        return with_refusals(self.held_files, Roster.of(inputs, self.day, self.config))

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
        if changes.is_empty:
            return {int(nr) for nr in region.unique()}
        first = {int(region[lock.area]) for lock in changes.locks}
        first |= {int(nr) for one in changes.teams for nr in teams[one.team_id]}
        first |= {one.region for one in changes.new_teams}
        links = [set(board.layer.regions) for board in self.board.layers]
        groups = join_regions([int(nr) for nr in region.unique()], links)
        return {nr for group in groups if group & first for nr in group}

    def _joined(self, layers: list[Layer], touched: set[int], teams: pd.DataFrame, files: pd.DataFrame) -> Board:
        kept = [b for b in self.board.layers if not set(b.layer.regions) & touched]
        position = pd.Series(self.board.areas.index, index=self.board.areas["pc4"])
        fresh = [lay_out(x.key, x, self._carried(x), self.amounts, position, files) for x in layers]
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
        at = self.board.at
        position = {name: i for i, name in enumerate(layer.problem.team_ids)}
        held = [ids[team[at[pc4]]] if team[at[pc4]] >= 0 else "" for pc4 in layer.parts["pc4"]]
        plan = np.array([position.get(name, -1) for name in held], dtype=np.int64)
        fixed = layer.problem.fixed
        return plan if fixed is None else np.where(fixed >= 0, fixed, plan)


def _moved(board: Board, moves: tuple[Move, ...]) -> tuple[Ints, ...]:
    """Plans with the moves applied. Raises Refused naming every move that may not be made."""
    plans = [b.proposal for b in board.layers]
    if not moves:
        return tuple(plans)
    index = {b.key: i for i, b in enumerate(board.layers)}
    at = board.at
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
