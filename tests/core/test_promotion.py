"""The gate: what evidence lets a candidate go live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.moves import GateStatus, NewAlias, PromotionEvalCheck, PromotionGate
from eval_pipeline.core.promotion import GateRules, TypeEvidence, check_promotion_gate, find_new_alias
from tests.core.points import RATES, STATUSES, moment, point

CANDIDATE, LIVE = 3, 2
NOW = moment(10)
PASS, FAIL, STALE, NO_DATA = GateStatus
V2, V3 = {"persona": "v2"}, {"persona": "v3"}


def evidence(eval_type: str, *runs: TrendPoint) -> TypeEvidence:
    """What the store would give of these runs, oldest first."""
    complete = [replace(run, eval_type=eval_type) for run in runs if run.complete]

    def newest(prompts: Sequence[str | None] | None) -> TrendPoint | None:
        found = [run for run in complete if prompts is None or run.prompt_versions.get("persona") in prompts]
        return found[-1] if found else None

    named = [run.prompt_versions["persona"] for run in complete if "persona" in run.prompt_versions]
    return TypeEvidence(eval_type, newest(None), newest(named), newest([f"v{CANDIDATE}"]), newest([f"v{LIVE}"]))


def ask(
    *types: TypeEvidence,
    threshold: float = 0.8,
    rules: GateRules | None = None,
    live_prompts: Mapping[str, int] | None = None,
) -> PromotionGate:
    thresholds = {each.eval_type: threshold for each in types}
    live = {"persona": LIVE} if live_prompts is None else live_prompts
    return check_promotion_gate(
        "persona", CANDIDATE, types, thresholds, rules or GateRules(), live_prompts=live, now=NOW
    )


def good(eval_type: str = "tone") -> TypeEvidence:
    return evidence(eval_type, point(0, 0.9, V3))


def test_a_candidate_whose_newest_runs_all_meet_their_thresholds_is_allowed() -> None:
    assert ask(good("tone"), evidence("security", point(1, 0.99, V3), point(2, 0.95, V3))) == PromotionGate(
        "persona",
        CANDIDATE,
        (
            PromotionEvalCheck(
                "tone", PASS, "meets its threshold", 0.8, 0.9, "run-00", moment(0), 20, of_candidate=True
            ),
            PromotionEvalCheck(
                "security", PASS, "meets its threshold", 0.8, 0.95, "run-02", moment(2), 20, of_candidate=True
            ),
        ),
        (),
        (),
    )


@pytest.mark.parametrize(
    ("runs", "status", "reason", "allowed"),
    [
        ([point(0, 0.8, V3)], PASS, "meets its threshold", True),
        ([point(0, 0.7999999, V3)], FAIL, "below its threshold", False),
        ([point(0, 0.8000001, V3)], PASS, "meets its threshold", True),
        ([point(0, 0.79, V3, threshold=0.5)], FAIL, "below its threshold", False),
        ([point(0, 0.81, V3, threshold=0.99)], PASS, "meets its threshold", True),
        ([point(0, 0.95, V3, threshold_problem="x is 'high', no number")], FAIL, "x is 'high', no number", False),
        ([point(0, 0.9, V3), point(1, 0.1, V2)], PASS, "meets its threshold", True),
        ([point(0, 0.1, V3), point(1, 0.9, V2)], FAIL, "below its threshold", False),
        ([point(0, 0.1, V3), point(1, 0.9, V3)], PASS, "meets its threshold", True),
        ([point(0, 0.9, V3), point(1, 0.1, V3)], FAIL, "below its threshold", False),
        ([point(0, 0.9, V2)], STALE, "complete runs, but none of persona v3", False),
        ([point(0, 0.9, V2), point(1, 0.9, {})], STALE, "complete runs, but none of persona v3", False),
        ([point(0, 0.9, {"persona": "v30"})], STALE, "complete runs, but none of persona v3", False),
        ([point(0, 0.9, {"persona": "a branch"})], STALE, "complete runs, but none of persona v3", False),
        ([], NO_DATA, "no complete run", True),
    ],
)
def test_a_type_says_what_its_newest_complete_run_of_the_candidate_says(
    runs: list[TrendPoint], status: GateStatus, reason: str, allowed: bool
) -> None:
    gate = ask(good("other"), evidence("tone", *runs))
    check = next(each for each in gate.checks if each.eval_type == "tone")
    assert (check.status, check.reason, check.threshold, gate.allowed) == (status, reason, 0.8, allowed)
    assert gate.obstacles == (() if allowed else (f"tone: {reason}",))
    assert gate.blocking_evals == (() if allowed else ("tone",))


def test_a_type_without_data_is_skipped_with_a_warning_and_blocks_if_it_is_required() -> None:
    skipped = ask(good(), evidence("security"))
    assert (skipped.allowed, skipped.warnings) == (True, ("no complete run of security: skipped",))
    required = ask(good(), evidence("security"), rules=GateRules(required=frozenset({"security"})))
    assert (required.obstacles, required.warnings) == (("security: no complete run, and it is required",), ())
    assert [check.blocks for check in required.checks] == [True, False]


def test_without_any_pass_nothing_is_allowed() -> None:
    assert ask().obstacles == ("no eval type passes",)
    assert ask(evidence("tone"), evidence("security")).obstacles == ("no eval type passes",)


def test_a_type_that_does_not_use_the_prompt_counts_with_its_newest_run() -> None:
    other = evidence("memory", point(0, 0.1, {"memory": "v1"}), point(1, 0.9, {"memory": "v2"}))
    gate = ask(good(), other)
    check = next(each for each in gate.checks if each.eval_type == "memory")
    assert (check.status, check.run_id, check.of_candidate, gate.warnings) == (PASS, "run-01", False, ())
    failing = ask(good(), evidence("memory", point(1, 0.1, {"memory": "v2"})))
    assert failing.obstacles == ("memory: below its threshold",)


def test_a_type_whose_evidence_names_no_prompt_counts_with_a_warning() -> None:
    gate = ask(good(), evidence("memory", point(0, 0.9)))
    assert (gate.allowed, gate.warnings) == (True, ("the evidence of memory names no prompt at all",))


def test_types_that_do_not_use_the_prompt_alone_are_no_evidence() -> None:
    gate = ask(evidence("memory", point(0, 0.9, {"memory": "v2"})), evidence("quality", point(0, 0.9)))
    assert gate.obstacles == ("no passing run evaluated persona v3",)


def test_latest_takes_the_newest_run_of_any_version_and_says_so() -> None:
    rules = GateRules(latest=True)
    gate = ask(evidence("tone", point(0, 0.1, V3), point(1, 0.9, V2)), rules=rules)
    assert (gate.allowed, gate.justifying_run_ids) == (True, ("run-01",))
    assert gate.warnings == ("the evidence of tone is of another version of persona (latest)",)
    assert not ask(evidence("tone", point(0, 0.9, V3), point(1, 0.1, V2)), rules=rules).allowed
    own = ask(good(), rules=rules)
    assert (own.allowed, own.warnings, own.checks[0].of_candidate) == (True, (), True)


def test_other_prompts_than_the_live_ones_in_the_evidence_are_warned_of() -> None:
    runs = evidence("tone", point(0, 0.9, {**V3, "memory": "v4", "router": "v1", "gone": "v7"}))
    gate = ask(runs, live_prompts={"persona": 2, "memory": 3, "router": 1})
    assert (gate.allowed, gate.warnings) == (True, ("the evidence of tone used memory v4, live is v3",))


WEAK = {
    "age": (point(0, 0.9, V3), "the evidence of tone is older than 5 days"),
    "min_cases": (point(9, 0.9, V3, total_cases=9), "the evidence of tone has fewer than 10 cases"),
    "dataset_version": (
        point(9, 0.9, V3, context={"dataset_version": "2"}),
        "tone: evaluated on another dataset_version than what is live",
    ),
}


@pytest.mark.parametrize("kind", list(WEAK))
@pytest.mark.parametrize("blocks", [False, True])
def test_weak_evidence_is_warned_of_or_blocks(kind: str, blocks: bool) -> None:
    run, said = WEAK[kind]
    rules = GateRules(max_age=timedelta(days=5), min_cases=10, block_on=frozenset({kind}) if blocks else frozenset())
    live = point(8, 0.9, V2, context={} if kind != "dataset_version" else {"dataset_version": "1"})
    gate = ask(evidence("tone", live, run), rules=rules)
    more = ", or does not say how many" if blocks and kind == "min_cases" else ""
    assert (gate.allowed, gate.obstacles, gate.warnings) == (
        (False, (said + more,), ()) if blocks else (True, (), (said,))
    )


@pytest.mark.parametrize(
    ("run", "warned"),
    [
        (point(5, 0.9, V3), False),
        (point(4, 0.9, V3), True),
        (point(5, 0.9, V3, timestamp=None), True),
        (point(9, 0.9, V3, total_cases=10), False),
        (point(9, 0.9, V3, total_cases=0), True),
        (point(9, 0.9, V3, total_cases=None), False),
    ],
)
def test_evidence_exactly_at_a_limit_is_fine(run: TrendPoint, warned: bool) -> None:
    gate = ask(evidence("tone", run), rules=GateRules(max_age=timedelta(days=5), min_cases=10))
    assert (gate.allowed, bool(gate.warnings)) == (True, warned)


def test_rules_that_are_off_warn_of_nothing() -> None:
    run = point(0, 0.9, V3, total_cases=0)
    gate = ask(evidence("tone", run), rules=GateRules(block_on=frozenset({"age", "min_cases"})))
    assert (gate.allowed, gate.warnings) == (True, ())


@pytest.mark.parametrize(
    ("alias", "new"),
    [
        ("production", None),
        ("production2", NewAlias("production2", "production")),
        ("prodution", NewAlias("prodution", "production")),
        ("stagging", NewAlias("stagging", "staging")),
        ("canary", NewAlias("canary", None)),
        ("staging", None),  # as the other prompt has it
        ("experiments", NewAlias("experiments", "experiment")),  # the other has it too, and this one nearly
    ],
)
def test_an_alias_is_new_where_no_prompt_has_it_or_this_one_has_nearly_the_same(
    alias: str, new: NewAlias | None
) -> None:
    prompts = {"persona": {"production": 1, "experiment": 2}, "memory": {"staging": 1, "experiments": 2}}
    assert find_new_alias("persona", alias, prompts) == new


def test_the_first_alias_of_a_registry_is_new_and_like_none() -> None:
    assert find_new_alias("persona", "production", {"persona": {}}) == NewAlias("production", None)


def test_evidence_that_does_not_say_how_many_cases_it_has_blocks_where_too_few_block() -> None:
    rules = GateRules(min_cases=10, block_on=frozenset({"min_cases"}))
    assert not ask(evidence("tone", point(9, 0.9, V3, total_cases=None)), rules=rules).allowed


def test_what_blocks_comes_first_then_the_smallest_margin() -> None:
    gate = ask(
        evidence("a", point(0, 0.95, V3)),
        evidence("b", point(0, 0.85, V3)),
        evidence("c", point(0, 0.5, V3)),
        evidence("d", point(0, 0.9, V2)),
        evidence("e", point(0, 0.2, V3)),
    )
    assert [check.eval_type for check in gate.checks] == ["e", "c", "d", "b", "a"]


VERSIONS = st.sampled_from([{}, {"memory": "v1"}, V2, V3, {**V3, "memory": "v9"}, {"persona": "3rd"}])
RUNS = st.lists(st.tuples(RATES, VERSIONS, STATUSES, st.sampled_from([None, 5, 50]), st.booleans()), max_size=5)
RULES = st.builds(
    GateRules,
    required=st.frozensets(st.sampled_from(["type-0", "type-1"])),
    max_age=st.sampled_from([None, timedelta(days=3)]),
    min_cases=st.sampled_from([None, 10]),
    block_on=st.frozensets(st.sampled_from(["age", "dataset_version", "min_cases"])),
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[TrendPoint]]:
    drawn = draw(st.lists(RUNS, max_size=4))
    return [
        [
            point(
                place, rate, prompts, eval_status=status, total_cases=cases, threshold_problem="unread" if odd else None
            )
            for place, (rate, prompts, status, cases, odd) in enumerate(runs)
        ]
        for runs in drawn
    ]


def collected(drawn: list[list[TrendPoint]]) -> list[TypeEvidence]:
    return [evidence(f"type-{number}", *runs) for number, runs in enumerate(drawn)]


@given(histories(), RULES, RATES)
def test_nothing_is_allowed_without_a_passing_complete_run_of_the_candidate(
    drawn: list[list[TrendPoint]], rules: GateRules, threshold: float
) -> None:
    passing = [
        run
        for runs in drawn
        for run in runs
        if run.complete
        and run.prompt_versions.get("persona") == "v3"
        and run.pass_rate is not None
        and round((run.pass_rate - threshold) * 100, 6) >= 0
        and run.threshold_problem is None
    ]
    gate = ask(*collected(drawn), threshold=threshold, rules=rules)
    assert not gate.allowed or passing
    assert gate.allowed == (not gate.obstacles)
    assert not gate.allowed or not gate.blocking_evals


@given(histories(), RULES | st.just(GateRules(latest=True)))
def test_a_failing_check_more_never_turns_blocked_into_allowed(drawn: list[list[TrendPoint]], rules: GateRules) -> None:
    worse = ask(*collected(drawn), evidence("worse", point(9, 0.1, V3)), rules=rules)
    assert not worse.allowed
    assert "worse" in worse.blocking_evals


@given(histories(), RULES | st.just(GateRules(latest=True)), RATES, RATES)
def test_a_higher_threshold_never_allows_more(
    drawn: list[list[TrendPoint]], rules: GateRules, one: float, other: float
) -> None:
    low, high = sorted([one, other])
    types = collected(drawn)
    assert ask(*types, threshold=low, rules=rules).allowed or not ask(*types, threshold=high, rules=rules).allowed


@given(histories(), RULES)
def test_rules_that_block_on_less_never_allow_less(drawn: list[list[TrendPoint]], rules: GateRules) -> None:
    types = collected(drawn)
    laxer = replace(rules, block_on=frozenset(), required=frozenset())
    assert ask(*types, rules=laxer).allowed or not ask(*types, rules=rules).allowed
