"""Layers that wait for the other client line, and the price of moving against what really moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.districting import evaluate
from allocation.layers.solving import beside, second_lines
from allocation.outcome.routing import allocation_table, assigned_parts
from allocation.outcome.transition import allocation_changes, expected_per_area
from tests.support import toy

CONFIG = Config.from_values({"tolerance": 0.6, "solver": {"iterations": 4000, "seconds": 20.0}})


def mixed() -> pd.DataFrame:
    """West: W1 serves vangnet, W2 werkgever, W3 both. The offices of W1 and W2 lie apart, W3's between them."""
    frame = toy.tables()["teams"]
    rest = frame[~frame["team_id"].isin(["W1", "W2"])].to_dict("records")
    return pd.DataFrame([
        toy.team("W1", "1", "1001", client_lines="vangnet", fte_verzekeringsarts="0.5"),
        toy.team("W2", "1", "1010", client_lines="werkgever", laws="WIA", fte_verzekeringsarts="0.5"),
        toy.team("W3", "1", "1005"),
        *rest,
    ])  # fmt: skip


def empty(name: str) -> pd.DataFrame:
    return toy.tables()[name].head(0)


def test_a_team_of_both_lines_gets_the_same_postcodes_on_both(tmp_path: Path) -> None:
    """Without a price W3 has other postcodes on the two lines, for W1 and W2 draw them to other sides."""
    tables = {"teams": mixed(), "current": empty("current")}
    apart = {}
    for price in (0.0, 50.0):
        weights = CONFIG.weights.model_copy(update={"lines_apart": price, "municipality_splits": 0.0})
        config = CONFIG.model_copy(update={"weights": weights, "tolerance": 0.2})  # three postcodes each
        made = toy.divide(tmp_path / str(price), tables, config)
        own = [{pc4 for pc4 in toy.POSTCODES if made.team_of(pc4, line) == {"W3"}} for line in ("vangnet", "werkgever")]
        lines = made.outcome["lines"].set_index("client_line")
        assert lines["shared_areas"].to_dict() == {"vangnet": len(own[0]), "werkgever": len(own[1])}
        assert lines["apart_areas"].to_dict() == {"vangnet": len(own[0] - own[1]), "werkgever": len(own[1] - own[0])}
        apart[price] = len(own[0] ^ own[1])
    assert apart[0.0] > 0
    assert apart[50.0] == 0


def test_what_is_apart_by_hand(tmp_path: Path) -> None:
    """On vangnet W3 has 1001 and W1 the rest. On werkgever a unit is apart in W3 but for 1001, and 1001 in W2."""
    built = toy.build(tmp_path, {"teams": mixed(), "current": empty("current")}, CONFIG)
    layers = {layer.key: layer for layer in built.layers}
    ((second, first),) = second_lines(built.layers).items()
    assert (layers[first].client_line, layers[second].client_line) == ("vangnet", "werkgever")
    plan = np.where(layers[first].parts["pc4"] == "1001", 1, 0)
    assert layers[first].problem.team_ids == ("W1", "W3")
    problem = beside(layers[second], layers[first], plan).problem
    assert problem.team_ids == ("W2", "W3")
    assert problem.apart is not None
    in_1001 = (layers[second].parts["pc4"] == "1001").to_numpy()
    assert problem.apart[in_1001].tolist() == [[True, False]]
    assert (problem.apart[~in_1001] == [False, True]).all()
    half = np.where(in_1001, 1, 0)
    assert evaluate(problem, half).lines_apart == 0.0
    assert evaluate(problem, 1 - half).lines_apart == pytest.approx(1.0)


def test_lines_without_a_team_in_common_do_not_wait(tmp_path: Path) -> None:
    frame = mixed()
    alone = toy.build(tmp_path, {"teams": frame[frame["team_id"] != "W3"], "current": empty("current")}, CONFIG)
    assert second_lines(alone.layers) == {}


DIVISIONS = {
    "as it is": [("1001", "alle", "W1", "1"), ("1002", "alle", "W2", "1"), ("1005", "alle", "W1", "1"),
                 ("1006", "alle", "W2", "1"), ("1009", "alle", "W2", "1"), ("1010", "alle", "W1", "1")],
    "lines": [(pc4, line, team, "1") for pc4 in ("1001", "1002", "1005", "1006", "1009", "1010")
              for line, team in (("vangnet", "W1"), ("werkgever", "W2"))],
    "shared": [("1001", "alle", "W1", "0.7"), ("1001", "alle", "W2", "0.3"), ("1002", "alle", "W2", "1"),
               ("1005", "alle", "W1", "1"), ("1006", "alle", "W9", "0.6"), ("1006", "alle", "W1", "0.4"),
               ("1009", "alle", "W2", "1"), ("1010", "alle", "W2", "1")],
}  # fmt: skip


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("split", [False, True])
def test_the_price_of_moving_counts_what_moves(tmp_path: Path, division: str, split: bool) -> None:
    """For every plan of West: the engine's share that moves x the work = hours of ``allocation_changes``."""
    frames = toy.tables()
    counted = (frames["inflow"]["product"] == "WIA_EWT") & frames["inflow"]["pc4"].isin(["1001", "1005", "1009"])
    frames["inflow"].loc[counted, "client_line"] = "vangnet"  # so that the two lines weigh unevenly
    frames["inflow"].loc[counted & (frames["inflow"]["pc4"] == "1005"), "clients"] = "4"
    own = frames["current"]["team_id"].isin(["W1", "W2"])
    here = pd.DataFrame(DIVISIONS[division], columns=frames["current"].columns)
    frames["current"] = pd.concat([here, frames["current"][~own]], ignore_index=True)
    ended = toy.team("W9", "1", "1005", valid_to="2025-12-31")
    frames["teams"] = pd.concat([frames["teams"], pd.DataFrame([ended])], ignore_index=True)
    if split:
        frames["locks"] = toy.locks(("1001", "W1", "split", "0.4", ""), ("1001", "W2", "split", "0.6", ""))
    built = toy.build(tmp_path, frames, CONFIG)
    layer = next(one for one in built.layers if one.law_domain == "zw_wia" and 1 in one.regions)
    problem, now = layer.problem, built.now[built.now["law_domain"] == "zw_wia"]
    rng = np.random.default_rng(5)
    for _ in range(8):
        plan = rng.integers(0, problem.k, problem.n)
        plan = plan if problem.fixed is None else np.where(problem.fixed >= 0, problem.fixed, plan)
        new = allocation_table(assigned_parts([layer], [plan]))
        before = now[now["pc4"].isin(layer.parts["pc4"])][["pc4", "client_line", "law_domain", "team_id", "share"]]
        changes = allocation_changes(before, new, expected_per_area(built.work, new, CONFIG))
        moved = evaluate(problem, plan).moved * problem.total_demand
        assert moved == pytest.approx(changes["hours"].sum(), abs=1e-6)
