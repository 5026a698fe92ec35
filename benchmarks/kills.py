"""A long campaign of kills, as `tests/actions/test_kills.py` does a short one.

`python -m benchmarks.kills [ROUNDS]`: in each round two processes promote and roll back one alias until they are killed
at a random moment, beside a third one that is not. Then the log is reconciled and compared with what the database noted
of the alias's moves. Prints kills, promotions, rollbacks, refused, and lost: moves without exactly one finished record,
and finished records without their move.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from eval_pipeline.actions.auditing import audit_log, reconcile_audit, verify_audit
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.actors import FOREVER, Actors
from tests.actions.stage import Stage, furnish, moves, now, spy
from tests.builder import StoreBuilder
from tests.people import ADA

ROUNDS_A_STORE = 15
VICTIMS = 2


def main(rounds: int) -> None:
    """Run so many rounds and print the figures."""
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-kills-") as folder:
        os.chdir(folder)
        template = Path(folder) / "template.db"
        furnish(StoreBuilder(f"sqlite:///{template}"))
        spy(template)
        actors = Actors(Path(folder))
        for first in range(0, rounds, ROUNDS_A_STORE):
            path = Path(folder) / f"{first}.db"
            shutil.copy(template, path)
            builder = StoreBuilder(f"sqlite:///{path}")
            stage = Stage(Store(builder.uri, Settings()), builder, path)
            for number in range(first, min(rounds, first + ROUNDS_A_STORE)):
                totals.update(_round(actors, stage, number))
            totals.update(_records(stage))
            print(f"{min(rounds, first + ROUNDS_A_STORE)} rounds: {dict(sorted(totals.items()))}", flush=True)
        actors.close()


def _round(actors: Actors, stage: Stage, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    victims = [actors.start(stage, actions=FOREVER, seed=chance.randrange(10**6)) for _ in range(VICTIMS)]
    actors.start(stage, actions=3, seed=chance.randrange(10**6))
    actors.go()
    for victim in victims:
        time.sleep(chance.uniform(0, 1.5))
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    codes, counts = actors.ended(VICTIMS + 1)
    reconcile_audit(stage.store, now(), actor=ADA)
    again, findings = reconcile_audit(stage.store, now(), actor=ADA), verify_audit(stage.store)
    seen = {"kills": codes.count(-signal.SIGKILL), "refused": counts["refused"]}
    crashed = sum(code not in {0, -signal.SIGKILL} for code in codes)
    wrong = {"reconciled twice": len(again), "findings": len(findings), "crashed": crashed}
    failed = {"failed": sum(count for said, count in counts.items() if said.startswith(("failed", "refused:")))}
    return Counter({**seen, **wrong, **failed})


def _records(stage: Stage) -> Counter[str]:
    records = audit_log(stage.store)
    finished = [record for record in records if record.status is RecordStatus.FINISHED]
    told, really = [(record.from_version, record.to_version) for record in finished], moves(stage.path)
    said = Counter(f"{record.action.value}s" for record in finished)
    settled = sum(record.outcome.startswith("settled") for record in finished)
    same = sum(first == second for first, second in zip(told, really, strict=False))
    return said + Counter(
        {
            "moves": len(really),
            "finished by reconcile or the next action": settled,
            "never happened": len(records) - len(finished),
            "lost": max(len(told), len(really)) - same,
            "records": len(records),
        }
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
