"""Telling a team what happened, at the webhook of its settings. The action is done by then, whoever is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from eval_pipeline.actions.posting import post_soon
from eval_pipeline.core.audit import Finding
from eval_pipeline.core.models import CheckResult, Verdict
from eval_pipeline.core.moves import AuditRecord
from eval_pipeline.core.notices import Event
from eval_pipeline.core.requests import PromotionRequest
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.errors import StoreError, UsageError
from eval_pipeline.report import notices
from eval_pipeline.report.links import run_url
from eval_pipeline.report.notices import Notice
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.runs import get_eval_experiments


def is_told(settings: Settings, event: Event) -> bool:
    """Whether anybody wants to know of such an event."""
    return settings.notify.webhook_url is not None and event in settings.notify.events


def require_told(settings: Settings, event: Event) -> None:
    """For somebody who asks to tell of an event.

    Raises:
        UsageError: nobody would be told.
    """
    if not is_told(settings, event):
        raise UsageError(f"nobody would be told: set notify.webhook_url, and let notify.events have {event.value!r}")


def tell_of_move(store: Store, record: AuditRecord, experiment_id: str) -> None:
    """Tell of a promotion or a rollback. `experiment_id`: of the audit log."""
    if is_told(store.settings, notices.EVENTS[record.action]):
        home = store.mlflow_home
        url = run_url(home, experiment_id, record.id) if home else None
        _post(store.settings, notices.of_move(store.settings.base_experiment, record, url))


def tell_of_request(store: Store, request: PromotionRequest, experiment_id: str) -> None:
    """Tell of a promotion that waits for approval. `experiment_id`: of the requests."""
    if is_told(store.settings, Event.REQUEST):
        url = run_url(store.mlflow_home, experiment_id, request.id) if store.mlflow_home else None
        _post(store.settings, notices.of_request(store.settings.base_experiment, request, url))


def tell_of_regressions(store: Store, found: CheckResult, suite: SuiteRun | None = None) -> None:
    """Tell of each REGRESSION that a suite run, or else a check, has found.

    What had regressed already when the newest attempt at the suite run began was told then.
    """
    known = {each.eval_type for each in suite.types if each.regressed} if suite else set()
    reports = [each for each in found.reports if each.verdict is Verdict.REGRESSION and each.eval_type not in known]
    if reports and is_told(store.settings, Event.REGRESSION):
        judged = len(found.reports) + len(found.unjudged)
        urls = _run_urls(store, {each.eval_type: each.current_run_id for each in reports})
        _post(store.settings, notices.of_regressions(store.settings.base_experiment, reports, judged, suite, urls))


def _run_urls(store: Store, runs: dict[str, str]) -> dict[str, str]:
    """The pages of runs (by eval type), by run id; none where that is not known, or the store does not say."""
    home = store.mlflow_home
    if home is None:
        return {}
    with suppress(StoreError):
        experiments = {each.eval_type: each.experiment_id for each in get_eval_experiments(store)}
        return {run: run_url(home, experiments[name], run) for name, run in runs.items() if name in experiments}
    return {}


def tell_of_findings(settings: Settings, findings: Sequence[Finding]) -> None:
    """Tell what is wrong with the audit log, or with the aliases."""
    if findings and is_told(settings, Event.DRIFT):
        _post(settings, notices.of_findings(settings.base_experiment, findings))


def _post(settings: Settings, notice: Notice) -> None:
    url = settings.notify.webhook_url
    if url is not None:
        post_soon(url.get_secret_value(), str(url), notice.event.value, notice.payload)
