"""Alternatives of one region on the page: found in a run beside the page, shown in a chart, taken over as a draft.

They start from the input of the run on the screen and the division in force, without the planner's own changes. Belongs
here: the run, and what the screen is told of it. Does not belong here: the alternatives themselves
(``pipeline.alternatives``), their words and chart (``report.choice``).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi import FastAPI

from allocation.contract.errors import Refused
from allocation.layers.build import wanted_regions
from allocation.layers.layer import Layer
from allocation.page.answers import cells_told
from allocation.page.desk import Desk
from allocation.page.guarding import NotFound
from allocation.page.plan_files import Placed, as_changes
from allocation.page.questions import layer_seen
from allocation.page.requests import AskedRun, FiguresQuery, RunId
from allocation.page.whatif import Bench
from allocation.page.who import DeskOf, Planner
from allocation.pipeline import alternatives
from allocation.report.choice import alternatives_chart, alternatives_sheet
from allocation.report.sheet import records
from allocation.runs import run_files
from allocation.runs.run import Run, new_name, run_folder

log = logging.getLogger(__name__)
NO_REGION = "Kies eerst een regio: alternatieven zijn er per regio."
BUSY = "Alternatieven worden gezocht; u kunt doorwerken."


def find_in(var: Path, store_url: str, run_id: str, region: int, by: str) -> dict[str, Any]:
    """Find the alternatives of a region, in a process of its own; returns how it ended and the name of the run."""
    origin = Run.open(run_folder(var, run_id))
    run = Run.start(
        input_dir=Path(origin.input_dir) if origin.input_dir else None,
        boundaries=origin.boundaries,
        store=store_url,
        config=origin.config.model_copy(update={"regions": (str(region),), "valid_from": None}),
        var=var,
        run_id=new_name("keuze"),
        created_by=by,
    )
    found = alternatives.find(run, log.info)
    return {"state": "done", "run": run.run_id, "text": f"{len(found)} alternatieven gevonden."}


def told(bench: Bench, folder: Path) -> dict[str, Any]:
    """The alternatives of a run of ``find_in``: its region, the postcodes that they divide by layer of the page, a
    chart (SVG), a table, and per alternative the changes that make it out of the proposal of ``bench``.

    Raises NotFound when it has none.
    """
    file = run_files.ALTERNATIVES.table("figures")
    if not file.exists(folder):
        raise NotFound("Van deze run zijn geen alternatieven bewaard.")
    table, plans = file.read(folder), run_files.ALTERNATIVES.table("plans").read(folder)
    sheet = alternatives_sheet(table)
    wanted = {name: _wanted(rows, folder) for name, rows in plans.groupby("alternative")}
    changes = {name: as_changes(one, bench.board) for name, one in wanted.items()}
    covers: dict[str, list[str]] = {}
    for layer, pc4 in sorted({place for one in wanted.values() for place in one}):
        covers.setdefault(layer, []).append(pc4)
    return {
        "region": _region(folder),
        "covers": covers,
        "svg": str(alternatives_chart(table)),
        "title": sheet.caption,
        "columns": sheet.columns,
        "rows": cells_told(sheet),
        "changes": [changes[row.alternative].model_dump(mode="json") for row in records(table)],
    }


def _region(folder: Path) -> str:
    """The name of the region that a run looked at; a run of the command line may have several."""
    run = Run.open(folder)
    areas = run.areas()
    mine = areas["arbeidsmarktregio_nr"].astype(int).isin(wanted_regions(run.config, areas))
    return " + ".join(sorted(areas.loc[mine, "arbeidsmarktregio"].unique()))


def _wanted(rows: pd.DataFrame, folder: Path) -> dict[tuple[str, str], Placed]:
    """The team of every layer of the page and postcode in an alternative; a split postcode is left as it is."""
    wanted = {}
    for key, of_layer in rows.groupby("layer"):
        layer = Layer.read(run_files.layer_folder(folder, str(key)))
        team_of = of_layer.set_index("unit")["team_id"]
        parts = layer.parts.assign(team=pd.Series(layer.problem.unit_ids, index=layer.parts.index).map(team_of))
        for part in records(parts[~parts["pc4"].duplicated(keep=False)]):
            seen = layer_seen(layer.law_domain, layer.client_line), part.pc4
            wanted[seen] = Placed(row=0, column="", pc4=part.pc4, team_id=part.team)
    return wanted


def start(desk: Desk, query: FiguresQuery, by: str) -> str:
    """Begin to look for them; returns the name under which to ask how it goes."""
    if query.region is None:
        raise Refused(NO_REGION)
    desk.folder(query.run)
    return desk.tasks.start(find_in, desk.var, desk.store_url, query.run, query.region, by, by=by, busy=BUSY)


def add_alternatives(app: FastAPI) -> None:
    """The endpoints."""

    @app.post("/api/alternatives", include_in_schema=False)
    def begun(query: FiguresQuery, desk: DeskOf, planner: Planner) -> dict[str, str]:
        return {"task": start(desk, query, planner)}

    @app.get("/api/alternatives", include_in_schema=False)
    def found(run: AskedRun, found: RunId, desk: DeskOf, _planner: Planner) -> dict[str, Any]:
        return told(desk.bench(run), run_folder(desk.var, found))
