"""Intervals of sums of rows that share parts of their errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from allocation.demand.intervals import count_interval, team_interval


def work_rows(rows: list[tuple[str, str, str, float, float, float, float, float]]) -> pd.DataFrame:
    columns = ["team_id", "pc4", "product", "hours_verzekeringsarts", "hours_sd", "area", "region", "product_level"]
    frame = pd.DataFrame(rows, columns=columns).assign(
        client_line="alle", client_group="regulier", pw_client=False, rate_region="1", town="0001"
    )
    return frame.rename(
        columns={"area": "hours_sd_area", "region": "hours_sd_region", "product_level": "hours_sd_product"}
    ).assign(hours_sd_town=0.0, hours_sd_drift=0.0, hours_sd_country=0.0)


def spread(interval: pd.DataFrame) -> float:
    """Half the width of an 80% interval in standard deviations of the normal distribution."""
    return float((interval["hours_high"] - interval["hours_low"]).iloc[0]) / 2 / float(stats.norm.ppf(0.9))


class TestTeamInterval:
    def test_own_noise_adds_up_as_variances(self) -> None:
        """Two rows with sd 3 and 4: 5 together."""
        found = team_interval(work_rows([("A", "1001", "P", 500, 3, 0, 0, 0), ("A", "1002", "P", 500, 4, 0, 0, 0)]))
        assert spread(found) == pytest.approx(5, rel=1e-3)
        assert found.loc["A"].mean() == pytest.approx(1000, rel=1e-3)

    @pytest.mark.parametrize(
        ("kind", "other", "expected"),
        [
            ((3, 0, 0), ("1001", "Q"), 7.0),  # the same area, another product: the area's error is shared
            ((3, 0, 0), ("1002", "P"), 5.0),  # another area: it is not
            ((0, 3, 0), ("1002", "P"), 7.0),  # another area, the same product: the region's rate is shared
            ((0, 3, 0), ("1001", "Q"), 5.0),  # another product has another rate
            ((0, 0, 3), ("1002", "P"), 7.0),  # so is the product's level
            ((0, 0, 3), ("1002", "Q"), 5.0),
        ],
    )
    def test_shared_errors_add_up_as_standard_deviations(
        self, kind: tuple[float, float, float], other: tuple[str, str], expected: float
    ) -> None:
        """Errors of 3 and 4 are 7 together where they are the same error, else 5."""
        four = tuple(4.0 if sd else 0.0 for sd in kind)
        found = team_interval(work_rows([("A", "1001", "P", 500, 3, *kind), ("A", *other, 500, 4, *four)]))
        assert spread(found) == pytest.approx(expected, rel=1e-3)

    def test_regions_do_not_share_the_error_of_their_rates(self) -> None:
        rows = work_rows([("A", "1001", "P", 500, 3, 0, 3, 0), ("A", "2001", "P", 500, 4, 0, 4, 0)])
        assert spread(team_interval(rows.assign(rate_region=["1", "2"]))) == pytest.approx(5, rel=1e-3)

    def test_share_of_an_area(self) -> None:
        """A quarter of the clients: a quarter of the hours, half the own noise, a quarter of the shared error."""
        own = work_rows([("A", "1001", "P", 4000, 20, 0, 0, 0)]).assign(share=0.25)
        shared = work_rows([("A", "1001", "P", 4000, 20, 20, 0, 0)]).assign(share=0.25)
        assert spread(team_interval(own)) == pytest.approx(10, rel=1e-3)
        assert spread(team_interval(shared)) == pytest.approx(5, rel=1e-3)
        assert team_interval(own).loc["A"].mean() == pytest.approx(1000, rel=1e-3)

    def test_teams_apart_and_levels(self) -> None:
        rows = work_rows([("B", "1001", "P", 100, 10, 0, 0, 0), ("A", "1002", "P", 50, 5, 0, 0, 0)])
        narrow, wide = team_interval(rows, level=0.5), team_interval(rows, level=0.95)
        assert list(narrow.index) == ["A", "B"]
        assert (wide["hours_low"] < narrow["hours_low"]).all()
        assert (wide["hours_high"] > narrow["hours_high"]).all()

    def test_certain_and_empty_work(self) -> None:
        """Planned stock only has no spread; a team without work has the interval 0 to 0."""
        found = team_interval(work_rows([("A", "1001", "P", 100, 0, 0, 0, 0), ("B", "1002", "P", 0, 0, 0, 0, 0)]))
        assert found.to_numpy().tolist() == [[100, 100], [0, 0]]

    def test_small_and_uncertain_is_never_negative(self) -> None:
        found = team_interval(work_rows([("A", "1001", "P", 1, 5, 0, 0, 0)]))
        assert 0 <= found.loc["A", "hours_low"] < found.loc["A", "hours_high"]

    @pytest.mark.parametrize(
        ("part", "regions", "together"),
        [("drift", ["1", "1"], 7.0), ("drift", ["1", "2"], 5.0), ("country", ["1", "2"], 7.0)],
    )
    def test_drift_is_of_a_region_and_a_shock_of_the_country(
        self, part: str, regions: list[str], together: float
    ) -> None:
        """Whatever the product and the area: errors of 3 and 4 are 7 together where they are shared."""
        rows = work_rows([("A", "1001", "P", 500, 3, 0, 0, 0), ("A", "2001", "Q", 500, 4, 0, 0, 0)])
        rows = rows.assign(rate_region=regions, **{f"hours_sd_{part}": [3.0, 4.0]})
        assert spread(team_interval(rows)) == pytest.approx(together, rel=1e-3)


class TestCountInterval:
    def test_small_counts_have_the_quantiles_of_the_negative_binomial(self) -> None:
        """Mean 1.2, variance 1.2 (Poisson): P(0) = 0.30, P(up to 2) = 0.88, P(up to 3) = 0.966: the
        tenth percentile is 0, the ninetieth 3. A mean of 20 keeps the Gamma."""
        low, high = count_interval(np.array([1.2, 20.0, 0.0]), np.array([1.2, 30.0, 0.0]), 0.8)
        assert low.tolist()[0] == 0
        assert high.tolist()[0] == stats.poisson.ppf(0.9, 1.2) == 3
        assert (low[2], high[2]) == (0, 0)
        assert high[1] == pytest.approx(stats.gamma.ppf(0.9, 20**2 / 30, scale=1.5))
