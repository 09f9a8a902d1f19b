"""A folder with one mistake of each kind: `caseload validate` says all of it at once, on one readable screen."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from allocation import cli
from tests.support import toy

COLUMNS, LINES = 160, 50
"""A terminal that fills a screen."""
CELLS: list[tuple[str, int, str, str]] = [
    ("inflow", 0, "pc4", "9999"), ("inflow", 1, "clients", "-1"), ("inflow", 2, "clients", "1.000"),
    ("inflow", 3, "month", "2025-13"), ("inflow", 4, "product", "WIA"), ("inflow", 5, "client_line", "werkgever"),
    ("inflow", 6, "clients", "1e30"), ("inflow", 7, "client_group", "brandweer"), ("inflow", 8, "product", "x" * 500),
    ("stock", 0, "clients", "1,5"), ("stock", 4, "reference_date", "2025-11-30"), ("stock", 6, "team_id", "X9"),
    ("stock", 8, "product", ""), ("products", 0, "planned_stock_share", "95%"),
    ("products", 1, "hours_verzekeringsarts", "2,5"), ("teams", 0, "productivity", "95"),
    ("teams", 1, "valid_from", "45292"), ("teams", 2, "laws", "ZW"), ("teams", 3, "office_pc4", "0101"),
    ("teams", 4, "valid_to", "2023-01-01"), ("teams", 5, "laws", "WIA|PW"),
]  # fmt: skip
TEXTS = {
    "clusters.csv": "cluster;arbeidsmarktregio\nA;1\n",
    "care_regions.csv": 'pc4,care_region\n1001,"GGD\n1002,GGD\n',
    "current.csv": "pc4,client_lin,team_id,share\n1001,alle,W1,1\n",
    "complete.csv": "month\n2025-01\n",
}


def folder_with_mistakes(folder: Path) -> Path:
    frames: dict[str, Any] = toy.tables()
    for table, row, column, value in CELLS:
        frames[table] = frames[table].astype(object)
        frames[table].loc[row, column] = value
    frames["stock"] = pd.concat([frames["stock"], frames["stock"].iloc[[10]]])
    frames["teams"] = pd.concat([frames["teams"], pd.DataFrame([toy.team("w1", "1", "1001")])])
    toy.write(folder, frames)
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return folder


def test_one_mistake_of_each_kind_is_one_readable_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy.polygons().to_file(tmp_path / "areas.gpkg")
    folder = folder_with_mistakes(tmp_path / "in")
    assert cli.main(["validate", "--input", str(folder), "--boundaries", str(tmp_path / "areas.gpkg")]) == 1
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert len([row for line in lines for row in textwrap.wrap(line, COLUMNS)]) <= LINES, shown.err
    places = [line.split(": ")[0] for line in lines]
    for table, row, column, _ in CELLS:
        if (table, row) != ("stock", 6):  # the table of what teams are known is only half there
            assert f"{table}.csv, row {row + 2}, column {column}" in places
    assert {"clusters.csv, row 1", "care_regions.csv, row 2", "current.csv, row 1, column client_line"} <= set(places)
    assert {"complete.csv", "stock.csv, row 26", "teams.csv, row 10, column team_id"} <= set(places)
    assert lines[-1] == f"refused: {len(lines) - 1} problem(s); nothing was published"
    assert all("; allowed: " in line for line in lines[:-1])
    files = [place.split(",")[0] for place in places[:-1]]
    assert [name for at, name in enumerate(files) if name not in files[:at]] == [
        "inflow.csv", "stock.csv", "products.csv", "teams.csv", "clusters.csv", "care_regions.csv", "current.csv",
        "complete.csv",
    ]  # fmt: skip
    assert files == sorted(files, key=files.index), "each file in one piece"
