"""The report is drawn while the gate works: what the gate finds stands in it all the same, in the edition for
Operations."""

from __future__ import annotations

from pathlib import Path

from allocation.report import dutch
from allocation.report.dutch import WITHOUT_CHANGE, WITHOUT_CHANGE_MEANS
from allocation.report.report import draw
from allocation.runs import run_files
from tests.support.browser import toy_run

FOUND = {
    "table": "team_load",
    "column": None,
    "sentence_nl": "een team is ver weg",
    "severity": "warning",
    "examples": [],
    "how_many": 0,
}
TOLD = "Uitkomst: een team is ver weg"


def test_what_the_gate_finds_after_the_drawing_is_told(tmp_path: Path) -> None:
    folder = toy_run(tmp_path).folder
    drawn = draw(folder)
    gate = {"success": True, "statistics": {"checks": 7, "met": 6}, "failed": [FOUND]}
    run_files.VALIDATION.write(folder, {"success": True, "outcome": gate})
    ours, theirs = drawn.write().read_text(), run_files.REPORT_FOR_READERS.read(folder)
    decided, checked = ours.split("Kerncijfers</h2>")[0], ours.split('id="controle-kop"')[1]
    assert TOLD in decided
    assert "een team is ver weg" in checked
    assert "een team is ver weg" not in theirs
    for edition in (ours, theirs):
        says_what_is_beside_the_proposal(edition)
        assert dutch_basis(folder) in " ".join(edition.split())


def says_what_is_beside_the_proposal(edition: str) -> None:
    """The division in force with the new capacity is not what that version counted itself, so it is not called "nu"."""
    assert edition.count(f"<span>{WITHOUT_CHANGE}: ") > 5
    assert edition.count(f"“Zonder wijziging” is {WITHOUT_CHANGE_MEANS}") == 2
    assert "<span>nu: " not in edition
    assert "“nu”" not in edition.lower()


def dutch_basis(folder: Path) -> str:
    """Which months and which day were counted, and which year of capacity."""
    first = dutch.day(run_files.LAYERS.read(folder).day)
    return (
        "De instroom loopt van januari 2025 tot en met december 2025; de voorraad is geteld op 31 december 2025. De "
        f"capaciteit is die van het jaar vanaf {first}: een team dat daarin begint, stopt of van fte verandert, "
        "telt voor de maanden dat het werkt."
    )
