"""The planners' page and the look-up for K&S, as one web application.

Every answer is computed from what the request holds and what is on disk, so that a restart loses nothing, several
planners can work at once, and more than one process may serve. Nothing is asked of any other machine: styles and
scripts are the files beside this one.

A server around it that knows its users puts into the scope: ``planner`` (the name), ``may_plan`` (whether this user may
change anything), ``may_decide`` (whether he may approve and reject), ``country`` (who divides the whole country) and
``approval`` (who passes a decision on). Without one, the name is what the page says.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, HTMLResponse

from allocation.contract.errors import Refused
from allocation.page import answers, deciding, lookup_api, proposing
from allocation.page.alternatives import add_alternatives
from allocation.page.desk import Country, Desk
from allocation.page.exploring import add_exploring, only_planners_try
from allocation.page.guarding import LOOPBACK, NOT_YOURS, Door, Forbidden, NotFound, add_refusals
from allocation.page.requests import (
    AskedRun,
    Comment,
    CountryOrder,
    DraftToSave,
    FiguresQuery,
    RecomputeQuery,
    Revision,
    RowId,
    SubmitOrder,
    SuggestionsQuery,
)
from allocation.page.suggestions import suggestions
from allocation.page.tasks import REFUSED_TO_OTHERS, proposed
from allocation.page.who import DeskOf, MayDecide, MayPlan, Planner
from allocation.publication import drafts, store
from allocation.report.report import ASSETS, environment
from allocation.runs import run_files
from allocation.runs.run import run_folder

FRAMED_HERE = {"Content-Security-Policy": "frame-ancestors 'self'"}
STATIC = {".css": "text/css", ".js": "text/javascript"}
PAGE_ASSETS = Path(__file__).parent / "assets"
MANUAL = Path(__file__).parents[2] / "docs" / "handleiding.md"
RECOMPUTE_SECONDS = 6.0
NO_RUN = "Er is nog geen voorstel om te tonen. Maak er eerst een met `make run` of `caseload run`."


def serve(store_url: str, var: Path, host: str = "127.0.0.1", port: int = 8390) -> None:
    """Serve the page until interrupted, on this machine only: nobody's name is verified here. The newest proposal is
    laid open first, and the routing in force is read: neither a planner nor a consumer waits for that.

    Raises ``Refused`` when the port cannot be had, before anything else: else its address would be told of a page that
    is another program's."""
    import uvicorn

    with _listening(host, port) as listener:
        app = create_app(store_url, Path(var), hosts={*LOOPBACK, host})
        app.state.desk.warm_up()
        with suppress(Refused):  # a store that is away is told to who asks
            app.state.lookup.warm_up()
        print(f"De pagina staat op http://{host}:{port}/ (stoppen met Ctrl+C)", flush=True)
        try:
            with suppress(KeyboardInterrupt):
                uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
        finally:
            app.state.desk.end()


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise Refused(f"Port {port} of {host} cannot be used: {why}; give another one with --port.") from error


def create_app(store_url: str, var: Path, hosts: Collection[str] | None = None) -> FastAPI:
    """The page, the look-up and their endpoints. Paths are relative: it can stand below any prefix.

    ``hosts``: names under which it may be addressed; None where the server around it has checked that.
    """
    app = FastAPI(title="Caseloadverdeling SMC", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
                  description="Read-only look-up of the SMC team of a postcode, and the planners' page.")  # fmt: skip
    app.state.desk = Desk(store_url, var)
    app.state.store_url = store_url
    app.add_middleware(GZipMiddleware, minimum_size=2000)
    app.add_middleware(Door, hosts=hosts)
    add_refusals(app)
    _add_pages(app)
    _add_figures(app)
    _add_proposing(app)
    _add_drafts(app)
    add_exploring(app)
    add_alternatives(app)
    deciding.add_deciding(app)
    lookup_api.add_lookup(app)
    return app


# --- pages -----------------------------------------------------------------------------------------------------------


def _page(name: str, **content: Any) -> HTMLResponse:
    return HTMLResponse(environment("allocation.page").get_template(name).render(**content))


def _asset_files() -> dict[str, Path]:
    """Styles and scripts by the path under which they are asked for: those of report and page are one tree."""
    return {
        path.relative_to(folder).as_posix(): path
        for folder in (ASSETS, PAGE_ASSETS)
        for path in sorted(folder.rglob("*"))
        if path.suffix in STATIC and path.is_file()
    }


def _add_pages(app: FastAPI) -> None:
    assets = _asset_files()

    @app.get("/", include_in_schema=False)
    def planners_page(request: Request, desk: DeskOf, may_plan: MayPlan, may_decide: MayDecide,
                      run: AskedRun | None = None) -> HTMLResponse:  # fmt: skip
        runs = desk.runs()
        asked = desk.chosen(runs, run)
        chosen = asked or (runs[0] if runs else None)
        if chosen is None:
            return _page("message.html", title="Nog geen voorstel", text=NO_RUN)
        known, now = request.scope.get("planner", ""), desk.in_force()
        return _page("page.html", runs=runs, chosen=chosen, planner=known, has_manual=MANUAL.exists(),
                     may_plan=may_plan, may_decide=may_decide, in_force=now, is_other=run is not None and not asked,
                     seen=desk.version_now(chosen["run"]))  # fmt: skip

    @app.get("/opzoeken", include_in_schema=False)
    def lookup_page(desk: DeskOf) -> HTMLResponse:
        return _page("lookup.html", has_manual=MANUAL.exists(), groups=desk.client_groups())

    @app.get("/handleiding", include_in_schema=False)
    def manual() -> HTMLResponse:
        from markdown_it import MarkdownIt

        if not MANUAL.exists():
            return _page("message.html", title="Handleiding", text="De handleiding staat in docs/handleiding.md.")
        return _page("manual.html", text=MarkdownIt("commonmark").enable("table").render(MANUAL.read_text("utf-8")))

    @app.get("/images/{name}", include_in_schema=False)
    def image(name: str) -> Response:
        found = {path.name: path for path in (MANUAL.parent / "images").glob("*.png")}
        return FileResponse(found[name]) if name in found else Response(status_code=404)

    @app.get("/rapport", include_in_schema=False)
    def report(run: AskedRun, desk: DeskOf, may_plan: MayPlan) -> Response:
        folder, file = desk.folder(run), run_files.REPORT if may_plan else run_files.REPORT_FOR_READERS
        if not file.exists(folder):
            raise NotFound("Van deze run is geen rapport bewaard.")
        return FileResponse(file.fetched(folder), media_type="text/html", headers=FRAMED_HERE)

    @app.get("/kalender", include_in_schema=False)
    def calendar(run: AskedRun, desk: DeskOf, may_plan: MayPlan) -> Response:
        if not may_plan:
            raise Forbidden(NOT_YOURS)
        folder = run_folder(desk.var, run)
        if not run_files.CALENDAR_PAGE.exists(folder):
            raise NotFound("Van deze run is geen plan bewaard.")
        return FileResponse(run_files.CALENDAR_PAGE.fetched(folder), media_type="text/html", headers=FRAMED_HERE)

    @app.get("/static/{name:path}", include_in_schema=False)
    def static(name: str) -> Response:
        if name not in assets:
            return Response(status_code=404)
        return FileResponse(assets[name], media_type=STATIC[assets[name].suffix], headers={"Cache-Control": "no-cache"})

    @app.get("/api/in-force", include_in_schema=False)
    def in_force(desk: DeskOf) -> dict[str, Any]:
        return {"version": desk.in_force(), "run": desk.run_in_force()}


# --- figures ---------------------------------------------------------------------------------------------------------


def _add_figures(app: FastAPI) -> None:
    @app.get("/api/map", include_in_schema=False)
    def the_map(run: AskedRun, desk: DeskOf, may_plan: MayPlan) -> Response:
        opened = desk.opened(run)
        content = opened.map_json if may_plan else opened.readers_json
        return Response(content, media_type="application/json")

    @app.post("/api/figures", include_in_schema=False)
    def figures(query: FiguresQuery, desk: DeskOf, may_plan: MayPlan) -> dict[str, Any]:
        only_planners_try(query.changes, may_plan)
        opened = desk.opened(query.run)
        variant = opened.bench.variant(query.changes)
        told = answers.answer(opened.bench, variant, query.layer, query.region, for_readers=not may_plan)
        known = opened.colours
        return told | {"colours": answers.colours(opened.sides, variant, known) if told["changed"] else known}

    @app.post("/api/changes", include_in_schema=False)
    def changes(query: FiguresQuery, desk: DeskOf, may_plan: MayPlan) -> list[dict[str, Any]]:
        only_planners_try(query.changes, may_plan)
        bench = desk.bench(query.run)
        variant = bench.variant(query.changes)
        return answers.change_rows(bench, variant, query.layer, query.region, for_readers=not may_plan)

    @app.post("/api/suggestions", include_in_schema=False)
    def suggested(query: SuggestionsQuery, desk: DeskOf, _planner: Planner) -> list[dict[str, Any]]:
        variant = desk.bench(query.run).variant(query.changes)
        return [asdict(one) for one in suggestions(variant, query.layer, query.postcodes)]

    @app.post("/api/recompute", include_in_schema=False)
    def recompute(query: RecomputeQuery, desk: DeskOf, _planner: Planner) -> dict[str, Any]:
        if query.region is None:
            raise Refused("Kies eerst een regio; heel Nederland wordt een nieuw voorstel.")
        bench = desk.bench(query.run)
        solver = bench.config.solver
        brief = solver.model_copy(update={"seconds": min(solver.seconds, RECOMPUTE_SECONDS)})
        solve = partial(desk.solve, bench.config.model_copy(update={"solver": brief}))
        done = proposing.recompute(bench, query.changes, query.layer, query.region, keeps=query.keeps, solve=solve)
        return done.model_dump(mode="json")


# --- proposing and drafts --------------------------------------------------------------------------------------------


def _add_proposing(app: FastAPI) -> None:
    @app.post("/api/submit", include_in_schema=False)
    def submit(order: SubmitOrder, desk: DeskOf, planner: Planner) -> dict[str, str]:
        return {"task": desk.submit(order, planner)}

    @app.post("/api/country", include_in_schema=False)
    async def country(order: CountryOrder, request: Request, desk: DeskOf, planner: Planner) -> dict[str, str]:
        by: Country | None = request.scope.get("country")
        await run_in_threadpool(desk.draft, order.draft_id)  # nothing is begun for a draft that is gone
        return {"task": await by.start(order.draft_id, order.reason) if by else desk.divide_country(order, planner)}

    @app.get("/api/country/{name}", include_in_schema=False)
    async def country_state(name: str, request: Request, desk: DeskOf, may_plan: MayPlan) -> dict[str, Any]:
        by: Country | None = request.scope.get("country")
        if by is None:
            return desk.tasks.state(name)
        version = await run_in_threadpool(desk.version_of, name)
        if version is not None:
            return proposed(version)
        told = await by.state(name)
        return told if may_plan or told["state"] != "refused" else told | {"text": REFUSED_TO_OTHERS}

    @app.get("/api/tasks/{name}", include_in_schema=False)
    async def task(name: str, request: Request, desk: DeskOf, may_plan: MayPlan) -> dict[str, Any]:
        told = await run_in_threadpool(desk.tasks.state, name)
        passes_on: deciding.Approval | None = request.scope.get("approval")
        if passes_on is None or not may_plan or "version" not in told:
            return told
        return told | await deciding.laid_before(passes_on, desk, int(told["version"]))


def _add_drafts(app: FastAPI) -> None:
    @app.get("/api/drafts", include_in_schema=False)
    def all_drafts(run: AskedRun, desk: DeskOf, may_plan: MayPlan) -> list[dict[str, Any]]:
        return [asdict(one) for one in drafts.drafts(desk.store_url, run)] if may_plan else []

    @app.get("/api/drafts/{draft_id}", include_in_schema=False)
    def one_draft(draft_id: RowId, desk: DeskOf, _planner: Planner) -> dict[str, Any]:
        return asdict(desk.draft(draft_id))

    @app.post("/api/drafts", include_in_schema=False)
    def save(draft: DraftToSave, request: Request, desk: DeskOf, planner: Planner) -> dict[str, Any]:
        desk.folder(draft.run)
        content = draft.changes.model_dump(mode="json")
        if request.scope.get("planner"):
            _sign(content["locks"], planner, desk, draft.draft_id)
        kept = drafts.save(desk.store_url, draft.run, draft.name, content, planner,
                           draft_id=draft.draft_id, revision=draft.revision)  # fmt: skip
        return asdict(kept)

    @app.post("/api/drafts/{draft_id}/comments", include_in_schema=False)
    def comment(draft_id: RowId, said: Comment, desk: DeskOf, planner: Planner) -> dict[str, Any]:
        desk.draft(draft_id)
        return asdict(drafts.comment(desk.store_url, draft_id, said.text, planner))

    @app.delete("/api/drafts/{draft_id}", include_in_schema=False)
    def remove(
        draft_id: RowId,
        revision: Annotated[Revision, Query()],
        desk: DeskOf,
        planner: Planner,
        owner: Annotated[str, Query(max_length=80)] = "",
    ) -> dict[str, bool]:
        kept = desk.draft(draft_id)
        if kept.saved_by not in (planner, owner):
            raise Refused(f"Dit concept is het laatst bewaard door {kept.saved_by}; bevestig dat het weg mag.")
        drafts.remove(desk.store_url, draft_id, revision=revision)
        return {"removed": True}


def _sign(locks: list[dict[str, Any]], planner: str, desk: Desk, draft_id: int | None) -> None:
    """New locks carry the name of the login and the day; those that the draft had already keep theirs."""
    known = desk.draft(draft_id).content["locks"] if draft_id is not None else []
    for lock in locks:
        if lock not in known:
            lock |= {"made_by": planner, "made_on": store.today().isoformat()}
