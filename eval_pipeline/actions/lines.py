"""The results of a suite run on this machine, a line a case, kept until they are logged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from eval_pipeline.core.suites import CaseResult, read_case_lines, write_case_line
from eval_pipeline.settings import Settings


def suite_folder(settings: Settings, suite_id: str) -> Path:
    """Where this machine keeps what a suite run found out; it can be deleted once all of it is logged."""
    from platformdirs import user_cache_path

    home = settings.mirror.cache_dir or user_cache_path("eval-pipeline", appauthor=False)
    return home.absolute() / "suites" / suite_id


class Lines:
    """The results of one eval type of a suite run, in memory and, as far as the disk takes them, in a file."""

    def __init__(self, folder: Path, place: int, digest: str) -> None:
        """Read what an earlier attempt left. The file's name holds the dataset's digest: another one's is no help."""
        self._path = folder / f"{place:04}-{digest}.jsonl"
        self.cases: dict[tuple[str, int], CaseResult] = {}
        self.failed = 0
        """How many of them failed."""
        self.errored = 0
        """How many of them errored."""
        self.problem: str | None = None
        """What is wrong with the file; what it can't take is in memory all the same."""
        self._writable = True
        self._take_over(self._read())

    def add(self, line: str) -> CaseResult:
        """Take one result as the evaluator printed it.

        Raises:
            ValueError: it is none.
        """
        found = read_case_lines(line if line.endswith("\n") else line + "\n")
        if not found:
            raise ValueError("no case result: an empty line")
        (case,) = found
        self._keep(case)
        if self._writable:
            self._write(case)
        return case

    def take(self, cases: Iterable[CaseResult]) -> None:
        """Take results that are known from elsewhere."""
        for case in cases:
            self._keep(case)

    def done(self) -> list[tuple[str, int]]:
        """The cases (id, repeat) that have passed or failed. What errored is run again."""
        return [key for key, case in self.cases.items() if case.passed is not None]

    def forget_errors(self) -> None:
        """Leave out what errored: it is run again."""
        self.cases = {key: case for key, case in self.cases.items() if case.passed is not None}
        self.errored = 0

    def _keep(self, case: CaseResult) -> None:
        """A case that is reported twice counts once, and a result is better than an error."""
        known = self.cases.get(case.key)
        if known is None or known.passed is None:
            self.errored += (case.passed is None) - (known is not None)
            self.failed += case.passed is False
            self.cases[case.key] = case

    def _take_over(self, text: str) -> None:
        for line in text.split("\n"):
            try:
                self.take(read_case_lines(line + "\n"))
            except ValueError as problem:
                self.problem = f"a line of {self._path} can't be read ({problem}): its case is run again"

    def _read(self) -> str:
        """What the file holds, up to the last line that is whole."""
        try:
            content = self._path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:  # what a killed process could not finish must not run into the next line
                os.truncate(self._path, len(whole))
            return whole.decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as problem:
            self._give_up(problem)
            return ""

    def _write(self, case: CaseResult) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:  # as JSON escapes it, too
                file.write(write_case_line(case) + "\n")
        except OSError as problem:
            self._give_up(problem)

    def _give_up(self, problem: OSError) -> None:
        said = f"nothing can be written in {self._path.parent} ({problem.strerror})"
        self.problem = f"{said}: results are kept in memory until they are logged"
        self._writable = False


def forget_lines(folder: Path) -> None:
    """Delete what a suite run kept here: all of it is logged."""
    shutil.rmtree(folder, ignore_errors=True)
