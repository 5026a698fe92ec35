"""A store with prompts and evidence, for the pages that act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

from eval_pipeline.actions.auditing import audit_log
from eval_pipeline.core.moves import AuditRecord
from eval_pipeline.settings import Settings
from eval_pipeline.store.aliases import point_alias, read_alias
from eval_pipeline.store.connection import Store
from tests.builder import StoreBuilder

TEXTS = ("Be brief.", "Be brief and kind.", "Be brief, kind and exact.")


def gather(builder: StoreBuilder) -> None:
    """Fill a store for a team."""
    for number, text in enumerate(TEXTS, 1):
        builder.client.register_prompt("persona", text, commit_message=f"commit of {number}")
    team = Team(builder)
    team.point("production", 1)
    team.point("experiment", 2)
    for eval_type in ("tone", "routing"):
        builder.log_run(eval_type, 0.9, prompts={"persona": "v1"})
        builder.log_run(eval_type, 0.95, prompts={"persona": "v2"}, metrics={"total_cases": 40})
    builder.log_run("routing", 0.9, prompts={"persona": "v3"})
    builder.log_run("tone", 0.5, prompts={"persona": "v3"})


class Team:
    """A prompt `persona` of three versions: v1 is live, v2 passes and is the candidate, v3 fails `tone`."""

    def __init__(self, builder: StoreBuilder) -> None:
        self.builder, self.uri = builder, builder.uri
        self.store = Store(builder.uri, Settings())

    def store_with(self, settings: Mapping[str, Any]) -> Store:
        """The store, under other settings."""
        return Store(self.uri, Settings.model_validate(settings))

    @property
    def failing(self) -> str:
        """The run in which v3 fails."""
        [run] = self.builder.client.search_runs([self.builder.experiment("tone")], "metrics.pass_rate < 0.6")
        return str(run.info.run_id)

    def point(self, alias: str, version: int) -> None:
        """Move an alias as somebody does who goes around the tool."""
        point_alias(self.store, "persona", alias, version)

    @property
    def live(self) -> int | None:
        """Where production points."""
        return read_alias(self.store, "persona", "production")

    @property
    def records(self) -> list[AuditRecord]:
        """The audit log, oldest first."""
        return audit_log(self.store)


def said(app: AppTest) -> str:
    """All text of a page."""
    kinds = ("title", "markdown", "caption", "info", "error", "warning", "success", "subheader", "code")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def fill(app: AppTest, name: str, *, reason: str = "", confirm: str = "") -> None:
    """Fill in the form of an action."""
    field(app, f"{name}.reason").input(reason)
    field(app, f"{name}.confirm").input(confirm)


def field(app: AppTest, name: str):
    """The field whose key begins with this name."""
    return next(each for each in [*app.text_area, *app.text_input] if str(each.key).startswith(f"{name}:"))


def send(app: AppTest, name: str, *, reason: str = "because", confirm: str = "persona") -> AppTest:
    """Fill in the form of an action and send it."""
    fill(app, name, reason=reason, confirm=confirm)
    return app.button(key=f"{name}.act").click().run()


def forms(app: AppTest) -> set[str]:
    """The actions that the page offers."""
    return {str(each.key).removesuffix(".act") for each in app.button if str(each.key).endswith(".act")}


def diff_of(app: AppTest) -> str:
    """The HTML of the page."""
    return "".join(element.proto.body for element in app.get("html"))
