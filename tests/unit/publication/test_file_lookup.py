"""Where is this file: the row of `files` that names most decides; who holds a file may be asked or follow."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from allocation.contract.errors import Refused
from allocation.publication import store, versions
from allocation.publication.file_lookup import FileAnswer, find_file
from allocation.publication.lookup import LookupTable
from tests.support import releases
from tests.support.outcomes import Country, write_outcome

ASKED = {"law": "WIA", "line": "vangnet"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> LookupTable:
    """Version 1 from today, version 2 in 10 days, in which 1000 goes from A1 to A2."""
    folder = tmp_path_factory.mktemp("files")
    address = f"sqlite:///{folder / 'caseload.sqlite'}"
    for number, moves in enumerate(({}, {"1000": "A2"})):
        outcome = write_outcome(folder / str(number), Country(moves=moves, note=str(number)))
        day = store.today() + timedelta(days=10 * number)
        versions.publish(versions.propose(outcome, address, folder / "f"), address, folder / "f", valid_from=day)
    return LookupTable(address)


def told(answers: list[FileAnswer]) -> list[tuple[object, ...]]:
    return [(a.team_from, a.team_to, a.movement, a.reason) for a in answers]


def test_a_file_stays_with_the_team_that_has_it(table: LookupTable) -> None:
    assert told(find_file(table, "1000 AB", team="A2", **ASKED)) == [
        ("A2", ("A2",), "blijft", "bestaande cliënt houdt zijn team")
    ]


def test_a_file_goes_to_the_team_of_the_routing_where_its_own_no_longer_serves(table: LookupTable) -> None:
    """A2 does not serve region 2; 1003 is V1's."""
    assert told(find_file(table, "1003", team="A2", **ASKED)) == [
        ("A2", ("V1",), "verhuist", "het team bedient de regio niet")
    ]


def test_a_pw_client_goes_to_the_pw_team(table: LookupTable) -> None:
    assert told(find_file(table, "1003", team="A2", pw_client=True, **ASKED)) == [
        ("A2", ("P",), "verhuist", "het team bedient de wet niet")
    ]


def test_without_a_holder_the_division_of_the_day_before_tells_who_has_it(table: LookupTable) -> None:
    """On the first day there was none: nobody knows. Before version 2 the file of 1018 was A2's, of 1001 shared."""
    assert told(find_file(table, "1018", **ASKED)) == [(None, ("A2",), "onbekend", "team onbekend")]
    later = store.today() + timedelta(days=10)
    assert told(find_file(table, "1018", on=later, **ASKED))[0][:3] == ("A2", ("A2",), "blijft")
    assert [a.team_from for a in find_file(table, "1001", on=later, **ASKED)] == ["A1", "A2"]


def test_a_version_of_before_files_were_published_says_so(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    releases.make_store(address, "0004")
    with pytest.raises(Refused, match="Version 1 was published before files were"):
        find_file(LookupTable(address), "1000", on=releases.FIRST_DAY, **ASKED)
