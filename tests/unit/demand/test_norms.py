"""Hours per product and productivity per team from finished work: a case on paper, and whether the truth is found."""

from __future__ import annotations

from itertools import product as pairs

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.demand import norms as estimates
from allocation.demand.norms import estimated_norms, fit, observations
from allocation.intake.example_history import HOURS_CV
from allocation.layers.work import product_norms
from tests.support.examples import examples

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


def norms_of(hours: dict[str, float]) -> pd.DataFrame:
    products = pd.DataFrame({"product": list(hours), "hours_verzekeringsarts": list(hours.values())}).assign(
        law="WIA", planned_stock_share=0.5, priority=1, hours_other=1.0, handled_by=None
    )
    return product_norms(products, Config())


def teams_of(fte: dict[str, float], productivity: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"team_id": list(fte), "fte_verzekeringsarts": list(fte.values())}).assign(
        productivity=productivity, valid_from=pd.Timestamp("2020-01-01"), valid_to=pd.NaT
    )


def finished(rows: list[tuple[str, str, int, float | None]]) -> pd.DataFrame:
    """Rows of (team, product, clients, hours) in December."""
    made = pd.DataFrame(rows, columns=["team_id", "product", "clients", "hours_verzekeringsarts"])
    return made.assign(month="2025-12", client_line="alle", lead_time_days=np.nan)


def world(
    seed: int, teams: int, *, records: bool, months: int = 12
) -> tuple[pd.DataFrame, dict[str, float], dict[str, float]]:
    """A country whose truth is known: factors on the hours of five products and on the productivity of teams."""
    draw = np.random.default_rng(seed)
    hours = {"A": 4.0, "B": 1.0, "C": 2.5, "D": 0.5, "E": 6.0}
    of_product = {code: float(np.exp(draw.normal(0, 0.12))) for code in hours}
    of_team = {f"T{i:03d}": float(np.exp(draw.normal(0, 0.1))) for i in range(teams)}
    rows = []
    for team, factor in of_team.items():
        part = draw.dirichlet(np.full(5, 4.0))
        for (code, each), share in zip(hours.items(), part, strict=True):
            real = each * of_product[code] / factor
            mean = share * 3 * 100 * months / real
            clients = max(1, int(draw.poisson(mean)))
            spent = draw.gamma(clients / HOURS_CV**2, real * HOURS_CV**2)
            rows.append((team, code, clients, spent if records else None))
    return finished(rows), of_product, of_team


def test_exact_hours_of_two_teams_and_two_products_on_paper() -> None:
    """Both teams have productivity 1 in use. X takes 4 hours in use, Y 2. With very many clients nothing is noise:
    F: 1,000,000 X in 4,400,000 hours and as many Y in 1,800,000 (factors 1.1 and 0.9); S the same times 1.25.
    Team S is slower than F by 1.25 in everything: ratio of productivities 0.8. X against Y: 1.1 / 0.9."""
    million = 1_000_000
    rows = [
        ("F", "X", million, 4.4e6),
        ("F", "Y", million, 1.8e6),
        ("S", "X", million, 5.5e6),
        ("S", "Y", million, 2.25e6),
    ]
    found = estimated_norms(finished(rows), norms_of({"X": 4.0, "Y": 2.0}), teams_of({"F": 1.0, "S": 1.0}), 1200)
    of_team = found.dropna(subset=["team_id"]).set_index("team_id")["estimate"]
    of_product = found.dropna(subset=["product"]).set_index("product")["estimate"]
    assert of_team["S"] / of_team["F"] == pytest.approx(0.8, rel=0.03)
    assert (of_product["X"] / 4.0) / (of_product["Y"] / 2.0) == pytest.approx(1.1 / 0.9, rel=0.03)
    assert of_product["X"] / of_team["F"] == pytest.approx(4.4, rel=0.02)
    assert found.set_index("team_id")["worked_share"]["F"] == pytest.approx(6.2e6 / (1200 / 12))


def test_one_client_moves_nothing() -> None:
    """One client in four times the hours is no reason to doubt a norm."""
    found = estimated_norms(finished([("F", "X", 1, 16.0)]), norms_of({"X": 4.0}), teams_of({"F": 1.0}), 1200)
    assert found["estimate"].to_numpy() / found["in_use"].to_numpy() == pytest.approx(1.0, abs=0.2)
    assert not found["disagrees"].any()


@pytest.mark.parametrize("records", [True, False])
def test_the_truth_is_found_and_the_interval_is_honest(records: bool) -> None:
    """Over ten countries of 60 teams: errors at most a third (half without recorded hours) of those of the values in
    use, and about 80% within the interval."""
    errors, naive, inside, told, wrong = [], [], [], 0, 0
    for seed in range(10):
        rows, of_product, of_team = world(seed, 60, records=records)
        found = estimated_norms(
            rows.assign(month="2025-12"), norms_of({"A": 4.0, "B": 1.0, "C": 2.5, "D": 0.5, "E": 6.0}),
            teams_of(dict.fromkeys(of_team, 36.0)), 1200,
        )  # fmt: skip
        truth = found["product"].map(of_product).fillna(found["team_id"].map(of_team)) * found["in_use"]
        errors += list(np.log(found["estimate"] / truth))
        naive += list(np.log(found["in_use"] / truth))
        inside += list((truth >= found["low"]) & (truth <= found["high"]))
        told += int(found["disagrees"].sum())
        wrong += int((found["disagrees"] & ((truth / found["in_use"] - 1).abs() < 0.02)).sum())
    part = float(np.sqrt(np.mean(np.square(errors)) / np.mean(np.square(naive))))
    assert part < (0.33 if records else 0.55)
    assert 0.7 < np.mean(inside) < 0.92
    assert told > 100
    assert wrong < 0.05 * told


def test_teams_without_recorded_hours_count_by_the_hours_that_they_had() -> None:
    """T had 100 hours in the month and finished 20 clients of 4 hours: 80 hours of work, productivity 0.8 of the norm.
    (One team and one product: half of it may be the product's.)"""
    teams = teams_of({"T": 1.0})
    seen = observations(
        finished([("T", "X", 20, None)]), pd.Series({"X": 4.0}),
        pd.DataFrame({"productivity": [1.0], "hours": [100.0]}, index=["T"]),
    )  # fmt: skip
    assert seen.y == pytest.approx([np.log(100 / 80)])
    assert seen.size == pytest.approx([20.0])
    found = estimated_norms(finished([("T", "X", 20, None)]), norms_of({"X": 4.0}), teams, 1200)
    assert found.set_index("kind").loc["productivity", "estimate"] < 1
    assert found.set_index("kind").loc["hours", "estimate"] > 4


def test_a_team_that_served_half_of_a_month_had_half_of_its_hours() -> None:
    teams = teams_of({"T": 2.0}).assign(valid_to=pd.Timestamp("2025-11-15"))
    values = estimates._team_values(teams, ["2025-11", "2025-12"], 1200)
    assert values.loc["T", "hours"] == pytest.approx(200 / 2)


def test_only_the_last_twelve_months_count() -> None:
    rows = pd.concat([finished([("T", "X", 9, 36.0)]).assign(month=month) for month in [*MONTHS, "2026-01"]])
    found = estimated_norms(rows, norms_of({"X": 4.0}), teams_of({"T": 1.0}), 1200)
    assert found["clients"].tolist() == [108, 108]


@settings(deadline=None, max_examples=examples(4))
@given(st.integers(0, 10_000), st.floats(0.5, 2.0))
def test_hours_recorded_in_another_unit_of_time_move_products_and_not_teams(seed: int, factor: float) -> None:
    """All hours times a factor: the order of teams stays, and hours per product move the same way."""
    rows, _, of_team = world(seed, 12, records=True, months=3)
    norms, teams = norms_of({"A": 4.0, "B": 1.0, "C": 2.5, "D": 0.5, "E": 6.0}), teams_of(dict.fromkeys(of_team, 3.0))
    one = estimated_norms(rows, norms, teams, 1200)
    other = estimated_norms(
        rows.assign(hours_verzekeringsarts=rows["hours_verzekeringsarts"] * factor), norms, teams, 1200
    )
    moved = np.log(other["estimate"] / one["estimate"])
    assert (moved[one["kind"] == "hours"] * np.log(factor) >= -1e-3).all()


def test_the_closed_solution_is_that_of_the_whole_system() -> None:
    """Slow and obvious: the covariance matrix of all observations, inverted."""
    rows, _, of_team = world(3, 7, records=True)
    hours = pd.Series({"A": 4.0, "B": 1.0, "C": 2.5, "D": 0.5, "E": 6.0})
    in_use = pd.DataFrame({"productivity": 1.0, "hours": 3600.0}, index=sorted(of_team))
    seen = observations(rows, hours, in_use)
    log_sds = np.log([0.2, 0.1, 0.4, 0.03])
    minus, found = estimates._solved(seen, log_sds)
    product, team, client, mixed = np.exp(2 * log_sds)
    z = np.zeros((len(seen.y), 7))
    z[np.arange(len(seen.y)), seen.team] = -1.0
    noise = client / seen.size + mixed
    y = seen.y + client / (2 * seen.size)
    v = product * seen.mix @ seen.mix.T + team * z @ z.T + np.diag(noise)
    assert found.product == pytest.approx(product * seen.mix.T @ np.linalg.solve(v, y))
    assert found.team == pytest.approx(team * z.T @ np.linalg.solve(v, y))
    assert minus == pytest.approx(0.5 * (np.linalg.slogdet(v)[1] + y @ np.linalg.solve(v, y)))
    variance = team * np.eye(7) - team**2 * z.T @ np.linalg.solve(v, z)
    assert found.team_sd == pytest.approx(np.sqrt(np.diag(variance)))
    assert len(list(pairs(hours.index, of_team))) == len(seen.y)
    assert isinstance(fit(seen).product, np.ndarray)


def test_nothing_finished_tells_nothing() -> None:
    none = finished([("T", "X", 0, None)])
    assert estimated_norms(none, norms_of({"X": 4.0}), teams_of({"T": 1.0}), 1200).empty
