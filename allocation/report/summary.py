"""What a planner looks at first: the figures of a run, as values and as lines for a terminal."""

from __future__ import annotations

import subprocess
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from allocation import storage
from allocation.contract import calendar
from allocation.contract.vocabulary import MOVES
from allocation.publication import reads, small_counts
from allocation.report import dutch
from allocation.report.moves import counted, reasons_counted, teams_that_move
from allocation.runs import run_files
from allocation.runs.run import Run
from expectations import inputs
from expectations.rules import places_in_words


def summary(run: Run) -> dict[str, Any]:
    """The figures a planner looks at first; deviations are shares of the target load."""
    load, changes = run.frame("team_load"), run.frame("allocation_changes")
    divided = load[load["kind"] != "bijzonder"]
    moved = run.frame("transition")
    moved = moved.assign(seen=small_counts.clients_seen(moved))
    moving = moved[moved["movement"] == MOVES]
    version = run.read(run_files.VERSION) if run.has(run_files.VERSION) else None
    outside = divided[~divided["is_within_tolerance"]]
    results = [run.result(key) for key in run.layer_keys()]
    return {
        "first_day": dutch.planned_day(run.config.valid_from),
        "regions": int(run.frame("region_summary")["arbeidsmarktregio_nr"].nunique()),
        "teams": int(load["team_id"].nunique()),
        "areas": int(run.frame("allocation")["pc4"].nunique()),
        "layers": len(results),
        "worst_deviation": float(divided["deviation"].abs().max()),
        "mean_deviation": float(divided["deviation"].abs().mean()),
        "teams_outside_tolerance": outside["team_id"].tolist(),
        "areas_outside_tolerance": int(outside["areas"].sum()),
        "layers_not_feasible": [result["label"] for result in results if not result["is_feasible"]],
        "areas_moved": int(changes["pc4"].nunique()),
        "clients_moved": int(moving["clients"].sum()),
        "clients_in_stock": int(moved["clients"].sum()),
        "clients_roughly": {
            "moved": counted(moving, is_rough=True),
            "in_stock": counted(moved, is_rough=True),
        },
        "office_moves": teams_that_move(run.folder, load).to_dict("records"),
        "moves": " ".join(reasons_counted(moved)),
        "moves_roughly": " ".join(reasons_counted(moved, is_rough=True)),
        "warnings": _warnings(run),
        "version": version.version if version else None,
        "planned": _planned(run, version.version) if version else "",
        "withdrew": list(version.withdrew) if version else [],
        "is_taken_back": version.is_taken_back if version else False,
        "in_force_from": str(reads.first_day(run.store, version.version)) if version else None,
        "tables": version.folder if version else None,
        "report": storage.address(run.path(run_files.REPORT)),
    }


def _planned(run: Run, version: int) -> str:
    return dutch.planned_later(reads.planned_after(run.store, version, reads.first_day(run.store, version)))


def _warnings(run: Run) -> list[dict[str, Any]]:
    """What the gates warn of without stopping the run: table, sentence, sentence_nl, how_many and more."""
    gates = run.validation()
    failed = [failure for gate in gates.values() if isinstance(gate, dict) for failure in gate["failed"]]
    return [failure for failure in failed if failure["severity"] == "warning"]


def summary_text(figures_: dict[str, Any]) -> str:
    """``summary`` as lines for a terminal."""
    lines = [
        ("regions, teams, areas", "{regions}, {teams}, {areas}"),
        ("clusters and layers", "{layers}"),
        ("worst / mean deviation", "{worst_deviation:.1%} / {mean_deviation:.1%}"),
        ("areas outside tolerance", "{areas_outside_tolerance} (teams: {outside})"),
        ("areas that change team", "{areas_moved}"),
        *([("teams that move office", "{offices}")] if figures_["office_moves"] else []),
        ("clients that move", "{clients_moved} of {clients_in_stock} in stock"),
        ("why they move", "{moves}"),
        ("version", "{state}"),
        *([("withdrawn", "proposal {withdrawn}: this one takes its place")] if figures_["withdrew"] else []),
        ("report", "{report}"),
        ("tables", "{tables}"),
    ]
    values = figures_ | {
        "outside": ", ".join(figures_["teams_outside_tolerance"]) or "none",
        "state": f"{figures_['version']} ({_state(figures_)})",
        "offices": "; ".join(
            "{team_id}: {office_from} to {office_to}".format(**one) for one in figures_["office_moves"]
        ),
        "tables": figures_["tables"] or "not published",
        "withdrawn": ", ".join(str(version) for version in figures_["withdrew"]),
    }
    told = [f"  {name:<25}{text.format(**values)}" for name, text in lines]
    for warning in figures_["warnings"]:
        told.append(f"  {'warning':<25}{warning['sentence']} ({warning['how_many']} found)")
        if warning["expectation"] in inputs.LISTED:
            places = places_in_words(warning["examples"], warning["how_many"])
            told += [f"  {'':<27}{place}" for place in places]
    return "\n".join(told)


def _state(figures_: dict[str, Any]) -> str:
    if figures_["tables"]:
        first = figures_["in_force_from"]
        return f"in force from {first}" if first > str(calendar.today()) else "in force"
    taken_back = "published before; caseload rollback puts it in force again"
    return taken_back if figures_["is_taken_back"] else "proposed"


def unchanged_text(run: Run) -> str | None:
    """Why the run ended without a proposal, for a terminal; None when it did not."""
    found = run.unchanged()
    if found is None:
        return None
    state = "is in force" if found.is_in_force else "waits for a decision"
    same = {
        "input": f"input, boundaries and settings are those of version {found.version}, which {state}",
        "outcome": f"every client is served as in version {found.version}, which {state}",
    }
    setting = "propose_unchanged = true in the settings makes a proposal all the same"
    return f"no change (geen wijziging): {same[found.what]}; no proposal was made ({setting})"


def code_version() -> str:
    """Version of the package, with the commit when run from a checkout."""
    number = package_version("smc-caseload")
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return number
    return f"{number}+{found.stdout.strip()}" if found.returncode == 0 else number
