"""What a division means in figures, on the toy country."""

from __future__ import annotations

from pathlib import Path

from allocation.contract.config import Config
from tests.support import toy

CONFIG = Config.from_values({"solver": {"iterations": 20_000, "seconds": 20.0}})


def test_files_of_an_ended_team_count_as_moved_where_the_postcode_keeps_its_team(tmp_path: Path) -> None:
    """W2 has ended; besides its own three postcodes it holds two WIA files in 1001, which is and stays W1's."""
    changed = {name: toy.tables()[name] for name in ("teams", "stock")}
    changed["teams"].loc[changed["teams"]["team_id"] == "W2", "valid_to"] = "2025-12-31"
    there = (changed["stock"]["pc4"] == "1001") & (changed["stock"]["product"] == "WIA_EWT")
    changed["stock"].loc[there, "team_id"] = "W2"
    made = toy.divide(tmp_path, changed, CONFIG)
    moved = made.transition[made.transition["movement"] == "verhuist"]
    assert moved["clients"].sum() == 8
    regions = made.regions.set_index(["arbeidsmarktregio_nr", "law_domain"])["clients_moved"]
    assert regions[1, "zw_wia"] == 8
    assert regions.sum() == 8


def test_clients_that_move_in_one_law_do_not_count_in_the_other(tmp_path: Path) -> None:
    """1001 goes from W2 to W1 by a pin and clients follow: the PW clients of 1001 keep their team."""
    current = toy.tables()["current"]
    current.loc[(current["pc4"] == "1001") & (current["team_id"] == "W1"), "team_id"] = "W2"
    config = CONFIG.model_copy(update={"continuity": "move", "tolerance": 0.6})
    locks = toy.locks(("1001", "W1", "pin", "", ""))
    made = toy.divide(tmp_path, {"current": current, "locks": locks}, config)
    per_law = made.regions.groupby("law_domain")["clients_moved"].sum()
    moved = made.transition[made.transition["movement"] == "verhuist"]
    assert per_law["zw_wia"] == moved.loc[moved["product"] == "WIA_EWT", "clients"].sum() > 0
    assert per_law["pw"] == moved.loc[moved["product"] == "PW_ABA", "clients"].sum() == 0
