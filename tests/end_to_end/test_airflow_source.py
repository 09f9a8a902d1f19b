"""The caseload comes from a database, by an Airflow connection: DAGs `caseload` and `teams` on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from tests.support import two_regions
from tests.support.postgres import new_database, started_server

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

STEPS = Path(two_regions.__file__).with_name("airflow_steps.py")


def test_a_database_is_as_good_as_a_folder(tmp_path: Path) -> None:
    country = two_regions.write(tmp_path)
    told = tmp_path / "came.json"
    with started_server() as server, new_database(server) as address:
        fill(address, country.input)
        url = sa.make_url(address)
        connection = {"conn_type": "postgres", "host": url.host, "port": url.port, "login": url.username}
        environment = {
            "CASELOAD_SOURCE_CONN": "caseload_source",
            "AIRFLOW_CONN_CASELOAD_SOURCE": json.dumps(connection | {"schema": url.database}),
            "CASELOAD_BOUNDARIES": str(country.boundaries),
        }
        steps = [{"dag": "caseload"}, {"dag": "teams"}, {"dag": "teams"}]
        subprocess.run(
            [sys.executable, str(STEPS), str(told)],
            input=json.dumps({"var": str(tmp_path / "var"), "steps": steps}),
            text=True,
            env=os.environ | environment,
            check=True,
            timeout=800,
        )
    caseload, first, second = json.loads(told.read_text(encoding="utf-8"))
    assert caseload["state"] == "success"
    assert first["tasks"]["notice"][0]["state"] == "success"
    assert second["tasks"]["notice"][0]["state"] == "skipped"
    teams = pd.read_csv(country.input / "teams.csv")
    assert set(pd.read_parquet(tmp_path / "var" / "source" / "teams.parquet")["team_id"]) == set(teams["team_id"])


def fill(address: str, folder: Path) -> None:
    """The input files as tables, with the column types that a database would have."""
    engine = sa.create_engine(address)
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        elif path.suffix == ".csv":
            frame = pd.read_csv(path, dtype={"office_pc4": str, "arbeidsmarktregio": str, "pc4": str})
            dates = [column for column in ("valid_from", "valid_to") if column in frame]
            frame = frame.assign(**{column: pd.to_datetime(frame[column]).dt.date for column in dates})
        else:
            continue
        if "reference_date" in frame:
            frame = frame.assign(reference_date=pd.to_datetime(frame["reference_date"]).dt.date)
        frame.to_sql(path.stem, engine, index=False)
    engine.dispose()
