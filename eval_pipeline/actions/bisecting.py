"""Finding the version of a prompt that a drop came with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_pipeline.actions.observe import nearest
from eval_pipeline.core.bisecting import Bisection, bisect
from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.runs import version_number
from eval_pipeline.core.wording import some
from eval_pipeline.errors import UsageError
from eval_pipeline.store.aliases import list_versions
from eval_pipeline.store.connection import Store


def bisect_prompt(
    store: Store, histories: Mapping[str, Sequence[TrendPoint]], prompt_name: str, good: int, bad: int
) -> Bisection:
    """What the runs of each type (oldest first) say of the versions of a prompt between a good and a bad one.

    Raises:
        UsageError: the bad version is not newer than the good one, or there is no such prompt or version.
        StoreError: the registry can't be read.
    """
    if good >= bad:
        raise UsageError(f"v{good} is not older than v{bad}: name an older good version and a newer bad one")
    existing = [] if store.absent else list_versions(store, prompt_name)
    evaluated = _evaluated(histories, prompt_name)
    if not existing and not evaluated:
        known = {name for points in histories.values() for point in points for name in point.prompt_versions}
        raise UsageError(
            f"there is no prompt {prompt_name!r}: {nearest(prompt_name, sorted(known), 'no run names one')}"
        )
    for version in (good, bad):
        if version not in existing and version not in evaluated:
            listed = some([f"v{each}" for each in sorted({*existing, *evaluated})], most=10)
            raise UsageError(f"{prompt_name} has no v{version}: it has {listed}")
    thresholds = {name: store.settings.threshold(name) for name in histories}
    return bisect(prompt_name, good, bad, existing, histories, thresholds)


def _evaluated(histories: Mapping[str, Sequence[TrendPoint]], prompt_name: str) -> set[int]:
    """The versions that any run names."""
    named = (point.prompt_versions.get(prompt_name, "") for points in histories.values() for point in points)
    return {number for each in named if (number := version_number(each)) is not None}
