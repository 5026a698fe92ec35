"""The database goes away and comes back while the app is open."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from eval_pipeline.ui.history import shared_history
from tests.builder import StoreBuilder
from tests.pages.acting import gather, said, send
from tests.pages.conftest import Open
from tests.postgres import Postgres
from tests.team_server import STORE, TeamServer

pytestmark = pytest.mark.server

BANNER = "**The store can't be read.**"


@pytest.fixture(params=["through the server", "directly"])
def uri(request: pytest.FixtureRequest, postgres: Postgres) -> str:
    """The address by which the app reads the store."""
    if request.param == "directly":
        return postgres.make(STORE)
    server: TeamServer = request.getfixturevalue("team_server")
    return server.uri


def test_the_app_says_that_the_store_is_away_shows_what_it_knows_and_recovers_without_a_restart(
    uri: str, postgres: Postgres, open_page: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    builder = StoreBuilder(uri)
    gather(builder)
    promote, overview = open_page("promote", uri), open_page("overview", uri)
    assert BANNER not in said(overview) + said(promote)

    postgres.stop()
    try:
        shared_history().ask_again()
        shown = said(overview.run())
        assert (BANNER in shown, "What you see was read" in shown, "tone is below threshold" in shown) == (True,) * 3
        assert BANNER in said(send(promote, "promote"))
        assert [list(app.exception) for app in (overview, promote)] == [[], []]
    finally:
        postgres.start()

    builder.log_run("security", 0.9, prompts={"persona": "v2"})
    recovered = said(try_again(overview))
    assert (BANNER in recovered, "3 eval types" in recovered) == (False, True)
    assert "**The store failed.** " in said(try_again(promote))
    assert "**Promoted:** " in said(send(promote, "promote"))
    assert "Traceback" not in caplog.text


def try_again(app: AppTest) -> AppTest:
    """Press the button."""
    return next(each for each in app.button if each.label == "Try again").click().run()
