"""The division in force of the example: the same on every machine."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

import pytest

from allocation.contract.config import Config
from allocation.pipeline import example_input, steps
from allocation.runs.run import Run
from tests.support import two_regions


@pytest.mark.heavy
def test_a_machine_on_which_a_minute_is_soon_over_makes_the_same_division(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that a clock may end depends on what else the machine does. Here every look at the clock is a minute
    later than the one before."""
    country = two_regions.write(tmp_path / "country")
    run = Run.start(
        input_dir=None,
        boundaries=str(country.boundaries),
        store=f"sqlite:///{tmp_path / 'store.sqlite'}",
        config=Config(),
        var=tmp_path / "var",
    )
    steps.prepare_boundaries(run)
    example_input.write_example_with_division(tmp_path / "quick", run)
    minutes = count(0, 60)
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(minutes)))
    example_input.write_example_with_division(tmp_path / "slow", run)
    quick, slow = ((tmp_path / name / "current.csv").read_bytes() for name in ("quick", "slow"))
    assert quick == slow
