"""compose.yaml: what a service on the open network is denied, and that it fits the image."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from service.settings import Settings
from tests.image.dockerfile import ROOT, instructions

TEXT = (ROOT / "compose.yaml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EVERY = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def test_there_are_the_service_and_the_demo_on_request() -> None:
    assert set(SERVICES) == {"cozone", "demo"}
    assert SERVICES["demo"]["profiles"] == ["demo"] and "profiles" not in SERVICES["cozone"]
    assert SERVICES["cozone"]["restart"] == "unless-stopped"


@EVERY
def test_it_may_do_nothing_that_it_need_not(service: dict[str, Any]) -> None:
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == next(i.text for i in instructions() if i.name == "USER")
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert service["pids_limit"] > 0
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory"} == limits.keys() and all(
        re.fullmatch(r"\$\{COZONE_\w+:-\w+\}", v) for v in limits.values()
    )


@EVERY
def test_only_its_workspace_can_be_written_to(service: dict[str, Any]) -> None:
    assert [t.split(":")[0] for t in service["tmpfs"]] == ["/tmp"] and "size=" in service["tmpfs"][0]
    mounts = [v.split(":") for v in service["volumes"]]
    assert [m[1] for m in mounts if m[-1] != "ro"] == ["/workspace"]
    assert all(m[0] in COMPOSE["volumes"] for m in mounts if m[-1] != "ro")
    assert all((ROOT / m[0]).is_dir() for m in mounts if m[-1] == "ro")
    assert not [v for v in service["volumes"] if "docker.sock" in v]


@EVERY
def test_it_is_reached_from_this_machine_alone(service: dict[str, Any]) -> None:
    (port,) = service["ports"]
    exposed = next(i.text for i in instructions() if i.name == "EXPOSE")
    assert port.startswith("127.0.0.1:") and port.endswith(f":{exposed}")


@EVERY
def test_its_health_is_asked_as_the_image_does(service: dict[str, Any]) -> None:
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD" and command[:2] == ["python", "-c"] and "/health" in command[2]
    compile(command[2], "healthcheck", "exec")
    assert service["init"] is True
    assert int(service["stop_grace_period"].removesuffix("s")) > 20  # what the server takes to finish


@EVERY
def test_variables_are_settings(service: dict[str, Any]) -> None:
    values = {}
    for name, value in service.get("environment", {}).items():
        field = name.removeprefix("COZONE_").lower()
        assert name.startswith("COZONE_") and field in Settings.model_fields
        values[field] = _default(value)
    Settings.model_validate(values)


def _default(value: str) -> str:
    """A value where no variable is set."""
    while (found := re.sub(r"\$\{\w+:-([^${}]*)\}", r"\1", value)) != value:
        value = found
    return value


def test_the_demo_finds_its_data_where_the_command_says() -> None:
    command, mounts = SERVICES["demo"]["command"], dict(v.split(":")[:2][::-1] for v in SERVICES["demo"]["volumes"])
    assert command[0] == "demo" and mounts[command[1]] == "./data/demo"
    assert command[command.index("--workspace") + 1].startswith("/workspace")
