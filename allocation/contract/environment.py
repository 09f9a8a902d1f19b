"""What an installation sets in its environment: where things are, whom to warn.

Every ``CASELOAD_...`` is read here, but for ``CASELOAD_FILES``: `storage` asks for that at each file.

Belongs here: settings of a machine. Does not belong here: settings of a division (``config``), which travel with a run.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from allocation.contract.errors import Refused

PREFIX = "CASELOAD_"


class Environment(BaseSettings):
    """The variables with their defaults: ``store`` is ``CASELOAD_STORE``. An empty variable counts as absent."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    store: str | None = Field(default=None, repr=False, description="address of the store, SQLAlchemy form")
    var: Path = Field(default=Path("var"), description="folder of runs, caches and published files")
    input: Path | None = Field(default=None, description="input folder; none: the embedded example")
    boundaries: str = Field(default="embedded", description="embedded, pdok[:YEAR] or a file")
    source_conn: str | None = Field(default=None, description="Airflow connection of the database with the input")
    retry_seconds: float = Field(default=30.0, ge=0, le=3600, description="pause before a task is tried again")
    keep_days: int = Field(default=90, ge=15, description="maintenance keeps what is younger")
    keep_runs: int = Field(default=10, ge=0, description="maintenance keeps so many of the newest runs")
    webhook_conn: str | None = Field(default=None, description="Airflow connection whose address gets the alerts")
    alert_mail: str | None = Field(default=None, description="addresses that get the alerts, comma-separated")
    mail_from: str | None = Field(default=None, description="sender of these mails")

    def store_url(self, var: Path | None = None) -> str:
        """The store's address: as set, else the embedded file in ``var`` (default: the folder as set).

        In an address ``?`` ends the file and ``%`` begins the number of a sign; in the name of a folder neither does.
        """
        file = str((self.var if var is None else var) / "caseload.sqlite")
        return self.store or f"sqlite:///{file.replace('%', '%25').replace('?', '%3F')}"

    def input_folder(self, var: Path | None = None) -> Path | None:
        """The input folder: the copy of the source database where one is set, else as set; None: the example."""
        if self.source_conn:
            return (self.var if var is None else var) / "source"
        return self.input.absolute() if self.input else None


def environment() -> Environment:
    """The environment as it is now. Raises ``Refused`` with one line for each variable that cannot be understood."""
    try:
        return Environment()
    except ValidationError as error:
        lines = [f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        raise Refused("\n".join(lines)) from None
