"""Which store is meant, and how its failures are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED, UNAUTHENTICATED
from sqlalchemy.exc import OperationalError

from eval_pipeline.errors import StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store, find_store, open_store, tracking_uri
from eval_pipeline.store.prompts import get_prompt_text
from tests.builder import StoreBuilder

URI = "http://user:secret@mlflow.example.com"


def test_the_option_wins_over_the_variable_and_that_over_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tracking_uri="sqlite:///settings.db")
    assert tracking_uri(Settings()) == (None, "MLflow's default")
    assert tracking_uri(settings) == ("sqlite:///settings.db", "settings")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///variable.db")
    assert tracking_uri(settings) == ("sqlite:///variable.db", "MLFLOW_TRACKING_URI")
    assert tracking_uri(settings, "sqlite:///option.db") == ("sqlite:///option.db", "--tracking-uri")


def test_a_store_nobody_named_is_mlflows_default_and_one_that_is_there_is_read(
    make_store: Callable[..., StoreBuilder], settings_with: Callable[..., Settings]
) -> None:
    absent = find_store(settings_with())
    assert (absent.uri.removeprefix("sqlite:///").endswith("mlflow.db"), absent.absent) == (True, True)
    make_store("work/mlflow.db").log_run("tone")
    present = open_store(settings_with())
    assert (present.uri, present.absent) == (absent.uri, False)
    assert [each.name for each in present.client.search_experiments()] == ["my-assistant-eval-tone", "Default"]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            MlflowException("not you", UNAUTHENTICATED),
            "the store at http://user:***@mlflow.example.com refuses these credentials: set MLFLOW_TRACKING_USERNAME "
            "and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
        ),
        (
            MlflowException("not here", PERMISSION_DENIED),
            "the store at http://user:***@mlflow.example.com does not permit this with these credentials: ask for "
            "permission there (READ to look, EDIT to act), or use those of somebody who has it",
        ),
        (
            OperationalError("INSERT", {}, Exception("attempt to write a readonly database")),
            "the store at http://user:***@mlflow.example.com does not permit this with these credentials: ask for "
            "permission there (READ to look, EDIT to act), or use those of somebody who has it",
        ),
        (
            MlflowException(
                f"API request to {URI}/api failed (Caused by ResponseError('too many 503 error responses'))"
            ),
            "the server at http://user:***@mlflow.example.com fails (HTTP 503): see its log, or try again later",
        ),
        (
            MlflowException(f"API request to {URI}/api failed ([Errno 111] Connection refused)"),
            "no server answers at http://user:***@mlflow.example.com (Connection refused): is it running?",
        ),
        (
            MlflowException(f"no disk for secret at {URI}/api\nand a long story", INTERNAL_ERROR),
            "the store at http://user:***@mlflow.example.com failed: no disk for *** at "
            "http://user:***@mlflow.example.com/api",
        ),
        (MlflowException(""), "the store at http://user:***@mlflow.example.com failed: no reason given"),
        (
            OperationalError("SELECT 1", {}, Exception("database is locked")),
            "the store at http://user:***@mlflow.example.com failed: (builtins.Exception) database is locked",
        ),
        (
            requests.exceptions.ReadTimeout("timed out"),
            "the store at http://user:***@mlflow.example.com failed: timed out",
        ),
        (ConnectionResetError("reset"), "the store at http://user:***@mlflow.example.com failed: reset"),
    ],
)
def test_whatever_mlflow_raises_becomes_one_line_without_the_password(problem: Exception, said: str) -> None:
    with pytest.raises(StoreError) as raised, Store(URI, Settings()).reached():
        raise problem
    assert str(raised.value) == said


def test_a_mistake_of_ours_is_not_taken_for_a_failure_of_the_store() -> None:
    with pytest.raises(KeyError), Store(URI, Settings()).reached():
        raise KeyError("ours")


def test_how_long_mlflow_retries_is_set_but_what_the_user_set_stays() -> None:
    show = "import os, eval_pipeline.store; print(*(os.environ['MLFLOW_' + name] for name in {}))"
    names = ["HTTP_REQUEST_MAX_RETRIES", "HTTP_REQUEST_TIMEOUT", "DISABLE_TELEMETRY"]
    told = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7", "PATH": ""}
    answers = [
        subprocess.run(
            [sys.executable, "-c", show.format(names)],
            env=env,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
        ).stdout
        for env in ({"PATH": ""}, told)
    ]
    assert answers == ["2 30 true\n", "7 30 true\n"]


def test_a_registry_that_is_first_asked_once_the_store_is_gone_is_neither_waited_for_nor_created(
    store_builder: StoreBuilder,
) -> None:
    store = Store(store_builder.uri, Settings())
    assert len(store.client.search_experiments()) == 1
    away = store_builder.path.rename(store_builder.path.with_name("away.db"))
    with pytest.raises(StoreError, match="there is no file"):
        get_prompt_text(store, "persona", 1)
    assert not store_builder.path.exists()
    away.rename(store_builder.path)
    assert get_prompt_text(store, "persona", 1) is None
