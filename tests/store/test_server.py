"""Through a real `mlflow server`, the mirror is the same as on the database behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from eval_pipeline.settings import Settings
from eval_pipeline.store import runs
from eval_pipeline.store.connection import open_store
from eval_pipeline.store.mirror import get_trend_points, open_mirror
from tests.builder import LONG_AGO, StoreBuilder
from tests.conftest import Server
from tests.store.oracle import mirror_contents, store_contents, table_rows

pytestmark = pytest.mark.server
BASE = "served"


@pytest.fixture
def builder(mlflow_server: Server) -> StoreBuilder:
    """Logs through the server."""
    builder = StoreBuilder(mlflow_server.uri, BASE)
    for number in range(7):
        builder.log_run("tone", number / 7, prompts={"persona": f"v{number // 3}"}, params={"git_sha": "é"})
    builder.log_run("tone", float("nan"), metrics={"average_score": float("inf"), "a.b/c": -1e300})
    builder.log_run("routing", None, status="RUNNING")
    builder.client.delete_run(builder.log_run("tone"))
    builder.log_run("routing/日本", 0.5, status="FAILED", tags={"mlflow.user": "me"})
    return builder


def test_a_sync_through_the_server_is_the_same_as_one_on_its_database(
    builder: StoreBuilder,
    mlflow_server: Server,
    settings_with: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "PAGE", 3)
    settings = settings_with(base_experiment=BASE)
    served, direct = (open_mirror(open_store(settings, uri)) for uri in (mlflow_server.uri, mlflow_server.db_uri))

    def same() -> None:
        tables = [{each: table_rows(mirror.table(each)) for each in mirror.sync()} for mirror in (served, direct)]
        assert tables[0] == tables[1]
        points = [[repr(get_trend_points(mirror, each)) for each in mirror.held()] for mirror in (served, direct)]
        assert points[0] == points[1]
        assert mirror_contents(served) == store_contents(builder)

    same()
    late = LONG_AGO + timedelta(days=30)
    run_id = builder.log_run("tone", 0.9, started=late)
    builder.log_run("memory", 0.9, started=late)
    same()
    builder.client.delete_run(run_id)
    [running] = builder.client.search_runs([builder.experiment("routing")])
    builder.end_run(running.info.run_id, "KILLED", LONG_AGO)
    same()
    builder.client.restore_run(run_id)
    same()
