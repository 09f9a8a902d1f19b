"""Endpoints that look at a division or bring one in: questions, comparing, plans as files.

Belongs here: HTTP. Does not belong here: what the answers are (`questions`, `comparing`, `plan_files`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Response

from allocation.contract.errors import Refused
from allocation.contract.published_tables import ALLOCATION_CHANGES
from allocation.page import advice, answers, comparing, plan_files, questions
from allocation.page.changes import ChangeSet, changes_kept
from allocation.page.desk import Desk
from allocation.page.guarding import NOT_YOURS, Forbidden
from allocation.page.requests import CompareQuery, ExportQuery, FiguresQuery, ImportOrder, SideQuery
from allocation.page.who import DeskOf, MayPlan, Planner
from allocation.publication import small_counts
from allocation.report.division_charts import division_charts
from allocation.report.for_readers import seen_apart

MEDIA = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
FEW_NAMED = "{named} postcodes staan in het bestand; de andere {unnamed} blijven zoals in het voorstel."


def only_planners_try(changes: ChangeSet, may_plan: bool) -> None:
    """Who may only look sees the proposal: from what a change does, the count of one postcode could be told."""
    if not (may_plan or changes.is_empty):
        raise Forbidden(NOT_YOURS)


def add_exploring(app: FastAPI) -> None:
    """The endpoints."""

    @app.post("/api/questions", include_in_schema=False)
    def asked(query: FiguresQuery, desk: DeskOf, may_plan: MayPlan) -> list[dict[str, Any]]:
        only_planners_try(query.changes, may_plan)
        bench = desk.bench(query.run)
        advised = [asdict(one) for one in advice.advice(bench.folder)] if may_plan else []
        return (
            questions.questions(bench, bench.variant(query.changes), desk.hands(), for_readers=not may_plan) + advised
        )

    @app.post("/api/charts", include_in_schema=False)
    def drawn(query: FiguresQuery, desk: DeskOf, may_plan: MayPlan) -> list[dict[str, Any]]:
        only_planners_try(query.changes, may_plan)
        bench = desk.bench(query.run)
        variant = bench.variant(query.changes)
        sums, changes = variant.sums, bench.changes_of(variant)
        if query.region is not None:
            sums = tuple(part for part in sums if query.region in part.board.layer.regions)
            changes = changes[changes["pc4"].isin(bench.codes_of(query.region))]
        if not may_plan:
            changes = small_counts.shown(ALLOCATION_CHANGES, changes, seen_apart(bench.folder, ALLOCATION_CHANGES))
        made = division_charts(sums, changes, bench.team_months(not may_plan), coarse=not may_plan)
        return [
            {"name": one.name, "title": one.title, "told": one.told, "svg": str(one.svg), "columns": one.sheet.columns,
             "rows": answers.cells_told(one.sheet)}
            for one in made
        ]  # fmt: skip

    @app.post("/api/compare", include_in_schema=False)
    def compared(query: CompareQuery, desk: DeskOf, may_plan: MayPlan) -> dict[str, Any]:
        a, b = (_side(desk, one, may_plan=may_plan) for one in (query.a, query.b))
        return comparing.compare(a, b, query.layer, query.region, for_readers=not may_plan)

    @app.post("/api/import", include_in_schema=False)
    def imported(order: ImportOrder, desk: DeskOf, _planner: Planner) -> dict[str, Any]:
        bench = desk.bench(order.run)
        board = bench.variant(order.changes.model_copy(update={"moves": ()})).board
        found = plan_files.import_plan(order.content.encode("utf-8", "replace"), bench, board)
        if found.changes.is_empty:
            raise Refused("Dit bestand is gelijk aan het voorstel; er is niets te wijzigen.")
        told = FEW_NAMED.format(named=found.named, unnamed=found.unnamed) if found.unnamed else ""
        return {"changes": found.changes.model_dump(mode="json"), "moved": len(found.changes.moves), "told": told}

    @app.post("/api/export", include_in_schema=False)
    def exported(query: ExportQuery, desk: DeskOf, may_plan: MayPlan) -> Response:
        only_planners_try(query.changes, may_plan)
        bench = desk.bench(query.run)
        variant = bench.variant(query.changes)
        text = plan_files.csv_of(variant) if query.form == "csv" else plan_files.geojson_of(variant, bench.folder)
        return Response(text, media_type=MEDIA[query.form])


def _side(desk: Desk, asked: SideQuery, *, may_plan: bool) -> comparing.Side:
    """A version, a draft on it, or what is on the screen, laid open."""
    bench, changes, name = desk.bench(asked.run), asked.changes, desk.name_of(asked.run)
    if asked.draft_id is not None:
        if not may_plan:
            raise Forbidden(NOT_YOURS)
        draft = desk.draft(asked.draft_id)
        bench, changes = desk.bench(draft.run_id), changes_kept(draft.content)
        name = f"concept “{draft.name}”"
    elif not changes.is_empty:
        name = "uw wijzigingen"
    only_planners_try(changes, may_plan)
    return comparing.Side(name, bench, bench.variant(changes))
