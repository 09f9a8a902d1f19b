"""The charts of a division, the same in report and page.

Each has a sentence that says what it shows, for who cannot see it, and its numbers as a table. Belongs here: which
figures a chart shows. Does not belong here: how a chart is drawn (`charts`), how a figure is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from allocation.contract.vocabulary import MONTHS_A_YEAR
from allocation.report import charts, dutch
from allocation.report.board import LayerSums
from allocation.report.dutch import number, percent
from allocation.report.for_readers import sums_shown
from allocation.report.sheet import Column, Sheet, amount, records, share, text

NOW, THEN, BAND = charts.QUIET, "#1f77b4", "#d9a441"
WIDTH, ROW = 420, 16
MOST_TEAMS, MOST_FLOWS, MOST_MONTHS = 40, 30, 24


@dataclass(frozen=True)
class Chart:
    """A drawing with its title, the sentence for who cannot see it, and its numbers."""

    name: str
    title: str
    told: str
    svg: Markup
    sheet: Sheet


def _drawn(chart: Any, *, height: int) -> Markup:
    return charts.svg(charts.styled(chart.properties(width=WIDTH, height=height)))


def _as_shown(value: float, digits: int, *, coarse: bool) -> float:
    """For readers outside Operations a figure is as rounded as in their tables (R14)."""
    return round(float(value), digits) if coarse else float(value)


def _both(sums: Sequence[LayerSums], *, coarse: bool) -> list[tuple[LayerSums, LayerSums]]:
    """Each layer as proposed and without a change; as readers see them where ``coarse``."""
    now = [part.board.sums_now for part in sums]
    return list(zip(sums_shown(sums), sums_shown(now), strict=True) if coarse else zip(sums, now, strict=True))


def _data(rows: Sequence[dict[str, Any]]) -> Any:
    import altair as alt

    data: Any = {"values": list(rows)}
    return alt.Chart(data)


# --- load per team ---------------------------------------------------------------------------------------------------


def load_chart(sums: Sequence[LayerSums], *, name: str = "belasting", coarse: bool = False) -> Chart | None:
    """Deviation of each team from its share, in force and proposed, with the 80% interval and the tolerance; the
    ``MOST_TEAMS`` that are furthest off. None without a team."""
    import altair as alt

    rows = sorted(_loads(sums, coarse=coarse), key=lambda row: -max(abs(row["nu"]), abs(row["straks"])))[:MOST_TEAMS]
    if not rows:
        return None
    base, order = _data(rows), alt.EncodingSortField("straks", order="descending")
    y = alt.Y("team:N", sort=order, title=None)
    x_title = "afwijking van het eigen deel"

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", title=x_title, axis=alt.Axis(format="+.0%"))

    band = base.mark_bar(color=BAND, opacity=0.22, height={"band": 1}).encode(
        y=y, x=x("ondergrens"), x2="bovengrens:Q")  # fmt: skip
    interval = base.mark_rule(color=THEN, opacity=0.6, strokeWidth=3).encode(y=y, x=x("laag"), x2="hoog:Q")
    now = base.mark_point(color=NOW, size=45, strokeWidth=2).encode(y=y, x=x("nu"))
    then = base.mark_point(color=THEN, size=45, filled=True, opacity=1).encode(y=y, x=x("straks"))
    worst = max(rows, key=lambda row: abs(row["straks"]))
    outside = sum(abs(row["straks"]) > row["bovengrens"] * (1 + 1e-9) for row in rows)
    told = (
        f"Per team de afwijking van het eigen deel: open rondje {dutch.WITHOUT_CHANGE}, dicht rondje voorstel, "
        f"streep 80%-interval, vlak de tolerantie. Het verst af ligt {worst['team']} met "
        f"{percent(worst['straks'], signed=True)}; {number(outside)} buiten de tolerantie."
    )
    columns = (
        Column("Team", lambda row: text(row["team"])),
        Column(dutch.WITHOUT_CHANGE.capitalize(), lambda row: share(row["nu"], signed=True)),
        Column("Voorstel", lambda row: share(row["straks"], signed=True)),
        Column("80%-interval", lambda row: text(f"{percent(row['laag'], signed=True)} tot "
                                                f"{percent(row['hoog'], signed=True)}")),
    )  # fmt: skip
    sheet = Sheet.of(f"grafiek-{name}", "Belasting per team, voor en na", columns, rows)
    svg = _drawn(alt.layer(band, interval, now, then), height=ROW * len(rows))
    return Chart(name, "Belasting per team, voor en na", told, svg, sheet)


def _loads(sums: Sequence[LayerSums], *, coarse: bool) -> list[dict[str, Any]]:
    rows = []
    for part, was_part in _both(sums, coarse=coarse):
        problem, after, before = part.board.layer.problem, part.teams, was_part.teams
        line = part.board.layer.client_line
        suffix = "" if line == "alle" else f" ({dutch.LINES[line]})"
        for i, team in enumerate(problem.team_ids):
            hours = after.hours[i]
            if after.target[i] <= 0:
                continue
            off, was = (float(f.deviation[i]) for f in (after, before))
            low, high = (  # readers are told no interval of a team with few clients
                _as_shown(np.nan_to_num((end[i] - hours) / after.target[i]), 2, coarse=coarse)
                for end in (after.low, after.high)
            )
            rows.append({"team": f"{team}{suffix}", "nu": was, "straks": off,
                         "laag": off + low, "hoog": off + high, "bovengrens": float(problem.tolerance),
                         "ondergrens": -float(problem.tolerance)})  # fmt: skip
    return rows


# --- waiting ---------------------------------------------------------------------------------------------------------


def waiting_chart(sums: Sequence[LayerSums], *, name: str = "wachttijd", coarse: bool = False) -> Chart | None:
    """Waiting time of every team and the mean of its region, in months, of ZW and WIA; longest first."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for part in sums_shown(sums) if coarse else sums:
        if part.board.layer.law_domain != "zw_wia":
            continue
        capacity = float(part.capacity.sum())
        mean = part.board.files.hours / (capacity / MONTHS_A_YEAR) if capacity > 0 else np.nan
        line = part.board.layer.client_line
        region = part.board.layer.cluster + ("" if line == "alle" else f", {dutch.LINES[line]}")
        for team, months in zip(part.board.layer.problem.team_ids, part.teams.waiting_months, strict=True):
            if not np.isnan(months) and not np.isnan(mean):
                rows.append({"regio": region, "gemiddeld": _as_shown(mean, 1, coarse=coarse), "team": team,
                             "maanden": _as_shown(months, 1, coarse=coarse)})  # fmt: skip
    if not rows:
        return None
    means = {row["regio"]: row["gemiddeld"] for row in rows}
    order = sorted(means, key=lambda region: (-means[region], region))
    y = alt.Y("regio:N", sort=order, title=None)
    teams = _data(rows).mark_tick(color=THEN, thickness=2, height=10).encode(
        y=y, x=alt.X("maanden:Q", title="wachttijd in maanden"))  # fmt: skip
    mean = _data([{"regio": one, "gemiddeld": means[one]} for one in order]).mark_point(
        color=NOW, filled=True, shape="diamond", size=60, opacity=1).encode(y=y, x="gemiddeld:Q")  # fmt: skip
    told = (
        f"Wachttijd per regio (ruit) en per team (streepje). Het langst wacht {order[0]}: gemiddeld "
        f"{number(means[order[0]], 1)} maanden"
    )
    told += f"; het kortst {order[-1]}: {number(means[order[-1]], 1)}." if len(order) > 1 else "."
    columns = (
        Column("Regio", lambda row: text(row["regio"])), Column("Team", lambda row: text(row["team"])),
        Column("Team (maanden)", lambda row: amount(row["maanden"], 1)),
        Column("Regio gemiddeld (maanden)", lambda row: amount(row["gemiddeld"], 1)),
    )  # fmt: skip
    rows.sort(key=lambda row: (-row["gemiddeld"], row["regio"], -row["maanden"]))
    sheet = Sheet.of(f"grafiek-{name}", "Wachttijd per regio en team", columns, rows)
    return Chart(
        name, "Wachttijd per regio en team", told, _drawn(alt.layer(teams, mean), height=ROW * len(order)), sheet
    )


# --- month by month --------------------------------------------------------------------------------------------------


def months_chart(months: pd.DataFrame, teams: Sequence[str] | None = None, *, name: str = "maanden") -> Chart | None:
    """What each month asks of a team, as a share of its hours: the ``MOST_TEAMS`` that are asked most.

    Parameters
    ----------
    months : table ``team_months``: team_id, month, old_hours, new_hours, capacity_hours.
    teams : only these; None = all.
    """
    import altair as alt

    mine = months[months["month"] <= MOST_MONTHS]
    mine = mine if teams is None else mine[mine["team_id"].isin(teams)]
    mine = mine[mine["capacity_hours"] > 0]
    if mine.empty:
        return None
    part = (mine["old_hours"] + mine["new_hours"]) / mine["capacity_hours"]
    asked = mine.assign(gevraagd=part)
    peaks = asked.groupby("team_id")["gevraagd"].max().sort_values(ascending=False, kind="stable").head(MOST_TEAMS)
    shown = asked[asked["team_id"].isin(peaks.index)]
    values = [{"team": row.team_id, "maand": int(row.month), "gevraagd": float(row.gevraagd)} for row in records(shown)]
    y = alt.Y("team:N", sort=list(peaks.index), title=None)
    x = alt.X("maand:O", title="maand na de ingangsdatum", axis=alt.Axis(labelAngle=0))
    colour = alt.Color(
        "gevraagd:Q", scale=alt.Scale(domain=[0.5, 1.0, 1.5], range=["#2c7fb8", "#f2e8c9", "#b5382a"], clamp=True),
        legend=alt.Legend(title=None, format=".0%"),
    )  # fmt: skip
    heat = _data(values).mark_rect().encode(x=x, y=y, color=colour)
    full = asked[asked["gevraagd"] > 1].groupby("team_id")["month"].min()
    when = ", ".join(f"{team} in maand {month}" for team, month in full.sort_values(kind="stable").head(5).items())
    count = f"{number(len(full))} van de {number(asked['team_id'].nunique())} teams"
    told = "Gevraagd werk per maand tegenover de uren van het team; rood is meer dan het heeft. "
    told += (
        f"Vol raken {count}: {when}{' en andere' if len(full) > 5 else ''}." if len(full) else "Geen team raakt vol."
    )
    rows = [(team, peak, full.get(team)) for team, peak in peaks.items()]
    columns = (
        Column("Team", lambda row: text(row[0])), Column("Drukste maand", lambda row: share(row[1])),
        Column("Vol in maand", lambda row: text("niet") if row[2] is None else amount(row[2])),
    )  # fmt: skip
    sheet = Sheet.of(f"grafiek-{name}", "Maand voor maand: wanneer teams vol raken", columns, rows)
    return Chart(name, "Maand voor maand: wanneer teams vol raken", told, _drawn(heat, height=ROW * len(peaks)), sheet)


# --- from, to --------------------------------------------------------------------------------------------------------


def flow_chart(changes: pd.DataFrame, *, name: str = "stromen") -> Chart | None:
    """Where work goes: hours a year of the postcodes that change team, the ``MOST_FLOWS`` largest flows.

    Parameters
    ----------
    changes : table ``allocation_changes``: team_from, team_to, pc4, hours.
    """
    import altair as alt

    told_from = changes.assign(
        van=changes["team_from"].fillna("geen team"), naar=changes["team_to"].fillna("geen team")
    )
    flows = told_from.groupby(["van", "naar"]).agg(uren=("hours", "sum"), postcodes=("pc4", "nunique")).reset_index()
    flows = flows.sort_values(["uren", "van", "naar"], ascending=[False, True, True]).head(MOST_FLOWS)
    if flows.empty:
        return None
    values: list[dict[str, Any]] = [
        {"stroom": f"{row.van} → {row.naar}", "uren": float(row.uren), "postcodes": int(row.postcodes)}
        for row in records(flows)
    ]
    y = alt.Y("stroom:N", sort=[one["stroom"] for one in values], title=None)
    bars = _data(values).mark_bar(color=THEN).encode(y=y, x=alt.X("uren:Q", title="uren werk per jaar"))
    largest = values[0]
    told = (
        f"Waar het werk van postcodes die wisselen heen gaat. De grootste stroom is {largest['stroom']}: "
        f"{number(largest['uren'])} uur per jaar in {number(largest['postcodes'])} postcodes."
    )
    columns = (
        Column("Van → naar", lambda row: text(row["stroom"])),
        Column("Postcodes", lambda row: amount(row["postcodes"])),
        Column("Werk (uur per jaar)", lambda row: amount(row["uren"])),
    )  # fmt: skip
    sheet = Sheet.of(f"grafiek-{name}", "Van welk team naar welk team", columns, values)
    return Chart(name, "Van welk team naar welk team", told, _drawn(bars, height=ROW * len(values)), sheet)


# --- moves against balance -------------------------------------------------------------------------------------------


def balance_chart(
    sums: Sequence[LayerSums], changes: pd.DataFrame, *, name: str = "evenwicht", coarse: bool = False
) -> Chart | None:
    """What a region pays in moved postcodes for its balance: one arrow per layer, from now to proposed."""
    import altair as alt

    moved = {key: set(part["pc4"]) for key, part in changes.groupby("law_domain")}
    rows: list[dict[str, Any]] = []
    for part, was in _both(sums, coarse=coarse):
        layer = part.board.layer
        codes = set(layer.parts["pc4"])
        before, after = (float(np.abs(f.deviation).max(initial=0.0)) for f in (was.teams, part.teams))
        if (part.board.now >= 0).any() and layer.problem.k > 1:
            rows.append({"regio": f"{layer.cluster}, {dutch.layer(layer.law_domain, layer.client_line)}",
                         "wisselt": len(codes & moved.get(layer.law_domain, set())) / len(codes),
                         "nu": before, "straks": after})  # fmt: skip
    if len(rows) < 2 or not any(row["wisselt"] for row in rows):
        return None
    y_title = "grootste afwijking"
    x = alt.X("wisselt:Q", title="postcodes die wisselen", axis=alt.Axis(format=".0%"))
    line = _data(rows).mark_rule(color=NOW, opacity=0.6).encode(x=x, y=alt.Y("nu:Q", title=y_title), y2="straks:Q")
    now = _data(rows).mark_point(color=NOW, strokeWidth=2, size=40).encode(
        x=x, y=alt.Y("nu:Q", title=y_title, axis=alt.Axis(format=".0%")))  # fmt: skip
    then = _data(rows).mark_point(color=THEN, filled=True, size=50, opacity=1).encode(x=x, y="straks:Q")
    most = max(rows, key=lambda row: row["wisselt"])
    told = (
        f"Per regio en laag hoeveel postcodes wisselen (naar rechts) en de grootste afwijking {dutch.WITHOUT_CHANGE} "
        f"(open) en in het voorstel (dicht). Het meest wisselt {most['regio']}: {percent(most['wisselt'])}, "
        f"van {percent(most['nu'])} naar {percent(most['straks'])} afwijking."
    )
    columns = (
        Column("Regio en laag", lambda row: text(row["regio"])),
        Column("Postcodes die wisselen", lambda row: share(row["wisselt"])),
        Column(f"Grootste afwijking {dutch.WITHOUT_CHANGE}", lambda row: share(row["nu"])),
        Column("Grootste afwijking in het voorstel", lambda row: share(row["straks"])),
    )  # fmt: skip
    rows.sort(key=lambda row: (-row["wisselt"], row["regio"]))
    sheet = Sheet.of(f"grafiek-{name}", "Wisselen tegenover evenwicht", columns, rows)
    return Chart(name, "Wisselen tegenover evenwicht", told, _drawn(alt.layer(line, now, then), height=260), sheet)


def division_charts(
    sums: Sequence[LayerSums], changes: pd.DataFrame, months: pd.DataFrame, *, coarse: bool = False
) -> list[Chart]:
    """All charts of a set of layers, those that have something to show. ``coarse``: for readers outside Operations;
    ``changes`` is as they may see it then."""
    teams = sorted({team for part in sums for team in part.board.layer.problem.team_ids})
    made = (
        load_chart(sums, coarse=coarse),
        waiting_chart(sums, coarse=coarse),
        months_chart(months, teams),
        flow_chart(changes),
        balance_chart(sums, changes, coarse=coarse),
    )
    return [one for one in made if one is not None]
