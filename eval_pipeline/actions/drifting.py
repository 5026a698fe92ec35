"""Noticing, while something watches anyway, that an alias was moved outside the tool."""

from __future__ import annotations

from eval_pipeline.actions.auditing import verify_audit
from eval_pipeline.actions.notifying import is_told, tell_of_findings
from eval_pipeline.core.audit import Finding
from eval_pipeline.core.notices import Event
from eval_pipeline.store.aliases import list_prompts
from eval_pipeline.store.connection import Store


class DriftLookout:
    """Tells of each drift once, as long as it lasts and this process does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, dict[str, int]] | None = None
        self._told: set[Finding] = set()

    def look(self) -> None:
        """Look, if any alias is not where it was; where nobody is to be told, the store is not asked.

        Raises:
            StoreError: the store can't be read.
        """
        if not is_told(self._store.settings, Event.DRIFT):
            return
        prompts = list_prompts(self._store)
        if prompts != self._seen:
            drift = {each for each in verify_audit(self._store) if each.kind == "drift"}
            tell_of_findings(self._store.settings, sorted(drift - self._told, key=lambda each: each.text))
            self._seen, self._told = prompts, drift
