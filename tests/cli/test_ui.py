"""`eval-pipeline ui`: where it listens, whom it lets in, and what it hands to the process that it becomes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.conftest import free_port

SIGN_IN = "[auth]\nenabled = true\n"


@dataclass
class Became:
    """The process that the command turned into."""

    options: dict[str, str]
    variables: dict[str, str]


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Became]:
    """What the command turned into, if it came so far."""
    found: list[Became] = []

    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)

    def exec_instead(_: str, command: list[str], variables: dict[str, str]) -> None:
        assert command[1:3] == ["-m", "eval_pipeline.ui.serving"]
        found.append(Became(dict(zip(command[3:9:2], command[4:9:2], strict=True)), variables))

    monkeypatch.setattr(os, "execve", exec_instead)
    return found


def free() -> str:
    return str(free_port())


@pytest.mark.parametrize(
    ("options", "reachable"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0"),
        (["--host", "::"], "::"),
        (["--host", "192.0.2.7"], "192.0.2.7"),
        (["--host", "evals.example.org"], "evals.example.org"),
        (["--public-url", "https://evals.example.org"], "https://evals.example.org"),
    ],
)
def test_where_others_could_reach_it_and_nobody_signs_in_it_does_not_start(
    options: list[str], reachable: str, run: Run, became: list[Became]
) -> None:
    answer = run("ui", *options, "--port", free())
    assert (answer.code, answer.out, became) == (2, "", [])
    assert answer.err == (
        f"Error: {reachable} can be reached by others and nobody signs in: "
        "set auth.enabled, or let everyone in with --insecure\n"
    )


def test_an_address_that_nobody_can_open_needs_one_that_people_can(run: Run, became: list[Became]) -> None:
    answer = run("ui", "--host", "0.0.0.0", "--insecure", "--port", free())
    said = "Error: nobody can open 0.0.0.0: say with --public-url which address leads here\n"
    assert (answer.code, answer.err, became) == (2, said, [])


@pytest.mark.parametrize(
    "url",
    ["evals.example.org", "ftp://evals.example.org", "https://", "https://[", "https://a.org/evals", "http://u@a"],
)
def test_a_public_url_is_scheme_and_host_alone(url: str, run: Run, became: list[Became]) -> None:
    answer = run("ui", "--public-url", url)
    said = f"Error: {url!r} is no address of an app: write https://evals.example.org, without a path\n"
    assert (answer.code, answer.err, became) == (2, said, [])


def test_a_port_that_is_taken_is_said_before_anything_starts(run: Run, became: list[Became]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = run("ui", "--port", str(port))
    assert (answer.code, became) == (2, [])
    assert answer.err.startswith(f"Error: port {port} can't be used on 127.0.0.1 (address already in use")


@pytest.mark.parametrize(("settings", "options"), [(SIGN_IN, []), ("", ["--insecure"])])
def test_with_sign_in_or_by_one_s_own_will_it_serves_others(
    settings: str, options: list[str], run: Run, became: list[Became], store_builder: StoreBuilder
) -> None:
    Path("eval_pipeline.toml").write_text(settings)
    port = free()
    where = ["--host", "0.0.0.0", "--port", port, "--public-url", "https://Evals.example.org:443/"]
    assert run("ui", *where, *options, "--no-browser", store=store_builder).code == 0
    assert [each.options for each in became] == [
        {"--host": "0.0.0.0", "--port": port, "--public-url": "https://evals.example.org"}
    ]
    assert became[0].variables["MLFLOW_TRACKING_URI"] == store_builder.uri


def test_ctrl_c_while_the_app_is_still_being_imported_ends_it_quietly() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # as the command does before it becomes the app
    try:
        command = [sys.executable, "-m", "eval_pipeline.ui.serving", "--port", free()]
        app = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    app.send_signal(signal.SIGINT)
    said, _ = app.communicate(timeout=120)
    assert (app.returncode, said) == (0, "")
