"""The list of faults follows the code."""

from __future__ import annotations

from tests.mutation.mutants import NAMED, named


def test_every_fault_planted_by_hand_has_its_place_in_the_code() -> None:
    assert [mutant.name for mutant in named()] == [name for name, *_ in NAMED]
