"""What evaluating costs beside the target itself, and beside `mlflow.genai.evaluate` on the same cases in the same run.

`uv run python -m benchmarks.running [--types 19] [--cases 50] [--only case|suite]`
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TIMES = 5
CASES_ALONE = 2_000
"""So many cases tell the cost of one from the cost of starting."""
FEW = 10
OURS = (sys.executable, "-P", "-m", "eval_pipeline.runner")
TARGET = """
def answer(prompts, turns):
    return "Hello, " + turns[-1]


def judge(output, context):
    return output.startswith("Hello")
"""


def write_dataset(folder: Path, eval_type: str, cases: int) -> Path:
    """A dataset that `answer` passes."""
    rows = [
        {
            "id": f"c{number}",
            "input": f"number {number}",
            "assert": [{"type": "equals", "value": f"Hello, number {number}"}],
        }
        for number in range(cases)
    ]
    path = folder / f"{eval_type}.json"
    path.write_text(json.dumps({"eval_type": eval_type, "version": "1", "cases": rows}))
    return path


def child_seconds(folder: Path, cases: int) -> float:
    """How long the evaluator takes for so many cases, as a process."""
    dataset = write_dataset(folder, f"alone{cases}", cases)
    job = json.dumps({"target": {"kind": "python", "function": "bench_target:answer"}})
    return _median(
        lambda: subprocess.run(
            [*OURS, "--dataset", str(dataset), "--job", "-"],
            input=job, text=True, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=_environment(),
        )
    )  # fmt: skip


def overhead_of_a_case(folder: Path) -> tuple[float, float]:
    """Seconds a case that the evaluator adds to calling the target, and seconds that it takes to start."""
    many, few = child_seconds(folder, CASES_ALONE), child_seconds(folder, FEW)
    sys.path.insert(0, str(folder))
    import bench_target  # type: ignore[import-not-found]

    bare = _median(lambda: [bench_target.answer({}, [f"number {number}"]) for number in range(CASES_ALONE)])
    a_case = (many - few) / (CASES_ALONE - FEW)
    return a_case - bare / CASES_ALONE, few - FEW * a_case


def suite_seconds(folder: Path, types: int, cases: int, jobs: int) -> float:
    """How long `run_eval_suite` takes end to end, everything logged."""
    from eval_pipeline.actions.planning import plan_suite
    from eval_pipeline.actions.suites import run_eval_suite
    from eval_pipeline.core.jobs import Target
    from eval_pipeline.core.people import Person, Role
    from eval_pipeline.settings import MirrorSettings, RunnerSettings, Settings
    from eval_pipeline.store.connection import Store

    datasets = folder / "evals"
    datasets.mkdir()
    for number in range(types):
        write_dataset(datasets, f"type{number:02}", cases)
    settings = Settings(
        datasets=[str(datasets)],
        target=Target(kind="python", function="bench_target:answer"),
        runner=RunnerSettings(folder=folder, jobs=jobs),
        mirror=MirrorSettings(cache_dir=folder / "cache"),
    )
    store = Store(f"sqlite:///{folder}/ours.db", settings)
    store.client.search_experiments()
    began = time.perf_counter()
    result = run_eval_suite(
        store, plan_suite(store, "full"), trigger="benchmark", actor=Person("benchmark", Role.PROMOTER)
    )
    taken = time.perf_counter() - began
    assert len(result.results) == types
    assert all(each.passed for each in result.results), result
    return taken


def genai_seconds(folder: Path, types: int, cases: int) -> float:
    """How long `mlflow.genai.evaluate` takes for the same cases, a call an eval type."""
    import mlflow
    from mlflow.genai.scorers import scorer

    mlflow.set_tracking_uri(f"sqlite:///{folder}/theirs.db")

    @scorer
    def equals(outputs: str, expectations: dict[str, str]) -> bool:
        return outputs == expectations["expected"]

    data = [
        {"inputs": {"text": f"number {number}"}, "expectations": {"expected": f"Hello, number {number}"}}
        for number in range(cases)
    ]
    mlflow.set_experiment("type00")
    began = time.perf_counter()
    for number in range(types):
        mlflow.set_experiment(f"type{number:02}")
        mlflow.genai.evaluate(data=data, predict_fn=lambda text: "Hello, " + text, scorers=[equals])
    return time.perf_counter() - began


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--types", type=int, default=19)
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=["case", "suite"])
    options = parser.parse_args()
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_GENAI_EVAL_MAX_WORKERS", "4")  # more exhaust its connections and lose results
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-bench-") as name:
        folder = Path(name)
        (folder / "bench_target.py").write_text(TARGET)
        os.chdir(folder)
        if options.only != "suite":
            a_case, start = overhead_of_a_case(folder)
            print(f"evaluator: {a_case * 1000:.2f} ms a case beside the target (aim under 2), {start:.2f} s to start")
        if options.only != "case":
            ours = suite_seconds(folder, options.types, options.cases, options.jobs)
            theirs = genai_seconds(folder, options.types, options.cases)
            print(f"{options.types} types of {options.cases} cases: run-evals {ours:.1f} s, ", end="")
            print(f"mlflow.genai.evaluate {theirs:.1f} s, {theirs / ours:.1f} times faster (aim 10)")


if __name__ == "__main__":
    main()
