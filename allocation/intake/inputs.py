"""The input folder -> typed frames, or a list of everything that is wrong with it.

Belongs here: the order of reading and checking, and what comes out. All problems are collected; nothing is repaired
silently. Does not belong here: any one check, and what the counts mean for teams (``demand``).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from allocation.contract import input_tables, network_tables
from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.schema import Table
from allocation.contract.vocabulary import PW_LAW, REGULAR_GROUP, special_groups
from allocation.intake.cells import Typing, as_text
from allocation.intake.checks import InForceNames
from allocation.intake.completed_checks import CompletedChecks
from allocation.intake.count_checks import CountChecks
from allocation.intake.cut_off_checks import CutOffChecks
from allocation.intake.lock_checks import LockChecks
from allocation.intake.network_checks import NetworkChecks, unknown_kinds
from allocation.intake.offices import DOUBT_COLUMNS, office_doubts
from allocation.intake.reading import Borrowed, files_of_tables, open_given, read_folder
from allocation.intake.setting_checks import setting_problems
from allocation.intake.stand_ins import REPLACED_COLUMNS, replace_postcodes, too_many_stand_ins
from allocation.intake.team_checks import TeamChecks
from allocation.runs.file_kinds import FrameFile

log = logging.getLogger(__name__)

FULL_COLUMNS = ("pc4", "pc6", "inhabitants")
ROWS_NOT_KEPT = ("inflow", "stock", "care_regions", "coverage", "travel", "staff", "completed")
"""Tables of which no message after reading names a row."""
REMARK_COLUMNS = ("file", "row", "column", "what", "usual")


def empty_table(table: Table) -> pd.DataFrame:
    """An optional input that was not given."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in (*table.column_names, "row")})


@dataclass(frozen=True)
class Inputs:
    """The checked input: one typed frame per file; an absent optional file is an empty frame.

    ``inflow.pw_client`` and ``stock.pw_client`` are boolean in every row.
    Added to the contract's columns: ``teams.regions`` and ``clusters.region`` (region numbers), ``locks.area``
    (the PC4 of the lock), ``locks.pc6_from``/``pc6_to``, ``stock.pc4_in_file`` (before it was replaced), and ``row``
    (spreadsheet row) in the planners' files.
    ``replaced``: postcodes without an area: pc4, stand_in, and detail and action in Dutch for the report.
    ``office_doubts``: what may be a typing error in an office, as ``offices.office_doubts`` gives it.
    ``remarks``: what was read and may be a mistake: unusual numbers, columns and files that were passed over.
    ``full_postcodes``: pc4, pc6, inhabitants (missing = not published) of areas that are split at PC6, where known.
    """

    inflow: pd.DataFrame
    stock: pd.DataFrame
    products: pd.DataFrame
    teams: pd.DataFrame
    clusters: pd.DataFrame
    locks: pd.DataFrame
    care_regions: pd.DataFrame
    current: pd.DataFrame
    completed: pd.DataFrame = field(default_factory=lambda: empty_table(input_tables.COMPLETED))
    coverage: pd.DataFrame = field(default_factory=lambda: empty_table(network_tables.COVERAGE))
    travel: pd.DataFrame = field(default_factory=lambda: empty_table(network_tables.TRAVEL))
    staff: pd.DataFrame = field(default_factory=lambda: empty_table(network_tables.STAFF))
    verzuimbeheer: pd.DataFrame = field(default_factory=lambda: empty_table(network_tables.VERZUIMBEHEER))
    replaced: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REPLACED_COLUMNS), dtype=object))
    office_doubts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DOUBT_COLUMNS), dtype=object))
    remarks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REMARK_COLUMNS), dtype=object))
    full_postcodes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(FULL_COLUMNS), dtype=object))

    @property
    def reference_date(self) -> date:
        """The date of the stock count."""
        return pd.Timestamp(self.stock["reference_date"].iloc[0]).date()

    def client_groups(self, config: Config) -> tuple[str, ...]:
        """The regular group, and the special ones."""
        of_teams = self.teams.loc[self.teams["kind"] == "bijzonder", "client_groups"]
        return (REGULAR_GROUP, *special_groups(config.special_groups, of_teams))

    def planning_date(self, config: Config, today: date) -> date:
        """The first day of the new division: as configured, else today, but never before the stock was counted."""
        return config.valid_from or max(today, self.reference_date)

    def remark_sentences(self) -> list[str]:
        """Each row of ``remarks`` in words."""
        cells: list[list[Any]] = self.remarks.astype(object).where(self.remarks.notna(), None).to_numpy().tolist()
        return [Problem(*cells_of_row).place_and_what for cells_of_row in cells]

    def write(self, folder: Path) -> None:
        for one in fields(self):
            _file(one.name).write(folder, getattr(self, one.name))

    @classmethod
    def read(cls, folder: Path) -> Inputs:
        """Inverse of ``write``. What was written before a column existed gets it as an input without it would."""
        may_lack = {"remarks", *(table.name for table in input_tables.INPUTS if table.optional)}
        names = [f.name for f in fields(cls) if f.name not in may_lack or _file(f.name).exists(folder)]
        frames = {name: _file(name).read(folder) for name in names}
        laws = dict(zip(frames["products"]["product"], frames["products"]["law"], strict=True))
        for table in (input_tables.INFLOW, input_tables.STOCK):
            if "pw_client" not in frames[table.name]:
                frames[table.name]["pw_client"] = frames[table.name]["product"].map(laws) == PW_LAW
        for table in input_tables.INPUTS:
            frames.setdefault(table.name, empty_table(table))
            for column in table.columns:
                if column.optional and column.name not in frames[table.name]:
                    frames[table.name][column.name] = None
        return cls(**frames)


def _file(name: str) -> FrameFile:
    """Where a field of ``Inputs`` is kept."""
    return FrameFile(f"{name}.parquet", "inputs")


def load_inputs(
    folder: Path,
    areas: pd.DataFrame,
    config: Config,
    followed: Mapping[str, str] = MappingProxyType({}),
    today: date | None = None,
    in_force: InForceNames = InForceNames(),  # noqa: B008 (it is frozen)
) -> Inputs:
    """Read and check the input folder.

    Parameters
    ----------
    folder : one file per table of ``input_tables.INPUTS``, as CSV or Parquet.
    areas : one row per existing postcode; needs ``pc4``, ``arbeidsmarktregio_nr`` and ``arbeidsmarktregio``.
    followed : postcodes of an older edition that are gone -> the postcode in their place.
    today : teams and locks are checked for the planning date that follows from it; None = the day of the stock.
    in_force : the teams and groups of the division in force.

    Raises
    ------
    InputRefused
        Listing every problem found, with file, row and column.
    """
    reading = read_folder(folder)
    frames, files, problems, remarks = reading.frames, reading.files, reading.problems, reading.remarks
    for table in input_tables.INPUTS:
        if table.name in frames:
            for column in table.columns:
                if column.type == "text":
                    frames[table.name][column.name] = as_text(frames[table.name][column.name])
    replaced = replace_postcodes(frames, areas, config, followed)
    _fill_pw_client(frames)
    for table in input_tables.INPUTS:
        if table.name in frames:
            typed = Typing(table, files[table.name], frames[table.name])
            problems += typed.problems
            remarks += typed.remarks
    for checks in (CountChecks, CutOffChecks, TeamChecks, LockChecks, CompletedChecks, NetworkChecks):
        found = checks(frames, files, areas, config, followed, today, in_force, tuple(problems))
        problems += _of_other_cells(found.run(), problems)
        remarks += found.remarks
    problems += too_many_stand_ins(frames, files, replaced)
    problems += _unknown_products(frames, config)
    problems += unknown_kinds(frames, config)
    problems += setting_problems(config, areas)
    for remark in remarks:
        log.warning("%s", remark.place_and_what)
    if problems:
        raise InputRefused(in_order(problems, files))
    doubts = _doubts_of_offices(frames, areas, config, replaced)
    rows = [(r.file, r.row, r.column, r.what, r.allowed) for r in remarks]
    return Inputs(
        **{name: frame.drop(columns="row") if name in ROWS_NOT_KEPT else frame for name, frame in frames.items()},
        replaced=replaced[list(REPLACED_COLUMNS)],
        office_doubts=doubts,
        remarks=pd.DataFrame(rows, columns=list(REMARK_COLUMNS)).astype({"row": "Int64"}),
    )


def _of_other_cells(found: Iterable[Problem], known: Iterable[Problem]) -> list[Problem]:
    """What of ``found`` is not about a cell that is among ``known`` already: one cause is told once."""
    cells = {(one.file, one.row, one.column) for one in known if one.row is not None and one.column}
    return [one for one in found if one.rows > 1 or (one.file, one.row, one.column) not in cells]


def in_order(problems: Iterable[Problem], files: Mapping[str, str]) -> list[Problem]:
    """Each problem once, as a person works through a folder: file by file in the order of the contract, then by row;
    what is wrong with a file as a whole comes after its rows."""
    place = {name: at for at, name in enumerate(files.values())}
    return sorted(
        dict.fromkeys(problems), key=lambda one: (place.get(one.file, len(place)), one.row is None, one.row or 0)
    )


def _unknown_products(frames: Mapping[str, pd.DataFrame], config: Config) -> list[Problem]:
    """A setting per product that no product has would be without effect."""
    if "products" not in frames:
        return []
    known = {"*", *frames["products"]["product"].dropna()}
    return [
        Problem(
            "configuration",
            None,
            f"work.{setting}.{code}",
            "no product has this code",
            "a product of the file products, or *",
        )
        for setting in ("growth", "hours_factor")
        for code in getattr(config.work, setting)
        if code not in known
    ]


def _fill_pw_client(frames: dict[str, pd.DataFrame]) -> None:
    """Write ``true`` or ``false`` into the empty cells of ``pw_client``: a product of the PW has PW clients only."""
    if "products" not in frames:
        return
    of_pw = set(frames["products"].loc[frames["products"]["law"] == PW_LAW, "product"].dropna())
    for name in ("inflow", "stock"):
        if name in frames:
            frame = frames[name]
            implied = frame["product"].isin(of_pw)
            if frame["pw_client"].isna().all():
                frame["pw_client"] = implied
            else:
                given = as_text(frame["pw_client"])
                frame["pw_client"] = given.where(given.notna(), implied.map({True: "true", False: "false"}))


def _doubts_of_offices(
    frames: dict[str, pd.DataFrame], areas: pd.DataFrame, config: Config, replaced: pd.DataFrame
) -> pd.DataFrame:
    unasked = replaced[~replaced["pc4"].isin(list(config.replaced_postcodes))]
    doubts = office_doubts(frames["teams"], areas, dict(zip(unasked["pc4"], unasked["stand_in"], strict=True)))
    frames["teams"] = frames["teams"].drop(columns="office_in_file")
    return doubts


def fingerprints(folder: Path) -> dict[str, str]:
    """SHA-256 of every input file that is there, by file name. One that may not be read counts as an empty one."""
    digests = {}
    for path in sorted(path for found in files_of_tables(folder).values() for path in found):
        try:
            with open_given(folder, path.name) as file:
                digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except Borrowed:
            digests[path.name] = hashlib.sha256().hexdigest()
    return digests
