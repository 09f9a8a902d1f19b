"""What a change set may be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from allocation.page.changes import ChangeSet, Move


def test_a_postcode_goes_to_one_team_in_a_layer() -> None:
    """The last of two would win without a word."""
    one, other = (Move(layer="vangnet", pc4="1001", team_id=team) for team in ("W1", "W2"))
    with pytest.raises(ValidationError, match="postcode 1001 goes to two teams in layer vangnet"):
        ChangeSet(moves=(one, other))
    elsewhere = Move(layer="werkgever", pc4="1001", team_id="W2")
    assert len(ChangeSet(moves=(one, one, elsewhere)).moves) == 3
