"""The recipe for another public service, run as it stands in the manual."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from allocation.cli import main
from allocation.districting import check, read_instance, read_plan

RECIPE = Path(__file__).parents[2] / "docs" / "other-services.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the text makes, in a folder of our own."""
    (code,) = re.findall(r"```python\n(.*?)```", RECIPE.read_text(encoding="utf-8"), re.DOTALL)
    place = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place)
        exec(compile(code, str(RECIPE), "exec"), {})
    return place / "police-zeeland"


@pytest.mark.heavy
def test_police_teams_of_zeeland_are_divided_with_files_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan.csv"
    assert main(["solve", str(folder), "--out", str(out), "--seconds", "8"]) == 0
    assert "gap" in capsys.readouterr().out
    problem = read_instance(folder)
    plan = read_plan(problem, out)
    assert check(problem, plan) == ()
    of_team = dict(zip(problem.team_ids, problem.distance_km.T, strict=True))
    south = of_team["Zeeuws-Vlaanderen"] < 25.0
    south &= of_team["Bevelanden"] > of_team["Zeeuws-Vlaanderen"] + 10.0
    teams = {problem.team_ids[t] for t in np.unique(plan[south])}
    assert teams == {"Zeeuws-Vlaanderen"}
    assert any(name.startswith("coverage: spoedpost") for name in problem.groupings)
