"""Commands that advise on a division: ``advise``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocation.cli.arguments import Adder, version

if TYPE_CHECKING:
    import pandas as pd

MOST_SHOWN = 15
HUNDREDTH = 0.01


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    advise = add("advise", _advise, "where capacity is short, and which files to hand over so that clients wait alike")
    advise.add_argument("version", type=version, nargs="?", help="default: the version in force today")
    advise.add_argument(
        "--months",
        type=float,
        help="wait under which lending brings every region (default: the least it can)",
    )
    advise.add_argument("--fte", type=int, metavar="N", help="give so many FTE a place (default: setting advice.fte)")
    advise.add_argument("--share", type=float, help="part of its hours that a region lends at most")
    advise.add_argument("--km", type=float, help="farthest distance between offices that lend")
    advise.add_argument(
        "--difference", type=float, metavar="MONTHS", help="difference in wait that handing over files should leave"
    )
    advise.add_argument(
        "--out", type=Path, metavar="DIR", help="write capacity_advice.csv and handover_advice.csv into this folder"
    )


def _advise(asked: argparse.Namespace) -> int:
    from allocation.pipeline import advise
    from allocation.publication.table_files import spreadsheet_safe_frame

    run = advise.run_of_version(asked.version, asked.store, asked.var)
    changes = {
        "months": asked.months,
        "fte": asked.fte,
        "lending_share": asked.share,
        "lending_km": asked.km,
        "handover_months": asked.difference,
    }
    config = advise.with_settings(run, changes)
    table = advise.capacity_of_run(run, config)
    for (domain, profession), rows in table.groupby(["law_domain", "profession"]):
        print(f"\n{domain}, {profession}")
        print(capacity_lines(rows))
    moves, summary = advise.handover_of_run(run, config)
    print("\nhanding over files, so that teams that divide an area together wait alike")
    print(handover_lines(summary))
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        for name, rows in (("capacity_advice", table), ("handover_advice", moves)):
            spreadsheet_safe_frame(rows).to_csv(asked.out / f"{name}.csv", index=False)
            print(f"{asked.out / name}.csv: {len(rows)} rows")
    return 0


def _known(value: Any) -> bool:
    return value is not None and bool(value == value)


def _records(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows, nothing for what is missing."""
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def capacity_lines(rows: pd.DataFrame) -> str:
    """The regions of a law domain and profession, those that wait longest first, and what lending does."""
    shown = _records(rows.sort_values("projected_waiting_months", ascending=False, na_position="first"))
    head = ("asked", 9), ("there", 9), ("wait now", 10), ("at horizon", 12), ("+1 FTE", 8), ("next FTE", 10)
    told = [f"  {'region':<28}" + "".join(f"{name:>{width}}" for name, width in head) + "  not wholly reached"]
    for row in shown[:MOST_SHOWN]:
        first = row["first_priority_short"]
        name = row["arbeidsmarktregio"] + (f" ({row['district']})" if row["district"] else "")
        told.append(
            f"  {name[:27]:<28}{row['asked_hours']:>9,.0f}{row['available_hours']:>9,.0f}"
            f"{_months(row['waiting_months']):>10}{_months(row['projected_waiting_months']):>12}"
            f"{_months(row['fte_value_months'], 2):>8}{row['fte_placed']:>10d}"
            + (f"  from priority {first} on" if first is not None else "")
        )
    if len(shown) > MOST_SHOWN:
        told.append(f"  and {len(shown) - MOST_SHOWN} regions that wait less long")
    return "\n".join([*told, *_loan_lines(shown)])


def _months(value: float | None, decimals: int = 1) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _loan_lines(rows: list[dict[Any, Any]]) -> list[str]:
    level = rows[0]["lending_months"]
    if level is None:
        return ["  no lending brings every region under a wait: one has no hours and nobody near"]
    hours = sum(row["borrowed_hours"] for row in rows)
    proven = "proven the cheapest way" if all(row["is_lending_proven"] for row in rows) else "not proven the cheapest"
    name = {row["arbeidsmarktregio_nr"]: row["arbeidsmarktregio"] for row in rows}
    after = {row["arbeidsmarktregio"]: row["waiting_after_lending_months"] for row in rows}
    left = {name: wait for name, wait in after.items() if wait is None or wait > level + HUNDREDTH}
    but = ", ".join(f"{name} {_months(wait)}" for name, wait in left.items())
    return [
        f"  lending {hours:,.0f} hours a year brings every region under {level:.2f} months ({proven})"
        + (f", but nobody is near {but}" if but else ""),
        *(
            f"    {name[loan['from_nr']]} to {row['arbeidsmarktregio']}: {loan['hours']:,.0f} hours, "
            f"{loan['km']:.0f} km"
            for row in rows
            for loan in json.loads(row["loans"])
        ),
    ]


def handover_lines(summary: pd.DataFrame) -> str:
    """Per layer: the difference in wait before and after, for how many clients, and what other differences take."""
    told = []
    for (cluster, domain, line), rows in summary.groupby(["cluster", "law_domain", "client_line"]):
        first, *others = _records(rows)
        if first["difference_before"] <= first["months"]:
            continue
        name = f"{cluster}, {domain}" + ("" if line == "alle" else f", {line}")
        known = [row for row in others if _known(row["clients_at_least"])]
        curve = ", ".join(f"{row['months']:g} months {row['clients_at_least']:.0f}" for row in known)
        told.append(
            f"  {name}: from {first['difference_before']:.1f} to {first['difference_after']:.1f} months apart with "
            f"{first['clients']:.0f} clients ({_bound(first)}); at least so many for {curve or 'none of the others'}"
        )
    return "\n".join(told) or "  nowhere do waits lie further apart than asked"


def _bound(row: Mapping[Any, Any]) -> str:
    if not _known(row["clients_at_least"]):
        return "no bound known"
    if row["clients"] == row["clients_at_least"]:
        return "proven the fewest"
    return f"at least {row['clients_at_least']:.0f}"
