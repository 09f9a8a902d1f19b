"""Reading a postcode as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.contract.errors import Refused
from allocation.publication.postcodes import Postcode, parse_postcode


@pytest.mark.parametrize(
    "text", ["1013AA", "1013 aa", " 1013  Aa ", "NL-1013 AA", "1013-AA", "1013\u00a0aa", "nl1013aa"]
)
def test_a_postcode_in_any_notation(text: str) -> None:
    assert parse_postcode(text) == Postcode("1013", "1013AA")


def test_four_digits_are_a_postcode() -> None:
    assert parse_postcode(" 1013 ") == Postcode("1013", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "013",
        "0113",
        "10134",
        "1013A",
        "1013AAA",
        "AA1013",
        "1013 12",
        "zwolle",
        "10\u00e901",
        "-1001",
        "1001\u00df",
        "1013-",
        "10.13",
        "1013AA!",
        "\u0661001",
    ],
)
def test_what_is_no_postcode_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a postcode; allowed: four digits"):
        parse_postcode(text)


@given(
    st.integers(1000, 9999),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2),
    st.sampled_from(["", " ", "-"]),
)
def test_every_postcode_is_read(number: int, letters: str, between: str) -> None:
    assert parse_postcode(f"{number}{between}{letters.lower()}") == (str(number), f"{number}{letters}")
