"""How a day is written."""

from __future__ import annotations

from datetime import date

import pytest

from allocation.cli import main
from allocation.contract.calendar import day_of


def test_a_day_by_hand() -> None:
    assert day_of("2027-02-01") == date(2027, 2, 1)


@pytest.mark.parametrize(
    "text", ["20270101", "2027-W01-5", "2027-1-1", "2027-02-30", "٢٠٢٧-٠١-٠١", "2027-01-01T00:00", ""]
)
def test_other_ways_to_write_one_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"day|month"):
        day_of(text)
    with pytest.raises(SystemExit):
        main(["lookup", "3511", "--on", text])
    assert "is not a date, YYYY-MM-DD" in capsys.readouterr().err
