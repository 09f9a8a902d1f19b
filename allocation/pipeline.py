"""The steps of a run, in order. The command line calls them one after the other, the DAG tasks one each.

Every step reads and writes files in the folder of its run and returns nothing but references, so that it can be
repeated on its own: a step that runs again gives the same files. Nothing outside the folder changes before ``publish``.

    boundaries -> inputs -> work -> layers -> plans (one per layer) -> outcome -> validation -> report -> version

Belongs here: the order, and what is kept where. Does not belong here: how anything is computed.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version as package_version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation import (
    demand,
    editions,
    example,
    figures,
    impact,
    layers,
    offices,
    routing,
    runoff,
    tables,
    transition,
    waiting,
)
from allocation.config import Config
from allocation.districting import Params, ProblemError, Stop, check, evaluate, solve, warm_up
from allocation.errors import Refused
from allocation.inputs import Inputs, fingerprints, load_inputs
from allocation.layers import Layer
from allocation.scenario import Scenario, compare_with_base, scenario_config, write_scenario_input
from allocation.serving import active_teams
from allocation.store import today as dutch_today

if TYPE_CHECKING:
    import geodata
    from expectations.validate import Outcome

log = logging.getLogger(__name__)

VAR = Path("var")
EMBEDDED = "embedded"
Progress = Callable[[str], None]


def run_folder(var: Path, run_id: str) -> Path:
    """Where a run of this name has its files; never outside ``var``."""
    return var / "runs" / "".join(c if c.isalnum() or c in "-_" else "-" for c in run_id)


@dataclass(frozen=True)
class Run:
    """One run: its folder and what was asked of it. ``today`` is fixed when the run starts and never asked again."""

    folder: Path
    run_id: str
    input_dir: str | None
    boundaries: str
    store: str
    config: Config
    created_by: str
    today: date

    @classmethod
    def start(
        cls,
        *,
        input_dir: Path | None,
        boundaries: str,
        store: str,
        config: Config,
        var: Path = VAR,
        run_id: str | None = None,
        today: date | None = None,
        created_by: str | None = None,
    ) -> Run:
        """A new run, in a folder of its own below ``var``."""
        now = datetime.now(UTC)
        name = run_id or now.strftime("%Y%m%dT%H%M%S") + f"-{os.getpid():d}"
        folder = run_folder(var, name)
        folder.mkdir(parents=True, exist_ok=True)
        asked = str(input_dir) if input_dir else None
        run = cls(folder, name, asked, boundaries, store, config, created_by or _login(), today or dutch_today())
        told = {
            **asdict(run),
            "folder": str(folder),
            "config": config.model_dump(mode="json"),
            "today": run.today.isoformat(),
        }
        _write_json(folder / "run.json", told | {"created_at": now.isoformat(timespec="seconds")})
        return run

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """The run in ``folder``, as it was started."""
        told = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
        told.pop("created_at")
        values = told | {"folder": Path(folder), "today": date.fromisoformat(told["today"])}
        return cls(**(values | {"config": Config.from_values(told["config"])}))

    @property
    def eve(self) -> date:
        """The last day before this run's division can take over, today at the earliest. Who has a client then is who
        keeps or loses it: another version may be planned to come into force before this one."""
        first = self.config.valid_from
        return self.today if first is None else max(self.today, first - timedelta(days=1))

    @property
    def var(self) -> Path:
        return self.folder.parent.parent

    @property
    def files_dir(self) -> Path:
        """Where published versions land as files."""
        return self.var / "published"

    def frame(self, name: str) -> pd.DataFrame:
        """A table of this run's outcome, or one that a step left in the folder."""
        path = self.folder / "outcome" / f"{name}.parquet"
        return pd.read_parquet(path if path.exists() else self.folder / f"{name}.parquet")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return str(os.getuid())


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str), encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def prepare_boundaries(run: Run, progress: Progress | None = None) -> None:
    """Postcode areas, their neighbours and regions, from the source or its cache, into the run's folder.

    With it goes what changed since the edition of the division in force (``editions.Succession``).
    """
    import geodata

    try:
        loaded = geodata.load_boundaries(run.boundaries, run.var / "cache", progress)
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    loaded.write(run.folder / "boundaries")
    _write_json(
        run.folder / "boundaries.json", {"edition": asdict(loaded.edition), "fingerprint": loaded.fingerprint()}
    )
    before = editions.areas_in_force(run)
    succession = editions.Succession.between(loaded.areas if before is None else before, loaded.areas)
    succession.write(run.folder / "succession")
    counted = succession.counted()
    _write_json(run.folder / "boundary_changes.json", counted)
    if before is not None and progress:
        changed = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counted.items()) or "none"
        progress(f"boundaries: areas changed since the division in force: {changed}")


def boundary_changes(run: Run) -> pd.DataFrame:
    """What changed since the edition of the division in force: change, pc4, old, new, share (``geodata.diff``)."""
    return editions.Succession.read(run.folder / "succession").changes


def _areas(run: Run) -> pd.DataFrame:
    """The areas without their polygons: all that most steps need."""
    import pyarrow.parquet as pq

    path = run.folder / "boundaries" / "areas.parquet"
    names = [name for name in pq.read_schema(path).names if name != "geometry"]
    return pd.read_parquet(path, columns=names)


def check_inputs(run: Run) -> None:
    """Read and check the input folder. Raises ``InputRefused`` with every problem."""
    folder = Path(run.input_dir) if run.input_dir else example_folder(run)
    followed = editions.Succession.read(run.folder / "succession").successors()
    loaded = load_inputs(folder, _areas(run), run.config, followed, run.today)
    loaded = replace(loaded, full_postcodes=_full_postcodes(run, loaded))
    loaded.write(run.folder / "inputs")
    _write_json(run.folder / "inputs.json", {"folder": str(folder), "sha256": fingerprints(folder)})


def _full_postcodes(run: Run, inputs: Inputs) -> pd.DataFrame:
    """Inhabitants per full postcode of the areas that are split at PC6, where the source of the boundaries has them.

    Without (another source, or no network and not in the cache) a range counts by its letters.
    """
    import geodata

    split = inputs.locks.loc[inputs.locks["pc6_from"].notna(), "area"]
    if split.empty or _read_json(run.folder / "boundaries.json")["edition"]["source"] != "pdok":
        return inputs.full_postcodes
    boundaries = geodata.Boundaries.read(run.folder / "boundaries")
    try:
        found = geodata.load_full_postcodes(split, boundaries, run.var / "cache")
    except geodata.GeodataError as error:
        log.warning("full postcodes: %s; PC6 ranges count by their letters", error)
        return inputs.full_postcodes
    return found[["pc4", "pc6", "inhabitants"]]


def example_folder(run: Run) -> Path:
    """The embedded example input, made when it is not there yet: with a division in force that is out of date."""
    text = Path(example.__file__).read_bytes() + (run.folder / "boundaries.json").read_bytes()
    folder = run.var / "example" / hashlib.sha256(text).hexdigest()[:12]
    if not folder.exists():  # made aside and moved into place: another run never sees half of it
        aside = folder.with_name(f"{folder.name}-{os.getpid()}")
        write_example_with_division(aside, run)
        try:
            aside.rename(folder)
        except OSError:  # another run was first; the same areas and seed give the same files
            shutil.rmtree(aside)
    return folder


def write_example_with_division(folder: Path, run: Run) -> None:
    """The example input, and the division that its older teams had: made by a short search on the older team list."""
    areas = _areas(run)
    example.write_example(folder, areas)
    config = Config(valid_from=example.REFERENCE_DATE)
    inputs = load_inputs(folder, areas, config)
    work = demand.expected_work(inputs, areas, config)
    made = _build_layers(run, replace(inputs, current=_no_division()), work, config, example.REFERENCE_DATE)
    effort = config.solver.model_copy(update={"iterations": example.DIVISION_ITERATIONS, "seed": example.SEED})
    config = config.model_copy(update={"solver": effort})
    plans = [solve_problem(layer, config)["plan"] for layer in made]
    parts = routing.assigned_parts(made, plans)
    example.write_division(folder, routing.allocation_table(parts))


def _no_division() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in (*tables.CURRENT.column_names, "law_domain")})


def estimate_work(run: Run) -> None:
    """Expected work per postcode, product, line and group."""
    work = demand.expected_work(Inputs.read(run.folder / "inputs"), _areas(run), run.config)
    work.to_parquet(run.folder / "work.parquet", index=False)


def prepare_layers(run: Run) -> list[str]:
    """One districting problem per cluster and layer, in folders; returns their keys."""
    inputs = Inputs.read(run.folder / "inputs")
    now, from_version = _division_in_force(run, inputs)
    day = inputs.planning_date(run.config, run.today)
    made = _build_layers(run, replace(inputs, current=now), run.frame("work"), run.config, day)
    wanted = layers.wanted_regions(run.config, _areas(run))
    told = []
    for layer in made:
        layer.write(run.folder / "layers" / layer.key)
        is_solved = bool(wanted & set(layer.regions)) or not layers.can_carry_over(layer)
        told.append({"key": layer.key, "label": layer.label, "is_solved": is_solved, "units": layer.problem.n})
    now.to_parquet(run.folder / "division_in_force.parquet", index=False)
    facts = {
        "day": day.isoformat(),
        "from_version": from_version,
        "in_force_since": _in_force_since(run),
        "layers": told,
    }
    _write_json(run.folder / "layers.json", facts)
    return [str(row["key"]) for row in told]


def _in_force_since(run: Run) -> str | None:
    """The day on which the version that this run's division takes over from came into force, None without one."""
    from allocation import publish

    versions = publish.versions(run.store)
    began = versions.loc[versions["valid_from"] <= run.eve, "valid_from"]
    return None if began.empty else str(began.max())


def _build_layers(run: Run, inputs: Inputs, work: pd.DataFrame, config: Config, day: date) -> list[Layer]:
    import geodata

    return _layers_of(geodata.Boundaries.read(run.folder / "boundaries"), inputs, work, config, day)


def _layers_of(
    boundaries: geodata.Boundaries, inputs: Inputs, work: pd.DataFrame, config: Config, day: date
) -> list[Layer]:
    import geodata

    def bridges(groups: pd.Series) -> pd.DataFrame:
        return geodata.bridges_within(boundaries.areas, boundaries.edges, groups)

    areas = pd.DataFrame(boundaries.areas.drop(columns="geometry"))
    try:
        return layers.build_layers(inputs, work, areas, boundaries.edges, bridges, config, day)
    except ProblemError as error:
        raise Refused("\n".join(error.sentences)) from error


def validate_folder(folder: Path, boundaries: geodata.Boundaries, config: Config) -> list[str]:
    """Every check of an input folder, as far as building the problems; nothing is kept. Raises ``Refused``.

    Returns what may be a mistake and is not refused, in sentences.
    """
    today = dutch_today()
    inputs = load_inputs(folder, boundaries.areas, config, today=today)
    work = demand.expected_work(inputs, boundaries.areas, config)
    undivided = replace(inputs, current=_no_division())
    _layers_of(boundaries, undivided, work, config, inputs.planning_date(config, today))
    return offices.sentences(inputs.office_doubts)


def _division_in_force(run: Run, inputs: Inputs) -> tuple[pd.DataFrame, int | None]:
    """The division to compare with: that of the input folder, else the last published one, else none.

    In the postcodes of this run's edition, and those that are gone.
    """
    from allocation import publish

    columns = [*tables.CURRENT.column_names, "law_domain"]
    succession = editions.Succession.read(run.folder / "succession")
    version = publish.current_version(run.store, run.eve)
    published = _no_division()
    if version is not None:
        published = succession.carry_over(publish.read_table("allocation", run.store, version=version)[columns])
    # What the gate compares the file with: a file that is older than the version in force moves clients without need.
    beside = published if len(inputs.current) else _no_division()
    beside.to_parquet(run.folder / "published_division.parquet", index=False)
    if not len(inputs.current):
        return published, version
    kind = inputs.teams.drop_duplicates("team_id").set_index("team_id")["kind"]
    is_pw = inputs.current["team_id"].map(kind).eq("participatiewet")
    given = inputs.current.assign(law_domain=np.where(is_pw, layers.PW, layers.ZW_WIA))[columns]
    return succession.carry_over(given), None


def solve_layer(run: Run, key: str) -> dict[str, Any]:
    """Divide one cluster and layer; keeps the plan and what the solver said of it. Returns the latter."""
    folder = run.folder / "layers" / key
    layer = Layer.read(folder)
    told = next(row for row in _read_json(run.folder / "layers.json")["layers"] if row["key"] == key)
    carried = None if told["is_solved"] else np.asarray(layer.problem.current)
    outcome = solve_problem(layer, run.config) if carried is None else _known(layer, carried, "carried over")
    pd.DataFrame({"unit": layer.problem.unit_ids, "team": outcome.pop("plan")}).to_parquet(
        folder / "plan.parquet", index=False
    )
    _write_json(folder / "result.json", outcome)
    return outcome


def solve_problem(layer: Layer, config: Config) -> dict[str, Any]:
    """The plan (n,) of a layer under ``plan``, and what the solver said of it."""
    if layer.problem.k == 1:
        return _known(layer, np.zeros(layer.problem.n, dtype=np.int64), "only one team")
    stop = Stop(seconds=config.solver.seconds, iterations=config.solver.iterations)
    result = solve(layer.problem, stop, config.solver.seed, Params())
    return {
        "label": layer.label,
        "plan": result.plan,
        "objective": result.objective,
        "terms": asdict(result.terms),
        "lower_bound": result.lower_bound,
        "gap": result.gap,
        "is_feasible": result.is_feasible,
        "violations": [v.text for v in result.violations],
        "proof": result.proof,
        "stopped_because": result.stopped_because,
        "iterations": result.iterations,
        "seed": result.seed,
        "seconds": round(result.seconds, 2),
    }


def _known(layer: Layer, plan: NDArray[np.int64], why: str) -> dict[str, Any]:
    """The outcome for a plan that needs no search."""
    terms, violations = evaluate(layer.problem, plan), check(layer.problem, plan)
    return {
        "label": layer.label,
        "plan": plan,
        "objective": terms.objective,
        "terms": asdict(terms),
        "lower_bound": None,
        "gap": None,
        "is_feasible": not violations,
        "violations": [v.text for v in violations],
        "proof": None,
        "stopped_because": why,
        "iterations": 0,
        "seed": None,
        "seconds": 0.0,
    }


def solve_all(run: Run, pool: ProcessPoolExecutor, progress: Progress) -> None:
    """Every layer, the largest first, over the processes of ``pool``."""
    told = {row["key"]: row for row in _read_json(run.folder / "layers.json")["layers"]}
    order = sorted(told, key=lambda key: -told[key]["units"])
    waiting = {pool.submit(_solve_in_process, str(run.folder), key): key for key in order}
    for done, future in enumerate(as_completed(waiting), start=1):
        future.result()
        progress(f"{done}/{len(order)} {told[waiting[future]]['label']}")


def _prepare_layers_and_workers(run: Run, pool: ProcessPoolExecutor) -> None:
    """Meanwhile the processes of ``pool`` start and read the solver's compiled code, which takes them seconds."""
    for _ in range(run.config.solver.workers):
        pool.submit(_get_ready)
    prepare_layers(run)


def _get_ready() -> None:
    """Importing this module is the larger part of it."""
    warm_up()


def _solve_in_process(folder: str, key: str) -> None:
    solve_layer(Run.open(folder), key)


def _read_solved(run: Run) -> list[figures.Solved]:
    solved = []
    for key in layer_keys(run):
        folder = run.folder / "layers" / key
        layer = Layer.read(folder)
        plan = pd.read_parquet(folder / "plan.parquet")["team"].to_numpy(dtype=np.int64)
        result = read_result(run, key)
        pieces = figures.pieces(layer.problem, plan)
        solved.append(figures.Solved(layer, plan, pieces, result["objective"], result["lower_bound"], result["gap"]))
    return solved


def assemble_outcome(run: Run) -> None:
    """Every published table, as Parquet in the run's folder ``outcome``."""
    inputs, work, areas = Inputs.read(run.folder / "inputs"), run.frame("work"), _areas(run)
    told = _read_json(run.folder / "layers.json")
    teams = active_teams(inputs.teams, date.fromisoformat(told["day"]))
    now = pd.read_parquet(run.folder / "division_in_force.parquet")
    solved = _read_solved(run)
    parts = routing.assigned_parts([one.layer for one in solved], [one.plan for one in solved])
    allocation = routing.allocation_table(parts)
    routed = routing.routing_table(parts, teams, run.config)
    expected = transition.expected_per_area(work, allocation, run.config)
    changes = transition.allocation_changes(now, allocation, expected).assign(from_version=told["from_version"])
    active, by_line = set(teams["team_id"]), layers.line_shares(work)
    moves = transition.transition_table(inputs.stock, now, routed, inputs.products, active, by_line, run.config)
    load = figures.team_load(solved, work, areas, teams, run.config)
    outcome = {
        "allocation": allocation,
        "routing": routed,
        "allocation_reason": routing.reason_table(parts),
        "team_load": load,
        "allocation_changes": changes,
        "transition": moves,
        "region_summary": figures.region_summary(
            solved, load, changes, moves, work, areas, inputs.products, run.config
        ),
        "expected": expected,
        "team_months": runoff.team_months(moves, work, parts, inputs.products, load, run.config),
        "impact": impact.impact_table(solved, now, changes, moves, inputs.teams, areas, inputs.products),
        "waiting": waiting.waiting_table(solved, load, work, run.config),
        "lines": waiting.line_table(load, _load_in_force(run)),
        "teams": teams.drop(columns=["regions", "row"]),
        "team_periods": inputs.teams[["team_id", "valid_from", "valid_to"]],
    }
    folder = run.folder / "outcome"
    folder.mkdir(exist_ok=True)
    for name, table in outcome.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)


def _load_in_force(run: Run) -> pd.DataFrame | None:
    """Table ``team_load`` of the version that this run's division takes over from; None when there is none."""
    from allocation import publish

    version = publish.current_version(run.store, run.eve)
    return None if version is None else publish.read_table("team_load", run.store, version=version)


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
    from allocation.report import write_report

    written: Path = write_report(run.folder)
    return written


def propose(run: Run) -> int:
    """Store the outcome as a complete version that readers do not see yet; returns its number."""
    from allocation import publish

    outcome = run.folder / "outcome"
    _runs_row(run).to_parquet(outcome / "runs.parquet", index=False)
    shutil.copyfile(run.folder / "boundaries" / "areas.parquet", outcome / "areas.parquet")
    for report in run.folder.glob("report*.html"):
        shutil.copyfile(report, outcome / report.name)
    version = publish.propose(outcome, run.store, run.files_dir, valid_from=run.config.valid_from)
    _write_json(run.folder / "version.json", {"version": version})
    return version


def publish(run: Run, approval: dict[str, Any] | None = None) -> Path:
    """Put this run's proposal in force; returns the folder with its files."""
    from allocation import publish

    version = _read_json(run.folder / "version.json")["version"]
    given = approval or {
        "by": run.created_by,
        "remark": "published by the one who made the run",
        "decision": "approved",
    }
    folder = publish.publish(version, run.store, run.files_dir, valid_from=run.config.valid_from, approval=given)
    _write_json(run.folder / "version.json", {"version": version, "folder": str(folder)})
    return folder


def reject(run: Run, approval: dict[str, Any]) -> None:
    """Mark this run's proposal as rejected, with who and why; the version in force stays."""
    from allocation import publish

    publish.reject(_read_json(run.folder / "version.json")["version"], run.store, approval)


def _runs_row(run: Run) -> pd.DataFrame:
    told = _read_json(run.folder / "run.json")
    solver = {key: read_result(run, key) for key in layer_keys(run)}
    validation = run.folder / "validation" / "result.json"
    sources = {
        "input": _read_json(run.folder / "inputs.json"),
        "boundaries": _read_json(run.folder / "boundaries.json"),
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


def run_all(
    run: Run, *, until: Literal["expectations", "report", "proposal", "publication"], progress: Progress
) -> dict[str, float]:
    """The whole run without a scheduler, up to and including a step. Returns the seconds of each step, in order."""
    with ProcessPoolExecutor(run.config.solver.workers, mp_context=get_context("spawn")) as pool:
        try:
            seconds = _run_steps(run, pool, until, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # the layers that wait are of no use any more
            raise
    _write_json(run.folder / "seconds.json", seconds)
    return seconds


def _run_steps(run: Run, pool: ProcessPoolExecutor, until: str, progress: Progress) -> dict[str, float]:
    steps: list[tuple[str, Callable[[], object]]] = [
        ("boundaries", lambda: prepare_boundaries(run, progress)),
        ("inputs", lambda: check_inputs(run)),
        ("expected work", lambda: estimate_work(run)),
        ("input expectations", lambda: validate_inputs(run)),
        ("layers", lambda: _prepare_layers_and_workers(run, pool)),
        ("division", lambda: solve_all(run, pool, progress)),
        ("outcome", lambda: assemble_outcome(run)),
        ("expectations", lambda: validate_outcome(run)),
        ("report", lambda: write_report(run)),
        ("proposal", lambda: propose(run)),
        ("publication", lambda: publish(run)),
    ]
    seconds: dict[str, float] = {}
    for name, step in steps:
        began = time.perf_counter()
        progress(name)
        step()
        seconds[name] = round(time.perf_counter() - began, 2)
        if name == until:
            break
    return seconds


def run_scenario(scenario: Scenario, run: Run, progress: Progress) -> pd.DataFrame:
    """A scenario from input to report, beside the division in force; nothing is proposed or published.

    ``run`` says what the scenario starts from: input folder, boundaries, store and configuration. The outcome stays in
    a run folder of its own. Returns ``scenario.compare_with_base``. Raises ``Refused`` when nothing is in force.
    """
    from allocation import publish

    base = publish.current_version(run.store, run.eve)
    if base is None:
        raise Refused("no version is in force to compare the scenario with; publish one first (caseload run)")
    prepare_boundaries(run, progress)
    source = Path(run.input_dir) if run.input_dir else example_folder(run)
    folder = write_scenario_input(scenario, source, run.folder / "scenario_input")
    config = scenario_config(scenario, run.config)
    what_if = Run.start(
        input_dir=folder,
        boundaries=run.boundaries,
        store=run.store,
        config=config,
        var=run.var,
        run_id=f"{run.run_id}-scenario",
        today=run.today,
        created_by=run.created_by,
    )
    run_all(what_if, until="expectations", progress=progress)
    names = ("team_load", "region_summary", "transition")
    compared = compare_with_base(
        {name: publish.read_table(name, run.store, version=base) for name in names},
        {name: what_if.frame(name) for name in names},
        areas_moved=int(what_if.frame("allocation_changes")["pc4"].nunique()),
    )
    compared.to_parquet(what_if.folder / "scenario.parquet", index=False)
    told = {"name": scenario.name, "description": scenario.description, "base": base}
    _write_json(what_if.folder / "scenario.json", told)
    progress("report")
    write_report(what_if)
    return compared


def layer_keys(run: Run) -> list[str]:
    """The keys of the run's layers, as ``prepare_layers`` left them."""
    return [row["key"] for row in _read_json(run.folder / "layers.json")["layers"]]


def read_result(run: Run, key: str) -> dict[str, Any]:
    """What the solver said of a layer; without the plan."""
    result: dict[str, Any] = _read_json(run.folder / "layers" / key / "result.json")
    return result


def summary(run: Run) -> dict[str, Any]:
    """The figures a planner looks at first; deviations are shares of the target load."""
    load, changes = run.frame("team_load"), run.frame("allocation_changes")
    divided = load[load["kind"] != "bijzonder"]
    moved = run.frame("transition")
    told = _read_json(run.folder / "version.json") if (run.folder / "version.json").exists() else {}
    outside = divided[~divided["is_within_tolerance"]]
    results = [read_result(run, key) for key in layer_keys(run)]
    return {
        "regions": int(run.frame("region_summary")["arbeidsmarktregio_nr"].nunique()),
        "teams": int(load["team_id"].nunique()),
        "areas": int(run.frame("allocation")["pc4"].nunique()),
        "layers": len(results),
        "worst_deviation": float(divided["deviation"].abs().max()),
        "mean_deviation": float(divided["deviation"].abs().mean()),
        "teams_outside_tolerance": outside["team_id"].tolist(),
        "areas_outside_tolerance": int(outside["areas"].sum()),
        "layers_not_feasible": [result["label"] for result in results if not result["is_feasible"]],
        "areas_moved": int(changes["pc4"].nunique()),
        "clients_moved": int(moved.loc[moved["movement"] == "verhuist", "clients"].sum()),
        "clients_in_stock": int(moved["clients"].sum()),
        "warnings": _warnings(run),
        "version": told.get("version"),
        "tables": told.get("folder"),
        "report": str(run.folder / "report.html"),
    }


def _warnings(run: Run) -> list[dict[str, Any]]:
    """What the gates warn of without stopping the run: table, sentence, sentence_nl, how_many and more."""
    path = run.folder / "validation" / "result.json"
    gates = _read_json(path).values() if path.exists() else ()
    failed = [failure for gate in gates if isinstance(gate, dict) for failure in gate["failed"]]
    return [failure for failure in failed if failure["severity"] == "warning"]


def summary_text(figures_: dict[str, Any]) -> str:
    """``summary`` as lines for a terminal."""
    lines = [
        ("regions, teams, areas", "{regions}, {teams}, {areas}"),
        ("clusters and layers", "{layers}"),
        ("worst / mean deviation", "{worst_deviation:.1%} / {mean_deviation:.1%}"),
        ("areas outside tolerance", "{areas_outside_tolerance} (teams: {outside})"),
        ("areas that change team", "{areas_moved}"),
        ("clients that move", "{clients_moved} of {clients_in_stock} in stock"),
        ("version", "{state}"),
        ("report", "{report}"),
        ("tables", "{tables}"),
    ]
    values = figures_ | {
        "outside": ", ".join(figures_["teams_outside_tolerance"]) or "none",
        "state": f"{figures_['version']} ({'in force' if figures_['tables'] else 'proposed'})",
        "tables": figures_["tables"] or "not published",
    }
    told = [f"  {name:<25}{text.format(**values)}" for name, text in lines]
    told += [f"  {'warning':<25}{one['sentence']} ({one['how_many']} found)" for one in figures_["warnings"]]
    return "\n".join(told)


def code_version() -> str:
    """Version of the package, with the commit when run from a checkout."""
    number = package_version("smc-caseload")
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return number
    return f"{number}+{found.stdout.strip()}" if found.returncode == 0 else number
