"""The planners' page and the look-up for K&S, as one web application.

Every answer is computed from what the request holds and what is on disk, so that a restart loses nothing, several
planners can work at once, and more than one process may serve. Nothing is asked of any other machine: styles and
scripts are the files beside this one.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Lock as Mutex
from typing import Annotated, Any, Protocol
from urllib.parse import unquote

import numpy as np
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.districting import warm_up
from allocation.layers import solving
from allocation.layers.layer import Layer
from allocation.page import answers, proposing
from allocation.page.whatif import Bench, ChangeSet, ShownKey, suggestions
from allocation.publication import drafts, store, versions
from allocation.publication.lookup import Answer, Unanswered, lookup
from allocation.report import dutch
from allocation.report.board import Ints
from allocation.report.map import map_value
from allocation.report.report import ASSETS, environment
from allocation.runs.run import Run, run_folder

log = logging.getLogger(__name__)

POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
STATIC = {".css": "text/css", ".js": "text/javascript"}
PAGE_ASSETS = Path(__file__).parent / "assets"
MANUAL = Path(__file__).parents[2] / "docs" / "handleiding.md"
KEPT_RUNS = 3
RECOMPUTE_SECONDS = 6.0
NO_RUN = "Er is nog geen voorstel om te tonen. Maak er eerst een met `make run` of `caseload run`."


def serve(store_url: str, var: Path, host: str = "127.0.0.1", port: int = 8390) -> None:
    """Serve the page until interrupted. The newest proposal is laid open first: no planner waits for that."""
    import uvicorn

    app = create_app(store_url, Path(var))
    app.state.desk.warm_up()
    print(f"De pagina staat op http://{host}:{port}/ (stoppen met Ctrl+C)", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning")


# --- what requests hold ----------------------------------------------------------------------------------------------


class Asked(BaseModel):
    """A question about a change set on the proposal of a run."""

    run: str
    layer: ShownKey = "vangnet"
    region: int | None = None
    changes: ChangeSet = ChangeSet()


class AskedSuggestions(Asked):
    postcodes: list[str] = Field(min_length=1, max_length=500)


class AskedRecompute(Asked):
    keeps: bool = True


class AskedSubmit(Asked):
    reason: str = Field(min_length=1, max_length=500)


class AskedCountry(BaseModel):
    draft_id: int
    reason: str = Field(min_length=1, max_length=500)


class AskedSave(BaseModel):
    run: str
    name: str
    changes: ChangeSet
    draft_id: int | None = None
    revision: int = 0


# --- what lies behind the page ---------------------------------------------------------------------------------------


class Desk:
    """The proposals that can be shown, laid open on demand; the solver beside; proposals being made."""

    def __init__(self, store_url: str, var: Path) -> None:
        self.store_url, self.var = store_url, var
        self._open: OrderedDict[str, tuple[Bench, bytes, np.ndarray[Any, np.dtype[np.int64]], list[int]]] = (
            OrderedDict()
        )
        self._mutex = Mutex()
        self._solver: ProcessPoolExecutor | None = None
        self._maker: ProcessPoolExecutor | None = None
        self._tasks: dict[str, Future[int]] = {}

    def runs(self) -> list[dict[str, Any]]:
        """Runs that can be shown, newest version first: run, version, status, who, when, why."""
        known = versions.versions(self.store_url).drop_duplicates("version")
        rows = []
        for one in known.sort_values("version", ascending=False).itertuples():
            if self._folder(str(one.run_id)) is not None:
                rows.append({
                    "run": str(one.run_id), "version": int(str(one.version)), "status": str(one.status),
                    "by": str(one.created_by), "reason": str(one.reason or ""),
                    "at": dutch.moment(str(one.created_at)),
                })  # fmt: skip
        return rows

    def _folder(self, run_id: str) -> Path | None:
        """The folder of a run that has its outcome; None when there is none."""
        folder = run_folder(self.var, run_id)
        return folder if (folder / "outcome" / "teams.parquet").exists() else None

    def client_groups(self) -> tuple[str, ...]:
        """The client groups of the newest run: the set is configuration."""
        newest = next(iter(self.runs()), None)
        return Run.open(self.folder(newest["run"])).config.client_groups if newest else (REGULAR_GROUP,)

    def folder(self, run_id: str) -> Path:
        found = self._folder(run_id)
        if found is None:
            raise Refused(f"De bestanden van run {run_id} zijn er niet meer.")
        return found

    def opened(self, run_id: str) -> tuple[Bench, bytes, np.ndarray[Any, np.dtype[np.int64]], list[int]]:
        """The bench of a run, its map as JSON, the sides of the borders and the colours of the teams."""
        with self._mutex:
            if run_id not in self._open:
                bench = Bench(self.folder(run_id))
                value = map_value(bench.folder, bench.board)
                sides = np.array(value["sides"], dtype=np.int64).reshape(-1, 2)
                text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
                self._open[run_id] = bench, text, sides, [team["colour"] for team in value["teams"]]
                while len(self._open) > KEPT_RUNS:
                    self._open.popitem(last=False)
            self._open.move_to_end(run_id)
            return self._open[run_id]

    def bench(self, run_id: str) -> Bench:
        return self.opened(run_id)[0]

    def warm_up(self) -> None:
        """Lay the newest proposal open, with what its first change will need."""
        newest = next(iter(self.runs()), None)
        if newest:
            bench = self.bench(newest["run"])
            _ = bench.inputs, bench.boundaries, bench.amounts

    def solve(self, config: Config, layer: Layer, _position: int) -> Ints:
        """A plan for the layer, from a process beside this one: other planners' answers do not wait for it."""
        with self._mutex:
            if self._solver is None:
                self._solver = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=warm_up)
        found: dict[str, Any] = self._solver.submit(solving.solve_problem, layer, config).result()
        return np.asarray(found["plan"], dtype=np.int64)

    def submit(self, asked: AskedSubmit, by: str) -> str:
        """Start making a proposal of a draft; returns the name under which to ask how it goes."""
        self.folder(asked.run)
        return self._make(proposing.submit_in, asked.run, asked.changes, by, asked.reason)

    def divide_country(self, asked: AskedCountry, by: str) -> str:
        """Start dividing the whole country from a saved draft; returns the name under which to ask how it goes."""
        return self._make(proposing.divide_country, asked.draft_id, by, asked.reason)

    def _make(self, act: Callable[..., int], *what: object) -> str:
        """Run ``act`` on this store, in a process beside this one: it takes minutes of computing."""
        with self._mutex:
            if self._maker is None:
                self._maker = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        name = uuid.uuid4().hex
        self._tasks[name] = self._maker.submit(act, self.var, self.store_url, *what)
        return name

    def version_of(self, run_id: str) -> int | None:
        """The version that a run proposed; None when it has not (yet)."""
        known = versions.versions(self.store_url)
        mine = known.loc[known["run_id"] == run_id, "version"]
        return int(mine.iloc[-1]) if len(mine) else None

    def task(self, name: str) -> dict[str, Any]:
        """How a proposal that was started goes: busy, done with its version, or refused with why."""
        future = self._tasks.get(name)
        if future is None:
            return {"state": "unknown", "text": "Deze opdracht is niet bekend; kijk bij de versies of hij klaar is."}
        if not future.done():
            return {"state": "busy", "text": "Het voorstel wordt gemaakt en gecontroleerd."}
        error = future.exception()
        if error is None:
            return _proposed(future.result())
        if isinstance(error, Refused):
            return {"state": "refused", "text": str(error)}
        log.error("a proposal failed", exc_info=error)
        return {"state": "refused", "text": "Het indienen is mislukt door een fout in het programma; zie het logboek."}

    def close(self) -> None:
        for beside in (self._maker, self._solver):
            if beside is not None:
                beside.shutdown(wait=True)


def _proposed(version: int) -> dict[str, Any]:
    return {"state": "done", "version": version, "text": f"Versie {version} is ingediend."}


class Country(Protocol):
    """Who divides the whole country for the one who asks; put into the scope as ``country`` by a server around this
    application that has a scheduler. Without one it is done in a process beside this one."""

    async def start(self, draft_id: int, reason: str) -> str:
        """Start from a saved draft; returns the id of the run. Raises Refused when that is not possible."""

    async def state(self, run_id: str) -> dict[str, Any]:
        """How it goes as long as there is no version: ``state`` (busy or refused) and a ``text`` in Dutch."""


# --- the application -------------------------------------------------------------------------------------------------


def create_app(store_url: str, var: Path) -> FastAPI:
    """The page, the look-up and their endpoints. Paths are relative: it can stand below any prefix."""
    app = FastAPI(title="Caseloadverdeling SMC", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
                  description="Read-only look-up of the SMC team of a postcode, and the planners' page.")  # fmt: skip
    app.state.desk = Desk(store_url, var)
    app.add_middleware(GZipMiddleware, minimum_size=2000)
    app.middleware("http")(_with_policy)
    app.add_exception_handler(Refused, _refused)
    _add_pages(app)
    _add_figures(app)
    _add_drafts(app)
    _add_lookup(app)
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
    def figures(asked: Asked, desk: DeskOf) -> dict[str, Any]:
        bench, _, sides, known = desk.opened(asked.run)
        variant = bench.variant(asked.changes)
        told = answers.answer(bench, variant, asked.layer, asked.region)
        return told | {"colours": answers.colours(sides, variant, known) if told["changed"] else known}

    @app.post("/api/changes", include_in_schema=False)
    def changes(asked: Asked, desk: DeskOf) -> list[dict[str, Any]]:
        bench = desk.bench(asked.run)
        return answers.change_rows(bench, bench.variant(asked.changes), asked.layer, asked.region)

    @app.post("/api/suggestions", include_in_schema=False)
    def suggested(asked: AskedSuggestions, desk: DeskOf) -> list[dict[str, Any]]:
        variant = desk.bench(asked.run).variant(asked.changes)
        return [asdict(one) for one in suggestions(variant, asked.layer, asked.postcodes)]

    @app.post("/api/recompute", include_in_schema=False)
    def recompute(asked: AskedRecompute, desk: DeskOf) -> dict[str, Any]:
        if asked.region is None:
            raise Refused("Kies eerst een regio; heel Nederland wordt een nieuw voorstel.")
        bench = desk.bench(asked.run)
        solver = bench.config.solver
        brief = solver.model_copy(update={"seconds": min(solver.seconds, RECOMPUTE_SECONDS)})
        solve = partial(desk.solve, bench.config.model_copy(update={"solver": brief}))
        done = proposing.recompute(bench, asked.changes, asked.layer, asked.region, keeps=asked.keeps, solve=solve)
        return done.model_dump(mode="json")

    @app.post("/api/submit", include_in_schema=False)
    def submit(asked: AskedSubmit, desk: DeskOf, planner: Planner) -> dict[str, str]:
        return {"task": desk.submit(asked, planner)}

    @app.post("/api/country", include_in_schema=False)
    async def country(asked: AskedCountry, request: Request, desk: DeskOf, planner: Planner) -> dict[str, str]:
        by: Country | None = request.scope.get("country")
        return {"task": await by.start(asked.draft_id, asked.reason) if by else desk.divide_country(asked, planner)}

    @app.get("/api/country/{name}", include_in_schema=False)
    async def country_state(name: str, request: Request, desk: DeskOf) -> dict[str, Any]:
        by: Country | None = request.scope.get("country")
        if by is None:
            return desk.task(name)
        version = await run_in_threadpool(desk.version_of, name)
        return await by.state(name) if version is None else _proposed(version)

    @app.get("/api/tasks/{name}", include_in_schema=False)
    def task(name: str, desk: DeskOf) -> dict[str, Any]:
        return desk.task(name)


def _add_drafts(app: FastAPI) -> None:
    @app.get("/api/drafts", include_in_schema=False)
    def all_drafts(run: str, desk: DeskOf) -> list[dict[str, Any]]:
        return [asdict(one) for one in drafts.drafts(desk.store_url, run)]

    @app.post("/api/drafts", include_in_schema=False)
    def save(asked: AskedSave, desk: DeskOf, planner: Planner) -> dict[str, Any]:
        content = asked.changes.model_dump(mode="json")
        kept = drafts.save(desk.store_url, asked.run, asked.name, content, planner,
                           draft_id=asked.draft_id, revision=asked.revision)  # fmt: skip
        return asdict(kept)

    @app.delete("/api/drafts/{draft_id}", include_in_schema=False)
    def remove(draft_id: int, revision: int, desk: DeskOf) -> dict[str, bool]:
        drafts.remove(desk.store_url, draft_id, revision=revision)
        return {"removed": True}


class Found(BaseModel):
    """One answer of the look-up: who serves the client, since when, why, and what it will be."""

    postcode: str
    client_group: str
    law: str
    client_line: str
    team_id: str
    team_name: str | None
    office: str
    share: float = Field(description="share of the clients of the whole four-digit postcode, above 0 and at most 1")
    pc6_from: str | None
    pc6_to: str | None
    since: date = Field(description="first day of the unbroken stretch in which this team serves the client")
    until: date | None = Field(description="last day of the version; what it becomes stands in `later`")
    rule: str
    reason: str | None
    version: int
    follows: str | None = Field(description="the postcode whose team serves, where this one has no area (PO box)")


class Later(BaseModel):
    """What the answer will be when the next version comes into force."""

    valid_from: date
    answers: list[Found] = Field(description="none where that version has no such postcode any more")


class LookupResult(BaseModel):
    on: date
    answers: list[Found]
    later: list[Later]


def _add_lookup(app: FastAPI) -> None:
    @app.get("/api/v1/lookup", summary="Which SMC team serves a postcode, and why", tags=["lookup"])
    def find(
        desk: DeskOf,
        postcode: Annotated[str, Query(description="PC4 or PC6 in any notation", examples=["1013 AA"])],
        group: Annotated[str, Query(description="client group")] = REGULAR_GROUP,
        law: Annotated[str | None, Query(description="ZW, WIA or PW; all when absent")] = None,
        line: Annotated[str | None, Query(description="vangnet or werkgever; both when absent")] = None,
        on: Annotated[date | None, Query(description="day; today when absent")] = None,
    ) -> LookupResult:
        ask = partial(lookup, postcode, desk.store_url, group=group, law=law or None, line=line or None)
        day = on or store.today()
        now = ask(on=day)
        later = []
        before = [_same(one) for one in now]
        for start in _starts_after(desk.store_url, day):
            then = _if_any(partial(ask, on=start))
            if [_same(one) for one in then] != before:
                later.append(Later(valid_from=start, answers=[_found(one) for one in then]))
            before = [_same(one) for one in then]
        return LookupResult(on=day, answers=[_found(one) for one in now], later=later)


def _if_any(ask: Callable[[], list[Answer]]) -> list[Answer]:
    """The answers, or none where there are none on that day: a planned version may lack the postcode."""
    try:
        return ask()
    except Unanswered:
        return []


def _same(one: Answer) -> Answer:
    """The answer without version and dates: what matters to the one who asks."""
    dates: dict[str, Any] = {"valid_from": date.min, "valid_to": None, "since": date.min}
    return replace(one, version=0, rule="", reason=None, follows=None, **dates)


def _found(one: Answer) -> Found:
    values = asdict(one)
    for name, old in (("postcode", "pc4"), ("until", "valid_to")):
        values[name] = values.pop(old)
    return Found(**values)


def _starts_after(store_url: str, day: date) -> list[date]:
    """The days after ``day`` on which another version comes into force, in order."""
    starts = versions.versions(store_url)["valid_from"].dropna()
    return sorted({one for one in starts if one > day})
