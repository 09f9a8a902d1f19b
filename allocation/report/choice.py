"""The alternatives of a proposal, to choose from: a chart and a table, on a page of their own and as text.

Belongs here: words, chart and page. Does not belong here: the figures (``outcome.alternatives``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from allocation.report import charts, dutch
from allocation.report.dutch import number, percent
from allocation.report.sheet import Cell, Column, Sheet, records, text
from allocation.runs import run_files

NAMES = {
    "instellingen": "zoals de instellingen wegen",
    "verhuizen": "minste cliënten die van team wisselen",
    "evenwicht": "beste evenwicht",
    "reistijd": "kortste reisafstand",
    "splitsingen": "minste splitsingen",
    "midden": "midden tussen die uitersten",
    "rust": "zoals de instellingen, met verplaatsen duurder",
    "zekerheid": "grootste kans dat ieder team binnen de tolerantie blijft",
}
MEASURES: dict[str, tuple[str, Any]] = {
    "moved": ("Cliënten per jaar die van team wisselen", number),
    "deviation": ("Grootste afwijking van een team", lambda value: percent(value, 2)),
    "travel": ("Gemiddelde afstand tot kantoor (km)", lambda value: number(value, 2)),
    "splits": ("Splitsingen van gemeenten en zorgregio's", number),
    "risk": ("Kans dat het minst zekere team in een jaar buiten de tolerantie raakt", lambda value: percent(value, 0)),
}
"""The measures of ``outcome.alternatives``: name for planners, and how a value is written."""


def _distance(value: float, bound: float, name: str) -> str:
    """How far a figure provably is from the best that any division has at most."""
    if name == "risk":
        return "het minste dat gevonden is"
    if value <= bound * (1 + 1e-6) + 1e-9:
        return "bewezen het minste"
    if name == "deviation":
        return f"hoogstens {percent(value - bound, 2)} boven het minste"
    return f"hoogstens {percent((value - bound) / value)} boven het minste"


def _measure(name: str) -> Column:
    title, write = MEASURES[name]

    def cell(row: Any) -> Cell:
        value, bound = getattr(row, name), getattr(row, f"proven_{name}")
        mark = _distance(value, bound, name) if name in row.best_in.split("|") else ""
        return Cell(write(value), float(value), mark=mark)

    return Column(title, cell)


def alternatives_sheet(table: pd.DataFrame) -> Sheet:
    """``table``: as ``outcome.alternatives.front`` gives it. What is best in a column says how sure that is."""
    columns = [
        Column("Alternatief", lambda row: text(row.alternative)),
        Column("Wat het is", lambda row: text(NAMES[row.alternative])),
        *(_measure(name) for name in MEASURES),
        Column("Postcodes die van team wisselen", lambda row: Cell(number(row.areas_moved), float(row.areas_moved))),
    ]
    if "is_chosen" in table:
        columns.insert(2, Column("Keuze", lambda row: text("dit voorstel" if row.is_chosen else "")))
    return Sheet.of("alternatieven", "Alternatieven naast elkaar", columns, records(table))


def alternatives_text(table: pd.DataFrame) -> str:
    """The same for a terminal."""
    lines = []
    for row in records(table):
        lines.append(f"{row.alternative}: {NAMES[row.alternative]}")
        for name, (title, write) in MEASURES.items():
            best = f" ({_distance(getattr(row, name), getattr(row, f'proven_{name}'), name)})"
            told = best if name in row.best_in.split("|") else ""
            lines.append(f"  {title}: {write(getattr(row, name))}{told}")
        lines.append(f"  Postcodes die van team wisselen: {number(row.areas_moved)}")
    return "\n".join(lines)


def alternatives_chart(table: pd.DataFrame) -> Markup:
    """Every alternative by clients that change team and distance; the larger its dot the worse its balance, the darker
    the more splits."""
    import altair

    shown = table.assign(deviation=table["deviation"] * 100)
    base = altair.Chart(shown, width=charts.WIDTH, height=charts.HEIGHT).encode(
        x=altair.X("moved:Q", title=MEASURES["moved"][0], scale=altair.Scale(nice=True)),
        y=altair.Y("travel:Q", title=MEASURES["travel"][0], scale=altair.Scale(zero=False)),
    )
    dots = base.mark_circle(opacity=0.9, stroke="#333").encode(
        size=altair.Size("deviation:Q", title="Grootste afwijking (%)", scale=altair.Scale(range=[60, 700])),
        color=altair.Color("splits:Q", title="Splitsingen", scale=altair.Scale(scheme="blues")),
    )
    names = base.mark_text(dy=-16, fontSize=12).encode(text="alternative:N")
    return charts.svg(charts.styled(dots + names))


def chosen(folder: Path) -> dict[str, Any] | None:
    """What the report of a run shows of the alternatives that it was chosen from; None for an ordinary run."""
    file = run_files.ALTERNATIVES.table("figures")
    if not file.exists(folder):
        return None
    table = file.read(folder)
    return {"sheet": alternatives_sheet(table), "chart": alternatives_chart(table)}


def write_alternatives_page(folder: Path) -> Path:
    """The page to choose from, one file in the folder of the run; returns its path."""
    from allocation.report.report import asset, content_policy, environment

    table = run_files.ALTERNATIVES.table("figures").read(folder)
    record = run_files.RUN.read(folder)
    page = (
        environment()
        .get_template("choice.html")
        .render(
            run=record,
            created=dutch.moment(record.created_at),
            policy=content_policy([]),
            style=Markup(asset("tokens.css") + asset("style.css")),
            sheet_of_alternatives=alternatives_sheet(table),
            chart=alternatives_chart(table),
        )
    )
    run_files.ALTERNATIVES_PAGE.write(folder, page)
    return run_files.ALTERNATIVES_PAGE.path(folder)
