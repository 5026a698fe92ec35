"""What is set, whether the store answers, and what was found in it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from eval_pipeline.core.checkup import QUANTITIES, Setting, SignIn, TypeFinding, advise
from eval_pipeline.core.models import EvalExperiment, RunStatus
from eval_pipeline.settings import AuthSettings, LoadedSettings, Settings
from eval_pipeline.store import tables
from eval_pipeline.store.connection import tracking_uri
from eval_pipeline.store.mirror import Mirror, get_trend_points

FIND_PROBLEM = (sys.executable, "-P", "-m", "eval_pipeline.ui.sign_in")


def settings_in_force(loaded: LoadedSettings, option: str | None) -> list[Setting]:
    """Every setting with its value and where it comes from. `option` is `--tracking-uri`."""
    named, origin = tracking_uri(loaded.settings, option)
    found = [Setting(key, value, loaded.origin(key)) for key, value in _leaves(loaded.settings)]
    where = loaded.origin("tracking_uri") if origin == "settings" else origin
    return [Setting("tracking_uri", named, where), *(each for each in found if each.key != "tracking_uri")]


def _leaves(table: BaseModel, at: str = "") -> Iterator[tuple[str, Any]]:
    for key in type(table).model_fields:
        value = getattr(table, key)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return value if value is None or isinstance(value, (bool, int, float, str, list)) else str(value)


def examine_sign_in(auth: AuthSettings) -> SignIn:
    """Whether people can sign in to the app. Streamlit is asked in a process of its own, as if the app began here."""
    problem = None
    if auth.enabled:
        asked = subprocess.run(FIND_PROBLEM, capture_output=True, text=True, check=False)
        problem = asked.stdout.strip() or (None if asked.returncode == 0 else "Streamlit could not be asked")
    matchers = {role: len(matchers) for role, matchers in auth.rules.lists.items()}
    return SignIn(auth.enabled, problem, auth.terminal_role, matchers)


def examine(mirror: Mirror, experiments: list[EvalExperiment]) -> list[TypeFinding]:
    """What the store has of each eval type, as of the last sync."""
    return [_examine(mirror, each) for each in experiments]


def _examine(mirror: Mirror, experiment: EvalExperiment) -> TypeFinding:
    points, names = get_trend_points(mirror, experiment), mirror.columns(experiment)
    counts = Counter(point.eval_status for point in points)
    reasons = Counter(point.status_reason or "" for point in points if point.eval_status is RunStatus.ERROR)
    advice = advise(
        experiment.eval_type,
        [name.removeprefix(tables.METRIC) for name in names if name.startswith(tables.METRIC)],
        [name.removeprefix(tables.PARAM) for name in names if name.startswith(tables.PARAM)],
        _sources(mirror.store.settings, experiment.eval_type),
    )
    return TypeFinding(experiment, {status: counts[status] for status in RunStatus}, dict(reasons), advice)


def _sources(settings: Settings, eval_type: str) -> dict[str, str]:
    return {quantity: settings.metric_source(eval_type, quantity) for quantity in QUANTITIES}
