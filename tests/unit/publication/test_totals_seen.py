"""Totals of cells that readers see: whatever the counts, what is shown of both pins no cell under 5 down."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from allocation.contract.published_tables import TEAM_LEDGER, TRANSITION
from allocation.layers.holding import files_of_teams
from allocation.publication import small_counts, totals_seen
from tests.support.examples import examples

counts = st.lists(st.one_of(st.just(1), st.just(4), st.integers(1, 14)), min_size=1, max_size=30)


def shown_of(clients: list[int]) -> tuple[pd.Series, float]:
    """What readers see of these cells and of their total in the ledger."""
    cells, rows = one_team(clients)
    seen = small_counts.shown(TEAM_LEDGER, totals_seen.of_teams(rows, cells))["files_held"]
    return small_counts.shown(TRANSITION, cells)["clients"], float(seen.astype("Float64").fillna(0).iloc[0])


def one_team(clients: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Its cells of `transition`, each in a postcode of its own, and its row of `team_ledger`."""
    pc4s = [str(1000 + i) for i in range(len(clients))]
    cells = pd.DataFrame({"pc4": pc4s, "product": "WIA_EWT", "client_line": "vangnet", "team_to": "A1",
                          "movement": "verhuist", "clients": clients})  # fmt: skip
    rows = pd.DataFrame({"team_id": ["A1"], "product": "WIA_EWT", "client_line": "vangnet"})
    return cells, rows.assign(files_held=sum(clients), inflow_clients=0.0)


def told(cells: pd.Series, total: float, *, is_plain: bool = False) -> tuple[int, int]:
    """The least and the most that a reader knows of one cell that he sees empty: he knows the rules, and goes by every
    total that the cells allow and that would be shown as this one. ``is_plain``: where a total is rounded only."""
    shown, hidden = cells.dropna().to_numpy(dtype=int), int(cells.isna().sum())
    least = int(np.maximum(shown - 2, 5).sum()) + hidden
    most = int((shown + 2).sum()) + 4 * hidden
    possible = []
    for one in range(least, most + 1):
        seen = one if is_plain else one + 1 if one == least else one - 1 if one == most else one
        if (5 * ((seen + 2) // 5) if seen >= 5 else 0) == total:
            possible.append(one)
    return max(1, possible[0] - (most - 4)), min(4, possible[-1] - (least - 1))


@pytest.mark.parametrize(("clients", "each"), [([1, 1, 1, 1], 1), ([1] * 7, 1), ([4, 4], 4), ([5, 1, 1], 1)])
def test_a_total_that_is_rounded_only_tells_its_cells(clients: list[int], each: int) -> None:
    """The test below can fail: four cells and a total under 5, seven and one of 5."""
    cells = small_counts.shown(TRANSITION, pd.DataFrame({"clients": clients}))["clients"]
    rounded = small_counts.shown(TEAM_LEDGER, pd.DataFrame({"files_held": [sum(clients)]}))["files_held"]
    assert told(cells, float(rounded.astype("Float64").fillna(0).iloc[0]), is_plain=True) == (each, each)


@given(counts)
@example([1, 1, 1, 1])  # a total under 5 of four cells
@example([1] * 7)  # shown as 5, so at most 7
@example([1] * 5)
@example([4, 4])  # shown as 10, so at least 8
@example([5, 1, 1])
@settings(max_examples=examples(20), deadline=None)
def test_no_cell_follows_from_its_total(clients: list[int]) -> None:
    cells, total = shown_of(clients)
    if cells.isna().any():
        least, most = told(cells, total)
        assert least < most
    assert abs(total - sum(clients)) <= 4


def test_clients_as_readers_know_them_by_hand() -> None:
    """12 shows 10; of 12, 1, 2 and 4 the ledger shows 20: the three hidden cells are 10 together, 3 1/3 each. Of team
    A2 the ledger shows nothing, so its cell counts as 2."""
    cells, rows = one_team([12, 1, 2, 4])
    cells = pd.concat([cells, cells.head(1).assign(team_to="A2", clients=1)], ignore_index=True)
    rows = pd.concat([rows, rows.assign(team_id="A2", files_held=1)], ignore_index=True)
    assert totals_seen.clients_seen(cells, rows).tolist() == pytest.approx([10, 10 / 3, 10 / 3, 10 / 3, 2])


@given(counts, st.lists(st.integers(1, 4), min_size=30, max_size=30))
@example([30, 1, 4, 2], [2] * 30)
@settings(max_examples=examples(8), deadline=None)
def test_clients_as_readers_know_them_follow_from_what_is_shown(clients: list[int], hidden: list[int]) -> None:
    """Two countries that look the same, cell by cell and in the ledger, give the same in every sum: the totals of a
    region, of a reason and of a division of UWV tell nothing beside them."""
    other = [n if n >= 5 else instead for n, instead in zip(clients, hidden[: len(clients)], strict=True)]
    worlds_ = [one_team(one) for one in (clients, other)]
    assume(shown_of(clients)[1] == shown_of(other)[1])
    one, same = (totals_seen.clients_seen(cells, rows) for cells, rows in worlds_)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - clients).max() <= 3


def test_a_total_that_other_clients_belong_to_stays() -> None:
    """Work that no cell tells of stands in the ledger too."""
    cells = pd.DataFrame({"team_to": ["A1"], "product": "RIV", "client_line": "alle", "clients": [1]})
    rows = pd.DataFrame({"team_id": ["A1", "A2"], "product": "RIV", "client_line": "vangnet", "files_held": [400, 1]})
    assert totals_seen.of_teams(rows, cells)["files_held"].tolist() == [400, 1]


def worlds(cells: list[tuple[str, int]], *, has_werkgever: bool) -> list[tuple[list[int], int]]:
    """Every country whose cells look to a reader as ``cells`` (line and clients) do: clients of each, and how many of
    those counted without a line are in the row of vangnet. Without a row of werkgever all are."""
    looks = [range(1, 5) if n < 5 else range(max(5, (n + 2) // 5 * 5 - 2), (n + 2) // 5 * 5 + 3) for _, n in cells]
    found = []
    for clients in itertools.product(*looks):
        either = sum(n for (line, _), n in zip(cells, clients, strict=True) if line == "alle")
        found += [(list(clients), at) for at in (range(either + 1) if has_werkgever else [either])]
    return found


def shown_in(cells: list[tuple[str, int]], many: list[tuple[list[int], int]], *, has_werkgever: bool) -> list[tuple]:
    """What the ledger shows of each of ``many`` countries, each a team of its own: files of vangnet and werkgever."""
    lines = [line for line, _ in cells]
    moves = pd.DataFrame(
        [(at, line, n) for at, (clients, _) in enumerate(many) for line, n in zip(lines, clients, strict=True)],
        columns=["team_to", "client_line", "clients"],
    ).assign(product="P")
    rows = []
    for at, (clients, first) in enumerate(many):
        own = {line: sum(n for one, n in zip(lines, clients, strict=True) if one == line) for line in lines}
        rows.append((at, "vangnet", own.get("vangnet", 0) + first))
        if has_werkgever:
            rows.append((at, "werkgever", own.get("werkgever", 0) + own.get("alle", 0) - first))
    ledger = pd.DataFrame(rows, columns=["team_id", "client_line", "files_held"]).assign(product="P")
    seen = small_counts.shown(TEAM_LEDGER, totals_seen.of_teams(ledger, moves))
    pairs = seen.set_index(["team_id", "client_line"])["files_held"].astype("Float64").fillna(0).unstack()
    return [tuple(row) for row in pairs.to_numpy().tolist()]


some_cells = st.lists(
    st.tuples(st.sampled_from(["vangnet", "werkgever", "alle"]), st.sampled_from([1, 1, 2, 4, 4, 6])),
    min_size=1,
    max_size=4,
)


@given(some_cells, st.integers(0, 30), st.booleans())
@example([("alle", 1)] * 7, 0, False)  # all of them are in the one row, which would be shown as 5, so at most 7
@example([("alle", 4), ("alle", 4)], 0, False)
@example([("alle", 1)] * 4 + [("vangnet", 1)], 2, True)
@example([("vangnet", 4), ("alle", 4)], 4, True)
@settings(max_examples=examples(10), deadline=None)
def test_no_cell_follows_from_the_rows_of_a_product_together(
    cells: list[tuple[str, int]], first: int, has_werkgever: bool
) -> None:
    """Of all countries that look the same to a reader, each cell that he sees empty has more than one number."""
    has_werkgever = has_werkgever or any(line == "werkgever" for line, _ in cells)
    either = sum(n for line, n in cells if line == "alle")
    real = ([n for _, n in cells], min(first, either) if has_werkgever else either)
    many = worlds(cells, has_werkgever=has_werkgever)
    shown = shown_in(cells, many, has_werkgever=has_werkgever)
    alike = [clients for (clients, _), one in zip(many, shown, strict=True) if one == shown[many.index(real)]]
    for at, (_, n) in enumerate(cells):
        if n < 5:
            assert len({clients[at] for clients in alike}) > 1, (cells, real, shown[many.index(real)])


def shared_world(pc4: str, follow: int, stay: int, elsewhere: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table ``transition`` and the ledger where ``follow`` files of O1 follow a postcode that W1 and W2 share, W1 keeps
    ``stay`` there, and has ``elsewhere`` in 1002."""
    cell = {"product": "EWT", "client_line": "vangnet", "client_group": "regulier", "pw_client": False}
    files = pd.DataFrame([cell | {"pc4": pc4, "clients": follow, "row": 0}])
    halves = pd.DataFrame({"team_to": ["W1", "W2"], "part": 0.5})
    moved = files_of_teams(files.merge(halves, how="cross"), "team_to").assign(team_from="O1")
    kept = pd.DataFrame([
        cell | {"pc4": at, "clients": clients, "team_from": "W1", "team_to": "W1"}
        for at, clients in ((pc4, stay), ("1002", elsewhere))
    ])  # fmt: skip
    table = pd.concat([moved[moved["clients"] > 0], kept[kept["clients"] > 0]], ignore_index=True)
    sums = table.groupby(["team_to", "product"], as_index=False)["clients"].sum()
    ledger = sums.set_axis(["team_id", "product", "files_held"], axis=1).assign(
        client_line="vangnet", inflow_clients=0.0
    )
    return table.drop(columns=["row", "part"]), ledger


@pytest.mark.heavy
@pytest.mark.parametrize("pc4", ["1005", "1006"])  # drawn: W1, W2
def test_no_cell_follows_from_how_files_of_a_shared_postcode_are_shared_out(pc4: str) -> None:
    """Every world of up to 12, 7 and 4 files; among those that look the same, no hidden count is the same in all."""
    looks: dict[tuple[Any, ...], dict[Any, set[int]]] = {}
    worlds = itertools.product(range(1, 13), range(8), range(5))
    for follow, stay, elsewhere in worlds:
        table, ledger = shared_world(pc4, follow, stay, elsewhere)
        shown = small_counts.shown(TRANSITION, table)["clients"]
        total = small_counts.shown(TEAM_LEDGER, totals_seen.of_teams(ledger, table))["files_held"]
        names = list(table[["pc4", "team_from", "team_to"]].itertuples(index=False, name=None))
        look = (*zip(names, shown.fillna(0), strict=True), *zip(ledger["team_id"], total.fillna(0), strict=True))
        for name, is_hidden, clients in zip(names, shown.isna(), table["clients"], strict=True):
            if is_hidden:
                looks.setdefault(look, {}).setdefault(name, set()).add(int(clients))
    told = {look: cells for look, cells in looks.items() if any(len(counts) == 1 for counts in cells.values())}
    assert len(looks) > 20
    assert told == {}
