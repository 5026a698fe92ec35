"""A watcher's ledger as it is written down: the params of a run, each written once.

`known.<prompt>` is the newest version when watching began. Of each version since then there are, under its key
`<prompt>.<when the prompt was made>.<version>`: `claim.<key>.<attempt>` (who runs it), `left.<key>.<attempt>` (his
nonce, if he has left it cleanly), `suite.<key>` (its suite run) and `done.<key>` (what came of it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from eval_pipeline.core.watching import Claim, VersionLog, WatchedPrompt, WatchedVersion, WatchState, plain_name

KNOWN, CLAIM, LEFT, SUITE, DONE = "known", "claim", "left", "suite", "done"


def claim_text(version: WatchedVersion, claim: Claim) -> str:
    """The param that holds a claim."""
    said = {"prompt": version.prompt, "created_ms": version.created_ms, "version": version.version}
    return json.dumps({**said, "owner": claim.owner, "at": claim.at.isoformat(), "nonce": claim.nonce})


def known_params(prompts: Iterable[WatchedPrompt]) -> dict[str, str]:
    """The params that say which versions there were when watching began."""
    return {f"{KNOWN}.{plain_name(each.name)}": f"{each.newest} {each.created_ms}" for each in prompts}


def read_watch_state(params: Mapping[str, str]) -> WatchState:
    """The ledger from its params. What a stranger wrote into it is left out."""
    known: dict[str, tuple[int, int]] = {}
    versions: dict[str, WatchedVersion] = {}
    claims: dict[str, list[Claim]] = {}
    for key, value in params.items():
        kind, _, rest = key.partition(".")
        if kind == KNOWN and (found := re.fullmatch(r"(\d+) (\d+)", value)):
            known[rest] = (int(found[1]), int(found[2]))
        elif kind == CLAIM and (read := _read_claim(rest, value, params)) is not None:
            version, claim = read
            versions[version.key] = version
            claims.setdefault(version.key, []).append(claim)
    logs = {
        key: VersionLog(
            tuple(sorted(found, key=lambda claim: claim.attempt)),
            params.get(f"{SUITE}.{key}"),
            params.get(f"{DONE}.{key}"),
        )
        for key, found in claims.items()
    }
    return WatchState(known, logs, versions)


def _read_claim(rest: str, value: str, params: Mapping[str, str]) -> tuple[WatchedVersion, Claim] | None:
    key, _, attempt = rest.rpartition(".")
    try:
        said = json.loads(value)
        version = WatchedVersion(str(said["prompt"]), int(said["created_ms"]), int(said["version"]))
        at = datetime.fromisoformat(said["at"])
        claim = Claim(
            int(attempt), str(said["owner"]), at, str(said["nonce"]), params.get(f"{LEFT}.{rest}") == said["nonce"]
        )
    except (ValueError, TypeError, KeyError):
        return None
    return (version, claim) if version.key == key and at.tzinfo else None
