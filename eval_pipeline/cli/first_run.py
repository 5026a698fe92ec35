"""What an empty store is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eval_pipeline.cli.session import Session

if TYPE_CHECKING:
    from eval_pipeline.store.connection import Store


def say_if_empty(session: Session, store: Store, runs: Sequence[int]) -> bool:
    """If no eval type has a run (`runs` are counts), say so and how to make the first; whether it was said."""
    if any(runs):
        return False
    from eval_pipeline.actions.observe import explain_empty

    for line in explain_empty(store):
        session.remark(line)
    return True
