"""Telling a team's webhook: what is posted, once, and that nothing hangs on whether it arrives."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from eval_pipeline.actions import posting
from eval_pipeline.actions.drifting import DriftLookout
from eval_pipeline.actions.notifying import is_told
from eval_pipeline.actions.posting import finish_posting
from eval_pipeline.actions.promote import propose_promotion
from eval_pipeline.actions.requesting import approve_request, request_promotion
from eval_pipeline.actions.watch_loop import keep_watching
from eval_pipeline.actions.watching import Watcher
from eval_pipeline.core.notices import Event
from eval_pipeline.report import serialize
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import Stage
from tests.actions.watch_stage import Notes, furnish, settings_of
from tests.conftest import free_port
from tests.people import ADA, BOB
from tests.trial import Trial

PATH = "/services/T0/B0/secret"
HOME = "https://mlflow.example"


@pytest.fixture(autouse=True)
def _finish() -> Any:
    """What a test posts ends with it."""
    yield
    finish_posting()


@pytest.fixture
def received(httpserver: HTTPServer) -> Callable[[], list[dict[str, Any]]]:
    """All that was posted so far, once it has arrived."""
    httpserver.expect_request(PATH, method="POST").respond_with_data("ok")

    def read() -> list[dict[str, Any]]:
        finish_posting()
        return [json.loads(request.data) for request, _ in httpserver.log]

    return read


Received = Callable[[], list[dict[str, Any]]]


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, but for what the receiver logs."""
    return [each.getMessage() for each in caplog.records if each.name != "werkzeug"]


def telling(stage: Stage, url: str, **notify: Any) -> Store:
    """The store of a stage, whose team is told at an address."""
    return stage.again(notify={"webhook_url": url, **notify}, mlflow_ui_url=HOME)


def test_a_request_is_told_when_it_is_made_and_the_promotion_that_comes_of_it(
    stage: Stage, httpserver: HTTPServer, received: Received
) -> None:
    url = httpserver.url_for(PATH)
    store = stage.again(notify={"webhook_url": url}, mlflow_ui_url=HOME, gate={"protected": {"production": {}}})
    request = request_promotion(store, propose_promotion(store, "persona"), actor=ADA, reason="kinder").request
    assert request is not None
    experiment = stage.client.get_run(request.id).info.experiment_id
    [told] = received()
    assert told["text"].split("\n")[1] == "Asked for by ada: kinder"
    assert told["text"].endswith(f"<{HOME}/#/experiments/{experiment}/runs/{request.id}|Request {request.id[:8]}>")
    approve_request(store, request.id, actor=BOB)
    assert [each["eval_pipeline"]["event"] for each in received()] == ["request", "promotion"]


def test_a_promotion_and_its_rollback_are_told_with_their_audit_records(
    stage: Stage, httpserver: HTTPServer, received: Received
) -> None:
    store = telling(stage, httpserver.url_for(PATH))
    stage.promote(store=store)
    stage.roll_back(store=store)
    records = stage.log()
    experiment = stage.client.get_run(records[0].id).info.experiment_id
    urls = [f"{HOME}/#/experiments/{experiment}/runs/{each.id}" for each in records]
    texts = [
        "*Promoted*: persona@production v1 → v2 · my-assistant-eval\n"
        f"By ada: better\nEvidence: 2 eval runs\n<{urls[0]}|Audit record 1>",
        f"*Rolled back*: persona@production v2 → v1 · my-assistant-eval\nBy ada: worse\n<{urls[1]}|Audit record 2>",
    ]
    events = ("promotion", "rollback")
    base = {"base_experiment": "my-assistant-eval"}
    assert sorted(received(), key=lambda each: str(each["text"])) == [
        {"text": text, "eval_pipeline": {"event": event, **base, **serialize.audit_record(record), "url": url}}
        for text, event, record, url in zip(texts, events, records, urls, strict=True)
    ]


def test_an_action_that_moves_nothing_tells_nothing(stage: Stage, httpserver: HTTPServer, received: Received) -> None:
    store = telling(stage, httpserver.url_for(PATH))
    stage.promote(store=store, dry_run=True)
    stage.promote(version=1, store=store)
    assert received() == []


def test_only_chosen_events_are_told(stage: Stage, httpserver: HTTPServer, received: Received) -> None:
    store = telling(stage, httpserver.url_for(PATH), events=["rollback"])
    stage.promote(store=store)
    stage.roll_back(store=store)
    assert [each["eval_pipeline"]["event"] for each in received()] == ["rollback"]
    assert [event for event in Event if is_told(Settings(), event)] == []


def refused(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{free_port()}"


def failing(server: HTTPServer) -> str:
    server.expect_request(PATH).respond_with_data("no", status=500)
    return str(server.url_for(""))


def redirecting(server: HTTPServer) -> str:
    there = {"Location": server.url_for("/elsewhere")}
    server.expect_request(PATH).respond_with_data("", status=307, headers=there)
    return str(server.url_for(""))


def without_tls(server: HTTPServer) -> str:
    return f"https://127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("receiver", "why"),
    [
        (refused, "Connection refused"),
        (failing, "it answered 500"),
        (redirecting, "it answered 307, which is not followed"),
        (without_tls, "SSL"),
    ],
)
def test_a_receiver_that_fails_costs_one_line_in_the_log_and_nothing_else(
    stage: Stage,
    httpserver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    receiver: Callable[[HTTPServer], str],
    why: str,
) -> None:
    caplog.set_level(logging.INFO)
    home = receiver(httpserver).rstrip("/")
    result = stage.promote(store=telling(stage, home + PATH))
    finish_posting()
    assert (result.promoted, stage.live(), stage.said()) == (True, 2, [(1, 2, "FINISHED")])
    (line,) = [each for each in caplog.messages if "notice" in each]
    assert line.startswith(f"The notice of a promotion could not be delivered to {home}: ")
    assert why in line
    ours = warned(caplog)
    assert "secret" not in "\n".join(ours)
    assert "/elsewhere" not in [request.path for request, _ in httpserver.log]


def test_a_receiver_that_hangs_holds_up_no_action_and_is_given_up(
    stage: Stage, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_S", 0.2)
    there, over = threading.Event(), threading.Event()

    def hang(request: Request) -> Response:
        there.set()
        over.wait(60)
        return Response("too late")

    httpserver.expect_request(PATH).respond_with_handler(hang)
    result = stage.promote(store=telling(stage, httpserver.url_for(PATH)))
    assert (result.promoted, stage.live()) == (True, 2)
    assert there.wait(60)
    finish_posting()
    over.set()
    home = httpserver.url_for("").rstrip("/")
    assert warned(caplog) == [f"The notice of a promotion could not be delivered to {home}: no answer in time"]


def test_a_process_that_ends_waits_for_an_answer_only_so_long(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "LONGEST_S", 0.1)
    over = threading.Event()

    def drip(request: Request) -> Response:
        over.wait(60)
        return Response("ok")

    httpserver.expect_request(PATH).respond_with_handler(drip)
    monkeypatch.setattr(posting, "ANSWER_S", 60)
    posting.post_soon(httpserver.url_for(PATH), "http://there", "drift", {})
    finish_posting()
    over.set()
    assert warned(caplog) == ["The notice of a drift could not be delivered to http://there: no answer in time"]


def test_a_suite_run_tells_once_of_each_type_that_regressed(
    trial: Trial, httpserver: HTTPServer, received: Received
) -> None:
    trial.configure(notify={"webhook_url": httpserver.url_for(PATH)})
    for eval_type in ("tone", "routing", "memory"):
        trial.dataset(eval_type, "hello", "hello again")
    trial.run()
    assert received() == []
    trial.dataset("tone", "fail", "hello again")
    trial.dataset("routing", "raise", "fail")
    result = trial.run()
    (said,) = received()
    report = next(each for each in result.check.reports if each.eval_type == "tone")
    phrase = "50.0%, threshold 80%, -50.0 pp, too few cases"
    about = f"Suite full, persona v2, by ada (terminal), suite run {result.run_id[:8]}"
    text = f"*REGRESSION* in 1 of 3 eval types · my-assistant-eval\n{about}\n• tone: {phrase}"
    facts = {
        "event": "regression",
        "base_experiment": "my-assistant-eval",
        "regressed": ["tone"],
        "reports": [serialize.regression_report(report)],
        "suite_run_id": result.run_id,
        "suite": "full",
        "trigger": "terminal",
        "actor": "ada",
    }
    assert said == {"text": text, "eval_pipeline": facts}
    (trial.folder / "mended").touch()
    trial.resume(result.run_id)
    assert [each["eval_pipeline"]["regressed"] for each in received()] == [["tone"], ["routing"]]


def test_the_page_of_a_regressed_run_is_linked_where_people_can_open_it(
    trial: Trial, httpserver: HTTPServer, received: Received
) -> None:
    trial.configure(notify={"webhook_url": httpserver.url_for(PATH)})
    store = Store(trial.builder.uri, trial.store.settings.model_copy(update={"mlflow_ui_url": HOME}))
    trial.dataset("tone", "hello")
    trial.run("tone", store=store)
    trial.dataset("tone", "fail")
    result = trial.run("tone", store=store)
    experiment = trial.runs("tone")[-1].info.experiment_id
    link = f"<{HOME}/#/experiments/{experiment}/runs/{result.results[0].run_id}|tone>"
    assert received()[0]["text"].split("\n")[2].startswith(f"• {link}: 0.0%, ")


def test_a_watcher_tells_of_each_drift_once(stage: Stage, httpserver: HTTPServer, received: Received) -> None:
    store = telling(stage, httpserver.url_for(PATH), events=["drift"])
    lookout = DriftLookout(store)
    lookout.look()
    stage.promote(store=store)
    lookout.look()
    assert received() == []
    for version in (4, 3):
        stage.client.set_prompt_alias("persona", "production", version)
        lookout.look()
        lookout.look()
    drifts = [[each["text"] for each in said["eval_pipeline"]["findings"]] for said in received()]
    why = "but its last record put it at v2: moved outside the tool"
    assert sorted(drifts) == [[f"persona@production points at v{version}, {why}"] for version in (3, 4)]


def test_watching_goes_on_looking_for_drift(stage: Stage, httpserver: HTTPServer, tmp_path: Path) -> None:
    def told(request: Request) -> Response:
        watcher.stop.set()
        return Response("ok")

    httpserver.expect_request(PATH).respond_with_handler(told)
    furnish(tmp_path / "work")
    said = settings_of(tmp_path / "work", stage.builder.base, notify={"webhook_url": httpserver.url_for(PATH)})
    watcher = Watcher(Store(stage.store.uri, Settings.model_validate(said)), "core", Notes(), actor=ADA)
    stage.promote()
    stage.client.set_prompt_alias("persona", "production", 4)
    patience = threading.Timer(60, watcher.stop.set)
    patience.start()
    keep_watching(watcher, Notes(), threading.Event(), 0.05)
    patience.cancel()
    assert len(httpserver.log) == 1


def test_a_watcher_that_nobody_listens_to_does_not_ask_the_store(tmp_path: Any) -> None:
    DriftLookout(Store(f"sqlite:///{tmp_path}/none.db", Settings())).look()
