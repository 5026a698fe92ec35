"""Real evaluator children, and what is asked of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_pipeline.core.suites import CaseResult, read_case_lines
from tests.forking import Forker

ARGUMENTS = ("--dataset", "cases.json")
COMMAND = (sys.executable, "-m", "eval_pipeline.runner", *ARGUMENTS)
FORKER = Forker("tests.runner.forking:evaluate")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a child left behind."""

    code: int
    cases: tuple[CaseResult, ...]
    """In the order in which they ended."""
    stdout: str
    stderr: str

    @property
    def only(self) -> CaseResult:
        """The result of the only case."""
        (case,) = self.cases
        return case

    @property
    def by_id(self) -> dict[str, CaseResult]:
        """The results, where no case is repeated."""
        found = {case.case_id: case for case in self.cases}
        assert len(found) == len(self.cases)
        return found


def case(name: str, said: str | list[str] = "hi", **fields: Any) -> dict[str, Any]:
    """A case that passes on any answer, unless it says what it asserts."""
    return {"id": name, "input": said, "assert": [{"type": "regex", "value": ""}], **fields}


def cases(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Several of them: `case-0`, `case-1`, ..."""
    return [case(f"case-{index}", **fields) for index in range(count)]


def write_dataset(folder: Path, dataset_cases: Sequence[Mapping[str, Any]], **fields: Any) -> None:
    """Write `cases.json`, the dataset that the child is given."""
    dataset = {"eval_type": "tone", "version": "1", **fields, "cases": dataset_cases}
    (folder / "cases.json").write_text(json.dumps(dataset))


def make_job(target: Mapping[str, Any], **fields: Any) -> str:
    """A job as the parent writes it; `limits` come as `concurrency=2` and alike."""
    names = ("concurrency", "timeout_s", "retries", "max_calls", "calls_file")
    limits = {name: fields.pop(name) for name in names if name in fields}
    return json.dumps({"target": target, "limits": limits, **fields})


def python(function: str) -> dict[str, str]:
    """A function of `targets.py` as a target."""
    return {"kind": "python", "function": f"targets:{function}"}


def run(folder: Path, job: str, *options: str, environment: Mapping[str, str] | None = None) -> Evaluated:
    """Run a child to its end: a process that has imported the evaluator already."""
    with tempfile.TemporaryDirectory() as streams:
        stdin, stdout, stderr = (Path(streams) / str(descriptor) for descriptor in range(3))
        stdin.write_bytes(job.encode())
        stdout.touch()
        stderr.touch()
        try:
            FORKER.order(
                folder=str(folder), arguments=[*ARGUMENTS, *options], streams=streams, variables=dict(environment or {})
            )
            FORKER.go()
            _, _, code = FORKER.hear()
        finally:
            FORKER.close()
        return _evaluated(int(code), stdout.read_bytes(), stderr.read_bytes())


def run_anew(folder: Path, job: str) -> Evaluated:
    """Run a child to its end that starts from nothing, as in use."""
    child = subprocess.run(COMMAND, cwd=folder, input=job.encode(), capture_output=True, timeout=120, check=False)
    return _evaluated(child.returncode, child.stdout, child.stderr)


def _evaluated(code: int, stdout: bytes, stderr: bytes) -> Evaluated:
    return Evaluated(code, tuple(read_case_lines(stdout.decode())), stdout.decode(), stderr.decode())


def evaluate(folder: Path, job: str, environment: Mapping[str, str] | None = None) -> Evaluated:
    """Run a child that can begin."""
    return _begun(run(folder, job, environment=environment))


def evaluate_anew(folder: Path, job: str) -> Evaluated:
    """Run a child that can begin, and starts from nothing."""
    return _begun(run_anew(folder, job))


def _begun(done: Evaluated) -> Evaluated:
    assert done.code == 0, done.stderr
    return done


def start(folder: Path, job: str) -> subprocess.Popen[bytes]:
    """Start a child and hand it its job."""
    child = subprocess.Popen(COMMAND, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(job.encode())
    child.stdin.close()
    child.stdin = None
    return child
