"""Table ``files``: which row decides for a client, and that it says the same as the transition; see ``toy``.

In West W2 has ended, W3 serves vangnet and W4 werkgever, W1 both; W1 is barred from 1002 on the werkgeverslijn.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from allocation.contract.config import Config
from tests.support import recount, toy

CONFIG = Config.from_values({"tolerance": 0.9, "solver": {"iterations": 5_000, "seconds": 20.0}})
SPECIAL = {"militair": {"M1": 1.0}, "klm": {"K1": 1.0}, "politie": {"L1": 1.0}}


def frames() -> dict[str, pd.DataFrame]:
    tables = toy.tables()
    teams = tables["teams"]
    teams.loc[teams["team_id"] == "W2", "valid_to"] = "2025-12-31"
    extra = [
        toy.team("W3", "1", "1009", client_lines="vangnet"),
        toy.team("W4", "1", "1009", client_lines="werkgever", laws="WIA"),
    ]
    names = ["pc4", "product", "client_line", "client_group", "clients", "team_id", "pw_client"]
    more = pd.DataFrame(
        [
            ("1005", "WIA_EWT", "alle", "regulier", "5", "W1", "true"),  # with W1, while PW clients are P1's
            ("1006", "WIA_EWT", "vangnet", "klm", "3", "", "false"),
            ("1006", "WIA_EWT", "vangnet", "klm", "4", "W1", "false"),
            ("1003", "WIA_EWT", "werkgever", "regulier", "7", "W1", "false"),  # in another region
            ("1002", "WIA_EWT", "werkgever", "regulier", "6", "W1", "false"),  # barred
            ("1002", "ZW_EZWB", "vangnet", "regulier", "2", "", "false"),
            ("1010", "WIA_EWT", "vangnet", "regulier", "9", "X9", "false"),  # a team that nobody knows any more
            ("1001", "WIA_HERB", "alle", "regulier", "8", "", "false"),
        ],
        columns=names,
    ).assign(reference_date="2025-12-31")
    stock = tables["stock"].assign(
        pw_client=lambda rows: rows["product"].eq("PW_ABA").map({True: "true", False: "false"})
    )
    gone = toy.team("X9", "1", "1001", valid_from="2023-01-01", valid_to="2025-06-30")
    return tables | {
        "teams": pd.concat([teams, pd.DataFrame([*extra, gone])], ignore_index=True),
        "stock": pd.concat([stock, more], ignore_index=True),
        "locks": toy.locks(("1002", "W1", "bar", "", "werkgever")),
    }


@pytest.fixture(scope="module", params=["stay", "move"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> toy.Division:
    config = Config.from_values(CONFIG.model_dump() | {"continuity": request.param})
    return toy.divide(tmp_path_factory.mktemp("files"), frames(), config)


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> toy.Division:
    return toy.divide(tmp_path_factory.mktemp("stays"), frames(), CONFIG)


def test_files_and_routing_say_what_the_transition_says(made: toy.Division) -> None:
    """Recounted client by client from the stock, the division in force, and the two tables alone."""
    in_force = recount.routing_of_now(made.inputs.current, SPECIAL, made.inputs.client_groups(CONFIG))
    assert recount.transition(made, in_force) == recount.transition_of(made)
    assert sum(recount.transition_of(made).values()) == made.inputs.stock["clients"].sum()


@pytest.mark.parametrize(
    ("team", "segment", "pc4", "to", "movement"),
    [
        ("W1", ("WIA", "vangnet", "regulier", False), "1001", "W1", "blijft"),
        ("W1", ("WIA", "vangnet", "regulier", False), "1009", "W1", "blijft"),  # anywhere in its region
        ("W1", ("WIA", "vangnet", "regulier", False), "1003", "*", "verhuist"),  # but not beyond
        ("W1", ("WIA", "werkgever", "regulier", False), "1002", "*", "verhuist"),  # barred
        ("W1", ("WIA", "vangnet", "regulier", False), "1002", "W1", "blijft"),  # not for this line
        ("W1", ("ZW", "werkgever", "regulier", False), "1002", "W1", "blijft"),  # ZW is served on the vangnetlijn
        ("W1", ("WIA", "vangnet", "regulier", True), "1001", "*", "verhuist"),  # a PW client
        ("W1", ("WIA", "vangnet", "klm", False), "1001", "*", "verhuist"),
        ("W2", ("WIA", "vangnet", "regulier", False), "1009", "*", "verhuist"),  # ended
        ("W3", ("WIA", "werkgever", "regulier", False), "1009", "*", "verhuist"),  # another line
        ("P1", ("WIA", "vangnet", "regulier", True), "1004", "P1", "blijft"),
        ("P1", ("PW", "vangnet", "regulier", True), "1004", "P1", "blijft"),
        ("K1", ("WIA", "vangnet", "klm", False), "1004", "K1", "blijft"),  # everywhere
        ("K1", ("WIA", "vangnet", "politie", False), "1004", "*", "verhuist"),
        (None, ("WIA", "vangnet", "regulier", False), "1001", "*", "onbekend"),
        ("UNHEARD", ("WIA", "vangnet", "regulier", False), "1001", "*", "onbekend"),
    ],
)
def test_which_row_decides(
    stays: toy.Division, team: str | None, segment: Any, pc4: str, to: str, movement: str
) -> None:
    rows = recount.what_files_say(stays.outcome["files"])
    assert recount.decide(rows, team, segment, pc4) == (to, movement)


def test_reasons_that_a_consumer_reads(stays: toy.Division) -> None:
    files = stays.outcome["files"].query("law == 'WIA' and client_line == 'werkgever' and client_group == 'regulier'")
    reason = files[~files["pw_client"]].set_index(["team_from", "pc4"])["reason"]
    assert reason["W1", "1002"] == "team is uitgesloten van de postcode"
    assert reason["W1", "*"] == "postcode ligt buiten de regio van het team"
    assert reason["W2", "*"] == "team beëindigd: dossiers volgen de postcode"
    assert reason["P1", "*"] == "team is er alleen voor andere cliënten"
    assert reason["*", "*"] == "onbekend welk team het dossier heeft: dossiers volgen de postcode"


def test_every_team_has_a_row_for_every_client(stays: toy.Division) -> None:
    """Of 6 segments of a regular client and 3 x 4 of a PW client of any group: each team, and anybody."""
    files = stays.outcome["files"]
    teams = {*stays.inputs.teams["team_id"], "*"}
    segments = Counter(
        (row.law, row.client_line, row.client_group, row.pw_client)
        for row in files.drop_duplicates(["team_from", "law", "client_line", "client_group", "pw_client"]).itertuples()
    )
    assert len(segments) == 2 * 4 * (2 + 3)
    assert set(segments.values()) == {len(teams)}
    assert not any(law == "PW" and not pw for law, _, _, pw in segments)


def test_where_clients_follow_the_postcode_no_team_keeps_any(tmp_path: Path) -> None:
    config = Config.from_values(CONFIG.model_dump() | {"continuity": "move"})
    files = toy.divide(tmp_path, frames(), config).outcome["files"]
    assert set(files["movement"]) == {"verhuist", "onbekend"}
    assert set(files["team_to"]) == {"*"}
    plain = files.query("team_from == 'W1' and law == 'WIA' and client_group == 'regulier' and not pw_client")
    assert "bestaande cliënten volgen de nieuwe verdeling" in set(plain["reason"])
