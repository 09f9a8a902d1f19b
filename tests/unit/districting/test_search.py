"""The parts of the search, each against a count from scratch."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.districting import Measure, Weights, check, evaluate
from allocation.districting.annealing import Annealer, Clock, Found, Schedule
from allocation.districting.construct import aside, complete, grown, relax
from allocation.districting.improve import Search
from allocation.districting.kernels import loose_pieces, objective, rebuild, violation
from allocation.districting.multilevel import coarsen, majority, sizes
from allocation.districting.plan import build_model, canonical, new_state, restricted
from allocation.districting.problem import Problem
from allocation.districting.recombine import best_of, merged, neighbouring, regrouped
from allocation.districting.solve import _temperatures
from tests.unit.districting.conftest import GridMaker


def rich(grid: GridMaker) -> Problem:
    """A 6 x 6 grid with every price and a further measure."""
    rng = np.random.default_rng(3)
    return grid(
        6,
        6,
        teams=3,
        demand=rng.integers(1, 9, 36),
        tolerance=0.2,
        capacity=[1.0, 1.2, 0.9],
        office_xy_m=rng.uniform(0, 5000, (3, 2)),
        municipality=np.arange(36) // 9,
        care_region=np.arange(36) % 6 // 3,
        current=rng.integers(-1, 3, 36),
        weights=Weights(1.0, 0.3, 0.2, 0.5, 0.7, 5.0),
        further=(Measure("clients", rng.integers(1, 5, 36), np.ones(3), 0.4),),
    )


def test_the_books_are_right_after_annealing(grid: GridMaker) -> None:
    problem = rich(grid)
    model = build_model(problem)
    annealer = Annealer(model, 1, Clock(None, np.inf), Schedule())
    found = annealer.run(grown(model, annealer.rng), 20_000, 1.0)
    assert found.over == 0
    assert check(problem, found.plan) == ()
    assert found.value == pytest.approx(evaluate(problem, found.plan).objective)
    state, kept = annealer.state, [a.copy() for a in annealer.state[1:4]]
    rebuild(model, state)
    for before, after in zip(kept, state[1:4], strict=True):
        assert before == pytest.approx(after)


def test_a_run_without_room_cools_as_fast_as_it_must(grid: GridMaker) -> None:
    """Cut short by the clock it is the run that was asked to be so short, not the hot beginning of a longer one."""
    model = build_model(rich(grid))
    start = grown(model, np.random.default_rng(1))
    asked = Annealer(model, 1, Clock(None, np.inf), Schedule())
    hastened = Annealer(model, 1, Clock(None, 120_000), Schedule())
    wanted = asked.run(start, 120_000, 1.0)
    found = hastened.run(start, 5_000_000, 1.0)
    assert (hastened.iterations, hastened.clock.has_hastened) == (120_000, True)
    assert not asked.clock.has_hastened
    assert (found.plan == wanted.plan).all()
    assert Clock(0.0, np.inf).room(np.inf) == 0


def test_some_teams_by_themselves_cost_as_much_more_or_less_as_in_the_whole(grid: GridMaker) -> None:
    """Every flip between teams 0 and 2 changes objective and loads of the part as it does those of the whole."""
    problem = rich(grid)
    model = build_model(problem)
    plan = grown(model, np.random.default_rng(5))
    teams = np.array([0, 2])
    units = np.flatnonzero(np.isin(plan, teams))
    part = restricted(model, units, teams)
    whole_state, part_state = new_state(model, 1), new_state(part, 1)

    def books(units_in_first: np.ndarray) -> tuple[float, np.ndarray, float, np.ndarray]:
        whole_state.plan[:] = plan
        whole_state.plan[units] = np.where(units_in_first, 0, 2)
        part_state.plan[:] = np.where(units_in_first, 0, 1)
        rebuild(model, whole_state)
        rebuild(part, part_state)
        return objective(model, whole_state), whole_state.load[:, teams], objective(part, part_state), part_state.load

    before = books(plan[units] == 0)
    for flipped in range(len(units)):
        now = books((plan[units] == 0) ^ (np.arange(len(units)) == flipped))
        assert now[0] - before[0] == pytest.approx(now[2] - before[2])
        assert now[1] == pytest.approx(now[3])


def test_the_relaxation_gives_teams_in_one_office_a_side_each(grid: GridMaker) -> None:
    """Two teams in the middle of a strip may get any unit; set aside, one of them gets the left half."""
    problem = grid(2, 6, office_xy_m=[[2500.0, 500.0]] * 2, weights=Weights(travel=1.0))
    model = build_model(problem)
    change = aside(problem, problem.xy_m, problem.demand)
    assert change.sum(axis=1) == pytest.approx(np.zeros(12), abs=0.01)  # what one gains the other loses, nearly
    plan = relax(model._replace(cost=model.cost + change))
    assert plan is not None
    assert sorted({tuple(plan[problem.xy_m[:, 0] < 2500]), tuple(plan[problem.xy_m[:, 0] > 2500])}) == [
        (0,) * 6,
        (1,) * 6,
    ]
    alone = problem.replace(office_xy_m=[[0.0, 0.0], [5000.0, 0.0]])
    assert not aside(alone, alone.xy_m, alone.demand).any()


def test_a_level_is_not_done_before_its_plan_is_within_limits(grid: GridMaker) -> None:
    """One unit has all the weight: two runs in a row gain nothing, and still the time is used to look for balance."""
    model = build_model(grid(4, 4, demand=[100] + [1] * 15, tolerance=0.1))
    annealer = Annealer(model, 1, Clock(None, 2_000_000), Schedule())
    search = Search(None, annealer, [], 0.0, Schedule().hot)
    search.refine(annealer, np.repeat([0, 1], 8))
    assert not search.is_done
    assert annealer.clock.is_up()
    balanced = Annealer(build_model(grid(4, 4)), 1, Clock(None, 2_000_000), Schedule())
    search.refine(balanced, np.repeat([0, 1], 8))
    assert search.is_done


def test_load_runs_down_the_prices_through_a_full_team(grid: GridMaker) -> None:
    """A row of 100 units, teams of 18 to 22: what the first has too much must pass three full teams.

    All offices are to the left, one kilometre apart: wherever a unit lies, the next team is 1 km nearer. So the last
    two are best full, the first two at their least, and the middle one has the rest.
    """
    problem = grid(1, 100, teams=5, tolerance=0.1, weights=Weights(travel=1.0))
    far = [[-1000.0 * (5 - t), 0.0] for t in range(5)]
    model = build_model(problem.replace(office_xy_m=far))
    annealer = Annealer(model, 1, Clock(None, 1_000_000), Schedule())
    start = np.repeat(np.arange(5), [26, 22, 22, 22, 8])
    annealer.balance(start, annealer.clock, None)
    assert annealer.found is not None
    assert annealer.found.over <= 0
    assert np.bincount(annealer.found.plan).tolist() == [18, 18, 20, 22, 22]
    assert annealer.clock.is_up()
    assert (np.diff(annealer.state.price[0]) >= 0).all()


def test_a_price_follows_its_limit_and_never_passes_zero(grid: GridMaker) -> None:
    """Two teams of 3 and 3, tolerance a third: 2 to 4 units each."""
    model = build_model(grid(1, 6, teams=2, tolerance=1 / 3))
    annealer = Annealer(model, 1, Clock(None, 1), Schedule())

    def raised(plan: list[int], price: list[float]) -> list[float]:
        annealer.state.plan[:] = plan
        rebuild(model, annealer.state)
        annealer.state.price[:] = price
        annealer._raise_prices(model, 9.0)  # 9 x (1/3)^2: one for each unit too many
        return [round(float(p), 6) for p in annealer.state.price[0]]

    assert raised([0, 0, 0, 1, 1, 1], [0, 0]) == [0, 0]
    assert raised([0, 0, 0, 0, 0, 1], [0, 0]) == [1, -1]
    assert raised([0, 0, 0, 0, 0, 1], [2, -0.5]) == [3, -1.5]
    assert raised([0, 0, 0, 1, 1, 1], [2.5, -0.5]) == [1.5, 0]


def test_violation_is_in_parts_of_the_target(grid: GridMaker) -> None:
    """Six units, targets 3 and 3, 5 and 1: both are 2/3 of a target beyond, less the tolerance of 0.1."""
    model = build_model(grid(2, 3, tolerance=0.1))
    state = new_state(model, 1)
    state.plan[:] = [0, 0, 0, 0, 0, 1]
    rebuild(model, state)
    assert violation(model, state) == pytest.approx(2 * (2 / 3 - 0.1))
    assert objective(model, state) == 2


def test_loose_pieces_and_empty_teams_are_counted(grid: GridMaker) -> None:
    model = build_model(grid(1, 5, teams=3))
    state = new_state(model, 1)
    state.plan[:] = [0, 1, 0, 1, 0]
    rebuild(model, state)
    assert loose_pieces(model, state) == 2 + 1 + 1


def test_the_order_of_rows_and_names_leave_no_trace(grid: GridMaker) -> None:
    problem = rich(grid)
    rng = np.random.default_rng(1)
    units, teams = rng.permutation(36), rng.permutation(3)
    unit_at, team_at = np.argsort(units), np.append(np.argsort(teams), -1)
    other = problem.replace(
        unit_ids=tuple(f"x{i}" for i in range(36)),
        team_ids=("q", "r", "s"),
        xy_m=problem.xy_m[units],
        demand=problem.demand[units],
        edges=unit_at[problem.edges][::-1],
        capacity=problem.capacity[teams],
        office_xy_m=problem.office_xy_m[teams],  # type: ignore[index]
        municipality=5 - problem.municipality[units],  # type: ignore[index]
        care_region=problem.care_region[units],  # type: ignore[index]
        current=team_at[problem.current[units]],  # type: ignore[index]
        further=(Measure("clients", problem.further[0].amount[units], np.ones(3), 0.4),),
    )
    first, second = canonical(problem)[0], canonical(other)[0]
    for name in ("xy_m", "demand", "edges", "capacity", "office_xy_m", "municipality", "care_region", "current"):
        assert (getattr(first, name) == getattr(second, name)).all(), name


def test_the_relaxation_gives_each_unit_its_nearest_office_when_balance_allows(grid: GridMaker) -> None:
    problem = grid(1, 6, office_xy_m=[[0.0, 0.0], [5000.0, 0.0]], weights=Weights())
    assert relax(build_model(problem)).tolist() == [0, 0, 0, 1, 1, 1]  # type: ignore[union-attr]
    impossible = problem.replace(demand=[9.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    model = build_model(impossible.replace(allowed=np.tile([[True, False]], (6, 1))))
    assert relax(model) is None


def test_pinned_units_are_joined_by_a_way_of_their_own(grid: GridMaker) -> None:
    """A is pinned to both ends of the upper row of 2 x 5, B to the middle below: A must go over the top.

    A . . . A
    . . B . .
    """
    problem = grid(2, 5, fixed=[0, -1, -1, -1, 0, -1, -1, 1, -1, -1])
    model = build_model(problem)
    for seed in range(5):
        plan = complete(model, np.ones(10, dtype=np.int64), np.random.default_rng(seed))
        assert plan[:5].tolist() == [0, 0, 0, 0, 0]
        assert [v.kind for v in check(problem.replace(tolerance=1.0), plan)] == []


def test_completing_keeps_the_largest_piece_and_gives_every_team_units(grid: GridMaker) -> None:
    model = build_model(grid(1, 7, teams=3, tolerance=1.0))
    plan = complete(model, np.array([0, 0, 0, 1, 1, 0, 1]), np.random.default_rng(1))
    assert sorted(set(plan.tolist())) == [0, 1, 2]
    assert plan[5] != 0


def test_a_coarse_plan_costs_what_it_costs_in_full(grid: GridMaker) -> None:
    model = build_model(rich(grid))
    coarse, code = coarsen(model, 12)
    assert len(coarse.cost) < 24
    for group in model.group:
        assert all(len(set(group[code == c])) == 1 for c in range(len(coarse.cost)))
    plan = np.random.default_rng(5).integers(0, 3, len(coarse.cost))
    values = []
    for each, chosen in ((coarse, plan), (model, plan[code])):
        state = new_state(each, 1)
        state.plan[:] = chosen
        rebuild(each, state)
        values.append((objective(each, state), violation(each, state), loose_pieces(each, state)))
    assert values[0] == pytest.approx(values[1])


def test_levels_fall_evenly_and_majorities_rule() -> None:
    levels = [460_000, *sizes(460_000, 170, 1_500)]
    assert max(levels[i] / levels[i + 1] for i in range(len(levels) - 1)) < 8.5
    assert levels[-1] == 120 * 170
    code, team = np.array([0, 0, 0, 1]), np.array([2, 1, 1, -1])
    assert majority(code, team, np.array([5.0, 1.0, 1.0, 1.0]), 2).tolist() == [2, -1]


def test_merging_finds_what_each_of_two_plans_half_has(grid: GridMaker) -> None:
    """2 x 6 in three teams; each plan is straight at one border and crooked at the other."""
    problem = grid(2, 6, teams=3, tolerance=0.5)
    left = np.array([0, 0, 1, 1, 1, 2, 0, 0, 1, 1, 2, 2])
    right = np.array([0, 0, 0, 1, 2, 2, 0, 1, 1, 1, 2, 2])
    outcome = best_of(problem, merged(problem, [left, right]), left, 1000, None)
    assert outcome.is_settled
    assert outcome.plan is not None
    assert outcome.plan.tolist() == [0, 0, 1, 1, 2, 2] * 2
    assert evaluate(problem, outcome.plan).cut_edges == 4


def test_regrouping_leaves_other_teams_alone(grid: GridMaker) -> None:
    problem = grid(1, 6, teams=3)
    plan = np.array([0, 0, 1, 1, 2, 2])
    options = regrouped(problem, plan, np.array([0, 1]))
    assert options[4].tolist() == [False, False, True]
    assert options[0].tolist() == [True, True, False]
    assert neighbouring(build_model(problem), plan, 0, 2, np.random.default_rng(1)).tolist() == [0, 1]


def search_of(problem: Problem, hot: tuple[float, ...], bases: int) -> Search:
    annealer = Annealer(build_model(problem), 1, Clock(None, 1e7), Schedule())
    plans = [np.repeat(np.arange(problem.k), problem.n // problem.k) for _ in range(bases)]
    return Search(problem, annealer, plans, 0.0, hot)


def test_the_first_round_cools_every_kind_of_start_from_every_temperature(grid: GridMaker) -> None:
    search = search_of(grid(4, 4, teams=4), hot=(0.5, 1.0, 2.0), bases=2)
    assert [hot for _, hot in search._starts(0)] == [0.5, 0.5, 1.0, 1.0, 2.0, 2.0]


def test_later_rounds_have_one_of_these_in_turn(grid: GridMaker) -> None:
    search = search_of(grid(4, 4, teams=4), hot=(0.5, 2.0), bases=1)
    search.annealer.value_of(search.bases[0])
    in_turn = [search._starts(round_) for round_ in range(1, 5)]
    assert [len(starts) for starts in in_turn] == [1] * 4
    assert [starts[0][1] for starts in in_turn] == [0.5, 2.0, 2.0, 0.5]  # two kinds of start at each temperature


def test_with_few_teams_later_rounds_also_cool_the_best_plan(grid: GridMaker) -> None:
    search = search_of(grid(4, 4, teams=2), hot=(0.5, 2.0), bases=1)
    best = search.annealer.value_of(search.bases[0])
    (_, fresh), (again, warm) = search._starts(1)
    assert (fresh, warm) == (0.5, search.annealer.schedule.warm)
    assert (again() == best.plan).all()


def test_hot_coolings_are_for_travel_that_no_division_in_force_holds(grid: GridMaker) -> None:
    offices = {"office_xy_m": np.array([[0.0, 0.0], [3000.0, 3000.0]])}
    now = {"current": np.repeat([0, 1], 8)}
    priced = {
        "travel": grid(4, 4, **offices, weights=Weights(1.0)),
        "moved": grid(4, 4, **offices, **now, weights=Weights(1.0, moved=20.0)),
        "moving is free": grid(4, 4, **offices, **now, weights=Weights(1.0)),
        "cut edges": grid(4, 4),
    }
    schedule = Schedule()
    assert {name: _temperatures(problem, schedule) for name, problem in priced.items()} == {
        "travel": schedule.hot_free,
        "moved": schedule.hot,
        "moving is free": schedule.hot_free,
        "cut edges": schedule.hot_unguided,
    }


@pytest.mark.parametrize(("iterations", "kept"), [(1e7, 3), (40_000, 1)])
def test_scouting_keeps_short_coolings_of_grown_plans_while_there_is_room(
    grid: GridMaker, iterations: float, kept: int
) -> None:
    problem = grid(6, 6, teams=3, tolerance=0.2)
    schedule = Schedule(scouts=3, first_run=20_000)
    annealer = Annealer(build_model(problem), 1, Clock(None, iterations), schedule)
    annealer.run(grown(annealer.model, annealer.rng), 20_000, 1.0)
    Search(problem, annealer, [], 0.0, schedule.hot_unguided)._scout()
    assert annealer.iterations == 20_000 * (1 + kept)


@pytest.mark.parametrize(
    ("effort", "over", "ends", "is_agreed"),
    [
        (1000, 0.0, [7.0, 9.0, 7.0000001, 7.0], True),
        (1000, 0.0, [7.0, 9.0, 7.0], False),  # two of them
        (1000, 0.0, [7.1, 7.1, 7.1, 7.1], False),  # the best plan came from elsewhere
        (1000, 0.1, [7.0, 7.0, 7.0], False),  # outside the limits
        (None, 0.0, [7.0, 7.0, 7.0], False),  # the clock ends the search
    ],
)
def test_coolings_agree_when_three_end_in_the_best_plan(
    grid: GridMaker, effort: int | None, over: float, ends: list[float], is_agreed: bool
) -> None:
    problem = grid(3, 3, teams=2)
    annealer = Annealer(build_model(problem), 1, Clock(None, 3000), Schedule())
    annealer.found = Found(np.zeros(9, np.int64), 7.0, over)
    search = Search(problem, annealer, [], 0.0, (0.5, 1.0), effort=effort)
    search.ends = ends
    assert search._is_agreed() is is_agreed


def test_with_an_effort_the_first_two_coolings_differ_in_plan_and_temperature(grid: GridMaker) -> None:
    problem = grid(3, 3, teams=2)
    bases = [np.zeros(9, np.int64), np.ones(9, np.int64)]
    temperatures = {}
    for effort in (None, 1000):
        annealer = Annealer(build_model(problem), 1, Clock(None, 3000), Schedule())
        starts = Search(problem, annealer, bases, 0.0, (0.5, 1.0), effort=effort)._starts(0)
        temperatures[effort] = [(start.__defaults__[0][0], hot) for start, hot in starts]  # type: ignore[attr-defined]
    assert temperatures[None] == [(0, 0.5), (1, 0.5), (0, 1.0), (1, 1.0)]
    assert temperatures[1000] == [(0, 0.5), (1, 1.0), (1, 0.5), (0, 1.0)]


def test_more_is_granted_for_a_plan_within_limits_than_for_a_better_one(grid: GridMaker) -> None:
    """Five times the effort at most, as without: three from the clock and two grants."""
    annealer = Annealer(build_model(grid(3, 3, teams=2)), 1, Clock(None, 3000), Schedule(in_doubt=3))
    search = Search(None, annealer, [], 0.0, (0.5,), effort=1000)
    assert (search.granted, search.grants) == (1000, 2)


def test_limits_come_before_the_objective() -> None:
    plan = np.zeros(1, dtype=np.int64)
    assert Found(plan, 1.0, 0.1).is_worse_than(5.0, 0.0)
    assert not Found(plan, 5.0, 0.0).is_worse_than(1.0, 0.1)
    assert Found(plan, 5.0, 0.0).is_worse_than(4.0, 0.0)


def test_only_tight_limits_without_guidance_alternate_with_pairs_of_moves(grid: GridMaker) -> None:
    """Sixteen units over two teams: at 1% the limits are 0.16 of a unit apart, at 5% 0.8. Offices guide the search."""
    offices = [[0.0, 0.0], [3000.0, 3000.0]]
    tight = Annealer(build_model(grid(4, 4, tolerance=0.01)), 1, Clock(None, 1e6), Schedule())
    assert tight.pairs_next is False
    tight.run(np.arange(16) // 8, 1000, 1.0)
    assert tight.pairs_next is True
    for loose in (grid(4, 4, tolerance=0.05), grid(4, 4, tolerance=0.01, office_xy_m=offices, weights=Weights(1.0))):
        assert Annealer(build_model(loose), 1, Clock(None, 1e6), Schedule()).pairs_next is None
