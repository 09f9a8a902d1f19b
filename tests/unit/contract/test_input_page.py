"""The page on the input says what the declarations say."""

from __future__ import annotations

from pathlib import Path

from allocation.contract.input_page import page

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_that_of_the_declarations() -> None:
    text = (DOCS / "input.md").read_text(encoding="utf-8")
    assert text == page(), "run `python -m allocation.contract.input_page > docs/input.md`"


def test_a_range_and_the_usual_values_are_on_the_page() -> None:
    (row,) = [line for line in page().splitlines() if line.startswith("| `productivity`")]
    assert "at least 0.01 and at most 5 | 0.4 to 1.6" in row
