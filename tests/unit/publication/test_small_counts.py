"""What readers see of counts and of what follows from them: the same in SQL and in memory, never a count under 5."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.published_tables import PUBLISHED, RUNS, TEAM_LOAD
from allocation.contract.schema import Column, Table
from allocation.publication import small_counts, small_counts_sql

CLIENTS = Column("clients", "integer", "clients", counts_persons=True, nullable=True)
EXPECTED = Column("expected", "number", "expected clients", counts_persons=True, nullable=True)
HOURS = Column("hours", "number", "hours", told_by="expected", nullable=True)
FEW_HOURS = Column("few_hours", "number", "hours", told_by="expected", told_from=50, nullable=True)
KM = Column("km", "number", "kilometres", rounded_to=0.1, nullable=True)
MEAN_KM = Column("mean_km", "number", "kilometres", rounded_to=0.1, mean_of="expected", nullable=True)
DEVIATION = Column("deviation", "number", "deviation", rounded_to=0.01, nullable=True)
TABLE = Table("t", "A table.", (CLIENTS, EXPECTED, HOURS, FEW_HOURS, KM, MEAN_KM, DEVIATION), key=())


def in_sqlite(rows: pd.DataFrame) -> pd.DataFrame:
    engine = sa.create_engine("sqlite://")
    columns = ", ".join(f"{small_counts_sql.as_sql(c, 'sqlite')} AS {c.name}" for c in TABLE.columns)
    with engine.connect() as connection:
        rows.to_sql("t", connection, index=False)
        return pd.read_sql(sa.text(f"SELECT {columns} FROM t r"), connection)


def test_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "clients": [0, 4, 5, 7, 8, 12],
            "expected": [4.99, 5.0, 7.4, 7.5, 12.0, 640.0],
            "hours": [20.0, 20.0, 25.9, 25.9, 42.0, 2203.6],
            "few_hours": [20.0, 20.0, 25.9, 25.9, 42.0, 2203.6],
            "km": [0.0, 0.04, 0.05, 3.14, 7.449, 7.46],
            "mean_km": [0.0, 0.04, 0.05, 3.14, 7.449, 7.46],
            "deviation": [-0.009, -0.004, 0.0, 0.004, 0.006, -0.016],
        }
    )
    shown = small_counts.shown(TABLE, rows)
    assert shown["clients"].tolist() == [pd.NA, pd.NA, 5, 5, 10, 10]
    assert shown["expected"].fillna(-1).tolist() == [-1, 5, 5, 10, 10, 640]
    # 25.9 / 7.4 = 3.5 an client times 5; 25.9 / 7.5 = 3.45 -> 3.5 times 10; 2203.6 / 640 = 3.44 -> 3.4
    assert shown["hours"].fillna(-1).tolist() == pytest.approx([-1, 20, 17.5, 35, 35, 2176])
    assert shown["few_hours"].fillna(-1).tolist() == [-1, -1, -1, -1, -1, 2176]
    assert shown["km"].tolist() == pytest.approx([0, 0, 0.1, 3.1, 7.4, 7.5])
    assert shown["mean_km"].fillna(-1).tolist() == pytest.approx([-1, -1, -1, -1, -1, 7.5])
    assert shown["deviation"].tolist() == pytest.approx([-0.01, 0, 0, 0, 0.01, -0.02])


numbers = st.floats(0, 5000, allow_nan=False).map(lambda v: round(v, 6))
a_row = st.tuples(
    st.one_of(st.none(), st.integers(0, 3000)),
    st.one_of(st.none(), numbers),
    numbers,
    numbers,
    st.one_of(st.none(), numbers),
    st.one_of(st.none(), numbers),
    st.floats(-1, 1).map(lambda v: round(v, 6)),
)


@given(st.lists(a_row, min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_view_and_a_file_show_the_same(rows: list[tuple[object, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=TABLE.column_names).astype("float64").astype({"clients": "Int64"})
    from_view = in_sqlite(frame).astype("float64")
    from_file = small_counts.shown(TABLE, frame).astype({"clients": "float64"})
    np.testing.assert_allclose(from_view.to_numpy(), from_file.astype("float64").to_numpy(), rtol=1e-12, atol=1e-12)
    counts = from_file["clients"].dropna()
    assert (counts % 5 == 0).all()
    assert (counts >= 5).all()
    assert from_file.loc[from_file["expected"].isna(), "hours"].isna().all()


def test_of_the_outcome_of_the_checks_readers_see_whether_it_is_good() -> None:
    rows = pd.DataFrame(
        {
            "solver": [json.dumps([{"cluster": "Zeeland", "terms": {"travel": 3.21}}])],
            "validation": [json.dumps({"success": True, "results": [{"observed": 73}]})],
        }
    )
    shown = small_counts.shown(RUNS, rows)
    assert shown["solver"].tolist() == ["{}"]
    assert [json.loads(text) for text in shown["validation"]] == [{"success": True}]


def test_every_published_figure_over_clients_is_protected() -> None:
    """Hours, months, kilometres and deviations follow from counts: each says how readers see it. Capacity does not."""
    public = {"inhabitants", "capacity_hours_verzekeringsarts", "capacity_hours_other", "share", "tolerance"}
    figures = [c for t in PUBLISHED for c in t.columns if c.type == "number" and c.name not in public]
    assert figures
    assert [c.name for c in figures if not c.is_protected] == []
    assert TEAM_LOAD.column("waiting_months").is_seen_apart


def test_the_deviation_of_a_small_team_is_told_in_larger_steps() -> None:
    """A client of some hours is more than a hundredth of a small target. 25 hours are a hundredth of 2,500, three of
    1,000 (990 is shown so; 2.5, in whole ones) and the whole of 25 (20 is)."""
    target, deviation = small_counts.balance_shown(
        np.array([2500.0, 4112.0, 990.0, 20.0]), np.array([0.014, -0.016, 0.047, -0.6])
    )
    assert target.tolist() == [2500.0, 4100.0, 1000.0, 25.0]
    assert deviation.tolist() == [0.01, -0.02, 0.06, -1.0]


def test_what_readers_know_of_a_count() -> None:
    counts = np.array([0.0, 1.0, 4.0, 5.0, 7.0, 8.0, 32.0])
    assert small_counts.known_counts(counts).tolist() == [0.0, 2.5, 2.5, 5.0, 5.0, 10.0, 30.0]


def test_a_mean_over_few_clients_of_a_team_is_not_told() -> None:
    """Of two postcodes with a hidden count each, 0 and 40 km away, 32 km means one client and four."""
    means = {"travel_km": 7.44, "travel_minutes": 14.2, "far_share": 0.07}
    rows = pd.DataFrame({"clients_per_year": [49.9, 50.0], **{name: [value] * 2 for name, value in means.items()}})
    shown = small_counts.shown(TEAM_LOAD, rows)[list(means)]
    assert shown.iloc[0].isna().all()
    assert shown.iloc[1].tolist() == pytest.approx([7.4, 14.0, 0.05])
