"""``caseload lookup`` where another version is planned: until when the team, and not the version, serves a client."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from allocation.cli import main
from allocation.contract import calendar
from allocation.page import proposing
from allocation.page.changes import ChangeSet, Move
from allocation.page.suggestions import suggestions
from allocation.page.whatif import Bench
from allocation.publication import versions
from tests.support import gates


@pytest.mark.heavy  # two versions are made for it; `test_since` asks the store the same of small ones
def test_a_team_that_goes_on_in_the_next_version_has_no_last_day(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In ten days 1005 gets another team, and nothing else changes."""
    store = f"sqlite:///{var / 'store.sqlite'}"
    versions.publish(1, store, var / "published")
    to = suggestions(Bench(var / "runs" / "toy").variant(ChangeSet()), "vangnet", ["1005"])[0].team_id
    first = calendar.today() + timedelta(days=10)
    moves = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id=to),))
    with gates.opened():
        planned = proposing.submit_in(var, store, "toy", moves, "Anna", "straks", first, 1)
    versions.publish(planned, store, var / "published")

    def told(pc4: str) -> str:
        asked = ["lookup", pc4, "--law", "WIA", "--line", "vangnet", "--store", store, "--var", str(var)]
        assert main(asked) == 0
        return capsys.readouterr().out

    capsys.readouterr()
    assert " until " not in told("1003")
    assert f" until {first - timedelta(days=1)}\n" in told("1005")
