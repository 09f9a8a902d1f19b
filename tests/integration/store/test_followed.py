"""The look-up of a postcode without an area (PO box, new street): the team of the area that it follows, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from allocation.contract.errors import Refused
from allocation.publication import lookup, store, versions
from tests.support.outcomes import Country

SOON = store.today() + timedelta(days=10)


@pytest.fixture
def published(store_url: str, files_dir: Path, propose: Callable[..., int]) -> str:
    """Postcodes 1000 to 1011; ten days later 1011 is gone, and 1900 follows 1002, which is split at PC6."""
    versions.publish(propose(Country(columns=6, rows=2)), store_url, files_dir)
    then = Country(columns=6, rows=2, without=("1011",), replaced={"1900": "1002"}, note="tweede")
    versions.publish(propose(then), store_url, files_dir, valid_from=SOON)
    return store_url


def asked(store_url: str, postcode: str, **more: object) -> list[tuple[str, str, float, str | None]]:
    answers = lookup.lookup(postcode, store_url, law="WIA", line="vangnet", **more)  # type: ignore[arg-type]
    return [(a.pc4, a.team_id, a.share, a.follows) for a in answers]


def test_the_nearest_number_answers(published: str) -> None:
    assert asked(published, "1013 AB") == [("1013", "V2", 1.0, "1011")]
    assert asked(published, "1099") == [("1099", "V2", 1.0, "1011")]  # shares two digits
    assert asked(published, "1099", on=SOON) == [("1099", "V2", 1.0, "1010")]
    assert asked(published, "1011") == [("1011", "V2", 1.0, None)]
    assert asked(published, "1013", group="politie") == [("1013", "Q", 1.0, "1011")]


def test_the_configuration_of_the_version_comes_first(published: str) -> None:
    """Of 1002 the range AA to AE is A2's; a number that is not in it gets the team of the rest."""
    with pytest.raises(Refused, match="Postcode 1900 does not exist"):
        asked(published, "1900")
    assert asked(published, "1900", on=SOON) == [("1900", "A1", 0.75, "1002")]
    assert asked(published, "1900AC", on=SOON) == [("1900", "A1", 0.75, "1002")]


def test_what_shares_no_two_digits_or_is_gone_is_refused(published: str) -> None:
    """What lies at a postcode that is gone, its number does not tell."""
    for postcode, day in (("1100", None), ("1011", SOON)):
        with pytest.raises(Refused, match=f"Postcode {postcode} does not exist"):
            asked(published, postcode, on=day)
    with pytest.raises(Refused, match="'marine' is not a client group"):
        asked(published, "1013", group="marine")
