"""The steps of a run, in order. The command line calls them one after the other, the DAG tasks one each.

Every step reads and writes files in the folder of its run and returns nothing but references, so that it can be
repeated on its own: a step that runs again gives the same files. Nothing outside the folder changes before ``publish``.

    what is in force -> boundaries -> inputs -> work -> layers -> plans (one per layer) -> outcome -> validation
    -> report -> version

Belongs here: the order, and what is kept where. Does not belong here: how anything is computed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from allocation import storage
from allocation.contract import calendar
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import values_of
from allocation.demand import expected
from allocation.intake import offices
from allocation.intake.checks import InForceNames
from allocation.intake.fetching import fetch_boundaries, fetch_tables
from allocation.intake.inputs import Inputs, fingerprints, load_inputs
from allocation.layers import build
from allocation.layers.layer import Layer, can_carry_over
from allocation.layers.solving import beside, known_plan, second_lines, solve_problem
from allocation.layers.ways import STRAIGHT, Ways
from allocation.outcome.assemble import Outcome
from allocation.outcome.in_force import files_in_stock, no_files, no_routing
from allocation.outcome.solved import Solved
from allocation.pipeline import carry_over, deciding, gates, given_plans, in_force, same_work
from allocation.pipeline.example_input import example_folder
from allocation.pipeline.gates import validate_inputs, validate_outcome
from allocation.pipeline.problems import layers_of_boundaries, layers_of_run, no_division
from allocation.pipeline.succession import Succession, areas_in_force
from allocation.report.borders import keep_borders
from allocation.report.summary import code_version
from allocation.runs import run_files
from allocation.runs.run import Progress, Run
from allocation.runs.run_files import BoundariesRecord, InputRecord, LayerRow, LayersRecord, Unchanged, VersionRecord

if TYPE_CHECKING:
    import geodata
    from allocation.report.report import Drawn

__all__ = [
    "assemble_outcome", "boundary_changes", "check_inputs", "draw_report", "end_if_outcome_unchanged", "estimate_work",
    "prepare_boundaries", "prepare_layers", "propose", "publish", "read_solved", "reject", "solve_carried_over",
    "solve_layer", "validate_folder", "validate_inputs", "validate_outcome", "write_report",
]  # fmt: skip

log = logging.getLogger(__name__)


def prepare_boundaries(run: Run, progress: Progress | None = None) -> None:
    """Postcode areas, their neighbours and regions, from the source or its cache, into the run's folder.

    The store is asked first what is in force. That is kept as input of the run, and nothing opens the store again until
    ``propose``. Also kept is what changed since the edition of the division in force (``Succession``).
    """
    import geodata

    version = in_force.read_store(run).version
    try:
        if run.input_dir:
            fetch_boundaries(Path(run.input_dir), run.boundaries)
        with storage.shared(run.var / "cache") as cache:
            loaded = geodata.load_boundaries(run.boundaries, cache, progress)
            loaded.write(run.boundaries_folder)
            storage.send_folder(run.folder / run_files.BOUNDARIES_FOLDER)
            fingerprint = loaded.fingerprint()
            keep_borders(run.folder, cache, fingerprint)
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    follows = dict(zip(loaded.follows["pc4"], loaded.follows["follows"], strict=True))
    record = BoundariesRecord(edition=asdict(loaded.edition), fingerprint=fingerprint, follows=follows)
    run.write(run_files.BOUNDARIES, record)
    before = areas_in_force(run, version)
    followed = Succession.between(loaded.areas if before is None else before, loaded.areas, loaded.follows)
    followed.write(run)
    counted = followed.counted()
    run.write(run_files.BOUNDARY_CHANGES, counted)
    if before is not None and progress:
        changed = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counted.items()) or "none"
        progress(f"boundaries: areas changed since the division in force: {changed}")


def boundary_changes(run: Run) -> pd.DataFrame:
    """What changed since the edition of the division in force: change, pc4, old, new, share (``geodata.diff``)."""
    return Succession.read(run).changes


def check_inputs(run: Run) -> None:
    """Read and check the input folder. Raises ``InputRefused`` with every problem.

    Also kept is what the new division is compared with (``in_force.write_now``).
    """
    folder = fetch_tables(Path(run.input_dir)) if run.input_dir else example_folder(run)
    followed = Succession.read(run)
    loaded = load_inputs(folder, run.areas(), run.config, followed.successors(), run.today, _names_in_force(run))
    loaded = replace(loaded, full_postcodes=_full_postcodes(run, loaded))
    loaded.write(run.inputs_folder)
    in_force.write_now(run, loaded, followed)
    roster = deciding.roster_fingerprint(loaded, loaded.planning_date(run.config, run.today))
    run.write(run_files.INPUT, InputRecord(folder=str(folder), sha256=fingerprints(folder), roster=roster))


def _names_in_force(run: Run) -> InForceNames:
    teams = run.in_force_table("team")
    if teams is None:
        return InForceNames()
    return InForceNames(frozenset(teams["team_id"]), frozenset().union(*teams["client_groups"].map(values_of)))


def _full_postcodes(run: Run, inputs: Inputs) -> pd.DataFrame:
    """Inhabitants per full postcode of the areas that are split at PC6, where the source of the boundaries has them.

    Where there are none (another source, or no network and no cache) a range counts by its letter pairs.
    """
    import geodata

    split = inputs.locks.loc[inputs.locks["pc6_from"].notna(), "area"]
    if split.empty or run.read(run_files.BOUNDARIES).edition["source"] != "pdok":
        return inputs.full_postcodes
    boundaries = geodata.Boundaries.read(run.boundaries_folder)
    try:
        with storage.shared(run.var / "cache") as cache:
            found = geodata.load_full_postcodes(split, boundaries, cache)
    except geodata.GeodataError as error:
        log.warning("full postcodes: %s; PC6 ranges count by their letters", error)
        return inputs.full_postcodes
    return found[["pc4", "pc6", "inhabitants"]]


def estimate_work(run: Run) -> None:
    """Expected work per postcode, product, line and group; and where the estimate leans on little. That of the version
    in force where this run would estimate the same."""
    made_of = same_work.made_of(run)
    known = same_work.work_in_force(run, made_of)
    work, doubts = known or expected.work_and_doubts(Inputs.read(run.inputs_folder), run.areas(), run.config)
    run.write(run_files.WORK, work)
    run.write(run_files.DOUBTS, doubts)
    run.write(run_files.WORK_MADE_OF, made_of)


def prepare_layers(run: Run) -> list[str]:
    """One districting problem per cluster and layer, in folders; returns their keys.

    Layers that need no search are marked in ``run_files.LAYERS``: unchanged ones (``carry_over.mark_unchanged``) and
    those of regions that the settings do not name. ``solve_carried_over`` keeps their plans.
    """
    inputs = Inputs.read(run.inputs_folder)
    now = run.read(run_files.DIVISION_IN_FORCE)
    day = inputs.planning_date(run.config, run.today)
    work = run.read(run_files.WORK)
    held = files_in_stock(
        inputs,
        work,
        run.areas(),
        now=now,
        routing_in_force=run.read(run_files.ROUTING_IN_FORCE),
        files_in_force=run.read(run_files.FILES_IN_FORCE),
        day=day,
        eve=run.eve,
        config=run.config,
    )
    run.write(run_files.HELD_FILES, held)
    layers = layers_of_run(run, replace(inputs, current=now), work, run.config, day, held)
    wanted = build.wanted_regions(run.config, run.areas())
    rows, after = [], second_lines(layers)
    for layer in layers:
        layer.write(run.layer_folder(layer.key))
        is_solved = bool(wanted & set(layer.regions)) or not can_carry_over(layer)
        rows.append(
            LayerRow(
                key=layer.key,
                label=layer.label,
                is_solved=is_solved,
                units=layer.problem.n,
                after=after.get(layer.key, ""),
            )
        )
    record = LayersRecord(
        day=day,
        from_version=in_force.from_version(run, inputs),
        in_force_since=run.in_force().since,
        layers=tuple(rows),
    )
    run.write(run_files.LAYERS, record)
    carry_over.mark_unchanged(run)
    return [row.key for row in rows]


def solve_carried_over(run: Run) -> list[str]:
    """Keep the plans of the layers that need no search, or whose plan is given; returns the keys of those that do need
    one, the largest first.

    A layer that waits for a search on the other client line is searched with that one (``solve_layer``).
    """
    rows = run.layers().layers
    given = given_plans.layers_of(run)
    for row in rows:
        if not row.is_solved or row.key in given:
            solve_layer(run, row.key)
    to_search = {row.key for row in rows if row.is_solved and row.key not in given}
    searched = [row for row in rows if row.key in to_search and row.after not in to_search]
    return [row.key for row in sorted(searched, key=lambda row: -row.units)]


def validate_folder(folder: Path, boundaries: geodata.Boundaries, config: Config) -> list[str]:
    """Check an input folder, up to building the problems; nothing is kept. Raises ``Refused`` with every problem.

    Returns a sentence for each thing that may be a mistake and is not refused.
    """
    today = calendar.today()
    inputs = load_inputs(folder, boundaries.areas, config, today=today)
    work = expected.expected_work(inputs, boundaries.areas, config)
    undivided = replace(inputs, current=no_division())
    day = inputs.planning_date(config, today)
    eve = calendar.eve_of(day, today)
    held = files_in_stock(
        inputs,
        work,
        boundaries.areas,
        now=undivided.current,
        routing_in_force=no_routing(),
        files_in_force=no_files(),
        day=day,
        eve=eve,
        config=config,
    )
    layers_of_boundaries(boundaries, undivided, work, config, day, held)
    return [*inputs.remark_sentences(), *offices.sentences(inputs.office_doubts)]


def solve_layer(run: Run, key: str) -> dict[str, Any]:
    """Divide one cluster and layer, and keep its plan and the solver's result; returns the result.

    Layers that waited for its search are divided after it.
    """
    rows = run.layers().layers
    row = next(row for row in rows if row.key == key)
    layer = Layer.read(run.layer_folder(key))
    if row.after and run.has_result(row.after):
        layer = beside(layer, Layer.read(run.layer_folder(row.after)), run.plan(row.after))
        layer.write(run.layer_folder(key))
    given = given_plans.plan_of(run, key, layer)
    carried = None if row.is_solved else np.asarray(layer.problem.current)
    if given is not None:
        result = known_plan(layer, given, "given")
    elif carried is None:
        result = solve_problem(layer, run.config)
    else:
        result = known_plan(layer, carried, "carried over")
        result |= carry_over.bound_in_force(run, layer, result["objective"])
    run.write_plan(key, layer.problem.unit_ids, result.pop("plan"))
    run.write_result(key, result)
    if row.is_solved and given is None:
        known = given_plans.layers_of(run)
        for other in rows:
            if other.after == key and other.is_solved and other.key not in known:
                solve_layer(run, other.key)
    return result


def read_solved(run: Run) -> list[Solved]:
    """Every layer of a run with its plan."""
    keys = run.layer_keys()
    return [Solved.of(Layer.read(run.layer_folder(key)), run.plan(key), run.result(key)) for key in keys]


def assemble_outcome(run: Run, beside: Executor | None = None) -> None:
    """Every published table, as Parquet in the run's folder ``outcome``. ``beside``: a process that helps."""
    record = run.layers()
    outcome = Outcome(
        read_solved(run),
        Inputs.read(run.inputs_folder),
        run.read(run_files.WORK),
        run.areas(),
        run.read(run_files.EDGES),
        run.read(run_files.HELD_FILES),
        now=run.read(run_files.DIVISION_IN_FORCE),
        from_version=record.from_version,
        load_in_force=run.in_force_table("team_load"),
        groups_in_force=run.read(run_files.GROUPS_IN_FORCE),
        ways=Ways.of_frame(run.read(run_files.WAYS), STRAIGHT),
        day=record.day,
        config=run.config,
        plan_in_force=in_force.plan_in_force(run),
        beside=beside,
    )
    run_files.OUTCOME.write(run.folder, outcome.tables())


def draw_report(run: Run) -> Drawn:
    """The report of the run, one HTML file; ``write`` it when the gate has told what it found of the outcome."""
    from allocation.report.report import draw

    return draw(run.folder)


def write_report(run: Run) -> Path:
    """The report of a run that the gate has passed."""
    return draw_report(run).write()


def end_if_outcome_unchanged(run: Run) -> Unchanged | None:
    """Keep and return that the outcome is the division in force; None when there is something to decide."""
    return deciding.end_if_outcome_unchanged(run, _whole_outcome(run))


def _whole_outcome(run: Run) -> Path:
    """The folder with everything that a version is made of."""
    run.write(run_files.OUTCOME.table("runs"), _runs_row(run))
    return storage.fetch_folder(run.path(run_files.OUTCOME))


def propose(run: Run, *, beside_others: bool = False, passed: Sequence[gates.Gate] = ("inputs", "outcome")) -> int:
    """Store the outcome as a complete version that readers do not see yet; returns its number.

    Older proposals of the same scope that wait are withdrawn, unless this one is meant to wait beside them. Raises
    ``Refused`` unless the gates ``passed`` had what is stored now before them, and let it through.
    """
    from allocation.publication import proposals, reads, versions

    gates.refuse_unchecked(run, passed)
    version = versions.propose(
        _whole_outcome(run),
        run.store,
        run.files_dir,
        areas=run.fetched(run_files.AREAS),
        reports=[run.fetched(file) for file in (run_files.REPORT, run_files.REPORT_FOR_READERS) if run.has(file)],
        valid_from=run.config.valid_from,
        based_on=run.in_force().timeline_act,
        scope=None if beside_others else deciding.scope(run),
    )
    status, act, _ = proposals.last_proposed(version, run.store)
    withdrew = tuple(proposals.withdrawn_for(version, run.store))
    is_back = status == "published" and reads.current_version(run.store, run.config.valid_from) != version
    run.write(run_files.VERSION, VersionRecord(version=version, act=act, withdrew=withdrew, is_taken_back=is_back))
    return version


def publish(run: Run, approval: dict[str, Any] | None = None) -> Path:
    """Put this run's proposal in force; returns the folder with its files. Nothing after that ends the step: who reads
    that it failed would believe that nothing was published."""
    from allocation.publication import versions

    proposed = run.read(run_files.VERSION)
    given = approval or {
        "by": run.created_by,
        "remark": "published by the one who made the run",
        "decision": "approved",
    }
    folder = versions.publish(proposed.version, run.store, run.files_dir, approval=given, act=proposed.act)
    record = proposed.model_copy(update={"folder": storage.address(folder)})
    run.write_after(f"Version {proposed.version} is in force", run_files.VERSION, record)
    return folder


def reject(run: Run, approval: dict[str, Any]) -> None:
    """Mark this run's proposal as rejected, with who and why; the version in force stays."""
    from allocation.publication import versions

    proposed = run.read(run_files.VERSION)
    versions.reject(proposed.version, run.store, approval, act=proposed.act)


def _runs_row(run: Run) -> pd.DataFrame:
    record = run.record
    row = {
        "run_id": run.run_id,
        "created_at": pd.Timestamp(record.created_at),
        "created_by": run.created_by,
        "reason": run.config.reason,
        "input_fingerprints": json.dumps(deciding.fingerprints(run)),
        "configuration": run.config.model_dump_json(),
        "code_version": code_version(),
        "solver": json.dumps({key: run.result(key) for key in run.layer_keys()}),
        "validation": json.dumps(run.validation(), ensure_ascii=False),
        "approval": None,
    }
    return pd.DataFrame([row])
