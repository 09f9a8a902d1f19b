"""The cards of partners and the table of Uitkeren's groups, in a run's folder made by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.report import network_sheets

TEAMS = pd.DataFrame({"team_id": ["A", "B"], "name": ["SMC A", "SMC B"], "office": ["Almere", "Venlo"]})
NETWORK = pd.DataFrame(
    [
        ("A", "ggz", "Noord", 40.0, 0.8, 1.0, 1, "multidisciplinair team", "intake@noord.example"),
        ("A", "ziekenhuis", "Oost", 15.0, 0.3, 0.75, 2, None, None),
        ("A", "ziekenhuis", "West", 2.0, 0.04, 1.0, 1, None, None),
        ("B", "ziekenhuis", "Oost", 5.0, 0.2, 0.25, 2, None, None),
    ],
    columns=["team_id", "kind", "provider", "clients_per_year", "team_share", "provider_share", "teams_at_provider",
             "form", "contact"],
)  # fmt: skip
GROUPS = pd.DataFrame(
    [
        ("GA", "A", 2.0, 4, 90.0, 45.0, 90.0, 0.0, 1, pd.Timestamp("2027-06-30")),
        ("GB", "A|B", 1.0, 2, 30.0, 3.0, 40.0, -0.25, 0, pd.NaT),
    ],
    columns=["group_code", "teams", "fte", "areas", "hours", "clients", "target_hours", "deviation", "areas_changed",
             "last_day"],
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    routing = pd.DataFrame({"team_id": ["A", "C"], "group_code": ["GA", None]})
    told = {"team_share": [0.7, 0.2, None, 0.1], "provider_share": [1.0, 0.7, None, 0.3]}
    seen = NETWORK.assign(clients_per_year=[80.0, 30.0, None, 5.0], **told)
    tables = {
        "team_network": NETWORK,
        "team_network_seen": seen,
        "verzuimbeheer_groups": GROUPS,
        "verzuimbeheer_routing": routing,
    }
    (tmp_path / "outcome").mkdir()
    for name, table in tables.items():
        table.to_parquet(tmp_path / "outcome" / f"{name}.parquet", index=False)
    return tmp_path


def test_a_card_tells_with_whom_a_team_works_and_whom_it_does_not_reach(folder: Path) -> None:
    """Noord has a form; Oost is 30% of the work without one; West is too small to say."""
    first, second = network_sheets.team_cards(folder, TEAMS)
    assert first.heading == "A: SMC A, kantoor Almere"
    assert first.told == (
        "Werkt samen met Noord (multidisciplinair team).",
        "Grote partners zonder vorm van samenwerking: Oost (30% van het werk).",
    )
    assert [[cell.text for cell in row[:4]] for row in first.partners.rows] == [
        ["Noord", "GGZ", "80,0%", "100,0%"], ["Oost", "ziekenhuis", "30,0%", "75,0%"],
        ["West", "ziekenhuis", "4,0%", "100,0%"],
    ]  # fmt: skip
    assert second.told == ()  # a fifth of the work


def test_a_form_that_says_none_is_no_cooperation(folder: Path) -> None:
    NETWORK.replace({"form": {"multidisciplinair team": "Geen"}}).to_parquet(
        folder / "outcome" / "team_network.parquet"
    )
    first, _ = network_sheets.team_cards(folder, TEAMS)
    assert first.told == (
        "Grote partners zonder vorm van samenwerking: Noord (80% van het werk), Oost (30% van het werk).",
    )


def test_a_partner_with_hardly_any_work_is_only_counted(folder: Path) -> None:
    small = NETWORK.assign(team_share=[0.8, 0.3, 0.0099, 0.2])
    small.to_parquet(folder / "outcome" / "team_network.parquet")
    first, _ = network_sheets.team_cards(folder, TEAMS)
    assert first.told[-1] == "En 1 partner met minder dan 1% van het werk."
    assert [row[0].text for row in first.partners.rows] == ["Noord", "Oost"]


def test_readers_do_not_see_few_clients_nor_their_shares(folder: Path) -> None:
    """They see what was kept apart for them; of a run of before, whom a team works with and no figure."""
    first, second = network_sheets.team_cards(folder, TEAMS, for_readers=True)
    west = [cell.text for cell in first.partners.rows[2]]
    assert west[:5] == ["West", "ziekenhuis", "–", "–", "–"]
    assert second.partners.rows[0][4].text == "5"
    assert [row[2].text for row in first.partners.rows[:2]] == ["70,0%", "20,0%"]
    (folder / "outcome" / "team_network_seen.parquet").unlink()
    first, _ = network_sheets.team_cards(folder, TEAMS, for_readers=True)
    assert {cell.text for row in first.partners.rows for cell in row[2:5]} == {"–"}


def test_a_partner_has_its_teams_in_one_row(folder: Path) -> None:
    rows = [[cell.text for cell in row] for row in network_sheets.provider_sheet(folder).rows]
    assert ["Oost", "ziekenhuis", "2", "A (75%), B (25%)", "–", "–"] in rows
    assert ["Noord", "GGZ", "1", "A (100%)", "multidisciplinair team", "intake@noord.example"] in rows


def test_what_stands_out_among_the_groups_is_told_in_a_sentence(folder: Path) -> None:
    assert network_sheets.verzuimbeheer_sentences(folder) == [
        "Groep GB werkt met 2 teams: A, B.",
        "Team C krijgt ZW-cliënten en heeft geen groep medewerkers verzuimbeheer.",
        "Groep GA stopt na 30 juni 2027.",
    ]


def test_readers_see_of_a_group_what_tells_no_count(folder: Path) -> None:
    sheet = network_sheets.verzuimbeheer_sheet(folder)
    for_readers = network_sheets.verzuimbeheer_sheet(folder, for_readers=True)
    assert sheet is not None
    assert for_readers is not None
    assert "Afwijking" in sheet.columns
    assert [cell.text for cell in for_readers.rows[1]] == ["GB", "A, B", "1,0", "2", "0", "–"]


def test_a_run_of_before_has_no_partners_and_no_groups(tmp_path: Path) -> None:
    (tmp_path / "outcome").mkdir()
    assert network_sheets.team_cards(tmp_path, TEAMS) == []
    assert network_sheets.provider_sheet(tmp_path).rows == []
    assert network_sheets.verzuimbeheer_sheet(tmp_path) is None
    assert network_sheets.verzuimbeheer_sentences(tmp_path) == []


def test_clients_where_own_staff_live_are_told_with_what_barring_costs(folder: Path) -> None:
    row = {
        "team_id": "A", "law_domain": "zw_wia", "client_line": "alle", "areas": 1, "clients_per_year": 4.0,
        "client_share": 0.25, "extra_km": 1.25, "deviation": 0.01, "deviation_barred": -0.2, "taker_deviation": 0.08,
        "takers": "B|C", "areas_without_taker": 0,
    }  # fmt: skip
    pd.DataFrame([row]).to_parquet(folder / "outcome" / "staff.parquet", index=False)
    sheet = network_sheets.staff_sheet(folder)
    assert sheet is not None
    shown = [cell.text for cell in sheet.rows[0]]
    assert shown == ["A", "ZW en WIA", "1", "4", "25,0%", "1,2", "+1,0%", "−20,0%", "+8,0%", "B, C", "0"]
    assert network_sheets.staff_sheet(folder.parent) is None
