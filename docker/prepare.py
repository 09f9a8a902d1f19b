"""What has to be there before the services start; run by the service ``init``, again and again without harm.

Airflow's metadata and the store at the schema of this image, the pool that bounds the searches, the rights of the
logins of the store, the roles of people, and the first administrator.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOLVER_POOL = "caseload_solver"
STORE_LOGINS = {"pipeline": "caseload_writer", "page": "caseload_planner"}
"""Who gets which role of the store; the logins come from `store-logins.sh`."""

SECRETS = {"Connections", "Variables", "Configurations"}
"""Resources that show addresses and passwords of other systems: for the administrator only."""
WITH_COUNTS = {"Task Logs", "XComs", "HITL Detail"}
"""Resources in which counts of clients stand as they are: not for who may only look (R14)."""
NOT_OF_ENGINEERS = {
    (act, name) for act in ("can_create", "can_edit", "can_delete") for name in ("HITL Detail", "XComs")
}
"""Answering what a DAG asks is a planner's; what tasks hand on to each other nobody writes by hand."""


def airflow(*words: str) -> None:
    """Run a command of Airflow."""
    subprocess.run(["airflow", *words], check=True)


def prepare_store(address: str) -> None:
    """The schema of the store, and the role of each login. ``address``: of a login that may create roles."""
    import sqlalchemy as sa

    from allocation.publication import versions

    versions.migrate(address)
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for login, role in STORE_LOGINS.items():
            connection.execute(sa.text(f'GRANT "{role}" TO "{login}"'))


def roles(manager: Any) -> dict[str, list[tuple[str, str]]]:
    """Permissions per role, from Airflow's own lists. Only Admin sees connections, variables, settings.

    A viewer sees the state of runs and the page for readers, but no log, no value that tasks hand on and no question
    to a planner. A planner may start and answer runs of ``allocate`` and ``decide`` only (Airflow asks the right to
    edit the DAG). An engineer keeps the DAGs running and decides on no proposal.
    """
    sees = [*manager.VIEWER_PERMISSIONS, ("can_read", "Plugins")]
    viewer = [pair for pair in sees if pair[1] not in WITH_COUNTS]
    starts = [("can_edit", "DAG:allocate"), ("can_edit", "DAG:decide"), ("can_create", "DAG Runs")]
    planner = [*sees, *starts, ("can_edit", "HITL Detail")]
    runs = [*manager.USER_PERMISSIONS, *manager.OP_PERMISSIONS]
    engineer = [*sees, *(pair for pair in runs if pair not in NOT_OF_ENGINEERS)]
    kept = {"viewer": viewer, "planner": planner, "engineer": engineer}
    return {name: [pair for pair in dict.fromkeys(pairs) if pair[1] not in SECRETS] for name, pairs in kept.items()}


def take_away(manager: Any, name: str, kept: set[tuple[str, str]]) -> None:
    """Take from a role what it got from an earlier version; Airflow only adds."""
    role = manager.find_role(name)
    for permission in list(role.permissions):
        if (permission.action.name, permission.resource.name) not in kept:
            manager.remove_permission_from_role(role, permission)


def prepare_people(name: str, password: str) -> None:
    """The roles, exactly as ``roles`` says, and the first administrator when there is no such user yet; a password once
    changed stays."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        kept = roles(manager)
        manager.bulk_sync_roles([{"role": role, "perms": pairs} for role, pairs in kept.items()])
        for role, pairs in kept.items():
            take_away(manager, role, {*pairs})
        if manager.find_user(username=name) is None:
            admin = manager.find_role("Admin")
            if not manager.add_user(name, name, "-", f"{name}@localhost", admin, password=password):
                raise SystemExit(f"the administrator {name} could not be made")


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Everything, in order."""
    airflow("db", "migrate")
    airflow("pools", "set", SOLVER_POOL, environment.get("SOLVER_SLOTS", "4"), "searches side by side")
    airflow("sync-perm")
    prepare_people(environment["ADMIN_NAME"], Path(environment["ADMIN_PASSWORD_FILE"]).read_text("utf-8").strip())
    prepare_store(environment["CASELOAD_STORE"])


if __name__ == "__main__":
    main()
