"""What a screen can show, and how the rest is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.contract.plain_text import is_readable, readable, told
from allocation.page.requests import Comment


@pytest.mark.parametrize(
    "text", ["", "Zuid-Limburg", "'s-Hertogenbosch", "Súdwest-Fryslân", "1\u00a0013", "wacht\u00adtijd"]
)
def test_names_of_here_are_readable(text: str) -> None:
    assert is_readable(text)
    assert told(text) == text


@pytest.mark.parametrize("sign", ["\x1b", "\x00", "\x08", "\r", "\x7f", "\x9b", "\u2028", "\u202e", "\u200b", "\ud800"])
def test_what_hides_turns_or_commands_is_not(sign: str) -> None:
    assert not is_readable(f"a{sign}b")
    with pytest.raises(ValueError, match="cannot be shown"):
        readable(f"a{sign}b")
    with pytest.raises(InputRefused, match="reason"):
        Config.from_values({"reason": f"a{sign}b"})
    with pytest.raises(ValidationError):
        Comment(text=f"a{sign}b")


@given(st.text(alphabet=st.characters()))
def test_whatever_is_told_can_be_shown(text: str) -> None:
    assert is_readable(told(text), also="\n")
    assert told(told(text)) == told(text)
