"""DAG `allocate`: a new division, proposed to a planner and published when approved.

Starts by itself when boundaries, caseload or teams changed, and by hand with a form. Every cluster and layer is a task
of its own; a task hands on the path of the run's folder, never the data. Nothing is published before the approval.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from smc_alerts import send
from smc_approval import asked, close, publish
from smc_dags import (
    BOUNDARIES,
    CASELOAD,
    EVERY_DAG,
    SOLVER_POOL,
    TEAMS,
    deadline,
    measure,
    note_lineage,
    opened,
    start_run,
)

from allocation.contract.vocabulary import LARGEST_ID
from allocation.objective_terms import MOST_WEIGHT, TERMS

MOST_SECONDS = 3600
"""Of one search, as the form allows."""
SOLVED_WITHIN = timedelta(seconds=2 * MOST_SECONDS, minutes=10)
"""A task may search one client line after the other, and reads and writes files."""
PARAMS = {
    "regions": Param(
        [],
        type="array",
        items={"type": "string", "pattern": r"^[\w' .()/-]{1,60}$"},
        title="Regio's",
        description="Nummers of namen van arbeidsmarktregio's, één per regel. Leeg = alle.",
    ),
    "tolerance": Param(
        0.05, type="number", exclusiveMinimum=0, exclusiveMaximum=1, title="Tolerantie", description="0.05 = 5%"
    ),
    "weights": Param(
        {},
        type="object",
        title="Gewichten",
        description='Alleen wat afwijkt, bijvoorbeeld {"moved": 40}.',
        properties={term.name: {"type": "number", "minimum": 0, "maximum": MOST_WEIGHT} for term in TERMS},
        additionalProperties=False,
    ),
    "seconds": Param(
        None,
        type=["null", "number"],
        exclusiveMinimum=0,
        maximum=MOST_SECONDS,
        title="Zoektijd (s) per regio en laag",
        description="Leeg = een vaste, herhaalbare inspanning.",
    ),
    "scenario": Param(
        None,
        type=["null", "string"],
        pattern=r"^[A-Za-z0-9_-]{1,60}$",
        title="Scenario",
        description="Naam van een bestand in de map scenarios van de invoer, zonder .toml. Leeg = geen.",
    ),
    "draft": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=LARGEST_ID,
        title="Concept",
        description="Nummer van een concept van de pagina van de planners: zijn teams, vergrendelingen en verplaatste "
        "postcodes, en de instellingen van het voorstel waarop het is gemaakt. Leeg = geen.",
    ),
    "valid_from": Param(
        None, type=["null", "string"], format="date", title="Ingangsdatum (leeg = de dag van goedkeuring)"
    ),
    "propose_unchanged": Param(
        False,
        type="boolean",
        title="Ook zonder wijziging voorstellen",
        description="Een verdeling waarin elke cliënt zijn team houdt toch voorstellen, voor de nieuwere aantallen.",
    ),
    "reason": Param("", type="string", maxLength=500, title="Reden"),
}


def configuration(params: dict[str, Any], triggered_by: list[str]) -> dict[str, Any]:
    """The form as the settings of a run."""
    from allocation.contract.config import Solver

    return {
        "regions": params["regions"],
        "tolerance": params["tolerance"],
        "weights": params["weights"],
        "solver": Solver().lasting(params["seconds"]).model_dump(),
        "valid_from": params["valid_from"],
        "propose_unchanged": params["propose_unchanged"],
        "reason": params["reason"] or (f"changed: {', '.join(triggered_by)}" if triggered_by else ""),
    }


# --- tasks, in the order in which they run ----------------------------------------------------------------------------


@task(
    inlets=[BOUNDARIES, CASELOAD, TEAMS],
    doc_md="The form or the changed assets become the settings of a run; returns the path of its folder.",
)
def start(*, triggering_asset_events: dict[Any, Any]) -> str:
    context = get_current_context()
    by = sorted({asset.name for asset in triggering_asset_events})
    form = dict(context["params"])
    return str(start_run(context, configuration(form, by), form["scenario"], form["draft"]).folder)


@task(
    doc_md="Boundaries from the cache, every input file read and checked, and the expected work. It ends where "
    "the input is that of the version in force, or of a proposal that waits: geen wijziging."
)
def prepare(run: str) -> str:
    from allocation.pipeline import alerts, deciding, steps

    own = opened(run)
    steps.prepare_boundaries(own)
    steps.check_inputs(own)
    note_lineage(reads=[path.as_uri() for path in deciding.input_files(own)])
    by_itself = bool(get_current_context()["dag_run"].run_type == "asset_triggered")
    unchanged = deciding.end_if_input_unchanged(own, also_waiting=by_itself)
    if unchanged:
        raise AirflowSkipException(alerts.unchanged(unchanged))
    steps.estimate_work(own)
    return run


@task(doc_md="The expectations on input and expected work. What fails stops the run.")
def expect_inputs(run: str) -> str:
    from allocation.pipeline import steps

    steps.validate_inputs(opened(run))
    return run


@task(doc_md="One districting problem per cluster and layer. Those without a change are carried over here.")
def layers(run: str) -> list[str]:
    from allocation.pipeline import steps

    own = opened(run)
    steps.prepare_layers(own)
    return steps.solve_carried_over(own)


@task(
    map_index_template="{{ label }}",
    pool=SOLVER_POOL,
    execution_timeout=SOLVED_WITHIN,
    doc_md="Divide one cluster and layer over its teams.",
)
def solve(run: str, key: str) -> None:
    from allocation.pipeline import steps

    context = cast("dict[str, Any]", get_current_context())
    context["label"] = key
    outcome = steps.solve_layer(opened(run), key)
    context["label"] = outcome["label"]
    measure(f"layer.{key}", outcome, ("seconds", "objective", "gap"))


@task(
    trigger_rule=TriggerRule.NONE_FAILED,  # without a layer to search `solve` is skipped, and this goes on
    doc_md="Plans become the published tables: allocation, routing, transition, loads, changes.",
)
def assemble(run: str) -> str:
    from allocation.pipeline import alerts, steps

    own = opened(run)
    unchanged = own.unchanged()
    if unchanged:
        raise AirflowSkipException(alerts.unchanged(unchanged))
    steps.assemble_outcome(own)
    return run


@task(doc_md="The gate: every expectation on the outcome. What fails stops the run before anything is stored.")
def expect_outcome(run: str) -> str:
    from allocation.pipeline import steps

    steps.validate_outcome(opened(run))
    return run


@task(
    doc_md="The report, and the outcome as a proposed version; an older proposal of the same scope is withdrawn. "
    "Returns what the planner reads before deciding. Ends the run where nothing changes: geen wijziging."
)
def propose(run: str) -> str:
    from allocation.pipeline import alerts, steps
    from allocation.report import summary

    own = opened(run)
    steps.write_report(own)
    unchanged = steps.end_if_outcome_unchanged(own)
    if unchanged:
        raise AirflowSkipException(alerts.unchanged(unchanged))
    steps.propose(own)
    figures = summary.summary(own)
    if figures["withdrew"]:
        context = get_current_context()
        told = alerts.withdrawn(figures["withdrew"], figures["version"], "allocate", context["run_id"])
        send(told, context)
    measure("proposal", figures, ("areas", "worst_deviation", "mean_deviation", "areas_outside_tolerance"))
    return alerts.proposal(figures)


@dag(
    dag_id="allocate",
    schedule=(BOUNDARIES | CASELOAD | TEAMS),
    max_active_runs=12,  # of which most wait for a planner and hold nothing; SOLVER_POOL bounds the work
    params=PARAMS,
    deadline=deadline(timedelta(days=1), "no decision of a planner yet, or a task that hangs"),
    doc_md=__doc__,
    **EVERY_DAG,
)
def allocate() -> None:
    """Wire the DAG."""
    run = start()
    keys = layers(expect_inputs(prepare(run)))
    solved = solve.partial(run=run).expand(key=keys)
    proposed = propose(expect_outcome(solved >> assemble(run)))
    proposed >> asked(run) >> publish(run) >> close(run)


allocate()
