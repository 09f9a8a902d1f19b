"""A Celery worker that has the application's libraries in memory before the first task comes.

Every task is a process of its own, forked from the worker. Imported here once, the libraries are there for all of them;
imported in each task they would cost seconds every time, more than most tasks take. Arguments are those of
``airflow celery worker``.
"""

from __future__ import annotations

import importlib
import sys

LIBRARIES = (
    "allocation.pipeline",
    "allocation.publish",
    "geodata.boundaries",
    "expectations.validate",
    "great_expectations",
)


def main() -> None:
    """Import, and become the worker."""
    for name in LIBRARIES:
        importlib.import_module(name)
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "celery", "worker", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
