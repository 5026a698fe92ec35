"""A store on PostgreSQL, spoken to directly."""

from __future__ import annotations

import threading

import pytest

from eval_pipeline.actions.auditing import verify_audit
from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.core.people import Person, Role
from eval_pipeline.errors import RefusedError, StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store, open_store
from eval_pipeline.store.mirror import open_mirror
from tests.actions.stage import CANDIDATE, LIVE, Stage, furnish
from tests.builder import StoreBuilder
from tests.cli.conftest import Answer, Run
from tests.postgres import PASSWORD, Postgres
from tests.store.oracle import mirror_contents, store_contents

pytestmark = pytest.mark.server
PROMOTERS = 20
DATABASE = "direct"
READER = """
DROP ROLE IF EXISTS reader;
CREATE ROLE reader LOGIN PASSWORD 'a-db-secret';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
"""


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
