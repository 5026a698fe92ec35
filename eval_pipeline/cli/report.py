"""`eval-pipeline report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_pipeline.cli import OK, UNANSWERED
from eval_pipeline.cli.session import Session, common_options

if TYPE_CHECKING:
    from eval_pipeline.actions.reporting import WrittenReport


@click.command(epilog="Example: eval-pipeline report --html evals.html")
@click.option(
    "--html",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the page; one that is there is replaced, once the new one is whole.",
)
@common_options
def command(session: Session, file: Path) -> int:
    """The state of all eval types as one page, for mail and archives.

    Where each type stands and what regressed, with evidence and cases; trends, prompt changes and the audit log. The
    page holds its charts, and needs neither network nor script: send it as an attachment.

    Exits with 0 once it is written, whatever it says: `check` is what fails. Without any run nothing is written, and
    the exit code is 2.
    """
    from eval_pipeline.actions.reporting import check_file, write_report
    from eval_pipeline.cli.first_run import say_if_empty
    from eval_pipeline.report.page.headline import sentence

    check_file(file)
    with session.synced() as (mirror, experiments):
        runs = [mirror.table(each, ["run_id"]).num_rows for each in experiments]
        if say_if_empty(session, mirror.store, runs):
            if session.as_json:
                session.write({"file": None, "bytes": 0, "eval_types": len(runs)}, lambda _: "")
            return UNANSWERED
        made = write_report(mirror, experiments, file, keep=not session.no_mirror)
    session.write(_as_json(made), lambda _: f"Wrote {made.file}: {sentence(made.state)}.\n")
    return OK


def _as_json(made: WrittenReport) -> dict[str, str | int]:
    state = made.state
    return {
        "file": str(made.file),
        "bytes": made.size,
        "eval_types": len(state.standing),
        "judged": len(state.judged),
        "meeting_threshold": state.meeting,
        "regressions": len(state.named("REGRESSION")),
        "warnings": len(state.named("WARNING")),
    }
