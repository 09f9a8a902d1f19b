"""A calendar for planners: which date brings what, who moves, what to look out for. As a page and as text.

Belongs here: words, chart and page. Does not belong here: the figures (``outcome.calendar``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from allocation.report import charts, dutch
from allocation.report.dutch import number, percent
from allocation.report.sheet import Cell, Column, Sheet, amount_of, records, share_of, text, text_of
from allocation.runs import run_files

TABLES = ("events", "steps", "moves", "warnings", "returns")
CHANGES = {
    "starts": "begint",
    "stops": "stopt",
    "office": "krijgt een ander kantoor",
    "lines": "bedient andere lijnen of wetten",
    "capacity": "krijgt andere capaciteit",
    "other": "krijgt een andere regio of andere cliënten",
    "lock_ends": "vastlegging eindigt",
}


def _event(row: Any) -> str:
    """``team W2 stopt``; ``postcode 1011: vastlegging eindigt (team W1)``."""
    if dutch.is_missing(row.pc4):
        change = f" ({row.was} wordt {row.becomes})" if not dutch.is_missing(getattr(row, "becomes", None)) else ""
        return f"team {row.team_id} {CHANGES[row.change]}{change}"
    return f"postcode {row.pc4}: {CHANGES[row.change]} (team {row.team_id})"


def _steps(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """``steps`` with what changes and what to look out for, in words."""
    steps = tables["steps"]
    told = {day: "; ".join(map(_event, records(rows))) for day, rows in tables["events"].groupby("day")}
    texts = {"told": told}
    texts["look"] = {
        day: "; ".join(f"{dutch.day(str(row.on))}: {_event(row)}" for row in records(rows))
        for day, rows in tables["warnings"].groupby("day")
    }
    return steps.assign(**{name: [words.get(day, "") for day in steps["day"]] for name, words in texts.items()})


STEP_COLUMNS = (
    Column("Ingangsdatum", lambda row: text(dutch.day(str(row.day)))),
    Column("Tot en met", lambda row: text("" if dutch.is_missing(row.valid_to) else dutch.day(str(row.valid_to)))),
    text_of("Wat er verandert", "told"),
    Column("Opnieuw verdeeld", lambda row: text(row.regions.replace("|", ", ") or "niets: de verdeling loopt door")),
    amount_of("Postcodes die van team wisselen", "areas_moved"),
    amount_of("Cliënten per jaar die van team wisselen", "clients_moved"),
    amount_of("Idem, datum voor datum verdeeld", "clients_by_date"),
    share_of("Grootste afwijking van een team", "deviation"),
    Column("Voldoet aan alle eisen", lambda row: Cell("ja") if row.is_allowed else Cell("nee", mark="let op")),
    text_of("Let op tijdens de geldigheid", "look"),
)


def step_sheet(tables: dict[str, pd.DataFrame]) -> Sheet:
    """Every date with its division."""
    return Sheet.of("kalender", "Kalender: wat er op welke datum verandert", STEP_COLUMNS, records(_steps(tables)))


RETURN_COLUMNS = (
    text_of("Postcode", "pc4"),
    Column("Laag", lambda row: text(dutch.layer(row.law_domain, row.client_line))),
    text_of("Team", "team_id"),
    Column("Weg op", lambda row: text(dutch.day(str(row.left)))),
    Column("Terug op", lambda row: text(dutch.day(str(row.back)))),
)


def return_sheet(tables: dict[str, pd.DataFrame]) -> Sheet:
    """Postcodes that go back to a team that they left."""
    caption = "Postcodes die teruggaan naar een team dat zij eerder verlieten"
    return Sheet.of("terug", caption, RETURN_COLUMNS, records(tables["returns"]))


def totals(steps: pd.DataFrame) -> str:
    """What the whole sequence moves, in a sentence."""
    moved, greedy, least = steps["clients_moved"].sum(), steps["clients_by_date"].sum(), steps["least_clients"].iloc[0]
    saved = f", {percent((greedy - moved) / greedy)} minder dan datum voor datum" if greedy > moved + 0.5 else ""
    return (
        f"Over alle data samen wisselen {number(moved)} cliënten per jaar van team{saved} ({number(greedy)}); "
        f"minder dan {number(least)} kan bewezen niet."
    )


def calendar_text(folder: Path, *, for_message: bool = False) -> str:
    """The calendar for a terminal. ``for_message``: for more people than Operations, so without counts of clients, also
    without rounded ones: of a few postcodes these tell how many are in each (R14)."""
    tables = run_files.CALENDAR.read(folder, TABLES)
    lines = []
    for row in records(_steps(tables)):
        until = "" if dutch.is_missing(row.valid_to) else f" t/m {row.valid_to}"
        lines.append(f"{row.day}{until}: {row.told}")
        clients = "" if for_message else f", {number(row.clients_moved)} cliënten per jaar"
        what = f"{number(row.areas_moved)} postcodes{clients} wisselen van team"
        lines.append(f"  {row.regions.replace('|', ', ')}: {what}" if row.regions else "  de verdeling loopt door")
        if not row.is_allowed:
            lines.append("  let op: niet aan alle eisen kan worden voldaan")
        if row.look:
            lines.append(f"  let op tijdens de geldigheid: {row.look}")
    if len(tables["returns"]):
        back = sorted(set(tables["returns"]["pc4"]))
        lines.append(f"gaan terug naar een team dat zij eerder verlieten: {', '.join(back)}")
    return "\n".join(lines if for_message else [*lines, totals(tables["steps"])])


def calendar_chart(steps: pd.DataFrame) -> Markup:
    """Clients that change team per date: planned as a whole beside date by date."""
    import altair

    names = {"clients_moved": "dit plan", "clients_by_date": "datum voor datum"}
    shown = steps.assign(datum=[str(day) for day in steps["day"]])
    long = shown.melt("datum", list(names), "plan", "clients").replace({"plan": names})
    bars = (
        altair.Chart(long, width=charts.WIDTH, height=charts.HEIGHT)
        .mark_bar()
        .encode(
            x=altair.X("datum:N", title="Ingangsdatum"),
            xOffset=altair.XOffset("plan:N", sort=list(names.values())),
            y=altair.Y("clients:Q", title="Cliënten per jaar die van team wisselen"),
            color=altair.Color("plan:N", title=None, sort=list(names.values())),
        )
    )
    return charts.svg(charts.styled(bars))


def write_calendar_page(folder: Path) -> Path:
    """The calendar as one file in the folder of its run; returns its path."""
    from allocation.report.report import asset, content_policy, environment

    tables, record = run_files.CALENDAR.read(folder, TABLES), run_files.RUN.read(folder)
    page = (
        environment()
        .get_template("plan_ahead.html")
        .render(
            run=record,
            created=dutch.moment(record.created_at),
            policy=content_policy([]),
            style=Markup(asset("tokens.css") + asset("style.css")),
            totals=totals(tables["steps"]),
            steps=step_sheet(tables),
            returns=return_sheet(tables),
            chart=calendar_chart(tables["steps"]),
        )
    )
    run_files.CALENDAR_PAGE.write(folder, page)
    return run_files.CALENDAR_PAGE.path(folder)
