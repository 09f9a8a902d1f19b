"""Whom the teams of the example work with: partners, the groups at Uitkeren, and where members of the teams live.

All of it is invented, and names of partners say so. Only the territory of a WSP is real: every arbeidsmarktregio has
one (Wet SUWI, artikel 10). Each kind of thing has random numbers of its own; no other file of the example changes
with it. No kind of partner has a price unless the settings give it one, so the division does not change either.

Belongs here: ``coverage``, ``verzuimbeheer`` and ``staff``. Does not belong here: the rest of the example (`example`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import LAWS, SEPARATOR, values_of
from allocation.intake.example import REFERENCE_DATE, SEED, office_pc4, stream

ZW = LAWS[0]
INVENTED = "(verzonnen)"
HOSPITAL_INHABITANTS = 150_000
"""A gemeente with so many inhabitants has a hospital."""
SHARED_UP_TO = 1.25
"""A postcode whose second partner is at most so many times as far as the first is served by both."""
FORMS = ("multidisciplinair team", "centrale contactpersoon", "geen")
FORM_PARTS = (0.3, 0.4, 0.3)
STAFF_KM = 12.0
"""Members of a team live around its office, and so much farther about a third as often."""
GROUP_FTE, GROUP_FTE_SD = 5.0, 1.0
TEAMS_A_ROUND = 3
"""Of the teams of an office, in order: the first has two groups, the next two share one, and so on. A team of a special
client group, which serves the whole country, has a group of its own."""


def write_network(folder: Path, areas: pd.DataFrame, seed: int = SEED) -> None:
    """Write the three tables beside the ``teams`` that ``example.write_example`` wrote for the same areas."""
    areas = areas.sort_values("pc4").reset_index(drop=True)
    teams = pd.read_csv(folder / "teams.csv", dtype=str, keep_default_na=False)
    teams = teams[(teams["valid_to"] == "") | (teams["valid_to"] > REFERENCE_DATE.isoformat())]
    make_coverage(areas, seed).to_csv(folder / "coverage.csv", index=False)
    make_verzuimbeheer(teams, seed).to_csv(folder / "verzuimbeheer.csv", index=False)
    make_staff(areas, teams, seed).to_csv(folder / "staff.csv", index=False)


def make_coverage(areas: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Table ``coverage``: the WSP of each region, a GGZ around each office and a hospital in each larger gemeente."""
    people = areas.groupby("gemeente_name")["inhabitants"].sum()
    large = areas[areas["gemeente_name"].isin(people.index[people >= HOSPITAL_INHABITANTS])]
    hospitals = large.sort_values("inhabitants").drop_duplicates("gemeente_name", keep="last")
    centres = {
        "ggz": ("GGZ", office_pc4(areas)),
        "ziekenhuis": ("Ziekenhuis", dict(zip(hospitals["gemeente_name"], hospitals["pc4"], strict=True))),
    }
    regions = sorted(areas["arbeidsmarktregio"].unique())
    forms = areas["arbeidsmarktregio"].map({region: _form(seed, "wsp", region) for region in regions})
    wsp = pd.DataFrame(
        {"pc4": areas["pc4"], "kind": "wsp", "provider": "WSP " + areas["arbeidsmarktregio"], "share": 1.0,
         "form": forms, "contact": ""}
    )  # fmt: skip
    invented = [_catchments(areas, kind, name, sorted(at.items()), seed) for kind, (name, at) in centres.items() if at]
    return pd.concat([wsp, *invented], ignore_index=True)


def _catchments(areas: pd.DataFrame, kind: str, name: str, at: list[tuple[str, str]], seed: int) -> pd.DataFrame:
    """Every postcode has the nearest partner of a kind; where another is hardly farther, both, by nearness."""
    xy = areas.set_index("pc4")[["x_m", "y_m"]]
    ends = xy.loc[[pc4 for _, pc4 in at]].to_numpy()
    far = np.hypot(*(xy.to_numpy()[:, None, :] - ends[None, :, :]).transpose(2, 0, 1)) + 1.0
    order = far.argsort(axis=1, kind="stable")
    rows = np.arange(len(xy))
    first = order[:, 0]
    second = order[:, min(1, len(at) - 1)]
    is_shared = (second != first) & (far[rows, second] <= SHARED_UP_TO * far[rows, first])
    near, next_ = far[rows, first], far[rows, second]
    share = np.where(is_shared, np.round(next_ / (near + next_), 1), 1.0)
    both = pd.concat(
        [
            pd.DataFrame({"pc4": xy.index, "at": first, "share": share}),
            pd.DataFrame({"pc4": xy.index, "at": second, "share": (1.0 - share).round(1)})[is_shared],
        ]
    ).sort_values(["pc4", "at"], ignore_index=True)
    towns = [town for town, _ in at]
    forms = [_form(seed, kind, town) for town in towns]
    desks = [""] * len(towns)
    if kind == "ggz":
        desks = [f"verwijzers@ggz-{'-'.join(town.lower().replace(chr(39), '').split())}.example" for town in towns]
    told = {"provider": [f"{name} {town} {INVENTED}" for town in towns], "form": forms, "contact": desks}
    columns = {column: np.asarray(values, dtype=object)[both["at"]] for column, values in told.items()}
    made: pd.DataFrame = both.assign(kind=kind, **columns)
    return made[["pc4", "kind", "provider", "share", "form", "contact"]]


def _form(seed: int, kind: str, place: str) -> str:
    return str(stream(seed, "form", kind, place).choice(FORMS, p=FORM_PARTS))


def make_verzuimbeheer(teams: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Table ``verzuimbeheer``: every team with ZW clients has a group, some have two, and some groups two teams."""
    teams = teams[teams["laws"].map(lambda cell: ZW in values_of(cell))]
    rows = []
    for _, of_office in teams.groupby("office_pc4", sort=True):
        is_special = of_office["kind"] == "bijzonder"
        names = of_office.loc[~is_special, "team_id"].tolist()
        prefix = str(of_office["team_id"].iloc[0]).split("-")[1]
        members = [[team] for team in of_office.loc[is_special, "team_id"]]
        for start in range(0, len(names), TEAMS_A_ROUND):
            alone, together = names[start], names[start + 1 : start + TEAMS_A_ROUND]
            members += [[alone], [alone], *([together] if together else [])]
        for number, of_group in enumerate(members, start=1):
            code = f"VZB-{prefix}-{number:02d}"
            draw = stream(seed, "verzuimbeheer", code)
            fte = round(float(np.clip(draw.normal(GROUP_FTE, GROUP_FTE_SD), 2.0, 9.0)), 1)
            rows.append((code, SEPARATOR.join(of_group), fte, "2024-01-01", ""))
    return pd.DataFrame(rows, columns=["group_code", "team_id", "fte", "valid_from", "valid_to"])


def make_staff(areas: pd.DataFrame, teams: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Table ``staff``: as many members as a team has FTE, around its office and where people live."""
    xy = areas[["x_m", "y_m"]].to_numpy(float)
    people = areas["inhabitants"].fillna(0).to_numpy(float)
    place = areas.set_index("pc4")[["x_m", "y_m"]]
    frames = []
    for team in teams.to_dict("records"):
        km = np.hypot(*(xy - place.loc[team["office_pc4"]].to_numpy(float)).T) / 1000
        weight = people * np.exp(-km / STAFF_KM)
        members = round(float(team["fte_verzekeringsarts"]) + float(team["fte_other"]))
        lives = stream(seed, "staff", str(team["team_id"])).multinomial(members, weight / weight.sum())
        some = lives > 0
        frames.append(pd.DataFrame({"pc4": areas["pc4"][some], "team_id": team["team_id"], "staff": lives[some]}))
    return pd.concat(frames, ignore_index=True)
