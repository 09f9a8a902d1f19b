"""Airflow with the application's libraries in memory before the first task comes: ``preloaded.py celery worker ...``.

Every task is a process of its own, forked from the worker (with LocalExecutor: from the scheduler). Imported here once,
the libraries are there for all of them; imported in each task they would cost seconds every time, more than most
tasks take. Arguments are those of ``airflow``.
"""

from __future__ import annotations

import importlib
import sys

LIBRARIES = (
    "allocation.pipeline.steps",
    "allocation.publication.reads",
    "allocation.publication.versions",
    "geodata.boundaries",
    "expectations.validate",
    "great_expectations",
)


def main() -> None:
    """Import, and become Airflow."""
    for name in LIBRARIES:
        importlib.import_module(name)
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
