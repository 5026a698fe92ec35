"""Commands to copy: a shell must take each as it was meant, whatever things are called."""

from __future__ import annotations

import shlex

import pytest

from eval_pipeline.report import shell

HOSTILE = ["persona", "the persona", "it's", "$(rm -rf ~)", "a;b", "質 🦊", "-x"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_shell_takes_every_word_as_it_was_meant(name: str) -> None:
    assert shlex.split(shell.run_evals([name, "tone"], name, 3)) == [
        *("eval-pipeline", "run-evals", "--eval-type", name, "--eval-type", "tone", "--prompt", f"{name}=3"),
    ]
    assert shlex.split(shell.promote(name, 3, "staging")) == [
        *("eval-pipeline", "promote", name, "--version", "3", "--to-alias", "staging"),
    ]
    assert shlex.split(shell.rollback(name, "staging")) == [
        *("eval-pipeline", "rollback", name, "--alias", "staging", "--reason", "..."),
    ]


def test_plain_names_stay_plain() -> None:
    assert shell.run_evals(["tone"], "persona", 2) == "eval-pipeline run-evals --eval-type tone --prompt persona=2"
    assert shell.rollback("persona", "production") == (
        "eval-pipeline rollback persona --alias production --reason '...'"
    )
