"""What came in against what was planned, small enough to reckon by hand.

Postcode 1001 goes to A; 1002 goes half to A, half to B. Planned are 120 clients a year in each: 10 a month. So in two
months A expects 20 + 10 = 30 clients and B 10. Both lines have the same teams, but for the postcodes of region two.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.outcome.finished import PlanInForce
from allocation.pipeline import alerts
from allocation.pipeline.drift import finished_drift, team_drift

PRODUCTS = pd.DataFrame({"product": ["EWT", "HERB"], "law": ["WIA", "WIA"], "handled_by": ["team", "central"]}).assign(
    client_lines="vangnet|werkgever"
)
ROUTING = (
    pd.DataFrame([("1001", "A", 1.0), ("1002", "A", 0.5), ("1002", "B", 0.5)], columns=["pc4", "team_id", "share"])
    .assign(client_group="regulier", law="WIA", pw_client=False)
    .merge(pd.DataFrame({"client_line": ["vangnet", "werkgever"]}), how="cross")
)
COUNTED = {"product": "EWT", "client_group": "regulier", "pw_client": False, "law": "WIA", "rate_region": "1"}
PLANNED = pd.DataFrame({"pc4": ["1001", "1002"], "inflow_clients": 120.0}).assign(
    client_line="alle", stock_clients=0, is_central=False, vangnet_part=0.5, **COUNTED
)


def came(first: list[int], second: list[int], product: str = "EWT") -> pd.DataFrame:
    """Clients in 1001 and 1002 in two months."""
    rows = [("2026-07", "1001", first[0]), ("2026-07", "1002", second[0])]
    rows += [("2026-08", "1001", first[1]), ("2026-08", "1002", second[1])]
    frame = pd.DataFrame(rows, columns=["month", "pc4", "clients"])
    return frame.assign(product=product, client_line="alle", client_group="regulier", pw_client=False)


def drift(inflow: pd.DataFrame) -> pd.DataFrame:
    return team_drift(PLANNED, inflow, PRODUCTS, ROUTING, Config(tolerance=0.1)).set_index("team_id")


def test_as_planned() -> None:
    table = drift(came([10, 10], [10, 10]))
    assert table["clients_planned"].to_dict() == pytest.approx({"A": 30.0, "B": 10.0})
    assert table["clients_came"].to_dict() == pytest.approx({"A": 30.0, "B": 10.0})
    assert table["months"].tolist() == [2, 2]
    assert not table["is_outside"].any()


def test_the_band_is_tolerance_and_three_times_chance() -> None:
    """A: 30 - 3 - 3 sqrt(30) = 10.57 to 30 + 3 + 16.43 = 49.43."""
    table = drift(came([10, 10], [10, 10]))
    assert table.loc["A", ["low", "high"]].tolist() == pytest.approx([10.568, 49.432], abs=1e-3)


def test_a_team_with_far_more_is_outside_and_its_neighbour_is_not() -> None:
    table = drift(came([30, 30], [10, 10]))
    assert table["clients_came"].to_dict() == pytest.approx({"A": 70.0, "B": 10.0})
    assert table["is_outside"].to_dict() == {"A": True, "B": False}


def test_counts_of_alle_in_a_region_with_two_lines_are_those_of_both() -> None:
    """1003 has a team per line. Where the counts name a line, three of four are vangnet; so are those of ``alle``."""
    row = COUNTED | {"pc4": "1003", "stock_clients": 0, "is_central": False}
    planned = pd.DataFrame([
        row | {"client_line": "vangnet", "inflow_clients": 90.0, "vangnet_part": 1.0},
        row | {"client_line": "werkgever", "inflow_clients": 30.0, "vangnet_part": 0.0},
        row | {"client_line": "alle", "inflow_clients": 120.0, "vangnet_part": 0.75},
    ])  # fmt: skip
    routing = ROUTING[:2].assign(pc4="1003", client_line=["vangnet", "werkgever"], team_id=["V", "W"], share=1.0)
    inflow = came([40, 40], [0, 0]).assign(pc4="1003")
    table = team_drift(planned, inflow, PRODUCTS, routing, Config()).set_index("team_id")
    assert table["clients_planned"].to_dict() == pytest.approx({"V": 2 * (7.5 + 7.5), "W": 2 * (2.5 + 2.5)})
    assert table["clients_came"].to_dict() == pytest.approx({"V": 60.0, "W": 20.0})


def test_what_is_handled_centrally_is_nobody_s_drift() -> None:
    inflow = pd.concat([came([10, 10], [10, 10]), came([500, 500], [500, 500], "HERB")])
    assert not drift(inflow)["is_outside"].any()


PLAN = PlanInForce(
    ledger=pd.DataFrame({
        "team_id": ["A", "A", "B"], "product": ["EWT", "ZW", "EWT"], "planned_clients": [300.0, 120.0, 600.0],
        "hours_verzekeringsarts": [1200.0, 120.0, 2400.0],
    }),
    load=pd.DataFrame({"team_id": ["A", "B"], "capacity_hours_verzekeringsarts": [1500.0, 1200.0]}),
    since=date(2026, 6, 15),
)  # fmt: skip
NORMS = pd.DataFrame({"product": ["EWT", "ZW", "HERB"], "handled_by": ["team", "team", "central"]}).assign(
    law="WIA", hours_verzekeringsarts=[4.0, 1.0, 3.0], hours_other=1.0, planned_stock_share=0.5, priority=1
)


def finished(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    done = pd.DataFrame(list(rows), columns=["month", "team_id", "product", "clients"])
    return finished_drift(PLAN, done, NORMS, Config(tolerance=0.1)).set_index("team_id")


def test_finished_work_against_the_plan_and_the_hours_that_there_are() -> None:
    """From July on: A has hours for all of 1,320 a year, 220 in two months; B is asked 2,400 and has 1,200: 200. June
    began before the plan. Finished: A 40 x 4 + 30 x 1 = 190; B 20 x 4, and 7 of a product that is handled centrally."""
    table = finished(
        ("2026-06", "A", "EWT", 500), ("2026-07", "A", "EWT", 40), ("2026-08", "A", "ZW", 30),
        ("2026-08", "B", "EWT", 20), ("2026-08", "B", "HERB", 7), ("2026-08", "ELSE", "EWT", 9),
    )  # fmt: skip
    assert table["months"].tolist() == [2, 2]
    assert table["hours_planned"].to_dict() == pytest.approx({"A": 220.0, "B": 200.0})
    assert table["hours_finished"].to_dict() == pytest.approx({"A": 190.0, "B": 80.0})
    # A: 220 x 0.9 - 3 sqrt((300 x 16 + 120 x 1) / 6); B: 200 x 0.9 - 3 sqrt(600 x 16 / 2 / 6)
    assert table["low"].to_dict() == pytest.approx({"A": 198 - 3 * 820**0.5, "B": 180 - 3 * 800**0.5})
    assert table["is_outside"].to_dict() == {"A": False, "B": True}


def test_before_a_month_of_the_plan_is_in_nothing_is_compared() -> None:
    assert finished(("2026-06", "A", "EWT", 5)).empty


def test_an_alert_names_teams_that_finish_less() -> None:
    rows = finished(("2026-07", "B", "EWT", 1)).reset_index().query("is_outside").to_dict("records")
    told = alerts.drifted([], "run", rows)
    assert told["what"] == "2 team(s) outside the planned band"
    assert "B: about 0 hours of work finished, planned about 100 (band about 25 to about 175)" in told["details"]


def test_an_alert_tells_no_small_count() -> None:
    """It goes to a chat: 3 clients are under 5, 12 are about 10, and so are 8."""
    row = {"team_id": "B", "clients_came": 3.0, "clients_planned": 12.4, "low": 8.2, "high": 1206.0}
    (told,) = alerts.drifted([row], "run")["details"]
    assert told == "B: under 5 clients came in, planned about 10 (band about 10 to about 1,205)"
    few, none = (alerts.drifted([row | {"clients_came": count}], "run")["details"][0] for count in (1.0, 0.0))
    assert few == told
    assert none.startswith("B: about 0 clients came in")


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=4))
def test_every_client_is_counted_once(clients: list[int]) -> None:
    """Shares sum to 1, so the teams together got what came in."""
    table = drift(came(clients[:2], clients[2:]))
    assert table["clients_came"].sum() == pytest.approx(sum(clients))
