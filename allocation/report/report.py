"""The report of a run: one HTML file that works by itself, for mailing and archiving."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from allocation.contract.published_tables import EXPECTED
from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT
from allocation.intake.about import about
from allocation.report import (
    account_sheets,
    capacity_sheets,
    change_sheets,
    choice,
    decision,
    dutch,
    estimate,
    finished_sheets,
    network_sheets,
    team_sheets,
)
from allocation.report.bundle import bundle
from allocation.report.division_charts import Chart, division_charts
from allocation.report.for_readers import months_of
from allocation.report.frames import Frames
from allocation.report.map import SHOWN, map_value, without_small_areas
from allocation.runs import run_files
from expectations.rules import MOST_EXAMPLES

ASSETS = Path(__file__).parent / "assets"
CONTENTS = (
    ("besluit", "Besluit"), ("cijfers", "Kerncijfers"), ("kaart-kop", "Kaart"),
    ("grafieken-kop", "Grafieken"), ("teams-kop", "Teams"), ("regios-kop", "Regio's"),
    ("wachttijd-kop", "Wachttijd"), ("capaciteit-kop", "Capaciteit"), ("afgerond-kop", "Afgerond werk"),
    ("scenario-kop", "Scenario's"),
    ("wijzigingen-kop", "Wijzigingen"), ("overgang-kop", "Overgang"), ("bijzonder-kop", "Bijzondere groepen"),
    ("uitloop-kop", "Wanneer vol"), ("gevolgen-kop", "Gevolgen"),
    ("netwerk-kop", "Partners"), ("uitkeren-kop", "Uitkeren"),
    ("reken-kop", "Kwaliteit"), ("controle-kop", "Controle"), ("verantwoording", "Verantwoording"),
)  # fmt: skip
DISTANCES = {
    "network": "De afstand tot kantoor gaat over land, bruggen en veren: om water zonder oversteek heen.",
    "straight": "De afstand tot kantoor is een rechte lijn.",
    "table": "De afstand tot kantoor komt uit de invoer (travel); zijn dat minuten, dan tellen 45 minuten als 30 km.",
}
CONTINUITY = {
    "stay": "Bestaande cliënten houden hun team zolang dat hen mag bedienen; hun dossier volgt anders de postcode.",
    "move": "Bestaande cliënten volgen de nieuwe verdeling van hun postcode.",
}


@dataclass(frozen=True)
class Drawn:
    """Both editions of a report; what the gates found is added when it is written (readers are not told of it)."""

    folder: Path
    content: dict[str, Any]
    for_readers: str

    def write(self) -> Path:
        """Write both editions into the folder of the run; returns the path of that of operations."""
        found = account_sheets.gates(self.folder)
        decided = self.content["decision"].with_found(found)
        run_files.REPORT.write(self.folder, _page(self.content | {"gates": found, "decision": decided}))
        run_files.REPORT_FOR_READERS.write(self.folder, self.for_readers)
        return run_files.REPORT.path(self.folder)


def draw(run_folder: Path) -> Drawn:
    """Draw the report of a run whose outcome is there.

    Beside it the edition for readers, which is published: without counts of clients under 5 (R14). Each
    file asks for nothing outside itself: styles, scripts and borders are in it, and its own content policy forbids the
    rest. Every text of the input is escaped.
    """
    frames = Frames.read(run_folder)
    value = map_value(run_folder, frames.board)
    seen = without_small_areas(value, frames.board, frames.outcome(EXPECTED.name))
    for_readers = _content(frames.for_readers(), seen) | {"gates": []}
    return Drawn(run_folder, _content(frames, value), _page(for_readers))


def write_report(run_folder: Path) -> Path:
    """Draw the report and write it into the folder of the run; returns its path."""
    return draw(run_folder).write()


def _page(content: dict[str, Any]) -> str:
    return environment().get_template("document.html").render(content)


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
    made.filters["examples"] = partial(dutch.examples, most=MOST_EXAMPLES)
    return made


def asset(name: str) -> str:
    """The text of a style or script of ours."""
    return (ASSETS / name).read_text(encoding="utf-8")


def packed(value: Any) -> str:
    """``value`` as JSON, compressed (zlib, RFC 1950), in letters (base64): a third of the size, and never markup."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def content_policy(scripts: list[str]) -> str:
    """A content security policy: these inline scripts and nothing else, no request to anywhere."""
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src {allowed}"
    )


def _content(frames: Frames, value: dict[str, Any]) -> dict[str, Any]:
    """Every name of the template but ``gates``."""
    return _above(frames, value) | _sheets(frames) | _account(frames)


def _above(frames: Frames, value: dict[str, Any]) -> dict[str, Any]:
    """What the report is about, the decision, the charts and the map."""
    folder, record, for_readers = frames.folder, frames.record, frames.is_for_readers
    scripts = [bundle(ASSETS / "report.js")]
    return {
        "run": record,
        "for_readers": for_readers,
        "smallest": SMALLEST_SHOWN_COUNT,
        "created": dutch.moment(record.created_at),
        "day": dutch.day(run_files.LAYERS.read(folder).day),
        "counted_when": account_sheets.counted_when(folder),
        "is_example": record.input_dir is None,
        "policy": content_policy(scripts),
        "style": Markup(asset("tokens.css") + asset("style.css")),
        "scripts": [Markup(one) for one in scripts],
        "map_packed": packed(value),
        "contents": CONTENTS,
        "layer_names": [shown[1] for shown in SHOWN],
        "region_names": value["regions"],
        "decision": decision.decision(frames, value["regions"]),
        "charts": _charts(frames),
        "further": decision.further_figures(frames),
        "has_now": any((part.now >= 0).any() for part in frames.board.layers),
        "without_change": dutch.WITHOUT_CHANGE,
        "without_change_means": dutch.WITHOUT_CHANGE_MEANS,
        "tolerance": dutch.percent(record.config["tolerance"]),
        "distance": DISTANCES[record.config.get("distance", "straight")],
    }


def _sheets(frames: Frames) -> dict[str, Any]:
    """The tables of teams, regions and changes; those that are not for readers are empty in their edition."""
    folder, record, board, for_readers = frames.folder, frames.record, frames.board, frames.is_for_readers
    return {
        "teams": team_sheets.team_sheet(frames.load),
        "robustness": None if for_readers else team_sheets.robustness_sheet(folder),
        "regions": team_sheets.region_sheet(frames.regions),
        "waiting": team_sheets.waiting_sheet(board, for_readers=for_readers),
        "product_waiting": team_sheets.product_waiting_sheet(folder, frames.regions, for_readers=for_readers),
        "lines": team_sheets.line_sheet(folder, for_readers=for_readers),
        "capacity": None if for_readers else capacity_sheets.capacity_sheet(folder),
        "loans": None if for_readers else capacity_sheets.loan_sheet(folder),
        "handover": [] if for_readers else capacity_sheets.handover_sheets(folder),
        "lending": [] if for_readers else capacity_sheets.lending_sentences(folder),
        "advice": record.config.get("advice", {}),
        "line_outcomes": finished_sheets.line_outcome_sheet(folder, for_readers=for_readers),
        "finished_months": None if for_readers else finished_sheets.month_sheet(folder),
        "estimates": [] if for_readers else finished_sheets.estimate_sheets(folder),
        "scenarios": None if for_readers else change_sheets.scenario_sheet(folder),
        "scenario_chart": None if for_readers else change_sheets.scenario_chart(folder),
        "scenario_places": None if for_readers else change_sheets.scenario_places_sheet(folder),
        "scenario": change_sheets.scenario_of(folder),
        "alternatives": None if for_readers else choice.chosen(folder),
        "changes": change_sheets.change_sheet(frames.changes, board.areas, for_readers=for_readers),
        "continuity": CONTINUITY[record.config["continuity"]],
        "reasons": None if for_readers else change_sheets.reason_sheet(frames.transition),
        "transition": None if for_readers else change_sheets.transition_sheet(frames.transition),
        "special": team_sheets.special_sheet(frames.load, board.teams),
        "runoff": team_sheets.runoff_sheet(folder, for_readers=for_readers),
        "impact": change_sheets.impact_sheet(folder, for_readers=for_readers),
        "cards": network_sheets.team_cards(folder, board.teams, for_readers=for_readers),
        "providers": network_sheets.provider_sheet(folder, for_readers=for_readers),
        "staff": None if for_readers else network_sheets.staff_sheet(folder),
        "verzuimbeheer": network_sheets.verzuimbeheer_sheet(folder, for_readers=for_readers),
        "verzuimbeheer_told": network_sheets.verzuimbeheer_sentences(folder),
    }


def _account(frames: Frames) -> dict[str, Any]:
    """What the outcome was made of and what was checked."""
    folder = frames.folder
    inputs, edition = run_files.INPUT.read(folder), run_files.EDITION.read(folder)
    return {
        "solver": team_sheets.solver_sheet(frames),
        "leans_on_little": estimate.leans_on_little(folder),
        "repairs": account_sheets.repair_sheets(folder),
        "edition": edition,
        "origin": account_sheets.origin(edition),
        "source": dutch.SOURCES.get(edition["source"], edition["source"]),
        "retrieved": dutch.day(edition["retrieved_at"]),
        "readme": about(Path(inputs.folder)),
        "files": account_sheets.fingerprint_sheet(folder, for_readers=frames.is_for_readers),
        "settings": account_sheets.setting_sheet(frames.record.config),
        "code_version": package_version("smc-caseload"),
    }


def _charts(frames: Frames) -> list[Chart]:
    """The charts: of the country, or of the regions that change where these are few; then the load of the teams stands
    on the page of each region."""
    sums = [part.sums for part in decision.layers_shown(frames)]
    codes = {pc4 for part in sums for pc4 in part.board.layer.parts["pc4"]}
    changes = frames.changes[frames.changes["pc4"].isin(codes)]
    months = months_of(frames.folder, for_readers=frames.is_for_readers)
    made = division_charts(sums, changes, months, coarse=frames.is_for_readers)
    return [one for one in made if len(sums) == len(frames.board.layers) or one.name != "belasting"]
