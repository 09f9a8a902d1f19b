"""Locks that contradict each other: what is found without looking at all pairs is what all pairs tell."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from string import ascii_uppercase
from types import SimpleNamespace
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.contract.errors import Problem
from allocation.intake import locks as rules
from allocation.intake.inputs import load_inputs
from tests.support import toy
from tests.support.examples import examples

FULL = [f"1013{first}{last}" for first in "AB" for last in "ABC"]
RANGES = [(one, other) for at, one in enumerate(FULL) for other in FULL[at:]]
LOCKS = st.tuples(
    st.sampled_from(["1013", "1014"]),
    st.sampled_from([None, *RANGES]),
    st.sampled_from(["pin", "split", "split", "bar"]),
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["regulier", "participatiewet"]),
    st.sampled_from([None, None, "vangnet", "werkgever"]),
)


def table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Locks as the checks have them; a range counts for a split only."""
    made = []
    for row, (area, full, kind, team, team_kind, line) in enumerate(rows, start=2):
        first, last = full if full and kind == "split" else (None, None)
        first, last = (code and code.replace("1013", area) for code in (first, last))
        pc4 = area if first is None else first if first == last else f"{first}-{last}"
        made.append((row, area, pc4, first, last, kind, team, team_kind, line))
    names = ["row", "area", "pc4", "pc6_from", "pc6_to", "kind", "team_id", "team_kind", "client_line"]
    return pd.DataFrame(made, columns=names, dtype=object).astype({"row": "int64"})


def pairs(locks: pd.DataFrame) -> list[Any]:
    """All pairs that count for one postcode, kind of team and line, as the rules of a pair take them."""
    found = []
    for one, other in combinations(locks.to_dict("records"), 2):
        lines = {one["client_line"], other["client_line"]}
        if (one["area"], one["team_kind"]) == (other["area"], other["team_kind"]) and (
            len(lines) == 1 or None in lines
        ):
            found.append(SimpleNamespace(**one, **{f"{name}_b": value for name, value in other.items()}))
    return found


@settings(max_examples=examples(18), deadline=None)
@given(st.lists(LOCKS, max_size=9))
def test_each_contradiction_is_told_where_the_first_pair_has_it(rows: list[tuple[Any, ...]]) -> None:
    locks = table(rows)
    expected: dict[tuple[int, str, str], Problem] = {}
    for pair in pairs(locks):
        if fault := rules._pins_and_bars(pair) or rules._splits(pair):
            row, column, what, allowed = fault
            expected.setdefault((row, column, allowed), Problem("locks.csv", row, column, what, allowed))
    assert rules.contradictions(locks, "locks.csv") == list(expected.values())


@settings(max_examples=examples(18), deadline=None)
@given(st.lists(LOCKS, max_size=9))
def test_each_range_that_overlaps_with_one_above_it_is_told_with_the_first(rows: list[tuple[Any, ...]]) -> None:
    locks = table(rows)
    locks = locks[~locks.duplicated(["pc6_from", "pc6_to", "client_line", "team_kind"]) | (locks["kind"] != "split")]
    expected: dict[int, str] = {}
    for pair in pairs(locks[locks["pc6_from"].notna()]):
        is_same = (pair.pc6_from, pair.pc6_to) == (pair.pc6_from_b, pair.pc6_to_b)
        if not is_same and pair.pc6_from <= pair.pc6_to_b and pair.pc6_from_b <= pair.pc6_to:
            expected.setdefault(pair.row_b, f"{pair.pc4_b} and {pair.pc4} (row {pair.row}) overlap")
    assert {one.row: one.what for one in rules.overlapping_ranges(locks, "locks.csv")} == expected


LETTERS = [one + other for one in ascii_uppercase for other in ascii_uppercase]


def test_no_more_pairs_are_looked_at_than_some_for_each_lock() -> None:
    """All pairs of thousands of ranges of one postcode took minutes, or all memory."""
    many = [("1021", (f"1013{one}", f"1013{other}"), "split", "A", "regulier", None)
            for at, one in enumerate(LETTERS[:120]) for other in LETTERS[at:at + 60]]  # fmt: skip
    locks = table(many)
    assert len(rules._telling_pairs(locks)) < 5 * len(locks)
    assert rules.contradictions(locks, "locks.csv") == []
    assert {one.row for one in rules.overlapping_ranges(locks, "locks.csv")} == set(locks["row"][1:])


def test_a_split_of_every_full_postcode_is_read(tmp_path: Path) -> None:
    rows = [(pc4 + two, team, "split", "1", "") for team, pc4s in (("W1", ("1001", "1002", "1005", "1006")),
            ("O1", ("1003", "1004", "1007", "1008"))) for pc4 in pc4s for two in LETTERS]  # fmt: skip
    folder = toy.write(tmp_path, {"locks": toy.locks(*rows)})
    assert len(load_inputs(folder, toy.areas(), Config()).locks) == 8 * 26 * 26
