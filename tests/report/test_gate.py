"""The gate's decision in words."""

from __future__ import annotations

import pytest

from eval_pipeline.core.moves import GateStatus, NewAlias, PromotionEvalCheck, PromotionGate
from eval_pipeline.report import gate as words

BELOW = "below its threshold"


def check(eval_type: str, status: GateStatus = GateStatus.FAIL, reason: str = BELOW) -> PromotionEvalCheck:
    return PromotionEvalCheck(eval_type, status, reason, 0.8, blocks=status is not GateStatus.PASS)


def gate(*checks: PromotionEvalCheck, more: tuple[str, ...] = ()) -> PromotionGate:
    obstacles = (*(f"{each.eval_type}: {each.reason}" for each in checks if each.blocks), *more)
    return PromotionGate("persona", 3, checks, obstacles, ())


def test_eval_types_that_block_for_the_same_reason_stand_together() -> None:
    none = "complete runs, but none of persona v3"
    failing, stale = [check(name) for name in "abcdefg"], [check(n, GateStatus.STALE, none) for n in ("x", "y")]
    decided = gate(check("ok", GateStatus.PASS, "meets its threshold"), *failing, *stale, more=("no eval type passes",))
    assert words.sentence(decided) == (
        "Blocked: persona v3; a, b, c, d, e and 2 more: below their thresholds; "
        "x, y: complete runs, but none of persona v3; no eval type passes."
    )


@pytest.mark.parametrize("reason", [BELOW, "no complete run, and it is required", "its threshold can't be read"])
def test_one_eval_type_that_blocks_is_told_as_the_gate_tells_it(reason: str) -> None:
    assert words.sentence(gate(check("tone", reason=reason))) == f"Blocked: persona v3; tone: {reason}."


def test_stale_evidence_comes_with_a_command_that_a_shell_takes() -> None:
    stale = PromotionGate("the persona", 3, (check("it's", GateStatus.STALE),), ("",), ())
    assert words.advice(stale) == """eval-pipeline run-evals --eval-type 'it'"'"'s' --prompt 'the persona=3'"""
    assert words.advice(gate(check("tone"))) is None


def test_a_new_alias_is_told_before_and_after() -> None:
    assert [words.new_alias(NewAlias("canary", None)), words.new_alias(NewAlias("prod", "production"), made=True)] == [
        "canary does not exist yet: it will be made",
        "prod did not exist: it was made; did you mean production?",
    ]
