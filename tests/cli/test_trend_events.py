"""Promotions and rollbacks in `trend`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.core.people import Person, Role
from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.pages.acting import Team, gather


def test_trend_tells_what_was_moved_of_the_prompts_that_a_type_uses(store_builder: StoreBuilder, run: Run) -> None:
    gather(store_builder)
    team = Team(store_builder)
    store_builder.log_run("weather", 0.9, prompts={"other": "v1"})
    store_builder.log_run("tone", 0.8, started=datetime(2026, 4, 1, tzinfo=UTC), prompts={"persona": "v2"})
    moment = datetime(2026, 3, 20, 12, tzinfo=UTC)
    seen = propose_promotion(team.store, "persona")
    execute_promotion(
        team.store, seen, actor=Person("ada\x1b[31m", Role.ADMIN), reason="kinder", force=True, clock=lambda: moment
    )
    answer = {each["eval_type"]: each for each in json.loads(run("trend", "--format", "json", store=store_builder).out)}
    assert answer["tone"]["events"] == [
        {
            "timestamp": "2026-03-20T12:00:00.000Z",
            "action": "promote",
            "prompt_name": "persona",
            "from_version": "v1",
            "to_version": "v2",
            "actor": "ada\x1b[31m",
            "alias": "production",
        }
    ]
    assert answer["routing"]["events"] == answer["tone"]["events"]
    assert answer["weather"]["events"] == []
    lines = run("trend", "--eval-type", "tone", store=store_builder).out.splitlines()
    [at] = [number for number, line in enumerate(lines) if "▲ Promotion: persona v1→v2" in line]
    assert "20 Mar 2026 12:00" in lines[at]
    assert "01 Apr 2026" in "\n".join(lines[at:])
    assert "\x1b" not in "\n".join(lines)
    short = run("trend", "--eval-type", "tone", "--limit", "1", store=store_builder).out
    assert "Promotion" not in short
