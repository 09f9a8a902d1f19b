"""The calendar: the dates that are known until a day become a sequence of divisions, each proposed for its day.

``find`` computes the whole sequence in one run; nothing is stored. ``next_step`` starts the run that proposes the
division of one date: its plans are given, all else is made as usual. A step is compared with the version in force on
its eve, so the step before has to be published first, and it can be published ahead.

Belongs here: the order, the processes and the files. Does not belong here: the dates (``intake.known_dates``), the
search (``layers.sequence``), its figures (``outcome.calendar``).
"""

from __future__ import annotations

import re
from concurrent.futures import Executor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

import geodata
from allocation.contract import calendar
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.intake.inputs import Inputs
from allocation.intake.known_dates import known_dates
from allocation.layers.holding import Roster, with_refusals
from allocation.layers.layer import Layer
from allocation.layers.sequence import Calendar, Found, Stage, components
from allocation.outcome import calendar as figures
from allocation.outcome.calendar import Solution
from allocation.outcome.transition import expected_per_area
from allocation.pipeline import steps
from allocation.pipeline.in_force import refuse_overtaken
from allocation.pipeline.problems import layers_of_boundaries, ways_of_run
from allocation.pipeline.processes import processes
from allocation.publication import proposals, reads
from allocation.runs import run_files
from allocation.runs.run import Progress, Run, run_folder

YEAR = timedelta(days=365)
ANEW = "Make a new plan (caseload plan-ahead)."


def find(run: Run, until: date, progress: Progress) -> pd.DataFrame:
    """Find the sequence from the first day of ``run`` until a day; returns its steps (``outcome.calendar.step_table``).

    All is kept in the run's folder. Raises ``Refused`` when nothing is in force, or nothing is known to change.
    """
    _prepare(run, progress)
    if run.in_force().version is None:
        raise Refused("no version is in force to plan ahead from; publish one first (caseload run)")
    inputs = Inputs.read(run.inputs_folder)
    events = known_dates(inputs.teams, inputs.locks, run.eve, until)
    if events.empty:
        raise Refused(
            f"No team or lock changes after {run.eve}, up to and including {until}: there is nothing to plan."
        )
    steps.prepare_layers(run)  # who holds which file, which some balances count
    days = [pd.Timestamp(day).date() for day in events["day"].unique()]
    workers = run.config.solver.workers
    with processes(workers, are_apart=workers > 1) as pool:
        progress(f"{len(days)} dates, the first on {days[0]}")
        built = pool.map(build_in_process, [str(run.folder)] * len(days), days)
        stages = dict(zip(days, built, strict=True))
        progress("layers")
        solutions = _solve(run, stages, events, pool, progress)
    later = known_dates(inputs.teams, inputs.locks, days[-1], days[-1] + YEAR)
    tables = figures.tables(stages, solutions, events, later, _division_before(run), _expected(run))
    run_files.CALENDAR.write(run.folder, tables)
    return tables["steps"]


def _prepare(run: Run, progress: Progress) -> None:
    progress("boundaries")
    steps.prepare_boundaries(run, progress)
    progress("inputs")
    steps.check_inputs(run)
    progress("expected work")
    steps.estimate_work(run)


def _division_before(run: Run) -> pd.DataFrame:
    return run.read(run_files.DIVISION_IN_FORCE)


def _expected(run: Run) -> pd.DataFrame:
    return expected_per_area(run.read(run_files.WORK), run.areas(), run.config)


def build_in_process(folder: str, day: date) -> list[Layer]:
    """The layers of the run as they are on ``day``, without the division before, which the search knows.

    The ways are those that ``prepare_layers`` kept: they lead to the offices of every period.
    """
    run = Run.open(folder)
    boundaries = geodata.Boundaries.read(run.boundaries_folder)
    known = ways_of_run(run.folder, boundaries)
    inputs = Inputs.read(run.inputs_folder)
    now = run.read(run_files.DIVISION_IN_FORCE)
    held = run.read(run_files.HELD_FILES)
    if run.config.balance != "load":
        held = with_refusals(held, Roster.of(inputs, day, run.config))
    work = run.read(run_files.WORK)
    return layers_of_boundaries(boundaries, replace(inputs, current=now), work, run.config, day, held, known)


def _solve(
    run: Run, layers: dict[date, list[Layer]], events: pd.DataFrame, pool: Executor, progress: Progress
) -> list[Solution]:
    """One search per set of layers that belong together, over the processes of ``pool``."""
    before, expected = _division_before(run), _expected(run)
    waiting = []
    for keys in components(layers):
        of_days = {day: tuple(one for one in of_day if one.key in keys) for day, of_day in layers.items()}
        places = set(pd.concat([one.parts["pc4"] for of_day in of_days.values() for one in of_day]))
        domain = next(one.law_domain for of_day in of_days.values() for one in of_day)
        mine = before[(before["law_domain"] == domain) & before["pc4"].isin(places)]
        clients = expected[(expected["law_domain"] == domain) & expected["pc4"].isin(places)]
        stages = _stages(of_days, set(mine["team_id"]), places, events)
        waiting.append((stages, pool.submit(solve_in_process, stages, mine, clients, run.config)))
    solutions = []
    for at, (stages, future) in enumerate(waiting, start=1):
        found = future.result()
        solutions.append(Solution(tuple(stages), found))
        if any(found.solved):
            progress(f"{at}/{len(waiting)} {stages[0].layers[0].label}: {sum(found.solved)} dates")
    return solutions


def _stages(
    of_days: dict[date, tuple[Layer, ...]], teams_before: set[str], places: set[str], events: pd.DataFrame
) -> list[Stage]:
    """The layers of a component on each day, and whether something changes then: a team that has them or had them the
    day before, or a lock on one of their postcodes."""
    stages, had = [], teams_before
    for day, layers in of_days.items():
        mine = events[events["day"] == day]
        have = {team for layer in layers for team in layer.problem.team_ids}
        is_touched = mine["team_id"].isin(had | have) & (mine["pc4"].isna() | mine["pc4"].isin(places))
        stages.append(Stage(day, layers, bool(is_touched.any())))
        had = have
    return stages


def solve_in_process(stages: list[Stage], before: pd.DataFrame, expected: pd.DataFrame, config: Config) -> Found:
    return Calendar(stages, before, expected, config).find()


# --- steps -----------------------------------------------------------------------------------------------------------


def planned_days(run: Run) -> list[date]:
    """The dates of a run of ``find`` on which its division differs from the one before, in order."""
    steps_ = run.read(run_files.CALENDAR.table("steps"))
    return [pd.Timestamp(day).date() for day in steps_.loc[steps_["is_solved"], "day"]]


def open_plan(var: Path, run_id: str) -> Run:
    """The run of ``find`` of this name. Raises ``Refused``."""
    folder = run_folder(var, run_id)
    if not run_files.CALENDAR.table("steps").exists(folder):
        raise Refused(f"{folder} holds no calendar; caseload plan-ahead prints the name of its run")
    return Run.open(folder)


def published_days(plan: Run, store: str) -> dict[date, int]:
    """The steps whose division is in force on their day, or from a later one before the next step; with its version.

    It counts whatever run published it: the same content keeps its number, and the record of who published it first.
    """
    days, made = planned_days(plan), proposals.runs_that_proposed(store)
    done = {}
    for day, following in zip(days, [*days[1:], date.max], strict=True):
        for period in reads.periods(store):
            is_in_time = period.valid_from < following and (period.valid_to or date.max) >= day
            if is_in_time and any(_is_of_step(plan, day, run_id) for run_id in made[period.version]):
                done[day] = period.version
    return done


def is_published(plan: Run, store: str, step: Run) -> bool:
    """Whether a step that was just proposed is published already, by whatever run.

    Raises ``Refused`` when its version was published and is not in force then: to go on would propose it for ever.
    """
    day, version = step.config.valid_from, step.read(run_files.VERSION).version
    if day in published_days(plan, store):
        return True
    if proposals.last_proposed(version, store)[0] == "published":
        raise Refused(
            f"Step {day} of the plan is version {version}, which was published before and is not in force on that day; "
            f"put it back (caseload rollback {version} --valid-from {day} --reason ...) or make a new plan."
        )
    return False


def next_step(plan: Run, store: str) -> Run | None:
    """A new run for the first date that is not published yet; None when every one is.

    Raises ``Refused`` when that date is past, because the steps after it follow from it, and when the division that it
    takes over from is not the one that it was made beside.
    """
    done = published_days(plan, store)
    day = next((day for day in planned_days(plan) if day not in done), None)
    if day is None:
        return None
    if day < calendar.today():
        raise Refused(
            f"Step {day} of plan {plan.folder.name} was not published before that day, and the steps after it follow "
            f"from it. {ANEW}"
        )
    if plan.has(run_files.IN_FORCE):
        before = [done[earlier] for earlier in sorted(done) if earlier < day]
        refuse_overtaken(plan, store, before[-1] if before else plan.in_force().version, day, again=ANEW)
    run = Run.start(
        input_dir=Path(plan.input_dir) if plan.input_dir else None,
        boundaries=plan.boundaries,
        store=store,
        config=plan.config.model_copy(
            update={"valid_from": day, "regions": (), "reason": f"stap {day} van het plan {plan.folder.name}"}
        ),
        var=plan.var,
        run_id=_step_id(plan, day),
        created_by=plan.created_by,
    )
    plans = plan.read(run_files.CALENDAR.table("plans"))
    run.write(run_files.GIVEN_PLANS, plans.loc[plans["day"] == day, ["layer", "unit", "team_id"]])
    return run


def _step_id(plan: Run, day: date) -> str:
    return f"{plan.run_id}-{day}"


def _is_of_step(plan: Run, day: date, run_id: str) -> bool:
    """Whether a run of this name proposed the step of ``day``: a later try has a number behind it (`Run.start`)."""
    return re.fullmatch(rf"{re.escape(_step_id(plan, day))}(-[0-9]+)?", run_id) is not None
