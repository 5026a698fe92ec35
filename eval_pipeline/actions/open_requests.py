"""What has become of requests to promote, as the store is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from eval_pipeline.actions.clock import Clock, reading_zone, utc_now
from eval_pipeline.actions.settling import settle_alias
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.core.requests import PromotionRequest, RequestState, state_of
from eval_pipeline.errors import RefusedError
from eval_pipeline.report import request_words
from eval_pipeline.store.aliases import read_alias
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import find_ledger
from eval_pipeline.store.requests import end_request, list_running_requests


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it was at one moment."""

    request: PromotionRequest
    state: RequestState
    live: int | None
    """Where its alias pointed."""


def list_open_requests(store: Store, clock: Clock = utc_now) -> list[SeenRequest]:
    """The requests that something may still come of, oldest first.

    Raises:
        StoreError: they can't be read.
    """
    running = list_running_requests(store)
    ends = record_ends(store, running)
    seen = (_see(store, each, ends, clock()) for each in running)
    return [each for each in seen if each.state.open]


def refuse_closed(store: Store, seen: SeenRequest) -> None:
    """Go on only with a request that waits.

    Raises:
        RefusedError: it does not; says what has become of it.
    """
    if seen.state is not RequestState.WAITING:
        zone = reading_zone(store.settings)
        raise RefusedError(request_words.why_closed(seen.request, seen.state, seen.live, zone))


def see_settled(store: Store, request: PromotionRequest, clock: Clock) -> SeenRequest:
    """The request once what a stopped process left open on its alias is settled.

    Raises:
        RefusedError: somebody is moving the alias.
        StoreError: the store failed.
    """
    ledger = find_ledger(store)
    if ledger is not None and request.decisions:
        settle_alias(ledger, request.asked.prompt_name, request.asked.alias, clock())
    return _see(store, request, record_ends(store, [request]), clock())


def _see(store: Store, request: PromotionRequest, ends: Mapping[str, RecordStatus], now: datetime) -> SeenRequest:
    live = read_alias(store, request.asked.prompt_name, request.asked.alias)
    return SeenRequest(request, state_of(request, live, ends, now), live)


def record_ends(store: Store, requests: Sequence[PromotionRequest]) -> dict[str, RecordStatus]:
    """How audit records ended, by id; read only if a request names one."""
    ledger = find_ledger(store) if any(each.decisions for each in requests) else None
    if ledger is None:
        return {}
    state = ledger.read()
    entries = (state.entry(sequence) for sequence in state.ends)
    return {entry.record_id: state.ends[entry.sequence] for entry in entries if entry is not None}


def end_closed_requests(store: Store, now: datetime) -> list[str]:
    """End the runs of requests that nothing more can come of; what was done, in words.

    Raises:
        StoreError: the store failed.
    """
    running = list_running_requests(store)
    ends = record_ends(store, running)
    done = []
    for request in running:
        state = _see(store, request, ends, now).state
        if not state.open:
            end_request(store, request.id, "FINISHED" if state is RequestState.PROMOTED else "KILLED", now)
            done.append(f"{request.name}: its run was ended, it is {state.value}")
    return done
