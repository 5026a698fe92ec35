"""Reading the settings once: defaults, then `eval_pipeline.toml`, then the environment.

Each leaf of the schema can stand in the file or in an environment variable: `gate.evidence` is
`EVAL_PIPELINE_GATE_EVIDENCE`, and an entry of a table is `EVAL_PIPELINE_THRESHOLDS_TONE` (`-` in a name is `_`) or, for
all at once, `EVAL_PIPELINE_THRESHOLDS='{tone = 0.9}'`. An unknown key or a bad value is an error, never ignored.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from eval_pipeline.errors import SettingsError
from eval_pipeline.settings.schema import SECRET_KEY, Settings, WebhookUrl

FILE_NAME = "eval_pipeline.toml"
PREFIX = "EVAL_PIPELINE_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
DEBUG_VARIABLE = PREFIX + "DEBUG"
"""Set to show where an internal error happened."""
NO_SETTINGS = frozenset({CONFIG_VARIABLE, DEBUG_VARIABLE})
SHOWN_VALUE = 80
"""Characters of a bad value that a message shows."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force and where each comes from."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to the file or variable that set it; a key that is not here has its default."""
    path: Path | None
    """The file that was read, if any."""

    def origin(self, key: str) -> str:
        """What set a key or an entry of it: files and variables, or `default`."""
        named = [place for known, place in self.origins.items() if known == key or known.startswith(key + ".")]
        return ", ".join(dict.fromkeys(named)) or "default"


def load_settings(config: Path | None = None, environ: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read the settings: `config`, else `$EVAL_PIPELINE_CONFIG`, else `eval_pipeline.toml` if it is here.

    Raises:
        SettingsError: a named file is missing or unreadable, a key is unknown, or a value is not allowed.
    """
    environ = os.environ if environ is None else environ
    path = _find_file(config, environ)
    values = _read_file(path) if path else {}
    origins = {key: str(path) for key, _ in _leaves(values)}
    _check_keys(values, Settings, "", str(path))
    settings = _validate(values, origins)
    for variable, raw in sorted(environ.items()):
        if variable.startswith(PREFIX) and variable not in NO_SETTINGS:
            keys = _locate(variable, values)
            value, key = _parse(raw, keys), ".".join(keys)
            _put(values, keys, value)
            origins = {known: place for known, place in origins.items() if not _same_or_within(known, key)}
            origins.update((leaf, variable) for leaf, _ in _leaves({key: value}))
            _check_keys(values, Settings, "", variable)
            settings = _validate(values, origins)
    _check_targets(settings, origins)
    return LoadedSettings(settings if path is None else _placed(settings, path), origins, path)


def _check_targets(settings: Settings, origins: Mapping[str, str]) -> None:
    for key, target in (("target", settings.target), ("judge", settings.judge)):
        if target.missing:
            place = next((origins[each] for each in origins if _same_or_within(each, key)), "settings")
            raise _error(f"{place}: {key}.kind = {target.kind!r} needs {key}.{target.missing[0]}")


def _placed(settings: Settings, path: Path) -> Settings:
    """With the folders that count from the settings file in full."""
    home = path.absolute().parent
    runner = settings.runner.model_copy(update={"folder": home / (settings.runner.folder or "")})
    datasets = [str(home / each) for each in settings.datasets]
    return settings.model_copy(update={"runner": runner, "datasets": datasets})


UNREADABLE_TOML = (ValueError, RecursionError)
"""What tomllib raises: its own error is a ValueError, and so is a number of thousands of digits."""


def _error(message: str) -> SettingsError:
    """One line, whatever stands in a key or a name."""
    return SettingsError(" ".join(message.split()))


def _find_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    here = Path(FILE_NAME)
    return here if here.exists() else None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise _error(f"no settings file at {path}: check --config or {CONFIG_VARIABLE}") from None
    except OSError as problem:
        raise _error(f"{path} can't be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise _error(f"{path} is no text in UTF-8: {problem}") from problem
    except UNREADABLE_TOML as problem:
        raise _error(f"{path} is no valid TOML: {problem}") from problem


def _check_keys(values: Mapping[str, Any], table: type[BaseModel], at: str, place: str) -> None:
    for key, value in values.items():
        if key not in table.model_fields:
            raise _error(_unknown(f"{place}: unknown key {at}{key}", key, table.model_fields))
        inner = _table_type(table.model_fields[key].annotation)
        if inner and isinstance(value, dict):
            entries = value.items() if _is_map(table.model_fields[key].annotation) else [("", value)]
            for name, entry in entries:
                if isinstance(entry, dict):
                    _check_keys(entry, inner, f"{at}{key}.{name + '.' if name else ''}", place)


def _unknown(problem: str, key: str, allowed: Iterable[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(key, list(allowed), n=1, cutoff=0.6)
    known = ", ".join(prefix + each for each in sorted(allowed))
    hint = f"did you mean {prefix}{near[0]}?" if near else f"known are {known}"
    return f"{problem}: {hint}"


def _table_type(annotation: Any) -> type[BaseModel] | None:
    """The table that a field holds, directly or as the entries of a map; `None` for a plain value."""
    candidates = (annotation, *get_args(annotation))
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def _locate(variable: str, values: Mapping[str, Any]) -> list[str]:
    """The key that an environment variable sets."""
    rest = variable.removeprefix(PREFIX)
    keys = _match(rest.lower(), Settings, values)
    if keys is None:
        allowed = ["_".join(path).upper() for path in _all_keys(Settings)]
        raise _error(_unknown(f"unknown environment variable {variable}", rest, [*allowed, "CONFIG"], PREFIX))
    return keys


def _match(rest: str, table: type[BaseModel], values: Mapping[str, Any]) -> list[str] | None:
    for key, info in sorted(table.model_fields.items(), key=lambda item: -len(item[0])):
        if rest == key:
            return [key]
        inner, tail = _table_type(info.annotation), rest.removeprefix(key + "_")
        if not tail or tail == rest:
            continue
        within = values.get(key, {})
        if _is_map(info.annotation) and inner is None:
            return [key, _entry_name(tail, within)]
        if _is_map(info.annotation) and inner is not None:
            field = next((name for name in inner.model_fields if tail.endswith("_" + name)), None)
            if field:
                return [key, _entry_name(tail.removesuffix("_" + field), within), field]
        elif inner is not None and (found := _match(tail, inner, within)):
            return [key, *found]
    return None


def _entry_name(tail: str, within: Mapping[str, Any]) -> str:
    """The entry that `memory_write` means: one of the file written so, else `memory-write`."""
    return next((name for name in within if name.lower().replace("-", "_") == tail), tail.replace("_", "-"))


def _all_keys(table: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, info in table.model_fields.items():
        inner = _table_type(info.annotation)
        if inner is not None and not _is_map(info.annotation):
            yield from _all_keys(inner, (*at, key))
        else:
            yield (*at, key)


def _parse(raw: str, keys: Iterable[str]) -> Any:
    """A variable's text: as it is where the key holds text, else as TOML would read it; what is no TOML is text."""
    if _holds_text(keys):
        return raw
    try:
        document = tomllib.loads(f"value = {raw}")
    except UNREADABLE_TOML:
        return raw
    return document["value"] if document.keys() == {"value"} else raw


def _holds_text(keys: Iterable[str]) -> bool:
    kind: Any = Settings
    for key in keys:
        kind = get_args(kind)[1] if _is_map(kind) else kind.model_fields[key].annotation
    if get_origin(kind) in {list, dict}:
        return False
    kinds = (get_args(each)[0] if get_origin(each) is Annotated else each for each in [kind, *get_args(kind)])
    return any(each in {str, Path, WebhookUrl} for each in kinds)


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
    values[keys[-1]] = value


def _leaves(values: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", value


def _same_or_within(key: str, other: str) -> bool:
    return key == other or key.startswith(other + ".")


def _validate(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        related = (origins[each] for each in origins if _same_or_within(each, key) or _same_or_within(key, each))
        message = first["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        shown = "" if _same_or_within(key, SECRET_KEY) or _same_or_within(SECRET_KEY, key) else _shown(first["input"])
        raise _error(f"{next(related, 'settings')}: {key}{shown} can't be used: {message}") from problem


def _shown(value: Any) -> str:
    text = repr(value)
    return f" = {text if len(text) <= SHOWN_VALUE else text[:SHOWN_VALUE] + '…'}"
