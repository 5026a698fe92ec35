"""`eval-pipeline watch`, in this process and in one of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.actions.watch_stage import WatchStage, furnish, settings_of
from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.conftest import free_port, start_server, stop_server
from tests.terminals import Terminals

PATIENCE_S = 120
FIRST = (
    "Nobody has watched this store before: versions that exist already are not run. "
    "To run one: eval-pipeline run-evals --prompt NAME=VERSION\n"
)


@pytest.fixture
def stage(make_store: Callable[..., StoreBuilder]) -> WatchStage:
    """A project in the working directory."""
    folder = Path.cwd()
    furnish(folder)
    write_settings(folder)
    return WatchStage(make_store(), folder)


def write_settings(folder: Path, **more: Any) -> None:
    """Write `eval_pipeline.toml`."""
    lines = [
        f"{key} = {json.dumps(value)}"
        for key, value in settings_of(folder, **more).items()
        if not isinstance(value, dict)
    ]
    for name, table in settings_of(folder, **more).items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    (folder / "eval_pipeline.toml").write_text("\n".join(lines))


@pytest.fixture
def terminals() -> Iterator[Terminals]:
    started = Terminals()
    yield started
    started.kill_all()
    started.close()


@contextmanager
def watching(store_uri: str, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A watcher in a process of its own, that prints JSON."""
    command = [
        sys.executable,
        "-m",
        "eval_pipeline",
        "watch",
        "--format",
        "json",
        "--tracking-uri",
        store_uri,
        *options,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that is sure to happen."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_first_look_runs_nothing_and_says_so(run: Run, stage: WatchStage) -> None:
    answer = run("watch", "--once", store=stage.builder)
    assert (answer.code, answer.out, answer.err) == (0, f"{FIRST}No version is due.\n", "")
    assert run("watch", "--once", store=stage.builder).out == "No version is due.\n"
    assert run("watch", "--once", "--format", "json", store=stage.builder).out == "[]\n"


def test_what_is_due_is_run_and_named_with_what_regressed(run: Run, stage: WatchStage) -> None:
    run("watch", "--once", store=stage.builder)
    stage.register("You are very kind.")
    assert run("watch", "--once", store=stage.builder).code == 0
    stage.builder.client.set_prompt_alias("persona", "production", 2)
    stage.register("You are rude.")
    answer = run("watch", "--once", store=stage.builder)
    assert (answer.code, answer.err) == (1, "")
    said = answer.out.splitlines()
    assert said[0] == "persona v3 is new: running the suite core, against v2, which is live"
    assert said[2] == "[1/1] tone ................... FAIL (0.0%, threshold 80%)"
    assert said[-1] == "✕ persona v3: failed  tone regressed -100.0 pp against v2 (too few cases)"


def test_json_lists_what_was_run(run: Run, stage: WatchStage) -> None:
    run("watch", "--once", store=stage.builder)
    stage.register("You are very kind.")
    stage.register("You are rude.", "unused")
    answer = run("watch", "--once", "--format", "json", store=stage.builder)
    found = json.loads(answer.out)
    assert answer.code == 0
    assert [list(each) for each in found] == [
        [
            "prompt_name",
            "version",
            "live_version",
            "suite",
            "run_id",
            "state",
            "message",
            "results",
            "reports",
            "unjudged",
        ]
    ] * 2
    assert [[each[name] for name in ("prompt_name", "version", "live_version", "state")] for each in found] == [
        ["persona", 2, 1, "passed"],
        ["unused", 1, None, "passed"],
    ]
    assert found[0]["unjudged"] == [
        {"eval_type": "tone", "reason": "persona v1, which is live, has no complete run of it"}
    ]
    assert "persona v2 is new" in answer.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--suite", "cor"], "there is no suite 'cor': did you mean core?"),
        (["--webhook-port", "0"], "EVAL_WEBHOOK_SECRET is not set"),
        (["--webhook-url", "http://x"], "say where it listens by --webhook-port"),
        (["--once", "--webhook-port", "0"], "--once looks once and does not listen"),
        (["--webhook-port", "0", "--webhook-url", "http://x"], "is no MLflow server, and only a server sends webhooks"),
        (["--interval", "0"], "--interval"),
    ],
)
def test_what_can_not_be_watched_is_one_line(run: Run, stage: WatchStage, options: list[str], said: str) -> None:
    answer = run("watch", *options, store=stage.builder)
    assert (answer.code, answer.err.startswith("Traceback")) == (2, False)
    assert answer.err.splitlines()[-1].startswith("Error: ")
    assert said in answer.err


def test_a_store_that_is_not_there_is_an_error(run: Run, stage: WatchStage) -> None:
    stage.builder.path.rename("elsewhere.db")
    answer = run("watch", store=stage.builder)
    assert (answer.code, answer.out) == (2, "")
    assert "and it was not created" in answer.err


def test_a_version_that_can_not_be_planned_is_no_answer(run: Run, stage: WatchStage) -> None:
    run("watch", "--once", store=stage.builder)
    write_settings(stage.folder, prompts=["persona", "missing"])
    stage.register("You are very kind.")
    answer = run("watch", "--once", store=stage.builder)
    assert (answer.code, answer.out) == (2, "")
    assert "there is no prompt 'missing'" in answer.err
    assert stage.log(2).claims == ()


def test_a_watcher_that_the_system_ends_half_way_is_followed_by_one_that_finishes(
    run: Run, stage: WatchStage, terminals: Terminals
) -> None:
    run("watch", "--once", store=stage.builder)
    (stage.folder / "hold").touch()
    stage.register("You are very kind.")
    options = ["--format", "json", "--interval", "0.2", "--tracking-uri", stage.builder.uri]
    [pid] = terminals.start(stage.folder, ["watch", *options])
    until((stage.folder / "held").exists)
    os.kill(pid, signal.SIGTERM)
    [ended] = terminals.end()
    assert (ended.code, ended.out) == (0, "")
    assert "persona v2 was stopped half-way: the next watcher goes on with it" in ended.err
    assert "Traceback" not in ended.err
    (stage.folder / "hold").unlink()
    (found,) = json.loads(run("watch", "--once", "--format", "json", store=stage.builder).out)
    assert (found["version"], found["state"]) == (2, "passed")
    assert stage.suite_runs() == [(("persona", 2), "passed")]


@pytest.mark.server
def test_a_real_server_tells_of_a_new_version_at_once_and_no_more_when_watching_ends(
    tmp_path: Path, make_store: Callable[..., StoreBuilder]
) -> None:
    folder = Path.cwd()
    furnish(folder)
    write_settings(folder)
    database = make_store("server.db")
    pid, port = start_server(
        database.uri,
        tmp_path / "server",
        MLFLOW_WEBHOOK_ALLOWED_SCHEMES="http,https",
        MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS="true",
        MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY=Fernet.generate_key().decode(),
        MLFLOW_WEBHOOK_CACHE_TTL="1",
    )
    try:
        stage = WatchStage(StoreBuilder(f"http://127.0.0.1:{port}"), folder)
        listens = free_port()
        options = (
            "--interval",
            "3600",
            "--webhook-port",
            str(listens),
            "--webhook-url",
            f"http://127.0.0.1:{listens}/",
        )
        with watching(stage.builder.uri, *options) as process:
            until(lambda: len(list(stage.builder.client.list_webhooks())) == 1)
            time.sleep(1.1)  # for as long the server may believe that there is no webhook
            stage.register("You are very kind.")
            assert process.stdout is not None
            found = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
        assert (found["prompt_name"], found["version"], found["state"]) == ("persona", 2, "passed")
        assert (process.returncode, "refused" in err) == (0, False)
        assert list(stage.builder.client.list_webhooks()) == []
    finally:
        stop_server(pid)
