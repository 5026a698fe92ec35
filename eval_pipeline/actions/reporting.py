"""Writing the state of all eval types as one page for mail and archives."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from eval_pipeline.actions.auditing import audit_events, audit_log
from eval_pipeline.actions.cases import Read, read_what_can_be, reading
from eval_pipeline.actions.clock import Clock, reading_zone, utc_now
from eval_pipeline.actions.evidence import add_evidence
from eval_pipeline.actions.observe import read_trends
from eval_pipeline.core.comparing import RunComparison, compare_cases
from eval_pipeline.core.models import CheckResult, EvalExperiment, PromptText, TrendSummary
from eval_pipeline.core.regression import check_all_regressions
from eval_pipeline.core.runs import version_number
from eval_pipeline.errors import UsageError
from eval_pipeline.report.page import Facts, State, render, told_with_cases, told_with_text, work_out
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror
from eval_pipeline.store.prompts import get_prompt_text


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A page that was written, and what it tells."""

    file: Path
    size: int
    """In bytes."""
    state: State


def check_file(file: Path) -> None:
    """Make sure that a page can be written there, before any work is done for it.

    Raises:
        UsageError: there is no such folder, or something that is no file.
    """
    folder = file.parent
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: make it, or name a file in another one")
    if file.exists() and not stat.S_ISREG(file.stat().st_mode):
        raise UsageError(f"{file} is no file that a page could replace: name another")


def write_report(
    mirror: Mirror, experiments: Sequence[EvalExperiment], file: Path, *, keep: bool = True, clock: Clock = utc_now
) -> WrittenReport:
    """Write the page, in the place of one that is there, in one step. With `keep`, cases that were read stay on disk.

    Raises:
        UsageError: the file can't be written; one that is there stays as it is.
        StoreError: the store can't be read.
    """
    check_file(file)
    state = work_out(gather_facts(mirror, experiments, keep=keep, clock=clock))
    page = render(state).encode()
    _replace(file, page)
    return WrittenReport(file, len(page), state)


def gather_facts(
    mirror: Mirror, experiments: Sequence[EvalExperiment], *, keep: bool = True, clock: Clock = utc_now
) -> Facts:
    """What the page tells, as of now. Cases that can't be read are missing, and the page says so.

    Raises:
        StoreError: the audit log or the prompt registry can't be read.
    """
    store, settings = mirror.store, mirror.store.settings
    histories = {each.eval_type: each for each in read_trends(mirror, experiments)}
    thresholds = {name: settings.threshold(name) for name in histories}
    found = check_all_regressions({name: each.points for name, each in histories.items()}, thresholds)
    read = reading(store, keep=keep)
    result = add_evidence(found, read, settings.quarantine)
    moves = audit_log(store)
    return Facts(
        base_experiment=settings.base_experiment,
        store=store.shown_uri,
        made_at=clock(),
        version=version("eval-pipeline"),
        histories=histories,
        thresholds=thresholds,
        check=result,
        comparisons=_comparisons(histories, result, thresholds, read),
        texts=_texts(store, result),
        moves=moves,
        events=audit_events(moves),
        zone=reading_zone(settings),
        mlflow_home=store.mlflow_home,
        notice=settings.notice,
    )


def _comparisons(
    histories: Mapping[str, TrendSummary], result: CheckResult, thresholds: Mapping[str, float], read: Read
) -> dict[str, RunComparison]:
    """The eval types that are told with their cases, case by case."""
    told = told_with_cases(result)
    cases = read_what_can_be([run for each in told for run in (each.baseline_run_id, each.current_run_id)], read)[0]
    points = {point.run_id: point for each in told for point in histories[each.eval_type].points}
    pairs = [(points[each.baseline_run_id], points[each.current_run_id]) for each in told]
    return {
        after.eval_type: compare_cases(
            before,
            after,
            (cases.get(before.run_id), cases.get(after.run_id)),
            thresholds[after.eval_type],
        )
        for before, after in pairs
    }


def _texts(store: Store, result: CheckResult) -> dict[tuple[str, str], PromptText]:
    """The texts of the prompts that are told with what changed in them."""
    asked = {(each.name, each_version) for each in told_with_text(result) for each_version in (each.before, each.after)}
    numbered = {key: number for key in sorted(asked) if (number := version_number(key[1])) is not None}
    found = {key: get_prompt_text(store, key[0], number) for key, number in numbered.items()}
    return {key: text for key, text in found.items() if text is not None}


def _replace(file: Path, page: bytes) -> None:
    """Put the page in the place of the file: the one that was there is whole until the new one is."""
    target = file.resolve()  # of a link, what it points to
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(page)
                out.flush()
                os.fsync(out.fileno())
            aside.chmod(_mode(target))
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as problem:
        raise UsageError(f"{file} can't be written ({problem.strerror}): nothing was changed there") from problem


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or else those that a new one gets here."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
