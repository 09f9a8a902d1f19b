"""Each rule, in the small run with one thing broken on purpose: caught, with the right table, column and place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pytest

from allocation.intake.inputs import REMARK_COLUMNS
from allocation.intake.offices import DOUBT_COLUMNS
from expectations import coming, engine, inputs, outcome
from expectations.rules import Suites, places_in_words
from expectations.tables import Answer, Tables
from tests.unit.expectations.small_run import Change, SmallRun, small_run


def setting(where: str, rows: dict[str, Any], **values: Any) -> Change:
    """Gives the cells ``values`` to the rows of table ``where`` that match ``rows``; there must be some."""

    def change(run: SmallRun) -> None:
        frame = _frame(run, where)
        mine = _matching(frame, rows)
        for column, value in values.items():
            frame[column] = frame[column].astype(object) if not isinstance(value, int | float) else frame[column]
            frame.loc[mine, column] = value

    return change


def other_demand(layer: str, factor: float) -> Change:
    """The problem of a layer was solved with another demand."""

    def change(run: SmallRun) -> None:
        run.demand_factor[layer] = factor

    return change


def without(where: str, **rows: Any) -> Change:
    def change(run: SmallRun) -> None:
        frame = _frame(run, where)
        _replace(run, where, frame[~_matching(frame, rows)])

    return change


def with_row(where: str, like: dict[str, Any], **values: Any) -> Change:
    """Adds the first row that matches ``like``, with other ``values``."""

    def change(run: SmallRun) -> None:
        frame = _frame(run, where)
        row = frame[_matching(frame, like)].head(1).assign(**values)
        _replace(run, where, pd.concat([frame, row], ignore_index=True))

    return change


def both(*changes: Change) -> Change:
    def change(run: SmallRun) -> None:
        for one in changes:
            one(run)

    return change


def without_regions(team: str) -> Change:
    def change(run: SmallRun) -> None:
        teams = run.inputs["teams"]
        teams["regions"] = [[] if one == team else known for one, known in teams[["team_id", "regions"]].to_numpy()]

    return change


def result_of(layer: str, **values: Any) -> Change:
    def change(run: SmallRun) -> None:
        run.results[layer] = values

    return change


def doubt(kind: str, **values: Any) -> Change:
    def change(run: SmallRun) -> None:
        row = pd.DataFrame([{"doubt": kind, **values}], columns=list(DOUBT_COLUMNS))
        run.inputs["office_doubts"] = row

    return change


def remark(**values: Any) -> Change:
    def change(run: SmallRun) -> None:
        run.inputs["remarks"] = pd.DataFrame([values], columns=list(REMARK_COLUMNS))

    return change


def _frame(run: SmallRun, where: str) -> pd.DataFrame:
    folder, _, name = where.partition("/")
    return getattr(run, folder)[name] if name else getattr(run, folder)  # type: ignore[no-any-return]


def _replace(run: SmallRun, where: str, frame: pd.DataFrame) -> None:
    folder, _, name = where.partition("/")
    if name:
        getattr(run, folder)[name] = frame
    else:
        setattr(run, folder, frame)


def _matching(frame: pd.DataFrame, rows: dict[str, Any]) -> Any:
    mine = pd.Series(True, index=frame.index)
    for column, value in rows.items():
        mine &= frame[column].isna() if value is None else frame[column] == value
    assert mine.any(), f"no row has {rows}"
    return mine


def two_periods(team: str, first_day: str, **values: Any) -> Change:
    """The team's period ends the day before ``first_day``, when another begins with other ``values``."""

    def change(run: SmallRun) -> None:
        teams, first = run.inputs["teams"], pd.Timestamp(first_day)
        later = teams[teams["team_id"] == team].assign(valid_from=first, **values)
        teams.loc[teams["team_id"] == team, "valid_to"] = first - pd.Timedelta(days=1)
        run.inputs["teams"] = pd.concat([teams, later], ignore_index=True)

    return change


@dataclass(frozen=True)
class Case:
    """``rule`` must catch ``change``, and name ``place`` in one of its examples."""

    rule: str
    change: Change
    place: str


OUTCOME_CASES = [
    Case("routing_total", without("outcome/routing", pc4="1003", client_group="klm", law="ZW", client_line="vangnet"),
         "pc4 1003, client_group klm, pw_client 1, law ZW, client_line vangnet, shares 0"),
    Case("routing_total", setting("outcome/routing", {"pc4": "1000", "law": "WIA", "team_id": "A1"}, share=0.5),
         "pc4 1000, client_group regulier, pw_client 0, law WIA, client_line vangnet, shares 0.5"),
    Case("routing_total", with_row("outcome/routing", {"pc4": "1003", "team_id": "V1"}, team_id="A1"), "pc4 1003"),
    Case("routing_known", with_row("outcome/routing", {"pc4": "1003", "team_id": "V1"}, pc4="9999"), "pc4 9999"),
    Case("routing_known", with_row("outcome/routing", {"pc4": "1003", "team_id": "V1"}, client_group="brandweer"),
         "client_group brandweer"),
    Case("routing_pc6", setting("outcome/routing", {"pc6_from": "1002AA"}, pc6_from="1001AA"),
         "pc4 1002, pc6_from 1001AA"),
    Case("routing_pc6", setting("outcome/routing", {"pc6_from": "1002AA"}, pc6_to=None), "pc4 1002, pc6_from 1002AA"),
    Case("routing_unambiguous",
         with_row("outcome/routing", {"pc6_from": "1002AA", "law": "ZW", "client_line": "vangnet"},
                  pc6_from="1002MA", pc6_to="1002XX", team_id="A2"),
         "pc6_to 1002MZ, other_from 1002MA, other_to 1002XX"),
    Case("routing_team_active", setting("outcome/routing", {"pc4": "1000", "team_id": "A1"}, team_id="A0"),
         "team_id A0"),
    Case("routing_team_active", setting("outcome/routing", {"pc4": "1000", "team_id": "A1"}, team_id="ZZ"),
         "team_id ZZ"),
    Case("routing_office", setting("outcome/routing", {"pc4": "1003", "team_id": "V1"}, office=None),
         "team_id V1, office_of_team Venlo"),
    Case("routing_kind",
         setting("outcome/routing", {"client_group": "militair", "law": "WIA", "pc4": "1004"}, team_id="K"),
         "client_group militair, pw_client 0, law WIA, team_id K"),
    Case("routing_kind", setting("outcome/routing", {"law": "PW", "pc4": "1004"}, team_id="V1"), "law PW, team_id V1"),
    Case("routing_kind", setting("outcome/routing", {"team_id": "W1", "pc4": "1004"}, team_id="M"),
         "client_group regulier, pw_client 0, law WIA, team_id M"),
    Case("routing_no_zw_only", setting("outcome/routing", {"team_id": "V1", "law": "WIA"}, team_id="W1"), "team_id V1"),
    Case("routing_served", setting("outcome/routing", {"team_id": "V1", "law": "ZW", "pc4": "1005"}, team_id="W1"),
         "team_id W1, law ZW"),
    Case("routing_served", setting("outcome/routing", {"team_id": "W1", "pc4": "1005"}, team_id="V1"),
         "team_id V1, law WIA, client_line werkgever"),
    Case("routing_follows_allocation",
         setting("outcome/routing", {"pc4": "1000", "law": "ZW", "team_id": "A1"}, team_id="A2"),
         "pc4 1000, client_group regulier, pw_client 0, law ZW, client_line vangnet, team_id A2, share 1"),
    Case("allocation_total", without("outcome/allocation", pc4="1004", client_line="werkgever"),
         "pc4 1004, law_domain zw_wia, client_line werkgever, shares 0"),
    Case("allocation_total",
         with_row("outcome/allocation", {"pc4": "1004", "client_line": "vangnet"}, client_line="alle"),
         "pc4 1004, law_domain zw_wia, client_line vangnet, shares 2"),
    Case("allocation_known", with_row("outcome/allocation", {"pc4": "1004"}, pc4="9999"), "pc4 9999"),
    Case("one_region_per_postcode", with_row("areas", {"pc4": "1004"}, arbeidsmarktregio_nr=1), "pc4 1004, on_rows 2"),
    Case("one_team_unless_split",
         both(setting("outcome/allocation", {"pc4": "1000", "team_id": "A1"}, share=0.5),
              with_row("outcome/allocation", {"pc4": "1000", "team_id": "A1"}, team_id="A2")),
         "pc4 1000, law_domain zw_wia, client_line alle, teams 2"),
    Case("allocation_team_active", setting("outcome/allocation", {"pc4": "1000", "team_id": "A1"}, team_id="A0"),
         "team_id A0"),
    Case("allocation_team_active", setting("outcome/allocation", {"pc4": "1000", "law_domain": "pw"}, team_id="A1"),
         "team_id A1, law_domain pw, kind regulier"),
    Case("region_of_team", setting("outcome/allocation", {"pc4": "1004", "client_line": "vangnet"}, team_id="A1"),
         "pc4 1004, arbeidsmarktregio Regio 2, team_id A1"),
    Case("contiguous", setting("outcome/allocation", {"pc4": "1003", "team_id": "V1"}, team_id="A1"),
         "team_id V1, law_domain zw_wia, client_line vangnet, pieces 2"),
    Case("contiguous", without("outcome/allocation", team_id="W1"), "team_id W1"),
    Case("reason_for_each", without("outcome/allocation_reason", pc4="1005", client_line="vangnet"), "pc4 1005"),
    Case("pins_honoured", setting("outcome/allocation", {"pc4": "1000", "team_id": "A1"}, team_id="A2"),
         "pc4 1000, pinned_to A1, client_line alle, team_id A2"),
    Case("pins_honoured", setting("inputs/locks", {"kind": "pin"}, team_id="W1"), "pc4 1000, pinned_to W1"),
    Case("pins_honoured", setting("inputs/locks", {"kind": "pin"}, pc4="1001", area="1001"),
         "pc4 1001, pinned_to A1, client_line alle, team_id A2"),
    Case("bars_honoured", setting("inputs/locks", {"pc4": "1003"}, client_line=None), "pc4 1003, team_id W1"),
    Case("splits_honoured",
         both(setting("outcome/routing", {"pc4": "1001", "team_id": "A1"}, share=0.4),
              setting("outcome/routing", {"pc4": "1001", "team_id": "A2"}, share=0.6)),
         "pc4 1001, team_id A1, line vangnet, law WIA, asked 0.5, got 0.4"),
    Case("splits_honoured", setting("outcome/routing", {"pc6_from": "1002AA"}, pc6_from=None, pc6_to=None),
         "pc4 1002AA-1002MZ, team_id A1"),
    Case("work_not_lost", without("work", pc4="1005", product="ZW_EZWB"), "pc4 1005, law_domain zw_wia"),
    Case("lines_sum",
         setting("outcome/expected", {"pc4": "1005", "client_line": "vangnet", "law_domain": "pw"}, hours=1.0),
         "pc4 1005, law_domain pw, whole 33"),
    Case("expected_everywhere", without("outcome/expected", pc4="1005", law_domain="pw"), "pc4 1005"),
    Case("load_sums_to_work", setting("outcome/team_load", {"team_id": "V1"}, hours_verzekeringsarts=100.0),
         "layer 02_zw_wia_vangnet"),
    Case("load_sums_to_work", without("outcome/team_load", team_id="P"), "layer 01-02_pw_alle, work 198"),
    Case("load_of_team",
         both(setting("outcome/team_load", {"team_id": "A1"}, hours_verzekeringsarts=100.0),
              setting("outcome/team_load", {"team_id": "A2"}, hours_verzekeringsarts=98.0)),
         "team_id A1, law_domain zw_wia, client_line alle, hours_verzekeringsarts 100"),
    Case("special_load",
         setting("outcome/team_load", {"team_id": "M"}, hours_verzekeringsarts=10.0), "work 44, hours 10"),
    Case("verzuimbeheer_follows_routing",
         setting("outcome/verzuimbeheer_routing", {"pc4": "1001", "team_id": "A1"}, share=0.4),
         "pc4 1001, client_group regulier, pw_client 0, team_id A1, difference 0.1"),
    Case("verzuimbeheer_whole",
         setting("outcome/verzuimbeheer_routing", {"pc4": "1001", "client_group": "klm", "team_id": "P"},
                 group_code="GQ"), "pc4 1001, team_id P, groups 2"),
    Case("verzuimbeheer_works",
         setting("outcome/verzuimbeheer_routing", {"pc4": "1001", "team_id": "A1"}, group_code="GW"),
         "team_id A1, group_code GW, on_rows 1, pc4 1001"),
    Case("verzuimbeheer_works",
         setting("inputs/verzuimbeheer", {"group_code": "GW"}, valid_to=pd.Timestamp("2026-06-30")),
         "team_id V1, group_code GW, on_rows 1, pc4 1005"),
    Case("verzuimbeheer_works",
         setting("outcome/verzuimbeheer_routing", {"pc4": "1005", "team_id": "V1"}, group_code=None), "team_id V1"),
    Case("network_recount", setting("outcome/team_network", {"team_id": "V1", "kind": "ggz"}, clients_per_year=20.0),
         "team_id V1, kind ggz, provider GGZ Noord, clients_per_year 20, counted"),
    Case("network_recount", setting("inputs/coverage", {"pc4": "1004"}, share=0.5), "team_id P, kind ggz"),
    Case("network_recount", without("outcome/team_network", team_id="A1"), "team_id A1, kind care_region"),
    Case("network_shares", setting("outcome/team_network", {"team_id": "P", "kind": "ggz"}, provider_share=0.5),
         "team_id P, kind ggz, provider GGZ Noord, provider_share 0.5"),
    Case("load_for_each_team", setting("outcome/team_load", {"team_id": "V1"}, areas=2), "team_id V1"),
    Case("pieces", setting("outcome/team_load", {"team_id": "V1"}, pieces=2), "team_id V1"),
    Case("target", setting("outcome/team_load", {"team_id": "A1"}, target_hours=50.0), "team_id A1"),
    Case("deviation", setting("outcome/team_load", {"team_id": "A1"}, deviation=0.0), "team_id A1"),
    Case("deviation", setting("outcome/team_load", {"team_id": "A1"}, is_within_tolerance=False), "team_id A1"),
    Case("deviations_cancel", setting("outcome/team_load", {"team_id": "A1"}, deviation=0.3), "layer 01_zw_wia_alle"),
    Case("interval", setting("outcome/team_load", {"team_id": "A1"}, hours_low=1e6), "team_id A1"),
    Case("chance", setting("outcome/team_load", {"team_id": "A1"}, chance_within_tolerance=1.2), "team_id A1"),
    Case("chance", setting("outcome/team_load", {"team_id": "A1"}, chance_within_tolerance=None), "team_id A1"),
    Case("region_sums_to_load", without("outcome/region_summary", arbeidsmarktregio_nr=2, law_domain="pw"),
         "layer 01-02_pw_alle"),
    Case("stock_followed", setting("outcome/transition", {"pc4": "1003", "product": "PW_ABA"}, clients=1),
         "pc4 1003, product PW_ABA, client_line vangnet, client_group regulier, pw_client 1, in_stock 2, "
         "in_transition 1"),
    Case("movement",
         setting("outcome/transition", {"pc4": "1003", "product": "PW_ABA"}, movement="verhuist"), "pc4 1003"),
    Case("transition_team_active", setting("outcome/transition", {"pc4": "1001", "team_to": "A1"}, team_to="A0"),
         "team_to A0"),
    Case("transition_team_active", setting("outcome/transition", {"pc4": "1003", "team_to": "CENTRAAL"}, team_to="V1"),
         "team_to V1, is_central 1"),
    Case("continuity",
         setting("outcome/transition", {"pc4": "1000", "team_from": "A2"}, team_to="A1", movement="verhuist"),
         "pc4 1000, product WIA_EWT, client_line alle, client_group regulier, pw_client 0, team_from A2, team_to A1"),
    Case("moved_by_routing", setting("outcome/transition", {"pc4": "1001", "team_to": "A1"}, team_to="W1"),
         "pc4 1001, product WIA_EWT"),
    Case("routing_kind", setting("outcome/routing", {"law": "ZW", "pc4": "1004", "pw_client": True}, team_id="V1"),
         "client_group regulier, pw_client 1, law ZW, team_id V1"),
    Case("demand_is_routed", other_demand("02_zw_wia_vangnet", 1.5), "layer 02_zw_wia_vangnet, pc4 1003"),
    Case("load_is_routed", setting("outcome/team_load", {"team_id": "V1"}, hours_verzekeringsarts=9.0), "team_id V1"),
    Case("ledger_inflow", setting("outcome/team_ledger", {"team_id": "W1", "product": "WIA_EWT"}, inflow_clients=9.0),
         "team_id W1, product WIA_EWT, client_line werkgever"),
    Case("ledger_files", setting("outcome/team_ledger", {"team_id": "M"}, files_held=3),
         "team_id M, product WIA_EWT, difference -4"),
    Case("ledger_plan", setting("outcome/team_ledger", {"team_id": "P"}, planned_clients=1.0),
         "team_id P, product PW_ABA"),
    Case("load_is_ledger", setting("outcome/team_load", {"team_id": "A2"}, files_held=1), "team_id A2"),
    Case("every_holder_has_a_load", without("outcome/team_load", team_id="W1"), "team_id W1"),
    Case("files_say_so",
         setting("outcome/files", {"team_from": "A2", "pc4": "1000", "law": "ZW"}, team_to="A1"),
         "pc4 1000, product ZW_EZWB, client_line vangnet, client_group regulier, team_from A2, team_to A2"),
    Case("movement", setting("outcome/transition", {"pc4": "1003", "product": "PW_ABA"}, team_from=None), "pc4 1003"),
    Case("changes_balance", without("outcome/allocation_changes", pc4="1000"),
         "pc4 1000, law_domain zw_wia, client_line vangnet, team A1, unexplained 1"),
    Case("handover_leaves_no_small_rest",
         setting("outcome/handover_advice", {"team_from": "A2"}, clients=1, rest_clients=1),
         "team_from A2, pc4 1000, product ZW_EZWB, clients 1, rest 1, held 2"),
    Case("handover_leaves_no_small_rest", setting("outcome/handover_advice", {"team_from": "A2"}, clients=3),
         "clients 3, rest 0, held 2"),
    Case("handover_to_a_serving_team", setting("outcome/handover_advice", {"team_from": "A2"}, team_to="A0"),
         "team_to A0, pc4 1000"),
    Case("handover_to_a_serving_team",
         setting("inputs/locks", {"pc4": "1000"}, kind="bar"), "team_to A1, pc4 1000"),
    Case("advice_sums_to_load",
         setting("outcome/capacity_advice", {"law_domain": "pw", "profession": "other"}, available_hours=1.0),
         "law_domain pw, profession other"),
    Case("loans_balance", setting("outcome/capacity_advice", {"lent_hours": 10.0}, lent_hours=9.0),
         "law_domain zw_wia, profession verzekeringsarts, lent 9, borrowed 10"),
    Case("loans_balance",
         setting("outcome/capacity_advice", {"profession": "verzekeringsarts", "law_domain": "pw"}, lent_hours=50.0,
                 borrowed_hours=50.0), "law_domain pw, profession verzekeringsarts, lent 100, borrowed 100"),
    Case("line_outcomes_sum_to_load",
         setting("outcome/line_outcomes", {"client_line": "werkgever"}, available_hours_verzekeringsarts=160.0),
         "law_domain zw_wia, client_line werkgever"),
    Case("line_outcomes_sum_to_load",
         setting("outcome/line_outcomes", {"client_line": "vangnet"}, files_held=1), "client_line vangnet"),
    Case("finished_is_counted",
         setting("outcome/line_outcomes", {"client_line": "vangnet"}, finished_clients=4.0),
         "of_input 8, of_regions 7"),
    Case("finished_is_counted",  # work of a special team, and of before the month that is shown, is in no region
         both(setting("inputs/completed", {"team_id": "A1"}, month="2026-05"),
              setting("inputs/completed", {"team_id": "V1"}, team_id="M")), "of_input 0, of_regions 8"),
]  # fmt: skip

OUTCOME_WARNINGS = [
    Case("contiguous_as_declared",
         both(setting("outcome/allocation", {"pc4": "1003", "team_id": "V1"}, team_id="A1"),
              result_of("02_zw_wia_vangnet", violations=[{"kind": "pieces", "where": "V1", "amount": 1.0}])),
         "team_id V1"),
    Case("contiguous_as_declared",
         both(without("outcome/allocation", team_id="W1"), result_of("02_zw_wia_werkgever", proof="W1 has no room")),
         "team_id W1"),
    Case("beyond_tolerance", setting("outcome/team_load", {"team_id": "A1"}, deviation=0.45, is_within_tolerance=False),
         "name SMC A1, team_id A1, law_domain zw_wia, client_line alle, deviation 45.0%, tolerance 40.0%"),
    Case("other_professions",
         both(setting("outcome/team_load", {"team_id": "V1"}, capacity_hours_other=20.0),
              setting("outcome/capacity_advice",
                      {"law_domain": "zw_wia", "profession": "other", "arbeidsmarktregio_nr": 2},
                      available_hours=520.0)), "name SMC V1, team_id V1"),
    Case("team_without_group",
         both(without("inputs/verzuimbeheer", group_code="GP"),
              setting("outcome/verzuimbeheer_routing", {"team_id": "K"}, group_code=None)),
         "name SMC K, team_id K, postcodes 6"),
    Case("group_balance", setting("outcome/verzuimbeheer_routing", {"pc4": "1004", "team_id": "V1"}, group_code="GW"),
         "group_code GW, hours 44, target 22, deviation 100.0%"),
    Case("special_capacity", setting("outcome/team_load", {"team_id": "M"}, capacity_hours_verzekeringsarts=40.0),
         "team_id M, hours 44, capacity 40"),
    Case("productivity_in_use",
         setting("outcome/norm_estimates", {"team_id": "A1"}, estimate=1.25, low=1.2, high=1.3, disagrees=True),
         "team_id A1, in_use 1, estimate 1.25, low 1.2, high 1.3"),
    Case("hours_in_use",
         setting("outcome/norm_estimates", {"product": "WIA_EWT"}, estimate=5.0, low=4.8, high=5.2, disagrees=True),
         "product WIA_EWT, in_use 4, estimate 5, low 4.8, high 5.2"),
    Case("many_moved", setting("outcome/transition", {"pc4": "1000"}, movement="verhuist"), "place Regio 1"),
    Case("current_is_in_force", setting("published_division", {"pc4": "1003", "team_id": "V1"}, team_id="A1"),
         "pc4 1003, law_domain zw_wia, client_line vangnet"),
]  # fmt: skip

INPUT_CASES = [
    Case("one_region_per_postcode", setting("areas", {"pc4": "1004"}, arbeidsmarktregio_nr=None), "pc4 1004"),
    Case("one_name_per_region",
         setting("areas", {"pc4": "1004"}, arbeidsmarktregio="Elders"), "arbeidsmarktregio_nr 2"),
    Case("valid_shape", setting("areas", {"pc4": "1004"}, area_km2=0.0), "pc4 1004"),
    Case("valid_shape", setting("areas", {"pc4": "1004"}, is_valid=False), "pc4 1004"),
    Case("postcode_text", setting("areas", {"pc4": "1004"}, pc4="104"), "pc4 104"),
    Case("inhabitants", setting("areas", {"pc4": "1004"}, inhabitants=-5), "pc4 1004, inhabitants -5"),
    *(
        Case(f"{table}_pc4_exists", setting(where, {"pc4": "1004"}, pc4="9999"), "pc4 9999")
        for table, where in (
            ("inflow", "inputs/inflow"), ("stock", "inputs/stock"), ("work", "work"),
            ("care_regions", "inputs/care_regions"),
        )
    ),
    Case("teams_office_pc4_exists", setting("inputs/teams", {"team_id": "V1"}, office_pc4="9999"), "office_pc4 9999"),
    *(
        Case(f"{table}_{column}_exists", setting(where, {"pc4": "1004"}, **{column: "X"}), f"{column} X")
        for table, where in (("inflow", "inputs/inflow"), ("stock", "inputs/stock"), ("work", "work"))
        for column in ("product", "client_group")
    ),
    Case("completed_product_exists", setting("inputs/completed", {"team_id": "V1"}, product="X"), "product X"),
    Case("inflow_line_of_product", setting("inputs/inflow", {"product": "PW_ABA"}, client_line="werkgever"),
         "product PW_ABA, client_line werkgever"),
    Case("stock_line_of_product", setting("inputs/stock", {"product": "PW_ABA"}, client_line="werkgever"),
         "product PW_ABA, client_line werkgever"),
    Case("month_text", setting("inputs/inflow", {"month": "2025-03"}, month="2025-13"), "month 2025-13"),
    Case("every_month", without("inputs/inflow", month="2025-03"), "first 2025-01, last 2025-12, months 11"),
    Case("one_reference_date", setting("inputs/stock", {"pc4": "1004"}, reference_date=pd.Timestamp("2026-05-31")),
         "reference_date 2026-05-31"),
    Case("no_zw_only", setting("inputs/teams", {"team_id": "V1"}, laws="ZW"), "team_id V1"),
    Case("productivity", setting("inputs/teams", {"team_id": "V1"}, productivity=0.0), "team_id V1"),
    Case("periods", with_row("inputs/teams", {"team_id": "V1"}, valid_from=pd.Timestamp("2025-01-01")), "team_id V1"),
    Case("periods", setting("inputs/teams", {"team_id": "A0"}, valid_to=pd.Timestamp("2020-01-01")), "team_id A0"),
    Case("groups_of_special_teams", without("inputs/teams", team_id="K"), "client_group klm"),
    Case("groups_of_special_teams",  # it ended between the count of the stock and the day of the run
         setting("inputs/teams", {"team_id": "K"}, valid_to=pd.Timestamp("2026-06-30")), "client_group klm"),
    Case("region_of_team",
         without_regions("V1"),
         "team_id V1"),
    Case("locks_team_id_exists", setting("inputs/locks", {"kind": "pin"}, team_id="ZZ"), "team_id ZZ"),
    Case("pc6_range", setting("inputs/locks", {"area": "1002"}, pc6_to="1002AA", pc6_from="1002BB"), "pc6_from 1002BB"),
    Case("stock_kept", setting("work", {"pc4": "1004", "product": "PW_ABA"}, stock_clients=1),
         "pc4 1004, product PW_ABA, client_line vangnet, client_group regulier, handed_in 2, in_work 1"),
    Case("planned_clients", setting("work", {"pc4": "1004", "product": "PW_ABA"}, planned_clients=10.0),
         "pc4 1004, product PW_ABA, client_group regulier, planned_clients 10, counted 11"),
    Case("hours", setting("work", {"pc4": "1004", "product": "PW_ABA"}, hours_verzekeringsarts=1.0), "pc4 1004"),
    Case("amounts", setting("work", {"pc4": "1004", "product": "PW_ABA"}, hours_sd=-1.0), "pc4 1004"),
    Case("work_key", with_row("work", {"pc4": "1004", "product": "PW_ABA"}), "pc4 1004, product PW_ABA"),
    Case("law_of_product", setting("work", {"pc4": "1004", "product": "PW_ABA"}, law="WIA"), "pc4 1004"),
]  # fmt: skip

INPUT_WARNINGS = [
    Case("one_name", setting("inputs/teams", {"team_id": "A2"}, name="SMC A1"), "team_id A1, name SMC A1"),
    Case("team_ends", setting("inputs/teams", {"team_id": "V1"}, valid_to=pd.Timestamp("2027-06-30")),
         "team_id V1, name SMC V1, last_day 2027-06-30"),
    Case("team_starts", setting("inputs/teams", {"team_id": "V1"}, valid_from=pd.Timestamp("2027-06-30")),
         "team_id V1, name SMC V1, first_day 2027-06-30"),
    Case("office_changes", two_periods("V1", "2027-01-01", office="Roermond", office_pc4="1004"),
         "team_id V1, name SMC V1, first_day 2027-01-01, office Roermond, office_pc4 1004, was Venlo"),
    Case("group_ends", setting("inputs/verzuimbeheer", {"group_code": "GW"}, valid_to=pd.Timestamp("2026-12-31")),
         "group_code GW, team_id V1, last_day 2026-12-31"),
    Case("lock_ends", setting("inputs/locks", {"pc4": "1000"}, valid_until=pd.Timestamp("2026-12-31")),
         "pc4 1000, team_id A1, kind pin, last_day 2026-12-31"),
    Case("input_remark", remark(file="teams.csv", row=4, column="productivity", what="95", usual="0.4 to 1.6"),
         "file teams.csv, row 4, column productivity, what 95, usual 0.4 to 1.6"),
    Case("office_stand_in", doubt("stand_in", office_pc4="1020", team_id="V1", beside="1005"),
         "office_pc4 1020, team_id V1, instead 1005"),
    Case("office_names", doubt("names", office_pc4="1001", beside="Dorp / Drop"),
         "office_pc4 1001, names Dorp / Drop"),
    Case("office_postcodes", doubt("postcodes", office="Dorp", beside="1001 / 1002"),
         "office Dorp, postcodes 1001 / 1002"),
    Case("office_far", doubt("far", team_id="V1", office="Dorp", office_pc4="1001", beside="West", km=62.3),
         "team_id V1, office Dorp, office_pc4 1001, km 62, region West"),
    Case("area_that_follows", lambda run: run.in_force.update(follows={"1999": "1004"}), "pc4 1999, follows 1004"),
    Case("current_vanished", setting("inputs/current", {"pc4": "1004"}, pc4="9999"), "pc4 9999, teams"),
    Case("clients_without_inhabitants", setting("areas", {"pc4": "1004"}, inhabitants=0), "pc4 1004, inhabitants 0"),
    Case("unusual_month", setting("inputs/inflow", {"month": "2025-03", "product": "PW_ABA"}, clients=9),
         "series product PW_ABA, month 2025-03, clients 54, expected 6"),
    Case("unusual_stock", setting("inputs/stock", {"pc4": "1004", "product": "PW_ABA"}, clients=500),
         "region Regio 1, product PW_ABA"),
    Case("holder_known", setting("inputs/stock", {"pc4": "1004"}, team_id="ZZ"), "team_id ZZ"),
    Case("current_sums_to_one", setting("inputs/current", {"pc4": "1004", "team_id": "P"}, share=0.9),
         "pc4 1004, client_line alle, is_pw 1, shares 0.9"),
    Case("current_ignored", lambda run: run.in_force.update(version_in_force=7, in_force_since=date(2026, 3, 1)),
         "version 7, since 2026-03-01"),
    Case("inflow_as_before", setting("work", {"product": "PW_ABA"}, inflow_clients=30.0), "product PW_ABA"),
]  # fmt: skip


Gate = Callable[[SmallRun], Suites]


def outcome_gate(run: SmallRun) -> Suites:
    return outcome.suites(run.outcome_facts())


def input_gate(run: SmallRun) -> Suites:
    return inputs.suites(run.input_facts())


def asked(gate: Gate, case: Case) -> Answer:
    """The rule of ``case`` asked of the run with its change; everything else is left out."""
    run = small_run()
    case.change(run)
    suites = gate(run)
    rule = next(rule for rule in suites.rules if rule.name == case.rule)
    words = set(re.findall(r"\w+", rule.query))
    with Tables({name: frame for name, frame in suites.frames.items() if name in words}) as tables:
        return tables.answer(rule)


def names(cases: Sequence[Case]) -> list[str]:
    seen: dict[str, int] = {}
    for case in cases:
        seen[case.rule] = seen.get(case.rule, 0) + 1
    return sorted(seen)


def _check(gate: Gate, case: Case, severity: str) -> None:
    answer = asked(gate, case)
    assert not answer.broken
    assert answer.rows, "the rule did not catch it"
    assert answer.rule.severity == severity
    places = engine.as_places(dict(zip(answer.columns, row, strict=True)) for row in answer.rows)
    assert any(case.place in example for example in places_in_words(places, len(places))), places


def _id(case: Case) -> str:
    return case.rule


@pytest.mark.parametrize("case", OUTCOME_CASES, ids=_id)
def test_broken_outcome_is_caught(case: Case) -> None:
    _check(outcome_gate, case, "critical")


@pytest.mark.parametrize("case", OUTCOME_WARNINGS, ids=_id)
def test_unusual_outcome_gives_a_warning(case: Case) -> None:
    _check(outcome_gate, case, "warning")


@pytest.mark.parametrize("case", INPUT_CASES, ids=_id)
def test_broken_input_is_caught(case: Case) -> None:
    _check(input_gate, case, "critical")


@pytest.mark.parametrize(
    "periods",
    [
        [("2027-07-01", None)],  # a year after the first day
        [("2026-12-31", None), (None, "2027-01-01")],  # it goes on with other capacity
        [("2026-06-30", None)],  # it serves nobody any more
    ],
)
def test_a_team_that_lasts_a_year_or_has_ended_is_no_reason_to_warn(
    periods: list[tuple[str | None, str | None]],
) -> None:
    rows = [
        {"team_id": "W", "name": "SMC W", "valid_from": pd.Timestamp(first or "2024-01-01"), "valid_to": last}
        for last, first in periods
    ]
    teams = pd.DataFrame(rows).astype({"valid_to": "datetime64[us]"})
    assert coming.team_ends(teams, pd.Timestamp("2026-07-01")).empty


@pytest.mark.parametrize("case", INPUT_WARNINGS, ids=_id)
def test_unusual_input_gives_a_warning(case: Case) -> None:
    _check(input_gate, case, "warning")


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert names([*OUTCOME_CASES, *OUTCOME_WARNINGS]) == sorted({rule.name for rule in outcome.RULES})
    assert names([*INPUT_CASES, *INPUT_WARNINGS]) == sorted({rule.name for rule in inputs.RULES})


def test_rule_names_are_unique_per_gate() -> None:
    for rules in (outcome.RULES, inputs.RULES):
        assert len({rule.name for rule in rules}) == len(rules)
