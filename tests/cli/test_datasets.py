"""`eval-pipeline datasets`: what is wrong with datasets, and the schema for editors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "eval_pipeline/demo/datasets"
GOOD = """\
eval_type: tone
version: "1"
cases:
  - {id: a, input: hi, expected: hello}
  - {id: b, input: hi, assert: [{type: contains, value: x}, {type: not-contains, value: z}]}
"""
BAD = """\
{"eval_type": "routing", "versoin": "1"}
{"id": "a", "input": "hi", "assert": [{"type": "icontain", "value": "x"}]}
{"id": "a", "input": 1, "expected": "x"}
"""


@pytest.fixture
def folder() -> Path:
    """A folder in the working directory with one good and one bad dataset, and something else."""
    evals = Path("evals")
    (evals / "inner").mkdir(parents=True)
    (evals / "tone.yaml").write_text(GOOD)
    (evals / "routing.jsonl").write_text(BAD)
    (evals / "notes.txt").write_text("no dataset")
    (evals / "inner" / "tone.json").write_text("no JSON, and not looked at")
    return evals


def test_good_datasets_are_ok_with_what_is_in_them(run: Run) -> None:
    answer = run("datasets", "check", str(DEMO / "tone.json"), str(DEMO / "memory.json"))
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        f"{DEMO / 'tone.json'}: ok, tone, 26 cases, 29 assertions",
        f"{DEMO / 'memory.json'}: ok, memory, 24 cases, 25 assertions",
    ]


def test_all_datasets_of_the_demo_are_good(run: Run) -> None:
    answer = run("datasets", "check", str(DEMO))
    assert (answer.code, answer.err, len(answer.out.splitlines())) == (0, "", 19)


def test_every_mistake_is_a_line_and_the_exit_code_is_2(run: Run, folder: Path) -> None:
    answer = run("datasets", "check", str(folder))
    assert answer.code == 2
    assert answer.out.splitlines() == [
        "evals/routing.jsonl:1: versoin: unknown field of a dataset, did you mean version?",
        "evals/routing.jsonl:2: assert[0].type: 'icontain' is no assertion: did you mean icontains?",
        "evals/routing.jsonl:3: id: 'a' is the id of the case on line 2 already",
        "evals/routing.jsonl:3: input: must be text: put it in quotes",
        "evals/tone.yaml: ok, tone, 2 cases, 3 assertions",
        "evals/tone.yaml:5: warning: cases[1].input: the case 'a' has the same",
    ]
    assert answer.err == "Error: 1 of 2 datasets can't be used: mend the lines above\n"


def test_the_same_as_json(run: Run, folder: Path) -> None:
    answer = run("datasets", "check", "evals/tone.yaml", "evals/routing.jsonl", "--format", "json")
    assert answer.code == 2
    good, bad = json.loads(answer.out)
    assert good == {
        "file": "evals/tone.yaml",
        "ok": True,
        "eval_type": "tone",
        "version": "1",
        "cases": 2,
        "assertions": 3,
        "mistakes": [],
        "warnings": [{"line": 5, "field": "cases[1].input", "message": "the case 'a' has the same"}],
    }
    assert {name: bad[name] for name in ("file", "ok", "eval_type", "cases", "warnings")} == {
        "file": "evals/routing.jsonl",
        "ok": False,
        "eval_type": None,
        "cases": None,
        "warnings": [],
    }
    assert [(each["line"], each["field"]) for each in bad["mistakes"]] == [
        (1, "versoin"),
        (2, "assert[0].type"),
        (3, "id"),
        (3, "input"),
    ]


def test_two_datasets_of_one_type_are_a_mistake(run: Run, folder: Path) -> None:
    Path("other.yaml").write_text(GOOD)
    answer = run("datasets", "check", "evals/tone.yaml", "other.yaml", "other.yaml", "./evals/tone.yaml")
    assert answer.code == 2
    assert answer.out.splitlines() == [
        "evals/tone.yaml: ok, tone, 2 cases, 3 assertions",
        "evals/tone.yaml:5: warning: cases[1].input: the case 'a' has the same",
        "other.yaml:1: eval_type: 'tone' is the type of evals/tone.yaml already",
        "other.yaml:5: warning: cases[1].input: the case 'a' has the same",
    ]
    assert answer.err == "Error: 1 of 2 datasets can't be used: mend the lines above\n"


def test_what_can_not_be_read_is_a_mistake_beside_the_others(run: Run, folder: Path) -> None:
    Path("latin.json").write_bytes(b'{"eval_type": "caf\xe9"}')
    answer = run("datasets", "check", "nowhere.json", "latin.json", "evals/tone.yaml", "evals/notes.txt")
    assert answer.code == 2
    assert answer.out.splitlines()[:3] == [
        "nowhere.json: can't be read: No such file or directory",
        "latin.json: can't be read: it is no UTF-8 text",
        "evals/tone.yaml: ok, tone, 2 cases, 3 assertions",
    ]
    assert answer.out.splitlines()[-1] == "evals/notes.txt: a dataset is a .json, .yaml, .yml, .jsonl file"
    assert answer.err == "Error: 3 of 4 datasets can't be used: mend the lines above\n"


def test_a_folder_without_datasets_is_no_answer(run: Run) -> None:
    Path("empty").mkdir()
    answer = run("datasets", "check", "empty")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "Error: empty has no datasets: they are .json, .yaml, .yml, .jsonl files directly in it\n"


def test_names_from_a_dataset_can_not_reach_the_terminal(run: Run) -> None:
    Path("x.yaml").write_text(GOOD.replace("tone", '"\\e[31mred"'))
    assert "\x1b" not in run("datasets", "check", "x.yaml").out


def test_a_byte_order_mark_changes_nothing(run: Run) -> None:
    Path("x.yaml").write_text(GOOD, encoding="utf-8-sig")
    assert run("datasets", "check", "x.yaml").code == 0


def test_the_schema_is_json_schema_that_fits_the_demo(run: Run) -> None:
    answer = run("datasets", "schema")
    assert (answer.code, answer.err) == (0, "")
    schema = json.loads(answer.out)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads((DEMO / "tone.json").read_text(encoding="utf-8")))


def test_checking_loads_no_store_no_frames_and_what_the_files_do_not_need() -> None:
    script = "import sys; from eval_pipeline.cli import _outcome; _outcome(sys.argv[1:]); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script, "datasets", "check", str(DEMO)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    loaded = done.stdout.splitlines()[-1]
    assert [
        name for name in ("mlflow", "pandas", "streamlit", "yaml", "jsonschema", "rapidfuzz") if f"'{name}'" in loaded
    ] == []
