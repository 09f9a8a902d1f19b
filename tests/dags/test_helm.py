"""The Helm example against the parameters that the chart documents, and what its pods need.

There is no ``helm`` here to render the chart with. The chart refuses a value that its schema does not know, so the
names and types of the parameters that the example uses are listed here as the reference of chart 1.21 has them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENTED: dict[str, type] = {
    "airflowVersion": str, "apiSecretKeySecretName": str, "createUserJob.defaultUser.enabled": bool,
    "dags.gitSync.enabled": bool, "dags.persistence.enabled": bool, "data.metadataSecretName": str,
    "defaultAirflowRepository": str, "defaultAirflowTag": str, "env": list, "executor": str, "fernetKeySecretName": str,
    "gid": int, "jwtSecretName": str, "logs.persistence.enabled": bool, "logs.persistence.existingClaim": str,
    "migrateDatabaseJob.enabled": bool, "postgresql.enabled": bool, "redis.enabled": bool, "secret": list,
    "statsd.enabled": bool, "triggerer.enabled": bool, "uid": int, "volumeMounts": list, "volumes": list,
    "workers.resources": dict,
}  # fmt: skip
KEYS_OF_CHART = {"caseload-metadata": "connection", "caseload-fernet": "fernet-key", "caseload-api": "api-secret-key"}
"""In a secret that the chart reads: the key under which it looks."""


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker" / "helm-values.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker" / "helm-prepare.yaml").read_text(encoding="utf-8")))


def leaves(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Every value by its dotted name; a documented one is taken whole."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        is_whole = name in DOCUMENTED or not isinstance(value, dict)
        found |= {name: value} if is_whole else leaves(value, f"{name}.")
    return found


def test_every_value_is_a_parameter_that_the_chart_documents(values: dict[str, Any]) -> None:
    assert {name: type(value) for name, value in leaves(values).items()} == DOCUMENTED


def test_lists_have_the_form_that_the_chart_reads(values: dict[str, Any]) -> None:
    assert all(set(one) == {"envName", "secretName", "secretKey"} for one in values["secret"])
    assert all(set(one) == {"name", "value"} and isinstance(one["value"], str) for one in values["env"])
    assert [mount["name"] for mount in values["volumeMounts"]] == [volume["name"] for volume in values["volumes"]]


def test_the_image_has_what_the_values_ask_for(values: dict[str, Any]) -> None:
    lock = (ROOT / "docker" / "requirements.lock").read_text(encoding="utf-8")
    assert f"\napache-airflow=={values['airflowVersion']} " in lock
    for package in ("apache-airflow-providers-cncf-kubernetes", "apache-airflow-providers-fab", "obstore"):
        assert f"\n{package}==" in lock, package
    assert values["executor"] == "KubernetesExecutor"
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert f"--uid {values['uid']} " in dockerfile


def test_the_entrypoint_runs_what_the_chart_asks_of_it() -> None:
    """The chart starts ``bash -c "exec airflow scheduler"``, ``airflow db check-migrations`` and ``python -m ...``."""
    script = (ROOT / "docker" / "start.sh").read_text(encoding="utf-8")
    programs = re.search(r"^  ([a-z0-9|]+)\) exec", script, re.MULTILINE)
    assert programs
    assert {"airflow", "bash", "python"} <= set(programs[1].split("|"))


def test_pods_share_no_folder_and_logs_outlive_them(values: dict[str, Any]) -> None:
    environment = {one["name"]: one["value"] for one in values["env"]}
    assert environment["CASELOAD_FILES"].startswith("s3://")
    assert environment["CASELOAD_INPUT"] == f"{environment['CASELOAD_VAR']}/input"
    assert values["volumes"] == [{"name": "caseload", "emptyDir": {"sizeLimit": "4Gi"}}]
    assert values["logs"]["persistence"]["enabled"]


def test_one_job_prepares_schemas_pool_roles_and_administrator(values: dict[str, Any], job: dict[str, Any]) -> None:
    assert not values["migrateDatabaseJob"]["enabled"]
    assert not values["createUserJob"]["defaultUser"]["enabled"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    assert container["args"] == ["python", "/opt/caseload/docker/prepare.py"]
    given = {one["name"]: one for one in container["env"]}
    asked = set(re.findall(r'environment(?:\.get\(|\[)"(\w+)"', (ROOT / "docker" / "prepare.py").read_text("utf-8")))
    assert asked <= set(given), "what docker/prepare.py reads"
    manager = next(one for one in values["env"] if one["name"] == "AIRFLOW__CORE__AUTH_MANAGER")
    assert given["AIRFLOW__CORE__AUTH_MANAGER"] == manager


def test_no_secret_is_in_the_files_and_those_of_the_chart_have_its_keys(
    values: dict[str, Any], job: dict[str, Any]
) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    named = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]
    keys = {one["name"]: one["key"] for one in named}
    assert {name: keys[name] for name in KEYS_OF_CHART} == KEYS_OF_CHART
    assert keys["caseload-owner"] == "store", "the login that owns the store, and no pod of the chart has it"
    assert "caseload-owner" not in {one["secretName"] for one in values["secret"]}
    written = [*values["env"], *(one for one in container["env"] if "value" in one)]
    assert not [one["name"] for one in written if re.search("PASSWORD$|SECRET|TOKEN|_KEY$|ALCHEMY_CONN$", one["name"])]
