"""The embedded example: PW clients in every law, and random numbers that each product and group has for itself."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from allocation.intake import example
from tests.support import toy


@pytest.fixture
def areas() -> pd.DataFrame:
    """The toy country with many inhabitants, in regions that the example knows, some of them in a two-line region."""
    return toy.areas().assign(inhabitants=pd.array([200_000] * 12, dtype="Int64"), arbeidsmarktregio_nr=[14, 22] * 6)


def test_samenloop_and_naloop_are_clients_of_the_zw_and_wia_of_line_vangnet(areas: pd.DataFrame) -> None:
    for counts in example.make_counts(areas, seed=3):
        law = counts["product"].map({code: product.law for code, product in example.PRODUCTS.items()})
        assert counts["pw_client"].dtype == bool
        assert set(law[counts["pw_client"]]) == {"PW", "ZW", "WIA"}
        assert counts.loc[law == "PW", "pw_client"].all()
        assert "werkgever" not in set(counts.loc[counts["pw_client"], "client_line"])
        zw = counts[law == "ZW"].groupby("pw_client")["clients"].sum()
        assert 0.02 < zw[True] / zw.sum() < 0.04


@pytest.mark.heavy
def test_another_product_or_group_leaves_the_others_as_they_were(
    areas: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pd.concat(example.make_counts(areas, seed=3))
    first = replace(example.PRODUCTS["WIA_EWT"], hours_verzekeringsarts=1.0)
    monkeypatch.setattr(example, "PRODUCTS", {"NEW": first, **example.PRODUCTS})
    monkeypatch.setattr(example, "GROUPS", {"marine": example.ExampleGroup("Goes", 0.01), **example.GROUPS})
    after = pd.concat(example.make_counts(areas, seed=3))
    assert {"NEW"} <= set(after["product"])
    assert {"marine"} <= set(after["client_group"])
    kept = after[(after["product"] != "NEW") & (after["client_group"] != "marine")]
    pd.testing.assert_frame_equal(kept.reset_index(drop=True), before.reset_index(drop=True))


def test_every_region_lies_in_one_district() -> None:
    assert sorted(nr for members in example.DISTRICTS.values() for nr in members) == list(range(1, 36))
