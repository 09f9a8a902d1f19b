"""The report of a run: one HTML file that works by itself, for mailing and archiving."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT
from allocation.report import dutch, sections
from allocation.report.map import SHOWN, map_value, without_small_areas

ASSETS = Path(__file__).parent / "assets"
CONTENTS = (
    ("cijfers", "Kerncijfers"), ("kaart-kop", "Kaart"), ("teams-kop", "Teams"), ("regios-kop", "Regio's"),
    ("wachttijd-kop", "Wachttijd"), ("scenario-kop", "Scenario's"),
    ("wijzigingen-kop", "Wijzigingen"), ("overgang-kop", "Overgang"), ("bijzonder-kop", "Bijzondere groepen"),
    ("uitloop-kop", "Wanneer vol"), ("gevolgen-kop", "Gevolgen"),
    ("reken-kop", "Kwaliteit"), ("controle-kop", "Controle"), ("verantwoording", "Verantwoording"),
)  # fmt: skip
CONTINUITY = {
    "stay": "Bestaande cliënten houden hun team; alleen dossiers van een gestopt team verhuizen.",
    "move": "Bestaande cliënten volgen de nieuwe verdeling van hun postcode.",
}


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into the folder of a run whose outcome is there; returns its path.

    Beside it ``report_readers.html``, the edition that is published: without counts of clients under 5 (R14). Each
    file asks for nothing outside itself: styles, scripts and borders are in it, and its own content policy forbids the
    rest. Every text of the input is escaped.
    """
    frames = sections.Frames.read(run_folder)
    value = map_value(run_folder, frames.board)
    path = run_folder / "report.html"
    _write_edition(path, frames, value)
    _write_edition(run_folder / "report_readers.html", frames.for_readers(), without_small_areas(value))
    return path


def _write_edition(path: Path, frames: sections.Frames, value: dict[str, Any]) -> None:
    page = environment().get_template("report.html").render(_content(frames, value))
    path.write_text(page, encoding="utf-8")


@cache
def environment(*packages: str) -> Environment:
    """The templates of ``packages`` and of the report: they escape everything and fail on a name that is not given."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "allocation.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["example"] = dutch.example
    return made


def asset(name: str) -> str:
    """The text of a style or script of ours."""
    return (ASSETS / name).read_text(encoding="utf-8")


def script_json(value: Any) -> Markup:
    """JSON that can stand inside a script element: no text in it can close the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def content_policy(scripts: list[str]) -> str:
    """A content security policy: these inline scripts and nothing else, no request to anywhere."""
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src {allowed}"
    )


def _content(frames: sections.Frames, value: dict[str, Any]) -> dict[str, Any]:
    folder, told, board, for_readers = frames.folder, frames.told, frames.board, frames.is_for_readers
    scripts = [asset(name) for name in ("map.js", "tables.js", "report.js")]
    inputs = sections.read_json(folder / "inputs.json")
    edition = sections.read_json(folder / "boundaries" / "edition.json")
    return {
        "run": told,
        "for_readers": for_readers,
        "smallest": SMALLEST_SHOWN_COUNT,
        "created": dutch.moment(told["created_at"]),
        "day": dutch.day(sections.read_json(folder / "layers.json")["day"]),
        "is_example": told["input_dir"] is None,
        "policy": content_policy(scripts),
        "style": Markup(asset("style.css")),
        "scripts": [Markup(one) for one in scripts],
        "map_json": script_json(value),
        "contents": CONTENTS,
        "layer_names": [shown[1] for shown in SHOWN],
        "region_names": value["regions"],
        "figures": sections.key_figures(frames),
        "broken": sections.broken_rules(frames),
        "tolerance": dutch.percent(told["config"]["tolerance"]),
        "teams": sections.team_sheet(frames.load),
        "regions": sections.region_sheet(frames.regions),
        "waiting": sections.waiting_sheet(board),
        "product_waiting": sections.product_waiting_sheet(folder, frames.regions, for_readers=for_readers),
        "lines": sections.line_sheet(folder),
        "scenarios": None if for_readers else sections.scenario_sheet(folder),
        "scenario": sections.read_json(folder / "scenario.json"),
        "changes": sections.change_sheet(frames.changes, board.areas, for_readers=for_readers),
        "continuity": CONTINUITY[told["config"]["continuity"]],
        "reasons": None if for_readers else sections.reason_sheet(frames.transition),
        "transition": None if for_readers else sections.transition_sheet(frames.transition),
        "special": sections.special_sheet(frames.load, board.teams),
        "runoff": sections.runoff_sheet(folder),
        "impact": sections.impact_sheet(folder, for_readers=for_readers),
        "solver": sections.solver_sheet(frames),
        "gates": [] if for_readers else sections.gates(folder),
        "repairs": sections.repair_sheets(folder),
        "edition": edition,
        "source": dutch.SOURCES.get(edition["source"], edition["source"]),
        "retrieved": dutch.day(edition["retrieved_at"]),
        "readme": _readme(Path(inputs["folder"])),
        "files": sections.fingerprint_sheet(folder),
        "settings": sections.setting_sheet(told["config"]),
        "code_version": package_version("smc-caseload"),
    }


def _readme(folder: Path) -> str:
    """What the folder of the input says of itself."""
    path = folder / "README.txt"
    return path.read_text(encoding="utf-8") if path.exists() else ""
