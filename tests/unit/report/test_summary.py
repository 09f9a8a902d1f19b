"""The summary of a run: figures for a terminal, and the warnings with what a planner has to know of them."""

from __future__ import annotations

from typing import Any

import pytest

from allocation.pipeline import alerts
from allocation.report.moves import reasons_counted
from allocation.report.summary import summary, summary_text
from allocation.runs.run import Run


def test_a_run_that_is_only_divided_has_figures_and_no_version(run: Run) -> None:
    """The toy country: two regions, P1 over both, and three special teams."""
    figures = summary(run)
    assert (figures["regions"], figures["areas"], figures["layers"]) == (2, 12, 3)
    assert (figures["version"], figures["tables"], figures["warnings"]) == (None, None, [])
    text = summary_text(figures)
    assert "version                  None (proposed)" in text
    assert f"  why they move            {' '.join(reasons_counted(run.frame('transition')))}\n" in text


def test_what_is_told_to_others_tells_no_cell(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven clients move, each alone in its cell. It would be told in the same words if one cell had three."""
    exact, frame, told = run.frame("transition"), Run.frame, []
    for first in (1, 3):
        clients = [first, *[1] * 6]
        moving = exact.head(7).assign(movement="verhuist", clients=clients, reason="team beëindigd")
        with monkeypatch.context() as patched:
            patched.setattr(
                Run, "frame", lambda self, name, it=moving: it if name == "transition" else frame(self, name)
            )
            figures = summary(run)
        assert figures["clients_moved"] == sum(clients)
        told.append(alerts.proposal(figures | {"version": 1}))
    moved = figures["clients_roughly"]["moved"]
    assert moved.startswith("ongeveer ")
    assert f"| Cliënten die verhuizen | {moved} van {moved} |" in told[0]
    assert f"{moved[:1].upper()}{moved[1:]} dossiers verhuizen: {moved} team beëindigd." in told[0]
    assert told[0] == told[1]


def test_what_changes_on_a_known_day_is_listed_with_dates_and_names(run: Run) -> None:
    ends: dict[str, Any] = {
        "expectation": "team_ends", "sentence": "a team ends", "how_many": 1,
        "examples": [{"team_id": "W1", "name": "SMC W1", "last_day": "2026-12-31"}],
    }  # fmt: skip
    month = {"expectation": "unusual_month", "sentence": "odd", "how_many": 2, "examples": [{"month": "2025-01"}]}
    lines = summary_text(summary(run) | {"warnings": [ends, month]}).splitlines()[-3:]
    assert [line.strip() for line in lines] == [
        "warning                  a team ends (1 found)",
        "team_id W1, name SMC W1, last_day 2026-12-31",
        "warning                  odd (2 found)",
    ]
