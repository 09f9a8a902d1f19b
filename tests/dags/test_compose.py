"""``docker-compose.yml`` and the image: complete, without a password, and the same in every service.

No container engine is needed: the files are read as YAML, and by Debian's docker-compose where that is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
AIRFLOW = {"init", "api-server", "scheduler", "dag-processor", "worker", "cleaner"}
REQUIRED = {
    "METADATA_PASSWORD",
    "STORE_SUPERUSER_PASSWORD",
    "STORE_ADMIN_PASSWORD",
    "STORE_PASSWORD",
    "STORE_PAGE_PASSWORD",
    "BROKER_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_SECRET_KEY",
    "AIRFLOW_FERNET_KEY",
    "ADMIN_PASSWORD_FILE",
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
    for name in ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY"):
        assert name in common


def test_each_component_opens_the_store_with_the_least_rights(compose: dict[str, Any]) -> None:
    """Migrations as the owner, tasks as the writer, the page as the planner; who needs no store has no address."""
    logins = {}
    for name in AIRFLOW:
        address = compose["services"][name]["environment"].get("CASELOAD_STORE")
        logins[name] = address and re.findall(r"^postgresql\+psycopg://(\w+):", address)[0]
    expected = {"init": "administrator", "worker": "pipeline", "api-server": "page", "scheduler": None}
    assert logins == expected | {"dag-processor": None, "cleaner": None}
    made = re.findall(r"CREATE ROLE (\w+) LOGIN", (ROOT / "docker" / "store-logins.sh").read_text(encoding="utf-8"))
    assert {login for login in logins.values() if login} == set(made)


def test_no_service_is_root_or_can_become_it_or_fill_the_machine(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name
        if name not in AIRFLOW:  # the image of the application has a user of its own
            assert service["user"] in ("postgres", "valkey"), name


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
            # not every engine sets it for a health command, and not every shell
            assert "HOSTNAME" not in str(service["healthcheck"]["test"]), name


def test_everything_waits_for_the_schema_and_the_schema_for_the_databases(compose: dict[str, Any]) -> None:
    for name in AIRFLOW - {"init"}:
        waits = compose["services"][name]["depends_on"]
        assert waits["init"]["condition"] == "service_completed_successfully", name
    assert set(compose["services"]["init"]["depends_on"]) == {"store", "metadata", "broker"}


def test_images_are_pinned_and_only_page_and_store_are_reachable_from_this_machine(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name not in AIRFLOW:
            assert re.fullmatch(r"[\w./-]+:\d[\w.-]+", service["image"]), name
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {
        "api-server": ["${AIRFLOW_LISTEN:-127.0.0.1}:${AIRFLOW_PORT:-8080}:8080"],
        "store": ["${STORE_LISTEN:-127.0.0.1}:${STORE_PORT:-5432}:5432"],
    }


def test_what_is_kept_has_a_volume(compose: dict[str, Any]) -> None:
    named = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if not volume.startswith(("$", "."))
    }
    assert named == set(compose["volumes"])
    for name in AIRFLOW:
        volumes = compose["services"][name]["volumes"]
        assert {"caseload:/var/lib/caseload", "published:/var/lib/caseload/published"} < set(volumes)


def test_the_image_is_the_locked_environment_without_root() -> None:
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert "COPY docker/requirements.lock" in dockerfile
    assert dockerfile.count("--require-hashes") == 2
    users = re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)
    assert users
    assert users[-1] == "caseload"


def test_the_image_gets_the_application_with_its_manual_and_nothing_else_of_the_folder() -> None:
    """No environment, no runs, no passwords: everything is left out but what is named."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert kept == {
        *("allocation", "geodata", "expectations", "dags", "plugins", "docs", "docker", "pyproject.toml"),
    }
    assert all((ROOT / name).exists() for name in kept)


def test_with_object_storage_no_service_shares_a_volume_or_the_input(compose: dict[str, Any]) -> None:
    """The second file takes every volume away; the one that the image asks for is a container's own."""
    text = (ROOT / "docker" / "object-storage.yml").read_text(encoding="utf-8")
    changed = yaml.safe_load(text.replace("!reset", ""))
    assert set(changed["services"]) == AIRFLOW
    assert text.count("    volumes: !reset []\n") == len(AIRFLOW)
    for service in changed["services"].values():
        assert service["volumes"] == []
        assert service["environment"]["CASELOAD_INPUT"] == "/var/lib/caseload/input"
    assert not re.search("(KEY|SECRET|PASSWORD)[A-Z_]*:", text)
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    data = compose["x-airflow"]["environment"]["CASELOAD_VAR"]
    assert f"\nVOLUME {data}\n" in dockerfile


@pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed")
def test_podman_compose_reads_both_files_together(tmp_path: Path) -> None:
    settings = tmp_path / ".env"
    names = (*REQUIRED, "CASELOAD_FILES", "CASELOAD_FILES_SETTINGS")
    settings.write_text("".join(f"{name}=/x\n" for name in names), encoding="utf-8")
    files = [word for name in ("docker-compose.yml", "docker/object-storage.yml") for word in ("-f", str(ROOT / name))]
    command = [str(Path(sys.executable).with_name("podman-compose")), *files, "--env-file", str(settings), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    merged = yaml.safe_load(done.stdout)["services"]
    for name in AIRFLOW:
        assert not merged[name].get("volumes"), name
        assert merged[name]["environment"]["CASELOAD_FILES"] == "/x"


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="Debian's docker-compose is not installed")
@pytest.mark.parametrize("missing", [None, *sorted(REQUIRED)])
def test_docker_compose_reads_the_file_and_refuses_a_missing_secret(missing: str | None, tmp_path: Path) -> None:
    values = dict.fromkeys(REQUIRED - {missing}, "/x") | {"PATH": os.environ["PATH"]}
    file = str(ROOT / "docker-compose.yml")
    command = ["docker-compose", "-f", file, "--project-directory", str(tmp_path), "config", "-q"]
    done = subprocess.run(command, env=values, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == (0 if missing is None else 1), done.stderr
    assert (missing or "") in done.stderr


class Lists:
    """Some of the permissions that Airflow's manager of users lists for its own roles."""

    VIEWER_PERMISSIONS = (
        ("can_read", "DAGs"),
        ("can_read", "Task Logs"),
        ("can_read", "XComs"),
        ("can_read", "HITL Detail"),
    )
    USER_PERMISSIONS = (("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_edit", "HITL Detail"))
    OP_PERMISSIONS = (("can_read", "Connections"), ("can_create", "Pools"), ("can_edit", "XComs"))


def prepare() -> Any:
    spec = spec_from_file_location("prepare", ROOT / "docker" / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def made_roles() -> dict[str, list[tuple[str, str]]]:
    roles: dict[str, list[tuple[str, str]]] = prepare().roles(Lists)
    return roles


def test_a_role_loses_what_it_had_in_an_earlier_version() -> None:
    """Airflow's own function only adds: an engineer who could once answer a question would keep that for ever."""
    may, might = (
        SimpleNamespace(action=SimpleNamespace(name="can_edit"), resource=SimpleNamespace(name=name))
        for name in ("DAGs", "HITL Detail")
    )
    role = SimpleNamespace(permissions=[might, may])
    manager = SimpleNamespace(
        find_role=lambda name: role if name == "engineer" else None,
        remove_permission_from_role=lambda of, permission: of.permissions.remove(permission),
    )
    prepare().take_away(manager, "engineer", {("can_edit", "DAGs")})
    assert role.permissions == [may]


def test_an_engineer_runs_every_dag_and_decides_on_no_proposal() -> None:
    """Nor does he write what a task hands on: with that he could lead a run to another folder."""
    engineer = made_roles()["engineer"]
    assert {("can_edit", "DAGs"), ("can_create", "Pools"), ("can_read", "HITL Detail"), ("can_read", "XComs")} <= {
        *engineer
    }
    assert [pair for pair in engineer if pair in (("can_edit", "HITL Detail"), ("can_edit", "XComs"))] == []


def test_a_viewer_reads_no_log_and_no_question_to_a_planner() -> None:
    """These hold counts of clients as they are, and the role is also for machine accounts of other divisions."""
    roles = made_roles()
    seen = {name: {resource for act, resource in pairs if act == "can_read"} for name, pairs in roles.items()}
    assert seen["viewer"] == {"DAGs", "Plugins"}
    assert {"Task Logs", "XComs", "HITL Detail"} <= seen["planner"] & seen["engineer"]
    assert {("can_edit", f"DAG:{name}") for name in ("allocate", "decide")} | {("can_edit", "HITL Detail")} <= {
        *roles["planner"]
    }
    assert not [pairs for pairs in roles.values() if ("can_read", "Connections") in pairs]
