"""With whom a team works, on paper: shares of postcodes, teams and partners."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.outcome.network import team_network
from tests.support import toy


def routed(*rows: tuple[str, str, str, float, float, float]) -> pd.DataFrame:
    """Team, postcode, who serves, hours and clients of the whole row of work, and the team's share of it."""
    columns = ["team_id", "pc4", "serves", "hours_verzekeringsarts", "planned_clients", "share"]
    return pd.DataFrame(rows, columns=columns)


def covered(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["pc4", "kind", "provider", "share"])
    return table.assign(form=None, contact=None).astype({"form": object, "contact": object})


WORK = routed(
    ("A", "1001", "zw_wia", 40.0, 10.0, 1.0),
    ("A", "1002", "zw_wia", 60.0, 20.0, 0.25), ("B", "1002", "zw_wia", 60.0, 20.0, 0.75),
    ("B", "1003", "zw_wia", 30.0, 6.0, 1.0),
    ("P", "1003", "pw", 12.0, 4.0, 1.0),
    ("M", "1001", "bijzonder", 99.0, 99.0, 1.0),
)  # fmt: skip
"""A: 40 + 15 = 55 hours, B: 45 + 30 = 75, P: 12. A special team has no area: it does not count."""


def test_nobody_has_work() -> None:
    table = team_network(WORK[WORK["serves"] == "bijzonder"], covered(("1001", "ggz", "Noord", 1.0)))
    assert table.empty


def test_shares_by_hand() -> None:
    """GGZ Noord has all of 1001 and 0.6 of 1002. A there: 10 + 0.6 x 5 = 13 clients and 40 + 0.6 x 15 = 49 hours of 55;
    B: 0.6 x 15 = 9 clients, 0.6 x 45 = 27 hours of 75. Together 22 clients, two teams."""
    table = team_network(WORK, covered(("1001", "ggz", "Noord", 1.0), ("1002", "ggz", "Noord", 0.6)))
    assert table["team_id"].tolist() == ["A", "B"]
    assert table["clients_per_year"].tolist() == pytest.approx([13.0, 9.0])
    assert table["team_share"].tolist() == pytest.approx([49 / 55, 27 / 75])
    assert table["provider_share"].tolist() == pytest.approx([13 / 22, 9 / 22])
    assert table["teams_at_provider"].tolist() == [2, 2]


def test_kinds_overlap_and_do_not_know_of_each_other() -> None:
    """1003 lies in two territories at once, of B and of the PW team P: each tells of its own clients."""
    table = team_network(WORK, covered(("1003", "ggz", "Zuid", 1.0), ("1003", "wsp", "Zuid", 1.0)))
    assert table[["team_id", "kind"]].to_numpy().tolist() == [["B", "ggz"], ["B", "wsp"], ["P", "ggz"], ["P", "wsp"]]
    assert table["provider_share"].tolist() == pytest.approx([0.6, 0.6, 0.4, 0.4])
    assert table["team_share"].tolist() == pytest.approx([0.4, 0.4, 1.0, 1.0])


def test_form_and_contact_are_told_for_the_whole_partner() -> None:
    rows = covered(("1001", "ggz", "Noord", 1.0), ("1002", "ggz", "Noord", 1.0))
    rows["form"], rows["contact"] = ["team", "contactpersoon"], [None, "a@ggz.example"]
    table = team_network(WORK, rows)
    assert set(table["form"]) == {"contactpersoon|team"}
    assert set(table["contact"]) == {"a@ggz.example"}


def test_gemeenten_and_care_regions_come_by_themselves_and_each_partner_adds_up(tmp_path: Path) -> None:
    coverage = pd.DataFrame({"pc4": ["1001", "1002", "1002"], "kind": ["GGZ", "ggz", "ggz"],
                             "provider": ["Noord", "Noord", "Zuid"], "share": ["", "0.6", ""]})  # fmt: skip
    made = toy.divide(tmp_path, {"coverage": coverage}, Config.from_values({"solver": {"iterations": 20_000}}))
    assert made.inputs.coverage["share"].tolist() == pytest.approx([1.0, 0.6, 0.4])  # an empty one: what is left
    table = made.outcome["team_network"]
    assert set(table["kind"]) == {"gemeente", "care_region", "ggz"}
    sums = table.groupby(["kind", "provider"])["provider_share"].sum()
    assert sums.to_numpy() == pytest.approx(1.0)
    whole = table[table["kind"] == "care_region"].groupby("team_id")["team_share"].sum()
    assert whole.to_numpy() == pytest.approx(1.0)
    zuid = table[table["provider"] == "Zuid"]
    postcode = made.load["clients_per_year"].sum() / 12  # every postcode has the same clients, of WIA and PW
    assert zuid["clients_per_year"].sum() == pytest.approx(0.4 * postcode)


def test_a_price_for_a_kind_keeps_its_partner_in_one_team(tmp_path: Path) -> None:
    """West has two gemeenten of three postcodes, one for each team. A GGZ with 1001, 1002 and 1006, which lie in both,
    has two teams, and one when that has a price."""
    of_ggz = ["1001", "1002", "1006"]
    coverage = pd.DataFrame({"pc4": of_ggz, "kind": "ggz", "provider": "Noord", "share": ""})
    free = {"solver": {"iterations": 20_000}, "weights": {"moved": 0.0}, "tolerance": 0.05}
    priced = free | {"weights": {"moved": 0.0, "coverage": {"ggz": 50.0}}}
    teams = {}
    for name, settings in (("free", free), ("priced", priced)):
        made = toy.divide(tmp_path / name, {"coverage": coverage}, Config.from_values(settings))
        teams[name] = len(set().union(*(made.team_of(pc4) for pc4 in of_ggz)))
    assert teams == {"free": 2, "priced": 1}


def test_no_share_is_above_one_in_its_last_digit() -> None:
    """Three partners have a part each and the gemeente has all; with numbers like these sums differ by their order."""
    hours = [0.1 * i + 0.7 / (i + 1) for i in range(60)]
    work = routed(*[("A", str(1000 + i), "zw_wia", hours[i], hours[i] / 3, 1.0) for i in range(60)])
    everywhere = [(str(1000 + i), "gemeente", "G", 1.0) for i in reversed(range(60))]
    table = team_network(work, covered(*everywhere, *[(str(1000 + i), "ggz", "N", 0.3) for i in range(60)]))
    assert table["team_share"].max() == pytest.approx(1.0)
    assert (table[["team_share", "provider_share"]] <= 1.0).all().all()
