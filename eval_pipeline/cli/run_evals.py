"""`eval-pipeline run-evals`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from eval_pipeline.cli import INTERRUPTED, NO, OK
from eval_pipeline.cli.acting import whoever_acts
from eval_pipeline.cli.session import Session, outlined_options

if TYPE_CHECKING:
    from eval_pipeline.actions.cases import Cases
    from eval_pipeline.core.people import Person
    from eval_pipeline.core.suite_runs import SuiteResult
    from eval_pipeline.store.connection import Store

STOPPING = "stopping: what is done is logged as partial; once more ends at once"
SAYS_WHAT = {
    "suite": "--suite",
    "eval_types": "--eval-type",
    "prompts": "--prompt",
    "repeat": "--repeat",
}
"""What a suite run that is resumed knows already."""
SAYS_HOW = {
    "jobs": "--jobs",
    "executor": "--executor",
    "check": "--check/--no-check",
    "verbose": "--verbose",
    "first": "--first",
}


@click.command(epilog="Example: eval-pipeline run-evals --suite core --prompt persona=3")
@click.option("--suite", metavar="NAME", help="core (the default), full, or one of the settings.")
@click.option("--eval-type", "eval_types", metavar="TYPE", multiple=True, help="Only this eval type; may be repeated.")
@click.option(
    "--prompt",
    "prompts",
    metavar="NAME=VERSION",
    multiple=True,
    help="A version to evaluate, as in persona=3 or persona=@staging; may be repeated. Other prompts are taken at "
    "their alias experiment, else at their newest version.",
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Eval types at once. Default: runner.jobs.")
@click.option("--executor", type=click.Choice(["local", "dask"]), help="What runs the cases. Default: runner.executor.")
@click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Run each case N times.")
@click.option("--resume", metavar="ID", help="Do only what is missing of this suite run; 6 characters of it may do.")
@click.option("--cancel", metavar="ID", help="Have this suite run stop, or end it if its process is gone.")
@click.option("--check/--no-check", default=True, help="Look for regressions in the end (the default), or not.")
@click.option("--verbose", is_flag=True, help="Show on stderr what the evaluators write there.")
@click.option("--actor", help="Who, for the suite run. Default: the user of the system.")
@click.option("--first", is_flag=True, hidden=True)
@outlined_options
@click.pass_context
def command(
    context: click.Context,
    session: Session,
    suite: str | None,
    eval_types: tuple[str, ...],
    prompts: tuple[str, ...],
    jobs: int | None,
    executor: str | None,
    repeat: int | None,
    resume: str | None,
    cancel: str | None,
    check: bool,
    verbose: bool,
    actor: str | None,
    first: bool,
) -> int:
    """Evaluate prompt versions on a suite of eval types, then look for regressions.

    Each eval type becomes an MLflow run with its cases and prompt versions. Exits with 0 only if all of them pass and
    none regressed. Ctrl-C ends it, logs what is done as partial and says how to resume.
    """
    _refuse_odd_options(context)
    store = session.open_store()
    person = whoever_acts(store.settings, actor)
    if cancel is not None:
        return _cancel(session, store, cancel, person)
    if executor is not None:
        runner = store.settings.runner.model_copy(update={"executor": executor})
        store.settings = store.settings.model_copy(update={"runner": runner})
    if resume is not None:
        from eval_pipeline.actions.suites import resume_suite

        work = partial(resume_suite, store, resume, actor=person, first=first, check=check, jobs=jobs)
        return _answer(session, verbose, work)
    from eval_pipeline.actions.candidates import read_candidates
    from eval_pipeline.actions.planning import plan_suite
    from eval_pipeline.actions.suites import run_eval_suite
    from eval_pipeline.core.suite_runs import Trigger

    plan = plan_suite(store, suite, eval_types, read_candidates(store, prompts), repeat)
    work = partial(run_eval_suite, store, plan, trigger=Trigger.TERMINAL.value, actor=person, check=check, jobs=jobs)
    return _answer(session, verbose, work)


def _refuse_odd_options(context: click.Context) -> None:
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}

    def refuse(names: dict[str, str], why: str) -> None:
        for name, option in names.items():
            if name in given:
                raise click.UsageError(f"{option} {why}", context)

    if "cancel" in given:
        refuse(SAYS_WHAT, "does not go with --cancel")
        refuse({"resume": "--resume", **SAYS_HOW}, "does not go with --cancel")
    if "resume" in given:
        refuse(SAYS_WHAT, "does not go with --resume, which goes on with what the suite run was begun with")
    elif "first" in given:
        raise click.UsageError("--first goes with --resume only", context)
    if {"suite", "eval_types"} <= given:
        raise click.UsageError("--suite does not go with --eval-type: give one of them", context)


def _cancel(session: Session, store: Store, named: str, person: Person) -> int:
    from eval_pipeline.actions.suites import cancel_suite

    said = cancel_suite(store, named, actor=person)
    session.write({"said": said}, lambda _: f"{said[0].upper()}{said[1:]}.\n")
    return OK


def _read_cases(session: Session, result: SuiteResult) -> Cases:
    """The cases of the runs and their baselines, to name those that failed."""
    from eval_pipeline.actions.cases import read_what_can_be, reading

    runs = [each.run_id for each in result.results if each.run_id]
    read = reading(session.open_store(), keep=not session.no_mirror)
    return read_what_can_be([*runs, *result.check.run_ids], read)[0]


def _answer(session: Session, verbose: bool, work: Callable[..., SuiteResult]) -> int:
    """Work on a suite run until it ends, and say what it came to."""
    from eval_pipeline.actions.stopping import stopping_on_signals
    from eval_pipeline.cli.suite_progress import SuiteProgress
    from eval_pipeline.report import suites
    from eval_pipeline.report.outlines.answers import outline_of_suite

    with stopping_on_signals(STOPPING) as stopping, SuiteProgress(session, verbose=verbose) as progress:
        result = work(listener=progress, stop=stopping.event)
    lines = suites.closing(result, progress.suite.candidate if progress.suite else None)
    session.write(
        suites.suite_result(result),
        lambda style: suites.outcome(result, lines, style),
        lambda: outline_of_suite(result, _read_cases(session, result)),
    )
    if session.alone:
        for line in lines:
            session.remark(line)
    if stopping.signalled and not all(each.state.complete for each in result.results):
        return INTERRUPTED
    return OK if result.fine else NO
