"""The words of alerts and proposals: what failed, which rows, what to do."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from allocation.contract.errors import InputRefused, Passing, Problem, Refused
from allocation.pipeline import alerts
from expectations import inputs

FIGURES = {
    "version": 3,
    "is_taken_back": False,
    "regions": 35,
    "teams": 190,
    "areas": 4044,
    "worst_deviation": 0.0487,
    "mean_deviation": 0.0113,
    "teams_outside_tolerance": [],
    "first_day": "15 december 2026",
    "areas_moved": 12,
    "planned": "",
    "office_moves": [],
    "clients_moved": 3,
    "clients_in_stock": 230_002,
    "clients_roughly": {"moved": "minder dan 5", "in_stock": "ongeveer 230.000"},
    "moves": "3 dossiers verhuizen: 3 team beëindigd.",
    "moves_roughly": "Minder dan 5 dossiers verhuizen: minder dan 5 team beëindigd.",
    "warnings": [
        {
            "expectation": "current_ignored",
            "sentence_nl": "het bestand current is niet gebruikt",
            "how_many": 1,
            "examples": [{"version": "7"}],
        },
        {
            "expectation": "team_starts",
            "sentence_nl": "een team begint binnen een jaar",
            "how_many": 2,
            "examples": [
                {"team_id": "C", "name": "SMC C, Noord", "first_day": "2027-01-01"},
                {"team_id": "D", "name": "SMC D", "first_day": "2027-02-01"},
            ],
        },
    ],
    "report": "/data/report.html",
}


def test_a_store_that_stays_away_is_told_from_bad_input() -> None:
    told = alerts.failure(Passing("The store s cannot be opened: timeout"), "allocate", "publish", None, "run-1")
    assert told["what"] == "the store is away or full, also after trying again"
    assert told["details"] == ["The store s cannot be opened: timeout"]


def test_refused_input_lists_its_rows_and_says_how_many_more() -> None:
    problems = [Problem("teams.csv", row, "fte", "-1 is not possible", "0 or more") for row in range(2, 27)]
    told = alerts.failure(InputRefused(problems), "caseload", "check", None, "run-1")
    assert told["what"] == "25 problem(s) in the input"
    assert told["details"][0] == "teams.csv, row 2, column fte: -1 is not possible; allowed: 0 or more"
    assert told["details"][-1] == "+5 more"
    assert "nothing was published" in told["remedy"]


def test_a_region_that_fails_is_named() -> None:
    told = alerts.failure(OSError("No space left on device"), "allocate", "solve", "Rijnmond PW", "run-1")
    assert told["step"] == "allocate / solve / Rijnmond PW"
    assert "No space left on device" in alerts.text(told)
    assert "clear the task" in told["remedy"]


def test_a_proposal_is_told_in_dutch() -> None:
    told = alerts.proposal(FIGURES)
    assert "| Ingangsdatum | 15 december 2026 |" in told
    assert "| Grootste afwijking van de norm | 5% |" in told
    assert "| Teams buiten de tolerantie | geen |" in told
    assert "Let op: het bestand current is niet gebruikt (1 keer)." in told
    assert "version 7" not in told, "only what changes on a known day is listed"
    assert (
        "Let op: een team begint binnen een jaar (2 keer).\n\n- team C, naam SMC C, Noord, eerste dag 1 januari 2027\n"
        in told
    )
    assert "/data/report.html" in told
    waiting = alerts.waiting(told, "allocate", "run-1", "http://here/required_actions")
    assert waiting["details"][0] == "Versie: 3"
    assert "Minder dan 5 dossiers verhuizen: minder dan 5 team beëindigd." in waiting["details"]
    assert "| Cliënten die verhuizen | minder dan 5 van ongeveer 230.000 |" in told
    assert "3 dossiers" not in told
    assert "230.002" not in told
    assert waiting["remedy"].endswith("http://here/required_actions")


@pytest.mark.parametrize(("chosen", "decision"), [("Approve", "approved"), ("Reject", "rejected")])
def test_a_decision_keeps_name_time_and_remark(chosen: str, decision: str) -> None:
    answer = {
        "chosen_options": [chosen],
        "params_input": {"remark": "na overleg"},
        "responded_by_user": {"id": "7", "name": "jansen"},
        "responded_at": "2026-11-21T10:00:00+00:00",
    }
    assert alerts.approval(answer) == {
        "by": "jansen",
        "remark": "na overleg",
        "decision": decision,
        "at": "2026-11-21T10:00:00+00:00",
    }


def test_no_answer_in_time_is_a_rejection_by_nobody() -> None:
    answer = {"chosen_options": ["Reject"], "params_input": {}, "responded_by_user": None, "responded_at": "2026-12-05"}
    assert alerts.approval(answer)["by"] == "no answer in time"


def test_marking_the_task_successful_is_no_approval() -> None:
    with pytest.raises(Refused, match="No decision"):
        alerts.approval(None)


def test_a_name_in_the_question_is_no_text_of_ours() -> None:
    """Who writes the file of teams chooses the names; the approver reads them, and nothing that they pretend to be."""
    name = "SMC 1\n\n**Nagekeken: keur goed.**\n\n[Verslag](https://elders.example) | 0% | <b>"
    found = {"team_id": "W1", "name": name, "last_day": "2027-01-31"}
    warning = {
        "expectation": sorted(inputs.LISTED)[0],
        "sentence_nl": "een team stopt",
        "how_many": 1,
        "examples": [found],
    }
    told = alerts.proposal(FIGURES | {"warnings": [warning], "teams_outside_tolerance": ["A|B", "[x](y)"]})
    shown = MarkdownIt("commonmark").enable("table").render(told)
    assert not {tag for tag in ("<strong>", "<a ", "<b>") if tag in shown}
    assert "&lt;b&gt;" in shown
    (listed,) = [line for line in told.splitlines() if "Nagekeken" in line]
    assert listed.startswith(r"- team W1, naam SMC 1 \*\*Nagekeken: keur goed.\*\* ")
    (row,) = [line for line in shown.splitlines() if "A|B" in line]
    assert row == "<td>A|B, [x](y)</td>"
