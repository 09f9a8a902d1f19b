"""Alternatives on the page: what is taken over is the division that was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.layers.layer import Layer
from allocation.page import alternatives
from allocation.page.changes import ChangeSet
from allocation.page.guarding import NotFound
from allocation.page.plan_files import plan_table
from allocation.page.whatif import Bench
from allocation.runs import run_files
from allocation.runs.run import run_folder


@pytest.mark.heavy
def test_each_alternative_becomes_the_division_that_was_found(var: Path) -> None:
    """Of West on the toy country: a row and a set of changes per alternative; laid over the proposal, every postcode of
    West has the team that the alternative gives it; for ZW and WIA Oost stays as it was (the PW is divided as one)."""
    url = f"sqlite:///{var / 'store.sqlite'}"
    ended = alternatives.find_in(var, url, "toy", 1, "Anna")
    assert ended["state"] == "done"
    folder, bench = run_folder(var, ended["run"]), Bench(run_folder(var, "toy"))
    told = alternatives.told(bench, folder)
    plans = run_files.ALTERNATIVES.table("plans").read(folder)
    names = [row[0]["text"] for row in told["rows"]]
    assert len(names) == len(told["changes"]) >= 2
    assert told["svg"].startswith("<svg")
    assert told["region"] == "West"
    divided = {(layer, pc4) for layer, codes in told["covers"].items() for pc4 in codes}
    assert {(move["layer"], move["pc4"]) for one in told["changes"] for move in one["moves"]} <= divided
    assert {pc4 for layer, pc4 in divided if layer != "pw"} == {"1001", "1002", "1005", "1006", "1009", "1010"}
    proposed = plan_table(bench.variant(ChangeSet())).set_index("pc4")
    for name, changes in zip(names, told["changes"], strict=True):
        made = plan_table(bench.variant(ChangeSet.model_validate(changes))).set_index("pc4")
        there = set()
        for key, rows in plans[plans["alternative"] == name].groupby("layer"):
            layer = Layer.read(run_files.layer_folder(folder, str(key)))
            column = "team_pw" if layer.law_domain == "pw" else "team"
            team_of = dict(zip(rows["unit"], rows["team_id"], strict=True))
            for unit, pc4 in zip(layer.problem.unit_ids, layer.parts["pc4"], strict=True):
                assert made.at[pc4, column] == team_of[unit], (name, pc4)
                there.add((pc4, column))
        others = [pc4 for pc4 in made.index if (pc4, "team") not in there]
        assert others
        assert made.loc[others, "team"].equals(proposed.loc[others, "team"])


def test_a_run_without_alternatives_has_none(var: Path) -> None:
    with pytest.raises(NotFound, match="geen alternatieven"):
        alternatives.told(Bench(run_folder(var, "toy")), run_folder(var, "toy"))
