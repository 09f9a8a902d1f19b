"""The files of a run's folder: written whole, read back as they were, and one plain error when they are not there."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.runs import run_files
from allocation.runs.file_kinds import FrameFile, JsonFile, RecordFile, RunFile, RunIncomplete, Tables
from allocation.runs.run_files import InForce, LayerRow, LayersRecord

ROOT = Path(__file__).parents[3]
DECLARED = [value for value in vars(run_files).values() if isinstance(value, RunFile)]


def test_every_kind_of_file_comes_back_as_it_was(tmp_path: Path) -> None:
    layers = LayersRecord(
        day=date(2026, 7, 1), from_version=3, in_force_since=date(2026, 1, 1),
        layers=(LayerRow(key="01_pw_alle", label="West PW", is_solved=False, units=6),),
    )  # fmt: skip
    run_files.LAYERS.write(tmp_path, layers)
    run_files.SECONDS.write(tmp_path, {"boundaries": 1.5})
    run_files.WORK.write(tmp_path, pd.DataFrame([["1001", "P", "alle", "regulier"]], columns=run_files.WORK.columns))
    run_files.PROBLEM.write(tmp_path, {"edges": np.array([[0, 1]]), "a:amount": np.array([0.5])})
    assert run_files.LAYERS.read(tmp_path) == layers
    assert run_files.SECONDS.read(tmp_path) == {"boundaries": 1.5}
    assert run_files.WORK.read(tmp_path)["pc4"].tolist() == ["1001"]
    assert {name: array.tolist() for name, array in run_files.PROBLEM.read(tmp_path).items()} == {
        "edges": [[0, 1]], "a:amount": [0.5],
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "layers.json", "problem.npz", "seconds.json", "work.parquet",
    ]  # fmt: skip


def test_a_missing_file_names_the_step_that_was_not_done(tmp_path: Path) -> None:
    for file in (run_files.LAYERS, run_files.WORK, run_files.PROBLEM, run_files.SECONDS):
        with pytest.raises(RunIncomplete, match=f"{file.name} does not exist: step '{file.step}'"):
            file.read(tmp_path)
    with pytest.raises(RunIncomplete, match=r"inflow\.parquet does not exist: step 'inputs'"):
        run_files.INPUT_TABLES.read(tmp_path, ["inflow"])
    with pytest.raises(RunIncomplete, match=r"areas\.parquet does not exist"):
        run_files.AREAS.column_names(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        (run_files.LAYERS, '{"layers": []}', "day: Field required"),
        (run_files.LAYERS, "{half", "Invalid JSON"),
        (run_files.RESULT, '{"objective": 1}', "without is_feasible, violations"),
        (run_files.WORK, "no parquet", "Parquet magic bytes not found"),
        (run_files.PROBLEM, "no arrays", "make the run again"),
    ],
)
def test_a_file_of_another_release_is_one_plain_sentence(
    file: RunFile[object], content: str, why: str, tmp_path: Path
) -> None:
    file.path(tmp_path).write_text(content, encoding="utf-8")
    with pytest.raises(RunIncomplete) as refused:
        file.read(tmp_path)
    assert why in str(refused.value)
    assert str(refused.value).endswith("; make the run again")
    assert "\n" not in str(refused.value)


def test_a_frame_without_a_column_that_readers_count_on_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"pc4": ["1001"]}).to_parquet(run_files.DIVISION_IN_FORCE.path(tmp_path))
    with pytest.raises(RunIncomplete, match="without column client_line, team_id, share"):
        run_files.DIVISION_IN_FORCE.read(tmp_path)


def test_a_write_that_fails_leaves_the_file_of_before(tmp_path: Path) -> None:
    file = JsonFile("kept.json", "some step")
    file.write(tmp_path, {"a": 1})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        file.write(tmp_path, circle)
    frame = FrameFile("kept.parquet", "some step")
    frame.write(tmp_path, pd.DataFrame({"a": [1]}))
    with pytest.raises(Exception, match=r"Conversion failed|Could not convert|tried to convert"):
        frame.write(tmp_path, pd.DataFrame({"a": [1, "x", object()]}))
    assert file.read(tmp_path) == {"a": 1}
    assert frame.read(tmp_path)["a"].tolist() == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "kept.parquet"]


def test_only_some_columns_are_read_and_an_absent_one_is_left_out(tmp_path: Path) -> None:
    run_files.AREAS.write(tmp_path, pd.DataFrame({"pc4": ["1001"], "x_m": [1.0], "y_m": [2.0]}))
    assert list(run_files.AREAS.read_columns(tmp_path, ["pc4", "care_region", "y_m"])) == ["pc4", "y_m"]


def test_what_a_later_release_adds_to_a_record_is_ignored(tmp_path: Path) -> None:
    file = RecordFile("in_force.json", "read the store", InForce)
    file.path(tmp_path).write_text('{"version": 4, "since": "2026-02-01", "later": true}', encoding="utf-8")
    assert file.read(tmp_path) == InForce(version=4, since=date(2026, 2, 1))


def spelled(text: str) -> list[str]:
    """The file names of a run's folder, and the paths in it, that a module spells itself."""
    names = {Path(file.name).name for file in DECLARED}
    folders = {file.name.split("/")[0] for file in DECLARED if "/" in file.name} | {
        value.name for value in vars(run_files).values() if isinstance(value, Tables)
    }
    found = [name for name in names if f'"{name}"' in text or f"/{name}" in text]
    folder = "|".join(sorted(folders | {run_files.LAYERS_FOLDER}))
    return found + re.findall(rf'folder / "(?:{folder})"', text)


def test_no_other_module_spells_a_name_of_the_folder() -> None:
    """Publication has folders of its own (the files of a version), as geodata has for what it keeps of boundaries."""
    own = {"allocation/runs/run_files.py"}
    wrong = {}
    for package in ("allocation", "expectations", "dags", "plugins"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name in own or name.startswith("allocation/publication/"):
                continue
            if found := spelled(path.read_text(encoding="utf-8")):
                wrong[name] = found
    assert wrong == {}


def test_a_module_that_does_is_noticed() -> None:
    assert spelled('path = run.folder / "layers.json"') == ["layers.json"]
    assert spelled('Inputs.read(folder / "inputs")') == ['folder / "inputs"']
    assert spelled('frame.to_parquet(run.folder / "work.parquet")') == ["work.parquet"]
    assert spelled("run.read(run_files.WORK)") == []
