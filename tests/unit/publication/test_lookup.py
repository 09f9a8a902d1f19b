"""Choosing the rows that hold for a postcode."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from allocation.contract.errors import Refused
from allocation.publication import lookup, store, versions
from allocation.publication.lookup import Answer, _longest_match
from tests.support.outcomes import Country, write_outcome

REST = Answer(
    1, "1002", None, None, "regulier", "WIA", "vangnet", "A1", "SMC A1", "Almere", 0.75, "split", None,
    date(2027, 1, 1), None, date(2027, 1, 1),
)  # fmt: skip
RANGE = replace(REST, pc6_from="1002AA", pc6_to="1002ZZ", team_id="A2", share=0.2)
INNER = replace(REST, pc6_from="1002AC", pc6_to="1002AE", team_id="A3", share=0.05)


def test_the_longest_match_wins() -> None:
    """1002AA-1002ZZ goes to A2, within it 1002AC-1002AE to A3; without letters all rows tell."""
    assert _longest_match([REST, RANGE, INNER], "1002AD") == [INNER]
    assert _longest_match([REST, RANGE, INNER], "1002AF") == [RANGE]
    assert _longest_match([REST, INNER], "1002AF") == [REST]
    assert _longest_match([REST, RANGE, INNER], None) == [REST, RANGE, INNER]
    assert _longest_match([INNER], "1002XX") == [INNER]  # divided by ranges only: all that is known


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The toy country of `tests.support.outcomes`, with postcode 1006 pinned to A1, published."""
    folder = tmp_path_factory.mktemp("lookup")
    address = f"sqlite:///{folder / 'caseload.sqlite'}"
    country = Country(moves={"1006": "A1"}, note="pand aan de grens")
    version = versions.propose(write_outcome(folder / "outcome", country), address, folder / "published")
    versions.publish(version, address, folder / "published")
    return address


def who(answers: list[Answer]) -> list[tuple[str, float, str]]:
    return [(a.team_id, a.share, a.rule) for a in answers]


def test_each_rule_is_told(store_url: str) -> None:
    asked = {"law": "WIA", "line": "vangnet"}
    assert who(lookup.lookup("1000", store_url, **asked)) == [("A1", 1.0, "verdeling")]
    assert who(lookup.lookup("1006 AB", store_url, **asked)) == [("A1", 1.0, "pin")]
    assert lookup.lookup("1006", store_url, **asked)[0].reason == "pand aan de grens"
    assert who(lookup.lookup("1001", store_url, **asked)) == [("A1", 0.5, "split"), ("A2", 0.5, "split")]
    assert who(lookup.lookup("1002 ac", store_url, **asked)) == [("A2", 0.25, "split")]
    assert who(lookup.lookup("1002 xx", store_url, **asked)) == [("A1", 0.75, "split")]
    special = lookup.lookup("1000", store_url, group="politie", **asked)
    assert who(special) == [("Q", 1.0, "bijzondere_groep")]
    assert (special[0].office, special[0].reason) == ("Zwolle", "groep politie heeft één eigen team")
    assert who(lookup.lookup("1003", store_url, law="PW", line="werkgever")) == [("P", 1.0, "verdeling")]


def test_without_law_and_line_every_combination_is_told(store_url: str) -> None:
    answers = lookup.lookup("1003", store_url)
    assert [(a.law, a.client_line, a.team_id) for a in answers] == [
        ("PW", "vangnet", "P"), ("PW", "werkgever", "P"), ("WIA", "vangnet", "V1"), ("WIA", "werkgever", "W1"),
        ("ZW", "vangnet", "V1"), ("ZW", "werkgever", "W1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"postcode": "9999"}, "Postcode 9999 does not exist"),
        (
            {"postcode": "1000", "group": "marine"},
            "'marine' is not a client group; allowed: klm, militair, politie, regulier",
        ),
        ({"postcode": "1000", "law": "WW"}, "'WW' is not a law; allowed: ZW, WIA, PW"),
        ({"postcode": "1000", "line": "alle"}, "'alle' is not a line; allowed: vangnet, werkgever"),
        ({"postcode": "1000", "on": date(2000, 1, 1)}, "No version is in force on 2000-01-01"),
    ],
)
def test_what_a_lookup_refuses(store_url: str, asked: dict[str, object], told: str) -> None:
    with pytest.raises(Refused, match=told):
        lookup.lookup(store_url=store_url, **asked)  # type: ignore[arg-type]


def test_a_lookup_in_an_empty_store_is_refused(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    store.migrate(address)
    with pytest.raises(Refused, match="No version is in force"):
        lookup.lookup("1000", address)


def test_a_lookup_where_no_store_was_made_yet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds no published tables yet"):
        lookup.lookup("1000", f"sqlite:///{tmp_path / 'none.sqlite'}")


def test_the_answer_names_the_group_of_medewerkers_verzuimbeheer(store_url: str) -> None:
    """A1 has two groups, by postcode, for the ZW; for the WIA the code of the team."""
    found = {
        (pc4, law): lookup.lookup(pc4, store_url, law=law, line="vangnet")[0].verzuimbeheer_code
        for pc4 in ("1000", "1007") for law in ("ZW", "WIA")
    }  # fmt: skip
    assert found == {
        ("1000", "ZW"): "VZB-A1", ("1000", "WIA"): "VZB-A1", ("1007", "ZW"): "VZB-A1-B", ("1007", "WIA"): "VZB-A1",
    }  # fmt: skip


def test_what_was_read_before_another_version_came_into_force_is_not_kept(tmp_path: Path) -> None:
    """While one thread reads, a version is published, and another thread sees that: what the first one read is old."""
    address = f"sqlite:///{tmp_path / 'caseload.sqlite'}"

    def publish(note: str, moves: dict[str, str]) -> None:
        outcome = write_outcome(tmp_path / note, Country(note=note, moves=moves))
        versions.publish(versions.propose(outcome, address, tmp_path / "files"), address, tmp_path / "files")

    class Slow(lookup.LookupTable):
        is_first = True

        def _read(self, pc4s: list[str]) -> dict[str, list[tuple[object, ...]]]:
            read = super()._read(pc4s)
            if self.is_first:
                self.is_first = False
                publish("twee", {"1000": "A2"})
                self._read_at = None
                assert len(self.periods()) == 1
            return read

    publish("een", {})
    table = Slow(address, is_pooled=True)
    asked = {"law": "WIA", "line": "vangnet"}
    table.find("1000", **asked)
    assert who(table.find("1000", **asked)) == [("A2", 1.0, "pin")]


def test_a_look_up_does_not_wait_for_pandas() -> None:
    """It is half of the time of one look-up on the command line."""
    program = "import sys, allocation.publication.lookup; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
