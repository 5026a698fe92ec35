"""Which versions a watcher runs: the rules, and whole stories of watchers that come, die and go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.suite_runs import SuiteRun, SuiteState
from eval_pipeline.core.watch_params import claim_text, known_params, read_watch_state
from eval_pipeline.core.watching import (
    MOST_CRASHES,
    Claim,
    Step,
    SuiteLook,
    VersionLog,
    WatchedPrompt,
    WatchedVersion,
    look_at,
    next_attempt,
    next_step,
    plain_name,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MADE, MADE_ANEW = 1_762_900_000_000, 1_762_900_000_500
NAMES = st.text(max_size=300) | st.from_regex(r"[\w.-]{1,200}", fullmatch=True)


def claim(attempt: int = 1, *, left: bool = False, nonce: str = "n") -> Claim:
    return Claim(attempt, "host 1 1", NOON + timedelta(minutes=attempt), f"{nonce}{attempt}", left)


def suite(outcome: SuiteState | None, *, cancelled_by: str | None = None, message: str = "") -> SuiteRun:
    return SuiteRun(
        "id",
        "core",
        "watch",
        "a",
        NOON,
        None,
        NOON,
        {},
        None,
        (),
        outcome=outcome,
        cancelled_by=cancelled_by,
        message=message,
    )


@pytest.mark.parametrize(
    ("log", "look", "mine", "stopped", "there", "step"),
    [
        (VersionLog(), SuiteLook.NONE, False, False, True, Step.CLAIM),
        (VersionLog((claim(),)), SuiteLook.NONE, True, False, True, Step.GO_ON),
        (VersionLog((claim(),)), SuiteLook.NONE, False, False, True, Step.WAIT),
        (VersionLog((claim(),)), SuiteLook.NONE, False, True, True, Step.CLAIM),
        (VersionLog((claim(left=True),)), SuiteLook.LEFT, False, False, True, Step.CLAIM),
        (VersionLog((claim(),), "s"), SuiteLook.LEFT, False, True, True, Step.CLAIM),
        (VersionLog((claim(),), "s"), SuiteLook.AT_WORK, False, True, True, Step.WAIT),
        (VersionLog((claim(),), "s"), SuiteLook.AT_WORK, True, False, True, Step.WAIT),
        (VersionLog((claim(),), "s"), SuiteLook.ENDED, False, False, True, Step.WAIT),
        (VersionLog((claim(),), "s"), SuiteLook.ENDED, False, True, True, Step.SETTLE),
        (VersionLog((claim(),), "s"), SuiteLook.ENDED, True, False, False, Step.SETTLE),
        (VersionLog((claim(),), "s"), SuiteLook.DELETED, True, False, True, Step.DROP),
        (VersionLog((claim(),), "s"), SuiteLook.LEFT, False, True, False, Step.DROP),
        (VersionLog((claim(),), "s"), SuiteLook.LEFT, False, False, False, Step.WAIT),
        (VersionLog((claim(1), claim(2), claim(3)), "s"), SuiteLook.LEFT, False, True, True, Step.GIVE_UP),
        (VersionLog((claim(1), claim(2), claim(3)), "s"), SuiteLook.LEFT, True, False, True, Step.GO_ON),
        (VersionLog((claim(1), claim(2, left=True), claim(3)), "s"), SuiteLook.LEFT, False, True, True, Step.CLAIM),
        (VersionLog((claim(),), "s", "passed"), SuiteLook.LEFT, True, True, True, Step.NOTHING),
    ],
)
def test_what_is_done_about_a_version(
    log: VersionLog, look: SuiteLook, mine: bool, stopped: bool, there: bool, step: Step
) -> None:
    assert next_step(log, look, mine=mine, stopped=stopped, there=there) is step


@pytest.mark.parametrize(
    ("run", "at_work", "look"),
    [
        (suite(SuiteState.PASSED), False, SuiteLook.ENDED),
        (suite(SuiteState.FAILED), False, SuiteLook.ENDED),
        (suite(SuiteState.INCOMPLETE), False, SuiteLook.ENDED),
        (suite(SuiteState.INCOMPLETE, message="the store failed"), False, SuiteLook.LEFT),
        (suite(SuiteState.CANCELLED, cancelled_by="ada"), False, SuiteLook.ENDED),
        (suite(SuiteState.CANCELLED, message="interrupted"), False, SuiteLook.LEFT),
        (suite(None), True, SuiteLook.AT_WORK),
        (suite(None), False, SuiteLook.LEFT),
    ],
)
def test_a_suite_run_that_was_interrupted_or_broke_off_has_not_ended(
    run: SuiteRun, at_work: bool, look: SuiteLook
) -> None:
    assert look_at(run, at_work=at_work) is look


@given(st.dictionaries(NAMES, st.tuples(st.integers(0, 99), st.integers(0, 2**45)), max_size=4), st.integers(1, 200))
def test_exactly_the_versions_that_were_registered_after_watching_began_are_new(
    known: dict[str, tuple[int, int]], number: int
) -> None:
    prompts = [WatchedPrompt(name, made, newest) for name, (newest, made) in known.items()]
    state = read_watch_state(known_params(prompts))
    for each in prompts:
        assert state.is_new(WatchedVersion(each.name, each.created_ms, number)) is (number > each.newest)
        assert state.is_new(WatchedVersion(each.name, each.created_ms + 1, number))  # it was deleted and made anew
        assert state.has_news(each) is False
    assert state.is_new(WatchedVersion("one that nobody knew", MADE, number))


@given(st.lists(st.tuples(NAMES, st.integers(0, 2**45), st.integers(1, 10**6)), unique=True, max_size=8))
def test_what_is_written_is_read_again_and_no_two_versions_share_a_key(found: list[tuple[str, int, int]]) -> None:
    versions = [WatchedVersion(*each) for each in found]
    params: dict[str, str] = {}
    for place, version in enumerate(versions):
        first, second = claim(1, nonce=f"{place}a"), claim(2, nonce=f"{place}b")
        params |= {f"claim.{version.key}.{each.attempt}": claim_text(version, each) for each in (first, second)}
        params |= {f"left.{version.key}.1": first.nonce, f"suite.{version.key}": f"suite {place}"}
        params |= {f"done.{version.key}": "passed"} if place % 2 else {}
    state = read_watch_state(params)
    assert all(len(key) <= 250 for key in params)
    assert [state.log(each) for each in versions] == [
        VersionLog(
            (claim(1, nonce=f"{place}a", left=True), claim(2, nonce=f"{place}b")),
            f"suite {place}",
            "passed" if place % 2 else None,
        )
        for place in range(len(versions))
    ]
    assert set(state.open_versions) == set(versions[::2])


def test_whoever_leaves_a_claim_that_he_did_not_get_leaves_nobody_elses() -> None:
    version = WatchedVersion("persona", MADE, 2)
    params = {f"claim.{version.key}.1": claim_text(version, claim(1)), f"left.{version.key}.1": "another nonce"}
    assert read_watch_state(params).log(version).claims == (claim(1),)


@given(st.dictionaries(st.text(max_size=60), st.text(max_size=60), max_size=6))
def test_whatever_a_stranger_writes_into_the_ledger_it_is_read(params: dict[str, str]) -> None:
    version = WatchedVersion("persona", MADE, 2)
    strange = {f"{kind}.{name}": value for kind in ("claim", "known", "done") for name, value in params.items()}
    text = {f"claim.{version.key}.1": claim_text(version, claim(1))}
    state = read_watch_state({**strange, "claim.x.1": "{}", f"claim.{version.key}.two": "[]", **text})
    assert state.log(version) == VersionLog((claim(1),))


def test_a_prompt_made_anew_is_another_one() -> None:
    old, new = WatchedVersion("persona", MADE, 2), WatchedVersion("persona", MADE_ANEW, 2)
    state = read_watch_state({f"claim.{old.key}.1": claim_text(old, claim()), f"done.{old.key}": "passed"})
    assert (state.log(old).outcome, state.log(new)) == ("passed", VersionLog())


@given(NAMES, NAMES)
def test_names_stay_apart_and_fit_into_a_param(one: str, other: str) -> None:
    assert (plain_name(one) == plain_name(other)) is (one == other)
    assert len(plain_name(one)) <= 150


class Story:
    """Watchers on one version, as the ledger would know them: each does what the rule says, and may die at any step."""

    def __init__(self) -> None:
        self.log, self.look = VersionLog(), SuiteLook.NONE
        self.alive: dict[int, str | None] = {}
        self.at_work: int | None = None
        self.begun = self.ended = 0

    def act(self, who: int, what: str) -> None:
        """One watcher looks at the version and does its step, or dies, or leaves, or ends the work that it is at."""
        if what in {"die", "leave"} and who in self.alive:
            held = self.alive.pop(who)
            if self.at_work == who:
                self.at_work, self.look = None, SuiteLook.LEFT
            if what == "leave" and held is not None:
                claims = tuple(Claim(*_of(c), left=c.left or c.nonce == held) for c in self.log.claims)
                self.log = VersionLog(claims, self.log.suite_id, self.log.outcome)
        elif what == "end" and self.at_work == who:
            self.at_work, self.look, self.ended = None, SuiteLook.ENDED, self.ended + 1
        elif what == "look":
            self.alive.setdefault(who, None)
            self.do(who)

    def do(self, who: int) -> None:
        newest = self.log.claims[-1].nonce if self.log.claims else None
        mine = newest is not None and newest == self.alive[who]
        stopped = newest not in self.alive.values()
        match next_step(self.log, self.look, mine=mine, stopped=stopped):
            case Step.CLAIM:
                attempt = next_attempt(self.log)
                self.alive[who] = f"n{attempt}"
                self.log = VersionLog((*self.log.claims, claim(attempt)), self.log.suite_id)
            case Step.GO_ON:
                assert self.at_work is None
                self.begun += self.log.suite_id is None
                self.log, self.look = VersionLog(self.log.claims, "s"), SuiteLook.AT_WORK
                self.at_work = who
            case Step.SETTLE | Step.GIVE_UP | Step.DROP as step:
                self.log = VersionLog(self.log.claims, self.log.suite_id, step.value)
            case Step.WAIT | Step.NOTHING:
                pass


def _of(made: Claim) -> tuple[int, str, datetime, str]:
    return made.attempt, made.owner, made.at, made.nonce


ACTS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["look", "look", "end", "die", "leave"])), max_size=40)


@given(ACTS)
def test_whatever_happens_to_watchers_a_version_is_evaluated_once_by_one_at_a_time_and_never_forgotten(
    acts: list[tuple[int, str]],
) -> None:
    story = Story()
    for who, what in acts:
        story.act(who, what)
    for _ in range(4):  # somebody new comes, and all goes well; who held it has died
        for who in list(story.alive):
            story.act(who, "die")
        story.act(9, "look")
        story.act(9, "look")
        story.act(9, "end")
        story.act(9, "look")
    assert story.log.outcome in {"settle", "give up"}
    assert story.begun <= 1
    assert story.ended <= 1
    assert story.log.crashes <= MOST_CRASHES
    assert (story.log.outcome == "settle") is (story.ended == 1)
    story.act(10, "look")
    assert story.at_work is None
