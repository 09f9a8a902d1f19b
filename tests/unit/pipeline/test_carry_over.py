"""Small change, small run, on the toy country: West (W1, W2), Oost (O1, O2), and P1 for the Participatiewet of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from allocation.contract.calendar import today
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.demand import expected
from allocation.intake.inputs import Inputs
from allocation.pipeline import same_work, steps
from allocation.pipeline.carry_over import mark_unchanged, plan_in_force
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support import gates, toy

WEST, OOST, PW = "01_zw_wia_alle", "02_zw_wia_alle", "01-02_pw_alle"


@dataclass(frozen=True)
class Toy:
    """The toy country with a store; each run gets a folder of its own."""

    folder: Path

    def prepared(self, name: str, teams: pd.DataFrame | None = None, **config: Any) -> tuple[Run, list[str]]:
        """A run up to its layers, and the keys of those that need a search."""
        changed: Mapping[str, pd.DataFrame] = {"current": toy.tables()["current"].iloc[:0]}
        if teams is not None:
            changed = {**changed, "teams": teams}
        run = Run.start(
            input_dir=toy.write(self.folder / f"input-{name}", dict(changed)),
            boundaries=str(self.folder / "areas.gpkg"),
            store=f"sqlite:///{self.folder / 'store.sqlite'}",
            config=Config.from_values(config),
            var=self.folder / "var",
            run_id=name,
            today=today(),
        )
        steps.prepare_boundaries(run)
        steps.check_inputs(run)
        steps.estimate_work(run)
        steps.prepare_layers(run)
        return run, mark_unchanged(run)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """With a first version in force."""
    folder = tmp_path_factory.mktemp("carry")
    toy.polygons().to_file(folder / "areas.gpkg", driver="GPKG")
    country = Toy(folder)
    run, keys = country.prepared("first")
    assert sorted(keys) == sorted([WEST, OOST, PW])
    for key in keys:
        steps.solve_layer(run, key)
    steps.assemble_outcome(run)
    gates.propose(run)
    steps.publish(run)
    return country


def stronger(team_id: str) -> pd.DataFrame:
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == team_id, "fte_verzekeringsarts"] = "1.1"
    return teams


def test_nothing_changed_nothing_searched(country: Toy) -> None:
    _, keys = country.prepared("same")
    assert keys == []


def test_a_change_in_west_leaves_oost_alone(country: Toy) -> None:
    """And what is carried over has the very plan that is in force."""
    run, keys = country.prepared("west", stronger("W1"))
    assert keys == [WEST]
    outcome = steps.solve_layer(run, OOST)
    assert outcome["stopped_because"] == "carried over"
    before = pd.read_parquet(country.folder / "var" / "runs" / "first" / "layers" / OOST / "plan.parquet")
    after = pd.read_parquet(run.folder / "layers" / OOST / "plan.parquet")
    pd.testing.assert_frame_equal(before, after)


def test_what_is_carried_over_keeps_the_bound_of_its_search(country: Toy) -> None:
    """At first nothing was in force, so every unit counted as moved, at a price of 20; now none does."""
    run, _ = country.prepared("bound", stronger("W1"))
    first = Run.open(country.folder / "var" / "runs" / "first").result(OOST)
    assert first["terms"]["moved"] == 1.0
    kept = steps.solve_layer(run, OOST)
    assert kept["lower_bound"] == pytest.approx(first["lower_bound"] - 20.0)
    assert kept["objective"] == pytest.approx(first["objective"] - 20.0)
    assert kept["gap"] == pytest.approx(1 - kept["lower_bound"] / kept["objective"], abs=1e-9)


@pytest.mark.parametrize(
    "config",
    [
        {"tolerance": 0.06},
        {"work": {"growth": {"*": 0.1}}},
        pytest.param({"weights": {"moved": 1.0}}, marks=pytest.mark.heavy),
        pytest.param({"solver": {"seed": 3}}, marks=pytest.mark.heavy),
    ],
)
def test_another_setting_searches_all(country: Toy, config: dict[str, Any]) -> None:
    name = "-".join(config)
    _, keys = country.prepared(name, **config)
    assert sorted(keys) == sorted([WEST, OOST, PW])


def test_regions_that_are_asked_for_are_searched(country: Toy) -> None:
    _, keys = country.prepared("asked", regions=["West"])
    assert WEST in keys
    assert OOST not in keys


def published_tables(run: Run) -> dict[str, pd.DataFrame]:
    """Every table of the outcome, without what the search says of itself."""
    steps.assemble_outcome(run)
    names = [path.stem for path in run.path(run_files.OUTCOME).iterdir()]
    return {name: run.outcome(name).drop(columns=["lower_bound", "gap"], errors="ignore") for name in names}


@pytest.mark.heavy
def test_the_published_tables_are_the_same_with_and_without_carrying_over(country: Toy) -> None:
    """W1 is a little stronger, so West is searched; the rest is carried over in one run and searched in the other.

    Why they are equal: the plan in force was the best one, moves included. Another plan that is better still, now that
    moves count from the plan in force, would have been better then: moving on costs no more than the two moves.
    """
    kept, _ = country.prepared("kept", stronger("W1"))
    assert steps.solve_carried_over(kept) == [WEST]
    steps.solve_layer(kept, WEST)
    searched, _ = country.prepared("searched", stronger("W1"))
    record = searched.layers()
    rows = tuple(row.model_copy(update={"is_solved": True}) for row in record.layers)
    searched.write(run_files.LAYERS, record.model_copy(update={"layers": rows}))
    for key in steps.solve_carried_over(searched):
        steps.solve_layer(searched, key)
    assert kept.result(OOST)["stopped_because"] == "carried over" != searched.result(OOST)["stopped_because"]
    with_it, without = published_tables(kept), published_tables(searched)
    assert set(with_it) == set(without)
    assert len(with_it) > 10
    for name, table in with_it.items():
        pd.testing.assert_frame_equal(table, without[name], obj=name)


def test_a_folder_that_another_release_left_is_searched_again(country: Toy) -> None:
    layer = country.folder / "var" / "runs" / "first" / "layers" / OOST / "layer.json"
    kept = layer.read_text()
    try:
        layer.write_text("{}")
        _, keys = country.prepared("older")
        assert OOST in keys
        assert PW not in keys
    finally:
        layer.write_text(kept)


def test_a_run_folder_that_is_gone_searches_all_and_is_told_where_it_is_needed(country: Toy) -> None:
    run, _ = country.prepared("later")
    first = country.folder / "var" / "runs" / "first"
    hidden = first.rename(first.with_name("hidden"))
    marker = hidden / "version.json"
    kept = marker.read_bytes()
    marker.unlink()
    try:
        _, keys = country.prepared("without")
        assert sorted(keys) == sorted([WEST, OOST, PW])
        with pytest.raises(Refused, match="is gone"):
            plan_in_force(run)
    finally:
        marker.write_bytes(kept)
        hidden.rename(first)


def test_work_is_estimated_once_for_the_same_counts_and_settings(country: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other teams ask for no other estimate; other settings of the work do. What is kept is what would be estimated."""
    estimated: list[str] = []
    real = expected.work_and_doubts

    def noted(*given: Any) -> Any:
        estimated.append("again")
        return real(*given)

    monkeypatch.setattr(expected, "work_and_doubts", noted)
    run, _ = country.prepared("other-teams", stronger("W1"))
    assert estimated == []
    counted = real(Inputs.read(run.inputs_folder), run.areas(), run.config)
    kept = run.read(run_files.WORK), run.read(run_files.DOUBTS)
    run.write(run_files.WORK, counted[0])
    run.write(run_files.DOUBTS, counted[1])
    pd.testing.assert_frame_equal(kept[0], run.read(run_files.WORK), check_exact=True)
    pd.testing.assert_frame_equal(kept[1], run.read(run_files.DOUBTS), check_exact=True)
    country.prepared("other-growth", work={"growth": {"*": 0.01}})
    assert estimated == ["again"]


@pytest.mark.parametrize("table", same_work.MADE_OF)
def test_other_counts_or_norms_are_estimated_anew(country: Toy, table: str) -> None:
    run, _ = country.prepared(f"other-{table}")
    before = same_work.made_of(run)
    assert same_work.work_in_force(run, before) is not None
    file = run_files.INPUT_TABLES.table(table)
    run.write(file, run.read(file).iloc[:-1])
    assert same_work.work_in_force(run, same_work.made_of(run)) is None
