"""The planners' page and the look-up for K&S, as one web application.

Every answer is computed from what the request holds and what is on disk, so that a restart loses nothing, several
planners can work at once, and more than one process may serve. Nothing is asked of any other machine: styles and
scripts are the files beside this one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from allocation.contract.errors import Refused
from allocation.page import answers, lookup_api, proposing
from allocation.page.desk import Country, Desk, proposed
from allocation.page.requests import (
    CountryOrder,
    DraftToSave,
    FiguresQuery,
    RecomputeQuery,
    SubmitOrder,
    SuggestionsQuery,
)
from allocation.page.suggestions import suggestions
from allocation.publication import drafts
from allocation.report.report import ASSETS, environment

POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
STATIC = {".css": "text/css", ".js": "text/javascript"}
PAGE_ASSETS = Path(__file__).parent / "assets"
MANUAL = Path(__file__).parents[2] / "docs" / "handleiding.md"
RECOMPUTE_SECONDS = 6.0
NO_RUN = "Er is nog geen voorstel om te tonen. Maak er eerst een met `make run` of `caseload run`."


def serve(store_url: str, var: Path, host: str = "127.0.0.1", port: int = 8390) -> None:
    """Serve the page until interrupted. The newest proposal is laid open first: no planner waits for that."""
    import uvicorn

    app = create_app(store_url, Path(var))
    app.state.desk.warm_up()
    print(f"De pagina staat op http://{host}:{port}/ (stoppen met Ctrl+C)", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning")


# --- the application -------------------------------------------------------------------------------------------------


def create_app(store_url: str, var: Path) -> FastAPI:
    """The page, the look-up and their endpoints. Paths are relative: it can stand below any prefix."""
    app = FastAPI(title="Caseloadverdeling SMC", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
                  description="Read-only look-up of the SMC team of a postcode, and the planners' page.")  # fmt: skip
    app.state.desk = Desk(store_url, var)
    app.state.store_url = store_url
    app.add_middleware(GZipMiddleware, minimum_size=2000)
    app.middleware("http")(_with_policy)
    app.add_exception_handler(Refused, _refused)
    _add_pages(app)
    _add_figures(app)
    _add_drafts(app)
    lookup_api.add_lookup(app)
    return app


async def _with_policy(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await go_on(request)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, drafts.Overtaken):
        latest = asdict(error.latest) if error.latest else None
        return JSONResponse({"detail": str(error), "latest": latest}, status_code=409)
    return JSONResponse({"detail": str(error), "reason": getattr(error, "reason", None)}, status_code=422)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _planner(request: Request) -> str:
    """Who asks: as the server around this application says (`scope["planner"]`), else as the page says."""
    known = request.scope.get("planner") or unquote(request.headers.get("x-planner", ""))
    return str(known).strip()[:80] or "planner"


DeskOf = Annotated[Desk, Depends(_desk)]
Planner = Annotated[str, Depends(_planner)]


def _page(name: str, **content: Any) -> HTMLResponse:
    return HTMLResponse(environment("allocation.page").get_template(name).render(**content))


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def planners_page(request: Request, desk: DeskOf, run: str | None = None) -> HTMLResponse:
        runs = desk.runs()
        chosen = next((one for one in runs if one["run"] == run), runs[0] if runs else None)
        if chosen is None:
            return _page("message.html", title="Nog geen voorstel", text=NO_RUN)
        known = request.scope.get("planner", "")
        return _page("page.html", runs=runs, chosen=chosen, planner=known, has_manual=MANUAL.exists())

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
    def report(run: str, desk: DeskOf) -> Response:
        path = desk.folder(run) / "report.html"
        if not path.exists():
            raise Refused("Van deze run is geen rapport bewaard.")
        return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": "frame-ancestors 'self'"})

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        found = {
            path.name: path for folder in (ASSETS, PAGE_ASSETS) for path in folder.iterdir() if path.suffix in STATIC
        }
        if name not in found:
            return Response(status_code=404)
        return FileResponse(found[name], media_type=STATIC[found[name].suffix])


def _add_figures(app: FastAPI) -> None:
    @app.get("/api/map", include_in_schema=False)
    def the_map(run: str, desk: DeskOf) -> Response:
        return Response(desk.opened(run)[1], media_type="application/json")

    @app.post("/api/figures", include_in_schema=False)
    def figures(asked: FiguresQuery, desk: DeskOf) -> dict[str, Any]:
        bench, _, sides, known = desk.opened(asked.run)
        variant = bench.variant(asked.changes)
        told = answers.answer(bench, variant, asked.layer, asked.region)
        return told | {"colours": answers.colours(sides, variant, known) if told["changed"] else known}

    @app.post("/api/changes", include_in_schema=False)
    def changes(asked: FiguresQuery, desk: DeskOf) -> list[dict[str, Any]]:
        bench = desk.bench(asked.run)
        return answers.change_rows(bench, bench.variant(asked.changes), asked.layer, asked.region)

    @app.post("/api/suggestions", include_in_schema=False)
    def suggested(asked: SuggestionsQuery, desk: DeskOf) -> list[dict[str, Any]]:
        variant = desk.bench(asked.run).variant(asked.changes)
        return [asdict(one) for one in suggestions(variant, asked.layer, asked.postcodes)]

    @app.post("/api/recompute", include_in_schema=False)
    def recompute(asked: RecomputeQuery, desk: DeskOf) -> dict[str, Any]:
        if asked.region is None:
            raise Refused("Kies eerst een regio; heel Nederland wordt een nieuw voorstel.")
        bench = desk.bench(asked.run)
        solver = bench.config.solver
        brief = solver.model_copy(update={"seconds": min(solver.seconds, RECOMPUTE_SECONDS)})
        solve = partial(desk.solve, bench.config.model_copy(update={"solver": brief}))
        done = proposing.recompute(bench, asked.changes, asked.layer, asked.region, keeps=asked.keeps, solve=solve)
        return done.model_dump(mode="json")

    @app.post("/api/submit", include_in_schema=False)
    def submit(asked: SubmitOrder, desk: DeskOf, planner: Planner) -> dict[str, str]:
        return {"task": desk.submit(asked, planner)}

    @app.post("/api/country", include_in_schema=False)
    async def country(asked: CountryOrder, request: Request, desk: DeskOf, planner: Planner) -> dict[str, str]:
        by: Country | None = request.scope.get("country")
        return {"task": await by.start(asked.draft_id, asked.reason) if by else desk.divide_country(asked, planner)}

    @app.get("/api/country/{name}", include_in_schema=False)
    async def country_state(name: str, request: Request, desk: DeskOf) -> dict[str, Any]:
        by: Country | None = request.scope.get("country")
        if by is None:
            return desk.task(name)
        version = await run_in_threadpool(desk.version_of, name)
        return await by.state(name) if version is None else proposed(version)

    @app.get("/api/tasks/{name}", include_in_schema=False)
    def task(name: str, desk: DeskOf) -> dict[str, Any]:
        return desk.task(name)


def _add_drafts(app: FastAPI) -> None:
    @app.get("/api/drafts", include_in_schema=False)
    def all_drafts(run: str, desk: DeskOf) -> list[dict[str, Any]]:
        return [asdict(one) for one in drafts.drafts(desk.store_url, run)]

    @app.post("/api/drafts", include_in_schema=False)
    def save(asked: DraftToSave, desk: DeskOf, planner: Planner) -> dict[str, Any]:
        content = asked.changes.model_dump(mode="json")
        kept = drafts.save(desk.store_url, asked.run, asked.name, content, planner,
                           draft_id=asked.draft_id, revision=asked.revision)  # fmt: skip
        return asdict(kept)

    @app.delete("/api/drafts/{draft_id}", include_in_schema=False)
    def remove(draft_id: int, revision: int, desk: DeskOf) -> dict[str, bool]:
        drafts.remove(desk.store_url, draft_id, revision=revision)
        return {"removed": True}
