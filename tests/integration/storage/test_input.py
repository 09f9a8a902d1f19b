"""The input folder in object storage: what is an input is fetched, and nothing else that others put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation import storage
from allocation.contract.errors import InputRefused, Refused
from allocation.intake import about, reading
from allocation.intake.fetching import fetch_boundaries, fetch_tables
from allocation.pipeline.scenario import named_scenario
from geodata import GeodataError
from geodata.sources import vector
from tests.integration.storage.conftest import Machines

GIVEN = (
    "teams.csv", "Locks.CSV", "stock.parquet", "README.txt", "notes.txt", "team (1).csv", "photos/large.bin",
    "scenarios/more.toml", "areas.gpkg", "areas.gpkg-wal", "areas.geojson", "shapes/pc4.shp", "shapes/pc4.DBF",
    "shapes/other.shp",
)  # fmt: skip


def put(machines: Machines, *names: str, text: str = "x") -> None:
    """Objects in the storage that no machine has sent, as other programs put them there."""
    import obstore

    bucket = storage._bucket_of(machines.var("a") / "input")
    assert bucket is not None
    for name in names:
        obstore.put(bucket.store, f"input/{name}", text.encode())


def here(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_tables_are_fetched_by_name_and_other_names_are_still_told(machines: Machines) -> None:
    put(machines, *GIVEN)
    folder = machines.var("b") / "input"
    assert here(fetch_tables(folder, ["teams"])) == {"teams.csv", "README.txt"}
    assert here(fetch_tables(folder)) == {"teams.csv", "Locks.CSV", "stock.parquet", "README.txt"}
    told = reading.read_folder(folder)
    assert {"notes.txt", "photos", "scenarios"} <= {remark.file for remark in told.remarks}


def test_a_name_that_is_likely_meant_for_a_table_is_refused_without_being_fetched(machines: Machines) -> None:
    put(machines, "locks.csv", "team.csv")
    folder = fetch_tables(machines.var("b") / "input")
    assert "is it meant to be teams?" in " ".join(map(str, reading.read_folder(folder).problems))
    assert here(folder) == {"locks.csv"}


def test_boundaries_are_fetched_with_what_belongs_to_them(machines: Machines) -> None:
    put(machines, *GIVEN)
    folder = machines.var("b") / "input"
    fetch_boundaries(folder, "embedded")
    assert here(folder) == set()
    fetch_boundaries(folder, f"{folder}/areas.gpkg?layer=pc4&regions={folder}/shapes/pc4.shp")
    assert here(folder) == {"areas.gpkg", "areas.gpkg-wal", "shapes/pc4.shp", "shapes/pc4.DBF"}


def test_a_scenario_and_the_text_about_the_input_are_fetched_when_they_are_read(machines: Machines) -> None:
    put(machines, *GIVEN, text="")
    folder = machines.var("b") / "input"
    with pytest.raises(InputRefused, match="name"):
        named_scenario(folder, "more")
    about.about(folder)
    assert here(folder) == {"scenarios/more.toml", "README.txt"}


def test_what_is_too_large_is_refused_before_it_is_fetched(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machines, "teams.csv", "locks.csv", "areas.gpkg", "scenarios/more.toml", "README.txt", text="x" * 2000)
    folder = machines.var("b") / "input"
    for module in ("allocation.intake.reading", "allocation.intake.about", "allocation.contract.toml_file"):
        monkeypatch.setattr(f"{module}.MOST_BYTES", 1000)
    monkeypatch.setattr(vector, "MOST_BYTES", 100)
    with pytest.raises(InputRefused) as refused:
        fetch_tables(folder)
    assert str(refused.value).splitlines() == [
        f"{name}.csv: the file has 2,000 bytes; allowed: at most 1,000 bytes" for name in ("locks", "teams")
    ]
    with pytest.raises(GeodataError, match=r"areas\.gpkg holds .* GB, more than"):
        fetch_boundaries(folder, f"{folder}/areas.gpkg")
    with pytest.raises(Refused, match=r"more\.toml has 2,000 bytes; at most 1,000 are read"):
        named_scenario(folder, "more")
    assert about.about(folder) == ""
    assert here(folder) == set()


def test_a_folder_with_the_name_of_a_file_is_one_sentence(machines: Machines) -> None:
    put(machines, "teams.csv", "teams.csv/x.csv")
    folder = machines.var("b") / "input"
    with pytest.raises(InputRefused, match=r"^teams\.csv: this is a folder; allowed: a file"):
        fetch_tables(folder)
    with pytest.raises(Refused, match=r"has both a file and a folder of the name .*teams\.csv"):
        storage.fetch_folder(folder)
