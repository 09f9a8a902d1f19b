"""What ``caseload advise`` prints."""

from __future__ import annotations

import json

import pandas as pd

from allocation.cli.advising import capacity_lines, handover_lines


def rows() -> pd.DataFrame:
    loans = json.dumps([{"from_nr": 2, "district": "", "hours": 142.9, "km": 10.2}])
    common = {"lending_months": 9.0, "is_lending_proven": True, "fte_value_months": 2.18, "waiting_months": 12.0,
              "waiting_after_lending_months": 9.0}  # fmt: skip
    west = {"arbeidsmarktregio_nr": 1, "arbeidsmarktregio": "West", "district": "Noord", "asked_hours": 2000.0,
            "available_hours": 1000.0, "projected_waiting_months": 12.04, "first_priority_short": 1, "fte_placed": 3,
            "borrowed_hours": 142.9, "loans": loans}  # fmt: skip
    oost = west | {
        "arbeidsmarktregio_nr": 2, "arbeidsmarktregio": "Oost", "district": None, "borrowed_hours": 0.0,
        "projected_waiting_months": 0.0, "first_priority_short": None, "fte_placed": 0, "loans": "[]",
    }  # fmt: skip
    return pd.DataFrame([oost | common, west | common]).astype({"first_priority_short": "Int64"})


def test_the_longest_wait_comes_first_with_what_is_not_reached_and_who_lends() -> None:
    told = capacity_lines(rows()).splitlines()
    assert told[1].split() == [
        "West",
        "(Noord)",
        "2,000",
        "1,000",
        "12.0",
        "12.0",
        "2.18",
        "3",
        "from",
        "priority",
        "1",
        "on",
    ]
    assert told[2].split()[:2] == ["Oost", "2,000"]
    assert told[3] == "  lending 143 hours a year brings every region under 9.00 months (proven the cheapest way)"
    assert told[4] == "    Oost to West: 143 hours, 10 km"


def test_a_region_that_nobody_is_near_is_named() -> None:
    told = capacity_lines(rows().assign(waiting_after_lending_months=[24.0, 9.0])).splitlines()
    assert told[3].endswith("under 9.00 months (proven the cheapest way), but nobody is near Oost 24.0")


def test_a_region_without_hours_has_dashes_and_no_lending() -> None:
    without = rows().assign(
        lending_months=None, waiting_months=None, projected_waiting_months=None, fte_value_months=None
    )
    told = capacity_lines(without).splitlines()
    assert told[1].split()[-4:] == ["-", "-", "-", "0"]
    assert told[-1] == "  no lending brings every region under a wait: one has no hours and nobody near"


def test_handing_over_says_what_it_does_and_what_is_proven() -> None:
    names = {"cluster": "West", "law_domain": "zw_wia", "client_line": "alle", "difference_before": 6.0}
    summary = pd.DataFrame(
        [
            names | {"months": 1.0, "difference_after": 1.0, "clients": 80, "clients_at_least": 80},
            names | {"months": 2.0, "clients_at_least": 55},
            names | {"months": 0.5, "clients_at_least": None},
            names | {"cluster": "Oost", "months": 7.0, "difference_after": 6.0, "clients": 0, "clients_at_least": 0},
        ]
    ).astype({"clients": "Int64", "clients_at_least": "Int64"})
    (told,) = handover_lines(summary).splitlines()
    assert "West, zw_wia: from 6.0 to 1.0 months apart with 80 clients (proven the fewest)" in told
    assert told.endswith("at least so many for 2 months 55")
    assert handover_lines(summary[3:]) == "  nowhere do waits lie further apart than asked"
