"""A store on PostgreSQL, spoken to directly."""

from __future__ import annotations

import re
import threading

import pytest

from eval_pipeline.actions import requesting
from eval_pipeline.actions.auditing import reconcile_audit, verify_audit
from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.open_requests import list_open_requests
from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.requesting import approve_request, close_request, request_promotion
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.requests import Choice, Decision, PromotionRequest
from eval_pipeline.errors import RefusedError, StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store, open_store
from eval_pipeline.store.mirror import open_mirror
from eval_pipeline.store.requests import add_decision
from tests.actions.stage import CANDIDATE, LIVE, Stage, furnish
from tests.builder import StoreBuilder
from tests.cli.conftest import Answer, Run
from tests.people import ADA
from tests.postgres import PASSWORD, Postgres
from tests.store.oracle import mirror_contents, store_contents

pytestmark = pytest.mark.server
PROMOTERS = APPROVERS = 20
DATABASE = "direct"
LATE = re.compile(
    "in progress by promoter|look again and decide anew|somebody else decided|(has been|is being) promoted by promoter"
    "|was rejected by promoter|is superseded"
)
"""What those are told who come too late."""
READER = """
DROP ROLE IF EXISTS reader;
CREATE ROLE reader LOGIN PASSWORD 'a-db-secret';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
"""
SPY = """
CREATE TABLE spied_moves (number SERIAL, before INTEGER, after INTEGER);
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO spied_moves (before, after) VALUES (old.version, new.version); RETURN new; END $$;
CREATE TRIGGER spied AFTER UPDATE ON registered_model_aliases FOR EACH ROW
  WHEN (old.version IS DISTINCT FROM new.version) EXECUTE FUNCTION spy();
"""
"""Has the database note every move of an alias."""


@pytest.fixture
def stage(postgres: Postgres) -> Stage:
    """Four versions of a prompt, all of them good."""
    builder = StoreBuilder(postgres.make(DATABASE))
    furnish(builder)
    return Stage(Store(builder.uri, Settings()), builder, builder.path)


def test_of_twenty_who_promote_at_once_exactly_one_does(stage: Stage) -> None:
    seen = [(stage.again(), propose_promotion(stage.again(), "persona", version=CANDIDATE)) for _ in range(PROMOTERS)]
    begin, answers = threading.Barrier(PROMOTERS), []

    def promote(number: int) -> None:
        store, proposal = seen[number]
        begin.wait(60)
        try:
            execute_promotion(store, proposal, actor=Person(f"promoter {number}", Role.PROMOTER), reason="better")
            answers.append("promoted")
        except RefusedError as problem:
            answers.append(str(problem))

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(PROMOTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [each for each in answers if "in progress by promoter" in each or "look again and decide anew" in each]
    assert (answers.count("promoted"), len(refused)) == (1, PROMOTERS - 1), answers
    assert (stage.said(), stage.live()) == ([(LIVE, CANDIDATE, "FINISHED")], CANDIDATE)
    assert verify_audit(stage.store) == []


@pytest.mark.parametrize("rejecter_waits", [False, True])
def test_of_twenty_who_approve_and_one_who_rejects_at_once_exactly_one_decides(
    stage: Stage, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, rejecter_waits: bool
) -> None:
    postgres.ask(SPY, DATABASE)
    if rejecter_waits:  # or else the rejection comes first, as it writes less
        write_together(monkeypatch, {Choice.REJECT, Choice.PROMOTE})
    stores = [stage.again(gate={"protected": {"production": {}}}) for _ in range(APPROVERS + 1)]
    proposal = propose_promotion(stores[0], "persona")
    request = request_promotion(stores[0], proposal, actor=ADA, reason="better").request
    assert request is not None
    begin, answers = threading.Barrier(APPROVERS + 1), []

    def decide(number: int) -> None:
        store, who = stores[number], Person(f"promoter {number}", Role.PROMOTER)
        begin.wait(60)
        try:
            if number == APPROVERS:
                answers.append(close_request(store, request.id, actor=who, reason="too bold").state.value)
                return
            result = approve_request(store, request.id, actor=who).result
            answers.append("promoted" if result is not None and result.promoted else f"nothing: {result}")
        except RefusedError as problem:
            answers.append(str(problem))

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(APPROVERS + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promoted, rejected = answers.count("promoted"), answers.count("rejected")
    refused = [each for each in answers if LATE.search(each)]
    assert (promoted + rejected, len(refused)) == (1, APPROVERS), answers
    done = [each for each in stage.log() if each.status is RecordStatus.FINISHED]
    assert moves(postgres) == [(each.from_version, each.to_version) for each in done] == [(LIVE, CANDIDATE)] * promoted
    assert [each.request.id for each in done if each.request] == [request.id] * promoted
    assert [each.status for each in stage.log() if each.status is RecordStatus.RUNNING] == []
    assert (stage.live(), list_open_requests(stores[0])) == (CANDIDATE if promoted else LIVE, [])
    assert (verify_audit(stage.store), reconcile_audit(stage.store, utc_now(), actor=ADA)) == ([], [])


def write_together(monkeypatch: pytest.MonkeyPatch, choices: set[Choice]) -> None:
    """Have the first decisions of these kinds be written at the same moment."""
    missing, begin = set(choices), threading.Barrier(len(choices))

    def wait_and_add(store: Store, request: PromotionRequest, decision: Decision) -> bool:
        if decision.choice in missing:
            missing.remove(decision.choice)
            begin.wait(60)
        return add_decision(store, request, decision)

    monkeypatch.setattr(requesting, "add_decision", wait_and_add)


def moves(postgres: Postgres) -> list[tuple[int, int]]:
    """Every move of an alias that really was, in order."""
    import psycopg

    with psycopg.connect(postgres.uri(DATABASE)) as connection:
        return list(connection.execute("SELECT before, after FROM spied_moves ORDER BY number"))


def test_a_mirror_of_it_holds_what_it_holds_and_who_may_only_read_moves_and_records_nothing(
    stage: Stage, postgres: Postgres
) -> None:
    postgres.ask(READER, DATABASE)
    reader = open_store(Settings(), stage.builder.uri.replace("postgres:", "reader:"))
    mirror = open_mirror(reader)
    mirror.sync()
    assert mirror_contents(mirror) == store_contents(stage.builder)
    with pytest.raises(StoreError, match=r"persona@production was not moved: the store at .* does not permit"):
        stage.promote(store=reader)
    assert (stage.live(), stage.log()) == (LIVE, [])


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (
            {PASSWORD: "a-wrong-secret"},
            'password authentication failed for user "postgres"): check the user and the password in the tracking URI',
        ),
        ({f"/{DATABASE}": "/nowhere"}, 'database "nowhere" does not exist): check the tracking URI'),
        (
            {"postgres:": "nobody:"},
            'password authentication failed for user "nobody"): check the user and the password in the tracking URI',
        ),
    ],
)
def test_a_mistake_in_the_address_is_one_line_that_says_which(
    postgres: Postgres, run: Run, mistake: dict[str, str], said: str
) -> None:
    uri = postgres.uri(DATABASE)
    for right, wrong in mistake.items():
        uri = uri.replace(right, wrong)
    shown = uri.replace(PASSWORD, "***").replace("a-wrong-secret", "***")
    answer = run("check", "--tracking-uri", uri)
    assert answer == Answer(2, "", f"Error: the database at {shown} can't be opened ({said}\n")


def test_a_database_without_a_store_is_told(postgres: Postgres, run: Run) -> None:
    answer = run("check", "--tracking-uri", postgres.uri("postgres"))
    shown = postgres.uri("postgres", "***")
    assert answer == Answer(2, "", f"Error: the database at {shown} holds no MLflow store: check the tracking URI\n")
