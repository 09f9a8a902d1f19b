"""A real Chromium that cannot reach anything but this machine, and runs to show in it.

Every request is recorded; what is not local is refused. Screenshots land in ``var/screenshots`` below the repository.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import pickle
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Request, Route, expect, sync_playwright

from allocation.contract.config import Config
from allocation.districting import check, evaluate
from allocation.intake import example, example_network
from allocation.layers.layer import Layer
from allocation.outcome import routing
from allocation.page.app import create_app
from allocation.pipeline import steps
from allocation.runs.run import Run
from tests.support import gates, steps_once, toy, two_regions
from tests.support.airflow_components import wait_for

SCREENSHOTS = Path(__file__).parents[2] / "var" / "screenshots"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "file://", "data:", "blob:")


@dataclass
class Browser:
    """One page of Chromium with what it asked for and what went wrong in it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ready(self) -> None:
        """Wait until the report or the page says that it is."""
        self.page.wait_for_selector("html[data-ready=ja]", timeout=60_000)

    def settled(self) -> None:
        """Wait until the figures of the last change are on the page."""
        self.page.wait_for_load_state("networkidle")

    def until(self, expression: str) -> None:
        """Wait until an expression is true on the page, which may not evaluate text itself (its security policy)."""
        wait_for(expression, lambda: self.page.evaluate(expression), within_s=10, every_s=0.05)

    def shot(self, name: str, *, full: bool = False) -> Path:
        """A screenshot, kept as an artefact of the test."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.wait_for_timeout(150)
        self.page.screenshot(path=path, full_page=full)
        return path

    def serious_issues(self) -> list[str]:
        """What axe-core finds that is serious or critical, as sentences."""
        found = Axe().run(self.page)
        return [
            f"{one['id']}: {one['help']} ({node['target']})"
            for one in found.response["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


_SHARED: list[ExitStack] = []
"""While ``one_chromium`` lasts: what ends the program that is shared."""
_CHROMIUM: list[Chromium] = []


@contextmanager
def one_chromium() -> Iterator[None]:
    """Meanwhile every ``browser`` is a session of its own in one program, which starts when the first is wanted."""
    with ExitStack() as ends:
        _SHARED.append(ends)
        try:
            yield
        finally:
            _SHARED.clear()
            _CHROMIUM.clear()


def _started(ends: ExitStack) -> Chromium:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; Debian's package `chromium` has it")
    playwright = ends.enter_context(sync_playwright())
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
    ends.callback(chromium.close)
    return chromium


@contextmanager
def browser(*, width: int = 1500, height: int = 1000) -> Iterator[Browser]:
    """Chromium with the network shut but for this machine. Says so, and leaves the test out, where there is none."""
    with ExitStack() as ends:
        if _SHARED and not _CHROMIUM:
            _CHROMIUM.append(_started(_SHARED[0]))
        chromium = _CHROMIUM[0] if _CHROMIUM else _started(ends)
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="nl-NL", bypass_csp=False)
        ends.callback(context.close)
        opened = Browser(context.new_page())

        def watch(route: Route, request: Request) -> None:
            opened.asked.append(request.url)
            if request.url.startswith(LOCAL):
                route.continue_()
            else:
                opened.outside.append(request.url)
                route.abort()

        context.route("**/*", watch)
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("console", lambda m: opened.errors.append(m.text) if m.type == "error" else None)
        yield opened


def open_page(chromium: Browser, address: str, name: str, region: str) -> None:
    """The page opened by a planner, on a region."""
    chromium.page.goto(f"{address}/")
    chromium.ready()
    chromium.page.fill("#naam", name)
    after(chromium.page, lambda page: page.select_option("#regio", label=region))


def to_tab(page: Page, name: str) -> None:
    """Open a tab of the side panel: wijzigen, teams, vergrendelen, concepten or besluit."""
    page.click(f"#naar-tab-{name}")


def after(page: Page, act: Callable[[Page], object]) -> None:
    """Do something and wait until its figures are on the page."""
    serial = page.get_attribute("html", "data-serial")
    act(page)
    expect(page.locator("html")).not_to_have_attribute("data-serial", serial or "", timeout=60_000)


def strip(page: Page, row: str) -> list[str]:
    """A row of figures above the map: Nu, Voorstel or Na uw wijzigingen."""
    return page.locator("#strook tbody tr", has_text=row).locator("td").all_text_contents()


@contextmanager
def served(store_url: str, var: Path) -> Iterator[str]:
    """The planners' page on a free port of this machine; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(store_url, var)
    app.state.desk.warm_up()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=20)
    app.state.desk.close()


# --- runs to show ----------------------------------------------------------------------------------------------------

TOY_DAY = date(2026, 1, 1)


def start_toy(var: Path, changed: dict[str, pd.DataFrame] | None = None, run_id: str = "toy", **settings: Any) -> Run:
    """A run on the toy country, with its input and boundaries in files; nothing computed yet."""
    folder = toy.write(var / "input", changed)
    config = Config.from_values({"tolerance": 0.1, "solver": {"seconds": 5, "workers": 1}} | settings)
    return Run.start(
        input_dir=folder,
        boundaries=steps_once.boundaries(var),
        store=f"sqlite:///{var / 'store.sqlite'}",
        config=config,
        var=var,
        run_id=run_id,
        today=TOY_DAY,
        created_by="planner",
    )


def divided(run: Run) -> Run:
    """The run up to and including its outcome, in this process."""
    steps.prepare_boundaries(run)
    return steps_once.divide(steps_once.check(run))


def toy_run(var: Path, changed: dict[str, pd.DataFrame] | None = None, **settings: Any) -> Run:
    """A divided run on the toy country, with an empty store."""

    def make(place: Path) -> Run:
        return divided(start_toy(place, changed, **settings))

    return make(var) if (var / "runs").exists() else _once((changed, settings), make, var)


def proposed_toy(var: Path) -> Run:
    """The toy country, divided and proposed as version 1."""

    def make(place: Path) -> Run:
        run = toy_run(place, tolerance=0.5)
        steps.validate_inputs(run)
        steps.write_report(run)
        gates.propose(run)
        return run

    return _once("proposed", make, var)


_MADE: dict[bytes, Run] = {}


def _once(asked: object, make: Callable[[Path], Run], var: Path) -> Run:
    """What ``make`` makes in a folder of runs, in ``var``. What is asked for again is copied: a tenth of the time."""
    key = hashlib.sha256(pickle.dumps(asked)).digest()
    if key not in _MADE:
        place = Path(tempfile.mkdtemp(prefix="toy-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        _MADE[key] = make(place / "var")
    made = _MADE[key]
    return Run.open(copied(made.var, var) / made.folder.relative_to(made.var))


def copied(folder: Path, to: Path) -> Path:
    """A copy of a folder with runs and their store somewhere in it; the runs name the copy. Returns ``to``."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    for record in to.glob("**/runs/**/*.json"):
        text = record.read_text(encoding="utf-8")
        if str(folder) in text:
            record.write_text(text.replace(str(folder), str(to)), encoding="utf-8")
    return to


def country_run(var: Path) -> Run:
    """A run on the whole country with its report and proposal: real areas and the example's work (``in_sectors``)."""
    run = _start_real(var, var / "country_input", "embedded")
    steps.prepare_boundaries(run)
    areas = pd.read_parquet(run.folder / "boundaries" / "areas.parquet").drop(columns="geometry")
    example.write_example(var / "country_input", areas)
    example_network.write_network(var / "country_input", areas)
    return in_sectors(run)


def two_regions_run(var: Path) -> Run:
    """The same for Midden-Utrecht and Amersfoort alone: 199 real areas instead of 4,044."""
    country = two_regions.write(var / "country")
    run = _start_real(var, country.input, str(country.boundaries))
    steps.prepare_boundaries(run)
    return in_sectors(run)


def _start_real(var: Path, input_dir: Path, boundaries: str) -> Run:
    return Run.start(
        input_dir=input_dir, boundaries=boundaries, store=f"sqlite:///{var / 'store.sqlite'}",
        config=Config(), var=var, run_id="land", created_by="planner",
    )  # fmt: skip


def in_sectors(run: Run) -> Run:
    """The rest of a run that has its areas and input, up to and including the proposal.

    Nothing is searched: each layer is cut into sectors around its middle, in proportion to capacity, and the division
    in force is the same with the sectors turned a little. Fine to look at and to change; it is not a good plan.
    """
    steps.check_inputs(run)
    steps.estimate_work(run)
    layers = [Layer.read(run.folder / "layers" / key) for key in steps.prepare_layers(run)]
    turned = routing.assigned_parts(layers, [sectors(layer, 0.2) for layer in layers])
    routing.allocation_table(turned).to_parquet(run.folder / "division_in_force.parquet", index=False)
    for layer in layers:
        keep_plan(run, layer, sectors(layer, 0.0), sectors(layer, 0.2))
    steps.assemble_outcome(run)
    steps.write_report(run)
    gates.propose(run)
    return run


def sectors(layer: Layer, turn: float) -> NDArray[np.int64]:
    """(n,) team per unit: sectors around the layer's middle, starting ``turn`` radians further."""
    problem = layer.problem
    middle = problem.xy_m - problem.xy_m.mean(axis=0)
    order = np.argsort((np.arctan2(middle[:, 1], middle[:, 0]) + turn) % (2 * np.pi), kind="stable")
    share = (np.cumsum(problem.demand[order]) - problem.demand[order] / 2) / problem.demand.sum()
    plan = np.empty(problem.n, dtype=np.int64)
    plan[order] = np.searchsorted(np.cumsum(problem.capacity) / problem.capacity.sum(), share).clip(max=problem.k - 1)
    return plan


def keep_plan(run: Run, layer: Layer, plan: NDArray[np.int64], now: NDArray[np.int64]) -> None:
    """The plan of a layer and the division in force, as the pipeline keeps them."""
    replace(layer, problem=layer.problem.replace(current=now)).write(run.folder / "layers" / layer.key)
    folder = run.folder / "layers" / layer.key
    pd.DataFrame({"unit": layer.problem.unit_ids, "team": plan}).to_parquet(folder / "plan.parquet", index=False)
    terms, broken = evaluate(layer.problem, plan), check(layer.problem, plan)
    result = {
        "label": layer.label, "objective": terms.objective, "terms": asdict(terms), "lower_bound": None, "gap": None,
        "is_feasible": not broken, "violations": [one.facts() for one in broken], "proof": None,
        "stopped_because": "time", "iterations": 0, "seed": None, "seconds": 0.0,
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def told(run: Run, name: str) -> Any:
    """A JSON file of the run."""
    return json.loads((run.folder / name).read_text(encoding="utf-8"))
