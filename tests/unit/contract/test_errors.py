"""A problem is one sentence that fits a screen, whatever stands in the file."""

from __future__ import annotations

import pytest

from allocation.contract.errors import Problem


def test_a_short_problem_is_told_as_it_is() -> None:
    problem = Problem("stock.csv", 7, "pc4", "postcode '99' does not exist", "one of the 12 postcodes")
    assert (
        str(problem) == "stock.csv, row 7, column pc4: postcode '99' does not exist; allowed: one of the 12 postcodes"
    )


@pytest.mark.parametrize("cell", ["x" * 2000, "x y " * 2000])
def test_a_cell_of_a_page_is_cut_in_every_part(cell: str) -> None:
    problem = Problem("f.csv", 2, cell, f"postcode '{cell}' does not exist", f"one of {cell}")
    assert len(str(problem)) < 1_900
    assert problem.what.startswith("postcode 'x")


def test_the_end_of_a_cut_word_stays() -> None:
    """So that the quote that closes a cell is still there."""
    problem = Problem("f", None, None, f"postcode '{'x' * 200}' does not exist", "")
    assert problem.what == f"postcode '{'x' * 113}...xx' does not exist"


def test_what_a_terminal_obeys_is_told_by_its_number() -> None:
    problem = Problem("a\x1b]0;x\x07.csv", 1, "pc4\x9b31m", "a \u202eturned name", "line\nand next")
    assert (
        str(problem) == r"a\x1b]0;x\x07.csv, row 1, column pc4\x9b31m: a \u202eturned name; allowed: line\x0aand next"
    )
