"""What a change set may be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from allocation.contract.errors import Refused
from allocation.page.changes import ChangeSet, Move, changes_kept


def test_a_postcode_goes_to_one_team_in_a_layer() -> None:
    """The last of two would win without a word."""
    one, other = (Move(layer="vangnet", pc4="1001", team_id=team) for team in ("W1", "W2"))
    with pytest.raises(ValidationError, match="postcode 1001 goes to two teams in layer vangnet"):
        ChangeSet(moves=(one, other))
    elsewhere = Move(layer="werkgever", pc4="1001", team_id="W2")
    assert len(ChangeSet(moves=(one, one, elsewhere)).moves) == 3


def test_a_draft_that_an_earlier_release_took_is_refused_in_a_sentence() -> None:
    move = {"layer": "vangnet", "pc4": "1002"}
    content = {"moves": [move | {"team_id": "W2"}, move | {"team_id": "W1"}]}
    with pytest.raises(Refused, match=r"Dit concept kan niet meer worden gebruikt.*: moves"):
        changes_kept(content)
    assert changes_kept({}) == ChangeSet()
