"""What reads text from outside, with values to feed it. Anything but one of our own errors is a crash."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from eval_pipeline.actions.webhook import HEADERS, WebhookServer, sign
from eval_pipeline.core.datasets import check_dataset, parse_dataset
from eval_pipeline.errors import PipelineError
from eval_pipeline.settings.loading import FILE_NAME, PREFIX, load_settings

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
SECRET = "a secret of sixteen"

WORDS = st.sampled_from(
    [
        *("thresholds", "gate", "evidence", "mirror", "enabled", "cases", "id", "input", "expected", "assert", "type"),
        *("eval_type", "equals", "regex", "json", "value", "version", "group", "tags", "repeat", "python", "rubric"),
        *("suites", "targets", "tracking_uri", "webhook", "auth", "roles", "protected", "production", "approvals"),
        *("tone", "", "\0", "\u202e", "\x1b[31m", "1e999", "-1", "true", "null", "(a+)+$", "é" * 300, "../x", "{{x}}"),
    ]
)
SCALARS = WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)
TOKENS = st.sampled_from(
    [
        *"[]{}=:,\"'#&*!|>-?%@`\n\t ",
        *("\r\n", "---\n", "<<: *a", "&a", "*a", "!!python/object:os.system", "'''", "[[a]]"),
        *("\ufeff", "\\ud800", "\\u0000", "1" * 5_000, "[" * 2_000, "{a: " * 500, "0x1", "1979-05-27T07:32:00Z", "nan"),
    ]
)
SCRAPS = st.lists(TOKENS | WORDS | st.text(max_size=4), max_size=12).map("".join)
CASES = st.fixed_dictionaries(
    {"id": SCALARS, "input": VALUES}, optional={"expected": VALUES, "assert": VALUES, "tags": VALUES, "group": VALUES}
)
DATASETS = st.fixed_dictionaries(
    {"eval_type": SCALARS, "cases": st.lists(CASES, max_size=3)},
    optional={"version": SCALARS, "defaults": VALUES, "assert": VALUES, "target": VALUES},
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is fed with what."""

    name: str
    values: st.SearchStrategy[Any]
    feed: Callable[[Any], None]


def read_settings(text: str | bytes) -> None:
    """A file of settings; any bytes may stand in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        _own_errors(lambda: load_settings(path, {}))


def read_environment(variables: dict[str, str]) -> None:
    """Settings in the environment."""
    _own_errors(lambda: load_settings(None, {PREFIX + name: value for name, value in variables.items()}))


def read_dataset(suffix: str) -> Callable[[str], None]:
    """A dataset of this kind, to use it and to name its mistakes."""

    def read(text: str) -> None:
        _own_errors(lambda: parse_dataset(text, f"x{suffix}"))
        assert check_dataset(text, f"x{suffix}") is not None

    return read


def deliver(delivery: tuple[bytes, list[str], str, bool]) -> None:
    """A request to the webhook's listener. It answers with a status, and a genuine one always with 200."""
    body, headers, method, genuine = delivery
    wake = threading.Event()
    with WebhookServer("127.0.0.1", 0, SECRET, wake, lambda _: None, lambda: NOW) as server:
        sent = str(int(NOW.timestamp()))
        said = ["1", sent, sign(SECRET, "1", sent, body)] if genuine else headers
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.putrequest("POST" if genuine else method, "/")
        for name, value in (*zip(HEADERS, said, strict=True), ("Content-Length", str(len(body)))):
            connection.putheader(name, value.encode("latin-1", "replace"))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        connection.close()
    assert (answer.status == 200) == genuine == wake.is_set()
    assert genuine or answer.status in (400, 401, 405)


def _own_errors(call: Callable[[], object]) -> None:
    with suppress(PipelineError):
        call()


def _toml(value: Any) -> str:
    """A table of settings, as far as TOML can say it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool | int | float) else json.dumps(str(value))


def _toml_file(values: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(key)} = {_toml(value)}" for key, value in values.items())


def _jsonl(value: dict[str, Any]) -> str:
    return "\n".join(json.dumps({"eval_type": value["eval_type"], **each}) for each in value["cases"])


NAMES = st.lists(st.sampled_from(["GATE", "EVIDENCE", "THRESHOLDS", "TONE", "SUITES", "AUTH", "MIRROR", "X", "_"])).map(
    "_".join
)
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0", exclude_categories=["Cc"]), max_size=30)

TARGETS = (
    Target(
        "settings file",
        SCRAPS | st.binary() | st.dictionaries(WORDS, VALUES, max_size=5).map(_toml_file),
        read_settings,
    ),
    Target("settings environment", st.dictionaries(NAMES, SCRAPS, max_size=4), read_environment),
    Target("dataset .json", SCRAPS | DATASETS.map(json.dumps), read_dataset(".json")),
    Target("dataset .yaml", SCRAPS | DATASETS.map(yaml.safe_dump), read_dataset(".yaml")),
    Target("dataset .jsonl", SCRAPS | DATASETS.map(_jsonl), read_dataset(".jsonl")),
    Target(
        "webhook",
        st.tuples(
            st.binary() | SCRAPS.map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.lists(HEADER, min_size=3, max_size=3),
            st.sampled_from(["POST", "GET", "HEAD", "PUT", "X"]),
            st.booleans(),
        ),
        deliver,
    ),
)
