"""A layer survives the way through its files, every field of its problem included."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from allocation.districting import Measure, Problem, Weights
from allocation.layers.layer import ARRAYS, Layer, can_carry_over
from allocation.pipeline.carry_over import fingerprint

NOT_ARRAYS = {"unit_ids", "team_ids", "tolerance", "weights", "groupings", "further"}


def full_problem() -> Problem:
    """Four units in a row and two teams, with every optional field."""
    return Problem(
        unit_ids=("1000", "1001", "1002", "1003"), team_ids=("A", "B"),
        xy_m=np.array([[0.0, 0.0], [1000.0, 0.0], [2000.0, 0.0], [3000.0, 0.0]]), demand=np.array([4.0, 3.0, 2.0, 1.0]),
        edges=np.array([[0, 1], [1, 2], [2, 3]]), border_m=np.array([10.0, 20.0, 30.0]), capacity=np.array([2.0, 1.0]),
        tolerance=0.25, weights=Weights(1.0, moved=20.0, groupings={"ggz": 0.5}),
        office_xy_m=np.array([[0.0, 5.0], [3000.0, 5.0]]), current=np.array([0, 0, -1, 1]),
        municipality=np.array([0, 0, 1, 1]), care_region=np.array([0, 1, 1, 1]), fixed=np.array([0, -1, -1, -1]),
        allowed=np.array([[True, True], [True, False], [True, True], [True, True]]),
        further=(Measure("clients", np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.5]), 0.5),),
        base_load=np.array([0.0, 1.5]), distance_table_km=np.array([[1.0, 9.0], [2.0, 8.0], [3.0, 7.0], [4.0, 6.0]]),
        kept=np.array([[0.75, 0.25], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
        apart=np.array([[True, False], [False, False], [False, True], [False, False]]),
        groupings={"ggz": np.array([0, 0, 0, 1]), "hospital: north": np.array([1, 0, 0, 1])},
    )  # fmt: skip


def layer_of(problem: Problem) -> Layer:
    parts = pd.DataFrame({"unit": problem.unit_ids, "pc4": problem.unit_ids, "portion": 1.0})
    return Layer("Zeeland", "zw_wia", "alle", (7,), problem, parts)


def test_a_layer_comes_back_equal_from_its_files(tmp_path: Path) -> None:
    problem = full_problem()
    layer_of(problem).write(tmp_path)
    again = Layer.read(tmp_path).problem
    for name in ARRAYS:
        assert (getattr(again, name) == getattr(problem, name)).all(), name
    assert {n: c.tolist() for n, c in again.groupings.items()} == {n: c.tolist() for n, c in problem.groupings.items()}
    assert (again.weights, again.tolerance) == (problem.weights, problem.tolerance)
    assert (again.further[0].name, again.further[0].tolerance) == ("clients", 0.5)


def test_every_field_of_a_problem_is_kept() -> None:
    assert {field.name for field in fields(Problem)} == {*ARRAYS, *NOT_ARRAYS}


def test_a_layer_is_another_problem_when_any_array_but_what_follows_from_plans_differs() -> None:
    problem = full_problem()
    same = fingerprint(layer_of(problem))
    for follows in ({"current": np.array([1, 1, 1, 0])}, {"kept": None}, {"apart": None}):
        assert fingerprint(layer_of(problem.replace(**follows))) == same
    for change in (
        {"groupings": problem.groupings | {"ggz": np.array([0, 1, 0, 1])}},
        {"distance_table_km": np.ones((4, 2))},
        {"base_load": np.array([1.0, 0.5])},
        {"weights": Weights(1.0, moved=20.0, groupings={"ggz": 0.75})},
    ):
        assert fingerprint(layer_of(problem.replace(**change))) != same, change


def test_what_can_be_carried_over() -> None:
    """A division with an idle team, a unit without a team or with one that is barred from it needs a new search."""
    problem = full_problem()
    for current, may in (([0, 0, 0, 1], True), ([0, 0, 0, 0], False), ([1, 1, 1, 1], False), ([0, 0, -1, 1], False),
                         ([0, 1, 1, 1], False)):  # fmt: skip
        assert can_carry_over(layer_of(problem.replace(current=np.array(current)))) == may, current
    assert not can_carry_over(layer_of(problem.replace(current=None)))
