"""Commands that tell a team's webhook, as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.actions.stage import furnish
from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.conftest import free_port

PATH = "/services/T0/B0/secret"
VARIABLE = "EVAL_PIPELINE_NOTIFY_WEBHOOK_URL"


@pytest.fixture
def posted(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What commands have posted. They wait for it before they end."""
    httpserver.expect_request(PATH, method="POST").respond_with_data("ok")
    monkeypatch.setenv(VARIABLE, httpserver.url_for(PATH))
    return lambda: [json.loads(request.data) for request, _ in httpserver.log]


Posted = Callable[[], list[dict[str, Any]]]


def test_a_check_tells_only_when_asked(story: StoreBuilder, run: Run, posted: Posted) -> None:
    assert run("check", store=story).code == 1
    assert posted() == []
    assert run("check", "--eval-type", "routing", "--notify", store=story).code == 0
    assert posted() == []
    asked = run("check", "--notify", "--format", "json", store=story)
    regressed = [each for each in json.loads(asked.out) if each["verdict"] == "REGRESSION"]
    (said,) = posted()
    assert (asked.code, asked.err) == (1, "")
    assert said["eval_pipeline"]["reports"] == regressed
    assert said["text"].split("\n") == [
        "*REGRESSION* in 1 of 8 eval types · my-assistant-eval",
        "Found by `eval-pipeline check`",
        "• security: 90.0%, threshold 95%, -7.0 pp, not known",
        "Changed: memory v3→v4, persona v1→v2",
    ]


def test_what_strict_evidence_lets_pass_is_not_told(story: StoreBuilder, run: Run, posted: Posted) -> None:
    assert run("check", "--notify", "--strict-evidence", store=story).code == 0
    assert posted() == []


def test_audit_verify_tells_what_it_finds_when_asked(
    copy_of: Callable[..., StoreBuilder], run: Run, posted: Posted
) -> None:
    store = copy_of(furnish)
    assert run("promote", "persona", "--actor", "ada", store=store).code == 0
    store.client.set_prompt_alias("persona", "production", 4)
    assert run("audit", "verify", store=store).code == 1
    found = run("audit", "verify", "--notify", "--format", "json", store=store)
    assert [each["eval_pipeline"]["event"] for each in posted()] == ["promotion", "drift"]
    assert (found.code, posted()[1]["eval_pipeline"]["findings"]) == (1, json.loads(found.out))


@pytest.mark.parametrize(("command", "event"), [(["check"], "regression"), (["audit", "verify"], "drift")])
def test_asking_to_tell_nobody_is_a_mistake(
    store_builder: StoreBuilder, run: Run, command: list[str], event: str
) -> None:
    said = f"Error: nobody would be told: set notify.webhook_url, and let notify.events have '{event}'\n"
    answer = run(*command, "--notify", store=store_builder)
    assert (answer.code, answer.out, answer.err) == (2, "", said)


def test_doctor_shows_where_notices_go_and_not_the_secret(
    store_builder: StoreBuilder, run: Run, posted: Posted
) -> None:
    told = [run("doctor", "--format", form, store=store_builder) for form in ("table", "json")]
    assert [(answer.code, answer.err) for answer in told] == [(0, ""), (0, "")]
    values = {each["key"]: each["value"] for each in json.loads(told[1].out)["settings"]}
    assert values["notify.webhook_url"] == os.environ[VARIABLE].removesuffix(PATH)
    assert not [answer for answer in told if PATH in answer.out + answer.err]


def test_a_dead_receiver_costs_a_process_one_line_on_stderr(copy_of: Callable[..., StoreBuilder]) -> None:
    store, home = copy_of(furnish), f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "eval_pipeline", "promote", "persona", "--actor", "ada", "--format", "json"]
    variables = {**os.environ, VARIABLE: home + PATH, "MLFLOW_TRACKING_URI": store.uri}
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    why = "[Errno 111] Connection refused"
    assert (done.returncode, json.loads(done.stdout)["promoted"]) == (0, True)
    assert done.stderr == f"The notice of a promotion could not be delivered to {home}: {why}\n"
