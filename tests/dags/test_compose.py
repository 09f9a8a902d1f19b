"""``docker-compose.yml``, the image and the Helm example: complete, without a password, and the same in every service.

No container engine is needed: the files are read as YAML, and by Debian's docker-compose where that is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
AIRFLOW = {"init", "api-server", "scheduler", "dag-processor", "worker"}
REQUIRED = {
    "METADATA_PASSWORD",
    "STORE_PASSWORD",
    "BROKER_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_PASSWORDS_FILE",
    "CASELOAD_INPUT_DIR",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def test_the_services_are_those_of_the_end_to_end_test_and_the_databases(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == AIRFLOW | {"store", "metadata", "broker"}


def test_every_component_has_the_same_secrets_and_addresses(compose: dict[str, Any]) -> None:
    """Components with different keys refuse each other's tokens and cannot read each other's connections."""
    common = compose["x-airflow"]["environment"]
    for name in AIRFLOW:
        environment = compose["services"][name]["environment"]
        assert common.items() <= environment.items(), name
    for name in ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY", "CASELOAD_STORE"):
        assert name in common


def test_no_password_has_a_default_and_none_stands_in_the_file(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):\?", text)) == REQUIRED
    with_default = set(re.findall(r"\$\{(\w+):-", text))
    assert not {name for name in with_default if re.search("PASSWORD|SECRET|KEY", name)}
    for address in re.findall(r"\w+://[^\s'\"]*@", text):
        assert re.search(r":\$\{\w+_PASSWORD:\?[^}]*\}@$", address), address
    # the example names every one of them, empty
    example = (ROOT / "docker" / "example.env").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == REQUIRED


def test_every_lasting_service_restarts_and_tells_its_health(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "init":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


def test_everything_waits_for_the_schema_and_the_schema_for_the_databases(compose: dict[str, Any]) -> None:
    for name in AIRFLOW - {"init"}:
        waits = compose["services"][name]["depends_on"]
        assert waits["init"]["condition"] == "service_completed_successfully", name
    assert set(compose["services"]["init"]["depends_on"]) == {"store", "metadata", "broker"}


def test_images_are_pinned_and_only_the_page_is_reachable(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name not in AIRFLOW:
            assert re.fullmatch(r"[\w./-]+:\d[\w.-]+", service["image"]), name
        ports = service.get("ports", [])
        assert ports == (["${AIRFLOW_LISTEN:-127.0.0.1}:8080:8080"] if name == "api-server" else []), name


def test_what_is_kept_has_a_volume(compose: dict[str, Any]) -> None:
    named = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if not volume.startswith("$")
    }
    assert named == set(compose["volumes"])
    for name in AIRFLOW:
        assert "caseload:/var/lib/caseload" in compose["services"][name]["volumes"]


def test_the_image_is_the_locked_environment_without_root() -> None:
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert "COPY requirements.lock" in dockerfile
    assert dockerfile.count("--require-hashes") == 2
    users = re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)
    assert users
    assert users[-1] == "caseload"
    for folder in re.findall(r"^COPY (\w+) ", dockerfile, re.MULTILINE):
        assert (ROOT / folder).exists(), folder


def test_the_helm_example_names_no_secret() -> None:
    values = yaml.safe_load((ROOT / "docker" / "helm-values.yaml").read_text(encoding="utf-8"))
    assert values["executor"] == "KubernetesExecutor"
    assert values["airflowVersion"] in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert {secret["envName"] for secret in values["secret"]} == {"CASELOAD_STORE", "AIRFLOW_CONN_CASELOAD_WEBHOOK"}


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="Debian's docker-compose is not installed")
@pytest.mark.parametrize("missing", [None, *sorted(REQUIRED)])
def test_docker_compose_reads_the_file_and_refuses_a_missing_secret(missing: str | None, tmp_path: Path) -> None:
    values = dict.fromkeys(REQUIRED - {missing}, "/x") | {"PATH": os.environ["PATH"]}
    file = str(ROOT / "docker-compose.yml")
    command = ["docker-compose", "-f", file, "--project-directory", str(tmp_path), "config", "-q"]
    done = subprocess.run(command, env=values, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == (0 if missing is None else 1), done.stderr
    assert (missing or "") in done.stderr
