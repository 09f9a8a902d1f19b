"""What readers know of the clients of each cell of `transition`: it follows from what they see, whatever is hidden."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocation.contract.published_tables import TRANSITION
from allocation.demand.lines import by_line
from allocation.layers.holding import whole_clients
from allocation.publication import small_counts
from tests.support.examples import examples


def cells_of(clients: list[int], team: str = "A1") -> pd.DataFrame:
    """Cells of `transition`, each in a place of its own."""
    pc4s = [f"{team}-{at}" for at in range(len(clients))]
    return pd.DataFrame({"pc4": pc4s, "product": "WIA_EWT", "client_line": "vangnet", "client_group": "regulier",
                         "pw_client": False, "team_to": team, "movement": "verhuist", "clients": clients})  # fmt: skip


def test_clients_as_readers_know_them_by_hand() -> None:
    """Of 23 cells of A1 one shows its 12, as 10: 1.5 of 24, with the halves. A geometric distribution of which 1 in 16
    is 5 or more halves with every client: 1, 2, 3 and 4 are as 8, 4, 2 and 1, so the mean is 26 / 15. A2 has 7 cells
    and shows none, half of 8: the same. A3 shows every cell."""
    cells = pd.concat(
        [cells_of([3] * 7 + [12] + [1] * 15), cells_of([4] * 7, "A2"), cells_of([8, 7], "A3")], ignore_index=True
    )
    hidden = 26 / 15
    expected = [hidden] * 7 + [10] + [hidden] * 15 + [hidden] * 7 + [10, 5]
    assert small_counts.clients_seen(cells).tolist() == pytest.approx(expected)


def test_products_are_estimated_apart() -> None:
    cells = pd.concat([cells_of([2, 20]), cells_of([2, 2]).assign(product="RIV")], ignore_index=True)
    seen = small_counts.clients_seen(cells)
    assert seen[0] > 2 > seen[2] == seen[3] > 1


def test_no_cells_are_no_clients() -> None:
    assert small_counts.clients_seen(cells_of([])).tolist() == []


counts = st.lists(st.one_of(st.just(1), st.just(4), st.integers(1, 14)), min_size=1, max_size=30)


@given(counts, st.lists(st.integers(1, 4), min_size=30, max_size=30))
@example([30, 1, 4, 2], [2] * 30)
@settings(max_examples=examples(20), deadline=None)
def test_a_hidden_count_changes_nothing(clients: list[int], hidden: list[int]) -> None:
    """Countries that look the same cell by cell give the same in every sum: no total tells anything beside them."""
    other = [n if n >= 5 else instead for n, instead in zip(clients, hidden[: len(clients)], strict=True)]
    one, same = (small_counts.clients_seen(cells_of(counts_)) for counts_ in (clients, other))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - clients).max() <= 3


CELL = {"product": "EWT", "client_line": "alle", "client_group": "regulier", "pw_client": False}


def followed(files: pd.DataFrame, teams: dict[str, float]) -> pd.DataFrame:
    """Rows of ``transition`` of files of O1 that follow their postcode over ``teams`` by their shares."""
    shares = pd.DataFrame(list(teams.items()), columns=["team_to", "part"])
    moved = whole_clients(files.drop(columns="part", errors="ignore").merge(shares, how="cross"), ["row"], ["team_to"])
    return moved.assign(team_from="O1")[["pc4", "team_from", "team_to", "clients"]]


def kept(*cells: tuple[str, int]) -> pd.DataFrame:
    """Rows of files that W1 keeps: postcode, clients."""
    rows = [(pc4, "W1", "W1", clients) for pc4, clients in cells if clients]
    return pd.DataFrame(rows, columns=["pc4", "team_from", "team_to", "clients"])


def shared_postcode(share: float, follow: int, stay: int, elsewhere: int) -> pd.DataFrame:
    """Table ``transition`` where ``follow`` files of O1 follow 1001, which W1 and W2 share, W1 keeps ``stay`` there,
    and has ``elsewhere`` in 1002."""
    files = pd.DataFrame([{"pc4": "1001", "clients": follow, "row": 0}])
    moved = followed(files, {"W1": share, "W2": 1 - share})
    return pd.concat([moved, kept(("1001", stay), ("1002", elsewhere))], ignore_index=True)


def shared_lines(part: float, follow: int, stay: int) -> pd.DataFrame:
    """Table ``transition`` where ``follow`` files of line `alle` of O1 follow 1001, of which the vangnetlijn, with
    ``part`` of them, is of W1, and W2 and W3 share the werkgeverslijn; W1 keeps ``stay``."""
    counted = pd.DataFrame([{"pc4": "1001", "clients": follow, "row": 0, "vangnet_part": part}])
    files = whole_clients(by_line(counted), ["row"], ["line"])
    of_line = {"vangnet": {"W1": 1.0}, "werkgever": {"W2": 0.5, "W3": 0.5}}
    moved = [followed(mine, of_line[str(line)]) for line, mine in files.groupby("line")]
    table = pd.concat([*moved, kept(("1001", stay))], ignore_index=True)
    return table.groupby(["pc4", "team_from", "team_to"], as_index=False)["clients"].sum()


def told(worlds: Iterable[pd.DataFrame], hide: Callable[[pd.DataFrame], pd.Series]) -> list[Any]:
    """Looks of ``worlds`` to a reader in which a hidden count is the same in every world that looks so."""
    looks: dict[Any, dict[Any, set[int]]] = {}
    for table in worlds:
        shown = hide(table.assign(**CELL))
        names = list(table[["pc4", "team_from", "team_to"]].itertuples(index=False, name=None))
        look = tuple(zip(names, shown.fillna(0), strict=True))
        for name, is_hidden, clients in zip(names, shown.isna(), table["clients"], strict=True):
            if is_hidden:
                looks.setdefault(look, {}).setdefault(name, set()).add(int(clients))
    return [look for look, cells in looks.items() if any(len(clients) == 1 for clients in cells.values())]


def as_shown(table: pd.DataFrame) -> pd.Series:
    return small_counts.shown(TRANSITION, table)["clients"]


def each_by_itself(table: pd.DataFrame) -> pd.Series:
    clients = small_counts.shown_counts(table["clients"].to_numpy(dtype=np.float64))
    return pd.Series(clients, index=table.index)


@pytest.mark.heavy
@pytest.mark.parametrize("share", [0.5, 0.25, 0.9, 0.04])
def test_no_cell_follows_from_how_files_of_a_shared_postcode_are_divided(share: float) -> None:
    """Every world of up to 60, 7 and 4 files. If each were hidden by itself, 5 beside a hidden count would be nine."""
    worlds = [shared_postcode(share, *of) for of in itertools.product(range(1, 61), range(8), range(5))]
    assert told(worlds, as_shown) == []
    assert told(worlds, each_by_itself) != []


@pytest.mark.parametrize(
    "part", [0.5, pytest.param(0.3, marks=pytest.mark.heavy), pytest.param(0.9, marks=pytest.mark.heavy)]
)
def test_no_cell_follows_from_how_files_are_divided_over_lines(part: float) -> None:
    """Every world of up to 20 files that follow, and 2 that stay."""
    worlds = [shared_lines(part, *of) for of in itertools.product(range(1, 21), range(3))]
    assert told(worlds, as_shown) == []
    assert told(worlds, each_by_itself) != []


def test_a_count_is_hidden_with_the_parts_of_its_like_only() -> None:
    """Of 1001 O1's 9 go to W1 (6) and W2 (3); the 6 of another product there, and of 1002, are shown."""
    rows = [("1001", "EWT", "W1", 6), ("1001", "EWT", "W2", 3), ("1001", "RIV", "W1", 6), ("1002", "EWT", "W1", 8),
            ("1002", "EWT", "W2", 7)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["pc4", "product", "team_to", "clients"])
    assert as_shown(table.assign(**{**CELL, "product": table["product"]})).fillna(0).tolist() == [0, 0, 5, 10, 5]
