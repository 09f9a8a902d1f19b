"""The report is drawn beside the gate: what counts when one of them fails, or when the run is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allocation.contract.errors import Refused
from allocation.pipeline import run_all, steps
from allocation.runs.run import Run
from tests.support.browser import toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return toy_run(tmp_path_factory.mktemp("toy"))


def failing(error: BaseException) -> Any:
    def draw(_run: Run) -> None:
        raise error

    return draw


def refuses() -> None:
    raise Refused("the outcome does not add up")


@pytest.mark.parametrize(
    ("drawing", "verdict", "counts"),
    [(ValueError("no team"), refuses, Refused), (ValueError("no team"), lambda: None, ValueError)],
)
def test_what_the_gate_says_counts_before_a_fault_in_the_drawing(
    run: Run, monkeypatch: pytest.MonkeyPatch, drawing: Exception, verdict: Any, counts: type[Exception]
) -> None:
    monkeypatch.setattr(steps, "draw_report", failing(drawing))
    with pytest.raises(counts):
        run_all.draw_report_meanwhile(run, verdict)


def test_who_stops_the_run_does_not_wait_for_the_gate(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(steps, "draw_report", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run_all.draw_report_meanwhile(run, lambda: asked.append("verdict"))
    assert asked == []


def test_a_refused_outcome_leaves_no_report(run: Run) -> None:
    report = Path(run.folder / "report.html")
    assert not report.exists()
    with pytest.raises(Refused, match="does not add up"):
        run_all.draw_report_meanwhile(run, refuses)
    assert not report.exists()
    run_all.draw_report_meanwhile(run, lambda: None)
    assert report.exists()
