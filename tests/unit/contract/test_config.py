"""Settings: defaults, what a file overrides, and what an older run had."""

from __future__ import annotations

import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused


def test_a_retired_setting_of_an_older_run_is_left_out_and_one_in_a_file_refused() -> None:
    values = {"tolerance": 0.04, "work": {"months_to_close": {"*": 6.0}, "growth": {"*": 0.1}}}
    config = Config.of_run(values)
    assert (config.tolerance, config.work.growth) == (0.04, {"*": 0.1})
    with pytest.raises(InputRefused, match=r"work\.months_to_close.*unknown setting"):
        Config.from_values(values)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2101-01-01"])
def test_a_first_day_that_is_a_mistake_is_refused(day: str) -> None:
    with pytest.raises(InputRefused, match="valid_from"):
        Config.from_values({"valid_from": day})
