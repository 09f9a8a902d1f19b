"""Each term and each hard rule on a 3 x 3 grid:

00 01 02        A A B
10 11 12        A A B
20 21 22        A B B
"""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from allocation.contract.config import Config
from allocation.districting import TERMS, Kind, Measure, Terms, Weights, check, evaluate, sentence
from expectations.outcome import BROKEN_AREAS
from tests.unit.districting.conftest import GridMaker

PLAN = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1])


def test_every_term_by_hand(grid: GridMaker) -> None:
    """Cut: 01|02, 11|12, 20|21, 11/21 = 4 borders of 1 km. Offices in 00 and 22. Rows are municipalities, columns
    care regions. 20 was B's and 12 had no team: 2 of 9 moved."""
    problem = grid(
        3,
        3,
        office_xy_m=[[0.0, 0.0], [2000.0, 2000.0]],
        municipality=[0, 0, 0, 1, 1, 1, 2, 2, 2],
        care_region=[0, 1, 2] * 3,
        current=[0, 0, 1, 0, 0, -1, 1, 1, 1],
        weights=Weights(1.0, 10.0, 100.0, 1000.0, 10_000.0, 9.0),
    )
    terms = evaluate(problem, PLAN)
    assert terms.travel_km == pytest.approx((0 + 1 + 2 + 1 + 2**0.5 + 1 + 2 + 1 + 0) / 9)
    assert (terms.cut_edges, terms.border_km) == (4, 4.0)
    assert (terms.municipality_splits, terms.care_region_splits) == (3, 1)
    assert terms.moved == pytest.approx(2 / 9)
    assert terms.objective == pytest.approx(terms.travel_km + 40 + 400 + 3000 + 10_000 + 2)


def test_a_plan_within_its_limits_breaks_nothing(grid: GridMaker) -> None:
    assert check(grid(3, 3, tolerance=1 / 9), PLAN) == ()


def test_a_load_just_outside_is_named_with_its_part(grid: GridMaker) -> None:
    (first, second) = check(grid(3, 3, tolerance=0.1), PLAN)
    assert (first.kind, first.where, first.amount) == ("load", "A", pytest.approx(5 / 4.5 - 1.1))
    assert sentence(first) == "Team A: the load is 5.0, +11.1% of its target of 4.5; allowed is 10.0%."
    assert (second.kind, second.where) == ("load", "B")
    (hardly, _) = check(grid(3, 3, tolerance=1 / 9 - 1e-4), PLAN)
    assert sentence(hardly).endswith("+11.1% of its target of 4.5; allowed is 11.1%, just passed.")


def test_base_load_counts(grid: GridMaker) -> None:
    assert check(grid(3, 3, base_load=[0.0, 1.0]), PLAN) == ()


def test_a_further_measure_has_limits_of_its_own(grid: GridMaker) -> None:
    clients = Measure("clients", np.where(PLAN == 0, 3.0, 1.0), np.ones(2), 0.2)
    violations = check(grid(3, 3, tolerance=0.2, further=(clients,)), PLAN)
    assert [(v.kind, v.where) for v in violations] == [("measure", "A"), ("measure", "B")]
    assert [v.amount for v in violations] == pytest.approx([15 / 9.5 - 1.2, 0.8 - 4 / 9.5])
    assert "load of clients is 15.0" in sentence(violations[0])


@pytest.mark.parametrize(
    ("plan", "kind", "where", "amount", "text"),
    [
        ([0, 0, 1, 0, 0, 1, 1, 1, 0], "pieces", "A", 1.0, "The area of team A is in 2 pieces."),
        ([0, 1, 0, 1, 1, 1, 0, 1, 0], "pieces", "A", 3.0, "The area of team A is in 4 pieces."),
        ([0] * 9, "empty", "B", 1.0, "Team B has no units."),
        ([0, 0, 1, 0, -1, 1, 0, 1, 1], "unassigned", "11", 1.0, "Unit 11 has no team."),
        ([0, 0, 1, 0, 2, 1, 0, 1, 1], "unassigned", "11", 1.0, "Unit 11 has no team."),
        ([0, 0, 1], "shape", "plan", 6.0, "The plan has 6 units too many or too few for the problem."),
    ],
)
def test_broken_shapes(grid: GridMaker, plan: list[int], kind: str, where: str, amount: float, text: str) -> None:
    found = check(grid(3, 3, tolerance=1.0), plan)
    assert (kind, where, amount, text) in [(v.kind, v.where, v.amount, sentence(v)) for v in found]


def test_a_load_above_and_one_below_are_told_by_how_much(grid: GridMaker) -> None:
    """Targets 6 and 3; loads 5 and 4: A is 1/6 of its target short, B 1/3 over, 10% of each is allowed."""
    low, high = check(grid(3, 3, capacity=[2.0, 1.0], tolerance=0.1), PLAN)
    assert (low.where, low.amount, low.load, low.target) == ("A", pytest.approx(1 / 6 - 0.1), 5.0, pytest.approx(6.0))
    assert (high.where, high.amount, high.load) == ("B", pytest.approx(1 / 3 - 0.1), 4.0)
    assert sentence(low) == "Team A: the load is 5.0, -16.7% of its target of 6.0; allowed is 10.0%."


def test_a_team_without_target_may_have_no_load(grid: GridMaker) -> None:
    """A measure of which there is nothing has target 0: any limit holds. With some of it in one unit a load shows."""
    nothing = Measure("clients", np.zeros(9), np.ones(2), 0.1)
    assert check(grid(3, 3, tolerance=0.2, further=(nothing,)), PLAN) == ()


def test_a_base_load_counts_in_load_and_target(grid: GridMaker) -> None:
    """Nine units and base loads of 0 and 3 make 12, targets 4 and 8: loads 5 and 4 + 3 are 25% over and 12.5% under.
    Travel and moved stay shares of the demand of 9."""
    changes = {"office_xy_m": [[0.0, 0.0], [2000.0, 2000.0]], "current": [1] * 9, "capacity": [1.0, 2.0]}
    problem = grid(3, 3, tolerance=0.1, base_load=[0.0, 3.0], **changes)
    over, under = check(problem, PLAN)
    assert (over.load, over.target, over.amount) == (5.0, pytest.approx(4.0), pytest.approx(0.15))
    assert (under.load, under.target, under.amount) == (7.0, pytest.approx(8.0), pytest.approx(0.025))
    alone = evaluate(problem.replace(base_load=None), PLAN)
    assert (evaluate(problem, PLAN).travel_km, evaluate(problem, PLAN).moved) == (alone.travel_km, alone.moved)


def test_a_violation_is_plain_facts_for_a_file(grid: GridMaker) -> None:
    facts = [v.facts() for v in check(grid(3, 3, tolerance=1.0), [0, 0, 1, 0, 0, 1, 1, 1, 0])]
    assert json.loads(json.dumps(facts)) == [{"kind": "pieces", "where": "A", "amount": 1.0}] * 1 + facts[1:]
    assert {Kind.PIECES, Kind.EMPTY} == BROKEN_AREAS  # the gate's name for them


def test_further_groupings_are_counted_and_priced_one_by_one(grid: GridMaker) -> None:
    """Rows are split in all three; columns in one (the middle one)."""
    groupings = {"ggz": [0, 0, 0, 1, 1, 1, 2, 2, 2], "wsp": [0, 1, 2] * 3}
    weights = Weights(0.0, groupings={"ggz": 2.0, "wsp": 5.0, "absent": 100.0})
    terms = evaluate(grid(3, 3, groupings=groupings, weights=weights), PLAN)
    assert terms.grouping_splits == {"ggz": 3, "wsp": 1}
    assert terms.objective == 11.0


def test_a_table_of_distances_replaces_straight_lines(grid: GridMaker) -> None:
    km = np.arange(18.0).reshape(9, 2)
    problem = grid(3, 3, distance_table_km=km, office_xy_m=[[0.0, 0.0], [1.0, 1.0]], weights=Weights(1.0))
    assert evaluate(problem, PLAN).travel_km == pytest.approx(km[np.arange(9), PLAN].mean())
    assert problem.distance_km.tolist() == km.tolist()


def test_every_term_has_a_weight_a_figure_and_a_default() -> None:
    assert [term.name for term in TERMS] == [f.name for f in fields(Weights) if f.name != "groupings"]
    assert {term.figure for term in TERMS} == {f.name for f in fields(Terms)} - {"objective", "grouping_splits"}
    assert Config().weights.model_dump() == {term.name: term.usual for term in TERMS} | {"coverage": {}}


def test_pins_and_bars(grid: GridMaker) -> None:
    allowed = np.ones((9, 2), dtype=bool)
    allowed[8, 1] = False
    violations = check(grid(3, 3, tolerance=0.2, fixed=[1] + [-1] * 8, allowed=allowed), PLAN)
    assert [(v.kind, v.where, v.team) for v in violations] == [("pin", "00", "B"), ("bar", "22", "B")]
    assert [sentence(v) for v in violations] == [
        "Unit 00 is pinned to team B and is not in it.",
        "Unit 22 is in team B, which is barred from it.",
    ]


def test_pins_and_bars_of_the_first_team_count_as_those_of_another(grid: GridMaker) -> None:
    """02 is pinned to A and with B; 00 is with A, which is barred there."""
    allowed = np.ones((9, 2), dtype=bool)
    allowed[0, 0] = False
    violations = check(grid(3, 3, tolerance=0.2, fixed=[-1, -1, 0] + [-1] * 6, allowed=allowed), PLAN)
    assert sorted((v.kind, v.where, v.team) for v in violations) == [("bar", "00", "A"), ("pin", "02", "A")]


def test_a_unit_without_a_team_is_not_barred_from_the_last_one(grid: GridMaker) -> None:
    """The middle unit has no team, and B is barred there: it is told once."""
    allowed = np.ones((9, 2), dtype=bool)
    allowed[4, 1] = False
    found = check(grid(3, 3, tolerance=1.0, allowed=allowed), [0, 0, 1, 0, -1, 1, 0, 1, 1])
    assert [(v.kind, v.where) for v in found if v.where == "11"] == [("unassigned", "11")]


def test_a_number_that_is_no_team_is_told_where_teams_are_barred_too(grid: GridMaker) -> None:
    found = check(grid(3, 3, tolerance=1.0, allowed=np.ones((9, 2), dtype=bool)), [0, 0, 1, 0, 2, 1, 0, 1, 1])
    assert [(v.kind, v.where) for v in found] == [("unassigned", "11")]


def test_every_team_is_looked_at_also_after_one_that_is_wrong_or_right(grid: GridMaker) -> None:
    """A has nothing, and B two units that do not touch. Then A has 5 of a target of 4.5, within 12%, and B 3."""
    found = check(grid(3, 3, tolerance=1.0), [1, -1, 1, -1, -1, -1, -1, -1, -1])
    assert [(v.kind, v.where) for v in found if v.kind in BROKEN_AREAS] == [("empty", "A"), ("pieces", "B")]
    found = check(grid(3, 3, tolerance=0.12), [0, 0, -1, *PLAN[3:]])
    assert [(v.kind, v.where, v.load) for v in found] == [("unassigned", "02", None), ("load", "B", 3.0)]


def test_without_demand_shares_are_zero(grid: GridMaker) -> None:
    problem = grid(3, 3, demand=np.zeros(9), current=PLAN, office_xy_m=[[0.0, 0.0], [1.0, 1.0]])
    assert evaluate(problem, 1 - PLAN).moved == 0
    assert check(problem, PLAN) == ()
