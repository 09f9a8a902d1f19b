"""The backtest: its scores by hand, and what it says about the estimate on real geography."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract.errors import Refused
from allocation.demand import backtest, trend
from allocation.demand.history import History
from allocation.demand.intervals import SHARED
from allocation.demand.shrinkage import fit
from allocation.intake import example
from geodata import DEFAULT_CACHE, load_boundaries


def rows_of(months: range) -> pd.DataFrame:
    names = [f"{2024 + month // 12}-{month % 12 + 1:02d}" for month in months]
    same = {
        "pc4": "1001",
        "product": "P",
        "client_line": "alle",
        "client_group": "regulier",
        "pw_client": False,
        "clients": 2,
    }
    return pd.DataFrame({"month": names}).assign(**same)


class TestByHand:
    def test_last_year_is_held_out(self) -> None:
        known, held_out = backtest.hold_out(rows_of(range(30)))
        assert list(known["month"].agg(["min", "max"])) == ["2024-01", "2025-06"]
        assert list(held_out["month"].agg(["min", "max"])) == ["2025-07", "2026-06"]

    def test_short_history_is_refused(self) -> None:
        with pytest.raises(Refused, match="at least 24 months of inflow; there are 23"):
            backtest.hold_out(rows_of(range(23)))

    def test_simple_forecasts(self) -> None:
        """Two areas with 1000 and 3000 inhabitants; last year 6 and 2 clients, so the region's rate says 2 and 6."""
        areas = pd.DataFrame(
            {"pc4": ["1001", "1002"], "arbeidsmarktregio_nr": [1, 1], "inhabitants": pd.array([1000, 3000], "Int64")}
        ).assign(gemeente_code="0001")
        known = pd.concat([rows_of(range(12)), rows_of(range(12, 15)), rows_of(range(14, 15)).assign(pc4="1002")])
        table = backtest.forecasts(known.iloc[12:], rows_of(range(24, 26)), areas).set_index("pc4")
        assert table["raw"].to_dict() == {"1001": 6, "1002": 2}
        assert table["regional"].to_dict() == {"1001": 2, "1002": 6}
        assert table["actual"].to_dict() == {"1001": 4, "1002": 0}

    def test_scores(self) -> None:
        """Outcome 4 and 0. Forecast 2 and 1: errors 3 of 4; deviance 2 (4 ln 2 - 4 + 2) and 2 (0 - 0 + 1), halved.
        A forecast of 0 counts as 0.5 in the deviance only."""
        same = {"product": "P", "client_line": "alle", "client_group": "regulier", "pw_client": False,
                "rate_region": "1", "town": "0001", "share": 1.0,
                **dict.fromkeys(SHARED, 0.0), "team": "1-0"}  # fmt: skip
        table = pd.DataFrame(
            {"pc4": ["1001", "1002"], "actual": [4.0, 0.0], "estimate": [2.0, 1.0], "raw": [4.0, 0.0],
             "regional": [0.0, 4.0], "sd": [0.1, 1.0]}
        ).assign(**same)  # fmt: skip
        found = backtest.scores(table).set_index(["scale", "subject"]).loc[("postcode", "P")]
        assert found["wmae_estimate"] == pytest.approx(3 / 4)
        assert found["deviance_estimate"] == pytest.approx(4 * np.log(2) - 2 + 1)
        assert found["deviance_raw"] == pytest.approx(0.5)
        assert found["deviance_regional"] == pytest.approx(4 * np.log(8) - 4 + 0.5 + 4)
        assert found["coverage"] == 0.5, "4 is far outside 2 ± 0.1; 0 is inside 1 ± 1"

    @pytest.mark.parametrize(("actual", "inside"), [(86, 0), (87, 1), (100, 1), (113, 1), (114, 0)])
    def test_coverage_has_two_sides(self, actual: int, inside: int) -> None:
        """100 with sd 10: the 80% interval is 87.4 to 113.0; half a client is allowed, as counts are whole."""
        same = {"product": "P", "client_line": "alle", "client_group": "regulier", "pw_client": False,
                "rate_region": "1", "town": "0001", "share": 1.0,
                **dict.fromkeys(SHARED, 0.0), "pc4": "1001", "team": "1-0"}  # fmt: skip
        row = pd.DataFrame(
            [{"actual": float(actual), "estimate": 100.0, "raw": 1.0, "regional": 1.0, "sd": 10.0, **same}]
        )
        assert backtest.scores(row)["coverage"].eq(inside).all()

    def test_pretended_teams(self) -> None:
        """280,000 inhabitants are three teams of about 93,000, in order of postcode, never across a region."""
        pc4 = [str(1000 + n) for n in range(30)]
        people = pd.array([10_000] * 28 + [10_000, 5_000], dtype="Int64")
        areas = pd.DataFrame({"pc4": pc4, "arbeidsmarktregio_nr": [1] * 28 + [2] * 2, "inhabitants": people})
        teams = backtest.pretended_teams(areas.sample(frac=1, random_state=1))
        assert teams.value_counts().to_dict() == {"1-0": 10, "1-1": 9, "1-2": 9, "2-0": 2}
        assert list(teams[pc4]) == sorted(teams)

    def test_table_goes_between_its_marks(self, tmp_path: Path) -> None:
        document = tmp_path / "demand.md"
        document.write_text(f"before\n{backtest.MARKS[0]}\nold\n{backtest.MARKS[1]}\nafter\n", encoding="utf-8")
        backtest.write_table(document, "new \\1 table\n")
        assert document.read_text(encoding="utf-8").split() == [
            "before", *backtest.MARKS[0].split(), "new", "\\1", "table", *backtest.MARKS[1].split(), "after",
        ]  # fmt: skip
        document.write_text("no marks", encoding="utf-8")
        with pytest.raises(ValueError, match="no place for the table"):
            backtest.write_table(document, "new")


@pytest.fixture(scope="module")
def areas() -> pd.DataFrame:
    return pd.DataFrame(load_boundaries("embedded", DEFAULT_CACHE).areas.drop(columns="geometry"))


@pytest.fixture(scope="module")
def three_years(areas: pd.DataFrame) -> pd.DataFrame:
    """Inflow of the example over three years (its generator looks at ``MONTHS`` when it is called)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example, "MONTHS", 36)
        return example.make_counts(areas, example.SEED + 100)[0]


@pytest.mark.heavy
class TestRealGeography:
    """4,044 real areas, counts of the example with another seed than the table in the documentation."""

    def test_estimate_beats_both_simple_forecasts(self, areas: pd.DataFrame, three_years: pd.DataFrame) -> None:
        """The last two years, as the example has them. Every product and group, per postcode and per team; and the 80%
        interval of a team's whole inflow holds about 80% of the outcomes (180 teams that share errors: 70 to 93)."""
        months = sorted(three_years["month"].unique())[12:]
        found = backtest.measure(three_years[three_years["month"].isin(months)], areas).set_index(["scale", "subject"])
        assert backtest.is_best(found).sum() >= len(found) - 1, "a group of a thousand clients in the country may tie"
        assert (found["deviance_estimate"] < 1.12 * found[["deviance_raw", "deviance_regional"]].min(axis=1)).all()
        assert (found["wmae_estimate"] < 1.15 * found[["wmae_raw", "wmae_regional"]].min(axis=1)).all()
        assert 0.7 < found.loc[("team", backtest.ALL_PRODUCTS), "coverage"] < 0.93

    def test_trend_pays_when_the_history_carries_it(
        self, areas: pd.DataFrame, three_years: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two known years: the 5% growth of the WIA applications is found and halves the deviance of a team's count."""
        known, held_out = backtest.hold_out(three_years)

        def deviance() -> float:
            table = backtest.forecasts(known, held_out, areas)
            return backtest._score(table[table["product"] == "WIA_EWT"], "team")["deviance_estimate"]

        with_trend = deviance()
        monkeypatch.setattr(trend, "MONTHS_FOR_TREND", 999)
        assert with_trend < 0.8 * deviance()

    def test_what_the_generator_drew_is_found(self, areas: pd.DataFrame, three_years: pd.DataFrame) -> None:
        """Needs of shape 40 per gemeente (403 of them, so roughly), 12 per area, 20 per area and product."""
        fitted = fit(History.of(three_years, areas).cells)
        assert fitted.town_strength == pytest.approx(40, rel=0.4)
        assert fitted.area_strength == pytest.approx(12, rel=0.15)
        assert fitted.strength == pytest.approx(np.full(8, 20.0), rel=0.2)
