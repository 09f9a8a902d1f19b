"""Every file of a run's folder, declared once: its name, what it holds and which step writes it.

No other module spells such a name, builds a path in a run's folder or parses one of these files.

Belongs here: names and types. Does not belong here: how a kind of file is read and written (`file_kinds`), what the
files mean (the rooms that make them).
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from allocation.runs.file_kinds import ArraysFile, FrameFile, JsonFile, RecordFile, Tables, TextFile


class Record(BaseModel):
    """A JSON file with a fixed form; fields that a later release adds are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RunRecord(Record):
    """What was asked, by whom, and when. ``store``: the address without its secrets. ``dag_run``: the scheduler's name
    for the run that carries it out, which the folder's name may differ from; None without a scheduler."""

    run_id: str
    input_dir: str | None
    boundaries: str
    store: str
    config: dict[str, Any]
    created_by: str
    today: date
    created_at: datetime
    dag_run: str | None = None


class InForce(Record):
    """The version that the division of this run takes over from; empty when no version is in force.

    ``since``: its first day. ``run_id``: the run that made it. ``timeline_act``: number of the last publication or
    rollback at the moment when the run asked the store.
    """

    timeline_act: int | None = None
    version: int | None = None
    since: date | None = None
    run_id: str | None = None


class InputRecord(Record):
    """The input folder, the SHA-256 of each file in it, and that of the teams and locks in force on the first day."""

    folder: str
    sha256: dict[str, str]
    roster: str = ""


class BoundariesRecord(Record):
    """``follows``: postcodes of the edition without a surface of their own, and the area that each counts for."""

    edition: dict[str, Any]
    fingerprint: str
    follows: dict[str, str] = {}


class LayerRow(Record):
    """A layer of the run. ``is_solved``: it is searched (else carried over). ``units``: how many it divides.
    ``after``: key of the layer of the other client line whose plan it takes into account; empty for none."""

    key: str
    label: str
    is_solved: bool
    units: int
    after: str = ""


class LayersRecord(Record):
    """The layers in order, and what they were built from.

    ``day``: first day of the new division. ``from_version``: the published version that is "now"; None when "now" is
    the file ``current``, or when nothing is in force. ``in_force_since``: first day of the version in force.
    """

    day: date
    from_version: int | None
    in_force_since: date | None
    layers: tuple[LayerRow, ...]


class VersionRecord(Record):
    """The version that the run became. ``folder``: its published files, None as long as it is a proposal.

    ``act``: number of the act with which the run proposed it. ``withdrew``: the proposals that it took the place of.
    ``is_taken_back``: it was published before and is not in force: nobody can approve it, only put it back.
    """

    version: int
    folder: str | None = None
    act: int | None = None
    withdrew: tuple[int, ...] = ()
    is_taken_back: bool = False


class Unchanged(Record):
    """Why a run ended before a decision: its input, or its outcome (``what``), is that of ``version``.

    That version is in force, or waits for a decision itself. ``version`` is None where a later try found otherwise.
    """

    version: int | None
    is_in_force: bool = True
    what: Literal["input", "outcome"] = "outcome"


RUN = RecordFile("run.json", "start", RunRecord)

IN_FORCE = RecordFile("in_force.json", "read the store", InForce)
IN_FORCE_TABLES = Tables("in_force", "read the store")
"""Tables of the version in force as they were published (``pipeline.in_force.TABLES``)."""

BOUNDARIES_FOLDER = "boundaries"
"""What ``geodata.Boundaries.write`` leaves; the four files after it are in that folder."""
AREAS = FrameFile(f"{BOUNDARIES_FOLDER}/areas.parquet", "boundaries", ("pc4",))
EDGES = FrameFile(f"{BOUNDARIES_FOLDER}/edges.parquet", "boundaries", ("a", "b", "border_m"))
REPAIRS = FrameFile(f"{BOUNDARIES_FOLDER}/repairs.parquet", "boundaries")
EDITION = JsonFile(f"{BOUNDARIES_FOLDER}/edition.json", "boundaries")
BORDERS = ArraysFile("borders.npz", "boundaries")
"""The borders that maps draw (``report.borders``); a run of an earlier release has none."""
BOUNDARIES = RecordFile("boundaries.json", "boundaries", BoundariesRecord)
BOUNDARY_CHANGES = JsonFile("boundary_changes.json", "boundaries")
SUCCESSION = Tables("succession", "boundaries")

INPUT_TABLES = Tables("inputs", "inputs")
INPUT = RecordFile("inputs.json", "inputs", InputRecord)
DIVISION_IN_FORCE = FrameFile("division_in_force.parquet", "inputs", ("pc4", "client_line", "team_id", "share"))
"""The division that this one is compared with, in the postcodes of this run: pc4, client_line, law_domain, team_id,
share. Empty when nothing is in force."""
PUBLISHED_DIVISION = FrameFile("published_division.parquet", "inputs")
"""The division of the version in force when the file ``current`` is used instead of it; else empty."""
HELD_FILES = FrameFile("held_files.parquet", "layers", ("pc4", "product", "team_id", "clients", "refusal"))
"""Every file in stock with its holder, and why the holder may not keep it (``layers.holding.held_files``)."""
WAYS = FrameFile("ways.parquet", "layers", ("pc4", "office_pc4", "km", "minutes", "kind"))
"""How far each postcode lies from each office (``layers.ways``); no rows for straight lines without minutes."""
ROUTING_IN_FORCE = FrameFile("routing_in_force.parquet", "inputs")
"""Table ``routing`` of the version that ``DIVISION_IN_FORCE`` comes from, in the postcodes of this run; empty when that
division comes from the file ``current``, or when nothing is in force."""
FILES_IN_FORCE = FrameFile("files_in_force.parquet", "inputs", ("team_from", "pc4", "team_to"))
"""Table ``files`` of that version when the stock was counted before its first day; else empty."""

GROUPS_IN_FORCE = FrameFile("verzuimbeheer_in_force.parquet", "inputs", ("pc4", "team_id", "group_code", "share"))
"""Table ``verzuimbeheer_routing`` of the version in force, in the postcodes of this run; empty where there is none."""

WORK = FrameFile("work.parquet", "expected work", ("pc4", "product", "client_line", "client_group"))

WORK_MADE_OF = TextFile("work_made_of.txt", "expected work")
"""SHA-256 of what the expected work was made of (``pipeline.same_work``)."""

GIVEN_PLANS = FrameFile("given_plans.parquet", "start", ("layer", "unit", "team_id"))
"""The plans of layers that are not to be searched, because they were chosen or planned before; absent in most runs."""

DOUBTS = FrameFile("estimate_doubts.parquet", "expected work", ("kind", "subject", "amount"))
"""Where the estimate leans on little (``demand.doubts``)."""

LAYERS = RecordFile("layers.json", "layers", LayersRecord)
LAYERS_FOLDER = "layers"
"""One folder per layer, named after its key; the next five files are in each."""
LAYER = JsonFile("layer.json", "layers", ("cluster", "law_domain", "client_line", "regions", "team_ids"))
PROBLEM = ArraysFile("problem.npz", "layers")
PARTS = FrameFile("parts.parquet", "layers", ("unit", "pc4"))
PLAN = FrameFile("plan.parquet", "division", ("unit", "team"))
RESULT = JsonFile("result.json", "division", ("is_feasible", "objective", "violations"))

OUTCOME = Tables("outcome", "outcome")
VALIDATION_FOLDER = "validation"
VALIDATION = JsonFile(f"{VALIDATION_FOLDER}/result.json", "expectations")
REPORT = TextFile("report.html", "report")
REPORT_FOR_READERS = TextFile("report_readers.html", "report")
VERSION = RecordFile("version.json", "proposal", VersionRecord)
UNCHANGED = RecordFile("unchanged.json", "proposal", Unchanged)
SECONDS = JsonFile("seconds.json", "end of the run")
REFUSAL = TextFile("refusal.txt", "the task that failed")
"""Why a run that a scheduler carries out was refused, for the planner who asked for it on the page; else empty."""

ALTERNATIVES = Tables("alternatives", "alternatives")
"""``figures`` (``outcome.alternatives.figure_table``) and ``plans``: alternative, layer, unit, team_id. A run that
proposes one of them has the figures, with ``is_chosen``."""
ALTERNATIVES_PAGE = TextFile("alternatives.html", "alternatives")

CALENDAR = Tables("calendar", "plan ahead")
"""The tables of ``outcome.calendar.tables``."""
CALENDAR_PAGE = TextFile("calendar.html", "plan ahead")

SCENARIO = JsonFile("scenario.json", "scenario", ("name", "description", "base"))
SCENARIO_COMPARED = FrameFile("scenario.parquet", "scenario", ("measure", "base", "scenario"))
SCENARIO_PLACES = FrameFile("scenario_places.parquet", "scenario", ("level", "name"))
"""Per region and district (``pipeline.scenario_compare.places_beside``)."""
SCENARIO_INPUT = "scenario_input"
"""The input folder that a scenario is run with."""
DRAFT_INPUT = "draft_input"
"""The input folder that a planner's draft is run with."""
CHANGES = JsonFile("changes.json", "draft")
DRIFT = FrameFile("drift.parquet", "drift", ("team_id", "clients_planned", "clients_came", "is_outside"))
FINISHED_DRIFT = FrameFile(
    "finished_drift.parquet", "drift", ("team_id", "hours_planned", "hours_finished", "is_outside")
)


def layer_folder(folder: Path, key: str) -> Path:
    """The folder of the layer ``key`` of the run in ``folder``."""
    return folder / LAYERS_FOLDER / key
