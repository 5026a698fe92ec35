"""What goes wrong around an evaluation: nothing done is lost, and no error counts as a failure or a pass."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from eval_pipeline.actions import evaluating, working
from eval_pipeline.actions.planning import plan_suite
from eval_pipeline.actions.suites import (
    begin_suite,
    cancel_suite,
    lost_suites,
    resume_suite,
    run_eval_suite,
    standing,
)
from eval_pipeline.core.suite_runs import SuiteState, TypeState
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.registering import register_prompt_version
from eval_pipeline.store.suite_runs import claim_attempt
from tests.actions.stage import interpose, now
from tests.conftest import Server, free_port
from tests.people import ADA, BOB
from tests.trial import Trial

INTERNAL = 1
"""MLflow's code for an error of its own."""


class Endpoint:
    """A model's endpoint that does to each question what the question says."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: Counter[str] = Counter()
        self.mended = False
        self.over = threading.Event()
        self.url = server.url_for("/v1")
        server.expect_request("/v1/chat/completions").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        said = request.get_json()["messages"][-1]["content"]
        self.asked[said] += 1
        if said == "limited" and self.asked[said] == 1:
            return Response(status=429, headers={"Retry-After": "0"})
        if not self.mended and said == "broken":
            return Response("out of order", status=500)
        if not self.mended and said == "hang":
            self.over.wait(60)
        if not self.mended and said == "garbage":
            return Response("{not json", content_type="application/json")
        return Response('{"choices": [{"message": {"content": "yes"}}]}', content_type="application/json")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with HTTPServer(threaded=True) as server:
        made = Endpoint(server)
        yield made
        made.over.set()


def use(trial: Trial, url: str, **runner: Any) -> None:
    target = {"kind": "openai", "base_url": url, "model": "m"}
    trial.configure(target=target, runner={"timeout_s": 20, "retries": 1, **runner})


def test_what_an_endpoint_refuses_breaks_or_delays_is_no_result_and_is_asked_again_on_resuming(
    trial: Trial, endpoint: Endpoint
) -> None:
    use(trial, endpoint.url, timeout_s=3)
    trial.dataset("tone", "fine", "limited", "broken", "hang", "garbage")
    first = trial.run()
    assert trial.statuses("tone") == [("FINISHED", 1.0, 3)]
    assert (first.state, first.results[0].state) == (SuiteState.INCOMPLETE, TypeState.PARTIAL)
    assert endpoint.asked == {"fine": 1, "limited": 2, "broken": 2, "hang": 1, "garbage": 1}
    endpoint.mended = True
    endpoint.over.set()
    assert trial.resume(first.run_id).state is SuiteState.PASSED
    assert endpoint.asked == {"fine": 1, "limited": 2, "broken": 3, "hang": 2, "garbage": 2}
    assert trial.statuses("tone") == [("FINISHED", 1.0, 3), ("FINISHED", 1.0, 0)]


def test_an_endpoint_that_is_down_leaves_errors_that_say_so(trial: Trial) -> None:
    use(trial, f"http://127.0.0.1:{free_port()}/v1", retries=0)
    trial.dataset("tone", "a", "b")
    result = trial.run()
    assert trial.statuses("tone") == [("FINISHED", None, 2)]
    [tone] = result.results
    assert (tone.state, tone.passed, result.state) == (TypeState.ERROR, False, SuiteState.INCOMPLETE)
    assert "2 of 2 cases errored" in str(tone.error)
    assert "can't be reached" in str(tone.error)


def test_a_killed_evaluator_leaves_a_partial_run_and_resuming_runs_only_what_is_missing(trial: Trial) -> None:
    trial.configure(runner={"concurrency": 1})
    trial.dataset("tone", "pass 0", "pass 1", "die", "pass 3")
    first = trial.run()
    assert (first.results[0].state, first.results[0].error) == (
        TypeState.PARTIAL,
        "the evaluator was ended by SIGKILL",
    )
    assert trial.statuses("tone") == [("FINISHED", 1.0, 2)]
    assert trial.runs("tone")[0].data.tags["eval_pipeline.failure"] == "the evaluator was ended by SIGKILL"
    assert trial.resume(first.run_id).state is SuiteState.PASSED
    assert trial.calls == ["pass 0", "pass 1", "die", "die", "pass 3"]
    assert trial.statuses("tone") == [("FINISHED", 1.0, 2), ("FINISHED", 1.0, 0)]


def test_without_the_local_lines_resuming_takes_what_was_logged(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trial.configure(runner={"concurrency": 1})
    trial.dataset("tone", "pass 0", "die")
    first = trial.run()
    monkeypatch.setenv("EVAL_PIPELINE_MIRROR_CACHE_DIR", str(tmp_path / "another machine"))
    assert trial.resume(first.run_id).state is SuiteState.PASSED
    assert trial.calls == ["pass 0", "die", "die"]


def test_a_dataset_that_was_changed_between_attempts_is_run_afresh(trial: Trial) -> None:
    trial.dataset("tone", "pass", "raise")
    first = trial.run()
    trial.dataset("tone", "pass", "pass too", version="2")
    assert trial.resume(first.run_id).state is SuiteState.PASSED
    assert sorted(trial.calls) == ["pass", "pass", "pass too", "raise"]
    old, new = trial.runs("tone")
    assert "eval_pipeline.superseded_by" not in old.data.tags
    assert (new.data.params["dataset_version"], new.data.metrics["total_cases"]) == ("2", 2)


def test_a_dataset_that_is_changed_while_the_suite_works_is_not_mixed_in(trial: Trial) -> None:
    trial.dataset("a", "wait")
    trial.dataset("b", "pass")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trial.run, jobs=1)
        trial.wait(lambda: trial.calls)
        trial.dataset("b", "pass", "more")
        (trial.folder / "go").touch()
        result = running.result()
    assert [each.state for each in result.results] == [TypeState.PASS, TypeState.ERROR]
    assert result.results[1].error == evaluating.CHANGED
    assert trial.resume(result.run_id).state is SuiteState.PASSED
    assert [run.data.metrics["total_cases"] for run in trial.runs("b")] == [2]


def test_lines_that_can_not_be_written_are_warned_of_once_and_all_is_logged(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "full").touch()
    monkeypatch.setenv("EVAL_PIPELINE_MIRROR_CACHE_DIR", str(tmp_path / "full"))
    trial.dataset("a", "pass", "pass")
    trial.dataset("b", "pass", "pass")
    result = trial.run()
    assert result.state is SuiteState.PASSED
    assert trial.heard.warnings == [
        f"nothing can be written in {tmp_path}/full/suites/{result.run_id} (Not a directory): results are kept in "
        "memory until they are logged"
    ]


def failing(store: Store, when: Callable[[str], bool]) -> Store:
    """The store, whose calls fail while `when` says so."""

    def before(name: str) -> None:
        if when(name):
            raise MlflowException("the database is gone", INTERNAL)

    return interpose(store, before)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "LOG_ATTEMPTS_S", (0.0, 0.0))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("call", ["log_text", "set_terminated"])
def test_a_store_that_fails_for_a_moment_is_tried_again_and_nothing_is_left_open(trial: Trial, call: str) -> None:
    trial.dataset("tone", "pass")
    fails = [True]
    result = trial.run(store=failing(trial.store, lambda name: name == call and bool(fails) and fails.pop()))
    assert result.state is SuiteState.PASSED
    assert sorted(run.info.status for run in trial.runs("tone")) == ["FAILED", "FINISHED"]
    assert trial.calls == ["pass"]


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(("for_good", "half_logged"), [(False, 3), (True, 1)])
def test_results_that_can_not_be_logged_are_kept_and_resuming_logs_them_without_asking_again(
    trial: Trial, for_good: bool, half_logged: int
) -> None:
    trial.dataset("tone", "pass", "fail")
    away = threading.Event()

    def when(name: str) -> bool:
        if name == "log_text":
            away.set()
        return name == "log_text" or (for_good and away.is_set())

    with pytest.raises(StoreError, match=r"the database is gone\. What was evaluated is kept in .* --resume \w{32}$"):
        trial.run(store=failing(trial.store, when))
    [suite] = trial.suites
    assert standing(suite) is (SuiteState.LOST if for_good else SuiteState.INCOMPLETE)
    assert {run.info.status for run in trial.runs("tone")} == {"RUNNING"}
    result = trial.resume(suite.id)
    assert (result.state, sorted(trial.calls)) == (SuiteState.FAILED, ["fail", "pass"])
    assert [run.info.status for run in trial.runs("tone")] == ["FAILED"] * half_logged + ["FINISHED"]
    assert trial.runs("tone")[-1].data.metrics["pass_rate"] == 0.5


class Proxy:
    """Passes connections on to a server until it is closed, as if the server had gone away."""

    def __init__(self, port: int) -> None:
        self._port, self._open = port, set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._open |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let nothing through any more."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.mark.server
@pytest.mark.usefixtures("_impatient")
def test_a_server_that_goes_away_before_the_results_are_logged_loses_nothing(
    trial: Trial, mlflow_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = trial.store.settings.model_copy(update={"base_experiment": "going-away", "prompts": ["going-away"]})
    direct, proxy = Store(mlflow_server.uri, settings), Proxy(int(mlflow_server.uri.rpartition(":")[2]))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    register_prompt_version(direct.client, "going-away", "Be kind.", "the first.")
    behind = Store(proxy.url, settings)
    trial.dataset("tone", "pass", "wait")
    with ThreadPoolExecutor(1) as pool:
        plan = plan_suite(behind, "full")
        running = pool.submit(run_eval_suite, behind, plan, trigger="terminal", actor=ADA)
        trial.wait(lambda: len(trial.calls) == 2)
        proxy.close()
        (trial.folder / "go").touch()
        with pytest.raises(StoreError, match="run-evals --resume"):
            running.result()
    [lost] = lost_suites(direct)
    assert resume_suite(direct, lost.id, actor=ADA).state is SuiteState.PASSED
    assert sorted(trial.calls) == ["pass", "wait"]
    assert lost_suites(direct) == []


def much_later() -> datetime:
    """When a machine that gives no sign is taken for gone."""
    return now() + timedelta(hours=1)


def test_a_lost_suite_run_can_be_ended_and_leaves_nothing_open(trial: Trial) -> None:
    trial.dataset("tone", "pass")
    store = trial.store
    suite_id = begin_suite(store, plan_suite(store, "full"), trigger="page", actor=ADA)
    assert claim_attempt(store, trial.suite(suite_id), "machine 1 2|nonce", now())
    open_run = trial.builder.log_run("tone", None, status="RUNNING", tags={"eval_pipeline.suite_run_id": suite_id})
    assert [each.id for each in lost_suites(store, much_later)] == [suite_id]
    said = cancel_suite(store, suite_id[:8], actor=BOB, clock=much_later)
    assert said == f"suite run {suite_id} was ended: its process had stopped"
    suite = trial.suite(suite_id)
    assert (suite.outcome, suite.cancelled_by, suite.message) == (
        SuiteState.CANCELLED,
        "bob",
        "cancelled by bob; its process had stopped",
    )
    assert trial.builder.client.get_run(open_run).info.status == "FAILED"
    assert trial.resume(suite_id).state is SuiteState.PASSED


def test_one_that_nobody_began_can_be_cancelled_and_is_then_not_begun(trial: Trial) -> None:
    trial.dataset("tone", "pass")
    store = trial.store
    suite_id = begin_suite(store, plan_suite(store, "full"), trigger="page", actor=ADA)
    assert standing(trial.suite(suite_id)) is SuiteState.STARTING
    assert cancel_suite(store, suite_id, actor=ADA) == f"suite run {suite_id} was ended: nobody had begun it"
    with pytest.raises(RefusedError, match="begun or cancelled already"):
        trial.resume(suite_id, first=True)
    with pytest.raises(UsageError, match="has ended already: cancelled"):
        cancel_suite(store, suite_id, actor=ADA)
    assert trial.calls == []


def test_cancelling_from_elsewhere_ends_the_work_and_logs_what_is_done(trial: Trial) -> None:
    trial.dataset("tone", "pass", "wait")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trial.run)
        trial.wait(lambda: len(trial.calls) == 2)
        said = cancel_suite(trial.store, trial.suites[0].id, actor=BOB)
        result = running.result()
    assert "was asked to stop" in said
    assert (result.state, result.message) == (SuiteState.CANCELLED, "cancelled by bob")
    assert trial.statuses("tone") == [("FINISHED", 1.0, 1)]
    assert trial.builder.client.get_run(result.run_id).info.status == "KILLED"
    (trial.folder / "go").touch()
    assert trial.resume(result.run_id).state is SuiteState.PASSED
    assert sorted(trial.calls) == ["pass", "wait", "wait"]
    assert trial.suite(result.run_id).cancelled_by is None


def test_one_who_was_taken_for_lost_stops_and_leaves_the_suite_run_to_the_other(trial: Trial) -> None:
    trial.dataset("tone", "wait")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trial.run)
        trial.wait(lambda: trial.calls)
        [suite] = trial.suites
        assert claim_attempt(trial.store, suite, "another", now())
        with pytest.raises(working.TakenOverError, match="somebody else works on it now"):
            running.result()
    assert trial.suite(suite.id).outcome is None


def test_nobody_works_on_what_is_being_worked_on(trial: Trial) -> None:
    trial.dataset("tone", "wait")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trial.run)
        trial.wait(lambda: trial.calls)
        with pytest.raises(RefusedError, match="is being worked on"):
            trial.resume(trial.suites[0].id)
        (trial.folder / "go").touch()
        assert running.result().state is SuiteState.PASSED
