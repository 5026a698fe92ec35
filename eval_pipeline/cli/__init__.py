"""The command line: parse, call, render, exit code. mlflow, pandas and streamlit load only where they are needed."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

from eval_pipeline.actions.posting import finish_posting
from eval_pipeline.core.plain_text import one_line
from eval_pipeline.errors import PipelineError, RefusedError

COMMANDS = {
    "run-evals": "Evaluate prompt versions on a suite of eval types, then look for regressions.",
    "trend": "How pass rates move over time, and where prompts changed.",
    "check": "Whether the newest runs are worse than the ones before.",
    "report": "The state of all eval types as one page, for mail and archives.",
    "diff": "Which cases broke between two runs, and what changed between them.",
    "bisect": "Which version of a prompt made evals worse, and which one to evaluate next.",
    "flaky": "Cases whose result changes though no prompt did.",
    "power": "How large a drop a number of cases can show.",
    "promote": "Point an alias at a prompt version, if its evals allow it.",
    "rollback": "Point an alias back at what it pointed to before.",
    "audit": "Who moved which alias, when and why; whether the log is whole.",
    "watch": "Run a suite for each prompt version that is registered.",
    "datasets": "Whether eval datasets can be used, and the format for editors.",
    "doctor": "The settings in force, the store, and what was found in it.",
    "ui": "Open the app on your store.",
    "demo": "Build a sample store by really running its evals, and open the app on it.",
}
"""Each command is the `command` of the module of its name; `--help` needs none of them."""

OK, NO, UNANSWERED = 0, 1, 2
INTERRUPTED = 130


class _Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"eval_pipeline.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Commands, no_args_is_help=True)
@click.version_option(package_name="eval-pipeline", message="%(version)s")
def main() -> None:
    """Eval quality over time, regressions with evidence, over the MLflow you already run.

    \b
    Example: eval-pipeline check --tracking-uri http://127.0.0.1:5000
    Exit codes: 0 fine, 1 the answer is no, 2 it could not be answered.
    """


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 fine, 1 the answer is no, 2 it could not be answered. Never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that can't show a name is no reason to fail
    sys.exit(_outcome(arguments))


def _outcome(arguments: Sequence[str] | None) -> int:
    try:
        code = main(args=arguments, prog_name="eval-pipeline", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message())
        return OK
    except click.ClickException as problem:
        return complain(_usage_line(problem))
    except RefusedError as problem:
        complain(str(problem))
        return NO
    except PipelineError as problem:
        return complain(str(problem))
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as problem:  # noqa: BLE001 - the last frame: a mistake of ours is one line too, never a traceback
        from eval_pipeline.settings import DEBUG_VARIABLE

        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        return complain(f"internal error ({type(problem).__name__}: {problem}); {DEBUG_VARIABLE}=1 shows where")
    finally:
        finish_posting()
    return code if isinstance(code, int) else OK


def _usage_line(problem: click.ClickException) -> str:
    context = getattr(problem, "ctx", None)
    command = context.command_path if context else "eval-pipeline"
    return f"{problem.format_message().rstrip('.')}: see '{command} --help'"


def complain(line: str) -> int:
    """Say in one line on stderr what is wrong; the exit code of a question that was not answered."""
    click.echo(f"Error: {one_line(line)}", err=True)  # names may hold what a terminal would obey
    return UNANSWERED
