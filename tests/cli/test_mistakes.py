"""Every mistake is one line on stderr and exit code 2, whatever the store holds and whatever the terminal can show."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from rich.cells import cell_len

from eval_pipeline import cli
from eval_pipeline.actions import observe
from tests.builder import StoreBuilder
from tests.cli.conftest import FIRST_DAY, Run
from tests.conftest import free_port
from tests.terminals import Terminals

ROOT = Path(__file__).parents[2]
LONG = "x" * 200
WIDE = "質" * 120
HOSTILE = "\x1b[31mred\x1b]0;title\x07\r\n\t\u202egnp.exe\u200b"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "eval_pipeline", *arguments]


def start(arguments: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A real process, in a new interpreter."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(command(*arguments), env=env, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trnd"], "Error: No such command 'trnd'"),
        (["trend", "--evaltype", "tone"], "Error: No such option '--evaltype'. (Did you mean one of: '--eval-type'"),
        (["trend", "--limit", "0"], "Error: Invalid value for '--limit': 0 is not in the range x>=1"),
        (["trend", "--limit", "many"], "Error: Invalid value for '--limit': 'many' is not a valid integer range"),
        (["trend", "--format", "yaml"], "Error: Invalid value for '--format': 'yaml' is not one of 'table', 'json'"),
        (["check", "--eval-type"], "Error: Option '--eval-type' requires an argument"),
        (["check", "tone"], "Error: Got unexpected extra argument"),
        (["trend", "--config", "none.toml"], "Error: no settings file at none.toml: check --config"),
        (["trend", "--tracking-uri", "sqlite:///none.db"], "Error: there is no file none.db, and it was not created"),
        (["trend", "--tracking-uri", "./mlruns"], "Error: ./mlruns is a store of files, which MLflow 3.17 no longer"),
        (["trend", "--tracking-uri", "http://[::1"], "Error: http://[::1 is no address (Invalid IPv6 URL)"),
        (["trend", "--tracking-uri", "https://none.invalid"], "Error: there is no host none.invalid"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(run: Run, arguments: list[str], said: str) -> None:
    answer = run(*arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert answer.err.startswith(said)
    assert ": " in answer.err.removeprefix(said.split(":")[0])


def test_a_usage_mistake_names_the_help(run: Run) -> None:
    assert run("trend", "--limit", "0").err.endswith(": see 'eval-pipeline trend --help'\n")
    assert run("trnd").err.endswith(": see 'eval-pipeline --help'\n")


def test_a_bad_setting_names_its_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("eval_pipeline.toml").write_text('base_experimnt = "x"')
    assert run("trend").err == "Error: eval_pipeline.toml: unknown key base_experimnt: did you mean base_experiment?\n"
    Path("eval_pipeline.toml").unlink()
    monkeypatch.setenv("EVAL_PIPELINE_DEFAULT_THRESHOLD", "80")
    answer = run("check")
    assert (answer.code, answer.out, answer.err) == (
        2,
        "",
        "Error: EVAL_PIPELINE_DEFAULT_THRESHOLD: default_threshold = 80 can't be used: input should be less than or "
        "equal to 1\n",
    )


def test_a_server_that_is_down_is_one_line_without_the_password(run: Run) -> None:
    port = free_port()
    answer = run("check", "--format", "json", "--tracking-uri", f"http://me:secret@127.0.0.1:{port}")
    assert (answer.code, answer.out, answer.err) == (
        2,
        "",
        f"Error: no server answers at http://me:***@127.0.0.1:{port} ([Errno 111] Connection refused): "
        "is it running?\n",
    )


def test_a_mistake_of_ours_is_one_line_and_the_debug_variable_shows_where(
    story: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(observe, "check_all_regressions", fail)
    answer = run("check", store=story)
    assert (answer.code, answer.out, answer.err) == (
        2,
        "",
        "Error: internal error (RuntimeError: two lines); EVAL_PIPELINE_DEBUG=1 shows where\n",
    )
    monkeypatch.setenv("EVAL_PIPELINE_DEBUG", "1")
    debug = run("check", store=story)
    assert (debug.code, debug.err.startswith("Traceback"), debug.err.endswith(answer.err)) == (2, True, True)


def test_an_interrupt_is_said_and_is_no_answer(story: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(observe, "check_all_regressions", interrupt)
    answer = run("check", store=story)
    assert (answer.code, answer.out, answer.err.strip()) == (130, "", "interrupted")


def log_hostile(builder: StoreBuilder) -> None:
    """Names and texts that are long, wide, or that a terminal would obey."""
    for name in (LONG, WIDE, HOSTILE, f"{HOSTILE}-{LONG}"):
        for number in range(2):
            builder.log_run(
                name,
                0.95 - 0.2 * number,
                prompts={"p" * 200: f"{LONG}{number}", "質" * 80: f"v{number + 1}", "r": f"{HOSTILE}{number}"},
                params={"judge_model": f"{HOSTILE}{WIDE}{number}", "pass_rate_threshold": HOSTILE},
            )
        builder.log_run(name, None, params={"rate": HOSTILE})


def check_shown(said: str, width: int = 100) -> None:
    assert max(cell_len(line) for line in said.splitlines()) <= width
    assert [char for char in said if not char.isprintable() and char != "\n"] == []


@pytest.mark.parametrize("arguments", [["trend"], ["check"]])
def test_tables_fit_100_columns_and_hold_nothing_that_a_terminal_obeys(
    store_builder: StoreBuilder, run: Run, arguments: list[str]
) -> None:
    log_hostile(store_builder)
    answer = run(*arguments, store=store_builder)
    assert answer.err == ""
    check_shown(answer.out)
    as_json = run(*arguments, "--format", "json", store=store_builder)
    assert {each["eval_type"] for each in json.loads(as_json.out)} == {LONG, WIDE, HOSTILE, f"{HOSTILE}-{LONG}"}


def test_hostile_names_in_messages_are_shown_harmless(store_builder: StoreBuilder, run: Run) -> None:
    store_builder.client.create_experiment(f"other-{HOSTILE}")
    empty = run("trend", store=store_builder)
    assert (empty.code, [char for char in empty.out if not char.isprintable() and char != "\n"]) == (0, [])
    store_builder.log_run(HOSTILE)
    unknown = run("trend", "--eval-type", "zzz", store=store_builder)
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)
    assert [char for char in unknown.err if not char.isprintable() and char != "\n"] == []


def test_a_real_process_answers_the_same_in_any_zone_and_locale_and_without_colours_into_a_pipe(
    story: StoreBuilder, run: Run
) -> None:
    around = {"TERM": "xterm-256color", "FORCE_COLOR": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    there, here = start(["check", "--tracking-uri", story.uri], **around), run("check", store=story)
    assert (there.returncode, there.stdout, there.stderr) == (1, here.out, here.err)
    check_shown(there.stdout)
    wrong = start(["check", "--tracking-uri", "sqlite:///none.db"])
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (
        2,
        "",
        "Error: there is no file none.db, and it was not created: check the tracking URI\n",
    )


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_the_time_zone_changes_nothing(
    story: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    here = run("trend", store=story)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert time.localtime(FIRST_DAY.timestamp()).tm_hour != FIRST_DAY.hour
        assert run("trend", store=story) == here
    time.tzset()
    assert FIRST_DAY.strftime("%d %b %Y %H:%M") in here.out


def test_an_output_that_cant_show_a_name_still_answers(story: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(encoding: str, *options: str) -> str:
        out = io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding, write_through=True))
            with pytest.raises(SystemExit, match="0"):
                cli.run(["trend", "--eval-type", "質", "--tracking-uri", story.uri, *options])
        return out.getvalue().decode(encoding)

    story.log_run("質", 0.9)
    assert say("latin-1").splitlines()[0] == "?  my-assistant-eval-?  latest 90.0%, stable"
    assert json.loads(say("cp1252", "--format", "json"))[0]["eval_type"] == "質"


def test_a_reader_that_has_seen_enough_changes_nothing_about_the_answer(story: StoreBuilder) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    answer = subprocess.run(
        command("check", "--tracking-uri", story.uri),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (answer.returncode, answer.stderr) == (1, "")


def on_terminal(arguments: Sequence[str], **variables: str) -> str:
    """What a process writes to a terminal."""
    ours, theirs = pty.openpty()
    said = bytearray()

    def read() -> None:
        with suppress(OSError):  # nobody has it open any more
            while piece := os.read(ours, 65_536):
                said.extend(piece)

    terminals, reader = Terminals(), threading.Thread(target=read)
    reader.start()
    try:
        where = {"folder": str(Path.cwd()), "out": os.ttyname(theirs), "err": os.devnull}
        terminals.order(arguments=list(arguments), variables={"TERM": "xterm", **variables}, **where)
        terminals.go()
        assert terminals.hear()[0] == "ended"
    finally:
        terminals.close()
        os.close(theirs)
        reader.join()
        os.close(ours)
    return said.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_its_own_width_unless_it_wants_none(story: StoreBuilder, run: Run) -> None:
    arguments = ["check", "--tracking-uri", story.uri]
    coloured = on_terminal(arguments, COLUMNS="80")
    assert "\x1b[31m" in coloured
    check_shown(re.sub(r"\x1b\[[\d;]*m", "", coloured), 80)
    assert on_terminal(arguments, COLUMNS="300", NO_COLOR="1") == run("check", store=story).out


LIGHT = [
    ["--help"],
    ["--version"],
    [],
    ["trend", "--help"],
    ["check", "--help"],
    ["trend", "--limit", "0"],
    ["trend", "--config", "none.toml"],
    ["check", "--config", "none.toml"],
    ["unknown"],
]
HEAVY = """
import json, sys
from eval_pipeline.cli import _outcome
heavy = {"mlflow", "pandas", "streamlit", "sqlalchemy", "altair"}
for arguments in json.loads(sys.argv[1]):
    _outcome(arguments)
    print("loaded", arguments, sorted(heavy & sys.modules.keys()))
"""


def test_help_and_mistakes_in_usage_and_settings_load_neither_mlflow_nor_pandas_nor_streamlit() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", HEAVY, json.dumps(LIGHT)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    said = [line for line in answer.stdout.splitlines() if line.startswith("loaded")]
    assert said == [f"loaded {arguments} []" for arguments in LIGHT], answer.stderr


def test_every_command_has_help_with_an_example(run: Run) -> None:
    for name in ("trend", "check", "doctor", "ui", "demo"):
        answer = run(name, "--help")
        assert (answer.code, answer.err, f"Example: eval-pipeline {name}" in answer.out) == (0, "", True), name
