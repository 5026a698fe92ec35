"""The files of `examples/deploy` say what the programs that read them, and our own commands, understand."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from eval_pipeline.cli import main
from eval_pipeline.settings import FILE_NAME, Settings, load_settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import Stage, furnish
from tests.actions.test_requesting import ask
from tests.builder import StoreBuilder
from tests.team_server import ADMIN, TeamServer, sign_in

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
STORE = ROOT / "eval_pipeline" / "store"
ENV_EXAMPLE = (DEPLOY / ".env.example").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (DEPLOY / "README.md").read_text()
SERVING = (ROOT / "docs" / "serving.md").read_text()
UNITS = {path.stem: path for path in sorted(DEPLOY.glob("*.service"))}
GUESSABLE = re.compile(
    r"(password|secret|token|key)\w*\s*[:=]\s*[\"']?(?!true|false)[\w-]{3,}[\"']?$", re.IGNORECASE | re.MULTILINE
)


def kinds(kind: str) -> Iterator[dict[str, Any]]:
    yield from (each for each in KUBERNETES if each["kind"] == kind)


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each container with its pod."""
    for deployment in kinds("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        yield from ((container, pod) for container in pod["containers"])


def instructions(name: str) -> list[str]:
    """What the Dockerfile says after each of these words."""
    return re.findall(rf"^ *{name} +(.*)$", DOCKERFILE, re.MULTILINE)


def what_restarts() -> str:
    """What docs/serving.md says is asked for by what restarts the app."""
    (path,) = re.findall(r"^\| `(/[\w/]+)` \|.*for what restarts it", SERVING, re.MULTILINE)
    return str(path)


def unit(name: str) -> dict[str, str]:
    """What a unit says of its service."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNITS[name].read_text())
    return dict(parser["Service"])


def unit_environment(name: str) -> dict[str, str]:
    """What a unit sets; configparser keeps but the last line of a name."""
    lines = re.findall(r"^Environment=(.*)$", UNITS[name].read_text(), re.MULTILINE)
    return dict(each.split("=", 1) for line in lines for each in line.split())


def pod_environment(container: dict[str, Any]) -> dict[str, str]:
    """What a container is told by the ConfigMap and by itself."""
    maps = {each["metadata"]["name"]: each["data"] for each in kinds("ConfigMap")}
    named = [each["configMapRef"]["name"] for each in container["envFrom"] if "configMapRef" in each]
    own = {each["name"]: each["value"] for each in container.get("env", [])}
    return {name: value for each in named for name, value in maps[each].items()} | own


def commands() -> dict[str, list[str]]:
    """Every command of ours and of MLflow that is started somewhere."""
    found = {f"compose {name}": each["command"] for name, each in COMPOSE["services"].items() if "command" in each}
    found |= {f"pod {container['name']}": container["command"] for container, _ in containers()}
    found["image"] = json.loads(DOCKERFILE.rstrip().splitlines()[-1].removeprefix("CMD "))
    found |= {f"unit {name}": shlex.split(unit(name)["ExecStart"]) for name in UNITS}
    return {where: command for where, command in found.items() if Path(command[0]).name not in {"caddy", "python"}}


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")  # MLflow's own, at its import
@pytest.mark.parametrize(("where", "command"), commands().items(), ids=commands())
def test_each_command_is_one_that_the_program_takes(where: str, command: list[str]) -> None:
    program, name, *arguments = command
    if program == "mlflow":
        from mlflow.cli import cli as group
    else:
        assert Path(program).name == "eval-pipeline"
        group = main
    known = group.get_command(click.Context(group), name)
    assert known is not None
    filled = [re.sub(r"\$\{\w+:\?[^}]*\}", "evals.example.org", each) for each in arguments]
    known.make_context(name, filled, resilient_parsing=program == "mlflow")


def test_compose_services_build_on_what_is_there_and_give_no_rights_away() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "mlflow", "account", "app", "watch", "proxy"}
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or source == "./project" or (DEPLOY / source).exists()
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("networks", ["default"])) <= set(COMPOSE["networks"])
    for name in ("mlflow", "account", "app", "watch"):
        ours = services[name]
        assert (ours["image"], ours["read_only"], ours["cap_drop"]) == ("eval-pipeline", True, ["ALL"])
    assert [
        name for name, each in services.items() if any(not p.startswith("127.") for p in each.get("ports", []))
    ] == ["proxy"]
    assert COMPOSE["networks"]["database"]["internal"] is True
    asked = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    offered = dict(line.split("=") for line in ENV_EXAMPLE.splitlines() if "=" in line)
    assert offered == dict.fromkeys(asked, "") | {"MLFLOW_UI_URL": offered["MLFLOW_UI_URL"]}


def test_pods_run_as_nobody_with_limits_and_one_that_serves_is_asked_how_it_does() -> None:
    assert [each["kind"] for each in KUBERNETES] == ["ConfigMap", "Deployment", "Service", "Deployment"]
    assert all(each["apiVersion"] == ("apps/v1" if each["kind"] == "Deployment" else "v1") for each in KUBERNETES)
    for container, pod in containers():
        assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} == set(container["resources"])
        assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    app = next(container for container, _ in containers() if container["name"] == "app")
    ports = {each["name"] for each in app["ports"]}
    probes = {name: app[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {probe["path"] for probe in probes.values()} == {what_restarts()}
    assert {probe["port"] for probe in probes.values()} == ports
    (service,) = kinds("Service")
    labels = next(kinds("Deployment"))["spec"]["template"]["metadata"]["labels"]
    assert (service["spec"]["selector"], service["spec"]["ports"][0]["targetPort"]) == (labels, *ports)
    for deployment in kinds("Deployment"):
        selected = deployment["spec"]["selector"]["matchLabels"]
        assert selected == deployment["spec"]["template"]["metadata"]["labels"]


def test_what_is_set_is_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    app = next(container for container, _ in containers() if container["name"] == "app")
    for said in (pod_environment(app), unit_environment("eval-pipeline"), COMPOSE["services"]["app"]["environment"]):
        for name, value in said.items():
            monkeypatch.setenv(name, value)
    (tmp_path / FILE_NAME).write_text("")
    monkeypatch.setenv("EVAL_PIPELINE_CONFIG", FILE_NAME)
    settings = load_settings().settings
    assert (settings.auth.enabled, settings.auth.promoters) == (True, ["groups=ml"])


def test_app_and_watcher_see_the_same_project_and_do_not_start_without_it() -> None:
    (workdir,) = instructions("WORKDIR")[-1:]
    in_image = f"{workdir}/{FILE_NAME}"
    pods = {container["name"]: container for container, _ in containers()}
    assert pods.keys() == {"app", "watch"}
    (image,) = {container["image"] for container in pods.values()}
    assert f"--tag {image} --file Dockerfile.project" in README
    assert f"COPY --chown=10001 . {workdir}" in (DEPLOY / "Dockerfile.project").read_text().splitlines()
    for container in pods.values():
        assert pod_environment(container)["EVAL_PIPELINE_CONFIG"] == in_image
        assert workdir not in {each["mountPath"] for each in container["volumeMounts"]}
    services = [COMPOSE["services"][name] for name in pods]
    assert len({service["image"] for service in services}) == 1
    for service in services:
        assert service["environment"]["EVAL_PIPELINE_CONFIG"] == in_image
        assert f"./project:{workdir}:ro" in service["volumes"]
    (folder,) = {unit(name)["WorkingDirectory"] for name in UNITS}
    assert {unit_environment(name)["EVAL_PIPELINE_CONFIG"] for name in UNITS} == {f"{folder}/{FILE_NAME}"}


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
def test_links_lead_to_an_address_of_mlflow_that_browsers_reach_and_it_answers_there() -> None:
    from mlflow.server.security_utils import is_allowed_host_header

    offered = re.search(r"^MLFLOW_UI_URL=(.*)$", ENV_EXAMPLE, re.MULTILINE)
    assert offered is not None
    here = urlsplit(offered[1])
    (published,) = COMPOSE["services"]["mlflow"]["ports"]
    assert (here.hostname, published) == ("localhost", f"127.0.0.1:{here.port}:5000")
    assert offered[1] in README
    command = COMPOSE["services"]["mlflow"]["command"]
    allowed = command[command.index("--allowed-hosts") + 1].split(",")
    tracking = urlsplit(COMPOSE["services"]["app"]["environment"]["MLFLOW_TRACKING_URI"])
    for host in (here.netloc, published.rpartition(":")[0], tracking.netloc):
        assert is_allowed_host_header(allowed, host)
    for name in ("app", "watch"):
        assert COMPOSE["services"][name]["environment"]["EVAL_PIPELINE_MLFLOW_UI_URL"].startswith("${MLFLOW_UI_URL:?")
    for container, _ in containers():
        said = pod_environment(container)
        assert urlsplit(said["EVAL_PIPELINE_MLFLOW_UI_URL"]).scheme == "https"
        assert urlsplit(said["EVAL_PIPELINE_MLFLOW_UI_URL"]).hostname != urlsplit(said["MLFLOW_TRACKING_URI"]).hostname


def test_only_mlflow_and_what_makes_the_account_of_app_and_watcher_know_the_administrator() -> None:
    services = {name: json.dumps(each) for name, each in COMPOSE["services"].items()}
    assert {name for name, said in services.items() if "MLFLOW_ADMIN_PASSWORD" in said} == {"mlflow", "account"}
    told = {name: each.get("environment", {}) for name, each in COMPOSE["services"].items()}
    assert told["account"]["MLFLOW_TRACKING_USERNAME"] == told["mlflow"]["MLFLOW_AUTH_ADMIN_USERNAME"]
    made = (told["account"]["ACCOUNT_USERNAME"], told["account"]["ACCOUNT_PASSWORD"])
    assert made[0] != told["mlflow"]["MLFLOW_AUTH_ADMIN_USERNAME"]
    for name in ("app", "watch"):
        assert (told[name]["MLFLOW_TRACKING_USERNAME"], told[name]["MLFLOW_TRACKING_PASSWORD"]) == made
    assert COMPOSE["services"]["account"]["profiles"] == ["account"]  # so that `up` does not start it
    assert "docker compose run --rm account" in README


@pytest.mark.server
def test_the_account_that_is_made_can_promote_ask_and_roll_back_with_its_last_password(
    team_server: TeamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = StoreBuilder(team_server.uri)
    furnish(builder)
    stage = Stage(Store(team_server.uri, Settings()), builder, builder.path)
    name = COMPOSE["services"]["account"]["environment"]["ACCOUNT_USERNAME"]
    for password in ("its-first-secret", "its-last-secret"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", team_server.uri)
        monkeypatch.setenv("ACCOUNT_USERNAME", name)
        monkeypatch.setenv("ACCOUNT_PASSWORD", password)
        done = subprocess.run([sys.executable, DEPLOY / "account.py"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    sign_in(monkeypatch, name, password)
    stage.promote(2)
    stage.roll_back()
    assert stage.said() == [(1, 2, "FINISHED"), (2, 1, "FINISHED")]
    ask(stage.again(gate={"protected": {"production": {}}}), reason="better")
    sign_in(monkeypatch, *ADMIN)
    there = {each.name for each in builder.client.search_experiments()}
    assert {"my-assistant-eval.audit", "my-assistant-eval.requests"} <= there


def test_each_experiment_of_ours_is_in_the_table_of_permissions() -> None:
    made = re.findall(r'base_experiment\}(\.\w+)"', "".join(each.read_text() for each in STORE.glob("*.py")))
    (table,) = re.findall(r"^\| for \| permission \|\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert set(re.findall(r"`\{base\}(\.\w+)`", table)) == set(made) == {".audit", ".requests", ".suites", ".watch"}


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
def test_the_passwords_of_mlflow_are_said_to_need_as_many_characters_as_it_asks_for() -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import _validate_password

    said = re.findall(r"at least (\d+) characters.*\nMLFLOW_(\w*)PASSWORD=$", ENV_EXAMPLE, re.MULTILINE)
    assert [whose for _, whose in said] == ["ADMIN_", ""]
    for length, _ in said:
        _validate_password("x" * int(length))
        with pytest.raises(MlflowException):
            _validate_password("x" * (int(length) - 1))


def test_the_readme_installs_the_versions_that_were_tested() -> None:
    (export,) = re.findall(r"^uv (export .*?) > (\S+)", README, re.MULTILINE)
    (installs,) = re.findall(r"^.*pip install (.*)$", README, re.MULTILINE)
    assert installs == f'--constraint {export[1]} ".[postgres]"'
    asked = [os.environ.get("UV", "uv"), *shlex.split(export[0]), "--offline"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [Requirement(line) for line in done.stdout.splitlines() if not line.lstrip().startswith("#")]
    exported = {each.name: each.specifier for each in lines}
    pins = {each.name: each.specifier for each in map(Requirement, PYPROJECT["tool"]["uv"]["constraint-dependencies"])}
    assert {"streamlit", "mlflow", "psycopg-binary"} <= exported.keys()
    assert exported == {name: pins[name] for name in exported}


def test_no_streamlit_is_taken_but_of_the_minor_version_whose_internals_are_used() -> None:
    needs = {each.name: each.specifier for each in map(Requirement, PYPROJECT["project"]["dependencies"])}
    major, minor = Version(version("streamlit")).release[:2]
    taken = [each for each in (minor - 1, minor, minor + 1) if f"{major}.{each}.0" in needs["streamlit"]]
    assert taken == [minor]


def test_the_extra_for_postgresql_brings_what_takes_its_addresses_for_psycopg_3() -> None:
    from sqlalchemy.engine import make_url

    extra = map(Requirement, PYPROJECT["project"]["optional-dependencies"]["postgres"])
    needs = {each.name: each.specifier for each in extra}
    assert ("2.0.99" in needs["sqlalchemy"], version("sqlalchemy") in needs["sqlalchemy"]) == (False, True)
    assert make_url("postgresql://host/db").get_dialect().driver in needs


def test_app_and_watcher_have_units_that_differ_in_what_they_run_and_in_their_caches() -> None:
    assert {name: shlex.split(unit(name)["ExecStart"])[1] for name in UNITS} == {
        "eval-pipeline": "ui",
        "eval-pipeline-watch": "watch",
    }
    own = {"ExecStart", "Environment", "CacheDirectory"}
    app, watch = ({key: value for key, value in unit(name).items() if key not in own} for name in UNITS)
    assert app == watch
    for name in UNITS:
        assert unit(name)["CacheDirectory"] == name
        assert unit_environment(name)["XDG_CACHE_HOME"] == f"/var/cache/{name}"
        assert f"`{name}.service`" in README


@pytest.mark.parametrize("name", UNITS)
def test_each_unit_is_one_that_systemd_takes_and_gives_no_rights_away(name: str, tmp_path: Path) -> None:
    service = unit(name)
    assert (service["DynamicUser"], service["ProtectSystem"], service["NoNewPrivileges"]) == ("yes", "strict", "yes")
    assert service["EnvironmentFile"].startswith("/etc/")
    if shutil.which("systemd-analyze") is None:
        return
    here = tmp_path / UNITS[name].name
    here.write_text(UNITS[name].read_text().replace("/opt/eval-pipeline/bin/eval-pipeline", "/bin/true"))
    for question in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        said = subprocess.run(["systemd-analyze", *question, here], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr


def test_the_image_takes_files_that_are_there_and_no_other_and_its_user_is_nobody() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {source for line in instructions("COPY") if "--from" not in line for source in line.split()[:-1]}
    assert ("*" in ignored, let_in) == (True, copied)
    assert all((ROOT / source).exists() for source in copied)
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"], "pyproject.toml", "README.md", "LICENSE"} == copied
    assert instructions("USER") == ["10001"]
    (check,) = instructions("HEALTHCHECK")
    *_, code = json.loads(check[check.index("[") :])
    compile(code, "HEALTHCHECK", "exec")
    assert re.findall(r"http://127\.0\.0\.1:8501(/[\w/]*)'", code) == [what_restarts()]


def test_the_image_is_built_by_tools_of_one_version() -> None:
    bases = {line.split()[0] for line in instructions("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+(\.\d+)?-slim-[a-z]+", *bases)
    first, second = instructions("RUN")[:2]
    assert re.fullmatch(r"pip install --no-cache-dir uv==\d+\.\d+\.\d+", first)
    assert " uv pip install " in second  # which takes the pins of the pyproject.toml that lies there
    assert instructions("COPY")[0].startswith("pyproject.toml ")


@pytest.mark.parametrize("path", sorted([ROOT / "Dockerfile", *DEPLOY.iterdir()]), ids=lambda path: path.name)
def test_no_file_holds_a_secret(path: Path) -> None:
    assert GUESSABLE.findall(path.read_text()) == []
