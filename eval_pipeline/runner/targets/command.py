"""A program as a target: JSON in, JSON out."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import signal
import subprocess
import sys

from eval_pipeline.errors import UsageError
from eval_pipeline.runner.calls import Calls, NoAnswer
from eval_pipeline.runner.foreign import ForeignCode
from eval_pipeline.runner.processes import PROCESSES
from eval_pipeline.runner.targets import Question

SHOWN = 200
"""Characters of a wrong output that are shown."""


class Command:
    """Starts a program per question, without a shell, in the working directory.

    It gets `{"prompts": …, "turns": […], "vars": …, "case_id": …}` on stdin and answers `{"output": "…"}`, or
    `{"error": "…"}`, on stdout.
    """

    def __init__(self, command: str, role: str) -> None:
        """Find the program.

        Raises:
            UsageError: there is no such program.
        """
        try:
            self._command = shlex.split(command)
        except ValueError as problem:
            raise UsageError(f"[{role}] command = {command!r} can't be read: {problem}") from problem
        if not self._command or shutil.which(self._command[0]) is None:
            raise UsageError(f"[{role}] command = {command!r}: there is no such program")
        self._foreign = ForeignCode()

    @property
    def left_behind(self) -> bool:
        """Whether something that the program started holds on to its output."""
        return self._foreign.left_behind

    async def answer(self, question: Question, calls: Calls) -> str:
        """Run the program once; cancelled, the program and all that it started are killed.

        Raises:
            NoAnswer: it failed, or its output is not as agreed.
        """
        calls.count()
        asked = {"prompts": dict(question.prompts), "turns": question.turns, "vars": dict(question.variables)}
        data = json.dumps(asked if question.case_id is None else {**asked, "case_id": question.case_id}).encode()
        try:
            process = PROCESSES.start(self._command)
        except OSError as problem:
            raise NoAnswer(f"the command can't be started: {problem}") from problem
        try:
            output, complaints = await self._foreign.call(lambda: process.communicate(data))
        except asyncio.CancelledError:
            PROCESSES.kill(process)
            raise
        PROCESSES.forget(process)
        _pass_on(complaints)
        if process.returncode:
            raise NoAnswer(f"the command failed with {_ending(process)}{_last_line(complaints)}")
        return _read_answer(output)

    async def close(self) -> None:
        """Nothing is open."""


def _read_answer(output: bytes) -> str:
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        raise NoAnswer(answer["error"])
    if isinstance(answer, dict) and isinstance(answer.get("output"), str):
        text: str = answer["output"]
        return text
    shown = output.decode(errors="replace").strip()[:SHOWN] or "nothing"
    raise NoAnswer(f'no valid answer: the command printed {shown} where {{"output": "…"}} was due')


def _pass_on(complaints: bytes) -> None:
    sys.stderr.write(complaints.decode(errors="replace"))


def _ending(process: subprocess.Popen[bytes]) -> str:
    code: int = process.returncode
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"


def _last_line(complaints: bytes) -> str:
    lines = complaints.decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
