"""Territories that overlap or cover a unit in part: by hand, against the definition, and solved to the optimum."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.districting import InstanceError, Stop, Weights, check, evaluate, read_instance, solve, write_instance
from allocation.districting.bound import lower_bound, solve_exact
from allocation.districting.coverage import STEPS, coverage_cost, groupings_of, named
from allocation.districting.problem import Problem
from tests.unit.districting.conftest import make_grid


def priced(n: int, rows: list[tuple[int, int, float]], plan: list[int]) -> float:
    """What the groupings of the rows (unit, partner, share) cost under a plan, at a price of 1."""
    unit, partner, share = (np.array(column) for column in zip(*rows, strict=True))
    cost = 0.0
    for codes, part in groupings_of(n, unit, partner, share):
        inside = codes >= 0
        pairs = {(c, t) for c, t in zip(codes[inside].tolist(), np.array(plan)[inside].tolist(), strict=True)}
        cost += part * (len(pairs) - len(set(codes[inside].tolist())))
    return cost


def test_a_whole_partner_costs_its_teams_less_one() -> None:
    """Partner 0 has units 0, 1 and 2, partner 1 has unit 3. Three teams in 0: two too many; 1 is never split."""
    rows = [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 1.0), (3, 1, 1.0)]
    assert priced(4, rows, [0, 1, 2, 2]) == 2.0
    assert priced(4, rows, [0, 0, 0, 1]) == 0.0


def test_a_team_counts_for_the_largest_share_that_it_has_of_a_partner() -> None:
    """Shares 1, 0.7 and 0.2 in three units. Alone in its team the last costs 0.2, the middle one 0.7; the first is the
    partner's main team. With the last two together: the larger of 0.7 and 0.2."""
    rows = [(0, 0, 1.0), (1, 0, 0.7), (2, 0, 0.2)]
    assert priced(3, rows, [0, 0, 1]) == pytest.approx(0.2)
    assert priced(3, rows, [0, 1, 0]) == pytest.approx(0.7)
    assert priced(3, rows, [0, 1, 1]) == pytest.approx(0.7)
    assert priced(3, rows, [0, 1, 2]) == pytest.approx(0.9)


def test_partners_that_overlap_are_priced_each_by_itself() -> None:
    """Unit 1 is shared by two partners, 0.5 each: dividing 0 | 1 2 costs the first 0.5, dividing 0 1 | 2 the second."""
    rows = [(0, 0, 1.0), (1, 0, 0.5), (1, 1, 0.5), (2, 1, 1.0)]
    assert priced(3, rows, [0, 1, 1]) == pytest.approx(0.5)
    assert priced(3, rows, [0, 0, 1]) == pytest.approx(0.5)
    assert priced(3, rows, [0, 1, 2]) == pytest.approx(1.0)


def test_whole_territories_beside_each_other_need_one_grouping() -> None:
    rows = np.array([0, 1, 2, 3, 4]), np.array([0, 0, 1, 1, 2]), np.ones(5)
    ((codes, part),) = groupings_of(6, *rows)
    assert part == 1.0
    assert codes.tolist() == [0, 0, 1, 1, -1, -1]  # a partner in one unit cannot be split


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_groupings_cost_what_the_definition_says(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    pairs = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, 3)), min_size=1, unique=True))
    rows = [(u, p, data.draw(st.integers(1, STEPS)) / STEPS) for u, p in pairs]
    plan = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    unit, partner, share = (np.array(column) for column in zip(*rows, strict=True))
    assert priced(n, rows, plan) == pytest.approx(coverage_cost(np.array(plan), unit, partner, share))


def with_kinds(problem: Problem, kinds: dict[str, tuple[list[tuple[int, int, float]], float]]) -> Problem:
    groupings, prices = {}, {}
    for kind, (rows, price) in kinds.items():
        unit, partner, share = (np.array(column) for column in zip(*rows, strict=True))
        for name, (codes, part) in named(kind, groupings_of(problem.n, unit, partner, share)).items():
            groupings[name], prices[name] = codes, price * part
    weights = Weights(travel=0.0, cut_edges=problem.weights.cut_edges, groupings=prices)
    return problem.replace(groupings=groupings, weights=weights)


@pytest.mark.parametrize("seed", range(12))
def test_search_bound_and_exact_search_agree_with_every_plan_for_three_kinds(seed: int) -> None:
    """A grid of 3 x 3 over three teams, three kinds of overlapping partners with shares: the cheapest of all 19,683
    plans by the definition is what exact search finds, no bound is above it, and the search is not below it."""
    rng = np.random.default_rng(seed)
    rows = {kind: _random_rows(rng) for kind in ("ggz", "ziekenhuis", "wsp")}
    prices = {"ggz": 1.0, "ziekenhuis": 0.5, "wsp": 2.0}
    problem = with_kinds(
        make_grid(3, 3, 3, tolerance=0.4, weights=Weights(travel=0.0, cut_edges=0.25)),
        {kind: (rows[kind], price) for kind, price in prices.items()},
    )

    def cost(plan: np.ndarray) -> float:
        cut = (plan[problem.edges[:, 0]] != plan[problem.edges[:, 1]]).sum()
        of_kinds = 0.0
        for kind, price in prices.items():
            unit, partner, share = (np.array(column) for column in zip(*rows[kind], strict=True))
            of_kinds += price * coverage_cost(plan, unit, partner, share)
        return 0.25 * float(cut) + of_kinds

    every = (np.array(plan) for plan in itertools.product(range(3), repeat=9))
    best = min(cost(plan) for plan in every if not check(problem, plan))
    exact = solve_exact(problem)
    assert exact.plan is not None
    assert cost(exact.plan) == pytest.approx(best)
    assert evaluate(problem, exact.plan).objective == pytest.approx(best)
    assert lower_bound(problem, level="lp").value <= best + 1e-6
    found = solve(problem, Stop(seconds=None, iterations=20_000), seed=seed)
    assert found.objective == pytest.approx(cost(found.plan))
    assert found.lower_bound is not None
    assert found.lower_bound <= best + 1e-6 <= found.objective + 2e-6


def _random_rows(rng: np.random.Generator) -> list[tuple[int, int, float]]:
    """Of each of nine units: a whole partner, two that share it, a part of one, or none."""
    rows = []
    for unit in range(9):
        first, second = rng.permutation(4)[:2]
        shares = [(1.0,), (0.3, 0.6), (0.5,), ()][rng.integers(0, 4)]
        rows += [(unit, int(p), s) for p, s in zip((first, second), shares, strict=False)]
    return rows or [(0, 0, 1.0)]


# --- a bare instance -------------------------------------------------------------------------------------------------


def instance(folder: Path, coverage: str, prices: str) -> Path:
    """A row of four units over two teams that may differ 60%, with coverage and its prices."""
    write_instance(make_grid(1, 4, 2, tolerance=0.6), folder)
    (folder / "coverage.csv").write_text(coverage)
    toml = (folder / "problem.toml").read_text()
    (folder / "problem.toml").write_text(f"{toml}\n[coverage]\n{prices}\n")
    return folder


def test_a_bare_instance_is_divided_where_no_partner_is_split(tmp_path: Path) -> None:
    """Of 00 - 01 - 02 - 03 every cut costs one pair of neighbours. Hospital S has 00-02 whole, T has 03: 00-02 | 03. A
    GGZ that has a fifth of 02 and all of 03 would be split for 0.2 x 1."""
    text = (
        "unit,kind,provider,share\n00,ziekenhuis,S,1\n01,ziekenhuis,S,1\n02,ziekenhuis,S,1\n03,ziekenhuis,T,1\n"
        "02,ggz,G,0.2\n03,ggz,G,1\n"
    )
    problem = read_instance(instance(tmp_path, text, "ziekenhuis = 1.0\nggz = 1.0"))
    found = solve(problem, Stop(seconds=None, iterations=20_000))
    assert sorted(np.bincount(found.plan).tolist()) == [1, 3]
    assert found.plan[3] != found.plan[2]
    assert found.objective == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("coverage", "prices", "fault"),
    [
        ("unit,kind,provider\n09,ggz,G\n", "ggz = 1", "coverage.csv, row 2, column unit"),
        ("unit,kind,provider\n00,,G\n", "", "coverage.csv, row 2, column kind: is empty"),
        ("unit,kind,provider,share\n00,ggz,G,1.5\n", "ggz = 1", "coverage.csv, row 2, column share"),
        ("unit,kind,provider,share\n00,ggz,G,0\n", "ggz = 1", "coverage.csv, row 2, column share"),
        ("unit,kind,provider,share\n00,ggz,G,.7\n00,ggz,H,.7\n", "ggz = 1",
         "row 3, column share: the shares of unit and kind sum to 1.4"),
        ("unit,kind,provider\n00,ggz,G\n00,ggz,G\n", "ggz = 1", "occur in row 2 too"),
        ("unit,kind,provider\n00,ziekenhuis,G\n", "ziekenhus = 1", "no kind of that name; was ziekenhuis meant?"),
        ("unit,kind,provider\n00,ggz,G\n", "ggz = -1", "problem.toml, coverage.ggz"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_coverage_is_told(tmp_path: Path, coverage: str, prices: str, fault: str) -> None:
    with pytest.raises(InstanceError) as refused:
        read_instance(instance(tmp_path, coverage, prices))
    assert any(fault in sentence for sentence in refused.value.sentences), refused.value.sentences


def test_prices_without_the_file_are_refused_and_a_kind_without_price_is_told(tmp_path: Path) -> None:
    folder = instance(tmp_path, "unit,kind,provider\n00,ggz,G\n", "")
    remarks: list[str] = []
    read_instance(folder, remarks)
    assert any("kind ggz: has no price" in remark for remark in remarks)
    (folder / "coverage.csv").unlink()
    toml = (folder / "problem.toml").read_text()
    (folder / "problem.toml").write_text(f"{toml}ggz = 1\n")
    with pytest.raises(InstanceError, match=r"needs the file coverage\.csv"):
        read_instance(folder)


def test_an_empty_cell_of_a_priced_column_is_in_no_group(tmp_path: Path) -> None:
    folder = instance(tmp_path, "unit,kind,provider\n00,ggz,G\n", "")
    units = (folder / "units.csv").read_text().splitlines()
    units = [f"{row},{name}" for row, name in zip(units, ("police", "P", "", "", "P"), strict=True)]
    (folder / "units.csv").write_text("\n".join(units) + "\n")
    (folder / "problem.toml").write_text((folder / "problem.toml").read_text() + "\n[groupings]\npolice = 1\n")
    problem = read_instance(folder)
    assert problem.groupings["police"].tolist() == [0, -1, -1, 0]
    assert evaluate(problem, np.array([0, 1, 0, 0])).grouping_splits["police"] == 0
    write_instance(problem, tmp_path / "again")
    assert read_instance(tmp_path / "again").groupings["police"].tolist() == [0, -1, -1, 0]
