"""What is said of an estimate that leans on little, on a country of forty areas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.demand.doubts import Doubt
from allocation.demand.expected import estimate, inflow_and_doubts
from allocation.demand.history import History

CODES = [str(1000 + at) for at in range(40)]


def areas() -> pd.DataFrame:
    return pd.DataFrame({
        "pc4": CODES, "arbeidsmarktregio_nr": 1, "gemeente_code": [f"{at // 8:04d}" for at in range(40)],
        "inhabitants": pd.array([4000] * 40, dtype="Int64"),
    })  # fmt: skip


def facts(monthly: dict[str, list[float]], of_area: np.ndarray | None = None) -> dict[str, dict[str, float]]:
    """Facts by kind and subject of products with so many clients a month in each of 40 areas, drawn with one seed.

    ``of_area`` (areas, months): factor on all products.
    """
    draw, rows = np.random.default_rng(7), []
    for product, level in monthly.items():
        intensity = np.tile(level, (40, 1)) * (1.0 if of_area is None else of_area)
        for (area, month), clients in np.ndenumerate(draw.poisson(intensity)):
            if clients:
                rows.append((f"{2024 + month // 12}-{month % 12 + 1:02d}", CODES[area], product, clients))
    inflow = pd.DataFrame(rows, columns=["month", "pc4", "product", "clients"])
    inflow = inflow.assign(client_line="alle", client_group="regulier", pw_client=False)
    _, found = estimate(History.of(inflow, areas()))
    return {kind: dict(zip(of["subject"], of["amount"], strict=True)) for kind, of in found.groupby("kind")}


STEADY = [5.0] * 24


def test_nothing_to_say_of_a_steady_country() -> None:
    assert facts({"A": STEADY, "B": STEADY, "C": STEADY}) == {}


def test_a_short_history() -> None:
    assert facts({"A": STEADY[:14], "B": STEADY[:14]}) == {Doubt.SHORT: {"": 14.0}}


def test_products_that_start_end_and_break() -> None:
    found = facts({
        "NEW": [0.0] * 15 + [5.0] * 9, "OLD": [5.0] * 18 + [0.0] * 6, "UP": [5.0] * 20 + [9.0] * 4, "A": STEADY,
        "B": STEADY,
    })  # fmt: skip
    assert found[Doubt.STARTED] == {"NEW": 9.0}
    assert list(found[Doubt.ENDED]) == ["OLD"]
    assert found[Doubt.ENDED]["OLD"] == 3600 or abs(found[Doubt.ENDED]["OLD"] - 3600) < 300
    assert list(found[Doubt.BREAK]) == ["UP"]
    assert found[Doubt.BREAK]["UP"] > 0.9


def test_a_postcode_that_grows_fast_stands_by_itself() -> None:
    """It triples in the second year; its level at the end is 3 against a mean of 2."""
    factor = np.ones((40, 24))
    factor[3, 12:] = 3.0
    found = facts({"A": STEADY, "B": STEADY, "C": STEADY}, factor)
    assert list(found) == [Doubt.RESTLESS]
    assert list(found[Doubt.RESTLESS]) == ["1003"]
    assert 1.3 < found[Doubt.RESTLESS]["1003"] < 1.7


def test_months_before_everything_was_divided_otherwise_are_not_used() -> None:
    """Four years: from the nineteenth month on every area has another level."""
    draw, rows = np.random.default_rng(11), []
    level = np.repeat(20 * np.exp(draw.normal(0, 0.4, (40, 1))), 48, axis=1)
    level[:, 18:] *= np.exp(draw.normal(0, 0.5, (40, 1)))
    for (area, month), clients in np.ndenumerate(draw.poisson(level)):
        rows.append((f"{2022 + month // 12}-{month % 12 + 1:02d}", CODES[area], "P", clients))
    inflow = pd.DataFrame(rows, columns=["month", "pc4", "product", "clients"])
    inflow = inflow.assign(client_line="alle", client_group="regulier", pw_client=False)
    found, facts = inflow_and_doubts(inflow, areas(), ())
    assert facts.loc[facts["kind"] == Doubt.DIVIDED_OTHERWISE, "amount"].tolist() == [30.0]
    now = found.sort_values("pc4")["inflow_clients"].to_numpy()
    assert np.abs(np.log(now / (12 * level[:, -1]))).max() < 0.15
