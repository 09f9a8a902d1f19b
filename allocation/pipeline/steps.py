"""The steps of a run, in order. The command line calls them one after the other, the DAG tasks one each.

Every step reads and writes files in the folder of its run and returns nothing but references, so that it can be
repeated on its own: a step that runs again gives the same files. Nothing outside the folder changes before ``publish``.

    boundaries -> inputs -> work -> layers -> plans (one per layer) -> outcome -> validation -> report -> version

Belongs here: the order, and what is kept where. Does not belong here: how anything is computed.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from allocation.contract import input_tables
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import PW, ZW_WIA
from allocation.demand import expected
from allocation.intake import offices
from allocation.intake.inputs import Inputs, fingerprints, load_inputs
from allocation.layers import build
from allocation.layers.layer import Layer, can_carry_over
from allocation.layers.solving import known_plan, solve_problem
from allocation.outcome.assemble import assemble
from allocation.outcome.solved import Solved
from allocation.pipeline import succession
from allocation.pipeline.example_input import example_folder
from allocation.pipeline.problems import layers_of_boundaries, layers_of_run, no_division
from allocation.publication.store import today as dutch_today
from allocation.report.summary import code_version
from allocation.runs.run import Progress, Run, areas_of, layer_keys, read_json, read_result, write_json

if TYPE_CHECKING:
    import geodata
    from expectations.validate import Outcome

log = logging.getLogger(__name__)


def prepare_boundaries(run: Run, progress: Progress | None = None) -> None:
    """Postcode areas, their neighbours and regions, from the source or its cache, into the run's folder.

    With it goes what changed since the edition of the division in force (``succession.Succession``).
    """
    import geodata

    try:
        loaded = geodata.load_boundaries(run.boundaries, run.var / "cache", progress)
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    loaded.write(run.folder / "boundaries")
    write_json(run.folder / "boundaries.json", {"edition": asdict(loaded.edition), "fingerprint": loaded.fingerprint()})
    before = succession.areas_in_force(run)
    followed = succession.Succession.between(loaded.areas if before is None else before, loaded.areas)
    followed.write(run.folder / "succession")
    counted = followed.counted()
    write_json(run.folder / "boundary_changes.json", counted)
    if before is not None and progress:
        changed = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counted.items()) or "none"
        progress(f"boundaries: areas changed since the division in force: {changed}")


def boundary_changes(run: Run) -> pd.DataFrame:
    """What changed since the edition of the division in force: change, pc4, old, new, share (``geodata.diff``)."""
    return succession.Succession.read(run.folder / "succession").changes


def check_inputs(run: Run) -> None:
    """Read and check the input folder. Raises ``InputRefused`` with every problem."""
    folder = Path(run.input_dir) if run.input_dir else example_folder(run)
    followed = succession.Succession.read(run.folder / "succession").successors()
    loaded = load_inputs(folder, areas_of(run), run.config, followed, run.today, _teams_in_force(run))
    loaded = replace(loaded, full_postcodes=_full_postcodes(run, loaded))
    loaded.write(run.folder / "inputs")
    write_json(run.folder / "inputs.json", {"folder": str(folder), "sha256": fingerprints(folder)})


def _teams_in_force(run: Run) -> set[str]:
    """The teams of the division that this run's takes over from: they may hold files though the list drops them."""
    from allocation.publication import versions

    version = versions.current_version(run.store, run.eve)
    return set() if version is None else set(versions.read_table("team", run.store, version=version)["team_id"])


def _full_postcodes(run: Run, inputs: Inputs) -> pd.DataFrame:
    """Inhabitants per full postcode of the areas that are split at PC6, where the source of the boundaries has them.

    Without (another source, or no network and not in the cache) a range counts by its letters.
    """
    import geodata

    split = inputs.locks.loc[inputs.locks["pc6_from"].notna(), "area"]
    if split.empty or read_json(run.folder / "boundaries.json")["edition"]["source"] != "pdok":
        return inputs.full_postcodes
    boundaries = geodata.Boundaries.read(run.folder / "boundaries")
    try:
        found = geodata.load_full_postcodes(split, boundaries, run.var / "cache")
    except geodata.GeodataError as error:
        log.warning("full postcodes: %s; PC6 ranges count by their letters", error)
        return inputs.full_postcodes
    return found[["pc4", "pc6", "inhabitants"]]


def estimate_work(run: Run) -> None:
    """Expected work per postcode, product, line and group."""
    work = expected.expected_work(Inputs.read(run.folder / "inputs"), areas_of(run), run.config)
    work.to_parquet(run.folder / "work.parquet", index=False)


def prepare_layers(run: Run) -> list[str]:
    """One districting problem per cluster and layer, in folders; returns their keys."""
    inputs = Inputs.read(run.folder / "inputs")
    now, from_version = _division_in_force(run, inputs)
    day = inputs.planning_date(run.config, run.today)
    made = layers_of_run(run, replace(inputs, current=now), run.frame("work"), run.config, day)
    wanted = build.wanted_regions(run.config, areas_of(run))
    told = []
    for layer in made:
        layer.write(run.folder / "layers" / layer.key)
        is_solved = bool(wanted & set(layer.regions)) or not can_carry_over(layer)
        told.append({"key": layer.key, "label": layer.label, "is_solved": is_solved, "units": layer.problem.n})
    now.to_parquet(run.folder / "division_in_force.parquet", index=False)
    facts = {
        "day": day.isoformat(),
        "from_version": from_version,
        "in_force_since": _in_force_since(run),
        "layers": told,
    }
    write_json(run.folder / "layers.json", facts)
    return [str(row["key"]) for row in told]


def _in_force_since(run: Run) -> str | None:
    """The day on which the version that this run's division takes over from came into force, None without one."""
    from allocation.publication import versions

    known = versions.versions(run.store)
    began = known.loc[known["valid_from"] <= run.eve, "valid_from"]
    return None if began.empty else str(began.max())


def validate_folder(folder: Path, boundaries: geodata.Boundaries, config: Config) -> list[str]:
    """Every check of an input folder, as far as building the problems; nothing is kept. Raises ``Refused``.

    Returns what may be a mistake and is not refused, in sentences.
    """
    today = dutch_today()
    inputs = load_inputs(folder, boundaries.areas, config, today=today)
    work = expected.expected_work(inputs, boundaries.areas, config)
    undivided = replace(inputs, current=no_division())
    layers_of_boundaries(boundaries, undivided, work, config, inputs.planning_date(config, today))
    return offices.sentences(inputs.office_doubts)


def _division_in_force(run: Run, inputs: Inputs) -> tuple[pd.DataFrame, int | None]:
    """The division to compare with: that of the input folder, else the last published one, else none.

    In the postcodes of this run's edition, and those that are gone.
    """
    from allocation.publication import versions

    columns = [*input_tables.CURRENT.column_names, "law_domain"]
    followed = succession.Succession.read(run.folder / "succession")
    version = versions.current_version(run.store, run.eve)
    published = no_division()
    if version is not None:
        published = followed.carry_over(versions.read_table("allocation", run.store, version=version)[columns])
    # What the gate compares the file with: a file that is older than the version in force moves clients without need.
    beside = published if len(inputs.current) else no_division()
    beside.to_parquet(run.folder / "published_division.parquet", index=False)
    if not len(inputs.current):
        return published, version
    kind = inputs.teams.drop_duplicates("team_id").set_index("team_id")["kind"]
    is_pw = inputs.current["team_id"].map(kind).eq("participatiewet")
    given = inputs.current.assign(law_domain=np.where(is_pw, PW, ZW_WIA))[columns]
    return followed.carry_over(given), None


def solve_layer(run: Run, key: str) -> dict[str, Any]:
    """Divide one cluster and layer; keeps the plan and what the solver said of it. Returns the latter."""
    folder = run.folder / "layers" / key
    layer = Layer.read(folder)
    told = next(row for row in read_json(run.folder / "layers.json")["layers"] if row["key"] == key)
    carried = None if told["is_solved"] else np.asarray(layer.problem.current)
    outcome = solve_problem(layer, run.config) if carried is None else known_plan(layer, carried, "carried over")
    pd.DataFrame({"unit": layer.problem.unit_ids, "team": outcome.pop("plan")}).to_parquet(
        folder / "plan.parquet", index=False
    )
    write_json(folder / "result.json", outcome)
    return outcome


def _read_solved(run: Run) -> list[Solved]:
    solved = []
    for key in layer_keys(run):
        folder = run.folder / "layers" / key
        layer = Layer.read(folder)
        plan = pd.read_parquet(folder / "plan.parquet")["team"].to_numpy(dtype=np.int64)
        solved.append(Solved.of(layer, plan, read_result(run, key)))
    return solved


def assemble_outcome(run: Run) -> None:
    """Every published table, as Parquet in the run's folder ``outcome``."""
    told = read_json(run.folder / "layers.json")
    outcome = assemble(
        _read_solved(run),
        Inputs.read(run.folder / "inputs"),
        run.frame("work"),
        areas_of(run),
        now=pd.read_parquet(run.folder / "division_in_force.parquet"),
        from_version=told["from_version"],
        load_in_force=_load_in_force(run),
        day=date.fromisoformat(told["day"]),
        config=run.config,
    )
    folder = run.folder / "outcome"
    folder.mkdir(exist_ok=True)
    for name, table in outcome.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)


def _load_in_force(run: Run) -> pd.DataFrame | None:
    """Table ``team_load`` of the version that this run's division takes over from; None when there is none."""
    from allocation.publication import versions

    version = versions.current_version(run.store, run.eve)
    return None if version is None else versions.read_table("team_load", run.store, version=version)


def validate_inputs(run: Run) -> None:
    """The expectations on the input and the expected work. Raises ``Refused``: what failed and where."""
    from expectations import validate

    _gate(validate.validate_inputs(run.folder))


def validate_outcome(run: Run) -> None:
    """The gate before anything is published. Raises ``Refused``: what failed and where."""
    from expectations import validate

    _gate(validate.validate_outcome(run.folder))


def _gate(outcome: Outcome) -> None:
    from expectations.validate import ValidationFailed

    if not outcome.success:
        raise Refused(str(ValidationFailed(outcome)))


def write_report(run: Run) -> Path:
    """The report of the run, one HTML file."""
    from allocation.report.report import write_report

    written: Path = write_report(run.folder)
    return written


def propose(run: Run) -> int:
    """Store the outcome as a complete version that readers do not see yet; returns its number."""
    from allocation.publication import versions

    outcome = run.folder / "outcome"
    _runs_row(run).to_parquet(outcome / "runs.parquet", index=False)
    shutil.copyfile(run.folder / "boundaries" / "areas.parquet", outcome / "areas.parquet")
    for report in run.folder.glob("report*.html"):
        shutil.copyfile(report, outcome / report.name)
    version = versions.propose(outcome, run.store, run.files_dir, valid_from=run.config.valid_from)
    write_json(run.folder / "version.json", {"version": version})
    return version


def publish(run: Run, approval: dict[str, Any] | None = None) -> Path:
    """Put this run's proposal in force; returns the folder with its files."""
    from allocation.publication import versions

    version = read_json(run.folder / "version.json")["version"]
    given = approval or {
        "by": run.created_by,
        "remark": "published by the one who made the run",
        "decision": "approved",
    }
    folder = versions.publish(version, run.store, run.files_dir, valid_from=run.config.valid_from, approval=given)
    write_json(run.folder / "version.json", {"version": version, "folder": str(folder)})
    return folder


def reject(run: Run, approval: dict[str, Any]) -> None:
    """Mark this run's proposal as rejected, with who and why; the version in force stays."""
    from allocation.publication import versions

    versions.reject(read_json(run.folder / "version.json")["version"], run.store, approval)


def _runs_row(run: Run) -> pd.DataFrame:
    told = read_json(run.folder / "run.json")
    solver = {key: read_result(run, key) for key in layer_keys(run)}
    validation = run.folder / "validation" / "result.json"
    sources = {
        "input": read_json(run.folder / "inputs.json"),
        "boundaries": read_json(run.folder / "boundaries.json"),
    }
    row = {
        "run_id": run.run_id,
        "created_at": pd.Timestamp(told["created_at"]),
        "created_by": run.created_by,
        "reason": run.config.reason,
        "input_fingerprints": json.dumps(sources, default=str),
        "configuration": run.config.model_dump_json(),
        "code_version": code_version(),
        "solver": json.dumps(solver),
        "validation": validation.read_text(encoding="utf-8") if validation.exists() else "{}",
        "approval": None,
    }
    return pd.DataFrame([row])
