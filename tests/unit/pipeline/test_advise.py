"""Advice on a run that was made, with other settings than it had."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.cli import main
from allocation.contract.errors import InputRefused, Refused
from allocation.pipeline import advise
from allocation.publication import versions
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support.outcomes import write_outcome


def with_queue(run: Run) -> dict[str, pd.DataFrame]:
    """What the advice is made of, with 3,000 hours in files of West more than its teams can do."""
    tables = run_files.OUTCOME.read(run.folder, advise.CAPACITY_FILES)
    work = tables["region_work"].copy()
    at = (work["arbeidsmarktregio_nr"] == 1) & (work["law_domain"] == "zw_wia")
    work.loc[at, "queue_hours"] += 3000.0
    return tables | {"region_work": work}


def test_the_advice_of_a_run_is_the_table_that_its_version_has(run: Run) -> None:
    found = advise.capacity_of_run(run, run.config)
    pd.testing.assert_frame_equal(found, run.outcome("capacity_advice"), check_dtype=False)


def test_other_settings_give_other_advice(run: Run, tmp_path: Path) -> None:
    """West has 2,400 hours, 312 asked and 3,048 that wait: 960 are left after a year, 4.8 months. Oost may lend 3% of
    its 2,400 hours: 72."""
    folder = tmp_path / "runs" / "advice"
    other = Run(folder, run.run_id, run.input_dir, run.boundaries, run.store, run.config, run.created_by, run.today)
    run_files.OUTCOME.write(folder, with_queue(run))
    run_files.AREAS.write(folder, run.areas())
    config = advise.with_settings(run, {"fte": 2, "lending_share": 0.03, "months": None})
    assert config.advice.fte == 2
    assert config.advice.lending_km == run.config.advice.lending_km
    rows = advise.capacity_of_run(other, config).set_index(["law_domain", "profession", "arbeidsmarktregio_nr"])
    west = rows.loc[("zw_wia", "verzekeringsarts", 1)]
    assert west["projected_waiting_months"] == pytest.approx((3048 + west["asked_hours"] - 24 - 2400) / 200, abs=0.2)
    assert west["borrowed_hours"] == pytest.approx(72.0, rel=0.02)  # the least wait, in whole hundredths
    assert west["fte_placed"] == 1  # with one more nobody waits at the horizon


@pytest.mark.parametrize("changes", [{"fte": -1}, {"lending_share": 2.0}, {"months": -3.0}])
def test_impossible_settings_are_refused(run: Run, changes: dict[str, float]) -> None:
    with pytest.raises(InputRefused, match=r"advice\."):
        advise.with_settings(run, changes)


def test_without_a_version_or_its_run_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    with pytest.raises(Refused, match="No version is in force today"):
        advise.run_of_version(None, store, tmp_path)
    version = versions.propose(write_outcome(tmp_path / "outcome"), store, tmp_path / "published")
    assert main(["advise", str(version), "--store", store, "--var", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "which made version 1, is gone" in told
    assert "Traceback" not in told
